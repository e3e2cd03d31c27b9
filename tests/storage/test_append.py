"""The one write: what it keeps, what it refuses, and that refusing leaves nothing behind."""

from sqlalchemy import func, select

from storage import KeptStore
from storage.tables import metadata
from workflow.store import Store


def counts(store: KeptStore) -> dict[str, int]:
    """How many rows each table has, and what version the cases are."""
    with store.database.reading() as connection:
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in metadata.sorted_tables}


def test_the_store_keeps_the_promises_of_the_workflow(store: KeptStore) -> None:
    """What storage gives is what the workflow asks for; mypy reads this line."""
    promised: Store = store

    assert promised.units() == ()
