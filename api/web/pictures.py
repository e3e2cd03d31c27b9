"""Pictures of the pages of our own revisions, with the text that is really on them.

Only bytes that this office stored are drawn here; a visitor's upload never reaches this parser in this process.
PDFium is not safe for threads: one page is drawn at a time.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import pypdfium2 as pdfium

T = TypeVar("T")

# A class book of 45 pupils and 13 subjects has some 30 pages.
MOST_PAGES = 400
# Widths that are drawn, in pixels: one to read on a screen, one to look closely. Others would fill the cache for nothing.
WIDTHS = (1000, 2000)
# A page is at most this many pixels high per pixel of width: a strip of paper metres long would take all memory.
TALLEST = 4.0
LONGEST_TEXT = 50_000
CACHE_BYTES = 96 * 1024 * 1024
# Sixty-four colours keep black text, the blue signature and the red seal apart; the file is a fifth of true colour.
COLOURS = 64


class NoSuchPage(Exception):
    """The document has no page of this number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """One page as a reader without pictures meets it."""

    number: int  # from 1
    text: str
    width: float  # points
    height: float


class Pictures:
    """Draws pages and remembers them by the digest of the file: the bytes of a digest never change."""

    def __init__(self, cache_bytes: int = CACHE_BYTES) -> None:
        self._cache_bytes = cache_bytes
        self._held = 0
        self._pictures: OrderedDict[tuple[str, int, int], bytes] = OrderedDict()
        self._texts: OrderedDict[str, tuple[PageText, ...]] = OrderedDict()
        self._drawing = threading.Lock()

    def pages(self, digest: str, content: Callable[[], bytes]) -> tuple[PageText, ...]:
        """Every page with its text."""
        with self._drawing:
            if digest not in self._texts:
                self._texts[digest] = _opened(content(), _texts)
                if len(self._texts) > 500:  # noqa: PLR2004 - some 20 MB of text at the most
                    self._texts.popitem(last=False)
            return self._texts[digest]

    def png(self, digest: str, number: int, width: int, content: Callable[[], bytes]) -> bytes:
        """A page, from 1, as a PNG of this width. NoSuchPage if there is none or nobody draws that width."""
        if width not in WIDTHS:
            raise NoSuchPage
        key = (digest, number, width)
        with self._drawing:
            if key in self._pictures:
                self._pictures.move_to_end(key)
                return self._pictures[key]
            drawn = _opened(content(), lambda pdf: _drawn(pdf, number, width))
            self._pictures[key] = drawn
            self._held += len(drawn)
            while self._held > self._cache_bytes and len(self._pictures) > 1:
                self._held -= len(self._pictures.popitem(last=False)[1])
            return drawn


def _opened(content: bytes, look: Callable[[pdfium.PdfDocument], T]) -> T:
    pdf = pdfium.PdfDocument(content)
    try:
        pdf.init_forms()  # signatures are form fields: without this they are not drawn
        return look(pdf)
    finally:
        pdf.close()


def _texts(pdf: pdfium.PdfDocument) -> tuple[PageText, ...]:
    found = []
    for index in range(min(len(pdf), MOST_PAGES)):
        page = pdf[index]
        words = page.get_textpage()
        text = words.get_text_range(count=min(words.count_chars(), LONGEST_TEXT))
        width, height = page.get_size()
        found.append(PageText(number=index + 1, text=text.replace("\r\n", "\n").strip(), width=width, height=height))
    return tuple(found)


def _drawn(pdf: pdfium.PdfDocument, number: int, width: int) -> bytes:
    if not 1 <= number <= min(len(pdf), MOST_PAGES):
        raise NoSuchPage
    page = pdf[number - 1]
    across, down = page.get_size()
    if across <= 0 or down / across > TALLEST:
        raise NoSuchPage
    picture = page.render(scale=width / across, may_draw_forms=True).to_pil()
    kept = io.BytesIO()
    picture.convert("RGB").quantize(COLOURS, dither=0).save(kept, "PNG", optimize=False)
    return kept.getvalue()
