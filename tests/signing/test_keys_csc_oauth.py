"""Who may use a remote key: OAuth 2.0 as signing services speak it (CSC API 8; RFC 6749, 7636, 9126, 9396)."""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, SignRequest, open_signer, sign_many
from signing.apply import Signed
from signing.errors import (
    AuthorisationExpired,
    AuthorisationRefused,
    BadRequest,
    KeyUnavailable,
    NoSuchKey,
    SigningError,
    WrongSecret,
)
from signing.keys.csc import Asked, CscSigner
from tests.signing import stand_in

BACK = "https://truong.example/quay-lai"
KEY = "GX0112348"
SECRET = "bí-mật-của-phần-mềm"
PIN = "918273"


class Service:
    """A signing service with its authorisation server, and the owner at their browser."""

    def __init__(
        self, issued: Issued, *, version: str = "v2", mode: str = "oauth2code", keys: tuple[str, ...] = (KEY,)
    ) -> None:
        self.issued, self.version, self.mode, self.keys = issued, version, mode, keys
        self.tokens: dict[str, dict[str, Any]] = {}  # access token -> what it is for
        self.codes: dict[str, dict[str, str]] = {}  # code -> the request that it answers
        self.pushed: dict[str, dict[str, str]] = {}
        self.renewals: set[str] = set()
        self.seconds = 3600
        self.calls: list[str] = []
        self.says_no = ""
        self.otps = 0
        self.echoes = False

    # The authorisation server.

    def browser(self, prompt: str) -> str:
        """The owner opens the address in the prompt, looks, confirms, and is sent back."""
        url = next(word for word in prompt.split() if word.startswith("http"))
        request = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if "request_uri" in request:
            request = {**self.pushed.pop(request["request_uri"]), "client_id": request["client_id"]}
        assert (request["response_type"], request["code_challenge_method"]) == ("code", "S256")
        if self.says_no:
            return f"{BACK}?{urlencode({'error': self.says_no, 'state': request['state']})}"
        code = secrets.token_urlsafe(8)
        self.codes[code] = request
        return f"{BACK}?{urlencode({'code': code, 'state': request['state']})}"

    def token(self, form: Mapping[str, str]) -> stand_in.Told:
        """oauth2/token (RFC 6749, 4.1.3, 4.4.2, 6)."""
        if (form.get("client_id"), form.get("client_secret")) != ("soky", SECRET):
            return stand_in.Told(status=401, content={"error": "invalid_client", "error_description": f"not {form}"})
        if form["grant_type"] == "client_credentials":
            return self.granted({"scope": "service"})
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] not in self.renewals:
                return stand_in.Told(status=400, content={"error": "invalid_grant"})
            return self.granted({"scope": "service"})
        request = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=").decode()
        if request is None or request["code_challenge"] != challenge or request["redirect_uri"] != form["redirect_uri"]:
            return stand_in.Told(status=400, content={"error": "invalid_grant"})
        return self.granted(request)

    def granted(self, request: Mapping[str, str]) -> stand_in.Told:
        """A token for what was asked for; one of the service scope can be renewed."""
        token, renewal = secrets.token_urlsafe(12), secrets.token_urlsafe(12)
        self.tokens[token] = dict(request)
        content: dict[str, Any] = {"access_token": token, "token_type": "Bearer", "expires_in": self.seconds}
        if request["scope"] == "service" and "redirect_uri" in request:
            self.renewals.add(renewal)
            content["refresh_token"] = renewal
        return stand_in.Told(status=200, content=content)

    # The signing service.

    def __call__(self, asked: stand_in.Asked) -> stand_in.Told:
        """Answer a request."""
        method = asked.path.removeprefix(f"/csc/{self.version}/")
        self.calls.append(method)
        if method == "oauth2/token":
            return self.token(asked.body)
        if method == "oauth2/pushed_authorize":
            uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(6)}"
            self.pushed[uri] = dict(asked.body)
            return stand_in.Told(status=201, content={"request_uri": uri, "expires_in": 90})
        granted = self.tokens.get(asked.authorization.removeprefix("Bearer "))
        if granted is None:
            return stand_in.Told(status=401, content={"error": "invalid_token", "error_description": asked.authorization})
        handler: Callable[[Mapping[str, Any], Mapping[str, Any]], stand_in.Told] = {
            "credentials/list": self.list,
            "credentials/info": self.info,
            "credentials/sendOTP": self.send_otp,
            "credentials/authorize": self.authorize,
            "signatures/signHash": self.sign_hash,
        }[method]
        return handler(asked.body, granted)

    def list(self, body: Mapping[str, Any], _: Mapping[str, Any]) -> stand_in.Told:
        """11.4, one key per page."""
        at = int(body.get("pageToken", 0))
        following = {"nextPageToken": str(at + 1)} if at + 1 < len(self.keys) else {}
        return stand_in.Told(status=200, content={"credentialIDs": self.keys[at : at + 1], **following})

    def info(self, body: Mapping[str, Any], _: Mapping[str, Any]) -> stand_in.Told:
        """11.5"""
        assert body["credentialID"] in self.keys
        chain = [base64.b64encode(each).decode() for each in (self.issued.certificate, *self.issued.chain)]
        content: dict[str, Any] = {"key": {"status": "enabled"}, "cert": {"certificates": chain}, "multisign": 10}
        if self.version == "v2":
            return stand_in.Told(status=200, content={**content, "auth": {"mode": self.mode}})
        secrets_wanted = {"PIN": {"presence": "true"}, "OTP": {"presence": "true", "type": "online"}}
        return stand_in.Told(status=200, content={**content, "authMode": self.mode, **secrets_wanted})

    def send_otp(self, _: Mapping[str, Any], __: Mapping[str, Any]) -> stand_in.Told:
        """v1 11.8: a code goes to the owner."""
        self.otps += 1
        return stand_in.Told(status=204, content=b"")

    def authorize(self, body: Mapping[str, Any], _: Mapping[str, Any]) -> stand_in.Told:
        """v1 11.6, explicit."""
        if (body["PIN"], body["OTP"]) != (PIN, f"otp-{self.otps}"):
            return stand_in.Told(status=400, content={"error": "invalid_pin", "error_description": f"wrong: {body['PIN']}"})
        return stand_in.Told(status=200, content={"SAD": ",".join(body["hash"])})

    def sign_hash(self, body: Mapping[str, Any], granted: Mapping[str, str]) -> stand_in.Told:
        """11.10: only hashes that the owner confirmed, by the bearer token (v2) or by the SAD (v1)."""
        if self.echoes:
            return stand_in.Told(status=400, content={"error": "x", "error_description": f"SAD {body.get('SAD')} {granted}"})
        if self.version == "v2":
            assert "SAD" not in body
            (details,) = json.loads(granted["authorization_details"])
            assert (details["type"], details["credentialID"]) == ("credential", KEY)
            assert details["hashAlgorithmOID"] == body["hashAlgorithmOID"] == "2.16.840.1.101.3.4.2.1"
            allowed = [each["hash"] for each in details["documentDigests"]]
            hashes = body["hashes"]
        else:
            confirmed = self.tokens.get(body["SAD"], {}).get("hash", body["SAD"])
            allowed = [each.replace("-", "+").replace("_", "/") + "=" * (-len(each) % 4) for each in confirmed.split(",")]
            hashes = body["hash"]
        if not set(hashes) <= set(allowed):
            return stand_in.Told(status=400, content={"error": "invalid_request", "error_description": "not authorised"})
        values = [stand_in.value_of(self.issued, base64.b64decode(each)) for each in hashes]
        return stand_in.Told(status=200, content={"signatures": [base64.b64encode(each).decode() for each in values]})


