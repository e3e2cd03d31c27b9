"""The diagram as a picture: SVG from the file's own drawing, coloured by where a case stands.

    svg = diagram_svg(process, waiting=["subject_teacher_signs.toan#1"], done=["render_sheets#1"])

Self-contained and inert: no script, no style sheet, no link, nothing fetched, so it may stand in a page under a strict
content-security policy. Colour is never the only sign: what is done carries a tick, what waits a thick border and, if several
people are meant, their number. Title and description say the same in words.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from html import escape
from typing import Literal

from bpmn.diagram import CHOOSING, JOINING, TASKS, Box, Diagram, Flow, Kind, Lane, Node
from bpmn.process import Process, load

Language = Literal["vi", "en"]

FONT = 12.0  # pixels
LETTER = 0.54  # average width of a letter of Arial in ems; wrapping needs no more precision
HEADER = 30.0  # the strip of a lane that holds its name
MARGIN = 20.0


class _Look(StrEnum):
    DONE = "done"
    WAITING = "waiting"
    NEVER = "never"


# Fill, border, width of the border. Text is always #1f2937: at least 9:1 against each fill.
_COLOURS: Mapping[_Look, tuple[str, str, float]] = {
    _Look.DONE: ("#e3f4e7", "#1b7a36", 1.5),
    _Look.WAITING: ("#fff1cc", "#b45309", 3.5),
    _Look.NEVER: ("#ffffff", "#6b7280", 1.5),
}
_INK, _LINE, _HALO = "#1f2937", "#4b5563", "#ffffff"
_WORDS: Mapping[Language, Mapping[str, str]] = {
    "vi": {"title": "Sơ đồ", "done": "Đã xong", "waiting": "Đang chờ", "never": "Chưa tới", "none": "không có"},
    "en": {"title": "Diagram", "done": "Done", "waiting": "Waiting", "never": "Not reached", "none": "none"},
}


def diagram_svg(
    process: Process | bytes, waiting: Iterable[str] = (), done: Iterable[str] = (), *, language: Language = "vi"
) -> str:
    """Draw a process. `waiting` and `done` are ids or names of steps (`id.key#visit`); ids that are not drawn are ignored.

    A step that was done and waits again is shown as waiting. BadDiagram if `process` is bytes that cannot be run.
    """
    if isinstance(process, bytes):
        process = load(process)
    now = Counter(_step_of(name) for name in waiting)
    looks = dict.fromkeys(map(_step_of, done), _Look.DONE) | dict.fromkeys(now, _Look.WAITING)
    return "\n".join(_Picture(process.diagram, looks, now, language).lines())


def _step_of(name: str) -> str:
    return name.partition("#")[0].partition(".")[0]


class _Picture:
    """Draws back to front: frames and lanes, arrows, shapes, words."""

    def __init__(self, diagram: Diagram, looks: Mapping[str, _Look], now: Mapping[str, int], language: Language) -> None:
        self.diagram = diagram
        self.looks = looks
        self.now = now
        self.words = _WORDS[language]
        self.language = language

    def lines(self) -> Iterator[str]:
        drawn = _around(self.diagram)
        x, y, width, height = drawn.x, drawn.y, drawn.width, drawn.height + 30
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x:g} {y:g} {width:g} {height:g}" width="{width:g}"'
            f' height="{height:g}" role="img" lang="{self.language}" aria-labelledby="diagram-title diagram-words"'
            f' font-family="Arial, Liberation Sans, Helvetica, sans-serif" font-size="{FONT:g}" fill="{_INK}">'
        )
        yield f'<title id="diagram-title">{escape(self.words["title"] + ": " + self.diagram.name)}</title>'
        yield f'<desc id="diagram-words">{escape(self._in_words())}</desc>'
        yield (
            '<defs><marker id="diagram-arrow" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="8" markerHeight="8"'
            f' orient="auto-start-reverse"><path d="M0 0 10 5 0 10z" fill="{_LINE}"/></marker></defs>'
        )
        yield f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" fill="#ffffff"/>'
        yield from self._frames()
        yield from (self._arrow(flow) for flow in self.diagram.flows.values())
        for node in sorted(self.diagram.nodes.values(), key=lambda node: node.tag == "boundaryEvent"):
            if node.tag != "subProcess":
                yield from self._shape(node)
        yield from (line for flow in self.diagram.flows.values() for line in self._flow_name(flow))
        yield from self._legend(x + MARGIN, y + height - 22)
        yield "</svg>"

    def _in_words(self) -> str:
        said = []
        for look in (_Look.WAITING, _Look.DONE):
            names = [node.name for node in self.diagram.nodes.values() if node.name and self.looks.get(node.id) == look]
            said.append(f"{self.words[look]}: {', '.join(names) or self.words['none']}.")
        return " ".join(said)

    def _frames(self) -> Iterator[str]:
        boxes = self.diagram.boxes
        if self.diagram.pool and self.diagram.pool in boxes:
            yield _rect(boxes[self.diagram.pool], 'fill="#ffffff" stroke="#9ca3af"')
        for node in self.diagram.nodes.values():
            if node.tag == "subProcess":
                yield _rect(boxes[node.id], f'rx="8" fill="#ffffff" stroke="{_LINE}" stroke-width="1.5"')
                box = boxes[node.id]
                yield _words([node.name], box.x + box.width / 2, box.y + 17, 'text-anchor="middle" font-weight="bold"')
        for number, lane in enumerate(self.diagram.lanes.values()):
            if lane.id in boxes:
                yield from self._lane(lane, boxes[lane.id], "#f9fafb" if number % 2 else "#f1f5f9")

    def _lane(self, lane: Lane, box: Box, fill: str) -> Iterator[str]:
        yield _rect(box, f'fill="{fill}" stroke="#9ca3af"')
        strip = Box(x=box.x, y=box.y, width=HEADER, height=box.height)
        yield _rect(strip, 'fill="#e2e8f0" stroke="#9ca3af"')
        middle = box.y + box.height / 2
        lines = _wrapped(lane.name, box.height - 8)[:2]
        yield f'<g transform="rotate(-90 {box.x + HEADER / 2:g} {middle:g})">'
        yield _words(lines, box.x + HEADER / 2, _first(middle, lines), 'text-anchor="middle" font-weight="bold"')
        yield "</g>"

    def _arrow(self, flow: Flow) -> str:
        points = " ".join(f"{x:g},{y:g}" for x, y in flow.points)
        return f'<polyline points="{points}" fill="none" stroke="{_LINE}" stroke-width="1.5" marker-end="url(#diagram-arrow)"/>'

    def _flow_name(self, flow: Flow) -> Iterator[str]:
        if flow.name:
            yield _label(flow.name, self.diagram.labels.get(flow.id) or _half_way(flow))

    def _shape(self, node: Node) -> Iterator[str]:
        box, look = self.diagram.boxes[node.id], self.looks.get(node.id, _Look.NEVER)
        fill, border, width = _COLOURS[look]
        paint = f'fill="{fill}" stroke="{border}" stroke-width="{width:g}"'
        yield f'<g class="{"step" if node.kind else "node"} {look}" data-element="{escape(node.id)}">'
        if node.tag in TASKS:
            yield from _task(node, box, paint)
        elif node.tag in CHOOSING | JOINING:
            yield from _gateway(node, box, paint)
        else:
            yield from _event(node, box, paint, border)
        if node.name and node.tag not in TASKS:
            yield _label(node.name, self.diagram.labels.get(node.id) or _below(box))
        if look != _Look.NEVER:
            yield from _badge(box, look, self.now.get(node.id, 0), border)
        yield "</g>"

    def _legend(self, x: float, y: float) -> Iterator[str]:
        for look in _Look:
            fill, border, width = _COLOURS[look]
            box = Box(x=x, y=y, width=22, height=14)
            yield _rect(box, f'rx="3" fill="{fill}" stroke="{border}" stroke-width="{min(width, 2.5):g}"')
            yield _words([("✓ " if look == _Look.DONE else "") + self.words[look]], x + 28, y + 11, 'text-anchor="start"')
            x += 60 + len(self.words[look]) * FONT * LETTER + 12


# ------------------------------------------------------------------------------------------------ shapes


def _task(node: Node, box: Box, paint: str) -> Iterator[str]:
    yield _rect(box, f'rx="8" {paint}')
    yield _sign(node, box)
    lines = _wrapped(node.name, box.width - 14)
    middle = box.y + box.height / 2 + (4 if len(lines) > 2 else 0)  # noqa: PLR2004 - three lines would touch the sign above
    yield _words(lines, box.x + box.width / 2, _first(middle, lines), 'text-anchor="middle"')
    if node.loop:  # three bars: several at once; lying: one after the other
        x, y = box.x + box.width / 2 - 5, box.y + box.height - 13
        bars = "M0 0h10M0 4h10M0 8h10" if node.loop.sequential else "M1 0v10M5 0v10M9 0v10"
        yield f'<path transform="translate({x:g} {y:g})" d="{bars}" stroke="{_INK}" stroke-width="2"/>'


def _sign(node: Node, box: Box) -> str:
    """Top left of a task: a head for a person, a wheel for the system, a letter for a message."""
    kind = TASKS[node.tag]
    path = {
        Kind.PERSON: "M7 7a3 3 0 1 0-.1 0M1 14q0-6 6-6t6 6z",
        Kind.SYSTEM: "M10 7a3 3 0 1 0 0 .1M7 0v3M7 11v3M0 7h3M11 7h3M2 2l2 2M10 10l2 2M12 2l-2 2M4 10l-2 2",
    }.get(kind, "M0 2h14v10h-14zl7 6l7-6")
    return (
        f'<path transform="translate({box.x + 6:g} {box.y + 5:g})" d="{path}" fill="none" stroke="{_LINE}" stroke-width="1.3"/>'
    )


def _gateway(node: Node, box: Box, paint: str) -> Iterator[str]:
    x, y, w, h = box.x, box.y, box.width, box.height
    yield f'<path d="M{x + w / 2:g} {y:g}L{x + w:g} {y + h / 2:g} {x + w / 2:g} {y + h:g} {x:g} {y + h / 2:g}z" {paint}/>'
    cx, cy, r = x + w / 2, y + h / 2, w / 6
    if node.tag == "inclusiveGateway":
        yield f'<circle cx="{cx:g}" cy="{cy:g}" r="{r:g}" fill="none" stroke="{_INK}" stroke-width="2.5"/>'
        return
    plus = f"M{cx:g} {cy - r * 1.3:g}v{r * 2.6:g}M{cx - r * 1.3:g} {cy:g}h{r * 2.6:g}"
    cross = f"M{cx - r:g} {cy - r:g}l{2 * r:g} {2 * r:g}M{cx + r:g} {cy - r:g}l{-2 * r:g} {2 * r:g}"
    yield f'<path d="{plus if node.tag == "parallelGateway" else cross}" stroke="{_INK}" stroke-width="2.5"/>'


def _event(node: Node, box: Box, paint: str, border: str) -> Iterator[str]:
    cx, cy, r = box.x + box.width / 2, box.y + box.height / 2, box.width / 2
    if node.tag == "endEvent":
        yield f'<circle cx="{cx:g}" cy="{cy:g}" r="{r:g}" {paint}/>'
        yield f'<circle cx="{cx:g}" cy="{cy:g}" r="{r - 1:g}" fill="none" stroke="{border}" stroke-width="3"/>'
        return
    dashes = "" if node.interrupting else ' stroke-dasharray="4 3"'
    yield f'<circle cx="{cx:g}" cy="{cy:g}" r="{r:g}" {paint}{dashes}/>'
    if node.events:
        yield f'<circle cx="{cx:g}" cy="{cy:g}" r="{r - 4:g}" fill="none" stroke="{border}" stroke-width="1.2"{dashes}/>'
        clock, letter = "M0 -8a8 8 0 1 0 .1 0M0 -5V0L4 3", "M-8 -5h16v11h-16zl8 6l8-6"
        path = clock if node.kind == Kind.TIMER else letter
        yield f'<path transform="translate({cx:g} {cy:g})" d="{path}" fill="none" stroke="{_INK}" stroke-width="1.3"/>'


def _badge(box: Box, look: _Look, number: int, colour: str) -> Iterator[str]:
    """At the upper right corner: a tick, or how many are waited for."""
    x, y = box.x + box.width, box.y
    yield f'<circle cx="{x:g}" cy="{y:g}" r="10" fill="{colour}"/>'
    if look == _Look.DONE:
        yield f'<path d="M{x - 5:g} {y:g}l4 4l6 -8" fill="none" stroke="#ffffff" stroke-width="2.5"/>'
    else:
        yield f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle" font-weight="bold" fill="#ffffff">{number}</text>'


# ------------------------------------------------------------------------------------------------ boxes and words


def _rect(box: Box, paint: str) -> str:
    return f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" {paint}/>'


def _label(text: str, box: Box) -> str:
    """Words beside a shape or an arrow, with a white edge so that a line behind them does not strike them through."""
    lines = _wrapped(text, max(box.width + 12, 30))
    halo = f'text-anchor="middle" stroke="{_HALO}" stroke-width="3" paint-order="stroke"'
    return _words(lines, box.x + box.width / 2, _first(box.y + box.height / 2, lines), halo)


def _words(lines: list[str], x: float, y: float, style: str) -> str:
    rows = "".join(f'<tspan x="{x:g}" y="{y + row * FONT * 1.2:g}">{escape(line)}</tspan>' for row, line in enumerate(lines))
    return f"<text {style}>{rows}</text>"


def _first(middle: float, lines: list[str]) -> float:
    """The baseline of the first line, so that all of them stand around the middle."""
    return middle + FONT * 0.35 - (len(lines) - 1) * FONT * 0.6


def _wrapped(text: str, width: float) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        if lines and (len(lines[-1]) + 1 + len(word)) * FONT * LETTER <= width:
            lines[-1] += " " + word
        else:
            lines.append(word)
    return lines


def _half_way(flow: Flow) -> Box:
    (ax, ay), (bx, by) = flow.points[0], flow.points[1]
    return Box(x=(ax + bx) / 2 - 30, y=(ay + by) / 2 - 18, width=60, height=14)


def _below(box: Box) -> Box:
    return Box(x=box.x - 20, y=box.y + box.height + 4, width=box.width + 40, height=14)


def _around(diagram: Diagram) -> Box:
    """A box around everything that is drawn, with a margin."""
    corners = [(box.x, box.y) for box in (*diagram.boxes.values(), *diagram.labels.values())]
    corners += [(box.x + box.width, box.y + box.height) for box in (*diagram.boxes.values(), *diagram.labels.values())]
    corners += [point for flow in diagram.flows.values() for point in flow.points]
    left, top = min(x for x, _ in corners) - MARGIN, min(y for _, y in corners) - MARGIN
    right, bottom = max(x for x, _ in corners) + MARGIN, max(y for _, y in corners) + MARGIN
    return Box(x=left, y=top, width=right - left, height=bottom - top)
