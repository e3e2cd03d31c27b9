"""PDFs as other programs write them: legal, and unlike ours in everything that the format leaves open."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

_CONTENT = b"BT /F1 12 Tf 72 700 Td (Hoc ba) Tj ET"


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a program writes."""

    header: bytes = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    eol: bytes = b"\n"
    row_end: bytes = b" \n"  # of a row of the table; 2 bytes by the rules, 1 by some programs
    head: bytes = b"%d 0 obj"  # followed by the end of a line
    stream_end: bytes = b"\n"  # before endstream
    length: str = "direct"  # or "before", "after": in an object of its own
    subsections: Sequence[int] = ()  # where the table begins a new one
    trailer: bytes = b"trailer"
    more: bytes = b""  # in the trailer
    before_xref: bytes = b""
    before_startxref: bytes = b""
    end: bytes = b"%%EOF\n"
    objects_first: bool = True
    compact: bool = False  # no space where none is needed
    comments: bool = False  # inside dictionaries
    size: int = 0  # added to /Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """How a program writes object streams and a cross-reference stream."""

    widths: tuple[int, int, int] = (1, 2, 1)
    predictor: int = 1
    hexadecimal: bool = False  # ASCIIHexDecode before FlateDecode
    index: bool = True  # /Index is written
    eol: bytes = b"\n"
    free: bool = True  # a row for number 0


def bodies(habits: Habits) -> dict[int, bytes]:
    """A page with text and an empty signature field, by object number."""
    space = b"" if habits.compact else b" "
    note = b" % a comment, with << and (\r" if habits.comments else space

    def told(*pairs: tuple[bytes, bytes]) -> bytes:
        parts = [key + (space if value[:1] in b"/[(<" else b" ") + value + note for key, value in pairs]
        return b"<<" + space + b"".join(each if each.endswith((b" ", b"\r")) else each + space for each in parts) + b">>"

    length = {"direct": b"%d" % len(_CONTENT), "before": b"3 0 R", "after": b"9 0 R"}[habits.length]
    eol = habits.eol if habits.eol != b"\r" else b"\r\n"  # a lone carriage return is not allowed there (7.3.8.1)
    return {
        1: told((b"/Type", b"/Catalog"), (b"/Pages", b"2 0 R"), (b"/AcroForm", b"6 0 R")),
        2: told((b"/Type", b"/Pages"), (b"/Kids", b"[4 0 R]"), (b"/Count", b"1")),
        3: b"%d" % len(_CONTENT),
        4: told(
            (b"/Type", b"/Page"),
            (b"/Parent", b"2 0 R"),
            (b"/MediaBox", b"[0 0 595 842]"),
            (b"/Contents", b"5 0 R"),
            (b"/Resources", b"<</Font<</F1 8 0 R>>>>"),
            (b"/Annots", b"[7 0 R]"),
        ),
        5: told((b"/Length", length)) + eol + b"stream" + eol + _CONTENT + habits.stream_end + b"endstream",
        6: told((b"/Fields", b"[7 0 R]"), (b"/SigFlags", b"1")),
        7: told(
            (b"/Type", b"/Annot"),
            (b"/Subtype", b"/Widget"),
            (b"/FT", b"/Sig"),
            (b"/T", b"(k\\371 \\(1\\))"),
            (b"/Rect", b"[0 0 0 0]"),
            (b"/P", b"4 0 R"),
            (b"/F", b"132"),
        ),
        8: told((b"/Type", b"/Font"), (b"/Subtype", b"/Type1"), (b"/BaseFont", b"/Hel#76etica")),
        9: b"%d" % len(_CONTENT),
    }


FIELD = "k\xf9 (1)"


