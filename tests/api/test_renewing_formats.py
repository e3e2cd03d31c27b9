"""Archive timestamps are renewed in whatever was signed: XML, packages, detached signatures; nothing that was there is lost."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

import signing
from api.renewing import Outcome, Plan, Renewal, renew_files
from signing.asic import Form, make_package, read_package
from signing.cades import sign_cades
from signing.demo import DemoAuthority, Issued
from signing.xml import Role, sign_transcript, sign_xml
from tests.signing.conftest import build_pdf
from tests.signing.xml_documents import transcript

DATA = "Toán;8,5\n".encode() * 20
XML = b'<r xmlns="urn:r"><DATA Id="d">B\xe1\xba\xb1ng</DATA><place/></r>'
DUE = datetime(2031, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def ancient(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    """Of 2022: its timestamps hold until 2030."""
    return DemoAuthority(tmp_path_factory.mktemp("ancient"), clock=lambda: datetime(2022, 5, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    """Of today."""
    return DemoAuthority(tmp_path_factory.mktemp("young"))


@pytest.fixture(scope="module")
def person(ancient: DemoAuthority) -> Issued:
    return ancient.issue("Nguyễn Văn An", "CCCD:1", unit="THCS", not_after=datetime(2028, 1, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def plan(ancient: DemoAuthority, young: DemoAuthority, shelf_files: dict[str, bytes]) -> Plan:
    """What loses its force before 2031 gets a timestamp of the young authority."""
    assert shelf_files  # made while the old authority's clock still stood in 2022
    ancient.clock = lambda: datetime.now(UTC)
    both = signing.Trust.load([*ancient.trust_pem(), *young.trust_pem()])
    return Plan(timestamper=young, evidence=_Both(ancient, young), trust=both, before=DUE)


class _Both:
    """Two authorities' word, each about its own."""

    def __init__(self, *authorities: DemoAuthority) -> None:
        self.authorities = authorities

    def for_chain(self, chain: object) -> signing.Revocation:
        return sum((each.for_chain(chain) for each in self.authorities), signing.Revocation())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def shelf_files(ancient: DemoAuthority, person: Issued) -> dict[str, bytes]:
    """One of each kind, signed and archived in 2022."""
    everything = {"level": signing.Level.B_LTA, "timestamper": ancient, "evidence": ancient}
    moment = ancient.clock()
    pdf = signing.sign(
        build_pdf({"principal_signs": (60, 120, 220, 180), "archive_timestamp": (0, 0, 0, 0)}),
        signing.SignRequest(field="principal_signs", at=moment),
        person.signer(),
        timestamper=ancient,
    )
    detached = sign_cades(DATA, person.signer(), at=moment, **everything)  # type: ignore[arg-type]
    return {
        "book.pdf": signing.extend(pdf, signing.Level.B_LTA, timestamper=ancient, evidence=ancient),
        "transcript.xml": sign_xml(
            XML, reference_id="d", place="place", signer=person.signer(), at=moment, **everything  # type: ignore[arg-type]
        ),
        "marks.csv": DATA,
        "marks.csv.p7s": detached,
        "pem.csv": DATA,
        "pem.csv.p7s": b"-----BEGIN CMS-----\n" + base64.encodebytes(detached) + b"-----END CMS-----\n",
        "many.asice": make_package({"a.csv": DATA, "b.txt": b"minutes"}, person.signer(), at=moment, **everything),  # type: ignore[arg-type]
        "one.asics": make_package({"a.csv": DATA}, person.signer(), form=Form.SIMPLE, at=moment, **everything),  # type: ignore[arg-type]
    }  # fmt: skip


@pytest.fixture
def shelf(shelf_files: dict[str, bytes], tmp_path: Path) -> Path:
    folder = tmp_path / "Sổ cũ"
    folder.mkdir()
    for name, content in shelf_files.items():
        (folder / name).write_bytes(content)
    (folder / "note.txt").write_text("nobody signed this")
    (folder / "plain.xml").write_text("<r/>")
    return folder


def by_name(results: list[Renewal]) -> dict[str, Renewal]:
    return {each.path.name: each for each in results}


