"""The headers beside the data of a ZIP, against its directory: programs that read a stream believe the one, others the other.

data = packed_data(content, entry, position)       # checked; `data.end` is where the next header must be
contents = unpacked(data, entry)
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from signing.verification.faults import Fault

_HEADER = struct.Struct("<4s5H3I2H")  # APPNOTE 4.3.7
_MARK = b"PK\x03\x04"
_DESCRIPTOR_MARK = b"PK\x07\x08"
_WIDE = 0xFFFFFFFF  # the real size stands in the extra field
HAS_DESCRIPTOR = 0x0008
_IN_UTF8 = 0x0800
_COMPARED_FLAGS = 0x0001 | HAS_DESCRIPTOR | 0x0040 | _IN_UTF8 | 0x2000  # encryption, descriptor, names
_ZIP64, _UNICODE_PATH, _UNICODE_COMMENT = 0x0001, 0x7075, 0x6375
_PLAIN, _FOLDER, _KIND = 0o100000, 0o040000, 0o170000
_UNIX = 3


class BadPackage(Fault):
    """The package cannot be read, or programs would read it differently."""


@dataclass(frozen=True, slots=True)
class Packed:
    """An entry's data as they lie in the archive, and where they and their descriptor end."""

    data: bytes
    end: int


def packed_data(content: bytes, entry: zipfile.ZipInfo, position: int, following: int) -> Packed:
    """The data of the entry whose header stands at `position`; the next one begins at `following`. Raises BadPackage."""
    name = entry.filename
    if entry.header_offset != position or content[position : position + 4] != _MARK:
        raise BadPackage(f"{entry.header_offset - position} bytes before {name} belong to no entry")
    if position + _HEADER.size > len(content):
        raise BadPackage(f"{name} is cut off")
    _, _, flags, method, _, _, crc, packed, size, name_size, extra_size = _HEADER.unpack_from(content, position)
    start = position + _HEADER.size
    if content[start : start + name_size] != entry.orig_filename.encode("utf-8" if entry.flag_bits & _IN_UTF8 else "cp437"):
        raise BadPackage(f"{name} has another name beside its data")
    extra = content[start + name_size : start + name_size + extra_size]
    _check_extra(extra, entry)
    _check_extra(entry.extra, entry)
    if _WIDE in {packed, size}:
        size, packed = _wide_sizes(extra, size, packed)
    told, real = (method, crc, packed, size), (entry.compress_type, entry.CRC, entry.compress_size, entry.file_size)
    has_descriptor = bool(flags & HAS_DESCRIPTOR)
    fits = told == real or (has_descriptor and method == real[0] and all(a in {0, b} for a, b in zip(told, real, strict=True)))
    if not fits or (flags ^ entry.flag_bits) & _COMPARED_FLAGS:
        raise BadPackage(f"{name} has another size, sum or packing beside its data")
    begin = start + name_size + extra_size
    end = begin + entry.compress_size
    data = content[begin:end]
    if has_descriptor:
        _check_descriptor(content[end:following], entry, data)
        end = following
    return Packed(data, end)


def name_of(entry: zipfile.ZipInfo) -> str:
    """The name as its bytes stand. Without the mark of UTF-8 they may be that all the same, as macOS and older Java write it.

    Python ends a name at a zero byte, and others do not: the whole of it counts here.
    """
    if entry.flag_bits & _IN_UTF8:
        return entry.orig_filename
    try:
        return entry.orig_filename.encode("cp437").decode("utf-8")
    except UnicodeDecodeError:
        return entry.orig_filename


def unpacked(packed: Packed, entry: zipfile.ZipInfo) -> bytes:
    """The contents, exactly as long and as summed as was told, with nothing behind the packed stream. Raises BadPackage."""
    if entry.compress_type == zipfile.ZIP_STORED:
        contents, clean = packed.data, True
    else:
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            contents = stream.decompress(packed.data, entry.file_size + 1)
        except zlib.error as fault:
            raise BadPackage(f"{entry.filename} cannot be unpacked") from fault
        clean = stream.eof and not stream.unused_data and not stream.unconsumed_tail
    if not clean or len(contents) != entry.file_size or zlib.crc32(contents) != entry.CRC:
        raise BadPackage(f"{entry.filename} is not as the directory says")
    return contents


def check_kind(entry: zipfile.ZipInfo) -> None:
    """A plain file or a folder: a link is a name of another file once it is unpacked. Raises BadPackage."""
    kind = (entry.external_attr >> 16) & _KIND
    if entry.create_system == _UNIX and kind not in {0, _PLAIN, _FOLDER}:
        raise BadPackage(f"{entry.filename} is no plain file")


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, offset)
        yield kind, extra[offset + 4 : offset + 4 + size]
        offset += 4 + size


def _check_extra(extra: bytes, entry: zipfile.ZipInfo) -> None:
    """Info-ZIP's second name (and comment) must be the first one."""
    for kind, value in _extra_fields(extra):
        if kind == _UNICODE_PATH and value[5:] != entry.filename.encode():
            raise BadPackage(f"{entry.filename} has a second name {value[5:85]!r}")
        if kind == _UNICODE_COMMENT and value[5:] != entry.comment:
            raise BadPackage(f"{entry.filename} has a second comment")


def _wide_sizes(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """Sizes of ZIP64 (APPNOTE 4.5.3): those that are full in the header stand here, in their order."""
    for kind, value in _extra_fields(extra):
        if kind == _ZIP64:
            numbers = iter(struct.unpack(f"<{len(value) // 8}Q", value[: len(value) // 8 * 8]))
            size = next(numbers, size) if size == _WIDE else size
            packed = next(numbers, packed) if packed == _WIDE else packed
    return size, packed


def _check_descriptor(descriptor: bytes, entry: zipfile.ZipInfo, data: bytes) -> None:
    """The sums and sizes behind the data (APPNOTE 4.3.9): with or without mark, ZIP64 or not."""
    sums = [struct.pack("<IQQ", entry.CRC, entry.compress_size, entry.file_size)]
    if entry.file_size <= _WIDE and entry.compress_size <= _WIDE:
        sums.append(struct.pack("<III", entry.CRC, entry.compress_size, entry.file_size))
    if descriptor not in {mark + each for each in sums for mark in (b"", _DESCRIPTOR_MARK)}:
        raise BadPackage(f"{len(descriptor)} bytes after {entry.filename} belong to no entry")
    if entry.compress_type == zipfile.ZIP_STORED and _DESCRIPTOR_MARK in data:
        raise BadPackage(f"where {entry.filename} ends is told only behind it")
