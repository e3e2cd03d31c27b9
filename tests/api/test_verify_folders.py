"""`soky verify` over folders, and what it says when something else than the files is wrong. As typed, in a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import signing
from signing.cades import sign_cades
from signing.demo import DemoAuthority
from signing.xml import sign_xml
from tests.signing.conftest import build_pdf

SOKY = str(Path(sys.executable).with_name("soky"))
Ran = subprocess.CompletedProcess[str]
Soky = Callable[..., Ran]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """The anchors, and a signed file of each kind."""
    authority = DemoAuthority(tmp_path_factory.mktemp("authority"))
    signer = authority.issue("Nguyễn Văn An", "CCCD:1", unit="THCS").signer()
    pdf = build_pdf({"principal_signs": (60, 120, 220, 180)})
    marks = "Toán;8,5\n".encode()
    return authority.trust_pem()[0], {
        "a.pdf": signing.sign(pdf, signing.SignRequest(field="principal_signs", level=signing.Level.B_B), signer),
        "2026/b.xml": sign_xml(b'<r><DATA Id="d">1</DATA><place/></r>', reference_id="d", place="place", signer=signer),
        "2026/diem.csv": marks,
        "2026/diem.csv.p7s": sign_cades(marks, signer),
    }


@pytest.fixture
def shelf(made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> Path:
    folder = tmp_path / "Sổ"
    for name, content in made[1].items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "note.txt").write_text("no signature is looked for in here")
    return folder


@pytest.fixture
def soky(made: tuple[Path, dict[str, bytes]], tmp_path: Path) -> Soky:
    def run(*words: object, before: Sequence[str] = (), **more: object) -> Ran:
        line = [*before, SOKY, "verify", "--sample", "0", "--trust", str(made[0]), *map(os.fspath, map(str, words))]
        environment = {**os.environ, "SOKY_OFFICE": "/no/office"}
        options = {"capture_output": True, "text": True, "cwd": tmp_path, "timeout": 120, "env": environment} | more
        return subprocess.run(line, check=False, **options)  # type: ignore[call-overload, no-any-return]

    return run


def test_a_folder_is_checked_to_the_bottom_in_order(soky: Soky, shelf: Path) -> None:
    """Each file that may be signed once, a detached signature with its file; a count; progress on the other stream."""
    ran = soky(shelf)
    files = [line.split(":")[0] for line in ran.stdout.splitlines() if line.startswith(str(shelf))]

    assert files == [str(shelf / name) for name in ("2026/b.xml", "2026/diem.csv", "a.pdf")]
    assert "3 tệp đã kiểm tra / files checked" in ran.stdout
    assert "1  tệp loại khác" in ran.stdout
    assert "[3/3] a.pdf" in ran.stderr


def test_the_worst_file_decides_the_exit_code(soky: Soky, shelf: Path) -> None:
    """All passed: 0; one changed: 1; one unreadable: 2. The others keep their answers."""
    (shelf / "2026" / "b.xml").unlink()  # a transcript's shape is not asked here
    codes = [soky(shelf).returncode]
    (shelf / "b.pdf").write_bytes((shelf / "a.pdf").read_bytes().replace(b"So diem", b"Xo diem"))
    codes.append(soky(shelf).returncode)
    (shelf / "c.pdf").write_bytes(b"")
    last = soky(shelf, shelf / "a.pdf")

    assert [*codes, last.returncode] == [0, 1, 2]
    assert last.stdout.count("HỢP LỆ / VALID") >= 2


def test_json_lines_stay_json_lines(soky: Soky, shelf: Path) -> None:
    """The count goes to the other stream."""
    ran = soky(shelf, "--json")

    assert [Path(json.loads(line)["file"]).name for line in ran.stdout.splitlines()] == ["b.xml", "diem.csv", "a.pdf"]
    assert "files checked" in ran.stderr


def test_an_empty_folder_is_no_success(soky: Soky, tmp_path: Path) -> None:
    """Nothing was checked, so nothing passed."""
    (tmp_path / "empty").mkdir()
    ran = soky(tmp_path / "empty")

    assert (ran.returncode, "NOTHING_TO_CHECK" in ran.stderr) == (2, True)


@pytest.mark.parametrize("option", ["--report-xml", "--slip"])
def test_the_answer_is_printed_before_what_cannot_be_written(option: str, soky: Soky, shelf: Path, tmp_path: Path) -> None:
    """A folder that is not there keeps the report from being written, not the answer from being read."""
    office = tmp_path / "office"
    office.mkdir()
    (office / "soky.toml").write_text("demo = false\n")
    ran = soky(shelf / "a.pdf", option, "no/folder/out", "--office", office)

    assert "HỢP LỆ / VALID" in ran.stdout
    assert (ran.returncode, "no/folder/out" in ran.stderr) == (2, True), ran.stderr


def test_a_full_disk_and_a_reader_that_has_gone_are_told(soky: Soky, shelf: Path) -> None:
    """Exit code 2 and a sentence: whoever asked must not think that all passed, or that something failed."""
    with Path("/dev/full").open("w") as full:
        disk = soky(shelf, stdout=full, stderr=subprocess.PIPE, capture_output=False)
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        pipe = soky(shelf, stdout=closed, stderr=subprocess.PIPE, capture_output=False)

    assert (disk.returncode, pipe.returncode) == (2, 2)
    assert "hết chỗ trên đĩa / It cannot be read or written: the disk is full" in disk.stderr
    assert "OUTPUT_CLOSED" in pipe.stderr
    assert "Exception" not in disk.stderr + pipe.stderr


def test_names_of_any_kind(soky: Soky, shelf: Path) -> None:
    """No text at all, Vietnamese in either form, a line break: answered on one line, in a terminal that knows ASCII alone."""
    (shelf / "2026" / "b.xml").unlink()
    names = ["b\udcff.pdf", "Sổ điểm.pdf", "So\u0302\u0309.pdf", "a\nb.pdf"]
    for name in names:
        (shelf / name).write_bytes((shelf / "a.pdf").read_bytes())
    ascii_only = {**os.environ, "PYTHONIOENCODING": "ascii", "SOKY_OFFICE": "/no/office"}
    plain = soky(*(shelf / name for name in names), env=ascii_only)
    ran = soky(shelf)

    assert (plain.returncode, ran.returncode) == (0, 0), plain.stderr + ran.stderr
    files = [line for line in plain.stdout.splitlines() if not line.startswith("  ")]
    assert len(files) == len(names)
    assert all(line.startswith(str(shelf)) for line in files)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--at", "yesterday", "a.pdf"], "không phải ISO 8601"),
        (["--samples", "1", "a.pdf"], "không có tùy chọn --samples"),
        (["--sample", "many", "a.pdf"], "giá trị của --sample không đúng"),
        (["--sample"], "cần một giá trị"),
        ([], "thiếu PATH..."),
        (["--office", "no/office", "a.pdf"], "không phải thư mục văn phòng"),
        (["--password-file", "none", "a.pdf"], "không có tệp hoặc thư mục này"),
        (["--offline", "--fetch", "a.pdf"], "chỉ một trong hai"),
    ],
)
def test_a_wrong_command_line_is_told_in_vietnamese_first(words: list[str], said: str, soky: Soky) -> None:
    """One sentence, then its English; exit code 2; nothing on the other stream."""
    ran = soky(*words)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert said in ran.stderr.split(" / ")[0], ran.stderr
    assert "Traceback" not in ran.stderr


def test_settings_that_cannot_be_read_are_not_passed_over(soky: Soky, shelf: Path, tmp_path: Path) -> None:
    """The office's anchors would be missing without a word."""
    office = tmp_path / "office"
    office.mkdir()
    (office / "soky.toml").write_bytes(b"demo = \xff")
    ran = soky(shelf / "a.pdf", env={**os.environ, "SOKY_OFFICE": str(office)})

    assert (ran.returncode, "BAD_SETTINGS" in ran.stderr) == (2, True)


def test_a_file_that_may_not_be_read_is_one_result_of_many(soky: Soky, shelf: Path) -> None:
    """Without the rights of an administrator: the closed file and folder are told, the others are answered; exit code 2."""
    (shelf / "closed.pdf").write_bytes(b"%PDF-1.7")
    (shelf / "closed.pdf").chmod(0)
    (shelf / "no-entry").mkdir(mode=0)
    without_rights = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    ran = soky(shelf / "closed.pdf", shelf, before=without_rights)
    (shelf / "no-entry").chmod(0o700)

    assert ran.returncode == 2
    assert ran.stdout.count("không có quyền / ") == 3
    assert str(shelf / "a.pdf") + ": HỢP LỆ" in ran.stdout
