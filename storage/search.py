"""Find names without typing their diacritics, with the same hits in every database."""

import unicodedata

# These letters have no decomposition: the stroke is part of the letter. U+00D0 is what some old keyboards give for Đ.
_STROKES = str.maketrans({"đ": "d", "Đ": "d", "ð": "d", "Ð": "d"})


def search_key(text: str) -> str:
    """The text without marks and case, single spaces: "Đỗ  Thị ÁNH" becomes "do thi anh"."""
    bare = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return " ".join(bare.translate(_STROKES).casefold().split())
