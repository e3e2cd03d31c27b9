"""What is signed: the data of sheets and volumes, one spelling, following from the marks by the rules."""

import dataclasses
import hashlib
import io
import json
import subprocess
import sys
import unicodedata
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents import (
    BadData,
    Check,
    ClassBook,
    Form,
    Level,
    Marks,
    PupilId,
    SheetEntry,
    Signatory,
    SubjectKey,
    Term,
    class_book_from_json,
    class_book_json,
    field_name,
    read_class_book,
    sheet_data,
    volume_data,
)
from documents.class_book import Earlier
from documents.data import canonical
from documents.rules import regulation_for, semester_result
from tests.documents.conftest import EXAMPLES, Workbook

AT = datetime(2027, 1, 14, 8, 30, tzinfo=timezone(timedelta(hours=7)))
TOAN = SubjectKey("toan")
KINDS = Path(__file__).resolve().parents[2] / "documents" / "kinds"
SIGNATORIES = {
    "homeroom_teacher_signs": Signatory(capacity="", title="GIÁO VIÊN CHỦ NHIỆM", name="Nguyễn Thị Mai"),
    "principal_signs": Signatory(capacity="KT.", title="PHÓ HIỆU TRƯỞNG", name="Vũ Thị Lan"),
}
relaxed = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sheet(book: ClassBook, key: str = "toan") -> Any:
    return json.loads(sheet_data(book, key, at=AT, demo=True))


def entries(book: ClassBook) -> list[SheetEntry]:
    return [
        SheetEntry(
            key=subject.key,
            title=subject.title,
            file_name=f"{no:02}-{subject.key}.pdf",
            sha256=hashlib.sha256(subject.key.encode()).hexdigest(),
            signer=subject.teacher.name,
            signed_at=AT,
            size=80_000 + no,
        )
        for no, subject in enumerate(book.subjects, start=1)
    ]


def volume(book: ClassBook) -> Any:
    return json.loads(volume_data(book, entries(book), SIGNATORIES, at=AT, demo=True))


def with_marks(book: ClassBook, key: SubjectKey, pupil: PupilId, marks: Marks) -> ClassBook:
    """The book with one pupil's marks in one subject replaced."""
    return dataclasses.replace(book, marks={**book.marks, key: {**book.marks[key], pupil: marks}})


def second_semester(book: ClassBook) -> ClassBook:
    """The same marks once more in semester II, after a semester I with the same results."""
    rules = regulation_for(school_year=book.school_year, grade=book.grade)
    results = {s.key: {p: semester_result(rules, s.form, m) for p, m in book.marks[s.key].items()} for s in book.subjects}
    return dataclasses.replace(book, semester=2, earlier=Earlier(results=results, terms=book.terms))


def test_the_sheet_of_a_scored_subject(book: ClassBook) -> None:
    """Marks as they were given, the average by the rule with one decimal, the teacher and the field who signs."""
    data = sheet(book)
    first, marks = data["pupils"][0], book.marks[TOAN][book.pupils[0].id]

    assert (data["kind"], data["version"], data["demo"], data["at"]) == (
        "class_book_sheet",
        1,
        True,
        "2027-01-14T08:30:00+07:00",
    )
    assert data["field"] == "subject_teacher_signs__toan"
    assert data["subject"]["teacher"] == {"id": "gv-tran-van-hung", "name": "Trần Văn Hùng"}
    assert [Decimal(mark) for mark in (*first["tx"], first["gk"], first["ck"])] == [*marks.tx, marks.gk, marks.ck]
    assert (first["average"], first["previous"], first["year"]) == ("9.4", None, None)
    assert [pupil["tt"] for pupil in data["pupils"]] == list(range(1, 46))
    assert sum(band["count"] for band in data["statistics"]["bands"]) == 45


def test_the_sheet_of_a_comment_subject(book: ClassBook) -> None:
    """Đ and CĐ; the semester's result is Đ only where every check is."""
    data = sheet(book, "gdtc")

    for pupil in data["pupils"]:
        given = {*pupil["tx"], pupil["gk"], pupil["ck"]}
        assert pupil["average"] == ("Đ" if given == {"Đ"} else "CĐ")
    assert {band["label"]: band["count"] for band in data["statistics"]["bands"]} == {
        "Đ": sum(pupil["average"] == "Đ" for pupil in data["pupils"]),
        "CĐ": sum(pupil["average"] == "CĐ" for pupil in data["pupils"]),
    }


