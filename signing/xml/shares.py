"""How much of a document is signed, for the sentence that a report says about each signature.

Shares(document).of(element, size)       # "45 %"
"""

from bisect import bisect_left
from itertools import accumulate

from signing.xml.tree import Document, Element


class Shares:
    """How much of the document's content something is, signatures left out."""

    def __init__(self, document: Document) -> None:
        outermost: list[Element] = []
        for each in document.signatures:
            if not outermost or not each.is_inside(outermost[-1]):
                outermost.append(each)
        self._numbers = [each.number for each in outermost]
        self._ends = [each.last for each in outermost]
        self._sizes = [0, *accumulate(each.end - each.start for each in outermost)]
        self._in_bytes = document.encoding.startswith("utf-16")
        self._whole = max(1, self._content(document.root))

    def of(self, element: Element | None, size: int) -> str:
        """In percent; a file of the package (None), and what stands in a signature, by its size in bytes."""
        if element is None or self._in_bytes or self._is_in_signature(element):
            return f"{size} byte"
        return f"{round(100 * self._content(element) / self._whole)} %"

    def _content(self, element: Element) -> int:
        first, behind = bisect_left(self._numbers, element.number), bisect_left(self._numbers, element.last + 1)
        return element.end - element.start - (self._sizes[behind] - self._sizes[first])

    def _is_in_signature(self, element: Element) -> bool:
        before = bisect_left(self._numbers, element.number + 1) - 1
        return before >= 0 and element.number <= self._ends[before]
