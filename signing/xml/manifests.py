"""Manifests (XML-DSig 1.1, 5.1): a signed list of references, each with a digest of its own.

XML-DSig leaves it to the application what a wrong one means. Here it means what it means for a reference of the signature
itself: the signer's value stands over the digest, so what has another one was changed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from signing.verification.certificates import Certificate
from signing.verification.faults import Fault
from signing.xml.algorithms import DS
from signing.xml.references import Covered, Refused, Setting, check_reference, is_file, target_of
from signing.xml.signature import MAX_REFERENCES, Parsed, read_reference
from signing.xml.tree import Element


@dataclass(slots=True, kw_only=True)
class Listed:
    """What the manifests of one signature name."""

    covered: list[Covered] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)  # not here, or by a way that is not followed
    digests: list[str] = field(default_factory=list)


def follow_manifests(parsed: Parsed, setting: Setting, certificate: Certificate | None) -> Listed:
    """Every reference of every manifest that the signature signs; manifests in manifests are not followed."""
    told = Listed()
    manifests = {each.number: each for each in _manifests(parsed, setting)}
    references = [each for manifest in manifests.values() for each in manifest.elements("Reference", DS)]
    if len(references) > MAX_REFERENCES:
        told.unknown.append(f"{len(references)} > {MAX_REFERENCES}")
    for element in references[:MAX_REFERENCES]:
        _follow(element, parsed, setting, certificate, told)
    return told


def _manifests(parsed: Parsed, setting: Setting) -> Iterator[Element]:
    for reference in parsed.references:
        if is_file(reference):
            continue
        target = target_of(reference, parsed, setting.document)
        if target.local == "Manifest" and target.namespace == DS:
            yield target
        elif target.local == "Object" and target.namespace == DS:
            yield from target.elements("Manifest", DS)


def _follow(element: Element, parsed: Parsed, setting: Setting, certificate: Certificate | None, told: Listed) -> None:
    uri = (element.attribute("URI") or "")[:100]
    try:
        reference = read_reference(element)
        covered = check_reference(reference, parsed, setting, certificate)
    except Refused as fault:
        (told.changed if fault.code == "DIGEST_MISMATCH" else told.unknown).append(uri)
    except Fault as fault:
        told.unknown.append(f"{uri} ({fault})"[:200])
    else:
        told.digests.append(reference.digest)
        if covered is not None:
            told.covered.append(covered)
