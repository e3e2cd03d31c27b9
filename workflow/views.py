"""What a page shows of a task and of a case. Values; the sentences are in both languages."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import documents
from directory import Capacity, Person, PersonId
from workflow.calendar import VIETNAM
from workflow.casefile import CaseFile
from workflow.desk import Desk
from workflow.errors import both
from workflow.events import DocumentId, SigningIntended
from workflow.may import Permitted, Refused
from workflow.signing_desk import SIGNING_ACTIONS, permission
from workflow.store import CaseRecord, DocumentRecord, Recorded, TaskRecord

# The vice-principal reviews this many sheets, drawn from the volume's own digest: nobody can choose them.
SAMPLE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetLine:
    """A subject as the list for sending back shows it."""

    key: str
    title: str
    teacher: str
    document: DocumentId | None
    sampled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskView:
    """A step and what this person may do with it."""

    case: CaseRecord
    task: TaskRecord
    title: str  # of the step, from the diagram
    document: DocumentRecord | None
    answer: Permitted | Refused
    field: str
    outcomes: tuple[str, ...]  # besides signing: "approved", "send_back", "rebind", "go_on", "stop"
    signs: bool
    sheets: tuple[SheetLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseView:
    """Where a case stands."""

    case: CaseRecord
    tasks: tuple[TaskRecord, ...]
    titles: Mapping[str, str]  # step id -> its name in the diagram
    waits: tuple[str, ...]  # why, a sentence a step
    trail: tuple[Recorded, ...]
    unanswered: tuple[Recorded, ...]  # intents without a result
    documents: tuple[DocumentRecord, ...]
    people: Mapping[PersonId, Person]
    waiting_steps: tuple[str, ...]
    done_steps: tuple[str, ...]
    process_xml: bytes


def task_view(desk: Desk, file: CaseFile, person: PersonId, task: TaskRecord) -> TaskView:
    """The step as this person meets it."""
    info = file.process.steps[task.step]
    signs = task.action in SIGNING_ACTIONS
    outcomes = tuple(word for word in info.form.words if word != "signed")
    return TaskView(
        case=file.record,
        task=task,
        title=info.name,
        document=file.document_of(task),
        answer=permission(desk, file, person, task),
        field=documents.field_name(task.step, task.key),
        outcomes=outcomes,
        signs=signs,
        sheets=_sheet_lines(desk, file) if "send_back" in outcomes else (),
    )


def case_view(desk: Desk, file: CaseFile) -> CaseView:
    """The case as everybody in it sees it."""
    book = desk.book(file.record.unit)
    people = {person.id: person for person in book.people}
    waiting = tuple(dict.fromkeys(task.step for task in file.tasks if task.step != "withdraw"))
    closed = dict.fromkeys(
        task.step for task in desk.store.tasks(file.record.id, open_only=False) if task.closed and task.step != "withdraw"
    )
    return CaseView(
        case=file.record,
        tasks=file.tasks,
        titles={step.id: step.name for step in file.process.steps.values()},
        waits=tuple(_why(desk, file, task, people) for task in file.tasks if task.step != "withdraw"),
        trail=file.history,
        unanswered=file.unanswered_intents(),
        documents=file.documents,
        people=people,
        waiting_steps=waiting,
        done_steps=tuple(step for step in closed if step not in waiting),
        process_xml=desk.store.get(file.record.pins["process"]),
    )


def sample(digest: str, keys: tuple[str, ...], size: int = SAMPLE) -> tuple[str, ...]:
    """Which sheets are looked at closely: the smallest hashes of digest and key. The same for everyone, chosen by no one."""
    order = sorted(keys, key=lambda key: hashlib.sha256(f"{digest}/{key}".encode()).digest())
    return tuple(key for key in keys if key in order[:size])


def _sheet_lines(desk: Desk, file: CaseFile) -> tuple[SheetLine, ...]:
    book = desk.class_book(file)
    keys = tuple(subject.key for subject in book.subjects)
    drawn = sample(file.volume.revision, keys) if file.volume else ()
    return tuple(
        SheetLine(
            key=subject.key,
            title=subject.title,
            teacher=subject.teacher.name,
            document=sheet.id if (sheet := file.sheet(subject.key)) else None,
            sampled=subject.key in drawn,
        )
        for subject in book.subjects
    )


def _why(desk: Desk, file: CaseFile, task: TaskRecord, people: Mapping[PersonId, Person]) -> str:
    """Whom or what this step waits for."""
    name = file.process.steps[task.step].name
    if task.role is None:
        return both(f"{name}: hệ thống đang thực hiện.", f"{name}: the system is at work.")
    book = desk.book(file.record.unit)
    today = desk.today()
    holders = [person.name for person in book.holders(task.role, task.scope, today)]
    holders += [
        f"{people[lent.receiver].name} ({Capacity(lent.capacity).value})"
        for lent in book.delegations
        if lent.role is task.role and lent in book.lent(lent.receiver, today)
    ]
    tried = [e for e in file.unanswered_intents() if isinstance(e.event, SigningIntended) and e.event.task == task.name]
    vi = f"{name}: chờ {', '.join(holders) or 'người được bổ nhiệm (chưa có ai)'}"
    en = f"{name}: waits for {', '.join(holders) or 'somebody to be appointed (nobody is)'}"
    if task.due:
        late = task.due < desk.clock()
        vi += f", {'quá hạn từ' if late else 'hạn'} {_shown(task.due)}"
        en += f", {'overdue since' if late else 'due'} {_shown(task.due)}"
    if tried:
        vi += "; lần ký trước bị ngắt giữa chừng, ký lại được"
        en += "; an earlier attempt was interrupted, signing again is safe"
    return both(f"{vi}.", f"{en}.")


def _shown(moment: datetime) -> str:
    return moment.astimezone(VIETNAM).strftime("%d/%m/%Y %H:%M")
