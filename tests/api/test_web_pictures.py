"""Pictures of pages: the right page, in two widths, kept within bounds; and a sentence for everything that can happen."""

import io
from typing import get_args

import pypdfium2 as pdfium
import pytest
from PIL import Image

from api.web.marks import shown, table_of
from api.web.pictures import WIDTHS, NoSuchPage, Pictures
from api.web.trail import sentence
from workflow.events import Event


def paper(*sizes: tuple[float, float]) -> bytes:
    """Blank pages of these sizes, in points."""
    made = pdfium.PdfDocument.new()
    for width, height in sizes:
        made.new_page(width, height)
    kept = io.BytesIO()
    made.save(kept)
    made.close()
    return kept.getvalue()


def test_a_page_is_drawn_as_wide_as_it_was_asked_for() -> None:
    """Upright and lying pages keep their shape."""
    pictures, pdf = Pictures(), paper((595, 842), (842, 595))

    first = Image.open(io.BytesIO(pictures.png("a" * 64, 1, WIDTHS[0], lambda: pdf)))
    second = Image.open(io.BytesIO(pictures.png("a" * 64, 2, WIDTHS[1], lambda: pdf)))

    assert first.size == (1000, 1416)
    assert second.size == (2000, 1414)


@pytest.mark.parametrize(("number", "width"), [(0, 1000), (3, 1000), (-1, 1000), (1, 999), (1, 100_000)])
def test_what_nobody_draws_is_refused(number: int, width: int) -> None:
    """Pages that are not there and widths that are not offered."""
    pdf = paper((595, 842), (842, 595))

    with pytest.raises(NoSuchPage):
        Pictures().png("a" * 64, number, width, lambda: pdf)


def test_a_strip_of_paper_metres_long_is_not_drawn() -> None:
    """It would take all memory."""
    pdf = paper((100, 14_000))

    with pytest.raises(NoSuchPage):
        Pictures().png("a" * 64, 1, WIDTHS[1], lambda: pdf)


def test_a_drawn_page_is_not_read_again_while_there_is_room() -> None:
    """The bytes of a digest never change; when the room is used up the oldest picture goes."""
    pdf, read = paper((595, 842)), []

    def content() -> bytes:
        read.append(1)
        return pdf

    roomy, narrow = Pictures(), Pictures(cache_bytes=1)
    for pictures in (roomy, narrow):
        for digest in ("a" * 64, "b" * 64, "a" * 64):
            pictures.png(digest, 1, WIDTHS[0], content)

    assert len(read) == 2 + 3


def test_every_kind_of_event_has_its_sentence() -> None:
    """The trail on the page never meets something that it cannot say."""
    wordless = [kind.__name__ for kind in get_args(Event) if sentence.dispatch(kind) is sentence.dispatch(object)]

    assert wordless == []


def test_marks_are_written_with_a_comma() -> None:
    """As on the sheet; what is absent stays empty, and a shorter row is filled up."""
    pupil = {"tt": 1, "name": "Đặng Gia An", "tx": ["8.5", "9"], "gk": "10", "ck": None, "average": "9.0", "year": "8.8"}
    shorter = pupil | {"tt": 2, "tx": ["7"]}

    table = table_of({"class": {"semester": 2}, "pupils": [pupil, shorter]})

    assert table.columns == ("ĐĐGtx 1", "ĐĐGtx 2", "ĐĐGgk", "ĐĐGck", "Học kì", "Cả năm")
    assert table.rows[0].marks == ("8,5", "9", "10", "", "9,0", "8,8")
    assert table.rows[1].marks == ("7", "", "10", "", "9,0", "8,8")
    assert shown(None) == ""
