"""Whether the picture of a filled field shows its value: what a person reads is the picture, what a program reads is the value.

Where the text can be read for certain and is the value, nothing is said. Where the font or a program of the document decides
what is seen, that is told. Where the picture shows something else, or cannot be read, it may not pass in silence.
"""

import re
import unicodedata
from collections import Counter
from enum import IntEnum
from html import unescape
from typing import Any

from signing.verification.faults import Fault
from signing.verification.fields import Field, Widget
from signing.verification.graph import Pair
from signing.verification.page_cover import is_hidden, is_nothing
from signing.verification.pages import box_of
from signing.verification.pdf import View
from signing.verification.picture_text import Picture, read_picture
from signing.verification.syntax import Stream, text_of
from signing.verification.values import COMBO, chooses_by_number, flags_of, offers_of, options_of, states_of

_MULTILINE, _PASSWORD = 1 << 12, 1 << 13  # table 231
_OFF = "/Off"
MAX_RICH = 256 * 1024  # characters of a value as rich text


class Shows(IntEnum):
    """What the picture of a filled field shows, the worse the higher."""

    VALUE = 0
    CLAIMED = 1  # the value, if the font does what it says or a program of the document formats it so
    OTHER = 2  # something else, or nobody can tell


def shown_by(pair: Pair, before: Field, after: Field) -> Shows:
    """What the places of a field show after it was filled; the worst of them."""
    if len(before.widgets) != len(after.widgets):
        return Shows.OTHER
    if _says_otherwise(pair, before, after):
        return Shows.OTHER
    look = _button if after.kind == "/Btn" else _text
    pairs = zip(before.widgets, after.widgets, strict=True)
    return max((look(pair, after, old, new) for old, new in pairs if _is_seen(pair.new, new)), default=Shows.VALUE)


def _says_otherwise(pair: Pair, before: Field, after: Field) -> bool:
    """Whether what goes with a value has readers draw another: numbers, rich text, a style in which some of it is not seen.

    Of a button: whether the value is a state that none of its signed pictures is of.
    """
    if after.kind == "/Btn":
        offered = {state for each in before.widgets for state in states_of(pair.old, each.entries.get("/AP"))}
        return bool(offered) and (pair.new.resolve(after.value) or _OFF) not in {_OFF, *offered}
    if pair.new.resolve(after.entries.get("/I")) and not pair.same(before.entries.get("/I"), after.entries.get("/I")):
        numbered = chooses_by_number(pair.new, after) or []
        if _plain("".join(sorted(numbered))) != _plain("".join(sorted(_chosen(pair.new, after)))):
            return True
    rich, style = after.entries.get("/RV"), after.entries.get("/DA")
    if pair.new.resolve(rich) is not None and not pair.same(before.entries.get("/RV"), rich):
        marked = _string(pair.new, rich)
        return len(marked) > MAX_RICH or _plain(unescape(_MARKUP.sub("", marked))) != _plain(_words(pair.new, after))
    drawn_by_readers = any(pair.new.resolve(each.entries.get("/AP")) is None for each in after.widgets)
    return drawn_by_readers and not pair.same(before.entries.get("/DA"), style)


def _is_seen(view: View, widget: Widget) -> bool:
    """Whether there is a picture to look at; where there is none readers make one from the value."""
    empty = is_nothing(view.resolve(widget.entries.get("/Rect")))
    return not empty and not is_hidden(view, widget.entries) and view.resolve(widget.entries.get("/AP")) is not None


# Text and choices.


def _text(pair: Pair, field: Field, old: Widget, new: Widget) -> Shows:
    """The normal picture, and those for the mouse where they are not as they were."""
    before, after = old.entries.get("/AP"), new.entries.get("/AP")
    stale = pair.same_at("/AP", before, after)
    found = _one(pair, field, old, new, "/N")
    for key in ("/R", "/D"):
        kept = pair.same_at("/AP", pair.old.get(before, key), pair.new.get(after, key))
        found = found if kept else max(found, _one(pair, field, old, new, key))
    remade = pair.old.get(pair.old.catalog, "/AcroForm", "/NeedAppearances") is True
    return Shows.CLAIMED if found is Shows.OTHER and stale and remade else found


def _one(pair: Pair, field: Field, old: Widget, new: Widget, key: str) -> Shows:
    stream = _stream_of(pair.new, new, key)
    if stream is None:
        return Shows.VALUE if pair.new.get(new.entries.get("/AP"), key) is None else Shows.OTHER
    fonts = [pair.new.get(pair.new.catalog, "/AcroForm", "/DR", "/Font")]
    picture = read_picture(pair.new, stream, fonts, box_of(pair.new, new.entries.get("/Rect")))
    if not picture.plain:
        return Shows.OTHER
    if picture.paints:
        signed = _stream_of(pair.old, old, key)
        if signed is None or not read_picture(pair.old, signed).paints:
            return Shows.OTHER
        picture.certain = False
    if picture.turned:
        if not pair.old.get(old.entries.get("/MK"), "/R"):
            return Shows.OTHER  # a 6 that stands on its head
        picture.certain = False
    return _compared(pair, field, picture)


