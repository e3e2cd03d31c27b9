"""What is wrong with the certificate, the container or the time, each with the name that EN 319 102-1 gives it."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, core
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from signing import DemoAuthority, Report, Trust, verify
from signing.demo import Issued
from signing.demo.certificates import Identity as AuthorityIdentity
from signing.demo.certificates import Profile, certify, new_key
from signing.demo.certificates import name as subject
from signing.trust import Revocation, TimestampUsage
from signing.verification.signed_data import read_signed_data
from signing.verification.syntax import Ref
from signing.verification.timestamps import judge_fresh_token
from tests.signing.pki import Plan, authority, make
from tests.signing.updates import (
    Identity,
    Style,
    Update,
    identity,
    put_signature,
    put_timestamp,
    ranges_of,
    replace_contents,
    token_signer,
)

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
FIELD = "principal_signs"


@dataclass
class Office:
    """An authority with a clock of its own."""

    authority: DemoAuthority
    trust: Trust
    book: bytes
    time: datetime

    def at(self, moment: datetime) -> "Office":
        """Set the clock."""
        self.time = moment
        return self

    def person(self, **more: object) -> Issued:
        """A person with a certificate."""
        return self.authority.issue("Trần Văn Bình", "CCCD:031084000009", **more)  # type: ignore[arg-type]

    def sign(self, issued: Issued, *, stamped: bool = True, **style: object) -> bytes:
        """The book signed by a person."""
        made = Style(timestamp=self.authority.timestamp if stamped else None, at=self.time, **style)  # type: ignore[arg-type]
        return put_signature(self.book, FIELD, identity(issued), made)

    def with_store(self, content: bytes, chains: list[tuple[bytes, ...]]) -> bytes:
        """The file with a DSS that holds the authority's present word on these chains."""
        update = Update(content)
        ocsps: list[object] = []
        lists: list[object] = []
        for chain in chains:
            told = self.authority.for_chain(chain)
            ocsps += [Ref(update.stream(der), 0) for der in told.ocsps]
            lists += [Ref(update.stream(der), 0) for der in told.crls]
        certs = [Ref(update.stream(der), 0) for chain in chains for der in chain]
        dss = update.add({"/Certs": certs, "/OCSPs": ocsps, "/CRLs": lists})
        update.change(update.catalog, DSS=Ref(dss, 0))
        return update.bytes()

    def long_term(self, content: bytes, issued: Issued) -> bytes:
        """The file with the word on the signer and on the timestamp authority."""
        chain = (issued.certificate, *issued.chain)
        return self.with_store(content, [chain, (self.authority.tsa, *self.authority.chain)])

    def judge(self, content: bytes, at: datetime | None = None) -> Report:
        """The report at the clock's time."""
        return verify(content, self.trust, at=at or self.time)


@pytest.fixture
def office(tmp_path: Path, book_pdf: bytes) -> Office:
    made: list[Office] = []
    authority = DemoAuthority(tmp_path, clock=lambda: made[0].time if made else NOW, key="rsa2048")
    made.append(Office(authority=authority, trust=Trust.load(authority.trust_pem()), book=book_pdf, time=NOW))
    return made[0]


def only(report: Report) -> tuple[str, str | None, str | None]:
    """Verdict, sub-indication and level of the first signature."""
    first = report.signatures[0]
    return first.verdict, first.sub_indication, first.level


def codes(report: Report) -> set[str]:
    return {each.code for signature in report.signatures for each in signature.findings}


def test_the_levels_are_named(office: Office) -> None:
    """B-B, B-T, B-LT and B-LTA by what is there and valid."""
    person = office.person()
    plain = office.sign(person, stamped=False)
    stamped = office.sign(person)
    long_term = office.long_term(stamped, person)
    archived = put_timestamp(long_term, "archive_timestamp", office.authority.timestamp)

    assert only(office.judge(plain)) == ("TOTAL_PASSED", None, "B-B")
    assert only(office.judge(stamped)) == ("TOTAL_PASSED", None, "B-T")
    assert only(office.judge(long_term)) == ("TOTAL_PASSED", None, "B-LT")
    assert only(office.judge(archived)) == ("TOTAL_PASSED", None, "B-LTA")


