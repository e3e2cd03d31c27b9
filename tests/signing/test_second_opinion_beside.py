"""A second opinion on what is no PDF: XML, detached signatures, packages. Who was asked, what they say, what they leave out."""

import io
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.asic import Form, add_signature, make_package, verify_package
from signing.cades import sign_cades
from signing.cades_verify import verify_cades, verify_cms
from signing.formats import verify_any
from signing.report import Report
from signing.second_opinion import Sampling, Says, State, second_look, second_opinion, with_second_look, with_second_opinion
from signing.xml import sign_xml, verify_xml
from tests.signing.xml_documents import transcript

DATA = "Toán;8,5\n".encode() * 20
XML = b'<r xmlns="urn:r" xml:lang="vi"><DATA Id="d">B\xe1\xba\xb1ng</DATA><place/><other/></r>'

pytestmark = pytest.mark.skipif(
    not (shutil.which("xmlsec1") and shutil.which("openssl")), reason="the other programs are not installed"
)


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def xml(people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    """Two signatures, RSA with everything and on a curve, under an xml:lang that their forms inherit."""
    first = sign_xml(
        XML,
        reference_id="d",
        place="place",
        signer=people["principal"].signer(),
        level=Level.B_LTA,
        timestamper=authority,
        evidence=authority,
    )
    return sign_xml(first, reference_id="d", place="other", signer=people["curve"].signer())


@pytest.fixture(scope="module")
def detached(people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    return sign_cades(DATA, people["curve"].signer(), timestamper=authority, level=Level.B_T)


@pytest.fixture(scope="module")
def package(people: Mapping[str, Issued]) -> bytes:
    """Two signers."""
    made = make_package({"a.csv": DATA, "Sổ điểm.txt": b"x"}, people["principal"].signer())
    return add_signature(made, people["curve"].signer())


def said(content: bytes, trust: Trust, report: Report, signature: bytes | None = None) -> dict[tuple[str, str], Says]:
    return {(each.by, each.field): each.says for each in second_opinion(content, trust, report, signature=signature)}


def codes(report: Report) -> set[str]:
    return {f.code for each in report.signatures for f in each.findings if f.code.startswith("SECOND")}


def test_xmlsec1_judges_every_signature_of_a_document(xml: bytes, trust: Trust) -> None:
    """Both are valid to it; signxml, which does not inherit xml:lang, is asked for agreement alone and so says nothing."""
    report = verify_xml(xml, trust)

    assert said(xml, trust, report) == {
        ("xmlsec1", "place"): Says.VALID,
        ("xmlsec1", "other"): Says.VALID,
        ("signxml", "place"): Says.CANNOT_JUDGE,
        ("signxml", "other"): Says.CANNOT_JUDGE,
    }
    assert codes(with_second_opinion(report, xml, trust)) == {"SECOND_OPINION_AGREES"}


def test_signxml_agrees_where_nothing_is_inherited(people: Mapping[str, Issued], trust: Trust) -> None:
    """Two programs of other hands, one answer."""
    plain = sign_xml(XML.replace(b' xml:lang="vi"', b""), reference_id="d", place="place", signer=people["curve"].signer())

    assert set(said(plain, trust, verify_xml(plain, trust)).values()) == {Says.VALID}


def test_a_changed_document_is_invalid_to_them_too(xml: bytes, trust: Trust) -> None:
    """And we say the same: agreement, and no pass."""
    changed = xml.replace(b"B\xe1\xba\xb1ng</DATA>", b"X</DATA>")
    report = with_second_opinion(verify_xml(changed, trust), changed, trust)

    assert {says for (by, _), says in said(changed, trust, report).items() if by == "xmlsec1"} == {Says.INVALID}
    assert (codes(report), {each.verdict for each in report.signatures}) == ({"SECOND_OPINION_AGREES"}, {Verdict.TOTAL_FAILED})


def test_the_certificate_of_our_report_is_what_they_are_given(xml: bytes, trust: Trust, people: Mapping[str, Issued]) -> None:
    """Were we to name somebody else as the signer, they would object."""
    report = verify_xml(xml, trust)
    wrong = tuple(replace(each, certificate=people["teacher"].certificate) for each in report.signatures[:1])
    wrong = (*wrong, *report.signatures[1:])
    told = with_second_opinion(replace(report, signatures=wrong), xml, trust)

    assert told.verdict is Verdict.INDETERMINATE
    assert told.signatures[0].verdict is Verdict.INDETERMINATE
    assert codes(told) == {"SECOND_OPINION_DISAGREES", "SECOND_OPINION_AGREES"}


def test_openssl_judges_a_detached_signature(detached: bytes, trust: Trust) -> None:
    """Over its file valid, over another invalid: as we say."""
    report, other = verify_cades(DATA, detached, trust), verify_cades(b"other", detached, trust)

    assert list(said(DATA, trust, report, detached).values()) == [Says.VALID]
    assert list(said(b"other", trust, other, detached).values()) == [Says.INVALID]
    assert codes(with_second_opinion(report, DATA, trust, signature=detached)) == {"SECOND_OPINION_AGREES"}


def test_a_cms_that_came_alone_is_judged_over_what_it_brings(people: Mapping[str, Issued], trust: Trust) -> None:
    """One that brings nothing is no judgement of theirs."""
    lone = sign_cades(DATA, people["principal"].signer())

    assert set(said(lone, trust, verify_cms(lone, trust)).values()) <= {Says.CANNOT_JUDGE}


@pytest.mark.parametrize("form", list(Form))
def test_a_package_is_judged_by_its_parts(
    form: Form, people: Mapping[str, Issued], authority: DemoAuthority, trust: Trust
) -> None:
    """Signature and archive timestamp, with the digests of what the manifest lists, read by another ZIP and XML reader."""
    made = make_package(
        {"Sổ điểm.csv": DATA}, people["principal"].signer(), form=form, level=Level.B_LTA, timestamper=authority,
        evidence=authority,
    )  # fmt: skip
    report = verify_package(made, trust)

    assert set(said(made, trust, report).values()) == {Says.VALID}
    assert len(said(made, trust, report)) == len(report.signatures)


def test_a_changed_file_in_a_package_is_invalid_to_them_too(package: bytes, trust: Trust) -> None:
    """The signature over the manifest fits; what the manifest lists does not."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = {each.filename: archive.read(each) for each in archive.infolist()}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data + b"!" if name == "a.csv" else data)
    changed = stream.getvalue()
    report = with_second_opinion(verify_package(changed, trust), changed, trust)

    assert set(said(package, trust, verify_package(package, trust)).values()) == {Says.VALID}
    assert set(said(changed, trust, report).values()) == {Says.INVALID}
    assert codes(report) == {"SECOND_OPINION_AGREES"}


def test_samples_are_drawn_of_every_kind(
    xml: bytes, detached: bytes, package: bytes, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn, judged, agreed: the second look of a production is not of PDFs alone; where nobody could judge, that is said."""
    every = Sampling(one_of=1)
    given: list[tuple[bytes, bytes | None, Report]] = [
        (xml, None, verify_xml(xml, trust)),
        (package, None, verify_package(package, trust)),
        (DATA, detached, verify_cades(DATA, detached, trust)),
    ]
    looks = [second_look(content, trust, report, signature=signature) for content, signature, report in given]
    monkeypatch.setenv("PATH", "/nowhere")
    alone = second_look(DATA, trust, given[2][2], signature=detached)

    assert all(every.takes(report) for _, _, report in given)
    assert [each.state for each in looks] == [State.AGREES] * 3
    assert codes(with_second_look(given[0][2], looks[0])) == {"SECOND_OPINION_AGREES"}
    assert alone.state is State.NOT_JUDGED


def test_a_transcript_with_all_its_places_is_judged(people: Mapping[str, Issued], trust: Trust) -> None:
    """The ministry's form: several identifiers, places one in another."""
    signed = sign_xml(transcript({}), reference_id="data", place="PHAT_HANH_HOC_BA/CBQL", signer=people["principal"].signer())
    report = verify_xml(signed, trust)

    assert {says for (by, _), says in said(signed, trust, report).items() if by == "xmlsec1"} == {Says.VALID}


Spoil = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    "content",
    [
        b"<r/>",
        b"<!DOCTYPE r [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><r>&x;</r>",
        b"<r>" * 20_000,
        b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>',
        b"PK\x03\x04" + b"\0" * 100,
        b"\x30\x80\x06\x09*\x86H\x86\xf7\r\x01\x07\x02" + b"\xff" * 50,
    ],
)
def test_hostile_files_make_nobody_raise(content: bytes, trust: Trust) -> None:
    """No opinion, or none that says valid; also with a report of another file beside it."""
    own = verify_any(content, trust)
    named = replace(own, signatures=verify_cades(DATA, b"", trust).signatures)

    for report in (own, named):
        assert Says.VALID not in said(content, trust, report).values()
        assert Says.VALID not in said(content, trust, report, b"\x30\x80").values()


def test_what_they_leave_out_is_told_in_both_languages(xml: bytes, trust: Trust) -> None:
    """No raw name of a program's inside: words, and who was not asked about what."""
    told = with_second_opinion(verify_xml(xml, trust), xml, trust).signatures[0].findings[-1]
    vi, en = told.message.split(" / ")

    assert "xmlsec1: hợp lệ (mã băm và giá trị chữ ký; không xét: độ tin cậy, thu hồi" in vi
    assert "xmlsec1: valid (digest and signature value; not looked at: trust, revocation" in en
    assert "_" not in told.message
