"""`soky serve` as typed: the door is tried before anything else is started, and Ctrl-C is no mishap."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.settings import Settings

SOKY = str(Path(sys.executable).with_name("soky"))


@pytest.fixture
def office(tmp_path: Path) -> Path:
    Settings(folder=tmp_path / "office", demo=True).write()
    return tmp_path / "office"


def test_a_port_that_another_program_uses_is_told(office: Path) -> None:
    """With the address, in Vietnamese first, exit code 2; no worker was started."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = [SOKY, "serve", "--office", str(office), "--port", str(port)]
        ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)

    assert ran.returncode == 2
    assert f"127.0.0.1:{port}" in ran.stderr
    assert "cổng đang được chương trình khác dùng" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_taken_port_is_told_before_a_demo_office_is_made(tmp_path: Path) -> None:
    """Nobody waits half a minute for an office that cannot be opened."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = [SOKY, "serve", "--demo", "--office", str(tmp_path / "new"), "--port", port]
        ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("PORT_TAKEN: ")
    assert "--port" in ran.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("port", ["x", "70000"])
def test_a_port_that_is_none_is_told(port: str, office: Path) -> None:
    """Before the office is opened."""
    ran = subprocess.run([SOKY, "serve", "--office", str(office), "--port", port], capture_output=True, text=True, check=False)

    assert (ran.returncode, "--port" in ran.stderr) == (2, True)


def test_ctrl_c_ends_it_well(office: Path) -> None:
    """The line says that Ctrl-C stops it: exit code 0, no trace, and the worker is gone."""
    words = [SOKY, "serve", "--office", str(office), "--port", "0"]
    running = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert running.stderr is not None
    line = running.stderr.readline()
    time.sleep(1)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=120)

    assert line.startswith("Soky: http://127.0.0.1:")
    assert (running.returncode, "Traceback" in said) == (0, False), said
