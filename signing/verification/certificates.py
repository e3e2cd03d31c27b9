"""Certificates as the verification uses them, each parsed once per process, and the check of a raw signature value."""

import hashlib
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signing.verification.certificate_fields import (
    AUTHORITY_KEY_IDENTIFIER,
    BASIC_CONSTRAINTS,
    DISTRIBUTION_POINTS,
    EXTENDED_KEY_USAGE,
    INFORMATION_ACCESS,
    KEY_USAGE,
    SUBJECT_KEY_IDENTIFIER,
    TEXT,
    basic_constraints,
    distribution_points,
    extended_key_usage,
    issuer_key_id,
    key_usage,
    name_parts,
    name_text,
    ocsp_addresses,
    read_fields,
    subject_key_id,
    value_text,
)
from signing.verification.der import SEQUENCE, SET, Node, read
from signing.verification.faults import BadCertificate, BadDer
from signing.verification.signed_data import FIXED_DIGEST, Scheme

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

_SHORT_NAMES = {
    "2.5.4.3": "CN",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.12": "T",
    "0.9.2342.19200300.100.1.1": "UID",
    "2.5.4.5": "SERIALNUMBER",
    "2.5.4.42": "GN",
    "2.5.4.4": "SN",
    "1.2.840.113549.1.9.1": "E",
    "2.5.4.6": "C",
    "2.5.4.97": "ORGANIZATIONIDENTIFIER",
}
# Kinds of keys that can make a signature here: RSA, RSASSA-PSS, EC, DSA, Ed25519, Ed448.
_KEYS = frozenset(
    {
        "1.2.840.113549.1.1.1",
        "1.2.840.113549.1.1.10",
        "1.2.840.10045.2.1",
        "1.2.840.10040.4.1",
        "1.3.101.112",
        "1.3.101.113",
    }
)
_OCSP_NO_CHECK = "1.3.6.1.5.5.7.48.1.5"
_OCSP_SIGNING = "1.3.6.1.5.5.7.3.9"
_NO_REVOCATION_AVAILABLE = "2.5.29.56"
_VALIDITY_ASSURED = "0.4.0.194121.2.1"
# Critical extensions that this verification judges itself (RFC 5280 4.2). Any other critical one refuses the path.
_UNDERSTOOD = frozenset(
    {
        BASIC_CONSTRAINTS,
        KEY_USAGE,
        EXTENDED_KEY_USAGE,
        "2.5.29.17",  # subjectAltName
        "2.5.29.18",  # issuerAltName
        DISTRIBUTION_POINTS,
        "2.5.29.32",  # certificatePolicies
        SUBJECT_KEY_IDENTIFIER,
        AUTHORITY_KEY_IDENTIFIER,
        INFORMATION_ACCESS,
        _OCSP_NO_CHECK,
        _NO_REVOCATION_AVAILABLE,
        _VALIDITY_ASSURED,
        "1.3.6.1.5.5.7.1.3",  # qcStatements say what a certificate is, not what it may not do
    }
)
# These restrict whole paths: such a path is given to the full RFC 5280 procedure.
_PATH_LIMITS = frozenset(
    {
        "2.5.29.30",  # nameConstraints
        "2.5.29.36",  # policyConstraints
        "2.5.29.33",  # policyMappings
        "2.5.29.54",  # inhibitAnyPolicy
    }
)
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Certificate:
    """What a path and a report need of a certificate. Two are the same when their bytes are."""

    der: bytes
    fingerprint: bytes  # SHA-256 of `der`
    version: int  # 1, 2 or 3
    subject: bytes  # DER
    issuer: bytes  # DER
    serial: int
    not_before: datetime
    not_after: datetime
    key: PublicKeyTypes | None  # None: of a kind, or with numbers, that cannot be used
    key_info: bytes  # SubjectPublicKeyInfo, DER
    key_kind: str  # "rsa", "ec", "dsa", "ed25519", "ed448", "unknown"
    key_bits: int
    made_with: Scheme | None  # how its issuer signed it; None: in a way that is not known here
    signed: bytes  # tbsCertificate
    signature: bytes
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
    ocsp_addresses: tuple[str, ...]  # where the issuer answers, as the certificate tells
    list_addresses: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @property
    def scheme(self) -> str:
        """The name of the scheme with which its issuer signed it."""
        return self.made_with.name if self.made_with else "unknown"

    @property
    def digest(self) -> str | None:
        """The digest with which its issuer signed it; None where the scheme has its own."""
        if self.made_with is None:
            return "unknown"
        return None if self.made_with.name in FIXED_DIGEST else self.made_with.digest

    @property
    def names(self) -> Mapping[str, str]:
        """The parts of the subject that a report shows, by their short names."""
        return _names(self.subject)

    @property
    def subject_text(self) -> str:
        """The subject by RFC 4514."""
        return name_text(self.subject)

    @property
    def issuer_text(self) -> str:
        """The issuer by RFC 4514."""
        return name_text(self.issuer)

    @property
    def parsed(self) -> x509.Certificate:
        """As the library reads it, for whoever has to hand it to one."""
        return x509.load_der_x509_certificate(self.der)

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


def readable_certificate(der: bytes) -> Certificate | None:
    """The same, or None where it cannot be read: among many that came along, a broken one hides no other."""
    try:
        return load_certificate(der)
    except BadCertificate:
        return None


