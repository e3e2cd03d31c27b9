"""Verify by upload: four separate answers, for anybody, about any bytes."""

import io
import re

import pikepdf
import pytest

from api.problems import Busy
from api.web.limits import Pace, Seats
from signing import Level
from signing.cades import sign_cades
from tests.api.conftest import Stage, Visitor, path_of, words_of
from tests.signing.conftest import build_pdf
from tests.signing.scenes import with_text_field
from tests.signing.updates import Style, Update, identity, put_signature

pytestmark = pytest.mark.xdist_group("web")

QUESTIONS = ("Có nguyên vẹn không?", "Ai đã ký?", "Còn hiệu lực không?", "Có trong nhật ký không?")


def answers_of(page: str) -> list[tuple[str, str]]:
    """Each question with its tone, as a reader sees it."""
    return re.findall(r'<section class="card answer (\w+)"><div class="card-body"><h2>([^<]+)</h2>', page)


@pytest.fixture
def signed_sheet(stage: Stage, visitor: Visitor, pin: str) -> bytes:
    """The sheet of mathematics with its teacher's signature, in the log under a signed head."""
    teacher = stage.cast.teachers["toan"]
    (task,) = stage.tasks(teacher)
    visitor.sign_in(stage, teacher)
    assert visitor.post(f"{path_of(task)}/sign", pin=pin).status_code == 303
    visitor.post("/sign-out")
    stage.drain()
    (sheet,) = [d for d in stage.wired.store.documents(stage.case) if d.key == "toan"]
    return stage.wired.store.get(sheet.revision)


def test_a_signed_sheet_gets_four_yeses(signed_sheet: bytes, visitor: Visitor) -> None:
    """Nobody needs to sign in; the answers name the signer, and the log's proof can be taken along."""
    page = visitor.client.post("/verify", files={"file": ("toan.pdf", signed_sheet)})
    proof = visitor.get(re.findall(r'href="(/verify/[0-9a-f]{64}/proof)"', page.text)[0])

    words = words_of(page)
    assert answers_of(page.text) == [("good", question) for question in QUESTIONS]
    assert "Chữ ký số hợp lệ" in words
    assert "Trần Văn Hùng" in words
    assert "Dựng lại từ dữ liệu gắn kèm cho ra đúng tệp này." in words
    assert proof.text.startswith("c2sp.org/tlog-proof@v1")


def test_a_changed_byte_is_told(signed_sheet: bytes, visitor: Visitor) -> None:
    """One flipped byte: not genuine, not in the log. The name in the file is not presented as a proven one."""
    middle = len(signed_sheet) // 3
    changed = signed_sheet[:middle] + bytes([signed_sheet[middle] ^ 1]) + signed_sheet[middle + 1 :]

    page = visitor.client.post("/verify", files={"file": ("toan.pdf", changed)})

    tones = {question: tone for tone, question in answers_of(page.text)}
    assert tones["Có nguyên vẹn không?"] == "bad"
    assert tones["Ai đã ký?"] != "good"
    assert tones["Còn hiệu lực không?"] != "good"
    assert tones["Có trong nhật ký không?"] == "open"


def test_what_was_sent_back_is_said_to_be_replaced(stage: Stage, visitor: Visitor) -> None:
    """An unsigned first rendering that this office knows: in the log, but signed by nobody."""
    document = stage.wired.store.documents(stage.case)[0]

    page = visitor.client.post("/verify", files={"file": ("x.pdf", stage.wired.store.get(document.revision))})

    tones = {question: tone for tone, question in answers_of(page.text)}
    assert tones["Có trong nhật ký không?"] == "good"
    assert tones["Ai đã ký?"] == "open"
    assert "không có chữ ký số nào" in words_of(page)


@pytest.mark.parametrize(
    "content", [b"no pdf at all", b"%PDF-1.7\n", b"\x00" * 1000, b"%PDF-1.4\nxref\n0 1\ntrailer<</Size 1>>"]
)
def test_bytes_that_are_no_pdf_get_an_answer(visitor: Visitor, content: bytes) -> None:
    """Never a crash, always the four answers."""
    page = visitor.client.post("/verify", files={"file": ("x.pdf", content)})

    assert page.status_code == 200
    assert [question for _, question in answers_of(page.text)] == list(QUESTIONS)
    assert ("good", QUESTIONS[0]) not in answers_of(page.text)


def test_nothing_chosen_is_said(visitor: Visitor) -> None:
    """An empty form is answered with what is missing."""
    page = visitor.client.post("/verify", files={"file": ("", b"")})

    assert page.status_code == 422
    assert "Hãy chọn một tệp." in words_of(page)


def test_a_program_gets_the_same_as_from_the_command_line(signed_sheet: bytes, visitor: Visitor) -> None:
    """The JSON of `soky verify`."""
    told = visitor.client.post(
        "/verify", files={"file": ("toan.pdf", signed_sheet)}, headers={"accept": "application/json"}
    ).json()

    assert told["verdict"] == "TOTAL_PASSED"
    assert [s["field"] for s in told["signatures"]] == ["subject_teacher_signs__toan"]


def test_names_in_a_file_cannot_become_markup(visitor: Visitor) -> None:
    """A file name is shown as text."""
    page = visitor.client.post("/verify", files={"file": ("<script>alert(1)</script>.pdf", b"x")})

    assert "<script>alert" not in page.text
    assert "&lt;script&gt;" in page.text


def test_one_visitor_cannot_keep_everybody_waiting(visitor: Visitor) -> None:
    """After a burst the visitor is asked to wait, with the number of seconds."""
    house = visitor.client.app.state.house  # type: ignore[attr-defined]
    object.__setattr__(house, "verify_pace", Pace(burst=1, seconds_each=60))

    first = visitor.client.post("/verify", files={"file": ("x.pdf", b"x")})
    second = visitor.client.post("/verify", files={"file": ("x.pdf", b"x")})

    assert (first.status_code, second.status_code) == (200, 429)
    assert re.search(r"Thử lại sau \d+ giây", words_of(second))


