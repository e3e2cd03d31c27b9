"""What the office grants and refuses, on a real store with real keys."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

import documents
import signing
from api.demo.people import AUDITOR, CLERK, DEMO_PIN, DEPUTY, PRINCIPAL, REVIEWER, Cast
from api.demo.story import corrected_marks, open_key, signed_by
from api.settings import BadSettings
from api.wiring import Wired
from api.worker import Worker
from directory import Capacity, PersonId, UnitId
from storage import rebuild
from tests.acceptance.conftest import sign_all
from workflow.errors import BadChoice, NotWaitingHere, NotYours, ReasonMissing, SealRefused, UnknownCertificate
from workflow.events import CaseEnded, CaseId, DocumentSigned, Escalated, Reminded, SigningFailed, TaskName
from workflow.office import Office
from workflow.store import NotKept, TaskRecord


def waiting(wired: Wired, person: PersonId, step: str) -> TaskRecord:
    (task,) = [task for task in wired.office.inbox(person) if task.step == step]
    return task


# -- who may --------------------------------------------------------------------------------------------------------------


def test_a_colleague_cannot_sign_my_sheet(school: Wired, cast: Cast, case: CaseId) -> None:
    """The task of another subject is refused with its role and scope; nothing is written."""
    task = TaskName("subject_teacher_signs.toan#1")
    stranger = cast.teachers["khtn"]
    before = school.store.case(case).version

    with open_key(school, stranger, "subject_teacher_signs") as key, pytest.raises(NotYours, match=r"GVBM.*9A/toan"):
        school.office.sign(stranger, case, task, key)
    assert school.store.case(case).version == before


def test_somebody_elses_key_is_refused(school: Wired, cast: Cast, case: CaseId) -> None:
    """My task with your certificate: the directory does not know it as mine."""
    mine, yours = cast.teachers["toan"], cast.teachers["khtn"]

    with open_key(school, yours, "subject_teacher_signs") as key, pytest.raises(UnknownCertificate):
        school.office.sign(mine, case, TaskName("subject_teacher_signs.toan#1"), key)


def test_a_person_of_no_unit_learns_nothing(school: Wired, case: CaseId) -> None:
    """A stranger is not told whether the case exists."""
    with pytest.raises(NotKept, match="trong đơn vị"):
        school.office.case_view(PersonId("nobody"), case)


def test_a_wrong_pin_stops_at_the_first_and_changes_nothing(school: Wired, cast: Cast, case: CaseId) -> None:
    """The PIN is asked for once; the refusal says that devices lock; no intent is written."""
    asked = []
    teacher = cast.teachers["toan"]
    (credential,) = school.office.unit_of(teacher).credentials_of(teacher)

    def wrong(word: str) -> str:
        asked.append(word)
        return "000000"

    with pytest.raises(signing.WrongSecret), signing.open_signer(school.key_uri(credential.key), wrong):
        pass
    assert len(asked) == 1
    assert DEMO_PIN not in str(school.store.history(case))


def test_a_revoked_certificate_signs_nothing(school: Wired, cast: Cast, case: CaseId) -> None:
    """The certificate is checked before the key is used; the trail names the refusal."""
    teacher = cast.teachers["toan"]
    with open_key(school, teacher, "subject_teacher_signs") as key:
        school.demo_authority.revoke(key.certificate)
        with pytest.raises(signing.SigningError) as refusal:
            school.office.sign(teacher, case, TaskName("subject_teacher_signs.toan#1"), key)

    assert refusal.value.code == "CERTIFICATE_REVOKED"
    failed = [e.event for e in school.store.history(case) if isinstance(e.event, SigningFailed)]
    assert [event.code for event in failed] == ["CERTIFICATE_REVOKED"]
    assert school.office.inbox(teacher), "the task still waits"


# -- the volume -----------------------------------------------------------------------------------------------------------


def test_the_seal_is_refused_without_the_personal_signatures(bound: Wired, case: CaseId) -> None:
    """Somebody who reaches the sealing step with an unsigned volume is stopped (ND 30/2020, art. 32)."""
    from workflow.casefile import read_case
    from workflow.signing_desk import require_personal_signatures

    file = read_case(bound.store, case)
    assert file.volume is not None
    with pytest.raises(SealRefused, match="homeroom_teacher_signs, principal_signs"):
        require_personal_signatures(bound.office.desk, file, file.volume)


def test_a_deputy_signs_kt_when_the_volume_was_bound_for_them(bound: Wired, cast: Cast, case: CaseId) -> None:
    """With a delegation in force at binding, the deputy's name and KT. are printed, and the principal's own hand is refused."""
    today = bound.office.desk.today()
    book = bound.office.unit_of(PRINCIPAL)
    lent = replace(book.delegations[0], since=today, until=today + timedelta(days=5))
    bound.office.save_unit(replace(book, delegations=(lent,)))
    sign_all(bound, cast.homeroom)
    review = waiting(bound, REVIEWER, "vice_principal_reviews")
    bound.office.rebind(REVIEWER, case, review.name, "Hiệu trưởng đi công tác, phó hiệu trưởng ký thay.")
    Worker(bound).drain()
    sign_all(bound, cast.homeroom)
    bound.office.approve(REVIEWER, case, waiting(bound, REVIEWER, "vice_principal_reviews").name)
    Worker(bound).drain()

    task = waiting(bound, DEPUTY, "principal_signs")
    with open_key(bound, PRINCIPAL, "principal_signs") as key, pytest.raises(NotYours, match="Hoàng Văn Nam"):
        bound.office.sign(PRINCIPAL, case, task.name, key)
    sign_all(bound, DEPUTY)

    signed = [e.event for e in bound.store.history(case) if isinstance(e.event, DocumentSigned)][-1]
    assert (signed.holder, signed.capacity, signed.ground) == (DEPUTY, Capacity.KT, "12/GUQ-THCS")


def test_whoever_reviewed_is_not_printed_as_the_one_who_signs(bound: Wired, cast: Cast, case: CaseId) -> None:
    """Four eyes: a deputy who reviewed the volume is passed over when it is bound again; the principal's name is printed."""
    today = bound.office.desk.today()
    book = bound.office.unit_of(PRINCIPAL)
    lent = replace(book.delegations[0], receiver=REVIEWER, since=today, until=today + timedelta(days=5))
    bound.office.save_unit(replace(book, delegations=(lent,)))
    sign_all(bound, cast.homeroom)
    review = waiting(bound, REVIEWER, "vice_principal_reviews")
    bound.office.rebind(REVIEWER, case, review.name, "Sai ngày.")
    Worker(bound).drain()

    volume = next(d for d in bound.store.documents(case) if d.key is None and not d.superseded)
    printed = json.loads(bound.store.get(volume.data))["signatories"]["principal_signs"]
    assert printed == {"capacity": "", "title": "HIỆU TRƯỞNG", "name": "Đỗ Quang Minh"}


