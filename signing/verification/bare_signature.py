"""Adobe's oldest form, `adbe.x509.rsa_sha1` (ISO 32000-1 12.8.3.2): a bare RSA value in /Contents, its certificates in /Cert.

There is no container: /Contents is an OCTET STRING with the PKCS #1 v1.5 signature over the file's digest, and which digest
was used stands only inside the value. It is read into the same facts as a CMS SignedData, so that the rest of the
verification judges it as any other.
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from signing.verification.certificates import Certificate, load_certificate
from signing.verification.der import OCTET_STRING, SEQUENCE, read, shaped
from signing.verification.faults import BadDer, BadSignedData
from signing.verification.signed_data import DATA, MAX_CERTIFICATES, Scheme, SignedData, digest_name

SUBFILTER = "/adbe.x509.rsa_sha1"


@shaped
def read_bare_signature(contents: bytes, certificates: Sequence[bytes]) -> SignedData:
    """The signature at the start of `contents`, made with the key of the first of `certificates` (DER).

    Without any the facts name no signer. Raises BadDer, BadSignedData, UnknownAlgorithm, BadCertificate.
    """
    node = read(contents)
    value = node.expect(OCTET_STRING).content
    signer = load_certificate(certificates[0]) if certificates else None
    digest, told = _inside(value, signer) if signer is not None else ("sha1", None)
    return SignedData(
        content_type=DATA,
        encapsulated=None,
        certificates=tuple(certificates[:MAX_CERTIFICATES]),
        more_certificates=(),
        revocation_lists=(),
        issuer=signer.issuer if signer else None,
        serial=signer.serial if signer else None,
        key_id=None,
        digest=digest,
        scheme=Scheme(name="rsa_pkcs1", digest=digest),
        signed_attributes=None,
        attributes={},
        signature=value,
        timestamps=(),
        ocsps=(),
        size=node.end,
        recovered=told,
    )


def _inside(value: bytes, signer: Certificate) -> tuple[str, bytes | None]:
    """The digest's name and value inside the RSA value; (sha1, None) where the key opens nothing: then it does not fit.

    What is read here is only told; that the value fits is checked by the library, which builds it anew and compares it whole.
    """
    key = signer.key
    if not isinstance(key, rsa.RSAPublicKey):
        raise BadSignedData("the certificate in /Cert has no RSA key")
    try:
        opened = key.recover_data_from_signature(value, padding.PKCS1v15(), None)
    except (InvalidSignature, ValueError):
        return "sha1", None
    try:
        algorithm, digest = read(opened).expect(SEQUENCE).children()
    except (BadDer, ValueError):
        return "sha1", None
    return digest_name(algorithm), digest.expect(OCTET_STRING).content