def test_a_busy_machine_says_so(visitor: Visitor) -> None:
    """No seat is free: the answer comes at once and not after a minute."""
    house = visitor.client.app.state.house  # type: ignore[attr-defined]
    seats = Seats(1, patience_seconds=0.01)
    object.__setattr__(house, "verify_seats", seats)

    with seats.seat():
        answer = visitor.client.post("/verify", files={"file": ("x.pdf", b"x")})

    assert answer.status_code == Busy.status
    assert "đang bận" in words_of(answer)


def test_unknown_codes_and_digests_are_answered_alike(visitor: Visitor) -> None:
    """Nobody finds published volumes by trying."""
    answers = [visitor.get(path) for path in (f"/v/{'A' * 26}", "/v/short", f"/verify/{'0' * 64}/proof")]

    assert [a.status_code for a in answers] == [404] * 3


def test_a_time_at_the_edge_of_the_calendar_is_shown(visitor: Visitor, stage: Stage) -> None:
    """A claimed time in the year 9999, written west of Greenwich, has no time in Vietnam: the page shows it as it stands."""
    person = stage.wired.demo_authority.issue("Lê Văn C", "CCCD:031084000011")
    late = b"D:99991231235959-23'59'"
    pdf = put_signature(
        build_pdf({"principal_signs": (60, 120, 220, 180)}), "principal_signs", identity(person), Style(entries={"/M": late})
    )
    page = visitor.client.post("/verify", files={"file": ("a.pdf", pdf)})

    assert page.status_code == 200
    assert "31/12/9999 23:59:59" in words_of(page)


def test_names_in_a_file_turn_no_page_around(visitor: Visitor, stage: Stage) -> None:
    """Marks of direction and letters without width are shown as numbers."""
    person = stage.wired.demo_authority.issue("Lê Văn \u202eC\u200b", "CCCD:031084000012")
    pdf = put_signature(build_pdf({"principal_signs": (60, 120, 220, 180)}), "principal_signs", identity(person), Style())
    page = visitor.client.post("/verify", files={"file": ("\u202efdp.exe", pdf)})

    assert r"Lê Văn \u{202e}C\u{200b}" in words_of(page)
    assert r"\u{202e}fdp.exe" in words_of(page)
    assert not {"\u202e", "\u200b"} & set(page.text)


def test_a_detached_signature_goes_up_with_its_file(visitor: Visitor, stage: Stage) -> None:
    """Two files: the signed one and its .p7s. Judged together; something else in the second's place is no pass."""
    authority = stage.wired.demo_authority
    person = authority.issue("Lê Văn C", "CCCD:031084000011")
    p7s = sign_cades(b"diem;10\n", person.signer(), timestamper=authority, level=Level.B_T)
    good, bad = (
        visitor.client.post("/verify", files={"file": ("a.csv", data), "signature": ("a.csv.p7s", p7s)})
        for data in (b"diem;10\n", b"diem;9\n")
    )

    assert ("Chữ ký số hợp lệ" in words_of(good), "Lê Văn C" in words_of(good)) == (True, True)
    assert "Chữ ký số không hợp lệ" in words_of(bad)


def test_an_encrypted_file_is_asked_for_its_password(visitor: Visitor) -> None:
    """Without it nobody says that the file is bad; with it the file is read; it is written nowhere on the page."""
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(build_pdf({}))) as pdf:
        pdf.save(saved, encryption=pikepdf.Encryption(user="mật khẩu 1", owner="x", R=6))
    given = {"file": ("a.pdf", saved.getvalue())}
    without = visitor.client.post("/verify", files=given)
    right = visitor.client.post("/verify", files=given, data={"password": "mật khẩu 1"})

    assert "Tệp được mã hóa. Hãy nhập mật khẩu và kiểm tra lại." in words_of(without)
    assert ("open", "Có nguyên vẹn không?") in answers_of(without.text)
    assert "Không có chữ ký số" in words_of(right)
    assert "mật khẩu 1" not in right.text


def test_a_field_that_was_filled_in_after_signing_is_not_called_unchanged(visitor: Visitor, stage: Stage) -> None:
    """A permitted change of a sum from 100 to 950: the answer names the field, and both values stand on the page."""
    authority = stage.wired.demo_authority
    person = authority.issue("Lê Văn C", "CCCD:031084000011")
    base = with_text_field(build_pdf({"principal_signs": (60, 120, 220, 180)}))
    update = Update(put_signature(base, "principal_signs", identity(person), Style(timestamp=authority.timestamp)))
    update.change(update.field("Text1"), V=b"950")
    page = visitor.client.post("/verify", files={"file": ("a.pdf", update.bytes())})

    assert ("open", "Có nguyên vẹn không?") in answers_of(page.text)
    assert "Nội dung không thay đổi sau khi ký" not in words_of(page)
    assert "Text1 100 950" in words_of(page)


def test_the_rows_that_the_law_asks_for_stand_with_each_signature(visitor: Visitor, signed_sheet: bytes) -> None:
    """TT 15/2025 and ND 68/2024: organisation, title, time, integrity, certificate, revocation, algorithm."""
    words = words_of(visitor.client.post("/verify", files={"file": ("toan.pdf", signed_sheet)}))

    for row in (
        *("Cơ quan", "Chức danh tại thời điểm ký", "Thời gian tin cậy", "Tính toàn vẹn", "Chứng thư"),
        *("Trạng thái thu hồi", "Thuật toán"),
    ):
        assert row in words
