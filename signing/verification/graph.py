"""Two states of a document compared as what a reader reaches from the trailer, not as bytes of a table.

`Pair.same(old, new)` says whether two values are alike, however their objects are numbered. References to pages and form fields
are compared by which page or field they name: what changed inside those is judged where they stand.
"""

from collections import defaultdict
from typing import Any

from signing.verification.pages import node_numbers
from signing.verification.pdf import FREE, PACKED, PLAIN, Entry, Pdf, View
from signing.verification.recompression import PACKING, holds_the_same
from signing.verification.syntax import Ref, Stream

MAX_OBJECTS = 400_000  # visited in one comparison; a book of 3 000 pages has 33 000
MAX_DEPTH = 400  # of values inside each other while comparing; a deep structure tree has 30

MOVED = "direct and indirect values exchanged"  # what `Pair.moved` finds, in words

# Where drawing begins: what hangs below these keys is painted by its names, not by its role in the document.
_DRAWN = frozenset({"/Resources", "/XObject", "/AP", "/Contents", "/DR", "/Font", "/MK", "/Thumb", "/Group", "/EF", "/AF"})
_NOTHING: frozenset[str] = frozenset()
_SKIPPED_IN_STREAMS = frozenset({"/Length"})  # compared through the bytes


class TooMuch(Exception):
    """The document is too large or too deep to be compared."""


