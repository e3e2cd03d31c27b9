"""Secrets that are handed to `soky sign` through a file descriptor."""

import os

import pytest

from api.signing_command import LONGEST_SECRET, NoSecretGiven, _ask


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
