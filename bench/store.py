"""The one write, the ledger and the blobs on SQLite with full synchronisation: rates, and that nothing grows with the archive.

    python -m bench.store

Rates are wall time and decided by the disk, so they are told beside the rate of `fsync` alone and not promised. Promised is
processor time, median: a step within half of the 6 ms that the trials measured for load, step, append and snapshot together
(routes, section 6), and that no question costs more when there is an archive behind it.
"""

import os
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.table import Row, Table, median
from directory.values import Capacity, Role, UnitId
from storage import KeptStore, new_log_key, open_store, verify_log
from storage.merkle import verify_inclusion
from workflow.events import CaseId, CaseOpened, Digest, OpenTask, StepCompleted, TaskName, TasksChanged
from workflow.store import Grant, NewWork

AT = datetime(2027, 1, 12, 1, tzinfo=UTC)
UNIT = UnitId("bench")
STEPS = 200
QUICK_STEPS = 50
ARCHIVE = 3_000  # cases, each with 13 open tasks
QUICK_ARCHIVE = 200
BLOB = 60_000


def run(quick: bool = False) -> Table:
    """About a minute, quick ten seconds."""
    steps, archive = (QUICK_STEPS, QUICK_ARCHIVE) if quick else (STEPS, ARCHIVE)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new_log_key(folder / "log.key")
        store = open_store(f"sqlite:///{folder / 'office.db'}", folder, log_key=folder / "log.key")
        try:
            rows = [Row.told("fsync of a small file", measured=_rate(lambda _: _fsync(folder), 50), unit="/s")]
            rows += [*_steps(store, steps), *_ledger(store, steps), *_blobs(store, steps // 4)]
            rows += _flat(store, steps, archive)
            rows.append(_audit(store))
        finally:
            store.close()
    return Table("The store, SQLite with full synchronisation", tuple(rows))


def _rate(do: Callable[[int], object], count: int) -> float:
    begin = time.perf_counter()
    for number in range(count):
        do(number)
    return count / (time.perf_counter() - begin)


def _fsync(folder: Path) -> None:
    with (folder / "probe").open("wb") as file:
        file.write(b"x" * 4096)
        file.flush()
        os.fsync(file.fileno())


def opened(number: int) -> CaseOpened:
    """A case of the archive."""
    digest = Digest(f"{number:064x}")
    return CaseOpened(
        unit=UNIT,
        kind="class_book",
        title=f"Sổ theo dõi và đánh giá học sinh, lớp {number}",
        scope=f"{number}",
        process="class_book_term",
        pins={"process": digest},
        facts={"sheets": ("toan", "van")},
        data=digest,
        closing=AT,
    )


def task(number: int, subject: int) -> OpenTask:
    """One of its thirteen teachers."""
    return OpenTask(
        name=TaskName(f"subject_teacher_signs.{subject}#1"),
        step="subject_teacher_signs",
        key=str(subject),
        visit=1,
        human=True,
        action="sign",
        role=Role.SUBJECT_TEACHER,
        scope=f"{number}/{subject}",
        document=None,
        due=AT + timedelta(days=30),
        reminders=(AT + timedelta(days=20),),
        escalate_to=Role.PRINCIPAL,
    )


def begin(store: KeptStore, number: int) -> CaseId:
    """Open a case with thirteen tasks."""
    case = CaseId(f"c{number}")
    tasks = TasksChanged(opened=tuple(task(number, subject) for subject in range(13)), closed=())
    store.append(case, 0, [opened(number), tasks], actor=None, at=AT + timedelta(seconds=number))
    return case


DONE = StepCompleted(task=TaskName("t#1"), capacity=Capacity.OWN, ground="", facts={"outcome": "signed"}, reason="")


def _append(store: KeptStore, case: CaseId, version: int) -> None:
    work = NewWork(kind="k", subject_key=secrets.token_hex(8), case=case, task=None, run_at=AT)
    store.append(case, version, [DONE], actor=None, at=AT, snapshot=b"s" * 800, work=[work])


def _steps(store: KeptStore, steps: int) -> list[Row]:
    alone = begin(store, -1)
    singly = _rate(lambda number: _append(store, alone, 2 + number), steps)
    cases = [begin(store, -number) for number in range(2, 6)]

    def work(case: CaseId) -> None:
        for number in range(steps):
            _append(store, case, 2 + number)

    start = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, cases))
    together = 4 * steps / (time.perf_counter() - start)
    return [
        Row.most("a step", goal=3, measured=_milliseconds(_next(store, alone, steps), steps), unit="ms", note="processor time"),
        Row.told("steps, one writer", measured=singly, unit="/s", note="event, snapshot, work item, leaf"),
        Row.told("steps, four writers", measured=together, unit="/s"),
    ]


