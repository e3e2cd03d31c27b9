"""One indirect object where it stands in the file (ISO 32000-2 7.3.10), and its stream unpacked."""

import re
from collections.abc import Callable
from typing import Any

from signing.verification.faults import BadStructure
from signing.verification.filters import Budget, unpack
from signing.verification.syntax import Ref, Stream, parse

_HEADER = re.compile(rb"[\x00\t\n\f\r ]*(\d{1,10})[\x00\t\n\f\r ]+(\d{1,5})[\x00\t\n\f\r ]+obj(?![a-zA-Z0-9])")
# White space and comments; the group is atomic, so that a hostile run of comments is walked once.
_GAP = rb"(?>(?:[\x00\t\n\f\r ]|%[^\r\n]*[\r\n])*)"
_STREAM = re.compile(_GAP + rb"stream(\r\n|\n|\r)")
_ENDSTREAM = re.compile(rb"[\x00\t\n\f\r ]*endstream")
_ENDOBJ = re.compile(_GAP + rb"endobj")


def is_head(content: bytes, offset: int, number: int, generation: int) -> bool:
    """Whether an object of this number and generation begins at an offset."""
    match = _HEADER.match(content, offset)
    return match is not None and (int(match.group(1)), int(match.group(2))) == (number, generation)


def read_object(content: bytes, offset: int, end: int, length_of: Callable[[Ref], Any]) -> tuple[int, int, Any, int]:
    """Number, generation, value and end of the object at an offset; `length_of` gives a stream's length that is a reference."""
    match = _HEADER.match(content, offset)
    if match is None or offset >= end:
        raise BadStructure(f"there is no object at byte {offset}")
    value, position = parse(content, match.end())
    begin = _STREAM.match(content, position) if isinstance(value, dict) else None
    if begin is not None and isinstance(value, dict):
        length = value.get("/Length")
        if isinstance(length, Ref):
            length = length_of(length)
        if not isinstance(length, int) or length < 0:
            raise BadStructure(f"the stream at byte {offset} has the length {length!r}")
        start, stop = begin.end(), begin.end() + length
        if begin.group(1) == b"\r":
            raise BadStructure(f"the stream at byte {offset} begins after a lone carriage return")
        ending = _ENDSTREAM.match(content, stop) if stop <= end else None
        if ending is None:
            raise BadStructure(f"the stream at byte {offset} does not end where it says")
        value, position = Stream(value, content, start, stop), ending.end()
    done = _ENDOBJ.match(content, position)
    if done is None:
        raise BadStructure(f"the object at byte {offset} does not end")
    return int(match.group(1)), int(match.group(2)), value, done.end()


def unpack_stream(stream: Stream, resolve: Callable[[Any], Any], budget: Budget) -> bytes:
    """The bytes of a stream after its filters; `resolve` follows references."""
    filters = resolve(stream.entries.get("/Filter"))
    told = resolve(stream.entries.get("/DecodeParms"))
    names = [] if filters is None else filters if isinstance(filters, list) else [filters]
    parameters = told if isinstance(told, list) else [told] * len(names)
    if len(parameters) != len(names):
        raise BadStructure("a stream whose filters and parameters do not match")
    if stream.cipher is not None and names[:1] == ["/Crypt"]:
        names, parameters = names[1:], parameters[1:]  # that was done where the raw bytes were decrypted
    resolved = [resolve(each) for each in parameters]
    if not all(each is None or isinstance(each, dict) for each in resolved):
        raise BadStructure("a stream whose filter parameters are no dictionary")
    return unpack(stream.raw, [str(resolve(name)) for name in names], resolved, budget)
