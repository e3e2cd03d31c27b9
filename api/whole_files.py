"""A file is written whole or not at all: beside its place, onto the disk, and only then under its name."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

_ASIDE = ".soky-"  # short: the name itself may already be as long as the file system allows


def write_whole(path: Path, content: bytes) -> None:
    """After a power failure the old file or the new one is there, never half of one; where it fails nothing is left beside.

    A symbolic link stays one. A file that is replaced keeps its mode, and its owner where we may give it; a new one gets the
    mode of this user's new files. Raises OSError, with the file's own name.
    """
    real = Path(os.path.realpath(path))  # Path.resolve raises RuntimeError for links in a circle
    try:
        before = _stat(real)
        if before is not None and not stat.S_ISREG(before.st_mode):
            # A device or a pipe is written to, never put out of its place; a folder says what it is.
            with real.open("wb") as there:
                there.write(content)
            return
        descriptor, name = tempfile.mkstemp(dir=real.parent, prefix=_ASIDE)
    except OSError as problem:
        raise _about(problem, path) from problem
    aside = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as half:
            half.write(content)
            half.flush()
            os.fchmod(half.fileno(), stat.S_IMODE(before.st_mode) if before else 0o666 & ~_mask())
            if before is not None:
                with contextlib.suppress(PermissionError):  # only root gives files away
                    os.fchown(half.fileno(), before.st_uid, before.st_gid)
            os.fsync(half.fileno())
        aside.replace(real)
    except OSError as problem:
        raise _about(problem, path) from problem
    finally:
        aside.unlink(missing_ok=True)
    _settle(real.parent)


def _settle(folder: Path) -> None:
    """The new name itself onto the disk. A file system that cannot do so for folders keeps it in its own way."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _about(problem: OSError, path: Path) -> OSError:
    """The same, naming the file that was asked for and not the one beside it."""
    return type(problem)(problem.errno, problem.strerror, str(path)) if problem.errno is not None else problem
