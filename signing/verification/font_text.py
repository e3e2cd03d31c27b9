"""Which characters the codes of a text in a picture stand for, by what its font says (ISO 32000-2 9.6, 9.10).

What an embedded font draws under a code is the font's own matter: its table of characters can lie. Only a font that is not
embedded, and that every reader has, draws for certain what its encoding names.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from signing.verification.faults import Fault
from signing.verification.pdf import View
from signing.verification.syntax import Ref, Stream, text_of

MAX_TABLE = 512 * 1024  # bytes of a table of characters; one of all Vietnamese letters has 5 KB
MAX_CODES = 70_000  # in one table
MAX_ALL_CODES = 500_000  # in all tables of one state of a document
_KNOWN_FAMILIES = ("Helv", "Arial", "Times", "Courier", "Cour", "TiRo")
_OF_SIGNS = frozenset({"/Type", "/Subtype", "/BaseFont", "/Name"})
_SIGNS = ("Symbol", "ZapfDingbats", "ZaDb", "Wingdings", "Webdings")
# Widths in thousandths of the size that a sign can have; what is out of it puts signs upon or far from each other.
_LEAST_WIDE, _MOST_WIDE, _LEAST_DIGIT, _MOST_DIGIT = 170, 1300, 400, 800


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """Parts of the size that signs are wide at least."""

    narrow: float = 0.2
    usual: float = 0.42
    digit: float = 0.42
    space: float = 0.2


_NARROW_SIGNS = frozenset(" !'(),-./:;I[\\]`fijlrt{|}")
_LEAST = Least()


@dataclass(frozen=True, slots=True)
class FontText:
    """How the codes of one font are read."""

    codes: dict[bytes, str]
    widths: tuple[int, ...]  # of the codes in bytes, the shorter first
    certain: bool  # what is read is what every reader draws
    advances: Mapping[int, float | None] = field(default_factory=dict)  # by codes of a byte, parts of the size; None: absurd
    least: Least = _LEAST  # where the font says nothing of its widths

    def read(self, data: bytes) -> str | None:
        """The characters of a string; None where a code stands for nothing known."""
        found: list[str] = []
        position = 0
        while position < len(data):
            for width in self.widths:
                character = self.codes.get(data[position : position + width])
                if character is not None:
                    found.append(character)
                    position += width
                    break
            else:
                return None
        return "".join(found)

    def wide(self, data: bytes, text: str) -> float | None:
        """How wide a string is at least, in parts of the size; None where a sign has a width that no sign has."""
        if not self.advances:
            return sum(self._least_of(each) for each in text)
        found = [self.advances.get(each, 0.0) for each in data]
        return None if None in found else sum(each for each in found if each is not None)

    def _least_of(self, character: str) -> float:
        if character == " ":
            return self.least.space
        if "0" <= character <= "9":
            return self.least.digit
        return self.least.narrow if character in _NARROW_SIGNS else self.least.usual


def font_text(view: View, font: Any) -> FontText | None:
    """How a font's codes are read; None where nobody can say: drawn glyphs, signs, no table. Read once for each font."""
    known: dict[Any, tuple[Any, FontText | None]] = view.kept.setdefault("font texts", {})
    key = font if isinstance(font, Ref) else id(font)
    if key not in known:
        known[key] = (font, _font_text(view, font))  # the font is held, so that no other gets its place in memory
    return known[key][1]


def _font_text(view: View, font: Any) -> FontText | None:
    entries = view.resolve(font)
    if not isinstance(entries, dict):
        return None
    kind, base = view.get(entries, "/Subtype"), str(view.get(entries, "/BaseFont") or "").lstrip("/").split("+")[-1]
    if kind not in ("/Type1", "/TrueType", "/MMType1", "/Type0") or base.startswith(_SIGNS):
        return None
    table = view.resolve(entries.get("/ToUnicode"))
    codes = _from_table(view, table) if isinstance(table, Stream) else None
    if kind == "/Type0":
        return FontText(codes, tuple(sorted({len(code) for code in codes})), certain=False) if codes else None
    embedded = _is_embedded(view, entries)
    if codes and embedded:
        return FontText(codes, tuple(sorted({len(code) for code in codes})), certain=False)
    widths = [view.resolve(each) for each in view.items(entries.get("/Widths"))[:256]]
    if not all(isinstance(width, int | float) and width >= 0 for width in widths):
        return None  # signs that go back
    return FontText(
        _from_encoding(view, entries),
        (1,),
        certain=not embedded and base.startswith(_KNOWN_FAMILIES),
        advances={} if embedded else _advances(widths, view.get(entries, "/FirstChar")),
        least=_least_of(base),
    )


