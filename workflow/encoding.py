"""Events as JSON and back: the form in which they are kept for ever.

    body = canonical(to_json(event))           # bytes: sorted keys, no spaces, UTF-8, NFC
    event = from_json(event.tag, json.loads(body))

One encoder serves all event classes; what it does follows from the types of their fields. It is strict both ways: text
must be NFC and free of NUL (PostgreSQL cannot keep one), times must have a zone, unknown or missing fields are refused.
A missing field that has a default is filled with it: so old bodies stay readable when a class grows.
"""

import json
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from types import UnionType
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

from workflow.errors import WorkflowError
from workflow.events import Event, Fact

Json = dict[str, Any]

EVENT_CLASSES: Mapping[str, type[Event]] = {kind.tag: kind for kind in get_args(Event)}

# 2**63 - 1: what every reader of JSON and every database column can hold.
LARGEST_NUMBER = 2**63 - 1


class BadEvent(WorkflowError):
    """An event cannot be written down, or what was written down is no event."""


def to_json(event: Event) -> Json:
    """The fields of an event as JSON values; the tag stands beside it, not in it. BadEvent names the field."""
    body: Json = _record(type(event)).encode(event, type(event).tag)
    return body


def from_json(tag: str, body: object) -> Event:
    """The event with this tag. BadEvent for an unknown tag, a missing, unknown or wrong field."""
    kind = EVENT_CLASSES.get(tag)
    if kind is None:
        _refuse(tag, "an event of a known kind", tag)
    event: Event = _record(kind).decode(body, tag)
    return event


def canonical(value: object) -> bytes:
    """JSON with one spelling: keys sorted, no spaces, no escapes beyond the needed, UTF-8. No floats are ever passed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def instant_text(at: datetime, where: str = "time") -> str:
    """`2027-01-12T01:02:03.000004Z`: UTC, always 27 characters, so that text sorts like time. BadEvent if without zone."""
    if at.tzinfo is None:
        _refuse(where, "a time with a zone", at.isoformat())
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def instant_from(text: object, where: str = "time") -> datetime:
    """The other way round. Only exactly what `instant_text` writes is read."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        _refuse(where, "a time in UTC", text)
    if at.tzinfo is None or instant_text(at) != text:
        _refuse(where, "a time in UTC with microseconds and Z", text)
    return at


def _refuse(where: str, expected: str, found: object) -> NoReturn:
    raise BadEvent(
        f"Sự kiện không ghi được hoặc không đọc được: {where}: cần {expected}, gặp {found!r:.80}"
        f" / An event cannot be written or read: {where}: expected {expected}, found {found!r:.80}"
    )


@dataclass(frozen=True, slots=True)
class _Codec:
    """How values of one type are written and read. Both take the value and where it stands, for the message."""

    encode: Callable[[Any, str], Any]
    decode: Callable[[Any, str], Any]


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        _refuse(where, "text", value)
    if value.isascii() and "\0" not in value:
        return value
    if "\0" in value or not unicodedata.is_normalized("NFC", value):
        _refuse(where, "text in NFC without NUL", value)
    try:
        value.encode()
    except UnicodeEncodeError:
        _refuse(where, "text that is Unicode", value)
    return str(value)


