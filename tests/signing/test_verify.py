"""The report: its shape, and an answer for every file, however broken."""

import io
import json
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import pikepdf
import pytest

from signing import DemoAuthority, Level, Report, SignRequest, Trust, extend, sign, verify
from signing.demo import Issued
from signing.verification.syntax import Name, Ref
from signing.verification.words import LABELS, SENTENCES, VERDICTS, finding
from tests.signing.attacks import Scene
from tests.signing.conftest import MakePdf
from tests.signing.scenes import build_scene
from tests.signing.updates import Style, Update, identity, put_signature, ranges_of, stream

KEYS = {"file", "sha256", "verdict", "findings", "signatures", "attachments"}
SIGNATURE_KEYS = {
    "field", "kind", "signer", "verdict", "sub_indication", "level", "claimed_time", "best_time", "covers_whole_file",
    "changes_after", "changed_fields", "findings",
}  # fmt: skip


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


@pytest.fixture(scope="module")
def book(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, trust: Trust) -> bytes:
    """Signed by two, sealed, archived."""
    content = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", certify=2), people["homeroom"].signer(), timestamper=authority
    )
    content = sign(content, SignRequest(field="principal_signs"), people["principal"].signer(), timestamper=authority)
    content = sign(content, SignRequest(field="clerk_seals", kind="seal"), people["seal"].signer(), timestamper=authority)
    for level in (Level.B_LT, Level.B_LTA):
        content = extend(content, level, timestamper=authority, evidence=authority, trust=trust)
    return content


def test_a_class_book_passes_with_all_its_signatures(book: bytes, trust: Trust) -> None:
    """Two persons, a seal and the archive timestamp, each by its kind, its level and its signer."""
    report = verify(book, trust, name="book.pdf")
    told = {each.field: (str(each.kind), each.level, each.changes_after) for each in report.signatures}

    assert report.verdict == "TOTAL_PASSED"
    assert told == {
        "homeroom_teacher_signs": ("signature", "B-LTA", "permitted"),
        "principal_signs": ("signature", "B-LTA", "permitted"),
        "clerk_seals": ("seal", "B-LTA", "permitted"),
        "archive_timestamp": ("doc_timestamp", None, "none"),
    }
    assert report.signature("clerk_seals").signer == "Trường THCS Nguyễn Du"
    assert report.signature("archive_timestamp").covers_whole_file


def test_the_report_has_the_shape_that_others_script_against(book: bytes, trust: Trust) -> None:
    """Every key of the contract, in JSON that a program can read."""
    told = json.loads(json.dumps(verify(book, trust, name="book.pdf").to_json()))

    assert told.keys() >= KEYS
    assert told["file"] == "book.pdf"
    assert all(each.keys() >= SIGNATURE_KEYS for each in told["signatures"])
    assert all(datetime.fromisoformat(each["best_time"]) for each in told["signatures"])


def test_a_report_survives_its_json(book: bytes, trust: Trust, scene: Scene) -> None:
    """A kept report is the report, attachments, times and certificates included."""
    for content in (book, scene.empty, b"nothing", scene.sign(_with_file(scene.empty, "sheet.pdf", scene.certified))):
        report = verify(content, trust)

        assert Report.from_json(json.loads(json.dumps(report.to_json()))) == report


def test_claimed_and_proved_time_are_two_things(scene: Scene, trust: Trust, people: Mapping[str, Issued]) -> None:
    """The signer's clock may say anything; only the timestamp is evidence."""
    claim = datetime(2019, 5, 5, 5, 5, 5, tzinfo=UTC)
    signer = identity(people["principal"])
    stamped = put_signature(scene.empty, "principal_signs", signer, Style(at=claim, timestamp=scene.timestamp))
    plain = put_signature(scene.empty, "principal_signs", signer, Style(at=claim))
    first, second = verify(stamped, trust).signatures[0], verify(plain, trust).signatures[0]

    assert first.claimed_time == second.claimed_time == claim
    assert first.best_time is not None
    assert abs((datetime.now(UTC) - first.best_time).total_seconds()) < 3600
    assert second.best_time is None


