"""Runs every bench and prints what was promised beside what was measured.

    python -m bench [--quick] [NAME ...]

A bench is a module of this folder with `run(quick: bool)` that returns a Table (or several). Results are left in
bench/results as JSON. One that cannot be imported or fails is named, and the others still run.
"""

import argparse
import importlib
import json
import sys
import traceback
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.table import Table

FOLDER = Path(__file__).resolve().parent
NO_BENCHES = frozenset({"__init__", "__main__", "inputs", "table"})


def main() -> int:
    """Exit status 1 when a goal was missed or a bench failed."""
    asked = argparse.ArgumentParser(prog="python -m bench", description="Measure against the goals.")
    asked.add_argument("names", nargs="*", help="which benches; all of them when left out")
    asked.add_argument("--quick", action="store_true", help="fewer rounds: minutes become seconds, figures become rough")
    wishes = asked.parse_args()
    tables: list[Table] = []
    failed = []
    for name in wishes.names or names():
        try:
            found = list(_tables(importlib.import_module(f"bench.{name}").run(quick=wishes.quick)))
        except Exception:  # noqa: BLE001 - whatever a bench raises, the others are still to be run
            traceback.print_exc()
            failed.append(name)
            continue
        for table in found:
            print(table, end="\n\n", flush=True)
        tables += found
    keep(tables, quick=wishes.quick)
    missed = [row.name for table in tables for row in table.missed]
    for name in failed:
        print(f"FAILED  bench.{name}")
    for row in missed:
        print(f"missed  {row}")
    return 1 if failed or missed else 0


def names() -> list[str]:
    """The benches that are there: modules with a function `run`."""
    return sorted(
        path.stem
        for path in FOLDER.glob("*.py")
        if path.stem not in NO_BENCHES and "\ndef run(" in path.read_text(encoding="utf-8")
    )


def keep(tables: Iterable[Table], *, quick: bool) -> Path:
    """The figures as JSON."""
    folder = FOLDER / "results"
    folder.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
    found = {"at": now.isoformat(), "quick": quick, "tables": [table.to_json() for table in tables]}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


def _tables(returned: object) -> Iterator[Table]:
    """A bench returns a Table, several, or its own kind that prints itself."""
    if isinstance(returned, Table):
        yield returned
    elif isinstance(returned, Iterable) and not isinstance(returned, str):
        for each in returned:
            yield from _tables(each)
    elif returned is not None:
        print(returned, flush=True)


if __name__ == "__main__":
    sys.exit(main())
