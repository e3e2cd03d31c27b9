"""`soky sign` and `soky verify` as a script calls them."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from PIL import Image as Picture

import signing

PIN = "135790"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a test authority, one person's key, and a blank page."""
    folder = tmp_path_factory.mktemp("desk")
    signing.DemoAuthority(folder).issue("Trần Thị Lan", "DEMO:lan", unit="Trường THCS Nguyễn Du", pin=PIN, file="lan")
    blank = pikepdf.new()
    blank.add_blank_page(page_size=(595, 842))
    blank.save(folder / "blank.pdf")
    return folder


def soky(desk: Path, *arguments: str, pin: str = PIN) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("soky")
    return subprocess.run(
        [str(program), *arguments], input=f"{pin}\n", capture_output=True, text=True, cwd=desk, timeout=120, check=False
    )


def test_a_signed_file_verifies_and_continues_the_old_one(desk: Path) -> None:
    """Sign, sign again under another name, verify: two signatures pass, and the first file begins the second."""
    first = soky(desk, "sign", "blank.pdf", "one.pdf", "--key", "file:keys/lan.p12", "--field", "Sig1", "--level", "B-B")
    second = soky(desk, "sign", "one.pdf", "two.pdf", "--key", "file:keys/lan.p12", "--field", "Sig2", "--reason", "Đã đọc")
    checked = soky(desk, "verify", "two.pdf", "--trust", "trust", "--json")

    assert (first.returncode, second.returncode, checked.returncode) == (0, 0, 0), first.stderr + second.stderr
    report = json.loads(checked.stdout)
    assert [(s["field"], s["verdict"], s["level"]) for s in report["signatures"]] == [
        ("Sig1", "TOTAL_PASSED", "B-B"),
        ("Sig2", "TOTAL_PASSED", "B-B"),
    ]
    assert (desk / "two.pdf").read_bytes().startswith((desk / "one.pdf").read_bytes())


@pytest.mark.parametrize(
    ("arguments", "pin", "code"),
    [
        (("blank.pdf", "out.pdf", "--key", "file:keys/lan.p12", "--field", "S"), "000000", "WRONG_SECRET"),
        (("blank.pdf", "out.pdf", "--key", "file:keys/ghost.p12", "--field", "S"), PIN, "NO_SUCH_KEY"),
        (("keys/lan.p12", "out.pdf", "--key", "file:keys/lan.p12", "--field", "S"), PIN, "NOT_A_PDF"),
        (("blank.pdf", "out.pdf", "--key", "file:keys/lan.p12", "--field", "S", "--level", "B-T"), PIN, "--tsa"),
        (("blank.pdf", "out.pdf", "--key", "file:keys/lan.p12", "--field", "S", "--level", "B-X"), PIN, "B-X"),
        (("ghost.pdf", "out.pdf", "--key", "file:keys/lan.p12", "--field", "S"), PIN, "ghost.pdf"),
        (
            ("blank.pdf", "out.pdf", "--key", "file:keys/lan.p12", "--field", "S", "--image", "blank.pdf"),
            PIN,
            "BAD_APPEARANCE",
        ),
    ],
)
def test_a_refusal_names_what_is_wrong_and_writes_nothing(desk: Path, arguments: tuple[str, ...], pin: str, code: str) -> None:
    """One sentence on stderr, exit code 2, no traceback, no PIN, no file."""
    done = soky(desk, "sign", *arguments, pin=pin)

    assert done.returncode == 2
    assert code in done.stderr
    assert "Traceback" not in done.stderr
    assert pin not in done.stderr
    assert not (desk / "out.pdf").exists()


def test_success_says_who_signed_what_and_where(desk: Path) -> None:
    """One line: name, field, level, place; nothing on the stream for problems."""
    done = soky(desk, "sign", "blank.pdf", "told.pdf", "--key", "file:keys/lan.p12", "--field", "Sig1", "--level", "B-B")

    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    for word in ("Trần Thị Lan", "Sig1", "B-B", "told.pdf", str((desk / "told.pdf").stat().st_size)):
        assert word in done.stdout


def test_an_empty_file_is_room_for_the_result(desk: Path) -> None:
    """A script that had a name made for the result (`mktemp`) loses nothing."""
    (desk / "made.pdf").touch()

    done = soky(desk, "sign", "blank.pdf", "made.pdf", "--key", "file:keys/lan.p12", "--field", "Sig1", "--level", "B-B")

    assert done.returncode == 0
    assert (desk / "made.pdf").stat().st_size > (desk / "blank.pdf").stat().st_size


