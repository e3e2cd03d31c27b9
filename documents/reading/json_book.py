"""A class book as JSON ("soky-class-book/1"), which is also how it is kept; and the info.json of a ZIP of CSV files.

{"format": "soky-class-book/1",
"school": {"code", "name", "parent", "province", "place"},
"class": {"name", "school_year", "semester"},
"homeroom_teacher": {"id", "name"},
"subjects": [{"key", "title", "form": "scored" | "comment", "periods", "teacher": {"id", "name"}}],
"pupils": [{"id", "name", "birth_date": "2012-03-14", "sex"}],
"marks": {subject key: {pupil id: {"tx": ["8", "7.5"], "gk": "7.5", "ck": "8", "note"?}}},     not in info.json
"terms": {pupil id: {"conduct", "excused", "unexcused", "note"?}},
"earlier": {"results": {subject key: {pupil id: "7.9"}}, "terms": {...}}}    in semester II; results not in info.json
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from documents.reading.cells import Broken, Cell, Misfits, Value, shown
from documents.reading.limited import refuse
from documents.reading.limits import LIMITS
from documents.reading.raw_book import MarkSheet, RawBook
from documents.reading.tables import Row
from documents.reading.text_files import decode

FORMAT = "soky-class-book/1"
NUMBER_CHARS = 20  # of a number in JSON; a mark has at most four

INFO_PLACES = {
    "parent": ("school", "parent"),
    "province": ("school", "province"),
    "school": ("school", "name"),
    "code": ("school", "code"),
    "place": ("school", "place"),
    "class_name": ("class", "name"),
    "semester": ("class", "semester"),
    "school_year": ("class", "school_year"),
    "homeroom": ("homeroom_teacher", "name"),
    "homeroom_id": ("homeroom_teacher", "id"),
}


def read_json(content: bytes, filename: str, misfits: Misfits, *, marks: bool = True) -> RawBook:
    """The book in a JSON file; without its marks where `marks` is False (info.json beside CSV files)."""
    if len(content) > LIMITS.json_bytes:
        raise refuse(filename, "TOO_LARGE_FILE", f"{len(content)}")
    walk = _Walk(filename, misfits)
    keys = {"format", "school", "class", "homeroom_teacher", "subjects", "pupils", "terms"} | ({"marks"} if marks else set())
    root = walk.keyed(_parse(content, filename, misfits), "", keys, optional=frozenset({"earlier"}))
    for key in sorted(keys & set(root)):
        if root[key] is None:
            misfits.add(walk.cell(None, f"/{key}"), "một giá trị", "a value")
    if "format" in root and root["format"] != FORMAT:
        misfits.add(walk.cell(root["format"], "/format"), FORMAT, FORMAT)
    parts = {"results", "terms"} if marks else {"terms"}  # beside CSV files the results are a column of theirs
    earlier = walk.keyed(root["earlier"], "/earlier", parts) if root.get("earlier") is not None else {}
    sheets = walk.mark_sheets(root.get("marks"), earlier.get("results")) if marks else {}
    return RawBook(
        where=filename,
        info=walk.info(root),
        subjects=walk.subjects(root.get("subjects"), suffix="" if marks else ".csv"),
        pupils=walk.pupils(root.get("pupils")),
        sheets=sheets,
        terms=walk.terms(root.get("terms"), earlier.get("terms")),
        terms_where=f"{filename}:/terms",
        pupils_where=f"{filename}:/pupils",
    )


def _parse(content: bytes, filename: str, misfits: Misfits) -> object:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        whole = dict(items)
        if len(whole) < len(items):  # of two values one would be lost without a word
            twice = next(key for key, count in Counter(key for key, _ in items).items() if count > 1)
            misfits.at(filename, shown(twice), "mỗi khóa một lần", "each key once")
        return whole

    text = decode(content, filename, misfits)
    misfits.stop()
    try:
        return json.loads(text, parse_float=_number, parse_int=_number, parse_constant=Broken, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        misfits.at(filename, f"{type(error).__name__}: {error}"[:80], "JSON hợp lệ", "valid JSON")
        misfits.stop()
        raise AssertionError("unreachable: a misfit was just noted") from error


def _number(text: str) -> Decimal | Broken:
    try:
        return Decimal(text) if len(text) <= NUMBER_CHARS else Broken(text[:NUMBER_CHARS] + "…")
    except InvalidOperation:
        return Broken(text)


@dataclass(frozen=True, slots=True)
class _Walk:
    """Through the parsed JSON, keeping the path."""

    filename: str
    misfits: Misfits

    def place(self, path: str) -> str:
        return f"{self.filename}:{path or '/'}"

    def cell(self, value: object, path: str) -> Cell:
        kept: Value = (
            value if value is None or isinstance(value, str | bool | Decimal | Broken) else Broken(type(value).__name__)
        )
        return Cell(self.place(path), kept)

    def keyed(self, value: object, path: str, keys: set[str], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
        """An object of these keys; what is missing or unknown is noted."""
        found = self.mapping(value, path)
        if not isinstance(value, dict):
            return {}
        for key in sorted(keys - set(found)):
            self.misfits.at(self.place(path), f"không có / no {key}", f"khóa {key}", f"a key {key}")
        for key in found:
            if key not in keys | optional:
                names = ", ".join(sorted(keys | optional))
                self.misfits.at(
                    self.place(f"{path}/{shown(key)}"), shown(key), f"chỉ các khóa {names}", f"only the keys {names}"
                )
        return {key: item for key, item in found.items() if key in keys | optional}

    def mapping(self, value: object, path: str) -> dict[str, Any]:
        if isinstance(value, dict):
            return value
        self.misfits.add(self.cell(value, path), "một đối tượng JSON {…}", "a JSON object {...}")
        return {}

    def only(self, earlier: Mapping[str, Any] | None, path: str, now: object) -> None:
        """Semester I may only tell of what semester II has: the rest would be dropped without a word."""
        for key in (earlier or {}).keys() - (now.keys() if isinstance(now, dict) else set()):
            found = shown(key)
            vi, en = "chỉ môn học, học sinh có ở học kì này", "only subjects and pupils of this semester"
            self.misfits.at(self.place(f"{path}/{found}"), found, vi, en)

    def items(self, value: object, path: str, most: int) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, list) or len(value) > most:
            found = self.cell(value, path) if not isinstance(value, list) else Cell(self.place(path), str(len(value)))
            self.misfits.add(found, f"một danh sách JSON tối đa {most} mục", f"a JSON list of at most {most}")
            return
        yield from ((f"{path}/{index}", item) for index, item in enumerate(value))

    def info(self, root: Mapping[str, Any]) -> dict[str, Cell]:
        groups = {
            name: self.keyed(root[name], f"/{name}", {key for group, key in INFO_PLACES.values() if group == name})
            for name in ("school", "class", "homeroom_teacher")
            if name in root
        }
        return {
            ours: self.cell(groups[group][key], f"/{group}/{key}")
            for ours, (group, key) in INFO_PLACES.items()
            if key in groups.get(group, {})
        }

    def subjects(self, value: object, suffix: str) -> tuple[Row, ...] | None:
        if value is None:
            return None
        rows = []
        for path, item in self.items(value, "/subjects", LIMITS.subjects):
            entry = self.keyed(item, path, {"key", "title", "form", "periods", "teacher"})
            teacher = self.keyed(entry["teacher"], f"{path}/teacher", {"id", "name"}) if "teacher" in entry else {}
            cells = {key: self.cell(entry.get(key), f"{path}/{key}") for key in ("key", "title", "form", "periods")}
            cells["teacher_id"] = self.cell(teacher.get("id"), f"{path}/teacher/id")
            cells["teacher"] = self.cell(teacher.get("name"), f"{path}/teacher/name")
            key = entry.get("key")
            cells["sheet"] = self.cell(f"{key}{suffix}" if isinstance(key, str) else None, f"{path}/key")
            rows.append(Row(where=self.place(path), cells=cells))
        return tuple(rows)

    def pupils(self, value: object) -> tuple[Row, ...] | None:
        if value is None:
            return None
        keys = ("id", "name", "birth_date", "sex")
        return tuple(
            Row(where=self.place(path), cells={key: self.cell(entry.get(key), f"{path}/{key}") for key in keys})
            for path, item in self.items(value, "/pupils", LIMITS.pupils)
            for entry in [self.keyed(item, path, set(keys))]
        )

    def mark_sheets(self, marks: object, results: object) -> dict[str, MarkSheet]:
        earlier = self.mapping(results, "/earlier/results") if results is not None else None
        sheets = {}
        subjects = self.mapping(marks, "/marks") if marks is not None else {}
        if len(subjects) > LIMITS.subjects:
            most = LIMITS.subjects
            self.misfits.at(self.place("/marks"), str(len(subjects)), f"tối đa {most} môn", f"at most {most} subjects")
            return {}
        self.only(earlier, "/earlier/results", subjects)
        for key, lines in subjects.items():
            path = f"/marks/{shown(key)}"
            previous = self.mapping(earlier.get(key), f"/earlier/results/{shown(key)}") if earlier is not None else None
            sheets[key] = MarkSheet(where=self.place(path), labels={}, rows=self._mark_rows(lines, path, previous))
        return sheets

    def _mark_rows(self, lines: object, path: str, previous: Mapping[str, Any] | None) -> tuple[Row, ...]:
        rows = []
        self.only(previous, f"/earlier/results{path.removeprefix('/marks')}", lines)
        for pupil_id, value in list(self.mapping(lines, path).items())[: LIMITS.pupils + 1]:
            at = f"{path}/{shown(pupil_id)}"
            entry = self.keyed(value, at, {"tx", "gk", "ck"}, frozenset({"note"}))
            tx = [item for _, item in self.items(entry.get("tx"), f"{at}/tx", 4)]
            cells = {"id": self.cell(pupil_id, at)}
            cells |= {f"tx{n + 1}": self.cell(tx[n] if n < len(tx) else None, f"{at}/tx/{n}") for n in range(4)}
            cells |= {key: self.cell(entry.get(key), f"{at}/{key}") for key in ("gk", "ck", "note")}
            if previous is not None:
                cells["previous"] = self.cell(previous.get(pupil_id), f"/earlier/results{at.removeprefix('/marks')}")
            rows.append(Row(where=self.place(at), cells=cells))
        return tuple(rows)

    def terms(self, value: object, earlier: object) -> tuple[Row, ...] | None:
        if value is None:
            return None
        before = self.mapping(earlier, "/earlier/terms") if earlier is not None else None
        self.only(before, "/earlier/terms", value)
        keys = ("conduct", "excused", "unexcused")
        rows = []
        for pupil_id, item in list(self.mapping(value, "/terms").items())[: LIMITS.pupils + 1]:
            at = f"/terms/{shown(pupil_id)}"
            entry = self.keyed(item, at, set(keys), frozenset({"note"}))
            cells = {"id": self.cell(pupil_id, at)}
            cells |= {key: self.cell(entry.get(key), f"{at}/{key}") for key in (*keys, "note")}
            if before is not None:
                then = self.keyed(before.get(pupil_id), f"/earlier{at}", set(keys), frozenset({"note"}))
                cells |= {f"{key}_1": self.cell(then.get(key), f"/earlier{at}/{key}") for key in keys}
            rows.append(Row(where=self.place(at), cells=cells))
        return tuple(rows)
