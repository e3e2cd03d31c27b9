"""The quick comparison of revisions against the thorough one and against pyHanko's: it may only say yes where they do."""

import io
import logging
import random
from collections.abc import Mapping

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature

from bench.fuzz import update as broken_update
from signing import DemoAuthority, Level, SignRequest, Trust, extend, sign
from signing.demo import Issued
from signing.report import Changes
from signing.verification.changes import History, Permission
from signing.verification.faults import Fault, NotPlain
from signing.verification.pdf import Pdf
from signing.verification.plain_changes import PlainHistory
from signing.verification.structure import read_document
from tests.signing.attacks import STRUCTURAL, Scene
from tests.signing.conftest import MakePdf
from tests.signing.mutations import mutant
from tests.signing.revision_cases import CASES
from tests.signing.scenes import build_scene
from tests.signing.updates import Style, Update, identity, put_signature, put_timestamp

PERMITTED = {Changes.NONE, Changes.PERMITTED}


@pytest.fixture(scope="module")
def lifetimes(
    authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, make_pdf: MakePdf, roots: object
) -> dict[str, bytes]:
    """Sound files with several revisions each, made by both ways of signing."""
    trust = Trust.load(str(roots))
    proofs = {"timestamper": authority, "evidence": authority, "trust": trust}
    book = book_pdf
    certifying = SignRequest(field="homeroom_teacher_signs", certify=2)
    book = sign(book, certifying, people["homeroom"].signer(), timestamper=authority)
    book = sign(book, SignRequest(field="principal_signs"), people["principal"].signer(), timestamper=authority)
    book = sign(book, SignRequest(field="clerk_seals", kind="seal"), people["seal"].signer(), timestamper=authority)
    archived = extend(extend(book, Level.B_LT, **proofs), Level.B_LTA, **proofs)  # type: ignore[arg-type]
    renewed = extend(archived, Level.B_LTA, **{**proofs, "field": "second_timestamp"})  # type: ignore[arg-type]
    raw = put_signature(book_pdf, "principal_signs", identity(people["principal"]), Style(timestamp=authority.timestamp))
    raw = put_timestamp(raw, "archive_timestamp", authority.timestamp)
    packed = make_pdf({"one": (0, 0, 0, 0), "two": (60, 120, 220, 180)}, object_streams=True, pages=3)
    for field in ("one", "two"):
        packed = sign(packed, SignRequest(field=field), people["curve"].signer(), timestamper=authority)
    return {"book": book, "archived": archived, "renewed": renewed, "by hand": raw, "packed": packed}


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


def answers(content: bytes, *, quick: bool) -> tuple[dict[str, object], int]:
    """What each signature says about later changes, and how many revisions were compared thoroughly."""
    pdf = Pdf(content)
    document = read_document(pdf, len(content))
    usable = [found for found in document.signatures if found.fault is None]
    genuine = frozenset(found.field for found in usable)
    plain = None
    if quick and usable:
        try:
            plain = PlainHistory(pdf, min(found.revision for found in usable), genuine)
        except (NotPlain, Fault):
            plain = None
    history = History(pdf, genuine, lambda: plain)
    told: dict[str, object] = {}
    for found in usable:
        try:
            later = history.after(found.revision, Permission(certifies=found.certifies))
        except Fault:  # what cannot be read is not understood, as `verify` has it
            told[found.field] = (Changes.NOT_UNDERSTOOD, ())
            continue
        told[found.field] = (later.changes, later.changed_fields)
    return told, history.thorough


def test_the_quick_way_is_taken_for_what_an_office_does(lifetimes: dict[str, bytes]) -> None:
    """Signing, sealing, extending, archiving and renewing never need the thorough comparison."""
    for name, content in lifetimes.items():
        told, thorough = answers(content, quick=True)

        assert {answer[0] for answer in told.values()} <= PERMITTED, name  # type: ignore[index]
        assert thorough == 0, name


def test_both_ways_agree_on_sound_files(lifetimes: dict[str, bytes]) -> None:
    """What the quick comparison says of a lifetime is what the thorough one says."""
    for content in lifetimes.values():
        assert answers(content, quick=True)[0] == answers(content, quick=False)[0]


@pytest.mark.parametrize("name", STRUCTURAL)
def test_both_ways_agree_on_attacks(name: str, scene: Scene) -> None:
    """No attack gets a better answer from the quick comparison."""
    content = STRUCTURAL[name].make(scene)
    try:
        Pdf(content)
    except Fault:
        return
    assert answers(content, quick=True)[0] == answers(content, quick=False)[0]


def pyhanko_permits(content: bytes, field: str) -> bool | None:
    """PyHanko's own answer, strict; None where it cannot say."""
    logging.disable(logging.CRITICAL)
    try:
        reader = PdfFileReader(io.BytesIO(content))
        for name, _, reference in enumerate_sig_fields(reader, filled_status=True):
            if name == field:
                embedded = EmbeddedPdfSignature(reader, reference.get_object(), name)
                embedded.compute_integrity_info(DEFAULT_DIFF_POLICY)  # type: ignore[no-untyped-call]
                summary = embedded.summarise_integrity_info()
                return isinstance(summary["diff_result"], DiffResult) and bool(summary["docmdp_ok"])
    except Exception:  # noqa: BLE001 -- pyHanko raises many kinds on broken files
        return None
    finally:
        logging.disable(logging.NOTSET)
    return None


