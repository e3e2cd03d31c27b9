"""Reading a certificate (RFC 5280 4.1) as it stands: its fields by our own DER reader, each extension when it is asked for.

Real authorities write certificates that a strict parser refuses as a whole: an explicit cA FALSE, a notice with the wrong kind
of string, a name with a letter outside its alphabet. None of that touches what was signed, or with which key. So an extension
that cannot be read is unknown, and only matters where it is critical.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from signing.verification.der import OCTET_STRING, OID, SEQUENCE, SET, Node, read, shaped
from signing.verification.faults import BadDer
from signing.verification.signed_data import FIRST, SECOND, THIRD, Scheme, UnknownAlgorithm, read_scheme

BASIC_CONSTRAINTS = "2.5.29.19"
KEY_USAGE = "2.5.29.15"
EXTENDED_KEY_USAGE = "2.5.29.37"
SUBJECT_KEY_IDENTIFIER = "2.5.29.14"
AUTHORITY_KEY_IDENTIFIER = "2.5.29.35"
DISTRIBUTION_POINTS = "2.5.29.31"
INFORMATION_ACCESS = "1.3.6.1.5.5.7.1.1"
OCSP_ACCESS = "1.3.6.1.5.5.7.48.1"

MAX_EXTENSIONS = 64  # real certificates have about ten
_EXTENSIONS = 0xA3  # [3] EXPLICIT
_BIT_STRING, _BOOLEAN, _INTEGER = 0x03, 0x01, 0x02
_URI = 0x86  # [6] IMPLICIT IA5String, a GeneralName
_DIRECTORY_NAME = 0xA4
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)
# UTF8String, PrintableString, TeletexString (as it is used), IA5String, VisibleString, UniversalString, BMPString.
TEXT = {12: "utf-8", 19: "latin-1", 20: "latin-1", 22: "latin-1", 26: "latin-1", 28: "utf-32-be", 30: "utf-16-be"}
# RFC 4514 3, and nothing else: other kinds are written by their numbers.
_SHORT = {
    "2.5.4.3": "CN",
    "2.5.4.7": "L",
    "2.5.4.8": "ST",
    "2.5.4.10": "O",
    "2.5.4.11": "OU",
    "2.5.4.6": "C",
    "2.5.4.9": "STREET",
    "0.9.2342.19200300.100.1.25": "DC",
    "0.9.2342.19200300.100.1.1": "UID",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """One extension: whether it is critical, and its value, unread."""

    critical: bool
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The parts of a certificate."""

    version: int  # 1, 2 or 3
    serial: int
    scheme: Scheme | None  # how its issuer signed it; None: in a way that is not known here
    issuer: bytes  # DER, as are subject and key
    subject: bytes
    not_before: datetime
    not_after: datetime
    key: bytes  # SubjectPublicKeyInfo
    extensions: Mapping[str, Extension]
    signed: bytes  # tbsCertificate
    signature: bytes


@shaped
def read_fields(der: bytes) -> Fields:
    """The parts of the certificate. Raises BadDer."""
    root = read(der)
    outer = root.expect(SEQUENCE).children()
    if len(outer) != 3 or root.end != len(der):  # noqa: PLR2004 -- what is signed, how, the value
        raise BadDer("a certificate has three parts and nothing after them")
    parts = outer[0].expect(SEQUENCE).children()
    version = parts.pop(0).children()[0].integer() + 1 if parts[0].tag == FIRST else 1
    if len(parts) < 6:  # noqa: PLR2004 -- serial, algorithm, issuer, validity, subject, key
        raise BadDer("the certificate is too short")
    serial, algorithm, issuer, validity, subject, key = parts[:6]
    begins, ends = validity.expect(SEQUENCE).children()
    if algorithm.raw != outer[1].raw:
        raise BadDer("the certificate names two signature algorithms")
    try:
        scheme = read_scheme(algorithm, "sha256")
    except UnknownAlgorithm:
        scheme = None
    return Fields(
        version=version,
        serial=serial.integer(),
        scheme=scheme,
        issuer=issuer.expect(SEQUENCE).raw,
        subject=subject.expect(SEQUENCE).raw,
        not_before=begins.time(),
        not_after=ends.time(),
        key=key.expect(SEQUENCE).raw,
        extensions=_extensions(next((each for each in parts[6:] if each.tag == _EXTENSIONS), None)),
        signed=outer[0].raw,
        signature=outer[2].whole_bytes(),
    )


def _extensions(node: Node | None) -> dict[str, Extension]:
    found: dict[str, Extension] = {}
    children = node.children()[0].expect(SEQUENCE).children() if node is not None else []
    if len(children) > MAX_EXTENSIONS:
        raise BadDer(f"{len(children)} extensions in one certificate, at most {MAX_EXTENSIONS} are read")
    for each in children:
        name, *flags, value = each.expect(SEQUENCE).children()
        oid = name.oid()
        if oid in found:
            raise BadDer(f"the extension {oid} stands twice")
        critical = bool(flags) and flags[0].expect(_BOOLEAN).content != b"\0"
        found[oid] = Extension(critical=critical, value=value.expect(OCTET_STRING).content)
    return found