def test_every_kind_is_renewed_in_place(shelf: Path, plan: Plan, shelf_files: dict[str, bytes]) -> None:
    """From 2030 to beyond 2031; what is not signed is told, what cannot be is not mentioned; data files stay as they are."""
    told = by_name(list(renew_files([shelf], plan)))
    signed = {"book.pdf", "transcript.xml", "marks.csv.p7s", "pem.csv.p7s", "many.asice", "one.asics"}

    assert {name: (str(each.outcome), each.message) for name, each in told.items()} == {
        **dict.fromkeys(signed, ("RENEWED", "")),
        "plain.xml": ("NOT_SIGNED", ""),
    }
    dates = [(each.held_until, each.holds_until) for each in told.values() if each.outcome is Outcome.RENEWED]
    assert {(held.year, holds > DUE) for held, holds in dates if held and holds} == {(2030, True)}
    assert {name for name, content in shelf_files.items() if (shelf / name).read_bytes() != content} == signed
    assert {path.name for path in shelf.iterdir()} == {*shelf_files, "note.txt", "plain.xml"}


def test_a_second_run_has_nothing_to_do(shelf: Path, plan: Plan) -> None:
    """Nothing is due any more, so nothing grows."""
    list(renew_files([shelf], plan))
    before = {path: path.read_bytes() for path in shelf.iterdir()}
    again = list(renew_files([shelf], plan))

    assert {each.outcome for each in again} == {Outcome.NOT_DUE, Outcome.NOT_SIGNED}
    assert {path: path.read_bytes() for path in shelf.iterdir()} == before


def test_what_was_renewed_still_passes_and_keeps_what_it_held(shelf: Path, plan: Plan, shelf_files: dict[str, bytes]) -> None:
    """Signers, files of a package, letters of a PEM, every byte of the PDF."""
    list(renew_files([shelf], plan))
    package, was = (read_package(each) for each in ((shelf / "many.asice").read_bytes(), shelf_files["many.asice"]))

    assert (dict(package.files), package.form) == (dict(was.files), was.form)
    assert (shelf / "book.pdf").read_bytes().startswith(shelf_files["book.pdf"])
    assert (shelf / "pem.csv.p7s").read_bytes().startswith(b"-----BEGIN CMS-----\n")
    for name in ("marks.csv", "pem.csv"):
        report = signing.verify_cades(DATA, (shelf / f"{name}.p7s").read_bytes(), plan.trust)
        assert (report.verdict, report.signatures[0].level) == (signing.Verdict.TOTAL_PASSED, signing.Level.B_LTA)


@pytest.mark.parametrize("name", ["marks.csv", "marks.csv.p7s"])
def test_a_detached_signature_is_found_from_either_name(name: str, shelf: Path, plan: Plan) -> None:
    """The data file or its signature: the signature is what is renewed."""
    (result,) = renew_files([shelf / name], plan)

    assert (result.path.name, result.outcome) == ("marks.csv.p7s", Outcome.RENEWED)


def test_a_file_under_a_detached_signature_is_not_touched(shelf: Path, plan: Plan, person: Issued) -> None:
    """To renew the PDF itself would break the signature that lies beside it: that is said, and the PDF stays."""
    book = shelf / "book.pdf"
    (shelf / "book.pdf.p7s").write_bytes(sign_cades(book.read_bytes(), person.signer()))
    before = book.read_bytes()
    told = by_name(list(renew_files([book], plan)))

    assert (told["book.pdf"].outcome, told["book.pdf"].code) == (Outcome.REFUSED, "DETACHED_BESIDE")
    assert told["book.pdf.p7s"].outcome is Outcome.RENEWED, told["book.pdf.p7s"]
    assert book.read_bytes() == before


Spoil = Callable[[bytes], bytes]


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("transcript.xml", lambda xml: xml.replace(b"DATA Id", b"DATA  Id").replace(b"B\xe1", b"X\xe1")),
        ("marks.csv", lambda data: data + b"x"),
        ("many.asice", lambda package: package[:-30]),
        ("one.asics", lambda package: package.replace(b"application/vnd", b"Application/vnd")),
    ],
)
def test_what_does_not_pass_is_left_alone(name: str, spoil: Spoil, shelf: Path, plan: Plan) -> None:
    """Changed, cut: refused with the reason, byte for byte as it was."""
    (shelf / name).write_bytes(spoil((shelf / name).read_bytes()))
    before = {path: path.read_bytes() for path in shelf.iterdir()}
    (result,) = renew_files([shelf / name], plan)

    assert (result.outcome, result.code) == (Outcome.REFUSED, "NOT_VALID_BEFORE")
    assert {path: path.read_bytes() for path in shelf.iterdir()} == before


