"""Revocation along a chain: EN 319 102-1 5.2.5 (freshness), 5.2.6.4 (status), 5.6.2 (proofs of existence)."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from signing.report import SubIndication, Verdict
from signing.trust import Revocation, Root, Trust
from signing.verification.certificates import Certificate
from signing.verification.chain_verdict import ChainVerdict, Pool
from signing.verification.revocation import CLOCK_SKEW, Answer, answers, newest, revoked_since

# RFC 3161 4: for these a timestamp authority's key was not compromised, and its earlier tokens stay good.
KEY_NOT_COMPROMISED = frozenset({"unspecified", "affiliationChanged", "superseded", "cessationOfOperation"})


@dataclass(slots=True, kw_only=True)
class _Course:
    """What the walk down a chain has found so far."""

    best: dict[Certificate, Answer] = field(default_factory=dict)
    unknown: list[Certificate] = field(default_factory=list)
    aged: list[Certificate] = field(default_factory=list)  # answered, by somebody whose own certificate was over
    believed_until: datetime | None = None  # an issuer was revoked then: its word counts where it is proved to be older
    too_late: list[Certificate] = field(default_factory=list)  # answered only after that


def judge_revocation(
    chain: tuple[Certificate, ...],
    root: Root,
    pool: Pool,
    trust: Trust,
    *,
    at: datetime,
    now: datetime,
    proven: bool,
    made: datetime | None,
) -> ChainVerdict:
    """Whether somebody on the chain was revoked at the moment, who can say so, and whether the leaf was over by then."""
    course = _Course()
    # From the root down: what a revoked authority says of those below depends on when it was revoked.
    for certificate, issuer in reversed(list(pairwise(chain))):
        found = _answers(certificate, issuer, pool, trust)
        until = course.believed_until  # of those above: that this one was revoked later makes their word no worse
        refused = _revoked(certificate, found, chain, root, course, at=at, now=now, proven=proven, made=made)
        if refused is not None:
            return refused
        _note(certificate, found, course, until, at=at, now=now)
    return _conclude(chain, root, course, trust, at=at, now=now)


def _answers(certificate: Certificate, issuer: Certificate, pool: Pool, trust: Trust) -> tuple[Answer, ...]:
    known = pool.told.get((certificate, issuer))
    if known is not None and known[0] is trust:
        return known[1]
    others = tuple(dict.fromkeys((*pool.certificates, *trust.helpers, *(each.certificate for each in trust.roots))))
    found = answers(certificate, issuer, pool.ocsps, pool.lists, others)
    pool.told[certificate, issuer] = trust, found
    return found


def _revoked(
    certificate: Certificate,
    found: tuple[Answer, ...],
    chain: tuple[Certificate, ...],
    root: Root,
    course: _Course,
    *,
    at: datetime,
    now: datetime,
    proven: bool,
    made: datetime | None,
) -> ChainVerdict | None:
    answer = revoked_since(found)
    if answer is None or answer.revoked is None:
        return None
    is_leaf = certificate == chain[0]
    if answer.revoked > (at if proven else now):
        if not is_leaf:
            course.believed_until = min(filter(None, (course.believed_until, answer.revoked)))
        return None
    if is_leaf and made is not None and made < answer.revoked and answer.reason in KEY_NOT_COMPROMISED:
        return None
    if answer.on_hold:
        sub, code = SubIndication.TRY_LATER, "CERTIFICATE_ON_HOLD"
    else:
        sub, code = (SubIndication.REVOKED_NO_POE if is_leaf else SubIndication.REVOKED_CA_NO_POE), "CERTIFICATE_REVOKED"
    return ChainVerdict(
        verdict=Verdict.INDETERMINATE,
        sub_indication=sub,
        code=code,
        detail=f"{certificate.common_name}: {answer.revoked.isoformat()} ({answer.reason or 'unspecified'})",
        chain=chain,
        root=root,
        answers={**course.best, certificate: answer},
        revoked_at=answer.revoked,
    )


def _note(
    certificate: Certificate, found: tuple[Answer, ...], course: _Course, until: datetime | None, *, at: datetime, now: datetime
) -> None:
    """The best answer about a certificate that was not revoked at the moment, or why there is none."""
    told = [each for each in found if each.issued - now <= CLOCK_SKEW]  # none from the future
    early = [each for each in told if until is None or each.proven <= until]
    usable = newest([each for each in early if each.usable_at(at)])
    if usable is not None:
        course.best[certificate] = usable
    elif not certificate.no_revocation_check:
        course.unknown.append(certificate)
        if any(each.usable_at(at) for each in told):
            course.too_late.append(certificate)
        elif any(not each.signer_held for each in told):
            course.aged.append(certificate)


def _conclude(
    chain: tuple[Certificate, ...], root: Root, course: _Course, trust: Trust, *, at: datetime, now: datetime
) -> ChainVerdict:
    leaf = chain[0]
    missing = course.unknown
    ended = len(chain) > 1 and at > leaf.not_after
    sub, code, about = None, None, leaf
    if course.too_late and trust.revocation is Revocation.REQUIRED:
        # 5.6.2.4: nothing proves that the word of a revoked authority is older than its revocation.
        sub, code, about = SubIndication.REVOKED_CA_NO_POE, "WORD_OF_REVOKED_ISSUER", course.too_late[-1]
    elif ended:
        known = leaf not in missing
        sub = SubIndication.OUT_OF_BOUNDS_NOT_REVOKED if known else SubIndication.OUT_OF_BOUNDS_NO_POE
        code = "CERTIFICATE_EXPIRED"
    elif leaf in missing and len(chain) > 1 and now > leaf.not_after:
        # It expired since: only an answer from its time shows that it was not revoked, and there is none.
        sub, code = SubIndication.OUT_OF_BOUNDS_NO_POE, "REVOCATION_UNKNOWN_EXPIRED"
    elif missing and trust.revocation is Revocation.REQUIRED:
        sub = SubIndication.REVOCATION_OUT_OF_BOUNDS_NO_POE if missing[-1] in course.aged else SubIndication.TRY_LATER
        code, about = "REVOCATION_MISSING", missing[-1]
    return ChainVerdict(
        verdict=Verdict.TOTAL_PASSED if sub is None else Verdict.INDETERMINATE,
        sub_indication=sub,
        code=code,
        detail="" if sub is None else f"{about.common_name}: {about.not_after.isoformat()}",
        chain=chain,
        root=root,
        answers=course.best,
        unknown=tuple(missing),
        doubted=tuple(course.too_late),
    )
