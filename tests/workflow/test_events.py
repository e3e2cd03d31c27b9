"""The exact bytes of each event, for ever. If a line here must change, the class needs a new tag instead."""

import json
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.values import Capacity, PersonId, Role, UnitId
from workflow.encoding import EVENT_CLASSES, BadEvent, canonical, from_json, instant_from, instant_text, to_json
from workflow.events import (
    CaseEnded,
    CaseOpened,
    DataCorrected,
    Digest,
    DocumentExtended,
    DocumentId,
    DocumentRendered,
    DocumentSigned,
    DocumentSuperseded,
    Escalated,
    Event,
    OpenTask,
    Published,
    Reminded,
    SigningFailed,
    SigningIntended,
    StepCompleted,
    TaskName,
    TasksChanged,
)

LOCAL = timezone(timedelta(hours=7))
AT = datetime(2027, 1, 12, 8, 0, 0, 5, tzinfo=LOCAL)
SHEET = DocumentId("c1/toan")
TASK = TaskName("subject_teacher_signs.toan#1")


def digest(letter: str) -> Digest:
    return Digest(letter * 64)


A, B = "a" * 64, "b" * 64
WHEN = "2027-01-12T01:00:00.000005Z"

EXAMPLES: list[tuple[Event, str]] = [
    (
        CaseOpened(
            unit=UnitId("thcs-nguyen-du"),
            kind="class_book",
            title="Sổ theo dõi, lớp 9A",
            scope="9A",
            process="class_book_term",
            pins={"process": digest("a")},
            facts={"sheets": ("toan", "van"), "year": 2026, "demo": True, "note": "học kì I"},
            data=digest("b"),
            closing=AT,
        ),
        (
            f'{{"closing":"{WHEN}","data":"{B}","facts":{{"demo":true,"note":"học kì I","sheets":["toan","van"],"year":2026}},'
            f'"kind":"class_book","pins":{{"process":"{A}"}},"process":"class_book_term","scope":"9A",'
            '"title":"Sổ theo dõi, lớp 9A","unit":"thcs-nguyen-du"}'
        ),
    ),
    (
        StepCompleted(task=TASK, capacity=Capacity.KT, ground="12/GUQ-THCS", facts={"outcome": "signed"}, reason=""),
        '{"capacity":"KT.","facts":{"outcome":"signed"},"ground":"12/GUQ-THCS","reason":"","task":"subject_teacher_signs.toan#1"}',
    ),
    (
        TasksChanged(
            opened=(
                OpenTask(
                    name=TASK,
                    step="subject_teacher_signs",
                    key="toan",
                    visit=1,
                    human=True,
                    action="sign",
                    role=Role.SUBJECT_TEACHER,
                    scope="9A/toan",
                    document=SHEET,
                    due=AT,
                    reminders=(AT,),
                    escalate_to=Role.VICE_PRINCIPAL,
                ),
            ),
            closed=(TaskName("render_sheets#1"),),
        ),
        (
            '{"closed":["render_sheets#1"],"opened":[{"action":"sign","document":"c1/toan",'
            f'"due":"{WHEN}","escalate_to":"PHT","human":true,"key":"toan","name":"subject_teacher_signs.toan#1",'
            f'"reminders":["{WHEN}"],"role":"GVBM","scope":"9A/toan","step":"subject_teacher_signs","visit":1}}]}}'
        ),
    ),
    (
        DocumentRendered(
            document=SHEET,
            kind="class_book_sheet",
            title="Toán",
            key="toan",
            revision=digest("a"),
            data=digest("b"),
            signatories={"subject_teacher_signs__toan": PersonId("gv-an")},
        ),
        (
            f'{{"data":"{B}","document":"c1/toan","key":"toan","kind":"class_book_sheet","revision":"{A}",'
            '"signatories":{"subject_teacher_signs__toan":"gv-an"},"title":"Toán"}'
        ),
    ),
    (
        DocumentSuperseded(document=SHEET, reason="Điểm sai"),
        '{"document":"c1/toan","reason":"Điểm sai"}',
    ),
    (
        SigningIntended(
            task=TASK,
            document=SHEET,
            revision=digest("a"),
            field="f",
            certificate=digest("b"),
            capacity=Capacity.OWN,
            ground="",
        ),
        (
            f'{{"capacity":"","certificate":"{B}","document":"c1/toan","field":"f","ground":"","revision":"{A}",'
            '"task":"subject_teacher_signs.toan#1"}'
        ),
    ),
    (
        SigningFailed(task=TASK, document=SHEET, field="f", code="WRONG_SECRET"),
        '{"code":"WRONG_SECRET","document":"c1/toan","field":"f","task":"subject_teacher_signs.toan#1"}',
    ),
    (
        DocumentSigned(
            task=TASK,
            document=SHEET,
            before=digest("a"),
            after=digest("b"),
            field="f",
            seal=False,
            holder=PersonId("gv-an"),
            certificate=digest("a"),
            capacity=Capacity.OWN,
            ground="",
            level="B-T",
            best_time=AT,
        ),
        (
            f'{{"after":"{B}","before":"{A}","best_time":"{WHEN}","capacity":"","certificate":"{A}","document":"c1/toan",'
            '"field":"f","ground":"","holder":"gv-an","level":"B-T","seal":false,"task":"subject_teacher_signs.toan#1"}'
        ),
    ),
    (
        DocumentExtended(document=SHEET, before=digest("a"), after=digest("b"), level="B-LT"),
        f'{{"after":"{B}","before":"{A}","document":"c1/toan","level":"B-LT"}}',
    ),
    (
        DataCorrected(key="toan", before=digest("a"), after=digest("b"), reason="nhầm cột"),
        f'{{"after":"{B}","before":"{A}","key":"toan","reason":"nhầm cột"}}',
    ),
    (Reminded(task=TASK, due=AT), f'{{"due":"{WHEN}","task":"subject_teacher_signs.toan#1"}}'),
    (Escalated(task=TASK, to=Role.PRINCIPAL), '{"task":"subject_teacher_signs.toan#1","to":"HT"}'),
    (
        Published(document=SHEET, revision=digest("a"), code="ABCDEFGHJKLMNPQRSTUVWXYZ23"),
        f'{{"code":"ABCDEFGHJKLMNPQRSTUVWXYZ23","document":"c1/toan","revision":"{A}"}}',
    ),
    (CaseEnded(outcome="published"), '{"outcome":"published"}'),
]

