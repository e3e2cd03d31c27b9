"""Reading and writing the ZIP around a signed package, within bounds, and only where every program reads the same.

    package = read_package(content)        # package.files, package.metadata, package.form

A ZIP says twice what it holds, in headers beside the data and in a directory at the end. Here both must agree and leave no gap,
or the package is refused: else one program would show a file that another one verified.
"""

import io
import struct
import unicodedata
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from signing.asic.directory import check_directory
from signing.asic.headers import BadPackage, check_kind, name_of, packed_data, unpacked
from signing.findings import finding
from signing.report import Finding
from signing.verification.signed_data import digest_of

MAX_BYTES = 256 * 1024 * 1024  # of the package, and of all its files together
MAX_ENTRIES = 1000  # files, manifests and signatures
MAX_RATIO = 200  # of a file above RATIO_FROM bytes; office documents and XML reach 20
RATIO_FROM = 1024 * 1024
MAX_NAME = 240  # characters

META = "META-INF/"
MIMETYPE = "mimetype"
_ENCRYPTED = 0x01
_MADE = (1980, 1, 1, 0, 0, 0)  # the same bytes every time


__all__ = ["BadPackage", "Form", "Package", "check_name", "read_package", "write_package"]


class Form(StrEnum):
    """The two forms; the value is the content of `mimetype`."""

    SIMPLE = "application/vnd.etsi.asic-s+zip"  # one file, one signature over it
    EXTENDED = "application/vnd.etsi.asic-e+zip"  # any number of both


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a package holds."""

    form: Form
    files: Mapping[str, bytes]  # in their order
    metadata: Mapping[str, bytes]  # below META-INF/, by full name
    findings: tuple[Finding, ...] = ()
    digests: dict[tuple[str, str], bytes] = field(default_factory=dict, compare=False, repr=False)  # those made already

    def digest(self, name: str, algorithm: str) -> bytes | None:
        """The digest of a file, of metadata or of `mimetype`, made once for all manifests; None where there is no such file."""
        data = self.files.get(name, self.metadata.get(name, self.form.encode() if name == MIMETYPE else None))
        if data is None:
            return None
        known = self.digests.get((name, algorithm))
        if known is None:
            known = self.digests[name, algorithm] = digest_of(algorithm, data)
        return known


def read_package(content: bytes) -> Package:
    """The package in these bytes. Raises BadPackage."""
    if len(content) > MAX_BYTES:
        raise BadPackage(f"{len(content)} bytes; at most {MAX_BYTES} are read")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = _checked_entries(archive, content)
            read = _unpacked_entries(entries, content, archive.start_dir)
    except BadPackage:
        raise
    except MemoryError:
        raise
    except Exception as fault:  # zipfile raises half a dozen kinds for broken archives, all of them mean the same here
        raise BadPackage(f"no ZIP that can be read: {type(fault).__name__}") from fault
    told = read.get(MIMETYPE)
    return Package(
        form=_form(told, read),
        files={name: data for name, data in read.items() if name != MIMETYPE and not name.startswith(META)},
        metadata={name: data for name, data in read.items() if name.startswith(META)},
        findings=tuple(_mimetype_findings(entries, told, content)),
    )


def write_package(form: Form, files: Mapping[str, bytes], metadata: Mapping[str, bytes]) -> bytes:
    """The bytes of a package: `mimetype` first and stored (EN 319 162-1, A.1), the same bytes every time. Raises BadPackage."""
    for name in files:
        check_name(name)
        if name == MIMETYPE or name.upper().startswith(META):
            raise BadPackage(f"the name {name} is the package's own")
    _check_distinct([*files, *metadata])
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(_entry(MIMETYPE, zipfile.ZIP_STORED), form.encode())
        for name, data in (*files.items(), *metadata.items()):
            archive.writestr(_entry(name, zipfile.ZIP_DEFLATED), data)
    return stream.getvalue()


def check_name(name: str) -> None:
    """A name that means one file below the package's folder on every system. Raises BadPackage."""
    parts = name.rstrip("/").split("/") if name else [""]
    unsafe = any(part.rstrip(". ") == "" for part in parts) or "\\" in name or ":" in name or name.startswith("/")
    if unsafe or len(name) > MAX_NAME or any(unicodedata.category(each) in {"Cc", "Cf", "Cs"} for each in name):
        raise BadPackage(f"the name {name[:80]!r} is not one that a package may hold")


