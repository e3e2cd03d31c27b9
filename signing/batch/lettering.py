"""Lines of text in a TrueType font, drawn into many documents: the font is reduced to the letters in use once.

    times = Lettering(Path("Tinos_400Regular.ttf"))
    Order(field="clerk_seals", drawing=Lines(("Trường THCS Nguyễn Du", "2026-11-22"), times), ...)

The reduced font grows when a document brings letters that none before had; a batch soon has all it needs.
Widths are given in thousandths whatever the font's own unit is. No shaping: precomposed Vietnamese (NFC) needs none.
"""

import unicodedata
import zlib
from functools import lru_cache
from pathlib import Path

from signing.batch.document import Document
from signing.batch.drawings import Picture, form_object, packed_stream
from signing.batch.syntax import write_dictionary
from signing.batch.typeface import Typeface
from signing.errors import BadAppearance

LINE_HEIGHT = 1.2
MOST_LINES = 40


class Lettering:
    """A typeface and the reduced font that all documents so far need."""

    def __init__(self, font: Path) -> None:
        self.font = font
        try:
            self.typeface = Typeface(font.read_bytes())
        except OSError as error:
            raise BadAppearance(
                f"Không đọc được phông chữ {font.name}", f"The font {font.name} cannot be read: {error}"
            ) from error
        self._letters: set[str] = set()
        self._bodies: tuple[bytes, bytes, bytes] = (b"", b"", b"")

    def glyphs(self, line: str) -> list[int]:
        """The line's glyphs; BadAppearance when the font lacks a letter, which would be drawn as nothing."""
        known = self.typeface.letters
        if missing := sorted({letter for letter in line if ord(letter) not in known}):
            raise BadAppearance(
                f"Phông chữ {self.font.name} không có: {' '.join(missing)}",
                f"The font {self.font.name} lacks: {' '.join(missing)}",
            )
        return [known[ord(letter)] for letter in line]

    def put(self, document: Document, letters: set[str]) -> int:
        """Add the font, with at least these letters, to the document; its number."""
        if not letters <= self._letters:
            self._letters |= letters
            self._bodies = self._reduced()
        file, unicode_map, widths = self._bodies
        face = self.typeface
        tag = _tag(self._letters)
        name = b"/%b+%b" % (tag, face.name)
        scale = 1000 / face.units
        descriptor = {
            b"/Type": b"/FontDescriptor",
            b"/FontName": name,
            b"/Flags": b"4",
            b"/FontBBox": b"[%d %d %d %d]" % tuple(round(edge * scale) for edge in face.box),
            b"/ItalicAngle": b"0",
            b"/Ascent": b"%d" % round(face.ascent * scale),
            b"/Descent": b"%d" % round(face.descent * scale),
            b"/CapHeight": b"%d" % round(face.ascent * scale),
            b"/StemV": b"80",
            b"/FontFile2": b"%d 0 R" % document.add(file),
        }
        descendant = {
            b"/Type": b"/Font",
            b"/Subtype": b"/CIDFontType2",
            b"/BaseFont": name,
            b"/CIDSystemInfo": b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>",
            b"/FontDescriptor": b"%d 0 R" % document.add(write_dictionary(descriptor)),
            b"/CIDToGIDMap": b"/Identity",
            b"/DW": b"0",
            b"/W": widths,
        }
        font = {
            b"/Type": b"/Font",
            b"/Subtype": b"/Type0",
            b"/BaseFont": name,
            b"/Encoding": b"/Identity-H",
            b"/DescendantFonts": b"[%d 0 R]" % document.add(write_dictionary(descendant)),
            b"/ToUnicode": b"%d 0 R" % document.add(unicode_map),
        }
        return document.add(write_dictionary(font))

    def _reduced(self) -> tuple[bytes, bytes, bytes]:
        glyphs = {self.typeface.letters[ord(letter)]: letter for letter in sorted(self._letters)}
        file = self.typeface.reduced(set(glyphs))
        widths = b"[%b]" % b" ".join(b"%d [%d]" % (glyph, self.typeface.width(glyph)) for glyph in sorted(glyphs))
        return packed_stream({b"/Length1": b"%d" % len(file)}, file), packed_stream({}, _unicode_map(glyphs)), widths


class Lines:
    """Lines of text, one below the other; the size shrinks until the longest line fits."""

    def __init__(
        self, lines: tuple[str, ...], lettering: Lettering, *, size: float = 10.0, under: Picture | None = None
    ) -> None:
        self._lines = [unicodedata.normalize("NFC", line) for line in lines]
        if not 1 <= len(self._lines) <= MOST_LINES:
            raise BadAppearance(
                f"{len(self._lines)} dòng chữ, cần 1 đến {MOST_LINES}", f"{len(self._lines)} lines, expected 1 to {MOST_LINES}"
            )
        self._lettering, self._size, self._under = lettering, size, under
        self._glyphs = [lettering.glyphs(line) for line in self._lines]

    def draw(self, document: Document, width: float, height: float) -> int:
        """See Drawing."""
        face, count = self._lettering.typeface, len(self._lines)
        widest = max(sum(face.width(glyph) for glyph in glyphs) for glyphs in self._glyphs) / 1000 or 1
        size = min(self._size, height / (LINE_HEIGHT * count), width / widest)
        top = height - (height - size * LINE_HEIGHT * count) / 2 - size
        rows = b" ".join(
            b"1 0 0 1 0 %.4f Tm <%b> Tj" % (top - index * size * LINE_HEIGHT, b"".join(b"%04X" % glyph for glyph in glyphs))
            for index, glyphs in enumerate(self._glyphs)
        )
        content = b"BT /F %.4f Tf %b ET" % (size, rows)
        resources = b"/Font << /F %d 0 R >>" % self._lettering.put(document, set("".join(self._lines)))
        if self._under is not None:
            under, images = self._under.painted(document, width, height)
            content, resources = under + b" " + content, resources + b" /XObject " + images
        return form_object(document, width=width, height=height, content=content, resources=b"<< %b >>" % resources)


@lru_cache(maxsize=16)
def lettering(font: Path) -> Lettering:
    """One Lettering per font file and process."""
    return Lettering(font)


def _tag(letters: set[str]) -> bytes:
    """Six capital letters that name this reduction (9.6.4)."""
    value = zlib.crc32("".join(sorted(letters)).encode("utf-8"))
    return bytes(65 + (value // 26**place) % 26 for place in range(6))


def _unicode_map(glyphs: dict[int, str]) -> bytes:
    rows = [
        b"<%04X> <%b>" % (glyph, letter.encode("utf-16-be").hex().upper().encode("ascii")) for glyph, letter in glyphs.items()
    ]
    blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]  # at most 100 in one block (9.10.3)
    mapped = b"\n".join(b"%d beginbfchar\n%b\nendbfchar" % (len(block), b"\n".join(block)) for block in blocks)
    return (
        b"/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        b"/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        b"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        b"1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n" + mapped + b"\n"
        b"endcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    )
