"""Tools of the tests: incremental updates by hand, and a signer that refuses nothing, for files that nobody should accept."""

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from signing.demo import Issued
from signing.verification.certificates import HASHES
from signing.verification.pdf import PLAIN, Pdf
from signing.verification.syntax import Name, Ref, Stream

CONTENTS_BYTES = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key with its certificate and the certificates above it."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    certificate: bytes
    chain: tuple[bytes, ...]


def identity(issued: Issued) -> Identity:
    """The key of a demo person, taken out of its PKCS#12."""
    key, certificate, _ = pkcs12.load_key_and_certificates(issued.path.read_bytes(), issued.pin.encode())
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    assert certificate is not None
    return Identity(key=key, certificate=certificate.public_bytes(serialization.Encoding.DER), chain=tuple(issued.chain))


def text(value: object) -> bytes:  # noqa: PLR0911 -- one per kind of value
    """A PDF value in PDF syntax."""
    if isinstance(value, Name):
        return str(value).encode("latin-1")
    if isinstance(value, Ref):
        return b"%d %d R" % value
    if isinstance(value, dict):
        return b"<< " + b" ".join(text(Name(k)) + b" " + text(v) for k, v in value.items()) + b" >>"
    if isinstance(value, list):
        return b"[" + b" ".join(text(each) for each in value) + b"]"
    if isinstance(value, bytes):
        return b"<" + value.hex().encode() + b">"
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, Stream):
        return text(value.entries) + b"\nstream\n" + value.raw + b"\nendstream"
    return b"null" if value is None else str(value).encode()


