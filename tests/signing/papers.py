"""A tagged paper of two pages with fields and annotations, and what other programs do to it after it was signed.

Laid out as iText, Acrobat and EU DSS write: fields without /Type, numbers that are given back, tags whose parent tree is
written anew with each saving. Nothing here is copied; each file is made by the test that needs it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from signing.verification.fields import form_fields
from signing.verification.pages import pages_of
from signing.verification.syntax import Name, Ref
from tests.signing.attacks import Scene
from tests.signing.conftest import build_pdf
from tests.signing.updates import Style, Update, put_signature, put_timestamp, stream

FREE_NOTE = {"/Subtype": Name("/Text"), "/Contents": b"Some contents...", "/Rect": [400, 300, 450, 340]}


def blank(*, object_streams: bool = False) -> bytes:
    """The paper before anybody signs it. Its empty signature field is `first`."""
    update = Update(build_pdf({"first": (50, 650, 250, 750)}, pages=2, object_streams=object_streams))
    font = update.add({"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")})
    form = _form(update)
    update.change(form, DR={"/Font": {"/F1": Ref(font, 0)}})
    for name, height in (("text", 500), ("childTextField", 460), ("input", 420)):
        number = update.add(_text_field(update, name, height))
        _list_field(update, number)
        _show(update, number)
    root = update.add({})
    kids = [update.add({**_text_field(update, name, h), "/Parent": Ref(root, 0)}) for name, h in _CHILDREN]
    update.put(root, {"/T": b"rootField", "/Kids": [Ref(kid, 0) for kid in kids]})
    _list_field(update, root)
    places = update.add({"/T": b"places", "/FT": Name("/Tx"), "/V": b"twice shown", "/DA": b"/F1 12 Tf"})
    shown = [
        update.add(
            {"/Subtype": Name("/Widget"), "/Parent": Ref(places, 0), "/Rect": [100, 250, 250, 300], "/P": _page(update, p)}
        )
        for p in (0, 1)
    ]
    update.change(places, Kids=[Ref(each, 0) for each in shown])
    _list_field(update, places)
    combo = update.add(
        {
            "/Subtype": Name("/Widget"), "/FT": Name("/Ch"), "/Ff": 131072, "/T": b"combo", "/V": [], "/DA": b"/F1 12 Tf",
            "/Opt": [b"option 1", b"option 2"], "/Rect": [36, 380, 136, 400], "/P": _page(update, 0),
        }
    )  # fmt: skip
    _list_field(update, combo)
    for number, page in ((kids[0], 0), (kids[1], 0), (shown[0], 0), (shown[1], 1), (combo, 0)):
        _show(update, number, page)
    _annotations(update)
    return update.bytes()


_CHILDREN = (("childTextField", 340), ("childTextField2", 300))


def _text_field(update: Update, name: str, height: int) -> dict[str, object]:
    picture = update.stream(b"BT /F1 12 Tf (100) Tj ET", Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 100, 20])
    return {
        "/Subtype": Name("/Widget"), "/FT": Name("/Tx"), "/T": name.encode(), "/V": b"100", "/DA": b"/F1 12 Tf",
        "/AP": {"/N": Ref(picture, 0)}, "/Rect": [300, height, 500, height + 20], "/P": _page(update, 0),
        "/MK": {"/BC": [0, 1, 1], "/BG": [0, 1, 0]},
    }  # fmt: skip


def _annotations(update: Update) -> None:
    """Tagged: a link at the document element itself, two notes under one element; untagged: a circle and a stamp."""
    link = annotate(
        update, {"/Subtype": Name("/Link"), "/Rect": [36, 100, 136, 120], "/A": {"/S": Name("/URI"), "/URI": b"http://x.vn"}}
    )
    tag(update, {"/Type": Name("/OBJR"), "/Obj": Ref(link, 0)}, link)
    element = update.add({"/Type": Name("/StructElem"), "/S": Name("/Annot"), "/P": Ref(document(update), 0)})
    notes = [annotate(update, dict(FREE_NOTE)), annotate(update, dict(FREE_NOTE), page=1)]
    update.change(element, K=[{"/Type": Name("/OBJR"), "/Obj": Ref(each, 0)} for each in notes])
    tag(update, Ref(element, 0), *notes, element=element)
    annotate(
        update, {"/Subtype": Name("/Circle"), "/Rect": [55, 100, 90, 135], "/C": [1, 0, 1], "/Contents": b"circle"}, page=1
    )
    annotate(update, {"/Subtype": Name("/Stamp"), "/Rect": [100, 550, 200, 600], "/C": [1, 1, 0], "/Contents": b"stamp"})


# Steps by which a paper is changed: each alters one update.


def annotate(update: Update, entries: dict[str, object], page: int = 0) -> int:
    """A new annotation on a page; its number."""
    number = update.add({**entries, "/P": _page(update, page)})
    _show(update, number, page)
    return number


def removed(update: Update, number: int, page: int = 0) -> None:
    """An annotation is taken off its page and its number given back."""
    holder = _page(update, page).number
    listed = _listed(update, update.value(holder).get("/Annots"))
    update.change(holder, Annots=[each for each in listed if each != Ref(number, 0)] or None)
    update.freed.append(number)


def tag(update: Update, kid: object, *annotations: int, element: int | None = None) -> None:
    """A new kid of the document element; the parent tree is written again under a new number, the old one given back."""
    holder = document(update)
    update.change(holder, K=[*_listed(update, update.value(holder)["/K"]), kid])
    follow(update, add={number: Ref(element or holder, 0) for number in annotations})


def follow(update: Update, *, add: dict[int, Ref] | None = None, drop: tuple[int, ...] = ()) -> None:
    """The parent tree written again: with these annotations, and without those keys."""
    root = _root(update)
    tree = update.value(root)
    old = tree["/ParentTree"]
    assert isinstance(old, Ref)
    listed = _listed(update, update.value(old.number)["/Nums"])
    numbers = [each for pair in zip(listed[::2], listed[1::2], strict=True) if pair[0] not in drop for each in pair]
    key = tree["/ParentTreeNextKey"]
    assert isinstance(key, int)
    for number, element in (add or {}).items():
        update.change(number, StructParent=key)
        numbers += [key, element]
        key += 1
    new = update.add({"/Nums": numbers})
    update.change(root, ParentTree=Ref(new, 0), ParentTreeNextKey=key)
    if update.pdf.entry(old.number, update.pdf.last) is not None:
        update.freed.append(old.number)
    else:
        update.objects.pop(old.number)


def document(update: Update) -> int:
    """The document element's object number."""
    kid = update.value(_root(update))["/K"]
    assert isinstance(kid, Ref)
    return kid.number


