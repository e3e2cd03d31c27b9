"""What the issuers say about revocation: who is asked, what counts as an answer, and what is put beside a signature."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.keys.algorithms import read_certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """OCSP responses (BasicOCSPResponse in an OCSPResponse, RFC 6960) and CRLs (RFC 5280), DER."""

    ocsps: tuple[bytes, ...] = ()
    crls: tuple[bytes, ...] = ()

    def __add__(self, other: "Revocation") -> "Revocation":
        """Both, each answer once."""
        return Revocation(
            ocsps=tuple(dict.fromkeys(self.ocsps + other.ocsps)), crls=tuple(dict.fromkeys(self.crls + other.crls))
        )


class Evidence(Protocol):
    """Somebody who can say whether the certificates of a chain were revoked."""

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """Answers for every certificate of `chain` (DER, the signer's first, then its issuers) but the root.

        Raises EvidenceMissing where an issuer gives no answer.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """Not revoked, as of `as_of`."""

    as_of: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """Revoked at `at`."""

    at: datetime
    reason: str
    as_of: datetime


def status_of(certificate: bytes, issuer: bytes, revocation: Revocation) -> Good | Revoked | None:
    """What the answers say about one certificate; None where no answer is about it or none is signed by who may.

    Any valid word that it is revoked counts; otherwise the newest.
    """
    subject, authority = read_certificate(certificate), read_certificate(issuer)
    statuses = [*_from_ocsps(subject, authority, revocation.ocsps), *_from_crls(subject, authority, revocation.crls)]
    for status in statuses:
        if isinstance(status, Revoked):
            return status
    return max((status for status in statuses if isinstance(status, Good)), key=lambda good: good.as_of, default=None)


def _from_ocsps(subject: x509.Certificate, issuer: x509.Certificate, ocsps: Sequence[bytes]) -> Iterator[Good | Revoked]:
    for der in ocsps:
        try:
            response = ocsp.load_der_ocsp_response(der)
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL or not _ocsp_is_signed(response, issuer):
                continue
            for single in response.responses:
                if not _is_about(single, subject, issuer):
                    continue
                if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
                    yield Good(as_of=single.this_update_utc)
                elif single.certificate_status is ocsp.OCSPCertStatus.REVOKED and single.revocation_time_utc is not None:
                    reason = single.revocation_reason.value if single.revocation_reason else "unspecified"
                    yield Revoked(at=single.revocation_time_utc, reason=reason, as_of=single.this_update_utc)
        except (ValueError, UnsupportedAlgorithm):
            continue  # an answer nobody can read is no answer


def _is_about(single: ocsp.OCSPSingleResponse, subject: x509.Certificate, issuer: x509.Certificate) -> bool:
    """RFC 6960, 4.1.1: serial number, and hashes of the issuer's name and key."""
    names = hashes.Hash(single.hash_algorithm)
    names.update(issuer.subject.public_bytes())
    keys = hashes.Hash(single.hash_algorithm)
    keys.update(_key_bits(issuer))
    return (
        single.serial_number == subject.serial_number
        and single.issuer_name_hash == names.finalize()
        and single.issuer_key_hash == keys.finalize()
    )


def _key_bits(certificate: x509.Certificate) -> bytes:
    """The contents of the BIT STRING that holds the public key."""
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    raise ValueError("an issuer's key must be RSA or ECDSA")


def _ocsp_is_signed(response: ocsp.OCSPResponse, issuer: x509.Certificate) -> bool:
    """By the issuer itself, or by a responder the issuer certified for it (RFC 6960, 4.2.2.2)."""
    candidates = [issuer]
    for certificate in response.certificates:
        try:
            certificate.verify_directly_issued_by(issuer)
            usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
            continue
        if ExtendedKeyUsageOID.OCSP_SIGNING in usages:
            candidates.append(certificate)
    return any(
        _verifies(each, response.signature, response.tbs_response_bytes, response.signature_hash_algorithm)
        for each in candidates
    )


def _verifies(certificate: x509.Certificate, value: bytes, data: bytes, digest: hashes.HashAlgorithm | None) -> bool:
    key = certificate.public_key()
    if digest is None:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(value, data, padding.PKCS1v15(), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(value, data, ec.ECDSA(digest))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _from_crls(subject: x509.Certificate, issuer: x509.Certificate, crls: Sequence[bytes]) -> Iterator[Good | Revoked]:
    for der in crls:
        try:
            crl = _read_crl(der)
            if crl.issuer != issuer.subject or not crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
                continue
            entry = crl.get_revoked_certificate_by_serial_number(subject.serial_number)
            as_of = crl.last_update_utc
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        yield Good(as_of=as_of) if entry is None else Revoked(at=entry.revocation_date_utc, reason=_reason(entry), as_of=as_of)


@lru_cache(maxsize=16)
def _read_crl(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)
    except (x509.ExtensionNotFound, ValueError):
        return "unspecified"
