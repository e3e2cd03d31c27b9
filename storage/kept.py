"""The store: what `workflow.store.Store` promises, on SQLite or PostgreSQL and a folder of blobs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path

from directory.values import PersonId, UnitId
from storage import appending, ledger, records
from storage.blobs import Blobs
from storage.database import Database
from storage.log import Log
from storage.named_blobs import named_blobs
from storage.notes import LogKey
from storage.schema import bring_up_to_date
from workflow.events import CaseId, Digest, DocumentId, Event, TaskName
from workflow.store import CaseRecord, DocumentRecord, DueTask, Grant, NewWork, Recorded, TaskRecord, WorkItem


def open_store(url: str, folder: Path, *, log_key: Path | None = None) -> "KeptStore":
    """Open an office: its database (made or brought up to date) and its folder. The key is needed only to sign the log.

    DatabaseUnavailable, UnknownSchema, BadLogKey.
    """
    key = LogKey.load(log_key) if log_key else None
    database = Database.open(url)
    try:
        bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return KeptStore(database, Blobs(folder), Log(database, key))


class KeptStore:
    """See `workflow.store.Store` for what is true when each method returns."""

    def __init__(self, database: Database, blobs: Blobs, log: Log) -> None:
        self.database = database
        self.blobs = blobs
        self.log = log

    def close(self) -> None:
        """Let the connections go."""
        self.database.close()

    # --- bytes ---

    def put(self, content: bytes) -> Digest:  # noqa: D102
        return self.blobs.put(content)

    def get(self, digest: Digest) -> bytes:  # noqa: D102
        return self.blobs.get(digest)

    def orphans(self) -> tuple[Path, ...]:
        """Files that no event names: what a crash between put and append left. Harmless; an administrator may delete them."""
        with self.database.reading() as connection:
            return self.blobs.orphans(named_blobs(connection))

    def stuck(self) -> tuple[tuple[str, str], ...]:
        """Work that failed too often and waits for an administrator: (subject key, the last error)."""
        with self.database.reading() as connection:
            return ledger.stuck(connection)

    def signed_since(self, place: int, *, limit: int = 1000) -> tuple[int, tuple[Digest, ...]]:
        """Signed revisions that the log placed after this place (-1: from the start), and where to go on from."""
        with self.database.reading() as connection:
            return records.read_signed(connection, place, limit=limit)

    # --- cases ---

    def case(self, case: CaseId) -> CaseRecord:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_case(connection, case)

    def cases(  # noqa: D102
        self, units: Iterable[UnitId], *, limit: int = 100, before: datetime | None = None, words: str = ""
    ) -> tuple[CaseRecord, ...]:
        with self.database.reading() as connection:
            return records.read_cases(connection, units, limit=limit, before=before, words=words)

    def history(self, case: CaseId, after: int = 0) -> tuple[Recorded, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_history(connection, case, after)

    def tasks(self, case: CaseId, *, open_only: bool = True) -> tuple[TaskRecord, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_tasks(connection, case, open_only=open_only)

    def task(self, case: CaseId, name: TaskName) -> TaskRecord:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_task(connection, case, name)

    def inbox(self, grants: Sequence[Grant], *, limit: int = 200) -> tuple[TaskRecord, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_inbox(connection, grants, limit=limit)

    def documents(self, case: CaseId) -> tuple[DocumentRecord, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_documents(connection, case)

    def document(self, document: DocumentId) -> DocumentRecord:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_document(connection, document)

    def holding(self, revision: Digest) -> tuple[DocumentRecord, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_holding(connection, revision)

    def published(self, code: str) -> tuple[DocumentRecord, Digest]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_published(connection, code)

    def append(  # noqa: D102
        self,
        case: CaseId,
        expected: int,
        events: Sequence[Event],
        *,
        actor: PersonId | None,
        at: datetime,
        snapshot: bytes | None = None,
        work: Sequence[NewWork] = (),
        finishing: WorkItem | None = None,
    ) -> int:
        return appending.append(
            self.database,
            appending.Addition(
                case=case,
                expected=expected,
                events=events,
                actor=actor,
                at=at,
                snapshot=snapshot,
                work=work,
                finishing=finishing,
            ),
        )

    # --- what the system does ---

    def due(self, now: datetime, *, limit: int = 100) -> tuple[DueTask, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_due(connection, now, limit=limit)

    def claim(self, owner: str, *, now: datetime, lease_seconds: float, limit: int = 1) -> tuple[WorkItem, ...]:  # noqa: D102
        with self.database.writing() as connection:
            return ledger.claim(connection, owner, now=now, lease_seconds=lease_seconds, limit=limit)

    def renew(self, item: WorkItem, *, now: datetime, lease_seconds: float) -> None:  # noqa: D102
        with self.database.writing() as connection:
            ledger.renew(connection, item, now=now, lease_seconds=lease_seconds)

    def finish(self, item: WorkItem, *, now: datetime) -> None:  # noqa: ARG002, D102
        with self.database.writing() as connection:
            ledger.finish(connection, item)

    def postpone(self, item: WorkItem, *, error: str, run_at: datetime | None) -> None:  # noqa: D102
        with self.database.writing() as connection:
            ledger.postpone(connection, item, error=error, run_at=run_at)

    # --- the directory ---

    def directory(self, unit: UnitId) -> bytes:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_directory(connection, unit)

    def save_directory(self, unit: UnitId, content: bytes, *, actor: PersonId | None, at: datetime) -> None:  # noqa: D102
        appending.save_directory(self.database, unit, content, actor=actor, at=at)

    def units(self) -> tuple[UnitId, ...]:  # noqa: D102
        with self.database.reading() as connection:
            return records.read_units(connection)
