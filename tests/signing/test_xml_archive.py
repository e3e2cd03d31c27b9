"""Archive timestamps on XAdES signatures: made, renewed, judged, attacked, and computed again by another program."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from lxml import etree

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.errors import BadRequest, BrokenResult
from signing.proof import Beside, proven_authority
from signing.report import Report, SubIndication
from signing.timestamps import read_token
from signing.xml import Role, extend_xml, sign_transcript, sign_xml, verify_xml
from signing.xml.algorithms import DS, XADES, XADES_141
from signing.xml.errors import NoSuchPlace
from signing.xml.extend import Proving
from signing.xml.markup import archive_markup, validation_data_markup
from tests.signing.xml_documents import handmade, replaced, transcript, xmlsec_says

NOW = datetime.now(UTC)
DOCUMENT = b'<r xmlns="urn:r"><DATA Id="d">B\xe1\xba\xb1ng t\xe1\xbb\x91t nghi\xe1\xbb\x87p</DATA><place/></r>'
HEAD, SCHOOL = "PHAT_HANH_HOC_BA/CBQL", "PHAT_HANH_HOC_BA/KY_PHAT_HANH"
HOMEROOM = "DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY/GVCN"
Sign = Callable[[Level], bytes]


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root])


@pytest.fixture(scope="module")
def sign(authority: DemoAuthority) -> Sign:
    """By somebody whose certificate ends in half a year."""
    ana = authority.issue("Ana", "T:xml-half-a-year", key="p256", not_after=NOW + timedelta(days=180)).signer()
    return lambda level: sign_xml(
        DOCUMENT, reference_id="d", place="place", signer=ana, level=level, timestamper=authority, evidence=authority
    )


@pytest.fixture(scope="module")
def archived(sign: Sign) -> bytes:
    return sign(Level.B_LTA)


def codes(report: Report) -> set[str]:
    return {each.code for each in report.findings} | {f.code for each in report.signatures for f in each.findings}


def test_an_archived_signature_outlives_its_certificate(archived: bytes, trust: Trust) -> None:
    """A year on it passes without asking anyone; after the day of renewal that the report names it does not."""
    today = verify_xml(archived, trust).signature("place")
    assert today.renewal_date is not None
    in_a_year = verify_xml(archived, trust, at=NOW + timedelta(days=365)).signature("place")
    too_late = verify_xml(archived, trust, at=today.renewal_date + timedelta(days=1)).signature("place")

    assert (today.level, in_a_year.level, in_a_year.verdict) == (Level.B_LTA, Level.B_LTA, Verdict.TOTAL_PASSED)
    assert too_late.verdict is Verdict.INDETERMINATE


def test_another_program_computes_the_same_imprint(archived: bytes) -> None:
    """libxml2 writes the canonical forms, in the order of EN 319 132-1, 5.5.2."""
    root = etree.fromstring(archived)
    names = {"ds": DS, "x": XADES, "a": XADES_141}

    def written(path: str) -> list[bytes]:
        found = cast(list[etree._Element], root.xpath(path, namespaces=names))
        return [etree.tostring(each, method="c14n") for each in found]

    before = written("//x:UnsignedSignatureProperties/*[not(self::a:ArchiveTimeStamp)]")
    parts = [*written("//*[@Id='d']"), *written("//x:SignedProperties"), *written("//ds:SignedInfo")]
    parts += [*written("//ds:SignatureValue"), *written("//ds:KeyInfo"), *before]
    text = str(root.xpath("string(//a:ArchiveTimeStamp/x:EncapsulatedTimeStamp)", namespaces=names))

    assert len(before) == 3
    assert read_token(base64.b64decode(text)).imprint == hashlib.sha256(b"".join(parts)).digest()


def test_xmlsec_still_accepts_it(archived: bytes, roots: Path, tmp_path: Path) -> None:
    """What is put in later is signed by nobody and changes nothing."""
    assert xmlsec_says(archived, 0, roots, tmp_path) == "OK"


@pytest.mark.parametrize("level", list(Level))
def test_every_level_is_brought_to_the_highest(level: Level, sign: Sign, authority: DemoAuthority, trust: Trust) -> None:
    """Also one that has it: that is a renewal."""
    extended = extend_xml(sign(level), timestamper=authority, evidence=authority, trust=trust)
    report = verify_xml(extended, trust)

    assert (report.verdict, report.signature("place").level) == (Verdict.TOTAL_PASSED, Level.B_LTA)
    assert extended.count(b"<xadesv141:ArchiveTimeStamp") == (2 if level is Level.B_LTA else 1)


def test_renewal_carries_it_past_the_end_of_its_authority(tmp_path: Path) -> None:
    """Stamped in 2019 by an authority that ends in 2027, renewed in 2024 by another: only so is its time proved in 2028."""
    begun, renewal = datetime(2019, 5, 20, tzinfo=UTC), datetime(2024, 5, 20, tzinfo=UTC)
    old, newer = DemoAuthority(tmp_path / "old", clock=lambda: begun), DemoAuthority(tmp_path / "new", clock=lambda: renewal)
    ana = old.issue("Ana", "T:ana", key="p256", not_before=datetime(2018, 1, 1, tzinfo=UTC), not_after=NOW.replace(year=2029))
    both = Trust.of_certificates([old.root, newer.root])
    given = {"reference_id": "d", "place": "place", "level": Level.B_LT, "timestamper": old, "at": begun}
    first = sign_xml(DOCUMENT, signer=ana.signer(), evidence=old, **given)  # type: ignore[arg-type]
    archived = extend_xml(first, timestamper=old, evidence=old, trust=both, at=begun)
    old.clock = lambda: renewal
    renewed = extend_xml(archived, timestamper=newer, evidence=old, trust=both, at=renewal)

    then = datetime(2028, 5, 20, tzinfo=UTC)
    now, unproved = (verify_xml(each, both, at=then).signature("place") for each in (renewed, archived))
    assert (now.verdict, now.level, now.best_time) == (Verdict.TOTAL_PASSED, Level.B_LTA, begun)
    assert (unproved.level, unproved.best_time) == (Level.B_B, None)


def test_an_archive_timestamp_in_the_shape_of_other_programs(sign: Sign, authority: DemoAuthority, trust: Trust) -> None:
    """Validation data of the timestamp in a container of its own, before the archive timestamp that covers it."""
    long_term = sign(Level.B_LT)
    token = base64.b64decode(long_term.partition(b"EncapsulatedTimeStamp>")[2].partition(b"<")[0])
    beside: Beside = proven_authority(token, authority, trust)
    end = long_term.index(b"</xades:UnsignedSignatureProperties>")
    with_data = long_term[:end] + validation_data_markup(beside) + long_term[end:]
    extended = extend_xml(with_data, timestamper=authority, evidence=authority, trust=trust)

    assert verify_xml(extended, trust).signature("place").level is Level.B_LTA


def test_what_stands_under_an_archive_timestamp_cannot_be_changed(archived: bytes, trust: Trust) -> None:
    """A certificate in KeyInfo or a kept value taken out, or white space between them."""
    at = archived.index(b"<ds:X509Certificate>")
    doubled = archived[:at] + archived[at : archived.index(b"</ds:X509Certificate>") + 21] + archived[at:]
    spaced = archived.replace(b"</xades:CertificateValues>", b"\n</xades:CertificateValues>")
    start, end = archived.index(b"<xades:RevocationValues"), archived.index(b"</xades:RevocationValues>") + 25
    for spoilt in (doubled, spaced, archived[:start] + archived[end:]):
        report = verify_xml(spoilt, trust)

        assert report.signature("place").level is not Level.B_LTA
        assert "TIMESTAMP_BROKEN" in codes(report)


def test_what_comes_after_it_breaks_nothing_and_is_not_covered(archived: bytes, trust: Trust) -> None:
    """Values behind the archive timestamp may be anyone's."""
    more = replaced(archived, "</xades:UnsignedSignatureProperties>", "<xades:X/></xades:UnsignedSignatureProperties>")

    assert verify_xml(more, trust).signature("place").level is Level.B_LTA


