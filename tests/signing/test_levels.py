"""The PAdES baseline levels, row by row of EN 319 142-1 clause 6.3, and the constellations in which a level is missed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import cms, core, tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing import Report, Trust, verify
from signing.der import der as der_value
from signing.der import oid, sequence
from signing.trust import Revocation
from signing.verification.syntax import Name, Ref
from tests.signing.pki import AUTHORITY_OF_TIME, DAY, NOW, RESPONDER, Party, Plan, Said, answer, authority, crl, entry, make
from tests.signing.updates import Identity, Style, Update, put_signature, put_timestamp, replace_contents, token_signer

FIRST, SECOND = "homeroom_teacher_signs", "principal_signs"
HOUR = timedelta(hours=1)
NO_CHECK = (x509.OCSPNoCheck(), False)


@dataclass(frozen=True, kw_only=True)
class Town:
    """A root, an authority, two persons, a timestamp authority with its own issuer, and the book to sign."""

    root: Party
    issuing: Party
    person: Party
    other: Party
    stamping: Party
    tsa: Party
    responder: Party
    book: bytes

    def stamp(self, at: datetime) -> Callable[[bytes], bytes]:
        """The timestamp authority at a moment."""
        assert isinstance(self.tsa.key, ec.EllipticCurvePrivateKey)
        return token_signer(self.tsa.key, self.tsa.der, (self.stamping.der,), at)

    def sign(
        self, content: bytes, field: str = FIRST, *, at: datetime | None = NOW, by: Party | None = None, **style: object
    ) -> bytes:
        """A signature, with a timestamp of `at` or without any."""
        person = by or self.person
        assert isinstance(person.key, ec.EllipticCurvePrivateKey)
        who = Identity(key=person.key, certificate=person.der, chain=(self.issuing.der,))
        made = Style(at=at or NOW, timestamp=self.stamp(at) if at else None, **style)  # type: ignore[arg-type]
        return put_signature(content, field, who, made)

    def word(self, at: datetime = NOW + HOUR, *, by: Party | None = None) -> tuple[list[bytes], list[bytes]]:
        """OCSP about the person, lists about everybody else, as of a moment."""
        said = Said(issued=at, until=at + 30 * DAY)
        lists = [crl(each, issued=at, until=at + 30 * DAY) for each in (self.root, self.stamping)]
        return [answer(by or self.person, self.issuing, self.responder, said)], lists

    def store(
        self, content: bytes, word: tuple[Sequence[bytes], Sequence[bytes]] | None = None, *, certificates: Sequence[bytes] = ()
    ) -> bytes:
        """The file with this word in its security store."""
        ocsps, lists = word or self.word()
        update = Update(content)
        entries = {
            key: [Ref(update.stream(der), 0) for der in ders]
            for key, ders in (("/OCSPs", ocsps), ("/CRLs", lists), ("/Certs", certificates))
            if ders
        }
        update.change(update.catalog, DSS=entries)
        return update.bytes()

    def archive(self, content: bytes, at: datetime = NOW + 2 * HOUR, field: str = "archive_timestamp") -> bytes:
        """A document timestamp."""
        return put_timestamp(content, field, self.stamp(at))

    def judge(self, content: bytes, at: datetime = NOW + DAY, **trust: object) -> Report:
        """With this root alone."""
        return verify(content, replace(Trust.of_certificates([self.root.der]), **trust), at=at)  # type: ignore[arg-type]

    def level(self, content: bytes, field: str = FIRST, at: datetime = NOW + DAY) -> str | None:
        """The level of one signature."""
        return self.judge(content, at).signature(field).level


@pytest.fixture(scope="module")
def town(book_pdf: bytes) -> Town:
    root = make(authority("Root"))
    issuing, stamping = make(authority("Issuing"), root), make(authority("Stamping CA"), root)
    return Town(
        root=root,
        issuing=issuing,
        stamping=stamping,
        person=make(Plan(common="Person"), issuing),
        other=make(Plan(common="Other"), issuing),
        tsa=make(AUTHORITY_OF_TIME, stamping),
        responder=make(RESPONDER.but(more=[NO_CHECK]), issuing),
        book=book_pdf,
    )


def why(report: Report, field: str = FIRST) -> str:
    """What kept a signature from the next level."""
    told = {"LEVEL_NOT_MET", "EVIDENCE_OLDER_THAN_TIMESTAMP"}
    return " ".join(each.message for each in report.signature(field).findings if each.code in told)


def test_the_four_levels(town: Town) -> None:
    """Each by what is there, in one file that grows."""
    plain, stamped = town.sign(town.book, at=None), town.sign(town.book)
    long_term = town.store(stamped)

    assert town.level(plain) == "B-B"
    assert town.level(stamped) == "B-T"
    assert town.level(long_term) == "B-LT"
    assert town.level(town.archive(long_term)) == "B-LTA"


# B-B: what the signature dictionary and the container must, and must not, hold.


def _attribute(kind: str, value: object) -> Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]]:
    """Adds a signed attribute (of a kind that the library knows)."""
    return lambda attributes: sorted([*attributes, cms.CMSAttribute({"type": kind, "values": [value]})], key=lambda a: a.dump())


def _signed_with(town: Town, change: Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]], **style: object) -> bytes:
    """A signature over changed attributes that is sound."""
    return replace_contents(town.sign(town.book, at=None, **style), lambda der: _resigned(town, der, change))  # type: ignore[arg-type]


def _resigned(town: Town, der: bytes, change: Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]]) -> bytes:
    info = cms.ContentInfo.load(der)
    signer = info["content"]["signer_infos"][0]
    attributes = cms.CMSAttributes(sorted(change(list(signer["signed_attrs"])), key=lambda each: each.dump()))
    assert isinstance(town.person.key, ec.EllipticCurvePrivateKey)
    signer["signed_attrs"] = attributes
    signer["signature"] = town.person.key.sign(cms.CMSAttributes(list(attributes)).dump(), ec.ECDSA(hashes.SHA256()))
    return bytes(info.dump())


def _without(kind: str) -> Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]]:
    return lambda attributes: [each for each in attributes if each["type"].native != kind]


def _bound(town: Town, version: int, digest: str) -> Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]]:
    """The signing certificate bound by one version of the attribute and one digest."""
    value = hashlib.new(digest, town.person.der).digest()
    if version == 1:
        attribute = cms.CMSAttribute(
            {"type": "signing_certificate", "values": [tsp.SigningCertificate({"certs": [{"cert_hash": value}]})]}
        )
    else:
        told = {"hash_algorithm": {"algorithm": digest}, "cert_hash": value}
        attribute = cms.CMSAttribute(
            {"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [told]})]}
        )
    return lambda attributes: [*_without("signing_certificate_v2")(attributes), attribute]


BASELINE: dict[str, tuple[Callable[[Town], bytes], str | None]] = {
    "as it must be": (lambda t: t.sign(t.book, at=None), "B-B"),
    "resigned by this test": (lambda t: _signed_with(t, lambda attributes: attributes), "B-B"),
    "adbe.pkcs7.detached": (lambda t: t.sign(t.book, at=None, subfilter="/adbe.pkcs7.detached"), None),
    "signing time in the container": (
        lambda t: _signed_with(t, _attribute("signing_time", cms.Time({"utc_time": core.UTCTime(NOW)}))), None
    ),
    "no signing certificate bound": (lambda t: _signed_with(t, _without("signing_certificate_v2")), None),
    "bound by version 1, SHA-1": (lambda t: _signed_with(t, _bound(t, 1, "sha1")), "B-B"),
    "bound by version 2, SHA-384": (lambda t: _signed_with(t, _bound(t, 2, "sha384")), "B-B"),
    "bound by version 2, SHA-1": (lambda t: _signed_with(t, _bound(t, 2, "sha1")), None),
    "/Cert in the dictionary": (lambda t: t.sign(t.book, at=None, entries={"/Cert": b"x"}), None),
    "/Reason": (lambda t: t.sign(t.book, at=None, entries={"/Reason": b"(Phe duyet)"}), "B-B"),
    "no /M": (lambda t: t.sign(t.book, at=None, entries={"/M": None}), None),
    "/M that is no date": (lambda t: t.sign(t.book, at=None, entries={"/M": b"today"}), None),
    "no /Filter": (lambda t: t.sign(t.book, at=None, entries={"/Filter": None}), None),
}  # fmt: skip


@pytest.mark.parametrize("which", BASELINE)
def test_the_rows_of_the_first_level(which: str, town: Town) -> None:
    """The signature is sound each time; what it is worth as a baseline differs."""
    build, level = BASELINE[which]
    report = town.judge(build(town))

    assert report.signature(FIRST).verdict == "TOTAL_PASSED", report.to_json()
    assert report.signature(FIRST).level == level, why(report)


@pytest.mark.parametrize(
    ("change", "sub"),
    [
        (_without("content_type"), "SIG_CRYPTO_FAILURE"),
        (_without("message_digest"), "SIG_CRYPTO_FAILURE"),
        (_attribute("message_digest", core.OctetString(bytes(32))), "FORMAT_FAILURE"),
    ],
    ids=["no content type", "no message digest", "two message digests"],
)
def test_what_the_container_must_hold(
    change: Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]], sub: str, town: Town
) -> None:
    """RFC 5652 5.3: content type and message digest, each once."""
    found = town.judge(_signed_with(town, change)).signature(FIRST)

    assert (found.verdict, found.sub_indication, found.level) == ("TOTAL_FAILED", sub, None)


def test_the_wrong_content_type(town: Town) -> None:
    """It must be id-data, as the container says."""

    def other(attributes: list[cms.CMSAttribute]) -> list[cms.CMSAttribute]:
        return [*_without("content_type")(attributes), cms.CMSAttribute({"type": "content_type", "values": ["tst_info"]})]

    assert town.judge(_signed_with(town, other)).signature(FIRST).verdict == "TOTAL_FAILED"


def test_a_signer_named_by_key(town: Town) -> None:
    """The SignerInfo may name the certificate by its key identifier (RFC 5652 5.3)."""

    def named(info: cms.ContentInfo) -> cms.ContentInfo:
        key_id = town.person.loaded.key_id
        info["content"]["signer_infos"][0]["sid"] = cms.SignerIdentifier({"subject_key_identifier": key_id})
        return info

    assert town.level(town.sign(town.book, at=None, rebuild=named)) == "B-B"


def test_unsigned_attributes_are_nobodys_word(town: Town) -> None:
    """A countersignature or anything else beside the signature changes nothing."""

    def more(info: cms.ContentInfo) -> cms.ContentInfo:
        signer = info["content"]["signer_infos"][0]
        strange = cms.CMSAttribute({"type": "1.3.6.1.4.1.32473.9", "values": [core.Any(core.Integer(7))]})
        signer["unsigned_attrs"] = cms.CMSAttributes([*signer["unsigned_attrs"], strange])
        return info

    assert town.level(town.sign(town.book, rebuild=more)) == "B-T"


# B-T.


def test_a_document_timestamp_is_a_timestamp(town: Town) -> None:
    """Over a signature without one of its own (6.3: signature timestamp or document timestamp)."""
    content = town.archive(town.sign(town.book, at=None), NOW)

    assert town.level(content) == "B-T"
    assert town.judge(content).signature(FIRST).best_time == NOW


def test_an_untrusted_authority_lifts_nothing(town: Town) -> None:
    """A token of a stranger proves no time, even when it is sound."""
    stranger = make(AUTHORITY_OF_TIME, make(authority("Stamping CA", key_name="stranger")))

    assert replace(town, tsa=stranger).level(replace(town, tsa=stranger).sign(town.book)) == "B-B"


def test_the_best_of_several_timestamps_counts(town: Town) -> None:
    """A broken one beside a good one, and the earlier of two good ones."""

    def second(info: cms.ContentInfo) -> cms.ContentInfo:
        signer = info["content"]["signer_infos"][0]
        value = signer["signature"].native
        tokens = [town.stamp(NOW - HOUR)(hashlib.sha256(value).digest()), town.stamp(NOW)(bytes(32))]
        stamps = signer["unsigned_attrs"][0]
        stamps["values"] = [*stamps["values"], *(cms.ContentInfo.load(each) for each in tokens)]
        return info

    found = town.judge(town.sign(town.book, rebuild=second, reserve=20_000)).signature(FIRST)

    assert (found.level, found.best_time) == ("B-T", NOW - HOUR)
    assert "TIMESTAMP_BROKEN" in {each.code for each in found.findings}


@pytest.mark.parametrize(
    "moment",
    [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)],
    ids=["the first day", "the last day"],
)
def test_a_moment_at_the_end_of_the_calendar(moment: datetime, town: Town) -> None:
    """Nothing is added to a time that might leave it; the roots do not count then."""
    report = town.judge(town.archive(town.store(town.sign(town.book))), moment)

    assert report.signature(FIRST).verdict == "INDETERMINATE"
    assert str(report.signature(FIRST).sub_indication).startswith("NO_CERTIFICATE_CHAIN_FOUND")


# B-LT.


def test_a_level_needs_word_on_everybody(town: Town) -> None:
    """Signer, authorities, and the timestamp authority with its own: one missing, and it stays B-T."""
    stamped = town.sign(town.book)
    ocsps, lists = town.word()
    named = {
        "Person": ([], lists),
        "Issuing": (ocsps, [each for each in lists if each != lists[0]]),
        "TSA": (ocsps, lists[:1]),
    }

    for missing, word in named.items():
        report = town.judge(town.store(stamped, word))
        assert report.signature(FIRST).level == "B-T"
        assert f"B-LT: {missing}" in why(report)


def test_a_level_needs_every_certificate(town: Town) -> None:
    """An authority that only the bundle brings is not in the file: whoever judges it later may not have it."""
    assert isinstance(town.person.key, ec.EllipticCurvePrivateKey)
    alone = Identity(key=town.person.key, certificate=town.person.der, chain=())
    stamped = put_signature(town.book, FIRST, alone, Style(at=NOW, timestamp=town.stamp(NOW)))
    trust = replace(Trust.of_certificates([town.root.der]), intermediates=(town.issuing.der,))
    bare, whole = town.store(stamped), town.store(stamped, certificates=[town.issuing.der])

    assert verify(bare, trust, at=NOW + DAY).signature(FIRST).level == "B-T"
    assert "B-LT: Issuing" in why(verify(bare, trust, at=NOW + DAY))
    assert verify(whole, trust, at=NOW + DAY).signature(FIRST).level == "B-LT"


def test_word_from_before_the_timestamp_is_no_long_term_word(town: Town) -> None:
    """It does not show that the certificate was good when it was used (102-1 5.2.5)."""
    stamped = town.sign(town.book)
    report = town.judge(town.store(stamped, town.word(NOW - HOUR)))

    assert report.signature(FIRST).level == "B-T"
    assert "EVIDENCE_OLDER_THAN_TIMESTAMP" in {each.code for each in report.signature(FIRST).findings}


def test_word_that_was_brought_along_is_not_in_the_file(town: Town) -> None:
    """What the caller fetched answers for today; the level is what the file holds."""
    ocsps, lists = town.word()
    report = town.judge(town.sign(town.book), ocsp_answers=tuple(ocsps), revocation_lists=tuple(lists))

    assert report.signature(FIRST).revocation["status"] == "good"
    assert report.signature(FIRST).level == "B-T"


def test_a_second_signature_changes_no_level(town: Town) -> None:
    """The first stays B-LT; the second has a timestamp and no word: B-T."""
    both = town.sign(town.store(town.sign(town.book)), SECOND, at=NOW + HOUR, by=town.other)

    assert (town.level(both), town.level(both, SECOND)) == ("B-LT", "B-T")


def test_a_second_signature_that_is_archived_archives_the_first(town: Town) -> None:
    """A document timestamp covers everything before it."""
    second = town.sign(town.store(town.sign(town.book)), SECOND, at=NOW + HOUR, by=town.other)
    ocsps, lists = town.word()
    more, _ = town.word(NOW + 2 * HOUR, by=town.other)
    archived = town.archive(town.store(second, ([*ocsps, *more], lists)), NOW + 3 * HOUR)

    assert (town.level(archived), town.level(archived, SECOND)) == ("B-LTA", "B-LTA")


# B-LTA.


def test_an_archive_without_word_archives_nothing(town: Town) -> None:
    """The timestamp authority's word is missing: B-T, whatever covers it."""
    ocsps, lists = town.word()

    assert town.level(town.archive(town.store(town.sign(town.book), (ocsps, lists[:1])))) == "B-T"


