"""What was signed can be looked at: the signed bytes themselves, and the pages then and now."""

import hashlib
import io
import time
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from signing import DemoAuthority, Issued, Level, SignRequest, Trust, sign, verify
from signing import Image as Picture
from signing.shown import SignedRevision, compare, draw, page_counts, signed_revisions
from signing.verification.syntax import Name, Ref
from tests.signing.conftest import build_pdf
from tests.signing.updates import Update, stream


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """Our test root."""
    return Trust.load(authority.trust_pem())


@pytest.fixture(scope="module")
def stamp() -> bytes:
    """A blue picture, as a hand signature would be."""
    kept = io.BytesIO()
    Image.new("RGB", (80, 30), (20, 40, 180)).save(kept, "PNG")
    return kept.getvalue()


@pytest.fixture(scope="module")
def twice_signed(people: Mapping[str, Issued], book_pdf: bytes, stamp: bytes) -> bytes:
    """Two people signed one after the other, each with a visible stamp."""
    first = SignRequest(field="homeroom_teacher_signs", level=Level.B_B, appearance=Picture(png=stamp))
    second = SignRequest(field="principal_signs", level=Level.B_B, appearance=Picture(png=stamp))
    return sign(sign(book_pdf, first, people["homeroom"].signer()), second, people["principal"].signer())


def with_new_words(pdf: bytes) -> bytes:
    """Somebody writes over the page after it was signed."""
    update = Update(pdf)
    page = update.page()
    words = update.add(stream(b"BT /F1 30 Tf 60 500 Td (Diem: 10) Tj ET"))
    before = update.value(page)["/Contents"]
    update.change(page, Contents=[before, Ref(words, 0)])
    return update.bytes()


def revisions(pdf: bytes, trust: Trust) -> tuple[SignedRevision, ...]:
    return signed_revisions(pdf, verify(pdf, trust))


def test_each_signature_gives_back_the_bytes_it_was_made_over(twice_signed: bytes, trust: Trust) -> None:
    """The revision of the first signature is the file as it was then: verified alone, it covers the whole file."""
    first, second = revisions(twice_signed, trust)
    alone = verify(first.content(twice_signed), trust)

    assert (first.fields, second.fields) == (("homeroom_teacher_signs",), ("principal_signs",))
    assert first.sha256 == hashlib.sha256(first.content(twice_signed)).hexdigest()
    assert [(s.field, s.covers_whole_file) for s in alone.signatures] == [("homeroom_teacher_signs", True)]
    assert (first.newest, second.newest) == (False, True)


def test_a_later_stamp_is_told_apart_from_changed_content(twice_signed: bytes, trust: Trust) -> None:
    """The second signature changed nothing of the page, only what stands on it, and where is said."""
    comparison = compare(twice_signed, revisions(twice_signed, trust)[0].length)
    (page,) = comparison.pages
    (box,) = page.boxes

    assert comparison.complete
    assert comparison.findings == ()
    assert page.changed
    assert not page.content_changed
    # The principal's field: 330 to 500 of 595 points across, 120 to 180 of 842 from below.
    assert box.left == pytest.approx(330 / 595, abs=0.08)
    assert box.right == pytest.approx(500 / 595, abs=0.08)
    assert 1 - 180 / 842 - 0.02 <= box.top < box.bottom <= 1 - 120 / 842 + 0.02


def test_words_written_over_a_signed_page_are_seen(twice_signed: bytes, trust: Trust) -> None:
    """New content on a signed page: the page, and the place on it."""
    changed = with_new_words(twice_signed)
    comparison = compare(changed, revisions(changed, trust)[-1].length)
    (page,) = comparison.pages
    (box,) = page.boxes

    assert page.content_changed
    assert box.kind == "content"
    assert 1 - 530 / 842 - 0.02 <= box.top < box.bottom <= 1 - 495 / 842 + 0.02


def test_the_newest_revision_shows_no_difference(twice_signed: bytes, trust: Trust) -> None:
    """Nothing came after: nothing is outlined."""
    comparison = compare(twice_signed, revisions(twice_signed, trust)[-1].length)

    assert comparison.complete
    assert not any(page.changed for page in comparison.pages)


