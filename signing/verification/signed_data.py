"""What a signature container (CMS SignedData, RFC 5652; CAdES, EN 319 122-1) says about itself.

    message = read_signed_data(contents)
    message.signature_over(...)

Only reading: nothing here is believed. Refused, because a PDF signature (ISO 32000-2 12.8.3.3) or a timestamp
(RFC 3161 2.4.2) may not have them: more or fewer than one SignerInfo, no signed attributes where they are demanded.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from signing.verification.der import OCTET_STRING, SEQUENCE, SET, Node, as_der, encode, read, shaped, siblings
from signing.verification.faults import BadDer, BadSignedData

# Context tags: [0], [1], [2] constructed; [0] primitive for the key identifier of a SignerInfo.
FIRST, SECOND, THIRD, IMPLICIT_KEY_ID = 0xA0, 0xA1, 0xA2, 0x80
_TRAILER, _DIRECTORY_NAME = 0xA3, 0xA4

MAX_CERTIFICATES = 64  # in one container; a chain has at most about eight
MAX_SEARCHED = 1_024  # of which the signer's is looked for; anyone may add some, the set is not signed
MAX_TIMESTAMPS = 16  # on one signature; more only cost time
MAX_SALT = 2_048  # bytes; RSASSA-PSS has no room for more in a key of 16,384 bits

SIGNED_DATA = "1.2.840.113549.1.7.2"
DATA = "1.2.840.113549.1.7.1"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
CONTENT_TIMESTAMP = "1.2.840.113549.1.9.16.2.20"
COMMITMENT_TYPE = "1.2.840.113549.1.9.16.2.16"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
SIGNATURE_TIMESTAMP = "1.2.840.113549.1.9.16.2.14"
ADOBE_REVOCATION = "1.2.840.113583.1.1.8"
# Unsigned attributes that stand once per timestamp or countersignature: CAdES archive timestamps, RFC 5652 11.4.
_REPEATED = frozenset(
    {SIGNATURE_TIMESTAMP, "0.4.0.1733.2.4", "1.2.840.113549.1.9.16.2.48", "1.2.840.113549.1.9.16.2.27", "1.2.840.113549.1.9.6"}
)

DIGESTS = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "1.3.36.3.2.1": "ripemd160",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.7": "sha3_224",
    "2.16.840.1.101.3.4.2.8": "sha3_256",
    "2.16.840.1.101.3.4.2.9": "sha3_384",
    "2.16.840.1.101.3.4.2.10": "sha3_512",
}

# Object identifier -> scheme and the digest that it fixes (None: the one named beside it).
SIGNATURES: dict[str, tuple[str, str | None]] = {
    "1.2.840.113549.1.1.1": ("rsa_pkcs1", None),
    "1.2.840.113549.1.1.4": ("rsa_pkcs1", "md5"),
    "1.2.840.113549.1.1.5": ("rsa_pkcs1", "sha1"),
    "1.2.840.113549.1.1.14": ("rsa_pkcs1", "sha224"),
    "1.2.840.113549.1.1.11": ("rsa_pkcs1", "sha256"),
    "1.2.840.113549.1.1.12": ("rsa_pkcs1", "sha384"),
    "1.2.840.113549.1.1.13": ("rsa_pkcs1", "sha512"),
    "2.16.840.1.101.3.4.3.13": ("rsa_pkcs1", "sha3_224"),
    "2.16.840.1.101.3.4.3.14": ("rsa_pkcs1", "sha3_256"),
    "2.16.840.1.101.3.4.3.15": ("rsa_pkcs1", "sha3_384"),
    "2.16.840.1.101.3.4.3.16": ("rsa_pkcs1", "sha3_512"),
    "1.2.840.113549.1.1.10": ("rsa_pss", None),
    "1.2.840.10045.2.1": ("ecdsa", None),
    "1.2.840.10045.4.1": ("ecdsa", "sha1"),
    "1.2.840.10045.4.3.1": ("ecdsa", "sha224"),
    "1.2.840.10045.4.3.2": ("ecdsa", "sha256"),
    "1.2.840.10045.4.3.3": ("ecdsa", "sha384"),
    "1.2.840.10045.4.3.4": ("ecdsa", "sha512"),
    "2.16.840.1.101.3.4.3.9": ("ecdsa", "sha3_224"),
    "2.16.840.1.101.3.4.3.10": ("ecdsa", "sha3_256"),
    "2.16.840.1.101.3.4.3.11": ("ecdsa", "sha3_384"),
    "2.16.840.1.101.3.4.3.12": ("ecdsa", "sha3_512"),
    "1.2.840.10040.4.3": ("dsa", "sha1"),
    "2.16.840.1.101.3.4.3.1": ("dsa", "sha224"),
    "2.16.840.1.101.3.4.3.2": ("dsa", "sha256"),
    "1.3.101.112": ("ed25519", "sha512"),
    "1.3.101.113": ("ed448", "shake256"),
}


FIXED_DIGEST = frozenset({"ed25519", "ed448"})  # schemes that hash in a way of their own


class UnknownAlgorithm(BadSignedData):
    """A digest or signature algorithm that is not known here: nothing is wrong with the container, it cannot be judged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How a signature value was made."""

    name: str  # rsa_pkcs1, rsa_pss, ecdsa, dsa, ed25519, ed448
    digest: str
    salt: int | None = None  # of RSASSA-PSS, in bytes
    mask: str | None = None  # the digest of its mask, where that is another one: old Java and openssl leave it at SHA-1


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateDigest:
    """Which certificate the signer says they used (ESS signing-certificate, RFC 5035)."""

    digest: str
    value: bytes
    issuer: bytes | None = None  # DER name, with `serial`, where the signer added them (RFC 5035 5)
    serial: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """The facts of one container with its single SignerInfo."""

    content_type: str  # of what is signed: DATA or TST_INFO
    encapsulated: bytes | None
    certificates: tuple[bytes, ...]  # the first MAX_CERTIFICATES
    more_certificates: tuple[bytes, ...]  # the signer's may stand among these too
    revocation_lists: tuple[bytes, ...]
    issuer: bytes | None  # DER name of the signer's issuer, with `serial`; or
    serial: int | None
    key_id: bytes | None  # the subject key identifier
    digest: str
    scheme: Scheme
    signed_attributes: bytes | None  # as they stand, with the tag of a SET
    attributes: Mapping[str, tuple[Node, ...]]  # signed
    signature: bytes
    timestamps: tuple[bytes, ...]
    ocsps: tuple[bytes, ...]  # of Adobe's signed attribute
    size: int  # bytes of DER that were read
    recovered: bytes | None = None  # the digest inside a bare RSA value (see bare_signature.py)

    @property
    def message_digest(self) -> bytes | None:
        """What the signer says the digest of the content is."""
        node = self._single(MESSAGE_DIGEST)
        return node.expect(OCTET_STRING).content if node else None

    @property
    def signed_content_type(self) -> str | None:
        """The content type as the signer signed it."""
        node = self._single(CONTENT_TYPE)
        return node.oid() if node else None

    @property
    def signing_time(self) -> datetime | None:
        """The time that the signer's own clock showed: a claim, no evidence."""
        node = self._single(SIGNING_TIME)
        return node.time() if node else None

    @property
    def signing_certificate(self) -> CertificateDigest | None:
        """The certificate that the signed attributes bind (CAdES 5.2.2); version 2 goes before version 1."""
        for oid, default in ((SIGNING_CERTIFICATE_V2, "sha256"), (SIGNING_CERTIFICATE, "sha1")):
            node = self._single(oid)
            if node is not None:
                return _certificate_digest(node, default)
        return None

    @property
    def content_timestamps(self) -> tuple[bytes, ...]:
        """Timestamps over what is signed, which the signature covers in turn (CAdES 5.2.8): it is no older than they are."""
        return tuple(node.raw for node in self.attributes.get(CONTENT_TIMESTAMP, ())[:MAX_TIMESTAMPS])

    @property
    def sorted_attributes(self) -> bytes | None:
        """The signed attributes as DER has them (RFC 5652 5.4): some signers sign them so and store them in BER."""
        if self.signed_attributes is None:
            return None
        parts = sorted(as_der(child) for child in read(self.signed_attributes).children())
        return encode(SET, b"".join(parts))

    def _single(self, oid: str) -> Node | None:
        values = self.attributes.get(oid)
        if values is None:
            return None
        if len(values) != 1:
            raise BadSignedData(f"the signed attribute {oid} has {len(values)} values instead of one")
        return values[0]


