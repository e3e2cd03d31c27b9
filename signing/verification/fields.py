"""The form fields of a document in one state: terminal fields by their full names, with the widgets that show them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from signing.verification.faults import BadStructure, Fault
from signing.verification.pages import Page
from signing.verification.pdf import View
from signing.verification.syntax import Ref, text_of

MAX_FIELDS = 20_000
MAX_LEVELS = 32
_MAX_NAMES = 20_000_000  # characters of all full names together: what stands above is written into each

INHERITED = ("/FT", "/Ff", "/V", "/DV", "/MaxLen", "/DA", "/Q", "/Opt", "/Lock", "/SV")
# What belongs to the picture of a field on a page; everything else belongs to the field.
WIDGET_KEYS = frozenset(
    {
        "/Subtype",
        "/Rect",
        "/P",
        "/AP",
        "/AS",
        "/F",
        "/Border",
        "/BS",
        "/MK",
        "/H",
        "/StructParent",
        "/NM",
        "/M",
        "/C",
        "/OC",
        "/Contents",
        "/A",
    }
)
_UPWARD = frozenset({"/Kids", "/Parent", "/Type"})
_OF_FIELDS = frozenset({"/FT", "/V", "/DV", "/Ff", "/T", "/Opt", "/MaxLen", "/Lock", "/SV"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """A field's place on a page."""

    number: int | None
    entries: dict[str, Any]
    is_pure: bool = True  # nothing in its object says anything of the field


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A terminal field."""

    name: str
    number: int | None
    kind: str  # /Sig, /Tx, /Btn, /Ch, or empty
    entries: dict[str, Any]  # without the widget's keys, inherited ones filled in
    widgets: tuple[Widget, ...]
    numbers: tuple[int, ...]  # of the field and its widgets
    holders: tuple[Any, ...]  # the nodes above it, unresolved
    hangs_right: bool  # it and its widgets name as their parent the node that lists them
    elsewhere: tuple[Any, ...]  # the other nodes that it or its widgets name as their parent
    is_odd: bool  # /Kids are there and are not one widget after the other: readers differ on what the field shows

    @property
    def above(self) -> tuple[int | None, ...]:
        """Object numbers of the nodes above it; None where one is no object."""
        return tuple(each.number if isinstance(each, Ref) else None for each in self.holders)

    @property
    def hangs_elsewhere(self) -> bool:
        """Whether it or a widget names another node."""
        return bool(self.elsewhere)

    @property
    def value(self) -> Any:
        """/V, unresolved."""
        return self.entries.get("/V")


def form_fields(view: View) -> dict[str, Field]:
    """Every terminal field by its full name. Of two with one name the second gets a mark behind it. Not to be changed."""
    if "fields" not in view.kept:
        view.kept["fields"] = _form_fields(view)
    known: dict[str, Field] = view.kept["fields"]
    return known


def _form_fields(view: View) -> dict[str, Field]:
    found: dict[str, Field] = {}
    seen: set[int] = set()
    repeated: Counter[str] = Counter()
    written = 0
    roots = view.items(view.get(view.catalog, "/AcroForm", "/Fields"))
    stack: list[tuple[Any, str, dict[str, Any], tuple[Any, ...]]] = [(item, "", {}, ()) for item in reversed(roots)]
    while stack:
        item, prefix, above, holders = stack.pop()
        if isinstance(item, Ref):
            if item.number in seen:
                continue  # one object as two fields shows nothing new
            seen.add(item.number)
        node = view.resolve(item)
        if not isinstance(node, dict):
            continue
        if len(holders) > MAX_LEVELS or len(found) > MAX_FIELDS:
            raise BadStructure("the form has too many fields or levels")
        part = text_of(view.resolve(node.get("/T"))) if node.get("/T") is not None else None
        name = ".".join(each for each in (prefix, part) if each) if part is not None else prefix
        written += len(name) if part else 0  # a node without a name of its own has the string of the node above
        if written > _MAX_NAMES:
            raise BadStructure("the names of the form's fields are too long")
        given = {**above, **{key: node[key] for key in INHERITED if _is_there(view, node.get(key))}}
        kids = view.items(node.get("/Kids"))
        children = [kid for kid in kids if view.get(kid, "/T") is not None]
        if children:
            stack += [(kid, name, given, (*holders, item)) for kid in reversed(kids)]
            continue
        field = _field(view, item, node, name, given, holders)
        key = name
        while key in found:
            repeated[name] += 1
            key = f"{name}'{repeated[name]}"
        found[key] = field
    return found


def given_by_parents(view: View, parent: Any) -> dict[str, Any]:
    """What a reader that climbs by /Parent lets a field or widget inherit. Raises BadStructure."""
    found: dict[str, Any] = {}
    for _ in range(MAX_LEVELS):
        node = view.resolve(parent)
        if not isinstance(node, dict):
            return found
        for key, value in node.items():
            if key not in WIDGET_KEYS and key not in _UPWARD and _is_there(view, value):
                found.setdefault(key, value)
        parent = node.get("/Parent")
    raise BadStructure("a field hangs too deep")


def _is_there(view: View, value: Any) -> bool:
    """Whether a value is more than null; null is inherited over (7.3.7). One that cannot be read must not look like nothing."""
    try:
        return view.resolve(value) is not None
    except Fault:
        return True


def flat_field(view: View, item: Ref) -> Field | None:
    """The field in one object that stands at the top of the form and has no children; None for any other."""
    node = view.resolve(item)
    if not isinstance(node, dict) or node.get("/Kids") is not None or node.get("/Parent") is not None:
        return None
    name = text_of(view.resolve(node.get("/T")))
    given = {key: node[key] for key in INHERITED if _is_there(view, node.get(key))}
    return _field(view, item, node, name, given, ()) if name else None


def _field(view: View, item: Any, node: dict[str, Any], name: str, given: dict[str, Any], holders: tuple[Any, ...]) -> Field:
    own = item.number if isinstance(item, Ref) else None
    merged = _shown(node, keys=WIDGET_KEYS)
    widgets: list[Widget] = []
    kids = view.items(node.get("/Kids"))
    parents = [(node.get("/Parent"), holders[-1] if holders else None)]
    is_odd = node.get("/Kids") is not None and not kids
    if "/Rect" in merged or "/Subtype" in merged:
        widgets.append(Widget(number=own, entries=merged))
    for kid in kids:
        entries = view.resolve(kid)
        is_odd = is_odd or not isinstance(entries, dict) or entries.get("/Subtype") != "/Widget"
        if isinstance(entries, dict):
            shown = _shown(entries)
            number = kid.number if isinstance(kid, Ref) else None
            widgets.append(Widget(number=number, entries=shown, is_pure=shown.keys().isdisjoint(_OF_FIELDS)))
            parents.append((entries.get("/Parent"), item))
    entries = {
        key: value
        for key, value in {**node, **given}.items()
        if key not in WIDGET_KEYS and key not in {"/Kids", "/Parent", "/Type", "/T"}
    }
    kind = view.resolve(given.get("/FT"))
    return Field(
        name=name,
        number=own,
        kind=str(kind) if kind is not None else "",
        entries=entries,
        widgets=tuple(widgets),
        numbers=tuple(number for number in (own, *(each.number for each in widgets)) if number is not None),
        holders=holders,
        hangs_right=all(named == holder for named, holder in parents),
        elsewhere=tuple(named for named, holder in parents if named not in (None, holder)),
        is_odd=is_odd,
    )


def _shown(node: dict[str, Any], keys: frozenset[str] | None = None) -> dict[str, Any]:
    """What a node says of the widget in it; its type only where it is another than an annotation's."""
    kept = {key: value for key, value in node.items() if (key in keys if keys is not None else key not in {"/Parent", "/Type"})}
    return kept if node.get("/Type") in (None, "/Annot") else {**kept, "/Type": node["/Type"]}


def opaque_numbers(pages: Sequence[Page], fields: dict[str, Field]) -> dict[int, str]:
    """Object numbers of pages and fields with what they stand for."""
    found = {page.number: f"page {index}" for index, page in enumerate(pages) if page.number is not None}
    for name, each in fields.items():
        for index, widget in enumerate(each.widgets):
            if widget.number is not None:
                found.setdefault(widget.number, f"field {name} #{index}")
        if each.number is not None:
            found.setdefault(each.number, f"field {name}")
    return found
