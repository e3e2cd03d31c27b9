"""Whatever a file is: PDF, XML, signed package, CMS. One door for those who are handed files.

report = verify_any(content, trust, name="hoc-ba.xml")
"""

from datetime import datetime

from signing.report import Report
from signing.trust import Trust

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


def verify_any(
    content: bytes, trust: Trust, *, at: datetime | None = None, name: str = "", password: str | None = None
) -> Report:
    """The report of the verification that fits the first bytes; of a PDF where none does. Never raises for the content.

    `password` opens an encrypted PDF.
    """
    if content.startswith(b"PK\x03\x04"):
        from signing.asic.verify import verify_package

        return verify_package(content, trust, at=at, name=name)
    if is_xml(content):
        from signing.xml.verify import verify_xml

        return verify_xml(content, trust, at=at, name=name)
    if content[:1] in {b"\x30", b"-"}:
        from signing.cades_verify import is_cms, verify_cms

        if is_cms(content):
            return verify_cms(content, trust, at=at, name=name)
    from signing.verification.verify import verify

    return verify(content, trust, at=at, name=name, password=password)


def is_xml(content: bytes) -> bool:
    """Whether it begins as XML does, and is no PDF with something before its header."""
    start = content[:1024]
    if b"%PDF-" in start:
        return False
    for mark in _BYTE_ORDER_MARKS:
        start = start.removeprefix(mark)
    return start.replace(b"\0", b"").lstrip()[:1] == b"<"
