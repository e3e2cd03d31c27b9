"""The story of a verification: open, find, judge, look at what came after, tell.

report = verify(pdf, Trust.load(["trust/"]))
"""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime

from signing.report import (
    AttachmentReport,
    ChainLink,
    Changes,
    Finding,
    Report,
    SignatureKind,
    SignatureReport,
    SubIndication,
    Verdict,
)
from signing.trust import Trust
from signing.verification.certificates import Certificate
from signing.verification.contents import Attached, Contents, look_inside
from signing.verification.doubts import open_with_doubts, stains
from signing.verification.facts import Coverage, Later, SignedDocument
from signing.verification.faults import BadStructure, Encrypted, Fault, NeedsPassword, WrongPassword
from signing.verification.judgement import Judged, claim_doubts, claimed_time, judge
from signing.verification.kinds import kind_of
from signing.verification.levels import name_level, renewal_date
from signing.verification.structure import read_document
from signing.verification.words import finding

MAX_BYTES = 512 * 1024 * 1024  # of one file
MAX_DEPTH = 2  # attachments inside attachments: a volume holds sheets, a sheet may hold its data
MAX_ATTACHMENTS = 64  # that are verified in turn; a class book has 13 sheets

_BYTE_RANGE = re.compile(rb"/ByteRange[\x00\t\n\f\r ]*\[([^\]]{0,200})\]")
_SUBFILTER = re.compile(rb"/SubFilter[\x00\t\n\f\r ]*/(?:adbe\.|ETSI\.)")


def verify(
    pdf: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    fetch: bool = False,
    name: str = "",
    depth: int = 0,
    password: str | None = None,
) -> Report:
    """Judge every signature of a PDF at a moment (default: now). Never raises for what the file holds.

    `password` opens an encrypted file, the owner's or the user's; it stands in no report.

    Raises ValueError for a moment without a zone: that is the caller's mistake. `fetch` asks the hosts that the
    trust bundle allows for revocation data; no other address is ever asked.
    """
    if at is not None and at.tzinfo is None:
        raise ValueError(f"the moment {at} has no zone; expected one such as +07:00")
    now = at or datetime.now(UTC)
    sha256 = hashlib.sha256(pdf).hexdigest()
    try:
        if fetch:
            from signing.verification.fetching import with_fetched

            trust = with_fetched(pdf, trust, now, password)
        told = _verify(pdf, trust, now, depth, password)
    except Encrypted as fault:
        told = _Told(verdict=Verdict.UNREADABLE, findings=(_locked(fault),))
    except Fault as fault:
        told = _Told(verdict=Verdict.UNREADABLE, findings=(finding("UNREADABLE", fault), *_orphans(pdf, ())))
    except MemoryError:
        told = _Told(verdict=Verdict.UNREADABLE, findings=(finding("RESOURCE_LIMIT", "memory"),))
    except Exception as surprise:  # noqa: BLE001 -- the promise: hostile bytes never raise
        told = _Told(verdict=Verdict.UNREADABLE, findings=(finding("UNREADABLE", type(surprise).__name__), *_orphans(pdf, ())))
    return Report(
        file=name,
        sha256=sha256,
        verdict=told.verdict,
        findings=told.findings,
        signatures=told.signatures,
        attachments=told.attachments,
        checked_at=now,
        policy=trust.version,
    )


class _Told:
    """The parts of a report that depend on what the file holds."""

    def __init__(
        self,
        *,
        verdict: Verdict,
        findings: tuple[Finding, ...] = (),
        signatures: tuple[SignatureReport, ...] = (),
        attachments: tuple[AttachmentReport, ...] = (),
    ) -> None:
        self.verdict, self.findings, self.signatures, self.attachments = verdict, findings, signatures, attachments


def _locked(fault: Encrypted) -> Finding:
    """Why an encrypted file stayed closed: it must never read as one without signatures."""
    if isinstance(fault, WrongPassword):
        return finding("WRONG_PASSWORD")
    return finding("ENCRYPTED") if isinstance(fault, NeedsPassword) else finding("UNKNOWN_ENCRYPTION", fault)


