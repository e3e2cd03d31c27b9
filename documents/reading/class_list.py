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
    doubtful: set[str] = field(default_factory=set)  # names


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
            pupils.doubtful.add(_name(row))
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
            named.add(_name(row))
        else:
            matched[pupil_id] = row
        result.append((pupil_id, row))
    for pupil_id, pupil in pupils.pupils.items():
        if pupil_id not in matched and pupil.name not in named:
            misfits.at(where, f"không có {pupil_id} / no {pupil_id}", f"một dòng cho {pupil.name}", f"a row for {pupil.name}")
    return result


def _match(row: Row, pupils: ClassList, matched: Mapping[PupilId, Row], misfits: Misfits) -> PupilId | None:
    text = pupil_id_of(row.cell("id"), misfits)
    if text is None or not pupils.known:
        return None
    pupil_id = PupilId(text)
    if pupil_id in matched:
        misfits.add(
            row.cell("id"),
            f"mỗi học sinh một dòng (đã có ở {matched[pupil_id].where})",
            f"each pupil once (already at {matched[pupil_id].where})",
        )
        return None
    pupil = pupils.pupils.get(pupil_id)
    if pupil is None:
        if _name(row) not in pupils.doubtful:
            misfits.add(row.cell("id"), "mã có trong danh sách lớp", "an id that is in the class list")
        return None
    name = row.get("name")
    if name is not None and _name(row) != pupil.name:
        misfits.add(
            name,
            f"“{pupil.name}”, tên của {pupil_id} trong danh sách",
            f'"{pupil.name}", the name of {pupil_id} in the class list',
        )
    _expect_tt(row.get("tt"), pupils.places[pupil_id], misfits)
    return pupil_id


def _expect_tt(cell: Cell | None, tt: int, misfits: Misfits) -> None:
    if cell is None:
        return
    before = len(misfits.found)
    number = count_of(cell, misfits, LIMITS.pupils, "số thứ tự", "a running number", least=1)
    if len(misfits.found) == before and number != tt:
        misfits.add(cell, f"số thứ tự {tt}", f"running number {tt}")


def _name(row: Row) -> str:
    value = row.cell("name").value
    return clean(value) if isinstance(value, str) else ""
