"""Opening an encrypted PDF with a password (ISO 32000-2 7.6): the standard security handler, revisions 2 to 6.

The keys are derived and the bytes decrypted by pyHanko's security handler; revision 5, which Adobe had between RC4 and PDF 2.0
and which pyHanko leaves out, differs in one hash. What is never encrypted: the encryption dictionary itself, cross-reference
streams, what stands inside object streams (those are encrypted as a whole), and the /Contents of a signature (7.6.2).

The password is used once and not kept.
"""

import hashlib
import unicodedata
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import AuthStatus, CryptFilter, StandardSecurityHandler

from signing.verification.faults import BadStructure, NeedsPassword, UnknownEncryption, WrongPassword
from signing.verification.syntax import Name, Stream

MAX_PASSWORD = 1024  # characters; the format uses at most 127 bytes of it
_REVISIONS = {1: {2, 3}, 2: {2, 3}, 4: {4}, 5: {5, 6}}  # /V -> /R (tables 20 and 21)
_R5 = 5
_BYTE = 8
_SHORTEST_KEY = 40  # bits


class Decryption:
    """The key of one file, and what of it is encrypted."""

    def __init__(self, handler: StandardSecurityHandler) -> None:
        self._handler = handler
        self._strings = handler.get_string_filter()

    def value(self, value: Any, number: int, generation: int) -> Any:
        """An object as it reads with the key: its strings decrypted, its stream when it is asked for. Raises BadStructure."""
        if isinstance(value, Stream):
            entries = value.entries
            if entries.get("/Type") == "/XRef":
                return value
            plain = self._values(entries, number, generation)
            return Stream(plain, value.data, value.start, value.stop, cipher=self._of_stream(entries, number, generation))
        return self._values(value, number, generation)

    def _values(self, value: Any, number: int, generation: int) -> Any:
        if isinstance(value, bytes):
            return _decrypt(self._strings, value, number, generation)
        if isinstance(value, list):
            return [self._values(each, number, generation) for each in value]
        if isinstance(value, dict):
            signs = "/ByteRange" in value
            return {
                key: each if signs and key == "/Contents" else self._values(each, number, generation)
                for key, each in value.items()
            }
        return value

    def _of_stream(self, entries: dict[str, Any], number: int, generation: int) -> Callable[[bytes], bytes] | None:
        """How a stream is decrypted: by its own crypt filter, else by the one for its kind (7.6.6)."""
        chosen = _own_filter(entries)
        if chosen is not None:
            try:
                used = self._handler.get_stream_filter(generic.NameObject(chosen))
            except KeyError as fault:
                raise BadStructure(f"a stream with the crypt filter {chosen}, which is not there") from fault
        elif entries.get("/Type") == "/Metadata" and not self._handler.encrypt_metadata:
            return None
        elif entries.get("/Type") == "/EmbeddedFile":
            used = self._handler.get_embedded_file_filter()  # type: ignore[no-untyped-call]
        else:
            used = self._handler.get_stream_filter()
        return lambda raw: _decrypt(used, raw, number, generation)


def _own_filter(entries: dict[str, Any]) -> str | None:
    """The name in a stream's own /Crypt filter, which must be its first; without a name it is Identity (7.4.10)."""
    filters, told = entries.get("/Filter"), entries.get("/DecodeParms")
    if isinstance(filters, list):
        filters = filters[0] if filters else None
        told = told[0] if isinstance(told, list) and told else told
    if filters != "/Crypt":
        return None
    name = told.get("/Name") if isinstance(told, dict) else None
    return str(name) if isinstance(name, Name) else "/Identity"


def _decrypt(used: CryptFilter, data: bytes, number: int, generation: int) -> bytes:
    if not data:
        return data  # an empty string is written so by some, without the initial vector that it should have
    try:
        return bytes(used.decrypt(used.derive_object_key(number, generation), data))
    except Exception as fault:  # bytes of outside, through a library
        raise BadStructure(f"object {number} cannot be decrypted") from fault


