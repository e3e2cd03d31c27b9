"""The validation processes of EN 319 102-1: basic (5.3), with time (5.5), with long-term data and archive timestamps (5.6).

Time slides backwards. Document timestamps are judged from the newest to the oldest, each at the moment up to which a newer one
proves it; what a valid one covers is proved to exist at its time. A signature is then judged at its best time: the
earliest moment at which it is proved to exist, or now. So the strongest process that passes decides, without running three.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from signing.report import SubIndication, Verdict
from signing.trust import Trust, Use
from signing.verification.algorithms import Term, digest_term
from signing.verification.bare_signature import SUBFILTER as BARE
from signing.verification.bare_signature import read_bare_signature
from signing.verification.certificates import Certificate, readable_certificate
from signing.verification.claims import claim_doubts, claimed_time, with_claim, with_content_timestamps
from signing.verification.facts import FoundSignature, Kept, SignedDocument
from signing.verification.faults import Fault
from signing.verification.judged import Judged, Proof
from signing.verification.paths import Pool, judge_chain
from signing.verification.revocation import MAX_ANSWERS, Value
from signing.verification.signature_check import Checked, check_digest
from signing.verification.signed_data import SignedData, UnknownAlgorithm, digest_of, read_signed_data
from signing.verification.timestamps import Token, judge_timestamp, read_token

__all__ = ["Judged", "Proof", "claim_doubts", "claimed_time", "judge"]

MAX_VALUE = 24 * 1024 * 1024  # bytes of one revocation value; a large authority's list has about 5 MB
MAX_POOL = 512  # certificates used for chains; a book with 16 signatures holds about 40


def judge(document: SignedDocument, trust: Trust, *, now: datetime) -> tuple[Judged, ...]:
    """Every signature of the file, in the order of the file. A fault in one never touches another."""
    containers = {id(found): _container(found) for found in document.signatures}
    material = _Material.gather(document, containers, trust)
    proofs: list[Proof] = []
    results: dict[int, Judged] = {}
    for found in sorted(document.signatures, key=lambda each: each.revision, reverse=True):
        if found.is_timestamp:
            judged = _guarded(found, now, _judge_document_timestamp, document, material, trust, proofs)
            results[id(found)] = judged
            if judged.verdict is Verdict.TOTAL_PASSED:
                proofs.append(
                    Proof(
                        revision=found.revision,
                        time=judged.best_time,
                        timestamp=judged.timestamps[0],
                        field=found.field,
                    )
                )
    pool = material.pool(proofs, now)
    for found in document.signatures:
        if not found.is_timestamp:
            container = containers[id(found)]
            results[id(found)] = _guarded(found, now, _judge_signature, document, material, pool, trust, proofs, container)
    return tuple(results[id(found)] for found in document.signatures)


def _guarded(found: FoundSignature, now: datetime, process: Callable[..., Judged], *rest: object) -> Judged:
    """The process, with every surprise turned into a verdict on this one signature."""
    if found.fault is not None and found.fault.code == "UNKNOWN_SUBFILTER" and found.subfilter:
        # Nobody showed that anything is wrong: it is a kind of signature that is not judged here.
        return _undecided(found, now, SubIndication.SIG_CONSTRAINTS_FAILURE, found.fault.code, "")
    if found.fault is not None:
        return _format_failure(found, now, found.fault.code, "")
    try:
        return process(found, now, *rest)
    except UnknownAlgorithm as unknown:
        return _undecided(found, now, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "UNKNOWN_ALGORITHM", str(unknown))
    except Fault as fault:
        return _format_failure(found, now, "BAD_CONTAINER", str(fault))
    except Exception as surprise:  # noqa: BLE001 -- hostile bytes reach deep into libraries: never let one out
        sub = SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE
        return _undecided(found, now, sub, "CHECK_FAILED", type(surprise).__name__)


def _format_failure(found: FoundSignature, now: datetime, code: str, detail: str) -> Judged:
    return Judged(
        found=found,
        verdict=Verdict.TOTAL_FAILED,
        sub_indication=SubIndication.FORMAT_FAILURE,
        code=code,
        detail=detail,
        best_time=now,
    )


def _undecided(found: FoundSignature, now: datetime, sub: SubIndication, code: str, detail: str) -> Judged:
    return Judged(found=found, verdict=Verdict.INDETERMINATE, sub_indication=sub, code=code, detail=detail, best_time=now)


def _container(found: FoundSignature) -> SignedData | Exception:
    try:
        if found.subfilter == BARE:
            return read_bare_signature(found.contents, found.certificates)
        return read_signed_data(found.contents)
    except Exception as fault:  # noqa: BLE001 -- kept, and raised again where this one signature is judged
        return fault


@dataclass(frozen=True, slots=True, kw_only=True)
class _Material:
    """Certificates and revocation data of the whole file and of the trust bundle."""

    certificates: Mapping[Certificate, int]  # from which revision on a document timestamp covers it
    ocsps: tuple[Kept, ...]
    lists: tuple[Kept, ...]
    tokens: Mapping[bytes, Token]  # signature timestamps that could be read, by their bytes
    brought_lists: tuple[bytes, ...]  # of the trust bundle: known now
    brought_ocsps: tuple[bytes, ...]
    pools: dict[int, Pool] = field(default_factory=dict)  # by the number of proofs, which only ever become more

    @classmethod
    def gather(cls, document: SignedDocument, containers: Mapping[int, SignedData | Exception], trust: Trust) -> "_Material":
        # What the signatures bring goes first: anybody may fill the store with more than is read.
        ders: dict[bytes, int] = {}
        ocsps: list[Kept] = []
        lists: list[Kept] = []
        tokens: dict[bytes, Token] = {}
        for found in document.signatures:
            signed = containers[id(found)]
            if isinstance(signed, Exception):
                continue
            # A container is proved by what covers the whole file of its revision: a timestamp in a later one.
            after = _NEVER if found.fault is not None else found.revision + 1
            inside = _tokens(signed)
            tokens.update(inside)
            for each in (signed, *(token.signed for token in inside.values())):
                for der in each.certificates:
                    ders[der] = min(ders.get(der, _NEVER), after)
                ocsps += [Kept(der=der, revision=after) for der in each.ocsps]
                lists += [Kept(der=der, revision=after) for der in each.revocation_lists]
        for kept in document.store.certificates:
            ders[kept.der] = min(ders.get(kept.der, _NEVER), kept.revision)
        ocsps, lists = (
            [kept for kept in _earliest((*brought, *stored)) if len(kept.der) <= MAX_VALUE]
            for brought, stored in ((ocsps, document.store.ocsps), (lists, document.store.lists))
        )
        loaded = ((readable_certificate(der), since) for der, since in list(ders.items())[:MAX_POOL])
        return cls(
            certificates={certificate: since for certificate, since in loaded if certificate is not None},
            ocsps=tuple(ocsps[:MAX_ANSWERS]),
            lists=tuple(lists[:MAX_ANSWERS]),
            tokens=tokens,
            brought_lists=trust.revocation_lists,
            brought_ocsps=trust.ocsp_answers,
        )

    def pool(self, proofs: Sequence[Proof], now: datetime) -> Pool:
        """The material, each value with the earliest moment at which the proofs show it."""
        if len(proofs) not in self.pools:
            self.pools[len(proofs)] = self._pool(proofs, now)
        return self.pools[len(proofs)]

    def _pool(self, proofs: Sequence[Proof], now: datetime) -> Pool:
        # The newest proof first: behind each the earliest moment of all that cover as much or more.
        ordered = sorted(proofs, key=lambda proof: proof.revision, reverse=True)
        covered = [-proof.revision for proof in ordered]
        earliest = list(accumulate((proof.time for proof in ordered), min))

        def proven(revision: int) -> datetime:
            place = bisect_right(covered, -revision)
            return earliest[place - 1] if place else now

        return Pool(
            certificates=tuple(self.certificates),
            proven={certificate: proven(since) for certificate, since in self.certificates.items()},
            ocsps=(
                *(Value(der=kept.der, proven=proven(kept.revision)) for kept in self.ocsps),
                *(Value(der=der, proven=now) for der in self.brought_ocsps),
            ),
            lists=(
                *(Value(der=kept.der, proven=proven(kept.revision)) for kept in self.lists),
                *(Value(der=der, proven=now) for der in self.brought_lists),
            ),
        )


def _earliest(kept: Iterable[Kept]) -> list[Kept]:
    """Each value once, in this order, with the first revision from which on it is covered."""
    first: dict[bytes, int] = {}
    for each in kept:
        first[each.der] = min(first.get(each.der, _NEVER), each.revision)
    return [Kept(der=der, revision=revision) for der, revision in first.items()]


_NEVER = 1 << 30  # a revision that no document timestamp covers


def _tokens(signed: SignedData) -> dict[bytes, Token]:
    found = {}
    for token in (*signed.timestamps, *signed.content_timestamps):
        try:
            found[token] = read_token(token)
        except Fault:
            continue
    return found


def _judge_document_timestamp(
    found: FoundSignature,
    now: datetime,
    document: SignedDocument,
    material: _Material,
    trust: Trust,
    proofs: Sequence[Proof],
) -> Judged:
    """5.4: a document timestamp is proved to exist by the newer ones, else now."""
    covering = tuple(proof for proof in proofs if proof.revision > found.revision)
    at = min((proof.time for proof in covering), default=now)
    judged = judge_timestamp(
        found.contents,
        lambda name: document.digest(found, name),
        material.pool(proofs, now),
        trust,
        at=at,
        now=now,
    )
    token = judged.token
    return Judged(
        found=found,
        verdict=judged.verdict,
        sub_indication=judged.sub_indication,
        code=judged.code,
        detail=judged.detail,
        signed=token.signed if token else None,
        # Its value and imprint were judged before its chain was: an unknown authority makes no content changed.
        checked=Checked(
            signed=token.signed,
            certificate=judged.certificate,
            verdict=Verdict.TOTAL_PASSED if judged.chain and judged.verdict is Verdict.INDETERMINATE else judged.verdict,
        )
        if token
        else None,
        chain=judged.chain,
        timestamps=(judged,),
        proofs=covering,
        best_time=judged.time if judged.passed and judged.time else at,
        time_is_proved=judged.passed,
    )


def _judge_signature(
    found: FoundSignature,
    now: datetime,
    document: SignedDocument,
    material: _Material,
    pool: Pool,
    trust: Trust,
    proofs: Sequence[Proof],
    container: SignedData | Exception,
) -> Judged:
    if isinstance(container, Exception):
        raise container
    # (1) format and (2) cryptography: clauses 5.2.2, 5.2.3, 5.2.7.
    checked = check_digest(container, _content_digest(found, container, document), (*pool.certificates, *trust.helpers))
    covering = tuple(proof for proof in proofs if proof.revision > found.revision)
    at = min((proof.time for proof in covering), default=now)
    if not checked.sound or checked.certificate is None:
        return Judged(
            found=found,
            verdict=checked.verdict,
            sub_indication=checked.sub_indication,
            code=checked.code,
            detail=checked.reason,
            signed=container,
            checked=checked,
            best_time=at,
        )
    # (3) the signature's own timestamps: clause 5.5.4.
    timestamps = tuple(
        judge_timestamp(
            material.tokens.get(token, token),
            lambda name: digest_of(name, container.signature),
            pool,
            trust,
            at=at,
            now=now,
        )
        for token in container.timestamps
    )
    times = [each.time for each in timestamps if each.passed and each.time]
    best = min([at, *times])
    proved = bool(times) or bool(covering)
    # (4) the certificate at that time: clause 5.2.6, then algorithms: clause 5.2.8.
    chain = judge_chain(checked.certificate, pool, trust, at=best, now=now, use=Use.SIGNING, proven=proved)
    judged = Judged(
        found=found,
        verdict=chain.verdict,
        sub_indication=chain.sub_indication,
        code=chain.code,
        detail=chain.detail,
        signed=container,
        checked=checked,
        chain=chain,
        timestamps=timestamps,
        proofs=covering,
        best_time=best,
        time_is_proved=proved,
    )
    content_stamps = tuple(
        judge_timestamp(material.tokens.get(each, each), lambda name: document.digest(found, name), pool, trust, at=at, now=now)
        for each in container.content_timestamps
    )
    return with_claim(with_content_timestamps(_in_order(_with_algorithms(judged)), content_stamps))


def _in_order(judged: Judged) -> Judged:
    """A signature timestamp that is believed and later than a document timestamp over it: one of the two authorities errs."""
    if judged.verdict is not Verdict.TOTAL_PASSED or not judged.proofs:
        return judged
    late = next((each for each in judged.timestamps if each.sub_indication is SubIndication.TIMESTAMP_ORDER_FAILURE), None)
    if late is None:
        return judged
    return judged.but(Verdict.INDETERMINATE, SubIndication.TIMESTAMP_ORDER_FAILURE, "TIMESTAMP_BROKEN", late.detail)


def _content_digest(found: FoundSignature, signed: SignedData, document: SignedDocument) -> bytes:
    """What the message digest must be; in the old adbe.pkcs7.sha1 the container holds the digest of the file."""
    if found.subfilter != "/adbe.pkcs7.sha1":
        if signed.encapsulated is not None:
            raise Fault("the signature brings its own content instead of signing the file")
        return document.digest(found, signed.digest)
    if signed.encapsulated is None:
        raise Fault("the signature does not hold the digest of the file")
    if signed.encapsulated != document.digest(found, "sha1"):
        return b""
    return digest_of(signed.digest, signed.encapsulated)


def _with_algorithms(judged: Judged) -> Judged:
    """A weak algorithm of the signature itself, at its best time."""
    if judged.verdict is not Verdict.TOTAL_PASSED or judged.checked is None:
        return judged
    term = judged.checked.weak_term(judged.best_time)
    if term is None and judged.found.subfilter == "/adbe.pkcs7.sha1":
        term = _sha1_alone(judged.best_time)
    if term is None:
        return judged
    # 5.5.4 step 4 c: a proof of an earlier time might still help, but for what was accepted at no time.
    sub = SubIndication.CRYPTO_CONSTRAINTS_FAILURE if term.never else SubIndication.CRYPTO_CONSTRAINTS_FAILURE_NO_POE
    return judged.but(Verdict.INDETERMINATE, sub, "WEAK_ALGORITHM", f"{term.name} ({term.source})")


def _sha1_alone(moment: datetime) -> Term | None:
    """Adobe's oldest form binds the file by SHA-1, whatever digest the container uses."""
    term = digest_term("sha1")
    return term if term.until is not None and moment >= term.until else None
