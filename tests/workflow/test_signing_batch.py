"""Sign all, through the office: one key, one result each, and what is left when it stops in the middle."""

import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

import signing
from api.demo.story import open_key
from api.settings import Settings
from api.wiring import Wired, open_office
from directory import PersonId
from signing.errors import KeyUnavailable
from workflow.events import CaseId, DocumentSigned, SigningFailed, SigningIntended, TaskName
from workflow.office import Office

DYING = Path(__file__).with_name("dying_batch.py")
STEP = "subject_teacher_signs"
Steps = list[tuple[CaseId, TaskName]]
Kept = TypeVar("Kept", SigningIntended, SigningFailed, DocumentSigned)


class Key:
    """A key that counts its uses and fails when told to."""

    def __init__(self, key: signing.Signer, *, fails_at: int = 0, error: signing.SigningError | None = None) -> None:
        self.certificate, self.chain = key.certificate, key.chain
        self.uses = 0
        self._key, self._fails_at, self._error = key, fails_at, error

    def sign(self, data: bytes, digest: str) -> bytes:
        """The value, or the failure, from the appointed use on."""
        self.uses += 1
        if self._error is not None and self.uses >= self._fails_at:
            raise self._error
        return self._key.sign(data, digest)


class RemoteKey(Key):
    """A key whose owner authorises many signatures at once."""

    at_once = 100

    def __init__(self, key: signing.Signer) -> None:
        super().__init__(key)
        self.authorisations = 0

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One authorisation for all."""
        self.authorisations += 1
        yield from [self.sign(each, digest) for each in data]


class Counted:
    """Evidence that counts the questions."""

    def __init__(self, evidence: signing.Evidence) -> None:
        self.questions = 0
        self._evidence = evidence

    def for_chain(self, chain: Sequence[bytes]) -> signing.Revocation:
        """The real answer."""
        self.questions += 1
        return self._evidence.for_chain(chain)


def steps_of(wired: Wired, person: PersonId) -> Steps:
    """What waits for this person."""
    return [(task.case, task.name) for task in wired.office.inbox(person)]


def events(wired: Wired, kind: type[Kept]) -> list[Kept]:
    """The events of a kind in the one case."""
    (case,) = wired.store.cases(wired.store.units())
    return [entry.event for entry in wired.store.history(case.id) if isinstance(entry.event, kind)]


def require_signed_once(wired: Wired) -> None:
    """Every sheet carries exactly one signature that passes, and the log tells the same."""
    (case,) = wired.store.cases(wired.store.units())
    signed = [event.field for event in events(wired, DocumentSigned)]
    assert len(signed) == len(set(signed)) == 13
    for sheet in wired.store.documents(case.id):
        if sheet.key is None:
            continue
        report = signing.verify(wired.store.get(sheet.revision), wired.office.desk.trust)
        assert [(each.verdict, each.level) for each in report.signatures] == [("TOTAL_PASSED", "B-T")]
        assert len(sheet.revisions) == 2
    wired.keep_log()
    assert wired.verify_log() == []


def test_thirteen_sheets_are_signed_with_one_question_to_the_issuers(school: Wired, teacher: PersonId) -> None:
    """One result per sheet, in the order of the list; the key is used once for each; each intent stands before its result."""
    evidence = Counted(school.office.desk.evidence)
    office = Office(replace(school.office.desk, evidence=evidence))
    steps = steps_of(school, teacher)
    with open_key(school, teacher, STEP) as opened:
        key = Key(opened)
        results = list(office.sign_all(teacher, steps, key))

    assert [(result.case, result.task, result.signed) for result in results] == [(*step, True) for step in steps]
    assert (key.uses, evidence.questions) == (13, 1)
    assert len(events(school, SigningIntended)) == 13
    require_signed_once(school)


def test_a_remote_owner_confirms_once(school: Wired, teacher: PersonId) -> None:
    """Thirteen hashes in one authorisation."""
    with open_key(school, teacher, STEP) as opened:
        key = RemoteKey(opened)
        results = list(school.office.sign_all(teacher, steps_of(school, teacher), key))

    assert all(result.signed for result in results)
    assert key.authorisations == 1


def test_a_wrong_pin_ends_the_batch_and_what_was_signed_stays(school: Wired, teacher: PersonId) -> None:
    """Asked once: two sheets are signed, eleven say why not, and later the rest is signed with the right PIN."""
    steps = steps_of(school, teacher)
    with open_key(school, teacher, STEP) as opened:
        wrong = Key(opened, fails_at=3, error=signing.WrongSecret("sai PIN", "wrong PIN"))
        results = list(school.office.sign_all(teacher, steps, wrong))

        assert [result.code for result in results] == ["", ""] + ["WRONG_SECRET"] * 11
        assert [(result.case, result.task) for result in results] == steps
        assert wrong.uses == 3
        assert {event.code for event in events(school, SigningFailed)} == {"WRONG_SECRET"}
        assert school.office.case_view(teacher, steps[0][0]).unanswered == ()

        again = list(school.office.sign_all(teacher, steps, opened))
    assert [result.code for result in again] == ["NOT_WAITING"] * 2 + [""] * 11
    require_signed_once(school)


def test_a_key_that_has_gone_is_not_asked_for_ever(school: Wired, teacher: PersonId) -> None:
    """The token was pulled out: three failures in a row end the batch."""
    with open_key(school, teacher, STEP) as opened:
        key = Key(opened, fails_at=2, error=KeyUnavailable("đã rút", "pulled out"))
        results = list(school.office.sign_all(teacher, steps_of(school, teacher), key))

    assert [result.code for result in results] == [""] + ["KEY_UNAVAILABLE"] * 12
    assert key.uses == 4


@pytest.mark.parametrize(("point", "most", "kept"), [("KEY", 1, 0), ("KEY", 6, 5), ("RESULT", 6, 6)])
def test_killed_in_the_middle_it_goes_on(office_folder: Path, teacher: PersonId, point: str, most: int, kept: int) -> None:
    """SIGKILL: what was kept is kept; the same list again signs the rest, and no field is signed twice."""
    died = subprocess.run(
        [sys.executable, str(DYING), str(office_folder), teacher, point, str(most)],
        cwd=DYING.parent.parent.parent,
        capture_output=True,
        timeout=120,
        check=False,
    )

    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-2000:]
    with open_office(Settings(folder=office_folder, demo=True)) as wired:
        assert len(events(wired, DocumentSigned)) == kept
        steps = steps_of(wired, teacher)
        assert len(steps) == 13 - kept
        with open_key(wired, teacher, STEP) as key:
            assert all(result.signed for result in wired.office.sign_all(teacher, steps, key))
        require_signed_once(wired)
        assert wired.office.case_view(teacher, steps[0][0]).unanswered == ()


def test_whoever_looks_away_finds_each_result_kept(school: Wired, teacher: PersonId) -> None:
    """Results come one by one; the page that is closed after three leaves three signed, the others wait and say so."""
    steps = steps_of(school, teacher)
    with open_key(school, teacher, STEP) as key:
        results = school.office.sign_all(teacher, steps, key)
        for expected in (1, 2, 3):
            assert next(results).signed
            assert len(events(school, DocumentSigned)) == expected
        results.close()  # type: ignore[attr-defined]

        assert len(steps_of(school, teacher)) == 10
        assert school.office.case_view(teacher, steps[0][0]).unanswered == ()
        assert all(result.signed for result in school.office.sign_all(teacher, steps[3:], key))
    require_signed_once(school)


def test_two_windows_at_once_sign_each_sheet_once(school: Wired, teacher: PersonId) -> None:
    """Each sheet is signed by one of the two, and refused to the other."""
    steps = steps_of(school, teacher)

    def click() -> list[str]:
        with open_key(school, teacher, STEP) as key:
            return [result.code for result in school.office.sign_all(teacher, steps, key)]

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: click(), range(2))

    assert {code for pair in zip(first, second, strict=True) for code in pair} <= {"", "NOT_WAITING"}
    assert all(pair.count("") == 1 for pair in zip(first, second, strict=True))
    require_signed_once(school)


def test_a_step_named_twice_is_signed_once(school: Wired, teacher: PersonId) -> None:
    """The second is refused; a step of somebody else is refused in its place in the list, and stops nothing."""
    steps = steps_of(school, teacher)
    listed = [steps[0], steps[0], (steps[0][0], TaskName("principal_signs#1")), steps[1]]
    with open_key(school, teacher, STEP) as key:
        results = list(school.office.sign_all(teacher, listed, key))

    assert [result.code for result in results] == ["", "NOT_WAITING", "NOT_WAITING", ""]


def test_an_authority_that_nobody_trusts_gives_no_level(school: Wired, teacher: PersonId, tmp_path: Path) -> None:
    """A timestamp from outside the trust bundle makes no B-T: nothing is kept, and the trail says why."""
    stranger = signing.DemoAuthority(tmp_path / "stranger", name="Xa lạ")
    office = Office(replace(school.office.desk, timestamper=stranger))
    steps = steps_of(school, teacher)[:2]
    with open_key(school, teacher, STEP) as key:
        results = list(office.sign_all(teacher, steps, key))

    assert [result.code for result in results] == ["LEVEL_NOT_REACHED"] * 2
    assert len(steps_of(school, teacher)) == 13
    assert events(school, DocumentSigned) == []
