"""The shapes that XML signatures of other programs have: keys without certificates, hints, manifests, transforms, encodings."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_der_x509_certificate

from signing import DemoAuthority, Issued, Level, Trust, Verdict
from signing.keys.algorithms import read_certificate
from signing.report import Changes, Report, SubIndication
from signing.xml import verify_xml
from signing.xml.algorithms import DS, MANIFEST, MORE, NEWER, RFC9231, SIGNED_PROPERTIES, XADES
from tests.signing.xml_documents import SMALL, composed, handmade, key_of, reference, rsa_sha256, x509, xmlsec_accepts

C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
BASE64 = DS + "base64"
DATA = reference("#d")


@pytest.fixture(scope="module")
def trust(authority: DemoAuthority) -> Trust:
    return Trust.of_certificates([authority.root, *authority.chain])


@pytest.fixture(scope="module")
def ana(people: Mapping[str, Issued]) -> Issued:
    return people["teacher"]


def codes(report: Report) -> set[str]:
    return {each.code for each in report.findings} | {f.code for each in report.signatures for f in each.findings}


def number(value: int) -> str:
    return b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode()


def key_value(key: rsa.RSAPublicKey) -> str:
    numbers = key.public_numbers()
    modulus, exponent = number(numbers.n), number(numbers.e)
    return f"<KeyValue><RSAKeyValue><Modulus>{modulus}</Modulus><Exponent>{exponent}</Exponent></RSAKeyValue></KeyValue>"


# Whose key it is


def test_a_bare_key_says_that_nothing_was_changed_and_not_who_signed(ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """Anybody can make a key: the integrity is told, the verdict is that no certificate was found (102-1, 5.2.3)."""
    signed = composed(SMALL, [DATA], rsa_sha256(ana), key_info=key_value(key_of(ana).public_key()))
    report = verify_xml(signed, trust)
    changed = verify_xml(signed.replace(b"hai", b"ba"), trust).signatures[0]

    assert xmlsec_accepts(signed, tmp_path)
    assert (report.verdict, report.signatures[0].sub_indication) == (
        Verdict.INDETERMINATE,
        SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
    )
    assert (report.signatures[0].intact, report.signatures[0].signer) == (True, None)
    assert (changed.verdict, changed.sub_indication, changed.changes_after, changed.intact) == (
        Verdict.TOTAL_FAILED,
        SubIndication.HASH_FAILURE,
        Changes.FORBIDDEN,
        False,
    )


def curve_point(key: ec.EllipticCurvePublicKey) -> str:
    point = b64encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).decode()
    space = 'xmlns="http://www.w3.org/2009/xmldsig11#"'
    named = f'<NamedCurve URI="urn:oid:1.2.840.10045.3.1.7"/><PublicKey>{point}</PublicKey>'
    return f"<KeyValue><ECKeyValue {space}>{named}</ECKeyValue></KeyValue>"


def raw(der: bytes, size: int) -> bytes:
    r, s = utils.decode_dss_signature(der)
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def test_bare_keys_of_every_kind(trust: Trust) -> None:
    """P-256, DSA and Ed25519, by their values or as DER."""
    curve, old, edwards = (
        ec.generate_private_key(ec.SECP256R1()),
        dsa.generate_private_key(2048),
        ed25519.Ed25519PrivateKey.generate(),
    )
    numbers = old.public_key().public_numbers()
    p, q, g = (number(getattr(numbers.parameter_numbers, each)) for each in "pqg")
    old_value = f"<KeyValue><DSAKeyValue><P>{p}</P><Q>{q}</Q><G>{g}</G><Y>{number(numbers.y)}</Y></DSAKeyValue></KeyValue>"
    der = b64encode(edwards.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    given = (
        (MORE + "ecdsa-sha256", lambda d: raw(curve.sign(d, ec.ECDSA(hashes.SHA256())), 32), curve_point(curve.public_key())),
        ("http://www.w3.org/2009/xmldsig11#dsa-sha256", lambda d: raw(old.sign(d, hashes.SHA256()), 32), old_value),
        (
            RFC9231 + "eddsa-ed25519",
            edwards.sign,
            f'<DEREncodedKeyValue xmlns="http://www.w3.org/2009/xmldsig11#">{der}</DEREncodedKeyValue>',
        ),
    )
    for algorithm, sign, key_info in given:
        report = verify_xml(composed(SMALL, [DATA], sign, key_info=key_info, algorithm=algorithm), trust)

        assert report.signatures[0].intact
        assert codes(report) >= {"KEY_WITHOUT_CERTIFICATE"}


def test_a_bare_key_beside_somebody_else_s_certificate(ana: Issued, people: Mapping[str, Issued], trust: Trust) -> None:
    """The certificate is whom a reader would see: it must have made the value, and did not."""
    other = x509(people["principal"].certificate)
    own = key_value(key_of(ana).public_key())
    for key_info in (own + other, other + own):
        report = verify_xml(composed(SMALL, [DATA], rsa_sha256(ana), key_info=key_info), trust)

        assert report.signatures[0].sub_indication is SubIndication.SIG_CRYPTO_FAILURE
        assert not report.signatures[0].intact


def hints(issued: Issued) -> dict[str, str]:
    read = load_der_x509_certificate(issued.certificate)
    issuer, serial = read.issuer.rfc4514_string(), read.serial_number
    from cryptography.x509 import SubjectKeyIdentifier

    key_id = b64encode(read.extensions.get_extension_for_class(SubjectKeyIdentifier).value.digest).decode()
    digest = b64encode(hashlib.sha256(issued.certificate).digest()).decode()
    return {
        "issuer and serial number": f"<X509IssuerSerial><X509IssuerName>{issuer}</X509IssuerName>"
        f"<X509SerialNumber>{serial}</X509SerialNumber></X509IssuerSerial>",
        "key id": f"<X509SKI>{key_id}</X509SKI>",
        "digest": '<X509Digest xmlns="http://www.w3.org/2009/xmldsig11#" '
        f'Algorithm="http://www.w3.org/2001/04/xmlenc#sha256">{digest}</X509Digest>',
        "subject": f"<X509SubjectName>{read.subject.rfc4514_string()}</X509SubjectName>",
    }


@pytest.mark.parametrize("hint", ["issuer and serial number", "key id", "digest", "subject"])
def test_a_certificate_that_only_the_trust_bundle_holds(
    hint: str, ana: Issued, authority: DemoAuthority, people: Mapping[str, Issued], trust: Trust
) -> None:
    """KeyInfo names it and does not bring it; without the bundle nobody is found, and another one's hint finds nobody else."""
    knows = Trust.of_certificates([authority.root, *authority.chain, ana.certificate, people["principal"].certificate])
    signed, stolen = (
        composed(SMALL, [DATA], rsa_sha256(ana), key_info=f"<X509Data>{hints(who)[hint]}</X509Data>")
        for who in (ana, people["principal"])
    )

    assert verify_xml(signed, knows).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(signed, knows).signatures[0].signer == "Nguyễn Thị Ánh Tuyết"
    assert verify_xml(signed, trust).signatures[0].sub_indication is SubIndication.NO_SIGNING_CERTIFICATE_FOUND
    assert verify_xml(stolen, knows).signatures[0].sub_indication is SubIndication.SIG_CRYPTO_FAILURE


