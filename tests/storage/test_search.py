"""Names are found without typing their marks, and the same ones in both databases."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import search_key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Đỗ Thị Ánh Nguyệt", "do thi anh nguyet"),
        ("Đặng Đình Đức", "dang dinh duc"),
        ("\u00d0inh Hồng Đào", "dinh hong dao"),
        ("  Lê\tƯớc   Ơn ", "le uoc on"),
        ("", ""),
    ],
)
def test_marks_and_strokes_are_folded(name: str, key: str) -> None:
    """Also the stroke of đ, which is part of the letter, and old keyboards' Ð."""
    assert search_key(name) == search_key(unicodedata.normalize("NFD", name)) == key


@given(st.text())
def test_folding_again_changes_nothing_more(text: str) -> None:
    """A key is its own key, so that a search for a key finds it."""
    once = search_key(text)

    assert search_key(once) == once
