"""Preparations that were forged, mixed up, finished twice or too late: a refusal of ours, or a document that holds."""

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, Level, Prepared, Scheme, SignRequest, Trust, Verdict, finish, prepare, sign, verify
from signing.apply.prepared import MAGIC
from signing.demo.tokens import TokenMaker
from signing.errors import (
    BadRequest,
    BadSignatureValue,
    CertificateRevoked,
    DocumentChanged,
    NoRoom,
    SigningError,
    WrongCertificate,
)
from signing.keys.file import FileSigner

REQUEST = SignRequest(field="principal_signs", level=Level.B_B)


@pytest.fixture(scope="session")
def prepared(people: Mapping[str, Issued], book_pdf: bytes) -> Prepared:
    """A book that waits for the signature of the curve's owner."""
    ours = people["curve"]
    return prepare(book_pdf, REQUEST, ours.certificate, ours.chain)


@pytest.fixture(scope="session")
def value(people: Mapping[str, Issued], prepared: Prepared) -> bytes:
    """Their signature of it."""
    return people["curve"].signer().sign(prepared.to_sign, prepared.digest)


def forged(stored: bytes, **header: object) -> bytes:
    """A stored preparation with other words in its header and the digest made anew: whoever may write the store can do that."""
    rest = stored[len(MAGIC) + 32 :]
    size = int.from_bytes(rest[:4], "big")
    words = {**json.loads(rest[4 : 4 + size]), **header}
    encoded = json.dumps({name: word for name, word in words.items() if word != "ABSENT"}).encode()
    again = len(encoded).to_bytes(4, "big") + encoded + rest[4 + size :]
    return MAGIC + hashlib.sha256(again).digest() + again


WORDS: dict[str, list[Any]] = {
    "base_size": [-1, 0, 1, 10**12, "a", None, 1e400],
    "certificate": ["", "AAAA", 5, "not base64 !"],
    "chain": [["AAAA"], "AAAA", [5], None],
    "claimed_time": ["2026-01-01T00:00:00", "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", 5, ""],
    "digest": ["md5", "shake_128", "sha1", "sha512", "", None],
    "field": ["another", "", 7],
    "hole": [[0, 0], [-5, 5], [5, 1], [10**9, 10**9 + 5], [1.5, 2.5], [0, 10], "ab", None, [1, 2, 3]],
    "level": ["B-X", "", None, "B-LTA"],
    "scheme": ["ecdsa", "rsa-pss", "rsa-pkcs1", "none"],
    "timestamp_field": ["principal_signs", ""],
    "to_sign": ["", "AAAA", None],
}


@pytest.mark.parametrize(("name", "number"), [(name, n) for name, words in WORDS.items() for n in range(len(words))])
def test_a_forged_preparation_makes_no_signature_that_does_not_hold(
    name: str, number: int, prepared: Prepared, value: bytes, book_pdf: bytes, authority: DemoAuthority, roots: Path
) -> None:
    """Its own digest fits, its words do not: a refusal of ours, or the very document that was prepared, signed."""
    try:
        read = Prepared.from_bytes(forged(prepared.to_bytes(), **{name: WORDS[name][number]}))
        signed = finish(read, value, timestamper=authority, evidence=authority)
    except SigningError:
        return
    assert signed.startswith(book_pdf)
    report = verify(signed, Trust.load(roots))
    assert report.signatures[0].verdict is Verdict.TOTAL_PASSED


