"""SpiffWorkflow's reading of a diagram: every task waits, timers and messages wait for us, conditions stay texts.

The base parser, not the Spiff one: no scripts, no DMN, no service operators. One parser for each file, because it keeps lanes
and places under `id(root)`, which Python gives away again.
"""

from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from lxml import etree
from SpiffWorkflow.bpmn.parser.BpmnParser import XSD_PATH, BpmnParser
from SpiffWorkflow.bpmn.parser.event_parsers import BoundaryEventParser, IntermediateCatchEventParser
from SpiffWorkflow.bpmn.parser.TaskParser import TaskParser
from SpiffWorkflow.bpmn.parser.util import full_tag
from SpiffWorkflow.bpmn.specs.defaults import (
    BoundaryEvent,
    IntermediateCatchEvent,
    ParallelMultiInstanceTask,
    SequentialMultiInstanceTask,
    UserTask,
)
from SpiffWorkflow.bpmn.specs.event_definitions.base import EventDefinition

from bpmn.diagram import TASKS
from bpmn.errors import BadDiagram
from bpmn.faults import fault

if TYPE_CHECKING:
    from collections.abc import Mapping

ENGINE_VERSION = version("SpiffWorkflow")
MULTI_INSTANCE = (ParallelMultiInstanceTask, SequentialMultiInstanceTask)


class Wake(EventDefinition):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """An event that only we fire: it never catches anything and never looks at a clock."""

    def catches(self, my_task: object, event: object) -> bool:  # noqa: ARG002 - the engine's signature
        """Nothing."""
        return False

    def __eq__(self, other: object) -> bool:
        """Only itself: the engine would otherwise take two timers for one."""
        return self is other

    def __hash__(self) -> int:
        return id(self)


class _Waking:
    """Mixed into the parsers of events."""

    node: Any

    def parse_timer_event(self, event: object) -> Wake:  # noqa: ARG002 - the engine's signature
        return Wake(self.node.get("id"))

    def parse_message_event(self, event: object) -> Wake:  # noqa: ARG002 - the engine's signature
        return Wake(self.node.get("id"))


class _Boundary(_Waking, BoundaryEventParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    pass


class _Catch(_Waking, IntermediateCatchEventParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    pass


class _Parser(BpmnParser):  # type: ignore[misc]  # SpiffWorkflow ships no types
    OVERRIDE_PARSER_CLASSES = {  # noqa: RUF012 - the engine's attribute
        **{full_tag(tag): (TaskParser, UserTask) for tag in TASKS},
        full_tag("boundaryEvent"): (_Boundary, BoundaryEvent),
        full_tag("intermediateCatchEvent"): (_Catch, IntermediateCatchEvent),
    }


def specify(root: "etree._Element", process: str) -> tuple[object, "Mapping[str, object]"]:
    """The engine's specification of the process and of its sub-processes. BadDiagram if the engine cannot read it."""
    parser = _Parser()
    try:
        parser.add_bpmn_xml(root)
        specification, subprocesses = parser.get_spec(process), parser.get_subprocess_specs(process)
    except Exception as error:  # whatever it is, the diagram is not one that we can run
        raise BadDiagram([fault("ENGINE", process, found=str(error)[:200])]) from error
    for each in (specification, *subprocesses.values()):
        _connect(each)
    return specification, subprocesses


def _connect(specification: Any) -> None:
    """A multi-instance step hears of its instances through a callback that is otherwise only set when one is created: a case
    restored in another process would wait for ever.
    """
    for step in specification.task_specs.values():
        if isinstance(step, MULTI_INSTANCE):
            instance = specification.task_specs[step.task_spec]
            if not instance.completed_event.is_connected(step.merge_child):
                instance.completed_event.connect(step.merge_child)


@cache
def schema() -> "etree.XMLSchema":
    """The schema of BPMN 2.0, as SpiffWorkflow ships it."""
    return etree.XMLSchema(etree.parse(XSD_PATH))
