"""Our few words on a step: its `spiffworkflow:properties`, read and checked.

===============  ==========================================  ====================================================
property         example                                     meaning
===============  ==========================================  ====================================================
`action`         `sign`                                      what the person, or the system's handler, does
`decides`        `outcome=signed|send_back(sheets:names)`    exactly the facts that the step is completed with
`capacity`       `-,KT.`                                     in whose name it may be done; `-` is one's own office
`not_same_as`    `homeroom_teacher_signs`                    steps whose actor may not do this one
`due`            `D-7`, `D`, `P2D`, `PT4H`                   days before the closing date, or a time after it opened
`remind`         `50,80`                                     reminders, in hundredths of the time until it is due
`escalate`       `PHT`                                       the role that is told when it is overdue
`lane`           `HT`                                        of a message event, which stands in no lane: who may send it
===============  ==========================================  ====================================================

`decides` is a list separated by `;`. Each part is either `name:kind` (a fact that is always given; kinds are `yes_no`,
`number`, `text`, `names`) or one choice `name=word|word|...`; a word may ask for more facts in brackets, which are given
exactly when that word is chosen.

    >>> decides = parse_decides("outcome=signed|send_back(sheets:names)|rebind")
    >>> decides.words
    ('signed', 'send_back', 'rebind')
    >>> {name: str(kind) for name, kind in decides.facts_of("send_back").items()}
    {'sheets': 'names'}
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

from bpmn.conditions import LARGEST, RESERVED, FactKind
from bpmn.errors import BadFact, BadProperty

Fact = bool | int | str | tuple[str, ...]

WORD = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
KEY = re.compile(r"[a-z][a-z0-9_-]{0,63}", re.ASCII)  # of a sheet or a person in a fact of names: "lich-su-dia-li"
ROLE = re.compile(r"[A-Z][A-Z0-9_]{0,15}", re.ASCII)
SYSTEM = "system"  # the lane of what no person does
MOST_NAMES = 200  # wider than any class or school board; a wider set is a case of its own (measured: quadratic beyond)
LONGEST_TEXT = 200  # characters of a fact: facts steer, documents hold the rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Decides:
    """The facts that a step is completed with."""

    always: Mapping[str, FactKind] = field(default_factory=lambda: MappingProxyType({}))
    choice: str | None = None  # the name of the fact that is chosen, "outcome"
    options: Mapping[str, Mapping[str, FactKind]] = field(
        default_factory=lambda: MappingProxyType({})
    )  # word -> what it asks for

    @property
    def words(self) -> tuple[str, ...]:
        """What may be chosen."""
        return tuple(self.options)

    @property
    def kinds(self) -> Mapping[str, FactKind]:
        """Every fact it can ever set, with its kind."""
        asked = {name: kind for more in self.options.values() for name, kind in more.items()}
        chosen = {self.choice: FactKind.TEXT} if self.choice else {}
        return {**self.always, **chosen, **asked}

    def facts_of(self, word: str) -> Mapping[str, FactKind]:
        """What is asked for beside the choice when this word is chosen."""
        return self.options[word]

    def as_mapping(self) -> Mapping[str, tuple[str, ...] | FactKind]:
        """`{"outcome": ("signed", "send_back"), "sheets": FactKind.NAMES}`: for whoever draws a form."""
        return {name: self.words if name == self.choice else kind for name, kind in self.kinds.items()}

    def check(self, facts: Mapping[str, Fact]) -> None:
        """BadFact unless these are exactly the facts that are declared, each of its kind."""
        wanted = dict(self.always)
        if self.choice:
            wanted[self.choice] = FactKind.TEXT
            chosen = facts.get(self.choice)
            if not isinstance(chosen, str) or chosen not in self.options:
                _bad_fact(self.choice, chosen, " | ".join(self.words))
            wanted |= self.options[chosen]
        for name in sorted(wanted.keys() - facts.keys()):
            raise BadFact(f"Thiếu dữ kiện {name!r}", f"The fact {name!r} is missing")
        for name in sorted(facts.keys() - wanted.keys()):
            raise BadFact(
                f"Dữ kiện {name!r} không được khai báo ở bước này", f"The fact {name!r} is not declared for this step"
            )
        for name, kind in wanted.items():
            check_fact(name, facts[name], kind)


def check_fact(name: str, value: object, kind: FactKind) -> None:
    """BadFact unless the value is of the kind and within its bounds."""
    if kind == FactKind.YES_NO:
        fits = isinstance(value, bool)
    elif kind == FactKind.NUMBER:
        fits = type(value) is int and abs(value) <= LARGEST
    elif kind == FactKind.TEXT:
        fits = isinstance(value, str) and len(value) <= LONGEST_TEXT and value.isprintable()
    else:
        fits = _are_names(value)
    if not fits:
        _bad_fact(name, value, kind)


def _are_names(value: object) -> bool:
    """At least one: an empty set would open nothing and the case would run on as if all had been done."""
    return (
        isinstance(value, tuple)
        and 1 <= len(value) <= MOST_NAMES
        and all(isinstance(name, str) and KEY.fullmatch(name) for name in value)
        and len(set(value)) == len(value)
    )


def _bad_fact(name: str, found: object, expected: str) -> NoReturn:
    shown = repr(found)[:80]
    raise BadFact(f"Dữ kiện {name!r}: có {shown}, cần {expected}", f"Fact {name!r}: found {shown}, expected {expected}")


# ------------------------------------------------------------------------------------------------ reading

_PART = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\s*(?P<sign>[:=])\s*(?P<rest>.+)", re.ASCII | re.DOTALL)
_OPTION = re.compile(r"(?P<word>[a-z][a-z0-9_]*)\s*(?:\((?P<asks>[^()|]*)\))?", re.ASCII)
_ASKED = re.compile(r"(?P<name>[a-z][a-z0-9_]*)\s*:\s*(?P<kind>[a-z_]+)", re.ASCII)
_DUE = re.compile(r"D([+-][1-9][0-9]{0,2})?|P[1-9][0-9]{0,2}D|PT[1-9][0-9]{0,3}[HM]", re.ASCII)
_DURATION = re.compile(r"P(?=.)(?:[1-9][0-9]{0,3}D)?(?:T(?=.)(?:[1-9][0-9]{0,3}H)?(?:[1-9][0-9]{0,3}M)?)?", re.ASCII)
_CAPACITY = re.compile(r"-|KT\.|TM\.|TL\.|TUQ\.")


def parse_decides(text: str) -> Decides:
    """Understand the property. BadProperty says which part is not in the profile."""
    always: dict[str, FactKind] = {}
    choice: str | None = None
    options: dict[str, Mapping[str, FactKind]] = {}
    for part in text.split(";"):
        match = _PART.fullmatch(part.strip()) or _bad("decides", part, "name:kind | name=word|word")
        name = _new(match["name"], {*always, choice})
        if match["sign"] == ":":
            always[name] = _fact_kind(match["rest"].strip())
        elif choice is None:
            choice, options = name, _options(match["rest"])
        else:
            _bad("decides", part, f"one choice only, {choice!r} is there")
    for asked in options.values():
        for name in asked:
            _new(name, {*always, choice})
    return Decides(always=MappingProxyType(always), choice=choice, options=MappingProxyType(options))


def _options(text: str) -> dict[str, Mapping[str, FactKind]]:
    options: dict[str, Mapping[str, FactKind]] = {}
    for option in text.split("|"):
        match = _OPTION.fullmatch(option.strip()) or _bad("decides", option, "word | word(name:kind)")
        asked: dict[str, FactKind] = {}
        for ask in match["asks"].split(",") if match["asks"] is not None else ():
            found = _ASKED.fullmatch(ask.strip()) or _bad("decides", ask, "name:kind")
            asked[_new(found["name"], asked)] = _fact_kind(found["kind"])
        options[_new(match["word"], options)] = MappingProxyType(asked)
    if len(options) == 1:
        _bad("decides", text, "two words or more to choose from")
    return options


def _new(name: str, known: object) -> str:
    if not WORD.fullmatch(name) or name in RESERVED:
        _bad("decides", name, "[a-z][a-z0-9_]*")
    if name in known:  # type: ignore[operator]  # a set or a mapping of names
        _bad("decides", name, "each name once")
    return name


def _fact_kind(text: str) -> FactKind:
    try:
        return FactKind(text)
    except ValueError:
        _bad("decides", text, " | ".join(FactKind))


def split_list(text: str) -> tuple[str, ...]:
    """`"a, b"` -> `("a", "b")`."""
    return tuple(part.strip() for part in text.split(","))


def check_property(name: str, value: str) -> None:
    """BadProperty unless the property is one of ours and written as the profile says (`decides` is read on its own)."""
    if name not in _CHECKS:
        _bad(name, value, " | ".join(_CHECKS))
    fits, expected = _CHECKS[name]
    if not fits(value):
        _bad(name, value, expected)


def is_timer_text(text: str) -> bool:
    """A plain duration (`P2D`, `PT24H`) or `due`: the case's own due time. Never an expression, never a date."""
    return text == "due" or _DURATION.fullmatch(text) is not None


