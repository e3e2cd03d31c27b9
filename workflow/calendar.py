"""Working time in Vietnam: due times and reminders. Pure; the holidays are data with a source.

The result goes into the event, so that a later change of the holiday table changes nothing silently.

>>> from datetime import datetime
>>> CALENDAR.due("P1D", opened=datetime(2026, 12, 31, 15, 0, tzinfo=VIETNAM), closing=None).isoformat()
'2027-01-04T17:00:00+07:00'
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
DAY_BEGINS = time(7, 30)
DAY_ENDS = time(17, 0)

FROM_CLOSING = re.compile(r"D([+-]\d{1,3})?")
AFTER_OPENING = re.compile(r"P(\d{1,3})D")
WORKING_TIME = re.compile(r"PT(\d{1,4})([HM])")

# A span of working days that is longer than this is a mistake in a diagram, not a deadline.
MOST_DAYS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Which days are worked. Monday to Friday, except days off, plus make-up days."""

    off: frozenset[date]
    make_up: frozenset[date]

    def works(self, day: date) -> bool:
        """Is this a working day?"""
        return day in self.make_up or (day.weekday() < 5 and day not in self.off)  # noqa: PLR2004 - Saturday is 5

    def due(self, text: str, *, opened: datetime, closing: datetime | None) -> datetime | None:
        """When a step is due, at the end of a working day in Vietnam.

        "D-7": seven days before the closing date, moved back to a working day. "P2D": after two working days.
        "PT4H", "PT90M": after that much working time.
        None where the text is empty, or counts from a closing date that the case does not have.
        """
        if (counted := FROM_CLOSING.fullmatch(text)) and closing:
            day = closing.astimezone(VIETNAM).date() + timedelta(days=int(counted[1] or 0))
            return self._end_of(self._back(day))
        if after := AFTER_OPENING.fullmatch(text):
            return self._end_of(self._forward(opened.astimezone(VIETNAM).date(), int(after[1])))
        if work := WORKING_TIME.fullmatch(text):
            return self._after_work(opened, timedelta(minutes=int(work[1]) * (60 if work[2] == "H" else 1)))
        return None

    def reminders(self, opened: datetime, due: datetime, percents: Iterable[int]) -> tuple[datetime, ...]:
        """When to remind: after these parts of the working time between opening and due time."""
        whole = self._worked(opened, due)
        return tuple(self._after_work(opened, whole * percent / 100) for percent in percents) if whole else ()

    def _back(self, day: date) -> date:
        while not self.works(day):
            day -= timedelta(days=1)
        return day

    def _forward(self, day: date, working_days: int) -> date:
        for _ in range(MOST_DAYS):
            if working_days == 0:
                break
            day += timedelta(days=1)
            working_days -= self.works(day)
        return day

    def _end_of(self, day: date) -> datetime:
        return datetime.combine(day, DAY_ENDS, VIETNAM)

    def _spans(self, begin: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
        """The working hours between two moments, a pair a day."""
        day = begin.astimezone(VIETNAM).date()
        for _ in range(MOST_DAYS):
            first = max(begin.astimezone(VIETNAM), datetime.combine(day, DAY_BEGINS, VIETNAM))
            last = min(end.astimezone(VIETNAM), self._end_of(day))
            if self.works(day) and first < last:
                yield first, last
            day += timedelta(days=1)
            if datetime.combine(day, time(0), VIETNAM) >= end:
                return

    def _worked(self, begin: datetime, end: datetime) -> timedelta:
        return sum((last - first for first, last in self._spans(begin, end)), timedelta())

    def _after_work(self, begin: datetime, work: timedelta) -> datetime:
        left = work
        moment = begin
        for first, last in self._spans(begin, begin + timedelta(days=MOST_DAYS)):
            if last - first >= left:
                return first + left
            left -= last - first
            moment = last
        return moment


def read_calendar(path: Path) -> Calendar:
    """The days of every year in the file."""
    years = tomllib.loads(path.read_text(encoding="utf-8")).values()
    return Calendar(
        off=frozenset(date.fromisoformat(day) for year in years for day in year["off"]),
        make_up=frozenset(date.fromisoformat(day) for year in years for day in year["make_up"]),
    )


CALENDAR = read_calendar(Path(__file__).with_name("holidays.toml"))
