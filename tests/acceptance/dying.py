"""Sign one sheet in a process that kills itself, hard, at one named point of the order of effects.

    python tests/acceptance/dying.py OFFICE PERSON POINT

The points are wrapped around the real store, key and timestamper from outside: the product has no hook for it.
"""

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import signing
from api.demo.story import open_key
from api.settings import Settings
from api.wiring import open_office
from directory import PersonId
from workflow.events import DocumentSigned, SigningIntended
from workflow.office import Office

POINTS = (
    "before_intent",
    "after_intent",
    "before_key",
    "after_key",
    "before_put",
    "after_put",
    "before_result",
    "after_result",
)


def die() -> None:
    """As a power failure does: no handler, no exit hook, no flush."""
    os.kill(os.getpid(), signal.SIGKILL)


class DyingStore:
    """Passes everything on to the real store; dies before or after the effect that the point names."""

    def __init__(self, kept: Any, point: str) -> None:
        self._kept = kept
        self._point = point

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kept, name)

    def append(self, case: Any, expected: int, events: Any, **rest: Any) -> int:
        """Dies around the intent or around the result."""
        name = "intent" if any(isinstance(e, SigningIntended) for e in events) else ""
        name = "result" if any(isinstance(e, DocumentSigned) for e in events) else name
        return int(self._around(name, lambda: self._kept.append(case, expected, events, **rest)))

    def put(self, content: bytes) -> Any:
        """Dies around keeping the signed revision."""
        return self._around("put", lambda: self._kept.put(content))

    def _around(self, name: str, effect: Callable[[], Any]) -> Any:
        if name and self._point == f"before_{name}":
            die()
        done = effect()
        if name and self._point == f"after_{name}":
            die()
        return done


class DyingKey:
    """The real key; dies before or after it signs."""

    def __init__(self, key: signing.Signer, point: str) -> None:
        self._key = key
        self._point = point
        self.certificate = key.certificate
        self.chain = key.chain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)

    def sign(self, data: bytes, digest: str) -> bytes:
        """Dies around the raw signature."""
        if self._point == "before_key":
            die()
        signature = self._key.sign(data, digest)
        if self._point == "after_key":
            die()
        return signature


def main(folder: str, person: str, point: str) -> None:
    """Sign the first sheet in this person's inbox, and die on the way."""
    with open_office(Settings(folder=Path(folder), demo=True)) as wired:
        task = wired.office.inbox(PersonId(person))[0]
        office = Office(replace(wired.office.desk, store=DyingStore(wired.store, point)))
        with open_key(wired, PersonId(person), task.step) as key:
            office.sign(PersonId(person), task.case, task.name, DyingKey(key, point))


if __name__ == "__main__":
    main(*sys.argv[1:])
