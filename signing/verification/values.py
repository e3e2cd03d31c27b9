"""What a form field may be filled with, and what stands beside the value: nothing that means something in another role.

A field that is also a document's or another field's list of actions would run what is put under its `/V` or `/DS`; so each
entry that filling in sets has to be of its type (ISO 32000-2 tables 226, 228 and 232).
"""

from typing import Any

from signing.verification.fields import Field
from signing.verification.graph import Pair
from signing.verification.pages import pages_of
from signing.verification.pdf import View
from signing.verification.syntax import Name, Stream, text_of

_READ_ONLY = 1  # the first bit of /Ff (table 227)
PUSH_BUTTON, RADIO, COMBO, EDITABLE = 1 << 16, 1 << 15, 1 << 17, 1 << 18  # tables 229 and 233
MAX_OPTIONS = 5_000  # of one choice; the list of all communes has 3 300

_TYPES: dict[str, tuple[type, ...]] = {
    "/AP": (dict,),
    "/AS": (Name,),
    "/BS": (dict,),
    "/Border": (list,),
    "/DA": (bytes,),
    "/DS": (bytes,),
    "/F": (int,),
    "/H": (Name,),
    "/I": (list,),
    "/M": (bytes,),
    "/MK": (dict,),
    "/NM": (bytes,),
    "/RV": (bytes, Stream),
    "/TI": (int,),
}


def odd_entry(pair: Pair, old: dict[str, Any], new: dict[str, Any], keys: frozenset[str]) -> str | None:
    """The first of some keys whose new value is not of its type; what is as it was, or not there, is not looked at."""
    for key in sorted(keys):
        value = pair.new.resolve(new.get(key))
        if value is None or pair.same_at(key, old.get(key), new.get(key)):
            continue
        if key == "/P":
            if getattr(new["/P"], "number", None) not in {page.number for page in pages_of(pair.new)}:
                return key
        elif key in _TYPES and (not isinstance(value, _TYPES[key]) or isinstance(value, bool)):
            return key
    return None


def misfit(view: View, field: Field) -> tuple[str, str] | None:
    """Why a value is none that its kind of field can have: the weight of the change, and what is wrong. None where it fits."""
    value = view.resolve(field.value)
    if isinstance(value, dict):
        return "forbidden", f"field {field.name} holds no value"
    fits = {"/Tx": _is_text, "/Btn": _is_state, "/Ch": _is_choice}.get(field.kind)
    if value is None or fits is None or fits(view, field, value):
        return None
    return "unknown", f"field {field.name} holds a value that it does not offer"


def is_read_only(view: View, field: Field) -> bool:
    """Whether nobody may type into the field."""
    return bool(flags_of(view, field) & _READ_ONLY)


def is_computed(view: View, field: Field) -> bool:
    """Whether a program of the signed document computes the field: it has one, and stands in the order of calculation."""
    order = view.items(view.get(view.catalog, "/AcroForm", "/CO"))
    return view.get(field.entries.get("/AA"), "/C") is not None and field.number in {
        getattr(each, "number", 0) for each in order
    }


def flags_of(view: View, field: Field) -> int:
    """/Ff, 0 where there are none."""
    flags = view.resolve(field.entries.get("/Ff"))
    return flags if isinstance(flags, int) else 0


def options_of(view: View, field: Field) -> dict[str, str]:
    """What a choice offers: by the exported value the words that are shown; the first of several with one value."""
    found: dict[str, str] = {}
    for exported, words in offers_of(view, field):
        found.setdefault(exported, words)
    return found


def offers_of(view: View, field: Field) -> list[tuple[str, str]]:
    """The same, one after the other as /I counts them: one value may stand there twice."""
    found: list[tuple[str, str]] = []
    for each in view.items(field.entries.get("/Opt"))[:MAX_OPTIONS]:
        option = view.resolve(each)
        pair = [text_of(view.resolve(part)) for part in (option[:2] if isinstance(option, list) else [option])]
        found.append((pair[0], pair[-1]) if pair else ("", ""))
    return found


def states_of(view: View, appearance: Any) -> dict[str, Any]:
    """The pictures of a button by the names of their states; nothing where there is one picture or none."""
    normal = view.get(appearance, "/N")
    return dict(normal) if isinstance(normal, dict) else {}


def _is_text(_view: View, _field: Field, value: Any) -> bool:
    return isinstance(value, bytes | Stream)


def _is_state(view: View, field: Field, value: Any) -> bool:
    if flags_of(view, field) & PUSH_BUTTON or not isinstance(value, Name):
        return False
    offered = {state for widget in field.widgets for state in states_of(view, widget.entries.get("/AP"))}
    return not offered or value in offered or value == "/Off"


def _is_choice(view: View, field: Field, value: Any) -> bool:
    chosen = [view.resolve(each) for each in value] if isinstance(value, list) else [value]
    if not all(isinstance(each, bytes) for each in chosen):
        return False
    offered = options_of(view, field)
    free = not offered or (flags_of(view, field) & COMBO and flags_of(view, field) & EDITABLE)
    words = {text_of(each) for each in chosen}
    return bool(free) or words <= {*offered, *offered.values()}


def chooses_by_number(view: View, field: Field) -> list[str] | None:
    """The words of the choice as the numbers of /I name it, by which some readers go (table 234); None where they name none."""
    offered = offers_of(view, field)
    numbers = [view.resolve(each) for each in view.items(field.entries.get("/I"))]
    if not all(isinstance(each, int) and 0 <= each < len(offered) for each in numbers):
        return None
    return [offered[each][1] for each in sorted(set(numbers))]
