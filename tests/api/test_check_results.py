"""After a check: the slip, the XML, the signed revisions and the pictures, without uploading again, and for a while only."""

import io
import logging
import re
import time
from collections.abc import Mapping

import pytest
from lxml import etree
from PIL import Image

import signing
from api.web.held_results import CheckResults
from signing.demo import DemoAuthority
from tests.api.conftest import Stage, Visitor, words_of
from tests.signing.conftest import build_pdf

pytestmark = pytest.mark.xdist_group("web")


@pytest.fixture
def twice_signed(stage: Stage) -> bytes:
    """Two people of the demo's authority signed, the second with a stamp."""
    authority = stage.wired.demo_authority
    boxes = {"homeroom_teacher_signs": (60, 120, 220, 180), "principal_signs": (330, 120, 500, 180)}
    pdf = build_pdf(boxes)
    stamp = io.BytesIO()
    Image.new("RGB", (80, 30), (20, 40, 180)).save(stamp, "PNG")
    for field, name in zip(boxes, ("Nguyễn Văn An", "Trần Thị Bình"), strict=True):
        person = authority.issue(name, f"DEMO:{field}", unit="Trường THCS Nguyễn Du", file=field)
        request = signing.SignRequest(field=field, appearance=signing.Image(png=stamp.getvalue()))
        pdf = signing.sign(pdf, request, person.signer(), timestamper=authority)
    return pdf


@pytest.fixture
def links(visitor: Visitor, twice_signed: bytes) -> list[str]:
    """Where the page of the result leads to."""
    page = visitor.client.post("/verify", files={"file": ("mật.pdf", twice_signed)})
    found = re.findall(r'href="(/verify/results/[^"]+)"', page.text)
    return sorted(found, key=lambda link: link.endswith("/second-opinion"))


def test_the_result_page_leads_to_everything(links: list[str]) -> None:
    """Slip, XML, both revisions, and a comparison for the older one."""
    ends = [link.split("/", 4)[4] for link in links]

    assert ends == ["slip.pdf", "report.xml", "revisions/1.pdf", "revisions/1", "revisions/2.pdf", "second-opinion"]


def test_the_slip_can_be_taken_and_checked(links: list[str], visitor: Visitor, stage: Stage) -> None:
    """A sealed PDF; asked for twice it is the same."""
    first, second = visitor.get(links[0]), visitor.get(links[0])
    report = signing.verify(first.content, stage.wired.office.desk.trust)

    assert first.content == second.content
    assert first.headers["content-disposition"].startswith("attachment")
    assert report.verdict == "TOTAL_PASSED"
    assert [each.kind for each in report.signatures] == ["seal"]


def test_the_xml_report_names_both_signatures(links: list[str], visitor: Visitor) -> None:
    """ETSI TS 119 102-2."""
    root = etree.fromstring(visitor.get(links[1]).content)
    fields = [each.text for each in root.iter("{http://uri.etsi.org/19102/v1.2.1#}DAIdentifier")]

    assert fields == ["homeroom_teacher_signs", "principal_signs"]


def test_each_signed_revision_can_be_downloaded(links: list[str], visitor: Visitor, twice_signed: bytes) -> None:
    """Byte for byte the beginning of the file; the last is the file."""
    first, second = visitor.get(links[2]).content, visitor.get(links[4]).content

    assert twice_signed.startswith(first)
    assert len(first) < len(twice_signed)
    assert second == twice_signed


def test_the_pages_then_and_now_are_shown(links: list[str], visitor: Visitor) -> None:
    """One page looks different, by its fields only; both pictures are there."""
    page = visitor.get(links[3])
    words = words_of(page)
    pictures = re.findall(r'src="(/verify/results/[^"]+\.png)"', page.text)
    drawn = [Image.open(io.BytesIO(visitor.get(each).content)) for each in pictures]

    assert "1 trong 1 trang đã so sánh trông khác lúc ký." in words
    assert "Chỉ khác ở chữ ký, con dấu, ô điền hoặc ghi chú trên trang." in words
    assert "Số trang theo phiên bản: 1: 1; 2: 1" in words
    assert [each.size for each in drawn] == [(1000, 1416)] * 2


