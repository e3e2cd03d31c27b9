"""A class book as somebody wrote it: cells with their places, the same for a workbook, CSV files and JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

from documents.reading.cells import Cell
from documents.reading.tables import Column, Row

INFO: dict[str, tuple[str, ...]] = {  # our key -> the labels on the cover
    "parent": ("Cơ quan quản lí",),
    "province": ("Tỉnh/Thành phố", "Tỉnh, thành phố"),
    "school": ("Trường",),
    "code": ("Mã trường",),
    "place": ("Địa danh",),
    "class_name": ("Lớp",),
    "semester": ("Học kì",),
    "school_year": ("Năm học",),
    "homeroom": ("Giáo viên chủ nhiệm",),
    "homeroom_id": ("Mã giáo viên chủ nhiệm",),
}

SHEET_LABELS: dict[str, tuple[str, ...]] = {  # above a subject's list
    "title": ("Môn học",),
    "class_name": ("Lớp",),
    "semester": ("Học kì",),
    "school_year": ("Năm học",),
    "teacher": ("Giáo viên", "Giáo viên bộ môn"),
}

_TT = Column(key="tt", headers=("TT", "STT", "Số TT"))
_ID = Column(key="id", headers=("Mã học sinh",))
_NAME = Column(key="name", headers=("Họ và tên", "Họ tên"))
_NOTE = Column(key="note", headers=("Ghi chú",), required=False)

SUBJECT_COLUMNS = (
    _TT,
    Column(key="key", headers=("Mã môn",)),
    Column(key="title", headers=("Môn học", "Môn")),
    Column(key="form", headers=("Hình thức đánh giá",)),
    Column(key="periods", headers=("Số tiết/năm", "Số tiết")),
    Column(key="teacher_id", headers=("Mã giáo viên",)),
    Column(key="teacher", headers=("Giáo viên", "Giáo viên bộ môn")),
    Column(key="sheet", headers=("Trang tính",)),
)

PUPIL_COLUMNS = (
    _TT,
    _ID,
    _NAME,
    Column(key="birth_date", headers=("Ngày sinh", "Ngày tháng năm sinh")),
    Column(key="sex", headers=("Nam/Nữ", "Giới tính")),
)

MARK_COLUMNS = (
    _TT,
    _ID,
    _NAME,
    *(Column(key=f"tx{n}", headers=(f"ĐĐGtx{n}", f"ĐĐGtx {n}"), required=n <= 2) for n in range(1, 5)),  # noqa: PLR2004 - art. 6.2: at least two
    Column(key="gk", headers=("ĐĐGgk",)),
    Column(key="ck", headers=("ĐĐGck",)),
    Column(key="average", headers=("ĐTBmhk", "Mức HK"), required=False),
    Column(key="previous", headers=("ĐTBmhk I", "Mức HK I"), required=False),
    _NOTE,
)

TERM_COLUMNS = (
    _TT,
    _ID,
    _NAME,
    Column(key="conduct", headers=("Kết quả rèn luyện",)),
    Column(key="excused", headers=("Nghỉ có phép",)),
    Column(key="unexcused", headers=("Nghỉ không phép",)),
    Column(key="conduct_1", headers=("Kết quả rèn luyện HK I",), required=False),
    Column(key="excused_1", headers=("Nghỉ có phép HK I",), required=False),
    Column(key="unexcused_1", headers=("Nghỉ không phép HK I",), required=False),
    _NOTE,
)

CSV_COLUMNS = (  # one file per subject
    _TT,
    _ID,
    _NAME,
    Column(key="class_name", headers=("Lớp",)),
    Column(key="title", headers=("Môn",)),
    *(column for column in MARK_COLUMNS if column.key.startswith("tx")),
    Column(key="gk", headers=("ĐĐGgk",)),
    Column(key="ck", headers=("ĐĐGck",)),
    Column(key="previous", headers=("ĐTBmhk I", "Mức HK I"), required=False),
    _NOTE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkSheet:
    """One subject's list. `rows` is None where its header was not understood (that is already noted)."""

    where: str
    labels: Mapping[str, Cell]  # of SHEET_LABELS; what a format does not repeat per sheet is missing
    rows: tuple[Row, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RawBook:
    """Everything found in the file. A list that could not be read is None (already noted)."""

    where: str  # the file
    info: Mapping[str, Cell]
    subjects: tuple[Row, ...] | None
    pupils: tuple[Row, ...] | None
    sheets: Mapping[str, MarkSheet]  # by the name in the column "Trang tính"
    terms: tuple[Row, ...] | None
    terms_where: str
    pupils_where: str
