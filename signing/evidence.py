"""What the issuers say about revocation: who is asked, what counts as an answer, and what is put beside a signature."""

import itertools
import math
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

REST_SECONDS = 60.0  # how long an address that made us wait in vain is not asked
LONG_SECONDS = 1.0  # a refusal that came sooner costs little: it is asked again at once
LIST_FACTOR = 3  # a national list has some megabytes, an OCSP answer two thousand bytes
MOST_OCSP_BYTES = 256 << 10
OK = 200


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
    issuer; `forget()` makes it ask again. One whose time is over is used only where nobody has a newer one. `known` are
    certificates that complete chains (roots). `seconds` is for one request from its name to its last byte (for a list three
    times as much); an address that made us wait in vain is left alone for a minute, so that a batch does not wait each time.
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
        self._silent: dict[str, float] = {}  # since when
        self._seconds = seconds

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
        stale: Revocation | None = None
        for answer in itertools.chain(self._ocsps(certificate, issuer, refusals), self._crls(certificate, refusals)):
            status = status_of(certificate, issuer, answer)
            if status is None:
                refusals.append(_why_not(answer))
            elif isinstance(status, Good) and status.until is not None and status.until < datetime.now(UTC):
                refusals.append(f"an answer that held until {status.until.isoformat()}")
                stale = stale or answer
            else:
                self._answers[certificate] = (time.monotonic(), answer)
                return answer
        if stale is not None:
            return stale  # not kept: whoever judges it says that it is too old, and the next question may fare better
        who, said = subject_name(certificate), "; ".join(refusals) or "no address in the certificate"
        raise EvidenceMissing(
            f"Không có câu trả lời về thu hồi của {who}: {said}", f"No revocation status of {who} could be had: {said}"
        )

    def _ocsps(self, certificate: bytes, issuer: bytes, refusals: list[str]) -> Iterator[Revocation]:
        subject, authority = read_certificate(certificate), read_certificate(issuer)
        # SHA-1 only names the issuer here (RFC 6960, 4.1.1); many responders know no other hash.
        request = ocsp.OCSPRequestBuilder().add_certificate(subject, authority, hashes.SHA1())  # noqa: S303
        for url in ocsp_addresses(subject):
            content = self._content(url, request.build().public_bytes(Encoding.DER), refusals)
            if content is not None:
                yield Revocation(ocsps=(content,))

    def _crls(self, certificate: bytes, refusals: list[str]) -> Iterator[Revocation]:
        for url in crl_addresses(read_certificate(certificate)):
            kept = self._lists.get(url)
            if kept is None or time.monotonic() - kept[0] >= self._keep_seconds:
                content = self._content(url, None, refusals)
                if content is None:
                    continue
                kept = (time.monotonic(), content)
                if _is_list(content):
                    self._lists[url] = kept
            yield Revocation(crls=(kept[1],))

    def _content(self, url: str, request: bytes | None, refusals: list[str]) -> bytes | None:
        """What this address says, or None and why not."""
        begun = time.monotonic()
        if begun - self._silent.get(url, -math.inf) < REST_SECONDS:
            refusals.append(f"{url} was silent a moment ago")
            return None
        try:
            if request is None:
                answer = self._client.get(url, seconds=LIST_FACTOR * self._seconds)
            else:
                answer = self._client.post(url, request, "application/ocsp-request", most=MOST_OCSP_BYTES, again=True)
        except NotReached as refusal:
            refusals.append(str(refusal))
            if time.monotonic() - begun > LONG_SECONDS:
                self._silent[url] = time.monotonic()
            return None
        if answer.status != OK:
            refusals.append(f"{url}: HTTP status {answer.status}")
            return None
        return answer.content


def _is_list(content: bytes) -> bool:
    try:
        x509.load_der_x509_crl(content)
    except (ValueError, TypeError):
        return False
    return True


def _why_not(answer: Revocation) -> str:
    """What an answer is that says nothing about the certificate."""
    for der in answer.ocsps:
        try:
            status = ocsp.load_der_ocsp_response(der).response_status
        except (ValueError, TypeError):
            return "an answer that is no OCSP response"
        if status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            return f"the responder says {status.name}"
    if answer.crls and not all(map(_is_list, answer.crls)):
        return "an answer that is no list"
    return "an answer that is not about it or not signed by its issuer"


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
