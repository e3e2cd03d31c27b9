"""The one write: what it keeps, what it refuses, and that refusing leaves nothing behind."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from directory.values import PersonId, Role, UnitId
from storage import KeptStore
from storage.errors import BadHistory
from storage.tables import metadata
from tests.storage.conftest import AN, AT, SCHOOL, School
from workflow.encoding import BadEvent
from workflow.events import (
    CaseEnded,
    CaseId,
    DataCorrected,
    DocumentExtended,
    DocumentId,
    DocumentSuperseded,
    Escalated,
    Event,
    Published,
    Reminded,
    TaskName,
    TasksChanged,
)
from workflow.store import Conflict, Grant, NewWork, NotKept, Recorded, StaleFence, Store, WorkItem


def counts(store: KeptStore) -> dict[str, int]:
    """How many rows each table has."""
    with store.database.reading() as connection:
        return {table.name: connection.scalar(select(func.count()).select_from(table)) or 0 for table in metadata.sorted_tables}


def work(key: str, *, at: datetime = AT, priority: int = 0) -> NewWork:
    return NewWork(kind="render_sheets", subject_key=key, case=CaseId("c1"), task=TaskName("t#1"), run_at=at, priority=priority)


def test_the_store_keeps_the_promises_of_the_workflow(store: KeptStore) -> None:
    """What storage gives is what the workflow asks for: the type checker reads this line."""
    promised: Store = store

    assert promised.units() == ()


def test_a_case_is_kept_as_it_was_told(store: KeptStore, school: School) -> None:
    """What was written comes back, with its place, its time and its author."""
    version = store.append(school.case, 0, [school.opened(), school.opens("toan")], actor=AN, at=AT, snapshot=b"state")
    kept = store.case(school.case)

    assert version == kept.version == kept.snapshot_version == 2
    assert (kept.unit, kept.kind, kept.scope, kept.title) == (SCHOOL, "class_book", "9A", "Sổ theo dõi, lớp 9A")
    assert kept.pins == {"process": school.digest("process")}
    assert (kept.opened, kept.ended, kept.snapshot) == (AT, None, b"state")
    assert store.history(school.case) == (
        Recorded(case=school.case, seq=1, at=AT, actor=AN, event=school.opened(), leaf=None),
        Recorded(case=school.case, seq=2, at=AT, actor=AN, event=school.opens("toan"), leaf=None),
    )
    assert [recorded.seq for recorded in store.history(school.case, after=1)] == [2]


def test_a_snapshot_stays_until_there_is_a_newer_one(store: KeptStore, school: School) -> None:
    """The engine's state says how many events it covers."""
    store.append(school.case, 0, [school.opened()], actor=None, at=AT, snapshot=b"one")
    school.add(store, 1, school.opens("toan"))

    kept = store.case(school.case)
    assert (kept.snapshot, kept.snapshot_version, kept.version) == (b"one", 1, 2)


def test_a_task_waits_and_is_done(store: KeptStore, school: School) -> None:
    """It stands in the inbox of those who may do it, until it is closed; and in the case for ever."""
    school.begin(store, "toan", "van")
    mine = Grant(unit=SCHOOL, role=Role.SUBJECT_TEACHER, scope="9A/toan")

    (waiting,) = store.inbox([mine])
    assert waiting == store.task(school.case, school.name("toan"))
    assert (waiting.case_title, waiting.key, waiting.due) == ("Sổ theo dõi, lớp 9A", "toan", AT + timedelta(days=3))
    school.add(store, 2, school.completed("toan"), school.closes("toan"))
    assert store.inbox([mine]) == ()
    assert [task.key for task in store.tasks(school.case)] == ["van"]
    assert [task.key for task in store.tasks(school.case, open_only=False)] == ["toan", "van"]
    assert store.task(school.case, school.name("toan")).closed == AT + timedelta(minutes=2)


