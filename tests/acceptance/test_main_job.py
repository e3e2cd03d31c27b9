"""The main job as a new user runs it: one command, then every result is checked by somebody who is not us."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.strangers import openssl_accepts, parts_of, pdfsig_says, pdfsigner_says, qpdf_is_content

ROOT = Path(__file__).resolve().parent.parent.parent
SUBJECTS = 13


def soky(*arguments: object, timeout: int = 240) -> subprocess.CompletedProcess[str]:
    """The command as it is installed, in a process of its own."""
    program = Path(sys.executable).with_name("soky")
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, "SOKY_OFFICE": "/nonexistent"},
    )


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `soky demo --out DIR` leaves."""
    out = tmp_path_factory.mktemp("demo") / "out"
    done = soky("demo", "--out", out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="session")
def roots(results: Path) -> Path:
    """The anchors as one PEM file, as openssl wants them."""
    bundle = results.parent / "roots.pem"
    bundle.write_bytes(b"".join(path.read_bytes() for path in sorted((results / "trust").glob("*.pem"))))
    return bundle


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_results_are_all_there(results: Path) -> None:
    """The files that others script against."""
    expected = {"class-book-9A.pdf", "sheets", "trail.json", "report.json", "checkpoint.txt", "trust", "diagram.svg"}

    assert expected <= {path.name for path in results.iterdir()}
    assert len(list((results / "sheets").glob("*.pdf"))) == SUBJECTS
    assert not [path for path in results.iterdir() if path.name.startswith(".office")], "no key stays in the results"


def test_our_own_verification_passes_everything(results: Path) -> None:
    """The volume, its three signatures, the archive timestamp and the thirteen attached sheets."""
    done = soky("verify", results / "class-book-9A.pdf", "--trust", results / "trust", "--json", "--offline")
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stdout
    assert report["verdict"] == "TOTAL_PASSED"
    kinds = [(s["field"], s["kind"], s["verdict"]) for s in report["signatures"]]
    assert kinds == [
        ("homeroom_teacher_signs", "signature", "TOTAL_PASSED"),
        ("principal_signs", "signature", "TOTAL_PASSED"),
        ("clerk_seals", "seal", "TOTAL_PASSED"),
        ("archive_timestamp", "doc_timestamp", "TOTAL_PASSED"),
    ]
    assert {s["level"] for s in report["signatures"][:3]} == {"B-LTA"}
    sheets = [a for a in report["attachments"] if a["name"].endswith(".pdf")]
    assert len(sheets) == SUBJECTS
    assert all(a["report"]["verdict"] == "TOTAL_PASSED" for a in sheets)
    assert all(s["level"] == "B-LT" for a in sheets for s in a["report"]["signatures"])


def test_years_later_the_volume_and_its_sheets_still_pass(results: Path) -> None:
    """In 2031 every signer's certificate has expired: the archive timestamp proves all that was there, the sheets included."""
    done = soky(
        "verify", results / "class-book-9A.pdf", "--trust", results / "trust", "--json", "--at", "2031-06-01T00:00:00+07:00"
    )
    report = json.loads(done.stdout)

    assert done.returncode == 0, done.stdout
    assert {s["level"] for s in report["signatures"][:3]} == {"B-LTA"}
    sheets = [a["report"] for a in report["attachments"] if "report" in a]
    assert {sheet["verdict"] for sheet in sheets} == {"TOTAL_PASSED"}
    alone = soky(
        "verify", results / "sheets" / "02-toan.pdf", "--trust", results / "trust", "--json", "--at", "2031-06-01T00:00:00Z"
    )
    assert json.loads(alone.stdout)["verdict"] == "TOTAL_PASSED", "its own timestamp still proves that it is older"


def test_proof_that_nobody_renewed_ends_with_its_authority(results: Path) -> None:
    """In 2037 the timestamp authority's certificate is over: nothing passes any more, and the report had said when to renew."""
    book = results / "class-book-9A.pdf"
    done = soky("verify", book, "--trust", results / "trust", "--json", "--at", "2037-06-01T00:00:00+07:00")
    renewal = json.loads(soky("verify", book, "--trust", results / "trust", "--json").stdout)["signatures"][0]["renewal_date"]

    assert done.returncode == 1
    assert json.loads(done.stdout)["verdict"] == "INDETERMINATE"
    assert "2031" < renewal[:4] < "2037", renewal


def test_the_volume_proves_what_it_shows(results: Path) -> None:
    """Rendering the attached data again gives the first revision; the listed digests are those of the attached sheets."""
    report = load(results / "report.json")

    assert report["volume"]["render"]["answer"] == "proved"
    assert report["volume"]["sheets"] == {"listed": SUBJECTS, "attached": SUBJECTS, "matching": SUBJECTS}
    for attachment in report["attachments"]:
        path = results / "sheets" / attachment["name"]
        if path.exists():
            assert hashlib.sha256(path.read_bytes()).hexdigest() == attachment["sha256"]


def test_openssl_accepts_every_signature_of_the_volume(results: Path, roots: Path, tmp_path: Path) -> None:
    """Three CAdES signatures and one RFC 3161 timestamp, cut out by their bytes."""
    parts = parts_of((results / "class-book-9A.pdf").read_bytes())

    assert [part.timestamp for part in parts] == [False, False, False, True]
    for part in parts:
        words = openssl_accepts(part, roots, tmp_path)
        assert "Verification: OK" in words or "CAdES Verification successful" in words


