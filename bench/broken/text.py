"""A PDF broken as text: bits, pieces, numbers, names, keywords, rows, whole objects, and later revisions with a sound table."""

import random
import re
from collections.abc import Callable

NUMBER = re.compile(rb"(?<![\w.])\d{1,9}(?![\w.])")
NAME = re.compile(rb"/[A-Za-z]{2,16}")
OBJECT = re.compile(rb"(?<!\d)\d{1,7} 0 obj.{0,2000}?endobj", re.DOTALL)
HOLE = re.compile(rb"<[0-9A-Fa-f]{400,}>")  # a signature's /Contents
VALUES = (0, 1, 2, 3, -1, 7, 255, 256, 65535, 2**31 - 1, 2**31, 2**32, 2**63, 10**12, 10**30)

_ROW = re.compile(rb"\d{10} \d{5} [nf]")
_WORDS = (
    b"obj", b"endobj", b"stream", b"endstream", b"xref", b"trailer", b"startxref", b"%%EOF", b"null", b"true", b"<<", b">>",
    b"[", b"]", b"(", b")", b"<", b">", b"R", b"/Prev", b"/Kids", b"/Parent", b"/ByteRange", b"/Contents", b"/V", b"/Type /Sig",
    b"%", b"%\n", b"\r", b"\0",
)  # fmt: skip


def likely(chance: random.Random, share: float) -> bool:
    """Whether it happens this time."""
    return chance.random() < share


def mutate(content: bytes, chance: random.Random) -> bytes:
    """One to four things broken."""
    data = content
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(MUTATIONS)(data, chance)
        if not data:
            return b"%PDF-1.7\n"
    return data


def _place(data: bytes, pattern: re.Pattern[bytes], chance: random.Random) -> re.Match[bytes] | None:
    """A match after a random place, most often near the end, where updates stand."""
    start = chance.randrange(len(data)) if likely(chance, 0.5) else max(0, len(data) - chance.randrange(1, 30_000))
    return pattern.search(data, min(start, len(data)))


def flip(data: bytes, chance: random.Random) -> bytes:
    """Some bits."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 20))):
        out[chance.randrange(len(out))] ^= 1 << chance.randrange(8)
    return bytes(out)


def cut(data: bytes, chance: random.Random) -> bytes:
    """A piece taken out, or the end cut off."""
    start = chance.randrange(len(data))
    stop = len(data) if likely(chance, 0.3) else start + chance.choice((1, 7, 100, 5000))
    return data[:start] + data[stop:]


def repeat(data: bytes, chance: random.Random) -> bytes:
    """A piece twice."""
    start = chance.randrange(len(data))
    stop = start + chance.choice((1, 20, 500, 20_000))
    return data[:stop] + data[start:stop] + data[stop:]


def number(data: bytes, chance: random.Random) -> bytes:
    """Another number."""
    match = _place(data, NUMBER, chance)
    if match is None:
        return data
    value = chance.choice((*VALUES, int(match.group()) + chance.choice((-1, 1, 10, -10)), chance.randrange(2000)))
    new = str(value).encode()
    if likely(chance, 0.6):
        new = new[: len(match.group())].rjust(len(match.group()), b"0" if likely(chance, 0.5) else b" ")
    return data[: match.start()] + new + data[match.end() :]


def name(data: bytes, chance: random.Random) -> bytes:
    """Another name, taken from elsewhere in the file."""
    match, other = _place(data, NAME, chance), _place(data, NAME, chance)
    if match is None or other is None:
        return data
    return data[: match.start()] + other.group() + data[match.end() :]


def word(data: bytes, chance: random.Random) -> bytes:
    """A keyword put in, or over something."""
    start, new = chance.randrange(len(data)), chance.choice(_WORDS)
    return data[:start] + new + data[start + (len(new) if likely(chance, 0.5) else 0) :]


def row(data: bytes, chance: random.Random) -> bytes:
    """A cross-reference row that points elsewhere."""
    match = _place(data, _ROW, chance)
    if match is None:
        return data
    new = b"%010d 00000 %s" % (chance.randrange(len(data)), chance.choice((b"n", b"n", b"f")))
    return data[: match.start()] + new + data[match.end() :]


def swap(data: bytes, chance: random.Random) -> bytes:
    """An object over another one."""
    match, other = _place(data, OBJECT, chance), _place(data, OBJECT, chance)
    if match is None or other is None:
        return data
    body = other.group().partition(b"obj")[2]
    return data[: match.start()] + match.group().partition(b"obj")[0] + b"obj" + body + data[match.end() :]


def container(data: bytes, chance: random.Random) -> bytes:
    """The DER of a signature changed in place."""
    match = _place(data, HOLE, chance)
    if match is None or len(match.group()) % 2:
        return data
    der = bytearray.fromhex(match.group()[1:-1].decode())
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(min(len(der), 9000))
        der[at] = chance.choice((0, 1, 0x30, 0x31, 0x80, 0x84, 0xA0, 0xFF, der[at] ^ (1 << chance.randrange(8))))
    return data[: match.start()] + b"<" + der.hex().encode() + b">" + data[match.end() :]


def update(data: bytes, chance: random.Random) -> bytes:
    """A later revision that replaces objects by mutated copies, with a sound table."""
    objects = OBJECT.findall(data)
    addresses = re.findall(rb"startxref\s+(\d+)", data)
    trailers = re.findall(rb"/Root (\d+ 0 R)", data)
    if not objects or not addresses or not trailers:
        return data
    out = bytearray(data + b"\n")
    rows: dict[int, int] = {}
    for _ in range(chance.choice((1, 1, 2, 5))):
        chosen = chance.choice(objects)
        own = int(chosen.split(b" ", 1)[0])
        body = chance.choice((_keep, number, name, word))(chosen.partition(b"obj")[2], chance)
        rows[own] = len(out)
        out += b"%d 0 obj" % own + body + b"\n"
    start = len(out)
    out += b"xref\n" + b"".join(b"%d 1\n%010d 00000 n \n" % (n, at) for n, at in sorted(rows.items()))
    out += b"trailer\n<< /Size 20000 /Root %s /Prev %s >>\nstartxref\n%d\n%%%%EOF\n" % (trailers[-1], addresses[-1], start)
    return bytes(out)


def _keep(data: bytes, chance: random.Random) -> bytes:
    del chance
    return data


def deep(data: bytes, chance: random.Random) -> bytes:
    """Many brackets."""
    match = _place(data, OBJECT, chance)
    if match is None:
        return data
    head = match.group().partition(b"obj")[0]
    sign = chance.choice((b"[", b"<<", b"<</A", b"("))
    return data[: match.start()] + head + b"obj " + sign * chance.choice((50, 20_000)) + b" endobj" + data[match.end() :]


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    flip, cut, repeat, number, number, name, word, row, swap, container, container, update, update, update, deep,
)  # fmt: skip
