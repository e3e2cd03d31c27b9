"""Keys at a remote signing service: version 1 against a dummy of somebody else, version 2 against a stand-in of ours."""

import base64
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from signing import DemoAuthority, Issued, Level, SignRequest, open_signer, sign
from signing.demo.certificates import new_key
from signing.errors import (
    AuthorisationExpired,
    AuthorisationRefused,
    BadRequest,
    BadSignatureValue,
    KeyUnavailable,
    NoSuchKey,
    WrongSecret,
)
from signing.keys import Scheme, is_made_by
from signing.keys.csc import CscSigner, Pending
from tests.signing.stand_in import Asked, Told, served, value_of

# Version 1: a program of somebody else

CONFIGURATION = """
external-url-prefix: "http://demo.invalid"
keysets:
  keys:
    path-prefix: .
    keys: {root: {path: root.pem}, rsa: {path: rsa.pem}, ec: {path: ec.pem}}
pki-architectures:
  demo:
    keyset: keys
    entity-defaults: {country-name: VN, organization-name: "THỬ NGHIỆM"}
    entities:
      root: {common-name: "Gốc THỬ NGHIỆM"}
      rsa: {common-name: "Người ký từ xa RSA"}
      ec: {common-name: "Người ký từ xa EC"}
    certs:
      root:
        subject: root
        issuer: root
        validity: {valid-from: "2020-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: simple-ca, params: {max-path-len: 0}}]
      rsa:
        subject: rsa
        issuer: root
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: digsig-commitment}]
      ec:
        subject: ec
        issuer: root
        validity: {valid-from: "2025-01-01T00:00:00+0000", valid-to: "2045-01-01T00:00:00+0000"}
        profiles: [{id: digsig-commitment}]
    services: {}
"""


