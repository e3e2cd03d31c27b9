"""Archive timestamps on CAdES signatures: made, renewed over decades, judged, and attacked."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.beside import Given, Stamp, weigh
from signing.cades import extend_cades, sign_cades, verify_cades
from signing.cades_archive import (
    ARCHIVE_V3,
    INDEX_V3,
    _covered,
    _Hashed,
    _Index,
    open_container,
    read_archives,
    tokens_of,
    with_kept,
    written,
)
from signing.der import der, octets, oid, sequence
from signing.errors import BadRequest, BrokenResult
from signing.report import Report
from signing.signed_content import SignedContent
from signing.verification.certificates import load_certificate
from signing.verification.der import read
from signing.verification.signed_data import SIGNATURE_TIMESTAMP, digest_of, read_signed_data

DATA = "Sổ gốc cấp bằng tốt nghiệp trung học cơ sở".encode() * 20
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root])


@pytest.fixture(scope="module")
def archived(authority: DemoAuthority) -> bytes:
    """By somebody whose certificate ends in half a year."""
    ana = authority.issue("Ana", "T:half-a-year", key="p256", not_after=NOW + timedelta(days=180))
    return sign_cades(DATA, ana.signer(), level=Level.B_LTA, timestamper=authority, evidence=authority)


def codes(report: Report) -> set[str]:
    return {each.code for each in (*report.findings, *(f for s in report.signatures for f in s.findings))}


def test_an_archived_signature_says_when_it_must_be_renewed(archived: bytes, trust: Trust) -> None:
    """The date is the end of the newest timestamp's proof, not that of the signer's certificate."""
    signature = verify_cades(DATA, archived, trust).signatures[0]

    assert (signature.verdict, signature.level, signature.findings) == (Verdict.TOTAL_PASSED, Level.B_LTA, ())
    assert signature.renewal_date is not None
    assert signature.renewal_date > NOW + timedelta(days=365)


def test_it_passes_when_the_signer_s_certificate_has_ended(archived: bytes, trust: Trust) -> None:
    """A year on nobody has to be asked; after the day on which it had to be renewed nothing is proved any more."""
    signature = verify_cades(DATA, archived, trust, at=NOW + timedelta(days=365)).signatures[0]
    assert signature.renewal_date is not None
    too_late = verify_cades(DATA, archived, trust, at=signature.renewal_date + timedelta(days=1))

    assert (signature.verdict, signature.level) == (Verdict.TOTAL_PASSED, Level.B_LTA)
    assert too_late.verdict is Verdict.INDETERMINATE


def test_renewal_carries_it_past_the_end_of_its_authority(tmp_path: Path) -> None:
    """Stamped in 2019 by an authority that ends in 2027, renewed in 2024 by another: only so is its time proved in 2028."""
    begun, renewal = datetime(2019, 5, 20, tzinfo=UTC), datetime(2024, 5, 20, tzinfo=UTC)
    old, newer = DemoAuthority(tmp_path / "old", clock=lambda: begun), DemoAuthority(tmp_path / "new", clock=lambda: renewal)
    ana = old.issue("Ana", "T:ana", key="p256", not_before=datetime(2018, 1, 1, tzinfo=UTC), not_after=NOW.replace(year=2029))
    both = Trust.of_certificates([old.root, newer.root])
    first = sign_cades(DATA, ana.signer(), level=Level.B_LTA, timestamper=old, evidence=old, at=begun)
    old.clock = lambda: renewal  # asked again about its own timestamp authority
    renewed = extend_cades(DATA, first, timestamper=newer, evidence=old, trust=both, at=renewal)
    then = datetime(2028, 5, 20, tzinfo=UTC)
    report = verify_cades(DATA, renewed, both, at=then)

    assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, Level.B_LTA)
    assert report.signatures[0].best_time == begun
    for signature, trust in ((first, both), (renewed, Trust.of_certificates([old.root]))):
        unproved = verify_cades(DATA, signature, trust, at=then).signatures[0]
        assert (unproved.level, unproved.best_time) == (Level.B_B, None)


@pytest.mark.parametrize("level", [Level.B_B, Level.B_T, Level.B_LT])
def test_an_earlier_level_is_extended(
    level: Level, authority: DemoAuthority, people: Mapping[str, Issued], trust: Trust
) -> None:
    """Signed years ago at a lower level: what is lacking is fetched, then all is stamped."""
    signature = sign_cades(DATA, people["curve"].signer(), level=level, timestamper=authority, evidence=authority)
    extended = extend_cades(DATA, signature, timestamper=authority, evidence=authority, trust=trust)

    assert verify_cades(DATA, extended, trust).signatures[0].level is Level.B_LTA
    with pytest.raises(BadRequest):
        extend_cades(DATA + b"x", signature, timestamper=authority, evidence=authority, trust=trust)


def test_what_was_put_in_later_breaks_nothing(archived: bytes, people: Mapping[str, Issued], trust: Trust) -> None:
    """Another certificate in the container stands outside the index: the proof holds."""
    more = with_kept(archived, [people["curve"].certificate], [])

    assert verify_cades(DATA, more, trust).signatures[0].level is Level.B_LTA


def test_what_was_taken_out_is_noticed(archived: bytes, trust: Trust) -> None:
    """A revocation value or the signature timestamp that the index names is gone: the archive timestamp proves nothing."""
    opened = open_container(archived)
    without_list = _without(opened.lists[0], archived)
    only_archive = written(opened, unsigned=[each.raw for each in opened.unsigned if each.children()[0].oid() == ARCHIVE_V3])
    for spoilt in (without_list, only_archive):
        report = verify_cades(DATA, spoilt, trust)

        assert report.signatures[0].level is not Level.B_LTA
        assert "TIMESTAMP_BROKEN" in codes(report)


def _without(value: bytes, container: bytes) -> bytes:
    """The container without one of its revocation values."""
    opened = open_container(container)
    kind, version, digests, content = opened.after
    left = [each for each in opened.lists if each != value]
    signer = sequence(*opened.signer, der(0xA1, *(each.raw for each in opened.unsigned)))
    parts = (version, digests, content, der(0xA0, *opened.certificates), der(0xA1, *left), der(0x31, signer))
    return sequence(kind, der(0xA0, sequence(*parts)))


def test_an_archive_timestamp_of_another_signature_is_no_proof(
    archived: bytes, authority: DemoAuthority, people: Mapping[str, Issued], trust: Trust
) -> None:
    """Copied from a colleague's signature of the same file."""
    other = sign_cades(DATA, people["curve"].signer(), level=Level.B_LT, timestamper=authority, evidence=authority)
    stolen = next(each.raw for each in open_container(archived).unsigned if each.children()[0].oid() == ARCHIVE_V3)
    opened = open_container(other)
    report = verify_cades(DATA, written(opened, unsigned=[*(each.raw for each in opened.unsigned), stolen]), trust)

    assert (report.signatures[0].level, "TIMESTAMP_BROKEN" in codes(report)) == (Level.B_LT, True)


