"""The report of a signature that does not stand in a PDF: its level, its findings, until when its proofs hold.

    report = signature_report("CBQL", given, worth, covers_whole_file=False, changes=Changes.PERMITTED)
    report = broken_report("CBQL", code="DUPLICATE_ID", detail="#data")       # one that got no further than its format

Levels: EN 319 122-1 and EN 319 132-1, clause 6, which name the same steps B-B, B-T, B-LT, B-LTA.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from signing.beside import Given, Worth
from signing.findings import finding
from signing.levels import Level
from signing.report import ChainLink, Changes, Finding, SignatureReport, SubIndication, Verdict
from signing.verification.algorithms import ends
from signing.verification.certificates import Certificate
from signing.verification.kinds import kind_of
from signing.verification.paths import ChainVerdict
from signing.verification.revocation import CLOCK_SKEW, Value, answers
from signing.verification.signed_data import Scheme
from signing.verification.timestamps import JudgedTimestamp


def signature_report(
    field: str,
    given: Given,
    worth: Worth,
    *,
    covers_whole_file: bool,
    changes: Changes,
    findings: Sequence[Finding] = (),
    verdict: tuple[Verdict, SubIndication | None] | None = None,
) -> SignatureReport:
    """The report; `verdict` is a worse one that the caller found, and wins over a passed one."""
    told, sub = worth.verdict, worth.sub_indication
    if verdict is not None and told is Verdict.TOTAL_PASSED:
        told, sub = verdict
    level, reasons = name_level(given, worth)
    return SignatureReport(
        field=field,
        kind=kind_of(given.certificate, field),
        signer=given.certificate.common_name,
        verdict=told,
        sub_indication=sub,
        level=level,
        claimed_time=given.claimed,
        best_time=worth.best_time if worth.time_is_proved else None,
        covers_whole_file=covers_whole_file,
        changes_after=changes,
        findings=tuple(dict.fromkeys((*findings, *_findings(worth), *reasons))),
        intact=True,
        names=dict(given.certificate.names),
        certificate=given.certificate.der,
        chain=tuple(_link(each) for each in worth.chain.chain),
        algorithm=algorithm_name(given.certificate, given.scheme),
        revocation=_revocation(worth),
        timestamp=timestamp_told(worth.timestamps or worth.archives),
        renewal_date=_renewal_date(given, worth),
    )


def broken_report(
    field: str,
    *,
    code: str,
    detail: str = "",
    sub_indication: SubIndication = SubIndication.FORMAT_FAILURE,
    verdict: Verdict = Verdict.TOTAL_FAILED,
    certificate: Certificate | None = None,
    scheme: Scheme | None = None,
    changes: Changes = Changes.NOT_UNDERSTOOD,
    claimed: datetime | None = None,
    findings: Iterable[Finding] = (),
    intact: bool = False,
) -> SignatureReport:
    """The report of a signature that got no further than its format or its cryptography.

    `intact`: digests and value do fit, it is the signer that nothing names.
    """
    return SignatureReport(
        field=field,
        kind=kind_of(certificate, field),
        signer=certificate.common_name if certificate else None,
        verdict=verdict,
        sub_indication=sub_indication,
        claimed_time=claimed,
        changes_after=changes,
        findings=tuple(dict.fromkeys((finding(code, detail), *findings))),
        intact=intact,
        names=dict(certificate.names) if certificate else {},
        certificate=certificate.der if certificate else None,
        algorithm=algorithm_name(certificate, scheme) if scheme else None,
    )


def worst(reports: Iterable[SignatureReport], *, doubtful: bool = False) -> Verdict:
    """The verdict on a file: the worst of its signatures, and at best INDETERMINATE where something taints the whole."""
    verdicts = {report.verdict for report in reports}
    if not verdicts:
        return Verdict.NO_SIGNATURE
    for verdict in (Verdict.TOTAL_FAILED, Verdict.UNREADABLE):
        if verdict in verdicts:
            return Verdict.TOTAL_FAILED
    return Verdict.INDETERMINATE if doubtful or Verdict.INDETERMINATE in verdicts else Verdict.TOTAL_PASSED


# Levels


def name_level(given: Given, worth: Worth) -> tuple[Level | None, tuple[Finding, ...]]:  # noqa: PLR0911 -- one per step
    """The highest level whose conditions are met, and why it is not the next."""
    if given.not_baseline:
        return None, (finding("LEVEL_NOT_MET", f"B-B: {given.not_baseline}"),)
    if not worth.proved:
        reasons = (finding("LEVEL_NOT_MET", "B-T: no timestamp over the signature value"),) if worth.proofs else ()
        return Level.B_B, reasons
    if not worth.chain.passed:
        return Level.B_T, (finding("LEVEL_NOT_MET", "B-LT: no valid chain"),)
    kept = [[value for value, _ in values] for values in (worth.material.ocsps, worth.material.lists)]
    missing = _first_without_word(worth, kept[0], kept[1])
    if missing is not None:
        return Level.B_T, (finding("LEVEL_NOT_MET", f"B-LT: {missing.common_name}"),)
    word = worth.chain.answers.get(worth.chain.chain[0])
    if word is not None and word.issued + CLOCK_SKEW < worth.best_time:
        detail = f"{word.issued.isoformat()} < {worth.best_time.isoformat()}"
        return Level.B_T, (finding("EVIDENCE_OLDER_THAN_TIMESTAMP", detail),)
    archives = [each for each in worth.proofs if each.is_archive]
    if not archives:
        return Level.B_LT, ()
    uncovered = [_first_without_word(worth, *worth.material.under(proof)) for proof in archives]
    if None not in uncovered:
        names = ", ".join(each.common_name for each in uncovered if each is not None)
        return Level.B_LT, (finding("LEVEL_NOT_MET", f"B-LTA: the archive timestamp does not cover the word on {names}"),)
    return Level.B_LTA, ()


def _first_without_word(worth: Worth, ocsps: Sequence[bytes], lists: Sequence[bytes]) -> Certificate | None:
    """The first certificate of the signer's or a timestamp's chain about which these values say nothing for its moment."""
    asked = [(worth.chain, worth.best_time), *((each.chain, each.time) for each in worth.proved if each.chain and each.time)]
    for chain, moment in asked:
        values, more = ([Value(der=der, proven=moment) for der in ders] for ders in (ocsps, lists))
        for certificate, issuer in pairwise(chain.chain):
            if certificate.no_revocation_check:
                continue
            if not any(each.usable_at(moment) for each in answers(certificate, issuer, values, more)):
                return certificate
    return None


def _renewal_date(given: Given, worth: Worth) -> datetime | None:
    """Until when the newest proof holds: its authority's certificates and its algorithms."""
    held = [each.timestamp for each in worth.proofs] or list(worth.proved)
    newest = max(held, key=lambda each: each.time or worth.best_time, default=None)
    if newest is not None and newest.chain is not None and newest.token is not None:
        return holds_until(newest.chain, newest.token.signed.scheme)
    return holds_until(worth.chain, given.scheme) if worth.chain.passed else None


