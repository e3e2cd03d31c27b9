"""Reading ASN.1 values in place: tag, length, body, without building a tree that nobody asked for.

    root = read(der)
    version, algorithm, *rest = root.children()

BER's indefinite lengths are read as well, because real signatures use them; what is signed is always taken as the
bytes that stand in the file. Every fault is a BadDer.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

from signing.verification.faults import BadDer

MAX_DEPTH = 32  # of indefinite lengths inside each other; a real signature has at most six
MAX_CHILDREN = 200_000  # a revocation list of a large authority has about 100 000 entries

INTEGER, BIT_STRING, OCTET_STRING, NULL, OID, ENUMERATED = 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A
SEQUENCE, SET = 0x30, 0x31
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_CONSTRUCTED = 0x20
_INDEFINITE = 0x80
_LONG_TAG = 0x1F


P = ParamSpec("P")
T = TypeVar("T")


def shaped(read_it: Callable[P, T]) -> Callable[P, T]:
    """A reader that takes values for granted where their format has them: what is missing or of another kind is a BadDer."""

    @wraps(read_it)
    def reading(*given: P.args, **named: P.kwargs) -> T:
        try:
            return read_it(*given, **named)
        except (IndexError, ValueError, RecursionError) as fault:
            raise BadDer(f"a value of another shape: {fault}") from fault

    return reading


class Node:
    """One value: its tag byte, and where its header, its body and its end stand in the data."""

    __slots__ = ("body", "data", "end", "indefinite", "start", "tag")

    def __init__(self, data: bytes, start: int, body: int, end: int, tag: int, *, indefinite: bool = False) -> None:
        self.data = data
        self.start = start
        self.body = body
        self.end = end
        self.tag = tag
        self.indefinite = indefinite

    @property
    def content(self) -> bytes:
        """The body without its header (and without the end mark of an indefinite length)."""
        return self.data[self.body : self.end - 2 if self.indefinite else self.end]

    @property
    def raw(self) -> bytes:
        """The value as it stands, header included."""
        return self.data[self.start : self.end]

    @property
    def is_constructed(self) -> bool:
        """Whether it holds values rather than bytes."""
        return bool(self.tag & _CONSTRUCTED)

    def children(self) -> list["Node"]:
        """The values inside a constructed one."""
        if not self.is_constructed:
            raise BadDer(f"a primitive value (tag {self.tag:#x}) where a constructed one was expected")
        data, offset, end = self.data, self.body, self.end - 2 if self.indefinite else self.end
        found: list[Node] = []
        while offset < end:
            node = _node(data, offset, end, 0)
            found.append(node)
            offset = node.end
            if len(found) > MAX_CHILDREN:
                raise BadDer(f"more than {MAX_CHILDREN} values in one set")
        return found

    def octets(self, depth: int = 0) -> bytes:
        """The bytes of an OCTET STRING, also when BER cut it into pieces."""
        if depth > MAX_DEPTH:
            raise BadDer(f"an OCTET STRING cut into pieces more than {MAX_DEPTH} deep")
        if self.tag & _CONSTRUCTED:
            return b"".join(piece.octets(depth + 1) for piece in self.children())
        return self.content

    def whole_bytes(self) -> bytes:
        """The bytes of a BIT STRING that has no odd bits, as signature values and keys are (X.690 8.6.2)."""
        content = self.expect(BIT_STRING).content
        if content[:1] != b"\0":
            raise BadDer("a BIT STRING that does not end with a whole byte")
        return content[1:]

    def integer(self) -> int:
        """The value of an INTEGER."""
        if self.tag != INTEGER or self.body == self.end:
            raise BadDer(f"tag {self.tag:#x} where an INTEGER was expected")
        return int.from_bytes(self.content, "big", signed=True)

    def oid(self) -> str:
        """The dotted form of an OBJECT IDENTIFIER."""
        if self.tag != OID:
            raise BadDer(f"tag {self.tag:#x} where an OBJECT IDENTIFIER was expected")
        return dotted(self.content)

    def time(self) -> datetime:
        """The moment a UTCTime or GeneralizedTime names, in UTC."""
        return moment(self.tag, self.content)

    def expect(self, tag: int) -> "Node":
        """This node, or BadDer when it is of another kind."""
        if self.tag != tag:
            raise BadDer(f"tag {self.tag:#x} where {tag:#x} was expected")
        return self


def read(data: bytes, offset: int = 0) -> Node:
    """The value that starts at `offset`."""
    return _node(data, offset, len(data), 0)


def siblings(data: bytes, offset: int, end: int) -> Iterator[Node]:
    """The values that stand one after another between two offsets."""
    count = 0
    while offset < end:
        node = _node(data, offset, end, 0)
        yield node
        offset = node.end
        count += 1
        if count > MAX_CHILDREN:
            raise BadDer(f"more than {MAX_CHILDREN} values in one set")


def encode(tag: int, body: bytes) -> bytes:
    """A DER value of a tag and a body."""
    size = len(body)
    if size < 0x80:  # noqa: PLR2004 -- the short form of a length
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def as_der(node: Node, depth: int = 0) -> bytes:
    """The value with definite, shortest lengths all the way down, members as they stand. Raises BadDer."""
    if depth > MAX_DEPTH:
        raise BadDer(f"values inside each other more than {MAX_DEPTH} deep")
    if not node.is_constructed:
        return encode(node.tag, node.content)
    return encode(node.tag, b"".join(as_der(child, depth + 1) for child in node.children()))


def _node(data: bytes, start: int, limit: int, depth: int) -> Node:
    try:
        tag, first = data[start], data[start + 1]
    except IndexError:
        raise BadDer(f"the data end inside a header at byte {start}") from None
    if tag & _LONG_TAG == _LONG_TAG:
        raise BadDer(f"a tag of more than one byte at byte {start}")
    body = start + 2
    if first < _INDEFINITE:
        length = first
    elif first == _INDEFINITE:
        return _indefinite(data, start, limit, depth)
    else:
        size = first & 0x7F
        if size > 4:  # noqa: PLR2004 -- four bytes name 4 GB, more than a PDF may have
            raise BadDer(f"a length of {size} bytes at byte {start}")
        body += size
        length = int.from_bytes(data[start + 2 : body], "big")
    end = body + length
    if end > limit:
        raise BadDer(f"the value at byte {start} reaches {end - limit} bytes past its container")
    return Node(data, start, body, end, tag)


def _indefinite(data: bytes, start: int, limit: int, depth: int) -> Node:
    tag = data[start]
    if not tag & _CONSTRUCTED or depth > MAX_DEPTH:
        raise BadDer(f"an indefinite length that cannot be at byte {start}")
    offset = start + 2
    while data[offset : offset + 2] != b"\0\0":
        if offset >= limit:
            raise BadDer(f"the indefinite length at byte {start} never ends")
        offset = _node(data, offset, limit, depth + 1).end
    return Node(data, start, start + 2, offset + 2, tag, indefinite=True)


@lru_cache(1024)
def dotted(body: bytes) -> str:
    """The dotted form of an object identifier's body."""
    if not body or len(body) > 64:  # noqa: PLR2004 -- the longest known ones have about 20 bytes
        raise BadDer("an object identifier without a sensible length")
    parts: list[int] = []
    value = 0
    for byte in body:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            parts.append(value)
            value = 0
    if not parts:
        raise BadDer("an object identifier that does not end")
    first = min(parts[0] // 40, 2)
    return ".".join(map(str, (first, parts[0] - 40 * first, *parts[1:])))


def moment(tag: int, content: bytes) -> datetime:
    """The moment in a UTCTime (tag 0x17) or GeneralizedTime (tag 0x18), RFC 5280 4.1.2.5; fractions are kept."""
    try:
        text = content.decode("ascii")
        if tag == _UTC_TIME:
            text = ("19" if int(text[:2]) >= 50 else "20") + text  # noqa: PLR2004 -- RFC 5280 4.1.2.5.1
        elif tag != _GENERALIZED_TIME:
            raise BadDer(f"tag {tag:#x} where a time was expected")
        if not text.endswith("Z"):
            raise BadDer(f"a time that is not in UTC: {text!r}")
        digits, _, fraction = text[:-1].partition(".")
        digits = digits if len(digits) > 12 else digits + "00"  # noqa: PLR2004 -- UTCTime may leave out the seconds
        micro = int((fraction + "000000")[:6]) if fraction else 0
        year, month, day, hour, minute, second = (int(digits[a:b]) for a, b in _FIELDS)
        return datetime(year, month, day, hour, minute, second, micro, tzinfo=UTC)
    except ValueError as fault:
        raise BadDer(f"a time that is none: {content[:40]!r}") from fault


_FIELDS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12), (12, 14))
