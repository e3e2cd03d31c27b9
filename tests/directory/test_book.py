"""The directory of a unit: who holds what, and what was lent to whom."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory import (
    Appointment,
    BadDirectory,
    Capacity,
    Credential,
    Delegation,
    DirectoryBook,
    NobodyHere,
    Person,
    PersonId,
    Role,
    Unit,
    UnitId,
    decode,
    encode,
)

UNIT = Unit(id=UnitId("nd"), name="Trường THCS Nguyễn Du", parent="UBND phường Lê Chân", place="Hải Phòng")
HEAD, DEPUTY = PersonId("head"), PersonId("deputy")
LENT = Delegation(
    giver=HEAD,
    receiver=DEPUTY,
    unit=UNIT.id,
    role=Role.PRINCIPAL,
    capacity=Capacity.KT,
    kinds=("class_book",),
    since=date(2026, 11, 1),
    until=date(2026, 11, 30),
    document="12/GUQ",
)
BOOK = DirectoryBook(
    unit=UNIT,
    people=(Person(id=HEAD, name="Đỗ Quang Minh"), Person(id=DEPUTY, name="Hoàng Văn Nam")),
    appointments=(
        Appointment(person=HEAD, unit=UNIT.id, role=Role.PRINCIPAL, since=date(2026, 8, 1), until=date(2026, 11, 20)),
        Appointment(person=DEPUTY, unit=UNIT.id, role=Role.VICE_PRINCIPAL, since=date(2026, 8, 1)),
    ),
    delegations=(LENT,),
    credentials=(
        Credential(
            holder=HEAD,
            certificate="ab" * 32,
            key="file:keys/head.p12",
            not_before=datetime(2026, 1, 1, tzinfo=UTC),
            not_after=datetime(2031, 1, 1, tzinfo=UTC),
        ),
    ),
)


@pytest.mark.parametrize(("day", "holds"), [(date(2026, 7, 31), False), (date(2026, 8, 1), True), (date(2026, 11, 20), True)])
def test_an_appointment_counts_from_its_first_to_its_last_day(day: date, holds: bool) -> None:
    """Both ends of an appointment are days on which it counts."""
    assert bool(BOOK.holders(Role.PRINCIPAL, "", day)) is holds


def test_a_delegation_ends_with_the_authority_it_came_from() -> None:
    """When the principal's appointment has ended, what they lent cannot be used any more."""
    assert BOOK.lent(DEPUTY, date(2026, 11, 20)) == (LENT,)
    assert BOOK.lent(DEPUTY, date(2026, 11, 21)) == ()


def test_a_stranger_is_named() -> None:
    """Asking for somebody unknown says whom and where."""
    with pytest.raises(NobodyHere, match=r"Nguyễn Du.*ghost"):
        BOOK.person(PersonId("ghost"))


def test_a_directory_survives_being_kept() -> None:
    """What was encoded is what is read, and the same book gives the same bytes."""
    assert decode(encode(BOOK)) == BOOK
    assert encode(decode(encode(BOOK))) == encode(BOOK)


@given(
    st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text(max_size=8) | st.lists(st.integers()), max_size=6)
)
def test_no_other_json_is_taken_for_a_directory(data: dict[str, object]) -> None:
    """Whatever is not a directory is refused by our own exception."""
    with pytest.raises(BadDirectory):
        decode(json.dumps(data).encode())


@given(st.sampled_from(["people", "appointments", "delegations", "credentials", "unit"]))
def test_a_missing_part_is_refused(part: str) -> None:
    """Nothing is guessed where a part is missing."""
    data = json.loads(encode(BOOK))
    del data[part]

    with pytest.raises(BadDirectory):
        decode(json.dumps(data).encode())


def test_a_book_is_a_value() -> None:
    """A change makes a new book; the old one is as it was."""
    richer = replace(BOOK, people=(*BOOK.people, Person(id=PersonId("new"), name="Lê Thị Mới")))

    assert len(BOOK.people) == 2
    assert len(richer.people) == 3
