"""Timestamp authorities that fail in every way: a clear refusal in bounded time, and the next one is asked."""

import base64
import gzip
import hashlib
import socket
import ssl
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms as asn1_cms
from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signing import DemoAuthority, Failed, HttpTimestamper, Issued, Level, Signed, SignRequest, sign_many
from signing.demo.certificates import TSA, Identity, Profile, certify, name, new_key
from signing.demo.tokens import TokenMaker
from signing.der import integer, sequence
from signing.errors import NotReached, TimestampRefused
from signing.outward import Client
from signing.timestamps import check_token
from tests.signing.wires import Behaviour, dripped, endless, request_of, silent, told, wire

DIGEST = hashlib.sha256(b"so diem").digest()
SECONDS = 0.5

Respond = Callable[[bytes], bytes]  # TimeStampReq -> TimeStampResp


@pytest.fixture
def at() -> Iterator[Callable[[Behaviour], str]]:
    """Puts a behaviour on a port of this machine; gives its address."""
    with ExitStack() as running:
        yield lambda behaviour: f"http://{running.enter_context(wire(behaviour))}/tsa"


At = Callable[[Behaviour], str]


def stamping(respond: Respond) -> Behaviour:
    """HTTP around a TSA."""

    def behaviour(connection: socket.socket) -> None:
        while body := request_of(connection):
            content = respond(body)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)

    return behaviour


BELOW_HTTP: dict[str, Behaviour] = {
    "closes at once": lambda _: None,
    "silent": silent,
    "drips its status line": dripped(b"HTTP/1.1 200 OK\r\n" * 20),
    "drips its headers": dripped(b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 4000),
    "drips its body": dripped(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + bytes(5000)),
    "endless": endless,
    "packed bomb": told("HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 200000", gzip.compress(bytes(200 << 20))),
    "promises more than it sends": told("HTTP/1.1 200 OK\nContent-Length: 5000", b"0"),
    "no HTTP": told("220 smtp.example ESMTP"),
    "a web page": told("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 6", b"<html>"),
    "to a file": told("HTTP/1.1 302 Found\nLocation: file:///etc/passwd\nContent-Length: 0"),
    "to the cloud's metadata": told("HTTP/1.1 307 T\nLocation: http://169.254.169.254/latest/\nContent-Length: 0"),
    "busy": told("HTTP/1.1 503 Busy\nRetry-After: 120\nContent-Length: 0"),
}


@pytest.mark.parametrize("fault", list(BELOW_HTTP))
def test_a_server_that_misbehaves_costs_its_time_and_no_more(fault: str, at: At, authority: DemoAuthority) -> None:
    """Alone it is TimestampRefused, in both languages, within its seconds; before a good one it is passed over."""
    bad, good = at(BELOW_HTTP[fault]), at(stamping(authority.timestamp_response))
    begun = time.monotonic()
    with pytest.raises(TimestampRefused) as refusal:
        HttpTimestamper([bad], seconds=SECONDS).timestamp(DIGEST)
    assert time.monotonic() - begun < SECONDS + 1.5
    assert bad in refusal.value.vi
    assert bad in refusal.value.en

    timestamper = HttpTimestamper([bad, good], seconds=SECONDS)
    begun = time.monotonic()
    assert check_token(timestamper.timestamp(DIGEST), DIGEST)
    assert time.monotonic() - begun < SECONDS + 1.5


def test_a_redirection_is_not_followed_even_to_an_authority(at: At, authority: DemoAuthority) -> None:
    """Whoever is to be asked is named by the office, not by another server."""
    good = at(stamping(authority.timestamp_response))
    redirecting = at(told(f"HTTP/1.1 307 Temporary\nLocation: {good}\nContent-Length: 0"))

    with pytest.raises(TimestampRefused, match="307"):
        HttpTimestamper([redirecting], seconds=SECONDS).timestamp(DIGEST)