def written(habits: Habits) -> bytes:
    """The file with a cross-reference table."""
    eol = habits.eol
    out = bytearray(habits.header)
    offsets: dict[int, int] = {}
    for number, body in bodies(habits).items():
        offsets[number] = len(out)
        out += habits.head % number + (b"" if habits.compact else eol) + body + eol + b"endobj" + eol
    out += habits.before_xref
    start = len(out)
    out += b"xref" + eol
    rows = [b"0000000000 65535 f", *(b"%010d 00000 n" % offsets[number] for number in sorted(offsets))]
    cuts = [0, *habits.subsections, len(rows)]
    for first, after in pairwise(cuts):
        out += b"%d %d" % (first, after - first) + eol + b"".join(row + habits.row_end for row in rows[first:after])
    out += habits.trailer + b"<</Size %d/Root 1 0 R%s>>" % (len(rows) + habits.size, habits.more)
    return bytes(out) + eol + habits.before_startxref + b"startxref" + eol + b"%d" % start + eol + habits.end


def packed(style: Packed) -> bytes:
    """The file with an object stream and a cross-reference stream."""
    all_of_them = bodies(Habits())
    inside = {number: body for number, body in all_of_them.items() if number != 5}
    out = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    starts: list[int] = []
    text = b""
    for body in inside.values():
        starts.append(len(text))
        text += body + style.eol
    head = b" ".join(b"%d %d" % pair for pair in zip(inside, starts, strict=True)) + style.eol
    rows: dict[int, tuple[int, int, int]] = {number: (2, 10, index) for index, number in enumerate(inside)}
    rows[5] = (1, len(out), 0)
    out += b"5 0 obj\n" + all_of_them[5] + b"\nendobj\n"
    rows[10] = (1, len(out), 0)
    out += b"10 0 obj" + _stream(head + text, style, b"/Type/ObjStm/N %d/First %d" % (len(inside), len(head))) + b"endobj\n"
    rows[11] = (1, len(out), 0)
    if style.free:
        rows[0] = (0, 0, 0)
    lines = [
        b"".join(value.to_bytes(width, "big") for value, width in zip(rows[number], style.widths, strict=True) if width)
        for number in sorted(rows)
    ]
    told = b"/Type/XRef/Size 12/Root 1 0 R/W[%d %d %d]" % style.widths
    if style.index:
        told += b"/Index[%d %d]" % (min(rows), len(rows))
    start = len(out)
    out += b"11 0 obj" + _stream(b"".join(lines), style, told, columns=sum(style.widths)) + b"endobj\n"
    return bytes(out) + b"startxref\n%d\n%%%%EOF" % start


def _stream(data: bytes, style: Packed, told: bytes, columns: int = 0) -> bytes:
    parameters = b"null"
    if columns and style.predictor > 1:
        data = _predicted(data, columns, style.predictor - 10)
        parameters = b"<</Predictor %d/Columns %d>>" % (style.predictor, columns)
    raw = zlib.compress(data)
    names = b"/FlateDecode"
    if style.hexadecimal:
        raw, names, parameters = raw.hex().encode() + b">", b"[/ASCIIHexDecode/FlateDecode]", b"[null %s]" % parameters
    return (
        b"<<%s/Length %d/Filter %s/DecodeParms %s>>stream\r\n" % (told, len(raw), names, parameters) + raw + b"\r\nendstream "
    )


def _predicted(data: bytes, columns: int, kind: int) -> bytes:
    """PNG rows of one kind: None, Sub, Up, Average, Paeth, or (5) each in turn."""
    out = bytearray()
    above = bytes(columns)
    for number, start in enumerate(range(0, len(data), columns)):
        row = data[start : start + columns]
        used = number % 5 if kind == 5 else kind
        out.append(used)
        for at, value in enumerate(row):
            left, up, corner = (row[at - 1] if at else 0), above[at], (above[at - 1] if at else 0)
            about = left + up - corner
            paeth = min((left, up, corner), key=lambda each: abs(about - each))
            out.append((value - (0, left, up, (left + up) // 2, paeth)[used]) % 256)
        above = row
    return bytes(out)
