"""The pages over a real office: who may enter, what a form must carry, and what each refusal says and changes."""

import dataclasses
import re
import threading
from pathlib import Path

import pytest

from api.demo.people import AUDITOR, CLERK, PRINCIPAL
from api.serving import house_of
from api.web.app import create_app
from directory import PersonId
from tests.api.conftest import WORKBOOK, Stage, TestClient, Visitor, path_of, words_of
from workflow.events import DocumentSigned, SigningIntended

pytestmark = pytest.mark.xdist_group("web")

TEACHER_OF = "toan"


def teacher(stage: Stage) -> PersonId:
    return stage.cast.teachers[TEACHER_OF]


def test_the_door_lists_everybody_by_role(stage: Stage, visitor: Visitor) -> None:
    """In a demo one chooses who one is; the page says that nothing has legal value."""
    page = visitor.get("/")

    words = words_of(page)
    assert page.status_code == 200
    assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in words
    for person in stage.wired.office.unit_book(stage.cast.unit).people:
        assert person.name in words


def test_nobody_gets_in_without_signing_in(visitor: Visitor) -> None:
    """Pages lead to the door; programs hear 401; a form that arrives too late is not lost in silence."""
    page = visitor.get("/inbox", follow_redirects=False)
    program = visitor.get("/inbox", headers={"accept": "application/json"})
    form = visitor.client.post("/inbox/sign", data={"tasks": "x"}, headers={"accept": "text/html"})

    assert (page.status_code, page.headers["location"]) == (303, "/?next=/inbox")
    assert (program.status_code, program.json()["code"]) == (401, "SIGN_IN_FIRST")
    assert program.headers["content-type"] == "application/problem+json"
    assert form.status_code == 401
    assert "Hãy vào làm việc trước" in words_of(form)


def test_somebody_unknown_cannot_sign_in(stage: Stage, visitor: Visitor) -> None:
    """The list is no suggestion: a made-up person or unit is refused."""
    stranger = visitor.client.post("/sign-in", data={"unit": stage.cast.unit, "person": "nobody"})
    elsewhere = visitor.client.post("/sign-in", data={"unit": "other", "person": PRINCIPAL})

    assert (stranger.status_code, elsewhere.status_code) == (404, 404)


def test_outside_a_demo_the_list_is_closed(stage: Stage) -> None:
    """An office that works for real never lets people be chosen."""
    house = dataclasses.replace(house_of(stage.wired), demo=False)
    with TestClient(create_app(house)) as client:
        door = client.get("/")
        forced = client.post("/sign-in", data={"unit": stage.cast.unit, "person": PRINCIPAL})
    house.sessions.close()

    assert "Đỗ Quang Minh" not in door.text
    assert forced.status_code == 404


