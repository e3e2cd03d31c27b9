"""Find whatever somebody changed behind our back: `soky log verify` and `soky check`.

    for finding in verify_log(store, [verifier], seen=[checkpoint kept by the auditor]): ...

Three witnesses are held against each other: the row (an event, a directory), its leaf in the log, and the nodes of the tree
over the leaves. Whoever changes one is named by the other two. Whoever changes all three consistently is found by a signed
checkpoint; whoever also holds the key, by a checkpoint that somebody outside has kept (`seen`).
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, String, and_, func, literal, or_, select, type_coerce

from storage import guards
from storage.errors import BadNote, StorageError
from storage.kept import KeptStore
from storage.leaves import DIRECTORY_TAG, Row, leaf
from storage.merkle import EMPTY_ROOT, Hash, hash_leaf, hash_pair, nodes_of, root_of
from storage.named_blobs import named_blobs
from storage.notes import Checkpoint, Verifier, claimed_checkpoint, open_note
from storage.replay import differences
from storage.tables import case_state, directory_version, event, log_checkpoint, log_entry, log_head, log_node, log_pending
from workflow.errors import both
from workflow.events import Digest
from workflow.store import NotKept

# So many rows are held at a time; the whole log may be larger than memory.
PAGE: Final = 2_000
_HASH: Final = sha256().digest_size
_LONGEST_ORIGIN: Final = 80  # characters that are shown of another log's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something is not as it was written. `code` stays the same for ever; `where` names the row or file."""

    code: str
    where: str

    @property
    def message(self) -> str:
        """The sentence in both languages."""
        vi, en = _MESSAGES[self.code]
        return both(f"{vi}: {self.where}", f"{en}: {self.where}")


_MESSAGES: Final = {
    "GUARD_MISSING": ("Thiếu trình bảo vệ chỉ-ghi-thêm", "An append-only guard is missing"),
    "ROW_CHANGED": ("Dòng đã bị sửa sau khi ghi", "A row was changed after it was written"),
    "ROW_DELETED": ("Dòng đã bị xóa", "A row was deleted"),
    "ROW_NOT_LOGGED": ("Dòng không có trong nhật ký", "A row is not in the log: it was put in from outside"),
    "ENTRY_CHANGED": ("Mục nhật ký đã bị sửa", "An entry of the log was changed"),
    "ENTRY_MISSING": ("Mục nhật ký bị mất", "An entry of the log is missing"),
    "NODE_CHANGED": ("Nút của cây băm đã bị sửa hoặc bị mất", "A node of the hash tree was changed or is missing"),
    "HEAD_CHANGED": ("Dòng đầu nhật ký đã bị sửa", "The log's head row was changed"),
    "CHECKPOINT_FORGED": ("Mốc nhật ký không do khóa của ta ký", "A checkpoint is not signed by our key"),
    "BAD_CHECKPOINT": ("Không phải mốc nhật kí", "This is no checkpoint"),
    "OTHER_LOG": ("Mốc này là của một nhật kí khác", "This checkpoint is of another log"),
    "CHECKPOINT_CHANGED": ("Dòng mốc nhật ký đã bị sửa", "The row of a checkpoint was changed"),
    "LOG_TRUNCATED": ("Nhật ký ngắn hơn mốc đã ký", "The log is shorter than a signed checkpoint says"),
    "LOG_REWRITTEN": ("Nhật ký không còn khớp với mốc đã ký", "The log is not the one that a signed checkpoint covers"),
    "CASE_INCOMPLETE": ("Số sự kiện của hồ sơ không khớp", "A case does not have as many events as it should"),
    "TABLE_DIFFERS": ("Bảng không khớp với các sự kiện", "A table does not say what the events say"),
    "BLOB_MISSING": ("Tệp bị mất", "A file is missing"),
    "BLOB_CHANGED": ("Tệp đã bị sửa", "A file was changed"),
}


