"""The one append-only log of everything that happened: its order, its proofs, its signed heads.

    log.sequence()                    # what is pending gets its place; any process may call it, as often as it likes
    note = log.sign(at)               # a checkpoint, if the log has grown since the last
    text = log.proof("case:c1", 7)    # a tlog-proof of one step
    log.consistency(old, new)         # that the log of today continues the one of then

A transaction only adds pending leaves; one sequencer at a time gives them their places. So cases do not wait for each
other, and there is one order. Before a checkpoint is signed the last one is checked against the kept nodes: a log that was
changed in its past gets no new signature.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, insert, select

from storage.database import Database
from storage.errors import LogForked, NoLogKey, NotInLog, RowChanged
from storage.leaves import Row, case_stream, record
from storage.merkle import (
    Hash,
    Node,
    Span,
    grow,
    hash_leaf,
    hash_span,
    nodes_in,
    nodes_of,
    position,
    root_of,
    spans_of_consistency,
    spans_of_inclusion,
)
from storage.notes import Checkpoint, LogKey
from storage.proofs import StepEvidence, write_proof
from storage.tables import event, log_checkpoint, log_entry, log_head, log_pending
from workflow.encoding import instant_text
from workflow.errors import both
from workflow.events import CaseId

# How many leaves one transaction places: it holds the lock of the log for about 20 ms.
BATCH: Final = 1_000

_HASH: Final = 32


class Log:
    """The log of an office. Without its key everything works but signing."""

    def __init__(self, database: Database, key: LogKey | None) -> None:
        self._database = database
        self.key = key
        # The one hot path of storage is written for the driver: SQLAlchemy would cost more than the disk (bench/log.py).
        mark = "?" if database.is_sqlite else "%s"
        lock = "" if database.is_sqlite else " FOR UPDATE"
        self._sql = {name: text.replace("?", mark) + (lock if name == "head" else "") for name, text in _STATEMENTS.items()}

    # --- the sequencer ---

    def sequence(self) -> int:
        """Give every pending leaf its place. Returns how many. A crash loses nothing: what has no place is still pending."""
        placed = 0
        while True:
            with self._database.reading() as connection:
                if connection.scalar(select(log_pending.c.id).limit(1)) is None:
                    return placed
            with self._database.writing() as connection:
                placed += self._place_a_batch(connection)

    def _place_a_batch(self, connection: Connection) -> int:
        # Lock first, then look: two sequencers would otherwise see the same pending rows.
        head = self._head(connection)
        cursor = connection.connection.cursor()
        pending = cursor.execute(self._sql["pending"], (BATCH,)).fetchall()
        if pending:
            self.add(connection, [(stream, seq, bytes(leaf)) for _, stream, seq, leaf in pending], head)
            cursor.executemany(self._sql["placed"], [(row[0],) for row in pending])
        return len(pending)

    def add(
        self, connection: Connection, entries: Sequence[tuple[str, int, bytes]], head: tuple[int, list[Hash]] | None = None
    ) -> int:
        """Put leaves (stream, seq, leaf) at the end of the log, in the caller's transaction. Returns the new size."""
        first, frontier = head or self._head(connection)
        size, nodes = first, list[tuple[int, Hash]]()
        for _, _, leaf in entries:
            frontier, made = grow(frontier, size, hash_leaf(leaf))
            nodes += enumerate(made, nodes_of(size))
            size += 1
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(self._sql["entry"], [(place, *entry) for place, entry in enumerate(entries, first)])
            cursor.executemany(self._sql["node"], nodes)
        except (sqlite3.IntegrityError, psycopg.IntegrityError) as error:
            raise LogForked(
                both(f"Chỗ {first} của nhật ký đã có mục khác", f"The place {first} of the log is taken: {error}")
            ) from error
        cursor.execute(self._sql["grown"], (size, b"".join(frontier)))
        return size

    def _head(self, connection: Connection, statement: str = "head") -> tuple[int, list[Hash]]:
        row = connection.connection.cursor().execute(self._sql[statement]).fetchone()
        if row is None:
            raise LogForked(both("Thiếu dòng đầu nhật ký", "The log's head row is missing"))
        size, frontier = row
        if (
            not (isinstance(size, int) and size >= 0 and isinstance(frontier, bytes))
            or len(frontier) != _HASH * size.bit_count()
        ):
            raise LogForked(both("Dòng đầu nhật ký đã bị sửa", "The log's head row was changed"))
        return size, [frontier[at : at + _HASH] for at in range(0, len(frontier), _HASH)]

    # --- heads ---

    def size(self) -> int:
        """How many entries have a place."""
        with self._database.reading() as connection:
            return connection.scalar(select(log_head.c.size)) or 0

    def root(self, size: int) -> Hash:
        """The root of the log's first `size` entries, from the kept nodes."""
        with self._database.reading() as connection:
            return self._hash_spans(connection, [Span(0, size)])[0]

    def checkpoint(self) -> str:
        """The newest signed checkpoint. NotInLog if none was ever signed."""
        with self._database.reading() as connection:
            newest = connection.scalar(_newest_checkpoint("note"))
        if newest is None:
            raise NotInLog(both("Nhật ký chưa có mốc nào được ký", "No checkpoint of the log was signed yet"))
        return str(newest)

    def sign(self, at: datetime) -> str:
        """Sign a checkpoint if the log has grown since the last one; the newest note in any case.

        NoLogKey; LogForked if the kept nodes no longer give the last checkpoint's root, or the log has become shorter.
        """
        if self.key is None:
            raise NoLogKey(both("Không có khóa nhật ký nên không ký được mốc", "Without the log's key no checkpoint is signed"))
        with self._database.reading() as connection:  # a worker asks every few seconds: no lock when nothing is new
            size, _ = self._head(connection, "size")
            last = connection.execute(_newest_checkpoint("size", "note")).one_or_none()
            if last and last.size == size:
                return str(last.note)
        with self._database.writing() as connection:
            size, frontier = self._head(connection)
            last = connection.execute(_newest_checkpoint("size", "root", "note")).one_or_none()
            if last and last.size > size:
                raise LogForked(
                    both(f"Nhật ký ngắn lại: {last.size} còn {size}", f"The log became shorter: {last.size}, now {size}")
                )
            # The past must be what was signed. A signature over a changed past would be a proof against ourselves.
            spans = [Span(0, size), Span(0, last.size if last else 0)]
            now, then = self._hash_spans(connection, spans)
            if now != root_of(frontier) or (last and then != bytes(last.root)):
                raise LogForked(
                    both("Các nút nhật ký không còn khớp với mốc đã ký", "The log's nodes no longer give the signed checkpoint")
                )
            if last and last.size == size:
                return str(last.note)
            note = self.key.sign(Checkpoint(origin=self.key.verifier.name, size=size, root=now).text())
            row = {"size": size, "root": now, "at": at, "note": note}
            connection.execute(insert(log_checkpoint), row)
        return note

    # --- proofs ---

    def inclusion(self, index: int, size: int | None = None) -> list[Hash]:
        """The siblings from the leaf up, in the log of this size (now, if none is given). NotInLog."""
        with self._database.reading() as connection:
            size = self._within(connection, size)
            return self._hash_spans(connection, spans_of_inclusion(index, size))

    def consistency(self, old: int, new: int | None = None) -> list[Hash]:
        """That the log of size `new` continues the one of size `old`. NotInLog."""
        with self._database.reading() as connection:
            new = self._within(connection, new)
            return self._hash_spans(connection, spans_of_consistency(old, new))

    def proof(self, stream: str, seq: int) -> str:
        """A tlog-proof of one entry under the newest checkpoint. NotInLog if that one does not cover it yet."""
        with self._database.reading() as connection:
            entry = select(log_entry.c.place, log_entry.c.leaf).where(log_entry.c.stream == stream, log_entry.c.seq == seq)
            return self._proof(connection, connection.execute(entry).one_or_none(), f"{stream}#{seq}")

    def evidence(self, case: CaseId) -> tuple[StepEvidence, ...]:
        """Everything that proves the steps of a case to somebody else, in order. NotInLog if one is not covered yet."""
        with self._database.reading() as connection:
            query = (
                select(event, log_entry.c.place, log_entry.c.leaf)
                .outerjoin(log_entry, (log_entry.c.stream == case_stream(case)) & (log_entry.c.seq == event.c.seq))
                .where(event.c.case_id == case)
                .order_by(event.c.seq)
            )
            return tuple(self._step(connection, case, row) for row in connection.execute(query).all())

    def _step(self, connection: Connection, case: CaseId, row: Any) -> StepEvidence:
        bound = Row(
            stream=case_stream(case),
            seq=row.seq,
            at=instant_text(row.at),
            tag=row.tag,
            actor=row.actor,
            body=row.body.encode(),
            nonce=bytes(row.nonce),
        )
        proof = self._proof(connection, row if row.place is not None else None, f"{case}#{row.seq}")
        return StepEvidence(case=case, seq=row.seq, record=record(bound), nonce=bound.nonce, leaf=bytes(row.leaf), proof=proof)

    def _proof(self, connection: Connection, entry: Any, name: str) -> str:
        newest = connection.execute(_newest_checkpoint("size", "note")).one_or_none()
        if entry is None or newest is None or entry.place >= newest.size:
            raise NotInLog(both(f"{name} chưa có trong mốc nhật ký nào", f"{name} is under no checkpoint of the log yet"))
        hashes = self._hash_spans(connection, spans_of_inclusion(entry.place, newest.size))
        return write_proof(bytes(entry.leaf), entry.place, hashes, newest.note)

    def _within(self, connection: Connection, size: int | None) -> int:
        kept = self._head(connection, "size")[0]
        if size is not None and size > kept:
            raise NotInLog(both(f"Nhật ký mới có {kept} mục, không phải {size}", f"The log has {kept} entries, not {size}"))
        return kept if size is None else size

    # --- nodes ---

    def hashes(self, spans: Iterable[Span]) -> list[Hash]:
        """The hash of each span, from the kept nodes."""
        with self._database.reading() as connection:
            return self._hash_spans(connection, list(spans))

    def leaves(self, begin: int, end: int) -> list[bytes]:
        """The entries with the numbers begin, ..., end - 1. RowChanged if one is gone."""
        query = select(log_entry.c.leaf).where(log_entry.c.place >= begin, log_entry.c.place < end)
        with self._database.reading() as connection:
            found = [bytes(leaf) for leaf in connection.scalars(query.order_by(log_entry.c.place))]
        if len(found) != end - begin:
            raise RowChanged(both(f"Thiếu mục nhật ký giữa {begin} và {end}", f"An entry between {begin} and {end} is gone"))
        return found

    def _hash_spans(self, connection: Connection, spans: Sequence[Span]) -> list[Hash]:
        read = self._reader(connection, [node for span in spans for node in nodes_in(span)])
        return [hash_span(span, read) for span in spans]

    def _reader(self, connection: Connection, nodes: Iterable[Node]) -> Callable[[Node], Hash]:
        places = {node: position(node) for node in nodes}
        marks = ",".join(["?" if self._database.is_sqlite else "%s"] * len(places)) or "NULL"
        query = f"SELECT position, hash FROM log_node WHERE position IN ({marks})"  # noqa: S608 - placeholders only
        kept = dict(connection.connection.cursor().execute(query, list(places.values())).fetchall())
        for place in places.values():
            if len(kept.get(place) or b"") != _HASH:
                raise RowChanged(both(f"Nút nhật ký {place} bị mất hoặc bị sửa", f"The log's node {place} is gone or changed"))
        return lambda node: bytes(kept[places[node]])


def _newest_checkpoint(*columns: str) -> Any:
    return select(*(log_checkpoint.c[name] for name in columns)).order_by(log_checkpoint.c.size.desc()).limit(1)


# `?` is replaced by the driver's own mark.
_STATEMENTS: Final = {
    "head": "SELECT size, frontier FROM log_head WHERE id = 1",
    "size": "SELECT size, frontier FROM log_head WHERE id = 1",  # without the lock
    "pending": "SELECT id, stream, seq, leaf FROM log_pending ORDER BY id LIMIT ?",
    "placed": "DELETE FROM log_pending WHERE id = ?",
    "entry": "INSERT INTO log_entry (place, stream, seq, leaf) VALUES (?, ?, ?, ?)",
    "node": "INSERT INTO log_node (position, hash) VALUES (?, ?)",
    "grown": "UPDATE log_head SET size = ?, frontier = ? WHERE id = 1",
}
