"""What is seen at the place of a signature, prepared once and drawn into many documents: pictures and cards.

    seal = Card(card_pdf)                  # the first page of a PDF
    hand = Picture(png)
    Order(field="clerk_seals", drawing=seal, ...)

Each document gets its own copy of the objects (a PDF cannot share them), but nothing is decoded or packed twice.
"""

import io
import re
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from signing.batch.document import Document
from signing.batch.placing import page_number
from signing.batch.syntax import Values, number, reference, string_end, write_dictionary
from signing.batch.unusual import Unusual
from signing.errors import BadAppearance

if TYPE_CHECKING:
    from PIL.Image import Image as Pillow

# A hand signature or a seal. 4000 x 4000 pixels are already more than any printer shows in a few centimetres.
MOST_PIXELS = 16_000_000

# A card is a page with a picture and a font or two.
MOST_CARD_OBJECTS = 200
MOST_CARD_BYTES = 8 * 1024 * 1024

_SPACE = rb"\x00\t\n\f\r "
_REGULAR = rb"[^" + _SPACE + rb"()<>\[\]{}/%]"
_STRING_OR_REFERENCE = re.compile(
    rb"\(|%|(?<!" + _REGULAR + rb")(?<!/)(\d{1,10})[" + _SPACE + rb"]+0[" + _SPACE + rb"]+R(?!" + _REGULAR + rb")"
)


def packed_stream(values: Values, content: bytes) -> bytes:
    """A stream object's body, deflated."""
    deflated = zlib.compress(content, 9)
    return raw_stream({**values, b"/Filter": b"/FlateDecode"}, deflated)


def raw_stream(values: Values, raw: bytes) -> bytes:
    """A stream object's body with its bytes as they are."""
    return b"%b\nstream\n%b\nendstream" % (write_dictionary({**values, b"/Length": b"%d" % len(raw)}), raw)


def form_object(document: Document, *, width: float, height: float, content: bytes, resources: bytes) -> int:
    """A form XObject of this size; its number."""
    values = {
        b"/Type": b"/XObject",
        b"/Subtype": b"/Form",
        b"/BBox": b"[0 0 %.4f %.4f]" % (width, height),
        b"/Resources": resources,
    }
    return document.add(packed_stream(values, content))


def fit(inner: tuple[float, float], outer: tuple[float, float]) -> tuple[float, float, float]:
    """Scale and lower-left corner that centre `inner` in `outer`, its shape kept."""
    scale = min(outer[0] / inner[0], outer[1] / inner[1])
    return scale, (outer[0] - inner[0] * scale) / 2, (outer[1] - inner[1] * scale) / 2


def read_picture(image: bytes) -> "Pillow":
    """A PNG or JPEG with its transparency (RGBA). Raises BadAppearance."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(image), formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise BadAppearance(
                    f"Ảnh quá lớn: {opened.width} × {opened.height} điểm",
                    f"The picture is too large: {opened.width} × {opened.height}",
                )
            return opened.convert("RGBA")
    except (OSError, ValueError, SyntaxError) as error:  # what Pillow raises on damaged pictures
        # Pillow's own words name an object in memory.
        raise BadAppearance(
            "Không đọc được ảnh của chữ ký; cần tệp PNG hoặc JPEG", "The picture cannot be read; a PNG or JPEG is expected"
        ) from error


class Picture:
    """A PNG or JPEG, fitted into the field and centred; transparency is kept."""

    def __init__(self, image: bytes) -> None:
        rgba = read_picture(image)
        alpha = rgba.getchannel("A")
        self._width, self._height = rgba.size
        self._mask = None
        if alpha.getextrema() != (255, 255):
            self._mask = packed_stream(self._values(b"/DeviceGray"), alpha.tobytes())
        self._deflated = zlib.compress(rgba.convert("RGB").tobytes(), 9)
        self._opaque = raw_stream({**self._values(b"/DeviceRGB"), b"/Filter": b"/FlateDecode"}, self._deflated)

    def draw(self, document: Document, width: float, height: float) -> int:
        """See Drawing."""
        content, resources = self.painted(document, width, height)
        return form_object(document, width=width, height=height, content=content, resources=b"<< /XObject %b >>" % resources)

    def painted(self, document: Document, width: float, height: float) -> tuple[bytes, bytes]:
        """The operators that paint the picture as /Im, and the /XObject resources they need."""
        image = self._opaque
        if self._mask is not None:
            values = {
                **self._values(b"/DeviceRGB"),
                b"/Filter": b"/FlateDecode",
                b"/SMask": b"%d 0 R" % document.add(self._mask),
            }
            image = raw_stream(values, self._deflated)
        scale, x, y = fit((self._width, self._height), (width, height))
        content = b"q %.4f 0 0 %.4f %.4f %.4f cm /Im Do Q" % (self._width * scale, self._height * scale, x, y)
        return content, b"<< /Im %d 0 R >>" % document.add(image)

    def _values(self, space: bytes) -> Values:
        return {
            b"/Type": b"/XObject",
            b"/Subtype": b"/Image",
            b"/Width": b"%d" % self._width,
            b"/Height": b"%d" % self._height,
            b"/ColorSpace": space,
            b"/BitsPerComponent": b"8",
        }


@dataclass(frozen=True, slots=True)
class _Copy:
    """An object's body cut at its references: the gaps are filled with new numbers."""

    pieces: tuple[bytes, ...]
    targets: tuple[int, ...]  # which copied object stands in each gap

    def renumbered(self, first: int) -> bytes:
        parts = [self.pieces[0]]
        for target, piece in zip(self.targets, self.pieces[1:], strict=True):
            parts += [b"%d 0 R" % (first + target), piece]
        return b"".join(parts)


