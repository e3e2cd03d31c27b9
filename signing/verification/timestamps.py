"""Timestamps (RFC 3161): signature timestamps inside a signature, document timestamps in fields of their own.

EN 319 102-1 clause 5.4: the token's own signature, the imprint of what it proves, and its authority's chain at the moment
up to which the token itself is proved to exist.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from signing.report import SubIndication, Verdict
from signing.trust import Revocation, Trust, Use
from signing.verification.algorithms import digest_term
from signing.verification.certificates import Certificate, load_certificate
from signing.verification.der import INTEGER, SEQUENCE, read, shaped
from signing.verification.faults import BadDer, BadSignedData, Fault
from signing.verification.paths import ChainVerdict, Pool, judge_chain
from signing.verification.revocation import CLOCK_SKEW, Value
from signing.verification.signature_check import Checked, check
from signing.verification.signed_data import TST_INFO, SignedData, digest_name, read_signed_data


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A timestamp token as it stands."""

    signed: SignedData
    time: datetime
    digest: str
    imprint: bytes
    serial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTimestamp:
    """What a timestamp proves; `passed` only when everything about it did."""

    time: datetime | None
    verdict: Verdict
    sub_indication: SubIndication | None = None
    code: str | None = None
    detail: str = ""
    token: Token | None = None
    certificate: Certificate | None = None
    chain: ChainVerdict | None = None

    @property
    def passed(self) -> bool:
        """Whether its time is evidence."""
        return self.verdict is Verdict.TOTAL_PASSED


@shaped
def read_token(data: bytes) -> Token:
    """A token from its DER. Raises Fault."""
    signed = read_signed_data(data)
    if signed.content_type != TST_INFO or signed.encapsulated is None:
        raise BadSignedData("the timestamp does not hold a TSTInfo")
    if signed.signed_attributes is None:  # RFC 5652 5.3: content of this type must have them; without, they could be content
        raise BadSignedData("the timestamp has no signed attributes")
    parts = read(signed.encapsulated).expect(SEQUENCE).children()
    if len(parts) < 5 or parts[0].integer() != 1:  # noqa: PLR2004 -- version, policy, imprint, serial, time
        raise BadDer("the TSTInfo is too short, or of another version")
    imprint = parts[2].expect(SEQUENCE).children()
    return Token(
        signed=signed,
        time=parts[4].time(),
        digest=digest_name(imprint[0]),
        imprint=imprint[1].octets(),
        serial=parts[3].expect(INTEGER).integer(),
    )


def judge_timestamp(  # noqa: PLR0911 -- one per check that can fail
    data: bytes | Token, expected: Callable[[str], bytes], pool: Pool, trust: Trust, *, at: datetime, now: datetime
) -> JudgedTimestamp:
    """The token in `data` as proof for what has the digest `expected(name)`; it is known to exist at `at`."""
    try:
        token = data if isinstance(data, Token) else read_token(data)
    except Fault as fault:
        return JudgedTimestamp(
            time=None,
            verdict=Verdict.TOTAL_FAILED,
            sub_indication=SubIndication.FORMAT_FAILURE,
            code="TIMESTAMP_BROKEN",
            detail=str(fault),
        )
    if expected(token.digest) != token.imprint:
        return _failed(token, None, SubIndication.HASH_FAILURE, "it proves other data")
    content = token.signed.encapsulated or b""
    try:
        checked = check(token.signed, content, (*pool.certificates, *trust.helpers))
    except Fault as fault:
        return _failed(token, None, SubIndication.FORMAT_FAILURE, str(fault))
    if not checked.sound or checked.certificate is None:
        return _failed(token, checked, checked.sub_indication or SubIndication.SIG_CRYPTO_FAILURE, checked.reason)
    chain = judge_chain(
        checked.certificate, pool, trust, at=at, now=now, use=Use.TIMESTAMPING, proven=at < now, made=token.time
    )
    if not chain.passed:
        return JudgedTimestamp(
            time=token.time,
            verdict=chain.verdict,
            sub_indication=chain.sub_indication,
            code="TIMESTAMP_NOT_TRUSTED",
            detail=chain.detail,
            token=token,
            certificate=checked.certificate,
            chain=chain,
        )
    late = _impossible(token, checked.certificate, at)
    if late:
        return _failed(token, checked, SubIndication.TIMESTAMP_ORDER_FAILURE, late)
    imprint = digest_term(token.digest)
    weak = checked.weakness(at)
    if imprint.until is not None and at >= imprint.until:
        weak = f"{imprint.name} ({imprint.source})"
    if weak:
        return _failed(token, checked, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, weak)
    return JudgedTimestamp(
        time=token.time,
        verdict=Verdict.TOTAL_PASSED,
        code=None if checked.certificate.extended_usage_critical else "TSA_USAGE_NOT_CRITICAL",
        detail=checked.certificate.common_name,
        token=token,
        certificate=checked.certificate,
        chain=chain,
    )


def judge_fresh_token(data: bytes, digest: bytes, trust: Trust, *, now: datetime) -> JudgedTimestamp:
    """A token that was just made over this SHA-256 digest, by what it brings itself and the bundle: may it lift a signature?

    For whoever signs, before the token is used: `passed` says whether the verification will believe the authority, `detail`
    why not. Nobody has been asked about revocation yet, so that the bundle may require it does not count here.
    """
    try:
        token = read_token(data)
        held = [load_certificate(der) for der in token.signed.certificates]
    except Fault as fault:
        return JudgedTimestamp(
            time=None,
            verdict=Verdict.TOTAL_FAILED,
            sub_indication=SubIndication.FORMAT_FAILURE,
            code="TIMESTAMP_BROKEN",
            detail=str(fault),
        )
    pool = Pool(
        certificates=tuple(held),
        ocsps=tuple(Value(der=der, proven=now) for der in trust.ocsp_answers),
        lists=tuple(Value(der=der, proven=now) for der in trust.revocation_lists),
    )
    lenient = replace(trust, revocation=Revocation.IF_AVAILABLE)
    return judge_timestamp(token, lambda name: digest if name == "sha256" else b"", pool, lenient, at=now, now=now)


def _impossible(token: Token, certificate: Certificate, at: datetime) -> str:
    """A token from the future, or from before its authority's certificate. Differences, because sums may leave the calendar."""
    if token.time - at > CLOCK_SKEW:
        return f"{token.time.isoformat()} > {at.isoformat()}"
    if token.time < certificate.not_before:
        return f"{token.time.isoformat()} < {certificate.not_before.isoformat()}"
    return ""


def _failed(token: Token, checked: Checked | None, sub: SubIndication, reason: str) -> JudgedTimestamp:
    broken = sub in {SubIndication.HASH_FAILURE, SubIndication.SIG_CRYPTO_FAILURE, SubIndication.FORMAT_FAILURE}
    return JudgedTimestamp(
        time=token.time,
        verdict=Verdict.TOTAL_FAILED if broken else Verdict.INDETERMINATE,
        sub_indication=sub,
        code="TIMESTAMP_BROKEN",
        detail=reason,
        token=token,
        certificate=checked.certificate if checked else None,
    )
