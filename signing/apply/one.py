"""One signature: prepared, signed by whoever holds the key, checked, put in place, checked again.

signed = sign(pdf, SignRequest(field="principal_signs", level=Level.B_T), signer, timestamper=tsa)

prepared = prepare(pdf, request, certificate, chain)      # the key is in the person's own hands:
store(prepared.to_bytes())                                #   days may pass
signed = finish(Prepared.from_bytes(...), value)          #   `value` is their signature of prepared.to_sign
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from signing.apply.certificates import check_kind, check_not_revoked, check_validity, usable_chain
from signing.apply.checking import check_level, check_readable, check_result
from signing.apply.extending import extended_after_signing
from signing.apply.prepared import Placed, Prepared
from signing.apply.quick import quickly_placed
from signing.apply.request import SignRequest
from signing.batch.unusual import Unusual
from signing.cms import signed_attributes, signed_data
from signing.errors import BadRequest, BadSignatureValue, DocumentChanged, NoRoom, WrongCertificate
from signing.evidence import Evidence
from signing.keys.algorithms import Scheme, default_scheme, digest_for, is_made_by, scheme_of, subject_name
from signing.keys.signer import Signer
from signing.levels import Level
from signing.report import SignatureKind
from signing.timestamps import Timestamper, check_token, token_room
from signing.trust import Trust

# What a CMS takes beside certificates and timestamp: attributes, identifiers, and a signature value of up to RSA-8192.
BARE_CMS_BYTES = 3072


def sign(
    pdf: bytes,
    request: SignRequest,
    signer: Signer,
    *,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
) -> bytes:
    """`pdf` with one more revision that carries the signature. The result begins with the bytes of `pdf`.

    - needs `timestamper` from B-T on, `evidence` from B-LT on; with `evidence` a revoked certificate is refused at any level
    - the certificate is checked before the key is used, the result afterwards: signature value, prefix, digest, certificate,
      field, and every earlier signature again
    - raises SigningError's subclasses; LevelNotReached carries a valid document of a lower level
    """
    check_means(request.level, timestamper_given=timestamper is not None, evidence_given=evidence is not None)
    prepared = prepare(
        pdf,
        request,
        signer.certificate,
        signer.chain,
        scheme=scheme_of(signer),
        timestamper=timestamper,
        evidence=evidence,
        trust=trust,
        level_is_final=True,
    )
    value = signer.sign(prepared.to_sign, prepared.digest)
    return _finished(prepared, value, level=request.level, timestamper=timestamper, evidence=evidence, trust=trust, now=None)


def prepare(
    pdf: bytes,
    request: SignRequest,
    certificate: bytes,
    chain: Sequence[bytes] = (),
    *,
    scheme: Scheme | None = None,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    level_is_final: bool = False,
) -> Prepared:
    """Everything up to the point where the key is needed. The claimed time (/M) is fixed here.

    `timestamper` is not asked; it only tells how much room its tokens need. With `trust` the certificate must lead to one of
    its roots, and its intermediates complete the chain that goes into the document. `level_is_final`: nobody will ask `finish`
    for more than `request.level`, so a B-B signature keeps no room for a timestamp.
    """
    at = request.at or datetime.now(UTC).astimezone()
    chain = usable_chain(certificate, chain, at=at, evidence=evidence, trust=trust)
    check_kind(certificate, SignatureKind(request.kind))
    digest = digest_for(certificate)
    stamped = not level_is_final or request.level >= Level.B_T
    room = _room(certificate, chain, timestamper, stamped=stamped)
    result = _placed(pdf, request, certificate, digest=digest, room=room, at=at)
    check_readable(pdf, result.document, request.field, result.hole)
    return Prepared(
        document=result.document,
        base_size=len(pdf),
        hole=result.hole,
        to_sign=signed_attributes(result.digest, certificate),
        digest=digest,
        scheme=scheme or default_scheme(certificate),
        certificate=certificate,
        chain=chain,
        field=request.field,
        level=request.level,
        timestamp_field=request.timestamp_field,
        claimed_time=at,
    )


def finish(
    prepared: Prepared,
    value: bytes,
    *,
    level: Level | None = None,
    certificate: bytes | None = None,
    current: bytes | None = None,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    now: datetime | None = None,
) -> bytes:
    """Put the signature value into the prepared document and bring it to the level that was asked for.

    - `level`: another one than the document was prepared for, higher or lower; the signature itself does not depend on it
    - with `evidence` the certificate must not have been revoked since it was prepared, at any level
    - `certificate`: whom the value is said to come from, if known; `current`: the document's newest revision, if it may have
      moved on; `now`: the present, for the certificate's validity
    - raises WrongCertificate, BadSignatureValue, DocumentChanged before anything is put into the document; LevelNotReached,
      which carries the valid document, where the proof cannot be had or comes from nobody in `trust`
    """
    level = Level(level or prepared.level)
    check_means(level, timestamper_given=timestamper is not None, evidence_given=evidence is not None)
    _check_unchanged(prepared, current)
    if certificate is not None and certificate != prepared.certificate:
        raise WrongCertificate(
            f"Chữ ký của {subject_name(certificate)}, cần của {subject_name(prepared.certificate)}",
            f"Signed by {subject_name(certificate)}, expected {subject_name(prepared.certificate)}",
        )
    if evidence is not None:
        moment = now or max(prepared.claimed_time, datetime.now(UTC).astimezone())
        check_validity(prepared.certificate, moment)
        check_not_revoked(prepared.certificate, prepared.chain, evidence, moment)
    return _finished(prepared, value, level=level, timestamper=timestamper, evidence=evidence, trust=trust, now=now)


def _finished(
    prepared: Prepared,
    value: bytes,
    *,
    level: Level,
    timestamper: Timestamper | None,
    evidence: Evidence | None,
    trust: Trust | None,
    now: datetime | None,
) -> bytes:
    """The value checked, timestamped, put in, the whole judged, and brought to its level."""
    check_validity(prepared.certificate, now or max(prepared.claimed_time, datetime.now(UTC).astimezone()))
    _check_value(prepared, value)
    token, moment = None, max(prepared.claimed_time, datetime.now(UTC))
    if timestamper is not None and level >= Level.B_T:
        digest = hashlib.sha256(value).digest()
        token = timestamper.timestamp(digest)
        stamped = check_token(token, digest).time
        # A signature whose proven time lies after the certificate's end would never verify.
        check_validity(prepared.certificate, stamped)
        moment = max(moment, stamped)
    signed = _filled(prepared, value, token)
    before = signed[: prepared.base_size]
    found = check_result(before, signed, field=prepared.field, certificate=prepared.certificate, trust=trust, at=moment)
    if trust is not None:
        check_level(min(level, Level.B_T, key=Level.rank), [found], signed)
    if level >= Level.B_LT and evidence is not None and timestamper is not None:
        return extended_after_signing(
            signed,
            level,
            field=prepared.field,
            timestamp_field=prepared.timestamp_field,
            chain=prepared.chain,
            timestamper=timestamper,
            evidence=evidence,
            trust=trust,
        )
    return signed


def check_means(level: Level, *, timestamper_given: bool, evidence_given: bool) -> None:
    """Raise BadRequest if what the level needs is not there."""
    if level >= Level.B_T and not timestamper_given:
        raise BadRequest(f"Mức {level} cần dịch vụ cấp dấu thời gian", f"Level {level} needs a timestamp authority")
    if level >= Level.B_LT and not evidence_given:
        raise BadRequest(f"Mức {level} cần dữ liệu thu hồi (OCSP, CRL)", f"Level {level} needs revocation data (OCSP, CRL)")


def _placed(pdf: bytes, request: SignRequest, certificate: bytes, *, digest: str, room: int, at: datetime) -> Placed:
    """A plain document in the quick way, any other one by pyHanko: it takes a second to load and knows every kind of file."""
    try:
        return quickly_placed(pdf, request, digest=digest, room=room, at=at)
    except Unusual:
        from signing.apply.placing import placed

        return placed(pdf, request, certificate, digest=digest, room=room, at=at)


def _room(certificate: bytes, chain: Sequence[bytes], timestamper: Timestamper | None, *, stamped: bool) -> int:
    certificates = len(certificate) + sum(len(issuer) for issuer in chain)
    token = token_room(timestamper) if timestamper is not None else token_room(_Unknown())
    return BARE_CMS_BYTES + certificates + (token if stamped else 0)


class _Unknown:
    """Nobody knows yet whose timestamp it will be."""

    def timestamp(self, digest: bytes) -> bytes:
        raise NotImplementedError(digest)


def _check_unchanged(prepared: Prepared, current: bytes | None) -> None:
    if current is not None and (
        len(current) != prepared.base_size or hashlib.sha256(current).hexdigest() != prepared.base_sha256
    ):
        raise DocumentChanged(
            f"Tài liệu đã thay đổi từ khi chuẩn bị ký («{prepared.field}»)",
            f"The document has changed since “{prepared.field}” was prepared",
        )
    if signed_attributes(prepared.document_digest(), prepared.certificate) != prepared.to_sign:
        raise DocumentChanged(
            "Dữ liệu đã chuẩn bị không khớp với tài liệu", "What was prepared for signing does not fit the document"
        )


def _check_value(prepared: Prepared, value: bytes) -> None:
    if not is_made_by(prepared.certificate, scheme=prepared.scheme, data=prepared.to_sign, digest=prepared.digest, value=value):
        raise BadSignatureValue(
            f"Giá trị chữ ký không phải do khóa của {subject_name(prepared.certificate)} tạo từ dữ liệu này",
            f"The signature value was not made from these data by the key of {subject_name(prepared.certificate)}",
        )


def _filled(prepared: Prepared, value: bytes, token: bytes | None) -> bytes:
    """The document with the CMS in its hole; the rest of the hole stays zeros."""
    cms = signed_data(
        prepared.to_sign,
        value,
        certificate=prepared.certificate,
        chain=prepared.chain,
        scheme=prepared.scheme,
        digest=prepared.digest,
        timestamp=token,
    )
    start, end = prepared.hole
    digits = cms.hex().encode("ascii")
    if len(digits) > end - start - 2:
        raise NoRoom(
            f"Chữ ký cần {len(cms)} byte, chỉ còn chỗ cho {(end - start - 2) // 2}",
            f"The signature takes {len(cms)} bytes, room was kept for {(end - start - 2) // 2}",
        )
    document = bytearray(prepared.document)
    document[start + 1 : start + 1 + len(digits)] = digits
    return bytes(document)