def test_an_index_of_whole_attributes_names_all_their_values(archived: bytes) -> None:
    """Its first version (RFC 5126's successor) hashes an attribute as it stands: with two values both are covered."""
    two = read(sequence(oid(SIGNATURE_TIMESTAMP), der(0x31, sequence(octets(b"one")), sequence(octets(b"two")))))
    container = replace(open_container(archived), unsigned=(two,))
    none: frozenset[bytes] = frozenset()
    whole = frozenset({digest_of("sha256", two.raw)})
    index = _Index(raw=b"", digest="sha256", certificates=none, lists=none, attributes=whole, whole_attributes=True)

    covered = _covered(index, _Hashed(container), b"the archive timestamp itself")

    assert {sequence(octets(b"one")), sequence(octets(b"two"))} <= covered


def test_a_token_without_its_index_or_with_another_is_no_proof(archived: bytes, trust: Trust) -> None:
    """The index stands where the token's own signature does not reach: it must fit the imprint."""
    for index in (None, sequence(sequence(oid("2.16.840.1.101.3.4.2.1")), sequence(), sequence(), sequence(octets(b"x" * 32)))):
        spoilt = _with_index(archived, index)
        report = verify_cades(DATA, spoilt, trust)

        assert (report.signatures[0].level, "TIMESTAMP_BROKEN" in codes(report)) == (Level.B_LT, True)


def _with_index(container: bytes, index: bytes | None) -> bytes:
    """The container, the index of its archive timestamp replaced or taken out."""
    opened = open_container(container)
    kept = [each.raw for each in opened.unsigned if each.children()[0].oid() != ARCHIVE_V3]
    token = next(each for each in tokens_of(opened) if oid(INDEX_V3) in each)
    inner = open_container(token)
    unsigned = [] if index is None else [sequence(oid(INDEX_V3), der(0x31, index))]
    changed = written(inner, unsigned=unsigned)
    return written(opened, unsigned=[*kept, sequence(oid(ARCHIVE_V3), der(0x31, changed))])


