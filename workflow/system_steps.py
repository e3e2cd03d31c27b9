"""What the system does by itself: render the sheets, bind the volume, archive it, publish it. One handler a step.

A handler reads the case, does the work, and appends its result together with the end of its work item: a worker that was
paused and wakes finds its fence stale, and its result is thrown away. Killed at any line, the work item is claimed again.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import documents
import signing
from directory import Capacity, DirectoryBook, PersonId, Role
from workflow.calendar import VIETNAM
from workflow.casefile import CaseFile, read_case
from workflow.desk import Desk
from workflow.errors import CannotBind, NotWaitingHere, both
from workflow.events import (
    Digest,
    DocumentExtended,
    DocumentId,
    DocumentRendered,
    Event,
    Published,
    TaskName,
)
from workflow.may import done_by, rules_of
from workflow.moving import move
from workflow.signing_desk import checked_report
from workflow.store import DocumentRecord, WorkItem

SHEET = "class_book_sheet"
VOLUME = "class_book"
TEACHER = "subject_teacher_signs"
PRINCIPAL = "principal_signs"

# 26 letters and digits of an alphabet without look-alikes: 128 bits, not to be guessed.
CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_LENGTH = 26


def run(desk: Desk, item: WorkItem) -> None:
    """Do a claimed piece of work. Raises WorkflowError, DocumentsError or SigningError when it cannot be done now."""
    file = read_case(desk.store, item.case)
    if item.task is None:
        raise NotWaitingHere(item.subject_key)
    try:
        file.open_task(item.task)
    except NotWaitingHere:
        desk.store.finish(item, now=desk.clock())  # done before, or the case was withdrawn
        return
    events = HANDLERS[item.kind](desk, file)
    moved = move(file, item.task, {}, desk.around(file), beside=events)
    desk.store.append(
        item.case,
        file.record.version,
        moved.events,
        actor=None,
        at=desk.clock(),
        snapshot=moved.snapshot,
        work=moved.work,
        finishing=item,
    )


def render_sheets(desk: Desk, file: CaseFile) -> tuple[Event, ...]:
    """A sheet for each subject of this round, with its data attached and its field laid."""
    book = desk.class_book(file)
    return tuple(rendered_sheet(desk, file, book, key) for key in file.asked_sheets())


def rendered_sheet(desk: Desk, file: CaseFile, book: documents.ClassBook, key: str) -> DocumentRendered:
    """Render one sheet and keep its bytes; the caller appends the event."""
    subject = book.subject(key)
    data = documents.sheet_data(book, key, at=desk.clock().astimezone(VIETNAM).replace(microsecond=0), demo=desk.demo)
    return DocumentRendered(
        document=_next_id(file, key),
        kind=SHEET,
        title=f"{subject.title} – {file.record.title}",
        key=key,
        revision=desk.store.put(documents.render(SHEET, data, pinned=_pinned(desk, file, SHEET))),
        data=desk.store.put(data),
        signatories={documents.field_name(TEACHER, key): PersonId(subject.teacher.id)},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundSheet:
    """A sheet that may go into the volume."""

    key: str
    title: str
    content: bytes
    digest: Digest
    signer: str
    signed_at: datetime
    event: DocumentExtended | None


def bind_volume(desk: Desk, file: CaseFile) -> tuple[Event, ...]:
    """Verify every sheet, give it its validation data, list it with its digest, attach it, and lay the volume's fields."""
    book = desk.class_book(file)
    sheets = [_bindable(desk, file, book, subject.key) for subject in book.subjects]
    attachments = [
        documents.Attachment(
            name=f"{number:02d}-{sheet.key}.pdf", content=sheet.content, mime_type="application/pdf", description=sheet.title
        )
        for number, sheet in enumerate(sheets, 1)
    ]
    entries = [
        documents.SheetEntry(
            key=sheet.key,
            title=sheet.title,
            file_name=attachment.name,
            sha256=sheet.digest,
            signer=sheet.signer,
            signed_at=sheet.signed_at.astimezone(VIETNAM).replace(microsecond=0),
            size=len(sheet.content),
        )
        for sheet, attachment in zip(sheets, attachments, strict=True)
    ]
    unit = desk.book(file.record.unit)
    homeroom = PersonId(book.homeroom_teacher.id)
    head, title = head_signatory(desk, file, unit)
    signatories = {
        "homeroom_teacher_signs": documents.Signatory(
            capacity="", title="GIÁO VIÊN CHỦ NHIỆM", name=unit.person(homeroom).name
        ),
        "principal_signs": documents.Signatory(capacity=title[0], title=title[1], name=unit.person(head).name),
    }
    now = desk.clock().astimezone(VIETNAM).replace(microsecond=0)
    data = documents.volume_data(book, entries, signatories, at=now, demo=desk.demo)
    rendered = DocumentRendered(
        document=_next_id(file, None),
        kind=VOLUME,
        title=file.record.title,
        key=None,
        revision=desk.store.put(documents.render(VOLUME, data, attachments=attachments, pinned=_pinned(desk, file, VOLUME))),
        data=desk.store.put(data),
        signatories={"homeroom_teacher_signs": homeroom, "principal_signs": head},
    )
    return (*(sheet.event for sheet in sheets if sheet.event), rendered)


