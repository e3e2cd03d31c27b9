"""A demo school at two moments: its sheets wait for their teachers; its volume is bound. Made once, copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import documents
from api.demo.people import PRINCIPAL, Cast, settle_school
from api.demo.story import WORKBOOK, open_key
from api.settings import Settings
from api.wiring import Wired, open_office
from api.worker import Worker
from directory import PersonId, UnitId
from workflow.events import CaseId


@pytest.fixture(scope="session")
def prepared_office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An office folder with people, keys, and the class book of 9A rendered and waiting."""
    folder = tmp_path_factory.mktemp("school") / "office"
    settings = Settings(folder=folder, demo=True)
    settings.write()
    with open_office(settings) as wired:
        settle_school(wired, documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name))
        wired.office.open_class_book(PRINCIPAL, WORKBOOK.read_bytes(), WORKBOOK.name)
        Worker(wired).drain()
    return folder


@pytest.fixture(scope="session")
def bound_office(prepared_office: Path, cast: Cast, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same school after its thirteen teachers have signed: the volume waits for the homeroom teacher."""
    folder = Path(shutil.copytree(prepared_office, tmp_path_factory.mktemp("bound") / "office"))
    with open_office(Settings(folder=folder, demo=True)) as wired:
        for teacher in sorted(set(cast.teachers.values())):
            sign_all(wired, teacher)
        Worker(wired).drain()
    return folder


@pytest.fixture
def office_folder(prepared_office: Path, tmp_path: Path) -> Path:
    """A copy of the first for this test alone."""
    return Path(shutil.copytree(prepared_office, tmp_path / "office"))


@pytest.fixture
def school(office_folder: Path) -> Iterator[Wired]:
    """The office, open; its sheets wait."""
    with open_office(Settings(folder=office_folder, demo=True)) as wired:
        yield wired


@pytest.fixture
def bound(bound_office: Path, tmp_path: Path) -> Iterator[Wired]:
    """The office, open; its volume is bound."""
    folder = Path(shutil.copytree(bound_office, tmp_path / "bound"))
    with open_office(Settings(folder=folder, demo=True)) as wired:
        yield wired


@pytest.fixture
def case(prepared_office: Path) -> CaseId:
    """The class book of 9A; the copies keep its name."""
    with open_office(Settings(folder=prepared_office, demo=True)) as wired:
        (record,) = wired.office.cases(PRINCIPAL)
        return record.id


@pytest.fixture(scope="session")
def cast() -> Cast:
    """Who plays whom."""
    book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
    return Cast(
        unit=UnitId(book.school.code),
        homeroom=PersonId(book.homeroom_teacher.id),
        teachers={subject.key: PersonId(subject.teacher.id) for subject in book.subjects},
    )


def sign_all(wired: Wired, person: PersonId) -> None:
    """Everything that waits for this person, with their key."""
    tasks = [task for task in wired.office.inbox(person) if task.action in {"sign", "seal"}]
    with open_key(wired, person, tasks[0].step) as signer:
        results = list(wired.office.sign_all(person, [(task.case, task.name) for task in tasks], signer))
    assert all(result.signed for result in results), results
    Worker(wired).drain()
