"""What covers, erases or runs through entries that look harmless: notes without a picture, and values that are no values.

`COVERING` is read by test_attacks.py beside the other tables.
"""

from collections.abc import Mapping

from signing.verification.syntax import Name, Ref
from tests.signing.attacks import DOUBTED, PASSED, Row, Scene, row
from tests.signing.papers import annotate, document, named, numbered
from tests.signing.revision_cases import form, parent_of, signed
from tests.signing.shadow_attacks import JS, Step, all_of, attack
from tests.signing.updates import Update

PALE, YELLOW, BLACK = [1, 1, 1], [1, 1, 0], [0, 0, 0]
LINE = [50, 710, 300, 710, 50, 690, 300, 690]


def note(subtype: str, **entries: object) -> Step:
    """An annotation without a picture of its own."""
    told = {"/Subtype": Name(subtype), "/Rect": [50, 680, 500, 800], **{"/" + key: value for key, value in entries.items()}}
    return lambda update: annotate(update, told)


def lines(count: int) -> list[float]:
    """Marked lines of 6 points, each 2 points above the one before."""
    return [each for index in range(count) for each in _line(680 + 2 * index)]


def _line(low: float) -> list[float]:
    return [50, low + 6, 500, low + 6, 50, low, 500, low]


def each_its_own(update: Update) -> None:
    """The same lines, each in an annotation of its own."""
    for index in range(20):
        note("/StrikeOut", C=BLACK, QuadPoints=_line(680 + 2 * index))(update)


def step_by_step(*steps: Step) -> Row:
    """Notes after P=3, each in a revision of its own."""

    def make(s: Scene) -> bytes:
        paper = signed(s, 3)
        for step in steps:
            paper = paper.then(step)
        return paper.content

    return row(make, DOUBTED, changes="permitted", codes=frozenset({"ANNOTATION_MAY_COVER"}))


def strike(low: float) -> Step:
    """One line struck out."""
    return note("/StrikeOut", C=BLACK, QuadPoints=_line(low))


def moved_onto(low: float) -> Step:
    """A strike that stands there is laid on another line."""
    return lambda update: update.change(numbered(update, "/StrikeOut"), QuadPoints=_line(low))


def hidden_strike(update: Update) -> None:
    """Before signing: a line is marked, and a strike on it cannot be seen."""
    note("/Underline", C=BLACK, QuadPoints=_line(700))(update)
    note("/StrikeOut", C=BLACK, F=2, QuadPoints=_line(700))(update)


def unhidden(update: Update) -> None:
    """A strike that could not be seen is shown."""
    update.change(numbered(update, "/StrikeOut"), F=4)


def answered(update: Update) -> None:
    """A strike gets other words, and stays where it is."""
    update.change(numbered(update, "/StrikeOut"), Contents=b"agreed")


def struck_twice(update: Update) -> None:
    """Before signing: two marks of one line."""
    strike(700)(update)
    note("/Underline", C=BLACK, QuadPoints=_line(700))(update)


def frames(count: int, height: float, apart: float, **entries: object) -> Step:
    """Links with borders, one above the other."""

    def step(update: Update) -> None:
        for index in range(count):
            low = 660 + apart * index
            note("/Link", **{"Rect": [50, low, 500, low + height], **entries})(update)

    return step


def beside_each_other(update: Update) -> None:
    """Three lines of a paragraph, marked as a person marks them."""
    for low in (640, 660, 680):
        note("/StrikeOut", C=[1, 0, 0], QuadPoints=[50, low + 14, 500, low + 14, 50, low, 500, low])(update)


def seen(make: Step) -> Row:
    """A note after P=3 that may cover: permitted, and never passed in silence."""
    return row(
        lambda s: signed(s, 3).then(make).content, DOUBTED, changes="permitted", codes=frozenset({"ANNOTATION_MAY_COVER"})
    )


def quiet(make: Step) -> Row:
    """A note after P=3 as a person makes it."""
    return row(lambda s: signed(s, 3).then(make).content, PASSED, codes=frozenset({"ANNOTATION_ADDED"}))


# Values.


def actions_of(holder: str) -> Step:
    """Before signing: a field is the list of actions of another field, or of the document."""

    def step(update: Update) -> None:
        target = update.catalog if holder == "document" else named(update, holder)
        update.change(target, AA=Ref(named(update, "text"), 0))

    return step


def text(**entries: object) -> Step:
    """Other entries of the text field."""
    return lambda update: update.change(named(update, "text"), **entries)


def read_only(update: Update) -> None:
    """Before signing: nobody may type into a field."""
    text(Ff=1)(update)


def computed(update: Update) -> None:
    """Before signing: a total that a program computes from the other fields."""
    text(Ff=1, AA={"/C": JS})(update)
    update.change(form(update), CO=[Ref(named(update, "text"), 0)])


