"""What the linter lets through really runs: the route is damaged at random, and every survivor is walked to its end.

CI damages a few hundred; `SOKY_DAMAGES=20000` as many as that.
"""

import os
import random
from collections.abc import Callable

from lxml import etree

import bpmn
from tests.bpmn.conftest import ROUTE, SHEETS
from tests.bpmn.test_walks import DRAWINGS, Walker

DAMAGES = int(os.environ.get("SOKY_DAMAGES", "300"))
PATIENCE = 400  # steps; a case that is sent back at random passes the cap at about 150

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
NODES = (
    "userTask",
    "serviceTask",
    "exclusiveGateway",
    "parallelGateway",
    "inclusiveGateway",
    "boundaryEvent",
    "endEvent",
    "subProcess",
)

Dice = random.Random
Damage = Callable[[etree._Element, Dice], None]


def some(root: etree._Element, dice: Dice, *tags: str) -> etree._Element | None:
    found = [element for tag in tags for element in root.iter(BPMN + tag)]
    return dice.choice(found) if found else None


def redirect(root: etree._Element, dice: Dice) -> None:
    """An arrow leads to, or comes from, something else."""
    flow, node = some(root, dice, "sequenceFlow"), some(root, dice, *NODES)
    if flow is not None and node is not None:
        flow.set(dice.choice(["targetRef", "sourceRef"]), node.get("id", ""))


def drop(root: etree._Element, dice: Dice) -> None:
    """An element is gone."""
    element = dice.choice([each for each in root.iter() if each.getparent() is not None])
    parent = element.getparent()
    if parent is not None:
        parent.remove(element)


def retag(root: etree._Element, dice: Dice) -> None:
    """An element becomes another kind of element."""
    element = some(root, dice, *NODES)
    if element is not None:
        element.tag = BPMN + dice.choice(NODES)


def swap_conditions(root: etree._Element, dice: Dice) -> None:
    """Two conditions change places."""
    conditions = list(root.iter(BPMN + "conditionExpression"))
    if len(conditions) > 1:
        one, other = dice.sample(conditions, 2)
        one.text, other.text = other.text, one.text


def swap_attributes(root: etree._Element, dice: Dice) -> None:
    """Two elements change one attribute."""
    name = dice.choice(["default", "name", "value", "attachedToRef", "sourceRef", "targetRef"])
    holders = [element for element in root.iter() if element.get(name)]
    if len(holders) > 1:
        one, other = dice.sample(holders, 2)
        mine, theirs = one.get(name, ""), other.get(name, "")
        one.set(name, theirs)
        other.set(name, mine)


def unlink(root: etree._Element, dice: Dice) -> None:
    """An event no longer interrupts."""
    event = some(root, dice, "boundaryEvent")
    if event is not None:
        event.set("cancelActivity", dice.choice(["true", "false"]))


KINDS: tuple[Damage, ...] = (redirect, redirect, redirect, drop, retag, swap_conditions, swap_attributes, unlink)


def test_what_is_accepted_runs() -> None:
    """A damaged diagram is refused as a bad diagram, or every walk through it goes on until it ends: nothing gets stuck."""
    files = [ROUTE.read_bytes(), *(draw() for draw in DRAWINGS)]
    accepted = 0
    for seed in range(DAMAGES):
        dice = random.Random(seed)  # noqa: S311 - dice, no secret
        root = etree.fromstring(dice.choice(files))
        for _ in range(dice.randint(1, 2)):
            dice.choice(KINDS)(root, dice)
        try:
            process = bpmn.load.__wrapped__(etree.tostring(root, encoding="UTF-8", xml_declaration=True))
        except bpmn.BadDiagram:
            continue
        accepted += 1
        for walk in range(3):
            walker = Walker(process, seed * 10 + walk)
            state = bpmn.start(process, walker.start_facts)
            while not bpmn.done(state) and len(walker.events) < PATIENCE:
                state = bpmn.complete(state, *walker.next(state))
                assert len(bpmn.waiting(state)) <= 3 * len(SHEETS) + 5, (seed, walker.events)

            assert bpmn.done(state), (seed, walker.events[-20:])

    assert accepted >= DAMAGES / 50
