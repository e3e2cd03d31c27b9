"""What happened between two revisions, said in the document's own terms, and whether a signature allows it.

Three answers (binding 5, signing.md A9): permitted, forbidden, not understood. Every difference that a reader can reach is
named; what no rule explains is never permitted. Rules: ISO 32000-2 12.8.2.2 (DocMDP), 12.8.2.4 (FieldMDP), 12.8.4 (DSS).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from signing.report import ChangedField, Changes, Finding
from signing.verification.facts import Later
from signing.verification.faults import NotPlain
from signing.verification.fields import Field, form_fields, opaque_numbers
from signing.verification.form_changes import FormChange, compare_forms
from signing.verification.graph import Pair, TooMuch, references
from signing.verification.metadata import is_xmp
from signing.verification.pages import Page, inner_nodes, pages_of
from signing.verification.pdf import Pdf, View
from signing.verification.structure_tree import compare_structure
from signing.verification.syntax import Ref
from signing.verification.words import finding


class What(StrEnum):
    """The kinds of change."""

    STORE = "store"  # validation data, metadata, file structure: nothing that a reader sees
    TIMESTAMP = "timestamp"  # a document timestamp was put into a field
    SIGNED = "signed"  # a signature was put into a field
    FIELD_ADDED = "field_added"  # an empty signature field, invisible
    FIELD_ADDED_VISIBLE = "field_added_visible"
    FIELD_ADDED_LARGE = "field_added_large"  # one whose picture could hide content
    VALUE = "value"  # a form field was filled in
    ANNOTATION = "annotation"
    ANNOTATION_DRAWS = "annotation_draws"  # one that can hide or imitate content
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """What a signature allows to happen after it."""

    certifies: int | None  # DocMDP P, from the signature or its field's lock
    locks: "FieldLock | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLock:
    """FieldMDP: which form fields may not change any more."""

    action: str  # /All, /Include, /Exclude
    fields: tuple[str, ...] = field(default_factory=tuple)

    def holds(self, name: str) -> bool:
        """Whether the field of this full name is locked; a parent's name holds its children."""
        named = any(name == each or name.startswith(each + ".") for each in self.fields)
        if self.action == "/All":
            return True
        return named if self.action == "/Include" else not named


# Keys of the catalog whose change a reader can see or run.
_CATALOG_FORBIDDEN = frozenset(
    {
        "/OpenAction",
        "/AA",
        "/Names",
        "/AF",
        "/Dests",
        "/OCProperties",
        "/URI",
        "/Collection",
        "/Threads",
        "/SpiderInfo",
        "/Requirements",
    }
)
_CATALOG_JUDGED = frozenset({"/DSS", "/Extensions", "/Version", "/Metadata", "/AcroForm", "/Pages", "/StructTreeRoot", "/Type"})
_PAGE_SILENT = frozenset({"/LastModified", "/PieceInfo", "/Metadata", "/Parent", "/Annots", "/Type"})
_PAGE_TAGS = frozenset({"/StructParents", "/Tabs"})
# Annotations that stand beside the content or mark it, and cannot cover it by themselves.
_QUIET_ANNOTATIONS = frozenset({"/Text", "/Link", "/Popup", "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret"})


class Quick(Protocol):
    """A comparison that only understands plain revisions and raises NotPlain for all others."""

    def of(self, revision: int) -> Sequence["Change"]:
        """What this revision changed."""
        ...