def _next(store: KeptStore, case: CaseId, steps: int) -> Callable[[], object]:
    version = iter(range(2 + steps, 10**6))
    return lambda: _append(store, case, next(version))


def _ledger(store: KeptStore, steps: int) -> list[Row]:
    def one(_number: int) -> None:
        (item,) = store.claim("bench", now=AT, lease_seconds=60)
        store.finish(item, now=AT)

    singly = _rate(one, steps)
    rate = 20 * _rate(lambda _: store.claim("bench", now=AT, lease_seconds=60, limit=20), steps // 20)
    return [
        Row.most("claim and finish", goal=3, measured=_milliseconds(lambda: one(0), steps), unit="ms", note="processor time"),
        Row.told("claim and finish", measured=singly, unit="/s"),
        Row.told("claim by 20", measured=rate, unit="/s"),
    ]


def _blobs(store: KeptStore, count: int) -> list[Row]:
    blobs = [secrets.token_bytes(BLOB) for _ in range(count)]
    put = _rate(lambda number: store.put(blobs[number]), count)
    digests = [store.put(blob) for blob in blobs]
    return [
        Row.told("put 60 kB", measured=put, unit="/s", note="two or more fsync each"),
        Row.told("get 60 kB", measured=_rate(lambda number: store.get(digests[number]), count), unit="/s"),
    ]


def _flat(store: KeptStore, steps: int, archive: int) -> list[Row]:
    """The same questions with an archive behind them."""
    small = _questions(store, steps)
    for number in range(1, archive + 1):
        begin(store, number)
    store.log.sequence()
    store.log.sign(AT)
    large = _questions(store, steps)
    return [
        Row.most(
            f"{name}: {archive:,} cases against none",
            goal=1.5,
            measured=large[name] / small[name],
            note=f"{large[name]:.2f} ms",
        )
        for name in small
    ]


def _questions(store: KeptStore, steps: int) -> dict[str, float]:
    case = begin(store, 10**6 + secrets.randbelow(10**6))
    number = int(case[1:])
    grants = [Grant(unit=UNIT, role=Role.SUBJECT_TEACHER, scope=f"{number}/{subject}") for subject in range(3)]
    version = iter(range(2, 10**6))
    return {
        "inbox": _milliseconds(lambda: store.inbox(grants), steps),
        "case and history": _milliseconds(lambda: (store.case(case), store.history(case)), steps),
        "newest 20 cases": _milliseconds(lambda: store.cases([UNIT], limit=20, before=AT), steps),
        "due": _milliseconds(lambda: store.due(AT + timedelta(days=1)), steps),
        "append": _milliseconds(lambda: _append(store, case, next(version)), steps),
    }


def _milliseconds(do: Callable[[], object], count: int) -> float:
    times = []
    for _ in range(count):
        start = time.process_time()
        do()
        times.append(time.process_time() - start)
    return median(times) * 1000


def _audit(store: KeptStore) -> Row:
    """Whole, but for the blobs; and a proof, to be sure that there is something to audit."""
    assert store.log.key is not None
    size = store.log.size()
    verify_inclusion_of_last(store, size)
    start = time.perf_counter()
    assert list(verify_log(store, [store.log.key.verifier], blobs=False)) == []
    return Row.told("log verify", measured=size / (time.perf_counter() - start), unit="rows/s", note=f"{size:,} rows")


def verify_inclusion_of_last(store: KeptStore, size: int) -> None:
    """The newest entry is in the log."""
    from storage.merkle import hash_leaf

    (last,) = store.log.leaves(size - 1, size)
    verify_inclusion(hash_leaf(last), size - 1, size, store.log.inclusion(size - 1), store.log.root(size))


if __name__ == "__main__":
    sys.stdout.write(f"{run('--quick' in sys.argv)}\n")
