"""A class book: what a school knows about one class in one semester, as values.

A `ClassBook` is only made by `documents.reading` (and by tests), which checks every cell; what it promises is in the
comments of the fields. Marks are `Decimal` with at most one decimal, 0 to 10 (TT 22/2021, art. 5.3.b); in subjects
assessed by comment they are `Check`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NewType

SubjectKey = NewType("SubjectKey", str)  # "toan", "lich-su-dia-li": in file, field and step names
PupilId = NewType("PupilId", str)  # Mã học sinh, 10 or 12 digits
TeacherId = NewType("TeacherId", str)  # equal to the directory's person id


class Form(StrEnum):
    """How a subject is assessed (TT 22/2021, art. 5)."""

    SCORED = "scored"  # nhận xét kết hợp điểm số
    COMMENT = "comment"  # nhận xét


class Check(StrEnum):
    """The result of an assessment by comment."""

    PASSED = "Đ"  # Đạt
    FAILED = "CĐ"  # Chưa đạt


class Level(StrEnum):
    """The four levels of learning results and of conduct (art. 8 and 9)."""

    GOOD = "Tốt"
    FAIR = "Khá"
    PASSED = "Đạt"
    FAILED = "Chưa đạt"


class Award(StrEnum):
    """Khen thưởng cuối năm học (art. 15)."""

    NONE = ""
    GOOD = "Học sinh Giỏi"
    EXCELLENT = "Học sinh Xuất sắc"


class Sex(StrEnum):
    """As the book prints it."""

    MALE = "Nam"
    FEMALE = "Nữ"


Mark = Decimal | Check  # by the subject's form


@dataclass(frozen=True, slots=True, kw_only=True)
class School:
    """The unit whose name is on the cover and on the seal."""

    code: str  # mã trường
    name: str  # "Trường THCS Nguyễn Du"
    parent: str  # "UBND phường Lê Chân"
    province: str  # "Thành phố Hải Phòng"
    place: str  # "Hải Phòng", for "Hải Phòng, ngày ..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Whoever answers for a subject or for the class."""

    id: TeacherId
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A subject of the class, with the teacher who signs its sheet."""

    key: SubjectKey
    title: str  # "Lịch sử và Địa lí"
    short: str  # "LS&ĐL", for narrow columns
    form: Form
    periods: int  # tiết/năm; decides how many ĐĐGtx there are
    tx_count: int  # ĐĐGtx per semester
    teacher: Teacher


@dataclass(frozen=True, slots=True, kw_only=True)
class Pupil:
    """One line of the class list."""

    id: PupilId
    name: str
    birth_date: date
    sex: Sex


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What one pupil has in one subject in this semester: complete, and of the subject's form."""

    tx: tuple[Mark, ...]  # exactly `Subject.tx_count`
    gk: Mark
    ck: Mark
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What the homeroom teacher writes about one pupil's semester."""

    conduct: Level  # kết quả rèn luyện
    excused: int  # buổi nghỉ có phép
    unexcused: int  # buổi nghỉ không phép
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """Semester I as semester II needs it: the results of each subject, and the homeroom teacher's lines."""

    results: Mapping[SubjectKey, Mapping[PupilId, Mark]]  # ĐTBmhk I, or Đ/CĐ
    terms: Mapping[PupilId, Term]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassBook:
    """Sổ theo dõi và đánh giá học sinh (theo lớp học), one class, one semester. Complete: no mark is missing."""

    school: School
    class_name: str  # "9A"
    grade: int  # 6..12
    school_year: str  # "2026-2027"
    semester: int  # 1 | 2
    homeroom_teacher: Teacher
    subjects: tuple[Subject, ...]  # in book order, keys unique
    pupils: tuple[Pupil, ...]  # in list order: TT is the place; ids unique
    marks: Mapping[SubjectKey, Mapping[PupilId, Marks]]  # every subject, every pupil
    terms: Mapping[PupilId, Term]  # every pupil
    earlier: Earlier | None  # in semester 2 only, and then always

    @property
    def title(self) -> str:
        """As a list of cases shows it."""
        semester = "I" * self.semester
        return f"Sổ theo dõi và đánh giá học sinh – Lớp {self.class_name} – Học kì {semester} – {self.school_year}"

    def subject(self, key: str) -> Subject:
        """The subject with this key; KeyError if the class does not have it."""
        for subject in self.subjects:
            if subject.key == key:
                return subject
        raise KeyError(key)
