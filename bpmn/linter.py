"""Refuse a diagram that the engine would run wrongly, without telling anybody."""

from bpmn.diagram import Diagram
from bpmn.errors import Fault


def lint(diagram: Diagram, roles: frozenset[str] | None) -> list[Fault]:
    """Everything that is wrong with it, named element by element; empty if it can be run."""
    return []
