"""`soky log verify --seen` and `soky settle` as typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.settings import Settings
from storage.notes import Checkpoint, LogKey

SOKY = str(Path(sys.executable).with_name("soky"))


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("offices") / "office"
    Settings(folder=folder, demo=True).write()
    return folder


def soky(office: Path, *words: str) -> subprocess.CompletedProcess[str]:
    line = [SOKY, *words, "--office", str(office)]
    return subprocess.run(line, capture_output=True, text=True, check=False, timeout=120, cwd=office, env={**os.environ})


@pytest.mark.parametrize("content", [b"", b"junk\n", b"\xff\xfe", b"%PDF-1.7\n\n\xe2\x80\x94 x AAAAAAA=\n"])
def test_a_file_that_is_no_checkpoint_accuses_nobody(content: bytes, office: Path) -> None:
    """Wrong use, with the file's name: exit code 2, and the log is not even read."""
    (office / "kept.txt").write_bytes(content)
    ran = soky(office, "log", "verify", "--seen", "kept.txt")

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("BAD_CHECKPOINT: «kept.txt»")


def test_another_offices_checkpoint_is_called_so(office: Path) -> None:
    """Two names, no word of forgery; and what claims to be ours under another key is forged."""
    other = LogKey("soky.example/other", b"o" * 32)
    (office / "other.txt").write_text(other.sign(Checkpoint(origin="soky.example/other", size=3, root=b"r" * 32).text()))
    ran = soky(office, "log", "verify", "--seen", "other.txt")
    ours = (office / "keys" / "log.key").read_text().removeprefix("PRIVATE+KEY+").split("+")[0]
    (office / "forged.txt").write_text(LogKey(ours, b"f" * 32).sign(Checkpoint(origin=ours, size=3, root=b"r" * 32).text()))
    forged = soky(office, "log", "verify", "--seen", "forged.txt")

    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.startswith("OTHER_LOG  ")
    assert "soky.example/other" in ran.stdout
    assert ours in ran.stdout
    assert "FORGED" not in ran.stdout
    assert (forged.returncode, forged.stdout.split()[0]) == (1, "CHECKPOINT_FORGED")
    assert not any(line.endswith(": ?") for line in (ran.stdout + forged.stdout).splitlines())


def test_an_alarm_that_is_not_there_is_a_refusal_with_a_code(office: Path) -> None:
    """Both halves name what was asked for."""
    ran = soky(office, "settle", "abc", "--note", "đã xem")

    assert ran.returncode == 2
    vi, en = ran.stderr.strip().split(" / ")
    assert vi == "NO_SUCH_ALARM: không có cảnh báo nào về «abc»"
    assert en == "there is no alarm about “abc”"
