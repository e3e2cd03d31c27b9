"""Working time: due times, holidays, reminders."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow.calendar import CALENDAR, VIETNAM


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("rule", "opened", "closing", "due"),
    [
        ("D-7", "2027-01-04 09:00", "2027-01-15 17:00", "2027-01-08 17:00"),
        ("D", "2027-01-04 09:00", "2027-01-15 17:00", "2027-01-15 17:00"),
        ("D-1", "2027-01-04 09:00", "2027-01-11 17:00", "2027-01-08 17:00"),  # Sunday -> Friday
        ("D-4", "2027-02-01 09:00", "2027-02-12 17:00", "2027-02-03 17:00"),  # Tết: back to the day before it
        ("P1D", "2026-12-31 15:00", None, "2027-01-04 17:00"),  # over New Year and a week-end
        ("P5D", "2027-02-02 10:00", None, "2027-02-16 17:00"),  # over Tết
    ],
)
def test_due_times_fall_on_working_days(rule: str, opened: str, closing: str | None, due: str) -> None:
    """A due time is the end of a working day in Vietnam; week-ends and days off are skipped."""
    assert CALENDAR.due(rule, opened=at(opened), closing=at(closing) if closing else None) == at(due)


@pytest.mark.parametrize("rule", ["", "D-7", "tomorrow", "P1000D", "D--1"])
def test_without_a_rule_there_is_no_due_time(rule: str) -> None:
    """No closing date, or text that is no rule: the step has no due time."""
    assert CALENDAR.due(rule, opened=at("2026-11-23 09:00"), closing=None) is None


def test_reminders_come_after_parts_of_the_working_time() -> None:
    """Half of the working time between Monday morning and Tuesday evening is Monday evening."""
    half, most = CALENDAR.reminders(at("2026-11-23 07:30"), at("2026-11-24 17:00"), (50, 80))

    assert half == at("2026-11-23 17:00")
    assert most == at("2026-11-24 13:12")


@given(st.integers(0, 5000), st.integers(0, 60))
def test_reminders_never_come_after_the_due_time(minutes: int, days: int) -> None:
    """Whatever the span, a reminder lies between opening and due time, and later parts come later."""
    opened = at("2026-11-20 06:00") + timedelta(minutes=minutes)
    due = CALENDAR.due(f"P{days}D", opened=opened, closing=None)
    assert due is not None
    found = CALENDAR.reminders(opened, due, (50, 80))

    assert list(found) == sorted(found)
    assert all(opened <= moment <= due for moment in found)