def test_the_wrong_subfilter_is_no_baseline(office: Office) -> None:
    """A valid signature in Adobe's older form passes, without a PAdES level."""
    content = office.sign(office.person(), subfilter="/adbe.pkcs7.detached")

    assert only(office.judge(content)) == ("TOTAL_PASSED", None, None)


def test_old_revocation_data_are_no_long_term_data(office: Office) -> None:
    """What the issuer said a day before the signature does not show that the key was good when it signed."""
    person = office.person()
    office.at(NOW - timedelta(days=1))
    old = office.authority.for_chain((person.certificate, *person.chain))
    office.at(NOW)
    content = office.sign(person)
    update = Update(content)
    tsa = office.authority.for_chain((office.authority.tsa, *office.authority.chain))
    ocsps = [Ref(update.stream(der), 0) for der in (*old.ocsps, *tsa.ocsps)]
    lists = [Ref(update.stream(der), 0) for der in tsa.crls]
    update.change(update.catalog, DSS={"/OCSPs": ocsps, "/CRLs": lists})
    report = office.judge(update.bytes())

    assert only(report) == ("TOTAL_PASSED", None, "B-T")
    assert "EVIDENCE_OLDER_THAN_TIMESTAMP" in codes(report)


def test_an_archived_signature_outlives_its_certificate(office: Office) -> None:
    """B-LTA passes when the signer's certificate is long expired; B-B and B-T do not."""
    person = office.person(not_before=NOW - timedelta(days=300), not_after=NOW + timedelta(days=30))
    stamped = office.sign(person)
    archived = put_timestamp(office.long_term(stamped, person), "archive_timestamp", office.authority.timestamp)
    later = NOW + timedelta(days=400)

    assert only(office.judge(archived, later)) == ("TOTAL_PASSED", None, "B-LTA")
    assert only(office.judge(office.sign(person, stamped=False), later))[:2] == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")
    assert only(office.judge(stamped, later))[:2] == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")


def test_signing_with_an_expired_certificate_is_found_out(office: Office) -> None:
    """A timestamp after the end of the certificate, and the signer's own clock agreeing, leave no doubt."""
    person = office.person(not_before=NOW - timedelta(days=300), not_after=NOW - timedelta(days=3))

    assert only(office.judge(office.sign(person), NOW + timedelta(hours=1)))[:2] == ("TOTAL_FAILED", "EXPIRED")
    assert only(office.judge(office.sign(person, stamped=False)))[:2] == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")


def test_a_certificate_that_is_not_yet_valid(office: Office) -> None:
    """Whoever signs before their certificate begins did not sign with it in force."""
    person = office.person(not_before=NOW + timedelta(days=3), not_after=NOW + timedelta(days=300))

    assert only(office.judge(office.sign(person)))[:2] == ("TOTAL_FAILED", "NOT_YET_VALID")


def test_revoked_before_signing(office: Office) -> None:
    """With a timestamp after the revocation it failed for certain; without one nobody can say."""
    person = office.person()
    office.authority.revoke(person, at=NOW - timedelta(days=2))
    stamped = office.long_term(office.sign(person), person)
    plain = office.long_term(office.sign(person, stamped=False), person)
    later = NOW + timedelta(hours=1)

    assert only(office.judge(stamped, later))[:2] == ("TOTAL_FAILED", "REVOKED")
    assert only(office.judge(plain, later))[:2] == ("INDETERMINATE", "REVOKED_NO_POE")


def test_revoked_after_signing(office: Office) -> None:
    """The timestamp is older than the revocation: the signature stands; without it, it might be younger."""
    person = office.person()
    stamped, plain = office.sign(person), office.sign(person, stamped=False)
    office.at(NOW + timedelta(days=2))
    office.authority.revoke(person, at=NOW + timedelta(days=1))

    assert only(office.judge(office.long_term(stamped, person)))[:2] == ("TOTAL_PASSED", None)
    assert only(office.judge(office.long_term(plain, person)))[:2] == ("INDETERMINATE", "REVOKED_NO_POE")


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"usages": ("key_encipherment",)}, "WRONG_KEY_USAGE"),
        ({"extended": ("server_auth",)}, "WRONG_EXTENDED_KEY_USAGE"),
    ],
)
def test_a_certificate_for_another_purpose(office: Office, more: dict[str, object], code: str) -> None:
    """Only certificates that were issued for signing count."""
    report = office.judge(office.sign(office.person(**more)))

    assert only(report)[:2] == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")
    assert code in codes(report)