def _hybrid(scene: Scene) -> bytes:
    update = Update(scene.approved)
    number = update.size
    hidden = update.bytes()
    body = b"%d 0 obj\n" % number + stream(
        bytes((1, 0, 0, 9, 0)), Type=Name("/XRef"), W=[1, 3, 1], Size=number + 1, Index=[number, 1], Root=Ref(update.catalog, 0)
    )
    start = len(hidden)
    last = Update(hidden)
    last.trailer["/XRefStm"] = start
    last.content = hidden + body + b"\nendobj\n"
    return last.bytes()


def _encrypted(scene: Scene) -> bytes:
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(scene.empty)) as pdf:
        pdf.save(saved, encryption=pikepdf.Encryption(owner="o", user="u"))
    return saved.getvalue()


def _linearized(scene: Scene) -> bytes:
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(scene.empty)) as pdf:
        pdf.save(saved, linearize=True, deterministic_id=True)
    return scene.sign(saved.getvalue())


def _bomb(scene: Scene) -> bytes:
    """An attachment-like page stream and an object stream that unpack to far more than they are."""
    update = Update(scene.approved)
    packed = zlib.compress(bytes(80_000_000), 9)
    number = update.add(stream(packed, Type=Name("/ObjStm"), N=1, First=4, Filter=Name("/FlateDecode")))
    content = update.bytes()
    start = len(content)
    rows = bytes((2,)) + number.to_bytes(3, "big") + b"\0"
    table = stream(
        rows, Type=Name("/XRef"), W=[1, 3, 1], Size=number + 2, Index=[update.catalog, 1], Root=Ref(update.catalog, 0),
        Prev=Update(content).pdf.sections[-1].start,
    )  # fmt: skip
    return content + b"%d 0 obj\n" % (number + 1) + table + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % start


def _nested(scene: Scene) -> bytes:
    update = Update(scene.approved)
    update.change(update.catalog, Deep=0)
    return update.bytes().replace(b"/Deep 0", b"/Deep " + b"[" * 20_000 + b"]" * 20_000)


def _loop(scene: Scene) -> bytes:
    update = Update(scene.approved)
    last = update.pdf.sections[-1].start
    update.change(update.catalog)
    content = update.bytes()
    start = Update(content).pdf.sections[-1].start
    return content.replace(b"/Prev %d" % last, (b"/Prev %d" % start).ljust(len(b"/Prev %d" % last)))


def _page_loop(scene: Scene) -> bytes:
    update = Update(scene.approved)
    pages = update.value(update.catalog)["/Pages"]
    assert isinstance(pages, Ref)
    update.change(pages.number, Kids=[pages, pages])
    return update.bytes()


def _reference_loop(scene: Scene) -> bytes:
    update = Update(scene.approved)
    number = update.size
    update.put(number, b"%d 0 R" % (number + 1))
    update.put(number + 1, b"%d 0 R" % number)
    update.change(update.catalog, AcroForm=Ref(number, 0))
    return update.bytes()


