"""Every signature and timestamp of a signed package, in the report of the PDFs: which files it covers, what it is worth.

    report = verify_package(content, Trust.load(["trust/"]))

EN 319 162-1: 4.3 (ASiC-S), 4.4 (ASiC-E with CAdES; with XAdES where the package brings META-INF/*signatures*.xml). Files that
no signature covers are named and keep the package from passing; signed files inside are verified in turn.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from signing.asic.manifest import BadManifest, Manifest, read_manifest
from signing.asic.package import META, MIMETYPE, BadPackage, Form, Package, read_package
from signing.beside_report import broken_report, timestamp_told, worst
from signing.cades import judge_cades
from signing.findings import finding
from signing.report import (
    AttachmentReport,
    Changes,
    Finding,
    Report,
    SignatureKind,
    SignatureReport,
    SubIndication,
    Verdict,
)
from signing.trust import Trust
from signing.verification.certificates import load_certificate
from signing.verification.faults import Fault
from signing.verification.paths import Pool
from signing.verification.revocation import Value
from signing.verification.signed_data import digest_of
from signing.verification.timestamps import judge_timestamp, read_token
from signing.xml.verify import verify_covering, verify_xml

MAX_SIGNATURES = 64  # signatures and timestamps that are judged
MAX_VERIFIED = 64  # signed files inside that are verified in turn
_OWN = ("manifest.xml", "container.xml", "metadata.xml")  # of ODF and EPUB: may stand in META-INF, nobody signs them
_DOUBTFUL = frozenset(
    {"UNCOVERED_FILES", "ORPHAN_MANIFEST", "ATTACHMENT_NOT_PASSED", "TOO_MANY_SIGNATURES", "DATA_AFTER_SIGNATURE"}
)


def verify_package(content: bytes, trust: Trust, *, at: datetime | None = None, name: str = "") -> Report:
    """Judge a package at a moment (default: now). Never raises for what it holds."""
    now = at or datetime.now(UTC)
    told = _Told()
    try:
        _verify(read_package(content), trust, now, told)
        codes = {each.code for report in told.signatures for each in report.findings} | {each.code for each in told.findings}
        verdict = worst(told.signatures, doubtful=bool(codes & _DOUBTFUL))
        if verdict is Verdict.NO_SIGNATURE:
            told.findings.append(finding("NO_SIGNATURE"))
    except BadPackage as fault:
        verdict, told = Verdict.UNREADABLE, _Told(findings=[finding("PACKAGE_REFUSED", fault)])
    except MemoryError:
        verdict, told = Verdict.UNREADABLE, _Told(findings=[finding("RESOURCE_LIMIT", "memory")])
    except Exception as surprise:  # noqa: BLE001 -- the promise: hostile bytes never raise
        verdict, told = Verdict.UNREADABLE, _Told(findings=[finding("NOT_A_PACKAGE", type(surprise).__name__)])
    return Report(
        file=name,
        sha256=hashlib.sha256(content).hexdigest(),
        verdict=verdict,
        findings=tuple(dict.fromkeys(told.findings)),
        signatures=tuple(told.signatures),
        attachments=tuple(told.attachments),
        checked_at=now,
        policy=trust.version,
    )


@dataclass(slots=True, kw_only=True)
class _Told:
    findings: list[Finding] = field(default_factory=list)
    signatures: list[SignatureReport] = field(default_factory=list)
    attachments: list[AttachmentReport] = field(default_factory=list)
    covered: set[str] = field(default_factory=set)


def _verify(package: Package, trust: Trust, now: datetime, told: _Told) -> None:
    told.findings += package.findings
    manifests = _manifests(package, told)
    signatures = [each for each in package.metadata if _is_signature(each)]
    if len(signatures) > MAX_SIGNATURES:
        told.findings.append(finding("TOO_MANY_SIGNATURES", f"{len(signatures)} > {MAX_SIGNATURES}"))
    for each in signatures[:MAX_SIGNATURES]:
        if each.endswith(".xml"):
            _xades(each, package, trust, now, told)
        else:
            _detached(each, package, manifests, trust, now, told)
    if told.signatures:
        orphans = [each.signature for each in manifests if each.signature not in package.metadata]
        if orphans:
            told.findings.append(finding("ORPHAN_MANIFEST", ", ".join(orphans)))
        uncovered = [each for each in package.files if each not in told.covered]
        if uncovered:
            told.findings.append(finding("UNCOVERED_FILES", ", ".join(uncovered)))
    _inside(package, trust, now, told)


def _is_signature(name: str) -> bool:
    short = name.removeprefix(META).lower()
    if "/" in short or short in _OWN:
        return False
    return (
        ("signature" in short and short.endswith(".p7s"))
        or ("timestamp" in short and short.endswith(".tst"))
        or ("signatures" in short and short.endswith(".xml"))
    )


def _manifests(package: Package, told: _Told) -> list[Manifest]:
    found: list[Manifest] = []
    for name, data in package.metadata.items():
        short = name.removeprefix(META)
        if not short.startswith("ASiCManifest") or not short.endswith(".xml"):
            continue
        try:
            found.append(read_manifest(data))
        except Fault as fault:
            told.findings.append(finding("BAD_MANIFEST", f"{name}: {fault}"))
    return found


def _detached(name: str, package: Package, manifests: list[Manifest], trust: Trust, now: datetime, told: _Told) -> None:
    """A CAdES signature or a timestamp: over its manifest, in the simple form over the one file."""
    mine = [each for each in manifests if each.signature == name]
    names: tuple[str, ...]
    digests: tuple[str, ...] = ()
    if package.form is Form.SIMPLE and not manifests:
        if len(package.files) != 1:
            told.signatures.append(broken_report(name, code="BAD_MANIFEST", detail=f"{len(package.files)} files in ASiC-S"))
            return
        ((only_name, data),) = package.files.items()
        names = (only_name,)
    elif len(mine) != 1:
        told.signatures.append(broken_report(name, code="ORPHAN_MANIFEST", detail=f"{len(mine)} manifests name {name}"))
        return
    else:
        data = mine[0].content
        try:
            names, digests = _check_files(mine[0], package)
        except _Missing as fault:
            told.signatures.append(
                broken_report(
                    name,
                    code="MISSING_FILES",
                    detail=str(fault),
                    sub_indication=SubIndication.SIGNED_DATA_NOT_FOUND,
                    verdict=Verdict.INDETERMINATE,
                )
            )
            return
        except BadManifest as fault:
            told.signatures.append(
                broken_report(
                    name,
                    code="DIGEST_MISMATCH",
                    findings=(finding("BAD_MANIFEST", fault),),
                    sub_indication=SubIndication.HASH_FAILURE,
                    changes=Changes.FORBIDDEN,
                )
            )
            return
    whole = set(names) >= set(package.files)
    covers = finding("COVERS", ", ".join(names))
    if name.endswith(".tst"):
        report = _timestamp(name, package.metadata[name], data, trust, now, covers, whole=whole)
    else:
        report = judge_cades(
            data, package.metadata[name], trust, now=now, field=name, digests=digests, findings=(covers,), whole=whole
        )
    told.signatures.append(report)
    if report.intact:
        told.covered.update(names)


class _Missing(Fault):
    """A signed file is not there."""


def _check_files(manifest: Manifest, package: Package) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names that a manifest covers and the digests it uses, once every file is as it says. Raises BadManifest, _Missing."""
    everything: Mapping[str, bytes] = {**package.metadata, **package.files, MIMETYPE: package.form.encode()}
    missing = [each.name for each in manifest.files if each.name not in everything]
    if missing:
        raise _Missing(", ".join(missing))
    for each in manifest.files:
        if not hmac.compare_digest(digest_of(each.digest, everything[each.name]), each.value):
            raise BadManifest(each.name)
    return tuple(each.name for each in manifest.files), tuple(dict.fromkeys(each.digest for each in manifest.files))


