"""References by a generation that their number does not have: null by the book (ISO 32000-2 7.3.10), an object for many.

A picture that is hung on a page as `50 7 R` while its object is `50 0` is nothing for one reader and a picture for the next.
So what a later revision brings may hold no such reference, and what it brings may not be meant by one that was there.
"""

from collections.abc import Iterable, Iterator

from signing.verification.graph import Pair, all_references, is_there, references
from signing.verification.pdf import PLAIN, Pdf, View
from signing.verification.syntax import Ref

MAX_NUMBER = 8_388_607  # of objects (ISO 32000-2 annex C); readers with shorter numbers take a larger one for another object


def stray_references(pair: Pair) -> list[str]:
    """What refers to an object by a generation that it does not have, where this revision brought the one or the other.

    What was there before and leads to what was there before is nothing new. Objects that no way leads to are left out.
    """
    renumbered = {number for number in pair.changed if _generation(pair.new, number) not in (None, 0)}
    found: list[tuple[int, Ref]] = []
    for number in _live_numbers(pair):
        if number in pair.changed or renumbered:
            refs: Iterable[Ref] = dict.fromkeys(all_references(pair.pdf.load(number, pair.new.revision)))
        else:
            refs = _unusual_references(pair.pdf, number, pair.new.revision)
        found += [(number, ref) for ref in _new_ones(pair, number, [ref for ref in refs if _is_stray(pair.new, ref)])]
    if not found:
        return []
    reached = _reached(pair.new)
    return list(dict.fromkeys(f"{ref.number} {ref.generation} R" for number, ref in found if number in reached))


def _live_numbers(pair: Pair) -> Iterator[int]:
    seen: set[int] = set()
    for section in pair.pdf.sections[: pair.new.revision + 1]:
        for number in section.numbers():
            entry = pair.pdf.entry(number, pair.new.revision) if number not in seen else None
            seen.add(number)
            if is_there(entry):
                yield number


def _generation(view: View, number: int) -> int | None:
    """The generation of an object; None where there is none."""
    entry = view.pdf.entry(number, view.revision)
    if entry is None or not is_there(entry):
        return None
    return entry[2] if entry[0] == PLAIN else 0


def _is_stray(view: View, ref: Ref) -> bool:
    generation = _generation(view, ref.number)
    return ref.number > MAX_NUMBER or generation not in (None, ref.generation)


def _new_ones(pair: Pair, holder: int, stray: list[Ref]) -> list[Ref]:
    """The stray references of one object through which a reader could see something that it did not see before."""
    if not stray or holder not in pair.changed:
        return [ref for ref in stray if ref.number in pair.changed]
    held = frozenset(all_references(pair.pdf.load(holder, pair.old.revision)))
    return [ref for ref in stray if ref.number in pair.changed or ref not in held or not _is_stray(pair.old, ref)]


def _unusual_references(pdf: Pdf, number: int, revision: int) -> tuple[Ref, ...]:
    """The references of an object whose generation is not 0, found once for each version of the object."""
    entry = pdf.entry(number, revision)
    version = max(pdf.last_change(n, revision) or 0 for n in ((number, entry[1]) if entry and entry[0] != PLAIN else (number,)))
    key = (number, version)
    if key not in pdf.kept_unusual:
        unusual = (ref for ref in all_references(pdf.load(number, revision)) if ref.generation)
        pdf.kept_unusual[key] = tuple(dict.fromkeys(unusual))
    return pdf.kept_unusual[key]


def _reached(view: View) -> set[int]:
    """Every number to which a way leads from the trailer, whatever generation it is called by."""
    found: set[int] = set()
    queue = references(dict(view.trailer))
    while queue:
        number = queue.pop()
        if number not in found:
            found.add(number)
            queue += references(view.pdf.load(number, view.revision))
    return found