def test_sending_back_needs_a_reason_and_known_sheets(bound: Wired, cast: Cast, case: CaseId) -> None:
    """Each misuse gives one clear message and changes nothing."""
    task = waiting(bound, cast.homeroom, "homeroom_teacher_signs").name
    version = bound.store.case(case).version

    with pytest.raises(ReasonMissing):
        bound.office.send_back(cast.homeroom, case, task, ["toan"], "   ")
    with pytest.raises(BadChoice, match="hoa-hoc"):
        bound.office.send_back(cast.homeroom, case, task, ["hoa-hoc"], "Sai.")
    with pytest.raises(BadChoice, match="ít nhất một tờ"):
        bound.office.send_back(cast.homeroom, case, task, [], "Sai.")
    with pytest.raises(BadChoice, match="approved"):
        bound.office.approve(cast.homeroom, case, task)
    assert bound.store.case(case).version == version


def test_the_reviewer_sends_two_sheets_back(bound: Wired, cast: Cast, case: CaseId) -> None:
    """Exactly two teachers sign again; the eleven other signatures stay as they are, byte for byte."""
    sign_all(bound, cast.homeroom)
    kept = {d.key: d.revision for d in bound.store.documents(case) if d.key and not d.superseded}
    review = waiting(bound, REVIEWER, "vice_principal_reviews")
    bound.office.send_back(REVIEWER, case, review.name, ["gdcd", "tin-hoc"], "Thiếu một cột điểm.")
    Worker(bound).drain()

    asked = {task.key for task in bound.store.tasks(case) if task.step == "subject_teacher_signs"}
    assert asked == {"gdcd", "tin-hoc"}
    for key in ("gdcd", "tin-hoc"):
        sign_all(bound, cast.teachers[key])
    now = {d.key: d.revision for d in bound.store.documents(case) if d.key and not d.superseded}
    assert {key for key in kept if now[key] != kept[key]} == {"gdcd", "tin-hoc"}
    assert waiting(bound, cast.homeroom, "homeroom_teacher_signs").visit == 2


