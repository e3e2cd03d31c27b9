"""What the fast path signs, everybody accepts."""

import io
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pikepdf
import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import keys as asn1_keys
from asn1crypto import ocsp as asn1_ocsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import SigSeedSubFilter
from pyhanko.sign.signers.pdf_cms import SimpleSigner
from pyhanko.sign.signers.pdf_signer import PdfSignatureMetadata, PdfSigner
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from signing import Trust, Verdict, verify
from signing.batch import FastPath, NewField, Order, Unusual
from signing.batch.cms import CmsTemplate
from signing.cms import signed_attributes, signed_data
from signing.demo import DemoAuthority
from signing.errors import BadSignatureValue, LevelNotReached, TimestampRefused
from signing.keys import Signer
from signing.keys.file import FileSigner
from signing.levels import Level

NOW = datetime.now(ZoneInfo("Asia/Ho_Chi_Minh"))
STAMPS = {Level.B_B: 0, Level.B_T: 0, Level.B_LT: 0, Level.B_LTA: 1}
KEYS = ("rsa2048", "rsa3072", "rsa-pss", "p256", "p384")


@pytest.fixture(scope="module")
def signers(authority: DemoAuthority) -> dict[str, Signer]:
    """A key of each kind, opened once."""
    opened: dict[str, Signer] = {}
    for key in ("rsa2048", "rsa3072", "p256", "p384"):
        opened[key] = authority.issue("Trần Thị Bích Hằng", f"CCCD:{key}", unit="Trường THCS Nguyễn Du", key=key).signer()
    pss = authority.issue("Lê Văn Ổn", "CCCD:pss", key="rsa2048")
    opened["rsa-pss"] = FileSigner.open(f"{pss.uri}?padding=pss", lambda _: pss.pin)
    return opened


@pytest.fixture
def path(signers: dict[str, Signer], authority: DemoAuthority) -> FastPath:
    return FastPath(signers["rsa2048"], timestamper=authority, evidence=authority)


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("level", list(Level))
@pytest.mark.parametrize("object_streams", [False, True], ids=["table", "streams"])
def test_every_level_and_algorithm_is_accepted_by_all_judges(
    make_pdf: Any,
    signers: dict[str, Signer],
    authority: DemoAuthority,
    judges: Any,
    level: Level,
    key: str,
    object_streams: bool,
) -> None:
    """Each level, each kind of key, files with tables and with streams: four independent programs say yes."""
    pdf = make_pdf({"principal_signs": (0, 0, 0, 0), "archive_timestamp": (0, 0, 0, 0)}, object_streams=object_streams)
    path = FastPath(signers[key], timestamper=authority, evidence=authority)

    signed = path.sign(pdf, Order(field="principal_signs", level=level, at=NOW, reason="Tôi duyệt", location="Hà Nội"))

    assert signed.startswith(pdf)
    judges.all(signed, signatures=1, timestamps=STAMPS[level])
    report = verify(signed, Trust.load(authority.trust_pem()))
    assert report.verdict is Verdict.TOTAL_PASSED
    assert [each.level for each in report.signatures if each.field == "principal_signs"] == [level]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("token", [None, b"\x30\x03\x02\x01\x05"])
def test_the_template_makes_the_same_cms_as_the_plain_way(signers: dict[str, Signer], key: str, token: bytes | None) -> None:
    """Putting together constant pieces changes no byte."""
    signer = signers[key]
    template = CmsTemplate(signer)
    attributes = template.attributes(bytes(48 if key == "p384" else 32))
    value = template.sign(attributes)

    plain = signed_data(
        attributes, value, certificate=signer.certificate, chain=signer.chain,
        scheme=template.scheme, digest=template.digest, timestamp=token,
    )  # fmt: skip

    assert attributes == signed_attributes(bytes(48 if key == "p384" else 32), signer.certificate)
    assert template.assemble(attributes, value, token) == plain


