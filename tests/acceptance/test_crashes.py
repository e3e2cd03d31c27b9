"""The power fails at each point of the order of effects: the office starts again, nothing is lost, nothing is signed twice."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from api.demo.people import PRINCIPAL, Cast
from api.demo.story import open_key
from api.settings import Settings
from api.wiring import open_office
from workflow.events import CaseId, DocumentSigned, SigningIntended

DYING = Path(__file__).with_name("dying.py")
ROOT = DYING.parent.parent.parent

# Which events must be there after the crash: (intents, signatures).
LEFT = {
    "before_intent": (0, 0),
    "after_intent": (1, 0),
    "before_key": (1, 0),
    "after_key": (1, 0),
    "before_put": (1, 0),
    "after_put": (1, 0),
    "before_result": (1, 0),
    "after_result": (1, 1),
}


@pytest.mark.parametrize("point", LEFT)
def test_killed_at_this_point_the_office_goes_on(office_folder: Path, cast: Cast, case: CaseId, point: str) -> None:
    """Killed with SIGKILL in a process of its own; then opened again, looked at, and signed to the end."""
    teacher = cast.teachers["toan"]
    died = subprocess.run(
        [sys.executable, str(DYING), str(office_folder), teacher, point],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
    with open_office(Settings(folder=office_folder, demo=True)) as wired:
        intents, signatures = LEFT[point]
        trail = [entry.event for entry in wired.store.history(case)]
        assert sum(isinstance(event, SigningIntended) for event in trail) == intents
        assert sum(isinstance(event, DocumentSigned) for event in trail) == signatures
        assert len(wired.office.case_view(PRINCIPAL, case).unanswered) == intents - signatures

        tasks = [task for task in wired.office.inbox(teacher) if task.key == "toan"]
        assert len(tasks) == 1 - signatures, "the task waits exactly if its signature is not there"
        for task in tasks:
            with open_key(wired, teacher, task.step) as key:
                wired.office.sign(teacher, case, task.name, key)
        signed = [e.event for e in wired.store.history(case) if isinstance(e.event, DocumentSigned)]
        assert [event.field for event in signed] == ["subject_teacher_signs__toan"]
        assert wired.office.case_view(PRINCIPAL, case).unanswered == ()
        wired.keep_log()
        assert wired.verify_log() == []


def test_two_clicks_at_once_sign_once(school: object, cast: Cast, case: CaseId) -> None:
    """Two threads press the same button: one signature, one clear refusal, one revision more."""
    from concurrent.futures import ThreadPoolExecutor

    from api.wiring import Wired
    from workflow.errors import WorkflowError

    assert isinstance(school, Wired)
    teacher = cast.teachers["khtn"]
    task = next(t for t in school.office.inbox(teacher) if t.key == "khtn")

    def click() -> str:
        with open_key(school, teacher, task.step) as key:
            try:
                school.office.sign(teacher, case, task.name, key)
            except WorkflowError as refusal:
                return refusal.code
        return "SIGNED"

    with ThreadPoolExecutor(2) as pool:
        answers = sorted(pool.map(lambda _: click(), range(2)))

    assert answers == ["NOT_WAITING", "SIGNED"]
    (sheet,) = [d for d in school.store.documents(case) if d.key == "khtn"]
    assert len(sheet.revisions) == 2
