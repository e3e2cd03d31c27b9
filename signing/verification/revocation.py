"""Revocation: what OCSP answers (RFC 6960) and revocation lists (RFC 5280 5) say of a certificate at a moment.

Every answer is believed only when the certificate's own issuer signed it, or somebody to whom that issuer gave the
purpose: a responder with OCSPSigning, another key of the same name with cRLSign. Answers carry the earliest moment at
which they are proved to have existed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from signing.verification.algorithms import weakness
from signing.verification.certificates import Certificate, issued_by, same_name
from signing.verification.ocsp_answers import OcspWord, ocsp_word
from signing.verification.revocation_lists import list_issuer, listed, revocation_list

MAX_ANSWERS = 256  # revocation values looked at per file; a book with 16 signatures holds about 40
MAX_LIST_SIGNERS = 4  # other keys of an issuer that may have signed its lists; an authority changes its key now and then
CLOCK_SKEW = timedelta(minutes=5)  # between an authority's clocks
ON_HOLD = "certificateHold"
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """Revocation data as found: DER, and since when it is proved to exist."""

    der: bytes
    proven: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one believed value says of one certificate."""

    source: str  # "ocsp" or "crl"
    issued: datetime  # thisUpdate: the state of knowledge it stands for
    until: datetime | None  # nextUpdate
    revoked: datetime | None
    reason: str | None
    proven: datetime
    der: bytes
    signer_held: bool = True  # whose certificate was valid when the answer is proved to have existed

    @property
    def on_hold(self) -> bool:
        """Revoked for the time being (certificateHold): the one revocation that may be taken back."""
        return self.revoked is not None and self.reason == ON_HOLD

    def usable_at(self, moment: datetime) -> bool:
        """Whether it can speak about this moment: it is from later, or was still fresh then (102-1 5.2.5)."""
        fresh = moment - self.issued <= CLOCK_SKEW or (self.until is not None and self.until >= moment)
        return fresh and self.signer_held


def answers(
    certificate: Certificate,
    issuer: Certificate,
    ocsps: Iterable[Value],
    lists: Iterable[Value],
    others: Sequence[Certificate] = (),
) -> tuple[Answer, ...]:
    """Every believed answer about the certificate, newest first.

    `others` are certificates among which further keys of the issuer may be. An answer whose signer's certificate was over
    when it is proved to exist is told as such (`signer_held`): a revocation it names is believed, its good word is not.
    """
    ocsps, lists = tuple(ocsps), tuple(lists)
    found = [*_from_ocsps(certificate, issuer, ocsps, lists), *_from_lists(certificate, issuer, lists, others)]
    return tuple(sorted(found, key=lambda answer: answer.issued, reverse=True))


def _from_ocsps(
    certificate: Certificate, issuer: Certificate, ocsps: Sequence[Value], lists: Sequence[Value]
) -> Iterator[Answer]:
    for place, word in _words(certificate, issuer, tuple(value.der for value in ocsps)):
        value = ocsps[place]
        if _is_silent(word.revoked, certificate, word.issued, word.kept_since):
            continue
        signer = word.signer
        weak = weakness(value.proven, digest=word.digest, key=signer.key_kind, bits=signer.key_bits)
        if (word.revoked is None and weak is not None) or _responder_was_revoked(word, issuer, value, ocsps, lists):
            continue
        yield Answer(
            source="ocsp",
            issued=word.issued,
            until=word.until,
            revoked=word.revoked,
            reason=word.reason,
            proven=value.proven,
            der=value.der,
            signer_held=_held(signer, value.proven),
        )


@lru_cache(32)
def _words(certificate: Certificate, issuer: Certificate, answered: tuple[bytes, ...]) -> tuple[tuple[int, OcspWord], ...]:
    """Which of a file's OCSP answers speak of the certificate, and what they say: of a class book's forty two or three do."""
    words = ((place, ocsp_word(der, certificate, issuer)) for place, der in enumerate(answered))
    return tuple((place, word) for place, word in words if word is not None)


