"""PDF values from bytes (ISO 32000-2 7.3): a small, bounded, unforgiving parser.

Names are `Name`, strings are `bytes`, references are `Ref`, dictionaries `dict[Name, ...]`; null is None. Where readers are
known to disagree about broken syntax, this one raises BadStructure instead of choosing.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from signing.verification.faults import BadStructure

MAX_NESTING = 128  # arrays and dictionaries inside each other; real files stay under 20
MAX_VALUES = 4_000_000  # in one object; a page array of 3 000 pages has 3 000


class Name(str):
    """A PDF name with its slash, `#` escapes resolved."""

    __slots__ = ()


class Ref(NamedTuple):
    """A reference to an indirect object."""

    number: int
    generation: int


class Stream:
    """A stream: its dictionary, and where its raw bytes stand; in an encrypted file also how they are decrypted."""

    __slots__ = ("_plain", "cipher", "data", "entries", "start", "stop")

    def __init__(
        self, entries: dict[str, Any], data: bytes, start: int, stop: int, *, cipher: Callable[[bytes], bytes] | None = None
    ) -> None:
        self.entries, self.data, self.start, self.stop, self.cipher = entries, data, start, stop, cipher
        self._plain: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The bytes as they stand, still filtered, but not encrypted. Raises BadStructure where they cannot be decrypted."""
        if self.cipher is None:
            return self.data[self.start : self.stop]
        if self._plain is None:
            self._plain = self.cipher(self.data[self.start : self.stop])
        return self._plain


_SPACE = rb"\x00\t\n\f\r "
_REGULAR = rb"[^\x00\t\n\f\r ()<>\[\]{}/%]"
_TOKEN = re.compile(
    # White space and comments; atomic, so that a hostile run of comments is walked once.
    rb"(?>(?:[" + _SPACE + rb"]|%[^\r\n]*)*)"
    rb"(?:(?P<ref>(\d{1,10})[" + _SPACE + rb"]+(\d{1,5})[" + _SPACE + rb"]+R(?!" + _REGULAR + rb"))"
    rb"|(?P<int>[+-]?\d{1,19}(?!" + _REGULAR + rb"))"
    rb"|/(?P<name>" + _REGULAR + rb"*)"
    rb"|(?P<dict><<)|(?P<end>>>)|(?P<array>\[)|(?P<close>\])"
    rb"|<(?P<hex>[0-9A-Fa-f" + _SPACE + rb"]*)>"
    rb"|\((?P<plain>[^()\\]*)\)"
    rb"|(?P<open>\()"
    rb"|(?P<real>[+-]?(?:\d+\.\d*|\.\d+|\d+)(?!" + _REGULAR + rb"))"
    rb"|(?P<word>true|false|null)(?!" + _REGULAR + rb")"
    rb"|(?P<odd>[+-]*[\d.+-]+(?!" + _REGULAR + rb")))"
)
_HEX_ESCAPE = re.compile(r"#([0-9A-Fa-f]{2})")
_NAMES: dict[bytes, Name] = {}
_MAX_NAMES = 10_000


# The kinds of tokens by the number of their group, which is quicker to ask for than a name.
_REF, _INT, _NAME, _DICT, _END, _ARRAY, _CLOSE, _PLAIN, _OPEN = (
    _TOKEN.groupindex[kind] for kind in ("ref", "int", "name", "dict", "end", "array", "close", "plain", "open")
)


def parse(data: bytes, position: int) -> tuple[Any, int]:  # noqa: C901, PLR0912 -- one branch per token, the hot path
    """The value at a position, and the position after it."""
    stack: list[Any] = []
    value: Any
    for _ in range(MAX_VALUES):
        match = _TOKEN.match(data, position)
        if match is None:
            raise BadStructure(f"no PDF value at byte {position}")
        position = match.end()
        kind = match.lastindex
        if kind == _NAME:
            raw = match[_NAME]
            value = _NAMES.get(raw) or _name(raw)
        elif kind == _REF:
            value = Ref(int(match[_REF + 1]), int(match[_REF + 2]))
        elif kind == _INT:
            value = int(match[_INT])
        elif kind in {_DICT, _ARRAY}:
            stack.append([] if kind == _ARRAY else _OpenDict())
            if len(stack) > MAX_NESTING:
                raise BadStructure(f"values nested more than {MAX_NESTING} deep at byte {position}")
            continue
        elif kind == _END:
            if not stack or not isinstance(stack[-1], _OpenDict):
                raise BadStructure(f"'>>' without '<<' at byte {position}")
            value = _dictionary(stack.pop(), position)
        elif kind == _CLOSE:
            if not stack or isinstance(stack[-1], _OpenDict):
                raise BadStructure(f"']' without '[' at byte {position}")
            value = stack.pop()
        elif kind == _PLAIN:
            value = match[_PLAIN]
        elif kind == _OPEN:
            value, position = _string(data, position)
        else:
            value = _scalar(match.lastgroup, match)
        if not stack:
            return value, position
        stack[-1].append(value)
    raise BadStructure(f"more than {MAX_VALUES} values in one object")


