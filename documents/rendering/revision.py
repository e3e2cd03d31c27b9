"""A PDF grows by revisions (ISO 32000-1, 7.5.6). Ours is the first; signatures append.

`first_revision` follows the chain of cross-reference sections as every reader does, from the end of the file, and
returns the bytes up to the end of the oldest. Nothing is guessed or repaired: a file that needs it is not ours.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO

import pikepdf
from pikepdf.settings import set_qpdf_limits

from documents.rendering.errors import UnreadableFile

MOST_BYTES = 256_000_000
MOST_REVISIONS = 500  # a volume has five, and one more each time its timestamp is renewed
TAIL = 4096  # where the last startxref must stand; room for what careless programs append
MOST_UNPACKED = 64_000_000  # one stream; our largest, a font or a sheet, has less than 2 MB

# Process-wide, so set once, when this module is first imported: without them one small stream unpacks to anything.
set_qpdf_limits(
    flate_max_memory=MOST_UNPACKED,
    png_max_memory=MOST_UNPACKED,
    tiff_max_memory=MOST_UNPACKED,
    run_length_max_memory=MOST_UNPACKED,
    dct_max_memory=MOST_UNPACKED,
    max_stream_filters=4,
    parser_max_nesting=100,
    doc_max_warnings=50,
)

LAST = re.compile(rb"startxref\s+(\d{1,10})\s+%%EOF")
PREVIOUS = re.compile(rb"/Prev\s+(\d{1,10})\b")
SECTION = re.compile(rb"xref\b|\d{1,10}\s+\d{1,5}\s+obj\b")


def first_revision(pdf: bytes) -> bytes:
    """The file as it was before anything was appended; UnreadableFile if the chain of revisions is broken."""
    if len(pdf) > MOST_BYTES:
        raise _unreadable(f"{len(pdf)} byte, tối đa {MOST_BYTES}", f"{len(pdf)} bytes, at most {MOST_BYTES}")
    if not pdf.startswith(b"%PDF-"):
        raise _unreadable("không phải tệp PDF", "it is not a PDF")
    oldest = _oldest_section(pdf)
    end = re.compile(rb"startxref\s+0*%d\s+%%%%EOF\r?\n?" % oldest).search(pdf, oldest)
    if end is None:
        raise _unreadable("bản đầu tiên không có phần kết thúc", "the first revision has no end")
    return pdf[: end.end()]


@contextmanager
def opened(pdf: bytes) -> Iterator[pikepdf.Pdf]:
    """A stranger's PDF, read as it stands: no repair, no password. Whatever goes wrong inside is UnreadableFile."""
    try:
        with pikepdf.open(BytesIO(pdf), attempt_recovery=False, suppress_warnings=True) as book:
            yield book
    except UnreadableFile:
        raise
    except pikepdf.PasswordError as error:
        raise _unreadable("tệp được mã hóa", "the file is encrypted") from error
    except Exception as error:
        # A stranger's file answers with any exception there is: of qpdf, of a wrong type, of too deep a nesting.
        reason = str(error)[:200] or type(error).__name__
        raise _unreadable(reason, reason) from error


def _oldest_section(pdf: bytes) -> int:
    """Where the first revision's cross-reference section begins. Each /Prev must point further back."""
    ends = list(LAST.finditer(pdf, max(0, len(pdf) - TAIL)))
    if not ends:
        raise _unreadable("không có startxref ở cuối tệp", "there is no startxref at the end")
    section = int(ends[-1][1])
    for _ in range(MOST_REVISIONS):
        previous = PREVIOUS.search(_dictionary(pdf, section))
        if previous is None:
            return section
        if int(previous[1]) >= section:
            raise _unreadable("chuỗi các bản không lùi về trước", "the chain of revisions does not lead back")
        section = int(previous[1])
    raise _unreadable(f"có hơn {MOST_REVISIONS} bản", f"there are more than {MOST_REVISIONS} revisions")


def _dictionary(pdf: bytes, section: int) -> bytes:
    """The trailer dictionary of a cross-reference table, or the dictionary of a cross-reference stream."""
    if not SECTION.match(pdf, section):
        raise _unreadable(f"không có bảng tham chiếu ở vị trí {section}", f"no cross-reference section stands at {section}")
    if pdf.startswith(b"xref", section):
        begin, end = pdf.find(b"trailer", section), pdf.find(b"startxref", section)
    else:
        begin, end = section, pdf.find(b"stream", section)
    if not section <= begin < end:
        raise _unreadable(f"bảng tham chiếu ở vị trí {section} bị hỏng", f"the cross-reference section at {section} is broken")
    return pdf[begin:end]


def _unreadable(vi: str, en: str) -> UnreadableFile:
    return UnreadableFile(f"Không đọc được tệp PDF: {vi}", f"the PDF cannot be read: {en}")
