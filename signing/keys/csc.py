"""`csc:` keys at a remote signing service: the Cloud Signature Consortium's API, versions 1.0.4.0 and 2.0.0.2.

    csc:https://service.example/csc/v2?credential=GX0112348[&padding=pss|pkcs1][&user=NAME]
                                      [&client=ID[&redirect=https://school.example/back]]

Without `client` the owner gives an access token. With `client` alone the program's account is asked for its secret and gets
tokens by itself (client_credentials); with `redirect` too the owner confirms in their browser (authorization code with PKCE).
Without `credential` the account must have exactly one key.

The service is given digests. Its owner authorises up to `at_once` of them together (PIN, one-time code, a page in the browser,
or a tap on the phone, for which we wait at most five minutes), and each value is checked against the certificate.
"""

import itertools
import json
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from signing.errors import BadRequest, BadSignatureValue, KeyUnavailable, NoSuchKey
from signing.keys.algorithms import Scheme, default_scheme, digest_of, is_made_by, rsa_scheme
from signing.keys.csc_service import Credential, Service, ServiceBusy, base64_of, expired
from signing.keys.oauth import Asked, OAuth, Token
from signing.keys.signer import Ask

__all__ = ["Asked", "CscSigner", "Pending"]

# How long the owner has to confirm on their phone. Vietnamese services end a request after five minutes (code 4001).
CONFIRM_SECONDS = 300.0
POLL_SECONDS = 2.0
MOST_SILENCES = 5  # of the service in a row, while its owner's answer is awaited


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An authorisation that waits for its owner's phone: can be stored and asked about again later. Holds no secret."""

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
        """What `to_bytes` gave; BadRequest otherwise."""
        try:
            read = json.loads(stored)
            return cls(
                credential=str(read["credential"]),
                hashes=tuple(str(each) for each in read["hashes"]),
                digest=str(read["digest"]),
                handle=str(read["handle"]),
                asked_at=float(read["asked_at"]),
            )
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            raise BadRequest("Yêu cầu xác nhận đã lưu không đọc được", "The stored request cannot be read") from error


