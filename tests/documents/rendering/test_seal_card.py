"""What is seen of a seal: 36 mm, red, the unit's name around it and below it with the time."""

import subprocess
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from documents import LetterNotInFont, seal_card
from documents.errors import BadData

LOCAL = timezone(timedelta(hours=7))
AT = datetime(2027, 1, 15, 9, 30, 5, 123456, tzinfo=LOCAL)
UNIT = "Trường THCS Nguyễn Du"
LONG = "Trường Phổ thông Dân tộc Nội trú Trung học cơ sở và Trung học phổ thông Ẩn Đức"

Ask = Callable[..., str]


def picture(card: bytes, tmp_path: Path) -> Image.Image:
    """Drawn on nothing, 10 dots to the millimetre."""
    (tmp_path / "card.pdf").write_bytes(card)
    subprocess.run(
        ["pdftocairo", "-png", "-transp", "-r", "254", "-singlefile", tmp_path / "card.pdf", tmp_path / "card"],
        check=True,
        timeout=60,
    )
    return Image.open(tmp_path / "card.png").convert("RGBA")


def test_the_card_has_its_exact_size_and_says_unit_and_time(ask: Ask) -> None:
    """One page of 36 x 44 mm; name and local time in ISO 8601 can be read from it; fonts are embedded."""
    card = seal_card(UNIT, AT, demo=True)
    with pikepdf.open(BytesIO(card)) as pdf:
        width, height = (float(edge) for edge in pdf.pages[0].mediabox[2:])
        pages = len(pdf.pages)
    text = ask(card, "pdftotext", "-layout", "{}", "-")

    assert pages == 1
    assert (width, height) == pytest.approx((36 * 72 / 25.4, 44 * 72 / 25.4), abs=0.01)
    assert UNIT in text
    assert "2027-01-15T09:30:05+07:00" in text
    assert all("yes yes yes" in line for line in ask(card, "pdffonts", "{}").splitlines()[2:])


def test_the_seal_is_round_red_and_transparent(tmp_path: Path) -> None:
    """A red ring of 36 mm with nothing behind it: what lies under a seal stays visible."""
    seal = picture(seal_card(UNIT, AT, demo=False), tmp_path).crop((0, 0, 360, 360))
    middle_row = [seal.getpixel((x, 180)) for x in range(360)]
    ring = [x for x, (red, green, blue, alpha) in enumerate(middle_row) if alpha > 200]  # type: ignore[misc]

    assert seal.getpixel((2, 2)) == (0, 0, 0, 0)
    assert ring[0] <= 3
    assert ring[-1] >= 356
    for x in ring:
        red, green, blue, _ = middle_row[x]  # type: ignore[misc]
        assert red > 180
        assert green < 60
        assert blue < 60
    assert seal.getchannel("A").histogram()[0] > 360 * 360 * 0.5


@pytest.mark.parametrize(
    "unit",
    ["A", UNIT, LONG, "W" * 80, "Ẫ" * 80, "THCS " * 15 + "Ẫ"],
    ids=["one", "usual", "long", "wide", "high", "many-words"],
)
def test_any_name_fits_below_the_seal(unit: str, tmp_path: Path, ask: Ask) -> None:
    """However long the name: one page, and no ink on its edges."""
    card = seal_card(unit, AT, demo=True)
    drawn = picture(card, tmp_path)
    below = drawn.crop((0, 362, 360, 440))

    assert ask(card, "pdfinfo", "{}").count("Pages:           1") == 1
    assert below.getchannel("A").getbbox() is not None
    for edge in (below.crop((0, 0, 1, 78)), below.crop((359, 0, 360, 78)), below.crop((0, 77, 360, 78))):
        assert edge.getchannel("A").getbbox() is None


def test_a_trial_seal_is_no_real_one(tmp_path: Path) -> None:
    """The demo's seal carries words that the real one does not."""
    trial, real = (picture(seal_card(UNIT, AT, demo=demo), tmp_path) for demo in (True, False))
    bottom = (150, 298, 210, 330)

    assert trial.crop(bottom).getchannel("A").getbbox() is not None
    assert real.crop(bottom).getchannel("A").getbbox() is None


def test_the_same_seal_is_the_same_file() -> None:
    """Unit, time and trial decide the bytes, nothing else."""
    assert seal_card(UNIT, AT, demo=True) == seal_card(UNIT, AT, demo=True)
    assert len({seal_card(UNIT, AT, demo=True), seal_card(UNIT, AT, demo=False), seal_card(LONG, AT, demo=True)}) == 3


def test_a_time_without_a_zone_is_refused() -> None:
    """09:30 is not a moment until one knows where."""
    with pytest.raises(ValueError, match="zone"):
        seal_card(UNIT, AT.replace(tzinfo=None), demo=True)


@pytest.mark.parametrize("unit", ["", "x" * 81])
def test_a_name_of_no_or_too_many_letters_is_refused(unit: str) -> None:
    """A seal without a name, or one that nobody could read, is not drawn."""
    with pytest.raises(BadData):
        seal_card(unit, AT, demo=True)


def test_a_letter_that_the_font_lacks_is_named() -> None:
    """The unit's name is printed whole or not at all."""
    with pytest.raises(LetterNotInFont, match="U\\+5B66"):
        seal_card("Trường 学", AT, demo=True)


@settings(max_examples=20, deadline=None)
@given(unit=st.text(min_size=1, max_size=80))
def test_a_unit_is_drawn_or_refused(unit: str) -> None:
    """Whatever stands in the directory: a card, or our own refusal."""
    try:
        card = seal_card(unit, AT, demo=True)
    except (LetterNotInFont, BadData):
        return

    assert card.startswith(b"%PDF-")
