"""What the picture of a form field shows: the text in it, and whether it paints more than text, a background and a border.

A small reader of content streams (ISO 32000-2 8, 9). It draws nothing: it knows which strings are shown in which font, in which
order they stand, and where areas and lines lie. Whatever it does not know counts as painting.
"""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from signing.verification.faults import BadStructure, Fault
from signing.verification.font_text import STANDING_IN, FontText, font_text
from signing.verification.pages import box_of
from signing.verification.painting import MAX_PICTURE
from signing.verification.pdf import View
from signing.verification.syntax import Stream, parse

MAX_OPERATORS = 20_000  # of one picture; a page of filled text has some hundred
MAX_FORMS = 2  # pictures inside of each other
_EDGE, _EDGE_SHARE = 4.0, 0.2  # points from the border, of the shorter side: what ends there is a border, background or comb
_CLIP = 0.5  # of each side that has to be left to see
_INVISIBLE = frozenset({3, 7})  # modes in which text is not painted (table 104)
_SPOKEN = frozenset({"/ActualText", "/Alt", "/E"})

_BACK = 300.0  # thousandths of the size by which signs may be moved back; kerning takes up to 200
# Parts of the size that signs are wide at least, in the fonts that every reader has.
_NARROW, _USUAL, _NARROW_SIGNS = 0.2, 0.42, frozenset(" !'(),-./:;I[\\]`fijlrt{|}")
_SILENT = frozenset(b"ET Ts g rg k G RG K cs CS sc SC scn SCN w J j M d i ri BMC EMC MP BX EX n".split())
_PATH = {b"m": 2, b"l": 2, b"c": 6, b"v": 4, b"y": 4}
_PAINTED = frozenset(b"f F f* S s B B* b b*".split())
_SHOWING = frozenset({b"Tj", b"TJ", b"'", b'"'})


@dataclass(slots=True)
class Picture:
    """What is in a picture."""

    text: list[str] = field(default_factory=list)
    readable: bool = True  # every code stands for a known character
    certain: bool = True  # and every reader draws that character
    paints: bool = False  # more than text in its order, and a background and border behind it
    turned: bool = False  # the text does not stand upright
    cut: bool = False  # some of it lies outside of the picture


@dataclass(slots=True)
class _State:
    """Of the graphics: what q keeps."""

    matrix: tuple[float, ...]
    font: FontText | None = None
    mode: int = 0
    leading: float = 0.0
    size: float = 0.0
    between: float = 0.0  # what stands between signs, or between words, where that is less


def read_picture(view: View, picture: Stream, fonts: Sequence[Any] = ()) -> Picture:
    """What a picture shows; `fonts` are dictionaries of fonts that readers look into where its own has none of the name."""
    found = Picture()
    try:
        _Reader(view, picture, fonts, found, 0).read()
    except Fault:
        found.readable, found.paints = False, True
    return found


