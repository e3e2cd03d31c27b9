"""Drawing appearances with pyHanko's writer, for documents that the quick way leaves to it.

Form XObjects of our own: no border, full opacity, upright on rotated pages.
"""

import io
import math
import unicodedata
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.font.opentype import GlyphAccumulator
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import BasePdfFileWriter

from signing.apply.appearances import Appearance, Image, Page, Text
from signing.apply.fonts import scaled_font
from signing.batch.drawings import read_picture
from signing.errors import BadAppearance, SigningError

MOST_PDF_BYTES = 8 << 20
MOST_LINES = 40
LINE_HEIGHT = 1.2


def drawn(
    appearance: Appearance, writer: BasePdfFileWriter, width: float, height: float, rotation: int
) -> generic.IndirectObject:
    """The appearance stream for a field of this size (points, as the page is seen), turned for the page's /Rotate."""
    try:
        if isinstance(appearance, Image):
            content, resources = _image(appearance.png, writer, width, height)
        elif isinstance(appearance, Page):
            content, resources = _page(appearance.pdf, writer, width, height)
        else:
            content, resources = _text(appearance, writer, width, height)
    except SigningError:
        raise
    except Exception as error:  # pictures and PDFs are outside bytes: whatever a library raises, it cannot be shown
        raise BadAppearance(
            f"Không vẽ được hình ảnh của chữ ký ({type(appearance).__name__})",
            f"The appearance ({type(appearance).__name__}) cannot be drawn: {type(error).__name__}: {error}",
        ) from error
    return _form(writer, content, resources, width, height, rotation)


def _form(
    writer: BasePdfFileWriter, content: bytes, resources: generic.DictionaryObject, width: float, height: float, rotation: int
) -> generic.IndirectObject:
    form = generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): _numbers(0, 0, width, height),
            pdf_name("/Resources"): resources,
        },
        stream_data=content,
    )
    if rotation:
        # The page is turned clockwise when it is shown: the drawing is turned the other way (ISO 32000-2, 12.5.5).
        cos, sin = round(math.cos(math.radians(rotation))), round(math.sin(math.radians(rotation)))
        form[pdf_name("/Matrix")] = _numbers(cos, sin, -sin, cos, 0, 0)
    form.compress()  # type: ignore[no-untyped-call]
    return writer.add_object(form)


def _fit(inner: tuple[float, float], outer: tuple[float, float]) -> tuple[float, float, float]:
    """Scale and lower-left corner that centre `inner` in `outer`, its shape kept."""
    scale = min(outer[0] / inner[0], outer[1] / inner[1])
    return scale, (outer[0] - inner[0] * scale) / 2, (outer[1] - inner[1] * scale) / 2


# Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    width: int
    height: int
    colour: bytes  # deflated RGB
    alpha: bytes | None  # deflated grey, None where all is opaque


@lru_cache(maxsize=64)
def _picture(png: bytes) -> _Picture:
    """Decoded and deflated once: a school's people sign thousands of times with the same few pictures."""
    rgba = read_picture(png)
    alpha = rgba.getchannel("A")
    opaque = alpha.getextrema() == (255, 255)
    return _Picture(
        width=rgba.width,
        height=rgba.height,
        colour=zlib.compress(rgba.convert("RGB").tobytes(), 9),
        alpha=None if opaque else zlib.compress(alpha.tobytes(), 9),
    )


def _image(png: bytes, writer: BasePdfFileWriter, width: float, height: float) -> tuple[bytes, generic.DictionaryObject]:
    picture = _picture(png)
    image = _pixels(picture, "/DeviceRGB", picture.colour)
    if picture.alpha is not None:
        image[pdf_name("/SMask")] = writer.add_object(_pixels(picture, "/DeviceGray", picture.alpha))
    scale, x, y = _fit((picture.width, picture.height), (width, height))
    content = f"q {picture.width * scale:.4f} 0 0 {picture.height * scale:.4f} {x:.4f} {y:.4f} cm /Im Do Q"
    return content.encode("ascii"), _resources("/XObject", "/Im", writer.add_object(image))


