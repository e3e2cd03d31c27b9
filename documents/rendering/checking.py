"""Data must be plain JSON that fits its kind's schema, in letters that the font can print, before anything is laid out.

A schema bounds every list and every text, so what passes here cannot make the layout long.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import jsonschema

from documents.errors import BadData, Misfit
from documents.rendering.errors import LetterNotInFont
from documents.rendering.fitting import Fits, quick_check
from documents.rendering.fonts import printable

MOST_BYTES = 4_000_000  # a volume of 70 pupils and 20 subjects has 0.2 MB
MOST_MISFITS = 200  # a stranger's file must not make a report without end
SHOWN = 60  # letters of a wrong value that are repeated to the reader


class DataCheck:
    """The check of one kind's data. Keeps what its schema was turned into."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        jsonschema.Draft202012Validator.check_schema(schema)
        inlined = _inlined(schema, schema.get("$defs", {}))
        self.reasons = jsonschema.Draft202012Validator(inlined)
        self.quick: Fits | None = quick_check(inlined)

    def checked(self, data: bytes) -> Mapping[str, Any]:
        """The data of a document, or BadData with every misfit, or LetterNotInFont."""
        document = read_json(data)
        if self.quick is None or not self.quick(document):
            misfits = tuple(self._misfits(document))
            if misfits:
                raise BadData(misfits)
        _check_letters(document)
        return document

    def _misfits(self, document: Any) -> Iterator[Misfit]:
        """Where the data does not fit the schema; at most MOST_MISFITS."""
        for error in islice(self.reasons.iter_errors(document), MOST_MISFITS):
            yield Misfit(
                where=error.json_path[:200],
                found=_short(error.instance),
                expected_vi=f"đúng lược đồ ({error.validator}: {_short(error.validator_value)})",
                expected_en=f"what the schema says ({error.validator}: {_short(error.validator_value)})",
            )


def check_text(where: str, text: str, *, longest: int) -> None:
    """One text that goes into a drawing without a schema: not empty, not too long, printable, NFC."""
    if not 0 < len(text) <= longest:
        raise _misfit(where, _short(text), f"1 đến {longest} ký tự", f"1 to {longest} characters")
    _check_letters({where: text})


def read_json(data: bytes) -> Mapping[str, Any]:
    """Strict JSON: UTF-8, one meaning (no key twice), no numbers but integers, not too much of it."""
    if len(data) > MOST_BYTES:
        raise _misfit("$", f"{len(data)} bytes", f"không quá {MOST_BYTES} byte", f"at most {MOST_BYTES} bytes")
    try:
        document = json.loads(data.decode("utf-8"), object_pairs_hook=_once, parse_float=_no_float, parse_constant=_no_float)
    except RecursionError:
        raise _misfit("$", "…[[[[…", "dữ liệu không lồng sâu như vậy", "data that is not nested so deeply") from None
    except ValueError as error:  # covers JSON and UTF-8
        raise _misfit("$", _short(str(error)), "JSON hợp lệ, UTF-8", "valid JSON in UTF-8") from None
    if not isinstance(document, dict):
        raise _misfit("$", _short(document), "một đối tượng JSON", "a JSON object")
    return document


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two values under one key would let two readers see two documents."""
    found = dict(pairs)
    if len(found) != len(pairs):
        twice = next(key for n, (key, _) in enumerate(pairs) if key in dict(pairs[:n]))
        raise ValueError(f"the key {twice[:SHOWN]!r} stands twice")
    return found


def _no_float(text: str) -> Any:
    raise ValueError(f"the number {text[:SHOWN]} is not an integer; decimals are written as text")


def _misfit(where: str, found: str, vi: str, en: str) -> BadData:
    return BadData((Misfit(where=where, found=found, expected_vi=vi, expected_en=en),))


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _inlined(part: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema without its local references: looking each of them up takes two thirds of the time of a check."""
    if isinstance(part, list):
        return [_inlined(item, definitions) for item in part]
    if not isinstance(part, Mapping):
        return part
    if "$ref" in part:
        return _inlined(definitions[part["$ref"].removeprefix("#/$defs/")], definitions)
    return {key: _inlined(value, definitions) for key, value in part.items() if key != "$defs"}


def _check_letters(document: Mapping[str, Any]) -> None:
    """Every letter of every text can be printed, and none of them hides or turns the others around."""
    wrong: dict[str, str] = {}
    for where, text in _texts(document, "$"):
        for letter in set(text) - printable():
            wrong.setdefault(letter, where)
    if wrong:
        raise LetterNotInFont(tuple((_called(letter), where) for letter, where in wrong.items()))
    for where, text in _texts(document, "$"):
        if not unicodedata.is_normalized("NFC", text):
            raise _misfit(where[:200], _short(text), "chữ dựng sẵn (Unicode NFC)", "composed letters (Unicode NFC)")


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Each text with its place. Keys are not walked: the schema names them, or bounds them to a-z."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, f"{where}.{key}")
    elif isinstance(value, list):
        for n, item in enumerate(value):
            yield from _texts(item, f"{where}[{n}]")


def _called(letter: str) -> str:
    name = unicodedata.name(letter, "")
    shown = f"“{letter}” " if letter.isprintable() else ""
    return f"{shown}U+{ord(letter):04X} {name}".rstrip()
