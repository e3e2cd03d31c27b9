"""Whom the verification believes, and when."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust
from signing.errors import BadTrust
from signing.trust import Use

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
