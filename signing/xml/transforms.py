"""The transforms of a reference, as far as they are followed: what is left out, what is decoded, in which form it is hashed.

    transforms = read_transforms(reference_element)

Path expressions are not evaluated. Four of them are known by heart, because programs in use write them where others write
"enveloped-signature" (EU DSS among them); any other is refused by its name, like XSLT.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from signing.verification.faults import Fault
from signing.xml.algorithms import DS, ENVELOPED, EXCLUSIVE, FILTER_2
from signing.xml.canonical import METHODS, Method
from signing.xml.tree import Element

BASE64 = DS + "base64"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
_NAMES: Mapping[str, str] = {
    XPATH: "XPath",
    FILTER_2: "XPath Filter 2.0",
    "http://www.w3.org/TR/1999/REC-xslt-19991116": "XSLT",
    "http://www.w3.org/2001/04/decrypt#": "decryption",
    "http://www.w3.org/2002/07/decrypt#XML": "decryption",
    "http://schemas.openxmlformats.org/package/2006/RelationshipTransform": "OPC relationships",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#STR-Transform": "STR",
}
MAX_EXPRESSION = 400  # characters; longer ones are none of the four


class TransformRefused(Fault):
    """A transform that is not followed, by its name."""


class Without(Enum):
    """Which signatures are left out of what is signed."""

    NOTHING = "nothing"
    OWN = "own"
    ALL = "all"  # also those of others: what stands in them is then not signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Transforms:
    """What happens to what a reference names before it is hashed."""

    without: Without = Without.NOTHING
    method: Method | None = None  # None: no canonicalisation was named
    prefixes: frozenset[str] = frozenset()
    base64: bool = False


def read_transforms(reference: Element) -> Transforms:
    """The transforms in their order: signatures left out, then a canonical form or base64. Raises TransformRefused."""
    found = Transforms()
    for holder in reference.elements("Transforms", DS):
        for transform in holder.elements("Transform", DS):
            found = _followed_by(found, transform)
    return found


def _followed_by(found: Transforms, transform: Element) -> Transforms:
    uri = transform.attribute("Algorithm") or ""
    if found.method is None and not found.base64:
        if uri in {ENVELOPED, XPATH, FILTER_2}:
            without = Without.OWN if uri == ENVELOPED else _known_expression(transform, uri)
            wider = Without.ALL if Without.ALL in {without, found.without} else without
            return Transforms(without=wider)
        if uri in METHODS:
            return Transforms(without=found.without, method=METHODS[uri], prefixes=inclusive_prefixes(transform))
        if uri == BASE64:
            return Transforms(without=found.without, base64=True)
    raise TransformRefused(named(uri))


def named(uri: str) -> str:
    """A transform's name for people, with its URI."""
    return f"{_NAMES[uri]} ({uri})" if uri in _NAMES else uri[:100]


def inclusive_prefixes(element: Element) -> frozenset[str]:
    """The prefixes of InclusiveNamespaces (Exclusive C14N, 4); "" stands for #default."""
    for each in element.elements("InclusiveNamespaces", EXCLUSIVE):
        listed = (each.attribute("PrefixList") or "").split()
        return frozenset("" if prefix == "#default" else prefix for prefix in listed)
    return frozenset()


_SIGNATURE = r"(?P<prefix>[\w.-]{1,40}):Signature"
_OWN_SIGNATURE = r"here\(\)/ancestor::(?P=prefix):Signature\[1\]"
_EXPRESSIONS = {
    (XPATH, ""): (
        (rf"not\(ancestor-or-self::{_SIGNATURE}\)", Without.ALL),
        (
            rf"count\(ancestor-or-self::{_SIGNATURE}\|{_OWN_SIGNATURE}\)>count\(ancestor-or-self::(?P=prefix):Signature\)",
            Without.OWN,
        ),
    ),
    (FILTER_2, "subtract"): (
        (rf"/descendant::{_SIGNATURE}", Without.ALL),
        (r"here\(\)/ancestor::(?P<prefix>[\w.-]{1,40}):Signature\[1\]", Without.OWN),
    ),
}


def _known_expression(transform: Element, uri: str) -> Without:
    """Which of the four it is. Raises TransformRefused."""
    expressions = list(transform.elements("XPath"))
    if len(expressions) == 1 and len(expressions[0].text) <= MAX_EXPRESSION:
        (element,) = expressions
        text = "".join(element.text.split())
        for pattern, without in _EXPRESSIONS.get((uri, element.attribute("Filter") or ""), ()):
            match = re.fullmatch(pattern, text)
            # XPath of 1.0 stands in the namespace of signatures, that of the filter in its own.
            if match and element.scope.get(match["prefix"]) == DS and element.namespace == (DS if uri == XPATH else FILTER_2):
                return without
    raise TransformRefused(named(uri))
