"""A TrueType font taken apart, and reduced to some of its glyphs (ISO/IEC 14496-22).

    face = Typeface(Path("Tinos_400Regular.ttf").read_bytes())
    small = face.reduced({face.letters[ord("ễ")]})

Glyphs keep their numbers: those not wanted become empty, so only `glyf`, `loca` and `hmtx` are rewritten, and the zeros
deflate to nothing. Takes milliseconds.
"""

import struct

from signing.batch.unusual import Unusual

_KEPT_TABLES = (b"cvt ", b"fpgm", b"glyf", b"head", b"hhea", b"hmtx", b"loca", b"maxp", b"prep")
_IS_COMPOSITE_END, _WORDS, _SCALE, _XY_SCALE, _TWO_BY_TWO = 0x20, 0x01, 0x08, 0x40, 0x80


class Typeface:
    """A TrueType file taken apart (ISO/IEC 14496-22)."""

    def __init__(self, content: bytes) -> None:
        try:
            self._read(content)
        except (struct.error, IndexError, KeyError) as error:
            raise Unusual(f"a font of another kind or damaged: {error!r}") from error

    def _read(self, content: bytes) -> None:
        if content[:4] not in (b"\x00\x01\x00\x00", b"true"):
            raise Unusual("a font without TrueType outlines")
        (count,) = struct.unpack_from(">H", content, 4)
        self._tables = {}
        for index in range(count):
            tag, _, at, size = struct.unpack_from(">4sLLL", content, 12 + 16 * index)
            self._tables[tag] = content[at : at + size]
        head, hhea = self._tables[b"head"], self._tables[b"hhea"]
        self.units: int = struct.unpack_from(">H", head, 18)[0]
        self.box: tuple[int, ...] = struct.unpack_from(">4h", head, 36)
        (long_offsets,) = struct.unpack_from(">h", head, 50)
        self.ascent: int
        self.descent: int
        self.ascent, self.descent = struct.unpack_from(">2h", hhea, 4)
        (self._metrics,) = struct.unpack_from(">H", hhea, 34)
        (self.glyphs,) = struct.unpack_from(">H", self._tables[b"maxp"], 4)
        offsets = struct.unpack_from(f">{self.glyphs + 1}{'L' if long_offsets else 'H'}", self._tables[b"loca"])
        self._offsets = offsets if long_offsets else tuple(2 * offset for offset in offsets)
        self.letters = _cmap(self._tables[b"cmap"])
        self.name = _postscript_name(self._tables[b"name"])

    def width(self, glyph: int) -> int:
        """The advance in thousandths of the font size."""
        (advance,) = struct.unpack_from(">H", self._tables[b"hmtx"], 4 * min(glyph, self._metrics - 1))
        return round(int(advance) * 1000 / self.units)

    def reduced(self, glyphs: set[int]) -> bytes:
        """A font file with only these glyphs (and those they are made of) drawn; all keep their numbers."""
        kept = {0} | glyphs
        waiting = list(kept)
        while waiting:
            parts = _components(self._outline(waiting.pop())) - kept
            kept |= parts
            waiting += parts
        outlines, offsets = bytearray(), [0]
        for glyph in range(self.glyphs):
            if glyph in kept:
                outlines += self._outline(glyph)
                outlines += bytes(-len(outlines) % 4)
            offsets.append(len(outlines))
        head = bytearray(self._tables[b"head"])
        struct.pack_into(">h", head, 50, 1)
        struct.pack_into(">L", head, 8, 0)  # checkSumAdjustment: made for a whole font, not checked in a PDF
        tables = {tag: self._tables[tag] for tag in _KEPT_TABLES if tag in self._tables}
        tables |= {
            b"glyf": bytes(outlines),
            b"loca": struct.pack(f">{len(offsets)}L", *offsets),
            b"head": bytes(head),
            b"hmtx": self._reduced_metrics(kept),
        }
        return _font_file(tables)

    def _outline(self, glyph: int) -> bytes:
        return self._tables[b"glyf"][self._offsets[glyph] : self._offsets[glyph + 1]]

    def _reduced_metrics(self, kept: set[int]) -> bytes:
        """Zeros for the glyphs that are not there; the last full entry stays, all after it repeat its width."""
        table = self._tables[b"hmtx"]
        rows = [
            table[4 * glyph : 4 * glyph + 4] if glyph in kept or glyph == self._metrics - 1 else bytes(4)
            for glyph in range(self._metrics)
        ]
        return b"".join(rows) + table[4 * self._metrics :]


