"""Whom the verification believes: a versioned bundle of root certificates, each with its time and its use.

    trust = Trust.load(["trust/"])

A folder may hold `bundle.json`:

    {"version": "2026-11", "roots": [{"file": "neac.pem", "authority": "national", "from": "2020-01-01T00:00:00Z",
     "until": "2035-01-01T00:00:00Z", "use": "any"}], "hosts": ["ocsp.ca.gov.vn"],
     "revocation": "required", "timestamp_usage": "critical"}

`revocation` says what a certificate is worth about whose revocation nobody says anything: "if_available" (the default) lets
it pass with a finding, "required" makes it INDETERMINATE (TRY_LATER). `timestamp_usage` says whether the extended usage of a
timestamp authority must be marked critical, as RFC 3161 2.3 wants ("critical"), or need not be: then a finding says so
("any", the default).

Without it every self-signed certificate in the files is a root within its own validity. A root counts when its time
holds the moment that is judged (the signature's best time), so that a root that was replaced still proves old signatures.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from signing.errors import BadTrust
from signing.verification.certificates import Certificate, load_certificate
from signing.verification.faults import BadCertificate

MAX_FILE_BYTES = 8 * 1024 * 1024  # a national bundle has well under one
_SUFFIXES = frozenset({".pem", ".crt", ".cer", ".der", ".crl"})


class Use(StrEnum):
    """What a root's word is taken for."""

    ANY = "any"
    SIGNING = "signing"
    TIMESTAMPING = "timestamping"


class Revocation(StrEnum):
    """Whether the issuers' word on revocation must be there (EN 319 102-1 5.2.6.4 leaves it to the policy)."""

    IF_AVAILABLE = "if_available"
    REQUIRED = "required"


