"""A case as a value: what waits, and what comes after one step is done.

    state = start(process, {"sheets": ("toan", "ngu_van")})
    [step.name for step in waiting(state)]           # ["render_sheets#1", "withdraw#1"]
    state = complete(state, "render_sheets#1", {})   # the old value still answers

A `State` never changes. The engine object behind it is a cache that moves on to the next value; using the old value again
rebuilds one from its snapshot or from the beginning. Whatever the engine raises, the old value is unharmed.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import cast

from bpmn.engine import Engine, Step
from bpmn.errors import BadFact, BpmnError, NotWaiting, Stuck
from bpmn.process import Process
from bpmn.properties import Fact
from bpmn.snapshots import from_bytes, to_bytes

Done = tuple[str, Mapping[str, Fact]]  # a step's name, and the facts it was completed with


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """Where a case stands."""

    process: Process
    facts: Mapping[str, Fact]  # it started with
    steps: tuple[Step, ...]  # what waits
    ending: str | None  # the end event at which it ended
    visits: Mapping[str, int]  # "id.key" -> how often it has waited
    # What an engine is rebuilt from; nobody else's business.
    origin: bytes | None = field(repr=False)  # a snapshot, or None: from the beginning
    since: tuple[Done, ...] = field(repr=False)  # what was done after it
    compacted: bool = field(repr=False)
    kept: list[Engine] = field(repr=False)  # one engine that stands here, or none


def start(process: Process, facts: Mapping[str, Fact], *, compacted: bool = True) -> State:
    """Begin a case with exactly the facts that the start event declares. BadFact if they are others.

    `compacted=False` keeps the engine's whole history: for the tests that walk both side by side.
    """
    given = _tuples(facts)
    process.start.check(given)
    engine = Engine(process, compacted=compacted)
    with _only_our_errors():
        engine.start(given)
    return _state(engine, MappingProxyType(given), None, ())


def waiting(state: State) -> tuple[Step, ...]:
    """The steps that wait, ordered by id, key and visit. Empty when the case has ended."""
    return state.steps


def complete(state: State, step_name: str, facts: Mapping[str, Fact]) -> State:
    """The case after a step was done, with exactly the facts that the step declares.

    NotWaiting: the step does not wait here. BadFact: other facts, or of another kind. Stuck: the engine cannot go on; nothing
    has changed.
    """
    step = next((step for step in state.steps if step.name == step_name), None)
    if step is None:
        raise NotWaiting(f"Bước {step_name!r} không còn chờ", f"The step {step_name!r} does not wait")
    given = _tuples(facts)
    state.process.steps[step.id].form.check(given)
    _check_names(given, state.facts)
    engine = _engine(state)
    with _only_our_errors():
        engine.complete(step_name, given)
    return _state(engine, state.facts, state.origin, (*state.since, (step_name, MappingProxyType(given))))


def done(state: State) -> bool:
    """Whether the case has ended; `state.ending` says where."""
    return state.ending is not None


def snapshot(state: State) -> bytes:
    """The case as bytes: a cache that `restore` understands as long as diagram, engine and compaction stay the same."""
    engine = _engine(state)
    content = to_bytes(engine, state.facts)
    state.kept.append(engine)
    return content


def restore(process: Process, content: bytes, events_after: Iterable[Done] = ()) -> State:
    """The case of a snapshot, moved on by what was done after it. StaleSnapshot: replay all events instead."""
    engine, facts = from_bytes(process, content)
    return _moved_on(_state(engine, MappingProxyType(facts), content, ()), events_after)


def replay(process: Process, facts: Mapping[str, Fact], events: Iterable[Done]) -> State:
    """The case from its beginning: the same facts and events always give the same state and the same names of steps."""
    return _moved_on(start(process, facts), events)


def _moved_on(state: State, events: Iterable[Done]) -> State:
    for step_name, facts in events:
        state = complete(state, step_name, facts)
    return state


def _state(engine: Engine, facts: Mapping[str, Fact], origin: bytes | None, since: Sequence[Done]) -> State:
    return State(
        process=engine.process,
        facts=facts,
        steps=engine.steps(),
        ending=engine.ending,
        visits=MappingProxyType(dict(engine.visits)),
        origin=origin,
        since=tuple(since),
        compacted=engine.compacted,
        kept=[engine],
    )


def _engine(state: State) -> Engine:
    """The engine that stands at this value, taken out of it; rebuilt if it has moved on."""
    with suppress(IndexError):
        return state.kept.pop()
    if state.origin is not None:
        engine, _ = from_bytes(state.process, state.origin)
    else:
        engine = Engine(state.process, compacted=state.compacted)
        engine.start(state.facts)
    for step_name, facts in state.since:
        engine.complete(step_name, facts)
    return engine


def _check_names(given: Mapping[str, Fact], started_with: Mapping[str, Fact]) -> None:
    """A name that the case did not start with would open a step that belongs to nobody."""
    for fact, names in given.items():
        known = started_with.get(fact)
        if isinstance(names, tuple) and isinstance(known, tuple) and not set(names) <= set(known):
            strange = ", ".join(sorted(set(names) - set(known)))
            raise BadFact(f"{fact}: hồ sơ không có {strange}", f"{fact}: the case has no {strange}")


def _tuples(facts: Mapping[str, object]) -> dict[str, Fact]:
    """JSON knows no tuples. What each fact really is, the step's declaration checks."""
    return {name: cast("Fact", tuple(value) if isinstance(value, list) else value) for name, value in facts.items()}


class _only_our_errors:  # noqa: N801 - reads as a statement
    """Whatever the engine raises comes out as Stuck; the engine object is not used again."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, Exception) and not isinstance(error, Stuck | NotWaiting):
            what = error.en if isinstance(error, BpmnError) else repr(error)[:200]
            raise Stuck(f"Quy trình không đi tiếp được: {what}", f"The process cannot go on: {what}") from error
