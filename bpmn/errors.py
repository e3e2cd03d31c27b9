"""What a diagram or a step is refused for. Each docstring is the sentence a person reads.

Every class carries a stable `code`; `str()` is the Vietnamese sentence, " / ", the English one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class BpmnError(Exception):
    """Something about a process could not be done."""

    code: ClassVar[str] = "BPMN_ERROR"

    def __init__(self, vi: str, en: str) -> None:
        super().__init__(f"{vi} / {en}")
        self.vi = vi
        self.en = en


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong in a diagram, and where."""

    element: str  # the element's id, or "line 12" where it has none
    code: str  # "NO_LANE"; `bpmn.faults` has them all
    vi: str
    en: str


class BadDiagram(BpmnError):
    """The diagram cannot be run truthfully. It names every faulty element."""

    code = "BAD_DIAGRAM"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "Sơ đồ không dùng được: " + "; ".join(f"{f.element}: {f.vi}" for f in self.faults),
            "The diagram cannot be used: " + "; ".join(f"{f.element}: {f.en}" for f in self.faults),
        )


class BadCondition(BpmnError):
    """The condition is not written in our small language."""

    code = "BAD_CONDITION"


class BadProperty(BpmnError):
    """A property of a step is not written as the profile says."""

    code = "BAD_PROPERTY"


class NotWaiting(BpmnError):
    """This step does not wait: it was done, was withdrawn, or has not been reached."""

    code = "NOT_WAITING"


class BadFact(BpmnError):
    """The facts given with a step are not exactly those that the step declares."""

    code = "BAD_FACT"


class Stuck(BpmnError):
    """The case can go no further. Nothing was changed; the diagram or the engine is at fault."""

    code = "STUCK"


class StaleSnapshot(BpmnError):
    """The snapshot was made by another diagram, engine or compaction. It is a cache: replay the events instead."""

    code = "STALE_SNAPSHOT"
