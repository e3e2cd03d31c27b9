"""What a detached signature signs: bytes, or a file that is looked at where it lies, each digest of it made once.

with opened(path) as data:                    # half a gigabyte takes no memory
    p7s = sign_cades(data, signer)

content = SignedContent(data)
content.digest("sha256"), content.is_same(inside), content.size
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import ACCESS_READ, mmap
from pathlib import Path

from signing.verification.faults import BadDer

Data = bytes | mmap


@contextmanager
def opened(path: Path) -> Iterator[Data]:
    """The bytes of a file, mapped: nobody may write to it meanwhile. Raises OSError."""
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            yield b""  # an empty file cannot be mapped
            return
        with mmap(file.fileno(), 0, access=ACCESS_READ) as mapped:
            yield mapped


class SignedContent:
    """Data with the digests that were made of them: a hostile container asks for the same one a hundred times."""

    __slots__ = ("_digests", "data")

    def __init__(self, data: Data) -> None:
        self.data = data
        self._digests: dict[str, bytes] = {}

    @property
    def size(self) -> int:
        """In bytes."""
        return len(self.data)

    def digest(self, name: str) -> bytes:
        """By the names that `signing.verification.signed_data` uses. Raises BadDer for one that cannot be computed here."""
        if name not in self._digests:
            try:
                self._digests[name] = hashlib.new(name, self.data, usedforsecurity=False).digest()
            except ValueError as fault:
                raise BadDer(f"the digest {name} cannot be computed here") from fault
        return self._digests[name]

    def is_same(self, other: bytes) -> bool:
        """Whether these are the same bytes."""
        return len(other) == self.size and hashlib.sha256(other).digest() == self.digest("sha256")