@pytest.mark.parametrize(
    ("out", "code"),
    [("there.pdf", "OUT_EXISTS"), ("blank.pdf", "OUT_IS_IN"), ("folder", "OUT_IS_FOLDER"), ("link", "OUT_EXISTS")],
)
def test_what_is_there_is_not_overwritten(out: str, code: str, desk: Path) -> None:
    """Refused before the PIN is asked for, also for a link that leads nowhere; the file stays as it was."""
    (desk / "there.pdf").write_bytes(b"somebody's only copy")
    (desk / "folder").mkdir(exist_ok=True)
    (desk / "link").unlink(missing_ok=True)
    (desk / "link").symlink_to("nowhere")
    before = (desk / "blank.pdf").read_bytes()
    done = soky(desk, "sign", "blank.pdf", out, "--key", "file:keys/lan.p12", "--field", "S", "--level", "B-B", pin="000000")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{code}: ")
    assert (desk / "there.pdf").read_bytes() == b"somebody's only copy"
    assert (desk / "blank.pdf").read_bytes() == before


def test_force_overwrites(desk: Path) -> None:
    """Also the file itself; and leaves nothing beside it."""
    (desk / "again.pdf").write_bytes((desk / "blank.pdf").read_bytes())
    order = ("--key", "file:keys/lan.p12", "--field", "S", "--level", "B-B")
    done = soky(desk, "sign", "again.pdf", "again.pdf", *order, "--force")

    assert done.returncode == 0, done.stderr
    assert len((desk / "again.pdf").read_bytes()) > len((desk / "blank.pdf").read_bytes())
    assert not [each for each in desk.iterdir() if each.name.startswith(".")]


def test_an_input_that_ends_is_no_empty_pin(desk: Path) -> None:
    """A token counts every PIN that is tried: where nobody gave one, none is tried."""
    program = Path(sys.executable).with_name("soky")
    order = [str(program), "sign", "blank.pdf", "none.pdf", "--key", "file:keys/lan.p12", "--field", "Sig1", "--level", "B-B"]
    done = subprocess.run(order, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=desk, timeout=120, check=False)

    assert (done.returncode, (desk / "none.pdf").exists()) == (2, False)
    assert done.stderr.startswith("NO_SECRET_GIVEN: ")


def test_what_the_system_refuses_is_told_with_the_file_and_what_to_look_at(desk: Path) -> None:
    """A folder that is not there, for the document, for the result and for the secret: a sentence, and exit code 2."""
    key = ("--key", "file:keys/lan.p12", "--field", "Sig1", "--level", "B-B")
    runs = [
        soky(desk, "sign", "nowhere.pdf", "out.pdf", *key),
        soky(desk, "sign", "blank.pdf", "no-folder/out.pdf", *key),
        soky(desk, "verify", "blank.pdf", "--trust", "trust", "--sample", "0", "--password-file", "no-folder/secret"),
    ]

    for run, name in zip(runs, ("nowhere.pdf", "no-folder", "no-folder/secret"), strict=True):
        assert run.returncode == 2, run.stdout
        assert "kiểm tra đường dẫn và quyền truy cập" in run.stderr
        assert name in run.stderr


def test_a_picture_that_is_none_is_told_without_an_address_in_memory(desk: Path) -> None:
    """What is expected is said; the names of a program's insides help nobody."""
    (desk / "words.png").write_text("no picture")
    run = soky(
        desk,
        "sign",
        "blank.pdf",
        "out.pdf",
        "--key",
        "file:keys/lan.p12",
        "--field",
        "S",
        "--level",
        "B-B",
        "--image",
        "words.png",
    )

    assert run.returncode == 2
    assert "BytesIO" not in run.stderr


def test_a_slip_in_a_laid_fields_name_is_refused(desk: Path) -> None:
    """Where empty fields wait, another name is not silently made a new field."""
    book = pikepdf.open(desk / "blank.pdf")
    field = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="principal_signs", Type=pikepdf.Name.Annot, Rect=[0, 0, 0, 0], F=132)
    field.Subtype = pikepdf.Name.Widget
    laid = book.make_indirect(field)
    book.pages[0].Annots = pikepdf.Array([laid])
    book.Root.AcroForm = pikepdf.Dictionary(Fields=[laid], SigFlags=3)
    target = io.BytesIO()
    book.save(target)
    (desk / "laid.pdf").write_bytes(target.getvalue())

    slip = soky(desk, "sign", "laid.pdf", "slip.pdf", "--key", "file:keys/lan.p12", "--field", "pricipal_signs")
    right = soky(desk, "sign", "laid.pdf", "right.pdf", "--key", "file:keys/lan.p12", "--field", "principal_signs")

    assert slip.returncode == 2
    assert "principal_signs" in slip.stderr
    assert right.returncode == 0, right.stderr


