"""Sign an element of an XML document: XAdES baseline (EN 319 132-1) B-B to B-LTA; the signature stands outside what it signs.

    signed = sign_xml(xml, reference_id="data", place="PHAT_HANH_HOC_BA/CBQL", signer=signer, timestamper=tsa, level=Level.B_T)

    prepared = prepare_xml(xml, reference_id="data", place="...", certificate=certificate, chain=chain)   # days may pass
    signed = finish_xml(PreparedXml.from_bytes(prepared.to_bytes()), value)

The signature is put in by inserting bytes: every other byte of the document stays. Inclusive Canonical XML 1.1 throughout,
which the programs in use agree on; the result is verified, with every earlier signature, before it is handed out.
"""

import hashlib
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime

from signing.apply.certificates import check_validity, usable_chain
from signing.errors import BadRequest, BadSignatureValue, DocumentChanged
from signing.evidence import Evidence
from signing.keys.algorithms import Scheme, default_scheme, digest_for, is_made_by, public_key, scheme_of, subject_name
from signing.keys.signer import Signer
from signing.levels import Level
from signing.proof import check_level
from signing.timestamps import Timestamper
from signing.trust import Trust
from signing.verification.faults import Fault
from signing.xml.algorithms import DS, value_to_xml
from signing.xml.canonical import C14N_11, CannotCanonicalise, canonical, check_namespaces
from signing.xml.errors import NotSignableXml
from signing.xml.extend import Proving
from signing.xml.markup import properties_markup, signature_markup
from signing.xml.placing import check_signed, find_place, find_target, inserted, read_signable
from signing.xml.signature import only
from signing.xml.tree import Document, Element


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
    target = find_target(document, reference_id, where)
    chosen, digest = scheme or default_scheme(certificate), digest_for(certificate)
    signature_id = f"sig-{secrets.token_hex(8)}"
    _check_texts(document, target)
    try:
        check_namespaces(document)
        data = canonical(document if not reference_id else target, C14N_11, comments=False)
    except CannotCanonicalise as fault:
        raise NotSignableXml(f"Tệp XML không ký được: {fault}", f"The XML cannot be signed: {fault}") from fault
    markup = signature_markup(
        signature_id,
        reference_id=reference_id,
        data_digest=hashlib.new(digest, data).digest(),
        digest=digest,
        scheme=chosen,
        certificates=(certificate, *(each for each in chain if not _is_root(each))),
        properties=properties_markup(signature_id, certificate, moment),
    )
    filled = inserted(xml, where, markup.encode())
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
    value_element = only(_signature(read_signable(prepared.document), prepared.signature_id), "SignatureValue")
    signed = inserted(prepared.document, value_element, b64encode(in_xml))
    find = _found(prepared.signature_id)
    check_signed(signed, find, prepared.certificate, trust)
    if prepared.level is Level.B_B or timestamper is None:
        return signed
    proofs = Proving(find=find, certificate=prepared.certificate, chain=prepared.chain, trust=trust, timestamper=timestamper)
    return proofs.raised(signed, prepared.level, evidence)


def _is_root(certificate: bytes) -> bool:
    from signing.keys.algorithms import read_certificate

    read = read_certificate(certificate)
    return read.issuer == read.subject


def _check_texts(document: Document, target: Element) -> None:
    """No text that a comment or CDATA section cuts: the signature would not protect the cut, and our verifier not pass it."""
    cut = next((each.path for each in document.cut if each.is_inside(target)), None)
    if cut is not None:
        raise NotSignableXml(
            f"Chữ trong {cut} bị cắt bởi chú thích hoặc CDATA: hãy viết liền rồi ký",
            f"The text of {cut} is cut in two by a comment or CDATA section: write it in one piece and sign then",
        )


# Putting bytes in


def _signature(document: Document, signature_id: str) -> Element:
    (signature,) = document.find_ids(signature_id)
    return signature


def _found(signature_id: str) -> Callable[[Document], Element]:
    return lambda document: _signature(document, signature_id)


def _with_properties_digest(xml: bytes, signature_id: str, digest: str) -> bytes:
    """The digest of SignedProperties, which is known only where they stand: their canonical form holds the namespaces above."""
    signature = _signature(read_signable(xml), signature_id)
    properties = next(each for each in signature.walk() if each.local == "SignedProperties")
    value = b64encode(hashlib.new(digest, canonical(properties, C14N_11)).digest())
    empty = next(each for each in signature.walk() if each.local == "DigestValue" and each.namespace == DS and not each.text)
    return xml[: empty.content_end] + value + xml[empty.content_end :]


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


def _b64(data: bytes) -> str:
    return b64encode(data).decode()
