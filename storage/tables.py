"""The tables. Truth: `event`, `directory_version`, `work_item` and the log. All others are made from the events again.

Times are text of 27 characters in UTC, so that both databases sort and compare them alike and an auditor can read them.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

from workflow.encoding import instant_from, instant_text

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata = MetaData(naming_convention=NAMING)

# SQLite numbers a row by itself only if the column is exactly INTEGER PRIMARY KEY.
BigId = BigInteger().with_variant(Integer(), "sqlite")


class Instant(TypeDecorator[datetime]):
    """A moment, kept as text in UTC with microseconds."""

    impl = String(27)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else instant_text(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002, D102
        return None if value is None else instant_from(value)


# --- truth -----------------------------------------------------------------------------------------------------------

# One row per event, never changed. `body` is the canonical JSON of the event; `nonce` keeps short bodies from being
# guessed out of the public log. Without rowid: on SQLite a hidden rowid would be a way round the guard.
event = Table(
    "event",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text),
    Column("tag", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("nonce", LargeBinary(16), nullable=False),
    sqlite_with_rowid=False,
)

directory_version = Table(
    "directory_version",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text),
    Column("body", LargeBinary, nullable=False),
    Column("nonce", LargeBinary(16), nullable=False),
    sqlite_with_rowid=False,
)

# `ready_at`: from when it may be claimed: its time, or the end of its lease. NULL: done, or waiting for a person.
work_item = Table(
    "work_item",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_key", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("task", Text),
    Column("state", String(8), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("ready_at", Instant),
    Column("attempt", Integer, nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("owner", Text),
    Column("error", Text),
    CheckConstraint("state IN ('waiting', 'running', 'done', 'stuck')", name="state"),
    UniqueConstraint("subject_key"),
)
Index(
    "ix_work_item_claim",
    work_item.c.priority.desc(),
    work_item.c.ready_at,
    work_item.c.id,
    sqlite_where=work_item.c.ready_at.is_not(None),
    postgresql_where=work_item.c.ready_at.is_not(None),
)

# --- the log ---------------------------------------------------------------------------------------------------------

# What a transaction adds to the log, until the one sequencer gives it its place.
log_pending = Table(
    "log_pending",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq"),
)

log_entry = Table(
    "log_entry",
    metadata,
    Column("place", BigId, primary_key=True, autoincrement=False),
    Column("stream", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    UniqueConstraint("stream", "seq"),
)

# Hashes of complete subtrees, in the order in which they come to be (`merkle.position`).
log_node = Table(
    "log_node",
    metadata,
    Column("position", BigId, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# One row: how long the log is, and the roots of its complete subtrees from left to right, so that adding reads one row.
log_head = Table(
    "log_head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)

log_checkpoint = Table(
    "log_checkpoint",
    metadata,
    Column("size", BigId, primary_key=True, autoincrement=False),
    Column("root", LargeBinary(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("note", Text, nullable=False),
)

# --- made from the events --------------------------------------------------------------------------------------------

case_state = Table(
    "case_state",
    metadata,
    Column("id", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("search_key", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("process", Text, nullable=False),
    Column("pins", Text, nullable=False),
    Column("data", String(64), nullable=False),
    Column("opened", Instant, nullable=False),
    Column("ended", Instant),
    Column("outcome", Text),
    Column("snapshot", LargeBinary),
    Column("snapshot_version", BigInteger, nullable=False),
    Index("ix_case_state_unit_opened", "unit", "opened"),
)

# `ordinal` is the order of opening within the case.
task = Table(
    "task",
    metadata,
    Column("case_id", Text, ForeignKey("case_state.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("ordinal", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("step", Text, nullable=False),
    Column("key", Text),
    Column("visit", Integer, nullable=False),
    Column("human", Boolean, nullable=False),
    Column("action", Text, nullable=False),
    Column("role", Text),
    Column("scope", Text, nullable=False),
    Column("document", Text),
    Column("opened", Instant, nullable=False),
    Column("due", Instant),
    Column("escalate_to", Text),
    Column("closed", Instant),
)
Index(
    "ix_task_inbox",
    task.c.unit,
    task.c.role,
    task.c.scope,
    task.c.due,
    sqlite_where=task.c.closed.is_(None) & task.c.human,
    postgresql_where=task.c.closed.is_(None) & task.c.human,
)

# A row stands here only while the task waits and the reminder or the due time is not answered: the table stays small.
task_reminder = Table(
    "task_reminder",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("task", Text, primary_key=True),
    Column("at", Instant, primary_key=True),
    Column("escalation", Boolean, primary_key=True),
    ForeignKeyConstraint(["case_id", "task"], ["task.case_id", "task.name"]),
    Index("ix_task_reminder_at", "at"),
)

document = Table(
    "document",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("case_state.id"), nullable=False),
    Column("ordinal", BigInteger, nullable=False),
    Column("unit", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("key", Text),
    Column("data", String(64), nullable=False),
    Column("revision", String(64), nullable=False),
    Column("superseded", Boolean, nullable=False),
    Index("ix_document_case_id_ordinal", "case_id", "ordinal"),
)

document_revision = Table(
    "document_revision",
    metadata,
    Column("document", Text, ForeignKey("document.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("digest", String(64), nullable=False),
    Index("ix_document_revision_digest", "digest"),
)

publication = Table(
    "publication",
    metadata,
    Column("code", Text, primary_key=True),
    Column("document", Text, ForeignKey("document.id"), nullable=False),
    Column("revision", String(64), nullable=False),
)

# Nobody ever changes a row of these; `guards.py` makes the databases refuse it.
APPEND_ONLY: Final = (event, directory_version, log_entry, log_node, log_checkpoint)

# In this order rows can be inserted; in the other, deleted.
MADE_FROM_EVENTS: Final = (case_state, task, task_reminder, document, document_revision, publication)
