"""What is seen at a signature's place: pictures, text and cards, drawn once and right everywhere."""

import io
import shutil
import subprocess
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pikepdf
import pytest
from PIL import Image

from signing.batch import FastPath, Order, Unusual
from signing.batch.drawings import Card, Picture
from signing.batch.lettering import Lettering, Lines
from signing.batch.typeface import Typeface
from signing.demo import DemoAuthority
from signing.errors import BadAppearance
from signing.levels import Level

NOW = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
FONT = Path(__file__).parents[3] / "documents" / "fonts" / "Tinos_400Regular.ttf"
BOX = (60, 120, 220, 180)
NAMES = ("Nguyễn Thị Ánh Tuyết", "Ặữ ỵộ Đ₫", "KT. HIỆU TRƯỞNG")


@pytest.fixture(scope="module")
def path(people: Any, authority: DemoAuthority) -> FastPath:
    return FastPath(people["curve"].signer(), timestamper=authority, evidence=authority)


@pytest.fixture
def pdf(make_pdf: Any) -> bytes:
    return bytes(make_pdf({"sign": BOX, "next": (300, 120, 460, 180), "archive_timestamp": (0, 0, 0, 0)}))


@pytest.fixture(scope="module")
def lettering() -> Lettering:
    return Lettering(FONT)


def blue(alpha: int = 255) -> bytes:
    saved = io.BytesIO()
    Image.new("RGBA", (40, 20), (20, 40, 200, alpha)).save(saved, "PNG")
    return saved.getvalue()


def card(content: bytes = b"1 0 0 rg 0 0 100 122 re f BT /F 12 Tf 5 5 Td (Seal) Tj ET") -> bytes:
    made = pikepdf.Pdf.new()
    page = made.add_blank_page(page_size=(100, 122))
    font = made.make_indirect(
        pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Courier)
    )
    page.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=made.make_indirect(font)))
    page.Contents = made.make_stream(content)
    saved = io.BytesIO()
    made.save(saved)
    return saved.getvalue()


def shown(pdf: bytes, folder: Path) -> Image.Image:
    """The page as poppler draws it, one pixel per point."""
    if not shutil.which("pdftoppm"):
        pytest.skip("poppler is not installed")
    (folder / "shown.pdf").write_bytes(pdf)
    subprocess.run(["pdftoppm", "-r", "72", "-png", folder / "shown.pdf", folder / "shown"], check=True, timeout=60)
    return Image.open(next(folder.glob("shown-*.png"))).convert("RGB")


def words(file: Path) -> str:
    """The text that poppler takes out."""
    return subprocess.run(["pdftotext", file, "-"], capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("alpha", [255, 128, 0])
def test_a_picture_is_centred_in_its_field(path: FastPath, pdf: bytes, judges: Any, tmp_path: Path, alpha: int) -> None:
    """Its shape is kept, its colour and transparency too."""
    signed = path.sign(pdf, Order(field="sign", at=NOW, drawing=Picture(blue(alpha))))

    judges.all(signed, signatures=1)
    page = shown(signed, tmp_path)
    middle: Any = page.getpixel((140, page.height - 150))
    mixed = tuple(round(ink * alpha / 255 + 255 - alpha) for ink in (20, 40, 200))
    assert all(abs(one - other) <= 3 for one, other in zip(middle, mixed, strict=True))
    assert page.getpixel((140, page.height - 185)) == (255, 255, 255)


def test_a_card_is_drawn_as_it_is(path: FastPath, pdf: bytes, judges: Any, tmp_path: Path) -> None:
    """The first page of another PDF stands in the field, with its fonts."""
    signed = path.sign(pdf, Order(field="sign", at=NOW, level=Level.B_LTA, drawing=Card(card())))

    judges.all(signed, signatures=1, timestamps=1)
    page = shown(signed, tmp_path)
    assert page.getpixel((140, page.height - 165)) == (255, 0, 0)
    assert page.getpixel((70, page.height - 150)) == (255, 255, 255)


def test_vietnamese_text_can_be_read_and_taken_out(
    path: FastPath, pdf: bytes, judges: Any, tmp_path: Path, lettering: Lettering
) -> None:
    """Every letter is there, for the eye and for a program."""
    signed = path.sign(pdf, Order(field="sign", at=NOW, drawing=Lines(NAMES, lettering, under=Picture(blue(40)))))

    judges.all(signed, signatures=1)
    (tmp_path / "text.pdf").write_bytes(signed)
    told = words(tmp_path / "text.pdf")
    assert [line for line in NAMES if line.replace(" ", "") not in told.replace(" ", "")] == []
    assert len(signed) - len(pdf) < 60_000


def test_the_font_grows_with_the_letters_of_a_batch(path: FastPath, pdf: bytes, tmp_path: Path) -> None:
    """A later document's letters are added; earlier ones stay, so that each document reads right."""
    letters = Lettering(FONT)
    for number, line in enumerate(("abc", "ễữ", "abc ễữ", "xyz Đ")):
        signed = path.sign(pdf, Order(field="sign", at=NOW, level=Level.B_B, drawing=Lines((line,), letters)))
        (tmp_path / f"{number}.pdf").write_bytes(signed)
        told = words(tmp_path / f"{number}.pdf")
        assert line in told


def test_a_reduced_font_keeps_its_glyphs() -> None:
    """Widths and outlines of the letters kept are those of the whole font; composites bring their parts along."""
    content = FONT.read_bytes()
    whole = Typeface(content)
    glyphs = {whole.letters[ord(letter)] for letter in "ễ Đ₫W"}

    reduced = whole.reduced(glyphs)

    from fontTools.ttLib import TTFont

    font, original = TTFont(io.BytesIO(reduced)), TTFont(FONT)
    order = original.getGlyphOrder()
    for glyph in glyphs:
        name = order[glyph]
        assert font["hmtx"][font.getGlyphOrder()[glyph]] == original["hmtx"][name]
        one = font["glyf"][font.getGlyphOrder()[glyph]].getCoordinates(font["glyf"])
        assert list(one[0]) == list(original["glyf"][name].getCoordinates(original["glyf"])[0])
    assert {chr(code): glyph for code, glyph in whole.letters.items()} == {
        chr(code): original.getGlyphID(name) for code, name in original.getBestCmap().items()
    }


def test_a_letter_the_font_lacks_is_refused(lettering: Lettering) -> None:
    """It would be drawn as nothing at all."""
    with pytest.raises(BadAppearance, match="漢"):
        Lines(("漢字",), lettering)


@pytest.mark.parametrize("picture", [b"", b"\x89PNG\r\n\x1a\n" + b"x" * 40, b"GIF89a", blue()[:-30]])
def test_a_damaged_picture_is_refused(picture: bytes) -> None:
    """Named as what it is, before anything is signed."""
    with pytest.raises(BadAppearance):
        Picture(picture)


def test_a_turned_page_is_left_to_pyhanko(make_pdf: Any, path: FastPath) -> None:
    """A stamp on a turned page would stand sideways here."""
    with pytest.raises(Unusual, match="turned"):
        path.sign(make_pdf({"sign": BOX}, rotate=90), Order(field="sign", at=NOW, drawing=Picture(blue())))


def test_two_signers_with_the_same_drawing(path: FastPath, pdf: bytes, judges: Any) -> None:
    """The objects are copied for each: the second signature changes nothing of the first."""
    drawing = Card(card())

    signed = path.sign(pdf, Order(field="sign", at=NOW, drawing=drawing, certify=2))
    signed = path.sign(signed, Order(field="next", at=NOW, drawing=drawing))

    judges.all(signed, signatures=2)
