"""Many steps signed with one key that was opened once: a principal countersigns the books of a school in an afternoon.

A few documents at a time: each is announced (`SigningIntended`), then the key is used on them, then each signature is checked,
put and kept, in that order, as in `signing_desk`. Killed at any moment, what was kept is kept, and what was not still waits:
starting again with the same list signs the rest, for a step that is done is no longer open. The secret stays with the key.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import signing
from directory import PersonId
from workflow.casefile import CaseFile
from workflow.desk import Desk
from workflow.errors import NotWaitingHere, WorkflowError, both
from workflow.events import CaseId, TaskName
from workflow.signing_desk import Intent, Readable, announce, keep, note_failure

Step = tuple[CaseId, TaskName]
Refusal = WorkflowError | signing.SigningError

MOST_FILES = 500  # cases held in memory: more than one chunk of the signer speaks of


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """A step that was announced and whose signature is not kept yet."""

    intent: Intent
    before: bytes
    lock: threading.Lock


@dataclass(slots=True, kw_only=True)
class SigningBatch:
    """One person, one opened key, one list of steps. `results` may be left at any time."""

    desk: Desk
    person: PersonId
    signer: signing.Signer
    steps: Sequence[Step]
    readable: Readable
    lock_of: Callable[[Step], threading.Lock]  # held from the announcement until the result is kept: two clicks sign once
    _waiting: dict[int, _Waiting] = field(default_factory=dict)
    _refused: dict[int, Refusal] = field(default_factory=dict)
    _files: dict[CaseId, CaseFile] = field(default_factory=dict)  # cases to which only our intents were written since reading

    def results(self) -> Iterator[tuple[Step, Refusal | None]]:
        """One per step, in order, as soon as it is known: None when it is signed, checked and kept.

        A key that is over (wrong PIN, refused on the phone) is the answer for all that are left: nothing more is tried.
        """
        told = 0
        last: signing.SigningError | None = None
        try:
            for result in self._signed():
                number = int(result.id)
                yield from self._refusals(told, number, None)
                last = result.error if isinstance(result, signing.Failed) else None
                yield self.steps[number], self._kept(number, result)
                told = number + 1
            yield from self._refusals(told, len(self.steps), last)
        finally:
            self._give_up(last.code if last else "NOT_TRIED")

    def _signed(self) -> Iterator[signing.Signed | signing.Failed]:
        return signing.sign_many(
            self._items(),
            self.signer,
            timestamper=self.desk.timestamper,
            evidence=self.desk.evidence,
            trust=self.desk.trust,
        )

    def _items(self) -> Iterator[tuple[str, bytes, signing.SignRequest]]:
        """Taken a few at a time by the signer; each is announced at that moment, and not long before."""
        for number, step in enumerate(self.steps):
            try:
                waiting = self._announced(step)
            except (WorkflowError, signing.SigningError) as refusal:
                self._refused[number] = refusal
                continue
            self._waiting[number] = waiting
            yield str(number), waiting.before, waiting.intent.request

    def _announced(self, step: Step) -> _Waiting:
        lock = self.lock_of(step)
        if not lock.acquire(blocking=False):  # waiting here could wait for another batch that waits for this one
            raise NotWaitingHere(
                both("Bước này đang được ký ở một cửa sổ khác.", "This step is being signed in another window right now.")
            )
        try:
            intent = self._intent(*step)
            return _Waiting(intent=intent, before=self.desk.store.get(intent.document.revision), lock=lock)
        except BaseException:
            lock.release()
            raise

    def _intent(self, case: CaseId, task: TaskName) -> Intent:
        def attempt(file: CaseFile) -> Intent:
            return announce(self.desk, file, self.person, task, self.signer, seen=None, readable=self.readable)

        intent = None
        if (known := self._files.pop(case, None)) is not None:
            with suppress(WorkflowError):  # a refusal by what was read a while ago, or a Conflict: look again
                intent = attempt(known)
        intent = intent or self.desk.settle(case, attempt)
        if len(self._files) >= MOST_FILES:
            self._files.clear()
        self._files[case] = intent.file
        return intent

    def _kept(self, number: int, result: signing.Signed | signing.Failed) -> Refusal | None:
        waiting = self._waiting.pop(number)
        try:
            if isinstance(result, signing.Failed):
                self._files.pop(waiting.intent.case, None)
                note_failure(self.desk, self.person, waiting.intent, result.error.code)
                return result.error
            file = self._files.pop(waiting.intent.case, None)
            keep(self.desk, self.person, waiting.intent, waiting.before, result.document, file=file)
        except WorkflowError as refusal:
            return refusal
        finally:
            waiting.lock.release()
        return None

    def _refusals(self, first: int, end: int, last: signing.SigningError | None) -> Iterator[tuple[Step, Refusal]]:
        """What the steps between two results were refused for; `last` speaks for those that the key did not come to."""
        for number in range(first, end):
            refusal = self._refused.get(number, last)
            if refusal is not None:
                yield self.steps[number], refusal

    def _give_up(self, code: str) -> None:
        """What was announced and not signed is told so; the steps still wait."""
        left, self._waiting = list(self._waiting.values()), {}
        try:
            for waiting in left:
                with suppress(WorkflowError):  # an intent without an answer is shown on the case's page
                    note_failure(self.desk, self.person, waiting.intent, code)
        finally:
            for waiting in left:
                waiting.lock.release()
