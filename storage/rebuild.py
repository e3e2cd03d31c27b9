"""Make every table again from the events, to repair them or to see whether they still say what the events say."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Connection, Table, create_engine, delete, insert, select, text, type_coerce
from sqlalchemy.types import NullType

from storage.database import Database
from storage.errors import BadHistory, RowChanged, StorageError
from storage.projection import apply, opening_row, project
from storage.tables import MADE_FROM_EVENTS, case_state, event, metadata
from workflow.encoding import BadEvent, from_json
from workflow.errors import both
from workflow.events import CaseId, CaseOpened

# The engine's snapshot is a cache that only the workflow can make; it makes it again at the next step.
NOT_FROM_EVENTS = {"case_state": ("snapshot", "snapshot_version")}


def rebuild(database: Database) -> int:
    """Throw the tables away and make them from the events, in one transaction. Returns the number of cases.

    Nothing is lost: what was in them and does not follow from an event was wrong. RowChanged or BadHistory if the events
    themselves are damaged; then the tables stay as they were.
    """
    with database.writing() as connection:
        if not database.is_sqlite:  # whoever appends waits; whoever reads sees the old rows
            connection.execute(text("LOCK TABLE case_state IN EXCLUSIVE MODE"))
        for table in reversed(MADE_FROM_EVENTS):
            connection.execute(delete(table))
        return replay(connection, connection)


def replay(source: Connection, target: Connection) -> int:
    """Read the events of one database, fill the empty tables of another (or of the same)."""
    cases = source.scalars(select(event.c.case_id).distinct().order_by(event.c.case_id)).all()
    for case in cases:
        _replay_case(source, target, CaseId(case))
    return len(cases)


def _replay_case(source: Connection, target: Connection, case: CaseId) -> None:
    rows = source.execute(select(event).where(event.c.case_id == case).order_by(event.c.seq)).all()
    opening = None
    for expected, row in enumerate(rows, 1):
        happened = _parsed(row)
        if row.seq != expected or isinstance(happened, CaseOpened) is not (expected == 1):
            raise BadHistory(
                both(
                    f"Hồ sơ {case} thiếu sự kiện {expected}",
                    f"The event {expected} of the case {case} is missing or out of place",
                )
            )
        if isinstance(happened, CaseOpened):
            opening = happened
            target.execute(insert(case_state), opening_row(case, row.at, opening) | {"version": len(rows)})
        if opening:
            apply(target, project(case, opening.unit, row.seq, row.at, happened))


def _parsed(row: Any) -> Any:
    try:
        return from_json(row.tag, json.loads(row.body))
    except (ValueError, TypeError, RecursionError, BadEvent) as error:
        where = f"{row.case_id}#{row.seq}"
        raise RowChanged(both(f"Dòng sự kiện {where} đã bị sửa", f"The event row {where} was changed")) from error


def differences(connection: Connection) -> Iterator[str]:
    """Rows of the tables that do not follow from the events, and rows that are missing: "task: c1, render#1".

    The tables are made once more beside, in memory. A history that cannot be replayed gives one line that says so.
    """
    beside = create_engine("sqlite://")
    metadata.create_all(beside, tables=list(MADE_FROM_EVENTS))
    try:
        with beside.begin() as fresh:
            try:
                replay(connection, fresh)
            except (StorageError, BadEvent) as error:
                yield str(error)
                return
            for table in MADE_FROM_EVENTS:
                yield from _compare(table, _rows(connection, table), _rows(fresh, table))
    finally:
        beside.dispose()


def _compare(table: Table, kept: dict[Any, Any], made: dict[Any, Any]) -> Iterator[str]:
    for key in sorted(kept.keys() | made.keys(), key=str):
        if kept.get(key) != made.get(key):
            yield f"{table.name}: {', '.join(map(str, key))}"


def _rows(connection: Connection, table: Table) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    left_out = NOT_FROM_EVENTS.get(table.name, ())
    # Values as they stand: a time that is none must be named and not stop the audit, and 7 is not "true".
    columns = [_as_it_stands(column) for column in table.columns if column.name not in left_out]
    keys: Sequence[Any] = [_as_it_stands(column) for column in table.primary_key.columns]
    width = len(keys)
    return {tuple(row[:width]): tuple(row[width:]) for row in connection.execute(select(*keys, *columns))}


def _as_it_stands(column: Column[Any]) -> Any:
    return type_coerce(column, NullType()).label(column.name)
