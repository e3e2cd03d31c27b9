"""OCSP answers (RFC 6960): what one says of a certificate, and who signed it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from signing.verification.certificates import (
    Certificate,
    issued_by,
    readable_certificate,
    same_name,
    signature_is_by,
)
from signing.verification.der import read
from signing.verification.faults import Fault
from signing.verification.ocsp_message import OcspMessage, Single, read_ocsp
from signing.verification.signed_data import FIXED_DIGEST, digest_of

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"


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
        message = read_ocsp(der)
        if message is None:
            return None
        about = [each for each in message.singles if _is_about(each, certificate, issuer)]
        single = next((each for each in about if each.revoked), about[0] if about else None)
        signer = _signer(message, issuer) if single is not None else None
    except (Fault, ValueError, IndexError):
        return None
    if single is None or signer is None:
        return None
    return OcspWord(
        issued=single.issued,
        until=single.until,
        revoked=single.revoked,
        reason=single.reason,
        signer=signer,
        digest=None if message.scheme.name in FIXED_DIGEST else message.scheme.digest,
        kept_since=single.kept_since,
    )


def _is_about(single: Single, certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 6960 4.1.1: serial number, and hashes of the issuer's name, as either certificate writes it, and of its key."""
    if single.serial != certificate.serial or single.key_hash != digest_of(single.digest, _key_bits(issuer)):
        return False
    return any(single.name_hash == digest_of(single.digest, name) for name in {certificate.issuer, issuer.subject})


@lru_cache(512)
def _key_bits(certificate: Certificate) -> bytes:
    """The key's BIT STRING value without tag, length and number of unused bits."""
    return read(certificate.key_info).children()[1].whole_bytes()


@lru_cache(512)
def _signer(message: OcspMessage, issuer: Certificate) -> Certificate | None:
    """Who signed the answer: the issuer, or someone with OCSPSigning directly from the issuer; None: nobody who may."""
    candidates = [
        issuer,
        *(each for each in map(readable_certificate, message.certificates) if each and _may_answer(each, issuer)),
    ]
    for each in candidates:
        if _is_named(message, each) and signature_is_by(each, message.scheme, message.signature, message.signed):
            return each
    return None


def _may_answer(certificate: Certificate, issuer: Certificate) -> bool:
    """RFC 6960 4.2.2.2: the issuer itself gave it the purpose OCSPSigning, and nothing in it says otherwise."""
    if OCSP_SIGNING not in (certificate.extended_usage or ()) or certificate.unknown_critical:
        return False
    if certificate.key_usage is not None and not certificate.key_usage & {"digital_signature", "content_commitment"}:
        return False
    return same_name(certificate.issuer, issuer.subject) and issued_by(certificate, issuer)


def _is_named(message: OcspMessage, signer: Certificate) -> bool:
    """RFC 6960 4.2.2.3: the answer says whose it is, by name or by key (its SHA-1, which names and protects nothing)."""
    if message.responder_name is not None:
        return same_name(message.responder_name, signer.subject)
    return message.responder_key == hashlib.sha1(_key_bits(signer), usedforsecurity=False).digest()