UNREADABLE = frozenset({"UNREADABLE"})
NOT_PASSED = frozenset({"UNREADABLE", "TOTAL_FAILED", "INDETERMINATE"})
BROKEN: Mapping[str, tuple[Callable[[Scene], bytes], frozenset[str]]] = {
    "nothing": (lambda _: b"", UNREADABLE),
    "text": (lambda _: b"xin chao", UNREADABLE),
    "picture": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(500), UNREADABLE),
    "header alone": (lambda _: b"%PDF-1.7\n", UNREADABLE),
    "zeros": (lambda _: b"%PDF-1.7\n" + bytes(100_000), UNREADABLE),
    "half": (lambda s: s.approved[: len(s.approved) // 2], NOT_PASSED),
    "encrypted": (_encrypted, UNREADABLE),
    "hybrid": (_hybrid, NOT_PASSED),
    "bomb": (_bomb, NOT_PASSED),
    "20 000 arrays": (_nested, NOT_PASSED),
    "tables in a circle": (_loop, NOT_PASSED),
    "pages in a circle": (_page_loop, NOT_PASSED),
    "references in a circle": (_reference_loop, NOT_PASSED),
}


@pytest.mark.parametrize("name", BROKEN)
def test_every_broken_file_gets_an_answer(name: str, scene: Scene, trust: Trust) -> None:
    """No exception, no long wait, and never a pass."""
    make, verdicts = BROKEN[name]
    report = verify(make(scene), trust)

    assert report.verdict in verdicts, report.to_json()
    assert report.findings or any(each.findings for each in report.signatures)
    json.dumps(report.to_json())


def test_broken_files_with_signature_data_are_never_called_unsigned(scene: Scene, trust: Trust) -> None:
    """Where the raw file holds a signature, "no signature" would be a lie."""
    for name, (make, _) in BROKEN.items():
        content = make(scene)
        report = verify(content, trust)
        if b"/ByteRange" in content:
            codes = {each.code for each in report.findings}
            assert report.signatures or "ORPHAN_SIGNATURE_DATA" in codes, name


def test_unusual_but_sound_files_pass(scene: Scene, trust: Trust) -> None:
    """Object streams and linearized files are read as they are."""
    assert verify(scene.packed, trust).verdict == "TOTAL_PASSED"
    assert verify(_linearized(scene), trust).verdict == "TOTAL_PASSED"


def test_a_file_without_signature_says_so(scene: Scene, trust: Trust) -> None:
    """Empty fields are no signatures."""
    report = verify(scene.empty, trust)

    assert report.verdict == "NO_SIGNATURE"
    assert report.signatures == ()


def test_active_content_is_listed(scene: Scene, trust: Trust) -> None:
    """JavaScript and Launch that were there before signing do not break the signature, but they are named."""
    before = Update(scene.empty)
    before.change(
        before.catalog,
        OpenAction={"/S": Name("/Launch"), "/F": b"cmd"},
        Names={"/JavaScript": {"/Names": [b"x", {"/S": Name("/JavaScript"), "/JS": b"1"}]}},
    )
    report = verify(scene.sign(before.bytes()), trust)
    message = next(each.message for each in report.findings if each.code == "ACTIVE_CONTENT")

    assert report.verdict == "TOTAL_PASSED"
    assert "Launch" in message
    assert "JavaScript" in message


def _with_file(content: bytes, name: str, attached: bytes, *, packed: bool = False) -> bytes:
    update = Update(content)
    data = zlib.compress(attached) if packed else attached
    more = {"Filter": Name("/FlateDecode")} if packed else {}
    file = update.stream(data, Type=Name("/EmbeddedFile"), **more)
    spec = update.add({"/Type": Name("/Filespec"), "/F": name.encode(), "/UF": name.encode(), "/EF": {"/F": Ref(file, 0)}})
    update.change(update.catalog, Names={"/EmbeddedFiles": {"/Names": [name.encode(), Ref(spec, 0)]}})
    return update.bytes()


def test_attached_files_are_verified_in_turn(scene: Scene, trust: Trust) -> None:
    """A sheet inside a book has its own report; an attached text only its digest."""
    for packed in (False, True):
        report = verify(scene.sign(_with_file(scene.empty, "sheet.pdf", scene.certified, packed=packed)), trust)
        sheet = report.attachments[0]

        assert report.verdict == "TOTAL_PASSED", report.to_json()
        assert sheet.name == "sheet.pdf"
        assert sheet.report is not None
        assert sheet.report.verdict == "TOTAL_PASSED"
        assert sheet.to_json()["sha256"] == sheet.report.sha256

    text = verify(scene.sign(_with_file(scene.empty, "data.json", b"{}")), trust).attachments[0]
    assert text.report is None


def test_a_bad_sheet_pulls_the_book_down(scene: Scene, trust: Trust) -> None:
    """A book whose own signatures pass is not passed when a sheet in it is not."""
    bad = scene.certified.replace(b"So diem", b"So diEm", 1)
    report = verify(scene.sign(_with_file(scene.empty, "sheet.pdf", bad)), trust)

    assert report.signatures[0].verdict == "TOTAL_PASSED"
    assert report.verdict == "INDETERMINATE"
    assert "ATTACHMENT_NOT_PASSED" in {each.code for each in report.findings}


def test_an_attached_file_that_cannot_be_read_pulls_down_too(scene: Scene, trust: Trust) -> None:
    """A password on the sheet, or bytes before its header, do not take it out of the check."""
    for bad in (_encrypted(scene), b"MZ\n" + scene.certified):
        report = verify(scene.sign(_with_file(scene.empty, "sheet.pdf", bad)), trust)

        assert report.verdict == "INDETERMINATE"
        assert "ATTACHMENT_NOT_PASSED" in {each.code for each in report.findings}


def test_files_inside_files_end_somewhere(scene: Scene, trust: Trust) -> None:
    """Attachments of attachments of attachments are listed, no longer judged."""
    content = scene.certified
    for _ in range(4):
        content = scene.sign(_with_file(scene.empty, "inner.pdf", content))
    depth = 0
    told = verify(content, trust).to_json()
    while told["attachments"] and "report" in told["attachments"][0]:
        told = told["attachments"][0]["report"]
        depth += 1

    assert depth == 2
    assert "ATTACHMENTS_CUT" in {each["code"] for each in told["findings"]}


def test_a_usage_right_is_nobodys_signature(scene: Scene, trust: Trust) -> None:
    """Adobe's usage rights are named and not counted."""
    before = Update(scene.empty)
    told = {"/Type": Name("/Sig"), "/ByteRange": [0, 1, 2, 3], "/Contents": b"\0", "/SubFilter": Name("/adbe.pkcs7.detached")}
    rights = before.add(told)
    before.change(before.catalog, Perms={"/UR3": Ref(rights, 0)})
    report = verify(before.bytes(), trust)
    signed = verify(scene.sign(before.bytes()), trust)

    assert report.verdict == "NO_SIGNATURE"
    assert "USAGE_RIGHTS" in {each.code for each in report.findings}
    assert report.signatures == ()
    assert signed.verdict == "TOTAL_PASSED", signed.to_json()


def test_a_signature_does_not_become_a_usage_right(scene: Scene, trust: Trust) -> None:
    """Whoever takes the form away and calls what is left a usage right has still removed a signature."""
    after = Update(scene.approved)
    signature = after.value(after.field("principal_signs"))["/V"]
    after.change(after.catalog, AcroForm=None, Perms={"/UR3": signature})
    report = verify(after.bytes(), trust)

    assert report.verdict == "TOTAL_FAILED"
    assert "ORPHAN_SIGNATURE_DATA" in {each.code for each in report.findings}


def test_the_same_signature_is_found_where_the_file_says(scene: Scene, trust: Trust) -> None:
    """The report names the signed revision, so that it can be cut out and shown."""
    first = verify(Update(scene.certified).bytes(), trust).signatures[0]
    _, _, second, rest = ranges_of(scene.certified)[0]

    assert first.signed_bytes == second + rest
    assert verify(Update(scene.certified).bytes()[: first.signed_bytes], trust).signatures[0].covers_whole_file


def test_a_moment_without_a_zone_is_the_callers_mistake(scene: Scene, trust: Trust) -> None:
    """Hostile files never raise; a wrong argument does."""
    with pytest.raises(ValueError, match="zone"):
        verify(scene.approved, trust, at=datetime(2026, 1, 1))  # noqa: DTZ001 -- the mistake itself


def test_every_finding_speaks_both_languages() -> None:
    """Each code has a Vietnamese and an English sentence that differ."""
    for code, (vi, en) in SENTENCES.items():
        assert code == code.upper()
        assert vi != en
        assert ("{detail}" in vi) == ("{detail}" in en)
        assert " / " in finding(code, "x").message
    assert set(LABELS) >= {"signer", "organisation", "title", "time", "integrity", "certificate", "revocation", "algorithm"}
    assert len(VERDICTS) == 5
