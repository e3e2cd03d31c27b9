"""A file proves itself: its attached data, rendered again, give its first revision to the last byte."""

import random
import re
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from documents import Attachment, BadData, BadTemplate, Proof, UnreadableFile, attached, kinds, pins, proves, render
from documents.rendering.revision import MOST_REVISIONS, MOST_UNPACKED, first_revision
from tests.documents.rendering.conftest import canonical, example, example_attachments, listing


def grown(pdf: bytes, times: int = 1) -> bytes:
    """The file with so many later revisions, written by another program."""
    for n in range(times):
        writer = IncrementalPdfFileWriter(BytesIO(pdf))
        writer.root["/Later"] = generic.NumberObject(n)  # type: ignore[no-untyped-call]
        writer.update_root()  # type: ignore[no-untyped-call]
        out = BytesIO()
        writer.write(out)  # type: ignore[no-untyped-call]
        pdf = out.getvalue()
    return pdf


def rewritten(pdf: bytes, change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """The file as somebody else would save it after a change."""
    with pikepdf.open(BytesIO(pdf)) as book:
        change(book)
        out = BytesIO()
        book.save(out, object_stream_mode=pikepdf.ObjectStreamMode.generate, deterministic_id=True)
        return out.getvalue()


@pytest.mark.parametrize("fixture", ["sheet", "volume"])
def test_a_document_proves_itself_before_and_after_later_revisions(fixture: str, request: pytest.FixtureRequest) -> None:
    """Signing only appends: the first revision stays what the data give."""
    pdf = request.getfixturevalue(fixture)
    later = grown(pdf, 3)
    proof = proves(later)

    assert later.startswith(pdf)
    assert first_revision(later) == pdf
    assert proof.answer is Proof.PROVED
    assert proof.kind == {"sheet": "class_book_sheet", "volume": "class_book"}[fixture]
    assert set(proof.depends_on) >= {"typst", "pikepdf", "libqpdf", "layer"}
    assert proves(pdf) == proof


def test_a_volume_of_rendered_sheets_proves_itself_and_them() -> None:
    """The files inside are proved one by one, as the auditor does."""
    names = {"01-toan.pdf": "toan-hk1", "02-gdtc.pdf": "gdtc-hk1"}
    sheets = [
        Attachment(name=name, content=grown(render("class_book_sheet", canonical(example("class_book_sheet", source)))))
        for name, source in names.items()
    ]
    pdf = render("class_book", canonical(listing(example("class_book", "9a-hk1"), sheets)), attachments=sheets)

    assert proves(pdf).answer is Proof.PROVED
    assert [proves(file.content).answer for file in attached(pdf)[:2]] == [Proof.PROVED] * 2


def test_other_pages_over_honest_data_differ() -> None:
    """A page that shows other marks than the attached data is found out."""
    honest = example("class_book_sheet", "toan-hk1")
    forged = example("class_book_sheet", "toan-hk1")
    forged["pupils"][0]["average"] = "10.0"
    shown = render("class_book_sheet", canonical(forged))

    def put_honest_data(book: pikepdf.Pdf) -> None:
        book.Root.AF[0].EF.F.write(canonical(honest))

    proof = proves(rewritten(shown, put_honest_data))

    assert proof.answer is Proof.DIFFERS
    assert proof.code == "BYTES_DIFFER"
    assert proof.differs_at is not None
    assert proof.vi in str(proof)
    assert proof.en in str(proof)
    assert "typst" in proof.en


@pytest.mark.parametrize(
    "change",
    [
        lambda book: book.pages[0].contents_add(b"1 0 0 rg 0 0 99 99 re f"),
        lambda book: setattr(book.pages[0].obj, "Rotate", 90),
        lambda book: setattr(book.Root.AcroForm.Fields[0], "Rect", pikepdf.Array([0, 0, 9, 9])),
        lambda book: setattr(book.Root, "OpenAction", pikepdf.Dictionary(S=pikepdf.Name.URI)),
        lambda book: setattr(book.docinfo, "Title", "khác"),
    ],
    ids=["content", "rotation", "field", "action", "title"],
)
def test_any_change_of_the_first_revision_differs(change: Callable[[pikepdf.Pdf], None], sheet: bytes) -> None:
    """Nothing of the file lies outside the comparison."""
    changed = rewritten(sheet, change)

    assert changed != sheet
    assert proves(changed).answer is Proof.DIFFERS


def test_a_volume_whose_sheet_was_exchanged_differs(volume: bytes) -> None:
    """A listed digest that is not the attached file's is told by the file's name."""

    def exchange(book: pikepdf.Pdf) -> None:
        name = example_attachments()[0].name
        book.attachments[name].obj.EF.F.write(b"%PDF-1.7 another")

    proof = proves(rewritten(volume, exchange))

    assert proof.answer is Proof.DIFFERS
    assert proof.code == "WRONG_ATTACHMENTS"
    assert example_attachments()[0].name in proof.vi


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{}", "UNREADABLE_FILE"),
        (b"[1]", "BAD_DATA"),
        (b'{"kind": "diploma"}', "UNREADABLE_FILE"),
        (b'{"kind": ["class_book"]}', "UNREADABLE_FILE"),
        (b'{"kind": "class_book"}', "BAD_DATA"),
        (b"\x00\xff", "BAD_DATA"),
    ],
)
def test_data_of_no_kind_of_ours_are_not_ours(data: bytes, code: str, sheet: bytes) -> None:
    """Other data under our name are told apart from a failed proof."""
    proof = proves(rewritten(sheet, lambda book: book.Root.AF[0].EF.F.write(data)))

    assert (proof.answer, proof.code) == (Proof.NOT_OURS, code)
    assert proof.vi != proof.en


