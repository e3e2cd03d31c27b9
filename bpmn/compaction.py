"""Forget what the engine has finished, so that time and state do not grow with history.

The engine keeps every task that ever was and walks over all of them at each step. Nothing behind the lowest task that holds
everything unfinished is looked at again, so that task is hung directly under the root and the rest is dropped. Kept for as
long as they are needed: the instances of a multi-instance step (its wrapper is unfinished, too), the split that belongs to an
unfinished join of boundary events, the branches of an open gateway.

Truth is elsewhere: a case can always be replayed from its events without this. `tests/bpmn/test_walks.py` walks compacted and
plain cases side by side; it must pass before `COMPACTION_VERSION` or the engine's version moves.
"""

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
    kept = _lowest_around_needed(root)
    if kept is root or (kept is not None and kept.parent is root):
        return
    if kept is None:
        root._children = []  # noqa: SLF001 - the engine offers no way to cut a tree
    else:
        # What waits inherits from its parent once more each time the engine looks: the root must hold what the parent held.
        root.data = kept.parent.data
        kept._parent = root.id  # noqa: SLF001
        root._children = [kept.id]  # noqa: SLF001
    for task in set(frame.tasks) - {task.id for task in in_order(root)}:
        del frame.tasks[task]
        if task in workflow.subprocesses:
            _forget_frame(workflow, task)


def _lowest_around_needed(root: Any) -> Any:
    """The lowest task that is, or holds, each task that is still needed; None if none is."""
    tasks = in_order(root)
    needed = {task.id for task in tasks if task.has_state(TaskState.NOT_FINISHED_MASK)}
    for task in tasks:
        if task.id in needed and isinstance(task.task_spec, BoundaryEventJoin):
            # An unfinished join of boundary events will ask for its split.
            split = task.find_ancestor(task.task_spec.split_task)
            needed |= {split.id} if split is not None else set()
    holding: dict[Any, list[Any]] = {}  # a task -> those of its children that are, or hold, a needed one
    for task in reversed(tasks):
        if task.id in needed or task.id in holding:
            holding.setdefault(task._parent, []).append(task)  # noqa: SLF001 - the id is all we need
    task = root if root.id in needed or root.id in holding else None
    while task is not None and task.id not in needed and len(holding[task.id]) == 1:
        task = holding[task.id][0]
    return task


def in_order(root: Any) -> list[Any]:
    """Every task of a tree: parents before their children, children in the engine's order."""
    known = root.workflow.tasks
    ordered: list[Any] = []
    stack = [root]
    while stack:
        task = stack.pop()
        ordered.append(task)
        if task._children:  # noqa: SLF001 - the property builds a new list each time
            stack += [known[child] for child in reversed(task._children)]  # noqa: SLF001
    return ordered


def _forget_frame(workflow: Any, host: Any) -> None:
    """A sub-process and those inside it; collected before anything is deleted, since the way to them leads through tasks."""
    frame = workflow.subprocesses[host]
    inner = [task for task in frame.tasks if task in workflow.subprocesses]
    del workflow.subprocesses[host]
    for task in inner:
        _forget_frame(workflow, task)