class History:
    """The changes of every revision of a file, each found once: quickly where that is enough, else thoroughly."""

    def __init__(self, pdf: Pdf, genuine: frozenset[str], quick: Quick | None = None) -> None:
        self.pdf = pdf
        self._genuine = genuine  # fields that hold a signature over what it says it covers
        self._quick = quick
        self._changes: dict[int, tuple[Change, ...]] = {}
        self.thorough = 0  # revisions that the quick comparison did not understand

    def of(self, revision: int) -> tuple[Change, ...]:
        """What this revision changed."""
        if revision not in self._changes:
            self._changes[revision] = tuple(self._quickly(revision) or self._compare(revision))
        return self._changes[revision]

    def _quickly(self, revision: int) -> Sequence[Change]:
        try:
            return self._quick.of(revision) if self._quick is not None else ()
        except NotPlain:
            return ()

    def after(self, revision: int, permission: Permission) -> Later:
        """What happened after a revision, and whether the signature in it allows that."""
        changes = [change for later in range(revision + 1, self.pdf.last + 1) for change in self.of(later)]
        return judge_changes(changes, permission, happened=self.pdf.last > revision)

    def _compare(self, revision: int) -> list[Change]:
        if not revision:
            return []
        self.thorough += 1
        try:
            return compare(Pair(self.pdf, revision - 1, revision), self._genuine)
        except TooMuch:
            return [Change(what=What.UNKNOWN, detail="too much to compare")]
        except RecursionError:
            return [Change(what=What.UNKNOWN, detail="too deep to compare")]


def judge_changes(changes: Sequence[Change], permission: Permission, *, happened: bool) -> Later:
    """The answer for one signature."""
    forbidden = [change for change in changes if _is_forbidden(change, permission)]
    unknown = [change for change in changes if change not in forbidden and _is_unknown(change, permission)]
    findings: list[Finding] = [finding("CHANGED_AFTER", each) for each in _details(forbidden)]
    findings += [finding("CHANGE_NOT_UNDERSTOOD", each) for each in _details(unknown)]
    values = [change for change in changes if change.what is What.VALUE]
    findings += [finding("FIELD_CHANGED", change.field) for change in values]
    if not forbidden and not unknown:
        findings += [finding("ANNOTATION_ADDED", each.detail) for each in changes if each.what is What.ANNOTATION]
        findings += [finding("VISIBLE_FIELD_ADDED", each.field) for each in changes if each.what is What.FIELD_ADDED_VISIBLE]
        findings += [finding("FIELD_MAY_COVER", each.field) for each in changes if each.what is What.FIELD_ADDED_LARGE]
        findings += [finding("ANNOTATION_MAY_COVER", each.detail) for each in changes if each.what is What.ANNOTATION_DRAWS]
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


def _details(changes: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(change.detail or change.field or str(change.what) for change in changes))[:8]


# What each DocMDP level forbids (ISO 32000-2 table 257) of the changes that are understood. A visible new field could show
# anything, so a certification of any level refuses it.
_FORBIDDEN_AT: Mapping[int | None, frozenset[What]] = {
    None: frozenset(),
    1: frozenset(
        {
            What.SIGNED,
            What.VALUE,
            What.FIELD_ADDED,
            What.FIELD_ADDED_VISIBLE,
            What.FIELD_ADDED_LARGE,
            What.ANNOTATION,
            What.ANNOTATION_DRAWS,
        }
    ),
    2: frozenset({What.FIELD_ADDED_VISIBLE, What.FIELD_ADDED_LARGE, What.ANNOTATION, What.ANNOTATION_DRAWS}),
    3: frozenset({What.FIELD_ADDED_VISIBLE, What.FIELD_ADDED_LARGE}),
}


def _is_forbidden(change: Change, permission: Permission) -> bool:
    return (
        change.what is What.FORBIDDEN
        or _is_locked(change, permission.locks)
        or change.what in _FORBIDDEN_AT[permission.certifies]
    )


def _is_locked(change: Change, locks: FieldLock | None) -> bool:
    """Whether a locked field was changed. A timestamp in a field that did not exist yet extends the proof and changes none."""
    if change.field is None or locks is None or change.what is What.FIELD_ADDED:
        return False
    return locks.holds(change.field) and not (change.what is What.TIMESTAMP and change.field_is_new)


def _is_unknown(change: Change, permission: Permission) -> bool:
    if change.what is What.UNKNOWN:
        return True
    return permission.certifies is None and change.what in {What.ANNOTATION, What.ANNOTATION_DRAWS}