def verify_log(
    store: KeptStore, verifiers: Sequence[Verifier], *, seen: Iterable[str] = (), blobs: bool = True
) -> Iterator[Finding]:
    """Check everything that is kept, in this order: guards, rows and log, checkpoints, tables, blobs. Nothing: all is well.

    `seen` are checkpoints that the auditor has from earlier or from elsewhere. `blobs=False` leaves out re-hashing each
    file, which takes as long as reading the archive. Nothing is changed.
    """
    with store.database.snapshot() as connection:
        yield from (Finding(code="GUARD_MISSING", where=name) for name in guards.missing(connection))
        notes = _notes(connection, seen)
        walk = _Walk(wanted={size for size in map(_claimed_size, notes) if size is not None})
        yield from _entries(connection, walk)
        yield from _head(connection, walk)
        yield from _unlogged(connection)
        yield from _incomplete(connection)
        yield from _checkpoints(notes, verifiers, walk)
        yield from (Finding(code="TABLE_DIFFERS", where=where) for where in differences(connection))
        if blobs:
            yield from _blobs(store, connection)


# --- rows, entries and nodes, side by side ---------------------------------------------------------------------------


@dataclass(slots=True)
class _Walk:
    """The tree as it is believed to have been, while it is built again from left to right."""

    wanted: set[int]
    size: int = 0
    frontier: list[Hash] = field(default_factory=list)
    roots: dict[int, Hash] = field(default_factory=lambda: {0: EMPTY_ROOT})

    def add(self, believed: Hash, kept: dict[int, Hash]) -> Iterator[Finding]:
        """Take one leaf's hash and compare the nodes above it that it completes."""
        first, size = nodes_of(self.size), self.size
        made = believed
        for level in range((size + 1 & -(size + 1)).bit_length()):
            if level:
                made = hash_pair(self.frontier.pop(), made)
            if level and kept.get(first + level) != made:
                yield Finding(code="NODE_CHANGED", where=str(first + level))
        self.frontier.append(made)
        self.size += 1
        if self.size in self.wanted:
            self.roots[self.size] = root_of(self.frontier)


def _entries(connection: Connection, walk: _Walk) -> Iterator[Finding]:
    end = _length(connection)
    for begin in range(0, end, PAGE):
        rows = {row.place: row for row in connection.execute(_page(begin))}
        nodes = _nodes(connection, nodes_of(begin), nodes_of(min(end, begin + PAGE)))
        for place in range(begin, min(end, begin + PAGE)):
            node = nodes.get(nodes_of(place))
            findings, believed = _compare(place, rows.get(place), node)
            yield from findings
            yield from walk.add(believed, nodes)
    strange = connection.scalars(select(log_entry.c.place).where(or_(log_entry.c.place >= end, log_entry.c.place < 0)))
    yield from (Finding(code="ENTRY_CHANGED", where=str(place)) for place in strange.all())
    nodes_end = nodes_of(end)
    strange = connection.scalars(
        select(log_node.c.position).where(or_(log_node.c.position >= nodes_end, log_node.c.position < 0))
    )
    yield from (Finding(code="NODE_CHANGED", where=str(place)) for place in strange.all())


def _length(connection: Connection) -> int:
    """How long the log is, as two of three say it: its entries, its nodes, its head. One huge number keeps nobody busy."""
    last, entries = connection.execute(select(func.max(log_entry.c.place), func.count(log_entry.c.place))).one()
    newest, nodes = connection.execute(select(func.max(log_node.c.position), func.count(log_node.c.position))).one()
    head = connection.scalar(select(log_head.c.size).where(log_head.c.id == 1))
    by_entries = 0 if last is None else last + 1
    by_nodes = 0 if newest is None else bisect_right(range(newest + 1), newest + 1, key=nodes_of) - 1
    said = sorted((by_entries, by_nodes, head if isinstance(head, int) else by_entries))
    return int(max(0, min(said[1], 2 * max(entries, nodes) + PAGE)))


def _page(begin: int) -> Any:
    """Entries with the row that each stands for."""
    # The joins start at the entry: the case is cut out of its stream's name, so that the row is found by its key.
    case = func.substr(log_entry.c.stream, len("case:") + 1)
    unit = func.substr(log_entry.c.stream, len("directory:") + 1)
    of_case = and_(log_entry.c.stream.like("case:%"), event.c.case_id == case, event.c.seq == log_entry.c.seq)
    of_unit = and_(
        log_entry.c.stream.like("directory:%"), directory_version.c.unit == unit, directory_version.c.seq == log_entry.c.seq
    )
    return (
        select(log_entry.c.place, log_entry.c.stream, log_entry.c.seq, log_entry.c.leaf, *_event_columns(), *_unit_columns())
        .select_from(log_entry.outerjoin(event, of_case).outerjoin(directory_version, of_unit))
        .where(log_entry.c.place >= begin, log_entry.c.place < begin + PAGE)
    )