def test_a_form_without_the_sessions_token_changes_nothing(stage: Stage, visitor: Visitor, pin: str) -> None:
    """Another site can make a browser send a form, but not with our token; nor from another origin with it."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))
    token = visitor.token()
    before = stage.wired.store.history(stage.case)

    bare = visitor.post(f"{path_of(task)}/sign", token="", pin=pin)
    wrong = visitor.post(f"{path_of(task)}/sign", token="x" * 43, pin=pin)
    foreign = visitor.client.post(
        f"{path_of(task)}/sign", data={"token": token, "pin": pin}, headers={"origin": "https://evil.example"}
    )
    cross = visitor.client.post(
        f"{path_of(task)}/sign", data={"token": token, "pin": pin}, headers={"sec-fetch-site": "cross-site"}
    )

    assert [a.status_code for a in (bare, wrong, foreign, cross)] == [403] * 4
    assert "không đến từ phiên làm việc" in words_of(bare)
    assert stage.wired.store.history(stage.case) == before


def test_signing_in_from_another_site_is_refused(stage: Stage, visitor: Visitor) -> None:
    """Nobody is put into somebody else's session by a crafted page."""
    answer = visitor.client.post(
        "/sign-in", data={"unit": stage.cast.unit, "person": PRINCIPAL}, headers={"sec-fetch-site": "cross-site"}
    )

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_teacher_sees_their_sheet_and_signs_it(stage: Stage, visitor: Visitor, pin: str) -> None:
    """Inbox, document with real text and the marks as a table, PIN, done: the sheet carries a signature that was checked."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))

    inbox = words_of(visitor.get("/inbox"))
    page = visitor.get(path_of(task))
    answer = visitor.post(f"{path_of(task)}/sign", pin=pin, then="next")
    after = visitor.get(answer.headers["location"])

    assert "Toán" in inbox
    assert "ĐĐGgk" in words_of(page)
    assert re.search(r'<img src="/revisions/[0-9a-f]{64}/pages/1.png"', page.text)
    assert (answer.status_code, answer.headers["location"]) == (303, "/inbox?notice=signed")
    assert "Đã ký." in words_of(after)
    assert "Không có việc nào đang chờ" in words_of(after)
    assert [r.event.holder for r in stage.wired.store.history(stage.case) if isinstance(r.event, DocumentSigned)] == [
        teacher(stage)
    ]


def test_a_wrong_pin_is_said_once_and_changes_nothing(stage: Stage, visitor: Visitor) -> None:
    """The page comes back with the reason on top; nothing was signed and the PIN stands nowhere in the answer."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))

    answer = visitor.post(f"{path_of(task)}/sign", pin="135791")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert "PIN" in words_of(answer)
    assert "135791" not in answer.text
    assert not [r for r in stage.wired.store.history(stage.case) if isinstance(r.event, DocumentSigned)]
    assert stage.tasks(teacher(stage)) == (task,)


def test_the_same_refusal_in_english(stage: Stage, visitor: Visitor) -> None:
    """The language is a cookie; the same message comes from its other side."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))
    switched = visitor.get(f"/language/en?next={path_of(task).replace('%', '%25')}", follow_redirects=False)

    answer = visitor.post(f"{path_of(task)}/sign", pin="135791")

    assert switched.headers["location"] == path_of(task)
    assert '<html lang="en">' in answer.text
    assert "This could not be done" in words_of(answer)
    assert "Chưa thực hiện được" not in words_of(answer)


def test_somebody_elses_task_is_refused_with_the_reason(stage: Stage, visitor: Visitor, pin: str) -> None:
    """The homeroom teacher may read a subject's sheet and not sign it."""
    (task,) = stage.tasks(teacher(stage))
    other = next(t for key, t in stage.cast.teachers.items() if t != teacher(stage))
    visitor.sign_in(stage, other)

    page = visitor.get(path_of(task))
    forced = visitor.post(f"{path_of(task)}/sign", pin=pin)

    assert "Việc này không phải của quý vị" in words_of(page)
    assert 'name="pin"' not in page.text
    assert forced.status_code == 403
    assert not [r for r in stage.wired.store.history(stage.case) if isinstance(r.event, DocumentSigned | SigningIntended)]


def test_a_case_that_does_not_exist_and_one_that_is_not_mine_look_alike(stage: Stage, visitor: Visitor) -> None:
    """Nobody learns from an answer whether something exists."""
    visitor.sign_in(stage, PRINCIPAL)

    answers = [visitor.get(path) for path in ("/cases/none", "/tasks/none/x%231", f"/revisions/{'0' * 64}", "/nowhere")]

    assert [a.status_code for a in answers] == [404] * 4
    assert len({re.sub(r"next=[^\"]*", "", words_of(a)) for a in answers}) == 1


