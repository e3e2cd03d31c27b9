"""What happened in a case, in sentences: who, when, what; and where each leaf stands in the log."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import singledispatch

from api.texts import moment
from api.web.inbox import short_title
from api.web.visits import Visit
from workflow import events
from workflow.events import DocumentId
from workflow.store import Recorded
from workflow.views import CaseView

Say = Callable[..., str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A line of the trail."""

    seq: int
    at: datetime
    who: str
    what: str
    why: str  # the reason that was given, or empty
    sign: str  # which mark stands beside it: "signed", "back", "system", "failed", "step"
    revision: str  # a digest that this step brought about, or empty
    leaf: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What a sentence may be made of."""

    visit: Visit
    view: CaseView

    def say(self, name: str, **values: object) -> str:
        """A sentence of the section [trail]."""
        return self.visit.say(f"trail.{name}", **values)

    def step(self, task: str) -> str:
        """The name of the step that a task belongs to: "id.key#visit" -> its name in the diagram, with the sheet."""
        plain = task.partition("#")[0]
        step, _, key = plain.partition(".")
        name = self.view.titles.get(step, step)
        sheet = self.sheet(key) if key else ""
        return f"{name} – {sheet}" if sheet else name

    def document(self, document: str) -> str:
        """A document's title."""
        return document_title(self.visit, self.view, document)

    def sheet(self, key: str) -> str:
        """A subject's title, from its sheet; the key of one that was not made yet."""
        title = next((d.title for d in self.view.documents if d.key == key), key)
        return short_title(title, self.view.case.title)

    def sheets(self, facts: Mapping[str, events.Fact]) -> str:
        """The titles of the sheets that a decision names."""
        keys = facts.get("sheets", ())
        named = keys if isinstance(keys, tuple) else ()
        return ", ".join(self.sheet(key) for key in named)

    def capacity(self, capacity: str, ground: str) -> str:
        """In brackets, with the number of the delegation: (KT., 12/GUQ-THCS). Nothing in one's own office."""
        return f" ({', '.join(part for part in (capacity, ground) if part)})" if capacity else ""


def document_title(visit: Visit, view: CaseView, document: str) -> str:
    """A sheet by its subject; the volume by how many times it was bound."""
    volumes = [d.id for d in view.documents if d.key is None]
    if document in volumes:
        return visit.say("trail.volume", number=volumes.index(DocumentId(document)) + 1)
    title = next((d.title for d in view.documents if d.id == document), document)
    return short_title(title, view.case.title)


def entries(visit: Visit, view: CaseView) -> tuple[Entry, ...]:
    """The whole trail, newest first. What only says which steps opened is told by the steps themselves."""
    words = Words(visit=visit, view=view)
    told = [entry(words, recorded) for recorded in view.trail if not isinstance(recorded.event, events.TasksChanged)]
    return tuple(reversed(told))


def entry(words: Words, recorded: Recorded) -> Entry:
    """One event as a line."""
    event = recorded.event
    return Entry(
        seq=recorded.seq,
        at=recorded.at,
        who=words.visit.name_of(recorded.actor),
        what=sentence(event, words),
        why=getattr(event, "reason", ""),
        sign=_mark(event, recorded),
        revision=str(getattr(event, "after", "") or getattr(event, "revision", ""))
        if isinstance(event, events.DocumentSigned | events.DocumentExtended | events.DocumentRendered)
        else "",
        leaf=recorded.leaf,
    )


def _mark(event: events.Event, recorded: Recorded) -> str:
    if isinstance(event, events.DocumentSigned):
        return "sealed" if event.seal else "signed"
    if isinstance(event, events.SigningFailed | events.Escalated):
        return "failed"
    if isinstance(event, events.DocumentSuperseded) or _outcome(event) in {"send_back", "rebind", "stop"}:
        return "back"
    return "system" if recorded.actor is None else "step"


def _outcome(event: events.Event) -> str:
    return str(event.facts.get("outcome", "")) if isinstance(event, events.StepCompleted) else ""


@singledispatch
def sentence(event: object, words: Words) -> str:
    """What an event says to a person. Each kind of event has its sentence; a test asks for all of them."""
    raise TypeError(f"no sentence for {type(event).__name__} in {words.visit.language}")


@sentence.register
def _(event: events.CaseOpened, words: Words) -> str:
    return words.say("opened", title=event.title)


@sentence.register
def _(event: events.StepCompleted, words: Words) -> str:
    outcome = _outcome(event)
    name = f"done_{outcome}" if outcome in {"approved", "send_back", "rebind", "go_on", "stop"} else "done"
    return words.say(
        name,
        step=words.step(event.task),
        sheets=words.sheets(event.facts),
        capacity=words.capacity(event.capacity.value, event.ground),
    )


@sentence.register
def _(event: events.TasksChanged, words: Words) -> str:
    return words.say("tasks", steps=", ".join(words.step(task.name) for task in event.opened))


@sentence.register
def _(event: events.DocumentRendered, words: Words) -> str:
    return words.say("rendered", document=words.document(event.document))


@sentence.register
def _(event: events.DocumentSuperseded, words: Words) -> str:
    return words.say("superseded", document=words.document(event.document))


@sentence.register
def _(event: events.SigningIntended, words: Words) -> str:
    return words.say("intended", document=words.document(event.document), certificate=event.certificate[:16])


@sentence.register
def _(event: events.SigningFailed, words: Words) -> str:
    return words.say("failed", document=words.document(event.document), code=event.code)


@sentence.register
def _(event: events.DocumentSigned, words: Words) -> str:
    return words.say(
        "sealed" if event.seal else "signed",
        document=words.document(event.document),
        capacity=words.capacity(event.capacity.value, event.ground),
        level=event.level,
        at=moment(event.best_time),
    )


@sentence.register
def _(event: events.DocumentExtended, words: Words) -> str:
    return words.say("extended", document=words.document(event.document), level=event.level)


@sentence.register
def _(event: events.DataCorrected, words: Words) -> str:
    return words.say("corrected", sheet=words.sheet(event.key))


@sentence.register
def _(event: events.Reminded, words: Words) -> str:
    return words.say("reminded", step=words.step(event.task), due=moment(event.due))


@sentence.register
def _(event: events.Escalated, words: Words) -> str:
    return words.say("escalated", step=words.step(event.task), to=words.visit.say(f"role.{event.to.value}"))


@sentence.register
def _(event: events.Published, words: Words) -> str:
    return words.say("published", document=words.document(event.document), code=event.code)


@sentence.register
def _(event: events.CaseEnded, words: Words) -> str:
    return words.say(f"ended_{event.outcome}" if event.outcome in {"published", "stopped", "withdrawn"} else "ended")
