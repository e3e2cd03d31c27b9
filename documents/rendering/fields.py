"""Lay every signature field, tagged and empty, before the first signature; afterwards a field is only ever filled.

A field that appears later would break the certification, and a widget outside the structure tree breaks PDF/UA-1
(ISO 14289-1, 7.18.1 and 7.18.4). Filling one that was laid here changes neither page nor form.
"""

import re
from collections.abc import Callable, Sequence

from documents.rendering.errors import BadTemplate
from documents.rendering.objects import Objects, points, text
from documents.rendering.typesetting import DeclaredField

PRINT_AND_LOCKED = 4 | 128  # annotation flags (ISO 32000-1, table 165); PDF/A demands Print
SIGNATURES_EXIST, APPEND_ONLY = 1, 2  # /SigFlags (table 219)
NO_CHANGES = 1  # /P of a lock: nothing may change after this signature but what the lock leaves out

Box = tuple[float, float, float, float]  # left, bottom, right, top


def lay(book: Objects, fields: Sequence[DeclaredField], template: str) -> None:
    """Put the fields on their pages, into the form and into the structure tree, in the order of drawing."""
    pages = _pages(book, template)
    boxes = [_media_box(book, page, template) for page in pages]
    _check(fields, boxes, template)
    if not fields:
        return
    structure = book.number(book.root, b"StructTreeRoot")
    document = book.number(structure, b"K")
    key = _next_key(book, structure, len(fields))
    widgets: list[int] = []
    by_page: dict[int, list[int]] = {}
    for place, field in enumerate(fields):
        page = pages[field.page - 1]
        widget = book.add(_widget(book, field, page, boxes[field.page - 1], key + place))
        element = book.add(_element(field, widget, page, document))
        book.edit(structure, rb"(/ParentTree<</Nums\[[^]]*)\]", _appended(b"%d %d 0 R" % (key + place, element)))
        book.edit(document, rb"(/S/Document/P \d+ 0 R/K\[[^][]*)\]", _appended(b"%d 0 R" % element))
        by_page.setdefault(page, []).append(widget)
        widgets.append(widget)
    for page, its in by_page.items():
        book.extend(page, b"/Annots[%s]" % _references(its))
    form = b"<</Fields[%s]/SigFlags %d>>" % (_references(widgets), SIGNATURES_EXIST | APPEND_ONLY)
    book.extend(book.root, b"/AcroForm %d 0 R" % book.add(form))


def _widget(book: Objects, field: DeclaredField, page: int, box: Box, key: int) -> bytes:
    """Field and widget in one dictionary: one object less for a signer to change, and the plainest form there is."""
    said = text(field.alt)
    entries = b"/Type/Annot/Subtype/Widget/FT/Sig/T%s/TU%s/Contents%s/F %d/P %d 0 R/Rect[%s]/StructParent %d" % (
        text(field.name),
        said,
        said,
        PRINT_AND_LOCKED,
        page,
        b" ".join(map(points, _rectangle(field, box))),
        key,
    )
    if field.width:
        entries += b"/AP<</N %d 0 R>>" % _nothing_yet(book, field)
    if field.lock:
        lock = b"<</Type/SigFieldLock/Action/Exclude/Fields[%s]/P %d>>" % (text(field.lock), NO_CHANGES)
        entries += b"/Lock %d 0 R" % book.add(lock)
    return b"<<%s>>" % entries


def _rectangle(field: DeclaredField, box: Box) -> Box:
    """Typst counts down from the top, PDF up from the bottom. The height must be the MediaBox's: on a flipped page,
    Typst's own is another one.
    """
    if not field.width:
        return 0, 0, 0, 0
    # Rounded before they are added, so that the rectangle has exactly the size of the appearance.
    left = round(box[0] + field.x, 3)
    bottom = round(box[3] - field.y - field.height, 3)
    return left, bottom, left + round(field.width, 3), bottom + round(field.height, 3)


def _nothing_yet(book: Objects, field: DeclaredField) -> int:
    """The empty appearance that PDF/A demands of every visible widget."""
    size = b" ".join(map(points, (0, 0, field.width, field.height)))
    return book.add_stream(b"/Type/XObject/Subtype/Form/BBox[%s]/Resources<<>>" % size, b"", pack=False)


def _element(field: DeclaredField, widget: int, page: int, document: int) -> bytes:
    # No array around the reference: pyHanko's policy explains a filled field only where the path ends in K.Obj.
    reference = b"<</Type/OBJR/Obj %d 0 R/Pg %d 0 R>>" % (widget, page)
    return b"<</Type/StructElem/S/Form/P %d 0 R/Pg %d 0 R/Alt%s/K%s>>" % (document, page, text(field.alt), reference)


def _next_key(book: Objects, structure: int, count: int) -> int:
    """The first free number of the parent tree; the next free one moves on by as many as there are fields."""
    keys: list[int] = []

    def moved(found: re.Match[bytes]) -> bytes:
        keys.append(int(found[1]))
        return b"/ParentTreeNextKey %d" % (keys[0] + count)

    book.edit(structure, rb"/ParentTreeNextKey (\d+)", moved)
    return keys[0]


def _pages(book: Objects, template: str) -> list[int]:
    """The numbers of the page objects. Typst writes one flat list."""
    tree = book.bodies[book.number(book.root, b"Pages")]
    kids = re.findall(rb"/Kids\[([\d R]*)\]", tree)
    pages = [int(number) for number in re.findall(rb"(\d+) 0 R", kids[0])] if len(kids) == 1 else []
    wrong = [page for page in pages if not book.bodies.get(page, b"").startswith(b"<</Type/Page/")]
    # A page that has annotations already, or another order for the keyboard, would need another way of laying.
    wrong += [page for page in pages if b"/Annots" in book.bodies[page] or b"/Tabs/S" not in book.bodies[page]]
    if not pages or wrong:
        raise BadTemplate(template, f"the pages are not built as expected: {wrong or 'none'}")
    return pages


def _media_box(book: Objects, page: int, template: str) -> Box:
    found = re.findall(rb"/MediaBox\[([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+)\]", book.bodies[page])
    if len(found) != 1:
        raise BadTemplate(template, f"the page {page} has {len(found)} sizes")
    left, bottom, right, top = map(float, found[0])
    return left, bottom, right, top


def _check(fields: Sequence[DeclaredField], boxes: Sequence[Box], template: str) -> None:
    names = [field.name for field in fields]
    for field in fields:
        if "." in field.name or names.count(field.name) > 1:
            raise BadTemplate(template, f"the field name {field.name!r} holds a dot or stands twice")
        if not 1 <= field.page <= len(boxes):
            raise BadTemplate(template, f"the field {field.name!r} is on page {field.page} of {len(boxes)}")
        if field.lock is not None and field.lock not in names:
            raise BadTemplate(template, f"the lock of {field.name!r} names the field {field.lock!r}, which is not there")
        left, bottom, right, top = boxes[field.page - 1]
        if field.x < 0 or field.y < 0 or field.x + field.width > right - left or field.y + field.height > top - bottom:
            raise BadTemplate(template, f"the field {field.name!r} does not lie on its page")


def _appended(entry: bytes) -> Callable[[re.Match[bytes]], bytes]:
    return lambda found: found[1] + b" " + entry + b"]"


def _references(numbers: Sequence[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)