def test_several_x509data_in_any_order(ana: Issued, authority: DemoAuthority, roots: Path) -> None:
    """The chain in other elements, the signer's certificate last."""
    key_info = x509(authority.chain[0]) + x509(authority.root, ana.certificate)
    report = verify_xml(composed(SMALL, [DATA], rsa_sha256(ana), key_info=key_info), Trust.load(roots))

    assert (report.verdict, report.signatures[0].certificate) == (Verdict.TOTAL_PASSED, ana.certificate)


# Algorithms


@pytest.mark.parametrize("name", ["sha256", "sha384", "sha512"])
def test_pss_by_its_names(name: str, ana: Issued, trust: Trust) -> None:
    """RFC 6931, 2.3.10: the salt is as long as the digest; another length is another signature."""
    digest = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}[name]
    key, own = key_of(ana), x509(ana.certificate)
    for salt, passes in ((digest.digest_size, True), (20, False)):
        pss = padding.PSS(padding.MGF1(digest), salt)

        def sign(data: bytes, pss: padding.PSS = pss) -> bytes:
            return key.sign(data, pss, digest)

        signed = composed(SMALL, [DATA], sign, key_info=own, algorithm=f"{NEWER}{name}-rsa-MGF1")

        assert verify_xml(signed, trust).signatures[0].intact is passes


