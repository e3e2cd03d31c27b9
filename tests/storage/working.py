"""A worker in a process of its own, for test_races.py: claims, appends under its fence, until nothing waits."""

import sys
from pathlib import Path

from storage import open_store
from tests.storage.conftest import AT, School
from workflow.store import Conflict, StaleFence


def main(url: str, folder: Path, owner: str) -> None:
    """Print the subject key of each piece of work whose result was accepted."""
    store, school = open_store(url, folder / "office", log_key=folder / "log.key"), School()
    while claimed := store.claim(owner, now=AT, lease_seconds=600, limit=2):
        for item in claimed:
            while True:
                version = store.case(item.case).version
                try:
                    store.append(item.case, version, [school.completed("toan")], actor=None, at=AT, finishing=item)
                except Conflict:
                    continue
                except StaleFence:
                    break
                sys.stdout.write(f"{item.subject_key}\n")
                break
        store.log.sequence()
        store.log.sign(AT)
    store.close()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
