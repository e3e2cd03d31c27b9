"""The archive timestamp of XAdES (EN 319 132-1, 5.5.2, "not distributed"): what its imprint is over, and in which order.

archives = read_archives(parsed, setting)                  # for `signing.beside`
imprint = imprint_over(parsed, setting, C14N_11, before=parsed.unsigned.element.elements())
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator

from signing.beside import Archive
from signing.verification.faults import Fault
from signing.xml.algorithms import DS
from signing.xml.canonical import Method, canonical
from signing.xml.references import Setting, octets_of, target_id
from signing.xml.signature import Parsed
from signing.xml.tree import Element
from signing.xml.unsigned import ArchiveElement


def read_archives(parsed: Parsed, setting: Setting) -> tuple[Archive, ...]:
    """Every archive timestamp of the signature, with what it must be over and what stands under it."""
    return tuple(_archive(each, parsed, setting) for each in parsed.unsigned.archives)


def _archive(element: ArchiveElement, parsed: Parsed, setting: Setting) -> Archive:
    # The signature's timestamps count as covered through the properties before; its certificates through KeyInfo.
    covers = element.covers | frozenset((*parsed.key_info.certificates, *parsed.key_info.lists))
    if element.explicit:
        return Archive(token=element.token, expected=lambda _: b"", covers=frozenset())
    return Archive(token=element.token, expected=_expected(element, parsed, setting), covers=covers)


def _expected(element: ArchiveElement, parsed: Parsed, setting: Setting) -> Callable[[str], bytes]:
    def digest(name: str) -> bytes:
        try:
            hashed = hashlib.new(name, usedforsecurity=False)
            for part in _parts(parsed, setting, element.method, element.prefixes, element.before, newer=element.is_newer):
                hashed.update(part)
            return hashed.digest()
        except (Fault, ValueError):
            return b""  # fits no imprint

    return digest


def imprint_over(parsed: Parsed, setting: Setting, method: Method, *, before: Iterable[Element]) -> bytes:
    """The SHA-256 imprint of a new archive timestamp behind these properties. Raises Refused."""
    hashed = hashlib.sha256()
    for part in _parts(parsed, setting, method, frozenset(), before, newer=True):
        hashed.update(part)
    return hashed.digest()


def _parts(
    parsed: Parsed,
    setting: Setting,
    method: Method,
    prefixes: frozenset[str],
    before: Iterable[Element],
    *,
    newer: bool,
) -> Iterator[bytes]:
    """(1) what each reference signs, (2) SignedInfo, SignatureValue, KeyInfo, (3) the properties before, (4) the Objects."""

    def written(element: Element) -> bytes:
        setting.budget.spend(element.size, element.end - element.start)
        return canonical(element, method, prefixes=prefixes)

    for reference in parsed.references:
        yield octets_of(reference, parsed, setting, default=method)
    yield written(parsed.signed_info)
    yield written(parsed.value_element)
    for key_info in parsed.element.elements("KeyInfo", DS):
        yield written(key_info)
    for each in before:
        yield written(each)
    referenced = {target_id(each) for each in parsed.references}
    for holder in parsed.element.elements("Object", DS):
        if any(each.parent is holder for each in parsed.own):
            continue
        if newer or holder.attribute("Id") not in referenced:
            yield written(holder)
