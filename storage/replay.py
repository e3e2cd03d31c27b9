"""Make every table again from the events, to repair them or to see whether they still say what the events say."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Table,
    create_engine,
    delete,
    exists,
    insert,
    select,
    text,
    type_coerce,
    union,
)
from sqlalchemy.types import NullType

from storage.database import Database
from storage.errors import BadHistory, RowChanged, StorageError
from storage.projection import apply, opening_row, project
from storage.tables import MADE_FROM_EVENTS, case_state, document, event, metadata
from workflow.encoding import BadEvent, from_json
from workflow.errors import both
from workflow.events import CaseId, CaseOpened

# So many cases are compared at a time: some ten thousand rows.
PAGE = 200

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

    The tables are made once more beside, in memory, some cases at a time. A history that cannot be replayed gives one line
    that says so.
    """
    known = union(select(event.c.case_id), select(case_state.c.id)).order_by("case_id")
    cases = [CaseId(str(case)) for case in connection.scalars(known)]
    for begin in range(0, len(cases), PAGE):
        yield from _differences_of(connection, cases[begin : begin + PAGE])
    for table in MADE_FROM_EVENTS:
        yield from _strays(connection, table)


def _differences_of(connection: Connection, cases: Sequence[CaseId]) -> Iterator[str]:
    beside = create_engine("sqlite://")
    metadata.create_all(beside, tables=list(MADE_FROM_EVENTS))
    try:
        with beside.begin() as fresh:
            whole = []
            for case in cases:
                try:
                    _replay_case(connection, fresh, case)
                    whole.append(case)
                except (StorageError, BadEvent) as error:
                    yield str(error)
            for table in MADE_FROM_EVENTS:
                yield from _compare(table, _rows(connection, table, whole), _rows(fresh, table, whole))
    finally:
        beside.dispose()


def _compare(table: Table, kept: dict[Any, Any], made: dict[Any, Any]) -> Iterator[str]:
    for key in sorted(kept.keys() | made.keys(), key=str):
        if kept.get(key) != made.get(key):
            yield f"{table.name}: {', '.join(map(str, key))}"


def _rows(connection: Connection, table: Table, cases: Sequence[CaseId]) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    left_out = NOT_FROM_EVENTS.get(table.name, ())
    # Values as they stand: a time that is none must be named and not stop the audit, and 7 is not "true".
    columns = [_as_it_stands(column) for column in table.columns if column.name not in left_out]
    keys: Sequence[Any] = [_as_it_stands(column) for column in table.primary_key.columns]
    width = len(keys)
    query = select(*keys, *columns).where(_of_cases(table, cases))
    return {tuple(row[:width]): tuple(row[width:]) for row in connection.execute(query)}


def _of_cases(table: Table, cases: Sequence[CaseId]) -> ColumnElement[bool]:
    if table is case_state:
        return case_state.c.id.in_(cases)
    if "case_id" in table.c:
        return table.c.case_id.in_(cases)
    return table.c.document.in_(select(document.c.id).where(document.c.case_id.in_(cases)))


def _strays(connection: Connection, table: Table) -> Iterator[str]:
    """Rows of no case or document: a foreign key forbids them, but it can be switched off."""
    for rule in table.foreign_key_constraints:
        parent = exists().where(*(element.column == element.parent for element in rule.elements))
        keys = [_as_it_stands(column) for column in table.primary_key.columns]
        for key in connection.execute(select(*keys).where(~parent)):
            yield f"{table.name}: {', '.join(map(str, key))}"


def _as_it_stands(column: Column[Any]) -> Any:
    return type_coerce(column, NullType()).label(column.name)
