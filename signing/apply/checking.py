"""After each signature: is the result what was asked for, and do all signatures still hold?"""

import hashlib
import io
from datetime import datetime

from asn1crypto import cms as asn1_cms
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.apply.fields import Filled, filled_fields
from signing.apply.opening import only_our_errors
from signing.errors import SigningError, WouldBreakSignatures
from signing.report import Changes, SignatureKind, SignatureReport, Verdict
from signing.trust import Trust


class BrokenResult(SigningError):
    """The signed document is not what was asked for: it is thrown away. This is a fault of the program."""

    code = "BROKEN_RESULT"


def check_result(
    before: bytes, after: bytes, *, field: str, certificate: bytes, trust: Trust | None, at: datetime | None = None
) -> None:
    """Raise BrokenResult or WouldBreakSignatures unless `after` adds exactly this signature to `before`."""
    if not after.startswith(before) or len(after) == len(before):
        raise BrokenResult("Bản ký không giữ nguyên bản trước", "The result does not begin with the earlier revision")
    with only_our_errors("kiểm tra kết quả / checking the result"):
        ours = [filled for filled in filled_fields(PdfFileReader(io.BytesIO(after))) if filled.name == field]
        if len(ours) != 1 or not _is_right(ours[0], after, certificate):
            raise BrokenResult(
                f"Chữ ký trong «{field}» không khớp với tài liệu", f"The signature in “{field}” does not fit the document"
            )
    still_valid(before, after, trust, at=at)


def _is_right(filled: Filled, after: bytes, certificate: bytes) -> bool:
    """The byte range is the whole file but the hole, the digest fits, and the CMS is made by this certificate."""
    start, first, second, last = filled.byte_range
    if start != 0 or second + last != len(after) or after[first : first + 1] != b"<" or after[second - 1 : second] != b">":
        return False
    signed = asn1_cms.ContentInfo.load(filled.contents)["content"]
    (info,) = signed["signer_infos"]
    attributes = {attribute["type"].native: attribute["values"] for attribute in info["signed_attrs"]}
    digest = hashlib.new(info["digest_algorithm"]["algorithm"].native)
    digest.update(memoryview(after)[:first])
    digest.update(memoryview(after)[second:])
    named = attributes["signing_certificate_v2"][0]["certs"][0]["cert_hash"].native
    return bool(attributes["message_digest"][0].native == digest.digest() and named == hashlib.sha256(certificate).digest())


def still_valid(before: bytes, after: bytes, trust: Trust | None, *, at: datetime | None = None) -> None:
    """Raise WouldBreakSignatures if a signature of `before` is judged worse in `after`, BrokenResult if a new one is broken.

    Judged by our own verification. Without `trust` only integrity and later changes count, not whose signatures they are.
    """
    # The verifying half is loaded when the first result is checked: a process that only prepares stays small.
    from signing.verification.verify import MAX_DEPTH, verify

    def judged(pdf: bytes) -> dict[str, SignatureReport]:
        # Attachments have their own signatures, which a new revision of this file cannot touch: they are not opened.
        report = verify(pdf, trust or Trust(version="none", roots=()), at=at, depth=MAX_DEPTH)
        return {each.field: each for each in report.signatures}

    now = judged(after)
    doubtful = {field: each for field, each in now.items() if not _holds(each, trusted=trust is not None)}
    if not doubtful:
        return
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


def check_archived(before: bytes, after: bytes, *, at: datetime | None = None) -> None:
    """Raise BrokenResult or WouldBreakSignatures unless `after` only adds proof to `before`."""
    if not after.startswith(before) or len(after) == len(before):
        raise BrokenResult("Bản mới không giữ nguyên bản trước", "The result does not begin with the earlier revision")
    still_valid(before, after, None, at=at)


# Intact, nothing forbidden since; the verdict counts only where somebody said whom to trust.
BEST = (1, 2, 0)


def _rank(report: SignatureReport, *, trusted: bool) -> tuple[int, int, int]:
    changes = {Changes.NONE: 2, Changes.PERMITTED: 2, Changes.NOT_UNDERSTOOD: 1, Changes.FORBIDDEN: 0}
    verdicts = {Verdict.TOTAL_PASSED: 2, Verdict.INDETERMINATE: 1}
    # A timestamp whose authority nobody named is judged no further; its digest and token were checked when it was put in.
    unnamed = report.kind is SignatureKind.DOC_TIMESTAMP and report.verdict is not Verdict.TOTAL_FAILED
    return int(report.intact or unnamed), changes[report.changes_after], verdicts.get(report.verdict, 0) if trusted else 0


def _holds(report: SignatureReport, *, trusted: bool) -> bool:
    return _rank(report, trusted=False) == BEST and (not trusted or report.verdict is Verdict.TOTAL_PASSED)


def _said(report: SignatureReport) -> str:
    findings = ", ".join(finding.code for finding in report.findings)
    return f"{report.verdict} {report.sub_indication or ''} {report.changes_after} [{findings}]"