@pytest.mark.parametrize("object_streams", [False, True], ids=["table", "streams"])
def test_the_route_of_a_class_book_holds(
    make_pdf: Any, people: Any, authority: DemoAuthority, judges: Any, object_streams: bool
) -> None:
    """The homeroom teacher certifies, the principal signs, the seal locks: all signatures hold and the lock is kept."""
    lock = b"<< /Type /SigFieldLock /Action /Exclude /Fields [(archive_timestamp)] /P 1 >>"
    fields = {
        "homeroom_teacher_signs": (60, 120, 220, 180), "principal_signs": (330, 120, 500, 180),
        "clerk_seals": (280, 70, 382, 195), "archive_timestamp": (0, 0, 0, 0),
    }  # fmt: skip
    pdf = make_pdf(fields, locks={"clerk_seals": lock}, object_streams=object_streams)
    teacher, principal, seal = (
        FastPath(person.signer(), timestamper=authority, evidence=authority)
        for person in (people["homeroom"], people["principal"], people["seal"])
    )

    signed = teacher.sign(pdf, Order(field="homeroom_teacher_signs", at=NOW, certify=2))
    signed = principal.sign(signed, Order(field="principal_signs", at=NOW, level=Level.B_LT))
    signed = seal.sign(signed, Order(field="clerk_seals", at=NOW, level=Level.B_LT))

    judges.all(signed, signatures=3)
    assert b"/TransformMethod /FieldMDP" in signed
    with pytest.raises(Unusual, match="locks"):  # nobody signs after the lock
        principal.sign(signed, Order(field="archive_timestamp", at=NOW))


def test_the_archive_timestamp_may_fill_its_field_after_the_lock(
    make_pdf: Any, people: Any, authority: DemoAuthority, judges: Any
) -> None:
    """The lock leaves out the archive timestamp's field, so the seal's own signature survives it."""
    lock = b"<< /Type /SigFieldLock /Action /Exclude /Fields [(archive_timestamp)] /P 1 >>"
    pdf = make_pdf({"clerk_seals": (280, 70, 382, 195), "archive_timestamp": (0, 0, 0, 0)}, locks={"clerk_seals": lock})
    seal = FastPath(people["seal"].signer(), timestamper=authority, evidence=authority)

    signed = seal.sign(pdf, Order(field="clerk_seals", at=NOW, level=Level.B_LTA))

    judges.all(signed, signatures=1, timestamps=1)


def test_a_lock_on_everything_refuses_the_archive_timestamp(make_pdf: Any, people: Any, authority: DemoAuthority) -> None:
    """A timestamp that would fill a locked field breaks the seal: the document stays at B-T and says so."""
    lock = b"<< /Type /SigFieldLock /Action /All /P 1 >>"
    pdf = make_pdf({"clerk_seals": (280, 70, 382, 195), "archive_timestamp": (0, 0, 0, 0)}, locks={"clerk_seals": lock})
    seal = FastPath(people["seal"].signer(), timestamper=authority, evidence=authority)

    with pytest.raises(LevelNotReached, match="locks") as short:
        seal.sign(pdf, Order(field="clerk_seals", at=NOW, level=Level.B_LTA))

    assert short.value.reached == Level.B_T
    assert short.value.signed.startswith(pdf)


@pytest.mark.parametrize("object_streams", [False, True], ids=["table", "streams"])
def test_twenty_signers_one_after_the_other(make_pdf: Any, path: FastPath, judges: Any, object_streams: bool) -> None:
    """Everybody signs the same document; all earlier signatures hold, and the last one costs about as much as the first."""
    fields = {f"person_{number}": (0, 0, 0, 0) for number in range(20)}
    signed = make_pdf(fields, object_streams=object_streams)
    seconds = []

    for name in fields:
        best = None
        for _ in range(3):
            began = time.process_time()
            result = path.sign(signed, Order(field=name, at=NOW, level=Level.B_B))
            took = time.process_time() - began
            best = took if best is None else min(best, took)
        seconds.append(best or 0.0)
        assert result.startswith(signed)
        signed = result

    judges.all(signed, signatures=20)
    first, second = sum(seconds[:10]), sum(seconds[10:])
    assert second < 4 * first, f"{first * 100:.2f} ms each, then {second * 100:.2f} ms"


