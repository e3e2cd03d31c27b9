"""The test authority: it keeps its keys in a folder of its own, issues, revokes, and answers without a network."""

import json
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from asn1crypto import algos
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from cryptography.x509 import ocsp

from signing.demo.certificates import (
    ISSUING,
    RESPONDER,
    ROOT,
    TEST_MARK,
    TSA,
    Identity,
    PrivateKey,
    Profile,
    certify,
    load,
    name,
    new_key,
    save,
    signature,
    write_private,
)
from signing.demo.tokens import TokenMaker
from signing.evidence import Revocation
from signing.keys.file import FileSigner

__all__ = ["TEST_MARK", "DemoAuthority", "Issued"]

# A host that never exists (RFC 2606): whoever follows the addresses in a test certificate finds nobody.
NOWHERE = "http://demo-ca.invalid"

DEFAULT_PIN = "123456"

# How long an answer about revocation claims to hold. Long enough for a fixed clock in a test, short as a real CA's.
ANSWER_HOLDS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A certificate the demo issued, with the PKCS#12 file that holds its key."""

    name: str
    subject_id: str
    certificate: bytes  # DER
    chain: tuple[bytes, ...]  # DER, the issuing CA, the root
    path: Path  # the PKCS#12 file
    pin: str

    @property
    def uri(self) -> str:
        """For `open_signer`."""
        return f"file:{self.path}"

    def signer(self) -> FileSigner:
        """The key, opened with its PIN."""
        return FileSigner.open(self.uri, lambda _: self.pin)


