"""OCSP answers (RFC 6960): what one says of a certificate, and who signed it."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.verification.certificates import Certificate, issued_by, key_digest, load_certificate, same_name
from signing.verification.der import read
from signing.verification.faults import BadCertificate, BadDer
from signing.verification.signed_answers import digest_name, made_by

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
MAX_RESPONDERS = 8  # certificates in one answer; real ones have one or two
_ARCHIVE_CUTOFF = x509.ObjectIdentifier("1.3.6.1.5.5.7.48.1.6")


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspWord:
    """What an OCSP answer, signed by who may, says of one certificate."""

    issued: datetime
    until: datetime | None
    revoked: datetime | None
    reason: str | None
    signer: Certificate  # the issuer itself or its responder
    digest: str | None  # with which the answer was signed
    kept_since: datetime | None  # the responder still knows of certificates that ended after this (4.4.4)


@lru_cache(4096)
def ocsp_word(der: bytes, certificate: Certificate, issuer: Certificate) -> OcspWord | None:
    """The answer's word about the certificate; None where it has none or nobody who may signed it."""
    try:
        response = _load(der)
        if response is None:
            return None
        for single in response.responses:
            if single.serial_number == certificate.serial and _names_issuer(single, certificate, issuer):
                signer = _signer(response, issuer)
                return None if signer is None else _word(single, response, signer)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm, BadCertificate, BadDer):
        return None
    return None


@lru_cache(512)
def _load(der: bytes) -> ocsp.OCSPResponse | None:
    try:
        response = ocsp.load_der_ocsp_response(der)
    except (ValueError, TypeError):
        return None
    return response if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None


def _word(single: ocsp.OCSPSingleResponse, response: ocsp.OCSPResponse, signer: Certificate) -> OcspWord | None:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return None
    reason = single.revocation_reason
    return OcspWord(
        issued=single.this_update_utc,
        until=single.next_update_utc,
        revoked=single.revocation_time_utc,
        reason=reason.value if reason else None,
        signer=signer,
        digest=digest_name(response.signature_hash_algorithm),
        kept_since=_kept_since(response),
    )


def _kept_since(response: ocsp.OCSPResponse) -> datetime | None:
    """The archive cutoff; the library tells an answer's own extensions only where it stands alone."""
    for extensions in (response.single_extensions,) if len(list(response.responses)) == 1 else ():
        for extension in extensions:
            if extension.oid == _ARCHIVE_CUTOFF and isinstance(extension.value, x509.UnrecognizedExtension):
                return read(extension.value.value).time()
    return None


def _names_issuer(single: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 6960 4.1.1: by the hashes of the issuer's name, as either certificate writes it, and of its key."""
    if single.issuer_key_hash != _key_hash(issuer, single.hash_algorithm):
        return False
    return any(single.issuer_name_hash == _hash(name, single.hash_algorithm) for name in {certificate.issuer, issuer.subject})


def _hash(data: bytes, algorithm: hashes.HashAlgorithm) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _key_hash(certificate: Certificate, algorithm: hashes.HashAlgorithm) -> bytes:
    """Over the key's BIT STRING value without tag, length and number of unused bits."""
    return _hash(read(key_digest(certificate)).children()[1].content[1:], algorithm)


@lru_cache(512)
def _signer(response: ocsp.OCSPResponse, issuer: Certificate) -> Certificate | None:
    """Who signed the answer: the issuer, or someone with OCSPSigning directly from the issuer; None: nobody who may."""
    candidates = [issuer]
    for parsed in response.certificates[:MAX_RESPONDERS]:
        certificate = load_certificate(parsed.public_bytes(Encoding.DER))
        if _may_answer(certificate, issuer):
            candidates.append(certificate)
    for candidate in candidates:
        if _is_named(response, candidate) and made_by(
            candidate, response.signature, response.tbs_response_bytes, response.signature_hash_algorithm
        ):
            return candidate
    return None


def _may_answer(certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 6960 4.2.2.2: the issuer itself gave it the purpose OCSPSigning, and nothing in it says otherwise."""
    if OCSP_SIGNING not in (certificate.extended_usage or ()) or certificate.unknown_critical:
        return False
    if certificate.key_usage is not None and not certificate.key_usage & {"digital_signature", "content_commitment"}:
        return False
    return same_name(certificate.issuer, issuer.subject) and issued_by(certificate, issuer)


def _is_named(response: ocsp.OCSPResponse, signer: Certificate) -> bool:
    """RFC 6960 4.2.2.3: the answer says whose it is, by name or by key (its SHA-1)."""
    if response.responder_name is not None:
        return same_name(response.responder_name.public_bytes(), signer.subject)
    return response.responder_key_hash == _key_hash(signer, hashes.SHA1())  # noqa: S303 -- names a key, protects nothing
