"""What follows when a step is done: the next steps with their due times, the work for the system, the end. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import bpmn
from directory import Capacity, Role
from workflow.calendar import Calendar
from workflow.casefile import CaseFile
from workflow.events import (
    CaseEnded,
    CaseId,
    DocumentRendered,
    Event,
    Fact,
    OpenTask,
    StepCompleted,
    TaskName,
    TasksChanged,
)
from workflow.store import NewWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move of a case, ready to be appended."""

    events: tuple[Event, ...]
    snapshot: bytes
    work: tuple[NewWork, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a due time, a scope and a document id are computed from."""

    case: CaseId
    scope: str  # the class
    closing: datetime | None
    calendar: Calendar
    at: datetime


def first_move(state: bpmn.State, around: Surroundings) -> Move:
    """The steps that wait when a case begins."""
    return _moved(before=(), state=state, rendered=(), around=around)


def move(
    file: CaseFile,
    task: TaskName,
    facts: Mapping[str, Fact],
    around: Surroundings,
    *,
    capacity: Capacity = Capacity.OWN,
    ground: str = "",
    reason: str = "",
    beside: Sequence[Event] = (),
) -> Move:
    """Complete a step. `beside` are the events that go with it (a signature, a new document), written before it."""
    state = bpmn.complete(file.state, task, facts)
    completed = StepCompleted(task=task, capacity=capacity, ground=ground, facts=facts, reason=reason)
    rendered = tuple(event for event in beside if isinstance(event, DocumentRendered))
    moved = _moved(before=bpmn.waiting(file.state), state=state, rendered=rendered, around=around)
    return Move(events=(*beside, completed, *moved.events), snapshot=moved.snapshot, work=moved.work)


def _moved(
    *, before: Sequence[bpmn.Step], state: bpmn.State, rendered: Sequence[DocumentRendered], around: Surroundings
) -> Move:
    old = {step.name for step in before}
    now = bpmn.waiting(state)
    opened = tuple(_open(step, rendered, around) for step in now if step.name not in old)
    closed = tuple(TaskName(step.name) for step in before if step.name not in {s.name for s in now})
    events: list[Event] = [TasksChanged(opened=opened, closed=closed)] if opened or closed else []
    if bpmn.done(state):
        events.append(CaseEnded(outcome=state.ending or ""))
    work = tuple(
        NewWork(kind=task.action, subject_key=f"{around.case}:{task.name}", case=around.case, task=task.name, run_at=around.at)
        for task in opened
        if _is_work(task)
    )
    return Move(events=tuple(events), snapshot=bpmn.snapshot(state), work=work)


def _is_work(task: OpenTask) -> bool:
    return not task.human and task.role is None


def _open(step: bpmn.Step, rendered: Sequence[DocumentRendered], around: Surroundings) -> OpenTask:
    human = step.kind is bpmn.Kind.PERSON
    role = None if step.lane == bpmn.SYSTEM else Role(step.lane)
    due = around.calendar.due(step.props.get("due", ""), opened=around.at, closing=around.closing) if human else None
    percents = [int(part) for part in step.props.get("remind", "").split(",") if part.strip()]
    escalate = step.props.get("escalate", "")
    return OpenTask(
        name=TaskName(step.name),
        step=step.id,
        key=step.key,
        visit=step.visit,
        human=human,
        action=step.props.get("action", step.id) if human else step.id,
        role=role,
        scope=scope_of(role, around.scope, step.key),
        document=next((made.document for made in rendered if made.key == step.key), None),
        due=due,
        reminders=around.calendar.reminders(around.at, due, percents) if due else (),
        escalate_to=Role(escalate) if escalate else None,
    )


def scope_of(role: Role | None, class_name: str, key: str | None) -> str:
    """Subject teachers are appointed to a class and subject, homeroom teachers to a class, everybody else to the unit."""
    if role is Role.SUBJECT_TEACHER:
        return f"{class_name}/{key}"
    return class_name if role is Role.HOMEROOM_TEACHER else ""
