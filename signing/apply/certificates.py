"""May this certificate sign, now? Asked before the key is used (ND 68/2024, art. 29 and 31; TT 15/2025/TT-BKHCN)."""

import itertools
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from signing.errors import (
    CertificateExpired,
    CertificateNotTrusted,
    CertificateNotYetValid,
    CertificateRevoked,
    EvidenceMissing,
    EvidenceTooOld,
    WeakAlgorithm,
    WrongKeyUsage,
    WrongKind,
)
from signing.evidence import Evidence, Good, Revoked, status_of
from signing.keys.algorithms import ordered_chain, public_key, read_certificate, subject_name
from signing.report import SignatureKind
from signing.trust import Trust, Use
from signing.verification.certificates import load_certificate
from signing.verification.kinds import kind_of

# Any of these lets a certificate that names extended usages sign documents.
SIGNING_USAGES = frozenset({
    ExtendedKeyUsageOID.EMAIL_PROTECTION,
    ExtendedKeyUsageOID.CLIENT_AUTH,  # what many public CAs put into subscriber certificates, and nothing else
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    ObjectIdentifier("1.3.6.1.5.5.7.3.36"),  # document signing, RFC 9336
    ObjectIdentifier("1.3.6.1.4.1.311.10.3.12"),  # Microsoft document signing
    ObjectIdentifier("1.2.840.113583.1.1.5"),  # Adobe authentic documents
})  # fmt: skip

LEAST_RSA_BITS = 2048
LEAST_CURVE_BITS = 256
WEAK_DIGESTS = frozenset({"md5", "sha1"})


def check_certificate(
    certificate: bytes,
    chain: Sequence[bytes],
    *,
    at: datetime,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
) -> None:
    """Raise unless the certificate is valid at `at`, meant for signing, strong enough, and if asked trusted and not revoked."""
    check_validity(certificate, at)
    _check_usage(certificate)
    _check_strength(certificate)
    if trust is not None:
        _check_trusted(certificate, chain, at, trust)
    if evidence is not None:
        check_not_revoked(certificate, chain, evidence, at)


def usable_chain(
    certificate: bytes, chain: Sequence[bytes], *, at: datetime, evidence: Evidence | None, trust: Trust | None
) -> tuple[bytes, ...]:
    """The chain that goes beside the signature, completed from the trust bundle, once `check_certificate` lets it sign."""
    if trust is not None:
        chain = ordered_chain(certificate, [*chain, *trust.intermediates, *(root.certificate.der for root in trust.roots)])
    check_certificate(certificate, chain, at=at, evidence=evidence, trust=trust)
    return tuple(chain)


def check_kind(certificate: bytes, kind: SignatureKind) -> None:
    """Raise WrongKind where the certificate itself says that it is a seal's and a person is to sign, or the other way round."""
    read = load_certificate(certificate)
    # The field's name would decide where the certificate does not: asked with both names, a clear certificate says one thing.
    said = {kind_of(read, "seal"), kind_of(read, "")}
    if len(said) == 1 and kind not in said:
        found = said.pop()
        raise WrongKind(
            f"Chứng thư của {subject_name(certificate)} là của {_KINDS_VI[found]}, bước này cần {_KINDS_VI[kind]}",
            f"The certificate of {subject_name(certificate)} is {_KINDS_EN[found]}, {_KINDS_EN[kind]} is expected",
        )


_KINDS_VI = {SignatureKind.SIGNATURE: "cá nhân", SignatureKind.SEAL: "cơ quan, tổ chức (con dấu)"}
_KINDS_EN = {SignatureKind.SIGNATURE: "a person's", SignatureKind.SEAL: "an organisation's (a seal's)"}


def check_validity(certificate: bytes, at: datetime) -> None:
    """Raise CertificateNotYetValid or CertificateExpired."""
    read = read_certificate(certificate)
    who = subject_name(certificate)
    if at < read.not_valid_before_utc:
        raise CertificateNotYetValid(
            f"Chứng thư của {who} có hiệu lực từ {_day(read.not_valid_before_utc, at)}, ký lúc {_day(at, at)}",
            f"The certificate of {who} is valid from {read.not_valid_before_utc.isoformat()}, signing at {at.isoformat()}",
        )
    if at > read.not_valid_after_utc:
        raise CertificateExpired(
            f"Chứng thư của {who} hết hạn {_day(read.not_valid_after_utc, at)}, ký lúc {_day(at, at)}",
            f"The certificate of {who} expired {read.not_valid_after_utc.isoformat()}, signing at {at.isoformat()}",
        )


