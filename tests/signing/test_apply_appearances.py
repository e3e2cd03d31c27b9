"""What is seen where somebody signed, rendered by another program and looked at, pixel by pixel."""

import io
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pikepdf
import pytest
from fontTools.ttLib import TTFont
from PIL import Image as Pictures

from signing import Image, Issued, Level, Page, SignRequest, Text, sign
from signing.apply.appearances import Appearance
from signing.errors import BadAppearance, BadRequest

FONT = Path(__file__).parents[2] / "documents" / "fonts" / "Tinos_400Regular.ttf"
MakePdf = Callable[..., bytes]
Pixels = Callable[[bytes], Pictures.Image]


@pytest.fixture
def seen(tmp_path: Path) -> Pixels:
    """The first page as poppler shows it, one pixel per point."""

    def render(pdf: bytes) -> Pictures.Image:
        (tmp_path / "page.pdf").write_bytes(pdf)
        command = ["pdftoppm", "-r", "72", "-cropbox", "-png", "-singlefile", "page.pdf", "page"]
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
        return Pictures.open(tmp_path / "page.png").convert("RGB")

    return render


def flag(width: int = 80, height: int = 40) -> bytes:
    """Upper half blue, lower half red, a transparent stripe at the right edge."""
    picture = Pictures.new("RGBA", (width, height), (255, 0, 0, 255))
    picture.paste((0, 0, 255, 255), (0, 0, width, height // 2))
    picture.paste((0, 255, 0, 0), (width - 8, 0, width, height))
    content = io.BytesIO()
    picture.save(content, "PNG")
    return content.getvalue()


def signed(pdf: bytes, appearance: Appearance, people: Mapping[str, Issued], **wishes: object) -> bytes:
    """Signed at B-B in the field "here"."""
    request = SignRequest(field="here", level=Level.B_B, appearance=appearance, **wishes)  # type: ignore[arg-type]
    return sign(pdf, request, people["curve"].signer())


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (50, 100, 550, 800)], ids=["whole", "cropped"])
def test_a_picture_stands_upright_where_it_was_asked_for(
    rotate: int, crop: tuple[int, ...] | None, make_pdf: MakePdf, people: Mapping[str, Issued], seen: Pixels
) -> None:
    """The box is given as the page is seen; turned pages (scans) and cropped ones alike."""
    pdf = make_pdf({}, rotate=rotate, crop=crop)
    page = seen(signed(pdf, Image(png=flag()), people, existing_only=False, box=(100, 200, 180, 240)))
    at = page.height - 240  # the box's top, from the top

    assert near(page.getpixel((130, at + 10)), (0, 0, 255))
    assert near(page.getpixel((130, at + 30)), (255, 0, 0))
    assert near(page.getpixel((177, at + 20)), (255, 255, 255))  # transparent
    assert near(page.getpixel((95, at + 20)), (255, 255, 255))


@pytest.mark.parametrize("rotate", [0, 90])
def test_a_picture_fills_a_field_that_was_laid(
    rotate: int, make_pdf: MakePdf, people: Mapping[str, Issued], seen: Pixels
) -> None:
    """Fitted and centred: a field of 100 x 100 shows a picture of 80 x 40 in its middle."""
    page = seen(signed(make_pdf({"here": (100, 100, 200, 200)}, rotate=rotate), Image(png=flag()), people))
    middle = (150, page.height - 150) if rotate == 0 else (150, 150)

    assert near(page.getpixel((middle[0] - 30, middle[1] - 15)), (0, 0, 255))
    assert near(page.getpixel((middle[0] - 30, middle[1] + 15)), (255, 0, 0))
    assert near(page.getpixel((middle[0], middle[1] - 40)), (255, 255, 255))


def test_without_an_appearance_the_field_stays_as_it_was_drawn(make_pdf: MakePdf, people: Mapping[str, Issued]) -> None:
    """Nothing of pyHanko's own stamp."""
    request = SignRequest(field="here", level=Level.B_B)
    document = sign(make_pdf({"here": (100, 100, 200, 200)}), request, people["curve"].signer())
    with pikepdf.open(io.BytesIO(document)) as pdf:
        assert "/AP" not in pdf.Root.AcroForm.Fields[0]


def test_a_page_is_shown_as_a_seal_card(make_pdf: MakePdf, people: Mapping[str, Issued], seen: Pixels) -> None:
    """Vector content of another PDF, its text included."""
    with pikepdf.new() as card:
        leaf = card.add_blank_page(page_size=(102, 125))
        leaf.Contents = card.make_stream(b"1 0 0 rg 0 0 102 125 re f")
        content = io.BytesIO()
        card.save(content)
    page = seen(signed(make_pdf({"here": (280, 70, 382, 195)}), Page(pdf=content.getvalue()), people))

    assert near(page.getpixel((285, page.height - 75)), (255, 0, 0))
    assert near(page.getpixel((378, page.height - 190)), (255, 0, 0))
    assert near(page.getpixel((386, page.height - 100)), (255, 255, 255))


