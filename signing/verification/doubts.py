"""What makes it doubtful that every reader sees the same in a file: it stands against every signature that the file holds."""

from signing.report import Finding
from signing.verification.facts import SignedDocument
from signing.verification.linearization import is_linearization_sound
from signing.verification.pdf import Pdf
from signing.verification.structure import read_document
from signing.verification.words import finding

MAX_AFTER_TABLE = 900  # bytes: readers look for startxref in the last 1024, and repair the file where they do not find it
_WHITE = b"\0\t\n\f\r "
# Found while the signatures are read, and no less a doubt.
_OF_THE_CONTENT = frozenset({"HIDDEN_OBJECTS", "NOT_STRICT"})


def read_with_doubts(content: bytes) -> tuple[SignedDocument, tuple[Finding, ...]]:
    """What is signed in a file, and what stands against all of it. Raises Fault where the file cannot be read."""
    pdf, doubts = open_with_doubts(content, max(content.find(b"%PDF-", 0, 1024), 0))
    document = read_document(pdf, len(content))
    return document, stains(doubts, document)


def stains(doubts: tuple[Finding, ...], document: SignedDocument) -> tuple[Finding, ...]:
    """The doubts about the file and about what is in it."""
    return (*doubts, *(each for each in document.findings if each.code in _OF_THE_CONTENT))


def open_with_doubts(content: bytes, header: int, password: str | None = None) -> tuple[Pdf, tuple[Finding, ...]]:
    """The file's structure, and what makes it doubtful that every reader sees the same. Raises Fault."""
    doubts: list[Finding] = []
    if header:
        doubts.append(finding("DATA_BEFORE_HEADER", header))
    pdf = Pdf(content, password=password)
    if pdf.hybrid:
        doubts.append(finding("HYBRID_XREF"))
    if pdf.ambiguous is not None:
        doubts.append(finding("NOT_STRICT", f"xref: {pdf.ambiguous}, {pdf.ambiguous}"))
    if not is_linearization_sound(pdf):
        doubts.append(finding("NOT_STRICT", "/Linearized"))
    # What stands after the last cross-reference section and its startxref belongs to no revision.
    last = max(section.end for section in pdf.sections)
    close = pdf.closed_at(pdf.last) if pdf.sections[-1].end == last else -1
    if close >= 0 and not content.endswith(b"%%EOF", 0, close):
        doubts.append(finding("NOT_STRICT", "%%EOF"))  # the end is not marked: some repair the file, some refuse it
    rest = content[close:].strip(_WHITE) if close >= 0 else content[last:].strip(_WHITE)
    if rest or len(content) - last > MAX_AFTER_TABLE:
        doubts.append(finding("TRAILING_DATA", len(rest) or len(content) - last))
    return pdf, tuple(doubts)
