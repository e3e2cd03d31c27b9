"""Keep what was decided: events, tables, blobs, the log, and the ledger of work.

    store = open_store("sqlite:////var/lib/soky/office.db", Path("/var/lib/soky"), log_key=Path("log.key"))

`open_store` gives what `workflow.store.Store` promises; `store.log` is the public log (sequence, sign, prove, publish);
`verify_log` finds whatever somebody changed behind our back.
"""

from storage.blobs import Blobs
from storage.kept import KeptStore, open_store
from storage.search import search_key

__all__ = ["Blobs", "KeptStore", "open_store", "search_key"]
