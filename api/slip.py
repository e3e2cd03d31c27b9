"""“Phiếu kiểm tra chữ ký số”: what a check found, on one page, sealed by the service that checked.

    sealer = sealer_of(wired)
    pdf = sealer.sealed(report, file_name="quyet-dinh.pdf", size=len(content))

The page says nothing that the report does not say; it is rendered like every document, so the data are in it, and the seal
is a signature like every other: `soky verify` judges the slip itself.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import documents
import signing
from api.demo.people import DEMO_PIN
from api.settings import BadSettings, ServiceSeal, Settings
from api.wiring import Wired, key_uri, timestamper_of
from signing.report import ChainLink, Changes, SignatureKind, SignatureReport, Verdict
from signing.second_opinion import in_pdf

DEMO_SERVICE = documents.SlipService(code="soky-kiem-tra-thu", name="Soky – dịch vụ kiểm tra (thử nghiệm)", place="Hải Phòng")
SERVICE = "soky-kiem-tra"
NOBODY = documents.SlipService(code="soky-khong-dau", name="Soky – dịch vụ kiểm tra", place="Việt Nam")
DEMO_SEAL = "dich-vu-kiem-tra"  # the file in the demo office's folder of keys

_VERDICTS: dict[Verdict, documents.SlipVerdict] = {
    Verdict.TOTAL_PASSED: "valid",
    Verdict.TOTAL_FAILED: "invalid",
    Verdict.INDETERMINATE: "unclear",
    Verdict.NO_SIGNATURE: "none",
    Verdict.UNREADABLE: "unreadable",
}
_INTEGRITY: dict[Changes, Literal["intact", "permitted", "changed", "not_understood"]] = {
    Changes.NONE: "intact",
    Changes.PERMITTED: "permitted",
    Changes.FORBIDDEN: "changed",
    Changes.NOT_UNDERSTOOD: "not_understood",
}
_KINDS: dict[SignatureKind, Literal["signature", "seal", "doc_timestamp"]] = {
    SignatureKind.SIGNATURE: "signature",
    SignatureKind.SEAL: "seal",
    SignatureKind.DOC_TIMESTAMP: "doc_timestamp",
}
_SCHEMES = {"rsa_pkcs1": "PKCS#1 v1.5", "rsa_pss": "PSS", "ecdsa": "ECDSA", "sha256": "SHA-256", "sha384": "SHA-384"}
_SAID_ELSEWHERE = {"ATTACHMENTS", "NO_SIGNATURE", "NO_TIMESTAMP", "PERMITTED_CHANGE"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealer:
    """The service's seal. Safe to share between threads: each slip opens the key for itself."""

    service: documents.SlipService
    open_key: Callable[[], AbstractContextManager[signing.Signer]]
    timestamper: signing.Timestamper | None = None  # None: the seal says only its own time (B-B)
    evidence: signing.Evidence | None = None  # with a timestamper: the seal is B-LT
    trust: signing.Trust | None = None
    demo: bool = False
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def sealed(self, report: signing.Report, *, file_name: str, size: int) -> bytes:
        """The slip of a report, sealed. Raises SigningError if the seal cannot be put; never for what the report holds."""
        at = report.checked_at or self.clock()
        pdf = unsealed(report, self.service, file_name=file_name, size=size, at=at, demo=self.demo)
        sealed_at = self.clock().astimezone(documents.LOCAL).replace(microsecond=0)
        request = signing.SignRequest(
            field="service_seals",
            kind="seal",
            level=self._level(),
            appearance=signing.Page(pdf=documents.seal_card(self.service.name, sealed_at, demo=self.demo)),
            name=self.service.name,
            location=self.service.place,
            reason="Phiếu kiểm tra chữ ký số",
            at=sealed_at,
        )
        with self.open_key() as signer:
            return signing.sign(pdf, request, signer, timestamper=self.timestamper, evidence=self.evidence, trust=self.trust)

    def _level(self) -> signing.Level:
        if self.timestamper is None:
            return signing.Level.B_B
        return signing.Level.B_T if self.evidence is None else signing.Level.B_LT


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSeal:
    """A service without a seal: its slips say so, in the place where the seal would be."""

    service: documents.SlipService
    demo: bool = False
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def sealed(self, report: signing.Report, *, file_name: str, size: int) -> bytes:
        """The slip of a report, marked as not sealed."""
        told = slip_of(report, self.service, file_name, size)
        at = report.checked_at or self.clock()
        return documents.render(documents.SLIP, documents.slip_data(told, at=at, demo=self.demo, sealed=False))


