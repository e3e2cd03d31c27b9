"""Values of a foreign PDF as pyHanko holds them, wherever they are written: in place, as an object of their own, or as null.

`dict.get` gives a bare reference for what another program wrote as an object of its own, and `[...]` raises on null, which
means the same as nothing (ISO 32000-2, 7.3.7).
"""

from collections.abc import Iterator

from pyhanko.pdf_utils import generic


def value_at(holder: generic.DictionaryObject, key: str) -> generic.PdfObject | None:
    """The value itself; None where there is none."""
    try:
        return resolved(holder.raw_get(key))
    except KeyError:
        return None


def resolved(value: generic.PdfObject | generic.Reference) -> generic.PdfObject | None:
    """What a reference leads to; None for null."""
    found: generic.PdfObject = value.get_object()
    return None if isinstance(found, generic.NullObject) else found


def dictionary_at(holder: generic.DictionaryObject, key: str) -> generic.DictionaryObject:
    """The dictionary under `key`; an empty one where there is none."""
    found = value_at(holder, key)
    return found if isinstance(found, generic.DictionaryObject) else generic.DictionaryObject()  # type: ignore[no-untyped-call]


def elements_at(holder: generic.DictionaryObject, key: str) -> Iterator[generic.PdfObject | None]:
    """The elements of the array under `key`, resolved; of anything else, none."""
    found = value_at(holder, key)
    if isinstance(found, generic.ArrayObject):
        for index in range(len(found)):
            yield resolved(found.raw_get(index))
