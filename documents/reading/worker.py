"""The limited process that opens other people's archives: bytes on stdin, cells or a refusal as JSON on stdout.

Run by `documents.reading.limited` as a file of its own, `python -I worker.py xlsx|zip`, so that it loads next to
nothing and its memory limit is its own. It imports only the standard library and python-calamine.

What it promises: at most 512 MB and 10 s of processor; no part is unpacked before the archive's own list was found
to be within bounds; XML with a document type (entity bombs) is refused before anything interprets it; calamine is
given a fresh archive of exactly the parts that were checked, so no second reading of hostile bytes can differ.

calamine turns an error cell (#REF!) and a formula without a stored value into a blank, which would hide them: those
cells are found by our own pass over the sheets' XML and laid over calamine's values.
"""

import base64
import datetime as dt
import io
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterator
from posixpath import normpath
from typing import Any
from xml.parsers import expat

MEMORY_BYTES = 512 * 1024 * 1024
CPU_SECONDS = 10
MOST_PARTS = 400  # a workbook of 60 sheets has about 150
MOST_PART_BYTES = 32_000_000
MOST_TOTAL_BYTES = 64_000_000
MOST_RATIO = 200  # honest sheets deflate up to 60 times
RATIO_FROM_BYTES = 1_000_000  # a short part may shrink as it likes
MOST_SHEETS = 64
MOST_ROWS = 5_000  # with a value in them; a class has 45
MOST_COLUMNS = 256
MOST_CELLS = 60_000  # filled, in the whole workbook; the shipped one has 8,000
SHORT = 64  # characters kept of a value that is only asked for blankness, or for an error's name
MOST_TEXT = 4_000_000  # characters of all cells together

REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")


class Refused(Exception):
    """The answer is no; `limited.REFUSALS` holds the sentence for each code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail)
        self.code, self.detail = code, detail


def main() -> None:
    """Read stdin, answer on stdout; the exit code says nothing, the JSON does."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        parts = unpack(sys.stdin.buffer.read())
        answer = workbook(parts) if sys.argv[1] == "xlsx" else members(parts)
    except Refused as refused:
        answer = {"refused": refused.code, "detail": refused.detail}
    except MemoryError:
        answer = {"refused": "TOO_MUCH_MEMORY", "detail": ""}
    sys.stdout.write(json.dumps(answer))


# The archive


def unpack(content: bytes) -> dict[str, bytes]:
    """The parts of an archive, after its list of contents was found within bounds."""
    _refuse_other_formats(content)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        _check_entries(entries)
        return {entry.filename: _part(archive, entry) for entry in entries}
    except (Refused, MemoryError):
        raise
    except Exception as error:
        # BadZipFile, zlib.error, struct.error, and whatever else a hostile archive provokes in the standard library.
        raise Refused("CORRUPT", type(error).__name__) from error


def _refuse_other_formats(content: bytes) -> None:
    if not content:
        raise Refused("EMPTY")
    if content.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):  # OLE: an old workbook, or a new one under a password
        encrypted = "EncryptedPackage".encode("utf-16-le") in content
        raise Refused("PASSWORD" if encrypted else "OLD_EXCEL")
    if not content.startswith(b"PK\x03\x04"):
        raise Refused("NOT_AN_ARCHIVE", content[:8].hex())


def _check_entries(entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MOST_PARTS:
        raise Refused("TOO_MANY_PARTS", str(len(entries)))
    names = [entry.filename for entry in entries]
    if len({name.lower() for name in names}) != len(names):
        raise Refused("PART_TWICE", next(n for n in names if sum(n.lower() == m.lower() for m in names) > 1)[:80])
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise Refused("PASSWORD")
    if any(entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED} for entry in entries):
        raise Refused("CORRUPT", "compression method")
    total = sum(entry.file_size for entry in entries)
    largest = max((entry.file_size for entry in entries), default=0)
    if total > MOST_TOTAL_BYTES or largest > MOST_PART_BYTES:
        raise Refused("TOO_LARGE_UNPACKED", str(total))
    for entry in entries:
        if entry.file_size > RATIO_FROM_BYTES and entry.file_size > MOST_RATIO * entry.compress_size:
            raise Refused("RATIO", f"{entry.filename[:80]}: {entry.file_size}/{entry.compress_size}")