def test_a_superseded_volume_stays_readable(bound: Wired, cast: Cast, case: CaseId) -> None:
    """Nothing is deleted: each revision of an old volume can still be fetched, and its signature still passes."""
    sign_all(bound, cast.homeroom)
    old = next(d for d in bound.store.documents(case) if d.key is None)
    review = waiting(bound, REVIEWER, "vice_principal_reviews")
    bound.office.rebind(REVIEWER, case, review.name, "Đóng lại.")
    Worker(bound).drain()

    assert bound.store.document(old.id).superseded
    content = bound.office.revision(AUDITOR, old.revision)
    report = signing.verify(content, bound.office.desk.trust)
    assert report.verdict is signing.Verdict.TOTAL_PASSED


def test_a_correction_reaches_the_sheet_and_the_summary(school: Wired, cast: Cast, case: CaseId) -> None:
    """The teacher uploads corrected marks before signing: the new sheet shows them, the old one is superseded."""
    teacher = cast.teachers["toan"]
    task = next(t for t in school.office.inbox(teacher) if t.key == "toan")
    old = next(d for d in school.store.documents(case) if d.key == "toan")

    new = school.office.correct(teacher, case, task.name, corrected_marks(school, case, "toan"), "Nhập nhầm.")

    assert new.revision != old.revision
    assert school.store.document(old.id).superseded
    book = documents.class_book_from_json(school.store.get(school.store.case(case).data))
    assert str(book.marks[book.subject("toan").key][book.pupils[0].id].ck) == "8.5"
    with pytest.raises(documents.BadData):
        school.office.correct(teacher, case, task.name, b"STT\r\n1\r\n", "Sai tep.")


def test_withdrawing_ends_the_case_and_keeps_everything(school: Wired, cast: Cast, case: CaseId) -> None:
    """The principal withdraws: nothing waits, nothing is deleted, a late signature is refused."""
    teacher = cast.teachers["toan"]
    school.office.withdraw(PRINCIPAL, case, "Mở nhầm lớp.")

    ended = [e.event for e in school.store.history(case) if isinstance(e.event, CaseEnded)]
    assert [event.outcome for event in ended] == ["withdrawn"]
    assert school.store.tasks(case) == ()
    with open_key(school, teacher, "subject_teacher_signs") as key, pytest.raises(NotWaitingHere):
        school.office.sign(teacher, case, TaskName("subject_teacher_signs.toan#1"), key)


# -- the whole way --------------------------------------------------------------------------------------------------------


def test_the_whole_way_leaves_tables_that_the_events_give_again(bound: Wired, cast: Cast, case: CaseId) -> None:
    """From the bound volume to publication; then the log is intact, and the tables are rebuilt from the events alone."""
    sign_all(bound, cast.homeroom)
    bound.office.approve(REVIEWER, case, waiting(bound, REVIEWER, "vice_principal_reviews").name)
    Worker(bound).drain()
    sign_all(bound, PRINCIPAL)
    sign_all(bound, CLERK)
    bound.keep_log()

    record = bound.store.case(case)
    assert record.ended is not None
    assert bound.verify_log() == []
    before = (record, bound.store.tasks(case, open_only=False), bound.store.documents(case), bound.store.history(case))
    rebuild(bound.store.database)
    again = bound.store.case(case)
    after = (again, bound.store.tasks(case, open_only=False), bound.store.documents(case), bound.store.history(case))
    assert replace(after[0], snapshot=None, snapshot_version=0) == replace(before[0], snapshot=None, snapshot_version=0)
    assert after[1:] == before[1:]
    assert len(signed_by(bound, case)) == 13 + 3


