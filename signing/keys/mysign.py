"""`mysign:` keys in the shape of Viettel MySign. UNVERIFIED: written from public client code, never tried on it.

    mysign:https://remotesigning.viettel.vn?client=ID&user=CCCD[&credential=ID]

A login gives an access token; then it is CSC version 1, where `credentials/authorize` answers when the owner has confirmed on
the phone (at most 100 seconds).
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from signing.errors import BadRequest, KeyUnavailable, NoSuchKey, NotReached, WrongSecret
from signing.keys.csc import Bearer, CscSigner
from signing.keys.csc_service import BUSY, FAILED, Service
from signing.keys.oauth import Token
from signing.keys.signer import Ask
from signing.outward import Client

PROFILE = "adss:ras:profile:001"
CONFIRM_SECONDS = 100.0


class MySignSigner(CscSigner):
    """A key at Viettel MySign, through a relying party's account."""

    unverified = True  # shown wherever this kind of key is offered

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `mysign:BASE?client=ID&user=CCCD[&credential=ID]`; asks for the client's secret."""
        parts = urlsplit(uri.removeprefix("mysign:"))
        wishes = dict(parse_qsl(parts.query))
        if not {"client", "user"} <= wishes.keys() or not parts.hostname:
            raise BadRequest(
                "Địa chỉ mysign: cần dạng mysign:https://…?client=…&user=…",
                "A mysign: address reads mysign:https://…?client=…&user=…",
            )
        base = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        secret = ask(f"Mã bí mật của {wishes['client']} / Secret of the client {wishes['client']}")
        bearer = Bearer(lambda: _logged_in(base, wishes, secret), lambda _: _logged_in(base, wishes, secret))
        bearer()
        service = Service(base=f"{base}/csc/v1", version="v1", bearer=bearer, anew=bearer.anew, seconds=CONFIRM_SECONDS + 10)
        try:
            credential = service.credential(
                wishes.get("credential") or _first(service.credentials(wishes["user"]), wishes["user"])
            )
        except BaseException:
            service.close()
            raise
        return cls(service, credential, ask, confirm_seconds=CONFIRM_SECONDS, pause=time.sleep)


def _logged_in(base: str, wishes: Mapping[str, str], secret: str) -> Token:
    """The access token for this user's keys."""
    body = {"client_id": wishes["client"], "client_secret": secret, "user_id": wishes["user"], "profile_id": PROFILE}
    with Client.for_addresses([base], seconds=30, encrypted=True) as client:
        try:
            answer = client.post(f"{base}/adss/service/ras/v1/login", json.dumps(body).encode(), "application/json")
            content: Any = json.loads(answer.content)
        except (NotReached, ValueError, RecursionError) as error:
            raise KeyUnavailable(
                f"MySign không trả lời đúng: {type(error).__name__}",
                f"MySign does not answer as it should: {type(error).__name__}",
            ) from error
    if answer.status in {400, 401, 403}:
        raise WrongSecret("MySign không nhận mã bí mật hoặc người dùng", "MySign refuses the client's secret or the user")
    if answer.status >= FAILED or answer.status in BUSY:
        raise KeyUnavailable(f"MySign không phục vụ lúc này ({answer.status})", f"MySign is not serving now ({answer.status})")
    token = content.get("access_token") if isinstance(content, dict) else None
    if not isinstance(token, str) or not token:
        raise NoSuchKey(f"MySign không có người dùng {wishes['user']}", f"MySign gives no access for {wishes['user']}")
    return Token(value=token, until=float("inf"))


def _first(found: list[str], user: str) -> str:
    """The only key, or the first of several."""
    if not found:
        raise NoSuchKey(f"{user} không có khóa nào ở dịch vụ này", f"{user} has no key at this service")
    return found[0]
