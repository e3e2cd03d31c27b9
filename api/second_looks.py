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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import signing
from signing.second_opinion import Difference, Sampling, SecondLook, State, second_look, with_differences
from signing.visible import visible

ROWS = "second-looks.jsonl"
MOST_WAITING = 4  # files; each up to 50 MB in memory
MOST_ROWS_BYTES = 64 * 1024 * 1024  # some hundred thousand rows; beyond that an alarm says that no more fit
LONGEST_ROW = 64 * 1024
log = logging.getLogger("soky.second_looks")


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
        told = "; ".join(f"{each.field}: {each.by} {each.about} {each.detail}".strip() for each in self.differences)
        return (
            f"SECOND_OPINION_DISAGREES  {self.sha256} ({self.source}, {self.at}): "
            f"ta cho là hợp lệ, chương trình khác thì không / we passed it, another program does not: {visible(told)}"
        )


class SecondLooks:
    """Draws, judges in the background, remembers. Safe between threads; rows are safe between processes."""

    def __init__(self, folder: Path, sampling: Sampling) -> None:
        self.sampling = sampling
        self._folder = folder
        self._waiting: queue.Queue[tuple[bytes, signing.Trust, signing.Report, str] | None] = queue.Queue(MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def later(self, content: bytes, trust: signing.Trust, report: signing.Report, *, source: str) -> bool:
        """Have it judged in the background if it is drawn; True if so. Nobody waits for it: no room is written down too."""
        if not self.sampling.takes(report) or report.sha256 in self.judged():
            return False
        try:
            self._waiting.put_nowait((content, trust, report, source))
        except queue.Full:
            log.warning("no room for a second look at %s", report.sha256)
            self._add({"kind": "skipped", "sha256": report.sha256, "at": _now(), "source": source})
            return False
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="second-looks", daemon=True)
                self._thread.start()
        return True

    def now(self, content: bytes, trust: signing.Trust, report: signing.Report, *, source: str) -> SecondLook:
        """Judge it here, whether it is drawn or not, and write down what came of it. Takes as long as the judges."""
        look = second_look(content, trust, report)
        self.add(look, source=source)
        return look

    def add(self, look: SecondLook, *, source: str) -> None:
        """A row. OSError when it cannot be written: the caller must not go on as if nothing were."""
        if look.state is State.DIFFERS:
            log.error("a second opinion disagrees about %s: %s", look.sha256, look.differences)
        self._add(
            {
                "kind": "look",
                "sha256": look.sha256,
                "policy": look.policy,
                "at": look.at.isoformat(timespec="seconds"),
                "source": source,
                "state": str(look.state),
                "named": list(look.named),
                "not_judged": list(look.not_judged)[:64],
                "differences": [each.to_json() for each in look.differences[:64]],
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
        standing: dict[str, Alarm] = {}
        for row in self._rows():
            if row.get("kind") == "settled":
                standing.pop(str(row["sha256"]), None)
            elif row.get("state") == State.DIFFERS:
                standing[str(row["sha256"])] = Alarm(
                    sha256=str(row["sha256"]),
                    at=str(row["at"]),
                    source=str(row["source"]),
                    differences=tuple(Difference.from_json(each) for each in row["differences"]),
                )
        return tuple(standing.values())

    def doubted(self, report: signing.Report) -> signing.Report:
        """The report of a file about which an alarm stands, with the disagreement as a finding; any other as it is."""
        against = [each for alarm in self.alarms() if alarm.sha256 == report.sha256 for each in alarm.differences]
        return with_differences(report, against)

    def judged(self) -> frozenset[str]:
        """The files that were looked at twice."""
        return frozenset(str(row["sha256"]) for row in self._rows() if row.get("kind") == "look")

    def counts(self) -> dict[str, int]:
        """How many looks came to what; "skipped" for those for which there was no room."""
        found: dict[str, int] = {}
        for row in self._rows():
            name = str(row.get("state") or row.get("kind"))
            found[name] = found.get(name, 0) + 1
        return found

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
            content, trust, report, source = given
            try:
                self.now(content, trust, report, source=source)
            except Exception:
                # Nobody waits for this thread; what it could not do stands in the log, and the next file is judged.
                log.exception("the second look at %s could not be written down", report.sha256)
            finally:
                self._waiting.task_done()

    def _rows(self) -> Iterator[Mapping[str, Any]]:
        """What was written; a last line that a power failure cut short is passed over."""
        try:
            lines = (self._folder / ROWS).open(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return
        with lines:
            for line in lines:
                try:
                    row = json.loads(line[:LONGEST_ROW])
                except ValueError:
                    continue
                if isinstance(row, dict) and "sha256" in row:
                    yield row

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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
