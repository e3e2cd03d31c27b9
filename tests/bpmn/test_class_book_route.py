"""The route of the class book, from the first sheet to the published volume."""

import random
from collections.abc import Mapping

import pytest

import bpmn
from bpmn.linter import lint
from bpmn.reading import read
from tests.bpmn.conftest import ROUTE, SHEETS

ROLES = frozenset({"GVBM", "GVCN", "PHT", "HT", "VT", "QTHT", "TTRA"})


def names(state: bpmn.State) -> set[str]:
    return {step.name for step in bpmn.waiting(state)} - {"withdraw#1"}


def walk(state: bpmn.State, *steps: str | tuple[str, Mapping[str, bpmn.Fact]]) -> bpmn.State:
    for step in steps:
        name, facts = (step, {}) if isinstance(step, str) else step
        state = bpmn.complete(state, name, facts)
    return state


def sheets_signed(state: bpmn.State) -> bpmn.State:
    """Everybody who is asked signs, and the volume is bound."""
    state = walk(state, *sorted(names(state)))
    while any(name.startswith("subject_teacher_signs.") for name in names(state)):
        state = walk(state, min(names(state)))
    return walk(state, *names(state))


SIGNED: Mapping[str, bpmn.Fact] = {"outcome": "signed"}
SEND_BACK: Mapping[str, bpmn.Fact] = {"outcome": "send_back", "sheets": ("toan",)}


@pytest.fixture
def begun(route: bpmn.Process) -> bpmn.State:
    return bpmn.start(route, {"sheets": SHEETS})


@pytest.fixture
def bound(begun: bpmn.State) -> bpmn.State:
    """All teachers have signed; the volume waits for the homeroom teacher."""
    return sheets_signed(begun)


def test_its_steps_are_the_contract(route: bpmn.Process) -> None:
    """Whoever builds on the route finds these steps, in these lanes, with these decisions."""
    found = {step.id: (step.kind.value, step.lane, step.action, dict(step.decides)) for step in route.steps.values()}
    names_ = bpmn.FactKind.NAMES

    assert found == {
        "render_sheets": ("system", "system", "render_sheets", {}),
        "subject_teacher_signs": ("person", "GVBM", "sign", {}),
        "bind_volume": ("system", "system", "bind_volume", {}),
        "homeroom_teacher_signs": ("person", "GVCN", "sign", {"outcome": ("signed", "send_back"), "sheets": names_}),
        "vice_principal_reviews": (
            "person",
            "PHT",
            "review",
            {"outcome": ("approved", "send_back", "rebind"), "sheets": names_},
        ),
        "principal_signs": ("person", "HT", "sign", {"outcome": ("signed", "send_back", "rebind"), "sheets": names_}),
        "clerk_seals": ("person", "VT", "seal", {}),
        "archive_volume": ("system", "system", "archive_volume", {}),
        "publish_volume": ("system", "system", "publish_volume", {}),
        "principal_settles": ("person", "HT", "review", {"outcome": ("go_on", "stop")}),
        "withdraw": ("message", "HT", "withdraw", {}),
    }
    assert route.steps["subject_teacher_signs"].over == "sheets"
    assert route.steps["principal_signs"].props["capacity"] == "-,KT."
    assert {step.id: step.props["due"] for step in route.steps.values() if "due" in step.props} == {
        "subject_teacher_signs": "D-7",
        "homeroom_teacher_signs": "D-4",
        "vice_principal_reviews": "D-2",
        "principal_signs": "D-1",
        "clerk_seals": "D",
        "principal_settles": "P2D",
    }
    assert dict(route.start.always) == {"sheets": names_}


def test_every_lane_is_a_role_of_the_directory() -> None:
    """No lane waits for somebody whom no appointment can name."""
    diagram, _ = read(ROUTE.read_bytes())

    assert lint(diagram, ROLES) == []


