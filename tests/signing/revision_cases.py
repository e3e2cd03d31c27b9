"""What other programs do to a signed paper, with the verdict of iText's own revision tests for the same thing and with ours.

`VALID` is a change that iText permits, `INVALID` one that it forbids, `UNCLEAR` one that it calls indeterminate. The files are
ours; the situations are those of its public tests (DocumentRevisionsValidatorTest, ...IntegrationTest).
"""

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signing.verification.syntax import Name, Ref, Stream
from tests.signing.attacks import XMP, Scene
from tests.signing.papers import (
    FREE_NOTE,
    Paper,
    annotate,
    blank,
    document,
    follow,
    named,
    new_signature_field,
    numbered,
    removed,
    store,
    tag,
)
from tests.signing.updates import Style, Update, stream

VALID, INVALID, UNCLEAR = "VALID", "INVALID", "UNCLEAR"
PERMITTED, FORBIDDEN, DOUBTED = "permitted", "forbidden", "not_understood"


@dataclass(frozen=True, slots=True)
class Case:
    """One revision or more after the first signature."""

    itext: str
    answer: str  # of `first`, or of the field in `of`
    make: Callable[[Scene], Paper]
    of: str = "first"


def signed(scene: Scene, certify: int | None = None, *, packed: bool = False, before: object = None, **style: Any) -> Paper:
    """The paper with its first signature; `before` changes it first."""
    content = blank(object_streams=packed)
    if callable(before):
        update = Update(content)
        before(update)
        content = update.bytes()
    return Paper(scene, content, Style(packed=packed, data=True)).signed(certify=certify, **style)


VISIBLE = [300, 650, 500, 750]


def second(paper: Paper, name: str = "second", *, tagged: bool = False, rect: list[int] | None = None) -> Paper:
    """One more signature in a field of its own, laid in the same revision."""
    return paper.signed(name, place=new_signature_field(name, rect or VISIBLE, tagged=tagged))


def locked(action: str, *names: str, level: int | None = None) -> Callable[[Update], None]:
    """Before signing: the first field gets a lock."""

    def step(update: Update) -> None:
        lock = {"/Type": Name("/SigFieldLock"), "/Action": Name(action), "/Fields": [each.encode() for each in names]}
        update.change(update.field("first"), Lock={**lock, **({"/P": level} if level else {})})

    return step


def filled(name: str, value: str = "9999") -> Callable[[Update], None]:
    """A text field with another value and its picture."""

    def step(update: Update) -> None:
        picture = update.stream(
            b"BT (%s) Tj ET" % value.encode(), Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 9, 9]
        )
        update.change(update.field(name), V=value.encode(), AP={"/N": Ref(picture, 0)})

    return step


