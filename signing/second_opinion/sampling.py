"""Some of what we passed is judged once more by programs that share no code with us; a disagreement becomes an alarm.

    sampling = Sampling(one_of=64, secret=b"of this office")
    if sampling.takes(report):
        look = second_look(pdf, trust, report)
        look.state, look.differences              # State.DIFFERS, (Difference(by="pyhanko", about="changes", ...),)

Which files is decided by their digest and a secret of the office: the same file is taken every time, and nobody outside can
make one that is not taken. Only what passed is looked at: a disagreement lifts nothing.
"""

import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Any

from signing.report import Report, SignatureReport, SubIndication, Verdict
from signing.second_opinion.opinion import Opinion, Says
from signing.second_opinion.opinions import about, compared, in_pdf, second_opinion
from signing.second_opinion.pyhanko_judge import ALL_NAMED, SECONDS, Judged, ask_pyhanko
from signing.second_opinion.words import Word, phrase, told
from signing.trust import Trust

ONE_OF = 64
_SCALE = 1 << 64
BLIND_SPOTS = ("attachments", "active content", "level", "revocation beyond what the file holds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How many are taken: one of so many; 0: none; 1: every one."""

    one_of: int = ONE_OF
    secret: bytes = b""

    def draws(self, digest: str) -> bool:
        """Whether the lot falls on the file with this SHA-256, in hexadecimal."""
        if self.one_of <= 0:
            return False
        drawn = hmac.digest(self.secret, digest.encode(), sha256)
        return int.from_bytes(drawn[:8]) * self.one_of < _SCALE

    def takes(self, report: Report) -> bool:
        """Whether this file is looked at twice. Never a file in which nothing passed."""
        return any(each.verdict is Verdict.TOTAL_PASSED for each in report.signatures) and self.draws(report.sha256)


class State(StrEnum):
    """What the second look came to."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_JUDGED = "not_judged"  # of some signature that passed, pyHanko said nothing: no alarm, and no comfort


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A signature that we passed and another program does not."""

    field: str
    by: str  # "pyhanko", "openssl", "endesive", "xmlsec1"
    about: str  # "digest", "value", "coverage", "changes", "trust"; "" where the program does not say
    detail: str

    @property
    def word(self) -> Word:
        """For people."""
        return phrase(self.by, says=str(Says.INVALID), about=self.about, detail=self.detail)

    def to_json(self) -> dict[str, str]:
        """Plain values."""
        return {"field": self.field, "by": self.by, "about": self.about, "detail": self.detail}

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Difference":
        """What `to_json` told. Raises KeyError."""
        return cls(**{name: str(told[name]) for name in ("field", "by", "about", "detail")})


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondLook:
    """One file, looked at twice."""

    sha256: str
    policy: str  # digest of the trust bundle
    at: datetime
    differences: tuple[Difference, ...] = ()
    not_judged: tuple[str, ...] = ()  # "field: reason"
    named: tuple[str, ...] = ()  # the differences with a name that were met and set aside
    judged: tuple[Judged, ...] = ()
    opinions: tuple[Opinion, ...] = ()

    @property
    def blind_spots(self) -> tuple[str, ...]:
        """What pyHanko is not asked about; the others say their own."""
        return BLIND_SPOTS

    @property
    def state(self) -> State:
        """The worst that was found."""
        if self.differences:
            return State.DIFFERS
        return State.NOT_JUDGED if self.not_judged else State.AGREES


def second_look(
    content: bytes,
    trust: Trust,
    report: Report,
    *,
    signature: bytes | None = None,
    named: Iterable[str] = ALL_NAMED,
    seconds: float = SECONDS,
) -> SecondLook:
    """Ask the others about a file of which we have a report, pyHanko of PDFs alone. Never raises; takes `seconds` and more."""
    pages = tuple(each for each in report.signatures if in_pdf(each))
    judged = ask_pyhanko(content, trust, replace(report, signatures=pages), named=named, seconds=seconds)
    opinions = second_opinion(content, trust, report, signature=signature)
    passed = {each.field: each for each in report.signatures if each.verdict is Verdict.TOTAL_PASSED}
    ours = [each for each in judged if each.field in passed]
    elsewhere = [each for each in passed.values() if not in_pdf(each)]
    return SecondLook(
        sha256=report.sha256,
        policy=trust.digest,
        at=datetime.now(UTC),
        differences=(*_of_pyhanko(ours), *_of_others(passed.values(), opinions)),
        not_judged=(
            *(f"{each.field}: {each.detail}" for each in ours if each.says is Says.CANNOT_JUDGE),
            *(f"{each.field}: {_why_not(each, opinions)}" for each in elsewhere if not _is_judged(each, opinions)),
        ),
        named=tuple(sorted({name for each in ours for name in each.named})),
        judged=judged,
        opinions=opinions,
    )


def _is_judged(report: SignatureReport, opinions: Sequence[Opinion]) -> bool:
    return any(each.says is not Says.CANNOT_JUDGE for each in about(report, opinions))


def _why_not(report: SignatureReport, opinions: Sequence[Opinion]) -> str:
    return "; ".join(f"{each.by}: {each.detail}" for each in about(report, opinions)) or "-"


def with_second_look(report: Report, look: SecondLook) -> Report:
    """The report with what was found: a finding per signature, and no better than INDETERMINATE where another disagrees."""
    differing = {each.field for each in look.differences}
    others = tuple(each if each.field in differing else _with_their_word(each, look) for each in report.signatures)
    return with_differences(replace(report, signatures=others), look.differences)


def with_differences(report: Report, differences: Sequence[Difference]) -> Report:
    """The report with what other programs hold against it: no better than INDETERMINATE, file and signatures."""
    if not differences:
        return report
    verdict = Verdict.INDETERMINATE if report.verdict is Verdict.TOTAL_PASSED else report.verdict
    return replace(report, signatures=tuple(_doubted(each, differences) for each in report.signatures), verdict=verdict)


def _doubted(report: SignatureReport, differences: Sequence[Difference]) -> SignatureReport:
    against = [each for each in differences if each.field == report.field]
    if not against:
        return report
    more = replace(report, findings=(*report.findings, told("SECOND_OPINION_DISAGREES", [each.word for each in against])))
    if report.verdict is not Verdict.TOTAL_PASSED:
        return more
    return replace(more, verdict=Verdict.INDETERMINATE, sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE)


def _with_their_word(report: SignatureReport, look: SecondLook) -> SignatureReport:
    if not in_pdf(report):  # pyHanko has nothing to add
        told_already = any(each.code.startswith("SECOND_OPINION") for each in report.findings)
        return report if told_already else compared(report, look.opinions)
    judged = next((each for each in look.judged if each.field == report.field), None)
    if judged is None or judged.says is Says.CANNOT_JUDGE:
        why = judged.detail if judged else "no answer"
        more = told("SECOND_OPINION_NONE", [phrase("pyHanko", says=str(Says.CANNOT_JUDGE), detail=why)])
    elif (judged.says is Says.VALID) == (report.verdict is Verdict.TOTAL_PASSED):
        aside = ", ".join(judged.named)
        agreed = phrase("pyHanko", says=str(judged.says), about=judged.about, detail=aside, without=BLIND_SPOTS)
        more = told("SECOND_OPINION_AGREES", [agreed])
    else:
        # We are the stricter: told, and nothing follows from it.
        strict = phrase("pyHanko", says=str(judged.says), about=judged.about, detail=judged.detail)
        more = told("SECOND_OPINION_DISAGREES", [strict])
    return replace(report, findings=(*report.findings, more))


def _of_pyhanko(judged: Sequence[Judged]) -> Iterator[Difference]:
    for each in judged:
        if each.says is Says.INVALID:
            yield Difference(field=each.field, by="pyhanko", about=each.about, detail=each.detail)


def _of_others(passed: Iterable[SignatureReport], opinions: Sequence[Opinion]) -> Iterator[Difference]:
    for report in passed:
        for each in about(report, opinions):
            if each.says is Says.INVALID:
                yield Difference(field=report.field, by=each.by, about="", detail=each.detail)