def test_every_revision_of_twenty_signers_holds(make_pdf: Any, path: FastPath, judges: Any) -> None:
    """After each signature all earlier ones still pass pyHanko's difference analysis."""
    fields = {f"person_{number}": (0, 0, 0, 0) for number in range(6)}
    revisions = [make_pdf(fields)]

    for name in fields:
        revisions.append(path.sign(revisions[-1], Order(field=name, at=NOW, level=Level.B_LT)))
        judges.pyhanko(revisions[-1], signatures=len(revisions) - 1)

    assert all(after.startswith(before) for before, after in pairwise(revisions))
    assert revisions[-1].count(b"/Type /DSS") == 6
    sizes = [len(after) - len(before) for before, after in pairwise(revisions)]
    assert sizes[-1] < sizes[0], "certificates that are in the store already are not entered again"


def without_tags(pdf: bytes, *, object_streams: bool) -> bytes:
    """The same document without its structure tree."""
    saved = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        del opened.Root.StructTreeRoot
        mode = pikepdf.ObjectStreamMode.generate if object_streams else pikepdf.ObjectStreamMode.disable
        opened.save(saved, object_stream_mode=mode, static_id=True)
    return saved.getvalue()


@pytest.mark.parametrize("object_streams", [False, True], ids=["table", "streams"])
@pytest.mark.parametrize("box", [(0, 0, 0, 0), (100, 100, 250, 160)], ids=["invisible", "visible"])
def test_a_field_is_made_where_there_is_none(
    make_pdf: Any, path: FastPath, judges: Any, box: tuple[float, float, float, float], object_streams: bool
) -> None:
    """A document without any form gets one; the page's annotations and the form's fields agree."""
    pdf = make_pdf({}, pages=3, object_streams=object_streams)
    order = Order(field="new", at=NOW, level=Level.B_LTA, new_field=NewField(page=2, box=box))
    if any(box):
        with pytest.raises(Unusual, match="tagged"):  # its structure tree would have to name the field
            path.sign(pdf, order)
        pdf = without_tags(pdf, object_streams=object_streams)

    signed = path.sign(pdf, order)

    judges.all(signed, signatures=1, timestamps=1)
    with pikepdf.open(io.BytesIO(signed)) as opened:
        assert [str(field.T) for field in opened.Root.AcroForm.Fields] == ["new", "archive_timestamp"]
        assert [str(annotation.T) for annotation in opened.pages[2].Annots] == ["new"]


def test_what_is_not_plain_is_left_to_pyhanko(path: FastPath, book_pdf: bytes) -> None:
    """Filled fields, unknown fields, seed values, second certifications: the fast path declines before the key is used."""
    signed = path.sign(book_pdf, Order(field="principal_signs", at=NOW))
    closed = path.sign(book_pdf, Order(field="principal_signs", at=NOW, certify=1))
    declined = [
        (signed, Order(field="principal_signs", at=NOW)),
        (signed, Order(field="clerk_seals", at=NOW, certify=2)),
        (signed, Order(field="nobody", at=NOW)),
        (signed, Order(field="clerk_seals", at=NOW, level=Level.B_LTA)),
        (closed, Order(field="clerk_seals", at=NOW)),
        (book_pdf + b"something", Order(field="clerk_seals", at=NOW)),
        (b"junk" + book_pdf, Order(field="clerk_seals", at=NOW)),
        (book_pdf[:-400], Order(field="clerk_seals", at=NOW)),
        (b"", Order(field="clerk_seals", at=NOW)),
    ]

    for pdf, order in declined:
        with pytest.raises(Unusual):
            path.sign(pdf, order)


class _Liar:
    """A key that returns something else than its signature."""

    def __init__(self, signer: Signer) -> None:
        self.certificate, self.chain = signer.certificate, signer.chain

    def sign(self, data: bytes, digest: str) -> bytes:
        del data, digest
        return bytes(256)


def test_a_wrong_signature_value_never_reaches_a_document(signers: dict[str, Signer], book_pdf: bytes) -> None:
    """Each value is checked against the certificate before it is put anywhere."""
    with pytest.raises(BadSignatureValue):
        FastPath(_Liar(signers["rsa2048"])).sign(book_pdf, Order(field="principal_signs", at=NOW, level=Level.B_B))


