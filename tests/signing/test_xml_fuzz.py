"""Signed documents, signatures and packages taken apart and put together wrongly: a report, and nothing false in it."""

import io
import zipfile
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.asic import make_package, verify_package
from signing.cades import sign_cades, verify_cades
from signing.report import Report
from signing.verification.der import Node, siblings
from signing.verification.faults import Fault
from signing.xml import Role, sign_transcript, verify_xml
from tests.signing.xml_documents import SMALL, composed, reference, rsa_sha256, transcript, x509

DATA = b"Lan;10\n" * 20
FILES = {"a.csv": b"Lan;5", "b.csv": b"Mai;8"}
SURPRISES = {"CHECK_FAILED", "NOT_A_PACKAGE", "UNREADABLE"}
WORDS = ["", "AAAA", "!", "9" * 40, "ơ", "2026-01-01T00:00:00Z", "#data", "data", "#", "http://127.0.0.1:9/"]
NAMES = ["Id", "ID", "URI", "Target", "Algorithm", "Type", "PrefixList"]
often = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root, *authority.chain])


@pytest.fixture(scope="module")
def documents(people: Mapping[str, Issued], authority: DemoAuthority) -> list[bytes]:
    """A transcript with archive timestamps, and a signature with a manifest."""
    document = transcript({})
    for role, who in ((Role.HOMEROOM, "homeroom"), (Role.HEAD, "principal")):
        signer = people[who].signer()
        document = sign_transcript(document, role, signer, level=Level.B_LTA, timestamper=authority, evidence=authority)
    manifest = f'<Object><Manifest Id="m">{reference("#d")}</Manifest></Object>'
    own = x509(people["teacher"].certificate)
    listed = composed(SMALL, [reference("#m")], rsa_sha256(people["teacher"]), key_info=own, objects=manifest)
    return [document, listed]


@pytest.fixture(scope="module")
def signature(people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    return sign_cades(DATA, people["curve"].signer(), level=Level.B_LTA, timestamper=authority, evidence=authority)


@pytest.fixture(scope="module")
def package(people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    return make_package(FILES, people["curve"].signer(), level=Level.B_LTA, timestamper=authority, evidence=authority)


def codes(report: Report) -> set[str]:
    return {each.code for each in (*report.findings, *(f for s in report.signatures for f in s.findings))}


def torn(xml: bytes, data: st.DataObject) -> bytes:
    """The document with an element removed, doubled, moved, renamed, refilled, or with another attribute."""
    root = etree.fromstring(xml)
    for _ in range(data.draw(st.integers(1, 3))):
        elements = [each for each in root.iter() if isinstance(each.tag, str)]
        one, other = (elements[data.draw(st.integers(0, len(elements) - 1))] for _ in range(2))
        parent = one.getparent()
        match data.draw(st.integers(0, 6)):
            case 0 if parent is not None:
                parent.remove(one)
            case 1 if parent is not None:
                one.addnext(etree.fromstring(etree.tostring(one, with_tail=False)))
            case 2 if one not in other.iterancestors() and one is not other and parent is not None:
                other.append(one)
            case 3:
                one.text = data.draw(st.sampled_from(WORDS))
            case 4:
                one.set(data.draw(st.sampled_from(NAMES)), data.draw(st.sampled_from(WORDS)))
            case 5:
                one.tag = other.tag
            case _:
                one.append(etree.Comment("x"))
    return etree.tostring(root)


def values(der: bytes, start: int = 0, end: int | None = None, depth: int = 0) -> list[Node]:
    """Every value of a DER structure, as deep as it can be read."""
    found: list[Node] = []
    try:
        for node in siblings(der, start, len(der) if end is None else end):
            found.append(node)
            if node.tag & 0x20 and depth < 12:
                found += values(der, node.body, node.end, depth + 1)
    except Fault:
        pass
    return found


def rewritten(der: bytes, data: st.DataObject) -> bytes:
    """A value removed, doubled, swapped for another or of another kind, with the lengths around it mended."""
    nodes = values(der)
    one, other = (nodes[data.draw(st.integers(0, len(nodes) - 1))] for _ in range(2))
    new = data.draw(st.sampled_from([b"", one.raw * 2, other.raw, bytes([one.tag ^ 0x20]) + one.raw[1:], one.raw[:-1] + b"\0"]))
    content = bytearray(der[: one.start] + new + der[one.end :])
    change = len(new) - len(one.raw)
    for node in nodes:
        width = node.body - node.start - 2
        size = node.end - node.body + change
        if node.start < one.start and one.end <= node.end and node.tag & 0x20 and width > 0 and 0 <= size < 256**width:
            content[node.start + 2 : node.body] = size.to_bytes(width, "big")
    return bytes(content)


@often
@given(data=st.data())
def test_documents_put_together_wrongly(data: st.DataObject, documents: list[bytes], trust: Trust) -> None:
    """Whatever is done to the elements: what passes still holds the name and the text that were signed."""
    original = documents[data.draw(st.integers(0, 1))]
    changed = torn(original, data)
    report = verify_xml(changed, trust)

    assert not codes(report) & SURPRISES
    assert report.to_json()
    if report.verdict is Verdict.TOTAL_PASSED:
        assert (
            "Trần Thị Ơn".encode() in changed
            or "Một &amp; hai".encode() in changed
            or b"M&#7897;t &amp; hai" in changed
            or (b"Tr&#7847;n Th&#7883; &#416;n" in changed)
        )


@often
@given(data=st.data())
def test_signatures_put_together_wrongly(data: st.DataObject, signature: bytes, trust: Trust) -> None:
    """Whatever is done to the values of a CMS: no surprise, and never a signature of another file."""
    changed = rewritten(signature, data)

    assert not codes(verify_cades(DATA, changed, trust)) & SURPRISES
    assert verify_cades(DATA + b"x", changed, trust).verdict is not Verdict.TOTAL_PASSED


@often
@given(data=st.data())
def test_packages_put_together_wrongly(data: st.DataObject, package: bytes, trust: Trust) -> None:
    """Entries dropped, swapped, added and rewritten: what passes has the files that were signed."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(data.draw(st.integers(1, 2))):
        names = sorted(entries)
        one, other = (names[data.draw(st.integers(0, len(names) - 1))] for _ in range(2))
        match data.draw(st.integers(0, 4)):
            case 0 if len(names) > 1:
                del entries[one]
            case 1:
                entries[one], entries[other] = entries[other], entries[one]
            case 2:
                added = ("signature009.p7s", "timestamp009.tst", "ASiCManifest009.xml", "signatures.xml")
                entries[f"META-INF/{data.draw(st.sampled_from(added))}"] = entries[one]
            case 3 if one.endswith((".p7s", ".tst")) and values(entries[one]):
                entries[one] = rewritten(entries[one], data)
            case _:
                entries[one] = entries[one][: data.draw(st.integers(0, len(entries[one])))]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    report = verify_package(stream.getvalue(), trust)

    assert not codes(report) & SURPRISES
    if report.verdict is Verdict.TOTAL_PASSED:
        held = {name: content for name, content in entries.items() if not name.startswith("META-INF/") and name != "mimetype"}
        assert held == FILES
