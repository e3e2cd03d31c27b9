"""What `soky renew` can renew: a PDF, a signed XML document, a package, or a signature that lies beside its file.

    for item in renewables(paths):
        held = read_item(item)                                  # its bytes, and those that it signs
        longer = held.extended(timestamper, evidence, trust)
        held.require_kept(longer)                               # nothing that was there is gone

Each kind has its own way to take one more archive timestamp (`signing`), and its own shape of "nothing was taken away".
"""

import base64
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import signing
from api.file_problems import file_problem
from api.walking import Found, may_be_signed, signature_beside, signed_by, walked
from signing.asic import BadPackage, read_package
from signing.cades_verify import is_cms, unarmoured
from signing.formats import is_xml
from signing.verification.signed_data import read_signed_data

LARGEST_FILE = 512 * 1024 * 1024
_PEM_LINE = 64


class Refused(Exception):
    """This file is not renewed, with a stable code and a sentence, Vietnamese / English."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One file that may carry archive timestamps."""

    path: Path  # the file that is replaced
    data: Path | None = None  # what it signs, where it is a detached signature
    named: bool = True  # by the person; False: found in a folder
    problem: OSError | None = None  # a folder that cannot be read


def renewables(paths: Iterable[Path]) -> Iterator[Item]:
    """Named files, whatever they are called, and what may be signed in folders. A file and its detached signature are two
    items, the signature first. Nothing twice.
    """
    seen: set[str] = set()
    for found in walked(paths):
        for item in _items(found):
            if (real := os.path.realpath(item.path)) not in seen:
                seen.add(real)
                yield item


def _items(found: Found) -> Iterator[Item]:
    path, named = found.path, found.named
    if found.problem is not None:
        yield Item(path=path, named=named, problem=found.problem)
        return
    beside = signature_beside(path)
    if beside is not None:
        yield Item(path=beside, data=path, named=named)
    if (named and beside is None) or may_be_signed(path):
        yield Item(path=path, data=signed_by(path), named=named)


class _With(TypedDict):
    timestamper: signing.Timestamper
    evidence: signing.Evidence
    trust: signing.Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An item's bytes."""

    content: bytes
    data: bytes | None = None  # what a detached signature is over

    def extended(self, timestamper: signing.Timestamper, evidence: signing.Evidence, trust: signing.Trust) -> bytes:
        """With one more archive timestamp, at B-LTA. Refused, SigningError."""
        with_these = _With(timestamper=timestamper, evidence=evidence, trust=trust)
        match self._kind():
            case "detached":
                signed = self.data if self.data is not None else _content_of(self.content)
                return _armoured(signing.extend_cades(signed, self.content, **with_these), like=self.content)
            case "package":
                return signing.archive_package(self.content, **with_these)
            case "xml":
                return signing.extend_xml(self.content, **with_these)
        return signing.extend(self.content, signing.Level.B_LTA, **with_these)

    def require_kept(self, longer: bytes) -> None:
        """Refused where something that was in the file is not in the longer one any more."""
        kept = {"detached": _keeps_value, "package": _keeps_files, "xml": _keeps_letters, "pdf": _begins_with}[self._kind()]
        if not kept(self.content, longer):
            raise Refused(
                "NOT_KEPT",
                "bản mới không giữ nguyên nội dung của bản cũ / the new file does not keep all that the old one held",
            )

    def _kind(self) -> str:
        """By the first bytes, as `signing.verify_any` decides."""
        if self.data is not None:
            return "detached"
        if self.content.startswith(b"PK\x03\x04"):
            return "package"
        if is_xml(self.content):
            return "xml"
        return "detached" if is_cms(self.content) else "pdf"


def read_item(item: Item) -> Held:
    """Both files of it. Refused where one cannot be opened."""
    if item.problem is not None:
        raise Refused("FOLDER_UNREADABLE", file_problem(item.problem))
    return Held(content=_read(item.path), data=_read(item.data) if item.data is not None else None)


def _read(path: Path) -> bytes:
    try:
        if path.exists() and not path.is_file():
            raise Refused("FILE_UNREADABLE", "không phải tệp thường / not an ordinary file")
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise Refused("FILE_UNREADABLE", file_problem(problem)) from problem
    if len(content) > LARGEST_FILE:
        raise Refused("TOO_LARGE", f"tệp lớn hơn / the file is larger than {LARGEST_FILE // 2**20} MB")
    return content


# Nothing was taken away.


def _begins_with(before: bytes, after: bytes) -> bool:
    return after.startswith(before)


def _keeps_letters(before: bytes, after: bytes) -> bool:
    """XML is extended by insertions alone: the old bytes are all there, in their order (whoever signed them, passes)."""
    ahead = iter(after)
    return all(byte in ahead for byte in before)


def _keeps_files(before: bytes, after: bytes) -> bool:
    """A package is packed anew: every file is byte for byte the one that was there, no name is gone."""
    try:
        old, new = read_package(before), read_package(after)
    except BadPackage:
        return False
    return (old.form, dict(old.files)) == (new.form, dict(new.files)) and set(old.metadata) <= set(new.metadata)


def _keeps_value(before: bytes, after: bytes) -> bool:
    """A CMS is written anew with more beside the signature: the value itself is the one that was there."""
    old, new = (read_signed_data(unarmoured(each)).signature for each in (before, after))
    return old == new


def _content_of(container: bytes) -> bytes:
    """What a CMS that came alone brings with it. Refused where it brings nothing: its file is not beside it."""
    content = read_signed_data(unarmoured(container)).encapsulated
    if content is None:
        raise Refused("NO_DATA", "không thấy tệp được ký bên cạnh chữ ký / the signed file is not beside its signature")
    return content


def _armoured(der: bytes, *, like: bytes) -> bytes:
    """PEM stays PEM, under its own name."""
    if not like.startswith(b"-----BEGIN "):
        return der
    name = like[len(b"-----BEGIN ") :].split(b"-----", 1)[0]
    letters = base64.b64encode(der)
    lines = [letters[at : at + _PEM_LINE] for at in range(0, len(letters), _PEM_LINE)]
    return b"-----BEGIN %b-----\n%b\n-----END %b-----\n" % (name, b"\n".join(lines), name)
