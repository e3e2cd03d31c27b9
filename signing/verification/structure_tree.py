"""The structure tree (tags) between two states: elements follow the annotations and fields they point at, all else stays.

An element that only points (14.7.5.3, object references) may come with the annotation or field that comes, and go with the one
that goes; whether that one may come or go is judged on its page and in the form. What was tagged as content stays as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signing.verification.fields import Field
from signing.verification.graph import MAX_DEPTH, Pair, TooMuch
from signing.verification.pages import pages_of
from signing.verification.pdf import View, is_name
from signing.verification.syntax import Ref

_TEXT = frozenset({"/ActualText", "/Alt", "/E", "/Lang", "/T"})  # what a screen reader says aloud
_POINTING_TYPES = frozenset({"/Form", "/Annot", "/Link"})
_POINTING_KEYS = frozenset({"/Type", "/S", "/P", "/Pg", "/K", "/Alt", "/T", "/Lang", "/ID", "/A", "/NS", "/R"})
_MAX_KIDS = 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Moving:
    """The annotations and widgets that a structure tree may follow: object numbers, and keys of its parent tree."""

    gone: frozenset[int]  # not on a page any more, or otherwise than before
    come: frozenset[int]  # not on a page before, or otherwise than before, or not in the tree before
    fresh: frozenset[int]  # those of them that were not there before: only they may be described in words
    keys: frozenset[int]  # /StructParent of those that are gone


def compare_structure(pair: Pair, moving: Moving) -> str | None:
    """None when the tree only followed what moved; else what is otherwise. Raises TooMuch."""
    return _Tree(pair, moving).compare()


def moving_annotations(pair: Pair, old_fields: Mapping[str, Field], new_fields: Mapping[str, Field]) -> Moving:
    """What came, went or changed on the pages and in the form."""
    old, new = _pointed(pair.old, old_fields), _pointed(pair.new, new_fields)
    changed = {number for number in old & new if not pair.untouched(number) and not _alike(pair, number)}
    gone = (old - new) | changed
    keys = [pair.old.get(Ref(number, 0), "/StructParent") for number in gone]
    return Moving(
        gone=frozenset(gone),
        come=frozenset((new - old) | changed | {n for n in old & new if pair.old.get(Ref(n, 0), "/StructParent") is None}),
        fresh=frozenset(new - old),
        keys=frozenset(key for key in keys if isinstance(key, int)),
    )


def _pointed(view: View, fields: Mapping[str, Field]) -> set[int]:
    """The object numbers of every annotation on a page and of every field's places."""
    shown = {
        item.number for page in pages_of(view) for item in view.items(page.entries.get("/Annots")) if isinstance(item, Ref)
    }
    return shown | {number for each in fields.values() for number in each.numbers}


def _alike(pair: Pair, number: int) -> bool:
    before, after = pair.old.entries(Ref(number, 0)), pair.new.entries(Ref(number, 0))
    return isinstance(before, dict) and isinstance(after, dict) and pair.same_entries(before, after)


