"""What is seen where somebody signed: a picture, a page of another PDF, lines of text. Never a proof of anything."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A picture, fitted into the field and centred; transparency is kept (ND 30/2020: blue hand signature, red seal)."""

    png: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The first page of another PDF, such as a seal card, fitted into the field and centred."""

    pdf: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Lines of text in one font (TrueType or OpenType file). The size shrinks until the longest line fits."""

    lines: tuple[str, ...]
    font: Path
    size: float = 10.0  # points, at most
    image: bytes | None = None  # a picture under the text


Appearance = Image | Page | Text
