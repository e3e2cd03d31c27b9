"""The class book as an Excel workbook, laid out like the printed one (domain: sổ theo dõi và đánh giá học sinh).

The averages are real formulas with their values stored, as Excel leaves them: openpyxl cannot write both, so the
formula is put beside the value afterwards. The same bytes each time: archive times and document dates are fixed.
"""

import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date, datetime

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from documents.class_book import ClassBook, Form, Mark, Subject
from documents.rules import Regulation, regulation_for, semester_result

SHEET_NAMES = {
    "ngu-van": "Ngữ văn", "toan": "Toán", "tieng-anh": "Tiếng Anh", "gdcd": "GDCD", "lich-su-dia-li": "Lịch sử và Địa lí",
    "khtn": "KHTN", "cong-nghe": "Công nghệ", "tin-hoc": "Tin học", "gdtc": "GDTC", "am-nhac": "Âm nhạc",
    "mi-thuat": "Mĩ thuật", "gddp": "ND GDĐP", "hdtn-hn": "HĐTN-HN",
}  # fmt: skip
ROMAN = {1: "I", 2: "II"}
HEADER_ROW = 6  # of a subject's sheet: title, four lines of labels, header
FIRST = HEADER_ROW + 1
FONT = "Times New Roman"
THIN = Side(style="thin", color="808080")
GRID = Border(left=THIN, right=THIN, top=THIN, bottom=THIN)
HEAD = PatternFill("solid", fgColor="DCE6F1")


def workbook(book: ClassBook, zip_time: tuple[int, int, int, int, int, int]) -> bytes:
    """The workbook's bytes."""
    rules = regulation_for(school_year=book.school_year, grade=book.grade)
    target = Workbook()
    target.remove(target.worksheets[0])
    formulas: dict[str, dict[str, str]] = {}  # sheet -> cell -> formula
    _cover(target.create_sheet("Bìa"), book)
    _subjects(target.create_sheet("Bìa lót"), book)
    _pupils(target.create_sheet("Danh sách"), book)
    for subject in book.subjects:
        name = SHEET_NAMES[subject.key]
        formulas[name] = _marks(target.create_sheet(name), book, subject, rules)
    _summary(target.create_sheet("Tổng hợp"), book)
    target.properties.creator = "Soky"
    target.properties.title = f"Sổ theo dõi và đánh giá học sinh – Lớp {book.class_name}"
    target.properties.created = datetime(*zip_time)  # noqa: DTZ001 - document properties are written in UTC without saying so
    saved = io.BytesIO()
    target.save(saved)
    return _fixed(saved.getvalue(), [sheet.title for sheet in target.worksheets], formulas, zip_time)


def _cover(sheet: Worksheet, book: ClassBook) -> None:
    for row, title in enumerate(("SỔ THEO DÕI VÀ ĐÁNH GIÁ HỌC SINH", "(THEO LỚP HỌC)", "CẤP TRUNG HỌC CƠ SỞ"), start=1):
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=2)
        _title(sheet, row, title)
    entries = (
        ("Tỉnh/Thành phố:", book.school.province),
        ("Cơ quan quản lí:", book.school.parent),
        ("Trường:", book.school.name),
        ("Mã trường:", book.school.code),
        ("Địa danh:", book.school.place),
        ("Lớp:", book.class_name),
        ("Học kì:", ROMAN[book.semester]),
        ("Năm học:", book.school_year),
        ("Giáo viên chủ nhiệm:", book.homeroom_teacher.name),
        ("Mã giáo viên chủ nhiệm:", book.homeroom_teacher.id),
    )
    for row, (label, value) in enumerate(entries, start=5):
        sheet.cell(row, 1, label).font = Font(name=FONT, size=13)
        cell = sheet.cell(row, 2, value)
        cell.font, cell.number_format = Font(name=FONT, size=13, bold=True), "@"
    note = sheet.cell(17, 1, "Dữ liệu mẫu: trường, tên và điểm đều được sinh ngẫu nhiên, không phải người thật.")
    note.font = Font(name=FONT, size=11, italic=True)
    _widths(sheet, (30, 44))


