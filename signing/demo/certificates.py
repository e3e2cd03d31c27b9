"""The certificates of the test authority: who may sign what, and how each kind of test certificate differs."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID, ObjectIdentifier

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

TEST_MARK = "THỬ NGHIỆM"
NO_VALUE = f"{TEST_MARK} – KHÔNG CÓ GIÁ TRỊ PHÁP LÝ"

DOCUMENT_SIGNING = ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336
EXTENDED_USAGES = {
    "document_signing": DOCUMENT_SIGNING,
    "email_protection": ExtendedKeyUsageOID.EMAIL_PROTECTION,
    "server_auth": ExtendedKeyUsageOID.SERVER_AUTH,
    "client_auth": ExtendedKeyUsageOID.CLIENT_AUTH,
    "time_stamping": ExtendedKeyUsageOID.TIME_STAMPING,
    "ocsp_signing": ExtendedKeyUsageOID.OCSP_SIGNING,
}

_DIGESTS: dict[str, hashes.SHA256 | hashes.SHA384 | hashes.SHA512] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a certificate says its key may do."""

    usages: Sequence[str]  # of x509.KeyUsage
    extended: Sequence[str] = ()  # of EXTENDED_USAGES
    extended_critical: bool = False
    authority: bool = False
    path_length: int | None = None
    no_check: bool = False  # id-pkix-ocsp-nocheck, RFC 6960, 4.2.2.2.1


ROOT = Profile(usages=("key_cert_sign", "crl_sign"), authority=True)
ISSUING = Profile(usages=("key_cert_sign", "crl_sign"), authority=True, path_length=0)
TSA = Profile(usages=("digital_signature",), extended=("time_stamping",), extended_critical=True)
RESPONDER = Profile(usages=("digital_signature",), extended=("ocsp_signing",), no_check=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A key with its certificate, as an authority of the demo holds it."""

    key: PrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        """The certificate, DER."""
        return self.certificate.public_bytes(Encoding.DER)


def signature(key: PrivateKey, data: bytes, digest: hashes.HashAlgorithm) -> bytes:
    """The value over `data`: PKCS #1 v1.5 with an RSA key, DER with one on a curve."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(data, padding.PKCS1v15(), digest)
    return key.sign(data, ec.ECDSA(digest))


def new_key(kind: str) -> PrivateKey:
    """A fresh key: "rsa2048", "rsa3072", "rsa4096", "rsa1024" (weak, for tests of refusals), "p256", "p384", "p521"."""
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    if kind in {"rsa1024", "rsa2048", "rsa3072", "rsa4096"}:
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    raise ValueError(f"no such kind of key: {kind}")


def name(common: str, *, organisation: str = "", subject_id: str = "", mark: bool = True) -> x509.Name:
    """A Vietnamese subject: C, O, OU with the test mark, CN, and the UID that public CAs use for a person's number."""
    parts = [x509.NameAttribute(NameOID.COUNTRY_NAME, "VN")]
    if organisation:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation))
    if mark:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, NO_VALUE))
    parts.append(x509.NameAttribute(NameOID.COMMON_NAME, common))
    if subject_id:
        parts.append(x509.NameAttribute(NameOID.USER_ID, subject_id))
    return x509.Name(parts)


def certify(
    key: PrivateKey,
    subject: x509.Name,
    profile: Profile,
    *,
    issuer: Identity | None,
    not_before: datetime,
    not_after: datetime,
    digest: str = "sha256",
    serial: int | None = None,
    addresses: tuple[str, str, str] | None = None,
) -> x509.Certificate:
    """A certificate for `key`; self-signed where there is no issuer. `addresses`: OCSP, issuer's certificate, CRL."""
    signing_key = issuer.key if issuer else key
    public = key.public_key()
    authority_key = (issuer.key if issuer else key).public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(public)
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=profile.authority, path_length=profile.path_length), critical=True)
        .add_extension(_key_usage(profile.usages), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), critical=False)
    )
    if profile.extended:
        usages = x509.ExtendedKeyUsage([EXTENDED_USAGES[usage] for usage in profile.extended])
        builder = builder.add_extension(usages, critical=profile.extended_critical)
    if profile.no_check:
        builder = builder.add_extension(x509.OCSPNoCheck(), critical=False)
    if addresses:
        builder = _with_addresses(builder, *addresses)
    return builder.sign(signing_key, _DIGESTS[digest])


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    every = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
        "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{usage: usage in usages for usage in every})


def _with_addresses(builder: x509.CertificateBuilder, ocsp: str, issuer: str, crl: str) -> x509.CertificateBuilder:
    access = [
        x509.AccessDescription(AuthorityInformationAccessOID.OCSP, x509.UniformResourceIdentifier(ocsp)),
        x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, x509.UniformResourceIdentifier(issuer)),
    ]
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(crl)], None, None, None)
    return builder.add_extension(x509.AuthorityInformationAccess(access), critical=False).add_extension(
        x509.CRLDistributionPoints([point]), critical=False
    )


def save(identity: Identity, folder: Path, stem: str) -> None:
    """Write `stem.key` (readable by its owner only) and then `stem.pem`: a certificate never stands there without its key."""
    secret = identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(folder / f"{stem}.key", secret)
    (folder / f"{stem}.pem").write_bytes(identity.certificate.public_bytes(Encoding.PEM))


def load(folder: Path, stem: str) -> Identity | None:
    """What `save` wrote, or None where it is not (or not wholly) there."""
    with contextlib.suppress(FileNotFoundError):
        key = load_pem_private_key((folder / f"{stem}.key").read_bytes(), None)
        certificate = x509.load_pem_x509_certificate((folder / f"{stem}.pem").read_bytes())
        if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
            return Identity(key=key, certificate=certificate)
    return None


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read; it is never there half written."""
    unfinished = path.with_name(path.name + ".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    unfinished.replace(path)