def test_two_clicks_at_once_sign_once(stage: Stage, visitor: Visitor, pin: str) -> None:
    """One click signs; the other hears that the step does not wait any more, in one sentence."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))
    token = visitor.token()
    answers = []

    def click() -> None:
        answers.append(visitor.post(f"{path_of(task)}/sign", token=token, pin=pin))

    threads = [threading.Thread(target=click) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(a.status_code for a in answers) == [303, 409]
    late = next(a for a in answers if a.status_code == 409)
    assert "không còn chờ" in words_of(late)
    assert len([r for r in stage.wired.store.history(stage.case) if isinstance(r.event, DocumentSigned)]) == 1


def test_all_my_sheets_with_one_pin(stage: Stage, visitor: Visitor, pin: str) -> None:
    """Each has its own result; a task that is not mine fails alone and can be tried again alone."""
    visitor.sign_in(stage, teacher(stage))
    (mine,) = stage.tasks(teacher(stage))
    other = next(t for key, t in stage.cast.teachers.items() if t != teacher(stage))
    stranger = stage.tasks(other)[0]

    answer = visitor.post("/inbox/sign", pin=pin, tasks=[f"{mine.case}/{mine.name}", f"{stranger.case}/{stranger.name}"])

    words = words_of(answer)
    assert answer.status_code == 200
    assert "Đã ký 1, còn 1 chưa ký được." in words
    assert f'value="{stranger.case}/{stranger.name}"' in answer.text
    assert f'value="{mine.case}/{mine.name}"' not in answer.text
    assert stage.tasks(teacher(stage)) == ()
    assert stranger in stage.tasks(other)


def test_a_mistake_of_ours_is_told_under_a_number(stage: Stage, visitor: Visitor, pin: str) -> None:
    """Kept bytes that changed on the disk: the batch ends with a line for every task, a page with a number, and no details."""
    (task,) = stage.tasks(teacher(stage))
    assert task.document
    revision = stage.wired.store.document(task.document).revision
    visitor.sign_in(stage, teacher(stage))
    (kept,) = [path for path in stage.wired.settings.folder.rglob(revision) if path.is_file()]
    kept.chmod(0o600)
    kept.write_bytes(b"%PDF-1.7 something else")
    careless = TestClient(visitor.client.app, raise_server_exceptions=False, cookies=visitor.client.cookies)

    batch = visitor.post("/inbox/sign", pin=pin, tasks=[f"{task.case}/{task.name}"])
    page = careless.get(path_of(task))

    assert "Đã ký 0, còn 1 chưa ký được." in words_of(batch)
    assert re.search(r"Lỗi của phần mềm, số [0-9a-f]{8}", words_of(batch))
    assert page.status_code == 500
    assert re.search(r"Lỗi của phần mềm, số [0-9a-f]{8}", words_of(page))
    assert revision not in page.text


def test_the_answer_to_a_form_can_be_opened_again(stage: Stage, visitor: Visitor) -> None:
    """Its address leads to the page of the form, and the language can be changed from there."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))

    refused = visitor.post(f"{path_of(task)}/sign", pin="135791")
    again = visitor.get(f"{path_of(task)}/sign", follow_redirects=False)

    assert again.headers["location"] == path_of(task)
    assert f'href="/language/en?next={path_of(task).replace("%", "%25")}"' in refused.text


def test_a_wrong_pin_for_all_keeps_what_was_chosen(stage: Stage, visitor: Visitor) -> None:
    """The choice stays, the reason stands on top, and no key was tried twice."""
    visitor.sign_in(stage, teacher(stage))
    (mine,) = stage.tasks(teacher(stage))

    answer = visitor.post("/inbox/sign", pin="000000", tasks=[f"{mine.case}/{mine.name}"])
    nothing = visitor.post("/inbox/sign", pin="000000")

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert re.search(r'name="tasks" value="[^"]+"[^>]* checked', answer.text)
    assert nothing.status_code == 422
    assert "Hãy chọn ít nhất một việc" in words_of(nothing)
    assert stage.tasks(teacher(stage)) == (mine,)


def test_a_workbook_with_mistakes_lists_them_all_and_opens_nothing(stage: Stage, visitor: Visitor) -> None:
    """A mark of 11 and an empty pupil id: both are named with sheet and cell, what stands there and what should."""
    visitor.sign_in(stage, PRINCIPAL)
    before = stage.wired.office.cases(PRINCIPAL)
    broken = spoiled(WORKBOOK)

    answer = visitor.post("/cases/new", files={"file": ("sổ 9A.xlsx", broken)})

    words = words_of(answer)
    assert answer.status_code == 422
    assert "11" in words
    assert len(re.findall(r"<tr><td><code>", answer.text)) >= 2
    assert stage.wired.office.cases(PRINCIPAL) == before


