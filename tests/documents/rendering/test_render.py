"""Data become a document that any archive can read, the same bytes every time."""

import hashlib
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents import (
    Attachment,
    LetterNotInFont,
    UnknownKind,
    WrongAttachments,
    attached,
    pins,
    proves,
    render,
)
from documents.errors import BadData, DocumentsError
from documents.rendering.fonts import printable
from tests.documents.rendering.conftest import (
    canonical,
    example,
    example_attachments,
    listing,
    whole_class,
)

Ask = Callable[..., str]
ROOT = Path(__file__).resolve().parents[3]

RENDER_ELSEWHERE = """
import hashlib, json, sys
from documents import Attachment, render
data, folder = sys.stdin.buffer.read(), sys.argv[2]
from pathlib import Path
files = [Attachment(name=p.name, content=p.read_bytes(), description=p.stem) for p in Path(folder).iterdir()] if folder else []
print(hashlib.sha256(render(sys.argv[1], data, attachments=files)).hexdigest())
"""


def elsewhere(kind: str, data: bytes, folder: str, zone: str, seed: str) -> str:
    """The digest that another process gets, in another time zone, with another hash seed."""
    environment = {**os.environ, "TZ": zone, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-c", RENDER_ELSEWHERE, kind, folder],
        input=data,
        capture_output=True,
        check=True,
        timeout=60,
        env=environment,
        cwd="/",
    )
    return done.stdout.decode().strip()


def test_every_process_gives_the_same_bytes() -> None:
    """A volume rendered here, in Hawaii and in Vietnam is one file to the last byte."""
    data = canonical(example("class_book", "9a-hk2"))
    folder = str(ROOT / "documents/kinds/class_book/examples/attached")
    digests = {elsewhere("class_book", data, folder, zone, seed) for zone, seed in (("HST10", "1"), ("ICT-7", "2"))}
    digests.add(hashlib.sha256(render("class_book", data, attachments=example_attachments())).hexdigest())

    assert len(digests) == 1


def test_threads_do_not_mix_their_data() -> None:
    """Sheets rendered at once by several workers are those rendered one after the other."""
    data = []
    for name in ("toan-hk1", "toan-hk2", "gdtc-hk1", "gdtc-hk2"):
        for teacher in ("Lê Thị Hoa", "Đỗ Văn Ẩn"):
            one = example("class_book_sheet", name)
            one["subject"]["teacher"]["name"] = teacher
            data.append(canonical(one))
    alone = [render("class_book_sheet", one) for one in data]
    with ThreadPoolExecutor(4) as workers:
        together = list(workers.map(lambda one: render("class_book_sheet", one), data))

    assert together == alone
    assert len(set(alone)) == len(alone)


@pytest.mark.parametrize("fixture", ["sheet", "volume"])
def test_claims_pdf_a_3a_and_pdf_ua_1(fixture: str, request: pytest.FixtureRequest) -> None:
    """The metadata claim PDF/A-3a and PDF/UA-1, the file is tagged and says its language."""
    with pikepdf.open(BytesIO(request.getfixturevalue(fixture))) as pdf:
        metadata = pdf.Root.Metadata.read_bytes().decode()
        intents = pdf.Root.OutputIntents

        assert re.search(r"pdfaid:part[^0-9]+3\b", metadata)
        assert re.search(r"pdfaid:conformance[^A-Z]+A\b", metadata)
        assert re.search(r"pdfuaid:part[^0-9]+1\b", metadata)
        assert bool(pdf.Root.MarkInfo.Marked)
        assert str(pdf.Root.Lang).startswith("vi")
        assert bool(pdf.Root.ViewerPreferences.DisplayDocTitle)
        assert len(intents) == 1


@pytest.mark.parametrize("fixture", ["sheet", "volume"])
def test_other_programs_find_no_fault(fixture: str, request: pytest.FixtureRequest, ask: Ask) -> None:
    """Nothing is wrong for qpdf; poppler calls it tagged; every font is embedded and is Tinos."""
    pdf = request.getfixturevalue(fixture)
    fonts = ask(pdf, "pdffonts", "{}").splitlines()[2:]

    assert "No syntax or stream encoding errors" in ask(pdf, "qpdf", "--check", "{}")
    assert re.search(r"^Tagged:\s+yes$", ask(pdf, "pdfinfo", "{}"), re.MULTILINE)
    assert fonts
    assert all("+Tinos-" in line and line.split()[-5:-2] == ["yes", "yes", "yes"] for line in fonts)


