"""Rendering again what a file's data say takes seconds for a volume; the answer for the same bytes is the same all day."""

import threading
from collections import OrderedDict

import documents

# An answer is a few hundred bytes.
KEPT = 1000


class Renderings:
    """Remembers what was found, by the digest of the whole file."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: OrderedDict[str, documents.RenderProof] = OrderedDict()

    def of(self, digest: str, content: bytes) -> documents.RenderProof:
        """What `documents.proves` says of this file."""
        with self._lock:
            if digest in self._found:
                return self._found[digest]
        answer = documents.proves(content)
        with self._lock:
            self._found[digest] = answer
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return answer
