"""Until when an algorithm proves anything: a dated table.

Sources. ETSI TS 119 312 V1.5.1, by its machine-readable catalogue (TS 119 322) of 2024-10-13 as EU DSS carries it: what is
"recommended" has no end, what is "legacy" ends with 2028. What that edition no longer lists keeps the end that the last
edition gave it. TT 15/2025/TT-BKHCN (from 15 August 2025): RSA >= 2048 with RSASSA-PSS, ECDSA >= 256, SHA-2 and SHA-3, no
SHA-1; it binds software that signs, so a signature of before its date, or with PKCS #1 v1.5, is judged by ETSI's table and the
scheme is reported. What stands in no row (Ed25519 and Ed448 among it) is accepted at no time.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """An algorithm (with the least key size and the padding the row is for) and the end of its use; None: no end is set."""

    name: str
    least_bits: int = 0
    scheme: str | None = None  # only for this one: "rsa_pkcs1"
    until: datetime | None
    source: str

    @property
    def never(self) -> bool:
        """Whether there was no time at which it was accepted: no proof of an early time helps."""
        return self.until == _NEVER


def _until(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


_NEVER = _until(1970)
_ETSI = "ETSI TS 119 312 V1.5.1"
_BOTH = f"{_ETSI}; TT 15/2025/TT-BKHCN"

DIGESTS: tuple[Term, ...] = (
    Term(name="md5", until=_until(2004, 8), source=_ETSI),
    Term(name="sha1", until=_until(2012, 8), source=_BOTH),
    Term(name="ripemd160", until=_until(2014, 8), source=_ETSI),
    Term(name="sha224", until=_until(2029), source=f"{_ETSI}, legacy"),
    Term(name="sha3_224", until=_until(2026), source="ETSI TS 119 312 V1.3.1, in no later edition"),
    Term(name="sha256", until=None, source=_BOTH),
    Term(name="sha384", until=None, source=_BOTH),
    Term(name="sha512", until=None, source=_BOTH),
    Term(name="sha3_256", until=None, source=_BOTH),
    Term(name="sha3_384", until=None, source=_BOTH),
    Term(name="sha3_512", until=None, source=_BOTH),
)

# The first row that fits counts; so each kind's rows stand from the largest to the smallest, a row for one padding first.
KEYS: tuple[Term, ...] = (
    Term(name="rsa", least_bits=3000, scheme="rsa_pkcs1", until=_until(2029), source=f"{_ETSI}, PKCS #1 v1.5: legacy"),
    Term(name="rsa", least_bits=3000, until=None, source=f"{_BOTH}: RSASSA-PSS"),
    Term(name="rsa", least_bits=1900, until=_until(2029), source=f"{_ETSI}, legacy; TT 15/2025/TT-BKHCN: from 2048"),
    Term(name="rsa", least_bits=1024, until=_until(2019, 10), source=_ETSI),
    Term(name="rsa", least_bits=786, until=_until(2010, 8), source=_ETSI),
    Term(name="dsa", least_bits=3000, until=None, source=_ETSI),
    Term(name="dsa", least_bits=1900, until=_until(2029), source=f"{_ETSI}, legacy"),
    Term(name="dsa", least_bits=1024, until=_until(2015, 12), source=_ETSI),
    Term(name="ec", least_bits=256, until=None, source=_BOTH),
    Term(name="ec", least_bits=224, until=_until(2021, 10), source=_ETSI),
    Term(name="ec", least_bits=160, until=_until(2012, 8), source=_ETSI),
)

_DIGEST_TERMS = {term.name: term for term in DIGESTS}


def weakness(moment: datetime, *, digest: str | None, key: str, bits: int, scheme: str | None = None) -> Term | None:
    """The row that forbids this combination at this moment, or None. An algorithm without a row is forbidden always.

    `scheme` is the padding ("rsa_pkcs1", "rsa_pss"), where it is known: PKCS #1 v1.5 ends before RSASSA-PSS does.
    """
    for term in (digest_term(digest), key_term(key, bits, scheme)):
        if term.until is not None and moment >= term.until:
            return term
    return None


@lru_cache(64)
def digest_term(digest: str | None) -> Term:
    """The row of a digest. Ed25519 and Ed448 fix their own: None."""
    if digest is None:
        return _DIGEST_TERMS["sha512"]
    return _DIGEST_TERMS.get(digest) or Term(name=digest, until=_NEVER, source="in no table")


@lru_cache(256)
def key_term(key: str, bits: int, scheme: str | None = None) -> Term:
    """The row of a key of this kind and size, used in this scheme."""
    for term in KEYS:
        if term.name == key and bits >= term.least_bits and term.scheme in {None, scheme}:
            return term
    return Term(name=f"{key}-{bits}", until=_NEVER, source="in no table")


def ends(*, digest: str | None, key: str, bits: int, scheme: str | None = None) -> datetime | None:
    """The first end among the rows, as far as one is set: before it a new timestamp is needed."""
    return min((term.until for term in (digest_term(digest), key_term(key, bits, scheme)) if term.until), default=None)
