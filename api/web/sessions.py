"""Who is signed in: rows on this machine, so that a session can be ended here and not only in a browser.

The browser holds a random id; only its SHA-256 is kept, so that a stolen table opens nothing.
"""

import hashlib
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from directory import PersonId, UnitId

# A teacher's free period is 45 minutes; a school day ends after ten hours at the latest.
IDLE = timedelta(minutes=60)
ABSOLUTE = timedelta(hours=10)

SCHEMA = """
CREATE TABLE IF NOT EXISTS session (
    id_sha256 TEXT PRIMARY KEY,
    unit TEXT NOT NULL,
    person TEXT NOT NULL,
    token TEXT NOT NULL,
    opened REAL NOT NULL,
    seen REAL NOT NULL
) WITHOUT ROWID
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody is here. `token` goes into every form of theirs and comes back with it."""

    unit: UnitId
    person: PersonId
    token: str
    opened: datetime


class Sessions:
    """Opens, finds and ends sessions. Several threads and processes may share one file."""

    def __init__(self, path: Path | None, clock: Callable[[], datetime]) -> None:
        """`path` None keeps them in memory: they end with the process."""
        self._clock = clock
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path or ":memory:", check_same_thread=False, isolation_level=None, timeout=5)
        if path is not None:
            path.chmod(0o600)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute(SCHEMA)

    def open(self, unit: UnitId, person: PersonId) -> str:
        """The id for the browser's cookie. It is told once and not kept."""
        secret = secrets.token_urlsafe(32)
        now = self._clock().timestamp()
        with self._lock:
            self._db.execute("DELETE FROM session WHERE seen < ? OR opened < ?", self._too_old(now))
            self._db.execute(
                "INSERT INTO session VALUES (?, ?, ?, ?, ?, ?)",
                (_digest(secret), unit, person, secrets.token_urlsafe(32), now, now),
            )
        return secret

    def find(self, secret: str) -> Session | None:
        """The session behind a cookie, unless it has ended. Looking counts as being there."""
        now = self._clock().timestamp()
        idle, absolute = self._too_old(now)
        with self._lock:
            row = self._db.execute(
                "SELECT unit, person, token, opened FROM session WHERE id_sha256 = ? AND seen >= ? AND opened >= ?",
                (_digest(secret), idle, absolute),
            ).fetchone()
            if row is None:
                return None
            self._db.execute("UPDATE session SET seen = ? WHERE id_sha256 = ?", (now, _digest(secret)))
        unit, person, token, opened = row
        return Session(
            unit=UnitId(unit),
            person=PersonId(person),
            token=token,
            opened=datetime.fromtimestamp(opened, tz=self._clock().tzinfo),
        )

    def end(self, secret: str) -> None:
        """Sign out. Ending what has ended changes nothing."""
        with self._lock:
            self._db.execute("DELETE FROM session WHERE id_sha256 = ?", (_digest(secret),))

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    @staticmethod
    def _too_old(now: float) -> tuple[float, float]:
        return now - IDLE.total_seconds(), now - ABSOLUTE.total_seconds()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
