"""What we allow after a signature by a rule of our own and pyHanko does not know: written once more in pyHanko's terms.

    policy = Forgiving({"freed", "annotations", "tags", "widget"})
    await async_validate_pdf_signature(embedded, context, diff_policy=policy)
    policy.used                                  # the names that were needed: {"freed"}

pyHanko compares revision by revision and objects to one of them; the objection is set aside only where everything that it
names is of one named kind. Every other revision, and every other objection, stays as pyHanko has it. Only for the judge's
own process: the names in `NAMED` are all that may ever be set aside.
"""

import re
from collections.abc import Iterable, Iterator
from types import MappingProxyType
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel, SuspiciousModification
from pyhanko.sign.diff_analysis.policies import StandardDiffPolicy
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm

NAMED = MappingProxyType(
    {
        "freed": "pyHanko refuses every freed object; these could not be reached, before or after",
        "annotations": "pyHanko has no rules for annotations where the certification allows them (P=3)",
        "tags": "pyHanko has no rule for elements of the structure tree that only point at a field",
        "widget": "pyHanko knows a field with one widget only in its merged form",
    }
)

# ISO 32000-2, 12.5.6: what stands beside the content or marks it, and cannot cover it.
_NOTES = frozenset(["/Text", "/Link", "/Popup", "/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Caret"])
_QUIET_ACTIONS = frozenset(["/URI", "/GoTo", "/Named"])
# ISO 32000-2, 12.5.6.19: the entries of a widget's own that leave the field when the two are split.
_OF_WIDGETS = frozenset(
    f"/{name}"
    for name in (
        "Type",
        "Subtype",
        "Rect",
        "P",
        "F",
        "AP",
        "AS",
        "MK",
        "BS",
        "Border",
        "StructParent",
        "NM",
        "M",
        "DA",
        "Q",
        "H",
        "OC",
    )
)
_OF_ELEMENTS = frozenset(["/Type", "/S", "/P", "/K", "/Pg", "/ID", "/Lang"])
_UNEXPLAINED = re.compile(r"There are unexplained xrefs in revision \d+: ([^.]*)\.")
_REFERENCE = re.compile(r"idnum=(\d{1,10}), generation=(\d{1,6})")
_KEYS_DIFFER = re.compile(r"Dict keys differ: \{([^{}]*)\} vs\. \{([^{}]*)\}\.")
_MAX_REFERENCES = 10_000


class Forgiving(StandardDiffPolicy):
    """pyHanko's own policy, less the objections that have a name."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names`: of `NAMED`; KeyError for another. None: pyHanko's policy as it is."""
        super().__init__(
            global_rules=DEFAULT_DIFF_POLICY.global_rules,
            form_rule=DEFAULT_DIFF_POLICY.form_rule,
            # The library's policy would end at the first freed object; `apply` looks at them itself.
            reject_object_freeing=False,
        )
        self.names = frozenset(name for name in names if NAMED[name])
        self.used: set[str] = set()

    def apply(
        self,
        old: HistoricalResolver,
        new: HistoricalResolver,
        field_mdp_spec: FieldMDPSpec | None = None,
        doc_mdp: MDPPerm | None = None,
    ) -> DiffResult:
        """One revision. SuspiciousModification unless pyHanko, or a name, allows it."""
        freed: set[generic.Reference] = set(new.refs_freed_in_revision())  # type: ignore[no-untyped-call]
        if freed:
            if "freed" not in self.names or not _unreachable(freed, old, new):
                raise SuspiciousModification(f"freed: {', '.join(map(repr, sorted(freed, key=lambda ref: ref.idnum)))[:200]}")
            self.used.add("freed")
            _hide(freed, new)
        try:
            return super().apply(old, new, field_mdp_spec, doc_mdp)
        except SuspiciousModification as objection:
            name = _name_of(str(objection), old, new, doc_mdp)
            if name not in self.names:
                raise
            self.used.add(name)
            level = ModificationLevel.ANNOTATIONS if name == "annotations" else ModificationLevel.FORM_FILLING
            return DiffResult(level, set())


def _hide(freed: set[generic.Reference], new: HistoricalResolver) -> None:
    """The library counts freed objects among a revision's own and then cannot read them: this revision lists them no more."""
    listed = set(new.explicit_refs_in_revision()) - freed  # type: ignore[no-untyped-call]
    new.explicit_refs_in_revision = lambda: set(listed)  # type: ignore[method-assign]


def _unreachable(freed: Iterable[generic.Reference], old: HistoricalResolver, new: HistoricalResolver) -> bool:
    numbers = {ref.idnum for ref in freed}
    return not any(numbers & _reached(each) for each in (old, new))


def _reached(state: HistoricalResolver) -> set[int]:
    """The numbers of all objects to which a way leads from the catalog. The library's own walk ends at a freed one."""
    seen: set[int] = set()
    waiting: list[Any] = [state.root_ref]
    while waiting:
        value = waiting.pop()
        if isinstance(value, generic.Reference | generic.IndirectObject):
            if value.idnum in seen:
                continue
            seen.add(value.idnum)
            reference = value.reference if isinstance(value, generic.IndirectObject) else value
            value = _before(reference, state)
        if isinstance(value, generic.DictionaryObject):  # a stream is one too
            waiting += [value.raw_get(key) for key in value]
        elif isinstance(value, generic.ArrayObject):
            waiting += [value.raw_get(index) for index in range(len(value))]
    return seen


