"""`adbe.x509.rsa_sha1`: a bare RSA value in /Contents and the certificates in /Cert, as Acrobat 4 wrote it."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from signing import Report, Trust, verify
from signing.der import octets
from signing.verification.certificates import HASHES
from tests.signing.pki import AUTHORITY_OF_TIME, DAY, NOW, Party, Plan, authority, make
from tests.signing.updates import Style, Update, fill, put_timestamp, token_signer

FIELD = "principal_signs"
SUBFILTER = "/adbe.x509.rsa_sha1"
LONG_AGO = datetime(2010, 6, 1, 8, tzinfo=UTC)
TIMES = {"begins": datetime(2008, 1, 1, tzinfo=UTC), "ends": datetime(2050, 1, 1, tzinfo=UTC)}


@pytest.fixture(scope="module")
def root() -> Party:
    return make(authority("Root", **TIMES))


@pytest.fixture(scope="module")
def person(root: Party) -> Party:
    return make(Plan(common="Người ký cũ", kind="rsa2048").but(**TIMES), root)


def value_of(person: Party, digest: bytes, name: str) -> bytes:
    """The OCTET STRING of ISO 32000-1 12.8.3.2."""
    assert isinstance(person.key, rsa.RSAPrivateKey)
    return octets(person.key.sign(digest, padding.PKCS1v15(), utils.Prehashed(HASHES[name]())))


def signed(
    book: bytes,
    person: Party,
    *,
    name: str = "sha1",
    cert: object = b"",
    made: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """The book with such a signature; `cert` is the value of /Cert."""
    style = Style(subfilter=SUBFILTER, digest=name, at=NOW, entries={"/Cert": cert or [person.der]} if cert is not None else {})
    return fill(book, FIELD, made or (lambda digest: value_of(person, digest, name)), style)


def judged(content: bytes, root: Party) -> Report:
    return verify(content, Trust.of_certificates([root.der]), at=NOW + DAY)


def told(report: Report) -> tuple[str, str | None, bool, str | None]:
    """Verdict, sub-indication, intact, level."""
    found = report.signature(FIELD)
    return found.verdict, found.sub_indication, found.intact, found.level


@pytest.mark.parametrize("several", [True, False], ids=["array", "string"])
def test_the_value_is_checked_and_sha1_proves_nothing_today(several: bool, book_pdf: bytes, root: Party, person: Party) -> None:
    """Nothing was changed, by whom is known, but SHA-1 is too weak without a proof from its time; and it is no PAdES."""
    report = judged(signed(book_pdf, person, cert=[person.der, root.der] if several else person.der), root)

    assert told(report) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE", True, None)
    assert report.signature(FIELD).signer == "Người ký cũ"
    assert report.signature(FIELD).algorithm == "rsa-2048 rsa_pkcs1 sha1"


def test_with_another_digest_it_passes_without_a_level(book_pdf: bytes, root: Party, person: Party) -> None:
    """Since PDF 1.6 the value may hold SHA-256 (ISO 32000-1 table 257)."""
    assert told(judged(signed(book_pdf, person, name="sha256"), root)) == ("TOTAL_PASSED", None, True, None)


def test_a_document_timestamp_of_its_time_proves_it(book_pdf: bytes, root: Party, person: Party) -> None:
    """What was proved while SHA-1 was good stays proved (EN 319 102-1 5.6.3)."""
    stamping = make(AUTHORITY_OF_TIME.but(**TIMES), root)
    assert isinstance(stamping.key, ec.EllipticCurvePrivateKey)
    content = signed(book_pdf, person)
    proved = put_timestamp(content, "archive_timestamp", token_signer(stamping.key, stamping.der, (), LONG_AGO))

    assert told(judged(proved, root)) == ("TOTAL_PASSED", None, True, None)


def test_a_changed_byte_is_told_as_such(book_pdf: bytes, root: Party, person: Party) -> None:
    """The digest inside the value is another than the file's."""
    content = signed(book_pdf, person)

    assert told(judged(content.replace(b"595", b"594", 1), root))[:3] == ("TOTAL_FAILED", "HASH_FAILURE", False)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "a flipped bit": lambda der: der[:-1] + bytes((der[-1] ^ 1,)),
    "cut short": lambda der: octets(der[4:-1]),
    "zeros": lambda _: octets(bytes(256)),
    "ones": lambda _: octets(b"\xff" * 256),
    "empty": lambda _: octets(b""),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_value_that_the_key_did_not_make(fault: str, book_pdf: bytes, root: Party, person: Party) -> None:
    """It fits nothing: SIG_CRYPTO_FAILURE, whatever stands in it."""
    content = signed(book_pdf, person, made=lambda digest: BROKEN[fault](value_of(person, digest, "sha1")))

    assert told(judged(content, root))[:3] == ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE", False)


