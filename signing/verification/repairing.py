"""What a later revision may hold so that a reader that repairs files sees another document than one that follows the tables."""

from collections.abc import Iterator

from signing.verification.census import number_before
from signing.verification.faults import Fault, NotPlain
from signing.verification.graph import positions
from signing.verification.indirect import is_head
from signing.verification.pdf import FREE, PLAIN, Pdf

_BEFORE_OBJ = frozenset(b"\0\t\n\f\r 0123456789")


def hidden_objects(pdf: Pdf, base: int) -> list[str]:
    """In the revisions after `base`: objects that no table names, and rows that lead to no object.

    The rows make a reader repair; then it takes the last object of each number that it finds, also from inside a stream.
    """
    found: list[str] = []
    begin = max(each.end for each in pdf.sections[: base + 1])
    for revision in range(base + 1, pdf.last + 1):
        section = pdf.sections[revision]
        places = {section.start, *positions(pdf, revision).values()}
        found += [number for at, number in _heads(pdf.content, begin, section.end) if at not in places]
        found += [f"{number}: no object" for number in section.numbers() if not _leads_to_object(pdf, number, revision)]
        begin = max(begin, section.end)
    return found


def beyond_size(pdf: Pdf, base: int) -> int | None:
    """A number that comes or goes with the /Size of the trailers from `base` on, if there is one.

    An object whose number is not below /Size is missing for a reader that keeps to 7.5.5, and there for most others: a later
    trailer could show or hide it without naming it.
    """
    size = 0
    for revision in range(base, pdf.last + 1):
        section = pdf.sections[revision]
        if section.trailer["/Size"] < size:
            return int(section.trailer["/Size"])
        size = section.trailer["/Size"]
        found = section.beyond_size()
        if found is not None:
            return found
    return None


def _heads(content: bytes, begin: int, stop: int) -> Iterator[tuple[int, str]]:
    """Place and number of each `number generation obj`; the word is looked for first: quick in long hexadecimal text."""
    at = content.find(b"obj", begin, stop)
    while at >= 0:
        if content[at - 1] in _BEFORE_OBJ:
            try:
                named = number_before(content, at)
            except NotPlain as reason:
                yield at, str(reason)
            else:
                if named is not None and named[0] >= begin:
                    yield named[0], named[1].lstrip(b"0")[:10].decode()
        at = content.find(b"obj", at + 3, stop)


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
