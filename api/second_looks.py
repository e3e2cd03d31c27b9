"""The second looks of an office: which files were judged once more by other programs, and where those differ from us.

    looks = SecondLooks(settings.folder / "second-looks", sampling)
    looks.later(content, trust, report, source="web")    # at once; judged afterwards, if its digest is drawn
    looks.alarms()                                        # what `soky check` says until somebody settles it
    looks.settle(digest, note="...", at=now)

Rows are lines of JSON that are only ever added, each on the disk when `add` returns. A disagreement stays an alarm until a
row that settles it names its file; the file itself is not kept, only its digest and what was said of it.
"""

import fcntl
import json
import logging
import os
import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import signing
from signing.second_opinion import Difference, Sampling, SecondLook, State, second_look, with_differences
from signing.visible import visible

ROWS = "second-looks.jsonl"
MOST_WAITING = 4  # files; each up to 50 MB in memory
MOST_ROWS_BYTES = 64 * 1024 * 1024  # some hundred thousand rows; beyond that an alarm says that no more fit
LONGEST_ROW = 1024 * 1024  # bytes; what a file says of itself is cut before it comes into a row, so that none is longer
_MOST_TOLD, _LONGEST_WORD = 64, 200
log = logging.getLogger("soky.second_looks")
_Waiting = tuple[bytes, signing.Trust, signing.Report, str, bytes | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A disagreement that nobody has settled."""

    sha256: str
    at: str
    source: str
    differences: tuple[Difference, ...]

    @property
    def text(self) -> str:
        """A line for the operator."""
        told = "; ".join(f"{each.field}: {each.word.both}" for each in self.differences)
        return (
            f"SECOND_OPINION_DISAGREES  {self.sha256} ({self.source}, {self.at}): "
            f"ta cho là hợp lệ, chương trình khác thì không / we passed it, another program does not: {visible(told)}"
        )


@dataclass(slots=True)
class _Known:
    """What the rows say, up to `offset` bytes."""

    offset: int = 0
    standing: dict[str, Alarm] = field(default_factory=dict)
    judged: set[str] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=dict)

    def take(self, line: bytes) -> None:
        """One row more. What is no row is passed over."""
        try:
            row = json.loads(line[:LONGEST_ROW])
            kind, sha256 = str(row["kind"]), str(row["sha256"])
            name = str(row["state"]) if kind == "look" else kind
            differs = kind == "look" and name == State.DIFFERS
            against = tuple(Difference.from_json(each) for each in row["differences"]) if differs else ()
            at, source = str(row["at"]), str(row.get("source", ""))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
        self.counts[name] = self.counts.get(name, 0) + 1
        if kind == "settled":
            self.standing.pop(sha256, None)
        elif kind == "look":
            self.judged.add(sha256)
        if differs:
            self.standing[sha256] = Alarm(sha256=sha256, at=at, source=source, differences=against)


class SecondLooks:
    """Draws, judges in the background, remembers. Safe between threads; rows are safe between processes."""

    def __init__(self, folder: Path, sampling: Sampling) -> None:
        self.sampling = sampling
        self._folder = folder
        self._waiting: queue.Queue[_Waiting | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._read = _Known()

    def later(
        self, content: bytes, trust: signing.Trust, report: signing.Report, *, source: str, signature: bytes | None = None
    ) -> bool:
        """Have it judged in the background if it is drawn; True if so. Nobody waits for it: no room is written down too."""
        if not self.sampling.takes(report) or self.was_judged(report.sha256):
            return False
        try:
            self._waiting.put_nowait((content, trust, report, source, signature))
        except queue.Full:
            log.warning("no room for a second look at %s", report.sha256)
            self._add({"kind": "skipped", "sha256": report.sha256, "at": _now(), "source": source})
            return False
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="second-looks", daemon=True)
                self._thread.start()
        return True

    def now(
        self, content: bytes, trust: signing.Trust, report: signing.Report, *, source: str, signature: bytes | None = None
    ) -> SecondLook:
        """Judge it here, whether it is drawn or not, and write down what came of it. Takes as long as the judges."""
        look = second_look(content, trust, report, signature=signature)
        self.add(look, source=source)
        return look

    def add(self, look: SecondLook, *, source: str) -> None:
        """A row. OSError when it cannot be written: the caller must not go on as if nothing were."""
        if look.state is State.DIFFERS:
            log.error("a second opinion disagrees about %s: see `soky check`", look.sha256)
        self._add(
            {
                "kind": "look",
                "sha256": look.sha256,
                "policy": look.policy,
                "at": look.at.isoformat(timespec="seconds"),
                "source": source,
                "state": str(look.state),
                "named": list(look.named),
                "not_judged": [each[:_LONGEST_WORD] for each in look.not_judged[:_MOST_TOLD]],
                "differences": [_cut(each) for each in look.differences[:_MOST_TOLD]],
            }
        )

    def settle(self, sha256: str, *, note: str, at: datetime) -> bool:
        """An operator has looked: the alarm about this file is over. False if there is none."""
        if all(each.sha256 != sha256 for each in self.alarms()):
            return False
        self._add({"kind": "settled", "sha256": sha256, "note": note[:1000], "at": at.isoformat(timespec="seconds")})
        return True

    def alarms(self) -> tuple[Alarm, ...]:
        """Disagreements that stand, the oldest first; one per file."""
        return tuple(self._known().standing.values())

    def doubted(self, report: signing.Report) -> signing.Report:
        """The report of a file about which an alarm stands, with the disagreement as a finding; any other as it is."""
        alarm = self._known().standing.get(report.sha256)
        return with_differences(report, alarm.differences if alarm is not None else ())

    def was_judged(self, sha256: str) -> bool:
        """Whether this file was looked at twice."""
        return sha256 in self._known().judged

    def counts(self) -> dict[str, int]:
        """How many looks came to what; "skipped" for those for which there was no room, "settled" for alarms that are over."""
        return dict(self._known().counts)

    @property
    def full(self) -> bool:
        """No more rows fit."""
        path = self._folder / ROWS
        return path.exists() and path.stat().st_size >= MOST_ROWS_BYTES

    def wait(self) -> None:
        """Until nothing waits any more."""
        self._waiting.join()

    def _work(self) -> None:
        while (given := self._waiting.get()) is not None:
            content, trust, report, source, signature = given
            try:
                self.now(content, trust, report, source=source, signature=signature)
            except Exception:
                # Nobody waits for this thread; what it could not do stands in the log, and the next file is judged.
                log.exception("the second look at %s could not be written down", report.sha256)
            finally:
                self._waiting.task_done()

    def _known(self) -> "_Known":
        """What the rows say by now; only those that were added since the last time are read."""
        with self._lock:
            known = self._read
            try:
                with (self._folder / ROWS).open("rb") as rows:
                    if os.fstat(rows.fileno()).st_size < known.offset:
                        known = self._read = _Known()  # somebody put an older file in its place
                    rows.seek(known.offset)
                    added = rows.read()
            except FileNotFoundError:
                return _Known()
            # A line that is still being written, or that a power failure cut short, waits until something follows it.
            whole = added[: added.rfind(b"\n") + 1]
            for line in whole.splitlines():
                known.take(line)
            known.offset += len(whole)
            return known

    def _add(self, row: Mapping[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False).encode()
        self._folder.mkdir(parents=True, exist_ok=True)
        with _held(self._folder / ROWS) as descriptor:
            size = os.fstat(descriptor).st_size
            if size >= MOST_ROWS_BYTES and row.get("kind") != "settled":
                log.error("no room for a row about %s: %s", row["sha256"], line[:LONGEST_ROW])
                return
            cut_short = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            os.write(descriptor, (b"\n" if cut_short else b"") + line + b"\n")
            os.fsync(descriptor)


@contextmanager
def _held(path: Path) -> Iterator[int]:
    """The file, for one writer at a time."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _cut(difference: Difference) -> dict[str, str]:
    """A field may have a name of megabytes: no file makes a row so long that its own alarm is lost."""
    return {name: value[:_LONGEST_WORD] for name, value in difference.to_json().items()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
