"""Whether a new field would be one with a known field for a reader: the same name, or one that stands above or below it."""

from bisect import bisect_left, insort
from collections.abc import Iterable

_LONGEST = 2000  # characters of a new field's full name
_MOST_PARTS = 64  # of it, between dots; forms have five


class FieldNames:
    """Full names of fields, in which a new one is looked up without going through them all."""

    __slots__ = ("_known", "_sorted")

    def __init__(self, names: Iterable[str]) -> None:
        self._known = set(names)
        self._sorted = sorted(self._known)

    def add(self, name: str) -> None:
        """One name more."""
        if name not in self._known:
            self._known.add(name)
            insort(self._sorted, name)

    def clash_with(self, name: str) -> bool:
        """Whether a known field has this name or one above or below it (12.7.4.2). So does every name too long to tell."""
        if len(name) > _LONGEST or name.count(".") >= _MOST_PARTS:
            return True
        parts = name.split(".")
        if any(".".join(parts[: index + 1]) in self._known for index in range(len(parts))):
            return True
        place = bisect_left(self._sorted, name + ".")
        return place < len(self._sorted) and self._sorted[place].startswith(name + ".")