class DemoAuthority:
    """Root -> issuing CA -> persons and seals, with a TSA, an OCSP responder and CRLs: visibly a test, all offline.

    Implements Timestamper and Evidence. `clock` gives the time of tokens and answers and may be replaced at any time.
    `key` is that of both CAs. They and the TSA sign with ECDSA, because an archive is to outlive RSA with PKCS #1 v1.5,
    which TS 119 312 lets end with 2028. A folder keeps its keys.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        clock: Callable[[], datetime] | None = None,
        address: str = NOWHERE,
        name: str = "Soky",
        key: str = "p256",
        tsa_key: str = "p256",
    ) -> None:
        self.folder = Path(folder)
        self.clock = clock or (lambda: datetime.now(UTC))
        self.address = address.rstrip("/")
        self._title = name
        for each in ("authority", "keys", "trust"):
            (self.folder / each).mkdir(parents=True, exist_ok=True)
        (self.folder / "authority").chmod(0o700)
        self._root = self._identity("root", "Root CA", ROOT, key, years=20)
        self._issuing = self._identity("issuing", "Issuing CA", ISSUING, key, years=15, issuer=self._root)
        self._tsa = self._identity("tsa", "TSA", TSA, tsa_key, years=10, issuer=self._issuing)
        self._responder = self._identity("ocsp", "OCSP", RESPONDER, "p256", years=10, issuer=self._issuing)
        (self.folder / "trust" / "root.pem").write_bytes(self._root.certificate.public_bytes(Encoding.PEM))
        self._tokens = TokenMaker(self._tsa.key, self._tsa.certificate, (self._issuing.certificate,), self._moment)
        # How much room a document must keep for one of its tokens; serial numbers differ by a few bytes.
        self.token_bytes = len(self._tokens.token(bytes(32))) + 32
        self._crl_number = 0

    # What others need to trust it.

    def trust_pem(self) -> tuple[Path, ...]:
        """The files with the anchors of trust."""
        return (self.folder / "trust" / "root.pem",)

    @property
    def root(self) -> bytes:
        """The root certificate, DER."""
        return self._root.der

    @property
    def chain(self) -> tuple[bytes, ...]:
        """The issuers of everything issued here, DER: the issuing CA, the root."""
        return (self._issuing.der, self._root.der)

    @property
    def tsa(self) -> bytes:
        """The TSA's certificate, DER."""
        return self._tsa.der

    # Issuing and revoking.

    def issue(
        self,
        name: str,
        subject_id: str,
        *,
        kind: Literal["person", "seal"] = "person",
        unit: str = "",
        key: str = "rsa2048",
        pin: str = DEFAULT_PIN,
        not_before: datetime | None = None,
        not_after: datetime | None = None,
        usages: Sequence[str] = ("digital_signature", "content_commitment"),
        extended: Sequence[str] = ("email_protection", "document_signing"),
        digest: str = "sha256",
        file: str = "",
        declared: bool = True,
    ) -> Issued:
        """Make a key and a certificate for a person or a unit's seal; the PKCS#12 is `keys/<file>.p12`.

        The defaults are an ordinary signing certificate over five years (ND 68/2024: at most five). Tests of refusals
        choose other dates, `usages`, `extended`, a weak `key` ("rsa1024") or `digest` ("sha1"). `declared=False` leaves
        the addresses of OCSP and CRL out. An existing file of that name is replaced.
        """
        begins = not_before or datetime(self.clock().year - 1, 1, 1, tzinfo=UTC)
        ends = not_after or begins.replace(year=begins.year + 5)
        subject = _subject(name, subject_id, unit or (name if kind == "seal" else ""))
        secret = new_key(key)
        profile = Profile(usages=usages, extended=extended)
        certificate = certify(
            secret,
            subject,
            profile,
            issuer=self._issuing,
            not_before=begins,
            not_after=ends,
            digest="sha256" if digest == "sha1" else digest,
            addresses=self._addresses("issuing") if declared else None,
        )
        if digest == "sha1":
            certificate = _signed_again_with_sha1(certificate, self._issuing.key)
        path = self.folder / "keys" / f"{file or _slug(name, subject_id)}.p12"
        write_private(
            path,
            pkcs12.serialize_key_and_certificates(
                unicodedata.normalize("NFC", name).encode(),
                secret,
                certificate,
                [self._issuing.certificate, self._root.certificate],
                serialization.BestAvailableEncryption(pin.encode()),
            ),
        )
        encoded = certificate.public_bytes(Encoding.DER)
        return Issued(name=name, subject_id=subject_id, certificate=encoded, chain=self.chain, path=path, pin=pin)

    def revoke(self, certificate: bytes | Issued, *, at: datetime | None = None, reason: str = "key_compromise") -> None:
        """From now on answer that this certificate was revoked, at `at` (default: now), for `reason` (RFC 5280, 5.3.1)."""
        der = certificate.certificate if isinstance(certificate, Issued) else certificate
        serial = x509.load_der_x509_certificate(der).serial_number
        revoked = dict(self._revoked())
        revoked[serial] = (at or self.clock(), x509.ReasonFlags[reason])
        content = {f"{serial:x}": [moment.isoformat(), flag.name] for serial, (moment, flag) in revoked.items()}
        write_private(self._register, json.dumps(content, indent=1, sort_keys=True).encode())

    # Timestamper.

    def timestamp(self, digest: bytes) -> bytes:
        """A TimeStampToken over a SHA-256 digest; see Timestamper."""
        return self._tokens.token(digest)

    def timestamp_response(self, request: bytes) -> bytes:
        """What a TSA's web server answers to a TimeStampReq."""
        return self._tokens.response(request)

    # Evidence.

    def for_chain(self, chain: Sequence[bytes]) -> Revocation:
        """OCSP for what the issuing CA issued, the root's CRL for the issuing CA; see Evidence."""
        ocsps, crls = [], []
        for der in chain:
            certificate = x509.load_der_x509_certificate(der)
            if certificate.issuer == self._issuing.certificate.subject:
                ocsps.append(self.ocsp(certificate.serial_number))
            elif certificate.issuer == self._root.certificate.subject and certificate.subject != certificate.issuer:
                crls.append(self.crl("root"))
        return Revocation(ocsps=tuple(ocsps), crls=tuple(dict.fromkeys(crls)))

    def ocsp(self, serial: int) -> bytes:
        """The responder's answer about one certificate of the issuing CA, as of now."""
        now = self._now()
        revoked = self._revoked().get(serial)
        builder = ocsp.OCSPResponseBuilder().add_response_by_hash(
            issuer_name_hash=_sha1(self._issuing.certificate.subject.public_bytes()),
            issuer_key_hash=x509.SubjectKeyIdentifier.from_public_key(self._issuing.key.public_key()).digest,
            serial_number=serial,
            algorithm=hashes.SHA1(),  # noqa: S303 - RFC 6960's CertID; names a certificate, protects nothing
            cert_status=ocsp.OCSPCertStatus.REVOKED if revoked else ocsp.OCSPCertStatus.GOOD,
            this_update=now,
            next_update=now + ANSWER_HOLDS,
            revocation_time=revoked[0] if revoked else None,
            revocation_reason=revoked[1] if revoked else None,
        )
        builder = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, self._responder.certificate).certificates(
            [self._responder.certificate]
        )
        return builder.sign(self._responder.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def ocsp_response(self, request: bytes) -> bytes:
        """What the responder's web server answers to an OCSPRequest (RFC 6960, A.1)."""
        try:
            asked = ocsp.load_der_ocsp_request(request)
        except ValueError:
            status = ocsp.OCSPResponseStatus.MALFORMED_REQUEST
            return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
        return self.ocsp(asked.serial_number)

    def crl(self, issuer: Literal["root", "issuing"]) -> bytes:
        """The complete list of what this issuer revoked, as of now."""
        identity = self._root if issuer == "root" else self._issuing
        now = self._now()
        self._crl_number += 1
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(identity.certificate.subject)
            .last_update(now)
            .next_update(now + ANSWER_HOLDS)
            .add_extension(x509.CRLNumber(int(now.timestamp()) * 1000 + self._crl_number % 1000), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(identity.key.public_key()), critical=False)
        )
        for serial, (moment, reason) in self._revoked().items() if issuer == "issuing" else ():
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(moment)
            builder = builder.add_revoked_certificate(entry.add_extension(x509.CRLReason(reason), critical=False).build())
        return builder.sign(identity.key, hashes.SHA256()).public_bytes(Encoding.DER)

    # Inside.

    def _identity(
        self, stem: str, title: str, profile: Profile, key: str, *, years: int, issuer: Identity | None = None
    ) -> Identity:
        """What stands in the folder, or a new key with its certificate."""
        folder = self.folder / "authority"
        if known := load(folder, stem):
            return known
        begins = datetime(min(self.clock().year, datetime.now(UTC).year) - 2, 1, 1, tzinfo=UTC)
        secret = new_key(key)
        certificate = certify(
            secret,
            name(f"{self._title} {title} – {TEST_MARK}", organisation=f"{self._title} {TEST_MARK}"),
            profile,
            issuer=issuer,
            not_before=begins,
            not_after=begins.replace(year=begins.year + years),
            # The root is trusted as it is; the responder's certificate is not checked (RFC 6960, 4.2.2.2.1).
            addresses=self._addresses("root" if profile.authority else "issuing") if issuer and not profile.no_check else None,
        )
        identity = Identity(key=secret, certificate=certificate)
        save(identity, folder, stem)
        return identity

    def _addresses(self, issuer: str) -> tuple[str, str, str]:
        """OCSP, the issuer's certificate, the CRL."""
        return (f"{self.address}/ocsp", f"{self.address}/{issuer}.cer", f"{self.address}/{issuer}.crl")

    @property
    def _register(self) -> Path:
        return self.folder / "authority" / "revoked.json"

    def _revoked(self) -> Mapping[int, tuple[datetime, x509.ReasonFlags]]:
        try:
            content = json.loads(self._register.read_bytes())
        except FileNotFoundError:
            return {}
        return {int(s, 16): (datetime.fromisoformat(moment), x509.ReasonFlags[flag]) for s, (moment, flag) in content.items()}

    def _moment(self) -> datetime:
        """The clock's time, also when the clock was replaced."""
        return self.clock()

    def _now(self) -> datetime:
        return self.clock().astimezone(UTC).replace(microsecond=0)


