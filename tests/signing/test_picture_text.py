"""The small reader of pictures: whatever the bytes, an answer; whatever the text, the text."""

import time
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

_PDF = build_pdf({"first": (0, 0, 0, 0)})
_VIEW = Pdf(_PDF).at(0)
_FONTS = {"/Font": {"/F": {"/Type": Name("/Font"), "/Subtype": Name("/Type1"), "/BaseFont": Name("/Helvetica")}}}


def stream(content: bytes, **entries: object) -> Stream:
    data = zlib.compress(content)
    told = {"/Filter": Name("/FlateDecode"), **{"/" + key: value for key, value in entries.items()}}
    return Stream(told, data, 0, len(data))


def read(content: bytes, **more: object) -> Picture:
    return read_picture(_VIEW, stream(content, **{"BBox": [0, 0, 200, 20], "Resources": _FONTS, **more}))


def form(content: bytes, **entries: object) -> Stream:
    return stream(content, **{"Subtype": Name("/Form"), "BBox": [0, 0, 200, 20], **entries})


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
    """Each right of the one before, less what kerning takes, or on a line below it; every other order is told."""
    strings = b" ".join(b"1 0 0 1 %d %d Tm (a) Tj" % place for place in places)
    ordered = all(
        below > 4.5 or (below >= -1 and right > 1) for below, right in ((a[1] - b[1], b[0] - a[0]) for a, b in pairwise(places))
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


@pytest.mark.parametrize(
    "content",
    [
        b"5000 Tc 2 5 Td (1000) Tj",
        b"5000 Tw 2 5 Td (1 000) Tj",
        b'2 5 Td 0 5000 (1000) "',
        b"2 5 Td (1) Tj 5000 Ts (000) Tj",
        b"2 5 Td (1) Tj -5000 Ts (000) Tj",
        b"2 5 Td (1) Tj /F 0.001 Tf (000) Tj",
        b"2 5 Td (1) Tj /F 9000 Tf (000) Tj",
        b"2 5 Td [(1) -900000 (000)] TJ",
        b"2 5 Td (1) Tj 0.001 Tz (000) Tj",
        b"2 5 Td (1) Tj 4000 Tz (000) Tj",
        b"2 5 Td (1) Tj 0.001 0 0 0.001 20 5 Tm (000) Tj",
        b"2 5 Td 1 Tr 500 w (1000) Tj",
        b"300 5 Td (1000) Tj",
        b"2 19.9 Td (1000) Tj",
        b"2 -6 Td (1000) Tj",
        b"20 5 Td (                         91) Tj 5 0 Td (0) Tj",
        *(b"2 5 Td %d Tr (1) Tj ET BT 0 Tr 50 5 Td (000) Tj" % mode for mode in range(4, 8)),
        b"2 5 Td (1) Tj " + b"1" * 400 + b". 0 Td -" + b"1" * 400 + b". 0 Td (000) Tj",
        b"2 5 Td (1) Tj 1e9 0 Td (000) Tj",
        b"2 5 Td (1) Tj 2000000 0 Td (000) Tj",
        b"2 5 Td (1) Tj " + b"9 0 0 9 0 0 cm " * 400 + b"(000) Tj",
    ],
)
def test_what_is_in_the_text_and_not_to_be_seen_is_told(content: bytes) -> None:
    """A thousand of which a reader shows the one: the rest is far off, tiny, blurred, cut off, or upon the rest."""
    assert read(b"BT /F 12 Tf " + content + b" ET").paints


@pytest.mark.parametrize(
    ("clip", "paints"),
    [
        (b"0 0 101 20 re W n", False),
        (b"0 0 1 20 re 199 0 1 20 re W n", True),
        (b"0 0 m 200 0 l 200 20 l h W n", True),
        (b"0.7 0.7 -0.7 0.7 0 0 cm 0 0 200 20 re W n", True),
        (b"0 0 200 20 re W", True),
        (b"0 0 8 20 re W n", True),
    ],
)
def test_what_is_cut_off_is_told(clip: bytes, paints: bool) -> None:
    """One rectangle is followed; what is cut off by others, or by one that leaves little, counts as painting."""
    found = read(clip + b" BT /F 12 Tf 2 5 Td (1) Tj 130 0 Td (000) Tj ET")

    assert (found.cut or paints, found.paints) == (True, paints)


@pytest.mark.parametrize(
    "content",
    [
        b"/Tx BMC q 0 0 200 20 re W n BT /F 12 Tf 0 g 2 5 Td (1000) Tj ET Q EMC",
        b"q 1 1 198 18 re W n 2 2 196 16 re W n BT /F 12 Tf 2 5 Td [(1) 60 (0) -120 (00)] TJ ET Q",
        b"BT /F 12 Tf 40 Tc 20 5 Td (1000) Tj ET",
        b"BT /F 12 Tf 20 5 Td (1) Tj 50 0 Td (0) Tj 50 0 Td (0) Tj 50 0 Td (0) Tj ET",
        b"BT 12 0 0 12 2 5 Tm /F 1 Tf 80 Tz (1000) Tj ET",
        b"BT /F 4 Tf 2 5 Td (1000) Tj ET",
        b"BT /F 12 Tf 0.2 Tc 1 Ts 2 5 Td 2 Tr 0.3 w (1000) Tj ET",
        b"q 0.5 0 0 0.5 10 2 cm BT /F 20 Tf 2 5 Td (10) Tj (00) Tj ET Q",
    ],
)
def test_numbers_as_programs_write_them_are_plain(content: bytes) -> None:
    """Marked and clipped, kerned, in combs, by the matrix, small, bold, made smaller."""
    found = read(content)

    assert ("".join(found.text), found.paints, found.plain, found.cut) == ("1000", False, True, False)


@pytest.mark.parametrize(
    ("first", "widths", "doubted"),
    [
        (0x30, [556] * 10, False),
        (0x31, [900_000], True),
        (0x30, [0] * 10, True),
        (0x31, [556], True),
        (0x30, [200] * 10, True),
    ],
)
def test_widths_that_no_digits_have_are_told(first: int, widths: list[int], doubted: bool) -> None:
    """By widths that a font gives for itself readers put signs far from, or upon, each other."""
    font = {**_FONTS["/Font"]["/F"], "/FirstChar": first, "/Widths": widths}

    assert read(b"BT /F 12 Tf 2 5 Td (1000) Tj ET", Resources={"/Font": {"/F": font}}).paints is doubted


@pytest.mark.parametrize(
    ("outer", "entries"),
    [
        (b"0.001 0 0 0.001 0 0 cm /X Do", {}),
        (b"1 0 0 1 5000 0 cm /X Do", {}),
        (b"/X Do", {"Matrix": [0.001, 0, 0, 0.001, 0, 0]}),
        (b"/X Do", {"BBox": [0, 0, 8, 20]}),
        (b"/X Do", {"OC": {"/Type": Name("/OCG")}}),
        (b"5000 Tc /X Do", {}),
        (b"0.7 0.7 -0.7 0.7 0 0 cm /X Do", {}),
    ],
)
def test_a_picture_inside_is_seen_through_the_one_around_it(outer: bytes, entries: dict[str, object]) -> None:
    """Its size, place and cut are those of both."""
    inner = form(b"BT /F 12 Tf 2 5 Td (1000) Tj ET", Resources=_FONTS, **entries)
    found = read(outer, Resources={**_FONTS, "/XObject": {"/X": inner}})

    assert found.paints or found.cut
    assert read(b"/X Do", Resources={"/XObject": {"/X": form(b"BT /F 9 Tf 2 5 Td (1) Tj ET", Resources=_FONTS)}}) == Picture(
        ["1"]
    )


def test_two_pictures_inside_stand_in_their_order() -> None:
    """One text over both: the second may not stand left of the first."""
    inner = {"/A": form(b"BT /F 12 Tf 2 5 Td (5) Tj ET"), "/B": form(b"BT /F 12 Tf 2 5 Td (.0) Tj ET")}
    forms = {**_FONTS, "/XObject": inner}

    assert read(b"q 1 0 0 1 60 0 cm /A Do Q /B Do", Resources=forms).paints
    assert not read(b"/A Do q 1 0 0 1 60 0 cm /B Do Q", Resources=forms).paints


@pytest.mark.parametrize(("place", "paints"), [((0, 0, 200, 20), False), ((0, 0, 300, 15), False), ((0, 0, 9, 20), True)])
def test_a_picture_is_as_small_as_its_place(place: tuple[float, ...], paints: bool) -> None:
    """What is pressed into a strip on the page nobody reads."""
    content = stream(b"BT /F 12 Tf 2 5 Td (1000) Tj ET", BBox=[0, 0, 200, 20], Resources=_FONTS)

    assert read_picture(_VIEW, content, (), place).paints is paints


def test_operators_count_through_all_pictures_inside() -> None:
    """A hundred times a hundred times a hundred: stopped after the first twenty thousand, in no time."""
    below = form(b"n " * 100)
    above = form(b"/B Do " * 100, Resources={"/XObject": {"/B": below}})
    began = time.process_time()

    assert read(b"/A Do " * 100, Resources={"/XObject": {"/A": above}}).paints
    assert time.process_time() - began < 1


def table(content: bytes) -> Picture:
    """A text of one code of two bytes in a font with this table of characters."""
    font = {"/Type": Name("/Font"), "/Subtype": Name("/Type0"), "/ToUnicode": stream(content)}
    return read_picture(
        Pdf(_PDF).at(0),
        stream(b"/F 9 Tf " * 500 + b"BT 2 5 Td <0001> Tj ET", BBox=[0, 0, 200, 20], Resources={"/Font": {"/F": font}}),
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"1 beginbfchar <0001> <0031> endbfchar", "1"),
        (b"1 beginbfchar\n<00 01>\r\n<00\t31>endbfchar", "1"),
        (b"1 beginbfrange <0000> <0003> <0030> endbfrange", "1"),
        (b"1 beginbfrange <0000> <0003> [<0030> <0031>] endbfrange", "1"),
        (b"1 beginbfchar <0001\v> <0031> endbfchar", ""),
        (b"1 beginbfchar <  > <0031> endbfchar", ""),
        (b"beginbfrange " + b"<0000><ffff><0041>\n" * 26_000 + b"endbfrange", ""),
        (b"beginbfchar" * 47_000, ""),
        (b"beginbfrange " + b"<00><01>[" * 50_000 + b" endbfrange", ""),
        (b"beginbfrange " + b"<00><01>[<" * 50_000 + b" endbfrange", ""),
    ],
)
def test_a_table_of_characters_is_read_in_a_moment(content: bytes, text: str) -> None:
    """Whatever it holds, and however often its font is asked for: read once, to a bound, or not at all."""
    began = time.process_time()
    found = table(content)

    assert ("".join(found.text), found.readable) == (text, bool(text))
    assert time.process_time() - began < 2
