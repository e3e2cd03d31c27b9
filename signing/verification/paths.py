"""Certificate chains at a moment: EN 319 102-1 clause 5.2.6 (X.509 certificate validation) after RFC 5280 clause 6.

    judged = judge_chain(leaf, pool, trust, at=best_time, proven=True, use=Use.SIGNING)

Chains are searched from the leaf upwards among the certificates at hand. Chains with name constraints or policy limits
are given to pyhanko-certvalidator, the full procedure; everything else is judged here, where every check is cached.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from signing.report import SubIndication, Verdict
from signing.trust import Root, Trust, Use
from signing.verification.algorithms import weakness
from signing.verification.certificates import Certificate, issued_by
from signing.verification.revocation import Answer, Value, answers, newest, revoked_since

MAX_LENGTH = 10  # certificates in a chain; real ones have 3 or 4
MAX_CHAINS = 32  # tried per leaf: cross-certified authorities make two or three

EKU_ANY = "2.5.29.37.0"
EKU_TIMESTAMPING = "1.3.6.1.5.5.7.3.8"
# Purposes with which people's signing certificates are issued. One that names only others (TLS, code, ...) is refused.
EKU_SIGNING = frozenset(
    {
        EKU_ANY,
        "1.3.6.1.5.5.7.3.4",  # emailProtection
        "1.3.6.1.5.5.7.3.2",  # clientAuth: most tokens of Vietnamese CAs carry it beside emailProtection
        "1.3.6.1.5.5.7.3.36",  # documentSigning, RFC 9336
        "1.2.840.113583.1.1.5",  # Adobe's Authentic Documents Trust
        "1.3.6.1.4.1.311.10.3.12",  # Microsoft's document signing
        "1.3.6.1.4.1.311.20.2.2",  # smart card logon, beside clientAuth on officials' cards
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Everything at hand for building chains and asking about revocation."""

    certificates: tuple[Certificate, ...]
    ocsps: tuple[Value, ...] = ()
    lists: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVerdict:
    """What a chain is worth at a moment."""

    verdict: Verdict
    sub_indication: SubIndication | None = None
    code: str | None = None  # of the finding
    detail: str = ""
    chain: tuple[Certificate, ...] = ()  # the leaf first, the root last
    root: Root | None = None
    answers: dict[Certificate, Answer] = field(default_factory=dict)  # the best answer per certificate but the root
    unknown: tuple[Certificate, ...] = ()  # nobody says whether these were revoked
    revoked_at: datetime | None = None

    @property
    def passed(self) -> bool:
        """Whether the chain may be relied on."""
        return self.verdict is Verdict.TOTAL_PASSED


def judge_chain(
    leaf: Certificate, pool: Pool, trust: Trust, *, at: datetime, now: datetime, use: Use, proven: bool
) -> ChainVerdict:
    """The best verdict among the chains from `leaf` to a root that counts at `at`.

    `proven`: `at` comes from a trusted timestamp, so the signature is known to be no younger.
    """
    refusal = _refuse_leaf(leaf, use)
    if refusal is not None:
        return refusal
    best: ChainVerdict | None = None
    for chain, root in chains(leaf, pool, trust, at=at, use=use):
        judged = _judge(chain, root, pool, at=at, now=now, proven=proven)
        if judged.passed:
            return judged
        best = best or judged
    return best or _no_chain(leaf, trust, use)


def chains(
    leaf: Certificate, pool: Pool, trust: Trust, *, at: datetime, use: Use
) -> Iterator[tuple[tuple[Certificate, ...], Root]]:
    """Every chain whose names and signatures fit, shortest first, up to MAX_CHAINS."""
    roots = [root for root in trust.roots if root.counts_at(at, use)]
    helpers = tuple(dict.fromkeys((*pool.certificates, *trust.helpers)))
    found = 0
    queue: list[tuple[Certificate, ...]] = [(leaf,)]
    while queue:
        chain = queue.pop(0)
        last = chain[-1]
        for root in roots:
            anchor = root.certificate
            if anchor == last or (anchor.subject == last.issuer and _key_fits(last, anchor) and issued_by(last, anchor)):
                yield (chain if anchor == last else (*chain, anchor)), root
                found += 1
        if found >= MAX_CHAINS or len(chain) >= MAX_LENGTH or len(queue) > MAX_CHAINS:
            continue
        queue += [
            (*chain, helper)
            for helper in helpers
            if helper.is_ca
            and helper.subject == last.issuer
            and helper not in chain
            and _key_fits(last, helper)
            and issued_by(last, helper)
        ]


