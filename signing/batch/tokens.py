"""What has to be known of a timestamp token: what it stamps, and whose certificates it carries (RFC 3161, RFC 5652)."""

from functools import lru_cache

from signing.errors import TimestampRefused
from signing.keys.algorithms import ordered_chain
from signing.verification.der import OCTET_STRING, SET, Node, read
from signing.verification.faults import BadDer

_CERTIFICATES = 0xA0


def token_certificates(token: bytes, digest: bytes) -> tuple[bytes, ...]:
    """The certificates in a token that stamps exactly this SHA-256 digest, the TSA's first; TimestampRefused otherwise."""
    try:
        parts = _alone(token).children()[1].children()[0].children()
        info = read(parts[2].children()[1].children()[0].expect(OCTET_STRING).content)
        imprint = info.children()[2].children()[1].expect(OCTET_STRING).content
        certificates = tuple(each.raw for each in parts[3].children()) if parts[3].tag == _CERTIFICATES else ()
        signer = parts[-1].expect(SET).children()[0].children()[1]
        ordered = _signer_first(certificates, signer)
    except (BadDer, IndexError) as error:
        raise TimestampRefused(
            f"Dấu thời gian nhận được không đọc được ({len(token)} byte)",
            f"The timestamp received cannot be read ({len(token)} bytes): {error}",
        ) from error
    if imprint != digest:
        raise TimestampRefused(
            f"Dấu thời gian nhận được là của dữ liệu khác: {imprint.hex()}, cần {digest.hex()}",
            f"The timestamp received is for other data: {imprint.hex()}, expected {digest.hex()}",
        )
    return ordered


def _alone(token: bytes) -> Node:
    node = read(token)
    if node.end != len(token):
        raise BadDer(f"{len(token) - node.end} bytes after the token")
    return node


def _signer_first(certificates: tuple[bytes, ...], signer: Node) -> tuple[bytes, ...]:
    """The certificate named by the SignerInfo, then the others."""
    wanted = tuple(part.raw for part in signer.children()[:2])
    return tuple(sorted(certificates, key=lambda each: _issuer_and_serial(each) != wanted))


@lru_cache(maxsize=256)
def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    fields = read(certificate).children()[0].children()
    at = 1 if fields[0].tag == _CERTIFICATES else 0  # [0] EXPLICIT version
    return fields[at + 2].raw, fields[at].raw


@lru_cache(maxsize=256)
def chain_of(certificates: tuple[bytes, ...], others: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The token signer's certificate and its issuers, found among the token's and `others`."""
    if not certificates:
        return ()
    return (certificates[0], *ordered_chain(certificates[0], [*certificates[1:], *others]))
