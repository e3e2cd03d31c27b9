"""What the workflow needs of whoever keeps things. The promises are in the docstrings; `storage` keeps them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from directory.values import PersonId, Role, UnitId
from workflow.errors import WorkflowError
from workflow.events import CaseId, Digest, DocumentId, Event, TaskName


class Conflict(WorkflowError):
    """Somebody else moved this case at the same moment. Nothing was written: look again and repeat."""

    code = "CONFLICT"


class NotKept(WorkflowError):
    """There is no such thing here."""

    code = "NOT_KEPT"


class StaleFence(WorkflowError):
    """Another worker has taken this piece of work over. The result was thrown away."""

    code = "STALE_FENCE"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as it stands."""

    id: CaseId
    version: int  # number of events
    unit: UnitId
    kind: str
    title: str
    scope: str
    process: str
    pins: Mapping[str, Digest]
    data: Digest
    opened: datetime
    ended: datetime | None
    snapshot: bytes | None  # the engine's state, a cache
    snapshot_version: int  # how many events it covers


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRecord:
    """A step that waits, or waited."""

    case: CaseId
    unit: UnitId
    case_title: str
    name: TaskName
    step: str
    key: str | None
    visit: int
    human: bool
    action: str
    role: Role | None
    scope: str
    document: DocumentId | None
    opened: datetime
    due: datetime | None
    escalate_to: Role | None
    closed: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """A document and its newest revision."""

    id: DocumentId
    case: CaseId
    unit: UnitId
    kind: str
    title: str
    key: str | None
    data: Digest
    revision: Digest
    revisions: tuple[Digest, ...]  # from the first rendering on
    superseded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event with its place: when, by whom, and where its leaf stands in the log (None until it is sequenced)."""

    case: CaseId
    seq: int  # from 1
    at: datetime
    actor: PersonId | None  # None: the system
    event: Event
    leaf: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A right to see tasks: this role in this unit, for this scope ("" sees the tasks whose scope is empty)."""

    unit: UnitId
    role: Role
    scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewWork:
    """Something the system shall do. `subject_key` is unique for ever: the same work is never written twice."""

    kind: str  # the name of a handler
    subject_key: str
    case: CaseId
    task: TaskName | None
    run_at: datetime
    priority: int = 0  # larger first


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkItem:
    """A piece of work that a worker has claimed. Its result counts only as long as nobody else claimed it after."""

    id: int
    kind: str
    subject_key: str
    case: CaseId
    task: TaskName | None
    attempt: int  # from 1
    fence: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DueTask:
    """An open task for which a reminder or the due time has come."""

    case: CaseId
    task: TaskName
    at: datetime
    escalation: bool


class Store(Protocol):
    """Keeps bytes, events, tables and work. Synchronous; safe to use from several threads and processes."""

    def put(self, content: bytes) -> Digest:
        """Keep bytes. Durable (fsync) when it returns; the same bytes twice are kept once."""

    def get(self, digest: Digest) -> bytes:
        """The bytes, hashed again on the way out. NotKept if absent; an error of its own if they have changed."""

    def case(self, case: CaseId) -> CaseRecord:
        """NotKept if there is none."""

    def cases(self, units: Iterable[UnitId], *, limit: int = 100, before: datetime | None = None) -> tuple[CaseRecord, ...]:
        """Cases of these units, newest first."""

    def history(self, case: CaseId, after: int = 0) -> tuple[Recorded, ...]:
        """All events of a case in order, those with seq > after."""

    def tasks(self, case: CaseId, *, open_only: bool = True) -> tuple[TaskRecord, ...]:
        """The steps of a case that wait (or all there ever were), in the order they opened."""

    def task(self, case: CaseId, name: TaskName) -> TaskRecord:
        """NotKept if there was never such a step."""

    def inbox(self, grants: Sequence[Grant], *, limit: int = 200) -> tuple[TaskRecord, ...]:
        """Open human tasks that any of these grants covers: unit, role and scope equal. Nearest due time first."""

    def documents(self, case: CaseId) -> tuple[DocumentRecord, ...]:
        """In the order they were first rendered, superseded ones included."""

    def document(self, document: DocumentId) -> DocumentRecord:
        """NotKept if there is none."""

    def holding(self, revision: Digest) -> tuple[DocumentRecord, ...]:
        """The documents of which these bytes are a revision; empty if none."""

    def published(self, code: str) -> tuple[DocumentRecord, Digest]:
        """What a public code stands for. NotKept if nothing."""

    def append(
        self,
        case: CaseId,
        expected: int,
        events: Sequence[Event],
        *,
        actor: PersonId | None,
        at: datetime,
        snapshot: bytes | None = None,
        work: Sequence[NewWork] = (),
        finishing: WorkItem | None = None,
    ) -> int:
        """The one write. In one transaction: the case's version moves from `expected` (0: a new case), the events, the
        tables made from them, the work items, the log's pending leaves, and the end of the work item that caused it.
        Returns the new version. Conflict: the version was another. StaleFence: the work was taken over. Then nothing
        was written. A `subject_key` that is already there is left as it is.
        """

    def due(self, now: datetime, *, limit: int = 100) -> tuple[DueTask, ...]:
        """Reminders and due times of open tasks that have come and that no Reminded or Escalated event answers yet."""

    def claim(self, owner: str, *, now: datetime, lease_seconds: float, limit: int = 1) -> tuple[WorkItem, ...]:
        """Take waiting work whose time has come, or work whose worker let its lease pass; each with a new fence."""

    def renew(self, item: WorkItem, *, now: datetime, lease_seconds: float) -> None:
        """Hold on to it. StaleFence if it was taken over."""

    def finish(self, item: WorkItem, *, now: datetime) -> None:
        """It is done and has nothing to append. StaleFence if it was taken over."""

    def postpone(self, item: WorkItem, *, error: str, run_at: datetime | None) -> None:
        """It failed; try again at `run_at`, or never without an administrator (None). StaleFence if it was taken over."""

    def directory(self, unit: UnitId) -> bytes:
        """The newest directory of a unit, as canonical JSON. NotKept if none was ever saved."""

    def save_directory(self, unit: UnitId, content: bytes, *, actor: PersonId | None, at: datetime) -> None:
        """A new version of it; the old ones stay, and the log gets a leaf."""

    def units(self) -> tuple[UnitId, ...]:
        """All units that have a directory."""
