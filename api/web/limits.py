"""How much one visitor may ask of us, and how much all of them together."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Visitors remembered at once: an attacker with many addresses must not fill the memory. The least recent is forgotten.
MOST_VISITORS = 10_000


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Pace:
    """A bucket per visitor: `burst` at once, then one every `seconds_each`."""

    def __init__(self, *, burst: int, seconds_each: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._burst = burst
        self._seconds_each = seconds_each
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def wait_seconds(self, visitor: str) -> int:
        """0: go ahead, and it was counted. Otherwise so many seconds are to be waited, and nothing was counted."""
        now = self._clock()
        with self._lock:
            bucket = self._buckets.pop(visitor, None) or _Bucket(left=float(self._burst), at=now)
            bucket.left = min(float(self._burst), bucket.left + (now - bucket.at) / self._seconds_each)
            bucket.at = now
            self._buckets[visitor] = bucket
            if len(self._buckets) > MOST_VISITORS:
                self._buckets.popitem(last=False)
            if bucket.left < 1:
                return max(1, round((1 - bucket.left) * self._seconds_each))
            bucket.left -= 1
            return 0


class Seats:
    """Heavy work done at once on this machine. Whoever finds no seat is told so instead of waiting without end."""

    def __init__(self, count: int, *, patience_seconds: float) -> None:
        self._free = threading.BoundedSemaphore(count)
        self._patience_seconds = patience_seconds

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """True: a seat was taken and is given back at the end. False: all were taken."""
        taken = self._free.acquire(timeout=self._patience_seconds)
        try:
            yield taken
        finally:
            if taken:
                self._free.release()


class Uploads:
    """Large bodies on their way to us at once: each is spooled to a disk before a page sees it. For one event loop."""

    def __init__(self, *, most: int, per_visitor: int) -> None:
        self._most, self._per_visitor = most, per_visitor
        self._coming: dict[str, int] = {}

    @contextmanager
    def one(self, visitor: str) -> Iterator[bool]:
        """False: too many come already, from this visitor or from all."""
        mine = self._coming.get(visitor, 0)
        if mine >= self._per_visitor or sum(self._coming.values()) >= self._most:
            yield False
            return
        self._coming[visitor] = mine + 1
        try:
            yield True
        finally:
            self._coming[visitor] -= 1
            if not self._coming[visitor]:
                del self._coming[visitor]