def _is_percentages(value: str) -> bool:
    parts = split_list(value)
    numbers = [int(part) for part in parts if re.fullmatch(r"[1-9][0-9]?", part, re.ASCII)]
    return len(numbers) == len(parts) and numbers == sorted(set(numbers))


def _is_list_of(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda value: (
        all(pattern.fullmatch(part) for part in split_list(value)) and len(set(split_list(value))) == len(split_list(value))
    )


_CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "action": (lambda value: WORD.fullmatch(value) is not None, "sign, review, ..."),
    "decides": (lambda value: bool(parse_decides(value)), "outcome=signed|send_back(sheets:names)"),
    "capacity": (_is_list_of(_CAPACITY), "-,KT.,TM.,TL.,TUQ."),
    "not_same_as": (_is_list_of(WORD), "step,step"),
    "due": (lambda value: _DUE.fullmatch(value) is not None, "D-7 | D | P2D | PT4H"),
    "remind": (_is_percentages, "50,80"),
    "escalate": (lambda value: ROLE.fullmatch(value) is not None, "HT"),
    "lane": (lambda value: ROLE.fullmatch(value) is not None, "HT"),
}


def _bad(name: str, found: str, expected: str) -> NoReturn:
    raise BadProperty(f"{name}: có {found.strip()!r}, cần {expected}", f"{name}: found {found.strip()!r}, expected {expected}")
