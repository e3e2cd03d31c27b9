"""The same work by one process and by two, each alone on a core: how much a second process adds.

    measured = run(uri, pin, sources_for_each, targets_for_each)      # wall seconds, CPU seconds of all

Each process is pinned to a core, opens its key, signs some files to warm up, and then waits for the others: the clock
runs from the moment all begin until the last one ends. What starting a process costs is not in it.
"""

import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench.one_process import open_path
from signing.batch import FastPath, Order
from signing.batch.files import Job, NotDone, sign_files
from signing.levels import Level

WARM_UP = 48  # of each process's files, before the clock runs
PATIENCE_SECONDS = 300.0

Files = Sequence[tuple[Path, Path]]  # source, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one run took; `documents` in that time."""

    documents: int
    wall: float
    cpu: float  # of all processes together


def run(uri: str, pin: str, shares: Sequence[Files]) -> Measured:
    """Sign each share in a process of its own, all at once."""
    cores = sorted(os.sched_getaffinity(0))
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(shares))
    ends: Queue[tuple[float, float, float]] = context.Queue()
    running = [
        context.Process(target=_sign, args=(uri, pin, list(share), cores[number % len(cores)], barrier, ends))
        for number, share in enumerate(shares)
    ]
    for process in running:
        process.start()
    times = [ends.get(timeout=PATIENCE_SECONDS) for _ in running]
    for process in running:
        process.join(PATIENCE_SECONDS)
    return Measured(
        documents=sum(len(share) - WARM_UP for share in shares),
        wall=max(end for _, end, _ in times) - min(begin for begin, _, _ in times),
        cpu=sum(cpu for _, _, cpu in times),
    )


def _sign(uri: str, pin: str, files: Files, core: int, barrier: Barrier, ends: "Queue[tuple[float, float, float]]") -> None:
    os.sched_setaffinity(0, {core})
    order = Order(field="teacher_signs", at=datetime.now(UTC), level=Level.B_B)
    jobs = [Job(id=source.name, source=source, target=target, order=order) for source, target in files]
    with open_path(uri, pin) as path:
        _require_all(jobs[:WARM_UP], path)
        barrier.wait(PATIENCE_SECONDS)
        begin, cpu = time.monotonic(), time.process_time()
        _require_all(jobs[WARM_UP:], path)
        ends.put((begin, time.monotonic(), time.process_time() - cpu))


def _require_all(jobs: Sequence[Job], path: FastPath) -> None:
    for result in sign_files(jobs, path):
        if isinstance(result, NotDone):
            raise result.error
