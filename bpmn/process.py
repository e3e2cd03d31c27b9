"""A process: a diagram that passed the linter, with its steps, and the engine's reading of the same file.

process = load(Path("bpmn/processes/class_book_term.bpmn").read_bytes())
process.steps["homeroom_teacher_signs"].decides   # {"outcome": ("signed", "send_back"), "sheets": FactKind.NAMES}
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from bpmn.conditions import Condition, FactKind, parse
from bpmn.diagram import TASKS, Diagram, Kind, Node
from bpmn.errors import BadDiagram
from bpmn.faults import fault
from bpmn.linter import lint
from bpmn.properties import SYSTEM, Decides, parse_decides
from bpmn.reading import read
from bpmn.specification import schema, specify

if TYPE_CHECKING:
    from lxml import etree

NOTHING = Decides()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepInfo:
    """A step as the diagram describes it, before anybody reaches it."""

    id: str
    name: str  # as written on the shape
    kind: Kind
    lane: str  # a role's code, or "system"
    props: Mapping[str, str]
    text: str | None  # of a timer: "P5D" or "due"
    decides: Mapping[str, tuple[str, ...] | FactKind]  # {"outcome": ("signed", "send_back"), "sheets": FactKind.NAMES}
    form: Decides  # the same, with what each choice asks for; `form.check(facts)` is what `complete` demands
    over: str | None  # the fact whose names are the keys of this step, for a multi-instance step

    @property
    def action(self) -> str:
        """What is done: sign, review, seal, or the system's handler."""
        return self.props.get("action", self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A diagram that can be run. Equal if it came from the same bytes."""

    id: str
    name: str
    digest: str  # SHA-256 of the file, hex
    steps: Mapping[str, StepInfo]
    start: Decides  # the facts that a case starts with
    ends: tuple[str, ...]  # ids of all end events
    choices: frozenset[str]  # names of facts that a step chooses, "outcome": forgotten before the next step's are set
    diagram: Diagram = field(repr=False, compare=False)
    conditions: Mapping[str, Condition] = field(repr=False, compare=False)  # text -> understood
    spec: object = field(repr=False, compare=False)  # SpiffWorkflow's; only `engine` looks inside
    subprocesses: Mapping[str, object] = field(repr=False, compare=False)

    def __hash__(self) -> int:
        return hash(self.digest)

    @property
    def facts(self) -> Mapping[str, FactKind]:
        """Every fact that a case of this process can hold."""
        kinds = dict(self.start.kinds)
        for step in self.steps.values():
            kinds |= step.form.kinds
        return kinds


@lru_cache(maxsize=64)  # a case is opened by many requests; the specification is only ever read
def load(xml: bytes, roles: frozenset[str] | None = None) -> Process:
    """Read a diagram and refuse it if we could not run it truthfully.

    `roles`: the codes that a lane may stand for; None accepts every code in capitals. BadDiagram names every faulty element.
    """
    diagram, root = read(xml)
    faults = lint(diagram, roles)
    if faults:
        raise BadDiagram(faults)
    _check_schema(root)
    spec, subprocesses = specify(root, diagram.id)
    start = next(node for node in diagram.nodes.values() if node.tag == "startEvent" and node.frame == diagram.id)
    steps = {node.id: _step(diagram, node) for node in diagram.nodes.values() if node.kind}
    return Process(
        id=diagram.id,
        name=diagram.name,
        digest=hashlib.sha256(xml).hexdigest(),
        steps=MappingProxyType(steps),
        choices=frozenset(step.form.choice for step in steps.values() if step.form.choice),
        start=_form(start),
        ends=tuple(node.id for node in diagram.nodes.values() if node.tag == "endEvent"),
        diagram=diagram,
        conditions=MappingProxyType(_conditions(diagram)),
        spec=spec,
        subprocesses=MappingProxyType(subprocesses),
    )


def _step(diagram: Diagram, node: Node) -> StepInfo:
    form = _form(node)
    return StepInfo(
        id=node.id,
        name=node.name,
        kind=node.kind or TASKS[node.tag],
        lane=SYSTEM if node.kind == Kind.TIMER else diagram.role_of(node) or SYSTEM,
        props=MappingProxyType(dict(node.props)),
        text=node.timer,
        decides=MappingProxyType(dict(form.as_mapping())),
        form=form,
        over=node.loop.over if node.loop else None,
    )


def _form(node: Node) -> Decides:
    return parse_decides(node.props["decides"]) if "decides" in node.props else NOTHING


def _conditions(diagram: Diagram) -> dict[str, Condition]:
    conditions = {flow.condition: parse(flow.condition) for flow in diagram.flows.values() if flow.condition}
    untils = (node.loop.until for node in diagram.nodes.values() if node.loop and node.loop.until)
    return conditions | {text: parse(text, counting=True) for text in untils}


def _check_schema(root: "etree._Element") -> None:
    """The last belt: the schema of BPMN 2.0 itself, as SpiffWorkflow ships it."""
    validator = schema()
    if not validator.validate(root):
        log: Iterable[Any] = validator.error_log  # type: ignore[assignment]  # the stubs do not know that it is a list
        entries = [(entry.line, entry.message[:200]) for entry in log]
        raise BadDiagram([fault("NOT_VALID", f"line {line}", found=message) for line, message in entries[:10]])
