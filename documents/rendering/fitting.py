"""A quick yes: does a value fit a JSON Schema? jsonschema itself is asked only when the answer is no, for the reasons.

jsonschema interprets a schema anew for every value, which takes as long as laying out the page. Here the schema is
turned into functions once. Only the words that our kinds use are known; with any other, there is no quick answer.
`tests/documents/rendering/test_fitting.py` holds the two against each other.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

Fits = Callable[[Any], bool]

SILENT = {"$schema", "$defs", "$id", "title", "description", "examples", "then"}  # say nothing alone

TYPES: Mapping[str, Fits] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


class UnknownWord(Exception):
    """The schema uses a word that is not known here."""


def quick_check(schema: Mapping[str, Any]) -> Fits | None:
    """A function that is true for exactly what fits the schema (without $ref); None if the schema says more than we know."""
    try:
        return _fits(schema)
    except UnknownWord:
        return None


def _fits(schema: Mapping[str, Any]) -> Fits:
    """Every word of the schema must hold."""
    checks = [_word(word, schema) for word in schema if word not in SILENT]
    if len(checks) == 1:
        return checks[0]
    return lambda value: all(check(value) for check in checks)


def _word(word: str, schema: Mapping[str, Any]) -> Fits:
    said = schema[word]
    if word in _BOUNDS:
        kind, size, holds = _BOUNDS[word]
        return lambda value: not kind(value) or holds(size(value), said)
    if word not in _WORDS:
        raise UnknownWord(word)
    return _WORDS[word](said, schema)


def _type(said: Any, _: Mapping[str, Any]) -> Fits:
    names = [said] if isinstance(said, str) else said
    if not set(names) <= set(TYPES):
        raise UnknownWord(str(said))
    kinds = [TYPES[name] for name in names]
    return kinds[0] if len(kinds) == 1 else lambda value: any(kind(value) for kind in kinds)


def _one_of(said: Any, _: Mapping[str, Any]) -> Fits:
    """Scalars only; True is not 1 in JSON."""
    if not all(value is None or isinstance(value, str | bool | int) for value in said):
        raise UnknownWord(str(said))
    allowed = {(type(value), value) for value in said}
    return lambda value: not isinstance(value, dict | list) and (type(value), value) in allowed


def _pattern(said: Any, _: Mapping[str, Any]) -> Fits:
    found = re.compile(said).search
    return lambda value: not isinstance(value, str) or found(value) is not None


def _properties(said: Any, schema: Mapping[str, Any]) -> Fits:
    """`properties` and `additionalProperties` are one walk over the keys."""
    known = {key: _fits(part) for key, part in said.items()}
    rest = _rest(schema.get("additionalProperties", True))

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return True
        return all(known[key](item) if key in known else rest(item) for key, item in value.items())

    return fits


def _additional(said: Any, schema: Mapping[str, Any]) -> Fits:
    if "properties" in schema:
        return lambda _: True  # walked there
    rest = _rest(said)
    return lambda value: not isinstance(value, dict) or all(map(rest, value.values()))


def _rest(said: Any) -> Fits:
    return (lambda _: said) if isinstance(said, bool) else _fits(said)


def _required(said: Any, _: Mapping[str, Any]) -> Fits:
    keys = frozenset(said)
    return lambda value: not isinstance(value, dict) or keys <= value.keys()


def _items(said: Any, _: Mapping[str, Any]) -> Fits:
    fits = _fits(said)
    return lambda value: not isinstance(value, list) or all(map(fits, value))


def _names(said: Any, _: Mapping[str, Any]) -> Fits:
    fits = _fits(said)
    return lambda value: not isinstance(value, dict) or all(map(fits, value))


def _condition(said: Any, schema: Mapping[str, Any]) -> Fits:
    if "else" in schema:
        raise UnknownWord("else")
    when, then = _fits(said), _fits(schema.get("then", {}))
    return lambda value: not when(value) or then(value)


_WORDS: Mapping[str, Callable[[Any, Mapping[str, Any]], Fits]] = {
    "type": _type,
    "const": lambda said, schema: _one_of([said], schema),
    "enum": _one_of,
    "pattern": _pattern,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "propertyNames": _names,
    "if": _condition,
}

# word -> which values it speaks of, what of them it counts, what must hold
_BOUNDS: Mapping[str, tuple[Fits, Callable[[Any], int], Callable[[int, int], bool]]] = {
    "minLength": (TYPES["string"], len, int.__ge__),
    "maxLength": (TYPES["string"], len, int.__le__),
    "minItems": (TYPES["array"], len, int.__ge__),
    "maxItems": (TYPES["array"], len, int.__le__),
    "minProperties": (TYPES["object"], len, int.__ge__),
    "maxProperties": (TYPES["object"], len, int.__le__),
    "minimum": (TYPES["integer"], int, int.__ge__),
    "maximum": (TYPES["integer"], int, int.__le__),
}