def test_digital_signature_or_non_repudiation_is_enough(office: Office) -> None:
    """Real certificates have one, the other, or both; and many have no extended usage at all."""
    for usages in (("digital_signature",), ("content_commitment",)):
        assert only(office.judge(office.sign(office.person(usages=usages, extended=()))))[0] == "TOTAL_PASSED"


@pytest.mark.parametrize("weak", ["rsa1024", "sha1", "md5", "sha1 certificate"])
def test_weak_algorithms(office: Office, weak: str) -> None:
    """What a table with dates forbids proves nothing today."""
    if weak == "rsa1024":
        content = office.sign(office.person(key="rsa1024"))
    elif weak == "sha1 certificate":
        content = office.sign(office.person(digest="sha1"))
    else:
        content = office.sign(office.person(), digest=weak)
    report = office.judge(content)

    assert report.signatures[0].verdict == "INDETERMINATE"
    assert str(report.signatures[0].sub_indication).startswith("CRYPTO_CONSTRAINTS_FAILURE")
    assert "WEAK_ALGORITHM" in codes(report)


def test_a_look_alike_authority(office: Office, tmp_path: Path) -> None:
    """The same names and another key are not the authority."""
    copy = DemoAuthority(tmp_path / "copy", clock=lambda: NOW, key="rsa2048")
    person = copy.issue("Trần Văn Bình", "CCCD:031084000009")
    report = office.judge(office.sign(person, stamped=False))

    assert only(report)[:2] == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")


def _constrained(office: Office, organisation: str) -> bytes:
    """The book signed under a CA that may only certify one school, for somebody of `organisation`."""
    root, keys = office.authority._root, [new_key("rsa2048") for _ in range(2)]
    allowed = x509.DirectoryName(x509.Name(_of("Trường A")))
    begins, ends = NOW - timedelta(days=9), NOW + timedelta(days=900)
    builder = (
        x509.CertificateBuilder().subject_name(x509.Name(_of("Trường A CA"))).issuer_name(root.certificate.subject)
        .public_key(keys[0].public_key()).serial_number(77).not_valid_before(begins).not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.NameConstraints([allowed], None), critical=True)
    )  # fmt: skip
    ca = builder.sign(root.key, hashes.SHA256())
    person = certify(
        keys[1], x509.Name([*_of(organisation), x509.NameAttribute(x509.NameOID.COMMON_NAME, "Bình")]),
        Profile(usages=("digital_signature",)), issuer=AuthorityIdentity(key=keys[0], certificate=ca),
        not_before=begins, not_after=ends,
    )  # fmt: skip
    der = serialization.Encoding.DER
    signer = Identity(key=keys[1], certificate=person.public_bytes(der), chain=(ca.public_bytes(der),))
    return put_signature(office.book, FIELD, signer, Style(at=NOW))


def _of(organisation: str) -> list[x509.NameAttribute[str]]:
    country = x509.NameAttribute(x509.NameOID.COUNTRY_NAME, "VN")
    return [country, x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organisation)]


def test_a_constrained_authority_certifies_only_its_own(office: Office) -> None:
    """A CA that may speak for one school does not make signers of another (RFC 5280 4.2.1.10)."""
    assert only(office.judge(_constrained(office, "Trường A")))[:2] == ("TOTAL_PASSED", None)
    assert only(office.judge(_constrained(office, "Trường B")))[:2] == ("INDETERMINATE", "CHAIN_CONSTRAINTS_FAILURE")


def test_nobody_is_trusted_without_a_bundle(office: Office) -> None:
    """An empty bundle never means the system's TLS roots."""
    report = verify(office.sign(office.person()), Trust(version="none", roots=()), at=NOW)

    assert only(report) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND", "B-B")


