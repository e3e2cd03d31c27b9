"""`pkcs11:` keys on a token, a smart card or an HSM (RFC 7512).

One process holds one session per token, behind one lock: with a session per thread SoftHSM and others fail after some
hundred signatures. Open after a fork, never before. A wrong PIN is told at once and not tried again: tokens lock.
"""

import hashlib
import hmac
import os
import secrets
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, unquote_to_bytes

import pkcs11
from asn1crypto import algos
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import exceptions as refusals

from signing.errors import BadRequest, KeyUnavailable, NoSuchKey, SigningError, WrongSecret
from signing.keys.algorithms import Scheme, default_scheme, digest_of, ordered_chain, public_key, read_certificate, rsa_scheme
from signing.keys.signer import Ask

MOST_OBJECTS = 500  # on one token

_HASHES = {
    "sha256": (pkcs11.Mechanism.SHA256, pkcs11.MGF.SHA256, 32),
    "sha384": (pkcs11.Mechanism.SHA384, pkcs11.MGF.SHA384, 48),
    "sha512": (pkcs11.Mechanism.SHA512, pkcs11.MGF.SHA512, 64),
}


class Pkcs11Signer:
    """A key that never leaves its device: the device is given digests."""

    def __init__(self, device: "_Device", key: Any, certificate: bytes, chain: tuple[bytes, ...], scheme: Scheme) -> None:
        self.certificate = certificate
        self.chain = chain
        self.scheme = scheme
        self._device: _Device | None = device
        self._key = key

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `pkcs11:token=LABEL;object=LABEL[;id=%01][?module-path=PATH][&padding=pss|pkcs1]`; asks for the PIN once."""
        where = _Address.read(uri)
        device = _Device.logged_in(where, ask)
        try:
            with device.lock, _our_errors(where):
                key = _only(device, where.wanted(pkcs11.ObjectClass.PRIVATE_KEY), where)
                certificates = list(_certificates(device))
                certificate = _certificate_of(key, certificates, where)
                can_pss = pkcs11.Mechanism.RSA_PKCS_PSS in device.session.token.slot.get_mechanisms()
            scheme = default_scheme(certificate)
            if scheme is Scheme.RSA_PKCS1:
                scheme = rsa_scheme(where.padding, can_pss=can_pss)
        except BaseException:
            device.release()
            raise
        return cls(device, key, certificate, ordered_chain(certificate, [der for _, _, der in certificates]), scheme)

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value; see Signer."""
        if self._device is None or self._device.process != os.getpid():
            raise KeyUnavailable(
                "Phiên làm việc với thiết bị đã đóng hoặc thuộc tiến trình khác",
                "The session with the device is closed or belongs to another process",
            )
        hashed = digest_of(data, digest)
        with self._device.lock, _our_errors(self._device.where):
            try:
                return self._signed(hashed, digest)
            except (refusals.PKCS11Error, RuntimeError):
                self._device.forget()  # pulled out, or its session ended: whoever opens it next logs in again
                raise

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One value after the other: one PIN serves the whole batch."""
        return (self.sign(each, digest) for each in data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._device is not None:
            self._device.release()
            self._device = None

    def _signed(self, hashed: bytes, digest: str) -> bytes:
        """Digest in, value out: plain mechanisms are there on every device (SoftHSM 2.6 has no ECDSA with a hash)."""
        if self.scheme is Scheme.ECDSA:
            raw = bytes(self._key.sign(hashed, mechanism=pkcs11.Mechanism.ECDSA))
            half = len(raw) // 2
            return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        if self.scheme is Scheme.RSA_PSS:
            mechanism = pkcs11.Mechanism.RSA_PKCS_PSS
            return bytes(self._key.sign(hashed, mechanism=mechanism, mechanism_param=_HASHES[digest]))
        info = algos.DigestInfo({"digest_algorithm": {"algorithm": digest}, "digest": hashed}).dump()
        return bytes(self._key.sign(info, mechanism=pkcs11.Mechanism.RSA_PKCS))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """What a pkcs11: URI names."""

    module: str
    token: str | None
    serial: str | None
    label: str | None
    id: bytes | None
    padding: str | None

    @classmethod
    def read(cls, uri: str) -> Self:
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        raw = dict(part.partition("=")[::2] for part in path.split(";") if part)
        asked = {name: unquote(value) for name, _, value in (part.partition("=") for part in query.split("&") if part)}
        if {"pin-value", "pin-source"} & asked.keys():
            raise BadRequest("Không ghi mã PIN vào địa chỉ của khóa", "The PIN does not belong into the key's address")
        if "module-path" not in asked:
            raise NoSuchKey(
                "Địa chỉ pkcs11: thiếu module-path (thư viện của thiết bị)",
                "The pkcs11: address lacks module-path (the device's library)",
            )
        values = {name: unicodedata.normalize("NFC", unquote(value)) for name, value in raw.items()}
        return cls(
            module=asked["module-path"],
            token=values.get("token"),
            serial=values.get("serial"),
            label=values.get("object"),
            id=unquote_to_bytes(raw["id"]) if "id" in raw else None,
            padding=asked.get("padding"),
        )

    def wanted(self, kind: pkcs11.ObjectClass) -> dict[pkcs11.Attribute, object]:
        """The search template for an object of this kind."""
        template: dict[pkcs11.Attribute, object] = {pkcs11.Attribute.CLASS: kind}
        if self.label is not None:
            template[pkcs11.Attribute.LABEL] = self.label
        if self.id is not None:
            template[pkcs11.Attribute.ID] = self.id
        return template

    def __str__(self) -> str:
        return f"token={self.token or self.serial or '?'}; object={self.label or (self.id or b'').hex() or '?'}"


@dataclass(slots=True, kw_only=True)
class _Device:
    """The one session of this process with a token."""

    where: _Address
    process: int
    session: Any
    pin_mark: bytes
    lock: threading.RLock = field(default_factory=threading.RLock)
    users: int = 0

    @classmethod
    def logged_in(cls, where: _Address, ask: Ask) -> Self:
        """The session, opened with the PIN or shared with who already opened it with the same PIN."""
        pin = unicodedata.normalize("NFC", ask(f"Mã PIN của thiết bị «{where.token or where.serial}» / PIN of the device"))
        mark = hmac.new(_PROCESS_SECRET, pin.encode(), hashlib.sha256).digest()
        place = (os.getpid(), where.module, where.token, where.serial)
        with _devices_lock:
            known = _devices.get(place)
            if known is not None:
                # The token would let a second opener in whatever they typed: the login belongs to the process.
                if not hmac.compare_digest(known.pin_mark, mark):
                    raise _wrong_pin(where)
                known.users += 1
                return known  # type: ignore[return-value]
            with _our_errors(where):
                session = _token(where).open(user_pin=pin)
            device = cls(where=where, process=os.getpid(), session=session, pin_mark=mark, users=1)
            _devices[place] = device
            return device

    def release(self) -> None:
        """The last one out logs off."""
        with _devices_lock:
            self.users -= 1
            if self.users == 0 and self.process == os.getpid():
                self._give_up()
                with self.lock, suppress(refusals.PKCS11Error, RuntimeError):  # a device that has gone has ended it itself
                    self.session.close()

    def forget(self) -> None:
        """Nobody else gets this session."""
        with _devices_lock:
            self._give_up()

    def _give_up(self) -> None:
        place = (self.process, self.where.module, self.where.token, self.where.serial)
        if _devices.get(place) is self:
            del _devices[place]


_PROCESS_SECRET = secrets.token_bytes(32)
_devices: dict[tuple[int, str, str | None, str | None], _Device] = {}
_devices_lock = threading.Lock()


class _our_errors:  # noqa: N801 - reads as the context manager it is
    """Whatever the device or its library refuses becomes an error of ours."""

    def __init__(self, where: _Address) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is None or isinstance(error, SigningError):
            return
        where = self._where
        if isinstance(error, refusals.PinIncorrect | refusals.PinInvalid | refusals.PinLenRange):
            raise _wrong_pin(where) from error
        if isinstance(error, refusals.PinLocked | refusals.PinExpired):
            raise KeyUnavailable(f"Thiết bị đã bị khóa PIN ({where})", f"The device's PIN is locked ({where})") from error
        if isinstance(error, refusals.NoSuchToken | refusals.NoSuchKey | refusals.TokenNotPresent):
            raise NoSuchKey(f"Không thấy thiết bị hoặc khóa ({where})", f"No such token or key ({where})") from error
        if isinstance(error, refusals.PKCS11Error | OSError | RuntimeError):
            raise KeyUnavailable(
                f"Thiết bị không trả lời đúng ({where}): {type(error).__name__}",
                f"The device does not answer as it should ({where}): {type(error).__name__}: {error}",
            ) from error


def _wrong_pin(where: _Address) -> WrongSecret:
    return WrongSecret(
        f"Mã PIN không đúng ({where}); thiết bị có thể tự khóa sau vài lần sai",
        f"Wrong PIN ({where}); the device may lock after a few tries",
    )


def _token(where: _Address) -> Any:
    library = pkcs11.lib(where.module)
    wanted: Mapping[str, object] = {
        name: value
        for name, value in (("token_label", where.token), ("token_serial", where.serial and where.serial.encode()))
        if value
    }
    return library.get_token(**wanted)


def _only(device: _Device, template: dict[pkcs11.Attribute, object], where: _Address) -> Any:
    found = _bounded(device, template)
    if len(found) != 1:
        raise NoSuchKey(
            f"Thiết bị có {len(found)} khóa phù hợp ({where}), cần đúng một",
            f"The device holds {len(found)} matching keys ({where}), exactly one is expected",
        )
    return found[0]


def _bounded(device: _Device, template: dict[pkcs11.Attribute, object]) -> list[Any]:
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


def _certificates(device: _Device) -> Iterator[tuple[bytes, str, bytes]]:
    """Id, label and DER of each certificate on the token."""
    for each in _bounded(device, {pkcs11.Attribute.CLASS: pkcs11.ObjectClass.CERTIFICATE}):
        yield bytes(each[pkcs11.Attribute.ID]), str(each[pkcs11.Attribute.LABEL]), bytes(each[pkcs11.Attribute.VALUE])


def _certificate_of(key: Any, certificates: list[tuple[bytes, str, bytes]], where: _Address) -> bytes:
    """The certificate of this key among those with its id, else with its label; of several the newest that is valid now."""
    for same in (
        [der for identity, _, der in certificates if identity == bytes(key.id)],
        [der for _, label, der in certificates if label == key.label],
    ):
        fitting = [der for der in same if _is_of(key, der)]
        if fitting:
            return max(fitting, key=_validity)
    raise NoSuchKey(f"Thiết bị không có chứng thư của khóa ({where})", f"The device holds no certificate of the key ({where})")


def _is_of(key: Any, der: bytes) -> bool:
    """Whether this is the certificate of the key: by its kind, and for RSA by its modulus, which devices show."""
    try:
        public = public_key(der)
    except SigningError:
        return False  # no certificate, or of a key that signs nothing here
    if not isinstance(public, rsa.RSAPublicKey):
        return bool(key.key_type == pkcs11.KeyType.EC)
    if key.key_type != pkcs11.KeyType.RSA:
        return False
    try:
        shown = int.from_bytes(bytes(key[pkcs11.Attribute.MODULUS]), "big")
    except refusals.PKCS11Error:
        return True  # it does not show it: the value that the key makes is checked against the certificate anyway
    return shown == public.public_numbers().n


def _validity(der: bytes) -> tuple[bool, datetime]:
    read = read_certificate(der)
    now = datetime.now(UTC)
    return read.not_valid_before_utc <= now <= read.not_valid_after_utc, read.not_valid_before_utc
