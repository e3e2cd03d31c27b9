"""Many signatures of one person: one result per item, in order, the issuers and a remote key's owner asked as seldom as can be.

for result in sign_many(items, signer, timestamper=tsa, evidence=evidence):
    store(result)               # stop whenever you like; go on later with the items that have no result
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from signing.apply.extending import extended_after_signing
from signing.apply.one import check_means, finish, prepare
from signing.apply.prepared import Prepared
from signing.apply.request import SignRequest
from signing.errors import (
    AuthorisationExpired,
    AuthorisationRefused,
    BadSignatureValue,
    BrokenResult,
    FieldTaken,
    KeyUnavailable,
    LevelNotReached,
    SigningError,
    TimestampRefused,
    WrongSecret,
)
from signing.evidence import Evidence, Revocation
from signing.keys.algorithms import scheme_of
from signing.keys.signer import ManySigner, Signer
from signing.levels import Level
from signing.timestamps import Timestamper
from signing.trust import Trust

# So many documents are prepared before the key is used on the first of them, or so many as one authorisation of a remote key's
# owner covers. More saves questions to the owner and the issuers; less waits in memory, and less is lost when the power fails.
CHUNK = 32
MOST_IN_A_CHUNK = 200
MOST_BYTES = 32 << 20  # of documents that wait in memory; a class book with its sheets has one or two million
MOST_BYTES_REMOTE = 128 << 20  # where the owner of a remote key confirms each chunk: a tap more costs them more than memory

# The issuers' word on the signer, asked for before signing, serves a batch for so long.
WORD_HOLDS_SECONDS = 300.0

# A key that fails so often in a row has gone (pulled out, network down): the owner is not asked again for each of 1,500.
# So has a timestamp authority, for which the key would be used in vain, and a key whose values are not its certificate's.
MOST_STUMBLES = 3

# An issuer that let us wait and gave no answer is not asked again for each document.
LONG_SECONDS = 1.0
REFUSAL_HOLDS_SECONDS = 60.0

# After these nothing more is tried: a token locks after a few wrong PINs, and an owner who said no has said no.
FINAL = (WrongSecret, AuthorisationRefused, AuthorisationExpired)

Item = tuple[str, bytes, SignRequest]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """An item that is signed."""

    id: str
    document: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An item that is not signed (or not fully: `document` then holds the lower level), and why."""

    id: str
    error: SigningError
    document: bytes | None = None


def sign_many(
    items: Iterable[Item],
    signer: Signer,
    *,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    chunk: int | None = None,
) -> Iterator[Signed | Failed]:
    """One result per item, in order, as soon as it is there; items are taken from `items` a chunk at a time.

    A wrong PIN, a refusal or a missed confirmation on the owner's phone ends the batch, and so does a key that fails three
    times in a row, or gives three values in a row that come to nothing (no timestamp, not the certificate's, broken): that
    item fails with it and no result comes for those after it. One field of one document (by its id) is
    never signed twice: the second comes back as FieldTaken. The issuers are asked about the signer once per batch (again after
    five minutes); for B-LT and above also once per chunk, after its last timestamp, and the chunk's results come then.
    `chunk`: how many are prepared at once; None: 32, or as many as one authorisation of a remote key covers.
    """
    batch = _Batch(signer, timestamper=timestamper, evidence=evidence, trust=trust)
    left, many = iter(items), chunk or _at_once(signer)
    most_bytes = MOST_BYTES_REMOTE if many > CHUNK else MOST_BYTES
    while part := _portion(left, many, most_bytes):
        yield from batch.results(part)
        if batch.is_over:
            return


def _at_once(signer: Signer) -> int:
    """What one authorisation covers, for a key that says so."""
    return min(max(int(getattr(signer, "at_once", 1)), CHUNK), MOST_IN_A_CHUNK)


def _portion(items: Iterator[Item], most: int, most_bytes: int) -> list[Item]:
    """The next `most` items, fewer when they are large."""
    portion: list[Item] = []
    held = 0
    while len(portion) < most and held < most_bytes and (item := next(items, None)) is not None:
        portion.append(item)
        held += len(item[1])
    return portion


