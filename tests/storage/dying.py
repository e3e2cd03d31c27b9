"""A process that kills itself with SIGKILL at its n-th effect. Started by test_crashes.py; reads "scenario n seed" lines.

Each line is answered by "killed" or "done". Every attempt runs in a fork of its own that has opened nothing before. The
effects are counted from outside, by wrapping what the operating system and the database drivers offer; the code under test
knows nothing of it.
"""

import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import event

from storage import KeptStore, open_store, publish
from tests.storage.conftest import AN, AT, School
from workflow.store import NewWork


class Fuse:
    """Burns down by one at each effect, then kills."""

    def __init__(self, length: int) -> None:
        self.left = length

    def burn(self, *_args: object, **_more: object) -> None:
        """One effect more."""
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.left -= 1

    def wrap(self, owner: Any, name: str) -> None:
        """Before and after each call."""
        real: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **more: Any) -> Any:
            self.burn()
            result = real(*args, **more)
            self.burn()
            return result

        setattr(owner, name, wrapped)


def attach(fuse: Fuse, store: KeptStore) -> None:
    """To every call that changes a file or the database."""
    for name in ("fsync", "fchmod", "open", "rename", "mkdir", "replace"):
        fuse.wrap(os, name)
    engine = store.database.engine
    event.listen(engine, "commit", fuse.burn)
    event.listen(engine, "checkin", fuse.burn)  # the commit is done, nobody knows it yet
    if store.database.is_sqlite:
        event.listen(engine, "checkout", lambda driver, *_: _trace(driver, fuse))
    else:
        for name in ("execute", "executemany"):
            fuse.wrap(psycopg.Cursor, name)


def _trace(driver: sqlite3.Connection, fuse: Fuse) -> None:
    driver.set_trace_callback(fuse.burn)  # each statement, BEGIN and COMMIT too


def run(scenario: str, store: KeptStore, folder: Path, seed: int) -> None:
    """One of the things that must not be half done."""
    school = School()
    if scenario == "put":
        store.put(b"volume %d" % seed)
    elif scenario == "append":
        version = store.case(school.case).version
        key = f"s{seed}"
        store.append(
            school.case,
            version,
            [school.opens(key), school.rendered(key), school.completed(key), school.closes(key)],
            actor=AN,
            at=AT + timedelta(minutes=seed),
            snapshot=b"%d" % seed,
            work=[NewWork(kind="k", subject_key=key, case=school.case, task=None, run_at=AT)],
            finishing=store.claim("dying", now=datetime(2100, 1, 1, tzinfo=UTC) + timedelta(days=seed), lease_seconds=1)[0],
        )
    elif scenario == "sequence":
        store.log.sequence()
        store.log.sign(AT)
    elif scenario == "publish":
        assert store.log.key is not None
        publish(store.log, folder / "public", store.log.key.verifier)


def main(url: str, folder: Path) -> None:
    """Answer each line of the standard input."""
    for line in sys.stdin:
        scenario, point, seed = line.split()
        child = os.fork()
        if not child:
            store = open_store(url, folder / "office", log_key=folder / "log.key")
            store.units()
            attach(Fuse(int(point)), store)
            run(scenario, store, folder, int(seed))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        sys.stdout.write("killed\n" if killed else "done\n" if status == 0 else f"failed {status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
