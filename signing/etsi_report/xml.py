"""Our report in the XML of ETSI TS 119 102-2 (V1.2.1), in the order of its clause 4.

Main indications, sub-indications, kinds of objects, of proof and of process are the standard's URIs; where the standard
has no word (a file without any signature, a check that was stopped, our findings) the URI is a `urn:soky:` one.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, datetime

from lxml import etree

from signing.etsi_report.identity import Identity, identities
from signing.levels import Level
from signing.report import Finding, Report, SignatureKind, SignatureReport, Verdict
from signing.verification.signed_data import Scheme
from signing.visible import visible

NAMESPACE = "http://uri.etsi.org/19102/v1.2.1#"
XMLDSIG = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"

MAIN = "urn:etsi:019102:mainindication:"
SUB = "urn:etsi:019102:subindication:"
PROCESS = "urn:etsi:019102:validationprocess:"
OBJECT = "urn:etsi:019102:validationObject:"
PROVED_HERE = "urn:etsi:019102:poetype:validation"
OURS = "urn:soky:"

# RFC 9231, section 2.
DIGESTS = {
    "md5": "http://www.w3.org/2001/04/xmldsig-more#md5",
    "sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
    "ripemd160": "http://www.w3.org/2001/04/xmlenc#ripemd160",
    "sha224": "http://www.w3.org/2001/04/xmldsig-more#sha224",
    "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "sha512": "http://www.w3.org/2001/04/xmlenc#sha512",
}
_SIGNATURE_METHODS = {
    "rsa_pkcs1": "http://www.w3.org/2001/04/xmldsig-more#rsa-{digest}",
    "rsa_pss": "http://www.w3.org/2007/05/xmldsig-more#{digest}-rsa-MGF1",
    "ecdsa": "http://www.w3.org/2001/04/xmldsig-more#ecdsa-{digest}",
}

# Of a signature (EN 319 102-1, 4.2.2), and of what is no signature by itself: a document timestamp (5.1.2).
_OF_SIGNATURES = {
    Verdict.TOTAL_PASSED: "total-passed",
    Verdict.TOTAL_FAILED: "total-failed",
    Verdict.INDETERMINATE: "indeterminate",
}
_OF_BLOCKS = {Verdict.TOTAL_PASSED: "passed", Verdict.TOTAL_FAILED: "failed", Verdict.INDETERMINATE: "indeterminate"}

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def etsi_report(content: bytes, report: Report) -> bytes:
    """The validation report of the file: valid XML in UTF-8 for every report, whatever the file holds."""
    root = etree.Element(_vr("ValidationReport"), nsmap={"vr": NAMESPACE, "ds": XMLDSIG, "XAdES": XADES})
    objects = _Objects()
    checked_at = report.checked_at or datetime.now(UTC)
    named = list(zip(report.signatures, identities(content, report.signatures), strict=True))
    people = [each for each in named if each[0].kind is not SignatureKind.DOC_TIMESTAMP]
    for number, (signature, identity) in enumerate(people, start=1):
        part = etree.SubElement(root, _vr("SignatureValidationReport"))
        _Part(part, signature, identity, objects, report, checked_at).write(f"S-{number}")
    if not people:
        _without_signature(etree.SubElement(root, _vr("SignatureValidationReport")), report, checked_at)
    stamps = (each for each in named if each[0].kind is SignatureKind.DOC_TIMESTAMP)
    for number, (signature, identity) in enumerate(stamps, start=1):
        _timestamp(objects, f"T-{number}", signature, identity, report, checked_at)
    if len(objects.list):
        root.append(objects.list)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


class _Objects:
    """The validation objects (clause 4.4), each once."""

    def __init__(self) -> None:
        self.list = etree.Element(_vr("SignatureValidationObjects"))
        self._known: set[str] = set()

    def certificate(self, sha256: str, der: bytes | None = None) -> str:
        """A certificate by its fingerprint, with its bytes where we have them."""
        name = f"C-{sha256}"
        if self._new(name):
            where = self._object(name, "certificate")
            if der is None:
                _digest(etree.SubElement(where, _vr("DigestAlgAndValue")), "sha256", bytes.fromhex(sha256))
            else:
                _text(where, "base64", base64.b64encode(der).decode())
        return name

    def signed_bytes(self, identity: Identity) -> str:
        """What was signed, by its digest."""
        name = f"D-{identity.document_digest.hex()}"
        if self._new(name):
            _digest(
                etree.SubElement(self._object(name, "signedData"), _vr("DigestAlgAndValue")),
                identity.digest,
                identity.document_digest,
            )
        return name

    def timestamp(self, name: str, identity: Identity | None) -> etree._Element:
        """A document timestamp; its own report is to be put into what is returned."""
        where = self._object(name, "timestamp")
        if identity is None:
            _text(where, "URI", f"{OURS}unreadable")
        else:
            _text(where, "base64", base64.b64encode(identity.container).decode())
        parent = where.getparent()
        assert parent is not None  # noqa: S101 - it was just put there
        return parent

    def _new(self, name: str) -> bool:
        new = name not in self._known
        self._known.add(name)
        return new

    def _object(self, name: str, kind: str) -> etree._Element:
        held = etree.SubElement(self.list, _vr("ValidationObject"), id=name)
        _text(held, "ObjectType", OBJECT + kind)
        return etree.SubElement(held, _vr("ValidationObjectRepresentation"))


class _Part:
    """One signature's report (clause 4.3)."""

    def __init__(
        self,
        where: etree._Element,
        signature: SignatureReport,
        identity: Identity | None,
        objects: _Objects,
        report: Report,
        checked_at: datetime,
    ) -> None:
        self.where, self.signature, self.identity = where, signature, identity
        self.objects, self.report, self.checked_at = objects, report, checked_at

    def write(self, name: str, *, of_timestamp: bool = False) -> None:
        """In the order of the schema."""
        self._identifier(name)
        _policy(self.where, self.report)
        self._time()
        self._document()
        self._attributes()
        self._signer()
        _text(etree.SubElement(self.where, _vr("SignatureValidationProcess")), "SignatureValidationProcessID", self._process())
        self._status(name, _OF_BLOCKS if of_timestamp else _OF_SIGNATURES)

    def _identifier(self, name: str) -> None:
        """4.3.3."""
        part = etree.SubElement(self.where, _vr("SignatureIdentifier"), id=name)
        if self.identity is not None:
            _digest(etree.SubElement(part, _vr("DigestAlgAndValue")), self.identity.digest, self.identity.signed_digest)
            value = etree.SubElement(part, _ds("SignatureValue"))
            value.text = base64.b64encode(self.identity.signature).decode()
        _text(part, "HashOnly", "false")
        _text(part, "DocHashOnly", "false")
        _text(part, "DAIdentifier", self.signature.field)

    def _time(self) -> None:
        """4.3.5: without a proof, the best time is that of the check (EN 319 102-1, 5.3.4)."""
        part = etree.SubElement(self.where, _vr("ValidationTimeInfo"))
        _text(part, "ValidationTime", _instant(self.checked_at))
        best = etree.SubElement(part, _vr("BestSignatureTime"))
        _text(best, "POETime", _instant(self.signature.best_time or self.checked_at))
        _text(best, "TypeOfProof", PROVED_HERE)

    def _document(self) -> None:
        """4.3.6."""
        if self.identity is not None:
            part = etree.SubElement(self.where, _vr("SignersDocument"))
            _digest(etree.SubElement(part, _vr("DigestAlgAndValue")), self.identity.digest, self.identity.document_digest)
            _refer(part, "SignersDocumentRef", self.objects.signed_bytes(self.identity))

    def _attributes(self) -> None:
        """4.3.7 and annex A: what the signature says of itself, and the time that was proved."""
        part = etree.Element(_vr("SignatureAttributes"))
        if self.signature.claimed_time is not None:
            _text(etree.SubElement(part, _vr("SigningTime"), Signed="true"), "Time", _instant(self.signature.claimed_time))
        stamped = self.signature.timestamp.get("time")
        if stamped is not None:
            held = etree.SubElement(part, _vr("SignatureTimeStamp"), Signed="false")
            _text(held, "TimeStampValue", _instant(datetime.fromisoformat(stamped)))
        if self.identity is not None and self.identity.message_digest is not None:
            held = etree.SubElement(part, _vr("MessageDigest"), Signed="true")
            _text(held, "Digest", base64.b64encode(self.identity.message_digest).decode())
        if self.identity is not None:
            _text(part, "ByteRange", " ".join(map(str, self.identity.byte_range)))
        if len(part):
            self.where.append(part)

    def _signer(self) -> None:
        """4.3.8."""
        fingerprint = self._fingerprint()
        if fingerprint is not None:
            part = etree.SubElement(self.where, _vr("SignerInformation"))
            _refer(part, "SignerCertificate", self.objects.certificate(fingerprint, self.signature.certificate))
            if self.signature.signer:
                _text(part, "Signer", self.signature.signer)

    def _fingerprint(self) -> str | None:
        if self.signature.certificate is None:
            return None
        return hashlib.sha256(self.signature.certificate).hexdigest()

    def _process(self) -> str:
        """4.3.10: the strongest process that our verification came to use (EN 319 102-1, 5.3, 5.5, 5.6)."""
        if self.signature.level is Level.B_LTA:
            return PROCESS + "LTA"
        return PROCESS + ("LTVM" if self.signature.best_time is not None else "Basic")

    def _status(self, name: str, words: dict[Verdict, str]) -> None:
        """4.3.11."""
        part = etree.SubElement(self.where, _vr("SignatureValidationStatus"))
        _text(part, "MainIndication", MAIN + words.get(self.signature.verdict, "indeterminate"))
        if self.signature.sub_indication is not None:
            _text(part, "SubIndication", SUB + self.signature.sub_indication)
        data = etree.SubElement(part, _vr("AssociatedValidationReportData"))
        self._chain(data)
        revoked_at = self.signature.revocation.get("revoked_at")
        fingerprint = self._fingerprint()
        if revoked_at is not None and fingerprint is not None:
            held = etree.SubElement(data, _vr("RevocationStatusInformation"))
            _refer(held, "ValidationObjectId", self.objects.certificate(fingerprint, self.signature.certificate))
            _text(held, "RevocationTime", _instant(datetime.fromisoformat(revoked_at)))
        if self.identity is not None:
            held = etree.SubElement(data, _vr("CryptoInformation"))
            _refer(held, "ValidationObjectId", name)
            _text(held, "Algorithm", _method(self.identity.scheme))
            weak = any(finding.code == "WEAK_ALGORITHM" for finding in self.signature.findings)
            _text(held, "SecureAlgorithm", "false" if weak else "true")
        _more(data, self._facts())

    def _chain(self, data: etree._Element) -> None:
        links = self.signature.chain
        if not links:
            return
        names = [
            self.objects.certificate(link.sha256, self.signature.certificate if place == 0 else None)
            for place, link in enumerate(links)
        ]
        part = etree.SubElement(data, _vr("CertificateChain"))
        _refer(part, "SigningCertificate", names[0])
        for between in names[1:-1]:
            _refer(part, "IntermediateCertificate", between)
        if len(names) > 1:
            _refer(part, "TrustAnchor", names[-1])

    def _facts(self) -> Iterable[tuple[str, str]]:
        """What the standard has no element for."""
        yield "kind", self.signature.kind.value
        yield "changes-after", self.signature.changes_after.value
        if self.signature.level is not None:
            yield "level", self.signature.level.value
        if self.signature.renewal_date is not None:
            yield "renewal-date", _instant(self.signature.renewal_date)
        for field in self.signature.changed_fields:
            yield "changed-field", f"{field.name}: {field.old or ''} → {field.new or ''}"
        yield from _findings(self.signature.findings)
        yield from ((f"file-{kind}", value) for kind, value in _findings(self.report.findings))


