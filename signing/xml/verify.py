"""Every signature of an XML document (XML-DSig, XAdES), reported like those of PDFs: what it covers, whose it is.

    report = verify_xml(content, Trust.load(["trust/"]))

Numbered after EN 319 102-1: (1) format, 5.2.2; (2) the signing certificate, 5.2.3; (3) references and value, 5.2.7; then
chain, time and algorithms in `signing.beside`. References go only to elements of this document, by Id; see `docs/signing.md`.
"""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from signing.beside import Given, Proof, Stamp, Worth, weigh
from signing.beside_report import broken_report, signature_report, worst
from signing.findings import finding
from signing.report import Changes, Finding, Report, SignatureReport, SubIndication, Verdict
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.verification.signed_data import Scheme, digest_of
from signing.xml.algorithms import DS, SIGNED_PROPERTIES
from signing.xml.archive import read_archives
from signing.xml.canonical import CannotCanonicalise, canonical, check_namespaces
from signing.xml.covering import (
    MAX_SIGNATURES,
    cut_texts,
    data_targets,
    field_of,
    lookalikes,
    signature_elements,
    text_alone,
    unsigned_carried,
    unsigned_parts,
)
from signing.xml.manifests import Listed, follow_manifests
from signing.xml.references import Budget, Covered, Refused, Setting, binds_properties, check_reference, claimed_time
from signing.xml.signature import Parsed, TransformRefused, UnknownAlgorithm, read_signature
from signing.xml.signer import candidates_for, find_signer, scheme_named
from signing.xml.transcript import is_transcript, transcript_faults, unfinished, wrong_signers
from signing.xml.tree import MAX_ELEMENTS, BadXml, Document, Element, HasDoctype, read_document

# What is well formed and not followed, or not known, is no failure: nothing can be concluded.
_NOT_FOLLOWED: Mapping[type[Fault], tuple[str, SubIndication]] = {
    TransformRefused: ("TRANSFORM_REFUSED", SubIndication.SIG_CONSTRAINTS_FAILURE),
    CannotCanonicalise: ("TRANSFORM_REFUSED", SubIndication.SIG_CONSTRAINTS_FAILURE),
    UnknownAlgorithm: ("UNKNOWN_ALGORITHM", SubIndication.CRYPTO_CONSTRAINTS_FAILURE),
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
    budget: Budget | None = None,
) -> tuple[Report, Mapping[str, tuple[Covered, ...]]]:
    """`verify_xml`, and by the field of each intact signature what it covers: for programs that must know it.

    `budget` is shared by the documents of one package.
    """
    now = at or datetime.now(UTC)
    signatures: tuple[SignatureReport, ...] = ()
    covered: dict[str, tuple[Covered, ...]] = {}
    try:
        document = read_document(content)
        setting = Setting(
            document=document,
            trust=trust,
            now=now,
            files=files or {},
            signatures=tuple(signature_elements(document)),
            budget=budget or Budget(),
        )
        signatures, findings = _verify(setting, covered)
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


