"""The list of work that the system does. A fence number decides whose result counts, however late it comes.

waiting -> running (claimed, under a lease) -> done, or waiting again, or stuck until an administrator looks.
Each claim raises the fence; a result is accepted only under the newest one. So a worker that was paused and wakes
cannot write twice what another has done meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, select, update

from storage.database import Database
from storage.tables import work_item
from workflow.errors import both
from workflow.events import CaseId, TaskName
from workflow.store import NewWork, StaleFence, WorkItem

# An error is kept for the administrator's list, not as a log.
LONGEST_ERROR = 2_000


_ITEM: Final = work_item.c
_PICKED: Final = (
    select(_ITEM.id)
    .where(_ITEM.ready_at.is_not(None), _ITEM.ready_at <= bindparam("now"))
    .order_by(_ITEM.priority.desc(), _ITEM.ready_at, _ITEM.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)  # SQLite has no row locks and needs none: it has one writer
    .cte("picked")
    .prefix_with("MATERIALIZED", dialect="postgresql")
)
_CLAIM: Final = (
    update(work_item)
    .where(_ITEM.id.in_(select(_PICKED.c.id)))
    .values(
        state="running",
        owner=bindparam("by"),
        attempt=_ITEM.attempt + 1,
        fence=_ITEM.fence + 1,
        ready_at=bindparam("lease"),
    )
    .returning(work_item)
)
_HELD: Final = update(work_item).where(
    _ITEM.id == bindparam("mine"), _ITEM.fence == bindparam("under"), _ITEM.state == "running"
)


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
    lease = now + timedelta(seconds=lease_seconds)
    taken = connection.execute(_CLAIM, {"now": now, "most": limit, "lease": lease, "by": owner})
    rows = sorted(taken, key=lambda row: (-row.priority, row.id))
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
    if connection.execute(_HELD.values(values), {"mine": mine.id, "under": mine.fence}).rowcount != 1:
        raise StaleFence(
            both(
                f"Việc {mine.subject_key} (lượt {mine.fence}) đã do máy khác nhận hoặc đã xong; kết quả bị bỏ",
                f"The work {mine.subject_key} (fence {mine.fence}) was taken over or is done; the result was thrown away",
            )
        )
