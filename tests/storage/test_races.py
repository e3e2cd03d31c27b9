"""Many at once: threads here, on both databases; each has its own connection."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import select

from storage import KeptStore, verify_log
from storage.tables import work_item
from tests.storage.conftest import AN, AT, SCHOOL, SUBJECTS, School
from workflow.events import CaseId
from workflow.store import Conflict, NewWork, StaleFence, WorkItem

T = TypeVar("T")


def at_once(count: int, do: Callable[[int], T]) -> list[T]:
    """Run it in so many threads that all begin at the same moment."""
    barrier = Barrier(count)

    def run(number: int) -> T:
        barrier.wait(30)
        return do(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_thirteen_teachers_sign_in_one_case(store: KeptStore, school: School) -> None:
    """Each looks again after a conflict; nobody's signature is lost, none is there twice, the log is whole."""
    school.begin(store, *SUBJECTS)

    def sign(number: int) -> int:
        key = SUBJECTS[number]
        for tried in range(1, 40):
            version = store.case(school.case).version
            try:
                school.add(store, version, school.completed(key), school.rendered(key), school.closes(key))
            except Conflict:
                continue
            return tried
        raise AssertionError

    at_once(13, sign)
    assert store.log.sequence() == 2 + 13 * 3
    assert store.case(school.case).version == 2 + 13 * 3
    assert store.tasks(school.case) == ()
    assert {document.key for document in store.documents(school.case)} == set(SUBJECTS)
    assert list(verify_log(store, [], blobs=False)) == []


def test_a_task_is_completed_once(store: KeptStore, school: School) -> None:
    """Two clicks at the same moment, twenty times: one wins, the other is told to look again; one work item."""
    for round_ in range(20):
        case = CaseId(f"c{round_}")
        school.begin(store, "toan", case=case)

        def click(_number: int, case: CaseId = case) -> bool:
            new = NewWork(kind="bind", subject_key=f"bind:{case}", case=case, task=None, run_at=AT)
            try:
                store.append(case, 2, [school.completed("toan"), school.closes("toan")], actor=AN, at=AT, work=[new])
            except Conflict:
                return False
            return True

        assert sorted(at_once(2, click)) == [False, True]
        assert store.case(case).version == 4
    assert len(store.claim("me", now=AT, lease_seconds=9, limit=100)) == 20


def test_a_case_is_opened_once(store: KeptStore, school: School) -> None:
    """Two who open the same case at once: one did."""

    def open_it(_number: int) -> bool:
        try:
            school.begin(store, "toan")
        except Conflict:
            return False
        return True

    assert sorted(at_once(4, open_it)) == [False, False, False, True]


def write_work(store: KeptStore, school: School, count: int) -> None:
    school.begin(store)
    new = [NewWork(kind="k", subject_key=f"k{n}", case=school.case, task=None, run_at=AT) for n in range(count)]
    store.append(school.case, 2, [school.completed("toan")], actor=None, at=AT, work=new)


def test_claimers_never_get_the_same_work(store: KeptStore, school: School) -> None:
    """Four workers and sixty pieces: each piece is taken once."""
    write_work(store, school, 60)

    def take(number: int) -> list[WorkItem]:
        mine: list[WorkItem] = []
        while taken := store.claim(f"worker-{number}", now=AT, lease_seconds=60, limit=3):
            mine += taken
        return mine

    taken = [item for mine in at_once(4, take) for item in mine]
    assert sorted(item.subject_key for item in taken) == sorted(f"k{n}" for n in range(60))
    assert {item.fence for item in taken} == {1}


def test_a_paused_worker_cannot_write(store: KeptStore, school: School) -> None:
    """It wakes after another took over: neither its result, nor its renewal, nor its failure counts."""
    write_work(store, school, 1)
    (paused,) = store.claim("paused", now=AT, lease_seconds=5)
    later = AT + timedelta(seconds=5)
    assert store.claim("other", now=AT + timedelta(seconds=4), lease_seconds=5) == ()
    (taken,) = store.claim("other", now=later, lease_seconds=5)

    acts: list[Callable[[], None]] = [
        lambda: store.finish(paused, now=later),
        lambda: store.renew(paused, now=later, lease_seconds=5),
        lambda: store.postpone(paused, error="x", run_at=later),
    ]
    for act in acts:
        with pytest.raises(StaleFence):
            act()
    store.renew(taken, now=later, lease_seconds=60)
    assert store.claim("third", now=later + timedelta(seconds=30), lease_seconds=5) == ()
    store.finish(taken, now=later)
    with pytest.raises(StaleFence):
        store.finish(taken, now=later)


