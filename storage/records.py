"""Rows as the records that the workflow reads. Every query here has an index; nothing grows with the archive."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, and_, bindparam, func, select
from sqlalchemy.exc import NoResultFound

from directory.values import PersonId, Role, UnitId
from storage.errors import RowChanged
from storage.leaves import case_stream
from storage.search import search_key
from storage.tables import (
    case_state,
    directory_version,
    document,
    document_revision,
    event,
    log_entry,
    publication,
    task,
    task_reminder,
)
from workflow.encoding import BadEvent, from_json
from workflow.errors import both
from workflow.events import CaseId, Digest, DocumentExtended, DocumentId, DocumentSigned, TaskName
from workflow.store import CaseRecord, DocumentRecord, DueTask, Grant, NotKept, Recorded, TaskRecord

Rows = Row[Any]


def read_case(connection: Connection, case: CaseId) -> CaseRecord:
    """NotKept if there is none."""
    row = connection.execute(_CASE, {"case": case}).one_or_none()
    if row is None:
        raise _not_kept(case)
    return _case(row)


def read_cases(
    connection: Connection, units: Iterable[UnitId], *, limit: int, before: datetime | None, words: str = ""
) -> tuple[CaseRecord, ...]:
    """Newest first; `words` narrows to titles that hold them, whatever their diacritics."""
    query = select(case_state).where(case_state.c.unit.in_(tuple(units)))
    if before is not None:
        query = query.where(case_state.c.opened < before)
    for word in search_key(words).split():
        query = query.where(case_state.c.search_key.contains(word, autoescape=True))
    query = query.order_by(case_state.c.opened.desc(), case_state.c.id).limit(limit)
    return tuple(_case(row) for row in connection.execute(query))


def read_history(connection: Connection, case: CaseId, after: int) -> tuple[Recorded, ...]:
    """In order. RowChanged if a body is no event any more."""
    asked = {"case": case, "stream": case_stream(case), "after": after}
    return tuple(_recorded(row) for row in connection.execute(_HISTORY, asked))


def read_signed(connection: Connection, after: int, *, limit: int) -> tuple[int, tuple[Digest, ...]]:
    """The revisions that signing or extending brought, by their place in the log, and the place up to which was looked.

    Only what the log has placed: a window of `limit` places after `after`, so that each is looked at once.
    """
    window = connection.execute(_PLACES, {"after": after, "limit": limit}).all()
    if not window:
        return after, ()
    last = window[-1].place
    asked = {"after": after, "last": last, "tags": [DocumentSigned.tag, DocumentExtended.tag]}
    return last, tuple(Digest(json.loads(row.body)["after"]) for row in connection.execute(_SIGNED, asked))


def read_tasks(connection: Connection, case: CaseId, *, open_only: bool) -> tuple[TaskRecord, ...]:
    """In the order they opened."""
    query = _TASK.where(task.c.case_id == case).order_by(task.c.ordinal)
    if open_only:
        query = query.where(task.c.closed.is_(None))
    return tuple(_task(row) for row in connection.execute(query))


def read_task(connection: Connection, case: CaseId, name: TaskName) -> TaskRecord:
    """NotKept if there was never such a step."""
    return _task(_one(connection, _TASK.where(task.c.case_id == case, task.c.name == name), f"{case}: {name}"))


def read_inbox(connection: Connection, grants: Sequence[Grant], *, limit: int) -> tuple[TaskRecord, ...]:
    """Nearest due time first, those without one at the end."""
    scopes: dict[tuple[str, str], list[str]] = {}
    for grant in dict.fromkeys(grants):
        scopes.setdefault((grant.unit, grant.role), []).append(grant.scope)
    # One question per unit and role (a person has few): SQLite answers a list of triples by reading the whole index.
    rows = [
        row
        for (unit, role), wanted in scopes.items()
        for row in connection.execute(_INBOX, {"unit_": unit, "role_": role, "scopes": wanted, "most": limit})
    ]
    rows.sort(key=lambda row: (row.due is None, row.due or row.opened, row.opened, row.case_id, row.ordinal))
    return tuple(_task(row) for row in rows[:limit])


# Statements that every page asks are made once: to build one costs SQLAlchemy as much as to run it.
_TASK: Final = select(task, case_state.c.title.label("case_title")).join(case_state, case_state.c.id == task.c.case_id)
_INBOX: Final = (
    _TASK.where(task.c.closed.is_(None) & task.c.human)
    .where(task.c.unit == bindparam("unit_"), task.c.role == bindparam("role_"))
    .where(task.c.scope.in_(bindparam("scopes", expanding=True)))
    .order_by(task.c.due.asc().nulls_last(), task.c.opened, task.c.case_id, task.c.ordinal)
    .limit(bindparam("most"))
)
_CASE: Final = select(case_state).where(case_state.c.id == bindparam("case"))
_HISTORY: Final = (
    select(event, log_entry.c.place)
    .outerjoin(log_entry, and_(log_entry.c.stream == bindparam("stream"), log_entry.c.seq == event.c.seq))
    .where(event.c.case_id == bindparam("case"), event.c.seq > bindparam("after"))
    .order_by(event.c.seq)
)


_PLACES: Final = (
    select(log_entry.c.place)
    .where(log_entry.c.place > bindparam("after"))
    .order_by(log_entry.c.place)
    .limit(bindparam("limit"))
)
_SIGNED: Final = (
    select(event.c.body)
    .join(
        log_entry,
        and_(
            event.c.case_id == func.substr(log_entry.c.stream, len(case_stream(CaseId(""))) + 1), event.c.seq == log_entry.c.seq
        ),
    )
    .where(
        log_entry.c.place > bindparam("after"),
        log_entry.c.place <= bindparam("last"),
        log_entry.c.stream.startswith(case_stream(CaseId(""))),
        event.c.tag.in_(bindparam("tags", expanding=True)),
    )
    .order_by(log_entry.c.place)
)


def read_documents(connection: Connection, case: CaseId) -> tuple[DocumentRecord, ...]:
    """In the order they were first rendered."""
    return _documents(connection, select(document).where(document.c.case_id == case).order_by(document.c.ordinal))


def read_document(connection: Connection, which: DocumentId) -> DocumentRecord:
    """NotKept if there is none."""
    found = _documents(connection, select(document).where(document.c.id == which))
    if not found:
        raise _not_kept(which)
    return found[0]


def read_holding(connection: Connection, revision: Digest) -> tuple[DocumentRecord, ...]:
    """The documents of which this is a revision."""
    holding = select(document_revision.c.document).where(document_revision.c.digest == revision)
    query = select(document).where(document.c.id.in_(holding)).order_by(document.c.case_id, document.c.ordinal)
    return _documents(connection, query)


def read_published(connection: Connection, code: str) -> tuple[DocumentRecord, Digest]:
    """NotKept if the code stands for nothing."""
    row = _one(connection, select(publication).where(publication.c.code == code), code)
    return read_document(connection, row.document), Digest(row.revision)


def read_due(connection: Connection, now: datetime, *, limit: int) -> tuple[DueTask, ...]:
    """Oldest first."""
    row = task_reminder.c
    query = select(task_reminder).where(row.at <= now).order_by(row.at, row.case_id, row.task, row.escalation).limit(limit)
    return tuple(
        DueTask(case=CaseId(due.case_id), task=TaskName(due.task), at=due.at, escalation=due.escalation)
        for due in connection.execute(query)
    )


def read_directory(connection: Connection, unit: UnitId) -> bytes:
    """NotKept if none was ever saved."""
    query = select(directory_version.c.body).where(directory_version.c.unit == unit)
    row = _one(connection, query.order_by(directory_version.c.seq.desc()).limit(1), unit)
    return bytes(row.body)


def read_units(connection: Connection) -> tuple[UnitId, ...]:
    """Sorted by id."""
    query = select(directory_version.c.unit).where(directory_version.c.seq == 1).order_by(directory_version.c.unit)
    return tuple(UnitId(unit) for unit in connection.scalars(query))


def _one(connection: Connection, query: Select[Any], name: str) -> Rows:
    try:
        return connection.execute(query).one()
    except NoResultFound:
        raise _not_kept(name) from None


def _not_kept(name: str) -> NotKept:
    return NotKept(both(f"Không có ở đây: {name:.200}", f"There is no such thing here: {name:.200}"))


def _case(row: Rows) -> CaseRecord:
    return CaseRecord(
        id=CaseId(row.id),
        version=row.version,
        unit=UnitId(row.unit),
        kind=row.kind,
        title=row.title,
        scope=row.scope,
        process=row.process,
        pins={name: Digest(digest) for name, digest in json.loads(row.pins).items()},
        data=Digest(row.data),
        opened=row.opened,
        ended=row.ended,
        snapshot=None if row.snapshot is None else bytes(row.snapshot),
        snapshot_version=row.snapshot_version,
    )


def _task(row: Rows) -> TaskRecord:
    return TaskRecord(
        case=CaseId(row.case_id),
        unit=UnitId(row.unit),
        case_title=row.case_title,
        name=TaskName(row.name),
        step=row.step,
        key=row.key,
        visit=row.visit,
        human=row.human,
        action=row.action,
        role=None if row.role is None else Role(row.role),
        scope=row.scope,
        document=None if row.document is None else DocumentId(row.document),
        opened=row.opened,
        due=row.due,
        escalate_to=None if row.escalate_to is None else Role(row.escalate_to),
        closed=row.closed,
    )


def _documents(connection: Connection, query: Select[Any]) -> tuple[DocumentRecord, ...]:
    rows = connection.execute(query).all()
    chains: dict[str, list[Digest]] = {row.id: [] for row in rows}
    revisions = select(document_revision.c.document, document_revision.c.digest)
    revisions = revisions.where(document_revision.c.document.in_(list(chains))).order_by(document_revision.c.seq)
    for owner, digest in connection.execute(revisions):
        chains[owner].append(Digest(digest))
    return tuple(
        DocumentRecord(
            id=DocumentId(row.id),
            case=CaseId(row.case_id),
            unit=UnitId(row.unit),
            kind=row.kind,
            title=row.title,
            key=row.key,
            data=Digest(row.data),
            revision=Digest(row.revision),
            revisions=tuple(chains[row.id]),
            superseded=row.superseded,
        )
        for row in rows
    )


def _recorded(row: Rows) -> Recorded:
    try:
        happened = from_json(row.tag, json.loads(row.body))
    except (ValueError, TypeError, RecursionError, BadEvent) as error:
        where = f"{row.case_id}#{row.seq}"
        raise RowChanged(
            both(f"Dòng sự kiện {where} đã bị sửa: {error}", f"The event row {where} was changed: {error}")
        ) from error
    return Recorded(
        case=CaseId(row.case_id),
        seq=row.seq,
        at=row.at,
        actor=None if row.actor is None else PersonId(row.actor),
        event=happened,
        leaf=row.place,
    )
