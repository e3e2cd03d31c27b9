"""Timestamp tokens in a batch: each one checked, without building a tree of it (RFC 3161, RFC 5652).

The first token of an authority is judged by `signing.timestamps` in full. Later ones must carry the same certificate,
which was found fit then; what differs from token to token is checked each time: imprint, digest, signature, time.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from signing.errors import TimestampRefused
from signing.keys.algorithms import default_scheme, is_made_by, ordered_chain
from signing.timestamps import check_token
from signing.verification.der import OCTET_STRING, OID, SET, Node, read
from signing.verification.faults import BadDer

_CONTEXT_0 = 0xA0
_MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
_CONTENT_TYPE = bytes.fromhex("2a864886f70d010903")
_TST_INFO = bytes.fromhex("2a864886f70d0109100104")
_SHA256 = bytes.fromhex("608648016503040201")
_SIGNATURES_WITH_SHA256 = {
    bytes.fromhex("2a864886f70d01010b"),
    bytes.fromhex("2a8648ce3d040302"),
    bytes.fromhex("2a864886f70d010101"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a good token says."""

    time: datetime
    certificates: tuple[bytes, ...]  # those in the token, the authority's first


@dataclass(frozen=True, slots=True)
class _Parts:
    """A token taken apart."""

    info: bytes
    imprint: bytes
    time: datetime
    certificates: tuple[bytes, ...]
    issuer_and_serial: tuple[bytes, bytes]
    attributes: Node
    value: bytes
    is_common: bool  # SHA-256 throughout, the signature by RSA PKCS#1 or ECDSA


class TokenJudge:
    """Remembers which authorities were found fit."""

    def __init__(self) -> None:
        self._fit: dict[tuple[tuple[bytes, bytes], tuple[bytes, ...]], bytes] = {}

    def judge(self, token: bytes, digest: bytes) -> Stamp:
        """What the token says, if it stamps exactly this SHA-256 digest; TimestampRefused otherwise."""
        try:
            parts = _taken_apart(token)
        except (BadDer, IndexError, ValueError) as error:
            raise TimestampRefused(
                f"Dấu thời gian nhận được không đọc được ({len(token)} byte)",
                f"The timestamp received cannot be read ({len(token)} bytes): {error}",
            ) from error
        authority = (parts.issuer_and_serial, parts.certificates)
        known = self._fit.get(authority)
        if known is None or not parts.is_common:
            known = check_token(token, digest).certificate
            self._fit[authority] = known
        elif not _is_right(parts, known, digest):
            check_token(token, digest)  # says what is wrong
            raise TimestampRefused("Dấu thời gian không hợp lệ", "The timestamp token is not valid")
        others = tuple(each for each in parts.certificates if each != known)
        return Stamp(time=parts.time, certificates=(known, *others))


def _is_right(parts: _Parts, certificate: bytes, digest: bytes) -> bool:
    said = {}
    for attribute in parts.attributes.children():
        kind, values = attribute.children()
        said[kind.expect(OID).content] = values.children()[0].content
    raw = b"\x31" + parts.attributes.raw[1:]
    return (
        parts.imprint == digest
        and said.get(_CONTENT_TYPE) == _TST_INFO
        and said.get(_MESSAGE_DIGEST) == hashlib.sha256(parts.info).digest()
        and is_made_by(certificate, scheme=default_scheme(certificate), data=raw, digest="sha256", value=parts.value)
    )


def _taken_apart(token: bytes) -> _Parts:
    content = read(token)
    if content.end != len(token):
        raise BadDer(f"{len(token) - content.end} bytes after the token")
    signed = content.children()[1].children()[0].children()
    info = signed[2].children()[1].children()[0].expect(OCTET_STRING).octets()
    stamped = read(info).children()
    imprint_algorithm, imprint = stamped[2].children()
    certificates = tuple(each.raw for each in signed[3].expect(_CONTEXT_0).children())
    signer = signed[-1].expect(SET).children()[0].children()
    issuer, serial = signer[1].children()
    algorithms = (imprint_algorithm.children()[0].content, signer[2].children()[0].content)
    return _Parts(
        info=info,
        imprint=imprint.expect(OCTET_STRING).content,
        time=stamped[4].time(),
        certificates=certificates,
        issuer_and_serial=(issuer.raw, serial.raw),
        attributes=signer[3].expect(_CONTEXT_0),
        value=signer[5].expect(OCTET_STRING).content,
        is_common=set(algorithms) == {_SHA256} and signer[4].children()[0].content in _SIGNATURES_WITH_SHA256,
    )


@lru_cache(maxsize=256)
def chain_of(certificates: tuple[bytes, ...], others: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The authority's certificate and its issuers, found among the token's and `others`."""
    if not certificates:
        return ()
    return (certificates[0], *ordered_chain(certificates[0], [*certificates[1:], *others]))
