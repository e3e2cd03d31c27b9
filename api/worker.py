"""Workers: processes on this machine that claim work from the ledger and do it. The ledger, not the process, remembers.

Killed at any moment, a worker leaves a lease that ends; another claims the same item with a new fence, and a result written
under an old fence is thrown away.
"""

import logging
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from types import FrameType

import documents
import signing
from api.office_looks import OfficeLooks
from api.wiring import Wired
from storage.errors import StorageError
from workflow.errors import WorkflowError
from workflow.store import StaleFence, WorkItem

LEASE_SECONDS = 60.0
HEARTBEAT_SECONDS = 15.0
IDLE_SECONDS = 0.5
SWEEP_SECONDS = 30.0
MOST_ATTEMPTS = 5  # then it waits for an administrator: `soky check` names it
log = logging.getLogger("soky.worker")


class Worker:
    """Claims, works, finishes. One item at a time; run several processes for more."""

    def __init__(self, wired: Wired) -> None:
        self.wired = wired
        self.owner = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._stopping = threading.Event()

    def drain(self) -> int:
        """Do all the work that is due now, and sequence the log. Returns how many items were done."""
        done = 0
        while self.step():
            done += 1
        self.wired.keep_log()
        return done

    def step(self) -> bool:
        """Do one item. False when nothing is due."""
        store = self.wired.store
        claimed = store.claim(self.owner, now=self._now(), lease_seconds=LEASE_SECONDS)
        for item in claimed:
            with self._heartbeat(item):
                self._do(item)
        return bool(claimed)

    def run(self) -> None:
        """Until SIGTERM or SIGINT: work, remind, sequence, rest."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        swept = datetime.min.replace(tzinfo=self._now().tzinfo)
        # Of its own: the judge takes seconds to minutes, and the work does not wait for it.
        threading.Thread(target=self._look_twice, name="office-looks", daemon=True).start()
        while not self._stopping.is_set():
            try:
                busy = self.step()
                self._keep_log()
                if self._now() - swept > timedelta(seconds=SWEEP_SECONDS):
                    swept = self._now()
                    self.wired.office.remind()
            except Exception:
                # The database may be away for a while: the worker waits for it instead of ending.
                log.exception("the worker met a fault and goes on")
                busy = False
                self._stopping.wait(SWEEP_SECONDS / 10)
            if not busy:
                self._stopping.wait(IDLE_SECONDS)

    def _look_twice(self) -> None:
        looks = OfficeLooks(self.wired)
        while not self._stopping.wait(SWEEP_SECONDS):
            try:
                looks.sweep()
            except Exception:
                log.exception("the second looks met a fault and go on")

    def _keep_log(self) -> None:
        """A log that was changed in its past gets no new signature: work goes on, somebody must look (`soky log verify`)."""
        try:
            self.wired.keep_log()
        except StorageError:
            log.exception("the log could not be kept")

    def _do(self, item: WorkItem) -> None:
        try:
            self.wired.office.run(item)
        except StaleFence:
            log.warning("work %s was taken over; the result was thrown away", item.subject_key)
        except (WorkflowError, documents.DocumentsError, signing.SigningError) as problem:
            log.warning("work %s failed (attempt %d): %s", item.subject_key, item.attempt, problem)
            self._postpone(item, str(problem))
        except Exception as fault:
            # A mistake of ours must not take the worker with it: the others' work goes on, `soky check` names this one.
            log.exception("work %s met a fault (attempt %d)", item.subject_key, item.attempt)
            self._postpone(item, type(fault).__name__)

    def _postpone(self, item: WorkItem, error: str) -> None:
        last = item.attempt >= MOST_ATTEMPTS
        run_at = None if last else self._now() + timedelta(seconds=2**item.attempt)
        with suppress(StaleFence):
            self.wired.store.postpone(item, error=error, run_at=run_at)

    @contextmanager
    def _heartbeat(self, item: WorkItem) -> Iterator[None]:
        """Hold on to the item while it is worked on, from a thread of its own."""
        over = threading.Event()

        def beat() -> None:
            while not over.wait(HEARTBEAT_SECONDS):
                try:
                    self.wired.store.renew(item, now=self._now(), lease_seconds=LEASE_SECONDS)
                except StaleFence:
                    return

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _now(self) -> datetime:
        return self.wired.office.desk.clock()

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping.set()