def with_button(update: Update) -> None:
    """Before signing: a button to press, and a check box with two pictures."""
    for name, flags, more in ((b"press", 1 << 16, {}), (b"tick", 0, {"/V": Name("/Off"), "/AS": Name("/Off")})):
        pictures = {
            state: Ref(update.stream(data, Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 9, 9]), 0)
            for state, data in (("/Yes", b"BT /ZaDb 9 Tf (4) Tj ET"), ("/Off", b""))
        }
        entries = {"/Subtype": Name("/Widget"), "/FT": Name("/Btn"), "/T": name, "/Ff": flags, "/Rect": [10, 10, 19, 19]}
        number = annotate(update, {**entries, **more, "/AP": {"/N": pictures}})
        update.change(form(update), Fields=[*update.view.items(update.value(form(update))["/Fields"]), Ref(number, 0)])


def with_names(update: Update) -> None:
    """Before signing: an element has a name by which links find it."""
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    element = parent_of(update, numbered(update, "/Text"))
    update.change(root.number, IDTree={"/Names": [b"notes", Ref(element, 0)]})


def names_lead_elsewhere(update: Update) -> None:
    """The name leads to another one."""
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    update.change(root.number, IDTree={"/Names": [b"notes", Ref(document(update), 0)]})


def names_told_twice(*, first: bool, nested: bool = False) -> Step:
    """The name is listed a second time and leads elsewhere there."""

    def step(update: Update) -> None:
        root = update.value(update.catalog)["/StructTreeRoot"]
        assert isinstance(root, Ref)
        listed = update.view.items(update.view.get(root, "/IDTree", "/Names"))
        more: list[object] = [b"notes", Ref(document(update), 0)]
        if first and nested:
            key = Ref(update.add(b"<6e6f746573>"), 0)
            more[0] = key
        tree = [more, listed] if first else [listed, more]
        names = {"/Kids": [{"/Names": each} for each in tree]} if nested else {"/Names": [*tree[0], *tree[1]]}
        update.change(root.number, IDTree=names)

    return step


def keys_told_twice(update: Update) -> None:
    """The parent tree lists its first key once more, before the others, and leads to another element."""
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    tree = update.view.get(root, "/ParentTree")
    listed = update.view.items(tree["/Nums"])
    update.change(root.number, ParentTree={"/Nums": [listed[0], Ref(document(update), 0), *listed]})


def one_name_more(update: Update) -> None:
    """A name comes."""
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    listed = update.view.get(root, "/IDTree", "/Names")
    update.change(root.number, IDTree={"/Names": [*listed, b"paper", Ref(document(update), 0)]})


