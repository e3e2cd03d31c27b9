"""PDFs to be signed come from outside: odd, broken or meant to harm. Each gives a signature or one clear refusal of ours."""

import io
import re
import socket
import warnings
from collections.abc import Callable, Mapping

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, Object, Pdf, String
from PIL import Image as Pictures

from signing import DemoAuthority, Image, Issued, Level, SignRequest, Trust, sign, verify
from signing.errors import HybridPdf, NoSuchField, NotASignablePdf, SigningError
from signing.keys.file import FileSigner

MakePdf = Callable[..., bytes]
REQUEST = SignRequest(field="here", level=Level.B_B)

# One pixel, for a field that is seen.
_DOT = io.BytesIO()
Pictures.new("RGB", (1, 1), (0, 0, 255)).save(_DOT, "PNG")
DOT = _DOT.getvalue()


@pytest.fixture(scope="module")
def signer(people: Mapping[str, Issued]) -> FileSigner:
    """A quick key."""
    return people["curve"].signer()


def changed(pdf: bytes, change: Callable[[Pdf], None]) -> bytes:
    """The PDF with something done to it."""
    with pikepdf.open(io.BytesIO(pdf)) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore", pikepdf.PageCopyWarning)  # the fields that are broken on purpose
        change(opened)
        saved = io.BytesIO()
        opened.save(saved, static_id=True)
        return saved.getvalue()


def test_a_hybrid_file_is_refused_by_name(make_pdf: MakePdf, signer: FileSigner) -> None:
    """Word writes such files; two readers may see two documents."""
    plain = make_pdf({"here": (10, 10, 50, 50)})
    table = int(plain.rsplit(b"startxref\n", 1)[1].split()[0])
    stream = b"900 0 obj\n<< /Type /XRef /Size 1 /W [1 2 1] /Index [0 1] /Length 4 >>\nstream\n\0\0\0\0\nendstream\nendobj\n"
    head, tail = plain[:table], plain[table:]
    hybrid = head + stream + tail.replace(b"trailer <<", b"trailer << /XRefStm %d" % table, 1)
    hybrid = re.sub(rb"startxref\n\d+", b"startxref\n%d" % (table + len(stream)), hybrid)

    with pytest.raises(HybridPdf):
        sign(hybrid, REQUEST, signer)


@pytest.mark.timeout(60)  # it was minutes
def test_a_table_that_claims_endless_rows_is_refused_at_once(make_pdf: MakePdf, signer: FileSigner) -> None:
    """Rows of no width cost the file nothing and a reader minutes: our own reader is asked first."""
    pdf = make_pdf({"here": (10, 10, 50, 50)}, object_streams=True)
    start = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
    head, stream = pdf[start:].split(b"<<", 1)
    row = re.sub(rb"/W \[[^]]*\]", b"/W [ 0 0 0 ] /Index [ 0 99999999 ]", stream)
    endless = pdf[:start] + head + b"<<" + row

    assert b"99999999" in endless
    with pytest.raises(NotASignablePdf):
        sign(endless, SignRequest(field="new", level=Level.B_B, existing_only=False, page=0, box=(0, 0, 9, 9)), signer)


class _Unasked:
    """A person's key that must not be used: the document is refused before."""

    def __init__(self, signer: FileSigner) -> None:
        self.certificate, self.chain = signer.certificate, signer.chain

    def sign(self, data: bytes, digest: str) -> bytes:
        raise AssertionError(f"the key was asked to sign {len(data)} bytes with {digest}")


def test_what_readers_see_differently_is_refused_before_the_key_is_asked(make_pdf: MakePdf, signer: FileSigner) -> None:
    """An object that no table names is shown by programs that repair files: the reason is told, and nothing was signed."""
    hidden = make_pdf({"here": (10, 10, 50, 50)}) + b"\n4 0 obj\n<< /Type /Catalog >>\nendobj\n"

    with pytest.raises(NotASignablePdf, match="đối tượng không nằm trong bảng tham chiếu"):
        sign(hidden, REQUEST, _Unasked(signer))