def _cmap(table: bytes) -> dict[int, int]:
    """Code points to glyphs, from the Windows Unicode subtables of formats 4 and 12."""
    (count,) = struct.unpack_from(">H", table, 2)
    letters: dict[int, int] = {}
    for index in range(count):
        platform, encoding, at = struct.unpack_from(">HHL", table, 4 + 8 * index)
        (form,) = struct.unpack_from(">H", table, at)
        if platform != 3 or encoding not in (1, 10):  # noqa: PLR2004 - Windows; BMP or full Unicode
            continue
        if form == 4:  # noqa: PLR2004 - the format's number
            letters |= _cmap_4(table[at:])
        elif form == 12:  # noqa: PLR2004 - the format's number
            (groups,) = struct.unpack_from(">L", table, at + 12)
            for group in range(groups):
                first, last, glyph = struct.unpack_from(">LLL", table, at + 16 + 12 * group)
                if last - first > 0xFFFF:  # noqa: PLR2004 - more than a font can hold
                    raise Unusual("a damaged font")
                letters |= {code: glyph + code - first for code in range(first, last + 1)}
    if not letters:
        raise Unusual("a font without a Unicode map")
    return letters


def _cmap_4(table: bytes) -> dict[int, int]:
    (twice,) = struct.unpack_from(">H", table, 6)
    count = twice // 2
    ends = struct.unpack_from(f">{count}H", table, 14)
    starts = struct.unpack_from(f">{count}H", table, 16 + twice)
    deltas = struct.unpack_from(f">{count}H", table, 16 + 2 * twice)
    offsets_at = 16 + 3 * twice
    offsets = struct.unpack_from(f">{count}H", table, offsets_at)
    letters = {}
    for index, (start, end, delta, offset) in enumerate(zip(starts, ends, deltas, offsets, strict=True)):
        for code in range(start, min(end, 0xFFFE) + 1):
            glyph = code + delta
            if offset:
                (glyph,) = struct.unpack_from(">H", table, offsets_at + 2 * index + offset + 2 * (code - start))
                glyph = glyph + delta if glyph else 0
            if glyph & 0xFFFF:
                letters[code] = glyph & 0xFFFF
    return letters


def _components(outline: bytes) -> set[int]:
    """The glyphs a composite glyph is made of."""
    if len(outline) < 10 or struct.unpack_from(">h", outline)[0] >= 0:  # noqa: PLR2004 - a glyph's head
        return set()
    parts, at, more = set(), 10, True
    while more:
        flags, glyph = struct.unpack_from(">HH", outline, at)
        parts.add(int(glyph))
        at += 4 + (4 if flags & _WORDS else 2)
        at += 2 if flags & _SCALE else 4 if flags & _XY_SCALE else 8 if flags & _TWO_BY_TWO else 0
        more = bool(flags & _IS_COMPOSITE_END)
    return parts


def _font_file(tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    power = count.bit_length() - 1
    head = struct.pack(">LHHHH", 0x00010000, count, 16 << power, power, 16 * (count - (1 << power)))
    directory, body, at = b"", b"", 12 + 16 * count
    for tag, table in sorted(tables.items()):
        padded = table + bytes(-len(table) % 4)
        checksum = sum(struct.unpack(f">{len(padded) // 4}L", padded)) & 0xFFFFFFFF
        directory += struct.pack(">4sLLL", tag, checksum, at, len(table))
        body += padded
        at += len(padded)
    return head + directory + body


def _postscript_name(table: bytes) -> bytes:
    """Name 6, as it may stand in a PDF name."""
    _, count, storage = struct.unpack_from(">3H", table)
    for index in range(count):
        platform, _, _, kind, size, at = struct.unpack_from(">6H", table, 6 + 12 * index)
        if kind == 6 and platform == 3:  # noqa: PLR2004 - the PostScript name, Windows
            name = table[storage + at : storage + at + size].decode("utf-16-be", "replace")
            return "".join(letter for letter in name if letter.isascii() and (letter.isalnum() or letter == "-")).encode(
                "ascii"
            )
    return b"Font"