def check_not_revoked(certificate: bytes, chain: Sequence[bytes], evidence: Evidence, at: datetime) -> None:
    """Raise CertificateRevoked if any certificate of the path was revoked by `at`; EvidenceMissing, EvidenceTooOld."""
    path = (certificate, *chain)
    revocation = evidence.for_chain(path)
    for each, issuer in itertools.pairwise(path):
        status = status_of(each, issuer, revocation)
        who = subject_name(each)
        if status is None:
            raise EvidenceMissing(f"Không có câu trả lời về thu hồi của {who}", f"No revocation status of {who} could be had")
        if isinstance(status, Revoked) and status.at <= at:
            raise CertificateRevoked(
                f"Chứng thư của {who} đã bị thu hồi {_day(status.at, at)} ({status.reason})",
                f"The certificate of {who} was revoked {status.at.isoformat()} ({status.reason})",
            )
        if isinstance(status, Good) and status.until is not None and status.until < at:
            raise EvidenceTooOld(
                f"Câu trả lời về {who} chỉ có giá trị đến {_day(status.until, at)}",
                f"The answer about {who} held until {status.until.isoformat()}, signing at {at.isoformat()}",
            )


def _check_trusted(certificate: bytes, chain: Sequence[bytes], at: datetime, trust: Trust) -> None:
    """The path leads to a root that is believed for signing at that time (ND 68/2024, art. 32)."""
    path = (certificate, *chain)
    believed = {root.certificate.der for root in trust.roots if root.counts_at(at, Use.SIGNING)}
    if believed.isdisjoint(path):
        raise CertificateNotTrusted(
            f"Chứng thư của {subject_name(certificate)} không dẫn đến tổ chức được tin cậy nào ({subject_name(path[-1])})",
            f"The certificate of {subject_name(certificate)} leads to no trusted authority ({subject_name(path[-1])})",
        )


def _check_usage(certificate: bytes) -> None:
    """Key usage digitalSignature or nonRepudiation; extended usages, if any, one for signing (RFC 5280, 4.2.1.3 and 12)."""
    read = read_certificate(certificate)
    try:
        usage = read.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        usage = None
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise WrongKeyUsage(
            f"Chứng thư của {subject_name(certificate)} không được cấp để ký (keyUsage)",
            f"The certificate of {subject_name(certificate)} was not issued for signing (keyUsage)",
        )
    try:
        extended = read.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if SIGNING_USAGES.isdisjoint(extended):
        names = ", ".join(usage.dotted_string for usage in extended)
        raise WrongKeyUsage(
            f"Chứng thư của {subject_name(certificate)} chỉ dùng cho: {names}",
            f"The certificate of {subject_name(certificate)} is only for: {names}",
        )


def _check_strength(certificate: bytes) -> None:
    read, key = read_certificate(certificate), public_key(certificate)
    least = LEAST_RSA_BITS if isinstance(key, rsa.RSAPublicKey) else LEAST_CURVE_BITS
    bits = key.curve.key_size if isinstance(key, ec.EllipticCurvePublicKey) else key.key_size
    if bits < least:
        raise WeakAlgorithm(
            f"Khóa {bits} bit quá yếu, cần ít nhất {least}", f"The key has {bits} bits, at least {least} expected"
        )
    hashed = read.signature_hash_algorithm
    if hashed is not None and hashed.name in WEAK_DIGESTS:
        raise WeakAlgorithm(
            f"Chứng thư được ký bằng {hashed.name}, cần SHA-256 trở lên",
            f"The certificate is signed with {hashed.name}, SHA-256 or better expected",
        )


def _day(moment: datetime, zone_of: datetime) -> str:
    """As a Vietnamese reader writes it, in the zone of the signing time."""
    return moment.astimezone(zone_of.tzinfo).strftime("%d/%m/%Y %H:%M:%S %z")
