"""The ministry's transcript: who signs what, in which order, and what later signatures leave alone."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from signxml.verifier import SignatureConfiguration
from signxml.xades.xades import XAdESVerifier

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.errors import FieldTaken, WouldBreakSignatures, WrongKind
from signing.report import Report, SignatureKind
from signing.xml import Role, coverage, sign_transcript, sign_xml, verify_xml
from signing.xml.errors import NoSuchPlace, OutOfTurn, PlaceInsideReference
from tests.signing.xml_documents import replaced, transcript, xmlsec_says

TEACHERS = (
    "DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY/DANH_SACH_GVBM/GVBM[1]",
    "DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY/DANH_SACH_GVBM/GVBM[2]",
)
HOMEROOM = "DU_LIEU_HOC_BA/DANH_SACH_THONG_TIN_KY/GVCN"
HEAD, SCHOOL = "PHAT_HANH_HOC_BA/CBQL", "PHAT_HANH_HOC_BA/KY_PHAT_HANH"


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def steps(authority: DemoAuthority, people: Mapping[str, Issued]) -> list[bytes]:
    """The transcript after each of its five signatures."""
    document, found = transcript(), []
    for role, who, teacher in (
        (Role.SUBJECT, "teacher", "gv-toan"),
        (Role.SUBJECT, "curve", "gv-van"),
        (Role.HOMEROOM, "homeroom", None),
        (Role.HEAD, "principal", None),
        (Role.SCHOOL, "seal", None),
    ):
        document = sign_transcript(
            document,
            role,
            people[who].signer(),
            teacher=teacher,
            level=Level.B_LT,
            timestamper=authority,
            evidence=authority,
        )
        found.append(document)
    return found


def verdicts(report: Report) -> dict[str, Verdict]:
    return {each.field: each.verdict for each in report.signatures}


def test_every_signature_still_holds_after_each_step(steps: list[bytes], trust: Trust) -> None:
    """Five people sign; after each signature all earlier ones pass as well, with their time and level."""
    expected = [*TEACHERS, HOMEROOM, HEAD, SCHOOL]
    for count, document in enumerate(steps, 1):
        report = verify_xml(document, trust)

        assert verdicts(report) == dict.fromkeys(expected[:count], Verdict.TOTAL_PASSED)
        assert {each.level for each in report.signatures} == {Level.B_LT}
        assert all(each.best_time is not None for each in report.signatures)


def test_each_signature_covers_what_its_role_must(steps: list[bytes]) -> None:
    """Teachers their results, the homeroom teacher the record, head and school everything."""
    covered = {field: [each.path for each in parts] for field, parts in coverage(steps[-1]).items()}

    assert covered == {
        TEACHERS[0]: ["/root/DU_LIEU_HOC_BA/KET_QUA/DIEM_TONG_KET[1]"],
        TEACHERS[1]: ["/root/DU_LIEU_HOC_BA/KET_QUA/DIEM_TONG_KET[2]"],
        HOMEROOM: ["/root/DU_LIEU_HOC_BA/THONG_TIN_HOC_BA"],
        HEAD: ["/root/DU_LIEU_HOC_BA"],
        SCHOOL: ["/root/DU_LIEU_HOC_BA"],
    }


def test_the_report_names_kind_signer_and_what_nobody_signed(steps: list[bytes], trust: Trust) -> None:
    """The school's signature is a seal; the number of the release is signed by nobody, and the report says so."""
    report = verify_xml(steps[-1], trust)
    seal = report.signature(SCHOOL)
    unsigned = [each.message for each in report.findings if each.code == "UNSIGNED_PARTS"]

    assert (seal.kind, seal.signer) == (SignatureKind.SEAL, "Trường THCS Nguyễn Du")
    assert "/root/PHAT_HANH_HOC_BA/SO_PHAT_HANH" in unsigned[0]
    assert report.to_json()["signatures"][0]["field"] == TEACHERS[0]


def test_nothing_but_the_signature_is_written(steps: list[bytes]) -> None:
    """Each step only puts bytes in: what stood before stands there still, in its order."""
    before = transcript()
    for after in steps:
        kept = iter(after)

        assert all(byte in kept for byte in before.replace(b"/>", b">"))
        before = after


def test_xmlsec_accepts_all_five(steps: list[bytes], roots: Path, tmp_path: Path) -> None:
    """Another program (xmlsec1) verifies each signature, its properties included."""
    assert [xmlsec_says(steps[-1], number, roots, tmp_path) for number in range(5)] == ["OK"] * 5


@pytest.mark.parametrize("place", [HOMEROOM, HEAD, SCHOOL])
def test_signxml_accepts_them_as_well(place: str, steps: list[bytes], roots: Path) -> None:
    """A third program (signxml) verifies them with their XAdES properties, and gives back the element that was signed."""
    wanted = SignatureConfiguration(location=f"./{place}/", expect_references=2)
    found = XAdESVerifier().verify(steps[-1], ca_pem_file=str(roots), expect_config=wanted)
    signed = found[0].signed_xml

    assert signed is not None
    assert signed.get("Id") == ("thongtinhocba" if place == HOMEROOM else "data")