class _Reader:
    """One content stream, operator by operator."""

    def __init__(self, view: View, picture: Stream, fonts: Sequence[Any], found: Picture, depth: int) -> None:
        self.view, self.picture, self.found, self.depth = view, picture, found, depth
        self.fonts = [view.get(picture, "/Resources", "/Font"), *fonts]
        self.box = box_of(view, picture.entries.get("/BBox")) or (0.0, 0.0, 0.0, 0.0)
        self.matrix = _matrix(view, picture)
        self.state = _State(_UPRIGHT)
        self.kept: list[_State] = []
        self.points: list[tuple[float, float]] = []
        self.line: tuple[float, ...] = _UPRIGHT  # where the line of text begins (9.4.2)
        self.last: tuple[float, ...] | None = None  # where the string before was placed
        self.placed = False  # since the string before

    def read(self) -> None:
        """All of it. Raises Fault."""
        content = self.view.unpacked(self.picture)
        if content is None or len(content) > MAX_PICTURE:
            raise BadStructure("a picture that is none, or is too large")
        for operator, operands in operators(content):
            self._operator(operator, operands)

    def _operator(self, operator: bytes, operands: list[Any]) -> None:  # noqa: C901, PLR0912 -- one branch per kind
        state = self.state
        if operator in _SHOWING:
            if operator in b"'\"":
                self._move(0.0, -state.leading)
            self._show(operands[-1] if operands else None)
        elif operator in _PLACING:
            self._place(operator, operands)
        elif operator == b"TL":
            state.leading = _numbers(operands, 1)[0]
        elif operator in {b"Tc", b"Tw"}:
            state.between = min(state.between, _numbers(operands, 1)[0])
        elif operator == b"Tz":
            self.found.paints |= _numbers(operands, 1)[0] <= 0
        elif operator == b"Tf":
            state.font, state.size = self._font(operands[0] if operands else None), _numbers(operands, 1)[0]
        elif operator == b"Tr":
            state.mode = operands[0] if operands and isinstance(operands[0], int) else 0
        elif operator == b"q":
            self.kept.append(replace(state))
        elif operator == b"Q":
            self.state = self.kept.pop() if self.kept else _State(_UPRIGHT)
        elif operator == b"cm":
            state.matrix = _times(_numbers(operands, 6), state.matrix)
        elif operator in _PATH:
            numbers = _numbers(operands, _PATH[operator])
            self._points(list(zip(numbers[::2], numbers[1::2], strict=True)))
        elif operator == b"re":
            left, low, width, height = _numbers(operands, 4)
            self._points([(left, low), (left + width, low + height)])
        elif operator in {b"W", b"W*"}:
            self.found.paints |= not self._leaves_enough()
        elif operator in _PAINTED:
            self.found.paints |= (
                bool(self.found.text) or self.depth > 0 or not all(self._at_the_edge(each) for each in self.points)
            )
            self.points = []
        elif operator == b"n":
            self.points = []
        elif operator == b"BDC":
            said = operands[-1] if operands else None
            self.found.paints |= not isinstance(said, dict) or not _SPOKEN.isdisjoint(said)
        elif operator == b"Do":
            self._form(operands[0] if operands else None)
        elif operator not in _SILENT and operator != b"h":
            self.found.paints = True

    def _place(self, operator: bytes, operands: list[Any]) -> None:
        """Where the next string stands: BT, Tm, Td, TD, T*."""
        if operator == b"BT":
            self.line, self.placed = _UPRIGHT, True
        elif operator == b"Tm":
            self.line, self.placed = _numbers(operands, 6), True
        elif operator == b"T*":
            self._move(0.0, -self.state.leading)
        else:
            across, up = _numbers(operands, 2)
            self.state.leading = -up if operator == b"TD" else self.state.leading
            self._move(across, up)

    def _move(self, across: float, up: float) -> None:
        self.line, self.placed = _times((1, 0, 0, 1, across, up), self.line), True

    def _in_order(self) -> None:
        """Each string stands right of the one before or on a line below it: 5 before .0 is no .0 before 5."""
        a, b, c, d, e, f = _times(_times(self.line, self.state.matrix), self.matrix)
        self.found.paints |= a * d - b * c <= 0 or self.state.size <= 0  # mirrored, on its head, or nothing
        self.found.paints |= self.state.between < -self.state.size * _BACK / 1000  # signs that go back
        self.found.turned |= a <= 0 or d <= 0 or abs(b) > abs(a) / 2
        if self.last is not None and self.placed:
            across, up = e - self.last[0], f - self.last[1]
            forward = (across * a + up * b) / max(math.hypot(a, b), _LEAST)
            rise = (across * c + up * d) / max(math.hypot(c, d), _LEAST)
            self.found.paints |= rise > 1 or (rise >= -1 and forward <= 0)
        if self.placed:
            self.last, self.placed = (e, f), False

    def _show(self, value: Any) -> None:
        self._in_order()
        for each in value if isinstance(value, list) else [value]:
            self.found.paints |= isinstance(each, int | float) and each > _BACK
            if not isinstance(each, bytes) or self.state.mode in _INVISIBLE:
                continue
            text = self.state.font.read(each) if self.state.font is not None else None
            self.found.text.append(text or "")
            self.found.readable &= text is not None
            self.found.certain &= self.state.font is not None and self.state.font.certain
            self._cut(text or "")

    def _cut(self, text: str) -> None:
        """Whether some of a line lies beside the picture: what is left of a number may be another number."""
        a, _, _, d, e, f = _times(self.line, self.state.matrix)
        left, low, right, high = self.box
        end = e + a * self.state.size * sum(_NARROW if each in _NARROW_SIGNS else _USUAL for each in text)
        outside = e < left - 1 or f < low - abs(d) * self.state.size or f > high
        self.found.cut |= bool(text.strip()) and (outside or (end > right + 1 and a > 0))

    def _font(self, name: Any) -> FontText | None:
        for fonts in self.fonts:
            entries = self.view.resolve(fonts)
            if isinstance(entries, dict) and isinstance(name, str) and entries.get(name) is not None:
                return font_text(self.view, entries[name])
        return STANDING_IN

    def _form(self, name: Any) -> None:
        """A picture in the picture may hold text; an image may show anything."""
        inner = self.view.get(self.picture, "/Resources", "/XObject", name) if isinstance(name, str) else None
        if not isinstance(inner, Stream) or inner.entries.get("/Subtype") != "/Form" or self.depth >= MAX_FORMS:
            self.found.paints = True
            return
        _Reader(self.view, inner, self.fonts, self.found, self.depth + 1).read()

    def _points(self, points: list[tuple[float, float]]) -> None:
        a, b, c, d, e, f = self.state.matrix
        self.points += [(a * x + c * y + e, b * x + d * y + f) for x, y in points]

    def _at_the_edge(self, point: tuple[float, float]) -> bool:
        left, low, right, high = self.box
        near = max(min(_EDGE, _EDGE_SHARE * min(right - left, high - low)), 1.0)
        return min(abs(point[0] - left), abs(point[0] - right), abs(point[1] - low), abs(point[1] - high)) <= near

    def _leaves_enough(self) -> bool:
        """Whether a clipping path leaves most of the picture to see."""
        if not self.points:
            return False
        left, low, right, high = self.box
        across, up = [x for x, _ in self.points], [y for _, y in self.points]
        wide = min(max(across), right) - max(min(across), left)
        tall = min(max(up), high) - max(min(up), low)
        return wide >= _CLIP * (right - left) and tall >= _CLIP * (high - low)