def test_word_that_came_after_the_archive_timestamp(town: Town) -> None:
    """It is there, and nothing covers it: B-LT."""
    ocsps, lists = town.word()
    archived = town.archive(town.store(town.sign(town.book), (ocsps, lists[:1])))

    assert town.level(town.store(archived, (ocsps, lists))) == "B-LT"


def test_newer_word_takes_no_archive_away(town: Town) -> None:
    """What was covered stays covered when somebody adds fresher word, by which the chain is then judged."""
    ocsps, lists = town.word()
    archived = town.archive(town.store(town.sign(town.book), (ocsps, lists)))
    fresh, more = town.word(NOW + 5 * HOUR)

    assert town.level(town.store(archived, ([*ocsps, *fresh], [*lists, *more]))) == "B-LTA"


def test_several_archive_timestamps(town: Town) -> None:
    """Renewed, with and without new word between."""
    archived = town.archive(town.store(town.sign(town.book)))
    once = town.archive(archived, NOW + 5 * HOUR, SECOND)
    ocsps, lists = town.word()
    fresh, more = town.word(NOW + 6 * HOUR)
    twice = town.archive(town.store(once, ([*ocsps, *fresh], [*lists, *more])), NOW + 7 * HOUR, "clerk_seals")

    assert town.level(once) == "B-LTA"
    assert town.level(twice) == "B-LTA"


