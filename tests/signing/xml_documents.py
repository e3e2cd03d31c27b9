"""XML for the tests of signing: a transcript in the ministry's shape, signatures by hand, another program's word on them."""

import hashlib
from base64 import b64encode
from pathlib import Path
from subprocess import run

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.demo import Issued
from signing.xml.algorithms import DS
from signing.xml.canonical import DEFAULT, METHODS, canonical
from signing.xml.covering import signature_elements
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
