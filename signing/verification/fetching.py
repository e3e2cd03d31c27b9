"""Revocation data from the network, when the caller asks for it: only from hosts on the trust bundle's list.

    trust = with_fetched(pdf, trust, now)

Addresses stand in certificates, and certificates in uploaded files: following them freely would let a file make our
machine ask any address (SSRF). So a host counts only when the trust bundle names it, redirects are not followed, no proxy
of the environment is used, and requests, seconds and bytes are bounded. OCSP is asked first; where it gives no answer that
is believed, the revocation list. What came is believed by the same checks as what stands in the file.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing.errors import NotReached
from signing.outward import Client, host_of
from signing.trust import Trust
from signing.verification.certificates import Certificate, issued_by, load_certificate, same_name
from signing.verification.faults import BadCertificate, Fault
from signing.verification.ocsp_message import read_ocsp
from signing.verification.pdf import Pdf
from signing.verification.revocation import Value, answers
from signing.verification.signed_data import SignedData, read_signed_data
from signing.verification.structure import read_document

SECONDS = 5.0  # for a whole OCSP request; for a list between two pieces, in all what the file has left
ALL_SECONDS = 20.0  # per file
MAX_REQUESTS = 16  # per file; a signature with its timestamp authority needs about four
MAX_CERTIFICATES = 64  # looked at per file
MAX_ADDRESSES = 3  # per certificate and kind
MAX_LIST = 16 * 1024 * 1024  # a large authority's list has about 5 MB
MAX_OCSP = 256 * 1024  # an answer has 1 to 5 KB
OK = 200
NONCE_BYTES = 16  # RFC 9654: 1 to 128, of which every responder takes 16


def with_fetched(content: bytes, trust: Trust, now: datetime, password: str | None = None) -> Trust:
    """The bundle with what the allowed hosts say about the file's certificates.

    Nothing that a host answers, or a file holds, raises. Who gives no answer leaves the revocation unknown, as before.
    """
    if not trust.hosts:
        return trust
    certificates = tuple(_certificates(content, trust, password))[:MAX_CERTIFICATES]
    issuers = dict.fromkeys((*certificates, *trust.helpers, *(root.certificate for root in trust.roots)))
    with Client(hosts=frozenset(host_of(f"http://{each}") for each in trust.hosts), seconds=SECONDS) as client:
        errand = _Errand(client=client, trust=trust, now=now, until=time.monotonic() + ALL_SECONDS)
        for certificate in certificates:
            issuer = _issuer(certificate, issuers)
            if issuer is not None and not certificate.no_revocation_check:
                errand.ask(certificate, issuer)
    if not errand.ocsps and not errand.lists:
        return trust
    return replace(
        trust,
        ocsp_answers=(*trust.ocsp_answers, *errand.ocsps),
        revocation_lists=(*trust.revocation_lists, *errand.lists.values()),
    )


def allowed(address: str, trust: Trust) -> bool:
    """Whether an address is plain HTTP(S) on its usual port, at a host that the bundle names."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").lower()
    named = f"{host}:{port}" in trust.hosts if port not in {None, 80, 443} else host in trust.hosts
    return parts.scheme in {"http", "https"} and named and parts.username is None


