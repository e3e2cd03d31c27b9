"""The directory at the end of a ZIP and the records behind it: all of them must speak of one directory, and of nothing else.

    check_directory(content, archive.start_dir)

There may be two ends, one of them for large archives (ZIP64), and each program believes the one that it likes better. Where the
other one leads into a stored file, that program opens another archive than the one that was verified.
"""

import struct

from signing.asic.headers import BadPackage

_ENTRY = struct.Struct("<4s4B4HL2L5H2L")  # APPNOTE 4.3.12
_END = struct.Struct("<4s4H2LH")  # 4.3.16
_WIDE_END = struct.Struct("<4sQ2H2L4Q")  # 4.3.14, without an extensible sector
_LOCATOR = struct.Struct("<4sLQL")  # 4.3.15
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF  # the real number stands in the ZIP64 record


def check_directory(content: bytes, start: int) -> None:
    """The records from `start` to the last byte. Raises BadPackage."""
    end = len(content) - _END.size
    if end < start or content[end : end + 4] != b"PK\x05\x06" or content[-2:] != b"\0\0":
        raise BadPackage("a comment, or bytes after the end")
    position, count = _walked(content, start, end)
    size = position - start
    told = _END.unpack_from(content, end)
    _, disk, first_disk, here, entries, told_size, told_start, _ = told
    if position != end:
        _check_wide(content, position, end, (count, count, size, start))
        real = ({0}, {0}, {count, _FULL_16}, {count, _FULL_16}, {size, _FULL_32}, {start, _FULL_32})
    else:
        real = ({0}, {0}, {count}, {count}, {size}, {start})
    if any(each not in known for each, known in zip(told[1:7], real, strict=True)):
        raise BadPackage(
            f"the end speaks of {entries} entries ({here} on disk {disk}, {first_disk}) in {told_size} bytes at {told_start}; "
            f"there are {count} in {size} bytes at {start}"
        )


def _walked(content: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the last entry ends, and how many there are."""
    position, count = start, 0
    while position + _ENTRY.size <= end and content[position : position + 4] == b"PK\x01\x02":
        fields = _ENTRY.unpack_from(content, position)
        name, extra, comment, disk = fields[12:16]
        if disk:
            raise BadPackage(f"an entry on disk {disk}")
        position += _ENTRY.size + name + extra + comment
        count += 1
    return position, count


def _check_wide(content: bytes, position: int, end: int, real: tuple[int, int, int, int]) -> None:
    """Exactly one ZIP64 record with its locator between the directory and the end, about the same directory."""
    if end - position != _WIDE_END.size + _LOCATOR.size:
        raise BadPackage(f"{end - position} bytes behind the directory belong to no record")
    record = _WIDE_END.unpack_from(content, position)
    locator = _LOCATOR.unpack_from(content, position + _WIDE_END.size)
    is_record = record[:2] == (b"PK\x06\x06", _WIDE_END.size - 12) and record[4:6] == (0, 0)
    if not is_record or locator != (b"PK\x06\x07", 0, position, 1):
        raise BadPackage("the ZIP64 records are not as they must be")
    if record[6:] != real:
        raise BadPackage(f"the ZIP64 record speaks of {record[6:]}, where {real} is")
