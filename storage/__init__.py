"""Keep what was decided: events, tables, blobs, the log, and the ledger of work."""
