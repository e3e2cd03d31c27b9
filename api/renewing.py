"""`soky renew`: new archive timestamps over many files before the old ones lose their force.

    for result in renew_files(paths, plan):
        print(result.text)

PDF, XML, packages and detached signatures (`api.renewable`). One result per file, whatever happens to the others. A file is
replaced whole or not at all, and only by one that keeps all that it held, whose signatures all still pass, and whose archive
timestamp holds longer. Running the same command again goes on where the first run stopped: with `before`, a renewed file is
no longer due; with a journal, its line names the digest.
"""

import hashlib
import json
import logging
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import signing
from api.checking import WORDS
from api.file_problems import file_problem
from api.renewable import Held, Item, Refused, read_item, renewables
from api.walking import signature_beside
from api.whole_files import write_whole
from signing.findings import sides
from signing.visible import visible

# What is told of a file and is no reason why it does not pass.
_NO_REASONS = {"ATTACHMENTS", "COVERS", "ENVELOPED", "NO_TIMESTAMP", "REVOCATION_UNKNOWN", "LEVEL_NOT_MET", "PERMITTED_CHANGE"}
log = logging.getLogger("soky.renewing")
LARGEST_LINE = 10_000  # of a journal


class Outcome(StrEnum):
    """What became of one file."""

    RENEWED = "RENEWED"
    NOT_DUE = "NOT_DUE"  # its timestamp holds beyond the date
    DONE_BEFORE = "DONE_BEFORE"  # the journal says that this very file was renewed
    REFUSED = "REFUSED"
    NOT_SIGNED = "NOT_SIGNED"  # it stands in a folder and carries no signature


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """One file's result."""

    path: Path
    outcome: Outcome
    code: str = ""  # why it was refused
    message: str = ""
    held_until: datetime | None = None  # the archive timestamp, before
    holds_until: datetime | None = None  # and now
    sha256: str = ""  # of the file as it is now

    def to_json(self) -> dict[str, Any]:
        """A line of the journal and of `--json`."""
        return {
            "file": str(self.path),
            "outcome": str(self.outcome),
            "code": self.code,
            "message": self.message,
            "held_until": self.held_until.isoformat() if self.held_until else None,
            "holds_until": self.holds_until.isoformat() if self.holds_until else None,
            "sha256": self.sha256,
        }

    @property
    def text(self) -> str:
        """For people."""
        words = {
            Outcome.RENEWED: "ĐÃ GIA HẠN / RENEWED",
            Outcome.NOT_DUE: "CHƯA ĐẾN HẠN / NOT DUE",
            Outcome.DONE_BEFORE: "ĐÃ GIA HẠN LẦN TRƯỚC / DONE BEFORE",
            Outcome.NOT_SIGNED: "KHÔNG CÓ CHỮ KÝ / NOT SIGNED",
            Outcome.REFUSED: "KHÔNG GIA HẠN ĐƯỢC / REFUSED",
        }
        held = f"{self.held_until:%d/%m/%Y} → " if self.held_until and self.held_until != self.holds_until else ""
        until = f" · đến / until {held}{self.holds_until:%d/%m/%Y}" if self.holds_until else ""
        reason = f" · {self.code}: {visible(self.message)}" if self.code else ""
        return f"{visible(str(self.path))}: {words[self.outcome]}{until}{reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """With what, and which files."""

    timestamper: signing.Timestamper
    evidence: signing.Evidence
    trust: signing.Trust
    before: datetime | None = None  # only what loses its force before this; None: everything
    journal: Path | None = None  # a line of JSON per file, added as the work goes on
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


def renew_files(paths: Iterable[Path], plan: Plan) -> Iterator[Renewal]:
    """A result for each file that is named or stands in a folder that is named, in order. OSError: the journal is closed."""
    done = _done(plan.journal)
    if plan.journal is not None:
        plan.journal.open("ab").close()  # before anything is renewed: what cannot be noted is not begun
    for item in renewables(paths):
        result = _renewed(item, plan, done)
        if result is None:
            continue
        if plan.journal is not None and result.outcome is not Outcome.DONE_BEFORE:
            _note(plan.journal, result)
        yield result


def _renewed(item: Item, plan: Plan, done: Mapping[str, str]) -> Renewal | None:
    """None: the item is the file of a detached signature and carries none itself."""
    try:
        return _result(item, plan, done)
    except Refused as refusal:
        return Renewal(path=item.path, outcome=Outcome.REFUSED, code=refusal.code, message=refusal.message)
    except signing.SigningError as error:
        return Renewal(path=item.path, outcome=Outcome.REFUSED, code=error.code, message=str(error))
    except Exception:
        # A mistake of ours in one file must not leave the thousand after it to their fate. It stands in the log.
        log.exception("a fault while renewing %s", visible(str(item.path)))
        message = "lỗi của chương trình, xem nhật ký / a fault of this program, see its log"
        return Renewal(path=item.path, outcome=Outcome.REFUSED, code="FAULT", message=message)


def _result(item: Item, plan: Plan, done: Mapping[str, str]) -> Renewal | None:
    if not item.named and item.path.is_symlink():
        raise Refused("LINK", "là liên kết, tệp thật ở nơi khác / a link: the file stands elsewhere, name it there")
    held = read_item(item)
    digest = hashlib.sha256(held.content).hexdigest()
    if done.get(str(item.path.resolve())) == digest:
        return Renewal(path=item.path, outcome=Outcome.DONE_BEFORE, sha256=digest)
    report = _report(held, plan)
    beside = signature_beside(item.path)
    if not report.signatures and report.verdict is signing.Verdict.NO_SIGNATURE:
        if beside is not None:
            return None
        if not item.named:
            return Renewal(path=item.path, outcome=Outcome.NOT_SIGNED, sha256=digest)
    _require_passed(report, "BEFORE")
    until = _holds_until(report)
    if plan.before is not None and until is not None and until >= plan.before:
        return Renewal(path=item.path, outcome=Outcome.NOT_DUE, held_until=until, holds_until=until, sha256=digest)
    if beside is not None:
        raise Refused(
            "DETACHED_BESIDE",
            f"gia hạn tệp này sẽ làm hỏng chữ ký rời {beside.name} / to renew this file would break its detached signature",
        )
    longer = held.extended(plan.timestamper, plan.evidence, plan.trust)
    held.require_kept(longer)
    after = _report(replace(held, content=longer), plan)
    _require_passed(after, "AFTER")
    _require_signers(report, after)
    _require_good_proof(report, after)
    holds = _holds_until(after)
    _require_gain(until, holds, wanted=plan.before is not None)
    _replace(item.path, longer, digest)
    return Renewal(
        path=item.path,
        outcome=Outcome.RENEWED,
        held_until=until,
        holds_until=holds,
        sha256=hashlib.sha256(longer).hexdigest(),
    )


def _report(held: Held, plan: Plan) -> signing.Report:
    if held.data is None:
        return signing.verify_untrusted(held.content, plan.trust, at=plan.clock())
    return signing.verify_untrusted(held.data, plan.trust, at=plan.clock(), signature=held.content)


def _require_passed(report: signing.Report, when: str) -> None:
    """A file is renewed only while everything in it passes: a new timestamp must not keep a doubt for ever."""
    if report.verdict is signing.Verdict.TOTAL_PASSED:
        return
    bad = (each for each in report.signatures if each.verdict is not signing.Verdict.TOTAL_PASSED)
    told = [f for f in (*report.findings, *(f for each in bad for f in each.findings)) if f.code not in _NO_REASONS]
    word_vi, _, word_en = WORDS[report.verdict].partition(" / ")
    vi, en = sides(told[:1])
    raise Refused(f"NOT_VALID_{when}", f"{_said(word_vi, vi)} / {_said(word_en, en)}")


def _require_good_proof(before: signing.Report, after: signing.Report) -> None:
    """The new timestamp counts: where it does not, the earlier ones may still carry the file, and nothing is won."""
    known = Counter(f.message for each in before.signatures for f in each.findings)
    for each in after.signatures:
        doubts = [f for f in each.findings if f.code.startswith("TIMESTAMP_") and not known[f.message]]
        if doubts:
            raise Refused("TIMESTAMP_NOT_GOOD", doubts[0].message)


def _said(word: str, reason: str) -> str:
    return f"{word}: {reason}" if reason else word


def _require_signers(before: signing.Report, after: signing.Report) -> None:
    """Everybody who had signed still stands there, with the same certificate and time."""
    then, now = (
        Counter((each.field, each.certificate, each.claimed_time) for each in report.signatures) for report in (before, after)
    )
    if not then <= now:
        raise Refused("SIGNERS_DIFFER", "bản mới thiếu một chữ ký / a signature is missing in the new file")


def _holds_until(report: signing.Report) -> datetime | None:
    """Until when the whole file keeps its proof: the first of its signatures to lose it."""
    dates = [each.renewal_date for each in report.signatures if each.renewal_date is not None and each.kind != "doc_timestamp"]
    return min(dates, default=None)


def _require_gain(held: datetime | None, holds: datetime | None, *, wanted: bool) -> None:
    """`wanted`: files are chosen by their date; one that gains nothing would be chosen, and grow, at every run."""
    if holds is None or (held is not None and (holds < held or (wanted and holds == held))):
        told = f"{held:%d/%m/%Y} → {holds:%d/%m/%Y}" if held and holds else "-"
        raise Refused("NOT_LONGER", f"dấu thời gian mới không giữ lâu hơn / the new timestamp holds no longer ({told})")


def _replace(path: Path, content: bytes, digest: str) -> None:
    """Only the file that was judged is replaced: whoever wrote it meanwhile keeps what they wrote."""
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            raise Refused("CHANGED_MEANWHILE", "tệp đã bị thay trong lúc gia hạn / the file changed during the renewal")
        write_whole(path, content)
    except OSError as problem:
        raise Refused("FILE_NOT_WRITTEN", file_problem(problem)) from problem


def _done(journal: Path | None) -> dict[str, str]:
    """Which file was renewed to which digest. A last line that a power failure cut short is passed over."""
    found: dict[str, str] = {}
    if journal is None or not journal.exists():
        return found
    with journal.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                told = json.loads(line[:LARGEST_LINE])
                if told["outcome"] == Outcome.RENEWED:
                    found[str(Path(told["file"]).resolve())] = str(told["sha256"])
            except (ValueError, KeyError, TypeError):
                continue
    return found


def _note(journal: Path, result: Renewal) -> None:
    """After the file itself: a crash between the two only means that it is looked at once more."""
    with journal.open("ab+") as lines:
        if lines.tell() and not _ends_a_line(lines.fileno(), lines.tell()):
            lines.write(b"\n")
        # The whole path: another run may start in another folder. ASCII: a name need not be text.
        told = {**result.to_json(), "file": str(result.path.resolve())}
        lines.write(json.dumps(told).encode() + b"\n")
        lines.flush()
        os.fsync(lines.fileno())


def _ends_a_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"
