"""Read a diagram, refuse it if we could not run it truthfully, say which steps wait and what comes after one is done.

    process = load(xml)                              # BadDiagram names every faulty element
    state = start(process, {"sheets": ("toan",)})
    waiting(state)                                   # steps: id, key, visit; `step.name` is "id.key#visit"
    state = complete(state, "render_sheets#1", {})   # NotWaiting, BadFact, Stuck
    content = snapshot(state)                        # a cache; `restore` or `replay` give the same case back

`docs/bpmn-profile.md` says what may be in a diagram. The diagrams of the product live in `bpmn/processes/`.
"""

from bpmn.conditions import FactKind
from bpmn.diagram import Kind
from bpmn.drawing import diagram_svg
from bpmn.engine import Step
from bpmn.errors import (
    BadCondition,
    BadDiagram,
    BadFact,
    BadProperty,
    BpmnError,
    Fault,
    NotWaiting,
    StaleSnapshot,
    Stuck,
)
from bpmn.process import Process, StepInfo, load
from bpmn.properties import SYSTEM, Decides, Fact
from bpmn.state import Done, State, complete, done, replay, restore, snapshot, start, waiting

__all__ = [
    "SYSTEM",
    "BadCondition",
    "BadDiagram",
    "BadFact",
    "BadProperty",
    "BpmnError",
    "Decides",
    "Done",
    "Fact",
    "FactKind",
    "Fault",
    "Kind",
    "NotWaiting",
    "Process",
    "StaleSnapshot",
    "State",
    "Step",
    "StepInfo",
    "Stuck",
    "complete",
    "diagram_svg",
    "done",
    "load",
    "replay",
    "restore",
    "snapshot",
    "start",
    "waiting",
]
