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
from signing.verification.matrices import LEAST, UPRIGHT, around, bounded, fitting, hull, is_straight, numbers_of, shared, times
from signing.verification.painting import MAX_PICTURE
from signing.verification.pdf import View
from signing.verification.syntax import Stream, parse

MAX_OPERATORS = 20_000  # of one picture with those inside of it; a page of filled text has some hundred
MAX_FORMS = 2  # pictures inside of each other
_EDGE, _EDGE_SHARE = 4.0, 0.2  # points from the border, of the shorter side: what ends there is a border, background or comb
_CLIP = 0.5  # of each side that has to be left to see
_INVISIBLE = frozenset({3, 7})  # modes in which text is not painted (table 104)
_SPOKEN = frozenset({"/ActualText", "/Alt", "/E"})

_CLIPPING = 4  # from this mode on text cuts off what comes after it
# Parts of the size: by which signs may be moved back (kerning takes up to 0.2), raised, and apart without a word about it.
_BACK, _RISE, _APART = 0.3, 0.5, 2.0
_THIN, _WIDE = 0.5, 2.0  # parts of their width by which signs are made narrower or wider
_SMALLEST = 2.0  # points on the page; what is smaller nobody reads. Programs that choose a size go down to 4
_SEEN = 0.35  # of the size that has to be seen of a line's height: half of a capital
_TALL = 4.0  # times the height of the picture: of such a size only pieces are seen
_STROKE = 0.25  # of the size: a wider line around signs makes blots of them
_SILENT = frozenset(b"ET g rg k G RG K cs CS sc SC scn SCN J j M d i ri BMC EMC MP BX EX".split())
_PATH = {b"m": 2, b"l": 2, b"c": 6, b"v": 4, b"y": 4, b"re": 4}
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
    plain: bool = True  # it is painted as text that a person can read where it stands; what is not paints as well
    cut: bool = False  # some of it lies outside of the picture


@dataclass(slots=True)
class _State:
    """Of the graphics: what q keeps."""

    matrix: tuple[float, ...]  # into the space of the outermost picture
    clip: tuple[float, ...]  # what can be seen there
    font: FontText | None = None
    mode: int = 0
    leading: float = 0.0
    size: float = 0.0
    between_signs: float = 0.0
    between_words: float = 0.0
    width: float = 1.0  # of signs: /Tz in parts
    rise: float = 0.0
    stroke: float = 1.0


@dataclass(slots=True)
class _Course:
    """What a picture and those inside of it have in common."""

    found: Picture
    on_page: tuple[float, ...]  # from the space of the outermost picture to points of the page
    operators: int = 0
    size: int = 0  # bytes of all contents
    last: tuple[float, float] | None = None  # where the string before was placed, on the page
    advance: float = 0.0  # and how far it goes at least, parts of the text's unit


def read_picture(view: View, picture: Stream, fonts: Sequence[Any] = (), place: tuple[float, ...] | None = None) -> Picture:
    """What a picture shows; `fonts` are dictionaries of fonts that readers look into where its own has none of the name.

    `place` is the rectangle on the page that the picture is fitted into (12.5.5); without one it is as large as the picture.
    """
    found = Picture()
    try:
        box = _box(view, picture)
        matrix = _matrix(view, picture)
        course = _Course(found, times(matrix, fitting(around(box, matrix), place)))
        _Reader(view, picture, fonts, course, _State(UPRIGHT, box), 0).read()
    except Fault:
        found.readable, found.plain, found.paints = False, False, True
    return found