# The fields of each event and whether one may be missing in an old body. Only additions at the end are allowed.
SHAPES = {
    "case-opened/1": "unit kind title scope process pins facts data closing",
    "step-completed/1": "task capacity ground facts reason",
    "tasks-changed/1": "opened closed",
    "document-rendered/1": "document kind title key revision data signatories",
    "document-superseded/1": "document reason",
    "signing-intended/1": "task document revision field certificate capacity ground",
    "signing-failed/1": "task document field code",
    "document-signed/1": "task document before after field seal holder certificate capacity ground level best_time",
    "document-extended/1": "document before after level",
    "data-corrected/1": "key before after reason",
    "reminded/1": "task due",
    "escalated/1": "task to",
    "published/1": "document revision code",
    "case-ended/1": "outcome",
}


@pytest.mark.parametrize(("event", "body"), EXAMPLES, ids=lambda value: getattr(value, "tag", ""))
def test_the_bytes_of_each_event_stay_the_same(event: Event, body: str) -> None:
    """What was written ten years ago is read today, and what is written today is what was written then."""
    assert canonical(to_json(event)).decode() == body
    assert from_json(event.tag, json.loads(body)) == event


def test_every_kind_of_event_has_an_example() -> None:
    """Nobody adds an event without pinning its bytes."""
    assert {event.tag for event, _ in EXAMPLES} == set(EVENT_CLASSES) == set(SHAPES)
    assert len(EVENT_CLASSES) == len(get_args(Event))


