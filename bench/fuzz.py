"""Broken files by the hundred thousand: each is answered, in time, and what was touched never passes.

    python -m bench.fuzz [--inputs 100000] [--seed 1] [--processes 1] [--seconds 0] [--state FILE] [--keep FOLDER]

The targets (`bench/broken/targets.py`): PDFs broken as text, object by object and by later revisions; containers, certificates,
timestamps, answers and lists that are broken and signed again; signing of broken PDFs and XML; XML, CAdES, packages, trust
bundles. For every input: no exception but ours, at most two seconds of CPU, a report that survives its journey as JSON; and a
signature that passes has all its bytes as they were.

Inputs are done in portions. Each has its own chance from seed, portion and turn, so one is found again by its name; with
`--state` a run that was stopped goes on where it was. A fault's bytes are kept in the folder of `--keep`. Counted beside the
verdicts, and kept too, is what a last guard of the code caught and told as a finding ("surprise"): no fault, but worth a look.
"""

import argparse
import json
import logging
import multiprocessing
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import FrameType
from typing import Any

from bench.broken.sound import Sound
from bench.broken.targets import Targets
from bench.broken.text import update
from bench.table import Row, Table

__all__ = ["Found", "fuzz", "run", "update"]

PORTION = 250
SLOW_SECONDS = 2.0  # of CPU; a sound file of this size takes milliseconds
HANG_SECONDS = 15  # of CPU, then the input is given up
STUCK_SECONDS = 300.0  # without a word from a process on its portion: code that no signal reaches
MEMORY_BYTES = 1536 * 1024 * 1024  # address space of a process of ours
_SHOWN_EVERY = 10.0  # seconds


class Hang(BaseException):
    """An input took too long. No handler of the code under test takes it for its own."""


@dataclass
class Found:
    """What a run found."""

    inputs: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    targets: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0  # seconds of CPU
    faults: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Both together."""
        self.inputs += other.inputs
        self.verdicts += other.verdicts
        self.targets += other.targets
        self.slowest = max(self.slowest, other.slowest)
        self.faults += other.faults

    def __str__(self) -> str:
        verdicts = ", ".join(f"{name} {count}" for name, count in self.verdicts.most_common())
        return f"{self.inputs} inputs, slowest {self.slowest * 1000:.0f} ms CPU, {len(self.faults)} faults; {verdicts}"


def run(*, quick: bool = False) -> Table:
    """The bench's row."""
    found = fuzz(2_000 if quick else 100_000, seed=1)
    rows = (
        Row.most("inputs that raised, hung, or passed wrongly", goal=0.5, measured=len(found.faults), unit=""),
        Row.told("inputs", measured=found.inputs, unit="", note=", ".join(f"{k} {v}" for k, v in found.verdicts.items())),
        Row.told("slowest", measured=found.slowest * 1000, unit="ms"),
    )
    return Table("Fuzzing the verification", rows)


