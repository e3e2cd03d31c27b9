"""Refuse a diagram that the engine would run wrongly without telling anybody. Everything is collected, then said at once.

What each rule guards against was tried on SpiffWorkflow 3.2.0; `docs/bpmn-profile.md` tells the profile in words,
`bpmn.faults` has every sentence. The rules build on each other: conditions are read when the elements are right, ways are
followed when the conditions are.
"""

from bpmn.diagram import Diagram
from bpmn.errors import Fault
from bpmn.properties import parse_decides
from bpmn.rules.elements import check_elements
from bpmn.rules.facts import check_conditions, check_facts
from bpmn.rules.routes import check_routes
from bpmn.ways import Ways


def lint(diagram: Diagram, roles: frozenset[str] | None = None) -> list[Fault]:
    """Everything that is wrong with it, named element by element; empty if it can be run."""
    faults = list(check_elements(diagram, roles))
    if faults:
        return faults
    decides = {node.id: parse_decides(node.props["decides"]) for node in diagram.nodes.values() if "decides" in node.props}
    conditions, faults = check_conditions(diagram, decides)
    if faults:
        return faults
    ways = Ways(diagram=diagram, decides=decides, conditions=conditions)
    faults = list(check_facts(ways))
    return faults + list(check_routes(ways))
