"""Where a PDF keeps its objects: one cross-reference section, read without making a Python object per entry.

A table is checked as a whole by one regular expression and then indexed by arithmetic; a stream is unpacked and its
predictor undone for all rows at once. So 8,000 entries cost as much as their bytes, not as their number.
"""

import re
import zlib
from dataclasses import dataclass, field

from signing.batch.syntax import Values, read_array, read_dictionary, skip_blanks, whole_number
from signing.batch.unusual import Unusual

# A cross-reference stream unpacks to a few bytes per object: larger than this is a bomb.
LARGEST_XREF = 32 * 1024 * 1024

# They are searched one after the other.
MOST_SUBSECTIONS = 512

_SPACE = rb"[\x00\t\n\f\r ]"
_OBJECT_HEAD = re.compile(rb"(\d{1,10}) (\d{1,5}) obj(?![^\x00\t\n\f\r ()<>\[\]{}/%])")
_SUBSECTION = re.compile(rb"(\d{1,10}) (\d{1,10})[ ]?(?:\r\n|\n|\r)")
_TRAILER = re.compile(rb"trailer" + _SPACE + rb"*(?=<<)")
_STREAM_START = re.compile(_SPACE + rb"*stream\r?\n")
_STREAM_END = re.compile(_SPACE + rb"*endstream" + _SPACE + rb"*endobj")

# The three line ends a 20-byte entry may have (ISO 32000-1, 7.5.4). Generations other than 0 are left to pyHanko.
# A number that is out of use has a generation up to 65,535 (7.5.4).
_GENERATION = rb"(?:[0-5]\d{4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
_ENTRY = rb"\d{10} (?:00000 n|" + _GENERATION + rb" f)"
_ENTRIES = {end: re.compile(rb"(?:" + _ENTRY + re.escape(end) + rb")*+") for end in (b" \n", b"\r\n", b" \r")}
ENTRY_LENGTH = 20


@dataclass(frozen=True, slots=True)
class InFile:
    """An object that starts at this place of the file."""

    at: int


@dataclass(frozen=True, slots=True)
class InStream:
    """An object that stands in an object stream."""

    stream: int
    index: int


class Free:
    """A number that is explicitly out of use."""


@dataclass(slots=True, kw_only=True)
class Section:
    """One revision's table of contents."""

    trailer: Values
    is_stream: bool
    previous: int | None  # where the section before this one starts
    size: int
    subsections: list[tuple[int, int, int]]  # first number, count, where its first entry is (byte in the file; row)
    freed: list[int]  # numbers out of use, 0 left out
    own: int | None = None  # a stream's own object number
    rows: bytes = b""  # a stream's rows, predictor undone
    widths: tuple[int, int, int] = (0, 0, 0)
    data: bytes = field(default=b"", repr=False)

    def find(self, number: int) -> InFile | InStream | type[Free] | None:
        """Where this section says the object is; None when it does not speak of it."""
        for first, count, start in self.subsections:
            if first <= number < first + count:
                return self._row(start + number - first) if self.is_stream else self._entry(start, number - first)
        return None

    def speaks_of(self, number: int) -> bool:
        """Whether this section has an entry for the number."""
        return any(first <= number < first + count for first, count, _ in self.subsections)

    def _entry(self, start: int, index: int) -> InFile | type[Free]:
        at = start + index * ENTRY_LENGTH
        return Free if self.data[at + 17 : at + 18] == b"f" else InFile(int(self.data[at : at + 10]))

    def _row(self, index: int) -> InFile | InStream | type[Free]:
        kind_width, second_width, third_width = self.widths
        at = index * (kind_width + second_width + third_width)
        second_at, third_at = at + kind_width, at + kind_width + second_width
        kind = int.from_bytes(self.rows[at:second_at], "big") if kind_width else 1
        second = int.from_bytes(self.rows[second_at:third_at], "big")
        third = int.from_bytes(self.rows[third_at : third_at + third_width], "big")
        if kind == 1 and not third:
            return InFile(second)
        if kind == 2:  # noqa: PLR2004 - ISO 32000-1, table 18
            return InStream(second, third)
        if kind == 0:
            return Free
        raise Unusual("an entry of a kind or generation that is not known")


def read_section(data: bytes, at: int) -> Section:
    """The section that starts at `at`: a table or a stream."""
    at = skip_blanks(data, at)
    if data[at : at + 4] == b"xref":
        return _read_table(data, at + 4)
    return _read_stream(data, at)


def object_head(data: bytes, at: int) -> tuple[int, int]:
    """The number of the object that starts exactly at `at`, and where its value starts."""
    found = _OBJECT_HEAD.match(data, at)
    if not found or int(found[2]):
        raise Unusual(f"no object of generation 0 at byte {at}")
    return int(found[1]), skip_blanks(data, found.end())


