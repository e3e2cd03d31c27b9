"""Keys in files as other programs write them: openssl's PKCS#12 and PEM in every dress, and what is no key at all."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from signing import open_signer
from signing.errors import NoSuchKey, SigningError, WrongSecret
from signing.keys import is_made_by, scheme_of

PIN = "mật khẩu 1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys and certificates by openssl: rsa.pem, rsa.crt, ec.pem (with its parameters before it), ec.crt."""
    made = tmp_path_factory.mktemp("keys")
    openssl(made, "req -x509 -newkey rsa:2048 -nodes -keyout rsa.pem -out rsa.crt -days 10 -subj /CN=An")
    openssl(made, "ecparam -name prime256v1 -genkey -out ec.pem")
    openssl(made, "req -x509 -key ec.pem -out ec.crt -days 10 -subj /CN=Em")
    return made


def openssl(folder: Path, line: str) -> None:
    """Run openssl; PASS stands for the passphrase."""
    words = [f"pass:{PIN}" if word == "PASS" else word for word in line.split()]
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def signs(path: Path, *, pin: str = PIN) -> bool:
    """Whether the file's key makes signatures of its certificate."""
    with open_signer(f"file:{path}", lambda _: pin) as signer:
        value = signer.sign(b"so diem", "sha256")
        return is_made_by(signer.certificate, scheme=scheme_of(signer), data=b"so diem", digest="sha256", value=value)


PKCS12 = "pkcs12 -export -inkey rsa.pem -in rsa.crt -passout PASS -out key.p12"


@pytest.mark.parametrize(
    "more",
    [
        "",
        "-legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40",
        "-legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES",
        "-legacy -keypbe PBE-SHA1-RC2-128 -certpbe PBE-SHA1-RC2-128",
        "-macalg sha512",
        "-nomac",
    ],
    ids=["modern", "RC2 and 3DES", "3DES", "RC2", "SHA-512", "no MAC"],
)
def test_a_pkcs12_file_of_any_age(more: str, folder: Path) -> None:
    """As browsers and authorities of twenty years wrote them; the wrong passphrase is a wrong passphrase."""
    openssl(folder, f"{PKCS12} {more}")

    assert signs(folder / "key.p12")
    with pytest.raises(WrongSecret):
        signs(folder / "key.p12", pin="sai")


@pytest.mark.parametrize(
    ("line", "certificate"),
    [
        ("pkcs8 -topk8 -in rsa.pem -passout PASS -v2 aes-256-cbc -out made.pem", "rsa.crt"),
        ("pkcs8 -topk8 -in rsa.pem -passout PASS -v1 PBE-SHA1-3DES -out made.pem", "rsa.crt"),
        ("pkcs8 -topk8 -in rsa.pem -passout PASS -scrypt -out made.pem", "rsa.crt"),
        ("rsa -in rsa.pem -aes256 -passout PASS -traditional -out made.pem", "rsa.crt"),
        ("ec -in ec.pem -aes128 -passout PASS -out made.pem", "ec.crt"),
    ],
    ids=["PKCS#8", "PKCS#8 with 3DES", "PKCS#8 with scrypt", "traditional RSA", "SEC1"],
)
def test_an_encrypted_pem_file(line: str, certificate: str, folder: Path) -> None:
    """In both orders of key and certificate."""
    openssl(folder, line)
    key, beside = (folder / "made.pem").read_text(), (folder / certificate).read_text()
    for content in (key + beside, beside + key):
        (folder / "both.pem").write_text(content)
        assert signs(folder / "both.pem")
        with pytest.raises(WrongSecret):
            signs(folder / "both.pem", pin="sai")


DRESSES: dict[str, Callable[[str, str, str, str], str]] = {
    "curve with its parameters": lambda _, __, ec, ec_crt: ec + ec_crt,
    "bag attributes": lambda rsa, crt, _, __: (
        f"Bag Attributes\n    friendlyName: An\nKey Attributes: <none>\n{rsa}subject\n{crt}"
    ),
    "byte order mark": lambda rsa, crt, _, __: "\ufeff" + rsa + crt,
    "lines of Windows": lambda rsa, crt, _, __: (rsa + crt).replace("\n", "\r\n"),
    "two keys, one certificate": lambda rsa, crt, ec, _: ec + rsa + crt,
    "two keys, two certificates": lambda rsa, crt, ec, ec_crt: ec + rsa + crt + ec_crt,
}


@pytest.mark.parametrize("dress", list(DRESSES))
def test_a_pem_file_in_any_dress(dress: str, folder: Path) -> None:
    """What stands around the blocks does not matter; of several keys the first that has its certificate signs."""
    texts = [(folder / each).read_text() for each in ("rsa.pem", "rsa.crt", "ec.pem", "ec.crt")]
    (folder / "dressed.pem").write_bytes(DRESSES[dress](*texts).encode())

    assert signs(folder / "dressed.pem")


def test_what_is_no_key_is_named_at_once(folder: Path, tmp_path: Path) -> None:
    """Nothing, text, half a file, a folder, a pipe that nobody writes into, a device without end, a name that is none."""
    openssl(folder, PKCS12)
    contents = {
        "nothing": b"",
        "text": b"hello",
        "half": (folder / "key.p12").read_bytes()[:900],
        "certificate": (folder / "rsa.crt").read_bytes(),
        "key alone": (folder / "rsa.pem").read_bytes(),
        "another's certificate": (folder / "rsa.pem").read_bytes() + (folder / "ec.crt").read_bytes(),
        "beginnings": b"-----BEGIN PRIVATE KEY-----\n" * 30_000,
        "nonsense": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    begun = time.monotonic()
    for name in (*contents, "folder", "pipe", "missing", "a%00b"):
        with pytest.raises(NoSuchKey):
            open_signer(f"file:{tmp_path / name}", lambda _: PIN)
    with pytest.raises(NoSuchKey):
        open_signer("file:/dev/zero", lambda _: PIN)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "uri", ["file://[bad", "csc:https://[x", "smartca:https://[x", "mysign:https://[", "", "a", "http://x"]
)
def test_an_address_that_cannot_be_read_is_a_refusal_of_ours(uri: str) -> None:
    """Typed by hand, and often wrong."""
    with pytest.raises(SigningError):
        open_signer(uri, lambda _: PIN)
