"""The main job, whole, through the pages alone: from thirteen sheets to a published volume that anybody can look up."""

import re
from collections import Counter

import pytest

from api.demo.people import CLERK, PRINCIPAL, REVIEWER
from tests.api.conftest import Stage, Visitor, path_of, words_of
from workflow.events import DocumentSigned
from workflow.store import TaskRecord

pytestmark = [pytest.mark.xdist_group("web"), pytest.mark.slow]


def only(stage: Stage, person: str, step: str) -> TaskRecord:
    """The one task of this step that waits for somebody."""
    (task,) = [task for task in stage.tasks(person) if task.step == step]
    return task


def sign_everything(stage: Stage, visitor: Visitor, person: str, pin: str) -> None:
    """As the button "sign what is chosen" does."""
    visitor.sign_in(stage, person)
    tasks = [f"{t.case}/{t.name}" for t in stage.tasks(person) if t.action == "sign"]
    answer = visitor.post("/inbox/sign", pin=pin, tasks=tasks)
    assert f"Đã ký xong cả {len(tasks)} tài liệu." in words_of(answer)
    stage.drain()


def send_one_sheet_back(stage: Stage, visitor: Visitor) -> None:
    """Not without a reason, not without a sheet; then once."""
    homeroom = stage.cast.homeroom
    visitor.sign_in(stage, homeroom)
    task = only(stage, homeroom, "homeroom_teacher_signs")
    silent = visitor.post(f"{path_of(task)}/send-back", sheets=["toan"], reason=" ")
    nothing = visitor.post(f"{path_of(task)}/send-back", reason="Sai một điểm.")
    assert (silent.status_code, nothing.status_code) == (422, 422)
    assert only(stage, homeroom, "homeroom_teacher_signs") == task
    assert visitor.post(f"{path_of(task)}/send-back", sheets=["toan"], reason="Sai một điểm.").status_code == 303
    stage.drain()


def approve(stage: Stage, visitor: Visitor) -> None:
    """The vice-principal meets the sample and agrees."""
    visitor.sign_in(stage, REVIEWER)
    task = only(stage, REVIEWER, "vice_principal_reviews")
    assert "rút ngẫu nhiên" in words_of(visitor.get(path_of(task)))
    assert visitor.post(f"{path_of(task)}/approve", remark="Đã xem.").status_code == 303
    stage.drain()


def test_a_class_book_goes_all_the_way(stage: Stage, visitor: Visitor, pin: str) -> None:
    """One sheet and one volume are sent back on the way; exactly the expected people sign again."""
    homeroom = stage.cast.homeroom
    for teacher in sorted(set(stage.cast.teachers.values())):
        sign_everything(stage, visitor, teacher, pin)
    send_one_sheet_back(stage, visitor)
    sign_everything(stage, visitor, stage.cast.teachers["toan"], pin)

    sign_everything(stage, visitor, homeroom, pin)
    approve(stage, visitor)
    visitor.sign_in(stage, PRINCIPAL)
    task = only(stage, PRINCIPAL, "principal_signs")
    assert visitor.post(f"{path_of(task)}/rebind", reason="Xem lại bìa.").status_code == 303
    stage.drain()

    sign_everything(stage, visitor, homeroom, pin)
    approve(stage, visitor)
    sign_everything(stage, visitor, PRINCIPAL, pin)
    visitor.sign_in(stage, CLERK)
    task = only(stage, CLERK, "clerk_seals")
    assert "Đóng dấu tập sổ này" in words_of(visitor.get(path_of(task)))
    assert visitor.post(f"{path_of(task)}/sign", pin=pin).status_code == 303
    stage.drain()

    signed = [r.event.task for r in stage.wired.store.history(stage.case) if isinstance(r.event, DocumentSigned)]
    times = Counter(task.partition("#")[0] for task in signed)
    assert {step for step, count in times.items() if count > 1} == {"homeroom_teacher_signs", "subject_teacher_signs.toan"}
    assert len(signed) == 13 + 1 + 2 + 1 + 1

    page = visitor.get(f"/cases/{stage.case}")
    words = words_of(page)
    assert "Hồ sơ kết thúc: đã phát hành." in words
    assert "Lý do: Sai một điểm." in words
    assert "Lý do: Xem lại bìa." in words
    leaf = visitor.get(re.findall(rf'href="(/cases/{stage.case}/proofs/\d+)"', page.text)[-1])
    assert leaf.text.startswith("c2sp.org/tlog-proof@v1")

    visitor.post("/sign-out")
    code = re.findall(r'href="/v/([2-9A-Z]{26})"', page.text)[0]
    public = words_of(visitor.get(f"/v/{code}"))
    assert "Trường THCS Nguyễn Du" in public
    assert "Còn giá trị" in public
    assert "Đặng Gia An" not in public  # a pupil
    assert "Nguyễn Thị Mai" not in public  # a teacher
