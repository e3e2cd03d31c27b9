"""Keys on a token: a real SoftHSM2, RSA and ECDSA, one session per process, and a PIN that is asked once."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pkcs11
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from signing import DemoAuthority, Issued, Level, SignRequest, open_signer, sign, sign_many
from signing.apply import Failed
from signing.errors import BadRequest, KeyUnavailable, NoSuchKey, WrongSecret
from signing.keys import Scheme, is_made_by
from signing.keys.pkcs11 import Pkcs11Signer

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "đúng-1234"

pytestmark = pytest.mark.skipif(not Path(MODULE).exists(), reason="SoftHSM2 is not installed")


@pytest.fixture(scope="module")
def token(authority: DemoAuthority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Issued]]:
    """A token with three keys: the people's, as a CA would have put them there."""
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    softhsm("--init-token", "--free", "--label", "trường", "--so-pin", "87654321", "--pin", PIN)
    people = {
        "rsa": authority.issue("Hà Khóa RSA", "T:hsm-rsa"),
        "p256": authority.issue("Hà Khóa EC", "T:hsm-p256", key="p256"),
        "p384": authority.issue("Hà Khóa EC lớn", "T:hsm-p384", key="p384"),
    }
    for number, (label, issued) in enumerate(people.items(), start=1):
        key, certificate, others = pkcs12.load_key_and_certificates(issued.path.read_bytes(), issued.pin.encode())
        assert key is not None
        assert certificate is not None
        pem = folder / "key.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        softhsm("--import", str(pem), "--token", "trường", "--label", label, "--id", f"0{number}", "--pin", PIN)
        pem.unlink()
        put_certificate(label, bytes([number]), certificate.public_bytes(Encoding.DER))
        put_certificate("issuing", b"\xee", others[0].public_bytes(Encoding.DER))
    yield people
    del os.environ["SOFTHSM2_CONF"]


def uri(label: str, *, where: str = "trường", more: str = "") -> str:
    """The address of a key on the test token."""
    return f"pkcs11:token={quote(where)};object={label}?module-path={MODULE}{more}"


@pytest.mark.parametrize(
    ("label", "more", "scheme", "digest"),
    [
        ("rsa", "", Scheme.RSA_PKCS1, "sha256"),
        ("rsa", "&padding=pss", Scheme.RSA_PSS, "sha256"),
        ("p256", "", Scheme.ECDSA, "sha256"),
        ("p384", "", Scheme.ECDSA, "sha384"),
    ],
)
def test_a_token_signs_with_each_algorithm(
    label: str, more: str, scheme: Scheme, digest: str, token: Mapping[str, Issued]
) -> None:
    """The value is the certificate's, and the chain comes from the token."""
    with open_signer(uri(label, more=more), lambda _: PIN) as signer:
        value = signer.sign(b"so diem", digest)

        assert signer.certificate == token[label].certificate
        assert len(signer.chain) == 1
        assert is_made_by(signer.certificate, scheme=scheme, data=b"so diem", digest=digest, value=value)


def test_a_document_is_signed_by_a_token(token: Mapping[str, Issued], authority: DemoAuthority, book_pdf: bytes) -> None:
    """The whole way, with a timestamp."""
    with open_signer(uri("p256"), lambda _: PIN) as signer:
        signed = sign(book_pdf, SignRequest(field="principal_signs"), signer, timestamper=authority)

    assert signed.startswith(book_pdf)
    assert token["p256"].certificate.hex().upper().encode() in signed.upper()


def test_a_wrong_pin_is_told_at_once_and_asked_once(token: Mapping[str, Issued]) -> None:
    """Nothing tries again by itself: tokens lock."""
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return "sai"

    with pytest.raises(WrongSecret, match="PIN"):
        open_signer(uri("rsa"), ask)

    assert len(prompts) == 1
    assert token


