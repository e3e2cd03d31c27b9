"""What can be done to a signed paper without touching its signed bytes: each row with the answer that it must get.

Shadow attacks (hide, replace, hide and replace), early references, roles that change, and every part of a document that a
reader shows, runs or reads aloud. `SHADOW` is read by test_attacks.py beside `STRUCTURAL`.
"""

from collections.abc import Callable, Mapping

from signing.verification.syntax import Name, Ref
from tests.signing.attacks import DOUBTED, FAILED, PASSED, REFUSED, XMP, Row, Scene, row
from tests.signing.papers import FREE_NOTE, Paper, annotate, document, named, new_signature_field, numbered
from tests.signing.revision_cases import filled, form, locked, parent_of, signed
from tests.signing.updates import Update, stream

Step = Callable[[Update], object]


def attack(before: Step | None, after: Step, verdicts: frozenset[str] = FAILED, *, certify: int | None = None) -> Row:
    """A paper that is prepared, signed by the victim, and then changed."""
    answer = {FAILED: "forbidden", DOUBTED: "not_understood", PASSED: "permitted"}.get(verdicts)
    return row(lambda scene: signed(scene, certify, before=before).then(after).content, verdicts, changes=answer)


def marked(update: Update, mark: str) -> int:
    """The object that the preparation marked."""
    for number in range(1, update.size):
        entries = update.view.entries(Ref(number, 0))
        if isinstance(entries, dict) and entries.get("/Mark") == "/" + mark:
            return number
    raise LookupError(mark)


def other(mark: str, **entries: object) -> Step:
    """Some entries of a marked object are replaced where it stands."""
    return lambda update: update.change(marked(update, mark), **entries)


def other_stream(mark: str, data: bytes, **entries: object) -> Step:
    """A marked stream is replaced where it stands."""
    return lambda update: update.put(marked(update, mark), stream(data, Mark=Name("/" + mark), **entries))


def resource(kind: str, make: Callable[[Update], object]) -> Step:
    """Before signing: the page gets a resource."""

    def step(update: Update) -> None:
        page = update.value(update.page())
        resources = dict(update.view.resolve(page["/Resources"]))
        update.change(update.page(), Resources={**resources, "/" + kind: {"/Z": make(update)}})

    return step


def object_of(mark: str, **entries: object) -> Callable[[Update], Ref]:
    """A marked dictionary of its own."""
    return lambda update: Ref(update.add({"/Mark": Name("/" + mark), **{"/" + k: v for k, v in entries.items()}}), 0)


def stream_of(mark: str, data: bytes, **entries: object) -> Callable[[Update], Ref]:
    """A marked stream."""
    return lambda update: Ref(update.stream(data, Mark=Name("/" + mark), **entries), 0)


FONT = {"Type": Name("/Font"), "Subtype": Name("/TrueType"), "BaseFont": Name("/ABCDEF+Noto")}
FORM = {"Type": Name("/XObject"), "Subtype": Name("/Form"), "BBox": [0, 0, 99, 99]}
IMAGE = {
    "Type": Name("/XObject"), "Subtype": Name("/Image"), "Width": 1, "Height": 1, "BitsPerComponent": 8,
    "ColorSpace": Name("/DeviceGray"),
}  # fmt: skip


def font_with(key: str, make: Callable[[Update], Ref]) -> Step:
    """Before signing: a font that names a part of its own."""
    return resource("Font", lambda update: object_of("font", **FONT, **{key: make(update)})(update))


def contents(*parts: bytes) -> Step:
    """Before signing: the page's content in several streams."""

    def step(update: Update) -> None:
        refs = [Ref(update.stream(each, Mark=Name(f"/part{index}")), 0) for index, each in enumerate(parts)]
        listed = update.add(refs)
        update.change(update.page(), Contents=Ref(listed, 0), PieceInfo={"/Parts": Ref(listed, 0)})

    return step


def contents_list(change: Callable[[list[object]], list[object]]) -> Step:
    """The array of the page's content is replaced where it stands."""

    def step(update: Update) -> None:
        reference = update.value(update.page())["/Contents"]
        assert isinstance(reference, Ref)
        update.put(reference.number, change(list(update.view.items(reference))))

    return step


def page(index: int = 0, **entries: object) -> Step:
    """Other entries of a page."""
    return lambda update: update.change(update.page(index), **entries)


