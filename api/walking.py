"""Files and folders that somebody names, as files: folders are walked to the bottom, in order of their names.

    for found in walked([Path("so-diem-2026"), Path("quyet-dinh.pdf")]):
        found.path, found.named, found.problem

A folder that cannot be read is found too, with its problem: nothing is passed over in silence. Links to folders are not
followed, so that no walk goes round in circles or leaves the folder that was named.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from signing.cades_verify import is_cms

DETACHED = ".p7s"
# Taken from a folder by their name, whatever they hold: what claims to be a signed file and is none, is to be told.
SIGNED_ENDINGS = frozenset([".pdf", ".xml", DETACHED, ".p7m", ".asice", ".asics", ".sce", ".scs", ".bdoc"])
_FIRST_BYTES = 1024
_PACKAGE = b"mimetypeapplication/vnd.etsi.asic"  # EN 319 162-1, A.1: the first entry, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file; or a folder that cannot be read, with the reason."""

    path: Path
    named: bool = True  # by the person; False: it stands in a folder that was named
    problem: OSError | None = None


def walked(paths: Iterable[Path]) -> Iterator[Found]:
    """What was named, in the order given; each folder replaced by all ordinary files under it."""
    for path in paths:
        if os.path.isdir(path):  # noqa: PTH112 -- Path.is_dir raises where a folder above is closed, or a name is too long
            yield from _inside(path)
        else:
            yield Found(path=path)


def _inside(folder: Path) -> Iterator[Found]:
    """Depth first, entries by name. A stack, not recursion: folders may be nested deeper than Python's calls."""
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        try:
            is_folder = path.is_dir() and (path == folder or not path.is_symlink())
            entries = sorted(path.iterdir(), key=lambda each: os.fsencode(each.name), reverse=True) if is_folder else []
        except OSError as problem:
            yield Found(path=path, named=False, problem=problem)
            continue
        if is_folder:
            waiting += entries
        elif _is_ordinary(path):
            yield Found(path=path, named=False)


def _is_ordinary(path: Path) -> bool:
    """A file, or a link that leads to one or nowhere; no pipe, no device, no link to a folder."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return True  # whoever opens it says why not


def may_be_signed(path: Path) -> bool:
    """Whether signatures are looked for in a file that stands in a folder: by its name, else by its first bytes.

    XML is taken by its name alone: pages and pictures are written in it too.
    """
    if path.suffix.lower() in SIGNED_ENDINGS:
        return True
    try:
        with path.open("rb") as file:
            start = file.read(_FIRST_BYTES)
    except OSError:
        return True
    return b"%PDF-" in start or is_cms(start) or is_package(start)


def is_package(start: bytes) -> bool:
    """Whether a file that begins so is an ASiC package and no other ZIP."""
    return start.startswith(b"PK\x03\x04") and start[30:].startswith(_PACKAGE)


def signature_beside(path: Path) -> Path | None:
    """The detached signature over a file: its name and `.p7s`."""
    beside = Path(f"{path}{DETACHED}")
    return beside if _is_there(beside) else None


def signed_by(path: Path) -> Path | None:
    """The file that a detached signature is over: the one of its name without `.p7s`."""
    return path.with_suffix("") if path.suffix.lower() == DETACHED and _is_there(path.with_suffix("")) else None


def _is_there(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 -- Path.is_file raises where a folder is closed, or a name is too long
