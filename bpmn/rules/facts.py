"""Rules on facts and conditions: declared, of one kind, there when they are asked for, decided by the step just before.

Facts travel with the token, and the engine tries conditions in the order in which their targets are drawn. So an outcome must
be decided by the very step before the gateway that asks for it, and two conditions of one gateway must never both be true.
That is shown by trying them on every combination of values that could make a difference.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations, product

from bpmn.conditions import (
    RESERVED,
    Compare,
    Condition,
    Expression,
    FactKind,
    Literal,
    Name,
    Several,
    Size,
    Value,
    Visits,
    check_kinds,
    parse,
)
from bpmn.diagram import CHOOSING, Diagram, Flow
from bpmn.errors import BadCondition, BadFact, Fault
from bpmn.faults import fault
from bpmn.properties import WORD, Decides
from bpmn.ways import Ways

MOST_CASES = 20_000  # combinations of values tried for one gateway; a condition that needs more cannot be read by people either


def check_conditions(diagram: Diagram, decides: Mapping[str, Decides]) -> tuple[dict[str, Condition], list[Fault]]:
    """The conditions of the flows, understood, and what is wrong with them and with the facts they name."""
    kinds, faults = _kinds(diagram, decides)
    conditions: dict[str, Condition] = {}
    asked = [(flow.id, flow.id, flow.condition, False) for flow in diagram.flows.values() if flow.condition is not None]
    asked += [(node.id, "", node.loop.until, True) for node in diagram.nodes.values() if node.loop and node.loop.until]
    for element, flow, text, counting in asked:
        try:
            condition = parse(text, counting=counting)
            wrong = list(_unknown(diagram, element, condition, kinds))
            if not wrong:
                check_kinds(condition, kinds)
        except BadCondition as bad:
            wrong = [fault("BAD_CONDITION", element, found_vi=bad.vi, found_en=bad.en)]
        faults += wrong
        if not wrong and flow:
            conditions[flow] = condition
    return conditions, faults


def check_facts(ways: Ways) -> Iterator[Fault]:
    """What needs the ways between the steps: call it only when the elements and the conditions are right."""
    for rule in (_gateways, _missing, _stale, _decides):
        yield from rule(ways)


# ------------------------------------------------------------------------------------------------ names and kinds


def _kinds(diagram: Diagram, decides: Mapping[str, Decides]) -> tuple[dict[str, FactKind], list[Fault]]:
    """Every fact with its one kind, and what is wrong with the names."""
    kinds: dict[str, FactKind] = {}
    faults = list(_bad_names(diagram))
    collected = {node.loop.collects for node in diagram.nodes.values() if node.loop}
    for node, declared in decides.items():
        for name, kind in declared.kinds.items():
            if name not in diagram.facts or name in collected:
                faults.append(fault("UNDECLARED_FACT", node, found=name))
            if kinds.setdefault(name, kind) != kind:
                faults.append(fault("FACT_KIND", node, found=name))
    faults += [
        fault("FACT_KIND", node.id, found=node.loop.over)
        for node in diagram.nodes.values()
        if node.loop and node.loop.over and kinds.get(node.loop.over, FactKind.NAMES) != FactKind.NAMES
    ]
    return kinds, faults


def _bad_names(diagram: Diagram) -> Iterator[Fault]:
    """Each name once, among facts and items: an item that exists already stops the engine in the second round."""
    loops = [(node.id, node.loop) for node in diagram.nodes.values() if node.loop]
    items = [item for _, loop in loops for item in (loop.item, loop.done_item) if item]
    names = [*diagram.facts, *items]
    for name in sorted(set(names)):
        if not WORD.fullmatch(name) or name in RESERVED or names.count(name) > 1:
            yield fault("BAD_FACT_NAME", diagram.id, found=name)
    for node, loop in loops:
        for fact in (loop.over, loop.collects):
            if fact and fact not in diagram.facts:
                yield fault("UNDECLARED_FACT", node, found=fact)


def _unknown(diagram: Diagram, element: str, condition: Condition, kinds: Mapping[str, FactKind]) -> Iterator[Fault]:
    for name in sorted(condition.facts):
        if name not in diagram.facts:
            yield fault("UNDECLARED_FACT", element, found=name)
        elif name not in kinds:
            yield fault("MISSING_FACT", element, found=name)
    for step in sorted(condition.steps):
        if step not in diagram.nodes or not diagram.nodes[step].kind:
            yield fault("UNKNOWN_STEP", element, found=step)


# ------------------------------------------------------------------------------------------------ one gateway


def _gateways(ways: Ways) -> Iterator[Fault]:
    for node in ways.diagram.nodes.values():
        out = ways.diagram.ways_out(node.id)
        if node.tag in CHOOSING and len(out) > 1:
            yield from _one_gateway(ways, node.id, out, exclusive=node.tag == "exclusiveGateway")
        elif node.tag in CHOOSING and (node.default or any(flow.condition for flow in out)):
            yield fault("CONDITION_PLACE", node.id)


def _one_gateway(ways: Ways, gateway: str, out: list[Flow], *, exclusive: bool) -> Iterator[Fault]:
    default = next((flow for flow in out if flow.id == ways.diagram.nodes[gateway].default), None)
    if default is None:
        yield fault("NO_DEFAULT", gateway)
        return
    if default.condition is not None:
        yield fault("DEFAULT_CONDITION", default.id)
        return
    unconditional = [flow for flow in out if flow is not default and flow.condition is None]
    if unconditional:
        yield from (fault("NO_CONDITION", flow.id) for flow in unconditional)
        return
    asked = {flow.id: ways.conditions[flow.id] for flow in out if flow is not default}
    yield from _compare_ways(gateway, asked, default.id, exclusive=exclusive)


def _compare_ways(gateway: str, asked: Mapping[str, Condition], default: str, *, exclusive: bool) -> Iterator[Fault]:
    """Try every combination of values that could make a difference."""
    together: set[tuple[str, str]] = set()
    taken: set[str] = set()
    cases = _cases(list(asked.values()))
    if cases is None:
        yield fault("OVERLAPPING", gateway, found=" , ".join(condition.text for condition in asked.values())[:200])
        return
    for facts, visits in cases:
        true = [flow for flow, condition in asked.items() if _holds(condition, facts, visits)]
        together |= set(combinations(true, 2)) if exclusive else set()
        taken |= set(true) or {default}
    for one, other in sorted(together):
        yield fault("OVERLAPPING", gateway, found=f"{one}: {asked[one].text} , {other}: {asked[other].text}")
    for flow in sorted({*asked, default} - taken):
        yield fault("NEVER_TRUE", flow, found=asked[flow].text if flow in asked else "default")


def _holds(condition: Condition, facts: Mapping[str, Value], visits: Mapping[str, int]) -> bool:
    try:
        return condition.holds(facts, visits=visits.__getitem__)
    except BadFact:  # a name compared with a name of another set: the kinds were checked, so this is a gap in the cases
        return True


def _cases(conditions: list[Condition]) -> list[tuple[dict[str, Value], dict[str, int]]] | None:
    """Values for every fact and count: each literal, its neighbours, and one that is named nowhere. None if too many."""
    parts = [part for condition in conditions for part in condition.atoms()]
    compares = [part for part in parts if isinstance(part, Compare)]
    numbers, texts = _literals(parts)
    counts = sorted({max(n, 0) for n in numbers} | {0, 1})
    members = _members(compares)
    domains: dict[Expression, list[Value]] = {}
    for part in parts:
        if isinstance(part, Visits):
            domains[part] = list(counts)
        elif isinstance(part, Name) and part.name in members:
            domains[part] = _sets(members[part.name], counts if Size(part.name) in parts else [1])
        elif isinstance(part, Size) and part.name not in members:
            domains[Name(part.name)] = _sets(frozenset(), counts)
        elif isinstance(part, Name):
            domains[part] = _values(part, compares, numbers, texts)
    total = 1
    for values in domains.values():
        total *= len(values)
    if total > MOST_CASES or any(not values for values in domains.values()):
        return None
    cases = []
    for chosen in product(*domains.values()):
        pairs = list(zip(domains, chosen, strict=True))
        facts = {part.name: value for part, value in pairs if isinstance(part, Name)}
        visits = {part.step: value for part, value in pairs if isinstance(part, Visits) and isinstance(value, int)}
        cases.append((facts, visits))
    return cases


def _literals(parts: list[Expression]) -> tuple[list[int], list[str]]:
    """Every number with its neighbours, every text with one that nobody wrote."""
    plain = [part.value for part in parts if isinstance(part, Literal)]
    plain += [value for part in parts if isinstance(part, Several) for value in part.values]
    spread = sum(isinstance(part, Name) for part in parts) + 1
    numbers = {value + d for value in plain if type(value) is int for d in range(-spread, spread + 1)} or set(range(spread + 1))
    return sorted(numbers), [*sorted({value for value in plain if isinstance(value, str)}), "~"]


def _members(compares: list[Compare]) -> dict[str, frozenset[str]]:
    """For each set of names that is searched: which names are looked for (and one for a fact that is looked for)."""
    found: dict[str, set[str]] = {}
    for part in compares:
        if part.operator == "in" and isinstance(part.right, Name):
            wanted = part.left.value if isinstance(part.left, Literal) else "~"
            found.setdefault(part.right.name, set()).add(str(wanted))
    return {name: frozenset(wanted) for name, wanted in found.items()}


def _sets(wanted: frozenset[str], sizes: list[int]) -> list[Value]:
    """Every choice of the wanted names, filled up to each size."""
    return [
        (*chosen, *(f"~{n}" for n in range(size - number)))
        for size in sizes
        for number in range(min(len(wanted), size) + 1)
        for chosen in combinations(sorted(wanted), number)
    ]


def _values(part: Name, compares: list[Compare], numbers: list[int], texts: list[str]) -> list[Value]:
    """By what a fact is compared with: numbers, texts, or nothing (then it is true or false)."""
    others = [c.right if c.left == part else c.left for c in compares if part in {c.left, c.right}]
    if not others or any(isinstance(other, Literal) and isinstance(other.value, bool) for other in others):
        return [True, False]
    is_text = any(
        (isinstance(o, Literal) and isinstance(o.value, str)) or (isinstance(o, Several) and isinstance(o.values[0], str))
        for o in others
    )
    is_number = any(
        isinstance(o, Size | Visits)
        or (isinstance(o, Literal) and type(o.value) is int)
        or (isinstance(o, Several) and not is_text)
        for o in others
    )
    if is_text == is_number:  # two facts compared with each other only: not worth the trouble
        return []
    return list(texts) if is_text else list(numbers)


# ------------------------------------------------------------------------------------------------ who decided it


def _choices(ways: Ways) -> frozenset[str]:
    return frozenset(each.choice for each in ways.decides.values() if each.choice)


def _asked_at(ways: Ways, gateway: str) -> frozenset[str]:
    out = ways.diagram.ways_out(gateway)
    return frozenset(name for flow in out if flow.id in ways.conditions for name in ways.conditions[flow.id].facts)


def _missing(ways: Ways) -> Iterator[Fault]:
    """Every other fact is given at the start, or by each step just before."""
    given = ways.decides.get(ways.start_of(ways.diagram.id).id, Decides()).always
    for node in ways.diagram.nodes.values():
        needed = (_asked_at(ways, node.id) - _choices(ways)) | ({node.loop.over} if node.loop and node.loop.over else set())
        for name in sorted(needed - given.keys()):
            before = ways.deciders(node.id)
            if not before or any(name not in ways.decides.get(step, Decides()).always for step in before):
                yield fault("MISSING_FACT", node.id, found=name)


def _stale(ways: Ways) -> Iterator[Fault]:
    """A choice is asked for only directly behind the steps that choose it."""
    for node in ways.diagram.nodes.values():
        for name in sorted(_asked_at(ways, node.id) & _choices(ways)):
            for step in sorted(ways.deciders(node.id)):
                if ways.decides.get(step, Decides()).choice != name:
                    yield fault("STALE_FACT", node.id, found=name, step=step)


def _decides(ways: Ways) -> Iterator[Fault]:
    """What a step offers is just what the next gateway asks for, and its default is meant for exactly one of the words."""
    for step, decides in ways.decides.items():
        if not decides.choice:
            continue
        gateways = [
            node.id
            for node in ways.diagram.nodes.values()
            if decides.choice in _asked_at(ways, node.id) and step in ways.deciders(node.id)
        ]
        if not gateways:
            yield fault("DECIDES", step, gateway="-", found=" | ".join(decides.words))
            continue
        strange = sorted(set().union(*(_words_at(ways, gateway, decides.choice) for gateway in gateways)) - set(decides.words))
        left = [word for word in decides.words if all(_defaults(ways, gateway, {decides.choice: word}) for gateway in gateways)]
        if strange:
            yield fault("DECIDES", step, gateway=gateways[0], found=" | ".join(strange))
        elif len(left) != 1:
            yield fault("DECIDES", step, gateway=gateways[0], found="default: " + (" | ".join(left) or "-"))


def _words_at(ways: Ways, gateway: str, choice: str) -> set[str]:
    words: set[str] = set()
    for flow in ways.diagram.ways_out(gateway):
        condition = ways.conditions.get(flow.id)
        for part in condition.atoms() if condition else ():
            if isinstance(part, Compare) and Name(choice) in {part.left, part.right}:
                other = part.right if part.left == Name(choice) else part.left
                values = other.values if isinstance(other, Several) else [other.value] if isinstance(other, Literal) else []
                words |= {str(value) for value in values}
    return words


def _defaults(ways: Ways, gateway: str, known: Mapping[str, str | None]) -> bool:
    return [flow.id for flow in ways.flows_taken(gateway, known)] == [ways.diagram.nodes[gateway].default]