def test_pyhanko_permits_what_the_quick_way_permits(lifetimes: dict[str, bytes]) -> None:
    """On sound files pyHanko's default policy agrees with every yes."""
    for name, content in lifetimes.items():
        for field, answer in answers(content, quick=True)[0].items():
            assert answer[0] in PERMITTED  # type: ignore[index]
            assert pyhanko_permits(content, field), (name, field)


def _variants(lifetimes: dict[str, bytes], count: int) -> list[bytes]:
    chance = random.Random(20261122)  # noqa: S311 -- the same files each time
    bases = [lifetimes[name] for name in ("book", "archived", "by hand")]
    return [broken_update(chance.choice(bases), chance) for _ in range(count)]


def test_mutated_updates_are_never_passed_more_easily(lifetimes: dict[str, bytes]) -> None:
    """Hundreds of random later revisions: where the quick way says yes, the thorough way and pyHanko say yes."""
    quickly_permitted = 0
    for content in _variants(lifetimes, 150):
        try:
            quick, thorough_count = answers(content, quick=True)
            thorough, _ = answers(content, quick=False)
        except Fault:
            continue
        for field, answer in quick.items():
            assert answer == thorough[field]
            if answer[0] is Changes.PERMITTED and not thorough_count:  # type: ignore[index]
                quickly_permitted += 1
                assert pyhanko_permits(content, field) is not False, field

    assert quickly_permitted > 0, "the test must meet files that the quick way passes"


def test_altered_objects_are_never_passed_more_easily(lifetimes: dict[str, bytes], scene: Scene) -> None:
    """Two hundred later revisions that differ in one part: the quick way says what the thorough one says, or nothing."""
    chance = random.Random(20261123)  # noqa: S311 -- the same files each time
    papers = ("proof after P=1, renewed", "tagged signature", "full compression, proof after P=1")
    bases = [*lifetimes.values(), *(CASES[name].make(scene).content for name in papers)]
    asked = judged = 0
    for _ in range(200):
        content = mutant(chance.choice(bases), chance)
        try:
            quick, thorough_count = answers(content, quick=True)
            thorough, _ = answers(content, quick=False)
        except Fault:
            continue
        judged += 1
        assert quick == thorough
        for field in [name for name, answer in quick.items() if answer[0] is Changes.PERMITTED] if not thorough_count else ():  # type: ignore[index]
            asked += 1
            assert pyhanko_permits(content, field) is not False, field

    assert judged > 150, "the mutants must be readable"
    assert asked > 10, "some must be passed by the quick way"


def test_an_object_that_is_used_twice_is_not_plain(scene: Scene) -> None:
    """A metadata stream that is also the page's content: whoever renews the metadata changes the page."""
    before = Update(scene.empty)
    double = before.stream(b"BT (1) Tj ET", Type="/Metadata")
    from signing.verification.syntax import Ref

    before.change(before.catalog, Metadata=Ref(double, 0))
    before.change(before.page(), Contents=Ref(double, 0))
    signed = scene.sign(before.bytes())
    after = Update(signed)
    from tests.signing.updates import stream

    after.put(double, stream(b"BT (10) Tj ET"))
    told, thorough = answers(after.bytes(), quick=True)

    assert thorough == 1
    assert told["principal_signs"][0] is Changes.FORBIDDEN  # type: ignore[index]


def test_what_was_read_before_changes_no_answer(scene: Scene) -> None:
    """A later table that leads a number to another object is refused, even if that object was read already."""
    content = scene.approved
    update = Update(content)
    first, second = update.page(), update.catalog
    place = update.pdf.entry(second, update.pdf.last)
    assert place is not None
    trailer = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\n" % (update.size, second, update.pdf.sections[-1].start)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (first, place[1]) + trailer + b"startxref\n%d\n%%%%EOF\n" % len(content)
    pdf = Pdf(content + table)
    assert pdf.load(second, pdf.last)["/Type"] == "/Catalog"

    with pytest.raises(Fault, match="where the table points"):
        pdf.load(first, pdf.last)


@pytest.mark.parametrize("written", [b"%d 0 R", b"%d\n0 R", b"%d  0 R", b"00%d 0 R"])
def test_an_early_reference_is_found_however_it_is_written(written: bytes, scene: Scene) -> None:
    """White space and comments do not hide a reference to an object that does not exist yet."""
    before = Update(scene.empty)
    number = before.page()
    body = before.pdf.content
    entry = before.pdf.entry(number, before.pdf.last)
    assert entry is not None
    page = body[entry[1] : body.index(b"endobj", entry[1])].partition(b"obj")[2]
    hidden = page.rstrip().removesuffix(b">>") + b" /Thumb " + written % 9000 + b" >>"
    before.put(number, hidden)
    after = Update(scene.sign(before.bytes()))
    after.put(9000, b"<< /A 1 >>")
    told, thorough = answers(after.bytes(), quick=True)

    assert thorough == 1
    assert told["principal_signs"][0] is Changes.FORBIDDEN  # type: ignore[index]
