"""The power fails: a real process is killed at each effect in turn, and what it leaves is whole."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import Table, func, select

from storage import KeptStore, publish, verify_log
from storage.tables import event, log_entry, log_pending, work_item
from tests.storage.conftest import AN, AT, School
from tests.storage.test_log import a_stranger_reads_tiles, verifier_of
from workflow.events import Digest
from workflow.store import NewWork, NotKept

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]

# More effects than any of these has; the loop ends when the process lived to its end.
MOST_POINTS = 200

Die = Callable[[str, int], str]


@pytest.fixture
def die(store: KeptStore, database_url: str, tmp_path: Path) -> Iterator[Die]:
    """Run a scenario in a process that is killed at its n-th effect; "killed", or "done" if it has fewer."""
    assert store.log.key is not None
    with subprocess.Popen(
        [sys.executable, "-m", "tests.storage.dying", database_url, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        asked, told = process.stdin, process.stdout

        def run(scenario: str, point: int) -> str:
            asked.write(f"{scenario} {point} {point}\n")
            asked.flush()
            answer = told.readline().strip()
            assert answer in {"killed", "done"}, answer
            return answer

        yield run
        asked.close()


def points(die: Die, scenario: str, *, step: int = 1) -> Iterator[int]:
    """Every point at which the scenario was killed (or each third, where there are many), and the one it outlived."""
    for point in range(0, MOST_POINTS, step):
        answer = die(scenario, point)
        yield point
        if answer == "done":
            return
    raise AssertionError


def is_whole(store: KeptStore) -> bool:
    return list(verify_log(store, [verifier_of(store)], blobs=False)) == []


def digest_of(content: bytes) -> Digest:
    return Digest(sha256(content).hexdigest())


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # only files are written
def test_killed_while_putting(store: KeptStore, die: Die) -> None:
    """The bytes are there whole or not at all; what is left aside is listed; putting again works."""
    seen = set()
    for point in points(die, "put"):
        content = b"volume %d" % point
        try:
            assert store.get(digest_of(content)) == content
            seen.add("there")
        except NotKept:
            seen.add("absent")
        assert store.get(store.put(content)) == content
    left = {path.parent.name for path in store.orphans()}

    assert seen == {"there", "absent"}
    assert point > 10
    assert "incoming" in left


def count(store: KeptStore, table: Table) -> int:
    with store.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_killed_while_appending(store: KeptStore, school: School, die: Die) -> None:
    """All of it happened or nothing: events, tables, work, the end of the work item, and the leaves."""
    many = [NewWork(kind="k", subject_key=f"w{n}", case=school.case, task=None, run_at=AT) for n in range(MOST_POINTS)]
    store.append(school.case, 0, [school.opened()], actor=None, at=AT, work=many)
    version, works, outcomes = 1, MOST_POINTS, set()
    for point in points(die, "append"):
        case = store.case(school.case)
        happened = case.version == version + 4
        assert happened or case.version == version
        assert (case.snapshot == b"%d" % point) is happened
        assert count(store, work_item) == works + happened
        with store.database.reading() as connection:
            ended = connection.scalar(select(func.count()).select_from(work_item).where(work_item.c.state == "done"))
        assert ended == len(store.documents(school.case)) == (case.version - 1) // 4
        assert count(store, log_pending) == count(store, event) == case.version
        version, works = case.version, works + happened
        outcomes.add(happened)

    assert outcomes == {True, False}
    assert point > 15
    assert is_whole(store)


def add_steps(store: KeptStore, school: School, number: int) -> None:
    """Some steps that have no place in the log yet."""
    store.append(school.case, store.case(school.case).version, [school.completed("toan")] * number, actor=AN, at=AT)


def test_killed_while_sequencing_and_signing(store: KeptStore, school: School, die: Die) -> None:
    """Each leaf has one place or still waits; a head is signed or not; the next one goes on."""
    school.begin(store)
    add_steps(store, school, 2)
    tried = 0
    for tried, _ in enumerate(points(die, "sequence", step=2), 1):  # noqa: B007 - counted, to be sure that there were many
        assert is_whole(store)
        assert count(store, log_entry) + count(store, log_pending) == count(store, event)
        store.log.sequence()
        store.log.sign(AT)
        assert store.log.size() == count(store, event)
        add_steps(store, school, 2)

    assert tried > 10
    assert is_whole(store)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # only files are written
def test_killed_while_publishing(store: KeptStore, school: School, die: Die, tmp_path: Path) -> None:
    """Whatever was published stays readable by a stranger; the next publication goes on."""
    school.begin(store)
    folder, sizes = tmp_path / "public", set()
    tried = 0
    for tried, _ in enumerate(points(die, "publish", step=3), 1):  # noqa: B007 - the same
        if (folder / "checkpoint").exists():
            sizes.add(a_stranger_reads_tiles(folder)[0] == store.log.size())
        add_steps(store, school, 30)
        store.log.sequence()
        store.log.sign(AT)
        head = publish(store.log, folder, verifier_of(store))
        assert a_stranger_reads_tiles(folder) == (head.size, head.root)
        add_steps(store, school, 1)
        store.log.sequence()
        store.log.sign(AT)

    assert sizes == {True, False}
    assert tried > 10
