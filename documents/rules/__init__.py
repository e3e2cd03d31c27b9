"""The assessment rules of lower and upper secondary schools: data with a date, and pure functions over it.

>>> from decimal import Decimal
>>> rules = regulation_for(school_year="2026-2027", grade=9)
>>> semester_average(rules, tx=[Decimal(8), Decimal(9)], gk=Decimal(7), ck=Decimal(8))
Decimal('7.9')
"""

from documents.rules.averages import (
    half_up,
    semester_average,
    semester_check,
    semester_result,
    tx_count,
    year_average,
    year_check,
    year_result,
)
from documents.rules.regulations import REGULATIONS, LevelRule, Regulation, regulation_for
from documents.rules.results import award, conduct_of_year, learning_level, promoted
from documents.rules.subjects import PROGRAMME, ProgrammeSubject, known_subject

__all__ = [
    "PROGRAMME",
    "REGULATIONS",
    "LevelRule",
    "ProgrammeSubject",
    "Regulation",
    "award",
    "conduct_of_year",
    "half_up",
    "known_subject",
    "learning_level",
    "promoted",
    "regulation_for",
    "semester_average",
    "semester_check",
    "semester_result",
    "tx_count",
    "year_average",
    "year_check",
    "year_result",
]
