"""Archive timestamps over whole packages: made, renewed, judged, and attacked."""

import io
import zipfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.asic import Form, add_signature, archive_package, make_package, read_package, verify_package
from signing.asic.manifest import read_manifest
from signing.errors import BadRequest, LevelNotReached, TimestampRefused
from signing.report import Report, SignatureKind, SubIndication

NOW = datetime.now(UTC)
FILES = {"Sổ điểm.csv": "Toán;8,5\n".encode() * 20, "biên bản.txt": b"minutes"}
SIGNATURE, TIMESTAMP = "META-INF/signature001.p7s", "META-INF/timestamp001.tst"
NEWEST, EARLIER = "META-INF/ASiCArchiveManifest.xml", "META-INF/ASiCArchiveManifest001.xml"
Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root])


@pytest.fixture(scope="module")
def ana(authority: DemoAuthority) -> Issued:
    """Her certificate ends in half a year."""
    return authority.issue("Ana", "T:asic-half-a-year", key="p256", not_after=NOW + timedelta(days=180))


@pytest.fixture(scope="module")
def archived(ana: Issued, authority: DemoAuthority) -> bytes:
    return make_package(FILES, ana.signer(), level=Level.B_LTA, timestamper=authority, evidence=authority)


def codes(report: Report) -> set[str]:
    return {each.code for each in (*report.findings, *(f for s in report.signatures for f in s.findings))}


def repacked(package: bytes, change: Change) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def test_one_timestamp_covers_the_whole_package(archived: bytes, trust: Trust) -> None:
    """Signature, manifest and files; the signature is at the highest level, and the report names the day of renewal."""
    report = verify_package(archived, trust)
    manifest = read_manifest(read_package(archived).metadata[NEWEST])
    signature, stamp = report.signature(SIGNATURE), report.signature(TIMESTAMP)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert (signature.level, stamp.kind, stamp.verdict) == (Level.B_LTA, SignatureKind.DOC_TIMESTAMP, Verdict.TOTAL_PASSED)
    assert signature.renewal_date == stamp.renewal_date is not None
    assert {each.name for each in manifest.files} == {*FILES, SIGNATURE, "META-INF/ASiCManifest001.xml"}


def test_it_outlives_the_signer_s_certificate(archived: bytes, trust: Trust) -> None:
    """A year on the archived package passes; after the day of renewal nothing is proved any more."""
    renewal = verify_package(archived, trust).signature(SIGNATURE).renewal_date
    assert renewal is not None

    assert verify_package(archived, trust, at=NOW + timedelta(days=365)).verdict is Verdict.TOTAL_PASSED
    assert verify_package(archived, trust, at=renewal + timedelta(days=1)).verdict is Verdict.INDETERMINATE


@pytest.mark.parametrize("form", list(Form))
@pytest.mark.parametrize("level", list(Level))
def test_a_package_of_any_level_is_archived_and_renewed(
    form: Form, level: Level, people: Mapping[str, Issued], authority: DemoAuthority, trust: Trust
) -> None:
    """Every signature gets to the highest level; doing it twice keeps the earlier proofs."""
    files = FILES if form is Form.EXTENDED else {"one.txt": b"1"}
    signer = people["curve"].signer()
    package = make_package(files, signer, form=form, level=level, timestamper=authority, evidence=authority)
    if form is Form.EXTENDED and level is not Level.B_LTA:
        package = add_signature(package, people["teacher"].signer())
    once = archive_package(package, timestamper=authority, evidence=authority, trust=trust)
    twice = archive_package(once, timestamper=authority, evidence=authority, trust=trust)

    for each in (once, twice):
        report = verify_package(each, trust)
        assert report.verdict is Verdict.TOTAL_PASSED
        levels = {one.level for one in report.signatures if one.kind is not SignatureKind.DOC_TIMESTAMP}
        assert levels == {Level.B_LTA}
        assert {name: read_package(each).files[name] for name in files} == files