def test_the_volume(book: ClassBook) -> None:
    """All pupils with all results, the list of sheets in book order, who signs, and what fields there are."""
    data = volume(book)

    assert [s["key"] for s in data["sheets"]] == [s.key for s in book.subjects] == [s["key"] for s in data["subjects"]]
    assert data["sheets"][1] == {
        "no": 2,
        "key": "toan",
        "title": "Toán",
        "file_name": "02-toan.pdf",
        "sha256": hashlib.sha256(b"toan").hexdigest(),
        "size": 80_002,
        "signer": "Trần Văn Hùng",
        "signed_at": "2027-01-14T08:30:00+07:00",
    }
    assert data["signatories"]["principal_signs"] == {"capacity": "KT.", "title": "PHÓ HIỆU TRƯỞNG", "name": "Vũ Thị Lan"}
    assert set(data["fields"]) == {"homeroom_teacher_signs", "principal_signs", "clerk_seals", "archive_timestamp"}
    for pupil in data["pupils"]:
        assert set(pupil["results"]) == {s.key for s in book.subjects}
        assert pupil["absences"]["total"] == pupil["absences"]["excused"] + pupil["absences"]["unexcused"]
        assert (pupil["award"], pupil["year"]) == (None, None)
    for name in ("learning", "conduct"):
        assert sum(each["count"] for each in data["statistics"][name]) == data["statistics"]["size"] == 45


def test_the_summary_agrees_with_the_sheets(book: ClassBook) -> None:
    """The volume repeats exactly the results that the teachers signed."""
    summary = volume(book)["pupils"]

    for subject in book.subjects:
        assert [p["average"] for p in sheet(book, subject.key)["pupils"]] == [p["results"][subject.key] for p in summary]


def test_the_shapes_are_the_schemas(book: ClassBook) -> None:
    """Every sheet and the volume, of both semesters, fit the kinds' JSON Schemas."""
    schemas = {k: json.loads((KINDS / k / "schema.json").read_text()) for k in ("class_book_sheet", "class_book")}
    for term in (book, second_semester(book)):
        for subject in term.subjects:
            jsonschema.validate(sheet(term, subject.key), schemas["class_book_sheet"])
        jsonschema.validate(volume(term), schemas["class_book"])


def test_an_incomplete_volume_is_refused(book: ClassBook) -> None:
    """A book whose list of sheets lacks one, or names one twice, must not come to be signed."""
    sheets = entries(book)
    with pytest.raises(ValueError, match="missing: hdtn-hn"):
        volume_data(book, sheets[:-1], SIGNATORIES, at=AT, demo=True)
    with pytest.raises(ValueError, match="exactly one sheet"):
        volume_data(book, [*sheets, sheets[0]], SIGNATORIES, at=AT, demo=True)
    with pytest.raises(ValueError, match="exactly one sheet"):
        volume_data(book, [*sheets[:-1], sheets[0]], SIGNATORIES, at=AT, demo=True)


def test_a_document_is_dated_somewhere(book: ClassBook) -> None:
    """A moment without a time zone is no moment."""
    with pytest.raises(ValueError, match="aware"):
        sheet_data(book, "toan", at=datetime(2027, 1, 14), demo=True)  # noqa: DTZ001 - the point


def test_a_subject_that_the_class_does_not_have(book: ClassBook) -> None:
    """Asking for it is the caller's mistake."""
    with pytest.raises(KeyError):
        sheet_data(book, "vat-li", at=AT, demo=True)


