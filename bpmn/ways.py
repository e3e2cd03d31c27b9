"""Walks over a diagram: what follows what, where it loops, and which step comes after which with which outcome.

Inside one frame (the process or a sub-process) a sub-process is one node, and a boundary event hangs at its host. Steps are
followed across frames: into a sub-process through its start, out of it through its ends.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bpmn.conditions import Both, Compare, Condition, Expression, Literal, Name, Not, Several
from bpmn.diagram import CHOOSING, JOINING, Diagram, Flow, Node
from bpmn.properties import Decides

Graph = Mapping[str, frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Ways:
    """A diagram whose flows, properties and conditions were understood."""

    diagram: Diagram
    decides: Mapping[str, Decides]  # of each node that declares it
    conditions: Mapping[str, Condition]  # id of a flow -> its condition
    _after: dict[tuple[str, str | None], frozenset[str]] = field(default_factory=dict)

    # -------------------------------------------------------------------------------------------- in one frame

    @cached_property
    def frames(self) -> tuple[str, ...]:
        """The process, then its sub-processes."""
        return (self.diagram.id, *(node.id for node in self.diagram.nodes.values() if node.tag == "subProcess"))

    def nodes(self, frame: str) -> list[Node]:
        """The nodes that stand in a frame."""
        return [node for node in self.diagram.nodes.values() if node.frame == frame]

    def graph(self, frame: str) -> Graph:
        """Each node of a frame with those that a token can reach from it next."""
        after: dict[str, set[str]] = {node.id: set() for node in self.nodes(frame)}
        for flow in self.diagram.flows.values():
            if flow.frame == frame:
                after[flow.source].add(flow.target)
        for node in self.nodes(frame):
            if node.attached:
                after[node.attached].add(node.id)
        return {node: frozenset(targets) for node, targets in after.items()}

    def start_of(self, frame: str) -> Node:
        """Where a frame begins."""
        return next(node for node in self.nodes(frame) if node.tag == "startEvent")

    # -------------------------------------------------------------------------------------------- from step to step

    def after(self, step: str, word: str | None = None) -> frozenset[str]:
        """What can wait, or end, next after a step was completed (with this word, if it chooses): ids of steps and ends."""
        if (step, word) not in self._after:
            decides = self.decides.get(step)
            known = {decides.choice: word} if decides and decides.choice and word is not None else {}
            found: set[str] = set()
            self._leave(self.diagram.nodes[step], known, found, set())
            self._after[step, word] = frozenset(found)
        return self._after[step, word]

    def words(self, step: str) -> tuple[str | None, ...]:
        """The ways in which a step can be completed."""
        decides = self.decides.get(step)
        return decides.words if decides and decides.choice else (None,)

    @cached_property
    def first(self) -> frozenset[str]:
        """What waits when a case begins."""
        found: set[str] = set()
        self._leave(self.start_of(self.diagram.id), {}, found, set())
        return frozenset(found)

    def reached(self, *, without: Iterable[tuple[str, str | None]] = ()) -> frozenset[str]:
        """Every step and end that a case can reach if these steps are never completed with these words."""
        barred = set(without)
        seen: set[str] = set()
        stack = list(self.first)
        while stack:
            step = stack.pop()
            if step in seen:
                continue
            seen.add(step)
            if self.diagram.nodes[step].kind:
                stack += [more for word in self.words(step) if (step, word) not in barred for more in self.after(step, word)]
        return frozenset(seen)

    def before(self, step: str) -> frozenset[tuple[str, str | None]]:
        """Which steps, completed how, can be followed at once by this one."""
        steps = [node.id for node in self.diagram.nodes.values() if node.kind]
        return frozenset((each, word) for each in steps for word in self.words(each) if step in self.after(each, word))

    def flows_taken(self, gateway: str, known: Mapping[str, str | None]) -> list[Flow]:
        """The ways out of a choosing gateway that may be taken when these facts are known."""
        node = self.diagram.nodes[gateway]
        ways = self.diagram.ways_out(gateway)
        if node.tag not in CHOOSING:
            return ways
        answers = {flow.id: decided(self.conditions[flow.id].expression, known) for flow in ways if flow.id in self.conditions}
        if node.tag == "exclusiveGateway" and True in answers.values():
            return [flow for flow in ways if answers.get(flow.id) is True]
        otherwise = not any(answer is True for answer in answers.values())
        return [flow for flow in ways if (answers[flow.id] is not False if flow.id in answers else otherwise)]

    def _leave(self, node: Node, known: Mapping[str, str | None], found: set[str], passed: set[str]) -> None:
        for flow in self.flows_taken(node.id, known):
            self._enter(self.diagram.nodes[flow.target], known, found, passed)

    def _enter(self, node: Node, known: Mapping[str, str | None], found: set[str], passed: set[str]) -> None:
        """Follow a token until it waits or the case ends. A node is passed once: a ring of gateways would never end."""
        if node.id in passed:
            return
        passed.add(node.id)
        found |= {event.id for event in self.diagram.nodes.values() if event.attached == node.id}
        if node.kind:
            found.add(node.id)
        elif node.tag == "subProcess":
            self._leave(self.start_of(node.id), known, found, passed)
        elif node.tag == "endEvent":
            self._end(node, known, found, passed)
        else:
            joins = node.tag in JOINING and len(self.diagram.ways_in(node.id)) > 1
            self._leave(node, {} if joins else known, found, passed)

    def _end(self, node: Node, known: Mapping[str, str | None], found: set[str], passed: set[str]) -> None:
        if node.frame == self.diagram.id:
            found.add(node.id)
            return
        around = self.diagram.nodes[node.frame]
        self._leave(around, {} if around.loop else known, found, passed)  # facts do not leave a multi-instance frame

    # -------------------------------------------------------------------------------------------- from a gateway back

    def deciders(self, node: str) -> frozenset[str]:
        """The nodes whose facts a token carries when it arrives: steps, the start, or a join that mixes several."""
        found: set[str] = set()
        self._back(node, found, set())
        return frozenset(found)

    def _back(self, node: str, found: set[str], passed: set[str]) -> None:
        for flow in self.diagram.ways_in(node):
            if flow.source in passed:
                continue
            passed.add(flow.source)
            source = self.diagram.nodes[flow.source]
            if source.tag == "subProcess" and not source.loop:
                for end in self.nodes(source.id):
                    if end.tag == "endEvent":
                        self._back(end.id, found, passed)
            elif source.tag == "startEvent" and source.frame != self.diagram.id:
                self._back(source.frame, found, passed)
            elif source.tag in CHOOSING | JOINING and not (source.tag in JOINING and len(self.diagram.ways_in(source.id)) > 1):
                self._back(source.id, found, passed)
            else:
                found.add(source.id)


def decided(part: Expression, known: Mapping[str, str | None]) -> bool | None:
    """What a condition says when only some texts are known; None if it cannot be told."""
    if isinstance(part, Literal):
        return part.value if isinstance(part.value, bool) else None
    if isinstance(part, Not):
        inner = decided(part.operand, known)
        return None if inner is None else not inner
    if isinstance(part, Both):
        sides = {decided(part.left, known), decided(part.right, known)}
        decisive = part.operator == "or"
        return decisive if decisive in sides else (None if None in sides else not decisive)
    return _compared(part, known) if isinstance(part, Compare) else None


def _compared(part: Compare, known: Mapping[str, str | None]) -> bool | None:
    left, right = part.left, part.right
    if isinstance(right, Name) and isinstance(left, Literal):
        left, right = right, left
    if not isinstance(left, Name) or left.name not in known:
        return None
    word = known[left.name]
    if isinstance(right, Several) and part.operator == "in":
        return word in right.values
    if isinstance(right, Literal) and part.operator in {"==", "!="}:
        return (word == right.value) == (part.operator == "==")
    return None


# ------------------------------------------------------------------------------------------------ graphs


def reach(graph: Graph, begin: Iterable[str], without: Iterable[str] = ()) -> frozenset[str]:
    """Every node that can be reached, the beginnings included, without passing through some."""
    seen = set(without)
    found: set[str] = set()
    stack = [node for node in begin if node not in seen]
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        found.add(node)
        stack += graph.get(node, frozenset())
    return frozenset(found)


def on_loop(graph: Graph, node: str, without: Iterable[str] = ()) -> bool:
    """Whether a token can come back to where it was."""
    barred = set(without)
    return node not in barred and node in reach(graph, graph.get(node, frozenset()), barred)


def loops(graph: Graph, without: Iterable[str] = ()) -> Iterator[frozenset[str]]:
    """Groups of nodes that reach each other, without passing through some."""
    left = set(graph) - set(without)
    barred = set(without)
    backward = reverse(graph)
    while left:
        node = min(left)
        group = reach(graph, [node], barred) & reach(backward, [node], barred)
        left -= group
        if len(group) > 1 or node in graph.get(node, frozenset()):
            yield group


def reverse(graph: Graph) -> Graph:
    """The same with each arrow turned round."""
    back: dict[str, set[str]] = {node: set() for node in graph}
    for node, targets in graph.items():
        for target in targets:
            back.setdefault(target, set()).add(node)
    return {node: frozenset(sources) for node, sources in back.items()}
