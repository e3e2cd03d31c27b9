"""Every field lies where the template declares it, is tagged, and waits empty for its signature."""

import json
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import typst
from PIL import Image

from documents.field_names import field_name
from documents.kind import KINDS
from documents.rendering.errors import BadTemplate
from documents.rendering.fields import lay
from documents.rendering.fonts import FONTS
from documents.rendering.objects import Objects
from documents.rendering.typesetting import DeclaredField, Typesetter
from tests.documents.rendering.conftest import canonical, example, whole_class

VOLUME_FIELDS = ["homeroom_teacher_signs", "principal_signs", "clerk_seals", "archive_timestamp"]

A_PAGE = """
#import "/page.typ": field
#set document(title: "Thử", date: datetime(year: 2027, month: 1, day: 1))
#set text(font: "Tinos", lang: "vi")
{page}
Chữ ở trên
#v(31mm)
#h(23mm)#box(fill: black, width: 40mm, height: 17mm, field("here", 40mm, 17mm, "Chỗ ký"))
"""


def widgets(pdf: pikepdf.Pdf) -> list[Any]:
    return list(pdf.Root.AcroForm.Fields)


def rectangle(widget: Any) -> tuple[float, float, float, float]:
    left, bottom, right, top = (float(edge) for edge in widget.Rect)
    return left, bottom, right, top


@pytest.mark.parametrize(
    "page", ["", "#set page(flipped: true)", "#set page(width: 90mm, height: 120mm, margin: 5mm)", "#pagebreak()"]
)
def test_a_field_lies_exactly_where_its_box_is_drawn(page: str, tmp_path: Path) -> None:
    """A black box with a field in it: the field's corners are those of the black pixels, on every kind of page."""
    (tmp_path / "page.typ").write_text((KINDS / "page.typ").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "black.typ").write_text(A_PAGE.replace("{page}", page), encoding="utf-8")
    data = canonical(example("class_book_sheet", "toan-hk1")).decode()
    layout = Typesetter(root=tmp_path, template="black.typ").set({"data": data})
    book = Objects(layout.pdf, "black.typ")
    lay(book, layout.fields, "black.typ")
    with pikepdf.open(BytesIO(book.written())) as pdf:
        widget = widgets(pdf)[0]
        left, bottom, right, top = rectangle(widget)
        height = float(pdf.pages[-1].mediabox[3])
        assert widget.P.objgen == pdf.pages[-1].objgen
    (tmp_path / "black.pdf").write_bytes(layout.pdf)
    last = str(layout.fields[0].page)
    subprocess.run(
        ["pdftoppm", "-r", "288", "-gray", "-singlefile", "-png", "-f", last, tmp_path / "black.pdf", tmp_path / "out"],
        check=True,
        timeout=60,
    )
    dots = Image.open(tmp_path / "out.png").point(lambda shade: 255 if shade < 40 else 0)
    # The words are thinner than the box: only rows and columns with many black dots belong to it.
    columns = [x for x in range(dots.width) if sum(dots.crop((x, 0, x + 1, dots.height)).tobytes()) > 255 * 150]
    rows = [y for y in range(dots.height) if sum(dots.crop((0, y, dots.width, y + 1)).tobytes()) > 255 * 300]

    assert (columns[0] / 4, (columns[-1] + 1) / 4) == pytest.approx((left, right), abs=0.3)
    assert (height - (rows[-1] + 1) / 4, height - rows[0] / 4) == pytest.approx((bottom, top), abs=0.3)