def numbered(update: Update, subtype: str, page: int = 0) -> int:
    """The object number of the first annotation of a kind on a page."""
    for each in update.view.items(pages_of(update.view)[page].entries.get("/Annots")):
        if update.view.get(each, "/Subtype") == subtype and isinstance(each, Ref):
            return each.number
    raise LookupError(subtype)


def named(update: Update, name: str) -> int:
    """A field's object number; also of one that has children."""
    found = form_fields(update.view).get(name)
    if found is not None and found.number is not None:
        return found.number
    for number in range(1, update.size):
        value = update.pdf.load(number, update.pdf.last)
        if isinstance(value, dict) and value.get("/T") == name.encode():
            return number
    raise LookupError(name)


def new_signature_field(name: str, rect: list[int], *, tagged: bool = False, lock: Any = None) -> Callable[[Update], int]:
    """Lays a signature field in the update that signs it, as iText and PDFBox do."""

    def place(update: Update) -> int:
        picture = update.stream(b"q Q", Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 100, 50])
        entries = {
            "/FT": Name("/Sig"), "/Subtype": Name("/Widget"), "/F": 132, "/H": Name("/N"), "/T": name.encode(), "/Rect": rect,
            "/AP": {"/N": Ref(picture, 0)}, **({"/Lock": lock} if lock else {}),
        }  # fmt: skip
        number = annotate(update, entries)
        _list_field(update, number)
        if tagged:
            pointer = {"/Type": Name("/OBJR"), "/Obj": Ref(number, 0)}
            element = update.add(
                {"/Type": Name("/StructElem"), "/S": Name("/Form"), "/P": Ref(document(update), 0), "/K": pointer}
            )
            tag(update, Ref(element, 0), number, element=element)
        return number

    return place


