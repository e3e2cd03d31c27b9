"""CSV, ZIP of CSV, and JSON: the same judgement, other places."""

import csv
import io
import json
import time
import unicodedata
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents import (
    BadData,
    ClassBook,
    SubjectKey,
    class_book_from_json,
    class_book_json,
    read_class_book,
    read_subject_csv,
)
from documents.reading.limits import LIMITS
from tests.documents.conftest import EXAMPLES

MisfitsOf = Callable[..., dict[str, str]]
TOAN = SubjectKey("toan")
CSV = (EXAMPLES / "csv" / "toan.csv").read_text("utf-8-sig")


def refused(content: bytes, book: ClassBook, subject: str = "toan") -> dict[str, str]:
    """Where and what misfits in one subject's CSV."""
    with pytest.raises(BadData) as bad:
        read_subject_csv(content, book, subject)
    return {m.where: m.found for m in bad.value.misfits}


def lines(text: str) -> list[list[str]]:
    """The fields of a CSV text."""
    return list(csv.reader(io.StringIO(text)))


def written(rows: list[list[str]], delimiter: str = ",") -> str:
    """A CSV text of these fields."""
    target = io.StringIO(newline="")
    csv.writer(target, delimiter=delimiter).writerows(rows)
    return target.getvalue()


class TestCsv:
    """One subject's marks."""

    def test_each_shipped_file_is_its_subject(self, book: ClassBook) -> None:
        """Thirteen files, thirteen times the same book."""
        for subject in book.subjects:
            content = (EXAMPLES / "csv" / f"{subject.key}.csv").read_bytes()

            assert read_subject_csv(content, book, subject.key) == book

    def test_a_correction_changes_one_subject(self, book: ClassBook) -> None:
        """The corrected mark is in the new book; the old book and every other subject are as they were."""
        rows = lines(CSV)
        rows[11][10] = "9.9"
        corrected = read_subject_csv(written(rows).encode(), book, "toan")

        assert corrected.marks[TOAN][book.pupils[10].id].ck == Decimal("9.9")
        assert {k: v for k, v in corrected.marks.items() if k != TOAN} == {k: v for k, v in book.marks.items() if k != TOAN}
        assert book.marks[TOAN][book.pupils[10].id].ck != Decimal("9.9")

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_encodings_and_delimiters(self, book: ClassBook, encoding: str, delimiter: str) -> None:
        """What Excel saves in any language: UTF-8 with or without BOM, UTF-16; comma, semicolon, tab."""
        assert read_subject_csv(written(lines(CSV), delimiter).encode(encoding), book, "toan") == book

    def test_decimal_commas_ends_of_lines_and_forms_of_letters(self, book: ClassBook) -> None:
        """Semicolons with decimal commas, Unix lines, "sep=", NFD, blank lines at the end."""
        text = written([[f.replace(".", ",") for f in row] for row in lines(CSV)], ";")
        for variant in (
            text,
            text.replace("\r\n", "\n"),
            "sep=;\r\n" + text,
            unicodedata.normalize("NFD", text),
            text + "\r\n\r\n",
            text + ";;;;;;;;;;\r\n",
            text.replace("\r\n", "\r"),
        ):
            assert read_subject_csv(variant.encode(), book, "toan") == book

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-32", "cp1258", "latin-1", "cp037"])
    def test_other_encodings_are_refused(self, book: ClassBook, encoding: str) -> None:
        """Guessing would put wrong letters into names."""
        content = CSV.encode(encoding, errors="replace")
        if encoding in {"cp1258", "latin-1"}:
            content = "Họ và tên é".encode("cp1258", errors="replace") + content

        assert refused(content, book) == {"toan.csv": "bảng mã khác / another encoding"}

    def test_misfits_are_told_by_line_and_column(self, book: ClassBook) -> None:
        """All of them, by the file's line and the column's name."""
        rows = lines(CSV)
        rows[11][9], rows[12][5], rows[13][1], rows[14][3], rows[15][4], rows[16][2] = "11", "8..5", "", "9B", "Văn", "=1+1"

        assert refused(written(rows).encode(), book) == {
            "toan.csv:12:ĐĐGgk": "11",
            "toan.csv:13:ĐĐGtx1": "8..5",
            "toan.csv:14:Mã học sinh": "(trống / blank)",
            "toan.csv:15:Lớp": "9B",
            "toan.csv:16:Môn": "Văn",
            "toan.csv:17:Họ và tên": "=1+1",
        }

    def test_a_line_number_counts_lines_of_the_file(self, book: ClassBook) -> None:
        """A quoted field over two lines does not shift what is told."""
        rows = lines(CSV)
        rows[3][2] = rows[3][2].replace(" ", "\n", 1)
        rows[5][9] = "11"

        assert refused(written(rows).encode(), book) == {"toan.csv:7:ĐĐGgk": "11"}

    @pytest.mark.parametrize(
        ("change", "where"),
        [
            (lambda rows: rows[0].__setitem__(9, "Giữa kì"), "toan.csv:1:Giữa kì"),
            (lambda rows: rows[0].__setitem__(9, "ĐĐGck"), "toan.csv:1:ĐĐGck"),
            (lambda rows: rows.pop(0), "toan.csv"),
            (lambda rows: [row.pop(1) for row in rows], "toan.csv:1"),
            (lambda rows: rows[5].extend(["", "9"]), "toan.csv:6:13"),
            (lambda rows: rows.pop(20), "toan.csv"),
            (lambda rows: rows.insert(20, [""]), "toan.csv:21"),
            (lambda rows: rows.append(rows[20]), "toan.csv:47:Mã học sinh"),
            (lambda rows: rows.clear(), "toan.csv"),
            (lambda rows: rows.__setitem__(slice(1, None), []), "toan.csv"),
            (lambda rows: rows.extend([["x"] * 11] * 300), "toan.csv:102"),
        ],
    )  # fmt: skip
    def test_a_table_of_another_shape(self, book: ClassBook, change: Callable[[Any], object], where: str) -> None:
        """Columns renamed, doubled, missing, too many; lines missing, blank, doubled."""
        rows = lines(CSV)
        change(rows)

        assert where in refused(written(rows).encode(), book)

    @pytest.mark.parametrize(
        "text", ['"', 'a"b"c,"', "\0", "\r\r\r", "," * 5000, '"' + "x" * 200_000 + '"', "sep=", "STT,Mã học sinh,Họ và tên"]
    )
    def test_text_that_is_no_table(self, book: ClassBook, text: str) -> None:
        """Refused, whatever it is."""
        assert refused(text.encode(), book)

    @pytest.mark.parametrize(
        "text",
        ["," * 199_000, "STT,Mã học sinh,Họ và tên\n1,," + "\u0315\u0300" * 25_000, "\n" * 199_000, "x\n" * 99_000],
        ids=["commas", "combining marks", "blank lines", "lines"],
    )
    def test_text_that_would_take_for_ever(self, book: ClassBook, text: str) -> None:
        """As much text as is taken, made to be slow, is refused in a few seconds."""
        start = time.process_time()

        assert refused(text.encode(), book)
        assert time.process_time() - start < 5

    def test_a_comment_subject(self, book: ClassBook) -> None:
        """The scored file of another subject in its place."""
        found = refused(CSV.encode(), book, "gdtc")

        assert found["gdtc.csv:2:Môn"] == "Toán"
        assert {"gdtc.csv:2:ĐĐGtx1", "gdtc.csv:2:ĐĐGtx3", "gdtc.csv:2:ĐĐGck"} <= set(found)

    def test_a_subject_that_the_class_does_not_have(self, book: ClassBook) -> None:
        """Asking for it is the caller's mistake."""
        with pytest.raises(KeyError):
            read_subject_csv(CSV.encode(), book, "vat-li")

    def test_a_file_beyond_the_limit(self, book: ClassBook) -> None:
        """More than any class could fill for one subject."""
        assert refused(CSV.encode() * 200, book)["toan.csv"].endswith("byte")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_text_in_a_field_is_told_or_taken(data: st.DataObject, book: ClassBook) -> None:
    """Whatever stands in one field: the book with that field, or a misfit that names its line."""
    rows = lines(CSV)
    line = data.draw(st.integers(1, 45))
    column = data.draw(st.integers(0, 10))
    rows[line][column] = data.draw(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=12))
    try:
        read = read_subject_csv(written(rows).encode(), book, "toan")
    except BadData as bad:
        named = [m.where for m in bad.misfits if m.where.startswith("toan.csv")]
    else:
        named = ["taken"]
        same = {k: v for k, v in read.marks[TOAN].items() if k != book.pupils[line - 1].id}
        assert same == {k: v for k, v in book.marks[TOAN].items() if k != book.pupils[line - 1].id}

    assert named


