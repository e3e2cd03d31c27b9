"""What the tests of signing share: a test authority, its people, and small PDFs to sign."""

import io
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String

from signing.demo import DemoAuthority, Issued

# Never All where the archive timestamp's field is laid beforehand: the timestamp would fill a locked field.
SEAL_LOCK = b"<< /Type /SigFieldLock /Action /Exclude /Fields [(archive_timestamp)] /P 1 >>"


MakePdf = Callable[..., bytes]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    """A test authority with its own keys; do not revoke or change its clock: make your own for that."""
    return DemoAuthority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def people(authority: DemoAuthority) -> Mapping[str, Issued]:
    """Who signs in the tests: RSA-2048, "curve" P-256, "seal" the school's. Their PIN is 123456."""
    unit = "Trường THCS Nguyễn Du"
    return {
        "teacher": authority.issue("Nguyễn Thị Ánh Tuyết", "CCCD:031084000001", unit=unit),
        "homeroom": authority.issue("Phạm Đức Hỷ", "CCCD:031084000002", unit=unit),
        "principal": authority.issue("Vũ Ngọc Quỳnh", "CCCD:031084000003", unit=unit),
        "curve": authority.issue("Đỗ Thùy Dương", "CCCD:031084000004", unit=unit, key="p256"),
        "seal": authority.issue(unit, "MST:0200000001", kind="seal"),
    }


@pytest.fixture(scope="session")
def roots(authority: DemoAuthority) -> Path:
    """The PEM file with the anchor of trust."""
    return authority.trust_pem()[0]


@pytest.fixture(scope="session")
def make_pdf() -> MakePdf:
    """Makes a tagged PDF: `fields` maps names to rectangles (all zero: invisible), `locks` names to locks in PDF syntax."""
    return build_pdf


@pytest.fixture(scope="session")
def plain_pdf() -> bytes:
    """One tagged page without any field."""
    return build_pdf({})


@pytest.fixture(scope="session")
def book_pdf() -> bytes:
    """A page with the fields of a class book, as `documents` lays them."""
    return build_pdf(
        {
            "homeroom_teacher_signs": (60, 120, 220, 180),
            "principal_signs": (330, 120, 500, 180),
            "clerk_seals": (280, 70, 382, 195),
            "archive_timestamp": (0, 0, 0, 0),
        },
        locks={"clerk_seals": SEAL_LOCK},
    )


def build_pdf(
    fields: Mapping[str, Sequence[float]],
    *,
    locks: Mapping[str, bytes] | None = None,
    pages: int = 1,
    rotate: int = 0,
    crop: Sequence[float] | None = None,
    text: str = "So diem lop 9A",
    object_streams: bool = False,
) -> bytes:
    """The PDF of `make_pdf`; the same arguments give the same bytes."""
    pdf = Pdf.new()
    pdf.Root.Lang = String("vi-VN")
    pdf.Root.MarkInfo = Dictionary(Marked=True)
    font = pdf.make_indirect(Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica))
    tree = pdf.make_indirect(Dictionary(Type=Name.StructTreeRoot))
    document = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.Document, P=tree, K=Array()))
    numbers = Array()
    for index in range(pages):
        content = f"/P <</MCID 0>> BDC BT /F1 24 Tf 60 700 Td ({text} {index + 1}) Tj ET EMC".encode("latin-1")
        page = pdf.add_blank_page(page_size=(595, 842))
        page.Contents = pdf.make_stream(content)
        page.Resources = Dictionary(Font=Dictionary(F1=font))
        page.Tabs = Name.S
        page.StructParents = index
        if rotate:
            page.Rotate = rotate
        if crop:
            page.CropBox = Array(list(crop))
        paragraph = pdf.make_indirect(Dictionary(Type=Name.StructElem, S=Name.P, P=document, Pg=page.obj, K=0))
        document.K.append(paragraph)
        numbers.append(index)
        numbers.append(pdf.make_indirect(Array([paragraph])))
    _lay_fields(pdf, fields, locks or {}, document, numbers)
    tree.K = document
    tree.ParentTree = pdf.make_indirect(Dictionary(Nums=numbers))
    tree.ParentTreeNextKey = pages + len(fields)
    pdf.Root.StructTreeRoot = tree
    with pdf.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as meta:
        meta["dc:title"] = text
        meta["pdfaid:part"] = "3"
        meta["pdfaid:conformance"] = "A"
        meta["xmp:ModifyDate"] = datetime(2026, 1, 15, tzinfo=UTC).isoformat()
    saved = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if object_streams else pikepdf.ObjectStreamMode.disable
    pdf.save(saved, deterministic_id=True, object_stream_mode=mode)
    return saved.getvalue()


def _lay_fields(
    pdf: Pdf, fields: Mapping[str, Sequence[float]], locks: Mapping[str, bytes], document: pikepdf.Object, numbers: Array
) -> None:
    """Tagged, merged fields and widgets on the first page."""
    if not fields:
        return
    page = pdf.pages[0]
    page.Annots = pdf.make_indirect(Array())
    form = pdf.make_indirect(Dictionary(Fields=Array(), SigFlags=3))
    for key, (name, rect) in enumerate(fields.items(), start=len(pdf.pages)):
        widget = pdf.make_indirect(
            Dictionary(
                Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String(name), TU=String(f"Chữ ký: {name}"),
                Rect=Array(list(rect)), F=132, P=page.obj, StructParent=key,
            )
        )  # fmt: skip
        if name in locks:
            widget.Lock = pdf.make_indirect(pikepdf.Object.parse(locks[name]))
        element = pdf.make_indirect(
            Dictionary(
                Type=Name.StructElem, S=Name.Form, P=document, Pg=page.obj, Alt=String(f"Chữ ký: {name}"),
                K=Dictionary(Type=Name.OBJR, Obj=widget, Pg=page.obj),
            )
        )  # fmt: skip
        document.K.append(element)
        numbers.append(key)
        numbers.append(element)
        page.Annots.append(widget)
        form.Fields.append(widget)
    pdf.Root.AcroForm = form
