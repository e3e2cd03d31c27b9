"""Many files signed with one key, from file to file, by one process or several.

    for result in sign_files(jobs, path):                       # one process
        ...
    for result in sign_files_at_once(jobs, open_path, processes=2):

One result per job; a bad document does not stop the others, a wrong PIN stops the batch. The target appears whole or not
at all: it is written under another name first. Documents that want evidence (B-LT, B-LTA) are signed and timestamped in
groups, then the issuers are asked once for the group, so that no answer is older than a timestamp.
"""

import errno
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

from signing.batch.order import Order
from signing.batch.path import FastPath, Opened
from signing.batch.unusual import Unusual
from signing.batch.writing import write_new
from signing.errors import (
    AuthorisationExpired,
    AuthorisationRefused,
    BadRequest,
    BadSignatureValue,
    KeyUnavailable,
    LevelNotReached,
    NotAPdf,
    NotASignablePdf,
    SigningError,
    TimestampRefused,
    WrongSecret,
)
from signing.levels import Level

# A group waits in memory for its evidence: so many documents, or so many bytes.
GROUP_DOCUMENTS = 128
GROUP_BYTES = 24 * 1024 * 1024

# What one process takes at a time.
PORTION = 32

# After these nothing more is tried (as in `sign_many`); after so many of the others in a row neither.
FINAL = (WrongSecret, AuthorisationRefused, AuthorisationExpired)
IN_VAIN = (KeyUnavailable, TimestampRefused, BadSignatureValue)
MOST_IN_VAIN = 3

_DISK_OVER = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EACCES, errno.EPERM})

# A file that is larger is no document of ours, and would not fit into a signing process.
LARGEST_FILE = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One file to sign."""

    id: str
    source: Path
    target: Path  # must not exist
    order: Order


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The target is there."""

    id: str
    by_fast_path: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDone:
    """There is no target (or, with LevelNotReached, one of a lower level)."""

    id: str
    error: SigningError


Otherwise = Callable[[bytes, Order], bytes]  # signs what the fast path declines
Judge = Callable[[bytes], None]  # raises SigningError when a signed document does not hold

# Each so many documents of a batch one is shown to the judge, the first one always.
JUDGED_EVERY = 64


def sign_files(
    jobs: Iterable[Job],
    path: FastPath,
    *,
    otherwise: Otherwise | None = None,
    judge: Judge | None = None,
    sync: bool = False,
) -> Iterator[Done | NotDone]:
    """Sign each job's source into its target. Ends when the key is over (wrong PIN, refused on the phone, three failures in a
    row of key or timestamp authority), when the disk takes nothing more, and when the judge finds a broken result.

    A target that is there, or was another job's, is refused before the key is used. Killed at any moment, each target is there
    whole or not at all: gone on with the same jobs, those that are done say so.

    `otherwise` signs documents that the fast path declines; without it they fail with NotASignablePdf. `judge` looks at the
    first result and at every 64th. `sync`: each target is on the disk before its result comes.
    """
    desk = _Desk(path, otherwise, judge, sync)
    group: list[tuple[Job, Opened]] = []
    held = 0
    for job in jobs:
        opened = desk.opened(job)
        if isinstance(opened, Opened) and job.order.level >= Level.B_LT:
            group.append((job, opened))
            held += len(opened.data)
            if len(group) >= GROUP_DOCUMENTS or held >= GROUP_BYTES:
                yield from desk.finished(group)
                group, held = [], 0
        else:
            yield opened if isinstance(opened, Done | NotDone) else desk.written(job, opened)
        if desk.is_closed:
            break
    yield from desk.finished(group)


