"""When a signature cannot have been made yet: by what its signer claims, and by content timestamps, which prove it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from signing.report import SubIndication, Verdict
from signing.verification.faults import Fault
from signing.verification.judged import Judged
from signing.verification.revocation import CLOCK_SKEW
from signing.verification.timestamps import JudgedTimestamp

FAR = timedelta(days=1)  # between the signer's clock and the timestamp, before the report speaks of it
_OUT_OF_BOUNDS = frozenset({SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.OUT_OF_BOUNDS_NOT_REVOKED})


def with_content_timestamps(judged: Judged, stamps: Sequence[JudgedTimestamp]) -> Judged:
    """A signature is no older than the content timestamps that it signs (EN 319 102-1 5.3.4, 5.5.4 step 4 e)."""
    since = max((each.time for each in stamps if each.passed and each.time), default=None)
    chain = judged.chain
    if since is None or chain is None or judged.certificate is None:
        return judged
    if judged.sub_indication is SubIndication.REVOKED_NO_POE and chain.revoked_at and since >= chain.revoked_at:
        return judged.but(Verdict.TOTAL_FAILED, SubIndication.REVOKED, judged.code, judged.detail)
    if judged.sub_indication in _OUT_OF_BOUNDS and since > judged.certificate.not_after:
        return judged.but(Verdict.TOTAL_FAILED, SubIndication.EXPIRED, judged.code, judged.detail)
    weak = judged.checked.weak_term(since) if judged.checked is not None else None
    if judged.sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE and weak is not None:
        # 5.3.4 step 6: made after the algorithm was any good.
        return judged.but(judged.verdict, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, judged.code, judged.detail)
    if judged.verdict is Verdict.TOTAL_PASSED and judged.time_is_proved and since - judged.best_time > CLOCK_SKEW:
        detail = f"{since.isoformat()} > {judged.best_time.isoformat()}"
        return judged.but(Verdict.INDETERMINATE, SubIndication.TIMESTAMP_ORDER_FAILURE, "TIMESTAMP_BROKEN", detail)
    return judged


def with_claim(judged: Judged) -> Judged:
    """Certainty from what the signer says: with a timestamp, and a claim that is itself too late, nothing speaks for them.

    EN 319 102-1 5.5.4 leaves such a signature at ..._NO_POE, because it might be older than its timestamp. The signer's own
    claim that it is not decides.
    """
    claim = claimed_time(judged)
    chain = judged.chain
    if claim is None or chain is None or not judged.time_is_proved or judged.certificate is None:
        return judged
    if judged.sub_indication is SubIndication.REVOKED_NO_POE and chain.revoked_at and claim >= chain.revoked_at:
        return judged.but(Verdict.TOTAL_FAILED, SubIndication.REVOKED, judged.code, judged.detail)
    if judged.sub_indication in _OUT_OF_BOUNDS and min(claim, judged.best_time) > judged.certificate.not_after:
        return judged.but(Verdict.TOTAL_FAILED, SubIndication.EXPIRED, judged.code, judged.detail)
    return judged


def claimed_time(judged: Judged) -> datetime | None:
    """The signer's own clock: the signed attribute goes before the dictionary's /M."""
    try:
        told = judged.signed.signing_time if judged.signed else None
    except Fault:
        told = None
    return told or judged.found.claimed


def claim_doubts(judged: Judged) -> tuple[tuple[str, str], ...]:
    """What is odd about the time that the signer claims, as codes and details; the verdict does not rest on the claim."""
    claim, certificate = claimed_time(judged), judged.certificate
    if claim is None or certificate is None:
        return ()
    doubts: list[tuple[str, str]] = []
    if judged.time_is_proved and abs(claim - judged.best_time) > FAR:
        doubts.append(("TIME_FAR_FROM_CLAIM", f"{claim.isoformat()} / {judged.best_time.isoformat()}"))
    if not judged.time_is_proved and claim - judged.best_time > CLOCK_SKEW:
        doubts.append(("CLAIM_IN_FUTURE", claim.isoformat()))
    if certificate.not_before - claim > CLOCK_SKEW or claim > certificate.not_after:
        span = f"{certificate.not_before.isoformat()} - {certificate.not_after.isoformat()}"
        doubts.append(("CLAIM_OUTSIDE_CERTIFICATE", f"{claim.isoformat()}; {span}"))
    return tuple(doubts)
