"""One file per revision, never changed after it was released."""
