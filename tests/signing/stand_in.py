"""A signing service's stand-in on a port of this machine: answers as its specification says, and remembers."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.serialization import pkcs12

from signing import Issued


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request: JSON or a form, as plain values."""

    path: str
    body: Mapping[str, Any]
    authorization: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer."""

    status: int
    content: Any
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[Asked], Told]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """The address, http://127.0.0.1:PORT, at which `answer` answers POST."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            is_form = self.headers["Content-Type"] == "application/x-www-form-urlencoded"
            body = dict(parse_qsl(raw.decode())) if is_form else json.loads(raw)
            told = answer(Asked(path=self.path, body=body, authorization=self.headers.get("Authorization", "")))
            encoded = told.content if isinstance(told.content, bytes) else json.dumps(told.content).encode()
            self.send_response(told.status)
            for name, value in {**told.headers, "Content-Length": str(len(encoded))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@lru_cache
def key_of(issued: Issued) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    """The key that the service holds."""
    key, _, _ = pkcs12.load_key_and_certificates(issued.path.read_bytes(), issued.pin.encode())
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key


def value_of(issued: Issued, digest: bytes, *, pss: bool = False) -> bytes:
    """The service's signature of a SHA-256 digest."""
    key, hashed = key_of(issued), Prehashed(hashes.SHA256())
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(digest, ec.ECDSA(hashed))
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32) if pss else padding.PKCS1v15()
    return key.sign(digest, scheme, hashed)
