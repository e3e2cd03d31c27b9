"""Detached CAdES signatures (EN 319 122-1) of any file: B-B, B-T, B-LT, B-LTA.

    p7s = sign_cades(data, signer, timestamper=tsa, level=Level.B_T)
    report = verify_cades(data, p7s, trust)
    p7s = extend_cades(data, p7s, timestamper=tsa, evidence=evidence, trust=trust)      # to B-LTA, and to renew

    prepared = prepare_cades(data, certificate, chain)            # the key is in the person's own hands
    p7s = finish_cades(prepared, value)

The data may be bytes or a mapped file (`signing.signed_content.opened`). The signature is DER in a file of its own; one that
brings another content along is refused, for it signs that content and not the file beside it. Judging: `signing.cades_verify`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signing.apply.certificates import check_validity, usable_chain
from signing.beside_report import timestamp_findings
from signing.cades_archive import open_container, tokens_of, with_archive, with_timestamp, with_values
from signing.cades_verify import MAX_SIGNATURE_BYTES, judge_cades, unarmoured, verify_cades
from signing.cms import DATA, signed_data
from signing.der import der, integer, octets, oid, sequence, set_of
from signing.errors import BadRequest, BadSignatureValue, BrokenResult, LevelNotReached, SigningError
from signing.evidence import Evidence
from signing.findings import sides
from signing.keys.algorithms import (
    Scheme,
    default_scheme,
    digest_for,
    is_made_by,
    read_certificate,
    scheme_of,
    subject_name,
)
from signing.keys.signer import Signer
from signing.levels import Level
from signing.proof import check_level, newest_of, proven, proven_authority, stamped
from signing.report import Verdict
from signing.signed_content import Data
from signing.timestamps import Timestamper
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.verification.signature_check import check_digest
from signing.verification.signed_data import SIGNING_CERTIFICATE_V2, SIGNING_TIME, read_signed_data

__all__ = [
    "MAX_SIGNATURE_BYTES",
    "PreparedCades",
    "extend_cades",
    "finish_cades",
    "judge_cades",
    "long_term_cades",
    "prepare_cades",
    "sign_cades",
    "verify_cades",
]

_LAST_UTC_TIME = 2049  # RFC 5652, 11.3: later years as GeneralizedTime


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCades:
    """What the key must sign, and all that is needed afterwards."""

    to_sign: bytes  # the DER of the signed attributes
    digest: str
    scheme: Scheme
    certificate: bytes
    chain: tuple[bytes, ...]
    data_digest: bytes
    level: Level
    claimed_time: datetime


def sign_cades(
    data: Data,
    signer: Signer,
    *,
    level: Level = Level.B_B,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    at: datetime | None = None,
) -> bytes:
    """The detached signature of `data`, DER. Raises SigningError's subclasses; LevelNotReached carries the B-T signature."""
    check_level(level, timestamper=timestamper, evidence=evidence)
    prepared = prepare_cades(
        data, signer.certificate, signer.chain, scheme=scheme_of(signer), level=level, evidence=evidence, trust=trust, at=at
    )
    value = signer.sign(prepared.to_sign, prepared.digest)
    return finish_cades(prepared, value, data=data, timestamper=timestamper, evidence=evidence, trust=trust)


def prepare_cades(
    data: Data,
    certificate: bytes,
    chain: Sequence[bytes] = (),
    *,
    scheme: Scheme | None = None,
    level: Level = Level.B_B,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    at: datetime | None = None,
) -> PreparedCades:
    """Everything up to the point where the key is needed. The claimed time is fixed here."""
    moment = at or datetime.now(UTC).astimezone()
    chain = usable_chain(certificate, chain, at=moment, evidence=evidence, trust=trust)
    digest = digest_for(certificate)
    data_digest = hashlib.new(digest, data).digest()
    return PreparedCades(
        to_sign=_attributes(data_digest, certificate, moment),
        digest=digest,
        scheme=scheme or default_scheme(certificate),
        certificate=certificate,
        chain=chain,
        data_digest=data_digest,
        level=level,
        claimed_time=moment,
    )


def finish_cades(
    prepared: PreparedCades,
    value: bytes,
    *,
    data: Data | None = None,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
) -> bytes:
    """The signature with this value, at its level. Raises BadSignatureValue before anything is made of it.

    `data`, what was signed, is needed for B-LTA, whose timestamp hashes it again.
    """
    check_level(prepared.level, timestamper=timestamper, evidence=evidence)
    if prepared.level is Level.B_LTA and (data is None or hashlib.new(prepared.digest, data).digest() != prepared.data_digest):
        raise BadRequest("Mức B-LTA cần chính tệp đã ký", "Level B-LTA needs the very file that was signed")
    if not is_made_by(prepared.certificate, scheme=prepared.scheme, data=prepared.to_sign, digest=prepared.digest, value=value):
        who = subject_name(prepared.certificate)
        raise BadSignatureValue(
            f"Giá trị chữ ký không phải do khóa của {who} tạo từ dữ liệu này",
            f"The signature value was not made from these data by the key of {who}",
        )
    check_validity(prepared.certificate, max(prepared.claimed_time, datetime.now(UTC)))
    if prepared.level is Level.B_B or timestamper is None:
        return _checked(prepared, _container(prepared, value))
    imprint = hashlib.sha256(value).digest()
    token = stamped(imprint, prepared.certificate, timestamper)
    with_time = _checked(prepared, _container(prepared, value, token))
    if prepared.level is Level.B_T or evidence is None:
        return with_time
    try:
        beside = proven(prepared.certificate, prepared.chain, token, imprint, evidence, trust)
    except SigningError as error:
        raise _not_reached(error, Level.B_T, prepared.level, with_time) from error
    long_term = _checked(prepared, with_values(with_time, beside))
    if prepared.level is Level.B_LT or data is None:
        return long_term
    try:
        return _checked(prepared, with_archive(long_term, data, timestamper))
    except SigningError as error:
        raise _not_reached(error, Level.B_LT, prepared.level, long_term) from error