def test_differences_are_outlined_in_the_pictures(twice_signed: bytes, trust: Trust) -> None:
    """Before: the page without the words. After: with them, in a red frame. Both are PNGs of one size."""
    changed = with_new_words(twice_signed)
    pictures = draw(changed, revisions(changed, trust)[-1].length, 1)
    assert pictures.before is not None
    assert pictures.after is not None
    before, after = (Image.open(io.BytesIO(png)).convert("RGB") for png in (pictures.before, pictures.after))

    assert before.size == after.size == (1000, 1416)
    for picture in (before, after):
        pixels = picture.tobytes()
        reds = sum(r > 150 and g < 90 and b < 90 for r, g, b in zip(pixels[::3], pixels[1::3], pixels[2::3], strict=True))
        assert reds > 500
    assert pictures.before != pictures.after


def test_a_page_that_was_added_or_taken_away_is_told() -> None:
    """Another number of pages is a finding, and the page counts as changed."""
    pdf = build_pdf({}, pages=2)
    update = Update(pdf)
    root = update.value(update.catalog)["/Pages"]
    assert isinstance(root, Ref)
    kids = update.value(root.number)["/Kids"]
    assert isinstance(kids, list)
    update.change(root.number, Kids=kids[:1], Count=1)
    shorter = update.bytes()
    comparison = compare(shorter, len(pdf))

    assert (comparison.pages_before, comparison.pages_after) == (2, 1)
    assert [each.code for each in comparison.findings] == ["PAGE_COUNT_CHANGED"]
    assert (comparison.pages[1].in_before, comparison.pages[1].in_after) == (True, False)
    assert comparison.pages[1].content_changed
    assert page_counts(shorter, [len(pdf), len(shorter)]) == {len(pdf): 2, len(shorter): 1}


def test_of_a_long_file_the_first_pages_are_compared_and_the_rest_is_told() -> None:
    """Fifty pages, then a sentence: never silence."""
    pdf = build_pdf({}, pages=53)
    comparison = compare(pdf, len(pdf), seconds=60)

    assert len(comparison.pages) == 50
    assert [each.code for each in comparison.findings] == ["PAGES_CUT"]
    assert not comparison.complete


def test_a_page_that_takes_for_ever_is_stopped() -> None:
    """A drawing that calls itself forty times over and over: the process is ended, and that is said."""
    update = Update(build_pdf({}))
    form: dict[str, object] = {"Type": Name("/XObject"), "Subtype": Name("/Form"), "BBox": [0, 0, 595, 842]}
    inner = update.add(stream(b"0 0 m 500 800 l S " * 2000, **form))
    for _ in range(5):
        drawing = b"/X Do " * 40
        inner = update.add(stream(drawing, **form, Resources={"/XObject": {"/X": Ref(inner, 0)}}))
    page = update.page()
    update.change(page, Contents=Ref(update.add(stream(b"/X Do")), 0), Resources={"/XObject": {"/X": Ref(inner, 0)}})
    slow = update.bytes()

    began = time.monotonic()
    comparison = compare(slow, len(slow), seconds=4)
    pictures = draw(slow, len(slow), 1, seconds=4)

    assert time.monotonic() - began < 12
    assert {each.code for each in comparison.findings} <= {"PICTURES_STOPPED", "PICTURES_UNREADABLE"}
    assert comparison.findings
    assert pictures.findings


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"no pdf", b"%PDF-1.4\n" + b"\xff" * 1000])
def test_what_is_no_pdf_gives_a_finding(content: bytes) -> None:
    """Never an exception."""
    comparison = compare(content, len(content))
    pictures = draw(content, len(content), 1)

    assert [each.code for each in comparison.findings] == ["PICTURES_UNREADABLE"]
    assert [each.code for each in pictures.findings] == ["PICTURES_UNREADABLE"]
    assert page_counts(content, [len(content)]) == {len(content): None}


def test_a_page_of_absurd_size_is_drawn_small_or_not_at_all() -> None:
    """A page of kilometres must not take the memory: pictures have at most three million pixels."""
    update = Update(build_pdf({}))
    update.change(update.page(), MediaBox=[0, 0, 10, 9_000_000])
    huge = update.bytes()
    pictures = draw(huge, len(huge), 1)

    for png in (pictures.before, pictures.after):
        if png is not None:
            width, height = Image.open(io.BytesIO(png)).size
            assert width * height <= 3_100_000


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 100_000), byte=st.integers(0, 255))
def test_damaged_bytes_never_raise(twice_signed: bytes, place: int, byte: int) -> None:
    """Whatever byte is another one, there is an answer with bounds."""
    at = place % len(twice_signed)
    damaged = twice_signed[:at] + bytes([byte]) + twice_signed[at + 1 :]
    comparison = compare(damaged, len(damaged) // 2)

    assert len(comparison.pages) <= 50
    assert all(0 <= box.left <= box.right <= 1 for page in comparison.pages for box in page.boxes)
