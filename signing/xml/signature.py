"""A Signature element as values (XML-DSig 1.1 clause 4; XAdES, EN 319 132-1 clause 5). Only reading: nothing here is believed.

parsed = read_signature(element)
parsed.references, parsed.method, parsed.value, parsed.properties
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from signing.verification.faults import Fault
from signing.xml.algorithms import DIGESTS, DS, ENVELOPED, EXCLUSIVE, MANIFEST, SIGNED_PROPERTIES, XADES
from signing.xml.canonical import DEFAULT, METHODS, Method
from signing.xml.tree import Element

MAX_REFERENCES = 64  # of one signature; a transcript's has two
MAX_CERTIFICATES = 16  # in one KeyInfo
MAX_STAMPS = 8  # timestamps on one signature
MAX_VALUES = 64  # certificates or revocation values kept beside one signature
MAX_BASE64 = 16 * 1024 * 1024  # characters of one value: a large authority's revocation list

_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?")


class BadSignatureElement(Fault):
    """The Signature element, or what stands in it, is not as its schema demands."""


class TransformRefused(Fault):
    """A transform that is not one of enveloped-signature and the six canonical forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What one Reference says."""

    uri: str | None
    kind: str  # its Type
    id: str
    enveloped: bool
    method: Method | None  # None: no canonicalisation was named
    prefixes: frozenset[str]
    digest: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDigest:
    """Which certificate the signer says they used (SigningCertificateV2, or the older SigningCertificate)."""

    digest: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class StampElement:
    """A timestamp over the signature value: the token, and how SignatureValue was canonicalised for it."""

    token: bytes
    method: Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Properties:
    """The XAdES properties of a signature. The signed ones count only when the signature references `element`."""

    element: Element  # SignedProperties
    signing_time: datetime | None
    certificate: CertificateDigest | None


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
    certificates: tuple[bytes, ...]  # of KeyInfo
    properties: Properties | None
    stamps: tuple[StampElement, ...]
    more_certificates: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]
    lists: tuple[bytes, ...]


def read_signature(element: Element) -> Parsed:
    """The values of a Signature element. Raises BadSignatureElement, TransformRefused."""
    signed_info = only(element, "SignedInfo")
    method, prefixes = _canonicalization(only(signed_info, "CanonicalizationMethod"))
    listed = list(signed_info.elements("Reference", DS))
    if not 1 <= len(listed) <= MAX_REFERENCES:
        raise BadSignatureElement(f"{len(listed)} references; 1 to {MAX_REFERENCES} are expected")
    value = only(element, "SignatureValue")
    properties, unsigned = _qualifying(element)
    ocsps, lists = _revocation_values(unsigned)
    return Parsed(
        element=element,
        signed_info=signed_info,
        method=method,
        prefixes=prefixes,
        algorithm=_algorithm(only(signed_info, "SignatureMethod")),
        references=tuple(_reference(each) for each in listed),
        value=decoded(value),
        value_element=value,
        certificates=_key_certificates(element),
        properties=properties,
        stamps=_stamps(unsigned),
        more_certificates=_values(unsigned, "CertificateValues", "EncapsulatedX509Certificate"),
        ocsps=ocsps,
        lists=lists,
    )


def only(parent: Element, local: str, namespace: str = DS) -> Element:
    """The one child of this name. Two of them would leave it to each program which it takes."""
    found = list(parent.elements(local, namespace))
    if len(found) != 1:
        raise BadSignatureElement(f"{len(found)} {local} in {parent.local}; exactly one is expected")
    return found[0]


def decoded(element: Element) -> bytes:
    """The bytes of a base64 value."""
    text = "".join(element.text.split())
    if any(isinstance(child, Element) for child in element.children) or len(text) > MAX_BASE64:
        raise BadSignatureElement(f"{element.local} is no base64 value")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise BadSignatureElement(f"{element.local} is no base64 value") from fault


def _algorithm(element: Element) -> str:
    found = element.attribute("Algorithm")
    if not found:
        raise BadSignatureElement(f"{element.local} names no algorithm")
    return found


def _canonicalization(element: Element) -> tuple[Method, frozenset[str]]:
    uri = _algorithm(element)
    if uri not in METHODS:
        raise TransformRefused(uri[:100])
    return METHODS[uri], _prefixes(element)


def _prefixes(element: Element) -> frozenset[str]:
    for each in element.elements("InclusiveNamespaces", EXCLUSIVE):
        listed = (each.attribute("PrefixList") or "").split()
        return frozenset("" if prefix == "#default" else prefix for prefix in listed)
    return frozenset()


def _reference(element: Element) -> Reference:
    enveloped = False
    method: Method | None = None
    prefixes: frozenset[str] = frozenset()
    for holder in element.elements("Transforms", DS):
        for transform in holder.elements("Transform", DS):
            uri = _algorithm(transform)
            if uri == ENVELOPED and not enveloped and method is None:
                enveloped = True
            elif uri in METHODS and method is None:
                method, prefixes = METHODS[uri], _prefixes(transform)
            else:
                raise TransformRefused(uri[:100])
    digest = _algorithm(only(element, "DigestMethod"))
    if digest not in DIGESTS:
        raise BadSignatureElement(f"the digest {digest[:100]} is not known")
    return Reference(
        uri=element.attribute("URI"),
        kind=element.attribute("Type") or "",
        id=element.attribute("Id") or "",
        enveloped=enveloped,
        method=method,
        prefixes=prefixes,
        digest=DIGESTS[digest],
        value=decoded(only(element, "DigestValue")),
    )


def _key_certificates(signature: Element) -> tuple[bytes, ...]:
    found = [
        decoded(certificate)
        for key_info in signature.elements("KeyInfo", DS)
        for data in key_info.elements("X509Data", DS)
        for certificate in data.elements("X509Certificate", DS)
    ]
    if len(found) > MAX_CERTIFICATES:
        raise BadSignatureElement(f"{len(found)} certificates in KeyInfo; at most {MAX_CERTIFICATES} are read")
    return tuple(dict.fromkeys(found))


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
    target, own = found[0].attribute("Target") or "", signature.attribute("Id")
    if target.removeprefix("#") != (own or ""):
        raise BadSignatureElement(f"the QualifyingProperties belong to {target[:60]}")
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
    for holder in element.elements("SignedSignatureProperties", XADES):
        for each in holder.elements("SigningTime", XADES):
            time = read_time(each.text)
        for name in ("SigningCertificateV2", "SigningCertificate"):
            for each in holder.elements(name, XADES):
                certificate = certificate or _certificate_digest(each)
    return Properties(element=element, signing_time=time, certificate=certificate)


def _certificate_digest(element: Element) -> CertificateDigest:
    """The first Cert is the signer's (EN 319 132-1, 5.2.2)."""
    cert = next(element.elements("Cert", XADES), None)
    if cert is None:
        raise BadSignatureElement("SigningCertificate names no certificate")
    digest = only(cert, "CertDigest", XADES)
    uri = _algorithm(only(digest, "DigestMethod"))
    if uri not in DIGESTS:
        raise BadSignatureElement(f"the digest {uri[:100]} is not known")
    return CertificateDigest(digest=DIGESTS[uri], value=decoded(only(digest, "DigestValue")))