def test_required_word_over_the_whole_file(town: Town) -> None:
    """A policy that requires word passes an archive whose everybody is answered for."""
    archived = town.archive(town.store(town.sign(town.book)))
    bare = town.sign(town.book)

    assert town.judge(archived, revocation=Revocation.REQUIRED).verdict == "TOTAL_PASSED"
    assert town.judge(bare, revocation=Revocation.REQUIRED).signature(FIRST).sub_indication == "TRY_LATER"


def test_a_revoked_signer_in_an_archive(town: Town) -> None:
    """Revoked after the timestamp: nothing is lost. Before it: it failed."""
    stamped = town.sign(town.book)
    _, lists = town.word()
    for since, expected in ((NOW + HOUR / 2, ("TOTAL_PASSED", None)), (NOW - HOUR, ("TOTAL_FAILED", "REVOKED"))):
        word = [crl(town.issuing, entry(town.person, since=since), issued=NOW + HOUR, until=NOW + 30 * DAY), *lists]
        found = town.judge(town.archive(town.store(stamped, ([], word)))).signature(FIRST)
        assert (found.verdict, found.sub_indication) == expected


def test_an_ended_authority_of_time_under_a_newer_timestamp(town: Town) -> None:
    """The first authority's certificate is over; a document timestamp of another proves its token from its life."""
    short = replace(town, tsa=make(AUTHORITY_OF_TIME.but(common="Short TSA", ends=NOW + 10 * DAY), town.stamping))
    content = short.store(short.sign(town.book))
    later = NOW + 100 * DAY

    assert town.level(town.archive(content), at=later) == "B-LTA"
    found = town.judge(content, later).signature(FIRST)
    assert (found.level, found.best_time) == ("B-B", None)


