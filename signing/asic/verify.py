"""Every signature and timestamp of a signed package, in the report of the PDFs: which files it covers, what it is worth.

    report = verify_package(content, Trust.load(["trust/"]))

EN 319 162-1: 4.3 (ASiC-S), 4.4 (ASiC-E with CAdES; with XAdES where the package brings META-INF/*signatures*.xml). Files that
no signature covers are named and keep the package from passing; signed files inside are verified in turn.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from signing.asic.manifest import Manifest, read_manifest
from signing.asic.package import META, BadPackage, Package, read_package
from signing.asic.proofs import Changed, Missing, PackageProofs, Unbound, is_timestamp, scope_of
from signing.beside_report import broken_report, holds_until, timestamp_told, worst
from signing.cades_verify import is_cms, judge_all_cades, verify_cades, verify_cms
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
from signing.signed_content import SignedContent
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.verification.timestamps import JudgedTimestamp
from signing.xml.references import Budget
from signing.xml.verify import verify_covering, verify_xml

MAX_SIGNATURES = 64  # signatures and timestamps that are judged
MAX_VERIFIED = 64  # signed files inside that are verified in turn
MAX_PACKAGES = 8  # of them packages, which unpack to more; one inside one inside this one is not opened
_PACKAGE = b"mimetypeapplication/vnd.etsi.asic-"  # name and content of the first entry (EN 319 162-1, A.1)
_OWN = ("manifest.xml", "container.xml", "metadata.xml")  # of ODF and EPUB: may stand in META-INF, nobody signs them
_DOUBTFUL = frozenset(
    {
        "UNCOVERED_FILES",
        "ORPHAN_MANIFEST",
        "BAD_MANIFEST",
        "ATTACHMENT_NOT_PASSED",
        "TOO_MANY_SIGNATURES",
        "DATA_AFTER_SIGNATURE",
    }
)


def verify_package(content: bytes, trust: Trust, *, at: datetime | None = None, name: str = "", depth: int = 0) -> Report:
    """Judge a package at a moment (default: now). Never raises for what it holds. `depth`: packages that it lies in."""
    now = at or datetime.now(UTC)
    told = _Told()
    try:
        _verify(read_package(content), trust, now, told, depth)
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
    covered: set[str] = field(default_factory=set)  # by somebody's signature
    dated: set[str] = field(default_factory=set)  # by a timestamp: nobody's will


def _verify(package: Package, trust: Trust, now: datetime, told: _Told, depth: int) -> None:
    told.findings += package.findings
    manifests = _manifests(package, told)
    proofs = PackageProofs(package, manifests, trust, now)
    signatures = [each for each in package.metadata if _is_signature(each)]
    if len(signatures) > MAX_SIGNATURES:
        told.findings.append(finding("TOO_MANY_SIGNATURES", f"{len(signatures)} > {MAX_SIGNATURES}"))
    budget = Budget()  # of all XAdES files together
    for each in signatures[:MAX_SIGNATURES]:
        if each.endswith(".xml"):
            _xades(each, package, trust, now, told, budget)
        elif is_timestamp(each):
            _timestamp(each, package, proofs, told)
        else:
            _detached(each, package, manifests, proofs, trust, now, told)
    if told.signatures:
        orphans = [each.signature for each in manifests if each.signature not in package.metadata]
        if orphans:
            told.findings.append(finding("ORPHAN_MANIFEST", ", ".join(orphans)))
        only_dated = all(each.kind is SignatureKind.DOC_TIMESTAMP for each in told.signatures)
        covered = told.dated if only_dated else told.covered
        uncovered = [each for each in package.files if each not in covered]
        if uncovered:
            told.findings.append(finding("UNCOVERED_FILES", ", ".join(uncovered)))
    extra = [each for each in package.metadata if not _has_a_purpose(each)]
    if extra:
        told.findings.append(finding("EXTRA_METADATA", ", ".join(extra)))
    _inside(package, trust, now, told, depth)


def _has_a_purpose(name: str) -> bool:
    """Whether a file below META-INF is one that the standard puts there."""
    short = name.removeprefix(META)
    manifest = short.startswith(("ASiCManifest", "ASiCArchiveManifest")) and short.endswith(".xml")
    return manifest or _is_signature(name) or short.lower() in _OWN


def _is_signature(name: str) -> bool:
    short = name.removeprefix(META).lower()
    if "/" in short or short in _OWN:
        return False
    return (
        ("signature" in short and short.endswith(".p7s"))
        or is_timestamp(name)
        or ("signatures" in short and short.endswith(".xml"))
    )


def _manifests(package: Package, told: _Told) -> list[Manifest]:
    found: list[Manifest] = []
    for name, data in package.metadata.items():
        short = name.removeprefix(META)
        if not short.startswith(("ASiCManifest", "ASiCArchiveManifest")) or not short.endswith(".xml"):
            continue
        try:
            found.append(read_manifest(data, name))
        except Fault as fault:
            told.findings.append(finding("BAD_MANIFEST", f"{name}: {fault}"))
    return found


def _detached(
    name: str,
    package: Package,
    manifests: list[Manifest],
    proofs: PackageProofs,
    trust: Trust,
    now: datetime,
    told: _Told,
) -> None:
    """A CAdES signature: over its manifest, in the simple form over the one file."""
    try:
        scope = scope_of(name, package, manifests)
    except Fault as fault:
        told.signatures.append(_unscoped(name, fault))
        return
    reports = judge_all_cades(
        SignedContent(scope.data),
        package.metadata[name],
        trust,
        now=now,
        field=name,
        digests=scope.digests,
        proofs=proofs.of(name),
        findings=(finding("COVERS", ", ".join(scope.names)),),
        whole=set(scope.names) >= set(package.files),
    )
    told.signatures += reports
    if any(each.intact for each in reports):
        told.covered.update(scope.names)


def _unscoped(name: str, fault: Fault) -> SignatureReport:
    """A signature or timestamp whose manifest does not fit the package."""
    if isinstance(fault, Missing):
        return broken_report(
            name,
            code="MISSING_FILES",
            detail=str(fault),
            sub_indication=SubIndication.SIGNED_DATA_NOT_FOUND,
            verdict=Verdict.INDETERMINATE,
        )
    if isinstance(fault, Changed):
        return broken_report(
            name,
            code="DIGEST_MISMATCH",
            findings=(finding("BAD_MANIFEST", fault),),
            sub_indication=SubIndication.HASH_FAILURE,
            changes=Changes.FORBIDDEN,
        )
    return broken_report(name, code="ORPHAN_MANIFEST", detail=str(fault))


def _timestamp(name: str, package: Package, proofs: PackageProofs, told: _Told) -> None:
    """A timestamp alone proves when, and nobody's will (4.3.3.3, 4.4.4)."""
    judged = proofs.judged.get(name)
    if judged is None:
        report = _unscoped(name, proofs.faults.get(name) or Unbound(name))
        told.signatures.append(replace(report, kind=SignatureKind.DOC_TIMESTAMP))
        return
    names = proofs.scopes[name].names
    whole = set(names) >= set(package.files)
    certificate = judged.certificate
    broken = judged.verdict is Verdict.TOTAL_FAILED
    findings = [finding("COVERS", ", ".join(names))]
    if judged.code:
        findings.append(finding(judged.code, judged.detail))
    told.signatures.append(
        SignatureReport(
            field=name,
            kind=SignatureKind.DOC_TIMESTAMP,
            signer=certificate.common_name if certificate else None,
            verdict=judged.verdict,
            sub_indication=judged.sub_indication,
            best_time=judged.time if judged.passed else None,
            covers_whole_file=whole and not broken,
            changes_after=Changes.NOT_UNDERSTOOD if broken else (Changes.NONE if whole else Changes.PERMITTED),
            findings=tuple(findings),
            intact=not broken,
            names=dict(certificate.names) if certificate else {},
            certificate=certificate.der if certificate else None,
            timestamp=timestamp_told((judged,)),
            renewal_date=_renewal_date(judged),
        )
    )
    if not broken:
        told.dated.update(names)


