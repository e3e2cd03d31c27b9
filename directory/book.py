"""The directory of one unit: a value that answers who holds a role, who stands in for whom, and whose certificate that is.

>>> from datetime import date
>>> from directory.values import Appointment, Person, PersonId, Role, Unit, UnitId
>>> unit = Unit(id=UnitId("thcs-nd"), name="Trường THCS Nguyễn Du", parent="UBND phường Lê Chân", place="Hải Phòng")
>>> lan = Person(id=PersonId("lan"), name="Trần Thị Lan")
>>> post = Appointment(person=lan.id, unit=unit.id, role=Role.PRINCIPAL, since=date(2026, 8, 1))
>>> book = DirectoryBook(unit=unit, people=(lan,), appointments=(post,))
>>> [person.name for person in book.holders(Role.PRINCIPAL, "", date(2026, 11, 22))]
['Trần Thị Lan']
"""

from dataclasses import dataclass
from datetime import date

from directory.errors import NobodyHere
from directory.values import Appointment, Credential, Delegation, Person, PersonId, Role, Unit, UnitId


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryBook:
    """Everything that is known about the people of one unit. Values only: a change makes a new book."""

    unit: Unit
    people: tuple[Person, ...]
    appointments: tuple[Appointment, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    credentials: tuple[Credential, ...] = ()

    def person(self, person: PersonId) -> Person:
        """NobodyHere if this unit does not know them."""
        for known in self.people:
            if known.id == person:
                return known
        raise NobodyHere(person, self.unit.name)

    def holders(self, role: Role, scope: str, day: date) -> tuple[Person, ...]:
        """Who is appointed to this role for exactly this scope on this day."""
        return tuple(
            self.person(post.person)
            for post in self.appointments
            if post.role is role and post.scope == scope and in_force(post.since, post.until, day)
        )

    def posts(self, person: PersonId, day: date) -> tuple[Appointment, ...]:
        """The appointments of a person that are in force on this day."""
        return tuple(p for p in self.appointments if p.person == person and in_force(p.since, p.until, day))

    def lent(self, person: PersonId, day: date) -> tuple[Delegation, ...]:
        """The delegations a person may use on this day.

        The giver must still hold the lent role: an authority that ended cannot be passed on (ND 30/2020, art. 13).
        """
        return tuple(
            lent
            for lent in self.delegations
            if lent.receiver == person
            and in_force(lent.since, lent.until, day)
            and any(post.role is lent.role for post in self.posts(lent.giver, day))
        )

    def credentials_of(self, holder: PersonId | UnitId) -> tuple[Credential, ...]:
        """The certificates that a person, or the unit's seal, may sign with."""
        return tuple(c for c in self.credentials if c.holder == holder)


def in_force(since: date, until: date | None, day: date) -> bool:
    """Both ends included."""
    return since <= day and (until is None or day <= until)