def head_signatory(desk: Desk, file: CaseFile, unit: DirectoryBook) -> tuple[PersonId, tuple[str, str]]:
    """Who signs for the school today: a deputy whose delegation is in force, otherwise the principal.

    A deputy who did a step of this case that bars them from signing is passed over: they would be refused at the end.
    """
    today = desk.today()
    bars = rules_of(file.process.steps[PRINCIPAL].props).not_same_as
    for lent in unit.delegations:
        if (
            lent.role is Role.PRINCIPAL
            and lent.capacity is Capacity.KT
            and file.record.kind in lent.kinds
            and lent in unit.lent(lent.receiver, today)
            and not done_by(lent.receiver, bars, file.history)
            and any(post.role is Role.VICE_PRINCIPAL for post in unit.posts(lent.receiver, today))
        ):
            return lent.receiver, (Capacity.KT.value, "PHÓ HIỆU TRƯỞNG")
    heads = unit.holders(Role.PRINCIPAL, "", today)
    if not heads:
        raise CannotBind(
            both(
                f"{unit.unit.name} hiện không có hiệu trưởng, cũng không có ủy quyền ký thay còn hiệu lực.",
                f"{unit.unit.name} has no principal today, and no delegation is in force.",
            )
        )
    return heads[0].id, ("", "HIỆU TRƯỞNG")


def _bindable(desk: Desk, file: CaseFile, book: documents.ClassBook, key: str) -> BoundSheet:
    """Only a sheet that is signed by its teacher, verifies now, and says what the class data say."""
    title = book.subject(key).title
    sheet = file.sheet(key)
    if sheet is None or not file.signed_fields(sheet):
        raise CannotBind(both(f"Tờ {title} chưa được ký.", f"The sheet {title} is not signed."))
    event, content, digest, report = _extended(desk, sheet, desk.store.get(sheet.revision))
    field = documents.field_name(TEACHER, key)
    found = next((s for s in report.signatures if s.field == field), None)
    if report.verdict is not signing.Verdict.TOTAL_PASSED or found is None:
        raise CannotBind(both(f"Chữ ký trên tờ {title} không hợp lệ.", f"The signature on the sheet {title} does not pass."))
    if not _says(desk, sheet, book, key):
        raise CannotBind(
            both(f"Tờ {title} không khớp với dữ liệu lớp.", f"The sheet {title} does not say what the class data say.")
        )
    return BoundSheet(
        key=key,
        title=title,
        content=content,
        digest=digest,
        signer=found.signer or book.subject(key).teacher.name,
        signed_at=found.best_time or desk.clock(),
        event=event,
    )


