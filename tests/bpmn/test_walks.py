"""Random walks: live, restored, replayed and uncompacted cases are the same case, and every walk ends.

The engine is cut open by `bpmn.compaction` and read back by `bpmn.snapshots`. These walks are what must pass before another
version of it, or of them, is let in. CI walks a few hundred; `SOKY_WALKS=5000` walks as many of each kind.
"""

import os
import random
from collections.abc import Callable, Mapping

import pytest

import bpmn
from bpmn.properties import Decides
from tests.bpmn.conftest import ROUTE, SHEETS, Sketch, multi, pair_on_a_loop

WALKS = int(os.environ.get("SOKY_WALKS", "20"))
LONGEST = 3000  # steps; the route's cap stops it long before


def class_book() -> bytes:
    return ROUTE.read_bytes()


def pair() -> bytes:
    """Two people at once, again and again."""
    return pair_on_a_loop(inside=True).xml()


def each_sheet_reviewed() -> bytes:
    """A frame for each sheet with its own loop of signing and sending back, capped per sheet."""
    sketch = Sketch(facts=["sheets", "sheets_done", "outcome"]).start(decides="sheets:names").end()
    sketch.node("each", "subProcess", inside=multi("sheets")).person("concludes", decides="outcome=good|bad")
    sketch.start("inner", within="each").end("inner_end", within="each").choice("again", within="each")
    sketch.person("fills", within="each").person("checks", decides="outcome=good|bad", within="each")
    sketch.choice("good", default="good_to_inner_end", within="each").choice("often", default="often_to_again", within="each")
    sketch.person("settles", decides="outcome=on|off", within="each")
    sketch.choice("settled", default="settled_to_again", within="each")
    sketch.choice("all_good", default="all_good_to_finish").choice("round").choice("rounds", default="rounds_to_round")
    sketch.person("decides_on", decides="outcome=on|off").choice("goes_on", default="goes_on_to_round")
    sketch.flow("begin round each concludes all_good finish").flow("all_good rounds", "outcome == 'bad'")
    sketch.flow("rounds round").flow("rounds decides_on goes_on round", "visits(concludes) >= 3")
    sketch.flow("goes_on finish", "outcome == 'off'")
    sketch.flow("inner again fills checks good inner_end").flow("good often", "outcome == 'bad'").flow("often again")
    sketch.flow("often settles settled again", "visits(checks) >= 2").flow("settled inner_end", "outcome == 'off'")
    return sketch.xml()


def some_of_many() -> bytes:
    """Two opinions of those asked are enough, or the time is up; a reminder runs beside on a way of its own."""
    sketch = Sketch(facts=["people", "people_done"]).start(decides="people:names").end().end("reminded")
    sketch.person("says", inside=multi("people", until="done >= 2")).person("concludes").system("reminds")
    sketch.timer("late", "says").timer("soon", "says", "PT24H", interrupting=False).choice("met")
    sketch.flow("begin says met concludes finish").flow("late met").flow("soon reminds reminded")
    return sketch.xml()


def one_after_the_other() -> bytes:
    """People asked in turn, with a timer that closes the turn."""
    sketch = Sketch(facts=["people", "people_done"]).start(decides="people:names").end()
    sketch.person("says", inside=multi("people", sequential=True)).person("concludes").timer("late", "says", "due")
    sketch.choice("met").flow("begin says met concludes finish").flow("late met")
    return sketch.xml()


def any_of_three() -> bytes:
    """Inclusive ways, as many as their conditions say, in a frame that is not on a loop."""
    sketch = Sketch(facts=["a", "b"]).start(decides="a:yes_no; b:yes_no").end()
    sketch.choice("split", default="split_to_pc", tag="inclusiveGateway").choice("join", tag="inclusiveGateway")
    sketch.person("pa").person("pa_too").person("pb").person("pc").person("concludes")
    sketch.flow("begin split pc join concludes finish").flow("split pa pa_too join", "a").flow("split pb join", "b")
    return sketch.xml()


