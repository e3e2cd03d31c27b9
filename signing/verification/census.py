"""How often each object number is referred to in a stretch of the file, counted in the text without parsing every object.

A reference can only stand in the raw file or in an unpacked object stream, as `number generation R`. Where the text is written
otherwise than with single spaces, or a comment could hide one, NotPlain asks for the thorough comparison.
"""

import hashlib
import re
from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from signing.verification.faults import Fault, NotPlain
from signing.verification.pdf import Pdf

_MAX_ODD = 8192  # bytes of comments and lines before a reference
_MAX_LINES = 200  # of comments before a reference
KEPT = 16  # counts of first revisions that are kept per process: a book is verified after each of its signatures


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """How often each number is referred to, and the numbers that an oddly written text might refer to as well."""

    plain: Mapping[bytes, int]
    odd: frozenset[bytes]


_kept: OrderedDict[bytes, Counted] = OrderedDict()


def count_references(pdf: Pdf, first: int, last: int) -> Counted:
    """References by decimal number in the revisions from `first` to `last`: their raw bytes and their object streams."""
    begin = max((section.end for section in pdf.sections[:first]), default=0)
    raw = pdf.content[begin : max(section.end for section in pdf.sections[: last + 1])]
    if first:
        return _count(pdf, raw, first, last)
    digest = hashlib.sha256(raw).digest()
    if digest in _kept:
        _kept.move_to_end(digest)
        return _kept[digest]
    counted = _count(pdf, raw, first, last)
    _kept[digest] = counted
    if len(_kept) > KEPT:
        _kept.popitem(last=False)
    return counted


def _count(pdf: Pdf, raw: bytes, first: int, last: int) -> Counted:
    plain: Counter[bytes] = Counter()
    odd: set[bytes] = set()
    _add(plain, odd, raw)
    try:
        for revision in range(first, last + 1):
            for number in pdf.sections[revision].packs():
                holder = pdf.entry(number, revision)
                if holder is None:
                    raise NotPlain(f"object stream {number} is not there")
                _add(plain, odd, pdf.pack(number, holder, revision)[0])
    except Fault as fault:
        raise NotPlain(str(fault)) from fault
    return Counted(plain=plain, odd=frozenset(odd))


def _add(plain: Counter[bytes], odd: set[bytes], text: bytes) -> None:
    """Split at every R: what stands before tells whether it ended a reference."""
    pieces = text.split(b"R")
    pieces.pop()  # nothing follows the last piece
    numbers: list[bytes] = []
    position = -1  # of the R behind the piece
    looked = 0
    for piece in pieces:
        position += len(piece) + 1
        if piece[-3:] == b" 0 ":
            tail = piece[-13:-3]
            number = tail[len(tail.rstrip(b"0123456789")) :]
            if number and number[0] != 0x30:  # noqa: PLR2004 -- a leading zero is odd
                numbers.append(number)
                continue
        elif piece[-1:] not in _WHITE:
            continue
        # The end of a word, or a reference with other white space, comments, or a generation.
        start = _odd_start(text, position)
        looked += position - start
        if looked > MAX_ODD_TOTAL:
            raise NotPlain("too many words that might be references")
        match = _ODD.search(text, start, position)
        if match is not None:
            odd.add(match.group(1).lstrip(b"0") or b"0")
    plain.update(numbers)


def _odd_start(text: bytes, position: int) -> int:
    """Where two lines begin that hold more than white space and comments: number and generation stand there at the latest."""
    lines, start = 0, position
    for _ in range(_MAX_LINES):
        end = start
        start = max(text.rfind(b"\n", 0, max(end - 1, 0)), text.rfind(b"\r", 0, max(end - 1, 0))) + 1
        line = text[start:end]
        if b"%" not in line and line.strip(b"\0\t\n\f\r "):
            lines += 1
        if position - start > _MAX_ODD:
            break
        if lines == 2 or not start:  # noqa: PLR2004
            return start
    raise NotPlain("a reference behind long comments")


_WHITE = frozenset(bytes((white,)) for white in b"\0\t\n\f\r ")
_GAP = rb"(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])+"
MAX_ODD_TOTAL = 4 * 1024 * 1024  # bytes that are looked at again for odd references
_ODD = re.compile(rb"(?<!\d)(\d{1,20})" + _GAP + rb"\d+" + _GAP + rb"\Z")
