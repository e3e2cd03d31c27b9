"""What was signed, to look at: the bytes of each signed revision, and its pages beside those of today.

    for revision in signed_revisions(pdf, report):
        revision.content(pdf)                       # the file as it was when this was signed
    compare(pdf, revision.length).pages             # which pages look different now, and where
    draw(pdf, revision.length, page=1).after        # a PNG with the differences outlined

Pages are drawn by PDFium in a process with limits that ends after each file; nothing that comes back from it is more than
numbers that are checked and PNG bytes that are handed on unread. Nothing here raises for what a file holds.
"""

from signing.shown.comparison import Box, Comparison, PageDifference, PagePictures, compare, draw, page_counts
from signing.shown.revisions import SignedRevision, signed_revisions

__all__ = [
    "Box",
    "Comparison",
    "PageDifference",
    "PagePictures",
    "SignedRevision",
    "compare",
    "draw",
    "page_counts",
    "signed_revisions",
]
