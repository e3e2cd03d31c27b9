"""Signature wrapping: the signed original is moved, something else stands in its place. None of these documents may pass."""

from collections.abc import Callable, Mapping

import pytest

from signing import DemoAuthority, Issued, Trust, Verdict
from signing.report import Report
from signing.xml import Role, coverage, sign_transcript, sign_xml, verify_xml
from signing.xml.algorithms import DS, ENVELOPED, XADES
from tests.signing.xml_documents import handmade, replaced, transcript

EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root, *authority.chain])


def codes(report: Report) -> set[str]:
    return {each.code for each in report.findings} | {f.code for each in report.signatures for f in each.findings}


# The eight of "On Breaking SAML" (Somorovsky and others, 2012), on a message with an assertion.

MESSAGE = b'<Response><Issuer>so</Issuer><Assertion Id="a"><Subject>ana</Subject><place/></Assertion></Response>'
EVIL = b'<Assertion Id="evil"><Subject>mallory</Subject>%s</Assertion>'


def parts(people: Mapping[str, Issued]) -> tuple[bytes, bytes, bytes]:
    """The signed message, the assertion without its signature, and the signature that it envelops."""
    signed = handmade(people["teacher"], MESSAGE, uri='URI="#a"', transforms=(ENVELOPED, EXCLUSIVE))
    start, end = signed.index(b"<Signature"), signed.index(b"</Signature>") + 12
    signature = signed[start:end]
    bare = signed[signed.index(b"<Assertion") : signed.index(b"</Assertion>") + 12].replace(signature, b"")
    return signed, bare, signature


def with_object(signature: bytes, content: bytes) -> bytes:
    content = content.replace(b"<Assertion ", b'<Assertion xmlns="" ').replace(b"<Response ", b'<Response xmlns="" ')
    return signature.replace(b"</Signature>", b"<Object>" + content + b"</Object></Signature>")


Wrap = Callable[[bytes, bytes], bytes]  # (assertion without signature, signature) -> content of the message
WRAPPED: dict[str, Wrap] = {
    "XSW3: the forged one in front": lambda bare, sig: EVIL % b"" + whole(bare, sig),
    "XSW4: the original inside the forged one": lambda bare, sig: EVIL % whole(bare, sig),
    "XSW5: the signature in the forged one, the original behind": lambda bare, sig: (
        EVIL % (b"<place>" + sig + b"</place>") + bare
    ),
    "XSW6: the original inside the signature in the forged one": lambda bare, sig: (
        EVIL % (b"<place>" + with_object(sig, bare) + b"</place>")
    ),
    "XSW7: the forged one in an extension": lambda bare, sig: (
        b"<Extensions>" + EVIL % b"" + b"</Extensions>" + whole(bare, sig)
    ),
    "XSW8: the original in an object of the signature": lambda bare, sig: (
        EVIL % (b"<place>" + sig.replace(b"</Signature>", b"<Object>" + bare + b"</Object></Signature>") + b"</place>")
    ),
    "the forged one in an object of the good signature": lambda bare, sig: whole(bare, with_object(sig, EVIL % b"")),
}


def whole(bare: bytes, signature: bytes) -> bytes:
    return bare.replace(b"<place></place>", b"<place>" + signature + b"</place>")


def test_the_message_as_it_was_signed_passes(people: Mapping[str, Issued], trust: Trust) -> None:
    """The ground on which the attacks stand; what nobody signed is named."""
    signed, bare, signature = parts(people)
    report = verify_xml(signed, trust)

    assert whole(bare, signature) in signed
    assert report.verdict is Verdict.TOTAL_PASSED
    assert any("/Response/Issuer" in each.message for each in report.findings if each.code == "UNSIGNED_PARTS")


@pytest.mark.parametrize("attack", list(WRAPPED))
def test_wrapping_of_an_assertion(attack: str, people: Mapping[str, Issued], trust: Trust) -> None:
    """The signature holds, where the original now lies; the forged one of the same name keeps the message from passing."""
    _, bare, signature = parts(people)
    report = verify_xml(b"<Response><Issuer>so</Issuer>" + WRAPPED[attack](bare, signature) + b"</Response>", trust)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert codes(report) & {"LOOKALIKE_UNSIGNED", "DIGEST_MISMATCH", "SIGNATURE_INSIDE_REFERENCE", "TRANSFORM_REFUSED"}


