"""The small reader of pictures: whatever the bytes, an answer; whatever the text, the text."""

import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.verification.faults import BadStructure
from signing.verification.pdf import Pdf
from signing.verification.picture_text import Picture, operators, read_picture
from signing.verification.syntax import Name, Stream
from tests.signing.conftest import build_pdf

_VIEW = Pdf(build_pdf({"first": (0, 0, 0, 0)})).at(0)
_FONTS = {"/Font": {"/F": {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")}}}


def read(content: bytes) -> Picture:
    data = zlib.compress(content)
    entries = {"/BBox": [0, 0, 200, 20], "/Resources": _FONTS, "/Filter": Name("/FlateDecode")}
    return read_picture(_VIEW, Stream(entries, data, 0, len(data)))


@given(st.binary(max_size=400))
def test_any_bytes_get_an_answer(content: bytes) -> None:
    """No bytes raise anything but our own fault, and none of them is taken for a clean text without being one."""
    found = read(content)

    assert found.paints or found.readable
    try:
        list(operators(content))
    except BadStructure:
        assert found.paints


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=60), st.booleans())
def test_text_is_read_as_it_is_written(words: str, in_hexadecimal: bool) -> None:
    """Strings of both notations, with any escapes."""
    plain = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode()
    string = b"<" + words.encode().hex().encode() + b">" if in_hexadecimal else b"(" + plain + b")"
    found = read(b"q 1 1 198 18 re W n BT /F 12 Tf 0 g 2 5 Td " + string + b" Tj ET Q")

    assert ("".join(found.text), found.readable, found.certain, found.paints) == (words, True, True, False)


@given(st.lists(st.tuples(st.integers(0, 190), st.integers(0, 15)), min_size=2, max_size=5, unique=True))
def test_strings_count_as_one_text_only_in_reading_order(places: list[tuple[int, int]]) -> None:
    """Each right of the one before or on a line below it; every other order is told."""
    strings = b" ".join(b"1 0 0 1 %d %d Tm (a) Tj" % place for place in places)
    ordered = all(
        below > 1 or (below >= -1 and right > 0) for below, right in ((a[1] - b[1], b[0] - a[0]) for a, b in pairwise(places))
    )

    assert read(b"BT /F 9 Tf " + strings + b" ET").paints is not ordered


@pytest.mark.parametrize(
    "content",
    [
        b"BT /F 9 Tf 2 5 Td (a) Tj ET /P sh",
        b"BT /F 9 Tf 2 5 Td (a) Tj ET /G gs",
        b"BI /W 1 /H 1 /BPC 8 /CS /G ID x EI BT /F 9 Tf 2 5 Td (a) Tj ET",
        b"/Other Do BT /F 9 Tf 2 5 Td (a) Tj ET",
        b"60 6 20 8 re f BT /F 9 Tf 2 5 Td (a) Tj ET",
        b"BT /F 9 Tf 2 5 Td (a) Tj ET 0 0 200 20 re f",
        b"0 0 200 20 re BT /F 9 Tf 2 5 Td (a) Tj ET f",
        b"BT /F 9 Tf 0 Tz 2 5 Td (a) Tj ET",
        b"/Span /Properties BDC BT /F 9 Tf 2 5 Td (a) Tj ET EMC",
    ],
)
def test_whatever_paints_beside_the_text_is_told(content: bytes) -> None:
    """Shadings, images, forms that are not there, areas in the middle, covers, text without a width."""
    assert read(content).paints


def test_a_picture_of_too_many_operators_is_not_read() -> None:
    """Sixty thousand operators: told as painting, in no time."""
    assert read(b"q Q " * 30_000).paints