def holds_until(chain: ChainVerdict, scheme: Scheme) -> datetime | None:
    """Until when a timestamp or signature proves anything by itself: its certificates and its algorithms."""
    made = [(scheme.digest, scheme.name, chain.chain[0])]
    made += [(below.digest or "", below.scheme, above) for below, above in pairwise(chain.chain)]
    limits = [each.not_after for each in chain.chain[:-1]]
    limits += [
        end
        for digest, padding, by in made
        if (end := ends(digest=digest or None, key=by.key_kind, bits=by.key_bits, scheme=padding)) is not None
    ]
    return min(limits, default=None)


# The parts of the report.


def _findings(worth: Worth) -> Iterable[Finding]:
    if worth.code is not None:
        yield finding(worth.code, worth.detail)
    told = (*worth.timestamps, *worth.archives)
    yield from (finding(each.code, each.detail) for each in told if each.code)
    if not told and not worth.proofs:
        yield finding("NO_TIMESTAMP")
    if worth.chain.passed and worth.chain.unknown:
        yield finding("REVOCATION_UNKNOWN", ", ".join(each.common_name for each in worth.chain.unknown))


def _link(certificate: Certificate) -> ChainLink:
    return ChainLink(
        subject=certificate.subject_text,
        issuer=certificate.issuer_text,
        serial=f"{certificate.serial:x}",
        not_before=certificate.not_before,
        not_after=certificate.not_after,
        sha256=certificate.fingerprint.hex(),
    )


def algorithm_name(certificate: Certificate | None, scheme: Scheme) -> str:
    """As the reports of PDF signatures write it: "rsa-2048 rsa_pkcs1 sha256"."""
    size = f"{certificate.key_kind}-{certificate.key_bits} " if certificate else ""
    return f"{size}{scheme.name} {scheme.digest}"


def _revocation(worth: Worth) -> dict[str, str | None]:
    chain = worth.chain
    if not chain.chain:
        return {}
    answer = chain.answers.get(chain.chain[0])
    status = "revoked" if chain.revoked_at is not None else ("good" if answer is not None else "unknown")
    return {
        "status": status,
        "source": answer.source if answer else None,
        "issued": answer.issued.isoformat() if answer else None,
        "revoked_at": chain.revoked_at.isoformat() if chain.revoked_at else None,
    }


def timestamp_findings(report: SignatureReport) -> frozenset[Finding]:
    """What is wrong with the timestamps of a signature."""
    return frozenset(each for each in report.findings if each.code in {"TIMESTAMP_BROKEN", "TIMESTAMP_NOT_TRUSTED"})


def timestamp_told(timestamps: Sequence[JudgedTimestamp]) -> dict[str, str | None]:
    """The timestamp that counts, or the first that does not."""
    if not timestamps:
        return {}
    best = next((each for each in timestamps if each.passed), timestamps[0])
    return {
        "verdict": str(best.verdict),
        "sub_indication": str(best.sub_indication) if best.sub_indication else None,
        "time": best.time.isoformat() if best.time else None,
        "authority": best.certificate.common_name if best.certificate else None,
    }
