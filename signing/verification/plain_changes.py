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
from signing.verification.faults import NotPlain
from signing.verification.fields import form_fields
from signing.verification.pdf import Pdf, View
from signing.verification.permissions import Change
from signing.verification.plain_step import PlainStep, is_absent
from signing.verification.syntax import Ref

_LISTING = frozenset({"/AcroForm", "/Pages", "/Fields", "/Annots", "/Kids", "/K", "/Nums", "/Obj", "/StructTreeRoot"})


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
            step = PlainStep(self, revision, fields)
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
            fresh |= {b"%d" % n for n in self._later[revision] if is_absent(pdf, n, revision - 1)}
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
