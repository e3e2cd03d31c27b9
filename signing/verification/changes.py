"""What happened between two revisions, said in the document's own terms.

Three answers (binding 5, signing.md A9): permitted, forbidden, not understood. Every difference that a reader can reach is
named; what no rule explains is never permitted. Rules: ISO 32000-2 12.8.2.2 (DocMDP), 12.8.2.4 (FieldMDP), 12.8.4 (DSS).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from signing.verification.extensions import declares_less
from signing.verification.facts import Later
from signing.verification.faults import Fault, NotPlain
from signing.verification.fields import Field, form_fields, opaque_numbers
from signing.verification.form_changes import FormChange, compare_forms
from signing.verification.graph import MOVED, Pair, TooMuch
from signing.verification.metadata import is_xmp
from signing.verification.page_changes import compare_pages
from signing.verification.pages import pages_of
from signing.verification.pdf import Pdf, View, is_name
from signing.verification.permissions import Change, FieldLock, Permission, What, judge_changes
from signing.verification.strays import stray_references
from signing.verification.structure_tree import compare_structure, moving_annotations
from signing.verification.syntax import Ref, Stream

__all__ = ["Change", "FieldLock", "History", "Permission", "Quick", "What", "compare", "judge_changes"]

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


class Quick(Protocol):
    """A comparison that only understands plain revisions and raises NotPlain for all others."""

    def of(self, revision: int) -> Sequence["Change"]:
        """What this revision changed."""
        ...


class History:
    """The changes of every revision of a file, each found once: quickly where that is enough, else thoroughly."""

    def __init__(self, pdf: Pdf, genuine: frozenset[str], quick: Callable[[], Quick | None] | None = None) -> None:
        self.pdf = pdf
        self._genuine = genuine  # fields that hold a signature over what it says it covers
        self._make_quick = quick  # made with the first question: whoever only reads fields and bytes never asks
        self._changes: dict[int, tuple[Change, ...]] = {}
        self.thorough = 0  # revisions that the quick comparison did not understand

    def of(self, revision: int) -> tuple[Change, ...]:
        """What this revision changed."""
        if revision not in self._changes:
            self._changes[revision] = tuple(self._quickly(revision) or self._compare(revision))
        return self._changes[revision]

    @cached_property
    def _quick(self) -> Quick | None:
        return self._make_quick() if self._make_quick is not None else None

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


def compare(pair: Pair, genuine: frozenset[str]) -> list[Change]:
    """Every difference between the two states that a reader can reach."""
    old_pages, new_pages = pages_of(pair.old), pages_of(pair.new)
    old_fields, new_fields = form_fields(pair.old), form_fields(pair.new)
    elements = _changed_elements(pair)
    pair.opaque(
        {**elements, **opaque_numbers(old_pages, old_fields), **_catalog_number(pair.old)},
        {**elements, **opaque_numbers(new_pages, new_fields), **_catalog_number(pair.new)},
    )
    changes = [_form_change(each) for each in compare_forms(pair, old_fields, new_fields, genuine)]
    signing = any(each.what in {What.SIGNED, What.TIMESTAMP} for each in changes)
    changes = [*_trailer(pair), *_catalog(pair, signing=signing), *changes]
    changes += compare_pages(pair, old_fields, new_fields)
    changes += _structure(pair, old_fields, new_fields)
    return changes + [Change(what=What.UNKNOWN, detail=f"stray reference {each}") for each in stray_references(pair)[:8]]


def _changed_elements(pair: Pair) -> dict[int, str]:
    """Structure elements that were written again; a link that leads to one is no other link for that."""
    found: dict[int, str] = {}
    for number in pair.changed:
        states = [view.resolve(Ref(number, 0)) for view in (pair.old, pair.new)]
        if all(isinstance(each, dict) and each.get("/Type") == "/StructElem" for each in states):
            found[number] = f"element {number}"
    return found


def _catalog_number(view: View) -> dict[int, str]:
    """A certification's /Data may name the catalog: what changed in that is judged where it stands."""
    root = view.trailer.get("/Root")
    return {root.number: "catalog"} if isinstance(root, Ref) else {}


def _trailer(pair: Pair) -> list[Change]:
    if ("/Encrypt" in pair.old.trailer) != ("/Encrypt" in pair.new.trailer):
        return [Change(what=What.FORBIDDEN, detail="encryption")]
    return []