def test_ecdsa_values_are_two_numbers_and_no_der(people: Mapping[str, Issued], trust: Trust) -> None:
    """XML-DSig 1.1, 6.4.3; a DER value is another format."""
    curve = people["curve"].signer()
    own = x509(people["curve"].certificate)
    for value, passes in (
        (lambda data: raw(curve.sign(data, "sha256"), 32), True),
        (lambda data: curve.sign(data, "sha256"), False),
    ):
        signed = composed(SMALL, [DATA], value, key_info=own, algorithm=MORE + "ecdsa-sha256")

        assert verify_xml(signed, trust).signatures[0].intact is passes


def test_the_public_key_as_shared_secret(ana: Issued, trust: Trust) -> None:
    """HMAC with what everybody knows: whoever can check it can make it. Under any name of an HMAC."""
    import hmac

    secret = ana.certificate
    for name in (DS + "hmac-sha1", MORE + "hmac-sha256", NEWER + "HMAC-sha3"):
        signed = composed(
            SMALL, [DATA], lambda data: hmac.digest(secret, data, "sha256"), key_info=x509(ana.certificate), algorithm=name
        )

        assert verify_xml(signed, trust).verdict is Verdict.TOTAL_FAILED
        assert codes(verify_xml(signed, trust)) >= {"HMAC_REFUSED"}


def test_an_unknown_digest_is_nobody_s_fault(ana: Issued, trust: Trust) -> None:
    """Nothing can be concluded."""
    signed = handmade(ana, digest_uri="http://www.w3.org/2001/04/xmlenc#ripemd160")

    assert verify_xml(signed, trust).signatures[0].sub_indication is SubIndication.CRYPTO_CONSTRAINTS_FAILURE


# What is signed


