"""What is measured: documents like the real ones, made while the bench runs, the same for the same seed.

- transcript: one tagged PDF/A page of some 77 KB, about 180 objects, a cross-reference table
- gradebook: twelve tagged pages, about 8,000 objects in object streams
- scan: twelve pages of JPEG, 5.7 MB

All have the fields of a school record laid and empty: `teacher_signs` (not seen), `principal_signs` (seen) and
`archive_timestamp`.
"""

import io
import random
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import pikepdf
import typst
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image

FONTS = Path(__file__).resolve().parent.parent / "documents" / "fonts"

FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Phan", "Vũ", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Ngô", "Dương", "Lý")
MIDDLE = ("Thị Ánh", "Văn", "Đức", "Ngọc", "Minh", "Thùy", "Hữu", "Quốc", "Bích", "Xuân", "Thanh", "Kim")
GIVEN = ("Tuyết", "Hỷ", "Quỳnh", "Dương", "Hằng", "Ổn", "Mẫn", "Nguyệt", "Phước", "Thưởng", "Yến", "Khải", "Lộc", "Trâm")
SUBJECTS = (
    "Ngữ văn", "Toán", "Ngoại ngữ 1", "Giáo dục công dân", "Lịch sử và Địa lí", "Khoa học tự nhiên", "Công nghệ",
    "Tin học", "Giáo dục thể chất", "Nghệ thuật", "Hoạt động trải nghiệm", "Giáo dục địa phương", "Tiếng dân tộc",
)  # fmt: skip

FIELDS = {
    "teacher_signs": (0.0, 0.0, 0.0, 0.0),
    "principal_signs": (330.0, 60.0, 500.0, 120.0),
    "archive_timestamp": (0.0, 0.0, 0.0, 0.0),
}

_PAGE = """
#set document(title: "{title}", date: datetime(year: 2026, month: 11, day: 22))
#set page(paper: "a4", margin: 20mm)
#set text(font: "Tinos", size: {size}pt, lang: "vi")
= {title}
{body}
"""


def person(chance: random.Random) -> str:
    """A Vietnamese name."""
    return " ".join((chance.choice(FAMILY), chance.choice(MIDDLE), chance.choice(GIVEN)))


def mark(chance: random.Random) -> str:
    """A mark as it is printed."""
    return f"{chance.randint(20, 100) / 10:.1f}".replace(".", ",")


def transcript(seed: int) -> bytes:
    """One page of a pupil's transcript; each seed gives another pupil."""
    chance = random.Random(seed)  # noqa: S311 - test data
    cells = "".join(f"[{s}]," + "".join(f"[{mark(chance)}]," for _ in range(6)) for s in SUBJECTS)
    body = (
        f"Họ và tên: *{person(chance)}*, sinh ngày {chance.randint(1, 28)}/{chance.randint(1, 12)}/2012\n\n"
        f"_Nơi sinh:_ Hà Nội. Lớp 9A, số {seed}. *_Năm học 2026-2027_*\n\n"
        f"#table(columns: 7, table.header([Môn], [*TX*], [*GK*], [*CK*], [HK I], [HK II], [Cả năm]), {cells})\n\n"
        f"Nhận xét của giáo viên chủ nhiệm: {chance.choice(GIVEN)} chăm chỉ, hoà nhã, có tinh thần trách nhiệm.\n\n"
        "_*Kết quả rèn luyện:* Tốt. Được lên lớp; khen thưởng: học sinh giỏi, đạt giải Khuyến khích kì thi cấp huyện.\n"
        "Xếp loại học lực cả năm: Giỏi. Vắng có phép: 2; vắng không phép: 0. Ý kiến của phụ huynh: đã xem, cảm ơn nhà trường._"
    )
    return _laid(_typeset("HỌC BẠ", body, size=11), object_streams=False)


