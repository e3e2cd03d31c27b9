"""A PDF of which only the few objects that a signature touches are ever read.

    document = Document(data)
    catalog = document.dictionary(document.root)      # raw values: {b"/Type": b"/Catalog", ...}
    number = document.add(b"<< ... >>")               # a new object
    document.replace(document.root, catalog)          # a changed one
    section = document.revise()                       # the bytes to append

Anything that is not plain (encryption, hybrid references, generations, a damaged table) raises `Unusual`. After
`revise` the document stands as if the section had been appended, so that a second revision can follow.
"""

import os
import re
from dataclasses import dataclass
from itertools import pairwise

from signing.batch.crossref import Free, InFile, InStream, Section, object_head, read_section, stream_bytes, unpack
from signing.batch.syntax import (
    Values,
    dictionary_of,
    read_array,
    read_dictionary,
    reference,
    string_bytes,
    value_end,
    whole_number,
    write_dictionary,
)
from signing.batch.unusual import Unusual

# More revisions than a document has signers in a lifetime; a longer chain is a loop or an attack.
MOST_REVISIONS = 500

# One object stream, or one stream of evidence, unpacked.
LARGEST_STREAM = 64 * 1024 * 1024

_HEADER = re.compile(rb"%PDF-([12])\.(\d)[\r\n ]")
_TAIL = re.compile(rb"startxref[\r\n ]+(\d{1,10})[\r\n ]+%%EOF[\x00\t\n\f\r ]*")
_END_OBJECT = re.compile(rb"[\x00\t\n\f\r ]*endobj(?![^\x00\t\n\f\r ()<>\[\]{}/%])")
_STREAM = re.compile(rb"[\x00\t\n\f\r ]*stream[\r\n]")

