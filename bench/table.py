"""What a bench says: rows of measured against goal, printed the same way everywhere.

table = Table("Signing", (Row.least("B-B RSA-2048 against plain pyHanko", goal=50, measured=61.2, unit="x"),))
print(table)
table.to_json()
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. `goal` None: it is only told, nothing is promised."""

    name: str
    measured: float
    goal: float | None = None
    at_least: bool = True  # False: the goal is an upper bound
    unit: str = ""  # "x", "ms", "MB", "/s"
    note: str = ""

    @classmethod
    def least(cls, name: str, *, goal: float, measured: float, unit: str = "x", note: str = "") -> Self:
        """A figure that should be at least the goal."""
        return cls(name=name, measured=measured, goal=goal, at_least=True, unit=unit, note=note)

    @classmethod
    def most(cls, name: str, *, goal: float, measured: float, unit: str = "x", note: str = "") -> Self:
        """A figure that should be at most the goal."""
        return cls(name=name, measured=measured, goal=goal, at_least=False, unit=unit, note=note)

    @classmethod
    def told(cls, name: str, *, measured: float, unit: str = "ms", note: str = "") -> Self:
        """A figure without a goal."""
        return cls(name=name, measured=measured, unit=unit, note=note)

    @property
    def ratio(self) -> float | None:
        """How far past the goal, above 1 when it is met."""
        if self.goal is None or not self.goal or not self.measured:
            return None
        return self.measured / self.goal if self.at_least else self.goal / self.measured

    @property
    def verdict(self) -> str:
        """met, missed, or nothing where nothing is promised."""
        if self.goal is None:
            return ""
        is_met = self.measured >= self.goal if self.at_least else self.measured <= self.goal
        return "met" if is_met else "missed"

    def cells(self) -> tuple[str, ...]:
        """Name, goal, measured, ratio, verdict, note."""
        goal = "" if self.goal is None else f"{'>=' if self.at_least else '<='} {_figure(self.goal)} {self.unit}".rstrip()
        ratio = "" if self.ratio is None else f"{self.ratio:.2f}"
        return self.name, goal, f"{_figure(self.measured)} {self.unit}".rstrip(), ratio, self.verdict, self.note


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title."""

    title: str
    rows: tuple[Row, ...] = field(default=())

    @property
    def missed(self) -> tuple[Row, ...]:
        """The rows whose goal was not reached."""
        return tuple(row for row in self.rows if row.verdict == "missed")

    def __str__(self) -> str:
        head = ("", "goal", "measured", "ratio", "", "")
        lines = [head, *(row.cells() for row in self.rows)]
        widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
        return "\n".join([self.title, *(_line(line, widths) for line in lines)])

    def to_json(self) -> dict[str, Any]:
        """For bench/results."""
        rows = [
            {
                "name": row.name,
                "goal": row.goal,
                "at_least": row.at_least,
                "measured": row.measured,
                "unit": row.unit,
                "ratio": row.ratio,
                "verdict": row.verdict,
                "note": row.note,
            }
            for row in self.rows
        ]
        return {"title": self.title, "rows": rows}


def median(values: Iterable[float]) -> float:
    """The middle one."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *others, note = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(
        ("", first, *(other.rjust(width) for other, width in zip(others, widths[1:], strict=False)), note)
    ).rstrip()


def _figure(value: float) -> str:
    if abs(value) >= 100:  # noqa: PLR2004 - three digits are enough
        return f"{value:,.0f}"
    return f"{value:.3g}"
