"""A person signs: intend, sign, check, put, append. Written so that the power may fail after each line.

| # | effect | what is left if it stops here |
| 1 | may this person do this, today? | nothing |
| 2 | `SigningIntended` is appended | an intent that the case page shows; signing again is safe |
| 3 | the key signs, a timestamp is taken | the same; the log names the document the key may have been used on |
| 4 | we check the result ourselves | the same |
| 5 | the new revision is put | a blob that nothing points to, found by `soky check` |
| 6 | `DocumentSigned`, the step's completion, what follows | everything |
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import documents
import signing
from directory import Capacity, PersonId, UnitId
from workflow.calendar import VIETNAM
from workflow.casefile import CaseFile, choose, read_case
from workflow.desk import Desk
from workflow.errors import NotWaitingHere, NotYours, SealRefused, SignatureNotKept, UnknownCertificate, both
from workflow.events import (
    CaseId,
    Digest,
    DocumentSigned,
    SigningFailed,
    SigningIntended,
    TaskName,
)
from workflow.may import Permitted, Refused, may, rules_of
from workflow.moving import move
from workflow.store import Conflict, DocumentRecord, TaskRecord

SIGNING_ACTIONS = {"sign", "seal"}


Readable = Callable[[CaseFile], None]  # raises when this person may not even see the case


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What was announced before the key was used."""

    file: CaseFile  # the case as it stood when this had been written
    case: CaseId
    task: TaskRecord
    document: DocumentRecord
    field: str
    certificate: Digest
    holder: PersonId | UnitId
    permitted: Permitted
    request: signing.SignRequest


def sign_step(
    desk: Desk,
    person: PersonId,
    case: CaseId,
    task: TaskName,
    signer: signing.Signer,
    *,
    seen: Digest | None = None,
    readable: Readable,
) -> DocumentRecord:
    """Sign what this step is about and complete the step. Raises WorkflowError or SigningError; then nothing is kept.

    `seen`: the revision that the person was shown, if they were shown one.
    """
    intent = desk.settle(case, lambda file: announce(desk, file, person, task, signer, seen=seen, readable=readable))
    before = desk.store.get(intent.document.revision)
    try:
        after = signing.sign(
            before, intent.request, signer, timestamper=desk.timestamper, evidence=desk.evidence, trust=desk.trust
        )
    except signing.SigningError as refusal:
        note_failure(desk, person, intent, refusal.code)
        raise
    keep(desk, person, intent, before, after, file=intent.file)
    return desk.store.document(intent.document.id)


def keep(desk: Desk, person: PersonId, intent: Intent, before: bytes, after: bytes, *, file: CaseFile | None) -> None:
    """Check what the key made, put it, and complete the step. SignatureNotKept or NotWaitingHere: it is thrown away.

    `file`: the case if nothing but intents was written since it was read, so that it need not be read again.
    """
    try:
        signature = _checked_signature(desk, before, after, intent)
        kept = desk.store.put(after)
        try:
            _complete(desk, file or read_case(desk.store, intent.case), person, intent, kept, signature)
        except Conflict:
            desk.settle(intent.case, lambda newest: _complete(desk, newest, person, intent, kept, signature))
    except (NotWaitingHere, SignatureNotKept) as refusal:
        note_failure(desk, person, intent, refusal.code)
        raise


def permission(desk: Desk, file: CaseFile, person: PersonId, task: TaskRecord) -> Permitted | Refused:
    """May this person do this step today, and if it is signed: is it their name that is printed there?"""
    answer = may(
        person,
        task,
        kind=file.record.kind,
        rules=rules_of(file.process.steps[task.step].props),
        book=desk.book(file.record.unit),
        history=file.history,
        day=desk.today(),
    )
    document = file.document_of(task)
    if isinstance(answer, Refused) or document is None:
        return answer
    printed = file.signatories(document).get(documents.field_name(task.step, task.key))
    if task.action == "sign" and printed not in {None, person}:
        name = desk.name_of(file.record.unit, printed) if printed else ""
        return Refused(
            reason=both(
                f"Tên in dưới ô ký là {name}. Nếu người ký thay đổi, hãy trả tập sổ để đóng lại.",
                f"The name printed here is {name}. If somebody else is to sign, send the volume back to be bound again.",
            )
        )
    return answer


def require(desk: Desk, file: CaseFile, person: PersonId, task: TaskRecord) -> Permitted:
    """NotYours with the reason, or the capacity."""
    answer = permission(desk, file, person, task)
    if isinstance(answer, Refused):
        raise NotYours(answer.reason)
    return answer


