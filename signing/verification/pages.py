"""The pages of a document in one state, in their order, with what they inherit."""

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
    hangs_right: bool  # its /Parent is the node that lists it
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


_NOT_OF_NODES = frozenset({"/Kids", "/Parent", *_INHERITED})


def _pages_of(view: View) -> tuple[Page, ...]:
    found: list[Page] = []
    nodes: list[dict[str, Any]] = []
    seen: set[int] = set()
    stack: list[tuple[Any, dict[str, Any], Any]] = [(view.catalog.get("/Pages"), {}, None)]
    while stack:
        item, above, parent = stack.pop()
        if isinstance(item, Ref):
            if item.number in seen:
                raise BadStructure("the page tree goes in a circle, or shows a page twice")
            seen.add(item.number)
        node = view.resolve(item)
        if not isinstance(node, dict):
            continue
        given = {**above, **{key: node[key] for key in _INHERITED if node.get(key) is not None}}
        if node.get("/Kids") is not None and node.get("/Type") != "/Page":
            stack += [(kid, given, item) for kid in reversed(view.items(node.get("/Kids")))]
            own = {key: value for key, value in node.items() if key not in _NOT_OF_NODES}
            nodes.append({**own, "hangs right": node.get("/Parent") == parent})
            continue
        found.append(
            Page(
                number=item.number if isinstance(item, Ref) else None,
                entries={**given, **node},
                hangs_right=node.get("/Parent") == parent,
                inherited=tuple(above.get(key) for key in _INHERITED if node.get(key) is None),
            )
        )
        if len(found) > MAX_PAGES:
            raise BadStructure(f"more than {MAX_PAGES} pages")
    view.kept["nodes"] = tuple(nodes)
    return tuple(found)