def read_time(text: str) -> datetime:
    """An xs:dateTime. Without a zone it is taken as UTC: it is only a claim."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise BadSignatureElement(f"{text.strip()[:40]} is no time")
    day, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(day)
        offset = UTC if zone in {None, "Z"} else _zone(zone)
    except ValueError as fault:
        raise BadSignatureElement(f"{text.strip()[:40]} is no time") from fault
    micro = int((fraction or ".0")[1:7].ljust(6, "0"))
    return moment.replace(microsecond=micro, tzinfo=offset)


def _zone(text: str) -> timezone:
    hours, minutes = int(text[1:3]), int(text[4:6])
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=hours, minutes=minutes))


def _stamps(unsigned: Element | None) -> tuple[StampElement, ...]:
    if unsigned is None:
        return ()
    found: list[StampElement] = []
    for each in list(unsigned.elements("SignatureTimeStamp", XADES))[:MAX_STAMPS]:
        method = DEFAULT
        for named in each.elements("CanonicalizationMethod", DS):
            method, _ = _canonicalization(named)
        found += [StampElement(token=decoded(token), method=method) for token in each.elements("EncapsulatedTimeStamp", XADES)]
    return tuple(found[:MAX_STAMPS])


def _revocation_values(unsigned: Element | None) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    ocsps = _values(unsigned, "RevocationValues", "EncapsulatedOCSPValue", "OCSPValues")
    return ocsps, _values(unsigned, "RevocationValues", "EncapsulatedCRLValue", "CRLValues")


def _values(unsigned: Element | None, holder: str, name: str, between: str = "") -> tuple[bytes, ...]:
    if unsigned is None:
        return ()
    holders: Sequence[Element] = list(unsigned.elements(holder, XADES))
    if between:
        holders = [inner for each in holders for inner in each.elements(between, XADES)]
    return tuple(decoded(value) for each in holders for value in each.elements(name, XADES))[:MAX_VALUES]


__all__ = ["MANIFEST", "SIGNED_PROPERTIES", "Parsed", "Reference", "decoded", "only", "read_signature"]
