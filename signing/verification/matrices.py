"""Matrices and boxes of what is drawn (ISO 32000-2, 8.3.4): six numbers and four, all of them finite and of a page's size."""

from collections.abc import Sequence
from typing import Any

from signing.verification.faults import BadStructure

MAX_NUMBER = 1e6  # a page of the largest size has 14 400 points
UPRIGHT = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
LEAST = 1e-9  # no length at all


def numbers_of(operands: list[Any], count: int) -> tuple[float, ...]:
    """The last `count` operands. Raises BadStructure where they are no such numbers."""
    numbers = tuple(each for each in operands[-count:] if isinstance(each, int | float) and not isinstance(each, bool))
    if len(numbers) != count:
        raise BadStructure("an operator without its numbers")
    return tuple(float(each) for each in bounded(numbers))


def times(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    """The matrix that applies the first, then the second (8.3.4)."""
    a, b, c, d, e, f = one
    g, h, i, j, k, m = other
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m


def hull(points: Sequence[tuple[float, float]]) -> tuple[float, ...]:
    """The upright box around points."""
    across, up = [x for x, _ in points], [y for _, y in points]
    return min(across), min(up), max(across), max(up)


def around(box: tuple[float, ...], matrix: tuple[float, ...]) -> tuple[float, ...]:
    """The upright box around a box that was turned."""
    a, b, c, d, e, f = matrix
    left, low, right, high = box
    return hull([(a * x + c * y + e, b * x + d * y + f) for x in (left, right) for y in (low, high)])


def shared(one: tuple[float, ...], other: tuple[float, ...]) -> tuple[float, ...]:
    """What lies in both boxes."""
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def fitting(box: tuple[float, ...], place: tuple[float, ...] | None) -> tuple[float, ...]:
    """The matrix that stretches a picture over its place on the page (12.5.5, algorithm 8, without moving it)."""
    wide, tall = box[2] - box[0], box[3] - box[1]
    if place is None or wide < LEAST or tall < LEAST:
        return UPRIGHT
    return bounded(((place[2] - place[0]) / wide, 0.0, 0.0, (place[3] - place[1]) / tall, 0.0, 0.0))


def is_straight(matrix: tuple[float, ...]) -> bool:
    """Whether rectangles stay upright."""
    a, b, c, d, _, _ = matrix
    return max(abs(b), abs(c)) < LEAST or max(abs(a), abs(d)) < LEAST


def bounded(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """The numbers as they are. Raises BadStructure for one that is not finite, or larger than any page."""
    if not all(abs(each) <= MAX_NUMBER for each in numbers):  # what is no number is never less
        raise BadStructure("a number that no page is large enough for")
    return numbers