class Owner:
    """Somebody at the keyboard: knows the program's secret, the PIN and the newest code, and has a browser."""

    def __init__(self, service: Service, *, secret: str = SECRET, pin: str = PIN) -> None:
        self.service, self.secret, self.pin = service, secret, pin
        self.prompts: list[str] = []

    def __call__(self, prompt: str) -> str:
        """Answer a prompt."""
        self.prompts.append(prompt)
        if "Secret of the client" in prompt:
            return self.secret
        if "/ PIN " in prompt:
            return self.pin
        if "/ OTP " in prompt:
            return f"otp-{self.service.otps}"
        return self.service.browser(prompt)


@pytest.fixture(scope="module")
def issued(authority: DemoAuthority) -> Issued:
    """Whose key stands at the service."""
    return authority.issue("Tạ Ký Qua Trình Duyệt", "T:browser")


Address = Callable[..., str]


@pytest.fixture
def address() -> Iterator[Address]:
    """Puts a stand-in on a port of this machine; gives the key's address."""
    with ExitStack() as running:

        def of(service: Service, **wishes: str) -> str:
            base = running.enter_context(stand_in.served(service))
            return f"csc:{base}/csc/{service.version}?{urlencode({'client': 'soky', **wishes})}"

        yield of


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_owner_confirms_many_hashes_in_the_browser(
    version: str, issued: Issued, address: Address, authority: DemoAuthority, book_pdf: bytes
) -> None:
    """Log in once, confirm once for ten documents; the page was told exactly these hashes; the documents are good."""
    service = Service(issued, version=version)
    owner = Owner(service)
    with open_signer(address(service, credential=KEY, redirect=BACK), owner) as signer:
        items = [(str(number), book_pdf, SignRequest(field="principal_signs")) for number in range(10)]
        results = list(sign_many(items, signer, timestamper=authority))

    assert all(isinstance(result, Signed) for result in results)
    assert len(owner.prompts) == 3, "the program's secret, the login, one confirmation"
    assert service.calls.count("signatures/signHash") == 1
    assert service.calls.count("oauth2/pushed_authorize") == (1 if version == "v2" else 0)


