"""Importing endesive where it cannot be imported: it needs certvalidator, that needs oscrypto, and oscrypto 1.3.0 reads the
version of OpenSSL with an expression for one digit per part. With OpenSSL 3.0.10 and later it finds no version and gives up.

    with endesive_importable():
        from endesive import verifier

While the import runs, that one expression is replaced by one that reads "3.0.19" as well. Nothing else is touched, and outside
the context `re.search` is what it was.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OF_OSCRYPTO = "\\b(\\d\\.\\d\\.\\d[a-z]*)\\b"
_OF_OURS = "\\b(\\d+\\.\\d+\\.\\d+[a-z]*)\\b"


@contextmanager
def endesive_importable() -> Iterator[None]:
    """See the module. Only for a process of its own: while it lasts, other threads see the replaced function too."""
    real = re.search

    def search(pattern: Any, string: Any, flags: Any = 0) -> Any:
        return real(_OF_OURS if pattern == _OF_OSCRYPTO else pattern, string, flags)

    re.search = search
    try:
        yield
    finally:
        re.search = real