def _event_columns() -> list[Any]:
    # Read as they stand: a changed time or text must give a finding and no error.
    at = type_coerce(event.c.at, String).label("event_at")
    columns = [at, event.c.case_id, event.c.actor.label("event_actor"), event.c.tag.label("event_tag")]
    return [*columns, event.c.body.label("event_body"), event.c.nonce.label("event_nonce")]


def _unit_columns() -> list[Any]:
    row = directory_version.c
    columns = [type_coerce(row.at, String).label("unit_at"), row.unit, row.actor.label("unit_actor")]
    return [*columns, row.body.label("unit_body"), row.nonce.label("unit_nonce")]


def _compare(place: int, row: Any, node: Hash | None) -> tuple[list[Finding], Hash]:
    """Which of row, entry and node is not what it was, and the leaf's hash as two of the three say it."""
    if row is None:
        # The node still says what was there; so the rest of the log can be judged.
        gone = Finding(code="ENTRY_MISSING", where=str(place))
        return [gone] + ([] if node else [Finding(code="NODE_CHANGED", where=str(nodes_of(place)))]), node or b"\0" * _HASH
    kept = hash_leaf(_bytes(row.leaf))
    is_there = row.case_id is not None or row.unit is not None
    made = hash_leaf(_expected(row, of_case=row.case_id is not None)) if is_there else None
    where = f"{row.stream}#{row.seq}"
    if made is None:
        found = [Finding(code="ROW_DELETED", where=where)]
    elif made in {kept, node}:
        found = []
    else:
        found = [Finding(code="ROW_CHANGED", where=where)]
    if kept == node:
        return found, kept
    if node is not None and (made == node or made != kept):
        return [*found, Finding(code="ENTRY_CHANGED", where=str(place))], node
    return [*found, Finding(code="NODE_CHANGED", where=str(nodes_of(place)))], kept


def _expected(row: Any, *, of_case: bool) -> bytes:
    """The leaf that follows from the row. A row that is nonsense gives one that nothing has."""
    if of_case:
        at, tag, actor, body, nonce = row.event_at, row.event_tag, row.event_actor, row.event_body, row.event_nonce
    else:
        at, tag, actor, body, nonce = row.unit_at, DIRECTORY_TAG, row.unit_actor, row.unit_body, row.unit_nonce
    try:
        return leaf(Row(stream=row.stream, seq=row.seq, at=at, tag=tag, actor=actor, body=_bytes(body), nonce=_bytes(nonce)))
    except (UnicodeError, TypeError, ValueError):
        return b""