# Content timestamps: what is proved to be no older.


def _with_content_timestamp(town: Town, at: datetime, *, stamped: datetime | None, by: Party) -> bytes:
    """A signature that signs a timestamp over the document."""
    who = replace(town, person=by)
    content = town.sign(town.book, at=stamped, by=by, reserve=20_000)

    def stamp(attributes: list[cms.CMSAttribute]) -> list[cms.CMSAttribute]:
        digest = next(each["values"][0].native for each in attributes if each["type"].native == "message_digest")
        # By its bytes: whether the type of the value is known depends on who has imported pyHanko before.
        stamped_before = sequence(oid("1.2.840.113549.1.9.16.2.20"), der_value(0x31, town.stamp(at)(digest)))
        return [*attributes, cms.CMSAttribute.load(stamped_before)]

    def again(der: bytes) -> bytes:
        info = cms.ContentInfo.load(_resigned(who, der, stamp))
        if stamped is not None:
            signer = info["content"]["signer_infos"][0]
            token = town.stamp(stamped)(hashlib.sha256(signer["signature"].native).digest())
            attribute = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token)]})
            signer["unsigned_attrs"] = cms.CMSAttributes([attribute])
        return bytes(info.dump())

    return replace_contents(content, again)


def test_a_content_timestamp_proves_that_it_was_too_late(town: Town) -> None:
    """Made after the end, or after the revocation, for certain: EXPIRED and REVOKED (102-1 5.3.4)."""
    ended = make(Plan(common="Ended", ends=NOW - DAY), town.issuing)
    late = town.judge(_with_content_timestamp(town, NOW, stamped=None, by=ended)).signature(FIRST)
    _, lists = town.word()
    word = [crl(town.issuing, entry(town.other, since=NOW - HOUR), issued=NOW + HOUR, until=NOW + 30 * DAY), *lists]
    revoked = town.store(_with_content_timestamp(town, NOW, stamped=None, by=town.other), ([], word))
    found = town.judge(revoked).signature(FIRST)

    assert (late.verdict, late.sub_indication) == ("TOTAL_FAILED", "EXPIRED")
    assert (found.verdict, found.sub_indication) == ("TOTAL_FAILED", "REVOKED")


