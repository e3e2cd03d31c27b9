"""The references of a signature: which element of the document each one names, and whether its digest fits.

Only elements of this document, by an Id that is there once, and files of the package around it: nothing is fetched, no path
expression is evaluated, and a signature never lies in what it signs unless it says so (enveloped).
"""

import base64
import binascii
import hmac
import re
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from urllib.parse import unquote

from signing.report import Changes, SubIndication, Verdict
from signing.trust import Trust
from signing.verification.certificates import Certificate
from signing.verification.faults import Fault
from signing.verification.signed_data import digest_of
from signing.xml.algorithms import DS, SIGNED_PROPERTIES
from signing.xml.canonical import DEFAULT, MAX_BYTES, MAX_ELEMENTS, Method, canonical, check_namespaces
from signing.xml.shares import Shares
from signing.xml.signature import Parsed, Reference
from signing.xml.transforms import Without
from signing.xml.tree import BadXml, Document, Element, read_document

# The two forms of XPointer that XML-DSig 4.4.3.2 speaks of; unlike their short forms they keep comments.
_XPOINTER_ID = re.compile(r"#xpointer\(\s*id\((?:'([^']+)'|\"([^\"]+)\")\)\s*\)")
_LEFT_OUT_PER_ELEMENT = 16  # signatures that are left out cost as much as one element that is written
_XPOINTER_ROOT = "#xpointer(/)"


class Refused(Fault):
    """A signature that is refused for a reason with a code of its own."""

    def __init__(
        self,
        code: str,
        detail: str = "",
        *,
        sub: SubIndication = SubIndication.FORMAT_FAILURE,
        verdict: Verdict = Verdict.TOTAL_FAILED,
        certificate: Certificate | None = None,
        changes: Changes = Changes.NOT_UNDERSTOOD,
    ) -> None:
        super().__init__(f"{code} {detail}")
        self.code, self.detail, self.sub, self.verdict = code, detail, sub, verdict
        self.certificate, self.changes = certificate, changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """One piece of content that a signature covers."""

    path: str  # in the document, or the name of a file in the package
    id: str
    size: int  # in bytes of canonical form
    element: Element | None = None
    enveloped: bool = False
    text_only: bool = False  # its decoded text is signed (base64), not its name and attributes
    others_left_out: bool = False  # also other people's signatures inside are not signed
    left_out: frozenset[int] = frozenset()  # the signatures inside that are not signed, by their number
    is_property: bool = False  # it says something about the signature, such as its time, and is no content