@given(name=st.sampled_from(sorted(WORDS)), word=st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_whatever_stands_in_a_preparation_only_our_errors_come(
    name: str, word: object, prepared: Prepared, value: bytes
) -> None:
    """Any JSON in any place."""
    with suppress(SigningError):
        finish(Prepared.from_bytes(forged(prepared.to_bytes(), **{name: word})), value)


@given(value=st.binary(max_size=600))
def test_whatever_is_handed_in_as_a_value_is_refused(value: bytes, prepared: Prepared) -> None:
    """Before anything is put into the document."""
    with pytest.raises(BadSignatureValue):
        finish(prepared, value)


def test_the_value_for_another_document_is_refused(people: Mapping[str, Issued], prepared: Prepared, book_pdf: bytes) -> None:
    """The same person, the same book, another preparation: the two are not mixed up."""
    ours = people["curve"]
    second = SignRequest(
        field="principal_signs", level=Level.B_B, reason="lần hai", at=datetime.now(UTC) + timedelta(seconds=5)
    )
    other = prepare(book_pdf, second, ours.certificate, ours.chain)
    signature = ours.signer().sign(other.to_sign, other.digest)

    with pytest.raises(BadSignatureValue):
        finish(prepared, signature)
    with pytest.raises(WrongCertificate):
        finish(other, signature, certificate=people["principal"].certificate)
    assert finish(other, signature).startswith(book_pdf)


def test_finished_twice_and_at_once_it_is_the_same_document(prepared: Prepared, value: bytes, book_pdf: bytes) -> None:
    """Two windows, one value: nothing differs. Once the first is kept, the second is told that the document moved on."""
    with ThreadPoolExecutor(4) as threads:
        results = set(threads.map(lambda _: finish(prepared, value, current=book_pdf), range(8)))

    assert len(results) == 1
    with pytest.raises(DocumentChanged):
        finish(prepared, value, current=results.pop())


def test_a_certificate_that_was_revoked_meanwhile_signs_nothing(tmp_path: Path, book_pdf: bytes) -> None:
    """At any level, where the issuers can be asked."""
    authority = DemoAuthority(tmp_path)
    person = authority.issue("Bùi Thị Thu Hồi", "T:own-revoked")
    waits = prepare(book_pdf, REQUEST, person.certificate, person.chain, evidence=authority)
    signature = person.signer().sign(waits.to_sign, waits.digest)
    authority.revoke(person)

    for level in Level:
        with pytest.raises(CertificateRevoked):
            finish(waits, signature, level=level, timestamper=authority, evidence=authority)


def test_a_timestamp_that_needs_more_room_than_was_kept_is_told(
    people: Mapping[str, Issued], authority: DemoAuthority, book_pdf: bytes
) -> None:
    """Prepared for small tokens, finished with a large one: nothing is cut off, and the document is as it was."""

    class Small:
        token_bytes = 100

        def timestamp(self, digest: bytes) -> bytes:
            """Never asked while preparing."""
            raise AssertionError(digest)

    ours = people["curve"]
    waits = prepare(book_pdf, REQUEST, ours.certificate, (), timestamper=Small())
    signature = ours.signer().sign(waits.to_sign, waits.digest)

    class Large:
        def timestamp(self, digest: bytes) -> bytes:
            """A token that brings the certificates of a whole country."""
            issuing = x509.load_der_x509_certificate(authority.chain[0])
            tsa = x509.load_der_x509_certificate(authority.tsa)
            return TokenMaker(authority._tsa.key, tsa, (issuing,) * 20, lambda: datetime.now(UTC)).token(digest)

    with pytest.raises(NoRoom):
        finish(waits, signature, level=Level.B_T, timestamper=Large())


@pytest.mark.parametrize(
    ("kind", "scheme"), [("rsa4096", Scheme.RSA_PSS), ("rsa4096", Scheme.RSA_PKCS1), ("p384", Scheme.ECDSA)]
)
def test_large_keys_reach_the_archive_level_when_finished(
    kind: str, scheme: Scheme, authority: DemoAuthority, book_pdf: bytes, roots: Path
) -> None:
    """Prepared at B-B with nothing at hand, finished days later at B-LTA."""
    person = authority.issue("Bùi Khóa Lớn", f"T:own-large-{kind}-{scheme}", key=kind)
    signer = FileSigner.open(f"{person.uri}?padding={'pss' if scheme is Scheme.RSA_PSS else 'pkcs1'}", lambda _: person.pin)
    waits = Prepared.from_bytes(prepare(book_pdf, REQUEST, person.certificate, person.chain, scheme=scheme).to_bytes())
    trust = Trust.load(roots)
    signed = finish(
        waits,
        signer.sign(waits.to_sign, waits.digest),
        level=Level.B_LTA,
        timestamper=authority,
        evidence=authority,
        trust=trust,
    )
    ours = verify(signed, trust).signatures[0]
    assert (ours.verdict, ours.level) == (Verdict.TOTAL_PASSED, Level.B_LTA)


def test_a_key_is_not_used_for_a_level_that_cannot_be_reached(people: Mapping[str, Issued], book_pdf: bytes) -> None:
    """No timestamp authority was given: that is known before the key is asked."""

    class Untouchable:
        certificate, chain = people["curve"].certificate, people["curve"].chain

        def sign(self, data: bytes, digest: str) -> bytes:
            """Must not be."""
            raise AssertionError(data, digest)

    with pytest.raises(BadRequest):
        sign(book_pdf, SignRequest(field="principal_signs", level=Level.B_T), Untouchable())
