"""Read a class book out of somebody's file; refuse it with every misfit at once, or take it whole.

Nothing from outside is parsed in this process but text (CSV, JSON): archives and workbooks are opened by a limited
process of their own (`worker.py`).
"""

import dataclasses
from pathlib import PurePath

from documents.class_book import ClassBook, Earlier
from documents.reading.assemble import assemble
from documents.reading.cells import Misfits, shown
from documents.reading.class_list import ClassList
from documents.reading.cover import Cover
from documents.reading.csv_archive import read_archive
from documents.reading.json_book import read_json
from documents.reading.limited import refuse
from documents.reading.limits import LIMITS
from documents.reading.mark_sheets import read_mark_sheet
from documents.reading.subject_list import ListedSubject
from documents.reading.text_files import read_csv
from documents.reading.workbook import read_workbook
from documents.rules import regulation_for

READERS = {".xlsx": read_workbook, ".json": read_json, ".zip": read_archive}


def read_class_book(content: bytes, filename: str) -> ClassBook:
    """A whole class book from .xlsx, .json, or .zip (info.json and a CSV file per subject). Raises BadData."""
    name = shown(PurePath(filename).name)
    if len(content) > LIMITS.file_bytes:
        raise refuse(name, "TOO_LARGE_FILE", f"{len(content)}")
    reader = READERS.get(PurePath(name).suffix.lower())
    if reader is None:
        raise refuse(name, "OTHER_FILE", PurePath(name).suffix)
    misfits = Misfits(name)
    return assemble(reader(content, name, misfits), misfits)


def class_book_from_json(content: bytes) -> ClassBook:
    """The book that `class_book_json` wrote; judged like any other file. Raises BadData."""
    return read_class_book(content, "class-book.json")


def read_subject_csv(content: bytes, book: ClassBook, subject: str) -> ClassBook:
    """The book with one subject's marks replaced by those of a CSV file. Raises BadData; KeyError for no subject of it."""
    misfits = Misfits(f"{subject}.csv")
    listed = ListedSubject(
        subject=book.subject(subject), form=book.subject(subject).form, sheet=read_csv(content, f"{subject}.csv", misfits)
    )
    judged = read_mark_sheet(listed, _class_list(book), _cover(book), misfits)
    misfits.stop()
    key = listed.subject.key
    earlier = book.earlier
    if earlier is not None and judged.previous:
        earlier = Earlier(results={**earlier.results, key: judged.previous}, terms=earlier.terms)
    return dataclasses.replace(book, marks={**book.marks, key: judged.marks}, earlier=earlier)


def _class_list(book: ClassBook) -> ClassList:
    return ClassList(
        known=True,
        pupils={pupil.id: pupil for pupil in book.pupils},
        places={pupil.id: tt for tt, pupil in enumerate(book.pupils, start=1)},
    )


def _cover(book: ClassBook) -> Cover:
    return Cover(
        school=book.school,
        class_name=book.class_name,
        grade=book.grade,
        school_year=book.school_year,
        semester=book.semester,
        homeroom_teacher=book.homeroom_teacher,
        rules=regulation_for(school_year=book.school_year, grade=book.grade),
    )


__all__ = ["class_book_from_json", "read_class_book", "read_subject_csv"]
