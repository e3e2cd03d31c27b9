"""The marks of one sheet as a table: the very data that are attached to the document, not a second copy of them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workflow.store import DocumentRecord, Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One pupil."""

    number: int
    name: str
    marks: tuple[str, ...]  # as many as there are columns


@dataclass(frozen=True, slots=True, kw_only=True)
class MarksTable:
    """Words only, as the sheet prints them: decimals carry a comma."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def marks_table(store: Store, document: DocumentRecord) -> MarksTable | None:
    """None for anything that is not a sheet."""
    return table_of(json.loads(store.get(document.data))) if document.key is not None else None


def table_of(data: Mapping[str, Any]) -> MarksTable:
    """From the data of a sheet, whose schema is documents/kinds/class_book_sheet/schema.json."""
    pupils = data["pupils"]
    regular = max((len(pupil["tx"]) for pupil in pupils), default=0)
    second = data["class"]["semester"] == 2  # noqa: PLR2004 - semester II shows the year as well
    columns = [f"ĐĐGtx {number}" for number in range(1, regular + 1)]
    columns += ["ĐĐGgk", "ĐĐGck", "Học kì"] + (["Cả năm"] if second else [])
    rows = tuple(
        Row(
            number=pupil["tt"],
            name=pupil["name"],
            marks=tuple(
                shown(mark)
                for mark in (
                    *pupil["tx"],
                    *[None] * (regular - len(pupil["tx"])),
                    pupil["gk"],
                    pupil["ck"],
                    pupil["average"],
                    *([pupil["year"]] if second else []),
                )
            ),
        )
        for pupil in pupils
    )
    return MarksTable(columns=tuple(columns), rows=rows)


def shown(mark: object) -> str:
    """8.5 is written 8,5; what is absent stays empty."""
    return "" if mark is None else str(mark).replace(".", ",")