class Pair:
    """An older and a newer state of one file."""

    def __init__(self, pdf: Pdf, old: int, new: int) -> None:
        self.pdf = pdf
        self.old: View = pdf.at(old)
        self.new: View = pdf.at(new)
        self.changed = _changed(pdf, old, new)
        self._alike: dict[tuple[Ref, Ref, bool, bool], bool] = {}
        self._assumed: list[tuple[Ref, Ref, bool, bool]] = []  # in the order in which they were called alike
        self._to_the_letter = False
        self._drawn = False
        self._opaque_old: dict[int, str] = {}
        self._opaque_new: dict[int, str] = {}
        self._reaching: set[int] | None = None
        self._visited = 0

    def opaque(self, old: dict[int, str], new: dict[int, str]) -> None:
        """Object numbers that stand for something with a name (a page, a field) in each state."""
        self._opaque_old, self._opaque_new = old, new

    def elements(self) -> frozenset[int]:
        """The structure elements that changed, by their object number; they are judged in the structure tree alone."""
        return frozenset(number for number, kind in self._opaque_old.items() if kind.startswith("element"))

    def untouched(self, number: int) -> bool:
        """Whether nothing that this object reaches was changed."""
        if self._reaching is None:
            upward = self._upward()
            self._reaching = _reaching(self.pdf, self.old.revision, self.changed, upward)
        return number not in self._reaching

    def _upward(self) -> dict[int, frozenset[str]]:
        """Of pages, fields and the like: the entries that only lead back to what holds them.

        What stands there is judged in its own place. An entry that leads elsewhere than its name says is followed as any other.
        """
        pages = {number for number, kind in self._opaque_old.items() if kind.startswith("page")}
        found: dict[int, frozenset[str]] = {}
        for number, kind in self._opaque_old.items():
            key, targets = ("/Parent", node_numbers(self.old)) if number in pages else ("/P", pages)
            entries = self.old.entries(Ref(number, 0)) if number in pages or kind.startswith("field") else None
            target = entries.get(key) if isinstance(entries, dict) else None
            found[number] = frozenset({key}) if isinstance(target, Ref) and target.number in targets else _NOTHING
        return found

    def same(self, old: Any, new: Any, depth: int = 0) -> bool:
        """Whether two values are alike for a reader."""
        if depth > MAX_DEPTH:
            raise TooMuch
        if isinstance(old, Ref) and isinstance(new, Ref):
            verdict = self._same_references(old, new)
            if verdict is not None:
                return verdict
            key = (old, new, self._to_the_letter, self._drawn)
            if key in self._alike:
                return self._alike[key]
            self._alike[key] = True  # a circle is alike when everything else on it is
            mark = len(self._assumed)
            self._assumed.append(key)
            self._visited += 1
            if self._visited > MAX_OBJECTS:
                raise TooMuch
            found = not self._is_ambiguous(old, new) and self._same_values(self.old.resolve(old), self.new.resolve(new), depth)
            if not found:  # what was found alike since then may rest on the assumption
                for each in self._assumed[mark:]:
                    self._alike.pop(each, None)
                del self._assumed[mark:]
                self._alike[key] = False
            return found
        if self._to_the_letter and isinstance(old, Ref) != isinstance(new, Ref):
            return False
        return self._same_values(self.old.resolve(old), self.new.resolve(new), depth)

    def _same_references(self, old: Ref, new: Ref) -> bool | None:
        left, right = self._opaque_old.get(old.number), self._opaque_new.get(new.number)
        if (left is not None or right is not None) and not self._drawn:
            return left == right
        if old == new and self.untouched(old.number):
            return True
        return None

    def _is_ambiguous(self, old: Ref, new: Ref) -> bool:
        """A reference to a generation that the number does not have, while the number itself changed.

        By the book it is null; readers that ignore generations show what stands there.
        """
        states = ((self.old, old), (self.new, new))
        return any(
            view.resolve(reference) is None and self.pdf.load(reference.number, view.revision) is not None
            for view, reference in states
        )

    def _same_values(self, old: Any, new: Any, depth: int) -> bool:
        if isinstance(old, Stream) or isinstance(new, Stream):
            return (
                isinstance(old, Stream)
                and isinstance(new, Stream)
                and (
                    self.same_entries(old.entries, new.entries, skip=_SKIPPED_IN_STREAMS, depth=depth)
                    if old is new or old.raw == new.raw
                    else self.same_entries(old.entries, new.entries, skip=PACKING, depth=depth)
                    and holds_the_same(old, new, self.pdf.budget)
                )
            )
        if isinstance(old, dict) or isinstance(new, dict):
            return isinstance(old, dict) and isinstance(new, dict) and self.same_entries(old, new, depth=depth)
        if isinstance(old, list) or isinstance(new, list):
            return (
                isinstance(old, list)
                and isinstance(new, list)
                and len(old) == len(new)
                and all(self.same(a, b, depth + 1) for a, b in zip(old, new, strict=True))
            )
        if isinstance(old, bool) or isinstance(new, bool):
            return old is new
        if isinstance(old, int | float) and isinstance(new, int | float):
            return old == new
        return type(old) is type(new) and old == new

    def same_entries(
        self, old: dict[str, Any], new: dict[str, Any], *, skip: frozenset[str] = frozenset(), depth: int = 0
    ) -> bool:
        """Whether two dictionaries are alike, some keys left out. A key with null is a key that is not there."""
        return not self.differing(old, new, skip=skip, depth=depth, first_only=True)

    def differing(
        self,
        old: dict[str, Any],
        new: dict[str, Any],
        *,
        skip: frozenset[str] = frozenset(),
        depth: int = 0,
        first_only: bool = False,
    ) -> list[str]:
        """The keys whose values are not alike."""
        found: list[str] = []
        for key in dict.fromkeys((*old, *new)):
            if key in skip:
                continue
            if not self.same_at(key, old.get(key), new.get(key), depth + 1):
                found.append(key)
                if first_only:
                    break
        return found

    def same_at(self, key: str, old: Any, new: Any, depth: int = 0) -> bool:
        """Whether two values of a key are alike.

        Inside of what is drawn the names in a dictionary are the author's: a page or the catalog that stands there as a
        resource is compared like anything else, with all its entries.
        """
        outside = self._drawn
        self._drawn = outside or key in _DRAWN
        try:
            return self.same(old, new, depth)
        finally:
            self._drawn = outside

    def moved(self, old: dict[str, Any], new: dict[str, Any], *, skip: frozenset[str] = frozenset()) -> list[str]:
        """The keys whose values are alike, but somewhere in them a value became an object of its own, or no longer is one.

        Nothing looks otherwise; but no program that saves incrementally does this, and other verifiers refuse it.
        """
        kept = [key for key in {**old, **new} if key not in skip and self.same_at(key, old.get(key), new.get(key))]
        self._to_the_letter = True
        try:
            return [key for key in kept if not self.same_at(key, old.get(key), new.get(key))]
        finally:
            self._to_the_letter = False


