"""Sign all, killed at the effects themselves: each write, sync and link of the files and the database, on either database."""

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import documents
import signing
from api.demo.people import PRINCIPAL, settle_school
from api.demo.story import WORKBOOK, open_key
from api.settings import Settings
from api.wiring import Wired, open_office
from api.worker import Worker
from directory import PersonId
from storage.errors import DatabaseUnavailable
from tests.workflow.test_signing_batch import STEP, events, require_signed_once, steps_of
from workflow.events import DocumentSigned

DYING = Path(__file__).with_name("dying_batch.py")
ROOT = DYING.parent.parent.parent

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def killed_at(effect: str, when: int, folder: Path, person: PersonId) -> None:
    """Sign all in a process of its own that dies of SIGKILL at the N-th system call of this name."""
    program = [sys.executable, str(DYING), str(folder), person, "RESULT", "0"]
    traced = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={effect}"]
    traced += ["-e", f"inject={effect}:signal=KILL:when={when}"]
    died = subprocess.run([*traced, *program], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    if "ptrace" in died.stderr:
        pytest.skip("nothing may be traced here")
    assert died.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}, died.stderr[-2000:]


def require_goes_on(settings: Settings, person: PersonId) -> int:
    """The same list again signs what waits; each field has one signature that passes. How many had been kept."""
    with open_office(settings) as wired:
        kept = len(events(wired, DocumentSigned))
        steps = steps_of(wired, person)
        assert len(steps) == 13 - kept
        with open_key(wired, person, STEP) as key:
            assert all(result.signed for result in wired.office.sign_all(person, steps, key))
        require_signed_once(wired)
        (case,) = wired.store.cases(wired.store.units())
        assert wired.office.case_view(person, case.id).unanswered == ()
    return kept


@pytest.mark.slow
@pytest.mark.parametrize(("effect", "when"), [("pwrite64", 60), ("fdatasync", 17), ("fsync", 17), ("rename", 3)])
def test_killed_at_each_effect_it_goes_on(effect: str, when: int, office_folder: Path, teacher: PersonId) -> None:
    """SQLite and the store of files: whichever write was the last, what is kept is whole and the rest still waits."""
    killed_at(effect, when, office_folder, teacher)
    require_goes_on(Settings(folder=office_folder, demo=True), teacher)


@pytest.fixture
def on_a_server(postgres: str, tmp_path: Path) -> tuple[Settings, PersonId]:
    """The school of thirteen sheets, with PostgreSQL."""
    settings = Settings(folder=tmp_path / "office", demo=True, database=postgres)
    settings.write()
    with open_office(settings) as wired:
        book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
        teacher = book.subjects[0].teacher
        subjects = tuple(dataclasses.replace(subject, teacher=teacher) for subject in book.subjects)
        book = dataclasses.replace(book, subjects=subjects)
        settle_school(wired, book)
        wired.office._open(PRINCIPAL, wired.office.unit_of(PRINCIPAL), book, None)
        Worker(wired).drain()
    return settings, PersonId(teacher.id)


@pytest.mark.slow
@pytest.mark.postgres
def test_killed_in_the_middle_of_what_it_tells_the_server_it_goes_on(on_a_server: tuple[Settings, PersonId]) -> None:
    """PostgreSQL: SIGKILL while a statement is sent, again and again on one office, until nothing waits."""
    settings, person = on_a_server
    kept = []
    for when in (60, 110):
        killed_at("sendto", when, settings.folder, person)
        with open_office(settings) as wired:
            kept.append(len(events(wired, DocumentSigned)))
    assert kept == sorted(kept)
    require_goes_on(settings, person)


@pytest.fixture
def small_disk(office_folder: Path, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """The office on a disk that can be made small and large."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=200m", "none", str(folder)]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    shutil.copytree(office_folder, folder / "office")

    def sized(size: str) -> Path:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
        return folder / "office"

    yield sized
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_the_batch_and_what_is_kept_is_whole(small_disk: Callable[[str], Path], teacher: PersonId) -> None:
    """A refusal of ours; with room again the rest is signed, and no field twice."""
    folder = small_disk("200m")
    used = sum(each.stat().st_blocks for each in folder.rglob("*")) // 2
    small_disk(f"{used + 900}k")
    with open_office(Settings(folder=folder, demo=True)) as wired, pytest.raises((DatabaseUnavailable, OSError)):
        sign_all(wired, teacher)
    small_disk("200m")

    assert 0 < require_goes_on(Settings(folder=folder, demo=True), teacher) < 13


def sign_all(wired: Wired, person: PersonId) -> list[str]:
    """Everything that waits for this person; the codes."""
    with open_key(wired, person, STEP) as key:
        key_of: signing.Signer = key
        return [result.code for result in wired.office.sign_all(person, steps_of(wired, person), key_of)]