def _key_fits(certificate: Certificate, issuer: Certificate) -> bool:
    """The key identifiers only help to choose: they need not be there, but where both are they must agree."""
    wanted, has = certificate.issuer_key_id, issuer.key_id
    return wanted is None or has is None or wanted == has


def _no_chain(leaf: Certificate, trust: Trust, use: Use) -> ChainVerdict:
    detail = f"{leaf.common_name}: {len(trust.roots)} root(s) known, none for {use}"
    return ChainVerdict(
        verdict=Verdict.INDETERMINATE,
        sub_indication=SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        code="NO_TRUSTED_CHAIN",
        detail=detail,
        chain=(leaf,),
    )


def _refuse_leaf(leaf: Certificate, use: Use) -> ChainVerdict | None:
    """What the certificate was issued for: ND 68/2024, RFC 5280 4.2.1.3 and 4.2.1.12, RFC 3161 2.3."""
    if use is Use.TIMESTAMPING:
        if leaf.extended_usage != frozenset({EKU_TIMESTAMPING}):
            return _constraint(leaf, "TSA_WITHOUT_PURPOSE", "extended key usage is not timeStamping alone")
    elif leaf.extended_usage is not None and not leaf.extended_usage & EKU_SIGNING:
        return _constraint(leaf, "WRONG_EXTENDED_KEY_USAGE", ", ".join(sorted(leaf.extended_usage)))
    if leaf.key_usage is not None and not leaf.key_usage & {"digital_signature", "content_commitment"}:
        return _constraint(leaf, "WRONG_KEY_USAGE", ", ".join(sorted(leaf.key_usage)) or "none")
    return None


def _constraint(leaf: Certificate, code: str, detail: str) -> ChainVerdict:
    return ChainVerdict(
        verdict=Verdict.INDETERMINATE,
        sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        code=code,
        detail=detail,
        chain=(leaf,),
    )


def _judge(
    chain: tuple[Certificate, ...], root: Root, pool: Pool, *, at: datetime, now: datetime, proven: bool
) -> ChainVerdict:
    """EN 319 102-1 5.2.6.4 for one chain: constraints, algorithms, time, revocation."""
    for check in (_constraints(chain, at), _algorithms(chain, at, proven=proven), _times(chain, at)):
        if check is not None:
            return check.under(chain, root)
    return _revocation(chain, root, pool, at=at, now=now, proven=proven)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    verdict: Verdict = Verdict.INDETERMINATE
    sub_indication: SubIndication
    code: str
    detail: str

    def under(self, chain: tuple[Certificate, ...], root: Root) -> ChainVerdict:
        return ChainVerdict(
            verdict=self.verdict,
            sub_indication=self.sub_indication,
            code=self.code,
            detail=self.detail,
            chain=chain,
            root=root,
        )


def _constraints(chain: Sequence[Certificate], at: datetime) -> _Refusal | None:
    """RFC 5280 6.1.4: who may issue, how deep, and nothing critical that is not understood."""
    for depth, certificate in enumerate(chain[:-1]):
        if certificate.unknown_critical:
            return _chain_refusal(certificate, f"critical extension {certificate.unknown_critical[0]}")
        if depth == 0:
            continue
        reason = _issuer_fault(certificate, chain[1:depth])
        if reason:
            return _chain_refusal(certificate, reason)
    anchor = chain[-1]
    if len(chain) > 1 and anchor.is_ca:
        reason = _issuer_fault(anchor, chain[1:-1])
        if reason:
            return _chain_refusal(anchor, reason)
    if any(each.limits_paths for each in chain):
        from signing.verification.full_paths import passes_full_procedure  # heavy, and hardly ever needed

        if not passes_full_procedure(chain, at):
            return _chain_refusal(chain[0], "the full RFC 5280 procedure refuses the path")
    return None


