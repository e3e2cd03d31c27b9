"""A diagram as plain values: nodes, flows, lanes and where they are drawn. `bpmn.reading` makes one from a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Who or what ends a step's waiting."""

    PERSON = "person"
    SYSTEM = "system"
    TIMER = "timer"
    MESSAGE = "message"


TASKS: Mapping[str, Kind] = {
    "userTask": Kind.PERSON,
    "manualTask": Kind.PERSON,
    "serviceTask": Kind.SYSTEM,
    "sendTask": Kind.SYSTEM,
    "businessRuleTask": Kind.SYSTEM,  # a handler of ours; never DMN, whose tables the engine evaluates as Python
    "receiveTask": Kind.MESSAGE,
}
CATCHES = frozenset({"boundaryEvent", "intermediateCatchEvent"})
CHOOSING = frozenset({"exclusiveGateway", "inclusiveGateway"})
JOINING = frozenset({"parallelGateway", "inclusiveGateway"})
NODES = frozenset({*TASKS, *CATCHES, *CHOOSING, *JOINING, "startEvent", "endEvent", "subProcess"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where a shape is drawn."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """Multi-instance: one instance for each name in a fact."""

    sequential: bool
    over: str | None  # the fact
    collects: str | None
    item: str | None
    done_item: str | None
    until: str | None  # completion condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A task, event, gateway or sub-process."""

    id: str
    tag: str  # "userTask"
    name: str
    frame: str  # id of the process or sub-process that it stands in
    lanes: tuple[str, ...]  # the innermost lane's id; two if the file contradicts itself
    props: Mapping[str, str]
    default: str | None  # id of the default flow
    attached: str | None  # boundary events: to which node
    interrupting: bool
    events: tuple[str, ...]  # "timer", "message"
    timer: str | None
    loop: Loop | None

    @property
    def kind(self) -> Kind | None:
        """What ends its waiting; None if it never waits."""
        if self.tag in CATCHES:
            return Kind.TIMER if self.events == ("timer",) else Kind.MESSAGE
        return TASKS.get(self.tag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """An arrow."""

    id: str
    source: str
    target: str
    name: str
    frame: str
    condition: str | None
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A row that says who acts."""

    id: str
    name: str
    role: str  # "GVBM", or "system": from its property `role`, else its name
    frame: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagram:
    """One process and its drawing."""

    id: str
    name: str
    documentation: str
    facts: tuple[str, ...]  # declared as properties of the process
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    lanes: Mapping[str, Lane]
    boxes: Mapping[str, Box]
    labels: Mapping[str, Box]
    pool: str | None  # id of the participant, if one is drawn
    messages: frozenset[str]

    def ways_out(self, node: str) -> list[Flow]:
        """The flows that leave a node."""
        return [flow for flow in self.flows.values() if flow.source == node]

    def ways_in(self, node: str) -> list[Flow]:
        """The flows that reach a node."""
        return [flow for flow in self.flows.values() if flow.target == node]

    def role_of(self, node: Node) -> str | None:
        """Who acts there: its property `lane`, else the role of its lane."""
        if "lane" in node.props:
            return node.props["lane"]
        return self.lanes[node.lanes[0]].role if node.lanes else None
