"""After each signature: is the result what was asked for, and do all signatures still hold?"""

import hashlib
import io

from asn1crypto import cms as asn1_cms
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.apply.fields import Filled, filled_fields
from signing.apply.opening import only_our_errors
from signing.errors import SigningError, WouldBreakSignatures
from signing.trust import Trust


class BrokenResult(SigningError):
    """The signed document is not what was asked for: it is thrown away. This is a fault of the program."""

    code = "BROKEN_RESULT"


def check_result(before: bytes, after: bytes, *, field: str, certificate: bytes, trust: Trust | None) -> None:
    """Raise BrokenResult or WouldBreakSignatures unless `after` adds exactly this signature to `before`."""
    if not after.startswith(before) or len(after) == len(before):
        raise BrokenResult("Bản ký không giữ nguyên bản trước", "The result does not begin with the earlier revision")
    with only_our_errors("kiểm tra kết quả / checking the result"):
        ours = [filled for filled in filled_fields(PdfFileReader(io.BytesIO(after))) if filled.name == field]
        if len(ours) != 1 or not _is_right(ours[0], after, certificate):
            raise BrokenResult(
                f"Chữ ký trong «{field}» không khớp với tài liệu", f"The signature in “{field}” does not fit the document"
            )
    still_valid(before, after, trust)


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


def still_valid(before: bytes, after: bytes, trust: Trust | None) -> None:
    """Raise WouldBreakSignatures if a signature of `before` is judged worse in `after`, BrokenResult if a new one fails."""
    del trust
    then, now = _integrity(before), _integrity(after)
    for field, (intact, untouched) in now.items():
        if field not in then:
            if not intact:
                raise BrokenResult(f"Chữ ký mới «{field}» không hợp lệ", f"The new signature “{field}” is not valid")
        elif (intact, untouched) < then[field]:
            raise WouldBreakSignatures(f"Chữ ký «{field}» sẽ mất hiệu lực", f"The signature “{field}” would no longer hold")


def _integrity(pdf: bytes) -> dict[str, tuple[bool, bool]]:
    """By field: is the signature intact, and were the later changes permitted?"""
    found = {}
    for signature in PdfFileReader(io.BytesIO(pdf)).embedded_signatures:
        signature.compute_integrity_info()
        fields = signature.summarise_integrity_info()
        found[str(signature.field_name)] = (True, fields.get("docmdp_ok") is not False)
    return found


def check_archived(before: bytes, after: bytes) -> None:
    """Raise BrokenResult or WouldBreakSignatures unless `after` only adds proof to `before`."""
    if not after.startswith(before) or len(after) == len(before):
        raise BrokenResult("Bản mới không giữ nguyên bản trước", "The result does not begin with the earlier revision")
    with only_our_errors("kiểm tra kết quả / checking the result"):
        still_valid(before, after, None)