def announce(
    desk: Desk,
    file: CaseFile,
    person: PersonId,
    name: TaskName,
    signer: signing.Signer,
    *,
    seen: Digest | None,
    readable: Readable,
) -> Intent:
    """May this person sign this step with this key? Then it is written that they are about to. Raises WorkflowError."""
    readable(file)
    task = file.open_task(name)
    permitted = require(desk, file, person, task)
    document = file.document_of(task)
    if task.action not in SIGNING_ACTIONS or document is None:
        raise NotYours(both("Bước này không phải bước ký.", "This step is not one that is signed."))
    if seen is not None and seen != document.revision:
        raise NotWaitingHere(
            both(
                "Tài liệu đã thay đổi từ lúc quý vị mở xem. Mở lại, xem bản mới rồi ký.",
                "The document has changed since you were shown it. Open it again, read the new one, then sign.",
            )
        )
    holder = file.record.unit if task.action == "seal" else person
    certificate = Digest(hashlib.sha256(signer.certificate).hexdigest())
    _require_registered(desk, file, holder, certificate)
    if task.action == "seal":
        require_personal_signatures(desk, file, document)
    field = documents.field_name(task.step, task.key)
    request = _request(desk, file, person, task, field, permitted, first=not file.signed_fields(document))
    announced = SigningIntended(
        task=task.name,
        document=document.id,
        revision=document.revision,
        field=field,
        certificate=certificate,
        capacity=permitted.capacity,
        ground=permitted.ground,
    )
    version = desk.store.append(file.record.id, file.record.version, (announced,), actor=person, at=desk.clock())
    return Intent(
        file=replace(file, record=replace(file.record, version=version)),
        case=file.record.id,
        task=task,
        document=document,
        field=field,
        certificate=certificate,
        holder=holder,
        permitted=permitted,
        request=request,
    )


def _request(
    desk: Desk, file: CaseFile, person: PersonId, task: TaskRecord, field: str, permitted: Permitted, *, first: bool
) -> signing.SignRequest:
    """A person's signature shows only the blue hand signature; the seal shows itself, unit name and time (ND 30/2020)."""
    book = desk.book(file.record.unit)
    now = desk.clock().astimezone(VIETNAM).replace(microsecond=0)  # what the seal shows is what is signed as /M
    if task.action == "seal":
        card = documents.seal_card(book.unit.name, now, demo=desk.demo)
        return signing.SignRequest(
            field=field,
            kind="seal",
            level=signing.Level.B_T,
            appearance=signing.Page(pdf=card),
            name=book.unit.name,
            location=book.unit.place,
            reason="Đóng dấu sổ theo dõi và đánh giá học sinh",
            at=now,
        )
    signatory = book.person(person)
    step = file.process.steps[task.step].name
    on_behalf = f" ({permitted.capacity.value} – {permitted.ground})" if permitted.capacity is not Capacity.OWN else ""
    picture = desk.store.get(Digest(signatory.picture)) if signatory.picture else documents.hand_signature(signatory.name)
    return signing.SignRequest(
        field=field,
        kind="signature",
        level=signing.Level.B_T,
        certify=2 if first else None,  # later steps only fill the fields that are laid; anything else breaks it
        appearance=signing.Image(png=picture),
        name=signatory.name,
        location=book.unit.place,
        reason=f"{step}{on_behalf}",
        at=now,
    )


def _require_registered(desk: Desk, file: CaseFile, holder: PersonId | UnitId, certificate: Digest) -> None:
    known = {credential.certificate for credential in desk.book(file.record.unit).credentials_of(holder)}
    if certificate not in known:
        raise UnknownCertificate(
            both(
                f"Chứng thư {certificate[:16]}… chưa được đăng ký cho “{holder}”. Nhờ quản trị hệ thống đăng ký.",
                f'The certificate {certificate[:16]}… is not registered for "{holder}". Ask the administrator to register it.',
            )
        )