def _verify(content: bytes, trust: Trust, now: datetime, depth: int, password: str | None) -> _Told:
    if len(content) > MAX_BYTES:
        return _Told(verdict=Verdict.UNREADABLE, findings=(finding("TOO_LARGE", len(content)),))
    if not content:
        return _Told(verdict=Verdict.UNREADABLE, findings=(finding("EMPTY_FILE"),))
    header = content.find(b"%PDF-", 0, 1024)
    if header < 0:
        return _Told(verdict=Verdict.UNREADABLE, findings=(finding("NOT_A_PDF"), *_orphans(content, ())))
    pdf, doubts = open_with_doubts(content, header, password)
    document = read_document(pdf, len(content))
    judged = judge(document, trust, now=now)
    stained = bool(stains(doubts, document))
    reports = tuple(_report(each, document, stained=stained) for each in judged)
    contents = look_inside(pdf)
    attachments = _attachments(contents.attached, trust, judged, now, depth)
    findings = (
        *doubts,
        *document.findings,
        *contents.findings,
        *_orphans(content, reports, document, contents),
        *_attachment_findings(attachments, contents),
    )
    verdict = _verdict(reports, findings)
    if verdict is Verdict.NO_SIGNATURE:
        findings += (finding("NO_SIGNATURE"),)
    return _Told(verdict=verdict, findings=findings, signatures=reports, attachments=attachments)


def _report(judged: Judged, document: SignedDocument, *, stained: bool) -> SignatureReport:
    """One signature's part of the report: cryptography and certificate AND what happened to the document since."""
    found = judged.found
    later = _later(judged, document, stained=stained)
    verdict, sub = _combine(judged, later)
    named = name_level(judged, document)
    certificate = judged.certificate
    findings = [*found.notes]
    if found.fault is not None:
        findings.append(found.fault)
    elif judged.code is not None:
        findings.append(finding(judged.code, judged.detail))
    findings += _time_findings(judged)
    findings += later.findings
    findings += named.findings if verdict is not Verdict.TOTAL_FAILED else ()
    return SignatureReport(
        field=found.field,
        kind=SignatureKind.DOC_TIMESTAMP if found.is_timestamp else kind_of(certificate, found.field),
        signer=certificate.common_name if certificate else None,
        verdict=verdict,
        sub_indication=sub,
        level=named.level,
        claimed_time=claimed_time(judged),
        best_time=judged.best_time if judged.time_is_proved else None,
        covers_whole_file=found.coverage is Coverage.WHOLE_FILE and not stained,
        changes_after=later.changes,
        changed_fields=later.changed_fields,
        findings=tuple(dict.fromkeys(findings)),
        intact=judged.checked is not None and judged.checked.sound,
        names=dict(certificate.names) if certificate else {},
        certificate=certificate.der if certificate else None,
        chain=tuple(_link(each) for each in (judged.chain.chain if judged.chain else ())),
        algorithm=_algorithm(judged),
        revocation=_revocation(judged),
        timestamp=_timestamp(judged),
        renewal_date=renewal_date(judged),
        signed_revision=found.revision if found.fault is None else None,
        signed_bytes=found.end if found.fault is None else None,
        certifies=found.certifies,
    )


def _later(judged: Judged, document: SignedDocument, *, stained: bool) -> Later:
    found = judged.found
    if found.fault is not None or found.coverage is Coverage.UNCLEAR:
        return Later(changes=Changes.NOT_UNDERSTOOD)
    try:
        later = document.later(found)
    except Fault as fault:
        return Later(changes=Changes.NOT_UNDERSTOOD, findings=(finding("CHANGE_NOT_UNDERSTOOD", fault),))
    except Exception as surprise:  # noqa: BLE001 -- hostile structure: not understood is the answer
        return Later(changes=Changes.NOT_UNDERSTOOD, findings=(finding("CHANGE_NOT_UNDERSTOOD", type(surprise).__name__),))
    if stained and later.changes in {Changes.NONE, Changes.PERMITTED}:
        return Later(changes=Changes.NOT_UNDERSTOOD, findings=later.findings, changed_fields=later.changed_fields)
    return later


