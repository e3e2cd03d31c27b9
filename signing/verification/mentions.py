"""Whether a name stands anywhere in a file, told from its text: no is certain, yes is a reason to look.

For questions about every page of a file that may have a hundred thousand of them: most files name no action at all.
"""

import re
from collections.abc import Iterator

from signing.verification.faults import Fault
from signing.verification.pdf import PLAIN, Pdf

_ESCAPE = re.compile(rb"#[0-9A-Fa-f]{2}")
_NAME = re.compile(rb"/([^\x00\t\n\f\r ()<>\[\]{}/%]*)")
_LONGEST = 127  # bytes of a name (ISO 32000-1 annex C)


def mentions(pdf: Pdf, names: frozenset[str]) -> bool:
    """Whether one of these names (with their slash) stands in the file's bytes or in an object stream, however it is written.

    True as well where that cannot be said.
    """
    wanted = frozenset(name.encode("latin-1").removeprefix(b"/") for name in names)
    plain = re.compile(rb"/(?:" + rb"|".join(map(re.escape, sorted(wanted))) + rb")")
    try:
        return any(plain.search(text) is not None or _escaped(text, wanted) for text in _texts(pdf))
    except Fault:
        return True


def _texts(pdf: Pdf) -> Iterator[bytes]:
    yield pdf.content
    for revision, section in enumerate(pdf.sections):
        for number in section.packs():
            holder = pdf.entry(number, revision)
            if holder is not None and holder[0] == PLAIN:
                yield pdf.pack(number, holder, revision).data


def _escaped(text: bytes, wanted: frozenset[bytes]) -> bool:
    """Whether a name with # in it is one of those that are wanted (7.3.5)."""
    for found in _ESCAPE.finditer(text):
        begin = text.rfind(b"/", max(found.start() - 3 * _LONGEST, 0), found.start())
        name = _NAME.match(text, begin) if begin >= 0 else None
        if name is not None and name.end() > found.start():
            told = _ESCAPE.sub(lambda each: bytes((int(each.group()[1:], 16),)), name.group(1))
            if told in wanted:
                return True
    return False
