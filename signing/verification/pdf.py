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
from typing import TYPE_CHECKING, Any

from signing.verification.faults import BadStructure
from signing.verification.filters import Budget
from signing.verification.indirect import read_object, unpack_stream
from signing.verification.sections import FREE, PACKED, PLAIN, Entry, Section, SectionReader, closing
from signing.verification.syntax import Name, Ref, Stream, parse

if TYPE_CHECKING:
    from signing.verification.decryption import Decryption

MAX_HOPS = 32  # references to references
_LONGEST_NUMBER = 10  # digits
_COMMENT = re.compile(rb"%[^\r\n]*")

__all__ = ["FREE", "PACKED", "PLAIN", "Entry", "Pdf", "Section", "View", "is_name"]


class Pdf:
    """The file: its sections from the oldest to the newest, and its objects on demand."""

    def __init__(self, content: bytes, *, end: int | None = None, password: str | None = None) -> None:
        """Raises BadStructure, or Encrypted where the file does not open with the password."""
        self.content = content
        self.end = len(content) if end is None else end
        self.budget = Budget()
        self._depth = 0  # of lengths that are being looked up
        self._objects: dict[tuple[int, Entry, int], tuple[Any, int]] = {}  # value and end, by number, place, revision or 0
        self.kept_references: dict[tuple[int, int, frozenset[str]], tuple[int, ...]] = {}  # see graph.py
        self.kept_unusual: dict[tuple[int, int], tuple[Ref, ...]] = {}  # see strays.py
        self.kept_mentions: dict[frozenset[str], bool] = {}  # see contents.py
        self._extents: dict[Entry, tuple[int, int]] = {}
        self._packs: dict[Entry, tuple[Stream, Pack]] = {}
        self._packed: dict[tuple[Entry, int], tuple[Pack, Any]] = {}
        reader = SectionReader(content, self.end, self.budget)
        self.sections = reader.read()
        self.hybrid, self.ambiguous = reader.hybrid, reader.ambiguous
        self._ends = list(accumulate((section.end for section in self.sections), max))
        self.views: dict[int, View] = {}
        # For every number that a later section speaks of: the sections that do, so that looking up does not walk them all.
        self._later: dict[int, list[int]] = {}
        for index, section in enumerate(self.sections[1:], start=1):
            for number in section.numbers():
                known = self._later.setdefault(number, [])
                if not known or known[-1] != index:
                    known.append(index)
        self._decryption: Decryption | None = None
        self._not_encrypted: int | None = None
        if any(section.trailer.get("/Encrypt") is not None for section in self.sections):
            self._decrypt(password)

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
        later = self._later.get(number)
        place = bisect_right(later, revision) if later is not None else 0
        return self.sections[later[place - 1] if later is not None and place else 0].get(number)

    def last_change(self, number: int, revision: int) -> int | None:
        """The revision, up to the given one, that defined an object last."""
        later = self._later.get(number)
        if later is not None:
            place = bisect_right(later, revision)
            if place:
                return later[place - 1]
        return 0 if self.sections[0].get(number) is not None else None

    def closed_at(self, revision: int) -> int:
        """Where the `startxref ... %%EOF` ends that closes a revision and names its section; -1 where none does."""
        section = self.sections[revision]
        return closing(self.content, section.end, section.start)

    # Encryption.

    @property
    def encrypted(self) -> bool:
        """Whether the file is encrypted."""
        return self._decryption is not None

    def _decrypt(self, password: str | None) -> None:
        """Get the key. Every revision must name the same encryption: readers take it from one of them (ISO 32000-2 7.5.5)."""
        named = [section.trailer.get("/Encrypt") for section in self.sections]
        if any(type(each) is not type(named[0]) or each != named[0] for each in named):
            raise BadStructure("not every revision is encrypted in the same way")
        number = named[0].number if isinstance(named[0], Ref) else None
        if number is not None and self.last_change(number, self.last) != 0:
            raise BadStructure("the encryption was replaced later")
        entries = self._whole(named[0], 0)
        identifiers = {_first(self._whole(section.trailer.get("/ID"), 0)) for section in self.sections} - {None}
        if not isinstance(entries, dict) or len(identifiers) > 1:
            raise BadStructure("the encryption is no dictionary, or the file has several identifiers")
        from signing.verification.decryption import open_encrypted  # its library is loaded where it is needed

        self._decryption = open_encrypted(entries, next(iter(identifiers), None), password)
        # What was read so far was read without the key; the encryption dictionary alone is right so.
        self.views.clear()
        self._objects.clear()
        self._packs.clear()
        self._packed.clear()
        self._not_encrypted = number

    def _whole(self, value: Any, depth: int) -> Any:
        """A small value with all references followed, as the first revision has them."""
        if depth > MAX_HOPS:
            raise BadStructure("the encryption dictionary is too deep")
        value = self.at(0).resolve(value)
        if isinstance(value, dict):
            return {key: self._whole(each, depth + 1) for key, each in value.items()}
        if isinstance(value, list):
            return [self._whole(each, depth + 1) for each in value]
        return value

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
            place = pack.at(entry[2])
            if place is None or place[0] != number:
                raise BadStructure(f"object {number} is not where the table points in object stream {entry[1]}")
            known = self._packed[key] = pack, parse(pack.data, place[1])[0]
        return known[1]

    def _load_plain(self, number: int, entry: Entry, revision: int) -> Any:
        """The object at an entry; one whose /Length is a reference may end elsewhere in another revision."""
        for key in ((number, entry, 0), (number, entry, -1 - revision)):
            if key in self._objects:
                known, end = self._objects[key]
                if end > self._ends[0]:  # what stands in the first revision is in all of them
                    self._require_within(number, end, revision)
                return known
        found, generation, value, end = self._read(entry[1], revision)
        if found != number or generation != entry[2]:
            raise BadStructure(f"object {number} {entry[2]} is {found} {generation} where the table points")
        self._require_within(number, end, revision)
        if self._decryption is not None and number != self._not_encrypted:
            value = self._decryption.value(value, number, generation)
        moving = isinstance(value, Stream) and isinstance(value.entries.get("/Length"), Ref)
        self._objects[number, entry, -1 - revision if moving else 0] = value, end
        self._extents[entry] = entry[1], end
        return value

    def _read(self, offset: int, revision: int) -> tuple[int, int, Any, int]:
        """The object at an offset. A length may stand in an object of its own, but not in one that asks for a length again."""
        self._depth += 1
        try:
            if self._depth > MAX_HOPS:
                raise BadStructure("the length of a stream leads to the length of a stream, and so on")
            return read_object(self.content, offset, self.end, lambda length: self.load(length.number, revision))
        finally:
            self._depth -= 1

    def extent(self, number: int, revision: int) -> tuple[int, int] | None:
        """Where an object begins and ends in the file; None for one that is not there or stands in an object stream."""
        entry = self.entry(number, revision)
        if entry is None or entry[0] != PLAIN:
            return None
        self._load_plain(number, entry, revision)
        return self._extents.get(entry)

    def _require_within(self, number: int, end: int, revision: int) -> None:
        """An object may not reach into what was written after the revision that names it. Raises BadStructure."""
        if end > self._limit(number, revision):
            raise BadStructure(f"object {number} reaches into bytes that were added after the revision that names it")

    def _limit(self, number: int, revision: int) -> int:
        """The end of the revision that defined an object: a table may not point at what is written later."""
        index = self.last_change(number, revision)
        return self._ends[-1 if index is None else index]

    def pack(self, number: int, holder: Entry, revision: int) -> "Pack":
        """An object stream unpacked. Raises BadStructure."""
        stream = self._load_plain(number, holder, revision)
        known = self._packs.get(holder)
        if known is None or known[0] is not stream:
            if not isinstance(stream, Stream) or stream.entries.get("/Type") != "/ObjStm":
                raise BadStructure(f"object {number} is no object stream")
            data = self.unpack(stream, revision)
            count, first = stream.entries.get("/N"), stream.entries.get("/First")
            if not (isinstance(count, int) and isinstance(first, int) and 0 <= count <= len(data) and 0 <= first <= len(data)):
                raise BadStructure(f"the object stream {number} is broken")
            known = self._packs[holder] = stream, Pack(data, count, first)
        return known[1]

    def unpack(self, stream: Stream, revision: int) -> bytes:
        """The bytes of a stream after its filters, references in its dictionary followed in this revision."""
        return unpack_stream(stream, self.at(revision).resolve, self.budget)