def _subjects(sheet: Worksheet, book: ClassBook) -> None:
    _title(sheet, 1, "DANH SÁCH MÔN HỌC – GIÁO VIÊN BỘ MÔN")
    sheet.merge_cells("A1:H1")
    sheet.cell(2, 1, f"Sĩ số: {len(book.pupils)}").font = Font(name=FONT, size=12)
    headers = ("TT", "Mã môn", "Môn học", "Hình thức đánh giá", "Số tiết/năm", "Mã giáo viên", "Giáo viên", "Trang tính")
    _header(sheet, 4, headers)
    for tt, s in enumerate(book.subjects, start=1):
        form = "Điểm số" if s.form is Form.SCORED else "Nhận xét"
        _line(sheet, 4 + tt, (tt, s.key, s.title, form, s.periods, s.teacher.id, s.teacher.name, SHEET_NAMES[s.key]))
    _widths(sheet, (6, 16, 38, 20, 13, 24, 24, 20))


def _pupils(sheet: Worksheet, book: ClassBook) -> None:
    _title(sheet, 1, "SƠ YẾU LÝ LỊCH HỌC SINH")
    sheet.merge_cells("A1:E1")
    _header(sheet, 3, ("TT", "Mã học sinh", "Họ và tên", "Ngày sinh", "Nam/Nữ"))
    for tt, pupil in enumerate(book.pupils, start=1):
        _line(sheet, 3 + tt, (tt, pupil.id, pupil.name, pupil.birth_date, pupil.sex.value))
        sheet.cell(3 + tt, 4).number_format = "DD/MM/YYYY"
    _widths(sheet, (6, 16, 30, 14, 10))
    sheet.freeze_panes = "D4"


def _marks(sheet: Worksheet, book: ClassBook, subject: Subject, rules: Regulation) -> dict[str, str]:
    _title(sheet, 1, f"SỔ THEO DÕI VÀ ĐÁNH GIÁ HỌC SINH – MÔN {subject.title.upper()}")
    sheet.merge_cells("A1:K1")
    labels = (
        (("Môn học:", subject.title), ("Lớp:", book.class_name)),
        (("Học kì:", ROMAN[book.semester]), ("Năm học:", book.school_year)),
        (("Giáo viên:", subject.teacher.name),),
    )
    for row, pairs in enumerate(labels, start=2):
        for column, (label, value) in zip((2, 8), pairs, strict=False):
            sheet.cell(row, column, label).font = Font(name=FONT, size=12)
            sheet.cell(row, column + 1, value).font = Font(name=FONT, size=12, bold=True)
    result = "ĐTBmhk" if subject.form is Form.SCORED else "Mức HK"
    tx = [f"ĐĐGtx{n}" for n in range(1, 5)]
    _header(sheet, HEADER_ROW, ("TT", "Mã học sinh", "Họ và tên", *tx, "ĐĐGgk", "ĐĐGck", result, "Ghi chú"))
    formulas = {}
    for tt, pupil in enumerate(book.pupils, start=1):
        marks, row = book.marks[subject.key][pupil.id], HEADER_ROW + tt
        given = [*map(_value, marks.tx), None, None, None][:4]
        average = _value(semester_result(rules, subject.form, marks))
        _line(sheet, row, (tt, pupil.id, pupil.name, *given, _value(marks.gk), _value(marks.ck), average, marks.note or None))
        formulas[f"J{row}"] = _formula(subject.form, row)
    _widths(sheet, (6, 16, 30, *(9,) * 7, 24))
    sheet.freeze_panes = f"D{FIRST}"
    return formulas


def _formula(form: Form, row: int) -> str:
    if form is Form.SCORED:
        return f"ROUND((SUM(D{row}:G{row})+2*H{row}+3*I{row})/(COUNT(D{row}:G{row})+5),1)"
    return f'IF(COUNTIF(D{row}:I{row},"CĐ")=0,"Đ","CĐ")'