def minimal(*, trailer: bytes = b"", extra: bytes = b"") -> bytes:
    """A small stranger's PDF with a cross-reference table."""
    bodies = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>", b"<</Type/Page/Parent 2 0 R>>"]
    out, places = b"%PDF-1.7\n", []
    for n, body in enumerate(bodies, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    out += extra
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return out + b"xref\n0 4\n0000000000 65535 f \n%strailer\n<</Size 4/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (
        table,
        trailer,
        len(out),
    )


def encrypted(pdf: bytes) -> bytes:
    with pikepdf.open(BytesIO(pdf)) as book:
        out = BytesIO()
        book.save(out, encryption=pikepdf.Encryption(owner="a", user="b"))
        return out.getvalue()


@pytest.mark.parametrize(
    "make",
    [
        lambda _: b"",
        lambda _: b"PK\x03\x04",
        lambda _: b"%PDF-1.7",
        lambda _: minimal(),
        lambda _: minimal(trailer=b"/Prev 9999999999"),
        lambda _: minimal(trailer=b"/Prev 0"),
        lambda _: minimal(trailer=b"/Prev 10"),
        lambda sheet: sheet[: len(sheet) // 2],
        lambda sheet: sheet[:-20],
        lambda sheet: sheet + b"x" * 10_000,
        lambda sheet: re.sub(rb"startxref\n\d+", b"startxref\n1", sheet),
        lambda sheet: re.sub(rb"startxref\n\d+", b"startxref\n99999999", sheet),
        encrypted,
        lambda sheet: rewritten(sheet, lambda book: book.Root.__delitem__("/Names")),
    ],
    ids=[
        "empty", "zip", "head-only", "stranger", "prev-ahead", "prev-0", "prev-astray", "half", "no-end", "long-tail",
        "xref-astray", "xref-beyond", "encrypted", "no-names",
    ],
)  # fmt: skip
def test_a_file_that_is_not_ours_is_called_so(make: Callable[[bytes], bytes], sheet: bytes) -> None:
    """Broken, foreign, encrypted: one answer with a reason in both languages, never an exception."""
    proof = proves(make(sheet))

    assert proof.answer is Proof.NOT_OURS
    assert proof.vi
    assert proof.en
    assert proof.vi != proof.en


def test_attachments_are_those_of_the_first_revision(volume: bytes) -> None:
    """A later revision that exchanges data.json changes nothing of what is read."""
    writer = IncrementalPdfFileWriter(BytesIO(volume))
    for held in writer.root["/AF"]:
        reference = held.get_object()["/EF"].raw_get("/F")
        stream = reference.get_object()
        stream._data, stream._encoded_data = b"{}", None
        writer.mark_update(reference)
    out = BytesIO()
    writer.write(out)  # type: ignore[no-untyped-call]
    later = out.getvalue()
    with pikepdf.open(BytesIO(later)) as shown:
        assert shown.attachments["data.json"].get_file().read_bytes() == b"{}"

    assert attached(later) == attached(volume)
    assert proves(later).answer is Proof.PROVED


def test_a_chain_of_too_many_revisions_is_refused() -> None:
    """Someone who appends a thousand empty revisions gets no thousand reads."""
    pdf = minimal()
    for _ in range(MOST_REVISIONS + 1):
        previous = int(pdf.rsplit(b"startxref\n", 1)[1].split()[0])
        at = len(pdf)
        pdf += b"xref\n0 0\ntrailer\n<</Size 4/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (previous, at)

    with pytest.raises(UnreadableFile, match=str(MOST_REVISIONS)):
        first_revision(pdf)


def bomb() -> bytes:
    """Far more zeros than we unpack, a few kilobytes long."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1_000_000)) for _ in range(2 * MOST_UNPACKED // 1_000_000)) + packer.flush()


def test_a_bomb_is_not_unpacked(sheet: bytes) -> None:
    """An attachment that unpacks to gigabytes is refused after the first few."""
    import resource

    def plant(book: pikepdf.Pdf) -> None:
        packed = bomb()
        book.Root.AF[0].EF.F.write(packed, filter=pikepdf.Name.FlateDecode)

    with pikepdf.open(BytesIO(sheet)) as book:
        plant(book)
        out = BytesIO()
        book.save(out, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    proof = proves(out.getvalue())
    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    assert proof.answer is Proof.NOT_OURS
    assert grown_kilobytes < 3 * MOST_UNPACKED // 1000


def test_a_bomb_of_objects_is_not_unpacked() -> None:
    """Objects packed in a stream that never ends are refused as well."""
    packed = bomb()
    head = b"%PDF-1.7\n"
    first = len(head)
    objects = b"1 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        len(packed),
        packed,
    )
    table = first + len(objects)
    rows = b"".join(
        kind.to_bytes(1, "big") + place.to_bytes(4, "big") + extra.to_bytes(1, "big")
        for kind, place, extra in ((0, 0, 0), (1, first, 0), (2, 1, 0), (1, table, 0))
    )
    pdf = head + objects
    pdf += b"3 0 obj\n<</Type/XRef/Size 4/Root 2 0 R/W[1 4 1]/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        len(rows),
        rows,
    )
    pdf += b"startxref\n%d\n%%%%EOF\n" % table

    assert proves(pdf).answer is Proof.NOT_OURS


def test_too_many_attachments_are_refused(sheet: bytes) -> None:
    """A file with a thousand attachments is none of ours."""

    def plant(book: pikepdf.Pdf) -> None:
        for n in range(200):
            book.attachments[f"{n}.txt"] = b"x"

    assert proves(rewritten(sheet, plant)).answer is Proof.NOT_OURS


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_a_spoilt_file_never_proves_and_never_fails(seed: int) -> None:
    """Bytes overwritten, cut or doubled at random: an answer, and never "proved" for another first revision."""
    chance = random.Random(seed)  # noqa: S311 - which bytes are spoilt is no secret
    whole = SPOILT.setdefault("pdf", grown(render("class_book_sheet", canonical(example("class_book_sheet", "toan-hk1")))))
    pdf = bytearray(whole)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(pdf))
        match chance.randrange(3):
            case 0:
                pdf[at] = chance.randrange(256)
            case 1:
                del pdf[at : at + chance.randrange(1, 2000)]
            case _:
                pdf[at:at] = pdf[at : at + chance.randrange(1, 200)]
    proof = proves(bytes(pdf))

    assert proof.answer in set(Proof)
    if proof.answer is Proof.PROVED:
        assert bytes(pdf).startswith(first_revision(whole))


SPOILT: dict[str, bytes] = {}


def test_every_example_proves_itself() -> None:
    """Whatever kind comes next is proved by rendering, too."""
    for kind in kinds().values():
        files = [
            Attachment(name=path.name, content=path.read_bytes())
            for path in sorted(Path(kind.folder / "examples/attached").glob("*"))
        ]
        for path in sorted((kind.folder / "examples").glob("*.json")):
            assert proves(render(kind.name, path.read_bytes(), attachments=files)).answer is Proof.PROVED


def test_a_document_proves_by_what_its_case_pinned() -> None:
    """When template or schema have changed since, the pinned ones prove the document and today's do not."""
    then = dict(pins("class_book_sheet"))
    then["template.typ"] = then["template.typ"].replace("GIÁO VIÊN BỘ MÔN".encode(), "GIÁO VIÊN".encode())
    then["schema.json"] = then["schema.json"].replace(b'"maxItems": 70', b'"maxItems": 7')
    data = example("class_book_sheet", "toan-hk1")
    data["pupils"] = data["pupils"][:7]
    old = render("class_book_sheet", canonical(data), pinned=then)

    assert proves(old, pinned=then).answer is Proof.PROVED
    assert proves(old).answer is Proof.DIFFERS
    assert render("class_book_sheet", canonical(data), pinned=pins("class_book_sheet")) != old
    assert proves(render("class_book_sheet", canonical(data)), pinned=pins("class_book_sheet")).answer is Proof.PROVED
    with pytest.raises(BadData):
        render("class_book_sheet", canonical(example("class_book_sheet", "toan-hk1")), pinned=then)


def test_incomplete_pins_are_named() -> None:
    """Half a template is none."""
    data = canonical(example("class_book_sheet", "toan-hk1"))

    with pytest.raises(BadTemplate, match="unknown variable"):
        render("class_book_sheet", data, pinned={**pins("class_book_sheet"), "page.typ": b""})
    with pytest.raises(BadTemplate, match=r"schema\.json, kind\.toml"):
        render("class_book_sheet", data, pinned={"template.typ": b"", "page.typ": b""})