def test_a_file_that_is_no_workbook_is_refused(stage: Stage, visitor: Visitor) -> None:
    """Whatever bytes arrive, one clear message."""
    visitor.sign_in(stage, PRINCIPAL)

    for name, content in (("x.xlsx", b"PK\x03\x04 not really"), ("x.pdf", b"%PDF-1.7"), ("x.xlsx", b"")):
        answer = visitor.post("/cases/new", files={"file": (name, content)})

        assert answer.status_code == 422
        assert 'role="alert"' in answer.text


def test_a_good_workbook_opens_a_case(stage: Stage, visitor: Visitor) -> None:
    """The page of the new case shows the route, that the system is at work, and the first line of its trail."""
    visitor.sign_in(stage, CLERK)

    answer = visitor.post("/cases/new", files={"file": (WORKBOOK.name, WORKBOOK.read_bytes())}, closing="2027-01-15")
    page = visitor.get(answer.headers["location"])
    stage.drain()
    later = visitor.get(answer.headers["location"])

    assert answer.status_code == 303
    assert "Hệ thống đang làm việc" in words_of(page)
    assert 'hx-trigger="every 2s"' in page.text
    assert "<svg" in page.text
    assert "Mở hồ sơ" in words_of(page)
    assert "Hệ thống đang làm việc" not in words_of(later)
    assert 'hx-trigger="every' not in later.text


def test_a_teacher_cannot_open_a_book(stage: Stage, visitor: Visitor) -> None:
    """The form is not offered, and the office refuses it if it is sent all the same."""
    visitor.sign_in(stage, teacher(stage))

    page = visitor.get("/cases/new")
    forced = visitor.post("/cases/new", files={"file": (WORKBOOK.name, WORKBOOK.read_bytes())})

    assert 'type="file"' not in page.text
    assert forced.status_code == 403


def test_a_corrected_sheet_replaces_the_data_before_it_is_signed(stage: Stage, visitor: Visitor) -> None:
    """The teacher's own CSV; a CSV with a mark of 11 is refused with its line, and nothing changes."""
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))
    kept = visitor.get(f"{path_of(task)}/data.csv")
    first, rest = kept.content.partition(b"\r\n")[2].split(b"\r\n", 1)
    head = kept.content.partition(b"\r\n")[0]
    good, bad = (b"\r\n".join([head, first.rpartition(b",")[0] + b"," + mark, rest]) for mark in (b"9.5", b"11"))

    refused = visitor.post(f"{path_of(task)}/correct", files={"file": ("toan.csv", bad)}, reason="Nhập nhầm")
    silent = visitor.post(f"{path_of(task)}/correct", files={"file": ("toan.csv", good)}, reason="  ")
    accepted = visitor.post(f"{path_of(task)}/correct", files={"file": ("toan.csv", good)}, reason="Nhập nhầm")
    page = visitor.get(accepted.headers["location"])

    assert refused.status_code == 422
    assert "11" in words_of(refused)
    assert silent.status_code == 422
    assert accepted.status_code == 303
    assert "9,5" in words_of(page)


def test_a_page_picture_needs_the_same_right_as_its_document(stage: Stage, visitor: Visitor) -> None:
    """Pictures are PNG, come in two widths, and only to those who may see the case."""
    (task,) = stage.tasks(teacher(stage))
    assert task.document
    digest = stage.wired.store.document(task.document).revision
    picture = f"/revisions/{digest}/pages/1.png"

    stranger = visitor.get(picture, headers={"accept": "image/png"}, follow_redirects=False)
    visitor.sign_in(stage, teacher(stage))
    seen = visitor.get(picture)
    large = visitor.get(f"{picture}?width=2000")
    odd = visitor.get(f"{picture}?width=1999")
    beyond = visitor.get(f"/revisions/{digest}/pages/99.png")

    assert stranger.status_code == 303
    assert seen.content.startswith(b"\x89PNG")
    assert "immutable" in seen.headers["cache-control"]
    assert len(large.content) > len(seen.content)
    assert (odd.status_code, beyond.status_code) == (404, 404)


def test_a_revision_is_taken_home_as_the_very_bytes(stage: Stage, visitor: Visitor) -> None:
    """Always a download, never opened by the browser."""
    visitor.sign_in(stage, AUDITOR)
    document = stage.wired.store.documents(stage.case)[0]

    answer = visitor.get(f"/revisions/{document.revision}/file")

    assert answer.content == stage.wired.store.get(document.revision)
    assert answer.headers["content-disposition"].startswith("attachment;")


