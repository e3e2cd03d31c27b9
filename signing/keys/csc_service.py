"""A remote signing service's API, in one version or the other: what is asked, and how its refusals read.

CSC API 1.0.4.0 and 2.0.0.2, chapter 11. Every answer is somebody else's: bounded, and of the expected shape or refused.
"""

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from asn1crypto import algos

from signing.cms import signature_algorithm
from signing.errors import AuthorisationExpired, AuthorisationRefused, KeyUnavailable, NoSuchKey, NotReached, WrongSecret
from signing.keys.algorithms import Scheme, ordered_chain, read_certificate
from signing.outward import Answer, Client

MOST_AT_ONCE = 1000  # whatever a service promises
MOST_CERTIFICATES = 20
MOST_OBJECTS = 8  # that an owner must type
MOST_PAGES = 20  # of a list of keys
MOST_KEYS = 1000

# A service that is busy (429, 503) is asked again when it says, at most so often and so long.
MOST_RETRIES = 3
MOST_WAIT_SECONDS = 30.0
BUSY = frozenset({429, 503})
SIGN_SECONDS = 300.0  # how long a service may take over signatures that it makes in its own time
POLL_SECONDS = 2.0

_DIGEST_OIDS = {"sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2", "sha512": "2.16.840.1.101.3.4.2.3"}

_PSS = "1.2.840.113549.1.1.10"
_URL = str.maketrans("+/", "-_")

# Error codes of the API (v1 11.1, v2 table 10) and of OAuth 2.0 that mean something to the owner.
_WRONG_SECRET = frozenset({"invalid_pin", "invalid_otp", "invalid_authentication_data"})
_REFUSED = frozenset({"access_denied", "authorization_denied", "user_refused"})
_EXPIRED = frozenset({"authorization_expired", "expired_token", "expired_sad", "sad_expired", "timeout"})


class ServiceBusy(KeyUnavailable):
    """The signing service does not answer now, or has too much to do: later it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """What the service says about a key (credentials/info)."""

    id: str
    certificate: bytes
    chain: tuple[bytes, ...]
    at_once: int  # signatures in one authorisation
    binds_hashes: bool  # SCAL 2: the authorisation is for these hashes alone
    wanted: tuple[tuple[str, str], ...]  # what its owner must type: ("PIN", a label), ("OTP", ...)
    can_pss: bool = False  # RSASSA-PSS is among its algorithms
    in_browser: bool = False  # the owner authorises on a page of the service (oauth2code)
    code_is_sent: bool = False  # a one-time code comes to the owner's phone when it is asked for
    is_challenged: bool = False  # the owner answers a challenge of the service


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The owner's phone was asked."""

    handle: str