@lru_cache(maxsize=4)
def gradebook(seed: int = 1) -> bytes:
    """Twelve tagged pages with a mark in each of thousands of cells."""
    chance = random.Random(seed)  # noqa: S311 - test data
    pages = []
    for month in range(1, 13):
        rows = "".join(
            f"[{index}],[{person(chance)}]," + "".join(f"[{mark(chance)}]," for _ in range(10)) for index in range(1, 46)
        )
        pages.append(
            f"== Tháng {month}\n#table(columns: 12, table.header([STT], [Họ và tên], "
            + "".join(f"[{column}]," for column in (1, 2, 3, 4, 5, 6, 7, 8, "GK", "CK"))
            + f"), {rows})"
        )
    return _laid(_typeset("SỔ ĐIỂM LỚP 9A", "\n#pagebreak()\n".join(pages), size=9), object_streams=True)


@lru_cache(maxsize=2)
def scan(seed: int = 1, pages: int = 12) -> bytes:
    """Pages of grain, as a scanner gives them: JPEG of nearly half a megabyte each."""
    chance = random.Random(seed)  # noqa: S311 - test data
    pdf = Pdf.new()
    for _ in range(pages):
        page = pdf.add_blank_page(page_size=(595, 842))
        grain = Image.frombytes("L", (620, 877), chance.randbytes(620 * 877)).resize((1240, 1754))
        jpeg = io.BytesIO()
        grain.save(jpeg, "JPEG", quality=40)
        image = pdf.make_stream(
            jpeg.getvalue(), Type=Name.XObject, Subtype=Name.Image, Width=1240, Height=1754, ColorSpace=Name.DeviceGray,
            BitsPerComponent=8, Filter=Name.DCTDecode,
        )  # fmt: skip
        page.Resources = Dictionary(XObject=Dictionary(Im=image))
        page.Contents = pdf.make_stream(b"q 595 0 0 842 0 0 cm /Im Do Q")
    return _saved(pdf, object_streams=False)


def seal_lines(seed: int) -> tuple[str, ...]:
    """What a visible stamp says: it differs from document to document."""
    return ("Trường THCS Nguyễn Du", f"Số {seed:06d}", "2026-11-22T09:15:00+07:00")


def hand_picture() -> bytes:
    """A transparent picture with a blue stroke, PNG."""
    image = Image.new("RGBA", (400, 150), (0, 0, 0, 0))
    for x in range(20, 380):
        for y in range(-4, 5):
            image.putpixel((x, 75 + y + (x * 7 % 40 - 20)), (20, 40, 200, 255))
    saved = io.BytesIO()
    image.save(saved, "PNG")
    return saved.getvalue()


def _typeset(title: str, body: str, *, size: int) -> bytes:
    source: bytes = _PAGE.format(title=title, body=body, size=size).encode()
    compiled: object = typst.compile(  # type: ignore[misc]  # its stub leaves a type variable open
        source,
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        pdf_standards=["a-3a", "ua-1"],
    )
    if not isinstance(compiled, bytes):
        raise TypeError("one PDF was expected")
    return compiled


def _laid(pdf: bytes, *, object_streams: bool) -> bytes:
    with Pdf.open(io.BytesIO(pdf)) as opened:
        return _saved(opened, object_streams=object_streams)


def _saved(pdf: Pdf, *, object_streams: bool) -> bytes:
    form = Dictionary(Fields=Array(), SigFlags=3)
    page = pdf.pages[0]
    if Name.Annots not in page:
        page.Annots = Array()
    for name, rect in FIELDS.items():
        widget = pdf.make_indirect(
            Dictionary(
                Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String(name), Rect=_numbers(rect), F=132, P=page.obj
            )
        )
        page.Annots.append(widget)
        form.Fields.append(widget)
    pdf.Root.AcroForm = pdf.make_indirect(form)
    saved = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if object_streams else pikepdf.ObjectStreamMode.disable
    pdf.save(saved, deterministic_id=True, object_stream_mode=mode)
    return saved.getvalue()


def _numbers(values: Sequence[float]) -> Array:
    return Array(list(values))