def test_renewal_carries_it_past_the_end_of_its_authority(tmp_path: Path) -> None:
    """Stamped in 2019 by an authority that ends in 2027, renewed in 2024 by another: only so is its time proved in 2028."""
    begun, renewal, then = (datetime(year, 5, 20, tzinfo=UTC) for year in (2019, 2024, 2028))
    old, newer = DemoAuthority(tmp_path / "old", clock=lambda: begun), DemoAuthority(tmp_path / "new", clock=lambda: renewal)
    ana = old.issue("Ana", "T:ana", key="p256", not_before=datetime(2018, 1, 1, tzinfo=UTC), not_after=NOW.replace(year=2029))
    both = Trust.of_certificates([old.root, newer.root])
    first = make_package(FILES, ana.signer(), level=Level.B_LTA, timestamper=old, evidence=old, at=begun)
    old.clock = lambda: renewal
    renewed = archive_package(first, timestamper=newer, evidence=old, trust=both, at=renewal)
    report = verify_package(renewed, both, at=then)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert (report.signature(SIGNATURE).level, report.signature(SIGNATURE).best_time) == (Level.B_LTA, begun)
    assert {NEWEST, EARLIER} <= read_package(renewed).metadata.keys()
    assert verify_package(first, both, at=then).signature(SIGNATURE).best_time is None


ATTACKS: dict[str, tuple[Change, SubIndication]] = {
    "a file changed": (lambda entries: entries.update({"biên bản.txt": b"other"}), SubIndication.HASH_FAILURE),
    "the signature's manifest changed": (
        lambda entries: entries.update({"META-INF/ASiCManifest001.xml": entries["META-INF/ASiCManifest001.xml"] + b"\n"}),
        SubIndication.HASH_FAILURE,
    ),
    "the signature replaced": (
        lambda entries: entries.update({SIGNATURE: entries[SIGNATURE] + b"\0"}),
        SubIndication.HASH_FAILURE,
    ),
    "the signature's manifest taken out": (
        lambda entries: entries.__delitem__("META-INF/ASiCManifest001.xml"),
        SubIndication.SIGNED_DATA_NOT_FOUND,
    ),
    "the archive manifest rewritten": (
        lambda entries: entries.update({NEWEST: entries[NEWEST].replace(b"MimeType", b"Mimetype", 1)}),
        SubIndication.HASH_FAILURE,
    ),
}


@pytest.mark.parametrize("attack", list(ATTACKS))
def test_what_stands_under_an_archive_timestamp_cannot_be_changed(attack: str, archived: bytes, trust: Trust) -> None:
    """The timestamp says so, and proves nothing for the signature any more."""
    change, sub = ATTACKS[attack]
    report = verify_package(repacked(archived, change), trust)

    assert report.verdict is not Verdict.TOTAL_PASSED
    assert report.signature(TIMESTAMP).sub_indication is sub
    assert report.signature(SIGNATURE).level is not Level.B_LTA


def test_an_archive_timestamp_taken_away_is_told(archived: bytes, trust: Trust) -> None:
    """Its manifest stays behind; with the manifest gone as well only the lower level is left."""
    orphan = repacked(archived, lambda entries: entries.__delitem__(TIMESTAMP))
    without = repacked(orphan, lambda entries: entries.__delitem__(NEWEST))

    assert "ORPHAN_MANIFEST" in codes(verify_package(orphan, trust))
    assert verify_package(orphan, trust).verdict is Verdict.INDETERMINATE
    assert verify_package(without, trust).signature(SIGNATURE).level is Level.B_LT


def test_a_package_that_fails_is_not_renewed(archived: bytes, authority: DemoAuthority, trust: Trust) -> None:
    """A proof over something broken would only look like a proof of it."""
    broken = repacked(archived, ATTACKS["a file changed"][0])
    with pytest.raises(BadRequest, match="does not pass"):
        archive_package(broken, timestamper=authority, evidence=authority, trust=trust)


class Tired:
    """An authority that gives one timestamp and no more."""

    def __init__(self, authority: DemoAuthority) -> None:
        self.authority, self.asked = authority, 0

    def timestamp(self, digest: bytes) -> bytes:
        """See Timestamper."""
        self.asked += 1
        if self.asked > 1:
            raise TimestampRefused("hết", "no more")
        return self.authority.timestamp(digest)


def test_what_was_reached_is_not_lost(people: Mapping[str, Issued], authority: DemoAuthority, trust: Trust) -> None:
    """When the archive timestamp cannot be had, the error carries the package at B-LT."""
    with pytest.raises(LevelNotReached) as caught:
        make_package(FILES, people["curve"].signer(), level=Level.B_LTA, timestamper=Tired(authority), evidence=authority)

    assert caught.value.reached is Level.B_LT
    assert verify_package(caught.value.signed, trust).signature(SIGNATURE).level is Level.B_LT
