"""The list of pupils, and every other list compared with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from documents.class_book import Pupil, PupilId
from documents.reading.cells import SEXES, Cell, Misfits, clean, count_of, day_of, name_of, one_of, pupil_id_of
from documents.reading.cover import Cover
from documents.reading.limits import LIMITS
from documents.reading.tables import Row


@dataclass(slots=True, kw_only=True)
class ClassList:
    """The pupils that were understood, and the names of those that were not: what is wrong is told once."""

    known: bool  # False: the list could not be read, so that nothing is compared with it
    pupils: dict[PupilId, Pupil] = field(default_factory=dict)
    places: dict[PupilId, int] = field(default_factory=dict)  # TT
    doubtful: set[str] = field(default_factory=set)  # ids and names in lines that misfit


def read_class_list(rows: tuple[Row, ...] | None, cover: Cover, where: str, misfits: Misfits) -> ClassList:
    """Judge the class list: ids and names unique, TT counting from 1, sensible dates."""
    if rows is None:
        return ClassList(known=False)
    pupils = ClassList(known=True)
    persons: dict[tuple[str, date], str] = {}
    for tt, row in enumerate(rows, start=1):
        pupil = _pupil(row, cover, misfits)
        _expect_tt(row.get("tt"), tt, misfits)
        if pupil is None:
            pupils.doubtful |= {_text(row, "id"), _text(row, "name")} - {""}
        elif pupil.id in pupils.pupils:
            misfits.add(row.cell("id"), "mã khác nhau cho mỗi học sinh", "a different id for each pupil")
            pupils.doubtful.add(pupil.name)
        else:
            if (first := persons.setdefault((pupil.name, pupil.birth_date), row.where)) != row.where:
                misfits.add(
                    row.cell("name"),
                    f"mỗi học sinh một dòng (cùng tên và ngày sinh ở {first})",
                    f"each pupil once (the same name and date of birth at {first})",
                )
            pupils.pupils[pupil.id], pupils.places[pupil.id] = pupil, tt
    if not rows:
        misfits.at(where, "0", "ít nhất một học sinh", "at least one pupil")
    return pupils


def _pupil(row: Row, cover: Cover, misfits: Misfits) -> Pupil | None:
    starts = int(cover.school_year[:4]) if cover.school_year else 0

    def sensible(day: date) -> bool:
        # From a year early to seven years late for the grade; special and continued classes are within that.
        return not starts or not cover.grade or cover.grade + 4 <= starts - day.year <= cover.grade + 13

    pupil_id = pupil_id_of(row.cell("id"), misfits)
    name = name_of(row.cell("name"), misfits)
    birth_date = day_of(row.cell("birth_date"), misfits, sensible)
    sex = one_of(row.cell("sex"), SEXES, misfits, "Nam hoặc Nữ", "Nam or Nữ")
    if pupil_id is None or name is None or birth_date is None or sex is None:
        return None
    return Pupil(id=PupilId(pupil_id), name=name, birth_date=birth_date, sex=sex)


def match_rows(rows: tuple[Row, ...], pupils: ClassList, where: str, misfits: Misfits) -> list[tuple[PupilId | None, Row]]:
    """Each row with its pupil (None: not told, and noted or doubtful); pupils without a row are noted."""
    matched: dict[PupilId, Row] = {}
    named: set[str] = set()  # rows whose id is wrong stand for the pupil of that name: told once, not twice
    result: list[tuple[PupilId | None, Row]] = []
    for row in rows:
        pupil_id = _match(row, pupils, matched, misfits)
        if pupil_id is None:
            named.add(_text(row, "name"))
        else:
            matched[pupil_id] = row
        result.append((pupil_id, row))
    for pupil_id, pupil in pupils.pupils.items():
        if pupil_id not in matched and pupil.name not in named:
            misfits.at(where, f"không có {pupil_id} / no {pupil_id}", f"một dòng cho {pupil.name}", f"a row for {pupil.name}")
    return result


def _match(row: Row, pupils: ClassList, matched: Mapping[PupilId, Row], misfits: Misfits) -> PupilId | None:
    text = pupil_id_of(row.cell("id"), misfits)
    pupil = pupils.pupils.get(PupilId(text)) if text else None
    if text is None or pupil is None:
        if text and pupils.known and not {text, _text(row, "name")} & pupils.doubtful:
            misfits.add(row.cell("id"), "mã có trong danh sách lớp", "an id that is in the class list")
        _judge_alone(row, misfits)
        return None
    pupil_id = pupil.id
    if pupil_id in matched:
        first = matched[pupil_id].where
        misfits.add(row.cell("id"), f"mỗi học sinh một dòng (đã có ở {first})", f"each pupil once (already at {first})")
        _judge_alone(row, misfits)
        return None
    name = row.get("name")
    if name is not None and _text(row, "name") != pupil.name:
        vi, en = (
            f"“{pupil.name}”, tên của {pupil_id} trong danh sách",
            f'"{pupil.name}", the name of {pupil_id} in the class list',
        )
        misfits.add(name, vi, en)
    _expect_tt(row.get("tt"), pupils.places[pupil_id], misfits)
    return pupil_id


def _judge_alone(row: Row, misfits: Misfits) -> None:
    """A line that belongs to nobody in the list: its name and number are judged by themselves."""
    for key in ("name", "tt"):
        cell = row.get(key)
        if cell is not None and key == "name":
            name_of(cell, misfits)
        elif cell is not None:
            count_of(cell, misfits, LIMITS.pupils, "số thứ tự", "a running number", least=1)


def _expect_tt(cell: Cell | None, tt: int, misfits: Misfits) -> None:
    if cell is None:
        return
    before = len(misfits.found)
    number = count_of(cell, misfits, LIMITS.pupils, "số thứ tự", "a running number", least=1)
    if len(misfits.found) == before and number != tt:
        misfits.add(cell, f"số thứ tự {tt}", f"running number {tt}")


def _text(row: Row, key: str) -> str:
    value = row.cell(key).value
    return clean(value) if isinstance(value, str) else ""