def require_personal_signatures(desk: Desk, file: CaseFile, document: DocumentRecord) -> None:
    """SealRefused unless every personal field of the volume holds a signature that passes now (ND 30/2020, art. 32)."""
    required = [step.id for step in file.process.steps.values() if step.props.get("action") == "sign"]
    wanted = {field for field in required if field in file.signatories(document)}
    report = signing.verify(desk.store.get(document.revision), desk.trust, at=desk.clock())
    passed = {s.field for s in report.signatures if s.verdict is signing.Verdict.TOTAL_PASSED}
    missing = sorted(wanted - passed)
    if missing or not wanted or not report.passed:
        # Fails closed: a volume without personal fields, or one whose attached sheets do not all pass, is never sealed.
        raise SealRefused(
            both(
                f"Chưa đóng dấu được: chữ ký cá nhân chưa hợp lệ ở {', '.join(missing) or 'tập sổ hoặc tờ đính kèm'}.",
                f"The seal is refused: no valid personal signature in {', '.join(missing) or 'the volume or a sheet'}.",
            )
        )


def checked_report(desk: Desk, before: bytes, after: bytes, *, level: signing.Level | None = None) -> signing.Report:
    """Never trust what comes back: a revision only adds, and every signature still passes. SignatureNotKept otherwise.

    `level`: what every signature of the document must have reached.
    """
    if not after.startswith(before) or len(after) <= len(before):
        raise SignatureNotKept(both("Bản mới không nối tiếp bản cũ.", "The new revision does not continue the old one."))
    report = signing.verify(after, desk.trust, at=desk.clock())
    if not report.passed:
        why = "; ".join(f"{s.field}: {s.verdict} {s.sub_indication or ''}" for s in report.signatures)
        raise SignatureNotKept(both(f"Kiểm tra lại không đạt: {why}", f"Our own check did not pass: {why}"))
    if level is not None:
        for found in report.signatures:
            if found.kind is not signing.SignatureKind.DOC_TIMESTAMP:
                _require_level(found, level)
    return report


def _checked_signature(desk: Desk, before: bytes, after: bytes, intent: Intent) -> signing.SignatureReport:
    """The new signature stands in the intended field, over the whole file, by the intended certificate, at its level."""
    report = checked_report(desk, before, after)
    for found in report.signatures:
        if found.field == intent.field and hashlib.sha256(found.certificate or b"").hexdigest() == intent.certificate:
            _require_level(found, intent.request.level)
            if found.covers_whole_file:
                return found
    raise SignatureNotKept(
        both("Chữ ký nằm sai ô hoặc dùng chứng thư khác.", "The signature is in another field or by another certificate.")
    )


def _require_level(found: signing.SignatureReport, level: signing.Level) -> None:
    """A signature whose timestamp comes from nobody in the trust bundle is not at the level that was asked for."""
    if found.level is None or signing.Level(found.level) < level:
        raise SignatureNotKept(
            both(
                f"Chữ ký «{found.field}» chỉ đạt {found.level or 'không mức nào'}, cần {level}.",
                f"The signature “{found.field}” reaches {found.level or 'no level'}, {level} is needed.",
            )
        )


def _complete(
    desk: Desk, file: CaseFile, person: PersonId, intent: Intent, kept: Digest, signature: signing.SignatureReport
) -> None:
    """The document must be as it was when the key signed; otherwise the signature is of no use and is not kept."""
    task = file.open_task(intent.task.name)
    document = file.document_of(task)
    if document is None or document.revision != intent.document.revision:
        raise SignatureNotKept(
            both(
                "Tài liệu đã thay đổi trong lúc ký. Mở lại và ký lại.",
                "The document changed meanwhile. Open it and sign again.",
            )
        )
    signed = DocumentSigned(
        task=task.name,
        document=document.id,
        before=document.revision,
        after=kept,
        field=intent.field,
        seal=task.action == "seal",
        holder=intent.holder,
        certificate=intent.certificate,
        capacity=intent.permitted.capacity,
        ground=intent.permitted.ground,
        level=signature.level or "",
        best_time=signature.best_time or desk.clock(),
    )
    facts = choose("signed", (), ()) if "signed" in file.process.steps[task.step].form.words else {}
    moved = move(
        file,
        task.name,
        facts,
        desk.around(file),
        capacity=intent.permitted.capacity,
        ground=intent.permitted.ground,
        beside=(signed,),
    )
    desk.store.append(
        file.record.id,
        file.record.version,
        moved.events,
        actor=person,
        at=desk.clock(),
        snapshot=moved.snapshot,
        work=moved.work,
    )


def note_failure(desk: Desk, person: PersonId, intent: Intent, code: str) -> None:
    """Nothing came of an intent, and why."""
    failed = SigningFailed(task=intent.task.name, document=intent.document.id, field=intent.field, code=code)
    desk.settle(
        intent.case,
        lambda file: desk.store.append(intent.case, file.record.version, (failed,), actor=person, at=desk.clock()),
    )
