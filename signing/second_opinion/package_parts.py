"""A signed package by its parts, read by the standard library's ZIP and libxml2 instead of our readers.

Each CAdES signature or timestamp inside is shown to openssl with what it is over; what a manifest lists is hashed here again.
"""

import hashlib
import io
import zipfile
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

from lxml import etree

from signing.report import SignatureReport
from signing.second_opinion.openssl import DETACHED_BLIND_SPOTS, ask_openssl
from signing.second_opinion.opinion import MAX_BYTES, Opinion, Says, nobody
from signing.trust import Trust

_META = "META-INF/"
_MOST_FILES = 1000
_DIGESTS = {
    "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
}


class _Unreadable(Exception):
    """The other reader cannot say what a signature is over."""


def of_package(package: bytes, reports: Sequence[SignatureReport], trust: Trust, folder: Path) -> Iterator[Opinion]:
    """What openssl says of each signature of the report that is no XML."""
    fields = [each.field for each in reports]
    try:
        files = _files(package)
    except Exception as fault:  # noqa: BLE001 -- zipfile raises whatever the bytes make it raise
        yield from nobody("openssl", fields, type(fault).__name__, DETACHED_BLIND_SPOTS)
        return
    for field in fields:
        try:
            yield _of_part(field, files, trust, folder)
        except Exception as fault:  # noqa: BLE001 -- as above, and libxml2
            yield from nobody("openssl", [field], f"{type(fault).__name__}: {fault}"[:120], DETACHED_BLIND_SPOTS)


def _files(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = archive.infolist()
        if len(entries) > _MOST_FILES or sum(each.file_size for each in entries) > MAX_BYTES:
            raise _Unreadable("too large")
        return {each.filename: archive.read(each) for each in entries}


def _of_part(field: str, files: dict[str, bytes], trust: Trust, folder: Path) -> Opinion:
    is_timestamp = field.endswith(".tst")
    if field not in files or not (is_timestamp or field.endswith(".p7s")):
        return nobody("openssl", [field], "of a kind that no other program here judges", DETACHED_BLIND_SPOTS)[0]
    signed, fits = _signed_by(field, files)
    answer = ask_openssl(files[field], signed, trust, folder, is_timestamp=is_timestamp) or (Says.CANNOT_JUDGE, "no answer")
    says, detail = (Says.INVALID, "digest") if not fits else answer
    return Opinion(by="openssl", says=says, field=field, detail=detail, blind_spots=DETACHED_BLIND_SPOTS)


def _signed_by(field: str, files: dict[str, bytes]) -> tuple[bytes, bool]:
    """What a signature is over, and whether what that lists is there: the manifest that names it, else the only file."""
    for name, content in files.items():
        if name.startswith(_META) and name.endswith(".xml") and "Manifest" in name:
            root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
            if any(unquote(each.get("URI", "")) == field for each in root.iter("{*}SigReference")):
                return content, all(_fits(each, files) for each in root.iter("{*}DataObjectReference"))
    data = [content for name, content in files.items() if name != "mimetype" and not name.startswith(_META)]
    if len(data) != 1:
        raise _Unreadable(f"{len(data)} files and no manifest")
    return data[0], True


def _fits(listed: etree._Element, files: dict[str, bytes]) -> bool:
    method, value = (listed.find(f"{{*}}{each}") for each in ("DigestMethod", "DigestValue"))
    kind = _DIGESTS.get(method.get("Algorithm", "")) if method is not None else None
    if kind is None or value is None:
        raise _Unreadable("an unknown digest")
    content = files.get(unquote(listed.get("URI", "")))
    return content is not None and hashlib.new(kind, content).digest() == b64decode(value.text or "")
