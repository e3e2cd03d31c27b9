"""What a report says of XML beside its verdict: when the signer says they signed, what nobody signed, what cannot be read."""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.report import Report, SubIndication
from signing.xml import coverage, sign_xml, verify_xml
from signing.xml.algorithms import DS, ENVELOPED, SIGNED_PROPERTIES, XADES
from signing.xml.errors import NotSignableXml
from tests.signing.test_xml_shapes import XPATHS
from tests.signing.xml_documents import SMALL, composed, handmade, key_of, reference, rsa_sha256, x509, xmlsec_accepts

BASE64 = DS + "base64"
EIGHT_IN_VIETNAM = datetime(2026, 6, 1, 1, 11, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root, *authority.chain])


@pytest.fixture(scope="module")
def ana(people: Mapping[str, Issued]) -> Issued:
    return people["teacher"]


def codes(report: Report) -> set[str]:
    return {each.code for each in report.findings} | {f.code for each in report.signatures for f in each.findings}


def said(report: Report, code: str) -> str:
    """The sentence of a finding; empty where it is not made."""
    all_of_them = (*report.findings, *(f for each in report.signatures for f in each.findings))
    return next((each.message for each in all_of_them if each.code == code), "")


# Invoices of the tax office and their like: the time in a property of XML-DSig

INVOICE = b"<HDon><DLHDon Id='data'><TTChung><SHDon>12</SHDon></TTChung></DLHDon><DSCKS><NBan/><NMua/><CQT/></DSCKS></HDon>"


def with_time(space: str = "", *, target: str = "#s", time: str = "2026-06-01T08:11:12") -> str:
    return (
        f'<Object Id="t"><SignatureProperties xmlns="{space}"><SignatureProperty Target="{target}">'
        f'<SigningTime xmlns="http://example.org/#signatureProperties">{time}</SigningTime>'
        f"</SignatureProperty></SignatureProperties></Object>"
    )


def invoice(ana: Issued, objects: str, *references: str) -> bytes:
    given = references or (reference("#data", ENVELOPED), reference("#t"))
    own = x509(ana.certificate)
    return composed(INVOICE, given, rsa_sha256(ana), key_info=own, objects=objects, place=b"<NBan/>")


@pytest.mark.parametrize("space", ["", DS])
def test_an_invoice_is_read_as_its_program_means_it(space: str, ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """The data are signed, the time is the signer's own, by the clock on a Vietnamese wall; no level, for it is no XAdES."""
    signed = invoice(ana, with_time(space))
    report = verify_xml(signed, trust)

    assert xmlsec_accepts(signed, tmp_path)
    assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, None)
    assert report.signatures[0].claimed_time == EIGHT_IN_VIETNAM
    assert "Object" not in said(report, "COVERS")
    assert [each.path for each in coverage(signed)["DSCKS/NBan"]] == ["/HDon/DLHDon"]
    assert "UNSIGNED_PARTS" not in codes(report)


def test_an_invoice_signed_with_sha_1_is_no_failure(ana: Issued, trust: Trust) -> None:
    """As programs of ten years ago wrote it: nothing was changed, and the algorithm proves nothing any more."""
    sha1, key = DS + "sha1", key_of(ana)
    signed = composed(
        INVOICE,
        [reference("#data", ENVELOPED, digest=sha1), reference("#t", digest=sha1)],
        lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA1()),  # noqa: S303 -- what those programs did
        key_info=x509(ana.certificate),
        objects=with_time(),
        algorithm=DS + "rsa-sha1",
        place=b"<NBan/>",
    )
    (told,) = verify_xml(signed, trust).signatures

    assert (told.verdict, told.intact) == (Verdict.INDETERMINATE, True)
    assert told.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE


@pytest.mark.parametrize(
    ("objects", "named"),
    [
        (with_time(), ["#data"]),  # not referenced: anyone may have put it there
        (with_time(target="#other"), ["#data", "#t"]),
        (with_time(time="01/06/2026 8h"), ["#data", "#t"]),
        ("<Object Id='t'/>", ["#data"]),
    ],
)
def test_a_time_that_nobody_signed_is_not_told(objects: str, named: list[str], ana: Issued, trust: Trust) -> None:
    """Nor one of another signature, nor one that is none: the signature passes without a claimed time."""
    report = verify_xml(invoice(ana, objects, *(reference(each) for each in named)), trust)

    assert (report.verdict, report.signatures[0].claimed_time) == (Verdict.TOTAL_PASSED, None)