@dataclass(slots=True, kw_only=True)
class Budget:
    """Canonical bytes that may still be made for this document: hostile references cost time, and all are counted."""

    bytes_left: int = MAX_BYTES
    elements_left: int = MAX_ELEMENTS

    def spend(self, elements: int, size: int) -> None:
        """Count what is about to be written or hashed. Raises Refused."""
        self.elements_left -= elements
        self.bytes_left -= max(0, size)
        if self.elements_left < 0 or self.bytes_left < 0:
            detail = f"{MAX_BYTES} bytes, {MAX_ELEMENTS} elements"
            raise Refused("RESOURCE_LIMIT", detail, verdict=Verdict.INDETERMINATE, sub=SubIndication.NO_POE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all signatures of one document share."""

    document: Document
    trust: Trust
    now: datetime
    files: Mapping[str, bytes] = field(default_factory=dict)
    signatures: tuple[Element, ...] = ()  # in the order of the document
    budget: Budget = field(default_factory=Budget)
    digests: dict[tuple[object, ...], tuple[int, bytes]] = field(default_factory=dict)  # of canonical forms written already
    shares: Shares = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "shares", Shares(self.document))


def check_reference(reference: Reference, parsed: Parsed, setting: Setting, certificate: Certificate | None) -> Covered | None:
    """The digest of one reference; what it covers, or None for the signature's own parts. Raises Refused."""
    setting.budget.spend(1, 0)
    in_package = is_file(reference)
    target = None if in_package else target_of(reference, parsed, setting.document)
    if target is not None and _is_left_out(reference, parsed, target):
        raise Refused(
            "TRANSFORM_REFUSED",
            f"{target.path} is left out with the signature that it stands in",
            sub=SubIndication.SIG_CONSTRAINTS_FAILURE,
            verdict=Verdict.INDETERMINATE,
        )
    content = target is None or is_content(target, parsed)
    size, digest = _digest(reference, parsed, setting, target)
    if not hmac.compare_digest(digest, reference.value):
        raise Refused(
            "DIGEST_MISMATCH",
            target.path if target is not None else (reference.uri or ""),
            sub=SubIndication.HASH_FAILURE,
            certificate=certificate,
            changes=Changes.FORBIDDEN if content else Changes.NOT_UNDERSTOOD,
        )
    if target is None:
        return Covered(path=unquote(reference.uri or ""), id="", size=size)
    told = target.is_inside(parsed.element) and is_property(target)
    if not content and not told:
        return None
    enveloped = reference.transforms.without is not Without.NOTHING and parsed.element.is_inside(target)
    return Covered(
        path=target.path,
        id=target_id(reference),
        size=size,
        element=target,
        enveloped=enveloped,
        text_only=reference.transforms.base64,
        others_left_out=reference.transforms.without is Without.ALL or reference.transforms.base64,
        left_out=omitted(reference, parsed, setting, target),
        is_property=told,
    )


def is_file(reference: Reference) -> bool:
    """Whether it names something outside this document."""
    return bool(reference.uri) and not (reference.uri or "").startswith("#")


def _digest(reference: Reference, parsed: Parsed, setting: Setting, target: Element | None) -> tuple[int, bytes]:
    """Size and digest of what is signed. Several people sign the same element: it is written once for all of them."""
    left_out = omitted(reference, parsed, setting, target) if target is not None else frozenset()
    transforms = reference.transforms
    key = (reference.uri, transforms, reference.digest, left_out)
    known = setting.digests.get(key)
    if known is None:
        data = octets_of(reference, parsed, setting, default=DEFAULT)
        known = setting.digests[key] = len(data), digest_of(reference.digest, data)
    return known


def octets_of(reference: Reference, parsed: Parsed, setting: Setting, *, default: Method) -> bytes:
    """What a reference's digest is over; `default` is the form of a node-set for which none is named. Raises Refused."""
    if is_file(reference):
        return _file(reference, setting)
    target = target_of(reference, parsed, setting.document)
    setting.budget.spend(target.size, target.end - target.start)
    transforms = reference.transforms
    left_out = omitted(reference, parsed, setting, target)
    if transforms.base64:
        return _decoded(_text_of(target))
    whole = reference.uri in {"", _XPOINTER_ROOT}
    return canonical(
        setting.document if whole else target,
        transforms.method or default,
        without=left_out,
        prefixes=transforms.prefixes,
        comments=None if (reference.uri or "").startswith("#xpointer(") else False,
    )


def omitted(reference: Reference, parsed: Parsed, setting: Setting, target: Element) -> frozenset[int]:
    """The signatures, by their number, that the reference leaves out of its target."""
    match reference.transforms.without:
        case Without.NOTHING:
            return frozenset()
        case Without.OWN:
            return frozenset({parsed.element.number}) if parsed.element.is_inside(target) else frozenset()
        case Without.ALL:
            first = bisect_left(setting.signatures, target.number, key=_number)
            inside = setting.signatures[first : bisect_left(setting.signatures, target.last + 1, key=_number)]
            setting.budget.spend(len(inside) // _LEFT_OUT_PER_ELEMENT, 0)
            return frozenset(each.number for each in inside)


def _number(element: Element) -> int:
    return element.number


def _is_left_out(reference: Reference, parsed: Parsed, target: Element) -> bool:
    """Whether a transform takes the target away with the signature around it: xmlsec1 hashes nothing then, .NET all of it.

    A property of the signature may be meant so, as .NET writes it: it is no content, and nothing but a claim hangs on it.
    """
    if reference.transforms.without is Without.NOTHING or is_property(target):
        return False
    if reference.transforms.without is Without.OWN:
        return target.is_inside(parsed.element)
    return any((each.local, each.namespace) == ("Signature", DS) for each in (target, *target.ancestors))


def _text_of(target: Element) -> str:
    """The text of an element for base64 (XML-DSig 6.6.2). It would strip tags inside: nobody would have signed those."""
    if any(True for _ in target.elements()):
        raise Refused(
            "TRANSFORM_REFUSED",
            f"base64 of elements: {target.path}",
            sub=SubIndication.SIG_CONSTRAINTS_FAILURE,
            verdict=Verdict.INDETERMINATE,
        )
    return target.text


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as fault:
        raise Refused("REFERENCE_REFUSED", "base64", sub=SubIndication.HASH_FAILURE) from fault


def _file(reference: Reference, setting: Setting) -> bytes:
    """A file of the package around the document. Anything else outside is refused: no address is ever followed."""
    name = unquote(reference.uri or "")
    data = setting.files.get(name)
    transforms = reference.transforms
    if data is None or transforms.without is not Without.NOTHING:
        raise _not_found("REFERENCE_REFUSED", reference.uri)
    setting.budget.spend(1, len(data))
    if transforms.base64:
        return _decoded(data.decode("latin-1"))
    if transforms.method is None:
        return data
    try:
        document = read_document(data)
    except BadXml as fault:
        raise _not_found("REFERENCE_REFUSED", f"{name}: {fault}") from fault
    setting.budget.spend(document.root.size, len(data))
    check_namespaces(document)
    if document.cut:
        path = document.cut[0].path
        raise Refused("TEXT_CUT", f"{name}: {path}", sub=SubIndication.SIG_CONSTRAINTS_FAILURE, verdict=Verdict.INDETERMINATE)
    return canonical(document, transforms.method, prefixes=transforms.prefixes)


def _not_found(code: str, detail: str | None) -> Refused:
    return Refused(code, (detail or "")[:100], sub=SubIndication.SIGNED_DATA_NOT_FOUND, verdict=Verdict.INDETERMINATE)


def target_id(reference: Reference) -> str:
    """The Id that a reference names; empty where it names the document."""
    uri = reference.uri or ""
    pointer = _XPOINTER_ID.fullmatch(uri)
    if pointer:
        return pointer[1] or pointer[2]
    return "" if uri == _XPOINTER_ROOT else uri.removeprefix("#")


def target_of(reference: Reference, parsed: Parsed, document: Document) -> Element:
    """The one element that a reference names. Raises Refused."""
    uri = reference.uri
    if uri is None or is_file(reference) or uri == "#":
        raise _not_found("REFERENCE_REFUSED", "no URI" if uri is None else uri)
    named = target_id(reference)
    if not named:
        target = document.root
    else:
        if named.startswith("xpointer("):
            raise _not_found("REFERENCE_REFUSED", uri)
        found = document.find_ids(named)
        if len(found) > 1:
            raise Refused("DUPLICATE_ID", uri[:100])
        if not found:
            raise _not_found("REFERENCE_NOT_FOUND", uri)
        target = found[0]
    # Base64 takes the text alone: a signature in there would sign its own digests, which nobody can make.
    if parsed.element.is_inside(target) and reference.transforms.without is Without.NOTHING:
        raise Refused("SIGNATURE_INSIDE_REFERENCE", target.path)
    return target


def is_content(target: Element, parsed: Parsed) -> bool:
    """Whether a target is what was to be signed: not the signature's own properties, key or SignedInfo."""
    if not target.is_inside(parsed.element):
        return True
    own = next((each for each in (target, *target.ancestors) if each.parent is parsed.element), None)
    if own is None or own.local != "Object" or own.namespace != DS or is_property(target):
        return False
    return not any(target.is_inside(each) or each.is_inside(target) for each in parsed.own)


def is_property(target: Element) -> bool:
    """Whether it says something about the signature (XML-DSig 5.2), such as when it was made: no content."""
    names = {"SignatureProperties", "SignatureProperty"}
    if any(each.local in names for each in (target, *islice(target.ancestors, 2))):
        return True
    inside = list(target.elements())
    return bool(inside) and not target.text.strip() and all(each.local in names for each in inside)


def binds_properties(parsed: Parsed, document: Document) -> bool:
    """Whether the signature references its own SignedProperties.

    A reference that says so and means another element is refused.
    """
    bound = False
    for each in parsed.references:
        if each.uri is None or is_file(each):
            continue
        target = target_of(each, parsed, document)
        is_own = parsed.properties is not None and target is parsed.properties.element
        if each.kind == SIGNED_PROPERTIES and not is_own:
            raise Refused("REFERENCE_REFUSED", f"SignedProperties: {target.path}")
        bound = bound or is_own
    return bound


def claimed_time(parsed: Parsed, document: Document) -> datetime | None:
    """When the signer says they signed, where that is signed: the SigningTime of XAdES, or that of a SignatureProperty, as
    invoices of the tax office have it.
    """
    try:
        if parsed.properties is not None and binds_properties(parsed, document):
            return parsed.properties.signing_time
        targets = [target_of(each, parsed, document) for each in parsed.references if each.uri and not is_file(each)]
    except Refused:
        return None
    told = (each for each in parsed.times if any(each.element.is_inside(target) for target in targets))
    return next((each.time for each in told), None)
