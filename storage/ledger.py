"""The list of work that the system does. A fence number decides whose result counts, however late it comes.

waiting -> running (claimed, under a lease) -> done, or waiting again, or stuck until an administrator looks.
Each claim raises the fence; a result is accepted only under the newest one. So a worker that was paused and wakes
cannot write twice what another has done meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update

from storage.database import Database
from storage.tables import work_item
from workflow.errors import both
from workflow.events import CaseId, TaskName
from workflow.store import NewWork, StaleFence, WorkItem

# An error is kept for the administrator's list, not as a log.
LONGEST_ERROR = 2_000


def write_down(connection: Connection, database: Database, work: Sequence[NewWork]) -> None:
    """Work with a subject key that is already there is left as it is."""
    rows = [
        {
            "kind": new.kind,
            "subject_key": new.subject_key,
            "case_id": new.case,
            "task": new.task,
            "state": "waiting",
            "priority": new.priority,
            "ready_at": new.run_at,
            "attempt": 0,
            "fence": 0,
        }
        for new in work
    ]
    if rows:
        connection.execute(database.insert_or_leave(work_item), rows)


def claim(connection: Connection, owner: str, *, now: datetime, lease_seconds: float, limit: int) -> tuple[WorkItem, ...]:
    """Take what is ready: larger priority first, then the longest waiting. Others skip what is being taken."""
    item = work_item.c
    ready = (
        select(item.id)
        .where(item.ready_at.is_not(None), item.ready_at <= now)
        .order_by(item.priority.desc(), item.ready_at, item.id)
        .limit(limit)
        .with_for_update(skip_locked=True)  # SQLite has no row locks and needs none: it has one writer
    )
    picked = ready.cte("picked").prefix_with("MATERIALIZED", dialect="postgresql")
    taken = (
        update(work_item)
        .where(item.id.in_(select(picked.c.id)))
        .values(
            state="running",
            owner=owner,
            attempt=item.attempt + 1,
            fence=item.fence + 1,
            ready_at=now + timedelta(seconds=lease_seconds),
        )
        .returning(work_item)
    )
    rows = sorted(connection.execute(taken), key=lambda row: (-row.priority, row.id))
    return tuple(
        WorkItem(
            id=row.id,
            kind=row.kind,
            subject_key=row.subject_key,
            case=CaseId(row.case_id),
            task=None if row.task is None else TaskName(row.task),
            attempt=row.attempt,
            fence=row.fence,
        )
        for row in rows
    )


def renew(connection: Connection, mine: WorkItem, *, now: datetime, lease_seconds: float) -> None:
    """A new end of the lease."""
    _under_fence(connection, mine, ready_at=now + timedelta(seconds=lease_seconds))


def finish(connection: Connection, mine: WorkItem) -> None:
    """Done, for ever."""
    _under_fence(connection, mine, state="done", ready_at=None, owner=None, error=None)


def postpone(connection: Connection, mine: WorkItem, *, error: str, run_at: datetime | None) -> None:
    """Again at `run_at`; None: stuck."""
    state = "stuck" if run_at is None else "waiting"
    kept = error.replace("\0", "")[:LONGEST_ERROR]
    _under_fence(connection, mine, state=state, ready_at=run_at, owner=None, error=kept)


def stuck(connection: Connection) -> tuple[tuple[str, str], ...]:
    """What waits for an administrator: (subject key, the last error)."""
    item = work_item.c
    rows = connection.execute(select(item.subject_key, item.error).where(item.state == "stuck").order_by(item.id))
    return tuple((row.subject_key, row.error or "") for row in rows)


def _under_fence(connection: Connection, mine: WorkItem, **values: Any) -> None:
    item = work_item.c
    held = (item.id == mine.id) & (item.fence == mine.fence) & (item.state == "running")
    if connection.execute(update(work_item).where(held).values(values)).rowcount != 1:
        raise StaleFence(
            both(
                f"Việc {mine.subject_key} (lượt {mine.fence}) đã do máy khác nhận hoặc đã xong; kết quả bị bỏ",
                f"The work {mine.subject_key} (fence {mine.fence}) was taken over or is done; the result was thrown away",
            )
        )