def _combine(judged: Judged, later: Later) -> tuple[Verdict, SubIndication | None]:
    """The worse of both: a signature over a document that was changed is no valid signature of that document."""
    if judged.verdict is Verdict.TOTAL_FAILED:
        return judged.verdict, judged.sub_indication
    if later.changes is Changes.FORBIDDEN:
        return Verdict.TOTAL_FAILED, SubIndication.FORMAT_FAILURE
    if judged.verdict is not Verdict.TOTAL_PASSED:
        return judged.verdict, judged.sub_indication
    drawn = any(each.code in {"ANNOTATION_MAY_COVER", "FIELD_MAY_COVER", "FIELD_SHOWS_OTHER"} for each in later.findings)
    if later.changes is Changes.NOT_UNDERSTOOD or drawn:
        return Verdict.INDETERMINATE, SubIndication.SIG_CONSTRAINTS_FAILURE
    return Verdict.TOTAL_PASSED, None


def _time_findings(judged: Judged) -> list[Finding]:
    found: list[Finding] = []
    if judged.checked is None:
        return found
    found += [finding(note) for note in judged.checked.notes]
    if not judged.found.is_timestamp:
        found += [finding(each.code, each.detail) for each in judged.timestamps if each.code]
        found += [finding(code, detail) for code, detail in claim_doubts(judged)]
        if not judged.timestamps and not judged.proofs and judged.checked.sound:
            found.append(finding("NO_TIMESTAMP"))
    if judged.chain is not None and judged.chain.passed and judged.chain.unknown:
        names = ", ".join(each.common_name for each in judged.chain.unknown)
        found.append(finding("REVOCATION_UNKNOWN", names))
    if judged.chain is not None and judged.chain.passed and judged.chain.doubted:
        found.append(finding("WORD_OF_REVOKED_ISSUER", ", ".join(each.common_name for each in judged.chain.doubted)))
    return found


def _link(certificate: Certificate) -> ChainLink:
    return ChainLink(
        subject=certificate.subject_text,
        issuer=certificate.issuer_text,
        serial=f"{certificate.serial:x}",
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        sha256=certificate.fingerprint.hex(),
    )


def _algorithm(judged: Judged) -> str | None:
    if judged.signed is None:
        return None
    scheme, certificate = judged.signed.scheme, judged.certificate
    size = f"{certificate.key_kind}-{certificate.key_bits} " if certificate else ""
    return f"{size}{scheme.name} {scheme.digest}"


def _revocation(judged: Judged) -> dict[str, str | None]:
    chain = judged.chain
    if chain is None or not chain.chain:
        return {}
    answer = chain.answers.get(chain.chain[0])
    known = "good" if answer is not None else "unknown"
    return {
        "status": "revoked" if chain.revoked_at is not None else known,
        "source": answer.source if answer else None,
        "issued": answer.issued.isoformat() if answer else None,
        "revoked_at": chain.revoked_at.isoformat() if chain.revoked_at else None,
    }


def _timestamp(judged: Judged) -> dict[str, str | None]:
    if not judged.timestamps:
        return {}
    best = next((each for each in judged.timestamps if each.passed), judged.timestamps[0])
    return {
        "verdict": str(best.verdict),
        "sub_indication": str(best.sub_indication) if best.sub_indication else None,
        "time": best.time.isoformat() if best.time else None,
        "authority": best.certificate.common_name if best.certificate else None,
    }


