"""Which blobs the events name. A certificate's digest is no blob: certificates stand in the signatures."""

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, select

from directory import BadDirectory, decode
from storage.tables import directory_version, event
from workflow.encoding import BadEvent, from_json
from workflow.events import (
    CaseOpened,
    DataCorrected,
    Digest,
    DocumentExtended,
    DocumentRendered,
    DocumentSigned,
    Event,
    Published,
    SigningIntended,
)


def blobs_of(happened: Event) -> tuple[Digest, ...]:
    """The bytes that an event needs to be understood."""
    match happened:
        case CaseOpened():
            return (*happened.pins.values(), happened.data)
        case DocumentRendered():
            return happened.revision, happened.data
        case DocumentSigned() | DocumentExtended() | DataCorrected():
            return happened.before, happened.after
        case SigningIntended() | Published():
            return (happened.revision,)
        case _:
            return ()


def named_blobs(connection: Connection) -> set[Digest]:
    """All blobs that any event or directory names. Unreadable bodies are passed over: the audit names them."""
    of_events = {digest for happened in _events(connection) for digest in blobs_of(happened)}
    return of_events | set(_pictures(connection))


def _pictures(connection: Connection) -> Iterator[Digest]:
    """The hand signatures of people, in every version of every directory."""
    for body in connection.execute(select(directory_version.c.body)).scalars():
        if not isinstance(body, bytes | memoryview):
            continue  # a number in this column would be taken for a length
        try:
            people = decode(bytes(body)).people
        except BadDirectory:
            continue
        yield from (Digest(person.picture) for person in people if person.picture)


def _events(connection: Connection) -> Iterator[Event]:
    rows: Any = connection.execute(select(event.c.tag, event.c.body).execution_options(yield_per=1_000))
    for tag, body in rows:
        try:
            yield from_json(tag, json.loads(body))
        except (ValueError, TypeError, RecursionError, BadEvent):
            continue
