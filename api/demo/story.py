"""The main job on real input, told in stages. Every line below does what a person of the school would do.

One sheet is sent back by the homeroom teacher and one volume by the principal, so that the result shows who signed again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import documents
import signing
from api.demo.people import CLERK, DEMO_PIN, PRINCIPAL, REVIEWER, Cast, settle_school
from api.wiring import Wired
from api.worker import Worker
from directory import PersonId, UnitId
from workflow.events import CaseId, DocumentSigned, TaskName
from workflow.store import DocumentRecord, TaskRecord

EXAMPLES = Path(documents.__file__).parent / "examples"
WORKBOOK = EXAMPLES / "class-book-9A.xlsx"
SENT_BACK = "toan"

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the story and how long it took."""

    title: str
    seconds: float


@dataclass(slots=True, kw_only=True)
class Story:
    """The office at work on one class book."""

    wired: Wired
    say: Say
    stages: list[Stage] = field(default_factory=list)

    def tell(self) -> CaseId:
        """From the workbook to the published volume. Returns the case."""
        with self._stage("Lập trường thử: người, khóa, chứng thư / the demo school: people, keys, certificates"):
            book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
            cast = settle_school(self.wired, book)
        with self._stage("Nhập sổ từ Excel, mở hồ sơ, kết xuất 13 tờ / import, open the case, render 13 sheets"):
            case = self._open()
        with self._stage("13 giáo viên bộ môn ký / 13 subject teachers sign"):
            self._teachers_sign(case, cast)
        with self._stage("GVCN trả lại tờ Toán; chỉ giáo viên Toán ký lại / one sheet sent back, one person signs again"):
            self._send_a_sheet_back(case, cast)
        with self._stage("GVCN ký, PHT duyệt, hiệu trưởng trả tập sổ; đóng lại / the principal sends the volume back"):
            self._send_the_volume_back(case, cast)
        with self._stage("GVCN, hiệu trưởng ký; văn thư đóng dấu / signed again, sealed"):
            self._sign_and_seal(case, cast)
        with self._stage("Dấu thời gian lưu trữ (B-LTA), công bố, ghi nhật ký / archive timestamp, publish, log"):
            self._drain()
        return case

    def _open(self) -> CaseId:
        closing = self.wired.office.desk.clock() + timedelta(days=14)
        case = self.wired.office.open_class_book(PRINCIPAL, WORKBOOK.read_bytes(), WORKBOOK.name, closing)
        self._drain()
        return case

    def _teachers_sign(self, case: CaseId, cast: Cast) -> None:
        for teacher in sorted(set(cast.teachers.values())):
            self._sign_everything(teacher, "subject_teacher_signs")
        self._drain()
        _ = case

    def _send_a_sheet_back(self, case: CaseId, cast: Cast) -> None:
        task = self._only(cast.homeroom, "homeroom_teacher_signs")
        self.wired.office.send_back(
            cast.homeroom, case, task.name, [SENT_BACK], "Một điểm ĐĐGck nhập nhầm, đề nghị kiểm tra lại bài làm."
        )
        self._drain()
        teacher = cast.teachers[SENT_BACK]
        task = self._only(teacher, "subject_teacher_signs")
        corrected = corrected_marks(self.wired, case, SENT_BACK)
        self.wired.office.correct(teacher, case, task.name, corrected, "Nhập nhầm ĐĐGck, đã đối chiếu bài kiểm tra.")
        self._sign_everything(teacher, "subject_teacher_signs")
        self._drain()

    def _send_the_volume_back(self, case: CaseId, cast: Cast) -> None:
        self._sign_everything(cast.homeroom, "homeroom_teacher_signs")
        self._approve(case)
        task = self._only(PRINCIPAL, "principal_signs")
        self.wired.office.rebind(PRINCIPAL, case, task.name, "Đề nghị GVCN xem lại tập sổ trước khi tôi ký.")
        self._drain()

    def _sign_and_seal(self, case: CaseId, cast: Cast) -> None:
        self._sign_everything(cast.homeroom, "homeroom_teacher_signs")
        self._approve(case)
        self._sign_everything(PRINCIPAL, "principal_signs")
        self._sign_everything(CLERK, "clerk_seals")

    def _approve(self, case: CaseId) -> None:
        task = self._only(REVIEWER, "vice_principal_reviews")
        self.wired.office.approve(REVIEWER, case, task.name, "Đã xem các tờ trong mẫu kiểm tra.")
        self._drain()

    def _sign_everything(self, person: PersonId, step: str) -> None:
        """As the button "sign all" does: one secret, one result per task."""
        tasks = [(task.case, task.name) for task in self.wired.office.inbox(person) if task.step == step]
        with open_key(self.wired, person, step) as signer:
            for result in self.wired.office.sign_all(person, tasks, signer):
                if not result.signed:
                    raise RuntimeError(f"{person}, {result.task}: {result.message}")
        self._drain()

    def _only(self, person: PersonId, step: str) -> TaskRecord:
        (task,) = [task for task in self.wired.office.inbox(person) if task.step == step]
        return task

    def _drain(self) -> None:
        Worker(self.wired).drain()

    @contextmanager
    def _stage(self, title: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.stages.append(Stage(title=title, seconds=time.perf_counter() - begun))
        self.say(f"{self.stages[-1].seconds:6.2f} s  {title}")


@contextmanager
def open_key(wired: Wired, person: PersonId, step: str) -> Iterator[signing.Signer]:
    """The demo key of a person, or the school's seal when the clerk seals."""
    book = wired.office.unit_of(person)
    holder: PersonId | UnitId = book.unit.id if step == "clerk_seals" else person
    (credential,) = book.credentials_of(holder)
    with signing.open_signer(wired.key_uri(credential.key), lambda _: DEMO_PIN) as signer:
        yield signer


def corrected_marks(wired: Wired, case: CaseId, key: str) -> bytes:
    """The subject's CSV with the first pupil's last mark changed to 8.5, as the teacher would upload it."""
    book = documents.class_book_from_json(wired.store.get(wired.store.case(case).data))
    lines = documents.subject_csv(book, key).split(b"\r\n")
    before, _, _ = lines[1].rpartition(b",")
    return b"\r\n".join([lines[0], before + b",8.5", *lines[2:]])


def signed_by(wired: Wired, case: CaseId) -> list[tuple[TaskName, str]]:
    """Who signed what, in order: the proof that exactly the expected people signed again."""
    return [
        (entry.event.task, str(entry.event.holder))
        for entry in wired.store.history(case)
        if isinstance(entry.event, DocumentSigned)
    ]


def volume_of(wired: Wired, case: CaseId) -> DocumentRecord:
    """The volume that counts."""
    (volume,) = [d for d in wired.store.documents(case) if d.key is None and not d.superseded]
    return volume
