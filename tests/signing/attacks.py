"""Files that nobody should take for what they seem to be, made from one good file; with the right answer for each.

The rows are those of the attack table (USF, ISA, SWA, shadow, sneaky signature, evil annotation, early references), and of what
else was found while writing the verification. `STRUCTURAL` is read by test_attacks.py.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from signing.verification.pdf import PACKED
from signing.verification.syntax import Name, Ref
from tests.signing.updates import Identity, Style, Update, put_signature, ranges_of, replace_contents, stream

XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/></x:xmpmeta><?xpacket end="w"?>'
)

FAILED = frozenset({"TOTAL_FAILED"})
DOUBTED = frozenset({"INDETERMINATE"})
REFUSED = frozenset({"TOTAL_FAILED", "INDETERMINATE", "UNREADABLE"})
PASSED = frozenset({"TOTAL_PASSED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What an attacker has: good files, and a key of their own."""

    empty: bytes  # with fields, not signed
    approved: bytes  # one approval signature in principal_signs
    certified: bytes  # one certification, P=2, in homeroom_teacher_signs
    annotatable: bytes  # one certification, P=3
    form: bytes  # an approval signature over a form with a filled text field "Text1"
    packed: bytes  # an approval signature over a file with object streams
    signer: Identity
    timestamp: Callable[[bytes], bytes]

    def sign(self, content: bytes, name: str = "principal_signs", **style: object) -> bytes:
        """A signature by the attacker's or victim's key on prepared content."""
        return put_signature(content, name, self.signer, Style(timestamp=self.timestamp, **style))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One attack with the right answer."""

    make: Callable[[Scene], bytes]
    verdicts: frozenset[str]
    sub: frozenset[str] | None = None
    codes: frozenset[str] = field(default_factory=frozenset)  # findings that must be there, of file or signature
    without: frozenset[str] = field(default_factory=frozenset)  # findings that may not be there
    changes: str | None = None
    whole: bool | None = None


def row(make: Callable[[Scene], bytes], verdicts: frozenset[str], **more: object) -> Row:
    """A row in one line."""
    return Row(make=make, verdicts=verdicts, **more)  # type: ignore[arg-type]


# Byte ranges and containers.


def ranged(values: str) -> Callable[[Scene], bytes]:
    """The array of the byte range replaced; `{a}` .. `{d}` are its old numbers."""

    def make(scene: Scene) -> bytes:
        content = scene.approved
        match = re.search(rb"/ByteRange \[[^\]]*\]\s*", content)
        assert match is not None
        a, b, c, d = ranges_of(content)[0]
        new = b"/ByteRange " + values.format(a=a, b=b, c=c, d=d, c2=c + 2, d2=d - 2, low=b - 10, far=d + 500).encode()
        assert len(new) <= len(match.group()) + 8
        return content[: match.start()] + new.ljust(len(match.group())) + content[match.end() :]

    return make


def missing_range(scene: Scene) -> bytes:
    """The key is called otherwise."""
    return scene.approved.replace(b"/ByteRange", b"/ByteRangX")


def contents(hole: bytes) -> Callable[[Scene], bytes]:
    """Something else where /Contents stands."""

    def make(scene: Scene) -> bytes:
        _, first, second, _ = ranges_of(scene.approved)[0]
        filled = hole * (second - first - 2) if hole == b"0" else b""
        new = b"<" + filled + b">" if hole in {b"0", b""} else hole
        return scene.approved[:first] + new.ljust(second - first) + scene.approved[second:]

    return make


def second_range_in_gap(scene: Scene) -> bytes:
    """Signature wrapping: another /ByteRange where padding was, so that the last one counts."""
    _, first, second, rest = ranges_of(scene.approved)[0]
    extra = b"> /ByteRange [0 %d %d %d]" % (first, second, rest)
    return scene.approved[: second - len(extra)] + extra + scene.approved[second:]


def moved_part(scene: Scene) -> bytes:
    """Signature wrapping: foreign bytes between the gap and the signed rest, the range pointing past them."""
    _, first, second, rest = ranges_of(scene.approved)[0]
    foreign = b"\n4000 0 obj\n(malicious)\nendobj\n"
    moved = scene.approved[:second] + foreign + scene.approved[second:]
    old = b"[0 %d %d %d" % (first, second, rest)
    return moved.replace(old, (b"[0 %d %d %d" % (first, second + len(foreign), rest)).ljust(len(old)))


def without_form(scene: Scene) -> bytes:
    """The form is taken out of the catalog: the signature belongs to no field."""
    update = Update(scene.approved)
    update.change(update.catalog, AcroForm=None)
    return update.bytes()


# Updates after the signature.


def new_page_content(scene: Scene) -> bytes:
    """Incremental saving: other words on the page."""
    update = Update(scene.approved)
    update.change(update.page(), Contents=Ref(update.stream(b"BT /F1 24 Tf 60 700 Td (10 diem) Tj ET"), 0))
    return update.bytes()


def replaced_stream(scene: Scene) -> bytes:
    """Incremental saving: the content stream's object itself is replaced."""
    update = Update(scene.certified)
    reference = update.value(update.page())["/Contents"]
    assert isinstance(reference, Ref)
    update.put(reference.number, stream(b"BT /F1 24 Tf 60 700 Td (10 diem) Tj ET"))
    return update.bytes()


