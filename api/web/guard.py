"""What every request passes before a page sees it, and what every answer carries."""

import asyncio
import http
import time
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.web.limits import Uploads

# Nothing inline, nothing from elsewhere. "data:" pictures are the ticks and arrows inside Tabler's own sheet.
CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

ALWAYS: Mapping[str, str] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}

MEGABYTE = 1024 * 1024

# Longest prefix decides. Forms hold a PIN and a reason; a class book of 45 pupils is 60 kB, so 10 MB is generous.
BODY_LIMITS: Mapping[str, int] = {
    "/": 256 * 1024,
    "/cases/new": 10 * MEGABYTE,
    "/tasks/": 10 * MEGABYTE,
    "/verify": 51 * MEGABYTE,  # the file's own limit is 50 MB; the form around it needs a little
}

OPEN_TO_ALL = "/verify"
MOST_UPLOADS, UPLOADS_EACH = 16, 4  # at once: 800 MB of disk at most
UPLOAD_SECONDS = 300.0  # fifty megabytes over a line of 1.4 Mbit/s

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Refuses foreign forms and bodies beyond their bound; puts the security headers on every answer."""

    def __init__(self, app: ASGIApp, *, https: bool) -> None:
        self._app = app
        self._https = https
        self._uploads = Uploads(most=MOST_UPLOADS, per_visitor=UPLOADS_EACH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Anything but HTTP (the start and the end of the server) passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["method"] != "POST" or not scope["path"].startswith(OPEN_TO_ALL):
            await self._app(scope, self._bounded(scope, receive), self._headed(send))
            return
        # Whoever needs no sign-in: the pace is asked only after the body is here, and a body may come slowly.
        with self._uploads.one((scope.get("client") or ("",))[0]) as room:
            given = _in_time(receive, time.monotonic() + UPLOAD_SECONDS) if room else _no_room
            await self._app(scope, self._bounded(scope, given), self._headed(send))

    def _headed(self, send: Send) -> Send:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
                if self._https:
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        return send_with_headers

    def _bounded(self, scope: Scope, receive: Receive) -> Receive:
        limit = body_limit(scope["path"])
        announced = Headers(scope=scope).get("content-length", "")
        seen = 0

        async def receive_bounded() -> Message:
            nonlocal seen
            # Refused before the first byte is read where the size is announced, at the bound where it is not.
            if announced.isdecimal() and int(announced) > limit:
                raise HTTPException(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(http.HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return message

        return receive_bounded


def _in_time(receive: Receive, until: float) -> Receive:
    """408 where the body comes too slowly. After it there is no hurry: what comes then is only that the visitor has gone."""
    whole = False

    async def receive_in_time() -> Message:
        nonlocal whole
        if whole:
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise HTTPException(http.HTTPStatus.REQUEST_TIMEOUT) from None
        whole = not message.get("more_body", False)
        return message

    return receive_in_time


async def _no_room() -> Message:
    raise HTTPException(http.HTTPStatus.SERVICE_UNAVAILABLE)


def body_limit(path: str) -> int:
    """How many bytes a request to this path may carry."""
    return BODY_LIMITS[max((prefix for prefix in BODY_LIMITS if path.startswith(prefix)), key=len)]


def comes_from_here(method: str, headers: Headers) -> bool:
    """Whether a request that changes something was sent by a page of this office, by the browser's own word.

    Programs send neither header; they have no session to be abused, and a form's token is asked for besides.
    """
    if method in SAFE_METHODS:
        return True
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    if origin := headers.get("origin"):
        return urlsplit(origin).netloc == headers.get("host")
    return True
