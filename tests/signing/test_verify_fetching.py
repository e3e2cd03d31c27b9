"""Revocation data from the network: only from hosts on the bundle's list, whatever addresses a file names."""

import asyncio
import io
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import ArchLabel, CertLabel, CertomancerConfig
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner, SimpleSigner
from pyhanko.sign.timestamps import HTTPTimeStamper
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.registry import SimpleCertificateStore
from werkzeug.serving import make_server

from signing import DemoAuthority, Report, Trust, verify
from signing.demo.certificates import new_key
from signing.outward import Client
from signing.trust import Revocation
from signing.verification import fetching
from signing.verification.fetching import allowed, with_fetched
from tests.signing.updates import Identity, Style, identity, put_signature, token_signer
from tests.signing.wires import dripped, wire


class Shop(BaseHTTPRequestHandler):
    """Serves the authority's lists and remembers who asked for what."""

    authority: DemoAuthority
    asked: list[str]

    def do_GET(self) -> None:
        """A list, or the way to somewhere else."""
        self.asked.append(self.path)
        lists = {"/issuing.crl": "issuing", "/root.crl": "root"}
        if self.path not in lists:
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/secret")
            self.end_headers()
            return
        content = self.authority.crl("issuing" if lists[self.path] == "issuing" else "root")
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[DemoAuthority, str, list[str]]]:
    """An authority whose certificates point at a server on this machine."""
    asked: list[str] = []
    server = HTTPServer(("127.0.0.1", 0), Shop)
    host = f"127.0.0.1:{server.server_port}"
    authority = DemoAuthority(tmp_path, address=f"http://{host}", key="rsa2048")
    Shop.authority, Shop.asked = authority, asked
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield authority, host, asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_an_allowed_host_is_asked_and_believed(shop: tuple[DemoAuthority, str, list[str]], book_pdf: bytes) -> None:
    """The list of the certificate's issuer says that it was revoked."""
    authority, host, asked = shop
    person = authority.issue("Trần Văn Bình", "CCCD:031084000009")
    content = put_signature(book_pdf, "principal_signs", identity(person), Style())
    authority.revoke(person)
    trust = replace(Trust.load(authority.trust_pem()), hosts=frozenset({host}))
    offline, online = verify(content, trust), verify(content, trust, fetch=True)

    assert offline.signatures[0].revocation["status"] == "unknown"
    assert online.signatures[0].sub_indication == "REVOKED_NO_POE"
    assert "/issuing.crl" in asked


def test_nobody_else_is_asked(shop: tuple[DemoAuthority, str, list[str]], book_pdf: bytes) -> None:
    """A file cannot make this machine ask an address that is not on the list."""
    authority, _, asked = shop
    person = authority.issue("Trần Văn Bình", "CCCD:031084000009")
    content = put_signature(book_pdf, "principal_signs", identity(person), Style())
    report = verify(content, Trust.load(authority.trust_pem()), fetch=True)

    assert report.verdict == "TOTAL_PASSED"
    assert asked == []


@pytest.mark.parametrize(
    ("address", "is_allowed"),
    [
        ("http://crl.example.vn/a.crl", True),
        ("https://CRL.example.vn/a.crl", True),
        ("http://crl.example.vn:8080/a.crl", False),
        ("http://crl.example.vn:80/a.crl", True),
        ("http://user@crl.example.vn/a.crl", False),
        ("http://crl.example.vn.evil.example/a.crl", False),
        ("http://127.0.0.1/a.crl", False),
        ("ftp://crl.example.vn/a.crl", False),
        ("ldap://crl.example.vn/cn=a", False),
        ("file:///etc/passwd", False),
        ("http://[::1", False),
        ("", False),
    ],
)
def test_the_list_names_hosts_exactly(address: str, *, is_allowed: bool) -> None:
    """Scheme, host and port, and nobody's name before them."""
    trust = Trust(version="1", roots=(), hosts=frozenset({"crl.example.vn"}))

    assert allowed(address, trust) is is_allowed


# Against somebody else's authority: certomancer's OCSP responder and lists on this machine.

