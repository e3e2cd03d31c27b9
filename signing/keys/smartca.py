"""`smartca:` keys in the shape of VNPT SmartCA (version 4). UNVERIFIED: written from public client code, never tried on it.

    smartca:https://gwsca.vnpt.vn/sca/sp769?sp=ID&user=CCCD[&serial=HEX]

The service is given hashes; its owner confirms on the phone within five minutes; we ask until they did.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlsplit

from signing.errors import (
    AuthorisationExpired,
    AuthorisationRefused,
    BadRequest,
    BadSignatureValue,
    KeyUnavailable,
    NoSuchKey,
    NotReached,
    WrongSecret,
)
from signing.keys.algorithms import default_scheme, digest_of, is_made_by, ordered_chain, read_certificate
from signing.keys.signer import Ask
from signing.outward import Client

CONFIRM_SECONDS = 300.0
POLL_SECONDS = 3.0
MOST_AT_ONCE = 100
MOST_CERTIFICATES = 20  # of one person
MOST_SILENCES = 5  # of the service in a row, while its owner's answer is awaited
BUSY = frozenset({429})

# What the status of a transaction means; all other codes are failures of the service.
SIGNED, WAITING, EXPIRED, REFUSED = 1, 4000, 4001, 4002


class _Silent(KeyUnavailable):
    """No proper answer, this time."""


class SmartCaSigner:
    """A key at VNPT SmartCA, through a service provider's account."""

    unverified = True  # shown wherever this kind of key is offered
    at_once = MOST_AT_ONCE

    def __init__(
        self, client: Client, base: str, account: Mapping[str, str], *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._client, self._base, self._account, self._pause = client, base, account, pause
        found = self._certificate()
        self.certificate, self.chain, self._serial = found
        self.scheme = default_scheme(self.certificate)

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `smartca:BASE?sp=ID&user=CCCD`; asks for the service provider's password."""
        parts = urlsplit(uri.removeprefix("smartca:"))
        wishes = dict(parse_qsl(parts.query))
        if not {"sp", "user"} <= wishes.keys() or not parts.hostname:
            raise BadRequest(
                "Địa chỉ smartca: cần dạng smartca:https://…?sp=…&user=…",
                "A smartca: address reads smartca:https://…?sp=…&user=…",
            )
        base = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        password = ask(f"Mật khẩu dịch vụ của {wishes['sp']} / Password of the service account {wishes['sp']}")
        account = {
            "sp_id": wishes["sp"],
            "sp_password": password,
            "user_id": wishes["user"],
            "serial": wishes.get("serial", ""),
        }
        return cls(Client.for_addresses([base], seconds=30, encrypted=True), base, account)

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value; see Signer."""
        return next(self.sign_all([data], digest))

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One value per item, a hundred in one confirmation."""
        if digest != "sha256":
            raise KeyUnavailable(f"SmartCA chỉ ký sha256, không ký {digest}", f"SmartCA signs sha256 only, not {digest}")
        everything = list(data)
        for start in range(0, len(everything), MOST_AT_ONCE):
            yield from self._signed(everything[start : start + MOST_AT_ONCE])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._account = {}
        self._client.close()

    def _certificate(self) -> tuple[bytes, tuple[bytes, ...], str]:
        answer = self._post("v1/credentials/get_certificate", {"transaction_id": _transaction()})
        wanted = self._account["serial"].lower()
        found: list[tuple[bytes, tuple[bytes, ...], str]] = []
        for each in _list(answer.get("user_certificates"))[:MOST_CERTIFICATES]:
            serial = str(each.get("serial_number", ""))
            if wanted in {"", serial.lower()}:
                der, chain = _bytes(each.get("cert_data")), each.get("chain_data")
                kept = chain if isinstance(chain, dict) else {}
                others = [_bytes(kept[name]) for name in ("ca_cert", "root_cert") if kept.get(name)]
                read_certificate(der)
                found.append((der, ordered_chain(der, others), serial))
        if found:  # a renewed certificate stands beside the old one
            return max(found, key=lambda each: read_certificate(each[0]).not_valid_after_utc)
        raise NoSuchKey(f"Không có chứng thư của {self._account['user_id']}", f"No certificate of {self._account['user_id']}")

    def _signed(self, chunk: list[bytes]) -> Iterator[bytes]:
        documents = {f"{number}": each for number, each in enumerate(chunk)}
        files = [
            {"doc_id": name, "file_type": "pdf", "sign_type": "hash", "data_to_be_signed": digest_of(each, "sha256").hex()}
            for name, each in documents.items()
        ]
        transaction = {
            "transaction_id": _transaction(),
            "serial_number": self._serial,
            "time_stamp": datetime.now(UTC).strftime("%Y%m%d%H%M%SZ"),
            "sign_files": files,
        }
        begun = self._post("v1/signatures/sign", transaction)
        values = self._awaited(str(begun.get("tran_code") or begun.get("transaction_id") or ""))
        for name, each in documents.items():
            value = values.get(name, b"")
            if not is_made_by(self.certificate, scheme=self.scheme, data=each, digest="sha256", value=value):
                raise BadSignatureValue(
                    "SmartCA trả một giá trị không phải chữ ký của dữ liệu đã gửi",
                    "SmartCA returned a value that is not the signature of what was sent",
                )
            yield value

    def _awaited(self, transaction: str) -> dict[str, bytes]:
        waited, silences = 0.0, 0
        while waited <= CONFIRM_SECONDS:
            try:
                answer = self._post(f"v1/signatures/sign/{quote(transaction, safe='')}/status", {}, waiting=True)
                silences = 0
            except _Silent:  # the owner's answer is not lost because the service stumbled while it was awaited
                silences += 1
                if silences > MOST_SILENCES:
                    raise
                answer = {}
            signed = _list(answer.get("signed_files") or answer.get("signatures"))
            if signed:
                return {str(each.get("doc_id")): _bytes(each.get("signature_value")) for each in signed}
            self._pause(POLL_SECONDS)
            waited += POLL_SECONDS
        raise AuthorisationExpired("Quá 5 phút không xác nhận trên SmartCA", "Not confirmed in SmartCA within five minutes")

    def _post(self, method: str, body: Mapping[str, Any], *, waiting: bool = False) -> Mapping[str, Any]:
        who = {name: self._account[name] for name in ("sp_id", "sp_password", "user_id")}
        try:
            answer = self._client.post(f"{self._base}/{method}", json.dumps({**who, **body}).encode(), "application/json")
            content = _object(answer.content)
            code = int(content.get("status_code") or answer.status)
        except (NotReached, ValueError, TypeError, OverflowError, RecursionError) as error:
            why = str(error) if isinstance(error, NotReached) else type(error).__name__
            raise _Silent(f"SmartCA không trả lời đúng ({method})", f"SmartCA, {method}: {why}") from None
        inner = content.get("data")
        if code in {SIGNED, 200} or (waiting and code == WAITING):
            return inner if isinstance(inner, dict) else {}
        said = " ".join(str(content.get("message", ""))[:2000].replace(who["sp_password"] or "\0", "•••").split())[:200]
        raise _refusal(method, code, said)


def _refusal(method: str, code: int, said: str) -> Exception:
    if code == EXPIRED:
        return AuthorisationExpired(f"Quá 5 phút không xác nhận trên SmartCA: {said}", f"Not confirmed in time: {said}")
    if code == REFUSED:
        return AuthorisationRefused(f"Chủ khóa từ chối trên SmartCA: {said}", f"The owner refused in SmartCA: {said}")
    if code in {401, 403}:
        return WrongSecret(f"SmartCA không nhận mật khẩu dịch vụ: {said}", f"SmartCA refuses the service password: {said}")
    kind = _Silent if code in BUSY or code in range(500, 600) else KeyUnavailable
    return kind(f"SmartCA từ chối {method} ({code}): {said}", f"SmartCA refuses {method} ({code}): {said}")


def _object(content: bytes) -> dict[str, Any]:
    """The JSON object, or ValueError."""
    read = json.loads(content)
    if not isinstance(read, dict):
        raise ValueError(type(read).__name__)  # noqa: TRY004 - the caller's one word for what is no answer
    return read


def _transaction() -> str:
    return f"soky-{secrets.token_hex(12)}"


def _list(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode("".join(str(value).split()), validate=True)
    except ValueError as error:
        raise KeyUnavailable("SmartCA trả dữ liệu hỏng", "SmartCA returned malformed base64") from error
