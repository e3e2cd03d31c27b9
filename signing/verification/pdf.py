"""A PDF as the history of its revisions: every cross-reference section is one, and any of them can be looked at.

    pdf = Pdf(content)
    view = pdf.at(pdf.last)
    catalog = view.catalog

Objects are read when they are asked for. Structure that readers would repair each in their own way is refused.
"""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate
from typing import Any, Final

from signing.verification.faults import BadStructure
from signing.verification.filters import Budget, unpack
from signing.verification.syntax import Name, Ref, Stream, parse

MAX_REVISIONS = 1024  # a document with 300 signers has about 700
MAX_HOPS = 32  # references to references
_MAX_OBJECTS = 8_388_607  # ISO 32000-1 annex C

_HEADER = re.compile(rb"[\x00\t\n\f\r ]*(\d{1,10})[\x00\t\n\f\r ]+(\d{1,5})[\x00\t\n\f\r ]+obj(?![a-zA-Z0-9])")
# White space and comments; the group is atomic, so that a hostile run of comments is walked once.
_GAP = rb"(?>(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])*)"
_STREAM = re.compile(_GAP + rb"stream(\r\n|\n|\r)")
_ENDSTREAM = re.compile(rb"[\x00\t\n\f\r ]*endstream")
_ENDOBJ = re.compile(_GAP + rb"endobj")
_TABLE = re.compile(rb"[\x00\t\n\f\r ]*xref[\x00\t\n\f\r ]*")
_SUBSECTION = re.compile(rb"[\x00\t\n\f\r ]*(\d{1,10})[ \t]+(\d{1,10})[ \t]*(?:\r\n|\n|\r)")
_ENTRY = re.compile(rb"[\x00\t\n\f\r ]*(\d{10})[ \t]+(\d{5})[ \t]+([nf])")
_TRAILER = re.compile(rb"[\x00\t\n\f\r ]*trailer(?![a-zA-Z0-9])")
_STARTXREF: Final = re.compile(rb"startxref[\x00\t\n\f\r ]+(\d{1,12})[\x00\t\n\f\r ]*(?:%%EOF|$)")
_ENTRY_SIZE = 20

# An entry: (0, 0, generation) free; (1, offset, generation); (2, object stream, index).
Entry = tuple[int, int, int]
# An unpacked object stream: its bytes, and number and offset of each object in it.
Pack = tuple[bytes, list[tuple[int, int]]]
FREE, PLAIN, PACKED = 0, 1, 2


class Section:
    """One cross-reference section: what it says of each object number, and where it stands."""

    __slots__ = ("_blocks", "_found", "_ranges", "end", "hybrid", "is_stream", "number", "start", "trailer", "widths")

    def __init__(self, start: int) -> None:
        self.start = start
        self.end = start
        self.trailer: dict[str, Any] = {}
        self.hybrid = False
        self.is_stream = False
        self.number: int | None = None  # of the cross-reference stream
        self.widths = (0, 0, 0)
        self._ranges: list[tuple[int, int]] = []  # first number, count
        self._blocks: list[bytes] = []  # the rows of each range
        self._found: dict[int, Entry] | None = None

    def add(self, first: int, count: int, rows: bytes) -> None:
        """A range of numbers with its rows, read later."""
        self._ranges.append((first, count))
        self._blocks.append(rows)

    def put(self, entries: dict[int, Entry]) -> None:
        """Entries that were read already."""
        self._found = {**(self._found or {}), **entries}

    def get(self, number: int) -> Entry | None:
        """What this section says of an object number."""
        if self._found is not None and number in self._found:
            return self._found[number]
        for (first, count), rows in zip(self._ranges, self._blocks, strict=True):
            if first <= number < first + count:
                return self._read(rows, number - first)
        return None

    def numbers(self) -> list[int]:
        """Every object number that this section speaks of, the free ones as well."""
        found = list(self._found or ())
        for first, count in self._ranges:
            found += range(first, first + count)
        return found

    def packs(self) -> list[int]:
        """The numbers of the object streams that its entries name."""
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
        return sorted(found)

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


