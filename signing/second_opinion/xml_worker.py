"""The process in which libxml2 and signxml look at a signed document: a question and the XML on standard input, JSON lines out.

    in:  {"certificates": ["base64 of DER", ...]}, end of line, the document's bytes
    out: {"signatures": 2, "names": [["Id", "urn:r:DATA"]]}                      what another program must be told of
         {"number": 0, "says": "valid" | "cannot_judge", "detail": "..."}        signxml about each, in the document's order

signxml leaves the inherited xml: attributes out of an inclusive form and cuts namespaces otherwise than the standards; where it
objects, that may be why. So it is asked for agreement alone: an objection of its counts as no judgement.
"""

import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate
from lxml import etree
from signxml.verifier import SignatureConfiguration, XMLVerifier

MAX_QUESTION = 16 * 1024 * 1024
MAX_SIGNATURES = 64
_DS = "http://www.w3.org/2000/09/xmldsig#"
_ID_NAMES = ("Id", "ID", "id")


def main() -> None:
    """Judge what comes in."""
    asked = json.loads(sys.stdin.buffer.readline(MAX_QUESTION))
    content = sys.stdin.buffer.read()
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    root = etree.fromstring(content, parser)
    found = list(root.iter(f"{{{_DS}}}Signature"))
    _say({"signatures": len(found), "names": list(_names(root))})
    for number, (signature, der) in enumerate(zip(found[:MAX_SIGNATURES], asked["certificates"], strict=False)):
        says, detail = _judged(content, root, signature, b64decode(der)) if der else ("cannot_judge", "no certificate")
        _say({"number": number, "says": says, "detail": detail})


def _say(told: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _names(root: Any) -> Iterator[list[str]]:
    """Attribute and element of every identifier that a reference names."""
    wanted = {each.get("URI", "").removeprefix("#") for each in root.iter(f"{{{_DS}}}Reference")}
    seen: set[tuple[str, str]] = set()
    for element in root.iter(etree.Element):
        for name in _ID_NAMES:
            if element.get(name) in wanted:
                named = etree.QName(element)
                pair = (name, f"{named.namespace}:{named.localname}" if named.namespace else named.localname)
                if pair not in seen:
                    seen.add(pair)
                    yield list(pair)


def _judged(content: bytes, root: Any, signature: Any, der: bytes) -> tuple[str, str]:
    """By its place: the library takes the first signature that stands there."""
    parent = signature.getparent()
    if parent is not None and parent.find(f"{{{_DS}}}Signature") is not signature:
        return "cannot_judge", "not the first signature at its place"
    path = root.getroottree().getelementpath(parent) if parent is not None else "."
    certificate = load_der_x509_certificate(der)
    config = SignatureConfiguration(
        location=f"./{path}/".replace("/./", "/"),
        expect_references=False,
        ignore_ambiguous_key_info=True,
        verification_time=certificate.not_valid_before_utc,  # its dates are not the question
    )
    try:
        XMLVerifier().verify(
            content, x509_cert=certificate.public_bytes(Encoding.PEM).decode(), validate_schema=False, expect_config=config
        )
    except Exception as fault:  # noqa: BLE001 -- the library raises whatever the bytes make it raise
        return "cannot_judge", f"{type(fault).__name__}: {fault}"[:200]
    return "valid", ""


if __name__ == "__main__":
    main()