@pytest.mark.parametrize(
    "grant",
    [
        Grant(unit=UnitId("other"), role=Role.SUBJECT_TEACHER, scope="9A/toan"),
        Grant(unit=SCHOOL, role=Role.PRINCIPAL, scope="9A/toan"),
        Grant(unit=SCHOOL, role=Role.SUBJECT_TEACHER, scope=""),
        Grant(unit=SCHOOL, role=Role.SUBJECT_TEACHER, scope="9A"),
        Grant(unit=SCHOOL, role=Role.SUBJECT_TEACHER, scope="9A/%"),
    ],
)
def test_the_inbox_shows_nothing_to_others(store: KeptStore, school: School, grant: Grant) -> None:
    """Unit, role and scope must all be the same."""
    school.begin(store, "toan")

    assert store.inbox([grant]) == ()
    assert store.inbox([]) == ()


def test_the_inbox_begins_with_what_is_due_first(store: KeptStore, school: School) -> None:
    """Steps without a due time come last; the system's own steps never."""
    soon = replace(school.task("van"), due=AT + timedelta(hours=1))
    never = replace(school.task("anh"), due=None)
    systems = replace(school.task("ly"), human=False)
    opened = TasksChanged(opened=(never, school.task("toan"), systems, soon), closed=())
    store.append(school.case, 0, [school.opened(), opened], actor=None, at=AT)
    grants = [Grant(unit=SCHOOL, role=Role.SUBJECT_TEACHER, scope=f"9A/{key}") for key in ("toan", "van", "anh", "ly")]

    assert [task.key for task in store.inbox(grants * 2)] == ["van", "toan", "anh"]
    assert [task.key for task in store.inbox(grants, limit=1)] == ["van"]


def test_a_document_grows_by_revisions(store: KeptStore, school: School) -> None:
    """From the first rendering on, each signature and extension adds one; all can be found by their digest."""
    school.begin(store, "toan")
    extended = DocumentExtended(
        document=DocumentId("c1/toan/1"), before=school.digest("b"), after=school.digest("c"), level="B-LT"
    )
    school.add(store, 2, school.rendered("toan", "a"), school.signed("toan", "a", "b"), extended, school.rendered("van", "x"))
    toan, van = store.documents(school.case)

    assert toan.revisions == tuple(map(school.digest, "abc"))
    assert (toan.revision, toan.superseded, van.revisions) == (school.digest("c"), False, (school.digest("x"),))
    assert store.document(toan.id) == toan
    assert store.holding(school.digest("b")) == (toan,)
    assert store.holding(school.digest("nothing")) == ()
    school.add(store, 6, DocumentSuperseded(document=toan.id, reason="sai điểm"))
    assert store.document(toan.id).superseded


def test_published_is_found_by_its_code_only(store: KeptStore, school: School) -> None:
    """A code stands for one revision of one document."""
    school.begin(store)
    published = Published(document=DocumentId("c1/toan/1"), revision=school.digest("a"), code="ABCDEFGHJKLMNPQRSTUVWXYZ23")
    school.add(store, 2, school.rendered("toan", "a"), published)

    assert store.published(published.code) == (store.document(published.document), school.digest("a"))
    for wrong in ("", "abcdefghjklmnpqrstuvwxyz23", "ABC%"):
        with pytest.raises(NotKept):
            store.published(wrong)


def test_corrected_data_are_the_case_s_data(store: KeptStore, school: School) -> None:
    """After a correction the case points to the new class book; one that starts from other data is refused."""
    school.begin(store)
    corrected = DataCorrected(key="toan", before=school.digest("data"), after=school.digest("new"), reason="nhầm cột")
    school.add(store, 2, corrected)

    assert store.case(school.case).data == school.digest("new")
    with pytest.raises(BadHistory):
        school.add(store, 3, corrected)