def unsealed(
    report: signing.Report, service: documents.SlipService, *, file_name: str, size: int, at: datetime, demo: bool
) -> bytes:
    """The page with an empty place for the seal."""
    return documents.render(documents.SLIP, documents.slip_data(slip_of(report, service, file_name, size), at=at, demo=demo))


def slip_of(report: signing.Report, service: documents.SlipService, file_name: str, size: int) -> documents.Slip:
    """A report in the words of the slip."""
    signed = [each.report for each in report.attachments if each.report is not None and each.report.signatures]
    stopped = any(finding.code == "RESOURCE_LIMIT" for finding in report.findings)
    return documents.Slip(
        service=service,
        file_name=Path(file_name).name,
        sha256=report.sha256,
        size=size,
        # A check that was stopped by its limits says nothing about the file.
        verdict="unclear" if stopped else _VERDICTS[report.verdict],
        policy=report.policy,
        signatures=[_signature(each) for each in report.signatures],
        signed_attachments=len(signed),
        valid_attachments=sum(each.passed for each in signed),
        notes=[
            *(_vietnamese(each.message) for each in report.findings if each.code not in _SAID_ELSEWHERE),
            *_covers(report),
        ],
    )


def _signature(found: SignatureReport) -> documents.SlipSignature:
    proved, claimed = found.best_time, found.claimed_time
    status = found.revocation.get("status")
    return documents.SlipSignature(
        kind=_KINDS[found.kind],
        verdict=_VERDICTS[found.verdict],
        signer=found.signer or "",
        organisation=found.names.get("O", ""),
        office=found.names.get("T", ""),
        time=proved or claimed,
        time_source="timestamp" if proved else "signer" if claimed else "none",
        integrity=_integrity(found),
        certificate=_certificate(found.chain[0]) if found.chain else None,
        revocation="good" if status == "good" else "revoked" if status == "revoked" else "unknown",
        algorithm=" ".join(_SCHEMES.get(word, word.upper()) for word in (found.algorithm or "").split()),
        level=found.level.value if found.level is not None else "",
        reason=_reason(found),
    )


def _certificate(link: ChainLink) -> documents.SlipCertificate:
    return documents.SlipCertificate(
        serial=link.serial, issuer=_common_name(link.issuer), not_before=link.not_before, not_after=link.not_after
    )


def _integrity(found: SignatureReport) -> Literal["intact", "part", "permitted", "changed", "not_understood", "not_checked"]:
    """As the page of checks says it: outside PDFs what was added or stands beside is simply not signed."""
    if not found.intact:
        return "changed" if _changed(found) else "not_checked"
    if found.changes_after is Changes.PERMITTED and not in_pdf(found):
        return "part"
    return _INTEGRITY[found.changes_after]


def _covers(report: signing.Report) -> list[str]:
    """What each signature says that it covers, where it is not the whole file: XML, packages."""
    several = len(report.signatures) > 1
    told = [
        (number, _vietnamese(each.message))
        for number, signature in enumerate(report.signatures, start=1)
        for each in signature.findings
        if each.code == "COVERS"
    ]
    return [f"Chữ ký {number}: {words}" if several else words for number, words in told]


def _changed(found: SignatureReport) -> bool:
    return any(finding.code == "DIGEST_MISMATCH" for finding in found.findings)


