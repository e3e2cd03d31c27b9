"""The quick comparison: a later revision that did nothing but sign, stamp, extend the proof, or renew metadata.

It says what changed, in the same words as `changes.compare`, or raises NotPlain to ask that one. It may say yes because
every object that a later revision replaces is one whose part in the document is known (catalog, form, signature field,
page, security store, metadata), because all references to it are accounted for (see `census`), and because nothing
referred to the new numbers before they existed. So its time depends on what was added, not on the document's size.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from signing.verification.census import Counted, Wanted, count_references
from signing.verification.extensions import declares_less
from signing.verification.faults import Fault, NotPlain
from signing.verification.fields import Field, flat_field, form_fields
from signing.verification.form_changes import claimed_level
from signing.verification.metadata import is_xmp
from signing.verification.page_cover import LARGE_SHARE, is_hidden, is_nothing, own_share
from signing.verification.pdf import FREE, Pdf, View
from signing.verification.permissions import Change, What
from signing.verification.syntax import Ref

_CATALOG_FREE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Version", "/Metadata"})
_LISTING = frozenset({"/AcroForm", "/Pages", "/Fields", "/Annots", "/Kids", "/K", "/Nums", "/Obj", "/StructTreeRoot"})
_STORED = ("/Certs", "/OCSPs", "/CRLs")
_FORM_FREE = frozenset({"/Fields", "/SigFlags"})
_FIELD_FREE = frozenset({"/V", "/AP", "/F", "/M"})  # of a signature field that is filled
_NEW_FIELD = frozenset(
    {
        "/Type",
        "/Subtype",
        "/FT",
        "/T",
        "/Rect",
        "/F",
        "/P",
        "/V",
        "/AP",
        "/TU",
        "/StructParent",
        "/Lock",
        "/SV",
        "/MK",
        "/Border",
        "/Ff",
        "/DA",
    }
)


class PlainHistory:
    """The revisions after `base` (the first that was signed), compared one after another."""

    def __init__(self, pdf: Pdf, base: int, genuine: frozenset[str]) -> None:
        if pdf.hybrid:
            raise NotPlain("hybrid")
        self.pdf, self.base, self.genuine = pdf, base, genuine
        self._later = {r: pdf.sections[r].numbers() for r in range(base + 1, pdf.last + 1)}
        self._require_new_numbers_unused()
        self._catalog_uses = self._count_catalog_uses()
        self._require_catalog_in_its_place()
        self._lists: dict[tuple[int, str], Counter[Ref]] = {}
        self._rewriting: dict[int, bool] = {}
        self._changes: dict[int, list[Change] | NotPlain] = {}
        fields = form_fields(pdf.at(base))
        for revision in self._later:
            step = _Step(self, revision, fields)
            try:
                self._changes[revision] = step.changes()
                fields = step.new_fields
            except NotPlain as reason:
                self._changes[revision] = reason
                fields = form_fields(pdf.at(revision))

    def of(self, revision: int) -> list[Change]:
        """What this revision changed. Raises NotPlain."""
        found = self._changes.get(revision)
        if found is None or isinstance(found, NotPlain):
            raise NotPlain(str(found))
        return found

    def require_uses(self, number: int, expected: int) -> None:
        """Every reference to a number, superseded objects' included, is one of those that are known. Raises NotPlain."""
        name = b"%d" % number
        if name not in self._wanted.names:
            raise NotPlain(f"references to object {number} were not counted")
        if any(name in counts.odd for counts in self._counts):
            raise NotPlain(f"object {number} may be referred to in an unusual way")
        counted = sum(counts.plain.get(name, 0) for counts in self._counts)
        if counted != expected:
            raise NotPlain(f"object {number} is referred to {counted} times, {expected} are known")

    def catalog_uses(self, key: str, reference: Ref) -> int:
        """In how many versions of the catalog an entry is this reference."""
        return self._catalog_uses[key, reference]

    def field_uses(self, number: int) -> int:
        """The references to a field that are as they must be: field lists, its page's annotations, its place in the tags."""
        expected, reference = 0, Ref(number, 0)
        for r in range(self.pdf.last + 1):
            if r > self.base and number not in self._later[r] and not self._rewrites_lists(r):
                continue
            view = self.pdf.at(r)
            form = view.catalog.get("/AcroForm")
            holder = form if isinstance(form, Ref) else view.trailer.get("/Root")
            expected += self._listed(r, holder, "/Fields", form)[reference]
            entries = view.resolve(reference)
            if isinstance(entries, dict):
                page = entries.get("/P")
                if not isinstance(page, Ref) or view.get(page, "/Type") != "/Page":
                    raise NotPlain("a field without its page")
                expected += self._listed(r, page, "/Annots", page)[reference]
                expected += _tag_uses(view, entries, reference)
        return expected

    def _rewrites_lists(self, revision: int) -> bool:
        """Whether a later revision brings anything that could list a field: a form, a page, an array, tags."""
        if revision not in self._rewriting:
            objects = [self.pdf.load(number, revision) for number in self._later[revision]]
            self._rewriting[revision] = any(
                isinstance(each, list) or (isinstance(each, dict) and not _LISTING.isdisjoint(each)) for each in objects
            )
        return self._rewriting[revision]

    def array_uses(self, number: int, pages: Iterable[Ref]) -> int:
        """How often these pages name an array as their annotations."""
        total = 0
        for r in range(self.pdf.last + 1):
            view, section = self.pdf.at(r), self.pdf.sections[r]
            for page in pages:
                if section.get(page.number) is not None and view.get(page, "/Type") == "/Page":
                    total += view.entries(page).get("/Annots") == Ref(number, 0)
        return total

    def _listed(self, revision: int, holder: Any, key: str, owner: Any) -> Counter[Ref]:
        """The references in a list, if this revision wrote the list: each version of it counts once."""
        view, section = self.pdf.at(revision), self.pdf.sections[revision]
        entries = view.entries(owner)
        listed = entries.get(key) if isinstance(entries, dict) else None
        where = listed if isinstance(listed, Ref) else holder
        if not isinstance(where, Ref) or section.get(where.number) is None:
            return Counter()
        known = self._lists.get((where.number, f"{revision} {key}"))
        if known is None:
            known = Counter(each for each in view.items(listed) if isinstance(each, Ref))
            self._lists[where.number, f"{revision} {key}"] = known
        return known

    def _count_catalog_uses(self) -> Counter[tuple[str, Ref]]:
        found: Counter[tuple[str, Ref]] = Counter()
        for r, section in enumerate(self.pdf.sections):
            view = self.pdf.at(r)
            root = view.trailer.get("/Root")
            info = section.trailer.get("/Info")
            if isinstance(info, Ref):
                found["/Info", info] += 1
            if isinstance(root, Ref) and section.get(root.number) is not None:
                found.update((key, value) for key, value in view.catalog.items() if isinstance(value, Ref))
        return found

    def _require_catalog_in_its_place(self) -> None:
        """The catalog is named by trailers and certifications alone: elsewhere its free entries would be something else."""
        for r, section in enumerate(self.pdf.sections):
            if section.trailer.get("/Root") != self.pdf.sections[-1].trailer.get("/Root"):
                raise NotPlain(f"revision {r} has another catalog")
        root = self.pdf.sections[-1].trailer.get("/Root")
        view = self.pdf.at(self.pdf.last)
        named = 0
        values = {each.value for each in form_fields(view).values() if isinstance(each.value, Ref)}
        for value in values:
            references = view.get(value, "/Reference")
            data = [view.entries(each).get("/Data") for each in references] if isinstance(references, list) else []
            named += data.count(root)
        if isinstance(root, Ref) and any(root.number in numbers for numbers in self._later.values()):
            self.require_uses(root.number, len(self.pdf.sections) + named)

    def _require_new_numbers_unused(self) -> None:
        """No revision may refer to a number that only a later one defines: the signed page would change by itself."""
        pdf = self.pdf
        self._wanted = Wanted({number for numbers in self._later.values() for number in numbers})
        self._counts: list[Counted] = [count_references(pdf, 0, self.base, self._wanted)]
        self._counts += [count_references(pdf, r, r, self._wanted) for r in self._later]
        fresh: set[bytes] = set()
        for revision in sorted(self._later, reverse=True):
            fresh |= {b"%d" % n for n in self._later[revision] if _absent(pdf, n, revision - 1)}
            counts = self._counts[revision - self.base - 1]
            if not fresh.isdisjoint(counts.plain) or not fresh.isdisjoint(counts.odd):
                raise NotPlain("a number is referred to before it exists")