class TestOneSpelling:
    """Canonical JSON."""

    def test_the_bytes_are_pinned(self, book: ClassBook) -> None:
        """Signed data must be made again in years, byte for byte: a change here is a new version of the shape."""
        assert hashlib.sha256(sheet_data(book, "toan", at=AT, demo=True)).hexdigest()[:16] == "193adb550dead754"
        assert hashlib.sha256(class_book_json(book)).hexdigest()[:16] == "f19b529600b8527a"

    def test_sorted_composed_and_without_spaces(self, book: ClassBook) -> None:
        """UTF-8 in NFC, sorted keys, nothing between the parts, no binary float."""
        content = volume_data(book, entries(book), SIGNATORIES, at=AT, demo=True)
        text = content.decode()
        again = json.loads(text, parse_float=lambda number: pytest.fail(f"a float: {number}"))

        assert unicodedata.is_normalized("NFC", text)
        assert json.dumps(again, ensure_ascii=False, sort_keys=True, separators=(",", ":")) == text

    def test_floats_are_refused(self) -> None:
        """Two machines may print one differently."""
        with pytest.raises(TypeError, match="a float"):
            canonical({"a": [{"b": 0.1}]})

    def test_another_process_makes_the_same(self, book: ClassBook) -> None:
        """Whatever the order of sets and hashes in a process."""
        program = (
            "import sys, datetime; from documents import *; b = class_book_from_json(sys.stdin.buffer.read());"
            "at = datetime.datetime.fromisoformat(sys.argv[1]);"
            "sys.stdout.buffer.write(sheet_data(b, 'toan', at=at, demo=True) + class_book_json(b))"
        )
        done = subprocess.run(
            [sys.executable, "-c", program, AT.isoformat()], input=class_book_json(book), capture_output=True, check=True
        )

        assert done.stdout == sheet_data(book, "toan", at=AT, demo=True) + class_book_json(book)


