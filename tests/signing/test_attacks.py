"""Each row of the attack table gets its verdict, in a report, never by an exception."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust, verify
from signing.demo import Issued
from signing.verification.syntax import Name, Ref
from tests.signing.attacks import STRUCTURAL, Scene
from tests.signing.conftest import MakePdf
from tests.signing.updates import Style, Update, identity, put_signature


@pytest.fixture(scope="session")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="session")
def scene(authority: DemoAuthority, people: dict[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
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


def test_the_files_that_are_attacked_are_good(scene: Scene, trust: Trust) -> None:
    """Without the attack each of them passes, so that a refusal means the attack."""
    for content in (scene.approved, scene.certified, scene.annotatable, scene.form, scene.packed):
        report = verify(content, trust)

        assert report.verdict == "TOTAL_PASSED", report.to_json()
        assert report.signatures[0].covers_whole_file
        assert report.signatures[0].changes_after == "none"


@pytest.mark.parametrize("name", STRUCTURAL)
def test_an_attack_gets_its_verdict(name: str, scene: Scene, trust: Trust) -> None:
    """The right verdict, sub-indication, findings and answer about later changes."""
    row = STRUCTURAL[name]
    report = verify(row.make(scene), trust, at=datetime.now(UTC))
    told = report.to_json()
    codes = {each.code for each in report.findings} | {f.code for s in report.signatures for f in s.findings}

    assert report.verdict in row.verdicts, told
    assert row.codes <= codes, told
    assert row.sub is None or {s.sub_indication for s in report.signatures} & row.sub, told
    assert row.changes is None or row.changes in {s.changes_after for s in report.signatures}, told
    assert row.whole is None or row.whole == report.signatures[0].covers_whole_file, told


def test_a_changed_value_is_shown_with_old_and_new(scene: Scene, trust: Trust) -> None:
    """Whoever reads the report sees which amount was signed and which stands there now."""
    changed = verify(STRUCTURAL["value changed"].make(scene), trust).signatures[0].changed_fields

    assert [(each.name, each.old, each.new) for each in changed] == [("Text1", "100", "9999")]
