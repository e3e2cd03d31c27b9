"""One program's word on one signature."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from signing.second_opinion.words import Word, phrase, reason

MAX_SIGNATURES = 64
MAX_BYTES = 256 * 1024 * 1024  # of a file that others are shown
NOT_LOOKED_AT = ("trust", "revocation", "changes after signing", "permissions", "attachments")


class Says(StrEnum):
    """What a program says of digest and signature value."""

    VALID = "valid"
    INVALID = "invalid"
    CANNOT_JUDGE = "cannot_judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One program on one signature."""

    by: str  # "openssl", "endesive", "xmlsec1", "signxml"
    says: Says
    signed_bytes: int = 0  # in a PDF: where the signed revision ends, which names the signature, as in its report
    field: str = ""  # elsewhere: the signature's name in its report
    detail: str = ""
    blind_spots: tuple[str, ...] = ()

    @property
    def word(self) -> Word:
        """For people."""
        about = "" if self.detail else "digest and signature value"
        return phrase(self.by, says=str(self.says), about=about, detail=self.detail, without=self.blind_spots)

    @property
    def reason(self) -> Word:
        """Why, where it does not simply agree."""
        return reason(self.detail)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "by": self.by,
            "says": str(self.says),
            "signed_bytes": self.signed_bytes,
            "field": self.field,
            "detail": self.detail,
            "blind_spots": list(self.blind_spots),
        }


def nobody(by: str, fields: Iterable[str], detail: str, blind_spots: tuple[str, ...] = ()) -> tuple[Opinion, ...]:
    """The program does not judge any of these."""
    return tuple(Opinion(by=by, says=Says.CANNOT_JUDGE, field=each, detail=detail, blind_spots=blind_spots) for each in fields)
