"""The shipped example class, and workbooks with one thing wrong."""

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree

from documents import BadData, ClassBook, read_class_book

EXAMPLES = Path(__file__).resolve().parents[2] / "documents" / "examples"
MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@dataclass
class Workbook:
    """An .xlsx file whose cells can be changed one by one, all else staying as Excel left it."""

    parts: dict[str, bytes]
    names: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, content: bytes) -> "Workbook":
        """Take an .xlsx apart."""
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        sheets = etree.fromstring(parts["xl/workbook.xml"]).iter(f"{MAIN}sheet")
        return cls(parts, [sheet.get("name", "") for sheet in sheets])

    def part(self, sheet: str) -> str:
        """The part that holds a sheet."""
        return f"xl/worksheets/sheet{self.names.index(sheet) + 1}.xml"

    def put(self, sheet: str, reference: str, value: str | float | None, kind: str = "") -> "Workbook":
        """Set one cell: text, a number, or (with kind "e") an error; None empties it."""
        root = etree.fromstring(self.parts[self.part(sheet)])
        column, number = reference.rstrip("0123456789"), reference.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        row = root.find(f".//{MAIN}row[@r='{number}']")
        if row is None:
            row = etree.SubElement(root.find(f"{MAIN}sheetData"), f"{MAIN}row", r=number)  # type: ignore[arg-type]
        for cell in row.findall(f"{MAIN}c[@r='{reference}']"):
            row.remove(cell)
        if value is not None:
            row.append(_cell(reference, value, kind))
            row[:] = sorted(row, key=lambda c: (len(c.get("r", "")), c.get("r", "")))
        assert column
        self.parts[self.part(sheet)] = etree.tostring(root)
        return self

    def replace(self, part: str, old: str, new: str) -> "Workbook":
        """Change the XML of a part itself."""
        text = self.parts[part].decode()
        assert old in text, f"{old} is not in {part}"
        self.parts[part] = text.replace(old, new).encode()
        return self

    def content(self, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
        """Put it together again."""
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", compression) as archive:
            for name, part in self.parts.items():
                archive.writestr(name, part)
        return target.getvalue()


def _cell(reference: str, value: str | float, kind: str) -> etree._Element:
    cell = etree.Element(f"{MAIN}c", r=reference)
    if isinstance(value, str) and not kind:
        cell.set("t", "inlineStr")
        etree.SubElement(etree.SubElement(cell, f"{MAIN}is"), f"{MAIN}t").text = value
    else:
        if kind:
            cell.set("t", kind)
        etree.SubElement(cell, f"{MAIN}v").text = str(value)
    return cell


@pytest.fixture(scope="session")
def xlsx() -> bytes:
    return (EXAMPLES / "class-book-9A.xlsx").read_bytes()


@pytest.fixture(scope="session")
def book() -> ClassBook:
    return read_class_book((EXAMPLES / "class-book-9A.json").read_bytes(), "class-book-9A.json")


@pytest.fixture
def workbook(xlsx: bytes) -> Workbook:
    return Workbook.of(xlsx)


@pytest.fixture
def misfits() -> Callable[[bytes, str], dict[str, str]]:
    """Read a file that must be refused: where -> found."""

    def read(content: bytes, filename: str = "book.xlsx") -> dict[str, str]:
        with pytest.raises(BadData) as refused:
            read_class_book(content, filename)
        assert " / " in str(refused.value)
        assert all(m.expected_vi and m.expected_en for m in refused.value.misfits)
        return {m.where: m.found for m in refused.value.misfits}

    return read