def test_the_straight_way(bound: bpmn.State) -> None:
    """Teachers, homeroom teacher, vice-principal, principal, clerk, archive, publication: one after the other."""
    state = bound
    seen = [names(state)]
    for name, facts in (
        ("homeroom_teacher_signs#1", SIGNED),
        ("vice_principal_reviews#1", {"outcome": "approved"}),
        ("principal_signs#1", SIGNED),
        ("clerk_seals#1", {}),
        ("archive_volume#1", {}),
        ("publish_volume#1", {}),
    ):
        state = bpmn.complete(state, name, facts)
        seen.append(names(state))

    assert seen == [
        {"homeroom_teacher_signs#1"},
        {"vice_principal_reviews#1"},
        {"principal_signs#1"},
        {"clerk_seals#1"},
        {"archive_volume#1"},
        {"publish_volume#1"},
        set(),
    ]
    assert bpmn.done(state)
    assert state.ending == "published"
    assert bpmn.waiting(state) == ()


@pytest.mark.parametrize("order", range(6))
def test_subject_teachers_sign_in_any_order(begun: bpmn.State, order: int) -> None:
    """Nobody waits for a colleague; the volume is bound when the last sheet is signed."""
    state = bpmn.complete(begun, "render_sheets#1", {})
    sheets = list(SHEETS)
    random.Random(order).shuffle(sheets)  # noqa: S311 - an order, no secret
    for sheet in sheets[:-1]:
        state = bpmn.complete(state, f"subject_teacher_signs.{sheet}#1", {})
        assert "bind_volume#1" not in names(state)
    state = bpmn.complete(state, f"subject_teacher_signs.{sheets[-1]}#1", {})

    assert names(state) == {"bind_volume#1"}


def test_only_the_named_sheets_are_signed_again(bound: bpmn.State) -> None:
    """The homeroom teacher sends two sheets back: just those two teachers are asked, the third's signature stays."""
    state = bpmn.complete(bound, "homeroom_teacher_signs#1", {"outcome": "send_back", "sheets": ("toan", "ngu_van")})
    assert names(state) == {"render_sheets#2"}
    state = bpmn.complete(state, "render_sheets#2", {})
    assert names(state) == {"subject_teacher_signs.toan#2", "subject_teacher_signs.ngu_van#2"}
    state = walk(state, "subject_teacher_signs.ngu_van#2", "subject_teacher_signs.toan#2", "bind_volume#2")

    assert names(state) == {"homeroom_teacher_signs#2"}


@pytest.mark.parametrize(
    ("before", "who"),
    [
        ((), "homeroom_teacher_signs#1"),
        ((("homeroom_teacher_signs#1", SIGNED),), "vice_principal_reviews#1"),
        (
            (("homeroom_teacher_signs#1", SIGNED), ("vice_principal_reviews#1", {"outcome": "approved"})),
            "principal_signs#1",
        ),
    ],
)
def test_everybody_who_checks_can_send_a_sheet_back(bound: bpmn.State, before: tuple[object, ...], who: str) -> None:
    """After a sheet was redone the homeroom teacher signs the new volume first, whoever sent it back."""
    state = walk(bound, *before)  # type: ignore[arg-type]  # pairs of a name and its facts
    state = walk(state, (who, SEND_BACK), "render_sheets#2", "subject_teacher_signs.toan#2", "bind_volume#2")

    assert names(state) == {"homeroom_teacher_signs#2"}


@pytest.mark.parametrize("who", ["vice_principal_reviews#1", "principal_signs#1"])
def test_the_volume_alone_is_bound_again(bound: bpmn.State, who: str) -> None:
    """If only the volume is wrong no teacher is asked: it is bound anew and the homeroom teacher signs it again."""
    state = bpmn.complete(bound, "homeroom_teacher_signs#1", SIGNED)
    if who == "principal_signs#1":
        state = bpmn.complete(state, "vice_principal_reviews#1", {"outcome": "approved"})
    state = bpmn.complete(state, who, {"outcome": "rebind"})
    assert names(state) == {"bind_volume#2"}
    state = bpmn.complete(state, "bind_volume#2", {})

    assert names(state) == {"homeroom_teacher_signs#2"}


def returned(state: bpmn.State, times: int) -> bpmn.State:
    for visit in range(1, times + 1):
        state = bpmn.complete(state, f"homeroom_teacher_signs#{visit}", SEND_BACK)
        state = walk(state, f"render_sheets#{visit + 1}", f"subject_teacher_signs.toan#{visit + 1}", f"bind_volume#{visit + 1}")
    return state


