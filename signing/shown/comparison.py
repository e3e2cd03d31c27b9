"""The pages of a file as they were when it was signed beside those of today. Values; the drawing is done elsewhere.

comparison = compare(pdf, revision.length)
[page.number for page in comparison.pages if page.content_changed]
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from signing.report import Finding
from signing.shown.limited import SECONDS, messages

MOST_PAGES = 50  # looked at in one file; the rest is told in a finding
MOST_SHOWN_BOXES = 100
COMPARED_WIDTH = 700  # pixels: small enough for 50 pages in the time, large enough to see a comma
DRAWN_WIDTH = 1000
LARGEST_FILE = 50 * 1024 * 1024

_SENTENCES = {
    "PICTURES_STOPPED": (
        "Chưa so sánh được hết các trang vì tệp đòi hỏi quá nhiều thời gian hoặc bộ nhớ ({detail})",
        "Not every page was compared: the file asks for too much time or memory ({detail})",
    ),
    "PICTURES_UNREADABLE": (
        "Không vẽ được trang của tệp ({detail})",
        "The pages of the file cannot be drawn ({detail})",
    ),
    "PAGES_CUT": (
        "Chỉ so sánh {detail} trang đầu",
        "Only the first {detail} pages were compared",
    ),
    "PAGE_COUNT_CHANGED": (
        "Số trang đã thay đổi sau khi ký: {detail}",
        "The number of pages changed after signing: {detail}",
    ),
}

Kind = Literal["content", "field"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A part of a page that looks different. Fractions of the page's width and height, from its top left corner."""

    left: float
    top: float
    right: float
    bottom: float
    kind: Kind  # of the page's own content; or of what stands on it: fields, seals, annotations


@dataclass(frozen=True, slots=True, kw_only=True)
class PageDifference:
    """One page, as it was signed and as it is."""

    number: int  # from 1
    in_before: bool
    in_after: bool
    boxes: tuple[Box, ...] = ()
    unreadable: bool = False

    @property
    def content_changed(self) -> bool:
        """Something of the page itself is not what it was: no permitted change does that."""
        return any(box.kind == "content" for box in self.boxes)

    @property
    def changed(self) -> bool:
        """Anything looks different, a later signature's stamp included."""
        return bool(self.boxes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All pages that were looked at. What could not be is in the findings, never left out in silence."""

    pages_before: int | None
    pages_after: int | None
    pages: tuple[PageDifference, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def complete(self) -> bool:
        """Every page of both states was compared."""
        most = max(self.pages_before or 0, self.pages_after or 0)
        return bool(most) and len(self.pages) == most and not any(page.unreadable for page in self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class PagePictures:
    """One page as PNG before and after, differences outlined: double red for content, single blue for what stands on it."""

    before: bytes | None  # None: there was no such page
    after: bytes | None
    findings: tuple[Finding, ...] = ()


def page_counts(pdf: bytes, lengths: Sequence[int], *, seconds: float = SECONDS) -> Mapping[int, int | None]:
    """How many pages the file had at each of its lengths; None where that cannot be told."""
    counts: dict[int, int | None] = dict.fromkeys(lengths)
    if len(pdf) > LARGEST_FILE:
        return counts
    for said, _ in messages({"task": "count", "lengths": list(lengths)}, pdf, seconds=seconds):
        length = said.get("length")
        if length in counts:
            counts[length] = _count(said.get("pages"))
    return counts


def compare(pdf: bytes, before: int, *, most_pages: int = MOST_PAGES, seconds: float = SECONDS) -> Comparison:
    """The first `before` bytes of the file beside the whole: which pages look different, and where."""
    if len(pdf) > LARGEST_FILE:
        return Comparison(pages_before=None, pages_after=None, findings=(_finding("PICTURES_STOPPED", f"{len(pdf)} byte"),))
    most = min(most_pages, MOST_PAGES)
    request = {"task": "compare", "before": before, "most": most, "width": COMPARED_WIDTH}
    counts: tuple[int | None, int | None] = (None, None)
    pages: list[PageDifference] = []
    failed = ""
    for said, _ in messages(request, pdf, seconds=seconds):
        if "failed" in said:
            failed = str(said["failed"])[:40]
        elif "page" not in said:
            counts = _count(said.get("pages_before")), _count(said.get("pages_after"))
        elif (page := _page(said, len(pages) + 1)) is not None:
            pages.append(page)
    findings = _findings(counts, len(pages), most, failed, seconds)
    return Comparison(pages_before=counts[0], pages_after=counts[1], pages=tuple(pages), findings=findings)


def draw(pdf: bytes, before: int, page: int, *, width: int = DRAWN_WIDTH, seconds: float = SECONDS) -> PagePictures:
    """One page, from 1, of both states."""
    failed = f"{seconds:g} s"
    if 1 <= page <= MOST_PAGES and len(pdf) <= LARGEST_FILE:
        request = {"task": "draw", "before": before, "page": page, "width": min(width, 2 * DRAWN_WIDTH)}
        for said, pictures in messages(request, pdf, seconds=seconds):
            if "failed" in said:
                failed = str(said["failed"])[:40]
            elif len(pictures) == 2:  # noqa: PLR2004 - before and after
                return PagePictures(before=pictures[0] or None, after=pictures[1] or None)
    return PagePictures(before=None, after=None, findings=(_finding("PICTURES_UNREADABLE", failed),))


def _findings(
    counts: tuple[int | None, int | None], looked_at: int, most: int, failed: str, seconds: float
) -> tuple[Finding, ...]:
    found = []
    before, after = counts
    if before is None or after is None:
        return (_finding("PICTURES_UNREADABLE", failed) if failed else _finding("PICTURES_STOPPED", f"{seconds:g} s"),)
    if before != after:
        found.append(_finding("PAGE_COUNT_CHANGED", f"{before} → {after}"))
    wanted = max(before, after)
    if looked_at < min(wanted, most):
        found.append(_finding("PICTURES_STOPPED", failed or f"{looked_at}/{wanted}, {seconds:g} s"))
    elif wanted > most:
        found.append(_finding("PAGES_CUT", f"{most}/{wanted}"))
    return tuple(found)


# What the drawing process says is believed only where it has the shape of an answer.


def _count(said: Any) -> int | None:
    return said if isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= 10_000_000 else None  # noqa: PLR2004


def _page(said: Mapping[str, Any], expected: int) -> PageDifference | None:
    boxes = said.get("boxes")
    if said.get("page") != expected or not isinstance(boxes, list):
        return None
    return PageDifference(
        number=expected,
        in_before=said.get("before") is True,
        in_after=said.get("after") is True,
        boxes=tuple(box for each in boxes[:MOST_SHOWN_BOXES] if (box := _box(each)) is not None),
        unreadable=said.get("unreadable") is True,
    )


def _box(said: Any) -> Box | None:
    match said:
        case [int() | float() as left, int() | float() as top, int() | float() as right, int() | float() as bottom, str(kind)]:
            if 0 <= left <= right <= 1 and 0 <= top <= bottom <= 1 and kind in {"content", "field"}:
                return Box(left=left, top=top, right=right, bottom=bottom, kind="content" if kind == "content" else "field")
    return None


def _finding(code: str, detail: object) -> Finding:
    vi, en = _SENTENCES[code]
    return Finding(code=code, message=f"{vi} / {en}".replace("{detail}", str(detail)))
