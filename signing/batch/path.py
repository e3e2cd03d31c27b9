"""The fast path itself: one signature by one key, from bytes to bytes, as few operations as the level allows.

    path = FastPath(signer, timestamper=tsa, evidence=evidence)
    signed = path.sign(pdf, Order(field="principal_signs", at=now, level=Level.B_LT))

`Unusual` means: nothing was signed, ask pyHanko. What can be said once is said once per path: the CMS, the room a token
needs, the packed evidence of a chain.

The order of effects in one document: hash - sign - check the value - timestamp - evidence - archive timestamp. Evidence
is asked for *after* the timestamp, as ETSI wants it (EN 319 102-1, 5.2.5), so B-LT is a revision of its own; it hashes
nothing. For a batch, `open` signs and timestamps each document and `finish` asks for evidence once for all of them.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from signing.batch.cms import CmsTemplate
from signing.batch.document import Document
from signing.batch.form import read_form
from signing.batch.order import Order
from signing.batch.placing import Hasher, hasher, lay_signature, lay_timestamp
from signing.batch.store import PreparedStore
from signing.batch.tokens import Stamp, TokenJudge, chain_of
from signing.batch.unusual import Unusual
from signing.errors import (
    CertificateExpired,
    CertificateRevoked,
    EvidenceMissing,
    EvidenceTooOld,
    LevelNotReached,
    NoRoom,
    SigningError,
    TimestampRefused,
)
from signing.evidence import Evidence, Revocation, Revoked, status_of
from signing.keys.algorithms import read_certificate, subject_name
from signing.keys.signer import Signer
from signing.levels import Level
from signing.timestamps import Timestamper

# Room for a token before the first one was seen; afterwards for one a little longer than the longest seen.
FIRST_TOKEN_ROOM = 12 * 1024
SPARE_TOKEN_ROOM = 512


@dataclass(slots=True, kw_only=True)
class Opened:
    """A document that carries its signature and, from B-T on, its timestamp; what the level still lacks comes later."""

    data: bytes  # the document as it was
    document: Document  # as it stands with them
    order: Order
    added: list[bytes]  # the sections to append to `data`
    so_far: Hasher | None  # SHA-256 over `data` and `added`, where an archive timestamp will need it
    stamp: Stamp | None = None  # what the signature's timestamp says

    failure: LevelNotReached | None = None  # why `finish` could not bring it to its level

    def whole(self) -> bytes:
        """The signed document."""
        return b"".join((self.data, *self.added))


class FastPath:
    """One signer's fast path; see the module. Not to be shared between threads."""

    def __init__(self, signer: Signer, *, timestamper: Timestamper | None = None, evidence: Evidence | None = None) -> None:
        self.template = CmsTemplate(signer)
        self._signer = signer
        self._timestamper = timestamper
        self._evidence = evidence
        self._token_room = FIRST_TOKEN_ROOM
        self._rooms: dict[int, int] = {}  # by the token's length
        self._judge = TokenJudge()
        self._certificate = read_certificate(signer.certificate)

    def sign(self, pdf: bytes, order: Order) -> bytes:
        """The document with the signature at the level asked for."""
        opened = self.open(pdf, order)
        self.finish([opened])
        if opened.failure is not None:
            raise opened.failure
        return opened.whole()

    def open(self, pdf: bytes, order: Order) -> Opened:
        """Sign, and timestamp from B-T on. Unusual before the key is used, or SigningError."""
        so_far = hasher(self.template.digest)
        so_far.update(pdf)
        try:
            return self._open(pdf, order, so_far)
        except NoRoom:  # another authority's token is longer than all before: the room is known now
            return self._open(pdf, order, so_far)

    def _open(self, pdf: bytes, order: Order, so_far: Hasher) -> Opened:
        document = Document(pdf)
        if order.level >= Level.B_LTA and read_form(document).signed:
            raise Unusual("earlier signatures, whose evidence the archive timestamp is to cover too")
        laid = lay_signature(document, order, room=self.room(order.level), so_far=so_far)
        cms, stamp = self.signed(self.template.attributes(laid.digest), order.level)
        added = laid.fill(cms)
        running = None
        if order.level >= Level.B_LTA:
            running = _as_sha256(so_far, self.template.digest, pdf)
            running.update(added)
        return Opened(data=pdf, document=document, order=order, added=[added], so_far=running, stamp=stamp)

    def signed(self, attributes: bytes, level: Level) -> tuple[bytes, Stamp | None]:
        """The CMS over these attributes, timestamped from B-T on, and what the timestamp says."""
        value = self.template.sign(attributes)
        if level < Level.B_T:
            return self.template.assemble(attributes, value), None
        token, stamp = self._token(hashlib.sha256(value).digest())
        if not self._certificate.not_valid_before_utc <= stamp.time <= self._certificate.not_valid_after_utc:
            raise CertificateExpired(
                f"Dấu thời gian {stamp.time} nằm ngoài thời hạn của chứng thư",
                f"The timestamp of {stamp.time} lies outside of the certificate's validity",
            )
        return self.template.assemble(attributes, value, token), stamp

    def room(self, level: Level) -> int:
        """The bytes of CMS to keep free in the signature dictionary."""
        token = 0 if level < Level.B_T else self._token_room
        if token not in self._rooms:
            self._rooms[token] = self.template.longest(token)
        return self._rooms[token]

    def finish(self, opened: Sequence[Opened]) -> None:
        """Evidence and archive timestamps for those that want them: the issuers are asked once for all.

        A document that cannot be finished keeps its B-T form and says why in `failure`.
        """
        wanting = [(each, each.stamp) for each in opened if each.order.level >= Level.B_LT and each.stamp]
        if not wanting:
            return
        try:
            stores = self._stores([stamp for _, stamp in wanting])
        except SigningError as error:
            for each, _ in wanting:
                each.failure = _short(each, error)
            return
        for each, stamp in wanting:
            try:
                self._finish(each, stores[stamp.certificates])
            except (SigningError, Unusual) as error:
                each.failure = _short(each, error)

    def _finish(self, opened: Opened, store: PreparedStore) -> None:
        put = store.put_into(opened.document)
        if opened.order.level >= Level.B_LTA:
            self._archive(opened)
        elif put:
            opened.added.append(opened.document.revise())

    def _archive(self, opened: Opened) -> None:
        """Store and archive timestamp in one revision: the timestamp covers the store."""
        if opened.so_far is None:
            raise ValueError("this document was not opened for B-LTA")
        # More room than usual: unlike a signature, the section cannot be laid again.
        room = max(self._token_room, FIRST_TOKEN_ROOM)
        laid = lay_timestamp(opened.document, opened.order.archive_field, room=room, so_far=opened.so_far)
        token, _ = self._token(laid.digest)
        opened.added.append(laid.fill(token))

    def _token(self, digest: bytes) -> tuple[bytes, Stamp]:
        if self._timestamper is None:
            raise TimestampRefused("Chưa chỉ định tổ chức cấp dấu thời gian", "No timestamp authority was given")
        token = self._timestamper.timestamp(digest)
        stamp = self._judge.judge(token, digest)
        room = len(token) + SPARE_TOKEN_ROOM
        self._token_room = room if self._token_room == FIRST_TOKEN_ROOM else max(room, self._token_room)
        return token, stamp

    def _stores(self, stamps: Sequence[Stamp]) -> dict[tuple[bytes, ...], PreparedStore]:
        """One packed store per timestamp authority; each issuer is asked once, after the last timestamp."""
        if self._evidence is None:
            raise EvidenceMissing("Chưa chỉ định nơi lấy bằng chứng thu hồi", "No source of revocation data was given")
        latest = max(stamp.time for stamp in stamps)
        own = (self._signer.certificate, *self._signer.chain)
        said = _answered(self._evidence, own, since=latest)
        stores = {}
        for authority in {stamp.certificates for stamp in stamps}:
            chain = chain_of(authority, self._signer.chain)
            about = self._evidence.for_chain(chain)
            require_good(chain, about, since=None)
            both = said + about
            certificates = [each for each in (*own, *chain) if not _is_root(each)]
            stores[authority] = PreparedStore(certificates=certificates, ocsps=both.ocsps, crls=both.crls)
        return stores


