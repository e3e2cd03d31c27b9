"""Signing: what is put into the document, and what is refused before a key is used."""

import asyncio
import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pikepdf
import pytest

from signing import DemoAuthority, Issued, Level, Revocation, SignRequest, Trust, sign, verify
from signing.errors import (
    BadRequest,
    CertificateExpired,
    CertificateNotTrusted,
    CertificateNotYetValid,
    CertificateRevoked,
    EncryptedPdf,
    EvidenceMissing,
    EvidenceTooOld,
    FieldTaken,
    NoSuchField,
    NotAPdf,
    NotASignablePdf,
    SigningError,
    WeakAlgorithm,
    WouldBreakSignatures,
    WrongKeyUsage,
)
from signing.keys.file import FileSigner


@pytest.mark.parametrize("level", list(Level))
def test_each_level_adds_revisions_and_keeps_every_byte(
    level: Level, authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """Whatever is added stands after the document as it was."""
    signed = sign(
        book_pdf,
        SignRequest(field="principal_signs", level=level),
        people["principal"].signer(),
        timestamper=authority,
        evidence=authority,
    )

    assert signed.startswith(book_pdf)
    assert signed.count(b"%%EOF") == {"B-B": 2, "B-T": 2, "B-LT": 3, "B-LTA": 3}[level]
    assert (b"/DSS" in signed) == (level >= Level.B_LT)
    assert (b"/DocTimeStamp" in signed) == (level is Level.B_LTA)


def test_the_time_that_was_asked_for_is_the_time_that_is_claimed(
    authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """`at` is what /M says, in the zone it was given in."""
    at = datetime.fromisoformat("2026-05-31T16:05:09+07:00")
    signed = sign(book_pdf, SignRequest(field="principal_signs", at=at), people["principal"].signer(), timestamper=authority)

    assert signature_of(signed, "principal_signs")["/M"] == "D:20260531160509+07'00'"


def test_reason_place_and_name_stand_in_the_signature(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Vietnamese letters come through."""
    request = SignRequest(
        field="principal_signs", level=Level.B_B, reason="Phê duyệt sổ điểm", location="Hải Phòng", name="Vũ Ngọc Quỳnh",
        contact="thử nghiệm",
    )  # fmt: skip
    signature = signature_of(sign(book_pdf, request, people["principal"].signer()), "principal_signs")

    assert (signature["/Reason"], signature["/Location"]) == ("Phê duyệt sổ điểm", "Hải Phòng")
    assert (signature["/Name"], signature["/ContactInfo"]) == ("Vũ Ngọc Quỳnh", "thử nghiệm")
    assert signature["/SubFilter"] == "/ETSI.CAdES.detached"


@pytest.mark.parametrize("permission", [1, 2, 3])
def test_the_first_signature_certifies_with_the_permission_it_was_given(
    permission: Literal[1, 2, 3], people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """P is 1, 2 or 3, and the catalog points to the certification."""
    request = SignRequest(field="homeroom_teacher_signs", level=Level.B_B, certify=permission)
    pdf = pikepdf.open(io.BytesIO(sign(book_pdf, request, people["homeroom"].signer())))
    reference = pdf.Root.Perms.DocMDP.Reference[0]

    assert reference.TransformMethod == "/DocMDP"
    assert int(reference.TransformParams.P) == permission


def test_metadata_and_the_pdfa_mark_are_not_touched(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """XMP and /Info after signing are byte for byte what they were."""
    signed = sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), people["principal"].signer())
    before, after = pikepdf.open(io.BytesIO(book_pdf)), pikepdf.open(io.BytesIO(signed))

    assert after.Root.Metadata.read_bytes() == before.Root.Metadata.read_bytes()
    assert b"pdfaid:part" in after.Root.Metadata.read_bytes()
    assert b"/Metadata" not in signed[len(book_pdf) :].replace(b"/Metadata %d" % before.Root.Metadata.objgen[0], b"")


def test_three_people_a_seal_and_the_archive(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """The order of a class book: certification P=2, approval, seal with its lock, archive timestamp in the laid field."""
    document = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", certify=2), people["homeroom"].signer(), timestamper=authority
    )
    document = sign(document, SignRequest(field="principal_signs"), people["principal"].signer(), timestamper=authority)
    document = sign(
        document,
        SignRequest(field="clerk_seals", kind="seal", level=Level.B_LTA),
        people["seal"].signer(),
        timestamper=authority,
        evidence=authority,
    )

    assert document.startswith(book_pdf)
    assert signature_of(document, "archive_timestamp")["/Type"] == "/DocTimeStamp"
    assert len(pikepdf.open(io.BytesIO(document)).Root.AcroForm.Fields) == 4  # no field was added


def test_twenty_people_sign_one_document(
    authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: Callable[..., bytes]
) -> None:
    """After each step all earlier signatures are judged again; in the end each one passes."""
    document = make_pdf({f"person_{number}": (10, 10 + 20 * number, 60, 28 + 20 * number) for number in range(20)})
    trust = Trust.load(authority.trust_pem())
    for number in range(20):
        who = people["curve" if number % 2 else "principal"].signer()
        request = SignRequest(field=f"person_{number}", certify=2 if number == 0 else None)
        document = sign(document, request, who, timestamper=authority, trust=trust)
    report = verify(document, trust)

    assert [each.verdict for each in report.signatures] == ["TOTAL_PASSED"] * 20
    assert {each.level for each in report.signatures} == {"B-T"}


def test_a_name_that_is_no_field_is_refused_and_the_fields_are_named(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Nobody's signature lands in a field that the template did not lay."""
    with pytest.raises(NoSuchField, match="principal_signs") as refusal:
        sign(book_pdf, SignRequest(field="principal", level=Level.B_B), people["principal"].signer())

    assert refusal.value.code == "NO_SUCH_FIELD"
    assert " / " in str(refusal.value)


def test_a_field_is_signed_once(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """The second signature into one field is refused."""
    request = SignRequest(field="principal_signs", level=Level.B_B)
    signed = sign(book_pdf, request, people["principal"].signer())

    with pytest.raises(FieldTaken, match="principal_signs"):
        sign(signed, request, people["principal"].signer())


def test_nobody_signs_after_the_seal(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """The seal's lock allows the archive timestamp and nothing else."""
    sealed = sign(book_pdf, SignRequest(field="clerk_seals", kind="seal"), people["seal"].signer(), timestamper=authority)

    with pytest.raises(WouldBreakSignatures, match="clerk_seals"):
        sign(sealed, SignRequest(field="principal_signs"), people["principal"].signer(), timestamper=authority)


def test_nobody_signs_after_a_certification_that_allows_nothing(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """P=1 ends the document."""
    certified = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_B, certify=1), people["homeroom"].signer()
    )

    with pytest.raises(WouldBreakSignatures):
        sign(certified, SignRequest(field="principal_signs", level=Level.B_B), people["principal"].signer())


def test_a_new_visible_field_after_certification_is_refused_an_invisible_one_is_not(
    people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """PyHanko would add the field and the certification would be broken."""
    certified = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_B, certify=2), people["homeroom"].signer()
    )
    visible = SignRequest(field="guest", level=Level.B_B, existing_only=False, box=(10, 10, 90, 40))
    invisible = SignRequest(field="guest", level=Level.B_B, existing_only=False)

    with pytest.raises(WouldBreakSignatures):
        sign(certified, visible, people["teacher"].signer())
    assert sign(certified, invisible, people["teacher"].signer()).startswith(certified)


def test_only_the_first_signature_certifies(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """A later certification is refused."""
    signed = sign(book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_B), people["homeroom"].signer())

    with pytest.raises(BadRequest):
        sign(signed, SignRequest(field="principal_signs", level=Level.B_B, certify=2), people["principal"].signer())


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("wishes", "refusal"),
    [
        ({"not_before": NOW - timedelta(days=900), "not_after": NOW - timedelta(days=1)}, CertificateExpired),
        ({"not_before": NOW + timedelta(days=1), "not_after": NOW + timedelta(days=900)}, CertificateNotYetValid),
        ({"usages": ("key_encipherment",)}, WrongKeyUsage),
        ({"extended": ("server_auth",)}, WrongKeyUsage),
        ({"key": "rsa1024"}, WeakAlgorithm),
        ({"digest": "sha1"}, WeakAlgorithm),
    ],
    ids=["expired", "not-yet-valid", "encipherment", "server", "rsa-1024", "sha-1"],
)
def test_a_certificate_that_may_not_sign_is_refused_before_its_key_is_used(
    wishes: dict[str, Any], refusal: type[SigningError], authority: DemoAuthority, book_pdf: bytes
) -> None:
    """Nothing is signed, so nothing has to be explained later."""
    issued = authority.issue("Lê Văn Cũ", f"T:{refusal.__name__}{len(wishes)}", **wishes)
    with issued.signer() as signer:
        watched = Watched(signer)

        with pytest.raises(refusal):
            sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), watched)
        assert watched.uses == 0


