"""How much of a page the place of a form field takes: a picture in it can hide what was signed beneath."""

from typing import Any

from signing.verification.fields import Field
from signing.verification.pages import Page, box_of, given_from_above, pages_of, visible_box
from signing.verification.pdf import View
from signing.verification.syntax import Ref

LARGE_SHARE = 0.2  # of what is seen of a page; the largest place in our templates takes 0.04
LARGE_LAID = 0.5  # of a place that was laid when the rest was signed: the signer saw where it is
LARGE_TOGETHER = 0.4  # of several new places on one page
_A4 = (0.0, 0.0, 595.0, 842.0)
_HIDDEN = 0x02 | 0x20  # the flags Hidden and NoView of an annotation (table 167)


def shares(view: View, field: Field) -> tuple[tuple[int, float], ...]:
    """For each place of a field that is not empty: which page lists it, and how much of that it takes (1 where unclear)."""
    found: list[tuple[int, float]] = []
    for widget in field.widgets:
        rectangle = view.resolve(widget.entries.get("/Rect"))
        if is_nothing(rectangle):
            continue
        listing = _listing(view).get(widget.number, ()) if widget.number is not None else ()
        boxes = [(index, visible_box(view, page.entries) or _A4) for index, page in listing] or [(-1, _A4)]
        found += [(index, share(box_of(view, rectangle), box)) for index, box in boxes]
    return tuple(found)


def share(rectangle: tuple[float, ...] | None, box: tuple[float, ...]) -> float:
    """The part of a box that a rectangle of this size takes, at most 1."""
    whole = max(box[2] - box[0], 0.0) * max(box[3] - box[1], 0.0)
    if rectangle is None or not whole:
        return 1.0
    return min((rectangle[2] - rectangle[0]) * (rectangle[3] - rectangle[1]) / whole, 1.0)


def own_share(view: View, entries: dict[str, Any]) -> float:
    """The same for one widget that stands on the page that it names, without looking at all the pages."""
    page = view.entries(entries.get("/P"))
    rectangle = view.resolve(entries.get("/Rect"))
    if is_nothing(rectangle):
        return 0.0
    if not isinstance(page, dict):
        return 1.0
    names = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
    alone = Page(number=None, entries=page, hangs_right=True, inherited=())
    above = dict(zip(names, given_from_above(view, alone), strict=True))
    return share(box_of(view, rectangle), visible_box(view, {**above, **page}) or _A4)


def is_nothing(rectangle: Any) -> bool:
    """Whether a rectangle (or none at all) has no area; one that is no rectangle is not nothing."""
    if not isinstance(rectangle, list) or len(rectangle) != 4:  # noqa: PLR2004
        return rectangle is None
    numbers = [each for each in rectangle if isinstance(each, int | float)]
    return len(numbers) == 4 and (numbers[0] == numbers[2] or numbers[1] == numbers[3])  # noqa: PLR2004


def is_hidden(view: View, entries: dict[str, Any]) -> bool:
    """Whether the flags of a widget keep it off the screen."""
    flags = view.resolve(entries.get("/F"))
    return isinstance(flags, int) and bool(flags & _HIDDEN)


def _listing(view: View) -> dict[int, tuple[tuple[int, Page], ...]]:
    """By the number of an annotation the pages that list it."""
    if "listing" not in view.kept:
        found: dict[int, tuple[tuple[int, Page], ...]] = {}
        for index, page in enumerate(pages_of(view)):
            for item in view.items(page.entries.get("/Annots")):
                if isinstance(item, Ref):
                    found[item.number] = (*found.get(item.number, ()), (index, page))
        view.kept["listing"] = found
    known: dict[int, tuple[tuple[int, Page], ...]] = view.kept["listing"]
    return known
