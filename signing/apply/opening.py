"""Reading a PDF that somebody wants signed: it comes from outside, so it may be anything."""

import io
import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.apply.guard import SAVE_AGAIN_EN, SAVE_AGAIN_VI, only_our_errors, short
from signing.errors import EncryptedPdf, HybridPdf, NotAPdf, NotASignablePdf
from signing.verification.faults import Encrypted, Fault
from signing.verification.fields import form_fields
from signing.verification.pdf import Pdf

# A volume of scans may be large; beyond this a file is no school record but an attempt to fill the memory.
MOST_BYTES = 256 << 20

# ISO 32000-2, 7.5.2: the header stands at the very beginning; bytes before it shift all offsets for some readers.
HEADER = b"%PDF-"
MOST_BEFORE_HEADER = 1024  # bytes in which viewers look for it

COPY_BYTES = 1 << 20

# Numbers that a document may speak of without having them, beyond its own; damaged files have some hundreds.
MOST_LEFT_OUT = 100_000
_REFERENCE = re.compile(rb"(?<!\d)(\d{1,7}) \d{1,5} R(?![A-Za-z0-9])")


class AppendingWriter(IncrementalPdfFileWriter):
    """An incremental update that touches nothing but what is asked: /Info and XMP (and so the PDF/A mark) stay as they are.

    pyHanko would write its own name and the machine's time into both; neither is covered by any permission check, and a
    reader must not believe them anyway.
    """

    IO_CHUNK_SIZE = COPY_BYTES

    draws_values = False  # viewers draw the values of its form's fields, because nobody else has (/NeedAppearances)

    def number_above(self, number: int) -> None:
        """New objects get higher numbers: what refers to nothing must not lead to what is added."""
        if self._lastobj_id < number <= self._lastobj_id + MOST_LEFT_OUT:
            self._lastobj_id = number

    def _update_meta(self) -> None:
        """Called before each writing. Metadata stay as they are, and so does what viewers draw.

        PyHanko takes /NeedAppearances out; fields would then be shown without their values, or with older ones.
        """
        if self.draws_values:
            form = self.root["/AcroForm"]
            form[pdf_name("/NeedAppearances")] = generic.BooleanObject(value=True)  # type: ignore[no-untyped-call]


def opened(pdf: bytes) -> AppendingWriter:
    """A writer that appends to `pdf`. Raises NotAPdf, EncryptedPdf, HybridPdf, NotASignablePdf."""
    if not pdf.startswith(HEADER):
        raise _no_header(pdf)
    if len(pdf) > MOST_BYTES:
        raise NotASignablePdf(
            f"Tệp lớn {len(pdf)} byte, tối đa {MOST_BYTES}; hãy chia thành nhiều tệp",
            f"The file has {len(pdf)} bytes; at most {MOST_BYTES} are accepted: split it",
        )
    read = _our_reading(pdf)
    try:
        writer = AppendingWriter(io.BytesIO(pdf), strict=True)
        encrypted = writer.security_handler is not None
    except Exception as error:  # the parser meets arbitrary bytes here
        raise _damaged(f"{type(error).__name__}: {short(error)}") from error
    if encrypted:
        raise _encrypted()
    with only_our_errors("đọc biểu mẫu / reading the form"):
        writer.draws_values = _draws_values(read)
    writer.number_above(_highest_reference(pdf))
    return writer


def _highest_reference(pdf: bytes) -> int:
    """The highest object number that the file speaks of outside of compressed objects, there or not."""
    return max((int(found[1]) for found in _REFERENCE.finditer(pdf)), default=0)


def _our_reading(pdf: bytes) -> Pdf:
    """Our own reader has bounds that pyHanko's has not: a table of 99,999,999 rows of no width keeps it busy for minutes.

    Nothing is lost: what our reader refuses it would refuse after the signature was laid.
    """
    try:
        read = Pdf(pdf)
    except Encrypted as fault:
        raise _encrypted() from fault
    except Fault as fault:
        raise _damaged(short(fault)) from fault
    if read.hybrid:
        raise HybridPdf(
            f"Tệp có hai bảng tham chiếu (hybrid xref), như Word thường ghi; {SAVE_AGAIN_VI}",
            f"The file has hybrid cross-references, as Word writes them; {SAVE_AGAIN_EN}",
        )
    return read


def _draws_values(read: Pdf) -> bool:
    """Whether viewers are asked to draw the values of fields, and there are fields with values."""
    view = read.at(read.last)
    if view.get(view.catalog, "/AcroForm", "/NeedAppearances") is not True:
        return False
    return any(field.kind != "/Sig" for field in form_fields(view).values())


def _no_header(pdf: bytes) -> NotAPdf:
    before = pdf.find(HEADER, 0, MOST_BEFORE_HEADER)
    if before < 0:
        return NotAPdf(
            f"Tệp không bắt đầu bằng %PDF- mà bằng {pdf[:8]!r}: không phải PDF, hãy chọn đúng tệp",
            f"The file begins with {pdf[:8]!r}, expected %PDF-: it is no PDF, choose another file",
        )
    return NotAPdf(
        f"Tệp có {before} byte lạ trước %PDF-; {SAVE_AGAIN_VI}", f"The file has {before} bytes before %PDF-; {SAVE_AGAIN_EN}"
    )


def _damaged(what: str) -> NotAPdf:
    return NotAPdf(
        f"Cấu trúc tệp hỏng hoặc không đúng chuẩn PDF, các chương trình có thể đọc khác nhau; {SAVE_AGAIN_VI}",
        f"The file's structure is damaged or not by the standard ({what}); {SAVE_AGAIN_EN}",
    )


def _encrypted() -> EncryptedPdf:
    return EncryptedPdf(
        "Tệp có mật khẩu hoặc được mã hóa; hãy lưu thành PDF không mật khẩu rồi ký",
        "The file is encrypted; save it as a PDF without a password, and sign that",
    )
