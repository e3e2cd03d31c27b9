"""`soky renew`: new archive timestamps over many files before the old ones lose their force.

    for result in renew_files(paths, plan):
        print(result.text)

One result per file, whatever happens to the others. A file is replaced whole or not at all, and only by bytes that begin
with its own, whose signatures all still pass, and whose archive timestamp holds longer. Running the same command again goes
on where the first run stopped: with `before`, a renewed file is no longer due; with a journal, its line names the digest.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import signing
from signing.visible import visible

LARGEST_FILE = 512 * 1024 * 1024
LARGEST_LINE = 10_000  # of a journal


class Outcome(StrEnum):
    """What became of one file."""

    RENEWED = "RENEWED"
    NOT_DUE = "NOT_DUE"  # its timestamp holds beyond the date
    DONE_BEFORE = "DONE_BEFORE"  # the journal says that this very file was renewed
    REFUSED = "REFUSED"


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
            Outcome.REFUSED: "KHÔNG GIA HẠN ĐƯỢC / REFUSED",
        }
        until = f" · đến / until {self.holds_until:%d/%m/%Y}" if self.holds_until else ""
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


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def renew_files(paths: Iterable[Path], plan: Plan) -> Iterator[Renewal]:
    """A result for each PDF that is named or stands in a folder that is named, in order."""
    done = _done(plan.journal)
    for path in pdfs(paths):
        result = _renewed(path, plan, done)
        if plan.journal is not None and result.outcome is not Outcome.DONE_BEFORE:
            _note(plan.journal, result)
        yield result


def pdfs(paths: Iterable[Path]) -> Iterator[Path]:
    """Folders are walked; a file that is named is taken whatever it is called. Nothing twice."""
    seen: set[Path] = set()
    for path in paths:
        for found in sorted(path.rglob("*.pdf")) if path.is_dir() else (path,):
            if (real := found.resolve()) not in seen:
                seen.add(real)
                yield found


def _renewed(path: Path, plan: Plan, done: Mapping[str, str]) -> Renewal:
    try:
        content = _read(path)
        digest = hashlib.sha256(content).hexdigest()
        if done.get(str(path.resolve())) == digest:
            return Renewal(path=path, outcome=Outcome.DONE_BEFORE, sha256=digest)
        now = plan.clock()
        held = _holds_until(_checked(content, plan.trust, now, "BEFORE"))
        if plan.before is not None and held is not None and held >= plan.before:
            return Renewal(path=path, outcome=Outcome.NOT_DUE, held_until=held, holds_until=held, sha256=digest)
        renewed = _longer(content, plan)
        holds = _holds_until(_checked(renewed, plan.trust, plan.clock(), "AFTER"))
        _require_gain(content, renewed, held, holds, wanted=plan.before is not None)
        _replace(path, renewed, digest)
    except _Refused as refusal:
        return Renewal(path=path, outcome=Outcome.REFUSED, code=refusal.code, message=refusal.message)
    return Renewal(
        path=path,
        outcome=Outcome.RENEWED,
        held_until=held,
        holds_until=holds,
        sha256=hashlib.sha256(renewed).hexdigest(),
    )


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _Refused("TOO_LARGE", f"tệp quá lớn / the file is too large: {path.stat().st_size}")
        return path.read_bytes()
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise _Refused("FILE_UNREADABLE", f"không mở được / cannot be opened: {reason}") from problem


def _checked(content: bytes, trust: signing.Trust, now: datetime, when: str) -> signing.Report:
    """A file is renewed only while everything in it passes: a new timestamp must not keep a doubt for ever."""
    report = signing.verify_untrusted(content, trust, at=now)
    if report.verdict is not signing.Verdict.TOTAL_PASSED:
        told = [*report.findings, *(each for signature in report.signatures for each in signature.findings)]
        reason = next((each.message for each in told), str(report.verdict))
        raise _Refused(f"NOT_VALID_{when}", f"{report.verdict}: {reason}")
    return report


def _holds_until(report: signing.Report) -> datetime | None:
    """Until when the whole file keeps its proof: the first of its signatures to lose it."""
    dates = [each.renewal_date for each in report.signatures if each.renewal_date is not None and each.kind != "doc_timestamp"]
    return min(dates, default=None)


def _longer(content: bytes, plan: Plan) -> bytes:
    (result,) = signing.renew([("", content)], timestamper=plan.timestamper, evidence=plan.evidence, trust=plan.trust)
    if result.document is None:
        error = result.error
        raise _Refused(error.code if error else "SIGNING", str(error))
    return result.document


def _require_gain(before: bytes, after: bytes, held: datetime | None, holds: datetime | None, *, wanted: bool) -> None:
    """`wanted`: files are chosen by their date; one that gains nothing would be chosen, and grow, at every run."""
    if not after.startswith(before):
        raise _Refused("NOT_APPENDED", "bản mới không nối tiếp bản cũ / the new file does not begin with the old one")
    if holds is None or (held is not None and (holds < held or (wanted and holds == held))):
        raise _Refused(
            "NOT_LONGER", f"dấu thời gian mới không giữ lâu hơn / the new timestamp holds no longer: {held} → {holds}"
        )


def _replace(path: Path, content: bytes, digest: str) -> None:
    """Temp file, fsync, rename, fsync of the folder: after a power failure the old file or the new one is there."""
    real = path.resolve()  # a symbolic link stays one
    try:
        if hashlib.sha256(real.read_bytes()).hexdigest() != digest:
            raise _Refused("CHANGED_MEANWHILE", "tệp đã bị thay trong lúc gia hạn / the file changed during the renewal")
        mode = real.stat().st_mode
        with tempfile.NamedTemporaryFile(dir=real.parent, prefix=f".{real.name}.", delete=False) as half:
            half.write(content)
            half.flush()
            os.fsync(half.fileno())
        Path(half.name).chmod(mode)
        Path(half.name).replace(real)
        folder = os.open(real.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as problem:
        raise _Refused("FILE_NOT_WRITTEN", f"không ghi được / cannot be written: {problem.strerror or problem}") from problem


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
        lines.write(json.dumps(result.to_json(), ensure_ascii=False).encode() + b"\n")
        lines.flush()
        os.fsync(lines.fileno())


def _ends_a_line(descriptor: int, size: int) -> bool:
    return os.pread(descriptor, 1, size - 1) == b"\n"
