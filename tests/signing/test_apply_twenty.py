"""Twenty people sign one document, each in their own way: after every step all earlier signatures pass, at the same cost."""

import cProfile
import io

import pikepdf
import pytest
from pikepdf import Array, Dictionary, Name, Pdf, String
from PIL import Image as Drawn

from signing import DemoAuthority, Level, SignRequest, Trust, sign, verify
from signing.apply import Image
from signing.keys.file import FileSigner
from tests.signing.conftest import MakePdf

COUNT = 20
LEVELS = [Level.B_B, Level.B_T, Level.B_LT, Level.B_LTA]
SIGN_LOCK = b"<< /Type /SigFieldLock /Action /Include /Fields [(note)] >>"
TURNS = [0, 90, 180, 270]


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """Our test root."""
    return Trust.load(authority.trust_pem())


@pytest.fixture(scope="module")
def signers(authority: DemoAuthority) -> list[FileSigner]:
    """RSA PKCS#1, RSA PSS, P-256 and P-384, in turn."""
    keys = [authority.issue(f"Người Ký {kind}", f"T:20-{kind}", key=kind) for kind in ("rsa2048", "p256", "p384")]
    pss = FileSigner.open(f"{keys[0].uri}?padding=pss", lambda _: keys[0].pin)
    return [keys[0].signer(), pss, keys[1].signer(), keys[2].signer()]


@pytest.fixture(scope="module")
def png() -> bytes:
    """A blue stroke on nothing."""
    image = Drawn.new("RGBA", (80, 30), (0, 0, 0, 0))
    for x in range(10, 70):
        image.putpixel((x, 15 + (x * 7) % 9 - 4), (20, 40, 160, 255))
    saved = io.BytesIO()
    image.save(saved, "PNG")
    return saved.getvalue()


@pytest.fixture(scope="module")
def document(make_pdf: MakePdf) -> bytes:
    """Four pages, turned and cropped, with five tagged fields each; every fourth field locks a text field when it is signed."""
    pdf = Pdf.open(io.BytesIO(make_pdf({"note_place": (0, 0, 0, 0)}, pages=4)))
    note = pdf.make_indirect(Dictionary(FT=Name.Tx, T=String("note"), V=String("")))
    pdf.Root.AcroForm.Fields.append(note)
    for index, page in enumerate(pdf.pages):
        page.Rotate = TURNS[index]
        page.CropBox = Array([20, 20, 575, 822])
    for number in range(COUNT):
        page = pdf.pages[number % 4]
        bottom = 60 + 60 * (number // 4)
        widget = pdf.make_indirect(
            Dictionary(
                Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=String(f"person_{number}"), F=132, P=page.obj,
                Rect=Array([60, bottom, 220, bottom + 50]),
            )
        )  # fmt: skip
        if number % 4 == 1:
            widget.Lock = pdf.make_indirect(pikepdf.Object.parse(SIGN_LOCK))
        if Name.Annots not in page:
            page.Annots = Array()
        page.Annots.append(widget)
        pdf.Root.AcroForm.Fields.append(widget)
    saved = io.BytesIO()
    pdf.save(saved, deterministic_id=True)
    return saved.getvalue()


@pytest.mark.slow
def test_twenty_signers_of_every_kind(
    document: bytes, signers: list[FileSigner], authority: DemoAuthority, trust: Trust, png: bytes
) -> None:
    """The first certifies (P=2); levels, keys, turned pages and pictures vary; the last cost no more than the trend says."""
    costs = []  # function calls of each step: the same on every machine
    for number in range(COUNT):
        level = LEVELS[number % 4]
        request = SignRequest(
            field=f"person_{number}",
            level=level,
            certify=2 if number == 0 else None,
            appearance=Image(png=png),
            reason=f"Ký lần {number + 1}",
        )
        with cProfile.Profile() as counting:
            after = sign(
                document,
                request,
                signers[number // 4 % 4 - number % 4],
                timestamper=authority,
                evidence=authority,
                trust=trust,
            )
        costs.append(sum(each.callcount for each in counting.getstats()))

        assert after.startswith(document)
        report = verify(after, trust)
        assert {each.verdict for each in report.signatures} == {"TOTAL_PASSED"}, report.to_json()
        found = {each.field: each for each in report.signatures}
        assert sum(name.startswith("person_") for name in found) == number + 1
        assert Level(found[f"person_{number}"].level or "B-B") >= level
        document = after

    # A step looks once at each earlier signature. So the twentieth costs at most 20 / 12 of the twelfth, which has the same
    # level; were each held against each, it would be 2.8 times as much.
    assert costs[19] < 2 * costs[11], costs
