"""Steps of a case: our door beside plain SpiffWorkflow, on the same drawing, in turns, in one process.

    python -m bench.steps

One step of the class book's route is taken in a case with 0, 5 and 20 returns behind it, and once in the middle of 13 teachers.
Plain is what SpiffWorkflow's own manual shows: `deserialize_json`, find the task, run it, `do_engine_steps`,
`serialize_json`. Ours comes in two forms: *cold* (`restore`, `complete`, `snapshot`: what a request does) and *event* (the
engine is at hand, `complete`, the event as JSON: what a batch does). Processor time, median; both end in the same steps, which
is checked before the time counts.
"""

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lxml import etree
from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.spiff.parser.process import SpiffBpmnParser
from SpiffWorkflow.spiff.serializer.config import SPIFF_CONFIG
from SpiffWorkflow.util.task import TaskState

import bpmn
from bench.table import Row, Table, median

ROUTE = Path(bpmn.__file__).parent / "processes" / "class_book_term.bpmn"
SHEETS = tuple(f"mon_{n:02}" for n in range(1, 14))
ROUNDS = 40
QUICK_ROUNDS = 8
CAP = 20  # returns; from then on the principal lets it go on each time


def run(quick: bool = False) -> Table:
    """Measure everything: about half a minute, quick a few seconds."""
    rounds = QUICK_ROUNDS if quick else ROUNDS
    xml = ROUTE.read_bytes()
    process = bpmn.load(xml)
    plain = Plain(xml)
    rows = [*_loading(xml, rounds)]
    cold: list[float] = []
    for returns in (0, 5, 20):
        found, ours_ms = _step(process, plain, _events(returns), _step_of(returns), f"{returns} returns", rounds)
        rows += found
        cold.append(ours_ms)
    asked: list[bpmn.Done] = [("render_sheets#1", {}), *((f"subject_teacher_signs.{sheet}#1", {}) for sheet in SHEETS[:6])]
    rows += _step(process, plain, asked, (f"subject_teacher_signs.{SHEETS[6]}#1", {}), "13 wide, 6 done", rounds)[0]
    rows.append(Row.most("a step with 20 returns behind it against one with none", goal=1.5, measured=cold[-1] / cold[0]))
    return Table("Steps of a case", tuple(rows))


def _events(returns: int) -> list[bpmn.Done]:
    """From the beginning to the homeroom teacher's step, with so many sheets sent back on the way."""
    events: list[bpmn.Done] = [("render_sheets#1", {})]
    events += [(f"subject_teacher_signs.{sheet}#1", {}) for sheet in SHEETS]
    events.append(("bind_volume#1", {}))
    for visit in range(1, returns + 1):
        sheet = SHEETS[visit % len(SHEETS)]
        own = 2 + (visit - 1) // len(SHEETS)
        events.append((f"homeroom_teacher_signs#{visit}", {"outcome": "send_back", "sheets": (sheet,)}))
        events += [(f"render_sheets#{visit + 1}", {}), (f"subject_teacher_signs.{sheet}#{own}", {})]
        events.append((f"bind_volume#{visit + 1}", {}))
        if visit >= CAP:
            events.append((f"principal_settles#{visit - CAP + 1}", {"outcome": "go_on"}))
    return events


def _step_of(returns: int) -> bpmn.Done:
    return f"homeroom_teacher_signs#{returns + 1}", {"outcome": "signed"}


def _loading(xml: bytes, rounds: int) -> list[Row]:
    ours, peer = _in_turns(lambda: lambda: bpmn.load.__wrapped__(xml), lambda: lambda: Plain(xml), rounds)
    note = f"plain SpiffWorkflow parses in {peer:.1f} ms; once per diagram and process"
    return [Row.told("load and lint the route", measured=ours, note=note)]