@dataclass(slots=True)
class _Tree:
    """One comparison of two structure trees."""

    pair: Pair
    moving: Moving
    seen: set[tuple[int, int]] = field(default_factory=set)

    def compare(self) -> str | None:
        """What is otherwise than the moving annotations explain."""
        pair = self.pair
        before = pair.old.resolve(pair.old.catalog.get("/StructTreeRoot"))
        after = pair.new.resolve(pair.new.catalog.get("/StructTreeRoot"))
        if before is None and after is None:
            return None
        if not isinstance(before, dict) or not isinstance(after, dict):
            return "it appeared or vanished"
        for key in pair.differing(before, after, skip=frozenset({"/K", "/ParentTree", "/ParentTreeNextKey", "/IDTree"})):
            return f"root {key}"
        numbers = self._numbers_follow(before.get("/ParentTree"), after.get("/ParentTree"))
        if not numbers or not self._names_follow(before.get("/IDTree"), after.get("/IDTree")):
            return "names of elements" if numbers else "parent tree"
        reason = self._element({"/K": before.get("/K")}, {"/K": after.get("/K")}, 0)
        if reason is None and not pair.elements() <= {number for number, _ in self.seen}:
            return "an element outside of the tree"
        return reason

    def _element(self, old: dict[str, Any], new: dict[str, Any], depth: int) -> str | None:
        if depth > MAX_DEPTH:
            raise TooMuch
        for key in self.pair.differing(old, new, skip=frozenset({"/K", "/P"})):
            return f"text {key}" if key in _TEXT else f"element {key}"
        if repr(old.get("/P")) != repr(new.get("/P")):  # upwards only by name: the parent is compared in its own place
            return "element /P"
        return self._children(_kids(self.pair.old, old.get("/K")), _kids(self.pair.new, new.get("/K")), depth)

    def _children(self, before: list[Any], after: list[Any], depth: int) -> str | None:
        """The old children in their order, but for pointers that went, and pointers that came."""
        if len(before) > _MAX_KIDS or len(after) > _MAX_KIDS:
            raise TooMuch
        names = [_name(self.pair.old, each) for each in before], [_name(self.pair.new, each) for each in after]
        standing = set(names[1])
        left = right = 0
        while left < len(before) or right < len(after):
            if left < len(before) and right < len(after) and names[0][left] == names[1][right]:
                reason = self._kid(before[left], after[right], depth)
                if reason is not None:
                    return reason
                left, right = left + 1, right + 1
            elif left < len(before) and names[0][left] not in standing and self._follows(before[left], old=True):
                left += 1
            elif right < len(after) and self._follows(after[right], old=False):
                right += 1
            elif left < len(before):
                return "elements removed" if right == len(after) or names[0][left] not in standing else "elements replaced"
            else:
                return "elements added"
        return None

    def _kid(self, old: Any, new: Any, depth: int) -> str | None:
        pair = self.pair
        if isinstance(old, Ref) and isinstance(new, Ref):
            key = (old.number, new.number)
            if key in self.seen:
                return None
            self.seen.add(key)
            if old == new and pair.untouched(old.number):
                return None
        before, after = pair.old.resolve(old), pair.new.resolve(new)
        if (
            isinstance(before, dict)
            and isinstance(after, dict)
            and pair.old.resolve(before.get("/Type")) not in ("/OBJR", "/MCR")
        ):
            return self._element(before, after, depth + 1)
        if pair.same(old, new) or (
            _target(pair.old, old) == _target(pair.new, new) and _target(pair.old, old) in self.moving.gone
        ):
            return None
        return "content replaced"

    def _follows(self, kid: Any, *, old: bool, depth: int = 0) -> bool:
        """A pointer at what moved, or an element that holds nothing but such pointers and brings no text of its own."""
        view = self.pair.old if old else self.pair.new
        target = _target(view, kid)
        if target is not None:
            return target in (self.moving.gone if old else self.moving.come)
        element = view.resolve(kid)
        if not isinstance(element, dict) or depth > MAX_DEPTH or not is_name(view.resolve(element.get("/S")), *_POINTING_TYPES):
            return False
        kids = _kids(view, element.get("/K"))
        if not kids or not element.keys() <= _POINTING_KEYS:
            return False
        if not old and not _TEXT.isdisjoint(element) and not all(_target(view, each) in self.moving.fresh for each in kids):
            return False
        return all(self._follows(each, old=old, depth=depth + 1) for each in kids)

    def _numbers_follow(self, old: Any, new: Any) -> bool:
        """A number tree that maps as before, but for new keys, and for keys of annotations that are gone.

        It only says which element belongs to a piece of content; the elements themselves are compared in their tree.
        """
        if self.pair.same(old, new):
            return True
        before, after = _pairs(self.pair.old, old), _pairs(self.pair.new, new)
        return _adds_plainly(before, after) and all(
            all(self._may_vanish(key, value) for value in values) or self._map_alike(values, after.get(key, []))
            for key, values in before.items()
        )

    def _names_follow(self, old: Any, new: Any) -> bool:
        """A name tree by which links and table headers find elements: names may come, none may lead elsewhere."""
        if self.pair.same(old, new):
            return True
        before, after = _pairs(self.pair.old, old, "/Names"), _pairs(self.pair.new, new, "/Names")
        return _adds_plainly(before, after) and all(self._map_alike(each, after.get(name, [])) for name, each in before.items())

    def _may_vanish(self, key: int, value: Any) -> bool:
        """The entry of an annotation that moved; an array is a page's own."""
        return key in self.moving.keys and not isinstance(self.pair.old.resolve(value), list)

    def _map_alike(self, old: list[Any], new: list[Any]) -> bool:
        """Whether one key leads where it did, each time that it is listed: readers take the first one or the last."""
        return len(old) == len(new) and all(self._maps_alike(*each) for each in zip(old, new, strict=True))

    def _maps_alike(self, old: Any, new: Any) -> bool:
        if new is None:
            return False
        pair = self.pair
        if isinstance(old, Ref) and isinstance(new, Ref) and old == new and not isinstance(pair.old.resolve(old), list):
            return True
        before, after = pair.old.resolve(old), pair.new.resolve(new)
        if isinstance(before, list) and isinstance(after, list):
            return after[: len(before)] == before
        return old == new or pair.same(old, new)


def _kids(view: View, value: Any) -> list[Any]:
    resolved = view.resolve(value)
    if resolved is None:
        return []
    return resolved if isinstance(resolved, list) else [value]


def _target(view: View, kid: Any) -> int | None:
    """The annotation or field that an object reference points at."""
    pointer = view.resolve(kid)
    target = pointer.get("/Obj") if isinstance(pointer, dict) and pointer.get("/Type") == "/OBJR" else None
    return target.number if isinstance(target, Ref) else None


def _name(view: View, kid: Any) -> tuple[str, int]:
    """By what a kid is known in both states: a pointer by its target, an element by its object, others by their kind."""
    target = _target(view, kid)
    if target is not None:
        return "pointer", target
    if isinstance(kid, Ref):
        return "object", kid.number
    return "value", kid if isinstance(kid, int) and not isinstance(kid, bool) else -1


def _pairs(view: View, tree: Any, leaves: str = "/Nums") -> dict[Any, list[Any]]:
    """The keys of a number tree or name tree (7.9.6, 7.9.7) with all their values in order, unresolved. Raises TooMuch.

    What is no key stands under None.
    """
    found: dict[Any, list[Any]] = {}
    stack, seen = [tree], 0
    while stack:
        node = view.resolve(stack.pop())
        seen += 1
        if seen > _MAX_KIDS:
            raise TooMuch
        if not isinstance(node, dict):
            continue
        listed = view.items(node.get(leaves))
        kind = int if leaves == "/Nums" else bytes
        for each, value in zip(listed[::2], listed[1::2], strict=False):
            key = view.resolve(each)
            found.setdefault(key if isinstance(key, kind) else None, []).append(value)
        stack += reversed(view.items(node.get("/Kids")))
    return found


def _adds_plainly(before: dict[Any, list[Any]], after: dict[Any, list[Any]]) -> bool:
    """Whether every key that came is one, and is listed once."""
    return all(key is not None and len(values) == 1 for key, values in after.items() if key not in before)
