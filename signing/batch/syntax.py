"""PDF objects read one level deep: a dictionary's values stay the bytes they were (ISO 32000-1, 7.2 and 7.3).

    >>> read_dictionary(b"<< /Type /Catalog /Pages 2 0 R >>", 0)
    ({b'/Type': b'/Catalog', b'/Pages': b'2 0 R'}, 33)

What is rewritten keeps every byte that was not meant to change. The reader is narrow on purpose: comments inside
objects, escaped names, keys said twice and anything it does not know raise `Unusual`, because two readers might
understand them differently.
"""

import re

from signing.batch.unusual import Unusual

Values = dict[bytes, bytes]  # /Key -> the raw bytes of its value

# Deeper nesting than this is an attack, not a document.
DEEPEST = 64

_SPACE = rb"\x00\t\n\f\r "
_REGULAR = rb"[^" + _SPACE + rb"()<>\[\]{}/%]"
# Names are held to printable ASCII: readers differ on what other bytes in them mean (7.3.5).
_NAME_BYTE = rb"[^\x00-\x20\x7f-\xff()<>\[\]{}/%]"
_NO_ESCAPE = re.compile(rb"/" + _NAME_BYTE + rb"*#(?![0-9A-Fa-f]{2})")  # 7.3.5; also in strings, where it harms nobody
_BLANKS = re.compile(rb"[" + _SPACE + rb"]*")
_NAME = re.compile(rb"/" + _NAME_BYTE + rb"*(?!" + _REGULAR + rb")")
_WORD = re.compile(rb"(?:[+-]?(?:\d+\.?\d*|\.\d+)|true|false|null)(?!" + _REGULAR + rb")")
_REFERENCE = re.compile(rb"([1-9]\d{0,9}) (\d{1,5}) R(?!" + _REGULAR + rb")")
_STRING_STOP = re.compile(rb"[()\\]")
_HEX = re.compile(rb"[0-9A-Fa-f" + _SPACE + rb"]*")


def _value_pattern() -> bytes:
    """A value, down to three levels of arrays and dictionaries, in one step of the regular expression engine.

    Every repetition is possessive: nothing is tried twice, so hostile input costs no more than its length.
    What does not fit (deeper nesting, brackets inside strings) is left to the slower functions below.
    """
    blanks, name = rb"[" + _SPACE + rb"]*+", rb"/" + _NAME_BYTE + rb"*+(?!" + _REGULAR + rb")"
    string, hexadecimal = rb"\((?>[^()\\]++|\\.)*+\)", rb"<[0-9A-Fa-f" + _SPACE + rb"]*+>"
    simple = rb"(?>" + rb"|".join((name, _REFERENCE.pattern, _WORD.pattern, string, hexadecimal)) + rb")"
    simple = simple.replace(rb"([1-9]", rb"(?:[1-9]").replace(rb"(\d", rb"(?:\d")
    value = simple
    for _ in range(3):
        array = rb"\[(?>" + blanks + value + rb")*+" + blanks + rb"\]"
        dictionary = rb"<<(?>" + blanks + name + blanks + value + rb")*+" + blanks + rb">>"
        value = rb"(?>" + rb"|".join((simple, array, dictionary)) + rb")"
    return value


_VALUE, _BLANKS_KEPT = _value_pattern(), rb"[" + _SPACE + rb"]*+"
_KEY = rb"/" + _NAME_BYTE + rb"*+(?!" + _REGULAR + rb")"
_PAIR = re.compile(rb"(" + _KEY + rb")" + _BLANKS_KEPT + rb"(" + _VALUE + rb")" + _BLANKS_KEPT, re.DOTALL)
_PAIRS = re.compile(rb"<<" + _BLANKS_KEPT + rb"(?>" + _KEY + _BLANKS_KEPT + _VALUE + _BLANKS_KEPT + rb")*+>>", re.DOTALL)
_ELEMENT = re.compile(_VALUE, re.DOTALL)
_ELEMENTS = re.compile(rb"\[" + _BLANKS_KEPT + rb"(?>" + _VALUE + _BLANKS_KEPT + rb")*+\]", re.DOTALL)
_ARRAY_OF_REFERENCES = re.compile(
    rb"\[(?>["
    + _SPACE
    + rb"]*+\d{1,10}["
    + _SPACE
    + rb"]++\d{1,5}["
    + _SPACE
    + rb"]++R(?!"
    + _REGULAR
    + rb"))*+["
    + _SPACE
    + rb"]*+\]"
)


