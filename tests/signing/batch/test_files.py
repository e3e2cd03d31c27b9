"""Batches from file to file, and documents whose place was laid beforehand."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from signing.batch import FastPath, Order
from signing.batch.files import Done, Job, NotDone, sign_files, sign_files_at_once
from signing.batch.laid import Place, fill, fill_file, lay
from signing.demo import DemoAuthority
from signing.errors import BadRequest, BrokenResult, DocumentChanged, FieldTaken, LevelNotReached, NotASignablePdf, WrongSecret
from signing.evidence import Revocation
from signing.keys import Signer
from signing.keys.file import FileSigner
from signing.levels import Level

NOW = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
FIELDS = {"sign": (0, 0, 0, 0), "archive_timestamp": (0, 0, 0, 0)}


@pytest.fixture(scope="module")
def signer(people: Any) -> Signer:
    opened: Signer = people["curve"].signer()
    return opened


@pytest.fixture
def path(signer: Signer, authority: DemoAuthority) -> FastPath:
    return FastPath(signer, timestamper=authority, evidence=authority)


def jobs(folder: Path, documents: Sequence[bytes], level: Level = Level.B_B) -> list[Job]:
    made = []
    for number, document in enumerate(documents):
        source = folder / f"{number}.pdf"
        source.write_bytes(document)
        order = Order(field="sign", at=NOW, level=level)
        made.append(Job(id=str(number), source=source, target=folder / f"{number}.signed.pdf", order=order))
    return made


@pytest.mark.parametrize("level", list(Level))
def test_a_batch_gives_one_result_per_file(make_pdf: Any, path: FastPath, judges: Any, tmp_path: Path, level: Level) -> None:
    """Good files are signed and hold; a bad one among them is named and stops nobody."""
    documents = [make_pdf(FIELDS, text=f"Hoc ba {number}") for number in range(4)]
    documents.insert(2, b"not a PDF")
    batch = jobs(tmp_path, documents, level)

    results = {result.id: result for result in sign_files(batch, path)}

    assert sorted(results) == ["0", "1", "2", "3", "4"]
    bad = results.pop("2")
    assert isinstance(bad, NotDone)
    assert isinstance(bad.error, NotASignablePdf)
    assert all(isinstance(result, Done) for result in results.values())
    for job in batch[:2] + batch[3:]:
        judges.pyhanko(job.target.read_bytes(), signatures=1, timestamps=int(level == Level.B_LTA))
    assert sorted(each.name for each in tmp_path.iterdir() if each.name.startswith(".")) == []


class _Counting:
    """Counts how often the issuers are asked."""

    def __init__(self, authority: DemoAuthority) -> None:
        self.authority, self.asked = authority, 0

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        self.asked += 1
        return self.authority.for_chain(chain)


def test_the_issuers_are_asked_once_per_batch(make_pdf: Any, signer: Signer, authority: DemoAuthority, tmp_path: Path) -> None:
    """Two questions (about the signer and about the timestamp authority) for ten documents."""
    evidence = _Counting(authority)

    results = list(
        sign_files(
            jobs(tmp_path, [make_pdf(FIELDS)] * 10, Level.B_LT), FastPath(signer, timestamper=authority, evidence=evidence)
        )
    )

    assert len(results) == 10
    assert evidence.asked == 2


class _Silent:
    """An issuer that does not answer."""

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        del chain
        return Revocation()


def test_without_evidence_the_documents_are_kept_as_they_are(
    make_pdf: Any, signer: Signer, authority: DemoAuthority, judges: Any, tmp_path: Path
) -> None:
    """Each result says that it is B-T for now, and the file is a good B-T document."""
    batch = jobs(tmp_path, [make_pdf(FIELDS)] * 3, Level.B_LTA)

    results = list(sign_files(batch, FastPath(signer, timestamper=authority, evidence=_Silent())))

    assert [type(result.error) for result in results if isinstance(result, NotDone)] == [LevelNotReached] * 3
    for job in batch:
        judges.pyhanko(job.target.read_bytes(), signatures=1)


class _Locked:
    """A token that refuses the PIN at the third signature."""

    def __init__(self, signer: Signer) -> None:
        self.certificate, self.chain, self._signer, self.used = signer.certificate, signer.chain, signer, 0

    def sign(self, data: bytes, digest: str) -> bytes:
        self.used += 1
        if self.used > 2:
            raise WrongSecret("Sai mã PIN", "Wrong PIN")
        return self._signer.sign(data, digest)


def test_a_wrong_pin_stops_the_batch(make_pdf: Any, signer: Signer, tmp_path: Path) -> None:
    """Nothing more is tried: a token locks after a few wrong PINs."""
    key = _Locked(signer)

    results = list(sign_files(jobs(tmp_path, [make_pdf(FIELDS)] * 6), FastPath(key)))

    assert [isinstance(result, Done) for result in results] == [True, True, False]
    assert key.used == 3


def test_a_target_that_is_there_is_not_overwritten(make_pdf: Any, path: FastPath, tmp_path: Path) -> None:
    """Somebody else's file stays; the result names it."""
    (job,) = jobs(tmp_path, [make_pdf(FIELDS)])
    job.target.write_bytes(b"somebody's")

    (result,) = sign_files([job], path)

    assert isinstance(result, NotDone)
    assert isinstance(result.error, BadRequest)
    assert job.target.read_bytes() == b"somebody's"


