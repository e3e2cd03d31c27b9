"""A table with one row of headers, as it stands on a sheet or in a CSV file: found, judged, and read by column."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from documents.reading.cells import BLANK, Cell, Misfits, folded, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column by our name for it and by the headers that people write."""

    key: str
    headers: tuple[str, ...]  # the first is the one we ask for
    required: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a table. A key that is missing means that the table has no such column."""

    where: str
    cells: Mapping[str, Cell]

    def get(self, key: str) -> Cell | None:
        """The cell of this column, if the table has the column."""
        return self.cells.get(key)

    def cell(self, key: str) -> Cell:
        """The cell of this column, blank if the table has no such column."""
        return self.cells.get(key) or Cell(self.where, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Filled cells by row and column from 0, and how a place is called."""

    where: str  # the sheet, or the file
    rows: Mapping[int, Mapping[int, Cell]]
    place: Callable[[int, int], str]
    row_place: Callable[[int], str]
    merged: Sequence[tuple[tuple[int, int], tuple[int, int]]] = field(default=())
    range_place: Callable[[tuple[int, int], tuple[int, int]], str] = lambda first, last: f"{first}:{last}"


def read_table(grid: Grid, columns: Sequence[Column], misfits: Misfits, most_rows: int) -> tuple[Row, ...] | None:
    """The rows below the header; None where the header is not understood, so that its rows cannot be judged."""
    header = find_header(grid, columns)
    if header is None:
        asked = ", ".join(c.headers[0] for c in columns if c.required)
        misfits.at(grid.where, "không thấy dòng tiêu đề / no header row", f"dòng tiêu đề: {asked}", f"a header row: {asked}")
        return None
    keys = _keys(grid, header, columns, misfits)
    merged = _refuse_merged(grid, header, misfits)
    return None if keys is None or merged else _rows(grid, header, keys, misfits, most_rows)


def find_header(grid: Grid, columns: Sequence[Column]) -> int | None:
    """The first row that has at least three of the headers (two, where the table has only few columns)."""
    known = {folded(name) for column in columns for name in column.headers}
    for index in sorted(grid.rows):
        hits = {folded(shown(cell.value)) for cell in grid.rows[index].values() if not cell.blank} & known
        if len(hits) >= min(3, len(columns)):
            return index
    return None


def _keys(grid: Grid, header: int, columns: Sequence[Column], misfits: Misfits) -> dict[int, str] | None:
    """Column number -> our key; every header that is unknown, repeated or missing is noted."""
    by_name = {folded(name): column.key for column in columns for name in column.headers}
    keys: dict[int, str] = {}
    good = True
    for number, cell in sorted(grid.rows[header].items()):
        if cell.blank:
            continue
        key = by_name.get(folded(shown(cell.value)))
        if key is None or key in keys.values():
            names = ", ".join(column.headers[0] for column in columns)
            misfits.add(cell, f"mỗi cột một lần trong: {names}", f"each column once, of: {names}")
            good = False
        else:
            keys[number] = key
    for column in columns:
        if column.required and column.key not in keys.values():
            name = column.headers[0]
            misfits.at(grid.row_place(header), f"không có cột {name} / no column {name}", f"cột {name}", f"a column {name}")
            good = False
    return keys if good else None


def _refuse_merged(grid: Grid, header: int, misfits: Misfits) -> bool:
    """Merged cells in the header or the list: only the first holds a value, the others would be read as blank."""
    touching = [(first, last) for first, last in grid.merged if last[0] >= header]
    for first, last in touching:
        misfits.at(
            grid.range_place(first, last),
            "ô gộp / merged cells",
            "bỏ gộp ô trong tiêu đề và danh sách",
            "no merged cells in the header or the list",
        )
    return bool(touching)


def _rows(grid: Grid, header: int, keys: Mapping[int, str], misfits: Misfits, most_rows: int) -> tuple[Row, ...] | None:
    below = [index for index in sorted(grid.rows) if index > header and any(not c.blank for c in grid.rows[index].values())]
    rows: list[Row] = []
    for expected, index in enumerate(below, start=header + 1):
        if expected != index and len(rows) == expected - header - 1:
            misfits.at(grid.row_place(expected), BLANK, "không có dòng trống trong danh sách", "no blank row within the list")
            return None  # what stands below may be a footnote or half of the class: nobody can tell
        if len(rows) >= most_rows:
            misfits.at(
                grid.row_place(index), f"{len(below)} dòng / rows", f"tối đa {most_rows} dòng", f"at most {most_rows} rows"
            )
            return None
        cells = {key: grid.rows[index].get(number) or Cell(grid.place(index, number), None) for number, key in keys.items()}
        rows.append(Row(where=grid.row_place(index), cells=cells))
        for number, cell in sorted(grid.rows[index].items()):
            if number not in keys and not cell.blank:
                misfits.add(cell, "ô trống: cột này không có tiêu đề", "a blank cell: this column has no header")
    return tuple(rows)
