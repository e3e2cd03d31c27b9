"""What the format leaves open is read as it is; what readers repair each in their own way is refused with its reason."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust, verify
from signing.demo import Issued
from signing.verification.faults import BadStructure
from signing.verification.pdf import Pdf
from tests.signing.foreign_files import FIELD, Habits, Packed, packed, written
from tests.signing.updates import Identity, Style, identity, put_signature


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def signer(people: Mapping[str, Issued]) -> Identity:
    return identity(people["principal"])


LEGAL = {
    "as most write": Habits(),
    "carriage returns": Habits(header=b"%PDF-1.3\r%\xe2\xe3\xcf\xd3\r", eol=b"\r", row_end=b" \r", end=b"%%EOF\r"),
    "both": Habits(header=b"%PDF-1.7\r\n", eol=b"\r\n", row_end=b"\r\n", end=b"%%EOF\r\n"),
    "rows of 19 bytes": Habits(row_end=b"\n"),
    "no line after the end": Habits(end=b"%%EOF"),
    "white space after the end": Habits(end=b"%%EOF\r\n\r\n \0\0\0"),
    "a note in the header": Habits(header=b"%PDF-1.4\n% made by hand: 1 0 obj <</Type/Catalog>> endobj\n%\xff\xff\xff\xff\n"),
    "no second line": Habits(header=b"%PDF-1.4\n"),
    "length before": Habits(length="before"),
    "length behind": Habits(length="after"),
    "no line before endstream": Habits(stream_end=b""),
    "both before endstream": Habits(stream_end=b"\r\n"),
    "subsections": Habits(subsections=(1, 4, 5)),
    "trailer on its line": Habits(trailer=b"trailer "),
    "trailer and space": Habits(trailer=b"trailer\r\n \t"),
    "nothing before": Habits(more=b"/Prev 0"),
    "an identifier": Habits(more=b"/ID[<00><FF>]/Info null"),
    "comment before the table": Habits(before_xref=b"% cross-reference\n"),
    "comment before startxref": Habits(before_startxref=b"%Made with a library 4.2\n"),
    "nothing that is not needed": Habits(compact=True, trailer=b"trailer"),
    "comments everywhere": Habits(comments=True),
    "heads with more space": Habits(head=b"%d  0\r\nobj"),
    "a larger size": Habits(size=500),
}


@pytest.mark.parametrize("name", LEGAL)
def test_a_legal_file_is_read(name: str, signer: Identity, authority: DemoAuthority, trust: Trust) -> None:
    """Signed, and signed on top by an update of another style, such a paper passes like our own."""
    content = put_signature(written(LEGAL[name]), FIELD, signer, Style(timestamp=authority.timestamp))
    report = verify(content, trust)

    assert report.verdict == "TOTAL_PASSED", report.to_json()
    assert report.signatures[0].field == FIELD
    assert report.signatures[0].covers_whole_file


PACKED = {
    "plain": Packed(),
    "wide": Packed(widths=(2, 8, 3)),
    "narrow": Packed(widths=(1, 2, 2), index=False),
    "no first row": Packed(free=False),
    "two filters": Packed(hexadecimal=True),
    "carriage returns inside": Packed(eol=b"\r"),
    **{f"predictor {kind}": Packed(predictor=kind) for kind in range(10, 16)},
}


@pytest.mark.parametrize("update", [False, True])
@pytest.mark.parametrize("name", PACKED)
def test_object_streams_are_read(name: str, update: bool, signer: Identity, authority: DemoAuthority, trust: Trust) -> None:
    """Object streams and cross-reference streams with any widths, filters and predictors, updated by table or stream."""
    style = Style(timestamp=authority.timestamp, packed=update)
    report = verify(put_signature(packed(PACKED[name]), FIELD, signer, style), trust)

    assert report.verdict == "TOTAL_PASSED", report.to_json()


REFUSED: Mapping[str, bytes] = {
    "a stream that is longer than it says": written(Habits()).replace(b"/Length 37", b"/Length 30"),
    "a stream without a length": written(Habits()).replace(b"/Length 37", b"/Longth 37"),
    "a lone carriage return after stream": written(Habits()).replace(b"stream\nBT", b"stream\rBT"),
    "no end of an object": written(Habits()).replace(b"endobj\n6 0 obj", b"endabj\n6 0 obj"),
    "a number that is none": written(Habits()).replace(b"/Count 1 ", b"/Count --"),
    "a key twice": written(Habits()).replace(b"/Count 1 >>", b"/Count 1/Count 2>>"),
    "the wrong object": written(Habits()).replace(b"\n6 0 obj", b"\n9 0 obj"),
    "no table": written(Habits()).replace(b"xref\n0 10", b"xrif\n0 10"),
    "no end": written(Habits()).replace(b"startxref", b"startxrif"),
    "data before the header": b"junk\n" + written(Habits()),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_readers_repair_is_not_passed_and_said(name: str, trust: Trust) -> None:
    """Each gets an answer that names what is wrong; none is called sound."""
    report = verify(REFUSED[name], trust)

    assert REFUSED[name] != written(Habits())
    assert report.verdict in {"UNREADABLE", "NO_SIGNATURE", "INDETERMINATE"}
    assert all(each.message for each in report.findings)
    assert report.findings


def test_an_end_that_is_not_marked_is_a_doubt(signer: Identity, authority: DemoAuthority, trust: Trust) -> None:
    """One letter of the last mark: some programs refuse the file, some repair it, and so it does not simply pass."""
    signed = put_signature(written(Habits()), FIELD, signer, Style(timestamp=authority.timestamp))
    assert signed.rstrip().endswith(b"%%EOF")

    for end in (b"%%ENF\n", b""):
        report = verify(signed[: signed.rindex(b"%%EOF")] + end, trust)
        assert report.verdict != "TOTAL_PASSED"
        assert report.findings


def test_a_size_that_is_too_small_hides_nothing(signer: Identity, authority: DemoAuthority, trust: Trust) -> None:
    """Some libraries write the size of the update alone; no reader that was tried leaves objects out for it."""
    signed = put_signature(written(Habits()), FIELD, signer, Style(timestamp=authority.timestamp))
    before = int(signed[signed.rindex(b"startxref") :].split()[1])
    trailer = b"xref\n0 0\ntrailer\n<< /Root 1 0 R /Size 4 /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (before, len(signed))

    assert verify(signed + trailer, trust).verdict == "TOTAL_PASSED"


@pytest.mark.parametrize("length", ["5 0 R", "3 0 R"])
def test_a_length_that_leads_back_to_its_stream_is_refused(length: str, trust: Trust) -> None:
    """A stream whose length is the stream, and one whose length is no number: an answer, not an endless way."""
    content = written(Habits(length="after")).replace(b"/Length 9 0 R", b"/Length " + length.encode())
    content = content.replace(b"\n3 0 obj\n37", b"\n3 0 obj\n[]")

    with pytest.raises(BadStructure):
        Pdf(content).load(5, 0)
    assert verify(content, trust).verdict == "NO_SIGNATURE"
