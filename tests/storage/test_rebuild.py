"""Events are the truth: every table can be thrown away and comes back the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from directory.values import Role
from storage import KeptStore, rebuild, verify_log
from storage.errors import BadHistory, StorageError
from storage.replay import differences
from storage.tables import MADE_FROM_EVENTS
from tests.storage.conftest import AN, AT, SUBJECTS, School
from workflow.events import (
    CaseEnded,
    CaseId,
    DataCorrected,
    DocumentId,
    DocumentSuperseded,
    Escalated,
    Event,
    Published,
    Reminded,
)


def tables(store: KeptStore) -> dict[str, list[Any]]:
    """All rows, but for the engine's snapshot, which is a cache."""
    with store.database.reading() as connection:
        found = {
            table.name: connection.execute(table.select().order_by(*table.primary_key.columns)).all()
            for table in MADE_FROM_EVENTS
        }
    states = [row._asdict() | {"snapshot": None, "snapshot_version": 0} for row in found["case_state"]]
    return {**{name: list(rows) for name, rows in found.items()}, "case_state": states}


def whole_story(store: KeptStore, school: School) -> None:
    """Every kind of event that touches a table."""
    school.begin(store, "toan", "van", "anh")
    school.begin(store, case=CaseId("other"))
    document = DocumentId("c1/toan/1")
    steps: list[tuple[Event, ...]] = [
        (school.rendered("toan", "a"), school.rendered("van", "x")),
        (school.completed("toan"), school.signed("toan", "a", "b"), school.closes("toan")),
        (Reminded(task=school.name("van"), due=AT + timedelta(days=1)),),
        (Escalated(task=school.name("anh"), to=Role.PRINCIPAL),),
        (DataCorrected(key="van", before=school.digest("data"), after=school.digest("new"), reason="r"),),
        (DocumentSuperseded(document=DocumentId("c1/van/1"), reason="r"),),
        (Published(document=document, revision=school.digest("b"), code="CODE"), CaseEnded(outcome="published")),
    ]
    version = 2
    for events in steps:
        version = store.append(school.case, version, events, actor=AN, at=AT + timedelta(hours=version), snapshot=b"cache")


def test_tables_come_back_the_same(store: KeptStore, school: School) -> None:
    """Every row of every table, in both databases."""
    whole_story(store, school)
    before = tables(store)

    assert all(before.values())
    assert rebuild(store.database) == 2
    assert tables(store) == before
    assert store.case(school.case).snapshot is None
    assert list(verify_log(store, [], blobs=False)) == []


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE task SET closed = NULL WHERE closed IS NOT NULL", "task: c1, subject_teacher_signs.toan#1"),
        (
            "DELETE FROM task_reminder WHERE task LIKE '%.van#1' AND escalation",
            "task_reminder: c1, subject_teacher_signs.van#1",
        ),
        ("UPDATE document SET revision = data WHERE key = 'toan'", "document: c1/toan/1"),
        ("DELETE FROM document_revision WHERE seq = 6", "document_revision: c1/toan/1"),
        ("INSERT INTO publication VALUES ('FREE', 'c1/van/1', 'x')", "publication: FREE"),
        ("UPDATE case_state SET unit = 'other-school' WHERE id = 'c1'", "case_state: c1"),
    ],
)
def test_a_table_changed_by_hand_is_named_and_repaired(
    store: KeptStore, school: School, damage: str, named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who changes a table and not the events is found, and the rebuild puts it right."""
    monkeypatch.setattr("storage.replay.PAGE", 1)
    whole_story(store, school)
    before = tables(store)
    with store.database.engine.begin() as connection:
        connection.execute(text(damage))

    with store.database.snapshot() as connection:
        told = list(differences(connection))
    assert any(line.startswith(named) for line in told)
    rebuild(store.database)
    assert tables(store) == before
    with store.database.snapshot() as connection:
        assert list(differences(connection)) == []


def test_a_damaged_history_is_not_replayed(store: KeptStore, school: School) -> None:
    """The tables stay as they were; the error says which case."""
    whole_story(store, school)
    before = tables(store)
    drop = "DROP TRIGGER soky_event_no_delete" if store.database.is_sqlite else "ALTER TABLE event DISABLE TRIGGER USER"
    with store.database.engine.begin() as connection:
        connection.execute(text(drop))
        connection.execute(text("DELETE FROM event WHERE seq = 4 AND case_id = 'c1'"))

    with pytest.raises(BadHistory, match="c1"):
        rebuild(store.database)
    assert tables(store) == before


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_history_rebuilds(store: KeptStore, school: School, data: st.DataObject) -> None:
    """Whatever order people work in, the tables follow from the events alone."""
    case = CaseId(f"case-{store.log.size()}-{len(store.cases([school.opened().unit], limit=10_000))}")
    opened = [replace(school.task(key), document=None) for key in SUBJECTS[: data.draw(st.integers(0, 4))]]
    changed = replace(school.opens(), opened=tuple(opened))
    version = store.append(case, 0, [school.opened(), changed], actor=None, at=AT)
    for step in range(data.draw(st.integers(0, 6))):
        key = data.draw(st.sampled_from(SUBJECTS[:4]))
        reminded = Reminded(task=school.name(key), due=AT + timedelta(days=1))
        choices: list[Event] = [school.completed(key), school.closes(key), reminded]
        event = data.draw(st.sampled_from(choices))
        try:
            version = store.append(case, version, [event], actor=AN, at=AT + timedelta(hours=step))
        except StorageError:
            continue
    before = tables(store)
    rebuild(store.database)

    assert tables(store) == before