def test_a_content_timestamp_stands_before_the_signatures_own(town: Town) -> None:
    """In order it is nothing to speak of; later than the signature's timestamp it is impossible."""
    good = town.judge(_with_content_timestamp(town, NOW - HOUR, stamped=NOW, by=town.person)).signature(FIRST)
    odd = town.judge(_with_content_timestamp(town, NOW + HOUR, stamped=NOW, by=town.person)).signature(FIRST)

    assert (good.verdict, good.level) == ("TOTAL_PASSED", "B-T")
    assert (odd.verdict, odd.sub_indication) == ("INDETERMINATE", "TIMESTAMP_ORDER_FAILURE")


@given(flips=st.lists(st.tuples(st.integers(0, 4_000), st.integers(1, 255)), min_size=1, max_size=3), cut=st.integers(0, 300))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_mutation_of_a_container_is_a_surprise(flips: list[tuple[int, int]], cut: int, town: Town) -> None:
    """A malformed container is named so: it never ends in an exception that somebody had to catch, and never is passed over."""
    stamped = town.sign(town.book)

    def mutate(der: bytes) -> bytes:
        changed = bytearray(der)
        for place, value in flips:
            changed[place % len(changed)] ^= value
        return bytes(changed) + bytes(cut)

    report = town.judge(replace_contents(stamped, mutate))

    assert "CHECK_FAILED" not in {each.code for each in report.signature(FIRST).findings}
    assert report.verdict != "UNREADABLE"


