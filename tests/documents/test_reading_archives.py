"""Files that are no workbook, or one made to hurt: refused in bounds, in one sentence, and nothing else happens."""

import io
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents import BadData, ClassBook, read_class_book
from documents.reading.limits import LIMITS
from tests.documents.conftest import EXAMPLES, Workbook

MisfitsOf = Callable[..., dict[str, str]]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def told(misfits: MisfitsOf, content: bytes, filename: str = "book.xlsx") -> str:
    """The one thing that is told about the file itself."""
    found = misfits(content, filename)
    assert list(found) == [filename]
    return found[filename]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"%PDF-1.7\n", "not an Excel file"),
        (b"PK", "not an Excel file"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "not an Excel file"),  # what some school programs call .xls
        ("STT,Mã học sinh".encode(), "not an Excel file"),
        (OLE + b"\0" * 600 + "Workbook".encode("utf-16-le"), "an old Excel file (.xls)"),
        (OLE + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le") + b"\0" * 600, "a password"),
        (b"PK\x03\x04" + b"\0" * 100, "a damaged file"),
        (b"PK\x03\x04" + b"\xff" * 5000, "a damaged file"),
    ],
)
def test_a_file_that_is_no_workbook(misfits: MisfitsOf, content: bytes, found: str) -> None:
    """An old workbook, one under a password, a page, a text: each has its sentence."""
    assert found in told(misfits, content)


@pytest.mark.parametrize("filename", ["book.xls", "book.xlsm", "book.csv", "book", "book.xlsx.exe", "book.pdf"])
def test_another_kind_of_file(misfits: MisfitsOf, xlsx: bytes, filename: str) -> None:
    """The name says what a file claims to be; three kinds are read."""
    assert "another kind of file" in told(misfits, xlsx, filename)


def test_a_path_in_a_name_is_not_followed(xlsx: bytes, book: ClassBook) -> None:
    """Only the last part of the name counts, and only in messages."""
    assert read_class_book(xlsx, "../../etc/book.XLSX") == book


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_half_a_file(misfits: MisfitsOf, xlsx: bytes, keep: float) -> None:
    """A transfer that broke off."""
    assert "a damaged file" in told(misfits, xlsx[: int(len(xlsx) * keep)])


def test_a_part_that_changed(misfits: MisfitsOf, xlsx: bytes) -> None:
    """The archive's own checksums are checked."""
    place = xlsx.index(b"xl/worksheets/sheet5.xml") + 400
    assert "a damaged file" in told(misfits, xlsx[:place] + bytes([xlsx[place] ^ 0xFF]) + xlsx[place + 1 :])


