"""Lay every signature field, tagged and empty, before the first signature; afterwards a field is only ever filled.

A field that appears later would break the certification, and a widget outside the structure tree breaks PDF/UA-1
(ISO 14289-1, 7.18.1 and 7.18.4). Filling one that was laid here changes neither page nor form.
"""

from collections.abc import Sequence

import pikepdf
from pikepdf import Array, Dictionary, Name, NumberTree, Pdf, String

from documents.rendering.errors import BadTemplate
from documents.rendering.typesetting import DeclaredField

PRINT_AND_LOCKED = 4 | 128  # annotation flags (ISO 32000-1, table 165); PDF/A demands Print
SIGNATURES_EXIST, APPEND_ONLY = 1, 2  # /SigFlags (table 219)
NO_CHANGES = 1  # /P of a lock: nothing may change after this signature but what the lock leaves out


def lay(book: Pdf, fields: Sequence[DeclaredField], template: str) -> None:
    """Put the fields on their pages, into the form and into the structure tree, in the order of drawing."""
    _check(book, fields, template)
    if not fields:
        return
    structure = book.Root.StructTreeRoot
    document = _document_element(structure, template)
    parents = NumberTree(structure.ParentTree)
    first = int(structure.ParentTreeNextKey)
    widgets = []
    for key, field in enumerate(fields, start=first):
        page = book.pages[field.page - 1]
        widget = book.make_indirect(_widget(book, field, page, key))
        element = book.make_indirect(_element(field, widget, page, document))
        document.K.append(element)
        parents[key] = element
        _annotate(page, widget)
        widgets.append(widget)
    structure.ParentTreeNextKey = first + len(fields)
    book.Root.AcroForm = book.make_indirect(Dictionary(Fields=Array(widgets), SigFlags=SIGNATURES_EXIST | APPEND_ONLY))


def _widget(book: Pdf, field: DeclaredField, page: pikepdf.Page, key: int) -> Dictionary:
    """Field and widget in one dictionary: one object less for a signer to change, and the plainest form there is."""
    widget = Dictionary(
        Type=Name.Annot,
        Subtype=Name.Widget,
        FT=Name.Sig,
        T=String(field.name),
        TU=String(field.alt),
        Contents=String(field.alt),
        F=PRINT_AND_LOCKED,
        P=page.obj,
        Rect=_rectangle(field, page),
        StructParent=key,
    )
    if field.width:
        widget.AP = Dictionary(N=_nothing_yet(book, field))
    if field.lock:
        widget.Lock = book.make_indirect(
            Dictionary(Type=Name.SigFieldLock, Action=Name.Exclude, Fields=Array([String(field.lock)]), P=NO_CHANGES)
        )
    return widget


def _rectangle(field: DeclaredField, page: pikepdf.Page) -> Array:
    """Typst counts down from the top, PDF up from the bottom. The height must be the MediaBox's: on a flipped page,
    Typst's own is another one.
    """
    if not field.width:
        return Array([0, 0, 0, 0])
    page_left, _, _, page_top = (float(edge) for edge in page.mediabox)
    # Rounded before they are added, so that the rectangle has exactly the size of the appearance.
    left = round(page_left + field.x, 3)
    bottom = round(page_top - field.y - field.height, 3)
    right, top = left + round(field.width, 3), bottom + round(field.height, 3)
    return Array([_points(edge) for edge in (left, bottom, right, top)])


def _points(length: float) -> object:
    """A thousandth of a point is a third of a micrometre; more digits only make the file depend on rounding."""
    return pikepdf.Object.parse(f"{length:.3f}".encode())


def _nothing_yet(book: Pdf, field: DeclaredField) -> pikepdf.Stream:
    """The empty appearance that PDF/A demands of every visible widget."""
    return pikepdf.Stream(
        book,
        b"",
        Type=Name.XObject,
        Subtype=Name.Form,
        BBox=Array([0, 0, _points(field.width), _points(field.height)]),
        Resources=Dictionary(),
    )


def _element(field: DeclaredField, widget: pikepdf.Object, page: pikepdf.Page, document: pikepdf.Object) -> Dictionary:
    return Dictionary(
        Type=Name.StructElem,
        S=Name.Form,
        P=document,
        Pg=page.obj,
        Alt=String(field.alt),
        # No array around it: pyHanko's own policy explains a filled field only where the path ends in K.Obj.
        K=Dictionary(Type=Name.OBJR, Obj=widget, Pg=page.obj),
    )


def _annotate(page: pikepdf.Page, widget: pikepdf.Object) -> None:
    if "/Annots" not in page:
        page.obj.Annots = Array()
    page.obj.Annots.append(widget)
    page.obj.Tabs = Name.S  # the order of the structure, for whoever moves by keyboard


def _document_element(structure: pikepdf.Object, template: str) -> pikepdf.Object:
    top = structure.K
    document = top[0] if isinstance(top, Array) and len(top) == 1 else top
    if not isinstance(document, Dictionary) or document.get("/S") != Name.Document:
        raise BadTemplate(template, "the structure tree has no document element")
    return document


def _check(book: Pdf, fields: Sequence[DeclaredField], template: str) -> None:
    names = [field.name for field in fields]
    for field in fields:
        if "." in field.name or names.count(field.name) > 1:
            raise BadTemplate(template, f"the field name {field.name!r} holds a dot or stands twice")
        if not 1 <= field.page <= len(book.pages):
            raise BadTemplate(template, f"the field {field.name!r} is on page {field.page} of {len(book.pages)}")
        if field.lock is not None and field.lock not in names:
            raise BadTemplate(template, f"the lock of {field.name!r} names the field {field.lock!r}, which is not there")
        left, bottom, right, top = (float(edge) for edge in book.pages[field.page - 1].mediabox)
        if field.x < 0 or field.y < 0 or field.x + field.width > right - left or field.y + field.height > top - bottom:
            raise BadTemplate(template, f"the field {field.name!r} does not lie on its page")