def test_what_is_confirmed_does_not_pass_through_the_browser(issued: Issued, address: Address) -> None:
    """Version 2 pushes the hashes to the service: the address that is opened names only the request (RFC 9126)."""
    service = Service(issued)
    owner = Owner(service)
    with open_signer(address(service, credential=KEY, redirect=BACK), owner) as signer:
        signer.sign(b"data", "sha256")

    opened = urlsplit(next(word for word in owner.prompts[-1].split() if word.startswith("http")))
    assert {name for name, _ in parse_qsl(opened.query)} == {"client_id", "request_uri"}


def test_a_service_account_needs_nobody(issued: Issued, address: Address) -> None:
    """client_credentials, version 1, with PIN and a code that is sent to the owner when it is needed."""
    service = Service(issued, version="v1", mode="explicit")
    with open_signer(address(service, credential=KEY), Owner(service)) as signer:
        assert signer.sign(b"data", "sha256")
        assert signer.sign(b"more", "sha256")

    assert service.calls.count("oauth2/token") == 1
    assert service.otps == 2


def test_the_only_key_is_found_and_several_are_listed(issued: Issued, address: Address) -> None:
    """credentials/list, page by page; among several the address must choose."""
    service = Service(issued, version="v1", mode="explicit")
    with open_signer(address(service), Owner(service)) as signer:
        assert signer.certificate == issued.certificate

    several = Service(issued, version="v1", mode="explicit", keys=(KEY, "K2", "K3"))
    with pytest.raises(NoSuchKey, match=r"3 keys.*GX0112348, K2, K3"):
        open_signer(address(several), Owner(several))


def test_a_token_is_renewed_before_it_ends(issued: Issued, address: Address) -> None:
    """Tokens of half a minute: each call has one that holds, by the refresh token, without asking the owner again."""
    service = Service(issued)
    service.seconds = 31
    owner = Owner(service)
    with open_signer(address(service, credential=KEY, redirect=BACK), owner) as signer:
        logged_in = len(owner.prompts)
        assert isinstance(signer, CscSigner)
        time.sleep(1.1)
        signer._service.credential(KEY)
        assert len(owner.prompts) == logged_in
        service.renewals.clear()
        time.sleep(1.1)
        with pytest.raises(AuthorisationExpired):
            signer._service.credential(KEY)


