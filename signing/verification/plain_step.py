"""One later revision, as the quick comparison reads it: every replaced object explained by its part in the document.

See `plain_changes` for what may be called plain, and why.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from signing.verification.extensions import declares_less
from signing.verification.faults import Fault, NotPlain
from signing.verification.field_names import FieldNames
from signing.verification.fields import Field, flat_field
from signing.verification.form_changes import claimed_level
from signing.verification.metadata import is_xmp
from signing.verification.page_cover import LARGE_SHARE, is_hidden, is_nothing, own_share
from signing.verification.pdf import FREE, Pdf, View
from signing.verification.permissions import Change, What
from signing.verification.syntax import Ref, Stream

if TYPE_CHECKING:
    from signing.verification.plain_changes import PlainHistory

_CATALOG_FREE = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Version", "/Metadata"})
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


def is_absent(pdf: Pdf, number: int, revision: int) -> bool:
    """Whether a revision has no object of this number."""
    entry = pdf.entry(number, revision)
    return entry is None or entry[0] == FREE


class PlainStep:
    """One revision against the one before it."""

    def __init__(self, history: "PlainHistory", revision: int, fields: dict[str, Field]) -> None:
        self.history, self.pdf, self.revision = history, history.pdf, revision
        self.old: View = self.pdf.at(revision - 1)
        self.new: View = self.pdf.at(revision)
        self.old_fields = fields
        self.new_fields = dict(fields)
        self.added_fields: list[Ref] = []
        section = self.pdf.sections[revision]
        self.replaced: set[int] = set()
        for number in section.numbers():
            if not is_absent(self.pdf, number, revision - 1):
                self.replaced.add(number)
        self.explained: set[int] = set()
        self.found: list[Change] = []

    def changes(self) -> list[Change]:
        """Every replaced object explained, or NotPlain."""
        self._require_readable()
        for number in self.replaced:
            if is_absent(self.pdf, number, self.revision):
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
            if not isinstance(each, Ref) or not is_absent(self.pdf, each.number, self.revision - 1):
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
        names = FieldNames(self.new_fields if self.added_fields else ())
        for item in self.added_fields:
            field = flat_field(self.new, item)
            if field is None or names.clash_with(field.name):
                raise NotPlain("a new field that is not flat, or has a known name")
            self._added(field.name, field)
            self.new_fields[field.name] = field
            names.add(field.name)

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
        if not isinstance(value, Ref) or not is_absent(self.pdf, value.number, self.revision - 1):
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
                if isinstance(second, Ref) and not is_absent(self.pdf, second.number, self.revision - 1):
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
            added = [each for each in self.new.items(second) if not (isinstance(each, Ref) and each in held)]
            if not all(isinstance(self.new.resolve(each), Stream) for each in added):
                raise NotPlain("the security store holds what is no value")
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
