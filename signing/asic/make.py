"""Make a signed package, and add a signature to one."""

from collections.abc import Mapping
from datetime import datetime

from signing.asic.manifest import manifest_markup
from signing.asic.package import META, BadPackage, Form, Package, read_package, write_package
from signing.cades import sign_cades
from signing.errors import BadRequest, LevelNotReached, SigningError
from signing.evidence import Evidence
from signing.keys.signer import Signer
from signing.levels import Level
from signing.timestamps import Timestamper
from signing.trust import Trust

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
    name, manifest_name = _free_names(package)
    if package.form is Form.SIMPLE:
        (data,) = package.files.values()
        extra: dict[str, bytes] = {}
    else:
        data = manifest_markup(name, package.files)
        extra = {manifest_name: data}

    def packed(signature: bytes) -> bytes:
        try:
            return write_package(package.form, package.files, {**package.metadata, **extra, name: signature})
        except BadPackage as fault:
            raise NotAPackage(f"Không tạo được gói: {fault}", f"The package cannot be made: {fault}") from fault

    packed(b"")  # names that cannot be are refused before the key is used
    try:
        signature = sign_cades(data, signer, level=level, timestamper=timestamper, evidence=evidence, trust=trust, at=at)
    except LevelNotReached as error:
        raise LevelNotReached(error.vi, error.en, signed=packed(error.signed), reached=error.reached) from error
    return packed(signature)


def _free_names(package: Package) -> tuple[str, str]:
    """The next signature's name and its manifest's."""
    if package.form is Form.SIMPLE:
        return f"{META}signature.p7s", ""
    for number in range(1, MAX_SIGNATURES + 1):
        names = f"{META}signature{number:03}.p7s", f"{META}ASiCManifest{number:03}.xml"
        if not package.metadata.keys() & set(names):
            return names
    raise BadRequest(f"Gói đã có {MAX_SIGNATURES} chữ ký", f"The package has {MAX_SIGNATURES} signatures already")
