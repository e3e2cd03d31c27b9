"""The structure tree (tags) between two states: elements for new fields and annotations may be added, nothing else."""

from typing import Any

from signing.verification.graph import MAX_DEPTH, Pair, TooMuch
from signing.verification.pdf import View
from signing.verification.syntax import Ref

_TEXT = frozenset({"/ActualText", "/Alt", "/E", "/Lang", "/T"})  # what a screen reader says aloud
_ADDED_TYPES = frozenset({"/Form", "/Annot", "/Link"})
_MAX_KIDS = 200_000


def compare_structure(pair: Pair, old: Any, new: Any) -> str | None:
    """None when the tree only grew by elements for fields and annotations; else what is otherwise."""
    before, after = pair.old.resolve(old), pair.new.resolve(new)
    if before is None and after is None:
        return None
    if not isinstance(before, dict) or not isinstance(after, dict):
        return "it appeared or vanished"
    for key in pair.differing(before, after, skip=frozenset({"/K", "/ParentTree", "/ParentTreeNextKey", "/IDTree"})):
        return f"root {key}"
    if not _numbers_grew(pair, before.get("/ParentTree"), after.get("/ParentTree")):
        return "parent tree"
    return _element(pair, {"/K": before.get("/K")}, {"/K": after.get("/K")}, set(), 0)


def _element(pair: Pair, old: dict[str, Any], new: dict[str, Any], seen: set[tuple[int, int]], depth: int) -> str | None:
    if depth > MAX_DEPTH:
        raise TooMuch
    for key in pair.differing(old, new, skip=frozenset({"/K", "/P"})):
        return f"text {key}" if key in _TEXT else f"element {key}"
    if repr(old.get("/P")) != repr(new.get("/P")):  # upwards only by name: the parent is compared in its own place
        return "element /P"
    after = _kids(pair.new, new.get("/K"))
    # An element that only pointed at an annotation may go with it; whether that may go is judged on its page.
    standing = {getattr(kid, "number", None) for kid in after}
    before = [
        kid
        for kid in _kids(pair.old, old.get("/K"))
        if getattr(kid, "number", None) in standing or not _is_pointer(pair.old, kid)
    ]
    return _children(pair, before, after, seen, depth)


def _children(pair: Pair, before: list[Any], after: list[Any], seen: set[tuple[int, int]], depth: int) -> str | None:
    """The old children in their order, with nothing between them but elements that only point."""
    if len(before) > len(after) or len(after) > _MAX_KIDS:
        return "elements removed"
    position = 0
    for kid in before:
        while position < len(after) and not _may_be(kid, after[position]):
            if not _is_addition(pair, after[position]):
                return "element replaced"
            position += 1
        if position == len(after):
            return "elements removed"
        reason = _kid(pair, kid, after[position], seen, depth)
        if reason is not None:
            return reason
        position += 1
    return None if all(_is_addition(pair, kid) for kid in after[position:]) else "elements added"


def _kids(view: Any, value: Any) -> list[Any]:
    resolved = view.resolve(value)
    if resolved is None:
        return []
    return resolved if isinstance(resolved, list) else [value]


def _may_be(old: Any, new: Any) -> bool:
    """Whether two kids can be the same element: the same object, or direct values."""
    numbers = getattr(old, "number", None), getattr(new, "number", None)
    return numbers[0] == numbers[1]


def _kid(pair: Pair, old: Any, new: Any, seen: set[tuple[int, int]], depth: int) -> str | None:
    if pair.same(old, new):
        return None
    key = (getattr(old, "number", -1), getattr(new, "number", -1))
    if key in seen and key != (-1, -1):
        return None
    seen.add(key)
    before, after = pair.old.resolve(old), pair.new.resolve(new)
    if not isinstance(before, dict) or not isinstance(after, dict):
        return "content replaced"
    return _element(pair, before, after, seen, depth + 1)


def _is_addition(pair: Pair, kid: Any) -> bool:
    return _is_pointer(pair.new, kid)


def _is_pointer(view: View, kid: Any) -> bool:
    """An element that only points at fields or annotations: it brings no text of its own."""
    element = view.resolve(kid)
    if not isinstance(element, dict) or element.get("/S") not in _ADDED_TYPES:
        return False
    return all(view.get(each, "/Type") == "/OBJR" for each in _kids(view, element.get("/K")))


def _numbers_grew(pair: Pair, old: Any, new: Any) -> bool:
    """A number tree that maps as before, but for new keys, and for keys of annotations that are gone.

    It only says which element belongs to a piece of content; the elements themselves are compared in their tree.
    """
    if pair.same(old, new):
        return True
    before, after = _pairs(pair.old, old), _pairs(pair.new, new)
    return all(_maps_alike(pair, value, after.get(key)) for key, value in before.items())


def _maps_alike(pair: Pair, old: Any, new: Any) -> bool:
    if new is None:
        return _is_pointer(pair.old, old)
    if isinstance(old, Ref) and isinstance(new, Ref) and old == new and not isinstance(pair.old.resolve(old), list):
        return True
    before, after = pair.old.resolve(old), pair.new.resolve(new)
    if isinstance(before, list) and isinstance(after, list):
        return after[: len(before)] == before
    return old == new or pair.same(old, new)


def _pairs(view: Any, tree: Any) -> dict[int, Any]:
    found: dict[int, Any] = {}
    stack, seen = [tree], 0
    while stack:
        node = view.resolve(stack.pop())
        seen += 1
        if not isinstance(node, dict) or seen > _MAX_KIDS:
            continue
        numbers = view.items(node.get("/Nums"))
        found.update({key: value for key, value in zip(numbers[::2], numbers[1::2], strict=False) if isinstance(key, int)})
        stack += view.items(node.get("/Kids"))
    return found
