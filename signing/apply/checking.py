"""After each signature: is the result what was asked for, and do all signatures still hold?"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from signing.apply.guard import SAVE_AGAIN_EN, SAVE_AGAIN_VI, only_our_errors
from signing.errors import BrokenResult, LevelNotReached, NotASignablePdf, WouldBreakSignatures
from signing.levels import Level
from signing.report import Changes, SignatureKind, SignatureReport, Verdict
from signing.trust import Trust
from signing.verification.doubts import read_with_doubts
from signing.verification.facts import Later
from signing.verification.verify import MAX_DEPTH, verify

# Comparing the revisions of a larger file takes seconds: there the signed result is judged alone, after the key was used.
MOST_JUDGED_TWICE = 2 << 20  # bytes
EMPTY_VALUE = b"3000"  # a SEQUENCE of nothing, in hexadecimal


def check_readable(before: bytes, document: bytes, field: str, hole: tuple[int, int]) -> None:
    """Asked before the key is used: our verification finds the signature where it was laid, and no earlier one worse.

    - NotASignablePdf: a damaged or hostile file may be read in two ways; signed, it would mean one thing to us and another to
      somebody else
    - WouldBreakSignatures: what an earlier signature of `before` forbids, a certification or a lock in whatever shape
    """
    with only_our_errors("đọc lại bản chuẩn bị / reading the prepared document"):
        read, doubts = read_with_doubts(_as_if_signed(document, hole))
        found = [each for each in read.signatures if each.field == field]
        asked = [each for each in read.signatures if each.field != field] if len(document) <= MOST_JUDGED_TWICE else []
        earlier = {each.field: read.later(each) for each in asked}
    if doubts:
        said = [each.message.partition(" / ") for each in doubts]
        raise NotASignablePdf(
            f"Các chương trình đọc tệp này khác nhau: {'; '.join(vi for vi, _, _ in said)}; {SAVE_AGAIN_VI}",
            f"Programs read this file in different ways: {'; '.join(en or vi for vi, _, en in said)}; {SAVE_AGAIN_EN}",
        )
    if len(found) != 1 or found[0].byte_range != (0, hole[0], hole[1], len(document) - hole[1]):
        raise NotASignablePdf(
            f"Các chương trình đọc tệp này khác nhau: không thấy chữ ký ở «{field}»; {SAVE_AGAIN_VI}",
            f"Programs read this file in different ways: the signature in “{field}” is not found; {SAVE_AGAIN_EN}",
        )
    doubtful = {name: later for name, later in earlier.items() if _CHANGES[later.changes] < _CHANGES[Changes.PERMITTED]}
    if doubtful:
        _require_no_worse(before, doubtful)


def _require_no_worse(before: bytes, doubtful: Mapping[str, Later]) -> None:
    """Raise WouldBreakSignatures for a signature after which something is not permitted that was so far."""
    with only_our_errors("đọc các chữ ký trước / reading the earlier signatures"):
        read, _ = read_with_doubts(before)
        then = {each.field: read.later(each).changes for each in read.signatures}
    for name, later in doubtful.items():
        if name in then and _CHANGES[later.changes] < _CHANGES[then[name]]:
            why = [each.message.partition(" / ") for each in later.findings[:1]]
            raise WouldBreakSignatures(
                f"Chữ ký «{name}» không cho ký thêm như vậy: {'; '.join(vi for vi, _, _ in why)}",
                f"The signature “{name}” does not allow this signature: {'; '.join(en or vi for vi, _, en in why)}",
            )


def _as_if_signed(document: bytes, hole: tuple[int, int]) -> bytes:
    """With an empty DER value in the hole: a place that holds nothing at all is nobody's signature."""
    start = hole[0] + 1
    return b"".join((document[:start], EMPTY_VALUE, document[start + len(EMPTY_VALUE) :]))


def check_result(
    before: bytes, after: bytes, *, field: str, certificate: bytes, trust: Trust | None, at: datetime | None = None
) -> SignatureReport:
    """The judgement of the signature. BrokenResult or WouldBreakSignatures unless `after` adds exactly it to `before`."""
    _check_prefix(before, after)
    ours = still_valid(before, after, trust, at=at).get(field)
    if ours is None or not ours.intact or not ours.covers_whole_file or ours.certificate != certificate:
        said = "không có / none" if ours is None else _said(ours)
        raise BrokenResult(
            f"Chữ ký trong «{field}» không khớp với tài liệu: {said}",
            f"The signature in “{field}” does not fit the document: {said}",
        )
    return ours