@dataclass(slots=True)
class _Desk:
    """Where one process signs."""

    path: FastPath
    otherwise: Otherwise | None
    judge: Judge | None
    sync: bool
    is_closed: bool = False  # nothing more is signed
    _count: int = 0
    _in_vain: int = 0  # uses of the key that came to nothing, in a row
    _targets: set[Path] = field(default_factory=set)

    def opened(self, job: Job) -> Opened | Done | NotDone:
        """The signed document in memory; or, where it was signed another way or not at all, the result."""
        try:
            self._require_free(job.target)
            data = _read(job.source)
            try:
                opened = self.path.open(data, job.order)
            except Unusual as reason:
                if self.otherwise is None:
                    raise NotASignablePdf(
                        f"{job.source.name} không ký được bằng đường nhanh: {reason}",
                        f"{job.source.name} is not for the fast path: {reason}",
                    ) from reason
                write_new(job.target, [self.otherwise(data, job.order)], sync=self.sync)
                self._in_vain = 0
                return Done(id=job.id, by_fast_path=False)
            self._in_vain = 0
            return opened  # noqa: TRY300 - the last of three ways that end here
        except LevelNotReached as short:
            return self._kept(job, short)
        except SigningError as error:
            self._in_vain += isinstance(error, IN_VAIN)
            self.is_closed = isinstance(error, FINAL) or self._in_vain >= MOST_IN_VAIN
            return self._not_done(job, error)

    def _require_free(self, target: Path) -> None:
        """BadRequest for a name that is taken: found out afterwards it would have cost a use of the key."""
        if target in self._targets or os.path.lexists(target):
            raise BadRequest(f"Không ghi được {target}: đã có sẵn", f"Cannot write {target}: it is there already")
        self._targets.add(target)

    def _not_done(self, job: Job, error: SigningError) -> NotDone:
        # A disk that takes nothing more takes nothing of the next document either.
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _DISK_OVER:
            self.is_closed = True
        return NotDone(id=job.id, error=error)

    def finished(self, group: Sequence[tuple[Job, Opened]]) -> Iterator[Done | NotDone]:
        """Evidence for the group; what cannot be finished is kept as the B-T document it is."""
        self.path.finish([opened for _, opened in group])
        for job, opened in group:
            yield self.written(job, opened) if opened.failure is None else self._kept(job, opened.failure)

    def written(self, job: Job, opened: Opened) -> Done | NotDone:
        """The target, after the judge has looked at it where it is its turn."""
        self._count += 1
        try:
            if self.judge is not None and self._count % JUDGED_EVERY == 1:
                self._judged(self.judge, opened)
            write_new(job.target, [opened.data, *opened.added], sync=self.sync)
        except SigningError as error:
            return self._not_done(job, error)
        return Done(id=job.id)

    def _judged(self, judge: Judge, opened: Opened) -> None:
        try:
            judge(opened.whole())
        except SigningError:
            self.is_closed = True  # the program is at fault: whatever it signs next is doubtful too
            raise

    def _kept(self, job: Job, short: LevelNotReached) -> NotDone:
        try:
            write_new(job.target, [short.signed], sync=self.sync)
        except SigningError as error:
            return self._not_done(job, error)
        return NotDone(id=job.id, error=short)


def sign_files_at_once(
    jobs: Iterable[Job],
    open_path: Callable[[], AbstractContextManager[FastPath]],
    *,
    processes: int = 2,
    otherwise: Otherwise | None = None,
    judge: Judge | None = None,
    sync: bool = False,
) -> Iterator[Done | NotDone]:
    """`sign_files` by several processes; results come in the order of the jobs.

    `open_path`, `otherwise` and `judge` are called in each process, so they must be functions of a module (or partials of
    such). `open_path` is called here first: a wrong PIN is then tried once and not once per process.
    """
    with open_path():
        pass
    context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_open_here, initargs=(open_path,)) as pool:
        left = iter(jobs)
        sign_portion = partial(_sign_portion, otherwise=otherwise, judge=judge, sync=sync)
        running = [pool.submit(sign_portion, portion) for portion in _portions(left, processes + 1)]
        while running:
            results = running.pop(0).result()
            yield from results
            if any(isinstance(each, NotDone) and isinstance(each.error, FINAL) for each in results):
                pool.shutdown(cancel_futures=True)
                return
            running += [pool.submit(sign_portion, portion) for portion in _portions(left, 1)]


def _portions(jobs: Iterator[Job], most: int) -> Iterator[list[Job]]:
    for _ in range(most):
        if portion := list(islice(jobs, PORTION)):
            yield portion


_here: dict[str, FastPath] = {}  # of a signing process: its path, open until the process ends
_open = ExitStack()


def _open_here(open_path: Callable[[], AbstractContextManager[FastPath]]) -> None:
    _here["path"] = _open.enter_context(open_path())


def _sign_portion(jobs: Sequence[Job], otherwise: Otherwise | None, judge: Judge | None, *, sync: bool) -> list[Done | NotDone]:
    return list(sign_files(jobs, _here["path"], otherwise=otherwise, judge=judge, sync=sync))


def _read(source: Path) -> bytes:
    try:
        handle = os.open(source, os.O_RDONLY)
        try:
            size = os.fstat(handle).st_size
            if size > LARGEST_FILE:
                raise NotASignablePdf(
                    f"{source.name} quá lớn: {size} byte, tối đa {LARGEST_FILE}",
                    f"{source.name} is too large: {size} bytes, at most {LARGEST_FILE}",
                )
            return os.read(handle, size)  # a file that shrinks meanwhile is cut off, and declined as such
        finally:
            os.close(handle)
    except OSError as error:
        raise NotAPdf(f"Không đọc được {source}: {error.strerror}", f"Cannot read {source}: {error.strerror}") from error