def test_an_answer_about_somebody_else(office: Office) -> None:
    """An OCSP answer with another serial number written into it is no answer."""
    person, other = office.person(), office.authority.issue("Lê Thị Cúc", "CCCD:031084000010")
    office.authority.revoke(person, at=NOW - timedelta(days=2))
    serial, wanted = (
        x509.load_der_x509_certificate(each.certificate).serial_number.to_bytes(20, "big") for each in (other, person)
    )
    forged = office.authority.ocsp(int.from_bytes(serial, "big")).replace(serial, wanted)
    update = Update(office.sign(person))
    update.change(update.catalog, DSS={"/OCSPs": [Ref(update.stream(forged), 0)]})
    report = office.judge(update.bytes())

    assert report.signatures[0].revocation["status"] == "unknown"
    assert only(report)[2] == "B-T"


def _tsa(office: Office, extended: tuple[str, ...]) -> Callable[[bytes], bytes]:
    issuing = office.authority._issuing
    key = new_key("rsa2048")
    assert isinstance(key, rsa.RSAPrivateKey)
    profile = Profile(usages=("digital_signature",), extended=extended)
    certificate = certify(
        key, subject("TSA"), profile, issuer=issuing, not_before=NOW - timedelta(days=9), not_after=NOW + timedelta(days=900)
    )
    der = certificate.public_bytes(serialization.Encoding.DER)
    return token_signer(key, der, office.authority.chain, NOW)


def test_a_timestamp_of_somebody_who_is_no_authority(office: Office) -> None:
    """Without the purpose timeStamping the token proves nothing: B-B, and no proved time."""
    person = identity(office.person())
    good = put_signature(office.book, FIELD, person, Style(timestamp=_tsa(office, ("time_stamping",)), at=NOW))
    bad = put_signature(office.book, FIELD, person, Style(timestamp=_tsa(office, ("email_protection",)), at=NOW))

    assert only(office.judge(good)) == ("TOTAL_PASSED", None, "B-T"), str(office.judge(good).signatures[0].findings)
    report = office.judge(bad)
    assert only(report)[2] == "B-B"
    assert report.signatures[0].best_time is None
    assert "TIMESTAMP_NOT_TRUSTED" in codes(report)


def test_a_timestamp_of_another_signature(office: Office) -> None:
    """A token copied from elsewhere proves other data."""
    foreign = office.authority.timestamp(hashlib.sha256(b"something else").digest())
    content = put_signature(office.book, FIELD, identity(office.person()), Style(timestamp=lambda _: foreign, at=NOW))
    report = office.judge(content)

    assert only(report)[2] == "B-B"
    assert "TIMESTAMP_BROKEN" in codes(report)


def test_a_timestamp_from_the_future(office: Office) -> None:
    """A token that is younger than now is wrong about the time."""
    content = office.sign(office.person())
    report = office.judge(content, NOW - timedelta(days=1))

    assert only(report)[2] == "B-B"


def test_a_bit_under_a_document_timestamp(office: Office) -> None:
    """When the store was touched the timestamp fails, and the signature is not archived."""
    person = office.person()
    archived = put_timestamp(office.long_term(office.sign(person), person), "archive_timestamp", office.authority.timestamp)
    place = archived.index(b"stream\n", ranges_of(archived)[0][2]) + 700
    report = office.judge(archived[:place] + bytes((archived[place] ^ 1,)) + archived[place + 1 :])
    stamp = report.signature("archive_timestamp")

    assert (stamp.verdict, stamp.sub_indication) == ("TOTAL_FAILED", "HASH_FAILURE")
    assert report.signature(FIELD).level != "B-LTA"
    assert report.verdict == "TOTAL_FAILED"


def test_a_timestamp_stored_as_signature(office: Office) -> None:
    """The subfilter decides, not the type: old programs wrote /Sig."""
    style = Style(subfilter="/ETSI.RFC3161", type="/Sig", at=NOW)
    content = put_timestamp(office.sign(office.person()), "archive_timestamp", office.authority.timestamp, style)
    stamp = office.judge(content).signature("archive_timestamp")

    assert (stamp.kind, stamp.verdict) == ("doc_timestamp", "TOTAL_PASSED")
    assert "TYPE_NOT_TIMESTAMP" in {each.code for each in stamp.findings}