def pages_node(**entries: object) -> Step:
    """Other entries of the page tree's root."""

    def step(update: Update) -> None:
        node = update.value(update.catalog)["/Pages"]
        assert isinstance(node, Ref)
        update.change(node.number, **entries)

    return step


def page_order(*order: int) -> Step:
    """The pages in another order."""
    return lambda update: pages_node(Kids=[Ref(update.page(index), 0) for index in order])(update)


def catalog(**entries: object) -> Step:
    """Other entries of the catalog."""
    return lambda update: update.change(update.catalog, **entries)


def catalog_object(key: str, mark: str, **entries: object) -> Step:
    """Before signing: an entry of the catalog as an object of its own."""
    return lambda update: update.change(update.catalog, **{key: object_of(mark, **entries)(update)})


def field(name: str, **entries: object) -> Step:
    """Other entries of a field."""
    return lambda update: update.change(named(update, name), **entries)


def form_entry(**entries: object) -> Step:
    """Other entries of the form."""
    return lambda update: update.change(form(update), **entries)


def tree(**entries: object) -> Step:
    """Other entries of the structure tree's root."""

    def step(update: Update) -> None:
        root = update.value(update.catalog)["/StructTreeRoot"]
        assert isinstance(root, Ref)
        update.change(root.number, **entries)

    return step


def element(**entries: object) -> Step:
    """Other entries of the element that points at notes."""
    return lambda update: update.change(parent_of(update, numbered(update, "/Text")), **entries)


def first_paragraph(**entries: object) -> Step:
    """Other entries of the first element, which holds words of the page."""

    def step(update: Update) -> None:
        kids = update.view.items(update.value(document(update))["/K"])
        update.change(kids[0].number, **entries)

    return step


def all_of(*steps: Step) -> Step:
    """Several steps in one revision."""

    def step(update: Update) -> None:
        for each in steps:
            each(update)

    return step


# Structure.


def freed(mark: str) -> Step:
    """A number that is in use is given back."""
    return lambda update: update.freed.append(marked(update, mark))


def another_catalog(**entries: object) -> Step:
    """The trailer names another catalog, a copy with a difference."""

    def step(update: Update) -> None:
        number = update.add({**update.value(update.catalog), **{"/" + key: value for key, value in entries.items()}})
        update.trailer["/Root"] = Ref(number, 0)

    return step


def repointed(scene: Scene) -> bytes:
    """A later table alone, which points the page's content at another object of the signed bytes."""
    before = signed(scene, before=all_of(resource("XObject", stream_of("hidden", b"0 0 99 99 re f", **FORM)))).content
    update = Update(before)
    content = update.value(update.page())["/Contents"]
    assert isinstance(content, Ref)
    entry = update.pdf.entry(marked(update, "hidden"), update.pdf.last)
    assert entry is not None
    trailer = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\n" % (update.size, update.catalog, update.pdf.sections[-1].start)
    rows = b"xref\n%d 1\n%010d 00000 n \n" % (content.number, entry[1])
    return before + rows + trailer + b"startxref\n%d\n%%%%EOF\n" % len(before)


def skipping_the_signature(scene: Scene) -> bytes:
    """A later table whose /Prev leads past the signature's revision."""
    paper = signed(scene)
    update = Update(paper.content)
    update.change(update.page(), Rotate=90)
    update.trailer["/Prev"] = update.pdf.sections[0].start
    return update.bytes()


def with_hybrid_stream(scene: Scene) -> bytes:
    """A later table that names a cross-reference stream beside itself: some readers follow it, some do not."""
    update = Update(signed(scene).content)
    update.change(update.catalog, Metadata=Ref(update.stream(XMP, Type=Name("/Metadata"), Subtype=Name("/XML")), 0))
    update.trailer["/XRefStm"] = update.pdf.sections[0].start
    return update.bytes()


def previous_is_itself(scene: Scene) -> bytes:
    """A later table that names itself as the one before it."""
    content = signed(scene).content
    update = Update(content)
    update.change(update.page(), Rotate=90)
    made = update.bytes()
    start = made.rindex(b"xref\n", 0, made.rindex(b"trailer"))
    update.trailer["/Prev"] = start
    return update.bytes()