@pytest.mark.parametrize("change", [("8,5", "9,5"), ("Trần Thị Ơn", "Trần Thị An"), (">9A<", ">9B<")])
def test_a_changed_mark_or_name_breaks_who_signed_it(steps: list[bytes], trust: Trust, change: tuple[str, str]) -> None:
    """The head's and the school's signatures fail with every change, the teachers' with their own."""
    found = verdicts(verify_xml(replaced(steps[-1], *change), trust))
    own = TEACHERS[0] if change[0] == "8,5" else HOMEROOM

    assert found[HEAD] == found[SCHOOL] == found[own] == Verdict.TOTAL_FAILED
    assert found[TEACHERS[1]] == Verdict.TOTAL_PASSED


# The order


def sign_as(document: bytes, role: Role, who: Issued, teacher: str | None = None) -> bytes:
    return sign_transcript(document, role, who.signer(), teacher=teacher)


def test_the_head_waits_for_all_teachers(steps: list[bytes], people: Mapping[str, Issued]) -> None:
    """Teachers' signatures lie inside what the head signs: later they could not be added."""
    for document in (transcript(), steps[0], steps[1]):
        with pytest.raises(OutOfTurn, match="Teachers have not signed"):
            sign_as(document, Role.HEAD, people["principal"])


def test_the_school_waits_for_the_head(steps: list[bytes], people: Mapping[str, Issued]) -> None:
    """The organisation signs after the person."""
    with pytest.raises(OutOfTurn, match="The head must sign"):
        sign_as(steps[2], Role.SCHOOL, people["seal"])


def test_a_teacher_cannot_sign_after_the_head(steps: list[bytes], people: Mapping[str, Issued]) -> None:
    """It would break the head's signature."""
    emptied = steps[3][: steps[3].index(b"<GVCN>") + 6] + steps[3][steps[3].index(b"</GVCN>") :]
    with pytest.raises(OutOfTurn, match="would break"):
        sign_as(emptied, Role.HOMEROOM, people["homeroom"])


def test_nobody_signs_twice_at_one_place(steps: list[bytes], people: Mapping[str, Issued]) -> None:
    """A place takes one signature."""
    with pytest.raises(FieldTaken):
        sign_as(steps[0], Role.SUBJECT, people["teacher"], "gv-toan")


def test_a_teacher_who_is_not_named_has_no_place(people: Mapping[str, Issued]) -> None:
    """And with several teachers it must be said which."""
    for teacher in ("gv-su", None):
        with pytest.raises(NoSuchPlace):
            sign_as(transcript(), Role.SUBJECT, people["teacher"], teacher)


def test_a_signature_inside_what_it_signs_is_not_made(people: Mapping[str, Issued]) -> None:
    """The national verifier calls such a signature invalid."""
    with pytest.raises(PlaceInsideReference):
        sign_xml(transcript(), reference_id="data", place=HOMEROOM, signer=people["homeroom"].signer())


def test_a_later_signature_that_breaks_an_earlier_one_is_not_made(steps: list[bytes], people: Mapping[str, Issued]) -> None:
    """Also by the general function: whatever lies inside what the head signed can take no signature any more."""
    with pytest.raises(WouldBreakSignatures, match=HEAD):
        sign_xml(
            steps[3],
            reference_id="toan",
            place="DU_LIEU_HOC_BA/THONG_TIN_HOC_BA/LOP",
            signer=people["teacher"].signer(),
        )


def test_a_signature_over_the_wrong_part_is_reported(people: Mapping[str, Issued], trust: Trust) -> None:
    """A principal's signature that covers only one subject is valid for that and no principal's signature of the transcript."""
    document = sign_xml(transcript(), reference_id="toan", place=HEAD, signer=people["principal"].signer())
    report = verify_xml(document, trust)

    assert report.signature(HEAD).verdict is Verdict.TOTAL_PASSED
    assert report.verdict is Verdict.INDETERMINATE
    assert "TRANSCRIPT_WRONG_REFERENCE" in {each.code for each in report.findings}


def test_an_unfinished_transcript_says_who_is_missing(steps: list[bytes], trust: Trust) -> None:
    """The signatures that are there pass; the empty places are named."""
    report = verify_xml(steps[2], trust)
    missing = [each.message for each in report.findings if each.code == "TRANSCRIPT_INCOMPLETE"]

    assert report.verdict is Verdict.TOTAL_PASSED
    assert "/root/PHAT_HANH_HOC_BA/CBQL" in missing[0]


def test_the_school_releases_with_its_own_certificate(people: Mapping[str, Issued], trust: Trust) -> None:
    """A person's certificate is refused in the school's place and the school's in a person's; a file that has it says so."""
    document = transcript({})
    with pytest.raises(WrongKind):
        sign_transcript(document, Role.HOMEROOM, people["seal"].signer())
    for role, who in ((Role.HOMEROOM, "homeroom"), (Role.HEAD, "principal")):
        document = sign_transcript(document, role, people[who].signer())
    with pytest.raises(WrongKind):
        sign_transcript(document, Role.SCHOOL, people["principal"].signer())
    by_hand = sign_xml(document, reference_id="data", place=SCHOOL, signer=people["principal"].signer())
    rightly = sign_transcript(document, Role.SCHOOL, people["seal"].signer())

    assert any(SCHOOL in each.message for each in verify_xml(by_hand, trust).findings if each.code == "TRANSCRIPT_WRONG_SIGNER")
    assert not any(each.code == "TRANSCRIPT_WRONG_SIGNER" for each in verify_xml(rightly, trust).findings)