def compare(pair: Pair, genuine: frozenset[str]) -> list[Change]:
    """Every difference between the two states that a reader can reach."""
    old_pages, new_pages = pages_of(pair.old), pages_of(pair.new)
    old_fields, new_fields = form_fields(pair.old), form_fields(pair.new)
    pair.opaque(
        {**opaque_numbers(old_pages, old_fields), **_catalog_number(pair.old)},
        {**opaque_numbers(new_pages, new_fields), **_catalog_number(pair.new)},
    )
    changes = [*_trailer(pair), *_catalog(pair)]
    form = compare_forms(pair, old_fields, new_fields, genuine)
    changes += [_form_change(each) for each in form]
    changes += _pages(pair, old_pages, new_pages, old_fields, new_fields)
    changes += _structure(pair, {each.name or "" for each in form if each.kind == "added"})
    return changes


def _catalog_number(view: View) -> dict[int, str]:
    """A certification's /Data may name the catalog: what changed in that is judged where it stands."""
    root = view.trailer.get("/Root")
    return {root.number: "catalog"} if isinstance(root, Ref) else {}


def _trailer(pair: Pair) -> list[Change]:
    old, new = pair.old.trailer, pair.new.trailer
    if ("/Encrypt" in old) != ("/Encrypt" in new):
        return [Change(what=What.FORBIDDEN, detail="encryption")]
    return []


def _catalog(pair: Pair) -> list[Change]:
    old, new = pair.old.catalog, pair.new.catalog
    changes: list[Change] = []
    if not pair.same(old.get("/DSS"), new.get("/DSS")):
        lost = _lost_values(pair)
        changes.append(Change(what=What.UNKNOWN, detail="DSS lost values") if lost else Change(what=What.STORE))
    renewed = not pair.same(old.get("/Metadata"), new.get("/Metadata"))
    if renewed and not is_xmp(pair.new, new.get("/Metadata")):
        changes.append(Change(what=What.UNKNOWN, detail="catalog /Metadata is no XMP"))
    for key in pair.differing(old, new, skip=_CATALOG_JUDGED):
        what = What.FORBIDDEN if key in _CATALOG_FORBIDDEN else What.UNKNOWN
        changes.append(Change(what=what, detail=f"catalog {key}"))
    return changes


def _lost_values(pair: Pair) -> bool:
    """Whether the store holds less than before: evidence may be added and rearranged, never dropped."""

    def values(view: View) -> set[bytes]:
        found: set[bytes] = set()
        for key in ("/Certs", "/OCSPs", "/CRLs"):
            for item in view.items(view.get(view.catalog, "/DSS", key)):
                data = view.unpacked(item)
                if data is not None:
                    found.add(data)
        return found

    return not values(pair.old) <= values(pair.new)


def _form_change(change: FormChange) -> Change:
    kinds = {
        "signed": What.SIGNED,
        "timestamp": What.TIMESTAMP,
        "value": What.VALUE,
        "forbidden": What.FORBIDDEN,
        "unknown": What.UNKNOWN,
    }
    seen = What.FIELD_ADDED_LARGE if change.covers else What.FIELD_ADDED_VISIBLE
    added = seen if change.visible else What.FIELD_ADDED
    what = added if change.kind == "added" else kinds[change.kind]
    return Change(
        what=what, detail=change.detail, field=change.name, old=change.old, new=change.new, field_is_new=change.is_new
    )


def _pages(
    pair: Pair, old: Sequence[Page], new: Sequence[Page], old_fields: dict[str, Field], new_fields: dict[str, Field]
) -> list[Change]:
    if len(old) != len(new):
        return [Change(what=What.FORBIDDEN, detail=f"{len(old)} -> {len(new)} pages")]
    if not pair.same(list(inner_nodes(pair.old)), list(inner_nodes(pair.new))):
        return [Change(what=What.UNKNOWN, detail="page tree")]  # readers that trust /Count would show other pages
    widgets: set[int] = {number for each in (*old_fields.values(), *new_fields.values()) for number in each.numbers}
    changes: list[Change] = []
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if _page_untouched(pair, before, after):
            continue
        where = f"page {index + 1}"
        if before.hangs_right and not after.hangs_right:
            changes.append(Change(what=What.UNKNOWN, detail=f"{where} /Parent"))
        for key in pair.differing(before.entries, after.entries, skip=_PAGE_SILENT):
            if key in _PAGE_TAGS and before.entries.get(key) is None:
                changes.append(Change(what=What.TAGS, detail=f"{where} {key}"))
            else:
                changes.append(Change(what=What.FORBIDDEN, detail=f"{where} {key}"))
        changes += _annotations(pair, before, after, where, widgets)
    return changes