def packed_override(scene: Scene) -> bytes:
    """In a file with object streams the page is put into a new stream, with another size."""
    return signed(scene, packed=True).then(page(MediaBox=[0, 0, 200, 200])).content


def early_in_a_stream(scene: Scene) -> bytes:
    """A page in an object stream refers to a number that only a later revision defines."""
    before = signed(scene, packed=True, before=lambda u: u.change(u.page(), Resources={"/XObject": {"/Z": Ref(9000, 0)}}))
    return before.then(lambda u: u.put(9000, stream(b"0 0 99 99 re f", **FORM))).content


def through_a_reference(update: Update) -> None:
    """Before signing: the value of a field is a reference to a reference."""
    hop = update.add(Ref(update.add(b"(100)"), 0))
    update.change(named(update, "text"), V=Ref(hop, 0))


def other_end(update: Update) -> None:
    """That reference leads elsewhere."""
    hop = update.value(named(update, "text"))["/V"]
    assert isinstance(hop, Ref)
    update.put(hop.number, Ref(update.add(b"(9999)"), 0))


# Fields, annotations.


def signed_field(**entries: object) -> Step:
    """Other entries of the field that holds the signature."""
    return lambda update: update.change(update.field("first"), **entries)


def signed_picture(update: Update) -> None:
    """Before signing: the signature's picture is an object of its own."""
    update.change(update.field("first"), AP={"/N": stream_of("picture", b"q Q", **FORM)(update)})


def laid_unseen(update: Update) -> None:
    """Before signing: a text field over the whole page, which no page lists."""
    picture = stream_of("picture", b"1 g 0 0 595 842 re f", **{**FORM, "BBox": [0, 0, 595, 842]})(update)
    entries = {
        "/FT": Name("/Tx"),
        "/Subtype": Name("/Widget"),
        "/T": b"unseen",
        "/Rect": [0, 0, 595, 842],
        "/AP": {"/N": picture},
    }
    number = update.add({**entries, "/Mark": Name("/unseen"), "/P": Ref(update.page(), 0)})
    update.change(form(update), Fields=[*update.view.items(update.value(form(update))["/Fields"]), Ref(number, 0)])


def hung(mark: str, index: int = 0) -> Step:
    """An object is put among a page's annotations."""

    def step(update: Update) -> None:
        listed = update.view.items(update.value(update.page(index)).get("/Annots"))
        update.change(update.page(index), Annots=[*listed, Ref(marked(update, mark), 0)])

    return step


def signature_unseen(update: Update) -> None:
    """The signature's widget is taken off its page."""
    listed = update.view.items(update.value(update.page())["/Annots"])
    update.change(update.page(), Annots=[each for each in listed if each.number != update.field("first")])


def note_with_picture(update: Update) -> None:
    """Before signing: a note with a picture of its own."""
    annotate(update, {**FREE_NOTE, "/Subtype": Name("/FreeText"), "/AP": {"/N": stream_of("picture", b"q Q", **FORM)(update)}})


def role(key: str) -> tuple[Step, Step]:
    """Before signing the page is the dictionary of its own pictures; then the entry that is free in a page is replaced."""

    def before(update: Update) -> None:
        free = stream_of("free", b"0 0 1 1 re f", **FORM)(update)
        resources = dict(update.view.resolve(update.value(update.page())["/Resources"]))
        update.change(update.page(), Resources={**resources, "/XObject": Ref(update.page(), 0)}, **{key: free})

    def after(update: Update) -> None:
        update.change(update.page(), **{key: stream_of("other", b"0 0 595 842 re f", **FORM)(update)})

    return before, after


def two_of_one_name(update: Update) -> None:
    """Before signing: two fields of one name, which a lock holds."""
    update.change(named(update, "input"), T=b"text")
    locked("/Include", "text")(update)


def second_of_one_name(update: Update) -> None:
    """The second of them is filled in."""
    for number in range(1, update.size):
        value = update.pdf.load(number, update.pdf.last)
        if isinstance(value, dict) and value.get("/T") == b"text" and number != named(update, "text"):
            update.change(number, V=b"9999")


def untagged(update: Update) -> None:
    """Before signing: a note that is not in the tree."""
    annotate(update, {**FREE_NOTE, "/Mark": Name("/note")})