def filled_by_acrobat(update: Update) -> None:
    """Acrobat's saving: fonts and an appearance for the form, metadata, extensions, choices by their index."""
    encoding = update.add({"/Type": Name("/Encoding"), "/Differences": [24, Name("/breve"), Name("/caron")]})
    font = {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/Name": Name("/Helv"), "/BaseFont": Name("/Helvetica")}
    helv = update.add({**font, "/Encoding": Ref(encoding, 0)})
    form = update.value(update.catalog)["/AcroForm"]
    assert isinstance(form, Ref)
    known = update.view.get(form, "/DR", "/Font")
    fonts = {**known, "/Helv": Ref(helv, 0)}
    update.change(form.number, DA=b"/Helv 0 Tf 0 g ", DR={"/Encoding": {"/PDFDocEncoding": Ref(encoding, 0)}, "/Font": fonts})
    metadata = update.stream(XMP, Type=Name("/Metadata"), Subtype=Name("/XML"))
    adobe = {"/ADBE": {"/BaseVersion": Name("/1.7"), "/ExtensionLevel": 5}}
    update.change(update.catalog, Metadata=Ref(metadata, 0), Extensions=adobe)
    filled("input", "Text field")(update)
    update.change(update.field("combo"), V=b"option 1", I=[0])
    update.trailer["/Info"] = Ref(update.add({"/ModDate": b"D:20260101000000Z"}), 0)


# Annotations and tags.


def without_notes_of_page_2(update: Update) -> None:
    """All annotations of the second page are removed; nothing else."""
    update.change(update.page(1), Annots=None)


def notes_come_and_go(update: Update) -> None:
    """A tagged note goes with its tag; a link, a note and a circle come with theirs."""
    note = numbered(update, "/Text", 1)
    element = parent_of(update, note)
    kids = update.view.items(update.value(element)["/K"])
    update.change(element, K=[each for each in kids if each["/Obj"] != Ref(note, 0)])
    key = update.value(note)["/StructParent"]
    assert isinstance(key, int)
    removed(update, note, 1)
    follow(update, drop=(key,))
    link = annotate(update, {"/Subtype": Name("/Link"), "/Rect": [10, 10, 20, 20]}, page=1)
    tag(update, {"/Type": Name("/OBJR"), "/Obj": Ref(link, 0), "/Pg": Ref(update.page(1), 0)}, link)
    new = update.add({"/Type": Name("/StructElem"), "/S": Name("/Annot"), "/P": Ref(document(update), 0)})
    notes = [annotate(update, dict(FREE_NOTE), page=1), annotate(update, {"/Subtype": Name("/Circle"), "/Rect": [1, 1, 9, 9]})]
    update.change(new, K=[{"/Type": Name("/OBJR"), "/Obj": Ref(each, 0)} for each in notes])
    tag(update, Ref(new, 0), *notes, element=new)


def parent_of(update: Update, annotation: int) -> int:
    """The structure element that points at an annotation."""
    tree = update.view.get(update.view.catalog, "/StructTreeRoot", "/ParentTree", "/Nums")
    key = update.view.get(Ref(annotation, 0), "/StructParent")
    reference = tree[tree.index(key) + 1]
    assert isinstance(reference, Ref)
    return reference.number


def recoloured(update: Update) -> None:
    """A note gets another colour."""
    update.change(numbered(update, "/Text"), C=[1, 0, 0])


def recoloured_with_its_tag(update: Update) -> None:
    """The reference at it as well gets an entry."""
    recoloured(update)
    note = numbered(update, "/Text")
    element = parent_of(update, note)
    kids = [dict(each) for each in update.view.items(update.value(element)["/K"])]
    kids[0]["/RandomName"] = Name("/RandomValue")
    update.change(element, K=kids)


def element_changed(**entries: object) -> Callable[[Update], None]:
    """The element of the notes says something else."""

    def step(update: Update) -> None:
        update.change(parent_of(update, numbered(update, "/Text")), **entries)

    return step


def both(*steps: Callable[[Update], object]) -> Callable[[Update], None]:
    """Several changes in one revision."""

    def step(update: Update) -> None:
        for each in steps:
            each(update)

    return step


def paragraph_removed(update: Update) -> None:
    """The first element, which holds words of the page, leaves the tree."""
    holder = document(update)
    update.change(holder, K=update.view.items(update.value(holder)["/K"])[1:])


def tag_removed(update: Update) -> None:
    """The element of notes that stay leaves the tree."""
    element = parent_of(update, numbered(update, "/Text"))
    holder = document(update)
    update.change(holder, K=[each for each in update.view.items(update.value(holder)["/K"]) if each != Ref(element, 0)])


def annotations_edited(update: Update) -> None:
    """A link goes, a square comes, a field is filled in."""
    removed(update, numbered(update, "/Stamp"))
    annotate(update, {"/Subtype": Name("/Square"), "/Rect": [100, 550, 150, 600], "/C": [0, 1, 0]})
    filled("text", "modified text value")(update)


def annotations_edited_again(update: Update) -> None:
    """Looks alone: a circle, a square, the background of a field."""
    update.change(numbered(update, "/Circle", 1), C=[0, 1, 0], Contents=b"modified")
    update.change(numbered(update, "/Square"), Border=[0, 1, 1])
    picture = update.stream(b"1 1 0 rg 0 0 9 9 re f", Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 9, 9])
    update.change(update.field("text"), AP={"/N": Ref(picture, 0)}, MK={"/BC": [0, 1, 1], "/BG": [1, 1, 0]})


