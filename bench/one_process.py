"""A signing process alone: it signs files with a stamp and says how much memory it took at most, in MB.

    python -m bench.one_process file:KEY.p12 PIN FILE ...

It imports what a signing process imports, and nothing of the bench's other sides.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from signing.batch import FastPath, Order
from signing.batch.files import Job, NotDone, sign_files
from signing.batch.lettering import Lettering, Lines
from signing.keys.file import FileSigner
from signing.levels import Level

FONT = Path(__file__).resolve().parent.parent / "documents" / "fonts" / "Tinos_400Regular.ttf"


def main(uri: str, pin: str, *sources: str) -> float:
    """Peak resident memory in MB."""
    letters = Lettering(FONT)
    with FileSigner.open(uri, lambda _: pin) as signer:
        jobs = [
            Job(
                id=source,
                source=Path(source),
                target=Path(source).with_suffix(".signed"),
                order=Order(
                    field="principal_signs",
                    at=datetime.now(UTC),
                    level=Level.B_B,
                    drawing=Lines(("Trường THCS Nguyễn Du", Path(source).stem), letters),
                ),
            )
            for source in sources
        ]
        for result in sign_files(jobs, FastPath(signer)):
            if isinstance(result, NotDone):
                raise result.error
    return peak()


@contextmanager
def open_path(uri: str, pin: str) -> Iterator[FastPath]:
    """A fast path with the key of this file; a function of the module, so that other processes can call it."""
    with FileSigner.open(uri, lambda _: pin) as signer:
        yield FastPath(signer)


def peak() -> float:
    """VmHWM and not ru_maxrss: the latter counts the process that started this one."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


if __name__ == "__main__":
    print(main(*sys.argv[1:]))
