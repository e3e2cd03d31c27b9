"""The algorithm names of XML-DSig (W3C; RFC 6931, RFC 9231) and what they mean here.

Whether one is still strong enough is not decided here but by the dated table (`signing.verification.algorithms`).
"""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import utils

from signing.keys.algorithms import Scheme as Padding
from signing.verification.certificates import Certificate
from signing.verification.signed_data import Scheme

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
NEWER = "http://www.w3.org/2007/05/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
ENVELOPED = DS + "enveloped-signature"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
MANIFEST = DS + "Manifest"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

DIGESTS: Mapping[str, str] = {
    MORE + "md5": "md5",
    DS + "sha1": "sha1",
    MORE + "sha224": "sha224",
    XENC + "sha256": "sha256",
    MORE + "sha384": "sha384",
    XENC + "sha512": "sha512",
    NEWER + "sha3-224": "sha3_224",
    NEWER + "sha3-256": "sha3_256",
    NEWER + "sha3-384": "sha3_384",
    NEWER + "sha3-512": "sha3_512",
}
DIGEST_URIS: Mapping[str, str] = {name: uri for uri, name in DIGESTS.items()}

_SALTS = {"sha1": 20, "sha224": 28, "sha256": 32, "sha384": 48, "sha512": 64}  # RFC 6931, 2.3.10: as long as the digest

SIGNATURES: Mapping[str, Scheme] = {
    DS + "rsa-sha1": Scheme(name="rsa_pkcs1", digest="sha1"),
    MORE + "rsa-md5": Scheme(name="rsa_pkcs1", digest="md5"),
    **{MORE + f"rsa-{name}": Scheme(name="rsa_pkcs1", digest=name) for name in ("sha224", "sha256", "sha384", "sha512")},
    **{NEWER + f"{name}-rsa-MGF1": Scheme(name="rsa_pss", digest=name, salt=salt) for name, salt in _SALTS.items()},
    **{MORE + f"ecdsa-{name}": Scheme(name="ecdsa", digest=name) for name in ("sha1", "sha224", "sha256", "sha384", "sha512")},
}


def signature_uri(padding: Padding, digest: str) -> str:
    """The name under which a key of ours signs."""
    if padding is Padding.ECDSA:
        return MORE + f"ecdsa-{digest}"
    return NEWER + f"{digest}-rsa-MGF1" if padding is Padding.RSA_PSS else MORE + f"rsa-{digest}"


def is_hmac(uri: str) -> bool:
    """A code that whoever can check it can also make."""
    return "hmac" in uri.lower()


def value_from_xml(value: bytes, scheme: Scheme, certificate: Certificate) -> bytes:
    """A signature value as keys verify it: ECDSA stands in XML as r beside s (XML-DSig 1.1, 6.4.3), not as DER."""
    if scheme.name != "ecdsa":
        return value
    half = (certificate.key_bits + 7) // 8
    if len(value) != 2 * half:
        return b""
    return utils.encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))


def value_to_xml(value: bytes, padding: Padding, bits: int) -> bytes:
    """The other way round."""
    if padding is not Padding.ECDSA:
        return value
    half = (bits + 7) // 8
    r, s = utils.decode_dss_signature(value)
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")
