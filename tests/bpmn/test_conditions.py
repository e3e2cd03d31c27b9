"""The small language of conditions: what it says, and everything that it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bpmn.conditions import Condition, FactKind, Value, check_kinds, parse
from bpmn.errors import BadCondition, BadFact

FACTS: dict[str, Value] = {"outcome": "signed", "n": 3, "urgent": True, "sheets": ("toan", "ly"), "held": {"toan": "toan"}}


def holds(text: str, *, visits: int = 0) -> bool:
    return parse(text).holds(FACTS, visits=lambda _: visits)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("outcome == 'signed'", True),
        ('outcome == "signed"', True),
        ("outcome != 'signed'", False),
        ("outcome in ['signed', 'sealed']", True),
        ("outcome not in ['signed', 'sealed']", False),
        ("'toan' in sheets", True),
        ("'hoa' in sheets", False),
        ("'toan' in held", True),
        ("size(sheets) == 2", True),
        ("size(held) > 1", False),
        ("n in [1, 2, 3]", True),
        ("n < 3", False),
        ("n <= 3 and n >= 3", True),
        ("n > 3 or urgent", True),
        ("not urgent or n == 3", True),
        ("not (urgent and n == 3)", False),
        ("urgent == true", True),
        ("true and not false", True),
        ("visits(homeroom) >= 20", True),
        ("visits(homeroom) < 20 and urgent", False),
        ("n == 1 or n == 2 and urgent", False),
        ("(n == 3 or n == 2) and urgent", True),
    ],
)
def test_what_it_says(text: str, *, expected: bool) -> None:
    """Comparisons, lists, `and` before `or`, `not`, brackets, counting."""
    assert holds(text, visits=20) is expected


HOSTILE = [
    '__import__("os").system("id")',
    "outcome.__class__",
    "outcome.__class__.__mro__[1].__subclasses__()",
    "eval('1')",
    "exec('import os')",
    "open('/etc/passwd')",
    "lambda: 1",
    "(lambda x: x)(1)",
    "[x for x in sheets]",
    "{x for x in sheets}",
    "{'a': 1}",
    'f"{outcome}"',
    "'a' 'b'",
    "'\\x41' == outcome",
    '"""x"""',
    "outcome := 'signed'",
    "outcome = 'signed'",
    "outcome == 'signed'; n",
    "outcome == 'signed' # and more",
    "n if urgent else 0",
    "n + 1 == 4",
    "n * n * n",
    "-1 < n",
    "1 < n < 4",
    "sheets[0] == 'toan'",
    "size(sheets)[0]",
    "size()",
    "size(size(sheets))",
    "visits('homeroom')",
    "print(n)",
    "n == 3.5",
    "n == 1e9",
    "n == 0x10",
    "n == 99999999999999999999",
    "outcome is true",
    "await n",
    "yield n",
    "outcome == 'signed",
    "((((",
    "[" * 500 + "]" * 500,
    "(" * 30 + "urgent" + ")" * 30,
    "not " * 2000 + "urgent",
    "not " * 60 + "urgent",
    "urgent and " * 200 + "urgent",
    "outcome\0 == 'signed'",
    "outcome == 'a\nb'",
    "ｏｕｔｃｏｍｅ == 'signed'",
    "n == ３",
    "Outcome == 'signed'",
    "typename == 'x'",
    "done > 1",
    "['a', 1] == n",
    "n in ['a', 1]",
    "n in []",
    "",
    "   ",
    "and",
    "size",
    "in",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_what_it_is_not(text: str) -> None:
    """Calls, dots, arithmetic, tricks with quotes and letters: refused when the diagram is read, long before it runs."""
    with pytest.raises(BadCondition):
        parse(text)


def test_a_bare_word_is_a_fact_and_no_command() -> None:
    """`exec` is read as the name of a fact; nobody declares such a fact, so the linter refuses it."""
    assert parse("exec").facts == {"exec"}


@pytest.mark.parametrize(
    "text",
    ["n == '3'", "outcome == 3", "urgent == 1", "n and urgent", "not n", "n or urgent", "outcome < 'x'", "sheets == sheets",
     "'toan' in outcome", "n in sheets", "n in ['a']", "urgent in [1]", "size(outcome) == 1", "missing == 1", "n", "outcome"],
)  # fmt: skip
def test_kinds_are_never_mixed(text: str) -> None:
    """A number is not a text, a text is not true, and a missing fact is an error: the case stops instead of guessing."""
    with pytest.raises(BadFact):
        holds(text)


KINDS = {"outcome": FactKind.TEXT, "n": FactKind.NUMBER, "urgent": FactKind.YES_NO, "sheets": FactKind.NAMES}


@pytest.mark.parametrize(
    "text",
    ["n == '3'", "outcome == 3", "urgent == 1", "n and urgent", "not n", "outcome < 'x'", "sheets == sheets", "urgent < urgent",
     "'toan' in outcome", "n in sheets", "n in ['a']", "size(outcome) == 1", "n", "outcome", "size(sheets)", "visits(x)"],
)  # fmt: skip
def test_mixed_kinds_are_seen_before_anything_runs(text: str) -> None:
    """What could only ever fail is refused with the diagram."""
    with pytest.raises(BadCondition):
        check_kinds(parse(text), KINDS)


def test_counting_is_for_completion_conditions_only() -> None:
    """`done` and `total` mean something only while several people are asked."""
    condition = parse("done >= 2 and done < total", counting=True)

    assert condition.holds({"done": 2, "total": 3}, visits=lambda _: 0)
    assert condition.facts == frozenset()


# A random condition as text, and what it must say.
_LEAVES = st.sampled_from(
    [
        ("urgent", True),
        ("false", False),
        ("n == 3", True),
        ("n != 3", False),
        ("size(sheets) < 2", False),
        ("'toan' in sheets", True),
        ("visits(homeroom) >= 7", True),
        ("outcome in ['signed', 'x']", True),
        ("outcome not in ['signed', 'x']", False),
    ]
)
_CONDITIONS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda a: (f"not ({a[0]})", not a[1]), inner),
        st.builds(lambda a, b: (f"({a[0]}) and ({b[0]})", a[1] and b[1]), inner, inner),
        st.builds(lambda a, b: (f"({a[0]}) or ({b[0]})", a[1] or b[1]), inner, inner),
    ),
    max_leaves=6,
)


@given(_CONDITIONS)
def test_any_mixture_of_parts_means_what_logic_says(condition: tuple[str, bool]) -> None:
    """`and`, `or`, `not` and brackets in any mixture."""
    text, expected = condition

    assert holds(text, visits=7) is expected


@given(st.text(max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but a condition or BadCondition ever comes out."""
    try:
        condition = parse(text)
    except BadCondition:
        return

    assert isinstance(condition, Condition)


@given(st.text(alphabet="notandrisevzu()[]'\" ,<>=!0123_", max_size=60))
def test_almost_conditions_are_read_or_refused(text: str) -> None:
    """The same with the letters that conditions are made of; what is read also answers or raises BadFact."""
    try:
        condition = parse(text)
    except BadCondition:
        return
    try:
        answer = condition.holds(FACTS, visits=lambda _: 1)
    except BadFact:
        return

    assert isinstance(answer, bool)
