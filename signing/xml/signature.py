"""A Signature element as values (XML-DSig 1.1 clause 4; XAdES, EN 319 132-1 clause 5). Only reading: nothing here is believed.

parsed = read_signature(element)
parsed.references, parsed.method, parsed.value, parsed.properties
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import islice

from signing.verification.faults import Fault
from signing.xml.algorithms import DIGESTS, DS, MANIFEST, SIGNED_PROPERTIES, XADES, XADES_OLD
from signing.xml.canonical import METHODS, Method
from signing.xml.keyinfo import BadSignatureElement, KeyInfo, decoded, read_key_info
from signing.xml.transforms import TransformRefused, Transforms, inclusive_prefixes, named, read_transforms
from signing.xml.tree import Element
from signing.xml.unsigned import Unsigned, read_unsigned

MAX_REFERENCES = 1000  # of one signature: as many as a package has files; a transcript's has two

MAX_PROPERTIES = 8  # of one kind in one place that are looked at
VIETNAM = timezone(timedelta(hours=7))

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")


class UnknownAlgorithm(Fault):
    """A digest that is in no table of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What one Reference says."""

    uri: str | None
    kind: str  # its Type
    id: str
    transforms: Transforms
    digest: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDigest:
    """Which certificate the signer says they used (SigningCertificateV2, or the older SigningCertificate)."""

    digest: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """The XAdES properties of a signature. The signed ones count only when the signature references `element`."""

    element: Element  # SignedProperties
    signing_time: datetime | None
    certificate: CertificateDigest | None
    policy: str = ""  # what SignaturePolicyIdentifier names


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyTime:
    """A SigningTime in a SignatureProperty of the signature's own; it counts only where a reference signs `element`."""

    element: Element
    time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """One signature."""

    element: Element
    signed_info: Element
    method: Method
    prefixes: frozenset[str]
    algorithm: str  # the URI of the signature method
    references: tuple[Reference, ...]
    value: bytes
    value_element: Element
    key_info: KeyInfo
    properties: Properties | None
    own: tuple[Element, ...]  # every QualifyingProperties, of versions that are not read too
    old_version: str  # the namespace of such
    unsigned: Unsigned
    times: tuple[PropertyTime, ...] = ()

    @property
    def target(self) -> str:
        """The signature that the properties say they belong to, where it is not this one (EN 319 132-1, 4.3.1)."""
        told = next((each.attribute("Target") or "" for each in self.own), None)
        own = self.element.attribute("Id") or ""
        return "" if told is None or told.removeprefix("#") == own else told or "?"


def read_signature(element: Element) -> Parsed:
    """The values of a Signature element. Raises BadSignatureElement, TransformRefused."""
    signed_info = only(element, "SignedInfo")
    method, prefixes = _canonicalization(only(signed_info, "CanonicalizationMethod"))
    listed = list(signed_info.elements("Reference", DS))
    if not 1 <= len(listed) <= MAX_REFERENCES:
        raise BadSignatureElement(f"{len(listed)} references; 1 to {MAX_REFERENCES} are expected")
    value = only(element, "SignatureValue")
    properties, unsigned = _qualifying(element)
    own = [each for holder in element.elements("Object", DS) for each in holder.elements("QualifyingProperties")]
    return Parsed(
        element=element,
        signed_info=signed_info,
        method=method,
        prefixes=prefixes,
        algorithm=_algorithm(only(signed_info, "SignatureMethod")),
        references=tuple(read_reference(each) for each in listed),
        value=decoded(value),
        value_element=value,
        key_info=read_key_info(element),
        properties=properties,
        own=tuple(own),
        old_version=next((each.namespace for each in own if each.namespace in XADES_OLD), ""),
        unsigned=read_unsigned(unsigned),
        times=tuple(_property_times(element)),
    )


def only(parent: Element, local: str, namespace: str = DS) -> Element:
    """The one child of this name. Two of them would leave it to each program which it takes."""
    found = list(parent.elements(local, namespace))
    if len(found) != 1:
        raise BadSignatureElement(f"{len(found)} {local} in {parent.local}; exactly one is expected")
    return found[0]


def _algorithm(element: Element) -> str:
    found = element.attribute("Algorithm")
    if not found:
        raise BadSignatureElement(f"{element.local} names no algorithm")
    return found


def _canonicalization(element: Element) -> tuple[Method, frozenset[str]]:
    uri = _algorithm(element)
    if uri not in METHODS:
        raise TransformRefused(named(uri))
    return METHODS[uri], inclusive_prefixes(element)