class Pdf:
    """The file: its sections from the oldest to the newest, and its objects on demand."""

    def __init__(self, content: bytes, *, end: int | None = None) -> None:
        self.content = content
        self.end = len(content) if end is None else end
        self.budget = Budget()
        self._objects: dict[Entry | tuple[Entry, int], Any] = {}
        self.kept_references: dict[tuple[int, int, frozenset[str]], tuple[int, ...]] = {}  # see graph.py
        self._entries: dict[tuple[int, int], Entry | None] = {}
        self._packs: dict[Entry, tuple[Stream, Pack]] = {}
        self._packed: dict[tuple[Entry, int], tuple[Pack, Any]] = {}
        self.hybrid = False
        self.sections = self._read_sections()
        self._ends = list(accumulate((section.end for section in self.sections), max))
        self.views: dict[int, View] = {}
        # For every number that a later section speaks of: the sections that do, so that looking up does not walk them all.
        self._later: dict[int, list[int]] = {}
        for index, section in enumerate(self.sections[1:], start=1):
            for number in section.numbers():
                known = self._later.setdefault(number, [])
                if not known or known[-1] != index:
                    known.append(index)

    @property
    def last(self) -> int:
        """The newest revision."""
        return len(self.sections) - 1

    def at(self, revision: int) -> "View":
        """The document as it was in a revision."""
        if revision not in self.views:
            self.views[revision] = View(self, revision)
        return self.views[revision]

    def entry(self, number: int, revision: int) -> Entry | None:
        """Where an object stands, as a revision knows it."""
        key = (number, revision)
        if key in self._entries:
            return self._entries[key]
        index = self.last_change(number, revision)
        found = self._entries[key] = None if index is None else self.sections[index].get(number)
        return found

    def last_change(self, number: int, revision: int) -> int | None:
        """The revision, up to the given one, that defined an object last."""
        later = self._later.get(number)
        if later is not None:
            place = bisect_right(later, revision)
            if place:
                return later[place - 1]
        return 0 if self.sections[0].get(number) is not None else None

    def startxref_end(self, position: int) -> int:
        """The end of the `startxref ... %%EOF` that follows a position, or -1."""
        match = re.compile(rb"[\x00\t\n\f\r ]*startxref[\x00\t\n\f\r ]+\d+[\x00\t\n\f\r ]+%%EOF").match(self.content, position)
        return match.end() if match else -1

    # Cross-reference sections.

    def _read_sections(self) -> list[Section]:
        content = self.content
        position = content.rfind(b"startxref", 0, self.end)
        match = _STARTXREF.match(content, position) if position >= 0 else None
        if match is None:
            raise BadStructure("there is no startxref at the end")
        sections: list[Section] = []
        seen: set[int] = set()
        offset: int | None = int(match.group(1))
        while offset is not None:
            if offset in seen or len(sections) >= MAX_REVISIONS:
                raise BadStructure("the cross-reference sections go in a circle, or are too many")
            seen.add(offset)
            section = self._read_section(offset)
            sections.append(section)
            offset = section.trailer.get("/Prev")
            if offset is not None and not isinstance(offset, int):
                raise BadStructure(f"/Prev is {offset!r}")
        return sections[::-1]

    def _read_section(self, offset: int) -> Section:
        if not 0 <= offset < self.end:
            raise BadStructure(f"startxref or /Prev names byte {offset} of {self.end}")
        section = Section(offset)
        match = _TABLE.match(self.content, offset)
        if match is None:
            self._read_stream_section(section, offset)
        else:
            self._read_table(section, match.end())
        size = section.trailer.get("/Size")
        if not isinstance(size, int) or not 0 <= size <= _MAX_OBJECTS:
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
            if first + count > _MAX_OBJECTS:
                raise BadStructure("the cross-reference table names too many objects")
            position = self._read_rows(section, first, count, match.end())
        entries, section.end = parse(content, trailer.end())
        if not isinstance(entries, dict):
            raise BadStructure("the trailer is no dictionary")
        section.trailer = entries
        extra = entries.get("/XRefStm")
        if isinstance(extra, int):
            section.hybrid = self.hybrid = True
            hidden = Section(extra)
            self._read_stream_section(hidden, extra)
            section.put({number: found for number in hidden.numbers() if (found := hidden.get(number)) and found[0] != FREE})

    def _read_rows(self, section: Section, first: int, count: int, position: int) -> int:
        """`count` entries. Well-formed ones are kept as bytes; others are read one by one."""
        end = position + count * _ENTRY_SIZE
        rows = self.content[position:end]
        regular = len(rows) == count * _ENTRY_SIZE and (
            not count or (_ENTRY.match(rows) is not None and _ENTRY.match(rows, len(rows) - _ENTRY_SIZE) is not None)
        )
        if regular and rows[10::_ENTRY_SIZE] == b" " * count and rows[16::_ENTRY_SIZE] == b" " * count:
            section.add(first, count, rows)
            return end
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
        number, _, value, section.end = self._read_object(offset, None)
        if not isinstance(value, Stream) or value.entries.get("/Type") != "/XRef":
            raise BadStructure(f"there is no cross-reference section at byte {offset}")
        section.is_stream, section.number, section.trailer = True, number, value.entries
        widths = value.entries.get("/W")
        if not (isinstance(widths, list) and len(widths) == 3 and all(isinstance(w, int) and 0 <= w <= 8 for w in widths)):  # noqa: PLR2004
            raise BadStructure(f"/W is {widths!r}")
        section.widths = (widths[0], widths[1], widths[2])
        index = value.entries.get("/Index", [0, value.entries.get("/Size")])
        if not (isinstance(index, list) and len(index) % 2 == 0 and all(isinstance(i, int) and i >= 0 for i in index)):
            raise BadStructure(f"/Index is {index!r}")
        rows, width, position = self._unpack(value, None), sum(widths), 0
        for first, count in zip(index[::2], index[1::2], strict=True):
            size = count * width
            if position + size > len(rows) or first + count > _MAX_OBJECTS:
                raise BadStructure("the cross-reference stream is shorter than its /Index")
            section.add(first, count, rows[position : position + size])
            position += size

    # Objects.

    def load(self, number: int, revision: int) -> Any:
        """The object of this number as a revision knows it; null where it has none. Raises BadStructure."""
        entry = self.entry(number, revision)
        if entry is None or entry[0] == FREE:
            return None
        if entry[0] == PLAIN:
            return self._load_plain(number, entry, revision)
        holder = self.entry(entry[1], revision)
        if holder is None or holder[0] != PLAIN:
            raise BadStructure(f"object {number} stands in object stream {entry[1]}, which is not there")
        pack = self.pack(entry[1], holder, revision)
        key = (holder, entry[2])
        known = self._packed.get(key)
        if known is None or known[0] is not pack:
            if entry[2] >= len(pack[1]) or pack[1][entry[2]][0] != number:
                raise BadStructure(f"object {number} is not where the table points in object stream {entry[1]}")
            known = self._packed[key] = pack, parse(pack[0], pack[1][entry[2]][1])[0]
        return known[1]

    def _load_plain(self, number: int, entry: Entry, revision: int) -> Any:
        """The object at an entry; one whose /Length is a reference may end elsewhere in another revision."""
        if entry in self._objects:
            return self._objects[entry]
        key = (entry, -1 - revision)
        if key in self._objects:
            return self._objects[key]
        found, generation, value, end = self._read_object(entry[1], revision)
        if found != number or generation != entry[2]:
            raise BadStructure(f"object {number} {entry[2]} is {found} {generation} where the table points")
        if end > self._limit(number, revision):
            raise BadStructure(f"object {number} reaches into bytes that were added after the revision that names it")
        moving = isinstance(value, Stream) and isinstance(value.entries.get("/Length"), Ref)
        self._objects[key if moving else entry] = value
        return value

    def _limit(self, number: int, revision: int) -> int:
        """The end of the revision that defined an object: a table may not point at what is written later."""
        index = self.last_change(number, revision)
        return self._ends[-1 if index is None else index]

    def pack(self, number: int, holder: Entry, revision: int) -> Pack:
        """An object stream unpacked: its bytes, and number and offset of each object in it."""
        stream = self._load_plain(number, holder, revision)
        known = self._packs.get(holder)
        if known is None or known[0] is not stream:
            if not isinstance(stream, Stream) or stream.entries.get("/Type") != "/ObjStm":
                raise BadStructure(f"object {number} is no object stream")
            data = self._unpack(stream, revision)
            count, first = stream.entries.get("/N"), stream.entries.get("/First")
            if not (isinstance(count, int) and isinstance(first, int) and 0 <= count <= len(data) and 0 <= first <= len(data)):
                raise BadStructure(f"the object stream {number} is broken")
            try:
                numbers = [int(each) for each in data[:first].split()]
            except ValueError as fault:
                raise BadStructure(f"the object stream {number} is broken") from fault
            if len(numbers) < 2 * count:
                raise BadStructure(f"the object stream {number} is broken")
            pairs = zip(numbers[: 2 * count : 2], numbers[1 : 2 * count : 2], strict=True)
            known = self._packs[holder] = stream, (data, [(each, first + offset) for each, offset in pairs])
        return known[1]

    def _read_object(self, offset: int, revision: int | None) -> tuple[int, int, Any, int]:
        """Number, generation, value and end of the object at an offset."""
        match = _HEADER.match(self.content, offset)
        if match is None or offset >= self.end:
            raise BadStructure(f"there is no object at byte {offset}")
        value, position = parse(self.content, match.end())
        begin = _STREAM.match(self.content, position) if isinstance(value, dict) else None
        if begin is not None and isinstance(value, dict):
            length = value.get("/Length")
            if isinstance(length, Ref):
                length = None if revision is None else self.load(length.number, revision)
            if not isinstance(length, int) or length < 0:
                raise BadStructure(f"the stream at byte {offset} has the length {length!r}")
            start, stop = begin.end(), begin.end() + length
            if begin.group(1) == b"\r":
                raise BadStructure(f"the stream at byte {offset} begins after a lone carriage return")
            ending = _ENDSTREAM.match(self.content, stop) if stop <= self.end else None
            if ending is None:
                raise BadStructure(f"the stream at byte {offset} does not end where it says")
            value, position = Stream(value, self.content, start, stop), ending.end()
        done = _ENDOBJ.match(self.content, position)
        if done is None:
            raise BadStructure(f"the object at byte {offset} does not end")
        return int(match.group(1)), int(match.group(2)), value, done.end()

    def _unpack(self, stream: Stream, revision: int | None) -> bytes:
        view = self.at(revision) if revision is not None else None

        def plain(value: Any) -> Any:
            return view.resolve(value) if view is not None else value

        filters = plain(stream.entries.get("/Filter"))
        told = plain(stream.entries.get("/DecodeParms"))
        names = [] if filters is None else filters if isinstance(filters, list) else [filters]
        parameters = told if isinstance(told, list) else [told] * len(names)
        if len(parameters) != len(names):
            raise BadStructure("a stream whose filters and parameters do not match")
        resolved = [plain(each) for each in parameters]
        if not all(each is None or isinstance(each, dict) for each in resolved):
            raise BadStructure("a stream whose filter parameters are no dictionary")
        return unpack(stream.raw, [str(plain(name)) for name in names], resolved, self.budget)