def _number(value: object, where: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST_NUMBER:
        _refuse(where, "a whole number", value)
    return value


def _truth(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        _refuse(where, "true or false", value)
    return value


def _fact_to(value: object, where: str) -> object:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _number(value, where)
    if isinstance(value, tuple):
        return [_text(word, where) for word in value]
    return _text(value, where)


def _fact_from(value: object, where: str) -> Fact:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return _number(value, where)
    if isinstance(value, list):
        return tuple(_text(word, where) for word in value)
    return _text(value, where)


def _instant_to(value: object, where: str) -> str:
    if not isinstance(value, datetime):
        _refuse(where, "a time", value)
    return instant_text(value, where)


_PLAIN: Mapping[Any, _Codec] = {
    str: _Codec(_text, _text),
    int: _Codec(_number, _number),
    bool: _Codec(_truth, _truth),
    datetime: _Codec(_instant_to, instant_from),
    Fact: _Codec(_fact_to, _fact_from),
}


def _codec(kind: Any) -> _Codec:
    """From a type to how it is written. An unforeseen type is a mistake in `events.py`, found at the first use."""
    if kind in _PLAIN:
        return _PLAIN[kind]
    if hasattr(kind, "__supertype__"):  # a NewType
        return _codec(kind.__supertype__)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _choice(kind)
    if is_dataclass(kind):
        return _record(kind)
    return _composed(kind)


def _composed(kind: Any) -> _Codec:
    """What is made of other types: unions, tuples, mappings."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin in {Union, UnionType}:
        rest = {getattr(part, "__supertype__", part) for part in parts} - {type(None)}
        if len(rest) == 1:  # `X | None`, or two NewTypes of one type
            inner = _codec(next(iter(rest)))
            return _optional(inner) if type(None) in parts else inner
    if origin is tuple and parts[1:] == (...,):
        return _row(_codec(parts[0]))
    if origin is Mapping and parts[0] is str:
        return _mapping(_codec(parts[1]))
    raise TypeError(f"{kind} has no written form")


def _choice(kind: type[StrEnum]) -> _Codec:
    def encode(value: object, where: str) -> str:
        if not isinstance(value, kind):
            _refuse(where, f"one of {kind.__name__}", value)
        return str(value)

    def decode(value: object, where: str) -> StrEnum:
        try:
            return kind(_text(value, where))
        except ValueError:
            _refuse(where, f"one of {kind.__name__}", value)

    return _Codec(encode, decode)


def _optional(inner: _Codec) -> _Codec:
    return _Codec(
        lambda value, where: None if value is None else inner.encode(value, where),
        lambda value, where: None if value is None else inner.decode(value, where),
    )


def _row(inner: _Codec) -> _Codec:
    def encode(value: object, where: str) -> list[Any]:
        if not isinstance(value, tuple):
            _refuse(where, "a tuple", value)
        return [inner.encode(one, f"{where}[{place}]") for place, one in enumerate(value)]

    def decode(value: object, where: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            _refuse(where, "a list", value)
        return tuple(inner.decode(one, f"{where}[{place}]") for place, one in enumerate(value))

    return _Codec(encode, decode)


def _mapping(inner: _Codec) -> _Codec:
    def encode(value: object, where: str) -> Json:
        if not isinstance(value, Mapping):
            _refuse(where, "a mapping", value)
        return {_text(key, where): inner.encode(one, f"{where}.{key}") for key, one in value.items()}

    def decode(value: object, where: str) -> Json:
        if not isinstance(value, dict):
            _refuse(where, "an object", value)
        return {_text(key, where): inner.decode(one, f"{where}.{key}") for key, one in value.items()}

    return _Codec(encode, decode)


def _record(kind: Any) -> _Codec:
    return _fields_of(kind)


@cache
def _fields_of(kind: Any) -> _Codec:
    """A dataclass: all its fields, none else. Kept, because type hints are slow to read."""
    hints = get_type_hints(kind)
    codecs = {field.name: _codec(hints[field.name]) for field in fields(kind)}
    needed = {field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING}

    def encode(value: object, where: str) -> Json:
        if type(value) is not kind:
            _refuse(where, kind.__name__, value)
        return {name: codec.encode(getattr(value, name), f"{where}.{name}") for name, codec in codecs.items()}

    def decode(value: object, where: str) -> Any:
        if not isinstance(value, dict):
            _refuse(where, "an object", value)
        if missing := needed - value.keys():
            _refuse(where, f"the fields {', '.join(sorted(missing))}", sorted(value))
        if strange := value.keys() - codecs.keys():
            _refuse(where, "no other fields", sorted(map(str, strange)))
        return kind(**{name: codecs[name].decode(one, f"{where}.{name}") for name, one in value.items()})

    return _Codec(encode, decode)