def _load(der: bytes) -> Certificate:
    fields = read_fields(der)
    extensions = fields.extensions
    unreadable: list[str] = []

    def told(oid: str, reader: Callable[[bytes], _T]) -> _T | None:
        extension = extensions.get(oid)
        if extension is None:
            return None
        try:
            return reader(extension.value)
        except (BadDer, IndexError, ValueError):
            if extension.critical:
                unreadable.append(oid)
            return None

    is_ca, path_length = told(BASIC_CONSTRAINTS, basic_constraints) or (False, None)
    extended = told(EXTENDED_KEY_USAGE, extended_key_usage)
    usage = told(KEY_USAGE, key_usage)
    own_key, issuer_key = told(SUBJECT_KEY_IDENTIFIER, subject_key_id), told(AUTHORITY_KEY_IDENTIFIER, issuer_key_id)
    key, kind, bits = _key(fields.key)
    unknown = [oid for oid, each in extensions.items() if each.critical and oid not in _UNDERSTOOD and oid not in _PATH_LIMITS]
    return Certificate(
        der=der,
        fingerprint=hashlib.sha256(der).digest(),
        version=fields.version,
        subject=fields.subject,
        issuer=fields.issuer,
        serial=fields.serial,
        not_before=fields.not_before,
        not_after=fields.not_after,
        key=key,
        key_info=fields.key,
        key_kind=kind,
        key_bits=bits,
        made_with=fields.scheme,
        signed=fields.signed,
        signature=fields.signature,
        is_ca=is_ca,
        path_length=path_length,
        key_usage=usage,
        extended_usage=extended,
        extended_usage_critical=EXTENDED_KEY_USAGE in extensions and extensions[EXTENDED_KEY_USAGE].critical,
        key_id=own_key,
        issuer_key_id=issuer_key,
        unknown_critical=(*unknown, *unreadable),
        limits_paths=any(oid in _PATH_LIMITS for oid in extensions),
        no_revocation_check=_needs_no_word(extensions.keys(), extended or frozenset(), is_ca=is_ca),
        ocsp_addresses=tuple(told(INFORMATION_ACCESS, ocsp_addresses) or ()),
        list_addresses=tuple(told(DISTRIBUTION_POINTS, lambda value: distribution_points(value, fields.issuer)) or ()),
    )


def _needs_no_word(found: Collection[str], extended: Collection[str], *, is_ca: bool) -> bool:
    """Certificates about whose revocation nobody has to say anything.

    A responder with id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1; on anybody else it says nothing), and short-lived certificates
    of users: noRevAvail (RFC 9608) or validity-assured (EN 319 412-1 5.2).
    """
    if _OCSP_NO_CHECK in found and _OCSP_SIGNING in extended:
        return True
    return not is_ca and (_NO_REVOCATION_AVAILABLE in found or _VALIDITY_ASSURED in found)


@lru_cache(CACHED)
def _names(name: bytes) -> Mapping[str, str]:
    names: dict[str, str] = {}
    try:
        parts = name_parts(name)
    except BadDer:
        return MappingProxyType(names)
    for oid, text in (pair for part in parts for pair in part):
        short = _SHORT_NAMES.get(oid)
        if short and short not in names:
            names[short] = text
    return MappingProxyType(names)


def _key(info: bytes) -> tuple[PublicKeyTypes | None, str, int]:  # noqa: PLR0911 -- one per kind of key
    try:
        if read(info).children()[0].children()[0].oid() not in _KEYS:
            return None, "unknown", 0
        key = load_der_public_key(info)
    except (
        ValueError,
        IndexError,
        BadDer,
        UnsupportedAlgorithm,
    ):
        # A negative modulus, an explicit curve: known from old cards.
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


@lru_cache(CACHED)
def issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether the issuer's key made the signature on the certificate."""
    if certificate.made_with is None:
        return False
    return signature_is_by(issuer, certificate.made_with, certificate.signature, certificate.signed)


def signature_is_by(certificate: Certificate, scheme: Scheme, signature: bytes, data: bytes) -> bool:
    """Whether the certificate's key made this signature over these bytes; False also when the key is of another kind."""
    return value_is_by(certificate.key, scheme, signature, data)


def value_is_by(key: PublicKeyTypes | None, scheme: Scheme, signature: bytes, data: bytes) -> bool:
    """The same of a key that no certificate names."""
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
            key.verify(signature, data, padding.PSS(padding.MGF1(_mask(scheme)), scheme.salt), digest)
        elif scheme.name == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(digest))
        elif scheme.name == "dsa" and isinstance(key, dsa.DSAPublicKey):
            key.verify(signature, data, digest)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, KeyError, OverflowError):
        return False
    return True


def _mask(scheme: Scheme) -> hashes.HashAlgorithm:
    """The digest of the mask of RSASSA-PSS (RFC 4055 3.1)."""
    return HASHES[scheme.mask or scheme.digest]()


def digest_is_signed(certificate: Certificate, scheme: Scheme, signature: bytes, digest: bytes) -> bool:
    """The same over a digest, for containers without signed attributes."""
    key = certificate.key
    try:
        algorithm = HASHES[scheme.digest]()
        known = utils.Prehashed(algorithm)
        if scheme.name == "rsa_pkcs1" and isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest, padding.PKCS1v15(), known)
        elif scheme.name == "rsa_pss" and isinstance(key, rsa.RSAPublicKey) and scheme.salt is not None:
            key.verify(signature, digest, padding.PSS(padding.MGF1(_mask(scheme)), scheme.salt), known)
        elif scheme.name == "ecdsa" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest, ec.ECDSA(known))
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, KeyError, OverflowError):
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


def _comparable_value(value: Node) -> object:
    if value.tag not in TEXT:
        return value.raw
    return " ".join(unicodedata.normalize("NFKC", value_text(value)).casefold().split())