class TestBombs:
    """Files that are small and unpack to something that would stop the machine."""

    def test_200_megabytes_of_nothing(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Refused by the archive's own list, before a byte is unpacked."""
        workbook.parts["xl/worksheets/sheet5.xml"] = b" " * 200_000_000
        content = workbook.content()
        assert len(content) < 400_000
        start = time.monotonic()

        assert "too large when unpacked" in told(misfits, content)
        assert time.monotonic() - start < 5

    def test_a_ratio_that_no_honest_file_has(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Below the total, but compressed a thousand times."""
        workbook.parts["xl/media/image1.png"] = b"\0" * 20_000_000

        assert "unbelievably compressed" in told(misfits, workbook.content())

    def test_a_size_that_lies(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """The list says 1000 bytes, the stream holds 60 MB: no more than the list says is ever unpacked."""
        workbook.parts["xl/media/image1.png"] = b"\0" * 60_000_000
        content = workbook.content().replace(struct.pack("<L", 60_000_000), struct.pack("<L", 1000))

        assert "a damaged file" in told(misfits, content)

    def test_too_many_parts(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Ten thousand tiny parts."""
        workbook.parts |= {f"xl/media/{n}.png": b"" for n in range(10_000)}

        assert "too many parts" in told(misfits, workbook.content())

    def test_entities_that_multiply(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """A document type is refused before anything could expand it; in UTF-16 too, and in any part."""
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
        bomb = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><worksheet>&l9;</worksheet>'
        original = dict(workbook.parts)
        for part, content in [
            ("xl/worksheets/sheet5.xml", bomb.encode()),
            ("xl/worksheets/sheet5.xml", bomb.replace("1.0", "1.0").encode("utf-16")),
            ("xl/sharedStrings.bin", bomb.encode()),
            ("xl/workbook.xml", bomb.encode()),
        ]:
            workbook.parts = original | {part: content}

            assert "an XML document type" in told(misfits, workbook.content())

    def test_outside_entities(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Nothing is fetched from this machine or another."""
        workbook.parts["xl/worksheets/sheet5.xml"] = (
            b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><worksheet><sheetData>&f;</sheetData></worksheet>'
        )

        assert "an XML document type" in told(misfits, workbook.content())

    @pytest.mark.parametrize(
        ("row", "found"),
        [
            ('<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>', "too many rows"),
            ('<row r="99"><c r="XFD99"><v>1</v></c></row>', "too many columns"),
            ('<row r="99999999999999999999"><c r="A1"><v>1</v></c></row>', "damaged content"),
            ('<row r="60"><c r="ZZZZ60"><v>1</v></c></row>', "damaged content"),
            ('<row r="-1"/>', "damaged content"),
            ('<row r="60"><c r="A0"><v>1</v></c></row>', "damaged content"),
            ('<row r="17"><c r="F17"><v>3</v></c></row>', "a cell twice"),
        ],
    )
    def test_a_cell_at_the_end_of_the_world(self, misfits: MisfitsOf, workbook: Workbook, row: str, found: str) -> None:
        """One cell far out would make a table of billions."""
        workbook.replace(workbook.part("Toán"), "</sheetData>", f"{row}</sheetData>")

        assert found in told(misfits, workbook.content())

    def test_a_million_rows(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Half a million honest rows are no class."""
        rows = "".join(f'<row r="{r}"><c r="A{r}"><v>{r}</v></c></row>' for r in range(52, 400_000))
        workbook.replace(workbook.part("Toán"), "</sheetData>", f"{rows}</sheetData>")
        start = time.monotonic()

        assert "too many rows" in told(misfits, workbook.content())
        assert time.monotonic() - start < 10

    def test_formatted_blanks_are_no_rows(self, workbook: Workbook, book: ClassBook) -> None:
        """What LibreOffice and a whole column's format leave: empty rows and cells down to the last."""
        blanks = "".join(f'<row r="{r}"><c r="A{r}" s="1"/></row>' for r in range(52, 9000)) + '<row r="1048576" ht="12"/>'
        workbook.replace(workbook.part("Toán"), "</sheetData>", f"{blanks}</sheetData>")

        assert read_class_book(workbook.content(), "book.xlsx") == book

    def test_too_many_cells(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Every cell within its row and column, all together too many."""
        for name in workbook.names[3:10]:
            rows = "".join(
                f'<row r="{r}">' + "".join(f"<c><v>{c}</v></c>" for c in range(200)) + "</row>" for r in range(60, 110)
            )
            workbook.replace(workbook.part(name), "</sheetData>", f"{rows}</sheetData>")

        assert "too many cells" in told(misfits, workbook.content())

    def test_depth(self, workbook: Workbook) -> None:
        """A hundred thousand elements in one another: refused or read past, never a crash."""
        deep = "<x>" * 100_000 + "</x>" * 100_000
        workbook.put("Toán", "F17", 11).replace(workbook.part("Toán"), "<sheetData>", f"{deep}<sheetData>")

        with pytest.raises(BadData):
            read_class_book(workbook.content(), "book.xlsx")

    def test_a_file_beyond_the_limit(self, misfits: MisfitsOf) -> None:
        """Ten megabytes are more than any class book."""
        assert "too large a file" in told(misfits, b"PK\x03\x04" + b"\0" * LIMITS.file_bytes)


class TestShape:
    """Archives that are workbooks of a kind, but not of ours."""

    @pytest.mark.parametrize(
        ("part", "content", "found"),
        [
            ("xl/vbaProject.bin", b"x", "a workbook with macros"),
            ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet", "another kind of spreadsheet"),
            ("xl/workbook.bin", b"x", "another kind of spreadsheet"),
            ("XL/WORKBOOK.XML", b"<workbook/>", "the same part twice"),
            ("xl/worksheets/sheet5.xml", b"<worksheet><sheetData>", "damaged content"),
            ("xl/worksheets/sheet5.xml", b"\xff\xfe\0\0", "damaged content"),
            (
                "xl/workbook.xml",
                b"<workbook><sheets><sheet name='x' id='rId999'/></sheets></workbook>",
                "not a readable workbook",
            ),
        ],
    )
    def test_another_shape(self, misfits: MisfitsOf, workbook: Workbook, part: str, content: bytes, found: str) -> None:
        """Macros, other formats, a part twice, XML cut off, a sheet without its part."""
        workbook.parts[part] = content

        assert found in told(misfits, workbook.content())

    def test_an_encrypted_member(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """A ZIP password is a password."""
        content = bytearray(workbook.content())
        content[content.index(b"PK\x01\x02") + 8] |= 1

        assert "a password" in told(misfits, bytes(content))

    def test_a_workbook_without_sheets(self, workbook: Workbook) -> None:
        """Each of the lists is asked for."""
        workbook.parts["xl/workbook.xml"] = (
            b'<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheets/></workbook>'
        )
        with pytest.raises(BadData) as refused:
            read_class_book(workbook.content(), "book.xlsx")

        assert all(m.where == "book.xlsx" for m in refused.value.misfits)

    def test_a_plain_zip_called_xlsx(self, misfits: MisfitsOf) -> None:
        """An archive of anything."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("hello.txt", "hello")

        assert "not a readable workbook" in told(misfits, target.getvalue())

    def test_stored_or_deflated_is_the_same(self, workbook: Workbook, book: ClassBook) -> None:
        """How the archive is packed does not matter."""
        assert read_class_book(workbook.content(zipfile.ZIP_STORED), "book.xlsx") == book

    def test_another_way_of_packing(self, misfits: MisfitsOf, workbook: Workbook) -> None:
        """Excel knows two ways; bzip2 and LZMA are bombs' ways."""
        assert "a damaged file" in told(misfits, workbook.content(zipfile.ZIP_BZIP2))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_changed_byte_is_refused_or_harmless(data: st.DataObject, xlsx: bytes, book: ClassBook) -> None:
    """Whatever a few bytes of a real workbook are changed to: the same book or BadData, nothing else."""
    changed = bytearray(xlsx)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(xlsx) - 1))] = data.draw(st.integers(0, 255))
    try:
        read = read_class_book(bytes(changed), "book.xlsx")
    except BadData:
        return

    assert read == book


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_any_changed_xml_is_refused_or_read(data: st.DataObject, xlsx: bytes) -> None:
    """Inside a sound archive, a piece of any part cut out, doubled or overwritten: a book or BadData, nothing else."""
    workbook = Workbook.of(xlsx)
    name = data.draw(st.sampled_from(sorted(workbook.parts)))
    part = workbook.parts[name]
    start = data.draw(st.integers(0, len(part)))
    end = min(len(part), start + data.draw(st.integers(0, 200)))
    piece = data.draw(st.sampled_from([b"", part[start:end] * 2, b"<c r='A1' t='e'><v>#REF!</v></c>", b'"', b"\xff", b"&#0;"]))
    workbook.parts[name] = part[:start] + piece + part[end:]
    try:
        read = read_class_book(workbook.content(), "book.xlsx")
    except BadData:
        return

    assert len(read.pupils) == 45


def test_the_process_that_reads_is_limited(misfits: MisfitsOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A reader that hangs, dies or babbles is a refusal within the time limit: shown with three such programs."""
    from dataclasses import replace

    from documents.reading import limited

    monkeypatch.setattr(limited, "LIMITS", replace(LIMITS, worker_seconds=1.0))
    xlsx = (EXAMPLES / "class-book-9A.xlsx").read_bytes()
    for program, found in [
        ("import time; time.sleep(60)", "takes too long"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "takes too long"),
        ("print('nonsense')", "not readable"),
        ("raise SystemExit(3)", "not readable"),
    ]:
        worker = tmp_path / "worker.py"
        worker.write_text(program)
        monkeypatch.setattr(limited, "WORKER", worker)

        assert found in told(misfits, xlsx)
