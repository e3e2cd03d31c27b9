"""The data of a sheet, of a volume and of a whole book, as canonical JSON: one spelling, so that bytes can be compared.

Canonical: UTF-8, NFC, keys sorted, no spaces, no floats (decimals are strings with a point). The shapes of the first
two are the schemas `documents/kinds/class_book_sheet/schema.json` and `documents/kinds/class_book/schema.json`.
"""

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from documents.class_book import Award, Check, ClassBook, Form, Level, Mark, Marks, PupilId, Subject, Teacher, Term
from documents.field_names import field_name
from documents.rules import (
    Regulation,
    award,
    conduct_of_year,
    known_subject,
    learning_level,
    promoted,
    regulation_for,
    semester_result,
    year_result,
)

Json = Mapping[str, Any]

BANDS = (  # of the statistics under a sheet: label, from
    ("8,0 – 10", Decimal("8.0")),
    ("6,5 – 7,9", Decimal("6.5")),
    ("5,0 – 6,4", Decimal("5.0")),
    ("3,5 – 4,9", Decimal("3.5")),
    ("dưới 3,5", Decimal(0)),
)
VOLUME_FIELDS = ("homeroom_teacher_signs", "principal_signs", "clerk_seals", "archive_timestamp")
SEMESTER_2 = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetEntry:
    """A signed sheet, as the volume lists it."""

    key: str  # the subject's
    title: str
    file_name: str
    sha256: str  # hex, of the file as attached
    signer: str  # name
    signed_at: datetime  # aware
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Signatory:
    """Whose name is printed under a field of the volume."""

    capacity: str  # "", or "KT." and its like (ND 30/2020, art. 13)
    title: str  # "HIỆU TRƯỞNG"
    name: str


def sheet_data(book: ClassBook, subject_key: str, *, at: datetime, demo: bool) -> bytes:
    """The data of one subject's sheet (kind class_book_sheet). `at` is its date, aware. KeyError: no such subject."""
    subject = book.subject(subject_key)
    results = _subject_results(book, subject)
    shown = results.year or results.semester
    return canonical(
        _heading(book, "class_book_sheet", f"{subject.title} – ", at=at, demo=demo)
        | {
            "subject": _subject(subject),
            "field": field_name("subject_teacher_signs", subject.key),
            "pupils": [
                {
                    "tt": tt,
                    "id": pupil.id,
                    "name": pupil.name,
                    "tx": [_mark(mark) for mark in marks.tx],
                    "gk": _mark(marks.gk),
                    "ck": _mark(marks.ck),
                    "average": _average(results.semester[pupil.id]),
                    "previous": _average(results.earlier[pupil.id]) if results.earlier else None,
                    "year": _average(results.year[pupil.id]) if results.year else None,
                    "note": marks.note,
                }
                for tt, pupil in enumerate(book.pupils, start=1)
                for marks in [book.marks[subject.key][pupil.id]]
            ],
            "statistics": {"size": len(book.pupils), "bands": _bands(subject, shown.values())},
        }
    )


def volume_data(
    book: ClassBook,
    sheets: Sequence[SheetEntry],
    signatories: Mapping[str, Signatory],
    *,
    at: datetime,
    demo: bool,
) -> bytes:
    """The data of the bound volume (kind class_book): cover, summary, list of signed sheets.

    `signatories` by the step that signs. Raises ValueError unless there is exactly one sheet for each subject: a book
    whose list of sheets is incomplete must not be signed.
    """
    by_key = {sheet.key: sheet for sheet in sheets}
    if len(sheets) != len(book.subjects) or set(by_key) != {subject.key for subject in book.subjects}:
        missing = ", ".join(subject.key for subject in book.subjects if subject.key not in by_key) or "none"
        raise ValueError(f"a volume lists exactly one sheet for each subject; {len(sheets)} given, missing: {missing}")
    pupils = _summaries(book)
    return canonical(
        _heading(book, "class_book", "", at=at, demo=demo)
        | {
            "subjects": [_subject(subject) for subject in book.subjects],
            "pupils": pupils,
            "statistics": _statistics(book, pupils),
            "sheets": [_sheet_entry(no, by_key[subject.key]) for no, subject in enumerate(book.subjects, start=1)],
            "signatories": {
                step: {"capacity": who.capacity, "title": who.title, "name": who.name} for step, who in signatories.items()
            },
            "fields": {step: field_name(step) for step in VOLUME_FIELDS},
        }
    )


