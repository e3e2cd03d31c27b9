"""Signed notes and checkpoints as C2SP writes them (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), under an Ed25519 key.

    new_log_key(Path("log.key"))                     # once, at set-up; readable by its owner only
    key = LogKey.load(Path("log.key"))
    note = key.sign(Checkpoint(origin=key.verifier.name, size=3, root=root).text())
    checkpoint = Checkpoint.parse(open_note(note, [key.verifier]))      # BadNote if it is not ours

Existing tools read these texts; the forms of the two key lines are those of Go's sumdb/note.
"""

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from storage.blobs import sync_folder
from storage.errors import BadLogKey, BadNote
from workflow.errors import both

_ED25519: Final = b"\x01"  # c2sp.org/signed-note: the type of plain Ed25519 signatures
_KEY_BYTES: Final = 32
_PREFIX: Final = "PRIVATE+KEY+"

# A note must be accepted with 16 signatures, and post-quantum ones are up to 5 kB; beyond that somebody plays with us.
LARGEST_NOTE: Final = 1_000_000
MOST_SIGNATURES: Final = 100


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key with its name. `text()` is what an auditor is given on paper."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that tell which key to try; no proof of anything."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def text(self) -> str:
        """`name+key id+base64`, one line."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(_ED25519 + self.public)}"

    @staticmethod
    def parse(text: str) -> "Verifier":
        """BadLogKey if it is no such line."""
        name, key = _parse_key(text.strip())
        return Verifier(name, key)

    def check(self, text: str, signature: bytes) -> None:
        """BadNote if the signature is not this key's over this text."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            raise _bad_note(f"chữ ký của {self.name} không đúng", f"the signature of {self.name} is wrong") from None


