"""Who made a signature value: EN 319 102-1, 5.2.3 (the signing certificate) and 5.2.7 (the value over SignedInfo).

signer = find_signer(parsed, scheme, trust, bound=True)
signer.certificate       # None: the value fits a bare key, and nobody knows whose it is
"""

import hmac
from collections.abc import Sequence

from signing.report import SubIndication, Verdict
from signing.trust import Trust
from signing.verification.certificates import Certificate, load_certificate, readable_certificate, value_is_by
from signing.verification.faults import BadCertificate
from signing.verification.signed_data import Scheme, digest_of
from signing.xml.algorithms import SIGNATURES, is_hmac, value_from_xml
from signing.xml.canonical import canonical
from signing.xml.keyinfo import hinted
from signing.xml.references import Refused
from signing.xml.signature import Parsed


def scheme_named(uri: str) -> Scheme:
    """The scheme behind a SignatureMethod. Raises Refused."""
    if is_hmac(uri):
        raise Refused("HMAC_REFUSED", uri[:100])
    if uri not in SIGNATURES:
        raise Refused(
            "UNKNOWN_ALGORITHM", uri[:100], verdict=Verdict.INDETERMINATE, sub=SubIndication.CRYPTO_CONSTRAINTS_FAILURE
        )
    return SIGNATURES[uri]


def candidates_for(parsed: Parsed, trust: Trust, *, bound: bool) -> list[Certificate]:
    """Whose signature it may be (5.2.3), those that the signer bound alone. Raises Refused.

    `bound`: the signed properties count. KeyInfo itself is rarely signed: whatever it says, the value decides.
    """
    candidates = _candidates(parsed, trust)
    named = parsed.properties.certificate if parsed.properties is not None and bound else None
    if named is not None:
        fitting = [each for each in candidates if hmac.compare_digest(digest_of(named.digest, each.der), named.value)]
        if candidates and not fitting:
            raise _nobody("SIGNER_CERTIFICATE_MISMATCH")
        candidates = fitting
    if not candidates and not parsed.key_info.keys:
        if parsed.key_info.certificates:
            raise _nobody("UNKNOWN_KEY", _why_not(parsed.key_info.certificates[0]))
        raise _nobody("NO_SIGNER_CERTIFICATE")
    return candidates


def find_signer(parsed: Parsed, scheme: Scheme, candidates: Sequence[Certificate]) -> Certificate | None:
    """The certificate whose key made the value over SignedInfo; None where a bare key did (5.2.7). Raises Refused."""
    data = canonical(parsed.signed_info, parsed.method, prefixes=parsed.prefixes)
    for each in candidates:
        if each.key is not None and value_is_by(each.key, scheme, value_from_xml(parsed.value, scheme, each.key), data):
            return each
    if candidates:
        if all(each.key is None for each in candidates):
            raise _nobody("UNKNOWN_KEY", candidates[0].common_name)
        raise Refused("SIGNATURE_VALUE", sub=SubIndication.SIG_CRYPTO_FAILURE, certificate=candidates[0])
    if any(value_is_by(key, scheme, value_from_xml(parsed.value, scheme, key), data) for key in parsed.key_info.keys):
        return None
    raise Refused("SIGNATURE_VALUE", sub=SubIndication.SIG_CRYPTO_FAILURE)


def _candidates(parsed: Parsed, trust: Trust) -> list[Certificate]:
    """Those of KeyInfo; where it holds none, those that the signature keeps elsewhere or the trust bundle knows by a hint."""
    loaded = [certificate for der in parsed.key_info.certificates if (certificate := readable_certificate(der)) is not None]
    if loaded or parsed.key_info.certificates:
        return loaded
    known = hinted(parsed.key_info, trust)
    named = parsed.properties.certificate if parsed.properties is not None else None
    if named is not None:
        # XAdES names the certificate by its digest, and may keep it among the unsigned values (EN 319 132-1, 5.4.1).
        kept = [certificate for der in parsed.unsigned.certificates if (certificate := readable_certificate(der)) is not None]
        bundle = [*(root.certificate for root in trust.roots), *trust.helpers]
        known += [each for each in (*kept, *bundle) if digest_of(named.digest, each.der) == named.value]
    return list(dict.fromkeys(known))


def _why_not(der: bytes) -> str:
    """Why a certificate cannot be used, in its reader's words."""
    try:
        load_certificate(der)
    except BadCertificate as fault:
        return str(fault)[:200]
    return ""


def _nobody(code: str, detail: str = "") -> Refused:
    return Refused(code, detail, sub=SubIndication.NO_SIGNING_CERTIFICATE_FOUND, verdict=Verdict.INDETERMINATE)