def test_an_archive_timestamp_without_the_values_is_no_highest_level(
    sign: Sign, authority: DemoAuthority, trust: Trust
) -> None:
    """It stands before the revocation values: it does not prove that they are old."""
    only_time = sign(Level.B_T)
    proving = Proving(
        find=lambda document: next(each for each in document.root.walk() if each.local == "Signature"),
        certificate=b"",
        chain=(),
        trust=trust,
        timestamper=authority,
    )
    early = proving.with_archive(only_time)
    complete = sign(Level.B_LT)
    start, end = complete.index(b"<xades:CertificateValues"), complete.index(b"</xades:RevocationValues>") + 25
    late = replaced(
        early, "</xades:UnsignedSignatureProperties>", complete[start:end].decode() + "</xades:UnsignedSignatureProperties>"
    )
    report = verify_xml(late, trust).signature("place")

    assert report.level is Level.B_LT
    assert any("B-LTA" in each.message for each in report.findings)


def test_explicit_archive_timestamps_prove_nothing(archived: bytes, trust: Trust) -> None:
    """One that names by itself what it covers is not followed."""
    explicit = replaced(archived, "<xadesv141:ArchiveTimeStamp xmlns", '<xadesv141:ArchiveTimeStamp Id="x" xmlns')
    at = explicit.index(b"><ds:Canon", explicit.index(b'ArchiveTimeStamp Id="x"')) + 1
    spoilt = explicit[:at] + b'<xades:Include URI="#d"/>' + explicit[at:]

    assert verify_xml(explicit, trust).signature("place").level is Level.B_LTA
    assert verify_xml(spoilt, trust).signature("place").level is Level.B_LT


