"""Folders are walked to the bottom, in order, without circles, and what cannot be read is said."""

import os
import subprocess
from pathlib import Path

import pytest

from api.walking import may_be_signed, walked


def test_files_come_in_order_and_nothing_twice(tmp_path: Path) -> None:
    """By name at each level, folders in their place; a link to a folder is not followed."""
    for name in ("b.pdf", "a/2.pdf", "a/1.pdf", "c/d/e/x.xml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "c" / "up").symlink_to(tmp_path)
    os.mkfifo(tmp_path / "pipe")

    found = [str(each.path.relative_to(tmp_path)) for each in walked([tmp_path])]

    assert found == ["a/1.pdf", "a/2.pdf", "b.pdf", "c/d/e/x.xml"]


def test_what_was_named_comes_as_it_was_named(tmp_path: Path) -> None:
    """Also what is not there: whoever opens it says so. A link to a folder that is named is walked."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.pdf").touch()
    (tmp_path / "link").symlink_to("real")
    found = list(walked([tmp_path / "nowhere.pdf", tmp_path / "link"]))

    assert [(each.path.name, each.named) for each in found] == [("nowhere.pdf", True), ("a.pdf", False)]


def test_a_thousand_folders_in_each_other_are_walked(tmp_path: Path) -> None:
    """Deeper than a program may call itself; where a path is longer than the system takes, that is a problem and no crash."""
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(1500):
        os.mkdir("ab", dir_fd=here)
        inner = os.open("ab", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    found = list(walked([tmp_path]))
    subprocess.run(["rm", "-rf", tmp_path / "ab"], check=True)  # whoever tidies up after the tests would call itself as often

    assert [each.problem is not None for each in found] == [True]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_closed_folder_is_told(tmp_path: Path) -> None:
    """With its reason."""
    (tmp_path / "closed").mkdir(mode=0)

    assert [isinstance(each.problem, PermissionError) for each in walked([tmp_path])] == [True]


@pytest.mark.parametrize(
    ("name", "content", "taken"),
    [
        ("a.PDF", b"", True),
        ("no-ending", b"%PDF-1.7", True),
        ("scan.bin", b"\n\n%PDF-1.4", True),
        ("a.xml", b"", True),
        ("page.html", b"<html>", False),
        ("picture.svg", b"<?xml version='1.0'?><svg/>", False),
        ("letter.docx", b"PK\x03\x04" + b"\0" * 26 + b"[Content_Types].xml", False),
        ("package.zip", b"PK\x03\x04" + b"\0" * 26 + b"mimetypeapplication/vnd.etsi.asic-e+zip", True),
        ("marks.csv", b"a;b", False),
        ("marks.csv.p7s", b"", True),
    ],
)
def test_what_is_taken_from_a_folder(name: str, content: bytes, taken: bool, tmp_path: Path) -> None:
    """By its name or its first bytes."""
    (tmp_path / name).write_bytes(content)

    assert may_be_signed(tmp_path / name) is taken
