"""The quick check of data says yes exactly when jsonschema does."""

import random
import time
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents import kinds
from documents.rendering.checking import DataCheck
from documents.rendering.fitting import quick_check
from tests.documents.rendering.conftest import example, whole_class

# A slip is made once in a while: jsonschema alone judges it. What is rendered by the thousand has a quick check.
QUICK = {name: kind for name, kind in kinds().items() if name != "verification_slip"}
EXAMPLES = [(kind.name, path.stem) for kind in QUICK.values() for path in (kind.folder / "examples").glob("*.json")]

CHECKS = {name: DataCheck(kind.schema) for name, kind in QUICK.items()}

VALUES: list[Any] = [
    None, True, False, 0, 1, 2, -1, 3, 99, 100, 1001, "", "Đ", "CĐ", "8", "8.0", "10", "10.0", "10.5", "8\n", "x" * 81,
    "toan", "toan-", "2027-01-12T08:00:00+07:00", [], [None], ["Đ"] * 5, {}, {"a": 1}, {"id": "x", "name": "y"},
]  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [way]
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        found += places(child, (*way, key))
    return found


def spoil(data: Any, chance: random.Random) -> Any:
    """The data with one thing changed, taken away, doubled or added."""
    *way, last = chance.choice([place for place in places(data) if place])
    inner = data
    for step in way:
        inner = inner[step]
    match chance.randrange(4):
        case 0:
            del inner[last]
        case 1 if isinstance(inner, list):
            inner += [deepcopy(inner[last])] * chance.choice((1, 80))
        case 1 | 2 if isinstance(inner, dict):
            inner[chance.choice(("stranger", "Đ", "a-b", "key" * 30))] = deepcopy(chance.choice(VALUES))
        case _:
            inner[last] = deepcopy(chance.choice(VALUES))
    return data


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
@settings(max_examples=50, deadline=None)
@given(seed=st.integers(min_value=0, max_value=2**40))
def test_the_quick_check_agrees_with_jsonschema(kind: str, name: str, seed: int) -> None:
    """Spoilt in one to three places, the data are judged alike by both."""
    chance = random.Random(seed)  # noqa: S311 - which place is spoilt is no secret
    data: Any = example(kind, name)
    for _ in range(chance.randint(1, 3)):
        data = spoil(data, chance)
    quick = CHECKS[kind].quick

    assert quick is not None
    assert quick(data) == CHECKS[kind].reasons.is_valid(data)


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_every_kind_has_a_quick_check_that_lets_its_examples_through(kind: str, name: str) -> None:
    """No schema uses a word that only jsonschema knows; if one does, rendering is slower, and this test tells."""
    quick = CHECKS[kind].quick

    assert quick is not None
    assert quick(example(kind, name))


@pytest.mark.parametrize(
    "schema", [{"oneOf": [{}]}, {"type": "number"}, {"items": {"format": "date"}}, {"if": {}, "else": {}}, {"enum": [[]]}]
)
def test_a_schema_with_other_words_has_no_quick_check(schema: dict[str, Any]) -> None:
    """What is not known is left to jsonschema, never guessed."""
    assert quick_check(schema) is None


def test_the_quick_check_is_quick() -> None:
    """For a class of 45 it takes less than a third of jsonschema's time."""
    data, quick = whole_class(example("class_book", "9a-hk1")), CHECKS["class_book"].quick
    slow = CHECKS["class_book"].reasons
    assert quick is not None
    spent = {"quick": 0.0, "slow": 0.0}
    for _ in range(3):
        for name, check in (("quick", quick), ("slow", slow.is_valid)):
            begin = time.process_time()
            assert check(data)
            spent[name] += time.process_time() - begin

    assert spent["quick"] * 3 < spent["slow"]
