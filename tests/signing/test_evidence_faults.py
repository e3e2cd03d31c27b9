"""Issuers that fail: down, slow, busy, late, unsigned, about somebody else, with lists of fifty megabytes."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from signing import DemoAuthority, Failed, HttpEvidence, Issued, Level, Signed, SignRequest, sign_many
from signing.errors import EvidenceMissing, EvidenceTooOld, NotReached
from signing.evidence import Good, status_of
from signing.outward import Client
from tests.signing.wires import Behaviour, dripped, endless, request_of, silent, told, wire

Answer = Callable[[str, bytes], bytes | Behaviour]  # path and body -> the content, or what is done with the connection
SECONDS = 0.5


class Issuer:
    """An authority whose certificates name a server on this machine, which does what a test wants."""

    def __init__(self, folder: Path, running: ExitStack) -> None:
        self.asked: list[str] = []
        self.instead: dict[str, bytes | Behaviour] = {}  # by path
        place = running.enter_context(wire(self._serve))
        self.authority = DemoAuthority(folder, address=f"http://{place}")

    def _serve(self, connection: socket.socket) -> None:
        head = connection.recv(65536, socket.MSG_PEEK)
        path = head.split(b" ")[1].decode() if b" " in head else ""
        self.asked.append(path)
        instead = self.instead.get(path)
        if callable(instead):
            instead(connection)
            return
        body = request_of(connection)
        content = self._right(path, body) if instead is None else instead
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    def _right(self, path: str, body: bytes) -> bytes:
        if path == "/ocsp":
            return self.authority.ocsp_response(body)
        return self.authority.crl("root" if path == "/root.crl" else "issuing")


@pytest.fixture
def issuer(tmp_path: Path) -> Iterator[Issuer]:
    """Everything answers as it should, yet."""
    with ExitStack() as running:
        yield Issuer(tmp_path, running)


@pytest.fixture
def person(issuer: Issuer) -> Issued:
    """Whose certificate is asked about."""
    return issuer.authority.issue("Ngô Thị Hỏi", "T:1", key="p256")


def evidence(**more: float) -> HttpEvidence:
    """Asks this machine alone, and does not wait long."""
    return HttpEvidence({"127.0.0.1"}, seconds=more.get("seconds", SECONDS))


def by_whom(issued: Issued, found: object) -> str:
    """Whether OCSP or the list spoke about the person."""
    assert isinstance(status_of(issued.certificate, issued.chain[0], found), Good)  # type: ignore[arg-type]
    return "OCSP" if found.ocsps else "list"  # type: ignore[attr-defined]


def unsuccessful(status: ocsp.OCSPResponseStatus) -> bytes:
    """A responder's refusal (RFC 6960, 2.3)."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)


def late(issuer: Issuer, person: Issued) -> bytes:
    """A good word whose time was over yesterday."""
    issuer.authority.clock = lambda: datetime.now(UTC) - timedelta(days=30)
    content = issuer.authority.ocsp(x509.load_der_x509_certificate(person.certificate).serial_number)
    issuer.authority.clock = lambda: datetime.now(UTC)
    return content


def about_another(issuer: Issuer, _: Issued) -> bytes:
    """A good word about somebody else."""
    other = issuer.authority.issue("Người khác", "T:2", key="p256")
    return issuer.authority.ocsp(x509.load_der_x509_certificate(other.certificate).serial_number)


def forged(issuer: Issuer, person: Issued) -> bytes:
    """With one bit of its signature changed."""
    content = bytearray(issuer.authority.ocsp(x509.load_der_x509_certificate(person.certificate).serial_number))
    where = content.rfind(x509.load_der_x509_certificate(person.certificate).serial_number.to_bytes(20, "big")[4:])
    content[where] ^= 1
    return bytes(content)