def field_no_longer_shown(update: Update) -> None:
    """The places of a field are taken off their pages and out of the field."""
    field = named(update, "places")
    shown = update.view.items(update.value(field)["/Kids"])
    for index in (0, 1):
        page = update.page(index)
        update.change(page, Annots=[each for each in update.view.items(update.value(page)["/Annots"]) if each not in shown])
    update.change(field, Kids=None)


def unnamed(update: Update) -> None:
    """Before signing: a field without a name, with a child that is a field without a name."""
    update.change(named(update, "places"), T=None)
    kids = update.view.items(update.value(named(update, "places"))["/Kids"])
    update.change(kids[1].number, FT=Name("/Tx"), V=b"text form field 2")


def unnamed_removed(update: Update) -> None:
    """Its child is removed."""
    for number in range(1, update.size):
        value = update.pdf.load(number, update.pdf.last)
        if isinstance(value, dict) and value.get("/V") == b"twice shown":
            gone = update.view.items(value["/Kids"])[1]
            update.change(number, Kids=update.view.items(value["/Kids"])[:1])
            removed(update, gone.number, 1)
            update.freed.clear()


# Form, catalog, page.


def form(update: Update) -> int:
    """The form's object number."""
    reference = update.value(update.catalog)["/AcroForm"]
    assert isinstance(reference, Ref)
    return reference.number


def listed_without(name: str) -> Callable[[Update], None]:
    """A field is taken out of the form and off its page."""

    def step(update: Update) -> None:
        number = update.field(name)
        update.change(
            form(update),
            Fields=[each for each in update.view.items(update.value(form(update))["/Fields"]) if each.number != number],
        )
        removed(update, number)
        update.freed.clear()

    return step


def kids_exchanged(update: Update) -> None:
    """A child of a field goes, another comes."""
    root = named(update, "rootField")
    kids = update.view.items(update.value(root)["/Kids"])
    new = annotate(update, {**update.value(kids[1].number), "/T": b"another"})
    update.change(root, Kids=[kids[0], Ref(new, 0)])


def own_parent(update: Update) -> None:
    """A field names itself as its parent."""
    number = update.field("rootField.childTextField")
    update.change(number, Parent=Ref(number, 0))


def own_page(update: Update) -> None:
    """A field says that its page is the field above it."""
    update.change(update.field("rootField.childTextField2"), P=Ref(named(update, "rootField"), 0))


def empty_field(name: str, rect: list[int]) -> Callable[[Update], None]:
    """A signature field without a signature."""

    def step(update: Update) -> None:
        place = new_signature_field(name, rect)
        place(update)

    return step


def text_field_added(update: Update) -> None:
    """A form field more."""
    number = annotate(update, {"/FT": Name("/Tx"), "/Subtype": Name("/Widget"), "/T": b"more", "/Rect": [1, 1, 99, 20]})
    update.change(form(update), Fields=[*update.view.items(update.value(form(update))["/Fields"]), Ref(number, 0)])


def outlines(update: Update) -> None:
    """Before signing: an outline with one entry."""
    root = update.add({})
    item = update.add({"/Title": b"Page 1", "/Parent": Ref(root, 0), "/Dest": [Ref(update.page(), 0), Name("/Fit")]})
    update.put(root, {"/Type": Name("/Outlines"), "/Count": 1, "/First": Ref(item, 0), "/Last": Ref(item, 0)})
    update.change(update.catalog, Outlines=Ref(root, 0))


def outlines_again(title: bytes) -> Callable[[Update], None]:
    """The same outline under other numbers."""

    def step(update: Update) -> None:
        root, item = update.size, update.size + 1
        entry = {"/Title": title, "/Parent": Ref(root, 0), "/Dest": [Ref(update.page(), 0), Name("/Fit")]}
        update.put(root, {"/Type": Name("/Outlines"), "/Count": 1, "/First": Ref(item, 0), "/Last": Ref(item, 0)})
        update.put(item, entry)
        update.change(update.catalog, Outlines=Ref(root, 0))

    return step


def extensions(level: int, base: str = "/1.7", **more: object) -> Callable[[Update], None]:
    """What the catalog declares."""

    def step(update: Update) -> None:
        told = {"/ESIC": {"/BaseVersion": Name(base), "/ExtensionLevel": level}}
        update.change(update.catalog, Extensions={**told, **{"/" + key: value for key, value in more.items()}})

    return step


