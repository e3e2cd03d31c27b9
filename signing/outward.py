"""Asking other machines (TSA, OCSP, CRL, signing services): only hosts that were named, in bounded time, bounded answers.

What a server cannot do to us: send us elsewhere (redirects are answers like any other), make us wait by sending a byte now and
then (one clock runs from the name's look-up to the last byte), fill the memory (answers are bounded, and taken as they are:
nothing is unpacked), or have a proxy of the environment see what is signed.
"""

import base64
import socket
import ssl
import time
import weakref
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit

import httpcore

from signing.errors import NotReached

MOST_ANSWER_BYTES = 16 << 20  # a national CRL may have some megabytes
CONNECT_SECONDS = 5.0
MOST_ADDRESSES = 4  # of one name, tried one after the other
PIECE_BYTES = 16 << 10  # written at once
RETRY_AFTER_MOST = 3600.0  # a server that names a later time says "not today"

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_FAILURES = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: never a redirect that was followed, never more than the bound."""

    status: int
    content: bytes
    kind: str  # content type without parameters
    retry_after: float | None = None  # seconds, where the server asked for them


def host_of(url: str) -> str:
    """The host of an address, lower case; "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


@dataclass(slots=True, kw_only=True, weakref_slot=True)
class Client:
    """One HTTP client for one purpose. `hosts` is the allow-list; nothing else is ever asked, redirects are not followed.

    `seconds` is for a whole request: names, connection, TLS, and the answer to its last byte.
    """

    hosts: frozenset[str]
    seconds: float = 10.0
    encrypted: bool = False  # demand https (but for this very machine)
    headers: Mapping[str, str] = field(default_factory=dict)
    _pool: httpcore.ConnectionPool | None = None
    _backend: "_Punctual" = field(default_factory=lambda: _Punctual())  # noqa: PLW0108 -- it is defined below

    @classmethod
    def for_addresses(cls, urls: Iterable[str], *, seconds: float = 10.0, encrypted: bool = False) -> Self:
        """A client for exactly the hosts of these addresses."""
        return cls(hosts=frozenset(host_of(url) for url in urls), seconds=seconds, encrypted=encrypted)

    def get(self, url: str, *, most: int = MOST_ANSWER_BYTES, seconds: float | None = None) -> Answer:
        """GET. Raises NotReached. `seconds`: more in all, for what is large; silence is borne as long as ever."""
        return self._ask("GET", url, None, {}, most, seconds, again=True)

    def post(
        self,
        url: str,
        content: bytes,
        kind: str,
        *,
        headers: Mapping[str, str] | None = None,
        most: int = MOST_ANSWER_BYTES,
        seconds: float | None = None,
        again: bool = False,
    ) -> Answer:
        """POST. Raises NotReached. `seconds`: for this request. `again`: a mere question, which may be sent twice."""
        return self._ask("POST", url, content, {"Content-Type": kind, **(headers or {})}, most, seconds, again=again)

    def close(self) -> None:
        """Close kept connections."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(
        self,
        method: str,
        url: str,
        content: bytes | None,
        headers: Mapping[str, str],
        most: int,
        seconds: float | None,
        *,
        again: bool,
    ) -> Answer:
        self._check(url)
        allowed = self.seconds if seconds is None else seconds
        limits = dict.fromkeys(("connect", "read", "write", "pool"), min(allowed, self.seconds))
        clock = _until.set(time.monotonic() + allowed)

        def sent() -> Answer:
            given = [("Accept-Encoding", "identity"), ("User-Agent", "Soky"), *self.headers.items(), *headers.items()]
            given += _account(url)
            options = {"timeout": limits}
            with self._kept().stream(method, _written(url), headers=given, content=content, extensions=options) as response:
                return _read(response, host_of(url), most)

        try:
            opened = self._backend.opened
            try:
                return sent()
            except (httpcore.NetworkError, httpcore.RemoteProtocolError):
                if not again or self._backend.opened != opened:
                    raise
                return sent()  # the server ended a kept connection just then: on a new one it may answer
        except _FAILURES as error:
            # `from None`: the library quotes a header that it refuses, and a token may stand in it.
            raise NotReached(f"{host_of(url)}: {_said(error)}") from None
        except (ValueError, RuntimeError) as error:
            raise NotReached(f"{host_of(url)}: {type(error).__name__}") from None
        finally:
            _until.reset(clock)

    def _check(self, url: str) -> None:
        host, scheme = host_of(url), url.partition(":")[0].lower()
        if scheme not in {"http", "https"} or host not in self.hosts:
            raise NotReached(f"{host or url[:80]} is not on the list of hosts that may be asked")
        if self.encrypted and scheme != "https" and host not in _LOOPBACK:
            raise NotReached(f"{host} must be asked over https")

    def _kept(self) -> httpcore.ConnectionPool:
        if self._pool is None:
            self._pool = httpcore.ConnectionPool(
                ssl_context=_tls(),
                max_connections=20,
                max_keepalive_connections=5,
                keepalive_expiry=15.0,
                network_backend=self._backend,
            )
            weakref.finalize(self, self._pool.close)  # whoever lets go of the client without closing it leaves nothing open
        return self._pool


def _written(url: str) -> str:
    """The address as it goes over the wire: letters and blanks that certificates leave as they are, in percent form."""
    parts = urlsplit(url)
    path, query = (quote(each, safe="%/:=&?~+!$,;'@()*") for each in (parts.path, parts.query))
    return parts._replace(path=path, query=query, fragment="").geturl()


def _account(url: str) -> list[tuple[str, str]]:
    """Name and password of an address as the header that stands for them (RFC 7617): `https://school:secret@tsa.example`."""
    parts = urlsplit(url)
    if not parts.username:
        return []
    account = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return [("Authorization", f"Basic {base64.b64encode(account).decode('ascii')}")]


@cache
def _tls() -> ssl.SSLContext:
    """The authorities that are believed for TLS: read once, for it takes longer than a request."""
    return httpcore.default_ssl_context()


def _read(response: httpcore.Response, host: str, most: int) -> Answer:
    """The answer, as long as it is within its bound."""
    headers = {name.lower(): value for name, value in response.headers}
    if headers.get(b"content-encoding", b"identity").strip().lower() not in {b"", b"identity"}:
        raise NotReached(f"{host} sent a packed answer that nobody asked for")
    received = bytearray()
    for piece in response.iter_stream():
        received += piece
        if len(received) > most:
            raise NotReached(f"{host} sent more than {most} bytes")
    return Answer(
        status=response.status,
        content=bytes(received),
        kind=headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower(),
        retry_after=_seconds(headers.get(b"retry-after", b"").decode("latin-1").strip()),
    )


def _seconds(said: str) -> float | None:
    """Retry-After in seconds (RFC 9110, 10.2.3); a date, or nonsense, is as if nothing was said."""
    return min(float(said), RETRY_AFTER_MOST) if said.isascii() and said.isdigit() and len(said) <= len("86400") else None


def _said(error: Exception) -> str:
    """Why, in the words of the operating system or TLS; of what the library quotes only its kind."""
    kind = type(error).__name__
    if isinstance(error, httpcore.ConnectError):
        return f"{kind}: {' '.join(str(error).split())[:120]}"
    return kind


# When the request of this thread must be over: connections are kept and shared, their clocks are not.
_until: ContextVar[float] = ContextVar("until")


def _left(timeout: float | None) -> float:
    """What is left of the request's time, at most `timeout`; TimeoutException when nothing is."""
    left = _until.get() - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time of the request is over")
    return left if timeout is None else min(left, timeout)


