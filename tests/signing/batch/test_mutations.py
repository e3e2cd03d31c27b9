"""Whatever the fast path says yes to, pyHanko (strict) finds as good as its own work; everything else it leaves alone.

`SOKY_MUTATIONS` sets how many random mutations are tried (a few hundred by default; the release is run with 100,000).
"""

import asyncio
import io
import logging
import os
import random
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pikepdf
import pytest
import typst
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext

from signing.batch import FastPath, NewField, Order, Unusual
from signing.demo import DemoAuthority
from signing.levels import Level

NOW = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
FIELDS = {"sign": (0, 0, 0, 0), "seen": (10, 10, 90, 90), "archive_timestamp": (0, 0, 0, 0)}
MUTATIONS = int(os.environ.get("SOKY_MUTATIONS", "600"))
PORTIONS = 6

# What is thrown in: delimiters, keywords, keys that change a meaning, numbers at the edge.
THROWN_IN = (
    b"<<", b">>", b"[", b"]", b"/", b"(", b")", b"%", b"\n", b"\r", b"\x00", b"#20", b"0", b"1", b"-1", b"99999999999", b" R",
    b"obj", b"endobj", b"stream", b"xref", b"trailer", b"null", b"/Type", b"/V", b"/Kids", b"/Fields", b"/FT", b"/Prev 0",
    b"/Encrypt 5 0 R", b"/SV 3 0 R", b"/XRefStm 20",
)  # fmt: skip
NAMES = (b"/Foo", b"/T", b"/V", b"/Kids", b"/Type", b"/Parent", b"/Prev", b"/Size")
_MARKS = re.compile(
    rb"/(?:Root|AcroForm|Fields|T|FT|Size|Prev|W|Index|Length|Type|Kids|Annots|P|Rect|ID|N|First)\b|xref|startxref|obj"
)
_NUMBER, _NAME = re.compile(rb"\d+"), re.compile(rb"/[A-Za-z]+")


def mutated(chance: random.Random, pdf: bytes) -> bytes:
    """One to four small changes, half of them where the structure is."""
    data = bytearray(pdf)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        at = chance.randrange(len(data))
        if chance.random() < 0.5 and (marks := [mark.start() for mark in _MARKS.finditer(data)]):
            at = min(len(data) - 1, chance.choice(marks) + chance.randrange(14))
        _change(chance, data, at)
    return bytes(data)


def _change(chance: random.Random, data: bytearray, at: int) -> None:
    kind = chance.randrange(7)
    if kind == 0:
        data[at] = chance.randrange(256)
    elif kind == 1:
        del data[at : at + chance.choice((1, 1, 2, 5, 30))]
    elif kind == 2:
        data[at:at] = chance.choice(THROWN_IN)
    elif kind == 3 and (number := _NUMBER.search(data, at)):
        value = int(number[0])
        other = chance.choice((0, 1, value + 1, max(0, value - 1), chance.randrange(40)))
        data[number.start() : number.end()] = b"%0*d" % (len(number[0]), other)
    elif kind == 4:
        data[at:at] = data[at : at + chance.randrange(1, 60)]
    elif kind == 5 and (name := _NAME.search(data, at)):
        data[name.start() : name.end()] = chance.choice(NAMES)
    else:
        data[at : at + 1] = chance.choice(THROWN_IN)


@pytest.fixture(scope="module")
def path(people: Any, authority: DemoAuthority) -> FastPath:
    return FastPath(people["curve"].signer(), timestamper=authority, evidence=authority)


@pytest.fixture(scope="module")
def root(authority: DemoAuthority) -> asn1_x509.Certificate:
    return asn1_x509.Certificate.load(authority.root)


@pytest.fixture(scope="module")
def bases(make_pdf: Any, path: FastPath) -> dict[str, bytes]:
    """A table, streams, both with an earlier signature, and a document without a form."""
    table, streams = make_pdf(FIELDS), make_pdf(FIELDS, object_streams=True)
    earlier = Order(field="seen", at=NOW, level=Level.B_B)
    return {
        "table": table,
        "streams": streams,
        "signed table": path.sign(table, earlier),
        "signed streams": path.sign(streams, earlier),
        "bare": make_pdf({}),
    }