def without_xref(scene: Scene) -> bytes:
    """Objects at the end and no table: a repairing reader would take them."""
    update = Update(scene.approved)
    update.change(update.page(), Contents=Ref(update.stream(b"BT (10) Tj ET"), 0))
    return update.bytes(xref=False)


def with_borrowed_end(scene: Scene) -> bytes:
    """The same, closed with the old table's address."""
    start = Update(scene.approved).pdf.sections[-1].start
    return without_xref(scene) + b"startxref\n%d\n%%%%EOF\n" % start


def pages(count: int) -> Callable[[Scene], bytes]:
    """A page more, or none left."""

    def make(scene: Scene) -> bytes:
        update = Update(scene.approved)
        reference = update.value(update.catalog)["/Pages"]
        assert isinstance(reference, Ref)
        kids = [Ref(update.page(), 0)]
        if count == 2:
            extra = update.value(update.page())
            kids.append(Ref(update.add(extra), 0))
        update.change(reference.number, Kids=kids[:count], Count=count)
        return update.bytes()

    return make


def page_entry(**entries: object) -> Callable[[Scene], bytes]:
    """Other page entries."""

    def make(scene: Scene) -> bytes:
        update = Update(scene.approved)
        update.change(update.page(), **entries)
        return update.bytes()

    return make


def other_reason(scene: Scene) -> bytes:
    """The signature dictionary is written again with a reason."""
    update = Update(scene.approved)
    reference = update.value(update.field("principal_signs"))["/V"]
    assert isinstance(reference, Ref)
    update.change(reference.number, Reason=b"I agree to everything")
    return update.bytes()


def copied_dictionary(scene: Scene) -> bytes:
    """The field points at a copy of the dictionary."""
    update = Update(scene.approved)
    reference = update.value(update.field("principal_signs"))["/V"]
    assert isinstance(reference, Ref)
    copy = update.add({**update.value(reference.number), "/Reason": b"I agree"})
    update.change(update.field("principal_signs"), V=Ref(copy, 0))
    return update.bytes()


def catalog_entry(base: str = "approved", **entries: object) -> Callable[[Scene], bytes]:
    """Something new in the catalog."""

    def make(scene: Scene) -> bytes:
        update = Update(getattr(scene, base))
        update.change(update.catalog, **entries)
        return update.bytes()

    return make


