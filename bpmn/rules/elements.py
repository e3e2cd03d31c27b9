"""Rules on single elements: flows, starts and ends, events, lanes, properties, multi-instance steps, the drawing."""

from collections.abc import Iterator

from bpmn.diagram import CATCHES, CHOOSING, JOINING, TASKS, Diagram, Kind, Node
from bpmn.errors import BadProperty, Fault
from bpmn.faults import fault
from bpmn.properties import ROLE, SYSTEM, check_property, is_timer_text, parse_decides, split_list


def check_elements(diagram: Diagram, roles: frozenset[str] | None) -> Iterator[Fault]:
    """Everything that can be said of an element without following the flows."""
    for rule in (_flows, _starts_and_ends, _ways_out, _events, _multi_instance, _names, _drawn):
        yield from rule(diagram)
    for node in diagram.nodes.values():
        yield from _properties(diagram, node)
    yield from _lanes(diagram, roles)


def _flows(diagram: Diagram) -> Iterator[Fault]:
    """A flow joins two nodes of one frame: the engine would follow one that crosses a frame, and lose the token."""
    for flow in diagram.flows.values():
        source, target = diagram.nodes.get(flow.source), diagram.nodes.get(flow.target)
        frames = {flow.frame, source.frame if source else None, target.frame if target else None}
        if len(frames) > 1 or source is target:
            yield fault("BROKEN_FLOW", flow.id, found=f"{flow.source} -> {flow.target}")
        if flow.condition is not None and (source is None or source.tag not in CHOOSING):
            yield fault("CONDITION_PLACE", flow.id)


def _starts_and_ends(diagram: Diagram) -> Iterator[Fault]:
    frames = [diagram.id, *(node.id for node in diagram.nodes.values() if node.tag == "subProcess")]
    for frame in frames:
        inside = [node for node in diagram.nodes.values() if node.frame == frame]
        starts = [node for node in inside if node.tag == "startEvent"]
        if len(starts) != 1:
            yield fault("START", frame, found=len(starts))
        if not any(node.tag == "endEvent" for node in inside):
            yield fault("END", frame)
    for node in diagram.nodes.values():
        if node.tag in {"startEvent", "endEvent"} and node.events:
            # A message at a start opens cases by itself; at an end the engine drops it without a word.
            yield fault("EVENT_KIND", node.id)
        if node.tag in {"startEvent", "boundaryEvent"} and diagram.ways_in(node.id):
            yield fault("WAY_IN", node.id)


def _ways_out(diagram: Diagram) -> Iterator[Fault]:
    """One way out of all but gateways: the engine takes two for a parallel split in some places and refuses in others."""
    for node in diagram.nodes.values():
        ways = len(diagram.ways_out(node.id))
        if node.tag == "endEvent":
            if ways:
                yield fault("TWO_WAYS_OUT", node.id, found=ways)
        elif node.tag in CHOOSING | JOINING:
            if not ways:
                yield fault("TWO_WAYS_OUT", node.id, found=0)
        elif ways != 1:
            yield fault("TWO_WAYS_OUT", node.id, found=ways)


def _events(diagram: Diagram) -> Iterator[Fault]:
    for node in diagram.nodes.values():
        if node.tag not in CATCHES:
            continue
        if node.events not in {("timer",), ("message",)}:
            yield fault("EVENT_KIND", node.id)
        elif node.kind == Kind.TIMER and not is_timer_text(node.timer or ""):
            yield fault("TIMER_TEXT", node.id, found=node.timer or "")
        host = diagram.nodes.get(node.attached or "")
        if node.tag == "boundaryEvent" and (host is None or host.tag not in {*TASKS, "subProcess"} or host.frame != node.frame):
            yield fault("EVENT_HOST", node.id)


def _multi_instance(diagram: Diagram) -> Iterator[Fault]:
    """Keyed by a fact, complete, never one inside another: a step would not know for whom it is."""
    for node in diagram.nodes.values():
        loop = node.loop
        if loop is None:
            continue
        around = diagram.nodes.get(node.frame)
        while around is not None and around.loop is None:
            around = diagram.nodes.get(around.frame)
        if not (loop.over and loop.collects and loop.item and loop.done_item) or around or node.tag in CATCHES:
            yield fault("MULTI_INSTANCE", node.id)
        if node.tag in TASKS and "decides" in node.props:
            yield fault("MULTI_INSTANCE_DECIDES", node.id)


