"""Nothing slows down as the archive grows: no question reads a whole table, in either database."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from directory.values import Role
from storage import KeptStore
from tests.storage.conftest import AT, SCHOOL, School
from workflow.events import CaseId, Digest, DocumentId
from workflow.store import Grant

Ask = Callable[[KeptStore], object]

ASKED: dict[str, Ask] = {
    "case": lambda store: store.case(CaseId("c1")),
    "cases": lambda store: store.cases([SCHOOL], limit=20, before=AT + timedelta(days=1)),
    "history": lambda store: store.history(CaseId("c1"), after=1),
    "tasks": lambda store: store.tasks(CaseId("c1")),
    "task": lambda store: store.task(CaseId("c1"), School().name("toan")),
    "inbox": lambda store: store.inbox(
        [
            Grant(unit=SCHOOL, role=role, scope=scope)
            for role in (Role.SUBJECT_TEACHER, Role.HOMEROOM_TEACHER)
            for scope in ("9A/toan", "9A/van", "")
        ]
    ),
    "documents": lambda store: store.documents(CaseId("c1")),
    "document": lambda store: store.document(DocumentId("c1/toan/1")),
    "holding": lambda store: store.holding(Digest("a" * 64)),
    "due": lambda store: store.due(AT),
    "claim": lambda store: store.claim("me", now=AT, lease_seconds=1),
    "directory": lambda store: store.directory(SCHOOL),
    "append": lambda store: store.append(CaseId("c1"), 3, [School().closes("toan")], actor=None, at=AT),
    "sequence": lambda store: store.log.sequence(),
    "sign": lambda store: store.log.sign(AT),
    "evidence": lambda store: store.log.evidence(CaseId("c2")),
}


@pytest.fixture
def archive(store: KeptStore, school: School) -> KeptStore:
    for number in range(1, 6):
        school.begin(store, "toan", "van", case=CaseId(f"c{number}"))
    school.add(store, 2, school.rendered("toan"))
    store.save_directory(SCHOOL, b"{}", actor=None, at=AT)
    store.log.sequence()
    store.log.sign(AT)
    return store


@pytest.mark.parametrize("name", ASKED)
def test_every_question_has_an_index(archive: KeptStore, name: str) -> None:
    """The database's own plan of each statement names no reading of a whole table."""
    statements: list[tuple[str, object]] = []
    event.listen(
        archive.database.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, parameters, _context, many: statements.append(
            (statement, parameters[0] if many else parameters)
        ),
    )
    ASKED[name](archive)
    asked = [one for one in statements if one[0].startswith(("SELECT", "UPDATE", "DELETE", "WITH"))]

    assert asked or name == "sequence"  # the sequencer speaks to the driver
    for statement, parameters in asked:
        assert _whole_tables(archive, statement, parameters) == [], statement


def _whole_tables(store: KeptStore, statement: str, parameters: object) -> list[str]:
    with store.database.engine.connect() as connection:
        if store.database.is_sqlite:
            plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]  # type: ignore[arg-type]
            # What is made on the way (a list of values) may be read whole; the claim reads its index in order, up to the limit.
            return [line for line in plan if line.startswith("SCAN") and not _is_small(line)]
        connection.execute(text("SET enable_seqscan = off"))  # five cases are quicker read whole: would it have an index?
        plan = [row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)]  # type: ignore[arg-type]
        return [line for line in plan if "Seq Scan on" in line and "log_head" not in line]


def _is_small(line: str) -> bool:
    made = ("CONSTANT", "picked", "(subquery", "log_head", "log_pending")
    return any(word in line for word in made) or "ix_work_item_claim" in line or line == "SCAN log_checkpoint"
