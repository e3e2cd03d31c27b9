"""pyHanko as a judge of what we passed: digest, value, coverage, later changes, and trust by our bundle at our moment.

    for judged in ask_pyhanko(pdf, trust, report):
        judged.says, judged.about, judged.named          # Says.INVALID, "changes", ()

It reads the file with its own reader, in a process of its own with a limit on time and memory, and fetches nothing. It is
slow: 1.5 s for its imports, 15 to 20 s for a tagged class book. So it is asked about samples, after the answer was given.
"""

import json
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from signing.report import Report
from signing.second_opinion.limited import plain_environment, run, short_name
from signing.second_opinion.opinion import MAX_BYTES, Says
from signing.second_opinion.words import Word, reason
from signing.trust import Trust

SECONDS = 120.0  # per file; ten signatures on a tagged class book of 45 pupils take 15 to 20
MEMORY_BYTES = 2 * 1024 * 1024 * 1024  # it keeps the whole file and every object that it read
# Literally the keys of `named_differences.NAMED`: that module imports pyHanko, and only the judge's process does so here.
ALL_NAMED = ("annotations", "freed", "tags", "widget")
_MAX_DETAIL = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """pyHanko on one signature."""

    field: str
    end: int  # where the signed revision ends; 0 where it did not get so far
    says: Says
    about: str = ""  # what it objects to: "digest", "value", "coverage", "changes", "trust"
    detail: str = ""
    named: tuple[str, ...] = ()  # the differences with a name that it set aside

    @property
    def reason(self) -> Word:
        """Why, where it does not simply agree."""
        return reason(self.about, self.detail, ", ".join(self.named))

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "field": self.field,
            "end": self.end,
            "says": str(self.says),
            "about": self.about,
            "detail": self.detail,
            "named": list(self.named),
        }


def ask_pyhanko(
    pdf: bytes, trust: Trust, report: Report, *, named: Iterable[str] = ALL_NAMED, seconds: float = SECONDS
) -> tuple[Judged, ...]:
    """One for each signature of the report in the PDF, in its order; CANNOT_JUDGE where nothing came in time. Never raises.

    `named`: the differences that are set aside; without them pyHanko judges as it comes.
    """
    if not report.signatures:
        return ()
    if len(pdf) > MAX_BYTES:
        told: dict[str, Judged] = {}
        missing = "too large"
    else:
        told, missing = _asked(json.dumps(question(trust, report, named)).encode() + b"\n" + pdf, seconds)
    return tuple(
        replace(told[name], field=each.field)
        if (name := short_name(each.field)) in told
        else Judged(field=each.field, end=each.signed_bytes or 0, says=Says.CANNOT_JUDGE, detail=missing)
        for each in report.signatures
    )


def _asked(content: bytes, seconds: float) -> tuple[dict[str, Judged], str]:
    """What was told by field, and why there is no more."""
    with tempfile.TemporaryDirectory(prefix="soky-pyhanko-") as folder:
        said = run(
            [sys.executable, "-P", "-m", "signing.second_opinion.pyhanko_worker"],
            folder=Path(folder),
            content=content,
            environment=plain_environment(PYTHONPATH=str(Path(__file__).resolve().parents[2])),
            seconds=seconds,
            memory_bytes=MEMORY_BYTES,
        )
    if said is None:
        return {}, "no answer"
    fault = said.err.strip().splitlines()[-1:] or [f"exit {said.code}"]
    missing = f"longer than {seconds:g} s" if not said.in_time else f"not told; {fault[0][:_MAX_DETAIL]}"
    return {each.field: each for each in _read(said.out)}, missing


def question(trust: Trust, report: Report, named: Iterable[str]) -> dict[str, object]:
    """What the judge's process is asked, beside the file."""

    def text(der: bytes) -> str:
        return b64encode(der).decode()

    # Each signature at the moment at which our report judged it: its proved time, else the time of the check.
    moments = {each.field: each.best_time or report.checked_at for each in report.signatures}
    return {
        "trust": {
            "roots": [
                (text(each.certificate.der), each.since.isoformat(), each.until.isoformat(), str(each.use))
                for each in trust.roots
            ],
            "intermediates": [text(each) for each in trust.intermediates],
            "lists": [text(each) for each in trust.revocation_lists],
        },
        "moments": {short_name(field): moment.isoformat() for field, moment in moments.items() if moment},
        "named": list(named),
    }


def _read(out: str) -> Iterator[Judged]:
    """The lines; what is no line of ours is passed over: the process of a hostile file may print anything."""
    for line in out.splitlines():
        try:
            told = json.loads(line)
            yield Judged(
                field=str(told["field"]),
                end=int(told["end"]),
                says=Says(told["says"]),
                about=str(told["about"])[:20],
                detail=str(told["detail"])[:_MAX_DETAIL],
                named=tuple(str(each) for each in told["named"] if each in ALL_NAMED),
            )
        except (ValueError, KeyError, TypeError):
            continue
