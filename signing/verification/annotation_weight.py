"""Whether an annotation can hide or imitate what was signed, run something, or only stands beside it.

Whoever brings a picture of their own (/AP) can draw anything in it, whatever the annotation is called. Without one a reader
draws it by its entries, and these can cover as well: borders of 150 points, white lines close together, carets like pages.
"""

from collections.abc import Callable, Sequence
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
_MAX_COMPARED = 500_000  # pairs of marked lines of one file
_LOWEST_BAND = 4.0  # points; some readers draw a line of 1 point through a mark that is lower
_ROOM = 4  # borders that fit into a link side by side: two of them are its own, words take the others

_Box = tuple[float, ...]  # left, low, right, high


def weight_of(view: View, item: Any) -> What:
    """What kind of change it is that this annotation comes or goes."""
    subtype = view.get(item, "/Subtype")
    pictured = any(view.get(item, key) is not None for key in ("/AP", "/AA", "/MK", "/AF"))
    action = view.get(item, "/A")
    acts = action is not None and not (subtype == "/Link" and _is_quiet_action(view, action))
    quiet = is_name(subtype, *_QUIET_ANNOTATIONS) and not pictured and not acts and not _is_heavy(view, item, subtype)
    return What.ANNOTATION if quiet else What.ANNOTATION_DRAWS


def lies_on_another(view: View, fresh: Sequence[Any], standing: Sequence[Any] = ()) -> bool:
    """Whether fresh marks lie on each other or on those that stand there: many thin lines wipe out what one does not.

    Links with a border are compared with each other, as marks are: words of a link may well be marked. True as well where
    there is too much to compare.
    """
    for boxes_of, collide in ((_mark, _overlap), (_frame, _crowd)):
        come = [box for item in fresh for box in boxes_of(view, item)]
        if len(come) > _MAX_BANDS:
            return True
        there = [box for item in standing for box in boxes_of(view, item)] if come else []
        if come and _any_collide(view, come, there, collide):
            return True
    return False


def _any_collide(view: View, come: Sequence[_Box], standing: Sequence[_Box], collide: Callable[[_Box, _Box], bool]) -> bool:
    """Whether one that came collides with any other; they are gone through from the bottom of the page to its top."""
    rising = sorted([(each[1], True, each) for each in come] + [(each[1], False, each) for each in standing])
    spent: list[int] = view.pdf.at(0).kept.setdefault("marks compared", [0])  # of the whole file
    for index, (_, is_come, box) in enumerate(rising):
        for place in range(index + 1, len(rising)):
            low, is_other_come, other = rising[place]
            spent[0] += 1
            if low >= box[3] or spent[0] > _MAX_COMPARED:
                break
            if (is_come or is_other_come) and collide(box, other):
                return True
        if spent[0] > _MAX_COMPARED:
            return True
    return False


def _is_heavy(view: View, item: Any, subtype: Any) -> bool:
    if border_width(view, item) > WIDE_BORDER:
        return True
    if is_name(subtype, *_MARKUP):
        return _is_heavy_mark(view, item, subtype) or lies_on_another(view, [item])
    if subtype == "/Popup":
        return view.get(item, "/Open") is True and _side(view, item) > _LARGE_POPUP
    if subtype == "/Caret":
        return _side(view, item) > _LARGE_CARET or _lightness(view, item) > _PALE
    return subtype == "/Link" and _is_heavy_frame(view, item)


def _is_heavy_frame(view: View, item: Any) -> bool:
    """Whether the border of a link is a bar: so pale that it wipes words away, or with no room for words in it."""
    width, box = border_width(view, item), box_of(view, view.get(item, "/Rect"))
    if not width or (box is not None and box[0] == box[2] and box[1] == box[3]):
        return False
    return box is None or _lightness(view, item) > _PALE or min(box[2] - box[0], box[3] - box[1]) < _ROOM * width


def _is_heavy_mark(view: View, item: Any, subtype: Any) -> bool:
    """Whether a mark on words is so dark, so pale or so tall that they cannot be read through it."""
    light = _lightness(view, item)
    blends = view.get(item, "/BM") in (None, "/Multiply")
    unreadable = light < _LIGHT or not blends if subtype == "/Highlight" else light > _PALE
    bands = _bands(view, item)
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


def _bands(view: View, item: Any) -> list[_Box]:
    """The lines that a mark marks, each as a box."""
    points = [view.resolve(each) for each in view.items(view.get(item, "/QuadPoints"))[: 8 * (_MAX_BANDS + 1)]]
    numbers = [float(each) if isinstance(each, int | float) else 0.0 for each in points]
    found: list[_Box] = []
    for index in range(0, len(numbers) - 7, 8):
        across, up = numbers[index : index + 8 : 2], numbers[index + 1 : index + 8 : 2]
        found.append((min(across), min(up), max(across), max(up)))
    return found


def _mark(view: View, item: Any) -> list[_Box]:
    """Where a mark is drawn: its lines, or its rectangle where it names none."""
    if not is_name(view.get(item, "/Subtype"), *_MARKUP):
        return []
    box = box_of(view, view.get(item, "/Rect"))
    bands = _bands(view, item) or ([box] if box is not None else [])
    return [_at_least(each, 0.0, _LOWEST_BAND) for each in bands]


def _frame(view: View, item: Any) -> list[_Box]:
    """Where the border of a link is drawn, with the room that words between two of them need."""
    width = border_width(view, item) if view.get(item, "/Subtype") == "/Link" else 0.0
    box = box_of(view, view.get(item, "/Rect")) if width else None
    return [_at_least(box, 2 * _ROOM * width, 2 * _ROOM * width)] if box is not None else []


def _at_least(box: _Box, width: float, height: float) -> _Box:
    """A box made as wide and high as said, around its middle."""
    across, up = max(width - (box[2] - box[0]), 0.0) / 2, max(height - (box[3] - box[1]), 0.0) / 2
    return box[0] - across, box[1] - up, box[2] + across, box[3] + up


def _shared(one: _Box, other: _Box) -> tuple[float, float]:
    """How wide and how high what two boxes share is; less than nothing where they are apart."""
    return min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])


def _overlap(one: _Box, other: _Box) -> bool:
    """Whether two lines share more than half the height of the lower one; lines that are close touch a little."""
    across, up = _shared(one, other)
    return across > 1 and up > min(one[3] - one[1], other[3] - other[1]) / 2


def _crowd(one: _Box, other: _Box) -> bool:
    """Whether two borders share half the height and width of the smaller one; those of words beside each other touch."""
    across, up = _shared(one, other)
    return across >= min(one[2] - one[0], other[2] - other[0]) / 2 and up >= min(one[3] - one[1], other[3] - other[1]) / 2


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
