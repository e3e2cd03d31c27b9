"""The algorithm names of XML-DSig (W3C; RFC 6931, RFC 9231) and what they mean here.

Whether one is still strong enough is not decided here but by the dated table (`signing.verification.algorithms`).
"""

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import dsa, ec, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

from signing.keys.algorithms import Scheme as Padding
from signing.verification.signed_data import Scheme

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
NEWER = "http://www.w3.org/2007/05/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
DSIG11 = "http://www.w3.org/2009/xmldsig11#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
XADES_141 = "http://uri.etsi.org/01903/v1.4.1#"
XADES_OLD = frozenset({"http://uri.etsi.org/01903/v1.1.1#", "http://uri.etsi.org/01903/v1.2.2#"})  # named, not read
RFC9231 = "http://www.w3.org/2021/04/xmldsig-more#"
FILTER_2 = "http://www.w3.org/2002/06/xmldsig-filter2"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
# The namespaces of which signatures are made.
VOCABULARY = frozenset({DS, DSIG11, XENC, XADES, XADES_141, EXCLUSIVE, FILTER_2, MORE, NEWER, RFC9231, *XADES_OLD})
ENVELOPED = DS + "enveloped-signature"
SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
MANIFEST = DS + "Manifest"

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
    **{
        RFC9231 + f"ecdsa-{name.replace('_', '-')}": Scheme(name="ecdsa", digest=name)
        for name in ("sha3_224", "sha3_256", "sha3_384", "sha3_512")
    },
    RFC9231 + "eddsa-ed25519": Scheme(name="ed25519", digest="sha512"),
    RFC9231 + "eddsa-ed448": Scheme(name="ed448", digest="shake256"),
    DS + "dsa-sha1": Scheme(name="dsa", digest="sha1"),
    DSIG11 + "dsa-sha256": Scheme(name="dsa", digest="sha256"),
}


def signature_uri(padding: Padding, digest: str) -> str:
    """The name under which a key of ours signs."""
    if padding is Padding.ECDSA:
        return MORE + f"ecdsa-{digest}"
    return NEWER + f"{digest}-rsa-MGF1" if padding is Padding.RSA_PSS else MORE + f"rsa-{digest}"


def is_hmac(uri: str) -> bool:
    """A code that whoever can check it can also make."""
    return "hmac" in uri.lower()


def value_from_xml(value: bytes, scheme: Scheme, key: PublicKeyTypes) -> bytes:
    """A signature value as keys verify it: ECDSA and DSA stand in XML as r beside s (XML-DSig 1.1, 6.4), not as DER.

    Older Java writes both a byte short or long for P-521: two halves of the same length still say clearly which is which.
    """
    if scheme.name == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
        half = (key.curve.key_size + 7) // 8
    elif scheme.name == "dsa" and isinstance(key, dsa.DSAPublicKey):
        half = (key.parameters().parameter_numbers().q.bit_length() + 7) // 8
    else:
        return value
    if len(value) % 2 or not half - 2 <= len(value) // 2 <= half + 1:
        return b""
    half = len(value) // 2
    return utils.encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))


def value_to_xml(value: bytes, padding: Padding, bits: int) -> bytes:
    """The other way round."""
    if padding is not Padding.ECDSA:
        return value
    half = (bits + 7) // 8
    r, s = utils.decode_dss_signature(value)
    return r.to_bytes(half, "big") + s.to_bytes(half, "big")
