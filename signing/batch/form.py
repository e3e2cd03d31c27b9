"""The document's form: the field that is to be signed, who has signed before, and what they forbade.

form = read_form(document)
place = form.empty_field("principal_signs")
require_permission(document, form, "principal_signs", new=None)
"""

from collections.abc import Iterator
from dataclasses import dataclass

from signing.batch.document import Document
from signing.batch.syntax import Values, dictionary_of, reference, text, whole_number
from signing.batch.unusual import Unusual

# More fields than any form of ours has; a longer one is pyHanko's to walk.
MOST_FIELDS = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A form field at the end of its branch."""

    name: str  # the full name, with dots
    number: int  # its object
    values: Values

    @property
    def is_signature(self) -> bool:
        """Whether it is there to be signed."""
        return self.values.get(b"/FT") == b"/Sig"

    @property
    def is_filled(self) -> bool:
        """Whether it has a value."""
        return self.values.get(b"/V", b"null") != b"null"


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """/AcroForm as it stands."""

    number: int | None  # its object; None when it stands in the catalog itself, or there is none yet
    values: Values  # empty when there is none yet
    fields: tuple[Field, ...]

    @property
    def signed(self) -> tuple[Field, ...]:
        """The signature fields that hold a signature or a timestamp."""
        return tuple(field for field in self.fields if field.is_signature and field.is_filled)

    @property
    def only_signatures(self) -> bool:
        """Whether nothing else can be filled in."""
        return all(field.is_signature for field in self.fields)

    def empty_field(self, name: str) -> Field | None:
        """The signature field of this name, ready to be filled; None when there is no field of this name."""
        named = [field for field in self.fields if field.name == name or field.name.startswith(name + ".")]
        if not named:
            return None
        field = named[0]
        if len(named) > 1 or field.name != name or not field.is_signature or field.is_filled:
            raise Unusual(f"{name} is filled, not a signature field, or there several times")
        if field.values.keys() & {b"/SV", b"/Kids", b"/AA", b"/A"} or field.values.get(b"/Subtype") != b"/Widget":
            raise Unusual(f"{name} has seed values, actions or several widgets")
        return field


def read_form(document: Document) -> Form:
    """The form, or an empty one where the document has none."""
    catalog = document.dictionary(document.root)
    if b"/AcroForm" not in catalog:
        return Form(number=None, values={}, fields=())
    number = reference(catalog[b"/AcroForm"])
    values = document.dictionary(number) if number is not None else dictionary_of(catalog[b"/AcroForm"])
    if b"/XFA" in values:
        raise Unusual("an XFA form")
    roots = document.resolved_array(values.get(b"/Fields", b"[]"))
    return Form(number=number, values=values, fields=tuple(_walk(document, roots)))


def _walk(document: Document, roots: list[bytes]) -> Iterator[Field]:
    """All fields; widgets without a name are parts of their parent."""
    left: list[tuple[bytes, str, bytes | None]] = [(raw, "", None) for raw in reversed(roots)]
    seen: set[int] = set()
    while left:
        raw, parent, kind = left.pop()
        number = reference(raw)
        if number is None or number in seen or len(seen) >= MOST_FIELDS:
            raise Unusual("fields that are direct, there twice, or very many")
        seen.add(number)
        values = document.dictionary(number)
        kind = values.get(b"/FT", kind)
        if b"/T" not in values:
            if not parent:
                raise Unusual("a field without a name")
            continue
        own = text(document.resolve(values[b"/T"]))
        name = f"{parent}.{own}" if parent else own
        yield Field(name=name, number=number, values=values if kind is None else {**values, b"/FT": kind})
        if b"/Kids" in values:
            left += [(kid, name, kind) for kid in reversed(document.resolved_array(values[b"/Kids"]))]


def require_permission(document: Document, form: Form, name: str, *, adds_field: bool, is_timestamp: bool) -> None:
    """Unusual when an earlier signature might forbid another one here: pyHanko and the caller then decide.

    A document timestamp is allowed after everything but a lock on its own field (ISO 32000-2, 12.8.2.2 and 12.8.2.4).
    """
    level = certified_level(document)
    if level is not None and not is_timestamp and _forbids(level, adds_field=adds_field):
        raise Unusual("the certifying signature may forbid this")
    for field in form.signed:
        kinds = set()
        for kind, parameters in _transforms(document, field):
            kinds.add(kind)
            said = whole_number(document.resolve(parameters.get(b"/P", b"2" if kind == b"/DocMDP" else b"3")))
            # Also a certification that the catalog does not name (any more).
            forbids = not is_timestamp and _forbids(said, adds_field=adds_field and kind == b"/DocMDP")
            # A timestamp in a field that did not exist yet extends the proof and changes no locked one.
            locks = kind == b"/FieldMDP" and not (adds_field and is_timestamp) and _locks(document, parameters, name)
            if forbids or locks:
                raise Unusual(f"the signature in {field.name} locks {name}, or everything")
        if b"/Lock" in field.values and b"/FieldMDP" not in kinds:
            raise Unusual(f"the field {field.name} brought a lock that its signature does not repeat")


def _forbids(level: int, *, adds_field: bool) -> bool:
    return level not in (2, 3) or adds_field


def certified_level(document: Document) -> int | None:
    """What the certifying signature permits (1, 2 or 3); None when nobody certified."""
    catalog = document.dictionary(document.root)
    if b"/Perms" not in catalog:
        return None
    permissions = document.resolved_dictionary(catalog[b"/Perms"])
    target = reference(permissions.get(b"/DocMDP", b""))
    if set(permissions) != {b"/DocMDP"} or target is None:
        raise Unusual("usage rights, or a certification of another shape")
    for kind, parameters in _references(document, document.dictionary(target)):
        if kind == b"/DocMDP":
            return whole_number(document.resolve(parameters.get(b"/P", b"2")))
    raise Unusual("a certification without its level")


def _transforms(document: Document, field: Field) -> Iterator[tuple[bytes, Values]]:
    target = reference(field.values[b"/V"])
    if target is None:
        raise Unusual(f"the signature in {field.name} stands in its field")
    yield from _references(document, document.dictionary(target))


def _references(document: Document, signature: Values) -> Iterator[tuple[bytes, Values]]:
    for raw in document.resolved_array(signature.get(b"/Reference", b"[]")):
        entry = document.resolved_dictionary(raw)
        parameters = document.resolved_dictionary(entry.get(b"/TransformParams", b"<<>>"))
        yield entry.get(b"/TransformMethod", b""), parameters


def _locks(document: Document, parameters: Values, name: str) -> bool:
    """Whether a FieldMDP transform covers this field: a name stands for all fields below it too."""
    action = parameters.get(b"/Action")
    if action == b"/All":
        return True
    listed = [text(document.resolve(raw)) for raw in document.resolved_array(parameters.get(b"/Fields", b"[]"))]
    named = any(name == entry or name.startswith(entry + ".") for entry in listed)
    if action not in (b"/Include", b"/Exclude"):
        raise Unusual("a lock of an unknown kind")
    return named == (action == b"/Include")
