"""Documents whose place for a signature was laid and hashed beforehand: signing writes some kilobytes, whatever their size.

    document, place = lay(pdf, order, path)          # when it is rendered, or while it waits for approval
    store(document, place.to_json())
    ...
    fill_file(path_of_document, Place.from_json(kept), fast_path)

The digest is kept, so nothing of the document is read again: keep laid documents where nobody writes (0444, named by
their digest). A crash while the place is being written leaves a place half filled; it lies outside of what is signed, so
filling it again is safe. For B-LT and B-LTA the proof follows in a revision of its own, and so the file is read then.
"""

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from signing.batch.document import Document
from signing.batch.form import read_form
from signing.batch.order import Order
from signing.batch.path import FastPath, Opened
from signing.batch.placing import hasher, lay_signature
from signing.batch.tokens import Stamp
from signing.batch.unusual import Unusual
from signing.batch.writing import write_new
from signing.errors import DocumentChanged, FieldTaken, NoRoom
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
    archive_field: str = "archive_timestamp"  # filled by the archive timestamp of B-LTA

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
                "archive_field": self.archive_field,
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
                archive_field=str(read.get("archive_field", "archive_timestamp")),
            )
        except (ValueError, TypeError, KeyError) as error:
            raise DocumentChanged("Bản ghi chỗ ký không đọc được", f"The stored place cannot be read: {error}") from error


def lay(pdf: bytes, order: Order, path: FastPath) -> tuple[bytes, Place]:
    """The document with an empty place for this signature, and the place. Unusual as `FastPath.open`.

    B-LTA is for the first signature: later ones want everybody's evidence under the archive timestamp (`signing.extend`).
    """
    if order.level >= Level.B_LTA and read_form(Document(pdf)).signed:
        raise Unusual("earlier signatures, whose evidence the archive timestamp is to cover too")
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
        archive_field=order.archive_field,
    )
    return document, place


def fill_file(file: Path, place: Place, path: FastPath, *, sync: bool = False) -> None:
    """Sign the laid document in this file, in place. The key is used only when the place is still there and empty.

    `sync`: return only when the disk has it. LevelNotReached: the file carries the signature, at B-T.
    """
    handle = os.open(file, os.O_RDWR)
    try:
        _require_empty(handle, file, place)
        cms, stamp = _signed(place, path)
        os.pwrite(handle, cms.hex().encode("ascii"), place.at)
        if sync:
            os.fdatasync(handle)
    finally:
        os.close(handle)
    if place.level >= Level.B_LT:
        _replace(file, _proven(file.read_bytes(), place, stamp, path), sync=sync)


def fill(document: bytes, place: Place, path: FastPath) -> bytes:
    """The signed document, from a laid one in memory."""
    if len(document) != place.size or document[place.at : place.at + 2 * place.room].strip(b"0"):
        raise DocumentChanged(
            f"Chỗ ký «{place.field}» không còn trống hoặc tài liệu đã thay đổi",
            f"The place “{place.field}” is not empty any more, or the document has changed",
        )
    cms, stamp = _signed(place, path)
    digits = cms.hex().encode("ascii")
    signed = b"".join((document[: place.at], digits, document[place.at + len(digits) :]))
    return _proven(signed, place, stamp, path) if place.level >= Level.B_LT else signed


def _proven(signed: bytes, place: Place, stamp: Stamp | None, path: FastPath) -> bytes:
    """The signed document with the evidence and, for B-LTA, the archive timestamp. LevelNotReached."""
    order = Order(field=place.field, at=datetime.now(UTC), level=place.level, archive_field=place.archive_field)
    so_far = None
    if place.level >= Level.B_LTA:
        so_far = hasher("sha256")
        so_far.update(signed)
    opened = Opened(data=signed, document=Document(signed), order=order, added=[], so_far=so_far, stamp=stamp)
    path.finish([opened])
    if opened.failure is not None:
        raise opened.failure
    return opened.whole()


def _replace(file: Path, content: bytes, *, sync: bool) -> None:
    """The longer document in the place of the signed one: whole, or the signed one stays."""
    longer = file.with_name(f".{file.name}.{os.getpid()}.longer")
    write_new(longer, [content], sync=sync)
    longer.chmod(file.stat().st_mode)
    longer.replace(file)


def _signed(place: Place, path: FastPath) -> tuple[bytes, Stamp | None]:
    if place.algorithm != path.template.digest:
        raise DocumentChanged(
            f"Tài liệu được chuẩn bị với {place.algorithm}, khóa này cần {path.template.digest}",
            f"The document was prepared with {place.algorithm}, this key wants {path.template.digest}",
        )
    cms, stamp = path.signed(path.template.attributes(place.digest), place.level)
    if len(cms) > place.room:
        raise NoRoom(
            f"Chữ ký cần {len(cms)} byte, chỉ còn chỗ cho {place.room}",
            f"The signature takes {len(cms)} bytes, room was kept for {place.room}",
        )
    return cms, stamp


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
