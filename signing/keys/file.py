"""`file:` keys: PKCS#12 and PEM. The key is loaded once and kept; loading an RSA key costs a hundred signatures."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from asn1crypto import pkcs12 as asn1_pkcs12
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key, pkcs12

from signing.errors import KeyUnavailable, NoSuchKey, SigningError, WrongSecret
from signing.keys.algorithms import HASHES, Scheme, ordered_chain, pss, rsa_scheme
from signing.keys.secret import Secret
from signing.keys.signer import Ask
from signing.system_reasons import system_reason

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

# A block of a PEM file, whatever stands before and between: openssl writes "Bag Attributes", Windows a byte order mark.
_PEM = re.compile(rb"-----(BEGIN|END) ([A-Z0-9 ]{1,60})-----")

# A key with its chain takes a few kilobytes; a megabyte is no key file.
MOST_BYTES = 1 << 20
MOST_KEYS = 20  # in one PEM file


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
        if _PEM.search(content):
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
        # Without waiting: opening a pipe would wait for somebody who writes into it.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(MOST_BYTES + 1) if is_file else b""
    except (OSError, ValueError) as error:
        vi, en = system_reason(error) if isinstance(error, OSError) else ("tên không hợp lệ", "not a name")
        raise NoSuchKey(f"Không đọc được tệp khóa «{path}»: {vi}", f"Cannot read the key file “{path}”: {en}") from error
    if not is_file:
        raise NoSuchKey(f"«{path}» không phải tệp", f"“{path}” is no file")
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
    secret = Secret(ask(f"Mật khẩu của tệp khóa «{path.name}» / Passphrase of the key file “{path.name}”"))
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(content, secret.encoded or None)
    except ValueError as error:
        raise WrongSecret(
            f"Mật khẩu của tệp khóa «{path.name}» không đúng", f"Wrong passphrase for the key file “{path.name}”"
        ) from error
    except UnsupportedAlgorithm as error:
        raise KeyUnavailable(
            f"Tệp khóa «{path.name}» được mã hóa theo cách không hỗ trợ",
            f"The key file “{path.name}” is encrypted in an unsupported way: {error}",
        ) from error
    usable = _usable(key, path)
    certificates = [*([] if certificate is None else [certificate]), *others]
    return usable, _own(usable, certificates, path), [_der(each) for each in certificates]


def _from_pem(content: bytes, path: Path, ask: Ask) -> tuple[PrivateKey, bytes, list[bytes]]:
    blocks = list(_blocks(content))
    keys = [block for name, block in blocks if name.endswith(b"PRIVATE KEY")][:MOST_KEYS]
    secret = None
    if any(b"ENCRYPTED" in block for block in keys):
        secret = Secret(ask(f"Mật khẩu của tệp khóa «{path.name}» / Passphrase of the key file “{path.name}”"))
    certificates = [each for name, block in blocks if name in _CERTIFICATES for each in _certificates_in(block)]
    refused: SigningError = NoSuchKey(f"«{path.name}» không có khóa bí mật", f"“{path.name}” holds no private key")
    for block in keys:  # of several the first that has its certificate here
        try:
            key = _private_key(block, secret, path)
            return key, _own(key, certificates, path), [_der(each) for each in certificates]
        except WrongSecret:
            raise
        except SigningError as error:
            refused = error
    raise refused


def _blocks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and text of each block."""
    begun: re.Match[bytes] | None = None
    for each in _PEM.finditer(content):
        if each[1] == b"BEGIN":
            begun = each
        elif begun is not None and begun[2] == each[2]:
            yield each[2], content[begun.start() : each.end()] + b"\n"
            begun = None


_CERTIFICATES = frozenset({b"CERTIFICATE", b"X509 CERTIFICATE", b"TRUSTED CERTIFICATE"})


def _private_key(block: bytes, secret: Secret | None, path: Path) -> PrivateKey:
    """One key of a PEM file: PKCS#8, PKCS#1 or SEC1, encrypted or not."""
    is_encrypted = b"ENCRYPTED" in block
    try:
        return _usable(load_pem_private_key(block, secret.encoded if secret is not None and is_encrypted else None), path)
    except (ValueError, TypeError) as error:
        if is_encrypted:
            raise WrongSecret(
                f"Mật khẩu của tệp khóa «{path.name}» không đúng", f"Wrong passphrase for the key file “{path.name}”"
            ) from error
        raise NoSuchKey(f"«{path.name}» không có khóa bí mật", f"“{path.name}” holds no private key") from error
    except UnsupportedAlgorithm as error:
        raise KeyUnavailable(f"Khóa trong «{path.name}» không hỗ trợ", f"Unsupported key in “{path.name}”: {error}") from error


def _certificates_in(block: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(block)
    except ValueError:
        return []


def _own(key: PrivateKey, certificates: Sequence[x509.Certificate], path: Path) -> bytes:
    """The certificate of this key: whatever the file says, by the public key. Of several the newest that is valid now."""
    public = _spki(key)
    own = [each for each in certificates if _spki_of(each) == public]
    if not own:
        raise NoSuchKey(f"«{path.name}» không có chứng thư của khóa", f"“{path.name}” holds no certificate for its key")
    now = datetime.now(UTC)
    return _der(
        max(own, key=lambda each: (each.not_valid_before_utc <= now <= each.not_valid_after_utc, each.not_valid_before_utc))
    )


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
    """b"" for a key of a kind that nobody knows: no key of ours."""
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return b""