@pytest.fixture
def quiet() -> Iterator[None]:
    """PyHanko warns about everything it forgives."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


async def _judged(pdf: bytes, field: str, root: asn1_x509.Certificate) -> None:
    reader = PdfFileReader(io.BytesIO(pdf), strict=True)
    (reference,) = [ref for name, _, ref in enumerate_sig_fields(reader, filled_status=True) if name == field]
    signature = EmbeddedPdfSignature(reader, reference.get_object(), field)
    status = await async_validate_pdf_signature(signature, ValidationContext(trust_roots=[root], allow_fetching=False))
    assert status.bottom_line, status.summary()
    assert status.coverage is not None
    assert status.coverage.name == "ENTIRE_FILE"


@pytest.mark.parametrize("portion", range(PORTIONS))
@pytest.mark.usefixtures("quiet")
@pytest.mark.timeout(3600)
def test_a_mutated_document_is_signed_well_or_not_at_all(
    bases: dict[str, bytes], path: FastPath, root: asn1_x509.Certificate, portion: int
) -> None:
    """No broken file, no other exception than the fast path's own no."""
    signed = 0
    for number in range(portion, MUTATIONS, PORTIONS):
        chance = random.Random(number)  # noqa: S311 - the number names the case
        base = chance.choice(list(bases))
        pdf = mutated(chance, bases[base])
        field, new = ("new", NewField(page=0, box=(0, 0, 0, 0))) if base == "bare" else ("sign", None)
        try:
            result = path.sign(pdf, Order(field=field, at=NOW, level=Level.B_B, new_field=new))
        except Unusual:
            continue
        signed += 1
        assert result.startswith(pdf)
        try:
            asyncio.run(_judged(result, field, root))
        except Exception as error:
            raise AssertionError(f"mutation {number} of {base}: {error!r}") from error

    assert signed > MUTATIONS / PORTIONS / 20, "so few were accepted that nothing was shown"


# Odd producers. Each function makes a document; the verdict says who signs it.


def _typst() -> bytes:
    source: bytes = (
        '#set document(title: "Sổ", date: datetime(year: 2026, month: 1, day: 1))\n#set text(lang: "vi")\n= Sổ'.encode()
    )
    compiled: object = typst.compile(source, pdf_standards=["a-3a"])
    assert isinstance(compiled, bytes)
    return compiled


def _saved(**how: Any) -> Callable[[bytes], bytes]:
    def save(pdf: bytes) -> bytes:
        with pikepdf.open(io.BytesIO(pdf)) as opened:
            saved = io.BytesIO()
            opened.save(saved, **how)
            return saved.getvalue()

    return save


def _hybrid(pdf: bytes) -> bytes:
    return pdf.replace(b"trailer << ", b"trailer << /XRefStm 15 ", 1)


def _second_revision(pdf: bytes) -> bytes:
    """The same document after another program's plain update."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    writer.root["/Lang"] = writer.root["/Lang"]
    writer.update_root()  # type: ignore[no-untyped-call]  # pyHanko's
    saved = io.BytesIO()
    writer.write(saved)  # type: ignore[no-untyped-call]  # pyHanko's
    return saved.getvalue()


PRODUCERS: dict[str, tuple[Callable[[bytes], bytes], bool]] = {
    "plain": (lambda pdf: pdf, True),
    "linearized": (_saved(linearize=True), True),
    "linearized with object streams": (_saved(linearize=True, object_stream_mode=pikepdf.ObjectStreamMode.generate), True),
    "uncompressed": (_saved(compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.all), True),
    "QDF": (_saved(qdf=True), True),  # comments between objects
    "second revision": (_second_revision, True),
    "encrypted": (_saved(encryption=pikepdf.Encryption(owner="o", user="")), False),
    "hybrid": (_hybrid, False),
    "carriage returns in the table": (lambda pdf: re.sub(rb"(\d{10} \d{5} [nf]) \n", rb"\1\r\n", pdf), True),
    "bytes before the header": (lambda pdf: b"\n\n" + pdf, False),
    "bytes after the end": (lambda pdf: pdf + b"\n<html>", False),
    "zeros after the end": (lambda pdf: pdf + bytes(10), True),
    "the last line cut": (lambda pdf: pdf.rstrip()[:-1], False),
    "a second header": (lambda pdf: pdf.replace(b"%PDF-1.", b"%PDF-9.", 1), False),
}


@pytest.mark.parametrize("producer", PRODUCERS)
def test_each_producer_is_signed_well_or_left_to_pyhanko(make_pdf: Any, path: FastPath, judges: Any, producer: str) -> None:
    """Tables, streams and revisions by other programs are signed; hybrid, encrypted and damaged files are declined."""
    make, is_plain = PRODUCERS[producer]
    pdf = make(make_pdf(FIELDS))
    order = Order(field="sign", at=NOW, level=Level.B_LTA)

    if is_plain:
        judges.all(path.sign(pdf, order), signatures=1, timestamps=1)
    else:
        with pytest.raises(Unusual):
            path.sign(pdf, order)


def test_a_document_by_typst_gets_its_fields(path: FastPath, judges: Any) -> None:
    """Straight from the renderer, without any form."""
    pdf = _typst()

    signed = path.sign(pdf, Order(field="sign", at=NOW, level=Level.B_LTA, new_field=NewField(page=0, box=(0, 0, 0, 0))))

    judges.all(signed, signatures=1, timestamps=1)