def _rebuilt(change: Callable[[cms.SignedData], None]) -> Callable[[bytes], bytes]:
    def make(der: bytes) -> bytes:
        info = cms.ContentInfo.load(der)
        change(info["content"])
        return bytes(info.dump())

    return make


def _drop_certificate(signed: cms.SignedData) -> None:
    serial = signed["signer_infos"][0]["sid"].chosen["serial_number"].native
    kept = [each for each in signed["certificates"] if each.chosen.serial_number != serial]
    signed["certificates"] = cms.CertificateSet(kept)


def _second_signer(signed: cms.SignedData) -> None:
    signed["signer_infos"] = cms.SignerInfos([signed["signer_infos"][0], signed["signer_infos"][0]])


def _own_content(signed: cms.SignedData) -> None:
    signed["encap_content_info"] = cms.ContentInfo({"content_type": "data", "content": core.OctetString(b"x")})


def _other_digest(signed: cms.SignedData) -> None:
    signed["signer_infos"][0]["digest_algorithm"] = {"algorithm": "sha512"}


def _flip(signed: cms.SignedData) -> None:
    value = signed["signer_infos"][0]["signature"].native
    signed["signer_infos"][0]["signature"] = bytes((value[0] ^ 1,)) + value[1:]


def _drop_attribute(signed: cms.SignedData) -> None:
    attributes = signed["signer_infos"][0]["signed_attrs"]
    kept = [each for each in attributes if each["type"].native != "signing_certificate_v2"]
    signed["signer_infos"][0]["signed_attrs"] = cms.CMSAttributes(kept)