class _Reader:
    """One content stream, operator by operator."""

    def __init__(self, view: View, picture: Stream, fonts: Sequence[Any], course: _Course, state: _State, depth: int) -> None:
        self.view, self.picture, self.course, self.state, self.depth = view, picture, course, state, depth
        self.found = course.found
        self.fonts = [view.get(picture, "/Resources", "/Font"), *fonts]
        self.box = state.clip
        self.kept: list[_State] = []
        self.points: list[tuple[float, float]] = []
        self.path: list[bytes] = []  # the operators that made it
        self.clips = False  # what is painted next cuts off what is beside it
        self.line: tuple[float, ...] = UPRIGHT  # where the line of text begins (9.4.2)
        self.along = 0.0  # from there to the next sign
        self.placed = True  # since the string before

    def read(self) -> None:
        """All of it. Raises Fault."""
        entries = self.picture.entries
        self.found.paints |= any(entries.get(key) is not None for key in ("/OC", "/Ref"))  # not always seen; another file
        content = self.view.unpacked(self.picture)
        self.course.size += len(content or b"")
        if content is None or self.course.size > MAX_PICTURE:
            raise BadStructure("a picture that is none, or is too large")
        for operator, operands in operators(content):
            self.course.operators += 1
            if self.course.operators > MAX_OPERATORS:
                raise BadStructure("a picture of too many operators")
            self._operator(operator, operands)

    def _operator(self, operator: bytes, operands: list[Any]) -> None:
        if operator in _SHOWING:
            if operator == b'"':
                self.state.between_words, self.state.between_signs = numbers_of(operands[:2], 2)
            if operator in b"'\"":
                self._move(0.0, -self.state.leading)
            self._show(operands[-1] if operands else None)
        elif operator in _PLACING:
            self._place(operator, operands)
        elif operator in _SETTING:
            self._set(operator, operands)
        elif operator in _PATH or operator in _PAINTED or operator in _OF_PATHS:
            self._draw(operator, operands)
        elif operator == b"BDC":
            said = operands[-1] if operands else None
            self.found.paints |= not isinstance(said, dict) or not _SPOKEN.isdisjoint(said)
        elif operator == b"Do":
            self._form(operands[0] if operands else None)
        elif operator not in _SILENT:
            self.found.paints = True

    def _set(self, operator: bytes, operands: list[Any]) -> None:  # noqa: C901 -- one branch for each part of the state
        """What is set for all that follows."""
        state = self.state
        if operator == b"q":
            self.kept.append(replace(state))
        elif operator == b"Q":
            self.state = self.kept.pop() if self.kept else state
        elif operator == b"cm":
            state.matrix = bounded(times(numbers_of(operands, 6), state.matrix))
        elif operator == b"Tf":
            state.font, state.size = self._font(operands[0] if operands else None), numbers_of(operands, 1)[0]
        elif operator == b"TL":
            state.leading = numbers_of(operands, 1)[0]
        elif operator == b"Tc":
            state.between_signs = numbers_of(operands, 1)[0]
        elif operator == b"Tw":
            state.between_words = numbers_of(operands, 1)[0]
        elif operator == b"Tz":
            state.width = numbers_of(operands, 1)[0] / 100
        elif operator == b"Ts":
            state.rise = numbers_of(operands, 1)[0]
        elif operator == b"w":
            state.stroke = numbers_of(operands, 1)[0]
        else:
            mode = numbers_of(operands, 1)[0]
            state.mode = int(mode)
            self.found.paints |= mode != state.mode or mode < 0

    def _draw(self, operator: bytes, operands: list[Any]) -> None:
        """Paths: how they are made, painted, and cut off what comes after them."""
        if operator in _PATH:
            numbers = numbers_of(operands, _PATH[operator])
            if operator == b"re":
                left, low, width, height = numbers
                numbers = (left, low, left + width, low + height)
            self.path.append(operator)
            a, b, c, d, e, f = self.state.matrix
            corners = zip(numbers[::2], numbers[1::2], strict=True)
            self.points += [(a * x + c * y + e, b * x + d * y + f) for x, y in corners]
        elif operator in {b"W", b"W*"}:
            self.clips = True
        elif operator != b"h":
            if operator != b"n":
                behind = not self.found.text and not self.depth
                self.found.paints |= not behind or not all(self._at_the_edge(each) for each in self.points)
            if self.clips:
                self._clip()
            self.points, self.path, self.clips = [], [], False

    def _clip(self) -> None:
        """What is left to see: one upright rectangle, and most of the picture."""
        state = self.state
        if self.path != [b"re"] or not is_straight(state.matrix):
            self.found.paints = True
            return
        state.clip = shared(state.clip, hull(self.points))
        left, low, right, high = self.box
        wide, tall = state.clip[2] - state.clip[0], state.clip[3] - state.clip[1]
        self.found.paints |= wide < _CLIP * (right - left) or tall < _CLIP * (high - low)

    def _place(self, operator: bytes, operands: list[Any]) -> None:
        """Where the next string stands: BT, Tm, Td, TD, T*."""
        if operator == b"BT":
            self._begin(UPRIGHT)
        elif operator == b"Tm":
            self._begin(numbers_of(operands, 6))
        elif operator == b"T*":
            self._move(0.0, -self.state.leading)
        else:
            across, up = numbers_of(operands, 2)
            self.state.leading = -up if operator == b"TD" else self.state.leading
            self._move(across, up)

    def _move(self, across: float, up: float) -> None:
        self._begin(bounded(times((1, 0, 0, 1, across, up), self.line)))

    def _begin(self, line: tuple[float, ...]) -> None:
        self.line, self.along, self.placed = line, 0.0, True

    def _show(self, value: Any) -> None:
        self._in_order()
        self.found.paints |= self.clips  # a path that nothing has ended
        self._not_plain(self.state.mode >= _CLIPPING)
        apart = max(self.state.between_signs, self.state.between_words / _APART) > self.state.size
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, int | float):
                back = numbers_of([each], 1)[0] / 1000
                self.found.paints |= back > _BACK
                apart |= back < -_APART
                self._go(-back * self.state.size * self.state.width)
            if not isinstance(each, bytes):
                continue
            font = self.state.font
            text = font.read(each) if font is not None else None
            wide = font.wide(each, text) if font is not None and text is not None else 0.0
            if self.state.mode not in _INVISIBLE:
                self.found.text.append(text or "")
                self.found.readable &= text is not None
                self.found.certain &= font is not None and font.certain
                self._legible(text or "", wide)
                self._cut(text or "", wide or 0.0, apart)
            self._go(self._length(text or "", wide or 0.0))

    def _length(self, text: str, wide: float) -> float:
        """How far a string goes at least, with what stands between its signs and words."""
        state = self.state
        spaces = text.count(" ") * state.between_words + len(text) * state.between_signs
        return (wide * state.size + spaces) * state.width

    def _go(self, far: float) -> None:
        self.along += far
        self.course.advance += far if self.state.font is not None and self.state.font.certain else 0.0

    def _in_order(self) -> None:
        """Each string stands right of the one before or on a line below it: 5 before .0 is no .0 before 5."""
        state, course = self.state, self.course
        a, b, c, d, e, f = times(times(self.line, state.matrix), course.on_page)
        self.found.paints |= a * d - b * c <= 0 or state.size <= 0  # mirrored, on its head, or nothing
        between = min(state.between_signs, state.between_words, state.between_signs + state.between_words)
        self.found.paints |= between < -state.size * _BACK  # signs that go back
        self.found.turned |= a <= 0 or d <= 0 or abs(b) > abs(a) / 2
        if not self.placed:
            return
        if course.last is not None:
            along, upward = max(math.hypot(a, b), LEAST), max(math.hypot(c, d), LEAST)
            across, up = e - course.last[0], f - course.last[1]
            forward, rise = (across * a + up * b) / along, (across * c + up * d) / upward
            below = rise < -max(upward * state.size / 2, 1)
            behind = forward > 0 and forward / along >= course.advance - state.size * _BACK
            self.found.paints |= rise > 1 or not (below or behind)
        course.last, course.advance, self.placed = (e, f), 0.0, False

    def _legible(self, text: str, wide: float | None) -> None:
        """Whether signs are painted as signs, in a size and at a place where they are read."""
        state = self.state
        if not text.strip():
            return
        a, b, c, d, _, _ = times(times(self.line, state.matrix), self.course.on_page)
        self._not_plain(
            wide is None
            or (state.mode > 0 and state.stroke > state.size * _STROKE)
            or not _THIN <= state.width <= _WIDE
            or abs(state.rise) > state.size * _RISE
            or state.size * min(math.hypot(a, b) * state.width, math.hypot(c, d)) < _SMALLEST
        )

    def _cut(self, text: str, wide: float, apart: bool) -> None:
        """Whether some of a line lies beside what can be seen: what is left of a number may be another number."""
        if not text.strip():
            return
        state = self.state
        a, b, c, d, e, f = times((1, 0, 0, 1, self.along, state.rise), times(self.line, state.matrix))
        left, low, right, high = state.clip
        length = self._length(text, wide) - state.between_signs * state.width
        tall = state.size * math.hypot(c, d)
        across, up = e + a * length, f + b * length
        beside = not (left - 1 <= e <= right and low - tall * _SEEN <= f <= high - tall * _SEEN) and abs(b) <= abs(a)
        beside |= not (left <= e <= right and low <= f <= high) and abs(b) > abs(a)
        cut = beside or not (left - 1 <= across <= right + 1 and low - tall <= up <= high + 1)
        blown_up = tall > _TALL * max(high - low, right - left if abs(b) > abs(a) else 0.0)
        nothing_before = not "".join(self.found.text[:-1]).strip()
        self._not_plain(blown_up or (beside and nothing_before) or (cut and apart))
        self.found.cut |= cut

    def _not_plain(self, doubtful: bool) -> None:
        self.found.plain &= not doubtful
        self.found.paints |= doubtful

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
        matrix = bounded(times(_matrix(self.view, inner), self.state.matrix))
        self.found.paints |= not is_straight(matrix)
        seen = shared(self.state.clip, around(_box(self.view, inner), matrix))
        state = replace(self.state, matrix=matrix, clip=seen)
        _Reader(self.view, inner, self.fonts, self.course, state, self.depth + 1).read()

    def _at_the_edge(self, point: tuple[float, float]) -> bool:
        left, low, right, high = self.box
        near = max(min(_EDGE, _EDGE_SHARE * min(right - left, high - low)), 1.0)
        return min(abs(point[0] - left), abs(point[0] - right), abs(point[1] - low), abs(point[1] - high)) <= near


_PLACING = frozenset({b"BT", b"Tm", b"Td", b"TD", b"T*"})
_SETTING = frozenset(b"q Q cm Tf TL Tc Tw Tz Ts w Tr".split())
_OF_PATHS = frozenset({b"W", b"W*", b"n", b"h"})


def _matrix(view: View, picture: Stream) -> tuple[float, ...]:
    """The matrix of a picture (8.10.1), which may turn it. Raises BadStructure."""
    numbers = [view.resolve(each) for each in view.items(picture.entries.get("/Matrix"))]
    return numbers_of(numbers, 6) if len(numbers) == 6 else UPRIGHT  # noqa: PLR2004


def _box(view: View, picture: Stream) -> tuple[float, ...]:
    """What a picture is cut off at; nothing where it does not say. Raises BadStructure."""
    numbers = [view.resolve(each) for each in view.items(picture.entries.get("/BBox"))]
    if len(numbers) != 4:  # noqa: PLR2004
        return (0.0, 0.0, 0.0, 0.0)
    left, low, right, high = numbers_of(numbers, 4)
    return min(left, right), min(low, high), max(left, right), max(low, high)


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