def described(update: Update) -> None:
    """It gets an element that says something."""
    pointer = {"/Type": Name("/OBJR"), "/Obj": Ref(marked(update, "note"), 0)}
    entries = {
        "/Type": Name("/StructElem"),
        "/S": Name("/Annot"),
        "/P": Ref(document(update), 0),
        "/Alt": b"ten",
        "/K": pointer,
    }
    element = update.add(entries)
    update.change(document(update), K=[*update.view.items(update.value(document(update))["/K"]), Ref(element, 0)])


def backed(update: Update) -> None:
    """A visible empty signature field with a background of its own."""
    number = new_signature_field("more", [300, 650, 400, 700])(update)
    update.change(number, AP=None, MK={"/BG": [1, 1, 1]})


def named_otherwise(update: Update) -> None:
    """Before signing: a field's name in PDFDocEncoding, and the lock of it in UTF-16."""
    update.change(named(update, "text"), T=b"\x80\x8e")
    lock = {"/Action": Name("/Include"), "/Fields": ["\ufeff\u2022\u201d".encode("utf-16-be")]}
    update.change(update.field("first"), Lock=lock)


def tiled(scene: Scene) -> bytes:
    """Many small signature fields that cover a page together."""
    paper = signed(scene)
    for index in range(6):
        rect = [0, index * 140, 595, index * 140 + 140]
        place = new_signature_field(f"tile{index}", rect)
        paper = paper.then(place)
    return paper.content


def hung_under_another(levels: int) -> tuple[Step, Step]:
    """Before signing the page names a node outside of the tree as its parent, for its fonts; they are replaced there."""

    def before(update: Update) -> None:
        resources = update.value(update.page())["/Resources"]
        above = update.add({"/Type": Name("/Pages"), "/Mark": Name("/above"), "/Resources": resources})
        for _ in range(levels):
            above = update.add({"/Type": Name("/Pages"), "/Parent": Ref(above, 0)})
        update.change(update.page(), Resources=None, Parent=Ref(above, 0))

    return before, other("above", Resources={"/Font": {}})


def wrong_generation(update: Update) -> None:
    """Before signing: a picture is named by a generation that it does not have."""
    number = update.stream(b"q Q", Mark=Name("/odd"), **FORM)
    resources = dict(update.view.resolve(update.value(update.page())["/Resources"]))
    update.change(update.page(), Resources={**resources, "/XObject": {"/Z": Ref(number, 7)}})


def catalog_as_pictures() -> tuple[Step, Step]:
    """Before signing the catalog is the dictionary of the page's pictures; then its metadata are renewed, and painted."""
    entries = {"Type": Name("/Metadata"), "Subtype": Name("/XML")}

    def before(update: Update) -> None:
        resources = dict(update.view.resolve(update.value(update.page())["/Resources"]))
        update.change(update.page(), Resources={**resources, "/XObject": Ref(update.catalog, 0)})
        update.change(update.catalog, Metadata=Ref(update.stream(XMP, **entries), 0))

    return before, lambda update: update.change(update.catalog, Metadata=Ref(update.stream(XMP + b"\n", **entries), 0))


def tiled_by_values(scene: Scene) -> bytes:
    """Laid, empty text fields that are filled with a dot and a painted picture each, and cover the page together."""

    def before(update: Update) -> None:
        for index in range(6):
            rect = [0, index * 140, 595, index * 140 + 140]
            name = f"tile{index}".encode()
            number = annotate(update, {"/FT": Name("/Tx"), "/Subtype": Name("/Widget"), "/T": name, "/Rect": rect})
            update.change(form(update), Fields=[*listed_fields(update), Ref(number, 0)])

    def after(update: Update) -> None:
        for index in range(6):
            picture = stream_of("x", b"1 g 0 0 595 140 re f", **{**FORM, "BBox": [0, 0, 595, 140]})(update)
            update.change(update.field(f"tile{index}"), V=b".", AP={"/N": picture})

    return signed(scene, before=before).then(after).content


def listed_fields(update: Update) -> list[object]:
    """The form's fields, as this update has them."""
    listed = update.value(form(update))["/Fields"]
    return list(listed) if isinstance(listed, list) else list(update.view.items(listed))


