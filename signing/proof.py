"""What stands beside a signature value outside a PDF, from B-T on: its timestamp, and from B-LT on the issuers' word.

token = stamped(imprint, certificate, timestamper)
beside = proven(certificate, chain, token, imprint, evidence, trust)      # certificates and revocation values
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from signing.apply.certificates import check_validity
from signing.errors import BadRequest, CertificateRevoked, EvidenceMissing, EvidenceTooOld
from signing.evidence import Evidence, Good, Revocation, Revoked, status_of
from signing.keys.algorithms import ordered_chain, subject_name
from signing.levels import Level
from signing.timestamps import Timestamper, check_token, read_token
from signing.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Certificates of both paths (signer's and timestamp's) and what their issuers say, DER."""

    certificates: tuple[bytes, ...]
    revocation: Revocation


def check_level(level: Level, *, timestamper: Timestamper | None, evidence: Evidence | None) -> None:
    """Raise BadRequest if what the level needs is not there."""
    if level >= Level.B_T and timestamper is None:
        raise BadRequest(f"Mức {level} cần dịch vụ cấp dấu thời gian", f"Level {level} needs a timestamp authority")
    if level >= Level.B_LT and evidence is None:
        raise BadRequest(f"Mức {level} cần dữ liệu thu hồi (OCSP, CRL)", f"Level {level} needs revocation data (OCSP, CRL)")


def stamped(imprint: bytes, certificate: bytes, timestamper: Timestamper) -> bytes:
    """A token over this SHA-256 digest. Raises TimestampRefused; CertificateExpired if it is later than the certificate."""
    token = timestamper.timestamp(imprint)
    check_validity(certificate, check_token(token, imprint).time)
    return token


def newest_of(tokens: Sequence[bytes]) -> bytes:
    """The token with the latest time: the one that proves the others."""
    return max(tokens, key=lambda token: read_token(token).time)


def proven_authority(token: bytes, evidence: Evidence, trust: Trust | None) -> Beside:
    """Everything by which a timestamp can be judged without asking anyone: kept before a newer one goes over it."""
    stamp = read_token(token)
    helpers = [*stamp.others]
    if trust is not None:
        helpers += [*trust.intermediates, *(root.certificate.der for root in trust.roots)]
    authority = (stamp.certificate, *ordered_chain(stamp.certificate, helpers))
    return Beside(certificates=authority, revocation=_answers(authority, evidence, None))


def proven(
    certificate: bytes, chain: Sequence[bytes], token: bytes, imprint: bytes | None, evidence: Evidence, trust: Trust | None
) -> Beside:
    """Everything by which the signature can be judged without asking anyone. Asked for after the timestamp.

    `imprint`: what the token must stamp; None where the verification has seen to it. Raises EvidenceMissing, EvidenceTooOld,
    CertificateRevoked.
    """
    stamp = read_token(token) if imprint is None else check_token(token, imprint)
    helpers = [*chain, *stamp.others]
    if trust is not None:
        helpers += [*trust.intermediates, *(root.certificate.der for root in trust.roots)]
    signer = (certificate, *ordered_chain(certificate, helpers))
    authority = (stamp.certificate, *ordered_chain(stamp.certificate, helpers))
    answers = _answers(signer, evidence, stamp.time) + _answers(authority, evidence, None)
    return Beside(certificates=tuple(dict.fromkeys((*signer, *authority))), revocation=answers)


def _answers(path: Sequence[bytes], evidence: Evidence, fresh_since: datetime | None) -> Revocation:
    try:
        return _judged(path, evidence.for_chain(path), fresh_since)
    except EvidenceTooOld:
        forget = getattr(evidence, "forget", None)
        if forget is None:
            raise
        forget()  # it kept an answer from before the timestamp: ask once more
        return _judged(path, evidence.for_chain(path), fresh_since)


def _judged(path: Sequence[bytes], answers: Revocation, fresh_since: datetime | None) -> Revocation:
    """The answers, once each says what it must: good, about our certificate, and the signer's not older than the timestamp."""
    for certificate, issuer in itertools.pairwise(path):
        status = status_of(certificate, issuer, answers)
        who = subject_name(certificate)
        if status is None:
            raise EvidenceMissing(f"Không có câu trả lời về thu hồi của {who}", f"No revocation status of {who} could be had")
        if isinstance(status, Revoked) and (fresh_since is None or status.at <= fresh_since):
            raise CertificateRevoked(
                f"Chứng thư của {who} đã bị thu hồi lúc {status.at}", f"The certificate of {who} was revoked at {status.at}"
            )
        fresh = certificate == path[0] and fresh_since is not None
        if fresh and isinstance(status, Good) and fresh_since is not None and status.as_of < fresh_since:
            raise EvidenceTooOld(
                f"Câu trả lời về {who} có từ {status.as_of}, trước dấu thời gian {fresh_since}",
                f"The answer about {who} is of {status.as_of}, older than the timestamp of {fresh_since}",
            )
    return answers
