"""The route is a BPMN file like any other: other people's tools read it without a warning."""

import json
import os
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import pytest
from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import BpmnValidator

import bpmn
from bpmn.diagram import Box, Diagram
from tests.bpmn.conftest import ROUTE

ROOT = ROUTE.parent.parent.parent
ROUTES = sorted(ROUTE.parent.glob("*.bpmn"))

MODDLE = """
import { readFileSync } from 'node:fs';
import { BpmnModdle } from 'bpmn-moddle';
const text = readFileSync(process.argv[2], 'utf8');
const { rootElement, warnings } = await new BpmnModdle().fromXML(text);
const { xml } = await new BpmnModdle().toXML(rootElement);
const processes = rootElement.rootElements.map(e => e.id);
console.log(JSON.stringify({ warnings: warnings.map(w => w.message), processes, xml }));
"""

LINT = """
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { BpmnModdle } from 'bpmn-moddle';
const require = createRequire(process.cwd() + '/package.json');
const Linter = require('bpmnlint/lib/linter.js');
const NodeResolver = require('bpmnlint/lib/resolver/node-resolver.js');
const { rootElement } = await new BpmnModdle().fromXML(readFileSync(process.argv[2], 'utf8'));
const linter = new Linter({ config: { extends: 'bpmnlint:recommended' }, resolver: new NodeResolver({ require }) });
const found = await linter.lint(rootElement);
console.log(JSON.stringify(Object.entries(found).flatMap(([rule, all]) => all.map(r => [r.category, rule, r.id, r.message]))));
"""


def node(script: str, file: Path, tmp_path: Path) -> object:
    """What a piece of JavaScript says about a file, with the project's own npm packages."""
    program = shutil.which("node") or shutil.which("node", path=str(ROOT / ".venv" / "bin"))
    if program is None:
        pytest.skip("there is no Node on this machine")
    assert (ROOT / "node_modules" / "bpmn-moddle").is_dir(), "npm ci has not run"
    place = tmp_path / "ask.mjs"
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    place.write_text(script, encoding="utf-8")
    answer = subprocess.run(
        [program, str(place), str(file)],
        check=True,
        capture_output=True,
        timeout=60,
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1"},
    )
    return json.loads(answer.stdout)


@pytest.mark.parametrize("file", ROUTES, ids=lambda file: file.stem)
def test_bpmn_moddle_reads_it_without_a_warning(file: Path, tmp_path: Path) -> None:
    """The reader behind every bpmn.io editor; what it writes back is a diagram that we accept as the same process."""
    answer = node(MODDLE, file, tmp_path)
    assert isinstance(answer, dict)
    again = bpmn.load(answer["xml"].encode())

    assert answer["warnings"] == []
    assert file.stem in answer["processes"]
    assert again.steps == bpmn.load(file.read_bytes()).steps


@pytest.mark.parametrize("file", ROUTES, ids=lambda file: file.stem)
def test_bpmnlint_has_nothing_to_say(file: Path, tmp_path: Path) -> None:
    """The recommended rules, warnings included."""
    assert node(LINT, file, tmp_path) == []


@pytest.mark.parametrize("file", ROUTES, ids=lambda file: file.stem)
def test_it_is_valid_bpmn(file: Path) -> None:
    """Against the schema of BPMN 2.0, by the engine's own validator."""
    BpmnValidator().validate(etree.fromstring(file.read_bytes()), str(file))


# ------------------------------------------------------------------------------------------------ a readable drawing


@pytest.fixture(params=ROUTES, ids=lambda file: file.stem)
def diagram(request: pytest.FixtureRequest) -> Diagram:
    return bpmn.load(request.param.read_bytes()).diagram


def overlap(one: Box, other: Box) -> bool:
    apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
    return not (apart_x or one.y + one.height <= other.y or other.y + other.height <= one.y)


def segments(diagram: Diagram) -> list[tuple[str, Box]]:
    """Every straight piece of every arrow, as a box of no width or height."""
    pieces = []
    for flow in diagram.flows.values():
        for (ax, ay), (bx, by) in zip(flow.points, flow.points[1:], strict=False):
            assert ax == bx or ay == by, f"{flow.id} runs askew"
            pieces.append((flow.id, Box(x=min(ax, bx), y=min(ay, by), width=abs(ax - bx), height=abs(ay - by))))
    return pieces


def test_arrows_do_not_cross(diagram: Diagram) -> None:
    """Each way can be followed with a finger: arrows meet only in gateways and steps."""
    crossings = []
    for (one, a), (other, b) in combinations(segments(diagram), 2):
        if one == other or bool(a.width) == bool(b.width):
            continue
        across, upright = (a, b) if a.width else (b, a)
        inside_x = across.x < upright.x < across.x + across.width
        inside_y = upright.y < across.y < upright.y + upright.height
        if inside_x and inside_y:
            crossings.append((one, other))

    assert crossings == []


def test_nothing_lies_over_a_shape(diagram: Diagram) -> None:
    """Neither a shape nor a word nor an arrow covers a step."""
    shapes = {node.id: diagram.boxes[node.id] for node in diagram.nodes.values() if node.tag != "subProcess"}
    words = {f"label of {name}": box for name, box in diagram.labels.items()}
    covered = [(a, b) for (a, one), (b, other) in combinations({**shapes, **words}.items(), 2) if overlap(one, other)]
    struck = [
        (flow, name)
        for flow, piece in segments(diagram)
        for name, box in shapes.items()
        if overlap(
            Box(x=piece.x, y=piece.y, width=piece.width + 0.1, height=piece.height + 0.1),
            Box(x=box.x + 1, y=box.y + 1, width=box.width - 2, height=box.height - 2),
        )
    ]

    assert covered == []
    assert struck == []


def test_every_node_is_drawn_in_its_lane(diagram: Diagram) -> None:
    """The row that a step is drawn in is the row that it belongs to."""
    for node in diagram.nodes.values():
        for lane in node.lanes:
            row, box = diagram.boxes[lane], diagram.boxes[node.id]

            assert row.x <= box.x, node.id
            assert row.y <= box.y, node.id
            assert box.x + box.width <= row.x + row.width, node.id
            assert box.y + box.height <= row.y + row.height, node.id
