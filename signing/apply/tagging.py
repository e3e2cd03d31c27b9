"""A new visible field takes its place in the structure tree of a tagged document (ISO 32000-2, 14.7.5; PDF/UA-1, 7.18.4).

One element of type Form that points at the widget, at the end of the document's element, and one row in the parent tree.
Nothing that was tagged before is touched. A document without a tree, or with one of a shape that is not understood, stays as
it is: signing does not repair tags.
"""

from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name, pdf_string

from signing.apply.opening import AppendingWriter

MOST_ROWS = 200_000  # of a parent tree; one row per page and widget
DEEPEST = 32


class _NotUnderstood(Exception):
    """The tree has a shape that is left alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """Where the new element and its row go."""

    root: generic.DictionaryObject
    parent: generic.IndirectObject
    rows: generic.DictionaryObject  # the parent tree's root
    key: int


def tag_field(writer: AppendingWriter, field: generic.IndirectObject, label: str) -> None:
    """Enter a merged field and widget that was just laid; `label` is what a screen reader says."""
    widget = field.get_object()  # type: ignore[no-untyped-call]
    try:
        tree = _tree(writer)
    except (_NotUnderstood, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        return
    if tree is None or not isinstance(widget, generic.DictionaryObject) or "/P" not in widget:
        return
    page = widget.raw_get("/P")
    pointer = _dictionary({"/Type": pdf_name("/OBJR"), "/Obj": field, "/Pg": page})
    element = _dictionary(
        {
            "/Type": pdf_name("/StructElem"),
            "/S": pdf_name("/Form"),
            "/P": tree.parent,
            "/Pg": page,
            "/K": pointer,
            "/Alt": pdf_string(label),
        }
    )
    entered = writer.add_object(element)
    _append_kid(writer, tree.parent.get_object(), entered)  # type: ignore[no-untyped-call]
    _append_row(writer, tree, entered)
    widget[pdf_name("/StructParent")] = _number(tree.key)
    widget[pdf_name("/TU")] = pdf_string(label)
    writer.update_container(widget)


def _tree(writer: AppendingWriter) -> _Tree | None:
    """None for a document that is not tagged. Raises what `tag_field` catches."""
    if "/StructTreeRoot" not in writer.root:
        return None
    reference = writer.root.raw_get("/StructTreeRoot")
    root = writer.root["/StructTreeRoot"]
    if not isinstance(reference, generic.IndirectObject) or not isinstance(root, generic.DictionaryObject):
        raise _NotUnderstood
    rows = root["/ParentTree"]
    if not isinstance(rows, generic.DictionaryObject) or ("/Nums" in rows) == ("/Kids" in rows):
        raise _NotUnderstood
    return _Tree(root=root, parent=_parent(root, reference), rows=rows, key=_next_key(root, rows))


def _parent(root: generic.DictionaryObject, reference: generic.IndirectObject) -> generic.IndirectObject:
    """The document's own element where the tree has one at its top, else the root."""
    kids = root.get("/K")
    first = root.raw_get("/K") if isinstance(kids, generic.DictionaryObject) else None
    if isinstance(kids, generic.ArrayObject) and len(kids) == 1:
        first = kids.raw_get(0)
    if not isinstance(first, generic.IndirectObject):
        return reference
    top = first.get_object()  # type: ignore[no-untyped-call]
    is_document = isinstance(top, generic.DictionaryObject) and top.get("/S") in {"/Document", "/Part", "/DocumentFragment"}
    return first if is_document else reference


def _next_key(root: generic.DictionaryObject, rows: generic.DictionaryObject) -> int:
    """A key that no row has: what the tree says comes next, unless it is wrong."""
    highest = max(_keys(rows, 0), default=-1)
    said = root.get("/ParentTreeNextKey", 0)
    return max(highest + 1, int(said) if isinstance(said, int) else 0)


def _keys(node: generic.DictionaryObject, depth: int) -> list[int]:
    """The keys of a number tree (7.9.7)."""
    if depth > DEEPEST:
        raise _NotUnderstood
    if "/Nums" in node:
        numbers = node["/Nums"]
        if len(numbers) > 2 * MOST_ROWS or len(numbers) % 2:
            raise _NotUnderstood
        return [int(numbers[at]) for at in range(0, len(numbers), 2)]
    found: list[int] = []
    for kid in node["/Kids"]:
        found += _keys(kid.get_object(), depth + 1)
        if len(found) > MOST_ROWS:
            raise _NotUnderstood
    return found


def _append_kid(writer: AppendingWriter, parent: generic.DictionaryObject, kid: generic.IndirectObject) -> None:
    """One more in /K, which may be absent, one thing, or an array, its own object or not."""
    if "/K" not in parent:
        parent[pdf_name("/K")] = generic.ArrayObject([kid])
        writer.update_container(parent)
        return
    kids = parent["/K"]
    if isinstance(kids, generic.ArrayObject):
        kids.append(kid)
        writer.update_container(kids)
        return
    parent[pdf_name("/K")] = generic.ArrayObject([parent.raw_get("/K"), kid])
    writer.update_container(parent)


def _append_row(writer: AppendingWriter, tree: _Tree, element: generic.IndirectObject) -> None:
    """The highest key stands last: at the end of a single leaf, or as a leaf of its own."""
    key = _number(tree.key)
    if "/Nums" in tree.rows:
        numbers = tree.rows["/Nums"]
        numbers.append(key)
        numbers.append(element)
        writer.update_container(numbers)
    else:
        limits = generic.ArrayObject([key, key])
        leaf = _dictionary({"/Limits": limits, "/Nums": generic.ArrayObject([key, element])})
        kids = tree.rows["/Kids"]
        kids.append(writer.add_object(leaf))
        writer.update_container(kids)
    tree.root[pdf_name("/ParentTreeNextKey")] = _number(tree.key + 1)
    writer.update_container(tree.root)


def _dictionary(values: dict[str, generic.PdfObject]) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(key): value for key, value in values.items()})  # type: ignore[no-untyped-call]


def _number(value: int) -> generic.NumberObject:
    return generic.NumberObject(value)  # type: ignore[no-untyped-call]
