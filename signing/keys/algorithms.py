"""Which algorithm a certificate signs with, and whether a signature value is really made by it."""

import hashlib
from enum import StrEnum
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.errors import BadRequest, WeakAlgorithm, WrongCertificate
from signing.keys.signer import Signer

HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}


class Scheme(StrEnum):
    """How a signature value is made from a digest."""

    RSA_PKCS1 = "rsa-pkcs1"  # RSASSA-PKCS1-v1_5: what most tokens in use make today
    RSA_PSS = "rsa-pss"  # RSASSA-PSS, MGF1 with the same hash, salt as long as the digest (TT 15/2025/TT-BKHCN)
    ECDSA = "ecdsa"


# In a key's address: PSS if it can (the office's wish); `padding=pss`: PSS or nothing; `padding=pkcs1`: never PSS.
PREFER_PSS = "padding=prefer-pss"
PSS_WISHES = frozenset({"pss", "prefer-pss"})


def rsa_scheme(wish: str | None, *, can_pss: bool) -> Scheme:
    """How an RSA key signs, by the `padding` in its address."""
    if wish not in {None, "pkcs1", *PSS_WISHES}:
        raise BadRequest(f"padding={wish}: cần pss hoặc pkcs1", f"padding={wish}: expected pss or pkcs1")
    if wish == "pss" or (wish in PSS_WISHES and can_pss):
        return Scheme.RSA_PSS
    return Scheme.RSA_PKCS1


@lru_cache(maxsize=256)
def read_certificate(der: bytes) -> x509.Certificate:
    """The certificate, or WrongCertificate when these bytes are not one."""
    try:
        return x509.load_der_x509_certificate(der)
    except (ValueError, TypeError) as error:
        raise WrongCertificate(
            f"Đây không phải là một chứng thư X.509 ({len(der)} byte)",
            f"This is not an X.509 certificate ({len(der)} bytes): {error}",
        ) from error


@lru_cache(maxsize=256)
def public_key(der: bytes) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    """The certificate's public key; WeakAlgorithm for any kind that may not sign documents here."""
    try:
        key = read_certificate(der).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise WeakAlgorithm(f"Khóa công khai không đọc được: {error}", f"The public key cannot be read: {error}") from error
    if isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return key
    raise WeakAlgorithm(
        f"Khóa loại {type(key).__name__} không được dùng; cần RSA hoặc ECDSA",
        f"A key of type {type(key).__name__} is not accepted; RSA or ECDSA is expected",
    )


def scheme_of(signer: Signer) -> Scheme:
    """How this key signs: what it says itself, or what its certificate implies."""
    said = getattr(signer, "scheme", None)
    if said is not None:
        return Scheme(said)
    return default_scheme(signer.certificate)


def default_scheme(certificate: bytes) -> Scheme:
    """PKCS#1 v1.5 for RSA, ECDSA for elliptic curves."""
    return Scheme.RSA_PKCS1 if isinstance(public_key(certificate), rsa.RSAPublicKey) else Scheme.ECDSA


def digest_for(certificate: bytes) -> str:
    """The digest that matches the key's strength (TS 119 312): sha384 for curves of 384 bits and more, else sha256."""
    key = public_key(certificate)
    wide = isinstance(key, ec.EllipticCurvePublicKey) and key.curve.key_size >= 384  # noqa: PLR2004 - the curve's bits
    return "sha384" if wide else "sha256"


def digest_of(data: bytes, digest: str) -> bytes:
    """`data` hashed with one of the digests that are accepted."""
    if digest not in HASHES:
        raise WeakAlgorithm(
            f"Thuật toán băm «{digest}» không được dùng; cần: {', '.join(HASHES)}",
            f"The digest “{digest}” is not accepted; expected: {', '.join(HASHES)}",
        )
    return hashlib.new(digest, data).digest()


def pss(digest: str) -> padding.PSS:
    """PSS with MGF1 over the same hash and a salt of the digest's length (RFC 8017, 9.1)."""
    chosen = HASHES[digest]
    return padding.PSS(mgf=padding.MGF1(chosen), salt_length=chosen.digest_size)


def is_made_by(certificate: bytes, *, scheme: Scheme, data: bytes, digest: str, value: bytes) -> bool:
    """Whether `value` is the signature of this certificate's key over `data`."""
    key = public_key(certificate)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, data, ec.ECDSA(HASHES[digest]))
        elif scheme is Scheme.RSA_PSS:
            key.verify(value, data, pss(digest), HASHES[digest])
        else:
            key.verify(value, data, padding.PKCS1v15(), HASHES[digest])
    except (InvalidSignature, ValueError):
        return False
    return True


def subject_name(certificate: bytes) -> str:
    """Whose certificate this is, as a person reads it: the common name, or the whole name where there is none."""
    subject = read_certificate(certificate).subject
    names = subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else subject.rfc4514_string()


def ordered_chain(certificate: bytes, others: list[bytes]) -> tuple[bytes, ...]:
    """The issuers of `certificate` among `others`, the direct issuer first. Only real issuers count: signatures are checked."""
    chain: list[bytes] = []
    current = read_certificate(certificate)
    left = [other for other in dict.fromkeys(others) if other != certificate]
    while current.issuer != current.subject:
        issuer = next((other for other in left if _issued(current, read_certificate(other))), None)
        if issuer is None:
            break
        chain.append(issuer)
        left.remove(issuer)
        current = read_certificate(issuer)
    return tuple(chain)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