_DOUBTFUL = frozenset({"TRANSCRIPT_WRONG_REFERENCE", "TOO_MANY_SIGNATURES", "LOOKALIKE_UNSIGNED", "TEXT_CUT", "NAME_UNSIGNED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sound:
    """A signature whose references and value fit; what it is worth is still to be judged."""

    element: Element
    field: str
    parsed: Parsed
    given: Given
    covered: tuple[Covered, ...]
    listed: Listed


def _verify(setting: Setting, kept: dict[str, tuple[Covered, ...]]) -> tuple[tuple[SignatureReport, ...], tuple[Finding, ...]]:
    document, elements = setting.document, setting.signatures
    findings: list[Finding] = []
    if len(elements) > MAX_SIGNATURES:
        findings.append(finding("TOO_MANY_SIGNATURES", f"{len(elements)} > {MAX_SIGNATURES}"))
    examined = [_examined(element, setting) for element in elements[:MAX_SIGNATURES]]
    sound = [each for each in examined if isinstance(each, _Sound)]
    worths = _weighed(sound, setting)
    reports = tuple(
        each if isinstance(each, SignatureReport) else _reported(each, worths.get(each.element.number), setting)
        for each in examined
    )
    covered: list[Covered] = []
    for one, report in zip(examined, reports, strict=True):
        if isinstance(one, _Sound) and report.intact:
            kept[report.field] = tuple(each for each in one.covered if not each.is_property)
            covered += one.covered
    if reports:
        findings += _told_of_all(document, covered)
        findings += wrong_signers(document, list(zip(elements, reports, strict=False)))
        if is_transcript(document):
            findings += transcript_faults(document, field_of, data_targets(list(elements[:MAX_SIGNATURES]), document))
    return reports, tuple(findings)


def _told_of_all(document: Document, covered: Sequence[Covered]) -> Iterator[Finding]:
    """What all intact signatures together leave open."""
    content = [each for each in covered if not each.is_property]
    told = (
        ("UNSIGNED_PARTS", unsigned_parts(document, covered)),
        ("LOOKALIKE_UNSIGNED", [path for path in lookalikes(document, content) if not unfinished(document, path)]),
        ("TEXT_CUT", cut_texts(document, covered)),
        ("NAME_UNSIGNED", text_alone(covered)),
    )
    return (finding(code, ", ".join(parts)) for code, parts in told if parts)


def _examined(element: Element, setting: Setting) -> _Sound | SignatureReport:
    """One signature, with every surprise turned into a verdict on it alone."""
    where = field_of(element)
    claimed: datetime | None = None
    try:
        parsed = read_signature(element)
        claimed = claimed_time(parsed, setting.document)
        return _sound(where, parsed, setting)
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
        )
    except Fault as fault:
        if type(fault) in _NOT_FOLLOWED:
            code, sub = _NOT_FOLLOWED[type(fault)]
            return broken_report(
                where, code=code, detail=str(fault), verdict=Verdict.INDETERMINATE, sub_indication=sub, claimed=claimed
            )
        return broken_report(where, code="BAD_SIGNATURE_ELEMENT", detail=str(fault), claimed=claimed)
    except Exception as surprise:  # noqa: BLE001 -- hostile bytes reach deep into libraries: never let one out
        return _surprised(where, type(surprise).__name__)


def _sound(where: str, parsed: Parsed, setting: Setting) -> _Sound | SignatureReport:
    # (1) format: algorithms and references that may stand in a signature at all
    scheme = scheme_named(parsed.algorithm)
    check_namespaces(setting.document)
    bound = binds_properties(parsed, setting.document)
    # (2) who may have signed, then (3) the data, and last the value over SignedInfo (5.2.7.4): without it nothing counts
    candidates = candidates_for(parsed, setting.trust, bound=bound)
    own = [check_reference(one, parsed, setting, next(iter(candidates), None)) for one in parsed.references]
    certificate = find_signer(parsed, scheme, candidates)
    listed = follow_manifests(parsed, setting, certificate)
    covered = (*(each for each in own if each), *listed.covered)
    if all(each.is_property for each in covered):
        raise Refused(
            "COVERS_NO_DATA", sub=SubIndication.SIGNED_DATA_NOT_FOUND, verdict=Verdict.INDETERMINATE, certificate=certificate
        )
    if certificate is None:
        return _of_nobody(where, parsed, scheme, covered, listed, setting)
    given = Given(
        certificate=certificate,
        scheme=scheme,
        digests=(*(each.digest for each in parsed.references), *listed.digests),
        stamps=tuple(_stamp(parsed, index) for index in range(len(parsed.unsigned.stamps))),
        archives=read_archives(parsed, setting),
        certificates=(*parsed.key_info.certificates, *parsed.unsigned.certificates),
        ocsps=parsed.unsigned.ocsps,
        lists=(*parsed.key_info.lists, *parsed.unsigned.lists),
        claimed=claimed_time(parsed, setting.document),
        not_baseline=_not_baseline(parsed, bound=bound),
    )
    return _Sound(element=parsed.element, field=where, parsed=parsed, given=given, covered=covered, listed=listed)


def _of_nobody(
    where: str, parsed: Parsed, scheme: Scheme, covered: tuple[Covered, ...], listed: Listed, setting: Setting
) -> SignatureReport:
    """A bare key made the value: the content is as it was signed, and nothing says by whom (5.2.3)."""
    return broken_report(
        where,
        code="KEY_WITHOUT_CERTIFICATE",
        verdict=Verdict.TOTAL_FAILED if listed.changed else Verdict.INDETERMINATE,
        sub_indication=SubIndication.HASH_FAILURE if listed.changed else SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
        scheme=scheme,
        changes=Changes.FORBIDDEN if listed.changed else _changes(covered, parsed, setting),
        claimed=claimed_time(parsed, setting.document),
        findings=_told(covered, listed, parsed, setting),
        intact=not listed.changed,
    )


# Signatures around signatures


def _weighed(sound: Sequence[_Sound], setting: Setting) -> dict[int, Worth]:
    """What each is worth. One that lies in what another signs is proved to exist by that one's timestamps as well."""
    worths: dict[int, Worth] = {}
    areas = [(each, _area(each)) for each in sound]
    around = {
        each.element.number: [other for other, area in areas if other is not each and _is_in(each.element, area)]
        for each in sound
    }
    # Outer signatures first. Two around each other cannot both be sound; should they be, neither proves the other.
    for each in sorted(sound, key=lambda one: len(around[one.element.number])):
        proofs = tuple(
            proof
            for other in around[each.element.number]
            if (worth := worths.get(other.element.number)) is not None and (proof := _proof_by(worth)) is not None
        )
        try:
            worths[each.element.number] = weigh(_with_proofs(each.given, proofs), setting.trust, now=setting.now)
        except Exception:  # noqa: BLE001, S112 -- a surprise about one signature is told in its report and hides no other
            continue
    return worths


def _area(outer: _Sound) -> list[tuple[int, int]]:
    """What a signature signs with all signatures in it: from which element to which, in order and without overlaps."""
    spans = {(c.element.number, c.element.last) for c in outer.covered if c.element is not None and not c.others_left_out}
    found: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if not found or first > found[-1][1]:
            found.append((first, last))
        elif last > found[-1][1]:
            found[-1] = (found[-1][0], last)
    return found


def _is_in(element: Element, area: list[tuple[int, int]]) -> bool:
    before = bisect_right(area, (element.number, MAX_ELEMENTS)) - 1
    return before >= 0 and element.number <= area[before][1]


def _proof_by(worth: Worth) -> Proof | None:
    """The outer signature's own proof of time, where it passes: its value stands over every byte inside."""
    if worth.verdict is not Verdict.TOTAL_PASSED or not worth.time_is_proved:
        return None
    held = [*(each.timestamp for each in worth.proofs), *worth.proved]
    newest = max(held, key=lambda each: each.time or worth.best_time)
    return Proof(time=worth.best_time, timestamp=newest, covers=None, is_archive=False)


def _with_proofs(given: Given, proofs: tuple[Proof, ...]) -> Given:
    return replace(given, proofs=proofs) if proofs else given


# The report


def _reported(one: _Sound, worth: Worth | None, setting: Setting) -> SignatureReport:
    """The report of a sound signature; one that nobody could weigh (None) is told as such."""
    try:
        if worth is not None:
            return _report_of(one, worth, setting)
        surprise = "weigh"
    except Exception as fault:  # noqa: BLE001 -- hostile bytes reach deep into libraries: never let one out
        surprise = type(fault).__name__
    return _surprised(one.field, surprise)


def _surprised(where: str, surprise: str) -> SignatureReport:
    return broken_report(
        where,
        code="CHECK_FAILED",
        detail=surprise,
        verdict=Verdict.INDETERMINATE,
        sub_indication=SubIndication.CERTIFICATE_CHAIN_GENERAL_FAILURE,
    )


def _report_of(one: _Sound, worth: Worth, setting: Setting) -> SignatureReport:
    changed = one.listed.changed
    report = signature_report(
        one.field,
        one.given,
        worth,
        covers_whole_file=_is_whole(one.covered, one.parsed, setting),
        changes=Changes.FORBIDDEN if changed else _changes(one.covered, one.parsed, setting),
        findings=_told(one.covered, one.listed, one.parsed, setting),
        verdict=(Verdict.INDETERMINATE, SubIndication.SIGNED_DATA_NOT_FOUND) if one.listed.unknown else None,
    )
    if not changed:
        return report
    return replace(report, verdict=Verdict.TOTAL_FAILED, sub_indication=SubIndication.HASH_FAILURE, intact=False)


def _is_whole(covered: tuple[Covered, ...], parsed: Parsed, setting: Setting) -> bool:
    """The root is signed, or the document is nothing but a signature around what it signs (enveloping)."""
    root = setting.document.root
    if any(each.element is root for each in covered):
        return not unsigned_carried(parsed.element, setting.document, covered)
    if parsed.element is not root:
        return False
    own = {id(each.parent) for each in parsed.own}
    signed = [each.element for each in covered if each.element is not None]
    objects = [each for each in root.elements("Object", DS) if id(each) not in own]
    return bool(objects) and all(any(each.is_inside(one) for one in signed) for each in objects)


def _changes(covered: tuple[Covered, ...], parsed: Parsed, setting: Setting) -> Changes:
    return Changes.NONE if _is_whole(covered, parsed, setting) else Changes.PERMITTED


def _told(covered: tuple[Covered, ...], listed: Listed, parsed: Parsed, setting: Setting) -> list[Finding]:
    parts = [
        f"{'base64: ' if each.text_only else ''}{each.path}{f' (#{each.id})' if each.id else ''} "
        f"{setting.shares.of(each.element, each.size)}"
        for each in covered
        if not each.is_property
    ]
    found = [finding("COVERS", ", ".join(parts))]
    countersigned = [each.path for each in covered if each.element is not None and _is_value(each.element)]
    told = (
        ("ENVELOPED", "" if any(each.enveloped for each in covered) else None),
        ("MANIFEST_MISMATCH", ", ".join(listed.changed) or None),
        ("MANIFEST_NOT_FOLLOWED", ", ".join(listed.unknown) or None),
        ("COUNTERSIGNATURE", ", ".join(countersigned) or None),
        ("OLD_XADES", parsed.old_version or None),
        ("SIGNATURE_POLICY", (parsed.properties.policy if parsed.properties else "") or None),
    )
    return [*found, *(finding(code, detail) for code, detail in told if detail is not None)]


def _is_value(element: Element) -> bool:
    return element.local == "SignatureValue" and element.namespace == DS


def _not_baseline(parsed: Parsed, *, bound: bool) -> str:
    """EN 319 132-1 6.3, the rows of B-B that a verifier can see."""
    properties = parsed.properties
    if properties is None or not bound:
        return "XML-DSig, no signed properties"
    rules = (
        (not parsed.target, f"the properties say that they belong to {parsed.target[:60]}"),
        (any(each.kind == SIGNED_PROPERTIES for each in parsed.references), "the reference to SignedProperties has no Type"),
        (properties.certificate is not None, "the signing certificate is not bound"),
        (properties.signing_time is not None, "no SigningTime"),
    )
    return next((reason for met, reason in rules if not met), "")


def _stamp(parsed: Parsed, index: int) -> Stamp:
    """XAdES 5.3: the imprint is over the canonical SignatureValue element."""
    stamp = parsed.unsigned.stamps[index]
    return Stamp(
        token=stamp.token,
        expected=lambda name: digest_of(name, canonical(parsed.value_element, stamp.method, prefixes=stamp.prefixes)),
    )
