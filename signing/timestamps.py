"""Timestamps (RFC 3161): who gives them, and what counts as one."""

import hashlib
import math
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Protocol

from asn1crypto import cms as asn1_cms
from asn1crypto import core as asn1_core
from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from signing.errors import BadRequest, NotReached, SigningError, TimestampRefused
from signing.keys.algorithms import Scheme, default_scheme, is_made_by, read_certificate


class Timestamper(Protocol):
    """A timestamp authority, or several behind one door."""

    def timestamp(self, digest: bytes) -> bytes:
        """A TimeStampToken (CMS, DER) over a SHA-256 digest. Raises TimestampRefused."""
        ...


# Room kept in a document for one token where the timestamper does not say how large its tokens are (`token_bytes`).
USUAL_TOKEN_BYTES = 8192

REST_SECONDS = 60.0  # how long an authority that failed is asked last
CLOCK_SECONDS = 300.0  # how far an authority's clock may be from ours
MOST_ANSWER_BYTES = 256 << 10  # a token with its certificates has 3 to 10 KB
OK = 200


def token_room(timestamper: Timestamper) -> int:
    """How many bytes a token of this timestamper may take."""
    return int(getattr(timestamper, "token_bytes", USUAL_TOKEN_BYTES))


class HttpTimestamper:
    """Timestamp authorities over HTTP (RFC 3161, 3.4), asked in order until one gives a token that holds.

    Each request carries a nonce; imprint, nonce, policy and the token's own signature are checked, and that its time is ours
    (RFC 3161, 2.2) and inside its authority's certificate. `seconds` is for one authority, from its name to its last byte:
    n authorities take at most n times as long. One that failed is asked last for a minute, so that a dead one does not cost
    its timeout on every document of a batch. `clock_seconds`: how far apart the two clocks may be; `math.inf` for any.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        policies: frozenset[str] = frozenset(),
        seconds: float = 10.0,
        token_bytes: int = USUAL_TOKEN_BYTES,
        headers: Mapping[str, str] | None = None,
        clock_seconds: float = CLOCK_SECONDS,
    ) -> None:
        # Loaded here: whoever signs without a network needs no HTTP client.
        from signing.outward import Client

        if not urls:
            raise BadRequest("Thiếu địa chỉ dịch vụ cấp dấu thời gian", "No timestamp authority was named")
        self.token_bytes = token_bytes
        self._urls = tuple(dict.fromkeys(urls))
        self._clock_seconds = clock_seconds
        self._policies = policies
        self._client = Client.for_addresses(urls, seconds=seconds)
        self._headers = {"Accept": "application/timestamp-reply", **(headers or {})}
        self._failed: dict[str, float] = {}

    def timestamp(self, digest: bytes) -> bytes:
        """See Timestamper. Raises TimestampRefused naming what each authority answered."""
        refusals: list[tuple[str, str]] = []
        for url in self._in_order():
            try:
                token = self._asked(url, digest)
            except TimestampRefused as refusal:
                refusals.append((f"{_shown(url)}: {refusal.vi}", f"{_shown(url)}: {refusal.en}"))
            except NotReached as silence:
                refusals.append((f"{_shown(url)}: không trả lời ({silence})", f"{_shown(url)}: no answer ({silence})"))
            else:
                self._failed.pop(url, None)
                return token
            self._failed[url] = time.monotonic()
        vi, en = ("; ".join(said) for said in zip(*refusals, strict=True))
        raise TimestampRefused(f"Không lấy được dấu thời gian: {vi}", f"No timestamp could be had: {en}")

    def close(self) -> None:
        """Close kept connections."""
        self._client.close()

    def _in_order(self) -> list[str]:
        now = time.monotonic()
        return sorted(self._urls, key=lambda url: now - self._failed.get(url, -math.inf) < REST_SECONDS)

    def _asked(self, url: str, digest: bytes) -> bytes:
        nonce = secrets.randbits(63)
        request = tsp.TimeStampReq(
            {
                "version": 1,
                "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": digest},
                "nonce": nonce,
                "cert_req": True,
                **({"req_policy": next(iter(self._policies))} if len(self._policies) == 1 else {}),
            }
        )
        kind = "application/timestamp-query"
        answer = self._client.post(url, request.dump(), kind, headers=self._headers, most=MOST_ANSWER_BYTES, again=True)
        if answer.status != OK:
            raise TimestampRefused(f"trả lời HTTP {answer.status}", f"HTTP status {answer.status}")
        token = _token_in(answer.content)
        if len(token) > self.token_bytes:
            raise TimestampRefused(
                f"dấu thời gian lớn {len(token)} byte, tối đa {self.token_bytes}",
                f"a token of {len(token)} bytes, at most {self.token_bytes} fit",
            )
        read = check_token(token, digest, nonce=nonce, policies=self._policies)
        _check_time(read, self._clock_seconds)
        return token


def _shown(url: str) -> str:
    """An address without what may be secret in it: a user's name and password, a key in the query."""
    place = url.partition("?")[0]
    scheme, found, rest = place.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{found}{host.rpartition('@')[2]}{slash}{path}"