def annotation(base: str, subtype: str, **entries: object) -> Callable[[Scene], bytes]:
    """An annotation on the first page."""

    def make(scene: Scene) -> bytes:
        update = Update(getattr(scene, base))
        note = {"/Type": Name("/Annot"), "/Subtype": Name(subtype), "/Rect": [50, 600, 300, 720], "/Contents": b"x"}
        number = update.add({**note, **{"/" + key: value for key, value in entries.items()}})
        page = update.value(update.page())
        annots = update.view.items(page.get("/Annots"))
        update.change(update.page(), Annots=[*annots, Ref(number, 0)])
        return update.bytes()

    return make


def new_field(base: str, rect: list[int], kind: str = "/Sig") -> Callable[[Scene], bytes]:
    """A form field more."""

    def make(scene: Scene) -> bytes:
        update = Update(getattr(scene, base))
        number = update.add(
            {
                "/Type": Name("/Annot"), "/Subtype": Name("/Widget"), "/FT": Name(kind), "/T": b"sneaky",
                "/Rect": rect, "/F": 132, "/P": Ref(update.page(), 0),
            }
        )  # fmt: skip
        annots = update.view.items(update.value(update.page()).get("/Annots"))
        update.change(update.page(), Annots=[*annots, Ref(number, 0)])
        form = update.value(update.catalog)["/AcroForm"]
        assert isinstance(form, Ref)
        fields = update.view.items(update.value(form.number)["/Fields"])
        update.change(form.number, Fields=[*fields, Ref(number, 0)])
        return update.bytes()

    return make


def field_entry(name: str, base: str = "approved", **entries: object) -> Callable[[Scene], bytes]:
    """Another entry in a form field."""

    def make(scene: Scene) -> bytes:
        update = Update(getattr(scene, base))
        update.change(update.field(name), **entries)
        return update.bytes()

    return make


def other_appearance(scene: Scene) -> bytes:
    """The picture of a text field says another amount than its value."""
    update = Update(scene.form)
    number = update.stream(b"BT (9 999) Tj ET", Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 100, 20])
    update.change(update.field("Text1"), AP={"/N": Ref(number, 0)})
    return update.bytes()


def early_reference(scene: Scene) -> bytes:
    """Before signing the page refers to an object that does not exist; it is defined afterwards."""
    before = Update(scene.empty)
    old = before.value(before.page())["/Contents"]
    before.change(before.page(), Contents=[old, Ref(9000, 0)])
    signed = scene.sign(before.bytes())
    after = Update(signed)
    after.put(9000, stream(b"1 0 0 rg 50 600 200 100 re f"))
    return after.bytes()


def hidden_then_shown(scene: Scene) -> bytes:
    """Shadow, hide and replace: both versions are signed, a later table alone points to the other one."""
    before = Update(scene.empty)
    reference = before.value(before.page())["/Contents"]
    assert isinstance(reference, Ref)
    prepared = before.bytes() + b"%d 0 obj\n" % reference.number + stream(b"BT (10) Tj ET") + b"\nendobj\n"
    place = prepared.rindex(b"%d 0 obj\n" % reference.number)
    prepared += b"startxref\n%d\n%%%%EOF\n" % Update(before.bytes()).pdf.sections[-1].start
    signed = scene.sign(prepared)
    last = Update(signed).pdf.sections[-1]
    start = len(signed)
    rows = b"%d 1\n%010d 00000 n \n" % (reference.number, place)
    trailer = b"trailer\n<< /Root %d 0 R /Size %d /Prev %d >>\n" % (
        Update(signed).catalog,
        last.trailer["/Size"],
        last.start,
    )
    return signed + b"xref\n" + rows + trailer + b"startxref\n%d\n%%%%EOF\n" % start


def overridden_pack(scene: Scene) -> bytes:
    """A new object stream under an old number changes what old objects are, without naming them."""
    update = Update(scene.packed)
    page = update.page()
    entry = update.pdf.entry(page, update.pdf.last)
    assert entry is not None
    assert entry[0] == PACKED
    holder = update.pdf.entry(entry[1], update.pdf.last)
    assert holder is not None
    data = update.pdf.pack(entry[1], holder, update.pdf.last).data
    new = data.replace(b"/MediaBox [ 0 0 595 842 ]", b"/MediaBox [ 0 0 295 842 ]")
    assert new != data
    old = update.value(entry[1])
    put = zlib.compress(new)
    told = {key.removeprefix("/"): old[key] for key in ("/Type", "/N", "/First")}
    update.put(entry[1], stream(put, Filter=Name("/FlateDecode"), **told))
    return update.bytes()