def _stream_of(view: View, widget: Widget, key: str) -> Stream | None:
    pictures = view.get(widget.entries.get("/AP"), key)
    entries = view.entries(widget.entries.get("/AP"))
    if isinstance(pictures, dict) and isinstance(view.resolve(entries.get(key)), dict):
        pictures = view.resolve(pictures.get(str(view.resolve(widget.entries.get("/AS")))))
    return pictures if isinstance(pictures, Stream) else None


def _compared(pair: Pair, field: Field, picture: Picture) -> Shows:
    """The text of a picture beside what the value says (12.7.5.3, 12.7.5.4)."""
    if not picture.readable:
        return Shows.OTHER
    shown, flags = _plain("".join(picture.text)), flags_of(pair.new, field)
    agreed = Shows.VALUE if picture.certain or not shown else Shows.CLAIMED
    value = _plain(_words(pair.new, field))
    if flags & _PASSWORD and field.kind == "/Tx":
        return agreed if len(set(shown)) <= 1 and len(shown) == len(value) else Shows.OTHER
    if shown == value:
        cut = picture.cut and any(each.isdigit() for each in value)
        return Shows.OTHER if cut else max(agreed, Shows.CLAIMED) if picture.cut else agreed
    if field.kind == "/Ch" and not flags & COMBO:  # a list shows all that it offers, or as much as there is room for
        offered = _plain("".join(words for _, words in offers_of(pair.new, field)))
        return Shows.CLAIMED if shown in offered else Shows.OTHER
    if flags & _MULTILINE and value.startswith(shown) and len(shown) >= len(value) / 2:
        return Shows.CLAIMED  # as many lines as there is room for
    formatted = pair.old.get(field.entries.get("/AA"), "/F") is not None and _holds_digits(shown, value)
    return Shows.CLAIMED if formatted else Shows.OTHER


def _words(view: View, field: Field) -> str:
    """The value as it is to be read: of choices the words that are shown."""
    value = view.resolve(field.value)
    if isinstance(value, Stream):
        return _string(view, value)
    return "".join(_chosen(view, field))


def _chosen(view: View, field: Field) -> list[str]:
    """The words of what is chosen, or the one text of a field."""
    value = view.resolve(field.value)
    chosen = [view.resolve(each) for each in value] if isinstance(value, list) else [value]
    offered = options_of(view, field) if field.kind == "/Ch" else {}
    return [offered.get(text_of(each), text_of(each)) for each in chosen]


def _string(view: View, value: Any) -> str:
    """A text, also one that stands in a stream; nothing where that cannot be read."""
    value = view.resolve(value)
    try:
        return text_of((view.unpacked(value) or b"") if isinstance(value, Stream) else value)
    except Fault:
        return ""


_MARKUP = re.compile(r"<[^<>]*>")
_ALIKE = str.maketrans({"\u2212": "-", "\u00ad": "-", "\u2019": "'", "\u2018": "'"})  # one sign under several names


def _plain(text: str) -> str:
    """Text without white space and signs that are not seen, letters and marks put together."""
    return "".join(
        each for each in unicodedata.normalize("NFC", text.translate(_ALIKE)) if unicodedata.category(each)[0] not in "ZC"
    )


def _holds_digits(shown: str, value: str) -> bool:
    """Whether all digits of a value are in what a program of the document made of it: 1234 as 1,234.00."""
    return bool(shown) and Counter(filter(str.isdigit, value)) <= Counter(filter(str.isdigit, shown))


# Buttons.


def _button(pair: Pair, field: Field, old: Widget, new: Widget) -> Shows:
    """A box shows the state that the value names, by the pictures that were signed, or by new ones of which one is marked."""
    states = states_of(pair.new, new.entries.get("/AP"))
    value = str(pair.new.resolve(field.value) or _OFF)
    if not states:
        return _one_picture(pair, value, old, new)
    state = str(pair.new.resolve(new.entries.get("/AS")) or _OFF)
    if state != (value if value in states else _OFF):
        return Shows.OTHER
    if pair.same_at("/AP", old.entries.get("/AP"), new.entries.get("/AP")):
        return Shows.VALUE
    marked = {name: _is_marked(pair.new, picture) for name, picture in states.items()}
    off = marked.pop(_OFF, False)
    return Shows.CLAIMED if marked and all(marked.values()) and not off else Shows.OTHER


def _one_picture(pair: Pair, value: str, old: Widget, new: Widget) -> Shows:
    """A box with one picture for all states, or none: nothing in the place of those that were signed."""
    if states_of(pair.old, old.entries.get("/AP")):
        return Shows.OTHER
    if pair.same_at("/AP", old.entries.get("/AP"), new.entries.get("/AP")):
        return Shows.VALUE
    marked = _is_marked(pair.new, pair.new.get(new.entries.get("/AP"), "/N"))
    return Shows.CLAIMED if marked is (value != _OFF) else Shows.OTHER


def _is_marked(view: View, picture: Any) -> bool:
    """Whether a button's picture shows more than its frame; one that cannot be read does."""
    stream = view.resolve(picture)
    if stream is None:
        return False
    if not isinstance(stream, Stream):
        return True
    found = read_picture(view, stream)
    return found.paints or not found.readable or bool("".join(found.text).strip())
