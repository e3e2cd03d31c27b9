"""What tests everywhere may ask for: a store on each database, a real private PostgreSQL, a clock that they wind."""

import ctypes
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest

from storage import KeptStore, new_log_key, open_store
from storage.database import Database
from storage.schema import bring_up_to_date

# One change gets one answer on every machine; new examples are drawn by `make explore`.
hypothesis.settings.register_profile("same", derandomize=True)
hypothesis.settings.register_profile("explore", print_blob=True)
hypothesis.settings.load_profile("same")

LOCAL = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
TEMPLATE = "soky_template"


@dataclass(slots=True)
class Clock:
    """A clock that goes only when a test winds it. Calling it tells the time."""

    now: datetime

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def wind(self, **span: float) -> datetime:
        """On by so many `seconds`, `hours`, `days`."""
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2027, 1, 12, 8, 0, tzinfo=LOCAL))


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL server of our own, reached through a socket that only this run knows."""

    sockets: Path

    def url(self, database: str) -> str:
        """Where a database of this server is."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.sockets}"

    def admin(self, statement: str) -> None:
        """Run one statement as the owner of the server."""
        with psycopg.connect(f"host={self.sockets} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


def _programs() -> Path | None:
    """The folder of initdb and postgres: on the PATH, or where Debian puts it."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    found = shutil.which("initdb")
    return versions[-1].parent if versions else Path(found).resolve().parent if found else None


def _server_user() -> tuple[int, int] | None:
    """PostgreSQL refuses root: as root it runs under another user. None: as ourselves."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return entry.pw_uid, entry.pw_gid
    pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _die_with_us() -> None:
    """Ask the kernel to stop the server when the test process ends, however it ends (PR_SET_PDEATHSIG)."""
    ctypes.CDLL(None).prctl(1, signal.SIGINT)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server per test process, with a database that every test's own is copied from."""
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed (Debian: postgresql)")
    user = _server_user()
    # Not pytest's own folder: that one is closed to other users, and its path is too long for a socket.
    home = Path(tempfile.mkdtemp(prefix="soky-pg-"))
    how: dict[str, Any] = {"cwd": home}
    if user:
        os.chown(home, *user)
        how |= {"user": user[0], "group": user[1], "extra_groups": []}
    data = str(home / "data")
    initdb = [str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    subprocess.run([*initdb, "--no-sync"], check=True, stdout=subprocess.DEVNULL, **how)
    settings = {"listen_addresses": "", "unix_socket_directories": str(home), "fsync": "off", "max_connections": "100"}
    command = [str(programs / "postgres"), "-D", data]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, preexec_fn=_die_with_us, **how)  # noqa: PLW1509 - one thread
    try:
        running = Cluster(home)
        _await(running, server)
        running.admin(f"CREATE DATABASE {TEMPLATE}")
        template = Database.open(running.url(TEMPLATE))
        bring_up_to_date(template)
        template.close()
        yield running
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def _await(cluster: Cluster, server: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        try:
            return cluster.admin("SELECT 1")
        except psycopg.OperationalError:
            assert server.poll() is None, (cluster.sockets / "server.log").read_text()
            time.sleep(0.1)
    raise TimeoutError((cluster.sockets / "server.log").read_text())


@pytest.fixture
def postgres(cluster: Cluster) -> Iterator[str]:
    """The URL of a PostgreSQL database of this test alone, up to date and empty."""
    name = f"soky_{secrets.token_hex(6)}"
    cluster.admin(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield cluster.url(name)
    cluster.admin(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite file of this test alone; not there yet."""
    return f"sqlite:///{tmp_path / 'office.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database of this test alone, once on each kind."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres")
    return url


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[KeptStore]:
    """An empty office, once on each kind of database."""
    new_log_key(tmp_path / "log.key", "soky.example/office")
    kept = open_store(database_url, tmp_path / "office", log_key=tmp_path / "log.key")
    yield kept
    kept.close()
