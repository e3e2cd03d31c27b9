"""Where things stand on other people's pages: turned, cropped, magnified, and saying so themselves or by their parents.

geometry = page_geometry(page_at(writer, 0))
rect = geometry.from_seen((100, 200, 180, 240))     # for /Rect
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.apply.reading import resolved, value_at
from signing.errors import BadRequest

Box = tuple[float, float, float, float]

LETTER: Box = (0.0, 0.0, 612.0, 792.0)  # where a page has no MediaBox, as readers take it
MOST_PAGES = 3000  # that are looked through for a widget that does not name its page
MOST_DEPTH = 60  # of the page tree's inherited attributes
MOST_UNIT = 1000.0  # points per unit: a page of 14,400 units is then 5 km wide


@dataclass(frozen=True, slots=True, kw_only=True)
class PageGeometry:
    """How a page is shown: which part of it, how it is turned (clockwise degrees), and how many points its unit has."""

    crop: Box
    rotation: int
    unit: float = 1.0

    @property
    def seen(self) -> tuple[float, float]:
        """Width and height of the page as it is seen, in points."""
        width, height = (self.crop[2] - self.crop[0]) * self.unit, (self.crop[3] - self.crop[1]) * self.unit
        return (height, width) if self.rotation in {90, 270} else (width, height)

    def from_seen(self, box: Box) -> Box:
        """A box in points from the lower left corner of the page as it is seen, in the page's own coordinates."""
        left, bottom, right, top = self.crop
        a, b = self._own(box[0] / self.unit, box[1] / self.unit), self._own(box[2] / self.unit, box[3] / self.unit)
        xs, ys = sorted((a[0], b[0])), sorted((a[1], b[1]))
        if not (left <= xs[0] < xs[1] <= right and bottom <= ys[0] < ys[1] <= top):
            size = f"{self.seen[0]:.0f} × {self.seen[1]:.0f}"
            raise BadRequest(
                f"Vị trí {box} nằm ngoài trang hoặc không có diện tích; trang nhìn thấy được rộng × cao {size} điểm",
                f"The box {box} lies outside the visible page or is empty; the visible page is {size} points",
            )
        return xs[0], ys[0], xs[1], ys[1]

    def _own(self, x: float, y: float) -> tuple[float, float]:
        left, bottom, right, top = self.crop
        return {
            0: (left + x, bottom + y),
            90: (right - y, bottom + x),
            180: (right - x, top - y),
            270: (left + y, top - x),
        }[self.rotation]


def page_geometry(page: generic.DictionaryObject) -> PageGeometry:
    """CropBox and /Rotate of a page, inherited where it does not say itself (ISO 32000-2, 7.7.3.4), and its own UserUnit."""
    media = _box(_inherited(page, "/MediaBox")) or LETTER
    crop = _box(_inherited(page, "/CropBox")) or media
    shown = (max(crop[0], media[0]), max(crop[1], media[1]), min(crop[2], media[2]), min(crop[3], media[3]))
    rotation, unit = _number(_inherited(page, "/Rotate"), 0.0), _number(value_at(page, "/UserUnit"), 1.0)
    turned = int(rotation)
    points = unit if 0 < unit <= MOST_UNIT else 1.0
    return PageGeometry(crop=shown, rotation=turned % 360 // 90 * 90, unit=points)


def _inherited(page: generic.DictionaryObject, key: str) -> object:
    node: object = page
    for _ in range(MOST_DEPTH):
        if not isinstance(node, generic.DictionaryObject):
            return None
        if (found := value_at(node, key)) is not None:
            return found
        node = value_at(node, "/Parent")
    raise ValueError("the page tree is too deep")


def _number(value: object, otherwise: float) -> float:
    """As pyHanko holds them: integers are int, reals Decimal."""
    return float(value) if isinstance(value, int | Decimal) else otherwise


def _box(value: object) -> Box | None:
    """A rectangle with an area, its corners in order; None for anything else, as readers leave it out."""
    if not isinstance(value, generic.ArrayObject) or len(value) != 4:  # noqa: PLR2004 - corners
        return None
    numbers = [resolved(value.raw_get(index)) for index in range(4)]
    if not all(isinstance(number, int | Decimal) for number in numbers):
        return None
    x0, y0, x1, y1 = (_number(number, 0.0) for number in numbers)
    box = min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
    return box if box[0] < box[2] and box[1] < box[3] else None


def page_at(writer: BasePdfFileWriter, index: int) -> generic.DictionaryObject:
    """A page by its index from 0. Raises BadRequest."""
    count = page_count(writer)
    if not 0 <= index < count:
        raise BadRequest(f"Không có trang {index + 1}; tài liệu có {count} trang", f"There is no page {index + 1} of {count}")
    return _nth_page(writer, index)


def page_count(writer: BasePdfFileWriter) -> int:
    """How many pages the document says it has."""
    return int(writer.root["/Pages"]["/Count"])


def _nth_page(writer: BasePdfFileWriter, index: int) -> generic.DictionaryObject:
    reference: generic.IndirectObject = writer.find_page_for_modification(index)[0]  # type: ignore[no-untyped-call]
    page = resolved(reference)
    if not isinstance(page, generic.DictionaryObject):
        raise TypeError(f"page {index + 1} is no dictionary")
    return page


def widget_geometry(writer: BasePdfFileWriter, widget: generic.DictionaryObject) -> tuple[float, float, int]:
    """Width and height of a widget as it is seen, in its page's units, and the /Rotate of its page."""
    box = _box(value_at(widget, "/Rect"))
    if box is None:
        raise ValueError("a widget without a rectangle")
    named = value_at(widget, "/P")
    page = named if isinstance(named, generic.DictionaryObject) else _page_showing(writer, widget)
    rotation = page_geometry(page).rotation if page is not None else 0
    width, height = box[2] - box[0], box[3] - box[1]
    return (height, width, rotation) if rotation in {90, 270} else (width, height, rotation)


def _page_showing(writer: BasePdfFileWriter, widget: generic.DictionaryObject) -> generic.DictionaryObject | None:
    """The page that lists a widget without /P (it is optional, ISO 32000-2, table 166) among its annotations."""
    wanted = widget.container_ref
    if not isinstance(wanted, generic.Reference):
        return None
    for index in range(min(page_count(writer), MOST_PAGES)):
        page = _nth_page(writer, index)
        annotations = value_at(page, "/Annots")
        listed: Sequence[object] = list(list.__iter__(annotations)) if isinstance(annotations, generic.ArrayObject) else ()
        if any(getattr(each, "idnum", None) == wanted.idnum for each in listed):
            return page
    return None
