"""The PAdES baseline level of a judged signature: ETSI EN 319 142-1 clause 6, refusals included.

A level counts only with what was found valid: a timestamp of an authority that is not trusted does not lift a signature to B-T.
"""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from signing.levels import Level
from signing.report import Finding
from signing.verification.algorithms import ends
from signing.verification.certificates import Certificate
from signing.verification.facts import Kept, SignedDocument
from signing.verification.judgement import Judged
from signing.verification.paths import ChainVerdict
from signing.verification.revocation import CLOCK_SKEW, Answer, Value, answers, newest
from signing.verification.signed_data import (
    COMMITMENT_TYPE,
    DATA,
    FIXED_DIGEST,
    SIGNING_CERTIFICATE,
    SIGNING_CERTIFICATE_V2,
    SIGNING_TIME,
    Scheme,
)
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
        (signed.content_type == DATA, "content-type is not id-data"),
        (judged.certificate.der in (*signed.certificates, *signed.more_certificates), "the signer's certificate is not in it"),
        (_binds_certificate(judged), "the signing certificate is not bound"),
        (not (found.has_reason and COMMITMENT_TYPE in signed.attributes), "commitment-type-indication beside /Reason"),
    )
    return next((reason for met, reason in rules if not met), "")


def _binds_certificate(judged: Judged) -> bool:
    """6.3 notes g and h: signing-certificate is the one with SHA-1, signing-certificate-v2 is for every other digest."""
    signed = judged.signed
    if signed is None:
        return False
    if SIGNING_CERTIFICATE_V2 in signed.attributes:
        return signed.signing_certificate is not None and signed.signing_certificate.digest != "sha1"
    return SIGNING_CERTIFICATE in signed.attributes


def _missing_for_long_term(judged: Judged, document: SignedDocument) -> tuple[Finding, ...]:
    """B-LT: the file holds every certificate and a word on revocation for each, the signer's from after the signature."""
    chain = judged.chain
    if chain is None or not chain.passed:
        return (finding("LEVEL_NOT_MET", "B-LT: no valid chain"),)
    held = _Held.of(judged, document)
    for each in _chains(judged):
        missing = each.doubted[0] if each.doubted else held.lacks(each)
        if missing is not None:
            return (finding("LEVEL_NOT_MET", f"B-LT: {missing.common_name}"),)
    word = held.word(chain.chain[0], chain.chain[1]) if len(chain.chain) > 1 else None
    if word is not None and judged.best_time - word.issued > CLOCK_SKEW:
        detail = f"{word.issued.isoformat()} < {judged.best_time.isoformat()}"
        return (finding("EVIDENCE_OLDER_THAN_TIMESTAMP", detail),)
    return ()


def _chains(judged: Judged) -> list[ChainVerdict]:
    """The signer's chain and those of the timestamps that make it B-T: its own, else the first over the document."""
    own = [each.chain for each in judged.timestamps if each.passed]
    first = min(judged.proofs, key=lambda proof: proof.time).timestamp.chain if judged.proofs and not own else None
    return [each for each in (judged.chain, *own, first) if each is not None]


def _archived(judged: Judged, document: SignedDocument) -> bool:
    """B-LTA: a valid document timestamp covers what made it B-LT, the word on the signature timestamp's authority included."""
    return any(
        all(held.lacks(each) is None for each in _chains(judged))
        for held in (_Held.of(judged, document, upto=proof.revision) for proof in judged.proofs)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """What the file itself carries for judging a signature, up to a revision."""

    moment: datetime  # the signature's best time
    certificates: frozenset[bytes]
    ocsps: tuple[Value, ...]
    lists: tuple[Value, ...]
    words: dict[tuple[Certificate, Certificate], Answer | None] = field(default_factory=dict, compare=False)  # asked for before

    @classmethod
    def of(cls, judged: Judged, document: SignedDocument, *, upto: int | None = None) -> "_Held":
        """Of the signature, its timestamps and the document timestamps over it, and of the store as it was then."""
        tokens = [each.token.signed for each in (*judged.timestamps, *(p.timestamp for p in judged.proofs)) if each.token]
        inside = [judged.signed, *tokens] if judged.signed is not None else tokens
        store = document.store

        def kept(values: tuple[Kept, ...]) -> list[bytes]:
            return [value.der for value in values if upto is None or value.revision <= upto]

        def values(*ders: bytes) -> tuple[Value, ...]:
            return tuple(Value(der=der, proven=judged.best_time) for der in ders)

        return cls(
            moment=judged.best_time,
            certificates=frozenset((*kept(store.certificates), *(der for each in inside for der in each.certificates))),
            ocsps=values(*kept(store.ocsps), *(der for each in inside for der in each.ocsps)),
            lists=values(*kept(store.lists), *(der for each in inside for der in each.revocation_lists)),
        )

    def lacks(self, chain: ChainVerdict) -> Certificate | None:
        """The first certificate of a chain, the root left out, that is not there or about which nothing is.

        What a level needs does not age: an answer that was fresh at the signature's time still is one about that time.
        """
        for certificate, issuer in pairwise(chain.chain):
            if certificate.der not in self.certificates:
                return certificate
            if not certificate.no_revocation_check and self.word(certificate, issuer) is None:
                return certificate
        return None

    def word(self, certificate: Certificate, issuer: Certificate) -> Answer | None:
        """The newest word of the file on a certificate that can speak of the signature's time."""
        asked = certificate, issuer
        if asked not in self.words:
            found = answers(certificate, issuer, self.ocsps, self.lists)
            self.words[asked] = newest([each for each in found if each.usable_at(self.moment)])
        return self.words[asked]


def renewal_date(judged: Judged) -> datetime | None:
    """Until when the newest proof holds, and what only it keeps: before it, renew.

    The authority's certificate and algorithms; where no document timestamp covers the signature also the algorithms of the
    certificates above the signer's (102-1 5.5.4 step 10), and the signer's certificate while nobody says that it was good.
    """
    newest = max(judged.proofs, key=lambda proof: proof.time).timestamp if judged.proofs else None
    if newest is None and judged.timestamps:
        newest = next((each for each in judged.timestamps if each.passed), None)
    own = judged.chain if judged.chain is not None and judged.chain.passed and judged.signed is not None else None
    if newest is not None and newest.chain is not None and newest.token is not None:
        limits = [_holds_until(newest.chain, *_made_with(newest.token.signed.scheme))]
        if own is not None and not judged.proofs:
            limits += [_algorithm_end(below, above) for below, above in pairwise(own.chain[1:])]
            limits += [each.not_after for each in own.chain[:1] if each in own.unknown]
        return min(filter(None, limits), default=None)
    if own is not None and judged.signed is not None:
        return _holds_until(own, *_made_with(judged.signed.scheme))
    return None


def _algorithm_end(certificate: Certificate, issuer: Certificate) -> datetime | None:
    return ends(digest=certificate.digest, key=issuer.key_kind, bits=issuer.key_bits, scheme=certificate.scheme)


def _made_with(scheme: Scheme) -> tuple[str | None, str]:
    return (None if scheme.name in FIXED_DIGEST else scheme.digest), scheme.name


def _holds_until(chain: ChainVerdict, digest: str | None, scheme: str) -> datetime | None:
    leaf = chain.chain[0]
    limits = [each.not_after for each in chain.chain[:-1]]
    made = [(digest, leaf, scheme), *((below.digest, above, below.scheme) for below, above in pairwise(chain.chain))]
    found = (ends(digest=name, key=by.key_kind, bits=by.key_bits, scheme=how) for name, by, how in made)
    return min([*limits, *filter(None, found)], default=None)