def test_the_fields_of_a_volume_lie_as_typst_places_them(volume: bytes) -> None:
    """The rectangles are those of Typst's own answer, turned upside down in the MediaBox."""
    compiler = typst.Compiler(
        str(KINDS / "class_book/template.typ"),
        root=str(KINDS),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"data": canonical(whole_class(example("class_book", "9a-hk1"))).decode()},
    )
    declared = json.loads(compiler.query("<field>", field="value"))
    with pikepdf.open(BytesIO(volume)) as pdf:
        laid = {str(widget.T): widget for widget in widgets(pdf)}

        assert [entry["name"] for entry in declared] == list(laid) == VOLUME_FIELDS
        for entry in declared:
            left, bottom, right, top = rectangle(laid[entry["name"]])
            assert (right - left, top - bottom) == pytest.approx((entry["w"], entry["h"]), abs=0.002)
            if entry["w"]:
                height = float(pdf.pages[entry["page"] - 1].mediabox[3])
                assert (left, height - top) == pytest.approx((entry["x"], entry["y"]), abs=0.002)
                assert laid[entry["name"]].P.objgen == pdf.pages[entry["page"] - 1].objgen


def test_the_seal_covers_the_left_third_of_the_signature(volume: bytes) -> None:
    """The seal is 36 mm in size and lies over the left third of the principal's signature (ND 30/2020, art. 33)."""
    millimetre = 72 / 25.4
    with pikepdf.open(BytesIO(volume)) as pdf:
        laid = {str(widget.T): rectangle(widget) for widget in widgets(pdf)}
    hand, seal = laid["principal_signs"], laid["clerk_seals"]
    overlap = seal[2] - hand[0]

    assert seal[2] - seal[0] == pytest.approx(36 * millimetre, abs=0.01)
    assert seal[3] - seal[1] == pytest.approx(44 * millimetre, abs=0.01)
    assert overlap == pytest.approx((hand[2] - hand[0]) / 3, abs=0.01)
    assert seal[0] < hand[0]
    assert seal[1] < hand[1] < hand[3] < seal[3]
    assert laid["homeroom_teacher_signs"][2] < seal[0]


@pytest.mark.parametrize("fixture", ["sheet", "volume"])
def test_every_field_is_tagged(fixture: str, request: pytest.FixtureRequest) -> None:
    """Widget -> /StructParent -> parent tree -> Form element -> OBJR -> the same widget (ISO 14289-1, 7.18)."""
    with pikepdf.open(BytesIO(request.getfixturevalue(fixture))) as pdf:
        structure = pdf.Root.StructTreeRoot
        numbers = pikepdf.NumberTree(structure.ParentTree)
        keys = [int(widget.StructParent) for widget in widgets(pdf)]

        assert len(set(keys)) == len(keys)
        assert max(numbers.keys()) + 1 == int(structure.ParentTreeNextKey)
        for widget in widgets(pdf):
            element: Any = numbers[int(widget.StructParent)]
            assert pikepdf.Name.Form == element.S
            assert element.K.Type == pikepdf.Name.OBJR
            assert element.K.Obj.objgen == widget.objgen
            assert element.Pg.objgen == widget.P.objgen
            assert pikepdf.Name.Document == element.P.S
            assert sum(1 for kid in element.P.K if kid.objgen == element.objgen) == 1
            assert str(element.Alt) == str(widget.TU) != ""
            assert widget.P.Tabs == pikepdf.Name.S


@pytest.mark.parametrize("fixture", ["sheet", "volume"])
def test_every_field_is_empty_and_printable(fixture: str, request: pytest.FixtureRequest) -> None:
    """Merged field and widget, printed, no value; the visible ones have an empty appearance of their size."""
    with pikepdf.open(BytesIO(request.getfixturevalue(fixture))) as pdf:
        assert int(pdf.Root.AcroForm.SigFlags) == 3
        annotated = [widget.objgen for page in pdf.pages for widget in page.get("/Annots", [])]
        assert sorted(annotated) == sorted(widget.objgen for widget in widgets(pdf))
        for widget in widgets(pdf):
            assert pikepdf.Name.Sig == widget.FT
            assert widget.Subtype == pikepdf.Name.Widget
            assert "/V" not in widget
            assert "/Kids" not in widget
            assert "." not in str(widget.T)
            assert int(widget.F) == 132
            left, bottom, right, top = rectangle(widget)
            if right > left:
                assert [float(edge) for edge in widget.AP.N.BBox] == pytest.approx([0, 0, right - left, top - bottom], abs=1e-6)
                assert widget.AP.N.read_bytes() == b""
            else:
                assert "/AP" not in widget