def _subject(common: str, subject_id: str, unit: str) -> x509.Name:
    return name(unicodedata.normalize("NFC", common), organisation=unicodedata.normalize("NFC", unit), subject_id=subject_id)


def _slug(common: str, subject_id: str) -> str:
    """A file name: Latin letters of the name, then of the id."""
    plain = unicodedata.normalize("NFD", f"{common} {subject_id}".lower().replace("đ", "d"))
    return re.sub(r"[^a-z0-9]+", "-", "".join(c for c in plain if not unicodedata.combining(c))).strip("-")


def _sha1(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SHA1())  # noqa: S303 - RFC 6960's CertID
    digest.update(data)
    return digest.finalize()


def _signed_again_with_sha1(certificate: x509.Certificate, key: PrivateKey) -> x509.Certificate:
    """The same certificate signed with SHA-1, which no library makes any more: for tests that it is refused."""
    weak = asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))
    elliptic = isinstance(key, ec.EllipticCurvePrivateKey)
    algorithm = algos.SignedDigestAlgorithm({"algorithm": "sha1_ecdsa" if elliptic else "sha1_rsa"})
    weak["tbs_certificate"]["signature"] = algorithm
    weak["signature_algorithm"] = algorithm
    weak["signature_value"] = signature(key, weak["tbs_certificate"].dump(force=True), hashes.SHA1())  # noqa: S303
    return x509.load_der_x509_certificate(weak.dump(force=True))
