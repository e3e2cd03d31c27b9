"""Where the clauses of EN 319 102-1 and RFC 5652 settle what is easily got wrong; the verdict was written down before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from signing import Trust, verify
from signing.der import NULL, der, integer, oid, sequence
from signing.report import SignatureReport
from signing.trust import Revocation
from signing.verification.der import read
from signing.verification.signed_data import CONTENT_TIMESTAMP, TST_INFO
from signing.verification.syntax import Ref
from tests.signing.containers import RSA_WITH, Shape, algorithm, attribute, bound_to, contained, pss_parameters, stamped
from tests.signing.pki import AUTHORITY_OF_TIME, DAY, NOW, RESPONDER, Party, Plan, Said, answer, authority, crl, entry, make
from tests.signing.updates import Style, Update, fill, put_timestamp

FIRST = "homeroom_teacher_signs"
HOUR = timedelta(hours=1)
LONG = {"begins": datetime(2005, 1, 1, tzinfo=UTC), "ends": datetime(2060, 1, 1, tzinfo=UTC)}
PROTECTION = "1.2.840.113549.1.9.52"


@dataclass(frozen=True, kw_only=True)
class Place:
    """An authority with a signer and a timestamp authority, all valid for decades."""

    root: Party
    issuing: Party
    person: Party
    time_root: Party
    stamping: Party
    tsa: Party
    responder: Party
    book: bytes

    def stamp(self, at: datetime, shape: Shape | None = None, **more: int) -> Callable[[bytes], bytes]:
        """The timestamp authority at a moment."""
        return stamped(self.tsa, (self.stamping.der,), at, shape or Shape(), **more)

    def sign(self, at: datetime | None = NOW, shape: Shape | None = None, **style: object) -> bytes:
        """With a timestamp of that moment; None: with none."""
        told = replace(shape or Shape(), stamps=(shape.stamps if shape and shape.stamps else (self.stamp(at),) if at else ()))
        made = Style(digest=told.digest, at=at or NOW, **style)  # type: ignore[arg-type]
        return fill(self.book, FIRST, lambda digest: contained(self.person, (self.issuing.der,), digest, told), made)

    def keep(self, content: bytes, ocsps: Sequence[bytes], lists: Sequence[bytes]) -> bytes:
        """The values in the security store, beside those that are there."""
        update = Update(content)
        kept: dict[str, object] = {}
        for key, ders in (("/OCSPs", ocsps), ("/CRLs", lists)):
            before = update.view.items(update.view.get(update.view.catalog, "/DSS", key))
            kept[key] = [*before, *(Ref(update.stream(each), 0) for each in ders)]
        update.change(update.catalog, DSS=kept)
        return update.bytes()

    def word(self, at: datetime, *of_root: x509.RevokedCertificate) -> tuple[list[bytes], list[bytes]]:
        """OCSP about the person, lists about the authorities."""
        told = Said(issued=at, until=at + 30 * DAY)
        lists = [crl(each, issued=at, until=at + 30 * DAY) for each in (self.time_root, self.stamping)]
        lists.append(crl(self.root, *of_root, issued=at, until=at + 30 * DAY))
        return [answer(self.person, self.issuing, self.responder, told)], lists

    def archive(self, content: bytes, at: datetime, field: str = "archive_timestamp") -> bytes:
        """A document timestamp."""
        return put_timestamp(content, field, self.stamp(at))

    def first(self, content: bytes, at: datetime = NOW + DAY, *held: Party, required: bool = False) -> SignatureReport:
        """The report on the signature; `held` are authorities of the bundle beside the roots."""
        trust = Trust.of_certificates([each.der for each in (self.root, self.time_root, *held)])
        strict = replace(trust, revocation=Revocation.REQUIRED if required else Revocation.IF_AVAILABLE)
        return verify(content, strict, at=at).signature(FIRST)


def place_of(book: bytes, *, kind: str = "p256", issuing: str = "p256", root: str = "p256") -> Place:
    """A place whose keys are of these kinds."""
    tag = f"{kind} {issuing} {root}"
    top = make(authority(f"Root {tag}", kind=root).but(**LONG))
    between = make(authority(f"Issuing {tag}", kind=issuing).but(**LONG), top)
    time_root = make(authority("Time").but(**LONG))
    stamping = make(authority("Stamping").but(**LONG), time_root)
    return Place(
        root=top,
        time_root=time_root,
        issuing=between,
        stamping=stamping,
        person=make(Plan(common=f"Person {tag}", kind=kind).but(**LONG), between),
        tsa=make(AUTHORITY_OF_TIME.but(**LONG), stamping),
        responder=make(RESPONDER.but(more=[(x509.OCSPNoCheck(), False)], **LONG), between),
        book=book,
    )


@pytest.fixture(scope="module")
def place(book_pdf: bytes) -> Place:
    return place_of(book_pdf)


@pytest.fixture(scope="module")
def rsa_place(book_pdf: bytes) -> Place:
    return place_of(book_pdf, kind="rsa2048")


def codes(found: SignatureReport) -> set[str]:
    return {each.code for each in found.findings}


# 5.5.4 step 10: certificates above the signer's are proved by what covers them, not by the signature's timestamp.


@pytest.fixture(scope="module")
def aging(book_pdf: bytes) -> Place:
    """A root with RSA-2048 (PKCS #1 v1.5: until 2029) above curves."""
    return place_of(book_pdf, root="rsa2048")


AFTER_THE_END = datetime(2031, 1, 1, tzinfo=UTC)


def test_an_authority_that_a_broken_key_may_have_made_since(aging: Place) -> None:
    """A timestamp over the value proves the signer's certificate, which it names, but not the authority above it."""
    found = aging.first(aging.sign(NOW), AFTER_THE_END)

    assert found.best_time == NOW
    assert (found.verdict, found.sub_indication) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE")


def test_an_archive_proves_the_authority_in_time(aging: Place) -> None:
    """A document timestamp covers the revision that holds the certificate."""
    found = aging.first(aging.archive(aging.sign(NOW), NOW + HOUR), AFTER_THE_END)

    assert (found.verdict, found.best_time) == ("TOTAL_PASSED", NOW)


def test_an_authority_of_the_bundle_needs_no_proof(aging: Place) -> None:
    """Whoever keeps the bundle vouches for what is in it."""
    assert aging.first(aging.sign(NOW), AFTER_THE_END, aging.issuing).verdict == "TOTAL_PASSED"


# 5.3.4 step 6 and 5.5.4 step 4 c: a weak algorithm.


@pytest.mark.parametrize(
    ("digest", "year", "passes"),
    [("sha1", 2011, True), ("sha1", 2013, False), ("md5", 2009, False)],
)
def test_a_weak_digest_is_judged_at_the_proved_time(digest: str, year: int, passes: bool, rsa_place: Place) -> None:
    """While it was good it passes; later a proof of an earlier time might still help, so it is never more than NO_POE."""
    found = rsa_place.first(rsa_place.sign(datetime(year, 1, 1, tzinfo=UTC), Shape(digest=digest)))

    expected = ("TOTAL_PASSED", None) if passes else ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE_NO_POE")
    assert (found.verdict, found.sub_indication) == expected
    assert found.intact


def test_a_content_timestamp_shows_that_the_key_was_weak_already(book_pdf: bytes) -> None:
    """The signature is younger than what it signs: now no proof can help."""
    small = place_of(book_pdf, kind="rsa1024")

    def contain(digest: bytes) -> bytes:
        shape = Shape(more=(attribute(CONTENT_TIMESTAMP, small.stamp(NOW - HOUR)(digest)),))
        return contained(small.person, (small.issuing.der,), digest, shape)

    found = small.first(fill(book_pdf, FIRST, contain, Style(at=NOW)))

    assert (found.verdict, found.sub_indication) == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")


# Times that contradict each other.


def test_a_timestamp_later_than_the_archive_over_it(place: Place) -> None:
    """One of the two authorities errs by hours: which, nobody can say."""
    found = place.first(place.archive(place.sign(NOW + 5 * HOUR), NOW + 2 * HOUR))

    assert (found.verdict, found.sub_indication) == ("INDETERMINATE", "TIMESTAMP_ORDER_FAILURE")


def test_two_authorities_may_differ_by_their_clocks(place: Place) -> None:
    """Two seconds are no contradiction, and the earlier time counts."""
    found = place.first(place.archive(place.sign(NOW + timedelta(seconds=2)), NOW))

    assert (found.verdict, found.best_time) == ("TOTAL_PASSED", NOW)
    assert "TIMESTAMP_BROKEN" not in codes(found)


def test_a_broken_timestamp_under_an_archive_contradicts_nothing(place: Place) -> None:
    """Anyone may put a token into the unsigned attributes; one that proves nothing says nothing."""
    broken = Shape(stamps=(lambda _: place.stamp(NOW + 5 * HOUR)(bytes(32)),))

    assert place.first(place.archive(place.sign(NOW, broken), NOW + 2 * HOUR)).verdict == "TOTAL_PASSED"


def test_a_token_of_another_version_is_none(place: Place) -> None:
    """RFC 3161 2.4.2 knows version 1 alone."""
    found = place.first(place.sign(None, Shape(stamps=(place.stamp(NOW, version=2),))))

    assert (found.verdict, found.level) == ("TOTAL_PASSED", "B-B")
    assert "TIMESTAMP_BROKEN" in codes(found)


# 5.5.4 step 4 a: an authority that was revoked after the proved time.


def test_an_authority_revoked_after_the_signature(place: Place) -> None:
    """The signature passes; what that authority said since counts for nothing, is told, and makes no B-LT."""
    revoked = entry(place.issuing, since=NOW + 3 * HOUR)
    content = place.keep(place.sign(), *place.word(NOW + 5 * HOUR, revoked))
    found = place.first(content)

    assert (found.verdict, found.level) == ("TOTAL_PASSED", "B-T")
    assert {"WORD_OF_REVOKED_ISSUER", "REVOCATION_UNKNOWN"} <= codes(found)


def test_where_word_is_required_that_of_a_revoked_authority_is_none(place: Place) -> None:
    """5.6.2.4: nothing proves that it is older than the revocation."""
    content = place.keep(place.sign(), *place.word(NOW + 5 * HOUR, entry(place.issuing, since=NOW + 3 * HOUR)))
    found = place.first(content, required=True)

    assert (found.verdict, found.sub_indication) == ("INDETERMINATE", "REVOKED_CA_NO_POE")


def test_an_archive_before_the_revocation_keeps_the_word(place: Place) -> None:
    """What is covered in time was said by an authority that was sound."""
    lasting = place.archive(place.keep(place.sign(), *place.word(NOW + HOUR)), NOW + 2 * HOUR)
    content = place.keep(lasting, *place.word(NOW + 5 * HOUR, entry(place.issuing, since=NOW + 3 * HOUR)))
    found = place.first(content, required=True)

    assert found.verdict == "TOTAL_PASSED"
    assert "WORD_OF_REVOKED_ISSUER" not in codes(found)


def test_word_in_the_container_is_proved_by_the_archive_over_it(place: Place) -> None:
    """A revocation list inside the signature is as old as the document timestamp that covers it."""
    early = [
        crl(each, issued=NOW + HOUR / 2, until=NOW + 30 * DAY) for each in (place.issuing, place.stamping, place.time_root)
    ]
    content = place.archive(place.sign(NOW, Shape(lists=early)), NOW + HOUR)
    later = crl(place.root, entry(place.issuing, since=NOW + 3 * HOUR), issued=NOW + 5 * HOUR, until=NOW + 30 * DAY)
    found = place.first(place.keep(content, [], [later]), required=True)

    assert found.verdict == "TOTAL_PASSED"


# 5.2.3.4: the signer's certificate.


def _named(place: Place, serial: int, issuer: bytes | None = None) -> bytes:
    name = issuer or place.person.certificate.issuer.public_bytes()
    return sequence(sequence(der(0xA4, name)), integer(serial))


def test_issuer_and_serial_beside_the_digest_only_warn(place: Place) -> None:
    """Step 3: the digest decides, a difference beside it is an additional warning."""
    right = bound_to(place.person.der, _named(place, place.person.certificate.serial_number))
    other = bound_to(place.person.der, _named(place, 5))
    stranger = bound_to(
        place.person.der,
        _named(place, place.person.certificate.serial_number, place.root.certificate.subject.public_bytes()),
    )

    assert "SIGNER_NAMED_OTHERWISE" not in codes(place.first(place.sign(None, Shape(bound=right))))
    for each in (other, stranger):
        found = place.first(place.sign(None, Shape(bound=each)))
        assert (found.verdict, found.level) == ("TOTAL_PASSED", "B-B")
        assert "SIGNER_NAMED_OTHERWISE" in codes(found)


def test_the_certificate_may_come_from_the_store(place: Place) -> None:
    """5.2.3.4: from elsewhere where the signer bound it; but the baseline wants it in the container (142-1 6.3)."""
    content = place.sign(None, Shape(without_certificates=True))
    update = Update(content)
    certs = [Ref(update.stream(each.der), 0) for each in (place.person, place.issuing)]
    update.change(update.catalog, DSS={"/Certs": certs})
    found = place.first(update.bytes())

    assert place.first(content).sub_indication == "NO_SIGNING_CERTIFICATE_FOUND"
    assert (found.verdict, found.level) == ("TOTAL_PASSED", None)
    assert place.first(content, NOW + DAY, place.issuing, place.person).verdict == "TOTAL_PASSED"


def test_a_token_without_its_certificate_is_read_with_the_stores(place: Place) -> None:
    """RFC 3161 2.4.1: whoever does not ask for the certificate gets none."""
    bare = Shape(stamps=(place.stamp(NOW, Shape(without_certificates=True)),))
    update = Update(place.sign(None, bare))
    certs = [Ref(update.stream(each.der), 0) for each in (place.tsa, place.stamping)]
    update.change(update.catalog, DSS={"/Certs": certs})

    assert place.first(place.sign(None, bare)).level == "B-B"
    assert place.first(update.bytes()).level == "B-T"


def test_a_certificate_laid_beside_the_signers_takes_no_place(place: Place) -> None:
    """Another with the same issuer and number in front of it: the one that was bound counts."""
    number = place.person.certificate.serial_number
    double = make(Plan(common="Double", key_name="double", serial=number).but(**LONG), place.issuing)

    assert place.first(place.sign(None, Shape(first=(double.der,)))).verdict == "TOTAL_PASSED"


# When to renew.


def test_the_renewal_date_knows_what_nothing_covers(aging: Place) -> None:
    """Before the authority's signature is too weak, and before a signer's certificate ends that nobody speaks for."""
    brief = make(Plan(common="Brief", begins=NOW - DAY, ends=NOW + 90 * DAY), aging.issuing)
    here = replace(aging, person=brief)

    assert aging.first(aging.sign(NOW)).renewal_date == datetime(2029, 1, 1, tzinfo=UTC)
    assert here.first(here.sign(NOW)).renewal_date == brief.certificate.not_valid_after_utc
    assert aging.first(aging.archive(aging.sign(NOW), NOW + HOUR)).renewal_date == LONG["ends"]


# RFC 5652, 6211, 4055: the container.


def _indefinite(body: bytes) -> bytes:
    """The signed attributes in BER: indefinite lengths, outside and inside."""

    def loose(node_bytes: bytes) -> bytes:
        node = read(node_bytes)
        if not node.is_constructed:
            return node_bytes
        return bytes((node.tag, 0x80)) + b"".join(loose(child.raw) for child in node.children()) + b"\0\0"

    parts = []
    while body:
        node = read(body)
        parts.append(loose(node.raw))
        body = body[node.end :]
    return b"\xa0\x80" + b"".join(parts) + b"\0\0"


def test_attributes_stored_in_ber_are_signed_in_der(place: Place) -> None:
    """RFC 5652 5.4: whatever the encoding in the file, the value is over DER."""
    found = place.first(place.sign(None, Shape(attributes_as=_indefinite)))

    assert (found.verdict, found.level) == ("TOTAL_PASSED", "B-B")
    assert "ATTRIBUTES_NOT_DER" in codes(found)


def _protected(*digests: str) -> bytes:
    values = (sequence(algorithm(each), der(0xA1, oid(RSA_WITH["sha256"]), NULL)) for each in digests)
    return attribute(PROTECTION, *values)


@pytest.mark.parametrize(
    ("shape", "verdict", "sub"),
    [
        (Shape(more=(_protected("sha256"),)), "TOTAL_PASSED", None),
        (Shape(more=(_protected("sha384"),)), "TOTAL_FAILED", "FORMAT_FAILURE"),
        (Shape(more=(_protected("sha256", "sha384"),)), "TOTAL_FAILED", "FORMAT_FAILURE"),
        (Shape(pss_salt=32), "TOTAL_PASSED", None),
        (Shape(pss_salt=0), "TOTAL_PASSED", None),
        (Shape(pss_salt=32, mask="sha1"), "TOTAL_PASSED", None),
        (Shape(pss_salt=32, scheme=pss_parameters(32, mask="sha1")), "TOTAL_FAILED", "SIG_CRYPTO_FAILURE"),
        (Shape(pss_salt=32, scheme=pss_parameters(31)), "TOTAL_FAILED", "SIG_CRYPTO_FAILURE"),
        (Shape(pss_salt=32, scheme=pss_parameters(-1)), "TOTAL_FAILED", "FORMAT_FAILURE"),
        (Shape(pss_salt=32, scheme=pss_parameters(2**70)), "TOTAL_FAILED", "FORMAT_FAILURE"),
        (Shape(pss_salt=32, scheme=pss_parameters(32, der(0xA3, integer(2)))), "INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE"),
        (Shape(pss_salt=32, scheme=pss_parameters(32, der(0xA3, integer(1)))), "TOTAL_PASSED", None),
    ],
    ids=[
        "protected",
        "otherwise",
        "twice",
        "pss",
        "no salt",
        "other mask",
        "mask said wrong",
        "other salt",
        "negative",
        "huge",
        "trailer 2",
        "trailer 1",
    ],
)
def test_algorithms_are_taken_at_their_word(shape: Shape, verdict: str, sub: str | None, rsa_place: Place) -> None:
    """What is bound must be what was used, once; parameters are those that the standards know."""
    found = rsa_place.first(rsa_place.sign(None, shape))

    assert (found.verdict, found.sub_indication) == (verdict, sub)


def test_another_content_type_is_no_baseline(place: Place) -> None:
    """EN 319 142-1 6.3: content-type is id-data."""
    found = place.first(place.sign(None, Shape(content_type=TST_INFO)))

    assert (found.verdict, found.level) == ("TOTAL_PASSED", None)


def test_hundreds_of_thousands_of_attributes_are_read_once(place: Place) -> None:
    """Unsigned attributes are anybody's: 50,000 timestamps that are none cost no more than reading them."""

    def crowd(digest: bytes) -> bytes:
        return contained(place.person, (place.issuing.der,), digest, Shape(stamps=(lambda _: NULL * 50_000,)))

    content = fill(place.book, FIRST, crowd, Style(reserve=200_000, at=NOW))

    assert place.first(content).verdict == "TOTAL_PASSED"


def test_a_byte_range_of_its_own_is_refused(place: Place) -> None:
    """A later revision could put another array in its place, and not every reader follows it."""
    content = place.sign(None)
    begin = content.index(b"/ByteRange [")
    end = content.index(b"]", begin)
    reference = b"/ByteRange 1 0 R".ljust(end + 1 - begin)
    found = place.first(content[:begin] + reference + content[end + 1 :])

    assert (found.verdict, found.sub_indication) == ("TOTAL_FAILED", "FORMAT_FAILURE")
    assert "BYTE_RANGE" in codes(found)
