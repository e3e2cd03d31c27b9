"""Sign an element of an XML document: XAdES baseline (EN 319 132-1) B-B, B-T, B-LT; the signature stands outside what it signs.

    signed = sign_xml(xml, reference_id="data", place="PHAT_HANH_HOC_BA/CBQL", signer=signer, timestamper=tsa, level=Level.B_T)

    prepared = prepare_xml(xml, reference_id="data", place="...", certificate=certificate, chain=chain)   # days may pass
    signed = finish_xml(PreparedXml.from_bytes(prepared.to_bytes()), value)

The signature is put in by inserting bytes: every other byte of the document stays. Inclusive Canonical XML 1.1 throughout,
which the programs in use agree on; the result is verified, with every earlier signature, before it is handed out.
"""

import hashlib
import json
import re
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from signing.apply.certificates import check_validity, usable_chain
from signing.errors import (
    BadRequest,
    BadSignatureValue,
    BrokenResult,
    DocumentChanged,
    FieldTaken,
    LevelNotReached,
    SigningError,
    WouldBreakSignatures,
)
from signing.evidence import Evidence
from signing.keys.algorithms import (
    Scheme,
    default_scheme,
    digest_for,
    is_made_by,
    public_key,
    scheme_of,
    subject_name,
)
from signing.keys.signer import Signer
from signing.levels import Level
from signing.proof import Beside, check_level, proven, stamped
from signing.report import SignatureReport
from signing.timestamps import Timestamper
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.xml.algorithms import DS, value_to_xml
from signing.xml.canonical import C14N_11, canonical
from signing.xml.covering import field_of, signature_elements
from signing.xml.errors import NoSuchPlace, NothingToReference, NotSignableXml, PlaceInsideReference
from signing.xml.markup import insertion, properties_markup, signature_markup, unsigned_markup
from signing.xml.tree import BadXml, Document, Element, read_document
from signing.xml.verify import verify_xml