def test_one_json_object_a_line(desk: Path) -> None:
    """Several files, one of them missing: a line each, in order, and the worst exit code."""
    done = soky(desk, "verify", "blank.pdf", "ghost.pdf", "keys/lan.p12", "--trust", "trust", "--json")
    lines = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 2
    assert [line["verdict"] for line in lines] == ["NO_SIGNATURE", "UNREADABLE", "UNREADABLE"]
    assert [Path(line["file"]).name for line in lines] == ["blank.pdf", "ghost.pdf", "lan.p12"]


@pytest.mark.parametrize("moment", ["yesterday", "2031-05-31T16:05:09"])
def test_a_time_without_a_zone_is_refused(desk: Path, moment: str) -> None:
    """A moment to judge at must say its time zone."""
    done = soky(desk, "verify", "blank.pdf", "--at", moment)

    assert done.returncode == 2
    assert "+07:00" in done.stderr


def test_a_second_opinion_is_shown_beside_ours(desk: Path) -> None:
    """Openssl judges the same bytes and agrees; the report says who was asked."""
    soky(desk, "sign", "blank.pdf", "seen.pdf", "--key", "file:keys/lan.p12", "--field", "Sig1", "--level", "B-B")
    done = soky(desk, "verify", "seen.pdf", "--trust", "trust", "--json", "--second-opinion")
    (signature,) = json.loads(done.stdout)["signatures"]

    assert done.returncode == 0
    assert "SECOND_OPINION_AGREES" in {finding["code"] for finding in signature["findings"]}


def test_a_seal_says_that_it_is_one(desk: Path) -> None:
    """The school's certificate signs with --seal and not without; a person's not with it."""
    signing.DemoAuthority(desk).issue("Trường THCS Nguyễn Du", "MST:0200000001", kind="seal", pin=PIN, file="truong")
    words = ("sign", "blank.pdf", "sealed.pdf", "--field", "Seal1", "--key")
    with_seal = soky(desk, *words, "file:keys/truong.p12", "--seal")
    words = ("sign", "blank.pdf", "refused.pdf", "--field", "Seal1", "--key")
    without = soky(desk, *words, "file:keys/truong.p12")
    person = soky(desk, *words, "file:keys/lan.p12", "--seal")
    (told,) = json.loads(soky(desk, "verify", "sealed.pdf", "--trust", "trust", "--json").stdout)["signatures"]

    assert (with_seal.returncode, without.returncode, person.returncode) == (0, 2, 2), with_seal.stderr
    assert "WRONG_KIND" in without.stderr
    assert "WRONG_KIND" in person.stderr
    assert (told["kind"], told["verdict"]) == ("seal", "TOTAL_PASSED")


