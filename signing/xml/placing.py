"""Where a signature goes in an XML document, and putting bytes there: nothing else of the document is ever written again.

document = read_signable(xml)
place = find_place(document, "PHAT_HANH_HOC_BA/CBQL")
xml = inserted(xml, element, b"...")
check_signed(xml, signature, certificate, trust)
"""

import re
from collections.abc import Callable
from datetime import datetime

from signing.errors import BrokenResult, FieldTaken, WouldBreakSignatures
from signing.report import SignatureReport
from signing.trust import Trust
from signing.xml.algorithms import DS
from signing.xml.covering import field_of
from signing.xml.errors import NoSuchPlace, NothingToReference, NotSignableXml, PlaceInsideReference
from signing.xml.tree import BadXml, Document, Element, read_document
from signing.xml.verify import verify_xml

_STEP = re.compile(r"(?P<name>[^\[\]/]+)(\[(?P<number>\d{1,4})\]|\[@Id='(?P<id>[^']{1,200})'\])?")


def read_signable(xml: bytes) -> Document:
    """A document into which bytes may be put. Raises NotSignableXml."""
    try:
        document = read_document(xml)
    except BadXml as fault:
        raise NotSignableXml(f"Tệp XML không ký được: {fault}", f"The XML cannot be signed: {fault}") from fault
    if document.encoding not in {"utf-8", "us-ascii", "ascii"}:
        raise NotSignableXml(
            f"Tệp XML mã hóa {document.encoding}, cần UTF-8", f"The XML is encoded as {document.encoding}, UTF-8 is expected"
        )
    return document


def find_place(document: Document, place: str) -> Element:
    """The one element at a path. Raises NoSuchPlace, FieldTaken when a signature stands there already."""
    steps = place.strip("/").split("/")
    if place.startswith("/"):
        steps = steps[1:]
    found = [document.root]
    for step in steps if steps != [""] else []:
        match = _STEP.fullmatch(step)
        found = [each for parent in found for each in _stepped(parent, match)] if match else []
    if len(found) != 1:
        raise NoSuchPlace(
            f"Có {len(found)} chỗ ký «{place}», cần một", f"There are {len(found)} places “{place}”, expected one"
        )
    if any(True for _ in found[0].elements("Signature", DS)):
        raise FieldTaken(f"Chỗ ký «{place}» đã có chữ ký", f"The place “{place}” carries a signature already")
    return found[0]


def _stepped(parent: Element, step: re.Match[str]) -> list[Element]:
    named = [each for each in parent.elements() if step["name"] in {each.qname, each.local}]
    if step["number"]:
        return named[int(step["number"]) - 1 : int(step["number"])] if int(step["number"]) else []
    if step["id"]:
        return [each for each in named if each.attribute("Id") == step["id"]]
    return named


def find_target(document: Document, reference_id: str, place: Element) -> Element:
    """The one element to be signed, outside of which the place lies. Raises NothingToReference, PlaceInsideReference."""
    if not reference_id:
        return document.root
    found = document.find_ids(reference_id)
    if len(found) != 1:
        raise NothingToReference(
            f"Có {len(found)} phần tử mang Id «{reference_id}», cần một",
            f"{len(found)} elements carry the Id “{reference_id}”, expected one",
        )
    if place.is_inside(found[0]):
        raise PlaceInsideReference(
            f"Chỗ ký {place.path} nằm trong phần được ký {found[0].path}",
            f"The place {place.path} lies inside what is signed, {found[0].path}",
        )
    return found[0]


def inserted(xml: bytes, element: Element, text: bytes) -> bytes:
    """`text` as the last thing inside an element; an empty-element tag is opened for it."""
    if element.content_end >= 0:
        return xml[: element.content_end] + text + xml[element.content_end :]
    closing = b"</" + element.qname.encode() + b">"
    return xml[: element.end - 2] + b">" + text + closing + xml[element.end :]


def check_signed(
    xml: bytes,
    find: Callable[[Document], Element],
    certificate: bytes,
    trust: Trust | None,
    *,
    before: bytes | None = None,
    at: datetime | None = None,
) -> SignatureReport:
    """Verify what was made: the signature is whole, and each other one is as whole as `before` (default: without it).

    Raises BrokenResult, WouldBreakSignatures.
    """
    after = _reports(xml, trust, at)
    mine = find(read_signable(xml))
    own = after.pop(field_of(mine))
    if not own.intact or own.certificate != certificate:
        said = "; ".join(each.message for each in own.findings)
        raise BrokenResult(f"Chữ ký vừa tạo không đạt kiểm tra: {said}", f"The new signature does not hold: {said}")
    known = _reports(xml[: mine.start] + xml[mine.end :] if before is None else before, trust, at)
    hurt = [name for name, report in known.items() if report.intact and name in after and not after[name].intact]
    if hurt:
        raise WouldBreakSignatures(
            f"Ký ở đây sẽ làm hỏng chữ ký: {', '.join(hurt)}", f"Signing here would break: {', '.join(hurt)}"
        )
    return own


def _reports(xml: bytes, trust: Trust | None, at: datetime | None) -> dict[str, SignatureReport]:
    believed = trust or Trust(version="none", roots=())
    return {each.field: each for each in verify_xml(xml, believed, at=at).signatures}
