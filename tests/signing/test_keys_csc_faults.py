"""Remote signing services that fail: tokens that end, services that are busy, owners who wait, values that are not theirs."""

import base64
import hashlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from signing import DemoAuthority, Failed, Issued, Level, Scheme, Signed, SignRequest, open_signer, sign_many
from signing.errors import AuthorisationExpired, BadSignatureValue, KeyUnavailable, WrongSecret
from signing.keys import is_made_by
from signing.keys.csc import CscSigner, Pending
from signing.keys.csc_service import ServiceBusy
from tests.signing.stand_in import Asked, Told, served, value_of

ROOT = Path(__file__).resolve().parent.parent.parent
Fault = Callable[[str, int], Told | None]  # method and how often it was asked -> another answer than the right one


def told(content: Any, status: int = 200, **headers: str) -> Told:
    """An answer, header names with "_" for "-"."""
    return Told(status=status, content=content, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Service:
    """CSC 2.0.0.2 with an account of a program, a PIN if wanted, and whatever fault a test wants."""

    def __init__(self, issued: Issued, *, multisign: int = 5, pin: str = "", fault: Fault = lambda _, __: None) -> None:
        self.issued, self.multisign, self.pin, self.fault = issued, multisign, pin, fault
        self.calls: list[str] = []
        self.authorised: list[tuple[str, ...]] = []
        self.pins_shown = 0
        self.tokens = itertools.count(1)
        self.good_token = ""
        self.arranged: Callable[[list[str]], list[str]] = lambda values: values

    def __call__(self, asked: Asked) -> Told:
        """Answer."""
        method = asked.path.removeprefix("/csc/v2/")
        self.calls.append(method)
        if method == "oauth2/token":
            self.good_token = f"token-{next(self.tokens)}"
            return told({"access_token": self.good_token, "expires_in": 3600})
        if method == "credentials/authorize":
            self.pins_shown += "authData" in asked.body
        if (instead := self.fault(method, self.calls.count(method))) is not None:
            return instead
        if asked.authorization != f"Bearer {self.good_token}":
            return told({"error": "invalid_token", "error_description": "expired"}, 401)
        return getattr(self, method.replace("/", "_"))(asked.body)  # type: ignore[no-any-return]

    def credentials_info(self, _: Mapping[str, Any]) -> Told:
        """11.5"""
        chain = [base64.b64encode(each).decode() for each in (self.issued.certificate, *self.issued.chain)]
        objects = [{"type": "Password", "id": "PIN", "label": "PIN"}] if self.pin else []
        auth = {"mode": "explicit", "objects": objects}
        return told(
            {
                "key": {"status": "enabled"},
                "cert": {"certificates": chain},
                "auth": auth,
                "multisign": self.multisign,
                "SCAL": "2",
            }
        )

    def credentials_authorize(self, body: Mapping[str, Any]) -> Told:
        """11.6"""
        if len(body["hashes"]) > self.multisign:
            return told({"error": "invalid_request", "error_description": "Numbers of signatures is too high"}, 400)
        self.authorised.append(tuple(body["hashes"]))
        return told({"SAD": f"sad-{len(self.authorised)}"})

    def signatures_signHash(self, body: Mapping[str, Any]) -> Told:  # noqa: N802 - the method's name
        """11.10"""
        assert tuple(body["hashes"]) == self.authorised[int(body["SAD"].partition("-")[2]) - 1]
        return told({"signatures": self.values(body["hashes"])})

    def values(self, named: list[str]) -> list[str]:
        """The signatures of these hashes, as the test arranges them."""
        made = [base64.b64encode(value_of(self.issued, base64.b64decode(each))).decode() for each in named]
        return self.arranged(made)


@pytest.fixture
def serve() -> Iterator[Callable[[Service], str]]:
    """Puts a service on a port of this machine; gives the key's address, for a program's account."""
    with ExitStack() as running:
        yield lambda service: f"csc:{running.enter_context(served(service))}/csc/v2?credential=K&client=soky"


@pytest.fixture(scope="module")
def owner(authority: DemoAuthority) -> Issued:
    """Whose key stands at the service."""
    return authority.issue("Mai Ký Từ Xa", "T:remote-faults")


Serve = Callable[[Service], str]
DATA = [b"sheet %d" % number for number in range(12)]


def opened(address: str, pauses: list[float] | None = None, *, pin: str = "") -> CscSigner:
    """The signer, which notes its pauses instead of making them."""
    signer = open_signer(address, lambda prompt: pin if "PIN" in prompt else "bi-mat")
    assert isinstance(signer, CscSigner)
    signer._pause = signer._service._pause = (pauses if pauses is not None else []).append
    return signer


def are_right(owner: Issued, values: list[bytes]) -> bool:
    """Whether these are the values of DATA, in order."""
    return len(values) == len(DATA) and all(
        is_made_by(owner.certificate, scheme=Scheme.RSA_PKCS1, data=each, digest="sha256", value=value)
        for each, value in zip(DATA, values, strict=True)
    )


def test_an_access_token_that_ends_in_the_middle_is_renewed(owner: Issued, serve: Serve) -> None:
    """Whatever it promised, at whichever call: the program has another one, and no PIN is shown twice for one chunk."""
    for ends_at in ("credentials/authorize", "signatures/signHash"):
        service = Service(owner, pin="1234")

        def ending(method: str, number: int, service: Service = service, ends_at: str = ends_at) -> None:
            if (method, number) == (ends_at, 2):
                service.good_token = "another"

        service.fault = ending
        with opened(serve(service), pin="1234") as signer:
            assert are_right(owner, list(signer.sign_all(DATA, "sha256")))
        assert service.calls.count("oauth2/token") == 2
        assert len(service.authorised) == 3


def test_a_wrong_pin_that_is_refused_with_401_is_not_shown_twice(owner: Issued, serve: Serve) -> None:
    """Only a service that says that the token is at fault gets the same words again."""
    wrong = told({"error": "invalid_pin", "error_description": "wrong"}, 401)
    service = Service(owner, pin="1", fault=lambda method, _: wrong if method == "credentials/authorize" else None)
    with opened(serve(service), pin="9") as signer, pytest.raises(WrongSecret):
        signer.sign(b"data", "sha256")

    assert service.pins_shown == 1


def test_a_busy_service_is_asked_again_when_it_says(owner: Issued, serve: Serve) -> None:
    """429 and 503 with Retry-After: so many seconds are waited, three times at most; what was signed is right."""
    busy = iter([told({}, 429, Retry_After="7"), told({}, 503, Retry_After="3"), told({}, 429)])
    service = Service(owner, fault=lambda method, _: next(busy, None) if method == "signatures/signHash" else None)
    pauses: list[float] = []
    with opened(serve(service), pauses) as signer:
        assert are_right(owner, list(signer.sign_all(DATA, "sha256")))

    assert pauses == [7.0, 3.0, 4.0]
    assert len(service.authorised) == 3


@pytest.mark.parametrize("busy", [told({}, 429, Retry_After="3600"), told({}, 503, Retry_After="31"), told(b"<html>", 500)])
def test_a_service_that_is_busy_for_long_is_a_refusal(busy: Told, owner: Issued, serve: Serve) -> None:
    """Nobody's thread waits for an hour; the batch can be gone on with later."""
    service = Service(owner, fault=lambda method, _: busy if method == "signatures/signHash" else None)
    pauses: list[float] = []
    with opened(serve(service), pauses) as signer, pytest.raises(ServiceBusy):
        signer.sign(b"data", "sha256")

    assert pauses == []


def test_a_busy_service_is_not_shown_the_pin_again(owner: Issued, serve: Serve) -> None:
    """Who knows whether it was counted."""
    busy = told({}, 429, Retry_After="1")
    service = Service(owner, pin="1", fault=lambda method, _: busy if method == "credentials/authorize" else None)
    with opened(serve(service), pin="1") as signer, pytest.raises(ServiceBusy):
        signer.sign(b"data", "sha256")

    assert service.pins_shown == 1


def waiting(*answers: Told) -> Fault:
    """A phone: asked, then these answers one after the other."""
    coming = iter(answers)

    def fault(method: str, _: int) -> Told | None:
        if method == "credentials/authorize":
            return told({"handle": "H"}, 202)
        return next(coming) if method == "credentials/authorizeCheck" else None

    return fault


def test_the_owners_answer_is_not_lost_when_the_service_stumbles(owner: Issued, serve: Serve) -> None:
    """500, nonsense and 429 while their phone is awaited: asked on, and the tap counts."""
    service = Service(owner, fault=waiting(told({}, 500), told({}, 202), told({}, 503), told({}, 429), told({"SAD": "sad-1"})))
    service.authorised.append((base64.b64encode(hashlib.sha256(b"data").digest()).decode(),))
    with opened(serve(service)) as signer:
        assert signer.sign(b"data", "sha256")
    assert service.calls.count("credentials/authorize") == 1


def test_a_service_that_has_gone_while_the_phone_is_awaited(owner: Issued, serve: Serve) -> None:
    """Six failures in a row are not five minutes of waiting."""
    service = Service(owner, fault=waiting(*[told({}, 502)] * 20))
    with opened(serve(service)) as signer, pytest.raises(ServiceBusy):
        signer.sign(b"data", "sha256")
    assert service.calls.count("credentials/authorizeCheck") == 6


def test_an_authorisation_whose_time_is_over_is_named(owner: Issued, serve: Serve) -> None:
    """After five minutes the activation data are worth nothing: it is no fault of the key."""
    over = told({"error": "invalid_request", "error_description": "The SAD has expired"}, 400)
    service = Service(owner, fault=lambda method, _: over if method == "signatures/signHash" else None)
    with opened(serve(service)) as signer, pytest.raises(AuthorisationExpired):
        signer.sign(b"data", "sha256")


def test_signatures_made_in_the_services_own_time(owner: Issued, serve: Serve) -> None:
    """A response id instead of the values: asked for until they are there, once authorised."""
    service = Service(owner)

    def later(method: str, number: int) -> Told | None:
        if method == "signatures/signHash":
            return told({"responseID": "R"})
        if method == "signatures/signPolling":
            done = service.values(list(service.authorised[-1]))
            return told({"signatures": done}) if number % 3 == 0 else told({}, 202)
        return None

    service.fault = later
    with opened(serve(service)) as signer:
        assert are_right(owner, list(signer.sign_all(DATA, "sha256")))
    assert len(service.authorised) == 3


def test_values_that_are_there_are_not_asked_for_again(owner: Issued, serve: Serve) -> None:
    """A service that names its answer as well, and never has anything behind that name."""
    service = Service(owner)

    def both(method: str, _: int) -> Told | None:
        if method == "signatures/signHash":
            return told({"responseID": "R", "signatures": service.values(list(service.authorised[-1]))})
        return told({}, 202) if method == "signatures/signPolling" else None

    service.fault = both
    with opened(serve(service)) as signer:
        assert are_right(owner, list(signer.sign_all(DATA, "sha256")))
    assert "signatures/signPolling" not in service.calls


def test_a_key_that_signs_one_at_a_time(owner: Issued, serve: Serve) -> None:
    """Multisign 1: an authorisation for each."""
    service = Service(owner, multisign=1)
    with opened(serve(service)) as signer:
        assert are_right(owner, list(signer.sign_all(DATA, "sha256")))
    assert [len(each) for each in service.authorised] == [1] * 12


ARRANGEMENTS: dict[str, tuple[Callable[[list[str]], list[str]], type[Exception]]] = {
    "turned round": (lambda values: values[::-1], BadSignatureValue),
    "one too few": (lambda values: values[:-1], KeyUnavailable),
    "one too many": (lambda values: [*values, values[0]], KeyUnavailable),
    "all the same": (lambda values: values[:1] * len(values), BadSignatureValue),
    "nonsense": (lambda values: ["AAAA"] * len(values), BadSignatureValue),
    "nothing": (lambda _: [], KeyUnavailable),
}


@pytest.mark.parametrize("arrangement", list(ARRANGEMENTS))
def test_values_that_are_not_the_ones_asked_for_go_into_no_document(
    arrangement: str, owner: Issued, serve: Serve, book_pdf: bytes
) -> None:
    """Found before one of them is used; a service that lies is not given its owner's tap again and again."""
    service = Service(owner, multisign=8)
    service.arranged, refusal = ARRANGEMENTS[arrangement]
    request = SignRequest(field="principal_signs", level=Level.B_B)
    with opened(serve(service)) as signer:
        results = list(sign_many([(str(number), book_pdf, request) for number in range(8)], signer))

    assert not any(isinstance(each, Signed) for each in results)
    assert all(isinstance(each, Failed) and isinstance(each.error, refusal) for each in results)
    assert len(service.authorised) <= (1 if refusal is BadSignatureValue else 3)


def test_another_keys_values_go_into_no_document(
    owner: Issued, authority: DemoAuthority, serve: Serve, book_pdf: bytes
) -> None:
    """The service signs with somebody else's key."""
    other = authority.issue("Người khác", "T:remote-other")
    service = Service(owner)
    service.values = lambda named: [base64.b64encode(value_of(other, base64.b64decode(each))).decode() for each in named]  # type: ignore[method-assign]
    request = SignRequest(field="principal_signs", level=Level.B_B)
    with opened(serve(service)) as signer:
        (result,) = sign_many([(str(number), book_pdf, request) for number in range(5)], signer)

    assert isinstance(result, Failed)
    assert isinstance(result.error, BadSignatureValue)
    assert len(service.authorised) == 1


def test_a_token_of_the_owners_own_that_ends_ends_the_batch(owner: Issued, serve: Serve, book_pdf: bytes) -> None:
    """Only they have another one: what was signed is there, nothing more is tried."""
    service = Service(owner, multisign=32)
    service.good_token = "bi-mat"

    def ending(method: str, number: int) -> None:
        if (method, number) == ("credentials/authorize", 2):
            service.good_token = "another"

    service.fault = ending
    request = SignRequest(field="principal_signs", level=Level.B_B)
    with opened(serve(service).replace("&client=soky", "")) as signer:
        results = list(sign_many([(str(number), book_pdf, request) for number in range(100)], signer))

    assert [type(each) for each in results] == [Signed] * 32 + [Failed]
    assert isinstance(results[-1], Failed)
    assert isinstance(results[-1].error, WrongSecret)


def test_the_phone_is_awaited_by_another_process_after_the_first_was_killed(
    owner: Issued, serve: Serve, tmp_path: Path
) -> None:
    """Begun and stored, then SIGKILL; the next process has the values without a second tap."""
    service = Service(owner, fault=waiting(told({}, 202), told({"SAD": "sad-1"})))
    hashes = [base64.b64encode(hashlib.sha256(each).digest()).decode() for each in DATA[:3]]
    service.authorised.append(tuple(hashes))
    address = serve(service)
    script = tmp_path / "begins.py"
    script.write_text(BEGINS)
    done = subprocess.run(
        [sys.executable, str(script), address, str(tmp_path / "pending"), json.dumps([each.decode() for each in DATA[:3]])],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL

    with opened(address) as signer:
        pending = Pending.from_bytes((tmp_path / "pending").read_bytes())
        assert signer.check(pending) is None
        activation = signer.check(pending)
        assert activation is not None
        assert len(signer.complete(DATA[:3], "sha256", activation)) == 3
    assert service.calls.count("credentials/authorize") == 1


BEGINS = """
import json, os, signal, sys
from pathlib import Path
from signing import open_signer
address, pending, data = sys.argv[1:]
with open_signer(address, lambda _: "bi-mat") as signer:
    waits = signer.begin([each.encode() for each in json.loads(data)], "sha256")
    Path(pending).write_bytes(waits.to_bytes())
    os.kill(os.getpid(), signal.SIGKILL)
"""
