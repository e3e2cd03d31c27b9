"""What the issuers say about revocation: who is asked, what counts as an answer, and what is put beside a signature."""

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from signing.errors import EvidenceMissing, NotReached
from signing.keys.algorithms import ordered_chain, read_certificate, subject_name
from signing.verification.certificates import load_certificate
from signing.verification.faults import BadCertificate
from signing.verification.revocation import Value, answers, newest, revoked_since


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
    values, more = ([Value(der=der, proven=datetime.now(UTC)) for der in ders] for ders in (revocation.ocsps, revocation.crls))
    try:
        found = answers(load_certificate(certificate), load_certificate(issuer), values, more)
    except BadCertificate:
        return None
    revoked = revoked_since(found)
    if revoked is not None and revoked.revoked is not None:
        return Revoked(at=revoked.revoked, reason=revoked.reason or "unspecified", as_of=revoked.issued)
    good = newest([each for each in found if each.revoked is None and each.signer_held])
    return Good(as_of=good.issued, until=good.until) if good is not None else None