def _orphans(
    content: bytes,
    reports: tuple[SignatureReport, ...],
    document: SignedDocument | None = None,
    contents: Contents | None = None,
) -> tuple[Finding, ...]:
    """Signature data in the raw file that no field accounts for: "no signatures" would be a lie."""
    known = {found.byte_range for found in document.signatures} if document else set()
    hidden = (*(contents.hidden if contents else ()), *(document.rights if document else ()))

    def strange(pattern: re.Pattern[bytes]) -> Iterator[re.Match[bytes]]:
        """What was found outside attached files and usage rights."""
        for match in pattern.finditer(content):
            if not any(start <= match.start() < stop for start, stop in hidden):
                yield match

    for match in strange(_BYTE_RANGE):
        try:
            numbers = tuple(int(each) for each in match.group(1).split())
        except ValueError:
            numbers = ()
        if numbers not in known:
            return (finding("ORPHAN_SIGNATURE_DATA"),)
    # A file that was cut off inside its signature has no byte range any more.
    if not reports and next(strange(_SUBFILTER), None) is not None:
        return (finding("ORPHAN_SIGNATURE_DATA"),)
    return ()


def _verdict(reports: tuple[SignatureReport, ...], findings: tuple[Finding, ...]) -> Verdict:
    """The worst of all signatures; what taints the whole file counts as well."""
    verdicts = {report.verdict for report in reports}
    codes = {each.code for each in findings}
    if Verdict.TOTAL_FAILED in verdicts or (not reports and "ORPHAN_SIGNATURE_DATA" in codes):
        return Verdict.TOTAL_FAILED
    if not reports:
        return Verdict.NO_SIGNATURE
    doubtful = {
        "ORPHAN_SIGNATURE_DATA",
        "DATA_BEFORE_HEADER",
        "TRAILING_DATA",
        "HYBRID_XREF",
        "NOT_STRICT",
        "HIDDEN_OBJECTS",
        "SHARED_SIGNATURE",
        "ATTACHMENT_NOT_PASSED",
    }
    if Verdict.INDETERMINATE in verdicts or codes & doubtful:
        return Verdict.INDETERMINATE
    return Verdict.TOTAL_PASSED


def _proved_since(attached: Attached, judged: tuple[Judged, ...], now: datetime) -> datetime:
    """Since when what is attached is proved to exist: by the valid signatures and timestamps whose digest holds its bytes.

    So a sheet whose signer's certificate has expired since is judged as of its binding (EN 319 102-1, 5.6.2.3), and one
    that was attached later as of then.
    """
    proofs = (each for each in judged if each.verdict is Verdict.TOTAL_PASSED and each.time_is_proved)
    return min((each.best_time for each in proofs if each.found.end >= attached.stop), default=now)


def _attachments(
    attached: tuple[Attached, ...], trust: Trust, judged: tuple[Judged, ...], now: datetime, depth: int
) -> tuple[AttachmentReport, ...]:
    reports: list[AttachmentReport] = []
    verified = 0
    for each in attached:
        report = None
        if depth < MAX_DEPTH and verified < MAX_ATTACHMENTS and is_pdf(each.content):
            verified += 1
            report = verify(each.content, trust, at=_proved_since(each, judged, now), name=each.name, depth=depth + 1)
        reports.append(
            AttachmentReport(
                name=each.name,
                sha256=hashlib.sha256(each.content).hexdigest(),
                size=len(each.content),
                report=report,
            )
        )
    return tuple(reports)


def _attachment_findings(attachments: tuple[AttachmentReport, ...], contents: Contents) -> tuple[Finding, ...]:
    """An attached PDF that fails or cannot be read pulls the whole down; one without signatures is only an attachment."""
    bad = [
        each.name
        for each in attachments
        if each.report is not None and each.report.verdict not in {Verdict.TOTAL_PASSED, Verdict.NO_SIGNATURE}
    ]
    found = [finding("ATTACHMENT_NOT_PASSED", ", ".join(bad))] if bad else []
    left = [each for each, told in zip(contents.attached, attachments, strict=True) if told.report is None]
    cut = contents.cut + sum(is_pdf(each.content) for each in left)
    if cut:
        found.append(finding("ATTACHMENTS_CUT", cut))
    return tuple(found)


def is_pdf(content: bytes) -> bool:
    """Whether a reader would open it as a PDF (ISO 32000-2 annex I: the header within the first 1024 bytes)."""
    return content.find(b"%PDF-", 0, 1024) >= 0


__all__ = ["BadStructure", "verify"]
