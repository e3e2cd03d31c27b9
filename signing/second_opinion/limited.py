"""Another program, with a limit on time, memory and what it may say."""

import contextlib
import os
import resource
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from math import ceil
from pathlib import Path

SECONDS = 20.0  # per program and file; openssl needs 0.02, endesive 1.5 with its imports
MEMORY_BYTES = 1024 * 1024 * 1024
MAX_OUTPUT = 1024 * 1024
LONGEST_NAME = 200  # letters


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a program ended and what it printed."""

    code: int
    out: str
    err: str
    in_time: bool = True  # False: it was ended, and this is what it had said by then


def run(
    command: Sequence[str],
    *,
    folder: Path,
    content: bytes = b"",
    environment: Mapping[str, str] | None = None,
    seconds: float | None = None,
    memory_bytes: int = MEMORY_BYTES,
) -> Said | None:
    """The program's answer; None when it is not there. `seconds`: `SECONDS` unless given.

    Output goes to files, not pipes: a program that prints without end meets its limit on file size.
    """
    limit = SECONDS if seconds is None else seconds
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(content)
        given.seek(0)
        try:
            process = subprocess.Popen(command, cwd=folder, stdin=given, stdout=out, stderr=err, env=dict(environment or {}))
        except OSError:
            return None
        # Between the start and here it only loads its libraries: it has read nothing that a stranger wrote.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (MAX_OUTPUT, MAX_OUTPUT))
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (ceil(limit), ceil(limit) + 1))
            resource.prlimit(process.pid, resource.RLIMIT_CORE, (0, 0))
        in_time = True
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            in_time = False
            process.kill()
            code = process.wait()
        out.seek(0)
        err.seek(0)
        said, complained = (each.read(MAX_OUTPUT).decode(errors="replace") for each in (out, err))
        return Said(code=code, out=said, err=complained, in_time=in_time)


def short_name(field: str) -> str:
    """A field's name as it travels between processes: one of megabytes must not use up what a program may print."""
    return field if len(field) <= LONGEST_NAME else f"sha256:{sha256(field.encode(errors='replace')).hexdigest()}"


def plain_environment(**more: str) -> dict[str, str]:
    """The few variables that a program needs; nothing of ours that is secret."""
    kept = {name: value for name in ("PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH") if (value := os.environ.get(name))}
    return {**kept, "LC_ALL": "C", **more}