def spoken_text(scene: Scene) -> bytes:
    """Other words for a screen reader."""
    update = Update(scene.approved)
    for number in range(1, update.size):
        value = update.pdf.load(number, update.pdf.last)
        if isinstance(value, dict) and value.get("/S") == "/P":
            update.change(number, ActualText=b"ten points")
            break
    return update.bytes()


def not_a_signature(scene: Scene) -> bytes:
    """A free field is filled with a dictionary that signs nothing."""
    update = Update(scene.approved)
    number = update.add({"/Type": Name("/Sig"), "/Name": b"The Minister"})
    update.change(update.field("homeroom_teacher_signs"), V=Ref(number, 0))
    return update.bytes()


def two_fields(scene: Scene) -> bytes:
    """One signature object as the value of two fields."""
    update = Update(scene.approved)
    value = update.value(update.field("principal_signs"))["/V"]
    update.change(update.field("homeroom_teacher_signs"), V=value)
    return update.bytes()


def beyond_the_end(scene: Scene) -> bytes:
    """The signed table points behind the signed bytes: what will stand there is the page's content."""
    before = Update(scene.empty)
    number = before.stream(b"BT (8) Tj ET")
    old = before.value(before.page())["/Contents"]
    before.change(before.page(), Contents=[old, Ref(number, 0)])
    prepared = before.bytes()
    place = prepared.index(b"%010d 00000 n" % prepared.index(b"%d 0 obj" % number))
    future = 90_000
    signed = scene.sign(prepared[:place] + b"%010d" % future + prepared[place + 10 :])
    assert len(signed) < future
    return signed.ljust(future) + b"%d 0 obj\n" % number + stream(b"BT (10) Tj ET") + b"\nendobj\n"


def shorter_stream(scene: Scene) -> bytes:
    """The length of the page's content is an object of its own, and is replaced: less of the page is shown."""
    before = Update(scene.empty)
    length = before.add(44)
    body = b"BT (first words) Tj ET\nendstream BT (8) Tj ET"
    content = before.put(before.size, b"<< /Length %d 0 R >>\nstream\n" % length + body[:44].ljust(44) + b"\nendstream")
    before.change(before.page(), Contents=Ref(content, 0))
    after = Update(scene.sign(before.bytes()))
    after.put(length, 23)
    return after.bytes()


