"""The limited process that draws other people's pages: a request and a file on stdin, numbers and PNGs on stdout.

Run by `signing.shown.limited` as a file of its own, `python -I drawing.py`, so that it loads next to nothing and its limits
are its own. It imports only the standard library, PDFium and Pillow.

What it promises: at most 1 GB and 15 s of processor; it writes no file, opens none and reaches no network, because it may
have no file descriptor beyond the three it was born with. PDFium is C++ over hostile bytes: whoever reads our answers
must treat them as hostile too.

In:  a line of JSON {"task", ...}, then the file. Out, again and again: 4 bytes of length, JSON; the PNGs that it announces.
"""

import io
import json
import math
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
from PIL import Image, ImageChops, ImageDraw

MEMORY_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 15
MOST_PIXELS = 3_000_000  # of one picture: A4 at 1000 pixels of width has half of that
CELL = 8  # pixels: differences nearer than this are one
MOST_BOXES = 40  # outlined on one page; what is beyond is inside one box around all
COLOURS = 64  # black text, blue ink and the red seal stay apart; a fifth of true colour's size
CONTENT, FIELD = "content", "field"
INK = {CONTENT: (200, 0, 0), FIELD: (0, 70, 200)}

Cells = set[tuple[int, int]]


def main() -> None:
    """One request, then the end."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Image.preinit()  # the PNG writer is loaded before files can no longer be opened
    Image.init()
    request = json.loads(sys.stdin.buffer.readline())
    content = sys.stdin.buffer.read()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    try:
        for answer, pictures in TASKS[request["task"]](content, request):
            say(answer, pictures)
    except MemoryError:
        say({"failed": "memory"}, [])
    except Exception as fault:  # noqa: BLE001 -- hostile bytes: any failure is an answer
        say({"failed": type(fault).__name__}, [])


def say(answer: dict[str, Any], pictures: list[bytes]) -> None:
    """One message, at once: what was said stays said when the process is ended."""
    head = json.dumps({**answer, "pictures": [len(each) for each in pictures]}).encode()
    sys.stdout.buffer.write(struct.pack(">I", len(head)) + head + b"".join(pictures))
    sys.stdout.buffer.flush()


Answers = Iterator[tuple[dict[str, Any], list[bytes]]]


def count(content: bytes, request: dict[str, Any]) -> Answers:
    """How many pages the file has at each length."""
    for length in request["lengths"]:
        try:
            pages = len(opened(content[:length]))
        except pdfium.PdfiumError:
            pages = None
        yield {"length": length, "pages": pages}, []


def compare(content: bytes, request: dict[str, Any]) -> Answers:
    """Each page of the earlier state beside the one of today, at most so many; a message each."""
    before, after = opened(content[: request["before"]]), opened(content)
    yield {"pages_before": len(before), "pages_after": len(after)}, []
    for index in range(min(max(len(before), len(after)), request["most"])):
        yield compared(before, after, index, request["width"]), []


def compared(before: pdfium.PdfDocument, after: pdfium.PdfDocument, index: int, width: int) -> dict[str, Any]:
    """Which parts of one page differ: of its content, and of what stands on it (fields, seals, annotations)."""
    told: dict[str, Any] = {"page": index + 1, "before": index < len(before), "after": index < len(after)}
    if not (told["before"] and told["after"]):
        return told | {"boxes": [[0, 0, 1, 1, CONTENT]]}
    try:
        pair = before[index], after[index]
        plain = [drawn(page, width, whole=False) for page in pair]
        whole = [drawn(page, width, whole=True) for page in pair]
    except (pdfium.PdfiumError, ValueError, OverflowError):
        return told | {"unreadable": True, "boxes": []}
    if plain[0].size != plain[1].size:
        return told | {"boxes": [[0, 0, 1, 1, CONTENT]]}
    content = cells(*plain)
    fields = cells(*whole) - content
    size = plain[0].size
    return told | {
        "boxes": [[*box, kind] for found, kind in ((content, CONTENT), (fields, FIELD)) for box in boxes(found, size)]
    }


def draw(content: bytes, request: dict[str, Any]) -> Answers:
    """One page before and after, the differences outlined on both."""
    states, index = (opened(content[: request["before"]]), opened(content)), request["page"] - 1
    outlined = compared(*states, index, request["width"])["boxes"]
    pictures = []
    for state in states:
        if not 0 <= index < len(state):
            pictures.append(b"")
            continue
        picture = drawn(state[index], request["width"], whole=True)
        outline(picture, outlined)
        pictures.append(png(picture))
    yield {"drawn": True}, pictures


TASKS = {"count": count, "compare": compare, "draw": draw}


def opened(content: bytes) -> pdfium.PdfDocument:
    """A document with its forms: signatures are fields, and without forms they are not drawn."""
    pdf = pdfium.PdfDocument(content)
    pdf.init_forms()
    return pdf


def drawn(page: pdfium.PdfPage, width: int, *, whole: bool) -> Image.Image:
    """The page as a picture, with (`whole`) or without fields and annotations. ValueError: it has no sensible size."""
    across, down = page.get_size()
    if not (math.isfinite(across) and math.isfinite(down) and across > 0 and down > 0):
        raise ValueError("a page without a size")
    scale = min(width / across, math.sqrt(MOST_PIXELS / (across * down)))
    if across * scale < CELL or down * scale < CELL:
        raise ValueError("a page as thin as a line")
    picture: Image.Image = page.render(scale=scale, draw_annots=whole, may_draw_forms=whole).to_pil().convert("RGB")
    return picture


def cells(first: Image.Image, second: Image.Image) -> Cells:
    """The squares in which two pictures of one size differ, by however little: PDFium draws the same page the same way."""
    red, green, blue = ImageChops.difference(first, second).split()
    marks = ImageChops.lighter(ImageChops.lighter(red, green), blue).point([0] + [255] * 255)
    small = marks.reduce(CELL)
    across = small.size[0]
    return {(place % across, place // across) for place, mark in enumerate(small.tobytes()) if mark}


def boxes(marked: Cells, size: tuple[int, int]) -> list[list[float]]:
    """One box around each group of neighbouring squares, as fractions of the page."""
    found: list[tuple[int, int, int, int]] = []
    left = set(marked)
    while left:
        group, edge = set(), [left.pop()]
        while edge:
            x, y = edge.pop()
            group.add((x, y))
            near = {(x + dx, y + dy) for dx in (-2, -1, 0, 1, 2) for dy in (-2, -1, 0, 1, 2)} & left
            left -= near
            edge += near
        found.append((min(x for x, _ in group), min(y for _, y in group), max(x for x, _ in group), max(y for _, y in group)))
    if len(found) <= MOST_BOXES:
        found = [box for box in found if not any(box != other and inside(box, other) for other in found)]
    else:
        found = [(min(b[0] for b in found), min(b[1] for b in found), max(b[2] for b in found), max(b[3] for b in found))]
    across, down = size
    return [
        [
            min(x * CELL / across, 1),
            min(y * CELL / down, 1),
            min((right + 1) * CELL / across, 1),
            min((low + 1) * CELL / down, 1),
        ]
        for x, y, right, low in sorted(found, key=lambda box: (box[1], box[0]))
    ]


def inside(box: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    """Whether the other box shows this one's place already."""
    return other[0] <= box[0] and other[1] <= box[1] and other[2] >= box[2] and other[3] >= box[3]


def outline(picture: Image.Image, outlined: list[list[Any]]) -> None:
    """A frame around each difference: double and red for the content, single and blue for fields and annotations."""
    across, down = picture.size
    pen = ImageDraw.Draw(picture)
    for left, top, right, bottom, kind in outlined:
        frame = (
            max(left * across - 4, 0),
            max(top * down - 4, 0),
            min(right * across + 3, across - 1),
            min(bottom * down + 3, down - 1),
        )
        pen.rectangle(frame, outline=INK[kind], width=2)
        if kind == CONTENT and frame[2] - frame[0] > 2 * CELL and frame[3] - frame[1] > 2 * CELL:
            pen.rectangle((frame[0] + 4, frame[1] + 4, frame[2] - 4, frame[3] - 4), outline=INK[kind], width=1)


def png(picture: Image.Image) -> bytes:
    """A small PNG."""
    kept = io.BytesIO()
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(kept, "PNG")
    return kept.getvalue()


if __name__ == "__main__":
    main()
