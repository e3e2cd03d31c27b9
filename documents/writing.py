"""A subject's marks as the CSV file that a teacher downloads, corrects and uploads again."""

import csv
import io

from documents.class_book import ClassBook

COLUMNS = ("STT", "Mã học sinh", "Họ và tên", "Lớp", "Môn", "ĐĐGtx1", "ĐĐGtx2", "ĐĐGtx3", "ĐĐGtx4", "ĐĐGgk", "ĐĐGck")


def subject_csv(book: ClassBook, key: str) -> bytes:
    """UTF-8 with BOM, comma, CRLF, marks with a point: opens in Excel, and `read_subject_csv` takes it back. KeyError."""
    subject = book.subject(key)
    text = io.StringIO(newline="")
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for place, pupil in enumerate(book.pupils, start=1):
        marks = book.marks[subject.key][pupil.id]
        tx = [*map(str, marks.tx), "", "", ""][:4]
        lines.writerow((place, pupil.id, pupil.name, book.class_name, subject.title, *tx, str(marks.gk), str(marks.ck)))
    return text.getvalue().encode("utf-8-sig")