class _Punctual(httpcore.NetworkBackend):
    """Connections whose every step gets what is left of the request's time, not a full measure anew."""

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()
        self.opened = 0  # connections so far: a request that opened none went over a kept one

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """To the first address of the name that answers."""
        self.opened += 1
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        addresses = [str(each[4][0]) for each in found][:MOST_ADDRESSES]
        last: Exception = httpcore.ConnectError("the name has no address")
        for address in dict.fromkeys(addresses):
            try:
                seconds = min(_left(timeout), CONNECT_SECONDS)
                return _Stream(self._plain.connect_tcp(address, port, seconds, local_address, socket_options))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last


class _Stream(httpcore.NetworkStream):
    """One connection of `_Punctual`."""

    def __init__(self, plain: httpcore.NetworkStream) -> None:
        self._plain = plain

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What there is, within what is left."""
        return self._plain.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, within what is left: a server that takes a few bytes at a time does not start the clock anew."""
        for start in range(0, len(buffer), PIECE_BYTES):
            self._plain.write(buffer[start : start + PIECE_BYTES], _left(timeout))

    def close(self) -> None:
        """End the connection."""
        self._plain.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> "_Stream":
        """TLS over this connection, its handshake within what is left."""
        return _Stream(self._plain.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        """What the plain connection says of itself."""
        return self._plain.get_extra_info(info)