LINES = ("TRƯỜNG THCS NGUYỄN DU", "Ký bởi: Vũ Ngọc Quỳnh", "2026-05-31T16:05:09+07:00", "ễ ỉ ữ Ẩ Đ ổ ặ")


@pytest.mark.parametrize("way", ["quick", "pyHanko"])
def test_vietnamese_text_comes_out_whole(way: str, make_pdf: MakePdf, people: Mapping[str, Issued], tmp_path: Path) -> None:
    """Poppler extracts every letter, in order, from a font of 2048 units per em; drawn by us or by pyHanko."""
    pdf = make_pdf({"here": (60, 100, 320, 180)})
    if way == "pyHanko":
        pdf = pdf.replace(b"/Lang (vi-VN)", b"/Lang %\n(vi) ")  # a comment: the quick way declines
    (tmp_path / "text.pdf").write_bytes(signed(pdf, Text(lines=LINES, font=FONT, size=12), people))
    command = ["pdftotext", "-raw", "text.pdf", "-"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout.decode()

    assert TTFont(FONT)["head"].unitsPerEm == 2048
    assert [line for line in LINES if line not in said] == []


def test_long_lines_shrink_into_the_field(make_pdf: MakePdf, people: Mapping[str, Issued], seen: Pixels) -> None:
    """Nothing is drawn outside of it."""
    text = Text(lines=("Trường Trung học cơ sở Nguyễn Bỉnh Khiêm, phường Lê Chân, thành phố Hải Phòng",), font=FONT, size=30)
    page = seen(signed(make_pdf({"here": (100, 300, 250, 340)}), text, people))
    dark = [
        (x, y)
        for x in range(page.width)
        for y in range(page.height - 400, page.height - 250)
        if sum(page.getpixel((x, y))) < 380  # type: ignore[arg-type]
    ]

    assert dark
    assert min(x for x, _ in dark) >= 100
    assert max(x for x, _ in dark) <= 250


def test_an_appearance_may_hold_text_over_a_picture(make_pdf: MakePdf, people: Mapping[str, Issued], seen: Pixels) -> None:
    """The seal's way: picture under, lines over it."""
    text = Text(lines=("ĐÃ KÝ",), font=FONT, size=12, image=flag())
    page = seen(signed(make_pdf({"here": (100, 300, 180, 340)}), text, people))

    assert near(page.getpixel((104, page.height - 336)), (0, 0, 255))


BOMB = io.BytesIO()
Pictures.new("L", (9000, 9000)).save(BOMB, "PNG")


@pytest.mark.parametrize(
    "appearance",
    [
        Image(png=b"no picture"),
        Image(png=flag()[:100]),
        Image(png=BOMB.getvalue()),
        Image(png=flag().replace((80).to_bytes(4, "big") + (40).to_bytes(4, "big"), (65535).to_bytes(4, "big") * 2)),
        Page(pdf=b"%PDF-1.7 no"),
        Text(lines=("chữ Hán 漢",), font=FONT),
        Text(lines=(), font=FONT),
        Text(lines=("a",), font=Path("/nowhere.ttf")),
    ],
    ids=[
        "no picture",
        "cut",
        "huge",
        "said to be four thousand million pixels",
        "no page",
        "letter the font lacks",
        "no lines",
        "no font",
    ],
)
def test_what_cannot_be_shown_is_refused(appearance: Appearance, make_pdf: MakePdf, people: Mapping[str, Issued]) -> None:
    """Before the key is used, with words for a clerk."""
    with pytest.raises(BadAppearance):
        signed(make_pdf({"here": (100, 100, 200, 200)}), appearance, people)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_pictures_of_every_mode_are_drawn(mode: str, make_pdf: MakePdf, people: Mapping[str, Issued], seen: Pixels) -> None:
    """CMYK comes as JPEG; all else as PNG."""
    picture = Pictures.new("RGB", (40, 40), (0, 0, 0)).convert(mode)
    content = io.BytesIO()
    picture.save(content, "JPEG" if mode == "CMYK" else "PNG")
    page = seen(signed(make_pdf({"here": (100, 300, 140, 340)}), Image(png=content.getvalue()), people))

    assert near(page.getpixel((120, page.height - 320)), (0, 0, 0))


@pytest.mark.parametrize("box", [(500, 500, 700, 600), (10, 10, 10, 50), (-5, 10, 50, 50)])
def test_a_box_outside_of_the_page_is_refused(
    box: tuple[float, float, float, float], plain_pdf: bytes, people: Mapping[str, Issued]
) -> None:
    """A signature nobody would see."""
    with pytest.raises(BadRequest):
        signed(plain_pdf, Image(png=flag()), people, existing_only=False, box=box)


def near(found: object, wanted: tuple[int, int, int]) -> bool:
    """The same colour, but for a renderer's rounding."""
    return isinstance(found, tuple) and all(abs(a - b) < 30 for a, b in zip(found, wanted, strict=True))