class LogKey:
    """The private key of a log. Its bytes are neither printed nor compared."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note: the text, an empty line, our signature line."""
        _require_text(text)
        signature = self._key.sign(text.encode())
        return f"{text}\n— {self.verifier.name} {_base64(self.verifier.key_id + signature)}\n"

    @staticmethod
    def load(path: Path) -> "LogKey":
        """BadLogKey if the file is absent, open to others, or holds no key."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(10_000)
        except OSError as error:
            raise BadLogKey(
                both(f"Không đọc được khóa nhật ký {path}", f"The log's key {path} cannot be read: {error}")
            ) from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise BadLogKey(
                both(
                    f"Người khác đọc được khóa nhật ký {path}: hãy chạy chmod 600",
                    f"Others can read the log's key {path}: run chmod 600",
                )
            )
        line = content.decode(errors="replace").strip()
        if not line.startswith(_PREFIX):
            raise _no_key()
        name, seed = _parse_key(line.removeprefix(_PREFIX), private=True)
        return LogKey(name, seed)


def new_log_key(path: Path, name: str | None = None) -> Verifier:
    """Make a key in a new file that only its owner reads (0600). BadLogKey if there is a file already.

    `name` is the log's origin; without one it is random, so that no two offices have the same.
    """
    name = name or f"soky.local/{secrets.token_hex(8)}"
    _require_name(name)
    seed = secrets.token_bytes(_KEY_BYTES)
    verifier = LogKey(name, seed).verifier
    # The key id of the line is the public key's: a line whose halves do not belong together is refused when it is read.
    line = f"{_PREFIX}{name}+{verifier.key_id.hex()}+{_base64(_ED25519 + seed)}\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BadLogKey(both(f"Không tạo được khóa nhật ký {path}", f"The log's key {path} cannot be made: {error}")) from None
    with os.fdopen(descriptor, "w") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(path.parent)
    return verifier


def open_note(note: str | bytes, verifiers: Iterable[Verifier]) -> str:
    """The text of a note that at least one of these keys signed. BadNote, also if one of them signed it wrongly.

    Signatures of keys that we do not know are passed over: so witnesses can add theirs and keys can be changed.
    """
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    text, lines = _split_note(note)
    accepted = 0
    for line in lines:
        name, signature = _parse_signature(line)
        verifier = known.get((name, signature[:4]))
        if verifier:
            verifier.check(text, signature[4:])
            accepted += 1
    if not accepted:
        raise _bad_note("không có chữ ký của khóa nào ta biết", "no key that we know has signed it")
    return text


def claimed_checkpoint(note: str | bytes) -> "Checkpoint":
    """What a note says, before any signature is checked: only to tell whose it is. BadNote if it is no signed checkpoint."""
    text, lines = _split_note(note)
    for line in lines:
        _parse_signature(line)
    return Checkpoint.parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """How long a log was, and its root then."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Three lines, to be signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"

    @staticmethod
    def parse(text: str) -> "Checkpoint":
        """BadNote if these are not three lines of that form, with lines of extension after them or not."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _is_number(lines[1]):  # noqa: PLR2004 - three and the end
            raise _bad_note("không phải mốc nhật ký", "it is no checkpoint")
        origin, size, root = lines[:3]
        digest = _unbase64(root)
        if len(digest) != sha256().digest_size:
            raise _bad_note("gốc nhật ký không phải SHA-256", "the root is not a SHA-256 hash")
        return Checkpoint(origin=origin, size=int(size), root=digest)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20 and (text == "0" or text[0] != "0")  # noqa: PLR2004 - 2**63


def _split_note(note: str | bytes) -> tuple[str, list[str]]:
    if len(note) > LARGEST_NOTE:
        raise _bad_note("quá dài", "it is too long")
    try:
        text = note.decode() if isinstance(note, bytes) else note
    except UnicodeDecodeError:
        raise _bad_note("không phải UTF-8", "it is not UTF-8") from None
    _require_text(text)
    body, empty_line, signatures = text.rpartition("\n\n")
    lines = signatures.split("\n")
    if not empty_line or not body or lines[-1] or not 1 < len(lines) <= MOST_SIGNATURES + 1:
        raise _bad_note("thiếu dòng chữ ký", "it has no signature lines")
    return body + "\n", lines[:-1]


def _require_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(sign) < ord(" ") and sign != "\n" for sign in text):
        raise _bad_note("có ký tự điều khiển", "it holds control characters or does not end with a newline")


def _parse_signature(line: str) -> tuple[str, bytes]:
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    signature = _unbase64(encoded)
    if dash != "—" or not name or len(signature) <= 4:  # noqa: PLR2004 - the key id
        raise _bad_note("dòng chữ ký sai dạng", "a signature line has another form")
    return name, signature


def _parse_key(line: str, *, private: bool = False) -> tuple[str, bytes]:
    parts = line.split("+", 2)  # base64 may hold a plus, a name may not
    try:
        name, key_id, key = parts[0], bytes.fromhex(parts[1]), base64.b64decode(parts[2], validate=True)
    except (IndexError, ValueError):
        raise _no_key() from None
    if key[:1] != _ED25519 or len(key) != 1 + _KEY_BYTES:
        raise _no_key()
    _require_name(name)
    verifier = LogKey(name, key[1:]).verifier if private else Verifier(name, key[1:])
    if verifier.key_id != key_id:
        raise _no_key()
    return name, key[1:]


def _require_name(name: str) -> None:
    if not name or "+" in name or any(sign.isspace() or ord(sign) < ord(" ") for sign in name):
        raise BadLogKey(
            both(f"Tên nhật ký {name!r:.80} có dấu cách hoặc dấu cộng", f"The log's name {name!r:.80} holds a space or a plus")
        )


def _no_key() -> BadLogKey:
    return BadLogKey(both("Tệp này không chứa khóa nhật ký", "This holds no key of a log"))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _unbase64(text: str) -> bytes:
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _bad_note("base64 sai", "its base64 is wrong") from None
    if _base64(content) != text:  # one spelling only: unused bits must be zero
        raise _bad_note("base64 sai", "its base64 is wrong")
    return content


def _bad_note(vi: str, en: str) -> BadNote:
    return BadNote(both(f"Văn bản ký không dùng được: {vi}", f"The note cannot be used: {en}"))
