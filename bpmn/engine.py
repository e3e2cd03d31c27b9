"""SpiffWorkflow behind our door. It only says what comes next: it acts on nothing, evaluates nothing and keeps no time.

Every kind of task is one class that waits; timers and messages are steps that wait until `complete` fires them; conditions go
to our own grammar. The default script engine, which would call `eval`, is never built: ours is handed to the constructor. An
`Engine` changes in place, has one user, and is thrown away after any exception; `bpmn.state` sees to both.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.script_engine.python_environment import BasePythonScriptEngineEnvironment
from SpiffWorkflow.bpmn.specs.defaults import EndEvent, UserTask
from SpiffWorkflow.util.task import TaskState

from bpmn.compaction import compact
from bpmn.diagram import Kind
from bpmn.errors import NotWaiting, Stuck
from bpmn.process import Process
from bpmn.properties import Fact
from bpmn.specification import MULTI_INSTANCE, Wake

DEEPEST_TREE = 900  # levels; the engine's own iterator silently stops at 1,000 and then calls a waiting case finished


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that waits to be done."""

    id: str  # of the diagram
    key: str | None  # of which sheet, for a multi-instance step
    visit: int  # how often this step (of this key) has waited, from 1
    kind: Kind
    lane: str  # a role's code, or "system"
    props: Mapping[str, str]
    text: str | None  # of a timer

    @property
    def name(self) -> str:
        """`subject_teacher_signs.toan#2`."""
        return f"{_place(self.id, self.key)}#{self.visit}"


class Engine:
    """A running case inside SpiffWorkflow, with the names of what waits."""

    def __init__(self, process: Process, *, compacted: bool = True) -> None:
        self.process = process
        self.compacted = compacted
        self.visits: dict[str, int] = {}  # "id.key" -> how often it has waited
        self.names: dict[Any, Step] = {}  # the engine's task id -> our step
        self.ending: str | None = None  # the end event at which the case ended
        self.workflow: Any = None  # SpiffWorkflow ships no types
        self.script_engine = _Conditions(self)

    def start(self, facts: Mapping[str, Fact]) -> None:
        """Begin; `facts` were checked."""
        self.workflow = BpmnWorkflow(self.process.spec, dict(self.process.subprocesses), script_engine=self.script_engine)
        self.workflow.task_tree.data.update({name: _inside(value) for name, value in facts.items()})
        self._run()

    def complete(self, name: str, facts: Mapping[str, Fact]) -> None:
        """Do one step; `facts` were checked. Afterwards something else waits, or the case has ended."""
        task = self._waiting_task(name)
        if isinstance(task.task_spec, UserTask):
            self._hand_over(task, facts)
            task.run()
        else:
            task._set_internal_data(event_fired=True)  # noqa: SLF001 - as `catch` would, but without an event and a clock
            task.task_spec._update(task)  # noqa: SLF001
        self._run()

    def steps(self) -> tuple[Step, ...]:
        """What waits, ordered by id, key and visit."""
        return tuple(sorted(self.names.values(), key=lambda step: (step.id, step.key or "", step.visit)))

    def visited(self, step: str, key: str | None) -> int:
        """How often a step has waited: of this key if the step is kept per key, else the most of any key."""
        if key is not None and _place(step, key) in self.visits:
            return self.visits[_place(step, key)]
        keyed = step + "."
        return max((count for where, count in self.visits.items() if where == step or where.startswith(keyed)), default=0)

    def _waiting_task(self, name: str) -> Any:
        for task_id, step in self.names.items():
            if step.name == name:
                return self.workflow.get_task_from_id(task_id)
        raise NotWaiting(f"Bước {name!r} không còn chờ", f"The step {name!r} does not wait")

    def _hand_over(self, task: Any, facts: Mapping[str, Fact]) -> None:
        """Facts travel with the token: an outcome of an earlier step must not choose the way behind this one."""
        for choice in self.process.choices:
            task.data.pop(choice, None)
        task.data.update({name: _inside(value) for name, value in facts.items()})
        for item in _done_items(task):
            task.data[item] = True  # where it is missing the engine merges nothing, and the case hangs

    def _run(self) -> None:
        """Let the engine pass gateways and ends until only steps wait, then drop what it no longer needs."""
        ended: list[str] = []

        def note(task: Any) -> None:
            if isinstance(task.task_spec, EndEvent):
                ended.append(task.task_spec.bpmn_id)

        self.workflow.do_engine_steps(did_complete_task=note)
        if self.workflow.completed:
            self.ending = ended[0]  # the innermost: an end inside a sub-process comes before the end behind it
        waiting = list(self._waiting_tasks())
        self._check(waiting)
        if self.compacted:
            compact(self.workflow)
        self._name(waiting)

    def _check(self, waiting: list[Any]) -> None:
        """Never trust what comes back: the engine can lose a step without an error."""
        if any(task.state == TaskState.ERROR for task in self._tasks()):
            _stuck("một bước bị lỗi", "a task is in error")
        if bool(waiting) == bool(self.workflow.completed):
            _stuck(f"{len(waiting)} bước đang chờ", f"{len(waiting)} steps wait, completed: {self.workflow.completed}")
        if any(task.depth > DEEPEST_TREE for task in waiting):
            _stuck("lịch sử quá dài", "the history is too long")

    def _name(self, waiting: list[Any]) -> None:
        """Give what began to wait a name; several at once are numbered by id, key and place in the tree."""
        names = {task.id: self.names[task.id] for task in waiting if task.id in self.names}
        new = [task for task in waiting if task.id not in names]
        self.names = names
        for task in sorted(new, key=_order):
            where = _place(_step_id(task), key_of(task))
            self.visits[where] = self.visits.get(where, 0) + 1
            self.adopt(task, self.visits[where])

    def adopt(self, task: Any, visit: int) -> None:
        """Name a task that waits; also when it comes out of a snapshot."""
        info = self.process.steps[_step_id(task)]
        self.names[task.id] = Step(
            id=info.id, key=key_of(task), visit=visit, kind=info.kind, lane=info.lane, props=info.props, text=info.text
        )

    def _tasks(self) -> Iterator[Any]:
        yield from self.workflow.tasks.values()
        for frame in self.workflow.subprocesses.values():
            yield from frame.tasks.values()

    def _waiting_tasks(self) -> Iterator[Any]:
        """The tasks that only `complete` can move."""
        for task in self._tasks():
            event = getattr(task.task_spec, "event_definition", None)
            acts = task.state == TaskState.READY and task.task_spec.manual
            if acts or (task.state == TaskState.WAITING and isinstance(event, Wake)):
                yield task


