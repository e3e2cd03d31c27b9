"""Nothing but our own errors leaves a place where outside bytes are read."""

from collections.abc import Iterator
from contextlib import contextmanager

from signing.errors import NotASignablePdf, SigningError


@contextmanager
def only_our_errors(what: str, *, but: type[Exception] = SigningError) -> Iterator[None]:
    """Whatever a parser raises on a hostile file inside becomes NotASignablePdf, naming the place; `but` passes as it is."""
    try:
        yield
    except (SigningError, but):
        raise
    except Exception as error:  # the file comes from outside; a parser's bug must not look like ours
        raise NotASignablePdf(
            f"Không xử lý được tệp PDF khi {what}: {type(error).__name__}",
            f"The PDF could not be processed ({what}): {type(error).__name__}: {short(error)}",
        ) from error


def short(error: Exception) -> str:
    """A library's message may quote the file: bounded, on one line."""
    return " ".join(str(error).split())[:200]
