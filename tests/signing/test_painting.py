"""What a picture of a field paints, and how much of a page a place takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.verification.page_cover import share
from signing.verification.painting import text_alone

TEXT = [
    b"/Tx BMC q BT /F1 12 Tf 0 g 2 4 Td (100) Tj ET Q EMC",
    b"BT (a \\) f \\( (nested) f) Tj [(x) -120 <66>] TJ T* ET",
    b"q 0 0 100 20 re W n BT /Helv 0 Tf (f) ' ET Q % 0 0 9 9 re f",
    b"",
]
MORE = [
    b"0 0 9 9 re f",
    b"q 1 g 0 0 9 9 re f* Q",
    b"0 0 m 9 9 l S",
    b"/Im0 Do",
    b"BI /W 1 ID x EI",
    b"/Sh sh",
    b"BT (x) Tj ET /G gs",
]


@pytest.mark.parametrize("content", TEXT)
def test_text_is_told_as_text(content: bytes) -> None:
    """Letters in strings, names and comments are no operators."""
    assert text_alone(content)


@pytest.mark.parametrize("content", MORE)
def test_whatever_paints_is_more_than_text(content: bytes) -> None:
    """Areas, lines, pictures, shadings, transparency."""
    assert not text_alone(content)


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(content: bytes) -> None:
    """And an area behind them is always seen, unless a comment or an open string holds it."""
    told = text_alone(content)

    assert told in {True, False}
    if told and b"(" not in content:
        assert not text_alone(content + b"\n0 0 9 9 re f")


@given(st.tuples(*[st.floats(-1e6, 1e6)] * 4), st.tuples(*[st.floats(-1e6, 1e6)] * 4))
def test_a_share_is_a_part(place: tuple[float, ...], box: tuple[float, ...]) -> None:
    """Never more than all, never less than nothing; a page without a size is covered."""
    sides = tuple(sorted(place[::2])), tuple(sorted(place[1::2]))
    rectangle = (sides[0][0], sides[1][0], sides[0][1], sides[1][1])

    assert 0 <= share(rectangle, box) <= 1
    assert share(None, box) == 1