def test_openssl_accepts_every_sheet(results: Path, roots: Path, tmp_path: Path) -> None:
    """One CAdES signature a sheet."""
    for sheet in sorted((results / "sheets").glob("*.pdf")):
        (part,) = parts_of(sheet.read_bytes())
        assert "CAdES Verification successful" in openssl_accepts(part, roots, tmp_path)


def test_poppler_and_a_rust_verifier_agree(results: Path, roots: Path) -> None:
    """Poppler calls each signature valid (it does not judge document timestamps); so does pdfsignerpy, timestamps included."""
    volume = results / "class-book-9A.pdf"
    said = pdfsig_says(volume)

    assert said[:3] == ["Signature is Valid."] * 3
    assert "is_valid" in (report := pdfsigner_says(volume, roots)) or "valid" in report.lower()
    qpdf_is_content(volume)
    for sheet in sorted((results / "sheets").glob("*.pdf")):
        assert pdfsig_says(sheet) == ["Signature is Valid."]
        qpdf_is_content(sheet)


def test_exactly_the_expected_people_signed_again(results: Path) -> None:
    """One sheet was sent back: one teacher signed twice. One volume was sent back: only who signs the whole signed again."""
    signed = [step["event"]["task"] for step in load(results / "trail.json")["steps"] if step["tag"] == "document-signed/1"]
    rounds = {task.partition("#")[0]: 0 for task in signed}
    for task in signed:
        rounds[task.partition("#")[0]] += 1

    sheets = {task: times for task, times in rounds.items() if task.startswith("subject_teacher_signs.")}
    assert len(sheets) == SUBJECTS
    assert {task for task, times in sheets.items() if times != 1} == {"subject_teacher_signs.toan"}
    assert sheets["subject_teacher_signs.toan"] == 2
    assert rounds["homeroom_teacher_signs"] == 2
    assert rounds["principal_signs"] == 1
    assert rounds["clerk_seals"] == 1


def test_each_step_stands_in_the_log(results: Path) -> None:
    """An independent check of every proof in trail.json against checkpoint.txt: hashlib and thirty lines."""
    trail = load(results / "trail.json")
    lines = (results / "checkpoint.txt").read_text().split("\n")
    size, root = int(lines[1]), base64.b64decode(lines[2])

    assert len(trail["steps"]) > 40
    for step in trail["steps"]:
        leaf, record = base64.b64decode(step["leaf"]), base64.b64decode(step["record"])
        commitment = hashlib.sha256(bytes.fromhex(step["nonce"]) + record).hexdigest()
        assert json.loads(leaf)["commitment"] == commitment
        proof = step["proof"].split("\n")
        index = int(proof[2].removeprefix("index "))
        siblings = [base64.b64decode(line) for line in proof[3 : proof.index("")]]
        assert climb(leaf, index, size, siblings) == root


def climb(leaf: bytes, index: int, size: int, siblings: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.3.2, from the text of the standard."""
    here, last = index, size - 1
    found = hashlib.sha256(b"\0" + leaf).digest()
    for sibling in siblings:
        assert last > 0
        if here % 2 or here == last:
            found = hashlib.sha256(b"\1" + sibling + found).digest()
            while here % 2 == 0 and here:
                here, last = here >> 1, last >> 1
        else:
            found = hashlib.sha256(b"\1" + found + sibling).digest()
        here, last = here >> 1, last >> 1
    assert last == 0
    return found


def test_every_page_says_that_it_is_a_test(results: Path) -> None:
    """A demo signs nothing of legal value, and every page of the volume and of a sheet says so."""
    for path in (results / "class-book-9A.pdf", next((results / "sheets").glob("*.pdf"))):
        text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
        pages = text.rstrip("\f").split("\f")
        assert pages
        assert all("KHÔNG CÓ GIÁ TRỊ PHÁP LÝ" in page.upper() for page in pages)


def test_one_changed_byte_is_found(results: Path, tmp_path: Path) -> None:
    """A digit is changed in the middle of the signed bytes: exit code 1, and the volume does not pass."""
    content = bytearray((results / "class-book-9A.pdf").read_bytes())
    content[len(content) // 3] ^= 1
    (tmp_path / "changed.pdf").write_bytes(content)

    done = soky("verify", tmp_path / "changed.pdf", "--trust", results / "trust", "--json")

    assert done.returncode == 1, done.stdout
    assert json.loads(done.stdout)["verdict"] != "TOTAL_PASSED"


@pytest.mark.parametrize(
    ("name", "content"), [("not-a.pdf", b"hello"), ("empty.pdf", b""), ("half.pdf", b"%PDF-1.7\n1 0 obj\n")]
)
def test_what_is_no_pdf_is_unreadable(tmp_path: Path, name: str, content: bytes) -> None:
    """Exit code 2 and one clear sentence, never a traceback."""
    (tmp_path / name).write_bytes(content)

    done = soky("verify", tmp_path / name, "--json")

    assert done.returncode == 2
    assert json.loads(done.stdout)["verdict"] == "UNREADABLE"
    assert "Traceback" not in done.stderr


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path that is not there stands in the answer."""
    done = soky("verify", tmp_path / "ghost.pdf", "--json")

    assert done.returncode == 2
    assert "ghost.pdf" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.postgres
@pytest.mark.slow
def test_the_same_job_runs_on_postgresql(postgres: str, tmp_path: Path) -> None:
    """The same code, by URL: the demo on a real PostgreSQL server gives a volume that passes."""
    done = soky("demo", "--out", tmp_path / "out", "--database", postgres)

    assert done.returncode == 0, done.stdout + done.stderr
    assert load(tmp_path / "out" / "report.json")["verdict"] == "TOTAL_PASSED"