def _renewal_date(judged: JudgedTimestamp) -> datetime | None:
    if not judged.passed or judged.chain is None or judged.token is None:
        return None
    return holds_until(judged.chain, judged.token.signed.scheme)


def _xades(name: str, package: Package, trust: Trust, now: datetime, told: _Told, budget: Budget) -> None:
    """XAdES signatures of the package: their references name its files."""
    report, covered = verify_covering(package.metadata[name], trust, at=now, files=package.files, budget=budget)
    told.findings += [each for each in report.findings if each.code == "TOO_MANY_SIGNATURES"]
    if report.verdict in {Verdict.UNREADABLE, Verdict.NO_SIGNATURE}:
        told.signatures.append(broken_report(name, code="BAD_SIGNATURE_ELEMENT", findings=report.findings))
        return
    for each in report.signatures:
        names = [part.path for part in covered.get(each.field, ()) if part.element is None] if each.intact else []
        told.covered.update(names)
        whole = set(names) >= set(package.files)
        told.signatures.append(replace(each, field=f"{name}/{each.field}", covers_whole_file=whole))


def _inside(package: Package, trust: Trust, now: datetime, told: _Told, depth: int) -> None:
    """The files, those that carry signatures of their own with their own report."""
    verified = packages = cut = 0
    bad: list[str] = []
    for name, data in package.files.items():
        report = None
        is_package = _PACKAGE in data[:100]
        if verified < MAX_VERIFIED and not (is_package and (depth or packages >= MAX_PACKAGES)):
            report = _report_inside(name, data, package, trust, now)
            verified += report is not None
            packages += is_package
        else:
            cut += is_package
        if report is not None and (report.verdict in _NOT_PASSED or (is_package and report.verdict is Verdict.UNREADABLE)):
            bad.append(name)
        told.attachments.append(
            AttachmentReport(name=name, sha256=hashlib.sha256(data).hexdigest(), size=len(data), report=report)
        )
    if bad:
        told.findings.append(finding("ATTACHMENT_NOT_PASSED", ", ".join(bad)))
    if cut:
        told.findings.append(finding("ATTACHMENTS_CUT", cut))


_NOT_PASSED = frozenset({Verdict.TOTAL_FAILED, Verdict.INDETERMINATE})


def _report_inside(name: str, data: bytes, package: Package, trust: Trust, now: datetime) -> Report | None:
    """A PDF, a signed XML, a package, or a CMS with its content inside or beside it (`a.csv.p7s` for `a.csv`); else None."""
    if data.startswith(b"%PDF-"):
        from signing.verification.verify import verify

        return verify(data, trust, at=now, name=name, depth=1)
    if _PACKAGE in data[:100]:
        return verify_package(data, trust, at=now, name=name, depth=1)
    if data.lstrip()[:1] == b"<" and b"SignatureValue" in data:
        return verify_xml(data, trust, at=now, name=name)
    if is_cms(data):
        beside = package.files.get(name.rpartition(".")[0])
        if beside is not None:
            return verify_cades(beside, data, trust, at=now, name=name)
        alone = verify_cms(data, trust, at=now, name=name)
        told = {each.code for report in alone.signatures for each in report.findings}
        return None if "CONTENT_NOT_HERE" in told else alone
    return None
