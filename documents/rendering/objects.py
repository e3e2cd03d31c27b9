"""The objects of a PDF that Typst has just written, as bytes: a few are edited, some are added, all are packed.

A PDF library reads every object to write it again, which takes longer than laying out the page; a sheet has 700, of
which five change. Typst writes one plain table of objects, nothing compressed but streams, nothing encrypted, so the
objects can be taken over as they stand. This works for such a file only, which is why every edit must find exactly
what it expects, and everything else is BadTemplate. The tests read the result with qpdf, poppler and pyHanko.

Packing needs deflate, and the same data deflate to other bytes with other libraries (zlib, zlib-ng, Apple's). The one
that pikepdf brings along is the same wherever that version of pikepdf runs; Python's own is not.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from itertools import pairwise

import pikepdf

from documents.rendering.errors import BadTemplate

HEADER = b"%PDF-1.7\n%\xbf\xf7\xa2\xfe\n"  # the second line tells programs that the file is binary
PER_STREAM = 200  # objects packed together: a reader of one unpacks its neighbours
LAST = re.compile(rb"startxref\s+(\d+)\s+%%EOF\s*\Z")
TABLE = re.compile(rb"xref\n0 (\d+)\n")
ROW = 20  # bytes of a row in the table (ISO 32000-1, 7.5.4)
HEAD = re.compile(rb"(\d+) 0 obj\s")


class Objects:
    """Numbered objects, each as the bytes between `obj` and `endobj`."""

    def __init__(self, pdf: bytes, template: str) -> None:
        self._template = template
        end = self._found(LAST.search(pdf, max(0, len(pdf) - 100)), "the end")
        table = self._found(TABLE.match(pdf, int(end[1])), "the table of objects")
        rows = pdf[table.end() : table.end() + ROW * int(table[1])]
        trailer = pdf[table.end() + len(rows) :]
        self.root = int(self._found(re.search(rb"/Root (\d+) 0 R", trailer), "/Root")[1])
        self.info = int(self._found(re.search(rb"/Info (\d+) 0 R", trailer), "/Info")[1])
        self.bodies: dict[int, bytes] = {}
        begins = sorted(int(rows[at : at + 10]) for at in range(ROW, len(rows), ROW) if rows[at + 17 : at + 18] == b"n")
        for begin, until in pairwise([*begins, int(end[1])]):
            head = self._found(HEAD.match(pdf, begin), f"an object at {begin}")
            body = pdf[head.end() : until].rstrip()
            if not body.endswith(b"endobj"):
                raise BadTemplate(template, f"the object {int(head[1])} has no end")
            self.bodies[int(head[1])] = body.removesuffix(b"endobj").rstrip(b"\n")

    def add(self, body: bytes) -> int:
        """A new object; its number."""
        number = max(self.bodies) + 1
        self.bodies[number] = body
        return number

    def add_stream(self, dictionary: bytes, content: bytes, *, pack: bool = True) -> int:
        """A new stream, deflated unless `pack` is false; `dictionary` without the angle brackets."""
        return self.add(_stream(dictionary, _deflated([content])[0] if pack else content, packed=pack))

    def edit(self, number: int, pattern: bytes, replaced: Callable[[re.Match[bytes]], bytes]) -> None:
        """Replace what the pattern matches; it must match exactly once."""
        body, count = re.subn(pattern, replaced, self.bodies.get(number, b""))
        if count != 1:
            raise BadTemplate(self._template, f"{pattern.decode()} stands {count} times in the object {number}, not once")
        self.bodies[number] = body

    def extend(self, number: int, entries: bytes) -> None:
        """Add entries to a dictionary."""
        body = self.bodies.get(number, b"")
        if not (body.startswith(b"<<") and body.endswith(b">>")):
            raise BadTemplate(self._template, f"the object {number} is no dictionary")
        self.bodies[number] = body[:-2] + entries + b">>"

    def number(self, number: int, key: bytes) -> int:
        """Which object a dictionary refers to under a key: `number(root, b"Pages")`."""
        pattern = rb"/" + key + rb"[\[ ](\d+) 0 R"
        found = re.findall(pattern, self.bodies.get(number, b""))
        if len(found) != 1:
            raise BadTemplate(self._template, f"/{key.decode()} stands {len(found)} times in the object {number}, not once")
        return int(found[0])

    def written(self) -> bytes:
        """A PDF of these objects: streams as they are, everything else packed in object streams (ISO 32000-1, 7.5.7)."""
        streams = {number: body for number, body in self.bodies.items() if body.endswith(b"endstream")}
        plain = sorted(self.bodies.keys() - streams.keys())
        groups = [plain[at : at + PER_STREAM] for at in range(0, len(plain), PER_STREAM)]
        first = max(self.bodies) + 1
        rows: dict[int, tuple[int, int, int]] = {0: (0, 0, 65535)}
        for number, (group, packed) in enumerate(self._packed(groups), start=first):
            streams[number] = packed
            rows |= {member: (2, number, place) for place, member in enumerate(group)}
        out = bytearray(HEADER)
        for number in sorted(streams):
            rows[number] = (1, len(out), 0)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, streams[number])
        return bytes(out) + self._end(rows, first + len(groups), len(out), hashlib.sha256(out).hexdigest()[:32])

    def _packed(self, groups: Sequence[Sequence[int]]) -> Iterable[tuple[Sequence[int], bytes]]:
        contents, heads = [], []
        for group in groups:
            at, places = 0, []
            for number in group:
                places.append(b"%d %d" % (number, at))
                at += len(self.bodies[number]) + 1
            index = b" ".join(places) + b"\n"
            heads.append(b"/Type/ObjStm/N %d/First %d" % (len(group), len(index)))
            contents.append(index + b"\n".join(self.bodies[number] for number in group))
        packed = zip(heads, _deflated(contents), strict=True)
        return zip(groups, (_stream(head, content, packed=True) for head, content in packed), strict=True)

    def _end(self, rows: dict[int, tuple[int, int, int]], own: int, at: int, identity: str) -> bytes:
        """The cross-reference stream (ISO 32000-1, 7.5.8), which is the object `own` and begins at `at`."""
        rows[own] = (1, at, 0)
        table = b"".join(
            b"%c%b%b" % (kind, second.to_bytes(4, "big"), third.to_bytes(2, "big"))
            for kind, second, third in (rows.get(number, (0, 0, 65535)) for number in range(own + 1))
        )
        dictionary = b"/Type/XRef/Size %d/W[1 4 2]/Root %d 0 R/Info %d 0 R/ID[<%s><%s>]" % (
            own + 1,
            self.root,
            self.info,
            identity.encode(),
            identity.encode(),
        )
        body = _stream(dictionary, _deflated([table])[0], packed=True)
        return b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (own, body, at)

    def _found(self, match: re.Match[bytes] | None, what: str) -> re.Match[bytes]:
        if match is None:
            raise BadTemplate(self._template, f"Typst's PDF is not built as expected: {what} is missing")
        return match


def text(value: str) -> bytes:
    """A PDF text string."""
    return b"<FEFF%s>" % value.encode("utf-16-be").hex().upper().encode()


def points(length: float) -> bytes:
    """A thousandth of a point is a third of a micrometre; more digits only make the file depend on rounding."""
    return f"{length:.3f}".rstrip("0").rstrip(".").encode()


def _stream(dictionary: bytes, content: bytes, *, packed: bool) -> bytes:
    filtered = b"/Filter/FlateDecode" if packed else b""
    return b"<<%s%s/Length %d>>stream\n%s\nendstream" % (dictionary, filtered, len(content), content)


def _deflated(contents: Sequence[bytes]) -> list[bytes]:
    """Each of them deflated by the library that pikepdf brings along."""
    out = BytesIO()
    with pikepdf.new() as box:
        box.add_blank_page()  # what has no page is not read again
        box.Root.Held = pikepdf.Array([box.make_stream(content) for content in contents])
        box.save(out, compress_streams=True, static_id=True, object_stream_mode=pikepdf.ObjectStreamMode.disable)
    with pikepdf.open(out) as box:
        held = list(box.Root.Held)
        if any(stream.get("/Filter") != pikepdf.Name.FlateDecode for stream in held):
            raise BadTemplate("pikepdf", "a stream was not deflated")
        return [stream.read_raw_bytes() for stream in held]