def _not_reached(error: SigningError, reached: Level, asked: Level, signed: bytes) -> LevelNotReached:
    return LevelNotReached(
        f"Đã ký ở mức {reached}, chưa đạt {asked}: {error.vi}",
        f"Signed at level {reached}, not yet {asked}: {error.en}",
        signed=signed,
        reached=reached,
    )


def extend_cades(
    data: Data,
    signature: bytes,
    *,
    timestamper: Timestamper,
    evidence: Evidence,
    trust: Trust,
    at: datetime | None = None,
) -> bytes:
    """The signature brought to B-LTA, or renewed: the word on its newest timestamp kept, a new archive timestamp over all.

    `at` is the present (default: now). A signature without a timestamp gets one first. Raises BadRequest where the signature
    does not hold (a renewal would prove nothing for it), EvidenceMissing, CertificateRevoked, TimestampRefused.
    """
    complete = long_term_cades(data, signature, timestamper=timestamper, evidence=evidence, trust=trust, at=at)
    extended = with_archive(complete, data, timestamper)
    after = verify_cades(data, extended, trust, at=at).signatures[0]
    wrong = timestamp_findings(after)
    # An older proof would carry it, and the new one, by somebody who is not trusted, be in the way of the next.
    doubted = wrong and wrong - timestamp_findings(verify_cades(data, signature, trust, at=at).signatures[0])
    if after.verdict is not Verdict.TOTAL_PASSED or after.level is not Level.B_LTA or doubted:
        vi, en = sides(after.findings)
        raise BrokenResult(f"Chữ ký sau gia hạn không đạt: {vi}", f"The extended signature does not hold: {en}")
    return extended


def long_term_cades(
    data: Data,
    signature: bytes,
    *,
    timestamper: Timestamper,
    evidence: Evidence,
    trust: Trust,
    at: datetime | None = None,
) -> bytes:
    """The signature with everything by which it can be judged: at B-LT, or with the word on its newest archive timestamp."""
    reports = verify_cades(data, signature, trust, at=at).signatures
    if len(reports) != 1:
        raise BadRequest(f"Tệp có {len(reports)} chữ ký, cần một", f"{len(reports)} signatures in one container, expected one")
    report = reports[0]
    if report.verdict is not Verdict.TOTAL_PASSED:
        vi, en = sides(report.findings)
        raise BadRequest(f"Chữ ký không đạt nên không gia hạn: {vi}", f"The signature does not pass, nothing to renew: {en}")
    encoded = unarmoured(signature)
    signed = read_signed_data(encoded)
    certificate = report.certificate or b""
    tokens = tokens_of(open_container(encoded))
    if not tokens:
        token = stamped(hashlib.sha256(signed.signature).digest(), certificate, timestamper)
        encoded = with_timestamp(encoded, token)
        tokens = (token,)
    if report.level in {Level.B_LT, Level.B_LTA}:
        return with_values(encoded, proven_authority(newest_of(tokens), evidence, trust))
    return with_values(encoded, proven(certificate, signed.certificates, newest_of(tokens), None, evidence, trust))


# The container


def _attributes(data_digest: bytes, certificate: bytes, moment: datetime) -> bytes:
    """content-type, message-digest, signing-time, signing-certificate-v2 (EN 319 122-1, 6.3): what the key signs."""
    holder = read_certificate(certificate)
    issuer_serial = sequence(sequence(der(0xA4, holder.issuer.public_bytes())), integer(holder.serial_number))
    ess = sequence(sequence(sequence(octets(hashlib.sha256(certificate).digest()), issuer_serial)))
    return set_of(
        _attribute("1.2.840.113549.1.9.3", oid(DATA)),
        _attribute("1.2.840.113549.1.9.4", octets(data_digest)),
        _attribute(SIGNING_TIME, _time(moment)),
        _attribute(SIGNING_CERTIFICATE_V2, ess),
    )


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), set_of(value))


def _time(moment: datetime) -> bytes:
    utc = moment.astimezone(UTC)
    if utc.year > _LAST_UTC_TIME:
        return der(0x18, utc.strftime("%Y%m%d%H%M%SZ").encode())
    return der(0x17, utc.strftime("%y%m%d%H%M%SZ").encode())


def _container(prepared: PreparedCades, value: bytes, token: bytes | None = None) -> bytes:
    return signed_data(
        prepared.to_sign,
        value,
        certificate=prepared.certificate,
        chain=prepared.chain,
        scheme=prepared.scheme,
        digest=prepared.digest,
        timestamp=token,
    )


def _checked(prepared: PreparedCades, container: bytes) -> bytes:
    """What was made, once it holds: read back by the code that verifies strangers' signatures."""
    try:
        checked = check_digest(read_signed_data(container), prepared.data_digest)
    except Fault as fault:
        raise BrokenResult(f"Chữ ký vừa tạo không đọc được: {fault}", f"The new signature cannot be read: {fault}") from fault
    if not checked.sound or checked.certificate is None or checked.certificate.der != prepared.certificate:
        raise BrokenResult(
            f"Chữ ký vừa tạo không đạt kiểm tra: {checked.reason}", f"The new signature does not hold: {checked.reason}"
        )
    return container
