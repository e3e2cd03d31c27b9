"""Unpacking streams within a budget: a small file must not become gigabytes."""

import binascii
import re
import sys
import zlib
from array import array
from base64 import a85decode
from itertools import accumulate
from typing import Any

from signing.verification.faults import BadStructure

MAX_STREAM = 64 * 1024 * 1024  # one stream, unpacked
MAX_TOTAL = 256 * 1024 * 1024  # all streams of a file that the verification unpacks
MAX_FILTERS = 4  # on one stream


class Budget:
    """How many unpacked bytes a file has left."""

    __slots__ = ("left",)

    def __init__(self, left: int = MAX_TOTAL) -> None:
        self.left = left

    def spend(self, size: int) -> None:
        """Take it from what is left. Raises BadStructure when that is not enough."""
        self.left -= size
        if self.left < 0:
            raise BadStructure(f"the file unpacks to more than {MAX_TOTAL} bytes")


def unpack(raw: bytes, filters: list[str], parameters: list[dict[str, Any] | None], budget: Budget) -> bytes:
    """The stream's bytes after its filters. Raises BadStructure for unknown filters, broken data, or too much of it."""
    if len(filters) > MAX_FILTERS:
        raise BadStructure(f"a stream with {len(filters)} filters")
    for name, told in zip(filters, parameters, strict=True):
        if name in {"/FlateDecode", "/Fl"}:
            raw = _inflate(raw, budget)
            raw = _unpredict(raw, told or {})
        elif name in {"/ASCIIHexDecode", "/AHx"}:
            raw = _hex(raw)
        elif name in {"/ASCII85Decode", "/A85"}:
            raw = _a85(raw)
        elif name == "/Crypt":
            raise BadStructure("an encrypted stream")
        else:
            raise BadStructure(f"the filter {name} is not one that structure may use")
    return raw


def _inflate(raw: bytes, budget: Budget) -> bytes:
    limit = min(MAX_STREAM, budget.left)
    machine = zlib.decompressobj()
    try:
        out = machine.decompress(raw, limit + 1)
    except zlib.error as fault:
        raise BadStructure(f"a stream cannot be unpacked: {fault}") from fault
    if len(out) > limit:
        raise BadStructure(f"a stream unpacks to more than {limit} bytes")
    budget.spend(len(out))
    return out


def _hex(raw: bytes) -> bytes:
    digits = re.sub(rb"[\s\x00]+", b"", raw.partition(b">")[0])
    try:
        return binascii.unhexlify(digits + b"0" * (len(digits) % 2))
    except binascii.Error as fault:
        raise BadStructure("a stream in ASCIIHexDecode holds other letters") from fault


def _a85(raw: bytes) -> bytes:
    try:
        return a85decode(raw.strip().removeprefix(b"<~").partition(b"~>")[0])
    except ValueError as fault:
        raise BadStructure("a stream in ASCII85Decode holds other letters") from fault


def _unpredict(data: bytes, told: dict[str, Any]) -> bytes:
    """PNG predictors (7.4.4.4), bytes as samples: what cross-reference and object streams use."""
    predictor = told.get("/Predictor", 1)
    if predictor == 1:
        return data
    columns, colors, bits = (
        told.get(key, default) for key, default in (("/Columns", 1), ("/Colors", 1), ("/BitsPerComponent", 8))
    )
    if not (isinstance(predictor, int) and predictor >= 10 and isinstance(columns, int)):  # noqa: PLR2004
        raise BadStructure(f"the predictor {predictor} is not one that structure may use")
    if colors != 1 or bits != 8 or not 0 < columns <= 1 << 16:  # noqa: PLR2004
        raise BadStructure("a predictor with samples that are not single bytes")
    width = columns + 1
    if len(data) % width:
        raise BadStructure("a predicted stream whose rows are not whole")
    kinds = data[::width]
    if kinds.count(2) == len(kinds):
        return _all_up(data, columns, width)
    return _mixed(data, columns, width)


def _all_up(data: bytes, columns: int, width: int) -> bytes:
    """Every row says Up: each column is a running sum, of which the lowest byte counts."""
    out = bytearray(len(data) // width * columns)
    for column in range(columns):
        # 255 times the longest column fits in 64 bits by far.
        sums = array("Q", accumulate(data[column + 1 :: width]))
        if sys.byteorder == "big":
            sums.byteswap()
        out[column::columns] = sums.tobytes()[:: sums.itemsize]
    return bytes(out)


def _mixed(data: bytes, columns: int, width: int) -> bytes:
    rows = bytearray()
    above = bytes(columns)
    for start in range(0, len(data), width):
        kind, row = data[start], bytearray(data[start + 1 : start + width])
        for at in range(columns):
            left = row[at - 1] if at else 0
            corner = above[at - 1] if at else 0
            row[at] = (row[at] + _guess(kind, left, above[at], corner)) & 0xFF
        rows += row
        above = bytes(row)
    return bytes(rows)


def _guess(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 0:
        return 0
    if kind == 1:
        return left
    if kind == 2:  # noqa: PLR2004 -- Up
        return up
    if kind == 3:  # noqa: PLR2004 -- Average
        return (left + up) // 2
    if kind == 4:  # noqa: PLR2004 -- Paeth
        about = left + up - corner
        return min((left, up, corner), key=lambda value: abs(about - value))
    raise BadStructure(f"the row predictor {kind} does not exist")
