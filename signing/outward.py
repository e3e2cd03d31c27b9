"""Asking other machines (TSA, OCSP, CRL, signing services): only hosts that were named, in bounded time, bounded answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx

from signing.errors import NotReached

MOST_ANSWER_BYTES = 16 << 20  # a national CRL may have some megabytes
CONNECT_SECONDS = 5.0

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back: never a redirect, never more than the bound."""

    status: int
    content: bytes
    kind: str  # content type without parameters


def host_of(url: str) -> str:
    """The host of an address, lower case; "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


@dataclass(slots=True, kw_only=True)
class Client:
    """One HTTP client for one purpose. `hosts` is the allow-list; nothing else is ever asked, redirects are not followed."""

    hosts: frozenset[str]
    seconds: float = 10.0
    encrypted: bool = False  # demand https (but for this very machine)
    headers: Mapping[str, str] = field(default_factory=dict)
    _client: httpx.Client | None = None

    @classmethod
    def for_addresses(cls, urls: Iterable[str], *, seconds: float = 10.0, encrypted: bool = False) -> Self:
        """A client for exactly the hosts of these addresses."""
        return cls(hosts=frozenset(host_of(url) for url in urls), seconds=seconds, encrypted=encrypted)

    def get(self, url: str) -> Answer:
        """GET. Raises NotReached."""
        return self._ask("GET", url, None, {})

    def post(self, url: str, content: bytes, kind: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        """POST. Raises NotReached."""
        return self._ask("POST", url, content, {"Content-Type": kind, **(headers or {})})

    def close(self) -> None:
        """Close kept connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, method: str, url: str, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        self._check(url)
        try:
            with self._kept().stream(method, url, content=content, headers={**self.headers, **headers}) as response:
                received = bytearray()
                for piece in response.iter_bytes():
                    received += piece
                    if len(received) > MOST_ANSWER_BYTES:
                        raise NotReached(f"{host_of(url)} sent more than {MOST_ANSWER_BYTES} bytes")
                kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
                return Answer(status=response.status_code, content=bytes(received), kind=kind)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, ValueError) as error:
            raise NotReached(f"{host_of(url)}: {type(error).__name__}") from error

    def _check(self, url: str) -> None:
        host, scheme = host_of(url), url.partition(":")[0].lower()
        if scheme not in {"http", "https"} or host not in self.hosts:
            raise NotReached(f"{host or url[:80]} is not on the list of hosts that may be asked")
        if self.encrypted and scheme != "https" and host not in _LOOPBACK:
            raise NotReached(f"{host} must be asked over https")

    def _kept(self) -> httpx.Client:
        if self._client is None:
            limits = httpx.Timeout(self.seconds, connect=min(CONNECT_SECONDS, self.seconds))
            # trust_env=False: no proxy from the environment sees what is signed.
            self._client = httpx.Client(timeout=limits, follow_redirects=False, trust_env=False)
        return self._client
