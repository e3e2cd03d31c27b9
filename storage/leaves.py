"""What stands in the public log for a row that is not public.

    record     = {"actor": who or null, "event": the body}      canonical JSON, stays here
    commitment = SHA-256(nonce || record)                       16 random bytes keep it from being guessed
    leaf       = {"at", "commitment", "seq", "stream", "tag"}   canonical JSON, goes into the log

`stream` is the SHA-256 of "case:<case id>" or "directory:<unit id>". So a leaf holds times, a tag and digests, never
personal data; whoever is shown the record and the nonce can check it (ND 13/2023: erasing the nonce closes it for ever).
A leaf follows from its row alone: `leaf` is used when the row is written and when the log is verified.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from directory.values import UnitId
from workflow.encoding import canonical
from workflow.events import CaseId

NONCE_BYTES: Final = 16
DIRECTORY_TAG: Final = "directory-saved/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The columns of a row that its leaf binds. `at` is text as `instant_text` writes it."""

    stream: str
    seq: int
    at: str
    tag: str
    actor: str | None
    body: bytes
    nonce: bytes


def record(row: Row) -> bytes:
    """Who and what. The body is canonical JSON already, so that joining gives canonical JSON."""
    return b'{"actor":' + canonical(row.actor) + b',"event":' + row.body + b"}"


def leaf(row: Row) -> bytes:
    """The bytes that are hashed into the log."""
    return canonical(
        {
            "at": row.at,
            "commitment": sha256(row.nonce + record(row)).hexdigest(),
            "seq": row.seq,
            "stream": sha256(row.stream.encode()).hexdigest(),
            "tag": row.tag,
        }
    )


def case_stream(case: CaseId) -> str:
    """The stream of a case's events."""
    return f"case:{case}"


def directory_stream(unit: UnitId) -> str:
    """The stream of a unit's directory."""
    return f"directory:{unit}"
