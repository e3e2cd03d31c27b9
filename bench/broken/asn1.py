"""DER as a tree whose nodes can be broken one by one: what is written again has lengths that fit, unless a length is broken.

tree = Node.read(der)
broken(tree, chance)
tree.write()
"""

import random
from collections.abc import Iterator
from typing import Self

from bench.broken.text import likely

_CONSTRUCTED = 0x20
_LONG = 0x80
_TIMES = (
    b"991231235959Z",
    b"000101000000Z",
    b"20261122000000Z",
    b"99991231235959Z",
    b"2026112200Z",
    b"261122000000+0700",
    b"x",
    b"",
)
_OIDS = (
    "2a864886f70d010701",
    "2a864886f70d01010b",
    "6086480165030402010c",
    "2b0e03021a",
    "80",
    "",
    "ff" * 40,
    "551d1e",
    "551d0f",
)
_INTEGERS = (b"", b"\0", b"\1", b"\xff", b"\x80", b"\0" * 9, b"\x7f" + b"\xff" * 600, b"\x80" + b"\0" * 20, b"\0\xff")


class Node:
    """One value: its tag, and either the nodes in it or its bytes."""

    def __init__(self, tag: int, content: bytes = b"", children: "list[Node] | None" = None) -> None:
        self.tag, self.content, self.children = tag, content, children
        self.length: bytes | None = None  # written instead of the one that fits

    @classmethod
    def read(cls, der: bytes) -> Self:
        """The first value of well-formed DER (single-byte tags, as certificates and signatures have)."""
        return cls._read(der, 0)[0]

    @classmethod
    def _read(cls, der: bytes, start: int) -> tuple[Self, int]:
        tag, length, begin = der[start], der[start + 1], start + 2
        if length >= _LONG:
            count = length - _LONG
            length, begin = int.from_bytes(der[begin : begin + count]), begin + count
        end = begin + length
        if not tag & _CONSTRUCTED:
            return cls(tag, der[begin:end]), end
        node, position = cls(tag, children=[]), begin
        while position < end:
            child, position = cls._read(der, position)
            if node.children is not None:
                node.children.append(child)
        return node, end

    def write(self) -> bytes:
        """The value as DER."""
        body = self.content if self.children is None else b"".join(child.write() for child in self.children)
        return bytes([self.tag]) + (self.length if self.length is not None else _length(len(body))) + body

    def walk(self) -> "Iterator[Node]":
        """This node and all below it."""
        yield self
        for child in self.children or ():
            yield from child.walk()

    def at(self, *path: int) -> "Node":
        """The node down these places. Raises IndexError."""
        node: Node = self
        for place in path:
            node = (node.children or [])[place]
        return node

    def copy(self) -> "Node":
        """A tree of its own."""
        children = None if self.children is None else [child.copy() for child in self.children]
        return Node(self.tag, self.content, children)


def _length(size: int) -> bytes:
    if size < _LONG:
        return bytes([size])
    digits = size.to_bytes((size.bit_length() + 7) // 8)
    return bytes([_LONG + len(digits)]) + digits


def broken(tree: Node, chance: random.Random) -> None:
    """One to three nodes of the tree changed in place."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        nodes = list(tree.walk())
        node = chance.choice(nodes)
        if node.children and likely(chance, 0.6):
            _children(node, nodes, chance)
        else:
            _value(node, nodes, chance)


def _children(node: Node, nodes: list[Node], chance: random.Random) -> None:
    children = node.children or []
    place = chance.randrange(len(children))
    kind = chance.randrange(6)
    if kind == 0:
        del children[place]
    elif kind == 1:
        children.insert(place, children[place].copy())
    elif kind == 2:  # noqa: PLR2004 -- one number per way of breaking
        other = chance.randrange(len(children))
        children[place], children[other] = children[other], children[place]
    elif kind == 3:  # noqa: PLR2004
        children[place] = chance.choice(nodes).copy()
    elif kind == 4:  # noqa: PLR2004
        children.append(chance.choice(nodes).copy())
    else:
        wrapped = children[place]
        for _ in range(chance.choice((1, 20, 2_000))):
            wrapped = Node(chance.choice((0x30, 0x31, 0xA0)), children=[wrapped])
            if len(nodes) > 3_000:  # noqa: PLR2004 -- deep enough once
                break
        # Deep trees are written without recursion: as bytes of one value.
        children[place] = Node(0x30, _flat(wrapped))


def _flat(node: Node) -> bytes:
    tags: list[int] = []
    while node.children is not None and len(node.children) == 1:
        tags.append(node.tag)
        node = node.children[0]
    body = node.write()
    for tag in reversed(tags):
        body = bytes([tag]) + _length(len(body)) + body
    return body


def _value(node: Node, nodes: list[Node], chance: random.Random) -> None:
    kind = chance.randrange(7)
    if kind == 0:
        node.tag = chance.choice((0x02, 0x03, 0x04, 0x05, 0x06, 0x0C, 0x13, 0x17, 0x18, 0x30, 0x31, 0x80, 0xA0, 0xA3, 0x1F, 0))
    elif kind == 1:
        node.length = chance.choice(
            (b"\x80", b"\x84\xff\xff\xff\xff", b"\0", b"\x81\1", b"\x88" + b"\xff" * 8, b"\xff", b"\x82\0\1")
        )
    elif kind == 2 and node.children is None:  # noqa: PLR2004 -- one number per way of breaking
        data = bytearray(node.content or b"\0")
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        node.content = bytes(data)
    elif kind == 3 and node.children is None:  # noqa: PLR2004
        node.content = _likely_value(node.tag, chance)
    elif kind == 4 and node.children is None:  # noqa: PLR2004
        node.content = node.content[: chance.randrange(len(node.content) + 1)]
    else:
        other = chance.choice(nodes).copy()
        node.tag, node.content, node.children = other.tag, other.content, other.children


def _likely_value(tag: int, chance: random.Random) -> bytes:
    if tag == 0x06:  # noqa: PLR2004 -- the tags of X.690
        return bytes.fromhex(chance.choice(_OIDS))
    if tag in {0x17, 0x18}:
        return chance.choice(_TIMES)
    if tag in {0x02, 0x0A, 0x03}:
        return chance.choice(_INTEGERS)
    return chance.choice(
        (b"", b"\xff" * 3, "Nguyễn".encode(), b"\0" * 70_000, b"A" * 300, chance.randbytes(chance.randrange(64)))
    )