def check_archived(
    before: bytes, after: bytes, *, trust: Trust | None = None, at: datetime | None = None
) -> dict[str, SignatureReport]:
    """The judgement by field. BrokenResult or WouldBreakSignatures unless `after` only adds proof to `before`."""
    _check_prefix(before, after)
    return still_valid(before, after, trust, at=at)


def check_level(wanted: Level, reports: Iterable[SignatureReport], document: bytes) -> None:
    """Raise LevelNotReached, which carries `document`, if one of these signatures is below the level by those who are trusted.

    A signature that is of no baseline level at all (another format) is left out: proof can be added, a level it has none.
    """
    levels = {each.field: Level(each.level) for each in reports if each.level}
    short = {field: level for field, level in levels.items() if level < wanted}
    if short or not levels:
        reached = min(short.values(), key=Level.rank, default="")
        said = ", ".join(f"{field}: {level}" for field, level in short.items()) or "-"
        raise LevelNotReached(
            f"Cần mức {wanted}; theo các tổ chức được tin cậy chỉ đạt {said}",
            f"Level {wanted} was asked for; by those who are trusted it is {said}",
            signed=document,
            reached=reached,
        )


def _check_prefix(before: bytes, after: bytes) -> None:
    if not after.startswith(before) or len(after) == len(before):
        raise BrokenResult("Bản mới không giữ nguyên bản trước", "The result does not begin with the earlier revision")


def still_valid(before: bytes, after: bytes, trust: Trust | None, *, at: datetime | None = None) -> dict[str, SignatureReport]:
    """Raise WouldBreakSignatures if a signature of `before` is judged worse in `after`, BrokenResult if a new one is broken.

    The judgement of `after`, by field. Without `trust` only integrity and later changes count, not whose signatures they are.
    """

    def judged(pdf: bytes) -> dict[str, SignatureReport]:
        # Attachments have their own signatures, which a new revision of this file cannot touch: they are not opened.
        report = verify(pdf, trust or Trust(version="none", roots=()), at=at, depth=MAX_DEPTH)
        return {each.field: each for each in report.signatures}

    now = judged(after)
    doubtful = {field: each for field, each in now.items() if not _holds(each, trusted=trust is not None)}
    if not doubtful:
        return now
    then = judged(before) if before != after else {}
    for field, each in doubtful.items():
        if field not in then:
            if _rank(each, trusted=False) < BEST:
                raise BrokenResult(
                    f"Chữ ký mới «{field}» không hợp lệ: {_said(each)}",
                    f"The new signature “{field}” is not valid: {_said(each)}",
                )
        elif _rank(each, trusted=trust is not None) < _rank(then[field], trusted=trust is not None):
            raise WouldBreakSignatures(
                f"Chữ ký «{field}» sẽ mất hiệu lực: {_said(each)}",
                f"The signature “{field}” would no longer hold: {_said(each)}",
            )
    return now


_CHANGES = {Changes.NONE: 2, Changes.PERMITTED: 2, Changes.NOT_UNDERSTOOD: 1, Changes.FORBIDDEN: 0}

# Intact, nothing forbidden since; the verdict counts only where somebody said whom to trust.
BEST = (1, 2, 0)


def _rank(report: SignatureReport, *, trusted: bool) -> tuple[int, int, int]:
    verdicts = {Verdict.TOTAL_PASSED: 2, Verdict.INDETERMINATE: 1}
    # A timestamp whose authority nobody named is judged no further; its digest and token were checked when it was put in.
    unnamed = report.kind is SignatureKind.DOC_TIMESTAMP and report.verdict is not Verdict.TOTAL_FAILED
    return int(report.intact or unnamed), _CHANGES[report.changes_after], verdicts.get(report.verdict, 0) if trusted else 0


def _holds(report: SignatureReport, *, trusted: bool) -> bool:
    return _rank(report, trusted=False) == BEST and (not trusted or report.verdict is Verdict.TOTAL_PASSED)


def _said(report: SignatureReport) -> str:
    findings = ", ".join(finding.code for finding in report.findings)
    return f"{report.verdict} {report.sub_indication or ''} {report.changes_after} [{findings}]"
