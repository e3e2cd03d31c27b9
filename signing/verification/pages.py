"""The pages of a document in one state, in their order, with what they inherit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signing.verification.faults import BadStructure
from signing.verification.pdf import View
from signing.verification.syntax import Ref

MAX_PAGES = 100_000
_INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page: its object number, its entries with the inherited ones filled in."""

    number: int | None
    entries: dict[str, Any]
    hangs_right: bool  # its /Parent is the node that lists it, and so on upwards
    inherited: tuple[Any, ...]  # values that stand in a node above it


def pages_of(view: View) -> tuple[Page, ...]:
    """Every page of the document. Raises BadStructure."""
    if "pages" not in view.kept:
        view.kept["pages"] = _pages_of(view)
    known: tuple[Page, ...] = view.kept["pages"]
    return known


def inner_nodes(view: View) -> tuple[dict[str, Any], ...]:
    """What the nodes of the page tree say of themselves, pages and what they pass on left out."""
    pages_of(view)
    known: tuple[dict[str, Any], ...] = view.kept["nodes"]
    return known


def node_numbers(view: View) -> frozenset[int]:
    """The object numbers of the page tree's inner nodes."""
    pages_of(view)
    known: frozenset[int] = view.kept["node numbers"]
    return known


MAX_CLIMB = 64  # nodes above each other; balanced trees have four


def given_from_above(view: View, page: Page) -> list[Any]:
    """What a reader that climbs by /Parent would let the page inherit, where it says nothing itself (7.7.3.4).

    Raises BadStructure.
    """
    found: dict[str, Any] = {}
    node: Any = page.entries
    for _ in range(MAX_CLIMB):
        node = view.resolve(node.get("/Parent"))
        if not isinstance(node, dict):
            break
        for key in _INHERITED:
            if view.resolve(node.get(key)) is not None:
                found.setdefault(key, node[key])
    else:
        raise BadStructure("a page hangs too deep")
    return [found.get(key) for key in _INHERITED]


def visible_box(view: View, entries: Mapping[str, Any]) -> tuple[float, ...] | None:
    """The part of a page that is seen: its crop box within its media box (14.11.2). None where it has no boxes."""
    media, crop = (box_of(view, entries.get(key)) for key in ("/MediaBox", "/CropBox"))
    if media is None or crop is None:
        return media or crop
    return max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3])


def box_of(view: View, value: Any) -> tuple[float, ...] | None:
    """A rectangle with its lower left corner first; None where it is none."""
    items = [view.resolve(each) for each in view.items(value)]
    if len(items) != 4 or not all(isinstance(each, int | float) for each in items):  # noqa: PLR2004
        return None
    left, low, right, high = (float(each) for each in items)
    return min(left, right), min(low, high), max(left, right), max(low, high)


_NOT_OF_NODES = frozenset({"/Kids", "/Parent", *_INHERITED})


def _pages_of(view: View) -> tuple[Page, ...]:
    found: list[Page] = []
    nodes: list[dict[str, Any]] = []
    node_numbers: set[int] = set()
    seen: set[int] = set()
    stack: list[tuple[Any, dict[str, Any], Any, bool]] = [(view.catalog.get("/Pages"), {}, None, True)]
    while stack:
        item, above, parent, right = stack.pop()
        if isinstance(item, Ref):
            if item.number in seen:
                raise BadStructure("the page tree goes in a circle, or shows a page twice")
            seen.add(item.number)
        node = view.resolve(item)
        if not isinstance(node, dict):
            continue
        # Null is nothing (7.3.7): what is null here is inherited as if it were not written.
        own = {key: node[key] for key in _INHERITED if view.resolve(node.get(key)) is not None}
        given = {**above, **own}
        if node.get("/Kids") is not None and node.get("/Type") != "/Page":
            right = right and node.get("/Parent") == parent
            node_numbers.update(each.number for each in (item,) if isinstance(each, Ref))
            stack += [(kid, given, item, right) for kid in reversed(view.items(node.get("/Kids")))]
            said = {key: value for key, value in node.items() if key not in _NOT_OF_NODES}
            kids = len(view.items(node.get("/Kids")))  # readers that trust /Count go wrong where other kids hang below it
            nodes.append({**said, "hangs right": node.get("/Parent") == parent, "kids": kids})
            continue
        found.append(
            Page(
                number=item.number if isinstance(item, Ref) else None,
                entries={**node, **{key: given.get(key) for key in _INHERITED}},
                hangs_right=right and node.get("/Parent") == parent,
                inherited=tuple(above.get(key) for key in _INHERITED if key not in own),
            )
        )
        if len(found) > MAX_PAGES:
            raise BadStructure(f"more than {MAX_PAGES} pages")
    view.kept["nodes"], view.kept["node numbers"] = tuple(nodes), frozenset(node_numbers)
    return tuple(found)