@pytest.mark.parametrize("end", ["slip.pdf", "report.xml", "revisions/1.pdf", "revisions/1", "revisions/1/pages/1/before.png"])
def test_an_unknown_result_is_not_there(end: str, visitor: Visitor) -> None:
    """A guessed id and one whose time is over are answered alike."""
    assert visitor.get(f"/verify/results/{'x' * 32}/{end}").status_code == 404
    assert visitor.get(f"/verify/results/../../etc/{end}").status_code == 404


@pytest.mark.parametrize("end", ["revisions/3.pdf", "revisions/3", "revisions/1/pages/2/after.png", "revisions/0.pdf"])
def test_what_the_file_does_not_have_is_not_there(end: str, links: list[str], visitor: Visitor) -> None:
    """No third revision, no second page."""
    base = links[0].removesuffix("slip.pdf")

    assert visitor.get(base + end).status_code == 404


def test_a_hostile_file_has_a_result_page_without_revisions(visitor: Visitor) -> None:
    """The slip and the XML are there for any bytes; no picture is drawn."""
    page = visitor.client.post("/verify", files={"file": ('"><script>.pdf', b"%PDF-1.4\nxref\n0 1\ntrailer<</Size 1>>")})
    links = re.findall(r'href="(/verify/results/[^"]+)"', page.text)

    assert [link.rsplit("/", 1)[1] for link in links] == ["slip.pdf", "report.xml"]
    assert [visitor.get(link).status_code for link in links] == [200, 200]


def test_no_name_of_a_file_or_a_signer_is_logged(
    visitor: Visitor, twice_signed: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever reads the log learns nothing about who checked what."""
    caplog.set_level(logging.DEBUG)
    page = visitor.client.post("/verify", files={"file": ("mật-của-An.pdf", twice_signed)})
    for link in re.findall(r'href="(/verify/results/[^"]+)"', page.text):
        visitor.get(link)

    ours = "\n".join(record.getMessage() for record in caplog.records)
    assert "mật-của-An" not in ours
    assert "Nguyễn Văn An" not in ours


class Clock:
    """A clock that a test winds."""

    now = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.now


REPORT = signing.Report(file="", sha256="0" * 64, verdict=signing.Verdict.NO_SIGNATURE)


def test_results_go_after_a_quarter_of_an_hour() -> None:
    """And no earlier."""
    clock = Clock()
    results = CheckResults(clock=clock)
    held = results.hold(b"x", REPORT, "")
    clock.now = 899

    assert results.find(held.key) is held
    clock.now = 901
    assert results.find(held.key) is None
    assert results.bytes_held == 0


def test_what_is_held_has_a_bound() -> None:
    """By number and by bytes: the oldest makes room."""
    few = CheckResults(most=2)
    keys = [few.hold(b"x", REPORT, "").key for _ in range(3)]
    small = CheckResults(most_bytes=10)
    first = small.hold(b"x" * 6, REPORT, "")
    second = small.hold(b"x" * 6, REPORT, "")

    assert [few.find(key) is not None for key in keys] == [False, True, True]
    assert small.find(first.key) is None
    assert small.find(second.key) is second
    assert len(set(keys)) == 3


def test_the_seal_of_the_demo_is_the_services_own(stage: Stage, links: list[str], visitor: Visitor) -> None:
    """Not the school's seal, nor anybody's own key."""
    slip = visitor.get(links[0]).content
    (seal,) = signing.verify(slip, stage.wired.office.desk.trust).signatures
    held: Mapping[str, str] = seal.names

    assert isinstance(stage.wired.authority, DemoAuthority)
    assert seal.signer == "Soky – dịch vụ kiểm tra (thử nghiệm)"
    assert held["O"] == "Soky – dịch vụ kiểm tra (thử nghiệm)"


def test_the_second_opinion_is_shown_as_such(links: list[str], visitor: Visitor) -> None:
    """Three programs on each signature, what each does not look at, in the visitor's language; asked for once."""
    words = words_of(visitor.get(links[-1]))
    begin = time.perf_counter()
    again = words_of(visitor.get(links[-1]))

    assert [words.count(f" {name} hợp lệ") for name in ("pyHanko", "openssl", "endesive")] == [2, 2, 2]
    assert "Các chương trình đã kết luận đều cho cùng kết quả." in words
    assert "thay đổi sau khi ký" in words
    assert again == words
    assert time.perf_counter() - begin < 1
