"""Events as a school would write them, small enough to read in a test."""

from datetime import datetime, timedelta, timezone
from hashlib import sha256

import pytest

from directory.values import Capacity, PersonId, Role, UnitId
from storage import KeptStore
from workflow.events import (
    CaseId,
    CaseOpened,
    Digest,
    DocumentId,
    DocumentRendered,
    DocumentSigned,
    Event,
    OpenTask,
    StepCompleted,
    TaskName,
    TasksChanged,
)

AT = datetime(2027, 1, 12, 8, 0, tzinfo=timezone(timedelta(hours=7)))
SCHOOL = UnitId("thcs-nguyen-du")
AN = PersonId("gv-an")
SUBJECTS = ("toan", "van", "anh", "ly", "hoa", "sinh", "su", "dia", "gdcd", "cn", "tin", "td", "nt")


class School:
    """Builds the events of a class book's case."""

    case = CaseId("c1")

    def digest(self, text: str) -> Digest:
        """The digest of some text."""
        return Digest(sha256(text.encode()).hexdigest())

    def opened(self, title: str = "Sổ theo dõi, lớp 9A", unit: UnitId = SCHOOL) -> CaseOpened:
        """A case begins."""
        return CaseOpened(
            unit=unit,
            kind="class_book",
            title=title,
            scope="9A",
            process="class_book_term",
            pins={"process": self.digest("process")},
            facts={"sheets": SUBJECTS},
            data=self.digest("data"),
            closing=AT,
        )

    def task(self, key: str, visit: int = 1) -> OpenTask:
        """A teacher is asked to sign a subject."""
        return OpenTask(
            name=self.name(key, visit),
            step="subject_teacher_signs",
            key=key,
            visit=visit,
            human=True,
            action="sign",
            role=Role.SUBJECT_TEACHER,
            scope=f"9A/{key}",
            document=DocumentId(f"{self.case}/{key}/1"),
            due=AT + timedelta(days=3),
            reminders=(AT + timedelta(days=1), AT + timedelta(days=2)),
            escalate_to=Role.VICE_PRINCIPAL,
        )

    def name(self, key: str, visit: int = 1) -> TaskName:
        """The name of that step."""
        return TaskName(f"subject_teacher_signs.{key}#{visit}")

    def opens(self, *keys: str) -> TasksChanged:
        """These teachers are asked."""
        return TasksChanged(opened=tuple(self.task(key) for key in keys), closed=())

    def closes(self, key: str) -> TasksChanged:
        """This one is done."""
        return TasksChanged(opened=(), closed=(self.name(key),))

    def completed(self, key: str) -> StepCompleted:
        """The teacher did it."""
        return StepCompleted(task=self.name(key), capacity=Capacity.OWN, ground="", facts={}, reason="")

    def rendered(self, key: str, content: str = "first") -> DocumentRendered:
        """A sheet came to be."""
        return DocumentRendered(
            document=DocumentId(f"{self.case}/{key}/1"),
            kind="class_book_sheet",
            title=key,
            key=key,
            revision=self.digest(content),
            data=self.digest("data"),
            signatories={f"subject_teacher_signs__{key}": AN},
        )

    def signed(self, key: str, before: str, after: str) -> DocumentSigned:
        """A signature was added to it."""
        return DocumentSigned(
            task=self.name(key),
            document=DocumentId(f"{self.case}/{key}/1"),
            before=self.digest(before),
            after=self.digest(after),
            field=f"subject_teacher_signs__{key}",
            seal=False,
            holder=AN,
            certificate=self.digest("certificate"),
            capacity=Capacity.OWN,
            ground="",
            level="B-T",
            best_time=AT,
        )

    def begin(self, store: KeptStore, *keys: str, case: CaseId | None = None) -> int:
        """A case whose teachers may sign."""
        return store.append(case or self.case, 0, (self.opened(), self.opens(*keys)), actor=None, at=AT)

    def add(self, store: KeptStore, expected: int, *events: Event, actor: PersonId | None = AN) -> int:
        """Go on with the case."""
        return store.append(self.case, expected, events, actor=actor, at=AT + timedelta(minutes=expected))


@pytest.fixture
def school() -> School:
    return School()