CONFIG = """
keysets:
  keys:
    path-prefix: .
    keys:
      root: {path: root.pem}
      interm: {path: interm.pem}
      ocsp: {path: ocsp.pem}
      tsa: {path: tsa.pem}
      signer: {path: signer.pem}
pki-architectures:
  demo:
    keyset: keys
    entity-defaults: {country-name: VN, organization-name: "THU NGHIEM"}
    entities:
      root: {common-name: "Root"}
      interm: {common-name: "Issuing"}
      ocsp: {common-name: "Responder"}
      tsa: {common-name: "TSA"}
      signer: {common-name: "Signer"}
      revoked: {common-name: "Revoked signer"}
    certs:
      root:
        subject: root
        issuer: root
        validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: simple-ca, params: {crl-repo: root}}]
      interm:
        subject: interm
        issuer: root
        validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: simple-ca, params: {max-path-len: 0, crl-repo: interm, ocsp-service: interm}}]
      ocsp:
        subject: ocsp
        issuer: interm
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: ocsp-responder}]
      tsa:
        subject: tsa
        issuer: interm
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        extensions:
          - {id: key_usage, critical: true, smart-value: {schema: key-usage, params: [digital_signature]}}
          - {id: extended_key_usage, critical: true, value: [time_stamping]}
      signer:
        subject: signer
        issuer: interm
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: digsig-commitment}]
      revoked:
        subject: revoked
        subject-key: signer
        issuer: interm
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: digsig-commitment}]
        revocation: {revoked-since: "2026-01-01T00:00:00+0000", reason: key_compromise}
    services:
      ocsp: {interm: {for-issuer: interm, responder-cert: ocsp, signing-key: ocsp}}
      crl-repo:
        root: {for-issuer: root, signing-key: root, simulated-update-schedule: P1D}
        interm: {for-issuer: interm, signing-key: interm, simulated-update-schedule: P1D}
      time-stamping: {tsa: {signing-key: tsa, signing-cert: tsa}}
"""