def _from_lists(
    certificate: Certificate, issuer: Certificate, lists: Sequence[Value], others: Sequence[Certificate]
) -> Iterator[Answer]:
    signers: tuple[Certificate, ...] | None = None
    for value in lists:
        by = list_issuer(value.der)
        if by is None or not same_name(by, issuer.subject):
            continue
        signer, told = issuer, revocation_list(value.der, issuer)
        if told is None:
            signers = _other_keys(issuer, others) if signers is None else signers
            signer = next((each for each in signers if revocation_list(value.der, each) is not None), issuer)
            told = None if _was_revoked(signer, others, lists) else revocation_list(value.der, signer)
        if told is None:
            continue
        revoked, reason = listed(told, certificate)
        if revoked is None and not told.is_complete_for(certificate):
            continue
        weak = weakness(value.proven, digest=told.digest, key=signer.key_kind, bits=signer.key_bits)
        if (revoked is None and weak is not None) or _is_silent(revoked, certificate, told.issued, told.kept_since):
            continue
        yield Answer(
            source="crl",
            issued=told.issued,
            until=told.until,
            revoked=revoked,
            reason=reason,
            proven=value.proven,
            der=value.der,
            signer_held=_held(signer, value.proven),
        )


def _is_silent(revoked: datetime | None, certificate: Certificate, issued: datetime, kept_since: datetime | None) -> bool:
    """A good word from after the certificate's end says nothing, unless its issuer keeps ended certificates on record."""
    if revoked is not None or issued <= certificate.not_after:
        return False
    return kept_since is None or kept_since > certificate.not_after


def _held(signer: Certificate, proven: datetime) -> bool:
    """Whether the signer's certificate was valid then; how long a root counts is the trust bundle's matter."""
    return signer.self_issued or (signer.not_before - proven <= CLOCK_SKEW and proven <= signer.not_after)


def _other_keys(issuer: Certificate, others: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """Further keys under the issuer's name that may sign its lists: of before or after a change of key, or kept for lists.

    Each certified one that is known, was certified by one, or has the same direct issuer: so their paths end at the same
    anchor, as RFC 5280 6.3.3 (f) wants.
    """
    known, left = [issuer], [each for each in others if each != issuer and same_name(each.subject, issuer.subject)]
    while len(known) <= MAX_LIST_SIGNERS:
        found = next((each for each in left if any(_belong(each, one, others) for one in known)), None)
        if found is None:
            break
        known.append(found)
        left.remove(found)
    return tuple(known[1:])


def _belong(one: Certificate, other: Certificate, among: Sequence[Certificate]) -> bool:
    if issued_by(one, other) or issued_by(other, one):
        return True
    return any(same_name(each.subject, one.issuer) and issued_by(one, each) and issued_by(other, each) for each in among)


def _was_revoked(signer: Certificate, others: Sequence[Certificate], lists: Sequence[Value]) -> bool:
    """Whether a list of whoever certified this signer of lists names it."""
    above = [each for each in others if same_name(each.subject, signer.issuer) and issued_by(signer, each)]
    told = (revocation_list(value.der, each) for each in above for value in lists)
    return any(each is not None and listed(each, signer)[0] is not None for each in told)


def _responder_was_revoked(
    word: OcspWord, issuer: Certificate, value: Value, ocsps: Sequence[Value], lists: Sequence[Value]
) -> bool:
    """Whether somebody else says that a delegated responder was revoked before its answer is proved to exist.

    RFC 6960 4.2.2.2.1: id-pkix-ocsp-nocheck asks nobody. Where nobody says anything the responder is believed.
    """
    responder = word.signer
    if responder == issuer or responder.no_revocation_check:
        return False
    dates: list[datetime | None] = []
    for each in lists:
        told = revocation_list(each.der, issuer)
        if told is not None:
            dates.append(listed(told, responder)[0])
    for each in ocsps:
        other = ocsp_word(each.der, responder, issuer)
        if other is not None and other.signer != responder:
            dates.append(other.revoked)
    return any(date is not None and date <= value.proven for date in dates)


def newest(found: Sequence[Answer]) -> Answer | None:
    """The answer with the latest state of knowledge."""
    return max(found, key=lambda answer: answer.issued, default=None)


def revoked_since(found: Sequence[Answer]) -> Answer | None:
    """The answer that names the earliest revocation; a certificate that was on hold and is not any more was not revoked."""
    ended = [answer for answer in found if answer.revoked and not answer.on_hold]
    if ended:
        return min(ended, key=lambda answer: answer.revoked or _BEGINNING)
    last = newest([answer for answer in found if answer.on_hold or answer.signer_held])
    return last if last is not None and last.on_hold else None