def _bytes(value: Any) -> bytes:
    """Whatever stands in a column that should hold text or bytes; SQLite lets anything stand there."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return value if isinstance(value, bytes) else b""


def _nodes(connection: Connection, begin: int, end: int) -> dict[int, Hash]:
    query = select(log_node.c.position, log_node.c.hash).where(log_node.c.position >= begin, log_node.c.position < end)
    return {position: _bytes(found) for position, found in connection.execute(query)}


def _head(connection: Connection, walk: _Walk) -> Iterator[Finding]:
    head = connection.execute(select(log_head.c.size, log_head.c.frontier).where(log_head.c.id == 1)).one_or_none()
    if head is None or head.size != walk.size or _bytes(head.frontier) != b"".join(walk.frontier):
        yield Finding(code="HEAD_CHANGED", where=f"{walk.size} != {head.size if head else None}")


# --- rows that the log does not hold ---------------------------------------------------------------------------------


def _unlogged(connection: Connection) -> Iterator[Finding]:
    """Rows without a place are still pending, with the leaf that follows from them; and nothing else is pending."""
    pending = {(row.stream, row.seq): _bytes(row.leaf) for row in connection.execute(select(log_pending))}
    for stream, table, columns in (
        (literal("case:") + event.c.case_id, event, _event_columns()),
        (literal("directory:") + directory_version.c.unit, directory_version, _unit_columns()),
    ):
        placed = and_(log_entry.c.stream == stream, log_entry.c.seq == table.c.seq)
        query = select(stream.label("stream"), table.c.seq, *columns).select_from(table.outerjoin(log_entry, placed))
        for row in connection.execute(query.where(log_entry.c.place.is_(None))):
            waiting = pending.pop((row.stream, row.seq), None)
            if waiting is None:
                yield Finding(code="ROW_NOT_LOGGED", where=f"{row.stream}#{row.seq}")
            elif waiting != _expected(row, of_case=table is event):
                yield Finding(code="ROW_CHANGED", where=f"{row.stream}#{row.seq}")
    for stream_name, seq in pending:
        yield Finding(code="ROW_DELETED", where=f"{stream_name}#{seq}")


def _incomplete(connection: Connection) -> Iterator[Finding]:
    """A case knows how many events it has, even if the last ones vanished before they had a place."""
    counted = select(event.c.case_id, func.count().label("events")).group_by(event.c.case_id).subquery()
    query = (
        select(case_state.c.id, case_state.c.version, counted.c.events)
        .outerjoin(counted, counted.c.case_id == case_state.c.id)
        .where(func.coalesce(counted.c.events, 0) != case_state.c.version)
        .order_by(case_state.c.id)
    )
    for row in connection.execute(query):
        yield Finding(code="CASE_INCOMPLETE", where=f"{row.id}: {row.events or 0} != {row.version}")


# --- checkpoints -----------------------------------------------------------------------------------------------------


def _notes(connection: Connection, seen: Iterable[str]) -> list[tuple[int | None, bytes | None, str]]:
    """Each note with the columns beside it; the auditor's own have none."""
    rows = connection.execute(select(log_checkpoint.c.size, log_checkpoint.c.root, log_checkpoint.c.note))
    return [(size, _bytes(root), str(note)) for size, root, note in rows] + [(None, None, note) for note in seen]


def _claimed_size(note: tuple[int | None, bytes | None, str]) -> int | None:
    """Before any signature is checked: only to know at which sizes to remember the root."""
    second = note[2].split("\n")[1:2]
    return int(second[0]) if second and second[0].isascii() and second[0].isdigit() and len(second[0]) < 20 else None  # noqa: PLR2004 - 2**63


def _checkpoints(
    notes: list[tuple[int | None, bytes | None, str]],
    verifiers: Sequence[Verifier],
    walk: _Walk,
) -> Iterator[Finding]:
    names = {verifier.name for verifier in verifiers}
    number = 0
    for size, root, note in notes:
        number += size is None
        where = f"--seen {number}" if size is None else str(size)
        if size is None and (strange := _strange(note, names, where)) is not None:
            yield strange
            continue
        try:
            checkpoint = Checkpoint.parse(open_note(note, verifiers))
        except BadNote:
            yield Finding(code="CHECKPOINT_FORGED", where=where)
            continue
        if checkpoint.origin not in names:
            yield Finding(code="CHECKPOINT_FORGED", where=where)
        elif size is not None and (checkpoint.size, checkpoint.root) != (size, root):
            yield Finding(code="CHECKPOINT_CHANGED", where=where)
        elif checkpoint.size > walk.size:
            yield Finding(code="LOG_TRUNCATED", where=f"{walk.size} < {checkpoint.size}")
        elif walk.roots.get(checkpoint.size) != checkpoint.root:
            yield Finding(code="LOG_REWRITTEN", where=str(checkpoint.size))


def _strange(note: str, names: AbstractSet[str], where: str) -> Finding | None:
    """Why what the auditor brings says nothing about this log; None where it claims to be of it."""
    try:
        origin = claimed_checkpoint(note).origin
    except BadNote:
        return Finding(code="BAD_CHECKPOINT", where=where)
    if names and origin not in names:
        return Finding(code="OTHER_LOG", where=f"{where}, «{origin:.{_LONGEST_ORIGIN}}» ≠ «{', '.join(sorted(names))}»")
    return None


# --- blobs -----------------------------------------------------------------------------------------------------------


def _blobs(store: KeptStore, connection: Connection) -> Iterator[Finding]:
    for digest in sorted(named_blobs(connection)):
        yield from _blob(store, digest)


def _blob(store: KeptStore, digest: Digest) -> Iterator[Finding]:
    try:
        store.get(digest)
    except NotKept:
        yield Finding(code="BLOB_MISSING", where=digest)
    except (StorageError, OSError):
        yield Finding(code="BLOB_CHANGED", where=digest)