def test_a_link_in_a_folder_leads_nobody_out_of_it(shelf: Path, plan: Plan, tmp_path: Path) -> None:
    """What a link leads to was not named: it is told, and stays as it was. Named itself, it is renewed where it stands."""
    outside, folder = tmp_path / "outside.xml", tmp_path / "folder"
    folder.mkdir()
    outside.write_bytes((shelf / "transcript.xml").read_bytes())
    (folder / "link.xml").symlink_to(outside)
    before = outside.read_bytes()

    (result,) = renew_files([folder], plan)

    assert (result.outcome, result.code, outside.read_bytes()) == (Outcome.REFUSED, "LINK", before)


def test_a_signature_without_its_file_is_told(shelf: Path, plan: Plan) -> None:
    """Somebody moved the data: refused, and nothing is made of it."""
    (shelf / "marks.csv").unlink()
    (result,) = renew_files([shelf / "marks.csv.p7s"], plan)

    assert result.outcome is Outcome.REFUSED


def test_a_transcript_on_its_way_is_renewed_with_all_its_signers(young: DemoAuthority, tmp_path: Path) -> None:
    """Teacher, homeroom, head, school: what lies inside another's signature is proved by the outer one."""
    signer = young.issue("Trần Thị Lan", "CCCD:2", unit="THCS", key="p256").signer()
    xml = transcript({})
    for role in (Role.HOMEROOM, Role.HEAD):
        xml = sign_transcript(
            xml, role, signer, level=signing.Level.B_LTA if role is Role.HEAD else signing.Level.B_T, timestamper=young,
            evidence=young,
        )  # fmt: skip
    (tmp_path / "hoc-ba.xml").write_bytes(xml)
    trust = signing.Trust.load(young.trust_pem())
    (result,) = renew_files([tmp_path / "hoc-ba.xml"], Plan(timestamper=young, evidence=young, trust=trust))

    assert result.outcome is Outcome.RENEWED, result
    assert signing.verify_xml((tmp_path / "hoc-ba.xml").read_bytes(), trust).passed


def test_the_journal_is_the_same_from_any_folder(
    shelf: Path, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was started beside the file and one from elsewhere mean the same file; a name need not be text."""
    journal = tmp_path / "journal.jsonl"
    odd = shelf / "b\udcff.xml"
    odd.write_bytes((shelf / "transcript.xml").read_bytes())
    noted = Plan(timestamper=plan.timestamper, evidence=plan.evidence, trust=plan.trust, journal=journal)
    monkeypatch.chdir(shelf)
    first = [each.outcome for each in renew_files([Path("many.asice"), Path(odd.name)], noted)]
    monkeypatch.chdir(tmp_path)
    second = [each.outcome for each in renew_files([shelf / "many.asice", odd], noted)]

    assert (first, second) == ([Outcome.RENEWED] * 2, [Outcome.DONE_BEFORE] * 2)
    assert all(Path(json.loads(line)["file"]).is_absolute() for line in journal.read_text().splitlines())


def test_a_timestamp_that_nobody_trusts_renews_nothing(shelf: Path, plan: Plan, tmp_path: Path) -> None:
    """The old timestamps still carry the files, so they would pass: but nothing would be won, and the next run would fail."""
    stranger = DemoAuthority(tmp_path / "stranger")
    before = {path: path.read_bytes() for path in shelf.iterdir()}
    results = list(renew_files([shelf], Plan(timestamper=stranger, evidence=plan.evidence, trust=plan.trust)))

    assert {each.outcome for each in results} == {Outcome.REFUSED, Outcome.NOT_SIGNED}
    assert {path: path.read_bytes() for path in shelf.iterdir()} == before


def test_a_refusal_says_each_thing_once(shelf: Path, plan: Plan) -> None:
    """The sentence in Vietnamese, then in English; the reason in each, and no half of it twice."""
    for name in ("transcript.xml", "many.asice", "book.pdf"):
        (result,) = renew_files([shelf / name], Plan(timestamper=plan.timestamper, evidence=plan.evidence, trust=_nobody()))
        parts = result.message.split(" / ")

        assert result.code == "NOT_VALID_BEFORE"
        assert len(parts) % 2 == 0
        assert parts[0].startswith("CHƯA ĐỦ THÔNG TIN ĐỂ KẾT LUẬN: Chứng thư không dẫn tới")
        assert parts[len(parts) // 2].startswith("NOT ENOUGH TO CONCLUDE: The certificate does not lead")


def _nobody() -> signing.Trust:
    return signing.Trust.load([])
