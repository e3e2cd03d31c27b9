"""The one write: a case moves on by some events, and everything that follows from them, in one transaction."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from directory.values import PersonId, UnitId
from storage import ledger
from storage.database import Database
from storage.errors import BadHistory
from storage.leaves import DIRECTORY_TAG, NONCE_BYTES, Row, case_stream, directory_stream, leaf
from storage.projection import apply, opening_row, project
from storage.tables import case_state, directory_version, event, log_pending
from workflow.encoding import canonical, instant_text, to_json
from workflow.errors import both
from workflow.events import CaseId, CaseOpened, Event
from workflow.store import Conflict, NewWork, NotKept, WorkItem

# A step gives a handful of events; opening a case with 200 parallel sheets, a few hundred.
MOST_EVENTS = 10_000


# Made once: to build a statement costs SQLAlchemy as much as to run it.
_LOCKED: Final = (
    # FOR UPDATE on PostgreSQL; on SQLite the whole file is locked by BEGIN IMMEDIATE.
    select(case_state.c.version, case_state.c.unit).where(case_state.c.id == bindparam("case")).with_for_update()
)
_MOVED: Final = update(case_state).where(case_state.c.id == bindparam("case")).values(version=bindparam("to"))
_MOVED_WITH_SNAPSHOT: Final = _MOVED.values(snapshot=bindparam("state"), snapshot_version=bindparam("covers"))
_KEPT: Final = insert(event)
_PENDING: Final = insert(log_pending)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """What `Store.append` was asked to write."""

    case: CaseId
    expected: int
    events: Sequence[Event]
    actor: PersonId | None
    at: datetime
    snapshot: bytes | None
    work: Sequence[NewWork]
    finishing: WorkItem | None


def append(database: Database, new: Addition) -> int:
    """All of it or nothing. Conflict, StaleFence, NotKept, BadHistory, BadEvent: nothing was written."""
    rows = _rows(new)  # encodes the events before any lock is taken
    version = new.expected + len(rows)
    with database.writing() as connection:
        unit = _move_version(connection, database, new, version)
        if new.finishing:
            ledger.finish(connection, new.finishing)
        for seq, happened in enumerate(new.events, new.expected + 1):
            apply(connection, project(new.case, unit, seq, new.at, happened))
        _keep_events(connection, new, rows)
        ledger.write_down(connection, database, new.work)
        # A crash before the commit leaves nothing; after it, everything.
    return version


def _rows(new: Addition) -> list[Row]:
    if not 0 < len(new.events) <= MOST_EVENTS:
        raise BadHistory(both(f"Cần từ 1 đến {MOST_EVENTS} sự kiện", f"Between 1 and {MOST_EVENTS} events are needed"))
    for seq, happened in enumerate(new.events, new.expected + 1):
        if isinstance(happened, CaseOpened) is not (seq == 1):
            raise BadHistory(
                both(
                    f"Hồ sơ {new.case} phải bắt đầu bằng đúng một sự kiện mở: sự kiện {seq} là {happened.tag}",
                    f"The case {new.case} must begin with its opening, once: event {seq} is {happened.tag}",
                )
            )
    return [
        Row(
            stream=case_stream(new.case),
            seq=seq,
            at=instant_text(new.at),
            tag=happened.tag,
            actor=new.actor,
            body=canonical(to_json(happened)),
            nonce=secrets.token_bytes(NONCE_BYTES),
        )
        for seq, happened in enumerate(new.events, new.expected + 1)
    ]


def _move_version(connection: Connection, database: Database, new: Addition, version: int) -> UnitId:
    """Compare and swap. The row stays locked until the commit, so that writers of one case wait and do not burn work."""
    if new.expected == 0:
        return _begin(connection, database, new, version)
    found = connection.execute(_LOCKED, {"case": new.case}).one_or_none()
    if found is None:
        raise NotKept(both(f"Không có hồ sơ {new.case}", f"There is no case {new.case}"))
    if found.version != new.expected:
        raise _conflict(new, found.version)
    if new.snapshot is None:
        connection.execute(_MOVED, {"case": new.case, "to": version})
    else:
        connection.execute(_MOVED_WITH_SNAPSHOT, {"case": new.case, "to": version, "state": new.snapshot, "covers": version})
    return UnitId(found.unit)


def _begin(connection: Connection, database: Database, new: Addition, version: int) -> UnitId:
    opening = new.events[0]
    if not isinstance(opening, CaseOpened):  # _rows has made sure; this tells the type
        raise TypeError
    row = opening_row(new.case, new.at, opening) | {"version": version}
    if new.snapshot is not None:
        row |= {"snapshot": new.snapshot, "snapshot_version": version}
    if connection.execute(database.insert_or_leave(case_state).returning(case_state.c.id), row).first() is None:
        raise _conflict(new, connection.scalar(select(case_state.c.version).where(case_state.c.id == new.case)))
    return opening.unit


def _conflict(new: Addition, found: int | None) -> Conflict:
    return Conflict(
        both(
            f"Hồ sơ {new.case} vừa được người khác xử lí (phiên bản {found}, không phải {new.expected}); hãy xem lại",
            f"Somebody else moved the case {new.case} (version {found}, not {new.expected}); look again",
        )
    )


def _keep_events(connection: Connection, new: Addition, rows: Iterable[Row]) -> None:
    kept = [
        {
            "case_id": new.case,
            "seq": row.seq,
            "at": new.at,
            "actor": row.actor,
            "tag": row.tag,
            "body": row.body.decode(),
            "nonce": row.nonce,
        }
        for row in rows
    ]
    connection.execute(_KEPT, kept)
    _await_the_log(connection, rows)


def save_directory(database: Database, unit: UnitId, content: bytes, *, actor: PersonId | None, at: datetime) -> int:
    """A new version; returns its number."""
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": directory_stream(unit)})
        versions = directory_version.c
        newest = connection.scalar(select(func.max(versions.seq)).where(versions.unit == unit)) or 0
        row = Row(
            stream=directory_stream(unit),
            seq=newest + 1,
            at=instant_text(at),
            tag=DIRECTORY_TAG,
            actor=actor,
            body=content,
            nonce=secrets.token_bytes(NONCE_BYTES),
        )
        kept = {"unit": unit, "seq": row.seq, "at": at, "actor": actor, "body": content, "nonce": row.nonce}
        connection.execute(insert(directory_version), kept)
        _await_the_log(connection, [row])
    return row.seq


def _await_the_log(connection: Connection, rows: Iterable[Row]) -> None:
    pending = [{"stream": row.stream, "seq": row.seq, "leaf": leaf(row)} for row in rows]
    connection.execute(_PENDING, pending)
