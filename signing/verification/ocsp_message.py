"""Reading an OCSP answer (RFC 6960 4.2.1) as it stands. Nothing here is believed yet.

Not by the `cryptography` library: it refuses answers whose times carry fractions of a second, and responders make such.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from signing.verification.der import ENUMERATED, OCTET_STRING, SEQUENCE, Node, read, shaped
from signing.verification.faults import BadDer
from signing.verification.signed_data import FIRST, SECOND, THIRD, Scheme, digest_name, read_scheme

BASIC = "1.3.6.1.5.5.7.48.1.1"
NONCE = "1.3.6.1.5.5.7.48.1.2"
ARCHIVE_CUTOFF = "1.3.6.1.5.5.7.48.1.6"
MAX_SINGLES = 1_024  # certificates that one answer speaks of; real ones speak of one to three
MAX_CERTIFICATES = 8  # in one answer; real ones have one or two
_GOOD, _REVOKED = 0x80, 0xA1

# CRLReason, RFC 5280 5.3.1.
REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    8: "removeFromCRL",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """What is said of one certificate. Of status "unknown" nothing is kept."""

    digest: str  # of the two hashes
    name_hash: bytes
    key_hash: bytes
    serial: int
    revoked: datetime | None
    reason: str | None
    issued: datetime  # thisUpdate
    until: datetime | None  # nextUpdate
    kept_since: datetime | None  # archive cutoff, 4.4.4


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspMessage:
    """A BasicOCSPResponse."""

    signed: bytes  # tbsResponseData
    scheme: Scheme
    signature: bytes
    certificates: tuple[bytes, ...]
    responder_name: bytes | None  # DER, or
    responder_key: bytes | None  # the SHA-1 of its key
    singles: tuple[Single, ...]
    nonce: bytes | None


@lru_cache(512)
@shaped
def read_ocsp(der: bytes) -> OcspMessage | None:
    """The answer; None where the responder gave none (an error status). Raises BadDer, BadSignedData."""
    outer = read(der).expect(SEQUENCE).children()
    if len(outer) < 2 or outer[0].expect(ENUMERATED).content != b"\0":  # noqa: PLR2004 -- status successful, with an answer
        return None
    kind, wrapped = outer[1].expect(FIRST).children()[0].expect(SEQUENCE).children()[:2]
    if kind.oid() != BASIC:
        return None
    parts = read(wrapped.expect(OCTET_STRING).content).expect(SEQUENCE).children()
    if len(parts) < 3:  # noqa: PLR2004 -- data, algorithm, signature
        raise BadDer("the OCSP answer is too short")
    certificates = parts[3].expect(FIRST).children()[0].expect(SEQUENCE).children() if len(parts) > 3 else []  # noqa: PLR2004
    fields = parts[0].expect(SEQUENCE).children()
    if fields[0].tag == FIRST:  # a version
        fields = fields[1:]
    responder, _, told, *more = fields
    name, key = _responder(responder)
    return OcspMessage(
        signed=parts[0].raw,
        scheme=read_scheme(parts[1], "sha256"),
        signature=parts[2].whole_bytes(),
        certificates=tuple(each.raw for each in certificates[:MAX_CERTIFICATES]),
        responder_name=name,
        responder_key=key,
        singles=tuple(filter(None, map(_single, told.expect(SEQUENCE).children()[:MAX_SINGLES]))),
        nonce=_extension(more[0], NONCE) if more else None,
    )


def _responder(node: Node) -> tuple[bytes | None, bytes | None]:
    inner = node.children()[0]
    if node.tag == SECOND:
        return inner.raw, None
    return None, node.expect(THIRD).children()[0].expect(OCTET_STRING).content


def _single(node: Node) -> Single | None:
    about, status, issued, *more = node.expect(SEQUENCE).children()
    digest, name_hash, key_hash, serial = about.expect(SEQUENCE).children()
    if status.tag not in {_GOOD, _REVOKED}:
        return None
    revoked, reason = _revocation(status) if status.tag == _REVOKED else (None, None)
    until = next((each.children()[0].time() for each in more if each.tag == FIRST), None)
    cutoff = next((value for each in more if each.tag == SECOND and (value := _extension(each, ARCHIVE_CUTOFF))), None)
    return Single(
        digest=digest_name(digest),
        name_hash=name_hash.expect(OCTET_STRING).content,
        key_hash=key_hash.expect(OCTET_STRING).content,
        serial=serial.integer(),
        revoked=revoked,
        reason=reason,
        issued=issued.time(),
        until=until,
        kept_since=read(cutoff).time() if cutoff else None,
    )


def _revocation(status: Node) -> tuple[datetime, str | None]:
    since, *more = status.children()
    number = int.from_bytes(more[0].children()[0].content, "big") if more else None
    return since.time(), None if number is None else REASONS.get(number, "unspecified")


def _extension(node: Node, oid: str) -> bytes | None:
    """The value of an extension in [1] EXPLICIT Extensions; a nonce is taken out of the OCTET STRING that RFC 6960 adds."""
    for each in node.expect(SECOND).children()[0].expect(SEQUENCE).children():
        name, *_, value = each.expect(SEQUENCE).children()
        if name.oid() == oid:
            content = value.expect(OCTET_STRING).content
            return _unwrapped(content) if oid == NONCE else content
    return None


def _unwrapped(content: bytes) -> bytes:
    try:
        return read(content).expect(OCTET_STRING).content
    except BadDer:  # responders of before RFC 8954 leave the inner OCTET STRING out
        return content