@pytest.fixture(scope="module", params=["1", "2"], ids=["SCAL1", "SCAL2"])
def version_1(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Certomancer's dummy service; in SCAL2 an authorisation holds for its hashes alone."""
    folder = tmp_path_factory.mktemp("csc")
    (folder / "config.yml").write_text(CONFIGURATION)
    for stem, kind in (("root", "rsa2048"), ("rsa", "rsa2048"), ("ec", "p256")):
        pem = new_key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{stem}.pem").write_bytes(pem)
    port = free_port()
    command = [sys.executable, "-m", "csc_dummy", "config.yml", str(port), request.param]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
    try:
        wait_for(port)
        yield f"csc:http://localhost:{port}/csc/v1"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.mark.parametrize(
    ("credential", "scheme"),
    [
        ("demo/rsa", Scheme.RSA_PKCS1),
        ("demo/rsa&padding=pss", Scheme.RSA_PSS),
        ("demo/ec", Scheme.ECDSA),
    ],
)
def test_version_1_signs_many_hashes_in_few_authorisations(credential: str, scheme: Scheme, version_1: str) -> None:
    """The dummy allows ten at once: 23 data come back in order, each the certificate's."""
    data = [b"sheet %d" % number for number in range(23)]
    with open_signer(f"{version_1}?credential={credential}", lambda _: "") as signer:
        assert isinstance(signer, CscSigner)
        values = list(signer.sign_all(data, "sha256"))

        assert len(values) == 23
        assert all(
            is_made_by(signer.certificate, scheme=scheme, data=each, digest="sha256", value=value)
            for each, value in zip(data, values, strict=True)
        )


def test_version_1_signs_a_document(version_1: str, authority: DemoAuthority, book_pdf: bytes) -> None:
    """The whole way, with a timestamp."""
    with open_signer(f"{version_1}?credential=demo/ec", lambda _: "") as signer:
        signed = sign(book_pdf, SignRequest(field="principal_signs"), signer, timestamper=authority)

    assert signed.startswith(book_pdf)


def test_version_1_names_a_key_it_does_not_have(version_1: str) -> None:
    """A credential nobody has is a refusal of ours."""
    with pytest.raises(KeyUnavailable):
        open_signer(f"{version_1}?credential=demo/nobody", lambda _: "")


# Version 2: a stand-in after the specification, chapter 11


class RemoteService:
    """CSC 2.0.0.2 as far as a signer needs it. `phone` decides what its owner does."""

    def __init__(self, issued: Issued, *, multisign: int = 5, objects: tuple[str, ...] = (), phone: Any = None) -> None:
        self.issued, self.multisign, self.objects, self.phone = issued, multisign, objects, phone
        self.token = "token-cua-toi"
        self.status = "enabled"
        self.lies = False
        self.calls: list[str] = []
        self.activations: dict[str, tuple[str, ...]] = {}
        self.handles: dict[str, tuple[str, ...]] = {}

    def answer(self, method: str, authorization: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Status and JSON body."""
        self.calls.append(method)
        if authorization != f"Bearer {self.token}":
            return 401, {"error": "invalid_token", "error_description": "unknown token"}
        handler: Callable[[Mapping[str, Any]], tuple[int, dict[str, Any]]] = {
            "credentials/info": self.info,
            "credentials/authorize": self.authorize,
            "credentials/authorizeCheck": self.check,
            "signatures/signHash": self.sign_hash,
        }[method]
        return handler(body)

    def info(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """11.5"""
        if body["credentialID"] != "GX0112348":
            return 400, {"error": "invalid_request", "error_description": "Invalid parameter credentialID"}
        chain = [base64.b64encode(each).decode() for each in (self.issued.certificate, *self.issued.chain)]
        auth = {"mode": "explicit", "objects": [{"type": "Password", "id": each, "label": each} for each in self.objects]}
        key = {"status": self.status, "algo": ["1.2.840.113549.1.1.11"], "len": 2048}
        return 200, {"key": key, "cert": {"certificates": chain}, "auth": auth, "multisign": self.multisign, "SCAL": "2"}

    def authorize(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """11.6"""
        if body["numSignatures"] > self.multisign or body["numSignatures"] != len(body["hashes"]):
            return 400, {"error": "invalid_request", "error_description": "Numbers of signatures is too high"}
        typed = {each["id"]: each["value"] for each in body.get("authData", ())}
        if typed != dict.fromkeys(self.objects, "123456"):
            return 400, {"error": "invalid_authentication_data", "error_description": "The authentication data is invalid"}
        hashes_named = tuple(body["hashes"])
        if self.phone is None:
            return 200, {"SAD": self.activation(hashes_named), "expiresIn": 300}
        handle = secrets.token_hex(8)
        self.handles[handle] = hashes_named
        return 202, {"handle": handle}

    def check(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """11.7"""
        said = next(self.phone)
        if said == "confirm":
            return 200, {"SAD": self.activation(self.handles[body["handle"]])}
        if said == "wait":
            return 202, {"handle": body["handle"]}
        return 400, {"error": said, "error_description": "the owner's answer"}

    def activation(self, hashes_named: tuple[str, ...]) -> str:
        """Signature activation data for these hashes, once."""
        sad = secrets.token_hex(16)
        self.activations[sad] = hashes_named
        return sad

    def sign_hash(self, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """11.10"""
        allowed = self.activations.pop(body["SAD"], ())
        if not set(body["hashes"]) <= set(allowed):
            return 400, {"error": "invalid_request", "error_description": "Hash is not authorized by the SAD"}
        assert body["hashAlgorithmOID"] == "2.16.840.1.101.3.4.2.1"
        values = [self.value(base64.b64decode(each), body["signAlgo"]) for each in body["hashes"]]
        return 200, {"signatures": [base64.b64encode(each).decode() for each in values]}

    def value(self, digest: bytes, algorithm: str) -> bytes:
        """The signature of one hash."""
        assert algorithm in {"1.2.840.113549.1.1.10", "1.2.840.113549.1.1.11"}
        return value_of(self.issued, digest[::-1] if self.lies else digest, pss=algorithm.endswith("10"))


@pytest.fixture
def serve() -> Iterator[Callable[[RemoteService], str]]:
    """Puts a stand-in on a port of this machine; gives its address."""
    with ExitStack() as running:

        def start(service: RemoteService) -> str:
            def answer(asked: Asked) -> Told:
                status, content = service.answer(asked.path.removeprefix("/csc/v2/"), asked.authorization, asked.body)
                return Told(status=status, content=content)

            return f"csc:{running.enter_context(served(answer))}/csc/v2?credential=GX0112348"

        yield start


@pytest.fixture(scope="module")
def owner(authority: DemoAuthority) -> Issued:
    """Whose key stands at the service."""
    return authority.issue("Mai Ký Từ Xa", "T:remote")


Serve = Callable[[RemoteService], str]


def told(service: RemoteService, **typed: str) -> Callable[[str], str]:
    """Answers the prompts: the access token first, then what was typed for PIN and OTP."""

    def ask(prompt: str) -> str:
        if "Access token" in prompt:
            return service.token
        return next(value for name, value in typed.items() if f"/ {name} " in prompt)

    return ask


def patient(signer: Any, *, seconds: float = 60) -> CscSigner:
    """The same signer, not really waiting."""
    assert isinstance(signer, CscSigner)
    signer._pause = lambda _: None
    signer._confirm_seconds = seconds
    return signer


def test_version_2_signs_several_hashes_per_authorisation(owner: Issued, serve: Serve) -> None:
    """Twelve data, five at once: three authorisations, three signHash calls."""
    service = RemoteService(owner)
    data = [b"%d" % number for number in range(12)]
    with open_signer(serve(service), told(service)) as signer:
        values = list(patient(signer).sign_all(data, "sha256"))

    assert all(
        is_made_by(owner.certificate, scheme=Scheme.RSA_PKCS1, data=each, digest="sha256", value=value)
        for each, value in zip(data, values, strict=True)
    )
    assert service.calls.count("credentials/authorize") == service.calls.count("signatures/signHash") == 3


def test_version_2_pss_and_documents(owner: Issued, serve: Serve, authority: DemoAuthority, book_pdf: bytes) -> None:
    """PSS parameters are sent, and a document is signed."""
    service = RemoteService(owner)
    with open_signer(serve(service) + "&padding=pss", told(service)) as signer:
        signed = sign(book_pdf, SignRequest(field="principal_signs"), signer, timestamper=authority)

    assert signed.startswith(book_pdf)


def test_pin_and_code_are_asked_for_and_sent(owner: Issued, serve: Serve) -> None:
    """What the credential wants is asked for, each once per authorisation."""
    service = RemoteService(owner, objects=("PIN", "OTP"))
    with open_signer(serve(service), told(service, PIN="123456", OTP="123456")) as signer:
        assert signer.sign(b"data", "sha256")


def test_a_wrong_pin_stops_at_once(owner: Issued, serve: Serve) -> None:
    """One authorize call, no signHash, WrongSecret."""
    service = RemoteService(owner, objects=("PIN",))
    with open_signer(serve(service), told(service, PIN="654321")) as signer, pytest.raises(WrongSecret):
        signer.sign(b"data", "sha256")

    assert service.calls == ["credentials/info", "credentials/authorize"]


def test_a_wrong_access_token_is_named(owner: Issued, serve: Serve) -> None:
    """401 is a wrong secret too."""
    with pytest.raises(WrongSecret):
        open_signer(serve(RemoteService(owner)), lambda _: "stolen")


def test_we_wait_for_the_phone(owner: Issued, serve: Serve) -> None:
    """202 and a handle: asked again until the owner confirms."""
    service = RemoteService(owner, phone=iter(["wait", "wait", "wait", "confirm"]))
    with open_signer(serve(service), told(service)) as signer:
        assert patient(signer).sign(b"data", "sha256")

    assert service.calls.count("credentials/authorizeCheck") == 4


@pytest.mark.parametrize(
    ("said", "refusal"), [("access_denied", AuthorisationRefused), ("authorization_expired", AuthorisationExpired)]
)
def test_the_owner_refuses_or_is_too_late(said: str, refusal: type[Exception], owner: Issued, serve: Serve) -> None:
    """Each has its own name; nothing is signed."""
    service = RemoteService(owner, phone=iter(["wait", said]))
    with open_signer(serve(service), told(service)) as signer, pytest.raises(refusal):
        patient(signer).sign(b"data", "sha256")

    assert "signatures/signHash" not in service.calls


def test_after_five_minutes_we_stop_waiting(owner: Issued, serve: Serve) -> None:
    """150 questions at two seconds each, then AuthorisationExpired."""
    service = RemoteService(owner, phone=iter(["wait"] * 1000))
    with open_signer(serve(service), told(service)) as signer, pytest.raises(AuthorisationExpired):
        patient(signer, seconds=300).sign(b"data", "sha256")

    assert service.calls.count("credentials/authorizeCheck") == 151


def test_an_authorisation_is_resumed_in_another_process_of_thought(owner: Issued, serve: Serve) -> None:
    """Begun, stored as bytes, checked later by a signer that was opened anew."""
    service = RemoteService(owner, phone=iter(["wait", "confirm"]))
    address, data = serve(service), [b"one", b"two"]
    with open_signer(address, told(service)) as first:
        pending = patient(first).begin(data, "sha256")
        assert isinstance(pending, Pending)
        stored = pending.to_bytes()
    with open_signer(address, told(service)) as later:
        signer = patient(later)
        assert signer.check(Pending.from_bytes(stored)) is None
        activation = signer.check(Pending.from_bytes(stored))
        assert activation is not None
        values = signer.complete(data, "sha256", activation)

    assert len(values) == 2


def test_an_old_authorisation_is_not_asked_about_again(owner: Issued, serve: Serve) -> None:
    """Stored for longer than five minutes: expired without a call."""
    service = RemoteService(owner, phone=iter(["confirm"]))
    with open_signer(serve(service), told(service)) as signer:
        assert isinstance(signer, CscSigner)
        pending = signer.begin([b"one"], "sha256")
        assert isinstance(pending, Pending)
        old = Pending.from_bytes(pending.to_bytes().replace(str(pending.asked_at).encode(), str(time.time() - 301).encode()))
        with pytest.raises(AuthorisationExpired):
            signer.check(old)

    assert "credentials/authorizeCheck" not in service.calls


def test_a_value_that_is_not_the_keys_is_refused(owner: Issued, serve: Serve) -> None:
    """The service is not believed."""
    service = RemoteService(owner)
    service.lies = True
    with open_signer(serve(service), told(service)) as signer, pytest.raises(BadSignatureValue):
        signer.sign(b"data", "sha256")


def test_a_disabled_key_is_named(owner: Issued, serve: Serve) -> None:
    """Before anything is signed."""
    service = RemoteService(owner)
    service.status = "disabled"
    with pytest.raises(NoSuchKey):
        open_signer(serve(service), told(service))


@pytest.mark.parametrize("address", ["csc:https://x/csc/v3?credential=a", "csc:https://x/csc/v2", "csc:nonsense"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Nobody is asked."""
    with pytest.raises(BadRequest):
        open_signer(address, lambda _: "")


def test_a_token_is_never_sent_unencrypted_to_another_machine() -> None:
    """Http is for this machine alone."""
    with pytest.raises(KeyUnavailable, match="https"):
        open_signer("csc:http://signing.example/csc/v2?credential=a", lambda _: "token")


def test_the_services_of_the_document_level_need_no_more(owner: Issued, serve: Serve, book_pdf: bytes) -> None:
    """B-B by a remote key: the smallest case."""
    service = RemoteService(owner)
    with open_signer(serve(service), told(service)) as signer:
        assert sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), signer).startswith(book_pdf)


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    """Until somebody listens, at most twenty seconds."""
    for _ in range(200):
        try:
            socket.create_connection(("localhost", port), 0.2).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"nobody listens on {port}")