@pytest.mark.parametrize("tag", sorted(SHAPES))
def test_an_event_only_grows_at_its_end_and_with_a_default(tag: str) -> None:
    """A field that old bodies lack must have a default; the old fields keep their names and order."""
    pinned = SHAPES[tag].split()
    have = fields(EVENT_CLASSES[tag])

    assert [field.name for field in have][: len(pinned)] == pinned
    assert all(field.default is not MISSING or field.default_factory is not MISSING for field in have[len(pinned) :])


@pytest.mark.parametrize(("event", "body"), EXAMPLES, ids=lambda value: getattr(value, "tag", ""))
def test_a_body_with_a_missing_or_a_strange_field_is_refused(event: Event, body: str) -> None:
    """Nothing is guessed: each field of these classes is needed, and no other is allowed."""
    good = json.loads(body)
    for name in good:
        with pytest.raises(BadEvent, match=name):
            from_json(event.tag, {key: value for key, value in good.items() if key != name})
    with pytest.raises(BadEvent, match="stranger"):
        from_json(event.tag, {**good, "stranger": 1})
    for nothing in cast("list[object]", [None, [], "", 1]):
        with pytest.raises(BadEvent):
            from_json(event.tag, nothing)


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("escalated/1", {"task": "t#1", "to": "king"}),
    ("escalated/1", {"task": 7, "to": "HT"}),
    ("reminded/1", {"task": "t#1", "due": "2027-01-12T08:00:00+07:00"}),
    ("reminded/1", {"task": "t#1", "due": "2027-13-12T08:00:00.000000Z"}),
    ("reminded/1", {"task": "t#1", "due": 5}),
    ("case-ended/1", {"outcome": "a\0b"}),
    ("case-ended/1", {"outcome": "Toa\u0301n"}),
    ("tasks-changed/1", {"opened": {}, "closed": []}),
    ("tasks-changed/1", {"opened": [{}], "closed": []}),
    ("step-completed/1", {"task": "t#1", "capacity": "", "ground": "", "facts": {"x": 1.5}, "reason": ""}),
    ("step-completed/1", {"task": "t#1", "capacity": "", "ground": "", "facts": {"x": None}, "reason": ""}),
    ("step-completed/1", {"task": "t#1", "capacity": "", "ground": "", "facts": {"x": 2**63}, "reason": ""}),
    ("step-completed/1", {"task": "t#1", "capacity": "", "ground": "", "facts": [], "reason": ""}),
    ("unheard-of/1", {}),
]


@pytest.mark.parametrize(("tag", "body"), WRONG)
def test_a_wrong_value_is_refused(tag: str, body: dict[str, Any]) -> None:
    """A body that somebody changed by hand gives our own error, which names the place."""
    with pytest.raises(BadEvent, match=tag):
        from_json(tag, body)


@pytest.mark.parametrize(
    "event",
    [
        Reminded(task=TASK, due=datetime(2027, 1, 12)),  # noqa: DTZ001  # without a zone, on purpose
        CaseEnded(outcome="Toa\u0301n"),
        CaseEnded(outcome="\ud800"),
        CaseEnded(outcome="a\0"),
        replace(EXAMPLES[1][0], facts={"x": 1.5}),  # type: ignore[arg-type]  # on purpose
        replace(EXAMPLES[1][0], capacity="king"),  # type: ignore[arg-type]  # on purpose
        replace(EXAMPLES[2][0], closed=["a#1"]),  # type: ignore[arg-type]  # on purpose
    ],
)
def test_what_cannot_be_read_again_is_not_written(event: Event) -> None:
    """Decomposed letters, times without a zone and odd values are refused before they are kept."""
    with pytest.raises(BadEvent):
        to_json(event)


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_times_sort_as_text_and_come_back(one: datetime, other: datetime) -> None:
    """Both databases compare times as text; that is right only because all are equally long."""
    assert instant_from(instant_text(one)) == one
    assert (instant_text(one) < instant_text(other)) == (one < other)