def changed_numbers(pdf: Pdf, revision: int) -> set[int]:
    """The numbers that one revision speaks of otherwise than the one before, the contents of replaced object streams too."""
    section = pdf.sections[revision]
    found: set[int] = set()
    for number in section.numbers():
        if section.get(number) != (pdf.entry(number, revision - 1) if revision else None):
            found.add(number)
    return found


def _changed(pdf: Pdf, old: int, new: int) -> set[int]:
    found: set[int] = set()
    for revision in range(old + 1, new + 1):
        found |= changed_numbers(pdf, revision)
    if any(pdf.entry(number, old) for number in found):
        found |= _packed_in(pdf, old, found)
    return found


def _packed_in(pdf: Pdf, revision: int, holders: set[int]) -> set[int]:
    """The numbers whose object stands in one of these object streams."""
    found: set[int] = set()
    for section in pdf.sections[: revision + 1]:
        for number in section.numbers():
            entry = section.get(number)
            if entry is not None and entry[0] == PACKED and entry[1] in holders:
                found.add(number)
    return found


def references(value: Any, skip: frozenset[str] = frozenset()) -> list[int]:
    """The object numbers that a value refers to directly, some of its own keys left out."""
    if skip and isinstance(value, dict):
        value = [each for key, each in value.items() if key not in skip]
    return [each.number for each in all_references(value)]


def all_references(value: Any) -> list[Ref]:
    """The references in a value, those in a stream's dictionary included; none of them followed."""
    found: list[Ref] = []
    stack = [value]
    while stack:
        each = stack.pop()
        if isinstance(each, Ref):
            found.append(each)
        elif isinstance(each, dict):
            stack += each.values()
        elif isinstance(each, list):
            stack += each
        elif isinstance(each, Stream):
            stack += each.entries.values()
    return found


def is_there(entry: Entry | None) -> bool:
    """Whether a row leads to an object. Some programs write one at byte 0 for a number that they left out: null to all."""
    return entry is not None and entry[0] != FREE and entry[:2] != (PLAIN, 0)


def _kept_references(pdf: Pdf, number: int, revision: int, skip: frozenset[str]) -> tuple[int, ...]:
    """The references of an object, found once for all revisions that know the same version of it."""
    entry = pdf.entry(number, revision)
    packed = entry is not None and entry[0] == PACKED
    # A later revision may put another object stream under the old number: then what is in it are other objects.
    version = max(pdf.last_change(n, revision) or 0 for n in ((number, entry[1]) if packed and entry else (number,)))
    key = (number, version, skip)
    if key not in pdf.kept_references:
        pdf.kept_references[key] = tuple(references(pdf.load(number, revision), skip))
    return pdf.kept_references[key]


def _reaching(pdf: Pdf, revision: int, targets: set[int], upward: dict[int, frozenset[str]]) -> set[int]:
    """Every number from which one of the targets can be reached in this state, the targets included."""
    users: defaultdict[int, list[int]] = defaultdict(list)
    numbers = {number for section in pdf.sections[: revision + 1] for number in section.numbers()}
    if len(numbers) > MAX_OBJECTS:
        raise TooMuch
    for number in numbers:
        if not is_there(pdf.entry(number, revision)):
            continue
        for used in _kept_references(pdf, number, revision, upward.get(number, _NOTHING)):
            users[used].append(number)
    found = set(targets)
    queue = list(targets)
    while queue:
        for user in users[queue.pop()]:
            if user not in found:
                found.add(user)
                queue.append(user)
    return found


def positions(pdf: Pdf, revision: int) -> dict[int, int]:
    """Where the objects that one revision brings stand in the file, by number (those in object streams left out)."""
    section = pdf.sections[revision]
    return {
        number: entry[1] for number in section.numbers() if (entry := section.get(number)) is not None and entry[0] == PLAIN
    }
