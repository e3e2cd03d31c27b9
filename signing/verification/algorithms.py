"""Until when an algorithm proves anything: a dated table.

Sources: ETSI TS 119 312 (digests: clause 5, keys: clauses 6 and 9), with end dates as validators in the field apply them
(they follow the SOG-IS list of agreed mechanisms; a new edition changes this table and nothing else); TT 15/2025/TT-BKHCN
(from 15 August 2025: RSA >= 2048 with RSASSA-PSS, ECDSA >= 256, SHA-2 and SHA-3, no SHA-1). The circular binds software
that signs; a signature of before its date, or with PKCS #1 v1.5, is judged by ETSI's table and the scheme is reported.
"""

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """An algorithm (and the least key size the row is for) with the end of its use; None: no end is set yet."""

    name: str
    least_bits: int = 0
    until: datetime | None
    source: str


def _until(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, tzinfo=UTC)


_ETSI = "ETSI TS 119 312"

DIGESTS: tuple[Term, ...] = (
    Term(name="md5", until=_until(2004, 8), source=_ETSI),
    Term(name="sha1", until=_until(2012, 8), source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="ripemd160", until=_until(2014, 8), source=_ETSI),
    Term(name="sha224", until=_until(2029), source=_ETSI),
    Term(name="sha3_224", until=_until(2029), source=_ETSI),
    Term(name="sha256", until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="sha384", until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="sha512", until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="sha3_256", until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="sha3_384", until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="sha3_512", until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="shake256", until=None, source=_ETSI),
)

# The first row whose size is reached counts; so each kind's rows stand from the largest to the smallest.
KEYS: tuple[Term, ...] = (
    Term(name="rsa", least_bits=3000, until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="rsa", least_bits=1900, until=_until(2029), source=f"{_ETSI}; TT 15/2025/TT-BKHCN: from 2048"),
    Term(name="rsa", least_bits=1536, until=_until(2019, 10), source=_ETSI),
    Term(name="rsa", least_bits=1024, until=_until(2014, 8), source=_ETSI),
    Term(name="rsa", least_bits=786, until=_until(2010, 8), source=_ETSI),
    Term(name="dsa", least_bits=3072, until=None, source=_ETSI),
    Term(name="dsa", least_bits=2048, until=_until(2029), source=_ETSI),
    Term(name="dsa", least_bits=1024, until=_until(2015, 12, 31), source=_ETSI),
    Term(name="ec", least_bits=256, until=None, source=f"{_ETSI}; TT 15/2025/TT-BKHCN"),
    Term(name="ec", least_bits=224, until=_until(2016, 10), source=_ETSI),
    Term(name="ec", least_bits=160, until=_until(2012, 8), source=_ETSI),
    Term(name="ed25519", until=None, source=_ETSI),
    Term(name="ed448", until=None, source=_ETSI),
)

_DIGEST_TERMS = {term.name: term for term in DIGESTS}


def weakness(moment: datetime, *, digest: str | None, key: str, bits: int) -> Term | None:
    """The row that forbids this combination at this moment, or None. An algorithm without a row is forbidden always."""
    for term in (digest_term(digest), key_term(key, bits)):
        if term.until is not None and moment >= term.until:
            return term
    return None


def digest_term(digest: str | None) -> Term:
    """The row of a digest. Ed25519 and Ed448 fix their own: None."""
    if digest is None:
        return _DIGEST_TERMS["sha512"]
    return _DIGEST_TERMS.get(digest) or Term(name=digest, until=_until(1970), source="in no table")


def key_term(key: str, bits: int) -> Term:
    """The row of a key of this kind and size."""
    for term in KEYS:
        if term.name == key and bits >= term.least_bits:
            return term
    return Term(name=f"{key}-{bits}", until=_until(1970), source="in no table")


def ends(*, digest: str | None, key: str, bits: int) -> datetime | None:
    """The first end among the rows, as far as one is set: before it a new timestamp is needed."""
    return min((term.until for term in (digest_term(digest), key_term(key, bits)) if term.until), default=None)
