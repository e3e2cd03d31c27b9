"""Certificates as the verification uses them, each parsed once per process, and the check of a raw signature value."""

import unicodedata
import warnings
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID

from signing.verification.der import SEQUENCE, SET, Node, read
from signing.verification.faults import BadCertificate, BadDer
from signing.verification.signed_data import Scheme

# Certificates with serial numbers that RFC 5280 forbids are judged like all others: a warning would help nobody.
warnings.filterwarnings("ignore", message="Parsed a serial number which wasn't positive")

MAX_CERTIFICATE_BYTES = 64 * 1024  # real ones have 1 to 4 KB
CACHED = 2048  # certificates, and issuer checks, kept per process

HASHES: dict[str, type[hashes.HashAlgorithm]] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
    "sha3_224": hashes.SHA3_224,
    "sha3_256": hashes.SHA3_256,
    "sha3_384": hashes.SHA3_384,
    "sha3_512": hashes.SHA3_512,
}

ORGANIZATION_IDENTIFIER = x509.ObjectIdentifier("2.5.4.97")
_SHORT_NAMES = {
    NameOID.COMMON_NAME: "CN",
    NameOID.ORGANIZATION_NAME: "O",
    NameOID.ORGANIZATIONAL_UNIT_NAME: "OU",
    NameOID.TITLE: "T",
    NameOID.USER_ID: "UID",
    NameOID.SERIAL_NUMBER: "SERIALNUMBER",
    NameOID.GIVEN_NAME: "GN",
    NameOID.SURNAME: "SN",
    NameOID.EMAIL_ADDRESS: "E",
    NameOID.COUNTRY_NAME: "C",
    ORGANIZATION_IDENTIFIER: "ORGANIZATIONIDENTIFIER",
}
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
_NO_REVOCATION_AVAILABLE = x509.ObjectIdentifier("2.5.29.56")
_VALIDITY_ASSURED = x509.ObjectIdentifier("0.4.0.194121.2.1")
# Critical extensions that this verification judges itself (RFC 5280 4.2). Any other critical one refuses the path.
_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        ExtensionOID.CRL_DISTRIBUTION_POINTS,
        ExtensionOID.CERTIFICATE_POLICIES,
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_INFORMATION_ACCESS,
        ExtensionOID.OCSP_NO_CHECK,
        _NO_REVOCATION_AVAILABLE,
        _VALIDITY_ASSURED,
        x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"),  # qcStatements say what a certificate is, not what it may not do
    }
)
# These restrict whole paths: such a path is given to the full RFC 5280 procedure.
_PATH_LIMITS = frozenset(
    {
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.POLICY_CONSTRAINTS,
        ExtensionOID.POLICY_MAPPINGS,
        ExtensionOID.INHIBIT_ANY_POLICY,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """What a path and a report need of a certificate. Two are the same when their bytes are."""

    der: bytes
    fingerprint: bytes  # SHA-256 of `der`
    subject: bytes  # DER
    issuer: bytes  # DER
    serial: int
    not_before: datetime
    not_after: datetime
    key: PublicKeyTypes | None  # None: of a kind, or with numbers, that cannot be used
    key_kind: str  # "rsa", "ec", "dsa", "ed25519", "ed448", "unknown"
    key_bits: int
    scheme: str  # how its issuer signed it
    digest: str | None  # with which digest
    is_ca: bool
    path_length: int | None
    key_usage: frozenset[str] | None  # None: the certificate does not say
    extended_usage: frozenset[str] | None
    extended_usage_critical: bool
    key_id: bytes | None
    issuer_key_id: bytes | None
    unknown_critical: tuple[str, ...]
    limits_paths: bool
    no_revocation_check: bool  # nobody is asked whether it was revoked: see _needs_no_word
    names: dict[str, str] = field(default_factory=dict)
    subject_text: str  # RFC 4514
    issuer_text: str
    parsed: x509.Certificate

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def self_issued(self) -> bool:
        """Whether subject and issuer are the same name."""
        return same_name(self.subject, self.issuer)

    @property
    def common_name(self) -> str:
        """The name to show: CN, else O, else the serial number."""
        return self.names.get("CN") or self.names.get("O") or f"{self.serial:x}"


@lru_cache(CACHED)
def load_certificate(der: bytes) -> Certificate:
    """A certificate from its DER. Raises BadCertificate."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        raise BadCertificate(f"a certificate of {len(der)} bytes; at most {MAX_CERTIFICATE_BYTES} are read")
    try:
        return _load(der)
    except BadCertificate:
        raise
    except Exception as fault:  # the parser raises many kinds for broken values, all of them mean the same here
        raise BadCertificate(f"a certificate cannot be read: {fault}") from fault


def _load(der: bytes) -> Certificate:
    parsed = x509.load_der_x509_certificate(der)
    found = {extension.oid: extension for extension in parsed.extensions}
    key, kind, bits = _key(parsed)
    constraints = found.get(ExtensionOID.BASIC_CONSTRAINTS)
    is_ca = bool(constraints and constraints.value.ca)
    usage = found.get(ExtensionOID.KEY_USAGE)
    extended = found.get(ExtensionOID.EXTENDED_KEY_USAGE)
    own_key = found.get(ExtensionOID.SUBJECT_KEY_IDENTIFIER)
    issuer_key = found.get(ExtensionOID.AUTHORITY_KEY_IDENTIFIER)
    digest = parsed.signature_hash_algorithm
    fingerprint = hashes.Hash(hashes.SHA256())
    fingerprint.update(der)
    return Certificate(
        der=der,
        fingerprint=fingerprint.finalize(),
        subject=parsed.subject.public_bytes(),
        issuer=parsed.issuer.public_bytes(),
        serial=parsed.serial_number,
        not_before=parsed.not_valid_before_utc,
        not_after=parsed.not_valid_after_utc,
        key=key,
        key_kind=kind,
        key_bits=bits,
        scheme=_scheme_name(parsed),
        digest=digest.name.replace("-", "_") if digest else None,
        is_ca=is_ca,
        path_length=constraints.value.path_length if constraints else None,
        key_usage=frozenset(name for name in _USAGES if getattr(usage.value, name)) if usage else None,
        extended_usage=frozenset(oid.dotted_string for oid in extended.value) if extended else None,
        extended_usage_critical=bool(extended and extended.critical),
        key_id=own_key.value.digest if own_key else None,
        issuer_key_id=issuer_key.value.key_identifier if issuer_key else None,
        unknown_critical=tuple(
            oid.dotted_string for oid, e in found.items() if e.critical and oid not in _UNDERSTOOD and oid not in _PATH_LIMITS
        ),
        limits_paths=any(oid in _PATH_LIMITS for oid in found),
        no_revocation_check=_needs_no_word(found.keys(), extended, is_ca=is_ca),
        names=_names(parsed.subject),
        subject_text=parsed.subject.rfc4514_string(),
        issuer_text=parsed.issuer.rfc4514_string(),
        parsed=parsed,
    )


def _needs_no_word(found: Collection[x509.ObjectIdentifier], extended: x509.Extension[Any] | None, *, is_ca: bool) -> bool:
    """Certificates about whose revocation nobody has to say anything.

    A responder with id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1; on anybody else it says nothing), and short-lived certificates
    of users: noRevAvail (RFC 9608) or validity-assured (EN 319 412-1 5.2).
    """
    if ExtensionOID.OCSP_NO_CHECK in found and extended is not None and ExtendedKeyUsageOID.OCSP_SIGNING in extended.value:
        return True
    return not is_ca and (_NO_REVOCATION_AVAILABLE in found or _VALIDITY_ASSURED in found)


def _names(name: x509.Name) -> dict[str, str]:
    names: dict[str, str] = {}
    for attribute in name:
        short = _SHORT_NAMES.get(attribute.oid)
        if short and short not in names:
            value = attribute.value
            names[short] = value if isinstance(value, str) else value.decode("utf-8", "replace")
    return names


def _key(parsed: x509.Certificate) -> tuple[PublicKeyTypes | None, str, int]:  # noqa: PLR0911 -- one per kind of key
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):  # a negative modulus, an explicit curve: known from old cards
        return None, "unknown", 0
    if isinstance(key, rsa.RSAPublicKey):
        return key, "rsa", key.key_size
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key, "ec", key.curve.key_size
    if isinstance(key, dsa.DSAPublicKey):
        return key, "dsa", key.key_size
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key, "ed25519", 256
    if isinstance(key, ed448.Ed448PublicKey):
        return key, "ed448", 448
    return None, "unknown", 0


def _scheme_name(parsed: x509.Certificate) -> str:
    try:
        how = parsed.signature_algorithm_parameters
    except (ValueError, UnsupportedAlgorithm):
        return "unknown"
    if isinstance(how, padding.PSS):
        return "rsa_pss"
    if isinstance(how, padding.PKCS1v15):
        return "rsa_pkcs1"
    if isinstance(how, ec.ECDSA):
        return "ecdsa"
    return "other"


@lru_cache(CACHED)
def issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the signature on the certificate."""
    parsed, key = certificate.parsed, issuer.key
    try:
        how, digest = parsed.signature_algorithm_parameters, parsed.signature_hash_algorithm
        tbs, value = parsed.tbs_certificate_bytes, parsed.signature
        if isinstance(key, rsa.RSAPublicKey) and isinstance(how, padding.PSS | padding.PKCS1v15) and digest:
            key.verify(value, tbs, how, digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(how, ec.ECDSA):
            key.verify(value, tbs, how)
        elif isinstance(key, dsa.DSAPublicKey) and digest:
            key.verify(value, tbs, digest)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey) and digest is None:
            key.verify(value, tbs)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError):
        return False
    return True