class TestOneMark:
    """What changing one mark changes, and what it does not."""

    @relaxed
    @given(data=st.data())
    def test_only_that_pupil_in_that_subject(self, book: ClassBook, data: st.DataObject) -> None:
        """One mark changes at most its subject's average and then that pupil's level; nobody else's, no other subject's."""
        subject = data.draw(st.sampled_from(book.subjects))
        pupil = data.draw(st.sampled_from(book.pupils))
        old = book.marks[subject.key][pupil.id]
        mark = (
            data.draw(st.sampled_from(list(Check)))
            if subject.form is Form.COMMENT
            else Decimal(data.draw(st.integers(0, 100))) / 10
        )
        changed = with_marks(book, subject.key, pupil.id, dataclasses.replace(old, ck=mark))
        before, after = volume(book), volume(changed)

        for was, now in zip(before["pupils"], after["pupils"], strict=True):
            if was["id"] != pupil.id:
                assert was == now
            was["results"].pop(subject.key), now["results"].pop(subject.key)
            was.pop("learning"), now.pop("learning")
            assert was == now
        for other in book.subjects:
            if other.key != subject.key:
                assert sheet_data(book, other.key, at=AT, demo=True) == sheet_data(changed, other.key, at=AT, demo=True)

    @relaxed
    @given(data=st.data())
    def test_a_book_survives_being_kept(self, book: ClassBook, data: st.DataObject) -> None:
        """Any marks, conduct and notes: written and read again, the book is equal, in both semesters."""
        changed = book
        for _ in range(3):
            subject = data.draw(st.sampled_from([s for s in book.subjects if s.form is Form.SCORED]))
            pupil = data.draw(st.sampled_from(book.pupils)).id
            tenths = data.draw(st.lists(st.integers(0, 100), min_size=subject.tx_count + 2, max_size=subject.tx_count + 2))
            scores = [Decimal(n) / 10 if n % 10 else Decimal(n // 10) for n in tenths]
            note = data.draw(st.sampled_from(["", "miễn", "Kiểm tra bù – “có phép”"]))
            marks = Marks(tx=tuple(scores[:-2]), gk=scores[-2], ck=scores[-1], note=note)
            changed = with_marks(changed, subject.key, pupil, marks)
            term = Term(conduct=data.draw(st.sampled_from(list(Level))), excused=data.draw(st.integers(0, 400)), unexcused=0)
            changed = dataclasses.replace(changed, terms={**changed.terms, pupil: term})

        for term_book in (changed, second_semester(changed)):
            assert class_book_from_json(class_book_json(term_book)) == term_book

    def test_a_weak_subject_pulls_down_and_the_rise_lifts(self, book: ClassBook) -> None:
        """Đặng Gia An is Tốt; with 4,x in one subject Khá (raised once), with that in two Đạt."""
        pupil = book.pupils[0].id
        bad = Marks(tx=(Decimal(4),) * 4, gk=Decimal(4), ck=Decimal(4))
        one = with_marks(book, TOAN, pupil, bad)
        two = with_marks(one, SubjectKey("khtn"), pupil, bad)

        assert [volume(b)["pupils"][0]["learning"] for b in (book, one, two)] == ["Tốt", "Khá", "Đạt"]

    def test_music_and_fine_arts_are_one_subject(self, book: ClassBook) -> None:
        """Both contents of Nghệ thuật failed is one subject failed (Đạt at worst, raised to Khá); with another it is two."""
        pupil = book.pupils[0].id
        failed = Marks(tx=(Check.FAILED,) * 2, gk=Check.FAILED, ck=Check.FAILED)
        arts = with_marks(with_marks(book, SubjectKey("am-nhac"), pupil, failed), SubjectKey("mi-thuat"), pupil, failed)
        more = with_marks(arts, SubjectKey("gdtc"), pupil, failed)

        assert [volume(b)["pupils"][0]["learning"] for b in (arts, more)] == ["Khá", "Chưa đạt"]


class TestSecondSemester:
    """The year's results."""

    def test_the_year_on_a_sheet(self, book: ClassBook) -> None:
        """The same result twice is the year's result; ĐTBmhk I is shown beside it."""
        for pupil in sheet(second_semester(book))["pupils"]:
            assert pupil["average"] == pupil["previous"] == pupil["year"]

    def test_awards_and_promotion(self, book: ClassBook) -> None:
        """Giỏi and Xuất sắc exactly for those who are Tốt in both; absences of both semesters count."""
        term = second_semester(book)
        pupil = book.pupils[0].id
        absent = dataclasses.replace(term.terms[pupil], excused=46)
        data = volume(dataclasses.replace(term, terms={**term.terms, pupil: absent}))

        assert data["pupils"][0]["year"]["promoted"] is False
        assert data["pupils"][1]["year"]["promoted"] is True
        for each in data["pupils"]:
            both_good = each["year"]["learning"] == each["year"]["conduct"] == "Tốt"
            outstanding = sum(mark not in {"Đ", "CĐ"} and Decimal(mark) >= 9 for mark in each["year"]["results"].values())
            expected = "" if not both_good else "Học sinh Xuất sắc" if outstanding >= 6 else "Học sinh Giỏi"
            assert each["award"] == expected
        assert sum(award["count"] for award in data["statistics"]["awards"]) > 0

    def test_a_workbook_of_semester_two(self, xlsx: bytes, book: ClassBook) -> None:
        """Columns for semester I on each sheet and in the summary; without them, or with them in semester I, a misfit."""
        workbook, term = Workbook.of(xlsx), second_semester(book)
        assert term.earlier is not None
        for subject, name in zip(book.subjects, workbook.names[3:-1], strict=True):
            workbook.put(name, "L6", "ĐTBmhk I")
            for row, pupil in enumerate(book.pupils, start=7):
                workbook.put(name, f"L{row}", str(term.earlier.results[subject.key][pupil.id]))
        for column, header in zip("HIJ", ("Kết quả rèn luyện HK I", "Nghỉ có phép HK I", "Nghỉ không phép HK I"), strict=True):
            workbook.put("Tổng hợp", f"{column}3", header)
        for row, pupil in enumerate(book.pupils, start=4):
            was = term.earlier.terms[pupil.id]
            workbook.put("Tổng hợp", f"H{row}", was.conduct.value)
            workbook.put("Tổng hợp", f"I{row}", was.excused).put("Tổng hợp", f"J{row}", was.unexcused)
        with pytest.raises(BadData) as first:
            read_class_book(workbook.content(), "book.xlsx")
        for name in workbook.names[3:-1]:
            workbook.put(name, "C3", "II")
        workbook.put("Bìa", "B11", "II")

        read = read_class_book(workbook.content(), "book.xlsx")
        assert sheet(read) == sheet(term)
        assert volume(read) == volume(term)
        assert {"Toán!L7", "Tổng hợp!H4"} <= {m.where for m in first.value.misfits}

    def test_csv_files_of_semester_two(self, book: ClassBook) -> None:
        """Each subject's file has semester I's result as one more column, info.json semester I's conduct."""
        term = second_semester(book)
        assert term.earlier is not None
        whole = json.loads(class_book_json(term))
        del whole["marks"], whole["earlier"]["results"]
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("info.json", json.dumps(whole))
            for subject in book.subjects:
                lines = (EXAMPLES / "csv" / f"{subject.key}.csv").read_text("utf-8-sig").splitlines()
                results = term.earlier.results[subject.key]
                more = [f"{line},{results[p.id]}" for line, p in zip(lines[1:], book.pupils, strict=True)]
                archive.writestr(f"{subject.key}.csv", "\n".join([f"{lines[0]},ĐTBmhk I", *more]))

        assert read_class_book(target.getvalue(), "book.zip") == read_class_book(class_book_json(term), "book.json")

    @pytest.mark.parametrize(
        ("path", "where"),
        [
            (("results", "vat-li"), "results/vat-li"),
            (("results", "toan", "3100999999"), "results/toan/3100999999"),
            (("terms", "3100999999"), "terms/3100999999"),
        ],
    )
    def test_a_first_semester_of_others(self, book: ClassBook, path: tuple[str, ...], where: str) -> None:
        """Results of a subject or pupil that the class does not have would be dropped without a word."""
        whole = json.loads(class_book_json(second_semester(book)))
        at = whole["earlier"]
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = {}
        with pytest.raises(BadData) as refused:
            class_book_from_json(json.dumps(whole).encode())

        assert [m.where for m in refused.value.misfits] == [f"class-book.json:/earlier/{where}"]

    def test_a_second_semester_without_the_first(self, workbook: Workbook) -> None:
        """Each sheet and the summary are asked for semester I's columns, once."""
        workbook.put("Bìa", "B11", "II")
        for name in workbook.names[3:-1]:
            workbook.put(name, "C3", "II")
        with pytest.raises(BadData) as refused:
            read_class_book(workbook.content(), "book.xlsx")

        assert [m.where for m in refused.value.misfits] == [*workbook.names[3:-1], *["Tổng hợp"] * 3]


class TestExamples:
    """The shipped files."""

    def test_the_program_makes_the_shipped_files_again(self, tmp_path: Path) -> None:
        """Text files byte for byte; archives part for part (compressed bytes belong to the machine's zlib)."""
        subprocess.run([sys.executable, "-m", "documents.examples.generate", str(tmp_path)], check=True, cwd=KINDS.parents[1])
        made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}

        assert len(made) == 17
        for path, content in made.items():
            shipped = (EXAMPLES / path).read_bytes()
            if path.suffix in {".xlsx", ".zip"}:
                assert _members(content) == _members(shipped)
            else:
                assert content == shipped

    def test_they_are_dated_when_the_book_is(self) -> None:
        """No clock of the machine that made them."""
        with zipfile.ZipFile(EXAMPLES / "class-book-9A.xlsx") as archive:
            assert {entry.date_time for entry in archive.infolist()} == {(2027, 1, 11, 8, 0, 0)}
            assert archive.read("docProps/core.xml").count(b"2027-01-11T08:00:00Z") == 2

    def test_they_hold_something_of_everything(self, book: ClassBook) -> None:
        """All four levels, awards in sight, girls and boys, CĐ, names with every tone."""
        data = volume(book)
        names = unicodedata.normalize("NFD", " ".join(pupil.name for pupil in book.pupils))

        assert all(each["count"] for each in data["statistics"]["learning"])
        assert 15 <= data["statistics"]["girls"] <= 30
        assert {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323", "\u0302", "\u0306", "\u031b"} <= set(names)
        assert len({pupil.name for pupil in book.pupils}) == 45


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_field_names() -> None:
    """One dotless name for a step and a key; anything else is the caller's mistake."""
    assert field_name("principal_signs") == "principal_signs"
    assert field_name("subject_teacher_signs", "lich-su-dia-li") == "subject_teacher_signs__lich-su-dia-li"
    for step, key in [
        ("a.b", None),
        ("a", "b.c"),
        ("a__b", None),
        ("a", "__b"),
        ("", None),
        ("a", ""),
        ("A", None),
        ("a", "b_"),
    ]:
        with pytest.raises(ValueError, match="a step or key"):
            field_name(step, key)


def test_times_keep_their_zone(book: ClassBook) -> None:
    """A document dated in UTC says so."""
    assert (
        json.loads(sheet_data(book, "toan", at=datetime(2027, 1, 14, tzinfo=UTC), demo=False))["at"]
        == "2027-01-14T00:00:00+00:00"
    )