COVERING: Mapping[str, Row] = {
    "link with a thick border after P=3": seen(note("/Link", Border=[0, 0, 150], C=PALE)),
    "link with a thick line style after P=3": seen(note("/Link", BS={"/W": 150}, C=PALE)),
    "underline with a thick border after P=3": seen(note("/Underline", Border=[0, 0, 40], C=BLACK, QuadPoints=LINE)),
    "link without a border after P=3": quiet(note("/Link", Border=[0, 0, 0])),
    "links as words have them after P=3": quiet(frames(8, 11, 12, Border=[0, 0, 1], C=[1, 0, 0])),
    "links that say nothing of a border after P=3": quiet(frames(8, 11, 12)),
    "white links without a border after P=3": quiet(frames(30, 4, 4, Border=[0, 0, 0], C=PALE)),
    "link with a white border after P=3": seen(note("/Link", Border=[0, 0, 1], C=PALE)),
    "link with a pale line style in inks after P=3": seen(note("/Link", BS={"/W": 2}, C=[0, 0, 0.1, 0])),
    "link as low as its border after P=3": seen(note("/Link", Border=[0, 0, 4], C=BLACK, Rect=[50, 690, 500, 692])),
    "link as narrow as its border after P=3": seen(note("/Link", Border=[0, 0, 4], C=BLACK, Rect=[50, 600, 58, 700])),
    "white links like lines after P=3": seen(frames(30, 4, 4, Border=[0, 0, 4], C=PALE)),
    "black links close together after P=3": seen(frames(30, 4, 4, Border=[0, 0, 1], C=BLACK)),
    "links on each other, step by step, after P=3": step_by_step(
        *(note("/Link", Border=[0, 0, 1], Rect=[50, low, 500, low + 20]) for low in (680, 684))
    ),
    "white caret after P=3": seen(note("/Caret", C=PALE, Rect=[50, 690, 100, 710])),
    "caret after P=3": quiet(note("/Caret", C=[0, 0, 1], Rect=[50, 690, 60, 700])),
    "lines on each other, step by step, after P=3": step_by_step(*(strike(680 + 2 * index) for index in range(4))),
    "lines without points on each other, step by step, after P=3": step_by_step(
        *(note("/StrikeOut", C=BLACK, Rect=[50, low, 500, low + 6]) for low in (680, 682))
    ),
    "lines of no height on each other, step by step, after P=3": step_by_step(
        *(note("/StrikeOut", C=BLACK, QuadPoints=[50, low, 500, low, 50, low, 500, low]) for low in (690, 691))
    ),
    "line moved onto another after P=3": step_by_step(strike(600), note("/Underline", QuadPoints=_line(700)), moved_onto(700)),
    "line that was hidden shown on another after P=3": row(
        lambda s: signed(s, 3, before=hidden_strike).then(unhidden).content,
        DOUBTED,
        changes="permitted",
        codes=frozenset({"ANNOTATION_MAY_COVER"}),
    ),
    "line beside those that were signed on each other after P=3": row(
        lambda s: signed(s, 3, before=struck_twice).then(note("/Underline", QuadPoints=_line(600))).then(answered).content,
        PASSED,
        codes=frozenset({"ANNOTATION_ADDED"}),
    ),
    "caret of a page's size after P=3": seen(note("/Caret")),
    "open window of a page's size after P=3": seen(note("/Popup", Open=True)),
    "white lines after P=3": seen(note("/StrikeOut", C=PALE, QuadPoints=LINE)),
    "lines on each other after P=3": seen(note("/Underline", C=BLACK, QuadPoints=lines(60))),
    "lines on each other, each a note, after P=3": seen(each_its_own),
    "lines of a paragraph struck out after P=3": quiet(beside_each_other),
    "underline without a colour after P=3": quiet(note("/Underline", Rect=[50, 690, 300, 710])),
    "mark that does not blend after P=3": seen(note("/Highlight", C=YELLOW, BM=Name("/Normal"), QuadPoints=LINE)),
    "mark in inks after P=3": quiet(note("/Highlight", C=[0, 0, 1, 0], QuadPoints=LINE)),
    "note that carries a file after P=3": seen(note("/Text", AF=[{"/Type": Name("/Filespec"), "/F": b"x.exe"}])),
    # Values.
    "value that is an action": attack(actions_of("input"), text(V=JS), certify=2),
    "style that is an action of the document": attack(actions_of("document"), text(V=b"7", DS=JS, AP=None), certify=2),
    "value that is a list": attack(None, text(V=[b"7"]), DOUBTED, certify=2),
    "read-only field filled": row(
        lambda s: signed(s, 2, before=read_only).then(text(V=b"9999")).content,
        DOUBTED,
        changes="not_understood",
        codes=frozenset({"FIELD_CHANGED"}),
    ),
    "total that changes alone": attack(computed, text(V=b"9999"), DOUBTED, certify=2),
    "total that changes with what it is made of": attack(
        computed, all_of(text(V=b"9999", AP=None), lambda u: u.change(named(u, "input"), V=b"9999", AP=None)), PASSED, certify=2
    ),
    "button that gets a value": attack(with_button, lambda u: u.change(u.field("press"), V=Name("/Yes")), DOUBTED, certify=2),
    "check box in a state that it has not": attack(
        with_button, lambda u: u.change(u.field("tick"), V=Name("/Ten"), AS=Name("/Ten")), DOUBTED, certify=2
    ),
    "check box ticked": attack(
        with_button, lambda u: u.change(u.field("tick"), V=Name("/Yes"), AS=Name("/Yes")), PASSED, certify=2
    ),
    "choice that is not offered": attack(None, lambda u: u.change(u.field("combo"), V=b"option 3"), DOUBTED, certify=2),
    "choice that is offered": attack(None, lambda u: u.change(u.field("combo"), V=b"option 2", I=[1]), PASSED, certify=2),
    "sign of a box with its value": attack(
        with_button, lambda u: u.change(u.field("tick"), V=Name("/Yes"), AS=Name("/Yes"), MK={"/CA": b"8"}), certify=2
    ),
    "link that leads elsewhere after P=3": seen(
        lambda u: u.change(numbered(u, "/Link"), A={"/S": Name("/URI"), "/URI": b"http://y.vn"})
    ),
    # What a screen reader and links go by.
    "name that leads to another element": attack(with_names, names_lead_elsewhere, DOUBTED, certify=2),
    "name that comes twice, first elsewhere": attack(with_names, names_told_twice(first=True), DOUBTED, certify=2),
    "name that comes twice, last elsewhere": attack(with_names, names_told_twice(first=False), DOUBTED, certify=2),
    "name that comes twice, in a branch of its own": attack(
        with_names, names_told_twice(first=True, nested=True), DOUBTED, certify=2
    ),
    "key of the parent tree that comes twice": attack(None, keys_told_twice, DOUBTED, certify=2),
    "one name of an element more": attack(with_names, one_name_more, PASSED, certify=2),
}
