"""One way to reach SQLite and PostgreSQL: a transaction that reads, and a transaction that writes.

database = Database.open("sqlite:////var/lib/soky/office.db")
with database.writing() as connection: ...   # commits at the end, or nothing happened
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from storage.errors import DatabaseUnavailable
from workflow.errors import both

# How long a writer waits for another on SQLite. Each holds the lock for milliseconds; the number is for a machine whose
# disk is busy with something else, and is still shorter than a browser's patience.
BUSY_MILLISECONDS: Final = 20_000

# Web threads and a few workers. PostgreSQL allows 100 connections by default, shared by all our processes.
POOL_SIZE: Final = 5
POOL_OVERFLOW: Final = 15


@dataclass(frozen=True, slots=True)
class Database:
    """An engine and what differs between the two databases."""

    engine: Engine

    @staticmethod
    def open(url: str) -> "Database":
        """Connect lazily. DatabaseUnavailable if the address makes no sense or is for another kind of database."""
        try:
            address = make_url(url)
        except ArgumentError:
            raise DatabaseUnavailable(both("Địa chỉ cơ sở dữ liệu không hợp lệ", "The database URL is not valid")) from None
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        if address.drivername not in {"sqlite", "postgresql+psycopg"} or not address.database:
            raise DatabaseUnavailable(
                both(
                    f"Chỉ dùng được sqlite:///tệp hoặc postgresql+psycopg://…/tên, không phải {address.drivername}",
                    f"Only sqlite:///file or postgresql+psycopg://…/name can be used, not {address.drivername}",
                )
            )
        # Asked before each use: a server that was restarted costs a new connection and no error.
        ping = address.drivername != "sqlite"
        engine = create_engine(address, pool_size=POOL_SIZE, max_overflow=POOL_OVERFLOW, pool_timeout=60, pool_pre_ping=ping)
        if engine.dialect.name == "sqlite":
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
            event.listen(engine, "connect", _prepare_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return Database(engine)

    @property
    def is_sqlite(self) -> bool:
        """SQLite has one writer at a time for the whole file; PostgreSQL locks rows."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """All reads inside see the database at one moment (on PostgreSQL each statement does)."""
        with translated(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """For audits: everything is seen at one moment, and text that is not UTF-8 does not stop the reading."""
        level = None if self.is_sqlite else "REPEATABLE READ"
        options = {"isolation_level": level} if level else {}
        with translated(), self.engine.connect().execution_options(**options) as connection:
            driver: Any = connection.connection.driver_connection
            if self.is_sqlite:
                driver.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
            try:
                yield connection
            finally:
                if self.is_sqlite:
                    driver.text_factory = str

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Everything inside becomes durable together when the block ends, or nothing does."""
        with translated(), self.engine.connect().execution_options(soky_writes=True) as connection, connection.begin():
            yield connection

    def insert_or_leave(self, table: Table) -> Any:
        """An insert that leaves a row alone that is already there. Ask with RETURNING: a row count is not told."""
        dialect: Any = sqlite if self.is_sqlite else postgresql
        return dialect.insert(table).on_conflict_do_nothing()

    def close(self) -> None:
        """Let all connections go."""
        self.engine.dispose()


@contextmanager
def translated() -> Iterator[None]:
    """A database that is locked, gone or full is one error of ours. Mistakes in our own SQL stay what they are."""
    try:
        yield
    except DatabaseError as error:
        # Broken files give the bare class; its other children are mistakes of ours or refusals that callers know.
        if isinstance(error, OperationalError) or (type(error) is DatabaseError and type(error.orig) is sqlite3.DatabaseError):
            raise _unavailable(error) from error
        raise
    except (InterfaceError, PoolTimeoutError, sqlite3.OperationalError, psycopg.OperationalError) as error:
        raise _unavailable(error) from error


def _unavailable(error: Exception) -> DatabaseUnavailable:
    cause = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    return DatabaseUnavailable(both(f"Cơ sở dữ liệu không trả lời: {cause:.200}", f"The database did not answer: {cause:.200}"))


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would open transactions by itself, and too late to be IMMEDIATE: we say BEGIN ourselves.
    connection.isolation_level = None
    cursor = connection.cursor()
    # Waiting comes first: setting WAL on a new file already needs the lock.
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL: a commit is on the disk when it returns. NORMAL would lose the last signatures with the power.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    # Without it INSERT OR REPLACE deletes a row without asking the delete trigger.
    cursor.execute("PRAGMA recursive_triggers=ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE takes the write lock at once. A transaction that first reads and then wants to write could be refused
    # at any statement, and without waiting.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("soky_writes") else "BEGIN")
