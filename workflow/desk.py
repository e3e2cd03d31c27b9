"""What every action needs at hand: the store, the trust, the clock. Effects live behind these; decisions do not."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import TypeVar

import documents
import signing
from directory import DirectoryBook, PersonId, UnitId, decode
from workflow.calendar import CALENDAR, VIETNAM, Calendar
from workflow.casefile import CaseFile, read_case
from workflow.events import CaseId, CaseOpened
from workflow.moving import Surroundings
from workflow.store import Conflict, Store

T = TypeVar("T")


@lru_cache(maxsize=32)
def _decoded(content: bytes) -> DirectoryBook:
    """Once per version: a step asks some four times who is who."""
    return decode(content)


# Thirteen teachers may sign in one case at the same moment: measured, one of them needs up to ten tries on PostgreSQL.
MOST_TRIES = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Wired once, handed down. `clock` gives aware datetimes."""

    store: Store
    trust: signing.Trust
    timestamper: signing.Timestamper
    evidence: signing.Evidence
    clock: Callable[[], datetime]
    demo: bool  # every page says that it has no legal value
    calendar: Calendar = field(default=CALENDAR)

    def today(self) -> date:
        """The day in Vietnam: appointments and delegations count in days there."""
        return self.clock().astimezone(VIETNAM).date()

    def book(self, unit: UnitId) -> DirectoryBook:
        """The directory of a unit as it is now."""
        return _decoded(self.store.directory(unit))

    def around(self, file: CaseFile) -> Surroundings:
        """What the next due times are computed from."""
        return self.around_opening(file.record.id, file.opening)

    def around_opening(self, case: CaseId, opening: CaseOpened) -> Surroundings:
        """The same for a case that is just being opened."""
        return Surroundings(case=case, scope=opening.scope, closing=opening.closing, calendar=self.calendar, at=self.clock())

    def class_book(self, file: CaseFile) -> documents.ClassBook:
        """The data of the case, with every correction so far."""
        return documents.class_book_from_json(self.store.get(file.record.data))

    def settle(self, case: CaseId, attempt: Callable[[CaseFile], T]) -> T:
        """Read the case, decide, write; when somebody else wrote first, read and decide anew. Decisions are never replayed."""
        for tried in range(MOST_TRIES):
            try:
                return attempt(read_case(self.store, case))
            except Conflict:
                if tried == MOST_TRIES - 1:
                    raise
                time.sleep(random.uniform(0.001, 0.01) * min(tried + 1, 10))  # noqa: S311 - spreads retries, no secret
        raise AssertionError  # the loop returns or raises

    def name_of(self, unit: UnitId, person: PersonId) -> str:
        """For messages and pages."""
        return self.book(unit).person(person).name
