"""The list of subjects: key, form, periods, teacher, and where its marks stand."""

from dataclasses import dataclass

from documents.class_book import Form, Subject, SubjectKey, Teacher, TeacherId
from documents.reading.cells import (
    Cell,
    Misfits,
    clean,
    count_of,
    folded,
    name_of,
    one_of,
    person_id_of,
    subject_key_of,
    text_of,
)
from documents.reading.cover import Cover
from documents.reading.raw_book import MarkSheet, RawBook
from documents.reading.tables import Row
from documents.rules import known_subject, tx_count

FORMS = {
    folded(name): form
    for form, names in {
        Form.SCORED: ("Điểm số", "Nhận xét kết hợp điểm số", "scored"),
        Form.COMMENT: ("Nhận xét", "comment"),
    }.items()
    for name in names
}
FORM_NAMES = {Form.SCORED: "Điểm số", Form.COMMENT: "Nhận xét"}
MOST_PERIODS = 400  # the largest subject of the programme has 140


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedSubject:
    """A subject and its sheet. A misfit (noted) leaves "" or None, and nothing is compared with that."""

    subject: Subject
    form: Form | None
    sheet: MarkSheet | None


def read_subject_list(raw: RawBook, cover: Cover, misfits: Misfits) -> tuple[ListedSubject, ...]:
    """Judge the list of subjects and find each one's sheet; sheets that nobody lists are noted."""
    if raw.subjects is None:
        return tuple(ListedSubject(subject=_unknown(name), form=None, sheet=sheet) for name, sheet in raw.sheets.items())
    if not raw.subjects:
        misfits.at(raw.where, "0", "ít nhất một môn học", "at least one subject")
    seen: dict[tuple[str, str], str] = {}
    teachers = {cover.homeroom_teacher.id: cover.homeroom_teacher.name}
    listed = []
    for tt, row in enumerate(raw.subjects, start=1):
        _expect_running_number(row, tt, misfits)
        for column in ("key", "title", "sheet"):
            _expect_once(row.get(column), column, seen, misfits)
        subject, form = _subject(row, cover, misfits)
        _expect_one_name(row, subject.teacher, teachers, misfits)
        listed.append(ListedSubject(subject=subject, form=form, sheet=_sheet(row, raw, misfits)))
    _refuse_unlisted(raw, misfits)
    return tuple(listed)


def _subject(row: Row, cover: Cover, misfits: Misfits) -> tuple[Subject, Form | None]:
    key = subject_key_of(row.cell("key"), misfits) or ""
    title = text_of(row.cell("title"), misfits, "tên môn học", "the subject's title") or ""
    form = one_of(row.cell("form"), FORMS, misfits, "Điểm số hoặc Nhận xét", "Điểm số or Nhận xét")
    periods = count_of(row.cell("periods"), misfits, MOST_PERIODS, "số tiết mỗi năm", "periods a year", least=1)
    programme = known_subject(key)
    if programme and form and form is not programme.form:
        name = FORM_NAMES[programme.form]
        misfits.add(row.cell("form"), f"{name} (TT 22/2021, Điều 5)", f"{name} (TT 22/2021, art. 5)")
    subject = Subject(
        key=SubjectKey(key),
        title=title,
        short=programme.short if programme else title,
        form=form or Form.SCORED,
        periods=periods or 0,
        tx_count=tx_count(cover.rules, form=form, periods=periods) if form and periods else 0,
        teacher=Teacher(
            id=TeacherId(person_id_of(row.cell("teacher_id"), misfits) or ""),
            name=name_of(row.cell("teacher"), misfits, "họ tên giáo viên", "the teacher's full name") or "",
        ),
    )
    return subject, form


def _unknown(title: str) -> Subject:
    """For a sheet whose list could not be read: its pupils and labels are judged all the same."""
    return Subject(
        key=SubjectKey(""),
        title="",
        short=title,
        form=Form.SCORED,
        periods=0,
        tx_count=0,
        teacher=Teacher(id=TeacherId(""), name=""),
    )


def _expect_running_number(row: Row, tt: int, misfits: Misfits) -> None:
    cell = row.get("tt")
    if cell is not None and str(cell.value).strip() != str(tt):
        misfits.add(cell, f"số thứ tự {tt}", f"running number {tt}")


def _expect_once(cell: Cell | None, column: str, seen: dict[tuple[str, str], str], misfits: Misfits) -> None:
    if cell is None or not isinstance(cell.value, str) or cell.blank:
        return
    first = seen.setdefault((column, folded(cell.value)), cell.where)
    if first != cell.where:
        misfits.add(cell, f"mỗi môn một lần (đã có ở {first})", f"each subject once (already at {first})")


def _expect_one_name(row: Row, teacher: Teacher, teachers: dict[TeacherId, str], misfits: Misfits) -> None:
    """One id is one person: a second name under it would put the wrong name under a signature."""
    if not teacher.id or not teacher.name:
        return
    known = teachers.setdefault(teacher.id, teacher.name)
    if known and known != teacher.name:
        misfits.add(row.cell("teacher"), f"“{known}”, tên của {teacher.id}", f'"{known}", the name of {teacher.id}')


def _sheet(row: Row, raw: RawBook, misfits: Misfits) -> MarkSheet | None:
    cell = row.get("sheet")
    if cell is None:
        return None
    by_name = {folded(name): sheet for name, sheet in raw.sheets.items()}
    name = clean(cell.value) if isinstance(cell.value, str) else ""
    sheet = by_name.get(folded(name)) if name else None
    if sheet is None:
        misfits.add(cell, "tên một trang tính điểm có trong tệp", "the name of a sheet of marks in this file")
    return sheet


def _refuse_unlisted(raw: RawBook, misfits: Misfits) -> None:
    named = [row.cell("sheet").value for row in raw.subjects or ()]
    listed = {folded(value) for value in named if isinstance(value, str)}
    for name, sheet in raw.sheets.items():
        if folded(name) not in listed:
            misfits.at(
                sheet.where, name, "chỉ những trang có trong danh sách môn học", "only sheets that the list of subjects names"
            )