def _timestamp(
    objects: _Objects, name: str, signature: SignatureReport, identity: Identity | None, report: Report, checked_at: datetime
) -> None:
    """A document timestamp: an object (4.4) that holds its own report, with PASSED and FAILED for its indications."""
    held = objects.timestamp(name, identity)
    part = etree.Element(_vr("ValidationReport"))
    inner = _Part(part, signature, identity, objects, report, checked_at)
    inner.write(f"{name}-S", of_timestamp=True)
    held.append(part)


def _without_signature(part: etree._Element, report: Report, checked_at: datetime) -> None:
    """A file in which nothing can be judged: the reason, in the one place that the schema demands to be there."""
    _policy(part, report)
    time = etree.SubElement(part, _vr("ValidationTimeInfo"))
    _text(time, "ValidationTime", _instant(checked_at))
    best = etree.SubElement(time, _vr("BestSignatureTime"))
    _text(best, "POETime", _instant(checked_at))
    _text(best, "TypeOfProof", PROVED_HERE)
    status = etree.SubElement(part, _vr("SignatureValidationStatus"))
    stopped = any(finding.code == "RESOURCE_LIMIT" for finding in report.findings)
    if report.verdict is Verdict.UNREADABLE and not stopped:
        _text(status, "MainIndication", MAIN + "total-failed")
        _text(status, "SubIndication", SUB + "FORMAT_FAILURE")
    elif stopped:
        _text(status, "MainIndication", MAIN + "indeterminate")
        _text(status, "SubIndication", f"{OURS}subindication:RESOURCE_LIMIT")
    else:
        _text(status, "MainIndication", f"{OURS}mainindication:no-signature-found")
    _more(etree.SubElement(status, _vr("AssociatedValidationReportData")), _findings(report.findings))


