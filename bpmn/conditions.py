"""The small language of conditions. Read by recursive descent, never by `eval`.

    >>> condition = parse('outcome in ["signed", "sealed"] and visits(homeroom) >= 20')
    >>> sorted(condition.facts), sorted(condition.steps)
    (['outcome'], ['homeroom'])
    >>> condition.holds({"outcome": "signed"}, visits=lambda step: 20)
    True

What there is: `or`, `and`, `not`, brackets, one comparison (`== != < <= > >= in`, `not in`), names of facts, whole numbers,
texts in single or double quotes without escapes, `true`, `false`, literal lists, `size(names)`, `visits(step)`; in the
completion condition of a multi-instance step also `done` and `total`. What there is not: dots, calls, arithmetic, indexes,
chained comparisons. Types are strict: a number is never equal to a text, a missing fact is an error and not false.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NoReturn

from bpmn.errors import BadCondition, BadFact

LONGEST = 400  # characters; the longest condition of our routes has 45
DEEPEST = 20  # levels of brackets and `not`; beyond it nobody can read it, and Python's stack stays far away
LARGEST = 1_000_000_000  # numbers are counts

Value = bool | int | str | tuple[str, ...] | Mapping[str, object]


class FactKind(StrEnum):
    """What a fact may be."""

    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"
    NAMES = "names"  # of sheets, people: small words, none twice


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text, true or false."""

    value: bool | int | str


@dataclass(frozen=True, slots=True)
class Several:
    """A literal list: `["a", "b"]`."""

    values: tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Name:
    """A fact, or `done` and `total`."""

    name: str


@dataclass(frozen=True, slots=True)
class Size:
    """How many names a fact holds."""

    name: str


@dataclass(frozen=True, slots=True)
class Visits:
    """How often a step has begun to wait."""

    step: str


@dataclass(frozen=True, slots=True)
class Compare:
    """Two operands and what is between them."""

    operator: str
    left: "Expression"
    right: "Expression"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    operand: "Expression"


@dataclass(frozen=True, slots=True)
class Both:
    """`and` or `or`; the right side is looked at only when it can still change the answer."""

    operator: str
    left: "Expression"
    right: "Expression"


