"""The ZIP around a package: two programs must find the same files in it. Attacks on its end and on names; packages inside."""

import hashlib
import io
import struct
import time
import zipfile
from base64 import b64encode
from collections.abc import Mapping

import pytest

from signing import DemoAuthority, Issued, Trust, Verdict
from signing.asic import BadPackage, Form, make_package, read_package, verify_package
from signing.asic.make import NotAPackage
from signing.asic.manifest import manifest_markup
from signing.cades import sign_cades
from signing.report import Report
from tests.signing.xml_documents import composed, reference, rsa_sha256, x509

TYPE = ("mimetype", Form.EXTENDED.encode())


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root, *authority.chain])


def codes(report: Report) -> set[str]:
    return {each.code for each in report.findings} | {f.code for s in report.signatures for f in s.findings}


def stored(*entries: tuple[str, bytes], utf8: bool = True) -> bytes:
    """A ZIP with nothing packed; `utf8=False` takes the mark away that its names are UTF-8."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data)
    content = stream.getvalue()
    if utf8:
        return content
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        parts = content.split(mark)
        content = mark.join([parts[0], *(each[: place - 4] + b"\0\0" + each[place - 2 :] for each in parts[1:])])
    return content


def ended(content: bytes, **changed: int) -> bytes:
    """The same with other numbers in its end record."""
    names = ("disk", "first_disk", "here", "entries", "size", "start")
    fields = dict(zip(names, struct.unpack_from("<4H2L", content, len(content) - 18), strict=True))
    return content[:-18] + struct.pack("<4H2L", *{**fields, **changed}.values()) + b"\0\0"


def wide(content: bytes, *, behind: bytes = b"", **changed: int) -> bytes:
    """With the records of ZIP64, true ones unless told otherwise, before an end that leaves all to them."""
    *_, count, size, start = struct.unpack_from("<4H2L", content, len(content) - 18)
    told = {"count": count, "size": size, "start": start, "at": start + size, "disks": 1, **changed}
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, told["count"], told["count"], told["size"], told["start"])
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, told["at"], told["disks"])
    full = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return content[:-22] + record + behind + locator + full


def test_a_second_directory_for_programs_that_read_the_old_end(people: Mapping[str, Issued], trust: Trust) -> None:
    """A package stored in a package: the ZIP64 record names the outer directory, the old end the inner one.

    Python's reader takes the first, unzip and Java the second: they would show other files than those that were verified.
    """
    inner = stored(("forged.txt", b"10"))
    made = read_package(make_package({"inner.bin": inner}, people["teacher"].signer()))
    outer = stored(TYPE, *made.files.items(), *made.metadata.items())
    size, start = struct.unpack_from("<2L", inner, len(inner) - 10)
    full = struct.pack("<4H2LH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    old = struct.pack("<4H2LH", 0, 0, 1, 1, size, outer.index(inner) + start, 0)
    attack = wide(outer).removesuffix(full) + old

    assert zipfile.ZipFile(io.BytesIO(attack)).namelist()[1] == "inner.bin"
    assert verify_package(outer, trust).verdict is Verdict.TOTAL_PASSED
    assert verify_package(wide(outer), trust).verdict is Verdict.TOTAL_PASSED
    assert codes(verify_package(attack, trust)) == {"PACKAGE_REFUSED"}


def two_encodings() -> bytes:
    """The same bytes of a name, once marked as UTF-8 and once not: many programs read one name twice."""
    content = stored(TYPE, ("\u00e9", b"1"), ("!!", b"2"))
    return content.replace(b"!!", "\u00e9".encode())


PLAIN = stored(TYPE, ("a.txt", b"1"), ("b.txt", b"2"))
LIES = {
    "fewer entries": ended(PLAIN, here=2, entries=2),
    "more entries": ended(PLAIN, here=4, entries=4),
    "another disk": ended(PLAIN, disk=1),
    "the directory on another disk": ended(PLAIN, first_disk=1),
    "a full number and no ZIP64": ended(PLAIN, entries=0xFFFF),
    "ZIP64: fewer entries": wide(PLAIN, count=2),
    "ZIP64: another place": wide(PLAIN, at=0),
    "ZIP64: two disks": wide(PLAIN, disks=2),
    "ZIP64: bytes behind the record": wide(PLAIN, behind=b"hidden"),
    "a name with a zero byte": stored(TYPE, ("a.txt!.exe", b"1")).replace(b"a.txt!.exe", b"a.txt\0.exe"),
    "a name that Windows ends earlier": stored(TYPE, ("a.txt", b"1"), ("a.txt. ", b"2")),
    "a folder of dots": stored(TYPE, ("x/.../a.txt", b"1")),
    "a second stream of a file": stored(TYPE, ("x/a.txt:b", b"1")),
    "a file that is a folder": stored(TYPE, ("a", b"1"), ("a/b", b"2")),
    "a file and a folder of one name": stored(TYPE, ("a", b"1"), ("a/", b"")),
    "one name in two encodings": two_encodings(),
}


def test_the_ground_is_read() -> None:
    """Without the lie each of them is a package; folders and files in them may be named."""
    for content in (PLAIN, wide(PLAIN), stored(TYPE, ("x/", b""), ("x/a", b"1"), ("META-INF/", b""))):
        assert read_package(content).form is Form.EXTENDED


@pytest.mark.parametrize("lie", list(LIES))
def test_a_directory_that_says_two_things_is_refused(lie: str) -> None:
    """Whatever the second thing is: no program may find other files than we did."""
    with pytest.raises(BadPackage):
        read_package(LIES[lie])


def test_vietnamese_names_without_the_mark_of_utf_8(people: Mapping[str, Issued], trust: Trust) -> None:
    """Older Java and macOS write UTF-8 and do not say so; the manifest has the true name."""
    made = read_package(make_package({"Kế hoạch giáo dục 9A.csv": b"Lan;10"}, people["teacher"].signer()))
    content = stored(TYPE, *made.files.items(), *made.metadata.items(), utf8=False)

    assert verify_package(content, trust).verdict is Verdict.TOTAL_PASSED
    assert list(read_package(content).files) == ["Kế hoạch giáo dục 9A.csv"]


def test_names_that_some_system_confuses_are_not_signed(people: Mapping[str, Issued]) -> None:
    """What would be refused when read is refused before the key is asked."""
    for files in ({"a.txt": b"", "a.txt.": b""}, {"a": b"", "a/b": b""}, {"x/y:z": b""}, {" ": b""}):
        with pytest.raises(NotAPackage):
            make_package(files, people["teacher"].signer())


def test_a_package_in_a_package_is_verified_in_turn(people: Mapping[str, Issued], trust: Trust) -> None:
    """One that fails or cannot be read pulls the outer one down; one level deep."""
    signer = people["teacher"].signer()
    inner = make_package({"a.csv": b"Lan;10"}, signer)
    renamed = inner.replace(b"META-INF/signature001.p7s", b"META-INF/signature002.p7s")
    good, bad, broken = (
        verify_package(make_package({"in.asice": each}, signer), trust) for each in (inner, renamed, inner[:-1])
    )
    deeper = make_package({"in.asice": make_package({"in.asice": renamed}, signer)}, signer)

    assert (good.verdict, good.attachments[0].report and good.attachments[0].report.verdict) == (
        Verdict.TOTAL_PASSED,
        Verdict.TOTAL_PASSED,
    )
    for each in (bad, broken):
        assert (each.verdict, "ATTACHMENT_NOT_PASSED" in codes(each)) == (Verdict.INDETERMINATE, True)
    assert "ATTACHMENTS_CUT" in codes(verify_package(deeper, trust).attachments[0].report or good)


def test_a_signature_file_in_a_package_is_judged_beside_its_file(people: Mapping[str, Issued], trust: Trust) -> None:
    """`a.csv.p7s` lies beside `a.csv`; one whose file is elsewhere says nothing here."""
    signer = people["teacher"].signer()
    signature = sign_cades(b"Lan;10", signer)
    files = {"a.csv": b"Lan;10", "a.csv.p7s": signature, "b.csv.p7s": signature}
    good, bad = (verify_package(make_package({**files, **more}, signer), trust) for more in ({}, {"a.csv": b"Lan;9"}))

    assert [each.report is not None for each in good.attachments] == [False, True, False]
    assert (good.verdict, bad.verdict) == (Verdict.TOTAL_PASSED, Verdict.INDETERMINATE)


# What many signatures may cost


def test_a_large_file_is_hashed_once_for_all_manifests(trust: Trust) -> None:
    """Sixty manifests over forty megabytes: none of their signatures is one."""
    data = bytes(40 * 1024 * 1024)
    metadata = {}
    for number in range(60):
        name = f"META-INF/signature{number:03}.p7s"
        metadata[name] = b"none"
        metadata[f"META-INF/ASiCManifest{number:03}.xml"] = manifest_markup(name, {"a.bin": b""}).replace(
            hashed(b""), hashed(data)
        )
    content = stored(TYPE, ("a.bin", data), *metadata.items())
    begin = time.process_time()
    report = verify_package(content, trust)

    assert {f.code for each in report.signatures for f in each.findings} == {"NOT_CMS", "COVERS"}
    assert time.process_time() - begin < 3


def test_all_xades_files_of_a_package_share_what_they_may_cost(people: Mapping[str, Issued], trust: Trust) -> None:
    """Each wants a large file in canonical form: five times is enough."""
    files = {"c.xml": b"<c>" + b"<d/>" * 90_000 + b"</c>"}
    canonical = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
    who = people["teacher"]
    signed = composed(
        b"<r><place/></r>", [reference("c.xml", canonical)], rsa_sha256(who), key_info=x509(who.certificate), files=files
    )
    signatures = {f"META-INF/signatures{number:03}.xml": signed for number in range(6)}
    report = verify_package(stored(TYPE, *files.items(), *signatures.items()), trust)
    verdicts = [each.verdict for each in report.signatures]

    assert (verdicts[0], verdicts[-1], report.verdict) == (
        Verdict.TOTAL_PASSED,
        Verdict.INDETERMINATE,
        Verdict.INDETERMINATE,
    )
    assert "RESOURCE_LIMIT" in codes(report)


def hashed(data: bytes) -> bytes:
    return b64encode(hashlib.sha256(data).digest())
