"""What a file says of itself is shown so that nobody takes it for our own words."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.visible import visible, visible_json

anything = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Nguyễn Thị Ánh Tuyết", "Nguyễn Thị Ánh Tuyết"),
        ("b\n  principal_signs: HỢP LỆ / VALID", r"b\u{a}  principal_signs: HỢP LỆ / VALID"),
        ("\x1b[2J\x9b1A", r"\u{1b}[2J\u{9b}1A"),
        ("\u202efdp.exe", r"\u{202e}fdp.exe"),
        ("a\u2028b\u2066c\u200bd\ud800e\x00", r"a\u{2028}b\u{2066}c\u{200b}d\u{d800}e\u{0}"),
    ],
)
def test_what_is_hidden_is_shown(text: str, shown: str) -> None:
    """Lines, escapes, directions, widths, halves of letters."""
    assert visible(text) == shown


@given(anything)
def test_nothing_that_is_shown_moves_anything(text: str) -> None:
    """No control, no format character, no separator of lines is left; it can be written in UTF-8."""
    shown = visible(text)
    shown.encode()

    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.bidirectional(each) for each in shown} & {
        "LRE",
        "RLE",
        "LRO",
        "RLO",
        "PDF",
        "LRI",
        "RLI",
        "FSI",
        "PDI",
        "BN",
    }
    assert not {unicodedata.category(each) for each in shown} & {"Cc", "Zl", "Zp", "Cs"}


@given(st.recursive(anything | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(anything, inner)))
def test_json_stays_the_same_value(value: object) -> None:
    """And holds no hidden character in its text."""
    text = visible_json(json.dumps(value, ensure_ascii=False))

    assert json.loads(text) == value
    assert visible(text) == text
