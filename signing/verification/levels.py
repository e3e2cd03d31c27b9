"""The PAdES baseline level of a judged signature: ETSI EN 319 142-1 clause 6, refusals included.

A level counts only with what was found valid: a timestamp of an authority that is not trusted does not lift a signature to B-T.
"""

from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from signing.levels import Level
from signing.report import Finding
from signing.verification.algorithms import ends
from signing.verification.certificates import Certificate
from signing.verification.facts import SignedDocument
from signing.verification.judgement import Judged, Proof
from signing.verification.paths import ChainVerdict
from signing.verification.revocation import CLOCK_SKEW, Value, answers
from signing.verification.signed_data import FIXED_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2, SIGNING_TIME, Scheme
from signing.verification.words import finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The level, and why it is not the next one."""

    level: Level | None
    findings: tuple[Finding, ...] = ()


def name_level(judged: Judged, document: SignedDocument) -> Named:
    """The highest level whose every condition is met."""
    if judged.found.is_timestamp or judged.checked is None or not judged.checked.sound:
        return Named(level=None)
    reason = _not_baseline(judged)
    if reason:
        return Named(level=None, findings=(finding("LEVEL_NOT_MET", f"B-B: {reason}"),))
    proved = [each for each in judged.timestamps if each.passed]
    if not proved and not judged.proofs:
        return Named(level=Level.B_B)
    missing = _missing_for_long_term(judged, document)
    if missing:
        return Named(level=Level.B_T, findings=missing)
    if not _archived(judged, document):
        return Named(level=Level.B_LT)
    return Named(level=Level.B_LTA)


def _not_baseline(judged: Judged) -> str:
    """EN 319 142-1 6.3 table 1, the rows of B-B."""
    found, signed = judged.found, judged.signed
    if signed is None or judged.certificate is None:
        return "no signature container"
    rules = (
        (found.subfilter == "/ETSI.CAdES.detached", "SubFilter is not ETSI.CAdES.detached"),
        (bool(found.filter), "no Filter"),
        (found.claimed is not None, "no /M"),
        (not found.has_cert_entry, "/Cert must not be there"),
        (SIGNING_TIME not in signed.attributes, "signing-time must not be a signed attribute"),
        (signed.signed_attributes is not None, "no signed attributes"),
        (_binds_certificate(judged), "the signing certificate is not bound"),
    )
    return next((reason for met, reason in rules if not met), "")


def _binds_certificate(judged: Judged) -> bool:
    """signing-certificate only with SHA-1, signing-certificate-v2 with every other digest (6.3 notes g, h)."""
    attributes = judged.signed.attributes if judged.signed else {}
    return SIGNING_CERTIFICATE_V2 in attributes or SIGNING_CERTIFICATE in attributes


def _missing_for_long_term(judged: Judged, document: SignedDocument) -> tuple[Finding, ...]:
    """B-LT: the file holds every certificate and a word on revocation for each, the signer's from after the signature."""
    chain = judged.chain
    if chain is None or not chain.passed:
        return (finding("LEVEL_NOT_MET", "B-LT: no valid chain"),)
    inside = _inside(judged, document)
    chains = [chain, *(each.chain for each in judged.timestamps if each.passed and each.chain)]
    for each in chains:
        missing = _without_word(each, inside, judged.best_time)
        if missing is not None:
            return (finding("LEVEL_NOT_MET", f"B-LT: {missing.common_name}"),)
    leaf = chain.chain[0]
    word = chain.answers.get(leaf)
    if word is not None and word.issued + CLOCK_SKEW < judged.best_time:
        detail = f"{word.issued.isoformat()} < {judged.best_time.isoformat()}"
        return (finding("EVIDENCE_OLDER_THAN_TIMESTAMP", detail),)
    return ()


def _inside(judged: Judged, document: SignedDocument) -> frozenset[bytes]:
    """The revocation values that the file carries."""
    store = document.store
    values = {kept.der for kept in (*store.ocsps, *store.lists)}
    if judged.signed is not None:
        values.update(judged.signed.ocsps, judged.signed.revocation_lists)
    for each in judged.timestamps:
        if each.token is not None:
            values.update(each.token.signed.ocsps, each.token.signed.revocation_lists)
    return frozenset(values)


def _without_word(chain: ChainVerdict, inside: frozenset[bytes], moment: datetime) -> Certificate | None:
    """The first certificate of a chain, the root left out, for which the file holds no answer about the signature's time.

    What a level needs does not age: an answer that was fresh at the signature's time still is one about that time.
    """
    values = tuple(Value(der=der, proven=moment) for der in inside)
    for certificate, issuer in pairwise(chain.chain):
        if certificate.no_revocation_check:
            continue
        kept = chain.answers.get(certificate)
        if kept is not None and kept.der in inside:
            continue
        if not any(answer.usable_at(moment) for answer in answers(certificate, issuer, values, values)):
            return certificate
    return None


def _archived(judged: Judged, document: SignedDocument) -> bool:
    """B-LTA: a valid document timestamp covers the values that the signer's chain was judged with."""
    return any(_covers_values(judged, document, proof) for proof in judged.proofs)


def _covers_values(judged: Judged, document: SignedDocument, proof: Proof) -> bool:
    chain = judged.chain
    if chain is None:
        return False
    revisions = {kept.der: kept.revision for kept in (*document.store.ocsps, *document.store.lists)}
    used = [revisions.get(answer.der, judged.found.revision) for answer in chain.answers.values()]
    return all(revision <= proof.revision for revision in used)


def renewal_date(judged: Judged) -> datetime | None:
    """Until when the newest proof holds: its authority's certificate and its algorithms. Before it, renew."""
    newest = max(judged.proofs, key=lambda proof: proof.time).timestamp if judged.proofs else None
    if newest is None and judged.timestamps:
        newest = next((each for each in judged.timestamps if each.passed), None)
    if newest is not None and newest.chain is not None and newest.token is not None:
        return _holds_until(newest.chain, *_made_with(newest.token.signed.scheme))
    if judged.chain is not None and judged.signed is not None and judged.chain.passed:
        return _holds_until(judged.chain, *_made_with(judged.signed.scheme))
    return None


def _made_with(scheme: Scheme) -> tuple[str | None, str]:
    return (None if scheme.name in FIXED_DIGEST else scheme.digest), scheme.name


def _holds_until(chain: ChainVerdict, digest: str | None, scheme: str) -> datetime | None:
    leaf = chain.chain[0]
    limits = [each.not_after for each in chain.chain[:-1]]
    made = [(digest, leaf, scheme), *((below.digest, above, below.scheme) for below, above in pairwise(chain.chain))]
    found = (ends(digest=name, key=by.key_kind, bits=by.key_bits, scheme=how) for name, by, how in made)
    return min([*limits, *filter(None, found)], default=None)
