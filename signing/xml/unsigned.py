"""Unsigned properties of XAdES (EN 319 132-1, 5.3 to 5.5): timestamps, kept certificates and revocation values, in their order.

Nobody signed them: a timestamp proves itself, certificates and answers carry their issuers' signatures.
"""

from dataclasses import dataclass
from itertools import islice

from signing.xml.algorithms import DS, XADES, XADES_141
from signing.xml.canonical import DEFAULT, METHODS, Method
from signing.xml.keyinfo import BadSignatureElement, decoded
from signing.xml.transforms import inclusive_prefixes
from signing.xml.tree import Element

MAX_STAMPS = 16  # timestamps over one signature value
MAX_ARCHIVES = 64  # archive timestamps: with one renewal in ten years more than enough
MAX_VALUES = 256  # certificates or revocation values kept beside one signature
_KEPT = ("EncapsulatedX509Certificate", "EncapsulatedOCSPValue", "EncapsulatedCRLValue", "EncapsulatedTimeStamp")
_CERTIFICATES = frozenset({"CertificateValues", "AttrAuthoritiesCertValues"})
_REVOCATION = frozenset({"RevocationValues", "AttributeRevocationValues"})
_CONTAINERS = frozenset({"TimeStampValidationData", "AnyValidationData"})  # both kinds of values for one more timestamp


@dataclass(frozen=True, slots=True, kw_only=True)
class StampElement:
    """A timestamp: its token, and how what it is over was canonicalised."""

    token: bytes
    method: Method
    prefixes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveElement:
    """An archive timestamp: over all of the signature and over the properties before it."""

    token: bytes
    method: Method
    prefixes: frozenset[str]
    before: tuple[Element, ...]  # the unsigned properties that it covers
    covers: frozenset[bytes]  # the values in them
    is_newer: bool  # of XAdES 1.4.1: every Object is hashed again, signed or not; of 1.3.2: those that no reference names
    explicit: bool  # names what it covers (Include): not read


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """All that is used of them."""

    element: Element | None = None
    stamps: tuple[StampElement, ...] = ()
    archives: tuple[ArchiveElement, ...] = ()
    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()


def read_unsigned(unsigned: Element | None) -> Unsigned:
    """The properties under UnsignedSignatureProperties. Anyone may have put them there: what is unreadable hides nothing."""
    if unsigned is None:
        return Unsigned()
    stamps: list[StampElement] = []
    archives: list[ArchiveElement] = []
    before: list[Element] = []
    covers: set[bytes] = set()
    for each in unsigned.elements():
        if each.local == "SignatureTimeStamp" and each.namespace == XADES:
            stamps += _stamps(each)
        elif each.local == "ArchiveTimeStamp" and each.namespace in {XADES, XADES_141}:
            archives += _archives(each, tuple(before), frozenset(covers))
        before.append(each)
        covers.update(_values_in(each))
    holders = [
        *unsigned.elements(),
        *(inner for each in unsigned.elements() if each.local in _CONTAINERS for inner in each.elements()),
    ]
    return Unsigned(
        element=unsigned,
        stamps=tuple(stamps[:MAX_STAMPS]),
        archives=tuple(archives[-MAX_ARCHIVES:]),
        certificates=_kept(holders, _CERTIFICATES, "EncapsulatedX509Certificate"),
        ocsps=_kept(holders, _REVOCATION, "EncapsulatedOCSPValue"),
        lists=_kept(holders, _REVOCATION, "EncapsulatedCRLValue"),
    )


def _value(element: Element) -> bytes:
    """The bytes of a base64 value; none where it is none, which is no token, certificate or answer."""
    try:
        return decoded(element)
    except BadSignatureElement:
        return b""


def _token(element: Element, *, is_followed: bool) -> bytes:
    return _value(element) if is_followed else b""


def _method(element: Element) -> tuple[Method, frozenset[str], bool]:
    """How what it is over was canonicalised, and whether that is a way that we follow."""
    for each in element.elements("CanonicalizationMethod", DS):
        uri = each.attribute("Algorithm") or ""
        if uri not in METHODS:
            return DEFAULT, frozenset(), False
        return METHODS[uri], inclusive_prefixes(each), True
    return DEFAULT, frozenset(), True


def _stamps(element: Element) -> list[StampElement]:
    method, prefixes, known = _method(element)
    tokens = element.elements("EncapsulatedTimeStamp", XADES)
    return [StampElement(token=_token(each, is_followed=known), method=method, prefixes=prefixes) for each in tokens]


def _archives(element: Element, before: tuple[Element, ...], covers: frozenset[bytes]) -> list[ArchiveElement]:
    method, prefixes, known = _method(element)
    return [
        ArchiveElement(
            token=_token(token, is_followed=known),
            method=method,
            prefixes=prefixes,
            before=before,
            covers=covers,
            is_newer=element.namespace == XADES_141,
            explicit=any(True for _ in element.elements("Include", XADES)),
        )
        for token in element.elements("EncapsulatedTimeStamp", XADES)
    ]


def _values_in(element: Element) -> list[bytes]:
    kept = (each for each in element.walk() if each.local in _KEPT and each.namespace == XADES)
    return [value for each in islice(kept, MAX_VALUES) if (value := _value(each))]


def _kept(holders: list[Element], kinds: frozenset[str], name: str) -> tuple[bytes, ...]:
    wanted = [each for each in holders if each.local in kinds and each.namespace in {XADES, XADES_141}]
    found = [inner for each in wanted for inner in each.walk() if inner.local == name and inner.namespace == XADES]
    return tuple(value for each in found[:MAX_VALUES] if (value := _value(each)))