def signature_is_by(certificate: Certificate, scheme: Scheme, signature: bytes, data: bytes) -> bool:
    """Whether the certificate's key made this signature over these bytes; False also when the key is of another kind."""
    key = certificate.key
    try:
        if scheme.name == "ed25519" and isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, data)
            return True
        if scheme.name == "ed448" and isinstance(key, ed448.Ed448PublicKey):
            key.verify(signature, data)
            return True
        digest = HASHES[scheme.digest]()
        if scheme.name == "rsa_pkcs1" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), digest)
        elif scheme.name == "rsa_pss" and isinstance(key, rsa.RSAPublicKey) and scheme.salt is not None:
            key.verify(signature, data, padding.PSS(padding.MGF1(digest), scheme.salt), digest)
        elif scheme.name == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(digest))
        elif scheme.name == "dsa" and isinstance(key, dsa.DSAPublicKey):
            key.verify(signature, data, digest)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return False
    return True


def digest_is_signed(certificate: Certificate, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    """The same over a digest, for containers without signed attributes."""
    key = certificate.key
    try:
        algorithm = HASHES[scheme.digest]()
        known = utils.Prehashed(algorithm)
        if scheme.name == "rsa_pkcs1" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), known)
        elif scheme.name == "rsa_pss" and isinstance(key, rsa.RSAPublicKey) and scheme.salt is not None:
            key.verify(signature, digest, padding.PSS(padding.MGF1(algorithm), scheme.salt), known)
        elif scheme.name == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(known))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, KeyError):
        return False
    return True