def test_a_signature_that_fails_now_is_not_renewed(archived: bytes, authority: DemoAuthority, trust: Trust) -> None:
    """A proof over something broken would only look like a proof of it."""
    with pytest.raises(BadRequest, match="does not pass"):
        extend_cades(DATA, archived, timestamper=authority, evidence=authority, trust=trust, at=NOW + timedelta(days=365 * 12))


def test_old_style_archive_timestamps_are_named(archived: bytes, trust: Trust) -> None:
    """Version 2 hashes the container in another way; it is not read, and the report says so."""
    opened = open_container(archived)
    old = sequence(oid("1.2.840.113549.1.9.16.2.48"), der(0x31, tokens_of(opened)[0]))
    report = verify_cades(DATA, written(opened, unsigned=[*(each.raw for each in opened.unsigned), old]), trust)

    assert "ARCHIVE_KIND_NOT_READ" in codes(report)
    assert report.verdict is Verdict.TOTAL_PASSED


def test_a_signature_among_thousands_of_values_is_judged_soon(archived: bytes, trust: Trust) -> None:
    """64 archive timestamps beside 190,000 values of an unknown attribute: they prove nothing, and it costs little."""
    opened = open_container(archived)
    token = next(each for each in tokens_of(opened) if oid(INDEX_V3) in each)
    junk = sequence(oid("1.2.3.4"), der(0x31, *(octets(number.to_bytes(4, "big")) for number in range(190_000))))
    archives = [sequence(oid(ARCHIVE_V3), der(0x31, token))] * 64
    kept = [each.raw for each in opened.unsigned if each.children()[0].oid() != ARCHIVE_V3]
    begin = time.process_time()
    report = verify_cades(DATA, written(opened, unsigned=[*kept, junk, *archives]), trust)

    assert (report.verdict, report.signatures[0].level) == (Verdict.TOTAL_PASSED, Level.B_LT)
    assert time.process_time() - begin < 6


@pytest.mark.parametrize("signers", [1, 32])
@pytest.mark.parametrize("tag", [0xA0, 0xA1])
def test_a_flood_of_certificates_is_refused_soon(tag: int, signers: int, archived: bytes, trust: Trust) -> None:
    """180,000 of them, or of lists, beside up to 32 signers: no signature has so many, and none is judged beside them."""
    kind, wrapped = read(archived).children()[:2]
    *before, infos = wrapped.children()[0].children()
    junk = der(tag, *(sequence(octets(number.to_bytes(4, "big"))) for number in range(180_000)))
    parts = [*(each.raw for each in before if each.tag != tag), junk]
    one = infos.children()[0].raw
    flood = sequence(kind.raw, der(0xA0, sequence(*parts, der(0x31, *([one] * signers)))))
    begin = time.process_time()
    report = verify_cades(DATA, flood, trust)

    assert (report.verdict, codes(report)) == (Verdict.TOTAL_FAILED, {"NOT_CMS"})
    assert time.process_time() - begin < 6


def test_since_when_a_certificate_is_proved_to_exist(archived: bytes, people: Mapping[str, Issued], trust: Trust) -> None:
    """Those under the archive timestamp since then, one put in later since now: an authority's weak key makes old ones."""
    now = NOW + timedelta(days=30)
    later = with_kept(archived, [people["principal"].certificate], [])
    signed, opened = read_signed_data(later), open_container(later)
    given = Given(
        certificate=load_certificate(signed.certificates[0]),
        scheme=signed.scheme,
        digests=(signed.digest,),
        stamps=tuple(Stamp(token=each, expected=lambda name: digest_of(name, signed.signature)) for each in signed.timestamps),
        archives=read_archives(opened, SignedContent(DATA)),
        certificates=signed.certificates,
    )
    worth = weigh(given, trust, now=now)
    (proof,) = worth.proofs
    since = worth.material.pool(worth.proofs, now).proven
    put_in = load_certificate(people["principal"].certificate)

    assert since[put_in] == now
    assert {since[load_certificate(each)] for each in signed.certificates if each != put_in.der} == {proof.time}


def test_a_renewal_by_a_stranger_is_refused(archived: bytes, authority: DemoAuthority, trust: Trust, tmp_path: Path) -> None:
    """The older timestamp would carry the signature, and the stranger's be in the way of the next renewal."""
    with pytest.raises(BrokenResult):
        extend_cades(DATA, archived, timestamper=DemoAuthority(tmp_path), evidence=authority, trust=trust)
