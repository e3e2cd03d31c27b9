"""How often some object numbers are referred to in a stretch of the file, counted in the text without parsing every object.

A reference can only stand in the raw file or in an unpacked object stream, as `number generation R`. Where the text is written
otherwise than with single white space, or a comment could hide one, the number is told as odd; NotPlain asks for the thorough
comparison where even that cannot be said. Only the numbers that somebody asks about are counted: the pass over the text is
made of a few operations on all of it at once, so that the first revision of a large book costs some milliseconds.

A number in a string or in packed bytes may be counted although it is no reference. That is the safe side: a count that is
higher than the references that are known is never called plain.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from operator import itemgetter

from signing.verification.faults import Fault, NotPlain
from signing.verification.pdf import Pdf

_MAX_ODD = 8192  # bytes of comments and lines before a reference
_MAX_LINES = 200  # of comments before a reference
MAX_ODD_TOTAL = 4 * 1024 * 1024  # bytes that are looked at again for odd references


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How often each number that was asked about is referred to, and all numbers that an odd text might refer to as well."""

    plain: Mapping[bytes, int]
    odd: frozenset[bytes]


class Wanted:
    """The numbers that are asked about, in the form in which a text is searched for them."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self.names = frozenset(b"%d" % number for number in numbers)
        self.endings = frozenset(name[-_DIGITS_OF_TAIL:] for name in self.names if len(name) >= _DIGITS_OF_TAIL)


def count_references(pdf: Pdf, first: int, last: int, wanted: Wanted) -> Counted:
    """References by decimal number in the revisions from `first` to `last`: their raw bytes and their object streams."""
    begin = max((section.end for section in pdf.sections[:first]), default=0)
    plain: Counter[bytes] = Counter()
    odd: set[bytes] = set()
    _add(plain, odd, pdf.content[begin : max(section.end for section in pdf.sections[: last + 1])], wanted)
    try:
        for text in _together(_packs(pdf, first, last)):
            _add(plain, odd, text, wanted)
    except Fault as fault:
        raise NotPlain(str(fault)) from fault
    return Counted(plain=plain, odd=frozenset(odd))


def _packs(pdf: Pdf, first: int, last: int) -> Iterator[bytes]:
    """What stands in the object streams of these revisions."""
    for revision in range(first, last + 1):
        for number in pdf.sections[revision].packs():
            holder = pdf.entry(number, revision)
            if holder is None:
                raise NotPlain(f"object stream {number} is not there")
            yield pdf.pack(number, holder, revision).data


def _together(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Texts as few larger ones, with a sign between them that is part of no reference: none goes on from one to the next."""
    held: list[bytes] = []
    size = 0
    for text in texts:
        held.append(text)
        size += len(text)
        if size > _AT_ONCE:
            yield _APART.join(held)
            held, size = [], 0
    yield _APART.join(held)


_APART = b"\n)\n"
_AT_ONCE = 2 * 1024 * 1024  # bytes of text; the pieces of hostile text take sixteen times its size
_DIGITS = b"0123456789"
_WHITE = b"\0\t\n\f\r "
_MAY_REFER = frozenset(_WHITE + _DIGITS)  # what stands right before the R of a reference
# The end of a number, and the generation as programs write it. The end of a line is no space here: it may end a comment, and
# then what stands before it is not what it seems.
_NUMBER = re.compile(rb"(\d+)[\0\t\f ]0[\0\t\f ]\Z")
_TAIL = itemgetter(slice(-6, None))  # of what stands before an R: three digits of a number, and its generation
_DIGITS_OF_TAIL = 3
_LONGEST = 24  # signs of a number and its generation; an object number has 7 digits


