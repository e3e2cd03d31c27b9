"""Timestamps and revocation answers from other machines: several authorities in order, nothing believed, nobody else asked."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from asn1crypto import tsp

from signing import DemoAuthority, HttpEvidence, HttpTimestamper, Issued, Level, SignRequest, extend, sign
from signing.demo.tokens import POLICY
from signing.errors import CertificateRevoked, EvidenceMissing, EvidenceTooOld, LevelNotReached, TimestampRefused
from signing.evidence import Good, Revocation, Revoked, status_of
from signing.timestamps import check_token, read_token

DIGEST = hashlib.sha256(b"so diem").digest()

Answer = Callable[[str, bytes], tuple[int, bytes]]  # path and body -> status and body


class Web:
    """A web server on this machine that counts what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Answer = lambda _, __: (404, b"")
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self._reply(self.rfile.read(int(self.headers["Content-Length"])))

            def do_GET(self) -> None:
                self._reply(b"")

            def _reply(self, body: bytes) -> None:
                web.asked.append(self.path)
                status, content = web.answer(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                if status == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def web() -> Iterator[Web]:
    """A web server without answers yet."""
    server = Web()
    yield server
    server.close()


def stamps(authority: DemoAuthority) -> Answer:
    """A TSA's answers."""
    return lambda _, body: (200, authority.timestamp_response(body))


# Timestamps


def test_a_token_comes_over_http_and_holds(web: Web, authority: DemoAuthority) -> None:
    """Imprint, nonce and signature are checked."""
    web.answer = stamps(authority)
    token = HttpTimestamper([web.url], policies=frozenset({POLICY})).timestamp(DIGEST)
    read = check_token(token, DIGEST)

    assert read.certificate == authority.tsa
    assert abs(read.time - datetime.now(UTC)) < timedelta(seconds=5)


def replayed(authority: DemoAuthority) -> Answer:
    """Another request's answer: the nonce does not fit."""
    request = tsp.TimeStampReq(
        {
            "version": 1,
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": DIGEST},
            "nonce": 1,
            "cert_req": True,
        }
    )
    old = authority.timestamp_response(request.dump())
    return lambda _, __: (200, old)


def other_data(authority: DemoAuthority) -> Answer:
    """A token over something else, with the right nonce."""

    def answer(_: str, body: bytes) -> tuple[int, bytes]:
        request = tsp.TimeStampReq.load(body)
        request["message_imprint"]["hashed_message"] = b"\1" * 32
        return 200, authority.timestamp_response(request.dump(force=True))

    return answer


def forged(authority: DemoAuthority) -> Answer:
    """A token with one bit of its signature flipped."""

    def answer(_: str, body: bytes) -> tuple[int, bytes]:
        content = bytearray(authority.timestamp_response(body))
        content[-5] ^= 1
        return 200, bytes(content)

    return answer


BAD_ANSWERS: dict[str, Callable[[DemoAuthority], Answer]] = {
    "replayed": replayed,
    "other data": other_data,
    "forged": forged,
    "refused": lambda authority: lambda _, __: (200, authority.timestamp_response(b"nonsense")),
    "no TimeStampResp": lambda _: lambda _, __: (200, b"<html>"),
    "HTTP 500": lambda _: lambda _, __: (500, b""),
    "redirect": lambda _: lambda _, __: (302, b""),
    "empty": lambda _: lambda _, __: (200, b""),
}


@pytest.mark.parametrize("bad", list(BAD_ANSWERS))
def test_a_bad_answer_is_refused_and_the_next_authority_is_asked(bad: str, web: Web, authority: DemoAuthority) -> None:
    """Whatever the first one says, the second one's token is used; alone, it is TimestampRefused."""
    good = stamps(authority)
    web.answer = lambda path, body: (BAD_ANSWERS[bad](authority) if path == "/first" else good)(path, body)

    with pytest.raises(TimestampRefused, match="first"):
        HttpTimestamper([f"{web.url}/first"]).timestamp(DIGEST)
    assert check_token(HttpTimestamper([f"{web.url}/first", f"{web.url}/second"]).timestamp(DIGEST), DIGEST)
    assert web.asked == ["/first", "/first", "/second"]


def test_another_policy_is_refused(web: Web, authority: DemoAuthority) -> None:
    """The policy is part of what was asked for."""
    web.answer = stamps(authority)

    with pytest.raises(TimestampRefused, match="policy"):
        HttpTimestamper([web.url], policies=frozenset({"1.2.3.4"})).timestamp(DIGEST)


def test_a_silent_authority_costs_its_timeout_once(web: Web, authority: DemoAuthority) -> None:
    """It is asked last for a minute: a batch does not wait for it again and again."""
    good = stamps(authority)

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/silent":
            time.sleep(0.6)
        return good(path, body)

    web.answer = answer
    timestamper = HttpTimestamper([f"{web.url}/silent", f"{web.url}/quick"], seconds=0.2)
    for _ in range(3):
        timestamper.timestamp(DIGEST)

    assert web.asked == ["/silent", "/quick", "/quick", "/quick"]


def test_a_token_larger_than_its_room_is_refused(web: Web, authority: DemoAuthority) -> None:
    """It would not fit into the document."""
    web.answer = stamps(authority)

    with pytest.raises(TimestampRefused, match="bytes"):
        HttpTimestamper([web.url], token_bytes=1000).timestamp(DIGEST)


def test_an_ordinary_certificate_makes_no_timestamp(tmp_path: Path) -> None:
    """A TSA's certificate says timeStamping, alone and critically (RFC 3161, 2.3)."""
    authority = DemoAuthority(tmp_path, key="rsa2048")
    with pytest.raises(TimestampRefused):
        read_token(b"0\x80")
    token = authority.timestamp(DIGEST)
    swapped = token.replace(b"\x2b\x06\x01\x05\x05\x07\x03\x08", b"\x2b\x06\x01\x05\x05\x07\x03\x04")  # emailProtection

    with pytest.raises(TimestampRefused):
        read_token(swapped)


def test_a_document_is_signed_with_a_timestamp_from_the_network(
    web: Web, authority: DemoAuthority, people: dict[str, Issued], book_pdf: bytes
) -> None:
    """One request per signature: nothing is spent on estimating sizes."""
    web.answer = stamps(authority)
    signed = sign(
        book_pdf, SignRequest(field="principal_signs"), people["principal"].signer(), timestamper=HttpTimestamper([web.url])
    )

    assert signed.startswith(book_pdf)
    assert len(web.asked) == 1


# Revocation


@pytest.fixture
def connected(tmp_path: Path, web: Web) -> DemoAuthority:
    """An authority whose certificates name the web server, which answers for it."""
    authority = DemoAuthority(tmp_path, key="rsa2048", address=web.url)

    def answer(path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/ocsp":
            return 200, authority.ocsp_response(body)
        if path in {"/root.crl", "/issuing.crl"}:
            return 200, authority.crl("root" if path == "/root.crl" else "issuing")
        if path == "/tsa":
            return 200, authority.timestamp_response(body)
        return 404, b""

    web.answer = answer
    return authority


def test_ocsp_is_asked_first_and_each_answer_kept(connected: DemoAuthority, web: Web) -> None:
    """Signer by OCSP; the root has no responder, so its CRL; a second question costs nothing."""
    person = connected.issue("Ngô Thị Hỏi", "T:1")
    evidence = HttpEvidence({"127.0.0.1"})
    first = evidence.for_chain((person.certificate, *person.chain))
    again = evidence.for_chain((person.certificate, *person.chain))

    assert web.asked == ["/ocsp", "/ocsp", "/root.crl"]
    assert first == again
    assert (len(first.ocsps), len(first.crls)) == (1, 1)
    assert isinstance(status_of(person.certificate, person.chain[0], first), Good)


def test_without_ocsp_the_crl_is_fetched_once_for_all(connected: DemoAuthority, web: Web) -> None:
    """Twenty certificates of one issuer: one list."""
    people = [connected.issue(f"Người {number}", f"T:{number}", key="p256") for number in range(5)]
    working = web.answer
    web.answer = lambda path, body: (500, b"") if path == "/ocsp" else working(path, body)
    evidence = HttpEvidence({"127.0.0.1"})
    for person in people:
        evidence.for_chain((person.certificate, *person.chain))

    assert web.asked.count("/issuing.crl") == web.asked.count("/root.crl") == 1


def test_a_host_that_is_not_on_the_list_is_never_asked(connected: DemoAuthority, web: Web) -> None:
    """Addresses in certificates come from outside."""
    person = connected.issue("Ngô Thị Hỏi", "T:1")

    with pytest.raises(EvidenceMissing, match="list of hosts"):
        HttpEvidence({"ocsp.ca.gov.vn"}).for_chain((person.certificate, *person.chain))
    assert web.asked == []


def test_an_answer_about_another_certificate_or_by_a_stranger_is_none(connected: DemoAuthority, tmp_path: Path) -> None:
    """A look-alike authority with the same names signs nothing for ours."""
    person, other = connected.issue("Ngô Thị Hỏi", "T:1"), connected.issue("Ngô Thị Khác", "T:2")
    stranger = DemoAuthority(tmp_path / "stranger", key="rsa2048")
    about_other = connected.for_chain((other.certificate,))
    by_stranger = Revocation(ocsps=(stranger.ocsp(1),), crls=(stranger.crl("issuing"),))

    assert status_of(person.certificate, person.chain[0], about_other) is None
    assert status_of(person.certificate, person.chain[0], by_stranger) is None


def test_revocation_is_told_with_its_time(connected: DemoAuthority) -> None:
    """By OCSP and by CRL alike."""
    person = connected.issue("Ngô Thị Hỏi", "T:1")
    at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    connected.revoke(person, at=at)
    by_list = Revocation(crls=(connected.crl("issuing"),))

    for answers in (connected.for_chain((person.certificate,)), by_list):
        status = status_of(person.certificate, person.chain[0], answers)
        assert isinstance(status, Revoked)
        assert (status.at, status.reason) == (at, "keyCompromise")


def test_a_whole_archive_signature_over_the_network(connected: DemoAuthority, web: Web, book_pdf: bytes) -> None:
    """TSA, OCSP and CRL by HTTP; kept answers from before the timestamp are asked for again."""
    person = connected.issue("Ngô Thị Lưu Trữ", "T:1")
    evidence = HttpEvidence({"127.0.0.1"})
    signed = sign(
        book_pdf,
        SignRequest(field="principal_signs", level=Level.B_LTA),
        person.signer(),
        timestamper=HttpTimestamper([f"{web.url}/tsa"]),
        evidence=evidence,
    )

    assert signed.count(b"/DocTimeStamp") == 1
    assert web.asked.count("/tsa") == 2


def test_answers_from_before_the_timestamp_are_not_enough(tmp_path: Path, book_pdf: bytes) -> None:
    """An authority whose answers are an hour old gives no B-LT; what was signed is kept as B-T and extended later."""
    authority = DemoAuthority(tmp_path, key="rsa2048")
    person = authority.issue("Ngô Thị Sớm", "T:1")
    early = authority.for_chain((person.certificate, *person.chain, authority.tsa))

    class Stale:
        """Somebody who answers with what they had an hour ago."""

        def for_chain(self, _: object) -> Revocation:
            """The same each time."""
            return early

    now = datetime.now(UTC) + timedelta(hours=1)
    authority.clock = lambda: now
    request = SignRequest(field="principal_signs", level=Level.B_LT)
    with pytest.raises(LevelNotReached) as short:
        sign(book_pdf, request, person.signer(), timestamper=authority, evidence=Stale())

    assert isinstance(short.value.__cause__, EvidenceTooOld)
    assert short.value.reached is Level.B_T
    assert b"/DSS" in extend(short.value.signed, Level.B_LT, evidence=authority)


def test_a_certificate_revoked_before_the_timestamp_is_not_archived(tmp_path: Path, book_pdf: bytes) -> None:
    """Found out when extending."""
    authority = DemoAuthority(tmp_path, key="rsa2048")
    person = authority.issue("Ngô Thị Muộn", "T:1")
    signed = sign(book_pdf, SignRequest(field="principal_signs"), person.signer(), timestamper=authority)
    authority.revoke(person, at=datetime.now(UTC) - timedelta(hours=1))

    with pytest.raises(CertificateRevoked, match="Ngô Thị Muộn"):
        extend(signed, Level.B_LT, evidence=authority)