def key_of(task: Any) -> str | None:
    """The name that a multi-instance step, or the sub-process around, stands for. It is not on the task of an inner step."""
    while task is not None:
        key = task.internal_data.get("key_or_index")
        if key is not None:
            return str(key)
        task = _host(task)
    return None


def _host(task: Any) -> Any:
    """The sub-process task whose inside this task stands in; None at the top."""
    host = task.workflow.parent_task_id
    return None if host is None else task.workflow.top_workflow.get_task_from_id(host)


def _done_items(task: Any) -> Iterator[str]:
    """The output items of every multi-instance step that this task is an instance of, or stands inside one.

    Not every child of a multi-instance step is an instance: the step behind it is its child, too.
    """
    while task is not None:
        around = task.parent and task.parent.task_spec
        if isinstance(around, MULTI_INSTANCE) and around.task_spec == task.task_spec.name:
            yield around.output_item.bpmn_id
        task = _host(task)


def _step_id(task: Any) -> str:
    return str(task.task_spec.bpmn_id)


def _order(task: Any) -> tuple[str, str, tuple[int, ...]]:
    return _step_id(task), key_of(task) or "", _path(task)


def _path(task: Any) -> tuple[int, ...]:
    """Where the task hangs, from the root of the case down."""
    path: list[int] = []
    while task is not None:
        if task.parent is None:
            task = _host(task)
        else:
            path.append(task.parent._children.index(task.id))  # noqa: SLF001
            task = task.parent
    return tuple(reversed(path))


def _place(step: str, key: str | None) -> str:
    return step if key is None else f"{step}.{key}"


def _inside(value: Fact) -> object:
    """A set of names is a mapping inside the engine, so that a multi-instance step is keyed and not numbered; sorted, so that
    the instances hang in the tree in the same order however the case came about.
    """
    return {name: name for name in sorted(value)} if isinstance(value, tuple) else value


def _stuck(vi: str, en: str) -> NoReturn:
    raise Stuck(f"Quy trình không đi tiếp được: {vi}", f"The process cannot go on: {en}")


# ------------------------------------------------------------------------------------------------ the engine's questions


class _Environment(BasePythonScriptEngineEnvironment):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """Nothing is evaluated here: what asks the environment instead of the script engine is not in our profile."""

    def evaluate(self, expression: object, context: object, external_context: object = None) -> NoReturn:  # noqa: ARG002
        _stuck("biểu thức ngoài hồ sơ", f"an expression outside the profile: {expression!r}")

    def execute(self, script: object, context: object, external_context: object = None) -> NoReturn:  # noqa: ARG002
        _stuck("mã lệnh không được chạy", "scripts are not run")

    def call_service(self, context: object, **_: object) -> NoReturn:  # noqa: ARG002
        _stuck("dịch vụ không được gọi", "services are not called")


class _Conditions(PythonScriptEngine):  # type: ignore[misc]  # SpiffWorkflow ships no types
    """Answers the engine's conditions with our grammar."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(environment=_Environment())
        self.engine = engine

    def evaluate(self, task: Any, expression: str, external_context: object = None) -> bool:  # noqa: ARG002
        condition = self.engine.process.conditions[expression]
        facts = task.data
        wrapper = task.parent and task.parent.task_spec
        if isinstance(wrapper, MULTI_INSTANCE) and wrapper.condition == expression:
            # The engine asks on the last instance, where the others' results cannot be seen.
            merged = task.parent.internal_data["merged"]
            facts = {**facts, "done": len(merged), "total": len(task.parent.data[wrapper.data_input.bpmn_id])}
        key = key_of(task)
        return condition.holds(facts, visits=lambda step: self.engine.visited(step, key))

    def validate(self, expression: object) -> NoReturn:  # noqa: ARG002
        _stuck("mã lệnh không được chạy", "scripts are not run")

    def execute(self, task: object, script: object, external_context: object = None) -> NoReturn:  # noqa: ARG002
        _stuck("mã lệnh không được chạy", "scripts are not run")

    def call_service(self, task: object, **_: object) -> NoReturn:  # noqa: ARG002
        _stuck("dịch vụ không được gọi", "services are not called")
