"""What the picture of a form field paints: the text of its value, or more than that."""

import re
from typing import Any

from signing.verification.faults import Fault
from signing.verification.pdf import View
from signing.verification.syntax import Stream

MAX_PICTURE = 1024 * 1024  # bytes of content; the picture of a text field has some hundred
# Operators that set text, its place, colour and clipping (ISO 32000-2 annex A). None of them fills, strokes or places a
# picture.
_TEXTUAL = frozenset(
    (
        b"q Q cm BT ET Tf Tm Td TD T* Tj TJ ' \" Tc Tw Tz TL Tr Ts g rg k G RG K re W W* n BMC BDC EMC MP DP w J j M d i ri "
        b"cs CS sc SC true false null"
    ).split()
)
_TOKEN = re.compile(rb"%[^\r\n]*|/[^\s()<>\[\]{}/%]*|<<|>>|<[0-9A-Fa-f\s]*>|[\[\]{}]|[^\s()<>\[\]{}/%]+|\(|\)")
_NUMBER = re.compile(rb"[+-]?(?:\d+\.?\d*|\.\d+)")
_STRING_PART = re.compile(rb"\\.|[()]", re.DOTALL)


def paints_more_than_text(view: View, appearance: Any) -> bool:
    """Whether a normal appearance fills, strokes or places anything; true as well where that cannot be said."""
    normal = view.get(appearance, "/N")
    if normal is None:
        return False
    states = normal.values() if isinstance(normal, dict) else [view.resolve((view.entries(appearance) or {}).get("/N"))]
    return any(not _is_text(view, view.resolve(each)) for each in states)


def _is_text(view: View, picture: Any) -> bool:
    if not isinstance(picture, Stream):
        return False
    try:
        content = view.unpacked(picture)
    except Fault:
        return False
    return content is not None and len(content) <= MAX_PICTURE and text_alone(content)


def text_alone(content: bytes) -> bool:
    """Whether a content stream holds no operator but those that set text."""
    position = 0
    while (match := _TOKEN.search(content, position)) is not None:
        token, position = match.group(), match.end()
        if token == b"(":
            position = _end_of_string(content, position)
        elif token[:1] not in b"%/<>[]{}" and not _NUMBER.fullmatch(token) and token not in _TEXTUAL:
            return False
    return True


def _end_of_string(content: bytes, position: int) -> int:
    depth = 1
    while depth and (match := _STRING_PART.search(content, position)) is not None:
        depth += {b"(": 1, b")": -1}.get(match.group(), 0)
        position = match.end()
    return position if not depth else len(content)
