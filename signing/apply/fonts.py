"""Fonts for text that is drawn while signing: scaled to 1000 units per em, which pyHanko silently takes for granted."""

import io
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

UNITS_PER_EM = 1000
MOST_FONT_BYTES = 32 << 20


def scaled_font(path: Path) -> io.BytesIO:
    """The font file with 1000 units per em. With 2048, as most fonts have, text came out letter-spaced and cut."""
    return io.BytesIO(_scaled(path, path.stat().st_mtime_ns))


@lru_cache(maxsize=8)
def _scaled(path: Path, _changed_ns: int) -> bytes:
    """Half a second per font, once per process."""
    content = path.read_bytes()
    if len(content) > MOST_FONT_BYTES:
        raise ValueError(f"{path.name} is larger than {MOST_FONT_BYTES} bytes")
    font = TTFont(io.BytesIO(content))
    if font["head"].unitsPerEm == UNITS_PER_EM:
        return content
    scale_upem(font, UNITS_PER_EM)
    scaled = io.BytesIO()
    font.save(scaled)
    return scaled.getvalue()
