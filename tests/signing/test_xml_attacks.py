"""Attacks upon XML signatures, each with a file made here, and the verdict that it must get."""

import base64
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.report import Report, SubIndication
from signing.xml import Role, sign_transcript, sign_xml, verify_xml
from signing.xml.algorithms import DS, ENVELOPED, SIGNED_PROPERTIES
from signing.xml.tree import MAX_DEPTH
from tests.signing.xml_documents import SMALL, handmade, replaced, transcript

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
HEAD = "PHAT_HANH_HOC_BA/CBQL"


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """With the issuing CA at hand: what is made by hand carries the signer's certificate alone."""
    return Trust.of_certificates([authority.root, *authority.chain])


@pytest.fixture(scope="module")
def ana(people: Mapping[str, Issued]) -> Issued:
    return people["teacher"]


@pytest.fixture(scope="module")
def signed(people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    """A transcript without subjects, signed by the homeroom teacher and the head, with timestamps."""
    document = transcript({})
    for role, who in ((Role.HOMEROOM, "homeroom"), (Role.HEAD, "principal")):
        document = sign_transcript(document, role, people[who].signer(), level=Level.B_T, timestamper=authority)
    return document


def codes(report: Report) -> set[str]:
    return {each.code for each in report.findings} | {f.code for each in report.signatures for f in each.findings}


def test_a_plain_signature_made_by_hand_is_valid(ana: Issued, trust: Trust) -> None:
    """The ground on which the attacks below stand: nothing else is wrong with these files."""
    for transforms in ((), (EXCLUSIVE,), ("http://www.w3.org/2006/12/xml-c14n11",)):
        report = verify_xml(handmade(ana, transforms=transforms), trust)

        assert report.verdict is Verdict.TOTAL_PASSED
        assert report.signatures[0].level is None  # no signed properties: XML-DSig, no XAdES level


NOT_FOLLOWED = SubIndication.SIG_CONSTRAINTS_FAILURE

REFUSED = {
    "two elements with the signed Id": (
        {"xml": SMALL.replace(b"<place/>", b'<place/><DATA Id="d">other</DATA>')}, "DUPLICATE_ID", SubIndication.FORMAT_FAILURE,
    ),
    "the same Id under another name": (
        {"xml": SMALL.replace(b"<place/>", b'<place/><DATA ID="d">other</DATA>')}, "DUPLICATE_ID", SubIndication.FORMAT_FAILURE,
    ),
    "an address": ({"uri": 'URI="http://127.0.0.1:9/x"'}, "REFERENCE_REFUSED", SubIndication.SIGNED_DATA_NOT_FOUND),
    "a file": ({"uri": 'URI="/etc/passwd"'}, "REFERENCE_REFUSED", SubIndication.SIGNED_DATA_NOT_FOUND),
    "a path expression": ({"uri": 'URI="#xpointer(//DATA)"'}, "REFERENCE_REFUSED", SubIndication.SIGNED_DATA_NOT_FOUND),
    "no URI at all": ({"uri": ""}, "REFERENCE_REFUSED", SubIndication.SIGNED_DATA_NOT_FOUND),
    "an Id that is not there": ({"uri": 'URI="#gone"'}, "REFERENCE_NOT_FOUND", SubIndication.SIGNED_DATA_NOT_FOUND),
    "XSLT": (
        {"transforms": ("http://www.w3.org/TR/1999/REC-xslt-19991116",)}, "TRANSFORM_REFUSED", NOT_FOLLOWED,
    ),
    "XPath": (
        {"transforms": ("http://www.w3.org/TR/1999/REC-xpath-19991116",)}, "TRANSFORM_REFUSED", NOT_FOLLOWED,
    ),
    "text that is no base64": ({"transforms": (DS + "base64",)}, "REFERENCE_REFUSED", SubIndication.HASH_FAILURE),
    "canonical after base64": (
        {"transforms": (DS + "base64", EXCLUSIVE)}, "TRANSFORM_REFUSED", NOT_FOLLOWED,
    ),
    "decryption": (
        {"transforms": ("http://www.w3.org/2002/07/decrypt#XML",)}, "TRANSFORM_REFUSED", NOT_FOLLOWED,
    ),
    "canonical twice": ({"transforms": (EXCLUSIVE, EXCLUSIVE)}, "TRANSFORM_REFUSED", NOT_FOLLOWED),
    "enveloped after canonical": ({"transforms": (EXCLUSIVE, ENVELOPED)}, "TRANSFORM_REFUSED", NOT_FOLLOWED),
    "a canonical form of one's own": ({"method": "urn:mine"}, "TRANSFORM_REFUSED", NOT_FOLLOWED),
    "HMAC": ({"algorithm": DS + "hmac-sha1"}, "HMAC_REFUSED", SubIndication.FORMAT_FAILURE),
    "an unknown algorithm": ({"algorithm": "urn:x"}, "UNKNOWN_ALGORITHM", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
    "properties that are data": (
        {"reference_type": SIGNED_PROPERTIES}, "REFERENCE_REFUSED", SubIndication.FORMAT_FAILURE,
    ),
    "the whole document without enveloped": ({"uri": 'URI=""'}, "SIGNATURE_INSIDE_REFERENCE", SubIndication.FORMAT_FAILURE),
    "an element around the signature": (
        {"xml": SMALL.replace(b"<place/>", b"<place/>").replace(b"<r ", b'<r Id="d" ').replace(b'<DATA Id="d"', b"<DATA")},
        "SIGNATURE_INSIDE_REFERENCE", SubIndication.FORMAT_FAILURE,
    ),
    "SHA-1": (
        {"algorithm": DS + "rsa-sha1", "digest": "sha1", "digest_uri": DS + "sha1"},
        "WEAK_ALGORITHM", SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", list(REFUSED))
def test_what_a_signature_may_not_say_is_refused(attack: str, ana: Issued, trust: Trust) -> None:
    """Everything else about each file is right: digest and value really fit."""
    arguments, code, sub = REFUSED[attack]
    report = verify_xml(handmade(ana, **arguments), trust)  # type: ignore[arg-type]

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert (report.signatures[0].sub_indication, code in codes(report)) == (sub, True)


def test_wrapping_by_a_copy_with_the_same_id(signed: bytes, trust: Trust) -> None:
    """The signed data are hidden at the end, forged ones with the same Id stand in front."""
    start, end = signed.index(b"<DU_LIEU_HOC_BA"), signed.index(b"</DU_LIEU_HOC_BA>") + 17
    data = signed[start:end]
    forged = data.replace("Trần Thị Ơn".encode(), "Kẻ Gian".encode())
    report = verify_xml(signed[:start] + forged + b"<x>" + data + b"</x>" + signed[end:], trust)

    assert report.verdict is Verdict.TOTAL_FAILED
    assert report.signature(HEAD).verdict is Verdict.TOTAL_FAILED
    assert "DUPLICATE_ID" in codes(report)


def test_wrapping_by_moving_the_signed_data_away(signed: bytes, trust: Trust) -> None:
    """With the Id there once, digest and value still fit: the report says that what now stands in their place is not signed."""
    start, end = signed.index(b"<DU_LIEU_HOC_BA"), signed.index(b"</DU_LIEU_HOC_BA>") + 17
    forged = b"<DU_LIEU_HOC_BA><THONG_TIN_HOC_BA>forged</THONG_TIN_HOC_BA></DU_LIEU_HOC_BA>"
    moved = signed[:start] + forged + signed[end:].replace(b"</root>", b"<x>" + signed[start:end] + b"</x></root>")
    report = verify_xml(moved, trust)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert "TRANSCRIPT_WRONG_REFERENCE" in codes(report)
    assert any("/root/DU_LIEU_HOC_BA" in each.message for each in report.findings if each.code == "UNSIGNED_PARTS")


@pytest.mark.parametrize(
    "prolog",
    [
        '<!DOCTYPE r [<!ENTITY a "x">]>',
        "<!doctype r>",
        '<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        "<!DOCTYPE r [<!ATTLIST DATA Id ID #IMPLIED>]>",
    ],
)
def test_a_doctype_is_refused(prolog: str, ana: Issued, trust: Trust) -> None:
    """Entities and default attributes make a document mean what its reader does not see."""
    report = verify_xml(prolog.encode() + handmade(ana), trust)

    assert (report.verdict, codes(report) & {"DOCTYPE_REFUSED", "NOT_XML"} != set()) == (Verdict.UNREADABLE, True)


def test_a_doctype_in_another_encoding_is_refused(ana: Issued, trust: Trust) -> None:
    """UTF-16 does not hide it."""
    text = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE r [<!ENTITY a "x">]>' + handmade(ana).decode()

    assert codes(verify_xml(text.encode("utf-16"), trust)) == {"DOCTYPE_REFUSED"}


def test_the_same_document_in_utf_16_is_valid(ana: Issued, trust: Trust) -> None:
    """Canonical XML is UTF-8 whatever the file was written in."""
    text = '<?xml version="1.0" encoding="UTF-16"?>' + handmade(ana).decode()

    assert verify_xml(text.encode("utf-16"), trust).verdict is Verdict.TOTAL_PASSED


def test_another_certificate_in_key_info(signed: bytes, people: Mapping[str, Issued], trust: Trust) -> None:
    """The signed properties bind the certificate: another one beside the signature is noticed."""
    mine = base64.b64encode(people["principal"].certificate).decode()
    other = base64.b64encode(people["teacher"].certificate).decode()
    report = verify_xml(replaced(signed, mine, other), trust)

    assert report.signature(HEAD).sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert "SIGNER_CERTIFICATE_MISMATCH" in codes(report)


def test_signed_properties_that_are_changed(signed: bytes, trust: Trust) -> None:
    """The claimed time is signed."""
    report = verify_xml(replaced(signed, "<xades:MimeType>text/xml", "<xades:MimeType>text/abc", 2), trust)

    assert report.signature(HEAD).sub_indication is SubIndication.HASH_FAILURE


def test_a_timestamp_of_another_signature_is_no_proof(signed: bytes, trust: Trust) -> None:
    """A token swapped with another signature's proves nothing here: the level falls to B-B and the report says why."""
    first, second = (part.split(b"<", 1)[0] for part in signed.split(b"<xades:EncapsulatedTimeStamp>")[1:])
    report = verify_xml(signed.replace(second, first), trust)

    assert report.signature(HEAD).level is Level.B_B
    assert report.signature(HEAD).best_time is None
    assert "TIMESTAMP_BROKEN" in codes(report)


def test_a_signature_value_that_is_changed(signed: bytes, trust: Trust) -> None:
    """And one of the wrong length."""
    at = signed.rindex(b'-value">') + 8
    for spoilt in (b"AAAA" + signed[at + 4 :], signed[at + 4 :]):
        report = verify_xml(signed[:at] + spoilt, trust)

        assert report.signature(HEAD).sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_a_comment_inside_a_name_is_told(signed: bytes, trust: Trust) -> None:
    """References by Id cover no comments, so anyone may add one: whoever takes the first piece of text reads half a name."""
    for cut in ("Trần<!-- x --> Thị", "<!-- x -->Trần Thị", "Trần<![CDATA[ Thị]]>"):
        report = verify_xml(replaced(signed, "Trần Thị", cut), trust)

        assert (report.verdict, "TEXT_CUT" in codes(report)) == (Verdict.INDETERMINATE, True)
        assert all(each.verdict is Verdict.TOTAL_PASSED for each in report.signatures)


def test_comments_that_cut_nothing_are_left_alone(signed: bytes, trust: Trust) -> None:
    """Between elements, behind a text, and a text that is a CDATA section as a whole."""
    for old, new in (("<LOP>", "<!-- x --><LOP>"), ("9A</LOP>", "9A<!-- x --></LOP>"), ("9A</LOP>", "<![CDATA[9A]]></LOP>")):
        assert verify_xml(replaced(signed, old, new), trust).verdict is Verdict.TOTAL_PASSED


def test_whose_authority_is_unknown(signed: bytes, tmp_path: Path) -> None:
    """Intact, but nobody here knows the issuer."""
    other = DemoAuthority(tmp_path, key="p256")
    report = verify_xml(signed, Trust.load(other.trust_pem()))

    assert {each.sub_indication for each in report.signatures} == {SubIndication.NO_CERTIFICATE_CHAIN_FOUND}
    assert all(each.intact for each in report.signatures)


def test_a_signature_of_a_revoked_person(authority: DemoAuthority, tmp_path: Path) -> None:
    """With the issuer's list beside it, what was signed after the revocation is no signature."""
    own = DemoAuthority(tmp_path, key="p256")
    person = own.issue("Bị Thu Hồi", "CCCD:1")
    own.revoke(person)
    document = sign_xml(SMALL, reference_id="d", place="place", signer=person.signer())
    trust = Trust.of_certificates([own.root, *own.chain])
    believed = Trust.of(trust, Trust(version="crl", roots=(), revocation_lists=(own.crl("issuing"), own.crl("root"))))
    report = verify_xml(document, believed)

    assert authority
    assert report.signatures[0].sub_indication is SubIndication.REVOKED_NO_POE


def test_the_whole_document_enveloped(ana: Issued, trust: Trust) -> None:
    """Allowed where it is said; the report warns that the national verifier may not accept it."""
    document = sign_xml(SMALL, reference_id="", place="place", signer=ana.signer())
    report = verify_xml(document, trust)

    assert (report.verdict, report.signatures[0].covers_whole_file) == (Verdict.TOTAL_PASSED, True)
    assert "ENVELOPED" in codes(report)
    assert verify_xml(replaced(document, "hai", "ba"), trust).verdict is Verdict.TOTAL_FAILED


# Bounds


def test_deep_wide_and_large_documents_are_refused_quickly(trust: Trust) -> None:
    """No document takes more than a few seconds, and none takes the program down."""
    begin = time.perf_counter()
    hostile = (
        b"<a>" * 200_000,
        b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
        b"<a>" + b"<b/>" * 400_000 + b"</a>",
        b"<a " + b" ".join(b'k%d="1"' % number for number in range(300)) + b"/>",
        b"<a>" + b"x" * (33 * 1024 * 1024) + b"</a>",
        b'<?xml version="1.1"?><a/>',
        b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        b'<a xmlns:xml="urn:x"/>',
        b"<a:b:c/>",
        b"<a b:c='1'/>",
        b'<a xmlns:p="urn:u" xmlns:q="urn:u" p:x="1" q:x="2"/>',
        b"",
        b"\xff\xfe",
    )
    verdicts = [verify_xml(each, trust).verdict for each in hostile]

    assert verdicts == [Verdict.UNREADABLE] * len(hostile)
    assert time.perf_counter() - begin < 20


def test_many_signatures_are_bounded(ana: Issued, trust: Trust) -> None:
    """300 signatures over one large element: judged up to the limit, in bounded time, and not called valid as a whole."""
    one = handmade(ana, SMALL.replace(b"hai", b"x" * 600_000))
    start, end = one.index(b"<Signature "), one.index(b"</Signature>") + 12
    begin = time.perf_counter()
    report = verify_xml(one[:start] + one[start:end] * 300 + one[end:], trust)

    assert report.verdict is Verdict.INDETERMINATE
    assert "TOO_MANY_SIGNATURES" in codes(report)
    assert time.perf_counter() - begin < 10


def test_work_that_signatures_ask_for_is_bounded(ana: Issued, trust: Trust) -> None:
    """200 signatures, each over the whole document without itself: what they make us write has an end."""
    one = handmade(ana, SMALL.replace(b"hai", b"<x>y</x>" * 5000), uri='URI=""', transforms=(ENVELOPED,))
    start, end = one.index(b"<Signature "), one.index(b"</Signature>") + 12
    begin = time.perf_counter()
    report = verify_xml(one[:start] + one[start:end] * 200 + one[end:], trust)

    assert verify_xml(one, trust).verdict is Verdict.TOTAL_PASSED
    assert report.verdict is Verdict.TOTAL_FAILED
    assert "RESOURCE_LIMIT" in codes(report)
    assert time.perf_counter() - begin < 20


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_a_signed_document_there_is_a_report(data: st.DataObject, signed: bytes, trust: Trust) -> None:
    """Pieces cut out, doubled, moved: a report, never an exception; a changed name is never called signed."""
    content = bytearray(signed)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        size = data.draw(st.integers(1, 80))
        piece = data.draw(st.one_of(st.binary(max_size=8), st.just(bytes(content[at : at + size])), st.sampled_from(PIECES)))
        where = data.draw(st.integers(0, len(content)))
        content[where : where + data.draw(st.sampled_from((0, 0, 1, size)))] = piece
    report = verify_xml(bytes(content), trust)

    assert report.verdict in set(Verdict)
    if report.verdict is Verdict.TOTAL_PASSED and any(each.field == HEAD for each in report.signatures):
        assert "Trần Thị Ơn".encode() in bytes(content)


PIECES = (
    b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"/>', b'Id="data"', b"<!-- -->", b"&amp;", b"&#0;", b"]]>",
    b"<![CDATA[", b"<DU_LIEU_HOC_BA>", b"</DU_LIEU_HOC_BA>", b'xmlns=""', b'xmlns:ds="urn:x"', b"<?x?>", b"\xff",
)  # fmt: skip