def skip_blanks(data: bytes, at: int) -> int:
    """The place of the next byte that is no white space."""
    found = _BLANKS.match(data, at)
    return found.end() if found else at


def read_dictionary(data: bytes, at: int) -> tuple[Values, int]:
    """The dictionary that starts at `at`, and where it ends."""
    return _dictionary(data, at, 0)


def read_array(raw: bytes) -> list[bytes]:
    """The elements of an array as raw values."""
    if _ELEMENTS.fullmatch(raw):
        return _ELEMENT.findall(raw, 1, len(raw) - 1)
    elements, end = _array(raw, 0, 0)
    if raw[end:].strip():
        raise Unusual("something after an array")
    return elements


def dictionary_of(raw: bytes) -> Values:
    """The dictionary that these bytes are."""
    values, end = _dictionary(raw, 0, 0)
    if raw[end:].strip():
        raise Unusual("something after a dictionary")
    return values


def write_dictionary(values: Values) -> bytes:
    """The dictionary's bytes: keys and raw values in their order."""
    return b"<<" + b"".join(b"\n%b %b" % item for item in values.items()) + b"\n>>"


def reference(raw: bytes) -> int | None:
    """The object number when the raw value is a reference to generation 0; None when it is something else."""
    found = _REFERENCE.fullmatch(raw)
    if not found:
        return None
    if int(found[2]):
        raise Unusual("a generation other than 0")
    return int(found[1])


def whole_number(raw: bytes | None, default: int | None = None) -> int:
    """A non-negative integer."""
    if raw is None and default is not None:
        return default
    if raw is None or not raw.isdigit() or len(raw) > 10:  # noqa: PLR2004 - larger than any file
        raise Unusual(f"{raw!r} where a number was expected")
    return int(raw)


def number(raw: bytes) -> float:
    """An integer or a real."""
    try:
        return float(raw)
    except ValueError:
        raise Unusual(f"{raw!r} where a number was expected") from None


def text(raw: bytes) -> str:
    """A text string (7.9.2.2): UTF-16 or UTF-8 with their marks, otherwise one byte a letter."""
    value = string_bytes(raw)
    if value.startswith(b"\xfe\xff"):
        return value[2:].decode("utf-16-be", "replace")
    if value.startswith(b"\xef\xbb\xbf"):
        return value[3:].decode("utf-8", "replace")
    return value.decode("latin-1")


def string_bytes(raw: bytes) -> bytes:
    """What a literal or hexadecimal string stands for."""
    if raw.startswith(b"<") and raw.endswith(b">"):
        digits = raw[1:-1].translate(None, b"\x00\t\n\f\r ")
        try:
            return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
        except ValueError:
            raise Unusual("a damaged hexadecimal string") from None
    if not (raw.startswith(b"(") and raw.endswith(b")")):
        raise Unusual(f"{raw[:20]!r} where a string was expected")
    if b"\\" not in raw and b"\r" not in raw:
        return raw[1:-1]
    return _ESCAPE.sub(_unescape, raw[1:-1].replace(b"\r\n", b"\n").replace(b"\r", b"\n"))


_ESCAPE = re.compile(rb"\\([0-7]{1,3}|\n|.)", re.DOTALL)
_PLAIN_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b""}


def _unescape(found: re.Match[bytes]) -> bytes:
    what = found[1]
    if what[:1].isdigit():
        return bytes((int(what, 8) & 0xFF,)) if what[:1] < b"8" else what
    return _PLAIN_ESCAPES.get(what, what)


