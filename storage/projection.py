"""From events to rows. Pure: the same events give the same changes, today, in a rebuild and in an audit.

    changes = project(case, unit, seq, at, event)      # what to insert, update, delete
    apply(connection, changes)                         # do it; BadHistory if a row is not as the event says

A change says how many rows it must hit. So an event that cannot follow (a step closed twice, a signature over a revision
that is not the newest) is refused before anything is committed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, update
from sqlalchemy.exc import IntegrityError

from directory.values import UnitId
from storage.errors import BadHistory
from storage.search import search_key
from storage.tables import case_state, document, document_revision, publication, task, task_reminder
from workflow.encoding import canonical
from workflow.errors import both
from workflow.events import (
    CaseEnded,
    CaseId,
    CaseOpened,
    DataCorrected,
    Digest,
    DocumentExtended,
    DocumentId,
    DocumentRendered,
    DocumentSigned,
    DocumentSuperseded,
    Escalated,
    Event,
    OpenTask,
    Published,
    Reminded,
    TaskName,
    TasksChanged,
)

# More than any TasksChanged opens: parallel steps are at most 200 wide.
ROOM_PER_EVENT = 10_000


@dataclass(frozen=True, slots=True)
class Insert:
    """A new row."""

    table: Table
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Update:
    """Rows that get other values. `hits`: how many there must be."""

    table: Table
    where: Mapping[str, Any]
    values: Mapping[str, Any]
    hits: int = 1


@dataclass(frozen=True, slots=True)
class Answer:
    """Reminders that need no answer any more: those up to a time, the due time itself, or (both) all of these tasks."""

    case: CaseId
    tasks: tuple[TaskName, ...]
    until: datetime | None = None
    escalation: bool | None = None


Change = Insert | Update | Answer


def opening_row(case: CaseId, at: datetime, event: CaseOpened) -> dict[str, Any]:
    """The row of a new case; its version is the caller's."""
    return {
        "id": case,
        "unit": event.unit,
        "kind": event.kind,
        "title": event.title,
        "search_key": search_key(event.title),
        "scope": event.scope,
        "process": event.process,
        "pins": canonical(dict(event.pins)).decode(),
        "data": event.data,
        "opened": at,
        "snapshot_version": 0,
    }


def project(case: CaseId, unit: UnitId, seq: int, at: datetime, event: Event) -> Iterator[Change]:
    """The changes of one event, in order. `CaseOpened` gives none: see `opening_row`."""
    match event:
        case TasksChanged():
            yield from _tasks(case, unit, seq, at, event)
        case DocumentRendered():
            yield from _rendered(case, unit, seq, event)
        case DocumentSigned() | DocumentExtended():
            yield from _revised(case, seq, event.document, event.before, event.after)
        case DocumentSuperseded():
            yield Update(document, {"id": event.document, "case_id": case, "superseded": False}, {"superseded": True})
        case DataCorrected():
            yield Update(case_state, {"id": case, "data": event.before}, {"data": event.after})
        case Reminded():
            yield Answer(case, (event.task,), until=event.due, escalation=False)
        case Escalated():
            yield Answer(case, (event.task,), escalation=True)
        case Published():
            yield Insert(publication, {"code": event.code, "document": event.document, "revision": event.revision})
        case CaseEnded():
            yield Update(case_state, {"id": case, "ended": None}, {"ended": at, "outcome": event.outcome})
        case _:
            return


def _tasks(case: CaseId, unit: UnitId, seq: int, at: datetime, event: TasksChanged) -> Iterator[Change]:
    if event.closed:
        yield Answer(case, event.closed)
        where = {"case_id": case, "name": event.closed, "closed": None}
        yield Update(task, where, {"closed": at}, hits=len(event.closed))
    for place, opened in enumerate(event.opened):
        yield Insert(task, _task_row(case, unit, seq * ROOM_PER_EVENT + place, at, opened))
    for opened in event.opened:
        moments = [(reminder, False) for reminder in sorted(set(opened.reminders))]
        moments += [(opened.due, True)] if opened.due else []
        for moment, escalation in moments:
            row = {"case_id": case, "task": opened.name, "at": moment, "escalation": escalation}
            yield Insert(task_reminder, row)


def _task_row(case: CaseId, unit: UnitId, ordinal: int, at: datetime, opened: OpenTask) -> dict[str, Any]:
    return {
        "case_id": case,
        "name": opened.name,
        "ordinal": ordinal,
        "unit": unit,
        "step": opened.step,
        "key": opened.key,
        "visit": opened.visit,
        "human": opened.human,
        "action": opened.action,
        "role": opened.role,
        "scope": opened.scope,
        "document": opened.document,
        "opened": at,
        "due": opened.due,
        "escalate_to": opened.escalate_to,
    }


def _rendered(case: CaseId, unit: UnitId, seq: int, event: DocumentRendered) -> Iterator[Change]:
    row = {
        "id": event.document,
        "case_id": case,
        "ordinal": seq,
        "unit": unit,
        "kind": event.kind,
        "title": event.title,
        "key": event.key,
        "data": event.data,
        "revision": event.revision,
        "superseded": False,
    }
    yield Insert(document, row)
    yield Insert(document_revision, {"document": event.document, "seq": seq, "digest": event.revision})


def _revised(case: CaseId, seq: int, which: DocumentId, before: Digest, after: Digest) -> Iterator[Change]:
    yield Update(document, {"id": which, "case_id": case, "revision": before}, {"revision": after})
    yield Insert(document_revision, {"document": which, "seq": seq, "digest": after})


def apply(connection: Connection, changes: Iterable[Change]) -> None:
    """Do them in order, rows for one table together. BadHistory if one does not fit what is there."""
    for target, together in groupby(changes, key=lambda change: change.table if isinstance(change, Insert) else None):
        if target is not None:
            _insert(connection, target, [dict(change.values) for change in together if isinstance(change, Insert)])
            continue
        for change in together:
            if isinstance(change, Update):
                _update(connection, change)
            elif isinstance(change, Answer):
                _answer(connection, change)


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    try:
        connection.execute(insert(table), rows)
    except IntegrityError as error:
        raise BadHistory(
            both(
                f"Dòng đã có hoặc thiếu dòng mẹ trong {table.name}",
                f"A row is there already, or its parent is not: {table.name}",
            )
        ) from error


def _update(connection: Connection, change: Update) -> None:
    statement = update(change.table).values(dict(change.values))
    for name, wanted in change.where.items():
        column = change.table.c[name]
        statement = statement.where(column.in_(wanted) if isinstance(wanted, tuple) else column.is_not_distinct_from(wanted))
    hit = connection.execute(statement).rowcount
    if hit != change.hits:
        told = ", ".join(f"{name}={wanted!r:.120}" for name, wanted in change.where.items())
        raise BadHistory(
            both(
                f"Bảng {change.table.name}: cần {change.hits} dòng với {told}, có {hit}",
                f"Table {change.table.name}: expected {change.hits} rows with {told}, found {hit}",
            )
        )


def _answer(connection: Connection, change: Answer) -> None:
    # The column is named like its table's keyword argument, hence the brackets.
    row = task_reminder.c
    statement = delete(task_reminder).where(row.case_id == change.case, row.task.in_(change.tasks))
    if change.until is not None:
        statement = statement.where(row.at <= change.until)
    if change.escalation is not None:
        statement = statement.where(row.escalation.is_(change.escalation))
    connection.execute(statement)
