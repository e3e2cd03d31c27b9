"""The good files that the attack table starts from."""

from collections.abc import Mapping

from signing import DemoAuthority
from signing.demo import Issued
from signing.verification.syntax import Name, Ref
from tests.signing.attacks import Scene
from tests.signing.conftest import MakePdf
from tests.signing.updates import Style, Update, identity, put_signature


def build_scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    """The good files that the attacks start from."""
    signer = identity(people["principal"])
    style = Style(timestamp=authority.timestamp)

    def signed(content: bytes, field: str, certify: int | None = None) -> bytes:
        return put_signature(content, field, signer, Style(timestamp=authority.timestamp, certify=certify))

    packed = make_pdf({"principal_signs": (60, 120, 220, 180)}, object_streams=True)
    return Scene(
        empty=book_pdf,
        approved=signed(book_pdf, "principal_signs"),
        certified=signed(book_pdf, "homeroom_teacher_signs", 2),
        annotatable=signed(book_pdf, "homeroom_teacher_signs", 3),
        form=put_signature(with_text_field(book_pdf), "principal_signs", signer, style),
        packed=signed(packed, "principal_signs"),
        signer=signer,
        timestamp=authority.timestamp,
    )


def with_text_field(content: bytes) -> bytes:
    """A form field with an amount and its picture."""
    update = Update(content)
    picture = update.stream(b"BT (100) Tj ET", Type=Name("/XObject"), Subtype=Name("/Form"), BBox=[0, 0, 100, 20])
    number = update.add(
        {
            "/Type": Name("/Annot"), "/Subtype": Name("/Widget"), "/FT": Name("/Tx"), "/T": b"Text1", "/V": b"100",
            "/Rect": [60, 500, 160, 520], "/AP": {"/N": Ref(picture, 0)}, "/P": Ref(update.page(), 0), "/F": 4,
        }
    )  # fmt: skip
    annots = update.view.items(update.value(update.page()).get("/Annots"))
    update.change(update.page(), Annots=[*annots, Ref(number, 0)])
    form = update.value(update.catalog)["/AcroForm"]
    assert isinstance(form, Ref)
    update.change(form.number, Fields=[*update.view.items(update.value(form.number)["/Fields"]), Ref(number, 0)])
    return update.bytes()
