"""`file:` keys: PKCS#12 and PEM. The key is loaded once and kept; loading an RSA key costs a hundred signatures."""

import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12

from signing.errors import KeyUnavailable, NoSuchKey, WrongSecret
from signing.keys.algorithms import HASHES, Scheme, ordered_chain, pss, rsa_scheme
from signing.keys.signer import Ask

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# A key with its chain takes a few kilobytes; a megabyte is no key file.
MOST_BYTES = 1 << 20


class FileSigner:
    """A key from a PKCS#12 (.p12, .pfx) or PEM file, kept in memory until it is closed."""

    def __init__(self, key: PrivateKey, certificate: bytes, chain: tuple[bytes, ...], *, scheme: Scheme | None = None) -> None:
        self.certificate = certificate
        self.chain = chain
        self.scheme = scheme or (Scheme.RSA_PKCS1 if isinstance(key, rsa.RSAPrivateKey) else Scheme.ECDSA)
        self._key: PrivateKey | None = key

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `file:PATH[?padding=pss|pkcs1]`; asks for the passphrase where there is one."""
        path, wishes = _parts(uri)
        content = _content(path)
        if content.lstrip().startswith(b"-----BEGIN"):
            key, certificate, others = _from_pem(content, path, ask)
        else:
            key, certificate, others = _from_pkcs12(content, path, ask)
        scheme = rsa_scheme(wishes.get("padding"), can_pss=True) if isinstance(key, rsa.RSAPrivateKey) else None
        return cls(key, certificate, ordered_chain(certificate, others), scheme=scheme)

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value; see Signer."""
        chosen = HASHES[digest]
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            return self._key.sign(data, ec.ECDSA(chosen))
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, pss(digest) if self.scheme is Scheme.RSA_PSS else padding.PKCS1v15(), chosen)
        raise KeyUnavailable("Khóa đã đóng", "The key has been closed")

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One value after the other: a file needs no authorisation per batch."""
        return (self.sign(each, digest) for each in data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._key = None


def _parts(uri: str) -> tuple[Path, dict[str, str]]:
    parts = urlsplit(uri)
    return Path(unquote(parts.path if not parts.netloc else f"//{parts.netloc}{parts.path}")), dict(parse_qsl(parts.query))


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise NoSuchKey(
            f"Không đọc được tệp khóa «{path}»: {error.strerror}", f"Cannot read the key file “{path}”: {error.strerror}"
        ) from error
    if len(content) > MOST_BYTES:
        raise NoSuchKey(
            f"«{path.name}» lớn hơn {MOST_BYTES} byte, không phải tệp khóa",
            f"“{path.name}” is larger than {MOST_BYTES} bytes: no key file",
        )
    return content


def _from_pkcs12(content: bytes, path: Path, ask: Ask) -> tuple[PrivateKey, bytes, list[bytes]]:
    try:
        # A wrong passphrase and a broken file look the same to the library; a clerk must know which it is.
        asn1_pkcs12.Pfx.load(content, strict=True)["auth_safe"]["content_type"].native  # noqa: B018 - parses
    except (ValueError, TypeError, KeyError) as error:
        raise NoSuchKey(f"«{path.name}» không phải tệp PKCS#12 hay PEM", f"“{path.name}” is neither PKCS#12 nor PEM") from error
    secret = _secret(ask(f"Mật khẩu của tệp khóa «{path.name}» / Passphrase of the key file “{path.name}”"))
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, secret or None)
    except ValueError as error:
        raise WrongSecret(
            f"Mật khẩu của tệp khóa «{path.name}» không đúng", f"Wrong passphrase for the key file “{path.name}”"
        ) from error
    except UnsupportedAlgorithm as error:
        raise KeyUnavailable(
            f"Tệp khóa «{path.name}» được mã hóa theo cách không hỗ trợ",
            f"The key file “{path.name}” is encrypted in an unsupported way: {error}",
        ) from error
    if certificate is None:
        raise NoSuchKey(f"«{path.name}» không có chứng thư của khóa", f"“{path.name}” holds no certificate for its key")
    return _usable(key, path), _der(certificate), [_der(other) for other in others]


def _from_pem(content: bytes, path: Path, ask: Ask) -> tuple[PrivateKey, bytes, list[bytes]]:
    secret = None
    if b"ENCRYPTED" in content:
        secret = _secret(ask(f"Mật khẩu của tệp khóa «{path.name}» / Passphrase of the key file “{path.name}”"))
    try:
        key = _usable(load_pem_private_key(content, secret), path)
    except (ValueError, TypeError) as error:
        if secret is not None:
            raise WrongSecret(
                f"Mật khẩu của tệp khóa «{path.name}» không đúng", f"Wrong passphrase for the key file “{path.name}”"
            ) from error
        raise NoSuchKey(f"«{path.name}» không có khóa bí mật", f"“{path.name}” holds no private key") from error
    except UnsupportedAlgorithm as error:
        raise KeyUnavailable(f"Khóa trong «{path.name}» không hỗ trợ", f"Unsupported key in “{path.name}”: {error}") from error
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
        certificates = []
    public = _spki(key)
    own = [certificate for certificate in certificates if _spki_of(certificate) == public]
    if not own:
        raise NoSuchKey(f"«{path.name}» không có chứng thư của khóa", f"“{path.name}” holds no certificate for its key")
    return key, _der(own[0]), [_der(each) for each in certificates]


def _secret(said: str) -> bytes:
    """As PKCS#12 stores it: the same letters whether they came composed or not."""
    return unicodedata.normalize("NFC", said).encode()


def _usable(key: object, path: Path) -> PrivateKey:
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return key
    raise NoSuchKey(
        f"«{path.name}» không có khóa RSA hay ECDSA", f"“{path.name}” holds no RSA or ECDSA key, but {type(key).__name__}"
    )


def _der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def _spki(key: PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _spki_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