def test_the_confirmation_outlives_the_process(issued: Issued, address: Address) -> None:
    """Stored without a secret; another process with the office's key redeems it; one without that key cannot."""
    service = Service(issued)
    uri = address(service, credential=KEY, redirect=BACK)
    with CscSigner.resumable(uri, Owner(service), verifier_key=b"k" * 32) as first:
        asked = first.begin([b"data"], "sha256")
        assert isinstance(asked, Asked)
        stored = asked.to_bytes()
    came_back = service.browser(f"open {asked.url}")
    with CscSigner.resumable(uri, Owner(service), verifier_key=b"x" * 32) as thief, pytest.raises(AuthorisationExpired):
        thief.confirmed(Asked.from_bytes(stored), came_back)

    with CscSigner.resumable(uri, Owner(service), verifier_key=b"k" * 32) as again:
        asked = again.begin([b"data"], "sha256")
        assert isinstance(asked, Asked)
        stored, came_back = asked.to_bytes(), service.browser(f"open {asked.url}")
    with CscSigner.resumable(uri, Owner(service), verifier_key=b"k" * 32) as later:
        activation = later.confirmed(Asked.from_bytes(stored), came_back)
        assert len(later.complete([b"data"], "sha256", activation)) == 1
        with pytest.raises(KeyUnavailable):
            later.complete([b"other data"], "sha256", activation)
    assert SECRET.encode() not in stored


def test_the_owner_says_no_or_comes_too_late(issued: Issued, address: Address) -> None:
    """Refused, late, or an address that answers somebody else's request: each by its name, and nothing is signed."""
    service = Service(issued)
    with open_signer(address(service, credential=KEY, redirect=BACK), Owner(service)) as signer:
        assert isinstance(signer, CscSigner)
        asked, other = signer.begin([b"data"], "sha256"), signer.begin([b"data"], "sha256")
        assert isinstance(asked, Asked)
        assert isinstance(other, Asked)
        theirs = service.browser(f"open {other.url}")
        with pytest.raises(BadRequest, match="another request"):
            signer.confirmed(asked, theirs)
        with pytest.raises(BadRequest, match="sends back"):
            signer.confirmed(asked, theirs.replace("truong.example", "evil.example"))
        late = Asked(url=asked.url, state=asked.state, asked_at=time.time() - 301)
        with pytest.raises(AuthorisationExpired):
            signer.confirmed(late, "code")
        for nothing in ("", " ", "x" * 9000):
            with pytest.raises(BadRequest):
                signer.confirmed(asked, nothing)
        service.says_no = "access_denied"
        with pytest.raises(AuthorisationRefused):
            signer.sign(b"data", "sha256")

    assert "signatures/signHash" not in service.calls


def test_a_key_for_the_browser_says_what_its_address_lacks(issued: Issued, address: Address) -> None:
    """Without redirect= nobody could come back."""
    service = Service(issued)
    with open_signer(address(service, credential=KEY), Owner(service)) as signer, pytest.raises(BadRequest, match="redirect="):
        signer.sign(b"data", "sha256")


def test_no_secret_is_repeated(issued: Issued, address: Address, caplog: pytest.LogCaptureFixture) -> None:
    """A service that repeats PIN, token or the program's secret in its refusals does not get them into our messages or logs."""
    caplog.set_level("DEBUG")
    service = Service(issued, version="v1", mode="explicit")
    refusals: list[SigningError] = []
    uri = address(service, credential=KEY)
    with pytest.raises(WrongSecret) as refused:
        open_signer(uri, Owner(service, secret="sai-bí-mật"))
    refusals.append(refused.value)
    with open_signer(uri, Owner(service, pin="555777")) as signer, pytest.raises(WrongSecret) as refused:
        signer.sign(b"data", "sha256")
    refusals.append(refused.value)
    service.echoes = True
    with open_signer(uri, Owner(service)) as signer, pytest.raises(KeyUnavailable) as failed:
        signer.sign(b"data", "sha256")
    refusals.append(failed.value)

    sad = base64.b64encode(hashlib.sha256(b"data").digest()).decode()
    secret_words = ["sai-bí-mật", "555777", PIN, sad, SECRET, *service.tokens]
    for said in (*map(str, refusals), *map(repr, refusals), caplog.text):
        assert not [word for word in secret_words if word in said]
    assert service.calls.count("credentials/authorize") == 2, "a wrong PIN is not tried again"


