"""Tokens that fail, and PINs that are wrong: a real SoftHSM2 in processes of its own, each call counted by OpenSC's spy."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_public_key

from signing import DemoAuthority
from signing.demo.certificates import Profile, certify, name, new_key

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = "/usr/lib/softhsm/libsofthsm2.so"
SPY = "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so"
PIN = "đúng-1234"

pytestmark = pytest.mark.skipif(
    not (Path(MODULE).exists() and Path(SPY).exists()), reason="SoftHSM2 and OpenSC are not installed"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token with keys of several kinds, and how to run a program that uses it."""

    folder: Path

    def run(self, script: str, *arguments: str, stdin: str = "") -> list[str]:
        """What a program printed, line by line. `uri(label)` is there; the PIN stands in PIN."""
        path = self.folder / "program.py"
        path.write_text(_BEGINNING + script)
        done = subprocess.run(
            [sys.executable, str(path), *arguments],
            env=self.environment,
            cwd=ROOT,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()

    def logins(self) -> int:
        """How often a PIN was shown to the token since the last question."""
        said = self.folder / "spy"
        count = said.read_text(errors="replace").count(": C_Login") if said.exists() else 0
        said.unlink(missing_ok=True)
        return count

    @property
    def environment(self) -> Mapping[str, str]:
        """Where the token is, with the spy between it and the program."""
        spied = {"PKCS11SPY": MODULE, "PKCS11SPY_OUTPUT": str(self.folder / "spy")}
        return {**os.environ, **spied, "SOFTHSM2_CONF": str(self.folder / "conf"), "PYTHONPATH": str(ROOT)}


_BEGINNING = f"""
import sys
from urllib.parse import quote
import pkcs11
from signing import open_signer, sign_many, SignRequest, Level
from signing.errors import SigningError
from signing.keys import is_made_by, scheme_of

PIN = {PIN!r}

def uri(label, more="", module={SPY!r}):
    return f"pkcs11:token={{quote('trường')}};object={{quote(label)}}{{more}}?module-path={{module}}"

def said(what):
    try:
        return what() or "done"
    except SigningError as error:
        return type(error).__name__

def signed(address, data=b"data"):
    with open_signer(address, lambda _: PIN) as signer:
        value = signer.sign(data, "sha256")
        made = is_made_by(signer.certificate, scheme=scheme_of(signer), data=data, digest="sha256", value=value)
        return "signed" if made else "wrong value"
"""


@pytest.fixture(scope="module")
def token(authority: DemoAuthority, tmp_path_factory: pytest.TempPathFactory) -> Token:
    """Keys: "plain" (P-256), "always" (asks for the PIN at each use), "twin" twice, "strange" beside another's certificate."""
    made = Token(folder=tmp_path_factory.mktemp("softhsm"))
    (made.folder / "tokens").mkdir()
    (made.folder / "conf").write_text(f"directories.tokendir = {made.folder / 'tokens'}\nlog.level = ERROR\n")
    tool("softhsm2-util", "--init-token", "--free", "--label", "trường", "--so-pin", "87654321", "--pin", PIN, of=made)
    for label, identity in (("plain", "a1"), ("twin", "b1"), ("twin", "b2"), ("strange", "c1")):
        key = new_key("p256")
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        pem = made.folder / "key.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        softhsm = ("softhsm2-util", "--import", str(pem), "--token", "trường", "--label", label, "--id", identity)
        tool(*softhsm, "--pin", PIN, of=made)
        if label == "strange":
            put(made, certificate_of(authority, new_key("p256").public_key(), "Người khác"), label, identity)
        put(made, certificate_of(authority, key.public_key(), f"Hà {label} {identity}"), label, identity)
    generate = ("--keypairgen", "--key-type", "EC:prime256v1", "--id", "d1", "--label", "always", "--always-auth")
    opensc(made, *generate)
    opensc(made, "--read-object", "--type", "pubkey", "--id", "d1", "--output-file", str(made.folder / "public"))
    point = x509_public(made.folder / "public")
    put(made, certificate_of(authority, point, "Hà Luôn Hỏi"), "always", "d1")
    return made


def tool(*arguments: str, of: Token) -> None:
    """Run a program that knows the token."""
    subprocess.run(arguments, check=True, capture_output=True, env=of.environment)


def opensc(token: Token, *arguments: str) -> None:
    """OpenSC's pkcs11-tool, logged in."""
    tool("pkcs11-tool", "--module", MODULE, "--token-label", "trường", "--login", "--pin", PIN, *arguments, of=token)


def put(token: Token, certificate: bytes, label: str, identity: str) -> None:
    """A certificate beside its key."""
    der = token.folder / "certificate.der"
    der.write_bytes(certificate)
    opensc(token, "--write-object", str(der), "--type", "cert", "--label", label, "--id", identity)


def x509_public(path: Path) -> ec.EllipticCurvePublicKey:
    """The public key that pkcs11-tool wrote: SubjectPublicKeyInfo."""
    key = load_der_public_key(path.read_bytes())
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return key


def certificate_of(authority: DemoAuthority, public: object, who: str) -> bytes:
    """A person's certificate for this public key."""
    assert isinstance(public, ec.EllipticCurvePublicKey)
    now = datetime.now(UTC)
    usages = Profile(usages=("digital_signature", "content_commitment"), extended=("email_protection",))
    own = certify(
        new_key("p256"), name(who, subject_id="T:1"), usages, issuer=authority._issuing, not_before=now, not_after=now
    )
    builder = x509.CertificateBuilder(
        subject_name=own.subject,
        issuer_name=own.issuer,
        public_key=public,
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(days=1),
        not_valid_after=now + timedelta(days=100),
        extensions=[x509.Extension(each.oid, each.critical, each.value) for each in own.extensions if each.critical],
    )
    return builder.sign(authority._issuing.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_a_wrong_pin_is_shown_to_the_token_once_however_often_it_is_tried(token: Token) -> None:
    """Ten tries of a program, ten threads at once, another address of the same token: one try of the token's few is gone."""
    token.logins()
    assert set(token.run(MANY_TRIES)) == {"WrongSecret"}
    assert token.logins() == 1


MANY_TRIES = """
from concurrent.futures import ThreadPoolExecutor

def attempt(number):
    return said(lambda: open_signer(uri("plain", ";id=%a1" if number % 2 else ""), lambda _: "sai-1234"))

with ThreadPoolExecutor(10) as threads:
    for word in threads.map(attempt, range(20)):
        print(word)
"""


def test_several_signing_processes_show_a_wrong_pin_once(token: Token) -> None:
    """It is tried before they are started; none of two hundred files is signed."""
    token.logins()
    assert token.run(MANY_PROCESSES) == ["WrongSecret"]
    assert token.logins() == 1


MANY_PROCESSES = """
from datetime import UTC, datetime
from contextlib import contextmanager
from pathlib import Path
from signing.batch.files import Job, sign_files_at_once
from signing.batch.path import FastPath
from signing.batch.order import Order

@contextmanager
def opened():
    with open_signer(uri("plain"), lambda _: "sai-1234") as signer:
        yield FastPath(signer)

if __name__ == "__main__":
    order = Order(field="principal_signs", level=Level.B_B, at=datetime.now(UTC))
    jobs = [Job(id=str(n), source=Path("none"), target=Path("nowhere") / str(n), order=order) for n in range(200)]
    print(said(lambda: list(sign_files_at_once(jobs, opened, processes=2))))
"""


def test_an_empty_pin_is_not_shown_to_the_token(token: Token) -> None:
    """Enter pressed too early would cost a try."""
    token.logins()
    assert token.run('print(said(lambda: open_signer(uri("plain"), lambda _: "")))') == ["WrongSecret"]
    assert token.logins() == 0


def test_a_right_pin_after_a_wrong_one_opens(token: Token) -> None:
    """What is remembered is the wrong PIN, not the token."""
    assert token.run('print(said(lambda: open_signer(uri("plain"), lambda _: "sai")), signed(uri("plain")))') == [
        "WrongSecret signed"
    ]


def test_a_key_that_wants_its_pin_each_time(token: Token) -> None:
    """CKA_ALWAYS_AUTHENTICATE, as qualified cards have it: the owner is asked once, the card at each use."""
    token.logins()
    assert token.run(ALWAYS) == ["5 True 1"]
    assert token.logins() == 6


ALWAYS = """
asked = []
with open_signer(uri("always"), lambda prompt: asked.append(prompt) or PIN) as signer:
    values = [signer.sign(b"%d" % n, "sha256") for n in range(5)]
    good = all(is_made_by(signer.certificate, scheme=signer.scheme, data=b"%d" % n, digest="sha256", value=value)
               for n, value in enumerate(values))
print(len(values), good, len(asked))
"""


def test_two_keys_of_one_name_are_told_apart_by_their_id(token: Token) -> None:
    """The refusal says which ids there are."""
    assert token.run(TWINS) == ["NoSuchKey id=%b1, id=%b2", "signed signed"]


TWINS = """
try:
    open_signer(uri("twin"), lambda _: PIN)
except SigningError as error:
    print(type(error).__name__, "id=" + ", id=".join(sorted(part[:3] for part in error.en.split("id=")[1:])))
print(signed(uri("twin", ";id=%b1")), signed(uri("twin", ";id=%b2")))
"""


def test_another_keys_certificate_under_the_same_id_is_not_taken(token: Token) -> None:
    """On curves too, where a private key does not show what belongs to it: the public key beside it does."""
    assert token.run('print(signed(uri("strange")))') == ["signed"]


def test_a_certificate_with_an_unreadable_name_is_no_obstacle(token: Token, authority: DemoAuthority) -> None:
    """Names in an old Vietnamese code page stand on many tokens."""
    der = token.folder / "odd.der"
    der.write_bytes(certificate_of(authority, new_key("p256").public_key(), "Người lạ"))
    label = os.fsdecode(b"Nguy\xea\xf5n")
    opensc(token, "--write-object", str(der), "--type", "cert", "--label", label, "--id", "ee")

    assert token.run('print(signed(uri("plain")))') == ["signed"]


def test_a_call_that_fails_ends_nobody_elses_session(token: Token) -> None:
    """One program's mistake is its own: the other key of the token goes on, and the token can be opened again."""
    assert token.run(ONE_FAILS) == ["KeyUnavailable", "True", "signed"]


ONE_FAILS = """
from signing.keys import Scheme
with open_signer(uri("plain"), lambda _: PIN) as good, open_signer(uri("strange"), lambda _: PIN) as bad:
    bad.scheme = Scheme.RSA_PKCS1  # a mechanism that its key has not
    print(said(lambda: bad.sign(b"data", "sha256") and None))
    print(len(good.sign(b"data", "sha256")) > 60)
    print(signed(uri("twin", ";id=%b1")))
"""


def test_a_forked_child_begins_anew(token: Token) -> None:
    """It does not sign with its parent's session, must know the PIN itself, and leaves the parent's as it is."""
    assert token.run(FORKED, MODULE) == ["child KeyUnavailable", "child WrongSecret", "child signed", "parent True"]


FORKED = """
import os
with open_signer(uri("plain", module=sys.argv[1]), lambda _: PIN) as signer:
    child = os.fork()
    if not child:
        print("child", said(lambda: signer.sign(b"data", "sha256") and None))
        print("child", said(lambda: open_signer(uri("plain", module=sys.argv[1]), lambda _: "sai")))
        print("child", signed(uri("plain", module=sys.argv[1])))
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(child, 0)
    print("parent", len(signer.sign(b"data", "sha256")) > 60)
"""


def test_a_token_that_goes_in_the_middle_of_a_batch_ends_it(token: Token) -> None:
    """What was signed is there, three are told, and the owner may go on with the same PIN when the token is back."""
    assert token.run(PULLED_OUT) == ["Signed 4", "Failed 3 KeyUnavailable", "signed"]


PULLED_OUT = """
from tests.signing.conftest import build_pdf
pdf = build_pdf({"principal_signs": (60, 120, 220, 180)})

with open_signer(uri("plain"), lambda _: PIN) as signer:
    results = []
    for result in sign_many([(str(n), pdf, SignRequest(field="principal_signs", level=Level.B_B)) for n in range(50)], signer):
        results.append(result)
        if len(results) == 4:
            pkcs11.lib(uri("").partition("module-path=")[2]).reinitialize()
print("Signed", sum(type(each).__name__ == "Signed" for each in results))
failed = [type(each.error).__name__ for each in results if type(each).__name__ == "Failed"]
print("Failed", len(failed), *set(failed))
print(signed(uri("plain")))
"""


def test_the_pin_stands_nowhere(token: Token) -> None:
    """Not in a message, a traceback with all its variables, a log, the process's arguments or environment."""
    told = token.run(EVERYTHING_TOLD, stdin=f"{PIN}\nrat-sai-9876\n")

    assert told[-1] == "end"
    assert len(told) > 20
    assert "1234" not in "".join(told)
    assert "9876" not in "".join(told)


EVERYTHING_TOLD = """
import logging, pathlib, traceback
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
right, wrong = iter(sys.stdin.readline, ""), None
del PIN
pins = [line.strip() for line in right]

def attempt(what):
    try:
        what()
    except BaseException as error:
        lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
        # The frames of this very program know the PIN: only the package's are looked at.
        print("".join(lines).partition("signing/keys/__init__.py")[2], repr(error), error.args, vars(error))

attempt(lambda: open_signer(uri("plain"), lambda _: pins[1]))
attempt(lambda: open_signer(uri("plain"), lambda _: pins[1]))
attempt(lambda: open_signer(uri("nobody"), lambda _: pins[0]))
with open_signer(uri("always"), lambda _: pins[0]) as signer:
    print(vars(signer), repr(signer._device))
    attempt(lambda: open_signer(uri("always"), lambda _: pins[1]))
    attempt(lambda: signer.sign(b"data", "md5"))
    pkcs11.lib(uri("").partition("module-path=")[2]).reinitialize()
    attempt(lambda: signer.sign(b"data", "sha256"))
print(pathlib.Path("/proc/self/cmdline").read_text(), pathlib.Path("/proc/self/environ").read_bytes())
print("end")
"""
