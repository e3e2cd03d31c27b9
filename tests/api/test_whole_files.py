"""A result is written whole or not at all, and nothing half-done is left beside it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from api.whole_files import write_whole

ROOT = Path(__file__).resolve().parents[2]
WITH_A_FULL_DISK = """
import resource, sys
from pathlib import Path
from api.whole_files import write_whole
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    write_whole(Path(sys.argv[1]), b"x" * 100_000)
except OSError as problem:
    print(problem.filename)
"""


def test_a_file_is_replaced_and_keeps_its_rights(tmp_path: Path) -> None:
    """The mode stays; the folder holds nothing else."""
    file = tmp_path / "a.pdf"
    file.write_bytes(b"old")
    file.chmod(0o640)
    write_whole(file, b"new")

    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"new", 0o640)
    assert [each.name for each in tmp_path.iterdir()] == ["a.pdf"]


def test_where_it_does_not_fit_the_old_file_stays(tmp_path: Path) -> None:
    """The disk is full in the middle: the old bytes are there, nothing beside; the problem names the file asked for."""
    file = tmp_path / "a.pdf"
    file.write_bytes(b"old")
    ran = subprocess.run(
        [sys.executable, "-c", WITH_A_FULL_DISK, str(file)], capture_output=True, text=True, cwd=ROOT, check=True, timeout=60
    )

    assert ran.stdout.strip() == str(file)
    assert file.read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.pdf"]


def test_a_link_stays_one(tmp_path: Path) -> None:
    """What it points at is replaced."""
    (tmp_path / "real.pdf").write_bytes(b"old")
    (tmp_path / "link.pdf").symlink_to("real.pdf")
    write_whole(tmp_path / "link.pdf", b"new")

    assert (tmp_path / "link.pdf").is_symlink()
    assert (tmp_path / "real.pdf").read_bytes() == b"new"


@pytest.mark.parametrize("name", ["a" * 255, "Sổ điểm 9A.pdf", "b\udcff.pdf"])
def test_any_name_that_the_file_system_takes(name: str, tmp_path: Path) -> None:
    """As long as a name may be, Vietnamese, no text at all: the file beside needs less room than the name."""
    write_whole(tmp_path / name, b"new")

    assert (tmp_path / name).read_bytes() == b"new"


def test_links_in_a_circle_are_a_problem_of_files(tmp_path: Path) -> None:
    """An OSError, as for every other thing that cannot be written."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    with pytest.raises(OSError, match="a"):
        write_whole(tmp_path / "a", b"new")


def test_a_device_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """As `--report-xml /dev/stdout` wants it; a full one is a problem, and a pipe stays a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_whole(pipe, b"new")
    read = os.read(reading, 10)
    os.close(reading)
    (tmp_path / "full").symlink_to("/dev/full")

    assert (read, pipe.is_fifo()) == (b"new", True)
    with pytest.raises(OSError, match="No space"):
        write_whole(tmp_path / "full", b"new")
    assert Path("/dev/full").is_char_device()
