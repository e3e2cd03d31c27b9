"""The slip of a real check, sealed by the service's own key."""

import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest

import signing
from api.settings import BadSettings, Settings, read_settings
from api.slip import DEMO_SERVICE, Sealer, office_sealer
from signing.demo import DemoAuthority
from signing.xml import sign_xml
from tests.signing.conftest import build_pdf


@pytest.fixture(scope="module")
def sealer(tmp_path_factory: pytest.TempPathFactory) -> Sealer:
    folder = tmp_path_factory.mktemp("office")
    made = office_sealer(Settings(folder=folder, demo=True))
    assert isinstance(made, Sealer)
    return made


@pytest.fixture(scope="module")
def trust(sealer: Sealer) -> signing.Trust:
    assert sealer.trust is not None
    return sealer.trust


@pytest.fixture(scope="module")
def signed(sealer: Sealer) -> bytes:
    authority = sealer.timestamper
    assert isinstance(authority, DemoAuthority)
    person = authority.issue("Nguyễn Văn An", "CCCD:1", unit="Trường THCS Nguyễn Du")
    pdf = build_pdf({"principal_signs": (60, 120, 220, 180)})
    return signing.sign(pdf, signing.SignRequest(field="principal_signs"), person.signer(), timestamper=authority)


def text_of(pdf: bytes) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)).split())


def test_the_slip_is_sealed_and_passes_a_check_itself(sealer: Sealer, signed: bytes, trust: signing.Trust) -> None:
    """One seal, B-LT, by the service; the page says what was found."""
    report = signing.verify(signed, trust)
    slip = sealer.sealed(report, file_name="/home/ai/quyết định.pdf", size=len(signed))
    told = signing.verify(slip, trust)
    (seal,) = told.signatures

    assert told.verdict == "TOTAL_PASSED"
    assert (seal.kind, seal.signer, seal.level) == ("seal", DEMO_SERVICE.name, "B-LT")
    assert "Kết luận: Chữ ký số hợp lệ" in text_of(slip)
    assert "Nguyễn Văn An" in text_of(slip)
    assert "/home/ai" not in text_of(slip)


def test_the_slip_of_an_xml_says_what_is_signed_and_that_the_rest_is_not(sealer: Sealer, tmp_path: Path) -> None:
    """One part of the document is signed: the slip does not call the whole file untouched."""
    signer = DemoAuthority(tmp_path).issue("Nguyễn Văn An", "CCCD:1", unit="THCS").signer()
    document = b'<r><DATA Id="d">1</DATA><other>2</other><place/></r>'
    signed = sign_xml(document, reference_id="d", place="place", signer=signer)
    report = signing.verify_any(signed, signing.Trust.load([tmp_path / "trust"]), name="a.xml")
    text = text_of(sealer.sealed(report, file_name="a.xml", size=len(signed)))

    assert "Chữ ký này ký: " in text
    assert "phần được ký còn nguyên, phần khác không được ký" in text
    assert "thay đổi được phép" not in text


def test_a_changed_file_gets_a_slip_that_says_so(sealer: Sealer, signed: bytes, trust: signing.Trust) -> None:
    """The conclusion and the reason are on the page."""
    at = signed.index(b"So diem")
    changed = signed[:at] + b"X" + signed[at + 1 :]
    text = text_of(sealer.sealed(signing.verify(changed, trust), file_name="x.pdf", size=len(changed)))

    assert "Kết luận: Chữ ký số không hợp lệ" in text
    assert "HASH_FAILURE: Nội dung đã bị sửa sau khi ký" in text
    assert "nội dung đã bị thay đổi" in text


@pytest.mark.parametrize("content", [b"", b"no pdf", b"%PDF-1.7\n"])
def test_a_file_that_is_no_pdf_gets_a_slip_too(sealer: Sealer, content: bytes, trust: signing.Trust) -> None:
    """Nothing raises."""
    text = text_of(sealer.sealed(signing.verify(content, trust), file_name="", size=len(content)))

    assert "Kết luận: Không đọc được tệp" in text


def test_the_seals_key_is_made_once(sealer: Sealer, tmp_path: Path) -> None:
    """Two slips of one office carry the same certificate."""
    office = Settings(folder=tmp_path, demo=True)
    certificates = set()
    for _ in range(2):
        made = office_sealer(office)
        assert isinstance(made, Sealer)
        with made.open_key() as signer:
            certificates.add(signer.certificate)

    assert len(certificates) == 1
    assert sealer.service == DEMO_SERVICE


