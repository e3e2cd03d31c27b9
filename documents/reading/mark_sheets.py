"""One subject's marks: complete, of the subject's form, as many as its periods ask for, and nothing besides."""

from dataclasses import dataclass, field
from decimal import Decimal

from documents.class_book import Form, Mark, Marks, PupilId, Subject
from documents.reading.cells import Broken, Cell, Misfits, check_of, folded, mark_of, note_of
from documents.reading.class_list import ClassList, match_rows
from documents.reading.cover import Cover, same, same_semester
from documents.reading.raw_book import MarkSheet
from documents.reading.subject_list import ListedSubject
from documents.reading.tables import Row
from documents.rules import half_up, semester_result

TX = ("tx1", "tx2", "tx3", "tx4")


@dataclass(slots=True, kw_only=True)
class JudgedSheet:
    """The marks that were understood."""

    marks: dict[PupilId, Marks] = field(default_factory=dict)
    previous: dict[PupilId, Mark] = field(default_factory=dict)


def read_mark_sheet(listed: ListedSubject, pupils: ClassList, cover: Cover, misfits: Misfits) -> JudgedSheet:
    """Judge one subject's sheet against the cover, the class list and the list of subjects."""
    judged = JudgedSheet()
    sheet, subject = listed.sheet, listed.subject
    if sheet is None:
        return judged
    _check_labels(sheet, subject, cover, misfits)
    if sheet.rows is None:
        return judged
    _expect_columns(sheet, subject, cover, misfits)
    for pupil_id, row in match_rows(sheet.rows, pupils, sheet.where, misfits):
        same(row.get("class_name"), cover.class_name, misfits)
        same(row.get("title"), subject.title, misfits, subject.key)
        marks = read_marks(row, subject, listed.form, cover, misfits)
        previous = _previous(row, listed.form, cover, misfits)
        if pupil_id is not None and marks is not None:
            judged.marks[pupil_id] = marks
        if pupil_id is not None and previous is not None:
            judged.previous[pupil_id] = previous
    return judged


def _check_labels(sheet: MarkSheet, subject: Subject, cover: Cover, misfits: Misfits) -> None:
    same(sheet.labels.get("title"), subject.title, misfits)
    same(sheet.labels.get("class_name"), cover.class_name, misfits)
    same(sheet.labels.get("school_year"), cover.school_year, misfits)
    same(sheet.labels.get("teacher"), subject.teacher.name, misfits)
    same_semester(sheet.labels.get("semester"), cover.semester, misfits)


def _expect_columns(sheet: MarkSheet, subject: Subject, cover: Cover, misfits: Misfits) -> None:
    """Columns that not every book has, but this one needs: told once, not in every row."""
    needed = [(key, f"ĐĐG{key}") for key in TX[: subject.tx_count]]
    if cover.semester == 2:  # noqa: PLR2004 - semester II
        needed.append(("previous", "ĐTBmhk I"))
    for key, name in needed:
        if sheet.rows and sheet.rows[0].get(key) is None:
            misfits.at(sheet.where, f"không có cột {name} / no column {name}", f"cột {name}", f"a column {name}")


def read_marks(row: Row, subject: Subject, form: Form | None, cover: Cover, misfits: Misfits) -> Marks | None:
    """One pupil's marks; None if one of them misfits."""
    before = len(misfits.found)
    # Where the number of ĐĐGtx is not known (that is noted already), whatever is there is judged.
    given = TX[: subject.tx_count] or [key for key in TX if not row.cell(key).blank]
    tx = [_mark(cell, form, misfits) for key in given if (cell := row.get(key)) is not None]
    for key in TX[subject.tx_count :] if subject.tx_count else ():
        if (extra := row.get(key)) is not None and not extra.blank:
            count = subject.tx_count
            misfits.add(
                extra,
                f"ô trống: môn {subject.periods} tiết/năm có {count} ĐĐGtx (TT 22/2021, Điều 6)",
                f"a blank cell: a subject of {subject.periods} periods a year has {count} ĐĐGtx (TT 22/2021, art. 6)",
            )
    gk, ck = _mark(row.cell("gk"), form, misfits), _mark(row.cell("ck"), form, misfits)
    note = note_of(row.get("note"), misfits)
    if len(misfits.found) > before or form is None or gk is None or ck is None or len(tx) != subject.tx_count:
        _refuse_broken(row.get("average"), misfits)
        return None
    marks = Marks(tx=tuple(mark for mark in tx if mark is not None), gk=gk, ck=ck, note=note)
    _compare_average(row.get("average"), semester_result(cover.rules, form, marks), misfits)
    return marks


def _mark(cell: Cell, form: Form | None, misfits: Misfits) -> Mark | None:
    """A mark of the subject's form; where the form is not known (noted already), of either."""
    if form is Form.COMMENT or (form is None and isinstance(cell.value, str) and folded(cell.value) in {"đ", "cđ"}):
        return check_of(cell, misfits)
    return mark_of(cell, misfits)


def _previous(row: Row, form: Form | None, cover: Cover, misfits: Misfits) -> Mark | None:
    """Semester I's result: needed in semester II, absent before."""
    cell = row.get("previous")
    if cell is None or not cover.semester:
        return None
    if cover.semester == 2:  # noqa: PLR2004 - semester II
        return _mark(cell, form, misfits)
    if not cell.blank:
        misfits.add(cell, "ô trống: sổ này là của học kì I", "a blank cell: this is the book of semester I")
    return None


def _compare_average(cell: Cell | None, result: Mark, misfits: Misfits) -> None:
    """An average that somebody wrote must be the one that follows from the marks; one not yet computed is no claim."""
    if cell is None or cell.blank or (isinstance(cell.value, Broken) and cell.value.pending):
        return
    if isinstance(result, Decimal):
        agrees = isinstance(cell.value, Decimal) and abs(cell.value) < 100 and half_up(cell.value, 1) == result  # noqa: PLR2004 - bound the digits
        agrees = agrees or (
            isinstance(cell.value, str)
            and cell.value.strip().replace(",", ".") in {str(result), f"{result:f}".removesuffix(".0")}
        )
        expected = str(result).replace(".", ",")
    else:
        agrees = check_of(cell, Misfits(misfits.filename)) is result
        expected = str(result)
    if not agrees:
        misfits.add(cell, f"{expected}, tính từ các điểm cùng dòng", f"{expected}, which follows from the marks in this row")


def _refuse_broken(cell: Cell | None, misfits: Misfits) -> None:
    """Where the marks misfit there is nothing to compare with, but an error is still an error."""
    if cell is not None and isinstance(cell.value, Broken) and not cell.value.pending:
        misfits.add(cell, "điểm trung bình hoặc ô trống", "an average, or a blank cell")
