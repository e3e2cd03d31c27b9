"""A pupil's result over all subjects: learning, conduct, promotion, award."""

from collections.abc import Sequence
from decimal import Decimal

from documents.class_book import Award, Check, Level
from documents.rules.regulations import LevelRule, Regulation

RANK = {Level.FAILED: 0, Level.PASSED: 1, Level.FAIR: 2, Level.GOOD: 3}
LEVELS = {rank: level for level, rank in RANK.items()}


def learning_level(rules: Regulation, *, scored: Sequence[Decimal], checks: Sequence[Check]) -> Level:
    """Kết quả học tập (art. 9.2), with the one-subject rise (art. 9.3): from ĐTBmhk for a semester, ĐTBmcn for a year.

    The rise: where setting aside exactly one subject, scored or by comment, would give Tốt or Khá, and that is two or
    more levels above what the table gives, the pupil goes up by one level. "Setting aside" is the careful reading: the
    subject neither holds the pupil back nor counts among the six.
    """
    by_table = _by_table(rules, scored, checks)
    without_one = [
        *(_by_table(rules, [*scored[:i], *scored[i + 1 :]], checks) for i in range(len(scored))),
        *(_by_table(rules, scored, [*checks[:i], *checks[i + 1 :]]) for i in range(len(checks))),
    ]
    best = max((RANK[level] for level in without_one), default=0)
    if best >= RANK[Level.FAIR] and best - RANK[by_table] >= rules.rise_from:
        return LEVELS[RANK[by_table] + 1]
    return by_table


def _by_table(rules: Regulation, scored: Sequence[Decimal], checks: Sequence[Check]) -> Level:
    return next((rule.level for rule in rules.levels if _meets(rule, scored, checks)), Level.FAILED)


def _meets(rule: LevelRule, scored: Sequence[Decimal], checks: Sequence[Check]) -> bool:
    return (
        all(mark >= rule.every_scored for mark in scored)
        and sum(mark >= rule.many_scored for mark in scored) >= rule.many
        and sum(check is Check.FAILED for check in checks) <= rule.failed_checks
    )


def conduct_of_year(rules: Regulation, *, semester_1: Level, semester_2: Level) -> Level:
    """Kết quả rèn luyện cả năm by the matrix of art. 8.2.b: the second semester weighs more."""
    return rules.conduct_of_year[semester_2][RANK[Level.GOOD] - RANK[semester_1]]


def award(rules: Regulation, *, conduct: Level, learning: Level, scored: Sequence[Decimal]) -> Award:
    """Danh hiệu at the end of the year (art. 15.1.a), from the year's conduct, learning result and ĐTBmcn."""
    if not conduct is learning is Level.GOOD:
        return Award.NONE
    outstanding = sum(mark >= rules.excellent_scored for mark in scored)
    return Award.EXCELLENT if outstanding >= rules.excellent_many else Award.GOOD


def promoted(rules: Regulation, *, conduct: Level, learning: Level, absences: int) -> bool:
    """Được lên lớp (art. 12.1): conduct and learning of the year at least Đạt, not more than 45 sessions missed."""
    passed = RANK[Level.PASSED]
    return RANK[conduct] >= passed and RANK[learning] >= passed and absences <= rules.most_absences