RESPONDERS: dict[str, Callable[[Issuer, Issued], bytes | Behaviour]] = {
    "down": lambda _, __: lambda connection: connection.close(),
    "silent": lambda _, __: silent,
    "drips": lambda _, __: dripped(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + bytes(2000)),
    "endless": lambda _, __: endless,
    "busy": lambda _, __: told("HTTP/1.1 503 Busy\nContent-Length: 0"),
    "moved": lambda _, __: told("HTTP/1.1 301 Moved\nLocation: http://169.254.169.254/\nContent-Length: 0"),
    "a web page": lambda _, __: b"<html>",
    "try later": lambda _, __: unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER),
    "unauthorized": lambda _, __: unsuccessful(ocsp.OCSPResponseStatus.UNAUTHORIZED),
    "late": late,
    "about another": about_another,
    "forged": forged,
    "nonsense": lambda _, __: b"\x30\x80" * 10_000,
}


@pytest.mark.parametrize("fault", list(RESPONDERS))
def test_where_the_responder_fails_the_list_speaks(fault: str, issuer: Issuer, person: Issued) -> None:
    """Within the seconds of one request; and where neither speaks, it is said of whom and why."""
    issuer.instead["/ocsp"] = RESPONDERS[fault](issuer, person)
    asking, begun = evidence(), time.monotonic()
    found = asking.for_chain((person.certificate, person.chain[0]))

    assert by_whom(person, found) == "list"
    assert time.monotonic() - begun < SECONDS + 2

    issuer.instead["/issuing.crl"] = b"<html>"
    with pytest.raises((EvidenceMissing, EvidenceTooOld), match="Ngô Thị Hỏi") if fault != "late" else ExitStack():
        evidence().for_chain((person.certificate, person.chain[0]))


def test_a_refusal_says_what_the_responder_said(issuer: Issuer, person: Issued) -> None:
    """So that the administrator knows whether to wait or to call."""
    issuer.instead = {
        "/ocsp": unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER),
        "/issuing.crl": told("HTTP/1.1 404 No\nContent-Length: 0"),
    }
    with pytest.raises(EvidenceMissing, match=r"TRY_LATER.*404"):
        evidence().for_chain((person.certificate, person.chain[0]))


def test_a_kept_connection_that_the_server_ends_is_no_refusal() -> None:
    """The first answer leaves the connection open and the server goes: a question is sent once more, an order never."""
    answered: list[bytes] = []

    def behaviour(connection: socket.socket) -> None:
        answered.append(request_of(connection))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        request_of(connection)  # the next one is read, and not answered

    with wire(behaviour) as place, Client(hosts=frozenset({"127.0.0.1"})) as client:
        assert client.get(f"http://{place}").content == b"ok"
        assert client.get(f"http://{place}").content == b"ok"
        assert client.post(f"http://{place}", b"?", "text/plain", again=True).content == b"ok"
        with pytest.raises(NotReached):
            client.post(f"http://{place}", b"sign this", "text/plain")
    assert b"sign this" not in answered  # it went over the kept connection, and over no other


def test_a_list_of_fifty_megabytes_is_not_taken(issuer: Issuer, person: Issued) -> None:
    """Sixteen are; what is more is left where it is, in bounded memory and time."""
    issuer.instead = {"/ocsp": b"", "/issuing.crl": bytes(50 << 20)}
    begun = time.monotonic()
    with pytest.raises(EvidenceMissing, match="16777216 bytes"):
        evidence(seconds=5).for_chain((person.certificate, person.chain[0]))
    assert time.monotonic() - begun < 5


def test_a_web_page_in_the_place_of_a_list_is_not_kept(issuer: Issuer, person: Issued) -> None:
    """The next question finds the list, not the page of five minutes ago."""
    issuer.instead = {"/ocsp": b"", "/issuing.crl": b"<html>"}
    asking = evidence()
    with pytest.raises(EvidenceMissing):
        asking.for_chain((person.certificate, person.chain[0]))
    del issuer.instead["/issuing.crl"]
    assert by_whom(person, asking.for_chain((person.certificate, person.chain[0]))) == "list"