@shaped
def read_signed_data(data: bytes) -> SignedData:
    """The container at the start of `data`; what stands after it is not looked at. Raises BadDer, BadSignedData."""
    root = read(data)
    fields = root.expect(SEQUENCE).children()
    if len(fields) != 2 or fields[0].oid() != SIGNED_DATA:  # noqa: PLR2004
        raise BadSignedData("the signature is not a CMS SignedData")
    inner = fields[1].expect(0xA0).children()
    parts = inner[0].expect(SEQUENCE).children()
    if len(parts) < 4:  # noqa: PLR2004 -- version, digest algorithms, content, signer infos
        raise BadSignedData("the CMS SignedData is too short")
    content = parts[2].expect(SEQUENCE).children()
    certificates: list[bytes] = []
    lists: list[bytes] = []
    for part in parts[3:-1]:
        if part.tag == FIRST:
            certificates = [child.raw for child in part.children() if child.tag == SEQUENCE]
        elif part.tag == SECOND:
            lists = [child.raw for child in part.children() if child.tag == SEQUENCE]
    signers = parts[-1].expect(SET).children()
    if len(signers) != 1:
        raise BadSignedData(f"{len(signers)} SignerInfos; a PDF signature has exactly one")
    signer = _signer(signers[0].expect(SEQUENCE).children())
    archived_lists, archived_ocsps = _adobe_archive(signer.attributes)
    return SignedData(
        content_type=content[0].oid(),
        encapsulated=content[1].children()[0].octets() if len(content) > 1 else None,
        certificates=tuple(certificates[:MAX_CERTIFICATES]),
        more_certificates=tuple(certificates[MAX_CERTIFICATES:MAX_SEARCHED]),
        revocation_lists=(*lists, *archived_lists),
        ocsps=archived_ocsps,
        size=root.end,
        issuer=signer.issuer,
        serial=signer.serial,
        key_id=signer.key_id,
        digest=signer.digest,
        scheme=signer.scheme,
        signed_attributes=signer.signed,
        attributes=signer.attributes,
        signature=signer.signature,
        timestamps=signer.timestamps,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signer:
    issuer: bytes | None
    serial: int | None
    key_id: bytes | None
    digest: str
    scheme: Scheme
    signed: bytes | None
    attributes: Mapping[str, tuple[Node, ...]]
    signature: bytes
    timestamps: tuple[bytes, ...]


def _signer(parts: list[Node]) -> _Signer:
    if len(parts) < 5:  # noqa: PLR2004 -- version, sid, digest, signature algorithm, signature
        raise BadSignedData("the SignerInfo is too short")
    issuer, serial, key_id = _signer_id(parts[1])
    digest = digest_name(parts[2])
    rest = parts[3:]
    signed = None
    attributes: dict[str, tuple[Node, ...]] = {}
    if rest[0].tag == FIRST:
        node = rest.pop(0)
        signed = encode(SET, node.content)
        attributes = _attributes(node)
    if len(rest) < 2:  # noqa: PLR2004
        raise BadSignedData("the SignerInfo ends before the signature value")
    scheme = read_scheme(rest[0], digest)
    signature = rest[1].octets()
    unsigned = _attributes(rest[2]) if len(rest) > 2 and rest[2].tag == SECOND else {}  # noqa: PLR2004
    if scheme.digest != digest and scheme.name not in FIXED_DIGEST:
        raise BadSignedData(f"the signature algorithm uses {scheme.digest}, the SignerInfo names {digest}")
    _check_protection(attributes, parts[2], rest[0])
    timestamps = unsigned.get(SIGNATURE_TIMESTAMP, ())
    return _Signer(
        issuer=issuer,
        serial=serial,
        key_id=key_id,
        digest=digest,
        scheme=scheme,
        signed=signed,
        attributes=attributes,
        signature=signature,
        timestamps=tuple(node.raw for node in timestamps[:MAX_TIMESTAMPS]),
    )


def _signer_id(node: Node) -> tuple[bytes | None, int | None, bytes | None]:
    if node.tag == SEQUENCE:
        name, serial = node.children()[:2]
        return name.raw, serial.integer(), None
    if node.tag == IMPLICIT_KEY_ID:
        return None, None, node.content
    raise BadSignedData("the SignerInfo does not say whose certificate it belongs to")


def _attributes(node: Node) -> dict[str, tuple[Node, ...]]:
    found: dict[str, list[Node]] = {}
    for attribute in siblings(node.data, node.body, node.body + len(node.content)):
        oid, values = attribute.expect(SEQUENCE).children()[:2]
        name = oid.oid()
        if name in found and name not in _REPEATED:
            raise BadSignedData(f"the attribute {name} stands twice")
        found.setdefault(name, []).extend(values.expect(SET).children())
    return {name: tuple(values) for name, values in found.items()}


def _check_protection(attributes: Mapping[str, tuple[Node, ...]], digest: Node, signature: Node) -> None:
    """RFC 6211: where the signer bound the algorithms, they must be those that stand in the SignerInfo."""
    values = attributes.get(ALGORITHM_PROTECTION)
    if values is None:
        return
    if len(values) != 1:
        raise BadSignedData(f"the algorithms are bound {len(values)} times instead of once (RFC 6211)")
    fields = values[0].children()
    bound = {node.tag: node.content for node in fields[1:]}
    same_digest = fields[0].children()[0].oid() == digest.children()[0].oid()
    if not same_digest or bound.get(0xA1) != signature.content:
        raise BadSignedData("the algorithms are not those that the signer bound (RFC 6211)")


@shaped
def digest_name(node: Node) -> str:
    """The digest that an AlgorithmIdentifier names."""
    oid = node.expect(SEQUENCE).children()[0].oid()
    if oid not in DIGESTS:
        raise UnknownAlgorithm(f"digest {oid}")
    return DIGESTS[oid]


@shaped
def read_scheme(node: Node, digest: str) -> Scheme:
    """The signature scheme of an AlgorithmIdentifier; `digest` is used where it does not fix one."""
    parts = node.expect(SEQUENCE).children()
    oid = parts[0].oid()
    if oid in DIGESTS:  # a few signers put the digest where the signature algorithm belongs
        raise BadSignedData(f"{DIGESTS[oid]} is no signature algorithm")
    if oid not in SIGNATURES:
        raise UnknownAlgorithm(f"signature {oid}")
    name, fixed = SIGNATURES[oid]
    if name != "rsa_pss":
        return Scheme(name=name, digest=fixed or digest)
    return _pss(parts[1] if len(parts) > 1 else None)


def _pss(parameters: Node | None) -> Scheme:
    """RSASSA-PSS-params (RFC 4055 3.1): SHA-1 and a salt of 20 bytes where nothing is said."""
    digest, mask, salt = "sha1", "sha1", 20
    for field in parameters.children() if parameters is not None else ():
        value = field.children()[0]
        if field.tag == _TRAILER and value.integer() != 1:
            raise UnknownAlgorithm("RSASSA-PSS with a trailer that RFC 4055 does not know")
        if field.tag == FIRST:
            digest = digest_name(value)
        elif field.tag == SECOND:
            mask = digest_name(value.children()[1])
        elif field.tag == THIRD:
            salt = value.integer()
            if not 0 <= salt <= MAX_SALT:
                raise BadSignedData(f"RSASSA-PSS with a salt of {salt} bytes")
    return Scheme(name="rsa_pss", digest=digest, salt=salt, mask=mask if mask != digest else None)


@shaped
def _certificate_digest(node: Node, default: str) -> CertificateDigest:
    first = node.expect(SEQUENCE).children()[0].expect(SEQUENCE).children()[0].expect(SEQUENCE).children()
    digest = default
    if first[0].tag == SEQUENCE:
        digest = digest_name(first.pop(0))
    issuer, serial = _issuer_and_serial(first[1]) if len(first) > 1 and first[1].tag == SEQUENCE else (None, None)
    return CertificateDigest(digest=digest, value=first[0].expect(OCTET_STRING).content, issuer=issuer, serial=serial)


def _issuer_and_serial(node: Node) -> tuple[bytes | None, int]:
    """IssuerSerial (RFC 5035 5): the directory name among the general names, and the number."""
    names, serial = node.children()[:2]
    named = next((each for each in names.children() if each.tag == _DIRECTORY_NAME), None)
    return (named.children()[0].raw if named is not None else None), serial.integer()


def _adobe_archive(attributes: Mapping[str, tuple[Node, ...]]) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Revocation data in Adobe's signed attribute: (revocation lists, OCSP answers)."""
    lists: list[bytes] = []
    ocsps: list[bytes] = []
    for value in attributes.get(ADOBE_REVOCATION, ()):
        for field in value.children():
            found = [child.raw for child in field.children()[0].children()]
            if field.tag == FIRST:
                lists += found
            elif field.tag == SECOND:
                ocsps += found
    return tuple(lists), tuple(ocsps)


def digest_of(name: str, data: bytes) -> bytes:
    """The digest of some bytes, by the names that DIGESTS uses."""
    try:
        return hashlib.new(name, data, usedforsecurity=False).digest()
    except ValueError as fault:
        raise BadDer(f"the digest {name} cannot be computed here") from fault
