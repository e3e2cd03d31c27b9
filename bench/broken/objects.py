"""A PDF broken object by object: values swapped, keys doubled, references turned, and every table sound but for what is broken.

`rewritten` writes the whole file anew (table, cross-reference stream, object streams), `appended` adds a revision.
"""

import random
import re
import zlib
from collections.abc import Mapping
from functools import lru_cache

from bench.broken.text import VALUES, likely

_OBJECT = re.compile(rb"(?<![\w.])(\d{1,7})[ \r\n]+\d{1,5}[ \r\n]+obj\b(.*?)\bendobj", re.DOTALL)
_TOKEN = re.compile(
    rb"<<|>>|\[|\]|/[^\s<>\[\]()/%]*|\d+ \d+ R\b|[-+]?[\d.]+|\((?:[^()\\]|\\.|\([^()]*\))*\)|<[0-9A-Fa-f\s]*>|[a-z]+|\s+|.",
    re.DOTALL,
)
_LOCKED = re.compile(rb"/Encrypt \d+ \d+ R|/ID ?\[[^\]]*\]")  # without them nothing of an encrypted file is read
_ROOT, _START = re.compile(rb"/Root (\d+ \d+ R)"), re.compile(rb"startxref\s+(\d+)")
_KEYS = (
    b"/Kids", b"/Parent", b"/Fields", b"/T", b"/FT", b"/V", b"/Type", b"/Subtype", b"/Annots", b"/AP", b"/N", b"/P", b"/Lock",
    b"/Reference", b"/TransformParams", b"/DSS", b"/VRI", b"/Certs", b"/Perms", b"/DocMDP", b"/Length", b"/Filter",
    b"/DecodeParms",
    b"/Extends", b"/First", b"/Names", b"/EmbeddedFiles", b"/EF", b"/F", b"/StructTreeRoot", b"/K", b"/ByteRange",
    b"/Contents", b"/SubFilter", b"/Count", b"/MediaBox", b"/Resources",
    b"/AA", b"/OpenAction", b"/AcroForm", b"/XFA", b"/Metadata", b"/Rect",
)  # fmt: skip
_OTHERS = (
    b"null", b"true", b"[]", b"<<>>", b"()", b"<>", b"(\xfe\xff\x1e\xa4)", b"/Sig", b"/Page", b"/Pages", b"/Catalog", b"-1",
    b"0.5", b"99999 0 R", b"1 65535 R", b"[[[[]]]]", b"<</A<</A<</A 1>>>>>>", b"/" + b"A" * 300, b"(%s)" % (b"A" * 5000),
)  # fmt: skip


_BOMB = zlib.compress(b"\0" * 3_000_000)


@lru_cache(maxsize=16)
def objects_of(data: bytes) -> Mapping[int, bytes]:
    """The bodies of the uncompressed objects by number, the newest of each."""
    return {int(match.group(1)): match.group(2) for match in _OBJECT.finditer(data)}


