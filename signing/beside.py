"""Signatures that do not stand in a PDF (XAdES, CAdES): judged at their best time, with the proofs of time that they carry.

    worth = weigh(given, trust, now=now)          # chain, timestamps, algorithms: EN 319 102-1, 5.2.6, 5.2.8, 5.5, 5.6
    report = signature_report("CBQL", given, worth, covers_whole_file=False, changes=Changes.PERMITTED)

Format and cryptography (5.2.2, 5.2.7) are the caller's: they differ. Time, trust and revocation are the same everywhere, and
every step here is a call to the machinery of `signing.verification`. The reports are written in `signing.beside_report`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from signing.report import SubIndication, Verdict
from signing.trust import Trust, Use
from signing.verification.algorithms import weakness
from signing.verification.certificates import Certificate, readable_certificate
from signing.verification.der import SEQUENCE, read
from signing.verification.faults import Fault
from signing.verification.paths import ChainVerdict, Pool, judge_chain
from signing.verification.revocation import MAX_ANSWERS, Value
from signing.verification.signed_data import Scheme
from signing.verification.timestamps import JudgedTimestamp, Token, judge_timestamp, read_token

MAX_POOL = 256  # certificates of one signature and its timestamps; after twenty renewals about sixty

_OCSP_RESPONSE = "1.3.6.1.5.5.7.16.2"  # id-ri-ocsp-response, RFC 5940
_NO_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """A timestamp token and the digest that its imprint must be, by the name of the digest algorithm."""

    token: bytes
    expected: Callable[[str], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A timestamp over the whole signature with what was kept beside it until then (XAdES 5.5.2, CAdES 5.5.3)."""

    token: bytes
    expected: Callable[[str], bytes]
    covers: frozenset[bytes]  # earlier tokens, certificates and revocation values under it, DER


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """Something is proved to exist at this time by a timestamp that holds."""

    time: datetime
    timestamp: JudgedTimestamp
    covers: frozenset[bytes] | None  # DER values; None: the signature and everything in it
    is_archive: bool = True  # an archive timestamp: it lifts the level, not only the time

    def reaches(self, value: bytes) -> bool:
        """Whether the value stood under the timestamp."""
        return self.covers is None or value in self.covers


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A signature whose value fits what it signs; everything else about it is still to be judged."""

    certificate: Certificate
    scheme: Scheme
    digests: tuple[str, ...]  # every algorithm that stands between the data and the value
    stamps: tuple[Stamp, ...] = ()
    archives: tuple[Archive, ...] = ()
    proofs: tuple[Proof, ...] = ()  # from outside: a package's archive timestamp, a signature around this one
    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()
    claimed: datetime | None = None
    not_baseline: str = ""  # why it is not even B-B


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """Certificates and revocation values that a signature brings; values inside a token exist since the token does."""

    certificates: tuple[tuple[Certificate, bytes], ...]  # what holds it: itself, or the token that it stands in
    ocsps: tuple[tuple[bytes, bytes], ...]  # the value, and what holds it
    lists: tuple[tuple[bytes, bytes], ...]
    brought: tuple[bytes, ...]  # the trust bundle's lists, and
    answered: tuple[bytes, ...]  # OCSP answers that it holds or that were fetched: known now
    tokens: Mapping[bytes, Token]

    def under(self, proof: Proof) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
        """The OCSP answers and the lists that a proof covers."""
        ocsps, lists = (
            tuple(value for value, holder in kept if proof.reaches(value) or proof.reaches(holder))
            for kept in (self.ocsps, self.lists)
        )
        return ocsps, lists

    def pool(self, proofs: Sequence[Proof], now: datetime) -> Pool:
        """Everything, each value with the earliest moment at which the proofs show it."""

        def proven(value: bytes, holder: bytes) -> datetime:
            return min((each.time for each in proofs if each.reaches(value) or each.reaches(holder)), default=now)

        return Pool(
            certificates=tuple(each for each, _ in self.certificates),
            proven={each: proven(each.der, holder) for each, holder in self.certificates},
            ocsps=(
                *(Value(der=value, proven=proven(value, holder)) for value, holder in self.ocsps),
                *(Value(der=value, proven=now) for value in self.answered),
            ),
            lists=(
                *(Value(der=value, proven=proven(value, holder)) for value, holder in self.lists),
                *(Value(der=value, proven=now) for value in self.brought),
            ),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the signature is worth at its best time."""

    verdict: Verdict
    sub_indication: SubIndication | None
    code: str | None
    detail: str
    chain: ChainVerdict
    timestamps: tuple[JudgedTimestamp, ...]  # over the signature value
    archives: tuple[JudgedTimestamp, ...]  # the newest first
    proofs: tuple[Proof, ...]
    material: Material
    best_time: datetime
    time_is_proved: bool

    @property
    def proved(self) -> tuple[JudgedTimestamp, ...]:
        """The signature's timestamps whose time is evidence."""
        return tuple(each for each in self.timestamps if each.passed)


def weigh(given: Given, trust: Trust, *, now: datetime) -> Worth:
    """Clauses 5.6 (archive timestamps), 5.5.4 (timestamps), 5.2.6 (certificate at the best time), 5.2.8 (algorithms)."""
    material = gathered(given, trust)
    archives, proofs = _archived(given, material, trust, now)
    pool = material.pool(proofs, now)
    timestamps = tuple(
        judge_timestamp(
            material.tokens.get(each.token, each.token),
            each.expected,
            pool,
            trust,
            at=_since(each.token, proofs, now),
            now=now,
        )
        for each in given.stamps
    )
    times = [each.time for each in timestamps if each.passed and each.time]
    best = min([now, *times, *(each.time for each in proofs)])
    proved = bool(times or proofs) and best < now
    chain = judge_chain(given.certificate, pool, trust, at=best, now=now, use=Use.SIGNING, proven=proved)
    worth = Worth(
        verdict=chain.verdict,
        sub_indication=chain.sub_indication,
        code=chain.code,
        detail=chain.detail,
        chain=chain,
        timestamps=timestamps,
        archives=archives,
        proofs=tuple(proofs),
        material=material,
        best_time=best,
        time_is_proved=proved,
    )
    return _with_claim(_with_algorithms(worth, given), given)