# Attached files: as old as what covers their bytes.


def _attach(content: bytes, attached: bytes) -> bytes:
    update = Update(content)
    file = update.stream(attached, Type=Name("/EmbeddedFile"))
    spec = update.add({"/Type": Name("/Filespec"), "/F": b"sheet.pdf", "/UF": b"sheet.pdf", "/EF": {"/F": Ref(file, 0)}})
    update.change(update.catalog, Names={"/EmbeddedFiles": {"/Names": [b"sheet.pdf", Ref(spec, 0)]}})
    return update.bytes()


def test_an_attachment_is_as_old_as_its_binding(town: Town) -> None:
    """A sheet whose signer's certificate ended since: bound in time it stands, attached afterwards it does not."""
    signer = make(Plan(common="Ended", ends=NOW + 10 * DAY), town.issuing)
    sheet = town.sign(town.book, at=None, by=signer)
    before = town.sign(_attach(town.book, sheet))
    after = _attach(town.sign(town.book), sheet)
    later = NOW + 100 * DAY
    first, second = (town.judge(each, later).attachments[0].report for each in (before, after))

    assert first is not None
    assert second is not None
    assert (first.verdict, first.checked_at) == ("TOTAL_PASSED", NOW)
    assert (second.signatures[0].sub_indication, second.checked_at) == ("OUT_OF_BOUNDS_NO_POE", later)