class View:
    """The document as it was in one revision."""

    def __init__(self, pdf: Pdf, revision: int) -> None:
        self.pdf, self.revision = pdf, revision
        self.kept: dict[str, Any] = {}  # what was derived from this state once: see fields.py, pages.py

    @property
    def trailer(self) -> dict[str, Any]:
        """The trailer of this revision."""
        return self.pdf.sections[self.revision].trailer

    @cached_property
    def catalog(self) -> dict[str, Any]:
        """The document catalog."""
        root = self.resolve(self.trailer.get("/Root"))
        if not isinstance(root, dict):
            raise BadStructure("there is no document catalog")
        return root

    def resolve(self, value: Any) -> Any:
        """The value itself, references followed."""
        for _ in range(MAX_HOPS):
            if not isinstance(value, Ref):
                return value
            entry = self.pdf.entry(value.number, self.revision)
            if entry is None or entry[0] == FREE:
                return None
            if value.generation != (entry[2] if entry[0] == PLAIN else 0):
                return None  # a reference to another generation of the number
            value = self.pdf.load(value.number, self.revision)
        raise BadStructure("references that go in a circle")

    def get(self, holder: Any, *path: str) -> Any:
        """The value under keys inside each other; null where one is missing."""
        value = self.entries(holder)
        for key in path:
            value = self.entries(value)
            if not isinstance(value, dict):
                return None
            value = self.resolve(value.get(key))
        return value

    def entries(self, value: Any) -> Any:
        """The dictionary of a dictionary or stream."""
        resolved = self.resolve(value)
        return resolved.entries if isinstance(resolved, Stream) else resolved

    def items(self, value: Any) -> list[Any]:
        """The members of an array (unresolved); nothing where it is none."""
        resolved = self.resolve(value)
        return resolved if isinstance(resolved, list) else []

    def unpacked(self, value: Any) -> bytes | None:
        """The bytes of a stream after its filters; None where it is no stream."""
        resolved = self.resolve(value)
        return self.pdf._unpack(resolved, self.revision) if isinstance(resolved, Stream) else None  # noqa: SLF001 -- the same module


def is_name(value: Any, *names: str) -> bool:
    """Whether a value is one of these names."""
    return isinstance(value, Name) and value in names
