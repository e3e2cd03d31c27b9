"""Keys on a token: a real SoftHSM2, RSA and ECDSA, one session per process, and a PIN that is asked once."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pkcs11
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

from signing import DemoAuthority, Issued, Level, SignRequest, open_signer, sign, sign_many
from signing.apply import Failed
from signing.demo.certificates import Profile, certify, new_key
from signing.errors import BadRequest, KeyUnavailable, NoSuchKey, WrongSecret
from signing.keys import Scheme, is_made_by, scheme_of
from signing.keys.pkcs11 import Pkcs11Signer

ROOT = Path(__file__).resolve().parent.parent.parent
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
@pytest.mark.parametrize(("label", "more"), [("rsa", "&padding=pss"), ("p384", "")])
def test_threads_share_a_token_in_every_scheme(label: str, more: str) -> None:
    """RSA-PSS and P-384 too; the chain and the certificate belong to the values of all."""
    with Pkcs11Signer.open(uri(label, more=more), lambda _: PIN) as signer, ThreadPoolExecutor(4) as threads:
        values = list(threads.map(lambda number: signer.sign(b"%d" % number, "sha384"), range(40)))

        assert all(
            is_made_by(signer.certificate, scheme=signer.scheme, data=b"%d" % number, digest="sha384", value=value)
            for number, value in enumerate(values)
        )


@pytest.mark.usefixtures("token")
def test_the_office_may_prefer_pss() -> None:
    """A token that can makes PSS; an address that says pkcs1 keeps it; curves are not concerned."""
    for address, scheme in (
        (uri("rsa"), Scheme.RSA_PSS),
        (uri("rsa", more="&padding=pkcs1"), Scheme.RSA_PKCS1),
        (uri("p256"), Scheme.ECDSA),
    ):
        with open_signer(address, lambda _: PIN, prefer_pss=True) as signer:
            assert scheme_of(signer) is scheme
    with pytest.raises(BadRequest):
        open_signer(uri("rsa", more="&padding=oaep"), lambda _: PIN)


def test_a_key_without_its_certificate_is_named(token: Mapping[str, Issued], tmp_path: Path) -> None:
    """A key whose certificate is missing, or is another key's, does not sign."""
    for label, identity in (("bare", "b1"), ("swapped", "b2")):
        pem = tmp_path / "key.pem"
        pem.write_bytes(new_key("rsa2048").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        softhsm("--import", str(pem), "--token", "trường", "--label", label, "--id", identity, "--pin", PIN)
    put_certificate("swapped", b"\xb2", token["rsa"].certificate)

    for label in ("bare", "swapped"):
        with pytest.raises(NoSuchKey, match="no certificate of the key"):
            open_signer(uri(label), lambda _: PIN)


def test_of_several_certificates_the_one_of_now_is_used(token: Mapping[str, Issued], authority: DemoAuthority) -> None:
    """A renewed certificate stands beside the old one and beside another person's under the same label."""
    key, _, _ = pkcs12.load_key_and_certificates(token["rsa"].path.read_bytes(), token["rsa"].pin.encode())
    assert key is not None
    renewed = renewed_for(authority, key, token["rsa"])
    put_certificate("old", b"\x01", expired_for(authority, key, token["rsa"]))
    put_certificate("renewed", b"\x01", renewed)
    put_certificate("rsa", b"\x77", token["p256"].certificate)

    with open_signer(uri("rsa"), lambda _: PIN) as signer:
        assert signer.certificate == renewed
        assert is_made_by(renewed, scheme=Scheme.RSA_PKCS1, data=b"x", digest="sha256", value=signer.sign(b"x", "sha256"))


def test_a_token_that_is_pulled_out_is_told_and_may_come_back(token: Mapping[str, Issued], tmp_path: Path) -> None:
    """In the middle of a batch: an error of ours, and whoever opens it again logs in again, with the right PIN only."""
    script = tmp_path / "pulled.py"
    script.write_text(PULLED_OUT)
    done = subprocess.run(
        [sys.executable, str(script), uri("p256"), PIN], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["signed", "KeyUnavailable", "WrongSecret", "signed"]
    assert token


# Another program of this machine ends all sessions of the process, as pulling out a token does: C_Finalize and C_Initialize.
PULLED_OUT = """
import sys
import pkcs11
from signing import open_signer
from signing.errors import SigningError

address, pin = sys.argv[1:]
with open_signer(address, lambda _: pin) as signer:
    print("signed" if signer.sign(b"data", "sha256") else "")
    signer._device.session.token.slot  # the login is there
    pkcs11.lib(address.partition("module-path=")[2]).reinitialize()
    try:
        signer.sign(b"data", "sha256")
    except SigningError as error:
        print(type(error).__name__)
    try:
        open_signer(address, lambda _: "sai")
    except SigningError as error:
        print(type(error).__name__)
    with open_signer(address, lambda _: pin) as again:
        print("signed" if again.sign(b"data", "sha256") else "")
"""


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


def renewed_for(authority: DemoAuthority, key: object, issued: Issued) -> bytes:
    """A newer certificate of the same key."""
    return certified(authority, key, issued, begins=datetime.now(UTC) - timedelta(days=1), days=365)


def expired_for(authority: DemoAuthority, key: object, issued: Issued) -> bytes:
    """A certificate of the same key whose time is over."""
    return certified(authority, key, issued, begins=datetime.now(UTC) - timedelta(days=40), days=39)


def certified(authority: DemoAuthority, key: object, issued: Issued, *, begins: datetime, days: int) -> bytes:
    """A certificate of this key by the test authority, for these days."""
    assert isinstance(key, rsa.RSAPrivateKey)
    subject = x509.load_der_x509_certificate(issued.certificate).subject
    made = certify(
        key,
        subject,
        Profile(usages=("digital_signature",)),
        issuer=authority._issuing,
        not_before=begins,
        not_after=begins + timedelta(days=days),
    )
    return made.public_bytes(Encoding.DER)


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