def test_forty_five_pupils_and_the_signature_stand_on_one_page(sheet: bytes) -> None:
    """A class of 45 needs one sheet of paper for a subject."""
    with pikepdf.open(BytesIO(sheet)) as pdf:
        left, bottom, right, top = (float(edge) for edge in pdf.Root.AcroForm.Fields[0].Rect)

        assert len(pdf.pages) == 1
        assert 0 < left < right < 595
        assert 30 < bottom < top < 842


def test_a_larger_class_takes_another_page_with_the_heads_again(ask: Ask) -> None:
    """With 60 pupils the heads of the table are repeated, and title, place and name of the signer stay together."""
    pdf = render("class_book_sheet", canonical(whole_class(example("class_book_sheet", "toan-hk1"), 60)))
    second = ask(pdf, "pdftotext", "-f", "2", "-l", "2", "-layout", "{}", "-")

    assert "Họ và tên" in second
    assert "GIÁO VIÊN BỘ MÔN" in second
    assert "Trần Văn Hùng" in second
    assert "KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in second


def test_the_sheet_shows_every_pupil_and_mark(ask: Ask) -> None:
    """Each name stands once, in NFC; marks have a decimal comma; a mark that is not there is blank."""
    data = whole_class(example("class_book_sheet", "toan-hk1"))
    for n, pupil in enumerate(data["pupils"]):
        pupil["average"] = f"{n // 10}.{n % 10}"
    data["pupils"][4]["ck"] = None
    text = ask(render("class_book_sheet", canonical(data)), "pdftotext", "-layout", "{}", "-")
    rows = {found[1]: line for line in text.splitlines() if (found := re.search(r"\b(31260900\d\d)\b", line))}

    assert unicodedata.is_normalized("NFC", text)
    assert len(rows) == 45
    for pupil in data["pupils"]:
        row = rows[pupil["id"]]
        assert pupil["name"] in row
        assert row.split()[-1] == pupil["average"].replace(".", ",")
    marks = 4 + 2 + 1
    assert len(rows["3126090001"].split(data["pupils"][0]["name"])[1].split()) == marks
    assert len(rows["3126090005"].split(data["pupils"][4]["name"])[1].split()) == marks - 1


def test_the_volume_shows_what_its_parts_are(volume: bytes, ask: Ask) -> None:
    """Cover, inner cover, table of 45 x 13, statistics, digests of the sheets, places of the signers: five pages."""
    pages = ask(volume, "pdftotext", "-layout", "{}", "-").split("\f")[:-1]
    data = whole_class(example("class_book", "9a-hk1"))

    assert len(pages) == 5
    assert "SỔ THEO DÕI VÀ ĐÁNH GIÁ" in pages[0]
    assert all(subject["teacher"]["name"] in pages[1] for subject in data["subjects"])
    assert all(pupil["name"] in pages[2] for pupil in data["pupils"])
    assert all(row["sha256"][:8] in pages[3] and row["file_name"] in pages[3] for row in data["sheets"])
    assert "GIÁO VIÊN CHỦ NHIỆM" in pages[4]
    assert "HIỆU TRƯỞNG" in pages[4]
    assert "KT." not in pages[4]
    assert "Hải Phòng, ngày 14 tháng 01 năm 2027" in pages[4]


def test_the_deputy_signs_for_the_head(ask: Ask) -> None:
    """With the capacity KT. the head's title stands above the deputy's (ND 30/2020, art. 13)."""
    pdf = render("class_book", canonical(example("class_book", "9a-hk2")), attachments=example_attachments())
    text = ask(pdf, "pdftotext", "{}", "-")

    assert re.search(r"KT\. HIỆU TRƯỞNG\s+PHÓ HIỆU TRƯỞNG", text)


@pytest.mark.parametrize("demo", [True, False])
def test_every_page_of_a_trial_says_that_it_is_one(demo: bool, ask: Ask) -> None:
    """Only a trial copy carries the line, and then each of its pages does."""
    data = example("class_book", "9a-hk2")
    data["demo"] = demo
    pdf = render("class_book", canonical(data), attachments=example_attachments())
    pages = ask(pdf, "pdftotext", "{}", "-").split("\f")[:-1]

    assert [("KHÔNG CÓ GIÁ TRỊ PHÁP LÝ – bản thử" in page) for page in pages] == [demo] * len(pages)


def test_the_data_are_attached_byte_for_byte() -> None:
    """Whatever the spacing and order of the JSON, the file holds exactly those bytes."""
    data = json.dumps(example("class_book_sheet", "toan-hk1"), indent=3, ensure_ascii=True).encode() + b"\n \n"
    pdf = render("class_book_sheet", data)

    assert [(file.name, file.content, file.mime_type) for file in attached(pdf)] == [("data.json", data, "application/json")]