def three_at_once() -> bytes:
    """Parallel branches of different lengths, one of them a frame with people in it."""
    sketch = Sketch(facts=["people", "people_done"]).start(decides="people:names").end()
    sketch.choice("split", tag="parallelGateway").choice("join", tag="parallelGateway")
    sketch.node("frame", "subProcess").start("inner", within="frame").end("inner_end", within="frame")
    sketch.person("says", within="frame", inside=multi("people")).person("pa").person("pb").person("pb_too").person("concludes")
    sketch.timer("late", "pb").choice("met")
    sketch.flow("begin split frame join concludes finish").flow("inner says inner_end").flow("split pa join")
    sketch.flow("split pb met pb_too join").flow("late met")
    return sketch.xml()


DRAWINGS: list[Callable[[], bytes]] = [
    class_book,
    pair,
    each_sheet_reviewed,
    some_of_many,
    one_after_the_other,
    any_of_three,
    three_at_once,
]


class Walker:
    """Takes a case from step to step by the dice of one seed."""

    def __init__(self, process: bpmn.Process, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - dice, no secret
        self.process = process
        self.start_facts = self.facts(self.process.start, SHEETS)
        self.events: list[bpmn.Done] = []

    def next(self, state: bpmn.State) -> bpmn.Done:
        """One of the steps that wait (withdrawing only now and then), with facts that it declares."""
        steps = [
            step
            for step in bpmn.waiting(state)
            if step.kind in {bpmn.Kind.PERSON, bpmn.Kind.SYSTEM} or self.dice.random() < 0.02
        ]
        step = self.dice.choice(steps or bpmn.waiting(state))
        names = state.facts.get("sheets", SHEETS)
        event = (step.name, self.facts(self.process.steps[step.id].form, names if isinstance(names, tuple) else SHEETS))
        self.events.append(event)
        return event

    def facts(self, form: Decides, names: tuple[str, ...]) -> Mapping[str, bpmn.Fact]:
        """Facts that the form accepts."""
        wanted = dict(form.always)
        facts: dict[str, bpmn.Fact] = {}
        if form.choice:
            # Mostly forward: a walk that sends back half of the time only ever meets the cap.
            facts[form.choice] = word = self.dice.choice(form.words) if self.dice.random() < 0.6 else form.words[0]
            wanted |= form.facts_of(word)
        for name, kind in wanted.items():
            values: dict[bpmn.FactKind, bpmn.Fact] = {
                bpmn.FactKind.YES_NO: self.dice.random() < 0.5,
                bpmn.FactKind.NUMBER: self.dice.randint(-3, 30),
                bpmn.FactKind.TEXT: "Đã xem",
                bpmn.FactKind.NAMES: tuple(self.dice.sample(names, self.dice.randint(1, len(names)))),
            }
            facts[name] = values[kind]
        return facts


def names(state: bpmn.State) -> list[str]:
    return [step.name for step in bpmn.waiting(state)]


@pytest.mark.parametrize("draw", DRAWINGS)
def test_restored_replayed_and_plain_cases_are_the_same(draw: Callable[[], bytes]) -> None:
    """At each step of each walk: the same steps wait, under the same names, and the same bytes are stored."""
    steps = 0
    for seed in range(WALKS):
        walker = Walker(bpmn.load(draw()), seed)
        live = bpmn.start(walker.process, walker.start_facts)
        plain = bpmn.start(walker.process, walker.start_facts, compacted=False)
        restored = bpmn.restore(walker.process, bpmn.snapshot(live))
        while not bpmn.done(live):
            event = walker.next(live)
            live, plain, restored = (bpmn.complete(state, *event) for state in (live, plain, restored))
            content = bpmn.snapshot(live)
            restored = bpmn.restore(walker.process, bpmn.snapshot(restored))
            steps += 1

            assert names(plain) == names(live) == names(restored), (seed, walker.events)
            assert bpmn.snapshot(restored) == content, (seed, walker.events)
            assert plain.visits == live.visits
            assert len(walker.events) < LONGEST
        again = bpmn.replay(walker.process, walker.start_facts, walker.events)

        assert bpmn.snapshot(again) == bpmn.snapshot(live)
        assert plain.ending == live.ending == restored.ending == again.ending
    assert steps >= WALKS


@pytest.mark.parametrize("seed", range(8))
def test_a_snapshot_with_the_events_after_it_is_the_case(seed: int) -> None:
    """A snapshot may be old: what was done since is replayed on it."""
    walker = Walker(bpmn.load(class_book()), 1000 + seed)
    state = bpmn.start(walker.process, walker.start_facts)
    old, since = bpmn.snapshot(state), 0
    while not bpmn.done(state):
        state = bpmn.complete(state, *walker.next(state))
        if walker.dice.random() < 0.1:
            old, since = bpmn.snapshot(state), len(walker.events)
        restored = bpmn.restore(walker.process, old, walker.events[since:])

        assert bpmn.snapshot(restored) == bpmn.snapshot(state)


@pytest.mark.parametrize("seed", range(4))
def test_an_old_value_still_answers(seed: int) -> None:
    """A state is a value: going on from it does not change it, and it can be gone on from twice."""
    walker = Walker(bpmn.load(class_book()), 2000 + seed)
    states = [bpmn.start(walker.process, walker.start_facts)]
    while not bpmn.done(states[-1]):
        states.append(bpmn.complete(states[-1], *walker.next(states[-1])))
    for number in walker.dice.sample(range(len(states) - 1), min(6, len(states) - 1)):
        again = bpmn.complete(states[number], *walker.events[number])

        assert bpmn.snapshot(again) == bpmn.snapshot(states[number + 1])
        assert names(again) == names(states[number + 1])


def test_a_snapshot_does_not_grow_with_history() -> None:
    """Fifteen returns leave a case no larger than one: finished history is dropped."""
    process = bpmn.load(class_book())
    state = bpmn.start(process, {"sheets": SHEETS})
    state = bpmn.complete(state, "render_sheets#1", {})
    for sheet in SHEETS:
        state = bpmn.complete(state, f"subject_teacher_signs.{sheet}#1", {})
    sizes = []
    for visit in range(1, 16):
        state = bpmn.complete(state, f"bind_volume#{visit}", {})
        sizes.append(len(bpmn.snapshot(state)))
        state = bpmn.complete(state, f"homeroom_teacher_signs#{visit}", {"outcome": "send_back", "sheets": ("toan",)})
        state = bpmn.complete(state, f"render_sheets#{visit + 1}", {})
        state = bpmn.complete(state, f"subject_teacher_signs.toan#{visit + 1}", {})

    assert max(sizes) - min(sizes) < 64


def test_two_people_at_once_in_both_orders() -> None:
    """The trap: in the second round the other one of the pair is first. Nobody's step may be skipped."""
    process = bpmn.load(pair())
    for orders in (("pa", "pb"), ("pa", "pb")), (("pa", "pb"), ("pb", "pa")), (("pb", "pa"), ("pa", "pb")):
        state = bpmn.complete(bpmn.start(process, {}), "first#1", {})
        for visit, order in enumerate(orders, 1):
            assert set(names(state)) == {f"pa#{visit}", f"pb#{visit}"}
            state = bpmn.complete(state, f"{order[0]}#{visit}", {})
            assert names(state) == [f"{order[1]}#{visit}"]
            state = bpmn.complete(state, f"{order[1]}#{visit}", {})
            assert names(state) == [f"final#{visit}"]
            state = bpmn.complete(state, f"final#{visit}", {"outcome": "more"})
            state = bpmn.complete(state, f"first#{visit + 1}", {})


def test_every_end_of_the_route_is_reached() -> None:
    """Walks end published, stopped and withdrawn; the frame around closes behind the first two."""
    endings = set()
    for seed in range(60):
        walker = Walker(bpmn.load(class_book()), 3000 + seed)
        state = bpmn.start(walker.process, walker.start_facts)
        while not bpmn.done(state):
            state = bpmn.complete(state, *walker.next(state))
        endings.add(state.ending)
    visits = bpmn.load(class_book()).ends

    assert endings >= {"published", "withdrawn"}
    assert set(visits) == {"published", "stopped", "withdrawn", "case_closed"}


def test_everybody_can_send_back_or_the_case_can_be_withdrawn() -> None:
    """Wherever a person is asked, there is a way back or a way out; nobody is trapped into signing."""
    walker = Walker(bpmn.load(class_book()), 4000)
    asked: set[str] = set()
    for seed in range(40):
        walker = Walker(bpmn.load(class_book()), 4000 + seed)
        state = bpmn.start(walker.process, walker.start_facts)
        while not bpmn.done(state):
            for step in bpmn.waiting(state):
                if step.kind == bpmn.Kind.PERSON:
                    asked.add(step.id)
                    words = walker.process.steps[step.id].form.words
                    assert {"send_back", "stop"} & set(words) or "withdraw#1" in names(state)
            state = bpmn.complete(state, *walker.next(state))
    people = {step.id for step in walker.process.steps.values() if step.kind == bpmn.Kind.PERSON}

    assert asked >= people - {"principal_settles"}


def test_snapshots_of_something_else_are_refused(route: bpmn.Process) -> None:
    """Another diagram, another engine, another compaction, or no snapshot at all: replay the events, never guess."""
    content = bpmn.snapshot(bpmn.start(route, {"sheets": SHEETS}))
    other = bpmn.load(ROUTE.read_bytes().replace("Đóng dấu nhà trường".encode(), "Đóng dấu của trường".encode()))
    with pytest.raises(bpmn.StaleSnapshot):
        bpmn.restore(other, content)
    for changed in (
        content.replace(b'"3.2.0"', b'"3.2.1"'),
        content.replace(b'"3.2.0",1]', b'"3.2.0",2]'),
        content.replace(b'"frames":[[', b'"frames":[[9,'),
        content[:-20],
        b"",
        b"null",
        b"[]",
        b'{"stamp": 1}',
        b"\xff\xfe",
        b"[" * 100_000,
    ):
        assert changed != content
        with pytest.raises(bpmn.StaleSnapshot):
            bpmn.restore(route, changed)


def test_the_same_step_is_done_once(route: bpmn.Process) -> None:
    """Whoever comes second learns that the step no longer waits; names of steps that never were are refused the same way."""
    state = bpmn.complete(bpmn.start(route, {"sheets": SHEETS}), "render_sheets#1", {})
    state = bpmn.complete(state, "subject_teacher_signs.toan#1", {})
    for name in (
        "subject_teacher_signs.toan#1",
        "subject_teacher_signs.toan#2",
        "subject_teacher_signs#1",
        "render_sheets#1",
        "",
    ):
        with pytest.raises(bpmn.NotWaiting):
            bpmn.complete(state, name, {})

    assert len(names(state)) == 3


def test_two_hundred_at_once() -> None:
    """The widest set that a fact may hold: every one of them is asked, in any order, and the join is right."""
    process = bpmn.load(some_of_many().replace(b"done &gt;= 2", b"done &gt;= total"))
    people = tuple(f"p{n}" for n in range(200))
    state = bpmn.start(process, {"people": people})
    order = list(people)
    random.Random(7).shuffle(order)  # noqa: S311 - dice, no secret
    for person in order:
        assert f"says.{person}#1" in names(state)
        state = bpmn.complete(state, f"says.{person}#1", {})
    with pytest.raises(bpmn.BadFact):
        bpmn.start(process, {"people": (*people, "one_more")})

    assert names(state) == ["concludes#1"]