def _step(
    process: bpmn.Process, plain: "Plain", before: list[bpmn.Done], event: bpmn.Done, name: str, rounds: int
) -> tuple[list[Row], float]:
    """Two rows, and the milliseconds of our cold form."""
    state = bpmn.replay(process, {"sheets": SHEETS}, before)
    content = bpmn.snapshot(state)
    stored = plain.walk(before)
    _check_the_same(bpmn.complete(state, *event), plain.step(stored, event)[1])
    written = json.dumps({"step": event[0], "facts": dict(event[1])}).encode()

    def cold() -> Callable[[], object]:
        return lambda: bpmn.snapshot(bpmn.complete(bpmn.restore(process, content), *event))

    def kept() -> Callable[[], object]:
        here = bpmn.restore(process, content)
        return lambda: (bpmn.complete(here, *event), json.dumps({"step": event[0], "facts": dict(event[1])}).encode())

    def peer() -> Callable[[], object]:
        return lambda: plain.step(stored, event)

    # The promise is x5 with 5 returns; with nothing behind it a plain case is as small as it gets.
    least = 5.0 if "returns" in name and not name.startswith("0") else 4.0
    forms = (("restore, step, snapshot", cold, len(content), least), ("step, event", kept, len(written), 5.0))
    rows, ours_ms = [], []
    for form, make, size, goal in forms:
        ours, theirs = _in_turns(make, peer, rounds)
        note = f"{ours:.2f} ms and {size} B beside {theirs:.2f} ms and {len(stored)} B"
        rows.append(Row.least(f"{name}: {form}, against plain SpiffWorkflow", goal=goal, measured=theirs / ours, note=note))
        ours_ms.append(ours)
    return rows, ours_ms[0]


class Plain:
    """SpiffWorkflow as its manual shows it. Its script engine evaluates Python, so the cap's `visits()` is written out of the
    conditions; service tasks need an operator there, so they are manual tasks.
    """

    def __init__(self, xml: bytes) -> None:
        text = xml.decode().replace("serviceTask", "manualTask").replace("visits(homeroom_teacher_signs) &gt;= 20", "False")
        parser = SpiffBpmnParser()
        parser.add_bpmn_xml(etree.fromstring(text.encode()))
        self.spec = parser.get_spec("class_book_term")
        self.subprocesses = parser.get_subprocess_specs("class_book_term")
        self.serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(SPIFF_CONFIG))

    def walk(self, events: list[bpmn.Done]) -> str:
        """A case after these steps, as JSON."""
        workflow = BpmnWorkflow(self.spec, self.subprocesses)
        workflow.task_tree.data["sheets"] = {sheet: sheet for sheet in SHEETS}
        workflow.do_engine_steps()
        for event in events:
            if not event[0].startswith("principal_settles"):
                self._do(workflow, event)
        return str(self.serializer.serialize_json(workflow))

    def step(self, stored: str, event: bpmn.Done) -> tuple[str, Any]:
        """Read, do, write."""
        workflow = self.serializer.deserialize_json(stored)
        self._do(workflow, event)
        return self.serializer.serialize_json(workflow), workflow

    def _do(self, workflow: Any, event: bpmn.Done) -> None:
        name, facts = event
        step, _, key = name.partition("#")[0].partition(".")
        ready = workflow.get_tasks(state=TaskState.READY)
        task = next(t for t in ready if t.task_spec.bpmn_id == step and (not key or t.data["sheet"] == key))
        task.data.update({fact: {v: v for v in value} if isinstance(value, tuple) else value for fact, value in facts.items()})
        if key:
            task.data["sheet_signed"] = True
        task.run()
        workflow.do_engine_steps()


def _check_the_same(state: bpmn.State, workflow: Any) -> None:
    ours = sorted(step.id for step in bpmn.waiting(state) if step.kind != bpmn.Kind.MESSAGE)
    theirs = sorted(task.task_spec.bpmn_id for task in workflow.get_tasks(state=TaskState.READY))
    assert ours == theirs, (ours, theirs)


def _in_turns(
    ours: Callable[[], Callable[[], object]], peer: Callable[[], Callable[[], object]], rounds: int
) -> tuple[float, float]:
    """Medians in milliseconds; each round prepares both, then times both."""
    mine: list[float] = []
    theirs: list[float] = []
    for _ in range(rounds):
        for make, times in ((ours, mine), (peer, theirs)):
            act = make()
            gc.collect(0)
            began = time.process_time()
            act()
            times.append(1000 * (time.process_time() - began))
    return median(mine), median(theirs)


if __name__ == "__main__":
    print(run())
