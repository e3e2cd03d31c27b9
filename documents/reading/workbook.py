"""The workbook's layout: cover (Bìa), subjects (Bìa lót), pupils (Danh sách), a sheet per subject, summary (Tổng hợp).

Labels on the cover and above a list stand in one cell, their value in the next filled cell to the right.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from documents.reading.cells import Broken, Cell, Misfits, Value, clean, folded, shown
from documents.reading.limited import RawCell, RawSheet, open_workbook
from documents.reading.limits import LIMITS
from documents.reading.raw_book import (
    INFO,
    MARK_COLUMNS,
    PUPIL_COLUMNS,
    SHEET_LABELS,
    SUBJECT_COLUMNS,
    TERM_COLUMNS,
    MarkSheet,
    RawBook,
)
from documents.reading.tables import Column, Grid, Row, find_header, read_table

COVER, SUBJECTS, PUPILS, SUMMARY = "Bìa", "Bìa lót", "Danh sách", "Tổng hợp"


def read_workbook(content: bytes, filename: str, misfits: Misfits) -> RawBook:
    """Find the book in an .xlsx file; what is not where it should be is noted."""
    grids: dict[str, Grid] = {}
    for sheet in open_workbook(content, filename):
        name = next((known for known in grids if folded(known) == folded(sheet.name)), clean(sheet.name))
        if name in grids:  # the same letters in another Unicode form, or a space at the end: one would be lost
            misfits.at(shown(sheet.name), shown(sheet.name), "mỗi trang tính một tên", "a different name for each sheet")
        grids.setdefault(name, grid_of(sheet))
    own = {folded(name): name for name in (COVER, SUBJECTS, PUPILS, SUMMARY)}
    fixed = {own[folded(name)]: grid for name, grid in grids.items() if folded(name) in own}
    for name in own.values():
        if name not in fixed:
            misfits.at(filename, f"không có trang tính {name} / no sheet {name}", f"trang tính {name}", f"a sheet {name}")
    return RawBook(
        where=filename,
        info=_labels(fixed[COVER], INFO, misfits) if COVER in fixed else {},
        subjects=_table(fixed.get(SUBJECTS), SUBJECT_COLUMNS, LIMITS.subjects, misfits),
        pupils=_table(fixed.get(PUPILS), PUPIL_COLUMNS, LIMITS.pupils, misfits),
        sheets={name: _mark_sheet(grid, misfits) for name, grid in grids.items() if folded(name) not in own},
        terms=_table(fixed.get(SUMMARY), TERM_COLUMNS, LIMITS.pupils, misfits),
        terms_where=SUMMARY,
        pupils_where=PUPILS,
    )


def _table(grid: Grid | None, columns: tuple[Column, ...], most: int, misfits: Misfits) -> tuple[Row, ...] | None:
    return None if grid is None else read_table(grid, columns, misfits, most)


def _mark_sheet(grid: Grid, misfits: Misfits) -> MarkSheet:
    header = find_header(grid, MARK_COLUMNS)
    above = {index: cells for index, cells in grid.rows.items() if header is None or index < header}
    top = Grid(where=grid.where, rows=above, place=grid.place, row_place=grid.row_place)
    return MarkSheet(
        where=grid.where,
        labels=_labels(top, SHEET_LABELS, misfits),
        rows=read_table(grid, MARK_COLUMNS, misfits, LIMITS.pupils),
    )


def _labels(grid: Grid, labels: Mapping[str, tuple[str, ...]], misfits: Misfits) -> dict[str, Cell]:
    """Label -> the next filled cell on its right; a label without a value gives a blank cell in that place."""
    by_name = {folded(name): key for key, names in labels.items() for name in names}
    found: dict[str, Cell] = {}
    for index, cells in sorted(grid.rows.items()):
        filled = [(number, cell) for number, cell in sorted(cells.items()) if not cell.blank]
        for at, (number, cell) in enumerate(filled):
            key = by_name.get(folded(cell.value)) if isinstance(cell.value, str) else None
            if key is None:
                continue
            value = filled[at + 1][1] if at + 1 < len(filled) else None
            if value is None or (isinstance(value.value, str) and folded(value.value) in by_name):
                value = Cell(grid.place(index, number + 1), None)
            if key in found:
                misfits.add(cell, "mỗi nhãn một lần trên trang", "each label once on the sheet")
            found.setdefault(key, value)
    for key, names in labels.items():
        if key not in found:
            misfits.at(
                grid.where, f"không có nhãn {names[0]}: / no label {names[0]}:", f"nhãn “{names[0]}:”", f'a label "{names[0]}:"'
            )
    return found


# From the worker's cells to ours


def grid_of(sheet: RawSheet) -> Grid:
    """The filled cells of a sheet under the names that people know: "Toán!F17"."""
    name = shown(sheet.name)
    rows: dict[int, dict[int, Cell]] = {}
    for cell in sheet.cells:
        rows.setdefault(cell.row, {})[cell.column] = Cell(f"{name}!{_a1(cell.row, cell.column)}", value_of(cell))
    return Grid(
        where=name,
        rows=rows,
        place=lambda row, column: f"{name}!{_a1(row, column)}",
        row_place=lambda row: f"{name}!{row + 1}",
        merged=sheet.merged,
        range_place=lambda first, last: f"{name}!{_a1(*first)}:{_a1(*last)}",
    )


def value_of(cell: RawCell) -> Value:
    """The value of a cell as Excel would show it; numbers exactly as they are written, never as binary floats."""
    if cell.kind == "text":
        return cell.text
    if cell.kind == "bool":
        return cell.text == "TRUE"
    if cell.kind == "date" and "T" not in cell.text:
        return date.fromisoformat(cell.text)
    if cell.kind == "number" and (number := Decimal(cell.text)).is_finite():
        return number
    if cell.kind == "formula":
        return Broken("công thức chưa có giá trị / a formula without a value", pending=True)
    return Broken(f"{cell.text} (%)" if cell.kind == "percent" else cell.text)  # or an error, a time of day, a moment


def _a1(row: int, column: int) -> str:
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return f"{letters}{row + 1}"
