"""From what somebody wrote to a class book: every cell judged, every list compared with every other.

The order is that of the book: cover, pupils, subjects, one sheet after the other, summary. Nothing stops at the first
misfit; what depends on a value that is itself wrong is not judged, so that one mistake is told once.
"""

from collections.abc import Mapping

from documents.class_book import ClassBook, Earlier, SubjectKey
from documents.reading.cells import Misfits
from documents.reading.class_list import ClassList, read_class_list
from documents.reading.cover import read_cover
from documents.reading.mark_sheets import JudgedSheet, read_mark_sheet
from documents.reading.raw_book import RawBook
from documents.reading.subject_list import read_subject_list
from documents.reading.terms import JudgedTerms, read_terms


def assemble(raw: RawBook, misfits: Misfits) -> ClassBook:
    """The class book, or BadData with every misfit."""
    cover = read_cover(raw.info, misfits)
    pupils = read_class_list(raw.pupils, cover, raw.pupils_where, misfits)
    listed = read_subject_list(raw, cover, misfits)
    judged = {each.subject.key: read_mark_sheet(each, pupils, cover, misfits) for each in listed}
    terms = read_terms(raw.terms, raw.terms_where, pupils, cover, misfits)
    if not misfits.found:
        _expect_whole(raw, cover.semester, pupils, judged, terms, misfits)
    misfits.stop()
    second = cover.semester == 2  # noqa: PLR2004 - semester II
    return ClassBook(
        school=cover.school,
        class_name=cover.class_name,
        grade=cover.grade,
        school_year=cover.school_year,
        semester=cover.semester,
        homeroom_teacher=cover.homeroom_teacher,
        subjects=tuple(each.subject for each in listed),
        pupils=tuple(pupils.pupils.values()),
        marks={key: sheet.marks for key, sheet in judged.items()},
        terms=terms.now,
        earlier=Earlier(results={k: s.previous for k, s in judged.items()}, terms=terms.earlier) if second else None,
    )


def _expect_whole(
    raw: RawBook,
    semester: int,
    pupils: ClassList,
    judged: Mapping[SubjectKey, JudgedSheet],
    terms: JudgedTerms,
    misfits: Misfits,
) -> None:
    """A last look, from the result's side: whoever reads a ClassBook relies on its being complete."""
    everybody = set(pupils.pupils)
    subjects = 0 if raw.subjects is None else len(raw.subjects)
    lists = [set(terms.now), *(set(sheet.marks) for sheet in judged.values())]
    if semester == 2:  # noqa: PLR2004 - semester II
        lists += [set(terms.earlier), *(set(sheet.previous) for sheet in judged.values())]
    if not everybody or not subjects or len(judged) != subjects or any(each != everybody for each in lists):
        vi, en = "đủ học sinh, môn học, điểm và tổng hợp", "pupils, subjects, marks and summary, all complete"
        misfits.at(raw.where, "thiếu dữ liệu / something is missing", vi, en)