def _part(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as part:  # never gives more than the declared size, and checks the CRC at the end
        content = part.read()
    if len(content) != entry.file_size:
        raise Refused("CORRUPT", "size")
    return content


def members(parts: dict[str, bytes]) -> dict[str, Any]:
    """A plain archive (of CSV files): every member, as base64."""
    return {"members": {name: base64.b64encode(content).decode() for name, content in parts.items()}}


# The workbook


def workbook(parts: dict[str, bytes]) -> dict[str, Any]:
    """Every sheet with its filled cells: `[row, column, kind, text]`, rows and columns from 0."""
    _refuse_other_packages(parts)
    for name, content in parts.items():
        _refuse_doctype(name, content)
    targets = _sheet_parts(parts)
    if len(targets) > MOST_SHEETS:
        raise Refused("TOO_MANY_SHEETS", str(len(targets)))
    percents = _percent_styles(parts.get("xl/styles.xml", b"<none/>"))
    scans = {name: Scan(name, parts[part], percents) for name, part in targets.items()}
    if (cells := sum(scan.filled for scan in scans.values())) > MOST_CELLS:
        raise Refused("TOO_MANY_CELLS", str(cells))
    return {"sheets": _sheets(_fresh_archive(parts), scans)}


def _refuse_other_packages(parts: dict[str, bytes]) -> None:
    names = {name.lower() for name in parts}
    if "mimetype" in names or "xl/workbook.bin" in names:
        raise Refused("OTHER_OFFICE_FORMAT")
    if any(name.endswith("vbaproject.bin") for name in names):
        raise Refused("MACROS")
    if not {"[content_types].xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"} <= names:
        raise Refused("NOT_A_WORKBOOK")


def _refuse_doctype(name: str, content: bytes) -> None:
    """XML that is well-formed and declares nothing: no document type, so no entities, so no bomb."""
    # Whatever a part is called, a relationship may point at it: the bytes are looked for everywhere.
    if any("<!DOCTYPE".encode(encoding) in content for encoding in ("utf-8", "utf-16-le", "utf-16-be")):
        raise Refused("DOCTYPE", name[:80])
    if name.lower().endswith((".xml", ".rels")):
        try:
            expat.ParserCreate().Parse(content, True)
        except expat.ExpatError as error:
            raise Refused("BAD_XML", f"{name[:80]}: {error}") from error


def _elements(content: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Each element's local name and attributes, in document order."""
    found: list[tuple[str, dict[str, str]]] = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: found.append((_local(name), attributes))
    parser.Parse(content, True)
    return iter(found)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _sheet_parts(parts: dict[str, bytes]) -> dict[str, str]:
    """Sheet name -> part, by xl/workbook.xml and its relationships (ECMA-376, part 1, 18.2.19)."""
    by_lower = {name.lower(): name for name in parts}
    relations = {
        attributes.get("Id", ""): attributes.get("Target", "")
        for name, attributes in _elements(parts[by_lower["xl/_rels/workbook.xml.rels"]])
        if name == "Relationship"
    }
    sheets: dict[str, str] = {}
    for name, attributes in _elements(parts[by_lower["xl/workbook.xml"]]):
        if name != "sheet":
            continue
        target = relations.get(next((v for k, v in attributes.items() if _local(k) == "id"), ""), "")
        path = target.lstrip("/") if target.startswith("/") else normpath("xl/" + target)
        part = by_lower.get(path.lower())
        title = attributes.get("name", "")
        if part is None or title in sheets:
            raise Refused("NOT_A_WORKBOOK", title[:80])
        sheets[title] = part
    return sheets


class Scan:
    """Our own pass over one sheet's XML: finds what calamine hides, refuses cells that lie absurdly far out.

    Only cells with a value count: formatted blanks down to row 1048576 are what LibreOffice leaves, and harmless.
    """

    def __init__(self, sheet: str, content: bytes, percents: frozenset[str]) -> None:
        self.sheet = sheet
        self.broken: dict[tuple[int, int], tuple[str, str]] = {}  # (row, column) -> (kind, text)
        self._percents = percents
        self._filled: set[tuple[int, int]] = set()
        self._row, self._column = -1, -1
        self._attributes: dict[str, str] = {}
        self._text, self._inside = "", ""
        self._formula = self._valued = False
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(content, True)

    @property
    def filled(self) -> int:
        """How many cells hold something."""
        return len(self._filled)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = _local(name)
        if local == "row":
            self._row, self._column = _row_number(self.sheet, attributes.get("r"), self._row), -1
        elif local == "c":
            self._row, self._column = _place(self.sheet, attributes.get("r"), self._row, self._column)
            self._attributes, self._text = attributes, ""
            self._formula = self._valued = False
        elif local == "f":
            self._formula = True
        elif local in {"v", "is"}:
            self._inside, self._valued = local, True

    def _end(self, name: str) -> None:
        local = _local(name)
        if local in {"v", "is"}:
            self._inside = ""
        elif local == "c" and (self._valued or self._formula):
            self._cell((self._row, self._column), self._attributes.get("t", ""))

    def _characters(self, data: str) -> None:
        if self._inside == "v" and len(self._text) < SHORT:
            self._text += data

    def _cell(self, place: tuple[int, int], kind: str) -> None:
        _bounded(self.sheet, *place)
        if place in self._filled:  # of two values one would be read, and nobody knows which is seen elsewhere
            raise Refused("BAD_XML", f"{self.sheet[:40]}: a cell twice, row {place[0] + 1}")
        self._filled.add(place)
        if kind == "e":
            self.broken[place] = ("error", self._text or "#?")
        elif self._formula and not self._text and kind != "str":  # "str": the formula gives an empty text
            self.broken[place] = ("formula", "")
        elif kind in {"", "n"} and self._attributes.get("s") in self._percents:
            self.broken[place] = ("percent", self._text)  # 80% is stored as 0.8, which would pass as a mark


def _percent_styles(styles: bytes) -> frozenset[str]:
    """The numbers of the cell styles that show a number as per cent (ECMA-376, part 1, 18.8.30)."""
    formats = {"9": "0%", "10": "0.00%"}  # the two that every workbook has
    styled: list[str] = []
    inside = ""

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        local = _local(name)
        if local == "numFmt":
            formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif local in {"cellXfs", "cellStyleXfs"}:
            inside = local
        elif local == "xf" and inside == "cellXfs":
            styled.append(attributes.get("numFmtId", ""))

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(styles, True)
    return frozenset(str(number) for number, used in enumerate(styled) if "%" in formats.get(used, ""))


def _row_number(sheet: str, given: str | None, last: int) -> int:
    if given is not None and not (given.isascii() and given.isdigit() and len(given) < 8):  # noqa: PLR2004 - 1048576
        raise Refused("BAD_XML", f"{sheet[:40]}: row {given[:20]}")
    return last + 1 if given is None else int(given) - 1


def _place(sheet: str, given: str | None, row: int, column: int) -> tuple[int, int]:
    if given is None:
        return row, column + 1
    match = REFERENCE.fullmatch(given)
    if match is None:
        raise Refused("BAD_XML", f"{sheet[:40]}: {given[:20]}")
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return int(match[2]) - 1, number - 1


def _bounded(sheet: str, row: int, column: int) -> None:
    if row >= MOST_ROWS:
        raise Refused("TOO_MANY_ROWS", f"{sheet[:40]}: {row + 1}")
    if column >= MOST_COLUMNS:
        raise Refused("TOO_MANY_COLUMNS", f"{sheet[:40]}: {column + 1}")


def _fresh_archive(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return target.getvalue()


def _sheets(content: bytes, scans: dict[str, Scan]) -> list[dict[str, Any]]:
    import python_calamine  # a plain archive needs none

    try:
        book = python_calamine.load_workbook(io.BytesIO(content))
        if {meta.name for meta in book.sheets_metadata} != set(scans) or any(
            meta.typ is not python_calamine.SheetTypeEnum.WorkSheet for meta in book.sheets_metadata
        ):
            raise Refused("NOT_A_WORKBOOK", "a chart or macro sheet")  # noqa: TRY301 - one place knows the library's errors
        found = [(scans[name], book.get_sheet_by_name(name)) for name in book.sheet_names]
        sheets: list[dict[str, Any]] = [
            {
                "name": scan.sheet,
                "cells": list(_cells(sheet.to_python(skip_empty_area=False), scan)),
                "merged": sheet.merged_cell_ranges or [],
            }
            for scan, sheet in found
        ]
    except (Refused, MemoryError):
        raise
    except python_calamine.PasswordError as error:
        raise Refused("PASSWORD") from error
    except BaseException as error:
        # calamine's own errors; and a panic inside it (Rust), which arrives as a PanicException and is no Exception.
        raise Refused("NOT_A_WORKBOOK", f"{type(error).__name__}: {error}"[:120]) from error
    if sum(len(text) for sheet in sheets for *_, text in sheet["cells"]) > MOST_TEXT:
        raise Refused("TOO_MUCH_TEXT")
    return sheets


def _cells(rows: list[list[Any]], scan: Scan) -> Iterator[tuple[int, int, str, str]]:
    for r, row in enumerate(rows):
        for c, value in enumerate(row):
            if (r, c) not in scan.broken and value != "":
                yield (r, c, *_kind(value))
    for (r, c), (kind, text) in scan.broken.items():
        yield r, c, kind, text


def _kind(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "bool", str(value).upper()
    if isinstance(value, int | float):
        return "number", format(value, ".15g")  # what Excel itself shows of a double: 15 digits
    if isinstance(value, dt.datetime):
        return "date", value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.date):
        return "date", value.isoformat()
    if isinstance(value, dt.time | dt.timedelta):
        return "time", str(value)
    return "text", str(value)


if __name__ == "__main__":
    main()
