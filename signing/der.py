"""DER by hand (X.690): the few values from which a CMS signature is built, without a library that re-encodes the tree."""


def der(tag: int, *parts: bytes) -> bytes:
    """One value: tag, definite length, contents."""
    content = b"".join(parts)
    size = len(content)
    if size < 0x80:  # noqa: PLR2004 - the short form of X.690, 8.1.3.4
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + content


def sequence(*parts: bytes) -> bytes:
    """A SEQUENCE."""
    return der(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    """A SET OF: DER wants its members sorted (X.690, 11.6)."""
    return der(0x31, *sorted(parts))


def octets(value: bytes) -> bytes:
    """An OCTET STRING."""
    return der(0x04, value)


def integer(value: int) -> bytes:
    """An INTEGER."""
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    content = bytearray()
    for arc in (first * 40 + second, *rest):
        pieces = [arc & 0x7F]
        left = arc >> 7
        while left:
            pieces.append(0x80 | (left & 0x7F))
            left >>= 7
        content += bytes(reversed(pieces))
    return der(0x06, bytes(content))


NULL = der(0x05)
