"""Revocation lists (RFC 5280 5 and 6.3): what a list says of a certificate, and of which certificates it speaks at all.

That a certificate is revoked is believed of every list that its issuer signed. That it is not, only of a list that is
complete for it: no delta, no part of the reasons, its kind of certificate, its distribution point.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import ExtensionOID

from signing.verification.certificate_fields import name_text
from signing.verification.certificates import Certificate, same_name
from signing.verification.der import INTEGER, SEQUENCE, read
from signing.verification.faults import BadDer

MAX_WALKED = 200_000  # entries of an indirect list, which has to be read from its first; others are searched by number
_EXPIRED_ON_LIST = x509.ObjectIdentifier("2.5.29.60")


class RevocationList:
    """A list whose issuer's signature was checked."""

    __slots__ = ("_parsed", "ca_only", "complete", "digest", "indirect", "issued", "issuer", "kept_since", "points", "until",
                 "users_only")  # fmt: skip

    def __init__(self, parsed: x509.CertificateRevocationList) -> None:
        """Raises ValueError for a list with a critical extension that is not understood (RFC 5280 5.2)."""
        self._parsed = parsed
        self.issuer = parsed.issuer.public_bytes()
        self.issued = parsed.last_update_utc
        self.until = parsed.next_update_utc
        self.digest = _digest_name(parsed.signature_hash_algorithm)
        self.complete, self.indirect, self.users_only, self.ca_only = True, False, False, False
        self.points: frozenset[str] | None = None  # the distribution points it is for; None: all
        self.kept_since: datetime | None = None  # it still names certificates that ended after this (X.509 expiredCertsOnCRL)
        for extension in parsed.extensions:
            self._read(extension)

    def _read(self, extension: x509.Extension[x509.ExtensionType]) -> None:
        value = extension.value
        if isinstance(value, x509.IssuingDistributionPoint):
            self.indirect, self.users_only, self.ca_only = (
                value.indirect_crl,
                value.only_contains_user_certs,
                value.only_contains_ca_certs,
            )
            if value.only_some_reasons or value.only_contains_attribute_certs:
                self.complete = False
            if value.full_name is not None or value.relative_name is not None:
                relative = [f"{value.relative_name.rfc4514_string()},{name_text(self.issuer)}"] if value.relative_name else []
                self.points = frozenset((*_texts(value.full_name or ()), *relative))
        elif extension.oid == ExtensionOID.DELTA_CRL_INDICATOR:
            self.complete = False
        elif extension.oid == _EXPIRED_ON_LIST and isinstance(value, x509.UnrecognizedExtension):
            self.kept_since = read(value.value).time()
        elif extension.critical and extension.oid != ExtensionOID.AUTHORITY_KEY_IDENTIFIER:
            raise ValueError(f"the critical extension {extension.oid.dotted_string}")

    def is_complete_for(self, certificate: Certificate) -> bool:
        """Whether a certificate that the list does not name is not revoked (RFC 5280 6.3.3 b)."""
        if not self.complete or (self.users_only and certificate.is_ca) or (self.ca_only and not certificate.is_ca):
            return False
        return self.points is None or not self.points.isdisjoint(certificate.list_addresses)

    def entry(self, certificate: Certificate) -> tuple[datetime | None, str | None]:
        """Since when and why the certificate is revoked; (None, None) where the list does not name it.

        A key that is said to be invalid from an earlier time on (invalidityDate, 5.3.2) counts from then.
        """
        entry = self._walked(certificate) if self.indirect else self._found(certificate)
        if entry is None:
            return None, None
        reason, since = None, entry.revocation_date_utc
        for extension in entry.extensions:
            if isinstance(extension.value, x509.CRLReason):
                reason = extension.value.reason
            elif isinstance(extension.value, x509.InvalidityDate):
                since = min(since, extension.value.invalidity_date_utc)
        if reason is x509.ReasonFlags.remove_from_crl:
            return None, None
        return since, reason.value if reason else None

    def _found(self, certificate: Certificate) -> x509.RevokedCertificate | None:
        return self._parsed.get_revoked_certificate_by_serial_number(certificate.serial)

    def _walked(self, certificate: Certificate) -> x509.RevokedCertificate | None:
        """In an indirect list an entry is of the issuer that was named last (RFC 5280 5.3.3)."""
        issuer = self.issuer
        for count, entry in enumerate(self._parsed):
            if count > MAX_WALKED:
                raise ValueError(f"an indirect list of more than {MAX_WALKED} entries")
            for extension in entry.extensions:
                if isinstance(extension.value, x509.CertificateIssuer):
                    named = [name.value for name in extension.value if isinstance(name, x509.DirectoryName)]
                    issuer = named[0].public_bytes() if named else b""
            if entry.serial_number == certificate.serial and same_name(issuer, certificate.issuer):
                return entry
        return None


@lru_cache(512)
def list_issuer(der: bytes) -> bytes | None:
    """Under whose name the list stands (DER); None where it is no list."""
    try:
        parts = read(der).expect(SEQUENCE).children()[0].expect(SEQUENCE).children()
        return parts[2 if parts[0].tag == INTEGER else 1].expect(SEQUENCE).raw
    except (BadDer, IndexError):
        return None


@lru_cache(512)
def revocation_list(der: bytes, signer: Certificate) -> RevocationList | None:
    """The list, when this certificate's key signed it and it may; None otherwise."""
    try:
        parsed = x509.load_der_x509_crl(der)
        if not same_name(parsed.issuer.public_bytes(), signer.subject):
            return None
        if signer.key_usage is not None and "crl_sign" not in signer.key_usage:
            return None
        if not _made_by(signer, parsed.signature, parsed.tbs_certlist_bytes, parsed.signature_hash_algorithm):
            return None
        return RevocationList(parsed)
    except Exception:  # noqa: BLE001 -- outside bytes: whatever the library objects to, this list says nothing
        return None


@lru_cache(4096)
def listed(found: RevocationList, certificate: Certificate) -> tuple[datetime | None, str | None]:
    """`RevocationList.entry`, remembered; an entry that cannot be read counts as a revocation from the list's time on."""
    try:
        return found.entry(certificate)
    except Exception:  # noqa: BLE001 -- the issuer named the certificate, in a way that cannot be read
        return found.issued, "unreadable"


def _texts(names: Iterable[x509.GeneralName]) -> list[str]:
    """General names as texts that compare: a directory name by its RFC 4514 form."""
    return [each.value.rfc4514_string() if isinstance(each, x509.DirectoryName) else str(each.value) for each in names]


def _made_by(signer: Certificate, value: bytes, data: bytes, digest: hashes.HashAlgorithm | None) -> bool:
    """Whether the signer's key made this signature; False also when the key is of a kind that cannot have."""
    key = signer.key
    try:
        if isinstance(key, rsa.RSAPublicKey) and digest is not None:
            try:
                key.verify(value, data, padding.PKCS1v15(), digest)
            except InvalidSignature:
                key.verify(value, data, padding.PSS(padding.MGF1(digest), padding.PSS.AUTO), digest)
        elif isinstance(key, ec.EllipticCurvePublicKey) and digest is not None:
            key.verify(value, data, ec.ECDSA(digest))
        elif isinstance(key, dsa.DSAPublicKey) and digest is not None:
            key.verify(value, data, digest)
        elif isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
            key.verify(value, data)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _digest_name(digest: hashes.HashAlgorithm | None) -> str | None:
    """The digest by the names of `signing.verification.algorithms`."""
    return digest.name.replace("-", "_") if digest is not None else None
