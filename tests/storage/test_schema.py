"""The migrations make exactly the tables that the code uses, and nothing is opened that is not ours."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from storage import open_store
from storage.database import Database
from storage.errors import DatabaseUnavailable, UnknownSchema
from storage.schema import HEAD, MIGRATIONS, bring_up_to_date
from storage.tables import metadata
from tests.conftest import Cluster
from tests.storage.conftest import AT, SCHOOL, School


def described(database: Database) -> list[Any]:
    """Everything the database says of its tables, indexes and rules, except what Alembic keeps and the guards."""
    if database.is_sqlite:
        query = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL"
    else:
        query = """
            SELECT table_name || '.' || column_name, concat_ws(' ', data_type, character_maximum_length, is_nullable,
                   column_default, is_identity) FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
        """
    with database.reading() as connection:
        rows = [(name, " ".join(str(said).split())) for name, said in connection.execute(text(query))]
    return sorted(row for row in rows if "alembic_version" not in row[0])


@pytest.fixture
def fresh_url(request: pytest.FixtureRequest, database_url: str) -> str:
    """A database without any table."""
    if database_url.startswith("postgresql"):
        cluster: Cluster = request.getfixturevalue("cluster")
        name = database_url.split("/")[3].partition("?")[0]
        cluster.admin(f"DROP DATABASE {name}")
        cluster.admin(f"CREATE DATABASE {name}")
    return database_url


def test_migrations_make_the_tables_of_the_code(fresh_url: str) -> None:
    """Both ways of asking: Alembic finds no difference, and the database describes both the same."""
    migrated = Database.open(fresh_url)
    bring_up_to_date(migrated)
    with migrated.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    by_migration = described(migrated)
    with migrated.writing() as connection:
        connection.execute(text("DROP TABLE alembic_version"))
        metadata.drop_all(connection)
        metadata.create_all(connection)

    assert by_migration == described(migrated)
    assert len(by_migration) >= 20
    migrated.close()


def test_the_newest_migration_is_the_one_we_name() -> None:
    """Otherwise an office would start without its newest tables."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_many_start_at_once(fresh_url: str, tmp_path: Path) -> None:
    """Web process and workers on a new database: the schema is made once."""
    with ThreadPoolExecutor(6) as pool:
        stores = list(pool.map(lambda number: open_store(fresh_url, tmp_path / str(number)), range(6)))

    for store in stores:
        assert store.units() == ()
        store.close()


def test_a_stranger_s_database_is_refused(fresh_url: str, tmp_path: Path) -> None:
    """We do not put our tables beside somebody else's, and say what we found."""
    database = Database.open(fresh_url)
    with database.writing() as connection:
        connection.execute(text("CREATE TABLE wp_posts (id integer)"))
    database.close()

    with pytest.raises(UnknownSchema, match="wp_posts"):
        open_store(fresh_url, tmp_path / "x")


def test_a_newer_database_is_refused(database_url: str, tmp_path: Path) -> None:
    """An old program must not write into tables it does not know."""
    open_store(database_url, tmp_path / "x").close()
    database = Database.open(database_url)
    with database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()

    with pytest.raises(UnknownSchema, match="newer"):
        open_store(database_url, tmp_path / "x")


@pytest.mark.parametrize(
    "url",
    ["", "nonsense", "sqlite://", "sqlite:///", "mysql://localhost/x", "postgresql+asyncpg://localhost/x", "postgresql://"],
)
def test_an_address_that_makes_no_sense_is_refused(url: str, tmp_path: Path) -> None:
    """One message in both languages, never a stranger's error."""
    with pytest.raises(DatabaseUnavailable, match="/"):
        open_store(url, tmp_path / "x")


def test_a_server_that_is_not_there_is_one_error_of_ours(tmp_path: Path) -> None:
    """With the server's own words in it."""
    with pytest.raises(DatabaseUnavailable, match="socket"):
        open_store(f"postgresql+psycopg://postgres@/x?host={tmp_path}", tmp_path / "x")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """And is left as it was."""
    (tmp_path / "office.db").write_bytes(b"PK" + b"\0" * 4000)

    with pytest.raises(DatabaseUnavailable):
        open_store(f"sqlite:///{tmp_path / 'office.db'}", tmp_path / "x")
    assert (tmp_path / "office.db").read_bytes()[:2] == b"PK"


def test_sqlite_is_set_up_to_lose_nothing(sqlite_url: str, tmp_path: Path) -> None:
    """WAL, full synchronisation, foreign keys, and no way round the delete trigger."""
    store = open_store(sqlite_url, tmp_path / "x")
    with store.database.reading() as connection:
        asked = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "recursive_triggers")
        }
    store.close()

    assert asked == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}


def test_a_database_that_stays_busy_is_one_error_of_ours(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, school: School
) -> None:
    """Somebody holds the lock for too long: nothing is written, and afterwards all goes on."""
    monkeypatch.setattr("storage.database.BUSY_MILLISECONDS", 50)
    store = open_store(sqlite_url, tmp_path / "x")
    with closing(sqlite3.connect(tmp_path / "office.db", isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnavailable, match="locked"):
            school.begin(store)
        with pytest.raises(DatabaseUnavailable, match="locked"):
            store.claim("me", now=AT, lease_seconds=1)
        assert store.cases([SCHOOL]) == ()  # who only reads is not held up
    assert school.begin(store) == 2
    store.close()


@pytest.mark.postgres
def test_a_server_that_was_restarted_is_met_again(postgres: str, cluster: Cluster, tmp_path: Path, school: School) -> None:
    """Connections that the server has ended are replaced without an error."""
    store = open_store(postgres.replace("postgresql+psycopg:", "postgresql:"), tmp_path)
    school.begin(store)
    cluster.admin("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname LIKE 'soky\\_%'")

    assert store.case(school.case).version == 2
    store.close()