class _Stale:
    """A timestamp authority that always sends the same token, once it has one."""

    def __init__(self, authority: DemoAuthority) -> None:
        self._authority = authority
        self._token = b""

    def timestamp(self, digest: bytes) -> bytes:
        self._token = self._token or self._authority.timestamp(digest)
        return self._token


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1], lambda token: token + b"\0", lambda token: token[:0], lambda token: token[50:100]]
)
def test_a_damaged_or_foreign_timestamp_is_refused(
    signers: dict[str, Signer], authority: DemoAuthority, book_pdf: bytes, change: Any
) -> None:
    """A token of another signature, cut, lengthened or of another kind is named and not embedded."""

    class Damaged:
        def timestamp(self, digest: bytes) -> bytes:
            return bytes(change(authority.timestamp(digest)))

    stale = FastPath(signers["p256"], timestamper=_Stale(authority))
    stale.sign(book_pdf, Order(field="principal_signs", at=NOW))

    with pytest.raises(TimestampRefused):
        stale.sign(book_pdf, Order(field="principal_signs", at=NOW))
    with pytest.raises(TimestampRefused):
        FastPath(signers["p256"], timestamper=Damaged()).sign(book_pdf, Order(field="principal_signs", at=NOW))


def test_every_byte_of_a_token_counts(signers: dict[str, Signer], authority: DemoAuthority, book_pdf: bytes) -> None:
    """After a first good token, one whose signed part was changed is refused by the quick check too."""

    class Flipped:
        at = 0

        def timestamp(self, digest: bytes) -> bytes:
            token = bytearray(authority.timestamp(digest))
            if self.at:
                token[-self.at] ^= 1
            return bytes(token)

    flipping = Flipped()
    path = FastPath(signers["p256"], timestamper=flipping)
    path.sign(book_pdf, Order(field="principal_signs", at=NOW))

    for flipping.at in (1, 100, 255, 300, 350, 400):
        with pytest.raises(TimestampRefused):
            path.sign(book_pdf, Order(field="principal_signs", at=NOW))


def test_evidence_older_than_the_timestamp_is_not_b_lt(tmp_path: Any, book_pdf: bytes) -> None:
    """An issuer's answer from before the timestamp proves nothing about it: the document stays at B-T (EN 319 102-1)."""
    authority = DemoAuthority(tmp_path)
    signer = authority.issue("Nguyễn Văn Muộn", "CCCD:9", key="p256").signer()

    class Yesterday:
        def for_chain(self, chain: Any) -> Any:
            authority.clock = lambda: datetime.now(UTC) - timedelta(hours=1)
            try:
                return authority.for_chain(chain)
            finally:
                authority.clock = lambda: datetime.now(UTC)

    path = FastPath(signer, timestamper=authority, evidence=Yesterday())

    with pytest.raises(LevelNotReached) as short:
        path.sign(book_pdf, Order(field="principal_signs", at=NOW, level=Level.B_LT))

    assert short.value.reached == Level.B_T
    assert "older" in str(short.value)


def test_a_document_that_pyhanko_signed_is_signed_on(
    make_pdf: Any, people: Any, authority: DemoAuthority, path: FastPath, judges: Any
) -> None:
    """Another program's store with its /VRI, fields and revisions are built upon, and its signature survives."""
    pdf = make_pdf({"first": (0, 0, 0, 0), "second": (0, 0, 0, 0)}, object_streams=True)
    person = people["teacher"]
    certificate, *chain = (asn1_x509.Certificate.load(each) for each in (person.certificate, *person.chain))
    key, _, _ = pkcs12.load_key_and_certificates(person.path.read_bytes(), person.pin.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    said = authority.for_chain((person.certificate, *person.chain))
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]  # pyHanko's
    for each in chain:
        registry.register(each)
    plain = SimpleSigner(signing_cert=certificate, signing_key=asn1_keys.PrivateKeyInfo.load(der), cert_registry=registry)
    context = ValidationContext(
        trust_roots=chain[-1:], other_certs=chain[:-1], allow_fetching=False,
        ocsps=[asn1_ocsp.OCSPResponse.load(each) for each in said.ocsps],
        crls=[asn1_crl.CertificateList.load(each) for each in said.crls],
    )  # fmt: skip
    meta = PdfSignatureMetadata(
        field_name="first", subfilter=SigSeedSubFilter.PADES, embed_validation_info=True, validation_context=context
    )
    first = PdfSigner(meta, plain).sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), existing_fields_only=True).getvalue()

    signed = path.sign(first, Order(field="second", at=NOW, level=Level.B_LT))

    assert b"/VRI" in first
    assert signed.startswith(first)
    judges.all(signed, signatures=2)
