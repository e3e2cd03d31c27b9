"""Only a PDF as Typst writes it is edited; what comes out holds every object it held."""

import re
import zlib
from datetime import UTC, datetime
from io import BytesIO

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import Attachment, WrongAttachments
from documents.kind import KINDS
from documents.rendering.attachments import attach
from documents.rendering.errors import BadTemplate
from documents.rendering.objects import Objects, _deflated, points, text
from documents.rendering.typesetting import Typesetter
from tests.documents.rendering.conftest import canonical, example


@pytest.fixture(scope="module")
def laid_out() -> bytes:
    """A sheet as Typst gives it."""
    data = canonical(example("class_book_sheet", "toan-hk1")).decode()
    return Typesetter(root=KINDS, template="class_book_sheet/template.typ").set({"data": data}).pdf


def test_packing_loses_and_changes_nothing(laid_out: bytes) -> None:
    """Object by object, stream by stream, the packed file is the plain one."""
    packed = Objects(laid_out, "x.typ").written()
    with pikepdf.open(BytesIO(laid_out)) as before, pikepdf.open(BytesIO(packed)) as after:
        numbers = [before_object.objgen for before_object in before.objects if before_object.is_indirect]

        assert len(packed) < len(laid_out) * 0.7
        assert len(numbers) > 100
        for number, generation in numbers:
            one, other = before.get_object(number, generation), after.get_object(number, generation)
            assert one.unparse(resolved=True) == other.unparse(resolved=True)
            if isinstance(one, pikepdf.Stream):
                assert one.read_raw_bytes() == other.read_raw_bytes()
        assert after.Root.objgen == before.Root.objgen
        assert str(after.docinfo.Title) == str(before.docinfo.Title)
        assert not after.check_pdf_syntax()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda pdf: pdf[:-30],
        lambda pdf: pdf + b"later",
        lambda pdf: re.sub(rb"/Root \d+ 0 R", b"", pdf),
        lambda pdf: re.sub(rb"startxref\s+\d+", b"startxref\n0", pdf),
        lambda pdf: pdf.replace(b"endobj\n2 0 obj", b"endobx\n2 0 obj", 1),
        lambda pdf: Objects(pdf, "x.typ").written(),
    ],
    ids=["empty", "cut", "longer", "no-root", "astray", "no-end", "packed-already"],
)  # fmt: skip
def test_what_typst_would_not_write_is_refused(spoil: object, laid_out: bytes) -> None:
    """Should a later Typst write otherwise, rendering stops with its reason instead of spoiling a document."""
    assert callable(spoil)
    with pytest.raises(BadTemplate, match=r"x\.typ"):
        Objects(spoil(laid_out), "x.typ")


def test_an_edit_must_find_its_place_exactly_once(laid_out: bytes) -> None:
    """No place and two places are both wrong."""
    book = Objects(laid_out, "x.typ")

    with pytest.raises(BadTemplate, match="0 times"):
        book.edit(book.root, rb"/Nothing", lambda _: b"")
    with pytest.raises(BadTemplate, match="not once"):
        book.edit(book.root, rb"/", lambda _: b"")
    with pytest.raises(BadTemplate, match="no dictionary"):
        book.extend(max(book.bodies) + 1, b"/A 1")
    with pytest.raises(BadTemplate, match="not once"):
        book.number(book.root, b"Nothing")


@pytest.mark.parametrize("name", ["", "a b.pdf", "../x.pdf", "điểm.pdf", "(x).pdf", ".hidden", "a/b", "x" * 101, "data.json"])
def test_a_file_with_an_unusual_name_is_not_attached(name: str, laid_out: bytes) -> None:
    """A name that needs an escape in a PDF, or means something to a file system, is refused."""
    with pytest.raises(WrongAttachments):
        attach(Objects(laid_out, "x.typ"), [Attachment(name=name, content=b"x")], datetime(2027, 1, 1, tzinfo=UTC))


@settings(max_examples=40, deadline=None)
@given(contents=st.lists(st.binary(min_size=1, max_size=3000), max_size=4))
def test_what_is_deflated_inflates_again(contents: list[bytes]) -> None:
    """The borrowed library speaks plain deflate."""
    assert [zlib.decompress(packed) for packed in _deflated(contents)] == contents


@given(value=st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_text_reads_as_it_was_written(value: str) -> None:
    """Vietnamese, quotes, brackets, emoji: all survive as a PDF text string."""
    assert str(pikepdf.Object.parse(text(value))) == value


@given(length=st.floats(min_value=-20000, max_value=20000))
def test_lengths_are_written_to_a_thousandth_of_a_point(length: float) -> None:
    """Never in exponents, never longer than needed."""
    written = points(length).decode()

    assert re.fullmatch(r"-?\d+(\.\d{1,3})?", written)
    assert abs(float(written) - length) <= 0.000501
