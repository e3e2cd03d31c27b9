"""Make a signed package, and add a signature to one. Archive timestamps over whole packages: `signing.asic.archive`."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from signing.asic.manifest import TST, manifest_markup
from signing.asic.package import META, BadPackage, Form, Package, read_package, write_package
from signing.cades import sign_cades
from signing.errors import BadRequest, LevelNotReached, SigningError
from signing.evidence import Evidence
from signing.keys.signer import Signer
from signing.levels import Level
from signing.proof import check_level
from signing.timestamps import Timestamper, check_token
from signing.trust import Trust

NEWEST = f"{META}ASiCArchiveManifest.xml"  # the newest archive manifest has this name, earlier ones a number
MAX_ARCHIVES = 60  # fewer than the reader follows
MAX_SIGNATURES = 99  # as many as two digits name

__all__ = ["Form", "NotAPackage", "add_signature", "make_package"]


class NotAPackage(SigningError):
    """The file is not a signed package that can be worked with."""

    code = "NOT_A_PACKAGE"


def make_package(
    files: Mapping[str, bytes],
    signer: Signer,
    *,
    form: Form = Form.EXTENDED,
    level: Level = Level.B_B,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    at: datetime | None = None,
) -> bytes:
    """A package with these files and one signature over all of them. Raises NotAPackage for names that it may not hold.

    `Form.SIMPLE` takes exactly one file. LevelNotReached carries the package with the signature of the lower level.
    """
    if not files or (form is Form.SIMPLE and len(files) != 1):
        raise BadRequest(f"Gói cần tệp để ký, có {len(files)}", f"{len(files)} files cannot be signed in this form of package")
    return _signed(Package(form=form, files=dict(files), metadata={}), signer, level, timestamper, evidence, trust, at)


def add_signature(
    package: bytes,
    signer: Signer,
    *,
    level: Level = Level.B_B,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    at: datetime | None = None,
) -> bytes:
    """The package with one more signature over all its files; what it holds stays byte for byte. Only for ASiC-E."""
    try:
        opened = read_package(package)
    except BadPackage as fault:
        raise NotAPackage(f"Không đọc được gói: {fault}", f"The package cannot be read: {fault}") from fault
    if opened.form is Form.SIMPLE:
        raise BadRequest("Gói ASiC-S chỉ có một chữ ký", "A simple package (ASiC-S) takes one signature only")
    return _signed(opened, signer, level, timestamper, evidence, trust, at)


def _signed(
    package: Package,
    signer: Signer,
    level: Level,
    timestamper: Timestamper | None,
    evidence: Evidence | None,
    trust: Trust | None,
    at: datetime | None,
) -> bytes:
    if level is Level.B_LTA and package.form is Form.EXTENDED:
        return _archived(package, signer, timestamper, evidence, trust, at)
    name, manifest_name = _free_names(package)
    if package.form is Form.SIMPLE:
        (data,) = package.files.values()
        extra: dict[str, bytes] = {}
    else:
        data = manifest_markup(name, package.files)
        extra = {manifest_name: data}

    def with_signature(signature: bytes) -> bytes:
        return packed(package.form, package.files, {**package.metadata, **extra, name: signature})

    with_signature(b"")  # names that cannot be are refused before the key is used
    try:
        signature = sign_cades(data, signer, level=level, timestamper=timestamper, evidence=evidence, trust=trust, at=at)
    except LevelNotReached as error:
        raise LevelNotReached(error.vi, error.en, signed=with_signature(error.signed), reached=error.reached) from error
    return with_signature(signature)


def packed(form: Form, files: Mapping[str, bytes], metadata: Mapping[str, bytes]) -> bytes:
    """The bytes of a package. Raises NotAPackage."""
    try:
        return write_package(form, files, metadata)
    except BadPackage as fault:
        raise NotAPackage(f"Không tạo được gói: {fault}", f"The package cannot be made: {fault}") from fault


def _archived(
    package: Package,
    signer: Signer,
    timestamper: Timestamper | None,
    evidence: Evidence | None,
    trust: Trust | None,
    at: datetime | None,
) -> bytes:
    """ASiC-E at B-LTA: B-LT, then an archive timestamp over the whole package."""
    check_level(Level.B_LTA, timestamper=timestamper, evidence=evidence)
    long_term = _signed(package, signer, Level.B_LT, timestamper, evidence, trust, at)
    try:
        opened = read_package(long_term)
        return stamped_package(opened, dict(opened.metadata), timestamper) if timestamper is not None else long_term
    except SigningError as error:
        raise LevelNotReached(
            f"Đã ký ở mức B-LT, chưa đạt B-LTA: {error.vi}",
            f"Signed at level B-LT, not yet B-LTA: {error.en}",
            signed=long_term,
            reached=Level.B_LT,
        ) from error


def _free_names(package: Package) -> tuple[str, str]:
    """The next signature's name and its manifest's."""
    if package.form is Form.SIMPLE:
        return f"{META}signature.p7s", ""
    for number in range(1, MAX_SIGNATURES + 1):
        names = f"{META}signature{number:03}.p7s", f"{META}ASiCManifest{number:03}.xml"
        if not package.metadata.keys() & set(names):
            return names
    raise BadRequest(f"Gói đã có {MAX_SIGNATURES} chữ ký", f"The package has {MAX_SIGNATURES} signatures already")


def stamped_package(package: Package, metadata: dict[str, bytes], timestamper: Timestamper) -> bytes:
    """A manifest of everything with a timestamp over it; the archive manifest that was the newest gets a number."""
    earlier = ""
    if NEWEST in metadata:
        earlier = _free(metadata, "ASiCArchiveManifest", ".xml")
        metadata = {earlier if name == NEWEST else name: content for name, content in metadata.items()}
    token_name = _free(metadata, "timestamp", ".tst")
    manifest = manifest_markup(token_name, {**package.files, **metadata}, kind=TST, root_file=earlier)
    imprint = hashlib.sha256(manifest).digest()
    token = timestamper.timestamp(imprint)
    check_token(token, imprint)
    return packed(package.form, package.files, {**metadata, NEWEST: manifest, token_name: token})


def _free(metadata: dict[str, bytes], stem: str, ending: str) -> str:
    for number in range(1, MAX_ARCHIVES + 1):
        name = f"{META}{stem}{number:03}{ending}"
        if name not in metadata:
            return name
    raise BadRequest(f"Gói đã có {MAX_ARCHIVES} dấu lưu trữ", f"The package has {MAX_ARCHIVES} archive timestamps already")