def _catalog(pair: Pair, *, signing: bool) -> list[Change]:
    old, new = pair.old.catalog, pair.new.catalog
    changes: list[Change] = []
    if not pair.same(old.get("/DSS"), new.get("/DSS")):
        lost = loses_values(pair.old, pair.new)
        changes.append(Change(what=What.UNKNOWN, detail="DSS lost values") if lost else Change(what=What.STORE))
    renewed = not pair.same(old.get("/Metadata"), new.get("/Metadata"))
    if renewed and not is_xmp(pair.new, new.get("/Metadata")):
        changes.append(Change(what=What.UNKNOWN, detail="catalog /Metadata is no XMP"))
    less = declares_less(pair.old, pair.new, signing=signing)
    if less is not None:
        changes.append(Change(what=What.UNKNOWN, detail=f"catalog {less} declares less"))
    if not pair.same(old.get("/Type"), new.get("/Type")) and not is_name(new.get("/Type"), "/Catalog"):
        changes.append(Change(what=What.UNKNOWN, detail="catalog /Type"))  # readers that repair look for it
    for key in pair.differing(old, new, skip=_CATALOG_JUDGED):
        what = What.FORBIDDEN if key in _CATALOG_FORBIDDEN else What.UNKNOWN
        changes.append(Change(what=what, detail=f"catalog {key}"))
    moved = pair.moved(old, new, skip=_CATALOG_JUDGED)
    return changes + [Change(what=What.UNKNOWN, detail=f"catalog {key}: {MOVED}") for key in moved]


def loses_values(old: View, new: View) -> bool:
    """Whether the store is gone or holds less than before: evidence may be added and rearranged, never dropped."""
    before, after = old.get(old.catalog, "/DSS"), new.get(new.catalog, "/DSS")
    if not isinstance(after, dict) or not isinstance(new.resolve(after.get("/VRI")), dict | None):
        return True
    return before is not None and not _values(old, before) <= _values(new, after)


def _values(view: View, store: Any) -> set[bytes]:
    """The certificates, answers and lists of a store, also those that only an entry per signature names."""
    entries = view.get(store, "/VRI")
    holders = [store, *(entries.values() if isinstance(entries, dict) else ())]
    found: set[bytes] = set()
    for holder in holders:
        for key in ("/Certs", "/OCSPs", "/CRLs", "/Cert", "/OCSP", "/CRL", "/TS"):
            value = view.get(holder, key)
            for item in value if isinstance(value, list) else [value]:
                stream = view.resolve(item)
                if isinstance(stream, Stream):
                    found.add(_content(view, stream))
    return found


def _content(view: View, stream: Stream) -> bytes:
    """What a value of the store holds; one that cannot be unpacked is what stands there."""
    try:
        return view.unpacked(stream) or b""
    except Fault:
        return stream.raw


def _form_change(change: FormChange) -> Change:
    kinds = {
        "signed": What.SIGNED,
        "timestamp": What.TIMESTAMP,
        "value": What.VALUE,
        "widget": What.WIDGET,
        "forbidden": What.FORBIDDEN,
        "unknown": What.UNKNOWN,
    }
    added = What.FIELD_ADDED_VISIBLE if change.places else What.FIELD_ADDED
    return Change(
        what=added if change.kind == "added" else kinds[change.kind],
        detail=change.detail,
        field=change.name,
        old=change.old,
        new=change.new,
        field_is_new=change.is_new,
        claims=change.claims,
        places=change.places,
        draws=change.draws,
        shows=change.shows,
    )


def _structure(pair: Pair, old_fields: Mapping[str, Field], new_fields: Mapping[str, Field]) -> list[Change]:
    if pair.same(pair.old.catalog.get("/StructTreeRoot"), pair.new.catalog.get("/StructTreeRoot")) and not pair.elements():
        return []
    reason = compare_structure(pair, moving_annotations(pair, old_fields, new_fields))
    if reason is None:
        return [Change(what=What.TAGS, detail="tags of annotations and fields")]
    return [Change(what=What.FORBIDDEN if reason.startswith("text") else What.UNKNOWN, detail=f"structure tree: {reason}")]