def _reason(found: SignatureReport) -> str:
    """Why it is not simply valid."""
    if found.verdict is Verdict.TOTAL_PASSED:
        return ""
    told = next((_vietnamese(each.message) for each in found.findings if each.code not in _SAID_ELSEWHERE), "")
    return ": ".join(filter(None, (str(found.sub_indication or ""), told)))


def _common_name(name: str) -> str:
    """CN of an RFC 4514 name, as far as one line of the slip needs it; the whole name where there is none."""
    parts = name.replace("\\,", "\0").split(",")
    found = next((part[3:] for part in parts if part.upper().startswith("CN=")), name)
    return found.replace("\0", ",")


def _vietnamese(message: str) -> str:
    return message.partition(" / ")[0]


_MAKING = threading.Lock()


def sealer_of(wired: Wired) -> Sealer | NoSeal:
    """An open office's: the demo authority's seal, the one that [service] names, or none. BadSettings for a wrong one."""
    desk = wired.office.desk
    if wired.authority is not None:
        return _demo_sealer(wired.authority, wired.settings, desk.clock, desk.trust)
    return _service_sealer(wired.settings, desk.timestamper, desk.evidence, desk.trust, desk.clock)


def office_sealer(settings: Settings, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Sealer | NoSeal:
    """The same from an office's folder alone, for the command line: nothing of the office is opened."""
    if settings.demo:
        authority = signing.DemoAuthority(settings.folder, clock=clock)
        return _demo_sealer(authority, settings, clock, signing.Trust.load([settings.trust_folder]))
    timestamper = timestamper_of(settings) if settings.timestamp_urls else None
    trust = signing.Trust.load([settings.trust_folder]) if settings.trust_folder.is_dir() else None
    return _service_sealer(settings, timestamper, signing.HttpEvidence(hosts=settings.revocation_hosts), trust, clock)


def _service_sealer(
    settings: Settings,
    timestamper: signing.Timestamper | None,
    evidence: signing.Evidence,
    trust: signing.Trust | None,
    clock: Callable[[], datetime],
) -> Sealer | NoSeal:
    """With the hosts of the authorities the seal is B-LT, without them B-T, without a timestamp authority B-B."""
    seal = settings.service
    if seal is None:
        return NoSeal(service=NOBODY, clock=clock)
    uri = key_uri(settings, seal.key)
    return Sealer(
        service=documents.SlipService(code=SERVICE, name=seal.name, place=seal.place),
        open_key=lambda: signing.open_signer(uri, lambda _: _pin(seal), prefer_pss=settings.prefer_pss),
        timestamper=timestamper,
        evidence=evidence if timestamper is not None and settings.revocation_hosts else None,
        trust=trust,
        clock=clock,
    )


def _pin(seal: ServiceSeal) -> str:
    """Read each time: it is kept nowhere in this process. BadSettings where a key asks for a PIN and none is named."""
    if seal.pin_file is None:
        raise BadSettings("soky.toml: [service] thiếu pin_file, khóa này cần mã PIN / needs pin_file: this key asks for a PIN")
    return seal.pin_file.read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")


def _demo_sealer(
    authority: signing.DemoAuthority, settings: Settings, clock: Callable[[], datetime], trust: signing.Trust
) -> Sealer:
    path = settings.folder.resolve() / "keys" / f"{DEMO_SEAL}.p12"
    return Sealer(
        service=DEMO_SERVICE,
        open_key=lambda: _opened(authority, path),
        timestamper=authority,
        evidence=authority,
        trust=trust,
        demo=True,
        clock=clock,
    )


def _opened(authority: signing.DemoAuthority, path: Path) -> AbstractContextManager[signing.Signer]:
    with _MAKING:
        if not path.is_file():
            authority.issue(
                DEMO_SERVICE.name,
                f"DEMO:{DEMO_SERVICE.code}",
                kind="seal",
                unit=DEMO_SERVICE.name,
                pin=DEMO_PIN,
                file=path.stem,
            )
    return signing.open_signer(f"file:{path}", lambda _: DEMO_PIN)
