"""What the issuers say about revocation: who is asked, what counts as an answer, and what is put beside a signature."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
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
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from signing.errors import EvidenceMissing, NotReached
from signing.keys.algorithms import ordered_chain, read_certificate, subject_name


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


class HttpEvidence:
    """The issuers themselves, asked by OCSP and, where that fails, for their CRL, at the addresses in the certificates.

    Only hosts of the allow-list are asked. An answer is kept for `keep_seconds`, so a batch asks once per certificate and
    issuer; `forget()` makes it ask again. `known` are certificates that complete chains (roots).
    """

    def __init__(
        self, hosts: Iterable[str], *, known: Sequence[bytes] = (), seconds: float = 10.0, keep_seconds: float = 300.0
    ) -> None:
        # Loaded here: whoever works without a network needs no HTTP client.
        from signing.outward import Client

        self._client = Client(hosts=frozenset(host.lower() for host in hosts), seconds=seconds)
        self._known = tuple(known)
        self._keep_seconds = keep_seconds
        self._answers: dict[bytes, tuple[float, Revocation]] = {}
        self._lists: dict[str, tuple[float, bytes]] = {}

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """See Evidence. Raises EvidenceMissing naming who gave no answer."""
        path = (*chain, *ordered_chain(chain[-1], list(self._known)))
        return sum((self._about(each, issuer) for each, issuer in itertools.pairwise(path)), Revocation())

    def forget(self) -> None:
        """Ask again from now on: what was answered before a timestamp proves nothing after it."""
        self._answers.clear()
        self._lists.clear()

    def close(self) -> None:
        """Close kept connections."""
        self._client.close()

    def _about(self, certificate: bytes, issuer: bytes) -> Revocation:
        kept = self._answers.get(certificate)
        if kept is not None and time.monotonic() - kept[0] < self._keep_seconds:
            return kept[1]
        refusals: list[str] = []
        for answer in itertools.chain(self._ocsps(certificate, issuer, refusals), self._crls(certificate, refusals)):
            if status_of(certificate, issuer, answer) is not None:
                self._answers[certificate] = (time.monotonic(), answer)
                return answer
            refusals.append("an answer that is not about it or not signed by its issuer")
        who, said = subject_name(certificate), "; ".join(refusals) or "no address in the certificate"
        raise EvidenceMissing(
            f"Không có câu trả lời về thu hồi của {who}: {said}", f"No revocation status of {who} could be had: {said}"
        )

    def _ocsps(self, certificate: bytes, issuer: bytes, refusals: list[str]) -> Iterator[Revocation]:
        subject, authority = read_certificate(certificate), read_certificate(issuer)
        # SHA-1 only names the issuer here (RFC 6960, 4.1.1); many responders know no other hash.
        request = ocsp.OCSPRequestBuilder().add_certificate(subject, authority, hashes.SHA1())  # noqa: S303
        for url in ocsp_addresses(subject):
            try:
                answer = self._client.post(url, request.build().public_bytes(Encoding.DER), "application/ocsp-request")
            except NotReached as refusal:
                refusals.append(str(refusal))
                continue
            yield Revocation(ocsps=(answer.content,))

    def _crls(self, certificate: bytes, refusals: list[str]) -> Iterator[Revocation]:
        for url in crl_addresses(read_certificate(certificate)):
            kept = self._lists.get(url)
            if kept is None or time.monotonic() - kept[0] >= self._keep_seconds:
                try:
                    kept = (time.monotonic(), self._client.get(url).content)
                except NotReached as refusal:
                    refusals.append(str(refusal))
                    continue
                self._lists[url] = kept
            yield Revocation(crls=(kept[1],))


def issuers_hosts(certificates: Iterable[bytes]) -> frozenset[str]:
    """The hosts at which the issuers of these certificates answer. For one's own certificates: a stranger's name no host."""
    from signing.outward import host_of

    read = [read_certificate(each) for each in certificates]
    return frozenset(host_of(url) for each in read for url in (*ocsp_addresses(each), *crl_addresses(each)))


MOST_ADDRESSES = 5  # in one certificate; a certificate from an upload may hold thousands


def ocsp_addresses(certificate: x509.Certificate) -> list[str]:
    """Where the issuer answers OCSP requests (authority information access)."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    ocsps = (each for each in access if each.access_method == AuthorityInformationAccessOID.OCSP)
    return _addresses(each.access_location for each in ocsps)


def crl_addresses(certificate: x509.Certificate) -> list[str]:
    """Where the issuer publishes its CRL (CRL distribution points)."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return _addresses(name for point in points for name in point.full_name or ())


def _addresses(names: Iterable[x509.GeneralName]) -> list[str]:
    web = (str(name.value) for name in names if isinstance(name, x509.UniformResourceIdentifier))
    return list(itertools.islice((url for url in web if url.lower().startswith(("http://", "https://"))), MOST_ADDRESSES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """Not revoked, as of `as_of`; the issuer promises newer word by `until`, if it promises any."""

    as_of: datetime
    until: datetime | None = None


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
                    yield Good(as_of=single.this_update_utc, until=single.next_update_utc)
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
        if entry is None:
            yield Good(as_of=as_of, until=crl.next_update_utc)
        else:
            yield Revoked(at=entry.revocation_date_utc, reason=_reason(entry), as_of=as_of)


@lru_cache(maxsize=16)
def _read_crl(der: bytes) -> x509.CertificateRevocationList:
    return x509.load_der_x509_crl(der)


def _reason(entry: x509.RevokedCertificate) -> str:
    try:
        return str(entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value)
    except (x509.ExtensionNotFound, ValueError):
        return "unspecified"
