"""The places for signatures in a PDF: found by name, made where allowed, and what stands in them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.rw_common import PdfHandler
from pyhanko.pdf_utils.writer import BasePdfFileWriter
from pyhanko.sign.fields import SigFieldSpec, append_signature_field, enumerate_sig_fields

from signing.apply.guard import only_our_errors
from signing.apply.opening import AppendingWriter
from signing.apply.tagging import tag_field
from signing.errors import BadRequest, FieldTaken, NoSuchField

Box = tuple[float, float, float, float]

MOST_FIELDS = 5000  # a class book has some twenty; a form with more is an attack on the loop below
MOST_PAGES = 3000  # that are looked through for a widget that does not name its page
MOST_DEPTH = 60  # of the page tree's inherited attributes


def signature_dictionaries(handler: PdfHandler) -> Iterator[tuple[str, generic.DictionaryObject]]:
    """The name of each signed field with its signature dictionary."""
    for name, value, _ in _bounded(handler):
        if value is not None:
            yield str(name), _resolved(value)


def field_names(handler: PdfHandler) -> dict[str, bool]:
    """The names of all signature fields; True where one is already signed."""
    with only_our_errors("đọc các trường chữ ký / reading the signature fields"):
        return {str(name): value is not None for name, value, _ in _bounded(handler)}


def check_field(handler: PdfHandler, name: str, *, may_be_new: bool) -> None:
    """Raise NoSuchField or FieldTaken unless `name` can be signed."""
    known = field_names(handler)
    if name not in known:
        if may_be_new:
            if "." in name:
                raise BadRequest(f"Tên trường «{name}» có dấu chấm", f"The field name “{name}” holds a dot")
            return
        there = ", ".join(known) or "không có trường nào / none"
        raise NoSuchField(
            f"Không có trường chữ ký «{name}»; có: {there}", f"There is no signature field “{name}”; there are: {there}"
        )
    if known[name]:
        raise FieldTaken(f"Trường «{name}» đã được ký", f"The field “{name}” has already been signed")


def new_field(writer: AppendingWriter, name: str, page: int, box: Box | None) -> SigFieldSpec:
    """The specification of a field that does not exist yet; `box` is given as the page is seen."""
    with only_our_errors("đặt trường mới / placing a new field"):
        if box is None:
            return SigFieldSpec(name, on_page=0)
        geometry = page_geometry(_page(writer, page))
        return SigFieldSpec(name, on_page=page, box=geometry.from_seen(box))


def lay_tagged_field(writer: AppendingWriter, spec: SigFieldSpec) -> None:
    """Lay a visible field on its page, in the form and, where the document is tagged, in its structure tree."""
    append_signature_field(writer, spec)
    laid = next(reference for name, _, reference in _bounded(writer) if name == spec.sig_field_name)
    field = generic.IndirectObject(laid.idnum, laid.generation, writer)  # type: ignore[no-untyped-call]
    tag_field(writer, field, f"Chữ ký: {spec.sig_field_name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PageGeometry:
    """How a page is shown: which part of it, and how it is turned (clockwise degrees)."""

    crop: Box
    rotation: int

    def from_seen(self, box: Box) -> tuple[int, int, int, int]:
        """A box in points from the lower left corner of the page as it is seen, in the page's own coordinates."""
        left, bottom, right, top = self.crop
        a, b = self._own(box[0], box[1]), self._own(box[2], box[3])
        xs, ys = sorted((a[0], b[0])), sorted((a[1], b[1]))
        if not (left <= xs[0] < xs[1] <= right and bottom <= ys[0] < ys[1] <= top):
            raise BadRequest(
                f"Vị trí {box} nằm ngoài trang hoặc không có diện tích",
                f"The box {box} lies outside the visible page or is empty",
            )
        return round(xs[0]), round(ys[0]), round(xs[1]), round(ys[1])

    def _own(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self.crop
        return {
            0: (left + x, bottom + y),
            90: (right - y, bottom + x),
            180: (right - x, top - y),
            270: (left + y, top - x),
        }[self.rotation]


def page_geometry(page: generic.DictionaryObject) -> PageGeometry:
    """CropBox and /Rotate of a page, inherited where it does not say itself (ISO 32000-2, 7.7.3.4)."""
    media = _box(_inherited(page, "/MediaBox"), (0.0, 0.0, 612.0, 792.0))
    crop = _box(_inherited(page, "/CropBox"), media)
    shown = (max(crop[0], media[0]), max(crop[1], media[1]), min(crop[2], media[2]), min(crop[3], media[3]))
    rotation = _inherited(page, "/Rotate")
    turned = int(rotation) if isinstance(rotation, int | float) else 0
    return PageGeometry(crop=shown, rotation=turned % 360 // 90 * 90)


def _inherited(page: generic.DictionaryObject, key: str) -> object:
    node = page
    for _ in range(MOST_DEPTH):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    raise ValueError("the page tree is too deep")


def _box(value: object, otherwise: Box) -> Box:
    if not isinstance(value, Sequence) or len(value) != 4:  # noqa: PLR2004 - a rectangle
        return otherwise
    x0, y0, x1, y1 = (float(number) for number in value)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _page(writer: AppendingWriter, index: int) -> generic.DictionaryObject:
    count = int(writer.root["/Pages"]["/Count"])
    if not 0 <= index < count:
        raise BadRequest(f"Không có trang {index + 1}; tài liệu có {count} trang", f"There is no page {index + 1} of {count}")
    return _nth_page(writer, index)


def _nth_page(writer: BasePdfFileWriter, index: int) -> generic.DictionaryObject:
    reference: generic.IndirectObject = writer.find_page_for_modification(index)[0]  # type: ignore[no-untyped-call]
    return _resolved(reference)


def widget_geometry(writer: BasePdfFileWriter, widget: generic.DictionaryObject) -> tuple[float, float, int]:
    """Width and height of a widget as it is seen, and the /Rotate of its page."""
    x0, y0, x1, y1 = (float(number) for number in widget["/Rect"])
    page = widget["/P"] if "/P" in widget else _page_showing(writer, widget)
    rotation = page_geometry(page).rotation if page is not None else 0
    width, height = abs(x1 - x0), abs(y1 - y0)
    return (height, width, rotation) if rotation in {90, 270} else (width, height, rotation)


def _page_showing(writer: BasePdfFileWriter, widget: generic.DictionaryObject) -> generic.DictionaryObject | None:
    """The page that lists a widget without /P (it is optional, ISO 32000-2, table 166) among its annotations."""
    wanted = widget.container_ref
    if not isinstance(wanted, generic.Reference):
        return None
    for index in range(min(int(writer.root["/Pages"]["/Count"]), MOST_PAGES)):
        page = _nth_page(writer, index)
        annotations = page.get("/Annots", ())
        if any(getattr(each, "idnum", None) == wanted.idnum for each in list.__iter__(annotations)):
            return page
    return None


def _resolved(value: generic.PdfObject) -> generic.DictionaryObject:
    """The dictionary, wherever it is written."""
    resolved = value.get_object()  # type: ignore[no-untyped-call]
    if not isinstance(resolved, generic.DictionaryObject):
        raise TypeError(f"{type(resolved).__name__} where a dictionary is expected")
    return resolved


def _bounded(handler: PdfHandler) -> Iterator[tuple[str, generic.PdfObject | None, generic.Reference]]:
    for count, found in enumerate(enumerate_sig_fields(handler)):
        if count >= MOST_FIELDS:
            raise ValueError(f"more than {MOST_FIELDS} signature fields")
        yield found
