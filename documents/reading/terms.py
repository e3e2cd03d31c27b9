"""The homeroom teacher's lines: conduct and absences of each pupil."""

from dataclasses import dataclass, field

from documents.class_book import PupilId, Term
from documents.reading.cells import LEVELS, Misfits, count_of, note_of, one_of
from documents.reading.class_list import ClassList, match_rows
from documents.reading.cover import Cover
from documents.reading.tables import Row

MOST_SESSIONS = 400  # buổi: 35 weeks of at most 11 half days


@dataclass(slots=True, kw_only=True)
class JudgedTerms:
    """The lines that were understood; `earlier` is semester I's, in the book of semester II."""

    now: dict[PupilId, Term] = field(default_factory=dict)
    earlier: dict[PupilId, Term] = field(default_factory=dict)


def read_terms(rows: tuple[Row, ...] | None, where: str, pupils: ClassList, cover: Cover, misfits: Misfits) -> JudgedTerms:
    """Judge the summary: a line for each pupil, and semester I's columns exactly in semester II."""
    judged = JudgedTerms()
    if rows is None:
        return judged
    second = cover.semester == 2  # noqa: PLR2004 - semester II
    if second and rows:
        for key, name in (
            ("conduct_1", "Kết quả rèn luyện HK I"),
            ("excused_1", "Nghỉ có phép HK I"),
            ("unexcused_1", "Nghỉ không phép HK I"),
        ):
            if rows[0].get(key) is None:
                misfits.at(where, f"không có cột {name} / no column {name}", f"cột {name}", f"a column {name}")
    for pupil_id, row in match_rows(rows, pupils, where, misfits):
        now = _term(row, "", misfits)
        earlier = _term(row, "_1", misfits) if second and row.get("conduct_1") else None
        if not second:
            _refuse_earlier(row, misfits)
        if pupil_id is not None and now is not None:
            judged.now[pupil_id] = now
        if pupil_id is not None and earlier is not None:
            judged.earlier[pupil_id] = earlier
    return judged


def _term(row: Row, suffix: str, misfits: Misfits) -> Term | None:
    conduct = one_of(row.cell(f"conduct{suffix}"), LEVELS, misfits, "Tốt, Khá, Đạt hoặc Chưa đạt", "Tốt, Khá, Đạt or Chưa đạt")
    excused = count_of(row.cell(f"excused{suffix}"), misfits, MOST_SESSIONS, "số buổi nghỉ", "sessions missed")
    unexcused = count_of(row.cell(f"unexcused{suffix}"), misfits, MOST_SESSIONS, "số buổi nghỉ", "sessions missed")
    note = "" if suffix else note_of(row.get("note"), misfits)
    if conduct is None or excused is None or unexcused is None:
        return None
    return Term(conduct=conduct, excused=excused, unexcused=unexcused, note=note)


def _refuse_earlier(row: Row, misfits: Misfits) -> None:
    for key in ("conduct_1", "excused_1", "unexcused_1"):
        if (cell := row.get(key)) is not None and not cell.blank:
            misfits.add(cell, "ô trống: sổ này là của học kì I", "a blank cell: this is the book of semester I")
