"""What the signatures of a document cover, and what none of them does.

coverage(content)["PHAT_HANH_HOC_BA/CBQL"][0].path      # "/root/DU_LIEU_HOC_BA"
"""

from collections.abc import Mapping, Sequence

from signing.verification.faults import Fault
from signing.xml.algorithms import DS
from signing.xml.references import Covered, is_content, target_id, target_of
from signing.xml.signature import read_signature
from signing.xml.transforms import Without
from signing.xml.tree import Document, Element, read_document

MAX_NAMED = 20  # elements in one finding: a reader of the report takes in no more
MAX_SIGNATURES = 256  # a packed class carries about 50 x 16 in files of their own, one transcript at most 20


def signature_elements(document: Document) -> list[Element]:
    """Every Signature, wherever it stands."""
    return [each for each in document.root.walk() if each.local == "Signature" and each.namespace == DS]


def coverage(content: bytes) -> Mapping[str, tuple[Covered, ...]]:
    """What each signature covers, by the `field` of its report: for programs that must know that their part is signed.

    Only what the references name; whether the digests fit is in the report. Raises BadXml.
    """
    document = read_document(content)
    found: dict[str, tuple[Covered, ...]] = {}
    for element in signature_elements(document)[:MAX_SIGNATURES]:
        try:
            parsed = read_signature(element)
            targets = [target_of(each, parsed, document) for each in parsed.references]
        except Fault:
            continue
        found[field_of(element)] = tuple(
            Covered(
                path=target.path,
                id=target_id(each),
                size=0,
                element=target,
                enveloped=each.transforms.without is not Without.NOTHING,
            )
            for each, target in zip(parsed.references, targets, strict=True)
            if is_content(target, parsed)
        )
    return found


def field_of(signature: Element) -> str:
    """The name under which a signature is reported: where it stands, without the root."""
    parent = signature.parent
    if parent is None:
        return signature.local
    here = parent.path.lstrip("/").partition("/")[2]
    several = sum(1 for _ in parent.elements("Signature", DS)) > 1
    step = signature.path.rpartition("/")[2].rpartition(":")[2]
    return (f"{here}/{step}" if several and here else step if several else here) or signature.local


def data_targets(elements: list[Element], document: Document) -> list[tuple[Element, tuple[Element, ...]]]:
    """Each signature with the content that it references, as far as that can be told."""
    found: list[tuple[Element, tuple[Element, ...]]] = []
    for element in elements:
        try:
            parsed = read_signature(element)
            targets = tuple(target_of(each, parsed, document) for each in parsed.references)
        except Fault:
            found.append((element, ()))
            continue
        found.append((element, tuple(each for each in targets if is_content(each, parsed))))
    return found


def unsigned_parts(document: Document, signed: list[Element]) -> list[str]:
    """The highest elements of which nothing is signed: whoever reads them reads what anyone may have written."""
    inside = {id(each) for each in signed}
    # Elements on the way to something signed, or to a signature, are looked into; they say nothing by themselves.
    on_the_way = {id(above) for each in (*signed, *signature_elements(document)) for above in each.ancestors}
    found: list[str] = []
    stack = [document.root]
    while stack and len(found) < MAX_NAMED:
        element = stack.pop()
        if id(element) in inside or (element.local == "Signature" and element.namespace == DS):
            continue
        children = list(element.elements())
        if id(element) in on_the_way:
            stack.extend(reversed(children))
        elif children or element.text.strip() or element.attributes:
            found.append(element.path)
    return found


def lookalikes(document: Document, signed: list[Element]) -> list[str]:
    """Elements that nobody signed under the very name of one that is signed: what signature wrapping leaves behind.

    The signed original is moved to where no program looks, and something else stands in its place. Which of the two a program
    takes, its schema decides, which is not known here.
    """
    names = {(each.namespace, each.local) for each in signed if each.namespace != DS and each is not document.root}
    if not names:
        return []
    inside = sorted((each.number, each.last) for each in (*signed, *signature_elements(document)))
    found: list[str] = []
    covered_to = -1
    spans = iter(inside)
    span = next(spans, None)
    for element in document.root.walk():
        while span is not None and span[0] <= element.number:
            covered_to = max(covered_to, span[1])
            span = next(spans, None)
        if element.number > covered_to and (element.namespace, element.local) in names:
            found.append(element.path)
            if len(found) >= MAX_NAMED:
                break
    return found


def cut_texts(document: Document, signed: list[Element]) -> list[str]:
    """Signed elements whose text is cut by a comment or a CDATA section: the first piece is not all of it."""
    return [each.path for each in document.cut if any(each.is_inside(one) for one in signed)][:MAX_NAMED]


def share(covered: Covered, document: Document, spans: Sequence[tuple[int, int]]) -> str:
    """How much of the document's content, signatures (at `spans`) left out; of a file of the package its size."""
    if covered.element is None or document.encoding.startswith("utf-16"):
        return f"{covered.size} byte"
    sizes = []
    for element in (covered.element, document.root):
        inside = sum(end - start for start, end in spans if element.start <= start and end <= element.end)
        sizes.append(element.end - element.start - inside)
    return f"{round(100 * sizes[0] / max(1, sizes[1]))} %"
