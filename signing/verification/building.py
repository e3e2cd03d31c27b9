"""Building chains: which certificates at hand lead from a leaf to a root of the bundle (EN 319 102-1 5.2.6.4 step 1).

A file may bring hundreds of certificates that carry an authority's name and key and that no authority issued. So the
search first goes down from the roots, and then up from the leaf among those that a root vouches for.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from signing.trust import Root, Trust, Use
from signing.verification.certificates import Certificate, issued_by, same_name

MAX_LENGTH = 10  # certificates in a chain; real ones have 3 or 4
MAX_CHAINS = 32  # tried per leaf: cross-certified authorities make two or three
MAX_CHECKS = 4_096  # signatures looked at while going down; a file with 40 certificates needs about 40

Chain = tuple[Certificate, ...]


def chains(
    leaf: Certificate, certificates: Sequence[Certificate], trust: Trust, *, at: datetime | None, use: Use
) -> Iterator[tuple[Chain, Root]]:
    """Every chain whose names and signatures fit, shortest first, up to MAX_CHAINS; at None roots of any time count."""
    roots = [root for root in trust.roots if root.serves(use) and (at is None or root.counts_at(at, use))]
    if not roots:
        return
    anchors = tuple(dict.fromkeys(root.certificate for root in roots))
    issuers = _vouched_for(anchors, tuple(dict.fromkeys((*certificates, *trust.helpers))))
    found = 0
    queue: list[Chain] = [(leaf,)]
    while queue and found < MAX_CHAINS:
        chain = queue.pop(0)
        last = chain[-1]
        for root in roots:
            if root.certificate == last:
                yield chain, root
                found += 1
            elif _issued(last, root.certificate):
                yield (*chain, root.certificate), root
                found += 1
        if len(chain) < MAX_LENGTH and len(queue) <= 4 * MAX_CHAINS:
            queue += [(*chain, each) for each in issuers if each not in chain and _issued(last, each)]


@lru_cache(64)
def _vouched_for(anchors: tuple[Certificate, ...], certificates: tuple[Certificate, ...]) -> tuple[Certificate, ...]:
    """The certificates that lead to one of the anchors by names and signatures, those nearest to it first."""
    left = list(certificates)
    known: list[Certificate] = []
    above = list(anchors)
    checks = 0
    while above and left:
        fresh: list[Certificate] = []
        for each in left:
            checks += 1
            if checks > MAX_CHECKS:
                return tuple(known)
            if any(_issued(each, one) for one in above):
                fresh.append(each)
        left = [each for each in left if each not in fresh]
        known += fresh
        above = fresh
    return tuple(known)


def _issued(certificate: Certificate, issuer: Certificate) -> bool:
    return same_name(certificate.issuer, issuer.subject) and _key_fits(certificate, issuer) and issued_by(certificate, issuer)


def _key_fits(certificate: Certificate, issuer: Certificate) -> bool:
    """The key identifiers only help to choose: they need not be there, but where both are they must agree."""
    wanted, has = certificate.issuer_key_id, issuer.key_id
    return wanted is None or has is None or wanted == has