def test_a_revoked_certificate_is_refused(tmp_path: Path, book_pdf: bytes) -> None:
    """The authority is asked before the key is used."""
    authority = DemoAuthority(tmp_path, key="rsa2048")
    issued = authority.issue("Trần Thị Bị Thu Hồi", "T:1")
    authority.revoke(issued, at=datetime.now(UTC) - timedelta(days=1))

    with pytest.raises(CertificateRevoked, match="Trần Thị Bị Thu Hồi"):
        sign(
            book_pdf,
            SignRequest(field="principal_signs"),
            issued.signer(),
            timestamper=authority,
            evidence=authority,
        )


def test_a_look_alike_authority_is_not_trusted(authority: DemoAuthority, tmp_path: Path, book_pdf: bytes) -> None:
    """The same names, other keys: refused before the key is used, where somebody said whom to trust."""
    alike = DemoAuthority(tmp_path, key="rsa2048", tsa_key="rsa2048").issue("Vũ Ngọc Quỳnh", "CCCD:031084000003")
    with alike.signer() as signer:
        watched = Watched(signer)

        with pytest.raises(CertificateNotTrusted, match="Vũ Ngọc Quỳnh"):
            sign(
                book_pdf,
                SignRequest(field="principal_signs", level=Level.B_B),
                watched,
                trust=Trust.load(authority.trust_pem()),
            )
        assert watched.uses == 0