def stream_bytes(data: bytes, after_dictionary: int, length: int) -> bytes:
    """The raw bytes of a stream whose dictionary ends there; both its ends are checked."""
    start = _STREAM_START.match(data, after_dictionary)
    if not start or not _STREAM_END.match(data, start.end() + length):
        raise Unusual("a stream is not as long as it says")
    return data[start.end() : start.end() + length]


def unpack(values: Values, raw: bytes, largest: int) -> bytes:
    """A stream's contents when they are plain or deflated without a predictor."""
    if values.get(b"/DecodeParms", b"null") != b"null" or b"/F" in values:
        raise Unusual("a stream with decoding parameters")
    return _inflate(raw, largest) if _is_deflated(values) else raw


def _is_deflated(values: Values) -> bool:
    filters = values.get(b"/Filter")
    if filters in (None, b"null", b"[]"):
        return False
    if filters == b"/FlateDecode" or (filters and filters.startswith(b"[") and read_array(filters) == [b"/FlateDecode"]):
        return True
    raise Unusual(f"a stream with the filter {filters!r}")


def _inflate(raw: bytes, largest: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        unpacked = inflater.decompress(raw, largest + 1)
    except zlib.error as error:
        raise Unusual(f"a stream that cannot be unpacked: {error}") from None
    if not inflater.eof or len(unpacked) > largest or inflater.unused_data.strip():
        raise Unusual("a stream that is cut off, too large or longer than its contents")
    return unpacked


def _read_table(data: bytes, at: int) -> Section:
    subsections: list[tuple[int, int, int]] = []
    freed: list[int] = []
    at = skip_blanks(data, at)
    while head := _SUBSECTION.match(data, at):
        first, count, start = int(head[1]), int(head[2]), head.end()
        at = start + count * ENTRY_LENGTH
        entries = _ENTRIES.get(data[start + 18 : start + 20])
        if count and not (entries and entries.fullmatch(data, start, at)):
            raise Unusual("a cross-reference table with unusual entries")
        if len(subsections) >= MOST_SUBSECTIONS:
            raise Unusual("a cross-reference table in very many pieces")
        if any(first < other + many and other < first + count for other, many, _ in subsections):
            raise Unusual("a number that stands twice in one table")
        subsections.append((first, count, start))
        marks = data[start + 17 : at : ENTRY_LENGTH]
        freed += [first + index for index in _places_of(b"f", marks) if first + index]
    trailer_head = _TRAILER.match(data, at)
    if not trailer_head:
        raise Unusual("a cross-reference table without a trailer")
    trailer, _ = read_dictionary(data, trailer_head.end())
    if b"/XRefStm" in trailer:
        raise Unusual("hybrid cross-references")
    size = whole_number(trailer.get(b"/Size"))
    if any(first + count > size for first, count, _ in subsections):
        raise Unusual("a number beyond the declared size")
    return Section(
        trailer=trailer,
        is_stream=False,
        previous=_previous(trailer),
        size=size,
        subsections=subsections,
        freed=freed,
        data=data,
    )


def _read_stream(data: bytes, at: int) -> Section:
    own, start = object_head(data, at)
    values, end = read_dictionary(data, start)
    if values.get(b"/Type") != b"/XRef" or b"/F" in values:
        raise Unusual("no cross-reference stream where one should be")
    size = whole_number(values.get(b"/Size"))
    widths = tuple(whole_number(width) for width in read_array(values.get(b"/W", b"[]")))
    if len(widths) != 3 or max(widths) > 8 or not widths[1]:  # noqa: PLR2004 - three columns of at most 8 bytes
        raise Unusual("a cross-reference stream with unusual columns")
    index = [whole_number(raw) for raw in read_array(values.get(b"/Index", b"[0 %d]" % size))]
    if len(index) % 2 or len(index) > 2 * MOST_SUBSECTIONS:
        raise Unusual("a cross-reference stream with an unusual index")
    subsections, rows_before, last_end = [], 0, 0
    for first, count in zip(index[::2], index[1::2], strict=True):
        if first < last_end or first + count > size:
            raise Unusual("a cross-reference stream whose numbers do not rise")
        subsections.append((first, count, rows_before))
        rows_before, last_end = rows_before + count, first + count
    raw = stream_bytes(data, end, whole_number(values.get(b"/Length")))
    rows = _rows(values, raw, rows_before, sum(widths))
    section = Section(
        trailer=values,
        is_stream=True,
        previous=_previous(values),
        size=size,
        subsections=subsections,
        freed=[],
        own=own,
        rows=rows,
        widths=(widths[0], widths[1], widths[2]),
        data=data,
    )
    _check_rows(section, rows_before)
    if own >= size or (section.speaks_of(own) and section.find(own) != InFile(at)):
        raise Unusual("a cross-reference stream whose own number is not its own")
    return section


def _check_rows(section: Section, count: int) -> None:
    """Kinds that are not known, generations, and which numbers are free: told from whole columns, not row by row."""
    width = sum(section.widths)
    if not section.widths[0]:
        kinds = b"\x01" * count
    elif section.widths[0] == 1:
        kinds = section.rows[0::width]
    else:
        raise Unusual("a cross-reference stream with unusual columns")
    if kinds.translate(None, b"\x00\x01\x02"):
        raise Unusual("an entry of a kind that is not known")
    _check_generations(section, kinds)
    free_rows = set(_places_of(b"\x00", kinds))
    for first, many, start in section.subsections:
        section.freed += [first + row - start for row in free_rows if start <= row < start + many and first + row - start]


def _check_generations(section: Section, kinds: bytes) -> None:
    """The last column of all rows at once: 0 for objects in the file, at most 65,535 for numbers out of use."""
    used, free = (int.from_bytes(kinds.translate(_ONLY[kind]), "big") for kind in (1, 0))
    width, own = sum(section.widths), section.widths[2]
    for place in range(own):  # from the highest byte down
        column = int.from_bytes(section.rows[width - own + place :: width], "big")
        if column & used or (column & free and own - place > 2):  # noqa: PLR2004 - two bytes hold 65,535
            raise Unusual("a generation other than 0, or one that is none")


# Every byte to 0 but the one of this kind, which becomes 255.
_ONLY = {kind: bytes(255 if each == kind else 0 for each in range(256)) for kind in (0, 1)}


def _places_of(mark: bytes, marks: bytes) -> list[int]:
    places, at = [], marks.find(mark)
    while at >= 0:
        places.append(at)
        at = marks.find(mark, at + 1)
    return places


def _previous(trailer: Values) -> int | None:
    return whole_number(trailer[b"/Prev"]) if b"/Prev" in trailer else None


def _rows(values: Values, raw: bytes, count: int, width: int) -> bytes:
    parameters_raw = values.get(b"/DecodeParms", b"null")
    deflated = _is_deflated(values)
    predictor, columns = 1, width
    if parameters_raw.startswith(b"<<"):
        parameters = read_dictionary(parameters_raw, 0)[0]
        predictor = whole_number(parameters.get(b"/Predictor"), 1)
        columns = whole_number(parameters.get(b"/Columns"), 1)
        if set(parameters) - {b"/Predictor", b"/Columns"} and (
            parameters.get(b"/Colors", b"1") != b"1" or parameters.get(b"/BitsPerComponent", b"8") != b"8"
        ):
            raise Unusual("a cross-reference stream with an unusual predictor")
    elif parameters_raw != b"null":
        raise Unusual("a cross-reference stream with unusual parameters")
    tagged = predictor >= 10  # noqa: PLR2004 - PNG predictors: each row begins with its filter
    if (predictor != 1 and not tagged) or (tagged and (columns != width or not deflated)):
        raise Unusual("a cross-reference stream with an unusual predictor")
    expected = count * (width + tagged)
    if expected > LARGEST_XREF:
        raise Unusual("a cross-reference stream that is too large")
    rows = _inflate(raw, expected) if deflated else raw
    if len(rows) != expected:
        raise Unusual("a cross-reference stream of the wrong length")
    return undo_predictor(rows, width) if tagged else rows


def undo_predictor(rows: bytes, width: int) -> bytes:
    """The rows without PNG's filters None and Up: each row is the sum of all above it, byte by byte, modulo 256.

    All rows are summed at once by doubling (1 row above, then 2, 4, ...) on one large integer, in lanes of 16 bits so
    that no sum runs into its neighbour: 13 additions for 8,000 rows.
    """
    filters = rows[0 :: width + 1]
    if (
        filters[:1] not in (b"", b"\x00", b"\x02")
        or filters[1:].strip(filters[1:2])
        or filters[1:2] not in (b"", b"\x00", b"\x02")
    ):
        raise Unusual("a cross-reference stream with mixed filters")
    count, lane_width = len(filters), width + width % 2  # an even width keeps each byte in its lane when shifted by rows
    spaced = bytearray(count * lane_width)
    for column in range(width):
        spaced[column::lane_width] = rows[column + 1 :: width + 1]
    if filters[1:2] == b"\x02":
        spaced = bytearray(_running_sums(bytes(spaced), lane_width, count))
    plain = bytearray(count * width)
    for column in range(width):
        plain[column::width] = spaced[column::lane_width]
    return bytes(plain)


def _running_sums(spaced: bytes, width: int, count: int) -> bytes:
    value = int.from_bytes(spaced, "little")
    lanes = int.from_bytes(b"\xff\x00" * (len(spaced) // 2), "little")
    low, high = value & lanes, value >> 8 & lanes
    step = 1
    while step < count:
        shift = step * width * 8
        low = low + (low << shift) & lanes
        high = high + (high << shift) & lanes
        step *= 2
    return (low | high << 8).to_bytes(len(spaced), "little")