def _pixels(picture: _Picture, space: str, deflated: bytes) -> generic.StreamObject:
    return generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Image"),
            pdf_name("/Width"): _number(picture.width),
            pdf_name("/Height"): _number(picture.height),
            pdf_name("/ColorSpace"): pdf_name(space),
            pdf_name("/BitsPerComponent"): _number(8),
            pdf_name("/Filter"): pdf_name("/FlateDecode"),
        },
        encoded_data=deflated,
    )


# Pages of another PDF


def _page(pdf: bytes, writer: BasePdfFileWriter, width: float, height: float) -> tuple[bytes, generic.DictionaryObject]:
    if len(pdf) > MOST_PDF_BYTES:
        raise BadAppearance(f"Trang hình ảnh quá lớn: {len(pdf)} byte", f"The page to show is too large: {len(pdf)} bytes")
    imported = writer.import_page_as_xobject(PdfFileReader(io.BytesIO(pdf)), page_ix=0)
    left, bottom, right, top = (float(edge) for edge in imported.get_object()["/BBox"])
    scale, x, y = _fit((right - left, top - bottom), (width, height))
    content = f"q {scale:.6f} 0 0 {scale:.6f} {x - left * scale:.4f} {y - bottom * scale:.4f} cm /Pg Do Q"
    return content.encode("ascii"), _resources("/XObject", "/Pg", imported)


# Text


def _text(text: Text, writer: BasePdfFileWriter, width: float, height: float) -> tuple[bytes, generic.DictionaryObject]:
    lines = [unicodedata.normalize("NFC", line) for line in text.lines]
    if not lines or len(lines) > MOST_LINES:
        raise BadAppearance(f"{len(lines)} dòng chữ, cần 1 đến {MOST_LINES}", f"{len(lines)} lines, expected 1 to {MOST_LINES}")
    engine = GlyphAccumulator(writer, scaled_font(text.font), font_size=text.size)
    shaped = [engine.shape(line) for line in lines]
    _complain_about_missing_letters(lines, text.font, engine)
    widest = max((shape.x_advance for shape in shaped), default=0) or 1
    size = min(text.size, height / (LINE_HEIGHT * len(lines)), text.size * width / (widest * text.size))
    top = height - (height - size * LINE_HEIGHT * len(lines)) / 2 - size
    drawn_lines = b" ".join(
        b"1 0 0 1 0 %.4f Tm %s" % (top - index * size * LINE_HEIGHT, shape.graphics_ops) for index, shape in enumerate(shaped)
    )
    content = b"BT /F %.4f Tf %s ET" % (size, drawn_lines)
    resources = _resources("/Font", "/F", engine.as_resource())
    if text.image is not None:
        under, pictures = _image(text.image, writer, width, height)
        content = under + b" " + content
        resources.update(pictures)
    return content, resources


def _complain_about_missing_letters(lines: list[str], font: Path, engine: GlyphAccumulator) -> None:
    """A letter the font lacks would be drawn as nothing at all."""
    known = engine.tt.getBestCmap()
    missing = sorted({letter for line in lines for letter in line if ord(letter) not in known})
    if missing:
        raise BadAppearance(
            f"Phông chữ {font.name} không có: {' '.join(missing)}", f"The font {font.name} lacks: {' '.join(missing)}"
        )


def _resources(category: str, name: str, value: generic.PdfObject) -> generic.DictionaryObject:
    inner = generic.DictionaryObject({pdf_name(name): value})  # type: ignore[no-untyped-call]
    return generic.DictionaryObject({pdf_name(category): inner})  # type: ignore[no-untyped-call]


def _numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(round(value, 4)) for value in values])  # type: ignore[no-untyped-call]


def _number(value: int) -> generic.NumberObject:
    return generic.NumberObject(value)  # type: ignore[no-untyped-call]
