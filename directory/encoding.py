"""A directory as canonical JSON and back. Strict: whatever does not fit is BadDirectory."""

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from directory.book import DirectoryBook
from directory.errors import BadDirectory
from directory.values import Appointment, Capacity, Credential, Delegation, Person, PersonId, Role, Unit, UnitId


def encode(book: DirectoryBook) -> bytes:
    """Sorted keys, no spaces, UTF-8: the same book gives the same bytes."""
    return json.dumps(asdict(book), default=_plain, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def decode(content: bytes) -> DirectoryBook:
    """BadDirectory if the bytes are not what `encode` writes."""
    try:
        data = json.loads(content)
        return DirectoryBook(
            unit=Unit(**data["unit"]),
            people=tuple(Person(**person) for person in data["people"]),
            appointments=tuple(_appointment(post) for post in data["appointments"]),
            delegations=tuple(_delegation(lent) for lent in data["delegations"]),
            credentials=tuple(_credential(key) for key in data["credentials"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as problem:
        raise BadDirectory(f"danh bạ không đọc được / the directory cannot be read: {problem}") from problem


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(value)


def _appointment(post: dict[str, Any]) -> Appointment:
    return Appointment(
        person=PersonId(post["person"]),
        unit=UnitId(post["unit"]),
        role=Role(post["role"]),
        scope=post["scope"],
        since=date.fromisoformat(post["since"]),
        until=_day(post["until"]),
    )


def _delegation(lent: dict[str, Any]) -> Delegation:
    return Delegation(
        giver=PersonId(lent["giver"]),
        receiver=PersonId(lent["receiver"]),
        unit=UnitId(lent["unit"]),
        role=Role(lent["role"]),
        capacity=Capacity(lent["capacity"]),
        kinds=tuple(lent["kinds"]),
        since=date.fromisoformat(lent["since"]),
        until=date.fromisoformat(lent["until"]),
        document=lent["document"],
    )


def _credential(key: dict[str, Any]) -> Credential:
    return Credential(
        holder=key["holder"],
        certificate=key["certificate"],
        key=key["key"],
        not_before=datetime.fromisoformat(key["not_before"]),
        not_after=datetime.fromisoformat(key["not_after"]),
    )


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
