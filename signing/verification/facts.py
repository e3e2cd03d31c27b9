"""What a signed PDF says, as values: the bridge between reading the file and judging it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from signing.report import ChangedField, Changes, Finding


class Coverage(IntEnum):
    """How much of the file the digest of a signature holds."""

    UNCLEAR = 0  # not one block from the first byte on, with one gap that is exactly /Contents
    REVISION = 1  # a whole earlier state of the file
    WHOLE_FILE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Later:
    """What happened to the document after one signature."""

    changes: Changes
    findings: tuple[Finding, ...] = ()
    changed_fields: tuple[ChangedField, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSignature:
    """One signature dictionary in the field that holds it."""

    field: str
    object_id: int  # two fields may show one signature object
    subfilter: str
    filter: str
    is_timestamp: bool
    byte_range: tuple[int, ...]
    contents: bytes  # the whole placeholder, decoded
    claimed: datetime | None  # /M
    has_cert_entry: bool = False
    certificates: tuple[bytes, ...] = ()  # of /Cert, where the form keeps them there
    has_reason: bool = False
    revision: int  # in which it was made, from 0
    coverage: Coverage
    certifies: int | None  # 1, 2, 3
    fault: Finding | None = None  # what makes it unusable as a signature; the rest may then be empty
    notes: tuple[Finding, ...] = ()

    @property
    def end(self) -> int:
        """Length of the file as it was signed."""
        return self.byte_range[2] + self.byte_range[3] if len(self.byte_range) == 4 else 0  # noqa: PLR2004


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value of the document security store (ISO 32000-2 12.8.4.3) and the revision in which it stands first."""

    der: bytes
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The document security store."""

    certificates: tuple[Kept, ...] = ()
    ocsps: tuple[Kept, ...] = ()
    lists: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedDocument:
    """The file as its reader understood it."""

    size: int
    signatures: tuple[FoundSignature, ...]
    store: Store = field(default_factory=Store)
    findings: tuple[Finding, ...] = ()
    rights: tuple[tuple[int, int], ...] = ()  # where byte ranges stand that are nobody's signature: usage rights
    digest: Callable[[FoundSignature, str], bytes]  # of the bytes that a signature covers, by digest name
    later: Callable[[FoundSignature], Later]