def test_the_trust_bundle_completes_a_chain(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """A token that holds only its own certificate: the issuing CA comes from the bundle and goes into the document."""
    bare = FileSigner.open(people["curve"].uri, lambda _: "123456")
    bare.chain = ()
    trust = Trust.of_certificates(authority.chain)
    signed = sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), bare, trust=trust)

    assert authority.chain[0].hex() in signed.decode("latin-1").lower()
    assert verify(signed, Trust.load(authority.trust_pem())).signatures[0].verdict == "TOTAL_PASSED"


def test_an_issuer_that_says_nothing_about_the_certificate_is_no_yes(
    authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """No answer, an answer about somebody else, an answer that is over: refused."""

    class Says:
        def __init__(self, answers: Revocation) -> None:
            self._answers = answers

        def for_chain(self, _: object) -> Revocation:
            """The same to everybody."""
            return self._answers

    request = SignRequest(field="principal_signs", level=Level.B_B)
    about_another = authority.for_chain((people["teacher"].certificate, *authority.chain))
    over = authority.for_chain((people["principal"].certificate, *authority.chain))
    later = SignRequest(field="principal_signs", level=Level.B_B, at=datetime.now(UTC) + timedelta(days=30))

    for asked, answers, refusal in (
        (request, Revocation(), EvidenceMissing),
        (request, about_another, EvidenceMissing),
        (later, over, EvidenceTooOld),
    ):
        with pytest.raises(refusal):
            sign(book_pdf, asked, people["principal"].signer(), evidence=Says(answers))


def test_a_demonstration_may_live_in_another_year(tmp_path: Path, book_pdf: bytes) -> None:
    """With a fixed clock ahead of this machine's, everything is signed and judged at that clock's time."""
    moment = datetime.fromisoformat("2027-01-15T09:00:00+07:00")
    authority = DemoAuthority(tmp_path, key="rsa2048", tsa_key="rsa2048", clock=lambda: moment)
    person = authority.issue("Cao Thị Tương Lai", "T:1")
    signed = sign(
        book_pdf,
        SignRequest(field="principal_signs", level=Level.B_LTA, at=moment),
        person.signer(),
        timestamper=authority,
        evidence=authority,
        trust=Trust.load(authority.trust_pem()),
    )

    assert verify(signed, Trust.load(authority.trust_pem()), at=moment).verdict == "TOTAL_PASSED"


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7\n", b"%PDF-1.7\n" + b"\0" * 4096, b"PK\x03\x04" + b"x" * 100])
def test_what_is_no_pdf_is_refused_with_our_own_words(content: bytes, people: Mapping[str, Issued]) -> None:
    """Uploads are anything."""
    with pytest.raises(NotAPdf):
        sign(content, SignRequest(field="principal_signs", level=Level.B_B), people["principal"].signer())


def test_an_encrypted_pdf_is_refused_clearly(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """It is not called unreadable."""
    locked = io.BytesIO()
    pikepdf.open(io.BytesIO(book_pdf)).save(locked, encryption=pikepdf.Encryption(owner="o", user=""))

    with pytest.raises(EncryptedPdf):
        sign(locked.getvalue(), SignRequest(field="principal_signs", level=Level.B_B), people["principal"].signer())


def test_a_cut_or_scribbled_pdf_gives_our_errors_only(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """Each byte that decides something is broken in turn; whatever happens, the refusal is ours."""
    request = SignRequest(field="principal_signs", level=Level.B_B)
    signer = people["curve"].signer()
    damaged = [book_pdf[:size] for size in range(0, len(book_pdf), len(book_pdf) // 40)]
    damaged += [
        book_pdf[:at] + bytes([book_pdf[at] ^ 0x15]) + book_pdf[at + 1 :]
        for at in range(20, len(book_pdf), len(book_pdf) // 120)
    ]

    outcomes: set[type] = set()
    for pdf in damaged:
        try:
            outcomes.add(type(sign(pdf, request, signer)))
        except SigningError as error:
            outcomes.add(type(error))

    assert outcomes <= {bytes, NotAPdf, NotASignablePdf, NoSuchField, BadRequest, EncryptedPdf}
    assert {bytes, NotAPdf} <= outcomes


def test_signing_works_while_an_event_loop_runs(
    authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes
) -> None:
    """A web server's handler may call it; no loop of a library is in the way."""

    async def inside() -> bytes:
        return sign(
            book_pdf,
            SignRequest(field="principal_signs", level=Level.B_LTA),
            people["principal"].signer(),
            timestamper=authority,
            evidence=authority,
        )

    assert asyncio.run(inside()).startswith(book_pdf)


def test_levels_need_their_means(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """B-T without a timestamp authority is a mistake of the caller, not a B-B signature."""
    with pytest.raises(BadRequest, match="B-T"):
        sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_T), people["principal"].signer())


class Watched:
    """A key that counts how often it is used."""

    def __init__(self, signer: FileSigner) -> None:
        self.certificate, self.chain, self.scheme = signer.certificate, signer.chain, signer.scheme
        self.uses = 0
        self._signer = signer

    def sign(self, data: bytes, digest: str) -> bytes:
        """Sign and count."""
        self.uses += 1
        return self._signer.sign(data, digest)


def signature_of(pdf: bytes, field: str) -> dict[str, str]:
    """The texts and names of the signature dictionary in a field."""
    with pikepdf.open(io.BytesIO(pdf)) as opened:
        value = next(each.V for each in opened.Root.AcroForm.Fields if str(each.T) == field)
        return {key: str(value[key]) for key in dict(value.items()) if key not in {"/Contents", "/ByteRange", "/Reference"}}
