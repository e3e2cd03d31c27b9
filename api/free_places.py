"""Where a command may write: what stands there is not overwritten unasked, and never where it is what was read."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from signing.visible import visible


def no_place(target: Path, sources: Iterable[Path], *, force: bool, over_sources: bool = False) -> str | None:
    """Why nothing is written to `target`, as `CODE: sentence`; None where it may be.

    Free is a name that nobody has, an ordinary file without a byte (as `mktemp` leaves it), a device or a pipe; with
    `force` any file but the `sources`, and with `over_sources` these too. A link, or another name, of a source is that source.
    """
    shown = visible(str(target))
    if os.path.isdir(target):  # noqa: PTH112 -- Path.is_dir raises where a folder is closed
        return f"OUT_IS_FOLDER: «{shown}» là thư mục, cần tên tệp / “{shown}” is a folder, a file's name is needed"
    if any(_is_same(target, source) for source in sources):
        if over_sources:
            return (
                None if force else f"OUT_IS_IN: «{shown}» là chính tệp đầu vào; thêm --force để ghi đè / “{shown}” is IN itself"
            )
        return f"OUT_IS_IN: «{shown}» là chính tệp đầu vào, không ghi đè / “{shown}” is what is read, it is never overwritten"
    if force or not os.path.lexists(target) or _is_room(target):
        return None
    return (
        f"OUT_EXISTS: «{shown}» đã có, không ghi đè; thêm --force nếu muốn / “{shown}” is there already, --force overwrites it"
    )


def _is_same(one: Path, other: Path) -> bool:
    if os.path.realpath(one) == os.path.realpath(other):
        return True
    try:
        return one.samefile(other)
    except OSError:
        return False  # one of them is not there, or cannot be looked at


def _is_room(target: Path) -> bool:
    """Whether nothing is lost: a file without a byte under its own name, or what keeps nothing (`/dev/stdout`, a pipe)."""
    try:
        there = target.stat()
    except OSError:
        return False
    if stat.S_ISREG(there.st_mode):
        return not there.st_size and not target.is_symlink()
    return stat.S_ISCHR(there.st_mode) or stat.S_ISFIFO(there.st_mode)
