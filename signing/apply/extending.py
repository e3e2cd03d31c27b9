"""More proof for signatures that are there: revocation data (B-LT), an archive timestamp over all (B-LTA), its renewal.

One revision each: DSS alone, or DSS and document timestamp together. No VRI (EN 319 142-1, 5.4.2.3 makes it optional).
"""

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from asn1crypto import cms as asn1_cms
from asn1crypto import x509 as asn1_x509

from signing.apply.checking import check_archived, check_level, still_valid
from signing.apply.guard import only_our_errors
from signing.apply.quick import quickly_proven
from signing.batch.unusual import Unusual
from signing.errors import (
    BadRequest,
    CertificateRevoked,
    EvidenceMissing,
    EvidenceTooOld,
    LevelNotReached,
    NothingToExtend,
    SigningError,
)
from signing.evidence import Evidence, Good, Revocation, Revoked, status_of
from signing.keys.algorithms import ordered_chain, subject_name
from signing.levels import Level
from signing.report import SignatureKind, SignatureReport
from signing.timestamps import Timestamper, check_token, read_token
from signing.trust import Trust
from signing.verification.facts import FoundSignature, SignedDocument
from signing.verification.pdf import Pdf
from signing.verification.structure import read_document

MOST_CERTIFICATES = 2000  # in one DSS; a class book's holds some twenty


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What became of one file: the renewed document, or why there is none; both where it is longer but below its level."""

    id: str
    document: bytes | None
    error: SigningError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Proven:
    """A path whose revocation status is wanted, and the time its evidence must not be older than."""

    path: tuple[bytes, ...]
    since: datetime | None


def extend(
    pdf: bytes,
    level: Level,
    *,
    timestamper: Timestamper | None = None,
    evidence: Evidence,
    trust: Trust | None = None,
    field: str = "archive_timestamp",
) -> bytes:
    """`pdf` with the proof that `level` (B-LT or B-LTA) wants, for all its signatures. A B-LTA document is renewed.

    The document timestamp fills `field` if it is there and empty, else a new invisible field. Raises NothingToExtend,
    EvidenceMissing, EvidenceTooOld (the issuer's answer about a signer is older than the signature's timestamp),
    CertificateRevoked (before the signature's timestamp), TimestampRefused; with `trust` LevelNotReached, which carries the
    longer document, where a signature is not at `level` by those who are trusted.
    """
    if level not in {Level.B_LT, Level.B_LTA}:
        raise BadRequest(f"Không nâng lên mức {level} được", f"Cannot extend to level {level}; expected B-LT or B-LTA")
    if level is Level.B_LTA and timestamper is None:
        raise BadRequest("Mức B-LTA cần dịch vụ cấp dấu thời gian", "Level B-LTA needs a timestamp authority")
    document = _document(pdf)
    if not document.signatures:
        raise NothingToExtend("Tài liệu chưa có chữ ký nào", "The document carries no signature")
    archive = timestamper if level is Level.B_LTA else None
    longer, reports = _extended(pdf, _all_proven(document, trust), evidence, archive, field, trust)
    if archive is not None and _is_unstamped(document):
        # The archive timestamp is the first proof of time: what proves its own authority can only come after it.
        longer, reports = _extended(longer, _all_proven(_document(longer), trust), evidence, archive, field, trust)
    if trust is not None:
        check_level(level, reports, longer)
    return longer


def extended_after_signing(
    signed: bytes,
    level: Level,
    *,
    field: str,
    timestamp_field: str,
    chain: Sequence[bytes],
    timestamper: Timestamper,
    evidence: Evidence,
    trust: Trust | None,
) -> bytes:
    """What `sign` does beyond B-T. The evidence is asked for after the timestamp, so it is not older than it.

    For B-LT only the new signature's, for B-LTA all signatures': the archive timestamp is to preserve the whole document.
    """
    try:
        document = _document(signed)
        known = (*chain, *_known_certificates(document, trust))
        wanted = [each for each in document.signatures if level is Level.B_LTA or each.field == field]
        proven = _unique(itertools.chain.from_iterable(_paths(each, known) for each in wanted))
        archive = timestamper if level is Level.B_LTA else None
        longer, reports = _extended(signed, proven, evidence, archive, timestamp_field, trust)
    except SigningError as error:
        raise LevelNotReached(
            f"Đã ký ở mức B-T, chưa đạt {level}: {error.vi}",
            f"Signed at level B-T, not yet {level}: {error.en}",
            signed=signed,
            reached=Level.B_T,
        ) from error
    if trust is not None:
        check_level(level, [each for each in reports if each.field == field], longer)
    return longer


def renew(
    files: Iterable[tuple[str, bytes]],
    *,
    timestamper: Timestamper,
    evidence: Evidence,
    trust: Trust | None = None,
    field: str = "archive_timestamp",
) -> Iterator[Renewed]:
    """A new archive timestamp for each document, one result per document; a bad one does not stop the others."""
    for identity, pdf in files:
        try:
            document = extend(pdf, Level.B_LTA, timestamper=timestamper, evidence=evidence, trust=trust, field=field)
            yield Renewed(id=identity, document=document)
        except LevelNotReached as short:
            yield Renewed(id=identity, document=short.signed, error=short)
        except SigningError as error:
            yield Renewed(id=identity, document=None, error=error)


def _extended(
    pdf: bytes,
    proven: Sequence[_Proven],
    evidence: Evidence,
    timestamper: Timestamper | None,
    field: str,
    trust: Trust | None,
) -> tuple[bytes, Sequence[SignatureReport]]:
    """The longer document, and how its people's signatures are judged now."""
    revocation = _asked(proven, evidence)
    certificates = tuple(dict.fromkeys(itertools.chain.from_iterable(each.path for each in proven)))
    document, stamped = with_proof(pdf, certificates, revocation, timestamper, field)
    # Judged at the newest time in it: a fixed clock (demonstration, test) may be ahead of this machine's.
    times = [datetime.now(UTC), stamped, *(each.since for each in proven)]
    moment = max(time for time in times if time is not None)
    if document == pdf:  # all of it was there already
        reports = still_valid(pdf, pdf, trust, at=moment)
    else:
        reports = check_archived(pdf, document, trust=trust, at=moment)
    return document, [each for each in reports.values() if each.kind is not SignatureKind.DOC_TIMESTAMP]


def with_proof(
    pdf: bytes, certificates: Sequence[bytes], revocation: Revocation, timestamper: Timestamper | None, field: str
) -> tuple[bytes, datetime | None]:
    """One revision with the store of validation data and, where asked, an archive timestamp and its time."""
    try:
        return quickly_proven(pdf, certificates, revocation, timestamper, field)
    except Unusual:
        from signing.apply.proving import proven  # pyHanko, which takes a second to load and knows every kind of file

        return proven(pdf, certificates, revocation, timestamper, field)


# Whose revocation status is wanted


def _all_proven(document: SignedDocument, trust: Trust | None) -> tuple[_Proven, ...]:
    known = _known_certificates(document, trust)
    return _unique(itertools.chain.from_iterable(_paths(each, known) for each in document.signatures))


def _is_unstamped(document: SignedDocument) -> bool:
    """Whether a signature has neither a timestamp of its own nor a document timestamp after it."""
    stamps = [each.end for each in document.signatures if each.is_timestamp]
    people = [each for each in document.signatures if not each.is_timestamp]
    return any(
        max(stamps, default=-1) < each.end and all(proven.since is None for proven in _paths(each, ())) for each in people
    )


def _paths(found: FoundSignature, known: Sequence[bytes]) -> Iterator[_Proven]:
    """The signer's path and its timestamp's; for a document timestamp the path of its authority."""
    with only_our_errors("đọc chữ ký / reading a signature"):
        if found.is_timestamp:
            token = read_token(_without_padding(found.contents))
            yield _path(token.certificate, (*token.others, *known), None)
            return
        signed = asn1_cms.ContentInfo.load(found.contents)["content"]
        (info,) = signed["signer_infos"]
        inside = [choice.chosen.dump() for choice in signed["certificates"] if choice.name == "certificate"]
        signer = _signer(info, inside)
        stamped = None
        for attribute in info["unsigned_attrs"] or ():
            if attribute["type"].native == "signature_time_stamp_token":
                token = check_token(attribute["values"][0].dump(), hashlib.sha256(info["signature"].native).digest())
                stamped = token.time
                yield _path(token.certificate, (*token.others, *known), None)
        yield _path(signer, (*inside, *known), stamped)


def _path(certificate: bytes, others: Sequence[bytes], since: datetime | None) -> _Proven:
    return _Proven(path=(certificate, *ordered_chain(certificate, list(others))), since=since)


def _signer(info: asn1_cms.SignerInfo, certificates: Sequence[bytes]) -> bytes:
    """The certificate that the signed ESS attribute names; without one, issuer and serial number."""
    for attribute in info["signed_attrs"]:
        if attribute["type"].native == "signing_certificate_v2":
            reference = attribute["values"][0]["certs"][0]
            algorithm = reference["hash_algorithm"]["algorithm"].native
            wanted = reference["cert_hash"].native
            for certificate in certificates:
                if hashlib.new(algorithm, certificate).digest() == wanted:
                    return certificate
    identifier = info["sid"].chosen
    for certificate in certificates:
        read = asn1_x509.Certificate.load(certificate)
        if read.issuer == identifier["issuer"] and read.serial_number == identifier["serial_number"].native:
            return certificate
    raise NothingToExtend("Chữ ký không kèm chứng thư của người ký", "A signature does not carry its signer's certificate")


def _unique(proven: Iterable[_Proven]) -> tuple[_Proven, ...]:
    """One question per path, with the strictest time."""
    strictest: dict[tuple[bytes, ...], datetime | None] = {}
    for each in proven:
        since = strictest.get(each.path)
        times = [time for time in (since, each.since) if time is not None]
        strictest[each.path] = max(times, default=None)
    return tuple(_Proven(path=path, since=since) for path, since in strictest.items())


def _asked(proven: Sequence[_Proven], evidence: Evidence) -> Revocation:
    """The issuers' answers, each judged: signed by who may, about our certificate, good, and not older than the timestamp."""
    return sum((_answers(each, evidence) for each in proven), Revocation())


def _answers(proven: _Proven, evidence: Evidence) -> Revocation:
    try:
        return _judged(proven, evidence.for_chain(proven.path))
    except EvidenceTooOld:
        forget = getattr(evidence, "forget", None)
        if forget is None:
            raise
        forget()  # it kept an answer from before the timestamp: ask once more
        return _judged(proven, evidence.for_chain(proven.path))


def _judged(proven: _Proven, answers: Revocation) -> Revocation:
    """The answers, once each says what it must."""
    signer = proven.path[0]
    for certificate, issuer in itertools.pairwise(proven.path):
        fresh_since = proven.since if certificate == signer else None
        _judge(certificate, issuer, answers, fresh_since, proven.since)
    return answers


def _judge(
    certificate: bytes, issuer: bytes, answers: Revocation, fresh_since: datetime | None, signed_at: datetime | None
) -> None:
    status = status_of(certificate, issuer, answers)
    who = subject_name(certificate)
    if status is None:
        raise EvidenceMissing(f"Không có câu trả lời về thu hồi của {who}", f"No revocation status of {who} could be had")
    if isinstance(status, Revoked) and (signed_at is None or status.at <= signed_at):
        raise CertificateRevoked(
            f"Chứng thư của {who} đã bị thu hồi lúc {status.at}", f"The certificate of {who} was revoked at {status.at}"
        )
    if isinstance(status, Good) and fresh_since is not None and status.as_of < fresh_since:
        raise EvidenceTooOld(
            f"Câu trả lời về {who} có từ {status.as_of}, trước dấu thời gian {fresh_since}",
            f"The answer about {who} is of {status.as_of}, older than the timestamp of {fresh_since}",
        )


def _document(pdf: bytes) -> SignedDocument:
    """The signatures and the store of validation data, as our own verification reads them."""
    with only_our_errors("đọc các chữ ký / reading the signatures"):
        return read_document(Pdf(pdf), len(pdf))


def _known_certificates(document: SignedDocument, trust: Trust | None) -> tuple[bytes, ...]:
    """What may help to build paths: all certificates in the signatures and the DSS, and the anchors of trust."""
    known: dict[bytes, None] = {}
    with only_our_errors("đọc chứng thư / reading the certificates"):
        for found in document.signatures:
            certificates = asn1_cms.ContentInfo.load(found.contents)["content"]["certificates"] or ()
            known |= dict.fromkeys(choice.chosen.dump() for choice in certificates if choice.name == "certificate")
    known |= dict.fromkeys(kept.der for kept in document.store.certificates[:MOST_CERTIFICATES])
    if trust is not None:
        known |= dict.fromkeys((*trust.intermediates, *(root.certificate.der for root in trust.roots)))
    return tuple(known)


def _without_padding(contents: bytes) -> bytes:
    """The DER value at the beginning; /Contents is filled up with zeros."""
    return bytes(asn1_cms.ContentInfo.load(contents).dump())
