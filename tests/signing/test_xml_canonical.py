"""Our canonical form against the one of libxml2, and signatures of other programs."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureMethod
from signxml.signer import XMLSigner
from signxml.verifier import SignatureConfiguration
from signxml.xades.xades import XAdESSigner, XAdESVerifier

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.keys.file import FileSigner
from signing.xml import prepare_xml, sign_xml, verify_xml
from signing.xml.canonical import METHODS, canonical
from signing.xml.sign import PreparedXml, finish_xml
from signing.xml.tree import BadXml, read_document
from tests.signing.xml_documents import transcript, xmlsec_says

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"

names = st.sampled_from(["a", "b", "p:a", "q:b", "r:c"])
values = st.text(st.sampled_from("ơx<>&\"'\t\n\r \u0111]"), max_size=6)
declarations = st.dictionaries(st.sampled_from(["", ":p", ":q"]), st.sampled_from(["urn:1", "urn:2", "urn:3"]), max_size=3)


def escaped(text: str) -> str:
    for old, new in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("\r", "&#13;"),
        ("\t", "&#9;"),
        ("\n", "&#10;"),
    ):
        text = text.replace(old, new)
    return text


@st.composite
def elements(draw: st.DrawFn, depth: int = 3) -> str:
    """An element with declarations, attributes, text, comments, instructions, CDATA."""
    name = draw(names)
    spaces = {f"xmlns{prefix}": uri for prefix, uri in draw(declarations).items()}
    if draw(st.booleans()) and depth < 3:
        spaces["xmlns"] = ""
    plain = draw(st.dictionaries(st.sampled_from(["k", "p:k", "q:m", "xml:lang", "n"]), values, max_size=3))
    inside = st.one_of(
        values.map(escaped),
        st.sampled_from(["<!-- c -->", "<?i d?>", "<?i?>", "<![CDATA[<&]]>", "&#x1F600;"]),
        *([elements(depth=depth - 1)] if depth else []),
    )
    attributes = "".join(f' {key}="{escaped(value)}"' for key, value in (*spaces.items(), *plain.items()))
    return f"<{name}{attributes}>{''.join(draw(st.lists(inside, max_size=4)))}</{name}>"


def documents(inner: str) -> bytes:
    return f'<?y?><!-- z --><r:o xmlns:p="urn:1" xmlns:q="urn:q" xmlns:r="urn:r" xmlns="urn:d">{inner}</r:o><?y?>'.encode()


@settings(max_examples=200, deadline=None)
@given(inner=elements())
def test_the_canonical_form_is_that_of_libxml2(inner: str) -> None:
    """Whole documents, inclusive and exclusive, with comments and without: byte for byte."""
    content = documents(inner)
    try:
        tree = etree.fromstring(content).getroottree()
    except etree.XMLSyntaxError:
        with pytest.raises(Exception, match="twice"):  # two attributes of one name under two prefixes
            read_document(content)
        return
    document = read_document(content)
    for method in METHODS.values():
        expected = etree.tostring(tree, method="c14n", exclusive=method.exclusive, with_comments=method.comments)

        assert canonical(document, method) == expected


@settings(max_examples=100, deadline=None)
@given(inner=elements())
def test_an_exclusive_form_does_not_depend_on_what_is_around(inner: str) -> None:
    """What exclusive canonicalisation is for: an element reads the same when other, unused namespaces are declared above it."""
    try:
        one, other = (
            read_document(documents(inner).replace(b"<r:o ", b"<r:o " + more)) for more in (b"", b'xmlns:u="urn:u" k="2" ')
        )
    except BadXml:
        return
    first, second = (next(iter(each.root.elements())) for each in (one, other))

    assert canonical(first, METHODS[EXCLUSIVE]) == canonical(second, METHODS[EXCLUSIVE])
    assert b"urn:u" in canonical(second, METHODS[C14N])


def test_an_element_of_a_document_carries_the_namespaces_and_language_above_it() -> None:
    """Inclusive form of a part: every namespace in force, and xml:lang; 1.1 does not inherit xml:id, 1.0 does."""
    document = read_document(b'<r xmlns="urn:r" xmlns:z="urn:z" xml:lang="vi" xml:id="i"><a z:k="1"><b xmlns=""/></a></r>')
    part = next(iter(document.root.elements()))

    assert canonical(part, METHODS[C14N]) == (
        b'<a xmlns="urn:r" xmlns:z="urn:z" xml:id="i" xml:lang="vi" z:k="1"><b xmlns=""></b></a>'
    )
    assert b"xml:id" not in canonical(part, METHODS["http://www.w3.org/2006/12/xml-c14n11"])
    assert canonical(part, METHODS[EXCLUSIVE]) == b'<a xmlns="urn:r" xmlns:z="urn:z" z:k="1"><b xmlns=""></b></a>'


def test_places_in_the_bytes_are_exact() -> None:
    """Where each element begins and ends, empty ones included."""
    content = '<r><a/><b x="/">ơ</b><c></c><d><e /></d></r>'.encode()
    found = {each.local: content[each.start : each.end].decode() for each in read_document(content).root.walk()}

    assert found | {"r": ""} == {"r": "", "a": "<a/>", "b": '<b x="/">ơ</b>', "c": "<c></c>", "d": "<d><e /></d>", "e": "<e />"}


# Other programs' signatures


def pem_of(issued: Issued) -> tuple[bytes, bytes]:
    key, certificate, _ = pkcs12.load_key_and_certificates(issued.path.read_bytes(), issued.pin.encode())
    assert key is not None
    assert certificate is not None
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), certificate.public_bytes(Encoding.PEM)


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    """With the issuing CA at hand: what other programs make carries the signer's certificate alone."""
    return Trust.of_certificates([authority.root, *authority.chain])


