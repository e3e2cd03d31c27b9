"""XML for the tests of signing: a transcript in the ministry's shape, signatures by hand, another program's word on them."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from subprocess import run

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from signing import Trust
from signing.demo import Issued
from signing.xml.algorithms import DS
from signing.xml.canonical import DEFAULT, METHODS, canonical
from signing.xml.covering import signature_elements
from signing.xml.references import Setting, octets_of
from signing.xml.signature import read_reference, read_signature
from signing.xml.tree import read_document

SUBJECTS = {"toan": ("Toán", "gv-toan"), "van": ("Ngữ văn", "gv-van")}


def transcript(subjects: dict[str, tuple[str, str]] | None = None) -> bytes:
    """An unsigned transcript of one pupil."""
    chosen = SUBJECTS if subjects is None else subjects
    results = "".join(
        f'<DIEM_TONG_KET Id="{key}"><MON>{title}</MON><DTB>8,5</DTB><GVBM Id="{teacher}"/></DIEM_TONG_KET>'
        for key, (title, teacher) in chosen.items()
    )
    places = "".join(f'<GVBM Id="{teacher}"/>' for _, teacher in chosen.values())
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<root xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <DU_LIEU_HOC_BA Id="data">
    <THONG_TIN_HOC_BA Id="thongtinhocba"><HO_TEN>Trần Thị Ơn</HO_TEN><LOP>9A</LOP></THONG_TIN_HOC_BA>
    <KET_QUA>{results}</KET_QUA>
    <DANH_SACH_THONG_TIN_KY>
      <DANH_SACH_GVBM>{places}</DANH_SACH_GVBM>
      <GVCN></GVCN>
    </DANH_SACH_THONG_TIN_KY>
  </DU_LIEU_HOC_BA>
  <PHAT_HANH_HOC_BA>
    <SO_PHAT_HANH>12/2027</SO_PHAT_HANH>
    <CBQL/>
    <KY_PHAT_HANH/>
  </PHAT_HANH_HOC_BA>
</root>
""".encode()


def xmlsec_says(xml: bytes, number: int, root: Path, folder: Path) -> str:
    """What xmlsec1 says of the signature with this number: "OK", or what is wrong."""
    path = folder / "signed.xml"
    path.write_bytes(xml)
    signature = signature_elements(read_document(xml))[number]
    names = ("DU_LIEU_HOC_BA", "THONG_TIN_HOC_BA", "DIEM_TONG_KET", "DATA")
    command = ["xmlsec1", "--verify", "--trusted-pem", str(root)]
    for name in (*names, "http://uri.etsi.org/01903/v1.3.2#:SignedProperties", f"{DS}:Signature"):
        command += ["--id-attr:Id", name]
    done = run([*command, "--node-id", signature.attribute("Id") or "", str(path)], capture_output=True, text=True, check=False)
    return done.stderr.splitlines()[0] if done.returncode == 0 else done.stderr


def replaced(xml: bytes, old: str, new: str, count: int = 1) -> bytes:
    """The document with a piece of text replaced; it must be there."""
    assert old.encode() in xml, old
    return xml.replace(old.encode(), new.encode(), count)


SMALL = (
    b'<r xmlns="urn:r" xmlns:z="urn:z" xml:lang="vi"><DATA Id="d" z:k="1">M\xe1\xbb\x99t &amp; hai<!-- x --></DATA><place/></r>'
)