def test_after_twenty_returns_the_principal_settles(bound: bpmn.State) -> None:
    """A book that comes back for the twentieth time is put before the principal: go on, or stop."""
    state = returned(bound, 19)
    assert names(state) == {"homeroom_teacher_signs#20"}
    state = walk(state, ("homeroom_teacher_signs#20", SEND_BACK), "render_sheets#21", "subject_teacher_signs.toan#21")
    state = bpmn.complete(state, "bind_volume#21", {})
    assert names(state) == {"principal_settles#1"}
    goes_on = bpmn.complete(state, "principal_settles#1", {"outcome": "go_on"})
    stops = bpmn.complete(state, "principal_settles#1", {"outcome": "stop"})

    assert names(goes_on) == {"homeroom_teacher_signs#21"}
    assert bpmn.done(stops)
    assert stops.ending == "stopped"


def test_the_principal_can_withdraw_a_case_at_any_time(bound: bpmn.State) -> None:
    """Withdrawing ends the case at once; nobody's task stays open."""
    for state in (bound, bpmn.complete(bound, "homeroom_teacher_signs#1", SIGNED)):
        withdrawn = bpmn.complete(state, "withdraw#1", {})

        assert withdrawn.ending == "withdrawn"
        assert bpmn.waiting(withdrawn) == ()
        with pytest.raises(bpmn.NotWaiting, match="homeroom"):
            bpmn.complete(withdrawn, "homeroom_teacher_signs#1", SIGNED)


def test_exactly_the_declared_facts(bound: bpmn.State) -> None:
    """A decision names the sheets just when it sends some back; whatever else comes along is refused and changes nothing."""
    before = bpmn.snapshot(bound)
    step = "homeroom_teacher_signs#1"
    wrong: list[Mapping[str, object]] = [
        {},
        {"outcome": "send_back"},
        {"outcome": "signed", "sheets": ("toan",)},
        {"outcome": "approved"},
        {"outcome": True},
        {"outcome": "send_back", "sheets": ()},
        {"outcome": "send_back", "sheets": "toan"},
        {"outcome": "send_back", "sheets": ("toan", "toan")},
        {"outcome": "send_back", "sheets": ("hoa_hoc",)},
        {"outcome": "send_back", "sheets": ("../toan",)},
        {"outcome": "signed", "typename": "x"},
        {"sheets": ("toan",)},
    ]
    for facts in wrong:
        with pytest.raises(bpmn.BadFact):
            bpmn.complete(bound, step, facts)  # type: ignore[arg-type]  # that is the point

    assert bpmn.snapshot(bound) == before
    assert names(bpmn.complete(bound, step, SIGNED)) == {"vice_principal_reviews#1"}


def test_an_old_outcome_never_chooses_the_way(bound: bpmn.State) -> None:
    """What the homeroom teacher decided is forgotten before the vice-principal's decision is set."""
    state = bpmn.complete(bound, "homeroom_teacher_signs#1", SIGNED)
    with pytest.raises(bpmn.BadFact, match="outcome"):
        bpmn.complete(state, "vice_principal_reviews#1", {})
    state = bpmn.complete(state, "vice_principal_reviews#1", {"outcome": "approved"})

    assert names(state) == {"principal_signs#1"}


def test_a_case_needs_sheets(route: bpmn.Process) -> None:
    """Without a sheet nobody would be asked and an empty book would reach the seal."""
    for facts in ({}, {"sheets": ()}, {"sheets": ("Toán",)}, {"sheets": ("toan",), "outcome": "signed"}):
        with pytest.raises(bpmn.BadFact):
            bpmn.start(route, facts)  # type: ignore[arg-type]  # that is the point


def test_facts_may_come_from_json(route: bpmn.Process) -> None:
    """Stored events hold lists; they mean the same as tuples."""
    state = bpmn.start(route, {"sheets": ["toan"]})  # type: ignore[dict-item]  # as read from JSON

    assert state.facts["sheets"] == ("toan",)
