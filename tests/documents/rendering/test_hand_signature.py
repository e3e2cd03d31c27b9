"""Made-up hand signatures: blue ink on nothing, one for each name."""

from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from documents import hand_signature


def opened(name: str) -> Image.Image:
    picture = Image.open(BytesIO(hand_signature(name)))
    picture.load()
    return picture


def test_a_signature_is_blue_ink_on_nothing() -> None:
    """A transparent PNG whose every dot is the same blue, only more or less of it (ND 30/2020: blue, .png)."""
    picture = opened("Nguyễn Thị Mai")
    red, green, blue, alpha = picture.split()

    assert picture.format == "PNG"
    assert (picture.mode, picture.size) == ("RGBA", (600, 240))
    assert red.getextrema()[1] < blue.getextrema()[0]  # type: ignore[operator]
    assert green.getextrema()[1] < blue.getextrema()[0]  # type: ignore[operator]
    assert alpha.getextrema() == (0, 255)
    assert alpha.histogram()[0] > 600 * 240 * 0.85


def test_a_name_has_one_signature_and_no_other_name_has_it() -> None:
    """The same name signs the same way every time."""
    names = ["Nguyễn Thị Mai", "Nguyễn Thị Mây", "Đỗ Quang Minh", "Lê Thị Hoa", "Lý"]

    assert hand_signature(names[0]) == hand_signature(names[0])
    assert len({hand_signature(name) for name in names}) == len(names)


@settings(max_examples=25, deadline=None)
@given(name=st.text(max_size=40))
def test_no_signature_is_cut_off(name: str) -> None:
    """The pen stays inside the picture."""
    left, top, right, bottom = opened(name).getchannel("A").getbbox() or (0, 0, 0, 0)

    assert left > 0
    assert top > 0
    assert right < 600
    assert bottom < 240


def test_signatures_are_made_up_only_in_a_demonstration() -> None:
    """Outside of it a hand signature is its owner's picture."""
    with pytest.raises(ValueError, match="demonstration"):
        hand_signature("Nguyễn Thị Mai", demo=False)
