"""Results of checks, held in memory for a quarter of an hour under random ids, so that nothing is uploaded twice.

How many are held, and how many bytes, has a bound: the oldest goes first. Nothing is written to a disk or to a log.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import signing
from api.web.limits import Pace
from signing.second_opinion import SecondLook, in_pdf
from signing.shown import Comparison, PagePictures, SignedRevision, signed_revisions

HELD_SECONDS = 900
MOST_RESULTS = 64
MOST_BYTES = 256 * 1024 * 1024  # of uploads, all together: five of the largest


@dataclass(slots=True, eq=False)
class CheckResult:
    """A checked upload, and what was made of it so far."""

    key: str
    content: bytes
    report: signing.Report
    name: str
    held_at: float
    revisions: tuple[SignedRevision, ...]
    making: threading.Lock = field(default_factory=threading.Lock)
    signature: bytes | None = None  # detached
    slip: bytes | None = None
    look: SecondLook | None = None
    counts: dict[int, int | None] | None = None
    comparisons: dict[int, Comparison] = field(default_factory=dict)
    pictures: OrderedDict[tuple[int, int], PagePictures] = field(default_factory=OrderedDict)


class CheckResults:
    """Results that are held for a while. Safe between threads."""

    def __init__(
        self,
        *,
        seconds: float = HELD_SECONDS,
        most: int = MOST_RESULTS,
        most_bytes: int = MOST_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._seconds, self._most, self._most_bytes, self._clock = seconds, most, most_bytes, clock
        self._lock = threading.Lock()
        self._held: OrderedDict[str, CheckResult] = OrderedDict()
        # Each page of pictures asks for some dozen: forty at once, then two a second.
        self.pace = Pace(burst=60, seconds_each=0.5)

    def hold(self, content: bytes, report: signing.Report, name: str, *, signature: bytes | None = None) -> CheckResult:
        """Keep a result; whoever knows its key finds it for the next quarter of an hour."""
        held = CheckResult(
            key=secrets.token_urlsafe(24),
            content=content,
            report=report,
            name=name,
            held_at=self._clock(),
            # Only a PDF has revisions: a detached signature is over the whole file, of whatever kind it is.
            revisions=signed_revisions(content, replace(report, signatures=tuple(filter(in_pdf, report.signatures)))),
            signature=signature,
        )
        with self._lock:
            self._forget_old()
            self._held[held.key] = held
            while len(self._held) > self._most or self.bytes_held > self._most_bytes:
                self._held.popitem(last=False)
        return held

    def find(self, key: str) -> CheckResult | None:
        """None: there never was one, its time is over, or it had to make room."""
        with self._lock:
            self._forget_old()
            return self._held.get(key)

    @property
    def bytes_held(self) -> int:
        """Of all uploads."""
        return sum(len(held.content) for held in self._held.values())

    def _forget_old(self) -> None:
        oldest = self._clock() - self._seconds
        while self._held and next(iter(self._held.values())).held_at < oldest:
            self._held.popitem(last=False)
