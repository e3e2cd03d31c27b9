"""The office: everything a person, a page or a worker can do with a case. Each action reads, decides and writes once.

The story of a class book is told in `docs/life-of-a-document.md`; this file is its table of contents.
"""

import hashlib
import re
import secrets
import threading
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.resources import files

import bpmn
import documents
import signing
from directory import DirectoryBook, PersonId, Role, UnitId, encode
from workflow import system_steps, views
from workflow.casefile import CaseFile, choose, read_case
from workflow.desk import Desk
from workflow.errors import BadChoice, NotYours, ReasonMissing, WorkflowError, both
from workflow.events import (
    CaseId,
    CaseOpened,
    DataCorrected,
    Digest,
    DocumentSuperseded,
    Escalated,
    Event,
    Fact,
    Reminded,
    TaskName,
)
from workflow.may import Permitted, grants, reads
from workflow.moving import first_move, move
from workflow.signing_batch import SigningBatch
from workflow.signing_desk import SIGNING_ACTIONS, Readable, require, sign_step
from workflow.store import CaseRecord, Conflict, DocumentRecord, DueTask, NotKept, TaskRecord, WorkItem

KIND = "class_book"
PROCESS = "class_book_term"
OPENERS = {Role.PRINCIPAL, Role.VICE_PRINCIPAL, Role.CLERK, Role.ADMINISTRATOR}

# A reason is read by people and kept for ever; longer texts belong in a document.
LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """What became of one task of a batch."""

    case: CaseId
    task: TaskName
    signed: bool
    code: str  # "" when signed
    message: str  # both languages