def _extended(
    desk: Desk, sheet: DocumentRecord, content: bytes
) -> tuple[DocumentExtended | None, bytes, Digest, signing.Report]:
    """B-LT before binding: the volume's own validation data will not hold the teachers' revocation data."""
    report = signing.verify(content, desk.trust, at=desk.clock())
    if report.passed and any(s.level in {signing.Level.B_LT, signing.Level.B_LTA} for s in report.signatures):
        return None, content, sheet.revision, report
    longer = signing.extend(content, signing.Level.B_LT, timestamper=desk.timestamper, evidence=desk.evidence, trust=desk.trust)
    report = checked_report(desk, content, longer, level=signing.Level.B_LT)
    digest = desk.store.put(longer)
    event = DocumentExtended(document=sheet.id, before=sheet.revision, after=digest, level=signing.Level.B_LT.value)
    return event, longer, digest, report


def _pinned(desk: Desk, file: CaseFile, kind: str) -> Mapping[str, bytes] | None:
    """The template and schema that the case began with; None where they are today's, which are ready to be used."""
    began = {name.removeprefix(f"{kind}/"): digest for name, digest in file.record.pins.items() if name.startswith(f"{kind}/")}
    today = {name: hashlib.sha256(content).hexdigest() for name, content in documents.pins(kind).items()}
    if all(today.get(name) == digest for name, digest in began.items()):
        return None
    return {name: desk.store.get(digest) for name, digest in began.items()}


def _says(desk: Desk, sheet: DocumentRecord, book: documents.ClassBook, key: str) -> bool:
    """Would the class data of now give exactly the data that the teacher signed?"""
    signed = desk.store.get(sheet.data)
    return documents.sheet_data(book, key, at=_dated(signed), demo=desk.demo) == signed


def _dated(data: bytes) -> datetime:
    """The date that the attached data give their document."""
    return datetime.fromisoformat(json.loads(data)["at"])


def archive_volume(desk: Desk, file: CaseFile) -> tuple[Event, ...]:
    """Validation data for every signature and the archive timestamp: B-LTA. The whole chain of revisions is checked."""
    volume = _the_volume(file)
    content = desk.store.get(volume.revision)
    for earlier in volume.revisions:
        if not content.startswith(desk.store.get(earlier)):
            raise CannotBind(both("Chuỗi phiên bản bị đứt.", "The chain of revisions is broken."))
    longer = signing.extend(
        content, signing.Level.B_LTA, timestamper=desk.timestamper, evidence=desk.evidence, trust=desk.trust
    )
    checked_report(desk, content, longer, level=signing.Level.B_LTA)
    after = desk.store.put(longer)
    return (DocumentExtended(document=volume.id, before=volume.revision, after=after, level=signing.Level.B_LTA.value),)


def publish_volume(desk: Desk, file: CaseFile) -> tuple[Event, ...]:
    """Whoever holds the code may look the volume up."""
    _ = desk
    volume = _the_volume(file)
    code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return (Published(document=volume.id, revision=volume.revision, code=code),)


def _the_volume(file: CaseFile) -> DocumentRecord:
    if file.volume is None:
        raise CannotBind(both("Chưa có tập sổ.", "There is no volume yet."))
    return file.volume


def _next_id(file: CaseFile, key: str | None) -> DocumentId:
    """Each rendering is a document of its own: a sheet redone never takes the place of the old file."""
    number = 1 + sum(document.key == key for document in file.documents)
    return DocumentId(f"{file.record.id}/{key or 'volume'}/{number}")


HANDLERS: Mapping[str, Callable[[Desk, CaseFile], tuple[Event, ...]]] = {
    "render_sheets": render_sheets,
    "bind_volume": bind_volume,
    "archive_volume": archive_volume,
    "publish_volume": publish_volume,
}

__all__ = ["HANDLERS", "TaskName", "run"]