@pytest.mark.parametrize("inside", [True, False], ids=["XSW1: the original in the signature", "XSW2: the original beside it"])
def test_wrapping_of_the_whole_message(inside: bool, people: Mapping[str, Issued], trust: Trust) -> None:
    """A forged root takes the place of the signed one."""
    message = b'<Response Id="a"><Subject>ana</Subject><place/></Response>'
    signed = handmade(people["teacher"], message, uri='URI="#a"', transforms=(ENVELOPED, EXCLUSIVE))
    start, end = signed.index(b"<Signature"), signed.index(b"</Signature>") + 12
    signature, original = signed[start:end], signed[:start] + signed[end:]
    forged = b'<Response Id="evil"><Subject>mallory</Subject>%s</Response>'
    content = with_object(signature, original) if inside else signature + original
    report = verify_xml(forged % content, trust)

    assert verify_xml(signed, trust).verdict is Verdict.TOTAL_PASSED
    assert report.verdict is not Verdict.TOTAL_PASSED


SMUGGLED = {
    "an object": (b"</Signature>", b"<Object>%s</Object></Signature>"),
    "KeyInfo": (b"</KeyInfo>", b"%s</KeyInfo>"),
    "properties": (
        b"</Signature>",
        b'<Object><QualifyingProperties xmlns="%b">%%s</QualifyingProperties></Object></Signature>',
    ),
}


@pytest.mark.parametrize("where", list(SMUGGLED))
def test_content_smuggled_into_an_enveloped_signature(where: str, people: Mapping[str, Issued], trust: Trust) -> None:
    """What the signature itself carries is signed by nobody; a program that searches by name finds it first."""
    document = b"<r><place/><mark>8,5</mark></r>"
    signed = handmade(people["teacher"], document, uri='URI=""', transforms=(ENVELOPED,))
    end, content = SMUGGLED[where]
    content = content.replace(b"%b", XADES.encode()).replace(b"%%", b"%")
    report = verify_xml(signed.replace(end, content % b'<mark xmlns="">10</mark>'), trust)
    harmless = verify_xml(signed.replace(end, content % b'<other xmlns="">10</other>'), trust)

    assert (report.verdict, "LOOKALIKE_UNSIGNED" in codes(report)) == (Verdict.INDETERMINATE, True)
    assert harmless.verdict is Verdict.TOTAL_PASSED


# The same upon the ministry's transcript.


@pytest.fixture(scope="module")
def signed(people: Mapping[str, Issued]) -> bytes:
    """Signed by the homeroom teacher, the head and the school."""
    document = transcript({})
    for role, who in ((Role.HOMEROOM, "homeroom"), (Role.HEAD, "principal"), (Role.SCHOOL, "seal")):
        document = sign_transcript(document, role, people[who].signer())
    return document


def pieces(signed: bytes) -> tuple[bytes, bytes, bytes]:
    start, end = signed.index(b"<DU_LIEU_HOC_BA"), signed.index(b"</DU_LIEU_HOC_BA>") + 17
    return signed[:start], signed[start:end], signed[end:]


FORGED = "<DU_LIEU_HOC_BA{id}><THONG_TIN_HOC_BA><HO_TEN>Kẻ Gian</HO_TEN></THONG_TIN_HOC_BA></DU_LIEU_HOC_BA>"
Attack = Callable[[bytes, bytes, bytes, bytes], bytes]  # (before, data, after, forged)
TRANSCRIPT: dict[str, Attack] = {
    "the forged data in front": lambda before, data, after, forged: before + forged + data + after,
    "the forged data behind": lambda before, data, after, forged: before + data + forged + after,
    "the original at the end": lambda before, data, after, forged: (
        before + forged + after.replace(b"</root>", b"<x>" + data + b"</x></root>")
    ),
    "the original inside the forged data": lambda before, data, after, forged: (
        before + forged.replace(b"</DU_LIEU_HOC_BA>", data + b"</DU_LIEU_HOC_BA>") + after
    ),
    "the original in an object of the head's signature": lambda before, data, after, forged: (
        before + forged + after.replace(b"</ds:Signature>", b"<ds:Object>" + data + b"</ds:Object></ds:Signature>", 1)
    ),
    "the forged data in the release": lambda before, data, after, forged: (
        before + data + after.replace(b"<SO_PHAT_HANH>", forged + b"<SO_PHAT_HANH>")
    ),
    "a new root around all": lambda before, data, after, forged: (
        before.replace(b"<root", b"<root>" + forged + b"<root", 1) + data + after + b"</root>"
    ),
}


