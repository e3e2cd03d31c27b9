"""What the cover says: school, class, year, homeroom teacher; and the regulation that follows from it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from documents.class_book import School, Teacher, TeacherId
from documents.errors import NoRegulation
from documents.reading.cells import (
    Cell,
    Misfits,
    clean,
    folded,
    name_of,
    one_of,
    person_id_of,
    text_of,
)
from documents.rules import REGULATIONS, Regulation, regulation_for

# "9A", "9A10", "9/1", "10.2": as schools write it. Mind the slash where a class name becomes part of a file's name.
CLASS_NAME = re.compile(r"(6|7|8|9|10|11|12)(?:[A-ZĐ][A-Z0-9]{0,5}|[./][A-Z]{0,2}[0-9]{1,2})")
SCHOOL_YEAR = re.compile(r"(20[0-9]{2})-(20[0-9]{2})")
SCHOOL_CODE = re.compile(r"[A-Za-z0-9.-]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """The cover as understood. What is wrong on it (and noted) is "" or 0, and nothing is compared with that."""

    school: School
    class_name: str
    grade: int
    school_year: str
    semester: int
    homeroom_teacher: Teacher
    rules: Regulation


def read_cover(info: Mapping[str, Cell], misfits: Misfits) -> Cover:
    """Judge every entry of the cover. Labels that are missing altogether were noted by the reader."""
    cover = _Entries(info, misfits)
    class_name, grade = cover.class_name()
    school_year = cover.school_year()
    return Cover(
        school=School(
            code=cover.matching(
                "code", SCHOOL_CODE, "mã trường: chữ, số, tối đa 20 ký tự", "a school code: at most 20 letters and digits"
            ),
            name=cover.text("school", "tên trường", "the school's name"),
            parent=cover.text("parent", "cơ quan quản lí", "the authority above the school"),
            province=cover.text("province", "tỉnh, thành phố", "the province"),
            place=cover.text("place", "địa danh", "the place"),
        ),
        class_name=class_name,
        grade=grade,
        school_year=school_year,
        semester=cover.semester(),
        homeroom_teacher=cover.homeroom_teacher(),
        rules=cover.regulation(school_year, grade),
    )


def same(cell: Cell | None, expected: str, misfits: Misfits, *also: str) -> None:
    """What a sheet repeats must be what the cover (or the list) says."""
    if cell is None or not expected:
        return
    value = cell.value if isinstance(cell.value, str) else str(cell.value or "")
    if folded(value) not in {folded(text) for text in (expected, *also)}:
        misfits.add(cell, f"“{expected}”, như ở bìa và danh sách", f'"{expected}", as on the cover and in the lists')


def same_semester(cell: Cell | None, semester: int, misfits: Misfits) -> None:
    """The semester, however it is written ("I", "1", "Học kì I")."""
    if cell is None or not semester:
        return
    value = cell.value if isinstance(cell.value, str) else str(cell.value or "")
    if SEMESTERS_WRITTEN.get(folded(value)) != semester:
        name = "I" * semester
        misfits.add(cell, f"học kì {name}, như ở bìa", f"semester {name}, as on the cover")


SEMESTERS_WRITTEN = {
    folded(f"{before}{number}"): value
    for before in ("", "HK ", "Học kì ")
    for number, value in (("I", 1), ("1", 1), ("II", 2), ("2", 2))
}


@dataclass(frozen=True, slots=True)
class _Entries:
    info: Mapping[str, Cell]
    misfits: Misfits

    def text(self, key: str, vi: str, en: str) -> str:
        cell = self.info.get(key)
        return (text_of(cell, self.misfits, vi, en) or "") if cell else ""

    def matching(self, key: str, pattern: re.Pattern[str], vi: str, en: str) -> str:
        cell = self.info.get(key)
        if cell is None:
            return ""
        text = clean(cell.value) if isinstance(cell.value, str) else ""
        if not pattern.fullmatch(text):
            self.misfits.add(cell, vi, en)
            return ""
        return text

    def class_name(self) -> tuple[str, int]:
        name = self.matching(
            "class_name", CLASS_NAME, "tên lớp 6-12 như 9A, 10A1, 9/1", "a class of grade 6-12 such as 9A, 10A1, 9/1"
        )
        match = CLASS_NAME.fullmatch(name)
        return name, int(match[1]) if match else 0

    def school_year(self) -> str:
        vi, en = "năm học như 2026-2027", "a school year such as 2026-2027"
        year = self.matching("school_year", SCHOOL_YEAR, vi, en)
        if year and int(year[5:]) != int(year[:4]) + 1:
            self.misfits.add(self.info["school_year"], vi, en)
            return ""
        return year

    def semester(self) -> int:
        cell = self.info.get("semester")
        return (one_of(cell, SEMESTERS_WRITTEN, self.misfits, "học kì I hoặc II", "semester I or II") or 0) if cell else 0

    def homeroom_teacher(self) -> Teacher:
        name, person = self.info.get("homeroom"), self.info.get("homeroom_id")
        return Teacher(
            id=TeacherId((person_id_of(person, self.misfits) or "") if person else ""),
            name=(name_of(name, self.misfits) or "") if name else "",
        )

    def regulation(self, school_year: str, grade: int) -> Regulation:
        """The regulation; where the cover does not tell, the latest, so that the marks are judged all the same."""
        if school_year and grade:
            try:
                return regulation_for(school_year=school_year, grade=grade)
            except NoRegulation:
                self.misfits.add(
                    self.info["school_year"],
                    f"năm học mà lớp {grade} được đánh giá theo {REGULATIONS[0].citation} hoặc sau đó",
                    f"a school year in which grade {grade} is assessed under {REGULATIONS[0].citation} or later",
                )
        return REGULATIONS[-1]
