"""Sign all in a process that kills itself, hard, when its key is used for the N-th time or its N-th result is kept.

python tests/workflow/dying_batch.py OFFICE PERSON KEY|RESULT N

With N = 0 it does not die of itself; strace may kill it. The office's own settings say which database it has.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import signing
from api.demo.story import open_key
from api.settings import read_settings
from api.wiring import open_office
from directory import PersonId


class DyingKey:
    """The real key; dies after its N-th signature, which is lost with the process."""

    def __init__(self, key: signing.Signer, most: int) -> None:
        self._key, self._left = key, most
        self.certificate, self.chain = key.certificate, key.chain

    def __getattr__(self, name: str) -> Any:
        if name == "sign_all":  # one value after the other
            raise AttributeError(name)
        return getattr(self._key, name)

    def sign(self, data: bytes, digest: str) -> bytes:
        """Sign, and die when it is time."""
        value = self._key.sign(data, digest)
        self._left -= 1
        if not self._left:
            os.kill(os.getpid(), signal.SIGKILL)
        return value


def main(folder: str, person: str, point: str, most: str) -> None:
    """Sign everything in this person's inbox, and die on the way."""
    with open_office(read_settings(Path(folder))) as wired:
        tasks = [(task.case, task.name) for task in wired.office.inbox(PersonId(person))]
        with open_key(wired, PersonId(person), "subject_teacher_signs") as key:
            signer = DyingKey(key, int(most)) if point == "KEY" else key
            for number, _ in enumerate(wired.office.sign_all(PersonId(person), tasks, signer), 1):
                if point == "RESULT" and number == int(most):
                    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
