"""Other people's PDFs: what other programs write in their own way, signed as well as our own, or refused with what to do."""

import io
import re
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Object, Pdf, String
from PIL import Image as Pictures

from signing import DemoAuthority, Image, Issued, Level, SignRequest, Trust, Verdict, sign, verify
from signing.batch import FastPath, NewField, Order, Unusual
from signing.errors import EncryptedPdf, HybridPdf, NotAPdf, NotASignablePdf, SigningError, WouldBreakSignatures
from signing.keys.file import FileSigner
from tests.signing.conftest import build_pdf
from tests.signing.test_apply_hostile import DOT, _Unasked, changed

Change = Callable[[Pdf], None]
NOW = datetime(2026, 5, 31, 9, tzinfo=UTC)
NOWHERE = (0, 0, 0, 0)


@pytest.fixture(scope="module")
def signer(people: Mapping[str, Issued]) -> FileSigner:
    """A quick key."""
    return people["curve"].signer()


def new(name: str = "new", **wishes: object) -> SignRequest:
    """A new invisible field, B-B."""
    return SignRequest(field=name, level=Level.B_B, existing_only=False, **wishes)  # type: ignore[arg-type]


def slow(pdf: bytes) -> bytes:
    """The same document with a comment in its catalog: the quick way leaves it to pyHanko."""
    there = b"/Lang (vi-VN)"
    assert there in pdf
    return pdf.replace(there, b"/Lang %\n(vi) ")


WAYS: dict[str, Callable[[bytes], bytes]] = {"quick": bytes, "pyHanko": slow}


def passes(signed: bytes, authority: DemoAuthority) -> bool:
    """By our own verification, with the demo's root."""
    return verify(signed, Trust.load(authority.trust_pem())).verdict is Verdict.TOTAL_PASSED


# What earlier signatures forbid, in whatever shape it is written.


def signed_by_another(level: int, *, named: bool = True) -> bytes:
    """A certification as LibreOffice and PDFBox write it: each part an object of its own. The signature is a stand-in."""

    def change(pdf: Pdf) -> None:
        parameters = pdf.make_indirect(Dictionary(Type=Name.TransformParams, P=level, V=Name("/1.2")))
        reference = pdf.make_indirect(
            Dictionary(Type=Name.SigRef, TransformMethod=Name.DocMDP, TransformParams=parameters, DigestMethod=Name.SHA256)
        )
        value = pdf.make_indirect(
            Dictionary(
                Type=Name.Sig, Filter=Name("/Adobe.PPKLite"), SubFilter=Name("/adbe.pkcs7.detached"), Contents=String("x"),
                ByteRange=Array([0, 1, 2, 3]), Reference=pdf.make_indirect(Array([reference])),
            )
        )  # fmt: skip
        pdf.Root.AcroForm.Fields[0].V = value
        if named:
            pdf.Root.Perms = pdf.make_indirect(Dictionary(DocMDP=value))

    return changed(build_pdf({"first": NOWHERE, "second": NOWHERE}), change)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("named", [True, False], ids=["named", "no longer named"])
def test_a_certification_is_understood_wherever_its_parts_are_written(way: str, named: bool, signer: FileSigner) -> None:
    """P=2 lets the next one sign, P=1 nobody; also where the catalog does not name the certification any more."""
    second = SignRequest(field="second", level=Level.B_B)

    assert sign(WAYS[way](signed_by_another(2, named=named)), second, signer)
    with pytest.raises(WouldBreakSignatures, match="first"):
        sign(WAYS[way](signed_by_another(1, named=named)), second, _Unasked(signer))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lock", [b"/Action /All", b"/Action /Exclude /Fields [(first)]", b"/Action /Include /Fields [(new)]"])
def test_a_lock_holds_for_fields_that_are_not_there_yet(way: str, lock: bytes, people: Mapping[str, Issued]) -> None:
    """A new field under a lock would break the signature that locked; the fast path does not make one either."""
    quick = people["curve"].signer()
    laid = WAYS[way](build_pdf({"first": NOWHERE}, locks={"first": b"<< /Type /SigFieldLock %b >>" % lock}))
    locked = sign(laid, SignRequest(field="first", level=Level.B_B), quick)

    with pytest.raises(WouldBreakSignatures, match="first"):
        sign(locked, new(), _Unasked(quick))
    with pytest.raises(Unusual):
        FastPath(quick).sign(locked, Order(field="new", level=Level.B_B, at=NOW, new_field=NewField(page=0, box=NOWHERE)))