# What a cross-reference stream's dictionary holds besides the trailer's own keys.
_STREAM_KEYS = frozenset({b"/Type", b"/W", b"/Index", b"/Length", b"/Filter", b"/DecodeParms", b"/Prev", b"/Size"})


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream object: its dictionary and its bytes as they stand in the file."""

    values: Values
    raw: bytes

    def unpacked(self) -> bytes:
        """The contents, when they are plain or deflated."""
        return unpack(self.values, self.raw, LARGEST_STREAM)


class Document:
    """See the module."""

    def __init__(self, data: bytes) -> None:
        header = _HEADER.match(data, 0)
        if not header:
            raise Unusual("no PDF header at the first byte")
        self.data = data
        self.version = (int(header[1]), int(header[2]))
        self.length = len(data)
        self.startxref = _startxref(data)
        self._sections = _sections(data, self.startxref)
        newest = self._sections[0]
        self.is_stream = newest.is_stream
        self.next_number = newest.size
        self.trailer = {key: raw for key, raw in newest.trailer.items() if key not in _STREAM_KEYS}
        root = reference(self.trailer.get(b"/Root", b""))
        if root is None:
            raise Unusual("a trailer without /Root")
        self.root = root
        self._written: dict[int, bytes] = {}  # objects of revisions made here, by number
        self._pending: dict[int, bytes] = {}  # objects of the revision being made
        self._dictionaries: dict[int, Values] = {}  # those that were read
        self._object_streams: dict[int, tuple[bytes, list[tuple[int, int]]]] = {}

    # Reading.

    def value(self, number: int) -> bytes:
        """An object that is no stream, as raw bytes."""
        if (own := self._own(number)) is not None:
            return own
        place = self._place(number)
        if isinstance(place, InStream):
            return self._packed_value(number, place)
        start = self._head(number, place.at)
        end = value_end(self.data, start)
        if not _END_OBJECT.match(self.data, end):
            raise Unusual(f"object {number} is a stream or has no end")
        return self.data[start:end]

    def dictionary(self, number: int) -> Values:
        """An object that is a dictionary (not a stream's). Not to be changed: `replace` takes a new one."""
        known = self._dictionaries.get(number)
        if known is None:
            known = self._dictionaries[number] = self._dictionary(number)
        return known

    def _dictionary(self, number: int) -> Values:
        if (own := self._own(number)) is not None:
            return dictionary_of(own)
        place = self._place(number)
        if isinstance(place, InStream):
            return dictionary_of(self._packed_value(number, place))
        values, end = read_dictionary(self.data, self._head(number, place.at))
        if not _END_OBJECT.match(self.data, end):
            raise Unusual(f"object {number} is a stream or has no end")
        return values

    def stream(self, number: int) -> Stream:
        """An object that is a stream."""
        place = self._place(number)
        if number in self._written or not isinstance(place, InFile):
            raise Unusual(f"object {number} is no stream")
        values, end = read_dictionary(self.data, self._head(number, place.at))
        length = values.get(b"/Length", b"")
        target = reference(length)
        size = whole_number(length if target is None else self.value(target))
        return Stream(values, stream_bytes(self.data, end, size))

    def resolve(self, raw: bytes) -> bytes:
        """The value itself where `raw` is a reference; a reference to a reference is not followed."""
        target = reference(raw)
        return raw if target is None else self.value(target)

    def resolved_dictionary(self, raw: bytes) -> Values:
        """The dictionary that `raw` is or refers to."""
        return dictionary_of(self.resolve(raw))

    def resolved_array(self, raw: bytes) -> list[bytes]:
        """The elements of the array that `raw` is or refers to."""
        return read_array(self.resolve(raw))

    def is_stream_object(self, number: int) -> bool:
        """Whether this object is a stream."""
        if self._own(number) is not None:
            return False
        place = self._place(number)
        if isinstance(place, InStream):
            return False
        end = value_end(self.data, self._head(number, place.at))
        return bool(_STREAM.match(self.data, end))

    # Writing.

    def reserve(self) -> int:
        """A new object number, to be filled with `put`."""
        number = self.next_number
        self.next_number += 1
        return number

    def put(self, number: int, body: bytes) -> None:
        """What stands between `obj` and `endobj` in the next revision."""
        self._pending[number] = body
        self._dictionaries.pop(number, None)

    def add(self, body: bytes) -> int:
        """A new object; its number."""
        number = self.reserve()
        self._pending[number] = body
        return number

    def replace(self, number: int, values: Values) -> None:
        """A changed dictionary."""
        self._pending[number] = write_dictionary(values)
        self._dictionaries[number] = values

    def note(self, number: int, values: Values) -> None:
        """How a written object is to be read from now on: a signature dictionary without its empty places."""
        self._written[number] = write_dictionary(values)
        self._dictionaries[number] = values

    def revise(self, first: int | None = None) -> bytes:
        """The section to append: all pending objects (`first` before all others), cross-references, trailer.

        The document then stands as if it had been appended.
        """
        if any(section.own in self._pending for section in self._sections):
            raise Unusual("a cross-reference stream whose number is another object's")
        numbers = sorted(self._pending, key=lambda number: (number != first, number))
        pieces, at, places = [self.gap()], self.length + len(self.gap()), {}
        for number in numbers:
            places[number] = at
            piece = b"%d 0 obj\n%b\nendobj\n" % (number, self._pending[number])
            pieces.append(piece)
            at += len(piece)
        pieces.append(self._stream_section(places, at) if self.is_stream else self._table(places))
        pieces.append(b"startxref\n%d\n%%%%EOF\n" % at)
        section = b"".join(pieces)
        self._written.update(self._pending)
        self._pending = {}
        self.startxref, self.length = at, self.length + len(section)
        return section

    def gap(self) -> bytes:
        """What must stand before the first appended object so that it starts on a line of its own."""
        if self._written:
            return b""
        return b"" if self.data[-1:] in (b"\n", b"\r") else b"\n"

    def _table(self, places: dict[int, int]) -> bytes:
        lines = [b"xref\n"]
        for run in _runs(sorted(places)):
            lines.append(b"%d %d\n" % (run[0], len(run)))
            lines += [b"%010d 00000 n \n" % places[number] for number in run]
        return b"".join(lines) + b"trailer\n" + write_dictionary(self._new_trailer()) + b"\n"

    def _stream_section(self, places: dict[int, int], at: int) -> bytes:
        own = self.reserve()
        places = {**places, own: at}
        runs = _runs(sorted(places))
        rows = b"".join(b"\x01%b\x00\x00" % places[number].to_bytes(5, "big") for run in runs for number in run)
        values = {
            b"/Type": b"/XRef",
            b"/W": b"[1 5 2]",
            b"/Index": b"[%b]" % b" ".join(b"%d %d" % (run[0], len(run)) for run in runs),
            b"/Length": b"%d" % len(rows),
            **self._new_trailer(),
        }
        return b"%d 0 obj\n%b\nstream\n%b\nendstream\nendobj\n" % (own, write_dictionary(values), rows)

    def _new_trailer(self) -> Values:
        """The old trailer's keys, with the second half of /ID renewed (14.4)."""
        trailer = {**self.trailer, b"/Size": b"%d" % self.next_number, b"/Prev": b"%d" % self.startxref}
        if b"/ID" in trailer:
            halves = self.resolved_array(trailer[b"/ID"])
            if len(halves) != 2 or not string_bytes(halves[0]):  # noqa: PLR2004 - two halves
                raise Unusual("an /ID of another shape")
            trailer[b"/ID"] = b"[%b <%b>]" % (halves[0], os.urandom(16).hex().encode("ascii"))
        return trailer

    # Finding.

    def _own(self, number: int) -> bytes | None:
        return self._pending.get(number, self._written.get(number))

    def _place(self, number: int) -> InFile | InStream:
        for section in self._sections:
            place = section.find(number)
            if isinstance(place, InFile | InStream):
                return place
            if place is Free:
                break
        raise Unusual(f"object {number} is not there")

    def _head(self, number: int, at: int) -> int:
        found, start = object_head(self.data, at)
        if found != number:
            raise Unusual(f"object {found} stands where object {number} should be")
        return start

    def _packed_value(self, number: int, place: InStream) -> bytes:
        if place.stream not in self._object_streams:
            self._object_streams[place.stream] = self._object_stream(place.stream)
        unpacked, index = self._object_streams[place.stream]
        if place.index >= len(index) or index[place.index][0] != number:
            raise Unusual(f"object {number} is not where the object stream says")
        start = index[place.index][1]  # where its first byte must be: `value_end` accepts no blank
        return unpacked[start : value_end(unpacked, start)]

    def _object_stream(self, number: int) -> tuple[bytes, list[tuple[int, int]]]:
        stream = self.stream(number)
        if stream.values.get(b"/Type") != b"/ObjStm":
            raise Unusual(f"object {number} is no object stream")
        unpacked = stream.unpacked()
        first = whole_number(stream.values.get(b"/First"))
        words = unpacked[:first].split()
        count = whole_number(stream.values.get(b"/N"))
        if len(words) != 2 * count or not all(word.isdigit() for word in words):
            raise Unusual(f"object stream {number} has a damaged head")
        numbers = [int(word) for word in words]
        return unpacked, [(own, first + at) for own, at in zip(numbers[::2], numbers[1::2], strict=True)]


def _startxref(data: bytes) -> int:
    """The last section's place; nothing but white space may follow %%EOF."""
    at = data.rfind(b"startxref")
    found = _TAIL.fullmatch(data, at) if at >= 0 else None
    if not found:
        raise Unusual("the file does not end with startxref and %%EOF")
    return int(found[1])


def _sections(data: bytes, startxref: int) -> list[Section]:
    """All sections, the newest first, held to what pyHanko's strict reader holds them to."""
    sections: list[Section] = []
    seen: set[int] = set()
    at: int | None = startxref
    while at is not None:
        if at in seen or len(seen) >= MOST_REVISIONS:
            raise Unusual("revisions that form a loop, or too many of them")
        if at >= len(data):
            raise Unusual("a revision outside of the file")
        seen.add(at)
        section = read_section(data, at)
        if b"/Encrypt" in section.trailer:
            raise Unusual("encrypted")
        sections.append(section)
        at = section.previous
    _require_sound(sections)
    return sections


def _require_sound(sections: list[Section]) -> None:
    """What pyHanko's strict reader refuses, refused here: sizes that shrink, numbers freed and used again, and the like."""
    for newer, older in pairwise(sections):
        if older.size > newer.size:
            raise Unusual("a later revision with fewer objects")
        if newer.freed:
            raise Unusual("objects set free in a later revision")
    for index, section in enumerate(sections):
        if section.own is not None and any(other.speaks_of(section.own) for other in sections if other is not section):
            raise Unusual(f"a cross-reference stream whose number is used again (revision {index} from the last)")
    if any(newer.speaks_of(number) for number in sections[-1].freed for newer in sections[:-1]):
        raise Unusual("a number used again after it was set free")


def _runs(numbers: list[int]) -> list[list[int]]:
    """Consecutive numbers together."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] + 1 == number:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