def _advances(widths: list[Any], first: Any) -> dict[int, float | None]:
    """Widths as the font gives them (9.6.2), nothing where it gives none; what it leaves out is put upon what comes next."""
    if not widths:
        return {}
    found: dict[int, float | None] = dict.fromkeys(range(256))
    for code, width in enumerate(widths, first if isinstance(first, int) else 0):
        digit = 0x30 <= code <= 0x39  # noqa: PLR2004 -- 0 to 9
        low, high = (_LEAST_DIGIT, _MOST_DIGIT) if digit else (_LEAST_WIDE, _MOST_WIDE)
        if code in found and low <= width <= high:
            found[code] = width / 1000
    return found


def _least_of(base: str) -> Least:
    """What is known of the widths in a font that every reader has: bold and slanted digits and spaces are as wide as others."""
    if any(each in base for each in ("Narrow", "Cond", "Black")) or not base.startswith(_KNOWN_FAMILIES):
        return _LEAST
    if base.startswith("Cour"):
        return Least(narrow=0.6, usual=0.6, digit=0.6, space=0.6)
    return Least(digit=0.5, space=0.25) if base.startswith("Ti") else Least(digit=0.556, space=0.278)


def is_plain(view: View, value: Any) -> bool:
    """Whether every reader has the font and draws by its codes what it should: ASCII as it is, or the usual signs."""
    entries, font = view.resolve(value), font_text(view, value)
    if font is None and isinstance(entries, dict) and view.get(entries, "/BaseFont") in ("/ZapfDingbats", "/Symbol"):
        return view.get(entries, "/Subtype") == "/Type1" and entries.keys() <= _OF_SIGNS
    return (
        font is not None
        and font.certain
        and all(font.codes.get(code) == sign and font.wide(code, sign) is not None for code, sign in STANDING_IN.codes.items())
    )


STANDING_IN = FontText(
    {bytes((code,)): chr(code) for code in range(0x20, 0x7F)}, (1,), certain=False
)  # for a font that is missing


def _is_embedded(view: View, font: dict[str, Any]) -> bool:
    about = view.resolve(font.get("/FontDescriptor"))
    return isinstance(about, dict) and any(about.get(key) is not None for key in ("/FontFile", "/FontFile2", "/FontFile3"))


# White space is that of 7.2.3: others take \v for it, and no reader does.
_PAIRS = re.compile(rb"<([0-9A-Fa-f\0\t\n\f\r ]{2,8})>[\0\t\n\f\r ]*<([0-9A-Fa-f\0\t\n\f\r ]{2,64})>")
_RANGES = re.compile(
    rb"<([0-9A-Fa-f\0\t\n\f\r ]{2,8})>[\0\t\n\f\r ]*<([0-9A-Fa-f\0\t\n\f\r ]{2,8})>[\0\t\n\f\r ]*"
    rb"(?:<([0-9A-Fa-f\0\t\n\f\r ]{2,64})>|\[([^\[\]]*)\])"
)
_BEGIN = re.compile(rb"beginbf(char|range)")
_TARGET = re.compile(rb"<([0-9A-Fa-f\0\t\n\f\r ]{2,64})>")


def _from_table(view: View, table: Stream) -> dict[bytes, str] | None:
    """A /ToUnicode table (9.10.3); None for one that cannot be read, or is too large alone or with those before it."""
    try:
        data = view.unpacked(table)
    except Fault:
        return None
    if data is None or len(data) > MAX_TABLE:
        return None
    found: dict[bytes, str] = {}
    left = min(MAX_CODES, MAX_ALL_CODES - view.kept.get("codes", 0))
    made = 0
    for pairs in _entries(data):
        for code, character in pairs:
            made += 1
            if made > left:
                view.kept["codes"] = view.kept.get("codes", 0) + made
                return None
            if code:
                found[code] = character
    view.kept["codes"] = view.kept.get("codes", 0) + made
    return found


def _entries(data: bytes) -> Iterator[Iterator[tuple[bytes, str]]]:
    """The lists of codes and characters in a table, one after the other; nothing behind one that does not end."""
    position = 0
    while (begin := _BEGIN.search(data, position)) is not None:
        position = data.find(b"endbf" + begin.group(1), begin.end())
        if position < 0:
            return
        if begin.group(1) == b"char":
            pairs = _PAIRS.finditer(data, begin.end(), position)
            yield ((_bytes(each.group(1)), _characters(each.group(2))) for each in pairs)
        else:
            for each in _RANGES.finditer(data, begin.end(), position):
                yield _range(_bytes(each.group(1)), _bytes(each.group(2)), each.group(3), each.group(4))


