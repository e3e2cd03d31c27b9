"""The verification slip: one page whatever was found, every name shown as text, the same data inside."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageChops

import documents
from documents import Slip, SlipCertificate, SlipService, SlipSignature, slip_data

AT = datetime(2027, 1, 15, 9, 30, 5, tzinfo=timezone(timedelta(hours=7)))
SERVICE = SlipService(code="soky", name="Soky – dịch vụ kiểm tra", place="Hải Phòng")


def slip(signatures: list[SlipSignature], **more: Any) -> Slip:
    plain = Slip(
        service=SERVICE,
        signatures=signatures,
        file_name="sổ điểm.pdf",
        sha256="ab" * 32,
        size=1234,
        verdict="valid",
        policy="p",
    )
    return replace(plain, **more)


def text_of(pdf: bytes) -> str:
    book = pypdfium2.PdfDocument(pdf)
    text = " ".join(page.get_textpage().get_text_range() for page in book)
    return " ".join(text.split())


def rendered(found: Slip) -> bytes:
    return documents.render(documents.SLIP, slip_data(found, at=AT, demo=False))


def test_the_rows_that_the_law_asks_for_are_on_the_page() -> None:
    """Signer, organisation, title, time and its source, integrity, certificate, revocation, algorithm, verdict."""
    signature = SlipSignature(
        kind="signature",
        verdict="valid",
        signer="Nguyễn Thị Ánh Tuyết",
        organisation="Trường THCS Nguyễn Du",
        office="Hiệu trưởng",
        time=AT,
        time_source="timestamp",
        integrity="intact",
        certificate=SlipCertificate(serial="6f3a", issuer="CA thử", not_before=AT, not_after=AT + timedelta(days=365)),
        revocation="good",
        algorithm="RSA-2048 PSS SHA-256",
        level="B-LTA",
    )
    text = text_of(rendered(slip([signature])))

    for words in (
        "PHIẾU KIỂM TRA CHỮ KÝ SỐ", "Kết luận: Chữ ký số hợp lệ", "Nguyễn Thị Ánh Tuyết", "Trường THCS Nguyễn Du",
        "Hiệu trưởng", "15/01/2027 09:30:05 +07:00 (theo dấu thời gian)", "nội dung nguyên vẹn", "số 6f3a, hạn 15/01/2027",
        "CA thử", "không bị thu hồi; mức B-LTA", "RSA-2048 PSS SHA-256", "abababab abababab",
    ):  # fmt: skip
        assert words in text


def test_the_seal_has_its_place_and_the_data_are_inside() -> None:
    """One visible field of 36 x 44 mm and the archive's; the attached data are those that were rendered."""
    pdf = rendered(slip([]))
    with pikepdf.open(io.BytesIO(pdf)) as book:
        seal, archive = book.Root.AcroForm.Fields
        left, bottom, right, top = (float(value) for value in seal.Rect)

        assert (str(seal.T), str(archive.T)) == ("service_seals", "archive_timestamp")
        assert right - left == pytest.approx(36 * 72 / 25.4, abs=0.1)
        assert top - bottom == pytest.approx(44 * 72 / 25.4, abs=0.1)
    (data,) = documents.attached(pdf)
    assert data.content == slip_data(slip([]), at=AT, demo=False)
    assert documents.proves(pdf).answer is documents.Proof.PROVED


def test_failures_are_shown_before_what_is_only_counted() -> None:
    """Twenty valid signatures and one that is not: the one is on the page."""
    valid = [SlipSignature(kind="seal", verdict="valid", signer=f"đúng {n}") for n in range(20)]
    wrong = SlipSignature(kind="signature", verdict="invalid", signer="người thứ hai mươi mốt")
    data = json.loads(slip_data(slip([*valid, wrong]), at=AT, demo=False))

    assert [each["no"] for each in data["signatures"]] == [1, 2, 3, 4, 21]
    assert data["more"] == {"count": 16, "valid": 16}


ANY = st.text(max_size=300)
WHEN = st.none() | st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=23)), timezone(timedelta(hours=-23))]))
SIGNATURES = st.builds(
    SlipSignature,
    kind=st.sampled_from(["signature", "seal", "doc_timestamp"]),
    verdict=st.sampled_from(["valid", "invalid", "unclear"]),
    signer=ANY,
    organisation=ANY,
    office=ANY,
    time=WHEN,
    time_source=st.sampled_from(["timestamp", "signer"]),
    certificate=st.none() | st.builds(SlipCertificate, serial=ANY, issuer=ANY, not_before=st.just(AT), not_after=st.just(AT)),
    algorithm=ANY,
    reason=ANY,
)


@settings(max_examples=25, deadline=None)
@given(
    signatures=st.lists(SIGNATURES, max_size=8),
    name=ANY,
    notes=st.lists(ANY, max_size=5),
    verdict=st.sampled_from(["valid", "invalid", "unclear", "none", "unreadable"]),
)
def test_whatever_a_stranger_writes_it_is_one_page(
    signatures: list[SlipSignature], name: str, notes: list[str], verdict: str
) -> None:
    """Names of any length and letters, control characters and directions included: always rendered, always one page."""
    pdf = rendered(slip(signatures, file_name=name, notes=notes, verdict=verdict, policy=name))

    assert len(pypdfium2.PdfDocument(pdf)) == 1


@pytest.mark.parametrize("letter", ["W", "字", "\u202e", "Ỹ"])
def test_the_widest_names_are_one_page(letter: str) -> None:
    """Every place filled to its end."""
    long = letter * 400
    wide = SlipSignature(
        kind="signature", verdict="invalid", signer=long, organisation=long, office=long, time=AT, time_source="signer",
        certificate=SlipCertificate(serial="f" * 99, issuer=long, not_before=AT, not_after=AT), algorithm=long, reason=long,
    )  # fmt: skip
    pdf = rendered(slip([wide] * 9, file_name=long, notes=[long] * 9, signed_attachments=64))

    assert len(pypdfium2.PdfDocument(pdf)) == 1


def test_the_marks_of_vietnamese_letters_are_not_cut_off() -> None:
    """A line that ends what is too much must leave room above: without it "Nguyễn" was printed as "Nguyên"."""
    flat, marked = (
        pypdfium2.PdfDocument(
            rendered(slip([SlipSignature(kind="signature", verdict="valid", signer="An", organisation=name * 12)]))
        )[0]
        .render(scale=6)
        .to_pil()
        .convert("L")
        for name in ("O", "Ỗ")
    )
    different = ImageChops.difference(flat, marked).getbbox()

    assert different is not None
    # 8.5 pt at six dots a point: circumflex and tilde together are twelve dots high; what is cut off makes no difference.
    assert different[3] - different[1] >= 12
