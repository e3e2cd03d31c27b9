"""Whether two streams hold the same bytes, the one packed and the other not: some programs pack what they save again.

Only where no reader can take them for different: no filter, or one deflate stream to its end and checksum, and nothing behind.
"""

import zlib
from typing import Any

from signing.verification.filters import Budget
from signing.verification.syntax import Stream

MAX_SAME = 16 * 1024 * 1024  # bytes of one stream, unpacked; a scanned page has 1 MB
PACKING = frozenset({"/Filter", "/Length"})
_OTHERWISE_READ = frozenset({"/DecodeParms", "/F", "/FFilter", "/FDecodeParms"})
_WHITE = b"\0\t\n\f\r "


def holds_the_same(old: Stream, new: Stream, budget: Budget) -> bool:
    """Whether both hold the same bytes. Raises BadStructure where the file unpacks to too much."""
    first = _plain(old, budget)
    return first is not None and first == _plain(new, budget)


def _plain(stream: Stream, budget: Budget) -> bytes | None:
    """What a stream holds; None where readers might differ about that."""
    if not _OTHERWISE_READ.isdisjoint(stream.entries):
        return None
    packing: Any = stream.entries.get("/Filter")
    if packing is None or packing == []:
        return stream.raw
    if packing not in ("/FlateDecode", ["/FlateDecode"]):
        return None
    machine = zlib.decompressobj()
    try:
        data = machine.decompress(stream.raw, MAX_SAME)
    except zlib.error:
        return None
    budget.spend(len(data))
    return data if machine.eof and not machine.unused_data.strip(_WHITE) else None
