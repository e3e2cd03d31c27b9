"""The four faces of Tinos: metrics of Times New Roman, all Vietnamese letters, free licence; put here at set-up.

Nothing else is ever used: system fonts differ from machine to machine, and the bytes of a document must not.
"""

import hashlib
import unicodedata
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont

from documents.rendering.errors import FontsMissing

FONTS = Path(__file__).resolve().parent.parent / "fonts"
FACES = ("Tinos_400Regular.ttf", "Tinos_400Regular_Italic.ttf", "Tinos_700Bold.ttf", "Tinos_700Bold_Italic.ttf")

# Categories that print nothing by themselves, hide, or change the direction of their neighbours: in a signed
# document they could only mislead. (Cc control, Cf format, Zl/Zp separators; Cs, Co, Cn are no letters at all.)
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp", "Cs", "Co", "Cn"})


def faces() -> tuple[Path, ...]:
    """The font files; FontsMissing names those that set-up has not put here."""
    missing = tuple(name for name in FACES if not (FONTS / name).is_file())
    if missing:
        raise FontsMissing(missing)
    return tuple(FONTS / name for name in FACES)


@cache
def printable() -> frozenset[str]:
    """The letters that every face has and that a reader sees."""
    tables = []
    for path in faces():
        with TTFont(path, lazy=True) as font:
            tables.append(frozenset(font.getBestCmap()))
    letters = map(chr, frozenset.intersection(*tables))
    return frozenset(letter for letter in letters if unicodedata.category(letter) not in UNSEEN)


@cache
def digests() -> Mapping[str, str]:
    """SHA-256 of each font file, hex."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in faces()}
