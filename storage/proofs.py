"""A proof that one step is in the log, as a small text that needs nothing else (c2sp.org/tlog-proof).

    text = write_proof(leaf, index, hashes, checkpoint_note)
    leaf, checkpoint = check_proof(text, [verifier])        # BadProof, BadNote

The `extra` line carries the leaf: its hash is what is proven. What the step says is kept apart (`StepEvidence`), because a
leaf holds digests only.
"""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from storage.errors import BadProof
from storage.merkle import LONGEST_PROOF, Hash, hash_leaf, verify_inclusion
from storage.notes import Checkpoint, Verifier, open_note
from workflow.errors import both
from workflow.events import CaseId

_FIRST_LINE: Final = "c2sp.org/tlog-proof@v1"
LARGEST_PROOF: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEvidence:
    """All that somebody needs to be convinced that a step was recorded, without us: these bytes and the log's public key.

    commitment in the leaf = SHA-256(nonce || record); the proof shows that the leaf is in the log.
    """

    case: CaseId
    seq: int
    record: bytes  # canonical JSON: who, and what happened
    nonce: bytes
    leaf: bytes
    proof: str  # c2sp.org/tlog-proof@v1

    def check(self, verifiers: Iterable[Verifier]) -> Checkpoint:
        """The checkpoint under which the step is proven. BadProof or BadNote if it is not."""
        leaf, checkpoint = check_proof(self.proof, verifiers)
        commitment = sha256(self.nonce + self.record).hexdigest()
        if leaf != self.leaf or json.loads(leaf).get("commitment") != commitment:
            raise _bad("bản ghi không khớp với nhật ký", "the record is not the one that the log holds")
        return checkpoint


def write_proof(leaf: bytes, index: int, hashes: Sequence[Hash], note: str) -> str:
    """The text; conventionally a file `.tlog-proof`."""
    lines = [_FIRST_LINE, f"extra {_base64(leaf)}", f"index {index}", *map(_base64, hashes), "", note]
    return "\n".join(lines)


def check_proof(text: str, verifiers: Iterable[Verifier]) -> tuple[bytes, Checkpoint]:
    """The leaf that it proves and the checkpoint it stands under. BadProof or BadNote if it proves nothing."""
    if len(text) > LARGEST_PROOF:
        raise _bad("quá dài", "it is too long")
    head, _, note = text.partition("\n\n")
    first, *lines = head.split("\n")
    if first != _FIRST_LINE or len(lines) < 2 or len(lines) > LONGEST_PROOF + 2:  # noqa: PLR2004 - extra and index
        raise _bad("không phải tlog-proof", "it is no tlog-proof with a leaf")
    leaf = _unbase64(_after("extra ", lines[0]))
    number = _after("index ", lines[1])
    if not number.isascii() or not number.isdigit() or len(number) > 19 or str(int(number)) != number:  # noqa: PLR2004 - 2**63
        raise _bad("số thứ tự sai", "its index is no number")
    checkpoint = Checkpoint.parse(open_note(note, verifiers))
    verify_inclusion(hash_leaf(leaf), int(number), checkpoint.size, [_unbase64(line) for line in lines[2:]], checkpoint.root)
    return leaf, checkpoint


def _after(prefix: str, line: str) -> str:
    if not line.startswith(prefix):
        raise _bad(f"thiếu dòng {prefix}", f"the line {prefix}is missing")
    return line.removeprefix(prefix)


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _bad("base64 sai", "its base64 is wrong") from None


def _bad(vi: str, en: str) -> BadProof:
    return BadProof(both(f"Bằng chứng nhật ký không đúng: {vi}", f"The log's proof is wrong: {en}"))
