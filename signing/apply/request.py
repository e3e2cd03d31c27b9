"""What is asked for when something is to be signed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from signing.apply.appearances import Appearance
from signing.errors import BadRequest
from signing.levels import Level
from signing.report import SignatureKind


@dataclass(frozen=True, slots=True, kw_only=True)
class SignRequest:
    """One signature that somebody is about to give.

    `page` (from 0) and `box` (left, bottom, right, top from the lower left corner, in points of 1/72 inch, as the page is
    seen: turned, cropped, and magnified by /UserUnit) are for a field that does not exist yet; they need existing_only=False.
    `certify` is the DocMDP permission of the first signature: 1 nothing, 2 filling fields and signing, 3 also annotating may
    follow (ISO 32000-2, 12.8.2.2).
    """

    field: str
    level: Level = Level.B_T
    kind: Literal["signature", "seal"] | SignatureKind = SignatureKind.SIGNATURE  # held against the certificate
    certify: Literal[1, 2, 3] | None = None
    appearance: Appearance | None = None
    reason: str = ""
    location: str = ""
    name: str = ""  # /Name; empty: readers show the certificate's
    contact: str = ""
    at: datetime | None = None  # the claimed time, /M; None: now
    existing_only: bool = True
    page: int = 0
    box: tuple[float, float, float, float] | None = None  # None: an invisible field
    timestamp_field: str = "archive_timestamp"  # which field a document timestamp (B-LTA) fills, if it is there and empty

    def __post_init__(self) -> None:
        object.__setattr__(self, "level", Level(self.level))
        object.__setattr__(self, "kind", SignatureKind(self.kind))
        if self.kind is SignatureKind.DOC_TIMESTAMP:
            raise BadRequest("Dấu thời gian không do người ký đóng", "A document timestamp is nobody's signature: extend")
        if not self.field:
            raise BadRequest("Thiếu tên ô ký", "The name of the signature field is missing")
        if self.at is not None and self.at.tzinfo is None:
            raise BadRequest(
                f"Thời điểm {self.at} không có múi giờ", f"The time {self.at} has no zone; expected one such as +07:00"
            )
        if self.existing_only and self.box is not None:
            raise BadRequest(
                "Chỉ được cho vị trí khi tạo trường mới (existing_only=False)",
                "A box is only for a new field (existing_only=False)",
            )
        if self.certify not in {None, 1, 2, 3}:
            raise BadRequest(f"certify={self.certify}, cần 1, 2 hoặc 3", f"certify={self.certify}, expected 1, 2 or 3")
