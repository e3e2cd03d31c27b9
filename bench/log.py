"""The public log beside pymerkle's SqliteTree, the best-known persistent Merkle tree in Python (GPL, so only ever here).

    python -m bench.log

Both write to SQLite on the same disk and wait for it (pymerkle as it comes: rollback journal, full sync). Ours stores every
complete node and never reads a leaf again; pymerkle stores leaves and hashes subtrees anew. Leaves are 150 bytes. Wall time,
in turns; every proof is checked before its time counts. Without pymerkle only our side is told.
"""

import random
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.table import Row, Table, median
from storage import KeptStore, new_log_key, open_store
from storage.merkle import hash_leaf, verify_consistency, verify_inclusion

ENTRIES = 1_000_000
QUICK_ENTRIES = 50_000
LEAF_BYTES = 150
BULK = 10_000
ROUNDS = 5
SINGLE = 200  # appends of one round
BATCH = 45  # the signatures of one class book: its sheets, its volume, and what goes with them


def run(quick: bool = False) -> Table:
    """About two minutes, quick ten seconds."""
    entries = QUICK_ENTRIES if quick else ENTRIES
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new_log_key(folder / "log.key")
        store = open_store(f"sqlite:///{folder / 'office.db'}", folder, log_key=folder / "log.key")
        peer = _peer(folder / "peer.db")
        try:
            rows = [*_appends(store, peer), *_fill(store, peer, folder, entries), *_proofs(store, peer)]
        finally:
            store.close()
            if peer:
                peer.close()
    title = "The log" if peer else "The log (pymerkle is not installed: only our side)"
    return Table(title, tuple(rows))


def _peer(path: Path) -> Any:
    if not find_spec("pymerkle"):
        return None
    return import_module("pymerkle").SqliteTree(str(path))


class Appender:
    """Writes leaves to our log, each call one durable transaction."""

    def __init__(self, store: KeptStore) -> None:
        self.store = store
        self.seq = store.log.size()

    def one(self, leaf: bytes) -> None:
        """One leaf, one commit."""
        self([leaf])

    def __call__(self, leaves: list[bytes]) -> None:
        """All in one commit."""
        entries = [("case:bench", self.seq + place, leaf) for place, leaf in enumerate(leaves, 1)]
        self.seq += len(leaves)
        with self.store.database.writing() as connection:
            self.store.log.add(connection, entries)


def _leaves(count: int) -> list[bytes]:
    return [secrets.token_bytes(LEAF_BYTES) for _ in range(count)]


def _rate(put: Callable[[Any], object], things: Iterable[Any], count: int) -> float:
    begin = time.perf_counter()
    for thing in things:
        put(thing)
    return count / (time.perf_counter() - begin)


def _appends(store: KeptStore, peer: Any) -> list[Row]:
    ours = Appender(store)
    singly, batched, theirs = [], [], []
    for _ in range(ROUNDS):
        leaves = _leaves(SINGLE)
        singly.append(_rate(ours.one, leaves, SINGLE))
        if peer:
            theirs.append(_rate(peer.append_entry, leaves, SINGLE))
        batches = [_leaves(BATCH) for _ in range(SINGLE // 4)]
        batched.append(_rate(ours, batches, BATCH * len(batches)))
    if not peer:
        return [
            Row.told("append, 1 per commit", measured=median(singly), unit="/s"),
            Row.told(f"append, {BATCH} per commit", measured=median(batched), unit="/s"),
        ]
    by = median(theirs)
    return [
        Row.least(
            "append, 1 per commit", goal=2.5, measured=median(singly) / by, note=f"{median(singly):,.0f} and {by:,.0f} per s"
        ),
        Row.least(
            f"append, {BATCH} per commit, against 1 per commit",
            goal=30,
            measured=median(batched) / by,
            note=f"{median(batched):,.0f} and {by:,.0f} per s",
        ),
    ]


def _fill(store: KeptStore, peer: Any, folder: Path, entries: int) -> list[Row]:
    """Up to the size at which proofs are measured, both sides with the same leaves from here on."""
    ours = Appender(store)
    begin, added = time.perf_counter(), 0
    while store.log.size() < entries:
        leaves = _leaves(BULK)
        ours(leaves)
        added += BULK
    rate = added / (time.perf_counter() - begin)
    if peer:
        while peer.get_size() < entries:
            peer.append_entries(_leaves(BULK))
    size = sum(path.stat().st_size for path in folder.glob("office.db*"))
    return [
        Row.told(f"append, {BULK} per commit", measured=rate, unit="/s"),
        Row.told("disk per entry", measured=size / store.log.size(), unit="B", note=f"{store.log.size():,} entries"),
    ]


def _proofs(store: KeptStore, peer: Any) -> list[Row]:
    size, chance = store.log.size(), random.Random(6962)  # noqa: S311 - which entries are asked for, no secret
    root = store.log.root(size)
    times, checks, theirs = [], [], []
    for index in (chance.randrange(size) for _ in range(300)):
        begin = time.perf_counter()
        proof = store.log.inclusion(index, size)
        times.append(time.perf_counter() - begin)
        leaf = hash_leaf(store.log.leaves(index, index + 1)[0])
        begin = time.perf_counter()
        verify_inclusion(leaf, index, size, proof, root)
        checks.append(time.perf_counter() - begin)
    if peer:
        theirs = [_peer_proof(peer, chance.randrange(peer.get_size()) + 1) for _ in range(7)]
    ours = median(times)
    told = f"{ours * 1000:.3f} ms, {len(store.log.inclusion(0, size))} hashes"
    row = (
        Row.least(
            f"inclusion proof at {size:,}",
            goal=1_000,
            measured=median(theirs) / ours,
            note=f"{told}; pymerkle {median(theirs) * 1000:.0f} ms",
        )
        if peer and size >= ENTRIES
        else Row.told(f"inclusion proof at {size:,}", measured=ours * 1000, note=told)
    )
    return [row, Row.told("check of it", measured=median(checks) * 1000), _consistency(store, size)]


def _peer_proof(peer: Any, index: int) -> float:
    check = import_module("pymerkle").verify_inclusion
    peer.cache_clear()
    begin = time.perf_counter()
    proof = peer.prove_inclusion(index)
    taken = time.perf_counter() - begin
    check(peer.get_leaf(index), peer.get_root(), proof)
    return taken


def _consistency(store: KeptStore, size: int) -> Row:
    times = []
    for old in (size // 3, size // 2 + 1, size - 7):
        before, after = store.log.root(old), store.log.root(size)
        begin = time.perf_counter()
        proof = store.log.consistency(old, size)
        times.append(time.perf_counter() - begin)
        verify_consistency(old, size, proof, before, after)
    return Row.told("consistency proof", measured=median(times) * 1000)


if __name__ == "__main__":
    sys.stdout.write(f"{run('--quick' in sys.argv)}\n")
