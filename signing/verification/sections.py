"""The cross-reference sections of a file (ISO 32000-2 7.5.4, 7.5.8): each of them is one revision."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

from signing.verification.faults import BadStructure
from signing.verification.filters import Budget
from signing.verification.indirect import read_object, unpack_stream
from signing.verification.syntax import Stream, parse

MAX_REVISIONS = 1024  # a document with 300 signers has about 700
MAX_OBJECTS = 8_388_607  # ISO 32000-1 annex C

_TABLE = re.compile(rb"[\x00\t\n\f\r ]*xref[\x00\t\n\f\r ]*")
# White space before the word is read by every reader that was tried; a common signing library writes one line end there.
_TABLE_LINE = re.compile(rb"[\x00\t\n\f\r ]{0,32}xref[ \t]*(?:\r\n|\n|\r)")
_SUBSECTION = re.compile(rb"[\x00\t\n\f\r ]*(\d{1,10})[ \t]+(\d{1,10})[ \t]*(?:\r\n|\n|\r)")
_ENTRY = re.compile(rb"[\x00\t\n\f\r ]*(\d{10})[ \t]+(\d{5})[ \t]+([nf])")
_TRAILER = re.compile(rb"[\x00\t\n\f\r ]*trailer(?![a-zA-Z0-9])")
# White space and comments, but not the one that ends a file; atomic, so that a hostile run of comments is walked once.
_GAP = rb"(?>(?:[\x00\t\n\f\r ]|%(?!%EOF)[^\r\n]*[\r\n])*)"
_STARTXREF: Final = re.compile(rb"startxref[\x00\t\n\f\r ]" + _GAP + rb"(\d{1,12})(?![0-9])" + _GAP + rb"(?:%%EOF|\Z)")
_CLOSING: Final = re.compile(_GAP + _STARTXREF.pattern)
_MAX_LEAD = 32  # bytes of white space before a section that startxref may count in
_LINEARIZED_WITHIN = 2048  # bytes; ISO 32000-2 F.3.2: the first 1024, and what may stand before the header
_ENTRY_SIZE = 20
_USUAL_WIDTHS = (2, 8, 4)  # of a cross-reference stream's columns; some readers refuse wider ones and repair the file

# An entry: (0, 0, generation) free; (1, offset, generation); (2, object stream, index).
Entry = tuple[int, int, int]
FREE, PLAIN, PACKED = 0, 1, 2


class Section:
    """One cross-reference section: what it says of each object number, and where it stands."""

    __slots__ = (
        "_blocks",
        "_found",
        "_known",
        "_packs",
        "_ranges",
        "_rest",
        "_starts",
        "_twice",
        "by_the_rules",
        "end",
        "hybrid",
        "is_stream",
        "number",
        "start",
        "trailer",
        "widths",
    )

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.trailer: dict[str, Any] = {}
        self.hybrid = False
        self.by_the_rules = True  # a table as 7.5.4 has it: a line, rows of 20 bytes; some readers repair what is otherwise
        self.is_stream = False
        self.number: int | None = None  # of the cross-reference stream
        self.widths = (0, 0, 0)
        self._ranges: list[tuple[int, int]] = []  # first number, count
        self._blocks: list[bytes] = []  # the rows of each range
        self._starts: list[tuple[int, int]] | None = None  # where each range begins, and which it is; empty: some overlap
        self._found: dict[int, Entry] | None = None
        self._known: dict[int, Entry | None] = {}  # what was asked for before
        self._packs: list[int] | None = None
        self._rest: Section | None = None
        self._twice: int | None = None

    def _forget(self) -> None:
        """What was asked for before may be otherwise now."""
        self._known.clear()
        self._packs = None
        self._starts = None

    def join(self, rest: "Section") -> None:
        """Take in the main part of a linearized file: both together are one revision (ISO 32000-2 F.3.4)."""
        self._forget()
        self._rest = rest
        self.end = max(self.end, rest.end)

    def add(self, first: int, count: int, rows: bytes) -> None:
        """A range of numbers with its rows, read later."""
        self._forget()
        self._ranges.append((first, count))
        self._blocks.append(rows)

    def put(self, entries: dict[int, Entry]) -> None:
        """Entries that were read already."""
        self._forget()
        known = self._found or {}
        self._twice = next(
            (number for number, entry in entries.items() if _differ(known.get(number, entry), entry)), self._twice
        )
        self._found = {**entries, **known}

    def overlay(self, entries: dict[int, Entry]) -> None:
        """Entries that count before all others."""
        self._forget()
        self._found = {**(self._found or {}), **entries}

    def ambiguous(self) -> int | None:
        """A number that this section names twice and not alike: of such rows readers take the first or the last."""
        spans = sorted(self._ranges)
        apart = all(first + count <= after for (first, count), (after, _) in pairwise(spans))
        if apart and not (self._found and self._ranges):
            return self._twice
        seen: dict[int, Entry] = dict(self._found or {})
        for (first, count), rows in zip(self._ranges, self._blocks, strict=True):
            for index in range(count):
                entry = self._read(rows, index)
                if _differ(seen.setdefault(first + index, entry), entry):
                    return first + index
        return self._twice

    def get(self, number: int) -> Entry | None:
        """What this section says of an object number."""
        if number not in self._known:
            self._known[number] = self._look_up(number)
        return self._known[number]

    def _look_up(self, number: int) -> Entry | None:
        if self._found is not None and number in self._found:
            return self._found[number]
        for place in self._places(number):
            first, count = self._ranges[place]
            if first <= number < first + count:
                return self._read(self._blocks[place], number - first)
        return self._rest.get(number) if self._rest is not None else None

    def _places(self, number: int) -> Iterable[int]:
        """Which ranges may hold a number, in the order of the file: one, unless some overlap. There may be thousands."""
        if self._starts is None:
            spans = sorted((first, index) for index, (first, count) in enumerate(self._ranges) if count)
            apart = all(first + self._ranges[index][1] <= after for (first, index), (after, _) in pairwise(spans))
            self._starts = spans if apart else []
        if not self._starts:
            return range(len(self._ranges))
        place = bisect_right(self._starts, (number, MAX_OBJECTS)) - 1
        return (self._starts[place][1],) if place >= 0 else ()

    def numbers(self) -> list[int]:
        """Every object number that this section speaks of, the free ones as well."""
        found = list(self._found or ())
        for first, count in self._ranges:
            found += range(first, first + count)
        return found if self._rest is None else list(dict.fromkeys((*found, *self._rest.numbers())))

    def packs(self) -> list[int]:
        """The numbers of the object streams that its entries name."""
        if self._packs is None:
            self._packs = self._named_packs()
        return self._packs

    def _named_packs(self) -> list[int]:
        found = {entry[1] for entry in (self._found or {}).values() if entry[0] == PACKED}
        if self.is_stream:
            kind_width, second, third = self.widths
            width = kind_width + second + third
            for rows in self._blocks:
                # Column by column: a section names thousands of objects in few object streams.
                kinds = [rows[at::width] for at in range(kind_width)]
                numbers = [rows[kind_width + at :: width] for at in range(second)]
                for row in set(zip(*kinds, *numbers, strict=True)) if kinds else ():
                    if int.from_bytes(row[:kind_width], "big") == PACKED:
                        found.add(int.from_bytes(row[kind_width:], "big"))
        return sorted(found if self._rest is None else found.union(self._rest.packs()))

    def _read(self, rows: bytes, index: int) -> Entry:
        if self.is_stream:
            return self._read_packed(rows, index)
        row = rows[index * _ENTRY_SIZE : (index + 1) * _ENTRY_SIZE]
        match = _ENTRY.match(row)
        if match is None:
            raise BadStructure(f"an entry of the cross-reference table is broken: {row!r}")
        offset, generation = int(match.group(1)), int(match.group(2))
        return (PLAIN, offset, generation) if match.group(3) == b"n" else (FREE, 0, generation)

    def _read_packed(self, rows: bytes, index: int) -> Entry:
        kind_width, second, third = self.widths
        at = index * (kind_width + second + third)
        kind = int.from_bytes(rows[at : at + kind_width], "big") if kind_width else PLAIN
        at += kind_width
        one = int.from_bytes(rows[at : at + second], "big")
        two = int.from_bytes(rows[at + second : at + second + third], "big")
        if kind == FREE:
            return FREE, 0, two
        if kind not in {PLAIN, PACKED}:
            raise BadStructure(f"a cross-reference entry of the kind {kind}")
        return kind, one, two


def _differ(one: Entry, other: Entry) -> bool:
    return one != other and (one[0], other[0]) != (FREE, FREE)


def closing(content: bytes, position: int, start: int) -> int:
    """The end of the `startxref ... %%EOF` that follows a position and names the section at `start`; -1 without one.

    A revision whose end names another section looked otherwise to who opened it alone than it looks from a later one.
    """
    match = _CLOSING.match(content, position)
    if match is None:
        return -1
    low, high = sorted((int(match.group(1)), start))
    return match.end() if high - low <= _MAX_LEAD and not content[low:high].strip(b"\0\t\n\f\r ") else -1


class SectionReader:
    """Reads the sections of a file."""

    def __init__(self, content: bytes, end: int, budget: Budget) -> None:
        self.content, self.end, self.budget = content, end, budget
        self.hybrid = False
        self.ambiguous: int | None = None  # a number that one section names twice

    def read(self) -> list[Section]:
        """From the oldest to the newest. Raises BadStructure."""
        content = self.content
        position = content.rfind(b"startxref", 0, self.end)
        match = _STARTXREF.match(content, position) if position >= 0 else None
        if match is None:
            raise BadStructure("there is no startxref at the end")
        sections: list[Section] = []
        seen: set[int] = set()
        offset: int | None = int(match.group(1))
        while offset is not None:
            if offset in seen:
                raise BadStructure("the cross-reference sections go in a circle")
            if len(sections) >= MAX_REVISIONS:
                raise BadStructure(f"more than {MAX_REVISIONS} revisions")
            seen.add(offset)
            section = self._read_section(offset)
            sections.append(section)
            offset = section.trailer.get("/Prev")
            if offset is not None and (not isinstance(offset, int) or isinstance(offset, bool)):
                raise BadStructure(f"/Prev is {offset!r}")
            offset = offset or None  # some write /Prev 0 where there is nothing before
        if len(sections) > 1 and self._is_linearized(sections[-2], sections[-1]):
            sections[-2].join(sections.pop())
        return sections[::-1]

    def _is_linearized(self, front: Section, main: Section) -> bool:
        """Whether the two oldest sections are those of a linearized file: the front one names the main one behind it.

        The file then ends once, after the main section, and that end names the front one.
        """
        if front.start >= main.start or self.content.find(b"/Linearized", 0, _LINEARIZED_WITHIN) < 0:
            return False
        return closing(self.content, main.end, front.start) >= 0

    def _read_section(self, offset: int) -> Section:
        if not 0 <= offset < self.end:
            raise BadStructure(f"startxref or /Prev names byte {offset} of {self.end}")
        section = Section(offset)
        match = _TABLE.match(self.content, offset)
        if match is None:
            self._read_stream_section(section, offset)
        else:
            section.by_the_rules = _TABLE_LINE.match(self.content, offset) is not None
            self._read_table(section, match.end())
        size = section.trailer.get("/Size")
        if not isinstance(size, int) or not 0 <= size <= MAX_OBJECTS:
            raise BadStructure(f"/Size is {size!r}")
        return section

    def _read_table(self, section: Section, position: int) -> None:
        content = self.content
        while True:
            trailer = _TRAILER.match(content, position)
            if trailer is not None:
                break
            match = _SUBSECTION.match(content, position)
            if match is None:
                raise BadStructure(f"the cross-reference table is broken at byte {position}")
            first, count = int(match.group(1)), int(match.group(2))
            if first + count > MAX_OBJECTS:
                raise BadStructure("the cross-reference table names too many objects")
            position = self._read_rows(section, first, count, match.end())
        entries, section.end = parse(content, trailer.end())
        if not isinstance(entries, dict):
            raise BadStructure("the trailer is no dictionary")
        section.trailer = entries
        self.ambiguous = self.ambiguous if self.ambiguous is not None else section.ambiguous()
        extra = entries.get("/XRefStm")
        if isinstance(extra, int):
            section.hybrid = self.hybrid = True
            hidden = Section(extra)
            self._read_stream_section(hidden, extra)
            # They go before what the table says of them: that they are free, for readers that know no streams.
            section.overlay(
                {number: found for number in hidden.numbers() if (found := hidden.get(number)) and found[0] != FREE}
            )

    def _read_rows(self, section: Section, first: int, count: int, position: int) -> int:
        """`count` entries. Well-formed ones are kept as bytes; others are read one by one."""
        end = position + count * _ENTRY_SIZE
        rows = self.content[position:end]
        regular = len(rows) == count * _ENTRY_SIZE and (
            not count or (_ENTRY.match(rows) is not None and _ENTRY.match(rows, len(rows) - _ENTRY_SIZE) is not None)
        )
        ends = rows[18::_ENTRY_SIZE], rows[19::_ENTRY_SIZE]
        regular = regular and not any(each.strip(b"\r\n ") for each in ends)
        if regular and rows[10::_ENTRY_SIZE] == b" " * count and rows[16::_ENTRY_SIZE] == b" " * count:
            section.add(first, count, rows)
            section.by_the_rules &= not (ends[0].strip(b" \r") or ends[1].strip(b"\r\n") or b"\r\r" in rows)
            return end
        section.by_the_rules = False
        found: dict[int, Entry] = {}
        for number in range(first, first + count):
            match = _ENTRY.match(self.content, position)
            if match is None:
                raise BadStructure(f"the cross-reference table is broken at byte {position}")
            offset, generation = int(match.group(1)), int(match.group(2))
            found[number] = (PLAIN, offset, generation) if match.group(3) == b"n" else (FREE, 0, generation)
            position = match.end()
        section.put(found)
        return position

    def _read_stream_section(self, section: Section, offset: int) -> None:
        number, _, value, section.end = read_object(self.content, offset, self.end, _no_length)
        if not isinstance(value, Stream) or value.entries.get("/Type") != "/XRef":
            raise BadStructure(f"there is no cross-reference section at byte {offset}")
        section.is_stream, section.number, section.trailer = True, number, value.entries
        widths = value.entries.get("/W")
        if not (isinstance(widths, list) and len(widths) == 3 and all(isinstance(w, int) and 0 <= w <= 8 for w in widths)):  # noqa: PLR2004
            raise BadStructure(f"/W is {widths!r}")
        section.widths = (widths[0], widths[1], widths[2])
        usual = all(width <= most for width, most in zip(section.widths, _USUAL_WIDTHS, strict=True))
        section.by_the_rules = usual and "/XRefStm" not in value.entries
        index = value.entries.get("/Index", [0, value.entries.get("/Size")])
        if not (isinstance(index, list) and len(index) % 2 == 0 and all(isinstance(i, int) and i >= 0 for i in index)):
            raise BadStructure(f"/Index is {index!r}")
        rows, width, position = unpack_stream(value, _as_it_stands, self.budget), sum(widths), 0
        for first, count in zip(index[::2], index[1::2], strict=True):
            size = count * width
            if position + size > len(rows) or first + count > MAX_OBJECTS:
                raise BadStructure("the cross-reference stream is shorter than its /Index")
            section.add(first, count, rows[position : position + size])
            position += size
        self.ambiguous = self.ambiguous if self.ambiguous is not None else section.ambiguous()


def _no_length(_: Any) -> None:
    """A cross-reference stream is read before any reference can be followed (7.5.8.2)."""


def _as_it_stands(value: Any) -> Any:
    return value
