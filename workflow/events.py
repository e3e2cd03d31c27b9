"""What happened in a case, in the words that are kept for ever.

Each class has a tag. The law of evolution: a field is only ever added, at the end, with a default; anything else is a new
tag. The exact bytes of each are pinned by `tests/test_events.py`. Events are the truth: every table can be rebuilt from them.
Bodies hold ids and digests; names and marks stay in documents.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, NewType

from directory.values import Capacity, PersonId, Role, UnitId

CaseId = NewType("CaseId", str)
DocumentId = NewType("DocumentId", str)  # within all cases: "<case>/<subject key or volume-1>"
Digest = NewType("Digest", str)  # SHA-256, 64 small hexadecimal digits
TaskName = NewType("TaskName", str)  # "id.key#visit", a step's name
Fact = bool | int | str | tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTask:
    """A step that began to wait. A row of the task table is made from it."""

    name: TaskName
    step: str  # the BPMN id
    key: str | None  # of which sheet
    visit: int
    human: bool  # False: a work item does it
    action: str  # fill, sign, review, seal, or the name of the system's handler
    role: Role | None  # None for the system's steps
    scope: str  # "9A/toan", "9A" or ""
    document: DocumentId | None  # what is to be signed, as far as it is known
    due: datetime | None
    reminders: tuple[datetime, ...]
    escalate_to: Role | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseOpened:
    """A case began. It ends under the diagram, templates and schemas that it began with: their digests are pinned."""

    tag: ClassVar[str] = "case-opened/1"
    unit: UnitId
    kind: str  # "class_book"
    title: str  # "Sổ theo dõi và đánh giá học sinh, lớp 9A, học kì I, 2026-2027"
    scope: str  # the class: "9A"
    process: str  # id of the process
    pins: Mapping[str, Digest]  # "process", "class_book/template.typ", ... -> digest of the kept bytes
    facts: Mapping[str, Fact]  # what the engine started with
    data: Digest  # the imported data, a blob
    closing: datetime | None  # from which due times are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCompleted:
    """A person or the system finished a step with exactly the facts that the step declares."""

    tag: ClassVar[str] = "step-completed/1"
    task: TaskName
    capacity: Capacity
    ground: str  # number of the delegation, or ""
    facts: Mapping[str, Fact]
    reason: str  # why it was sent back, or a remark


@dataclass(frozen=True, slots=True, kw_only=True)
class TasksChanged:
    """What waits now and did not before, and the other way round. Always beside the event that caused it."""

    tag: ClassVar[str] = "tasks-changed/1"
    opened: tuple[OpenTask, ...]
    closed: tuple[TaskName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRendered:
    """A document came to be: its first revision, with its data attached and its fields laid."""

    tag: ClassVar[str] = "document-rendered/1"
    document: DocumentId
    kind: str
    title: str
    key: str | None  # which sheet; None for the volume
    revision: Digest
    data: Digest  # the exact JSON bytes that were attached
    signatories: Mapping[str, PersonId]  # field -> whose name is printed under it


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSuperseded:
    """A document no longer counts; it stays readable."""

    tag: ClassVar[str] = "document-superseded/1"
    document: DocumentId
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningIntended:
    """Written before a key is used: which document it is about to sign. Without a result behind it, a crash came between."""

    tag: ClassVar[str] = "signing-intended/1"
    task: TaskName
    document: DocumentId
    revision: Digest
    field: str
    certificate: Digest
    capacity: Capacity
    ground: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningFailed:
    """The key was refused or the result was not what was intended; nothing was stored."""

    tag: ClassVar[str] = "signing-failed/1"
    task: TaskName
    document: DocumentId
    field: str
    code: str  # "WRONG_SECRET", "CERTIFICATE_EXPIRED", ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentSigned:
    """A signature was added, checked by ourselves and stored."""

    tag: ClassVar[str] = "document-signed/1"
    task: TaskName
    document: DocumentId
    before: Digest
    after: Digest
    field: str
    seal: bool
    holder: PersonId | UnitId  # whose certificate
    certificate: Digest
    capacity: Capacity
    ground: str
    level: str  # "B-T"
    best_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentExtended:
    """Validation data or an archive timestamp was added."""

    tag: ClassVar[str] = "document-extended/1"
    document: DocumentId
    before: Digest
    after: Digest
    level: str  # "B-LT", "B-LTA"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataCorrected:
    """A teacher put a corrected sheet in place of the old data, before signing it again."""

    tag: ClassVar[str] = "data-corrected/1"
    key: str
    before: Digest  # the whole class book before
    after: Digest  # and after: from now on the data of the case
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reminded:
    """A reminder was due and was shown."""

    tag: ClassVar[str] = "reminded/1"
    task: TaskName
    due: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalated:
    """A step passed its due time: those above were told."""

    tag: ClassVar[str] = "escalated/1"
    task: TaskName
    to: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A sealed document may be looked up by anyone who holds its code."""

    tag: ClassVar[str] = "published/1"
    document: DocumentId
    revision: Digest
    code: str  # 26 letters and digits, random


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseEnded:
    """Nothing waits any more."""

    tag: ClassVar[str] = "case-ended/1"
    outcome: str


Event = (
    CaseOpened
    | StepCompleted
    | TasksChanged
    | DocumentRendered
    | DocumentSuperseded
    | SigningIntended
    | SigningFailed
    | DocumentSigned
    | DocumentExtended
    | DataCorrected
    | Reminded
    | Escalated
    | Published
    | CaseEnded
)
