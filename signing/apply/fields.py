"""The places for signatures in a PDF: found by name, made where allowed, and what stands in them."""

from collections.abc import Iterator
from itertools import islice

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler
from pyhanko.sign.fields import SigFieldSpec, append_signature_field, enumerate_sig_fields

from signing.apply.geometry import Box, page_at, page_geometry
from signing.apply.guard import only_our_errors
from signing.apply.opening import AppendingWriter
from signing.apply.reading import elements_at, resolved
from signing.apply.tagging import tag_field
from signing.errors import BadRequest, FieldTaken, NoSuchField

MOST_FIELDS = 5000  # a class book has some twenty; a form with more is an attack on the loop below


def signed_fields(handler: PdfHandler) -> Iterator[tuple[str, generic.DictionaryObject, generic.DictionaryObject]]:
    """The name of each signed field, the field, and its signature dictionary."""
    for name, value, reference in _bounded(handler):
        if value is not None:
            yield str(name), _dictionary(reference), _dictionary(value)


def field_names(handler: PdfHandler) -> dict[str, bool]:
    """The names of all signature fields; True where one is already signed."""
    with only_our_errors("đọc các trường chữ ký / reading the signature fields"):
        return {str(name): value is not None for name, value, _ in _bounded(handler)}


def names_with_room(handler: PdfHandler) -> frozenset[str]:
    """The names of the signature fields that take up room on a page, where a picture can be seen."""
    with only_our_errors("đọc các trường chữ ký / reading the signature fields"):
        return frozenset(str(name) for name, _, reference in _bounded(handler) if _has_room(_dictionary(reference)))


def _has_room(field: generic.DictionaryObject) -> bool:
    """By the rectangle of its widget: the field itself, or what hangs below it (ISO 32000-2, 12.5.6.19)."""
    below = (each for each in elements_at(field, "/Kids") if isinstance(each, generic.DictionaryObject))
    for widget in (field, *islice(below, MOST_FIELDS)):
        numbers = (
            each for each in elements_at(widget, "/Rect") if isinstance(each, generic.NumberObject | generic.FloatObject)
        )
        corners = [float(each) for each in numbers]
        if len(corners) == 4 and corners[0] != corners[2] and corners[1] != corners[3]:  # noqa: PLR2004 - two corners
            return True
    return False


def check_field(handler: PdfHandler, name: str, *, may_be_new: bool) -> None:
    """Raise NoSuchField or FieldTaken unless `name` can be signed."""
    known = field_names(handler)
    if name not in known:
        if may_be_new:
            if "." in name:
                raise BadRequest(f"Tên ô ký «{name}» có dấu chấm", f"The field name “{name}” holds a dot")
            return
        there = ", ".join(known) or "không có trường nào / none"
        raise NoSuchField(
            f"Không có trường chữ ký «{name}»; có: {there}", f"There is no signature field “{name}”; there are: {there}"
        )
    if known[name]:
        raise FieldTaken(f"Ô ký «{name}» đã được ký", f"The field “{name}” has already been signed")


def new_field(writer: AppendingWriter, name: str, page: int, box: Box | None) -> SigFieldSpec:
    """The specification of a field that does not exist yet; `box` is given as the page is seen."""
    with only_our_errors("đặt trường mới / placing a new field"):
        if box is None:
            return SigFieldSpec(name, on_page=0)
        geometry = page_geometry(page_at(writer, page))
        return SigFieldSpec(name, on_page=page, box=geometry.from_seen(box))  # type: ignore[arg-type]  # pyHanko writes reals as well


def lay_tagged_field(writer: AppendingWriter, spec: SigFieldSpec) -> None:
    """Lay a visible field on its page, in the form and, where the document is tagged, in its structure tree."""
    append_signature_field(writer, spec)
    laid = next(reference for name, _, reference in _bounded(writer) if name == spec.sig_field_name)
    field = generic.IndirectObject(laid.idnum, laid.generation, writer)  # type: ignore[no-untyped-call]
    tag_field(writer, field, f"Chữ ký: {spec.sig_field_name}")


def _dictionary(value: generic.PdfObject | generic.Reference) -> generic.DictionaryObject:
    """The dictionary, wherever it is written."""
    found = resolved(value)
    if not isinstance(found, generic.DictionaryObject):
        raise TypeError(f"{type(found).__name__} where a dictionary is expected")
    return found


def _bounded(handler: PdfHandler) -> Iterator[tuple[str, generic.PdfObject | None, generic.Reference]]:
    for count, found in enumerate(enumerate_sig_fields(handler)):
        if count >= MOST_FIELDS:
            raise ValueError(f"more than {MOST_FIELDS} signature fields")
        yield found