def test_a_redirection_is_not_followed() -> None:
    """Neither the service nor its authorisation server sends us, with our secrets, to another host."""
    elsewhere: list[stand_in.Asked] = []

    def listens(asked: stand_in.Asked) -> stand_in.Told:
        elsewhere.append(asked)
        return stand_in.Told(status=200, content={"access_token": "t"})

    with stand_in.served(listens) as other:

        def sends_away(_: stand_in.Asked) -> stand_in.Told:
            return stand_in.Told(status=307, content={}, headers={"Location": f"{other}/csc/v2/oauth2/token"})

        with stand_in.served(sends_away) as base, pytest.raises(KeyUnavailable):
            open_signer(f"csc:{base}/csc/v2?client=soky&credential={KEY}", lambda _: SECRET)
    assert elsewhere == []


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{", b"[" * 100_000, {"access_token": 5}, {"access_token": ""}, {"access_token": "t", "expires_in": "x"}],
)
def test_a_strange_answer_is_a_refusal_of_ours(content: object) -> None:
    """Whatever an authorisation server sends, it ends as an error of ours."""
    with stand_in.served(lambda _: stand_in.Told(status=200, content=content)) as base, pytest.raises(SigningError):
        open_signer(f"csc:{base}/csc/v2?client=soky&credential={KEY}", lambda _: SECRET)


NAMES = [
    "key",
    "status",
    "algo",
    "cert",
    "certificates",
    "auth",
    "mode",
    "objects",
    "id",
    "type",
    "multisign",
    "authMode",
    "PIN",
    "OTP",
]
NAMES += [
    "presence",
    "SAD",
    "handle",
    "signatures",
    "credentialIDs",
    "nextPageToken",
    "challenge",
    "access_token",
    "expires_in",
    "error",
]
WORDS = st.sampled_from(
    ["enabled", "explicit", "oauth2code", "online", "ChallengeResponse", "true", "AAAA", "x" * 300, "", "\ud800"]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | WORDS
JSON = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=6), max_leaves=12
)
ANSWERS = st.dictionaries(st.sampled_from(NAMES), JSON, max_size=10)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=ANSWERS,
    genuine=st.booleans(),
    version=st.sampled_from(["v1", "v2"]),
    status=st.sampled_from([200, 202, 204, 400, 401]),
)
def test_whatever_a_service_says_ends_as_a_refusal_of_ours(
    said: dict[str, Any], genuine: bool, version: str, status: int, issued: Issued
) -> None:
    """Any JSON in any place: a value of the right key, or an error of ours; never another exception, never without an end."""

    def answer(asked: stand_in.Asked) -> stand_in.Told:
        method = asked.path.rpartition("/")[2]
        if method == "token" and genuine:
            return stand_in.Told(status=200, content={"access_token": "t", "expires_in": 600})
        if method == "info" and genuine:
            chain = [base64.b64encode(each).decode() for each in (issued.certificate, *issued.chain)]
            content = {"key": {"status": "enabled"}, "cert": {"certificates": chain}, **said}
            content.setdefault("auth", {"mode": "implicit"})
            return stand_in.Told(status=200, content=content)
        return stand_in.Told(status=status, content=said)

    address = f"csc/{version}?client=soky&credential={KEY}"
    with (
        suppress(SigningError),
        stand_in.served(answer) as base,
        open_signer(f"csc:{base}/{address}", lambda _: "t") as signer,
    ):
        assert isinstance(signer, CscSigner)
        signer._pause = lambda _: None
        signer._confirm_seconds = 4
        signer.sign(b"data", "sha256")
        raise AssertionError("nobody holds that key")
