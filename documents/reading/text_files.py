"""CSV files as schools make them: UTF-8 or UTF-16, comma, semicolon or tab, marks with a point or a comma."""

import csv
import io
from collections.abc import Sequence

from documents.reading.cells import Cell, Misfits, folded, shown
from documents.reading.limits import LIMITS
from documents.reading.raw_book import CSV_COLUMNS, MarkSheet
from documents.reading.tables import Column, Grid, read_table

DELIMITERS = ",;\t"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def decode(content: bytes, filename: str, misfits: Misfits) -> str:
    """The text of a file; "" where its encoding is none of ours (noted)."""
    utf_16 = content.startswith(UTF_16) and not content.startswith(b"\xff\xfe\x00\x00")  # that would be UTF-32
    try:
        text = content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        misfits.at(
            filename,
            "bảng mã khác / another encoding",
            "tệp lưu bằng UTF-8 (CSV UTF-8) hoặc UTF-16 có BOM",
            "a file saved as UTF-8 (CSV UTF-8), or UTF-16 with a BOM",
        )
        return ""
    return text


def read_csv(content: bytes, filename: str, misfits: Misfits) -> MarkSheet:
    """One subject's marks from a CSV file."""
    if len(content) > LIMITS.csv_bytes:
        misfits.at(filename, f"{len(content)} byte", f"tối đa {LIMITS.csv_bytes} byte", f"at most {LIMITS.csv_bytes} bytes")
        return MarkSheet(where=filename, labels={}, rows=None)
    before = len(misfits.found)
    text = decode(content, filename, misfits)
    if len(misfits.found) > before:
        return MarkSheet(where=filename, labels={}, rows=None)
    grid = _grid(text, filename, misfits)
    rows = read_table(grid, CSV_COLUMNS, misfits, LIMITS.pupils) if grid is not None else None
    return MarkSheet(where=filename, labels={}, rows=rows)


def _grid(text: str, filename: str, misfits: Misfits) -> Grid | None:
    delimiter, body = _delimiter(text, CSV_COLUMNS)
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=delimiter, strict=True)
    lines: list[int] = []
    rows: dict[int, dict[int, Cell]] = {}
    headers: list[str] = []

    def place(row: int, column: int) -> str:
        name = headers[column] if column < len(headers) and headers[column] else str(column + 1)
        return f"{filename}:{lines[row] if row < len(lines) else row + 1}:{name}"

    try:
        for index, fields in enumerate(reader):
            lines.append(reader.line_num)
            if len(fields) > LIMITS.csv_columns:
                vi, en = f"tối đa {LIMITS.csv_columns} cột", f"at most {LIMITS.csv_columns} columns"
                misfits.at(f"{filename}:{reader.line_num}", str(len(fields)), vi, en)
                return None
            if not headers:
                headers.extend(shown(field) for field in fields)
            if index > LIMITS.csv_rows:
                break
            rows[index] = {column: Cell(place(index, column), field or None) for column, field in enumerate(fields)}
    except csv.Error as error:
        misfits.at(f"{filename}:{reader.line_num}", str(error), "dòng CSV hợp lệ", "a well-formed CSV line")
        return None
    return Grid(
        where=filename,
        rows=rows,
        place=place,
        row_place=lambda row: f"{filename}:{lines[row] if row < len(lines) else row + 1}",
    )


def _delimiter(text: str, columns: Sequence[Column]) -> tuple[str, str]:
    """The delimiter that makes most headers known, and the text without Excel's "sep=;" line."""
    first, _, rest = text.partition("\n")
    if first.strip().casefold().startswith("sep="):
        text, first = rest, rest.partition("\n")[0]
    known = {folded(name) for column in columns for name in column.headers}
    return max(DELIMITERS, key=lambda d: sum(folded(part.strip('"')) in known for part in first.split(d))), text
