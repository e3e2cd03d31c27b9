"""May this person do this step, in which capacity, today? Pure: the answer is a value with its reason.

Authority comes from the directory and never from a certificate (ND 68/2024: a personal certificate need not carry the title).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from directory import Appointment, Capacity, Delegation, DirectoryBook, PersonId, Role
from workflow.errors import both
from workflow.events import StepCompleted
from workflow.store import Grant, Recorded, TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Permitted:
    """Yes, in this capacity; `ground` is the number of the delegation document, or empty."""

    capacity: Capacity
    ground: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """No; the reason in both languages."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRules:
    """What the diagram says of a step about people."""

    capacities: tuple[Capacity, ...]  # allowed besides one's own office
    not_same_as: tuple[str, ...]  # steps whose actor may not do this one


def may(
    person: PersonId,
    task: TaskRecord,
    *,
    kind: str,
    rules: StepRules,
    book: DirectoryBook,
    history: Sequence[Recorded],
    day: date,
) -> Permitted | Refused:
    """Four eyes first, then the own office, then a delegation that is in force for this kind."""
    if task.role is None:
        return Refused(reason=both("Bước này do hệ thống thực hiện.", "The system does this step."))
    if clash := done_by(person, rules.not_same_as, history):
        return Refused(
            reason=both(
                f"Người đã làm bước “{clash}” không được làm bước “{task.step}”.",
                f'Whoever did the step "{clash}" may not do "{task.step}".',
            )
        )
    if any(post.role is task.role and post.scope == task.scope for post in book.posts(person, day)):
        return Permitted(capacity=Capacity.OWN, ground="")
    for lent in book.lent(person, day):
        if lent.role is task.role and kind in lent.kinds and lent.capacity in rules.capacities and _may_use(lent, book, day):
            return Permitted(capacity=lent.capacity, ground=lent.document)
    return Refused(
        reason=both(
            f"Bước này dành cho {task.role.value}{_of(task.scope)}; quý vị không giữ vai trò đó, cũng không được ủy quyền.",
            f"This step is for {task.role.value}{_of(task.scope)}; you do not hold that role, nor was it delegated to you.",
        )
    )


def grants(person: PersonId, book: DirectoryBook, day: date) -> tuple[Grant, ...]:
    """What a person's inbox is made of: own posts and what was lent to them."""
    own = {Grant(unit=book.unit.id, role=post.role, scope=post.scope) for post in book.posts(person, day)}
    lent = {Grant(unit=book.unit.id, role=lent.role, scope="") for lent in book.lent(person, day)}
    return tuple(sorted(own | lent, key=lambda grant: (grant.role.value, grant.scope)))


def rules_of(props: Mapping[str, str]) -> StepRules:
    """From the few words in the diagram: capacity = "-,KT.", not_same_as = "draft,check"."""
    words = [word.strip() for word in props.get("capacity", "").split(",")]
    return StepRules(
        capacities=tuple(Capacity(word) for word in words if word not in {"", "-"}),
        not_same_as=tuple(step.strip() for step in props.get("not_same_as", "").split(",") if step.strip()),
    )


def _may_use(lent: Delegation, book: DirectoryBook, day: date) -> bool:
    """Only a deputy of the head signs KT. (ND 30/2020, art. 13.1)."""
    return lent.capacity is not Capacity.KT or any(post.role is Role.VICE_PRINCIPAL for post in book.posts(lent.receiver, day))


def reads(person: PersonId, book: DirectoryBook, scope: str, day: date) -> bool:
    """May this person see a case of this scope (a class)? Those who lead or audit the unit, or stand in for who leads it;
    those who teach in it.
    """
    leading = {Role.PRINCIPAL, Role.VICE_PRINCIPAL, Role.CLERK, Role.AUDITOR, Role.ADMINISTRATOR}
    posts = book.posts(person, day)
    return any(p.role in leading or _class_of(p) == scope for p in posts) or any(
        lent.role in leading for lent in book.lent(person, day)
    )


def _class_of(post: Appointment) -> str:
    """The class in a scope. A class may be called "9/1": only the last part of a subject teacher's scope is the subject."""
    return post.scope.rpartition("/")[0] if post.role is Role.SUBJECT_TEACHER else post.scope


def done_by(person: PersonId, steps: tuple[str, ...], history: Sequence[Recorded]) -> str | None:
    """Which of these steps this person has done in this case, if any."""
    for entry in history:
        if entry.actor == person and isinstance(entry.event, StepCompleted):
            step = entry.event.task.partition("#")[0].partition(".")[0]
            if step in steps:
                return step
    return None


def _of(scope: str) -> str:
    return f" ({scope})" if scope else ""
