"""Who may do what: own office, delegation, four eyes."""

from datetime import UTC, date, datetime

import pytest

from directory import Appointment, Capacity, Delegation, DirectoryBook, Person, PersonId, Role, Unit, UnitId
from workflow.events import CaseId, StepCompleted, TaskName
from workflow.may import Permitted, Refused, StepRules, grants, may, reads, rules_of
from workflow.store import Recorded, TaskRecord

UNIT = Unit(id=UnitId("nd"), name="Trường THCS Nguyễn Du", parent="UBND phường Lê Chân", place="Hải Phòng")
HEAD, DEPUTY, MATHS, STRANGER = (PersonId(name) for name in ("head", "deputy", "maths", "stranger"))
TODAY = date(2026, 11, 22)
SINCE = date(2026, 8, 1)


def book(**delegation: object) -> DirectoryBook:
    lent = Delegation(
        **{  # type: ignore[arg-type]  # the parametrised tests replace single fields
            "giver": HEAD,
            "receiver": DEPUTY,
            "unit": UNIT.id,
            "role": Role.PRINCIPAL,
            "capacity": Capacity.KT,
            "kinds": ("class_book",),
            "since": date(2026, 11, 1),
            "until": date(2026, 11, 30),
            "document": "12/GUQ",
            **delegation,
        }
    )
    return DirectoryBook(
        unit=UNIT,
        people=tuple(Person(id=each, name=each) for each in (HEAD, DEPUTY, MATHS, STRANGER)),
        appointments=(
            Appointment(person=HEAD, unit=UNIT.id, role=Role.PRINCIPAL, since=SINCE),
            Appointment(person=DEPUTY, unit=UNIT.id, role=Role.VICE_PRINCIPAL, since=SINCE),
            Appointment(person=MATHS, unit=UNIT.id, role=Role.SUBJECT_TEACHER, scope="9A/toan", since=SINCE),
        ),
        delegations=(lent,),
    )


def task(role: Role, scope: str = "", step: str = "principal_signs") -> TaskRecord:
    return TaskRecord(
        case=CaseId("c"),
        unit=UNIT.id,
        case_title="",
        name=TaskName(f"{step}#1"),
        step=step,
        key=None,
        visit=1,
        human=True,
        action="sign",
        role=role,
        scope=scope,
        document=None,
        opened=datetime(2026, 11, 20, tzinfo=UTC),
        due=None,
        escalate_to=None,
        closed=None,
    )


def ask(
    person: PersonId, waiting: TaskRecord, directory: DirectoryBook, rules: StepRules, *history: Recorded
) -> Permitted | Refused:
    return may(person, waiting, kind="class_book", rules=rules, book=directory, history=history, day=TODAY)


OPEN = StepRules(capacities=(Capacity.KT,), not_same_as=())


def test_the_head_signs_in_their_own_office() -> None:
    """The principal needs no delegation."""
    assert ask(HEAD, task(Role.PRINCIPAL), book(), OPEN) == Permitted(capacity=Capacity.OWN, ground="")


def test_a_deputy_signs_kt_with_the_number_of_the_delegation() -> None:
    """Whoever stands in signs KT., and the trail names the paper."""
    assert ask(DEPUTY, task(Role.PRINCIPAL), book(), OPEN) == Permitted(capacity=Capacity.KT, ground="12/GUQ")


@pytest.mark.parametrize(
    "delegation",
    [
        {"until": date(2026, 11, 21)},
        {"since": date(2026, 11, 23)},
        {"kinds": ("diploma",)},
        {"capacity": Capacity.TUQ},
        {"giver": STRANGER},
        {"receiver": MATHS},
    ],
)
def test_a_delegation_that_does_not_fit_gives_nothing(delegation: dict[str, object]) -> None:
    """Ended, not begun, another kind, a capacity the step does not allow, a giver without the role: refused with a reason."""
    answer = ask(DEPUTY, task(Role.PRINCIPAL), book(**delegation), OPEN)

    assert isinstance(answer, Refused)
    assert "HT" in answer.reason


def test_a_teacher_signs_their_own_subject_only() -> None:
    """The scope of an appointment is a class and a subject."""
    assert isinstance(ask(MATHS, task(Role.SUBJECT_TEACHER, "9A/toan"), book(), OPEN), Permitted)
    assert isinstance(ask(MATHS, task(Role.SUBJECT_TEACHER, "9A/khtn"), book(), OPEN), Refused)


def test_whoever_reviewed_may_not_sign_where_four_eyes_are_wanted() -> None:
    """A step that names another as `not_same_as` refuses whoever did that one, before any other right counts."""
    reviewed = Recorded(
        case=CaseId("c"),
        seq=1,
        at=datetime(2026, 11, 20, tzinfo=UTC),
        actor=DEPUTY,
        event=StepCompleted(task=TaskName("vice_principal_reviews#1"), capacity=Capacity.OWN, ground="", facts={}, reason=""),
        leaf=None,
    )
    rules = StepRules(capacities=(Capacity.KT,), not_same_as=("vice_principal_reviews",))

    answer = ask(DEPUTY, task(Role.PRINCIPAL), book(), rules, reviewed)

    assert isinstance(answer, Refused)
    assert "vice_principal_reviews" in answer.reason


def test_the_words_of_the_diagram_become_rules() -> None:
    """A "-" stands for one's own office; the others are capacities."""
    assert rules_of({"capacity": "-,KT.", "not_same_as": "draft, check"}) == StepRules(
        capacities=(Capacity.KT,), not_same_as=("draft", "check")
    )
    assert rules_of({}) == StepRules(capacities=(), not_same_as=())


def test_an_inbox_is_made_of_own_and_lent_roles() -> None:
    """A deputy sees what waits for the principal as long as the delegation is in force."""
    roles = {grant.role for grant in grants(DEPUTY, book(), TODAY)}

    assert roles == {Role.VICE_PRINCIPAL, Role.PRINCIPAL}
    assert {grant.role for grant in grants(DEPUTY, book(), date(2026, 12, 24))} == {Role.VICE_PRINCIPAL}


def test_who_teaches_a_class_may_read_its_case_and_others_may_not() -> None:
    """Reading needs a post: in the class, or leading the unit."""
    assert reads(MATHS, book(), "9A", TODAY)
    assert not reads(MATHS, book(), "9B", TODAY)
    assert reads(HEAD, book(), "9B", TODAY)
    assert not reads(STRANGER, book(), "9A", TODAY)
