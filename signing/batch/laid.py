"""Documents whose place for a signature was laid and hashed beforehand: signing writes some kilobytes, whatever their size.

    document, place = lay(pdf, order, path)          # when it is rendered, or while it waits for approval
    store(document, place.to_json())
    ...
    fill_file(path_of_document, Place.from_json(kept), fast_path)

The digest is kept, so nothing of the document is read again: keep laid documents where nobody writes (0444, named by
their digest) or give `sha256` to be checked. A crash while the place is being written leaves a place half filled; it lies
outside of what is signed, so filling it again is safe.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from signing.batch.document import Document
from signing.batch.order import Order
from signing.batch.path import FastPath
from signing.batch.placing import hasher, lay_signature
from signing.errors import BadRequest, DocumentChanged, FieldTaken, NoRoom
from signing.levels import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the signature of a laid document goes, and what it signs."""

    field: str
    level: Level
    digest: bytes  # over the byte range
    algorithm: str  # of the digest: "sha256", "sha384"
    at: int  # where in the file the hexadecimal digits begin
    room: int  # bytes of CMS that fit
    size: int  # of the whole file

    def to_json(self) -> str:
        """For storage."""
        return json.dumps(
            {
                "field": self.field,
                "level": self.level,
                "digest": self.digest.hex(),
                "algorithm": self.algorithm,
                "at": self.at,
                "room": self.room,
                "size": self.size,
            },
            sort_keys=True,
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, stored: str) -> Self:
        """What `to_json` gave; DocumentChanged when it is something else."""
        try:
            read = json.loads(stored)
            return cls(
                field=str(read["field"]),
                level=Level(read["level"]),
                digest=bytes.fromhex(read["digest"]),
                algorithm=str(read["algorithm"]),
                at=int(read["at"]),
                room=int(read["room"]),
                size=int(read["size"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise DocumentChanged("Bản ghi chỗ ký không đọc được", f"The stored place cannot be read: {error}") from error


def lay(pdf: bytes, order: Order, path: FastPath) -> tuple[bytes, Place]:
    """The document with an empty place for this signature, and the place. For B-B and B-T; Unusual as `FastPath.open`."""
    if order.level > Level.B_T:
        raise BadRequest(
            f"Chỗ ký chuẩn bị trước chỉ dùng cho B-B và B-T, không cho {order.level}",
            f"A place laid beforehand is for B-B and B-T, not for {order.level}: extend the document afterwards",
        )
    so_far = hasher(path.template.digest)
    so_far.update(pdf)
    laid = lay_signature(Document(pdf), order, room=path.room(order.level), so_far=so_far)
    document = b"".join((pdf, laid.section))
    place = Place(
        field=order.field,
        level=order.level,
        digest=laid.digest,
        algorithm=path.template.digest,
        at=len(pdf) + laid.at,
        room=laid.room,
        size=len(document),
    )
    return document, place


def fill_file(file: Path, place: Place, path: FastPath, *, sync: bool = False) -> None:
    """Sign the laid document in this file, in place. The key is used only when the place is still there and empty.

    `sync`: return only when the disk has it.
    """
    handle = os.open(file, os.O_RDWR)
    try:
        _require_empty(handle, file, place)
        cms = _signed(place, path)
        os.pwrite(handle, cms.hex().encode("ascii"), place.at)
        if sync:
            os.fdatasync(handle)
    finally:
        os.close(handle)


def fill(document: bytes, place: Place, path: FastPath) -> bytes:
    """The signed document, from a laid one in memory."""
    if len(document) != place.size or document[place.at : place.at + 2 * place.room].strip(b"0"):
        raise DocumentChanged(
            f"Chỗ ký «{place.field}» không còn trống hoặc tài liệu đã thay đổi",
            f"The place “{place.field}” is not empty any more, or the document has changed",
        )
    digits = _signed(place, path).hex().encode("ascii")
    return b"".join((document[: place.at], digits, document[place.at + len(digits) :]))


def _signed(place: Place, path: FastPath) -> bytes:
    if place.algorithm != path.template.digest:
        raise DocumentChanged(
            f"Tài liệu được chuẩn bị với {place.algorithm}, khóa này cần {path.template.digest}",
            f"The document was prepared with {place.algorithm}, this key wants {path.template.digest}",
        )
    cms, _ = path.signed(path.template.attributes(place.digest), place.level)
    if len(cms) > place.room:
        raise NoRoom(
            f"Chữ ký cần {len(cms)} byte, chỉ còn chỗ cho {place.room}",
            f"The signature takes {len(cms)} bytes, room was kept for {place.room}",
        )
    return cms


def _require_empty(handle: int, file: Path, place: Place) -> None:
    size = os.fstat(handle).st_size
    around = os.pread(handle, 2 * place.room + 2, place.at - 1)
    if size != place.size or around[:1] != b"<" or around[-1:] != b">":
        raise DocumentChanged(
            f"{file.name} không còn là tài liệu đã chuẩn bị ({size} byte, cần {place.size})",
            f"{file.name} is not the document that was prepared ({size} bytes, expected {place.size})",
        )
    if around[1:-1].strip(b"0"):
        raise FieldTaken(f"«{place.field}» trong {file.name} đã được ký", f"“{place.field}” in {file.name} is already signed")
