"""The document's version and the extensions it declares (7.12): both may grow, neither may shrink.

A reader decides by them how it reads the rest; a document that is declared to be older than it was signed reads otherwise.
"""

import re
from typing import Any

from signing.verification.pdf import View

_VERSION = re.compile(r"/([12])\.(\d)")
_DECLARED = frozenset({"/BaseVersion", "/ExtensionLevel", "/ExtensionRevision", "/URL", "/Type"})
MAX_EXTENSIONS = 64  # of one prefix, and prefixes; real files have one or two


def declares_less(old: View, new: View, *, signing: bool) -> str | None:
    """The key of the catalog that declares less than before, or something that is no declaration; None where none does.

    Whoever signs writes the declaration of their own signature's form (ETSI's, level 2) over a later one (level 5): with a new
    signature the level of an extension may be lower.
    """
    before, after = old.resolve(old.catalog.get("/Version")), new.resolve(new.catalog.get("/Version"))
    if before != after and (version_of(after) is None or (version_of(before) or (0, 0)) > (version_of(after) or (0, 0))):
        return "/Version"
    first, second = old.resolve(old.catalog.get("/Extensions")), new.resolve(new.catalog.get("/Extensions"))
    if first is None and second is None:
        return None
    if not isinstance(second, dict) or not isinstance(first, dict | None) or len(second) > MAX_EXTENSIONS:
        return "/Extensions"
    if not all(_is_declaration(new, value) for key, value in second.items() if key != "/Type"):
        return "/Extensions"
    kept = (
        key in second and _stays(old, value, new, second[key], signing=signing)
        for key, value in (first or {}).items()
        if key != "/Type"
    )
    return None if all(kept) else "/Extensions"


def version_of(value: Any) -> tuple[int, int] | None:
    """The numbers of a version's name such as /1.7; None for anything else."""
    match = _VERSION.fullmatch(value) if isinstance(value, str) else None
    return (int(match.group(1)), int(match.group(2))) if match else None


def _is_declaration(view: View, value: Any) -> bool:
    """A developer's entry holds names, numbers and an address, nothing that a reader draws or runs."""
    for each in _listed(view, value):
        if not isinstance(each, dict) or not each.keys() <= _DECLARED:
            return False
        if not all(isinstance(view.resolve(entry), str | bytes | int | float) for entry in each.values()):
            return False
    return True


def _listed(view: View, value: Any) -> list[Any]:
    """The extensions of one developer: one dictionary, or since PDF 2.0 several in an array."""
    items = view.resolve(value)
    listed = items if isinstance(items, list) else [items]
    return [view.resolve(each) for each in listed[:MAX_EXTENSIONS]]


def _stays(old: View, before: Any, new: View, after: Any, *, signing: bool) -> bool:
    """Each extension is still there, at the same level or a higher one."""
    listed = _listed(new, after)
    return all(any(_grew(old, each, new, other, signing=signing) for other in listed) for each in _listed(old, before))


def _grew(old: View, before: Any, new: View, after: Any, *, signing: bool) -> bool:
    if not isinstance(before, dict):
        return True  # it declared nothing
    levels = old.resolve(before.get("/ExtensionLevel")), new.resolve(after.get("/ExtensionLevel"))
    bases = version_of(old.resolve(before.get("/BaseVersion"))), version_of(new.resolve(after.get("/BaseVersion")))
    lower = isinstance(levels[0], int) and (not isinstance(levels[1], int) or levels[1] < levels[0])
    older = bases[0] is not None and (bases[1] is None or bases[1] < bases[0])
    return (signing or not lower) and not older
