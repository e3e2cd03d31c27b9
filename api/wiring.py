"""Everything that has effects is built here, once, from the settings, and handed down.

with open_office(read_settings()) as wired:
    wired.office.inbox(person)
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import signing
from api.second_looks import SecondLooks
from api.settings import BadSettings, Settings
from signing.second_opinion import Sampling
from signing.visible import visible
from storage import KeptStore, new_log_key, open_store, publish, verify_log
from workflow.desk import Desk
from workflow.office import Office


@dataclass(frozen=True, slots=True, kw_only=True)
class Wired:
    """An open office."""

    settings: Settings
    store: KeptStore
    office: Office
    authority: signing.DemoAuthority | None
    looks: SecondLooks

    @property
    def demo_authority(self) -> signing.DemoAuthority:
        """The test authority; an office that is no demo has none."""
        if self.authority is None:
            raise BadSettings("văn phòng này không phải bản thử / this office is no demo")
        return self.authority

    def key_uri(self, uri: str) -> str:
        """A key's URI, ready to be opened. BadSettings where the settings do not allow it."""
        return key_uri(self.settings, uri)

    def verify_log(self, seen: Iterable[str] = ()) -> list[str]:
        """A sentence for everything that was changed behind our back; `seen` are checkpoints kept elsewhere. Empty: intact."""
        key = self.store.log.key
        verifiers = [key.verifier] if key else []
        return [visible(f"{found.code}  {found.message}") for found in verify_log(self.store, verifiers, seen=seen)]

    def keep_log(self) -> str:
        """Give every pending step its place, sign the head, publish the tiles in `log/`. Returns the checkpoint."""
        placed = self.store.log.sequence()
        note = self.store.log.sign(self.office.desk.clock())
        if self.store.log.key and (placed or not (self.settings.folder / "log" / "checkpoint").exists()):
            with _alone(self.settings.folder / "log"):
                publish(self.store.log, self.settings.folder / "log", self.store.log.key.verifier)
        return note


def key_uri(settings: Settings, uri: str) -> str:
    """A key's URI, ready to be opened. The directory says whose key it is; which code is loaded and who is asked, the
    settings say: BadSettings for a file outside the office, a module or a host that they do not name.
    """
    scheme, _, place = uri.partition(":")
    if scheme == "file":
        home = settings.folder.resolve()
        path = (home / place).resolve()
        if not path.is_relative_to(home):
            raise BadSettings(f"khóa nằm ngoài thư mục văn phòng / the key lies outside the office's folder: {place}")
        return f"file:{path}"
    if scheme == "pkcs11":
        modules = [value for name, value in parse_qsl(urlsplit(uri).query) if name == "module-path"]
        if not modules or any(module not in settings.key_modules for module in modules):
            raise BadSettings(f"soky.toml: [keys] modules không có / does not name {', '.join(modules) or uri}")
        return uri
    host = urlsplit(place).hostname or urlsplit(uri).hostname or ""
    if host not in settings.key_hosts:
        raise BadSettings(f"soky.toml: [keys] hosts không có / does not name {host or uri}")
    return uri


@contextmanager
def open_office(settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Iterator[Wired]:
    """The office of these settings. BadSettings says what is missing."""
    store = open_store(settings.database_url, settings.folder, log_key=log_key_of(settings.folder))
    try:
        authority = signing.DemoAuthority(settings.folder, clock=clock) if settings.demo else None
        desk = Desk(
            store=store,
            trust=signing.Trust.load([settings.trust_folder]),
            timestamper=authority or timestamper_of(settings),
            evidence=authority or signing.HttpEvidence(hosts=settings.revocation_hosts),
            clock=clock,
            demo=settings.demo,
        )
        yield Wired(settings=settings, store=store, office=Office(desk), authority=authority, looks=second_looks(settings))
    finally:
        store.close()


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time publishes: otherwise an older checkpoint could be written over a newer one."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def second_looks(settings: Settings) -> SecondLooks:
    """What is judged once more, and what came of it."""
    return SecondLooks(settings.second_looks_folder, Sampling(one_of=settings.sample, secret=_secret(settings.folder)))


def _secret(folder: Path) -> bytes:
    """By which files are drawn: made once, so that the same file is drawn every time and no stranger can tell which."""
    path = folder / "keys" / "sample.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        with suppress(FileExistsError):  # another process was first
            path.hardlink_to(aside)
        aside.unlink()
    return path.read_bytes()


def log_key_of(folder: Path) -> Path:
    """The key that signs the log's heads; made when an office is first opened."""
    path = folder / "keys" / "log.key"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        new_log_key(path)
    return path


def timestamper_of(settings: Settings) -> signing.Timestamper:
    """Several are tried in order. BadSettings where none is named."""
    if not settings.timestamp_urls:
        raise BadSettings(
            "soky.toml: thiếu [timestamps] urls / [timestamps] urls is missing: signatures need a time-stamping authority"
        )
    return signing.HttpTimestamper(settings.timestamp_urls)
