"""Nothing but our own errors leaves a place where outside bytes are read."""

from collections.abc import Iterator
from contextlib import contextmanager

from signing.errors import NotASignablePdf, SigningError

# What a person can do about a file whose structure is at fault.
SAVE_AGAIN_VI = (
    "hãy mở bằng trình đọc PDF, lưu (hoặc in) thành một tệp PDF mới rồi ký tệp mới; "
    "nếu tệp đã có chữ ký, hãy xin lại bản gốc vì lưu lại làm mất chữ ký"
)
SAVE_AGAIN_EN = (
    "open it in a PDF viewer, save or print it as a new PDF, and sign that; "
    "if it is signed already ask for the original, because saving anew loses signatures"
)


@contextmanager
def only_our_errors(what: str, *, but: type[Exception] = SigningError) -> Iterator[None]:
    """Whatever a parser raises on a hostile file inside becomes NotASignablePdf, naming the place; `but` passes as it is."""
    try:
        yield
    except (SigningError, but):
        raise
    except Exception as error:  # the file comes from outside; a parser's bug must not look like ours
        vi, _, en = what.partition(" / ")
        raise NotASignablePdf(
            f"Không xử lý được tệp PDF khi {vi}; {SAVE_AGAIN_VI}",
            f"The PDF could not be processed ({en or vi}): {type(error).__name__}: {short(error)}; {SAVE_AGAIN_EN}",
        ) from error


def short(error: Exception) -> str:
    """A library's message may quote the file: bounded, on one line."""
    return " ".join(str(error).split())[:200]
