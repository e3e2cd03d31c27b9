"""Broken files of every build: the reader answers or refuses, in its own words and in good time."""

import io
import re
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signing import DemoAuthority, Trust, Verdict, verify
from signing.demo import Issued
from signing.verification.contents import look_inside
from signing.verification.faults import Fault
from signing.verification.pdf import Pdf
from signing.verification.structure import read_document
from tests.signing.attacks import Scene
from tests.signing.conftest import MakePdf
from tests.signing.foreign_files import FIELD, Habits, Packed, packed, written
from tests.signing.scenes import build_scene
from tests.signing.test_encrypted import USER, Bench, encrypted
from tests.signing.updates import Style, put_signature

SECONDS = 5.0  # for one small broken file; a sound one takes some milliseconds


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


@pytest.fixture(scope="module")
def files(scene: Scene, authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> "Builds":
    """One signed file of each build."""
    bench = Bench(authority, people["principal"])
    front = io.BytesIO()
    with pikepdf.open(io.BytesIO(book_pdf)) as pdf:
        pdf.save(front, linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    style = Style(timestamp=scene.timestamp)
    return Builds(
        {
            "AES 256": bench.sign(encrypted(book_pdf, packed=True), level="B-LTA"),
            "AES 128": bench.sign(encrypted(book_pdf, "AES 128")),
            "RC4": bench.sign(encrypted(book_pdf, "RC4 128")),
            "streams": put_signature(
                packed(Packed(predictor=15)), FIELD, scene.signer, Style(timestamp=scene.timestamp, packed=True)
            ),
            "table": put_signature(written(Habits(length="after", subsections=(3,))), FIELD, scene.signer, style),
            "linearized": put_signature(front.getvalue(), "principal_signs", scene.signer, style),
        }
    )


class Builds(dict[str, bytes]):
    """Files by name; a failing example does not print them."""

    def __repr__(self) -> str:
        return ", ".join(self)


NAMES = ("AES 256", "AES 128", "RC4", "streams", "table", "linearized")
_NUMBER = re.compile(rb"(?<![\w.])\d{1,10}(?![\w.])")
_STREAM = re.compile(rb"/Length (\d+)[^>]*>>\s*stream\r?\n")
_EXTREMES = (
    b"0",
    b"1",
    b"-1",
    b"2147483648",
    b"99999999999999999999",
    b"1.5",
    b"null",
    b"[]",
    b"<<>>",
    b"7 0 R",
    b"/A",
    b"(x)",
)
_PIECES = (
    b"<<", b">>", b"[", b"]", b"endobj", b"stream\n", b"endstream", b"xref\n", b"trailer", b"startxref\n0\n%%EOF",
    b"\0", b"%", b"(", b")",
    b"/Prev 0", b"/Encrypt 9 0 R", b"/Type /ObjStm", b"0 65535 f\n", b"1 0 obj", b"/Filter/Crypt", b"/Length 3 0 R",
)  # fmt: skip


def mutated(content: bytes, chance: Random) -> bytes:
    """One to four changes of the kinds that break parsers."""
    out = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        kind, at = chance.randrange(7), chance.randrange(len(out))
        if kind == 0:
            out[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del out[at : at + chance.choice((1, 3, 20, 400))]
        elif kind == 2:
            out[at:at] = chance.choice(_PIECES)
        elif kind == 3:
            start = chance.randrange(len(out))
            out[at:at] = out[start : start + chance.choice((10, 200, 3000))]
        elif kind in {4, 5}:
            numbers = list(_NUMBER.finditer(bytes(out[at : at + 4000])))
            if numbers:
                match = chance.choice(numbers)
                out[at + match.start() : at + match.end()] = chance.choice(_EXTREMES)
        else:
            out = _inside(out, chance)
        if not out:
            return b"%PDF-1.7"
    return bytes(out)


def _inside(out: bytearray, chance: Random) -> bytearray:
    """A change within a packed stream, which is packed again."""
    streams = [match for match in _STREAM.finditer(bytes(out)) if match.group(1) != b"0"]
    if not streams:
        return out
    match = chance.choice(streams)
    start, stop = match.end(), match.end() + int(match.group(1))
    try:
        text = bytearray(zlib.decompress(bytes(out[start:stop])))
    except zlib.error:
        return out
    if text:
        at = chance.randrange(len(text))
        text[at : at + chance.randrange(3)] = chance.choice((b"", b"\xff", b"0", b"<<", b"[[[[", b" 1 0 R ", bytes(4)))
    packed_again = zlib.compress(bytes(text))
    before = out[: match.start(1)] + b"%d" % len(packed_again) + out[match.end(1) : start]
    return before + packed_again + out[stop:]


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=120, deadline=None)
def test_the_reader_refuses_in_its_own_words(name: str, files: Builds, seed: int) -> None:
    """Whatever is broken: an answer or one of our own faults, soon. A surprise would be one fault hiding all signatures."""
    content = mutated(files[name], Random(seed))  # noqa: S311 -- test data
    begun = time.process_time()
    try:
        pdf = Pdf(content, password=USER)
        document = read_document(pdf, len(content))
        for found in document.signatures:
            if found.fault is None:
                document.later(found)
        look_inside(pdf)
    except Fault as fault:
        assert str(fault)  # noqa: PT017 -- either way is right

    assert time.process_time() - begun < SECONDS


@pytest.mark.parametrize("name", NAMES)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=40, deadline=None)
def test_a_broken_file_never_passes(name: str, files: Builds, trust: Trust, seed: int) -> None:
    """A change among the signed bytes is a signature that fails, or a file that cannot be read; it is never unsigned."""
    content = files[name]
    broken = mutated(content, Random(seed))  # noqa: S311 -- test data
    whole = verify(content, trust, password=USER)
    report = verify(broken, trust, password=USER)

    assert whole.verdict is Verdict.TOTAL_PASSED
    # What may be changed without harm: the unused end of /Contents, and white space behind the end.
    if _signed(broken) != _signed(content):
        assert report.verdict is not Verdict.TOTAL_PASSED
    assert report.verdict is not Verdict.NO_SIGNATURE or b"/ByteRange" not in broken


_HOLE = re.compile(rb"/Contents\s*<[^>]{1000,}>")


def _signed(content: bytes) -> bytes:
    """All but the holes of the signatures, and the end."""
    return _HOLE.sub(b"", content).rstrip(b"\0\t\n\f\r ")