def store(update: Update, scene: Scene, *, entry: str, keep: bool = True) -> None:
    """The security store as EU DSS and iText write it: arrays anew, an entry per signature, what was there named again."""
    old = update.value(update.catalog).get("/DSS") if keep else None
    known = {key: _listed(update, update.view.get(old, key)) for key in ("/Certs", "/OCSPs", "/CRLs")}
    certificate = Ref(update.stream(scene.signer.chain[0]), 0)
    answer = Ref(update.stream(b"an answer for " + entry.encode()), 0)
    lists = {"/Certs": [*known["/Certs"], certificate], "/OCSPs": [*known["/OCSPs"], answer], "/CRLs": known["/CRLs"]}
    arrays = {key: Ref(update.add(text_list), 0) for key, text_list in lists.items()}
    before = update.view.get(old, "/VRI") or {}
    own = {"/Type": Name("/VRI"), "/Cert": [certificate], "/OCSP": [answer], "/TU": b"D:20260101000000Z"}
    entries = {**before, "/" + entry: Ref(update.add(own), 0)}
    update.change(update.catalog, DSS=Ref(update.add({"/Type": Name("/DSS"), **arrays, "/VRI": entries}), 0))
    if isinstance(old, Ref):
        update.freed.append(old.number)


def _form(update: Update) -> int:
    form = update.value(update.catalog)["/AcroForm"]
    assert isinstance(form, Ref)
    return form.number


def _list_field(update: Update, number: int) -> None:
    form = _form(update)
    update.change(form, Fields=[*_listed(update, update.value(form)["/Fields"]), Ref(number, 0)])


def _show(update: Update, number: int, page: int = 0) -> None:
    holder = _page(update, page).number
    update.change(holder, Annots=[*_listed(update, update.value(holder).get("/Annots")), Ref(number, 0)])


def _listed(update: Update, value: object) -> list[Any]:
    return list(value) if isinstance(value, list) else list(update.view.items(value))


def _page(update: Update, index: int) -> Ref:
    return Ref(update.page(index), 0)


def _root(update: Update) -> int:
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    return root.number


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper in one state, and who signs it."""

    scene: Scene
    content: bytes
    style: Style = field(default_factory=Style)

    def signed(self, name: str = "first", **style: Any) -> "Paper":
        """Signed in a field that is there, or in one that `place` lays."""
        used = replace(self.style, timestamp=self.scene.timestamp, **style)
        return replace(self, content=put_signature(self.content, name, self.scene.signer, used))

    def stamped(self, name: str, **style: Any) -> "Paper":
        """With a document timestamp in a new invisible field."""
        place = new_signature_field(name, [0, 0, 0, 0])
        used = replace(self.style, subfilter="/ETSI.RFC3161", type="/DocTimeStamp", place=place, **style)
        return replace(self, content=put_timestamp(self.content, name, self.scene.timestamp, used))

    def then(self, step: Callable[[Update], object]) -> "Paper":
        """With one more revision."""
        update = Update(self.content, packed=self.style.packed)
        step(update)
        return replace(self, content=update.bytes())

    def changed(self, find: Callable[[Update], int], **entries: object) -> "Paper":
        """With some entries of one object changed."""
        return self.then(lambda update: update.change(find(update), **entries))


__all__ = ["Paper", "blank", "stream"]
