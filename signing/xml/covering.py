"""What the signatures of a document cover, and what none of them does.

coverage(content)["PHAT_HANH_HOC_BA/CBQL"][0].path      # "/root/DU_LIEU_HOC_BA"
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from signing.verification.faults import Fault
from signing.xml.algorithms import DS, VOCABULARY
from signing.xml.references import Covered, is_content, target_id, target_of
from signing.xml.signature import read_signature
from signing.xml.transforms import Without
from signing.xml.tree import XML, Document, Element, Instruction, read_document

MAX_NAMED = 20  # elements in one finding: a reader of the report takes in no more
_IDENTIFIERS = frozenset({"Id", "ID", "id"})
_SILENT = frozenset({XML, "http://www.w3.org/2001/XMLSchema-instance"})  # language, space, where a schema may be found
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
    if parent.signatures > 1:
        step = f"{signature.local}[{signature.nth_signature}]"
        return f"{here}/{step}" if here else step
    return here or signature.local


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


def unsigned_parts(document: Document, covered: Sequence[Covered]) -> list[str]:
    """The highest parts of which nothing is signed: whoever reads them reads what anyone may have written.

    Elements, as `path`; attributes and text of elements around something signed, as `path/@name` and `path/text()`;
    instructions beside the root, such as one that names a style sheet, as `?name`; what signatures carry unsigned.
    """
    signed = [each.element for each in covered if each.element is not None]
    whole = any(each.element is document.root and not each.id for each in covered)
    beside = [] if whole else [each for each in (*document.before, *document.after) if isinstance(each, Instruction)]
    found = [f"?{each.target}" for each in beside[:MAX_NAMED]]
    found += islice(_unsigned_elements(document, signed), MAX_NAMED)
    found += unsigned_attributes(covered)
    is_signed = signed_numbers(document, covered)
    carried = (path for each in document.signatures for path in _carried_parts(each, is_signed))
    found += islice(carried, MAX_NAMED)
    return found[:MAX_NAMED]


def _unsigned_elements(document: Document, signed: Sequence[Element]) -> Iterator[str]:
    inside = {each.number for each in signed}
    # Elements on the way to something signed, or to a signature, are looked into.
    on_the_way: set[int] = set()
    for each in (*signed, *document.signatures):
        for above in each.ancestors:
            if above.number in on_the_way:
                break
            on_the_way.add(above.number)
    stack = [document.root]
    while stack:
        element = stack.pop()
        if element.number in inside or (element.local == "Signature" and element.namespace == DS):
            continue
        if element.number in on_the_way:
            yield from _own_parts(element)
            stack.extend(reversed(list(element.elements())))
        elif element.attributes or element.text.strip() or any(True for _ in element.elements()):
            yield element.path


def _own_parts(element: Element) -> Iterator[str]:
    """What an element around something signed says by itself; identifiers and hints for schemas say nothing."""
    for each in element.attributes:
        if each.namespace not in _SILENT and (each.namespace or each.local not in _IDENTIFIERS):
            yield f"{element.path}/@{each.qname}"
    if element.text.strip():
        yield f"{element.path}/text()"


def unsigned_carried(signature: Element, document: Document, covered: Sequence[Covered]) -> bool:
    """Whether a signature that covers this brings along what it does not sign."""
    return any(True for _ in _carried_parts(signature, signed_numbers(document, covered)))


def _carried_parts(signature: Element, is_signed: bytearray) -> Iterator[str]:
    """What stands in a signature beside its own, and nobody signed: contents of Objects, strange elements anywhere else."""
    for child in signature.elements():
        if (child.local, child.namespace) == ("Object", DS):
            if any(True for _ in child.elements("QualifyingProperties")):
                continue
            if child.text.strip() and not is_signed[child.number]:
                yield child.path
            else:
                yield from (each.path for each in child.elements() if is_signed.find(1, each.number, each.last + 1) < 0)
        else:
            strange = (each for each in child.walk() if each.namespace not in VOCABULARY and not is_signed[each.number])
            yield from (each.path for each in strange if each.parent is None or each.parent.namespace in VOCABULARY)


def text_alone(covered: Sequence[Covered]) -> list[str]:
    """Elements of which base64 signed the text and nobody the name, which may be another one now.

    An Object in a signature is what it is by its place: there the transform is at home (EU DSS, enveloping).
    """
    found = [each.element for each in covered if each.text_only and each.element is not None]
    return [each.path for each in islice((one for one in found if not _is_object(one)), MAX_NAMED)]


def _is_object(element: Element) -> bool:
    names = {each.local for each in element.attributes if not each.namespace}
    return (
        (element.local, element.namespace) == ("Object", DS)
        and element.parent is not None
        and (element.parent.local, element.parent.namespace) == ("Signature", DS)
        and names <= {"Id", "Encoding", "MimeType"}
        and all(not each.namespace for each in element.attributes)
    )


def unsigned_attributes(covered: Sequence[Covered]) -> list[str]:
    """Attributes of elements of which only the decoded text is signed; identifiers and an Object's own aside."""
    texts = [each.element for each in covered if each.text_only and each.element is not None]
    known = {*_IDENTIFIERS, "Encoding", "MimeType"}
    attributes = (f"{each.path}/@{one.qname}" for each in texts for one in each.attributes if one.local not in known)
    return list(islice(attributes, MAX_NAMED))


def lookalikes(document: Document, covered: Sequence[Covered]) -> list[str]:
    """Elements that nobody signed under the very name of one that is signed: what signature wrapping leaves behind.

    The signed original is moved to where no program looks, and something else stands in its place. Which of the two a program
    takes, its schema decides, which is not known here, nor whether it minds namespaces or capitals. What a signature carries
    unsigned has no purpose at all: there, the names of everything that is signed count.
    """
    signed = [each.element for each in covered if each.element is not None]
    names = {each.local.casefold() for each in signed if each.namespace != DS and each is not document.root}
    is_signed = signed_numbers(document, covered)
    walked = (each for each in document.root.walk() if is_signed[each.number] and each.namespace not in VOCABULARY)
    every = {each.local.casefold() for each in walked}
    carried = _carried(document)
    found: list[str] = []
    for element in document.root.walk() if every else ():
        told = every if element.number in carried else names
        if not is_signed[element.number] and element.local.casefold() in told:
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
    return [each.path for each in islice((one for one in document.cut if is_signed[one.number]), MAX_NAMED)]