def _names(diagram: Diagram) -> Iterator[Fault]:
    """Whoever looks at the picture, or hears it read, knows what each shape is; words on the ways of a decision, too."""
    for node in diagram.nodes.values():
        if not node.name and (node.kind or node.tag in {"subProcess", "endEvent"}):
            yield fault("NO_NAME", node.id)
    for flow in diagram.flows.values():
        source = diagram.nodes.get(flow.source)
        if not flow.name and source and source.tag in CHOOSING and len(diagram.ways_out(source.id)) > 1:
            yield fault("NO_NAME", flow.id)


def _drawn(diagram: Diagram) -> Iterator[Fault]:
    """Everything is drawn: the engine looks at heights, people at the rest."""
    yield from (fault("NO_SHAPE", node) for node in diagram.nodes if node not in diagram.boxes)
    yield from (fault("NO_SHAPE", flow.id) for flow in diagram.flows.values() if len(flow.points) < 2)  # noqa: PLR2004 - a line


def _properties(diagram: Diagram, node: Node) -> Iterator[Fault]:
    for name, value in node.props.items():
        try:
            check_property(name, value)
        except BadProperty as bad:
            yield fault("BAD_PROPERTY", node.id, found_vi=bad.vi, found_en=bad.en)
            return
    misplaced = sorted(node.props.keys() - _allowed(node))
    if misplaced:
        yield fault("BAD_PROPERTY", node.id, found=", ".join(misplaced))
    if node.props.keys() & {"remind", "escalate"} and "due" not in node.props:
        yield fault("BAD_PROPERTY", node.id, found="due")  # nothing to count from
    if node.tag in TASKS and "action" not in node.props:
        yield fault("NO_ACTION", node.id)
    for step in split_list(node.props["not_same_as"]) if "not_same_as" in node.props else ():
        if step == node.id or step not in diagram.nodes or diagram.nodes[step].kind != Kind.PERSON:
            yield fault("UNKNOWN_STEP", node.id, found=step)
    decides = parse_decides(node.props["decides"]) if "decides" in node.props else None
    if decides and decides.choice and node.tag == "startEvent":
        yield fault("BAD_PROPERTY", node.id, found="decides")  # nobody has chosen anything yet
    if decides and node.props.get("action") == "sign" and decides.choice and "signed" not in decides.words:
        yield fault("SIGN_OUTCOME", node.id)


def _allowed(node: Node) -> frozenset[str]:
    if node.tag in TASKS:
        return frozenset({"action", "decides", "capacity", "not_same_as", "due", "remind", "escalate"})
    if node.tag in CATCHES:
        return frozenset({"action", "lane"} if node.kind == Kind.MESSAGE else {"action"})
    return frozenset({"decides"} if node.tag == "startEvent" else ())


def _lanes(diagram: Diagram, roles: frozenset[str] | None) -> Iterator[Fault]:
    """A step without a lane would wait for nobody."""
    known = {SYSTEM} | (roles or set())
    for lane in diagram.lanes.values():
        role = lane.role
        if role not in known and (roles is not None or not ROLE.fullmatch(role)):
            yield fault("UNKNOWN_ROLE", lane.id, found=role)
    for node in diagram.nodes.values():
        if len(node.lanes) > 1:
            yield fault("TWO_LANES", node.id)
        if roles is not None and node.props.get("lane", SYSTEM) not in known:
            yield fault("UNKNOWN_ROLE", node.id, found=node.props["lane"])
        escalates = node.props.get("escalate")
        if roles is not None and escalates and escalates not in roles:
            yield fault("UNKNOWN_ROLE", node.id, found=escalates)
        if node.kind is None or node.kind == Kind.TIMER:
            continue
        role_here = diagram.role_of(node)
        if role_here is None:
            yield fault("NO_LANE", node.id)
        elif (role_here == SYSTEM) != (node.kind == Kind.SYSTEM):
            yield fault("WRONG_LANE", node.id, found=node.kind, lane=role_here)