@pytest.mark.parametrize("identified", ["", ' Id="other"', ' Id="data"'])
@pytest.mark.parametrize("attack", list(TRANSCRIPT))
def test_wrapping_of_a_transcript(attack: str, identified: str, signed: bytes, trust: Trust) -> None:
    """Wherever the signed data are moved to, and whatever Id the forged ones carry."""
    before, data, after = pieces(signed)
    forged = FORGED.format(id=identified).encode()
    report = verify_xml(TRANSCRIPT[attack](before, data, after, forged), trust)

    assert verify_xml(signed, trust).verdict is Verdict.TOTAL_PASSED
    assert report.verdict is not Verdict.TOTAL_PASSED
    assert codes(report) & {"LOOKALIKE_UNSIGNED", "TRANSCRIPT_WRONG_REFERENCE", "DUPLICATE_ID", "DIGEST_MISMATCH"}


def test_a_signature_moved_to_another_place_is_told(signed: bytes, trust: Trust) -> None:
    """The homeroom teacher's signature in the head's place, and one in no place at all."""
    homeroom = signed[signed.index(b"<GVCN>") + 6 : signed.index(b"</GVCN>")]
    head = signed[signed.index(b"<CBQL>") + 6 : signed.index(b"</CBQL>")]
    outside = signed.replace(b"<SO_PHAT_HANH>", b"<x>" + head + b"</x><SO_PHAT_HANH>").replace(b"<CBQL>" + head, b"<CBQL>")
    swapped = signed.replace(head, homeroom.replace(b"sig-", b"gis-"))

    assert "TRANSCRIPT_UNKNOWN_PLACE" in codes(verify_xml(outside, trust))
    assert "TRANSCRIPT_INCOMPLETE" in codes(verify_xml(outside, trust))
    assert verify_xml(swapped, trust).verdict is not Verdict.TOTAL_PASSED


def test_a_transcript_on_its_way_is_no_attack(people: Mapping[str, Issued], trust: Trust) -> None:
    """One subject is signed, the other not yet: two elements of the same name, and nothing is wrong."""
    half = sign_transcript(transcript(), Role.SUBJECT, people["teacher"].signer(), teacher="gv-toan")

    assert verify_xml(half, trust).verdict is Verdict.TOTAL_PASSED


def test_coverage_says_where_the_signed_part_lies(signed: bytes) -> None:
    """For programs: ask for the path, then read only there."""
    before, data, after = pieces(signed)
    moved = before + after.replace(b"</root>", b"<x>" + data + b"</x></root>")

    assert coverage(signed)["PHAT_HANH_HOC_BA/CBQL"][0].path == "/root/DU_LIEU_HOC_BA"
    assert coverage(moved)["PHAT_HANH_HOC_BA/CBQL"][0].path == "/root/x/DU_LIEU_HOC_BA"


def test_unsigned_twins_elsewhere_keep_a_generic_document_from_passing(people: Mapping[str, Issued], trust: Trust) -> None:
    """Of two records one is signed: no program may take that for a signature on both."""
    document = b'<r><DATA Id="d">8,5</DATA><place/></r>'
    one = sign_xml(document, reference_id="d", place="place", signer=people["teacher"].signer())
    two = replaced(one, "</r>", "<DATA>9,5</DATA></r>")
    other_name = replaced(one, "</r>", "<MORE>9,5</MORE></r>")

    assert (verify_xml(two, trust).verdict, "LOOKALIKE_UNSIGNED" in codes(verify_xml(two, trust))) == (
        Verdict.INDETERMINATE,
        True,
    )
    assert verify_xml(other_name, trust).verdict is Verdict.TOTAL_PASSED
    assert "UNSIGNED_PARTS" in codes(verify_xml(other_name, trust))


def test_a_signature_in_another_namespace_is_none(people: Mapping[str, Issued], trust: Trust) -> None:
    """An element called Signature that is none: nothing is signed, and nothing passes."""
    one = sign_xml(
        b'<r><DATA Id="d">8,5</DATA><place/></r>', reference_id="d", place="place", signer=people["teacher"].signer()
    )

    assert verify_xml(one.replace(DS.encode(), b"urn:other"), trust).verdict is Verdict.NO_SIGNATURE