# The extensions that are asked for. Each raises BadDer.


@shaped
def basic_constraints(value: bytes) -> tuple[bool, int | None]:
    """Whether it is an authority, and how many more may stand below it."""
    is_ca, length = False, None
    for each in read(value).expect(SEQUENCE).children():
        if each.tag == _BOOLEAN:
            is_ca = each.content != b"\0"
        elif each.tag == _INTEGER:
            length = each.integer()
    return is_ca, length


@shaped
def key_usage(value: bytes) -> frozenset[str]:
    """What the key may do; the two that only qualify key agreement are left out."""
    content = read(value).expect(_BIT_STRING).content
    bits = content[1] if len(content) > 1 else 0
    return frozenset(usage for number, usage in enumerate(_USAGES) if bits & (0x80 >> number))


@shaped
def extended_key_usage(value: bytes) -> frozenset[str]:
    """The purposes, as dotted numbers."""
    return frozenset(each.oid() for each in read(value).expect(SEQUENCE).children())


@shaped
def subject_key_id(value: bytes) -> bytes:
    """The identifier of its own key."""
    return read(value).expect(OCTET_STRING).content


@shaped
def issuer_key_id(value: bytes) -> bytes | None:
    """The identifier of the issuer's key, where it is told."""
    return next((each.content for each in read(value).expect(SEQUENCE).children() if each.tag == 0x80), None)  # noqa: PLR2004


@shaped
def ocsp_addresses(value: bytes) -> list[str]:
    """Where the issuer answers OCSP requests (authority information access)."""
    found = []
    for each in read(value).expect(SEQUENCE).children():
        method, place = each.expect(SEQUENCE).children()
        if method.oid() == OCSP_ACCESS and place.tag == _URI:
            found.append(place.content.decode("latin-1"))
    return found


@shaped
def distribution_points(value: bytes, issuer: bytes) -> list[str]:
    """Where the issuer itself publishes its lists; points of another list issuer are left out.

    A name relative to the issuer's (DER) is told whole (RFC 5280 4.2.1.13).
    """
    found: list[str] = []
    for each in read(value).expect(SEQUENCE).children():
        parts = {part.tag: part for part in each.expect(SEQUENCE).children()}
        if FIRST not in parts or THIRD in parts:
            continue
        for choice in parts[FIRST].children():
            if choice.tag == FIRST:
                found += general_names(choice)
            elif choice.tag == SECOND:
                found.append(f"{_part_text(_pairs(choice))},{name_text(issuer)}")
    return found


def general_names(node: Node) -> list[str]:
    """Addresses as they stand, directory names as RFC 4514 text."""
    found = []
    for each in node.children():
        if each.tag == _URI:
            found.append(each.content.decode("latin-1"))
        elif each.tag == _DIRECTORY_NAME:
            found.append(name_text(each.children()[0].raw))
    return found


# Names.


@shaped
def name_parts(name: bytes) -> list[list[tuple[str, str]]]:
    """The parts of a name in their order: pairs of number and text. Raises BadDer."""
    return [_pairs(part.expect(SET)) for part in read(name).expect(SEQUENCE).children()]


def _pairs(part: Node) -> list[tuple[str, str]]:
    pairs = []
    for each in part.children():
        kind, value = each.expect(SEQUENCE).children()
        pairs.append((kind.expect(OID).oid(), value_text(value)))
    return pairs


def _part_text(pairs: list[tuple[str, str]]) -> str:
    return "+".join(f"{_SHORT.get(oid, oid)}={_escaped(text)}" for oid, text in pairs)


def value_text(value: Node) -> str:
    """The text of a string of any kind; what is none stands as # and hexadecimal digits."""
    encoding = TEXT.get(value.tag)
    if encoding is None:
        return "#" + value.raw.hex()
    try:
        return value.content.decode("utf-8" if value.tag in {19, 22, 26} and not value.content.isascii() else encoding)
    except UnicodeDecodeError:
        return value.content.decode("latin-1")


@lru_cache(2048)
def name_text(name: bytes) -> str:
    """The name by RFC 4514, the last part first; empty where it cannot be read."""
    try:
        parts = name_parts(name)
    except BadDer:
        return ""
    return ",".join(_part_text(part) for part in reversed(parts))


def _escaped(text: str) -> str:
    for special in '\\"+,;<>':
        text = text.replace(special, "\\" + special)
    text = text.replace("\0", "\\00")
    if text[:1] == "#" or (text[:1] == " " and len(text) > 1):
        text = "\\" + text
    return text[:-1] + "\\ " if text[-1:] == " " else text
