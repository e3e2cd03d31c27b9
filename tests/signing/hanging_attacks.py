"""What one reader sees in a later revision and another does not: references, types, parents and page trees not by the book.

Each was seen in at least one of the usual readers, which showed another page, another value or no page at all. `HANGING` is
read by test_attacks.py beside `STRUCTURAL` and `SHADOW`.
"""

from collections.abc import Mapping

from signing.verification.syntax import Name, Ref
from tests.signing.attacks import DOUBTED, PASSED, Row, Scene, row
from tests.signing.papers import Paper, blank, named, new_signature_field
from tests.signing.revision_cases import form, signed
from tests.signing.shadow_attacks import FORM, JS, Step, attack, catalog, marked, other, page
from tests.signing.updates import Style, Update

_TEN = b"BT /F1 40 Tf 60 600 Td (10) Tj ET"
_LARGE = 2**32  # beyond what many readers keep of an object's number


def hidden_stamp(generation: int = 0, beyond: int = 0) -> Step:
    """A stamp that the page names by a generation or a number that it does not have."""

    def step(update: Update) -> None:
        picture = update.stream(_TEN, **{**FORM, "BBox": [0, 0, 595, 842]})
        stamp = {"/Subtype": Name("/Stamp"), "/Rect": [0, 0, 595, 842], "/AP": {"/N": Ref(picture, 0)}}
        number = update.add({"/Type": Name("/Annot"), **stamp})
        listed = update.view.items(update.value(update.page())["/Annots"])
        update.change(update.page(), Annots=[*listed, Ref(number + beyond, generation)])

    return step


def hidden_page(generation: int = 0, beyond: int = 0) -> Step:
    """A first page that the page tree names so."""

    def step(update: Update) -> None:
        other_page = {**update.value(update.page()), "/Annots": [], "/Contents": Ref(update.stream(_TEN), 0)}
        number = update.add(other_page)
        node = update.value(update.catalog)["/Pages"]
        assert isinstance(node, Ref)
        kids = update.view.items(update.value(node.number)["/Kids"])
        update.change(node.number, Kids=[Ref(number + beyond, generation), *kids])

    return step


def prepared_kid(update: Update) -> None:
    """Before signing: the page tree names a page that is not there, by a generation of its own."""
    node = update.value(update.catalog)["/Pages"]
    assert isinstance(node, Ref)
    update.change(node.number, Kids=[Ref(9000, 7), *update.view.items(update.value(node.number)["/Kids"])])


def prepared_page(update: Update) -> None:
    """It comes, under the generation that all objects have."""
    update.put(9000, {**update.value(update.page()), "/Annots": [], "/Contents": Ref(update.stream(_TEN), 0)})


def hung_below_another(update: Update) -> None:
    """Before signing: a field of the form names a node outside of it as its parent, and inherits its value there."""
    above = update.add({"/Mark": Name("/above"), "/FT": Name("/Tx"), "/T": b"x", "/V": b"100", "/DA": b"/F1 12 Tf"})
    update.change(named(update, "text"), Parent=Ref(above, 0), V=None, AP=None)


def widget_below_another(update: Update) -> None:
    """Before signing: a widget of a field does."""
    above = update.add({"/Mark": Name("/above"), "/FT": Name("/Tx"), "/T": b"x", "/V": b"100", "/DA": b"/F1 12 Tf"})
    update.change(update.view.items(update.value(named(update, "places"))["/Kids"])[0].number, Parent=Ref(above, 0))


def two_levels(update: Update) -> None:
    """Before signing: three pages below two nodes."""
    node = update.value(update.catalog)["/Pages"]
    assert isinstance(node, Ref)
    first, second = update.size, update.size + 1
    pages = [Ref(update.page(index), 0) for index in (0, 1)]
    update.put(first, {"/Type": Name("/Pages"), "/Mark": Name("/first"), "/Parent": node, "/Kids": pages, "/Count": 2})
    update.put(second, {"/Type": Name("/Pages"), "/Mark": Name("/second"), "/Parent": node, "/Kids": [], "/Count": 1})
    third = update.add({**update.value(update.page()), "/Annots": [], "/Parent": Ref(second, 0)})
    update.change(second, Kids=[Ref(third, 0)])
    for each in pages:
        update.change(each.number, Parent=Ref(first, 0))
    update.change(node.number, Kids=[Ref(first, 0), Ref(second, 0)], Count=3)


