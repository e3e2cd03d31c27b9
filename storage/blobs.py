"""Bytes under their own SHA-256, in plain files: `sha256/ab/cd/<digest>`.

    blobs = Blobs(Path("/var/lib/soky"))
    digest = blobs.put(pdf)        # on the disk when it returns
    pdf = blobs.get(digest)        # hashed again; BlobChanged if it is not what was put

A file is never changed: it is written aside, synced, renamed to its place, and its folder is synced. A crash before the
rename leaves a file in `incoming/`; one between put and the event leaves a blob that nobody names. `orphans` lists both.
Trust: whoever can write here can make us stop, and cannot make us believe other bytes.
"""

import os
import secrets
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path
from string import hexdigits
from typing import Final

from storage.errors import BadDigest, BlobChanged
from workflow.errors import both
from workflow.events import Digest
from workflow.store import NotKept

_DIGITS: Final = frozenset(hexdigits.lower())
_READ_ONLY: Final = 0o444


class Blobs:
    """A folder of immutable files. Safe to use from many threads and processes."""

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "sha256"
        self._incoming = folder / "incoming"
        for place in (self._kept, self._incoming):
            place.mkdir(parents=True, exist_ok=True)
        sync_folder(folder)

    def put(self, content: bytes) -> Digest:
        """Keep bytes. Durable when it returns; the same bytes twice are kept once."""
        digest = Digest(sha256(content).hexdigest())
        place = self._place(digest)
        if self._is_there(place, content):
            return digest
        self._make_folders(place)
        write_durably(place, content, aside=self._incoming)
        return digest

    def get(self, digest: Digest) -> bytes:
        """The bytes. NotKept if absent, BlobChanged if they are no longer those."""
        try:
            content = self._place(digest).read_bytes()
        except FileNotFoundError:
            raise NotKept(both(f"Không lưu tệp nào có mã băm {digest}", f"No file with the digest {digest} is kept")) from None
        if (found := sha256(content).hexdigest()) != digest:
            raise BlobChanged(
                both(f"Tệp {digest} đã bị thay đổi: nay là {found}", f"The file {digest} was changed: now it is {found}")
            )
        return content

    def size(self, digest: Digest) -> int | None:
        """In bytes, as the disk says; None if absent. Nothing is hashed."""
        try:
            return self._place(digest).stat().st_size
        except FileNotFoundError:
            return None

    def digests(self) -> Iterator[Digest]:
        """All that are kept, sorted."""
        for path in sorted(self._kept.glob("??/??/*")):
            yield Digest(path.name)

    def orphans(self, named: Collection[Digest]) -> tuple[Path, ...]:
        """Files that no event names, and what crashes left half-written. Safe to delete once no office is writing."""
        kept = [path for path in sorted(self._kept.glob("??/??/*")) if path.name not in named]
        return (*kept, *sorted(self._incoming.iterdir()))

    def path(self, digest: Digest) -> Path:
        """Where the bytes are, for a program that streams them. Whoever uses it must hash them itself."""
        return self._place(digest)

    def _place(self, digest: Digest) -> Path:
        if len(digest) != sha256().digest_size * 2 or not _DIGITS.issuperset(digest):
            raise BadDigest(both(f"Không phải mã băm SHA-256: {digest!r:.80}", f"Not a SHA-256 digest: {digest!r:.80}"))
        return self._kept / digest[:2] / digest[2:4] / digest

    def _is_there(self, place: Path, content: bytes) -> bool:
        # Compared, not only seen: a file of the right name with other bytes is replaced by the right ones. And synced:
        # another process may have renamed it a moment ago without having synced the folder yet.
        try:
            there = place.read_bytes() == content
        except FileNotFoundError:
            return False
        if there:
            sync_folder(place.parent)
        return there

    def _make_folders(self, place: Path) -> None:
        for folder in (place.parent.parent, place.parent):
            if not folder.exists():
                folder.mkdir(exist_ok=True)
                sync_folder(folder.parent)


def write_durably(place: Path, content: bytes, *, aside: Path, mode: int = _READ_ONLY) -> None:
    """Put a whole file in its place, or nothing: temp, fsync, rename, fsync of the folder."""
    unfinished = aside / f"{place.name}.{secrets.token_hex(8)}"
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        # A crash here leaves an unfinished file aside: an orphan.
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        # A crash here leaves a finished file aside: an orphan.
        unfinished.rename(place)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    # A crash here may leave the name or not; the content is whole in both cases.
    sync_folder(place.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