def _tag_uses(view: View, entries: Mapping[str, Any], reference: Ref) -> int:
    """The object reference (14.7.5.3) by which the structure tree names a widget, if this revision wrote it."""
    key = entries.get("/StructParent")
    if not isinstance(key, int):
        return 0
    element = _number_tree(view, view.get(view.catalog, "/StructTreeRoot", "/ParentTree"), key)
    values = view.resolve(element)
    if not isinstance(element, Ref) or not isinstance(values, dict):
        return 0
    total = 0
    kids = values.get("/K")
    listed = view.resolve(kids)
    for kid in listed if isinstance(listed, list) else [kids]:
        pointer = view.resolve(kid)
        if isinstance(pointer, dict) and pointer.get("/Type") == "/OBJR" and pointer.get("/Obj") == reference:
            own = kid if isinstance(kid, Ref) else kids if isinstance(kids, Ref) else element
            total += view.pdf.sections[view.revision].get(own.number) is not None
    return total


def _absent(pdf: Pdf, number: int, revision: int) -> bool:
    entry = pdf.entry(number, revision)
    return entry is None or entry[0] == FREE


class _Step:
    """One revision against the one before it."""

    def __init__(self, history: PlainHistory, revision: int, fields: dict[str, Field]) -> None:
        self.history, self.pdf, self.revision = history, history.pdf, revision
        self.old: View = self.pdf.at(revision - 1)
        self.new: View = self.pdf.at(revision)
        self.old_fields = fields
        self.new_fields = dict(fields)
        self.added_fields: list[Ref] = []
        section = self.pdf.sections[revision]
        self.replaced: set[int] = set()
        for number in section.numbers():
            if not _absent(self.pdf, number, revision - 1):
                self.replaced.add(number)
        self.explained: set[int] = set()
        self.found: list[Change] = []

    def changes(self) -> list[Change]:
        """Every replaced object explained, or NotPlain."""
        self._require_readable()
        for number in self.replaced:
            if _absent(self.pdf, number, self.revision):
                raise NotPlain(f"object {number} was given back")
        self._trailer()
        self._catalog()
        self._fields()
        signing = any(each.what in {What.SIGNED, What.TIMESTAMP} for each in self.found)
        if declares_less(self.old, self.new, signing=signing) is not None:
            raise NotPlain("version or extensions")
        self._pages()
        left = self.replaced - self.explained
        if left:
            raise NotPlain(f"object {min(left)} was replaced")
        return self.found or [Change(what=What.STORE)]

    def _require_readable(self) -> None:
        """Every object that the revision brings stands where its table says."""
        try:
            for number in self.pdf.sections[self.revision].numbers():
                self.pdf.load(number, self.revision)
        except Fault as fault:
            raise NotPlain(str(fault)) from fault

    def _trailer(self) -> None:
        old, new = self.old.trailer, self.new.trailer
        if old.get("/Root") != new.get("/Root") or not isinstance(new.get("/Root"), Ref) or "/Encrypt" in new:
            raise NotPlain("trailer")
        info = old.get("/Info")
        if isinstance(info, Ref) and info.number in self.replaced:
            self.history.require_uses(info.number, self.history.catalog_uses("/Info", info))
            self.explained.add(info.number)

    def _catalog(self) -> None:
        old, new = self.old.catalog, self.new.catalog
        root = self.new.trailer["/Root"]
        _require_same(old, new, _CATALOG_FREE, "catalog")
        self.explained.add(root.number)
        self._metadata(old.get("/Metadata"), new.get("/Metadata"))
        self._form(old.get("/AcroForm"), new.get("/AcroForm"))
        if self.replaced & self._store_numbers(old.get("/DSS")) or old.get("/DSS") != new.get("/DSS"):
            self._store(old.get("/DSS"), new.get("/DSS"))

    def _metadata(self, old: Any, new: Any) -> None:
        if isinstance(old, Ref) and old.number in self.replaced:
            self.history.require_uses(old.number, self.history.catalog_uses("/Metadata", old))
            self.explained.add(old.number)
        renewed = old != new or (isinstance(new, Ref) and self.pdf.sections[self.revision].get(new.number) is not None)
        if renewed and not is_xmp(self.new, new):
            raise NotPlain("metadata")

    def _form(self, old: Any, new: Any) -> None:
        if old != new:
            raise NotPlain("another form")
        before, after = self.old.resolve(old), self.new.resolve(new)
        if isinstance(old, Ref) and old.number in self.replaced:
            self.history.require_uses(old.number, self.history.catalog_uses("/AcroForm", old))
            self.explained.add(old.number)
        if not isinstance(before, dict) or not isinstance(after, dict):
            raise NotPlain("form")
        _require_same(before, after, _FORM_FREE, "form")
        if before.get("/SigFlags") is not None and not _same(before["/SigFlags"], after.get("/SigFlags")):
            raise NotPlain("signature flags")
        first, second = before.get("/Fields"), after.get("/Fields")
        if isinstance(first, Ref) or isinstance(second, Ref):
            if first != second:
                raise NotPlain("field list")
            if isinstance(first, Ref) and first.number in self.replaced:
                raise NotPlain("field list")
        self.added_fields = self._appended(self.old.items(first), self.new.items(second), "fields")

    def _appended(self, old: list[Any], new: list[Any], what: str) -> list[Ref]:
        """What a list got at its end: references to objects of this revision."""
        if new[: len(old)] != old:
            raise NotPlain(f"{what} in another order")
        added = new[len(old) :]
        for each in added:
            if not isinstance(each, Ref) or not _absent(self.pdf, each.number, self.revision - 1):
                raise NotPlain(f"{what} that were there before")
        return added

    # Fields.

    def _fields(self) -> None:
        """Fields whose object was replaced, and new ones; all the others stand as they did."""
        for name, before in self.old_fields.items() if self.replaced - self.explained else ():
            touched = self.replaced.intersection(before.numbers)
            if touched:
                after = flat_field(self.new, Ref(before.number, 0)) if before.number is not None else None
                if after is None or after.name != name:
                    raise NotPlain(f"field {name}")
                self._filled(name, before, after)
                self.new_fields[name] = after
        for item in self.added_fields:
            field = flat_field(self.new, item)
            if field is None or field.name in self.new_fields:
                raise NotPlain("a new field that is not flat, or has a known name")
            self._added(field.name, field)
            self.new_fields[field.name] = field

    def _filled(self, name: str, before: Field, after: Field) -> None:
        """An empty signature field, one object with its widget, that now holds a genuine signature."""
        number = before.number
        if number is None or before.numbers != (number, number) or after.numbers != before.numbers or before.kind != "/Sig":
            raise NotPlain(f"field {name}")
        if before.value is not None or name not in self.history.genuine:
            raise NotPlain(f"field {name}")
        old, new = self.old.resolve(Ref(number, 0)), self.new.resolve(Ref(number, 0))
        if not isinstance(old, dict) or not isinstance(new, dict):
            raise NotPlain(f"field {name}")
        _require_same(old, new, _FIELD_FREE, f"field {name}")
        self._appearance(old.get("/AP"), new.get("/AP"))
        if own_share(self.new, new) > LARGE_SHARE / 4 or (is_hidden(self.old, old) and not is_hidden(self.new, new)):
            raise NotPlain(f"field {name} may cover what was signed")
        self.history.require_uses(number, self.history.field_uses(number))
        self.explained.add(number)
        self._signed(name, after, is_new=False)

    def _appearance(self, old: Any, new: Any) -> None:
        """An appearance that was laid before may stand in objects of its own: it must be the new one's or as it was."""
        if old == new and old is not None and isinstance(old, Ref) and old.number in self.replaced:
            raise NotPlain("an appearance was replaced where it stands")

    def _signed(self, name: str, field: Field, *, is_new: bool) -> None:
        value = field.value
        if not isinstance(value, Ref) or not _absent(self.pdf, value.number, self.revision - 1):
            raise NotPlain(f"signature in {name}")
        stamp = self.new.get(value, "/SubFilter") == "/ETSI.RFC3161"
        seen = any(not is_nothing(self.new.resolve(each.entries.get("/Rect"))) for each in field.widgets)
        what = What.TIMESTAMP if stamp and not seen else What.SIGNED
        self.found.append(Change(what=what, field=name, field_is_new=is_new, claims=claimed_level(self.new, field)))

    def _added(self, name: str, field: Field) -> None:
        """A new invisible signature field, one object with its widget."""
        number = field.number
        if number is None or field.numbers != (number, number) or field.kind != "/Sig" or name not in self.history.genuine:
            raise NotPlain(f"new field {name}")
        entries = self.new.resolve(Ref(number, 0))
        if (
            not isinstance(entries, dict)
            or not entries.keys() <= _NEW_FIELD
            or not isinstance(entries.get("/Rect"), list)
            or not is_nothing(entries["/Rect"])
        ):
            raise NotPlain(f"new field {name}")
        self._signed(name, field, is_new=True)
        if self.found[-1].what is What.SIGNED:
            self.found.insert(
                len(self.found) - 1,
                Change(what=What.FIELD_ADDED, detail=f"field {name} added", field=name, field_is_new=True),
            )

    # Pages.

    def _pages(self) -> None:
        """Pages that got the widgets of new fields, and nothing else."""
        widgets = {item.number for item in self.added_fields}
        for number in sorted(self.replaced - self.explained):
            old, new = self.old.resolve(Ref(number, 0)), self.new.resolve(Ref(number, 0))
            if isinstance(old, dict) and isinstance(new, dict) and old.get("/Type") == "/Page":
                _require_same(old, new, frozenset({"/Annots"}), "page")
                first, second = old.get("/Annots"), new.get("/Annots")
                if isinstance(first, Ref):
                    raise NotPlain("annotations of a page")
                if isinstance(second, Ref) and not _absent(self.pdf, second.number, self.revision - 1):
                    raise NotPlain("annotations of a page")
                self._widgets(self.old.items(first), self.new.items(second), widgets)
                self.explained.add(number)
            elif isinstance(old, list) and isinstance(new, list):
                self._widgets(old, new, widgets)
                self.history.require_uses(number, self._page_uses(number))
                self.explained.add(number)

    def _widgets(self, old: list[Any], new: list[Any], widgets: Iterable[int | None]) -> None:
        added = self._appended(old, new, "annotations")
        if any(each.number not in widgets for each in added):
            raise NotPlain("an annotation was added")

    def _page_uses(self, number: int) -> int:
        """How often pages name this array of annotations; only the pages of the form's fields are looked at."""
        places = [widget.entries.get("/P") for field in self.new_fields.values() for widget in field.widgets]
        pages = dict.fromkeys(page for page in places if isinstance(page, Ref))
        total = self.history.array_uses(number, pages)
        if not total:
            raise NotPlain("an array that is not known")
        return total

    # The security store.

    def _store_numbers(self, store: Any) -> set[int]:
        found: set[int] = set()
        if isinstance(store, Ref):
            found.add(store.number)
        entries = self.old.resolve(store)
        for value in entries.values() if isinstance(entries, dict) else ():
            if isinstance(value, Ref):
                found.add(value.number)
        return found

    def _store(self, old: Any, new: Any) -> None:
        """A store that holds all it held before: lists of streams that only grew, entries per signature that were added."""
        before, after = self.old.resolve(old), self.new.resolve(new)
        if before is not None and isinstance(old, Ref) and old.number in self.replaced:
            self.history.require_uses(old.number, self.history.catalog_uses("/DSS", old))
            self.explained.add(old.number)
        if not isinstance(after, dict) or not isinstance(before, dict | None):
            raise NotPlain("security store")
        entries = self.new.resolve(after.get("/VRI"))
        if not after.keys() <= {"/Type", "/VRI", *_STORED} or not isinstance(entries, dict | None):
            raise NotPlain("security store with other entries")
        for key in _STORED:
            first, second = (before or {}).get(key), after.get(key)
            if isinstance(first, Ref) and first.number in self.replaced:
                raise NotPlain("security store")
            held = {each for each in self.old.items(first) if isinstance(each, Ref)}
            if not held <= {each for each in self.new.items(second) if isinstance(each, Ref)}:
                raise NotPlain("the security store lost values")
        if isinstance((before or {}).get("/VRI"), Ref):
            raise NotPlain("security store")
        self.found.append(Change(what=What.STORE))


