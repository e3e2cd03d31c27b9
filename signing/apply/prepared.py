"""A document that waits for somebody's signature: kept as plain bytes, for minutes or months."""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from signing.errors import DocumentChanged
from signing.keys.algorithms import HASHES, Scheme, read_certificate
from signing.levels import Level

MAGIC = b"SOKY-PREPARED-1\n"
MOST_HEADER_BYTES = 1 << 20  # certificates and a few names


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A document with a hole for the signature."""

    document: bytes
    hole: tuple[int, int]  # from "<" to after ">"
    digest: bytes  # over the byte range


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Everything `finish` needs but the signature value. The key signs `to_sign`, hashed with `digest`.

    `document` is the whole file with an empty place for the signature at `hole` (from "<" to after ">").
    """

    document: bytes
    base_size: int  # the first so many bytes are the document as it was given
    hole: tuple[int, int]
    to_sign: bytes  # the signed attributes, DER
    digest: str
    scheme: Scheme
    certificate: bytes
    chain: tuple[bytes, ...]
    field: str
    level: Level
    timestamp_field: str
    claimed_time: datetime

    @property
    def hash_to_sign(self) -> bytes:
        """For keys that are given hashes: the digest of `to_sign`."""
        return hashlib.new(self.digest, self.to_sign).digest()

    @property
    def base_sha256(self) -> str:
        """Which document was prepared: the SHA-256 of its bytes, hex."""
        return hashlib.sha256(memoryview(self.document)[: self.base_size]).hexdigest()

    def document_digest(self) -> bytes:
        """The digest over the signed byte range."""
        digest = hashlib.new(self.digest)
        view = memoryview(self.document)
        digest.update(view[: self.hole[0]])
        digest.update(view[self.hole[1] :])
        return digest.digest()

    def to_bytes(self) -> bytes:
        """For storage: a line of magic, the SHA-256 of the rest, a JSON header with its length, the document."""
        header = json.dumps(
            {
                "base_size": self.base_size,
                "certificate": _text(self.certificate),
                "chain": [_text(each) for each in self.chain],
                "claimed_time": self.claimed_time.isoformat(),
                "digest": self.digest,
                "field": self.field,
                "hole": self.hole,
                "level": self.level,
                "scheme": self.scheme,
                "timestamp_field": self.timestamp_field,
                "to_sign": _text(self.to_sign),
            },
            sort_keys=True,
            ensure_ascii=False,
        ).encode()
        rest = len(header).to_bytes(4, "big") + header + self.document
        return MAGIC + hashlib.sha256(rest).digest() + rest

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """What `to_bytes` gave. Raises DocumentChanged if a byte of it is another one, WrongCertificate for what is none."""
        digest, rest = stored[len(MAGIC) : len(MAGIC) + 32], stored[len(MAGIC) + 32 :]
        if not stored.startswith(MAGIC) or hashlib.sha256(rest).digest() != digest:
            raise DocumentChanged(
                f"Bản chuẩn bị ký bị thay đổi hoặc không phải của Soky ({len(stored)} byte)",
                f"The stored preparation was changed or is not one ({len(stored)} bytes)",
            )
        size = min(int.from_bytes(rest[:4], "big"), MOST_HEADER_BYTES)
        try:
            read = cls(**_values(json.loads(rest[4 : 4 + size])), document=rest[4 + size :])
            read._check()
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise DocumentChanged(
                "Bản chuẩn bị ký không đọc được", f"The stored preparation cannot be read: {type(error).__name__}"
            ) from error
        return read

    def _check(self) -> None:
        """ValueError for what `prepare` never wrote: its digest finds a slip of the disk, not somebody who makes one anew."""
        start, end = self.hole
        if not 0 <= self.base_size <= start < start + 2 <= end <= len(self.document):
            raise ValueError("hole")
        if self.document[start : start + 1] != b"<" or self.document[end - 1 : end] != b">":
            raise ValueError("hole")
        if self.digest not in HASHES or self.claimed_time.tzinfo is None:
            raise ValueError("digest or time")
        for each in (self.certificate, *self.chain):
            read_certificate(each)


def _values(header: dict[str, Any]) -> dict[str, Any]:
    start, end = header["hole"]
    return {
        "base_size": int(header["base_size"]),
        "certificate": base64.b64decode(header["certificate"], validate=True),
        "chain": tuple(base64.b64decode(each, validate=True) for each in header["chain"]),
        "claimed_time": datetime.fromisoformat(header["claimed_time"]),
        "digest": str(header["digest"]),
        "field": str(header["field"]),
        "hole": (int(start), int(end)),
        "level": Level(header["level"]),
        "scheme": Scheme(header["scheme"]),
        "timestamp_field": str(header["timestamp_field"]),
        "to_sign": base64.b64decode(header["to_sign"], validate=True),
    }


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
