"""A running case as bytes, and back. A cache: the events are the truth, and a snapshot made by anything else is refused.

The same case always gives the same bytes, however it came about (live, restored, replayed): tasks are numbered in the order
of the tree instead of carrying the engine's random ids, data is written as the difference to the parent's, and no clock is in
it. So the tests compare cases by comparing snapshots. The specification is not in it; it comes from the pinned diagram.

    {"stamp": [1, "<digest of the diagram>", "3.2.0", 1], "facts": {...}, "visits": {...}, "ending": null, "frames": [...]}

A frame is `[host, completed, [task, ...]]`, a task `[step, parent, state, data, internal, visit, triggered, rank]` without the
zeros at its end. Frames come after the frame of their host, tasks after their parent.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.specs.mixins.unstructured_join import UnstructuredJoin
from SpiffWorkflow.bpmn.util.subworkflow import BpmnSubWorkflow
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from bpmn.compaction import COMPACTION_VERSION, in_order
from bpmn.engine import Engine
from bpmn.errors import StaleSnapshot
from bpmn.process import Process
from bpmn.properties import Fact
from bpmn.specification import ENGINE_VERSION

FORMAT = 1
_NONE, _SAME = 0, 1  # data: nothing; the parent's


def stamp(process: Process) -> list[object]:
    """What a snapshot depends on beside the case: the form itself, the diagram, the engine, our compaction."""
    return [FORMAT, process.digest, ENGINE_VERSION, COMPACTION_VERSION]


def to_bytes(engine: Engine, facts: Mapping[str, Fact]) -> bytes:
    """Write a case down; `facts` are those it started with."""
    state = {
        "stamp": stamp(engine.process),
        "facts": dict(facts),
        "visits": engine.visits,
        "ending": engine.ending,
        "frames": _Writer(engine).frames,
    }
    return json.dumps(state, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def from_bytes(process: Process, snapshot: bytes) -> tuple[Engine, dict[str, Fact]]:
    """The case, and the facts it started with. StaleSnapshot if it is not one of ours, or was made for something else."""
    try:
        state = json.loads(snapshot)
        if state["stamp"] != stamp(process):
            _stale(str(state["stamp"]))
        facts = {name: tuple(value) if isinstance(value, list) else value for name, value in state["facts"].items()}
        engine = Engine(process)
        engine.visits = state["visits"]
        engine.ending = state["ending"]
        _read_frames(engine, state["frames"])
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        _stale(repr(error)[:100], error)
    return engine, facts


# ------------------------------------------------------------------------------------------------ writing


class _Writer:
    """Walks each frame in the order of its tree, the frames of its sub-processes after it."""

    def __init__(self, engine: Engine) -> None:
        self.steps = engine.names
        self.numbers: dict[Any, int] = {}  # the engine's task id -> ours
        self.frames: list[object] = []
        self.workflow = engine.workflow
        self._frame(self.workflow, 0)

    def _frame(self, frame: Any, host: int) -> None:
        tasks = in_order(frame.task_tree)
        for number, task in enumerate(tasks, len(self.numbers)):
            self.numbers[task.id] = number
        specs, ranks = _numbered(frame.spec), _ranks(tasks)
        known = frame.tasks
        rows = [self._task(task, known.get(task._parent), specs, ranks) for task in tasks]  # noqa: SLF001 - the id is enough
        self.frames.append([host, int(frame.completed), rows])
        for task in tasks:
            inner = self.workflow.subprocesses.get(task.id)
            if inner is not None:
                self._frame(inner, self.numbers[task.id])

    def _task(self, task: Any, parent: Any, specs: Mapping[str, int], ranks: Mapping[Any, int]) -> list[object]:
        internal = task.internal_data
        if "merged" in internal:
            numbers = {str(child): self.numbers[child] for child in task._children}  # noqa: SLF001 - the ids are all we need
            internal = {**internal, "merged": [numbers[child] for child in internal["merged"]]}
        step = self.steps.get(task.id)
        row: list[object] = [
            specs[task.task_spec.name],
            -1 if parent is None else self.numbers[parent.id],
            task.state,
            _difference(task.data, {} if parent is None else parent.data),
            internal or 0,
            step.visit if step else 0,
            int(task.triggered),
            ranks.get(task.id, 0),
        ]
        while row[-1] == 0:
            row.pop()
        return row


@lru_cache(maxsize=256)
def _numbered(spec: Any) -> Mapping[str, int]:
    return {name: number for number, name in enumerate(sorted(spec.task_specs))}


def _ranks(tasks: list[Any]) -> dict[Any, int]:
    """A join merges its branches in the order in which they came; only the order is kept, never the time."""
    finished = (task for task in tasks if task.has_state(TaskState.FINISHED_MASK))
    joins = [task for task in finished if isinstance(task.task_spec, UnstructuredJoin)]
    return {task.id: rank for rank, task in enumerate(sorted(joins, key=lambda task: task.last_state_change), 1)}


def _difference(mine: dict[str, Any], parents: dict[str, Any]) -> object:
    if not mine:
        return _NONE
    if mine == parents:
        return _SAME
    changed = {name: value for name, value in mine.items() if name not in parents or parents[name] != value}
    return [changed, [name for name in parents if name not in mine]]


# ------------------------------------------------------------------------------------------------ reading


def _read_frames(engine: Engine, frames: list[Any]) -> None:
    process = engine.process
    workflow = BpmnWorkflow(process.spec, dict(process.subprocesses), deserializing=True, script_engine=engine.script_engine)
    engine.workflow = workflow
    tasks: list[Any] = []
    for host, completed, rows in frames:
        frame = _new_frame(workflow, tasks[host]) if tasks else workflow
        frame.completed = bool(completed)
        _read_tasks(engine, frame, rows, tasks)


def _new_frame(workflow: Any, host: Any) -> Any:
    spec = workflow.subprocess_specs[host.task_spec.spec]
    frame = workflow.subprocesses[host.id] = BpmnSubWorkflow(spec, host.id, workflow, deserializing=True)
    frame.completed_event.connect(host.task_spec._on_subworkflow_completed, host)  # noqa: SLF001 - as the engine's own reader
    return frame


def _read_tasks(engine: Engine, frame: Any, rows: list[Any], tasks: list[Any]) -> None:
    """Numbers serve as ids: the engine only ever looks them up, and what it adds later gets a random id of its own."""
    specs = [frame.spec.task_specs[name] for name in _numbered(frame.spec)]
    first = len(tasks)
    for row in rows:
        spec, parent_number, state, data, internal, visit, triggered, rank = row + [0] * (8 - len(row))
        task = Task(frame, specs[spec], None, state, len(tasks) + 1)
        parents: dict[str, Any] = {}
        if parent_number >= 0:
            parent = tasks[parent_number]
            parents = parent.data
            task._parent = parent.id  # noqa: SLF001 - as the engine's own reader does
            parent._children.append(task.id)  # noqa: SLF001
        task.data = _patched(data, parents)
        task.internal_data = internal or {}
        task.triggered = bool(triggered)
        task.last_state_change = rank
        tasks.append(task)
        if visit:
            engine.adopt(task, visit)
    frame.task_tree = tasks[first]
    for task in tasks[first:]:
        if "merged" in task.internal_data:
            task.internal_data["merged"] = [str(tasks[child].id) for child in task.internal_data["merged"]]


def _patched(difference: Any, parents: dict[str, Any]) -> dict[str, Any]:
    if difference == _NONE:
        return {}
    copied = {name: dict(value) if isinstance(value, dict) else value for name, value in parents.items()}
    if difference != _SAME:
        changed, gone = difference
        copied |= changed
        for name in gone:
            del copied[name]
    return copied


def _stale(found: str, error: Exception | None = None) -> None:
    raise StaleSnapshot(
        f"Bản chụp trạng thái không dùng được, hãy chạy lại các sự kiện: {found}",
        f"The snapshot cannot be used, replay the events: {found}",
    ) from error
