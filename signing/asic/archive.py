"""Archive timestamps over a whole package, and their renewal (EN 319 162-1, 4.4.3 and A.7: ASiCArchiveManifest).

    package = archive_package(package, timestamper=tsa, evidence=evidence, trust=trust)

One timestamp proves every file, manifest, signature and earlier timestamp at once. The word on the timestamp before it is kept
inside that one's token, where its own signature does not reach (A.7), before the new one goes over it.
"""

from collections.abc import Iterator
from datetime import datetime

from signing.asic.make import NotAPackage, packed, stamped_package
from signing.asic.manifest import Manifest, read_manifest
from signing.asic.package import META, BadPackage, Form, Package, read_package
from signing.asic.proofs import is_archive, is_timestamp
from signing.asic.verify import verify_package
from signing.cades import extend_cades, long_term_cades
from signing.cades_archive import with_values
from signing.errors import BadRequest, BrokenResult
from signing.evidence import Evidence
from signing.findings import sides
from signing.levels import Level
from signing.proof import newest_of, proven_authority
from signing.report import Finding, Report, SignatureKind, Verdict
from signing.timestamps import Timestamper
from signing.trust import Trust
from signing.verification.faults import Fault


def archive_package(
    package: bytes, *, timestamper: Timestamper, evidence: Evidence, trust: Trust, at: datetime | None = None
) -> bytes:
    """The package with one more archive timestamp over all that it holds; signatures that nothing covers yet get to B-LT first.

    `at` is the present (default: now). Raises BadRequest where the package does not pass now, NotAPackage, EvidenceMissing,
    CertificateRevoked, TimestampRefused.
    """
    before = verify_package(package, trust, at=at)
    if before.verdict is not Verdict.TOTAL_PASSED:
        vi, en = sides(_told(before))
        raise BadRequest(f"Gói không đạt nên không gia hạn: {vi}", f"The package does not pass, nothing to renew: {en}")
    try:
        opened = read_package(package)
    except BadPackage as fault:
        raise NotAPackage(f"Không đọc được gói: {fault}", f"The package cannot be read: {fault}") from fault
    if any(name.lower().endswith(".xml") and "signatures" in name.lower() for name in opened.metadata):
        raise BadRequest(
            "Gói có chữ ký XAdES: chữ ký đó phải tự mang dấu lưu trữ",
            "The package holds XAdES signatures, which carry their archive timestamps themselves",
        )
    if opened.form is Form.SIMPLE:
        extended = _simple(opened, timestamper, evidence, trust, at)
    else:
        extended = _extended(opened, before, timestamper, evidence, trust, at)
    after = verify_package(extended, trust, at=at)
    persons = [each for each in after.signatures if each.kind is not SignatureKind.DOC_TIMESTAMP]
    if after.verdict is not Verdict.TOTAL_PASSED or any(each.level is not Level.B_LTA for each in persons):
        vi, en = sides(_told(after))
        raise BrokenResult(f"Gói sau gia hạn không đạt: {vi}", f"The extended package does not hold: {en}")
    return extended


def _told(report: Report) -> Iterator[Finding]:
    yield from report.findings
    for each in report.signatures:
        yield from (found for found in each.findings if found.code != "COVERS")


def _simple(package: Package, timestamper: Timestamper, evidence: Evidence, trust: Trust, at: datetime | None) -> bytes:
    """ASiC-S: the one signature carries its archive timestamps itself."""
    name = f"{META}signature.p7s"
    if name not in package.metadata:
        raise BadRequest("Gói ASiC-S không có chữ ký CAdES", "The simple package holds no CAdES signature")
    (data,) = package.files.values()
    signature = extend_cades(data, package.metadata[name], timestamper=timestamper, evidence=evidence, trust=trust, at=at)
    return packed(package.form, package.files, {**package.metadata, name: signature})


def _extended(
    package: Package, before: Report, timestamper: Timestamper, evidence: Evidence, trust: Trust, at: datetime | None
) -> bytes:
    manifests = _manifests(package)
    metadata = dict(package.metadata)
    covered = {each.name for manifest in manifests if is_archive(manifest.name) for each in manifest.files}
    data = {each.signature: each.content for each in manifests}
    for report in before.signatures:
        name = report.field
        if name.endswith(".p7s") and name not in covered and report.level in {Level.B_B, Level.B_T}:
            metadata[name] = long_term_cades(
                data[name], metadata[name], timestamper=timestamper, evidence=evidence, trust=trust, at=at
            )
    tokens = {name: token for name, token in metadata.items() if is_timestamp(name) and name not in covered}
    if tokens:
        newest = newest_of(list(tokens.values()))
        name = next(each for each, token in tokens.items() if token == newest)
        metadata[name] = with_values(newest, proven_authority(newest, evidence, trust))
    return stamped_package(package, metadata, timestamper)


def _manifests(package: Package) -> list[Manifest]:
    found = []
    for name, content in package.metadata.items():
        if name.endswith(".xml") and "Manifest" in name:
            try:
                found.append(read_manifest(content, name))
            except Fault:
                continue
    return found
