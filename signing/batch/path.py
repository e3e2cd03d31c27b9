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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from signing.batch.cms import CmsTemplate
from signing.batch.document import Document
from signing.batch.order import Order
from signing.batch.placing import Hasher, NoRoom, hasher, lay_signature, lay_timestamp
from signing.batch.store import PreparedStore
from signing.batch.syntax import Buffer
from signing.batch.tokens import chain_of, token_certificates
from signing.errors import EvidenceMissing, LevelNotReached, SigningError, TimestampRefused
from signing.evidence import Evidence, Revocation
from signing.keys.algorithms import read_certificate
from signing.keys.signer import Signer
from signing.levels import Level
from signing.timestamps import Timestamper

# Room for a token before the first one was seen; afterwards for one a little longer than the longest seen.
FIRST_TOKEN_ROOM = 12 * 1024
SPARE_TOKEN_ROOM = 512


@dataclass(slots=True, kw_only=True)
class Opened:
    """A document that carries its signature and, from B-T on, its timestamp; what the level still lacks comes later."""

    data: Buffer  # the document as it was
    document: Document  # as it stands now
    order: Order
    added: list[bytes]  # the sections to append to `data`
    so_far: Hasher | None  # SHA-256 over `data` and `added`, where an archive timestamp will need it
    authority: tuple[bytes, ...] = field(default=())  # the certificates in the timestamp token, the TSA's first

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

    def sign(self, pdf: Buffer, order: Order) -> bytes:
        """The document with the signature at the level asked for."""
        opened = self.open(pdf, order)
        self.finish([opened])
        return opened.whole()

    def open(self, pdf: Buffer, order: Order) -> Opened:
        """Sign, and timestamp from B-T on. Unusual before the key is used, or SigningError."""
        so_far = hasher(self.template.digest)
        so_far.update(pdf if isinstance(pdf, bytes) else memoryview(pdf))
        try:
            return self._open(pdf, order, so_far)
        except NoRoom:  # another authority's token is longer than all before: the room is known now
            return self._open(pdf, order, so_far)

    def _open(self, pdf: Buffer, order: Order, so_far: Hasher) -> Opened:
        document = Document(pdf)
        laid = lay_signature(document, order, room=self.room(order.level), so_far=so_far)
        cms, authority = self.signed(self.template.attributes(laid.digest), order.level)
        added = laid.fill(cms)
        running = None
        if order.level >= Level.B_LTA:
            running = _as_sha256(so_far, self.template.digest, pdf)
            running.update(added)
        return Opened(data=pdf, document=document, order=order, added=[added], so_far=running, authority=authority)

    def signed(self, attributes: bytes, level: Level) -> tuple[bytes, tuple[bytes, ...]]:
        """The CMS over these attributes, timestamped from B-T on, and the timestamp authority's certificates."""
        value = self.template.sign(attributes)
        if level < Level.B_T:
            return self.template.assemble(attributes, value), ()
        token, authority = self._token(hashlib.sha256(value).digest())
        return self.template.assemble(attributes, value, token), authority

    def room(self, level: Level) -> int:
        """The bytes of CMS to keep free in the signature dictionary."""
        return self.template.longest(0 if level < Level.B_T else self._token_room)

    def finish(self, opened: Sequence[Opened]) -> None:
        """Evidence and archive timestamps for those that want them: the issuers are asked once for all.

        LevelNotReached when the evidence cannot be had: it carries the first document as it is (B-T).
        """
        wanting = [each for each in opened if each.order.level >= Level.B_LT]
        if not wanting:
            return
        try:
            stores = self._stores({each.authority for each in wanting})
        except SigningError as error:
            raise LevelNotReached(error.vi, error.en, signed=wanting[0].whole(), reached=Level.B_T) from error
        for each in wanting:
            put = stores[each.authority].put_into(each.document)
            if each.order.level >= Level.B_LTA:
                self._archive(each)
            elif put:
                each.added.append(each.document.revise())

    def _archive(self, opened: Opened) -> None:
        """Store and archive timestamp in one revision: the timestamp covers the store."""
        if opened.so_far is None:
            raise ValueError("this document was not opened for B-LTA")
        # More room than usual: unlike a signature, the section cannot be laid again.
        room = max(self._token_room, FIRST_TOKEN_ROOM)
        laid = lay_timestamp(opened.document, opened.order.archive_field, room=room, so_far=opened.so_far)
        token, _ = self._token(laid.digest)
        opened.added.append(laid.fill(token))

    def _token(self, digest: bytes) -> tuple[bytes, tuple[bytes, ...]]:
        if self._timestamper is None:
            raise TimestampRefused("Chưa chỉ định tổ chức cấp dấu thời gian", "No timestamp authority was given")
        token = self._timestamper.timestamp(digest)
        authority = token_certificates(token, digest)
        room = len(token) + SPARE_TOKEN_ROOM
        self._token_room = room if self._token_room == FIRST_TOKEN_ROOM else max(room, self._token_room)
        return token, authority

    def _stores(self, authorities: Iterable[tuple[bytes, ...]]) -> dict[tuple[bytes, ...], PreparedStore]:
        """One packed store per timestamp authority; each issuer is asked once."""
        if self._evidence is None:
            raise EvidenceMissing("Chưa chỉ định nơi lấy bằng chứng thu hồi", "No source of revocation data was given")
        own = (self._signer.certificate, *self._signer.chain)
        said = self._evidence.for_chain(own)
        stores = {}
        for authority in authorities:
            chain = chain_of(authority, self._signer.chain)
            both: Revocation = said + (self._evidence.for_chain(chain) if chain else Revocation())
            certificates = [each for each in (*own, *chain) if not _is_root(each)]
            stores[authority] = PreparedStore(certificates=certificates, ocsps=both.ocsps, crls=both.crls)
        return stores


def _as_sha256(so_far: Hasher, digest: str, data: Buffer) -> Hasher:
    """A running SHA-256 over the document: the one that signed it where it was SHA-256."""
    if digest == "sha256":
        return so_far
    again = hasher("sha256")
    again.update(data if isinstance(data, bytes) else memoryview(data))
    return again


def _is_root(certificate: bytes) -> bool:
    read = read_certificate(certificate)
    return read.issuer == read.subject
