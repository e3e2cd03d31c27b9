"""Workbooks: the shipped one is read whole; with anything wrong every misfit is told by sheet and cell."""

import html
import re
import unicodedata
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from documents import BadData, Check, ClassBook, Form, Marks, SubjectKey, read_class_book
from documents.reading.cells import _printable, clean
from tests.documents.conftest import EXAMPLES, Workbook

MisfitsOf = Callable[..., dict[str, str]]
TOAN = SubjectKey("toan")
FONTS = EXAMPLES.parent / "fonts"


def test_the_shipped_workbook_is_read_whole(xlsx: bytes, book: ClassBook) -> None:
    """45 pupils, 13 subjects, and the same book as its JSON gives."""
    read = read_class_book(xlsx, "class-book-9A.xlsx")

    assert read == book
    assert (len(read.pupils), len(read.subjects), read.class_name, read.semester) == (45, 13, "9A", 1)
    assert read.homeroom_teacher in {subject.teacher for subject in read.subjects}
    assert [s.tx_count for s in read.subjects if s.form is Form.SCORED] == [4, 4, 4, 2, 4, 4, 3, 2]


def told(
    misfits: MisfitsOf, workbook: Workbook, cells: Mapping[str, str | float | None], sheet: str = "Toán"
) -> dict[str, str]:
    """Put all of these into one sheet, and say what is told about them."""
    for reference, value in cells.items():
        workbook.put(sheet, reference, value)
    return misfits(workbook.content())


BLANK = "(trống / blank)"
NO_MARKS: dict[str | float | None, str] = {
    11: "11", -1: "-1", "8..5": "8..5", 7.25: "7.25", "7,25": "7,25", 10.1: "10.1", "tám": "tám", "Đ": "Đ", None: BLANK,
    "   ": BLANK, "8 5": "8 5", "８": "８", "1e1": "1e1", 1e300: "1E+300", "+8": "+8", "=8": "=8", "NaN": "NaN",
    "8;9": "8;9", "vắng": "vắng", "8/5": "8/5", "8.": "8.", ".5": ".5", "10.5": "10.5", "100": "100", "08": "08",
    "-0": "-0", 1e-300: "1E-300", "8\n9": "8U+000A9", "٨": "٨",
}  # fmt: skip


def test_a_mark_that_is_none(workbook: Workbook, misfits: MisfitsOf) -> None:
    """A mark is 0 to 10 with at most one decimal; anything else is told, each with its cell."""
    cells = {f"F{row}": value for row, value in enumerate(NO_MARKS, start=7)}

    assert told(misfits, workbook, cells) == {f"Toán!F{row}": found for row, found in enumerate(NO_MARKS.values(), start=7)}


def test_a_mark_that_is_one(workbook: Workbook) -> None:
    """Text that is a mark, with point or comma, is one; each mark has one spelling."""
    values: dict[str | float | None, str] = {
        "8,5": "8.5",
        "8.5": "8.5",
        " 8 ": "8",
        "10": "10",
        8.0: "8",
        0: "0",
        "9,0": "9",
        9.9: "9.9",
        "10,0": "10",
        "0.1": "0.1",
    }
    for row, value in enumerate(values, start=7):
        workbook.put("Toán", f"F{row}", value).put("Toán", f"J{row}", None)

    read = read_class_book(workbook.content(), "book.xlsx")
    assert [str(read.marks[TOAN][pupil.id].tx[2]) for pupil in read.pupils[: len(values)]] == list(values.values())


def test_a_formula_error_anywhere_is_told(workbook: Workbook, misfits: MisfitsOf) -> None:
    """The library that reads cells shows errors as blanks: our own pass does not, in any column, for any error."""
    errors = ["#REF!", "#N/A", "#DIV/0!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"]
    put = {f"{column}{row}": error for row, error in enumerate(errors, start=7) for column in "ABCDEFGHIJK"}
    for cell, error in put.items():
        workbook.put("Toán", cell, error, "e")

    found = misfits(workbook.content())
    assert {f"Toán!{cell}": error for cell, error in put.items()} == {where: found[where] for where in found if where != "Toán"}