_UPRIGHT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_LEAST = 1e-9  # no length at all
_PLACING = frozenset({b"BT", b"Tm", b"Td", b"TD", b"T*"})


def _matrix(view: View, picture: Stream) -> tuple[float, ...]:
    """The matrix of a picture (8.10.1), which may turn it."""
    numbers = [view.resolve(each) for each in view.items(picture.entries.get("/Matrix"))]
    fits = len(numbers) == 6 and all(isinstance(each, int | float) for each in numbers)  # noqa: PLR2004
    return tuple(float(each) for each in numbers) if fits else _UPRIGHT


_BLANK = re.compile(rb"(?>(?:[\x00\t\n\f\r ]|%[^\r\n]*)*)")
_OPERATOR = re.compile(rb"[A-Za-z'\"][A-Za-z0-9*]*")
_WORDS = {b"true": True, b"false": False, b"null": None}


def operators(content: bytes) -> Iterator[tuple[bytes, list[Any]]]:
    """Each operator with the values before it. Raises BadStructure."""
    position, operands, count = 0, list[Any](), 0
    while True:
        blank = _BLANK.match(content, position)
        position = blank.end() if blank is not None else position
        if position >= len(content):
            return
        word = _OPERATOR.match(content, position)
        if word is None:
            value, position = parse(content, position)
            operands.append(value)
        elif word.group() in _WORDS:
            operands.append(_WORDS[word.group()])
            position = word.end()
        else:
            yield word.group(), operands
            operands, position = [], word.end()
        count += 1
        if count > MAX_OPERATORS:
            raise BadStructure("a picture of too many operators")


def _numbers(operands: list[Any], count: int) -> tuple[float, ...]:
    numbers = [float(each) for each in operands[-count:] if isinstance(each, int | float)]
    if len(numbers) != count:
        raise BadStructure("an operator without its numbers")
    return tuple(numbers)


def _times(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    """The matrix that applies the first, then the second (8.3.4)."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m
