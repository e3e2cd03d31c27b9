"""The references of a signature: which element of the document each one names, and whether its digest fits.

Only elements of this document, by an Id that is there once, and files of the package around it: nothing is fetched, no path
expression is evaluated, and a signature never lies in what it signs unless it says so (enveloped).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import unquote

from signing.report import Changes, SubIndication, Verdict
from signing.trust import Trust
from signing.verification.certificates import Certificate
from signing.verification.faults import Fault
from signing.verification.signed_data import digest_of
from signing.xml.algorithms import SIGNED_PROPERTIES
from signing.xml.canonical import DEFAULT, MAX_BYTES, MAX_ELEMENTS, Method, canonical
from signing.xml.signature import Parsed, Reference
from signing.xml.tree import Document, Element


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


@dataclass(slots=True, kw_only=True)
class Budget:
    """Canonical bytes that may still be made for this document: hostile references cost time, and all are counted."""

    bytes_left: int = MAX_BYTES
    elements_left: int = MAX_ELEMENTS

    def write(
        self, what: Element | Document, *, of: Element, method: Method, prefixes: frozenset[str], without: Element | None
    ) -> bytes:
        """The canonical form of `what` (for the document, `of` is its root), counted. Raises Refused."""
        self.elements_left -= of.size
        self.bytes_left -= max(0, of.end - of.start)
        if self.elements_left < 0 or self.bytes_left < 0:
            detail = f"{MAX_BYTES} bytes, {MAX_ELEMENTS} elements"
            raise Refused("RESOURCE_LIMIT", detail, verdict=Verdict.INDETERMINATE, sub=SubIndication.NO_POE)
        return canonical(what, method, without=without, prefixes=prefixes, comments=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all signatures of one document share."""

    document: Document
    trust: Trust
    now: datetime
    files: Mapping[str, bytes]
    spans: tuple[tuple[int, int], ...]  # where the signatures stand in the bytes
    budget: Budget = field(default_factory=Budget)
    digests: dict[tuple[object, ...], tuple[int, bytes]] = field(default_factory=dict)  # of canonical forms written already


def check_reference(reference: Reference, parsed: Parsed, setting: Setting, certificate: Certificate) -> Covered | None:
    """The digest of one reference; what it covers, or None for the signature's own parts. Raises Refused."""
    if reference.uri and not reference.uri.startswith("#"):
        return _check_file(reference, setting, certificate)
    target = target_of(reference, parsed, setting.document)
    without = parsed.element if reference.enveloped and parsed.element.is_inside(target) else None
    what = setting.document if reference.uri == "" else target
    size, digest = _digest(reference, what, target, without, setting)
    if not hmac.compare_digest(digest, reference.value):
        raise Refused(
            "DIGEST_MISMATCH",
            target.path,
            sub=SubIndication.HASH_FAILURE,
            certificate=certificate,
            changes=Changes.FORBIDDEN if is_content(target, parsed) else Changes.NOT_UNDERSTOOD,
        )
    if not is_content(target, parsed):
        return None
    return Covered(path=target.path, id=_id(reference), size=size, element=target, enveloped=without is not None)


def _digest(
    reference: Reference, what: Element | Document, target: Element, without: Element | None, setting: Setting
) -> tuple[int, bytes]:
    """Size and digest of the canonical form. Several people sign the same element: it is written once for all of them."""
    method = reference.method or DEFAULT
    key = (reference.uri, method.uri, reference.prefixes, reference.digest, without.number if without else None)
    known = setting.digests.get(key)
    if known is None:
        data = setting.budget.write(what, of=target, method=method, prefixes=reference.prefixes, without=without)
        known = setting.digests[key] = len(data), digest_of(reference.digest, data)
    return known


def _check_file(reference: Reference, setting: Setting, certificate: Certificate) -> Covered:
    """A file of the package around the document. Anything else outside is refused: no address is ever followed."""
    name = unquote(reference.uri or "")
    if name not in setting.files or reference.enveloped or reference.method is not None:
        raise Refused("REFERENCE_REFUSED", (reference.uri or "")[:100], certificate=certificate)
    data = setting.files[name]
    if not hmac.compare_digest(digest_of(reference.digest, data), reference.value):
        raise Refused(
            "DIGEST_MISMATCH", name, sub=SubIndication.HASH_FAILURE, certificate=certificate, changes=Changes.FORBIDDEN
        )
    return Covered(path=name, id="", size=len(data))


def target_of(reference: Reference, parsed: Parsed, document: Document) -> Element:
    """The one element that a reference names. Raises Refused."""
    uri = reference.uri
    if uri is None or (uri and not uri.startswith("#")):
        raise Refused("REFERENCE_REFUSED", "no URI" if uri is None else uri[:100])
    if not uri:
        target = document.root
    else:
        if uri.startswith("#xpointer") or uri == "#":
            raise Refused("REFERENCE_REFUSED", uri[:100])
        found = document.find_ids(uri[1:])
        if len(found) > 1:
            raise Refused("DUPLICATE_ID", uri[:100])
        if not found:
            raise Refused(
                "REFERENCE_NOT_FOUND", uri[:100], sub=SubIndication.SIGNED_DATA_NOT_FOUND, verdict=Verdict.INDETERMINATE
            )
        target = found[0]
    if parsed.element.is_inside(target) and not reference.enveloped:
        raise Refused("SIGNATURE_INSIDE_REFERENCE", target.path)
    return target


def is_content(target: Element, parsed: Parsed) -> bool:
    """Whether a target is what was to be signed: not the signature's own properties, key or SignedInfo."""
    if not target.is_inside(parsed.element):
        return True
    own = next((each for each in (target, *target.ancestors) if each.parent is parsed.element), None)
    if own is None or own.local != "Object":
        return False
    properties = parsed.properties
    return properties is None or not (target.is_inside(properties.element) or properties.element.is_inside(target))


def _id(reference: Reference) -> str:
    return (reference.uri or "").removeprefix("#")


def binds_properties(parsed: Parsed, document: Document) -> bool:
    """Whether the signature references its own SignedProperties.

    A reference that says so and means another element is refused.
    """
    bound = False
    for each in parsed.references:
        if each.uri is None or (each.uri and not each.uri.startswith("#")):
            continue
        target = target_of(each, parsed, document)
        is_own = parsed.properties is not None and target is parsed.properties.element
        if each.kind == SIGNED_PROPERTIES and not is_own:
            raise Refused("REFERENCE_REFUSED", f"SignedProperties: {target.path}")
        bound = bound or is_own
    return bound