def zipped(files: dict[str, bytes]) -> bytes:
    """An archive of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


@pytest.fixture
def files() -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (EXAMPLES / "csv").iterdir()}


class TestZip:
    """info.json and a CSV file per subject."""

    def test_the_shipped_archive_is_the_book(self, book: ClassBook, files: dict[str, bytes]) -> None:
        """As shipped, zipped anew, and zipped in a folder on a Mac."""
        litter = {"__MACOSX/9A/._toan.csv": b"\0", "9A/.DS_Store": b"\0"}

        assert read_class_book((EXAMPLES / "class-book-9A.zip").read_bytes(), "a.zip") == book
        assert read_class_book(zipped(files), "a.zip") == book
        assert read_class_book(zipped({f"9A/{name}": content for name, content in files.items()} | litter), "a.zip") == book

    def test_wrong_archives(self, misfits: MisfitsOf, files: dict[str, bytes]) -> None:
        """Without info.json, without a subject, with one too many, with something else, with a file twice."""
        without = {name: content for name, content in files.items() if name != "info.json"}
        assert misfits(zipped(without), "a.zip") == {"a.zip": "không có / no info.json"}
        without = {name: content for name, content in files.items() if name != "toan.csv"}
        assert misfits(zipped(without), "a.zip") == {"info.json:/subjects/1/key": "toan.csv"}
        assert misfits(zipped(files | {"vat-li.csv": files["toan.csv"]}), "a.zip") == {"vat-li.csv": "vat-li.csv"}
        assert misfits(zipped(files | {"run.exe": b"MZ"}), "a.zip") == {"a.zip": "run.exe"}
        assert misfits(zipped(files | {"x/toan.csv": b""}), "a.zip") == {"a.zip": "x/toan.csv"}
        assert "a damaged file" in misfits(zipped(files)[:-200], "a.zip")["a.zip"]

    def test_misfits_of_several_files_at_once(self, misfits: MisfitsOf, files: dict[str, bytes]) -> None:
        """info.json and two subjects."""
        info = json.loads(files["info.json"])
        info["pupils"][10]["birth_date"] = "hôm qua"
        toan = lines(files["toan.csv"].decode("utf-8-sig"))
        toan[20][9] = "11"
        changed = files | {"info.json": json.dumps(info).encode(), "toan.csv": written(toan).encode(), "gdtc.csv": b"x"}

        assert set(misfits(zipped(changed), "a.zip")) == {"info.json:/pupils/10/birth_date", "toan.csv:21:ĐĐGgk", "gdtc.csv"}


class TestJson:
    """The whole book as JSON, which is also how it is kept."""

    def test_the_kept_book_is_the_book(self, book: ClassBook) -> None:
        """Written and read again: equal, and the same bytes."""
        content = class_book_json(book)

        assert class_book_from_json(content) == book
        assert class_book_json(class_book_from_json(content)) == content
        assert content == (EXAMPLES / "class-book-9A.json").read_bytes()

    def test_numbers_are_taken_as_they_are_written(self, book: ClassBook) -> None:
        """8.1 in JSON is 8.1, not the nearest binary float."""
        whole = json.loads(class_book_json(book))
        pupil = book.pupils[10].id
        whole["marks"]["toan"][pupil]["ck"] = 8.1
        whole["marks"]["toan"][pupil]["gk"] = 8

        marks = class_book_from_json(json.dumps(whole).encode()).marks[TOAN][pupil]
        assert (str(marks.ck), str(marks.gk)) == ("8.1", "8")

    @pytest.mark.parametrize(
        ("path", "value", "where"),
        [
            ("marks/toan/{p}/gk", "11", "marks/toan/{p}/gk"),
            ("marks/toan/{p}/gk", 11, "marks/toan/{p}/gk"),
            ("marks/toan/{p}/gk", True, "marks/toan/{p}/gk"),
            ("marks/toan/{p}/gk", [8], "marks/toan/{p}/gk"),
            ("marks/toan/{p}/gk", None, "marks/toan/{p}/gk"),
            ("marks/toan/{p}/gk", 1e999, "marks/toan/{p}/gk"),
            ("marks/toan/{p}/gk", 10**50, "marks/toan/{p}/gk"),
            ("marks/toan/{p}/tx", ["8", "8", "8"], "marks/toan/{p}/tx/3"),
            ("marks/toan/{p}/tx", ["8"] * 5, "marks/toan/{p}/tx"),
            ("marks/toan/{p}/tx", "8888", "marks/toan/{p}/tx"),
            ("marks/gdcd/{p}/tx", ["8", "8", "8"], "marks/gdcd/{p}/tx/2"),
            ("marks/toan/{p}/them", 1, "marks/toan/{p}/them"),
            ("marks/toan", [], "marks/toan"),
            ("marks/vat-li", {}, "marks/vat-li"),
            ("marks", None, "marks"),
            ("pupils", None, "pupils"),
            ("subjects", None, "subjects"),
            ("terms", None, "terms"),
            ("school", None, "school"),
            ("pupils", {}, "pupils"),
            ("pupils/10", "x", "pupils/10"),
            ("pupils/10/id", 3100000000, "pupils/10/id"),
            ("pupils/10/name", "Nguyễn\u0000Văn", "pupils/10/name"),
            ("subjects/1/teacher", None, "subjects/1/teacher"),
            ("subjects/1/teacher", {"id": "gv-x"}, "subjects/1/teacher"),
            ("subjects/1/form", "points", "subjects/1/form"),
            ("class/semester", 3, "class/semester"),
            ("class/semester", "2", "terms"),
            ("class/name", "9A/../..", "class/name"),
            ("school", "THCS", "school"),
            ("format", "soky-class-book/2", "format"),
            ("terms/{p}/conduct", "Tot", "terms/{p}/conduct"),
            ("terms/{p}/excused", -1, "terms/{p}/excused"),
            ("extra", 1, "extra"),
        ],
    )
    def test_a_wrong_value(self, book: ClassBook, path: str, value: object, where: str) -> None:
        """Told by its path."""
        whole = json.loads(class_book_json(book))
        pupil = book.pupils[10].id
        *steps, last = path.format(p=pupil).split("/")
        at = whole
        for step in steps:
            at = at[int(step)] if isinstance(at, list) else at[step]
        at[int(last) if isinstance(at, list) else last] = value
        with pytest.raises(BadData) as bad:
            class_book_from_json(json.dumps(whole).encode())

        assert f"class-book.json:/{where.format(p=pupil)}" in {m.where for m in bad.value.misfits}

    @pytest.mark.parametrize(
        "content",
        [
            b"", b"{", b"[]", b"null", b"1", b'"x"', b"{}", b'{"a":1,"a":2}', b"[" * 200_000, b"NaN", b'{"marks":' * 5000,
            b"9" * 10_000, b'{"format":"\\ud800"}', b"\xff\xfe{\0}\0", b"\x80", b'{"pupils":[' + b"{}," * 5000 + b"{}]}",
        ],
    )  # fmt: skip
    def test_json_that_is_no_book(self, content: bytes) -> None:
        """Refused, whatever it is."""
        with pytest.raises(BadData) as bad:
            class_book_from_json(content)

        assert str(bad.value).encode()

    @pytest.mark.parametrize(
        "content",
        [
            b'{"marks":{' + b",".join(b'"k%d":{}' % n for n in range(80_000)) + b"}}",  # subjects without end
            b"{" + b",".join(b'"k%d":1' % n for n in range(80_000)) + b"}",
            b"{" + b",".join(b'"k":1' for _ in range(140_000)) + b"}",
            ('{"format":"' + "\u0315\u0300" * 200_000 + '"}').encode(),  # marks that must be sorted
            b'{"format":"' + b" " * 900_000 + b'"}',
            b"[" + b"[]," * 300_000 + b"[]]",
        ],
        ids=["subjects", "keys", "one key", "combining marks", "spaces", "lists"],
    )
    def test_json_that_would_take_for_ever(self, content: bytes) -> None:
        """As much JSON as is taken, made to be slow, is refused in a few seconds."""
        assert len(content) <= LIMITS.json_bytes
        start = time.process_time()
        with pytest.raises(BadData):
            class_book_from_json(content)

        assert time.process_time() - start < 5

    def test_a_key_twice(self, book: ClassBook) -> None:
        """Of two values one would be lost without a word."""
        content = class_book_json(book).replace(b'"excused":', b'"excused":0,"excused":', 1)
        with pytest.raises(BadData, match="each key once"):
            class_book_from_json(content)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_json_is_refused_or_read(data: st.DataObject, book: ClassBook) -> None:
    """One value anywhere in the tree replaced by another kind of value: a book or BadData, nothing else."""
    whole = json.loads(class_book_json(book))
    at: Any = whole
    while True:
        key = data.draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
        if not isinstance(at[key], dict | list) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    junk = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    at[key] = data.draw(junk | st.lists(junk, max_size=3) | st.dictionaries(st.text(max_size=5), junk, max_size=3))
    try:
        read = class_book_from_json(json.dumps(whole).encode())
    except BadData:
        return

    assert class_book_from_json(class_book_json(read)) == read
