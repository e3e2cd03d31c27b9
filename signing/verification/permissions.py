"""Which changes a signature allows after it: ISO 32000-2 12.8.2.2 (DocMDP), 12.8.2.4 (FieldMDP)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from signing.report import ChangedField, Changes, Finding
from signing.verification.facts import Later
from signing.verification.field_pictures import Shows
from signing.verification.page_cover import LARGE_LAID, LARGE_SHARE, LARGE_TOGETHER
from signing.verification.words import finding


class What(StrEnum):
    """The kinds of change."""

    STORE = "store"  # validation data, metadata, file structure: nothing that a reader sees
    TIMESTAMP = "timestamp"  # a document timestamp was put into a field
    SIGNED = "signed"  # a signature was put into a field
    FIELD_ADDED = "field_added"  # an empty signature field, invisible
    FIELD_ADDED_VISIBLE = "field_added_visible"
    VALUE = "value"  # a form field was filled in
    WIDGET = "widget"  # a form field's place looks otherwise or is gone, its value is as it was
    ANNOTATION = "annotation"
    ANNOTATION_DRAWS = "annotation_draws"  # one that can hide or imitate content
    TAB_ORDER = "tab_order"  # in which order the tabulator visits annotations
    TAGS = "tags"  # the structure tree got elements for new fields
    FORBIDDEN = "forbidden"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference between a revision and the one before it."""

    what: What
    detail: str = ""
    field: str | None = None
    old: str | None = None
    new: str | None = None
    field_is_new: bool = False
    claims: int | None = None  # of a new signature: the DocMDP level that it or its lock would set
    places: tuple[tuple[int, float], ...] = ()  # of a field: pages, and how much of each its picture takes
    shows: Shows = Shows.VALUE  # of a value: whether the picture shows it
    draws: bool = False  # of a field: a picture without a signature, or one that was hidden, or more than the text of a value


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLock:
    """FieldMDP: which form fields may not change any more."""

    action: str  # /All, /Include, /Exclude
    fields: tuple[str, ...] = field(default_factory=tuple)

    def holds(self, name: str) -> bool:
        """Whether the field of this full name is locked; a parent's name holds its children."""
        named = any(name == each or name.startswith(each + ".") for each in self.fields)
        if self.action == "/Include":
            return named
        return not named if self.action == "/Exclude" else True  # /All, and what nobody knows


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a signature allows to happen after it."""

    certifies: int | None  # DocMDP P, from the signature or its field's lock
    locks: FieldLock | None = None


def judge_changes(changes: Sequence[Change], permission: Permission, *, happened: bool) -> Later:
    """The answer for one signature."""
    signed = frozenset(each.field for each in changes if each.what in {What.SIGNED, What.TIMESTAMP} and each.field)
    covering = _covering(changes)
    forbidden = [change for change in changes if _is_forbidden(change, permission, signed, covering)]
    unknown = [change for change in changes if change not in forbidden and _is_unknown(change, permission, signed)]
    findings: list[Finding] = [finding("CHANGED_AFTER", each) for each in _details(forbidden)]
    findings += [finding("CHANGE_NOT_UNDERSTOOD", each) for each in _details(unknown)]
    values = [change for change in changes if change.what is What.VALUE]
    findings += [finding("FIELD_CHANGED", change.field) for change in values]
    findings += [finding(_SHOWS[each.shows], each.field) for each in values if each.shows in _SHOWS]
    if not forbidden and not unknown:
        covering |= {each.field or "" for each in changes if _shows_unsigned(each, signed)}
        findings += [each for change in changes if (each := _to_look_at(change, permission, covering)) is not None]
    if forbidden:
        answer = Changes.FORBIDDEN
    elif unknown:
        answer = Changes.NOT_UNDERSTOOD
    else:
        answer = Changes.PERMITTED if happened else Changes.NONE
    return Later(
        changes=answer,
        findings=tuple(dict.fromkeys(findings)),
        changed_fields=tuple(ChangedField(name=c.field or "", old=c.old, new=c.new) for c in values),
    )


_SHOWS = {Shows.CLAIMED: "FIELD_PICTURE_UNCHECKED", Shows.OTHER: "FIELD_SHOWS_OTHER"}


def _details(changes: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(change.detail or change.field or str(change.what) for change in changes))[:8]


# What each DocMDP level forbids (ISO 32000-2 table 257) of the changes that are understood. Level 2 allows signing, and with it
# the field that is signed; annotations, their widgets and their order are for level 3.
_BESIDE_THE_FORM = frozenset({What.ANNOTATION, What.ANNOTATION_DRAWS, What.TAB_ORDER})
_ADDED = frozenset({What.FIELD_ADDED, What.FIELD_ADDED_VISIBLE})
_FORBIDDEN_AT: Mapping[int | None, frozenset[What]] = {
    None: frozenset({What.WIDGET}),
    1: frozenset({What.SIGNED, What.VALUE, What.WIDGET, *_ADDED, *_BESIDE_THE_FORM}),
    2: frozenset({What.WIDGET, *_BESIDE_THE_FORM}),
    3: frozenset(),
}


def _covering(changes: Sequence[Change]) -> set[str]:
    """The fields whose pictures take so much of a page that they could hide what was signed, alone or new ones together."""
    sums: defaultdict[int, float] = defaultdict(float)
    together = [each for each in changes if each.what is What.FIELD_ADDED_VISIBLE or (each.what is What.VALUE and each.draws)]
    for change in together:
        for page, share in change.places:
            sums[page] += share
    alone = {each.field or "" for each in changes if any(share > _large(each) for _, share in each.places)}
    return alone | {each.field or "" for each in together if any(sums[page] > LARGE_TOGETHER for page, _ in each.places)}


def _large(change: Change) -> float:
    return LARGE_SHARE if change.what is What.FIELD_ADDED_VISIBLE else LARGE_LAID


def _shows_unsigned(change: Change, signed: frozenset[str]) -> bool:
    """A new field with a picture and no signature, one that was hidden, or a value whose picture paints as none did before."""
    unsigned = change.what is What.FIELD_ADDED_VISIBLE and change.field not in signed
    return change.draws and (unsigned or change.what in {What.SIGNED, What.VALUE})


def _is_forbidden(change: Change, permission: Permission, signed: frozenset[str], covering: set[str]) -> bool:
    """A visible field that nobody signs could show anything, so a certification of any level refuses it; and a large one."""
    if (
        change.what is What.FORBIDDEN
        or _is_locked(change, permission.locks)
        or change.what in _FORBIDDEN_AT[permission.certifies]
    ):
        return True
    added = change.what is What.FIELD_ADDED_VISIBLE and permission.certifies is not None
    return added and (change.field not in signed or change.field in covering)


def _is_locked(change: Change, locks: FieldLock | None) -> bool:
    """Whether a locked field was changed. A timestamp in a field that did not exist yet extends the proof and changes none."""
    if change.field is None or locks is None or change.what in _ADDED:
        return False
    return locks.holds(change.field) and not (change.what is What.TIMESTAMP and change.field_is_new)


def _is_unknown(change: Change, permission: Permission, signed: frozenset[str]) -> bool:
    """Beside what no rule knows: after a certification a field that stays empty, and a signature that claims to allow more."""
    if change.what is What.UNKNOWN:
        return True
    if permission.certifies is None:
        return False
    if change.what is What.FIELD_ADDED:
        return change.field not in signed
    return change.claims is not None and change.claims > permission.certifies


def _to_look_at(change: Change, permission: Permission, covering: set[str]) -> Finding | None:
    """What is allowed and still must be seen by whoever relies on the signature."""
    certified = permission.certifies is not None
    match change.what:
        case What.ANNOTATION if certified:
            return finding("ANNOTATION_ADDED", change.detail)
        case What.ANNOTATION | What.ANNOTATION_DRAWS | What.WIDGET:
            return finding("ANNOTATION_MAY_COVER", change.detail)
        case What.FIELD_ADDED_VISIBLE | What.SIGNED | What.VALUE if (change.field or "") in covering:
            return finding("FIELD_MAY_COVER", change.field)
        case What.FIELD_ADDED_VISIBLE:
            return finding("FIELD_MAY_COVER" if certified else "VISIBLE_FIELD_ADDED", change.field)
        case _:
            return None
