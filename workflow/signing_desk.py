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
from dataclasses import dataclass

import documents
import signing
from directory import Capacity, PersonId, UnitId
from workflow.calendar import VIETNAM
from workflow.casefile import CaseFile, choose
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
from workflow.store import DocumentRecord, TaskRecord

SIGNING_ACTIONS = {"sign", "seal"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """What was announced before the key was used."""

    case: CaseId
    task: TaskRecord
    document: DocumentRecord
    field: str
    certificate: Digest
    holder: PersonId | UnitId
    permitted: Permitted
    request: signing.SignRequest


def sign_step(
    desk: Desk, person: PersonId, case: CaseId, task: TaskName, signer: signing.Signer, *, seen: Digest | None = None
) -> DocumentRecord:
    """Sign what this step is about and complete the step. Raises WorkflowError or SigningError; then nothing is kept.

    `seen`: the revision that the person was shown, if they were shown one.
    """
    intent = desk.settle(case, lambda file: _intend(desk, file, person, task, signer, seen))
    try:
        after, signature = _sign_and_check(desk, intent, signer)
    except (signing.SigningError, SignatureNotKept) as refusal:
        _note_failure(desk, person, intent, refusal.code)
        raise
    kept = desk.store.put(after)
    try:
        return desk.settle(case, lambda file: _keep(desk, file, person, intent, kept, signature))
    except (NotWaitingHere, SignatureNotKept) as too_late:
        _note_failure(desk, person, intent, too_late.code)
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


def _intend(
    desk: Desk, file: CaseFile, person: PersonId, name: TaskName, signer: signing.Signer, seen: Digest | None
) -> Intent:
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
    intent = Intent(
        case=file.record.id,
        task=task,
        document=document,
        field=field,
        certificate=certificate,
        holder=holder,
        permitted=permitted,
        request=_request(desk, file, person, task, field, permitted, first=not file.signed_fields(document)),
    )
    announced = SigningIntended(
        task=task.name,
        document=document.id,
        revision=document.revision,
        field=field,
        certificate=certificate,
        capacity=permitted.capacity,
        ground=permitted.ground,
    )
    desk.store.append(file.record.id, file.record.version, (announced,), actor=person, at=desk.clock())
    return intent


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


def _sign_and_check(desk: Desk, intent: Intent, signer: signing.Signer) -> tuple[bytes, signing.SignatureReport]:
    before = desk.store.get(intent.document.revision)
    after = signing.sign(before, intent.request, signer, timestamper=desk.timestamper, evidence=desk.evidence, trust=desk.trust)
    return after, _checked_signature(desk, before, after, field=intent.field, certificate=intent.certificate)


def checked_report(desk: Desk, before: bytes, after: bytes) -> signing.Report:
    """Never trust what comes back: a revision only adds, and every signature still passes. SignatureNotKept otherwise."""
    if not after.startswith(before) or len(after) <= len(before):
        raise SignatureNotKept(both("Bản mới không nối tiếp bản cũ.", "The new revision does not continue the old one."))
    report = signing.verify(after, desk.trust, at=desk.clock())
    if not report.passed:
        why = "; ".join(f"{s.field}: {s.verdict} {s.sub_indication or ''}" for s in report.signatures)
        raise SignatureNotKept(both(f"Kiểm tra lại không đạt: {why}", f"Our own check did not pass: {why}"))
    return report


def _checked_signature(desk: Desk, before: bytes, after: bytes, *, field: str, certificate: Digest) -> signing.SignatureReport:
    """The new signature stands in the intended field and was made with the intended certificate."""
    report = checked_report(desk, before, after)
    for found in report.signatures:
        if found.field == field and hashlib.sha256(found.certificate or b"").hexdigest() == certificate:
            return found
    raise SignatureNotKept(
        both("Chữ ký nằm sai ô hoặc dùng chứng thư khác.", "The signature is in another field or by another certificate.")
    )


def _keep(
    desk: Desk, file: CaseFile, person: PersonId, intent: Intent, kept: Digest, signature: signing.SignatureReport
) -> DocumentRecord:
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
    return desk.store.document(document.id)


def _note_failure(desk: Desk, person: PersonId, intent: Intent, code: str) -> None:
    failed = SigningFailed(task=intent.task.name, document=intent.document.id, field=intent.field, code=code)
    desk.settle(
        intent.case,
        lambda file: desk.store.append(intent.case, file.record.version, (failed,), actor=person, at=desk.clock()),
    )
