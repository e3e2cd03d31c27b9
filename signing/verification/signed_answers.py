"""Who signed a revocation answer: the one check of a raw signature that OCSP answers and revocation lists share."""

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa

from signing.verification.certificates import Certificate


def made_by(signer: Certificate, value: bytes, data: bytes, digest: hashes.HashAlgorithm | None) -> bool:
    """Whether the signer's key made this signature; False also when the key is of a kind that cannot have."""
    key = signer.key
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            try:
                key.verify(value, data, padding.PKCS1v15(), digest)
            except InvalidSignature:
                key.verify(value, data, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(value, data, ec.ECDSA(digest))
        elif isinstance(key, dsa.DSAPublicKey) and digest is not None:
            key.verify(value, data, digest)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(value, data)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def digest_name(digest: hashes.HashAlgorithm | None) -> str | None:
    """The digest by the names of `signing.verification.algorithms`."""
    return digest.name.replace("-", "_") if digest is not None else None
