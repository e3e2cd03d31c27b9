"""By what a report names a signature: its value, the digest of what was signed, the signed bytes (TS 119 102-2, 4.3.3).

The report's `signed_bytes` says where a signature ends; its /ByteRange is looked for among those bytes, so that the
structure of the file need not be read a second time.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from signing.report import SignatureReport
from signing.verification.faults import Fault
from signing.verification.signed_data import Scheme, SignedData, read_signed_data

MOST_HASHED = 2 * 1024 * 1024 * 1024  # bytes for all signatures of a report: about three seconds
LARGEST_CONTAINER = 4 * 1024 * 1024  # bytes of CMS; a signature with everything in it has some 50 KB

_BYTE_RANGE = re.compile(rb"/ByteRange[\x00\t\n\f\r ]*\[([0-9\x00\t\n\f\r ]{7,100})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What identifies one signature in its file."""

    byte_range: tuple[int, ...]
    container: bytes  # the CMS, DER, without padding
    scheme: Scheme
    signature: bytes
    digest: str  # "sha256", ...
    signed_digest: bytes  # of what the signature value was made over
    document_digest: bytes  # of the signed bytes
    message_digest: bytes | None
    is_timestamp: bool


def identities(pdf: bytes, signatures: Sequence[SignatureReport]) -> list[Identity | None]:
    """One for each; None where the file does not say it clearly: then the report names the signature by its field alone.

    The file is searched once, and no more than `MOST_HASHED` bytes are hashed: a hostile file may hold a thousand signatures
    over fifty megabytes each.
    """
    ends = {each.signed_bytes for each in signatures if each.signed_bytes}
    ranges = _byte_ranges(pdf, ends)
    found: list[Identity | None] = []
    hashed = 0
    for each in signatures:
        ranged = ranges.get(each.signed_bytes or 0)
        hashed += each.signed_bytes or 0 if ranged is not None else 0
        found.append(_identity_or_none(pdf, ranged) if ranged is not None and hashed <= MOST_HASHED else None)
    return found


def _identity_or_none(pdf: bytes, ranged: tuple[int, int, int, int]) -> Identity | None:
    try:
        return _identity(pdf, ranged)
    except (Fault, ValueError, IndexError, RecursionError):
        return None


def _byte_ranges(pdf: bytes, ends: Collection[int]) -> dict[int, tuple[int, int, int, int]]:
    """By where they end: the last one in the file, within the bytes that it covers."""
    found: dict[int, tuple[int, int, int, int]] = {}
    for match in _BYTE_RANGE.finditer(pdf, 0, max(ends, default=0)):
        numbers = tuple(int(each) for each in match[1].replace(b"\0", b" ").split())
        if len(numbers) == 4:  # noqa: PLR2004 - two spans
            start, length, after, rest = numbers
            if start == 0 and length < after and after + rest in ends and match.end() <= after + rest:
                found[after + rest] = (start, length, after, rest)
    return found


def _identity(pdf: bytes, ranged: tuple[int, int, int, int]) -> Identity | None:
    _, length, after, rest = ranged
    gap = pdf[length:after].strip(b"\0\t\n\f\r ")
    if not (gap.startswith(b"<") and gap.endswith(b">")) or len(gap) > 2 * LARGEST_CONTAINER:
        return None
    contents = bytes.fromhex(gap[1:-1].decode("latin-1"))
    signed = read_signed_data(contents)
    document = hashlib.new(signed.digest, pdf[:length])
    document.update(memoryview(pdf)[after : after + rest])
    stamped = signed.encapsulated is not None
    return Identity(
        byte_range=ranged,
        container=contents[: signed.size],
        scheme=signed.scheme,
        signature=signed.signature,
        digest=signed.digest,
        signed_digest=_signed_digest(signed, document.digest()),
        document_digest=document.digest(),
        message_digest=None if stamped else signed.message_digest,
        is_timestamp=stamped,
    )


def _signed_digest(signed: SignedData, document: bytes) -> bytes:
    """Of the signed attributes where there are some, of the document otherwise (RFC 5652, 5.4)."""
    attributes = signed.sorted_attributes
    return document if attributes is None else hashlib.new(signed.digest, attributes).digest()
