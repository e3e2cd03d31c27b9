"""XAdES signatures brought to a higher level and renewed (EN 319 132-1, 5.3 to 5.5): only unsigned properties are put in.

    xml = extend_xml(xml, timestamper=tsa, evidence=evidence, trust=trust)           # every signature to B-LTA, or renewed
    xml = extend_xml(xml, fields=["PHAT_HANH_HOC_BA/CBQL"], timestamper=..., evidence=..., trust=...)

What lies inside something that another signature signs cannot be touched any more; that other one's archive timestamp proves
it along with everything inside, and the verification reads it so.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signing.beside_report import timestamp_findings
from signing.errors import BadRequest, BrokenResult, LevelNotReached, SigningError
from signing.evidence import Evidence
from signing.findings import sides
from signing.levels import Level
from signing.proof import newest_of, proven, proven_authority, stamped
from signing.report import SignatureReport, Verdict
from signing.timestamps import Timestamper, check_token
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.xml.algorithms import XADES
from signing.xml.archive import imprint_over
from signing.xml.canonical import C14N_11, canonical
from signing.xml.covering import field_of, signature_elements
from signing.xml.errors import NoSuchPlace
from signing.xml.markup import archive_markup, stamp_markup, unsigned_markup, validation_data_markup, values_markup
from signing.xml.placing import check_signed, inserted, read_signable
from signing.xml.references import Setting, is_file, target_of
from signing.xml.signature import Parsed, read_signature
from signing.xml.transforms import Without
from signing.xml.tree import Document, Element
from signing.xml.verify import verify_xml


@dataclass(frozen=True, slots=True, kw_only=True)
class Proving:
    """One signature in a document, and who may prove things about it."""

    find: Callable[[Document], Element]  # the signature, in any later state of the document
    certificate: bytes
    chain: Sequence[bytes]
    trust: Trust | None
    timestamper: Timestamper
    at: datetime | None = None

    def raised(self, xml: bytes, level: Level, evidence: Evidence | None) -> bytes:
        """A B-B signature at B-T, B-LT or B-LTA. LevelNotReached carries the highest that was reached."""
        xml = self._checked(xml, self.with_time(xml))
        reached = Level.B_T
        try:
            if level >= Level.B_LT and evidence is not None:
                xml = self._checked(xml, self.with_values(xml, evidence))
                reached = Level.B_LT
            if level is Level.B_LTA and evidence is not None:
                xml = self._checked(xml, self.with_archive(xml))
        except SigningError as error:
            raise LevelNotReached(
                f"Đã ký ở mức {reached}, chưa đạt {level}: {error.vi}",
                f"Signed at level {reached}, not yet {level}: {error.en}",
                signed=xml,
                reached=reached,
            ) from error
        return xml

    def with_time(self, xml: bytes) -> bytes:
        """A timestamp over SignatureValue (5.3)."""
        parsed = self._parsed(xml)
        imprint = hashlib.sha256(canonical(parsed.value_element, C14N_11)).digest()
        return _with_property(xml, parsed, stamp_markup(stamped(imprint, self.certificate, self.timestamper)))

    def with_values(self, xml: bytes, evidence: Evidence) -> bytes:
        """Certificates and revocation values of the signer and of its timestamps (5.4)."""
        parsed = self._parsed(xml)
        token = newest_of([each.token for each in parsed.unsigned.stamps])
        return _with_property(
            xml, parsed, values_markup(proven(self.certificate, self.chain, token, None, evidence, self.trust))
        )

    def with_newest_proved(self, xml: bytes, evidence: Evidence) -> bytes:
        """Certificates and revocation values of the newest archive timestamp (5.5.1): before a newer one goes over it."""
        parsed = self._parsed(xml)
        token = newest_of([each.token for each in parsed.unsigned.archives])
        return _with_property(xml, parsed, validation_data_markup(proven_authority(token, evidence, self.trust)))

    def with_archive(self, xml: bytes) -> bytes:
        """An archive timestamp over all that is there (5.5.2)."""
        document = read_signable(xml)
        parsed = read_signature(self.find(document))
        setting = Setting(
            document=document,
            trust=self.trust or Trust(version="none", roots=()),
            now=self.at or datetime.now(UTC),
            signatures=tuple(signature_elements(document)),
        )
        before = list(parsed.unsigned.element.elements()) if parsed.unsigned.element is not None else []
        imprint = imprint_over(parsed, setting, C14N_11, before=before)
        token = self.timestamper.timestamp(imprint)
        check_token(token, imprint)
        return _with_property(xml, parsed, archive_markup(token))

    def _parsed(self, xml: bytes) -> Parsed:
        return read_signature(self.find(read_signable(xml)))

    def _checked(self, before: bytes, after: bytes) -> bytes:
        check_signed(after, self.find, self.certificate, self.trust, before=before, at=self.at)
        return after


def extend_xml(
    xml: bytes,
    *,
    timestamper: Timestamper,
    evidence: Evidence,
    trust: Trust,
    fields: Sequence[str] | None = None,
    at: datetime | None = None,
) -> bytes:
    """The document with its signatures at B-LTA, or renewed; `fields` are their names in the report.

    Default: every signature that lies in nothing that another one signs. `at` is the present (default: now). Raises BadRequest
    where a signature does not pass now (a renewal would prove nothing for it) or has no XAdES properties, NoSuchPlace,
    WouldBreakSignatures, EvidenceMissing, CertificateRevoked, TimestampRefused.
    """
    reports = {each.field: each for each in verify_xml(xml, trust, at=at).signatures}
    chosen = _outermost(read_signable(xml)) if fields is None else list(fields)
    for name in chosen:
        if name not in reports:
            raise NoSuchPlace(f"Không có chữ ký «{name}»", f"There is no signature “{name}”")
        xml = _extended(xml, reports[name], timestamper, evidence, trust, at)
    return xml


def _outermost(document: Document) -> list[str]:
    """The signatures that may still be touched: no other one signs them, and they stand in no other one."""
    signatures = signature_elements(document)
    signed = [(each, target) for each in signatures for target in _signed_by(each, document)]
    return [
        field_of(each)
        for each in signatures
        if not any(other is not each and each.is_inside(target) for other, target in signed)
        and not any(other is not each and each.is_inside(other) for other in signatures)
    ]


def _signed_by(signature: Element, document: Document) -> list[Element]:
    """What a signature signs with the signatures in it; nothing where it cannot be read."""
    try:
        parsed = read_signature(signature)
        kept = [each for each in parsed.references if each.transforms.without is not Without.ALL and not is_file(each)]
        return [target_of(each, parsed, document) for each in kept]
    except Fault:
        return []


def _extended(
    xml: bytes,
    report: SignatureReport,
    timestamper: Timestamper,
    evidence: Evidence,
    trust: Trust,
    at: datetime | None,
) -> bytes:
    if report.verdict is not Verdict.TOTAL_PASSED or report.level is None or report.certificate is None:
        vi, en = sides(report.findings)
        raise BadRequest(
            f"Chữ ký {report.field} không gia hạn được: {vi}", f"The signature {report.field} cannot be extended: {en}"
        )
    name = report.field

    def find(document: Document) -> Element:
        return next(each for each in signature_elements(document) if field_of(each) == name)

    parsed = read_signature(find(read_signable(xml)))
    proving = Proving(
        find=find,
        certificate=report.certificate,
        chain=(*parsed.key_info.certificates, *parsed.unsigned.certificates),
        trust=trust,
        timestamper=timestamper,
        at=at,
    )
    extended = xml
    if report.level is Level.B_B:
        extended = proving.with_time(extended)
    if report.level < Level.B_LT:
        extended = proving.with_values(extended, evidence)
    elif report.level is Level.B_LTA:
        extended = proving.with_newest_proved(extended, evidence)
    extended = proving.with_archive(extended)
    after = check_signed(extended, find, report.certificate, trust, before=xml, at=at)
    # An older proof would carry it, and the new one, by somebody who is not trusted, be in the way of the next.
    doubted = timestamp_findings(after) - timestamp_findings(report)
    if after.verdict is not Verdict.TOTAL_PASSED or after.level is not Level.B_LTA or doubted:
        vi, en = sides(after.findings)
        raise BrokenResult(f"Chữ ký sau gia hạn không đạt: {vi}", f"The extended signature does not hold: {en}")
    return extended


def _with_property(xml: bytes, parsed: Parsed, markup: bytes) -> bytes:
    """One more unsigned property, the last of all. Raises BadRequest where the signature is no XAdES signature."""
    if parsed.unsigned.element is not None:
        return inserted(xml, parsed.unsigned.element, markup)
    holder = next((each for each in parsed.own if each.namespace == XADES), None)
    if holder is None:
        raise BadRequest("Chữ ký không phải XAdES", "The signature is no XAdES signature: it cannot carry proofs")
    if any(True for _ in holder.elements("UnsignedProperties", XADES)):
        raise BadRequest("Thuộc tính không ký có cấu trúc lạ", "The unsigned properties are of a shape that is not extended")
    return inserted(xml, holder, unsigned_markup(markup))