def test_one_of_two_results_counts(store: KeptStore, school: School) -> None:
    """A lease that passed unnoticed: both workers finish at the same moment, under different fences."""
    for round_ in range(10):
        case = CaseId(f"c{round_}")
        new = NewWork(kind="k", subject_key=f"k{round_}", case=case, task=None, run_at=AT)
        store.append(case, 0, [school.opened()], actor=None, at=AT, work=[new])
        (old,) = store.claim("a", now=AT, lease_seconds=1)
        (new_owner,) = store.claim("b", now=AT + timedelta(seconds=2), lease_seconds=900)

        def end(number: int, items: tuple[WorkItem, WorkItem] = (old, new_owner), case: CaseId = case) -> bool:
            try:
                store.append(case, 1, [school.opens("toan")], actor=None, at=AT, finishing=items[number])
            except (StaleFence, Conflict):
                return False
            return True

        assert at_once(2, end) == [False, True]


def test_failed_work_waits_or_is_stuck(store: KeptStore, school: School) -> None:
    """Again at its time with the next attempt; or never, until somebody looks."""
    write_work(store, school, 1)
    (item,) = store.claim("me", now=AT, lease_seconds=60)
    again = AT + timedelta(minutes=5)
    store.postpone(item, error="TSA\0 không trả lời", run_at=again)
    assert store.claim("me", now=AT + timedelta(minutes=4), lease_seconds=60) == ()
    (item,) = store.claim("me", now=again, lease_seconds=60)
    assert item.attempt == 2
    store.postpone(item, error="hỏng", run_at=None)

    assert store.claim("me", now=again + timedelta(days=999), lease_seconds=60) == ()
    with store.database.reading() as connection:
        assert connection.execute(select(work_item.c.state, work_item.c.error)).one() == ("stuck", "hỏng")


def test_urgent_work_goes_first(store: KeptStore, school: School) -> None:
    """Larger priority before smaller, then the longest waiting; nothing before its time."""
    school.begin(store)
    wanted = [("late", 0, 2), ("early", 0, 1), ("urgent", 5, 2), ("future", 9, 99)]
    new = [
        NewWork(kind="k", subject_key=key, case=school.case, task=None, run_at=AT + timedelta(hours=hours), priority=priority)
        for key, priority, hours in wanted
    ]
    store.append(school.case, 2, [school.completed("toan")], actor=None, at=AT, work=new)
    now = AT + timedelta(hours=3)

    taken = [store.claim("me", now=now, lease_seconds=9999)[0].subject_key for _ in range(3)]
    assert taken == ["urgent", "early", "late"]
    assert store.claim("me", now=now, lease_seconds=60) == ()


def test_sequencers_share_one_order(store: KeptStore, school: School) -> None:
    """Four at once, while others append: every leaf has one place, without gaps."""
    for number in range(8):
        school.begin(store, case=CaseId(f"c{number}"))

    def run(number: int) -> int:
        placed = 0
        for step in range(15):
            if number < 4:
                store.append(CaseId(f"c{number}"), 2 + step, [school.completed("toan")], actor=None, at=AT)
            else:
                placed += store.log.sequence()
        return placed

    placed = sum(at_once(8, run)) + store.log.sequence()
    assert placed == store.log.size() == 16 + 4 * 15
    assert list(verify_log(store, [], blobs=False)) == []


def test_directories_are_numbered_without_gaps(store: KeptStore) -> None:
    """Two administrators save at the same moment: two versions."""
    at_once(6, lambda number: store.save_directory(SCHOOL, b"%d" % number, actor=AN, at=AT))
    store.log.sequence()

    assert store.log.size() == 6
    assert list(verify_log(store, [], blobs=False)) == []


@pytest.mark.slow
def test_processes_share_the_work(store: KeptStore, school: School, database_url: str, tmp_path: Path) -> None:
    """Three real processes, two cases, sixty pieces: each done once, in one log that is whole and signed."""
    cases = [CaseId("p1"), CaseId("p2")]
    for case in cases:
        new = [NewWork(kind="k", subject_key=f"{case}-{n}", case=case, task=None, run_at=AT) for n in range(30)]
        store.append(case, 0, [school.opened()], actor=None, at=AT, work=new)
    command = [sys.executable, "-m", "tests.storage.working", database_url, str(tmp_path)]
    workers = [
        subprocess.Popen([*command, f"worker-{n}"], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
        for n in range(3)
    ]
    done = [key for worker in workers for key in worker.communicate(timeout=200)[0].split()]
    store.log.sequence()
    store.log.sign(AT)

    assert [worker.returncode for worker in workers] == [0, 0, 0]
    assert sorted(done) == sorted(f"{case}-{n}" for case in cases for n in range(30))
    assert [store.case(case).version for case in cases] == [31, 31]
    assert store.log.key is not None
    assert list(verify_log(store, [store.log.key.verifier], blobs=False)) == []
