"""Rows that are kept for ever cannot be changed by mistake, in either database."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from storage import KeptStore, guards, open_store
from storage.tables import APPEND_ONLY, event, metadata
from tests.storage.conftest import AN, AT, SCHOOL, School


@pytest.fixture
def full(store: KeptStore, school: School) -> KeptStore:
    """A row in each append-only table."""
    school.begin(store, "toan")
    store.save_directory(SCHOOL, b"{}", actor=AN, at=AT)
    store.log.sequence()
    store.log.sign(AT)
    return store


def run(store: KeptStore, statement: str) -> None:
    with store.database.engine.begin() as connection:
        connection.execute(text(statement))


def content(store: KeptStore) -> list[object]:
    with store.database.reading() as connection:
        return [connection.execute(table.select()).all() for table in APPEND_ONLY]


@pytest.mark.parametrize("table", [table.name for table in APPEND_ONLY])
def test_no_row_can_be_changed_or_deleted(full: KeptStore, table: str) -> None:
    """UPDATE and DELETE are refused with a message that says why."""
    before = content(full)
    column = list(metadata.tables[table].c)[-1].name

    assert len(before[[one.name for one in APPEND_ONLY].index(table)]) > 0  # type: ignore[arg-type]
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"):  # noqa: S608
        with pytest.raises(DatabaseError, match="append-only"):
            run(full, statement)
    assert content(full) == before


@pytest.mark.parametrize("table", [table.name for table in APPEND_ONLY])
def test_the_ways_round_are_closed(full: KeptStore, table: str) -> None:
    """SQLite: INSERT OR REPLACE, also with another key or from a connection without our settings.

    PostgreSQL: TRUNCATE, an upsert, and a superuser who calls himself a replica.
    """
    before = content(full)
    if full.database.is_sqlite:
        stranger = sqlite3.connect(str(full.database.engine.url.database), isolation_level=None)
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            stranger.execute(f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}")  # noqa: S608
        if table == "log_entry":
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                stranger.execute("INSERT OR REPLACE INTO log_entry SELECT place + 100, stream, seq, x'00' FROM log_entry")
        with pytest.raises(sqlite3.OperationalError, match="rowid"):
            stranger.execute("SELECT rowid FROM event")  # a hidden rowid would be another way to replace a row
        stranger.close()
    else:
        key = ", ".join(column.name for column in metadata.tables[table].primary_key.columns)
        last = list(metadata.tables[table].c)[-1].name
        for statement in (
            f"TRUNCATE {table} CASCADE",
            f"INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({key}) DO UPDATE SET {last} = EXCLUDED.{last}",  # noqa: S608
            f"SET session_replication_role = replica; UPDATE {table} SET {last} = {last}",  # noqa: S608
            f"SET session_replication_role = replica; DELETE FROM {table}",  # noqa: S608
        ):
            with pytest.raises(DatabaseError, match="append-only"):
                run(full, statement)
    assert content(full) == before


def test_a_missing_guard_is_named(full: KeptStore) -> None:
    """Dropped, switched off or weakened: `soky check` says which; making them again puts all right."""
    with full.database.reading() as connection:
        assert guards.missing(connection) == ()
    if full.database.is_sqlite:
        run(full, "DROP TRIGGER soky_event_no_delete")
        run(full, "DROP TRIGGER soky_log_node_no_update")
        run(full, "CREATE TRIGGER soky_log_node_no_update BEFORE UPDATE ON log_node WHEN 0 BEGIN SELECT 1; END")
        expected: tuple[str, ...] = ("soky_event_no_delete", "soky_log_node_no_update")
    else:
        run(full, "DROP TRIGGER soky_event_rows ON event")
        run(full, "ALTER TABLE log_entry ENABLE TRIGGER soky_log_entry_rows")  # no longer ALWAYS
        run(full, "ALTER TABLE log_node DISABLE TRIGGER soky_log_node_statements")
        expected = ("soky_event_rows", "soky_log_entry_rows", "soky_log_node_statements")

    with full.database.writing() as connection:
        assert guards.missing(connection) == expected
        guards.create(connection)
        assert guards.missing(connection) == ()


@pytest.mark.postgres
def test_a_hollow_guard_function_is_found(postgres: str, tmp_path: Path) -> None:
    """Triggers that are all there but whose function does nothing are no guards."""
    store = open_store(postgres, tmp_path)
    run(store, "CREATE OR REPLACE FUNCTION soky_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$")
    with store.database.reading() as connection:
        hollow = guards.missing(connection)
    store.close()

    assert len(hollow) == 2 * len(APPEND_ONLY)


def test_a_batch_migration_drops_guards_and_is_noticed(full: KeptStore) -> None:
    """Alembic's batch mode copies a table: on SQLite its triggers are gone, and `create` must be called again."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy import Column, Text

    with full.database.writing() as connection:
        with Operations(MigrationContext.configure(connection)).batch_alter_table(event.name, recreate="auto") as batch:
            batch.alter_column("actor", type_=Text(), existing_type=Text(), nullable=True)
            batch.add_column(Column("remark", Text()))
        gone = guards.missing(connection)
        guards.create(connection)

        assert gone == () if not full.database.is_sqlite else len(gone) == 3
        assert guards.missing(connection) == ()
