"""What a later revision may hold so that a reader that repairs files sees another document than one that follows the tables."""

import re
from collections.abc import Iterator

from signing.verification.census import number_before
from signing.verification.contents import embedded_files
from signing.verification.faults import Fault, NotPlain
from signing.verification.graph import positions
from signing.verification.indirect import is_head
from signing.verification.pdf import FREE, PLAIN, Pdf
from signing.verification.syntax import parse

_MAX_LEAD = 32  # bytes of white space that a row may lead to before its object
_MAX_END = 400  # bytes from a table to its %%EOF; real ones have 30, some write a comment of 100
_MAX_LEAP = 10_000  # numbers that an update leaves out; real ones go on with the next
# A head at the start of a line, as nearly all are: found without looking at the lines before. Its number has up to 8 digits.
_USUAL = 16
_USUAL_HEAD = re.compile(rb".*[\r\n]([1-9]\d{0,7}) \d{1,5} \Z", re.DOTALL)
# The name however it is written (7.3.5).
_OBJECT_STREAM = re.compile(rb"/(?:O|#4[fF])(?:b|#62)(?:j|#6[aA])(?:S|#53)(?:t|#74)(?:m|#6[dD])")
_MAX_DICTIONARY = 4096  # bytes before that name in its object; real ones have 50
_BEFORE_OBJ = frozenset(b"\0\t\n\f\r 0123456789")


def hidden_objects(pdf: Pdf, base: int) -> list[str]:
    """In the revisions after `base`: objects that no table names, and rows that lead to no object. Up to it: two of one number.

    The rows make a reader repair; then it takes the last object of each number that it finds, also from inside a stream.
    """
    signed = max(each.end for each in pdf.sections[: base + 1])
    found = _overtaken(pdf, base, signed) + unnamed_streams(pdf)
    begin = signed
    for revision in range(base + 1, pdf.last + 1):
        section = pdf.sections[revision]
        places = {section.start, *positions(pdf, revision).values()}
        found += [number for at, number in _heads(pdf.content, begin, section.end) if at not in places]
        found += [f"{number}: no object" for number in section.numbers() if not _leads_to_object(pdf, number, revision)]
        begin = max(begin, section.end)
    return found


def _overtaken(pdf: Pdf, base: int, stop: int) -> list[str]:
    """Numbers whose last object in the signed part is not the one that the signed tables name: the author prepared another.

    An attached file may well be a PDF itself, unpacked; what stands in it counts for no reader that comes to it as a file.
    """
    last = {int(name): at for at, name in _heads(pdf.content, 0, stop) if name.isdigit()}
    strange = [(str(number), at) for number, at in last.items() if _is_elsewhere(pdf, base, number, at)]
    attached = _attached(pdf) if strange else []
    return [name for name, at in strange if not any(start <= at < end for start, end in attached)]


def unnamed_streams(pdf: Pdf) -> list[str]:
    """Object streams out of which no table takes anything: a reader that repairs files takes all that is in them."""
    named = {number for section in pdf.sections for number in section.packs()}
    entries = (section.get(number) for section in pdf.sections for number in named)
    known = {entry[1] for entry in entries if entry is not None and entry[0] == PLAIN}
    found: list[str] = []
    attached: list[tuple[int, int]] | None = None
    for match in _OBJECT_STREAM.finditer(pdf.content):
        head = _head_before(pdf.content, match.start())
        if head in known or any(
            _leads_over_white(pdf.content, place, head) for place in range(head - _MAX_LEAD, head) if place in known
        ):
            continue
        attached = _attached(pdf) if attached is None else attached
        if not _is_empty(pdf.content, head) and not any(start <= match.start() < end for start, end in attached):
            found.append(f"/ObjStm {head}")
    return found


def _is_empty(content: bytes, head: int) -> bool:
    """Whether the object stream that begins there holds nothing: some programs write such."""
    try:
        entries, _ = parse(content, content.index(b"obj", max(head, 0)) + 3)
    except (Fault, ValueError):
        return False
    return isinstance(entries, dict) and entries.get("/N") == 0


def _head_before(content: bytes, position: int) -> int:
    """Where the object begins in which a position is, as far as the text before it says; -1 where it does not."""
    begin = max(position - _MAX_DICTIONARY, 0)
    word = content.rfind(b"obj", begin, position)
    heads = list(_heads(content, max(word - _MAX_LEAD, 0), word + 3)) if word >= 0 else []
    return heads[-1][0] if heads else -1


def _is_elsewhere(pdf: Pdf, revision: int, number: int, at: int) -> bool:
    """Whether the table leads to another place than this head, white space before it aside."""
    entry = pdf.entry(number, revision)
    if entry is None or entry[0] != PLAIN or entry[1] == at:
        return False
    return not _leads_over_white(pdf.content, entry[1], at)


def _leads_over_white(content: bytes, place: int, at: int) -> bool:
    return place < at <= place + _MAX_LEAD and not content[place:at].strip(b"\0\t\n\f\r ")


def _attached(pdf: Pdf) -> list[tuple[int, int]]:
    """Where the attached PDFs stand that a reader comes to as files; not whatever calls itself embedded."""
    try:
        streams = [stream for _, stream in embedded_files(pdf.at(pdf.last))]
        return [(each.start, each.stop) for each in streams if each.raw.startswith(b"%PDF-")]
    except Fault:
        return []


def unusual_tables(pdf: Pdf, base: int) -> str | None:
    """What in the later revisions' tables and ends is read by some and repaired by others, if there is something."""
    for revision in range(base + 1, pdf.last + 1):
        section = pdf.sections[revision]
        if not section.by_the_rules:
            return f"xref {section.start}"
        if pdf.closed_at(revision) - section.end > _MAX_END:
            return f"startxref {section.start}"
        numbers = section.numbers()
        # An update may bring as many objects as it likes; what it leaves out between them is told.
        if max(numbers, default=0) > pdf.sections[revision - 1].trailer["/Size"] + len(numbers) + _MAX_LEAP:
            return f"object {max(numbers)}"
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
