"""Bytes under their digest: durable, once, never changed, and not believed blindly."""

import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import Blobs, KeptStore
from storage.errors import BadDigest, BlobChanged
from tests.storage.conftest import AT, School
from workflow.events import Digest
from workflow.store import NotKept


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path)


def test_what_was_put_comes_back(blobs: Blobs) -> None:
    """Under its SHA-256, read-only, and only once."""
    for content in (b"", b"%PDF-1.7", bytes(range(256)) * 4096):
        digest = blobs.put(content)
        assert blobs.put(content) == digest == sha256(content).hexdigest()
        assert blobs.get(digest) == content
        assert blobs.size(digest) == len(content)
        assert stat.S_IMODE(blobs.path(digest).stat().st_mode) == 0o444
    assert len(list(blobs.digests())) == 3


def test_a_changed_file_is_refused(blobs: Blobs) -> None:
    """One bit is enough; the message names the file."""
    digest = blobs.put(b"signed")
    blobs.path(digest).chmod(0o644)
    blobs.path(digest).write_bytes(b"sighed")

    with pytest.raises(BlobChanged, match=digest):
        blobs.get(digest)


def test_putting_the_right_bytes_repairs_a_changed_file(blobs: Blobs) -> None:
    """Whoever puts may rely on what is there afterwards."""
    digest = blobs.put(b"signed")
    blobs.path(digest).chmod(0o644)
    blobs.path(digest).write_bytes(b"sighed")
    blobs.put(b"signed")

    assert blobs.get(digest) == b"signed"


@pytest.mark.parametrize("digest", ["", "a" * 63, "a" * 65, "A" * 64, "../" * 21 + "a", "é" * 64, "0" * 63 + "/"])
def test_only_digests_are_looked_up(blobs: Blobs, digest: str) -> None:
    """A path from outside never becomes a path here."""
    with pytest.raises(BadDigest):
        blobs.get(Digest(digest))


def test_absent_is_said_so(blobs: Blobs) -> None:
    """And costs nothing."""
    with pytest.raises(NotKept):
        blobs.get(Digest("0" * 64))
    assert blobs.size(Digest("0" * 64)) is None


@given(st.text(max_size=80))
def test_no_text_reaches_the_disk_as_a_path(text: str) -> None:
    """Whatever is asked for, the answer is ours."""
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return
    with pytest.raises(BadDigest):
        Blobs.__new__(Blobs)._place(Digest(text))


def test_many_put_the_same_at_once(blobs: Blobs) -> None:
    """All succeed, one file is there, nothing is left aside."""
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(blobs.put, [b"the same volume" * 1000] * 32))

    assert len(digests) == 1
    assert blobs.orphans(digests) == ()


def test_orphans_are_what_no_event_names(store: KeptStore, school: School) -> None:
    """A blob without an event, and a half-written file; both may be deleted."""
    kept = [store.put(text.encode()) for text in ("process", "data")]
    store.append(school.case, 0, [school.opened()], actor=None, at=AT)
    lost = store.put(b"signed, then killed")
    half = store.blobs.path(lost).parents[3] / "incoming" / "half"
    half.write_bytes(b"")

    assert store.orphans() == (store.blobs.path(lost), half)
    assert all(digest not in str(store.orphans()) for digest in kept)


def test_a_full_disk_leaves_no_blob(blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error comes through and nothing is there under the digest."""

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        blobs.put(b"x")
    assert list((tmp_path / "incoming").iterdir()) == []
    assert list(blobs.digests()) == []