@dataclass(slots=True, kw_only=True)
class _Errand:
    """One file's questions, and what was answered."""

    client: Client
    trust: Trust
    now: datetime
    until: float
    requests: int = 0
    ocsps: list[bytes] = field(default_factory=list)
    lists: dict[str, bytes] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)  # addresses of lists that gave none

    def ask(self, certificate: Certificate, issuer: Certificate) -> None:
        """OCSP, else the list. Stops at the first answer that is believed and speaks of the present."""
        for address in self._allowed(certificate.ocsp_addresses):
            answer = self._ocsp(address, certificate, issuer)
            if answer is not None and self._speaks(certificate, issuer, ocsps=[answer]):
                self.ocsps.append(answer)
                return
        for address in self._allowed(certificate.list_addresses):
            found = self._list(address)
            if found is not None and self._speaks(certificate, issuer, lists=[found]):
                return

    def _allowed(self, addresses: Iterable[str]) -> list[str]:
        return [each for each in dict.fromkeys(addresses) if allowed(each, self.trust)][:MAX_ADDRESSES]

    def _speaks(
        self, certificate: Certificate, issuer: Certificate, *, ocsps: Sequence[bytes] = (), lists: Sequence[bytes] = ()
    ) -> bool:
        first, second = ([Value(der=der, proven=self.now) for der in ders] for ders in (ocsps, lists))
        return any(each.revoked or each.usable_at(self.now) for each in answers(certificate, issuer, first, second))

    def _ocsp(self, address: str, certificate: Certificate, issuer: Certificate) -> bytes | None:
        try:
            nonce = secrets.token_bytes(NONCE_BYTES)
            # SHA-1 only names the issuer here (RFC 6960 4.1.1); many responders know no other hash.
            builder = ocsp.OCSPRequestBuilder().add_certificate(certificate.parsed, issuer.parsed, hashes.SHA1())  # noqa: S303
            request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build().public_bytes(Encoding.DER)
            content = self._fetch(address, request, MAX_OCSP)
            return content if content is not None and _repeats(content, nonce) else None
        except (ValueError, TypeError, UnsupportedAlgorithm):
            return None

    def _list(self, address: str) -> bytes | None:
        if address in self.failed:
            return None
        if address not in self.lists:
            content = self._fetch(address, None, MAX_LIST)
            try:
                x509.load_der_x509_crl(content or b"")
            except ValueError:
                self.failed.add(address)
                return None
            self.lists[address] = content or b""
        return self.lists[address]

    def _fetch(self, address: str, body: bytes | None, most: int) -> bytes | None:
        left = self.until - time.monotonic()
        if self.requests >= MAX_REQUESTS or left <= 0:
            return None
        self.requests += 1
        try:
            if body is None:  # a list may be large: it gets all the time that the file has left
                answer = self.client.get(address, most=most, seconds=left)
            else:
                kind = "application/ocsp-request"
                answer = self.client.post(address, body, kind, most=most, seconds=min(SECONDS, left), again=True)
        except NotReached:
            return None
        return answer.content if answer.status == OK else None


def _repeats(content: bytes, nonce: bytes) -> bool:
    """An answer may leave the nonce out (it was made beforehand), but must not carry another one (RFC 6960 4.4.1)."""
    try:
        message = read_ocsp(content)
    except (Fault, ValueError, IndexError):
        return False
    return message is not None and message.nonce in {None, nonce}


def _issuer(certificate: Certificate, among: Iterable[Certificate]) -> Certificate | None:
    if certificate.self_issued:
        return None
    return next((each for each in among if same_name(each.subject, certificate.issuer) and issued_by(certificate, each)), None)


def _certificates(content: bytes, trust: Trust, password: str | None) -> Iterator[Certificate]:
    """Those of the signatures and their timestamps, then of the store and the bundle, each once."""
    seen: set[bytes] = set()
    for der in _ders(content, trust, password):
        if der not in seen:
            seen.add(der)
            try:
                yield load_certificate(der)
            except BadCertificate:
                continue


def _ders(content: bytes, trust: Trust, password: str | None) -> Iterator[bytes]:
    try:
        document = read_document(Pdf(content, password=password), len(content))
    except Fault:
        return
    for found in document.signatures:
        for signed in _containers(found.contents):
            yield from signed.certificates
    yield from (kept.der for kept in document.store.certificates)
    yield from trust.intermediates


def _containers(contents: bytes) -> Iterator[SignedData]:
    """A signature's container and those of its timestamps."""
    try:
        signed = read_signed_data(contents)
    except Fault:
        return
    yield signed
    for token in signed.timestamps:
        try:
            yield read_signed_data(token)
        except Fault:
            continue