@pytest.mark.parametrize("way", WAYS)
def test_a_lock_that_the_signature_does_not_repeat_binds_too(way: str, signer: FileSigner) -> None:
    """Some programs leave the lock in the field and write no transform: whoever reads it there sees it broken."""
    signed = sign(build_pdf({"first": NOWHERE, "second": NOWHERE}), SignRequest(field="first", level=Level.B_B), signer)

    def lock(pdf: Pdf) -> None:
        pdf.Root.AcroForm.Fields[0].Lock = Dictionary(Action=Name.Include, Fields=Array(), P=1)

    locked = WAYS[way](changed(signed, lock))
    with pytest.raises(WouldBreakSignatures, match="first"):
        sign(locked, SignRequest(field="second", level=Level.B_B), _Unasked(signer))
    with pytest.raises(Unusual):
        FastPath(signer).sign(locked, Order(field="second", level=Level.B_B, at=NOW))


# Forms that are filled in by viewers.


def asking_for_pictures(*, filled: bool = True) -> bytes:
    """A form whose one value has no picture: viewers draw it, because /NeedAppearances asks them to."""

    def change(pdf: Pdf) -> None:
        form = pdf.Root.AcroForm
        form.NeedAppearances = True
        if filled:
            font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
            form.DR = Dictionary(Font=Dictionary(Helv=font))
            value = pdf.make_indirect(
                Dictionary(
                    Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=String("name"), V=String("Nguyen Van An"), F=4,
                    DA=String("/Helv 24 Tf 0 g"), Rect=Array([100, 500, 400, 540]), P=pdf.pages[0].obj,
                )
            )  # fmt: skip
            form.Fields.append(value)
            pdf.pages[0].Annots.append(value)

    return changed(build_pdf({"here": NOWHERE}), change)