class Service:
    """The service's API, in one version or the other."""

    def __init__(
        self,
        *,
        base: str,
        version: str,
        bearer: Callable[[], str],
        anew: Callable[[], bool] = lambda: False,
        seconds: float = 30.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._base = base
        self._anew = anew  # has a new access token, where one can be had without the owner
        self._pause = pause
        self.is_v2 = version == "v2"
        self._bearer = bearer  # an access token that holds now, or "": asked for at each call
        self._client = Client.for_addresses([base], seconds=seconds, encrypted=True)

    def credential(self, identity: str) -> Credential:
        """credentials/info (v1 11.5, v2 11.5)."""
        body = {"credentialID": identity, "certificates": "chain", "certInfo": False, "authInfo": True}
        answer = self._post("credentials/info", body)
        if _part(answer, "key").get("status") != "enabled":
            raise NoSuchKey(f"Khóa {identity} không dùng được", f"The key {identity} is not enabled")
        encoded = _part(answer, "cert").get("certificates")
        if not isinstance(encoded, list) or not 1 <= len(encoded) <= MOST_CERTIFICATES:
            raise NoSuchKey(f"Khóa {identity} không có chứng thư", f"The key {identity} has no certificate")
        certificates = [_bytes(each) for each in encoded]
        read_certificate(certificates[0])
        return Credential(
            id=identity,
            certificate=certificates[0],
            chain=ordered_chain(certificates[0], certificates[1:]),
            at_once=_count(answer.get("multisign")),
            binds_hashes=str(answer.get("SCAL", "1")) == "2",
            wanted=self._wanted(answer),
            can_pss=_PSS in _words(_part(answer, "key").get("algo")),
            in_browser=self._mode(answer) == "oauth2code",
            code_is_sent=not self.is_v2 and _part(answer, "OTP").get("type") == "online",
            is_challenged=self.is_v2 and any(each.get("type") == "ChallengeResponse" for each in _objects(answer)),
        )

    def credentials(self, user: str) -> list[str]:
        """credentials/list (v1 11.4, v2 11.4), all pages."""
        found: list[str] = []
        page = ""
        for _ in range(MOST_PAGES):
            body = {**({"userID": user} if user else {}), **({"pageToken": page} if page else {})}
            answer = self._post("credentials/list", {**body, **({"onlyValid": True} if self.is_v2 else {})})
            listed = answer.get("credentialIDs")
            if not isinstance(listed, list):
                raise _strange("credentials/list")
            found += [each for each in listed if isinstance(each, str)]
            page = answer.get("nextPageToken") or ""
            if not isinstance(page, str) or not page or len(found) > MOST_KEYS:
                break
        return list(dict.fromkeys(found))[:MOST_KEYS]

    def prepare_secrets(self, credential: Credential) -> str:
        """What must happen before the owner can type: a code is sent to them, or the challenge that they are shown."""
        if credential.code_is_sent:
            self._post("credentials/sendOTP", {"credentialID": credential.id})
        if not credential.is_challenged:
            return ""
        challenge = self._post("credentials/getChallenge", {"credentialID": credential.id}).get("challenge")
        return "".join(each for each in str(challenge or "") if each.isprintable())[:200]

    def details(self, credential: Credential, hashes: tuple[str, ...], digest: str) -> dict[str, str]:
        """What the owner's page is told of the authorisation (v1 8.3.2; v2 8.4.2 and RFC 9396): these hashes, and no others."""
        if not self.is_v2:
            urls = [each.translate(_URL).rstrip("=") for each in hashes]
            return {"credentialID": credential.id, "numSignatures": str(len(hashes)), "hash": ",".join(urls)}
        details = {
            "type": "credential",
            "credentialID": credential.id,
            "numSignatures": len(hashes),
            "documentDigests": [{"hash": each, "label": f"Soky {n}"} for n, each in enumerate(hashes, 1)],
            "hashAlgorithmOID": _DIGEST_OIDS[digest],
        }
        return {"authorization_details": json.dumps([details])}

    def authorise(
        self, credential: Credential, hashes: tuple[str, ...], digest: str, secrets: Mapping[str, str]
    ) -> str | Waiting:
        """credentials/authorize (v1 11.6, v2 11.6): the activation data, or what waits while the owner is asked."""
        body: dict[str, Any] = {"credentialID": credential.id, "numSignatures": len(hashes)}
        if self.is_v2:
            body |= {"hashes": hashes, "hashAlgorithmOID": _DIGEST_OIDS[digest]}
            if secrets:
                body["authData"] = [{"id": name, "value": value} for name, value in secrets.items()]
        else:
            body |= {"hash": hashes, **secrets}
        answer = self._post("credentials/authorize", body, unsaid=tuple(secrets.values()))
        return _text(answer, "SAD") if "SAD" in answer else Waiting(handle=_text(answer, "handle"))

    def authorise_check(self, handle: str) -> str | None:
        """credentials/authorizeCheck (v2 11.7): the activation data, None while the owner has not answered."""
        answer = self._post("credentials/authorizeCheck", {"handle": handle})
        return _text(answer, "SAD") if "SAD" in answer else None

    def sign_hash(self, credential: Credential, hashes: list[str], digest: str, scheme: Scheme, activation: str) -> list[bytes]:
        """signatures/signHash (v1 11.9, v2 11.10). What a browser confirmed is in version 2 the bearer token itself."""
        algorithm = algos.SignedDigestAlgorithm.load(signature_algorithm(scheme, digest))
        body: dict[str, Any] = {"credentialID": credential.id, "signAlgo": algorithm["algorithm"].dotted}
        bearer = activation if self.is_v2 and credential.in_browser else None
        if bearer is None:
            body["SAD"] = activation
        if scheme is Scheme.RSA_PSS:
            body["signAlgoParams"] = base64_of(algorithm["parameters"].dump())
        if self.is_v2:
            body |= {"hashes": hashes, "hashAlgorithmOID": _DIGEST_OIDS[digest]}
        else:
            body |= {"hash": hashes, "hashAlgo": _DIGEST_OIDS[digest]}
        answer = self._post("signatures/signHash", body, unsaid=(activation,), bearer=bearer)
        values = answer["signatures"] if "signatures" in answer else self._made_later(answer, bearer)
        if not isinstance(values, list) or len(values) > MOST_AT_ONCE:
            raise _strange("signatures/signHash")
        return [_bytes(value) for value in values]

    def _made_later(self, answer: Mapping[str, Any], bearer: str | None) -> object:
        """The values of a service that signs in its own time (v2 11.12): asked for until they are there."""
        if "responseID" not in answer:
            return None
        for _ in range(int(SIGN_SECONDS / POLL_SECONDS)):
            self._pause(POLL_SECONDS)
            later = self._post("signatures/signPolling", {"responseID": _text(answer, "responseID")}, bearer=bearer)
            if "signatures" in later:
                return later["signatures"]
        raise expired()

    def close(self) -> None:
        """Close connections and forget the token."""
        self._bearer, self._anew = str, lambda: False
        self._client.close()

    def _mode(self, answer: Mapping[str, Any]) -> str:
        """How the owner authorises: implicit, explicit, oauth2code."""
        return str(_part(answer, "auth").get("mode") if self.is_v2 else answer.get("authMode"))

    def _wanted(self, answer: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
        """What the owner must type: v2 lists auth.objects, v1 has PIN and OTP."""
        if self._mode(answer) != "explicit":
            return ()
        if self.is_v2:
            return tuple((_text(each, "id"), str(each.get("label", each["id"]))[:100]) for each in _objects(answer))
        names = (("PIN", "Mã PIN"), ("OTP", "Mã dùng một lần"))
        return tuple(
            (name, label) for name, label in names if _part(answer, name).get("presence") in {"true", True, "optional"}
        )

    def _post(
        self, method: str, body: Mapping[str, Any], *, unsaid: tuple[str, ...] = (), bearer: str | None = None
    ) -> dict[str, Any]:
        """`unsaid`: secrets in the body, which a service might repeat in its refusal and we do not."""
        for retry in range(MOST_RETRIES + 1):
            token = self._bearer() if bearer is None else bearer
            answer = self._answer(method, body, token)
            content = _object(answer.content)
            if answer.status in {200, 202, 204} and content is not None:
                return content
            # The access token ended in the middle of a batch: nothing was done yet, if that is what it says (RFC 6750, 3.1).
            ended = answer.status == UNAUTHORISED and (method not in TYPED or (content or {}).get("error") == "invalid_token")
            if ended and bearer is None and not retry and self._anew():
                continue
            if not self._may_ask_again(method, answer, retry):
                break
        raise _refusal(method, answer, content or {}, (*unsaid, token))

    def _may_ask_again(self, method: str, answer: Answer, retry: int) -> bool:
        """Whether a busy service is asked again, after the pause that it wants. What an owner typed is never sent twice."""
        wanted = answer.retry_after if answer.retry_after is not None else 2.0**retry
        if answer.status not in BUSY or method in TYPED or retry == MOST_RETRIES or wanted > MOST_WAIT_SECONDS:
            return False
        self._pause(wanted)
        return True

    def _answer(self, method: str, body: Mapping[str, Any], token: str) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return self._client.post(f"{self._base}/{method}", json.dumps(body).encode(), "application/json", headers=headers)
        except NotReached as error:
            raise ServiceBusy(f"Không gọi được dịch vụ ký ({method}): {error}", f"{method}: {error}") from error


UNAUTHORISED = 401
FAILED = 500  # and above: the service's own failures
TYPED = frozenset({"credentials/authorize"})  # may hold a PIN or a one-time code, and asks the owner's phone


def _refusal(method: str, answer: Answer, content: Mapping[str, Any], unsaid: tuple[str, ...]) -> Exception:
    """The service's error as one of ours."""
    status = answer.status
    code, said = str(content.get("error", ""))[:60], " ".join(str(content.get("error_description", ""))[:2000].split())
    for secret in filter(None, unsaid):
        code, said = code.replace(secret, "•••"), said.replace(secret, "•••")
    said = said[:200]
    if code in _WRONG_SECRET:
        return WrongSecret(f"Mã PIN hoặc mã một lần không đúng: {said}", f"Wrong PIN or one-time code: {said}")
    if code in _REFUSED:
        return AuthorisationRefused(f"Chủ khóa từ chối trên điện thoại: {said}", f"The owner refused on their phone: {said}")
    if code in _EXPIRED or ("SAD" in said and "expired" in said.lower()):
        return expired()
    if status in {UNAUTHORISED, 403}:
        return WrongSecret(f"Dịch vụ ký không nhận mã truy cập: {said}", f"The service refuses the access token: {said}")
    kind = ServiceBusy if status in BUSY or status >= FAILED else KeyUnavailable
    return kind(
        f"Dịch vụ ký từ chối {method} ({status} {code}): {said}", f"The service refuses {method} ({status} {code}): {said}"
    )


def expired() -> AuthorisationExpired:
    """The owner was asked too long ago."""
    return AuthorisationExpired("Quá thời hạn xác nhận trên điện thoại", "The time to confirm on the phone is over")


def _strange(method: str) -> KeyUnavailable:
    return KeyUnavailable(f"Dịch vụ ký trả lời không đúng cách ({method})", f"The service's answer to {method} is malformed")


def _object(content: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str) or not value:
        raise _strange(key)
    return value


def _part(answer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = answer.get(key)
    return value if isinstance(value, dict) else {}


def _words(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _objects(answer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What the owner must type (v2 11.5, auth.objects)."""
    listed = _part(answer, "auth").get("objects")
    objects: list[Mapping[str, Any]] = listed if isinstance(listed, list) else []
    return [each for each in objects[:MOST_OBJECTS] if isinstance(each, Mapping)]


def _bytes(value: object) -> bytes:
    try:
        return base64.b64decode(str(value), validate=True)
    except ValueError as error:
        raise _strange("base64") from error


def base64_of(value: bytes) -> str:
    """As the API writes digests."""
    return base64.b64encode(value).decode("ascii")


def _count(value: object) -> int:
    """How many signatures one authorisation covers; one where the service does not say."""
    return max(1, min(value, MOST_AT_ONCE)) if isinstance(value, int) else 1