def key_of(issued: Issued) -> rsa.RSAPrivateKey:
    """The private key in a person's file."""
    key, _, _ = pkcs12.load_key_and_certificates(issued.path.read_bytes(), issued.pin.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    return key


def handmade(
    issued: Issued,
    xml: bytes = SMALL,
    *,
    uri: str = 'URI="#d"',
    transforms: tuple[str, ...] = (),
    method: str = DEFAULT.uri,
    algorithm: str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    digest: str = "sha256",
    digest_uri: str = "http://www.w3.org/2001/04/xmlenc#sha256",
    reference_type: str = "",
    place: bytes = b"<place/>",
) -> bytes:
    """A plain XML-DSig signature with whatever is wrong with it otherwise really computed: digest, SignedInfo, value."""
    named = uri.removeprefix('URI="#').removesuffix('"')
    document = read_document(xml)
    found = document.find_ids(named)
    form = next((METHODS[each] for each in transforms if each in METHODS), DEFAULT)
    data = canonical(found[-1] if found else document, form, comments=False)
    value = b64encode(hashlib.new(digest, data).digest()).decode()
    listed = "".join(f'<Transform Algorithm="{each}"/>' for each in transforms)
    kind = f' Type="{reference_type}"' if reference_type else ""
    info = (
        f'<SignedInfo><CanonicalizationMethod Algorithm="{method}"/><SignatureMethod Algorithm="{algorithm}"/>'
        f"<Reference {uri}{kind}>{f'<Transforms>{listed}</Transforms>' if listed else ''}"
        f'<DigestMethod Algorithm="{digest_uri}"/><DigestValue>{value}</DigestValue></Reference></SignedInfo>'
    )
    certificate = b64encode(issued.certificate).decode()
    markup = (
        f'<Signature xmlns="{DS}" Id="s">{info}<SignatureValue></SignatureValue>'
        f"<KeyInfo><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo></Signature>"
    )
    unsigned = xml.replace(place, b"<place>" + markup.encode() + b"</place>")
    element = signature_elements(read_document(unsigned))[0]
    signed_info = next(element.elements("SignedInfo"))
    with_method = METHODS.get(method, DEFAULT)
    hashed = hashes.SHA1() if digest == "sha1" else hashes.SHA256()  # noqa: S303 -- so that it is refused
    signature = key_of(issued).sign(canonical(signed_info, with_method), padding.PKCS1v15(), hashed)
    return unsigned.replace(b"<SignatureValue>", b"<SignatureValue>" + b64encode(signature))


XMLSEC_IDS = ("DATA", "r", "Object", "DLHDon")  # elements of the tests whose Id xmlsec1 is told of
Sign = Callable[[bytes], bytes]


def composed(
    xml: bytes,
    references: Sequence[str],
    sign: Sign,
    *,
    key_info: str = "",
    objects: str = "",
    method: str = f'<CanonicalizationMethod Algorithm="{DEFAULT.uri}"/>',
    algorithm: str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    place: bytes = b"<place/>",
    files: Mapping[str, bytes] | None = None,
) -> bytes:
    """A signature of any shape: references are given with an empty DigestValue, which is filled in, then the value.

    The digests are of what our own code takes a reference for; whether others do is for xmlsec1 to say.
    """
    info = f'<SignedInfo>{method}<SignatureMethod Algorithm="{algorithm}"/>{"".join(references)}</SignedInfo>'
    known = f"<KeyInfo>{key_info}</KeyInfo>" if key_info else ""
    markup = f'<Signature xmlns="{DS}" Id="s">{info}<SignatureValue Id="v"></SignatureValue>{known}{objects}</Signature>'
    document = xml.replace(place, place.replace(b"/>", b">") + markup.encode() + b"</" + place[1:].replace(b"/>", b">"))
    while b"<DigestValue></DigestValue>" in document:
        tree = read_document(document)
        # From the last to the first: what a manifest lists is known before the manifest is hashed.
        element = [each for each in tree.root.walk() if each.local == "DigestValue" and not each.text][-1]
        signature = next(each for each in signature_elements(tree) if each.attribute("Id") == "s")
        assert element.parent is not None
        reference = read_reference(element.parent)
        setting = Setting(
            document=tree,
            trust=Trust(version="none", roots=()),
            now=datetime.now(UTC),
            files=files or {},
            signatures=tuple(signature_elements(tree)),
        )
        data = octets_of(reference, read_signature(signature), setting, default=DEFAULT)
        value = b64encode(hashlib.new(reference.digest, data).digest())
        document = document[: element.content_end] + value + document[element.content_end :]
    tree = read_document(document)
    signature = next(each for each in signature_elements(tree) if each.attribute("Id") == "s")
    parsed = read_signature(signature)
    value = b64encode(sign(canonical(parsed.signed_info, parsed.method, prefixes=parsed.prefixes)))
    return document.replace(b'<SignatureValue Id="v">', b'<SignatureValue Id="v">' + value, 1)


def reference(uri: str, *transforms: str, digest: str = "http://www.w3.org/2001/04/xmlenc#sha256", kind: str = "") -> str:
    """A Reference with an empty digest; a transform is a URI or markup."""
    listed = "".join(each if each.startswith("<") else f'<Transform Algorithm="{each}"/>' for each in transforms)
    typed = f' Type="{kind}"' if kind else ""
    held = f"<Transforms>{listed}</Transforms>" if listed else ""
    return f'<Reference URI="{uri}"{typed}>{held}<DigestMethod Algorithm="{digest}"/><DigestValue></DigestValue></Reference>'


def rsa_sha256(issued: Issued) -> Sign:
    """The person's key, as rsa-sha256 wants it."""
    key = key_of(issued)
    return lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def x509(*certificates: bytes) -> str:
    """X509Data with these certificates."""
    held = "".join(f"<X509Certificate>{b64encode(each).decode()}</X509Certificate>" for each in certificates)
    return f"<X509Data>{held}</X509Data>"


def xmlsec_accepts(xml: bytes, folder: Path, *, trusted: Path | None = None) -> bool:
    """Whether xmlsec1 accepts the signature with the Id "s", with any certificate."""
    path = folder / "composed.xml"
    path.write_bytes(xml)
    command = (
        ["xmlsec1", "--verify", "--insecure"] if trusted is None else ["xmlsec1", "--verify", "--trusted-pem", str(trusted)]
    )
    for name in (*XMLSEC_IDS, f"{DS}:Object", f"{DS}:Signature", f"{DS}:SignatureValue", f"{DS}:Manifest"):
        command += ["--id-attr:Id", name]
    return run([*command, "--node-id", "s", str(path)], capture_output=True, check=False).returncode == 0
