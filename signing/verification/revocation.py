"""Revocation: what OCSP answers (RFC 6960) and revocation lists (RFC 5280 5) say of a certificate at a moment.

Every answer is believed only when the certificate's own issuer signed it, or a responder to whom that issuer gave the
OCSPSigning purpose. Answers carry the earliest moment at which they are proved to have existed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtensionOID

from signing.verification.algorithms import weakness
from signing.verification.certificates import Certificate, issued_by, load_certificate
from signing.verification.faults import BadCertificate

OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
MAX_ANSWERS = 256  # revocation values looked at per file; a book with 16 signatures holds about 40
CLOCK_SKEW = timedelta(minutes=5)  # between an authority's clocks
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Revocation data as found: DER, and since when it is proved to exist."""

    der: bytes
    proven: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one believed value says of one certificate."""

    source: str  # "ocsp" or "crl"
    issued: datetime  # thisUpdate: the state of knowledge it stands for
    until: datetime | None  # nextUpdate
    revoked: datetime | None
    reason: str | None
    proven: datetime
    der: bytes

    def usable_at(self, moment: datetime) -> bool:
        """Whether it can speak about this moment: it is from later, or was still fresh then."""
        return self.issued + CLOCK_SKEW >= moment or (self.until is not None and self.until >= moment)


def answers(
    certificate: Certificate, issuer: Certificate, ocsps: Iterable[Value], lists: Iterable[Value]
) -> tuple[Answer, ...]:
    """Every believed answer about the certificate, newest first."""
    found: list[Answer] = []
    for value in ocsps:
        told = _ocsp(value.der, certificate, issuer)
        if told is not None and _responder_held(told, value.proven) and not _too_weak(told, value.proven):
            found.append(_answer("ocsp", value, told.issued, told.until, told.revoked, told.reason))
    for value in lists:
        told_list = _list(value.der, issuer)
        if told_list is not None and told_list.speaks_of(certificate):
            revoked, reason = told_list.entry(certificate.serial)
            if revoked is None and weakness(value.proven, digest=told_list.digest, key=issuer.key_kind, bits=issuer.key_bits):
                continue
            found.append(_answer("crl", value, told_list.issued, told_list.until, revoked, reason))
    return tuple(sorted(found, key=lambda answer: answer.issued, reverse=True))


def _answer(
    source: str, value: Value, issued: datetime, until: datetime | None, revoked: datetime | None, reason: str | None
) -> Answer:
    return Answer(source=source, issued=issued, until=until, revoked=revoked, reason=reason, proven=value.proven, der=value.der)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    issued: datetime
    until: datetime | None
    revoked: datetime | None
    reason: str | None
    responder: Certificate | None  # None: the issuer itself
    digest: str | None  # with which the answer was signed
    key: tuple[str, int]  # kind and size of the key that signed it


def _too_weak(told: _Told, proven: datetime) -> bool:
    """A good word signed with a weak algorithm is none; a revocation is believed all the same."""
    kind, bits = told.key
    return told.revoked is None and weakness(proven, digest=told.digest, key=kind, bits=bits) is not None


def _responder_held(told: _Told, proven: datetime) -> bool:
    """A delegated responder's certificate must have been valid when the answer is proved to have existed."""
    responder = told.responder
    return responder is None or responder.not_before - CLOCK_SKEW <= proven <= responder.not_after


@lru_cache(4096)
def _ocsp(der: bytes, certificate: Certificate, issuer: Certificate) -> _Told | None:
    try:
        response = _load_ocsp(der)
        if response is None:
            return None
        for single in response.responses:
            if single.serial_number == certificate.serial and _names_issuer(single, issuer):
                responder = _responder(response, issuer)
                if responder is None:
                    return None
                return _told(single, response, responder, issuer)
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm, BadCertificate):
        return None
    return None


@lru_cache(512)
def _load_ocsp(der: bytes) -> ocsp.OCSPResponse | None:
    try:
        response = ocsp.load_der_ocsp_response(der)
    except (ValueError, TypeError):
        return None
    return response if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL else None


def _told(
    single: ocsp.OCSPSingleResponse, response: ocsp.OCSPResponse, responder: Certificate, issuer: Certificate
) -> _Told | None:
    if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
        return None
    reason = single.revocation_reason
    return _Told(
        issued=single.this_update_utc,
        until=single.next_update_utc,
        revoked=single.revocation_time_utc,
        reason=reason.value if reason else None,
        responder=None if responder == issuer else responder,
        digest=_digest_name(response.signature_hash_algorithm),
        key=(responder.key_kind, responder.key_bits),
    )


def _digest_name(digest: hashes.HashAlgorithm | None) -> str | None:
    return digest.name.replace("-", "_") if digest is not None else None


