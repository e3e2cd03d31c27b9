"""What happened to the pages between two states, and to the annotations on them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signing.verification.annotation_weight import lies_on_another, weight_of
from signing.verification.fields import Field
from signing.verification.graph import MOVED, Pair, TooMuch, references
from signing.verification.metadata import is_xmp
from signing.verification.pages import Page, given_from_above, inner_nodes, pages_of
from signing.verification.pdf import is_name
from signing.verification.permissions import Change, What
from signing.verification.syntax import Ref

_PAGE_JUDGED = frozenset({"/LastModified", "/PieceInfo", "/Metadata", "/Parent", "/Annots", "/Type", "/Tabs", "/StructParents"})
# What a mark or link without a picture is drawn by; the others are what it says.
_DRAWN_BY = ("/Subtype", "/Rect", "/QuadPoints", "/C", "/CA", "/ca", "/BM", "/Border", "/BS", "/BE", "/F", "/OC", "/AP", "/AS")
_MAX_UNMATCHED = 1000  # annotations of one page that were written again under other numbers


def compare_pages(pair: Pair, old_fields: Mapping[str, Field], new_fields: Mapping[str, Field]) -> list[Change]:
    """Every difference in the page tree, the pages' entries and their annotations."""
    old, new = pages_of(pair.old), pages_of(pair.new)
    if len(old) != len(new):
        return [Change(what=What.FORBIDDEN, detail=f"{len(old)} -> {len(new)} pages")]
    if not pair.same(list(inner_nodes(pair.old)), list(inner_nodes(pair.new))):
        return [Change(what=What.UNKNOWN, detail="page tree")]  # readers that trust /Count would show other pages
    widgets = {number: each.kind for each in (*new_fields.values(), *old_fields.values()) for number in each.numbers}
    added = frozenset(number for name, each in new_fields.items() if name not in old_fields for number in each.numbers)
    changes: list[Change] = []
    for index, (before, after) in enumerate(zip(old, new, strict=True)):
        if not (before.hangs_right and after.hangs_right):
            changes += _hangs_elsewhere(pair, before, after, f"page {index + 1}")
        if not _page_untouched(pair, before, after):
            changes += _entries(pair, before, after, f"page {index + 1}")
            changes += _Annotations(pair, before, after, f"page {index + 1}", widgets, added).changes()
    return changes


def _page_untouched(pair: Pair, before: Page, after: Page) -> bool:
    """Whether nothing that the page reaches was changed, nor anything that it inherits."""
    if before.number is None or before.number != after.number or repr(before.inherited) != repr(after.inherited):
        return False
    return all(pair.untouched(number) for number in (before.number, *references(list(before.inherited))))


def _hangs_elsewhere(pair: Pair, before: Page, after: Page, where: str) -> list[Change]:
    """A page that names another node as its parent than the one that lists it: readers that climb see what stands there."""
    if before.hangs_right:
        return [Change(what=What.UNKNOWN, detail=f"{where} /Parent")]
    given = given_from_above(pair.old, before), given_from_above(pair.new, after)
    if all(pair.same_at("/Resources", old, new) for old, new in zip(*given, strict=True)):
        return []
    return [Change(what=What.FORBIDDEN, detail=f"{where} inherits otherwise by /Parent")]


def _entries(pair: Pair, before: Page, after: Page, where: str) -> list[Change]:
    """What the page says of itself, its annotations left out."""
    old, new = before.entries, after.entries
    changes: list[Change] = []
    changes += [Change(what=What.FORBIDDEN, detail=f"{where} {key}") for key in pair.differing(old, new, skip=_PAGE_JUDGED)]
    changes += [Change(what=What.UNKNOWN, detail=f"{where} {key}: {MOVED}") for key in pair.moved(old, new, skip=_PAGE_JUDGED)]
    if not pair.same(old.get("/Type"), new.get("/Type")):
        # Some readers skip what does not call itself a page, others show it.
        named = pair.old.resolve(old.get("/Type")) is None and is_name(new.get("/Type"), "/Page")
        changes += [] if named else [Change(what=What.FORBIDDEN, detail=f"{where} /Type")]
    if not pair.same(old.get("/Metadata"), new.get("/Metadata")) and not is_xmp(pair.new, new.get("/Metadata")):
        changes.append(Change(what=What.UNKNOWN, detail=f"{where} /Metadata is no XMP"))
    if not pair.same(old.get("/StructParents"), new.get("/StructParents")):
        what = What.TAGS if old.get("/StructParents") is None else What.FORBIDDEN
        changes.append(Change(what=what, detail=f"{where} /StructParents"))
    if not pair.same(old.get("/Tabs"), new.get("/Tabs")):
        # Structure order is what tagged documents must have (14.8.1): whoever tags a signature field sets it.
        follows_tags = pair.old.resolve(old.get("/Tabs")) is None and pair.new.resolve(new.get("/Tabs")) == "/S"
        changes.append(Change(what=What.TAGS if follows_tags else What.TAB_ORDER, detail=f"{where} /Tabs"))
    return changes