def write_text(value: str) -> bytes:
    """A text string: a literal where it is plain ASCII, otherwise UTF-16 in hexadecimal, which nothing can break."""
    if value.isascii() and value.isprintable():
        return b"(" + re.sub(rb"([()\\])", rb"\\\1", value.encode("ascii")) + b")"
    return b"<FEFF" + value.encode("utf-16-be").hex().upper().encode("ascii") + b">"


def _dictionary(data: bytes, at: int, depth: int) -> tuple[Values, int]:
    if data[at : at + 2] != b"<<":
        raise Unusual("no dictionary where one was expected")
    if depth > DEEPEST:
        raise Unusual("nested too deep")
    if whole := _PAIRS.match(data, at):
        pairs = _PAIR.findall(data, at + 2, whole.end() - 2)
        values: Values = dict(pairs)
        if len(values) != len(pairs) or b"#" in b"".join(values):
            raise Unusual("a key of a dictionary is escaped or said twice")
        if data.find(b"#", at, whole.end()) >= 0 and _NO_ESCAPE.search(data, at, whole.end()):
            raise Unusual("a name with an escape that is none")
        return values, whole.end()
    return _slow_dictionary(data, at, depth)


def _slow_dictionary(data: bytes, at: int, depth: int) -> tuple[Values, int]:
    values: Values = {}
    at = skip_blanks(data, at + 2)
    while not data.startswith(b">>", at):
        if pair := _PAIR.match(data, at):
            key, raw = pair.groups()
            at = pair.end()
        else:
            key, raw, at = _slow_pair(data, at, depth)
        if key in values or b"#" in key:
            raise Unusual("a key of a dictionary is escaped or said twice")
        values[key] = raw
    return values, at + 2


def _slow_pair(data: bytes, at: int, depth: int) -> tuple[bytes, bytes, int]:
    key = _NAME.match(data, at)
    if not key:
        raise Unusual("a key of a dictionary is missing")
    start = skip_blanks(data, key.end())
    end = value_end(data, start, depth + 1)
    return key[0], data[start:end], skip_blanks(data, end)


def _array(data: bytes, at: int, depth: int) -> tuple[list[bytes], int]:
    if data[at : at + 1] != b"[":
        raise Unusual("no array where one was expected")
    if depth > DEEPEST:
        raise Unusual("nested too deep")
    elements = []
    at = skip_blanks(data, at + 1)
    while data[at : at + 1] != b"]":
        end = value_end(data, at, depth + 1)
        elements.append(data[at:end])
        at = skip_blanks(data, end)
    return elements, at + 1


def value_end(data: bytes, at: int, depth: int = 0) -> int:
    """Where the value that starts at `at` ends."""
    first = data[at : at + 1]
    if first == b"<":
        return _dictionary(data, at, depth)[1] if data[at + 1 : at + 2] == b"<" else _hex_end(data, at)
    if first == b"[":
        quick = _ARRAY_OF_REFERENCES.match(data, at)
        return quick.end() if quick else _array(data, at, depth)[1]
    if first == b"(":
        return string_end(data, at)
    if found := (_NAME.match(data, at) or _REFERENCE.match(data, at) or _WORD.match(data, at)):
        return found.end()
    raise Unusual(f"{data[at : at + 12]!r} where a value was expected")


def _hex_end(data: bytes, at: int) -> int:
    """The digits are not looked at one by one in Python: a signature has 40,000 of them."""
    found = _HEX.match(data, at + 1)
    if not found or data[found.end() : found.end() + 1] != b">":
        raise Unusual("a damaged hexadecimal string")
    return found.end() + 1


def string_end(data: bytes, at: int) -> int:
    """Where the literal string that starts at `at` ends: brackets inside it are balanced or escaped."""
    open_brackets = 0
    while True:
        found = _STRING_STOP.search(data, at)
        if not found:
            raise Unusual("a string without an end")
        at = found.end()
        if found[0] == b"\\":
            at += 1
        elif found[0] == b"(":
            open_brackets += 1
        else:
            open_brackets -= 1
            if not open_brackets:
                return at