class Office:
    """Synchronous; safe to share between threads."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._locks: dict[tuple[CaseId, TaskName], threading.Lock] = {}
        self._locks_lock = threading.Lock()

    # -- looking ------------------------------------------------------------------------------------------------------

    def unit_book(self, unit: UnitId) -> DirectoryBook:
        """The people of a unit."""
        return self.desk.book(unit)

    def unit_of(self, person: PersonId) -> DirectoryBook:
        """The unit a person belongs to. NotYours if none knows them."""
        for unit in self.desk.store.units():
            book = self.desk.book(unit)
            if any(known.id == person for known in book.people):
                return book
        raise NotYours(both(f"Không có người mang mã “{person}”.", f'Nobody has the id "{person}".'))

    def inbox(self, person: PersonId) -> tuple[TaskRecord, ...]:
        """What waits for this person, nearest due time first."""
        book = self.unit_of(person)
        return self.desk.store.inbox(grants(person, book, self.desk.today()))

    def cases(self, person: PersonId) -> tuple[CaseRecord, ...]:
        """The cases this person may see, newest first."""
        book = self.unit_of(person)
        found = self.desk.store.cases((book.unit.id,))
        return tuple(case for case in found if reads(person, book, case.scope, self.desk.today()))

    def look(self, person: PersonId, case: CaseId, task: TaskName) -> views.TaskView:
        """A step with its document, and what this person may do with it."""
        file = self._readable(person, case)
        return views.task_view(self.desk, file, person, file.open_task(task))

    def case_view(self, person: PersonId, case: CaseId) -> views.CaseView:
        """Where a case stands, what happened, why it waits, and every document with its revisions."""
        return views.case_view(self.desk, self._readable(person, case))

    def revision(self, person: PersonId, digest: Digest) -> bytes:
        """The bytes of a revision, if it belongs to a case that this person may see."""
        for document in self.desk.store.holding(digest):
            self._readable(person, document.case)
            return self.desk.store.get(digest)
        raise NotKept(both("Không có tài liệu này.", "There is no such document."))

    # -- opening ------------------------------------------------------------------------------------------------------

    def open_class_book(self, person: PersonId, content: bytes, filename: str, closing: datetime | None = None) -> CaseId:
        """Open the term closing of a class from its workbook. BadData with every misfit; then nothing is stored."""
        unit = self.unit_of(person)
        if not any(post.role in OPENERS for post in unit.posts(person, self.desk.today())):
            raise NotYours(
                both(
                    "Chỉ lãnh đạo, văn thư hoặc quản trị được mở sổ.",
                    "Only the heads, the clerk or the administrator open a book.",
                )
            )
        book = documents.read_class_book(content, filename)
        self._require_known_people(unit, book)
        return self._open(person, unit, book, closing)

    def _open(self, person: PersonId, unit: DirectoryBook, book: documents.ClassBook, closing: datetime | None) -> CaseId:
        desk = self.desk
        xml = files("bpmn").joinpath("processes", f"{PROCESS}.bpmn").read_bytes()
        case = CaseId(f"{KIND}-{re.sub(r'[^a-z0-9]+', '-', book.class_name.lower())}-{secrets.token_hex(6)}")
        pins = {"process": desk.store.put(xml)}
        for kind in (system_steps.VOLUME, system_steps.SHEET):
            pins |= {f"{kind}/{name}": desk.store.put(part) for name, part in documents.pins(kind).items()}
        facts: dict[str, Fact] = {"sheets": tuple(subject.key for subject in book.subjects)}
        opening = CaseOpened(
            unit=unit.unit.id,
            kind=KIND,
            title=book.title,
            scope=book.class_name,
            process=PROCESS,
            pins=pins,
            facts=facts,
            data=desk.store.put(documents.class_book_json(book)),
            closing=closing,
        )
        first = first_move(bpmn.start(bpmn.load(xml), facts), desk.around_opening(case, opening))
        desk.store.append(
            case, 0, (opening, *first.events), actor=person, at=desk.clock(), snapshot=first.snapshot, work=first.work
        )
        return case

    def _require_known_people(self, unit: DirectoryBook, book: documents.ClassBook) -> None:
        known = {person.id for person in unit.people}
        named = {book.homeroom_teacher.id, *(subject.teacher.id for subject in book.subjects)}
        if strangers := sorted(named - known):
            raise BadChoice(
                both(
                    f"Sổ nêu mã giáo viên chưa có trong danh bạ của {unit.unit.name}: {', '.join(strangers)}.",
                    f"The book names teachers that the directory of {unit.unit.name} does not know: {', '.join(strangers)}.",
                )
            )

    # -- signing ------------------------------------------------------------------------------------------------------

    def sign(
        self, person: PersonId, case: CaseId, task: TaskName, signer: signing.Signer, *, seen: Digest | None = None
    ) -> DocumentRecord:
        """Sign the document of a step and complete the step. Two clicks at once sign once.

        `seen` is the revision that the person was shown: another one is not signed (NotWaitingHere).
        """
        with self._one_at_a_time((case, task)):
            return sign_step(self.desk, person, case, task, signer, seen=seen, readable=self._reader(person))

    def sign_all(
        self, person: PersonId, tasks: Sequence[tuple[CaseId, TaskName]], signer: signing.Signer
    ) -> Iterator[ItemResult]:
        """One result per task, in order, as each is kept. A wrong secret ends the batch at once: some devices lock after a few
        tries. Stopped or killed in the middle, call it again with the same tasks: what is signed is not signed again.
        """
        batch = SigningBatch(
            desk=self.desk,
            person=person,
            signer=signer,
            steps=tasks,
            readable=self._reader(person),
            lock_of=self._one_at_a_time,
        )
        for (case, task), refusal in batch.results():
            if refusal is None:
                yield ItemResult(case=case, task=task, signed=True, code="", message=both("Đã ký.", "Signed."))
            else:
                yield _refused(case, task, refusal)

    # -- deciding -----------------------------------------------------------------------------------------------------

    def approve(self, person: PersonId, case: CaseId, task: TaskName, remark: str = "") -> None:
        """Finish a review without objection."""
        _require_short(remark)
        self._decide(person, case, task, "approved", (), remark)

    def send_back(self, person: PersonId, case: CaseId, task: TaskName, sheets: Sequence[str], reason: str) -> None:
        """Named sheets are signed again by their teachers, and the volume is bound again. Nobody else signs twice."""
        _require_reason(reason)
        self._decide(person, case, task, "send_back", tuple(sheets), reason)

    def rebind(self, person: PersonId, case: CaseId, task: TaskName, reason: str) -> None:
        """The volume itself is at fault: it is bound again; the sheets and their signatures stay."""
        _require_reason(reason)
        self._decide(person, case, task, "rebind", (), reason)

    def settle(self, person: PersonId, case: CaseId, task: TaskName, outcome: str, reason: str) -> None:
        """After too many rounds the principal says whether it goes on or stops."""
        _require_reason(reason)
        self._decide(person, case, task, outcome, (), reason)

    def withdraw(self, person: PersonId, case: CaseId, reason: str) -> None:
        """End a case that should not have been opened. Everything stays readable."""
        _require_reason(reason)
        self._readable(person, case)

        def attempt(file: CaseFile) -> None:
            task = next((t for t in file.tasks if t.step == "withdraw"), None)
            if task is None:
                raise BadChoice(both("Hồ sơ này không còn thu hồi được.", "This case can no longer be withdrawn."))
            permitted = require(self.desk, file, person, task)
            self._complete(file, person, task, {}, permitted, reason, _supersede_all(file, reason))

        self.desk.settle(case, attempt)

    def _decide(
        self, person: PersonId, case: CaseId, task: TaskName, outcome: str, sheets: tuple[str, ...], reason: str
    ) -> None:
        self._readable(person, case)

        def attempt(file: CaseFile) -> None:
            waiting = file.open_task(task)
            permitted = require(self.desk, file, person, waiting)
            allowed = file.process.steps[waiting.step].form.words
            if outcome not in allowed or (waiting.action in SIGNING_ACTIONS and outcome == "signed"):
                raise BadChoice(both(f"Bước này không có lựa chọn “{outcome}”.", f'This step has no choice "{outcome}".'))
            known = tuple(subject.key for subject in self.desk.class_book(file).subjects)
            facts = choose(outcome, sheets, known)
            given_up = _given_up(file, outcome, sheets, reason)
            self._complete(file, person, waiting, facts, permitted, reason, given_up)

        self.desk.settle(case, attempt)

    def _complete(
        self,
        file: CaseFile,
        person: PersonId,
        task: TaskRecord,
        facts: Mapping[str, Fact],
        permitted: Permitted,
        reason: str,
        beside: Sequence[Event],
    ) -> None:
        moved = move(
            file,
            task.name,
            facts,
            self.desk.around(file),
            capacity=permitted.capacity,
            ground=permitted.ground,
            reason=_words(reason),
            beside=beside,
        )
        self.desk.store.append(
            file.record.id,
            file.record.version,
            moved.events,
            actor=person,
            at=self.desk.clock(),
            snapshot=moved.snapshot,
            work=moved.work,
        )

    def correct(self, person: PersonId, case: CaseId, task: TaskName, content: bytes, reason: str) -> DocumentRecord:
        """A teacher puts a corrected CSV of their own subject in place of the old marks, before signing."""
        _require_reason(reason)
        self._readable(person, case)

        def attempt(file: CaseFile) -> DocumentRecord:
            waiting = file.open_task(task)
            require(self.desk, file, person, waiting)
            sheet = file.document_of(waiting)
            if waiting.key is None or sheet is None:
                raise BadChoice(
                    both("Chỉ tờ môn học chưa ký mới sửa được.", "Only an unsigned subject sheet can be corrected.")
                )
            book = documents.read_subject_csv(content, self.desk.class_book(file), waiting.key)
            after = self.desk.store.put(documents.class_book_json(book))
            rendered = system_steps.rendered_sheet(self.desk, file, book, waiting.key)
            events = (
                DataCorrected(key=waiting.key, before=file.record.data, after=after, reason=_words(reason)),
                DocumentSuperseded(document=sheet.id, reason=_words(reason)),
                rendered,
            )
            self.desk.store.append(case, file.record.version, events, actor=person, at=self.desk.clock())
            return self.desk.store.document(rendered.document)

        return self.desk.settle(case, attempt)

    # -- what the system does -------------------------------------------------------------------------------------------

    def run(self, item: WorkItem) -> None:
        """Do a claimed piece of work."""
        try:
            system_steps.run(self.desk, item)
        except Conflict:
            system_steps.run(self.desk, item)  # a person moved the case meanwhile: once more from the beginning

    def remind(self, *, limit: int = 100) -> int:
        """Write the reminders and escalations whose time has come. Returns how many."""
        due = self.desk.store.due(self.desk.clock(), limit=limit)
        for entry in due:
            self.desk.settle(entry.case, partial(self._remind, due=entry))
        return len(due)

    def _remind(self, file: CaseFile, *, due: DueTask) -> None:
        task = next((t for t in file.tasks if t.name == due.task), None)
        answered = any(
            (isinstance(e.event, Escalated) and due.escalation and e.event.task == due.task)
            or (isinstance(e.event, Reminded) and not due.escalation and e.event.task == due.task and e.event.due >= due.at)
            for e in file.history
        )
        if task is None or answered:  # another worker was quicker
            return
        event: Event = (
            Escalated(task=due.task, to=task.escalate_to or Role.PRINCIPAL)
            if due.escalation
            else Reminded(task=due.task, due=due.at)
        )
        self.desk.store.append(file.record.id, file.record.version, (event,), actor=None, at=self.desk.clock())

    def save_unit(self, book: DirectoryBook, *, actor: PersonId | None = None) -> None:
        """A new version of a unit's directory; the old ones stay and the log gets a leaf.

        An id means one person in the whole installation: BadChoice if another unit has it already. Otherwise whoever writes one
        school's directory could act as another school's principal.
        """
        ids = {person.id for person in book.people}
        for other in self.desk.store.units():
            if other != book.unit.id and (taken := sorted(ids & {person.id for person in self.desk.book(other).people})):
                raise BadChoice(
                    both(
                        f"Mã người đã có ở đơn vị khác: {', '.join(taken)}.",
                        f"Another unit already has people with these ids: {', '.join(taken)}.",
                    )
                )
        self.desk.store.save_directory(book.unit.id, encode(book), actor=actor, at=self.desk.clock())

    # -- inside -------------------------------------------------------------------------------------------------------

    def _readable(self, person: PersonId, case: CaseId) -> CaseFile:
        """The case, if this person belongs to its unit and may see it. A stranger learns nothing, not even that it is there."""
        file = read_case(self.desk.store, case)
        self._reader(person)(file)
        return file

    def _reader(self, person: PersonId) -> Readable:
        """Raises NotKept for a case that this person may not see."""

        def require_readable(file: CaseFile) -> None:
            book = self.desk.book(file.record.unit)
            belongs = any(known.id == person for known in book.people)
            if not belongs or not reads(person, book, file.record.scope, self.desk.today()):
                raise NotKept(both("Không có hồ sơ này trong đơn vị của quý vị.", "There is no such case in your unit."))

        return require_readable

    def _one_at_a_time(self, step: tuple[CaseId, TaskName]) -> threading.Lock:
        with self._locks_lock:
            if len(self._locks) > 10_000:  # noqa: PLR2004 - a bound, not a rule: unlocked entries are only a convenience
                self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}
            return self._locks.setdefault(step, threading.Lock())


def _given_up(file: CaseFile, outcome: str, sheets: tuple[str, ...], reason: str) -> tuple[Event, ...]:
    """What no longer counts after a decision: the volume, and the named sheets."""
    if outcome not in {"send_back", "rebind"}:
        return ()
    old = [file.volume, *(file.sheet(key) for key in sheets)]
    return tuple(DocumentSuperseded(document=d.id, reason=_words(reason)) for d in old if d)


def _supersede_all(file: CaseFile, reason: str) -> tuple[Event, ...]:
    return tuple(DocumentSuperseded(document=d.id, reason=_words(reason)) for d in file.documents if not d.superseded)


def _words(text: str) -> str:
    """What somebody typed, as it is kept: NFC, one space where there were several, no control characters."""
    return " ".join(
        "".join(" " if unicodedata.category(c) in {"Cc", "Cs"} else c for c in unicodedata.normalize("NFC", text)).split()
    )


def _require_reason(reason: str) -> None:
    if not _words(reason):
        raise ReasonMissing(
            both("Hãy ghi lý do để người nhận biết phải làm gì.", "Give a reason, so that they know what to do.")
        )
    _require_short(reason)


def _require_short(reason: str) -> None:
    if len(reason) > LONGEST_REASON:
        raise ReasonMissing(
            both(f"Lý do dài quá {LONGEST_REASON} ký tự.", f"The reason is longer than {LONGEST_REASON} letters.")
        )


def _refused(case: CaseId, task: TaskName, refusal: WorkflowError | signing.SigningError) -> ItemResult:
    return ItemResult(case=case, task=task, signed=False, code=refusal.code, message=str(refusal))


def fingerprint(certificate: bytes) -> Digest:
    """How the directory knows a certificate: SHA-256 of its DER."""
    return Digest(hashlib.sha256(certificate).hexdigest())