class TimestampUsage(StrEnum):
    """What is asked of a timestamp authority's extended key usage, besides timeStamping alone."""

    CRITICAL = "critical"  # RFC 3161 2.3
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A certificate that is believed without another one vouching for it."""

    certificate: Certificate
    authority: str = ""  # "national", "government" (Ban Cơ yếu), "demo", ...: shown in the report
    since: datetime
    until: datetime
    use: Use = Use.ANY

    def counts_at(self, moment: datetime, use: Use) -> bool:
        """Whether it is believed for this use at this moment."""
        return self.since <= moment <= self.until and self.serves(use)

    def serves(self, use: Use) -> bool:
        """Whether it is believed for this use at all."""
        return self.use is Use.ANY or self.use is use


@dataclass(frozen=True, kw_only=True)
class Trust:
    """Roots, certificates that help to build chains, and revocation lists that were brought along."""

    version: str
    roots: tuple[Root, ...]
    intermediates: tuple[bytes, ...] = ()
    revocation_lists: tuple[bytes, ...] = ()
    ocsp_answers: tuple[bytes, ...] = ()
    hosts: frozenset[str] = field(default_factory=frozenset)  # that may be asked when fetching is allowed
    revocation: Revocation = Revocation.IF_AVAILABLE
    timestamp_usage: TimestampUsage = TimestampUsage.ANY

    @classmethod
    def load(cls, paths: Iterable[str | Path] | str | Path) -> "Trust":
        """The bundle in these PEM or DER files and folders. Raises BadTrust."""
        listed = [paths] if isinstance(paths, str | Path) else list(paths)
        trusts = [_read(Path(path)) for path in listed]
        return cls.of(*trusts)

    @classmethod
    def of(cls, *trusts: "Trust") -> "Trust":
        """Several bundles as one; where they differ in strictness the strictest counts."""
        # One certificate may be named twice, for two uses or two spans of time.
        roots = {(root.certificate, root.since, root.until, root.use): root for trust in trusts for root in trust.roots}
        version = "+".join(dict.fromkeys(trust.version for trust in trusts if trust.version))
        return cls(
            version=version or "none",
            roots=tuple(roots.values()),
            intermediates=tuple(dict.fromkeys(c for trust in trusts for c in trust.intermediates)),
            revocation_lists=tuple(dict.fromkeys(c for trust in trusts for c in trust.revocation_lists)),
            ocsp_answers=tuple(dict.fromkeys(c for trust in trusts for c in trust.ocsp_answers)),
            hosts=frozenset().union(*(trust.hosts for trust in trusts)),
            revocation=Revocation.REQUIRED
            if any(trust.revocation is Revocation.REQUIRED for trust in trusts)
            else Revocation.IF_AVAILABLE,
            timestamp_usage=TimestampUsage.CRITICAL
            if any(trust.timestamp_usage is TimestampUsage.CRITICAL for trust in trusts)
            else TimestampUsage.ANY,
        )

    @classmethod
    def of_certificates(cls, certificates: Sequence[bytes], *, version: str = "given") -> "Trust":
        """A bundle of DER certificates: the self-signed are roots, the others help to build chains."""
        return _sort_out([_load(der, "DER") for der in certificates], [], version)

    @classmethod
    def unpacked(cls, packed: Mapping[str, Any]) -> "Trust":
        """A bundle from the plain values in which it travels to another process."""
        return cls(
            version=packed["version"],
            roots=tuple(
                Root(
                    certificate=load_certificate(der),
                    authority=authority,
                    since=datetime.fromisoformat(since),
                    until=datetime.fromisoformat(until),
                    use=Use(use),
                )
                for der, authority, since, until, use in packed["roots"]
            ),
            intermediates=tuple(packed["intermediates"]),
            revocation_lists=tuple(packed["revocation_lists"]),
            ocsp_answers=tuple(packed["ocsp_answers"]),
            revocation=Revocation(packed["revocation"]),
            timestamp_usage=TimestampUsage(packed["timestamp_usage"]),
        )

    def packed(self) -> dict[str, Any]:
        """The bundle as plain values: parsed certificates do not travel between processes."""
        return {
            "version": self.version,
            "roots": [
                (each.certificate.der, each.authority, each.since.isoformat(), each.until.isoformat(), str(each.use))
                for each in self.roots
            ],
            "intermediates": self.intermediates,
            "revocation_lists": self.revocation_lists,
            "ocsp_answers": self.ocsp_answers,
            "revocation": str(self.revocation),
            "timestamp_usage": str(self.timestamp_usage),
        }

    @cached_property
    def digest(self) -> str:
        """Names this policy: part of the key under which a report may be kept."""
        content = hashlib.sha256()
        for root in sorted(self.roots, key=lambda root: root.certificate.fingerprint):
            content.update(root.certificate.fingerprint)
            content.update(f"{root.since.isoformat()}{root.until.isoformat()}{root.use}{root.authority}".encode())
        for der in sorted((*self.intermediates, *self.revocation_lists, *self.ocsp_answers)):
            content.update(hashlib.sha256(der).digest())
        content.update(",".join([*sorted(self.hosts), self.revocation, self.timestamp_usage]).encode())
        return content.hexdigest()

    @cached_property
    def helpers(self) -> tuple[Certificate, ...]:
        """The intermediates, parsed."""
        return tuple(load_certificate(der) for der in self.intermediates)


def _read(path: Path) -> Trust:
    if path.is_dir():
        bundle = path / "bundle.json"
        if bundle.is_file():
            return _read_bundle(path, bundle)
        files = sorted(each for each in path.iterdir() if each.suffix.lower() in _SUFFIXES and each.is_file())
        if not files:
            raise BadTrust(f"thư mục {path} không có chứng thư nào", f"the folder {path} holds no certificate")
        return _sort_out(*_contents(files), "")
    if not path.is_file():
        raise BadTrust(f"không có tệp {path}", f"there is no file {path}")
    return _sort_out(*_contents([path]), "")


def _contents(files: Sequence[Path]) -> tuple[list[Certificate], list[bytes]]:
    certificates: list[Certificate] = []
    lists: list[bytes] = []
    for path in files:
        content = _bytes_of(path)
        found, crls = _parse(content, path)
        certificates += found
        lists += crls
    return certificates, lists


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise BadTrust(f"{path} lớn hơn {MAX_FILE_BYTES} byte", f"{path} is larger than {MAX_FILE_BYTES} bytes")
        return path.read_bytes()
    except OSError as fault:
        raise BadTrust(f"không đọc được {path}", f"{path} cannot be read: {fault}") from fault


def _parse(content: bytes, path: Path) -> tuple[list[Certificate], list[bytes]]:
    try:
        if b"-----BEGIN" not in content:
            if path.suffix.lower() == ".crl":
                x509.load_der_x509_crl(content)
                return [], [content]
            return [_load(content, str(path))], []
        certificates = [each.public_bytes(Encoding.DER) for each in _pem_certificates(content)]
        lists = [x509.load_pem_x509_crl(block).public_bytes(Encoding.DER) for block in _blocks(content, b"X509 CRL")]
    except ValueError as fault:
        raise BadTrust(f"{path} không phải là tệp chứng thư", f"{path} is no certificate file: {fault}") from fault
    return [_load(der, str(path)) for der in certificates], lists


def _pem_certificates(content: bytes) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(content) if b"-----BEGIN CERTIFICATE" in content else []


def _blocks(content: bytes, label: bytes) -> Iterable[bytes]:
    begin, end = b"-----BEGIN " + label + b"-----", b"-----END " + label + b"-----"
    position = content.find(begin)
    while position >= 0:
        stop = content.find(end, position)
        if stop < 0:
            return
        yield content[position : stop + len(end)] + b"\n"
        position = content.find(begin, stop)


def _load(der: bytes, where: str) -> Certificate:
    try:
        return load_certificate(der)
    except BadCertificate as fault:
        raise BadTrust(f"{where}: chứng thư không đọc được", f"{where}: {fault}") from fault


def _sort_out(certificates: Sequence[Certificate], lists: Sequence[bytes], version: str) -> Trust:
    """Self-signed certificates, and those whose issuer is not beside them, are what the caller chose to believe."""
    subjects = {each.subject for each in certificates}
    roots = [each for each in certificates if each.self_issued or each.issuer not in subjects]
    helpers = [each for each in certificates if each not in roots]
    return Trust(
        version=version or _fingerprint(roots),
        roots=tuple(_root(each) for each in roots),
        intermediates=tuple(each.der for each in helpers),
        revocation_lists=tuple(lists),
    )


def _fingerprint(roots: Sequence[Certificate]) -> str:
    joined = b"".join(sorted(root.fingerprint for root in roots))
    return hashlib.sha256(joined).hexdigest()[:16]


def _root(certificate: Certificate, **more: Any) -> Root:
    since, until = more.pop("since", certificate.not_before), more.pop("until", certificate.not_after)
    return Root(certificate=certificate, since=since, until=until, **more)


def _read_bundle(folder: Path, bundle: Path) -> Trust:
    """A folder with `bundle.json`: the file names the roots, every other certificate beside it only helps."""
    try:
        told = json.loads(_bytes_of(bundle))
        version = str(told["version"])
        entries = [dict(entry) for entry in told["roots"]]
        hosts = frozenset(str(host).lower() for host in told.get("hosts", ()))
        revocation = Revocation(told.get("revocation", Revocation.IF_AVAILABLE))
        usage = TimestampUsage(told.get("timestamp_usage", TimestampUsage.ANY))
        roots = [root for entry in entries for root in _bundle_roots(folder, entry)]
        named = {Path(str(entry["file"])).name for entry in entries}
    except (ValueError, KeyError, TypeError) as fault:
        raise BadTrust(f"{bundle} sai cấu trúc", f"{bundle} is not a bundle: {fault!r}") from fault
    others = sorted(
        each for each in folder.iterdir() if each.suffix.lower() in _SUFFIXES and each.is_file() and each.name not in named
    )
    certificates, lists = _contents(others)
    return Trust(
        version=version,
        roots=tuple(roots),
        intermediates=tuple(each.der for each in certificates),
        revocation_lists=tuple(lists),
        hosts=hosts,
        revocation=revocation,
        timestamp_usage=usage,
    )


def _bundle_roots(folder: Path, entry: dict[str, Any]) -> list[Root]:
    path = folder / Path(str(entry["file"])).name  # the name alone: a bundle does not reach out of its folder
    more: dict[str, Any] = {"authority": str(entry.get("authority", "")), "use": Use(str(entry.get("use", "any")))}
    for key, name in (("since", "from"), ("until", "until")):
        if name in entry:
            moment = datetime.fromisoformat(str(entry[name]))
            more[key] = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return [_root(certificate, **more) for certificate in _contents([path])[0]]
