"""One session of this process with a token: its address, its login, and how its refusals read.

A wrong PIN costs one of its few tries whoever asks: it is told at once, never tried again, and what the token refused a
moment ago is not shown to it again. A fork's copy of a session is nobody's: the child begins anew.
"""

import hashlib
import hmac
import os
import secrets
import threading
import time
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, unquote_to_bytes

import pkcs11
from pkcs11 import exceptions as refusals
from pkcs11.types import PROTECTED_AUTH

from signing.errors import BadRequest, KeyUnavailable, NoSuchKey, SigningError, WrongSecret
from signing.keys.secret import Secret
from signing.keys.signer import Ask

# A double click, a second window, a program that tries again: the token is not asked about the same wrong PIN in this time.
REFUSED_SECONDS = 600.0

# After these the session is over: pulled out, reset, or ended by another program. Anything else concerns one call alone.
_GONE = (
    refusals.DeviceError,
    refusals.DeviceRemoved,
    refusals.KeyHandleInvalid,
    refusals.ObjectHandleInvalid,
    refusals.SessionClosed,
    refusals.SessionHandleInvalid,
    refusals.TokenNotPresent,
    refusals.TokenNotRecognised,
    refusals.UserNotLoggedIn,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """What a pkcs11: URI names (RFC 7512)."""

    module: str
    token: str | None
    serial: str | None
    label: str | None
    id: bytes | None
    padding: str | None

    @classmethod
    def read(cls, uri: str) -> Self:
        """BadRequest, NoSuchKey for what is no address of a key."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        raw = dict(part.partition("=")[::2] for part in path.split(";") if part)
        asked = {name: unquote(value) for name, _, value in (part.partition("=") for part in query.split("&") if part)}
        if {"pin-value", "pin-source"} & (asked.keys() | raw.keys()):
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
class Device:
    """The one session of this process with a token."""

    where: Address
    place: "Place"
    process: int
    session: Any
    pin_mark: bytes
    lock: threading.RLock
    users: int = 0
    is_over: bool = False

    @classmethod
    def logged_in(cls, where: Address, ask: Ask) -> tuple[Self, Secret]:
        """The session, opened with the PIN or shared with who already opened it with the same PIN; and the PIN."""
        with our_errors(where), _lock_of(where):
            last_try = _last_try(_token(where))
        pin = Secret(ask(f"Mã PIN của thiết bị «{where.token or where.serial}» / PIN of the device{last_try}"))
        with our_errors(where), _lock_of(where):
            token = _token(where)
            place, mark = (where.module, bytes(token.serial)), _mark(token, pin)
            known = _devices.get(place)
            if known is not None:
                # The token would let a second opener in whatever they typed: the login belongs to the process.
                if not hmac.compare_digest(known.pin_mark, mark):
                    raise wrong_pin(where)
                known.users += 1
                return known, pin  # type: ignore[return-value]
            session, lock = _session(token, pin, where, mark), _lock_of(where)
            device = _devices[place] = cls(
                where=where, place=place, process=os.getpid(), session=session, pin_mark=mark, lock=lock, users=1
            )
            return device, pin

    def require(self) -> None:
        """KeyUnavailable where the session has ended or is another process's."""
        if self.is_over or self.process != os.getpid():
            raise KeyUnavailable(
                f"Phiên làm việc với thiết bị đã đóng hoặc thuộc tiến trình khác ({self.where})",
                f"The session with the device is closed or belongs to another process ({self.where})",
            )

    def noticed(self, error: Exception) -> None:
        """After an error that ends the session it is given up: whoever opens the token next logs in again."""
        # An error that the binding has no class for is the library's end too (CKR_CRYPTOKI_NOT_INITIALIZED).
        if isinstance(error, _GONE) or type(error) is refusals.PKCS11Error:
            self._end()

    def release(self) -> None:
        """The last one out logs off."""
        if self.process == os.getpid():  # in a fork's child the lock may be held by a thread that it does not have
            with self.lock:
                self.users -= 1
                if self.users == 0:
                    self._end()

    def _end(self) -> None:
        """Closed once, here: later its number may be another session's."""
        if self.is_over:
            return
        self.is_over = True
        if _devices.get(self.place) is self:
            del _devices[self.place]
        with suppress(refusals.PKCS11Error, RuntimeError):  # a device that has gone has ended it itself
            self.session.close()


Place = tuple[str, bytes]  # library and serial number of the token: two addresses may name one

_PROCESS_SECRET = secrets.token_bytes(32)
_devices: dict[Place, Device] = {}
# One lock for a whole library: the binding begins it without a word about threads (C_Initialize without arguments).
_locks: dict[str, threading.RLock] = {}
_begun: dict[str, int] = {}  # library -> the process that began with it
_refused: dict[tuple[str, bytes], float] = {}  # library, and token and PIN as a mark -> until when it is not tried


def _forked() -> None:
    """In a child: the parent's sessions and locks are the parent's."""
    _devices.clear()
    _locks.clear()


os.register_at_fork(after_in_child=_forked)


def _lock_of(where: Address) -> threading.RLock:
    return _locks.setdefault(where.module, threading.RLock())


def _token(where: Address) -> Any:
    library = pkcs11.lib(where.module)
    if _begun.setdefault(where.module, os.getpid()) != os.getpid():
        library.reinitialize()  # a child begins anew (PKCS#11 2.40, 6.6.1)
        _begun[where.module] = os.getpid()
    wanted: Mapping[str, object] = {
        name: value
        for name, value in (("token_label", where.token), ("token_serial", where.serial and where.serial.encode()))
        if value
    }
    return library.get_token(**wanted)


def _last_try(token: Any) -> str:
    """A word for the owner where the token says so; PinLocked where it is locked already: they are not even asked."""
    if pkcs11.TokenFlag.USER_PIN_LOCKED in token.flags:
        raise refusals.PinLocked
    return " (lần thử cuối / the last try)" if pkcs11.TokenFlag.USER_PIN_FINAL_TRY in token.flags else ""


def _mark(token: Any, pin: Secret) -> bytes:
    """Which PIN for which token, without saying it."""
    return hmac.new(_PROCESS_SECRET, bytes(token.serial) + b"\0" + pin.encoded, hashlib.sha256).digest()


def _session(token: Any, pin: Secret, where: Address, mark: bytes) -> Any:
    """A session with this PIN, which is shown to the token once."""
    if not pin:
        if pkcs11.TokenFlag.PROTECTED_AUTHENTICATION_PATH in token.flags:
            return token.open(user_pin=PROTECTED_AUTH)  # typed on the device itself
        raise wrong_pin(where)  # the token would count it
    if time.monotonic() < _refused.get((where.module, mark), 0):
        raise wrong_pin(where)
    try:
        return token.open(user_pin=pin.text)
    except (refusals.PinIncorrect, refusals.PinInvalid, refusals.PinLenRange):
        _refused[where.module, mark] = time.monotonic() + REFUSED_SECONDS
        raise


class our_errors:  # noqa: N801 - reads as the context manager it is
    """Whatever the device or its library refuses becomes an error of ours."""

    def __init__(self, where: Address) -> None:
        self._where = where

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not isinstance(error, Exception) or isinstance(error, SigningError):
            return
        where = self._where
        if isinstance(error, refusals.PinIncorrect | refusals.PinInvalid | refusals.PinLenRange):
            raise wrong_pin(where) from error
        if isinstance(error, refusals.PinLocked | refusals.PinExpired):
            raise KeyUnavailable(f"Thiết bị đã bị khóa PIN ({where})", f"The device's PIN is locked ({where})") from error
        if isinstance(error, refusals.NoSuchToken | refusals.NoSuchKey | refusals.TokenNotPresent):
            raise NoSuchKey(f"Không thấy thiết bị hoặc khóa ({where})", f"No such token or key ({where})") from error
        if isinstance(error, refusals.MultipleTokensReturned):
            raise NoSuchKey(
                f"Có nhiều thiết bị phù hợp ({where}), hãy thêm serial=…",
                f"Several tokens fit ({where}): name one with serial=…",
            ) from error
        # A library speaks through a binding: whatever it raises, the device did not do what it was asked.
        raise KeyUnavailable(
            f"Thiết bị không trả lời đúng ({where}): {type(error).__name__}",
            f"The device does not answer as it should ({where}): {type(error).__name__}: {error}",
        ) from error


def wrong_pin(where: Address) -> WrongSecret:
    """The refusal that ends everything that was to be done with this key."""
    return WrongSecret(
        f"Mã PIN không đúng ({where}); thiết bị có thể tự khóa sau vài lần sai",
        f"Wrong PIN ({where}); the device may lock after a few tries",
    )
