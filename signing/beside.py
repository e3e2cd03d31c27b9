"""Signatures that do not stand in a PDF (XAdES, CAdES): judged at their best time, told in the one shape of report.

    worth = weigh(given, trust, now=now)          # chain, timestamps, algorithms: EN 319 102-1, 5.2.6, 5.2.8, 5.5
    report = signature_report("CBQL", given, worth, covers_whole_file=False, changes=Changes.PERMITTED)

Format and cryptography (5.2.2, 5.2.7) are the caller's: they differ. Time, trust and revocation are the same everywhere, and
every step here is a call to the machinery of `signing.verification`.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

from signing.findings import finding
from signing.levels import Level
from signing.report import ChainLink, Changes, Finding, SignatureReport, SubIndication, Verdict
from signing.trust import Trust, Use
from signing.verification.algorithms import ends, weakness
from signing.verification.certificates import Certificate, load_certificate
from signing.verification.faults import BadCertificate, Fault
from signing.verification.kinds import kind_of
from signing.verification.paths import ChainVerdict, Pool, judge_chain
from signing.verification.revocation import CLOCK_SKEW, MAX_ANSWERS, Value, answers
from signing.verification.signed_data import Scheme, SignedData
from signing.verification.timestamps import JudgedTimestamp, judge_timestamp, read_token

MAX_POOL = 128  # certificates of one signature and its timestamps; real ones have about eight


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A timestamp token and the digest that its imprint must be, by the name of the digest algorithm."""

    token: bytes
    expected: Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A signature whose value fits what it signs; everything else about it is still to be judged."""

    certificate: Certificate
    scheme: Scheme
    digests: tuple[str, ...]  # every algorithm that stands between the data and the value
    stamps: tuple[Stamp, ...] = ()
    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    claimed: datetime | None = None
    not_baseline: str = ""  # why it is not even B-B


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the signature is worth at its best time."""

    verdict: Verdict
    sub_indication: SubIndication | None
    code: str | None
    detail: str
    chain: ChainVerdict
    timestamps: tuple[JudgedTimestamp, ...]
    best_time: datetime
    time_is_proved: bool

    @property
    def proved(self) -> tuple[JudgedTimestamp, ...]:
        """The timestamps whose time is evidence."""
        return tuple(each for each in self.timestamps if each.passed)


