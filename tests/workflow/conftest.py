"""A school where one teacher teaches everything in 9A: thirteen sheets wait for one hand. Made once, copied for each test."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import documents
from api.demo.people import PRINCIPAL, settle_school
from api.demo.story import WORKBOOK
from api.settings import Settings
from api.wiring import Wired, open_office
from api.worker import Worker
from directory import PersonId

FOLDER = "office"


@pytest.fixture(scope="session")
def one_teachers_office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of that office; the file `who` beside it names the teacher."""
    folder = tmp_path_factory.mktemp("school") / FOLDER
    settings = Settings(folder=folder, demo=True)
    settings.write()
    with open_office(settings) as wired:
        book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
        teacher = book.subjects[0].teacher
        book = dataclasses.replace(
            book, subjects=tuple(dataclasses.replace(subject, teacher=teacher) for subject in book.subjects)
        )
        settle_school(wired, book)
        # No workbook says so; a case is opened from the value that one would be read into.
        wired.office._open(PRINCIPAL, wired.office.unit_of(PRINCIPAL), book, None)
        Worker(wired).drain()
    (folder.parent / "who").write_text(teacher.id)
    return folder


@pytest.fixture
def office_folder(one_teachers_office: Path, tmp_path: Path) -> Path:
    """A copy for this test alone."""
    return Path(shutil.copytree(one_teachers_office, tmp_path / FOLDER))


@pytest.fixture
def school(office_folder: Path) -> Iterator[Wired]:
    """The office, open."""
    with open_office(Settings(folder=office_folder, demo=True)) as wired:
        yield wired


@pytest.fixture(scope="session")
def teacher(one_teachers_office: Path) -> PersonId:
    """Whose thirteen sheets they are."""
    return PersonId((one_teachers_office.parent / "who").read_text())