def marks(subtype: str, colour: list[float]) -> Step:
    """A mark over one line."""
    entries = {"/Subtype": Name(subtype), "/Rect": [50, 690, 300, 710], "/C": colour}
    return lambda update: annotate(update, {**entries, "/QuadPoints": [50, 710, 300, 710, 50, 690, 300, 690]})


def direct_field(update: Update) -> None:
    """Before signing: a field that is no object of its own."""
    entries = {"/FT": Name("/Tx"), "/T": b"direct", "/V": b"100"}
    update.change(form(update), Fields=[*listed_fields(update), entries])


def direct_field_filled(update: Update) -> None:
    """It is filled in."""
    fields = listed_fields(update)
    update.change(form(update), Fields=[*fields[:-1], {**dict(fields[-1]), "/V": b"9999"}])  # type: ignore[call-overload]


LAYER = {"/Type": Name("/OCG"), "/Name": b"layer", "/Mark": Name("/layer")}


def layered(update: Update) -> None:
    """Before signing: a layer that is shown."""
    layer = Ref(update.add(dict(LAYER)), 0)
    settings = Ref(update.add({"/Mark": Name("/settings"), "/ON": [layer], "/OFF": []}), 0)
    update.change(update.catalog, OCProperties={"/OCGs": [layer], "/D": settings})


def layer_off(update: Update) -> None:
    """It is hidden."""
    layer = Ref(marked(update, "layer"), 0)
    update.change(marked(update, "settings"), ON=[], OFF=[layer])


def update_contents(update: Update) -> object:
    """The page's content."""
    return update.value(update.page())["/Contents"]


JS = {"/S": Name("/JavaScript"), "/JS": b"app.alert(1)"}
UNSEEN = frozenset({"TOTAL_FAILED", "INDETERMINATE"})