def _range(low: bytes, high: bytes, first: bytes | None, listed: bytes | None) -> Iterator[tuple[bytes, str]]:
    start, stop = int.from_bytes(low, "big"), int.from_bytes(high, "big")
    if len(low) != len(high) or not 0 <= stop - start < MAX_CODES:
        return
    if listed is not None:
        for code, each in zip(range(start, stop + 1), _TARGET.finditer(listed), strict=False):
            yield code.to_bytes(len(low), "big"), _characters(each.group(1))
    target = _characters(first) if first is not None else ""
    if not target:
        return
    last = ord(target[-1])
    for step in range(min(stop - start + 1, 0x110000 - last)):  # to the end of Unicode
        yield (start + step).to_bytes(len(low), "big"), target[:-1] + chr(last + step)


def _bytes(digits: bytes) -> bytes:
    plain = digits.translate(None, b"\0\t\n\f\r ")
    return bytes.fromhex((plain + b"0" if len(plain) % 2 else plain).decode("ascii"))


def _characters(digits: bytes) -> str:
    return _bytes(digits).decode("utf-16-be", "replace")


def _from_encoding(view: View, font: dict[str, Any]) -> dict[bytes, str]:
    """The codes of a simple font: a base encoding and what differs from it (9.6.5)."""
    encoding = view.resolve(font.get("/Encoding"))
    base = view.resolve(encoding.get("/BaseEncoding")) if isinstance(encoding, dict) else encoding
    codec = {"/WinAnsiEncoding": "cp1252", "/MacRomanEncoding": "mac_roman"}.get(str(base))
    found = {bytes((code,)): chr(code) for code in range(0x20, 0x7F)}
    for code in range(0x80, 0x100) if codec or base == "/PDFDocEncoding" else ():
        one = bytes((code,))
        found[one] = one.decode(codec, "replace") if codec else text_of(one)
    code = 0
    for each in view.items(encoding.get("/Differences")) if isinstance(encoding, dict) else ():
        value = view.resolve(each)
        if isinstance(value, int):
            code = value
        elif isinstance(value, str) and 0 <= code <= 0xFF:  # noqa: PLR2004 -- a byte
            character = _glyph(value.removeprefix("/"))
            found.pop(bytes((code,)), None)
            if character is not None:
                found[bytes((code,))] = character
            code += 1
    return found


_GLYPHS = dict(
    zip(
        (  # noqa: SIM905 -- names to be read beside their signs
            "space exclam quotedbl numbersign dollar percent ampersand quotesingle quoteright quoteleft parenleft parenright "
            "asterisk plus comma hyphen minus period slash zero one two three four five six seven eight nine colon semicolon "
            "less equal greater question at bracketleft backslash bracketright asciicircum underscore grave braceleft bar "
            "braceright asciitilde bullet endash emdash quotedblleft quotedblright ellipsis degree dong Euro nbspace dcroat "
            "Dcroat dotlessi germandbls ae AE oe OE oslash Oslash lslash Lslash eth Eth thorn Thorn"
        ).split(),
        " !\"#$%&'\u2019\u2018()*+,-\u2212./0123456789:;<=>?@[\\]^_`{|}~\u2022\u2013\u2014\u201c\u201d\u2026"
        "\u00b0\u20ab\u20ac\u00a0"
        "\u0111\u0110\u0131\u00df\u00e6\u00c6\u0153\u0152\u00f8\u00d8\u0142\u0141\u00f0\u00d0\u00fe\u00de",
        strict=True,
    )
)
_ACCENTS = {
    "grave": "\u0300", "acute": "\u0301", "circumflex": "\u0302", "tilde": "\u0303", "macron": "\u0304", "breve": "\u0306",
    "dotaccent": "\u0307", "dieresis": "\u0308", "hookabove": "\u0309", "ring": "\u030a", "hungarumlaut": "\u030b",
    "caron": "\u030c", "dotbelow": "\u0323", "cedilla": "\u0327", "ogonek": "\u0328", "horn": "\u031b",
}  # fmt: skip
_UNICODE_NAME = re.compile(r"(?:uni([0-9A-F]{4})|u([0-9A-F]{4,6}))")
_ACCENT = re.compile("|".join(_ACCENTS))


def _glyph(name: str) -> str | None:
    """The character of a glyph's name; None for a name that is not known."""
    if len(name) == 1 or name in _GLYPHS:
        return _GLYPHS.get(name, name)
    match = _UNICODE_NAME.fullmatch(name)
    if match is not None:
        number = int(match.group(1) or match.group(2), 16)
        return chr(number) if number < 0x110000 else None  # noqa: PLR2004 -- the end of Unicode
    marks = _ACCENT.findall(name[1:])
    if not marks or "".join(marks) != name[1:]:
        return None
    return unicodedata.normalize("NFC", name[0] + "".join(_ACCENTS[mark] for mark in marks))