def test_the_command_writes_the_slip_and_the_xml_report(signed: bytes, tmp_path: Path) -> None:
    """`soky verify FILE --slip --report-xml`: both are written, whatever the verdict; more than one file is refused first."""
    office = tmp_path / "office"
    Settings(folder=office, demo=True).write()
    file, slip, xml = tmp_path / "a.pdf", tmp_path / "slip.pdf", tmp_path / "report.xml"
    file.write_bytes(signed)
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "api.cli", "verify", "--office", str(office), "--slip", str(slip)]
    one = [*command, "--report-xml", str(xml), str(file)]
    ran = subprocess.run(one, capture_output=True, text=True, cwd=root, check=False, timeout=120)
    two = subprocess.run([*command, str(file), str(file)], capture_output=True, text=True, cwd=root, check=False, timeout=120)

    # The file's signer is of another authority than this office's: not valid, and the slip says so.
    assert ran.returncode == 1, ran.stderr
    assert "Kết luận: Chưa đủ thông tin để kết luận" in text_of(slip.read_bytes())
    assert b"mainindication:indeterminate" in xml.read_bytes()
    assert two.returncode == 2
    assert "for one file" in two.stderr


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """An office that is no demo, with the key of its own service: the authority stands for a public one."""
    authority = DemoAuthority(tmp_path / "ca")
    office = tmp_path / "office"
    (office / "keys").mkdir(parents=True)
    (office / "trust").mkdir()
    (office / "trust" / "root.pem").write_bytes(authority.trust_pem()[0].read_bytes())
    issued = authority.issue("Sở GD&ĐT Hải Phòng", "MST:0200000002", kind="seal")
    (office / "keys" / "service.p12").write_bytes(issued.path.read_bytes())
    pin = office / "keys" / "service.pin"
    pin.touch(mode=0o600)
    pin.write_text(issued.pin + "\n")
    (office / "soky.toml").write_text(
        '[service]\nkey = "file:keys/service.p12"\npin_file = "keys/service.pin"\n'
        'name = "Sở GD&ĐT Hải Phòng"\nplace = "Hải Phòng"\n',
        encoding="utf-8",
    )
    return office


def test_a_real_office_seals_with_the_key_that_its_settings_name(real: Path, signed: bytes, trust: signing.Trust) -> None:
    """No word of a demo on the page; the seal is the service's own and the slip passes by the office's own anchors."""
    sealer = office_sealer(read_settings(real))
    slip = sealer.sealed(signing.verify(signed, trust), file_name="quyết định.pdf", size=len(signed))
    told = signing.verify(slip, signing.Trust.load([real / "trust"]))

    assert told.passed
    assert [(each.kind, each.signer) for each in told.signatures] == [("seal", "Sở GD&ĐT Hải Phòng")]
    assert "bản thử" not in text_of(slip)


def test_an_office_without_a_seal_gives_slips_that_say_so(tmp_path: Path, signed: bytes, trust: signing.Trust) -> None:
    """No field that looks as if it waited for a seal, and the page says in red that it proves nothing."""
    office = Settings(folder=tmp_path)
    office.write()
    slip = office_sealer(read_settings(tmp_path)).sealed(signing.verify(signed, trust), file_name="a.pdf", size=len(signed))

    assert "CHƯA ĐÓNG DẤU" in text_of(slip)
    assert "Phiếu này không có con dấu số" in text_of(slip)
    assert signing.verify(slip, trust).verdict == "NO_SIGNATURE"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("keys/service.p12", "../ca/x.p12"), "lies outside"),
        (("keys/service.pin", "../../etc/passwd"), "pin_file"),
        (("keys/service.pin", "keys/none"), "pin_file"),
        (('place = "Hải Phòng"', ""), "place"),
        (('place = "Hải Phòng"', "colour = 1"), "takes"),
        (("file:keys/service.p12", "csc:https://rms.example.vn/csc/v2?credential=1"), "does not name"),
    ],
)
def test_a_wrong_seal_is_refused_with_what_is_wrong(change: tuple[str, str], told: str, real: Path) -> None:
    """When the settings are read or the office is opened, not when somebody wants a slip."""
    path = real / "soky.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(BadSettings, match=told):
        office_sealer(read_settings(real))


def test_a_pin_that_others_can_read_is_refused(real: Path) -> None:
    """The message says what to do."""
    (real / "keys" / "service.pin").chmod(0o644)
    with pytest.raises(BadSettings, match="chmod 600"):
        read_settings(real)


def test_a_wrong_pin_is_told_and_not_tried_again(real: Path, signed: bytes, trust: signing.Trust) -> None:
    """No slip, one refusal: a token would lock after a few."""
    (real / "keys" / "service.pin").write_text("sai")
    with pytest.raises(signing.WrongSecret):
        office_sealer(read_settings(real)).sealed(signing.verify(signed, trust), file_name="a.pdf", size=len(signed))
