"""Which places of a document still wait for a signature, and where one stands that nobody laid a place for."""

from signing.apply.fields import field_names, names_with_room
from signing.apply.geometry import Box, page_at, page_count, page_geometry
from signing.apply.guard import only_our_errors
from signing.apply.opening import opened

_WIDTH, _HEIGHT, _MARGIN = 180.0, 70.0, 36.0  # points


def waiting_fields(pdf: bytes, *, seen: bool = False) -> tuple[str, ...]:
    """The names of the signature fields that are laid and empty; `seen`: those alone that have room on a page for a picture.

    NotASignablePdf and its kind for what cannot be signed.
    """
    handler = opened(pdf)
    waiting = tuple(name for name, signed in field_names(handler).items() if not signed)
    if not seen:
        return waiting
    room = names_with_room(handler)
    return tuple(name for name in waiting if name in room)


def usual_place(pdf: bytes) -> tuple[int, Box]:
    """Where a signature with a picture stands when nobody laid a field: last page (from 0), lower right, as the page is seen.

    In points; at most a third of the page's width and a sixth of its height. NotASignablePdf and its kind.
    """
    writer = opened(pdf)
    with only_our_errors("tìm chỗ cho hình / finding room for a picture"):
        last = page_count(writer) - 1
        width, height = page_geometry(page_at(writer, last)).seen
    across, up = min(_WIDTH, width / 3), min(_HEIGHT, height / 6)
    right, bottom = width - min(_MARGIN, across / 4), min(_MARGIN, up / 2)
    return last, (right - across, bottom, right, bottom + up)
