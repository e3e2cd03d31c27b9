"""Timestamps of a package: over a file, over a manifest, and the archive timestamps that cover all of it (EN 319 162-1, A.7).

    proofs = PackageProofs(package, manifests, trust, now)
    proofs.judged["META-INF/timestamp001.tst"], proofs.of("META-INF/signature001.p7s")

They are judged from the newest to the oldest, each at the moment up to which a newer one proves it: as in a PDF, and as in a
single signature.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signing.asic.manifest import Manifest
from signing.asic.package import META, Form, Package
from signing.beside import Proof, ocsps_in
from signing.trust import Trust
from signing.verification.certificates import Certificate, readable_certificate
from signing.verification.faults import Fault
from signing.verification.paths import Pool
from signing.verification.revocation import MAX_ANSWERS, Value
from signing.verification.signed_data import SignedData, digest_of, read_signed_data
from signing.verification.timestamps import JudgedTimestamp, judge_timestamp, read_token

MAX_TIMESTAMPS = 64  # of one package: with a renewal every ten years more than enough
MAX_POOL = 256  # certificates of all of them
_NO_TIME = datetime.min.replace(tzinfo=UTC)


class Missing(Fault):
    """A signed file is not there."""


class Changed(Fault):
    """A signed file is not as its manifest says."""


class Unbound(Fault):
    """A signature or timestamp for which no manifest, or more than one, says what it covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a signature or timestamp of the package is over."""

    data: bytes  # what it signs: its manifest, or in the simple form the one file
    names: tuple[str, ...]  # the files that it so covers
    digests: tuple[str, ...] = ()  # the algorithms between them


def scope_of(name: str, package: Package, manifests: Sequence[Manifest]) -> Scope:
    """What the signature or timestamp of this name covers. Raises Missing, Changed, Unbound."""
    mine = [each for each in manifests if each.signature == name]
    if not mine and package.form is Form.SIMPLE:
        if len(package.files) != 1:
            raise Unbound(f"{len(package.files)} files in ASiC-S")
        ((only_name, data),) = package.files.items()
        return Scope(data=data, names=(only_name,))
    if len(mine) != 1:
        raise Unbound(f"{len(mine)} manifests name {name}")
    return _scope_by(mine[0], package)


def _scope_by(manifest: Manifest, package: Package) -> Scope:
    found = {each.name: package.digest(each.name, each.digest) for each in manifest.files}
    missing = [name for name, digest in found.items() if digest is None]
    if missing:
        raise Missing(", ".join(missing))
    for each in manifest.files:
        if not hmac.compare_digest(found[each.name] or b"", each.value):
            raise Changed(each.name)
    return Scope(
        data=manifest.content,
        names=tuple(each.name for each in manifest.files),
        digests=tuple(dict.fromkeys(each.digest for each in manifest.files)),
    )


@dataclass(frozen=True, slots=True)
class _Held:
    """A value that a container of the package holds."""

    der: bytes
    holder: str


class PackageProofs:
    """Every timestamp file of a package, judged."""

    def __init__(self, package: Package, manifests: Sequence[Manifest], trust: Trust, now: datetime) -> None:
        self.scopes: dict[str, Scope] = {}
        self.faults: dict[str, Fault] = {}
        self.judged: dict[str, JudgedTimestamp] = {}
        self._proofs: list[tuple[Proof, frozenset[str]]] = []
        names = [each for each in package.metadata if is_timestamp(each)][:MAX_TIMESTAMPS]
        for name in names:
            try:
                self.scopes[name] = scope_of(name, package, manifests)
            except Fault as fault:
                self.faults[name] = fault
        certificates, ocsps, lists = _material(package)
        archives = {each.signature for each in manifests if is_archive(each.name)}
        for name in sorted(self.scopes, key=lambda each: _time_of(package.metadata[each]), reverse=True):
            pool = Pool(
                certificates=certificates,
                ocsps=(*self._values(ocsps, now), *(Value(der=der, proven=now) for der in trust.ocsp_answers)),
                lists=(*self._values(lists, now), *(Value(der=der, proven=now) for der in trust.revocation_lists)),
            )
            self._judge(name, package.metadata[name], pool, trust, now, is_archive=name in archives)

    def of(self, name: str) -> tuple[Proof, ...]:
        """What proves that this file of the package existed, whole."""
        return tuple(proof for proof, names in self._proofs if name in names)

    def _judge(self, name: str, token: bytes, pool: Pool, trust: Trust, now: datetime, *, is_archive: bool) -> None:
        scope = self.scopes[name]
        at = min((each.time for each in self.of(name)), default=now)
        told = judge_timestamp(token, lambda digest: digest_of(digest, scope.data), pool, trust, at=at, now=now)
        self.judged[name] = told
        if told.passed and told.time is not None:
            proof = Proof(time=told.time, timestamp=told, covers=None, is_archive=is_archive)
            self._proofs.append((proof, frozenset(scope.names)))

    def _values(self, held: Iterable[_Held], now: datetime) -> tuple[Value, ...]:
        return tuple(
            Value(der=each.der, proven=min((proof.time for proof in self.of(each.holder)), default=now)) for each in held
        )


def is_timestamp(name: str) -> bool:
    """A file with a timestamp token alone."""
    short = name.removeprefix(META).lower()
    return "/" not in short and "timestamp" in short and short.endswith(".tst")


def is_archive(name: str) -> bool:
    """An archive manifest, by its name."""
    return name.removeprefix(META).startswith("ASiCArchiveManifest")


def _time_of(token: bytes) -> datetime:
    try:
        return read_token(token).time
    except (Fault, IndexError, ValueError):
        return _NO_TIME


def _material(package: Package) -> tuple[tuple[Certificate, ...], list[_Held], list[_Held]]:
    """What all containers of the package bring: the word on one timestamp may be kept in another one's."""
    certificates: dict[bytes, Certificate] = {}
    ocsps: list[_Held] = []
    lists: list[_Held] = []
    for name, data in package.metadata.items():
        signed = _container(data) if name.lower().endswith((".tst", ".p7s")) else None
        if signed is None:
            continue
        for der in signed.certificates:
            if der not in certificates and len(certificates) < MAX_POOL and (loaded := readable_certificate(der)) is not None:
                certificates[der] = loaded
        ocsps += [_Held(der, name) for der in (*signed.ocsps, *ocsps_in(data))]
        lists += [_Held(der, name) for der in signed.revocation_lists]
    return tuple(certificates.values()), ocsps[:MAX_ANSWERS], lists[:MAX_ANSWERS]


def _container(data: bytes) -> SignedData | None:
    try:
        return read_signed_data(data)
    except (Fault, IndexError, ValueError):
        return None
