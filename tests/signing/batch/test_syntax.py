"""The narrow reader agrees with a full one, or declines."""

import string
from typing import Any

import pikepdf
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.batch.crossref import undo_predictor
from signing.batch.syntax import dictionary_of, read_array, read_dictionary, text, write_dictionary, write_text
from signing.batch.unusual import Unusual

_NAMES = st.text(string.ascii_letters, min_size=1, max_size=8).map(lambda name: f"/{name}")
_SIMPLE = st.one_of(
    st.integers(-(10**9), 10**9),
    st.booleans(),
    _NAMES.map(pikepdf.Name),
    st.text(max_size=20).map(pikepdf.String),
    st.binary(max_size=20).map(pikepdf.String),
)
_VALUES = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(pikepdf.Array), st.dictionaries(_NAMES, inner, max_size=4).map(pikepdf.Dictionary)
    ),
    max_leaves=20,
)


@given(st.dictionaries(_NAMES, _VALUES, max_size=6))
def test_a_dictionary_is_cut_into_the_values_it_has(values: dict[str, Any]) -> None:
    """Each raw value means what a full reader says it means, and nothing is lost when it is written again."""
    raw = pikepdf.Dictionary(values).unparse()

    read, end = read_dictionary(raw + b" endobj", 0)

    assert end == len(raw)
    assert {key.decode("ascii"): pikepdf.Object.parse(value) for key, value in read.items()} == {
        key: pikepdf.Object.parse(pikepdf.Dictionary({"/V": value}).unparse())["/V"] for key, value in values.items()
    }
    assert dictionary_of(write_dictionary(read)) == read


@given(st.lists(_VALUES, max_size=6))
def test_an_array_is_cut_into_its_elements(values: list[Any]) -> None:
    """As many elements as were written, each as it was."""
    raw = pikepdf.Array(values).unparse()

    elements = read_array(raw)

    assert len(elements) == len(values)
    assert pikepdf.Object.parse(b"[" + b" ".join(elements) + b"]") == pikepdf.Object.parse(raw)


@given(st.text(max_size=40))
def test_a_text_string_comes_back(value: str) -> None:
    """Whatever is written as a reason or place is read again, by us and by others."""
    value = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    raw = write_text(value)

    assert text(raw) == value
    assert str(pikepdf.Object.parse(raw)) == value


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_declined(data: bytes) -> None:
    """No other exception, whatever stands there."""
    for reader in (
        lambda: read_dictionary(b"<<" + data + b">>", 0),
        lambda: read_array(b"[" + data + b"]"),
        lambda: text(data),
    ):
        try:
            reader()
        except Unusual:
            continue


@pytest.mark.parametrize(
    "raw",
    [
        b"<< /A 1 /A 2 >>",
        b"<< /A#42 1 >>",
        b"<< /A 1 % comment\n /B 2 >>",
        b"<< /A 0 0 R >>",
        b"<< /A\xc3\xa9 1 >>",
        b"<< /A (x >>",
        b"<< /A 1",
        b"<< /A >>",
        b"<<" * 200 + b">>" * 200,
        b"<< /A " + b"[" * 5000 + b"]" * 5000 + b" >>",
    ],
)
def test_what_readers_understand_differently_is_declined(raw: bytes) -> None:
    """Keys said twice or escaped, comments, object 0, letters outside of ASCII, no end, endless nesting."""
    with pytest.raises(Unusual):
        read_dictionary(raw, 0)


@given(st.integers(1, 9), st.lists(st.binary(min_size=9, max_size=9), min_size=1, max_size=60))
def test_all_rows_are_summed_as_one_by_one(width: int, rows: list[bytes]) -> None:
    """PNG's filter Up, undone by doubling, gives what a loop over the rows gives."""
    rows = [row[:width] for row in rows]
    expected, above = b"", bytes(width)
    for row in rows:
        above = bytes((one + other) & 0xFF for one, other in zip(row, above, strict=True))
        expected += above

    assert undo_predictor(b"".join(b"\x02" + row for row in rows), width) == expected
    assert undo_predictor(b"".join(b"\x00" + row for row in rows), width) == b"".join(rows)
    with pytest.raises(Unusual):
        undo_predictor(b"".join(b"\x04" + row for row in rows), width)


@pytest.mark.timeout(20)
def test_the_reader_is_linear() -> None:
    """A dictionary of a megabyte, with and without its end, is read or declined at once."""
    long = b"<< /A [" + b"<< /B (x) >> " * 80_000
    for raw in (long + b"] >>", long, b"<< /A (" + b"\\(" * 400_000, b"<< /A <" + b"0" * 800_000):
        try:
            read_dictionary(raw, 0)
        except Unusual:
            continue