@pytest.fixture(scope="module")
def released(authority: DemoAuthority, people: Mapping[str, Issued]) -> bytes:
    """A transcript with its three signatures: the homeroom teacher's with a timestamp only."""
    document = transcript({})
    for role, who, level in (
        (Role.HOMEROOM, "homeroom", Level.B_T),
        (Role.HEAD, "principal", Level.B_LT),
        (Role.SCHOOL, "seal", Level.B_LT),
    ):
        signer = people[who].signer()
        document = sign_transcript(document, role, signer, level=level, timestamper=authority, evidence=authority)
    return document


def test_a_transcript_is_archived_by_its_outer_signatures(released: bytes, authority: DemoAuthority, trust: Trust) -> None:
    """The teacher's signature lies in what the head signed and is left alone; the head's and the school's are brought up."""
    extended = extend_xml(released, timestamper=authority, evidence=authority, trust=trust)
    report = verify_xml(extended, trust)

    assert {each.field: each.level for each in report.signatures} == {
        HOMEROOM: Level.B_T,
        HEAD: Level.B_LTA,
        SCHOOL: Level.B_LTA,
    }
    assert report.verdict is Verdict.TOTAL_PASSED
    with pytest.raises(BadRequest):
        extend_xml(released.replace("Ơn".encode(), b"An"), timestamper=authority, evidence=authority, trust=trust)
    with pytest.raises(NoSuchPlace):
        extend_xml(released, fields=["nowhere"], timestamper=authority, evidence=authority, trust=trust)


def test_a_signature_inside_another_is_proved_by_it(tmp_path: Path) -> None:
    """The homeroom teacher signed without a timestamp; the head's, around it, proves when it was there at the latest."""
    authority = DemoAuthority(tmp_path)
    trust = Trust.of_certificates([authority.root])
    homeroom, head = (authority.issue(name, f"T:{name}", key="p256") for name in ("homeroom", "head"))
    inner = sign_transcript(transcript({}), Role.HOMEROOM, homeroom.signer())
    outer = sign_transcript(inner, Role.HEAD, head.signer(), level=Level.B_LT, timestamper=authority, evidence=authority)
    alone, inside = verify_xml(inner, trust).signature(HOMEROOM), verify_xml(outer, trust).signature(HOMEROOM)

    assert (alone.best_time, alone.level) == (None, Level.B_B)
    assert inside.best_time == verify_xml(outer, trust).signature(HEAD).best_time
    assert (inside.verdict, inside.level) == (Verdict.TOTAL_PASSED, Level.B_B)


def test_an_outer_signature_that_is_broken_proves_nothing(tmp_path: Path) -> None:
    """The record is whole, the rest of what the head signed was changed."""
    authority = DemoAuthority(tmp_path)
    trust = Trust.of_certificates([authority.root])
    homeroom, head = (authority.issue(name, f"T:{name}", key="p256") for name in ("homeroom", "head"))
    document = sign_transcript(transcript(), Role.SUBJECT, homeroom.signer(), teacher="gv-toan")
    document = sign_transcript(document, Role.SUBJECT, homeroom.signer(), teacher="gv-van")
    document = sign_transcript(document, Role.HOMEROOM, homeroom.signer())
    document = sign_transcript(document, Role.HEAD, head.signer(), level=Level.B_T, timestamper=authority)
    report = verify_xml(replaced(document, "8,5", "9,5"), trust)

    assert report.signature(HEAD).sub_indication is SubIndication.HASH_FAILURE
    assert (report.signature(HOMEROOM).intact, report.signature(HOMEROOM).best_time) == (True, None)


def test_plain_signatures_cannot_carry_proofs(people: Mapping[str, Issued], authority: DemoAuthority) -> None:
    """XML-DSig without properties has no place for them."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    with pytest.raises(BadRequest):
        extend_xml(handmade(people["teacher"]), timestamper=authority, evidence=authority, trust=trust)


def test_a_token_that_is_none_is_no_archive_timestamp(sign: Sign, trust: Trust) -> None:
    """Any bytes may stand where a token should: the signature keeps its level and the report says what is wrong."""
    spoilt = replaced(
        sign(Level.B_LT),
        "</xades:UnsignedSignatureProperties>",
        archive_markup(b"no token").decode() + "</xades:UnsignedSignatureProperties>",
    )
    report = verify_xml(spoilt, trust)

    assert (report.signature("place").level, "TIMESTAMP_BROKEN" in codes(report)) == (Level.B_LT, True)


def test_a_renewal_by_a_stranger_is_refused(archived: bytes, authority: DemoAuthority, trust: Trust, tmp_path: Path) -> None:
    """The older timestamp would carry the signature, and the stranger's be in the way of the next renewal."""
    with pytest.raises(BrokenResult):
        extend_xml(archived, timestamper=DemoAuthority(tmp_path), evidence=authority, trust=trust)