def test_reminders_come_once(store: KeptStore, school: School) -> None:
    """Two reminders and the due time; each is answered by its event, all are gone when the step is done."""
    school.begin(store, "toan", "van")
    everything = [(AT + timedelta(days=1), False), (AT + timedelta(days=2), False), (AT + timedelta(days=3), True)]

    assert store.due(AT + timedelta(hours=23)) == ()
    due = store.due(AT + timedelta(days=3))
    assert [(one.at, one.escalation) for one in due if one.task == school.name("toan")] == everything
    school.add(store, 2, Reminded(task=school.name("toan"), due=AT + timedelta(days=1)))
    school.add(store, 3, Escalated(task=school.name("toan"), to=Role.VICE_PRINCIPAL))
    due = store.due(AT + timedelta(days=3))
    assert [(one.at, one.escalation) for one in due if one.task == school.name("toan")] == everything[1:2]
    school.add(store, 4, school.closes("toan"), school.closes("van"))
    assert store.due(AT + timedelta(days=300)) == ()


def test_cases_are_listed_newest_first_and_found_without_diacritics(store: KeptStore, school: School) -> None:
    """Only those of the units that are asked for."""
    titles = ["Sổ lớp 9A", "Sổ lớp 9B Đặng Đình Đức", "Sổ lớp 9C 100%"]
    for day, title in enumerate(titles):
        store.append(CaseId(f"c{day}"), 0, [school.opened(title)], actor=None, at=AT + timedelta(days=day))
    store.append(CaseId("other"), 0, [school.opened("Sổ lớp 9A", UnitId("other"))], actor=None, at=AT)

    assert [case.title for case in store.cases([SCHOOL])] == titles[::-1]
    assert [case.title for case in store.cases([SCHOOL], limit=1)] == titles[2:]
    assert [case.title for case in store.cases([SCHOOL], before=AT + timedelta(days=2))] == titles[1::-1]
    assert [case.title for case in store.cases([SCHOOL], words="dang DUC")] == titles[1:2]
    assert [case.title for case in store.cases([SCHOOL], words="%")] == titles[2:]
    assert store.cases([]) == ()


def test_the_directory_keeps_every_version(store: KeptStore) -> None:
    """The newest is given; each has a leaf in the log."""
    with pytest.raises(NotKept):
        store.directory(SCHOOL)
    for content in (b'{"a":1}', b'{"a":2}'):
        store.save_directory(SCHOOL, content, actor=AN, at=AT)

    assert store.directory(SCHOOL) == b'{"a":2}'
    assert store.units() == (SCHOOL,)
    assert counts(store)["directory_version"] == counts(store)["log_pending"] == 2


def test_what_is_not_there_is_said_so(store: KeptStore, school: School) -> None:
    """Never None, never an empty record."""
    school.begin(store)
    questions: list[Callable[[], object]] = [
        lambda: store.case(CaseId("none")),
        lambda: store.task(school.case, TaskName("none#1")),
        lambda: store.document(DocumentId("none")),
        lambda: store.get(school.digest("none")),
        lambda: store.append(CaseId("none"), 1, [CaseEnded(outcome="")], actor=None, at=AT),
    ]
    for ask in questions:
        with pytest.raises(NotKept):
            ask()
    assert not any((store.history(CaseId("none")), store.tasks(CaseId("none")), store.documents(CaseId("none"))))


REFUSED: list[tuple[str, list[Event]]] = [
    ("closed twice", [School().closes("toan"), School().closes("toan")]),
    ("never opened", [School().closes("anh")]),
    ("opened twice", [School().opens("van")]),
    ("signed before it was rendered", [School().signed("van", "a", "b")]),
    ("signed over an older revision", [School().rendered("van", "a"), School().signed("van", "x", "b")]),
    ("rendered twice", [School().rendered("van"), School().rendered("van")]),
    ("superseded twice", [DocumentSuperseded(document=DocumentId("c1/x/1"), reason="")] * 2),
    ("opened again", [School().opened()]),
    ("ended twice", [CaseEnded(outcome="published"), CaseEnded(outcome="stopped")]),
    ("published nothing", [Published(document=DocumentId("none"), revision=School().digest("a"), code="X")]),
    ("nothing", []),
]


