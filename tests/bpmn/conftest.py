"""Small diagrams, drawn and linted like the real ones, and the route of the class book."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

import pytest

import bpmn

ROUTE = Path(bpmn.__file__).parent / "processes" / "class_book_term.bpmn"

SHEETS = ("toan", "ngu_van", "tieng_anh")

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI"
 xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:di="http://www.omg.org/spec/DD/20100524/DI"
 xmlns:spiffworkflow="http://spiffworkflow.org/bpmn/schema/1.0/core" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 id="definitions" targetNamespace="urn:test">"""


class Sketch:
    """A diagram as a few lines: nodes, then arrows. Everything is drawn in a row; tests say what is wrong with it."""

    def __init__(self, name: str = "sketch", facts: Sequence[str] = ()) -> None:
        self.name = name
        self.facts = facts
        self.nodes: dict[str, tuple[str, str]] = {}  # id -> (frame, xml)
        self.flows: dict[str, tuple[str, str]] = {}
        self.lanes: dict[str, list[str]] = {}
        self.ends: dict[str, tuple[str, str]] = {}

    def node(
        self,
        identity: str,
        tag: str,
        *,
        lane: str = "",
        props: Mapping[str, str] | None = None,
        inside: str = "",
        within: str = "",
        attributes: str = "",
    ) -> "Sketch":
        """A node in the frame `within` ("" is the process), with XML `inside`."""
        properties = "".join(
            f"<spiffworkflow:property name={quoteattr(k)} value={quoteattr(v)}/>" for k, v in (props or {}).items()
        )
        extension = f"<spiffworkflow:properties>{properties}</spiffworkflow:properties>" if properties else ""
        extension = f"<bpmn:extensionElements>{extension}</bpmn:extensionElements>" if properties else ""
        opening = f'<bpmn:{tag} id="{identity}" name="{identity}" {attributes}>{extension}'
        self.nodes[identity] = (within, f"{opening}%ARROWS%{inside}%FRAME%</bpmn:{tag}>")
        if lane:
            self.lanes.setdefault(lane, []).append(identity)
        return self

    def person(self, identity: str, action: str = "review", *, within: str = "", inside: str = "", **props: str) -> "Sketch":
        """A step that a person does, as the principal."""
        return self.node(identity, "userTask", lane="HT", props={"action": action, **props}, within=within, inside=inside)

    def system(self, identity: str, *, within: str = "") -> "Sketch":
        """A step of the system."""
        return self.node(identity, "serviceTask", lane="system", props={"action": identity}, within=within)

    def start(self, identity: str = "begin", *, within: str = "", **props: str) -> "Sketch":
        """Where a frame begins; `decides` of the process's start are the case's first facts."""
        return self.node(identity, "startEvent", props=props, within=within)

    def end(self, identity: str = "finish", *, within: str = "") -> "Sketch":
        """Where a frame ends."""
        return self.node(identity, "endEvent", within=within)

    def choice(self, identity: str, default: str = "", *, tag: str = "exclusiveGateway", within: str = "") -> "Sketch":
        """A gateway; exclusive unless `tag` says otherwise."""
        return self.node(identity, tag, attributes=f'default="{default}"' if default else "", within=within)

    def timer(self, identity: str, host: str, text: str = "P2D", *, interrupting: bool = True, within: str = "") -> "Sketch":
        """A timer attached to a node."""
        inside = f"<bpmn:timerEventDefinition><bpmn:timeDuration>{escape(text)}</bpmn:timeDuration></bpmn:timerEventDefinition>"
        attributes = f'attachedToRef="{host}" cancelActivity="{str(interrupting).lower()}"'
        return self.node(identity, "boundaryEvent", inside=inside, within=within, attributes=attributes)

    def flow(self, path: str, condition: str = "", *, identity: str = "") -> "Sketch":
        """`"a b c"`: arrows from a to b and from b to c. The condition stands on the first."""
        steps = path.split()
        for number, (source, target) in enumerate(pairwise(steps)):
            flow = identity if identity and number == 0 else f"{source}_to_{target}"
            expression = (
                f'<bpmn:conditionExpression xsi:type="bpmn:tFormalExpression">{escape(condition)}</bpmn:conditionExpression>'
                if condition and number == 0
                else ""
            )
            frame = self.nodes[source][0] if source in self.nodes else ""
            self.ends[flow] = (source, target)
            opening = f'<bpmn:sequenceFlow id="{flow}" name="{flow}" sourceRef="{source}" targetRef="{target}">'
            self.flows[flow] = (frame, f"{opening}{expression}</bpmn:sequenceFlow>")
        return self

    def xml(self) -> bytes:
        """The whole file."""
        properties = "".join(f'<bpmn:property id="{fact}"/>' for fact in self.facts)
        lanes = "".join(
            f'<bpmn:lane id="lane_{role}" name="{role}">'
            + "".join(f"<bpmn:flowNodeRef>{n}</bpmn:flowNodeRef>" for n in nodes)
            + "</bpmn:lane>"
            for role, nodes in self.lanes.items()
        )
        lane_set = f'<bpmn:laneSet id="lanes">{lanes}</bpmn:laneSet>' if lanes else ""
        return (
            f'{_HEAD}<bpmn:process id="{self.name}" name="{self.name}" isExecutable="true">{properties}{lane_set}'
            f"{self._frame('')}</bpmn:process>{self._drawing()}</bpmn:definitions>"
        ).encode()

    def _frame(self, frame: str) -> str:
        nodes = [self._filled(node, xml) for node, (within, xml) in self.nodes.items() if within == frame]
        flows = [xml for within, xml in self.flows.values() if within == frame]
        return "".join([*nodes, *flows])

    def _filled(self, node: str, xml: str) -> str:
        incoming = "".join(
            f"<bpmn:incoming>{flow}</bpmn:incoming>" for flow, (_, target) in self.ends.items() if target == node
        )
        outgoing = "".join(
            f"<bpmn:outgoing>{flow}</bpmn:outgoing>" for flow, (source, _) in self.ends.items() if source == node
        )
        frame = self._frame(node) if xml.startswith("<bpmn:subProcess") else ""
        return xml.replace("%ARROWS%", incoming + outgoing).replace("%FRAME%", frame)

    def _drawing(self) -> str:
        shapes = "".join(
            f'<bpmndi:BPMNShape id="{node}_di" bpmnElement="{node}"><dc:Bounds x="{100 * n}" y="{50 * (n % 3)}" width="80"'
            f' height="40"/></bpmndi:BPMNShape>'
            for n, node in enumerate(self.nodes)
        )
        edges = "".join(
            f'<bpmndi:BPMNEdge id="{flow}_di" bpmnElement="{flow}"><di:waypoint x="0" y="0"/><di:waypoint x="9" y="9"/>'
            "</bpmndi:BPMNEdge>"
            for flow in self.flows
        )
        return (
            f'<bpmndi:BPMNDiagram id="diagram"><bpmndi:BPMNPlane id="plane" bpmnElement="{self.name}">{shapes}{edges}'
            "</bpmndi:BPMNPlane></bpmndi:BPMNDiagram>"
        )


