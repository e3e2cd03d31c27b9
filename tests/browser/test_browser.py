"""The pages in a real browser: signing, sending back, verifying, without mouse, without script, and for every reader."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from api.demo.people import PRINCIPAL, REVIEWER
from tests.api.conftest import WORKBOOK, Stage, path_of
from tests.browser.conftest import Window, window_on

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("web")]

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def test_a_teacher_signs_everything_that_is_chosen(browser: Browser, stage: Stage, pin: str) -> None:
    """From the door to the result: name, choice, PIN, one line per sheet. The browser has nothing to complain about."""
    with window_on(browser, stage) as window:
        page = window.sign_in("Trần Văn Hùng")
        expect(page.get_by_role("heading", name="Việc chờ ký")).to_be_visible()
        expect(page.get_by_text("Đã chọn 1")).to_be_visible()
        page.get_by_label("Mã PIN").fill(pin)
        page.get_by_role("button", name="Ký các việc đã chọn").click()
        expect(page.get_by_role("status").get_by_text("Đã ký xong cả 1 tài liệu.")).to_be_visible()
        page.get_by_role("link", name="Về việc chờ ký").click()
        expect(page.get_by_text("Không có việc nào đang chờ")).to_be_visible()

        assert window.complaints == []


def test_a_wrong_pin_is_read_first(browser: Browser, stage: Stage) -> None:
    """After a refusal the focus stands on its summary, where a reader by ear begins."""
    with window_on(browser, stage) as window:
        page = window.sign_in("Trần Văn Hùng")
        page.locator(".line-title").first.click()
        page.get_by_label("Mã PIN").fill("1111")
        page.get_by_role("button", name="Ký và sang việc tiếp theo").click()

        expect(page.get_by_role("alert")).to_be_focused()
        expect(page.get_by_label("Mã PIN")).to_have_value("")


def test_the_homeroom_teacher_sends_a_sheet_back(browser: Browser, later: Stage) -> None:
    """Opened, one sheet ticked, a reason given: that teacher, and nobody else, has the sheet again."""
    with window_on(browser, later) as window:
        page = window.sign_in("Nguyễn Thị Mai")
        page.locator(".line-title").first.click()
        page.get_by_text("Trả lại để sửa", exact=True).click()
        page.get_by_role("checkbox", name=re.compile("^Toán")).check()
        page.locator("#back-reason").fill("Một điểm ĐĐGck nhập nhầm.")
        page.get_by_role("button", name="Trả lại các tờ đã chọn").click()
        expect(page.get_by_text("Đã trả lại các tờ được chọn")).to_be_visible()
        later.drain()

        assert window.complaints == []
    assert [task.key for task in later.tasks(later.cast.teachers["toan"])] == ["toan"]
    others = {t for key, t in later.cast.teachers.items() if key != "toan"}
    assert [task for teacher in others for task in later.tasks(teacher) if task.key] == []


def test_anybody_verifies_a_file(browser: Browser, later: Stage, tmp_path: Path) -> None:
    """Upload a signed sheet: four answers, all of them yes, each in words."""
    sheet = next(d for d in later.wired.store.documents(later.case) if d.key == "toan")
    signed = tmp_path / "toan.pdf"
    signed.write_bytes(later.wired.store.get(sheet.revision))
    with window_on(browser, later) as window:
        page = window.open("/verify")
        page.locator("#file").set_input_files(signed)
        page.get_by_role("button", name="Kiểm tra").click()

        expect(page.get_by_text("Chữ ký số hợp lệ").first).to_be_visible()
        expect(page.locator(".answers .good")).to_have_count(4)
        assert window.complaints == []


def test_a_case_shows_by_itself_when_the_system_is_done(browser: Browser, stage: Stage) -> None:
    """A new book is opened; while its sheets are made the page asks again, and nobody reloads it."""
    with window_on(browser, stage) as window:
        page = window.sign_in("Đỗ Quang Minh")
        window.open("/cases/new")
        page.locator("#file").set_input_files(WORKBOOK)
        page.get_by_role("button", name="Kiểm tra và mở sổ").click()
        expect(page.get_by_text("Hệ thống đang làm việc")).to_be_visible()
        stage.drain()

        expect(page.get_by_text("Hệ thống đang làm việc")).to_have_count(0)
        expect(page.get_by_role("heading", name="Các tờ môn học")).to_be_visible()
        assert window.complaints == []


def test_the_keyboard_is_enough(browser: Browser, stage: Stage) -> None:
    """A question mark lists the keys; j goes to a line, x chooses it, p goes to the PIN; letters in a field stay letters."""
    with window_on(browser, stage) as window:
        page = window.sign_in("Trần Văn Hùng")
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        expect(page.locator(".line-title").first).to_be_focused()
        page.keyboard.press("x")
        expect(page.get_by_text("Đã chọn 0")).to_be_visible()
        page.keyboard.press("p")
        page.keyboard.type("hcv")
        expect(page.get_by_label("Mã PIN")).to_have_value("hcv")

        assert page.url.endswith("/inbox")


def test_everything_works_without_a_script(browser: Browser, stage: Stage, pin: str) -> None:
    """A locked-down school computer: sign in, read, sign, see the result."""
    with window_on(browser, stage, script=False) as window:
        page = window.sign_in("Trần Văn Hùng")
        page.locator(".line-title").first.click()
        page.get_by_label("Mã PIN").fill(pin)
        page.get_by_role("button", name="Ký", exact=True).click()

        expect(page.get_by_text("Đã ký. Chữ ký được kiểm tra lại và lưu.")).to_be_visible()
    assert stage.tasks(stage.cast.teachers["toan"]) == ()


def places(stage: Stage) -> dict[str, list[str]]:
    """Every kind of page, by who opens it; "" is nobody."""
    (homeroom,) = [t for t in stage.tasks(stage.cast.homeroom) if t.step == "homeroom_teacher_signs"]
    volume = next(d for d in stage.wired.store.documents(stage.case) if d.key is None)
    return {
        "": ["/", "/verify", f"/v/{'A' * 26}"],
        "Nguyễn Thị Mai": ["/inbox", path_of(homeroom), f"/revisions/{volume.revision}"],
        "Đỗ Quang Minh": ["/inbox", "/cases", "/cases/new", f"/cases/{stage.case}", path_of(homeroom), "/nowhere"],
    }


def test_no_page_breaks_its_own_policy(browser: Browser, later: Stage) -> None:
    """Every kind of page is opened with the policy in force: nothing was blocked, no script failed."""
    with window_on(browser, later) as window:
        for name, paths in places(later).items():
            if name:
                window.page.context.clear_cookies()
                window.sign_in(name)
            for path in paths:
                window.open(path)
                window.page.wait_for_load_state("networkidle")

        # A 404 that was asked for is told by the browser as a failed resource.
        assert [told for told in window.complaints if "404" not in told] == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_is_for_every_reader(browser: Browser, later: Stage, language: str) -> None:
    """axe-core finds nothing against WCAG 2.2 AA on any kind of page. Its script needs a window without the policy."""
    found: dict[str, Any] = {}
    with window_on(browser, later, bypass_policy=True) as window:
        for name, paths in places(later).items():
            window.page.context.clear_cookies()
            window.open(f"/language/{language}")
            if name:
                window.sign_in(name)
            for path in paths:
                window.open(path)
                if violations := judged(window.page):
                    found[f"{name} {path}"] = violations

    assert found == {}


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed: npm ci")
def test_a_verdict_is_for_every_reader(browser: Browser, later: Stage, tmp_path: Path) -> None:
    """The result of a verification and a page with a refusal pass as well."""
    sheet = next(d for d in later.wired.store.documents(later.case) if d.key == "toan")
    signed = tmp_path / "toan.pdf"
    signed.write_bytes(later.wired.store.get(sheet.revision))
    with window_on(browser, later, bypass_policy=True) as window:
        page = window.open("/verify")
        page.locator("#file").set_input_files(signed)
        page.get_by_role("button", name="Kiểm tra").click()
        expect(page.locator(".answers .answer")).to_have_count(4)
        verdict = judged(page)
        window.sign_in("Nguyễn Thị Mai")
        page.locator(".line-title").first.click()
        page.get_by_label("Mã PIN").fill("1111")
        page.get_by_role("button", name="Ký", exact=True).click()
        expect(page.get_by_role("alert")).to_be_visible()
        refusal = judged(page)

    assert (verdict, refusal) == ([], [])


def judged(page: Page) -> list[str]:
    """What axe-core holds against the page: rule and element."""
    page.add_script_tag(path=AXE)
    result = page.evaluate(
        "levels => axe.run(document, {runOnly: {type: 'tag', values: levels}})"
        ".then(r => JSON.stringify(r.violations.map(v => [v.id, v.nodes.map(n => [n.target.join(' '), n.failureSummary])])))",
        LEVELS,
    )
    return [f"{rule}: {nodes[:3]}" for rule, nodes in json.loads(result)]


@pytest.mark.parametrize("width", [360, 768])
def test_no_page_is_wider_than_its_window(browser: Browser, later: Stage, width: int) -> None:
    """On a telephone nothing is cut off and nothing has to be pushed sideways but wide tables in their own frame."""
    wide = {}
    with window_on(browser, later, width=width) as window:
        for name, paths in places(later).items():
            window.page.context.clear_cookies()
            if name:
                window.sign_in(name)
            for path in paths:
                page = window.open(path)
                across = page.evaluate("document.documentElement.scrollWidth")
                if across > width:
                    wide[path] = across

    assert wide == {}


def test_the_names_of_the_door_reach_their_inbox(browser: Browser, later: Stage) -> None:
    """The list at the door and the directory are the same people: the reviewer finds an empty inbox, with words."""
    with window_on(browser, later) as window:
        book = later.wired.office.unit_book(later.cast.unit)
        page = window.sign_in(book.person(REVIEWER).name)
        expect(page.get_by_text("Không có việc nào đang chờ")).to_be_visible()
        window.page.context.clear_cookies()
        page = window.sign_in(book.person(PRINCIPAL).name)
        expect(page.locator(".who-name")).to_contain_text(book.person(PRINCIPAL).name)


def test_the_language_stays(browser: Browser, stage: Stage) -> None:
    """English once chosen stays, back on the page where it was chosen."""
    with window_on(browser, stage) as window:
        page = window.sign_in("Trần Văn Hùng")
        page.get_by_role("link", name="EN").click()
        expect(page.get_by_role("heading", name="Waiting for me")).to_be_visible()
        page.get_by_role("link", name="Cases").click()

        expect(page.get_by_role("heading", name="Cases")).to_be_visible()
        assert isinstance(window, Window)