def test_only_the_seal_locks_and_leaves_the_timestamp_out(volume: bytes) -> None:
    """After the seal nothing may change but the archive's timestamp."""
    with pikepdf.open(BytesIO(volume)) as pdf:
        laid = {str(widget.T): widget for widget in widgets(pdf)}
        lock = laid["clerk_seals"].Lock

        assert [name for name, widget in laid.items() if "/Lock" in widget] == ["clerk_seals"]
        assert lock.is_indirect
        assert lock == pikepdf.Dictionary(
            Type=pikepdf.Name.SigFieldLock,
            Action=pikepdf.Name.Exclude,
            Fields=pikepdf.Array([pikepdf.String("archive_timestamp")]),
            P=1,
        )
        assert rectangle(laid["archive_timestamp"]) == (0, 0, 0, 0)


def test_the_seal_is_drawn_after_the_signature_it_covers(volume: bytes) -> None:
    """The order on the page is the order of drawing: signature first, seal over it."""
    with pikepdf.open(BytesIO(volume)) as pdf:
        last = [str(widget.T) for widget in pdf.pages[-1].Annots]

    assert last == ["homeroom_teacher_signs", "principal_signs", "clerk_seals"]


def test_a_sheet_has_the_one_field_of_its_teacher(sheet: bytes) -> None:
    """The field is called after the step and the subject."""
    with pikepdf.open(BytesIO(sheet)) as pdf:
        assert [str(widget.T) for widget in widgets(pdf)] == [field_name("subject_teacher_signs", "toan")]


def place(**changes: Any) -> DeclaredField:
    values = {"name": "a", "page": 1, "x": 10, "y": 10, "width": 50, "height": 20, "alt": "Chỗ ký", "lock": None}
    return DeclaredField(**{**values, **changes})


@pytest.mark.parametrize(
    "fields",
    [
        [place(name="a.b")],
        [place(), place()],
        [place(page=0)],
        [place(page=2)],
        [place(x=-1)],
        [place(x=560)],
        [place(y=830)],
        [place(lock="nobody")],
    ],
    ids=["dot", "twice", "page-0", "page-2", "left", "right", "below", "lock"],
)
def test_a_template_that_declares_nonsense_is_refused(fields: list[DeclaredField]) -> None:
    """A field without a proper name or place never reaches a signer."""
    data = canonical(example("class_book_sheet", "toan-hk1")).decode()
    layout = Typesetter(root=KINDS, template="class_book_sheet/template.typ").set({"data": data})

    with pytest.raises(BadTemplate, match=r"x\.typ"):
        lay(Objects(layout.pdf, "x.typ"), fields, "x.typ")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("#let x = ", "expected expression"),
        ('#set document(title: "t")\n#set text(font: ("Arial", "Tinos"))\nchữ', "unknown font family: arial"),
        ('#set document(title: "t")\n#[#metadata((name: "a")) <field>]', "declared wrongly"),
        ("không có tên", "title"),
        ('#import "@preview/tablex:0.0.8": *', "package"),
        ('#read("/etc/passwd")', "not found"),
        ('#read("../../../../../../etc/passwd")', "outside|escape|access"),
    ],
    ids=["syntax", "font", "field", "no-title", "package", "absolute", "above"],
)
def test_a_template_that_does_not_compile_is_named(source: str, reason: str, tmp_path: Path) -> None:
    """Errors and warnings of the layout alike are ours to tell; a template reads nothing outside its folder."""
    (tmp_path / "bad.typ").write_text(
        '#set document(date: datetime(year: 2027, month: 1, day: 1))\n#set text(font: "Tinos")\n' + source,
        encoding="utf-8",
    )

    with pytest.raises(BadTemplate, match=f"bad.typ.*({reason})"):
        Typesetter(root=tmp_path, template="bad.typ").set({"data": "{}"})