@pytest.mark.parametrize(
    ("out", "code"),
    [
        ("kept.xml", "OUT_EXISTS"),
        ("in.pdf", "OUT_IS_IN"),
        ("alias", "OUT_IS_IN"),
        ("hard.pdf", "OUT_IS_IN"),
        ("in.p7s", "OUT_IS_IN"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_report_replaces_nothing_unasked_and_never_what_is_checked(out: str, code: str, force: bool, desk: Path) -> None:
    """Refused before anything is checked: another file gives way to --force, the checked file and its signature never."""
    for name in ("in.pdf", "in.p7s", "kept.xml", "alias", "hard.pdf"):
        (desk / name).unlink(missing_ok=True)
    (desk / "in.pdf").write_bytes((desk / "blank.pdf").read_bytes())
    (desk / "in.p7s").write_bytes(b"a signature")
    (desk / "kept.xml").write_bytes(b"somebody's only copy")
    (desk / "alias").symlink_to("in.pdf")
    (desk / "hard.pdf").hardlink_to(desk / "in.pdf")
    kept = {each: (desk / each).read_bytes() for each in ("in.pdf", "in.p7s", "kept.xml")}
    words = ("verify", "in.pdf", "--detached", "in.p7s", "--report-xml", out, "--sample", "0", *(["--force"] * force))
    done = soky(desk, *words)

    if force and code == "OUT_EXISTS":
        assert (desk / out).read_bytes().startswith(b"<?xml")
        assert "written to “kept.xml”" in done.stderr
        del kept["kept.xml"]
    else:
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"{code}: ")
    assert {each: (desk / each).read_bytes() for each in kept} == kept


def test_a_report_says_where_it_went_and_json_stays_json(desk: Path) -> None:
    """The place on the other stream; an empty file is room."""
    (desk / "room.xml").write_bytes(b"")
    done = soky(desk, "verify", "blank.pdf", "--report-xml", "room.xml", "--json", "--sample", "0")

    assert [json.loads(line)["verdict"] for line in done.stdout.splitlines()] == ["NO_SIGNATURE"]
    assert "written to “room.xml”" in done.stderr
    assert (desk / "room.xml").read_bytes().startswith(b"<?xml")
    same = soky(desk, "verify", "blank.pdf", "--report-xml", "x.out", "--slip", "x.out", "--sample", "0")
    assert (same.returncode, (desk / "x.out").exists()) == (2, False)


def with_field(desk: Path, name: str, corners: list[int]) -> None:
    """The blank page with one empty signature field."""
    with pikepdf.open(desk / "blank.pdf") as book:
        words = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="head", Type=pikepdf.Name.Annot, Rect=corners, F=132)
        words.Subtype = pikepdf.Name.Widget
        laid = book.make_indirect(words)
        book.pages[0].Annots = pikepdf.Array([laid])
        book.Root.AcroForm = pikepdf.Dictionary(Fields=[laid], SigFlags=3)
        book.save(desk / name)


def test_a_picture_that_nobody_would_see_is_refused_before_the_key_is_asked(desk: Path) -> None:
    """A field without room on a page: a signature without its picture is not what was asked for."""
    with_field(desk, "unseen.pdf", [0, 0, 0, 0])
    Picture.new("RGB", (40, 20), "navy").save(desk / "hand.png")
    words = ("--key", "file:keys/lan.p12", "--field", "head", "--image", "hand.png")
    done = soky(desk, "sign", "unseen.pdf", "pictured.pdf", *words, pin="000000")

    assert (done.returncode, (desk / "pictured.pdf").exists()) == (2, False)
    assert done.stderr.startswith("IMAGE_NEEDS_FIELD: ")


@pytest.mark.parametrize("turned", [0, 90, 180, 270])
def test_a_picture_without_a_field_stands_at_the_lower_right_of_the_last_page(turned: int, desk: Path) -> None:
    """As the page is seen, however it is turned; without a picture a new field stays invisible."""
    with pikepdf.open(desk / "blank.pdf") as book:
        book.pages.append(book.pages[0])
        book.pages[1].Rotate = turned
        book.save(desk / "two.pdf")
    Picture.new("RGB", (40, 20), "navy").save(desk / "hand.png")
    words = ("--key", "file:keys/lan.p12", "--field", "head", "--force")
    done = soky(desk, "sign", "two.pdf", "placed.pdf", *words, "--image", "hand.png")
    plain = soky(desk, "sign", "two.pdf", "plain.pdf", *words)

    assert (done.returncode, plain.returncode) == (0, 0), done.stderr
    with pikepdf.open(desk / "placed.pdf") as book:
        left, bottom, right, top = (float(each) for each in book.pages[1].Annots[0].Rect)
        _, _, wide, high = (float(each) for each in book.pages[1].MediaBox)
    seen = {0: (right, bottom), 90: (top, wide - right), 180: (wide - left, high - top), 270: (high - bottom, left)}[turned]
    across = high if turned in {90, 270} else wide
    assert abs(seen[0] - (across - 36)) < 1
    assert abs(seen[1] - 35) < 2
    with pikepdf.open(desk / "plain.pdf") as book:
        assert not any(float(each) for page in book.pages for laid in page.get("/Annots", ()) for each in laid.Rect)


def test_a_picture_goes_into_a_field_with_room(desk: Path) -> None:
    """And what is no picture is refused as such there."""
    with_field(desk, "seen-field.pdf", [100, 100, 250, 160])
    Picture.new("RGB", (40, 20), "navy").save(desk / "hand.png")
    words = ("--key", "file:keys/lan.p12", "--field", "head", "--image")
    done = soky(desk, "sign", "seen-field.pdf", "with-hand.pdf", *words, "hand.png")
    wrong = soky(desk, "sign", "seen-field.pdf", "wrong.pdf", *words, "blank.pdf")

    assert done.returncode == 0, done.stderr
    with pikepdf.open(desk / "with-hand.pdf") as book:
        assert "/Im" in book.pages[0].Annots[0].AP.N.Resources.XObject
    assert (wrong.returncode, "BAD_APPEARANCE" in wrong.stderr) == (2, True)
