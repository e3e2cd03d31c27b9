"""Revocation data from the network: only from hosts on the bundle's list, whatever addresses a file names."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust, verify
from signing.verification.fetching import allowed
from tests.signing.updates import Style, identity, put_signature


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