class CscSigner:
    """A key at a remote signing service. Open it with `open`; closing it forgets tokens and codes."""

    def __init__(
        self,
        service: Service,
        credential: Credential,
        ask: Ask,
        *,
        padding: str | None = None,
        oauth: OAuth | None = None,
        confirm_seconds: float = CONFIRM_SECONDS,
        poll_seconds: float = POLL_SECONDS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.certificate = credential.certificate
        self.chain = credential.chain
        self.at_once = credential.at_once  # signatures in one authorisation
        scheme = default_scheme(credential.certificate)
        is_rsa = scheme is Scheme.RSA_PKCS1
        self.scheme = rsa_scheme(padding, can_pss=credential.can_pss) if is_rsa else scheme
        self._service = service
        self._credential = credential
        self._ask = ask
        self._oauth = oauth
        self._confirm_seconds = confirm_seconds
        self._poll_seconds = poll_seconds
        self._pause = pause

    @classmethod
    def open(cls, uri: str, ask: Ask) -> Self:
        """Open `csc:https://HOST/csc/v1|v2?...`; asks for the access token (empty: none is needed), or as the module says."""
        return cls.resumable(uri, ask, verifier_key=secrets.token_bytes(32))

    @classmethod
    def resumable(cls, uri: str, ask: Ask, *, verifier_key: bytes) -> Self:
        """`open` with a secret of the office, where a confirmation in the browser must survive a restart of this process."""
        parts = urlsplit(uri.removeprefix("csc:"))
        wishes = dict(parse_qsl(parts.query))
        base = f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")
        version = base.rpartition("/")[2]
        if version not in {"v1", "v2"} or not parts.hostname or not {"credential", "client"} & wishes.keys():
            raise BadRequest(
                "Địa chỉ csc: cần dạng csc:https://…/csc/v1|v2?credential=…",
                "A csc: address reads csc:https://…/csc/v1|v2?credential=…",
            )
        oauth, bearer = None, Bearer(_given(ask, parts.hostname))
        if "client" in wishes:
            oauth, bearer = _client(base, wishes, ask, verifier_key)
        service = Service(base=base, version=version, bearer=bearer, anew=bearer.anew)
        try:
            credential = service.credential(wishes.get("credential") or _only(service.credentials(wishes.get("user", ""))))
        except BaseException:
            service.close()
            if oauth is not None:
                oauth.close()
            raise
        return cls(service, credential, ask, padding=wishes.get("padding"), oauth=oauth)

    def sign(self, data: bytes, digest: str) -> bytes:
        """The signature value; see Signer. One authorisation for this one value."""
        return next(self.sign_all([data], digest))

    def sign_all(self, data: Iterable[bytes], digest: str) -> Iterator[bytes]:
        """One value per item, in order; as many in one authorisation as the service allows."""
        items = iter(data)
        while chunk := list(itertools.islice(items, self._credential.at_once)):
            activation = self._authorised(chunk, digest)
            yield from self._signed(chunk, digest, activation)

    # In steps, for an office that does not keep a thread waiting for a phone or a browser:

    def begin(self, data: Iterable[bytes], digest: str) -> "Pending | Asked | str":
        """Ask for the authorisation of these data: the activation data at once, or what waits for its owner.

        `Pending` waits for their phone (`check`), `Asked` for what they confirm in their browser (`confirmed`).
        """
        chunk = list(data)
        if not 0 < len(chunk) <= self._credential.at_once:
            raise BadRequest(
                f"Mỗi lần xác nhận được 1 đến {self._credential.at_once} chữ ký, không phải {len(chunk)}",
                f"One authorisation covers 1 to {self._credential.at_once} signatures, not {len(chunk)}",
            )
        hashes = tuple(base64_of(digest_of(each, digest)) for each in chunk)
        if self._credential.in_browser:
            return self._oauth_or_refuse().ask_owner(
                "credential", self._service.details(self._credential, hashes, digest), pushed=self._service.is_v2
            )
        answer = self._service.authorise(self._credential, hashes, digest, self._secrets())
        if isinstance(answer, str):
            return answer
        return Pending(credential=self._credential.id, hashes=hashes, digest=digest, handle=answer.handle, asked_at=time.time())

    def check(self, pending: Pending) -> str | None:
        """The activation data, or None while the owner has not confirmed. Raises AuthorisationRefused, AuthorisationExpired."""
        if time.time() - pending.asked_at > self._confirm_seconds:
            raise expired()
        return self._service.authorise_check(pending.handle)

    def confirmed(self, asked: Asked, answer: str) -> str:
        """The activation data, from the address that the owner's browser was sent back to."""
        return self._oauth_or_refuse().redeem(asked, answer).value

    def complete(self, data: Iterable[bytes], digest: str, activation: str) -> list[bytes]:
        """The values, once the owner has confirmed."""
        return self._signed(list(data), digest, activation)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._service.close()
        if self._oauth is not None:
            self._oauth.close()

    def _authorised(self, chunk: list[bytes], digest: str) -> str:
        begun = self.begin(chunk, digest)
        if isinstance(begun, str):
            return begun
        if isinstance(begun, Asked):
            return self.confirmed(begun, self._ask(_open_this(begun, f"{len(chunk)} chữ ký / signatures")))
        waited, silences, began = 0.0, 0, time.monotonic()
        while True:
            try:
                if (activation := self.check(begun)) is not None:
                    return activation
                silences = 0
            except ServiceBusy:  # the owner's answer is not lost because the service stumbled while it was awaited
                silences += 1
                if silences > MOST_SILENCES:
                    raise
            if max(waited, time.monotonic() - began) >= self._confirm_seconds:  # the service may be slow to answer, too
                raise expired()
            self._pause(self._poll_seconds)
            waited += self._poll_seconds

    def _secrets(self) -> dict[str, str]:
        """PIN and one-time code, as far as the credential wants them; each asked for once."""
        challenge = self._service.prepare_secrets(self._credential)
        beside = f" [{challenge}]" if challenge else ""
        return {
            name: self._ask(f"{label} của khóa {self._credential.id} / {name} of the key {self._credential.id}{beside}")
            for name, label in self._credential.wanted
        }

    def _signed(self, chunk: list[bytes], digest: str, activation: str) -> list[bytes]:
        hashes = [base64_of(digest_of(each, digest)) for each in chunk]
        values = self._service.sign_hash(self._credential, hashes, digest, self.scheme, activation)
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

    def _oauth_or_refuse(self) -> OAuth:
        if self._oauth is None:
            raise BadRequest(
                f"Khóa {self._credential.id} cần xác nhận trên trình duyệt: địa chỉ khóa phải có client= và redirect=",
                f"The key {self._credential.id} is confirmed in a browser: its address needs client= and redirect=",
            )
        return self._oauth


class Bearer:
    """A bearer token that is had when it is first wanted, and again before it ends or when the service says that it has.

    `again` is None for a token that only its owner can renew.
    """

    def __init__(self, first: Callable[[], Token], again: Callable[[Token], Token] | None = None) -> None:
        self._first, self._again = first, again
        self._token: Token | None = None

    def anew(self) -> bool:
        """Have another one, whatever the old one promised; False where that takes its owner."""
        if self._again is None or self._token is None:
            return False
        self._token = self._again(self._token)
        return True

    def __call__(self) -> str:
        if self._token is None:
            self._token = self._first()
        elif self._again is not None and not self._token.holds:
            self._token = self._again(self._token)
        return self._token.value


def _given(ask: Ask, host: str) -> Callable[[], Token]:
    """The owner's own access token, asked for once."""
    prompt = f"Mã truy cập dịch vụ ký {host} (để trống nếu không cần) / Access token of {host}"
    return lambda: Token(value=ask(prompt).strip(), until=float("inf"))


def _client(base: str, wishes: dict[str, str], ask: Ask, verifier_key: bytes) -> tuple[OAuth, Bearer]:
    """Tokens of a registered program: of its own account, or, with `redirect`, of the owner who logs in."""
    client, redirect = wishes["client"], wishes.get("redirect", "")
    secret = ask(f"Mã bí mật của phần mềm {client} (để trống nếu không có) / Secret of the client {client}")
    oauth = OAuth(base=base, client=client, secret=secret, redirect=redirect, verifier_key=verifier_key)
    if not redirect:
        return oauth, Bearer(oauth.token_of_client, lambda _: oauth.token_of_client())

    def logged_in() -> Token:
        asked = oauth.ask_owner("service", {}, pushed=False)
        return oauth.redeem(asked, ask(_open_this(asked, "đăng nhập / log in")))

    return oauth, Bearer(logged_in, oauth.renewed)


def _open_this(asked: Asked, what: str) -> str:
    return (
        f"Mở địa chỉ sau để xác nhận ({what}), rồi dán địa chỉ mà trình duyệt được chuyển đến: {asked.url}"
        f" / Open the address, confirm, and paste the address your browser was sent to"
    )


def _only(found: list[str]) -> str:
    if len(found) != 1:
        listed = ", ".join(found[:20]) or "không có / none"
        raise NoSuchKey(
            f"Tài khoản có {len(found)} khóa, hãy chọn một bằng credential=: {listed}",
            f"The account has {len(found)} keys, name one with credential=: {listed}",
        )
    return found[0]
