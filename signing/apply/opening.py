"""Reading a PDF that somebody wants signed: it comes from outside, so it may be anything."""

import io

from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.apply.guard import short
from signing.errors import EncryptedPdf, HybridPdf, NotAPdf, NotASignablePdf
from signing.verification.faults import Encrypted, Fault
from signing.verification.pdf import Pdf

# A volume of scans may be large; beyond this a file is no school record but an attempt to fill the memory.
MOST_BYTES = 256 << 20

# ISO 32000-2, 7.5.2: the header stands at the very beginning; bytes before it shift all offsets for some readers.
HEADER = b"%PDF-"

COPY_BYTES = 1 << 20


class AppendingWriter(IncrementalPdfFileWriter):
    """An incremental update that touches nothing but what is asked: /Info and XMP (and so the PDF/A mark) stay as they are.

    pyHanko would write its own name and the machine's time into both; neither is covered by any permission check, and a
    reader must not believe them anyway.
    """

    IO_CHUNK_SIZE = COPY_BYTES

    def _update_meta(self) -> None:
        """Leave the document's metadata alone."""


def opened(pdf: bytes) -> AppendingWriter:
    """A writer that appends to `pdf`. Raises NotAPdf, EncryptedPdf, HybridPdf, NotASignablePdf."""
    if not pdf.startswith(HEADER):
        raise NotAPdf(f"Tệp không bắt đầu bằng %PDF- mà bằng {pdf[:8]!r}", f"The file begins with {pdf[:8]!r}, expected %PDF-")
    if len(pdf) > MOST_BYTES:
        raise NotASignablePdf(
            f"Tệp lớn {len(pdf)} byte, tối đa {MOST_BYTES}", f"The file has {len(pdf)} bytes; at most {MOST_BYTES} are accepted"
        )
    _require_our_reading(pdf)
    try:
        writer = AppendingWriter(io.BytesIO(pdf), strict=True)
    except Exception as error:  # the parser meets arbitrary bytes here
        raise NotAPdf(
            "Tệp hỏng, không đọc được như một PDF", f"The file cannot be read as a PDF: {type(error).__name__}: {short(error)}"
        ) from error
    if writer.security_handler is not None:
        raise EncryptedPdf("Tệp có mật khẩu hoặc được mã hóa", "The file is encrypted")
    return writer


def _require_our_reading(pdf: bytes) -> None:
    """Our own reader has bounds that pyHanko's has not: a table of 99,999,999 rows of no width keeps it busy for minutes.

    Nothing is lost: what our reader refuses it would refuse after the signature was laid.
    """
    try:
        hybrid = Pdf(pdf).hybrid
    except Encrypted as fault:
        raise EncryptedPdf("Tệp có mật khẩu hoặc được mã hóa", "The file is encrypted") from fault
    except Fault as fault:
        raise NotAPdf("Tệp hỏng, không đọc được như một PDF", f"The file cannot be read as a PDF: {short(fault)}") from fault
    if hybrid:
        raise HybridPdf(
            "Tệp có hai bảng tham chiếu (hybrid xref); hãy lưu lại thành PDF thường rồi ký",
            "The file has hybrid cross-references; save it again as an ordinary PDF before it is signed",
        )
