"""The form fields of a document in one state: terminal fields by their full names, with the widgets that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from signing.verification.faults import BadStructure
from signing.verification.pages import Page
from signing.verification.pdf import View
from signing.verification.syntax import Ref, text_of

MAX_FIELDS = 20_000
MAX_LEVELS = 32

_INHERITED = ("/FT", "/Ff", "/V", "/DV", "/MaxLen", "/DA", "/Q", "/Opt", "/Lock", "/SV")
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
    hangs_right: bool  # it and its widgets name as their parent the node that lists them

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
    roots = view.items(view.get(view.catalog, "/AcroForm", "/Fields"))
    stack: list[tuple[Any, str, dict[str, Any], int, Any]] = [(item, "", {}, 0, None) for item in reversed(roots)]
    while stack:
        item, prefix, above, level, holder = stack.pop()
        if isinstance(item, Ref):
            if item.number in seen:
                continue  # one object as two fields shows nothing new
            seen.add(item.number)
        node = view.resolve(item)
        if not isinstance(node, dict):
            continue
        if level > MAX_LEVELS or len(found) > MAX_FIELDS:
            raise BadStructure("the form has too many fields or levels")
        part = text_of(view.resolve(node.get("/T"))) if node.get("/T") is not None else None
        name = ".".join(each for each in (prefix, part) if each) if part is not None else prefix
        given = {**above, **{key: node[key] for key in _INHERITED if node.get(key) is not None}}
        kids = view.items(node.get("/Kids"))
        children = [kid for kid in kids if view.get(kid, "/T") is not None]
        if children:
            stack += [(kid, name, given, level + 1, item) for kid in reversed(kids)]
            continue
        field = _field(view, item, node, name, given, kids, holder)
        key = name
        while key in found:
            key += "'"
        found[key] = field
    return found


def flat_field(view: View, item: Ref) -> Field | None:
    """The field in one object that stands at the top of the form and has no children; None for any other."""
    node = view.resolve(item)
    if not isinstance(node, dict) or node.get("/Kids") is not None or node.get("/Parent") is not None:
        return None
    name = text_of(view.resolve(node.get("/T")))
    given = {key: node[key] for key in _INHERITED if node.get(key) is not None}
    return _field(view, item, node, name, given, (), None) if name else None


def _field(
    view: View, item: Any, node: dict[str, Any], name: str, given: dict[str, Any], kids: Sequence[Any], holder: Any
) -> Field:
    own = item.number if isinstance(item, Ref) else None
    merged = {key: value for key, value in node.items() if key in WIDGET_KEYS}
    widgets: list[Widget] = []
    hangs_right = node.get("/Parent") == holder
    if "/Rect" in merged or "/Subtype" in merged:
        widgets.append(Widget(number=own, entries=merged))
    for kid in kids:
        entries = view.resolve(kid)
        if isinstance(entries, dict):
            shown = {key: value for key, value in entries.items() if key not in {"/Parent", "/Type"}}
            number = kid.number if isinstance(kid, Ref) else None
            widgets.append(Widget(number=number, entries=shown, is_pure=shown.keys().isdisjoint(_OF_FIELDS)))
            hangs_right = hangs_right and entries.get("/Parent") == item
    entries = {
        key: value
        for key, value in {**given, **node}.items()
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
        hangs_right=hangs_right,
    )


def opaque_numbers(pages: Sequence[Page], fields: dict[str, Field]) -> dict[int, str]:
    """Object numbers of pages and fields with what they stand for."""
    found = {page.number: f"page {index}" for index, page in enumerate(pages) if page.number is not None}
    for name, each in fields.items():
        for number in each.numbers:
            found.setdefault(number, f"field {name}")
    return found
