"""Keys in the shapes of VNPT SmartCA and Viettel MySign, against stand-ins that answer as public client code records it.

Neither has been tried against the real service: both say `unverified`.
"""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from signing import DemoAuthority, Issued, Scheme, SignRequest, open_signer, sign
from signing.errors import (
    AuthorisationExpired,
    AuthorisationRefused,
    BadRequest,
    BadSignatureValue,
    NoSuchKey,
    SigningError,
    WrongSecret,
)
from signing.keys import is_made_by
from signing.keys.mysign import MySignSigner
from signing.keys.smartca import SmartCaSigner
from tests.signing import stand_in

Answer = Callable[[str, Mapping[str, Any]], tuple[int, Any]]
Serve = Callable[[Answer], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Puts answers on a port of this machine; gives its address."""
    with ExitStack() as running:

        def start(answer: Answer) -> str:
            def told(asked: stand_in.Asked) -> stand_in.Told:
                status, content = answer(asked.path, asked.body)
                return stand_in.Told(status=status, content=content)

            return running.enter_context(stand_in.served(told))

        yield start


@pytest.fixture(scope="module")
def owner(authority: DemoAuthority) -> Issued:
    """Whose key the service holds."""
    return authority.issue("Lâm Ký Điện Thoại", "T:phone")


def value_of(owner: Issued, digest: bytes) -> str:
    """The service's signature of a hash, base64."""
    return base64.b64encode(stand_in.value_of(owner, digest)).decode()


class SmartCa:
    """The service and its owner's phone: `phone` gives the status codes in order."""

    def __init__(self, owner: Issued, phone: list[int], *, lies: bool = False) -> None:
        self.owner, self.phone, self.lies = owner, iter(phone), lies
        self.files: list[Mapping[str, Any]] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Answer a request."""
        if (body["sp_id"], body["sp_password"], body["user_id"]) != ("soky", "bí mật", "031084000099"):
            return 401, {"status_code": 401, "message": "BAD_CREDENTIALS"}
        if path == "/sca/v1/credentials/get_certificate":
            chain = {
                "ca_cert": base64.b64encode(self.owner.chain[0]).decode(),
                "root_cert": base64.b64encode(self.owner.chain[1]).decode(),
            }
            data = base64.b64encode(self.owner.certificate).decode()
            certificate = {"serial_number": "5401", "cert_data": data, "chain_data": chain}
            return 200, {"status_code": 200, "data": {"user_certificates": [certificate]}}
        if path == "/sca/v1/signatures/sign":
            self.files = body["sign_files"]
            assert {each["sign_type"] for each in self.files} == {"hash"}
            assert body["serial_number"] == "5401"
            return 200, {"status_code": 200, "data": {"tran_code": "T-1"}, "message": "sig_wait_for_user_confirm"}
        assert path == "/sca/v1/signatures/sign/T-1/status"
        code = next(self.phone)
        signed = [{"doc_id": each["doc_id"], "signature_value": value_of(self.owner, self.digest(each))} for each in self.files]
        return 200, {"status_code": code, "message": "…", "data": {"signed_files": signed} if code == 1 else None}

    def digest(self, file: Mapping[str, Any]) -> bytes:
        """The hash that was sent, or another one."""
        sent = bytes.fromhex(file["data_to_be_signed"])
        return sent[::-1] if self.lies else sent


def smartca(base: str, *, typed: str = "bí mật", serial: str = "") -> SmartCaSigner:
    """The signer, not really waiting."""
    query = f"?sp=soky&user=031084000099{serial and '&serial=' + serial}"
    opened = open_signer(f"smartca:{base}/sca{query}", lambda _: typed)
    assert isinstance(opened, SmartCaSigner)
    opened._pause = lambda _: None
    return opened


def test_smartca_signs_after_the_phone(serve: Serve, owner: Issued, authority: DemoAuthority, book_pdf: bytes) -> None:
    """Waiting, waiting, signed; the document is a document like any other."""
    with smartca(serve(SmartCa(owner, [4000, 4000, 1]))) as signer:
        signed = sign(book_pdf, SignRequest(field="principal_signs"), signer, timestamper=authority)

    assert signer.unverified
    assert signed.startswith(book_pdf)


def test_smartca_signs_a_class_in_one_confirmation(serve: Serve, owner: Issued) -> None:
    """Forty hashes, one tap."""
    data = [b"%d" % number for number in range(40)]
    with smartca(serve(SmartCa(owner, [1]))) as signer:
        values = list(signer.sign_all(data, "sha256"))

    assert all(
        is_made_by(owner.certificate, scheme=Scheme.RSA_PKCS1, data=each, digest="sha256", value=value)
        for each, value in zip(data, values, strict=True)
    )


@pytest.mark.parametrize(
    ("phone", "refusal"),
    [([4000, 4001], AuthorisationExpired), ([4000, 4002], AuthorisationRefused), ([4000] * 500, AuthorisationExpired)],
    ids=["expired", "refused", "never"],
)
def test_smartca_without_a_confirmation(phone: list[int], refusal: type[Exception], serve: Serve, owner: Issued) -> None:
    """4001 expired, 4002 rejected, and a phone nobody looks at."""
    with smartca(serve(SmartCa(owner, phone))) as signer, pytest.raises(refusal):
        signer.sign(b"data", "sha256")


def test_smartca_is_not_believed(serve: Serve, owner: Issued) -> None:
    """A wrong value, a wrong password, a key that is not there."""
    with smartca(serve(SmartCa(owner, [1], lies=True))) as signer, pytest.raises(BadSignatureValue):
        signer.sign(b"data", "sha256")
    with pytest.raises(WrongSecret):
        smartca(serve(SmartCa(owner, [])), typed="sai")
    with pytest.raises(NoSuchKey):
        smartca(serve(SmartCa(owner, [])), serial="9999")


class MySign:
    """Login, then CSC version 1 with one key."""

    def __init__(self, owner: Issued, *, refused: bool = False) -> None:
        self.owner, self.refused = owner, refused
        self.calls: list[str] = []

    def __call__(self, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Answer a request."""
        self.calls.append(path)
        if path == "/adss/service/ras/v1/login":
            assert body["profile_id"] == "adss:ras:profile:001"
            if body["client_secret"] != "bí mật":
                return 401, {"error": "invalid_client"}
            return 200, {"access_token": "abc"}
        if path == "/csc/v1/credentials/list":
            return 200, {"credentialIDs": ["K1"]}
        if path == "/csc/v1/credentials/info":
            chain = [base64.b64encode(each).decode() for each in (self.owner.certificate, *self.owner.chain)]
            return 200, {"key": {"status": "enabled"}, "cert": {"certificates": chain}, "multisign": 50, "authMode": "implicit"}
        if path == "/csc/v1/credentials/authorize":
            return (400, {"error": "access_denied"}) if self.refused else (200, {"SAD": "sad"})
        assert path == "/csc/v1/signatures/signHash"
        return 200, {"signatures": [value_of(self.owner, base64.b64decode(each)) for each in body["hash"]]}


def test_mysign_signs_after_login_and_phone(serve: Serve, owner: Issued, authority: DemoAuthority, book_pdf: bytes) -> None:
    """Login, the user's key, authorise, signHash."""
    service = MySign(owner)
    with open_signer(f"mysign:{serve(service)}?client=soky&user=031084000099", lambda _: "bí mật") as signer:
        assert isinstance(signer, MySignSigner)
        signed = sign(book_pdf, SignRequest(field="principal_signs"), signer, timestamper=authority)

    assert signer.unverified
    assert signed.startswith(book_pdf)
    assert service.calls[0] == "/adss/service/ras/v1/login"
    assert service.calls[-1] == "/csc/v1/signatures/signHash"


def test_mysign_refusals(serve: Serve, owner: Issued) -> None:
    """A wrong secret, and an owner who says no."""
    with pytest.raises(WrongSecret):
        open_signer(f"mysign:{serve(MySign(owner))}?client=soky&user=1", lambda _: "sai")
    address = f"mysign:{serve(MySign(owner, refused=True))}?client=soky&user=1"
    with open_signer(address, lambda _: "bí mật") as signer, pytest.raises(AuthorisationRefused):
        signer.sign(b"data", "sha256")


@pytest.mark.parametrize("address", ["smartca:https://x", "mysign:https://x?client=a", "smartca:nonsense"])
def test_addresses_that_are_none(address: str) -> None:
    """Nobody is asked."""
    with pytest.raises(BadRequest):
        open_signer(address, lambda _: "")


STRANGE: list[Any] = [
    b"",
    b"<html>",
    b"[" * 100_000,
    [],
    {"status_code": "abc"},
    {"status_code": [1]},
    {"status_code": 1e400},
    {"status_code": 200, "data": {"user_certificates": [{"serial_number": "1", "cert_data": "AAAA", "chain_data": []}]}},
    {"status_code": 200, "data": {"user_certificates": [{"cert_data": None, "chain_data": {"ca_cert": 5}}, 7]}},
    {"status_code": 400, "message": "bí mật không đúng: bí mật"},
    {"status_code": 200, "access_token": ""},
    {"status_code": 200, "access_token": ["x"]},
]


@pytest.mark.parametrize("content", STRANGE, ids=range(len(STRANGE)))
@pytest.mark.parametrize("status", [200, 500])
def test_whatever_a_service_answers_ends_as_a_refusal_of_ours(content: Any, status: int, serve: Serve) -> None:
    """And the account's secret is not repeated, also where the service repeats it."""
    for address in ("smartca:{}/sca?sp=soky&user=1", "mysign:{}?client=soky&user=1"):
        with pytest.raises(SigningError) as refusal:
            open_signer(address.format(serve(lambda _, __: (status, content))), lambda _: "bí mật")
        assert "bí mật" not in str(refusal.value)


def test_smartca_waits_on_when_the_service_stumbles(serve: Serve, owner: Issued) -> None:
    """A failure of its server while the phone is awaited does not cost the owner another tap."""
    service = SmartCa(owner, [500, 4000, 502, 1])
    with smartca(serve(service)) as signer:
        assert signer.sign(b"data", "sha256")


def test_mysign_logs_in_again_when_its_token_ends(serve: Serve, owner: Issued) -> None:
    """In the middle of a batch of the school's books."""
    service, ended = MySign(owner), iter([True, False])

    def answer(path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        if path.endswith("signHash") and next(ended, False):
            return 401, {"error": "invalid_token"}
        return service(path, body)

    with open_signer(f"mysign:{serve(answer)}?client=soky&user=1", lambda _: "bí mật") as signer:
        assert signer.sign(b"data", "sha256")
    assert service.calls.count("/adss/service/ras/v1/login") == 2