def _page_untouched(pair: Pair, before: Page, after: Page) -> bool:
    """Whether nothing that the page reaches was changed, nor anything that it inherits."""
    if before.number is None or before.number != after.number or repr(before.inherited) != repr(after.inherited):
        return False
    return all(pair.untouched(number) for number in (before.number, *references(list(before.inherited))))


def _annotations(pair: Pair, before: Page, after: Page, where: str, widgets: set[int]) -> list[Change]:
    """Annotations by their object; widgets of form fields are judged with their field."""
    old = pair.old.items(before.entries.get("/Annots"))
    new = pair.new.items(after.entries.get("/Annots"))
    changes: list[Change] = []
    left = list(new)
    for item in old:
        if item in left:
            left.remove(item)
            changes += _same_annotation(pair, item, item, where, widgets)
            continue
        match = next(
            (each for each in left if _is_field(each, widgets) == _is_field(item, widgets) and pair.same(item, each)), None
        )
        if match is not None:
            left.remove(match)
            continue
        if pair.old.resolve(item) is None:
            continue
        what = What.FORBIDDEN if _is_field(item, widgets) else _weight(pair.old, item)
        changes.append(Change(what=what, detail=f"{where} annotation removed"))
    for item in left:
        value = pair.new.resolve(item)
        if value is None or _is_field(item, widgets):
            continue
        if pair.new.get(item, "/Subtype") == "/Widget":
            changes.append(Change(what=What.FORBIDDEN, detail=f"{where} widget without field"))
        else:
            changes.append(Change(what=_weight(pair.new, item), detail=f"{where} {pair.new.get(item, '/Subtype')}"))
    order = [item for item in new if item in old]
    if order != [item for item in old if item in new]:
        changes.append(Change(what=What.UNKNOWN, detail=f"{where} annotations in another order"))
    return changes


def _same_annotation(pair: Pair, old: Any, new: Any, where: str, widgets: set[int]) -> list[Change]:
    if _is_field(old, widgets):
        return []
    before, after = pair.old.entries(old), pair.new.entries(new)
    if not isinstance(before, dict) or not isinstance(after, dict):
        return [] if before == after else [Change(what=What.FORBIDDEN, detail=f"{where} annotation")]
    if pair.same_entries(before, after):
        return []
    if before.get("/Subtype") == "/Widget":
        return [Change(what=What.FORBIDDEN, detail=f"{where} widget")]
    return [Change(what=_weight(pair.new, new), detail=f"{where} annotation changed")]


def _is_field(item: Any, widgets: set[int]) -> bool:
    return getattr(item, "number", None) in widgets


def _weight(view: View, item: Any) -> What:
    subtype = view.get(item, "/Subtype")
    actions = any(view.get(item, key) is not None for key in ("/A", "/AA"))
    if subtype in _QUIET_ANNOTATIONS and not (actions and subtype != "/Link"):
        return What.ANNOTATION
    return What.ANNOTATION_DRAWS


def _structure(pair: Pair, added: set[str]) -> list[Change]:
    old, new = pair.old.catalog.get("/StructTreeRoot"), pair.new.catalog.get("/StructTreeRoot")
    if pair.same(old, new):
        return []
    reason = compare_structure(pair, old, new)
    if reason is None:
        return [Change(what=What.TAGS, detail="tags for " + ", ".join(sorted(added)))]
    return [Change(what=What.FORBIDDEN if reason.startswith("text") else What.UNKNOWN, detail=f"structure tree: {reason}")]
