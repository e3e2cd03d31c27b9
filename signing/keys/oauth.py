"""Who may use a remote signing service: OAuth 2.0 as the Cloud Signature Consortium uses it (API 1.0.4.0 and 2.0.0.2, 8).

    door = OAuth(base="https://service.example/csc/v2", client="soky", secret="...", verifier_key=token_bytes(32))
    token = door.token_of_client()                                # nobody is asked: the program's own account
    asked = door.ask_owner("credential", {...}, pushed=True)      # the owner opens asked.url, confirms, and is sent back
    token = door.redeem(asked, "https://school.example/back?code=...&state=...")

PKCE (RFC 7636) binds the code to who asked for it. Tokens, codes and secrets stay in memory: none is stored, printed, or in a
message. Only the host of the address is ever asked; a service's redirection is not followed.
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from signing.errors import AuthorisationExpired, AuthorisationRefused, BadRequest, KeyUnavailable, NotReached, WrongSecret
from signing.outward import Client

ANSWER_SECONDS = 300.0  # how long the owner may take to confirm and come back
RENEWED_BEFORE_SECONDS = 30.0  # a token that ends sooner would end in the middle of a call
USUAL_TOKEN_SECONDS = 300.0  # where the service does not say
LONGEST_ANSWER = 8192  # what an owner pastes: an address with a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An access token. Its repr shows nothing of it."""

    value: str = field(repr=False)
    until: float  # time.monotonic()
    renewal: str = field(repr=False, default="")  # a refresh token, or ""

    @property
    def holds(self) -> bool:
        """Whether it may still be used for a call."""
        return time.monotonic() < self.until - RENEWED_BEFORE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An owner was asked to open `url`. Holds no secret: may be kept while they are away, also by another process if `OAuth`
    was given the same `verifier_key` there.
    """

    url: str
    state: str
    asked_at: float  # time.time()

    def to_bytes(self) -> bytes:
        """For storage."""
        return json.dumps({"url": self.url, "state": self.state, "asked_at": self.asked_at}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """What `to_bytes` gave; BadRequest otherwise."""
        try:
            read = json.loads(stored)
            return cls(url=str(read["url"]), state=str(read["state"]), asked_at=float(read["asked_at"]))
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise BadRequest("Yêu cầu xác nhận đã lưu không đọc được", "The stored request cannot be read") from error


class OAuth:
    """The service's authorisation server, asked as one registered client."""

    def __init__(self, *, base: str, client: str, secret: str = "", redirect: str = "", verifier_key: bytes) -> None:
        self._base = f"{base}/oauth2"
        self._id, self._secret, self._redirect = client, secret, redirect
        self._verifier_key = verifier_key
        self._client = Client.for_addresses([base], seconds=30, encrypted=True)

    def token_of_client(self) -> Token:
        """Grant client_credentials (RFC 6749, 4.4): for a service account."""
        return self._token({"grant_type": "client_credentials", "scope": "service"})

    def renewed(self, token: Token) -> Token:
        """A new token for one that ends (RFC 6749, 6). AuthorisationExpired where the service gave no way to renew it."""
        if not token.renewal:
            raise _late()
        new = self._token({"grant_type": "refresh_token", "refresh_token": token.renewal})
        return new if new.renewal else Token(value=new.value, until=new.until, renewal=token.renewal)

    def ask_owner(self, scope: str, details: Mapping[str, str], *, pushed: bool) -> Asked:
        """Where the owner confirms `scope` with these details. `pushed`: they go to the service itself, not through the browser
        (RFC 9126), so that nobody on the way reads or changes which hashes are signed.
        """
        if not self._redirect:
            raise BadRequest("Địa chỉ khóa thiếu redirect=", "The key's address lacks redirect=, where the owner is sent back")
        state = secrets.token_urlsafe(24)
        challenge = _url_base64(hashlib.sha256(self._verifier(state).encode()).digest())
        wishes = {
            "response_type": "code",
            "client_id": self._id,
            "redirect_uri": self._redirect,
            "scope": scope,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **details,
        }
        if pushed:
            account = {"client_secret": self._secret} if self._secret else {}
            answer = self._post("pushed_authorize", {**wishes, **account})
            wishes = {"client_id": self._id, "request_uri": _text(answer, "request_uri")}
        return Asked(url=f"{self._base}/authorize?{urlencode(wishes)}", state=state, asked_at=time.time())

    def redeem(self, asked: Asked, answer: str) -> Token:
        """The token for what the owner came back with: the whole address they were sent to, or the code in it.

        AuthorisationRefused, AuthorisationExpired; BadRequest for an address that answers another request.
        """
        if time.time() - asked.asked_at > ANSWER_SECONDS:
            raise _late()
        code = self._code(asked, answer.strip())
        return self._token(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect,
                "code_verifier": self._verifier(asked.state),
            }
        )

    def close(self) -> None:
        """Forget the secret, close connections."""
        self._secret = ""
        self._client.close()

    def _code(self, asked: Asked, answer: str) -> str:
        if len(answer) > LONGEST_ANSWER or not answer:
            raise BadRequest("Không thấy mã xác nhận", "There is no code in the answer")
        if "://" not in answer:
            return answer
        if answer.partition("?")[0].rstrip("/") != self._redirect.partition("?")[0].rstrip("/"):
            raise BadRequest("Địa chỉ trả về không phải của Soky", "That is not the address that the service sends back to")
        said = {name: values[0] for name, values in parse_qs(urlsplit(answer).query).items()}
        if not hmac.compare_digest(said.get("state", "").encode(), asked.state.encode()):
            raise BadRequest("Địa chỉ trả về thuộc một yêu cầu khác", "That address answers another request")
        if "error" in said:
            raise refusal_of(said["error"], "authorize") or AuthorisationRefused(
                "Chủ khóa không xác nhận", "The owner did not confirm"
            )
        return said.get("code", "")

    def _verifier(self, state: str) -> str:
        """PKCE's secret, made from the state: nothing has to be kept for it (RFC 7636, 4.1: 43 characters)."""
        return _url_base64(hmac.new(self._verifier_key, state.encode(), hashlib.sha256).digest())

    def _token(self, grant: Mapping[str, str]) -> Token:
        account = {"client_id": self._id, **({"client_secret": self._secret} if self._secret else {})}
        answer = self._post("token", {**grant, **account})
        seconds = answer.get("expires_in")
        holds = float(seconds) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else USUAL_TOKEN_SECONDS
        renewal = answer.get("refresh_token")
        return Token(
            value=_text(answer, "access_token"),
            until=time.monotonic() + max(holds, RENEWED_BEFORE_SECONDS + 1),
            renewal=renewal if isinstance(renewal, str) else "",
        )

    def _post(self, method: str, form: Mapping[str, str]) -> dict[str, Any]:
        url, kind = f"{self._base}/{method}", "application/x-www-form-urlencoded"
        try:
            answer = self._client.post(url, urlencode(form).encode(), kind)
            content = json.loads(answer.content or b"{}")
        except (NotReached, ValueError, RecursionError) as error:
            raise KeyUnavailable(
                f"Dịch vụ ký không trả lời đúng (oauth2/{method})",
                f"No proper answer to oauth2/{method}: {type(error).__name__}",
            ) from error
        if not isinstance(content, dict):
            raise _strange(method)
        if answer.status not in {200, 201}:
            raise refusal_of(str(content.get("error", "")), method) or KeyUnavailable(
                f"Dịch vụ ký từ chối oauth2/{method} ({answer.status})",
                f"The service refuses oauth2/{method} ({answer.status})",
            )
        return content


def refusal_of(code: str, method: str) -> Exception | None:
    """An OAuth error code (RFC 6749, 4.1.2.1 and 5.2) as a refusal of ours; None for a failure of the service.

    The description beside it is not repeated: it may hold what was sent.
    """
    if code == "access_denied":
        return AuthorisationRefused("Chủ khóa từ chối", "The owner refused")
    if code == "invalid_grant":
        return _late()
    if code in {"invalid_client", "unauthorized_client"}:
        return WrongSecret(
            f"Dịch vụ ký không nhận tài khoản của phần mềm (oauth2/{method})",
            f"The service does not accept this program's account (oauth2/{method}: {code})",
        )
    return None


def _late() -> AuthorisationExpired:
    return AuthorisationExpired(
        "Quá thời hạn xác nhận hoặc phiên làm việc; hãy xác nhận lại", "The confirmation or session is over; confirm again"
    )


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise _strange(key)
    return value


def _strange(method: str) -> KeyUnavailable:
    return KeyUnavailable(f"Dịch vụ ký trả lời không đúng cách ({method})", f"The service's answer is malformed ({method})")


def _url_base64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