def _entry(name: str, how: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _MADE)
    entry.compress_type = how
    entry.external_attr = 0o644 << 16
    return entry


def _checked_entries(archive: zipfile.ZipFile, content: bytes) -> list[zipfile.ZipInfo]:
    """The entries in the order of the file, once directory and headers agree. Raises BadPackage."""
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    if len(entries) > MAX_ENTRIES:
        raise BadPackage(f"{len(entries)} entries; at most {MAX_ENTRIES} are read")
    if not entries:
        raise BadPackage("an empty archive")
    check_directory(content, archive.start_dir)
    for entry in entries:
        entry.filename = name_of(entry)
    _check_distinct([entry.filename for entry in entries])
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise BadPackage(f"more than {MAX_BYTES} bytes when unpacked")
    for entry in entries:
        _check_entry(entry)
    return entries


def _check_distinct(names: Iterable[str]) -> None:
    """Names that some system takes for the same would let two programs open different files.

    Windows minds neither case nor dots and spaces at the end, macOS not how an accent is written; no system knows a file that
    is a folder as well.
    """
    files: set[str] = set()
    folders: set[str] = set()  # with a name of their own
    above: set[str] = set()
    for name in names:
        parts = [part.rstrip(". ") for part in unicodedata.normalize("NFC", name).casefold().rstrip("/").split("/")]
        folded = "/".join(parts)
        if folded in files or folded in folders:
            raise BadPackage(f"the name {name[:80]!r} stands twice")
        (folders if name.endswith("/") else files).add(folded)
        above.update("/".join(parts[:depth]) for depth in range(1, len(parts)))
    if files & above:
        raise BadPackage(f"{min(files & above)[:80]!r} is a file and a folder")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    check_name(entry.filename)
    check_kind(entry)
    if entry.flag_bits & _ENCRYPTED:
        raise BadPackage(f"{entry.filename} is encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise BadPackage(f"{entry.filename} is packed in a way that EN 319 162-1 does not allow")
    if entry.file_size > RATIO_FROM and entry.file_size > MAX_RATIO * max(1, entry.compress_size):
        raise BadPackage(f"{entry.filename} unpacks to {entry.file_size} bytes from {entry.compress_size}")
    if entry.is_dir() and entry.file_size:
        raise BadPackage(f"the folder {entry.filename} has content")


def _unpacked_entries(entries: list[zipfile.ZipInfo], content: bytes, directory: int) -> dict[str, bytes]:
    """Header after header from the first byte to the directory, each as the directory says: nothing hides between."""
    read: dict[str, bytes] = {}
    position = 0
    for entry, following in zip(entries, [*(each.header_offset for each in entries[1:]), directory], strict=True):
        packed = packed_data(content, entry, position, following)
        position = packed.end
        contents = unpacked(packed, entry)
        if not entry.is_dir():
            read[entry.filename] = contents
    if position != directory:
        raise BadPackage(f"{directory - position} bytes before the directory belong to no entry")
    return read


def _form(told: bytes | None, read: Mapping[str, bytes]) -> Form:
    text = (told or b"").strip()
    for form in Form:
        if text == form.encode():
            return form
    if told is not None:
        raise BadPackage(f"a package of the kind {text[:60]!r}")
    manifests = any(name.startswith((META + "ASiCManifest", META + "signatures")) for name in read)
    return Form.EXTENDED if manifests else Form.SIMPLE


def _mimetype_findings(entries: list[zipfile.ZipInfo], told: bytes | None, content: bytes) -> Iterable[Finding]:
    """EN 319 162-1, A.1: first, stored, without extra field, exactly its text."""
    if told is None:
        yield finding("MIMETYPE_NOT_FIRST", "-")
        return
    first = entries[0]
    extra = struct.unpack_from("<H", content, 28)[0]
    faults = (
        (first.filename != MIMETYPE, "not first"),
        (first.filename == MIMETYPE and first.compress_type != zipfile.ZIP_STORED, "compressed"),
        (first.filename == MIMETYPE and extra > 0, "extra field"),
        (told != told.strip(), "white space"),
    )
    wrong = ", ".join(name for is_wrong, name in faults if is_wrong)
    if wrong:
        yield finding("MIMETYPE_NOT_FIRST", wrong)