@dataclass
class Update:
    """An incremental update in the making: objects to add or replace, then `bytes()`."""

    content: bytes
    objects: dict[int, bytes] = field(default_factory=dict)
    freed: list[int] = field(default_factory=list)
    trailer: dict[str, object] = field(default_factory=dict)
    packed: bool = False  # objects that are no streams go into an object stream, the table is a stream (full compression)
    ending: bytes = b"\n"  # after each %%EOF
    pending: dict[int, dict[str, object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pdf = Pdf(self.content)
        self.view = self.pdf.at(self.pdf.last)
        self.size = max(section.trailer["/Size"] for section in self.pdf.sections)

    @property
    def catalog(self) -> int:
        """The catalog's object number."""
        root = self.view.trailer["/Root"]
        assert isinstance(root, Ref)
        return root.number

    def page(self, index: int = 0) -> int:
        """A page's object number."""
        from signing.verification.pages import pages_of

        number = pages_of(self.view)[index].number
        assert number is not None
        return number

    def field(self, name: str) -> int:
        """A form field's object number."""
        from signing.verification.fields import form_fields

        number = form_fields(self.view)[name].number
        assert number is not None
        return number

    def value(self, number: int) -> dict[str, object]:
        """A copy of the entries of an object, as this update has it."""
        if number in self.pending:
            return dict(self.pending[number])
        loaded = self.pdf.load(number, self.pdf.last)
        return dict(loaded.entries if isinstance(loaded, Stream) else loaded)

    def put(self, number: int, value: object) -> int:
        """Replace or define an object."""
        self.pending.pop(number, None)
        if isinstance(value, dict):
            self.pending[number] = dict(value)
        self.objects[number] = value if isinstance(value, bytes) else text(value)
        self.size = max(self.size, number + 1)
        return number

    def add(self, value: object) -> int:
        """A new object; its number."""
        return self.put(self.size, value)

    def change(self, number: int, **entries: object) -> int:
        """Replace some entries of an object; None takes one away."""
        value = self.value(number)
        for key, each in entries.items():
            if each is None:
                value.pop("/" + key, None)
            else:
                value["/" + key] = each
        loaded = None if number in self.pending else self.pdf.load(number, self.pdf.last)
        if isinstance(loaded, Stream):
            return self.put(number, text(value) + b"\nstream\n" + loaded.raw + b"\nendstream")
        return self.put(number, value)

    def stream(self, data: bytes, **entries: object) -> int:
        """A new stream."""
        return self.add(stream(data, **entries))

    def bytes(self, *, xref: bool = True) -> bytes:
        """The file with the update behind it; without `xref` its objects alone."""
        out = bytearray(self.content)
        if not out.endswith(b"\n"):
            out += b"\n"
        if self.packed:
            return bytes(self._packed(out))
        offsets: dict[int, int] = {}
        for number, value in self.objects.items():
            offsets[number] = len(out)
            out += b"%d 0 obj\n" % number + value + b"\nendobj\n"
        if not xref:
            return bytes(out)
        start = len(out)
        out += b"xref\n"
        rows = {
            **{n: b"%010d 00000 n \n" % o for n, o in offsets.items()},
            **dict.fromkeys(self.freed, b"0000000000 00001 f \n"),
        }
        for number, row in sorted(rows.items()):
            out += b"%d 1\n" % number + row
        out += b"trailer\n" + text(self._trailer()) + b"\nstartxref\n%d\n%%%%EOF" % start + self.ending
        return bytes(out)

    def _trailer(self) -> dict[str, object]:
        old = self.pdf.sections[-1]
        trailer: dict[str, object] = {"/Size": self.size, "/Prev": old.start}
        trailer.update((key, value) for key, value in old.trailer.items() if key in {"/Root", "/Info", "/ID"})
        return {**trailer, **self.trailer}

    def _packed(self, out: bytearray) -> bytearray:
        """The update with an object stream and a cross-reference stream."""
        inside = [number for number in self.objects if number in self.pending]
        holder, table = self.size, self.size + 1
        self.size += 2
        rows = {number: (2, holder, index) for index, number in enumerate(inside)}
        plain = {number: value for number, value in self.objects.items() if number not in self.pending}
        bodies = [self.objects[number] for number in inside]
        starts = [sum(len(each) + 1 for each in bodies[:index]) for index in range(len(bodies))]
        head = b" ".join(b"%d %d" % pair for pair in zip(inside, starts, strict=True)) + b"\n"
        data = zlib.compress(head + b"\n".join(bodies))
        flate = {"Filter": Name("/FlateDecode")}
        plain[holder] = stream(data, Type=Name("/ObjStm"), N=len(inside), First=len(head), **flate)
        for number, value in plain.items():
            rows[number] = (1, len(out), 0)
            out += b"%d 0 obj\n" % number + value + b"\nendobj\n"
        rows[table] = (1, len(out), 0)
        rows.update(dict.fromkeys(self.freed, (0, 0, 1)))
        index = [each for number in sorted(rows) for each in (number, 1)]
        lines = b"".join(bytes([a]) + b.to_bytes(4, "big") + c.to_bytes(2, "big") for _, (a, b, c) in sorted(rows.items()))
        told = {**self._trailer(), "/Type": Name("/XRef"), "/W": [1, 4, 2], "/Index": index, "/Size": self.size}
        body = stream(zlib.compress(lines), **flate, **{key.removeprefix("/"): value for key, value in told.items()})
        start = len(out)
        out += b"%d 0 obj\n" % table + body + b"\nendobj\nstartxref\n%d\n%%%%EOF" % start + self.ending
        return out


def stream(data: bytes, **entries: object) -> bytes:
    """A stream in PDF syntax."""
    told = {**{"/" + key: value for key, value in entries.items()}, "/Length": len(data)}
    return text(told) + b"\nstream\n" + data + b"\nendstream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How the signer that refuses nothing signs."""

    digest: str = "sha256"
    subfilter: str = "/ETSI.CAdES.detached"
    at: datetime | None = None  # /M
    bind: bool = True  # signing-certificate-v2
    reserve: int = CONTENTS_BYTES
    timestamp: Callable[[bytes], bytes] | None = None  # digest -> token
    certify: int | None = None
    attributes: Callable[[list[cms.CMSAttribute]], list[cms.CMSAttribute]] | None = None
    rebuild: Callable[[cms.ContentInfo], cms.ContentInfo] | None = None  # the finished container
    entries: Mapping[str, object] = field(default_factory=dict)  # more keys of the signature dictionary
    type: str = "/Sig"
    data: bool = False  # the certification names the catalog, as iText and Acrobat write it
    packed: bool = False
    ending: bytes = b"\n"  # after %%EOF
    uncovered: bytes = b""  # of the ending, what the byte range leaves out
    place: Callable[["Update"], int] | None = None  # lays the field in the same update; its number
    finish: Callable[[bytes], bytes] | None = None  # what stands behind the hole, written otherwise before it is signed


PLAIN_STYLE = Style()


def put_signature(content: bytes, name: str, signer: Identity, style: Style = PLAIN_STYLE) -> bytes:
    """Sign an existing empty field, whatever the certificate."""
    return fill(content, name, lambda digest: container(signer, digest, style), style)


def put_timestamp(content: bytes, name: str, timestamp: Callable[[bytes], bytes], style: Style | None = None) -> bytes:
    """A document timestamp in an existing empty field."""
    used = style or Style(subfilter="/ETSI.RFC3161", type="/DocTimeStamp")
    return fill(content, name, timestamp, used)


def fill(content: bytes, name: str, make: Callable[[bytes], bytes], style: Style) -> bytes:
    """An update that fills the field; `make` gets the digest of the covered bytes and gives the container."""
    update = Update(content, packed=style.packed, ending=style.ending)
    hole = b"0" * (2 * style.reserve)
    moment = style.at or datetime.now(UTC)
    entries = {
        "/Type": Name(style.type),
        "/Filter": Name("/Adobe.PPKLite"),
        "/SubFilter": Name(style.subfilter),
        **({} if style.type == "/DocTimeStamp" else {"/M": moment.strftime("D:%Y%m%d%H%M%S+00'00'").encode()}),
        **style.entries,
    }
    if style.certify:
        entries["/Reference"] = [
            {
                "/Type": Name("/SigRef"),
                "/TransformMethod": Name("/DocMDP"),
                "/TransformParams": {"/Type": Name("/TransformParams"), "/P": style.certify, "/V": Name("/1.2")},
                **({"/Data": Ref(update.catalog, 0)} if style.data else {}),
            }
        ]
    body = text(entries)[:-2] + b"/Contents <" + hole + b"> /ByteRange [0 1111111111 2222222222 3333333333] >>"
    number = update.add(body)
    if style.certify:
        update.change(update.catalog, Perms={"/DocMDP": Ref(number, 0)})
    update.change(style.place(update) if style.place is not None else update.field(name), V=Ref(number, 0))
    whole = update.bytes()
    out = bytearray(whole if style.finish is None else style.finish(whole))
    first = out.index(b"/Contents <" + hole[:64], len(content)) + len(b"/Contents ")
    second = first + len(hole) + 2
    ranges = b"[0 %d %d %d]" % (first, second, len(out) - len(style.uncovered) - second)
    place = out.index(b"[0 1111111111", second)
    width = len(b"[0 1111111111 2222222222 3333333333]")
    out[place : place + width] = ranges.ljust(width)
    digest = hashlib.new(style.digest, bytes(out[:first]) + bytes(out[second : len(out) - len(style.uncovered)])).digest()
    made = make(digest).hex().encode()
    assert len(made) <= len(hole)
    out[first + 1 : first + 1 + len(made)] = made
    return bytes(out)


def container(signer: Identity, digest: bytes, style: Style, inner: bytes | None = None) -> bytes:
    """A CMS SignedData after CAdES, by asn1crypto; with `inner` a timestamp token over that TSTInfo."""
    certificate = asn1_x509.Certificate.load(signer.certificate)
    attributes = [
        cms.CMSAttribute({"type": "content_type", "values": ["data" if inner is None else "tst_info"]}),
        cms.CMSAttribute({"type": "message_digest", "values": [digest]}),
    ]
    if style.bind:
        hashed = {"cert_hash": hashlib.sha256(signer.certificate).digest()}
        attributes.append(
            cms.CMSAttribute({"type": "signing_certificate_v2", "values": [tsp.SigningCertificateV2({"certs": [hashed]})]})
        )
    signed_as = cms.CMSAttributes(sorted(attributes, key=lambda each: each.dump()))
    value = raw_sign(signer.key, signed_as.dump(), style.digest)
    if style.attributes is not None:
        signed_as = cms.CMSAttributes(style.attributes(list(signed_as)))
    info = cms.SignerInfo(
        {
            "version": "v1",
            "sid": cms.SignerIdentifier(
                {
                    "issuer_and_serial_number": cms.IssuerAndSerialNumber(
                        {"issuer": certificate.issuer, "serial_number": certificate.serial_number}
                    )
                }
            ),
            "digest_algorithm": algos.DigestAlgorithm({"algorithm": style.digest}),
            "signed_attrs": signed_as,
            "signature_algorithm": algos.SignedDigestAlgorithm({"algorithm": algorithm(signer.key, style.digest)}),
            "signature": value,
        }
    )
    if style.timestamp is not None:
        token = style.timestamp(hashlib.sha256(value).digest())
        unsigned = cms.CMSAttribute({"type": "signature_time_stamp_token", "values": [cms.ContentInfo.load(token)]})
        info["unsigned_attrs"] = cms.CMSAttributes([unsigned])
    signed = cms.SignedData(
        {
            "version": "v1" if inner is None else "v3",
            "digest_algorithms": [algos.DigestAlgorithm({"algorithm": style.digest})],
            "encap_content_info": cms.ContentInfo({"content_type": "data"})
            if inner is None
            else cms.EncapsulatedContentInfo({"content_type": "tst_info", "content": core.ParsableOctetString(inner)}),
            "certificates": [asn1_x509.Certificate.load(der) for der in (signer.certificate, *signer.chain)],
            "signer_infos": [info],
        }
    )
    content = cms.ContentInfo({"content_type": "signed_data", "content": signed})
    if style.rebuild is not None:
        content = style.rebuild(content)
    return bytes(content.dump())


def algorithm(key: object, digest: str) -> str:
    """asn1crypto's name of the signature algorithm."""
    return f"{digest}_{'rsa' if isinstance(key, rsa.RSAPrivateKey) else 'ecdsa'}"


def raw_sign(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, data: bytes, digest: str) -> bytes:
    """The signature value."""
    chosen = HASHES[digest]()
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), chosen)
    return key.sign(data, ec.ECDSA(chosen))