@pytest.mark.parametrize("events", [events for _, events in REFUSED], ids=[name for name, _ in REFUSED])
def test_events_that_cannot_follow_leave_nothing_behind(store: KeptStore, school: School, events: list[Event]) -> None:
    """The history stays one that could have happened; not a row is written."""
    school.begin(store, "toan", "van")
    before = counts(store), store.case(school.case)

    with pytest.raises(BadHistory):
        store.append(school.case, 2, events, actor=AN, at=AT, work=[work("k")])
    assert (counts(store), store.case(school.case)) == before


def test_an_event_that_cannot_be_written_leaves_nothing_behind(store: KeptStore, school: School) -> None:
    """A decomposed letter, a time without a zone: refused with the name of the field."""
    school.begin(store, "toan")
    before = counts(store)
    bad = replace(school.completed("toan"), reason="Toa\u0301n")

    with pytest.raises(BadEvent, match="reason"):
        school.add(store, 2, bad)
    with pytest.raises(BadEvent, match="time"):
        store.append(school.case, 2, [school.completed("toan")], actor=AN, at=datetime(2027, 1, 1))  # noqa: DTZ001
    assert counts(store) == before


@pytest.mark.parametrize("expected", [0, 1, 3])
def test_a_conflict_writes_nothing(store: KeptStore, school: School, expected: int) -> None:
    """Who decided on an old version must look again; their work, events and leaves are not there."""
    school.begin(store, "toan")
    before = counts(store), store.case(school.case)
    events: list[Event] = [school.opened()] if expected == 0 else [school.closes("toan")]

    with pytest.raises(Conflict, match="/"):
        store.append(school.case, expected, events, actor=AN, at=AT, snapshot=b"x", work=[work("k")])
    assert (counts(store), store.case(school.case)) == before


def test_work_is_written_once_for_ever(store: KeptStore, school: School) -> None:
    """The same subject key again, even after the work was done, is left as it is."""
    school.begin(store, "toan")
    store.append(school.case, 2, [school.completed("toan")], actor=AN, at=AT, work=[work("k"), work("k"), work("other")])
    for item in store.claim("me", now=AT, lease_seconds=60, limit=10):
        store.finish(item, now=AT)
    store.append(school.case, 3, [school.completed("toan")], actor=AN, at=AT, work=[work("k")])

    assert counts(store)["work_item"] == 2
    assert store.claim("me", now=AT, lease_seconds=60, limit=10) == ()


def test_the_work_ends_with_its_result(store: KeptStore, school: School) -> None:
    """The event and the end of the work item are one; with a stale fence neither is written."""
    school.begin(store, "toan")
    store.append(school.case, 2, [school.completed("toan")], actor=AN, at=AT, work=[work("k")])
    (slow,) = store.claim("slow", now=AT, lease_seconds=5)
    later = AT + timedelta(seconds=6)
    (quick,) = store.claim("quick", now=later, lease_seconds=5)
    assert (slow.fence, quick.fence, quick.attempt) == (1, 2, 2)

    def result(item: WorkItem, version: int) -> int:
        return store.append(
            school.case, version, [school.rendered("toan")], actor=None, at=later, finishing=item, work=[work("next")]
        )

    assert result(quick, 3) == 4
    before = counts(store), store.case(school.case)
    with pytest.raises(StaleFence, match="/"):
        result(slow, 4)
    with pytest.raises(StaleFence):
        result(quick, 4)  # its own result a second time
    assert (counts(store), store.case(school.case)) == before


def test_the_author_may_be_the_system(store: KeptStore, school: School) -> None:
    """No actor means that the system did it."""
    school.begin(store)
    school.add(store, 2, school.rendered("toan"), actor=PersonId("gv-an"))

    assert [recorded.actor for recorded in store.history(school.case)] == [None, None, "gv-an"]
