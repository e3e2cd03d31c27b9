"""What a later revision may hold so that a reader that repairs files sees another document than one that follows the tables."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from signing.verification.census import number_before
from signing.verification.faults import Fault, NotPlain
from signing.verification.graph import positions
from signing.verification.indirect import is_head
from signing.verification.pdf import FREE, PLAIN, Pdf
from signing.verification.syntax import Stream

_MAX_LEAD = 32  # bytes of white space that a row may lead to before its object
_MAX_END = 400  # bytes from a table to its %%EOF; real ones have 30, some write a comment of 100
_MAX_LEAP = 10_000  # numbers that an update leaves out; real ones go on with the next
# A head at the start of a line, as nearly all are: found without looking at the lines before. Its number has up to 8 digits.
_USUAL = 16
_USUAL_HEAD = re.compile(rb".*[\r\n]([1-9]\d{0,7}) \d{1,5} \Z", re.DOTALL)
_BEFORE_OBJ = frozenset(b"\0\t\n\f\r 0123456789")


def hidden_objects(pdf: Pdf, base: int) -> list[str]:
    """In the revisions after `base`: objects that no table names, and rows that lead to no object. Up to it: two of one number.

    The rows make a reader repair; then it takes the last object of each number that it finds, also from inside a stream.
    """
    signed = max(each.end for each in pdf.sections[: base + 1])
    found = _overtaken(pdf, base, signed)
    begin = signed
    for revision in range(base + 1, pdf.last + 1):
        section = pdf.sections[revision]
        places = {section.start, *positions(pdf, revision).values()}
        found += [number for at, number in _heads(pdf.content, begin, section.end) if at not in places]
        found += [f"{number}: no object" for number in section.numbers() if not _leads_to_object(pdf, number, revision)]
        begin = max(begin, section.end)
    return found


def _overtaken(pdf: Pdf, base: int, stop: int) -> list[str]:
    """Numbers whose last object in the signed part is not the one that the signed tables name: the author prepared another."""
    last = {int(name): at for at, name in _heads(pdf.content, 0, stop) if name.isdigit()}
    strange = [(number, at) for number, at in last.items() if _is_elsewhere(pdf, base, number, at)]
    if not strange:
        return []
    offsets = sorted((offset, number) for revision in range(base + 1) for number, offset in positions(pdf, revision).items())
    found: list[str] = []
    for number, at in strange:
        place = bisect_right(offsets, (at, 0))
        # An attached file may well be a PDF itself, unpacked.
        if not place or not _is_attached(pdf, base, offsets[place - 1][1], at):
            found.append(str(number))
    return found


def _is_elsewhere(pdf: Pdf, revision: int, number: int, at: int) -> bool:
    """Whether the table leads to another place than this head, white space before it aside."""
    entry = pdf.entry(number, revision)
    if entry is None or entry[0] != PLAIN or entry[1] == at:
        return False
    return not (entry[1] < at <= entry[1] + _MAX_LEAD) or bool(pdf.content[entry[1] : at].strip(b"\0\t\n\f\r "))


def _is_attached(pdf: Pdf, revision: int, number: int, at: int) -> bool:
    try:
        holder = pdf.load(number, revision)
    except Fault:
        return False
    attached = isinstance(holder, Stream) and holder.entries.get("/Type") == "/EmbeddedFile"
    return attached and holder.start <= at < holder.stop


def unusual_tables(pdf: Pdf, base: int) -> str | None:
    """What in the later revisions' tables and ends is read by some and repaired by others, if there is something."""
    for revision in range(base + 1, pdf.last + 1):
        section = pdf.sections[revision]
        if not section.by_the_rules:
            return f"xref {section.start}"
        if pdf.closed_at(revision) - section.end > _MAX_END:
            return f"startxref {section.start}"
        if max(section.numbers(), default=0) > pdf.sections[revision - 1].trailer["/Size"] + _MAX_LEAP:
            return f"object {max(section.numbers())}"
    return None


def _heads(content: bytes, begin: int, stop: int) -> Iterator[tuple[int, str]]:
    """Place and number of each `number generation obj`; the word is looked for first: quick in long hexadecimal text."""
    at = content.find(b"obj", begin, stop)
    while at >= 0:
        if content[at - 1] in _BEFORE_OBJ:
            quick = _USUAL_HEAD.match(content[max(at - _USUAL, begin) : at])
            if quick is not None:
                yield max(at - _USUAL, begin) + quick.start(1), quick.group(1).decode()
            else:
                yield from _unusual_head(content, begin, at)
        at = content.find(b"obj", at + 3, stop)


def _unusual_head(content: bytes, begin: int, at: int) -> Iterator[tuple[int, str]]:
    try:
        named = number_before(content, at)
    except NotPlain as reason:
        yield at, str(reason)
    else:
        if named is not None and named[0] >= begin:
            yield named[0], named[1].lstrip(b"0")[:10].decode()


def _leads_to_object(pdf: Pdf, number: int, revision: int) -> bool:
    """Whether a row of a revision stands for what it says: an object of that number and generation, or none."""
    entry = pdf.sections[revision].get(number)
    if entry is None or entry[0] == FREE:
        return True
    try:
        if entry[0] == PLAIN:
            return number > 0 and is_head(pdf.content, entry[1], number, entry[2])
        holder = pdf.entry(entry[1], revision)
        if number == 0 or holder is None or holder[0] != PLAIN:
            return False
        place = pdf.pack(entry[1], holder, revision).at(entry[2])
    except Fault:
        return False
    return place is not None and place[0] == number