def _names_issuer(single: ocsp.OCSPSingleResponse, issuer: Certificate) -> bool:
    digest = hashes.Hash(single.hash_algorithm)
    digest.update(issuer.subject)
    return digest.finalize() == single.issuer_name_hash and _key_hash(single, issuer) == single.issuer_key_hash


def _key_hash(single: ocsp.OCSPSingleResponse, issuer: Certificate) -> bytes:
    """RFC 6960 4.1.1: over the key's BIT STRING value without tag, length and number of unused bits."""
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(_key(issuer))
    if isinstance(single.hash_algorithm, hashes.SHA1):
        return key_identifier.digest
    from signing.verification.certificates import key_digest
    from signing.verification.der import read

    bits = read(key_digest(issuer)).children()[1].content[1:]
    digest = hashes.Hash(single.hash_algorithm)
    digest.update(bits)
    return digest.finalize()


def _key(issuer: Certificate) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey:
    if isinstance(issuer.key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | dsa.DSAPublicKey):
        return issuer.key
    raise BadCertificate(f"the key of {issuer.common_name} cannot be used")


@lru_cache(512)
def _responder(response: ocsp.OCSPResponse, issuer: Certificate) -> Certificate | None:
    """Who signed the answer: the issuer, or someone with OCSPSigning from the issuer; None: nobody who may."""
    candidates = [issuer]
    for parsed in response.certificates[:8]:
        certificate = load_certificate(parsed.public_bytes(Encoding.DER))
        if OCSP_SIGNING in (certificate.extended_usage or ()) and issued_by(certificate, issuer):
            candidates.append(certificate)
    for candidate in candidates:
        digest = response.signature_hash_algorithm
        if _made_by(candidate, response.signature, response.tbs_response_bytes, digest):
            return candidate
    return None


def _made_by(signer: Certificate, value: bytes, data: bytes, digest: hashes.HashAlgorithm | None) -> bool:
    key = signer.key
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            try:
                key.verify(value, data, padding.PKCS1v15(), digest)
            except InvalidSignature:
                key.verify(value, data, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(value, data, ec.ECDSA(digest))
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(value, data)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


class _List:
    """A revocation list whose issuer's signature was checked."""

    __slots__ = ("ca_only", "digest", "issued", "issuer", "parsed", "until", "users_only")

    def __init__(self, parsed: x509.CertificateRevocationList, *, users_only: bool, ca_only: bool) -> None:
        self.parsed = parsed
        self.issuer = parsed.issuer.public_bytes()
        self.issued = parsed.last_update_utc
        self.until = parsed.next_update_utc
        self.digest = _digest_name(parsed.signature_hash_algorithm)
        self.users_only, self.ca_only = users_only, ca_only

    def speaks_of(self, certificate: Certificate) -> bool:
        """Whether the list covers certificates of this kind."""
        if certificate.issuer != self.issuer:
            return False
        return not (self.users_only and certificate.is_ca) and not (self.ca_only and not certificate.is_ca)

    def entry(self, serial: int) -> tuple[datetime | None, str | None]:
        """When and why a serial number was revoked."""
        entry = self.parsed.get_revoked_certificate_by_serial_number(serial)
        if entry is None:
            return None, None
        try:
            reason = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
        except (x509.ExtensionNotFound, ValueError):
            return entry.revocation_date_utc, None
        if reason is x509.ReasonFlags.remove_from_crl:
            return None, None
        return entry.revocation_date_utc, reason.value


@lru_cache(512)
def _list(der: bytes, issuer: Certificate) -> _List | None:  # noqa: PLR0911 -- one per refusal
    """The list, when the issuer signed it and it is complete; None otherwise (a part of a list proves nothing)."""
    try:
        parsed = x509.load_der_x509_crl(der)
        if parsed.issuer.public_bytes() != issuer.subject:
            return None
        if issuer.key_usage is not None and "crl_sign" not in issuer.key_usage:
            return None
        if not _made_by(issuer, parsed.signature, parsed.tbs_certlist_bytes, parsed.signature_hash_algorithm):
            return None
        users_only = ca_only = False
        for extension in parsed.extensions:
            value = extension.value
            if isinstance(value, x509.IssuingDistributionPoint):
                if value.indirect_crl or value.only_some_reasons or value.only_contains_attribute_certs:
                    return None
                users_only, ca_only = value.only_contains_user_certs, value.only_contains_ca_certs
            elif extension.critical or extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
                return None
        return _List(parsed, users_only=users_only, ca_only=ca_only)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None


def newest(found: Sequence[Answer]) -> Answer | None:
    """The answer with the latest state of knowledge."""
    return max(found, key=lambda answer: answer.issued, default=None)


def revoked_since(found: Sequence[Answer]) -> Answer | None:
    """The answer that names the earliest revocation."""
    return min((answer for answer in found if answer.revoked), key=lambda a: a.revoked or _BEGINNING, default=None)
