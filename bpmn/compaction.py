"""Forget what the engine has finished, so that time and state do not grow with history.

The engine keeps every task that ever was and walks over all of them at each step. Nothing behind the lowest task that holds
everything unfinished is looked at again, so that task is hung directly under the root and the rest is dropped. Kept for as
long as they are needed: the instances of a multi-instance step (its wrapper is unfinished, too), the split that belongs to an
unfinished join of boundary events, the branches of an open gateway.

Truth is elsewhere: a case can always be replayed from its events without this. `tests/bpmn/test_walks.py` walks compacted and
plain cases side by side; it must pass before `COMPACTION_VERSION` or the engine's version moves.
"""

from collections.abc import Iterable
from typing import Any

from SpiffWorkflow.bpmn.specs.control import BoundaryEventJoin
from SpiffWorkflow.util.task import TaskState

COMPACTION_VERSION = 1


def compact(workflow: Any) -> None:
    """Drop what is finished, in the case and in each open sub-process."""
    open_frames = [frame for frame in workflow.subprocesses.values() if not frame.completed]
    for frame in (workflow, *open_frames):
        _compact_tree(workflow, frame)
    for host in [host for host, frame in workflow.subprocesses.items() if frame.completed]:
        _forget_frame(workflow, host)


def _compact_tree(workflow: Any, frame: Any) -> None:
    root = frame.task_tree
    needed = list(_needed(frame))
    kept = _lowest_around(needed)
    if kept is None:
        doomed = set(frame.tasks) - {root.id}
        root._children = []  # noqa: SLF001 - the engine offers no way to cut a tree
    elif kept is root or kept.parent is root:
        return
    else:
        # What waits inherits from its parent once more each time the engine looks: the root must hold what the parent held.
        root.data = kept.parent.data
        kept._parent = root.id  # noqa: SLF001
        root._children = [kept.id]  # noqa: SLF001
        doomed = set(frame.tasks) - {task.id for task in _tree(root)}
    for task in doomed:
        del frame.tasks[task]
        if task in workflow.subprocesses:
            _forget_frame(workflow, task)


def _needed(frame: Any) -> Iterable[Any]:
    """Every unfinished task, and the split that an unfinished join of boundary events will ask for."""
    for task in frame.tasks.values():
        if task.has_state(TaskState.NOT_FINISHED_MASK):
            yield task
            if isinstance(task.task_spec, BoundaryEventJoin):
                split = task.find_ancestor(task.task_spec.split_task)
                if split is not None:
                    yield split


def _lowest_around(tasks: list[Any]) -> Any:
    """The lowest task that is, or holds, each of these; None if there are none."""
    common: list[Any] = []
    for task in tasks:
        line = [task]
        while line[-1].parent is not None:
            line.append(line[-1].parent)
        line.reverse()
        common = [mine for mine, theirs in zip(common, line, strict=False) if mine is theirs] if common else line
    return common[-1] if common else None


def _tree(task: Any) -> Iterable[Any]:
    stack = [task]
    while stack:
        each = stack.pop()
        yield each
        stack += each.children


def _forget_frame(workflow: Any, host: Any) -> None:
    """A sub-process and those inside it; collected before anything is deleted, since the way to them leads through tasks."""
    frame = workflow.subprocesses[host]
    inner = [task for task in frame.tasks if task in workflow.subprocesses]
    del workflow.subprocesses[host]
    for task in inner:
        _forget_frame(workflow, task)
