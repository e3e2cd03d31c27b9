"""What storage refuses, and why. Each docstring is the sentence a person reads; `code` stays the same for ever."""

from typing import ClassVar


class StorageError(Exception):
    """Something could not be kept or read."""

    code: ClassVar[str] = "STORAGE"


class BlobChanged(StorageError):
    """The kept bytes are no longer what they were. Restore them from a copy; nothing here trusts them."""

    code = "BLOB_CHANGED"


class BadDigest(StorageError):
    """This is not the SHA-256 digest of anything: 64 small hexadecimal digits are."""

    code = "BAD_DIGEST"


class BadHistory(StorageError):
    """These events cannot follow what the case already holds."""

    code = "BAD_HISTORY"


class RowChanged(StorageError):
    """A row of the database cannot be what was written. `soky log verify` tells more."""

    code = "ROW_CHANGED"


class DatabaseUnavailable(StorageError):
    """The database did not answer, or was busy for too long. Nothing was written."""

    code = "DATABASE_UNAVAILABLE"


class UnknownSchema(StorageError):
    """The database was made by a newer version of Soky, or is not one of ours."""

    code = "UNKNOWN_SCHEMA"


class BadLogKey(StorageError):
    """The key of the log cannot be read, or others than its owner can read it."""

    code = "BAD_LOG_KEY"


class NoLogKey(StorageError):
    """This office was opened without the log's key, so that it cannot sign a checkpoint."""

    code = "NO_LOG_KEY"


class BadCheckpoint(StorageError):
    """Tệp không phải mốc nhật kí. / The file is no checkpoint of a log."""

    code = "BAD_CHECKPOINT"


class BadNote(StorageError):
    """This text is not a note signed by a key that we know."""

    code = "BAD_NOTE"


class BadProof(StorageError):
    """The proof does not show what it should."""

    code = "BAD_PROOF"


class NotInLog(StorageError):
    """This step is not in the log yet, or the log is not that long."""

    code = "NOT_IN_LOG"


class LogForked(StorageError):
    """The log no longer continues what was signed before. Nothing was signed; somebody must find out why."""

    code = "LOG_FORKED"