def test_object_streams_are_ordinary(make_pdf: MakePdf, signer: FileSigner) -> None:
    """Compressed cross-references are no reason to refuse."""
    pdf = make_pdf({"here": (10, 10, 50, 50)}, object_streams=True)

    assert sign(pdf, REQUEST, signer).startswith(pdf)


def test_no_address_in_a_file_is_ever_asked(
    make_pdf: MakePdf, signer: FileSigner, authority: DemoAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seed value may demand a timestamp from a server of the file's choice."""

    def seeded(pdf: Pdf) -> None:
        pdf.Root.AcroForm.Fields[0].SV = Object.parse(
            b"<< /Type /SV /Ff 0 /TimeStamp << /URL (http://169.254.169.254/) /Ff 1 >> >>"
        )

    asked: list[object] = []

    def ask(*where: object, **_: object) -> None:
        asked.append(where)
        raise OSError("nobody may be asked")

    monkeypatch.setattr(socket, "getaddrinfo", ask)
    monkeypatch.setattr(socket.socket, "connect", ask)
    pdf = changed(make_pdf({"here": (10, 10, 50, 50)}), seeded)
    signed = sign(pdf, SignRequest(field="here", level=Level.B_T), signer, timestamper=authority)

    assert signed.startswith(pdf)
    assert asked == []


def loop_in_the_fields(pdf: Pdf) -> None:
    """A field that is its own child."""
    field = pdf.Root.AcroForm.Fields[0]
    field.Kids = Array([field])


def loop_in_the_pages(pdf: Pdf) -> None:
    """A page tree that contains itself."""
    pdf.Root.Pages.Kids.append(pdf.Root.Pages)
    pdf.Root.Pages.Count = 9


def deep_fields(pdf: Pdf) -> None:
    """A form two thousand levels deep."""
    field = pdf.Root.AcroForm.Fields[0]
    for number in range(2000):
        field = pdf.make_indirect(Dictionary(T=String(f"f{number}"), Kids=Array([field])))
    pdf.Root.AcroForm.Fields = Array([field])


def many_fields(pdf: Pdf) -> None:
    """More fields than any school has pupils."""
    pdf.Root.AcroForm.Fields = Array(
        [pdf.make_indirect(Dictionary(T=String(f"f{number}"), FT=Name.Sig)) for number in range(6000)]
    )


def set_to(path: str, value: bytes) -> Callable[[Pdf], None]:
    """Puts a value of the wrong kind somewhere."""

    def change(pdf: Pdf) -> None:
        holder = {
            "form": pdf.Root.AcroForm,
            "field": pdf.Root.AcroForm.Fields[0],
            "root": pdf.Root,
            "page": pdf.pages[0].obj,
        }[path.partition("/")[0]]
        holder["/" + path.partition("/")[2]] = Object.parse(value)

    return change


HOSTILE: dict[str, Callable[[Pdf], None]] = {
    "loop in the fields": loop_in_the_fields,
    "loop in the pages": loop_in_the_pages,
    "deep fields": deep_fields,
    "many fields": many_fields,
    "fields are a number": set_to("form/Fields", b"42"),
    "fields hold rubbish": set_to("form/Fields", b"[ 1 (a) null << >> ]"),
    "form is an array": set_to("root/AcroForm", b"[ ]"),
    "field name is a number": set_to("field/T", b"42"),
    "field type is a string": set_to("field/FT", b"(Sig)"),
    "value is a number": set_to("field/V", b"7"),
    "value is a lie": set_to("field/V", b"<< /Type /Sig /Contents 5 /ByteRange [1 2] >>"),
    "rectangle is short": set_to("field/Rect", b"[1 2]"),
    "rectangle of names": set_to("field/Rect", b"[/a /b /c /d]"),
    "rectangle without end": set_to("field/Rect", b"[0 0 99999999999999999999999.5 1.0]"),
    "lock is rubbish": set_to("field/Lock", b"<< /Action /Sometimes /P 99 >>"),
    "lock is a number": set_to("field/Lock", b"3"),
    "lock without action": set_to("field/Lock", b"<< /P 1 >>"),
    "seed value is rubbish": set_to("field/SV", b"<< /Ff 255 /SubFilter [/nothing] /DigestMethod [(MD5)] /Reasons 4 >>"),
    "permissions are rubbish": set_to("root/Perms", b"<< /DocMDP 5 >>"),
    "rotation of 45": set_to("page/Rotate", b"45"),
    "rotation is a name": set_to("page/Rotate", b"/quarter"),
    "crop box is rubbish": set_to("page/CropBox", b"[1 (a)]"),
    "page is nothing": set_to("field/P", b"(page)"),
    "parent is a number": set_to("page/Parent", b"4"),
    "extensions are rubbish": set_to("root/Extensions", b"4"),
    "version is a lie": set_to("root/Version", b"(nine)"),
    "store of validation data is rubbish": set_to("root/DSS", b"<< /Certs 4 /OCSPs [1 2] >>"),
}


@pytest.mark.parametrize("case", list(HOSTILE))
@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
def test_hostile_structures_give_a_signature_or_our_refusal(
    case: str, level: Level, make_pdf: MakePdf, signer: FileSigner, authority: DemoAuthority
) -> None:
    """Never an exception of a library; and what is signed, our own verification reads as intact."""
    pdf = changed(make_pdf({"here": (10, 10, 50, 50)}), HOSTILE[case])
    request = SignRequest(field="here", level=level, appearance=Image(png=DOT))
    signed = tried(lambda: sign(pdf, request, signer, timestamper=authority, evidence=authority))

    if isinstance(signed, bytes):
        ours = [each for each in verify(signed, Trust.load(authority.trust_pem())).signatures if each.field == "here"]
        assert [each.intact for each in ours] == [True]
    else:
        assert signed.code != "BROKEN_RESULT", signed


def test_a_field_whose_widgets_stand_apart_is_signed(make_pdf: MakePdf, signer: FileSigner) -> None:
    """Other software writes the field and its widget as two objects."""

    def split(pdf: Pdf) -> None:
        field = pdf.Root.AcroForm.Fields[0]
        widget = pdf.make_indirect(Dictionary(Type=Name.Annot, Subtype=Name.Widget, Rect=field.Rect, F=4, Parent=field))
        for key in ("/Rect", "/Subtype", "/Type", "/F", "/P", "/StructParent"):
            del field[key]
        field.Kids = Array([widget])
        pdf.pages[0].Annots = Array([widget])

    pdf = changed(make_pdf({"here": (10, 10, 50, 50)}, rotate=90), split)
    signed = sign(pdf, SignRequest(field="here", level=Level.B_B, appearance=Image(png=DOT)), signer)

    assert signed.startswith(pdf)
    assert b"/Matrix" in signed[len(pdf) :]  # turned upright, though the widget does not name its page


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_random_damage_gives_our_errors_only(data: st.DataObject, book_pdf: bytes, signer: FileSigner) -> None:
    """Bytes cut out, doubled, swapped or replaced, anywhere."""
    start = data.draw(st.integers(9, len(book_pdf) - 1))
    end = data.draw(st.integers(start, min(len(book_pdf), start + 200)))
    instead = data.draw(st.one_of(st.binary(max_size=40), st.just(book_pdf[start:end] * 2), st.just(b"")))
    damaged = book_pdf[:start] + instead + book_pdf[end:]
    signed = tried(lambda: sign(damaged, SignRequest(field="principal_signs", level=Level.B_B), signer))

    assert signed.startswith(damaged) if isinstance(signed, bytes) else " / " in str(signed)


def test_a_text_field_is_no_place_for_a_signature(make_pdf: MakePdf, signer: FileSigner) -> None:
    """It has the right name, but is not a signature field."""
    pdf = changed(make_pdf({"here": (10, 10, 50, 50)}), set_to("field/FT", b"/Tx"))

    with pytest.raises(NoSuchField):
        sign(pdf, REQUEST, signer)


def tried(signing: Callable[[], bytes]) -> bytes | SigningError:
    """The signed document or our refusal; anything else is an error of the test."""
    try:
        return signing()
    except SigningError as refusal:
        return refusal
