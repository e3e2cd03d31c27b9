"""Secrets that are handed to `soky sign` through a file descriptor."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

import signing
from api.signing_command import LONGEST_SECRET, NoSecretGiven, _ask
from tests.signing.conftest import build_pdf


def piped(content: bytes) -> int:
    """The reading end of a pipe with this in it, closed behind."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    return reading


def test_each_secret_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    """A service wants the program's secret and then the owner's PIN: the first does not swallow the second, none is shown."""
    token = "x" * 4000
    descriptor = piped(f"{token}\r\nmã-số\n".encode())

    assert (_ask("secret", descriptor), _ask("PIN", descriptor)) == (token, "mã-số")
    with pytest.raises(NoSecretGiven):
        _ask("PIN", descriptor)
    os.close(descriptor)
    assert capfd.readouterr() == ("", "")


def test_a_part_of_a_secret_is_not_tried() -> None:
    """A device would count it as a wrong one."""
    descriptor = piped(b"1" * (LONGEST_SECRET + 5))
    with pytest.raises(NoSecretGiven, match="longer"):
        _ask("PIN", descriptor)
    os.close(descriptor)


def test_a_crash_leaves_no_copy_of_the_secret(tmp_path: Path) -> None:
    """Whatever the system would do: the process that waits for a PIN writes no core file."""
    signing.DemoAuthority(tmp_path).issue("An", "T:1", file="an")
    (tmp_path / "in.pdf").write_bytes(build_pdf({"sign": (0, 0, 0, 0)}))
    program = [str(Path(sys.executable).with_name("soky")), "sign", "in.pdf", "out.pdf"]
    order = [*program, "--key", "file:keys/an.p12", "--field", "sign", "--level", "B-B"]
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))  # what a child inherits
    with subprocess.Popen(order, stdin=subprocess.PIPE, cwd=tmp_path) as waiting:
        try:
            for _ in range(300):
                if resource.prlimit(waiting.pid, resource.RLIMIT_CORE) == (0, 0):
                    break
                time.sleep(0.1)
            assert resource.prlimit(waiting.pid, resource.RLIMIT_CORE) == (0, 0)
        finally:
            waiting.kill()
            resource.setrlimit(resource.RLIMIT_CORE, before)