@dataclass(frozen=True, slots=True)
class _Annotations:
    """The annotations of one page, by their objects; widgets of form fields are judged with their field."""

    pair: Pair
    before: Page
    after: Page
    where: str
    widgets: Mapping[int, str]  # object numbers of fields' places, with the kind of field
    added: frozenset[int]  # those of fields that were not there before

    def changes(self) -> list[Change]:
        """Annotations that stayed, went and came."""
        old = self.pair.old.items(self.before.entries.get("/Annots"))
        new = self.pair.new.items(self.after.entries.get("/Annots"))
        stay = Counter(each for each in old if isinstance(each, Ref)) & Counter(each for each in new if isinstance(each, Ref))
        changes: list[Change] = []
        for item in stay:
            changes += self._same_annotation(item)
        changes += self._written_again(_without(old, stay), _without(new, stay), list(stay.elements()))
        if _kept_order(old, stay) != _kept_order(new, stay):
            changes.append(Change(what=What.UNKNOWN, detail=f"{self.where} annotations in another order"))
        return changes

    def _written_again(self, gone: list[Any], come: list[Any], stay: list[Ref]) -> list[Change]:
        """Annotations under other numbers: the same ones, or some that went and some that came beside those that stay."""
        if len(gone) > _MAX_UNMATCHED and come:
            raise TooMuch
        changes: list[Change] = []
        left, again = list(come), list[Any]()
        for item in gone:
            match = next((each for each in left if self._is_again(item, each)), None)
            if match is not None:
                left.remove(match)
                again.append(match)
            elif self.pair.old.resolve(item) is not None and not self._is_field(item):
                # A widget that is gone is a place that its field lost; one that no field knows is no annotation either.
                lost = self.pair.old.get(item, "/Subtype") == "/Widget"
                what = What.FORBIDDEN if lost else weight_of(self.pair.old, item)
                changes.append(Change(what=what, detail=f"{self.where} annotation removed"))
            elif self._is_field(item):
                what = What.FORBIDDEN if self.widgets[item.number] == "/Sig" else What.WIDGET
                changes.append(Change(what=what, detail=f"{self.where} field no longer shown"))
        for item in left:
            if self.pair.new.resolve(item) is None or getattr(item, "number", None) in self.added:
                continue
            subtype = self.pair.new.get(item, "/Subtype")
            if subtype == "/Widget":
                told = "field shown that was not" if self._is_field(item) else "widget without field"
                changes.append(Change(what=What.FORBIDDEN, detail=f"{self.where} {told}"))
            else:
                changes.append(Change(what=weight_of(self.pair.new, item), detail=f"{self.where} {subtype}"))
        return changes + self._on_each_other(left, again, stay)

    def _on_each_other(self, come: list[Any], again: list[Any], stay: list[Ref]) -> list[Change]:
        """Marks that came or moved onto others. Those that lay so before may: it was signed, or judged then."""
        moved = {item for item in stay if not self._is_drawn_alike(item)}
        fresh = come + [item for item in stay if item in moved]
        standing = again + [item for item in stay if item not in moved]
        if not fresh or not lies_on_another(self.pair.new, fresh, standing):
            return []
        return [Change(what=What.ANNOTATION_DRAWS, detail=f"{self.where} marks on each other")]

    def _is_drawn_alike(self, item: Ref) -> bool:
        """Whether an annotation that stays under its number looks as it did."""
        if self.pair.untouched(item.number):
            return True
        before, after = self.pair.old.entries(item), self.pair.new.entries(item)
        both = isinstance(before, dict) and isinstance(after, dict)
        return both and all(self.pair.same(before.get(key), after.get(key)) for key in _DRAWN_BY)

    def _is_again(self, item: Any, other: Any) -> bool:
        return self._is_field(item) == self._is_field(other) and self.pair.same(item, other)

    def _same_annotation(self, item: Ref) -> list[Change]:
        pair = self.pair
        if self._is_field(item):
            return []
        before, after = pair.old.entries(item), pair.new.entries(item)
        if not isinstance(before, dict) or not isinstance(after, dict):
            return [] if before == after else [Change(what=What.FORBIDDEN, detail=f"{self.where} annotation")]
        if not pair.same_entries(before, after):
            if before.get("/Subtype") == "/Widget" or pair.new.get(item, "/Subtype") == "/Widget":
                return [Change(what=What.FORBIDDEN, detail=f"{self.where} widget")]
            heavier = {weight_of(pair.old, item), weight_of(pair.new, item)}
            leads_elsewhere = not all(pair.same(before.get(key), after.get(key)) for key in ("/A", "/Dest"))
            what = What.ANNOTATION_DRAWS if leads_elsewhere or What.ANNOTATION_DRAWS in heavier else What.ANNOTATION
            return [Change(what=what, detail=f"{self.where} annotation changed")]
        moved = pair.moved(before, after)
        return (
            [Change(what=What.UNKNOWN, detail=f"{self.where} annotation: direct and indirect values exchanged")]
            if moved
            else []
        )

    def _is_field(self, item: Any) -> bool:
        return getattr(item, "number", None) in self.widgets


def _kept_order(items: Sequence[Any], stay: Counter[Ref]) -> list[Ref]:
    return [item for item in items if isinstance(item, Ref) and item in stay]


def _without(items: Sequence[Any], taken: Counter[Ref]) -> list[Any]:
    """The items that are left when some are taken, each as often as it counts."""
    left = Counter(taken)
    found: list[Any] = []
    for item in items:
        if isinstance(item, Ref) and left[item] > 0:
            left[item] -= 1
        else:
            found.append(item)
    return found
