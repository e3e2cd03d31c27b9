"""Bring a database to the tables that this version needs. The migrations make the schema; nothing else does."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from storage.database import Database
from storage.errors import UnknownSchema
from workflow.errors import both

MIGRATIONS: Final = Path(__file__).parent / "migrations"

# The newest revision. Named here so that an office that is up to date starts without loading Alembic (0.3 s).
HEAD: Final = "0001"

# Any number that nothing else in the database uses as an advisory lock: "soky" in ASCII.
_MIGRATION_LOCK: Final = 0x736F6B79


def bring_up_to_date(database: Database) -> None:
    """Run the migrations that are missing, in one transaction, one process at a time. UnknownSchema if it is not ours."""
    with database.reading() as connection:
        if _revision(connection) == HEAD:
            return
    with database.writing() as connection:
        if not database.is_sqlite:  # on SQLite the write lock already keeps the others out
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        if _revision(connection) != HEAD:
            _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    there = inspect(connection).get_table_names()
    if "alembic_version" not in there:
        if there:
            raise UnknownSchema(
                both(
                    f"Cơ sở dữ liệu đã có bảng của chương trình khác: {', '.join(sorted(there)[:5])}",
                    f"The database holds the tables of another program: {', '.join(sorted(there)[:5])}",
                )
            )
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise UnknownSchema(
            both(
                "Cơ sở dữ liệu thuộc một phiên bản Soky mới hơn",
                f"The database was made by a newer version of Soky: {error}",
            )
        ) from error
