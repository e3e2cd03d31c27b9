"""Keep what was decided: events, tables, blobs, the log, and the ledger of work.

    store = open_store("sqlite:////var/lib/soky/office.db", Path("/var/lib/soky"), log_key=Path("log.key"))

`open_store` gives what `workflow.store.Store` promises; `store.log` is the public log (sequence, sign, prove, publish);
`verify_log` finds whatever somebody changed behind our back.
"""

from storage.audit import Finding, verify_log
from storage.blobs import Blobs
from storage.errors import StorageError
from storage.kept import KeptStore, open_store
from storage.leaves import case_stream, directory_stream
from storage.log import Log
from storage.notes import Checkpoint, LogKey, Verifier, new_log_key, open_note
from storage.proofs import StepEvidence, check_proof
from storage.replay import rebuild
from storage.search import search_key
from storage.tiles import publish

__all__ = [
    "Blobs",
    "Checkpoint",
    "Finding",
    "KeptStore",
    "Log",
    "LogKey",
    "StepEvidence",
    "StorageError",
    "Verifier",
    "case_stream",
    "check_proof",
    "directory_stream",
    "new_log_key",
    "open_note",
    "open_store",
    "publish",
    "rebuild",
    "search_key",
    "verify_log",
]
