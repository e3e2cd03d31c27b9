"""A demo school whose sheets wait for their teachers; made once, copied for each test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import documents
from api.demo.people import PRINCIPAL, Cast, settle_school
from api.demo.story import WORKBOOK
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


@pytest.fixture
def office_folder(prepared_office: Path, tmp_path: Path) -> Path:
    """A copy of it for this test alone."""
    return Path(shutil.copytree(prepared_office, tmp_path / "office"))


@pytest.fixture
def school(office_folder: Path) -> Iterator[Wired]:
    """The office, open."""
    with open_office(Settings(folder=office_folder, demo=True)) as wired:
        yield wired


@pytest.fixture
def case(school: Wired) -> CaseId:
    """The class book of 9A."""
    (record,) = school.office.cases(PRINCIPAL)
    return record.id


@pytest.fixture
def cast() -> Cast:
    """Who plays whom."""
    book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
    return Cast(
        unit=UnitId(book.school.code),
        homeroom=PersonId(book.homeroom_teacher.id),
        teachers={subject.key: PersonId(subject.teacher.id) for subject in book.subjects},
    )
