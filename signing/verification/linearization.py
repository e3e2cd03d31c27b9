"""The linearization dictionary (ISO 32000-2 annex F): a promise about the first page that some readers take at its word.

A file that was updated is no longer linearized (F.4.6), and readers know it by the length that the dictionary names. An author
could name the length that the file will have after a later, empty update: then such readers show the page that it names.
"""

import re
from typing import Any

from signing.verification.faults import Fault
from signing.verification.pages import pages_of
from signing.verification.pdf import Pdf
from signing.verification.syntax import parse

# As a reader's lexer comes to it: white space and comments (the header is one) are skipped, however long they are.
_GAP = rb"(?>(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])*)"
_FIRST_OBJECT = re.compile(_GAP + rb"\d+[\x00\t\n\f\r ]" + _GAP + rb"\d+[\x00\t\n\f\r ]" + _GAP + rb"obj")


def is_linearization_sound(pdf: Pdf) -> bool:
    """Whether no reader that trusts the dictionary sees another first page than the others do."""
    told = _dictionary(pdf)
    if told is None or not isinstance(told.get("/L"), int | float) or told["/L"] != len(pdf.content):
        return True
    return not pdf.last and _names_first_page(pdf, told.get("/O"))


def _dictionary(pdf: Pdf) -> dict[str, Any] | None:
    match = _FIRST_OBJECT.match(pdf.content)
    if match is None:
        return None
    try:
        value, _ = parse(pdf.content, match.end())
    except Fault:
        return None
    return value if isinstance(value, dict) and "/Linearized" in value else None


def _names_first_page(pdf: Pdf, number: Any) -> bool:
    try:
        pages = pages_of(pdf.at(pdf.last))
    except Fault:
        return False
    return bool(pages) and pages[0].number == number
