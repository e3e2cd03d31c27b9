"""Small authorities for the tests of chains and revocation: every certificate, list and answer as wrong as a test wants it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.verification.certificates import Certificate, load_certificate

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)
CRITICAL_STRANGER = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.1"), b"\x05\x00")

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | dsa.DSAPrivateKey


@cache
def key(name: str, kind: str = "p256") -> Key:
    """The key of that name, the same one each time in a run."""
    del name
    curves: dict[str, ec.EllipticCurve] = {
        "p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "brainpool": ec.BrainpoolP256R1(),
        "p224": ec.SECP224R1(),
    }  # fmt: skip
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "dsa":
        return dsa.generate_private_key(2048)
    return rsa.generate_private_key(65537, int(kind.removeprefix("rsa")))


def name(common: str, *, kind: x509.name._ASN1Type | None = None) -> x509.Name:
    """C=VN, O=Thử, CN=common; `kind` is the string type of the CN."""
    value = x509.NameAttribute(NameOID.COMMON_NAME, common, kind) if kind else x509.NameAttribute(NameOID.COMMON_NAME, common)
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "VN"), value])


@dataclass(frozen=True, kw_only=True)
class Party:
    """A certificate with its key."""

    key: Key
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def loaded(self) -> Certificate:
        """As the verification reads it."""
        return load_certificate(self.der)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a certificate says; None leaves an extension out."""

    common: str
    kind: str = "p256"
    key_name: str = ""
    subject: x509.Name | None = None
    issuer_name: x509.Name | None = None
    ca: bool | None = None
    critical_ca: bool = True
    path_length: int | None = None
    usages: Sequence[str] | None = ("digital_signature", "content_commitment")
    extended: Sequence[x509.ObjectIdentifier] = ()
    extended_critical: bool = False
    begins: datetime = NOW - 100 * DAY
    ends: datetime = NOW + 1000 * DAY
    key_ids: bool = True
    issuer_key_id: bytes | None = None
    serial: int | None = None
    more: Sequence[tuple[x509.ExtensionType, bool]] = ()
    pss: bool = False

    def but(self, **changed: Any) -> "Plan":
        """The same with some of it changed."""
        return replace(self, **changed)


def authority(common: str, **more: Any) -> Plan:
    """The plan of a CA."""
    return Plan(common=common, **{"ca": True, "usages": ("key_cert_sign", "crl_sign"), **more})


def make(plan: Plan, issuer: Party | None = None) -> Party:
    """The certificate; self-signed without an issuer."""
    own = key(plan.key_name or plan.common, plan.kind)
    signing = issuer.key if issuer else own
    subject = plan.subject or name(plan.common)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(plan.issuer_name or (issuer.certificate.subject if issuer else subject))
        .public_key(own.public_key())
        .serial_number(plan.serial or x509.random_serial_number())
        .not_valid_before(plan.begins)
        .not_valid_after(plan.ends)
    )
    for value, critical in _extensions(plan, own, signing):
        builder = builder.add_extension(value, critical)
    digest = None if isinstance(signing, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if plan.pss else None
    return Party(key=own, certificate=builder.sign(signing, digest, rsa_padding=pss))


def _extensions(plan: Plan, own: Key, signing: Key) -> list[tuple[x509.ExtensionType, bool]]:
    found: list[tuple[x509.ExtensionType, bool]] = list(plan.more)
    if plan.ca is not None:
        found.append((x509.BasicConstraints(ca=plan.ca, path_length=plan.path_length), plan.critical_ca))
    if plan.usages is not None:
        found.append((key_usage(plan.usages), True))
    if plan.extended:
        found.append((x509.ExtendedKeyUsage(list(plan.extended)), plan.extended_critical))
    if plan.key_ids:
        found.append((x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False))
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
        found.append((x509.AuthorityKeyIdentifier(plan.issuer_key_id or known.key_identifier, None, None), False))
    return found


def key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    """The extension with these bits."""
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{usage: usage in usages for usage in every})


