"""Rules on ways: everything is reached and ends, joins are safe, a person settles each loop, no seal without a signature."""

from collections.abc import Iterator

from bpmn.conditions import Compare, Literal, Visits
from bpmn.diagram import CHOOSING, JOINING, Flow, Kind, Node
from bpmn.errors import Fault
from bpmn.faults import fault
from bpmn.ways import Graph, Ways, loops, on_loop, reach, reverse

HIGHEST_CAP = 100  # returns; beyond it a loop is as good as endless, and a case's history outgrows its reader


def check_routes(ways: Ways) -> Iterator[Fault]:
    """Everything that follows the flows. Call it only when the elements and the conditions are right."""
    for frame in ways.frames:
        graph = ways.graph(frame)
        yield from _reachable(ways, frame, graph)
        yield from _joins(ways, frame, graph)
        yield from _side_paths(ways, frame, graph)
        yield from _capped(ways, frame, graph)
    yield from _seals(ways)


def _reachable(ways: Ways, frame: str, graph: Graph) -> Iterator[Fault]:
    """The engine drops what nothing leads to, without a word; what leads to no end keeps the case open for ever."""
    from_start = reach(graph, [ways.start_of(frame).id])
    to_end = reach(reverse(graph), [node.id for node in ways.nodes(frame) if node.tag == "endEvent"])
    yield from (fault("UNREACHABLE", node) for node in sorted(graph.keys() - from_start))
    yield from (fault("NO_WAY_TO_END", node) for node in sorted(graph.keys() - to_end))


# ------------------------------------------------------------------------------------------------ parallel ways


def _joins(ways: Ways, frame: str, graph: Graph) -> Iterator[Fault]:
    """A join on a loop takes a cancelled branch of the round before for one that has arrived, and goes on too early: a person's
    step is skipped without any error (tried: 155 of 300 walks). Inside a sub-process it is new in each round, and right.
    """
    gateways = [node for node in ways.nodes(frame) if node.tag in JOINING]
    joins = [node for node in gateways if len(ways.diagram.ways_in(node.id)) > 1]
    splits = [node for node in gateways if len(ways.diagram.ways_out(node.id)) > 1]
    paired: set[str] = set()
    for node in joins:
        if on_loop(graph, node.id):
            yield fault("JOIN_ON_LOOP", node.id)
    for split in splits:
        join = next((join for join in joins if _belong_together(ways, graph, split, join)), None)
        if join is None or split is join:
            yield fault("UNPAIRED_SPLIT", split.id)
            continue
        paired.add(join.id)
        yield from _shared_facts(ways, graph, split, join)
    yield from (fault("UNPAIRED_SPLIT", join.id) for join in joins if join.id not in paired)


def _belong_together(ways: Ways, graph: Graph, split: Node, join: Node) -> bool:
    """Each branch of the split, and nothing else, arrives at the join by one flow of its own."""
    if split.tag != join.tag:
        return False
    branches = [reach(graph, [flow.target], [join.id]) for flow in ways.diagram.ways_out(split.id)]
    apart = sum(map(len, branches)) == len(frozenset().union(*branches))
    ends = {node.id for node in ways.nodes(split.frame) if node.tag == "endEvent"}
    leaks = any(branch & ends or split.id in branch for branch in branches)
    sources = [flow.source for flow in ways.diagram.ways_in(join.id)]
    direct = sources.count(split.id)
    one_each = all(sum(source in branch for source in sources) == 1 for branch in branches if branch)
    only_these = sum(source in branch for source in sources for branch in branches) + direct == len(sources)
    empty = sum(not branch for branch in branches)
    return apart and not leaks and one_each and only_these and direct == empty


def _shared_facts(ways: Ways, graph: Graph, split: Node, join: Node) -> Iterator[Fault]:
    """Two branches that set the same fact: which one counts would depend on who was quicker."""
    seen: dict[str, int] = {}
    for number, flow in enumerate(ways.diagram.ways_out(split.id)):
        for node in _with_insides(ways, reach(graph, [flow.target], [join.id])):
            decides = ways.decides.get(node)
            for name in sorted(decides.kinds.keys() - {decides.choice}) if decides else ():
                if seen.setdefault(name, number) != number:
                    yield fault("BRANCHES_SHARE_FACT", node, found=name)


def _with_insides(ways: Ways, nodes: frozenset[str]) -> Iterator[str]:
    for node in sorted(nodes):
        yield node
        yield from _with_insides(ways, frozenset(inner.id for inner in ways.nodes(node)))


def _side_paths(ways: Ways, frame: str, graph: Graph) -> Iterator[Fault]:
    """A non-interrupting event makes a second token: where it met the main way, the steps behind would open twice."""
    for node in ways.nodes(frame):
        if node.tag == "boundaryEvent" and not node.interrupting:
            main = reach(graph, [ways.start_of(frame).id], [node.id])
            meeting = main & reach(graph, [node.id])
            if meeting:
                yield fault("SIDE_PATH", node.id, found=min(meeting))