def read_reference(element: Element) -> Reference:
    """A Reference, of a signature or of a manifest. Raises BadSignatureElement, TransformRefused."""
    digest = _algorithm(only(element, "DigestMethod"))
    if digest not in DIGESTS:
        raise UnknownAlgorithm(digest[:100])
    return Reference(
        uri=element.attribute("URI"),
        kind=element.attribute("Type") or "",
        id=element.attribute("Id") or "",
        transforms=read_transforms(element),
        digest=DIGESTS[digest],
        value=decoded(only(element, "DigestValue")),
    )


# XAdES


def _qualifying(signature: Element) -> tuple[Properties | None, Element | None]:
    """SignedProperties and UnsignedSignatureProperties of this signature; of another one's they would prove nothing."""
    found = [
        properties
        for holder in signature.elements("Object", DS)
        for properties in holder.elements("QualifyingProperties", XADES)
    ]
    if not found:
        return None, None
    if len(found) > 1:
        raise BadSignatureElement("two QualifyingProperties in one signature")
    unsigned = next(
        (each for holder in found[0].elements("UnsignedProperties", XADES)
         for each in holder.elements("UnsignedSignatureProperties", XADES)), None
    )  # fmt: skip
    signed = list(found[0].elements("SignedProperties", XADES))
    if not signed:
        return None, unsigned
    return _signed_properties(only(found[0], "SignedProperties", XADES)), unsigned


def _signed_properties(element: Element) -> Properties:
    time: datetime | None = None
    certificate: CertificateDigest | None = None
    policy = ""
    for holder in element.elements("SignedSignatureProperties", XADES):
        for each in holder.elements("SigningTime", XADES):
            time = read_time(each.text)
        for name in ("SigningCertificateV2", "SigningCertificate"):
            for each in holder.elements(name, XADES):
                certificate = certificate or _certificate_digest(each)
        for each in holder.elements("SignaturePolicyIdentifier", XADES):
            policy = next((inner.text.strip() for inner in each.walk() if inner.local == "Identifier"), "implied")
    return Properties(element=element, signing_time=time, certificate=certificate, policy=policy)


def _certificate_digest(element: Element) -> CertificateDigest:
    """The first Cert is the signer's (EN 319 132-1, 5.2.2)."""
    cert = next(element.elements("Cert", XADES), None)
    if cert is None:
        raise BadSignatureElement("SigningCertificate names no certificate")
    digest = only(cert, "CertDigest", XADES)
    uri = _algorithm(only(digest, "DigestMethod"))
    if uri not in DIGESTS:
        raise UnknownAlgorithm(uri[:100])
    return CertificateDigest(digest=DIGESTS[uri], value=decoded(only(digest, "DigestValue")))


def _property_times(signature: Element) -> Iterator[PropertyTime]:
    """SigningTime in SignatureProperties of an Object, of whatever namespace: QĐ 1450/QĐ-TCT has it so for invoices.

    It is written there as the clock on the wall shows it, without a zone: Vietnam's.
    """
    own = {"", signature.attribute("Id") or ""}
    holders = (each for one in signature.elements("Object", DS) for each in one.elements("SignatureProperties"))
    for holder in islice(holders, MAX_PROPERTIES):
        for each in islice(holder.elements("SignatureProperty"), MAX_PROPERTIES):
            if (each.attribute("Target") or "").removeprefix("#") not in own:
                continue
            for told in islice(each.elements("SigningTime"), MAX_PROPERTIES):
                try:
                    yield PropertyTime(element=told, time=read_time(told.text, without_zone=VIETNAM))
                except BadSignatureElement:
                    continue


def read_time(text: str, *, without_zone: timezone = UTC) -> datetime:
    """An xs:dateTime; it is only a claim."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise BadSignatureElement(f"{text.strip()[:40]} is no time")
    day, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(day)
        offset = without_zone if zone is None else UTC if zone == "Z" else _zone(zone)
    except ValueError as fault:
        raise BadSignatureElement(f"{text.strip()[:40]} is no time") from fault
    micro = int((fraction or ".0")[1:7].ljust(6, "0"))
    return moment.replace(microsecond=micro, tzinfo=offset)


def _zone(text: str) -> timezone:
    hours, minutes = int(text[1:3]), int(text[4:6])
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


__all__ = [
    "MANIFEST",
    "SIGNED_PROPERTIES",
    "BadSignatureElement",
    "Parsed",
    "Reference",
    "TransformRefused",
    "UnknownAlgorithm",
    "decoded",
    "only",
    "read_reference",
    "read_signature",
]
