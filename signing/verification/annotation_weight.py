"""Whether an annotation can hide or imitate what was signed, run something, or only stands beside it.

Whoever brings a picture of their own (/AP) can draw anything in it, whatever the annotation is called. Without one a reader
draws it by its entries, and these can cover as well: borders of 150 points, white lines close together, carets like pages.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from signing.verification.pages import box_of
from signing.verification.pdf import View, is_name
from signing.verification.permissions import What

# Annotations that stand beside the content or mark it, and cannot cover it by themselves.
_QUIET_ANNOTATIONS = frozenset({"/Text", "/Link", "/Popup", "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret"})
_QUIET_ACTIONS = frozenset({"/URI", "/GoTo", "/Named"})  # what a link may do without running or fetching anything
_MARKUP = frozenset({"/Highlight", "/Underline", "/Squiggly", "/StrikeOut"})
_LIGHT = 0.4  # mean of the colour's parts; a highlight that is darker hides words
_PALE = 0.85  # a line that is lighter wipes words away
_TALL = 40.0  # points; a line of large print has 20
WIDE_BORDER = 4.0  # points; readers draw 1 where nothing is said
_LARGE_CARET = 72.0  # points; some readers draw it as large as its rectangle, but notes always as icons of 20
_LARGE_POPUP = 300.0  # points of an open window; usual ones have 200 by 120
_MAX_BANDS = 500  # marked lines of one annotation, and new ones of one page


def weight_of(view: View, item: Any) -> What:
    """What kind of change it is that this annotation comes or goes."""
    subtype = view.get(item, "/Subtype")
    pictured = any(view.get(item, key) is not None for key in ("/AP", "/AA", "/MK", "/AF"))
    action = view.get(item, "/A")
    acts = action is not None and not (subtype == "/Link" and _is_quiet_action(view, action))
    quiet = is_name(subtype, *_QUIET_ANNOTATIONS) and not pictured and not acts and not _is_heavy(view, item, subtype)
    return What.ANNOTATION if quiet else What.ANNOTATION_DRAWS


def lies_on_another(view: View, items: Sequence[Any]) -> bool:
    """Whether new marks lie on each other: many thin lines wipe out what one does not."""
    bands = [band for item in items if is_name(view.get(item, "/Subtype"), *_MARKUP) for band in _bands(view, item)]
    if len(bands) > _MAX_BANDS:
        return True
    return any(_overlap(one, other) for index, one in enumerate(bands) for other in bands[:index])


def _is_heavy(view: View, item: Any, subtype: Any) -> bool:
    if border_width(view, item) > WIDE_BORDER:
        return True
    if is_name(subtype, *_MARKUP):
        return _is_heavy_mark(view, item, subtype) or lies_on_another(view, [item])
    if subtype == "/Popup":
        return view.get(item, "/Open") is True and _side(view, item) > _LARGE_POPUP
    return subtype == "/Caret" and _side(view, item) > _LARGE_CARET


def _is_heavy_mark(view: View, item: Any, subtype: Any) -> bool:
    """Whether a mark on words is so dark, so pale or so tall that they cannot be read through it."""
    light = _lightness(view, item)
    blends = view.get(item, "/BM") in (None, "/Multiply")
    unreadable = light < _LIGHT or not blends if subtype == "/Highlight" else light > _PALE
    bands = list(_bands(view, item))
    box = box_of(view, view.get(item, "/Rect"))
    tall = any(high - low > _TALL for _, low, _, high in bands) or (not bands and (box is None or box[3] - box[1] > _TALL))
    return unreadable or tall


def _lightness(view: View, item: Any) -> float:
    """From 0, black, to 1, white; black where no colour is said (12.5.2, /C)."""
    colours = [view.resolve(each) for each in view.items(view.get(item, "/C"))]
    numbers = [min(max(float(each), 0.0), 1.0) for each in colours if isinstance(each, int | float)]
    if len(numbers) == 4:  # noqa: PLR2004 -- inks, not light
        numbers = [1 - min(ink + numbers[3], 1.0) for ink in numbers[:3]]
    return sum(numbers) / len(numbers) if numbers else 0.0


def _bands(view: View, item: Any) -> Iterator[tuple[float, float, float, float]]:
    """The lines that a mark marks, each as a box."""
    points = [view.resolve(each) for each in view.items(view.get(item, "/QuadPoints"))[: 8 * (_MAX_BANDS + 1)]]
    numbers = [float(each) if isinstance(each, int | float) else 0.0 for each in points]
    for index in range(0, len(numbers) - 7, 8):
        across, up = numbers[index : index + 8 : 2], numbers[index + 1 : index + 8 : 2]
        yield min(across), min(up), max(across), max(up)


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    """Whether two lines share more than half the height of the lower one; lines that are close touch a little."""
    shared = min(one[3], other[3]) - max(one[1], other[1])
    beside = min(one[2], other[2]) - max(one[0], other[0])
    return beside > 1 and shared > min(one[3] - one[1], other[3] - other[1]) / 2


def border_width(view: View, item: Any) -> float:
    """The width of the line that a reader draws around an annotation (12.5.4)."""
    style = view.get(item, "/BS", "/W")
    plain = [view.resolve(each) for each in view.items(view.get(item, "/Border"))]
    widths = [style, plain[2] if len(plain) > 2 else None]  # noqa: PLR2004
    return max((abs(float(each)) for each in widths if isinstance(each, int | float)), default=1.0)


def _side(view: View, item: Any) -> float:
    """The longer side of an annotation's rectangle; beyond every limit where it has none."""
    box = box_of(view, view.get(item, "/Rect"))
    return max(box[2] - box[0], box[3] - box[1]) if box is not None else float("inf")


def _is_quiet_action(view: View, action: Any) -> bool:
    return isinstance(action, dict) and is_name(view.get(action, "/S"), *_QUIET_ACTIONS) and action.get("/Next") is None