def _summary(sheet: Worksheet, book: ClassBook) -> None:
    _title(sheet, 1, f"TỔNG HỢP KẾT QUẢ ĐÁNH GIÁ HỌC KÌ {ROMAN[book.semester]}")
    sheet.merge_cells("A1:G1")
    headers = ("TT", "Mã học sinh", "Họ và tên", "Kết quả rèn luyện", "Nghỉ có phép", "Nghỉ không phép", "Ghi chú")
    _header(sheet, 3, headers)
    for tt, pupil in enumerate(book.pupils, start=1):
        term = book.terms[pupil.id]
        values = (tt, pupil.id, pupil.name, term.conduct.value, term.excused, term.unexcused, term.note or None)
        _line(sheet, 3 + tt, values)
    _widths(sheet, (6, 16, 30, 18, 14, 16, 24))
    sheet.freeze_panes = "D4"


# Looks


def _value(mark: Mark) -> str | int | float:
    """As a cell holds it: a double for a mark, which Excel shows with at most 15 digits."""
    if isinstance(mark, str):
        return mark.value
    return int(mark) if mark == mark.to_integral_value() else float(mark)


def _title(sheet: Worksheet, row: int, text: str) -> None:
    cell = sheet.cell(row, 1, text)
    cell.font, cell.alignment = Font(name=FONT, size=14, bold=True), Alignment(horizontal="center")


def _header(sheet: Worksheet, row: int, names: Sequence[str]) -> None:
    for column, name in enumerate(names, start=1):
        cell = sheet.cell(row, column, name)
        cell.font, cell.border, cell.fill = Font(name=FONT, size=11, bold=True), GRID, HEAD
        cell.alignment = Alignment(horizontal="center", vertical="center", wrap_text=True)


def _line(sheet: Worksheet, row: int, values: Sequence[str | float | date | None]) -> None:
    for column, value in enumerate(values, start=1):
        cell = sheet.cell(row, column, value)
        cell.font, cell.border = Font(name=FONT, size=11), GRID
        if isinstance(value, str) and value.isdigit():
            cell.number_format = "@"  # an id is text: a number would lose its leading zeros


def _widths(sheet: Worksheet, widths: Sequence[int]) -> None:
    for column, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "portrait", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0


# The same bytes each time


def _fixed(
    content: bytes,
    names: Sequence[str],
    formulas: dict[str, dict[str, str]],
    zip_time: tuple[int, int, int, int, int, int],
) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as archive:
        for entry in source.infolist():
            part = source.read(entry).decode()
            if entry.filename == "docProps/core.xml":
                part = re.sub(r"(<dcterms:modified[^>]*>)[^<]*", rf"\g<1>{datetime(*zip_time).isoformat()}Z", part)  # noqa: DTZ001 - written with Z
            if match := re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", entry.filename):
                part = _with_formulas(part, formulas.get(names[int(match[1]) - 1], {}))
            archive.writestr(zipfile.ZipInfo(entry.filename, zip_time), part, zipfile.ZIP_DEFLATED, 9)
    return target.getvalue()


def _with_formulas(part: str, formulas: dict[str, str]) -> str:
    """Put each formula before the stored value of its cell."""

    def put(match: re.Match[str]) -> str:
        reference, style, number, text = match.groups()
        if reference not in formulas:
            return match[0]
        formula = formulas[reference].replace('"', "&quot;")
        kind = ' t="str"' if number is None else ""
        return f'<c r="{reference}"{style or ""}{kind}><f>{formula}</f><v>{number or text}</v></c>'

    cell = r'<c r="([A-Z]+[0-9]+)"( s="[0-9]+")? t="(?:n"><v>([^<]*)</v>|inlineStr"><is><t>([^<]*)</t></is>)</c>'
    return re.sub(cell, put, part)
