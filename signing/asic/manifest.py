"""ASiCManifest and ASiCArchiveManifest (EN 319 162-1, A.4 and A.7): the files, with digests, that one signature or timestamp
covers.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from mimetypes import guess_type
from urllib.parse import quote, unquote
from xml.sax.saxutils import quoteattr

from signing.verification.faults import Fault
from signing.xml.algorithms import DIGEST_URIS, DIGESTS, DS
from signing.xml.keyinfo import decoded
from signing.xml.signature import only
from signing.xml.tree import Element, read_document

ASIC = "http://uri.etsi.org/02918/v1.2.1#"
CAN_DIGEST = "sha256"
P7S = "application/x-pkcs7-signature"
TST = "application/vnd.etsi.timestamp-token"
MAX_LISTED = 1000  # as many as a package may hold


class BadManifest(Fault):
    """A manifest is not as its schema demands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One file of a manifest."""

    name: str
    digest: str
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What one manifest says."""

    signature: str  # the name of the signature or timestamp that covers it
    files: tuple[Listed, ...]
    content: bytes  # itself: what is signed
    name: str = ""  # its own, in the package


def read_manifest(content: bytes, name: str = "") -> Manifest:
    """A manifest from its bytes. Raises Fault."""
    root = read_document(content).root
    if (root.local, root.namespace) != ("ASiCManifest", ASIC):
        raise BadManifest(f"{root.qname[:60]} where an ASiCManifest was expected")
    listed = [_listed(each) for each in root.elements("DataObjectReference", ASIC)]
    if not 1 <= len(listed) <= MAX_LISTED:
        raise BadManifest(f"{len(listed)} files are listed; 1 to {MAX_LISTED} are expected")
    if len({each.name for each in listed}) != len(listed):
        raise BadManifest("a file is listed twice")
    return Manifest(signature=_uri(only(root, "SigReference", ASIC)), files=tuple(listed), content=content, name=name)


def manifest_markup(signature: str, files: Mapping[str, bytes], *, kind: str = P7S, root_file: str = "") -> bytes:
    """The manifest of these files, for the signature or timestamp (`kind`) that will have this name.

    `root_file` is the archive manifest that came before this one (A.7).
    """
    rooted = ' Rootfile="true"'
    listed = "".join(
        f"<asic:DataObjectReference URI={quoteattr(quote(name))} MimeType={quoteattr(_mime_type(name))}"
        f"{rooted if name == root_file else ''}>"
        f'<ds:DigestMethod Algorithm="{DIGEST_URIS[CAN_DIGEST]}"/>'
        f"<ds:DigestValue>{b64encode(hashlib.new(CAN_DIGEST, data).digest()).decode()}</ds:DigestValue>"
        f"</asic:DataObjectReference>"
        for name, data in files.items()
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<asic:ASiCManifest xmlns:asic="{ASIC}" xmlns:ds="{DS}">'
        f'<asic:SigReference URI="{quote(signature)}" MimeType="{kind}"/>{listed}</asic:ASiCManifest>'
    ).encode()


def _mime_type(name: str) -> str:
    return guess_type(name)[0] or "application/octet-stream"


def _listed(element: Element) -> Listed:
    uri = only(element, "DigestMethod", DS).attribute("Algorithm") or ""
    if uri not in DIGESTS:
        raise BadManifest(f"the digest {uri[:100]} is not known")
    return Listed(name=_uri(element), digest=DIGESTS[uri], value=decoded(only(element, "DigestValue", DS)))


def _uri(element: Element) -> str:
    """A name in the package: relative to its root, percent-encoded."""
    uri = element.attribute("URI")
    if not uri:
        raise BadManifest(f"{element.local} names no file")
    return unquote(uri)
