"""Rendering again what a file's data say takes seconds for a volume; the answer for the same bytes is the same all day."""

import threading
from collections import OrderedDict

import documents
from api.proving import prove

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
        answer = _proved(content)
        with self._lock:
            self._found[digest] = answer
            if len(self._found) > KEPT:
                self._found.popitem(last=False)
        return answer


def _proved(content: bytes) -> documents.RenderProof:
    """In a process with limits: whoever has a trusted certificate may have put anything into the file."""
    told = prove(content)["render"]
    vi, _, en = str(told["message"]).partition(" / ")
    answer = documents.Proof(told["answer"]) if told["answer"] in set(documents.Proof) else documents.Proof.NOT_OURS
    return documents.RenderProof(answer=answer, code=str(told["code"]), vi=vi, en=en or vi)
