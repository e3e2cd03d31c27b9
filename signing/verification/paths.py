"""Certificate chains at a moment: EN 319 102-1 clause 5.2.6 (X.509 certificate validation) after RFC 5280 clause 6.

    judged = judge_chain(leaf, pool, trust, at=best_time, proven=True, use=Use.SIGNING)

Chains are searched from the leaf upwards among the certificates that lead to a root (`chains`). Chains with name constraints
or policy limits are given to pyhanko-certvalidator, the full procedure; everything else is judged here, where every check
is cached. Revocation is judged in `revoked.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from signing.report import SubIndication, Verdict
from signing.trust import Root, TimestampUsage, Trust, Use
from signing.verification.algorithms import weakness
from signing.verification.building import Chain, chains
from signing.verification.certificates import Certificate
from signing.verification.chain_verdict import ChainVerdict, Pool, Refusal
from signing.verification.revoked import judge_revocation

__all__ = ["ChainVerdict", "Pool", "judge_chain"]

VERSION_3 = 3  # the first with extensions
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


def judge_chain(
    leaf: Certificate,
    pool: Pool,
    trust: Trust,
    *,
    at: datetime,
    now: datetime,
    use: Use,
    proven: bool,
    made: datetime | None = None,
) -> ChainVerdict:
    """The best verdict among the chains from `leaf` to a root that counts at `at`.

    `proven`: `at` comes from a trusted timestamp, so the signature is known to be no younger. `made`: when a timestamp
    authority says that it made its token, for the rule of RFC 3161 4 on authorities whose key was not compromised.
    """
    refusal = _refuse_leaf(leaf, use, trust)
    if refusal is not None:
        return refusal
    tried: list[tuple[int, ChainVerdict]] = []
    for chain, root in chains(leaf, pool.certificates, trust, at=at, use=use):
        step, judged = _judge(chain, root, pool, trust, at=at, now=now, proven=proven, made=made)
        if judged.passed:
            return judged
        tried.append((step, judged))
    # Of chains that all fail, the one that comes furthest says most.
    return max(tried, key=lambda each: each[0])[1] if tried else _no_chain(leaf, pool, trust, at=at, use=use)


def _no_chain(leaf: Certificate, pool: Pool, trust: Trust, *, at: datetime, use: Use) -> ChainVerdict:
    """5.2.6.4: no chain at all, or one whose root is believed no more and nothing proves an earlier time."""
    for chain, root in chains(leaf, pool.certificates, trust, at=None, use=use):
        sub = SubIndication.NO_CERTIFICATE_CHAIN_FOUND
        if at > root.until:
            sub = SubIndication.NO_CERTIFICATE_CHAIN_FOUND_NO_POE
        return ChainVerdict(
            verdict=Verdict.INDETERMINATE,
            sub_indication=sub,
            code="ROOT_NOT_BELIEVED_THEN",
            detail=f"{root.certificate.common_name}: {root.since.isoformat()} - {root.until.isoformat()}",
            chain=chain,
            root=root,
        )
    detail = f"{leaf.common_name}; số gốc đã biết / roots known: {len(trust.roots)}, {use}"
    return ChainVerdict(
        verdict=Verdict.INDETERMINATE,
        sub_indication=SubIndication.NO_CERTIFICATE_CHAIN_FOUND,
        code="NO_TRUSTED_CHAIN",
        detail=detail,
        chain=(leaf,),
    )


def _refuse_leaf(leaf: Certificate, use: Use, trust: Trust) -> ChainVerdict | None:
    """What the certificate was issued for: ND 68/2024, RFC 5280 4.2.1.3 and 4.2.1.12, RFC 3161 2.3."""
    if use is Use.TIMESTAMPING:
        if leaf.extended_usage != frozenset({EKU_TIMESTAMPING}):
            return _constraint(leaf, "TSA_WITHOUT_PURPOSE", "extended key usage is not timeStamping alone")
        if not leaf.extended_usage_critical and trust.timestamp_usage is TimestampUsage.CRITICAL:
            return _constraint(leaf, "TSA_WITHOUT_PURPOSE", "extended key usage is not critical (RFC 3161 2.3)")
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
    chain: Chain,
    root: Root,
    pool: Pool,
    trust: Trust,
    *,
    at: datetime,
    now: datetime,
    proven: bool,
    made: datetime | None,
) -> tuple[int, ChainVerdict]:
    """EN 319 102-1 5.2.6.4 for one chain: constraints, algorithms, time, revocation; and how many of these were met."""
    refusals = (_constraints(chain, at), _algorithms(chain, pool, trust, at), _times(chain, at))
    for step, refusal in enumerate(refusals):
        if refusal is not None:
            return step, refusal.under(chain, root)
    judged = judge_revocation(chain, root, pool, trust, at=at, now=now, proven=proven, made=made)
    return len(refusals), judged


def _constraints(chain: Sequence[Certificate], at: datetime) -> Refusal | None:
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
    # A person's certificate that was pinned vouches for itself alone. Old roots without any extension say nothing of CAs.
    if len(chain) > 1 and anchor.version >= VERSION_3:
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


def _chain_refusal(certificate: Certificate, reason: str) -> Refusal:
    return Refusal(
        sub_indication=SubIndication.CHAIN_CONSTRAINTS_FAILURE,
        code="CHAIN_NOT_ALLOWED",
        detail=f"{certificate.common_name}: {reason}",
    )


def _algorithms(chain: Sequence[Certificate], pool: Pool, trust: Trust, at: datetime) -> Refusal | None:
    """5.2.6.4 step 6, 5.5.4 step 10: each certificate when it is proved to exist; a key that was broken since makes old ones.

    The leaf is as old as the signature that names it. What the bundle holds is believed without proof.
    """
    for certificate, issuer in pairwise(chain):
        known = certificate == chain[0] or certificate in trust.helpers
        moment = at if known else max(at, pool.proven.get(certificate, at))
        term = weakness(moment, digest=certificate.digest, key=issuer.key_kind, bits=issuer.key_bits, scheme=certificate.scheme)
        if term is not None:
            sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE if term.never else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
            return Refusal(
                sub_indication=sub, code="WEAK_ALGORITHM", detail=f"{certificate.common_name}: {term.name} ({term.source})"
            )
    return None


def _times(chain: Sequence[Certificate], at: datetime) -> Refusal | None:
    """The leaf has begun and its issuers are valid at the moment; a root's time is the trust bundle's matter.

    That the leaf is over is judged with its revocation: 5.2.6.4 tells a certificate that is known not to be revoked apart.
    """
    leaf = chain[0]
    if len(chain) > 1 and at < leaf.not_before:
        # The signature existed at `at` at the latest, so it is certain that it was made too early.
        return Refusal(
            verdict=Verdict.TOTAL_FAILED,
            sub_indication=SubIndication.NOT_YET_VALID,
            code="CERTIFICATE_NOT_YET_VALID",
            detail=f"{leaf.common_name}: {leaf.not_before.isoformat()}",
        )
    for issuer in chain[1:-1]:
        if not issuer.not_before <= at <= issuer.not_after:
            return Refusal(
                sub_indication=SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
                code="ISSUER_NOT_VALID_THEN",
                detail=f"{issuer.common_name}: {issuer.not_before.isoformat()} - {issuer.not_after.isoformat()}",
            )
    return None