def drawn(pdf: bytes, folder: Path) -> bytes:
    """The first page by poppler."""
    (folder / "page.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "72", "-singlefile", "page.pdf", "page"], cwd=folder, check=True, capture_output=True)
    return Pictures.open(folder / "page.ppm").convert("L").tobytes()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("request_", [SignRequest(field="here", level=Level.B_B), new()], ids=["laid", "new"])
def test_a_filled_form_looks_after_signing_as_before(
    way: str, request_: SignRequest, signer: FileSigner, authority: DemoAuthority, tmp_path: Path
) -> None:
    """Without /NeedAppearances its values would vanish from the page, or older ones come back."""
    pdf = WAYS[way](asking_for_pictures())
    signed = sign(pdf, request_, signer)

    assert drawn(signed, tmp_path) == drawn(pdf, tmp_path) != drawn(build_pdf({"here": NOWHERE}), tmp_path)
    assert passes(signed, authority)


@pytest.mark.parametrize("way", WAYS)
def test_a_form_of_signatures_alone_needs_no_pictures(way: str, signer: FileSigner) -> None:
    """Some viewers leave out the picture of a signature where /NeedAppearances stands."""
    signed = sign(WAYS[way](asking_for_pictures(filled=False)), SignRequest(field="here", level=Level.B_B), signer)
    with pikepdf.open(io.BytesIO(signed)) as read:
        assert "/NeedAppearances" not in read.Root.AcroForm


@pytest.mark.parametrize(
    "request_",
    [
        new(box=(100, 200, 180, 240), appearance=Image(png=DOT)),
        SignRequest(field="seen", level=Level.B_B, appearance=Image(png=DOT)),
    ],
    ids=["new", "laid"],
)
def test_a_picture_that_some_viewers_would_leave_out_is_refused(request_: SignRequest, signer: FileSigner) -> None:
    """Where viewers draw a form themselves poppler shows no picture of a signature; without one it can be signed."""

    def show(read: Pdf) -> None:
        field = read.Root.AcroForm.Fields[0]
        field.T, field.Rect = String("seen"), Array([300, 300, 400, 350])

    pdf = changed(asking_for_pictures(), show)
    with pytest.raises(NotASignablePdf, match="hãy ký không hình"):
        sign(pdf, request_, _Unasked(signer))
    assert sign(pdf, SignRequest(field="seen", level=Level.B_B), signer)


# Pages that are described in unusual ways.


def page(**entries: object) -> Change:
    """Changes what the first page says of itself; numbers as objects of their own where a callable gives them."""

    def change(pdf: Pdf) -> None:
        for key, value in entries.items():
            pdf.pages[0].obj["/" + key] = value(pdf) if callable(value) else value

    return change


def own_numbers(pdf: Pdf) -> Array:
    """A rectangle whose numbers are objects of their own."""
    return Array([pdf.make_indirect(Object.parse(b"%d" % edge)) for edge in (0, 0, 400, 300)])


@pytest.mark.parametrize(
    ("change", "rect"),
    [
        pytest.param(page(MediaBox=own_numbers), (100, 200, 180, 240), id="numbers of their own"),
        pytest.param(page(CropBox=Object.parse(b"[500 600 50 100]")), (150, 300, 230, 340), id="corners the other way"),
        pytest.param(page(CropBox=Object.parse(b"[7 7 7 7]")), (100, 200, 180, 240), id="a crop of nothing"),
        pytest.param(page(Rotate=Object.parse(b"90.0")), (355, 100, 395, 180), id="turned by a real number"),
        pytest.param(page(Rotate=Object.parse(b"-90")), (200, 662, 240, 742), id="turned the other way"),
        pytest.param(page(UserUnit=2), (50, 100, 90, 120), id="a unit of two points"),
        pytest.param(page(UserUnit=2, Rotate=90), (475, 50, 495, 90), id="a unit of two points, turned"),
        pytest.param(page(UserUnit=Object.parse(b"-3")), (100, 200, 180, 240), id="a unit that is none"),
    ],
)
def test_a_new_field_stands_where_it_was_asked_for(
    change: Change, rect: tuple[float, ...], signer: FileSigner, authority: DemoAuthority
) -> None:
    """The box is in points as the page is seen; the rectangle in the page's own units."""
    request = new(box=(100, 200, 180, 240), appearance=Image(png=DOT))
    signed = sign(changed(build_pdf({}), change), request, signer)

    with pikepdf.open(io.BytesIO(signed)) as read:
        assert tuple(float(edge) for edge in read.Root.AcroForm.Fields[0].Rect) == rect
    assert passes(signed, authority)


def test_a_box_outside_is_refused_with_the_size_of_the_page(signer: FileSigner) -> None:
    """Turned and magnified: the size is the one that is seen."""
    pdf = changed(build_pdf({}), page(MediaBox=Array([0, 0, 100, 200]), UserUnit=2, Rotate=90))
    with pytest.raises(SigningError, match="400 × 200"):
        sign(pdf, new(box=(390, 10, 410, 30)), signer)


# The fast path says yes only where pyHanko would.


def broken_escape(pdf: bytes) -> bytes:
    """A font by a name that no reader can unescape."""
    return pdf.replace(b"/F1", b"/F#")


DECLINED: dict[str, Callable[[bytes], bytes]] = {
    "a generation that is none": lambda pdf: pdf.replace(b"0000000000 65535 f", b"0000000000 65536 f"),
    "a count that is a stream": lambda pdf: re.sub(rb"/Count 1\b", b"/Count 4 0 R", pdf) + b"",
    "a count of nothing": lambda pdf: re.sub(rb"/Count 1\b", b"/Count 0", pdf),
    "a page for a tree": lambda pdf: re.sub(rb"/Type /Pages\b", b"/Type /Page ", pdf),
    "an escape that is none": broken_escape,
}


@pytest.mark.parametrize("kind", DECLINED)
def test_the_fast_path_leaves_to_pyhanko_what_pyhanko_reads_otherwise(kind: str, signer: FileSigner) -> None:
    """Each of these was signed once, and pyHanko could not read it."""
    pdf = build_pdf({})
    odd = DECLINED[kind](pdf)
    order = Order(field="new", level=Level.B_B, at=NOW, new_field=NewField(page=0, box=NOWHERE))

    assert FastPath(signer).sign(pdf, order).startswith(pdf)
    assert odd != pdf
    with pytest.raises(Unusual):
        FastPath(signer).sign(odd, order)


@pytest.mark.parametrize("kind", [0, 1])
def test_the_fast_path_reads_generations_in_streams(kind: int, signer: FileSigner) -> None:
    """A number out of use with a generation beyond 65,535; an object in the file with one other than 0."""
    pdf = build_pdf({})
    start = pdf.rindex(b"startxref")
    rows = [b"\x00" + bytes(4) + (b"\x00\x00\xff\xff" if kind else b"\xff\xff\xff\xff")]
    places = {int(number): at.start() for at in re.finditer(rb"\b(\d+) 0 obj\b", pdf) for number in [at[1]]}
    size = max(places) + 2
    rows += [b"\x01" + places[number].to_bytes(4, "big") + bytes(4) for number in sorted(places)]
    table = pdf.rindex(b"xref\n", 0, start)
    rows.append(b"\x01" + table.to_bytes(4, "big") + (b"\x00\x00\x00\x01" if kind else bytes(4)))
    root = re.search(rb"/Root \d+ 0 R", pdf)
    assert root is not None
    data = b"".join(rows)

    def with_rows(data: bytes) -> bytes:
        head = b"%d 0 obj\n<< /Type /XRef /W [1 4 4] /Size %d %b /Length %d >>\nstream\n" % (size - 1, size, root[0], len(data))
        return pdf[:table] + head + data + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % table

    order = Order(field="new", level=Level.B_B, at=NOW, new_field=NewField(page=0, box=NOWHERE))
    sound = data[:5] + b"\x00\x00\xff\xff" + data[9:-4] + bytes(4)
    assert FastPath(signer).sign(with_rows(sound), order)
    with pytest.raises(Unusual):
        FastPath(signer).sign(with_rows(data), order)


# What refers to nothing.


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
def test_what_refers_to_nothing_still_does_after_signing(
    way: str, level: Level, signer: FileSigner, authority: DemoAuthority
) -> None:
    """A number that the file speaks of and does not have is given to no new object, in no revision."""
    sound = build_pdf({"here": NOWHERE})
    size = int(re.findall(rb"/Size (\d+)", sound)[-1])
    spoken = b"/L [%b]" % b" ".join(b"%d 0 R" % number for number in range(size, size + 9))
    pdf = WAYS[way](sound.replace(b"/Lang (vi-VN)", b"/Lang (vi-VN) " + spoken))
    pdf = re.sub(rb"startxref\n\d+", b"startxref\n%d" % pdf.rindex(b"xref\n0 "), pdf)
    shift = len(pdf) - len(sound)
    pdf = re.sub(
        rb"(\d{10}) 00000 n",
        lambda row: b"%010d 00000 n" % (int(row[1]) + (shift if int(row[1]) > sound.index(b"/Lang (vi-VN)") else 0)),
        pdf,
    )
    request = SignRequest(field="here", level=level)
    signed = sign(pdf, request, signer, timestamper=authority, evidence=authority)

    with pikepdf.open(io.BytesIO(signed)) as read:
        assert [each is None or each == Object.parse(b"null") for each in read.Root.L] == [True] * 9
    assert passes(signed, authority)


# A refusal says what to do.


def locked_by_password(pdf: bytes) -> bytes:
    """Readable for everybody, changeable for the owner."""
    saved = io.BytesIO()
    pikepdf.open(io.BytesIO(pdf)).save(saved, encryption=pikepdf.Encryption(owner="o", user="", R=6))
    return saved.getvalue()


REFUSED: dict[str, tuple[Callable[[bytes], bytes], type[SigningError]]] = {
    "bytes before the header": (lambda pdf: b"junk\n" + pdf, NotAPdf),
    "no PDF": (lambda _: b"PK\x03\x04 a document of another kind", NotAPdf),
    "nothing": (lambda _: b"", NotAPdf),
    "cut off": (lambda pdf: pdf[: len(pdf) // 2], NotAPdf),
    "a table that lies": (lambda pdf: re.sub(rb"/Size \d+", b"/Size 3", pdf), NotAPdf),
    "encrypted": (locked_by_password, EncryptedPdf),
    "pages that are none": (lambda pdf: re.sub(rb"/Kids \[ \d+ 0 R \]", b"/Kids [ 1 0 R ]", pdf), NotASignablePdf),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_says_what_to_do(kind: str, signer: FileSigner) -> None:
    """In Vietnamese first, without a word of a programming language; the key was not asked."""
    spoil, expected = REFUSED[kind]
    with pytest.raises(expected) as refusal:
        sign(spoil(build_pdf({})), new(), _Unasked(signer))

    assert "hãy" in refusal.value.vi
    assert not re.search(r"Error|Exception|NoneType", refusal.value.vi)
    assert str(refusal.value) == f"{refusal.value.vi} / {refusal.value.en}"
    assert not isinstance(refusal.value, HybridPdf)