def test_the_signed_sheets_are_attached_as_supplements(volume: bytes) -> None:
    """PDF/A-3 wants a relation for each file: the data are the source, the sheets supplements, all in /AF."""
    with pikepdf.open(BytesIO(volume)) as pdf:
        relations = {str(file.UF): str(file.AFRelationship) for file in pdf.Root.AF}
        dates = {str(file.EF.F.Params.ModDate) for file in pdf.Root.AF}
        names = set(pdf.attachments)

    assert relations.pop("data.json") == "/Source"
    assert relations == {file.name: "/Supplement" for file in example_attachments()}
    assert names == {"data.json", *relations}
    assert dates == {"D:20270114010000Z"}
    assert {file for file in attached(volume) if file.name != "data.json"} == set(example_attachments())


@pytest.mark.parametrize(
    "name",
    [
        '#panic("x")',
        "#set page(fill: red)",
        "$x^2$ *đậm* _nghiêng_ `mã`",
        "= Đề mục",
        '"; #import "/page.typ": *',
        "<field> @field [..] {..} \\u{41}",
        "// chú thích /* và */ --- ~",
    ],
)
def test_a_name_is_never_markup(name: str, ask: Ask) -> None:
    """Whatever a pupil is called is printed, not obeyed."""
    data = example("class_book_sheet", "toan-hk1")
    data["pupils"][0]["name"] = name
    pdf = render("class_book_sheet", canonical(data))
    text = ask(pdf, "pdftotext", "-layout", "{}", "-")

    assert name in text
    with pikepdf.open(BytesIO(pdf)) as read:
        assert len(read.Root.AcroForm.Fields) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(name=st.text(st.sampled_from(sorted(printable())), min_size=1, max_size=80))
def test_any_printable_name_fits(name: str) -> None:
    """Letters of any script that the font has, up to 80 of them, still make one page."""
    data = example("class_book_sheet", "gdtc-hk1")
    data["pupils"][0]["name"] = unicodedata.normalize("NFC", name)
    try:
        pdf = render("class_book_sheet", canonical(data))
    except LetterNotInFont:  # composing two letters may give one that the font lacks
        return

    with pikepdf.open(BytesIO(pdf)) as read:
        assert len(read.pages) == 1


@settings(max_examples=60, deadline=None)
@given(name=st.text(min_size=0, max_size=100))
def test_any_name_is_printed_or_refused(name: str) -> None:
    """Text from outside meets only our own refusals."""
    data = example("class_book_sheet", "gdtc-hk1")
    data["pupils"] = [{**data["pupils"][0], "name": name}]
    try:
        encoded = canonical(data)
    except UnicodeEncodeError:  # half a character cannot reach us as UTF-8
        return
    try:
        pdf = render("class_book_sheet", encoded)
    except (LetterNotInFont, BadData):
        return

    assert proves(pdf).answer == "proved"


@pytest.mark.parametrize(
    ("letter", "called"),
    [
        ("😀", "U+1F600 GRINNING FACE"),
        ("漢", "U+6F22 CJK UNIFIED IDEOGRAPH-6F22"),
        ("\u202e", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\n", "U+000A"),
        ("\x00", "U+0000"),
    ],
)
def test_a_letter_that_cannot_be_printed_is_named(letter: str, called: str) -> None:
    """A letter the font lacks, or one that hides or turns text around, is named with its place."""
    data = example("class_book_sheet", "toan-hk1")
    data["pupils"][2]["name"] = f"Lê {letter} An"

    with pytest.raises(LetterNotInFont) as refused:
        render("class_book_sheet", canonical(data))
    assert called in str(refused.value)
    assert "$.pupils[2].name" in str(refused.value)


def changed(path: str, value: Any, kind: str = "class_book_sheet", name: str = "toan-hk1") -> bytes:
    data: Any = example(kind, name)
    *steps, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner = data
    for step in steps:
        inner = inner[step]
    inner[last] = value
    return canonical(data)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("version", 2),
        ("kind", "class_book"),
        ("at", "2027-01-12T08:00:00"),
        ("at", "2027-01-12 08:00:00+07:00"),
        ("pupils", []),
        ("pupils.0.average", "8"),
        ("pupils.0.average", "11.0"),
        ("pupils.0.gk", "8,5"),
        ("pupils.0.gk", 8),
        ("pupils.0.tx.0", "10.5"),
        ("pupils.0.name", ""),
        ("pupils.0.name", "A" * 81),
        ("pupils.0.stranger", "?"),
        ("subject.teacher.name", None),
        ("class.semester", 3),
        ("class.semester", True),
        ("field", "principal_signs"),
        ("demo", "true"),
        ("statistics.size", -1),
    ],
)
def test_data_that_do_not_fit_the_schema_are_refused(path: str, value: Any) -> None:
    """Every misfit is named by its place; nothing is rendered."""
    with pytest.raises(BadData) as refused:
        render("class_book_sheet", changed(path, value))
    assert any(m.where.startswith("$") for m in refused.value.misfits)


