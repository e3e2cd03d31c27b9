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
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from signing.batch.order import Order
from signing.batch.path import FastPath, Opened
from signing.batch.unusual import Unusual
from signing.errors import BadRequest, LevelNotReached, NotAPdf, NotASignablePdf, SigningError, WrongSecret
from signing.levels import Level

# A group waits in memory for its evidence: so many documents, or so many bytes.
GROUP_DOCUMENTS = 128
GROUP_BYTES = 24 * 1024 * 1024

# What one process takes at a time.
PORTION = 32

# What a file system without nameless files answers.
_NO_NAMELESS_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})

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


def sign_files(
    jobs: Iterable[Job], path: FastPath, *, otherwise: Otherwise | None = None, sync: bool = False
) -> Iterator[Done | NotDone]:
    """Sign each job's source into its target. Ends after the first WrongSecret.

    `otherwise` signs documents that the fast path declines; without it they fail with NotASignablePdf. `sync`: each target
    is on the disk before its result comes.
    """
    group: list[tuple[Job, Opened]] = []
    held = 0
    for job in jobs:
        opened = _opened(job, path, otherwise, sync=sync)
        if isinstance(opened, Opened) and job.order.level >= Level.B_LT:
            group.append((job, opened))
            held += len(opened.data)
            if len(group) >= GROUP_DOCUMENTS or held >= GROUP_BYTES:
                yield from _finished(group, path, sync=sync)
                group, held = [], 0
        elif isinstance(opened, Opened):
            yield _written(job, [opened.data, *opened.added], sync=sync)
        else:
            yield opened
            if isinstance(opened, NotDone) and isinstance(opened.error, WrongSecret):
                break
    yield from _finished(group, path, sync=sync)


def sign_files_at_once(
    jobs: Iterable[Job],
    open_path: Callable[[], AbstractContextManager[FastPath]],
    *,
    processes: int = 2,
    otherwise: Otherwise | None = None,
    sync: bool = False,
) -> Iterator[Done | NotDone]:
    """`sign_files` by several processes; results come in the order of the jobs.

    `open_path` and `otherwise` are called in each process, so they must be functions of a module (with functools.partial).
    It is called here first: a wrong PIN is then tried once and not once per process.
    """
    with open_path():
        pass
    context = multiprocessing.get_context("spawn")  # a forked copy of a process with threads may hang
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_open_here, initargs=(open_path,)) as pool:
        left = iter(jobs)
        running = [pool.submit(_sign_portion, portion, otherwise, sync=sync) for portion in _portions(left, processes + 1)]
        while running:
            results = running.pop(0).result()
            yield from results
            if any(isinstance(each, NotDone) and isinstance(each.error, WrongSecret) for each in results):
                pool.shutdown(cancel_futures=True)
                return
            running += [pool.submit(_sign_portion, portion, otherwise, sync=sync) for portion in _portions(left, 1)]


def _portions(jobs: Iterator[Job], most: int) -> Iterator[list[Job]]:
    for _ in range(most):
        if portion := list(islice(jobs, PORTION)):
            yield portion


_here: dict[str, FastPath] = {}  # of a signing process: its path, open until the process ends
_open = ExitStack()


def _open_here(open_path: Callable[[], AbstractContextManager[FastPath]]) -> None:
    _here["path"] = _open.enter_context(open_path())


def _sign_portion(jobs: Sequence[Job], otherwise: Otherwise | None, *, sync: bool) -> list[Done | NotDone]:
    return list(sign_files(jobs, _here["path"], otherwise=otherwise, sync=sync))


def _opened(job: Job, path: FastPath, otherwise: Otherwise | None, *, sync: bool) -> Opened | Done | NotDone:
    try:
        data = _read(job.source)
        try:
            return path.open(data, job.order)
        except Unusual as reason:
            if otherwise is None:
                raise NotASignablePdf(
                    f"{job.source.name} không ký được bằng đường nhanh: {reason}",
                    f"{job.source.name} is not for the fast path: {reason}",
                ) from reason
            result = _written(job, [otherwise(data, job.order)], sync=sync)
            return Done(id=job.id, by_fast_path=False) if isinstance(result, Done) else result
    except LevelNotReached as short:
        _written(job, [short.signed], sync=sync)
        return NotDone(id=job.id, error=short)
    except SigningError as error:
        return NotDone(id=job.id, error=error)


def _finished(group: Sequence[tuple[Job, Opened]], path: FastPath, *, sync: bool) -> Iterator[Done | NotDone]:
    """Evidence for the group; what cannot be finished is kept as the B-T document it is."""
    path.finish([opened for _, opened in group])
    for job, opened in group:
        result = _written(job, [opened.data, *opened.added], sync=sync)
        if opened.failure is None or isinstance(result, NotDone):
            yield result
        else:
            yield NotDone(id=job.id, error=opened.failure)


def _read(source: Path) -> bytes:
    try:
        with source.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > LARGEST_FILE:
                raise NotASignablePdf(
                    f"{source.name} quá lớn: {size} byte, tối đa {LARGEST_FILE}",
                    f"{source.name} is too large: {size} bytes, at most {LARGEST_FILE}",
                )
            return file.read()
    except OSError as error:
        raise NotAPdf(f"Không đọc được {source}: {error.strerror}", f"Cannot read {source}: {error.strerror}") from error


def _written(job: Job, pieces: Sequence[bytes], *, sync: bool) -> Done | NotDone:
    """The whole target or none; a name that is taken is refused."""
    try:
        try:
            _write_nameless(job.target, pieces, sync=sync)
        except OSError as error:
            if error.errno not in _NO_NAMELESS_FILES:
                raise
            _write_renamed(job.target, pieces, sync=sync)
    except OSError as error:
        what = BadRequest(f"Không ghi được {job.target}: {error.strerror}", f"Cannot write {job.target}: {error.strerror}")
        return NotDone(id=job.id, error=what)
    return Done(id=job.id)


def _write_nameless(target: Path, pieces: Sequence[bytes], *, sync: bool) -> None:
    """A file without a name until it is complete: a crash leaves nothing behind."""
    handle = os.open(target.parent, os.O_TMPFILE | os.O_WRONLY, 0o644)
    try:
        _write_all(handle, pieces, sync=sync)
        # With a folder given, `link` follows /proc's symbolic link (linkat with AT_SYMLINK_FOLLOW; see open(2)).
        os.link(f"/proc/self/fd/{handle}", target, src_dir_fd=handle)
    finally:
        os.close(handle)


def _write_renamed(target: Path, pieces: Sequence[bytes], *, sync: bool) -> None:
    """The same on file systems without nameless files (NFS): a crash may leave a file that ends with `.part`."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        try:
            _write_all(handle, pieces, sync=sync)
        finally:
            os.close(handle)
        os.link(part, target)
    finally:
        part.unlink()


def _write_all(handle: int, pieces: Sequence[bytes], *, sync: bool) -> None:
    left = [memoryview(piece) for piece in pieces]
    while left:
        written = os.writev(handle, left)
        while left and written >= len(left[0]):
            written -= len(left.pop(0))
        if left and written:
            left[0] = left[0][written:]
    if sync:
        os.fdatasync(handle)
