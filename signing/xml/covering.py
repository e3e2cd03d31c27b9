"""What the signatures of a document cover, and what none of them does.

coverage(content)["PHAT_HANH_HOC_BA/CBQL"][0].path      # "/root/DU_LIEU_HOC_BA"
"""

from collections.abc import Mapping, Sequence

from signing.verification.faults import Fault
from signing.xml.algorithms import DS, VOCABULARY
from signing.xml.references import Covered, is_content, target_id, target_of
from signing.xml.signature import read_signature
from signing.xml.transforms import Without
from signing.xml.tree import Document, Element, read_document

MAX_NAMED = 20  # elements in one finding: a reader of the report takes in no more
MAX_SIGNATURES = 256  # a packed class carries about 50 x 16 in files of their own, one transcript at most 20


def signature_elements(document: Document) -> list[Element]:
    """Every Signature, wherever it stands."""
    return list(document.signatures)


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


def unsigned_attributes(covered: Sequence[Covered]) -> list[str]:
    """Attributes of elements of which only the decoded text is signed; identifiers and an Object's own aside."""
    texts = [each.element for each in covered if each.text_only and each.element is not None]
    known = {"Id", "ID", "id", "Encoding", "MimeType"}
    return [f"{each.path}/@{one.qname}" for each in texts for one in each.attributes if one.local not in known][:MAX_NAMED]


def lookalikes(document: Document, covered: Sequence[Covered]) -> list[str]:
    """Elements that nobody signed under the very name of one that is signed: what signature wrapping leaves behind.

    The signed original is moved to where no program looks, and something else stands in its place. Which of the two a program
    takes, its schema decides, which is not known here, nor whether it minds namespaces. What a signature carries unsigned has
    no purpose at all: there, the names of everything that is signed count.
    """
    signed = [each.element for each in covered if each.element is not None]
    names = {each.local for each in signed if each.namespace != DS and each is not document.root}
    is_signed = signed_numbers(document, covered)
    every = {each.local for each in document.root.walk() if is_signed[each.number] and each.namespace not in VOCABULARY}
    carried = _carried(document)
    found: list[str] = []
    for element in document.root.walk() if every else ():
        told = every if element.number in carried else names
        if not is_signed[element.number] and element.local in told:
            found.append(element.path)
            if len(found) >= MAX_NAMED:
                break
    return found


def _carried(document: Document) -> set[int]:
    """What signatures bring along that is not their own: Objects without properties, and strange elements anywhere in them."""
    found: set[int] = set()
    for signature in document.signatures:
        found.update(each.number for each in signature.walk() if each.namespace not in VOCABULARY)
        for holder in signature.elements("Object", DS):
            if not any(True for _ in holder.elements("QualifyingProperties")):
                found.update(each.number for each in holder.walk())
    return found


def signed_numbers(document: Document, covered: Sequence[Covered]) -> bytearray:
    """For each element by its number whether some signature signs it; signatures that it leaves out are not."""
    ends = {each.number: each.last for each in signature_elements(document)}
    signed = bytearray(document.root.size)
    for start, last, left_out in {(c.element.number, c.element.last, c.left_out) for c in covered if c.element is not None}:
        position = start
        for number in (*sorted(left_out), last + 1):
            if number >= position:
                signed[position:number] = b"\1" * (number - position)
                position = ends.get(number, last) + 1
    return signed


def cut_texts(document: Document, covered: Sequence[Covered]) -> list[str]:
    """Signed elements whose text is cut by a comment or a CDATA section: the first piece is not all of it."""
    is_signed = signed_numbers(document, covered)
    return [each.path for each in document.cut if is_signed[each.number]][:MAX_NAMED]


def share(covered: Covered, document: Document, spans: Sequence[tuple[int, int]]) -> str:
    """How much of the document's content, signatures (at `spans`) left out; of a file of the package its size."""
    if covered.element is None or document.encoding.startswith("utf-16"):
        return f"{covered.size} byte"
    sizes = []
    for element in (covered.element, document.root):
        inside = sum(end - start for start, end in spans if element.start <= start and end <= element.end)
        sizes.append(element.end - element.start - inside)
    return f"{round(100 * sizes[0] / max(1, sizes[1]))} %"