def class_book_json(book: ClassBook) -> bytes:
    """The whole book as it is kept ("soky-class-book/1"); `class_book_from_json` gives an equal book again."""
    whole: dict[str, Any] = {
        "format": "soky-class-book/1",
        "school": _school(book),
        "class": {"name": book.class_name, "school_year": book.school_year, "semester": str(book.semester)},
        "homeroom_teacher": _teacher(book.homeroom_teacher),
        "subjects": [
            {"key": s.key, "title": s.title, "form": s.form, "periods": s.periods, "teacher": _teacher(s.teacher)}
            for s in book.subjects
        ],
        "pupils": [{"id": p.id, "name": p.name, "birth_date": p.birth_date.isoformat(), "sex": p.sex} for p in book.pupils],
        "marks": {key: {pupil: _marks(m) for pupil, m in lines.items()} for key, lines in book.marks.items()},
        "terms": _terms(book.terms),
    }
    if book.earlier is not None:
        results = {key: {pupil: _mark(mark) for pupil, mark in lines.items()} for key, lines in book.earlier.results.items()}
        whole["earlier"] = {"results": results, "terms": _terms(book.earlier.terms)}
    return canonical(whole)


def canonical(value: Json) -> bytes:
    """The one spelling of a JSON value. Floats are refused: two machines may print one differently."""
    _refuse_floats(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return unicodedata.normalize("NFC", text).encode()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a float in canonical JSON: {value!r}")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)


# What sheet and volume share


def _heading(book: ClassBook, kind: str, what: str, *, at: datetime, demo: bool) -> dict[str, Any]:
    if at.utcoffset() is None:
        raise ValueError("the date of a document is an aware datetime")
    return {
        "kind": kind,
        "version": 1,
        "demo": demo,
        "at": at.isoformat(timespec="seconds"),
        "title": (
            f"Sổ theo dõi và đánh giá học sinh (theo lớp học) – {what}Lớp {book.class_name} – "
            f"Học kì {'I' * book.semester} – Năm học {book.school_year}"
        ),
        "school": _school(book),
        "class": {
            "name": book.class_name,
            "grade": book.grade,
            "school_year": book.school_year,
            "semester": book.semester,
            "size": len(book.pupils),
        },
        "homeroom_teacher": _teacher(book.homeroom_teacher),
        "rules": _rules(book).citation,
    }


def _rules(book: ClassBook) -> Regulation:
    return regulation_for(school_year=book.school_year, grade=book.grade)


def _school(book: ClassBook) -> Json:
    school = book.school
    return {
        "code": school.code,
        "name": school.name,
        "parent": school.parent,
        "province": school.province,
        "place": school.place,
    }


def _teacher(teacher: Teacher) -> Json:
    return {"id": teacher.id, "name": teacher.name}


def _subject(subject: Subject) -> Json:
    return {
        "key": subject.key,
        "title": subject.title,
        "short": subject.short,
        "form": subject.form,
        "periods": subject.periods,
        "tx_count": subject.tx_count,
        "teacher": _teacher(subject.teacher),
    }


def _mark(mark: Mark) -> str:
    """8 -> "8", 7.5 -> "7.5", Đ -> "Đ"."""
    return mark.value if isinstance(mark, Check) else f"{mark:f}"


def _average(mark: Mark) -> str:
    """Always one decimal: "8.0"."""
    return mark.value if isinstance(mark, Check) else f"{mark:.1f}"


# Results


@dataclass(frozen=True, slots=True, kw_only=True)
class _Results:
    """One subject's results of all pupils."""

    semester: Mapping[PupilId, Mark]
    earlier: Mapping[PupilId, Mark] | None  # in semester II
    year: Mapping[PupilId, Mark] | None


def _subject_results(book: ClassBook, subject: Subject) -> _Results:
    rules = _rules(book)
    semester = {pupil: semester_result(rules, subject.form, marks) for pupil, marks in book.marks[subject.key].items()}
    if book.earlier is None:
        return _Results(semester=semester, earlier=None, year=None)
    earlier = book.earlier.results[subject.key]
    year = {pupil: year_result(rules, semester_1=earlier[pupil], semester_2=mark) for pupil, mark in semester.items()}
    return _Results(semester=semester, earlier=earlier, year=year)


def _summaries(book: ClassBook) -> list[dict[str, Any]]:
    results: dict[str, _Results] = {subject.key: _subject_results(book, subject) for subject in book.subjects}
    return [
        {
            "tt": tt,
            "id": pupil.id,
            "name": pupil.name,
            "birth_date": pupil.birth_date.isoformat(),
            "sex": pupil.sex,
            "results": {key: _average(result.semester[pupil.id]) for key, result in results.items()},
            "learning": _learning(book, {key: result.semester[pupil.id] for key, result in results.items()}),
            "conduct": book.terms[pupil.id].conduct,
            "absences": _absences(book.terms[pupil.id]),
            **_year(book, pupil.id, results),
            "note": book.terms[pupil.id].note,
        }
        for tt, pupil in enumerate(book.pupils, start=1)
    ]


def _absences(term: Term) -> Json:
    return {"excused": term.excused, "unexcused": term.unexcused, "total": term.excused + term.unexcused}


def _learning(book: ClassBook, results: Mapping[str, Mark]) -> Level:
    scored, checks = _scored_and_checks(results)
    return learning_level(_rules(book), scored=scored, checks=checks)


def _scored_and_checks(results: Mapping[str, Mark]) -> tuple[list[Decimal], list[Check]]:
    """The results as the rules count them: the contents of one subject (Âm nhạc, Mĩ thuật) are one, Đạt if all are."""
    scored = [mark for mark in results.values() if isinstance(mark, Decimal)]
    together: dict[str, Check] = {}
    for key, mark in results.items():
        if isinstance(mark, Check):
            programme = known_subject(key)
            name = programme.part_of if programme and programme.part_of else key
            together[name] = Check.FAILED if Check.FAILED in {mark, together.get(name)} else Check.PASSED
    return scored, list(together.values())


def _year(book: ClassBook, pupil: PupilId, results: Mapping[str, _Results]) -> dict[str, Any]:
    """The year's result and award, in semester II; awards are given by the year's results only (TT 22/2021, art. 15)."""
    if book.earlier is None:
        return {"year": None, "award": None}
    rules, now, before = _rules(book), book.terms[pupil], book.earlier.terms[pupil]
    year = {key: result.year[pupil] for key, result in results.items() if result.year is not None}
    learning = _learning(book, year)
    conduct = conduct_of_year(rules, semester_1=before.conduct, semester_2=now.conduct)
    absences = sum(term.excused + term.unexcused for term in (before, now))
    return {
        "year": {
            "results": {key: _average(mark) for key, mark in year.items()},
            "learning": learning,
            "conduct": conduct,
            "promoted": promoted(rules, conduct=conduct, learning=learning, absences=absences),
        },
        "award": award(rules, conduct=conduct, learning=learning, scored=_scored_and_checks(year)[0]),
    }


# Statistics


def _bands(subject: Subject, results: Iterable[Mark]) -> list[Json]:
    if subject.form is Form.COMMENT:
        return _counts((check.value for check in Check), (str(result) for result in results))
    averages = [result for result in results if isinstance(result, Decimal)]
    labels = [next(label for label, least in BANDS if average >= least) for average in averages]
    return _counts((label for label, _ in BANDS), labels)


def _counts(labels: Iterable[str], found: Iterable[str]) -> list[Json]:
    counter = Counter(found)
    return [{"label": label, "count": counter[label]} for label in labels]


def _statistics(book: ClassBook, pupils: Sequence[Json]) -> Json:
    judged = [pupil["year"] or pupil for pupil in pupils]
    awards = [] if book.semester != SEMESTER_2 else _counts((Award.EXCELLENT, Award.GOOD), (pupil["award"] for pupil in pupils))
    return {
        "size": len(pupils),
        "girls": sum(pupil["sex"] == "Nữ" for pupil in pupils),
        "learning": _counts(Level, (each["learning"] for each in judged)),
        "conduct": _counts(Level, (each["conduct"] for each in judged)),
        "awards": awards,
    }


def _sheet_entry(no: int, sheet: SheetEntry) -> Json:
    return {
        "no": no,
        "key": sheet.key,
        "title": sheet.title,
        "file_name": sheet.file_name,
        "sha256": sheet.sha256,
        "size": sheet.size,
        "signer": sheet.signer,
        "signed_at": sheet.signed_at.isoformat(timespec="seconds"),
    }


# The kept book


def _marks(marks: Marks) -> Json:
    plain: dict[str, Any] = {"tx": [_mark(mark) for mark in marks.tx], "gk": _mark(marks.gk), "ck": _mark(marks.ck)}
    return plain | ({"note": marks.note} if marks.note else {})


def _terms(terms: Mapping[PupilId, Term]) -> Json:
    return {
        pupil: {"conduct": t.conduct, "excused": t.excused, "unexcused": t.unexcused} | ({"note": t.note} if t.note else {})
        for pupil, t in terms.items()
    }
