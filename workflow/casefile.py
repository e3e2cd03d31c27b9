"""A case as it lies on the desk: its record, what happened, its documents, and where the engine stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import bpmn
from directory import PersonId
from workflow.errors import BadChoice, NotWaitingHere, both
from workflow.events import (
    CaseId,
    CaseOpened,
    Digest,
    DocumentRendered,
    DocumentSigned,
    Fact,
    SigningFailed,
    SigningIntended,
    StepCompleted,
    TaskName,
)
from workflow.store import CaseRecord, DocumentRecord, Recorded, Store, TaskRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """Read once, at one version. What is decided from it is written only if the case is still at that version."""

    record: CaseRecord
    history: tuple[Recorded, ...]
    documents: tuple[DocumentRecord, ...]
    tasks: tuple[TaskRecord, ...]  # the open ones
    process: bpmn.Process
    state: bpmn.State

    @property
    def opening(self) -> CaseOpened:
        """The first event of every case."""
        first = self.history[0].event
        assert isinstance(first, CaseOpened)  # noqa: S101 - the store refuses a case that begins otherwise
        return first

    @property
    def volume(self) -> DocumentRecord | None:
        """The volume that counts, if one is bound."""
        return next((d for d in self.documents if d.key is None and not d.superseded), None)

    def sheet(self, key: str) -> DocumentRecord | None:
        """The sheet of a subject that counts."""
        return next((d for d in self.documents if d.key == key and not d.superseded), None)

    def document_of(self, task: TaskRecord) -> DocumentRecord | None:
        """What this step is about: its sheet, or the volume."""
        return self.sheet(task.key) if task.key else self.volume

    def open_task(self, name: TaskName) -> TaskRecord:
        """NotWaitingHere if it does not wait."""
        for task in self.tasks:
            if task.name == name:
                return task
        raise NotWaitingHere(
            both(
                f"Bước “{name}” không còn chờ xử lý: đã có người làm xong hoặc hồ sơ đã chuyển bước. Mở lại hồ sơ để xem.",
                f'The step "{name}" does not wait any more: it has been done, or the case has moved on. Open the case again.',
            )
        )

    def asked_sheets(self) -> tuple[str, ...]:
        """The sheets that are to be signed in this round: all at first, afterwards the ones that were sent back."""
        for entry in reversed(self.history):
            if isinstance(entry.event, StepCompleted | CaseOpened) and (named := entry.event.facts.get("sheets")):
                assert isinstance(named, tuple)  # noqa: S101 - the engine refused anything else
                return named
        return ()

    def signatories(self, document: DocumentRecord) -> Mapping[str, PersonId]:
        """Whose name is printed under which field of this document."""
        for entry in self.history:
            if isinstance(entry.event, DocumentRendered) and entry.event.document == document.id:
                return entry.event.signatories
        return {}

    def signed_fields(self, document: DocumentRecord) -> tuple[str, ...]:
        """The fields of this document that hold a kept signature, in the order they were signed."""
        return tuple(
            entry.event.field
            for entry in self.history
            if isinstance(entry.event, DocumentSigned) and entry.event.document == document.id
        )

    def unanswered_intents(self) -> tuple[Recorded, ...]:
        """Intents behind which no result stands: a key may have been used and the result lost."""
        answered = {
            (entry.event.task, entry.event.document, entry.event.field)
            for entry in self.history
            if isinstance(entry.event, DocumentSigned | SigningFailed)
        }
        return tuple(
            entry
            for entry in self.history
            if isinstance(entry.event, SigningIntended)
            and (entry.event.task, entry.event.document, entry.event.field) not in answered
        )


def read_case(store: Store, case: CaseId) -> CaseFile:
    """NotKept if there is no such case."""
    record = store.case(case)
    history = store.history(case)
    process = load_process(store, record.pins["process"])
    opening = history[0].event
    assert isinstance(opening, CaseOpened)  # noqa: S101 - the store refuses a case that begins otherwise
    state = _stand(process, record, opening, history)
    return CaseFile(
        record=record,
        history=history,
        documents=store.documents(case),
        tasks=store.tasks(case),
        process=process,
        state=state,
    )


def _stand(process: bpmn.Process, record: CaseRecord, opening: CaseOpened, history: tuple[Recorded, ...]) -> bpmn.State:
    """Where the engine stands: from the snapshot, or from the beginning where there is none that fits. Events are the truth."""
    if record.snapshot:
        try:
            return bpmn.restore(process, record.snapshot, _done(history, after=record.snapshot_version))
        except bpmn.StaleSnapshot:
            pass  # written by another version of the engine or of ours: replaying gives the same case
    return bpmn.replay(process, opening.facts, _done(history, after=0))


def _done(history: tuple[Recorded, ...], *, after: int) -> tuple[bpmn.Done, ...]:
    return tuple((e.event.task, e.event.facts) for e in history if e.seq > after and isinstance(e.event, StepCompleted))


def load_process(store: Store, digest: Digest) -> bpmn.Process:
    """The pinned diagram. Parsed once: the bytes of a digest never change."""
    return _parsed(store.get(digest))


@lru_cache(maxsize=64)
def _parsed(xml: bytes) -> bpmn.Process:
    return bpmn.load(xml)


def choose(outcome: str, sheets: tuple[str, ...], known: tuple[str, ...]) -> dict[str, Fact]:
    """The facts of a decision. A sheet that is not in the book, or none where some must be named, is refused."""
    if outcome != "send_back":
        return {"outcome": outcome}
    if strangers := [key for key in sheets if key not in known]:
        raise BadChoice(
            both(f"Sổ không có tờ: {', '.join(strangers)}.", f"The book has no such sheet: {', '.join(strangers)}.")
        )
    if not sheets:
        raise BadChoice(both("Hãy chọn ít nhất một tờ cần ký lại.", "Name at least one sheet that is to be signed again."))
    return {"outcome": outcome, "sheets": tuple(dict.fromkeys(sheets))}
