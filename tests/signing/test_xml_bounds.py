"""What hostile XML may cost: a few megabytes, each made so that one step of the verification would take minutes."""

import hashlib
import re
import time
from base64 import b64encode
from collections.abc import Callable, Mapping

import pytest

from signing import DemoAuthority, Issued, Trust, Verdict
from signing.xml import verify_xml
from signing.xml.algorithms import DS
from signing.xml.canonical import DEFAULT, canonical
from signing.xml.tree import MAX_NAMESPACES, MAX_SIGNATURES, BadXml, read_document
from tests.signing.test_xml_shapes import XPATHS
from tests.signing.xml_documents import rsa_sha256, x509

EMPTY = f"<Signature xmlns='{DS}'/>"
SECONDS = 8.0  # of processor: the slowest takes three; before there were bounds each took more than ten, most of them minutes


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root, *authority.chain])


def namespaces() -> str:
    """Each of many elements declares one more beside thousands."""
    declared = [" ".join(f'xmlns:p{level}x{each}="u:"' for each in range(255)) for level in range(90)]
    return "<r>" + "".join(f"<a {each}>" for each in declared) + '<b xmlns:q="u:"/>' * 100_000 + "</a>" * 90 + EMPTY + "</r>"


def teachers() -> str:
    """Of each of many places for a teacher it is asked which results are theirs."""
    places = '<GVBM Id="x"/>' * 40_000
    return f"<root><DU_LIEU_HOC_BA><DANH_SACH_GVBM>{places}</DANH_SACH_GVBM></DU_LIEU_HOC_BA>{EMPTY}</root>"


def results() -> str:
    """Results in results, each of which is searched for a teacher."""
    deep = "<DIEM_TONG_KET>" * 80 + "<x/>" * 50_000 + "</DIEM_TONG_KET>" * 80
    places = '<GVBM Id="x"/>' * 100
    return f"<root><DU_LIEU_HOC_BA>{deep}<DANH_SACH_GVBM>{places}</DANH_SACH_GVBM></DU_LIEU_HOC_BA>{EMPTY}</root>"


HOSTILE: Mapping[str, Callable[[], str]] = {
    "a namespace more beside thousands": namespaces,
    "places for teachers": teachers,
    "results in results": results,
    "signatures": lambda: f"<r>{EMPTY * 100_000}</r>",
    "signatures among many children": lambda: "<r>" + "<x/>" * 180_000 + EMPTY * 256 + "</r>",
    "texts that are cut, far down": lambda: "<a>" * 90 + "<b>1<!-- -->2</b>" * 60_000 + EMPTY + "</a>" * 90,
    "attributes": lambda: "<r>" + ("<a " + " ".join(f'b{n}="1"' for n in range(255)) + "/>") * 15_000 + EMPTY + "</r>",
    "long identifiers": lambda: "<r>" + "".join(f'<a Id="{"x" * 100}{n}"/>' for n in range(100_000)) + EMPTY + "</r>",
}


@pytest.mark.parametrize("kind", list(HOSTILE))
def test_no_document_takes_long(kind: str, trust: Trust) -> None:
    """The signature in it is empty: none of this is worth more than a moment."""
    content = HOSTILE[kind]().encode()
    begin = time.process_time()
    report = verify_xml(content, trust)

    assert report.verdict in {Verdict.TOTAL_FAILED, Verdict.UNREADABLE}
    assert time.process_time() - begin < SECONDS


def sound(issued: Issued, ids: list[str], transforms: str = "", *, form: str = '<e Id="%s"></e>') -> str:
    """A signature in order, over empty elements with these Ids."""
    values = [b64encode(hashlib.sha256((form % each).encode()).digest()).decode() for each in ids]
    method = '<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    references = "".join(
        f'<Reference URI="#{each}">{transforms}{method}<DigestValue>{value}</DigestValue></Reference>'
        for each, value in zip(ids, values, strict=True)
    )
    algorithm = '<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>'
    info = f'<CanonicalizationMethod Algorithm="{DEFAULT.uri}"/>{algorithm}{references}</SignedInfo>'
    alone = read_document(f'<SignedInfo xmlns="{DS}">{info}'.encode()).root
    value = b64encode(rsa_sha256(issued)(canonical(alone, DEFAULT))).decode()
    key_info = f"<KeyInfo>{x509(issued.certificate)}</KeyInfo>"
    return f'<Signature xmlns="{DS}"><SignedInfo>{info}<SignatureValue>{value}</SignatureValue>{key_info}</Signature>'


def test_fifty_thousand_sound_references(people: Mapping[str, Issued], trust: Trust) -> None:
    """250 signatures of 200 references each, all of them right: judged, and bounded."""
    one = sound(people["teacher"], ["e"] * 200)
    content = f"<r><e Id='e'/>{one * 250}</r>".encode()
    begin = time.process_time()
    report = verify_xml(content, trust)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert time.process_time() - begin < 2 * SECONDS


def test_references_that_leave_thousands_of_signatures_out(people: Mapping[str, Issued], trust: Trust) -> None:
    """Each of 1,000 elements "without all signatures", beside 4,000 of them: in order, and soon done."""
    ids = [f"e{number}" for number in range(1000)]
    transform = re.sub(r"\s+", " ", XPATHS["all signatures"])
    one = sound(people["teacher"], ids, f"<Transforms>{transform}</Transforms>")
    elements = "".join(f"<e Id='{each}'/>" for each in ids)
    begin = time.process_time()
    report = verify_xml(f"<r>{elements}{one}{EMPTY * 4000}</r>".encode(), trust)

    assert report.signatures[0].intact
    assert "TOO_MANY_SIGNATURES" in {each.code for each in report.findings}
    assert time.process_time() - begin < SECONDS


def spaces(prefix: str, number: int) -> str:
    return " ".join(f'xmlns:{prefix}{each}="urn:{each}"' for each in range(number))


def test_what_real_documents_have_is_far_below() -> None:
    """A packed class of a thousand signatures and two hundred namespaces in force are read; the bounds are exact."""
    inner = MAX_NAMESPACES - 201  # "xml" is in force everywhere

    assert len(read_document(f"<r {spaces('p', 200)}>{EMPTY * 1000}</r>".encode()).signatures) == 1000
    assert read_document(f"<r {spaces('p', 200)}><a {spaces('q', inner)}/></r>".encode())
    assert read_document(f"<r>{EMPTY * MAX_SIGNATURES}</r>".encode())
    for content in (
        f"<r {spaces('p', 200)}><a {spaces('q', inner + 1)}/></r>",
        f"<r>{EMPTY * (MAX_SIGNATURES + 1)}</r>",
    ):
        with pytest.raises(BadXml):
            read_document(content.encode())