def _issuer_fault(issuer: Certificate, below: Sequence[Certificate]) -> str | None:
    if not issuer.is_ca:
        return "not a CA"
    if issuer.key_usage is not None and "key_cert_sign" not in issuer.key_usage:
        return "may not sign certificates"
    if issuer.path_length is not None and sum(not each.self_issued for each in below) > issuer.path_length:
        return f"path length {issuer.path_length} exceeded"
    return None


def _chain_refusal(certificate: Certificate, reason: str) -> _Refusal:
    return _Refusal(
        sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        code="CHAIN_NOT_ALLOWED",
        detail=f"{certificate.common_name}: {reason}",
    )


def _algorithms(chain: Sequence[Certificate], at: datetime, *, proven: bool) -> _Refusal | None:
    for certificate, issuer in pairwise(chain):
        term = weakness(at, digest=certificate.digest, key=issuer.key_kind, bits=issuer.key_bits)
        if term is not None:
            sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE if proven else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
            return _Refusal(
                sub_indication=sub, code="WEAK_ALGORITHM", detail=f"{certificate.common_name}: {term.name} ({term.source})"
            )
    return None


def _times(chain: Sequence[Certificate], at: datetime) -> _Refusal | None:
    """The leaf and its issuers must be valid at the moment; a root's time is the trust bundle's matter."""
    for depth, certificate in enumerate(chain[:-1]):
        if at < certificate.not_before:
            # The signature existed at `at` at the latest, so it is certain that it was made too early.
            return _Refusal(
                verdict=Verdict.TOTAL_FAILED,
                sub_indication=SubIndication.NOT_YET_VALID,
                code="CERTIFICATE_NOT_YET_VALID",
                detail=f"{certificate.common_name}: {certificate.not_before.isoformat()}",
            )
        if at > certificate.not_after:
            sub = SubIndication.OUT_OF_BOUNDS_NO_POE if depth == 0 else SubIndication.NO_CERTIFICATE_CHAIN_FOUND
            return _Refusal(
                sub_indication=sub,
                code="CERTIFICATE_EXPIRED",
                detail=f"{certificate.common_name}: {certificate.not_after.isoformat()}",
            )
    return None


def _revocation(
    chain: tuple[Certificate, ...], root: Root, pool: Pool, *, at: datetime, now: datetime, proven: bool
) -> ChainVerdict:
    """EN 319 102-1 5.2.5 and 5.2.6.4: whether somebody was revoked at the moment, and who can say so."""
    best: dict[Certificate, Answer] = {}
    unknown: list[Certificate] = []
    for depth, (certificate, issuer) in enumerate(pairwise(chain)):
        found = answers(certificate, issuer, pool.ocsps, pool.lists)
        revoked = revoked_since(found)
        if revoked is not None and revoked.revoked is not None and (revoked.revoked <= at or not proven):
            sub = SubIndication.REVOKED_NO_POE if depth == 0 else SubIndication.REVOKED_CA_NO_POE
            return ChainVerdict(
                verdict=Verdict.INDETERMINATE,
                sub_indication=sub,
                code="CERTIFICATE_REVOKED",
                detail=f"{certificate.common_name}: {revoked.revoked.isoformat()} ({revoked.reason or 'unspecified'})",
                chain=chain,
                root=root,
                answers={**best, certificate: revoked},
                revoked_at=revoked.revoked,
            )
        usable = newest([answer for answer in found if answer.usable_at(at)])
        if usable is not None:
            best[certificate] = usable
        elif not certificate.no_revocation_check:
            unknown.append(certificate)
    leaf = chain[0]
    if leaf in unknown and now > leaf.not_after:
        # It expired since: only an answer from its time shows that it was not revoked, and there is none.
        return ChainVerdict(
            verdict=Verdict.INDETERMINATE,
            sub_indication=SubIndication.OUT_OF_BOUNDS_NO_POE,
            code="REVOCATION_UNKNOWN_EXPIRED",
            detail=f"{leaf.common_name}: {leaf.not_after.isoformat()}",
            chain=chain,
            root=root,
            answers=best,
            unknown=tuple(unknown),
        )
    return ChainVerdict(verdict=Verdict.TOTAL_PASSED, chain=chain, root=root, answers=best, unknown=tuple(unknown))