def test_the_time_of_a_property_is_signed(ana: Issued, trust: Trust) -> None:
    """An hour later: the digest does not fit."""
    signed = invoice(ana, with_time())

    assert verify_xml(signed.replace(b"T08:11", b"T09:11"), trust).verdict is Verdict.TOTAL_FAILED


def test_a_signature_over_its_own_time_covers_nothing(ana: Issued, trust: Trust) -> None:
    """It would pass for a signature of the document, of which not a letter is signed."""
    for target, objects in (
        ("#t", with_time()),
        ("#p", with_time().replace("<SignatureProperties", '<SignatureProperties Id="p"')),
        ("#p", with_time().replace("<SignatureProperty ", '<SignatureProperty Id="p" ')),
    ):
        report = verify_xml(invoice(ana, objects, reference(target)), trust)

        assert (report.verdict, "COVERS_NO_DATA" in codes(report)) == (Verdict.INDETERMINATE, True)


def properties(certificate: bytes) -> str:
    digest = b64encode(hashlib.sha256(certificate).digest()).decode()
    return (
        f'<Object><QualifyingProperties xmlns="{XADES}" xmlns:ds="{DS}" Target="#s"><SignedProperties Id="p">'
        f"<SignedSignatureProperties><SigningTime>2026-06-01T08:11:12+07:00</SigningTime><SigningCertificateV2><Cert>"
        f'<CertDigest><ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/><ds:DigestValue>{digest}'
        f"</ds:DigestValue></CertDigest></Cert></SigningCertificateV2></SignedSignatureProperties></SignedProperties>"
        f"</QualifyingProperties></Object>"
    )


def test_xades_properties_that_no_reference_names_say_nothing(ana: Issued, people: Mapping[str, Issued], trust: Trust) -> None:
    """Neither a time nor a level, whoever's they are: added by anybody to a plain signature."""
    for whose in (ana, people["principal"]):
        made = properties(whose.certificate)
        given = [reference("#d")]
        loose = composed(SMALL, given, rsa_sha256(ana), key_info=x509(ana.certificate), objects=made)
        bound = composed(
            SMALL,
            [*given, reference("#p", kind=SIGNED_PROPERTIES)],
            rsa_sha256(ana),
            key_info=x509(ana.certificate),
            objects=made,
        )
        (told,) = verify_xml(loose, trust).signatures
        (real,) = verify_xml(bound, trust).signatures

        assert (told.verdict, told.claimed_time, told.level) == (Verdict.TOTAL_PASSED, None, None)
        assert real.claimed_time == EIGHT_IN_VIETNAM
        assert (real.level is Level.B_B) is (whose is ana)


# What nobody signed


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b"<r xmlns", b"<?xml-stylesheet href='x.xsl'?><r xmlns", "?xml-stylesheet"),
        (b'xml:lang="vi">', b'xml:lang="vi" mark="10">', "/r/@mark"),
        (b'xml:lang="vi">', b'xml:lang="vi">Good', "/r/text()"),
        (b"</Signature>", b"<Object><x xmlns='urn:x'>10</x></Object></Signature>", "/Signature/Object/x"),
        (b"</Signature>", b"<Object>10</Object></Signature>", "/Signature/Object"),
        (b"</KeyInfo>", b"<x xmlns='urn:x'>10</x></KeyInfo>", "/Signature/KeyInfo/x"),
    ],
)
def test_what_stands_around_what_is_signed_is_named(old: bytes, new: bytes, named: str, ana: Issued, trust: Trust) -> None:
    """A style sheet can show other marks than are signed, an attribute or a text of the root can say them."""
    signed = handmade(ana)

    assert old in signed
    assert "UNSIGNED_PARTS" not in codes(verify_xml(signed, trust))
    assert named in said(verify_xml(signed.replace(old, new, 1), trust), "UNSIGNED_PARTS")


def test_hints_for_programs_are_not_named(ana: Issued, trust: Trust) -> None:
    """Language, identifiers, where a schema lies."""
    schema = b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="a.xsd" Id="r"'
    signed = handmade(ana, SMALL.replace(b'xml:lang="vi"', b'xml:lang="vi" ' + schema))

    assert "UNSIGNED_PARTS" not in codes(verify_xml(signed, trust))