def _timestamp(
    name: str, token: bytes, data: bytes, trust: Trust, now: datetime, covers: Finding, *, whole: bool
) -> SignatureReport:
    """A timestamp alone proves when, and nobody's will (4.3.3.3, 4.4.4)."""
    judged = judge_timestamp(token, lambda digest: digest_of(digest, data), _pool(token, trust, now), trust, at=now, now=now)
    told = (covers, finding(judged.code, judged.detail)) if judged.code else (covers,)
    certificate = judged.certificate
    broken = judged.verdict is Verdict.TOTAL_FAILED
    return SignatureReport(
        field=name,
        kind=SignatureKind.DOC_TIMESTAMP,
        signer=certificate.common_name if certificate else None,
        verdict=judged.verdict,
        sub_indication=judged.sub_indication,
        best_time=judged.time if judged.passed else None,
        covers_whole_file=whole and not broken,
        changes_after=Changes.NOT_UNDERSTOOD if broken else (Changes.NONE if whole else Changes.PERMITTED),
        findings=told,
        intact=not broken,
        names=dict(certificate.names) if certificate else {},
        certificate=certificate.der if certificate else None,
        timestamp=timestamp_told((judged,)),
    )


def _pool(token: bytes, trust: Trust, now: datetime) -> Pool:
    try:
        signed = read_token(token).signed
        certificates = tuple(load_certificate(each) for each in signed.certificates)
    except Fault:
        return Pool(certificates=())
    lists = (*signed.revocation_lists, *trust.revocation_lists)
    return Pool(certificates=certificates, lists=tuple(Value(der=each, proven=now) for each in lists))


def _xades(name: str, package: Package, trust: Trust, now: datetime, told: _Told) -> None:
    """XAdES signatures of the package: their references name its files."""
    report, covered = verify_covering(package.metadata[name], trust, at=now, files=package.files)
    if report.verdict in {Verdict.UNREADABLE, Verdict.NO_SIGNATURE}:
        told.signatures.append(broken_report(name, code="BAD_SIGNATURE_ELEMENT", findings=report.findings))
        return
    for each in report.signatures:
        names = [part.path for part in covered.get(each.field, ()) if part.element is None] if each.intact else []
        told.covered.update(names)
        whole = set(names) >= set(package.files)
        told.signatures.append(replace(each, field=f"{name}/{each.field}", covers_whole_file=whole))


def _inside(package: Package, trust: Trust, now: datetime, told: _Told) -> None:
    """The files, those that carry signatures of their own with their own report."""
    verified = 0
    bad: list[str] = []
    for name, data in package.files.items():
        report = None
        if verified < MAX_VERIFIED and _may_be_signed(data):
            verified += 1
            report = _report_inside(name, data, trust, now)
        if report is not None and report.verdict in {Verdict.TOTAL_FAILED, Verdict.INDETERMINATE}:
            bad.append(name)
        told.attachments.append(
            AttachmentReport(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data), report=report)
        )
    if bad:
        told.findings.append(finding("ATTACHMENT_NOT_PASSED", ", ".join(bad)))


def _may_be_signed(data: bytes) -> bool:
    return data.startswith(b"%PDF-") or (data.lstrip()[:1] == b"<" and b"SignatureValue" in data)


def _report_inside(name: str, data: bytes, trust: Trust, now: datetime) -> Report:
    if not data.startswith(b"%PDF-"):
        return verify_xml(data, trust, at=now, name=name)
    from signing.verification.verify import verify

    return verify(data, trust, at=now, name=name, depth=1)