class Card:
    """The first page of another PDF, such as a seal card, fitted into the field and centred. Unusual: pyHanko draws it."""

    def __init__(self, pdf: bytes) -> None:
        if len(pdf) > MOST_CARD_BYTES:
            raise BadAppearance(f"Trang hình ảnh quá lớn: {len(pdf)} byte", f"The page to show is too large: {len(pdf)} bytes")
        card = Document(pdf)
        page = card.dictionary(page_number(card, 0))
        contents = reference(page.get(b"/Contents", b""))
        if contents is None or b"/Rotate" in page or b"/CropBox" in page:
            raise Unusual("a card whose page is turned, cropped or drawn in several pieces")
        self._box = tuple(number(raw) for raw in card.resolved_array(_inherited(card, page, b"/MediaBox")))
        if len(self._box) != 4 or self._box[0] >= self._box[2] or self._box[1] >= self._box[3]:  # noqa: PLR2004 - corners
            raise Unusual("a card without a size")
        drawn = card.stream(contents)
        values = {
            **{key: raw for key, raw in drawn.values.items() if key in {b"/Filter", b"/DecodeParms"}},
            b"/Type": b"/XObject",
            b"/Subtype": b"/Form",
            b"/BBox": b"[%b]" % b" ".join(b"%.4f" % edge for edge in self._box),
            b"/Resources": _inherited(card, page, b"/Resources"),
        }
        if b"/Group" in page:
            values[b"/Group"] = page[b"/Group"]
        self._copies = _copied(card, raw_stream(values, drawn.raw))

    def draw(self, document: Document, width: float, height: float) -> int:
        """See Drawing."""
        numbers = [document.reserve() for _ in self._copies]
        for own, copy in zip(numbers, self._copies, strict=True):
            document.put(own, copy.renumbered(numbers[0]))
        left, bottom, right, top = self._box
        scale, x, y = fit((right - left, top - bottom), (width, height))
        content = b"q %.6f 0 0 %.6f %.4f %.4f cm /Pg Do Q" % (scale, scale, x - left * scale, y - bottom * scale)
        resources = b"<< /XObject << /Pg %d 0 R >> >>" % numbers[0]
        return form_object(document, width=width, height=height, content=content, resources=resources)


def _inherited(document: Document, page: Values, key: bytes) -> bytes:
    """A page's value, or its ancestors' (7.7.3.4)."""
    for _ in range(32):
        if key in page:
            return page[key]
        parent = reference(page.get(b"/Parent", b""))
        if parent is None:
            break
        page = document.dictionary(parent)
    raise Unusual(f"a page without {key!r}")


def _copied(document: Document, first: bytes) -> tuple[_Copy, ...]:
    """`first` and everything it refers to, directly or through others."""
    bodies, places, copies, size = [first], {}, [], 0
    for body in bodies:  # grows while it is walked
        head, stream = _head_and_stream(body)
        cuts = _references(head)
        targets = []
        for _, _, target in cuts:
            if target not in places:
                places[target] = len(bodies)
                bodies.append(_body(document, target))
            targets.append(places[target])
        edges = [0, *(edge for start, end, _ in cuts for edge in (start, end)), len(head)]
        pieces = [head[start:end] for start, end in list(pairwise(edges))[::2]]
        pieces[-1] += stream
        copies.append(_Copy(tuple(pieces), tuple(targets)))
        size += len(body)
        if len(bodies) > MOST_CARD_OBJECTS or size > MOST_CARD_BYTES:
            raise Unusual("a card that brings too much along")
    return tuple(copies)


def _body(document: Document, target: int) -> bytes:
    if not document.is_stream_object(target):
        return document.value(target)
    stream = document.stream(target)
    return raw_stream(stream.values, stream.raw)


def _head_and_stream(body: bytes) -> tuple[bytes, bytes]:
    """An object's dictionary and, where it is a stream of ours, what follows it."""
    at = body.find(b"\nstream\n")
    return (body, b"") if at < 0 or not body.startswith(b"<<") else (body[:at], body[at:])


def _references(raw: bytes) -> list[tuple[int, int, int]]:
    """Start, end and target of each reference outside of strings."""
    found, at = [], 0
    while match := _STRING_OR_REFERENCE.search(raw, at):
        if match[0] == b"(":
            at = string_end(raw, match.start())
        elif match[0] == b"%":
            raise Unusual("a comment inside an object")
        else:
            found.append((match.start(), match.end(), int(match[1])))
            at = match.end()
    return found
