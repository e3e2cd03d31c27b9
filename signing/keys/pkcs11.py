"""`pkcs11:` keys on a token, a smart card or an HSM (RFC 7512).

One process holds one session per token, behind one lock: with a session per thread SoftHSM and others fail after some
hundred signatures. Open after a fork, never before. A wrong PIN is told at once and not tried again: tokens lock.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import pkcs11
from asn1crypto import algos
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import exceptions as refusals

from signing.errors import KeyUnavailable, NoSuchKey, SigningError
from signing.keys.algorithms import Scheme, default_scheme, digest_of, ordered_chain, public_key, read_certificate, rsa_scheme
from signing.keys.pkcs11_device import Address, Device, our_errors
from signing.keys.secret import Secret
from signing.keys.signer import Ask

MOST_OBJECTS = 500  # on one token

_HASHES = {
    "sha256": (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, 32),
    "sha384": (pkcs11.Mechanism.SHA384, pkcs11.MGF.SHA384, 48),
    "sha512": (pkcs11.Mechanism.SHA512, pkcs11.MGF.SHA512, 64),
}


class Pkcs11Signer:
    """A key that never leaves its device: the device is given digests."""

    def __init__(
        self,
        device: Device,
        key: Any,
        certificate: bytes,
        chain: tuple[bytes, ...],
        scheme: Scheme,
        *,
        pin: Secret | None = None,
    ) -> None:
        self.certificate = certificate
        self.chain = chain
        self.scheme = scheme
        self._device: Device | None = device
        self._key = key
        self._pin = pin  # kept for a key that wants it for each signature (CKA_ALWAYS_AUTHENTICATE), and for no other

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `pkcs11:token=LABEL;object=LABEL[;id=%01][?module-path=PATH][&padding=pss|pkcs1]`; asks for the PIN once."""
        where = Address.read(uri)
        device, pin = Device.logged_in(where, ask)
        try:
            with device.lock, our_errors(where):
                key = _only(device, where.wanted(pkcs11.ObjectClass.PRIVATE_KEY), where)
                certificates = list(_certificates(device))
                certificate = _certificate_of(device, key, certificates, where)
                can_pss = pkcs11.Mechanism.RSA_PKCS_PSS in device.session.token.slot.get_mechanisms()
                kept = pin if _attribute(key, pkcs11.Attribute.ALWAYS_AUTHENTICATE) else None
            scheme = default_scheme(certificate)
            if scheme is Scheme.RSA_PKCS1:
                scheme = rsa_scheme(where.padding, can_pss=can_pss)
        except BaseException:
            device.release()
            raise
        chain = ordered_chain(certificate, [each.der for each in certificates])
        return cls(device, key, certificate, chain, scheme, pin=kept)

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value; see Signer."""
        device = self._device
        if device is None:
            raise KeyUnavailable("Khóa đã đóng", "The key has been closed")
        device.require()
        hashed = digest_of(data, digest)
        with our_errors(device.where), device.lock:
            device.require()  # another thread may have found it gone meanwhile
            try:
                return self._signed(hashed, digest)
            except Exception as error:
                device.noticed(error)
                raise

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One value after the other: one PIN serves the whole batch."""
        return (self.sign(each, digest) for each in data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._device is not None:
            self._device.release()
            self._device = self._pin = None

    def _signed(self, hashed: bytes, digest: str) -> bytes:
        """Digest in, value out: plain mechanisms are there on every device (SoftHSM 2.6 has no ECDSA with a hash)."""
        if self.scheme is Scheme.ECDSA:
            raw = self._made(hashed, pkcs11.Mechanism.ECDSA)
            half = len(raw) // 2
            return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        if self.scheme is Scheme.RSA_PSS:
            return self._made(hashed, pkcs11.Mechanism.RSA_PKCS_PSS, _HASHES[digest])
        info = algos.DigestInfo({"digest_algorithm": {"algorithm": digest}, "digest": hashed}).dump()
        return self._made(info, pkcs11.Mechanism.RSA_PKCS)

    def _made(self, data: bytes, mechanism: pkcs11.Mechanism, parameter: object = None) -> bytes:
        if self._pin is None:
            return bytes(self._key.sign(data, mechanism=mechanism, mechanism_param=parameter))
        return bytes(self._key.sign(data, mechanism=mechanism, mechanism_param=parameter, pin=self._pin.text))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A certificate on the token."""

    id: bytes
    label: str
    der: bytes


def _only(device: Device, template: dict[pkcs11.Attribute, object], where: Address) -> Any:
    found = _bounded(device, template)
    if len(found) != 1:
        raise NoSuchKey(
            f"Thiết bị có {len(found)} khóa phù hợp ({where}), cần đúng một{_by_id(found)}",
            f"The device holds {len(found)} matching keys ({where}), exactly one is expected{_by_id(found)}",
        )
    return found[0]


def _by_id(found: Sequence[Any]) -> str:
    """How several keys of one name are told apart."""
    ids = [bytes(_attribute(each, pkcs11.Attribute.ID) or b"") for each in found[:10]]
    return ": " + ", ".join("id=" + "".join(f"%{byte:02x}" for byte in each) for each in ids) if ids else ""


def _bounded(device: Device, template: dict[pkcs11.Attribute, object]) -> list[Any]:
    found = []
    search = device.session.get_objects(template)
    try:
        for each in search:
            found.append(each)
            if len(found) > MOST_OBJECTS:
                raise KeyUnavailable(
                    f"Thiết bị có hơn {MOST_OBJECTS} đối tượng", f"The device holds more than {MOST_OBJECTS} objects"
                )
    finally:
        search.close() if hasattr(search, "close") else None
    return found


def _attribute(found: Any, name: pkcs11.Attribute) -> Any:
    """What the token says, or None where it does not, or says it in no text that can be read."""
    try:
        return found[name]
    except (refusals.PKCS11Error, ValueError, KeyError):
        return None


def _certificates(device: Device) -> Iterator[_Found]:
    """Those that can be read: another one on the token, without an id or with a name in another writing, is no obstacle."""
    for each in _bounded(device, {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
        der = _attribute(each, pkcs11.Attribute.VALUE)
        if der:
            identity, label = _attribute(each, pkcs11.Attribute.ID), _attribute(each, pkcs11.Attribute.LABEL)
            yield _Found(id=bytes(identity or b""), label=str(label or ""), der=bytes(der))


def _certificate_of(device: Device, key: Any, certificates: Sequence[_Found], where: Address) -> bytes:
    """The certificate of this key among those with its id, else with its label; of several the newest that is valid now."""
    identity, label = bytes(_attribute(key, pkcs11.Attribute.ID) or b""), _attribute(key, pkcs11.Attribute.LABEL)
    points = _points(device, identity) if key.key_type == pkcs11.KeyType.EC and identity else []
    for same in (
        [each.der for each in certificates if identity and each.id == identity],
        [each.der for each in certificates if label and each.label == label],
    ):
        fitting = [der for der in same if _is_of(key, points, der)]
        if fitting:
            return max(fitting, key=_validity)
    raise NoSuchKey(f"Thiết bị không có chứng thư của khóa ({where})", f"The device holds no certificate of the key ({where})")


def _points(device: Device, identity: bytes) -> list[bytes]:
    """The points of the public keys with this id: a private key on a curve does not show its own."""
    found = _bounded(device, {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.PUBLIC_KEY, pkcs11.Attribute.ID: identity})
    return [bytes(point) for each in found if (point := _attribute(each, pkcs11.Attribute.EC_POINT))]


def _is_of(key: Any, points: Sequence[bytes], der: bytes) -> bool:
    """Whether this is the certificate of the key: by its kind, for RSA by the modulus, for a curve by the public key's point.

    Where the token shows neither, the value that the key makes is checked against the certificate anyway.
    """
    try:
        public = public_key(der)
    except SigningError:
        return False  # no certificate, or of a key that signs nothing here
    if isinstance(public, rsa.RSAPublicKey):
        modulus = _attribute(key, pkcs11.Attribute.MODULUS) if key.key_type == pkcs11.KeyType.RSA else b"\0"
        return not modulus or int.from_bytes(bytes(modulus), "big") == public.public_numbers().n
    point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    # As an OCTET STRING in DER (PKCS#11 2.40), or bare, as some devices have it.
    return key.key_type == pkcs11.KeyType.EC and (not points or any(each.endswith(point) for each in points))


def _validity(der: bytes) -> tuple[bool, datetime]:
    read = read_certificate(der)
    now = datetime.now(UTC)
    return read.not_valid_before_utc <= now <= read.not_valid_after_utc, read.not_valid_before_utc
