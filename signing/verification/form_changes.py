"""What happened to the form between two states: fields signed, filled in, added, or changed as nobody may."""

import re
from dataclasses import dataclass
from typing import Any

from signing.verification.annotation_weight import WIDE_BORDER, border_width
from signing.verification.field_names import FieldNames
from signing.verification.field_pictures import Shows, shown_by
from signing.verification.fields import INHERITED, Field, form_fields, given_by_parents
from signing.verification.font_text import is_plain
from signing.verification.graph import MOVED, Pair
from signing.verification.page_cover import is_hidden, is_nothing, shares
from signing.verification.painting import paints_more_than_text
from signing.verification.pdf import View
from signing.verification.syntax import Ref, Stream, text_of
from signing.verification.values import COMBO, flags_of, is_computed, is_read_only, misfit, odd_entry

# What a signer's program may set on the widget when it fills a signature field; never its place.
_SET_WHEN_SIGNING = frozenset({"/AP", "/AS", "/F", "/MK", "/DA", "/BS", "/Border", "/P", "/M", "/NM", "/H"})
_SET_WHEN_FILLING = frozenset({"/AP", "/AS", "/M", "/MK"})
_BUTTON_SHARE = 0.01  # of a page; a check box takes 0.001. iText 5 draws its pictures anew when it is ticked
# What a program sets beside the value when it fills a field: what is chosen, scrolled to, and the value as rich text.
_GOES_WITH_VALUE = frozenset({"/V", "/I", "/TI", "/RV", "/DS", "/DA"})
# The looks of a widget: with a certification that allows annotations they may change without the value.
_LOOKS = frozenset({"/AP", "/AS", "/MK", "/BS", "/Border", "/C", "/F", "/H", "/M", "/NM", "/Rect", "/P"})
_OF_HOLDERS = frozenset({"/Kids", "/Parent", "/Type", "/T", *INHERITED})  # judged in the fields below
_READ_ONLY = 1  # the first bit of /Ff (table 227)
_FONT_OF_STYLE = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]+)")  # of a /DA, which has one name
_FORM_JUDGED = frozenset({"/Fields", "/SigFlags", "/DR", "/DA", "/NeedAppearances"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChange:
    """One difference in the form."""

    kind: str  # signed, timestamp, added, value, widget, forbidden, unknown
    name: str | None = None
    detail: str = ""
    old: str | None = None
    new: str | None = None
    places: tuple[tuple[int, float], ...] = ()  # of what can be seen: pages, and how much of each it takes
    draws: bool = False  # an empty field that brings a picture, or one that was hidden and no longer is
    is_new: bool = False
    claims: int | None = None  # of a signature: the DocMDP level that it or its lock would set
    shows: Shows = Shows.VALUE  # of a value: what the picture shows
    computed: bool = False  # a value that nobody may type in, and that a program of the document computes


def compare_forms(pair: Pair, old: dict[str, Field], new: dict[str, Field], genuine: frozenset[str]) -> list[FormChange]:
    """Every difference; `genuine` names the fields whose signature is one over what it says it covers."""
    changes = _form_itself(pair)
    for name, before in old.items():
        after = new.get(name)
        if after is None:
            changes.append(FormChange(kind="forbidden", name=name, detail=f"field {name} removed"))
        else:
            changes += _field(pair, before.name, before, after, genuine)
    known = FieldNames(each.name for each in old.values())
    for name, field in new.items():
        if name not in old:
            changes += _added(pair, field.name, field, genuine)
            if not field.name or known.clash_with(field.name):
                detail = f"field {field.name} has the name of another"  # readers make one field of both
                changes.append(FormChange(kind="unknown", name=field.name, detail=detail, is_new=True))
    typed = any(each.kind == "value" and not each.computed for each in changes)
    return changes + [_only_read(each.name or "") for each in changes if each.computed and not typed]


def _only_read(name: str) -> FormChange:
    """Filling in is what a reader lets a person do: nobody types into a read-only field, and no total changes alone."""
    return FormChange(kind="unknown", name=name, detail=f"field {name} is read-only, and its value changed")


def _form_itself(pair: Pair) -> list[FormChange]:
    before = pair.old.get(pair.old.catalog, "/AcroForm") or {}
    after = pair.new.get(pair.new.catalog, "/AcroForm") or {}
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [FormChange(kind="unknown", detail="form")]
    changes = [
        FormChange(kind="forbidden" if key == "/XFA" else "unknown", detail=f"form {key}")
        for key in pair.differing(before, after, skip=_FORM_JUDGED)
    ]
    if pair.new.resolve(after.get("/NeedAppearances")) is True and pair.old.resolve(before.get("/NeedAppearances")) is not True:
        changes.append(FormChange(kind="unknown", detail="form /NeedAppearances"))
    flags = [view.resolve(each.get("/SigFlags")) or 0 for view, each in ((pair.old, before), (pair.new, after))]
    if not all(isinstance(each, int) for each in flags) or flags[0] & ~flags[1]:
        changes.append(FormChange(kind="unknown", detail="form /SigFlags"))
    if before.get("/DA") is not None and not pair.same(before.get("/DA"), after.get("/DA")):
        changes.append(FormChange(kind="unknown", detail="form /DA"))
    if not _only_more(pair, before.get("/DR"), after.get("/DR"), 0):
        changes.append(FormChange(kind="unknown", detail="form /DR"))
    return changes + [FormChange(kind="unknown", detail=f"form /DR {each}") for each in _fonts_that_were_missing(pair)]


def _fonts_that_were_missing(pair: Pair) -> list[str]:
    """Fonts added under a name that fields used before it was there: what readers drew in another font is drawn in these.

    Nothing looks otherwise where every reader has the font, and it draws letters as they are.
    """
    before, after = (view.get(view.catalog, "/AcroForm", "/DR", "/Font") or {} for view in (pair.old, pair.new))
    if not isinstance(before, dict) or not isinstance(after, dict) or after.keys() <= before.keys():
        return []
    styles = [
        pair.old.get(pair.old.catalog, "/AcroForm", "/DA"),
        *(each.entries.get("/DA") for each in form_fields(pair.old).values()),
    ]
    used = {"/" + name.decode("latin-1") for each in styles for name in _FONT_OF_STYLE.findall(_style(pair.old, each))}
    return sorted(name for name in (after.keys() - before.keys()) & used if not is_plain(pair.new, after[name]))


def _style(view: View, value: Any) -> bytes:
    style = view.resolve(value)
    return style if isinstance(style, bytes) else b""


def _only_more(pair: Pair, old: Any, new: Any, level: int) -> bool:
    """Whether resources were only added: /DR is two levels of dictionaries."""
    if pair.same(old, new):
        return True
    before, after = pair.old.resolve(old), pair.new.resolve(new)
    if before is None:
        return True
    if level == 2 or not isinstance(before, dict) or not isinstance(after, dict):  # noqa: PLR2004
        return False
    return all(key in after and _only_more(pair, value, after[key], level + 1) for key, value in before.items())


def _field(pair: Pair, name: str, before: Field, after: Field, genuine: frozenset[str]) -> list[FormChange]:
    if _is_untouched(pair, before, after):
        return []
    otherwise = _otherwise_made(pair, name, before, after)
    if otherwise is not None:
        return [otherwise]
    old_value, new_value = pair.old.resolve(before.value), pair.new.resolve(after.value)
    # A signature dictionary names no page or field, so it is compared to its end.
    value_same = pair.same(before.value, after.value) or _same_text(old_value, new_value)
    changes: list[FormChange] = []
    allowed: frozenset[str] = frozenset()
    if value_same:
        pass
    elif before.kind != "/Sig":
        changes += _filled(pair, name, before, after)
        allowed = _SET_WHEN_FILLING
    elif old_value is None:
        kind = _signature_kind(pair, after, genuine)
        if kind is None:
            return [FormChange(kind="forbidden", name=name, detail=f"field {name} holds no genuine signature")]
        places = shares(pair.new, after)
        changes.append(
            FormChange(
                kind="signed" if places or shares(pair.old, before) else kind,  # what is or was seen is more than proof
                name=name,
                claims=claimed_level(pair.new, after),
                places=places,
                draws=bool(places) and _appears(pair, before, after),
            )
        )
        allowed = _SET_WHEN_SIGNING
    else:
        return [FormChange(kind="forbidden", name=name, detail=f"signature in {name} replaced")]
    changes += _field_entries(pair, name, before, after, _GOES_WITH_VALUE if changes else frozenset({"/V"}))
    return changes + _widgets(pair, name, before, after, allowed)


def _held_otherwise(pair: Pair, name: str, before: Field, after: Field) -> FormChange | None:
    """What the nodes above a field say themselves: readers let a field inherit programs and tooltips too."""
    if len(before.holders) != len(after.holders):
        return FormChange(kind="unknown", name=name, detail=f"field {name} hangs elsewhere")
    for old, new in zip(before.holders, after.holders, strict=True):
        entries = pair.old.entries(old), pair.new.entries(new)
        if all(isinstance(each, dict) for each in entries):
            for key in pair.differing(*entries, skip=_OF_HOLDERS):
                return FormChange(kind=_weight(key), name=name, detail=f"field above {name} {key}")
    return None


def _filled(pair: Pair, name: str, before: Field, after: Field) -> list[FormChange]:
    """A field with another value."""
    locked = is_read_only(pair.old, before)
    computed = locked and is_computed(pair.old, before)
    shows = shown_by(pair, before, after)
    draws = _redrawn_button(pair, before, after) if after.kind == "/Btn" else _paints_anew(pair, before, after)
    listing = after.kind == "/Ch" and not flags_of(pair.new, after) & COMBO  # it paints what is chosen
    changes = [
        FormChange(
            kind="value",
            name=name,
            old=_shown(pair.old, pair.old.resolve(before.value)),
            new=_shown(pair.new, pair.new.resolve(after.value)),
            places=shares(pair.new, after),
            draws=draws and not (listing and shows is not Shows.OTHER),
            shows=shows,
            computed=computed,
        )
    ]
    wrong = misfit(pair.new, after)
    if wrong is not None:
        changes.append(FormChange(kind=wrong[0], name=name, detail=wrong[1]))
    return changes + ([_only_read(name)] if locked and not computed else [])


def _otherwise_made(pair: Pair, name: str, before: Field, after: Field) -> FormChange | None:
    """Whether readers would take the field for another kind of field, or for none."""
    if before.kind != after.kind:
        return FormChange(kind="forbidden", name=name, detail=f"field {name} /FT")
    if after.is_odd and not before.is_odd:
        return FormChange(kind="unknown", name=name, detail=f"field {name} /Kids")
    if before.hangs_right and not after.hangs_right:
        return FormChange(kind="unknown", name=name, detail=f"field {name} /Parent")
    return _inherits_otherwise(pair, name, before, after) or _held_otherwise(pair, name, before, after)


def _inherits_otherwise(pair: Pair, name: str, before: Field, after: Field) -> FormChange | None:
    """A field that was signed with another node as its parent than the one that lists it: readers that climb see that one."""
    given = [
        [given_by_parents(view, each) for each in field.elsewhere] for view, field in ((pair.old, before), (pair.new, after))
    ]
    if len(given[0]) == len(given[1]) and all(pair.same_entries(old, new) for old, new in zip(*given, strict=True)):
        return None
    return FormChange(kind="forbidden", name=name, detail=f"field {name} inherits otherwise by /Parent")


def _is_untouched(pair: Pair, before: Field, after: Field) -> bool:
    """Whether the field is made of the same objects, and nothing that it reaches or inherits was changed."""
    numbers = {*before.numbers, *(each for each in before.above if each is not None)}
    made_alike = before.numbers == after.numbers and before.above == after.above
    all_objects = before.number is not None and None not in before.above and all(each.number for each in before.widgets)
    return made_alike and all_objects and all(pair.untouched(number) for number in numbers)


def _same_text(old: Any, new: Any) -> bool:
    """Two strings that are read alike, in whatever encoding they stand."""
    return isinstance(old, bytes) and isinstance(new, bytes) and text_of(old) == text_of(new)


def _redrawn_button(pair: Pair, before: Field, after: Field) -> bool:
    """Whether a button of some size shows another picture than those that it had (12.7.5.2)."""
    large = any(share > _BUTTON_SHARE for _, share in shares(pair.new, after))
    pairs = zip(before.widgets, after.widgets, strict=False)
    return large and any(not pair.same_at("/AP", old.entries.get("/AP"), new.entries.get("/AP")) for old, new in pairs)


def _paints_anew(pair: Pair, before: Field, after: Field) -> bool:
    """Whether a filled field's picture paints, and neither its old one nor its own background and border (12.5.6.19) did."""
    coloured = any(pair.old.get(each.entries.get("/MK"), key) for each in before.widgets for key in ("/BG", "/BC"))
    if coloured or any(paints_more_than_text(pair.old, each.entries.get("/AP")) for each in before.widgets):
        return False
    return any(paints_more_than_text(pair.new, each.entries.get("/AP")) for each in after.widgets)


def _appears(pair: Pair, before: Field, after: Field) -> bool:
    """Whether a widget that was kept off the screen is shown now."""
    pairs = zip(before.widgets, after.widgets, strict=False)
    return any(is_hidden(pair.old, old.entries) and not is_hidden(pair.new, new.entries) for old, new in pairs)


def _field_entries(pair: Pair, name: str, before: Field, after: Field, free: frozenset[str]) -> list[FormChange]:
    """What belongs to the field and not to its picture; nobody may type into a locked field, so it may become read-only."""
    old, new = before.entries, after.entries
    odd = odd_entry(pair, old, new, free - {"/V"})
    changes = [FormChange(kind="forbidden", name=name, detail=f"field {name} {odd} is none")] if odd is not None else []
    for key in pair.differing(old, new, skip=free):
        if key == "/Ff" and _only_read_only(pair.old.resolve(old.get(key)), pair.new.resolve(new.get(key))):
            continue
        changes.append(FormChange(kind=_weight(key), name=name, detail=f"field {name} {key}"))
    changes += [
        FormChange(kind="unknown", name=name, detail=f"field {name} {key}: {MOVED}") for key in pair.moved(old, new, skip=free)
    ]
    return changes


def _only_read_only(old: Any, new: Any) -> bool:
    flags = [0 if each is None else each for each in (old, new)]
    return all(isinstance(each, int) and not isinstance(each, bool) for each in flags) and flags[0] | _READ_ONLY == flags[1]


def claimed_level(view: View, field: Field) -> int | None:
    """The level of permission that a signature or its field's lock would set, the mildest: it may not be milder than before."""
    levels = [
        view.get(reference, "/TransformParams", "/P") or 2
        for reference in view.items(view.get(field.value, "/Reference"))
        if view.get(reference, "/TransformMethod") == "/DocMDP"
    ]
    levels.append(view.get(field.entries.get("/Lock"), "/P"))
    return max((each for each in levels if isinstance(each, int)), default=None)


def _weight(key: str) -> str:
    return "forbidden" if key in {"/Rect", "/AP", "/TU", "/AA", "/A", "/Lock", "/SV", "/Contents", "/Subtype"} else "unknown"


def _widgets(pair: Pair, name: str, before: Field, after: Field, allowed: frozenset[str]) -> list[FormChange]:
    """The pictures of one field: the same places, and changed only as filling it in changes them."""
    if len(before.widgets) != len(after.widgets):
        places = f"field {name}: {len(before.widgets)} -> {len(after.widgets)} places"
        return [FormChange(kind="widget" if _lost_places(pair, before, after) else "forbidden", name=name, detail=places)]
    changes: list[FormChange] = []
    for old, new in zip(before.widgets, after.widgets, strict=True):
        skip = allowed | {"/StructParent"} if old.entries.get("/StructParent") is None else allowed
        if allowed is _SET_WHEN_SIGNING and is_nothing(pair.new.resolve(new.entries.get("/Rect"))):
            skip |= {"/Rect"}  # PDFBox takes the place away when it signs without a picture; nothing is covered by nothing
        if allowed is _SET_WHEN_FILLING and border_width(pair.new, new.entries) <= WIDE_BORDER:
            skip |= {"/BS", "/Border"}  # mupdf writes the border that it draws
        if allowed is _SET_WHEN_FILLING and not _same_signs(pair, old.entries.get("/MK"), new.entries.get("/MK")):
            changes.append(FormChange(kind="widget", name=name, detail=f"field {name} /MK"))
        odd = odd_entry(pair, old.entries, new.entries, skip & {*allowed, "/BS", "/Border"})
        if odd is not None:
            changes.append(FormChange(kind="forbidden", name=name, detail=f"field {name} {odd} is none"))
        for key in pair.differing(old.entries, new.entries, skip=skip):
            looks = key in _LOOKS and before.kind != "/Sig"
            changes.append(FormChange(kind="widget" if looks else _weight(key), name=name, detail=f"field {name} {key}"))
        changes += [
            FormChange(kind="unknown", name=name, detail=f"field {name} {key}: {MOVED}")
            for key in pair.moved(old.entries, new.entries, skip=skip)
        ]
    return changes


def _same_signs(pair: Pair, old: Any, new: Any) -> bool:
    """Whether captions, icons and the turn of a widget are as they were: its colours may come with a value (table 192)."""
    before, after = pair.old.entries(old) or {}, pair.new.entries(new) or {}
    both = isinstance(before, dict) and isinstance(after, dict)
    return both and pair.same_entries(before, after, skip=frozenset({"/BG", "/BC"}))


def _lost_places(pair: Pair, before: Field, after: Field) -> bool:
    """Whether a field that holds no signature only lost some of its places, each a widget and nothing else."""
    left = [each.number for each in after.widgets]
    gone = [each for each in before.widgets if each.number not in left]
    stayed = [each for each in before.widgets if each.number in left]
    return (
        before.kind != "/Sig"
        and len(stayed) == len(left)
        and all(each.is_pure and each.number != before.number for each in gone)
        and all(pair.same_entries(old.entries, new.entries) for old, new in zip(stayed, after.widgets, strict=True))
    )


def _added(pair: Pair, name: str, field: Field, genuine: frozenset[str]) -> list[FormChange]:
    if field.kind != "/Sig":
        return [FormChange(kind="forbidden", name=name, detail=f"field {name} ({field.kind or 'no type'}) added", is_new=True)]
    if any(key in field.entries for key in ("/AA", "/A")) or any("/A" in each.entries for each in field.widgets):
        return [FormChange(kind="forbidden", name=name, detail=f"field {name} added with an action", is_new=True)]
    if field.is_odd or field.hangs_elsewhere:
        return [
            FormChange(kind="unknown", name=name, detail=f"field {name} added, its /Kids or /Parent are not right", is_new=True)
        ]
    places = shares(pair.new, field)
    pictured = any(each.entries.get(key) is not None for each in field.widgets for key in ("/AP", "/MK"))
    changes = [
        FormChange(
            kind="added", name=name, detail=f"field {name} added", places=places, draws=bool(places) and pictured, is_new=True
        )
    ]
    if pair.new.resolve(field.value) is not None:
        kind = _signature_kind(pair, field, genuine)
        if kind is None:
            return [FormChange(kind="forbidden", name=name, detail=f"field {name} holds no genuine signature", is_new=True)]
        changes.append(FormChange(kind=kind, name=name, is_new=True, claims=claimed_level(pair.new, field)))
        if kind == "timestamp" and not places:
            return changes[1:]
    return changes


def _signature_kind(pair: Pair, field: Field, genuine: frozenset[str]) -> str | None:
    """Timestamp or signed, for a signature over what it says it covers; None for anything else."""
    if field.name not in genuine or not isinstance(field.value, Ref):
        return None
    made = pair.pdf.last_change(field.value.number, pair.new.revision)
    if made is None or made <= pair.old.revision:
        return None  # an older signature shown in another field is not a signature of that field
    subfilter = pair.new.get(field.value, "/SubFilter")
    return "timestamp" if subfilter == "/ETSI.RFC3161" else "signed"


def _shown(view: View, value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, list):
        return ", ".join(_shown(view, view.resolve(each)) or "" for each in value[:50] if not isinstance(each, list))[:1000]
    if isinstance(value, Stream):
        return f"({value.stop - value.start} bytes)"
    return text_of(value)[:1000]