def token_signer(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, certificate: bytes, chain: Sequence[bytes], at: datetime
) -> Callable[[bytes], bytes]:
    """A timestamping authority whose certificate may be anything."""

    def make(digest: bytes) -> bytes:
        info = tsp.TSTInfo(
            {
                "version": "v1",
                "policy": "1.2.3.4",
                "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
                "serial_number": 7,
                "gen_time": at,
            }
        )
        inner = bytes(info.dump())
        authority = Identity(key=key, certificate=certificate, chain=tuple(chain))
        return container(authority, hashlib.sha256(inner).digest(), PLAIN_STYLE, inner)

    return make


def ranges_of(content: bytes) -> list[tuple[int, int, int, int]]:
    """Every byte range of the raw file."""
    found = re.findall(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\s*\]", content)
    return [(int(a), int(b), int(c), int(d)) for a, b, c, d in found]


def replace_contents(content: bytes, change: Callable[[bytes], bytes], index: int = 0) -> bytes:
    """The file with the container of one signature changed; `change` sees the DER without padding."""
    from signing.verification.der import read

    _, first, second, _ = ranges_of(content)[index]
    old = bytes.fromhex(content[first + 1 : second - 1].decode())
    new = change(old[: read(old).end])
    filled = new.hex().encode().ljust(second - first - 2, b"0")
    assert len(filled) == second - first - 2
    return content[: first + 1] + filled + content[second - 1 :]


def certificate_names(der: bytes) -> str:
    """The common name, for messages."""
    names = x509.load_der_x509_certificate(der).subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


__all__ = ["PLAIN", "Identity", "Style", "Update", "container", "fill", "identity", "put_signature", "put_timestamp"]