def goes_to_tag(update: Update) -> None:
    """Before signing: a link leads to a structure element."""
    element = parent_of(update, numbered(update, "/Text"))
    update.change(numbered(update, "/Link"), A={"/S": Name("/GoTo"), "/SD": [Ref(element, 0), Name("/Fit")]})


def note_removed_with_tag(update: Update) -> None:
    """A note goes with the reference at it; the element stays for the other."""
    note = numbered(update, "/Text", 1)
    element = parent_of(update, note)
    kids = update.view.items(update.value(element)["/K"])
    update.change(element, K=[each for each in kids if each["/Obj"] != Ref(note, 0)])
    key = update.value(note)["/StructParent"]
    assert isinstance(key, int)
    removed(update, note, 1)
    follow(update, drop=(key,))


def names_catalog(update: Update) -> None:
    """Before signing: an entry in an unusual place names the catalog."""
    update.change(update.page(), Extra=Ref(update.catalog, 0))


def font_of(update: Update) -> int:
    """The object of the page's font."""
    fonts = update.view.get(Ref(update.page(), 0), "/Resources", "/Font")
    reference = fonts["/F1"]
    assert isinstance(reference, Ref)
    return reference.number


def font_direct(update: Update) -> None:
    """The font of a field's picture becomes part of the picture's object."""
    picture = update.view.resolve(update.value(update.field("text"))["/AP"])["/N"]
    font = {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")}
    update.change(picture.number, Resources={"/Font": {"/F1": font}})


def font_indirect(update: Update) -> None:
    """And before signing it is an object of its own."""
    picture = update.view.resolve(update.value(update.field("text"))["/AP"])["/N"]
    font = update.add({"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")})
    update.change(picture.number, Resources={"/Font": {"/F1": Ref(font, 0)}})


def pages_direct(update: Update) -> None:
    """The page tree's root becomes part of the catalog."""
    node = update.value(update.catalog)["/Pages"]
    assert isinstance(node, Ref)
    update.change(update.catalog, Pages=update.value(node.number))


def proof(paper: Paper, name: str = "stamp") -> Paper:
    """A security store and a document timestamp."""
    return paper.then(lambda update: store(update, paper.scene, entry="AB" * 20)).stamped(name)


def laid(update: Update) -> None:
    """Before signing: one more empty signature field, which is seen."""
    empty_field("laid", VISIBLE)(update)


def without_a_place(update: Update) -> int:
    """PDFBox takes the place away from a field that it signs without a picture."""
    number = update.field("laid")
    update.change(number, Rect=[0, 0, 0, 0], AP=None)
    return number


def declaring(level: int) -> Callable[[Update], int]:
    """A new field, and the declaration that the signing program knows."""

    def place(update: Update) -> int:
        extensions(level)(update)
        return _PLACE(update)

    return place


def stamp_in_entry(update: Update) -> None:
    """EU DSS adds a timestamp to an entry of the store."""
    entries = update.view.get(update.view.catalog, "/DSS", "/VRI")
    reference = next(iter(entries.values()))
    assert isinstance(reference, Ref)
    update.change(reference.number, TS=Ref(update.stream(b"a timestamp"), 0))


def richly_filled(update: Update) -> None:
    """Acrobat keeps beside a value what is chosen, where the list stands, and the value as rich text."""
    update.change(update.field("combo"), V=b"option 2", I=[1], TI=1, RV=b"<p>option 2</p>")


def all_again(update: Update) -> None:
    """Every dictionary is written once more."""
    for number in range(1, update.size):
        value = update.pdf.load(number, update.pdf.last)
        if isinstance(value, dict) and "/ByteRange" not in value:
            update.put(number, value)


def packed_again(update: Update, behind: bytes = b"") -> None:
    """Every stream that is not packed is written again, packed."""
    for number in range(1, update.size):
        value = update.pdf.load(number, update.pdf.last)
        if isinstance(value, Stream) and "/Filter" not in value.entries:
            told = {key.removeprefix("/"): each for key, each in value.entries.items() if key != "/Length"}
            update.put(number, stream(zlib.compress(value.raw) + behind, Filter=Name("/FlateDecode"), **told))


