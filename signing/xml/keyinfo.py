"""KeyInfo (XML-DSig 1.1, 4.5): certificates, bare keys, and hints by which a certificate of the trust bundle is found.

    info = read_key_info(signature)
    info.certificates, info.keys, hinted(info, trust)

A hint only helps to choose: whoever is found must still have made the signature value.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from signing.trust import Trust
from signing.verification.certificates import Certificate
from signing.verification.faults import Fault
from signing.verification.signed_data import digest_of
from signing.xml.algorithms import DIGESTS, DS, DSIG11
from signing.xml.tree import Element

MAX_CERTIFICATES = 16  # in one KeyInfo
MAX_KEYS = 4
MAX_HINTS = 32
MAX_BASE64 = 16 * 1024 * 1024  # characters of one value: a large authority's revocation list
_MAX_KEY_BYTES = 2048  # of one number: RSA-16384

_CURVES: Mapping[str, type[ec.EllipticCurve]] = {
    "urn:oid:1.2.840.10045.3.1.1": ec.SECP192R1,
    "urn:oid:1.3.132.0.33": ec.SECP224R1,
    "urn:oid:1.2.840.10045.3.1.7": ec.SECP256R1,
    "urn:oid:1.3.132.0.34": ec.SECP384R1,
    "urn:oid:1.3.132.0.35": ec.SECP521R1,
}


class BadSignatureElement(Fault):
    """The Signature element, or what stands in it, is not as its schema demands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """By what else than itself a certificate is named."""

    serials: frozenset[int] = frozenset()
    key_ids: frozenset[bytes] = frozenset()
    digests: frozenset[tuple[str, bytes]] = frozenset()
    subjects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyInfo:
    """What a signature says of its key."""

    certificates: tuple[bytes, ...] = ()
    lists: tuple[bytes, ...] = ()  # X509CRL
    keys: tuple[PublicKeyTypes, ...] = ()
    hints: Hints = Hints()


def read_key_info(signature: Element) -> KeyInfo:
    """Every KeyInfo of a signature. Raises BadSignatureElement."""
    infos = list(signature.elements("KeyInfo", DS))
    data = [each for info in infos for each in info.elements("X509Data", DS)]
    certificates = [decoded(each) for one in data for each in one.elements("X509Certificate", DS)]
    if len(certificates) > MAX_CERTIFICATES:
        raise BadSignatureElement(f"{len(certificates)} certificates in KeyInfo; at most {MAX_CERTIFICATES} are read")
    values = [each for info in infos for each in (*info.elements("KeyValue", DS), *info.elements("DEREncodedKeyValue", DSIG11))]
    keys = [key for each in values[:MAX_KEYS] if (key := _key(each)) is not None]
    return KeyInfo(
        certificates=tuple(dict.fromkeys(certificates)),
        lists=tuple(decoded(each) for one in data for each in one.elements("X509CRL", DS))[:MAX_CERTIFICATES],
        keys=tuple(keys),
        hints=_hints(data),
    )


def hinted(info: KeyInfo, trust: Trust) -> list[Certificate]:
    """The certificates of the trust bundle that a hint, or a bare key, speaks of."""
    known = [*(root.certificate for root in trust.roots), *trust.helpers]
    hints = info.hints
    return [
        each
        for each in dict.fromkeys(known)
        if each.serial in hints.serials
        or each.key_id in hints.key_ids
        or any(digest_of(name, each.der) == value for name, value in hints.digests)
        or each.subject_text in hints.subjects
        or any(each.key == key for key in info.keys)
    ]


def decoded(element: Element) -> bytes:
    """The bytes of a base64 value."""
    text = "".join(element.text.split())
    if any(isinstance(child, Element) for child in element.children) or len(text) > MAX_BASE64:
        raise BadSignatureElement(f"{element.local} is no base64 value")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as fault:
        raise BadSignatureElement(f"{element.local} is no base64 value") from fault


def _hints(data: list[Element]) -> Hints:
    serials: set[int] = set()
    digests: set[tuple[str, bytes]] = set()
    for one in data[:MAX_HINTS]:
        for holder in list(one.elements("X509IssuerSerial", DS))[:MAX_HINTS]:
            text = "".join(each.text for each in holder.elements("X509SerialNumber", DS)).strip()
            if text.isascii() and text.lstrip("-").isdigit() and len(text) < 80:  # noqa: PLR2004 -- RFC 5280 allows 48 digits
                serials.add(int(text))
        for each in list(one.elements("X509Digest", DSIG11))[:MAX_HINTS]:
            name = DIGESTS.get(each.attribute("Algorithm") or "")
            if name is not None:
                digests.add((name, decoded(each)))
    return Hints(
        serials=frozenset(serials),
        key_ids=frozenset(decoded(each) for one in data[:MAX_HINTS] for each in list(one.elements("X509SKI", DS))[:MAX_HINTS]),
        digests=frozenset(digests),
        subjects=frozenset(each.text.strip() for one in data for each in one.elements("X509SubjectName", DS)),
    )


def _key(element: Element) -> PublicKeyTypes | None:
    """A bare key; None where it is of a kind that is not read, or its numbers make none."""
    readers: Mapping[str, Callable[[Element], PublicKeyTypes]] = {
        "RSAKeyValue": _rsa,
        "DSAKeyValue": _dsa,
        "ECKeyValue": _curve_point,
    }
    try:
        if element.local == "DEREncodedKeyValue":
            return load_der_public_key(decoded(element))
        for each in element.elements():
            if each.local in readers and each.namespace in {DS, DSIG11}:
                return readers[each.local](each)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        pass
    return None


def _number(parent: Element, local: str) -> int:
    for each in parent.elements(local):
        value = decoded(each)
        if len(value) <= _MAX_KEY_BYTES:
            return int.from_bytes(value, "big")
    raise ValueError(f"no {local}")


def _rsa(element: Element) -> PublicKeyTypes:
    return rsa.RSAPublicNumbers(_number(element, "Exponent"), _number(element, "Modulus")).public_key()


def _dsa(element: Element) -> PublicKeyTypes:
    parameters = dsa.DSAParameterNumbers(*(_number(element, name) for name in ("P", "Q", "G")))
    return dsa.DSAPublicNumbers(_number(element, "Y"), parameters).public_key()


def _curve_point(element: Element) -> PublicKeyTypes:
    for named in element.elements("NamedCurve"):
        curve = _CURVES.get(named.attribute("URI") or "")
        for point in element.elements("PublicKey"):
            if curve is not None:
                return ec.EllipticCurvePublicKey.from_encoded_point(curve(), decoded(point))
    raise ValueError("no curve that is known by its name")
