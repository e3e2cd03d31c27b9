"""The office's own signed revisions, as far as their digest is drawn: judged once more, behind the work.

    OfficeLooks(wired).sweep()          # returns how many were judged; a worker does it now and then

The log gives the order, a small file remembers the place up to which was looked. A worker that is killed in the middle
judges the same revision again; two workers never do so at once.
"""

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import signing
from api.wiring import Wired
from workflow.events import Digest

CURSOR = "cursor"
log = logging.getLogger("soky.second_looks")


class OfficeLooks:
    """See the module."""

    def __init__(self, wired: Wired) -> None:
        self._wired = wired
        self._cursor = wired.settings.second_looks_folder / CURSOR

    def sweep(self) -> int:
        """Everything that the log placed since the last time. 0 too while another worker is at it."""
        judged = 0
        with self._alone() as mine:
            if not mine:
                return 0
            place = self._place()
            while True:
                last, revisions = self._wired.store.signed_since(place)
                if last == place:
                    return judged
                judged += sum(self._look(each) for each in dict.fromkeys(revisions))
                place = last
                self._remember(place)

    def _look(self, digest: Digest) -> bool:
        looks, trust = self._wired.looks, self._wired.office.desk.trust
        if not looks.sampling.draws(digest) or looks.was_judged(digest):
            return False
        content = self._wired.store.get(digest)
        report = signing.verify_untrusted(content, trust, at=self._wired.office.desk.clock())
        if not looks.sampling.takes(report):
            # Stored because it passed; with the years a certificate ends. Nothing is left to compare.
            log.warning("a signed revision of this office does not pass any more: %s (%s)", digest, report.verdict)
            return False
        looks.now(content, trust, report, source="office")
        return True

    def _place(self) -> int:
        try:
            return int(self._cursor.read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return -1  # from the start: what was judged before is known by its row

    def _remember(self, place: int) -> None:
        aside = self._cursor.with_suffix(".new")
        aside.write_text(str(place), encoding="ascii")
        aside.replace(self._cursor)

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        folder: Path = self._cursor.parent
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
        finally:
            os.close(descriptor)