ISSUING_POINT: Mapping[str, Any] = {
    "full_name": None, "relative_name": None, "only_contains_user_certs": False, "only_contains_ca_certs": False,
    "only_some_reasons": None, "indirect_crl": False, "only_contains_attribute_certs": False,
}  # fmt: skip


def issuing_point(**more: Any) -> x509.IssuingDistributionPoint:
    """An issuing distribution point with some of its fields."""
    return x509.IssuingDistributionPoint(**{**ISSUING_POINT, **more})


def uri(text: str) -> x509.UniformResourceIdentifier:
    """A general name."""
    return x509.UniformResourceIdentifier(text)


def point(text: str) -> x509.CRLDistributionPoints:
    """The distribution point of a certificate."""
    return x509.CRLDistributionPoints([x509.DistributionPoint([uri(text)], None, None, None)])


def crl(
    issuer: Party,
    *entries: x509.RevokedCertificate,
    issued: datetime = NOW - DAY / 24,
    until: datetime | None = NOW + 7 * DAY,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    issuer_name: x509.Name | None = None,
) -> bytes:
    """A revocation list."""
    builder = x509.CertificateRevocationListBuilder().issuer_name(issuer_name or issuer.certificate.subject)
    builder = builder.last_update(issued).next_update(until or issued + DAY).add_extension(x509.CRLNumber(7), False)
    for entry in entries:
        builder = builder.add_revoked_certificate(entry)
    for value, critical in more:
        builder = builder.add_extension(value, critical)
    assert not isinstance(issuer.key, dsa.DSAPrivateKey)
    digest = None if isinstance(issuer.key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return builder.sign(issuer.key, digest).public_bytes(Encoding.DER)


def entry(
    party: Party,
    *,
    since: datetime = NOW - 10 * DAY,
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> x509.RevokedCertificate:
    """An entry of a list."""
    builder = x509.RevokedCertificateBuilder().serial_number(party.certificate.serial_number).revocation_date(since)
    if reason is not None:
        builder = builder.add_extension(x509.CRLReason(reason), False)
    for value, critical in more:
        builder = builder.add_extension(value, critical)
    return builder.build()


@dataclass(frozen=True, kw_only=True)
class Said:
    """What an OCSP answer says, and how it is signed."""

    status: ocsp.OCSPCertStatus = ocsp.OCSPCertStatus.GOOD
    issued: datetime = NOW - DAY / 24
    until: datetime | None = NOW + DAY
    since: datetime = NOW - 10 * DAY
    reason: x509.ReasonFlags | None = x509.ReasonFlags.key_compromise
    digest: str = "sha1"  # of the CertID
    by_name: bool = False
    certificates: bool = True
    nonce: bytes | None = None


def answer(party: Party, issuer: Party, responder: Party, said: Said | None = None) -> bytes:
    """An OCSP answer about `party`, signed by `responder`."""
    told = said or Said()
    revoked = told.status is ocsp.OCSPCertStatus.REVOKED
    encoding = ocsp.OCSPResponderEncoding.NAME if told.by_name else ocsp.OCSPResponderEncoding.HASH
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=party.certificate,
            issuer=issuer.certificate,
            algorithm=hashes.SHA1() if told.digest == "sha1" else hashes.SHA256(),  # noqa: S303 -- RFC 6960's CertID
            cert_status=told.status,
            this_update=told.issued,
            next_update=told.until,
            revocation_time=told.since if revoked else None,
            revocation_reason=told.reason if revoked else None,
        )
        .responder_id(encoding, responder.certificate)
    )
    if told.certificates and responder is not issuer:
        builder = builder.certificates([responder.certificate])
    if told.nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(told.nonce), False)
    assert not isinstance(responder.key, dsa.DSAPrivateKey)
    return builder.sign(responder.key, hashes.SHA256()).public_bytes(Encoding.DER)


RESPONDER = Plan(common="Responder", usages=("digital_signature",), extended=(ExtendedKeyUsageOID.OCSP_SIGNING,))
AUTHORITY_OF_TIME = Plan(
    common="TSA", usages=("digital_signature",), extended=(ExtendedKeyUsageOID.TIME_STAMPING,), extended_critical=True
)