def moved_below_the_other(update: Update) -> None:
    """The second page goes to the second node; the nodes still count two and one."""
    first, second = marked(update, "first"), marked(update, "second")
    kids = [update.view.items(update.value(each)["/Kids"]) for each in (first, second)]
    update.change(first, Kids=kids[0][:1])
    update.change(second, Kids=[kids[0][1], *kids[1]])
    update.change(kids[0][1].number, Parent=Ref(second, 0))


def stale_reference(update: Update) -> None:
    """Before signing: an object that nothing uses holds a reference that leads nowhere."""
    update.add({"/Old": Ref(9000, 3)})


def with_a_generation(update: Update) -> None:
    """Before signing: a reference to an older generation stands in a page's private data."""
    number = update.add({"/X": 1})
    update.change(update.page(), PieceInfo={"/Old": Ref(number, 5)})


def missing_font(update: Update) -> None:
    """Before signing: a field without a picture is to be drawn in a font that the form does not have."""
    update.change(named(update, "input"), AP=None, MK=None, DA=b"/Missing 12 Tf 0 g")


def font_comes(**entries: object) -> Step:
    """It comes, in the style of a font that every reader has."""

    def step(update: Update) -> None:
        known = update.view.get(Ref(form(update), 0), "/DR", "/Font")
        font: dict[str, object] = {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")}
        font |= {"/" + key: value for key, value in entries.items()}
        update.change(form(update), DR={"/Font": {**known, "/Missing": font}})

    return step


def row_at_byte_0(scene: Scene) -> bytes:
    """Before signing: a number that its program left out has a row in use at byte 0. Later a page says when it was changed."""
    update = Update(blank())
    update.freed.append(update.size)
    update.size += 1
    before, _, after = update.bytes().rpartition(b"0000000000 00001 f")
    paper = Paper(scene, before + b"0000000000 00000 n" + after, Style(data=True)).signed(certify=2)
    return paper.then(page(LastModified=b"D:20260101000000Z")).content


HANGING: Mapping[str, Row] = {
    "stamp under another generation": attack(None, hidden_stamp(7), DOUBTED, certify=2),
    "stamp under a number too large": attack(None, hidden_stamp(0, _LARGE), DOUBTED, certify=2),
    "page under another generation": attack(None, hidden_page(7), DOUBTED, certify=2),
    "page under a number too large": attack(None, hidden_page(0, _LARGE), DOUBTED, certify=2),
    "page prepared under another generation": attack(prepared_kid, prepared_page, DOUBTED, certify=2),
    "page that is no page any more": attack(None, page(Type=Name("/Pages")), certify=1),
    "page without its type": attack(None, page(Type=None), certify=1),
    "catalog that is none": attack(None, catalog(Type=Name("/Page")), DOUBTED, certify=1),
    "value in a parent outside of the form": attack(hung_below_another, other("above", V=b"9999"), certify=2),
    "value in a widget's other parent": attack(widget_below_another, other("above", V=b"9999"), certify=1),
    "page hung below another node under its count": attack(two_levels, moved_below_the_other, DOUBTED, certify=1),
    "program of the field above": attack(None, lambda u: u.change(named(u, "rootField"), AA={"/K": JS}), certify=2),
    "tooltip of the field above": attack(None, lambda u: u.change(named(u, "rootField"), TU=b"ten"), certify=1),
    "new field with the name of another": attack(None, new_signature_field("text", [0] * 4), DOUBTED),
    "new field without a name": attack(None, new_signature_field("", [0] * 4), DOUBTED),
    "new signed field with the name of the field above others": row(
        lambda s: signed(s).signed("rootField", place=new_signature_field("rootField", [0] * 4)).content,
        DOUBTED,
        changes="not_understood",
    ),
    "font that a field missed, with other signs": attack(
        missing_font, font_comes(Encoding={"/Differences": [0x30, Name("/nine")]}), DOUBTED, certify=2
    ),
    "font that a field missed": attack(missing_font, font_comes(), PASSED, certify=2),
    # Nothing that a reader could see.
    "reference that leads nowhere, from what nothing uses": attack(
        stale_reference, lambda u: u.put(9000, {"/Nobody": True}), PASSED, certify=2
    ),
    "reference to an older generation written again as it was": attack(
        with_a_generation, page(LastModified=b"D:20260101000000Z"), PASSED, certify=2
    ),
    "number that was left out": row(row_at_byte_0, PASSED, changes="permitted"),
    "page that gets its type": attack(page(Type=None), page(Type=Name("/Page")), PASSED, certify=2),
}
