"""The regulations themselves, as data: which applies to a grade in a school year, with the article of each number.

A new circular is a new entry in `REGULATIONS`, never a change of an old one: books that began under a rule end under it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from documents.class_book import Level
from documents.errors import NoRegulation


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRule:
    """What a level of learning results asks for; levels are tried from the highest."""

    level: Level
    every_scored: Decimal  # each scored subject at least this
    many_scored: Decimal  # and at least `many` of them at least this
    many: int
    failed_checks: int  # at most so many comment subjects Chưa đạt


@dataclass(frozen=True, slots=True, kw_only=True)
class Regulation:
    """One circular's numbers."""

    citation: str
    since: Mapping[int, int]  # grade -> the year in which the first school year under it begins
    # Số ĐĐGtx per semester by periods a year: (at most this many periods, so many marks); above the last: `tx_most`.
    tx_by_periods: tuple[tuple[int, int], ...]
    tx_most: int
    tx_comment: int
    weight_gk: int
    weight_ck: int
    weight_semester_2: int  # against 1 of semester I
    levels: tuple[LevelRule, ...]
    rise_from: int  # the one-subject rise: at least so many levels too low
    conduct_of_year: Mapping[Level, tuple[Level, Level, Level, Level]]  # by semester II, then by semester I
    excellent_scored: Decimal  # Học sinh Xuất sắc: so many scored subjects ...
    excellent_many: int
    most_absences: int  # buổi nghỉ a year, for promotion


_T, _K, _D, _C = Level.GOOD, Level.FAIR, Level.PASSED, Level.FAILED

TT_22_2021 = Regulation(
    citation="TT 22/2021/TT-BGDĐT",
    # Art. 21: grade 6 from 2021-2022, then 7 and 10, 8 and 11, 9 and 12, a year later each.
    since=MappingProxyType({6: 2021, 7: 2022, 10: 2022, 8: 2023, 11: 2023, 9: 2024, 12: 2024}),
    tx_by_periods=((35, 2), (70, 3)),  # art. 6.2.b
    tx_most=4,
    tx_comment=2,  # art. 6.2.a
    weight_gk=2,  # art. 9.1.b
    weight_ck=3,
    weight_semester_2=2,
    levels=(  # art. 9.2
        LevelRule(level=_T, every_scored=Decimal("6.5"), many_scored=Decimal("8.0"), many=6, failed_checks=0),
        LevelRule(level=_K, every_scored=Decimal("5.0"), many_scored=Decimal("6.5"), many=6, failed_checks=0),
        LevelRule(level=_D, every_scored=Decimal("3.5"), many_scored=Decimal("5.0"), many=6, failed_checks=1),
    ),
    rise_from=2,  # art. 9.3
    conduct_of_year=MappingProxyType(  # art. 8.2.b: semester II -> by semester I Tốt, Khá, Đạt, Chưa đạt
        {
            _T: (_T, _T, _K, _K),
            _K: (_K, _K, _K, _D),
            _D: (_K, _D, _D, _D),
            _C: (_C, _C, _C, _C),
        }
    ),
    excellent_scored=Decimal("9.0"),  # art. 15.1.a
    excellent_many=6,
    most_absences=45,  # art. 12.1.c
)

REGULATIONS: tuple[Regulation, ...] = (TT_22_2021,)


def regulation_for(*, school_year: str, grade: int) -> Regulation:
    """The regulation under which this grade is assessed in this school year ("2026-2027"): the latest that has begun.

    Raises NoRegulation for years before TT 22/2021 reached the grade, and for grades outside 6-12.
    """
    begins = int(school_year[:4])
    started = [r for r in REGULATIONS if grade in r.since and r.since[grade] <= begins]
    if not started:
        raise NoRegulation(
            f"Chưa có quy định đánh giá cho lớp {grade}, năm học {school_year}",
            f"No assessment regulation covers grade {grade} in the school year {school_year}",
        )
    return max(started, key=lambda r: r.since[grade])