def _answered(evidence: Evidence, chain: Sequence[bytes], *, since: datetime) -> Revocation:
    """Good word that is not older than `since`; what was kept from before it is asked for again, once."""
    said = evidence.for_chain(chain)
    try:
        require_good(chain, said, since=since)
    except EvidenceTooOld:
        forget = getattr(evidence, "forget", None)
        if forget is None:
            raise
        forget()
        said = evidence.for_chain(chain)
        require_good(chain, said, since=since)
    return said


def require_good(chain: Sequence[bytes], said: Revocation, *, since: datetime | None) -> None:
    """Raise unless the answers call every certificate but the root good, the first one's not before `since`."""
    for certificate, issuer in pairwise(chain):
        status = status_of(certificate, issuer, said)
        who = subject_name(certificate)
        if status is None:
            raise EvidenceMissing(f"Không có câu trả lời về thu hồi của {who}", f"No revocation status of {who} could be had")
        if isinstance(status, Revoked):
            raise CertificateRevoked(
                f"Chứng thư của {who} đã bị thu hồi lúc {status.at}", f"The certificate of {who} was revoked at {status.at}"
            )
        if since is not None and certificate == chain[0] and status.as_of < since:
            raise EvidenceTooOld(
                f"Câu trả lời về {who} có từ {status.as_of}, trước dấu thời gian {since}",
                f"The answer about {who} is of {status.as_of}, older than the timestamp of {since}",
            )


def _short(opened: Opened, reason: SigningError | Unusual) -> LevelNotReached:
    vi, en = (reason.vi, reason.en) if isinstance(reason, SigningError) else (str(reason), str(reason))
    return LevelNotReached(
        f"Đã ký ở mức B-T, chưa đạt {opened.order.level}: {vi}",
        f"Signed at level B-T, not yet {opened.order.level}: {en}",
        signed=opened.whole(),
        reached=Level.B_T,
    )


def _as_sha256(so_far: Hasher, digest: str, data: bytes) -> Hasher:
    """A running SHA-256 over the document: the one that signed it where it was SHA-256."""
    if digest == "sha256":
        return so_far
    again = hasher("sha256")
    again.update(data)
    return again


def _is_root(certificate: bytes) -> bool:
    read = read_certificate(certificate)
    return read.issuer == read.subject