class _OpenDict(list[Any]):
    """Keys and values of a dictionary that is not closed yet."""


def _scalar(kind: str | None, match: re.Match[bytes]) -> Any:
    if kind == "hex":
        digits = match.group("hex").translate(None, b"\0\t\n\f\r ")
        return bytes.fromhex((digits + b"0" if len(digits) % 2 else digits).decode("ascii"))
    if kind == "real":
        return float(match.group("real"))
    if kind == "word":
        return {b"true": True, b"false": False, b"null": None}[match.group("word")]
    raise BadStructure(f"{match.group(0).strip()[:20]!r} is no number")


def _name(raw: bytes) -> Name:
    text = "/" + raw.decode("latin-1")
    if "#" in text:
        text = _HEX_ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)
    name = Name(text)
    if len(_NAMES) < _MAX_NAMES:
        _NAMES[raw] = name
    return name


def _dictionary(items: list[Any], position: int) -> dict[str, Any]:
    keys = items[::2]
    if len(items) % 2 or not all(isinstance(key, Name) for key in keys):
        raise BadStructure(f"a dictionary that ends at byte {position} has no name for each value")
    found = dict(zip(keys, items[1::2], strict=True))
    if len(found) != len(keys):
        raise BadStructure(f"a dictionary that ends at byte {position} names a key twice")
    return found


_ESCAPES = {ord("n"): 10, ord("r"): 13, ord("t"): 9, ord("b"): 8, ord("f"): 12}
_STRING_STOP = re.compile(rb"[()\\]")


def _string(data: bytes, position: int) -> tuple[bytes, int]:
    """A literal string with escapes or inner parentheses; `position` is after the opening one."""
    parts: list[bytes] = []
    depth = 1
    while True:
        stop = _STRING_STOP.search(data, position)
        if stop is None:
            raise BadStructure("a string that never ends")
        at = stop.start()
        parts.append(data[position:at])
        sign = data[at]
        position = at + 1
        if sign == 0x5C:  # noqa: PLR2004 -- the backslash
            piece, position = _escape(data, position)
            parts.append(piece)
            continue
        depth += 1 if sign == 0x28 else -1  # noqa: PLR2004 -- "("
        if depth == 0:
            return b"".join(parts), position
        parts.append(bytes((sign,)))


def _escape(data: bytes, position: int) -> tuple[bytes, int]:
    if position >= len(data):
        raise BadStructure("a string that never ends")
    sign = data[position]
    if sign in _ESCAPES:
        return bytes((_ESCAPES[sign],)), position + 1
    if 0x30 <= sign <= 0x37:  # noqa: PLR2004 -- octal digits
        digits = re.compile(rb"[0-7]{1,3}").match(data, position)
        if digits is None:  # cannot be: the digit was just seen
            raise BadStructure("an octal escape without digits")
        return bytes((int(digits.group(), 8) & 0xFF,)), digits.end()
    if sign in b"\r\n":
        return b"", position + (2 if data[position : position + 2] == b"\r\n" else 1)
    return bytes((sign,)), position + 1


# Where PDFDocEncoding differs from Latin-1 (table D.2).
_PDF_DOC = {
    **dict(enumerate("\u02d8\u02c7\u02c6\u02d9\u02dd\u02db\u02da\u02dc", start=0x18)),
    **dict(
        enumerate(
            "\u2022\u2020\u2021\u2026\u2014\u2013\u0192\u2044\u2039\u203a\u2212\u2030\u201e\u201c\u201d\u2018", start=0x80
        )
    ),
    **dict(enumerate("\u2019\u201a\u2122\ufb01\ufb02\u0141\u0152\u0160\u0178\u017d\u0131\u0142\u0153\u0161\u017e", start=0x90)),
    0xA0: "\u20ac",
}


def text_of(value: Any) -> str:
    """A text string (7.9.2.2): UTF-16 with its mark, UTF-8 with its mark, else PDFDocEncoding."""
    if isinstance(value, Name):
        return str(value)
    if not isinstance(value, bytes):
        return "" if value is None else str(value)
    if value.startswith(b"\xfe\xff"):
        return value[2:].decode("utf-16-be", "replace")
    if value.startswith(b"\xff\xfe"):
        return value[2:].decode("utf-16-le", "replace")
    if value.startswith(b"\xef\xbb\xbf"):
        return value[3:].decode("utf-8", "replace")
    return value.decode("latin-1").translate(_PDF_DOC)
