"""The door to the limited process that draws: one request, one file, one process, its messages as they come.

PDFium reads hostile bytes in C++, so the other side of the pipe may be anybody's by now: messages are JSON and bytes
(never pickles), each within bounds, and whoever gets them checks every value.
"""

import contextlib
import json
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

SECONDS = 12.0  # per request, the start of the process included
LARGEST_MESSAGE = 64 * 1024  # of JSON; a page with 80 boxes takes 8 KB
LARGEST_PICTURE = 8 * 1024 * 1024
MOST_MESSAGES = 200

_PROGRAM = Path(__file__).with_name("drawing.py")
_PNG = b"\x89PNG\r\n\x1a\n"

Message = tuple[Mapping[str, Any], tuple[bytes, ...]]


def messages(request: Mapping[str, Any], content: bytes, *, seconds: float = SECONDS) -> Iterator[Message]:
    """What the process says, until it ends or its time is over. What came before that is kept by whoever iterates."""
    process = subprocess.Popen(
        [sys.executable, "-I", str(_PROGRAM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
    )
    alarm = threading.Timer(seconds, process.kill)
    alarm.daemon = True
    alarm.start()
    try:
        assert process.stdin is not None  # noqa: S101 - both were asked for
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(OSError):  # it may be dead by now: then there is nothing to read either
            process.stdin.write(json.dumps(dict(request)).encode() + b"\n")
            process.stdin.write(content)
        with contextlib.suppress(OSError):
            process.stdin.close()
        for _ in range(MOST_MESSAGES):
            message = _message(process.stdout)
            if message is None:
                return
            yield message
    finally:
        alarm.cancel()
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _message(pipe: IO[bytes]) -> Message | None:
    """The next message; None at the end, and for anything that is not one."""
    try:
        (length,) = struct.unpack(">I", pipe.read(4))
        if length > LARGEST_MESSAGE:
            return None
        head = json.loads(pipe.read(length))
        sizes = head.pop("pictures")
        if not all(isinstance(size, int) and 0 <= size <= LARGEST_PICTURE for size in sizes) or len(sizes) > 2:  # noqa: PLR2004
            return None
        pictures = tuple(pipe.read(size) for size in sizes)
    except (struct.error, ValueError, TypeError, KeyError, AttributeError, RecursionError, OSError):
        return None
    whole = all(
        len(picture) == size and (not size or picture.startswith(_PNG)) for picture, size in zip(pictures, sizes, strict=True)
    )
    return (head, pictures) if whole else None
