"""A real Chromium before a real office: the pages as a person meets them."""

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect, sync_playwright

from api.demo.story import open_key
from api.serving import house_of
from api.settings import Settings
from api.web.app import create_app
from api.wiring import open_office
from tests.api.conftest import Made, Stage, made, pin

# Fixtures are found by name: these two are the office of the HTTP tests.
__all__ = ["made", "pin"]

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",  # the tests may run as root, in a container
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A shared machine may be slow; nothing here waits without reason.
PATIENCE_MS = 60_000


@dataclass(slots=True, kw_only=True)
class Window:
    """One browser window on one office, and everything it complained about."""

    page: Page
    address: str
    complaints: list[str]

    def open(self, path: str) -> Page:
        """Go there."""
        self.page.goto(f"{self.address}{path}")
        return self.page

    def sign_in(self, name: str) -> Page:
        """Choose somebody at the door."""
        self.open("/")
        self.page.get_by_role("button", name=name).first.click()
        self.page.wait_for_url("**/inbox")
        return self.page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("Chromium is not installed: apt-get install chromium")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def bound(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """All thirteen teachers have signed; the volume waits for the homeroom teacher."""
    folder = tmp_path_factory.mktemp("bound") / "office"
    shutil.copytree(made.folder, folder)
    with open_office(Settings(folder=folder, demo=True)) as wired:
        stage = Stage(wired=wired, cast=made.cast, case=made.case)
        for teacher in sorted(set(made.cast.teachers.values())):
            with open_key(wired, teacher, "subject_teacher_signs") as signer:
                tasks = [(task.case, task.name) for task in stage.tasks(teacher)]
                assert all(result.signed for result in wired.office.sign_all(teacher, tasks, signer))
        stage.drain()
    return Made(folder=folder, cast=made.cast, case=made.case)


@pytest.fixture
def stage(made: Made, tmp_path: Path) -> Iterator[Stage]:
    yield from _opened(made, tmp_path)


@pytest.fixture
def later(bound: Made, tmp_path: Path) -> Iterator[Stage]:
    """The office a week on: the volume is bound."""
    yield from _opened(bound, tmp_path)


def _opened(office: Made, tmp_path: Path) -> Iterator[Stage]:
    folder = tmp_path / "office"
    shutil.copytree(office.folder, folder)
    with open_office(Settings(folder=folder, demo=True)) as wired:
        yield Stage(wired=wired, cast=office.cast, case=office.case)


@contextlib.contextmanager
def served(stage: Stage) -> Iterator[str]:
    """The office on a free port of this machine, in a thread."""
    house = house_of(stage.wired)
    server = uvicorn.Server(uvicorn.Config(create_app(house), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
        house.sessions.close()


@contextlib.contextmanager
def window_on(
    browser: Browser,
    stage: Stage,
    *,
    width: int = 1280,
    script: bool = True,
    bypass_policy: bool = False,
) -> Iterator[Window]:
    """A fresh window. Whatever the browser complains about is kept: blocked content, missing files, broken scripts."""
    with served(stage) as address:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, bypass_csp=bypass_policy, locale="vi-VN"
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        window = Window(page=page, address=address, complaints=[])
        page.on("pageerror", lambda error: window.complaints.append(f"script: {error}"))
        page.on(
            "console",
            lambda told: window.complaints.append(f"{told.type}: {told.text}") if told.type in {"error", "warning"} else None,
        )
        try:
            yield window
        finally:
            context.close()