@dataclass
class Elsewhere:
    """Certomancer's web server in this process; `faults` answer in its place, by a part of the path."""

    arch: Any = None
    animator: Any = None
    host: str = ""
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, Callable[[], tuple[str, bytes]]] = field(default_factory=dict)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """The WSGI application."""
        path = environ["PATH_INFO"]
        self.asked.append(path)
        for part, fault in self.faults.items():
            if part in path:
                status, body = fault()
                start_response(status, [("Content-Length", str(len(body))), ("Location", "http://127.0.0.1:1/inner")])
                return [body]
        return self.animator(environ, start_response)

    def der(self, label: str) -> bytes:
        """A certificate."""
        return bytes(self.arch.get_cert(CertLabel(label)).dump())

    def stamp(self) -> Callable[[bytes], bytes]:
        """The authority of time, a moment ago."""
        now = datetime.now(UTC).replace(microsecond=0)
        return token_signer(self.keys["tsa"], self.der("tsa"), (self.der("interm"),), now)

    def signed(self, book: bytes, label: str, *, stamped: bool = False) -> bytes:
        """The book signed by somebody, if asked for with a timestamp of a moment ago."""
        chain, stamp = (self.der("interm"),), self.stamp()
        signer = Identity(key=self.keys["signer"], certificate=self.der(label), chain=chain)
        return put_signature(book, "principal_signs", signer, Style(timestamp=stamp if stamped else None))

    def trust(self, *, hosts: bool = True, required: bool = True) -> Trust:
        """The bundle: its root, and this host where hosts may be asked."""
        return replace(
            Trust.of_certificates([self.der("root")]),
            hosts=frozenset({self.host} if hosts else ()),
            revocation=Revocation.REQUIRED if required else Revocation.IF_AVAILABLE,
        )


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Elsewhere]:
    """A running server."""
    made = Elsewhere()
    for stem in ("root", "interm", "ocsp", "tsa", "signer"):
        key = new_key("p256")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        made.keys[stem] = key
        (tmp_path / f"{stem}.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    server = make_server("127.0.0.1", 0, made, threaded=True)
    made.host = f"127.0.0.1:{server.server_port}"
    config = CertomancerConfig.from_yaml(CONFIG, key_search_dir=str(tmp_path), external_url_prefix=f"http://{made.host}")
    made.arch = config.get_pki_arch(ArchLabel("demo"))
    made.animator = Animator(AnimatorArchStore(config.pki_archs), with_web_ui=False)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def judged(report: Report) -> tuple[str, str | None, str | None]:
    """Verdict, sub-indication, and who told about revocation."""
    first = report.signatures[0]
    return first.verdict, first.sub_indication, first.revocation["source"]


def test_ocsp_is_asked_and_believed(elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """A policy that requires word on revocation gets it: signer by OCSP, its authority by list (it names no responder)."""
    report = verify(elsewhere.signed(book_pdf, "signer"), elsewhere.trust(), fetch=True)

    assert judged(report) == ("TOTAL_PASSED", None, "ocsp"), report.to_json()
    assert sorted(elsewhere.asked) == ["/demo/crls/root/latest.crl", "/demo/ocsp/interm"]


def test_a_revocation_that_only_the_network_knows(elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """The file is silent; the responder is not."""
    report = verify(elsewhere.signed(book_pdf, "revoked"), elsewhere.trust(required=False), fetch=True)

    assert judged(report) == ("INDETERMINATE", "REVOKED_NO_POE", "ocsp")


def test_the_timestamp_authority_is_asked_about_too(elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """Its chain needs word on revocation as the signer's does (102-1 5.4)."""
    content = elsewhere.signed(book_pdf, "signer", stamped=True)
    report = verify(content, elsewhere.trust(), fetch=True)

    assert (report.signatures[0].verdict, report.signatures[0].level) == ("TOTAL_PASSED", "B-T"), report.to_json()
    assert elsewhere.asked.count("/demo/ocsp/interm") == 2


BAD_ANSWERS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "unavailable": lambda: ("503 Service Unavailable", b""),
    "redirect": lambda: ("302 Found", b""),
    "a page": lambda: ("200 OK", b"<html>welcome</html>"),
    "nothing": lambda: ("200 OK", b""),
    "tryLater": lambda: ("200 OK", bytes.fromhex("30030a0103")),
    "too much": lambda: ("200 OK", bytes(fetching.MAX_OCSP + 1)),
}


@pytest.mark.parametrize("bad", BAD_ANSWERS)
def test_without_ocsp_the_list_is_asked(bad: str, elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """Whatever the responder says instead of an answer, the issuer's list decides."""
    elsewhere.faults["/ocsp/"] = BAD_ANSWERS[bad]

    assert judged(verify(elsewhere.signed(book_pdf, "signer"), elsewhere.trust(), fetch=True)) == ("TOTAL_PASSED", None, "crl")
    assert judged(verify(elsewhere.signed(book_pdf, "revoked"), elsewhere.trust(), fetch=True))[:2] == (
        "INDETERMINATE",
        "REVOKED_NO_POE",
    )
    assert "/inner" not in elsewhere.asked


def test_an_answer_to_another_question_is_none(elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """A kept answer with somebody's nonce is a replay; the list decides."""
    nonces: list[bytes] = []
    answers: list[bytes] = []
    original = fetching._repeats

    def remember(content: bytes, nonce: bytes) -> bool:
        nonces.append(nonce)
        answers.append(content)
        return original(content, nonce)

    fetching._repeats = remember
    try:
        verify(elsewhere.signed(book_pdf, "signer"), elsewhere.trust(), fetch=True)
    finally:
        fetching._repeats = original
    elsewhere.faults["/ocsp/"] = lambda: ("200 OK", answers[0])

    assert original(answers[0], nonces[0])
    assert not original(answers[0], bytes(16))
    assert judged(verify(elsewhere.signed(book_pdf, "signer"), elsewhere.trust(), fetch=True))[2] == "crl"


def test_nobody_answers(elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """Required word that cannot be had now may be there later: TRY_LATER; a policy that does not require it says so only."""
    elsewhere.faults["/"] = BAD_ANSWERS["unavailable"]
    content = elsewhere.signed(book_pdf, "signer")
    strict, usual = (verify(content, elsewhere.trust(required=each), fetch=True) for each in (True, False))

    assert judged(strict)[:2] == ("INDETERMINATE", "TRY_LATER")
    assert "REVOCATION_MISSING" in {each.code for each in strict.signatures[0].findings}
    assert judged(usual)[:2] == ("TOTAL_PASSED", None)
    assert "REVOCATION_UNKNOWN" in {each.code for each in usual.signatures[0].findings}


def test_a_slow_host_costs_a_bounded_time(elsewhere: Elsewhere, book_pdf: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are bounded per request and per file."""

    def slow() -> tuple[str, bytes]:
        time.sleep(1.0)
        return "503 Service Unavailable", b""

    monkeypatch.setattr(fetching, "SECONDS", 0.2)
    elsewhere.faults["/"] = slow
    begun = time.monotonic()
    verify(elsewhere.signed(book_pdf, "signer"), elsewhere.trust(), fetch=True)

    assert time.monotonic() - begun < 3.0


@pytest.mark.parametrize(
    "begun", [b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 4000, b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + bytes(5000)]
)
def test_a_host_that_drips_costs_a_bounded_time(begun: bytes, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then starts no clock anew, in the headers or in the body."""
    monkeypatch.setattr(fetching, "SECONDS", 0.3)
    with wire(dripped(begun)) as place:
        client = Client(hosts=frozenset({"127.0.0.1"}), seconds=0.3)
        errand = fetching._Errand(client=client, trust=elsewhere.trust(), now=datetime.now(UTC), until=time.monotonic() + 1.0)
        started = time.monotonic()
        assert errand._fetch(f"http://{place}/ocsp", b"question", 5000) is None
        assert time.monotonic() - started < 1.2
        assert errand._fetch(f"http://{place}/list", None, 5000) is None
        assert time.monotonic() - started < 2.5
        client.close()


def test_no_host_means_no_request(elsewhere: Elsewhere, book_pdf: bytes) -> None:
    """A bundle that names no host fetches nothing, and stays what it was."""
    trust = elsewhere.trust(hosts=False)

    assert with_fetched(elsewhere.signed(book_pdf, "signer"), trust, datetime.now(UTC)) is trust
    assert elsewhere.asked == []


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"%PDF-1.7\n" + bytes(1000)])
def test_what_is_no_file_asks_nobody(content: bytes, elsewhere: Elsewhere) -> None:
    """And raises nothing."""
    assert verify(content, elsewhere.trust(), fetch=True).verdict == "UNREADABLE"
    assert elsewhere.asked == []


@pytest.mark.parametrize(("archived", "level"), [(False, "B-LT"), (True, "B-LTA")])
def test_what_another_program_fetched_and_stored_is_enough(
    level: str, elsewhere: Elsewhere, plain_pdf: bytes, *, archived: bool
) -> None:
    """PyHanko signs, asks certomancer's authorities, and stores their answers: the level is the one it made."""
    pdf = asyncio.run(_signed_by_pyhanko(elsewhere, plain_pdf, archived=archived))
    report = verify(pdf, elsewhere.trust(hosts=False))

    assert report.verdict == "TOTAL_PASSED", report.to_json()
    assert report.signatures[0].level == level


async def _signed_by_pyhanko(elsewhere: Elsewhere, pdf: bytes, *, archived: bool) -> bytes:
    root, issuing, person = (asn1_x509.Certificate.load(elsewhere.der(label)) for label in ("root", "interm", "signer"))
    secret = elsewhere.keys["signer"].private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    known = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    known.register(issuing)
    signer = SimpleSigner(signing_cert=person, signing_key=asn1_keys.PrivateKeyInfo.load(secret), cert_registry=known)
    async with aiohttp.ClientSession() as session:
        context = ValidationContext(
            trust_roots=[root], other_certs=[issuing], allow_fetching=True, revocation_mode="require",
            fetcher_backend=AIOHttpFetcherBackend(session),
        )  # fmt: skip
        meta = PdfSignatureMetadata(
            field_name="Sig1", md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES, embed_validation_info=True,
            validation_context=context, use_pades_lta=archived,
        )  # fmt: skip
        stamps = HTTPTimeStamper(f"http://{elsewhere.host}/demo/tsa/tsa", session=session)
        writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
        out = await PdfSigner(meta, signer, timestamper=stamps).async_sign_pdf(writer)
    return bytes(out.getvalue())