class _Response(asn1_core.Sequence):  # type: ignore[misc]
    """TimeStampResp. The library's own takes none without a token, as every refusal is."""

    _fields: ClassVar[list[object]] = [  # a list, because the library completes it
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", asn1_cms.ContentInfo, {"optional": True}),
    ]


def _token_in(response: bytes) -> bytes:
    """The token of a TimeStampResp that was granted (RFC 3161, 2.4.2)."""
    try:
        read = _Response.load(response, strict=True)
        status = str(read["status"]["status"].native)
        if status in {"granted", "granted_with_mods"}:
            return bytes(asn1_cms.ContentInfo.load(read["time_stamp_token"].dump(), strict=True).dump())
        status = ", ".join([status, *sorted(str(each)[:60] for each in read["status"]["fail_info"].native or ())])
    except (ValueError, TypeError, KeyError) as error:
        raise TimestampRefused("trả lời không phải TimeStampResp", "the answer is no TimeStampResp") from error
    raise TimestampRefused(f"từ chối: {status}", f"refused: {status}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a timestamp token says."""

    time: datetime
    imprint: bytes
    algorithm: str  # of the imprint: "sha256", ...
    policy: str
    nonce: int | None
    certificate: bytes  # the TSA's, DER
    others: tuple[bytes, ...]  # further certificates in the token, DER


def read_token(token: bytes) -> Token:
    """Read a token and check that its TSA certificate really signed it and may. Raises TimestampRefused.

    Checked: the signature over the attributes, messageDigest, contentType, the ESS certificate reference (RFC 5816), the
    critical extended key usage timeStamping alone (RFC 3161, 2.3). Whether the TSA is trusted is not decided here.
    """
    try:
        return _read(token)
    except SigningError:
        raise
    except Exception as error:  # a library's parser on outside bytes: whatever it raises, the token is not one
        raise TimestampRefused(
            f"Dấu thời gian không đọc được ({len(token)} byte)",
            f"The timestamp token cannot be read ({len(token)} bytes): {type(error).__name__}",
        ) from error


def check_token(token: bytes, digest: bytes, *, nonce: int | None = None, policies: frozenset[str] = frozenset()) -> Token:
    """`read_token`, and: it stamps this SHA-256 digest, repeats our nonce, is issued under one of `policies` (if any)."""
    read = read_token(token)
    if (read.algorithm, read.imprint) != ("sha256", digest):
        raise TimestampRefused(
            f"Dấu thời gian là của dữ liệu khác: {read.algorithm} {read.imprint.hex()[:16]}, cần {digest.hex()[:16]}",
            f"The timestamp is of other data: {read.algorithm} {read.imprint.hex()[:16]}, expected {digest.hex()[:16]}",
        )
    if nonce is not None and read.nonce != nonce:
        raise TimestampRefused(
            "Dấu thời gian không trả lại số ngẫu nhiên đã gửi", f"The timestamp does not repeat our nonce: {read.nonce}"
        )
    if policies and read.policy not in policies:
        raise TimestampRefused(
            f"Dấu thời gian theo chính sách {read.policy}, cần: {', '.join(sorted(policies))}",
            f"The timestamp was issued under policy {read.policy}, expected: {', '.join(sorted(policies))}",
        )
    return read


def _read(token: bytes) -> Token:
    content = asn1_cms.ContentInfo.load(token, strict=True)
    signed = content["content"]
    (info,) = signed["signer_infos"]
    raw = info["signed_attrs"].dump()  # before anything inside is looked at: the library would encode it all anew
    encapsulated = signed["encap_content_info"]
    stamped = tsp.TSTInfo.load(encapsulated["content"].contents, strict=True)
    certificates = [choice.chosen.dump() for choice in signed["certificates"] if choice.name == "certificate"]
    attributes = {attribute["type"].native: attribute["values"] for attribute in info["signed_attrs"]}
    certificate = _signer(attributes, certificates)
    digest = info["digest_algorithm"]["algorithm"].native
    scheme = Scheme.RSA_PSS if info["signature_algorithm"]["algorithm"].native == "rsassa_pss" else default_scheme(certificate)
    faults = {
        "content type": encapsulated["content_type"].native != "tst_info" or attributes["content_type"][0].native != "tst_info",
        "message digest": attributes["message_digest"][0].native
        != hashlib.new(digest, encapsulated["content"].contents).digest(),
        "signature": not is_made_by(
            certificate, scheme=scheme, data=b"\x31" + raw[1:], digest=digest, value=info["signature"].native
        ),
        "extended key usage": not _may_stamp(certificate),
    }
    if wrong := [name for name, is_wrong in faults.items() if is_wrong]:
        raise TimestampRefused(
            f"Dấu thời gian không hợp lệ: {', '.join(wrong)}", f"The timestamp token is not valid: {', '.join(wrong)}"
        )
    return Token(
        time=stamped["gen_time"].native,
        imprint=stamped["message_imprint"]["hashed_message"].native,
        algorithm=stamped["message_imprint"]["hash_algorithm"]["algorithm"].native,
        policy=stamped["policy"].native,
        nonce=stamped["nonce"].native,
        certificate=certificate,
        others=tuple(other for other in certificates if other != certificate),
    )


def _signer(attributes: dict[str, asn1_cms.SetOf], certificates: list[bytes]) -> bytes:
    """The certificate that the ESS attribute names by its digest."""
    if "signing_certificate_v2" in attributes:
        reference = attributes["signing_certificate_v2"][0]["certs"][0]
        digest = reference["hash_algorithm"]["algorithm"].native
    else:
        reference = attributes["signing_certificate"][0]["certs"][0]
        digest = "sha1"
    wanted = reference["cert_hash"].native
    for certificate in certificates:
        if hashlib.new(digest, certificate).digest() == wanted:
            return certificate
    raise TimestampRefused(
        "Dấu thời gian không kèm chứng thư của nơi cấp", "The timestamp token does not carry its authority's certificate"
    )


def _may_stamp(certificate: bytes) -> bool:
    try:
        extension = read_certificate(certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return extension.critical and list(extension.value) == [ExtendedKeyUsageOID.TIME_STAMPING]


def _check_time(token: Token, seconds: float) -> None:
    """A fresh token (its nonce is ours) tells the authority's clock: it must be ours, and inside the certificate's time."""
    now = datetime.now(UTC)
    if abs((token.time - now).total_seconds()) > seconds:
        raise TimestampRefused(
            f"đồng hồ của nơi cấp là {token.time:%d/%m/%Y %H:%M:%S} UTC, của máy này là {now:%d/%m/%Y %H:%M:%S} UTC",
            f"the authority's clock says {token.time.isoformat()}, this machine's {now.isoformat(timespec='seconds')}",
        )
    certificate = read_certificate(token.certificate)
    if not certificate.not_valid_before_utc <= token.time <= certificate.not_valid_after_utc:
        raise TimestampRefused(
            f"chứng thư của nơi cấp chỉ có giá trị từ {certificate.not_valid_before_utc:%d/%m/%Y}"
            f" đến {certificate.not_valid_after_utc:%d/%m/%Y}, dấu thời gian lúc {token.time:%d/%m/%Y %H:%M:%S} UTC",
            f"the authority's certificate is valid from {certificate.not_valid_before_utc.isoformat()}"
            f" to {certificate.not_valid_after_utc.isoformat()}, the timestamp is of {token.time.isoformat()}",
        )