def test_an_enveloped_signature_that_brings_something_along_covers_not_the_whole(ana: Issued, trust: Trust) -> None:
    """What stands in the signature is left out of what it signs."""
    signed = composed(SMALL, [reference("", ENVELOPED)], rsa_sha256(ana), key_info=x509(ana.certificate))
    smuggled = signed.replace(b"</Signature>", b"<Object><x xmlns='urn:x'>10</x></Object></Signature>")

    assert verify_xml(signed, trust).signatures[0].covers_whole_file
    assert not verify_xml(smuggled, trust).signatures[0].covers_whole_file
    # An instruction beside the root is signed with it.
    assert verify_xml(b"<?xml-stylesheet href='x'?>" + signed, trust).verdict is Verdict.TOTAL_FAILED


def test_under_base64_an_element_s_name_is_nobody_s(ana: Issued, trust: Trust) -> None:
    """The text alone is hashed: the element may have been called otherwise. An Object in a signature is one by its place."""
    document = b'<r><d Id="d">aGVsbG8=</d><place/></r>'
    signed = composed(document, [reference("#d", BASE64)], rsa_sha256(ana), key_info=x509(ana.certificate))
    renamed = signed.replace(b"<d Id", b"<forged Id").replace(b"</d>", b"</forged>")
    enveloping = composed(
        b"<place/>",
        [reference("#d", BASE64)],
        rsa_sha256(ana),
        key_info=x509(ana.certificate),
        objects='<Object Id="d" MimeType="text/plain">aGVsbG8=</Object>',
    )
    with_more = enveloping.replace(b'MimeType="text/plain"', b'mark="10"')
    elsewhere = enveloping.replace(b"<Signature ", b"<Signatures ").replace(b"</Signature>", b"</Signatures>")

    for each in (signed, renamed, with_more):
        assert (verify_xml(each, trust).verdict, "NAME_UNSIGNED" in codes(verify_xml(each, trust))) == (
            Verdict.INDETERMINATE,
            True,
        )
    assert verify_xml(enveloping, trust).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(elsewhere, trust).verdict is Verdict.NO_SIGNATURE


# What cannot be read, and what programs read differently

TOKEN = "<EncapsulatedTimeStamp>AAAA</EncapsulatedTimeStamp>"
JUNK = (
    "<CertificateValues><EncapsulatedX509Certificate>!!</EncapsulatedX509Certificate></CertificateValues>",
    "<RevocationValues><OCSPValues><EncapsulatedOCSPValue>#</EncapsulatedOCSPValue></OCSPValues></RevocationValues>",
    "<RevocationValues><CRLValues><EncapsulatedCRLValue>AAA</EncapsulatedCRLValue></CRLValues></RevocationValues>",
    "<SignatureTimeStamp><EncapsulatedTimeStamp>!</EncapsulatedTimeStamp></SignatureTimeStamp>",
    "<ArchiveTimeStamp><EncapsulatedTimeStamp>!</EncapsulatedTimeStamp></ArchiveTimeStamp>",
    f'<SignatureTimeStamp><x:CanonicalizationMethod xmlns:x="{DS}" Algorithm="u:"/>{TOKEN}</SignatureTimeStamp>',
)


@pytest.mark.parametrize("junk", JUNK)
def test_junk_among_unsigned_values_hides_no_signature(junk: str, ana: Issued, trust: Trust) -> None:
    """Anyone may put it there: the signature is what it was, and a timestamp that is none is told."""
    unsigned = (
        f'<Object><QualifyingProperties xmlns="{XADES}" Target="#s"><UnsignedProperties><UnsignedSignatureProperties>{junk}'
        f"</UnsignedSignatureProperties></UnsignedProperties></QualifyingProperties></Object></Signature>"
    )
    report = verify_xml(handmade(ana).replace(b"</Signature>", unsigned.encode()), trust)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert ("TIMESTAMP_BROKEN" in codes(report)) is ("TimeStamp" in junk)


