"""Signed packages (ASiC): what they cover, and packages made to deceive."""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.asic import BadPackage, Form, add_signature, archive_package, make_package, read_package, verify_package
from signing.asic.make import NotAPackage
from signing.asic.manifest import manifest_markup
from signing.errors import BadRequest
from signing.report import Changes, Report, SignatureKind, SubIndication
from signing.xml import sign_xml
from tests.signing.xml_documents import SMALL, composed, reference, rsa_sha256, x509

FILES = {"Kế hoạch.docx": b"PK-plan" * 99, "điểm/9A.csv": "Toán;8,5\n".encode() * 20}
FIRST, SECOND = "META-INF/signature001.p7s", "META-INF/signature002.p7s"


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def package(people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    """Two files, signed by two people at B-LT and B-T."""
    first = make_package(FILES, people["curve"].signer(), level=Level.B_LT, timestamper=authority, evidence=authority)
    return add_signature(first, people["principal"].signer(), level=Level.B_T, timestamper=authority)


def codes(report: Report) -> set[str]:
    return {each.code for each in (*report.findings, *(f for s in report.signatures for f in s.findings))}


def repacked(package: bytes, change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The package with its entries changed, otherwise in order."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    change(entries)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return stream.getvalue()


def test_two_people_sign_all_files(package: bytes, trust: Trust) -> None:
    """Both signatures pass with their levels and cover everything."""
    report = verify_package(package, trust)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert [(each.field, each.level, each.covers_whole_file) for each in report.signatures] == [
        (FIRST, Level.B_LT, True),
        (SECOND, Level.B_T, True),
    ]
    assert [each.name for each in report.attachments] == list(FILES)
    assert report.findings == ()


def test_the_package_is_as_its_standard_wants(package: bytes) -> None:
    """`mimetype` first, stored, readable at byte 38; any unzip program opens the rest."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        names = archive.namelist()
        first = archive.infolist()[0]

        assert (names[0], first.compress_type, first.extra, first.header_offset) == ("mimetype", zipfile.ZIP_STORED, b"", 0)
        assert package[38:].startswith(b"application/vnd.etsi.asic-e+zip")
        assert archive.read("Kế hoạch.docx") == FILES["Kế hoạch.docx"]
        assert archive.testzip() is None


def test_adding_a_signature_keeps_every_file(package: bytes, people: Mapping[str, Issued]) -> None:
    """What was there stays byte for byte."""
    more = read_package(add_signature(package, people["teacher"].signer()))
    before = read_package(package)

    assert dict(more.files) == dict(before.files) == FILES
    assert before.metadata.items() <= more.metadata.items()


def test_the_simple_form(people: Mapping[str, Issued], authority: DemoAuthority, trust: Trust) -> None:
    """One file, one signature, no manifest; a second signature has no place in it."""
    package = make_package({"a.txt": b"a"}, people["curve"].signer(), form=Form.SIMPLE, level=Level.B_T, timestamper=authority)
    report = verify_package(package, trust)

    assert (report.verdict, report.signatures[0].field) == (Verdict.TOTAL_PASSED, "META-INF/signature.p7s")
    with pytest.raises(BadRequest):
        add_signature(package, people["curve"].signer())
    with pytest.raises(BadRequest):
        make_package(FILES, people["curve"].signer(), form=Form.SIMPLE)


def test_a_timestamp_alone_proves_a_time_and_nobody_s_will(authority: DemoAuthority, trust: Trust) -> None:
    """ASiC-S with a timestamp."""
    import hashlib

    package = zipped(
        ("mimetype", Form.SIMPLE.encode()),
        ("a.txt", b"a"),
        ("META-INF/timestamp.tst", authority.timestamp(hashlib.sha256(b"a").digest())),
    )
    report = verify_package(package, trust)
    spoilt = verify_package(package.replace(b"a.txta", b"a.txtb"), trust)

    assert (report.verdict, report.signatures[0].kind) == (Verdict.TOTAL_PASSED, SignatureKind.DOC_TIMESTAMP)
    assert spoilt.verdict in {Verdict.TOTAL_FAILED, Verdict.UNREADABLE}


def test_a_changed_file_is_found(package: bytes, trust: Trust) -> None:
    """Both signatures fail, and the report names the file."""

    def change(entries: dict[str, bytes]) -> None:
        entries["điểm/9A.csv"] = entries["điểm/9A.csv"].replace(b"8,5", b"9,5")

    report = verify_package(repacked(package, change), trust)

    assert {(each.verdict, each.sub_indication, each.changes_after) for each in report.signatures} == {
        (Verdict.TOTAL_FAILED, SubIndication.HASH_FAILURE, Changes.FORBIDDEN)
    }
    assert any("điểm/9A.csv" in f.message for f in report.signatures[0].findings)


def test_a_file_that_nobody_signed_is_named(package: bytes, trust: Trust) -> None:
    """It may have been put in by anyone: the package does not pass."""
    report = verify_package(repacked(package, lambda entries: entries.update({"thêm.txt": b"x"})), trust)

    assert report.verdict is Verdict.INDETERMINATE
    assert [each.message for each in report.findings if "thêm.txt" in each.message]
    assert {(each.verdict, each.covers_whole_file) for each in report.signatures} == {(Verdict.TOTAL_PASSED, False)}


def test_a_file_that_was_taken_out_is_named(package: bytes, trust: Trust) -> None:
    """What was signed is not there: nothing can be concluded."""
    report = verify_package(repacked(package, lambda entries: entries.__delitem__("Kế hoạch.docx")), trust)

    assert {each.sub_indication for each in report.signatures} == {SubIndication.SIGNED_DATA_NOT_FOUND}
    assert "MISSING_FILES" in codes(report)


def test_a_manifest_that_is_rewritten(package: bytes, trust: Trust) -> None:
    """Digests that fit a changed file do not fit the signature."""

    def change(entries: dict[str, bytes]) -> None:
        entries["điểm/9A.csv"] = b"other"
        entries["META-INF/ASiCManifest001.xml"] = manifest_markup(FIRST, {name: entries[name] for name in FILES})

    report = verify_package(repacked(package, change), trust)

    assert report.signature(FIRST).sub_indication is SubIndication.HASH_FAILURE
    assert report.verdict is Verdict.TOTAL_FAILED


def test_signatures_and_manifests_that_do_not_belong_together(package: bytes, trust: Trust) -> None:
    """A signature without a manifest, a manifest without a signature, two manifests for one signature."""

    def without_manifest(entries: dict[str, bytes]) -> None:
        del entries["META-INF/ASiCManifest001.xml"]

    def without_signature(entries: dict[str, bytes]) -> None:
        del entries[FIRST]

    def two_manifests(entries: dict[str, bytes]) -> None:
        entries["META-INF/ASiCManifest003.xml"] = entries["META-INF/ASiCManifest001.xml"]

    for change in (without_manifest, without_signature, two_manifests):
        report = verify_package(repacked(package, change), trust)

        assert report.verdict is not Verdict.TOTAL_PASSED
        assert "ORPHAN_MANIFEST" in codes(report)


def test_signatures_can_be_swapped_for_nobody(package: bytes, trust: Trust) -> None:
    """Each signature signs its own manifest, which names it."""

    def change(entries: dict[str, bytes]) -> None:
        entries[FIRST], entries[SECOND] = entries[SECOND], entries[FIRST]

    assert verify_package(repacked(package, change), trust).verdict is Verdict.TOTAL_FAILED


def test_signed_files_inside_are_verified_in_turn(people: Mapping[str, Issued], trust: Trust) -> None:
    """A signed XML inside has its own report; one that fails pulls the package down."""
    inner = sign_xml(SMALL, reference_id="d", place="place", signer=people["teacher"].signer())
    good, bad = (
        verify_package(make_package({"a.xml": each}, people["curve"].signer()), trust)
        for each in (inner, inner.replace(b"hai", b"ba"))
    )

    assert good.verdict is Verdict.TOTAL_PASSED
    assert good.attachments[0].report is not None
    assert (bad.verdict, "ATTACHMENT_NOT_PASSED" in codes(bad)) == (Verdict.INDETERMINATE, True)


# Packages that are refused as they are


def zipped(*entries: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, how)
    return stream.getvalue()


TYPE = ("mimetype", Form.EXTENDED.encode())


class Stream(io.BytesIO):
    """A file that can only be written from front to back."""

    def seekable(self) -> bool:
        """It cannot go back to fill in sizes."""
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """See seekable."""
        raise OSError(offset, whence)

    def tell(self) -> int:
        """See seekable."""
        raise OSError


def streamed(*entries: tuple[str, bytes]) -> bytes:
    """A package written to a stream: sizes stand behind the data."""
    stream = Stream()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def renamed_in_header(package: bytes) -> bytes:
    """Another name beside the data than in the directory."""
    return package.replace(b"a.txt", b"b.txt", 1)


HOSTILE = {
    "a bomb": zipped(TYPE, ("a", b"\0" * 30_000_000), how=zipfile.ZIP_DEFLATED),
    "too many entries": zipped(*[(f"f{number}", b"") for number in range(1100)]),
    "a name twice": None,
    "names that differ in case only": zipped(TYPE, ("a.txt", b"1"), ("A.TXT", b"2")),
    "names that differ in Unicode form only": zipped(TYPE, ("\u00e9", b"1"), ("e\u0301", b"2")),
    "out of its folder": zipped(TYPE, ("../a", b"")),
    "an absolute name": zipped(TYPE, ("/etc/passwd", b"")),
    "a drive": zipped(TYPE, ("C:/a", b"")),
    "a control character": zipped(TYPE, ("a\u202etxt.exe", b"")),
    "an empty part": zipped(TYPE, ("a//b", b"")),
    "another kind": zipped(("mimetype", b"application/zip"), ("a", b"")),
    "bytes in front": b"MZ" + zipped(TYPE, ("a", b"")),
    "bytes behind": zipped(TYPE, ("a", b"")) + b"hidden",
    "bytes between": None,
    "two names for one file": renamed_in_header(zipped(TYPE, ("a.txt", b"x"))),
    "cut off": zipped(TYPE, ("a", b"x" * 500))[:-40],
    "nothing": b"",
    "no ZIP": b"PK\x03\x04" + b"x" * 100,
}


def _doubled() -> bytes:
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped(TYPE, ("a", b"1"), ("a", b"2"))


def _with_gap() -> bytes:
    """An entry that the directory does not name: its header and data stay between the others."""
    content = bytearray(zipped(TYPE, ("a", b"1"), ("hidden", b"2")))
    last = content.rindex(b"PK\x01\x02")
    end = content.rindex(b"PK\x05\x06")
    removed = end - last
    del content[last:end]
    end -= removed
    content[end + 8 : end + 12] = b"\x02\0\x02\0"
    size = int.from_bytes(content[end + 12 : end + 16], "little") - removed
    content[end + 12 : end + 16] = size.to_bytes(4, "little")
    return bytes(content)


@pytest.mark.parametrize("kind", list(HOSTILE))
def test_a_package_that_programs_read_differently_is_refused(kind: str, trust: Trust) -> None:
    """Or one that costs more than it should: UNREADABLE with the reason."""
    content = HOSTILE[kind] or {"a name twice": _doubled, "bytes between": _with_gap, "nothing": bytes}[kind]()
    report = verify_package(content, trust)

    assert (report.verdict, codes(report)) == (Verdict.UNREADABLE, {"PACKAGE_REFUSED"})


def test_what_a_package_may_not_hold_is_refused_before_signing(people: Mapping[str, Issued]) -> None:
    """Names that would be refused when it is read."""
    for name in ("../a", "mimetype", "META-INF/signature009.p7s", "a\\b", ""):
        with pytest.raises(NotAPackage):
            make_package({name: b"x"}, people["curve"].signer())
    with pytest.raises(NotAPackage):
        add_signature(b"no package", people["curve"].signer())


def test_a_late_mimetype_is_told(package: bytes, trust: Trust) -> None:
    """Some programs leave it out or compress it; the signatures hold, the report says it."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = [(name, archive.read(name)) for name in archive.namelist()]
    late = verify_package(zipped(*entries[1:], entries[0]), trust)
    absent = verify_package(zipped(*entries[1:]), trust)

    assert (late.verdict, absent.verdict) == (Verdict.TOTAL_PASSED, Verdict.TOTAL_PASSED)
    assert codes(late) & codes(absent) >= {"MIMETYPE_NOT_FIRST"}


def test_data_descriptors_of_other_programs_are_read(trust: Trust) -> None:
    """A ZIP that was written to a stream tells its sizes after the data."""
    content = streamed(("mimetype", Form.SIMPLE.encode()), ("a.txt", b"x"))
    report = verify_package(content, trust)

    assert report.verdict is Verdict.NO_SIGNATURE
    assert dict(read_package(content).files) == {"a.txt": b"x"}


# XAdES inside the package, as EU DSS makes it


def with_xades(files: Mapping[str, bytes], who: Issued) -> bytes:
    """META-INF/signatures001.xml with a reference to each file."""
    root = b'<asic:XAdESSignatures xmlns:asic="http://uri.etsi.org/02918/v1.2.1#"><place/></asic:XAdESSignatures>'
    listed = [reference(quote(name)) for name in files]
    signed = composed(root, listed, rsa_sha256(who), key_info=x509(who.certificate), files=files)
    inside = signed.replace(b"<place>", b"").replace(b"</place>", b"")
    entries = {"mimetype": Form.EXTENDED.encode(), **files, "META-INF/signatures001.xml": inside}
    return zipped(*entries.items())


def test_xades_inside_a_package(people: Mapping[str, Issued], authority: DemoAuthority) -> None:
    """Its references name the files, also a hundred of them; a changed file fails, a further one is nobody's."""
    trust = Trust.of_certificates([authority.root, *authority.chain])
    files = {f"điểm {number}.csv": b"%d" % number for number in range(100)}
    package = with_xades(files, people["teacher"])
    report = verify_package(package, trust)
    changed = verify_package(repacked(package, lambda entries: entries.update({"điểm 7.csv": b"10"})), trust)
    further = verify_package(repacked(package, lambda entries: entries.update({"x.csv": b"10"})), trust)

    assert (report.verdict, report.signatures[0].covers_whole_file) == (Verdict.TOTAL_PASSED, True)
    assert (changed.verdict, changed.signatures[0].sub_indication) == (Verdict.TOTAL_FAILED, SubIndication.HASH_FAILURE)
    assert (further.verdict, "UNCOVERED_FILES" in codes(further)) == (Verdict.INDETERMINATE, True)
    with pytest.raises(BadRequest, match="XAdES"):
        archive_package(package, timestamper=authority, evidence=authority, trust=trust)


# Headers beside the data


LOCAL = {
    "another method": {8: b"\0\0"},
    "another size": {22: b"\3\0\0\0"},
    "another packed size": {18: b"\5\0\0\0"},
    "another sum": {14: b"\7\0\0\0"},
    "said to be encrypted": {6: b"\1\0"},
    "said to have its sizes behind": {6: b"\x08\0"},
}


@pytest.mark.parametrize("kind", list(LOCAL))
def test_headers_beside_the_data_that_say_something_else(kind: str, people: Mapping[str, Issued], trust: Trust) -> None:
    """Programs that read a stream believe them: they would show other bytes than those that were verified."""
    package = bytearray(make_package({"a.csv": b"Lan;5" * 50}, people["curve"].signer()))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        start = archive.getinfo("a.csv").header_offset
    for offset, value in LOCAL[kind].items():
        package[start + offset : start + offset + len(value)] = value

    assert codes(verify_package(bytes(package), trust)) == {"PACKAGE_REFUSED"}


def entry(name: str, *, extra: bytes = b"", mode: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.extra, made.create_system, made.external_attr = extra, 3, mode << 16
    return made


def test_a_second_name_and_a_link_are_refused(trust: Trust) -> None:
    """Info-ZIP's Unicode path, which unzip prefers, and a symbolic link, which is another file once it is unpacked."""
    second = b"up" + (5 + 5).to_bytes(2, "little") + b"\1" + zlib.crc32(b"a.csv").to_bytes(4, "little")
    for odd, refused in (
        (entry("a.csv", extra=second + b"b.csv"), True),
        (entry("a.csv", extra=second + b"a.csv"), False),
        (entry("a.csv", mode=0o120777), True),
        (entry("a.csv", mode=0o100600), False),
    ):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr(zipfile.ZipInfo("mimetype"), Form.EXTENDED.encode())
            archive.writestr(odd, b"/etc/passwd")

        assert ("PACKAGE_REFUSED" in codes(verify_package(stream.getvalue(), trust))) is refused


def test_bytes_behind_a_packed_stream_are_refused(trust: Trust) -> None:
    """Deflate says itself where it ends; what follows inside the entry is for somebody else."""
    data = b"Lan;5" * 50
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(data) + packer.flush() + b"hidden"
    name, crc = b"a.csv", zlib.crc32(data)
    fixed = (20).to_bytes(2, "little") + b"\0\0\x08\0" + b"\0" * 4
    sizes = b"".join(each.to_bytes(4, "little") for each in (crc, len(packed), len(data))) + len(name).to_bytes(2, "little")
    local = b"PK\3\4" + fixed + sizes + b"\0\0" + name + packed
    central = b"PK\1\2" + (20).to_bytes(2, "little") + fixed + sizes + bytes(16) + name
    end = b"PK\5\6" + bytes(4) + b"\1\0\1\0" + len(central).to_bytes(4, "little") + len(local).to_bytes(4, "little") + b"\0\0"

    assert codes(verify_package(local + central + end, trust)) == {"PACKAGE_REFUSED"}


def test_a_file_that_only_a_timestamp_covers_is_not_signed(
    people: Mapping[str, Issued], authority: DemoAuthority, trust: Trust
) -> None:
    """Anybody can have anything stamped: it stands beside the principal's signature and is not hers."""
    package = make_package({"a.csv": b"Lan;5"}, people["curve"].signer())
    name, evil = "META-INF/timestamp002.tst", b"Lan;10"

    def change(entries: dict[str, bytes]) -> None:
        manifest = manifest_markup(name, {"b.csv": evil})
        entries["b.csv"], entries["META-INF/ASiCManifest002.xml"] = evil, manifest
        entries[name] = authority.timestamp(hashlib.sha256(manifest).digest())

    report = verify_package(repacked(package, change), trust)

    assert (report.verdict, report.signature(name).verdict) == (Verdict.INDETERMINATE, Verdict.TOTAL_PASSED)
    assert any("b.csv" in each.message for each in report.findings if each.code == "UNCOVERED_FILES")


def test_other_files_below_meta_inf_are_named(package: bytes, trust: Trust) -> None:
    """They belong to no signature; those of ODF and EPUB are known."""
    odd = repacked(package, lambda entries: entries.update({"META-INF/evil.pdf": b"%PDF-", "META-INF/manifest.xml": b"<x/>"}))
    told = [each.message for each in verify_package(odd, trust).findings if each.code == "EXTRA_METADATA"]

    assert ("evil.pdf" in told[0], "manifest.xml" in told[0]) == (True, False)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_a_package_holds_there_is_a_report(data: st.DataObject, package: bytes, trust: Trust) -> None:
    """Spoilt bytes anywhere: a report, never an exception, and never other files called signed."""
    content = bytearray(package)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=6))
    report = verify_package(bytes(content), trust)

    if report.verdict is Verdict.TOTAL_PASSED:
        assert {each.name: each.sha256 for each in report.attachments} == {
            each.name: each.sha256 for each in verify_package(package, trust).attachments
        }
    try:
        read_package(bytes(content))
    except BadPackage:
        assert report.verdict is Verdict.UNREADABLE
