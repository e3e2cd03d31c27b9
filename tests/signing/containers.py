"""CMS containers by hand, value by value, for shapes that no library writes."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.der import NULL, der, integer, octets, oid, sequence
from signing.verification.certificates import HASHES
from signing.verification.signed_data import CONTENT_TYPE, DATA, MESSAGE_DIGEST, SIGNATURE_TIMESTAMP, SIGNED_DATA, TST_INFO
from tests.signing.pki import Party

DIGESTS = {
    "md5": "1.2.840.113549.2.5",
    "sha1": "1.3.14.3.2.26",
    "sha256": "2.16.840.1.101.3.4.2.1",
    "sha384": "2.16.840.1.101.3.4.2.2",
}
RSA_WITH = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5", "sha256": "1.2.840.113549.1.1.11"}
ECDSA_WITH = {"sha256": "1.2.840.10045.4.3.2", "sha384": "1.2.840.10045.4.3.3"}
BOUND = "1.2.840.113549.1.9.16.2.47"  # signing-certificate-v2


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What one container is like."""

    digest: str = "sha256"
    bound: bytes | None = None  # the whole signing-certificate attribute; None: the right one
    more: Sequence[bytes] = ()  # further signed attributes
    scheme: bytes | None = None  # the signature's AlgorithmIdentifier, whatever was used
    pss_salt: int | None = None  # RSASSA-PSS with this salt
    mask: str = "sha256"  # and this digest for its mask
    stamps: Sequence[Callable[[bytes], bytes]] = ()
    content_type: str = DATA
    content: bytes | None = None
    lists: Sequence[bytes] = ()
    first: Sequence[bytes] = ()  # certificates in front of the signer's
    without_certificates: bool = False
    attributes_as: Callable[[bytes], bytes] = lambda body: der(0xA0, body)  # how the signed attributes are stored


PLAIN = Shape()


def algorithm(name: str) -> bytes:
    """The AlgorithmIdentifier of a digest."""
    return sequence(oid(DIGESTS[name]), NULL)


def attribute(kind: str, *values: bytes) -> bytes:
    """An attribute with its values as they are given."""
    return sequence(oid(kind), der(0x31, *values))


def bound_to(certificate: bytes, issuer_and_serial: bytes = b"") -> bytes:
    """signing-certificate-v2 with SHA-256, and what stands beside the digest."""
    return attribute(BOUND, sequence(sequence(sequence(octets(hashlib.sha256(certificate).digest()), issuer_and_serial))))


def pss_parameters(salt: int, *more: bytes, mask: str = "sha256") -> bytes:
    """RSASSA-PSS with SHA-256."""
    masked = sequence(oid("1.2.840.113549.1.1.8"), algorithm(mask))
    told = sequence(der(0xA0, algorithm("sha256")), der(0xA1, masked), der(0xA2, integer(salt)), *more)
    return sequence(oid("1.2.840.113549.1.1.10"), told)


def contained(party: Party, chain: Sequence[bytes], digest: bytes, shape: Shape = PLAIN) -> bytes:
    """A SignedData over content with this digest."""
    attributes = sorted(
        [
            attribute(CONTENT_TYPE, oid(shape.content_type)),
            attribute(MESSAGE_DIGEST, octets(digest)),
            bound_to(party.der) if shape.bound is None else shape.bound,
            *shape.more,
        ]
    )
    body = b"".join(attributes)
    value, scheme = _signed(party, der(0x31, body), shape)
    certificate = party.certificate
    signer = sequence(
        integer(1),
        sequence(certificate.issuer.public_bytes(), integer(certificate.serial_number)),
        algorithm(shape.digest),
        shape.attributes_as(body),
        shape.scheme or scheme,
        octets(value),
        *_unsigned(value, shape),
    )
    content = (der(0xA0, octets(shape.content)),) if shape.content is not None else ()
    lists = (der(0xA1, *shape.lists),) if shape.lists else ()
    data = sequence(
        integer(1 if shape.content is None else 3),
        der(0x31, algorithm(shape.digest)),
        sequence(oid(shape.content_type), *content),
        *(() if shape.without_certificates else (der(0xA0, *shape.first, party.der, *chain),)),
        *lists,
        der(0x31, signer),
    )
    return sequence(oid(SIGNED_DATA), der(0xA0, data))


def _unsigned(value: bytes, shape: Shape) -> tuple[bytes, ...]:
    tokens = [stamp(hashlib.sha256(value).digest()) for stamp in shape.stamps]
    return (der(0xA1, *(attribute(SIGNATURE_TIMESTAMP, token) for token in tokens)),) if tokens else ()


def _signed(party: Party, data: bytes, shape: Shape) -> tuple[bytes, bytes]:
    key, chosen = party.key, HASHES[shape.digest]()
    if isinstance(key, rsa.RSAPrivateKey):
        if shape.pss_salt is not None:
            made = key.sign(data, padding.PSS(padding.MGF1(HASHES[shape.mask]()), shape.pss_salt), chosen)
            return made, pss_parameters(shape.pss_salt, mask=shape.mask)
        return key.sign(data, padding.PKCS1v15(), chosen), sequence(oid(RSA_WITH[shape.digest]), NULL)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key.sign(data, ec.ECDSA(chosen)), sequence(oid(ECDSA_WITH[shape.digest]))


def stamped(
    tsa: Party, chain: Sequence[bytes], at: datetime, shape: Shape = PLAIN, *, version: int = 1
) -> Callable[[bytes], bytes]:
    """A timestamp authority: SHA-256 digest to token."""

    def make(digest: bytes) -> bytes:
        time = der(0x18, at.strftime("%Y%m%d%H%M%SZ").encode())
        info = sequence(integer(version), oid("1.2.3.4"), sequence(algorithm("sha256"), octets(digest)), integer(7), time)
        told = {
            name: getattr(shape, name) for name in ("digest", "bound", "more", "scheme", "pss_salt", "without_certificates")
        }
        inside = Shape(**told, content_type=TST_INFO, content=info)
        return contained(tsa, chain, hashlib.new(inside.digest, info).digest(), inside)

    return make