Expression = Literal | Several | Name | Size | Visits | Compare | Not | Both
VisitCount = Callable[[str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition that was understood."""

    text: str
    expression: Expression
    facts: frozenset[str]
    steps: frozenset[str]  # whose visits it counts

    def holds(self, facts: Mapping[str, Value], *, visits: VisitCount) -> bool:
        """Whether it is true. BadFact if a fact is missing or of another kind than the condition needs."""
        answer = _value(self.expression, facts, visits)
        if not isinstance(answer, bool):
            _mistyped(self.text, answer, "yes_no")
        return answer

    def atoms(self) -> Iterator[Expression]:
        """Every part of it, outermost first."""
        stack: list[Expression] = [self.expression]
        while stack:
            part = stack.pop()
            yield part
            if isinstance(part, Compare | Both):
                stack += [part.right, part.left]
            elif isinstance(part, Not):
                stack.append(part.operand)


def parse(text: str, *, counting: bool = False) -> Condition:
    """Understand a condition; `counting` allows `done` and `total`. BadCondition says where it is not in the language."""
    if len(text) > LONGEST:
        _refuse(
            text[:40] + "...",
            f"dài {len(text)} ký tự, nhiều nhất {LONGEST}",
            f"has {len(text)} characters, at most {LONGEST} allowed",
        )
    reader = _Reader(text, counting=counting)
    expression = reader.whole()
    return Condition(text=text, expression=expression, facts=frozenset(reader.facts), steps=frozenset(reader.steps))


def check_kinds(condition: Condition, kinds: Mapping[str, FactKind]) -> None:
    """Refuse a condition that could only fail when it is reached: `n == "2"`, `not n`. BadCondition names the operand."""
    found = _kind(condition.expression, kinds, condition.text)
    if found != FactKind.YES_NO:
        _refuse(condition.text, f"cho ra {found}, cần đúng hoặc sai", f"gives {found}, must give true or false")


# ------------------------------------------------------------------------------------------------ reading

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+)|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<text>"[^"\\\n]*"|'[^'\\\n]*')|(?P<sign>==|!=|<=|>=|[<>()\[\],]))""",
    re.ASCII,
)
_FACT = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
RESERVED = frozenset({"or", "and", "not", "in", "true", "false", "size", "visits", "done", "total", "typename"})


class _Reader:
    """One pass from left to right; each method reads what its name says and leaves the next token to its caller."""

    def __init__(self, text: str, *, counting: bool) -> None:
        self.text = text
        self.counting = counting
        self.tokens = _tokens(text)
        self.at = 0
        self.depth = 0
        self.facts: set[str] = set()
        self.steps: set[str] = set()

    def whole(self) -> Expression:
        expression = self.either()
        if self.peek() is not None:
            self.fail()
        return expression

    def either(self) -> Expression:
        self.deeper()
        left = self.both()
        while self.taken("or"):
            left = Both("or", left, self.both())
        self.depth -= 1
        return left

    def both(self) -> Expression:
        left = self.negation()
        while self.taken("and"):
            left = Both("and", left, self.negation())
        return left

    def negation(self) -> Expression:
        if not self.taken("not"):
            return self.comparison()
        self.deeper()
        operand = self.negation()
        self.depth -= 1
        return Not(operand)

    def comparison(self) -> Expression:
        left = self.operand()
        sign = self.peek()
        if sign == "not" and self.tokens[self.at + 1 : self.at + 2] == ["in"]:
            self.at += 2
            return Not(Compare("in", left, self.operand()))
        if sign not in _COMPARISONS:
            return left
        self.at += 1
        compared = Compare(sign, left, self.operand())
        if self.peek() in _COMPARISONS:
            self.fail()
        return compared

    def operand(self) -> Expression:
        word = self.next()
        if word == "(":
            inner = self.either()
            self.expect(")")
            return inner
        if word == "[":
            return self.several()
        if word in {"size", "visits"}:
            return self.counted(word)
        return self.word(word)

    def word(self, word: str) -> Expression:
        if word in {"true", "false"}:
            return Literal(word == "true")
        if word in {"done", "total"} and self.counting:
            return Name(word)
        if _FACT.fullmatch(word) and word not in RESERVED:
            self.facts.add(word)
            return Name(word)
        return Literal(self.plain(word))

    def several(self) -> Several:
        values = [self.plain(self.next())]
        while self.taken(","):
            values.append(self.plain(self.next()))
        self.expect("]")
        if len({type(value) for value in values}) > 1:
            _refuse(self.text, "danh sách lẫn số và chữ", "the list mixes numbers and texts")
        return Several(tuple(values))

    def counted(self, function: str) -> Size | Visits:
        self.expect("(")
        name = self.next()
        if not _FACT.fullmatch(name) or name in RESERVED:
            self.fail()
        self.expect(")")
        if function == "size":
            self.facts.add(name)
            return Size(name)
        self.steps.add(name)
        return Visits(name)

    def plain(self, token: str) -> int | str:
        if token[0] in "'\"":
            return token[1:-1]
        if not token.isdecimal() or int(token[:20]) > LARGEST:
            self.fail()
        return int(token)

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            _refuse(self.text[:40] + "...", f"lồng quá {DEEPEST} tầng", f"is nested deeper than {DEEPEST} levels")

    def peek(self) -> str | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def next(self) -> str:
        token = self.peek()
        if token is None:
            _refuse(self.text, "thiếu phần cuối", "breaks off")
        self.at += 1
        return token

    def taken(self, token: str) -> bool:
        if self.peek() != token:
            return False
        self.at += 1
        return True

    def expect(self, token: str) -> None:
        if not self.taken(token):
            self.fail(token)

    def fail(self, expected: str = "") -> NoReturn:
        found = self.peek() or self.tokens[min(self.at, len(self.tokens)) - 1]
        vi, en = (f", cần {expected!r}", f", expected {expected!r}") if expected else ("", "")
        _refuse(self.text, f"không hiểu {found!r}{vi}", f"{found!r} is not understood here{en}")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    at, end = 0, len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if match is None:
            _refuse(text, f"không hiểu {text[at:].strip()[:10]!r}", f"{text[at:].strip()[:10]!r} is not understood")
        tokens.append(match.group(match.lastgroup or 0))
        at = match.end()
    if not tokens:
        _refuse(text, "trống", "is empty")
    return tokens


# ------------------------------------------------------------------------------------------------ evaluating


def _value(part: Expression, facts: Mapping[str, Value], visits: VisitCount) -> Value:  # noqa: PLR0911 - one line per kind of part
    if isinstance(part, Compare):
        return _compared(part.operator, _value(part.left, facts, visits), _value(part.right, facts, visits))
    if isinstance(part, Literal):
        return part.value
    if isinstance(part, Name):
        return _fact(part.name, facts)
    if isinstance(part, Visits):
        return visits(part.step)
    if isinstance(part, Both):
        left = _truth(_value(part.left, facts, visits))
        if left == (part.operator == "or"):
            return left
        return _truth(_value(part.right, facts, visits))
    if isinstance(part, Not):
        return not _truth(_value(part.operand, facts, visits))
    if isinstance(part, Size):
        names = _fact(part.name, facts)
        return len(names) if isinstance(names, tuple | Mapping) else _mistyped(part.name, names, "names")
    return part.values  # type: ignore[return-value]  # a list of numbers is only ever the right side of `in`


def _compared(operator: str, left: Value, right: Value) -> bool:
    if operator == "in":
        if not isinstance(right, tuple | Mapping):
            _mistyped("in", right, "names")
        if type(left) is not (str if isinstance(right, Mapping) else type(next(iter(right), ""))):
            _mistyped("in", left, "text")
        return left in right
    if type(left) is not type(right) or isinstance(left, tuple | Mapping):
        _mistyped(operator, right, type(left).__name__)
    if operator == "==":
        return left == right
    if operator == "!=":
        return left != right
    if type(left) is not int or type(right) is not int:
        _mistyped(operator, left, "number")
    return _ordered(operator, left, right)


def _ordered(operator: str, left: int, right: int) -> bool:
    if operator == "<":
        return left < right
    if operator == "<=":
        return left <= right
    return left > right if operator == ">" else left >= right


def _fact(name: str, facts: Mapping[str, Value]) -> Value:
    if name not in facts:
        raise BadFact(f"Thiếu dữ kiện {name!r}", f"The fact {name!r} is missing")
    return facts[name]


def _truth(value: Value) -> bool:
    return value if isinstance(value, bool) else _mistyped("and/or/not", value, "yes_no")


def _mistyped(where: str, found: object, expected: str) -> NoReturn:
    raise BadFact(f"{where}: có {found!r}, cần {expected}", f"{where}: found {found!r}, expected {expected}")


# ------------------------------------------------------------------------------------------------ kinds, before anything runs


def _kind(part: Expression, kinds: Mapping[str, FactKind], text: str) -> FactKind:
    if isinstance(part, Literal):
        return _literal_kind(part.value)
    if isinstance(part, Name):
        return FactKind.NUMBER if part.name in {"done", "total"} else kinds[part.name]
    if isinstance(part, Visits):
        return FactKind.NUMBER
    if isinstance(part, Size):
        _want(kinds[part.name], FactKind.NAMES, part.name, text)
        return FactKind.NUMBER
    if isinstance(part, Several):
        return _refuse(text, "danh sách chỉ đứng sau `in`", "a list stands only after `in`")
    if isinstance(part, Not):
        _want(_kind(part.operand, kinds, text), FactKind.YES_NO, "not", text)
    elif isinstance(part, Both):
        for side in (part.left, part.right):
            _want(_kind(side, kinds, text), FactKind.YES_NO, part.operator, text)
    else:
        _check_comparison(part, kinds, text)
    return FactKind.YES_NO


def _check_comparison(part: Compare, kinds: Mapping[str, FactKind], text: str) -> None:
    left = _kind(part.left, kinds, text)
    if part.operator == "in":
        if isinstance(part.right, Several):
            _want(left, _literal_kind(part.right.values[0]), "in", text)
        else:
            _want(_kind(part.right, kinds, text), FactKind.NAMES, "in", text)
            _want(left, FactKind.TEXT, "in", text)
        return
    right = _kind(part.right, kinds, text)
    _want(right, left, part.operator, text)
    if left == FactKind.NAMES or (part.operator not in {"==", "!="} and left != FactKind.NUMBER):
        _refuse(text, f"{part.operator!r} không so được {left}", f"{part.operator!r} does not compare {left}")


def _literal_kind(value: bool | int | str) -> FactKind:
    if isinstance(value, bool):
        return FactKind.YES_NO
    return FactKind.NUMBER if isinstance(value, int) else FactKind.TEXT


def _want(found: FactKind, expected: FactKind, where: str, text: str) -> None:
    if found != expected:
        _refuse(text, f"{where!r}: có {found}, cần {expected}", f"{where!r}: found {found}, expected {expected}")


def _refuse(text: str, vi: str, en: str) -> NoReturn:
    raise BadCondition(f"Điều kiện {text!r}: {vi}", f"Condition {text!r}: {en}")