_STEP = re.compile(r"(?P<name>[^\[\]/]+)(\[(?P<number>\d{1,4})\]|\[@Id='(?P<id>[^']{1,200})'\])?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedXml:
    """A document that only lacks the signature value. Storable: `to_bytes`, `from_bytes`."""

    document: bytes  # with an empty SignatureValue
    base_sha256: str  # of the document as it was
    signature_id: str
    to_sign: bytes  # canonical SignedInfo: what the key signs
    digest: str
    scheme: Scheme
    certificate: bytes
    chain: tuple[bytes, ...]
    level: Level
    claimed_time: datetime

    def to_bytes(self) -> bytes:
        """JSON, one object."""
        told = {each.name: getattr(self, each.name) for each in fields(self)}
        told["document"], told["to_sign"] = _b64(self.document), _b64(self.to_sign)
        told["certificate"], told["chain"] = _b64(self.certificate), [_b64(each) for each in self.chain]
        told["claimed_time"] = self.claimed_time.isoformat()
        return json.dumps(told, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "PreparedXml":
        """What `to_bytes` wrote. Raises BadRequest."""
        try:
            told = json.loads(content)
            return cls(
                document=b64decode(told["document"]),
                base_sha256=str(told["base_sha256"]),
                signature_id=str(told["signature_id"]),
                to_sign=b64decode(told["to_sign"]),
                digest=str(told["digest"]),
                scheme=Scheme(told["scheme"]),
                certificate=b64decode(told["certificate"]),
                chain=tuple(b64decode(each) for each in told["chain"]),
                level=Level(told["level"]),
                claimed_time=datetime.fromisoformat(told["claimed_time"]),
            )
        except (ValueError, KeyError, TypeError) as fault:
            raise BadRequest("Dữ liệu chuẩn bị ký không đọc được", "What was prepared cannot be read") from fault


def sign_xml(
    xml: bytes,
    *,
    reference_id: str,
    place: str,
    signer: Signer,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    level: Level = Level.B_B,
    at: datetime | None = None,
) -> bytes:
    """`xml` with one more signature over the element with this Id, standing as the last child of the element at `place`.

    - `place`: names from below the root, "A/B[2]/C[@Id='x']", or an absolute path as reports write it
    - `reference_id=""` signs the whole document, enveloped; everything else must lie beside the signature
    - raises NotSignableXml, NoSuchPlace, NothingToReference, PlaceInsideReference, FieldTaken, WouldBreakSignatures, the
      refusals of the certificate, TimestampRefused; LevelNotReached carries a valid document of a lower level
    """
    prepared = prepare_xml(
        xml,
        reference_id=reference_id,
        place=place,
        certificate=signer.certificate,
        chain=signer.chain,
        scheme=scheme_of(signer),
        evidence=evidence,
        trust=trust,
        level=level,
        at=at,
    )
    check_level(level, timestamper=timestamper, evidence=evidence)
    value = signer.sign(prepared.to_sign, prepared.digest)
    return finish_xml(prepared, value, current=xml, timestamper=timestamper, evidence=evidence, trust=trust)


def prepare_xml(
    xml: bytes,
    *,
    reference_id: str,
    place: str,
    certificate: bytes,
    chain: Sequence[bytes] = (),
    scheme: Scheme | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
    level: Level = Level.B_B,
    at: datetime | None = None,
) -> PreparedXml:
    """Everything up to the point where the key is needed."""
    moment = at or datetime.now(UTC).astimezone()
    chain = usable_chain(certificate, chain, at=moment, evidence=evidence, trust=trust)
    document = read_signable(xml)
    where = find_place(document, place)
    target = _target(document, reference_id, where)
    chosen, digest = scheme or default_scheme(certificate), digest_for(certificate)
    signature_id = f"sig-{secrets.token_hex(8)}"
    data = canonical(document if not reference_id else target, C14N_11, comments=False)
    markup = signature_markup(
        signature_id,
        reference_id=reference_id,
        data_digest=hashlib.new(digest, data).digest(),
        digest=digest,
        scheme=chosen,
        certificates=(certificate, *(each for each in chain if not _is_root(each))),
        properties=properties_markup(signature_id, certificate, moment),
    )
    at_byte, text = insertion(xml, where, markup)
    filled = xml[:at_byte] + text + xml[at_byte + (2 if where.content_end < 0 else 0) :]
    filled = _with_properties_digest(filled, signature_id, digest)
    signature = _signature(read_signable(filled), signature_id)
    return PreparedXml(
        document=filled,
        base_sha256=hashlib.sha256(xml).hexdigest(),
        signature_id=signature_id,
        to_sign=canonical(next(signature.elements("SignedInfo", DS)), C14N_11),
        digest=digest,
        scheme=chosen,
        certificate=certificate,
        chain=chain,
        level=level,
        claimed_time=moment,
    )


def finish_xml(
    prepared: PreparedXml,
    value: bytes,
    *,
    certificate: bytes | None = None,
    current: bytes | None = None,
    timestamper: Timestamper | None = None,
    evidence: Evidence | None = None,
    trust: Trust | None = None,
) -> bytes:
    """Put the signature value in and bring the signature to its level.

    `current` is the newest document, if it may have moved on. Raises BadSignatureValue, DocumentChanged before that.
    """
    check_level(prepared.level, timestamper=timestamper, evidence=evidence)
    if current is not None and hashlib.sha256(current).hexdigest() != prepared.base_sha256:
        raise DocumentChanged("Tài liệu đã thay đổi từ khi chuẩn bị ký", "The document has changed since it was prepared")
    _check_value(prepared, value, certificate)
    check_validity(prepared.certificate, max(prepared.claimed_time, datetime.now(UTC)))
    bits = public_key(prepared.certificate).key_size
    in_xml = value_to_xml(value, prepared.scheme, bits)
    signed = _inserted(prepared.document, prepared.signature_id, "SignatureValue", b64encode(in_xml))
    _check_result(prepared, signed, trust)
    if prepared.level is Level.B_B or timestamper is None:
        return signed
    return _with_proof(prepared, signed, timestamper, evidence, trust)


def read_signable(xml: bytes) -> Document:
    """A document into which bytes may be put. Raises NotSignableXml."""
    try:
        document = read_document(xml)
    except BadXml as fault:
        raise NotSignableXml(f"Tệp XML không ký được: {fault}", f"The XML cannot be signed: {fault}") from fault
    if document.encoding not in {"utf-8", "us-ascii", "ascii"}:
        raise NotSignableXml(
            f"Tệp XML mã hóa {document.encoding}, cần UTF-8", f"The XML is encoded as {document.encoding}, UTF-8 is expected"
        )
    return document


def find_place(document: Document, place: str) -> Element:
    """The one element at a path. Raises NoSuchPlace, FieldTaken when a signature stands there already."""
    steps = place.strip("/").split("/")
    if place.startswith("/"):
        steps = steps[1:]
    found = [document.root]
    for step in steps if steps != [""] else []:
        match = _STEP.fullmatch(step)
        found = [each for parent in found for each in _stepped(parent, match)] if match else []
    if len(found) != 1:
        raise NoSuchPlace(
            f"Có {len(found)} chỗ ký «{place}», cần một", f"There are {len(found)} places “{place}”, expected one"
        )
    if any(True for _ in found[0].elements("Signature", DS)):
        raise FieldTaken(f"Chỗ ký «{place}» đã có chữ ký", f"The place “{place}” carries a signature already")
    return found[0]


def _stepped(parent: Element, step: re.Match[str]) -> list[Element]:
    named = [each for each in parent.elements() if step["name"] in {each.qname, each.local}]
    if step["number"]:
        return named[int(step["number"]) - 1 : int(step["number"])] if int(step["number"]) else []
    if step["id"]:
        return [each for each in named if each.attribute("Id") == step["id"]]
    return named


def _target(document: Document, reference_id: str, place: Element) -> Element:
    if not reference_id:
        return document.root
    found = document.find_ids(reference_id)
    if len(found) != 1:
        raise NothingToReference(
            f"Có {len(found)} phần tử mang Id «{reference_id}», cần một",
            f"{len(found)} elements carry the Id “{reference_id}”, expected one",
        )
    if place.is_inside(found[0]):
        raise PlaceInsideReference(
            f"Chỗ ký {place.path} nằm trong phần được ký {found[0].path}",
            f"The place {place.path} lies inside what is signed, {found[0].path}",
        )
    return found[0]


def _is_root(certificate: bytes) -> bool:
    from signing.keys.algorithms import read_certificate

    read = read_certificate(certificate)
    return read.issuer == read.subject


# Putting bytes in


def _signature(document: Document, signature_id: str) -> Element:
    (signature,) = document.find_ids(signature_id)
    return signature


def _inserted(xml: bytes, signature_id: str, local: str, text: bytes) -> bytes:
    """`text` at the end of the first element of this name in the signature."""
    signature = _signature(read_signable(xml), signature_id)
    element = next(each for each in signature.walk() if each.local == local)
    return xml[: element.content_end] + text + xml[element.content_end :]


def _with_properties_digest(xml: bytes, signature_id: str, digest: str) -> bytes:
    """The digest of SignedProperties, which is known only where they stand: their canonical form holds the namespaces above."""
    signature = _signature(read_signable(xml), signature_id)
    properties = next(each for each in signature.walk() if each.local == "SignedProperties")
    value = b64encode(hashlib.new(digest, canonical(properties, C14N_11)).digest())
    empty = next(each for each in signature.walk() if each.local == "DigestValue" and each.namespace == DS and not each.text)
    return xml[: empty.content_end] + value + xml[empty.content_end :]


def _with_proof(
    prepared: PreparedXml, signed: bytes, timestamper: Timestamper, evidence: Evidence | None, trust: Trust | None
) -> bytes:
    """Timestamp (XAdES 5.3), then for B-LT certificates and revocation values (5.4)."""
    signature = _signature(read_signable(signed), prepared.signature_id)
    value = next(signature.elements("SignatureValue", DS))
    imprint = hashlib.sha256(canonical(value, C14N_11)).digest()
    token = stamped(imprint, prepared.certificate, timestamper)
    with_time = _inserted(signed, prepared.signature_id, "QualifyingProperties", unsigned_markup(token, None))
    if prepared.level is Level.B_T or evidence is None:
        _check_result(prepared, with_time, trust)
        return with_time
    try:
        beside: Beside = proven(prepared.certificate, prepared.chain, token, imprint, evidence, trust)
    except SigningError as error:
        raise LevelNotReached(
            f"Đã ký ở mức B-T, chưa đạt {prepared.level}: {error.vi}",
            f"Signed at level B-T, not yet {prepared.level}: {error.en}",
            signed=with_time,
            reached=Level.B_T,
        ) from error
    complete = _inserted(signed, prepared.signature_id, "QualifyingProperties", unsigned_markup(token, beside))
    _check_result(prepared, complete, trust)
    return complete


# Checks


def _check_value(prepared: PreparedXml, value: bytes, certificate: bytes | None) -> None:
    who = subject_name(prepared.certificate)
    if certificate is not None and certificate != prepared.certificate:
        raise BadSignatureValue(
            f"Chữ ký của {subject_name(certificate)}, cần của {who}", f"Signed by {subject_name(certificate)}, expected {who}"
        )
    try:
        signature = _signature(read_signable(prepared.document), prepared.signature_id)
        there = canonical(next(signature.elements("SignedInfo", DS)), C14N_11)
    except (Fault, ValueError, StopIteration) as fault:
        raise DocumentChanged("Dữ liệu chuẩn bị ký bị hỏng", "What was prepared for signing is damaged") from fault
    if there != prepared.to_sign:
        raise DocumentChanged("Dữ liệu chuẩn bị ký không khớp tài liệu", "What was prepared does not fit the document")
    if not is_made_by(prepared.certificate, scheme=prepared.scheme, data=prepared.to_sign, digest=prepared.digest, value=value):
        raise BadSignatureValue(
            f"Giá trị chữ ký không phải do khóa của {who} tạo từ dữ liệu này",
            f"The signature value was not made from these data by the key of {who}",
        )


def _check_result(prepared: PreparedXml, signed: bytes, trust: Trust | None) -> None:
    """Verify what was made: the new signature is whole, and each earlier one is as whole as before."""
    after = _reports(signed, trust)
    document = read_signable(signed)
    (mine,) = [each for each in signature_elements(document) if each.attribute("Id") == prepared.signature_id]
    own = after.pop(field_of(mine))
    if not own.intact or own.certificate != prepared.certificate:
        said = "; ".join(each.message for each in own.findings)
        raise BrokenResult(f"Chữ ký vừa tạo không đạt kiểm tra: {said}", f"The new signature does not hold: {said}")
    before = _reports(_without(signed, mine), trust)
    hurt = [name for name, report in before.items() if report.intact and not after[name].intact]
    if hurt:
        raise WouldBreakSignatures(
            f"Ký ở đây sẽ làm hỏng chữ ký: {', '.join(hurt)}", f"Signing here would break: {', '.join(hurt)}"
        )


def _reports(xml: bytes, trust: Trust | None) -> dict[str, SignatureReport]:
    believed = trust or Trust(version="none", roots=())
    return {each.field: each for each in verify_xml(xml, believed).signatures}


def _without(xml: bytes, signature: Element) -> bytes:
    return xml[: signature.start] + xml[signature.end :]


def _b64(data: bytes) -> str:
    return b64encode(data).decode()