def inherited_resources(scene: Scene) -> bytes:
    """The page inherits its fonts; the object that holds them is replaced."""
    before = Update(scene.empty)
    fonts = before.add(before.value(before.page())["/Resources"])
    pages_node = before.value(before.catalog)["/Pages"]
    assert isinstance(pages_node, Ref)
    before.change(pages_node.number, Resources=Ref(fonts, 0))
    before.change(before.page(), Resources=None)
    after = Update(scene.sign(before.bytes()))
    after.put(fonts, {"/Font": {"/F1": {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Symbol")}}})
    return after.bytes()


def inherited_value(scene: Scene) -> bytes:
    """A field whose value stands in its parent: the parent is replaced."""
    before = Update(scene.empty)
    parent = before.size
    child = parent + 1
    before.put(parent, {"/T": b"parent", "/FT": Name("/Tx"), "/V": b"100", "/Kids": [Ref(child, 0)]})
    before.put(
        child,
        {
            "/T": b"child", "/Parent": Ref(parent, 0), "/Type": Name("/Annot"), "/Subtype": Name("/Widget"),
            "/Rect": [60, 500, 160, 520], "/P": Ref(before.page(), 0),
        },
    )  # fmt: skip
    form = before.value(before.catalog)["/AcroForm"]
    assert isinstance(form, Ref)
    before.change(form.number, Fields=[*before.view.items(before.value(form.number)["/Fields"]), Ref(parent, 0)])
    after = Update(scene.sign(before.bytes()))
    after.change(parent, V=b"9999")
    return after.bytes()


def hidden_in_an_update(scene: Scene) -> bytes:
    """A sound later revision that carries an object which its table does not name."""
    update = Update(scene.certified + b"%d 0 obj\n" % Update(scene.certified).page() + b"<< /Type /Page >>\nendobj\n")
    dss = update.add({"/Type": Name("/DSS")})
    update.change(update.catalog, DSS=Ref(dss, 0))
    return update.bytes()


def other_permission(scene: Scene) -> bytes:
    """The certification's parameters stand in an object of their own, which is replaced by a milder one."""
    before = Update(scene.empty)
    parameters = before.add({"/Type": Name("/TransformParams"), "/P": 2, "/V": Name("/1.2")})
    reference = {"/Type": Name("/SigRef"), "/TransformMethod": Name("/DocMDP"), "/TransformParams": Ref(parameters, 0)}
    signed = scene.sign(before.bytes(), entries={"/Reference": [reference]})
    after = Update(signed)
    after.change(parameters, P=3)
    return after.bytes()


def page_tree_count(scene: Scene) -> bytes:
    """The page tree says another number of pages than it has: readers differ on whom they believe."""
    update = Update(scene.approved)
    node = update.value(update.catalog)["/Pages"]
    assert isinstance(node, Ref)
    update.change(node.number, Count=0)
    return update.bytes()


def metadata_of_another_kind(scene: Scene) -> bytes:
    """A page's content in the place of the metadata."""
    update = Update(scene.certified)
    number = update.stream(b"BT (10) Tj ET", Type=Name("/Metadata"), Subtype=Name("/XML"))
    update.change(update.catalog, Metadata=Ref(number, 0))
    return update.bytes()


def page_elsewhere(scene: Scene) -> bytes:
    """The page says that it hangs under another node: readers that inherit upwards would take other resources."""
    update = Update(scene.approved)
    node = update.value(update.catalog)["/Pages"]
    assert isinstance(node, Ref)
    other = update.add({**update.value(node.number), "/Rotate": 90})
    update.change(update.page(), Parent=Ref(other, 0))
    return update.bytes()


def signature_flags(scene: Scene) -> bytes:
    """The form no longer says that it was signed."""
    update = Update(scene.approved)
    form = update.value(update.catalog)["/AcroForm"]
    assert isinstance(form, Ref)
    update.change(form.number, SigFlags=0)
    return update.bytes()


# Permitted updates.


def metadata(scene: Scene) -> bytes:
    """Other metadata: no reader shows them as content."""
    update = Update(scene.certified)
    number = update.stream(XMP, Type=Name("/Metadata"), Subtype=Name("/XML"))
    info = update.add({"/Title": b"another"})
    update.change(update.catalog, Metadata=Ref(number, 0))
    update.trailer["/Info"] = Ref(info, 0)
    return update.bytes()


def store(scene: Scene, *, times: int = 1, lose: bool = False) -> bytes:
    """Validation data of another program, with VRI entries; a second time they are rewritten."""
    content = scene.certified
    for turn in range(times):
        update = Update(content)
        known = update.value(update.catalog).get("/DSS")
        certs = update.view.items(update.view.get(known, "/Certs")) if known and not lose else []
        new = update.stream(scene.signer.chain[turn % len(scene.signer.chain)])
        certs = [*certs, Ref(new, 0)]
        vri = update.add({"/Cert": certs, "/TU": b"D:20260101000000Z"})
        dss = update.add({"/Type": Name("/DSS"), "/Certs": certs, "/VRI": {"/" + "AB" * 20: Ref(vri, 0)}})
        update.change(update.catalog, DSS=Ref(dss, 0))
        content = update.bytes()
    return content


def freed(scene: Scene) -> bytes:
    """Objects that nothing used are given back."""
    before = Update(scene.empty)
    unused = before.add({"/Unused": True})
    after = Update(scene.sign(before.bytes()))
    after.freed.append(unused)
    after.change(after.catalog)
    return after.bytes()


def identical(scene: Scene) -> bytes:
    """Objects written again as they were, and one that nothing uses."""
    update = Update(scene.approved)
    update.change(update.page())
    update.add({"/Nobody": b"uses this"})
    return update.bytes()


def tagged_field(scene: Scene) -> bytes:
    """An invisible signature field with its element in the structure tree."""
    base = new_field("approved", [0, 0, 0, 0])(scene)
    update = Update(base)
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    document = update.view.get(root, "/K")
    holder = update.value(root.number)["/K"]
    assert isinstance(holder, Ref)
    element = update.add(
        {
            "/Type": Name("/StructElem"), "/S": Name("/Form"), "/P": holder,
            "/K": {"/Type": Name("/OBJR"), "/Obj": Ref(update.field("sneaky"), 0)},
        }
    )  # fmt: skip
    update.change(holder.number, K=[*update.view.items(document["/K"]), Ref(element, 0)])
    return update.bytes()


def split_widget(scene: Scene) -> bytes:
    """A merged field becomes a field with its widget as a child: nothing looks otherwise."""
    update = Update(scene.approved)
    number = update.field("homeroom_teacher_signs")
    merged = update.value(number)
    of_field = {"/FT", "/T", "/TU", "/Lock"}
    widget: dict[str, object] = {key: value for key, value in merged.items() if key not in of_field}
    widget["/Parent"] = Ref(number, 0)
    child = update.add(widget)
    own: dict[str, object] = {key: value for key, value in merged.items() if key in of_field}
    own["/Kids"] = [Ref(child, 0)]
    update.put(number, own)
    annots = [
        Ref(child, 0) if each == Ref(number, 0) else each for each in update.view.items(update.value(update.page())["/Annots"])
    ]
    update.change(update.page(), Annots=annots)
    return update.bytes()


STRUCTURAL: Mapping[str, Row] = {
    "range zero": row(ranged("[0 0 0 0]"), FAILED, sub=frozenset({"FORMAT_FAILURE"}), codes=frozenset({"BYTE_RANGE"})),
    "range negative": row(ranged("[0 -5 {c} {d}]"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "range short": row(ranged("[0 {b} {c}]"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "range null": row(ranged("null"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "range missing": row(missing_range, FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "range not from 0": row(ranged("[5 {b} {c} {d}]"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "range overlapping": row(ranged("[0 {b} {low} {d}]"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "range past the end": row(ranged("[0 {b} {c} {far}]"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "gap widened": row(ranged("[0 {b} {c2} {d2}]"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "contents empty": row(contents(b""), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "contents null": row(contents(b"null"), FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "contents zero": row(contents(b"0"), FAILED, sub=frozenset({"FORMAT_FAILURE"}), codes=frozenset({"EMPTY_CONTENTS"})),
    "second range in the gap": row(second_range_in_gap, REFUSED),
    "signed part moved": row(moved_part, REFUSED),
    "form taken away": row(without_form, FAILED, codes=frozenset({"ORPHAN_SIGNATURE_DATA"})),
    "page content replaced": row(new_page_content, FAILED, changes="forbidden", codes=frozenset({"CHANGED_AFTER"})),
    "content stream replaced": row(replaced_stream, FAILED, changes="forbidden"),
    "objects without a table": row(without_xref, REFUSED, codes=frozenset({"TRAILING_DATA"}), whole=False),
    "objects with a borrowed end": row(with_borrowed_end, REFUSED, codes=frozenset({"TRAILING_DATA"}), whole=False),
    "garbage at the end": row(lambda s: s.approved + b"garbage", DOUBTED, codes=frozenset({"TRAILING_DATA"}), whole=False),
    "white space at the end": row(lambda s: s.approved + b"\r\n \n", PASSED, changes="none", whole=True),
    "bytes before the header": row(lambda s: b"MZ junk\n" + s.approved, REFUSED),
    "page added": row(pages(2), FAILED, sub=frozenset({"FORMAT_FAILURE"}), changes="forbidden"),
    "page removed": row(pages(0), FAILED, sub=frozenset({"FORMAT_FAILURE"}), changes="forbidden"),
    "crop box": row(page_entry(CropBox=[0, 0, 100, 100]), FAILED, changes="forbidden"),
    "rotation": row(page_entry(Rotate=90), FAILED, changes="forbidden"),
    "resources": row(page_entry(Resources={}), FAILED, changes="forbidden"),
    "page action": row(page_entry(AA={"/O": {"/S": Name("/JavaScript"), "/JS": b"1"}}), FAILED, changes="forbidden"),
    "reason added": row(other_reason, FAILED, sub=frozenset({"FORMAT_FAILURE"}), codes=frozenset({"DICTIONARY_REPLACED"})),
    "dictionary copied": row(copied_dictionary, FAILED, sub=frozenset({"FORMAT_FAILURE"})),
    "open action": row(catalog_entry(OpenAction={"/S": Name("/Launch"), "/F": b"x"}), FAILED, changes="forbidden"),
    "names": row(catalog_entry(Names={"/JavaScript": {"/Names": []}}), FAILED, changes="forbidden"),
    "layers": row(catalog_entry(OCProperties={"/OCGs": []}), FAILED, changes="forbidden"),
    "outlines": row(catalog_entry(Outlines={"/Count": 0}), DOUBTED, changes="not_understood"),
    "stamp after P=2": row(annotation("certified", "/Stamp"), FAILED, changes="forbidden"),
    "note after P=2": row(annotation("certified", "/Text"), FAILED, changes="forbidden"),
    "note after P=3": row(
        annotation("annotatable", "/Text"), PASSED, changes="permitted", codes=frozenset({"ANNOTATION_ADDED"})
    ),
    "stamp after P=3": row(
        annotation("annotatable", "/Stamp"), DOUBTED, changes="permitted", codes=frozenset({"ANNOTATION_MAY_COVER"})
    ),
    "stamp after approval": row(
        annotation("approved", "/Stamp"), DOUBTED, changes="permitted", codes=frozenset({"ANNOTATION_MAY_COVER"})
    ),
    "note after approval": row(
        annotation("approved", "/Text"), DOUBTED, changes="permitted", codes=frozenset({"ANNOTATION_MAY_COVER"})
    ),
    "note with a picture after P=3": row(
        annotation("annotatable", "/Highlight", AP={"/N": {"/X": 1}}),
        DOUBTED,
        changes="permitted",
        codes=frozenset({"ANNOTATION_MAY_COVER"}),
    ),
    "link that runs a program after P=3": row(
        annotation("annotatable", "/Link", A={"/S": Name("/Launch"), "/F": b"x"}), DOUBTED, changes="permitted"
    ),
    "visible field after P=2": row(new_field("certified", [50, 600, 300, 720]), FAILED, changes="forbidden"),
    "visible field after approval": row(
        new_field("approved", [50, 600, 300, 720]), PASSED, changes="permitted", codes=frozenset({"VISIBLE_FIELD_ADDED"})
    ),
    "large field after approval": row(
        new_field("approved", [0, 0, 595, 842]), DOUBTED, changes="permitted", codes=frozenset({"FIELD_MAY_COVER"})
    ),
    "invisible field after P=2 that stays empty": row(new_field("certified", [0, 0, 0, 0]), DOUBTED, changes="not_understood"),
    "invisible field after P=2 that is signed": row(
        lambda s: s.sign(new_field("certified", [0, 0, 0, 0])(s), "sneaky"), PASSED, changes="permitted"
    ),
    "visible field after P=2 that is signed": row(
        lambda s: s.sign(new_field("certified", [50, 600, 150, 650])(s), "sneaky"),
        DOUBTED,
        changes="permitted",
        codes=frozenset({"FIELD_MAY_COVER"}),
    ),
    "large field after P=2 that is signed": row(
        lambda s: s.sign(new_field("certified", [0, 0, 595, 842])(s), "sneaky"), FAILED, changes="forbidden"
    ),
    "text field added": row(new_field("approved", [50, 600, 300, 720], "/Tx"), FAILED, changes="forbidden"),
    "field moved": row(field_entry("homeroom_teacher_signs", Rect=[0, 0, 500, 500]), FAILED, changes="forbidden"),
    "signed field moved": row(field_entry("principal_signs", Rect=[0, 0, 500, 500]), FAILED, changes="forbidden"),
    "signature picture replaced": row(field_entry("principal_signs", AP={"/N": {"/X": 1}}), FAILED, changes="forbidden"),
    "tooltip": row(field_entry("principal_signs", TU=b"signed by the Minister"), FAILED, changes="forbidden"),
    "lock taken away": row(field_entry("clerk_seals", Lock=None), FAILED, changes="forbidden"),
    "value changed": row(
        field_entry("Text1", "form", V=b"9999"),
        DOUBTED,
        changes="permitted",
        codes=frozenset({"FIELD_CHANGED", "FIELD_SHOWS_OTHER"}),
    ),
    "only the picture changed": row(other_appearance, FAILED, changes="forbidden"),
    "early reference": row(early_reference, FAILED, changes="forbidden"),
    "table points beyond the end": row(beyond_the_end, REFUSED),
    "length replaced": row(shorter_stream, REFUSED),
    "inherited resources replaced": row(inherited_resources, FAILED, changes="forbidden"),
    "inherited value replaced": row(inherited_value, PASSED, changes="permitted", codes=frozenset({"FIELD_CHANGED"})),
    "object that no table names": row(hidden_in_an_update, DOUBTED, codes=frozenset({"HIDDEN_OBJECTS"})),
    "certification made milder": row(other_permission, FAILED, changes="forbidden"),
    "page hung elsewhere": row(page_elsewhere, DOUBTED, changes="not_understood"),
    "signature flags taken away": row(signature_flags, DOUBTED, changes="not_understood"),
    "page tree count": row(page_tree_count, DOUBTED, changes="not_understood"),
    "metadata that are none": row(metadata_of_another_kind, DOUBTED, changes="not_understood"),
    "hidden and replaced": row(hidden_then_shown, FAILED, changes="forbidden"),
    "object stream overridden": row(overridden_pack, FAILED, changes="forbidden"),
    "spoken text": row(spoken_text, FAILED, changes="forbidden"),
    "field without a signature": row(not_a_signature, FAILED, changes="forbidden"),
    "one signature in two fields": row(two_fields, REFUSED, codes=frozenset({"SHARED_SIGNATURE"})),
    "metadata": row(metadata, PASSED, changes="permitted"),
    "store of another program": row(store, PASSED, changes="permitted"),
    "store rewritten": row(lambda s: store(s, times=3), PASSED, changes="permitted"),
    "store that loses values": row(lambda s: store(s, times=2, lose=True), DOUBTED, changes="not_understood"),
    "unused objects freed": row(freed, PASSED, changes="permitted"),
    "identical copies": row(identical, PASSED, changes="permitted"),
    "tagged field": row(tagged_field, PASSED, changes="permitted"),
    "widget split off": row(split_widget, PASSED, changes="permitted"),
    "content bit": row(lambda s: s.approved.replace(b"So diem", b"So diEm", 1), FAILED, sub=frozenset({"HASH_FAILURE"})),
    "hidden in the padding": row(
        lambda s: replace_contents(s.approved, lambda der: der + b"\0\0\0\0secret"),
        PASSED,
        codes=frozenset({"CONTENTS_PADDING"}),
    ),
}