def fuzz(count: int, *, seed: int, seconds: float = 0.0, keep: Path | None = None) -> Found:
    """Judge `count` broken files in this process (fewer when `seconds` run out)."""
    found = Found()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        targets = _targets(Path(folder))
        for number in range(-(-count // PORTION)):
            if seconds and time.monotonic() - begun > seconds:
                break
            found.add(portion(targets, seed, number, min(PORTION, count - number * PORTION), keep))
    return found


def _targets(folder: Path) -> Targets:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")  # libraries say much about broken files
    targets = Targets(Sound.made(folder))
    targets.require_sound()
    return targets


def portion(targets: Targets, seed: int, number: int, count: int, keep: Path | None = None) -> Found:
    """The inputs of one portion, one after the other."""
    found = Found()
    for turn in range(count):
        name = f"{seed}-{number}-{turn}"
        chance = random.Random(name)  # noqa: S311 -- reproducible test data
        target, content, check = targets.made(chance)
        found.inputs += 1
        found.targets[target] += 1
        targets.tally.clear()
        begun = time.process_time()
        wrong = _checked(check)
        spent = time.process_time() - begun
        found.slowest = max(found.slowest, spent)
        found.verdicts.update(targets.tally)
        if not wrong and spent > SLOW_SECONDS:
            wrong = f"{spent:.1f} s"
        if keep is not None and any(each.startswith("surprise") for each in targets.tally):
            _kept(keep / "surprises", f"{name}-{target}", content)
        if wrong:
            found.faults.append(f"{name} {target}: {wrong}")
            if keep is not None:
                _kept(keep, f"{name}-{target}", content)
    return found


def _kept(folder: Path, name: str, content: bytes) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.bin").write_bytes(content)


def _checked(check: Any) -> str:
    """What is wrong with the answer to one input, or nothing."""
    before = signal.signal(signal.SIGPROF, _too_long)
    signal.setitimer(signal.ITIMER_PROF, HANG_SECONDS)
    try:
        return str(check())
    except Hang:
        return f"more than {HANG_SECONDS} s of CPU"
    except MemoryError:
        return "MemoryError"
    except Exception as fault:  # noqa: BLE001 -- exactly what must not happen
        where = traceback.extract_tb(fault.__traceback__)[-1]
        return f"{type(fault).__name__}: {str(fault)[:200]} at {Path(where.filename).name}:{where.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _too_long(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise Hang


# Many processes, and runs that go on.


class _State:
    """Which portions are done, and what they found; kept in a file so that a run can go on."""

    def __init__(self, path: Path | None, seed: int) -> None:
        self.path, self.seed = path, seed
        self.done: set[int] = set()
        self.found = Found()
        if path is not None and path.exists():
            kept = json.loads(path.read_text(encoding="utf-8"))
            if kept["seed"] == seed and kept["portion"] == PORTION:
                self.done = set(kept["done"])
                self.found = _unpacked(kept["found"])

    def add(self, number: int, found: Found) -> None:
        """A portion is done."""
        self.done.add(number)
        self.found.add(found)
        if self.path is not None:
            kept = {"seed": self.seed, "portion": PORTION, "done": sorted(self.done), "found": _packed(self.found)}
            draft = self.path.with_suffix(".draft")
            draft.write_text(json.dumps(kept), encoding="utf-8")
            draft.replace(self.path)


def _packed(found: Found) -> dict[str, Any]:
    return {**vars(found), "verdicts": dict(found.verdicts), "targets": dict(found.targets)}


def _unpacked(kept: dict[str, Any]) -> Found:
    return Found(**{**kept, "verdicts": Counter(kept["verdicts"]), "targets": Counter(kept["targets"])})


class _Process:
    """One that does portions as it is told."""

    def __init__(self, folder: Path, seed: int, keep: Path | None) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.number: int | None = None
        self.since = time.monotonic()
        self.process = context.Process(target=_work, args=(theirs, folder, seed, keep), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, number: int, count: int) -> None:
        """The next portion."""
        self.number, self.since = number, time.monotonic()
        self.pipe.send((number, count))

    def end(self) -> None:
        """At once."""
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _work(pipe: Connection, folder: Path, seed: int, keep: Path | None) -> None:
    targets = _targets(folder)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    while True:
        try:
            number, count = pipe.recv()
        except EOFError:
            return
        pipe.send(_packed(portion(targets, seed, number, count, keep)))


def long_run(count: int, *, seed: int, processes: int, seconds: float, state: Path | None, keep: Path | None) -> Found:
    """Portions given to processes of their own; one that dies or is stuck is a fault, and another takes its place."""
    kept = _State(state, seed)
    waiting: Iterator[int] = (number for number in range(-(-count // PORTION)) if number not in kept.done)
    begun, shown = time.monotonic(), 0.0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name)
        Sound.made(folder)  # the keys: every process finds them there
        workers = [_Process(folder, seed, keep) for _ in range(processes)]
        try:
            while True:
                over = bool(seconds) and time.monotonic() - begun > seconds
                for worker in workers:
                    if worker.number is None and not over and (number := next(waiting, None)) is not None:
                        worker.give(number, min(PORTION, count - number * PORTION))
                busy = [worker for worker in workers if worker.number is not None]
                if not busy:
                    return kept.found
                wait([worker.pipe for worker in busy], timeout=1.0)
                workers = [_heard(worker, kept, folder, seed, keep) for worker in workers]
                if time.monotonic() - shown > _SHOWN_EVERY:
                    shown = time.monotonic()
                    print(f"{shown - begun:6.0f} s  {kept.found}", file=sys.stderr, flush=True)
        finally:
            for worker in workers:
                worker.end()


def _heard(worker: _Process, kept: _State, folder: Path, seed: int, keep: Path | None) -> _Process:
    """The process, or the one that takes its place."""
    if worker.number is None:
        return worker
    number = worker.number
    try:
        if worker.pipe.poll():
            kept.add(number, _unpacked(worker.pipe.recv()))
            worker.number = None
            return worker
        stuck = time.monotonic() - worker.since > STUCK_SECONDS
    except (EOFError, OSError):
        stuck = True
    if not stuck and worker.process.is_alive():
        return worker
    kept.add(number, Found(faults=[f"{seed}-{number}: the process died or was stuck; --portion {number} does it again"]))
    worker.end()
    return _Process(folder, seed, keep)


def main(wishes: Iterable[str] | None = None) -> int:
    """Exit status 1 when there is a fault."""
    asked = argparse.ArgumentParser(prog="python -m bench.fuzz", description="Broken files by the hundred thousand.")
    asked.add_argument("--inputs", type=int, default=100_000)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--processes", type=int, default=1)
    asked.add_argument("--seconds", type=float, default=0.0, help="stop after so long; with --state the next run goes on")
    asked.add_argument("--state", type=Path, help="file that keeps which portions are done")
    asked.add_argument("--keep", type=Path, help="folder for the bytes of faults")
    asked.add_argument("--portion", type=int, help="only this one, in this process")
    given = asked.parse_args(None if wishes is None else list(wishes))
    if given.portion is not None:
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            found = portion(_targets(Path(folder)), given.seed, given.portion, PORTION, given.keep)
    else:
        found = long_run(
            given.inputs, seed=given.seed, processes=given.processes, seconds=given.seconds, state=given.state, keep=given.keep
        )
    print(found)
    print(", ".join(f"{name} {count}" for name, count in found.targets.most_common()))
    print("\n".join(found.faults[:50]) or "no fault")
    return int(bool(found.faults))


if __name__ == "__main__":
    sys.exit(main())