CONTAINERS: Mapping[str, tuple[Callable[[cms.SignedData], None], tuple[str, str]]] = {
    "no certificate": (_drop_certificate, ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND")),
    "two signers": (_second_signer, ("TOTAL_FAILED", "FORMAT_FAILURE")),
    "content of its own": (_own_content, ("TOTAL_FAILED", "FORMAT_FAILURE")),
    "another digest": (_other_digest, ("TOTAL_FAILED", "FORMAT_FAILURE")),
    "signature value": (_flip, ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE")),
    "attribute removed": (_drop_attribute, ("TOTAL_FAILED", "SIG_CRYPTO_FAILURE")),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_that_was_tampered_with(office: Office, name: str) -> None:
    """The container is checked part by part."""
    change, expected = CONTAINERS[name]
    content = replace_contents(office.sign(office.person(), stamped=False), _rebuilt(change))

    assert only(office.judge(content))[:2] == expected


def test_another_certificate_of_the_same_key(office: Office) -> None:
    """A second certificate for the same key, with the same number, is not the one that was bound."""
    person = identity(office.person())
    old = x509.load_der_x509_certificate(person.certificate)
    issuing: AuthorityIdentity = office.authority._issuing
    twin = certify(
        person.key, subject("Bộ trưởng"), Profile(usages=("digital_signature",)), issuer=issuing,
        not_before=NOW - timedelta(days=9), not_after=NOW + timedelta(days=900), serial=old.serial_number,
    ).public_bytes(serialization.Encoding.DER)  # fmt: skip

    def swap(signed: cms.SignedData) -> None:
        others = [each for each in signed["certificates"] if each.chosen.serial_number != old.serial_number]
        signed["certificates"] = cms.CertificateSet([asn1_x509.Certificate.load(twin), *others])

    content = put_signature(office.book, FIELD, person, Style(timestamp=office.authority.timestamp, at=NOW))
    report = office.judge(replace_contents(content, _rebuilt(swap)))

    assert only(report)[:2] == ("INDETERMINATE", "NO_SIGNING_CERTIFICATE_FOUND")
    assert "SIGNER_CERTIFICATE_MISMATCH" in codes(report)


def test_attributes_in_another_order_are_tolerated_and_said(office: Office) -> None:
    """Some signers sign the DER order and store another (DSS-818)."""
    content = office.sign(office.person(), stamped=False)

    def reorder(der: bytes) -> bytes:
        signed = read_signed_data(der)
        assert signed.signed_attributes is not None
        from signing.verification.der import read

        parts = [each.raw for each in read(signed.signed_attributes).children()]
        return der.replace(b"".join(parts), b"".join(reversed(parts)))

    report = office.judge(replace_contents(content, reorder))

    assert only(report)[0] == "TOTAL_PASSED"
    assert "ATTRIBUTES_NOT_DER" in codes(report)


def test_a_signer_is_not_hidden_by_a_broken_neighbour(office: Office) -> None:
    """One broken field fails alone; the other signature is still judged."""
    update = Update(office.book)
    broken = update.add({"/Type": core_name("/Sig"), "/ByteRange": None, "/Contents": b"\1\2\3"})
    update.change(update.field("clerk_seals"), V=Ref(broken, 0))
    content = put_signature(
        update.bytes(), FIELD, identity(office.person()), Style(timestamp=office.authority.timestamp, at=NOW)
    )
    report = office.judge(content)

    assert report.signature(FIELD).verdict == "TOTAL_PASSED"
    assert report.signature("clerk_seals").verdict == "TOTAL_FAILED"
    assert report.verdict == "TOTAL_FAILED"


def core_name(value: str) -> str:
    from signing.verification.syntax import Name

    return Name(value)


def test_the_renewal_date_is_the_end_of_the_newest_proof(office: Office) -> None:
    """The report says until when the archive timestamp holds."""
    person = office.person()
    archived = put_timestamp(office.long_term(office.sign(person), person), "archive_timestamp", office.authority.timestamp)
    renewal = office.judge(archived).signature(FIELD).renewal_date

    assert renewal is not None
    assert renewal <= x509.load_der_x509_certificate(office.authority.tsa).not_valid_after_utc
    assert only(office.judge(archived, renewal - timedelta(days=1)))[:2] == ("TOTAL_PASSED", None)


def test_identity_is_only_for_tests() -> None:
    """The signer that refuses nothing lives in the tests."""
    assert Identity.__module__.startswith("tests")


def test_junk_in_the_store_hides_no_chain(office: Office) -> None:
    """Anybody may fill the store after signing: what the signature itself brings is looked at first."""
    stranger = make(authority("Stranger"))
    junk = [make(Plan(common=f"Junk {number}", key_name="junk", serial=number + 1), stranger).der for number in range(520)]
    update = Update(office.sign(office.person()))
    update.change(update.catalog, DSS={"/Certs": [Ref(update.stream(der), 0) for der in junk]})

    assert only(office.judge(update.bytes()))[::2] == ("TOTAL_PASSED", "B-T")


def test_junk_in_the_container_hides_no_signer(office: Office) -> None:
    """The set of certificates is not signed: whoever adds to it breaks nothing."""
    stranger = make(authority("Stranger"))
    junk = [make(Plan(common=f"Junk {number}", key_name="junk", serial=number + 1), stranger).der for number in range(70)]

    def stuffed(info: cms.ContentInfo) -> cms.ContentInfo:
        more = [asn1_x509.Certificate.load(der) for der in junk]
        info["content"]["certificates"] = cms.CertificateSet([*more, *info["content"]["certificates"]])
        return info

    content = office.sign(office.person(), rebuild=stuffed, reserve=60_000)
    report = office.judge(content)

    assert only(report)[::2] == ("TOTAL_PASSED", "B-T"), report.to_json()


def test_an_impossible_claim_is_told(office: Office) -> None:
    """The signer's clock decides nothing; where it cannot be right, the report says so."""
    person = office.person()
    late = put_signature(office.book, FIELD, identity(person), Style(at=datetime(2099, 1, 1, tzinfo=UTC)))
    early = put_signature(office.book, FIELD, identity(person), Style(at=datetime(2019, 1, 1, tzinfo=UTC)))

    assert {"CLAIM_IN_FUTURE", "CLAIM_OUTSIDE_CERTIFICATE"} <= codes(office.judge(late))
    assert "CLAIM_OUTSIDE_CERTIFICATE" in codes(office.judge(early))
    assert "CLAIM_IN_FUTURE" not in codes(office.judge(early))


def test_a_token_within_the_clocks_tolerance_proves_the_present(office: Office) -> None:
    """An authority whose clock is four minutes ahead: the signature is proved to exist now."""
    content = office.at(NOW + timedelta(minutes=4)).sign(office.person())
    report = office.judge(content, NOW)

    assert only(report)[::2] == ("TOTAL_PASSED", "B-T")
    assert report.signatures[0].best_time == NOW


def test_an_authority_whose_purpose_is_not_critical(office: Office) -> None:
    """RFC 3161 2.3 wants it critical: said, and refused where the bundle demands it."""
    person = identity(office.person())
    content = put_signature(office.book, FIELD, person, Style(timestamp=_tsa(office, ("time_stamping",)), at=NOW))
    strict = verify(content, replace(office.trust, timestamp_usage=TimestampUsage.CRITICAL), at=NOW)

    assert "TSA_USAGE_NOT_CRITICAL" in codes(office.judge(content))
    assert only(office.judge(content))[2] == "B-T"
    assert only(strict)[2] == "B-B"
    assert "TIMESTAMP_NOT_TRUSTED" in codes(strict)


def test_an_algorithm_that_is_not_known(office: Office) -> None:
    """Not judged is not invalid: what we do not know may be sound."""

    def renamed(der: bytes) -> bytes:
        info = cms.ContentInfo.load(der)
        info["content"]["signer_infos"][0]["signature_algorithm"] = {"algorithm": "2.16.840.1.101.3.4.3.18"}  # ML-DSA-65
        return bytes(info.dump())

    report = office.judge(replace_contents(office.sign(office.person(), stamped=False), renamed))

    assert only(report)[:2] == ("INDETERMINATE", "CRYPTO_CONSTRAINTS_FAILURE")
    assert "UNKNOWN_ALGORITHM" in codes(report)


def test_whoever_signs_can_ask_whether_a_token_will_be_believed(office: Office, tmp_path: Path) -> None:
    """The same judgement before the token is used as after."""
    digest = hashlib.sha256(b"value").digest()
    other = DemoAuthority(tmp_path / "other", clock=lambda: NOW, key="rsa2048")
    required = replace(office.trust, revocation=Revocation.REQUIRED)

    assert judge_fresh_token(office.authority.timestamp(digest), digest, required, now=NOW).passed
    stranger = judge_fresh_token(other.timestamp(digest), digest, office.trust, now=NOW)
    assert (stranger.passed, stranger.sub_indication) == (False, "NO_CERTIFICATE_CHAIN_FOUND")
    assert (
        judge_fresh_token(office.authority.timestamp(digest), bytes(32), office.trust, now=NOW).sub_indication == "HASH_FAILURE"
    )
    assert judge_fresh_token(b"", digest, office.trust, now=NOW).sub_indication == "FORMAT_FAILURE"


@pytest.mark.parametrize(
    ("oid", "value"),
    [
        ("2.5.29.19", "3003010100"),  # basicConstraints with an explicit cA FALSE
        ("2.5.29.19", "3006010100020100"),  # a path length without being an authority
        ("2.5.29.32", "301d301b06032a03043014301206082b0601050507020230061a04c490c3a3"),  # UTF-8 in a VisibleString
        ("2.5.29.17", "ffff"),  # nothing that can be read
        ("1.3.6.1.5.5.7.1.1", "0500"),
    ],
)
def test_an_odd_extension_loses_no_signature(oid: str, value: str, office: Office) -> None:
    """What cannot be read and is not critical is ignored; the key and what it signed are as good as ever."""
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), bytes.fromhex(value))
    root = make(authority("Root"))
    person = make(Plan(common="Person", more=[(odd, False)]), root)
    assert isinstance(person.key, ec.EllipticCurvePrivateKey)
    signer = Identity(key=person.key, certificate=person.der, chain=())
    report = verify(put_signature(office.book, FIELD, signer, Style(at=NOW)), Trust.of_certificates([root.der]), at=NOW)

    assert only(report)[:2] == ("TOTAL_PASSED", None)


def test_an_unreadable_critical_extension_refuses_the_chain() -> None:
    """What must be understood and cannot be read is not understood (RFC 5280 4.2)."""
    odd = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.37"), b"\xff\xff")
    loaded = make(Plan(common="Person", more=[(odd, True)])).loaded

    assert loaded.unknown_critical == ("2.5.29.37",)