def open_encrypted(entries: dict[str, Any], identifier: bytes | None, password: str | None) -> Decryption:
    """The key from the encryption dictionary (all references followed) and a password, the owner's or the user's.

    Without a password the empty one is tried: many files only ask their reader not to print. `identifier` is the first part
    of the file's /ID. Raises NeedsPassword, WrongPassword, UnknownEncryption.
    """
    version, revision = entries.get("/V"), entries.get("/R")
    if entries.get("/Filter") != "/Standard" or revision not in _REVISIONS.get(version if isinstance(version, int) else 0, ()):
        raise UnknownEncryption(f"{entries.get('/Filter')} V{version} R{revision}")
    if password is not None and len(password) > MAX_PASSWORD:
        raise WrongPassword("longer than any password")
    try:
        handler = StandardSecurityHandler.instantiate_from_pdf_object(_for_pyhanko(_corrected(entries)))
        opened = _open_r5(handler, entries, password or "") if revision == _R5 else _open(handler, identifier, password or "")
    except Exception as fault:  # a dictionary of outside, through a library
        raise UnknownEncryption(type(fault).__name__) from fault
    if not opened:
        raise NeedsPassword("password") if password is None else WrongPassword("password")
    return Decryption(handler)


def _open(handler: StandardSecurityHandler, identifier: bytes | None, password: str) -> bool:
    try:
        found = handler.authenticate(password, id1=identifier or b"")
    except UnicodeError:  # letters that this revision's passwords cannot have
        return False
    return found.status is not AuthStatus.FAILED


def _open_r5(handler: StandardSecurityHandler, entries: dict[str, Any], password: str) -> bool:
    """Adobe's extension level 3, 3.5.2: as revision 6, with one SHA-256 for the hash."""
    secret = unicodedata.normalize("NFKC", password).encode()[:127]
    owner, user = entries["/O"][:48], entries["/U"][:48]
    for stored, also, wrapped in ((owner, user, entries["/OE"]), (user, b"", entries["/UE"])):
        if hashlib.sha256(secret + stored[32:40] + also).digest() == stored[:32]:
            key = hashlib.sha256(secret + stored[40:48] + also).digest()
            machine = Cipher(algorithms.AES(key), modes.CBC(bytes(16))).decryptor()
            handler._shared_key = machine.update(wrapped[:32]) + machine.finalize()  # noqa: SLF001 -- it has no other way in
            return True
    return False


def _corrected(entries: dict[str, Any]) -> dict[str, Any]:
    """The dictionary with the key's length where pyHanko looks for it.

    Programs write the length of a crypt filter's key in bytes or in bits, or leave it out; what counts is the /Length of the
    dictionary for /V 2, and 128 bits for /V 4 (table 20), as other readers have it.
    """
    told = dict(entries)
    version, length = told["/V"], told.get("/Length")
    if not isinstance(length, int) or isinstance(length, bool):
        length = _SHORTEST_KEY
    if length < _SHORTEST_KEY:
        length *= _BYTE
    told["/Length"] = {1: _SHORTEST_KEY, 2: length, 4: 128}.get(version, 256)
    if told["/R"] == _R5:
        told["/R"] = 6
    filters = told.get("/CF")
    if isinstance(filters, dict):
        told["/CF"] = {
            name: {**each, "/Length": told["/Length"]} if isinstance(each, dict) else each for name, each in filters.items()
        }
    return told


def _for_pyhanko(value: Any) -> Any:  # noqa: PLR0911 -- one per kind of value
    """A value of ours as one of pyHanko's."""
    make: Any = generic  # its constructors have no types
    if isinstance(value, Name):
        return make.NameObject(str(value))
    if isinstance(value, bytes):
        return make.ByteStringObject(value)
    if isinstance(value, bool):
        return make.BooleanObject(value)
    if isinstance(value, int):
        return make.NumberObject(value)
    if isinstance(value, float):
        return make.FloatObject(value)
    if isinstance(value, list):
        return make.ArrayObject([_for_pyhanko(each) for each in value])
    if isinstance(value, dict):
        return make.DictionaryObject({make.NameObject(str(key)): _for_pyhanko(each) for key, each in value.items()})
    return make.NullObject()