def test_who_opens_a_token_a_second_time_must_know_the_pin_too(token: Mapping[str, Issued]) -> None:
    """PKCS#11 logs the whole process in: the device itself would let anybody in the process sign."""
    with open_signer(uri("rsa"), lambda _: PIN) as signer:
        with pytest.raises(WrongSecret):
            open_signer(uri("p256"), lambda _: "sai")
        with open_signer(uri("p256"), lambda _: PIN) as second:
            assert second.certificate == token["p256"].certificate

        assert signer.sign(b"still open", "sha256")


@pytest.mark.usefixtures("token")
def test_four_threads_share_the_one_session() -> None:
    """A session per thread failed after 158 of 240 signatures; one behind a lock does not."""
    with Pkcs11Signer.open(uri("p256"), lambda _: PIN) as signer, ThreadPoolExecutor(4) as threads:
        values = list(threads.map(lambda number: signer.sign(b"%d" % number, "sha256"), range(240)))

        assert all(
            is_made_by(signer.certificate, scheme=Scheme.ECDSA, data=b"%d" % number, digest="sha256", value=value)
            for number, value in enumerate(values)
        )


@pytest.mark.usefixtures("token")
@pytest.mark.parametrize(
    ("address", "refusal"),
    [
        (uri("nobody"), NoSuchKey),
        (uri("rsa", where="other"), NoSuchKey),
        (uri("rsa", more="&pin-value=1234"), BadRequest),
        ("pkcs11:token=x;object=rsa", NoSuchKey),
        ("pkcs11:token=x;object=rsa?module-path=/nowhere.so", KeyUnavailable),
    ],
    ids=["no key", "no token", "PIN in the address", "no module", "no library"],
)
def test_what_is_not_there_is_named(address: str, refusal: type[Exception]) -> None:
    """Each refusal is ours."""
    with pytest.raises(refusal):
        open_signer(address, lambda _: PIN)


@pytest.mark.usefixtures("token")
def test_a_closed_key_does_not_sign() -> None:
    """After `with` the session is gone."""
    with Pkcs11Signer.open(uri("rsa"), lambda _: PIN) as signer:
        pass

    with pytest.raises(KeyUnavailable):
        signer.sign(b"data", "sha256")


@pytest.mark.usefixtures("token")
def test_a_batch_ends_at_the_first_wrong_pin(book_pdf: bytes) -> None:
    """A key that finds its PIN wrong in the middle stops everything that follows."""

    class Forgetful:
        """A key whose device forgets the login."""

        def __init__(self, inner: Pkcs11Signer) -> None:
            self.certificate, self.chain, self.scheme = inner.certificate, inner.chain, inner.scheme
            self.uses = 0
            self._inner = inner

        def sign(self, data: bytes, digest: str) -> bytes:
            """The second time the PIN is asked again, and is wrong."""
            self.uses += 1
            if self.uses == 2:
                open_signer(uri("rsa"), lambda _: "sai")
            return self._inner.sign(data, digest)

    with Pkcs11Signer.open(uri("rsa"), lambda _: PIN) as signer:
        forgetful = Forgetful(signer)
        items = [(f"sheet {number}", book_pdf, SignRequest(field="principal_signs", level=Level.B_B)) for number in range(5)]
        results = list(sign_many(items, forgetful))

    assert [type(result).__name__ for result in results] == ["Signed", "Failed"]
    assert isinstance(results[1], Failed)
    assert isinstance(results[1].error, WrongSecret)
    assert forgetful.uses == 2


def softhsm(*arguments: str) -> None:
    """Run softhsm2-util."""
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True)


def put_certificate(label: str, identity: bytes, der: bytes) -> None:
    """Store a certificate beside its key."""
    with pkcs11.lib(MODULE).get_token(token_label="trường").open(user_pin=PIN, rw=True) as session:
        session.create_object(
            {
                pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE,
                pkcs11.Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                pkcs11.Attribute.TOKEN: True,
                pkcs11.Attribute.LABEL: label,
                pkcs11.Attribute.ID: identity,
                pkcs11.Attribute.SUBJECT: b"",
                pkcs11.Attribute.VALUE: der,
            }
        )
