"""Whom the verification believes, and when."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust
from signing.errors import BadTrust
from signing.trust import Revocation, Root, TimestampUsage, Use
from signing.verification.algorithms import ends, weakness
from signing.verification.paths import Pool, judge_chain
from tests.signing.pki import DAY, Plan, authority, make
from tests.signing.pki import NOW as PKI_NOW

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def test_a_file_and_a_folder_name_the_same_root(authority: DemoAuthority, roots: Path) -> None:
    """PEM files and folders of them."""
    assert Trust.load(roots).roots == Trust.load([roots.parent]).roots
    assert [each.certificate.der for each in Trust.load(roots).roots] == [authority.root]


def test_an_intermediate_only_helps(authority: DemoAuthority) -> None:
    """A certificate whose issuer stands beside it is no root."""
    trust = Trust.of_certificates(authority.chain)

    assert [each.certificate.der for each in trust.roots] == [authority.root]
    assert trust.intermediates == (authority.chain[0],)


def test_a_bundle_says_when_and_for_what_a_root_counts(roots: Path, tmp_path: Path) -> None:
    """A root that was replaced still proves what is older; one for timestamps proves no signature."""
    (tmp_path / "old.pem").write_bytes(roots.read_bytes())
    entry = {
        "file": "old.pem", "authority": "national", "from": "2025-01-01T00:00:00Z", "until": "2026-01-01T00:00:00+07:00",
        "use": "timestamping",
    }  # fmt: skip
    bundle = {"version": "2026-11", "roots": [entry], "hosts": ["OCSP.example.vn"]}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    trust = Trust.load(tmp_path)
    root = trust.roots[0]

    assert (trust.version, root.authority, trust.hosts) == ("2026-11", "national", frozenset({"ocsp.example.vn"}))
    assert root.counts_at(datetime(2025, 6, 1, tzinfo=UTC), Use.TIMESTAMPING)
    assert not root.counts_at(datetime(2025, 6, 1, tzinfo=UTC), Use.SIGNING)
    assert not root.counts_at(NOW, Use.TIMESTAMPING)


def test_the_digest_names_the_policy(roots: Path, tmp_path: Path) -> None:
    """Another root, or another term, is another policy: kept reports are no longer used."""
    other = DemoAuthority(tmp_path, key="rsa2048")
    first, second = Trust.load(roots), Trust.load(other.trust_pem())

    assert first.digest == Trust.load(roots).digest
    assert first.digest != second.digest
    assert Trust.of(first, second).digest not in {first.digest, second.digest}
    assert Trust.unpacked(first.packed()).digest == first.digest


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", bytes(100)]
)
def test_what_is_no_certificate_is_refused(content: bytes, tmp_path: Path) -> None:
    """A clerk who points at the wrong file is told which one."""
    path = tmp_path / "wrong.pem"
    path.write_bytes(content)

    with pytest.raises(BadTrust, match=r"wrong\.pem"):
        Trust.load(path)


def test_a_broken_bundle_is_refused(tmp_path: Path) -> None:
    """No half bundle is used; and none reaches out of its folder."""
    for text in ("{", "[]", '{"version": "1"}', '{"version": "1", "roots": [{"file": "../../etc/passwd"}]}'):
        (tmp_path / "bundle.json").write_text(text)
        with pytest.raises(BadTrust):
            Trust.load(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    """And an empty one."""
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(BadTrust):
            Trust.load(path)


def test_a_root_is_not_believed_after_its_end(roots: Path) -> None:
    """Without a bundle a root counts within its own validity."""
    root = Trust.load(roots).roots[0]

    assert not root.counts_at(root.until + timedelta(seconds=1), Use.SIGNING)


def test_a_bundle_says_how_strict_it_is(roots: Path, tmp_path: Path) -> None:
    """Word on revocation required, timestamp purposes critical: read, carried to other processes, part of the digest."""
    (tmp_path / "root.pem").write_bytes(roots.read_bytes())
    told = {"version": "1", "roots": [{"file": "root.pem"}]}

    def loaded(**more: str) -> Trust:
        (tmp_path / "bundle.json").write_text(json.dumps({**told, **more}))
        return Trust.load(tmp_path)

    usual, strict = loaded(), loaded(revocation="required", timestamp_usage="critical")

    assert (usual.revocation, usual.timestamp_usage) == (Revocation.IF_AVAILABLE, TimestampUsage.ANY)
    assert (strict.revocation, strict.timestamp_usage) == (Revocation.REQUIRED, TimestampUsage.CRITICAL)
    assert usual.digest != strict.digest
    assert Trust.unpacked(strict.packed()).digest == strict.digest
    assert Trust.of(usual, strict).revocation is Revocation.REQUIRED
    assert Trust.of(usual, strict).timestamp_usage is TimestampUsage.CRITICAL
    with pytest.raises(BadTrust):
        loaded(revocation="perhaps")


def test_one_root_for_two_uses_at_two_times(roots: Path, tmp_path: Path) -> None:
    """A root may sign until one day and stamp until another; several bundles keep both entries."""
    (tmp_path / "root.pem").write_bytes(roots.read_bytes())
    entries = [
        {"file": "root.pem", "use": "signing", "until": "2026-01-01T00:00:00Z"},
        {"file": "root.pem", "use": "timestamping", "until": "2040-01-01T00:00:00Z"},
    ]
    (tmp_path / "bundle.json").write_text(json.dumps({"version": "1", "roots": entries}))
    trust = Trust.of(Trust.load(tmp_path))

    assert [each.counts_at(NOW, Use.SIGNING) for each in trust.roots] == [False, False]
    assert [each.counts_at(NOW, Use.TIMESTAMPING) for each in trust.roots] == [False, True]


def test_the_root_is_chosen_by_the_best_time() -> None:
    """An authority that two roots certified in turn: the old one for what is older, the new one for now, none for between."""
    old, new = make(authority("Old root")), make(authority("New root"))
    first, second = make(authority("Issuing"), old), make(authority("Issuing"), new)
    person = make(Plan(common="Person"), first)
    spans = ((old, PKI_NOW - 90 * DAY, PKI_NOW - 60 * DAY), (new, PKI_NOW - 30 * DAY, PKI_NOW + 90 * DAY))
    trust = Trust(
        version="1", roots=tuple(Root(certificate=each.loaded, since=since, until=until) for each, since, until in spans)
    )
    pool = Pool(certificates=(first.loaded, second.loaded))

    def judged(days: int) -> tuple[str | None, str | None]:
        at = PKI_NOW - days * DAY
        found = judge_chain(person.loaded, pool, trust, at=at, now=PKI_NOW, use=Use.SIGNING, proven=days > 0)
        name = found.root.certificate.common_name if found.root else None
        return name, str(found.sub_indication) if found.sub_indication else None

    assert judged(0) == ("New root", None)
    assert judged(70) == ("Old root", None)
    assert judged(45)[1] in {"NO_CERTIFICATE_CHAIN_FOUND", "NO_CERTIFICATE_CHAIN_FOUND_NO_POE"}


@pytest.mark.parametrize(
    ("digest", "key", "bits", "scheme", "end"),
    [
        ("md5", "rsa", 4096, "rsa_pss", 2004),
        ("sha1", "rsa", 4096, "rsa_pss", 2012),
        ("sha256", "rsa", 1024, "rsa_pkcs1", 2019),
        ("sha256", "rsa", 2048, "rsa_pss", 2029),
        ("sha256", "rsa", 4096, "rsa_pkcs1", 2029),
        ("sha256", "rsa", 4096, "rsa_pss", None),
        ("sha224", "ec", 256, "ecdsa", 2029),
        ("sha256", "ec", 224, "ecdsa", 2021),
        ("sha384", "ec", 256, "ecdsa", None),
        ("sha3_256", "ec", 384, "ecdsa", None),
        ("sha256", "dsa", 1024, "dsa", 2015),
        (None, "ed25519", 256, "ed25519", 1970),
        ("whirlpool", "ec", 256, "ecdsa", 1970),
    ],
)
def test_the_ends_of_the_algorithms(digest: str | None, key: str, bits: int, scheme: str, end: int | None) -> None:
    """TS 119 312 V1.5.1: good until the first second of the year or month that ends it, and not from then on."""
    found = ends(digest=digest, key=key, bits=bits, scheme=scheme)

    assert (found.year if found else None) == end
    if found is not None:
        assert weakness(found, digest=digest, key=key, bits=bits, scheme=scheme) is not None
        if end != 1970:
            assert weakness(found - timedelta(seconds=1), digest=digest, key=key, bits=bits, scheme=scheme) is None