def test_what_the_fast_path_declines_is_signed_the_other_way(make_pdf: Any, path: FastPath, tmp_path: Path) -> None:
    """The caller's slower way gets exactly the documents that were declined."""
    batch = jobs(tmp_path, [make_pdf(FIELDS), make_pdf(FIELDS) + b"%tail", make_pdf(FIELDS)])

    results = list(sign_files(batch, path, otherwise=lambda pdf, _: pdf + b" otherwise"))

    assert [result.by_fast_path for result in results if isinstance(result, Done)] == [True, False, True]
    assert batch[1].target.read_bytes().endswith(b" otherwise")


def test_a_broken_result_stops_the_batch(make_pdf: Any, path: FastPath, tmp_path: Path) -> None:
    """The judge sees the first result and each 64th; what it refuses is not written, and nothing more is signed."""
    seen: list[bytes] = []

    def judge(pdf: bytes) -> None:
        seen.append(pdf)
        if len(seen) > 1:
            raise BrokenResult("Bản ký hỏng", "Broken")

    batch = jobs(tmp_path, [make_pdf(FIELDS)] * 70)

    results = list(sign_files(batch, path, judge=judge))

    assert [isinstance(result, Done) for result in results] == [True] * 64 + [False]
    assert [job.target.exists() for job in batch] == [True] * 64 + [False] * 6


@contextmanager
def open_path(uri: str, pin: str) -> Iterator[FastPath]:
    """In each process."""
    with FileSigner.open(uri, lambda _: pin) as opened:
        yield FastPath(opened)


def test_two_processes_share_a_batch(make_pdf: Any, people: Any, judges: Any, tmp_path: Path) -> None:
    """All files are signed, the results come in order."""
    person = people["curve"]
    batch = jobs(tmp_path, [make_pdf(FIELDS)] * 170)

    results = list(sign_files_at_once(batch, partial(open_path, person.uri, person.pin), processes=2))

    assert [result.id for result in results if isinstance(result, Done)] == [job.id for job in batch]
    judges.all(batch[-1].target.read_bytes(), signatures=1)
    (again,) = sign_files_at_once(batch[:1], partial(open_path, person.uri, person.pin))
    assert isinstance(again, NotDone)
    assert isinstance(again.error, BadRequest)  # a refusal comes back from the other process as it was
    with pytest.raises(WrongSecret):
        next(sign_files_at_once(batch, partial(open_path, person.uri, "000000")))


def test_a_signing_process_is_small(people: Any) -> None:
    """Nothing on the fast path loads pyHanko, and a process stays below 100 MB."""
    person = people["curve"]
    program = (
        "import sys; from signing.batch.files import sign_files; from signing.batch.lettering import Lettering;"
        "from signing.keys.file import FileSigner; from signing.batch import FastPath;"
        f"FastPath(FileSigner.open({person.uri!r}, lambda _: {person.pin!r}));"
        "print([name for name in sys.modules if name.partition('.')[0] in ('pyhanko', 'pyhanko_certvalidator', 'aiohttp')]);"
        "print(next(line for line in open('/proc/self/status') if line.startswith('VmHWM')).split()[1])"
    )

    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60).stdout

    loaded, peak_kb = told.splitlines()
    assert loaded == "[]"
    assert int(peak_kb) < 100_000


@pytest.mark.parametrize("level", list(Level))
def test_a_laid_place_is_signed_without_reading_the_document(
    make_pdf: Any, path: FastPath, judges: Any, tmp_path: Path, level: Level
) -> None:
    """What is filled in later equals a signature made at once: all judges accept it, in memory and in a file."""
    laid, place = lay(make_pdf(FIELDS), Order(field="sign", at=NOW, level=level), path)
    place = Place.from_json(place.to_json())
    file = tmp_path / "laid.pdf"
    file.write_bytes(laid)

    fill_file(file, place, path, sync=True)

    stamps = int(level is Level.B_LTA)
    judges.all(file.read_bytes(), signatures=1, timestamps=stamps)
    judges.pyhanko(fill(laid, place, path), signatures=1, timestamps=stamps)
    assert (len(file.read_bytes()) == len(laid)) is (level <= Level.B_T)
    assert [each for each in tmp_path.iterdir() if "laid" in each.name] == [file]
    with pytest.raises(FieldTaken if level <= Level.B_T else DocumentChanged):
        fill_file(file, place, path)
    with pytest.raises(DocumentChanged):
        fill(file.read_bytes(), place, path)


def test_another_file_is_not_filled(make_pdf: Any, path: FastPath, tmp_path: Path) -> None:
    """A file of another size, another shape or another digest algorithm is refused before the key is used."""
    laid, place = lay(make_pdf(FIELDS), Order(field="sign", at=NOW, level=Level.B_B), path)
    file = tmp_path / "laid.pdf"
    file.write_bytes(laid + b"\n")
    with pytest.raises(DocumentChanged):
        fill_file(file, place, path)

    file.write_bytes(bytes(len(laid)))
    with pytest.raises(DocumentChanged):
        fill_file(file, place, path)

    for stored in ("", "{}", "[1]", '{"field": 1}'):
        with pytest.raises(DocumentChanged):
            Place.from_json(stored)
