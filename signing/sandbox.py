"""Verification of files from outside in a worker process with a limit on time and memory.

    with Sandbox(trust) as sandbox:
        report = sandbox.verify(content)

    report = verify_untrusted(content, trust)      # the process-wide one

A worker is started once (`spawn`: nothing of this process is inherited), serves many files, and is killed and replaced when a
file takes longer than its time, more memory than allowed, or ends the process. It opens no connection, unless `fetch` is
asked for: then to the hosts that the bundle names. Results are kept by digest of the content, policy and day; never what
was asked with a password or fetched. It never raises for what the file holds.
"""

import atexit
import contextlib
import hashlib
import json
import multiprocessing
import os
import resource
import signal
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import ceil
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from signing.formats import verify_any
from signing.report import Report, Verdict
from signing.trust import Trust
from signing.verification.verify import MAX_BYTES
from signing.verification.words import finding

SECONDS = 10.0  # of the processor, per file: the same file gets the same answer on a busy machine
_PATIENCE = 4  # times as long by the clock, before it is taken for hung
FETCH_SECONDS = 20.0  # more, where the bundle's hosts are asked: as long as `fetching` takes at most
MEMORY_BYTES = 1024 * 1024 * 1024  # address space of the worker
FILES_PER_WORKER = 500  # then a fresh one, so that what libraries leak stays small
CACHED_REPORTS = 512
CACHED_BYTES = 64 * 1024 * 1024  # of all of them, as JSON
MAX_REPORT = 64 * 1024 * 1024  # bytes of JSON; the largest seen has 300 KB

_ENDING_SECONDS = 0.2
_START_SECONDS = 60.0  # a loaded machine imports slowly; this time is not the file's