SHADOW: Mapping[str, Row] = {
    # What is drawn.
    "font replaced": attack(resource("Font", object_of("font", **FONT)), other("font", BaseFont=Name("/Symbol"))),
    "font's code table": attack(font_with("ToUnicode", stream_of("map", b"1")), other_stream("map", b"2")),
    "font's encoding": attack(font_with("Encoding", object_of("codes")), other("codes", Differences=[56, Name("/ten")])),
    "font's program": attack(
        font_with("FontDescriptor", lambda u: object_of("about", FontFile2=stream_of("program", b"1")(u))(u)),
        other_stream("program", b"2"),
    ),
    "font's descriptor": attack(font_with("FontDescriptor", object_of("about", Flags=4)), other("about", Flags=32)),
    "glyphs of a drawn font": attack(font_with("CharProcs", object_of("glyphs")), other("glyphs", a=Name("/b"))),
    "glyph numbers": attack(font_with("CIDToGIDMap", stream_of("map", b"\0\1")), other_stream("map", b"\0\2")),
    "picture replaced": attack(
        resource("XObject", stream_of("image", b"\0", **IMAGE)), other_stream("image", b"\xff", **IMAGE)
    ),
    "picture made transparent": attack(resource("XObject", stream_of("image", b"\0", **IMAGE)), other("image", Mask=[0, 0])),
    "form replaced": attack(
        resource("XObject", stream_of("form", b"q Q", **FORM)), other_stream("form", b"0 0 9 9 re f", **FORM)
    ),
    "form moved": attack(resource("XObject", stream_of("form", b"q Q", **FORM)), other("form", Matrix=[0, 0, 0, 0, 0, 0])),
    "pattern replaced": attack(
        resource("Pattern", stream_of("tile", b"q Q", PatternType=1)), other_stream("tile", b"f", PatternType=1)
    ),
    "graphics state": attack(resource("ExtGState", object_of("state", ca=1)), other("state", ca=0)),
    "colours": attack(
        resource("ColorSpace", lambda u: [Name("/Indexed"), Name("/DeviceRGB"), 0, stream_of("table", b"\0\0\0")(u)]),
        other_stream("table", b"\xff\xff\xff"),
    ),
    "shading": attack(resource("Shading", object_of("shade", ShadingType=2)), other("shade", ShadingType=3)),
    "contents in another order": attack(contents(b"q", b"Q"), contents_list(lambda parts: parts[::-1])),
    "contents shortened": attack(contents(b"q", b"Q"), contents_list(lambda parts: parts[:1])),
    "one of the contents replaced": attack(contents(b"q", b"Q"), other_stream("part1", b"0 0 9 9 re f")),
    "contents given back": attack(contents(b"q", b"Q"), freed("part1")),
    "inherited size": attack(page(MediaBox=None), pages_node(MediaBox=[0, 0, 10, 10])),
    "inherited rotation": attack(None, pages_node(Rotate=180)),
    "inherited crop box": attack(None, pages_node(CropBox=[0, 0, 10, 10])),
    "inherited resources": attack(page(Resources=None), pages_node(Resources={"/Font": {}})),
    "user unit": attack(None, page(UserUnit=10)),
    "blending group": attack(None, page(Group={"/S": Name("/Transparency")})),
    "transition": attack(None, page(Dur=1, Trans={"/S": Name("/Fly")})),
    "small picture of the page": attack(None, page(Thumb=Name("/X"))),
    "measured region": attack(None, page(VP=[{"/BBox": [0, 0, 9, 9]}])),
    "pages in another order": attack(None, page_order(1, 0)),
    "a page in place of another": attack(None, page_order(0, 0), REFUSED),
    "page content as metadata": attack(None, lambda u: u.change(u.page(), Metadata=update_contents(u)), DOUBTED),
    "page that is its own pictures, by metadata": attack(*role("Metadata")),
    "page that is its own pictures, by private data": attack(*role("PieceInfo")),
    # What is shown or hidden by settings.
    "layer hidden": attack(layered, layer_off),
    "layer renamed": attack(layered, other("layer", Name=b"other")),
    "layers added": attack(None, catalog(OCProperties={"/OCGs": [], "/D": {}})),
    "page labels": attack(
        catalog(PageLabels={"/Nums": [0, {"/S": Name("/D")}]}), catalog(PageLabels={"/Nums": [0, {"/S": Name("/r")}]}), DOUBTED
    ),
    "viewer preferences": attack(None, catalog(ViewerPreferences={"/HideToolbar": True}), DOUBTED),
    "page mode": attack(None, catalog(PageMode=Name("/UseAttachments")), DOUBTED),
    "page layout": attack(None, catalog(PageLayout=Name("/TwoColumnLeft")), DOUBTED),
    "portfolio": attack(None, catalog(Collection={"/Type": Name("/Collection")})),
    "language": attack(None, catalog(Lang=b"en"), DOUBTED),
    "output intent": attack(None, catalog(OutputIntents=[{"/S": Name("/GTS_PDFA1")}]), DOUBTED),
    "marked no more": attack(None, catalog(MarkInfo={"/Marked": False}), DOUBTED),
    "needs rendering": attack(None, catalog(NeedsRendering=True), DOUBTED),
    "private data of the document": attack(None, catalog(PieceInfo={"/X": {}}), DOUBTED),
    "outline with an action": attack(None, catalog(Outlines={"/First": {"/Title": b"x", "/A": JS}}), DOUBTED),
    # What runs, what is carried, where links lead.
    "program by name": attack(None, catalog(Names={"/JavaScript": {"/Names": [b"a", JS]}})),
    "file embedded": attack(None, catalog(Names={"/EmbeddedFiles": {"/Names": []}})),
    "file associated": attack(None, catalog(AF=[{"/Type": Name("/Filespec"), "/F": b"x"}])),
    "file associated with the page": attack(None, page(AF=[{"/Type": Name("/Filespec"), "/F": b"x"}])),
    "embedded file replaced": attack(
        catalog_object("Names", "names", EmbeddedFiles={"/Names": [b"a", {"/Type": Name("/Filespec"), "/F": b"a"}]}),
        other("names", EmbeddedFiles={"/Names": [b"a", {"/Type": Name("/Filespec"), "/F": b"b"}]}),
    ),
    "document action": attack(None, catalog(AA={"/WC": JS})),
    "destination moved": attack(
        lambda u: u.change(u.catalog, Dests={"/one": [Ref(u.page(0), 0), Name("/Fit")]}),
        lambda u: u.change(u.catalog, Dests={"/one": [Ref(u.page(1), 0), Name("/Fit")]}),
    ),
    "base address": attack(None, catalog(URI={"/Base": b"http://x.vn"})),
    "link leads elsewhere": attack(
        None, lambda u: u.change(numbered(u, "/Link"), A={"/S": Name("/URI"), "/URI": b"http://y.vn"}), certify=2
    ),
    "field runs a program": attack(None, field("text", AA={"/F": JS})),
    "button runs a program": attack(None, field("text", A=JS)),
    # What is said aloud.
    "role map": attack(None, tree(RoleMap={"/P": Name("/Artifact")}), DOUBTED),
    "class map": attack(None, tree(ClassMap={"/C": {"/O": Name("/Layout")}}), DOUBTED),
    "spoken text of a paragraph": attack(None, first_paragraph(ActualText=b"ten")),
    "description of a paragraph": attack(None, first_paragraph(Alt=b"ten")),
    "expansion of a paragraph": attack(None, first_paragraph(E=b"ten")),
    "language of a paragraph": attack(None, first_paragraph(Lang=b"en")),
    "paragraph of another page": attack(None, lambda u: first_paragraph(Pg=Ref(u.page(1), 0))(u), DOUBTED),
    "paragraph with other words": attack(None, first_paragraph(K=1), DOUBTED),
    "paragraph is a table": attack(None, first_paragraph(S=Name("/Table")), DOUBTED),
    "note's element speaks": attack(None, element(ActualText=b"ten")),
    "element without anything to point at": attack(
        None,
        lambda u: u.change(document(u), K=[*u.view.items(u.value(document(u))["/K"]), {"/S": Name("/Form"), "/Alt": b"ten"}]),
        DOUBTED,
    ),
    "words for an annotation that was there": attack(untagged, described, DOUBTED, certify=1),
    "empty field with a background after an approval": row(
        lambda s: signed(s).then(backed).content, DOUBTED, codes=frozenset({"FIELD_MAY_COVER"})
    ),
    # The form.
    "pictures made anew": attack(None, form_entry(NeedAppearances=True), DOUBTED),
    "XFA": attack(None, form_entry(XFA=[b"template", Ref(1, 0)])),
    "order of calculation": attack(None, lambda u: form_entry(CO=[Ref(named(u, "text"), 0)])(u), DOUBTED),
    "form's font": attack(form_entry(DA=b"/F1 9 Tf"), form_entry(DA=b"/F1 0 Tf 1 g"), DOUBTED),
    "form's resources": attack(None, form_entry(DR={"/Font": {}}), DOUBTED),
    "no fields left": attack(None, form_entry(Fields=[]), REFUSED),
    "field hidden": attack(None, field("text", F=2)),
    "field not viewed": attack(None, field("text", F=32)),
    "field's caption": attack(None, field("text", MK={"/CA": b"9999"})),
    "field's font": attack(None, field("text", DA=b"/F1 0 Tf 1 g"), DOUBTED),
    "field's alignment": attack(None, field("text", Q=2), DOUBTED),
    "field's length": attack(None, field("text", MaxLen=1), DOUBTED),
    "field's choices": attack(None, field("combo", Opt=[b"a", b"b"]), DOUBTED),
    "field is a password": attack(None, field("text", Ff=8192), DOUBTED),
    "field's default": attack(None, field("text", DV=b"9999"), DOUBTED),
    "field's export name": attack(None, field("text", TM=b"other"), DOUBTED),
    "field's tooltip": attack(None, field("text", TU=b"other")),
    "field in a layer": attack(None, field("text", OC={"/Type": Name("/OCG"), "/Name": b"x"}), DOUBTED),
    "field of another kind": attack(None, field("text", FT=Name("/Btn"))),
    "field with nonsense for children": attack(None, field("text", Kids=[]), DOUBTED),
    "field with a child that is not there": attack(None, field("text", Kids=[Ref(9999, 0)]), DOUBTED),
    "field whose widget is no annotation": attack(None, field("text", Type=Name("/Foo")), DOUBTED),
    "value in another encoding, with another picture": attack(
        None, lambda u: u.change(named(u, "text"), V=b"\xfe\xff\x001\x000\x000", AP={"/N": stream_of("x", b"f", **FORM)(u)})
    ),
    "value through a reference": attack(through_a_reference, all_of(other_end, field("text", AP=None)), PASSED),
    "two fields of one name, the locked one filled": attack(two_of_one_name, second_of_one_name),
    "locked field whose name stands in another encoding": attack(
        named_otherwise, lambda u: u.change(u.field("\u2022\u201d"), V=b"9999")
    ),
    "unseen field hung on its page": attack(laid_unseen, hung("unseen")),
    "unseen field hung on its page after P=1": attack(laid_unseen, hung("unseen"), certify=1),
    "unseen field hung on another page": attack(laid_unseen, hung("unseen", 1)),
    "field filled after P=1": attack(None, filled("text"), certify=1),
    # The signature.
    "signature unseen": attack(None, signature_unseen),
    "signature's picture replaced where it stands": attack(signed_picture, other_stream("picture", b"f", **FORM)),
    "signature hidden": attack(None, signed_field(F=2), UNSEEN),
    "signature's caption": attack(None, signed_field(MK={"/CA": b"The Minister"}), UNSEEN),
    "signature in a layer": attack(None, signed_field(OC={"/Type": Name("/OCG")}), UNSEEN),
    "signature on another page": attack(None, lambda u: signed_field(P=Ref(u.page(1), 0))(u), UNSEEN),
    "lock replaced where it stands": attack(
        lambda u: u.change(u.field("first"), Lock=object_of("lock", Action=Name("/All"))(u)),
        other("lock", Action=Name("/Include"), Fields=[]),
    ),
    "seed values added": attack(None, signed_field(SV={"/Ff": 1})),
    "permissions taken away": attack(None, catalog(Perms=None), DOUBTED, certify=2),
    "permissions renamed": attack(
        None, lambda u: catalog(Perms={"/UR3": u.value(u.field("first"))["/V"]})(u), DOUBTED, certify=2
    ),
    "parent outside of the tree": attack(*hung_under_another(0)),
    "parent's parent outside of the tree": attack(*hung_under_another(2)),
    "picture of a generation that is not there": attack(wrong_generation, other_stream("odd", b"0 0 9 9 re f", **FORM)),
    "catalog that is a page's pictures": attack(*catalog_as_pictures()),
    "values that cover a page together": row(tiled_by_values, DOUBTED, codes=frozenset({"FIELD_MAY_COVER"})),
    "field that is no object, after P=1": attack(direct_field, direct_field_filled, certify=1),
    "field that is no object": row(
        lambda s: signed(s, before=direct_field).then(direct_field_filled).content, PASSED, codes=frozenset({"FIELD_CHANGED"})
    ),
    "dark mark after P=3": row(
        lambda s: signed(s, 3).then(marks("/Highlight", [0, 0, 0])).content, DOUBTED, codes=frozenset({"ANNOTATION_MAY_COVER"})
    ),
    "light mark after P=3": row(
        lambda s: signed(s, 3).then(marks("/Highlight", [1, 1, 0])).content, PASSED, codes=frozenset({"ANNOTATION_ADDED"})
    ),
    # Annotations.
    "picture of a note replaced where it stands": attack(note_with_picture, other_stream("picture", b"f", **FORM), certify=2),
    "note removed after P=2": attack(None, lambda u: u.change(u.page(1), Annots=None), certify=2),
    "notes in another order": attack(
        None, lambda u: u.change(u.page(), Annots=u.view.items(u.value(u.page())["/Annots"])[::-1]), DOUBTED, certify=2
    ),
    # The file.
    "another catalog": attack(None, another_catalog(OpenAction=JS)),
    "another catalog without a form": attack(None, another_catalog(AcroForm=None), REFUSED),
    "version lowered": attack(catalog(Version=Name("/2.0")), catalog(Version=Name("/1.4")), DOUBTED),
    "version that is none": attack(None, catalog(Version={"/A": 1}), DOUBTED),
    "metadata taken away": attack(None, catalog(Metadata=None), DOUBTED),
    "table points at other signed bytes": row(repointed, REFUSED),
    "table that leads past the signature": row(skipping_the_signature, REFUSED),
    "table with a stream beside it": row(with_hybrid_stream, REFUSED),
    "table before itself": row(previous_is_itself, REFUSED),
    "page put into another object stream": row(packed_override, FAILED, changes="forbidden"),
    "early reference in an object stream": row(early_in_a_stream, FAILED, changes="forbidden"),
    "fields that cover a page together": row(tiled, DOUBTED, codes=frozenset({"FIELD_MAY_COVER"})),
}


__all__ = ["SHADOW", "Paper"]