def test_a_formula_that_was_never_computed(workbook: Workbook, misfits: MisfitsOf) -> None:
    """In a mark it is a misfit; as an average it claims nothing, and the average follows from the marks."""
    part = workbook.part("Toán")
    workbook.put("Toán", "F17", "77777", "n").replace(part, "<v>77777</v>", "<f>7+1</f>")
    workbook.put("Toán", "J17", "88888", "n").replace(part, "<v>88888</v>", "<f>7+1</f>")

    assert misfits(workbook.content()) == {"Toán!F17": "công thức chưa có giá trị / a formula without a value"}


def test_a_computed_formula_is_its_value(workbook: Workbook) -> None:
    """Marks that a teacher computes in the workbook are read as Excel shows them: 15 digits, not the binary float."""
    part = workbook.part("Toán")
    workbook.put("Toán", "F17", "77777", "n").replace(part, "<v>77777</v>", "<f>8.1+0.2</f><v>8.299999999999999</v>")
    workbook.put("Toán", "J17", None)

    read = read_class_book(workbook.content(), "book.xlsx")
    assert read.marks[TOAN][read.pupils[10].id].tx[2] == Decimal("8.3")


def test_an_average_must_follow_from_the_marks(workbook: Workbook, misfits: MisfitsOf, book: ClassBook) -> None:
    """A mark changed without its average, or an average typed over, is told at the average."""
    assert Check.FAILED not in _checks(book, "gdtc", 0)
    workbook.put("Toán", "I17", 3).put("Toán", "J18", "cao").put("Toán", "J19", 11).put("GDTC", "H7", "CĐ")

    assert list(misfits(workbook.content())) == ["Toán!J17", "Toán!J18", "Toán!J19", "GDTC!J7"]


def _checks(book: ClassBook, key: str, place: int) -> tuple[object, ...]:
    marks: Marks = book.marks[SubjectKey(key)][book.pupils[place].id]
    return (*marks.tx, marks.gk, marks.ck)


def test_dates_where_marks_should_be(workbook: Workbook, misfits: MisfitsOf) -> None:
    """Excel makes a date of 8.5 or 8/5 in some languages: the cell holds a day, which is no mark."""
    styles = workbook.parts["xl/styles.xml"].decode()
    part = workbook.part("Danh sách")
    style = workbook.parts[part].decode().split('<c r="D4"')[1].split('s="')[1].split('"')[0]
    assert styles
    workbook.put("Toán", "F17", 46150).replace(workbook.part("Toán"), 'r="F17"', f'r="F17" s="{style}"')

    assert misfits(workbook.content()) == {"Toán!F17": "08/05/2026"}


def test_a_percentage_is_no_mark(workbook: Workbook, misfits: MisfitsOf) -> None:
    """80% is stored as 0.8 and would pass as a very bad mark."""
    styles = workbook.parts["xl/styles.xml"].decode()
    end = styles.index("</cellXfs>")
    style = styles[styles.index("<cellXfs") : end].count("<xf ")
    workbook.parts["xl/styles.xml"] = (styles[:end] + '<xf numFmtId="9" fontId="0"/>' + styles[end:]).encode()
    workbook.put("Toán", "F17", 0.8).replace(workbook.part("Toán"), 'r="F17"', f'r="F17" s="{style}"')

    assert misfits(workbook.content()) == {"Toán!F17": "0.8 (%)"}


def test_true_is_no_mark(workbook: Workbook, misfits: MisfitsOf) -> None:
    """A logical value, which programs count as 1."""
    assert misfits(workbook.put("Toán", "F17", 1, "b").content()) == {"Toán!F17": "TRUE"}


