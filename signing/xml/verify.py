"""Every signature of an XML document (XML-DSig, XAdES), reported like those of PDFs: what it covers, whose it is.

    report = verify_xml(content, Trust.load(["trust/"]))

Numbered after EN 319 102-1: (1) format, 5.2.2; (2) the signing certificate, 5.2.3; (3) references and value, 5.2.7; then
chain, time and algorithms in `signing.beside`. References go only to elements of this document, by Id; see `docs/signing.md`.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime

from signing.beside import Given, Stamp, weigh
from signing.beside_report import broken_report, signature_report, worst
from signing.findings import finding
from signing.report import Changes, Finding, Report, SignatureReport, SubIndication, Verdict
from signing.trust import Trust
from signing.verification.certificates import Certificate, load_certificate, signature_is_by
from signing.verification.faults import BadCertificate, Fault
from signing.verification.signed_data import Scheme, digest_of
from signing.xml.algorithms import MANIFEST, SIGNATURES, SIGNED_PROPERTIES, is_hmac, value_from_xml
from signing.xml.canonical import CannotCanonicalise, canonical
from signing.xml.covering import MAX_SIGNATURES, data_targets, field_of, share, signature_elements, unsigned_parts
from signing.xml.references import Covered, Refused, Setting, binds_properties, check_reference
from signing.xml.signature import BadSignatureElement, Parsed, TransformRefused, read_signature
from signing.xml.transcript import transcript_faults
from signing.xml.tree import BadXml, Document, Element, HasDoctype, read_document

# Ways of a signature to be refused before its value is even looked at.
_FAULTS: Mapping[type[Fault], str] = {
    TransformRefused: "TRANSFORM_REFUSED",
    BadSignatureElement: "BAD_SIGNATURE_ELEMENT",
    CannotCanonicalise: "TRANSFORM_REFUSED",
}


def verify_xml(
    content: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    name: str = "",
    files: Mapping[str, bytes] | None = None,
) -> Report:
    """Judge every signature of an XML document at a moment (default: now). Never raises for what the document holds.

    `files` are those of the package (ASiC) that the document lies in; only there may a reference name one.
    """
    return verify_covering(content, trust, at=at, name=name, files=files)[0]


def verify_covering(
    content: bytes,
    trust: Trust,
    *,
    at: datetime | None = None,
    name: str = "",
    files: Mapping[str, bytes] | None = None,
) -> tuple[Report, Mapping[str, tuple[Covered, ...]]]:
    """`verify_xml`, and by the field of each intact signature what it covers: for programs that must know it."""
    now = at or datetime.now(UTC)
    signatures: tuple[SignatureReport, ...] = ()
    covered: dict[str, tuple[Covered, ...]] = {}
    try:
        document = read_document(content)
        signatures, findings = _verify(document, trust, now, files or {}, covered)
        verdict = worst(signatures, doubtful=any(each.code in _DOUBTFUL for each in findings))
        if verdict is Verdict.NO_SIGNATURE:
            findings = (*findings, finding("NO_SIGNATURE"))
    except HasDoctype:
        verdict, findings = Verdict.UNREADABLE, (finding("DOCTYPE_REFUSED"),)
    except BadXml as fault:
        verdict, findings = Verdict.UNREADABLE, (finding("NOT_XML", fault),)
    except MemoryError:
        verdict, findings = Verdict.UNREADABLE, (finding("RESOURCE_LIMIT", "memory"),)
    except Exception as surprise:  # noqa: BLE001 -- the promise: hostile bytes never raise
        verdict, findings = Verdict.UNREADABLE, (finding("UNREADABLE", type(surprise).__name__),)
    report = Report(
        file=name,
        sha256=hashlib.sha256(content).hexdigest(),
        verdict=verdict,
        findings=findings,
        signatures=signatures if verdict is not Verdict.UNREADABLE else (),
        checked_at=now,
        policy=trust.version,
    )
    return report, covered


_DOUBTFUL = frozenset({"TRANSCRIPT_WRONG_REFERENCE", "TOO_MANY_SIGNATURES"})


def _verify(
    document: Document, trust: Trust, now: datetime, files: Mapping[str, bytes], kept: dict[str, tuple[Covered, ...]]
) -> tuple[tuple[SignatureReport, ...], tuple[Finding, ...]]:
    elements = signature_elements(document)
    findings: list[Finding] = []
    if len(elements) > MAX_SIGNATURES:
        findings.append(finding("TOO_MANY_SIGNATURES", f"{len(elements)} > {MAX_SIGNATURES}"))
    spans = tuple((each.start, each.end) for each in elements)
    setting = Setting(document=document, trust=trust, now=now, files=files, spans=spans)
    reports: list[SignatureReport] = []
    signed: list[Element] = []
    for element in elements[:MAX_SIGNATURES]:
        report, covered = _one(element, setting)
        reports.append(report)
        if report.intact:
            kept[report.field] = covered
            signed += [each.element for each in covered if each.element is not None]
    if reports:
        unsigned = unsigned_parts(document, signed)
        findings += [finding("UNSIGNED_PARTS", ", ".join(unsigned))] if unsigned else []
        findings += transcript_faults(document, field_of, data_targets(elements[:MAX_SIGNATURES], document))
    return tuple(reports), tuple(findings)


def _one(element: Element, setting: Setting) -> tuple[SignatureReport, tuple[Covered, ...]]:
    """One signature, with every surprise turned into a verdict on it alone."""
    where = field_of(element)
    claimed: datetime | None = None
    try:
        parsed = read_signature(element)
        claimed = parsed.properties.signing_time if parsed.properties else None
        return _judge(where, parsed, setting)
    except Refused as fault:
        return broken_report(
            where,
            code=fault.code,
            detail=fault.detail,
            sub_indication=fault.sub,
            verdict=fault.verdict,
            certificate=fault.certificate,
            changes=fault.changes,
            claimed=claimed,
        ), ()
    except Fault as fault:
        return broken_report(where, code=_FAULTS.get(type(fault), "BAD_SIGNATURE_ELEMENT"), detail=str(fault)), ()
    except Exception as surprise:  # noqa: BLE001 -- hostile bytes reach deep into libraries: never let one out
        return broken_report(
            where,
            code="CHECK_FAILED",
            detail=type(surprise).__name__,
            verdict=Verdict.INDETERMINATE,
            sub_indication=SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
        ), ()


def _judge(where: str, parsed: Parsed, setting: Setting) -> tuple[SignatureReport, tuple[Covered, ...]]:
    # (1) format: algorithms and references that may stand in a signature at all
    scheme = _scheme(parsed.algorithm)
    bound = binds_properties(parsed, setting.document)
    # (2) the signing certificate, and (3) the value over SignedInfo: which must hold before what SignedInfo says means anything
    certificate = _certificate(parsed, bound=bound, scheme=scheme)
    covered = tuple(each for each in (check_reference(one, parsed, setting, certificate) for one in parsed.references) if each)
    if not covered:
        raise Refused(
            "COVERS_NO_DATA", sub=SubIndication.SIGNED_DATA_NOT_FOUND, verdict=Verdict.INDETERMINATE, certificate=certificate
        )
    given = Given(
        certificate=certificate,
        scheme=scheme,
        digests=tuple(each.digest for each in parsed.references),
        stamps=tuple(_stamp(parsed, index) for index in range(len(parsed.stamps))),
        certificates=(*parsed.certificates, *parsed.more_certificates),
        ocsps=parsed.ocsps,
        lists=parsed.lists,
        claimed=parsed.properties.signing_time if parsed.properties else None,
        not_baseline=_not_baseline(parsed, bound=bound),
    )
    worth = weigh(given, setting.trust, now=setting.now)
    whole = any(each.element is setting.document.root for each in covered)
    report = signature_report(
        where,
        given,
        worth,
        covers_whole_file=whole,
        changes=Changes.NONE if whole else Changes.PERMITTED,
        findings=_told(covered, parsed, setting),
    )
    return report, covered


def _told(covered: tuple[Covered, ...], parsed: Parsed, setting: Setting) -> list[Finding]:
    parts = [
        f"{each.path}{f' (#{each.id})' if each.id else ''} {share(each, setting.document, setting.spans)}" for each in covered
    ]
    found = [finding("COVERS", ", ".join(parts))]
    if any(each.enveloped for each in covered):
        found.append(finding("ENVELOPED"))
    if any(each.kind == MANIFEST for each in parsed.references):
        found.append(finding("MANIFEST_NOT_FOLLOWED"))
    return found


def _scheme(uri: str) -> Scheme:
    if is_hmac(uri):
        raise Refused("HMAC_REFUSED", uri[:100])
    if uri not in SIGNATURES:
        raise Refused(
            "UNKNOWN_ALGORITHM", uri[:100], verdict=Verdict.INDETERMINATE, sub=SubIndication.CRYPTO_CONSTRAINTS_FAILURE
        )
    return SIGNATURES[uri]


def _certificate(parsed: Parsed, *, bound: bool, scheme: Scheme) -> Certificate:
    """The certificate of KeyInfo that the signer bound and whose key made the value over SignedInfo."""
    loaded = [certificate for der in parsed.certificates if (certificate := _load(der)) is not None]
    if not loaded:
        code = "UNKNOWN_KEY" if parsed.certificates else "NO_SIGNER_CERTIFICATE"
        raise Refused(code, sub=SubIndication.NO_SIGNING_CERTIFICATE_FOUND, verdict=Verdict.INDETERMINATE)
    named = parsed.properties.certificate if parsed.properties is not None and bound else None
    if named is not None:
        loaded = [each for each in loaded if hmac.compare_digest(digest_of(named.digest, each.der), named.value)]
        if not loaded:
            raise Refused(
                "SIGNER_CERTIFICATE_MISMATCH", sub=SubIndication.NO_SIGNING_CERTIFICATE_FOUND, verdict=Verdict.INDETERMINATE
            )
    data = canonical(parsed.signed_info, parsed.method, prefixes=parsed.prefixes)
    for each in loaded:
        if signature_is_by(each, scheme, value_from_xml(parsed.value, scheme, each), data):
            return each
    raise Refused("SIGNATURE_VALUE", sub=SubIndication.SIG_CRYPTO_FAILURE, certificate=loaded[0])


def _load(der: bytes) -> Certificate | None:
    try:
        return load_certificate(der)
    except BadCertificate:
        return None


def _not_baseline(parsed: Parsed, *, bound: bool) -> str:
    """EN 319 132-1 6.3, the rows of B-B that a verifier can see."""
    properties = parsed.properties
    if properties is None or not bound:
        return "XML-DSig, no signed properties"
    rules = (
        (any(each.kind == SIGNED_PROPERTIES for each in parsed.references), "the reference to SignedProperties has no Type"),
        (properties.certificate is not None, "the signing certificate is not bound"),
        (properties.signing_time is not None, "no SigningTime"),
    )
    return next((reason for met, reason in rules if not met), "")


def _stamp(parsed: Parsed, index: int) -> Stamp:
    """XAdES 5.3: the imprint is over the canonical SignatureValue element."""
    stamp = parsed.stamps[index]
    return Stamp(
        token=stamp.token,
        expected=lambda name: digest_of(name, canonical(parsed.value_element, stamp.method)),
    )