@pytest.mark.parametrize("space", ["rel", "#part", "C:\\x", "http://a b/", "http://trường.vn/", "tag:%zz", "http://[x"])
def test_a_relative_namespace_has_no_canonical_form(space: str, ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """C14N 1.0, 1.3: xmlsec1 refuses the document, other programs overlook it. It is not signed here either."""
    signed = handmade(ana, f'<r xmlns:q="{space}"><DATA Id="d">1</DATA><place/></r>'.encode())
    report = verify_xml(signed, trust)

    assert not xmlsec_accepts(signed, tmp_path)
    assert (report.verdict, report.signatures[0].sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.SIG_CONSTRAINTS_FAILURE,
    )
    with pytest.raises(NotSignableXml):
        sign_xml(f'<r xmlns="{space}"><DATA Id="d">1</DATA><p/></r>'.encode(), reference_id="d", place="p", signer=ana.signer())


def test_a_base_above_what_is_to_be_signed_is_refused_in_words(ana: Issued) -> None:
    """C14N 1.1 would rewrite it, which programs do differently."""
    with pytest.raises(NotSignableXml):
        sign_xml(b'<r xml:base="http://a/"><DATA Id="d">1</DATA><p/></r>', reference_id="d", place="p", signer=ana.signer())


def test_an_identifier_with_white_space_around_it_is_the_same_one(ana: Issued, trust: Trust) -> None:
    """Whoever looks for xml:id takes the white space off: two elements of one name."""
    signed = handmade(ana, b'<r><o xml:id=" d&#10;">10</o><place/><DATA Id="d">5</DATA></r>'.replace(b" d&#10;", b"x"))
    doubled = signed.replace(b'xml:id="x"', b'xml:id=" d\n"')

    assert verify_xml(signed, trust).verdict is Verdict.TOTAL_PASSED
    assert "DUPLICATE_ID" in codes(verify_xml(doubled, trust))


def test_signatures_with_two_prefixes_have_two_names(ana: Issued, trust: Trust) -> None:
    """Side by side in one place: each report is of one, and none hides behind the other."""
    signed = handmade(ana).replace(b"</Signature>", b'</Signature><q:Signature xmlns:q="%s"/>' % DS.encode())
    fields = [each.field for each in verify_xml(signed, trust).signatures]

    assert fields == ["place/Signature[1]", "place/Signature[2]"]


@pytest.mark.parametrize("how", [ENVELOPED, *XPATHS.values()])
def test_an_object_that_its_transform_takes_away_is_not_signed(how: str, ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """Without the signature around it nothing is left to hash, says xmlsec1; a program that hashes it would disagree."""
    own, held = x509(ana.certificate), '<Object Id="o"><x xmlns="">10</x></Object>'
    signed = composed(b"<r><place/></r>", [reference("#o", how)], rsa_sha256(ana), key_info=own, objects=held)
    report = verify_xml(signed, trust)

    assert not xmlsec_accepts(signed, tmp_path)
    assert (report.verdict, "TRANSFORM_REFUSED" in codes(report)) == (Verdict.INDETERMINATE, True)


def test_the_time_of_an_invoice_may_be_said_to_be_enveloped(ana: Issued, trust: Trust) -> None:
    """.NET hashes it all the same; nothing but a claim hangs on it."""
    given = reference("#data", ENVELOPED), reference("#t", ENVELOPED)
    report = verify_xml(invoice(ana, with_time(), *given), trust)

    assert (report.verdict, report.signatures[0].claimed_time) == (Verdict.TOTAL_PASSED, EIGHT_IN_VIETNAM)


def test_a_file_in_canonical_form_whose_text_is_cut(ana: Issued, trust: Trust) -> None:
    """Of a file of the package, too, a comment is in no canonical form: whoever reads the first piece reads 1 for 10."""
    files = {"c.xml": b"<c>10</c>"}
    canonical = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    own = x509(ana.certificate)
    signed = composed(SMALL, [reference("c.xml", canonical)], rsa_sha256(ana), key_info=own, files=files)
    report = verify_xml(signed, trust, files={"c.xml": b"<c>1<!-- -->0</c>"})

    assert verify_xml(signed, trust, files=files).verdict is Verdict.TOTAL_PASSED
    assert (report.verdict, "TEXT_CUT" in codes(report)) == (Verdict.INDETERMINATE, True)


def test_a_certificate_that_the_library_cannot_read_hides_no_other_signature(
    ana: Issued, people: Mapping[str, Issued], trust: Trust
) -> None:
    """Its key fits and its names are none: that signature is not trusted, the other one is judged as ever."""
    common_name = bytes.fromhex("0603550403")
    for nth in (1, 2):  # of the issuer, of the subject
        parts = ana.certificate.split(common_name)
        odd = common_name.join(parts[:nth]) + bytes.fromhex("0603800403") + common_name.join(parts[nth:])
        both = composed(
            handmade(people["principal"], SMALL.replace(b"<place/>", b"<place/><place2/>")).replace(b'Id="s"', b'Id="o"'),
            [reference("#d")],
            rsa_sha256(ana),
            key_info=x509(odd),
            place=b"<place2/>",
        )
        report = verify_xml(both, trust)

        assert [each.verdict for each in report.signatures] == [Verdict.TOTAL_PASSED, Verdict.INDETERMINATE]
        assert report.verdict is Verdict.INDETERMINATE


def test_a_timestamp_that_breaks_in_the_middle_breaks_nothing_else(authority: DemoAuthority, trust: Trust, ana: Issued) -> None:
    """Each byte of the attribute that binds its certificate, altered: the timestamp is told, the signature is B-B."""
    document = b'<r><DATA Id="d">1</DATA><p/></r>'
    signed = sign_xml(document, reference_id="d", place="p", signer=ana.signer(), level=Level.B_T, timestamper=authority)
    before, rest = signed.split(b"<xades:EncapsulatedTimeStamp>")
    token, after = rest.split(b"</xades:EncapsulatedTimeStamp>")
    der = b64decode(token)
    start = der.index(bytes.fromhex("060b2a864886f70d010910022f"))
    for place in range(start + 11, start + 60):
        altered = b64encode(der[:place] + bytes([der[place] ^ 0x11]) + der[place + 1 :])
        middle = b"<xades:EncapsulatedTimeStamp>" + altered + b"</xades:EncapsulatedTimeStamp>"
        report = verify_xml(before + middle + after, trust)

        assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, Level.B_B)
        assert "TIMESTAMP_BROKEN" in codes(report)


def test_an_invoice_that_was_wrapped(ana: Issued, trust: Trust) -> None:
    """The signed data lie at the end or in the signature, forged ones stand in their place, under whatever spelling."""
    signed = invoice(ana, with_time())
    start, end = signed.index(b"<DLHDon"), signed.index(b"</DLHDon>") + 9
    data = signed[start:end]
    forged = data.replace(b">12<", b">99<").replace(b"'data'", b"'other'")
    at_the_end = signed[end:].replace(b"</HDon>", b"<CCKSKhac>" + data + b"</CCKSKhac></HDon>")
    in_object = signed[end:].replace(
        b"</Signature>", b"<Object>" + data.replace(b"<DLHDon", b"<DLHDon xmlns=''") + b"</Object></Signature>"
    )
    as_property = signed.replace(
        b"</Signature>", b"<Object><SignatureProperties xmlns=''>" + forged + b"</SignatureProperties></Object></Signature>"
    )
    spellings = (
        forged,
        forged.replace(b"DLHDon", b"dlhdon"),
        forged.replace(b"<DLHDon", b"<DLHDon xmlns='urn:x'"),
        forged.replace(b"DLHDon", b"x:DLHDon").replace(b"<x:DLHDon", b"<x:DLHDon xmlns:x='urn:x'"),
    )
    for each in spellings:
        assert "LOOKALIKE_UNSIGNED" in codes(verify_xml(signed[:start] + each + at_the_end, trust))
        assert verify_xml(signed[:start] + each + in_object, trust).verdict is Verdict.INDETERMINATE
    assert "LOOKALIKE_UNSIGNED" in codes(verify_xml(as_property, trust))


def test_text_that_is_cut_is_not_signed(ana: Issued, trust: Trust) -> None:
    """Our own verifier would not pass it; outside of what is signed it is nobody's concern."""
    signer = ana.signer()
    for cut in (b"1<!-- -->0", b"1<![CDATA[0]]>"):
        with pytest.raises(NotSignableXml, match="cut in two"):
            sign_xml(b'<r><DATA Id="d">%s</DATA><p/></r>' % cut, reference_id="d", place="p", signer=signer)
    beside = sign_xml(b'<r><DATA Id="d">10<!-- --></DATA><o>1<!-- -->0</o><p/></r>', reference_id="d", place="p", signer=signer)

    assert verify_xml(beside, trust).verdict is Verdict.TOTAL_PASSED
