"""RFC 3161 timestamp tokens, written as DER by hand: one signature, no library in between (0.3 ms each)."""

import hashlib
import itertools
import secrets
from collections.abc import Callable
from datetime import UTC, datetime

from asn1crypto import tsp
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from signing.demo.certificates import PrivateKey, signature
from signing.der import NULL, der, integer, octets, oid, sequence, set_of

# Under the number that RFC 5612 keeps for examples: no accredited authority uses it.
POLICY = "1.3.6.1.4.1.32473.20.23.1"

_DIGEST_SIZES = {"sha256": 32, "sha384": 48, "sha512": 64}


SHA256 = oid("2.16.840.1.101.3.4.2.1")
_HASHES = {"sha256": SHA256, "sha384": oid("2.16.840.1.101.3.4.2.2"), "sha512": oid("2.16.840.1.101.3.4.2.3")}
_TST_INFO = oid("1.2.840.113549.1.9.16.1.4")
_SIGNED_DATA = oid("1.2.840.113549.1.7.2")


class TokenMaker:
    """Makes timestamp tokens with one TSA key, kept in memory."""

    def __init__(
        self,
        key: PrivateKey,
        certificate: x509.Certificate,
        others: tuple[x509.Certificate, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._key = key
        rsa_key = isinstance(key, rsa.RSAPrivateKey)
        # sha256WithRSAEncryption has NULL parameters (RFC 4055, 5), ecdsa-with-SHA256 has none (RFC 5758, 3.2).
        self._algorithm = sequence(oid("1.2.840.113549.1.1.11"), NULL) if rsa_key else sequence(oid("1.2.840.10045.4.3.2"))
        self._clock = clock
        encoded = certificate.public_bytes(Encoding.DER)
        issuer = certificate.issuer.public_bytes()
        serial = integer(certificate.serial_number)
        self._sid = sequence(issuer, serial)
        self._certificates = der(0xA0, *sorted([encoded, *(other.public_bytes(Encoding.DER) for other in others)]))
        ess = sequence(octets(hashlib.sha256(encoded).digest()), sequence(sequence(der(0xA4, issuer)), serial))
        self._ess = _attribute("1.2.840.113549.1.9.16.2.47", sequence(sequence(ess)))  # signingCertificateV2, RFC 5816
        self._content_type = _attribute("1.2.840.113549.1.9.3", _TST_INFO)
        # Serial numbers never repeat over restarts: a random start, then one after the other.
        self._serials = itertools.count(secrets.randbits(120) << 32)

    def token(self, digest: bytes, *, algorithm: str = "sha256", nonce: int | None = None) -> bytes:
        """A TimeStampToken over `digest`, at the clock's time to the second, with an accuracy of one second."""
        if len(digest) != _DIGEST_SIZES.get(algorithm):
            raise ValueError(f"{len(digest)} bytes are no {algorithm} digest")
        info = self._info(digest, algorithm, nonce)
        attributes = set_of(
            self._content_type, self._ess, _attribute("1.2.840.113549.1.9.4", octets(hashlib.sha256(info).digest()))
        )
        value = signature(self._key, attributes, hashes.SHA256())
        signer_info = sequence(
            integer(1),
            self._sid,
            sequence(SHA256),
            b"\xa0" + attributes[1:],
            self._algorithm,
            octets(value),
        )
        encapsulated = sequence(_TST_INFO, der(0xA0, octets(info)))
        signed = sequence(integer(3), set_of(sequence(SHA256)), encapsulated, self._certificates, der(0x31, signer_info))
        return sequence(_SIGNED_DATA, der(0xA0, signed))

    def response(self, request: bytes) -> bytes:
        """A TimeStampResp to a TimeStampReq, as a TSA's HTTP server returns it. Refuses what it cannot stamp."""
        try:
            asked = tsp.TimeStampReq.load(request, strict=True)
            imprint = asked["message_imprint"]
            algorithm = imprint["hash_algorithm"]["algorithm"].native
            nonce = asked["nonce"].native
            token = self.token(imprint["hashed_message"].native, algorithm=algorithm, nonce=nonce)
        except (ValueError, TypeError, KeyError):
            return sequence(sequence(integer(2)))  # PKIStatus rejection, RFC 3161, 2.4.2
        return sequence(sequence(integer(0)), token)

    def _info(self, digest: bytes, algorithm: str, nonce: int | None) -> bytes:
        time = self._clock().astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode("ascii")
        return sequence(
            integer(1),
            oid(POLICY),
            sequence(sequence(_HASHES[algorithm]), octets(digest)),
            integer(next(self._serials)),
            der(0x18, time),
            sequence(integer(1)),
            *(() if nonce is None else (integer(nonce),)),
        )


def _attribute(kind: str, value: bytes) -> bytes:
    return sequence(oid(kind), der(0x31, value))
