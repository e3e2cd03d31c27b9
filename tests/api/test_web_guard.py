"""What every request passes and every answer carries, and how much one visitor may ask."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api.texts import Language, catalogue, one_side, text
from api.web.entrance import given_name_first, local
from api.web.guard import MEGABYTE, Guard, body_limit, comes_from_here
from api.web.limits import Pace, Seats, Uploads
from api.web.sessions import ABSOLUTE, IDLE, Sessions
from directory import PersonId, UnitId


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        """Now."""
        return self.now


@pytest.mark.parametrize(
    ("headers", "welcome"),
    [
        ({"sec-fetch-site": "same-origin", "host": "soky.example"}, True),
        ({"sec-fetch-site": "cross-site", "host": "soky.example"}, False),
        ({"sec-fetch-site": "same-site", "host": "soky.example"}, False),
        ({"sec-fetch-site": "none", "host": "soky.example"}, False),
        ({"origin": "https://soky.example", "host": "soky.example"}, True),
        ({"origin": "https://evil.example", "host": "soky.example"}, False),
        ({"origin": "null", "host": "soky.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://soky.example", "host": "soky.example"}, False),
        ({"host": "soky.example"}, True),
    ],
)
def test_a_form_of_another_site_is_told_apart(headers: dict[str, str], welcome: bool) -> None:
    """The browser's own word decides; where it says nothing, the form's token still has to."""
    assert comes_from_here("POST", Headers(headers)) is welcome


def test_reading_needs_no_origin() -> None:
    """A link from elsewhere may lead to a page."""
    assert comes_from_here("GET", Headers({"sec-fetch-site": "cross-site", "host": "soky.example"}))


def test_only_uploads_may_be_large() -> None:
    """A form of a PIN and a reason is small; what is larger is not read."""
    assert body_limit("/inbox/sign") == 256 * 1024
    assert body_limit("/verify") == 51 * MEGABYTE
    assert body_limit("/cases/new") == 10 * MEGABYTE


@given(st.text(max_size=60))
def test_nobody_is_sent_to_another_site(path: str) -> None:
    """Whatever stands in a link, the way onward begins with one slash of ours."""
    onward = local(path)

    assert onward in {path, ""}
    assert not onward.startswith(("//", "/\\"))
    assert onward == "" or onward.startswith("/")
    assert "\n" not in onward
    assert "\r" not in onward


@pytest.mark.parametrize("crafted", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "/a\nb", ""])
def test_a_crafted_way_onward_leads_nowhere(crafted: str) -> None:
    """None of the known tricks gets past."""
    assert local(crafted) == ""


def test_a_session_is_found_by_its_secret_and_by_nothing_else(tmp_path: Path) -> None:
    """What is kept does not open a session: the table holds a digest."""
    sessions = Sessions(tmp_path / "sessions.db", Clock())

    secret = sessions.open(UnitId("thcs"), PersonId("lan"))
    kept = sqlite3.connect(tmp_path / "sessions.db").execute("SELECT * FROM session").fetchall()

    found = sessions.find(secret)
    assert found is not None
    assert (found.unit, found.person) == ("thcs", "lan")
    assert secret not in str(kept)
    assert sessions.find(str(kept[0][0])) is None
    assert sessions.find("") is None
    sessions.close()


def test_a_session_ends_when_nobody_is_there_and_at_the_end_of_the_day(tmp_path: Path) -> None:
    """An hour without a click ends it; ten hours end it in any case."""
    clock = Clock()
    sessions = Sessions(tmp_path / "sessions.db", clock)
    left = sessions.open(UnitId("thcs"), PersonId("lan"))
    busy = sessions.open(UnitId("thcs"), PersonId("ha"))

    began = clock.now
    while clock.now - began < ABSOLUTE - IDLE:
        clock.now += IDLE - timedelta(minutes=1)
        still = sessions.find(busy)
        assert still is not None

    assert sessions.find(left) is None
    clock.now = began + ABSOLUTE + timedelta(seconds=1)
    assert sessions.find(busy) is None
    sessions.close()


def test_signing_out_ends_the_session_here(tmp_path: Path) -> None:
    """A cookie that was copied before opens nothing after."""
    sessions = Sessions(tmp_path / "sessions.db", Clock())
    secret = sessions.open(UnitId("thcs"), PersonId("lan"))

    sessions.end(secret)

    assert sessions.find(secret) is None
    sessions.close()


def test_each_visitor_has_a_pace_of_their_own() -> None:
    """Whoever asks too often waits; the next visitor does not."""
    now = [0.0]
    pace = Pace(burst=2, seconds_each=6, clock=lambda: now[0])

    asked = [pace.wait_seconds("a") for _ in range(4)]

    assert asked == [0, 0, 6, 6]
    assert pace.wait_seconds("b") == 0
    now[0] = 6.1
    assert pace.wait_seconds("a") == 0
    assert pace.wait_seconds("a") > 0


def test_a_full_house_says_so() -> None:
    """When all seats are taken the next one hears it instead of waiting for ever; a seat given back is free again."""
    seats = Seats(1, patience_seconds=0.01)

    with seats.seat() as first, seats.seat() as second:
        assert (first, second) == (True, False)
    with seats.seat() as third:
        assert third


def test_every_text_is_there_in_both_languages() -> None:
    """No page ever falls back from one language to the other; the places to fill in are the same in both."""
    import string

    def places(words: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(words) if name}

    uneven = {key: pair for key, pair in catalogue().items() if not all(pair) or places(pair[0]) != places(pair[1])}

    assert uneven == {}


def test_a_reader_gets_one_side_of_a_message() -> None:
    """Our errors carry both languages; a page shows one. What cannot be told apart is shown whole."""
    assert one_side("Sai mã PIN. / Wrong PIN.", Language.VI) == "Sai mã PIN."
    assert one_side("Sai mã PIN. / Wrong PIN.", Language.EN) == "Wrong PIN."
    assert one_side("a / b / c", Language.VI) == "a / b / c"
    assert one_side("12 / 3 có / 12 / 3 there", Language.EN) == "12 / 3 there"
    assert text(Language.EN, "inbox.chosen", count=2) == "2 chosen"


def test_people_are_listed_by_their_given_name() -> None:
    """In Vietnam a list of names is sorted by the last word."""
    names = ["Trần Thị Yến", "Nguyễn Văn An", "Lê An"]

    assert sorted(names, key=given_name_first) == ["Lê An", "Nguyễn Văn An", "Trần Thị Yến"]


def test_uploads_have_a_bound_per_visitor_and_together() -> None:
    """Fifty megabytes each lie on a disk before a page sees them: nobody fills it, alone or with others."""
    uploads = Uploads(most=3, per_visitor=2)
    with ExitStack() as stack:
        taken = [stack.enter_context(uploads.one(visitor)) for visitor in "aaabc"]

        assert taken == [True, True, False, True, False]
    with uploads.one("a") as again:
        assert again


async def _answer(body: Callable[[], Awaitable[dict[str, object]]], guard: Guard) -> int:
    """The status with which an application that reads the whole body answers."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/verify",
        "headers": [],
        "client": ("192.0.2.1", 1),
        "query_string": b"",
    }
    try:
        await guard(scope, body, send)
    except HTTPException as refused:
        return refused.status_code
    return int(sent[0]["status"])


async def _reads_all(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})


def test_a_body_that_comes_too_slowly_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visitor who sends a byte now and then holds no place for ever."""
    monkeypatch.setattr("api.web.guard.UPLOAD_SECONDS", 0.2)

    async def slow() -> dict[str, object]:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b"x", "more_body": True}

    assert asyncio.run(_answer(slow, Guard(_reads_all, https=False))) == 408


def test_more_uploads_than_there_is_room_for_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, before a byte is read; when the others are done there is room again."""
    monkeypatch.setattr("api.web.guard.UPLOADS_EACH", 2)

    async def run() -> list[int]:
        guard, go = Guard(_reads_all, https=False), asyncio.Event()

        async def waits() -> dict[str, object]:
            await go.wait()
            return {"type": "http.request", "body": b"x", "more_body": False}

        first, second = asyncio.create_task(_answer(waits, guard)), asyncio.create_task(_answer(waits, guard))
        await asyncio.sleep(0)
        third = await _answer(waits, guard)
        go.set()
        return [third, await first, await second, await _answer(waits, guard)]

    assert asyncio.run(run()) == [503, 200, 200, 200]