def _name_of(objection: str, old: HistoricalResolver, new: HistoricalResolver, doc_mdp: MDPPerm | None) -> str:
    """The name of the kind to which all belong that pyHanko objects to; "" for none."""
    if _is_split_widget(objection):
        return "widget"
    refs = list(_unexplained(objection, new))
    if not refs:
        return ""
    if doc_mdp is MDPPerm.ANNOTATE and all(_is_note(ref, old, new) for ref in refs):
        return "annotations"
    return "tags" if all(_is_tag(ref, old, new) for ref in refs) else ""


def _is_split_widget(objection: str) -> bool:
    """A field that gave its widget's entries to a child, and kept all that says what it is."""
    found = _KEYS_DIFFER.fullmatch(objection)
    if found is None:
        return False
    new, old = ({each.strip(" '") for each in side.split(",")} for side in found.groups())
    return new - old == {"/Kids"} and old - new <= _OF_WIDGETS and "/Subtype" in old - new


def _unexplained(objection: str, new: HistoricalResolver) -> Iterator[generic.Reference]:
    found = _UNEXPLAINED.match(objection)
    for number, generation in _REFERENCE.findall(found.group(1))[:_MAX_REFERENCES] if found else ():
        yield generic.Reference(int(number), int(generation), new.reader)


def _before(ref: generic.Reference, old: HistoricalResolver) -> Any:
    try:
        return old.get_object(ref)
    except Exception:  # noqa: BLE001 -- the library raises several kinds for what was not there
        return None


def _is_note(ref: generic.Reference, old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """A new note without a picture of its own, a page that has more notes than before, or the list of them."""
    was, now = _before(ref, old), new.get_object(ref)
    if isinstance(now, generic.ArrayObject):
        return isinstance(was, generic.ArrayObject) and _keeps(was, now)
    if not isinstance(now, generic.DictionaryObject) or isinstance(now, generic.StreamObject):
        return False
    if now.get("/Type") == "/Page" and isinstance(was, generic.DictionaryObject):
        return _same_but(was, now, "/Annots", "/LastModified") and _keeps(
            _items(was, "/Annots", old), _items(now, "/Annots", new)
        )
    action = now.get("/A", {})
    quiet = not action or (
        now.get("/Subtype") == "/Link"
        and isinstance(action, generic.DictionaryObject)
        and action.get("/S") in _QUIET_ACTIONS
        and "/Next" not in action
    )
    return was is None and now.get("/Subtype") in _NOTES and quiet and not {"/AA", "/AP", "/MK"} & set(now)


def _is_tag(ref: generic.Reference, old: HistoricalResolver, new: HistoricalResolver) -> bool:
    """A part of the structure tree that lost nothing, and of which what is new points at objects, never at content."""
    was, now = _before(ref, old), new.get_object(ref)
    if isinstance(now, generic.StreamObject) or (was is not None and type(was) is not type(now)):
        return False
    if isinstance(now, generic.ArrayObject):
        return was is not None and _keeps(was, now)
    if not isinstance(now, generic.DictionaryObject):
        return False
    if was is None:
        return _is_new_tag(now, new)
    grows = ("/Nums",) if "/Nums" in now else ("/K", "/ParentTreeNextKey")
    is_tree = now.get("/Type") == "/StructTreeRoot" or "/S" in now or "/Nums" in now
    return is_tree and _same_but(was, now, *grows) and _keeps(_items(was, grows[0], old), _items(now, grows[0], new))


def _is_new_tag(now: generic.DictionaryObject, new: HistoricalResolver) -> bool:
    if "/S" not in now or set(now) - _OF_ELEMENTS:
        return False
    kids = [
        new.get_object(each.reference) if isinstance(each, generic.IndirectObject) else each for each in _items(now, "/K", new)
    ]
    return bool(kids) and all(isinstance(kid, generic.DictionaryObject) and kid.get("/Type") == "/OBJR" for kid in kids)


def _items(holder: generic.DictionaryObject, key: str, state: HistoricalResolver) -> list[Any]:
    held = holder.raw_get(key) if key in holder else generic.ArrayObject()
    if isinstance(held, generic.IndirectObject):
        inner = state.get_object(held.reference)
        return list(inner) if isinstance(inner, generic.ArrayObject) else [held]
    return [held.raw_get(n) for n in range(len(held))] if isinstance(held, generic.ArrayObject) else [held]


def _keeps(was: Iterable[Any], now: Iterable[Any]) -> bool:
    """Everything is still there, in its order."""
    rest = iter(list(now))
    return all(any(_plain(kept) == _plain(each) for each in rest) for kept in was)


def _plain(value: Any) -> Any:
    return (value.idnum, value.generation) if isinstance(value, generic.IndirectObject) else value


def _same_but(was: generic.DictionaryObject, now: generic.DictionaryObject, *keys: str) -> bool:
    names = (set(was) | set(now)) - set(keys)
    return names <= set(was) & set(now) and all(_plain(was.raw_get(name)) == _plain(now.raw_get(name)) for name in names)