def test_reminders_and_escalation_come_once(school: Wired, cast: Cast, case: CaseId) -> None:
    """When working time has passed, each open step is reminded of at 50 and 80 percent, then those above are told; once."""
    del case
    opened = school.office.open_class_book(PRINCIPAL, *_workbook(), closing=datetime.now(UTC) + timedelta(days=30))
    Worker(school).drain()
    later = datetime.now(UTC) + timedelta(days=40)
    office = Office(replace(school.office.desk, clock=lambda: later))

    while office.remind():
        pass

    events = [e.event for e in school.store.history(opened)]
    reminded = [event for event in events if isinstance(event, Reminded)]
    assert len({event.task for event in reminded}) == len(cast.teachers)
    assert len([event for event in events if isinstance(event, Escalated)]) == len(cast.teachers)
    assert office.remind() == 0


def _workbook() -> tuple[bytes, str]:
    from api.demo.story import WORKBOOK

    return WORKBOOK.read_bytes(), WORKBOOK.name


def test_a_delegation_of_yesterday_is_worth_nothing(bound: Wired, cast: Cast, case: CaseId) -> None:
    """The deputy's inbox is empty when the delegation has ended."""
    del cast, case
    book = bound.office.unit_of(PRINCIPAL)
    ended = replace(book.delegations[0], since=date(2026, 1, 1), until=bound.office.desk.today() - timedelta(days=1))
    bound.office.save_unit(replace(book, delegations=(ended,)))

    assert [task for task in bound.office.inbox(DEPUTY) if task.step == "principal_signs"] == []


# -- what must not be reachable -------------------------------------------------------------------------------------------


def test_one_id_is_one_person_in_the_whole_installation(school: Wired) -> None:
    """A second school cannot list another school's principal as its own, and so act as them."""
    book = school.office.unit_of(PRINCIPAL)
    intruder = replace(
        book,
        unit=replace(book.unit, id=UnitId("another-school")),
        people=tuple(person for person in book.people if person.id == PRINCIPAL),
        appointments=(),
        delegations=(),
        credentials=(),
    )

    with pytest.raises(BadChoice, match=PRINCIPAL):
        school.office.save_unit(intruder)


def test_what_was_not_shown_is_not_signed(school: Wired, cast: Cast, case: CaseId) -> None:
    """The sheet was corrected in another window: the old page's button signs nothing."""
    teacher = cast.teachers["toan"]
    task = next(t for t in school.office.inbox(teacher) if t.key == "toan")
    shown = next(d for d in school.store.documents(case) if d.key == "toan").revision
    school.office.correct(teacher, case, task.name, corrected_marks(school, case, "toan"), "Nhập nhầm.")

    with open_key(school, teacher, task.step) as key, pytest.raises(NotWaitingHere, match="changed"):
        school.office.sign(teacher, case, task.name, key, seen=shown)
    assert not [e for e in school.store.history(case) if isinstance(e.event, DocumentSigned)]


def test_a_key_outside_the_office_or_of_an_unnamed_module_is_not_opened(school: Wired) -> None:
    """The directory says whose key it is; which code is loaded and who is asked, only the settings say."""
    for uri in (
        "file:../../etc/passwd",
        "file:/etc/passwd",
        "pkcs11:token=x?module-path=/tmp/x.so",
        "csc:https://evil.example/c1",
    ):
        with pytest.raises(BadSettings):
            school.key_uri(uri)


def test_the_office_has_no_orphans_when_nothing_went_wrong(school: Wired) -> None:
    """Pictures of hand signatures are named by the directory; nothing else lies about."""
    assert school.store.orphans() == ()


def test_only_a_deputy_head_signs_kt(bound: Wired, cast: Cast, case: CaseId) -> None:
    """A delegation KT. to a teacher is worth nothing: they see no more, and the volume is not bound for them."""
    del case
    today = bound.office.desk.today()
    book = bound.office.unit_of(PRINCIPAL)
    teacher = cast.teachers["khtn"]
    lent = replace(book.delegations[0], receiver=teacher, since=today, until=today + timedelta(days=5))
    bound.office.save_unit(replace(book, delegations=(lent,)))
    sign_all(bound, cast.homeroom)
    bound.office.approve(
        REVIEWER,
        waiting(bound, REVIEWER, "vice_principal_reviews").case,
        waiting(bound, REVIEWER, "vice_principal_reviews").name,
    )
    Worker(bound).drain()
    task = waiting(bound, PRINCIPAL, "principal_signs")

    with open_key(bound, teacher, "principal_signs") as key, pytest.raises(NotYours):
        bound.office.sign(teacher, task.case, task.name, key)