class Pack:
    """An unpacked object stream (ISO 32000-2 7.5.7): its bytes, and number and place of each object in them when asked for."""

    __slots__ = ("_heads", "count", "data", "first")

    def __init__(self, data: bytes, count: int, first: int) -> None:
        self.data, self.count, self.first = data, count, first
        self._heads: list[bytes] | None = None

    def at(self, index: int) -> tuple[int, int] | None:
        """Number and place of the object with this index; None where there is none. Raises BadStructure."""
        if self._heads is None:
            self._heads = _COMMENT.sub(b" ", self.data[: self.first]).split()
            if len(self._heads) < 2 * self.count:
                raise BadStructure("an object stream names fewer objects than it says")
        pair = self._heads[2 * index : 2 * index + 2] if 0 <= index < self.count else []
        if not pair:
            return None
        if not all(each.isdigit() and len(each) <= _LONGEST_NUMBER for each in pair):
            raise BadStructure(f"an object stream begins with {pair!r}")
        return int(pair[0]), self.first + int(pair[1])


class View:
    """The document as it was in one revision."""

    def __init__(self, pdf: Pdf, revision: int) -> None:
        self.pdf, self.revision = pdf, revision
        self.kept: dict[str, Any] = {}  # what was derived from this state once: see fields.py, pages.py
        self._values: dict[Ref, Any] = {}  # what references lead to

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
        if not isinstance(value, Ref):
            return value
        if value not in self._values:
            self._values[value] = self._follow(value)
        return self._values[value]

    def _follow(self, value: Any) -> Any:
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
        return self.pdf.unpack(resolved, self.revision) if isinstance(resolved, Stream) else None


def _first(value: Any) -> bytes | None:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], bytes) else None


def is_name(value: Any, *names: str) -> bool:
    """Whether a value is one of these names."""
    return isinstance(value, Name) and value in names
