"""The validation report of TS 119 102-2: valid, complete, and true to our own report."""

import base64
import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
import signxml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from pyhanko.generated.etsi import ts_11910202
from xsdata.formats.dataclass.parsers import XmlParser
from xsdata.formats.dataclass.parsers.config import ParserConfig

from signing import DemoAuthority, Issued, Level, Report, SignRequest, SubIndication, Trust, Verdict, extend, sign, verify
from signing.asic import make_package, verify_package
from signing.cades import sign_cades, verify_cades
from signing.etsi_report import NAMESPACE, etsi_report
from signing.report import Changes, Finding, SignatureKind, SignatureReport
from signing.xml.sign import sign_xml
from signing.xml.verify import verify_xml

V = {"v": NAMESPACE, "ds": "http://www.w3.org/2000/09/xmldsig#"}
SCHEMA = Path(__file__).with_name("validation_report.xsd")


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> etree.XMLSchema:
    """The schema of the report, beside those of XML-DSig and XAdES that it builds on."""
    folder = tmp_path_factory.mktemp("schema")
    shutil.copy(SCHEMA, folder)
    shipped = Path(signxml.__file__).parent
    for each in (*(shipped / "schemas").glob("*.xsd"), *(shipped / "xades" / "schemas").glob("*.xsd")):
        # The shipped XAdES schema names the one of XML-DSig by its address in the web: nothing is fetched here.
        text = each.read_text(encoding="utf-8")
        (folder / each.name).write_text(
            text.replace(
                "http://www.w3.org/TR/2008/REC-xmldsig-core-20080610/xmldsig-core-schema.xsd", "xmldsig-core-schema.xsd"
            ).replace("http://www.w3.org/TR/xmldsig-core/xmldsig-core-schema.xsd", "xmldsig-core-schema.xsd"),
            encoding="utf-8",
        )
    return etree.XMLSchema(etree.parse(folder / SCHEMA.name, etree.XMLParser(no_network=True)))


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """Our test root."""
    return Trust.load(authority.trust_pem())