def first_again(update: Update) -> None:
    """The signature's value is replaced by a text."""
    update.change(update.field("first"), V=b"signed")


def removed_all(update: Update) -> None:
    """All annotations that are no widgets leave the second page."""
    page = update.page(1)
    listed = update.view.items(update.value(page)["/Annots"])
    update.change(page, Annots=[each for each in listed if update.view.get(each, "/Subtype") == "/Widget"])


_ADOBE = {"/BaseVersion": Name("/1.7"), "/ExtensionLevel": 5}
_PLACE = new_signature_field("second", [0, 0, 0, 0])

CASES: Mapping[str, Case] = {
    # Permitted by iText.
    "three signatures without permissions": Case(
        VALID, PERMITTED, lambda s: second(second(signed(s)), "third", rect=[50, 550, 250, 640])
    ),
    "three signatures after P=2": Case(
        VALID, PERMITTED, lambda s: second(second(signed(s, 2)), "third", rect=[50, 550, 250, 640])
    ),
    "line end not in the byte range": Case(VALID, PERMITTED, lambda s: second(signed(s, ending=b"\n", uncovered=b"\n"))),
    "two line ends not in the byte range": Case(
        VALID, PERMITTED, lambda s: second(signed(s, ending=b"\r\n", uncovered=b"\r\n"))
    ),
    "lock of another field, child filled": Case(
        VALID,
        PERMITTED,
        lambda s: signed(s, before=locked("/Include", "childTextField")).then(filled("rootField.childTextField")),
    ),
    "lock of a child, another field filled": Case(
        VALID,
        PERMITTED,
        lambda s: signed(s, before=locked("/Include", "rootField.childTextField")).then(filled("childTextField")),
    ),
    "all annotations of a page removed": Case(VALID, PERMITTED, lambda s: signed(s).then(removed_all)),
    "field no longer shown after P=3": Case(VALID, PERMITTED, lambda s: signed(s, 3).then(field_no_longer_shown)),
    "tagged signature": Case(VALID, PERMITTED, lambda s: second(signed(s, 3), tagged=True)),
    "tagged annotations come and go": Case(
        VALID, PERMITTED, lambda s: second(signed(s, 3), tagged=True).then(notes_come_and_go)
    ),
    "tagged annotation recoloured": Case(VALID, PERMITTED, lambda s: second(signed(s, 3), tagged=True).then(recoloured)),
    "tagged annotation recoloured with its tag": Case(
        VALID, PERMITTED, lambda s: second(signed(s, 3), tagged=True).then(recoloured_with_its_tag)
    ),
    "full compression, proof after P=1": Case(VALID, PERMITTED, lambda s: proof(signed(s, 1, packed=True))),
    "full compression, filled and signed after P=2": Case(
        VALID, PERMITTED, lambda s: second(signed(s, 2, packed=True).then(filled("text")), rect=[0, 0, 0, 0])
    ),
    "full compression, annotations after P=3": Case(
        VALID, PERMITTED, lambda s: signed(s, 3, packed=True).then(annotations_edited).then(annotations_edited_again)
    ),
    "proof after P=1, renewed": Case(
        VALID, PERMITTED, lambda s: proof(signed(s, 1)).then(lambda update: store(update, s, entry="CD" * 20))
    ),
    "filled by Acrobat, then two signatures, after P=2": Case(
        VALID,
        PERMITTED,
        lambda s: second(second(signed(s, 2).then(filled_by_acrobat)), "third", rect=[0, 0, 0, 0]),
    ),
    "annotations edited twice after P=3": Case(
        VALID, PERMITTED, lambda s: signed(s, 3).then(annotations_edited).then(annotations_edited_again)
    ),
    "extension added": Case(VALID, PERMITTED, lambda s: signed(s, 1).then(extensions(2)).then(extensions(5, ADBE=_ADOBE))),
    "outlines written again": Case(
        VALID, PERMITTED, lambda s: second(signed(s, before=outlines).then(outlines_again(b"Page 1")))
    ),
    "version added": Case(VALID, PERMITTED, lambda s: signed(s, 2).changed(lambda u: u.catalog, Version=Name("/1.7"))),
    "tab order changed after P=3": Case(VALID, PERMITTED, lambda s: signed(s, 3).changed(lambda u: u.page(), Tabs=Name("/R"))),
    "tab order follows the tags": Case(
        VALID,
        PERMITTED,
        lambda s: signed(s, 2, before=lambda u: u.change(u.page(), Tabs=None)).changed(lambda u: u.page(), Tabs=Name("/S")),
    ),
    "catalog named in an unusual place": Case(VALID, PERMITTED, lambda s: proof(signed(s, 1, before=names_catalog))),
    "link to an element that lost a note": Case(
        VALID, PERMITTED, lambda s: signed(s, 3, before=goes_to_tag).then(note_removed_with_tag)
    ),
    # What other programs write that iText's tests do not have.
    "place taken away with the signature (PDFBox)": Case(
        VALID, PERMITTED, lambda s: signed(s, before=laid).signed("laid", place=without_a_place)
    ),
    "extension's level lowered by a signature (iText 5)": Case(
        VALID,
        PERMITTED,
        lambda s: signed(s, before=extensions(5)).signed("second", place=declaring(2)),
    ),
    "locked fields made read-only (Acrobat)": Case(
        VALID, PERMITTED, lambda s: signed(s, 2).then(lambda u: u.change(u.field("text"), Ff=1))
    ),
    "certification kept, store with timestamps per signature (EU DSS)": Case(
        VALID, PERMITTED, lambda s: signed(s, 1).then(lambda u: store(u, s, entry="AB" * 20)).then(stamp_in_entry)
    ),
    "rich text and scroll position of a value (Acrobat)": Case(
        VALID,
        PERMITTED,
        lambda s: signed(s, 2).then(richly_filled),
    ),
    "everything written again as it was (PDFBox)": Case(VALID, PERMITTED, lambda s: signed(s, 1).then(all_again)),
    "streams packed again (pdfium)": Case(VALID, PERMITTED, lambda s: signed(s, 2).then(packed_again)),
    "streams packed again, one with something behind it": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, 2).then(lambda u: packed_again(u, b"BT (10) Tj ET"))
    ),
    # Forbidden by iText, or called indeterminate.
    "two certifications": Case(INVALID, DOUBTED, lambda s: signed(s, 2).signed("second", certify=2, place=_PLACE)),
    "certification after an approval": Case(UNCLEAR, DOUBTED, lambda s: signed(s).signed("second", certify=2, place=_PLACE)),
    "field added after a lock with P=1": Case(
        INVALID, FORBIDDEN, lambda s: second(signed(s, before=locked("/All", level=1)), rect=[0, 0, 0, 0])
    ),
    "lock that allows more than before": Case(
        UNCLEAR,
        DOUBTED,
        lambda s: signed(s, 2).signed(
            "second",
            place=new_signature_field("second", [0] * 4, lock={"/Action": Name("/Include"), "/Fields": [b"x"], "/P": 3}),
        ),
    ),
    "locked child filled": Case(
        INVALID,
        FORBIDDEN,
        lambda s: signed(s, before=locked("/Include", "rootField.childTextField")).then(filled("rootField.childTextField")),
    ),
    "locked field filled": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, before=locked("/Include", "childTextField")).then(filled("childTextField"))
    ),
    "field filled that is not excluded": Case(
        INVALID,
        FORBIDDEN,
        lambda s: signed(s, before=locked("/Exclude", "childTextField")).then(filled("rootField.childTextField")),
    ),
    "locked field's children exchanged": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, before=locked("/Include", "rootField")).then(kids_exchanged)
    ),
    "field is its own parent": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, before=locked("/Include", "rootField.childTextField")).then(own_parent)
    ),
    "field's page is a field": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, before=locked("/Include", "rootField.childTextField2")).then(own_page)
    ),
    "locked signature field redrawn": Case(
        INVALID,
        FORBIDDEN,
        lambda s: second(signed(s, before=locked("/All"))).changed(lambda u: u.field("second"), MK={"/BC": [1, 0, 0]}),
    ),
    "locked field removed": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, before=locked("/Include", "text")).then(listed_without("text"))
    ),
    "widget without a field": Case(
        INVALID,
        FORBIDDEN,
        lambda s: signed(s, 2).then(lambda u: annotate(u, {"/Subtype": Name("/Widget"), "/Rect": [1, 1, 9, 9]})),
    ),
    "paragraph taken out of the tree": Case(INVALID, DOUBTED, lambda s: signed(s, 3).then(paragraph_removed)),
    "tag of a note that stays removed": Case(INVALID, DOUBTED, lambda s: signed(s, 3).then(tag_removed)),
    "note recoloured, its element another one": Case(
        INVALID, DOUBTED, lambda s: signed(s, 3).then(both(recoloured, element_changed(S=Name("/Note"))))
    ),
    "element is another one": Case(INVALID, DOUBTED, lambda s: signed(s, 3).then(element_changed(S=Name("/Note")))),
    "element speaks": Case(INVALID, FORBIDDEN, lambda s: signed(s, 3).then(element_changed(ActualText=b"ten points"))),
    "unnamed field removed": Case(INVALID, FORBIDDEN, lambda s: signed(s, 3, before=unnamed).then(unnamed_removed)),
    "empty signature field after P=2": Case(INVALID, DOUBTED, lambda s: signed(s, 2).then(empty_field("more", [0, 0, 0, 0]))),
    "tab order changed after P=2": Case(
        INVALID, FORBIDDEN, lambda s: signed(s, 2).changed(lambda u: u.page(), Tabs=Name("/R"))
    ),
    "outlines changed": Case(UNCLEAR, DOUBTED, lambda s: signed(s, before=outlines).then(outlines_again(b"Page 2"))),
    "extension's base version lowered": Case(
        INVALID, DOUBTED, lambda s: signed(s, before=extensions(2)).then(extensions(2, "/1.6"))
    ),
    "extension's level lowered": Case(INVALID, DOUBTED, lambda s: signed(s, before=extensions(5)).then(extensions(2))),
    "extension removed": Case(
        INVALID, DOUBTED, lambda s: signed(s, before=extensions(5)).changed(lambda u: u.catalog, Extensions={"/ADBE": _ADOBE})
    ),
    "extensions removed": Case(
        INVALID, DOUBTED, lambda s: signed(s, before=extensions(5)).changed(lambda u: u.catalog, Extensions=None)
    ),
    "security store removed": Case(INVALID, DOUBTED, lambda s: proof(signed(s)).changed(lambda u: u.catalog, DSS=None)),
    "permissions removed": Case(INVALID, DOUBTED, lambda s: signed(s, 2).changed(lambda u: u.catalog, Perms=None)),
    "field removed": Case(INVALID, FORBIDDEN, lambda s: signed(s, 2).then(listed_without("text"))),
    "field renamed": Case(INVALID, FORBIDDEN, lambda s: signed(s, 2).changed(lambda u: u.field("input"), T=b"renamed")),
    "text field added": Case(INVALID, FORBIDDEN, lambda s: signed(s, 2).then(text_field_added)),
    "circle after P=2": Case(
        INVALID,
        FORBIDDEN,
        lambda s: signed(s, 2).then(lambda u: annotate(u, {"/Subtype": Name("/Circle"), "/Rect": [1, 1, 9, 9]})),
    ),
    "filled in after P=1": Case(INVALID, FORBIDDEN, lambda s: signed(s, 1).then(filled("input"))),
    "unknown entry in the catalog": Case(INVALID, DOUBTED, lambda s: signed(s, 1).changed(lambda u: u.catalog, Random=b"x")),
    "page's font replaced": Case(INVALID, FORBIDDEN, lambda s: signed(s, 1).changed(font_of, BaseFont=Name("/Symbol"))),
    "page's font replaced and put into the store": Case(
        INVALID,
        FORBIDDEN,
        lambda s: (
            signed(s, 1)
            .changed(font_of, BaseFont=Name("/Symbol"))
            .then(lambda u: u.change(u.catalog, DSS={"/Certs": [Ref(font_of(u), 0)]}))
        ),
    ),
    "font of a picture made direct": Case(INVALID, DOUBTED, lambda s: signed(s, 1, before=font_indirect).then(font_direct)),
    "page tree made direct": Case(INVALID, DOUBTED, lambda s: signed(s, 1).then(pages_direct)),
}
