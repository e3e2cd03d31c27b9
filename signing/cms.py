"""The CMS of a signature (RFC 5652) with the attributes that CAdES and PAdES baseline want, as DER.

attributes = signed_attributes(digest_of_the_data, certificate)         # the key signs these bytes
value = signer.sign(attributes, "sha256")
cms = signed_data(attributes, value, certificate=certificate, chain=chain, scheme=scheme, digest="sha256")
"""

import hashlib
from collections.abc import Sequence

from signing.der import NULL, der, integer, octets, oid, sequence, set_of
from signing.keys.algorithms import HASHES, Scheme, read_certificate

DATA = "1.2.840.113549.1.7.1"
_SIGNED_DATA = oid("1.2.840.113549.1.7.2")
_CONTENT_TYPE = oid("1.2.840.113549.1.9.3")
_MESSAGE_DIGEST = oid("1.2.840.113549.1.9.4")
_SIGNING_CERTIFICATE_V2 = oid("1.2.840.113549.1.9.16.2.47")
_TIMESTAMP_TOKEN = oid("1.2.840.113549.1.9.16.2.14")

_DIGESTS = {
    "sha256": oid("2.16.840.1.101.3.4.2.1"),
    "sha384": oid("2.16.840.1.101.3.4.2.2"),
    "sha512": oid("2.16.840.1.101.3.4.2.3"),
}
_RSA = {
    "sha256": oid("1.2.840.113549.1.1.11"),
    "sha384": oid("1.2.840.113549.1.1.12"),
    "sha512": oid("1.2.840.113549.1.1.13"),
}
_ECDSA = {
    "sha256": oid("1.2.840.10045.4.3.2"),
    "sha384": oid("1.2.840.10045.4.3.3"),
    "sha512": oid("1.2.840.10045.4.3.4"),
}
_RSA_PSS = oid("1.2.840.113549.1.1.10")
_MGF1 = oid("1.2.840.113549.1.1.8")


def signed_attributes(data_digest: bytes, certificate: bytes, *, content_type: str = DATA) -> bytes:
    """What the key signs: content type, message digest and signing-certificate-v2 (RFC 5035), as a SET.

    No signing time: PAdES forbids it (EN 319 142-1, 6.3), the claimed time stands in /M. ESSCertIDv2 uses SHA-256.
    """
    holder = read_certificate(certificate)
    issuer_serial = sequence(sequence(der(0xA4, holder.issuer.public_bytes())), integer(holder.serial_number))
    ess = sequence(sequence(sequence(octets(hashlib.sha256(certificate).digest()), issuer_serial)))
    return set_of(
        _attribute(_CONTENT_TYPE, oid(content_type)),
        _attribute(_MESSAGE_DIGEST, octets(data_digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, ess),
    )


def signed_data(
    attributes: bytes,
    value: bytes,
    *,
    certificate: bytes,
    chain: Sequence[bytes],
    scheme: Scheme,
    digest: str,
    timestamp: bytes | None = None,
    content_type: str = DATA,
) -> bytes:
    """The ContentInfo of a detached signature; `timestamp` is a token over the SHA-256 of `value`. Roots are left out."""
    holder = read_certificate(certificate)
    algorithm = sequence(_DIGESTS[digest])
    unsigned = () if timestamp is None else (der(0xA1, _attribute(_TIMESTAMP_TOKEN, timestamp)),)
    signer_info = sequence(
        integer(1),
        sequence(holder.issuer.public_bytes(), integer(holder.serial_number)),
        algorithm,
        b"\xa0" + attributes[1:],
        signature_algorithm(scheme, digest),
        octets(value),
        *unsigned,
    )
    # A root proves nothing from inside the file: whoever verifies must have it already.
    issuers = [issuer for issuer in chain if not _is_root(issuer)]
    certificates = b"".join(sorted({certificate, *issuers}))
    return sequence(
        _SIGNED_DATA,
        der(
            0xA0,
            sequence(
                integer(1 if content_type == DATA else 3),
                set_of(algorithm),
                sequence(oid(content_type)),
                der(0xA0, certificates),
                set_of(signer_info),
            ),
        ),
    )


def signature_algorithm(scheme: Scheme, digest: str) -> bytes:
    """The AlgorithmIdentifier of a signature value (RFC 5754, RFC 5758, RFC 4055)."""
    if scheme is Scheme.ECDSA:
        return sequence(_ECDSA[digest])
    if scheme is Scheme.RSA_PKCS1:
        return sequence(_RSA[digest], NULL)
    hashed = sequence(_DIGESTS[digest], NULL)
    return sequence(
        _RSA_PSS,
        sequence(
            der(0xA0, hashed),
            der(0xA1, sequence(_MGF1, hashed)),
            der(0xA2, integer(HASHES[digest].digest_size)),
        ),
    )


def _attribute(kind: bytes, value: bytes) -> bytes:
    return sequence(kind, der(0x31, value))


def _is_root(certificate: bytes) -> bool:
    read = read_certificate(certificate)
    return read.issuer == read.subject
