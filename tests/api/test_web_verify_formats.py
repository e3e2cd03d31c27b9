"""The page for checks says of XML, packages and detached signatures what is so of them, and offers nothing that they lack."""

import pytest

import signing
from signing.asic import make_package
from signing.cades import sign_cades
from signing.xml import sign_xml
from tests.api.conftest import Stage, Visitor, words_of

XML = b'<r xmlns="urn:r"><DATA Id="d">1</DATA>%b<place/></r>'


@pytest.fixture
def signer(stage: Stage) -> signing.Signer:
    return stage.wired.demo_authority.issue("Nguyễn Văn An", "CCCD:9", unit="THCS").signer()


def checked(visitor: Visitor, name: str, content: bytes, signature: bytes | None = None) -> str:
    """The page's markup."""
    files = {"file": (name, content)} | ({"signature": ("s.p7s", signature)} if signature else {})
    page: str = visitor.client.post("/verify", files=files).text
    return page


def test_a_detached_signature_has_no_revisions_of_a_pdf(visitor: Visitor, signer: signing.Signer) -> None:
    """A list of marks is offered neither as a PDF nor for comparing its pages; a second opinion is."""
    page = checked(visitor, "diem.csv", b"a;b", sign_cades(b"a;b", signer))

    assert "/revisions/" not in page
    assert "/second-opinion" in page


@pytest.mark.parametrize(
    ("more", "says"), [(b"", "mỗi chữ ký ký phần của mình"), (b"<GIA>2</GIA>", "không được chữ ký nào bảo vệ")]
)
def test_a_document_of_which_a_part_is_signed_says_so(more: bytes, says: str, visitor: Visitor, signer: signing.Signer) -> None:
    """Nobody reads "unchanged" over what no signature protects."""
    page = checked(visitor, "hoc-ba.xml", sign_xml(XML % more, reference_id="d", place="place", signer=signer))

    assert says in page
    assert "chỉ có phần được phép thêm" not in page
    assert "Phần do chữ ký này ký còn nguyên" in page


def test_a_file_in_a_package_is_not_called_unsigned(visitor: Visitor, signer: signing.Signer) -> None:
    """It has no signature of its own; the package's covers it."""
    page = checked(visitor, "goi.asice", make_package({"a.csv": b"x"}, signer))

    assert "không có chữ ký riêng" in page


def test_of_a_broken_signature_nothing_reassuring_is_said(visitor: Visitor, signer: signing.Signer) -> None:
    """A changed document: not "only permitted additions" in the row about integrity."""
    signed = sign_xml(XML % b"", reference_id="d", place="place", signer=signer).replace(b">1<", b">2<")
    page = checked(visitor, "hoc-ba.xml", signed)

    assert "Nội dung không còn như lúc ký" in page
    assert "chỉ có phần được phép thêm" not in page


@pytest.mark.parametrize("kind", ["xml", "csv", "asice"])
def test_a_second_opinion_is_shown_of_every_kind(kind: str, visitor: Visitor, signer: signing.Signer) -> None:
    """With the program that was asked, its word in Vietnamese and what it left out."""
    files: dict[str, tuple[bytes, bytes | None]] = {
        "xml": (sign_xml(XML % b"", reference_id="d", place="place", signer=signer), None),
        "csv": (b"a;b", sign_cades(b"a;b", signer)),
        "asice": (make_package({"a.csv": b"x"}, signer), None),
    }
    page = checked(visitor, f"a.{kind}", *files[kind])
    link = page.split('/second-opinion"')[0].rsplit('"', 1)[1] + "/second-opinion"
    told = words_of(visitor.get(link))

    assert {"xml": "signxml", "csv": "openssl", "asice": "openssl"}[kind] in told
    assert "thu hồi" in told
    assert "cannot_judge" not in told