class _Batch:
    """What is kept from one chunk to the next."""

    def __init__(
        self, signer: Signer, *, timestamper: Timestamper | None, evidence: Evidence | None, trust: Trust | None
    ) -> None:
        self._signer = signer
        self._timestamper = timestamper
        self._evidence = evidence
        self._trust = trust
        self._done: set[tuple[str, str]] = set()
        self._word = None if evidence is None else _AskedOnce(evidence, holds_seconds=WORD_HOLDS_SECONDS)
        self._stumbles = 0  # of the key, in a row
        self._in_vain = 0  # values that came to nothing, in a row
        self._unstamped = 0  # archive timestamps that were not to be had, in a row
        self.is_over = False

    def results(self, items: Sequence[Item]) -> Iterator[Signed | Failed]:
        """The results of one chunk; fewer than items when the batch is over."""
        signed: Iterable[bytes | SigningError] = self._signed([self._prepared(item) for item in items])
        proof = None
        if self._evidence is not None and any(request.level >= Level.B_LT for _, _, request in items):
            signed = list(signed)
            # The answers that served the check of the certificate are older than the timestamps now.
            proof = _AskedOnce(self._evidence, anew=True)
        for (identity, _, request), result in zip(items, signed, strict=False):
            if isinstance(result, LevelNotReached):
                yield Failed(id=identity, error=result, document=result.signed)
            elif isinstance(result, SigningError):
                yield Failed(id=identity, error=result)
            else:
                yield self._extended(identity, result, request, proof)

    def _prepared(self, item: Item) -> Prepared | SigningError:
        identity, pdf, request = item
        if (identity, request.field) in self._done:
            return FieldTaken(
                f"«{request.field}» của {identity} đã có trong lô này",
                f"“{request.field}” of {identity} is already in this batch",
            )
        try:
            check_means(
                request.level, timestamper_given=self._timestamper is not None, evidence_given=self._evidence is not None
            )
            prepared = prepare(
                pdf,
                replace(request, level=min(request.level, Level.B_T)),
                self._signer.certificate,
                self._signer.chain,
                scheme=scheme_of(self._signer),
                timestamper=self._timestamper,
                evidence=self._word,
                trust=self._trust,
                level_is_final=True,
            )
        except SigningError as refused:
            return refused
        self._done.add((identity, request.field))
        return prepared

    def _signed(self, prepared: Sequence[Prepared | SigningError]) -> Iterator[bytes | SigningError]:
        """Each document at B-B or B-T, or why not; ends early when the batch is over."""
        values = self._values([each for each in prepared if isinstance(each, Prepared)])
        for each in prepared:
            if isinstance(each, SigningError):
                yield each
                continue
            value = next(values)
            if isinstance(value, SigningError):
                yield value
                if self.is_over:
                    return
                continue
            yield self._finished(each, value)
            if self.is_over:
                return

    def _finished(self, prepared: Prepared, value: bytes) -> bytes | SigningError:
        """The document with this value, or why it came to nothing."""
        try:
            document = finish(prepared, value, timestamper=self._timestamper, trust=self._trust)
        except (TimestampRefused, BadSignatureValue, BrokenResult) as refused:
            self._in_vain += 1
            self.is_over = self._in_vain >= MOST_STUMBLES
            return refused
        except SigningError as refused:
            return refused
        self._in_vain = 0
        return document

    def _values(self, prepared: Sequence[Prepared]) -> Iterator[bytes | SigningError]:
        """One signature value or refusal per document; a remote key gives many in one authorisation."""
        left = list(prepared)
        while left:
            values = self._asked(left)
            try:
                for value in values:
                    left.pop(0)
                    self._stumbles = 0
                    yield value
            except SigningError as refused:
                left.pop(0)
                self._stumbles += 1
                # A remote service that returns another's values would ask its owner once more for each.
                self.is_over = isinstance(refused, (*FINAL, BadSignatureValue)) or self._stumbles >= MOST_STUMBLES
                yield refused
                if self.is_over:
                    return
            else:
                if left:  # a device that stops in the middle without a word would otherwise be asked for ever
                    self.is_over = True
                    yield KeyUnavailable(f"Khóa trả thiếu {len(left)} chữ ký", f"The key left out {len(left)} signatures")
                    return

    def _asked(self, prepared: Sequence[Prepared]) -> Iterator[bytes]:
        digest = prepared[0].digest
        if isinstance(self._signer, ManySigner):
            return self._signer.sign_all([each.to_sign for each in prepared], digest)
        return (self._signer.sign(each.to_sign, digest) for each in list(prepared))

    def _extended(self, identity: str, document: bytes, request: SignRequest, evidence: Evidence | None) -> Signed | Failed:
        if request.level < Level.B_LT or evidence is None or self._timestamper is None:
            return Signed(id=identity, document=document)
        if self._unstamped >= MOST_STUMBLES:  # what is signed is handed out; the dead authority is not waited for once more
            short = LevelNotReached(
                f"Đã ký ở mức B-T, chưa đạt {request.level}: không còn lấy được dấu thời gian",
                f"Signed at level B-T, not yet {request.level}: timestamps were no longer to be had",
                signed=document,
                reached=Level.B_T,
            )
            return Failed(id=identity, error=short, document=document)
        try:
            whole = extended_after_signing(
                document,
                request.level,
                field=request.field,
                timestamp_field=request.timestamp_field,
                chain=self._signer.chain,
                timestamper=self._timestamper,
                evidence=evidence,
                trust=self._trust,
            )
        except LevelNotReached as short:
            self._unstamped = self._unstamped + 1 if isinstance(short.__cause__, TimestampRefused) else 0
            self.is_over = self.is_over or self._unstamped >= MOST_STUMBLES
            return Failed(id=identity, error=short, document=short.signed)
        self._unstamped = 0
        return Signed(id=identity, document=whole)


class _AskedOnce:
    """Evidence asked about each chain once, or every `holds_seconds`; `anew`: what it kept itself is forgotten first.

    A refusal that took long is an answer too, for a minute.
    """

    def __init__(self, evidence: Evidence, *, anew: bool = False, holds_seconds: float = math.inf) -> None:
        self._evidence = evidence
        self._anew = anew
        self._holds_seconds = holds_seconds
        self._kept: dict[tuple[bytes, ...], tuple[float, Revocation | SigningError]] = {}  # until when, what was said

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """See Evidence."""
        key = tuple(chain)
        until, said = self._kept.get(key, (-math.inf, None))
        if said is None or time.monotonic() > until:
            said = self._asked(key)
        if isinstance(said, SigningError):
            raise said.with_traceback(None)
        return said

    def _asked(self, chain: tuple[bytes, ...]) -> Revocation | SigningError:
        if self._anew and not self._kept and (forget := getattr(self._evidence, "forget", None)):
            forget()
        begun = time.monotonic()
        try:
            said: Revocation | SigningError = self._evidence.for_chain(chain)
            holds = self._holds_seconds
        except SigningError as refused:
            said = refused
            holds = REFUSAL_HOLDS_SECONDS if time.monotonic() - begun > LONG_SECONDS else -1.0
        self._kept[chain] = (begun + holds, said)
        return said