class Sandbox:
    """One worker at a time behind a lock: give each thread of a pool its own."""

    def __init__(
        self,
        trust: Trust,
        *,
        seconds: float = SECONDS,
        memory_bytes: int = MEMORY_BYTES,
        files_per_worker: int = FILES_PER_WORKER,
    ) -> None:
        self.trust = trust
        self.seconds = seconds
        self.memory_bytes = memory_bytes
        self.files_per_worker = files_per_worker
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._reports: OrderedDict[tuple[str, ...], Report] = OrderedDict()
        self._sizes: dict[tuple[str, ...], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def busy(self) -> bool:
        """Whether a file is being judged just now."""
        return self._lock.locked()

    def verify(
        self,
        content: bytes,
        *,
        at: datetime | None = None,
        name: str = "",
        password: str | None = None,
        signature: bytes | None = None,
        fetch: bool = False,
    ) -> Report:
        """The report, within the limits. The same content on the same day under the same policy is judged once.

        `signature`: a detached CAdES signature of the content. `fetch`: also ask the bundle's hosts about revocation (PDF).
        What was asked with a password is judged each time: neither the password nor what it opened is kept. So is what was
        fetched: its answers are of this minute.
        """
        moment = at or datetime.now(UTC)
        asked = _Asked(
            content=content,
            moment=moment,
            name=name,
            password=password,
            signature=signature,
            fetch=fetch,
            digest=hashlib.sha256(content).hexdigest(),
        )
        # The version is in the report, and two bundles may differ in nothing else.
        policy = (self.trust.digest, self.trust.version)
        beside = hashlib.sha256(signature).hexdigest() if signature is not None else ""
        key = (asked.digest, beside, *policy, moment.isoformat() if at else moment.date().isoformat())
        with self._lock:
            if password is not None or fetch:
                return self._ask(asked)
            known = self._reports.get(key)
            if known is not None:
                self._reports.move_to_end(key)
                return replace(known, file=name)
            report = self._ask(asked)
            if not any(each.code == "RESOURCE_LIMIT" for each in report.findings):
                self._keep(key, report)
            return report

    def _keep(self, key: tuple[str, ...], report: Report) -> None:
        """A hostile file may have a report of megabytes: both their number and what they take together have a bound."""
        size = self._worker.told if self._worker is not None else 0
        if size > CACHED_BYTES:
            return
        self._reports[key] = report
        self._sizes[key] = size
        while len(self._reports) > CACHED_REPORTS or sum(self._sizes.values()) > CACHED_BYTES:
            oldest, _ = self._reports.popitem(last=False)
            del self._sizes[oldest]

    def close(self) -> None:
        """End the worker."""
        with self._lock:
            self._drop()

    def _ask(self, asked: "_Asked") -> Report:
        name, digest, moment = asked.name, asked.digest, asked.moment
        if asked.size > MAX_BYTES:
            return _unreadable(name, digest, moment, self.trust, "TOO_LARGE", str(asked.size))
        patience = self.seconds * _PATIENCE + (FETCH_SECONDS if asked.fetch else 0)
        try:
            worker = self._ready()
            worker.give(asked, self.seconds)
            told = worker.answer(patience)
        except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            told = None
            reason = "process"
        else:
            reason = f"{patience:g} s"
        if told is None:
            if self._worker is not None:
                reason = self._worker.end(self.seconds) or reason
            self._drop()
            return _unreadable(name, digest, moment, self.trust, "RESOURCE_LIMIT", reason)
        if self._worker is not None and self._worker.served >= self.files_per_worker:
            self._drop()
        return told

    def _ready(self) -> "_Worker":
        if self._worker is None or not self._worker.alive:
            self._drop()
            self._worker = _Worker(self.trust, self.memory_bytes)
        return self._worker

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """One question to a worker."""

    content: bytes
    moment: datetime
    name: str
    password: str | None
    signature: bytes | None
    fetch: bool
    digest: str  # of the content, hexadecimal

    @property
    def size(self) -> int:
        """Of all that is sent, in bytes."""
        return len(self.content) + len(self.signature or b"")

    def head(self, seconds: float) -> bytes:
        """What is sent before the bytes."""
        return json.dumps(
            {
                "at": self.moment.isoformat(),
                "name": self.name,
                "password": self.password,
                "detached": self.signature is not None,
                "fetch": self.fetch,
                "seconds": seconds,
            }
        ).encode()


class _Worker:
    """A process that verifies what it is sent."""

    def __init__(self, trust: Trust, memory_bytes: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_work, args=(theirs, {**trust.packed(), "hosts": sorted(trust.hosts)}, memory_bytes), daemon=True
        )
        self.served = 0
        self.told = 0  # bytes of the last report
        self._process.start()
        theirs.close()
        if not self._pipe.poll(_START_SECONDS) or self._pipe.recv_bytes() != b"ready":
            self.kill()
            raise OSError("the worker did not start")

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.is_alive()

    def give(self, asked: _Asked, seconds: float) -> None:
        """Send a file. It is larger than the pipe: the worker reads while it is written."""
        self._pipe.send_bytes(asked.head(seconds))
        self._pipe.send_bytes(asked.content)
        if asked.signature is not None:
            self._pipe.send_bytes(asked.signature)

    def answer(self, seconds: float) -> Report | None:
        """The report, or None when it does not come in time."""
        if not self._pipe.poll(seconds):
            return None
        # As text: what the process of a hostile file sends is read, never run.
        text = self._pipe.recv_bytes(MAX_REPORT)
        report = Report.from_json(json.loads(text))
        self.served += 1
        self.told = len(text)
        return report

    def end(self, seconds: float) -> str:
        """Why it has ended by itself; "" if it has not."""
        self._process.join(_ENDING_SECONDS)  # the pipe is closed a moment before the process is gone
        if self._process.exitcode is None:
            return ""
        return f"{seconds:g} s" if self._process.exitcode == -signal.SIGXCPU else "memory"

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(OSError):
            self._pipe.close()
        if self._process.pid is not None:
            self._process.kill()
            self._process.join(5)


def _work(pipe: Connection, packed: Mapping[str, Any], memory_bytes: int) -> None:
    """The worker's whole life."""
    trust = replace(Trust.unpacked(packed), hosts=frozenset(packed["hosts"]))
    _limit(memory_bytes)
    pipe.send_bytes(b"ready")
    while True:
        try:
            told = json.loads(pipe.recv_bytes())
            content = pipe.recv_bytes()
            signature = pipe.recv_bytes() if told["detached"] else None
        except (EOFError, OSError):
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = ceil(used.ru_utime + used.ru_stime + told["seconds"])  # whole seconds; then SIGXCPU ends it
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        report = _judged(content, signature, trust, told)
        pipe.send_bytes(json.dumps(report.to_json()).encode())


def _judged(content: bytes, signature: bytes | None, trust: Trust, told: Mapping[str, Any]) -> Report:
    at = datetime.fromisoformat(told["at"])
    if signature is not None:
        from signing.cades import verify_cades

        return verify_cades(content, signature, trust, at=at, name=told["name"])
    if told["fetch"]:
        from signing.verification.fetching import with_fetched

        trust = with_fetched(content, trust, at)
    return verify_any(content, trust, at=at, name=told["name"], password=told["password"])


def _limit(memory_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # it writes no file
    with contextlib.suppress(OSError):
        os.nice(5)  # the office goes before strangers' files


def _unreadable(name: str, digest: str, moment: datetime, trust: Trust, code: str, detail: str) -> Report:
    return Report(
        file=name,
        sha256=digest,
        verdict=Verdict.UNREADABLE,
        findings=(finding(code, detail),),
        checked_at=moment,
        policy=trust.version,
    )


_shared: dict[str, list[Sandbox]] = {}
_shared_lock = threading.Lock()
WORKERS = 2  # at once per bundle: a file of ten seconds does not hold up the next person
_MAX_SHARED = 4  # bundles in use at once; more only means that workers are started more often


def verify_untrusted(
    content: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    name: str = "",
    password: str | None = None,
    signature: bytes | None = None,
    fetch: bool = False,
) -> Report:
    """`verify` for a file from outside: 10 s of the processor and 1 GB at most, in a worker that is kept for the next one.

    `signature`: a detached CAdES signature (.p7s) of the content. `fetch` asks the hosts that the bundle names, 20 s more.
    """
    return _free_sandbox(trust).verify(content, at=at, name=name, password=password, signature=signature, fetch=fetch)


def _free_sandbox(trust: Trust) -> Sandbox:
    """One that is idle, a new one while there may be more, else any: it is waited for."""
    with _shared_lock:
        policy = trust.digest + trust.version
        pool = _shared.get(policy)
        if pool is None:
            while len(_shared) >= _MAX_SHARED:
                for sandbox in _shared.pop(next(iter(_shared))):
                    sandbox.close()
            pool = _shared[policy] = []
        idle = next((sandbox for sandbox in pool if not sandbox.busy), None)
        if idle is None and len(pool) < WORKERS:
            idle = Sandbox(trust)
            pool.append(idle)
        return idle or pool[threading.get_ident() % len(pool)]


def verify_file(
    file: bytes | str | Path,
    trust: Trust,
    *,
    at: datetime | None = None,
    name: str | None = None,
    password: str | None = None,
) -> Report:
    """`verify_untrusted` for a path or bytes. A file that cannot be opened is an UNREADABLE report as well."""
    if isinstance(file, bytes):
        return verify_untrusted(file, trust, at=at, name=name or "", password=password)
    shown = name if name is not None else str(file)
    moment = at or datetime.now(UTC)
    try:
        path = Path(file)
        if path.exists() and not path.is_file():
            return _unreadable(shown, "", moment, trust, "UNREADABLE", "not an ordinary file")  # a pipe may have no end
        if path.stat().st_size > MAX_BYTES:
            return _unreadable(shown, "", moment, trust, "TOO_LARGE", str(path.stat().st_size))
        with path.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)  # it may grow meanwhile
    except (OSError, ValueError) as fault:
        return _unreadable(shown, "", moment, trust, "UNREADABLE", type(fault).__name__)
    return verify_untrusted(content, trust, at=at, name=shown, password=password)


@atexit.register
def close_all() -> None:
    """End every shared worker."""
    with _shared_lock:
        while _shared:
            for sandbox in _shared.popitem()[1]:
                sandbox.close()
