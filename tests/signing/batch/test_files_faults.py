"""Batches from file to file when the power, the disk, the key or the timestamp authority goes in the middle."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from signing import DemoAuthority, Issued, Level, Trust, Verdict, verify
from signing.batch import FastPath, Order
from signing.batch.files import Done, Job, NotDone, sign_files
from signing.errors import AuthorisationRefused, BadRequest, KeyUnavailable, SigningError, TimestampRefused
from signing.evidence import Revocation

ROOT = Path(__file__).resolve().parent.parent.parent.parent
FIELDS = {"sign": (0, 0, 0, 0), "archive_timestamp": (0, 0, 0, 0)}


class Key:
    """A key that counts its uses, and fails from one use on."""

    def __init__(self, issued: Issued, *, fails_at: int = 0, error: SigningError | None = None) -> None:
        self._signer = issued.signer()
        self.certificate, self.chain, self.scheme = self._signer.certificate, self._signer.chain, self._signer.scheme
        self.uses, self._fails_at, self._error = 0, fails_at, error

    def sign(self, data: bytes, digest: str) -> bytes:
        """The value, or the failure."""
        self.uses += 1
        if self._error is not None and self.uses >= self._fails_at:
            raise self._error
        return self._signer.sign(data, digest)


def jobs(folder: Path, document: bytes, many: int, *, into: Path | None = None, level: Level = Level.B_B) -> list[Job]:
    """So many copies of a document to sign."""
    made = []
    for number in range(many):
        source = folder / f"{number}.pdf"
        source.write_bytes(document)
        order = Order(field="sign", at=datetime.now(UTC), level=level)
        made.append(Job(id=str(number), source=source, target=(into or folder) / f"{number}.signed.pdf", order=order))
    return made


@pytest.mark.parametrize(
    ("error", "uses"), [(KeyUnavailable("đã rút", "pulled out"), 7), (AuthorisationRefused("không", "no"), 5)]
)
def test_a_key_that_goes_ends_the_batch(error: SigningError, uses: int, make_pdf: Any, people: Any, tmp_path: Path) -> None:
    """Pulled out: three are told. Refused on the phone: that one alone. What was signed is there."""
    key = Key(people["curve"], fails_at=5, error=error)
    results = list(sign_files(jobs(tmp_path, make_pdf(FIELDS), 50), FastPath(key)))
    before = Key(people["curve"])
    FastPath(before)  # the template may try the key once

    assert key.uses - before.uses <= uses
    assert 3 <= sum(isinstance(each, Done) for each in results) <= 4
    assert isinstance(results[-1], NotDone)
    assert len(list(tmp_path.glob("*.signed.pdf"))) == sum(isinstance(each, Done) for each in results)


def test_a_dead_timestamp_authority_ends_the_batch(
    make_pdf: Any, people: Any, authority: DemoAuthority, tmp_path: Path
) -> None:
    """After three uses of the key in vain; gone on with when it is back, the rest is signed and what is done says so."""

    class Mortal:
        left = 10

        def timestamp(self, digest: bytes) -> bytes:
            """As long as it lives."""
            self.left -= 1
            if self.left < 0:
                raise TimestampRefused("đã tắt", "it is down")
            return authority.timestamp(digest)

    mortal, key = Mortal(), Key(people["curve"])
    batch = jobs(tmp_path, make_pdf(FIELDS), 60, level=Level.B_T)
    first = list(sign_files(batch, FastPath(key, timestamper=mortal)))
    assert [type(each) for each in first] == [Done] * 10 + [NotDone] * 3

    mortal.left, used = 1000, key.uses
    again = list(sign_files(batch, FastPath(key, timestamper=mortal)))
    assert [type(each) for each in again] == [NotDone] * 10 + [Done] * 50
    assert key.uses - used <= 51


def test_a_name_that_is_taken_costs_no_use_of_the_key(make_pdf: Any, people: Any, tmp_path: Path) -> None:
    """There already, or another job's; also where the documents wait for their evidence in a group."""
    batch = jobs(tmp_path, make_pdf(FIELDS), 3)
    batch[0].target.write_bytes(b"mine")
    twice = Job(id="again", source=batch[1].source, target=batch[1].target, order=batch[1].order)
    key = Key(people["curve"])
    path = FastPath(key)
    used = key.uses
    results = list(sign_files([*batch, twice], path))

    assert [type(each) for each in results] == [NotDone, Done, Done, NotDone]
    assert key.uses - used == 2
    assert batch[0].target.read_bytes() == b"mine"


