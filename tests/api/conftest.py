"""A real office for the pages: the demo school with class 9A's book open, made once per process and copied for each test."""

import re
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from httpx import Response

import documents
from api.demo.people import DEMO_PIN, PRINCIPAL, Cast, settle_school
from api.serving import house_of
from api.settings import Settings
from api.web.app import create_app
from api.wiring import Wired, open_office
from api.worker import Worker
from directory import PersonId
from workflow.events import CaseId
from workflow.store import TaskRecord

with warnings.catch_warnings():
    # Starlette would rather be driven by httpx2; the lock holds httpx, which serves it as well.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

__all__ = ["WORKBOOK", "Made", "Stage", "TestClient", "Visitor", "path_of", "words_of"]

EXAMPLES = Path(documents.__file__).parent / "examples"
WORKBOOK = EXAMPLES / "class-book-9A.xlsx"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """An office on disk, closed."""

    folder: Path
    cast: Cast
    case: CaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """An open office with its people and its case."""

    wired: Wired
    cast: Cast
    case: CaseId

    def drain(self) -> None:
        """Let the system do what is due, and sign the log's head."""
        Worker(self.wired).drain()

    def tasks(self, person: str) -> tuple[TaskRecord, ...]:
        """What waits for somebody."""
        return self.wired.office.inbox(PersonId(person))


@dataclass(slots=True)
class Visitor:
    """Somebody with a browser."""

    client: TestClient

    def get(self, path: str, **values: Any) -> Response:
        """A page."""
        answer: Response = self.client.get(path, **values)
        return answer

    def sign_in(self, stage: Stage, person: str) -> "Visitor":
        """As the list at the door does."""
        answer = self.client.post("/sign-in", data={"unit": stage.cast.unit, "person": person}, follow_redirects=False)
        assert answer.headers["location"] == "/inbox"
        return self

    def token(self) -> str:
        """The one in the forms of this session."""
        found = re.search(r'name="token" value="([^"]+)"', self.client.get("/cases").text)
        assert found
        return found[1]

    def post(self, path: str, *, token: str | None = None, files: Any = None, **fields: Any) -> Response:
        """A form of ours, sent; redirects are not followed."""
        data = {"token": self.token() if token is None else token, **fields}
        answer: Response = self.client.post(path, data=data, files=files, follow_redirects=False)
        return answer


def path_of(task: TaskRecord) -> str:
    """Where a task is."""
    return f"/tasks/{task.case}/{quote(task.name, safe='')}"


def words_of(page: Response) -> str:
    """What a reader sees: no tags, one space between words."""
    text = re.sub(r"<(script|style|svg).*?</\1>", " ", page.text, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("made") / "office"
    settings = Settings(folder=folder, demo=True)
    settings.write()
    with open_office(settings) as wired:
        book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
        cast = settle_school(wired, book)
        case = wired.office.open_class_book(PRINCIPAL, WORKBOOK.read_bytes(), WORKBOOK.name)
        Worker(wired).drain()
    return Made(folder=folder, cast=cast, case=case)


@pytest.fixture
def stage(made: Made, tmp_path: Path) -> Iterator[Stage]:
    folder = tmp_path / "office"
    shutil.copytree(made.folder, folder)
    with open_office(Settings(folder=folder, demo=True)) as wired:
        yield Stage(wired=wired, cast=made.cast, case=made.case)


@pytest.fixture
def visitor(stage: Stage) -> Iterator[Visitor]:
    house = house_of(stage.wired)
    with TestClient(create_app(house)) as client:
        yield Visitor(client)
    house.sessions.close()


@pytest.fixture
def pin() -> str:
    return DEMO_PIN
