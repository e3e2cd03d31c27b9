"""Whether a name stands anywhere in a file, told from its text: no is certain, yes is a reason to look.

For questions about every page of a file that may have a hundred thousand of them: most files name no action at all.
"""

import re
from collections.abc import Iterator
from typing import Any

from signing.verification.faults import BadStructure, Fault
from signing.verification.graph import references
from signing.verification.pdf import PLAIN, Pdf
from signing.verification.sections import Entry
from signing.verification.syntax import Ref, Stream

_ESCAPE = re.compile(rb"#[0-9A-Fa-f]{2}")
_DELIMITERS = rb"\x00\t\n\f\r ()<>\[\]{}/%"  # what ends a name


def mentions(pdf: Pdf, names: frozenset[str]) -> bool:
    """Whether one of these names (with their slash) stands in the file's bytes or in an object stream, however it is written.

    True as well where that cannot be said.
    """
    wanted = frozenset(name.encode("latin-1").removeprefix(b"/") for name in names)
    plain = re.compile(rb"/(?:" + rb"|".join(map(re.escape, sorted(wanted))) + rb")")
    try:
        escaped = _escaping(max(map(len, wanted), default=0))
        return any(plain.search(text) is not None or _names_one(escaped, text, wanted) for text in _texts(pdf))
    except Fault:
        return True


def _texts(pdf: Pdf) -> Iterator[bytes]:
    """The file's bytes, and every object stream as every revision has it: objects are read from the one that is valid then."""
    yield pdf.content
    packs = {number for section in pdf.sections for number in section.packs()}
    seen: set[tuple[int, Entry]] = set()
    for revision, section in enumerate(pdf.sections):
        for number in sorted(packs.intersection(section.numbers())) if packs else ():
            holder = pdf.entry(number, revision)
            if holder is not None and holder[0] == PLAIN and (number, holder) not in seen:
                seen.add((number, holder))
                _require_settled(pdf, pdf.load(number, revision), revision)
                yield pdf.pack(number, holder, revision).data


def _require_settled(pdf: Pdf, stream: Any, revision: int) -> None:
    """An object stream whose bytes are the same in every later revision. Raises BadStructure."""
    entries = stream.entries if isinstance(stream, Stream) else {}
    length = entries.get("/Length")
    elsewhere = references([entries.get("/Filter"), entries.get("/DecodeParms")])
    moved = isinstance(length, Ref) and (pdf.last_change(length.number, pdf.last) or 0) > revision
    if moved or (elsewhere and pdf.last > revision):
        raise BadStructure("an object stream that a later revision may end or unpack otherwise")


def _escaping(longest: int) -> re.Pattern[bytes]:
    """A name with # in it, as far as one of this length can reach; one that goes on has too many bytes for it."""
    return re.compile(rb"/([^#%b]{0,%d}#[0-9A-Fa-f]{2}[^%b]{0,%d})" % (_DELIMITERS, longest, _DELIMITERS, 3 * longest))


def _names_one(escaped: re.Pattern[bytes], text: bytes, wanted: frozenset[bytes]) -> bool:
    """Whether a name with # in it is one of those that are wanted (7.3.5)."""
    for found in escaped.finditer(text):
        if _ESCAPE.sub(lambda each: bytes((int(each.group()[1:], 16),)), found.group(1)) in wanted:
            return True
    return False
