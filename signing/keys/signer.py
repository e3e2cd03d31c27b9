"""What every key looks like from here, wherever it is kept."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

Ask = Callable[[str], str]  # shows a prompt to the owner of a key, returns their PIN, passphrase or code


class Signer(Protocol):
    """A key that signs, with its certificate. May also carry `scheme` (Scheme.RSA_PSS for PSS padding)."""

    @property
    def certificate(self) -> bytes:
        """The signer's certificate, DER."""
        ...

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The certificates of its issuers, DER, the direct issuer first; the root may be absent."""
        ...

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value over `data`, hashed with `digest` ("sha256", "sha384", "sha512").

        RSA: the value as is (PKCS#1 v1.5 or PSS, see `scheme_of`); ECDSA: DER (RFC 3279).
        """
        ...


@runtime_checkable
class ManySigner(Protocol):
    """A key that can sign several data in one authorisation of its owner (a remote service)."""

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One signature value per item, in order."""
        ...