MULTI = (
    "<bpmn:multiInstanceLoopCharacteristics{attributes}><bpmn:loopDataInputRef>{over}</bpmn:loopDataInputRef>"
    "<bpmn:loopDataOutputRef>{over}_done</bpmn:loopDataOutputRef><bpmn:inputDataItem id='{over}_one'/>"
    "<bpmn:outputDataItem id='{over}_one_done'/>{until}</bpmn:multiInstanceLoopCharacteristics>"
)


def multi(over: str, *, until: str = "", sequential: bool = False) -> str:
    """The XML of a multi-instance step."""
    condition = f"<bpmn:completionCondition>{escape(until)}</bpmn:completionCondition>" if until else ""
    return MULTI.format(over=over, until=condition, attributes=' isSequential="true"' if sequential else "")


def faults(xml: bytes | str, roles: frozenset[str] | None = None) -> list[tuple[str, str]]:
    """What is wrong, as pairs of code and element."""
    try:
        bpmn.load(xml.encode() if isinstance(xml, str) else xml, roles)
    except bpmn.BadDiagram as bad:
        found = bad.faults
    else:
        return []
    assert all(fault.vi and fault.en and fault.element for fault in found)
    return [(fault.code, fault.element) for fault in found]


def pair_on_a_loop(*, inside: bool) -> Sketch:
    """Two people at once on a way that comes back: in the open, or in a sub-process."""
    frame = "both" if inside else ""
    sketch = Sketch(facts=["outcome"]).start().end().choice("again").person("first")
    if inside:
        sketch.node("both", "subProcess").start("begin_both", within="both").end("end_both", within="both")
    sketch.choice("split", tag="parallelGateway", within=frame).choice("join", tag="parallelGateway", within=frame)
    sketch.person("pa", within=frame).person("pb", within=frame).person("final", decides="outcome=enough|more")
    sketch.choice("asked", default="asked_to_finish").choice("counted", default="counted_to_again")
    sketch.person("settles", decides="outcome=on|off").choice("settled", default="settled_to_again")
    if inside:
        sketch.flow("begin again first both final asked finish").flow("begin_both split pa join end_both").flow("split pb join")
    else:
        sketch.flow("begin again first split pa join final asked finish").flow("split pb join")
    sketch.flow("asked counted", "outcome == 'more'").flow("counted again")
    sketch.flow("counted settles settled again", "visits(final) >= 5").flow("settled finish", "outcome == 'off'")
    return sketch


@pytest.fixture(scope="session")
def route() -> bpmn.Process:
    """The route of the class book."""
    return bpmn.load(ROUTE.read_bytes())