def test_padding_that_only_looks_right_is_no_signature(book_pdf: bytes, root: Party, person: Party) -> None:
    """A digest in front and rubbish behind it (as forged under a small exponent): what the library builds anew decides."""
    assert isinstance(person.key, rsa.RSAPrivateKey)
    numbers = person.key.private_numbers()
    modulus = numbers.public_numbers.n

    def forged(digest: bytes) -> bytes:
        info = bytes.fromhex("3021300906052b0e03021a05000414") + digest
        block = b"\x00\x01" + b"\xff" * 8 + b"\x00" + info + bytes(256 - 11 - len(info))
        return octets(pow(int.from_bytes(block, "big"), numbers.d, modulus).to_bytes(256, "big"))

    assert told(judged(signed(book_pdf, person, made=forged), root))[:3] == ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE", False)


def test_without_a_certificate_nobody_signed(book_pdf: bytes, root: Party, person: Party) -> None:
    """102-1 5.2.3.4: no certificate, no verdict."""
    assert told(judged(signed(book_pdf, person, cert=None), root))[:2] == ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND")


def test_the_certificate_of_somebody_else(book_pdf: bytes, root: Party, person: Party) -> None:
    """The first of /Cert is the signer's; its key did not make the value."""
    other = make(Plan(common="Người khác", kind="rsa2048", key_name="other").but(**TIMES), root)

    assert told(judged(signed(book_pdf, person, cert=[other.der, person.der]), root))[:2] == (
        "TOTAL_FAILED",
        "SIG_CRYPTO_FAILURE",
    )


@pytest.mark.parametrize("cert", [b"\x30\x03\x02\x01\x05", b"none", [], [None], {"/A": 1}, 7], ids=repr)
def test_rubbish_in_cert_is_a_verdict(cert: object, book_pdf: bytes, root: Party, person: Party) -> None:
    """Whatever stands there, it never passes and never raises."""
    style = Style(subfilter=SUBFILTER, digest="sha1", at=NOW, entries={"/Cert": cert})
    content = fill(book_pdf, FIELD, lambda digest: value_of(person, digest, "sha1"), style)

    assert judged(content, root).signature(FIELD).verdict in {"INDETERMINATE", "TOTAL_FAILED"}


def test_an_elliptic_key_makes_no_such_signature(book_pdf: bytes, root: Party) -> None:
    """The form is RSA's alone."""
    curve = make(Plan(common="Curve").but(**TIMES), root)
    content = fill(book_pdf, FIELD, lambda _: octets(bytes(64)), Style(subfilter=SUBFILTER, entries={"/Cert": curve.der}))

    assert told(judged(content, root))[:2] == ("TOTAL_FAILED", "FORMAT_FAILURE")


def test_a_later_change_is_seen_here_too(book_pdf: bytes, root: Party, person: Party) -> None:
    """The form says nothing of what may follow: content stays as it was signed."""
    update = Update(signed(book_pdf, person, name="sha256"))
    update.change(update.page(), Rotate=90)

    assert told(judged(update.bytes(), root))[:2] == ("TOTAL_FAILED", "FORMAT_FAILURE")


def test_hidden_bytes_behind_the_value_are_told(book_pdf: bytes, root: Party, person: Party) -> None:
    """As behind a container: passed with a warning."""
    content = signed(book_pdf, person, name="sha256", made=lambda d: value_of(person, d, "sha256") + b"\x01hidden")
    found = judged(content, root).signature(FIELD)

    assert found.verdict == "TOTAL_PASSED"
    assert "CONTENTS_PADDING" in {each.code for each in found.findings}
