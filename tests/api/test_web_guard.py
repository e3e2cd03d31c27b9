"""What every request passes and every answer carries, and how much one visitor may ask."""

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from api.texts import Language, catalogue, one_side, text
from api.web.entrance import given_name_first, local
from api.web.guard import MEGABYTE, body_limit, comes_from_here
from api.web.limits import Pace, Seats
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