def test_tls_that_does_not_hold_is_a_refusal(tmp_path: Path) -> None:
    """A certificate of nobody, and a server that speaks no TLS at all."""
    key = new_key("p256")
    certificate = certify(
        key,
        name("localhost"),
        Profile(usages=("digital_signature",)),
        issuer=None,
        not_before=datetime.now(UTC),
        not_after=datetime.now(UTC) + timedelta(1),
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + certificate.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    def encrypted(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(1)

    def drips(connection: socket.socket) -> None:
        for _ in range(200):
            connection.sendall(b"\x16")
            time.sleep(0.05)

    for behaviour in (encrypted, told("HTTP/1.1 400 Bad"), silent, drips):
        with wire(behaviour) as place:
            begun = time.monotonic()
            with pytest.raises(TimestampRefused, match=r"127\.0\.0\.1"):
                HttpTimestamper([f"https://{place}/"], seconds=SECONDS).timestamp(DIGEST)
            assert time.monotonic() - begun < SECONDS + 1.5


# Answers that are no timestamp for us


def maker(
    authority: DemoAuthority,
    *,
    profile: Profile = TSA,
    begins: timedelta = timedelta(days=-10),
    ends: timedelta = timedelta(days=10),
    clock: timedelta = timedelta(0),
) -> TokenMaker:
    """Another TSA of the same issuer: with this certificate, and its clock off by so much."""
    now, key = datetime.now(UTC), new_key("p256")
    made = certify(key, name("TSA khác"), profile, issuer=authority._issuing, not_before=now + begins, not_after=now + ends)
    identity = Identity(key=key, certificate=made)
    others = (x509.load_der_x509_certificate(authority.chain[0]),)
    return TokenMaker(identity.key, made, others, lambda: datetime.now(UTC) + clock)


def status(number: int) -> Respond:
    """A PKIStatus without a token."""
    return lambda _: sequence(sequence(integer(number)))


def altered(authority: DemoAuthority, **fields: object) -> Respond:
    """A request that is answered as if it had been another one."""

    def respond(body: bytes) -> bytes:
        request = tsp.TimeStampReq.load(body).native
        imprint = {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": request["message_imprint"]["hashed_message"]}
        kept = {"version": 1, "message_imprint": imprint, "nonce": request["nonce"], "cert_req": True, **fields}
        return authority.timestamp_response(
            tsp.TimeStampReq({name: value for name, value in kept.items() if value is not None}).dump()
        )

    return respond


def without_certificates(authority: DemoAuthority) -> Respond:
    """A token that does not bring its authority's certificate, although we asked for it."""

    def respond(body: bytes) -> bytes:
        response = tsp.TimeStampResp.load(authority.timestamp_response(body))
        token = asn1_cms.ContentInfo.load(response["time_stamp_token"].dump())
        signed = token["content"].native | {"certificates": None}
        bare = asn1_cms.SignedData({key: token["content"][key] for key in signed if key not in {"certificates", "crls"}})
        again = asn1_cms.ContentInfo({"content_type": "signed_data", "content": bare})
        return bytes(tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": again}).dump())

    return respond


ANSWERS: dict[str, tuple[Callable[[DemoAuthority], Respond], str]] = {
    "rejection": (lambda _: status(2), "rejection"),
    "waiting": (lambda _: status(3), "waiting"),
    "revocation warning": (lambda _: status(4), "revocation"),
    "granted without a token": (lambda _: status(0), "TimeStampResp"),
    "another nonce": (lambda authority: altered(authority, nonce=7), "nonce"),
    "no nonce": (lambda authority: altered(authority, nonce=None), "nonce"),
    "another imprint": (
        lambda authority: altered(
            authority, message_imprint={"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": bytes(32)}
        ),
        "other data",
    ),
    "another digest": (
        lambda authority: altered(
            authority, message_imprint={"hash_algorithm": {"algorithm": "sha512"}, "hashed_message": bytes(64)}
        ),
        "other data",
    ),
    "no certificate": (without_certificates, "carry its authority's certificate"),
    "no purpose": (
        lambda authority: maker(authority, profile=Profile(usages=("digital_signature",))).response,
        "extended key usage",
    ),
    "two purposes": (
        lambda authority: (
            maker(
                authority,
                profile=Profile(
                    usages=("digital_signature",), extended_critical=True, extended=("time_stamping", "email_protection")
                ),
            ).response
        ),
        "extended key usage",
    ),
    "expired": (lambda authority: maker(authority, ends=timedelta(days=-1)).response, "valid from"),
    "not yet valid": (lambda authority: maker(authority, begins=timedelta(days=1)).response, "valid from"),
    "a day ahead": (lambda authority: maker(authority, clock=timedelta(days=1)).response, "clock"),
    "a day behind": (lambda authority: maker(authority, clock=timedelta(days=-1)).response, "clock"),
    "six minutes ahead": (lambda authority: maker(authority, clock=timedelta(minutes=6)).response, "clock"),
    "nothing": (lambda _: lambda _: b"", "TimeStampResp"),
    "deep nonsense": (lambda _: lambda _: b"\x30\x80" * 50_000, "TimeStampResp"),
}


@pytest.mark.parametrize("fault", list(ANSWERS))
def test_an_answer_that_is_no_timestamp_for_us(fault: str, at: At, authority: DemoAuthority) -> None:
    """It is said what is wrong with it, and the next authority's token is taken."""
    make, said = ANSWERS[fault]
    bad, good = at(stamping(make(authority))), at(stamping(authority.timestamp_response))

    with pytest.raises(TimestampRefused, match=said):
        HttpTimestamper([bad], seconds=5).timestamp(DIGEST)
    assert check_token(HttpTimestamper([bad, good], seconds=5).timestamp(DIGEST), DIGEST)


def test_granted_with_modifications_and_a_clock_four_minutes_off_are_good(at: At, authority: DemoAuthority) -> None:
    """RFC 3161, 2.4.2: status 1 brings a token too. Clocks of schools are never right to the second."""

    def modified(body: bytes) -> bytes:
        response = tsp.TimeStampResp.load(maker(authority, clock=timedelta(minutes=-4)).response(body))
        return bytes(tsp.TimeStampResp({"status": {"status": 1}, "time_stamp_token": response["time_stamp_token"]}).dump())

    assert check_token(HttpTimestamper([at(stamping(modified))]).timestamp(DIGEST), DIGEST)


# Several authorities, and batches


def test_three_authorities_of_which_none_answers_end_in_one_sentence(at: At) -> None:
    """Their order, what each said, and at most three times the seconds."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        refusing = f"http://127.0.0.1:{closed.getsockname()[1]}/tsa"
    places = [refusing, at(silent), at(stamping(status(2)))]
    begun = time.monotonic()
    with pytest.raises(TimestampRefused) as refusal:
        HttpTimestamper(places, seconds=SECONDS).timestamp(DIGEST)

    assert time.monotonic() - begun < 4 * SECONDS
    said = refusal.value.en
    assert said.index(places[0]) < said.index(places[1]) < said.index(places[2])
    assert "refused" in said
    assert "ReadTimeout" in said
    assert "rejection" in said


def test_what_is_secret_in_an_address_is_not_told(at: At, caplog: pytest.LogCaptureFixture) -> None:
    """Name, password and key of an account with the authority stand in no message and no traceback."""
    place = at(silent).removeprefix("http://")
    timestamper = HttpTimestamper([f"http://truong:mat-khau@{place}?key=bi-mat"], seconds=0.1)
    with pytest.raises(TimestampRefused) as refusal:
        timestamper.timestamp(DIGEST)
    told_here = "".join(traceback.format_exception(refusal.value)) + caplog.text

    assert "mat-khau" not in told_here
    assert "bi-mat" not in told_here
    token = f"{'mat-bi'[4:]}-mat\n"
    with pytest.raises(NotReached) as unsent:
        Client(hosts=frozenset({"127.0.0.1"})).post(f"http://{place}", b"", "text/plain", headers={"Authorization": token})
    assert "bi-mat" not in "".join(traceback.format_exception(unsent.value))


def test_an_account_in_the_address_is_sent_as_one(at: At, authority: DemoAuthority) -> None:
    """Paid authorities want a name and a password (RFC 7617)."""
    heads: list[bytes] = []

    def behaviour(connection: socket.socket) -> None:
        heads.append(connection.recv(65536, socket.MSG_PEEK))
        stamping(authority.timestamp_response)(connection)

    place = at(behaviour).removeprefix("http://")
    assert HttpTimestamper([f"http://truong:m%E1%BA%ADt@{place}"]).timestamp(DIGEST)
    assert b"Authorization: Basic " + base64.b64encode("truong:mật".encode()) in heads[0]
    assert b"@" not in heads[0]


class Mortal:
    """A TSA over HTTP that stops answering after so many tokens, and may be brought back."""

    def __init__(self, authority: DemoAuthority, most: int) -> None:
        self.left, self.asked = most, 0
        self._authority = authority

    def __call__(self, connection: socket.socket) -> None:
        """Serve one connection."""
        while body := request_of(connection):
            self.asked += 1
            if self.left <= 0:
                time.sleep(SECONDS + 0.5)
                return
            self.left -= 1
            content = self._authority.timestamp_response(body)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(content) + content)


class Counted:
    """A key that counts its uses."""

    def __init__(self, issued: Issued) -> None:
        self._signer = issued.signer()
        self.certificate, self.chain, self.scheme = issued.certificate, issued.chain, self._signer.scheme
        self.uses = 0

    def sign(self, data: bytes, digest: str) -> bytes:
        """Sign."""
        self.uses += 1
        return self._signer.sign(data, digest)


def test_a_batch_whose_authority_dies_in_the_middle(
    at: At, authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """Two hundred sheets, the authority dies after seventy: seventy are done, three are told, the batch ends at once.

    Gone on with when it is back, the rest is signed; no sheet is signed twice, and the key was used for three in vain.
    """
    mortal, key = Mortal(authority, 70), Counted(people["curve"])
    timestamper = HttpTimestamper([at(mortal)], seconds=SECONDS)
    request = SignRequest(field="principal_signs", level=Level.B_T)
    items = [(str(number), book_pdf, request) for number in range(200)]
    begun = time.monotonic()
    first = list(sign_many(items, key, timestamper=timestamper))
    done = {each.id for each in first if isinstance(each, Signed)}

    assert time.monotonic() - begun < 30
    assert len(done) == 70
    assert [type(each) for each in first[70:]] == [Failed] * 3
    assert all(isinstance(each, Failed) and isinstance(each.error, TimestampRefused) for each in first[70:])
    assert key.uses == 73

    mortal.left = 200
    rest = list(sign_many([item for item in items if item[0] not in done], key, timestamper=timestamper))
    assert all(isinstance(each, Signed) for each in rest)
    assert done.isdisjoint({each.id for each in rest})
    assert len(rest) == 130


def test_an_authority_that_dies_before_the_archive_timestamps(
    at: At, authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """Twelve signatures got their timestamps, then it dies: all twelve come back at B-T, after three times its seconds."""
    mortal, key = Mortal(authority, 12), Counted(people["curve"])
    timestamper = HttpTimestamper([at(mortal)], seconds=SECONDS)
    request = SignRequest(field="principal_signs", level=Level.B_LTA)
    items = [(str(number), book_pdf, request) for number in range(100)]
    begun = time.monotonic()
    results = list(sign_many(items, key, timestamper=timestamper, evidence=authority, chunk=12))

    assert time.monotonic() - begun < 20
    assert [type(each) for each in results] == [Failed] * 12
    assert all(isinstance(each, Failed) and each.document is not None for each in results)
    assert (key.uses, mortal.asked) == (12, 15)
