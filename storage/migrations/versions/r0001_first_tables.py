"""The first tables."""

import sqlalchemy as sa
from alembic import op

from storage import guards
from storage.tables import APPEND_ONLY

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.String(27)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Truth, the log, and what is made from the events; the guards; the log's one row."""
    op.create_table(
        "case_state",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("pins", sa.Text(), nullable=False),
        sa.Column("data", sa.String(length=64), nullable=False),
        sa.Column("opened", INSTANT, nullable=False),
        sa.Column("ended", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("snapshot", sa.LargeBinary(), nullable=True),
        sa.Column("snapshot_version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_case_state"),
    )
    op.create_index("ix_case_state_unit_opened", "case_state", ["unit", "opened"], unique=False)
    op.create_table(
        "directory_version",
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("unit", "seq", name="pk_directory_version"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "event",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(length=16), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "seq", name="pk_event"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_checkpoint",
        sa.Column("size", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("size", name="pk_log_checkpoint"),
    )
    op.create_table(
        "log_entry",
        sa.Column("place", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_log_entry"),
        sa.UniqueConstraint("stream", "seq", name="uq_log_entry_stream_seq"),
    )
    op.create_table(
        "log_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_head_one_row")),
        sa.PrimaryKeyConstraint("id", name="pk_log_head"),
    )
    op.create_table(
        "log_node",
        sa.Column("position", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("position", name="pk_log_node"),
    )
    op.create_table(
        "log_pending",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_log_pending"),
        sa.UniqueConstraint("stream", "seq", name="uq_log_pending_stream_seq"),
    )
    op.create_table(
        "work_item",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_key", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("ready_at", INSTANT, nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'running', 'done', 'stuck')", name=op.f("ck_work_item_state")),
        sa.PrimaryKeyConstraint("id", name="pk_work_item"),
        sa.UniqueConstraint("subject_key", name="uq_work_item_subject_key"),
    )
    op.create_index(
        "ix_work_item_claim",
        "work_item",
        [sa.literal_column("priority DESC"), "ready_at", "id"],
        unique=False,
        sqlite_where=sa.text("ready_at IS NOT NULL"),
        postgresql_where=sa.text("ready_at IS NOT NULL"),
    )
    op.create_table(
        "document",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("data", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.Column("superseded", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case_state.id"], name="fk_document_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_document"),
    )
    op.create_index("ix_document_case_id_ordinal", "document", ["case_id", "ordinal"], unique=False)
    op.create_table(
        "task",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("visit", sa.Integer(), nullable=False),
        sa.Column("human", sa.Boolean(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("opened", INSTANT, nullable=False),
        sa.Column("due", INSTANT, nullable=True),
        sa.Column("escalate_to", sa.Text(), nullable=True),
        sa.Column("closed", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case_state.id"], name="fk_task_case_id"),
        sa.PrimaryKeyConstraint("case_id", "name", name="pk_task"),
    )
    op.create_index(
        "ix_task_inbox",
        "task",
        ["unit", "role", "scope", "due"],
        unique=False,
        sqlite_where=sa.text("closed IS NULL AND human = 1"),
        postgresql_where=sa.text("closed IS NULL AND human"),
    )
    op.create_table(
        "document_revision",
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["document.id"], name="fk_document_revision_document"),
        sa.PrimaryKeyConstraint("document", "seq", name="pk_document_revision"),
    )
    op.create_index("ix_document_revision_digest", "document_revision", ["digest"], unique=False)
    op.create_table(
        "publication",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["document"], ["document.id"], name="fk_publication_document"),
        sa.PrimaryKeyConstraint("code", name="pk_publication"),
    )
    op.create_table(
        "task_reminder",
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("escalation", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["case_id", "task"], ["task.case_id", "task.name"], name="fk_task_reminder_case_id_task"),
        sa.PrimaryKeyConstraint("case_id", "task", "at", "escalation", name="pk_task_reminder"),
    )
    op.create_index("ix_task_reminder_at", "task_reminder", ["at"], unique=False)
    head = sa.table("log_head", sa.column("id"), sa.column("size"), sa.column("frontier", sa.LargeBinary()))
    op.bulk_insert(head, [{"id": 1, "size": 0, "frontier": b""}])
    guards.create(op.get_bind(), APPEND_ONLY)


def downgrade() -> None:
    """There is no way back: events are kept for ever. Restore a copy instead."""
    raise NotImplementedError