class TestPupils:
    """The class list, and every other list against it."""

    def test_a_missing_id_is_told_where_it_is_missing(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Once in the sheet where it is missing, not again for the pupil who then seems to be absent."""
        assert misfits(workbook.put("Toán", "B17", None).content()) == {"Toán!B17": "(trống / blank)"}

    def test_a_missing_id_in_the_class_list_is_told_once(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """The fourteen other lists, which name that pupil rightly, are not blamed."""
        assert misfits(workbook.put("Danh sách", "B14", None).content()) == {"Danh sách!B14": "(trống / blank)"}

    def test_a_duplicate_id(self, workbook: Workbook, misfits: MisfitsOf, book: ClassBook) -> None:
        """Two lines with one id are told at the second."""
        first = book.pupils[0].id
        assert misfits(workbook.put("Toán", "B17", first).content()) == {"Toán!B17": first}
        assert misfits(workbook.put("Danh sách", "B14", first).content())["Danh sách!B14"] == first

    def test_a_pupil_listed_twice_under_two_ids(self, workbook: Workbook, misfits: MisfitsOf, book: ClassBook) -> None:
        """The same name and date of birth is the same pupil."""
        twin = book.pupils[0]
        workbook.put("Danh sách", "C14", twin.name).put("Danh sách", "D14", twin.birth_date.strftime("%d/%m/%Y"))

        assert misfits(workbook.content())["Danh sách!C14"] == twin.name

    def test_an_id_that_became_a_number(self, workbook: Workbook, book: ClassBook) -> None:
        """A number would have lost its leading zeros: it is refused, and the message says to use text."""
        number = int(book.pupils[10].id)
        with pytest.raises(BadData, match=r"dạng chữ \(Text\)") as refused:
            read_class_book(workbook.put("Toán", "B17", number).content(), "book.xlsx")

        assert [m.where for m in refused.value.misfits] == ["Toán!B17"]

    def test_an_id_that_is_none(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Ten or twelve digits 0-9."""
        values = ["310005934", "31000593450", "31000-5934", "310005934O", "٣١٠٠٠٥٩٣٤٥", "3.100059E9", "=3100059345", "x" * 300]
        found = told(misfits, workbook, {f"B{row}": value for row, value in enumerate(values, start=7)})

        assert list(found) == [f"Toán!B{row}" for row in range(7, 7 + len(values))]

    def test_a_stranger(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """An id that is in no class list."""
        assert "Toán!B17" in misfits(workbook.put("Toán", "B17", "3100999999").content())

    def test_another_name_for_an_id(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Names that differ between sheets: one of them is wrong, nobody can tell which."""
        assert misfits(workbook.put("Toán", "C17", "Trần Mạnh Cương").content()) == {"Toán!C17": "Trần Mạnh Cương"}

    def test_names_in_other_unicode_forms_are_one_name(self, xlsx: bytes, book: ClassBook) -> None:
        """NFD (as macOS types), odd spaces, zero-width characters and the Icelandic Ð are brought to one form."""
        workbook = Workbook.of(xlsx)
        workbook.put("Toán", "C17", unicodedata.normalize("NFD", book.pupils[10].name))
        workbook.put("Toán", "C18", book.pupils[11].name.replace(" ", "\u00a0\u2003"))
        workbook.put("Toán", "C19", "\ufeff " + book.pupils[12].name + "\u200b\t")
        workbook.put("Toán", "C20", book.pupils[13].name.replace("Đ", "Ð"))
        workbook.put("GDTC", "D7", unicodedata.normalize("NFD", "đ")).put("GDTC", "E7", "Ð")
        assert "Đ" in book.pupils[13].name

        assert read_class_book(workbook.content(), "book.xlsx") == book

    def test_the_whole_workbook_in_nfd_is_the_same_book(self, workbook: Workbook, book: ClassBook) -> None:
        """Headers, labels, sheet names and all."""
        for name, part in workbook.parts.items():
            if name.startswith("xl/worksheets/") or name == "xl/workbook.xml":
                letters = re.sub(r"&#(\d+);", lambda match: chr(int(match[1])), part.decode())
                workbook.parts[name] = unicodedata.normalize("NFD", letters).encode()

        assert read_class_book(workbook.content(), "book.xlsx") == book

    def test_a_name_that_is_none(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Formulas, direction marks, look-alike letters of other scripts, digits and markup are no names."""
        values: dict[str | float | None, str] = {
            "=cmd|' /C calc'!A0": "=cmd|' /C calc'!A0",
            "@SUM(A1)": "@SUM(A1)",
            "-2+3": "-2+3",
            "Trần\u202eVăn A": "TrầnU+202EVăn A",
            "Trần Văn А": "Trần Văn А",  # a Cyrillic А
            "陳文": "陳文",
            "A": "A",
            "Trần Văn 1": "Trần Văn 1",
            "Trần <b>Văn": "Trần <b>Văn",
            "Nguyễn " * 30: ("Nguyễn " * 30)[:59] + "…",
            "Trần\u0489 Văn": "Trần\u0489 Văn",  # a mark that no font composes
            "Ｔrần Văn": "Ｔrần Văn",
            "Trần Văn 😀": "Trần Văn 😀",
            "'Trần Văn": "'Trần Văn",
            12.5: "12.5",
            None: BLANK,
        }
        found = told(misfits, workbook, {f"C{row}": value for row, value in enumerate(values, start=4)}, "Danh sách")

        assert {w: f for w, f in found.items() if w.startswith("Danh")} == {
            f"Danh sách!C{row}": shown for row, shown in enumerate(values.values(), start=4)
        }

    def test_names_of_the_country(self, workbook: Workbook) -> None:
        """Names of every people of Viet Nam are read."""
        names = ["H'Blĭ Niê", "Y-Bhŏ Êban", "Nguyễn Phúc Bảo-Long", "Tôn Nữ Thị Ỷ", "K’ Brểu", "Ka Să Ha Čo", "Lò Văn Ơi"]
        for sheet, first in [("Danh sách", 4), ("Tổng hợp", 4), *((n, 7) for n in workbook.names[3:-1])]:
            for place, name in enumerate(names):
                workbook.put(sheet, f"C{first + place}", name)

        read = read_class_book(workbook.content(), "book.xlsx")
        assert [pupil.name for pupil in read.pupils[: len(names)]] == [name.replace("’", "'") for name in names]

    def test_a_birthday_that_is_none(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Impossible days, American order, and ages that no pupil of the grade has."""
        values = ["31/02/2012", "2012", "14-03-12", "03/14/2012", "14/03/1912", "14/03/2020", "mai", None, 14032012, "0/1/2012"]
        found = told(misfits, workbook, {f"D{row}": value for row, value in enumerate(values, start=4)}, "Danh sách")

        assert list(found) == [f"Danh sách!D{row}" for row in range(4, 4 + len(values))]

    def test_a_birthday_as_text(self, workbook: Workbook) -> None:
        """Days typed as text, in the Vietnamese order or as ISO 8601."""
        for row, value in enumerate(["14/03/2012", "14.3.2012", "14-3-2012", "2012-03-14"], start=4):
            workbook.put("Danh sách", f"D{row}", value)

        read = read_class_book(workbook.content(), "book.xlsx")
        assert {pupil.birth_date.isoformat() for pupil in read.pupils[:4]} == {"2012-03-14"}

    def test_other_cells_of_the_class_list(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Sex and running number."""
        cells = {
            "E4": "nam nữ",
            "E5": None,
            "A6": 12,
            "A7": None,
            "A8": "x",
            "A9": 11.5,
            "E10": 1,
        }

        assert set(told(misfits, workbook, cells, "Danh sách")) == {f"Danh sách!{cell}" for cell in cells}

    def test_a_pupil_missing_from_one_sheet(self, workbook: Workbook, misfits: MisfitsOf, book: ClassBook) -> None:
        """The last line of a subject is gone."""
        for column in "ABCDEFGHIJK":
            workbook.put("Toán", f"{column}51", None)
        last = book.pupils[-1]

        assert misfits(workbook.content()) == {"Toán": f"không có {last.id} / no {last.id}"}


class TestMarks:
    """How many marks, and of which form."""

    def test_too_few_regular_marks(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """140 periods ask for four ĐĐGtx."""
        assert misfits(workbook.put("Toán", "G17", None).content()) == {"Toán!G17": "(trống / blank)"}

    def test_too_many_regular_marks(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """35 periods allow two ĐĐGtx; a comment subject has two as well."""
        assert misfits(workbook.put("GDCD", "F17", 8).content()) == {"GDCD!F17": "8"}
        assert "GDTC!G17" in misfits(workbook.put("GDTC", "G17", "Đ").content())

    def test_a_comment_subject_takes_no_numbers(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Only Đ and CĐ; a D without its stroke is not taken for one."""
        cells = {f"D{row}": value for row, value in enumerate([8, "8", "x", None, "D", "CD", "ĐĐ", "đ d"], start=7)}

        assert set(told(misfits, workbook, cells, "GDTC")) == {f"GDTC!{cell}" for cell in cells}

    def test_a_required_mark_is_missing(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """ĐĐGgk and ĐĐGck."""
        assert told(misfits, workbook, {"H17": None, "I18": None}, "Tin học") == {"Tin học!H17": BLANK, "Tin học!I18": BLANK}

    def test_every_misfit_is_told_at_once(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """In one refusal: cover, class list, subjects, marks of two subjects, summary."""
        workbook.put("Bìa", "B12", "2026").put("Danh sách", "C14", "=A1").put("Bìa lót", "E6", "nhiều")
        workbook.put("Toán", "F17", 11).put("Toán", "H20", "abc").put("GDTC", "D9", 8).put("Tổng hợp", "D8", "Giỏi")

        assert set(misfits(workbook.content())) == {
            "Bìa!B12", "Danh sách!C14", "Bìa lót!E6", "Toán!F17", "Toán!H20", "GDTC!D9", "Tổng hợp!D8",
        }  # fmt: skip

    def test_a_note_that_would_run(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """A remark that a spreadsheet would run as a formula, hide or cut is refused."""
        notes: list[str | float | None] = ["=1+1", "+84912345678", "-x", "@x", "x\u202ey", "x" * 201, 7, "\u200b=1", "日本"]
        cells = {f"K{row}": note for row, note in enumerate(notes, start=7)}

        assert set(told(misfits, workbook, cells)) == {f"Toán!{cell}" for cell in cells}

    def test_a_note_is_kept(self, workbook: Workbook) -> None:
        """An honest remark is read."""
        read = read_class_book(workbook.put("Toán", "K17", "Kiểm tra bù ngày 05/01 – có phép").content(), "book.xlsx")

        assert read.marks[TOAN][read.pupils[10].id].note == "Kiểm tra bù ngày 05/01 – có phép"


class TestSheets:
    """The workbook's own shape."""

    def test_a_missing_sheet(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """A sheet renamed is one missing and one too many."""
        workbook.replace(
            "xl/workbook.xml",
            'name="To&#225;n"' if b'name="To&#225;n"' in workbook.parts["xl/workbook.xml"] else 'name="Toán"',
            'name="Nháp"',
        )

        assert set(misfits(workbook.content())) == {"Bìa lót!H6", "Nháp"}

    @pytest.mark.parametrize("sheet", ["Bìa", "Bìa lót", "Danh sách", "Tổng hợp"])
    def test_a_missing_list(self, workbook: Workbook, misfits: MisfitsOf, sheet: str) -> None:
        """Without one of the fixed sheets the others are judged all the same."""
        xml = workbook.parts["xl/workbook.xml"].decode()
        workbook.parts["xl/workbook.xml"] = html.unescape(xml).replace(f'name="{sheet}"', 'name="Khác"').encode()
        found = misfits(workbook.put("Toán", "F17", 11).content())

        assert found["book.xlsx"].endswith(f"no sheet {sheet}")
        assert found["Toán!F17"] == "11"

    def test_a_merged_header(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Cells merged in the header would read as blank columns."""
        workbook.replace(workbook.part("Toán"), '<mergeCell ref="A1:K1"/>', '<mergeCell ref="A1:K1"/><mergeCell ref="D6:G6"/>')

        assert misfits(workbook.content()) == {"Toán!D6:G6": "ô gộp / merged cells"}

    def test_merged_cells_in_the_list(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """The same in the list: the marks of two pupils in one cell."""
        workbook.replace(workbook.part("Toán"), '<mergeCell ref="A1:K1"/>', '<mergeCell ref="H17:H18"/>')

        assert misfits(workbook.content()) == {"Toán!H17:H18": "ô gộp / merged cells"}

    def test_a_renamed_column(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """The unknown header is told, and the missing one."""
        assert misfits(workbook.put("Toán", "H6", "Giữa kì").content()) == {
            "Toán!H6": "Giữa kì",
            "Toán!6": "không có cột ĐĐGgk / no column ĐĐGgk",
        }

    def test_a_column_twice(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Two columns of one name."""
        assert "Toán!K6" in misfits(workbook.put("Toán", "K6", "ĐĐGck").content())

    def test_no_header(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """A sheet without its header row."""
        for column in "ABCDEFGHIJK":
            workbook.put("Toán", f"{column}6", None)

        assert misfits(workbook.content())["Toán"] == "không thấy dòng tiêu đề / no header row"

    def test_a_column_without_a_header(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Somebody's own sums beside the list would be lost: they are told."""
        assert misfits(workbook.put("Toán", "N17", 42).content()) == {"Toán!N17": "42"}

    def test_a_blank_row_within_the_list(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """What stands below might be half of the class: it is not dropped silently."""
        for column in "ABCDEFGHIJK":
            workbook.put("Danh sách", f"{column}14", None)

        assert misfits(workbook.content()) == {"Danh sách!14": "(trống / blank)"}

    def test_text_below_the_list(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """A footnote is not understood, so it is told."""
        assert list(misfits(workbook.put("Toán", "C60", "Người lập bảng").content())) == ["Toán!52"]

    def test_a_hidden_sheet_is_a_sheet(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """An extra sheet is told, seen or hidden."""
        xml = workbook.parts["xl/workbook.xml"].decode()
        relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        sheet = f'<sheet xmlns:r2="{relation}" name="Ẩn" sheetId="99" state="hidden" r2:id="rId1"/>'
        workbook.parts["xl/workbook.xml"] = xml.replace("</sheets>", f"{sheet}</sheets>").encode()

        assert misfits(workbook.content())["Ẩn"] == "Ẩn"

    def test_two_sheets_that_look_the_same(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """The same name in another Unicode form: one of the two would be lost without a word."""
        xml = html.unescape(workbook.parts["xl/workbook.xml"].decode())
        other = unicodedata.normalize("NFD", "Toán")
        workbook.parts["xl/workbook.xml"] = xml.replace('name="KHTN"', f'name="{other}"').encode()

        assert "Toán" in {unicodedata.normalize("NFC", where) for where in misfits(workbook.content())}

    def test_too_many_pupils(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """A list of 101 is no class; its rows are not told one by one."""
        rows = "".join(f'<row r="{r}"><c r="A{r}"><v>{r - 3}</v></c></row>' for r in range(49, 200))
        workbook.replace(workbook.part("Danh sách"), "</sheetData>", f"{rows}</sheetData>")

        assert misfits(workbook.content()) == {"Danh sách!104": "196 dòng / rows"}

    def test_an_emptied_book_is_told_in_bounds(self, workbook: Workbook) -> None:
        """However many cells are wrong, the list of misfits ends."""
        for name in workbook.names[3:-1]:
            part = workbook.part(name)
            workbook.parts[part] = workbook.parts[part].replace(b"<v>", b"<v>77")
        with pytest.raises(BadData) as refused:
            read_class_book(workbook.content(), "book.xlsx")

        assert len(refused.value.misfits) == 1001
        assert len(str(refused.value)) < 6000


class TestCoverAndSubjects:
    """What the cover and the list of subjects say, and what the sheets repeat."""

    def test_a_wrong_cover(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Each entry of the cover is judged."""
        cells = {
            "B5": None, "B6": "x\u202ey", "B7": "=1+1" * 80, "B8": "có dấu cách", "B9": 7, "B10": "lớp chín", "B11": "III",
            "B12": "2026-2028", "B13": "=x", "B14": "GV Mai",
        }  # fmt: skip

        assert {f"Bìa!{cell}" for cell in cells} <= set(told(misfits, workbook, cells, "Bìa"))

    @pytest.mark.parametrize(("cell", "value"), [("B10", "5A"), ("B10", "../9A"), ("B12", "2026"), ("B12", "2023-2024")])
    def test_a_wrong_class_or_year(self, workbook: Workbook, misfits: MisfitsOf, cell: str, value: str) -> None:
        """A primary class, a path instead of a class, half a year, a year in which grade 9 had other rules."""
        assert f"Bìa!{cell}" in misfits(workbook.put("Bìa", cell, value).content())

    def test_a_missing_label(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """The label itself is gone."""
        assert misfits(workbook.put("Bìa", "A13", None).content()) == {
            "Bìa": "không có nhãn Giáo viên chủ nhiệm: / no label Giáo viên chủ nhiệm:"
        }

    @pytest.mark.parametrize(
        ("row", "values"),
        [
            (6, {"B": "Toán!", "C": None, "D": "Điểm chữ", "E": 0, "F": None, "G": None, "H": "Không có", "A": 7}),
            (6, {"B": "ngu-van", "C": "Ngữ văn", "D": "Nhận xét", "E": 140.5, "F": "GV 1", "G": "=", "H": None, "A": "x"}),
            (13, {"B": None, "D": "Điểm số", "E": "nhiều", "F": "../x", "G": 5, "H": "Bìa"}),
            (13, {"D": "Điểm số"}),
            (6, {"D": "Nhận xét"}),
        ],
    )
    def test_a_wrong_subject(
        self, workbook: Workbook, misfits: MisfitsOf, row: int, values: dict[str, str | float | None]
    ) -> None:
        """Key, title, form (law for the programme's subjects), periods, teacher and sheet."""
        cells = {f"{column}{row}": value for column, value in values.items()}

        law = {f"Bìa lót!D{row}"} if len(values) > 1 and values.get("B", 1) in {None, "Toán!", "ngu-van"} else set()
        assert {f"Bìa lót!{cell}" for cell in cells} - law <= set(told(misfits, workbook, cells, "Bìa lót"))

    def test_one_id_is_one_person(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """The homeroom teacher's id with another teacher's name would put the wrong name under a signature."""
        found = misfits(workbook.put("Bìa lót", "F6", "gv-nguyen-thi-mai").content())

        assert found == {"Bìa lót!G6": "Trần Văn Hùng"}

    def test_a_sheet_of_another_class(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """What stands above a subject's list must be what the cover says."""
        cells = {
            "C2": "Vật lí",
            "I2": "9B",
            "C3": "II",
            "I3": "2025-2026",
            "C4": "Trần Văn Hưng",
        }

        assert set(told(misfits, workbook, cells)) == {f"Toán!{cell}" for cell in cells}

    def test_a_sheet_of_no_class(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """A label without its value."""
        assert set(told(misfits, workbook, {"I2": None, "C4": None})) == {"Toán!I2", "Toán!C4"}

    def test_a_wrong_summary(self, workbook: Workbook, misfits: MisfitsOf) -> None:
        """Conduct is one of four levels, absences are counts."""
        cells = {
            "D4": "Giỏi", "D5": None, "E6": -1, "E7": 1.5, "F8": "x", "F9": 401, "F10": None, "D11": 1, "G12": "=x",
        }  # fmt: skip

        assert set(told(misfits, workbook, cells, "Tổng hợp")) == {f"Tổng hợp!{cell}" for cell in cells}


@pytest.mark.parametrize("font", sorted(FONTS.glob("*.ttf")), ids=lambda path: path.stem)
def test_every_letter_that_is_taken_can_be_printed(font: Path) -> None:
    """A letter that the page's fonts lack would stop the rendering long after the file was taken."""
    letters = TTFont(font).getBestCmap()
    taken = [chr(code) for code in range(0x20, 0x30000) if not 0xD800 <= code < 0xE000 and _printable(chr(code))]

    assert [letter for letter in taken for part in clean(letter) if ord(part) not in letters] == []
    assert set("ẰằẲẳẴẵẶặỀềỂểỄễỆệỐốỒồỔổỖỗỘộỚớỜờỞởỠỡỢợỨứỪừỬửỮữỰựỲỳỶỷỸỹỴỵĐđ") <= set(taken)