def test_the_content_of_an_enveloping_signature(ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """As text in base64, which is how EU DSS writes it, and as elements: all of the document is signed."""
    content = b64encode("Quyết định".encode()).decode()
    for objects, transforms in (
        (f'<Object Id="d">{content}</Object>', (BASE64,)),
        ('<Object Id="d"><x xmlns="">text</x></Object>', (C14N,)),
    ):
        given = composed(
            b"<place/>", [reference("#d", *transforms)], rsa_sha256(ana), key_info=x509(ana.certificate), objects=objects
        )
        signed = given.removeprefix(b"<place>").removesuffix(b"</place>")
        report = verify_xml(signed, trust)

        assert xmlsec_accepts(signed, tmp_path)
        assert (report.verdict, report.signatures[0].covers_whole_file) == (Verdict.TOTAL_PASSED, True)
        assert verify_xml(signed.replace(b"</Object>", b"AAAA</Object>"), trust).verdict is Verdict.TOTAL_FAILED


def test_of_base64_only_the_text_is_signed(ana: Issued, trust: Trust) -> None:
    """Elements inside would be stripped away before hashing: not followed. Attributes are nobody's, and named."""
    document = b'<r><d Id="d">aGVsbG8=</d><place/></r>'
    signed = composed(document, [reference("#d", BASE64)], rsa_sha256(ana), key_info=x509(ana.certificate))
    inside = verify_xml(signed.replace(b"aGVs", b'aGVs<mark value="10"/>'), trust)
    beside = verify_xml(signed.replace(b'<d Id="d">', b'<d Id="d" mark="10">'), trust)
    told = [each.message for each in beside.findings if each.code == "UNSIGNED_PARTS"]

    assert any("base64: /r/d" in each.message for each in verify_xml(signed, trust).signatures[0].findings)
    assert (inside.verdict, "TRANSFORM_REFUSED" in codes(inside)) == (Verdict.INDETERMINATE, True)
    assert "/r/d/@mark" in told[0]


XPATHS = {
    "all signatures": f'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath xmlns:q="{DS}">'
    "not(ancestor-or-self::q:Signature)</XPath></Transform>",
    "this one": f'<Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"><XPath xmlns:q="{DS}">\n'
    "count(ancestor-or-self::q:Signature | here()/ancestor::q:Signature[1]) &gt; count(ancestor-or-self::q:Signature)"
    "</XPath></Transform>",
    "filtered, all": '<Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><XPath Filter="subtract" '
    f'xmlns="http://www.w3.org/2002/06/xmldsig-filter2" xmlns:q="{DS}"> /descendant::q:Signature </XPath></Transform>',
    "filtered, this one": '<Transform Algorithm="http://www.w3.org/2002/06/xmldsig-filter2"><XPath Filter="subtract" '
    f'xmlns="http://www.w3.org/2002/06/xmldsig-filter2" xmlns:q="{DS}">here()/ancestor::q:Signature[1]</XPath></Transform>',
}


@pytest.mark.parametrize("how", list(XPATHS))
def test_the_four_path_expressions_that_leave_signatures_out(how: str, ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """EU DSS and the specifications themselves write them; anything else in their place is not evaluated."""
    own = x509(ana.certificate)
    signed = composed(SMALL, [reference("", XPATHS[how], EXCLUSIVE)], rsa_sha256(ana), key_info=own)
    report = verify_xml(signed, trust)
    other = XPATHS[how].replace("q:Signature", "q:Object")

    # Filter 2.0 lets "this one" be seen by xmlsec1 only where libxml2 knows here().
    assert xmlsec_accepts(signed, tmp_path)
    assert (report.verdict, "ENVELOPED" in codes(report)) == (Verdict.TOTAL_PASSED, True)
    assert verify_xml(signed.replace(b"hai", b"ba"), trust).verdict is Verdict.TOTAL_FAILED
    refused = verify_xml(signed.replace(XPATHS[how].encode(), other.encode()), trust)
    assert (refused.verdict, "TRANSFORM_REFUSED" in codes(refused)) == (Verdict.INDETERMINATE, True)


def test_a_prefix_that_means_something_else_is_no_known_expression(ana: Issued, trust: Trust) -> None:
    """`q:Signature` of another namespace would leave other elements out."""
    signed = composed(SMALL, [reference("", XPATHS["all signatures"])], rsa_sha256(ana), key_info=x509(ana.certificate))
    swapped = signed.replace(f'xmlns:q="{DS}"'.encode(), b'xmlns:q="urn:z"')

    assert "TRANSFORM_REFUSED" in codes(verify_xml(swapped, trust))


def test_pointers_keep_comments_and_short_names_do_not(ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """XML-DSig 4.4.3.3: `#xpointer(id('d'))` with a form with comments signs them, `#d` never does."""
    own, with_comments = x509(ana.certificate), C14N + "#WithComments"
    pointed = composed(SMALL, [reference("#xpointer(id('d'))", with_comments)], rsa_sha256(ana), key_info=own)
    short = composed(SMALL, [reference("#d", with_comments)], rsa_sha256(ana), key_info=own)

    assert verify_xml(pointed, trust).verdict is verify_xml(short, trust).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(pointed.replace(b"<!-- x -->", b"<!-- y -->"), trust).verdict is Verdict.TOTAL_FAILED
    assert verify_xml(short.replace(b"<!-- x -->", b"<!-- y -->"), trust).verdict is Verdict.TOTAL_PASSED
    assert xmlsec_accepts(pointed, tmp_path)
    assert xmlsec_accepts(short, tmp_path)


def test_prefixes_that_an_exclusive_form_keeps(ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """InclusiveNamespaces on the reference and on SignedInfo: a namespace above may not be changed then."""
    listed = f'<InclusiveNamespaces xmlns="{EXCLUSIVE}" PrefixList="z #default"/>'
    transform = f'<Transform Algorithm="{EXCLUSIVE}">{listed}</Transform>'
    method = f'<CanonicalizationMethod Algorithm="{EXCLUSIVE}">{listed}</CanonicalizationMethod>'
    document = SMALL.replace(b' z:k="1"', b"")
    signed = composed(document, [reference("#d", transform)], rsa_sha256(ana), key_info=x509(ana.certificate), method=method)

    assert xmlsec_accepts(signed, tmp_path)
    assert verify_xml(signed, trust).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(signed.replace(b'xmlns:z="urn:z"', b'xmlns:z="urn:y"'), trust).verdict is Verdict.TOTAL_FAILED


def manifest(*references: str) -> str:
    return f'<Object><Manifest Id="m">{"".join(references)}</Manifest></Object>'


def test_what_a_manifest_names_is_judged(ana: Issued, trust: Trust, tmp_path: Path) -> None:
    """The signature stands over a list of digests: what has another one was changed, what is not here is not known."""
    own, listed = x509(ana.certificate), reference("#m", kind=MANIFEST)
    signed = composed(SMALL, [listed], rsa_sha256(ana), key_info=own, objects=manifest(reference("#d")))
    far = reference("http://127.0.0.1:9/x").replace("<DigestValue>", "<DigestValue>AAAA")
    unknown = composed(SMALL, [listed], rsa_sha256(ana), key_info=own, objects=manifest(reference("#d"), far))
    report, changed = verify_xml(signed, trust), verify_xml(signed.replace(b"hai", b"ba"), trust)

    assert xmlsec_accepts(signed, tmp_path)
    assert report.verdict is Verdict.TOTAL_PASSED
    assert any("/r/DATA" in each.message for each in report.signatures[0].findings if each.code == "COVERS")
    assert (changed.signatures[0].verdict, changed.signatures[0].sub_indication) == (
        Verdict.TOTAL_FAILED,
        SubIndication.HASH_FAILURE,
    )
    assert "MANIFEST_MISMATCH" in codes(changed)
    assert (verify_xml(unknown, trust).verdict, "MANIFEST_NOT_FOLLOWED" in codes(verify_xml(unknown, trust))) == (
        Verdict.INDETERMINATE,
        True,
    )


def test_files_around_the_document(ana: Issued, trust: Trust) -> None:
    """In a package a reference may name a file, also an XML file in canonical form; nowhere else."""
    files = {"a b.txt": b"text", "c.xml": b"<c  x='1'/>"}
    given = [reference("a%20b.txt"), reference("c.xml", C14N)]
    signed = composed(SMALL, given, rsa_sha256(ana), key_info=x509(ana.certificate), files=files)
    respelled = {**files, "c.xml": b'<c x="1"></c>'}

    assert verify_xml(signed, trust, files=files).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(signed, trust, files=respelled).verdict is Verdict.TOTAL_PASSED
    assert verify_xml(signed, trust, files={**files, "a b.txt": b"other"}).verdict is Verdict.TOTAL_FAILED
    assert verify_xml(signed, trust).signatures[0].sub_indication is SubIndication.SIGNED_DATA_NOT_FOUND


def test_a_countersignature_is_told_as_one(ana: Issued, people: Mapping[str, Issued], trust: Trust) -> None:
    """It covers another signature's value and nothing else; changing that value breaks both."""
    first = handmade(ana, b'<r><DATA Id="d">1</DATA><place/><place2/></r>')
    first = first.replace(b"<SignatureValue>", b'<SignatureValue Id="w">').replace(b'Id="s"', b'Id="t"')
    who = people["principal"]
    kind = "http://uri.etsi.org/01903#CountersignedSignature"
    second = composed(first, [reference("#w", kind=kind)], rsa_sha256(who), key_info=x509(who.certificate), place=b"<place2/>")
    report = verify_xml(second, trust)

    assert report.verdict is Verdict.TOTAL_PASSED
    assert [("COUNTERSIGNATURE" in {f.code for f in each.findings}) for each in report.signatures] == [False, True]


# XAdES of other ages


def xades(namespace: str, certificate: bytes, *, version: int = 2, more: str = "") -> str:
    digest = b64encode(hashlib.sha256(certificate).digest()).decode()
    read = read_certificate(certificate)
    name, serial = read.issuer.rfc4514_string(), read.serial_number
    method = '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    named = (
        f"<IssuerSerial><ds:X509IssuerName>{name}</ds:X509IssuerName><ds:X509SerialNumber>{serial}</ds:X509SerialNumber>"
        "</IssuerSerial>"
        if version == 1
        else ""
    )
    element = "SigningCertificate" + ("V2" if version == 2 else "")
    return (
        f'<Object><QualifyingProperties xmlns="{namespace}" xmlns:ds="{DS}" Target="#s"><SignedProperties Id="p">'
        f"<SignedSignatureProperties><SigningTime>2026-05-20T08:00:00+07:00</SigningTime><{element}><Cert><CertDigest>{method}"
        f"<ds:DigestValue>{digest}</ds:DigestValue></CertDigest>{named}</Cert></{element}>{more}</SignedSignatureProperties>"
        "</SignedProperties></QualifyingProperties></Object>"
    )


def test_the_older_signing_certificate_is_read(ana: Issued, people: Mapping[str, Issued], trust: Trust) -> None:
    """XAdES 1.3.2 with SigningCertificate: the level is B-B, and another certificate in KeyInfo is noticed."""
    given = [DATA, reference("#p", kind=SIGNED_PROPERTIES)]
    signed, other = (
        composed(SMALL, given, rsa_sha256(ana), key_info=x509(ana.certificate), objects=xades(XADES, bound, version=1))
        for bound in (ana.certificate, people["principal"].certificate)
    )

    assert (verify_xml(signed, trust).verdict, verify_xml(signed, trust).signatures[0].level) == (
        Verdict.TOTAL_PASSED,
        Level.B_B,
    )
    assert "SIGNER_CERTIFICATE_MISMATCH" in codes(verify_xml(other, trust))


@pytest.mark.parametrize("version", ["1.1.1", "1.2.2"])
def test_older_xades_is_named_and_its_properties_do_not_count(version: str, ana: Issued, trust: Trust) -> None:
    """The signature itself is judged; its properties are no content, so a signature over them alone covers nothing."""
    space = f"http://uri.etsi.org/01903/v{version}#"
    properties = xades(space, ana.certificate, version=1)
    own = x509(ana.certificate)
    both = composed(SMALL, [DATA, reference("#p")], rsa_sha256(ana), key_info=own, objects=properties)
    alone = composed(SMALL, [reference("#p")], rsa_sha256(ana), key_info=own, objects=properties)
    report = verify_xml(both, trust)

    assert (report.verdict, report.signatures[0].level, "OLD_XADES" in codes(report)) == (Verdict.TOTAL_PASSED, None, True)
    assert "COVERS_NO_DATA" in codes(verify_xml(alone, trust))


def test_a_signature_policy_is_told(ana: Issued, trust: Trust) -> None:
    """Which one the signer names; it is not checked."""
    policy = (
        "<SignaturePolicyIdentifier><SignaturePolicyId><SigPolicyId><Identifier>urn:oid:1.2.3</Identifier></SigPolicyId>"
        "</SignaturePolicyId></SignaturePolicyIdentifier>"
    )
    properties = xades(XADES, ana.certificate, more=policy)
    given = [DATA, reference("#p", kind=SIGNED_PROPERTIES)]
    report = verify_xml(composed(SMALL, given, rsa_sha256(ana), key_info=x509(ana.certificate), objects=properties), trust)

    assert any("urn:oid:1.2.3" in each.message for each in report.signatures[0].findings if each.code == "SIGNATURE_POLICY")


# Bytes and namespaces


def test_the_same_document_in_other_bytes(ana: Issued, trust: Trust) -> None:
    """A mark in front, ISO-8859-1, other line ends, quotes and spaces in tags, character references: all the same to XML."""
    document = b'<r xml:lang="vi"><DATA Id="d" k="1">d\xc3\xa9cision\nline</DATA><place/></r>'
    signed = handmade(ana, document)
    latin = b'<?xml version="1.0" encoding="ISO-8859-1"?>' + signed.decode().encode("latin-1")
    spellings = (
        b"\xef\xbb\xbf" + signed,
        latin,
        signed.replace(b"\n", b"\r\n"),
        signed.replace(b"\n", b"\r"),
        signed.replace(b'Id="d" k="1"', b"k='1'\n  Id = 'd' "),
        signed.replace(b"\xc3\xa9", b"&#233;"),
        signed.replace(b"cision", b"<![CDATA[]]>cision"),
    )
    for each in spellings[:-1]:
        assert verify_xml(each, trust).verdict is Verdict.TOTAL_PASSED
    assert "TEXT_CUT" in codes(verify_xml(spellings[-1], trust))


def test_what_is_not_the_same_to_xml(ana: Issued, trust: Trust) -> None:
    """A reference to a carriage return, white space in the text, another language above, another namespace, an instruction."""
    document = b'<r xmlns="urn:r" xml:lang="vi"><DATA Id="d">a\nb<s xmlns=""/></DATA><place/></r>'
    signed = handmade(ana, document)
    for old, new in (
        (b"a\nb", b"a&#13;\nb"),
        (b"a\nb", b"a\n b"),
        (b'xml:lang="vi"', b'xml:lang="en"'),
        (b'xml:lang="vi"', b'xml:lang="vi" xml:space="preserve"'),
        (b'xmlns="urn:r"', b'xmlns="urn:s"'),
        (b'<s xmlns=""/>', b"<s/>"),
        (b"a\nb", b"a\n<?x y?>b"),
        (b"<DATA ", b'<DATA xmlns:n="urn:n" '),
    ):
        assert old in signed
        assert verify_xml(signed.replace(old, new), trust).verdict is Verdict.TOTAL_FAILED


def test_an_identifier_of_web_services(ana: Issued, trust: Trust) -> None:
    """wsu:Id counts as one: the same value twice is an attack there as well."""
    space = b'xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"'
    signed = handmade(ana, b"<r " + space + b'><DATA w:Id="d">1</DATA><place/></r>')
    doubled = signed.replace(b"</r>", b'<DATA Id="d">2</DATA></r>')

    assert verify_xml(signed, trust).verdict is Verdict.TOTAL_PASSED
    assert "DUPLICATE_ID" in codes(verify_xml(doubled, trust))
