"""A key in the person's own hands: prepared today, signed elsewhere (here by openssl), finished another day."""

import hashlib
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from hypothesis import given
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, Level, Prepared, Scheme, SignRequest, finish, prepare, sign
from signing.errors import BadSignatureValue, CertificateExpired, DocumentChanged, WrongCertificate

OpenSsl = Callable[[Issued, bytes, str, Scheme], bytes]


@pytest.fixture
def openssl(tmp_path: Path) -> OpenSsl:
    """Somebody else's program signs: it gets bytes and gives a signature value."""

    def signed(issued: Issued, data: bytes, digest: str, scheme: Scheme) -> bytes:
        key, _, _ = pkcs12.load_key_and_certificates(issued.path.read_bytes(), issued.pin.encode())
        assert key is not None
        pem = tmp_path / "key.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        options = []
        if scheme is Scheme.RSA_PSS:
            options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"]
        command = ["openssl", "dgst", f"-{digest}", "-sign", str(pem), *options]
        return subprocess.run(command, input=data, capture_output=True, check=True).stdout

    return signed


@pytest.mark.parametrize(
    ("kind", "scheme"),
    [("rsa2048", Scheme.RSA_PKCS1), ("rsa3072", Scheme.RSA_PSS), ("p256", Scheme.ECDSA), ("p384", Scheme.ECDSA)],
)
@pytest.mark.parametrize("level", [Level.B_B, Level.B_LTA])
def test_openssl_signs_what_was_prepared(
    kind: str, scheme: Scheme, level: Level, authority: DemoAuthority, book_pdf: bytes, openssl: OpenSsl
) -> None:
    """Stored as bytes in between; the result is a signature like any other, at any level."""
    issued = authority.issue("Bùi Tự Ký", f"T:own-{kind}", key=kind)
    request = SignRequest(field="principal_signs", level=level, reason="Tự ký")
    stored = prepare(book_pdf, request, issued.certificate, issued.chain, scheme=scheme).to_bytes()
    prepared = Prepared.from_bytes(stored)
    value = openssl(issued, prepared.to_sign, prepared.digest, scheme)
    signed = finish(prepared, value, timestamper=authority, evidence=authority)

    assert signed.startswith(book_pdf)
    assert prepared.base_sha256 == hashlib.sha256(book_pdf).hexdigest()
    assert prepared.hash_to_sign == hashlib.new(prepared.digest, prepared.to_sign).digest()


def test_days_may_pass(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes, openssl: OpenSsl) -> None:
    """The claimed time stays that of the preparation; the timestamp says when it was really signed."""
    issued = people["principal"]
    last_week = datetime.now(UTC) - timedelta(days=7)
    request = SignRequest(field="principal_signs", at=last_week)
    prepared = Prepared.from_bytes(prepare(book_pdf, request, issued.certificate, issued.chain).to_bytes())
    signed = finish(prepared, openssl(issued, prepared.to_sign, "sha256", Scheme.RSA_PKCS1), timestamper=authority)

    assert prepared.claimed_time == last_week
    assert last_week.strftime("%Y%m%d%H%M%S").encode() in signed[len(book_pdf) :]


def test_another_persons_signature_is_refused(people: Mapping[str, Issued], book_pdf: bytes, openssl: OpenSsl) -> None:
    """Both when the certificate says so and when only the value does."""
    ours, other = people["principal"], people["teacher"]
    prepared = prepare(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), ours.certificate, ours.chain)
    value = openssl(other, prepared.to_sign, "sha256", Scheme.RSA_PKCS1)

    with pytest.raises(WrongCertificate, match="Nguyễn Thị Ánh Tuyết"):
        finish(prepared, value, certificate=other.certificate)
    with pytest.raises(BadSignatureValue, match="Vũ Ngọc Quỳnh"):
        finish(prepared, value)


def test_a_signature_of_something_else_is_refused(people: Mapping[str, Issued], book_pdf: bytes, openssl: OpenSsl) -> None:
    """A classic: the document's digest was signed, not the attributes."""
    ours = people["principal"]
    prepared = prepare(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), ours.certificate, ours.chain)

    for data in (prepared.document_digest(), prepared.hash_to_sign, b""):
        with pytest.raises(BadSignatureValue):
            finish(prepared, openssl(ours, data, "sha256", Scheme.RSA_PKCS1))


def test_a_document_that_moved_on_is_refused(people: Mapping[str, Issued], book_pdf: bytes, openssl: OpenSsl) -> None:
    """Somebody else signed in between: prepare again."""
    ours = people["principal"]
    prepared = prepare(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), ours.certificate, ours.chain)
    value = openssl(ours, prepared.to_sign, "sha256", Scheme.RSA_PKCS1)
    moved = sign(book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_B), people["homeroom"].signer())

    with pytest.raises(DocumentChanged, match="principal_signs"):
        finish(prepared, value, current=moved)
    assert finish(prepared, value, current=book_pdf).startswith(book_pdf)


def test_an_expired_certificate_is_refused_at_the_end_too(authority: DemoAuthority, book_pdf: bytes, openssl: OpenSsl) -> None:
    """Valid when prepared, over when signed."""
    now = datetime.now(UTC)
    issued = authority.issue("Bùi Hết Hạn", "T:own-old", not_before=now - timedelta(days=9), not_after=now + timedelta(days=1))
    prepared = prepare(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), issued.certificate, issued.chain)
    value = openssl(issued, prepared.to_sign, "sha256", Scheme.RSA_PKCS1)

    with pytest.raises(CertificateExpired):
        finish(prepared, value, now=now + timedelta(days=2))


@pytest.fixture(scope="session")
def stored(people: Mapping[str, Issued], book_pdf: bytes) -> bytes:
    """A stored preparation."""
    ours = people["curve"]
    return prepare(book_pdf, SignRequest(field="principal_signs", level=Level.B_B), ours.certificate, ours.chain).to_bytes()


@given(data=st.data())
def test_any_changed_byte_of_a_stored_preparation_is_noticed(data: st.DataObject, stored: bytes) -> None:
    """Flipped, cut or grown: DocumentChanged."""
    position = data.draw(st.integers(0, len(stored) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    flipped = stored[:position] + bytes([stored[position] ^ bit]) + stored[position + 1 :]

    for changed in (flipped, stored[:position], stored + b"\0"):
        with pytest.raises(DocumentChanged):
            Prepared.from_bytes(changed)


@given(junk=st.binary(max_size=300))
def test_anything_that_is_no_preparation_is_refused(junk: bytes) -> None:
    """Arbitrary bytes give our error."""
    with pytest.raises(DocumentChanged):
        Prepared.from_bytes(junk)