def test_all_misfits_are_told_at_once() -> None:
    """Three wrong marks are three misfits in one answer."""
    data = example("class_book_sheet", "toan-hk1")
    for n in range(3):
        data["pupils"][n]["ck"] = "11"

    with pytest.raises(BadData) as refused:
        render("class_book_sheet", canonical(data))
    assert [m.where for m in refused.value.misfits] == [f"$.pupils[{n}].ck" for n in range(3)]
    assert {m.found for m in refused.value.misfits} == {"11"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe{}",
        b'{"kind": "class_book_sheet", "kind": "class_book_sheet"}',
        b'{"a": 1.5}',
        b'{"a": NaN}',
        b'{"a":' + b"[" * 200_000,
        b'{"a": "' + b"x" * 4_100_000 + b'"}',
        b'{"a": ' + b"9" * 5000 + b"}",
    ],
    ids=["empty", "list", "null", "not-utf8", "key-twice", "float", "nan", "nested", "huge", "long-number"],
)
def test_what_is_no_plain_json_is_refused(data: bytes) -> None:
    """Bytes that two readers could understand differently, or that are too much, are no data."""
    with pytest.raises(BadData):
        render("class_book_sheet", data)


def test_letters_must_be_composed() -> None:
    """A decomposed ế looks the same and compares differently: refused."""
    data = example("class_book_sheet", "toan-hk1")
    data["pupils"][0]["name"] = unicodedata.normalize("NFD", "Vũ Thế Anh")

    with pytest.raises(DocumentsError) as refused:
        render("class_book_sheet", canonical(data))
    assert refused.value.code in {"BAD_DATA", "LETTER_NOT_IN_FONT"}


def test_an_unknown_kind_is_named() -> None:
    """A kind without a folder, or with a path for a name, does not exist."""
    for name in ("diploma", "../kinds/class_book", ""):
        with pytest.raises(UnknownKind, match="class_book_sheet"):
            render(name, b"{}")


def one_byte_more(file: Attachment) -> Attachment:
    return Attachment(name=file.name, content=file.content + b" ", description=file.description)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda files: files[1:],
        lambda files: [*files, Attachment(name="stranger.pdf", content=b"%PDF-")],
        lambda files: [one_byte_more(files[0]), *files[1:]],
        lambda files: [*files, files[0]],
        lambda files: [*files, Attachment(name="data.json", content=b"{}")],
        lambda _: [],
    ],
    ids=["one-missing", "a-stranger", "one-changed", "one-twice", "other-data", "none"],
)
def test_a_volume_binds_exactly_the_sheets_it_lists(spoil: Callable[[list[Attachment]], list[Attachment]]) -> None:
    """Not one file more, less or other than the list in the data says."""
    with pytest.raises(WrongAttachments):
        render("class_book", canonical(example("class_book", "9a-hk1")), attachments=spoil(example_attachments()))


def test_a_sheet_has_nothing_attached() -> None:
    """A kind that lists no files takes none."""
    with pytest.raises(WrongAttachments):
        render("class_book_sheet", canonical(example("class_book_sheet", "toan-hk1")), attachments=example_attachments())


def test_the_order_of_the_attachments_does_not_matter() -> None:
    """The files are laid by name, however they come."""
    data, files = canonical(example("class_book", "9a-hk1")), sorted(example_attachments(), key=lambda f: f.name)

    assert render("class_book", data, attachments=files) == render("class_book", data, attachments=files[::-1])


def test_a_list_that_names_one_file_twice_is_refused() -> None:
    """Two rows for one file would let a sheet be missing."""
    files = example_attachments()[:1]
    data = listing(example("class_book", "9a-hk1"), files * 2)

    with pytest.raises(WrongAttachments):
        render("class_book", canonical(data), attachments=files)


def test_pins_name_everything_that_decides_the_bytes() -> None:
    """Template, shared page, schema, kind, and the versions of programs and fonts."""
    kept = pins("class_book")
    versions = json.loads(kept["versions.json"])

    assert set(kept) == {"template.typ", "page.typ", "schema.json", "kind.toml", "versions.json"}
    assert all(kept.values())
    assert {"typst", "pikepdf", "libqpdf", "layer"} <= set(versions)
    assert sum(name.startswith("font ") for name in versions) == 4
