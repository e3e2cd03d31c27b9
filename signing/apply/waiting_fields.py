"""Which places of a document still wait for a signature."""

from signing.apply.fields import field_names, names_with_room
from signing.apply.opening import opened


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
