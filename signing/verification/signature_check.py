"""EN 319 102-1 clauses 5.2.3 (identify the signing certificate) and 5.2.7 (cryptographic verification)."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from signing.report import SubIndication, Verdict
from signing.verification.algorithms import Term, weakness
from signing.verification.certificates import Certificate, digest_is_signed, load_certificate, same_name, signature_is_by
from signing.verification.faults import BadCertificate
from signing.verification.signed_data import FIXED_DIGEST, CertificateDigest, SignedData, digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Whether a container's signature value fits its content and its certificate."""

    signed: SignedData
    certificate: Certificate | None
    verdict: Verdict
    sub_indication: SubIndication | None = None
    code: str | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()

    @property
    def sound(self) -> bool:
        """Digest, attributes and value all fit."""
        return self.verdict is Verdict.TOTAL_PASSED

    def weak_term(self, moment: datetime) -> Term | None:
        """The row that forbids the algorithms of the value at the moment."""
        if self.certificate is None:
            return None
        return weakness(
            moment,
            digest=None if self.signed.scheme.name in FIXED_DIGEST else self.signed.scheme.digest,
            key=self.certificate.key_kind,
            bits=self.certificate.key_bits,
            scheme=self.signed.scheme.name,
        )

    def weakness(self, moment: datetime) -> str:
        """What in the algorithms was too weak at the moment; empty: nothing."""
        term = self.weak_term(moment)
        return f"{term.name} ({term.source})" if term else ""


def check(signed: SignedData, content: bytes, others: Iterable[Certificate] = ()) -> Checked:
    """The container against its content. Raises Fault for what cannot be read."""
    return check_digest(signed, digest_of(signed.digest, content), others)


def check_digest(signed: SignedData, digest: bytes, others: Iterable[Certificate] = ()) -> Checked:
    """The container against the digest of its content; `others` are certificates of elsewhere: one may be the signer's."""
    try:
        certificate = signing_certificate(signed) or _bound_among(signed, others)
    except BadCertificate as fault:
        return _refused(signed, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "UNKNOWN_KEY", str(fault))
    if certificate is None:
        return _refused(signed, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "NO_SIGNER_CERTIFICATE", "no certificate")
    bound = signed.signing_certificate
    if bound is not None and not _is_bound(signed, certificate):
        return _refused(
            signed, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, "SIGNER_CERTIFICATE_MISMATCH", "another certificate"
        )
    checked = _cryptography(signed, certificate, digest)
    if bound is not None and not _is_named(bound, certificate):
        return replace(checked, notes=(*checked.notes, "SIGNER_NAMED_OTHERWISE"))
    return checked


def _is_named(bound: CertificateDigest, certificate: Certificate) -> bool:
    """5.2.3.4 step 3: issuer and number beside the digest only warn where they are another certificate's."""
    if bound.serial is None:
        return True
    return bound.serial == certificate.serial and (bound.issuer is None or same_name(bound.issuer, certificate.issuer))


def signing_certificate(signed: SignedData) -> Certificate | None:
    """The certificate in the container that the SignerInfo names: by issuer and serial number, or by its key.

    Of several that it names so, the one that the signed attributes bind: anyone may lay another beside it.
    """
    unreadable: BadCertificate | None = None
    named: Certificate | None = None
    for der in (*signed.certificates, *signed.more_certificates):
        try:
            certificate = load_certificate(der)
        except BadCertificate as fault:
            unreadable = fault
            continue
        if _names(signed, certificate):
            if _is_bound(signed, certificate):
                return certificate
            named = named or certificate
    if named is None and unreadable is not None:
        raise unreadable
    return named


def _bound_among(signed: SignedData, others: Iterable[Certificate]) -> Certificate | None:
    """5.2.3.4: it may come from elsewhere (the security store, the bundle); only one that the signer bound is taken."""
    return next((each for each in others if _names(signed, each) and _is_bound(signed, each)), None)


def _names(signed: SignedData, certificate: Certificate) -> bool:
    if signed.issuer is not None:
        return certificate.issuer == signed.issuer and certificate.serial == signed.serial
    return signed.key_id is not None and certificate.key_id == signed.key_id


def _is_bound(signed: SignedData, certificate: Certificate) -> bool:
    bound = signed.signing_certificate
    return bound is not None and hmac.compare_digest(digest_of(bound.digest, certificate.der), bound.value)


def _cryptography(signed: SignedData, certificate: Certificate, digest: bytes) -> Checked:  # noqa: PLR0911 -- one per fault
    attributes = signed.signed_attributes
    if attributes is None:
        if signed.recovered is not None and not hmac.compare_digest(signed.recovered, digest):
            return _broken(signed, certificate, SubIndication.HASH_FAILURE, "DIGEST_MISMATCH", "digest of the content")
        if not digest_is_signed(certificate, signed.scheme, signed.signature, digest):
            return _broken(signed, certificate, SubIndication.SIG_CRYPTO_FAILURE, "SIGNATURE_VALUE", "signature value")
        return Checked(signed=signed, certificate=certificate, verdict=Verdict.TOTAL_PASSED)
    told = signed.message_digest
    if told is None:
        return _broken(signed, certificate, SubIndication.SIG_CRYPTO_FAILURE, "SIGNATURE_VALUE", "no message digest")
    if not hmac.compare_digest(told, digest):
        return _broken(signed, certificate, SubIndication.HASH_FAILURE, "DIGEST_MISMATCH", "digest of the content")
    if signed.signed_content_type != signed.content_type:
        return _broken(signed, certificate, SubIndication.SIG_CRYPTO_FAILURE, "SIGNATURE_VALUE", "content type")
    if signature_is_by(certificate, signed.scheme, signed.signature, attributes):
        return Checked(signed=signed, certificate=certificate, verdict=Verdict.TOTAL_PASSED)
    ordered = signed.sorted_attributes
    if ordered is not None and signature_is_by(certificate, signed.scheme, signed.signature, ordered):
        return Checked(signed=signed, certificate=certificate, verdict=Verdict.TOTAL_PASSED, notes=("ATTRIBUTES_NOT_DER",))
    if certificate.key is None:
        return _refused(signed, SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE, "UNKNOWN_KEY", certificate.common_name)
    return _broken(signed, certificate, SubIndication.SIG_CRYPTO_FAILURE, "SIGNATURE_VALUE", "signature value")


def _broken(signed: SignedData, certificate: Certificate, sub: SubIndication, code: str, reason: str) -> Checked:
    return Checked(
        signed=signed,
        certificate=certificate,
        verdict=Verdict.TOTAL_FAILED,
        sub_indication=sub,
        code=code,
        reason=reason,
    )


def _refused(signed: SignedData, sub: SubIndication, code: str, reason: str) -> Checked:
    return Checked(signed=signed, certificate=None, verdict=Verdict.INDETERMINATE, sub_indication=sub, code=code, reason=reason)
