"""The settings of an office: one frozen value, read once from `soky.toml` in the office's folder, handed down.

demo = true                         # every page says that it has no legal value; the keys are the demo authority's
database = "sqlite"                 # or a URL: postgresql+psycopg://soky@/soky
[timestamps]
urls = ["https://tsa.example.vn"]   # several are tried in order
[revocation]
hosts = ["ocsp.example.vn"]         # answers are fetched from these hosts and from no others
[keys]
modules = ["/usr/lib/vgca.so"]      # PKCS#11 modules that a key in the directory may name
hosts = ["rms.example.vn"]          # remote signing services that it may name
padding = "pkcs1"                   # "pss": RSA keys that can sign with RSASSA-PSS
[verification]
sample = 64                         # one file of so many that passed is judged once more, by pyHanko; 0: none, 1: every one
fetch = false                       # true: checks on the page ask the hosts of the trust bundle about revocation, no others
[service]                           # who seals "Phiếu kiểm tra chữ ký số"; without it the slips carry no seal, and say so
key = "file:keys/service.p12"       # an address as in the directory
pin_file = "keys/service.pin"       # in the office's folder, readable by its owner alone
name = "Sở GD&ĐT Hải Phòng – dịch vụ kiểm tra"
place = "Hải Phòng"
[web]
https = true                        # behind TLS: cookies are bound to it; needed for any address but this machine's own
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from api.file_problems import file_problem

OFFICE_VARIABLE = "SOKY_OFFICE"
DEFAULT_FOLDER = Path("demo-office")
KNOWN = {"demo", "database", "timestamps", "revocation", "keys", "web", "verification", "service"}
DEFAULT_SAMPLE, RAREST_SAMPLE = 64, 1_000_000


class BadSettings(Exception):
    """The settings cannot be used as they are."""

    code = "BAD_SETTINGS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSeal:
    """The seal of an office's verification service."""

    key: str
    name: str
    place: str
    pin_file: Path | None = None  # in the office's folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where an office lives and whom it asks."""

    folder: Path
    demo: bool = False
    database: str = "sqlite"
    timestamp_urls: tuple[str, ...] = ()
    revocation_hosts: tuple[str, ...] = ()
    key_modules: tuple[str, ...] = ()
    key_hosts: tuple[str, ...] = ()
    prefer_pss: bool = False
    https: bool = False
    sample: int = DEFAULT_SAMPLE  # one checked file of so many is judged once more
    fetch: bool = False  # checks on the page ask the bundle's hosts about revocation
    service: ServiceSeal | None = None

    @property
    def second_looks_folder(self) -> Path:
        """Where it is written down what other programs said of our passes."""
        return self.folder / "second-looks"

    @property
    def database_url(self) -> str:
        """A file of the office unless a server is named."""
        return f"sqlite:///{self.folder / 'soky.db'}" if self.database == "sqlite" else self.database

    @property
    def trust_folder(self) -> Path:
        """The anchors of trust, PEM files."""
        return self.folder / "trust"

    def write(self) -> None:
        """Make the folder and its `soky.toml`."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it will hold marks, keys and what was signed
        lines = [f"demo = {str(self.demo).lower()}", f"database = {_quoted(self.database)}"]
        if self.timestamp_urls:
            lines += ["[timestamps]", f"urls = [{', '.join(map(_quoted, self.timestamp_urls))}]"]
        if self.revocation_hosts:
            lines += ["[revocation]", f"hosts = [{', '.join(map(_quoted, self.revocation_hosts))}]"]
        if self.sample != DEFAULT_SAMPLE:
            lines += ["[verification]", f"sample = {self.sample}"]
        path = self.folder / "soky.toml"
        path.touch(mode=0o600)  # a database's address may hold a password
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def read_settings(folder: Path | None = None) -> Settings:
    """From the folder that is named, else `$SOKY_OFFICE`, else ./demo-office. BadSettings names what is wrong."""
    office = folder or Path(os.environ.get(OFFICE_VARIABLE) or DEFAULT_FOLDER)
    path = office / "soky.toml"
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSettings(
            f"{office} không phải thư mục văn phòng (thiếu soky.toml); tạo bản thử bằng `soky serve --demo` / "
            f"{office} is no office folder (soky.toml is missing); `soky serve --demo` makes one for trying"
        ) from None
    except OSError as problem:
        raise BadSettings(file_problem(problem)) from problem
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise BadSettings(f"{path}: không đọc được / cannot be read: {problem}") from problem
    if unknown := sorted(set(data) - KNOWN):
        raise BadSettings(f"{path}: mục không hiểu / unknown entries: {', '.join(unknown)}")
    keys = _part(path, data, "keys")
    return Settings(
        folder=office,
        demo=_flag(path, data, "demo"),
        database=_word(path, data.get("database", "sqlite")),
        timestamp_urls=_words(path, _part(path, data, "timestamps"), "urls"),
        revocation_hosts=_words(path, _part(path, data, "revocation"), "hosts"),
        key_modules=_words(path, keys, "modules"),
        key_hosts=_words(path, keys, "hosts"),
        prefer_pss=_padding(path, keys.get("padding", "pkcs1")) == "pss",
        https=_flag(path, _part(path, data, "web"), "https"),
        sample=_sample(path, data.get("verification", {})),
        fetch=_part(path, data, "verification").get("fetch") is True,
        service=_service(path, office, data["service"]) if "service" in data else None,
    )


def _part(path: Path, data: dict[str, Any], name: str) -> dict[str, Any]:
    part = data.get(name, {})
    if not isinstance(part, dict):
        raise BadSettings(f"{path}: {name} phải là một phần / must be a section: [{name}]")
    return part


def _words(path: Path, part: dict[str, Any], name: str) -> tuple[str, ...]:
    """A list of texts. One text alone is no list: its letters would each be taken for an address."""
    given = part.get(name, [])
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise BadSettings(f'{path}: {name} phải là danh sách chữ / must be a list of texts, as in {name} = ["..."]')
    return tuple(given)


def _word(path: Path, given: Any) -> str:
    if not isinstance(given, str):
        raise BadSettings(f"{path}: database phải là chữ / must be a text, not {given!r}")
    return given


def _flag(path: Path, part: dict[str, Any], name: str) -> bool:
    given = part.get(name, False)
    if not isinstance(given, bool):
        raise BadSettings(f"{path}: {name} = true hoặc/or false, không phải / not {given!r}")
    return given


def _padding(path: Path, given: Any) -> str:
    if given not in ("pkcs1", "pss"):
        raise BadSettings(f'{path}: [keys] padding = "pkcs1" hoặc/or "pss", không phải / not {given!r}')
    return str(given)


def _sample(path: Path, given: Any) -> int:
    sample = given.get("sample", DEFAULT_SAMPLE) if isinstance(given, dict) else None
    if isinstance(given, dict) and (set(given) - {"sample", "fetch"} or not isinstance(given.get("fetch", False), bool)):
        raise BadSettings(f"{path}: [verification] chỉ gồm / takes sample, fetch (true, false)")
    if not isinstance(sample, int) or isinstance(sample, bool) or not 0 <= sample <= RAREST_SAMPLE:
        raise BadSettings(f"{path}: [verification] sample = 0 … {RAREST_SAMPLE}, không phải / not {sample!r}")
    return sample


def _service(path: Path, office: Path, given: Any) -> ServiceSeal:
    """BadSettings for what is missing, and for a PIN outside the office or open to others."""
    known = {"key", "name", "place", "pin_file"}
    if not isinstance(given, dict) or set(given) - known or not all(isinstance(each, str) for each in given.values()):
        raise BadSettings(f"{path}: [service] chỉ gồm / takes {', '.join(sorted(known))}")
    if missing := [name for name in ("key", "name", "place") if not given.get(name)]:
        raise BadSettings(f"{path}: [service] thiếu / is missing {', '.join(missing)}")
    pin = (office / given["pin_file"]).resolve() if given.get("pin_file") else None
    if pin is not None:
        if not pin.is_relative_to(office.resolve()) or not pin.is_file():
            raise BadSettings(
                f"{path}: [service] pin_file không có trong thư mục văn phòng / is not in the office's folder: {pin}"
            )
        if pin.stat().st_mode & 0o077:
            raise BadSettings(f"{pin}: người khác đọc được mã PIN; hãy chmod 600 / others can read the PIN: chmod 600")
    return ServiceSeal(key=given["key"], name=given["name"], place=given["place"], pin_file=pin)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