def test_answers_from_before_a_groups_timestamps_are_asked_for_again(
    make_pdf: Any, people: Any, authority: DemoAuthority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Evidence that keeps its answers for minutes, and a batch of several groups: every one reaches B-LT."""
    monkeypatch.setattr("signing.batch.files.GROUP_DOCUMENTS", 3)
    moments = iter(datetime.now(UTC) + timedelta(seconds=n) for n in range(10_000))

    class Keeping:
        kept: Revocation | None = None

        def for_chain(self, chain: Any) -> Revocation:
            """What it was told first."""
            self.kept = self.kept or authority.for_chain((*chain, authority.tsa))
            return self.kept

        def forget(self) -> None:
            """Ask again."""
            self.kept = None

    clock = authority.clock
    authority.clock = lambda: next(moments)
    try:
        path = FastPath(people["curve"].signer(), timestamper=authority, evidence=Keeping())
        results = list(sign_files(jobs(tmp_path, make_pdf(FIELDS), 9, level=Level.B_LT), path))
    finally:
        authority.clock = clock

    assert [type(each) for each in results] == [Done] * 9


# The disk


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 KB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", "-o", "size=400k", "none", folder], check=False).returncode:
        pytest.skip("no disk can be mounted here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_ends_the_batch_with_whole_files_alone(
    make_pdf: Any, people: Any, tmp_path: Path, small_disk: Path
) -> None:
    """The one that found no room is told; nothing half stands there, and the key is not used for the others in vain."""
    key = Key(people["curve"])
    document = make_pdf(FIELDS, text="x" * 30_000)
    results = list(sign_files(jobs(tmp_path, document, 60, into=small_disk), FastPath(key)))
    written = sorted(small_disk.iterdir())

    assert isinstance(results[-1], NotDone)
    assert isinstance(results[-1].error, BadRequest)
    assert [type(each) for each in results[:-1]] == [Done] * len(written)
    assert key.uses <= len(written) + 2
    assert written
    assert all(each.read_bytes().startswith(document) and each.stat().st_size > len(document) for each in written)


def test_a_disk_that_is_read_only_is_told_once(make_pdf: Any, people: Any, tmp_path: Path, small_disk: Path) -> None:
    """Nothing more is tried."""
    batch = jobs(tmp_path, make_pdf(FIELDS), 20, into=small_disk)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    results = list(sign_files(batch, FastPath(Key(people["curve"]))))

    assert [type(each) for each in results] == [NotDone]


# The power


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from signing import Level, open_signer
from signing.batch import FastPath, Order
from signing.batch.files import Job, sign_files
folder, key, pin = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
order = Order(field="sign", at=datetime.now(UTC), level=Level.B_B)
jobs = [Job(id=p.name, source=p, target=p.with_suffix(".signed"), order=order) for p in sorted(folder.glob("*.pdf"))]
with open_signer(key, lambda _: pin) as signer:
    for each in sign_files(jobs, FastPath(signer), sync=True):
        print(type(each).__name__, each.id, flush=True)
"""


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("effect", ["writev:when=3", "fdatasync:when=3", "linkat:when=3", "fsync:when=3"])
def test_killed_at_each_effect_what_stands_there_is_whole(
    effect: str, make_pdf: Any, people: Any, roots: Path, tmp_path: Path
) -> None:
    """SIGKILL at the third write, sync, naming and sync of the folder: two or three files, whole, and nothing beside them.

    Gone on with, the rest is signed and what is there stays as it is.
    """
    issued, document = people["curve"], make_pdf(FIELDS)
    for number in range(6):
        (tmp_path / f"{number}.pdf").write_bytes(document)
    script = tmp_path / "program.py"
    script.write_text(KILLED)
    program = [sys.executable, str(script), str(tmp_path), issued.uri, issued.pin]
    name, _, when = effect.partition(":")
    traced = ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={name}", "-e", f"inject={name}:signal=KILL:{when}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    died = subprocess.run([*traced, *program], env=environment, capture_output=True, text=True, timeout=120, check=False)
    if "ptrace" in died.stderr:
        pytest.skip("nothing may be traced here")
    assert died.returncode in {-signal.SIGKILL, 128 + signal.SIGKILL}, died.stderr
    there = {each.name: each.read_bytes() for each in tmp_path.glob("*.signed")}
    told = [line.split()[1] for line in died.stdout.splitlines()]

    assert 2 <= len(there) <= 3
    assert all(name.replace("pdf", "signed") in there for name in told)
    assert not list(tmp_path.glob(".*"))

    again = subprocess.run(program, env=environment, capture_output=True, text=True, timeout=120, check=True)
    assert again.stdout.split().count("Done") == 6 - len(there)
    trust = Trust.load(roots)
    for number in range(6):
        content = (tmp_path / f"{number}.signed").read_bytes()
        assert there.get(f"{number}.signed", content) == content
        assert [each.verdict for each in verify(content, trust).signatures] == [Verdict.TOTAL_PASSED]
