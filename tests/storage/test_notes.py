"""Signed notes: read by others' tools, refused when anything about them is odd."""

import base64
import stat
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage import Checkpoint, LogKey, Verifier, new_log_key, open_note
from storage.errors import BadLogKey, BadNote

# The example of Go's golang.org/x/mod/sumdb/note, whose key lines and notes many programs read.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETER_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_NOTE = (
    PETER_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


@pytest.fixture
def key(tmp_path: Path) -> LogKey:
    new_log_key(tmp_path / "log.key", "soky.example/office")
    return LogKey.load(tmp_path / "log.key")


def test_a_note_of_another_program_is_read() -> None:
    """The published example of the format verifies here."""
    assert open_note(PETER_NOTE, [Verifier.parse(PETER)]) == PETER_TEXT
    assert Verifier.parse(PETER).text() == PETER


def test_a_note_is_opened_by_its_key_only(key: LogKey) -> None:
    """Another key, another name, another text: refused."""
    note = key.sign("one\n\ntwo\n")

    assert open_note(note, [key.verifier]) == open_note(note.encode(), [key.verifier]) == "one\n\ntwo\n"
    for verifiers in ([], [Verifier.parse(PETER)], [Verifier("other", key.verifier.public)]):
        with pytest.raises(BadNote):
            open_note(note, verifiers)
    with pytest.raises(BadNote, match="wrong"):
        open_note(note.replace("two", "too"), [key.verifier])


def test_witnesses_may_sign_too(key: LogKey) -> None:
    """Lines of keys that we do not know are passed over; one that we know must be right."""
    witness = LogKey("witness.example", b"w" * 32)
    note = key.sign("head\n")
    cosigned = note + witness.sign("head\n").rpartition("\n\n")[2]
    wrong = note + witness.sign("other\n").rpartition("\n\n")[2]

    assert open_note(cosigned, [key.verifier]) == open_note(cosigned, [witness.verifier]) == "head\n"
    assert open_note(wrong, [key.verifier]) == "head\n"
    with pytest.raises(BadNote):
        open_note(wrong, [key.verifier, witness.verifier])


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300)))
def test_any_bytes_are_opened_or_refused(junk: bytes | str) -> None:
    """Outside bytes give our own error and nothing else."""
    with pytest.raises(BadNote):
        open_note(junk, [Verifier.parse(PETER)])


@given(st.data())
def test_a_changed_note_is_refused(data: st.DataObject) -> None:
    """Whatever byte of it is changed."""
    note = bytearray(PETER_NOTE.encode())
    at = data.draw(st.integers(0, len(note) - 1))
    note[at] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadNote):
        open_note(bytes(note), [Verifier.parse(PETER)])


@pytest.mark.parametrize(
    "note", ["x" * 2_000_000, PETER_TEXT + "\n" + "— a AAAAAAA=\n" * 200, PETER_TEXT, "\n\n— a AAAAAAA=\n"]
)
def test_notes_are_bounded(note: str) -> None:
    """Too long, too many signatures, none, no text."""
    with pytest.raises(BadNote):
        open_note(note, [Verifier.parse(PETER)])


def test_a_new_key_is_its_owner_s_alone(tmp_path: Path) -> None:
    """Mode 0600, never written over, and useless as soon as others can read it."""
    path = tmp_path / "deep" / "log.key"
    verifier = new_log_key(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LogKey.load(path).verifier == verifier == Verifier.parse(verifier.text() + "\n")
    assert new_log_key(tmp_path / "second").name != verifier.name
    with pytest.raises(BadLogKey):
        new_log_key(path)
    path.chmod(0o640)
    with pytest.raises(BadLogKey, match="chmod 600"):
        LogKey.load(path)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        PETER,
        "PRIVATE+KEY+x",
        "PRIVATE+KEY+x+00000000+" + base64.b64encode(b"\x01" + b"s" * 32).decode(),
        "PRIVATE+KEY+x+zz+!!",
        "PRIVATE+KEY++00000000+AA==",
        "\udcff",
    ],
)
def test_what_is_no_key_is_refused(tmp_path: Path, line: str) -> None:
    """A wrong file, a line whose halves do not belong together, the public line."""
    path = tmp_path / "log.key"
    path.write_bytes(line.encode("utf-8", "surrogateescape"))
    path.chmod(0o600)

    with pytest.raises(BadLogKey, match="/"):
        LogKey.load(path)
    with pytest.raises(BadLogKey):
        LogKey.load(tmp_path / "absent")


@pytest.mark.parametrize("name", ["two words", "a+b", "a\u00a0b", "a\nb"])
def test_a_log_s_name_is_plain(tmp_path: Path, name: str) -> None:
    """It stands in signature lines: no space, no plus."""
    with pytest.raises(BadLogKey):
        new_log_key(tmp_path / "k", name)
    assert not (tmp_path / "k").exists()


def test_a_checkpoint_is_three_lines(key: LogKey) -> None:
    """Origin, size, root; lines of extension are allowed and not understood."""
    checkpoint = Checkpoint(origin="soky.example/office", size=20852163, root=sha256(b"x").digest())

    assert checkpoint.text().count("\n") == 3
    assert Checkpoint.parse(checkpoint.text()) == checkpoint
    assert Checkpoint.parse(checkpoint.text() + "more\n") == checkpoint
    assert Checkpoint.parse(open_note(key.sign(checkpoint.text()), [key.verifier])) == checkpoint


ROOT = base64.b64encode(sha256(b"").digest()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "o\n",
        "o\n1\n",
        f"o\n1\n{ROOT}",
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n１\n{ROOT}\n",
        f"o\n{'9' * 20}\n{ROOT}\n",
        "o\n1\nAAAA\n",
        "o\n1\n!!!!\n",
        f"o\n1\n{ROOT[:-2]}9=\n",
        f"o\n1\n{ROOT}\n\n",
        f"o\n1\n{ROOT}\nmore\n\nx\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    """Another number form, a short root, base64 with loose bits, empty lines."""
    with pytest.raises(BadNote):
        Checkpoint.parse(text)