def test_an_address_with_blanks_and_accents_is_asked() -> None:
    """As authorities write them into certificates; nothing of it can become a second header."""
    heads: list[bytes] = []

    def behaviour(connection: socket.socket) -> None:
        heads.append(connection.recv(65536, socket.MSG_PEEK))
        told("HTTP/1.1 200 OK\nContent-Length: 0")(connection)

    with wire(behaviour) as place, Client(hosts=frozenset({"127.0.0.1"})) as client:
        assert client.get(f"http://{place}/Việt Nam%20CA.crl?a=b c\r\nX-Other: 1#part").status == 200
    assert heads[0].startswith(b"GET /Vi%E1%BB%87t%20Nam%20CA.crl?a=b%20cX-Other:%201 HTTP/1.1\r\n")


def test_hosts_that_nobody_named_are_not_asked(issuer: Issuer, person: Issued) -> None:
    """Whatever stands in the certificate."""
    with pytest.raises(EvidenceMissing, match="not on the list of hosts"):
        HttpEvidence({"ca.example"}).for_chain((person.certificate, person.chain[0]))
    assert issuer.asked == []


def test_a_silent_issuer_is_waited_for_once_in_a_batch(issuer: Issuer, person: Issued, book_pdf: bytes) -> None:
    """Forty documents, responder and list silent: the batch is told for each, and has waited for two requests."""
    issuer.instead = {"/ocsp": silent, "/issuing.crl": silent}
    request = SignRequest(field="principal_signs", level=Level.B_B)
    begun = time.monotonic()
    asking = evidence(seconds=1.2)
    results = list(sign_many([(str(n), book_pdf, request) for n in range(40)], person.signer(), evidence=asking))

    assert all(isinstance(each, Failed) and isinstance(each.error, EvidenceMissing) for each in results)
    assert len(results) == 40
    assert len(issuer.asked) == 2
    assert time.monotonic() - begun < 20


def test_each_issuer_is_asked_once_per_batch(issuer: Issuer, person: Issued, book_pdf: bytes) -> None:
    """Forty documents at B-LT, in two chunks: three questions before, four after the last timestamp of each chunk."""
    request = SignRequest(field="principal_signs", level=Level.B_LT)
    items = [(str(n), book_pdf, request) for n in range(40)]
    results = list(sign_many(items, person.signer(), timestamper=issuer.authority, evidence=evidence(seconds=5), chunk=20))

    assert all(isinstance(each, Signed) for each in results)
    assert len(issuer.asked) <= 3 + 4 + 4
    assert issuer.asked.count("/issuing.crl") == 0


def test_a_large_list_is_read_once_per_batch(issuer: Issuer, person: Issued, book_pdf: bytes) -> None:
    """A hundred thousand revoked certificates, four megabytes: twenty documents take seconds, not minutes."""
    issuer.instead = {"/ocsp": b"", "/issuing.crl": large_list(issuer.authority, 100_000)}
    request = SignRequest(field="principal_signs", level=Level.B_B)
    begun = time.monotonic()
    asking = evidence(seconds=10)
    results = list(sign_many([(str(n), book_pdf, request) for n in range(20)], person.signer(), evidence=asking))

    assert all(isinstance(each, Signed) for each in results)
    assert issuer.asked.count("/issuing.crl") == 1
    assert time.monotonic() - begun < 60


def large_list(authority: DemoAuthority, many: int) -> bytes:
    """A list of the issuing authority with so many entries, none of them of a test."""
    now = datetime.now(UTC)
    issuing = authority._issuing
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.certificate.subject)
        .last_update(now)
        .next_update(now + timedelta(days=1))
        .add_extension(x509.CRLNumber(9), critical=False)
    )
    builder._revoked_certificates = [
        x509.RevokedCertificateBuilder().serial_number((1 << 150) + n).revocation_date(now).build() for n in range(many)
    ]
    return builder.sign(issuing.key, hashes.SHA256()).public_bytes(Encoding.DER)
