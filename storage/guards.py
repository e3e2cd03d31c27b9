"""Triggers that refuse to change or delete what is kept for ever. They stop mistakes and casual hands.

The owner of the database can drop them: that is what the log is for, and `missing` tells that they are gone.
What was tried and got past simpler guards: on SQLite `INSERT OR REPLACE` (hence the insert trigger, over each unique key)
and Alembic's batch mode, which copies a table and drops its triggers; on PostgreSQL TRUNCATE, and
`session_replication_role = replica` (hence ENABLE ALWAYS).
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, Table, UniqueConstraint, text

from storage.tables import APPEND_ONLY

_FUNCTION: Final = """
CREATE OR REPLACE FUNCTION soky_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'append-only: % of % refused', TG_OP, TG_TABLE_NAME;
END $$
"""


def create(connection: Connection, tables: Iterable[Table] = APPEND_ONLY) -> None:
    """Guard these tables. Migrations call it, again after each batch operation. What is there already is made anew."""
    if connection.dialect.name == "sqlite":
        for name, statement in _sqlite_triggers(tables).items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")
            connection.exec_driver_sql(statement)
        return
    connection.execute(text(_FUNCTION))
    for table in tables:
        for name, statement in _postgresql_triggers(table).items():
            connection.execute(text(f"DROP TRIGGER IF EXISTS {name} ON {table.name}"))
            connection.execute(text(statement))
            connection.execute(text(f"ALTER TABLE {table.name} ENABLE ALWAYS TRIGGER {name}"))


def missing(connection: Connection) -> tuple[str, ...]:
    """The guards that are not there, are switched off or say something else, by name. Empty: all is well."""
    if connection.dialect.name == "sqlite":
        triggers = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
        there = {trigger.name: trigger.sql for trigger in triggers}
        wanted = _sqlite_triggers(APPEND_ONLY)
        return tuple(name for name, statement in wanted.items() if there.get(name) != statement)
    found = connection.execute(
        text(
            "SELECT t.tgname, t.tgenabled::text, pg_get_triggerdef(t.oid), p.prosrc FROM pg_trigger t"
            " JOIN pg_proc p ON p.oid = t.tgfoid WHERE NOT t.tgisinternal"
        )
    )
    body = _FUNCTION.split("$$")[1]
    alive = {name: definition for name, enabled, definition, source in found if enabled == "A" and source == body}
    return tuple(
        name
        for table in APPEND_ONLY
        for name, statement in _postgresql_triggers(table).items()
        if _same(alive.get(name, ""), statement) is False
    )


def _same(definition: str, statement: str) -> bool:
    """PostgreSQL prints the events in its own order and adds the schema's name."""
    words = sorted(definition.replace("public.", "").replace(" OR ", " ").split())
    return words == sorted(statement.replace(" OR ", " ").split())


def _sqlite_triggers(tables: Iterable[Table]) -> dict[str, str]:
    made = {}
    for table in tables:
        refusal = f"BEGIN SELECT RAISE(ABORT, 'append-only: {{}} of {table.name} refused'); END"
        made[f"soky_{table.name}_no_update"] = (
            f"CREATE TRIGGER soky_{table.name}_no_update BEFORE UPDATE ON {table.name} {refusal.format('UPDATE')}"
        )
        made[f"soky_{table.name}_no_delete"] = (
            f"CREATE TRIGGER soky_{table.name}_no_delete BEFORE DELETE ON {table.name} {refusal.format('DELETE')}"
        )
        same = " OR ".join(f"({clause})" for clause in _same_key(table))
        made[f"soky_{table.name}_no_replace"] = (
            f"CREATE TRIGGER soky_{table.name}_no_replace BEFORE INSERT ON {table.name}"  # noqa: S608 - our own names
            f" WHEN EXISTS (SELECT 1 FROM {table.name} WHERE {same}) {refusal.format('REPLACE')}"
        )
    return made


def _same_key(table: Table) -> list[str]:
    keys = [list(table.primary_key.columns)]
    keys += [list(rule.columns) for rule in table.constraints if isinstance(rule, UniqueConstraint)]
    return sorted(" AND ".join(f"{column.name} = NEW.{column.name}" for column in key) for key in keys)


def _postgresql_triggers(table: Table) -> dict[str, str]:
    rows, statements = f"soky_{table.name}_rows", f"soky_{table.name}_statements"
    return {
        rows: f"CREATE TRIGGER {rows} BEFORE UPDATE OR DELETE ON {table.name} FOR EACH ROW EXECUTE FUNCTION soky_append_only()",
        statements: f"CREATE TRIGGER {statements} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table.name}"
        " FOR EACH STATEMENT EXECUTE FUNCTION soky_append_only()",
    }