def same_name(one: bytes, other: bytes) -> bool:
    """Whether two names (DER) are the same by RFC 5280 7.1: kind of string, letter case and white space do not count."""
    return one == other or (len(one) > 2 and _comparable(one) == _comparable(other))  # noqa: PLR2004 -- an empty name is nobody's


@lru_cache(CACHED)
def _comparable(name: bytes) -> tuple[frozenset[object], ...] | bytes:
    """A name in a form that compares; one that cannot be read is only like itself."""
    try:
        return tuple(
            frozenset((pair[0].oid(), _comparable_value(pair[1])) for pair in (each.children() for each in part.children()))
            for part in (each.expect(SET) for each in read(name).expect(SEQUENCE).children())
        )
    except (BadDer, IndexError):
        return name


# UTF8String, PrintableString, TeletexString (as it is used), IA5String, VisibleString, UniversalString, BMPString.
_TEXT = {12: "utf-8", 19: "ascii", 20: "latin-1", 22: "ascii", 26: "ascii", 28: "utf-32-be", 30: "utf-16-be"}


def _comparable_value(value: Node) -> object:
    encoding = _TEXT.get(value.tag)
    if encoding is None:
        return value.raw
    try:
        text = value.content.decode(encoding)
    except UnicodeDecodeError:
        return value.raw
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def key_digest(certificate: Certificate) -> bytes:
    """The DER of the public key alone (SubjectPublicKeyInfo), for comparing keys."""
    if certificate.key is None:
        raise BadCertificate(f"the key of {certificate.common_name} cannot be used")
    return certificate.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
