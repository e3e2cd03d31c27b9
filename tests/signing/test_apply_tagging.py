"""A new visible field on a tagged document is tagged too, and those who signed before still pass."""

import io
from collections.abc import Mapping
from itertools import pairwise

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name

from signing import DemoAuthority, Issued, Level, SignRequest, Trust, sign, verify
from tests.signing.conftest import MakePdf

BOX = (100.0, 200.0, 260.0, 250.0)


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """Our test root."""
    return Trust.load(authority.trust_pem())


def new_place(field: str, *, page: int = 0) -> SignRequest:
    """A field that does not exist yet, where it is seen."""
    return SignRequest(field=field, level=Level.B_B, existing_only=False, page=page, box=BOX)


def rows(tree: pikepdf.Object) -> dict[int, pikepdf.Object]:
    """The rows of a number tree, which must be in order."""
    found: list[tuple[int, pikepdf.Object]] = []

    def walk(node: pikepdf.Object) -> None:
        numbers = list(node.get("/Nums", []))
        found.extend((int(key), value) for key, value in zip(numbers[::2], numbers[1::2], strict=True))
        for kid in node.get("/Kids", []):
            walk(kid)

    walk(tree)
    assert all(one < other for (one, _), (other, _) in pairwise(found))
    return dict(found)


def require_tagged(pdf: bytes, field: str) -> None:
    """The widget and its element find each other (14.7.5.4), the element is reached from the top, and it can be spoken."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        root = opened.Root.StructTreeRoot
        (widget,) = [each for each in opened.Root.AcroForm.Fields if str(each.T) == field]
        element = rows(root.ParentTree)[int(widget.StructParent)]

        assert str(element.S) == "/Form"
        assert str(element.K.Type) == "/OBJR"
        assert element.K.Obj.objgen == widget.objgen
        assert element.Pg.objgen == widget.P.objgen
        assert str(element.Alt) == str(widget.TU) == f"Chữ ký: {field}"
        assert element.objgen in [kid.objgen for kid in element.P.K]
        top = element.P
        while top.get("/Type") != Name.StructTreeRoot:
            top = top.P
        assert top.objgen == root.objgen
        assert int(root.ParentTreeNextKey) > int(widget.StructParent)
        assert any(each.objgen == widget.objgen for each in opened.pages[0].Annots) or len(opened.pages) > 1


@pytest.mark.parametrize("rotate", [0, 90])
@pytest.mark.parametrize("object_streams", [False, True])
def test_a_new_visible_field_is_tagged(
    rotate: int, object_streams: bool, make_pdf: MakePdf, people: Mapping[str, Issued], trust: Trust
) -> None:
    """Twice in a row, each with a row of its own; both signatures pass."""
    document = make_pdf({}, rotate=rotate, object_streams=object_streams, pages=2)
    first = sign(document, new_place("teacher"), people["teacher"].signer(), trust=trust)
    second = sign(first, new_place("principal", page=1), people["curve"].signer(), trust=trust)

    require_tagged(first, "teacher")
    require_tagged(second, "teacher")
    require_tagged(second, "principal")
    assert [each.verdict for each in verify(second, trust).signatures] == ["TOTAL_PASSED"] * 2


def test_it_is_permitted_on_a_document_that_is_signed(book_pdf: bytes, people: Mapping[str, Issued], trust: Trust) -> None:
    """An approval signature forbids no further one; the tag that comes with the field is understood."""
    signed = sign(book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_B), people["homeroom"].signer())
    more = sign(signed, new_place("guest"), people["teacher"].signer(), trust=trust)
    report = verify(more, trust)

    require_tagged(more, "guest")
    assert {each.field: (each.verdict, each.changes_after) for each in report.signatures} == {
        "homeroom_teacher_signs": ("TOTAL_PASSED", "permitted"),
        "guest": ("TOTAL_PASSED", "none"),
    }


def test_a_parent_tree_with_leaves_gets_a_leaf(make_pdf: MakePdf, people: Mapping[str, Issued], trust: Trust) -> None:
    """Large documents split their rows; the new one is the last. A next key that is too small is not believed."""
    with pikepdf.open(io.BytesIO(make_pdf({"laid": (10, 10, 60, 30)}, pages=3))) as pdf:
        tree = pdf.Root.StructTreeRoot.ParentTree
        numbers = list(tree.Nums)
        halves = [numbers[:4], numbers[4:]]
        tree.Kids = Array(
            [pdf.make_indirect(Dictionary(Nums=Array(half), Limits=Array([half[0], half[-2]]))) for half in halves]
        )
        del tree.Nums
        pdf.Root.StructTreeRoot.ParentTreeNextKey = 1
        saved = io.BytesIO()
        pdf.save(saved)
    signed = sign(saved.getvalue(), new_place("guest"), people["teacher"].signer(), trust=trust)

    require_tagged(signed, "guest")


def test_an_untagged_document_stays_untagged_and_a_strange_tree_alone(
    make_pdf: MakePdf, people: Mapping[str, Issued], trust: Trust
) -> None:
    """No tree is made up, and one of an unknown shape is left as it is; the signature is put all the same."""
    for spoil in ("none", "no rows", "rows that are none", "deep", "odd"):
        with pikepdf.open(io.BytesIO(make_pdf({}))) as pdf:
            root = pdf.Root.StructTreeRoot
            if spoil == "none":
                del pdf.Root.StructTreeRoot
                del pdf.Root.MarkInfo
            elif spoil == "no rows":
                del root.ParentTree
            elif spoil == "rows that are none":
                root.ParentTree = Name.Nothing
            elif spoil == "odd":
                root.ParentTree.Nums.append(7)
            else:
                loop = pdf.make_indirect(Dictionary())
                loop.Kids = Array([loop])
                root.ParentTree = loop
            saved = io.BytesIO()
            pdf.save(saved)
        signed = sign(saved.getvalue(), new_place("guest"), people["teacher"].signer(), trust=trust)

        with pikepdf.open(io.BytesIO(signed)) as opened:
            (widget,) = opened.Root.AcroForm.Fields
            assert "/StructParent" not in widget, spoil