def _add(plain: Counter[bytes], odd: set[bytes], text: bytes, wanted: Wanted) -> None:
    """Count in one text, a part of it at a time."""
    begin, looked = 0, 0
    while begin < len(text):
        end = begin + _AT_ONCE
        pieces = text[begin:end].split(b"R")
        rest = pieces.pop()  # nothing follows the last piece
        tails = list(map(_TAIL, pieces))
        asked, strange = _kinds(tails, wanted)
        if asked:
            _add_plain(plain, [piece for piece, tail in zip(pieces, tails, strict=True) if tail in asked], wanted)
        if strange:
            ends = list(accumulate(map(len, pieces)))
            # Each R before it is one sign more.
            positions = [begin + ends[index] + index for index, tail in enumerate(tails) if tail in strange]
            looked = _add_odd(odd, text, positions, looked)
        # What stands behind the last R is looked at again with the next part: a number may be cut in two.
        begin = end - min(len(rest), _LONGEST) if end < len(text) else end


def _kinds(tails: Iterable[bytes], wanted: Wanted) -> tuple[set[bytes], set[bytes]]:
    """Of the few tails that a text has: those of numbers that are asked about, and those that are written in an odd way."""
    asked: set[bytes] = set()
    strange: set[bytes] = set()
    for tail in set(tails):
        if not tail or tail[-1] not in _MAY_REFER:
            continue
        number = tail[:-3] if tail.endswith(b" 0 ") else b""
        if not number.isdigit():  # three digits, as nearly all are
            match = _NUMBER.search(tail)
            number = match.group(1) if match is not None else b""
        if number in wanted.endings or number.lstrip(b"0") in wanted.names:
            asked.add(tail)
        elif not number and not _cannot_refer(tail):
            strange.add(tail)
    return asked, strange


def _add_plain(plain: Counter[bytes], pieces: Iterable[bytes], wanted: Wanted) -> None:
    """The text is split at every R: what stands at the end of a piece is what the R belongs to."""
    for piece in pieces:
        match = _NUMBER.search(piece, max(len(piece) - _LONGEST, 0))
        name = match.group(1).lstrip(b"0") if match is not None else b""
        if name in wanted.names:
            plain[name] += 1


def _add_odd(odd: set[bytes], text: bytes, positions: Iterable[int], looked: int) -> int:
    """Ends of words, or references with other white space, comments, or a generation. The positions are those of each R."""
    for position in positions:
        if _cannot_refer(text[max(position - _LONGEST, 0) : position]):
            continue
        start = _odd_start(text, position)
        looked += position - start
        if looked > MAX_ODD_TOTAL:
            raise NotPlain("too many words that might be references")
        match = _TWO_NUMBERS.search(text, start, position)
        if match is not None:
            odd.add(match.group(1).lstrip(b"0") or b"0")
    return looked


def number_before(text: bytes, position: int) -> tuple[int, bytes] | None:
    """Place and digits of the object number in `number generation`, right before a position, however the two are written.

    Raises NotPlain where long comments hide what stands there.
    """
    if _cannot_refer(text[max(position - _LONGEST, 0) : position]):
        return None
    match = _TWO_NUMBERS.search(text, _odd_start(text, position), position)
    return (match.start(1), match.group(1)) if match is not None else None


def _cannot_refer(before: bytes) -> bool:
    """Whether digits stand before an R, but no white space before them: by far the most of what packed bytes hold.

    Behind the end of a line nothing is sure: a comment may end there.
    """
    shorter = before.rstrip(b"\0\t\f ")
    rest = shorter.rstrip(_DIGITS)
    return 0 < len(rest) < len(shorter) and rest[-1] not in _WHITE


def _odd_start(text: bytes, position: int) -> int:
    """Where two lines begin that hold more than white space and comments: number and generation stand there at the latest."""
    lines, start = 0, position
    for _ in range(_MAX_LINES):
        end = start
        start = max(text.rfind(b"\n", 0, max(end - 1, 0)), text.rfind(b"\r", 0, max(end - 1, 0))) + 1
        line = text[start:end]
        if b"%" not in line and line.strip(_WHITE):
            lines += 1
        if position - start > _MAX_ODD:
            break
        if lines == 2 or not start:  # noqa: PLR2004
            return start
    raise NotPlain("a reference behind long comments")


_GAP = rb"(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])"
_TWO_NUMBERS = re.compile(rb"(?<!\d)(\d+)" + _GAP + rb"+\d+" + _GAP + rb"*\Z")
