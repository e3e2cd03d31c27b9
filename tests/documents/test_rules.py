"""TT 22/2021: the golden cases, and what must hold for any marks."""

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from documents.class_book import Award, Check, Form, Level
from documents.errors import NoRegulation
from documents.rules import (
    PROGRAMME,
    award,
    conduct_of_year,
    half_up,
    learning_level,
    promoted,
    regulation_for,
    semester_average,
    semester_check,
    tx_count,
    year_average,
    year_check,
    year_result,
)
from documents.rules.results import RANK

RULES = regulation_for(school_year="2026-2027", grade=9)
T, K, D, C = Level.GOOD, Level.FAIR, Level.PASSED, Level.FAILED
PASS, FAIL = Check.PASSED, Check.FAILED

marks = st.integers(0, 100).map(lambda tenths: Decimal(tenths) / 10)
averages = st.lists(marks, min_size=6, max_size=12)
checks = st.lists(st.sampled_from([PASS, PASS, PASS, FAIL]), min_size=1, max_size=5)


def decimals(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


@pytest.mark.parametrize(
    ("tx", "gk", "ck", "average"),
    [
        (("8", "9"), "7", "8", "7.9"),
        (("7", "8", "9", "8"), "7.5", "8.5", "8.1"),
        (("6", "6"), "6", "7", "6.4"),
        (("8", "8", "8", "9"), "8", "8.4", "8.2"),  # 74.2 / 9 = 8.2444
        (("0", "0"), "0", "0", "0.0"),
        (("10", "10", "10"), "10", "10", "10.0"),
    ],
)
def test_a_semester_average_weighs_1_2_3(tx: tuple[str, ...], gk: str, ck: str, average: str) -> None:
    """ĐTBmhk by art. 9.1.b, the golden cases."""
    assert str(semester_average(RULES, tx=decimals(*tx), gk=Decimal(gk), ck=Decimal(ck))) == average


@pytest.mark.parametrize(
    ("first", "second", "year"),
    [("7.9", "8.1", "8.0"), ("6.4", "6.5", "6.5"), ("10.0", "10.0", "10.0"), ("0.0", "0.1", "0.1"), ("5.0", "8.0", "7.0")],
)
def test_a_year_average_counts_the_second_semester_twice(first: str, second: str, year: str) -> None:
    """ĐTBmcn by art. 9.1.b, from the rounded averages; 6,4 and 6,5 reach the threshold of Tốt."""
    assert str(year_average(RULES, semester_1=Decimal(first), semester_2=Decimal(second))) == year


def test_a_tie_is_rounded_up() -> None:
    """8,25 is 8,3 (a binary float gives 8,2 and changes a level at 6,5 and 8,0)."""
    assert half_up(Decimal("8.25"), 1) == Decimal("8.3")
    assert half_up(Decimal("6.45"), 1) == Decimal("6.5")
    assert half_up(Decimal("16.5"), 2) == Decimal("8.3")


@given(st.integers(0, 900), st.integers(1, 9))
def test_rounding_is_exact(tenths: int, divisor: int) -> None:
    """Every quotient that can arise equals the one in exact fractions, half up."""
    expected = (Fraction(tenths, 10 * divisor) * 10 + Fraction(1, 2)).__floor__()

    assert half_up(Decimal(tenths) / 10, divisor) == Decimal(expected) / 10


@given(st.lists(marks, min_size=2, max_size=4), marks, marks)
def test_an_average_lies_between_the_marks(tx: list[Decimal], gk: Decimal, ck: Decimal) -> None:
    """Never below the worst or above the best mark, and with one decimal."""
    average = semester_average(RULES, tx=tx, gk=gk, ck=ck)

    assert min(*tx, gk, ck) <= average <= max(*tx, gk, ck)
    assert average.as_tuple().exponent == -1


def test_the_callers_decimal_settings_do_not_matter() -> None:
    """A thread that counts with three digits, rounding down, gets the same average."""
    with localcontext() as context:
        context.prec, context.rounding = 3, "ROUND_DOWN"
        average = semester_average(RULES, tx=decimals("7.5", "8.5", "9.5", "8.5"), gk=Decimal("7.5"), ck=Decimal("8.5"))

    assert average == Decimal("8.3")  # 74.5 / 9 = 8.2778


@pytest.mark.parametrize(
    ("form", "periods", "count"),
    [
        (Form.SCORED, 35, 2),
        (Form.SCORED, 36, 3),
        (Form.SCORED, 70, 3),
        (Form.SCORED, 71, 4),
        (Form.SCORED, 140, 4),
        (Form.SCORED, 1, 2),
        (Form.COMMENT, 35, 2),
        (Form.COMMENT, 105, 2),
    ],
)
def test_the_periods_decide_how_many_regular_marks(form: Form, periods: int, count: int) -> None:
    """Art. 6.2: up to 35 periods two, up to 70 three, more four; by comment two."""
    assert tx_count(RULES, form=form, periods=periods) == count


def test_a_subject_by_comment_needs_every_check() -> None:
    """One Chưa đạt makes the semester Chưa đạt; the year is the second semester."""
    assert semester_check(tx=[PASS, PASS], gk=PASS, ck=PASS) is PASS
    assert semester_check(tx=[PASS, FAIL], gk=PASS, ck=PASS) is FAIL
    assert semester_check(tx=[PASS, PASS], gk=FAIL, ck=PASS) is FAIL
    assert semester_check(tx=[PASS, PASS], gk=PASS, ck=FAIL) is FAIL
    assert year_check(semester_2=PASS) is PASS
    assert year_result(RULES, semester_1=FAIL, semester_2=PASS) is PASS


def test_a_score_and_a_check_are_no_two_results_of_one_subject() -> None:
    """A subject does not change its form within a year."""
    with pytest.raises(ValueError, match="not two results of one subject"):
        year_result(RULES, semester_1=PASS, semester_2=Decimal("8.0"))


ELEVEN_GOOD = decimals(*["8.0"] * 11)


@pytest.mark.parametrize(
    ("scored", "checks_", "level"),
    [
        ([*ELEVEN_GOOD, Decimal("3.4")], [PASS] * 4, D),  # by table Chưa đạt, raised once
        ([*ELEVEN_GOOD, Decimal("4.9")], [PASS] * 4, K),  # by table Đạt, raised once
        ([*ELEVEN_GOOD, Decimal("5.0")], [PASS] * 4, K),  # by table Khá: one level below Tốt only
        ([*ELEVEN_GOOD, Decimal("6.4")], [PASS] * 4, K),
        ([*ELEVEN_GOOD, Decimal("6.5")], [PASS] * 4, T),
        ([*ELEVEN_GOOD[:10], Decimal("3.4"), Decimal("3.4")], [PASS] * 4, C),  # two subjects: no rise
        ([*ELEVEN_GOOD[:10], Decimal("4.9"), Decimal("4.9")], [PASS] * 4, D),
        (ELEVEN_GOOD, [PASS, PASS, PASS, FAIL], K),  # by table Đạt, by one comment subject only
        (ELEVEN_GOOD, [PASS, PASS, FAIL, FAIL], C),  # two comment subjects: no rise
        (decimals(*["6.5"] * 8), [PASS, PASS, PASS, FAIL], D),  # Khá without it: one level only
        ([*decimals(*["6.5"] * 7), Decimal("3.4")], [PASS] * 4, D),  # Khá without it, by table Chưa đạt: raised
        ([*decimals(*["6.5"] * 7), Decimal("3.5")], [PASS] * 4, D),  # Khá without it, by table Đạt: stays
        ([*decimals(*["8.0"] * 6), *decimals("6.5", "6.5")], [PASS] * 4, T),
        ([*decimals(*["8.0"] * 5), *decimals("7.9", "6.5", "6.5")], [PASS] * 4, K),
        ([*decimals(*["6.5"] * 6), *decimals("5.0", "5.0")], [PASS] * 4, K),
        ([*decimals(*["6.5"] * 5), *decimals("6.4", "5.0", "5.0")], [PASS] * 4, D),
        ([*decimals(*["5.0"] * 6), *decimals("3.5", "3.5")], [PASS, PASS, PASS, FAIL], D),
        ([*decimals(*["5.0"] * 5), *decimals("4.9", "3.5", "3.5")], [PASS] * 4, C),
        ([*decimals(*["5.0"] * 7), Decimal("3.4")], [PASS] * 4, C),  # Đạt without it: art. 9.3 speaks of Tốt and Khá
    ],
)
def test_learning_results(scored: list[Decimal], checks_: list[Check], level: Level) -> None:
    """The table of art. 9.2 and the one-subject rise of art. 9.3."""
    assert learning_level(RULES, scored=scored, checks=checks_) is level


@given(averages, checks, st.data())
def test_a_better_mark_never_lowers_a_level(scored: list[Decimal], given_checks: list[Check], data: st.DataObject) -> None:
    """Raising any one average keeps or raises the learning result, the rise included."""
    place = data.draw(st.integers(0, len(scored) - 1))
    better = data.draw(st.integers(int(scored[place] * 10), 100))
    raised = [*scored[:place], Decimal(better) / 10, *scored[place + 1 :]]

    before = learning_level(RULES, scored=scored, checks=given_checks)
    after = learning_level(RULES, scored=raised, checks=given_checks)
    assert RANK[after] >= RANK[before]


@given(averages, checks)
def test_the_order_of_subjects_does_not_matter(scored: list[Decimal], given_checks: list[Check]) -> None:
    """A level is a property of the marks, not of how the book lists them."""
    assert learning_level(RULES, scored=scored, checks=given_checks) is learning_level(
        RULES, scored=sorted(scored), checks=sorted(given_checks)
    )


@given(averages, checks)
def test_the_rise_is_one_level_at_most(scored: list[Decimal], given_checks: list[Check]) -> None:
    """Against the table alone, written a second time here, a pupil gains nothing or one level."""
    failed = given_checks.count(FAIL)

    def table() -> Level:
        if failed == 0 and min(scored) >= Decimal("6.5") and sum(m >= 8 for m in scored) >= 6:
            return T
        if failed == 0 and min(scored) >= 5 and sum(m >= Decimal("6.5") for m in scored) >= 6:
            return K
        if failed <= 1 and min(scored) >= Decimal("3.5") and sum(m >= 5 for m in scored) >= 6:
            return D
        return C

    gained = RANK[learning_level(RULES, scored=scored, checks=given_checks)] - RANK[table()]
    assert gained in {0, 1}


@pytest.mark.parametrize(
    ("second", "years"),
    [(T, (T, T, K, K)), (K, (K, K, K, D)), (D, (K, D, D, D)), (C, (C, C, C, C))],
)
def test_conduct_of_a_year(second: Level, years: tuple[Level, ...]) -> None:
    """The matrix of art. 8.2.b: a row for semester II, the columns semester I Tốt, Khá, Đạt, Chưa đạt."""
    found = tuple(conduct_of_year(RULES, semester_1=first, semester_2=second) for first in (T, K, D, C))

    assert found == years


def test_awards() -> None:
    """Art. 15: both Tốt makes Giỏi, with six subjects of 9,0 Xuất sắc; Tiên tiến is no more."""
    six = [*decimals(*["9.0"] * 6), Decimal("8.0"), Decimal("6.5")]
    five = [*decimals(*["9.0"] * 5), Decimal("8.9"), Decimal("8.0"), Decimal("6.5")]

    assert award(RULES, conduct=T, learning=T, scored=six) is Award.EXCELLENT
    assert award(RULES, conduct=T, learning=T, scored=five) is Award.GOOD
    assert award(RULES, conduct=K, learning=T, scored=six) is Award.NONE
    assert award(RULES, conduct=T, learning=K, scored=six) is Award.NONE


def test_promotion() -> None:
    """Art. 12: at least Đạt in both, at most 45 sessions missed."""
    assert promoted(RULES, conduct=D, learning=D, absences=45)
    assert not promoted(RULES, conduct=D, learning=D, absences=46)
    assert not promoted(RULES, conduct=C, learning=T, absences=0)
    assert not promoted(RULES, conduct=T, learning=C, absences=0)


@pytest.mark.parametrize(("grade", "first"), [(6, 2021), (7, 2022), (10, 2022), (8, 2023), (11, 2023), (9, 2024), (12, 2024)])
def test_a_grade_comes_under_the_regulation_in_its_year(grade: int, first: int) -> None:
    """TT 22/2021 reached the grades one after the other; before that no rule of ours applies."""
    assert regulation_for(school_year=f"{first}-{first + 1}", grade=grade).citation == "TT 22/2021/TT-BGDĐT"
    with pytest.raises(NoRegulation, match=f"grade {grade}"):
        regulation_for(school_year=f"{first - 1}-{first}", grade=grade)


def test_primary_school_has_other_rules() -> None:
    """Grades 1 to 5 are assessed under TT 27/2020, which is not in this table."""
    with pytest.raises(NoRegulation):
        regulation_for(school_year="2026-2027", grade=5)


def test_the_programme() -> None:
    """Thirteen sheets, eight scored; music and fine arts are contents of one subject."""
    assert len(PROGRAMME) == 13
    assert sum(subject.form is Form.SCORED for subject in PROGRAMME) == 8
    assert {subject.key for subject in PROGRAMME if subject.part_of} == {"am-nhac", "mi-thuat"}
