"""A signed file appears whole or not at all, and never in the place of another one."""

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from signing.errors import BadRequest

# What a file system without nameless files answers.
_NO_NAMELESS_FILES = frozenset({errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL})


def write_new(target: Path, pieces: Sequence[bytes], *, sync: bool) -> None:
    """The pieces as a new file; BadRequest when the name is taken or the disk refuses. `sync`: the disk has the bytes."""
    try:
        try:
            _write_nameless(target, pieces, sync=sync)
        except OSError as error:
            if error.errno not in _NO_NAMELESS_FILES:
                raise
            _write_renamed(target, pieces, sync=sync)
        if sync:
            _sync_folder(target.parent)
    except OSError as error:
        raise BadRequest(f"Không ghi được {target}: {error.strerror}", f"Cannot write {target}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    """The name too is on the disk, not only what stands under it."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