def _policy(where: etree._Element, report: Report) -> None:
    """4.3.4: the policy is our trust bundle; what concerns the whole file stands beside it."""
    part = etree.SubElement(where, _vr("ValidationConstraintsEvaluationReport"))
    policy = etree.SubElement(part, _vr("SignatureValidationPolicy"))
    identifier = etree.SubElement(policy, _vr("SignaturePolicyIdentifier"))
    etree.SubElement(identifier, f"{{{XADES}}}SignaturePolicyImplied")
    _text(policy, "PolicyName", f"EN 319 102-1, Soky, trust bundle {report.policy or '-'}")


def _findings(findings: Iterable[Finding]) -> Iterable[tuple[str, str]]:
    return ((f"finding:{finding.code}", finding.message) for finding in findings)


def _more(where: etree._Element, facts: Iterable[tuple[str, str]]) -> None:
    """Facts of ours, as typed data; no element at all where there are none."""
    told = list(facts)
    if not told:
        return
    part = etree.SubElement(where, _vr("AdditionalValidationReportData"))
    for kind, value in told:
        held = etree.SubElement(part, _vr("ReportData"))
        _text(held, "Type", OURS + kind)
        _text(held, "Value", value)


def _method(scheme: Scheme) -> str:
    """RFC 9231, section 2.3; a scheme that has no URI there gets one of ours."""
    pattern = _SIGNATURE_METHODS.get(scheme.name)
    if pattern is None or scheme.digest not in DIGESTS:
        return f"{OURS}algorithm:{scheme.name}-{scheme.digest}"
    return pattern.format(digest=scheme.digest)


def _digest(where: etree._Element, name: str, value: bytes) -> None:
    etree.SubElement(where, _ds("DigestMethod"), Algorithm=DIGESTS.get(name, f"{OURS}digest:{name}"))
    etree.SubElement(where, _ds("DigestValue")).text = base64.b64encode(value).decode()


def _refer(where: etree._Element, name: str, to: str) -> None:
    etree.SubElement(where, _vr(name), VOReference=to)


def _text(where: etree._Element, name: str, value: str) -> None:
    """Letters that XML cannot hold (a NUL in a hostile name) are shown as the replacement character, hidden ones as numbers."""
    etree.SubElement(where, _vr(name)).text = visible(_NOT_IN_XML.sub("\ufffd", value))


def _instant(moment: datetime) -> str:
    """In UTC; a claimed time at the edge of the calendar, which has no UTC, as it stands."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = moment.replace(tzinfo=UTC)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _vr(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


def _ds(name: str) -> str:
    return f"{{{XMLDSIG}}}{name}"
