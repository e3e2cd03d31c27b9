"""`csc:` keys at a remote signing service: the Cloud Signature Consortium's API, versions 1.0.4.0 and 2.0.0.2.

    csc:https://service.example/csc/v2?credential=GX0112348[&padding=pss]

The service is given digests. Its owner authorises up to `multisign` of them at once (PIN, one-time code, or a tap on the
phone, for which we wait at most five minutes), and each value that comes back is checked against the certificate.
"""

import base64
import itertools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from asn1crypto import algos

from signing.cms import signature_algorithm
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
from signing.keys.algorithms import Scheme, default_scheme, digest_of, is_made_by, ordered_chain, read_certificate
from signing.keys.signer import Ask
from signing.outward import Client

# How long the owner has to confirm on their phone. Vietnamese services end a request after five minutes (code 4001).
CONFIRM_SECONDS = 300.0
POLL_SECONDS = 2.0
MOST_AT_ONCE = 1000  # whatever a service promises
MOST_CERTIFICATES = 20

_DIGEST_OIDS = {"sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}

# Error codes of the API (v1 11.1, v2 table 10) and of OAuth 2.0 that mean something to the owner.
_WRONG_SECRET = frozenset({"invalid_pin", "invalid_otp", "invalid_authentication_data"})
_REFUSED = frozenset({"access_denied", "authorization_denied", "user_refused"})
_EXPIRED = frozenset({"authorization_expired", "expired_token", "timeout"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An authorisation that waits for its owner's phone: can be stored and asked about again later."""

    credential: str
    hashes: tuple[str, ...]  # base64
    digest: str
    handle: str
    asked_at: float  # time.time()

    def to_bytes(self) -> bytes:
        """For storage."""
        content = {"asked_at": self.asked_at, "credential": self.credential, "digest": self.digest, "handle": self.handle}
        return json.dumps({**content, "hashes": self.hashes}, sort_keys=True).encode()

    @classmethod
    def from_bytes(cls, stored: bytes) -> Self:
        """What `to_bytes` gave."""
        content = json.loads(stored)
        return cls(**{**content, "hashes": tuple(content["hashes"])})


class CscSigner:
    """A key at a remote signing service. Open it with `open`; closing it forgets tokens and codes."""

    def __init__(
        self,
        service: "Service",
        credential: "Credential",
        ask: Ask,
        *,
        pss: bool = False,
        confirm_seconds: float = CONFIRM_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.certificate = credential.certificate
        self.chain = credential.chain
        self.at_once = credential.at_once  # signatures in one authorisation
        scheme = default_scheme(credential.certificate)
        self.scheme = Scheme.RSA_PSS if pss and scheme is Scheme.RSA_PKCS1 else scheme
        self._service = service
        self._credential = credential
        self._ask = ask
        self._confirm_seconds = confirm_seconds
        self._poll_seconds = poll_seconds
        self._pause = pause

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `csc:https://HOST/csc/v1|v2?credential=ID`; asks for the access token (empty: none is needed)."""
        parts = urlsplit(uri.removeprefix("csc:"))
        wishes = dict(parse_qsl(parts.query))
        base = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        version = base.rpartition("/")[2]
        if version not in {"v1", "v2"} or "credential" not in wishes:
            raise BadRequest(
                "Địa chỉ csc: cần dạng csc:https://…/csc/v1|v2?credential=…",
                "A csc: address reads csc:https://…/csc/v1|v2?credential=…",
            )
        token = ask(f"Mã truy cập dịch vụ ký {parts.hostname} (để trống nếu không cần) / Access token of {parts.hostname}")
        service = Service(base=base, version=version, token=token)
        try:
            credential = service.credential(wishes["credential"])
        except BaseException:
            service.close()
            raise
        return cls(service, credential, ask, pss=wishes.get("padding") == "pss")

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value; see Signer. One authorisation for this one value."""
        return next(self.sign_all([data], digest))

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One value per item, in order; as many in one authorisation as the service allows."""
        items = iter(data)
        while chunk := list(itertools.islice(items, self._credential.at_once)):
            activation = self._authorised(chunk, digest)
            yield from self._signed(chunk, digest, activation)

    # In steps, for an office that does not keep a thread waiting for a phone:

    def begin(self, data: Iterable[bytes], digest: str) -> "Pending | str":
        """Ask for the authorisation of these data: the activation data at once, or what waits for the owner's phone."""
        chunk = list(data)
        if not 0 < len(chunk) <= self._credential.at_once:
            raise BadRequest(
                f"Mỗi lần xác nhận được 1 đến {self._credential.at_once} chữ ký, không phải {len(chunk)}",
                f"One authorisation covers 1 to {self._credential.at_once} signatures, not {len(chunk)}",
            )
        hashes = tuple(_base64(digest_of(each, digest)) for each in chunk)
        answer = self._service.authorise(self._credential, hashes, digest, self._secrets())
        if "SAD" in answer:
            return str(answer["SAD"])
        return Pending(
            credential=self._credential.id,
            hashes=hashes,
            digest=digest,
            handle=_text(answer, "handle"),
            asked_at=time.time(),
        )

    def check(self, pending: Pending) -> str | None:
        """The activation data, or None while the owner has not confirmed. Raises AuthorisationRefused, AuthorisationExpired."""
        if time.time() - pending.asked_at > self._confirm_seconds:
            raise _expired()
        answer = self._service.authorise_check(pending.handle)
        return str(answer["SAD"]) if "SAD" in answer else None

    def complete(self, data: Iterable[bytes], digest: str, activation: str) -> list[bytes]:
        """The values, once the owner has confirmed."""
        return self._signed(list(data), digest, activation)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._service.close()

    def _authorised(self, chunk: list[bytes], digest: str) -> str:
        begun = self.begin(chunk, digest)
        if isinstance(begun, str):
            return begun
        waited = 0.0
        while (activation := self.check(begun)) is None:
            if waited >= self._confirm_seconds:
                raise _expired()
            self._pause(self._poll_seconds)
            waited += self._poll_seconds
        return activation

    def _secrets(self) -> dict[str, str]:
        """PIN and one-time code, as far as the credential wants them; each asked for once."""
        return {
            name: self._ask(f"{label} của khóa {self._credential.id} / {name} of the key {self._credential.id}")
            for name, label in self._credential.wanted
        }

    def _signed(self, chunk: list[bytes], digest: str, activation: str) -> list[bytes]:
        hashes = [_base64(digest_of(each, digest)) for each in chunk]
        values = self._service.sign_hash(self._credential.id, hashes, digest, self.scheme, activation)
        if len(values) != len(chunk):
            raise KeyUnavailable(
                f"Dịch vụ trả {len(values)} chữ ký, cần {len(chunk)}",
                f"The service returned {len(values)} signatures, expected {len(chunk)}",
            )
        for each, value in zip(chunk, values, strict=True):
            if not is_made_by(self.certificate, scheme=self.scheme, data=each, digest=digest, value=value):
                raise BadSignatureValue(
                    "Dịch vụ trả một giá trị không phải chữ ký của dữ liệu đã gửi",
                    "The service returned a value that is not the signature of what was sent",
                )
        return values


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What the service says about a key (credentials/info)."""

    id: str
    certificate: bytes
    chain: tuple[bytes, ...]
    at_once: int  # signatures in one authorisation
    binds_hashes: bool  # SCAL 2: the authorisation is for these hashes alone
    wanted: tuple[tuple[str, str], ...]  # what its owner must type: ("PIN", a label), ("OTP", ...)


class Service:
    """The service's API, in one version or the other."""

    def __init__(self, *, base: str, version: str, token: str, seconds: float = 30.0) -> None:
        self._base = base
        self._is_v2 = version == "v2"
        self._client = Client.for_addresses([base], seconds=seconds, encrypted=True)
        if token:
            self._client.headers = {"Authorization": f"Bearer {token}"}

    def credential(self, identity: str) -> Credential:
        """credentials/info (v1 11.5, v2 11.5)."""
        body = {"credentialID": identity, "certificates": "chain", "certInfo": False, "authInfo": True}
        answer = self._post("credentials/info", body)
        if answer.get("key", {}).get("status") != "enabled":
            raise NoSuchKey(f"Khóa {identity} không dùng được", f"The key {identity} is not enabled")
        encoded = answer.get("cert", {}).get("certificates") or []
        if not 1 <= len(encoded) <= MOST_CERTIFICATES:
            raise NoSuchKey(f"Khóa {identity} không có chứng thư", f"The key {identity} has no certificate")
        certificates = [_bytes(each) for each in encoded]
        read_certificate(certificates[0])
        return Credential(
            id=identity,
            certificate=certificates[0],
            chain=ordered_chain(certificates[0], certificates[1:]),
            at_once=max(1, min(int(answer.get("multisign") or 1), MOST_AT_ONCE)),
            binds_hashes=str(answer.get("SCAL", "1")) == "2",
            wanted=self._wanted(answer),
        )

    def first_credential(self, user: str) -> str:
        """credentials/list (v1 11.4): the only key, or the first of several."""
        found = self._post("credentials/list", {"userID": user}).get("credentialIDs")
        if not isinstance(found, list) or not found:
            raise NoSuchKey(f"{user} không có khóa nào ở dịch vụ này", f"{user} has no key at this service")
        return str(found[0])

    def authorise(
        self, credential: Credential, hashes: tuple[str, ...], digest: str, secrets: Mapping[str, str]
    ) -> dict[str, Any]:
        """credentials/authorize: {"SAD": ...}, or {"handle": ...} while the owner is asked (v2 11.6)."""
        body: dict[str, Any] = {"credentialID": credential.id, "numSignatures": len(hashes)}
        if self._is_v2:
            body |= {"hashes": hashes, "hashAlgorithmOID": _DIGEST_OIDS[digest]}
            if secrets:
                body["authData"] = [{"id": name, "value": value} for name, value in secrets.items()]
        else:
            body |= {"hash": hashes, **secrets}
        return self._post("credentials/authorize", body)

    def authorise_check(self, handle: str) -> dict[str, Any]:
        """credentials/authorizeCheck (v2 11.7)."""
        return self._post("credentials/authorizeCheck", {"handle": handle})

    def sign_hash(self, identity: str, hashes: list[str], digest: str, scheme: Scheme, activation: str) -> list[bytes]:
        """signatures/signHash (v1 11.9, v2 11.10)."""
        algorithm = algos.SignedDigestAlgorithm.load(signature_algorithm(scheme, digest))
        body: dict[str, Any] = {"credentialID": identity, "SAD": activation, "signAlgo": algorithm["algorithm"].dotted}
        if scheme is Scheme.RSA_PSS:
            body["signAlgoParams"] = _base64(algorithm["parameters"].dump())
        if self._is_v2:
            body |= {"hashes": hashes, "hashAlgorithmOID": _DIGEST_OIDS[digest]}
        else:
            body |= {"hash": hashes, "hashAlgo": _DIGEST_OIDS[digest]}
        values = self._post("signatures/signHash", body).get("signatures")
        if not isinstance(values, list):
            raise _strange("signatures/signHash")
        return [_bytes(value) for value in values]

    def close(self) -> None:
        """Close connections and forget the token."""
        self._client.headers = {}
        self._client.close()

    def _wanted(self, answer: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """What the owner must type: v2 lists auth.objects, v1 has PIN and OTP."""
        if self._is_v2:
            auth = answer.get("auth", {})
            objects = auth.get("objects") or [] if auth.get("mode") == "explicit" else []
            return tuple((str(each["id"]), str(each.get("label", each["id"]))) for each in objects)
        if answer.get("authMode") != "explicit":
            return ()
        names = (("PIN", "Mã PIN"), ("OTP", "Mã dùng một lần"))
        return tuple(
            (name, label) for name, label in names if answer.get(name, {}).get("presence") in {"true", True, "optional"}
        )

    def _post(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.post(f"{self._base}/{method}", json.dumps(body).encode(), "application/json")
        except NotReached as error:
            raise KeyUnavailable(f"Không gọi được dịch vụ ký ({method}): {error}", f"{method}: {error}") from error
        content = _object(answer.content)
        if answer.status in {200, 202} and content is not None:
            return content
        raise _refusal(method, answer.status, content or {})


def _refusal(method: str, status: int, content: Mapping[str, Any]) -> Exception:
    """The service's error as one of ours."""
    code, said = str(content.get("error", "")), " ".join(str(content.get("error_description", "")).split())[:200]
    if code in _WRONG_SECRET:
        return WrongSecret(f"Mã PIN hoặc mã một lần không đúng: {said}", f"Wrong PIN or one-time code: {said}")
    if code in _REFUSED:
        return AuthorisationRefused(f"Chủ khóa từ chối trên điện thoại: {said}", f"The owner refused on their phone: {said}")
    if code in _EXPIRED:
        return _expired()
    if status in {401, 403}:
        return WrongSecret(f"Dịch vụ ký không nhận mã truy cập: {said}", f"The service refuses the access token: {said}")
    return KeyUnavailable(
        f"Dịch vụ ký từ chối {method} ({status} {code}): {said}", f"The service refuses {method} ({status} {code}): {said}"
    )


def _expired() -> AuthorisationExpired:
    return AuthorisationExpired("Quá thời hạn xác nhận trên điện thoại", "The time to confirm on the phone is over")


def _strange(method: str) -> KeyUnavailable:
    return KeyUnavailable(f"Dịch vụ ký trả lời không đúng cách ({method})", f"The service's answer to {method} is malformed")


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(content or b"{}")
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str):
        raise _strange("credentials/authorize")
    return value


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError as error:
        raise _strange("base64") from error


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