FORMS = [
    CanonicalizationMethod.CANONICAL_XML_1_0,
    CanonicalizationMethod.CANONICAL_XML_1_1,
    CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
]
DOCUMENTS = {
    "plain": b'<r><DATA Id="d">hai</DATA><place/></r>',
    "namespaces above": b'<r xmlns="urn:r" xmlns:z="urn:z"><DATA Id="d">hai</DATA><place/></r>',
    "language above": b'<r xml:lang="vi"><DATA Id="d">hai</DATA><place/></r>',
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", list(DOCUMENTS))
def test_of_what_signxml_signs_we_say_what_xmlsec_says(
    kind: str,
    form: CanonicalizationMethod,
    authority: DemoAuthority,
    people: Mapping[str, Issued],
    trust: Trust,
    tmp_path: Path,
) -> None:
    """Enveloped XML-DSig in three forms. signxml does not inherit xml:lang, so its inclusive forms are wrong under one."""
    key, certificate = pem_of(people["teacher"])
    signed = XMLSigner(c14n_algorithm=form).sign(etree.fromstring(DOCUMENTS[kind]), key=key, cert=certificate.decode())
    content = etree.tostring(signed)
    path, issuing = tmp_path / "signed.xml", tmp_path / "issuing.pem"
    path.write_bytes(content)
    issuing.write_bytes(x509.load_der_x509_certificate(authority.chain[0]).public_bytes(Encoding.PEM))
    command = [
        "xmlsec1",
        "--verify",
        "--trusted-pem",
        str(authority.trust_pem()[0]),
        "--untrusted-pem",
        str(issuing),
        str(path),
    ]
    accepted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    assert verify_xml(content, trust).verdict is (Verdict.TOTAL_PASSED if accepted else Verdict.TOTAL_FAILED)
    assert accepted == (kind != "language above" or form is FORMS[2])
    assert verify_xml(content.replace(b"hai", b"ba"), trust).verdict is Verdict.TOTAL_FAILED


def test_what_signxml_signs_with_a_curve_is_valid_here(people: Mapping[str, Issued], trust: Trust) -> None:
    """R and s side by side, as XML writes them."""
    key, certificate = pem_of(people["curve"])
    signer = XMLSigner(signature_algorithm=SignatureMethod.ECDSA_SHA256)
    content = etree.tostring(signer.sign(etree.fromstring(DOCUMENTS["plain"]), key=key, cert=certificate.decode()))

    assert verify_xml(content, trust).verdict is Verdict.TOTAL_PASSED


def test_what_signxml_signs_with_pss_is_valid_here(people: Mapping[str, Issued], trust: Trust) -> None:
    """RSASSA-PSS, which TT 15/2025/TT-BKHCN names for RSA; and ours in PSS is accepted by signxml."""
    key, certificate = pem_of(people["teacher"])
    signer = XMLSigner(signature_algorithm=SignatureMethod.SHA256_RSA_MGF1)
    content = etree.tostring(signer.sign(etree.fromstring(DOCUMENTS["plain"]), key=key, cert=certificate.decode()))
    with FileSigner.open(people["teacher"].uri + "?padding=pss", lambda _: "123456") as ours:
        signed = sign_xml(DOCUMENTS["plain"], reference_id="d", place="place", signer=ours)
    wanted = SignatureConfiguration(location="./place/", expect_references=2)

    assert verify_xml(content, trust).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(signed, trust).verdict is Verdict.TOTAL_PASSED
    assert XAdESVerifier().verify(signed, x509_cert=certificate.decode(), expect_config=wanted)


def test_xades_by_signxml_has_its_level(people: Mapping[str, Issued], trust: Trust) -> None:
    """XAdES baseline B-B with a claimed time."""
    key, certificate = pem_of(people["teacher"])
    tree = etree.fromstring(DOCUMENTS["plain"])
    signed = XAdESSigner(c14n_algorithm=FORMS[1]).sign(tree, key=key, cert=certificate.decode())
    report = verify_xml(etree.tostring(signed), trust)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert report.signatures[0].level is Level.B_B
    assert report.signatures[0].claimed_time is not None


def test_xades_by_signxml_in_exclusive_form_is_not_valid(people: Mapping[str, Issued], trust: Trust) -> None:
    """A known fault of that program: the digest of the signed properties is wrong. xmlsec1 refuses it too."""
    key, certificate = pem_of(people["teacher"])
    tree = etree.fromstring(DOCUMENTS["plain"])
    signed = XAdESSigner(c14n_algorithm=FORMS[2]).sign(tree, key=key, cert=certificate.decode())

    assert verify_xml(etree.tostring(signed), trust).verdict is Verdict.TOTAL_FAILED


# Ours, everywhere


@pytest.mark.parametrize("key", ["rsa2048", "rsa3072", "p256", "p384"])
def test_every_kind_of_key_signs_what_xmlsec_accepts(key: str, authority: DemoAuthority, roots: Path, tmp_path: Path) -> None:
    """RSA PKCS#1 and both curves."""
    person = authority.issue(f"Khóa {key}", f"T:{key}", key=key)
    signed = sign_xml(transcript(), reference_id="data", place="PHAT_HANH_HOC_BA/CBQL", signer=person.signer())

    assert xmlsec_says(signed, 0, roots, tmp_path) == "OK"


def test_a_key_in_its_owner_s_hands(people: Mapping[str, Issued], trust: Trust) -> None:
    """Prepared, stored, signed days later elsewhere, finished; a value by somebody else is refused."""
    person = people["principal"]
    prepared = prepare_xml(
        transcript(), reference_id="data", place="PHAT_HANH_HOC_BA/CBQL", certificate=person.certificate, chain=person.chain
    )
    stored = PreparedXml.from_bytes(prepared.to_bytes())
    with person.signer() as signer:
        value = signer.sign(stored.to_sign, stored.digest)
    with people["teacher"].signer() as signer:
        wrong = signer.sign(stored.to_sign, stored.digest)

    assert verify_xml(finish_xml(stored, value, current=transcript()), trust).signatures[0].intact
    with pytest.raises(Exception, match="was not made from these data"):
        finish_xml(stored, wrong)
    with pytest.raises(Exception, match="has changed since"):
        finish_xml(stored, value, current=transcript() + b" ")