def _archived(given: Given, material: Material, trust: Trust, now: datetime) -> tuple[tuple[JudgedTimestamp, ...], list[Proof]]:
    """Archive timestamps from the newest to the oldest, each at the moment up to which a newer one proves it (5.6.3)."""
    proofs = list(given.proofs)
    judged: list[JudgedTimestamp] = []

    def newest_first(each: Archive) -> tuple[datetime, int]:
        token = material.tokens.get(each.token)
        return (token.time if token else _NO_TIME), len(each.covers)

    for each in sorted(given.archives, key=newest_first, reverse=True):
        told = judge_timestamp(
            material.tokens.get(each.token, each.token),
            each.expected,
            material.pool(proofs, now),
            trust,
            at=_since(each.token, proofs, now),
            now=now,
        )
        judged.append(told)
        if told.passed and told.time is not None:
            proofs.append(Proof(time=told.time, timestamp=told, covers=each.covers))
    return tuple(judged), proofs


def _since(token: bytes, proofs: Iterable[Proof], now: datetime) -> datetime:
    return min((each.time for each in proofs if each.reaches(token)), default=now)


def gathered(given: Given, trust: Trust) -> Material:
    """What the signature and its tokens bring; and the trust bundle's lists."""
    tokens: dict[bytes, Token] = {}
    for der in (*(each.token for each in given.stamps), *(each.token for each in given.archives)):
        if (held := _held(der)) is not None:
            tokens[der] = held
    ders = {der: der for der in given.certificates}
    ocsps = [(der, der) for der in given.ocsps]
    lists = [(der, der) for der in given.lists]
    for der, token in tokens.items():
        for each in token.signed.certificates:
            ders.setdefault(each, der)
        ocsps += [(value, der) for value in (*token.signed.ocsps, *ocsps_in(der))]
        lists += [(value, der) for value in token.signed.revocation_lists]
    return Material(
        certificates=tuple(
            (loaded, holder)
            for der, holder in list(ders.items())[:MAX_POOL]
            if (loaded := readable_certificate(der)) is not None
        ),
        ocsps=tuple(ocsps[:MAX_ANSWERS]),
        lists=tuple(lists[:MAX_ANSWERS]),
        brought=trust.revocation_lists,
        answered=trust.ocsp_answers,
        tokens=tokens,
    )


def ocsps_in(container: bytes) -> tuple[bytes, ...]:
    """OCSP responses among the revocation values of a CMS (RFC 5940); anything of another kind is left alone."""
    try:
        parts = read(container).children()[1].children()[0].children()
        kept = [each for part in parts[3:-1] if part.tag == 0xA1 for each in part.children() if each.tag == 0xA1]  # noqa: PLR2004
        fields = [each.children() for each in kept[:MAX_ANSWERS]]
        return tuple(
            pair[1].raw
            for pair in fields
            if len(pair) == 2 and pair[0].oid() == _OCSP_RESPONSE and pair[1].tag == SEQUENCE  # noqa: PLR2004
        )
    except (Fault, IndexError, ValueError):
        return ()


def _held(token: bytes) -> Token | None:
    """A timestamp token, with the certificates and revocation data that it brings."""
    try:
        return read_token(token)
    except Fault:
        return None


def _with_algorithms(worth: Worth, given: Given) -> Worth:
    """A weak algorithm anywhere between the data and the value, at the best time."""
    if worth.verdict is not Verdict.TOTAL_PASSED:
        return worth
    certificate = given.certificate
    for digest in dict.fromkeys((given.scheme.digest, *given.digests)):
        term = weakness(
            worth.best_time,
            digest=digest,
            key=certificate.key_kind,
            bits=certificate.key_bits,
            scheme=given.scheme.name,
        )
        if term is not None:
            # 5.5.4, step 4 c: proof of an earlier time would help, unless it never was strong enough.
            never = term.never
            sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE if never else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
            return replace(
                worth,
                verdict=Verdict.INDETERMINATE,
                sub_indication=sub,
                code="WEAK_ALGORITHM",
                detail=f"{term.name} ({term.source})",
            )
    return worth


def _with_claim(worth: Worth, given: Given) -> Worth:
    """As for signatures in a PDF: a signer's own claim to have signed too late decides what 5.5.4 leaves open."""
    claim, chain = given.claimed, worth.chain
    if claim is None or not worth.time_is_proved:
        return worth
    if worth.sub_indication is SubIndication.REVOKED_NO_POE and chain.revoked_at and claim >= chain.revoked_at:
        return replace(worth, verdict=Verdict.TOTAL_FAILED, sub_indication=SubIndication.REVOKED)
    out_of_bounds = {SubIndication.OUT_OF_BOUNDS_NO_POE, SubIndication.OUT_OF_BOUNDS_NOT_REVOKED}
    if worth.sub_indication in out_of_bounds and min(claim, worth.best_time) > given.certificate.not_after:
        return replace(worth, verdict=Verdict.TOTAL_FAILED, sub_indication=SubIndication.EXPIRED)
    return worth