def _require_same(old: Mapping[str, Any], new: Mapping[str, Any], free: frozenset[str], what: str) -> None:
    """Two dictionaries with the same values as they stand, some keys left out."""
    for key in old.keys() | new.keys():
        if key not in free and not _same(old.get(key), new.get(key)):
            raise NotPlain(f"{what} {key}")


def _same(old: Any, new: Any) -> bool:
    """The same value in the same notation: Python takes true for 1, a reader does not."""
    return old is new or (old == new and repr(old) == repr(new))


_MAX_TREE = 64


def _number_tree(view: View, root: Any, key: int) -> Any:
    """The value of a key in a number tree (7.9.7), unresolved."""
    node = view.resolve(root)
    for _ in range(_MAX_TREE):
        if not isinstance(node, dict):
            return None
        numbers = view.items(node.get("/Nums"))
        for index in range(0, len(numbers) - 1, 2):
            if numbers[index] == key:
                return numbers[index + 1]
        node = next((kid for each in view.items(node.get("/Kids")) if _within(view, kid := view.resolve(each), key)), None)
    return None


def _within(view: View, node: Any, key: int) -> bool:
    limits = view.items(node.get("/Limits")) if isinstance(node, dict) else []
    return len(limits) == 2 and all(isinstance(each, int) for each in limits) and limits[0] <= key <= limits[1]  # noqa: PLR2004
