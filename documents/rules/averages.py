"""A subject's result: of a semester, of a year. Decimal arithmetic, half up; a binary float would turn 8,25 into 8,2."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal

from documents.class_book import Check, Form, Mark, Marks
from documents.rules.regulations import Regulation

TENTH = Decimal("0.1")
# Our own context: a caller who changed the thread's precision or rounding must not change a pupil's average.
# 28 digits are plenty: a quotient by 3 to 9 of numbers with one decimal is either exact or far from a tie.
EXACT = Context(prec=28, rounding=ROUND_HALF_UP)


def half_up(total: Decimal, divisor: int) -> Decimal:
    """`total / divisor` to one decimal, half up (TT 22/2021, art. 5.3.b)."""
    return EXACT.quantize(EXACT.divide(total, Decimal(divisor)), TENTH)


def tx_count(rules: Regulation, *, form: Form, periods: int) -> int:
    """How many ĐĐGtx a subject has per semester, by its periods a year (art. 6.2)."""
    if form is Form.COMMENT:
        return rules.tx_comment
    for most, count in rules.tx_by_periods:
        if periods <= most:
            return count
    return rules.tx_most


def semester_result(rules: Regulation, form: Form, marks: Marks) -> Mark:
    """A pupil's result in one subject in one semester: ĐTBmhk with one decimal, or Đ/CĐ."""
    given = (*marks.tx, marks.gk, marks.ck)
    if form is Form.COMMENT:
        checks = [mark for mark in given if isinstance(mark, Check)]
        return semester_check(tx=checks[:-2], gk=checks[-2], ck=checks[-1])
    scores = [mark for mark in given if isinstance(mark, Decimal)]
    return semester_average(rules, tx=scores[:-2], gk=scores[-2], ck=scores[-1])


def year_result(rules: Regulation, *, semester_1: Mark, semester_2: Mark) -> Mark:
    """A pupil's result in one subject over the year: ĐTBmcn, or Đ/CĐ."""
    if isinstance(semester_1, Decimal) and isinstance(semester_2, Decimal):
        return year_average(rules, semester_1=semester_1, semester_2=semester_2)
    if isinstance(semester_2, Check) and isinstance(semester_1, Check):
        return year_check(semester_2=semester_2)
    raise ValueError(f"semester I has {semester_1!r}, semester II {semester_2!r}: not two results of one subject")


def semester_average(rules: Regulation, *, tx: Sequence[Decimal], gk: Decimal, ck: Decimal) -> Decimal:
    """ĐTBmhk = (sum of ĐĐGtx + 2 x ĐĐGgk + 3 x ĐĐGck) / (number of ĐĐGtx + 5) (art. 9.1.b)."""
    total = sum(tx, Decimal(0)) + rules.weight_gk * gk + rules.weight_ck * ck
    return half_up(total, len(tx) + rules.weight_gk + rules.weight_ck)


def year_average(rules: Regulation, *, semester_1: Decimal, semester_2: Decimal) -> Decimal:
    """ĐTBmcn = (ĐTBmhkI + 2 x ĐTBmhkII) / 3, from the rounded averages (art. 9.1.b)."""
    return half_up(semester_1 + rules.weight_semester_2 * semester_2, 1 + rules.weight_semester_2)


def semester_check(*, tx: Sequence[Check], gk: Check, ck: Check) -> Check:
    """A subject by comment: Đạt when every assessment is Đạt (art. 9.1.a)."""
    return Check.PASSED if all(check is Check.PASSED for check in (*tx, gk, ck)) else Check.FAILED


def year_check(*, semester_2: Check) -> Check:
    """A subject by comment over the year: the result of semester II (art. 9.1.a)."""
    return semester_2
