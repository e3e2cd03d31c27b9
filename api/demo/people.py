"""The demo school: its people are the ones the shipped workbook names, each with a key and a certificate of their own.

Keys are made here, at set-up, by the demo authority; their PIN is public, and every page says that nothing has legal value.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime

import documents
import signing
from api.wiring import Wired
from directory import Appointment, Capacity, Credential, Delegation, DirectoryBook, Person, PersonId, Role, Unit, UnitId
from workflow.office import fingerprint

DEMO_PIN = "246810"

PRINCIPAL = PersonId("ht-do-quang-minh")
REVIEWER = PersonId("pht-le-thi-thu-ha")
DEPUTY = PersonId("pht-hoang-van-nam")
CLERK = PersonId("vt-bui-thi-ngoc")
AUDITOR = PersonId("tra-nguyen-duc-thang")

LEADERS = (
    (PRINCIPAL, "Đỗ Quang Minh", Role.PRINCIPAL),
    (REVIEWER, "Lê Thị Thu Hà", Role.VICE_PRINCIPAL),
    (DEPUTY, "Hoàng Văn Nam", Role.VICE_PRINCIPAL),
    (CLERK, "Bùi Thị Ngọc", Role.CLERK),
    (AUDITOR, "Nguyễn Đức Thắng", Role.AUDITOR),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays in the demo."""

    unit: UnitId
    homeroom: PersonId
    teachers: dict[str, PersonId]  # subject key -> who signs it


def settle_school(wired: Wired, book: documents.ClassBook) -> Cast:
    """Appoint everybody the workbook names, issue their keys, and keep the directory."""
    unit = Unit(id=UnitId(book.school.code), name=book.school.name, parent=book.school.parent, place=book.school.place)
    since = date(int(book.school_year[:4]), 8, 1)
    teachers = {teacher.id: teacher.name for teacher in (book.homeroom_teacher, *(s.teacher for s in book.subjects))}
    names = {PersonId(id_): name for id_, name in teachers.items()} | {id_: name for id_, name, _ in LEADERS}
    posts = [Appointment(person=id_, unit=unit.id, role=role, since=since) for id_, _, role in LEADERS]
    posts.append(_post(book.homeroom_teacher.id, unit, Role.HOMEROOM_TEACHER, book.class_name, since))
    posts += [
        _post(subject.teacher.id, unit, Role.SUBJECT_TEACHER, f"{book.class_name}/{subject.key}", since)
        for subject in book.subjects
    ]
    deputising = Delegation(
        giver=PRINCIPAL,
        receiver=DEPUTY,
        unit=unit.id,
        role=Role.PRINCIPAL,
        capacity=Capacity.KT,
        kinds=("class_book",),
        since=date(since.year + 1, 5, 1),  # lent for the end of the year, so that the demo shows the principal's own hand
        until=date(since.year + 1, 6, 30),
        document="12/GUQ-THCS",
    )
    signing_people = [id_ for id_ in names if id_ not in {CLERK, AUDITOR}]
    credentials = [_issue(wired, id_, names[id_], unit) for id_ in signing_people]
    credentials.append(_issue_seal(wired, unit))
    people = tuple(
        Person(id=id_, name=name, picture=wired.store.put(documents.hand_signature(name))) for id_, name in names.items()
    )
    wired.office.save_unit(
        DirectoryBook(
            unit=unit,
            people=people,
            appointments=tuple(posts),
            delegations=(deputising,),
            credentials=tuple(credentials),
        )
    )
    return Cast(
        unit=unit.id,
        homeroom=PersonId(book.homeroom_teacher.id),
        teachers={subject.key: PersonId(subject.teacher.id) for subject in book.subjects},
    )


def _post(person: str, unit: Unit, role: Role, scope: str, since: date) -> Appointment:
    return Appointment(person=PersonId(person), unit=unit.id, role=role, scope=scope, since=since)


def _issue(wired: Wired, person: PersonId, name: str, unit: Unit) -> Credential:
    issued = wired.demo_authority.issue(name, f"DEMO:{person}", unit=unit.name, pin=DEMO_PIN, file=person)
    return _credential(person, issued)


def _issue_seal(wired: Wired, unit: Unit) -> Credential:
    issued = wired.demo_authority.issue(unit.name, f"DEMO:{unit.id}", kind="seal", unit=unit.name, pin=DEMO_PIN, file="con-dau")
    return _credential(unit.id, issued)


def _credential(holder: PersonId | UnitId, issued: signing.Issued) -> Credential:
    begin, end = signing.validity(issued.certificate)
    return Credential(
        holder=holder,
        certificate=fingerprint(issued.certificate),
        key=f"file:keys/{issued.path.name}",
        not_before=_utc(begin),
        not_after=_utc(end),
    )


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)