def weigh(given: Given, trust: Trust, *, now: datetime) -> Worth:
    """Clauses 5.5.4 (timestamps), 5.2.6 (certificate at the best time), 5.2.8 (algorithms), in that order."""
    pool = _pool(given, trust, now)
    timestamps = tuple(judge_timestamp(each.token, each.expected, pool, trust, at=now, now=now) for each in given.stamps)
    times = [each.time for each in timestamps if each.passed and each.time]
    best = min([now, *times])
    proved = bool(times) and best < now
    chain = judge_chain(given.certificate, pool, trust, at=best, now=now, use=Use.SIGNING, proven=proved)
    worth = Worth(
        verdict=chain.verdict,
        sub_indication=chain.sub_indication,
        code=chain.code,
        detail=chain.detail,
        chain=chain,
        timestamps=timestamps,
        best_time=best,
        time_is_proved=proved,
    )
    return _with_claim(_with_algorithms(worth, given), given)


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
        timestamp=timestamp_told(worth.timestamps),
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
) -> SignatureReport:
    """The report of a signature that got no further than its format or its cryptography."""
    return SignatureReport(
        field=field,
        kind=kind_of(certificate, field),
        signer=certificate.common_name if certificate else None,
        verdict=verdict,
        sub_indication=sub_indication,
        claimed_time=claimed,
        changes_after=changes,
        findings=tuple(dict.fromkeys((finding(code, detail), *findings))),
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


# Levels: EN 319 122-1 and EN 319 132-1, clause 6, which name the same four steps.


def name_level(given: Given, worth: Worth) -> tuple[Level | None, tuple[Finding, ...]]:
    """The highest level whose conditions are met, and why it is not the next. Archive timestamps are not read: no B-LTA."""
    if given.not_baseline:
        return None, (finding("LEVEL_NOT_MET", f"B-B: {given.not_baseline}"),)
    if not worth.proved:
        return Level.B_B, ()
    if not worth.chain.passed:
        return Level.B_T, (finding("LEVEL_NOT_MET", "B-LT: no valid chain"),)
    asked = [(worth.chain, worth.best_time), *((each.chain, each.time) for each in worth.proved if each.chain and each.time)]
    for chain, moment in asked:
        missing = _without_word(chain, given, moment)
        if missing is not None:
            return Level.B_T, (finding("LEVEL_NOT_MET", f"B-LT: {missing.common_name}"),)
    word = worth.chain.answers.get(worth.chain.chain[0])
    if word is not None and word.issued + CLOCK_SKEW < worth.best_time:
        detail = f"{word.issued.isoformat()} < {worth.best_time.isoformat()}"
        return Level.B_T, (finding("EVIDENCE_OLDER_THAN_TIMESTAMP", detail),)
    return Level.B_LT, ()


def _without_word(chain: ChainVerdict, given: Given, moment: datetime) -> Certificate | None:
    """The first certificate of a chain, the root left out, about which the signature brings no answer for that moment."""
    tokens = [held for each in given.stamps if (held := _held(each.token)) is not None]
    ocsps = [*given.ocsps, *(der for token in tokens for der in token.ocsps)]
    lists = [*given.lists, *(der for token in tokens for der in token.revocation_lists)]
    values, more = ([Value(der=der, proven=moment) for der in ders[:MAX_ANSWERS]] for ders in (ocsps, lists))
    for certificate, issuer in pairwise(chain.chain):
        if certificate.no_revocation_check:
            continue
        if not any(each.usable_at(moment) for each in answers(certificate, issuer, values, more)):
            return certificate
    return None


def _renewal_date(given: Given, worth: Worth) -> datetime | None:
    """Until when the newest proof holds: its authority's certificates and its algorithms."""
    newest = max(worth.proved, key=lambda each: each.time or worth.best_time, default=None)
    if newest is not None and newest.chain is not None and newest.token is not None:
        return _holds_until(newest.chain, newest.token.signed.scheme.digest)
    return _holds_until(worth.chain, given.scheme.digest) if worth.chain.passed else None


def _holds_until(chain: ChainVerdict, digest: str) -> datetime | None:
    made = [(digest, chain.chain[0]), *((below.digest, above) for below, above in pairwise(chain.chain))]
    limits = [each.not_after for each in chain.chain[:-1]]
    limits += [end for name, by in made if (end := ends(digest=name, key=by.key_kind, bits=by.key_bits)) is not None]
    return min(limits, default=None)


# The steps of `weigh`.


def _pool(given: Given, trust: Trust, now: datetime) -> Pool:
    """Everything the signature brings, known to exist now; and the trust bundle's lists."""
    tokens = [held for each in given.stamps if (held := _held(each.token)) is not None]
    ders = dict.fromkeys((*given.certificates, *(der for token in tokens for der in token.certificates)))
    ocsps = (*given.ocsps, *(der for token in tokens for der in token.ocsps))
    lists = (*given.lists, *(der for token in tokens for der in token.revocation_lists), *trust.revocation_lists)
    return Pool(
        certificates=tuple(loaded for der in list(ders)[:MAX_POOL] if (loaded := _load(der)) is not None),
        ocsps=tuple(Value(der=der, proven=now) for der in ocsps[:MAX_ANSWERS]),
        lists=tuple(Value(der=der, proven=now) for der in lists[:MAX_ANSWERS]),
    )


def _held(token: bytes) -> SignedData | None:
    """The container of a timestamp token, with the certificates and revocation data that it brings."""
    try:
        return read_token(token).signed
    except Fault:
        return None


def _load(der: bytes) -> Certificate | None:
    try:
        return load_certificate(der)
    except BadCertificate:
        return None


def _with_algorithms(worth: Worth, given: Given) -> Worth:
    """A weak algorithm anywhere between the data and the value, at the best time."""
    if worth.verdict is not Verdict.TOTAL_PASSED:
        return worth
    certificate = given.certificate
    for digest in dict.fromkeys((given.scheme.digest, *given.digests)):
        term = weakness(worth.best_time, digest=digest, key=certificate.key_kind, bits=certificate.key_bits)
        if term is not None:
            proved = worth.time_is_proved
            sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE if proved else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
            return replace(
                worth,
                verdict=Verdict.INDETERMINATE,
                sub_indication=sub,
                code="WEAK_ALGORITHM",
                detail=f"{term.name} ({term.source})",
            )
    return worth


def _with_claim(worth: Worth, given: Given) -> Worth:
    """As for signatures in a PDF: a signer's own claim to have signed too late decides what 5.5.4 leaves open."""
    claim, chain = given.claimed, worth.chain
    if claim is None or not worth.time_is_proved:
        return worth
    if worth.sub_indication is SubIndication.REVOKED_NO_POE and chain.revoked_at and claim >= chain.revoked_at:
        return replace(worth, verdict=Verdict.TOTAL_FAILED, sub_indication=SubIndication.REVOKED)
    if worth.sub_indication is SubIndication.OUT_OF_BOUNDS_NO_POE and claim > given.certificate.not_after:
        return replace(worth, sub_indication=SubIndication.EXPIRED)
    return worth


# The parts of the report.


def _findings(worth: Worth) -> Iterable[Finding]:
    if worth.code is not None:
        yield finding(worth.code, worth.detail)
    yield from (finding(each.code, each.detail) for each in worth.timestamps if not each.passed and each.code)
    if not worth.timestamps:
        yield finding("NO_TIMESTAMP")
    if worth.chain.passed and worth.chain.unknown:
        yield finding("REVOCATION_UNKNOWN", ", ".join(each.common_name for each in worth.chain.unknown))


def _link(certificate: Certificate) -> ChainLink:
    return ChainLink(
        subject=certificate.parsed.subject.rfc4514_string(),
        issuer=certificate.parsed.issuer.rfc4514_string(),
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
