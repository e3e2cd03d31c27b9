"""Made-up hand signatures for the demonstration: blue ink on nothing, another one for each name, always the same.

A real signature's picture is scanned from its owner's hand; here is no face of anybody.
"""

import hashlib
import math
import random
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import pairwise

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 600, 240  # pixels; shown in 60 x 24 mm that is 254 dpi
FINER = 3  # drawn larger, then reduced: smooth edges
INK = (22, 48, 158)
STEPS = 26  # points between two knots of a stroke

Point = tuple[float, float]


def hand_signature(name: str, *, demo: bool = True) -> bytes:
    """A PNG (RGBA, 600 x 240, transparent), seeded by the name. Only a demonstration may make signatures up."""
    if not demo:
        raise ValueError("a hand signature is made up only in a demonstration; a real one is its owner's picture")
    # Not for secrets: the same name must give the same picture on every machine.
    chance = random.Random(hashlib.sha256(name.encode("utf-8")).digest())  # noqa: S311
    picture = Image.new("L", (WIDTH * FINER, HEIGHT * FINER), 0)
    pen = ImageDraw.Draw(picture)
    for stroke in _strokes(name, chance):
        _draw(pen, stroke, chance)
    mask = picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    signature = Image.new("RGBA", (WIDTH, HEIGHT), (*INK, 0))
    signature.putalpha(mask)
    out = BytesIO()
    signature.save(out, "PNG", optimize=True)
    return out.getvalue()


def _strokes(name: str, chance: random.Random) -> Iterator[Sequence[Point]]:
    """A tall first letter, a running line for the given name, a flourish under it, marks above: in pixels."""
    base = 150 + chance.uniform(-8, 8)
    letters = max(4, min(8, len(name.rpartition(" ")[2]) + 3))
    yield _capital(chance, base)
    start = 150 + chance.uniform(0, 25)
    line = _running(chance, start, base, letters)
    yield line
    end = line[-1]
    yield _flourish(chance, end, base)
    for _ in range(chance.randint(1, 2)):
        x, y = chance.uniform(start + 40, end[0] - 40), base - chance.uniform(66, 88)
        yield [(x, y), (x + 9, y - 5), (x + 20, y - 12)]


def _capital(chance: random.Random, base: float) -> list[Point]:
    """One big loop that begins low, climbs and comes back through itself."""
    left, height = 58 + chance.uniform(-10, 14), 100 + chance.uniform(-12, 22)
    lean, belly = chance.uniform(24, 46), chance.uniform(34, 66)
    return [
        (left - 22, base - 26),
        (left + 6, base - height * 0.55),
        (left + lean + 22, base - height),
        (left + lean + 2, base - height * 0.72),
        (left + 8, base - 8),
        (left + 2, base + 26),
        (left - 20, base + 12),
        (left + 18, base - height * 0.42),
        (left + belly + 34, base - height * 0.7),
        (left + belly + 52, base - height * 0.38),
        (left + belly + 18, base - 6),
        (left + belly + 62, base - 20),
    ]


def _running(chance: random.Random, start: float, base: float, letters: int) -> list[Point]:
    """Small letters as a pen in a hurry writes them: loops and waves that grow flatter."""
    points: list[Point] = [(start - 10, base - 14)]
    x = start
    for n in range(letters):
        tired = 1 - 0.55 * n / letters
        width = chance.uniform(30, 44) * (0.8 + 0.5 * n / letters)
        height = chance.choice((24, 30, 36, 58, 66)) * tired * chance.uniform(0.8, 1.15)
        slant = width * 0.45
        points += [
            (x + slant, base - height * 0.6),
            (x + slant + 5, base - height),
            (x + slant - 6, base - height * 0.7),
            (x + slant * 0.75, base + chance.uniform(-3, 5)),
            (x + width * 0.9, base - height * 0.22),
        ]
        x += width
    points.append((x + chance.uniform(24, 44), base - chance.uniform(2, 16)))
    return points


def _flourish(chance: random.Random, end: Point, base: float) -> list[Point]:
    """Back under the name and out again."""
    x, y = end
    low = base + chance.uniform(24, 40)
    back = chance.uniform(110, 170)
    return [
        (x, y),
        (min(x + 34, WIDTH - 24), y + 14),
        (x - 40, low),
        (x - (x - back) * 0.6, low + 12),
        (back, low + 4),
        (back - 16, low - 10),
        (back + 40, low - 14),
        ((x + back) / 2, low - 8),
        (min(x + chance.uniform(20, 60), WIDTH - 16), low - chance.uniform(6, 26)),
    ]


def _draw(pen: ImageDraw.ImageDraw, knots: Sequence[Point], chance: random.Random) -> None:
    """Ink along a smooth curve: broader where the pen is slow, thin where it flies and at both ends."""
    points = list(_curve(knots))
    weight = chance.uniform(0.92, 1.12)
    width = 2.0
    for n, ((x0, y0), (x1, y1)) in enumerate(pairwise(points)):
        speed = math.hypot(x1 - x0, y1 - y0)
        ends = min(1.0, (n + 4) / 26, (len(points) - n + 3) / 34)
        wanted = weight * ends * max(1.9, 5.4 - 0.85 * speed) * (1.16 if y1 > y0 else 0.9)
        width += (wanted - width) * 0.16  # a pen does not change its pressure at once
        _segment(pen, (x0, y0), (x1, y1), width)


def _segment(pen: ImageDraw.ImageDraw, start: Point, end: Point, width: float) -> None:
    reach = max(1, round(math.hypot(end[0] - start[0], end[1] - start[1]) * FINER / max(1.0, width)))
    radius = width * FINER / 2
    for n in range(reach + 1):
        x = (start[0] + (end[0] - start[0]) * n / reach) * FINER
        y = (start[1] + (end[1] - start[1]) * n / reach) * FINER
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _curve(knots: Sequence[Point]) -> Iterator[Point]:
    """A Catmull-Rom curve: it passes through every knot and has no corner."""
    padded = [knots[0], *knots, knots[-1]]
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for n in range(STEPS):
            t = n / STEPS
            yield (_between(a[0], b[0], c[0], d[0], t), _between(a[1], b[1], c[1], d[1], t))
    yield knots[-1]


def _between(a: float, b: float, c: float, d: float, t: float) -> float:
    return 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t)