@pytest.fixture(scope="module")
def archived(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> bytes:
    """Two people and the seal, with an archive timestamp."""
    pdf = book_pdf
    for field, who in (("homeroom_teacher_signs", "homeroom"), ("principal_signs", "curve")):
        pdf = sign(pdf, SignRequest(field=field), people[who].signer(), timestamper=authority)
    pdf = sign(pdf, SignRequest(field="clerk_seals", kind="seal"), people["seal"].signer(), timestamper=authority)
    return extend(pdf, Level.B_LTA, timestamper=authority, evidence=authority)


def parsed(xml: bytes) -> ts_11910202.ValidationReport:
    """As pyHanko's classes of the standard read it; an element that they do not know is an error."""
    config = ParserConfig(fail_on_unknown_properties=True, fail_on_unknown_attributes=True, fail_on_converter_warnings=True)
    return XmlParser(config=config).from_bytes(xml, ts_11910202.ValidationReport)


def words(xml: bytes, path: str) -> list[str]:
    """The texts at a place."""
    return [each.text or "" for each in etree.fromstring(xml).iterfind(path, V)]


STATUS = "v:SignatureValidationReport/v:SignatureValidationStatus/"


def test_the_report_of_an_archived_book_is_valid_and_names_everything(
    archived: bytes, trust: Trust, schema: etree.XMLSchema
) -> None:
    """Three signatures and a timestamp: indications, process, fields, digests of exactly the signed bytes."""
    report = verify(archived, trust)
    xml = etsi_report(archived, report)
    schema.assertValid(etree.fromstring(xml))
    root = parsed(xml)
    first = report.signatures[0]
    document = root.signature_validation_report[0].signers_document

    assert words(xml, STATUS + "v:MainIndication") == ["urn:etsi:019102:mainindication:total-passed"] * 3
    assert words(xml, STATUS + "v:SubIndication") == []
    assert words(xml, ".//v:DAIdentifier") == [each.field for each in report.signatures]
    assert (
        words(xml, "v:SignatureValidationReport/v:SignatureValidationProcess/v:SignatureValidationProcessID")
        == ["urn:etsi:019102:validationprocess:LTA"] * 3
    )
    (stamp,) = [o for o in root.signature_validation_objects.validation_object if o.validation_report is not None]  # type: ignore[union-attr]
    assert stamp.object_type == "urn:etsi:019102:validationObject:timestamp"
    assert stamp.validation_report.signature_validation_status.main_indication == "urn:etsi:019102:mainindication:passed"  # type: ignore[union-attr]
    assert document is not None
    start, length, after, rest = map(int, words(xml, ".//v:ByteRange")[0].split())
    signed = archived[start:length] + archived[after : after + rest]
    assert after + rest == first.signed_bytes
    assert document.digest_alg_and_value.digest_value.value == hashlib.sha256(signed).digest()  # type: ignore[union-attr]


def test_the_certificates_are_in_the_report_and_references_lead_to_them(archived: bytes, trust: Trust) -> None:
    """Each signer's certificate stands in the report with its bytes, once."""
    report = verify(archived, trust)
    root = etree.fromstring(etsi_report(archived, report))
    by_id = {str(each.get("id")): each for each in root.iterfind(".//v:ValidationObject", V)}
    named = [str(each.get("VOReference")) for each in root.iterfind(".//v:SignerCertificate", V)]
    held = [base64.b64decode(by_id[name].findtext(".//v:base64", "", V)) for name in named]

    assert sorted(filter(None, held)) == sorted(filter(None, (each.certificate for each in report.signatures)))


def test_a_changed_byte_gives_the_standards_word_for_it(archived: bytes, trust: Trust, schema: etree.XMLSchema) -> None:
    """TOTAL-FAILED with HASH_FAILURE, by the standard's URIs."""
    at = archived.index(b"So diem lop")
    changed = archived[:at] + b"X" + archived[at + 1 :]
    xml = etsi_report(changed, verify(changed, trust))

    schema.assertValid(etree.fromstring(xml))
    assert set(words(xml, STATUS + "v:MainIndication")) == {"urn:etsi:019102:mainindication:total-failed"}
    assert set(words(xml, STATUS + "v:SubIndication")) == {"urn:etsi:019102:subindication:HASH_FAILURE"}


def test_an_unknown_authority_is_indeterminate(archived: bytes, schema: etree.XMLSchema) -> None:
    """Without any anchor of trust: NO_CERTIFICATE_CHAIN_FOUND, and never an OK that the standard does not know."""
    xml = etsi_report(archived, verify(archived, Trust.load([])))

    schema.assertValid(etree.fromstring(xml))
    assert set(words(xml, STATUS + "v:MainIndication")) == {"urn:etsi:019102:mainindication:indeterminate"}
    assert set(words(xml, STATUS + "v:SubIndication")) <= {f"urn:etsi:019102:subindication:{each}" for each in SubIndication}
    assert b"subindication:OK" not in xml


@pytest.mark.parametrize(
    ("content", "main"),
    [
        (b"no pdf", "urn:etsi:019102:mainindication:total-failed"),
        (b"", "urn:etsi:019102:mainindication:total-failed"),
        (None, "urn:soky:mainindication:no-signature-found"),
    ],
)
def test_files_without_a_signature_get_a_report_too(
    content: bytes | None, main: str, plain_pdf: bytes, trust: Trust, schema: etree.XMLSchema
) -> None:
    """Unreadable is a failure of the format; unsigned is said in a word of ours, because the standard has none."""
    pdf = plain_pdf if content is None else content
    xml = etsi_report(pdf, verify(pdf, trust))

    schema.assertValid(etree.fromstring(xml))
    parsed(xml)
    assert words(xml, STATUS + "v:MainIndication") == [main]


TEXTS = st.text(max_size=30)
MOMENTS = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-23))]))
SIGNATURES = st.builds(
    SignatureReport,
    field=TEXTS,
    kind=st.sampled_from(SignatureKind),
    signer=st.none() | TEXTS,
    verdict=st.sampled_from([Verdict.TOTAL_PASSED, Verdict.TOTAL_FAILED, Verdict.INDETERMINATE]),
    sub_indication=st.none() | st.sampled_from(SubIndication),
    level=st.none() | st.sampled_from(Level),
    claimed_time=st.none() | MOMENTS,
    best_time=st.none() | MOMENTS,
    changes_after=st.sampled_from(Changes),
    changed_fields=st.just(()),
    findings=st.lists(st.builds(Finding, code=st.just("NO_TIMESTAMP"), message=TEXTS), max_size=2).map(tuple),
    certificate=st.none() | st.binary(max_size=20),
    chain=st.just(()),
    revocation=st.just({}),
    timestamp=st.just({}),
    names=st.just({}),
    signed_bytes=st.none() | st.integers(-5, 100_000),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(signatures=st.lists(SIGNATURES, max_size=4), verdict=st.sampled_from(Verdict), checked=MOMENTS)
def test_every_report_becomes_valid_xml(
    archived: bytes, schema: etree.XMLSchema, signatures: list[SignatureReport], verdict: Verdict, checked: datetime
) -> None:
    """Whatever stands in names and times, control characters included."""
    report = Report(file="x", sha256="0" * 64, verdict=verdict, signatures=tuple(signatures), checked_at=checked)

    schema.assertValid(etree.fromstring(etsi_report(archived, report)))


def test_a_report_that_lies_about_its_file_raises_nothing(archived: bytes, trust: Trust, schema: etree.XMLSchema) -> None:
    """A signature whose bytes are not those of the file is named by its field alone."""
    report = verify(archived, trust)
    lying = replace(report, signatures=tuple(replace(each, signed_bytes=100) for each in report.signatures))
    root = etree.fromstring(etsi_report(archived, lying))

    schema.assertValid(root)
    assert root.find(".//ds:SignatureValue", V) is None
    assert root.find(".//v:DAIdentifier", V) is not None


def _xml(authority: DemoAuthority, people: Mapping[str, Issued]) -> tuple[bytes, Report]:
    signer = people["principal"].signer()
    xml = b"<a><b Id='x'>1</b></a>"
    signed = sign_xml(xml, reference_id="x", place="/a", signer=signer, timestamper=authority, level=Level.B_T)
    return signed, verify_xml(signed, Trust.load(authority.trust_pem()))


def _cades(authority: DemoAuthority, people: Mapping[str, Issued]) -> tuple[bytes, Report]:
    p7s = sign_cades(b"data", people["curve"].signer(), timestamper=authority, level=Level.B_T)
    return b"data", verify_cades(b"data", p7s, Trust.load(authority.trust_pem()))


def _package(authority: DemoAuthority, people: Mapping[str, Issued]) -> tuple[bytes, Report]:
    asice = make_package({"a.txt": b"data"}, people["principal"].signer(), timestamper=authority, level=Level.B_T)
    return asice, verify_package(asice, Trust.load(authority.trust_pem()))


@pytest.mark.parametrize("make", [_xml, _cades, _package])
def test_what_is_no_pdf_gets_the_same_report(
    make: Callable[[DemoAuthority, Mapping[str, Issued]], tuple[bytes, Report]],
    authority: DemoAuthority,
    people: Mapping[str, Issued],
    schema: etree.XMLSchema,
) -> None:
    """XML, detached signatures, packages: valid by the schema, read whole by other code, with the signer and the time."""
    content, report = make(authority, people)
    xml = etsi_report(content, report)
    schema.assertValid(etree.fromstring(xml))
    root = parsed(xml)
    (part,) = root.signature_validation_report

    assert report.passed
    assert part.signature_validation_status is not None
    assert part.signature_validation_status.main_indication == "urn:etsi:019102:mainindication:total-passed"
    assert part.signer_information is not None
    assert part.signer_information.signer == report.signatures[0].signer
    assert part.validation_time_info is not None
    assert (report.signatures[0].best_time is not None) is (words(xml, ".//v:TimeStampValue") != [])


@pytest.mark.parametrize("verdict", [Verdict.TOTAL_PASSED, Verdict.INDETERMINATE, Verdict.TOTAL_FAILED])
@pytest.mark.parametrize("sub", [None, *SubIndication])
def test_other_code_reads_every_indication(verdict: Verdict, sub: SubIndication | None, archived: bytes, trust: Trust) -> None:
    """Each word of ours comes out of pyHanko's classes of the standard as the standard writes it."""
    report = verify(archived, trust)
    signatures = tuple(replace(each, verdict=verdict, sub_indication=sub) for each in report.signatures)
    root = parsed(etsi_report(archived, replace(report, verdict=verdict, signatures=signatures)))
    word = {"TOTAL_PASSED": "total-passed", "TOTAL_FAILED": "total-failed"}.get(verdict, "indeterminate")
    told = [each.signature_validation_status for each in root.signature_validation_report]

    assert {each.main_indication for each in told if each} == {f"urn:etsi:019102:mainindication:{word}"}
    assert [list(each.sub_indication) for each in told if each] == [
        [f"urn:etsi:019102:subindication:{sub}"] if sub else [] for _ in told
    ]


def test_a_thousand_signatures_over_a_large_file_are_hashed_within_a_bound(
    archived: bytes, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound a signature is named by its field alone; the report is still whole."""
    monkeypatch.setattr("signing.etsi_report.identity.MOST_HASHED", len(archived) * 5)
    report = verify(archived, trust)
    many = replace(report, signatures=report.signatures[:1] * 1000)
    root = etree.fromstring(etsi_report(archived, many))

    assert len(root.findall("v:SignatureValidationReport", V)) == 1000
    assert 0 < len(root.findall(".//ds:SignatureValue", V)) < 20