def body(content: bytes, chance: random.Random, numbers: list[int]) -> bytes:
    """The body of an object with one to three values broken; a stream's data stay, or are cut, or become a bomb's."""
    head, mark, rest = content.partition(b"stream")
    tokens = _TOKEN.findall(head)
    for _ in range(chance.choice((1, 1, 2, 3))):
        _break(tokens, chance, numbers)
    if mark and likely(chance, 0.2):
        rest = chance.choice((b"\n\nendstream", b"\r" + rest, b"\n" + _BOMB + b"\nendstream", rest[: len(rest) // 2]))
    return b"".join(tokens) + mark + rest


def _break(tokens: list[bytes], chance: random.Random, numbers: list[int]) -> None:
    """One value broken so that the syntax mostly stays: keys for keys, values for values."""
    keys, values = _places(tokens)
    if not values:
        tokens.append(chance.choice(_OTHERS))
    elif keys and likely(chance, 0.35):
        _break_key(tokens, chance, keys, numbers)
    else:
        _break_value(tokens, chance, values, numbers)


def _places(tokens: list[bytes]) -> tuple[list[int], list[int]]:
    """Where the keys of dictionaries stand, and where simple values do."""
    keys, values, open_ones, is_key = [], [], list[bytes](), False
    for place, token in enumerate(tokens):
        if not token.strip():
            continue
        if token in {b"<<", b"["}:
            open_ones.append(token)
            is_key = token == b"<<"
        elif token in {b">>", b"]"}:
            if open_ones:
                open_ones.pop()
            is_key = bool(open_ones) and open_ones[-1] == b"<<"
        elif is_key:
            keys.append(place)
            is_key = False
        else:
            values.append(place)
            is_key = bool(open_ones) and open_ones[-1] == b"<<"
    return keys, values


def _break_key(tokens: list[bytes], chance: random.Random, keys: list[int], numbers: list[int]) -> None:
    at, kind = chance.choice(keys), chance.randrange(5)
    if kind == 0:
        other = chance.choice(keys)
        tokens[at], tokens[other] = tokens[other], tokens[at]
    elif kind == 1:
        tokens[at] = chance.choice(_KEYS)
    elif kind == 2 and len(tokens[at]) > 1:  # noqa: PLR2004 -- one number per way of breaking
        tokens[at] = tokens[at][:1] + b"#%02X" % tokens[at][1] + tokens[at][2:]
    elif kind == 3:  # noqa: PLR2004 -- perhaps a key that is there: two of them are no structure
        value = b"%d 0 R" % chance.choice(numbers) if likely(chance, 0.5) else chance.choice(_OTHERS)
        tokens[at:at] = [chance.choice(_KEYS), b" ", value, b" "]
    else:
        tokens[at] = b"/Gone"


def _break_value(tokens: list[bytes], chance: random.Random, values: list[int], numbers: list[int]) -> None:
    at, kind = chance.choice(values), chance.randrange(7)
    token = tokens[at]
    if kind == 0:
        other = chance.choice(values)
        tokens[at], tokens[other] = tokens[other], token
    elif kind in {1, 2} and token.endswith(b" R"):
        tokens[at] = b"%d %d R" % (chance.choice(numbers), chance.choice((0, 0, 0, 0, 1, 65535)))
    elif kind in {1, 2} and token.strip(b"-+.").isdigit():
        tokens[at] = str(chance.choice(VALUES)).encode()
    elif kind == 3:  # noqa: PLR2004 -- one number per way of breaking
        tokens[at] = b"%d 0 R" % chance.choice(numbers)
    elif kind == 4:  # noqa: PLR2004
        depth = chance.choice((1, 3, 60, 60, 200, 5_000))
        opening, closing = chance.choice(((b"[", b"]"), (b"<</A ", b">>")))
        tokens[at] = opening * depth + token + closing * depth
    elif kind == 5:  # noqa: PLR2004
        del tokens[at]
    else:
        tokens[at] = chance.choice(_OTHERS)


def rewritten(data: bytes, chance: random.Random) -> bytes:
    """The file written anew with some objects broken: what tables say is true, so that readers get as far as the objects."""
    objects, root = dict(objects_of(data)), _ROOT.findall(data)
    if not objects or not root:
        return data
    numbers = list(objects)
    for number in chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 2, 4)))):
        objects[number] = body(objects[number], chance, numbers)
    return _section(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", objects, b"/Root " + root[-1] + _locked(data), chance)


def appended(data: bytes, chance: random.Random) -> bytes:
    """The file with a revision behind it in which some objects are broken, or new."""
    objects, root, start = objects_of(data), _ROOT.findall(data), _START.findall(data)
    if not objects or not root or not start:
        return data
    numbers = list(objects)
    chosen = chance.sample(numbers, min(len(numbers), chance.choice((1, 1, 2, 5))))
    changed = {number: body(objects[number], chance, numbers) for number in chosen}
    if likely(chance, 0.3):
        changed[max(numbers) + chance.choice((1, 2, 500))] = b" " + chance.choice(_OTHERS) + b" "
    trailer = b"/Root %s /Prev %s" % (root[-1] if likely(chance, 0.9) else b"%d 0 R" % chance.choice(numbers), start[-1])
    trailer += _locked(data)
    return _section(data, changed, trailer, chance)


def _locked(data: bytes) -> bytes:
    return b" ".join(dict.fromkeys(_LOCKED.findall(data))) if b"/Encrypt" in data else b""


def _section(before: bytes, objects: dict[int, bytes], trailer: bytes, chance: random.Random) -> bytes:
    """Objects and their table behind what is there; now and then the table or the trailer is broken too."""
    style = chance.randrange(3)
    out, places, packed = bytearray(before + b"\n"), dict[int, int](), dict[int, bytes]()
    for number, content in objects.items():
        if style == 2 and b"stream" not in content and likely(chance, 0.7):  # noqa: PLR2004 -- the style with object streams
            packed[number] = content
            continue
        places[number] = len(out)
        out += b"%d 0 obj%sendobj\n" % (number, content)
    size = max(objects) + 3
    trailer = _trailer(trailer, size, chance)
    start = len(out)
    if style == 0:
        rows = b"".join(b"%d 1\n%010d 00000 n \n" % (number, at) for number, at in sorted(places.items()))
        head = b"xref\n0 1\n0000000000 65535 f \n" if b"/Prev" not in trailer else b"xref\n"
        out += head + rows + b"trailer\n<<" + trailer + b">>\n"
    else:
        entries: dict[int, tuple[int, int, int]] = {number: (1, at, 0) for number, at in places.items()}
        if packed:
            entries[size - 2] = (1, start, 0)
            entries |= {number: (2, size - 2, index) for index, number in enumerate(packed)}
            out += _pack(size - 2, packed, chance)
            start = len(out)
        out += _table(size - 1, entries, trailer, start, chance)
    wrong = likely(chance, 0.03)
    return bytes(out) + b"startxref\n%d\n%%%%EOF\n" % (start + (chance.choice((-1, 1, 7)) if wrong else 0))


def _trailer(trailer: bytes, size: int, chance: random.Random) -> bytes:
    entries = b"/Size %d %s" % (size, trailer)
    if likely(chance, 0.05):
        entries += chance.choice((
            b"/Encrypt<</Filter/Standard/V 5/R 6/O()/U()/P -4>>", b"/Encrypt 3 0 R", b"/Encrypt null", b"/Prev 0",
            b"/XRefStm 20", b"/Size 1", b"/Root 1 0 R", b"/ID[<00><00>]", b"/Info 2 0 R",
        ))  # fmt: skip
    return entries


def _pack(number: int, packed: dict[int, bytes], chance: random.Random) -> bytes:
    """An object stream."""
    offsets, bodies = [], b""
    for own, content in packed.items():
        offsets.append(b"%d %d" % (own, len(bodies)))
        bodies += content + b"\n"
    head = b" ".join(offsets) + b"\n"
    count, first = len(packed), len(head)
    if likely(chance, 0.1):
        count, first = chance.choice((count + 1, 0, -1, 2**31)), chance.choice((first, first + 1, 0, -5, 2**40))
    data = zlib.compress(head + bodies)
    extends = b"/Extends %d 0 R" % chance.choice((number, 1)) if likely(chance, 0.05) else b""
    entries = b"/Type/ObjStm/N %d/First %d%s/Filter/FlateDecode/Length %d" % (count, first, extends, len(data))
    return b"%d 0 obj<<%s>>stream\n%s\nendstream endobj\n" % (number, entries, data)


def _table(number: int, entries: dict[int, tuple[int, int, int]], trailer: bytes, at: int, chance: random.Random) -> bytes:
    """A cross-reference stream."""
    entries[number] = (1, at, 0)
    rows = b"".join(
        bytes([kind]) + min(one, 2**32 - 1).to_bytes(4) + two.to_bytes(2) for _, (kind, one, two) in sorted(entries.items())
    )
    widths, index = b"[1 4 2]", b" ".join(b"%d 1" % each for each in sorted(entries))
    if likely(chance, 0.06):
        widths = chance.choice(
            (b"[1 4]", b"[0 4 2]", b"[1 4 2 9]", b"[1 8 2]", b"[1 -4 2]", b"[0 0 0]", b"[1 2147483647 2]", b"null")
        )
    if likely(chance, 0.06):
        index = chance.choice((b"0 99999999", b"", b"-1 3", index + b" " + index, b"5", b"0 2147483648", b"(a) 1"))
    data = zlib.compress(rows)
    head = b"/Type/XRef/W%s/Index[%s]/Filter/FlateDecode/Length %d %s" % (widths, index, len(data), trailer)
    return b"%d 0 obj<<%s>>stream\n%s\nendstream endobj\n" % (number, head, data)