# ------------------------------------------------------------------------------------------------ loops


def _capped(ways: Ways, frame: str, graph: Graph) -> Iterator[Fault]:
    """Each loop passes a gateway that counts a step of that loop, and hands over to a person when it was too often."""
    caps: set[str] = set()
    for node in ways.nodes(frame):
        for flow in ways.diagram.ways_out(node.id):
            counted = _cap(ways, node, flow)
            if counted is None:
                continue
            step, limit = counted
            if limit > HIGHEST_CAP:
                yield fault("CAP_TOO_HIGH", node.id, found=limit, most=HIGHEST_CAP)
            if not on_loop(graph, node.id, [step]) and _settled_by_a_person(ways, node, flow, graph):
                caps.add(node.id)
    for group in loops(graph, caps):
        yield fault("NO_CAP", min(group), found=", ".join(sorted(group))[:200])


def _cap(ways: Ways, node: Node, flow: Flow) -> tuple[str, int] | None:
    """`visits(step) >= 20` on a way out of an exclusive gateway: the step, in the same frame, and the number."""
    condition = ways.conditions.get(flow.id)
    part = condition.expression if condition else None
    if node.tag != "exclusiveGateway" or not isinstance(part, Compare) or part.operator not in {">=", ">"}:
        return None
    if not isinstance(part.left, Visits) or not isinstance(part.right, Literal):
        return None
    step = ways.diagram.nodes.get(part.left.step)
    return (step.id, int(part.right.value)) if step and step.frame == node.frame else None


def _settled_by_a_person(ways: Ways, gateway: Node, flow: Flow, graph: Graph) -> bool:
    """Behind the cap stands a person who chooses, and one of the choices leads out of the loop."""
    person = ways.diagram.nodes[flow.target]
    while person.tag in CHOOSING and len(ways.diagram.ways_out(person.id)) == 1:
        person = ways.diagram.nodes[ways.diagram.ways_out(person.id)[0].target]
    decides = ways.decides.get(person.id)
    ends = {node.id for node in ways.nodes(gateway.frame) if node.tag == "endEvent"}
    leads_out = bool(reach(graph, [person.id], [gateway.id]) & ends)
    return person.kind == Kind.PERSON and decides is not None and decides.choice is not None and leads_out


# ------------------------------------------------------------------------------------------------ seals


def _seals(ways: Ways) -> Iterator[Fault]:
    """A seal confirms signatures (ND 30/2020, art. 32): on every way to it, the last thing a person did was to sign, and every
    other signature of the route was given before that one.
    """
    people = {node.id: node for node in ways.diagram.nodes.values() if node.kind in {Kind.PERSON, Kind.MESSAGE}}
    signs = {step for step, node in people.items() if node.props.get("action") == "sign"}
    for seal in (step for step, node in people.items() if node.props.get("action") == "seal"):
        for step, word in sorted(_last_acts(ways, seal), key=str):
            if step not in signs or word not in {None, "signed"}:
                yield fault("SEAL_BEFORE_SIGN", seal, found=seal, step=step)
                return
            for other in sorted(signs - {step}):
                if _can_seal_follow(ways, other, seal) and step in ways.reached(without=_signing(ways, other)):
                    yield fault("SEAL_BEFORE_SIGN", seal, found=seal, step=other)
                    return


def _last_acts(ways: Ways, seal: str) -> set[tuple[str, str | None]]:
    """What a person did last before the seal, past the steps of the system; ("start", None) if nobody did anything."""
    acts: set[tuple[str, str | None]] = {("start", None)} if seal in ways.first else set()
    stack, seen = [seal], {seal}
    while stack:
        step = stack.pop()
        for before, word in ways.before(step):
            if ways.diagram.nodes[before].kind in {Kind.PERSON, Kind.MESSAGE}:
                acts.add((before, word))
            elif before not in seen:
                seen.add(before)
                stack.append(before)
                acts |= {("start", None)} if before in ways.first else set()
    return acts


def _signing(ways: Ways, step: str) -> list[tuple[str, str | None]]:
    return [(step, word) for word in ways.words(step) if word in {None, "signed"}]


def _can_seal_follow(ways: Ways, step: str, seal: str) -> bool:
    seen: set[str] = set()
    stack = [after for signing in _signing(ways, step) for after in ways.after(*signing)]
    while stack:
        each = stack.pop()
        if each not in seen and ways.diagram.nodes[each].kind:
            seen.add(each)
            stack += [after for word in ways.words(each) for after in ways.after(each, word)]
    return seal in seen
