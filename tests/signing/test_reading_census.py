"""References are counted in the text: none that a reader could follow is ever left out."""

import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing.verification import census
from signing.verification.census import Wanted

NUMBERS = (1, 7, 12, 45, 101, 999, 1000, 4321, 12345, 8388607)
_GAP = rb"(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])"
_REFERENCE = re.compile(rb"(?<![0-9])(\d+)" + _GAP + rb"+\d+" + _GAP + rb"*R")

white = st.sampled_from([b" ", b" ", b"\n", b"\r\n", b"  ", b"\t", b"\0", b"%c\n", b"%1\n", b"%7 0\r", b" % 5 0 R\r", b"\f \n"])
number = st.sampled_from([b"%d" % each for each in NUMBERS] + [b"007", b"0101", b"31000", b"2", b"71"])
reference = st.tuples(number, white, st.sampled_from([b"0", b"0", b"0", b"00", b"3"]), white, st.just(b"R")).map(b"".join)
glued = st.tuples(number, white, st.just(b"0R")).map(b"".join)
other = (
    st.sampled_from([b"/TR", b"R", b" R", b"[", b"]", b"<<", b"/K ", b"0 ", b"12", b"x", b"(a)", b"\n", b" ", b"%"]) | number
)
text = st.lists(reference | glued | other, max_size=40).map(b"".join)


@given(text=text, before=st.sampled_from([b"", b" ", b"5 0 obj\n", b"R"]))
@settings(max_examples=400, deadline=None)
def test_no_reference_is_left_out(text: bytes, before: bytes) -> None:
    """Whatever reads as a reference to a number that is asked about is counted, or the number is told as oddly written."""
    plain: Counter[bytes] = Counter()
    odd: set[bytes] = set()
    whole = before + text

    census._add(plain, odd, whole, Wanted(NUMBERS))

    names = Counter(match.group(1).lstrip(b"0") for match in _REFERENCE.finditer(whole))
    for asked in NUMBERS:
        name = b"%d" % asked
        assert name in odd or plain[name] >= names[name]


@given(
    numbers=st.lists(st.sampled_from([*NUMBERS, 2, 71, 31000]), max_size=30), between=st.sampled_from([b" ", b"]/A[", b"\n"])
)
@settings(max_examples=100, deadline=None)
def test_plain_text_is_counted_exactly(numbers: list[int], between: bytes) -> None:
    """In the text that programs write nothing is odd, and each number is counted as often as it stands there."""
    plain: Counter[bytes] = Counter()
    odd: set[bytes] = set()

    census._add(plain, odd, b"[" + between.join(b"%d 0 R" % each for each in numbers) + b"]", Wanted(NUMBERS))

    assert odd == set()
    assert plain == Counter(b"%d" % each for each in numbers if each in NUMBERS)


def test_a_number_is_not_cut_in_two_where_the_text_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A large text is looked at in parts; wherever they meet, the count is the same."""
    text = b"".join(b"/P %d 0 R /K[ 12 0 R\n101  0 R]" % each for each in (1, 4321, 12345) * 3)
    for size in range(30, 90):
        monkeypatch.setattr(census, "_AT_ONCE", size)
        plain: Counter[bytes] = Counter()
        odd: set[bytes] = set()

        census._add(plain, odd, text, Wanted(NUMBERS))

        assert plain == {b"1": 3, b"4321": 3, b"12345": 3, b"12": 9}
        assert odd == {b"101"}