def test_every_answer_carries_the_same_guard(stage: Stage, visitor: Visitor) -> None:
    """Pages, refusals, files and pictures: no answer without the content policy."""
    visitor.sign_in(stage, PRINCIPAL)

    for path in ("/", "/inbox", "/cases", f"/cases/{stage.case}", "/verify", "/nowhere", "/healthz", "/static/none.js"):
        headers = visitor.get(path, follow_redirects=False).headers

        assert "default-src 'none'" in headers["content-security-policy"], path
        assert "unsafe" not in headers["content-security-policy"], path
        assert headers["x-content-type-options"] == "nosniff", path
        assert headers["cache-control"], path


def test_what_is_too_large_is_not_read(stage: Stage, visitor: Visitor) -> None:
    """A form of a megabyte and a workbook of eleven are refused with one sentence."""
    visitor.sign_in(stage, PRINCIPAL)

    form = visitor.post("/inbox/sign", token="x", pin="1" * 1_000_000)
    workbook = visitor.post("/cases/new", files={"file": ("x.xlsx", b"x" * (11 * 1024 * 1024))})

    assert (form.status_code, workbook.status_code) == (413, 413)
    assert "quá lớn" in words_of(workbook)


def test_a_pin_is_never_in_the_log(stage: Stage, visitor: Visitor, pin: str, caplog: pytest.LogCaptureFixture) -> None:
    """Right or wrong, typed into the right field or not: no line of any log holds it."""
    caplog.set_level("DEBUG")
    visitor.sign_in(stage, teacher(stage))
    (task,) = stage.tasks(teacher(stage))

    visitor.post(f"{path_of(task)}/sign", pin="1357913579")
    malformed = visitor.post(f"{path_of(task)}/sign", pin="2468024680" * 30)
    visitor.post(f"{path_of(task)}/sign", pin=pin)

    assert malformed.status_code == 422
    assert "2468024680" not in malformed.text
    assert not [line for line in caplog.messages if "1357913579" in line or "2468024680" in line or pin in line]


def test_signing_out_ends_the_session(stage: Stage, visitor: Visitor) -> None:
    """The old cookie opens nothing any more."""
    visitor.sign_in(stage, PRINCIPAL)
    cookie = visitor.client.cookies["soky_session"]

    visitor.post("/sign-out")
    visitor.client.cookies.set("soky_session", cookie)

    assert visitor.get("/inbox", follow_redirects=False).headers["location"].startswith("/?next=")


def test_the_process_and_the_office_tell_their_health(visitor: Visitor) -> None:
    """One address for the process, one that names what does not work."""
    assert visitor.get("/healthz").text == "ok\n"
    ready = visitor.get("/readyz")

    assert ready.json()["database"] is True
    assert ready.json()["blobs"] is True
    assert ready.json()["log"] is True


@pytest.mark.parametrize("path", ["/", "/verify"])
def test_pages_stay_readable_without_their_bundle(visitor: Visitor, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where set-up did not build the sheet, the page says so, and everything on it works."""
    import api.web.visits

    monkeypatch.setattr(api.web.visits, "read_manifest", dict)

    page = visitor.get(path)

    assert page.status_code == 200
    assert "make setup" in words_of(page)
    assert "<form" in page.text


def spoiled(workbook: Path) -> bytes:
    """The shipped workbook with a mark of 11 and a pupil without an id."""
    import io

    import openpyxl

    book = openpyxl.load_workbook(workbook)
    marks = next(sheet for sheet in book.worksheets if "Toán" in sheet.title)
    changed = 0
    for row in marks.iter_rows():
        for cell in row:
            if changed == 0 and isinstance(cell.value, float | int) and cell.row > 8 and cell.column > 5:
                cell.value = 11
                changed += 1
    pupils = book["Danh sách"]
    for row in pupils.iter_rows():
        for cell in row:
            if changed == 1 and isinstance(cell.value, str) and cell.value.isdecimal() and len(cell.value) >= 10:
                cell.value = None
                changed += 1
    assert changed == 2
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()
