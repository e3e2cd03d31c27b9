"""Fields that are filled in with a value and a picture: which pictures show the value, claim to, or show something else.

`PICTURES` is read by test_attacks.py beside the other tables.
"""

import zlib
from collections.abc import Mapping

from signing.verification.syntax import Name, Ref
from tests.signing.attacks import DOUBTED, PASSED, Row, row
from tests.signing.covering_attacks import with_button
from tests.signing.papers import named
from tests.signing.revision_cases import form, signed
from tests.signing.shadow_attacks import JS, Step
from tests.signing.updates import Update

HELVETICA = {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")}
# The characters 1 and 2 under the codes 1 and 2, as a program writes them that embeds what it uses of a font.
_TABLE = b"1 begincodespacerange <00> <FFFF> endcodespacerange 2 beginbfchar <0001> <0031> <0002> <0032> endbfchar"


def picture(update: Update, content: bytes, font: object = None, **entries: object) -> Ref:
    """A picture of a field, 200 by 20, with one font."""
    fonts = {"/Font": {"/F": font if font is not None else HELVETICA}}
    told = {"Type": Name("/XObject"), "Subtype": Name("/Form"), "BBox": [0, 0, 200, 20], "Resources": fonts, **entries}
    return Ref(update.stream(zlib.compress(content), Filter=Name("/FlateDecode"), **told), 0)


def show(text: bytes, before: bytes = b"", after: bytes = b"") -> bytes:
    """As readers write it: marked, clipped, one line."""
    clipped = b"q /Tx BMC q 2 2 196 16 re W n BT /F 12 Tf 0 g 2 5 Td (" + text + b") Tj ET Q EMC"
    return before + b" " + clipped + b" " + after + b" Q"


def filled(value: object, content: bytes, font: object = None, *, name: str = "input", **entries: object) -> Step:
    """A field gets a value and a picture."""

    def step(update: Update) -> None:
        used = font(update) if callable(font) else font
        update.change(named(update, name), V=value, AP={"/N": picture(update, content, used)}, **entries)

    return step


def embedded(update: Update) -> Ref:
    """A font that the document brings, with a table of its characters."""
    program = Ref(update.stream(b"a font"), 0)
    about = update.add({"/Type": Name("/FontDescriptor"), "/FontName": Name("/ABCDEF+Noto"), "/FontFile2": program})
    below = {"/Type": Name("/Font"), "/Subtype": Name("/CIDFontType2"), "/FontDescriptor": Ref(about, 0)}
    above = {"/Type": Name("/Font"), "/Subtype": Name("/Type0"), "/BaseFont": Name("/ABCDEF+Noto")}
    table = Ref(update.stream(_TABLE), 0)
    return Ref(update.add({**above, "/Encoding": Name("/Identity-H"), "/DescendantFonts": [below], "/ToUnicode": table}), 0)


def without_table(update: Update) -> Ref:
    """The same, and nobody can say what its codes stand for."""
    number = embedded(update).number
    return Ref(update.change(number, ToUnicode=None), 0)


def drawn(update: Update) -> dict[str, object]:
    """A font whose signs are drawn by the document: one of them may be a page."""
    return {"/Type": Name("/Font"), "/Subtype": Name("/Type3"), "/CharProcs": {"/a": Ref(update.stream(b"0 0 9 9 re f"), 0)}}


def differing(*codes: object) -> dict[str, object]:
    """A font that every reader has, with other signs under some codes."""
    return {**HELVETICA, "/Encoding": {"/Type": Name("/Encoding"), "/Differences": list(codes)}}


def with_pictures(**pictures: bytes) -> Step:
    """The normal picture is right; others beside it are not."""

    def step(update: Update) -> None:
        others = {"/" + key: picture(update, content) for key, content in pictures.items()}
        update.change(named(update, "input"), V=b"12", AP={"/N": picture(update, show(b"12")), **others})

    return step


def turned(update: Update) -> None:
    """The picture stands on its head."""
    upside_down = picture(update, show(b"6"), Matrix=[-1, 0, 0, -1, 0, 0])
    update.change(named(update, "input"), V=b"6", AP={"/N": upside_down})


def in_a_picture(update: Update) -> None:
    """Some programs put the text into a picture of its own."""
    inner = picture(update, show(b"12"))
    fonts = {"/XObject": {"/Inner": inner}}
    update.change(named(update, "input"), V=b"12", AP={"/N": picture(update, b"q /Inner Do Q", Resources=fonts)})


def an_image(update: Update) -> None:
    """An image in the picture may show any words."""
    image = {"Type": Name("/XObject"), "Subtype": Name("/Image"), "Width": 1, "Height": 1, "BitsPerComponent": 8}
    seen = Ref(update.stream(b"\0", ColorSpace=Name("/DeviceGray"), **image), 0)
    content = show(b"12", b"/Seen Do")
    resources = {"/Font": {"/F": HELVETICA}, "/XObject": {"/Seen": seen}}
    update.change(named(update, "input"), V=b"12", AP={"/N": picture(update, content, Resources=resources)})


def formatting(update: Update) -> None:
    """Before signing: a program of the document writes numbers as money."""
    update.change(named(update, "input"), AA={"/F": JS})


def flags(value: int) -> Step:
    """Before signing: what kind of text field it is."""
    return lambda update: update.change(named(update, "input"), Ff=value)


def made_by_readers(update: Update) -> None:
    """Before signing: the form asks readers to make its pictures anew."""
    update.change(form(update), NeedAppearances=True)


def exported(update: Update) -> None:
    """Before signing: a choice whose words are not what is stored."""
    update.change(named(update, "combo"), Opt=[[b"a", b"passed"], [b"b", b"failed"]], V=b"b")


def listed(update: Update) -> None:
    """Before signing: a list that shows all that it offers."""
    update.change(named(update, "combo"), Ff=0, Opt=[b"one", b"two", b"three"])


def ticked(state: str, value: str, **pictures: bytes) -> Step:
    """The check box in a state, some of its pictures drawn anew."""

    def step(update: Update) -> None:
        signs = {**HELVETICA, "/BaseFont": Name("/ZapfDingbats")}
        drawn_anew = {"/" + key: picture(update, data, signs) for key, data in pictures.items()}
        looks = {"AP": {"/N": drawn_anew}} if drawn_anew else {}
        update.change(named(update, "tick"), V=Name(value), AS=Name(state), **looks)

    return step


def one_picture_for_all_states(state: str) -> Step:
    """The check box in a state, with one picture in the place of those of its states."""

    def step(update: Update) -> None:
        update.change(named(update, "tick"), V=Name(state), AS=Name(state), AP={"/N": picture(update, b"BT /F 9 Tf (X) Tj ET")})

    return step


def same_exports(update: Update) -> None:
    """Before signing: two words of a choice that are stored alike."""
    update.change(named(update, "combo"), Opt=[[b"a", b"yes"], [b"a", b"no"], [b"b", b"maybe"]], V=b"a")


def painting(update: Update) -> None:
    """Before signing: the picture of the field has signs drawn into it."""
    update.change(named(update, "input"), AP={"/N": picture(update, show(b"", after=b"2 w 80 6 m 100 6 l S"))})


def thousand(content: bytes, font: object = None) -> Step:
    """The field holds a thousand; its picture has that text, and a reader shows less of it."""
    return filled(b"1000", b"BT /F 12 Tf 2 5 Td " + content + b" ET", font)


UNSURE, WRONG = "FIELD_PICTURE_UNCHECKED", "FIELD_SHOWS_OTHER"


def filling(step: Step, before: Step | None, verdicts: frozenset[str], *told: str) -> Row:
    """A field filled in after P=2: permitted, with these findings about its picture and no other."""
    codes = frozenset({"FIELD_CHANGED", *told})
    return row(
        lambda scene: signed(scene, 2, before=before).then(step).content,
        verdicts,
        changes="permitted",
        codes=codes,
        without=frozenset({UNSURE, WRONG}) - codes,
    )


def shows(step: Step, before: Step | None = None) -> Row:
    """The picture shows the value: nothing is said but that the field was filled in."""
    return filling(step, before, PASSED)


def claims(step: Step, before: Step | None = None) -> Row:
    """It says so, by a font or a program of the file: passed, and told."""
    return filling(step, before, PASSED, UNSURE)


def shows_other(step: Step, before: Step | None = None) -> Row:
    """It shows something else, or nobody can say: never passed in silence."""
    return filling(step, before, DOUBTED, WRONG)


_BORDER = b"0.9 g 0 0 200 20 re f 1 w 0 G 0.5 0.5 199 19 re S"
_COMB = b"0.5 w 50 0 m 50 20 l 100 0 m 100 20 l S"

PICTURES: Mapping[str, Row] = {
    "picture of the value": shows(filled(b"12", show(b"12"))),
    "picture of another value": shows_other(filled(b"5", show(b"12"))),
    "picture of more than the value": shows_other(filled(b"2", show(b"12"))),
    "picture of nothing": shows_other(filled(b"12", show(b""))),
    "picture of the value before": shows_other(lambda u: u.change(named(u, "input"), V=b"12")),
    "picture of the value before, to be made anew": claims(lambda u: u.change(named(u, "input"), V=b"12"), made_by_readers),
    "no picture": shows(lambda u: u.change(named(u, "input"), V=b"12", AP=None)),
    "no picture, and another style": shows_other(
        lambda u: u.change(named(u, "input"), V=b"1000", AP=None, DA=b"/F1 300 Tf 1 g")
    ),
    "rich text that is the value": shows(filled(b"1 < 2", show(b"1 < 2"), RV=b"<body><p>1 &lt; 2</p></body>")),
    "rich text that says otherwise": shows_other(filled(b"12", show(b"12"), RV=b"<body><p>99</p></body>")),
    "value in UTF-16 beside its picture": shows(filled("\ufeff12".encode("utf-16-be"), show(b"12"))),
    "several lines": shows(
        filled(b"one two\rthree", b"q BT /F 9 Tf 11 TL 2 15 Td (one two) Tj T* (three) Tj ET Q"), flags(1 << 12)
    ),
    "as many lines as there is room for": claims(
        filled(b"one two\rthree", b"q BT /F 9 Tf 2 15 Td (one two) Tj ET Q"), flags(1 << 12)
    ),
    "password in stars": shows(filled(b"secret", show(b"******")), flags(1 << 13)),
    "border, background and comb": shows(filled(b"12", show(b"12", _BORDER + b" " + _COMB))),
    "border that is written with the value": shows(filled(b"12", show(b"12"), BS={"/S": Name("/S"), "/W": 1})),
    "signs kerned": shows(filled(b"12", b"BT /F 12 Tf 2 5 Td [(1) 40 (2)] TJ ET")),
    "signs that go back": shows_other(filled(b"5.0", b"BT /F 12 Tf -14 Tc 60 5 Td (5.0) Tj ET")),
    "words that go back": shows_other(filled(b"5 .0", b"BT /F 12 Tf -60 Tw 60 5 Td (5 .0) Tj ET")),
    "signs of a size below nothing": shows_other(filled(b"6", b"BT /F -12 Tf 60 5 Td (6) Tj ET")),
    "signs whose width is below nothing": shows_other(
        filled(b"5.0", show(b"5.0"), {**HELVETICA, "/FirstChar": 0x2E, "/Widths": [-600] * 12})
    ),
    "number cut off by the picture": shows_other(
        lambda u: u.change(named(u, "input"), V=b"10000", AP={"/N": picture(u, show(b"10000"), BBox=[0, 0, 15, 20])})
    ),
    "number that begins outside": shows_other(filled(b"10000", b"BT /F 12 Tf -20 5 Td (10000) Tj ET")),
    "long words that the field has no room for": claims(filled(b"many words " * 20, show(b"many words " * 20))),
    "comb": shows(filled(b"12", b"BT /F 12 Tf 12 5 Td (1) Tj 20 0 Td (2) Tj ET")),
    "signs moved back": shows_other(filled(b"5.0", b"BT /F 12 Tf 60 5 Td [(5) 3000 (.0)] TJ ET")),
    "signs in another order": shows_other(filled(b"5.0", b"BT /F 12 Tf 60 5 Td (5) Tj -50 0 Td (.0) Tj ET")),
    "lines in another order": shows_other(filled(b"5.0", b"BT /F 9 Tf 2 2 Td (5) Tj 0 9 Td (.0) Tj ET"), flags(1 << 12)),
    "signs in a mirror": shows_other(filled(b"5", b"BT /F 12 Tf -1 0 0 1 60 5 Tm (5) Tj ET")),
    "signs on their head": shows_other(turned),
    "signs on their head in a field that is turned": claims(turned, lambda u: u.change(named(u, "input"), MK={"/R": 180})),
    "signs that are not painted": shows_other(filled(b"12", b"BT /F 12 Tf 3 Tr 2 5 Td (12) Tj ET")),
    "signs behind a cover": shows_other(filled(b"12", show(b"12", after=b"1 g 0 0 200 20 re f"))),
    "signs drawn beside the text": shows_other(filled(b"12", show(b"12", b"2 w 80 6 m 100 6 l 100 14 l S"))),
    "signs cut off": shows_other(filled(b"12", b"q 0 0 8 20 re W n BT /F 12 Tf 2 5 Td (12) Tj ET Q")),
    "signs read aloud otherwise": shows_other(filled(b"12", b"/Span << /ActualText (99) >> BDC " + show(b"12") + b" EMC")),
    "signs in an image": shows_other(an_image),
    "text in a picture of its own": shows(in_a_picture),
    "other picture under the mouse": shows_other(with_pictures(R=show(b"99"))),
    "right picture under the mouse": shows(with_pictures(D=show(b"12"))),
    "content that is none": shows_other(filled(b"12", b"BT /F 12 Tf (12")),
    # A thousand of which the one is shown.
    "signs far apart": shows_other(thousand(b"5000 Tc (1000) Tj")),
    "signs far apart, where the field was painted before": shows_other(thousand(b"5000 Tc (1000) Tj"), painting),
    "words far apart": shows_other(thousand(b"5000 Tw (1 000) Tj")),
    "signs moved far off": shows_other(thousand(b"[(1) -900000 (000)] TJ")),
    "signs raised out of the picture": shows_other(thousand(b"(1) Tj 5000 Ts (000) Tj")),
    "signs too small to be seen": shows_other(thousand(b"(1) Tj /F 0.001 Tf (000) Tj")),
    "signs too thin to be seen": shows_other(thousand(b"(1) Tj 0.001 Tz (000) Tj")),
    "signs too small by their matrix": shows_other(thousand(b"(1) Tj 0.001 0 0 0.001 20 5 Tm (000) Tj")),
    "signs that cut off what comes after": shows_other(thousand(b"4 Tr (1) Tj ET BT 0 Tr /F 12 Tf 50 5 Td (000) Tj")),
    "signs cut off by half a picture": shows_other(
        filled(b"1000", b"q 0 0 101 20 re W n BT /F 12 Tf 2 5 Td (1) Tj 130 0 Td (000) Tj ET Q")
    ),
    "signs cut off by two strips": shows_other(
        filled(b"1000", b"0 0 1 20 re 199 0 1 20 re W n BT /F 12 Tf 20 5 Td (1000) Tj ET")
    ),
    "signs as wide as no sign": shows_other(
        thousand(b"(1000) Tj", {**HELVETICA, "/FirstChar": 0x30, "/Widths": [556, 900_000, *[556] * 8]})
    ),
    "numbers of four hundred digits": shows_other(
        thousand(b"(1) Tj " + b"1" * 400 + b". 0 Td -" + b"1" * 400 + b". 0 Td (000) Tj")
    ),
    "text pressed into a strip": shows_other(
        lambda u: u.change(named(u, "input"), V=b"1000", AP={"/N": picture(u, show(b"1000"), BBox=[0, 0, 90000, 20])})
    ),
    "signs after many blanks": shows_other(
        filled(b"910", b"BT /F 12 Tf 9 5 Td (                         91) Tj 5 0 Td (0) Tj ET")
    ),
    "number in a comb": shows(filled(b"1000", b"/Tx BMC q 0 0 200 20 re W n BT /F 12 Tf 40 Tc 20 5 Td (1000) Tj ET Q EMC")),
    "number in a font with its widths": shows(
        filled(b"1000", show(b"1000"), {**HELVETICA, "/FirstChar": 0x30, "/Widths": [556] * 10})
    ),
    "rich text of opened signs alone": shows_other(filled(b"1", show(b"1"), RV=b"<" * 40_000)),
    "rich text longer than any": shows_other(filled(b"1", show(b"1"), RV=b"<p>" * 100_000 + b"1")),
    # Fonts.
    "embedded font that says so": claims(filled(b"12", b"BT /F 12 Tf 2 5 Td <00010002> Tj ET", embedded)),
    "embedded font that says otherwise": shows_other(filled(b"99", b"BT /F 12 Tf 2 5 Td <00010002> Tj ET", embedded)),
    "embedded font that says nothing": shows_other(filled(b"12", b"BT /F 12 Tf 2 5 Td <00010002> Tj ET", without_table)),
    "font of drawn signs": shows_other(filled(b"a", show(b"a"), drawn)),
    "other signs under the codes": shows_other(filled(b"5", show(b"5"), differing(0x35, Name("/nine")))),
    "letters with marks under the codes": shows(
        filled("\ufeffĐạt ươ".encode("utf-16-be"), show(rb"\001\002t \003\004"),
               differing(1, Name("/Dcroat"), Name("/adotbelow"), Name("/uhorn"), Name("/uni01A1")))
    ),
    "font of signs": shows_other(filled(b"4", show(b"4"), {**HELVETICA, "/BaseFont": Name("/ZapfDingbats")})),
    "font that nobody has": claims(filled(b"12", show(b"12"), {**HELVETICA, "/BaseFont": Name("/MyOwn")})),
    # Choices, programs, boxes.
    "words of a choice": shows(filled(b"a", show(b"passed"), name="combo"), exported),
    "number of another choice": shows_other(filled(b"option 2", show(b"option 2"), name="combo", I=[0])),
    "number of the choice before": shows(
        filled(b"option 2", show(b"option 2"), name="combo"), lambda u: u.change(named(u, "combo"), I=[0])
    ),
    "words of another choice": shows_other(filled(b"a", show(b"failed"), name="combo"), exported),
    "list that shows what it offers": claims(
        filled(b"two", b"BT /F 9 Tf 9 TL 2 15 Td (one) Tj T* (two) Tj ET", name="combo"), listed
    ),
    "list that paints what is chosen": claims(
        filled(
            b"two", b"0.6 0.7 0.9 rg 1 2 198 9 re f BT 0 g /F 9 Tf 9 TL 2 15 Td (one) Tj T* (two) Tj ET", name="combo", MK=None
        ),
        listed,
    ),
    "list that shows what it does not offer": shows_other(
        filled(b"two", b"BT /F 9 Tf 9 TL 2 15 Td (one) Tj T* (ten) Tj ET", name="combo"), listed
    ),
    "number as a program writes it": claims(filled(b"1234", show(b"1,234.00")), formatting),
    "number as no program writes it": shows_other(filled(b"1234", show(b"999.00")), formatting),
    "box ticked": shows(ticked("/Yes", "/Yes"), with_button),
    "box that is ticked and shows that it is not": shows_other(ticked("/Off", "/Yes"), with_button),
    "one picture for a box that is ticked": shows_other(one_picture_for_all_states("/Yes"), with_button),
    "box without its pictures": shows_other(
        lambda u: u.change(named(u, "tick"), V=Name("/Yes"), AS=Name("/Yes"), AP={"/D": picture(u, show(b"4"))}), with_button
    ),
    "number of another of two choices that are stored alike": shows_other(
        filled(b"b", show(b"maybe"), name="combo", I=[1]), same_exports
    ),
    "number of the choice behind two that are stored alike": shows(
        filled(b"b", show(b"maybe"), name="combo", I=[2]), same_exports
    ),
    "box drawn anew": claims(
        ticked("/Yes", "/Yes", Yes=show(b"4", _BORDER), Off=_BORDER), with_button
    ),
    "box drawn anew, the other way round": shows_other(
        ticked("/Yes", "/Yes", Yes=_BORDER, Off=show(b"4", _BORDER)), with_button
    ),
}  # fmt: skip
