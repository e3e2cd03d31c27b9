"""What is to be put into a document: one signature, where, with which words and how much proof."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from signing.batch.document import Document
from signing.levels import Level


class Drawing(Protocol):
    """What is seen at the place of a signature. Prepared once, drawn into many documents."""

    def draw(self, document: Document, width: float, height: float) -> int:
        """Add the appearance, a form XObject of this size in points; its object number."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewField:
    """A signature field that is to be made because the document has none for it."""

    page: int  # from 0
    box: tuple[float, float, float, float]  # left, bottom, right, top in points of the unrotated page; all 0: invisible


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One signature in one document."""

    field: str  # the field's full name
    at: datetime  # the claimed time, /M
    level: Level = Level.B_T
    certify: int | None = None  # 1, 2 or 3: the first signature says what may still be changed (ISO 32000-2, table 257)
    drawing: Drawing | None = None  # None: the appearance stays as it was laid
    reason: str | None = None
    location: str | None = None
    name: str | None = None
    contact: str | None = None
    new_field: NewField | None = None  # None: the field must be there
    archive_field: str = "archive_timestamp"  # filled by the archive timestamp of B-LTA; made where it is not there
