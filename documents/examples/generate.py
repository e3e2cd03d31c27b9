"""Make the example class book: `python -m documents.examples.generate [folder]`. The same bytes each time.

Class 9A, 45 pupils, 13 subjects, semester I of 2026-2027, at a school that does not exist; every name and mark is
drawn by chance from a fixed seed. Written as a workbook, as CSV per subject with info.json (also as one ZIP), and as
JSON; then read again from each, which must give the same book.
"""

import csv
import io
import json
import random
import sys
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

from documents.class_book import (
    Check,
    ClassBook,
    Form,
    Level,
    Marks,
    School,
    Subject,
    SubjectKey,
    Term,
)
from documents.data import canonical, class_book_json
from documents.examples.people import HOMEROOM_NAME, TEACHERS, pick, pupils, teacher
from documents.examples.workbook import workbook
from documents.reading import read_class_book
from documents.rules import PROGRAMME, regulation_for, tx_count

SEED = 20260905  # the first day of the school year
PUPILS = 45
NAME = "class-book-9A"
PERIODS = {  # tiết/năm of grade 9 (TT 32/2018)
    "ngu-van": 140, "toan": 140, "tieng-anh": 105, "gdcd": 35, "lich-su-dia-li": 105, "khtn": 140, "cong-nghe": 52,
    "tin-hoc": 35, "gdtc": 70, "am-nhac": 35, "mi-thuat": 35, "gddp": 35, "hdtn-hn": 105,
}  # fmt: skip
SCHOOL = School(
    code="31000123",
    name="Trường THCS Nguyễn Du",
    parent="UBND phường Lê Chân",
    province="Thành phố Hải Phòng",
    place="Hải Phòng",
)
ZIP_TIME = (2027, 1, 11, 8, 0, 0)


def main() -> None:
    """Write the examples and read them again."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    book = example_book()
    written = dict(files(book))
    for name, content in written.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    for name in (f"{NAME}.xlsx", f"{NAME}.json", f"{NAME}.zip"):
        if read_class_book(written[name], name) != book:
            raise AssertionError(f"{name} does not give the book again")


def files(book: ClassBook) -> Iterator[tuple[str, bytes]]:
    """Every example file with its bytes."""
    whole = json.loads(class_book_json(book))
    parts = {"info.json": canonical({key: value for key, value in whole.items() if key != "marks"})}
    parts |= {f"{subject.key}.csv": subject_csv(book, subject) for subject in book.subjects}
    yield f"{NAME}.xlsx", workbook(book, ZIP_TIME)
    yield f"{NAME}.json", class_book_json(book)
    yield f"{NAME}.zip", _zip(parts)
    for name, content in parts.items():
        yield f"csv/{name}", content


def subject_csv(book: ClassBook, subject: Subject) -> bytes:
    """One subject as the school's programs export it: UTF-8 with BOM, comma, CRLF, marks with a point."""
    text = io.StringIO(newline="")
    lines = csv.writer(text)  # quotes what holds a comma, ends lines with CRLF
    lines.writerow(["STT", "Mã học sinh", "Họ và tên", "Lớp", "Môn", "ĐĐGtx1", "ĐĐGtx2", "ĐĐGtx3", "ĐĐGtx4", "ĐĐGgk", "ĐĐGck"])
    for tt, pupil in enumerate(book.pupils, start=1):
        marks = book.marks[subject.key][pupil.id]
        tx = [*map(str, marks.tx), "", "", ""][:4]
        lines.writerow((tt, pupil.id, pupil.name, book.class_name, subject.title, *tx, str(marks.gk), str(marks.ck)))
    return text.getvalue().encode("utf-8-sig")


def _zip(parts: dict[str, bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(parts.items()):
            archive.writestr(zipfile.ZipInfo(name, ZIP_TIME), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


# The book


def example_book() -> ClassBook:
    """Class 9A of an invented school."""
    chance = random.Random(SEED).random  # noqa: S311 - invented marks need no secrecy
    rules = regulation_for(school_year="2026-2027", grade=9)
    people = pupils(chance, PUPILS)
    subjects = tuple(
        Subject(
            key=SubjectKey(entry.key),
            title=entry.title,
            short=entry.short,
            form=entry.form,
            periods=PERIODS[entry.key],
            tx_count=tx_count(rules, form=entry.form, periods=PERIODS[entry.key]),
            teacher=teacher(TEACHERS[entry.key]),
        )
        for entry in PROGRAMME
    )
    # From 5.2 to 9.4: some of every level; the third root draws most of them to the upper middle.
    strength = {pupil.id: 5.2 + 4.2 * chance() ** 0.6 for pupil in people}
    return ClassBook(
        school=SCHOOL,
        class_name="9A",
        grade=9,
        school_year="2026-2027",
        semester=1,
        homeroom_teacher=teacher(HOMEROOM_NAME),
        subjects=subjects,
        pupils=tuple(people),
        marks={subject.key: {p.id: _marks(chance, subject, strength[p.id]) for p in people} for subject in subjects},
        terms={p.id: _term(chance, strength[p.id]) for p in people},
        earlier=None,
    )


def _marks(chance: Callable[[], float], subject: Subject, strength: float) -> Marks:
    if subject.form is Form.COMMENT:
        given = [Check.FAILED if chance() < 0.004 * (10 - strength) else Check.PASSED for _ in range(subject.tx_count + 2)]
        return Marks(tx=tuple(given[:-2]), gk=given[-2], ck=given[-1])
    level = strength + 1.6 * (chance() - 0.5)  # better in one subject than in another
    scores = [_score(chance, level, 2) for _ in range(subject.tx_count)]
    return Marks(tx=tuple(scores), gk=_score(chance, level, 4), ck=_score(chance, level, 10))


def _score(chance: Callable[[], float], level: float, steps: int) -> Decimal:
    """A mark around the level: halves in class, quarters (rounded up to one decimal) and tenths in written tests."""
    raw = min(10.0, max(1.0, level + 2.4 * (chance() - 0.5)))
    tenths = -int(-round(raw * steps) * 10 // steps)
    mark = Decimal(min(tenths, 100)) / 10
    return mark.to_integral_value() if mark == mark.to_integral_value() else mark


def _term(chance: Callable[[], float], strength: float) -> Term:
    slip = chance() * (10.5 - strength)
    conduct = Level.GOOD if slip < 2.6 else Level.FAIR if slip < 4.2 else Level.PASSED  # noqa: PLR2004 - by eye
    excused = int(pick(chance, (0, 0, 0, 1, 1, 2, 2, 3, 4, 6)))
    return Term(conduct=conduct, excused=excused, unexcused=1 if conduct is not Level.GOOD and chance() < 0.6 else 0)  # noqa: PLR2004 - by eye


if __name__ == "__main__":
    main()
