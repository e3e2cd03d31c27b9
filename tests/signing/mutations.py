"""Random later revisions, object by object: one part of a sound update is altered, nothing else.

Unlike broken bytes these stay readable: the structure is right, a value is another, a reference leads elsewhere, two objects
are exchanged, a table points at another object of the file. So the comparisons have to judge them, not the reading.
"""

import random
import re
from collections.abc import Callable
from typing import Any

from signing.verification.pages import pages_of
from signing.verification.pdf import Pdf
from signing.verification.syntax import Name, Ref, Stream
from tests.signing.updates import Update, text

_NAMES = """
AA A AP AS Annots BaseFont Contents CropBox DA DR DSS DV Encoding Extensions F FT Ff Fields Font K
Kids Lang Lock MCID MK MediaBox Metadata Names NeedAppearances Obj Odd OpenAction P Parent Perms Pg
Rect Resources Rotate S SigFlags StructParent StructParents StructTreeRoot Subtype T TU Tabs Type V
VRI Version
"""
KEYS = tuple("/" + name for name in _NAMES.split())
PLAIN: tuple[object, ...] = (None, 0, 1, 2, 90, -1, 0.5, True, False, b"", b"other", Name("/Other"), Name("/S"))
VALUES: tuple[object, ...] = (*PLAIN, [], [0, 0, 0, 0], [0, 0, 100, 100], {}, {"/S": Name("/URI")})


def mutant(content: bytes, chance: random.Random) -> bytes:
    """One more revision, or the last one altered where it stands."""
    return chance.choice((one_more, one_more, one_more, in_place, other_row))(content, chance)


def one_more(content: bytes, chance: random.Random) -> bytes:
    """A revision that writes one or two known objects again, with a difference, and sometimes a new one that is named."""
    update = Update(content, packed=update_is_packed(content))
    for _ in range(chance.choice((1, 1, 2))):
        chance.choice((_other_entry, _other_entry, _other_reference, _other_stream, _exchanged, _added, _freed, _copied))(
            update, chance
        )
    return update.bytes()


def update_is_packed(content: bytes) -> bool:
    """Whether the last revision's table is a stream."""
    return Pdf(content).sections[-1].is_stream


def _number(update: Update, chance: random.Random, wanted: Callable[[Any], bool]) -> int | None:
    """An object of this kind; those of the form, catalog and pages come up as often as all others together."""
    known = [update.catalog, *(page.number for page in pages_of(update.view) if page.number)]
    form = update.view.catalog.get("/AcroForm")
    known += [
        each.number
        for each in (form, update.view.catalog.get("/DSS"), update.view.catalog.get("/StructTreeRoot"))
        if isinstance(each, Ref)
    ]
    known += [each.number for each in update.view.items(update.view.get(form, "/Fields")) if isinstance(each, Ref)]
    pool = known if chance.random() < 0.5 else range(1, update.size)
    found = [number for number in pool if wanted(update.pdf.load(number, update.pdf.last))]
    return chance.choice(found) if found else None


def _is_dictionary(value: Any) -> bool:
    return isinstance(value, dict) and "/ByteRange" not in value


def _is_content(value: Any) -> bool:
    return isinstance(value, Stream) and value.entries.get("/Type") not in {"/XRef", "/ObjStm"}


def _other_entry(update: Update, chance: random.Random) -> None:
    number = _number(update, chance, _is_dictionary)
    if number is None:
        return
    entries = update.value(number)
    key = chance.choice([*entries, *chance.sample(KEYS, 3)]) if chance.random() < 0.8 else chance.choice(KEYS)
    entries[key] = chance.choice(VALUES)
    update.put(number, {name: value for name, value in entries.items() if value is not None})


def _other_reference(update: Update, chance: random.Random) -> None:
    number = _number(update, chance, _is_dictionary)
    if number is None:
        return
    body = text(update.value(number))
    places = list(re.finditer(rb"(?<!\d)\d+ 0 R", body))
    if places:
        place = chance.choice(places)
        other = b"%d 0 R" % chance.randrange(1, update.size + 2)
        update.put(number, body[: place.start()] + other + body[place.end() :])


def _other_stream(update: Update, chance: random.Random) -> None:
    number = _number(
        update, chance, lambda value: isinstance(value, Stream) and value.entries.get("/Type") not in {"/XRef", "/ObjStm"}
    )
    if number is None:
        return
    value = update.pdf.load(number, update.pdf.last)
    data = chance.choice((b"", b"BT (x) Tj ET", value.raw[:-1], value.raw + b" "))
    entries = {**value.entries, "/Length": len(data)}
    update.put(number, text(entries) + b"\nstream\n" + data + b"\nendstream")


def _exchanged(update: Update, chance: random.Random) -> None:
    numbers = [n for n in range(1, update.size) if _is_dictionary(update.pdf.load(n, update.pdf.last))]
    first, second = chance.choice(numbers), chance.choice(numbers)
    one, other = update.value(first), update.value(second)
    update.put(first, other)
    update.put(second, one)


def _added(update: Update, chance: random.Random) -> None:
    number = _number(update, chance, _is_dictionary)
    new = update.add(
        chance.choice(({"/Type": Name("/Annot"), "/Subtype": Name("/Text"), "/Rect": [0, 0, 9, 9]}, {"/Odd": 1}, []))
    )
    if number is None:
        return
    entries = update.value(number)
    lists = [key for key, value in entries.items() if isinstance(value, list)]
    if lists:
        key = chance.choice(lists)
        entries[key] = [*entries[key], Ref(new, 0)]  # type: ignore[misc]
    else:
        entries[chance.choice(KEYS)] = Ref(new, 0)
    update.put(number, entries)


def _freed(update: Update, chance: random.Random) -> None:
    update.freed.append(chance.randrange(1, update.size))
    if not update.objects:
        update.change(update.catalog)


def _copied(update: Update, chance: random.Random) -> None:
    """An object under a new number, and somebody who names the copy instead."""
    number = _number(update, chance, _is_dictionary)
    if number is None:
        return
    copy = update.add(update.value(number))
    users = [n for n in range(1, update.size) if b"%d 0 R" % number in _body(update, n)]
    if users:
        user = chance.choice(users)
        update.put(user, _body(update, user).replace(b"%d 0 R" % number, b"%d 0 R" % copy, 1))


def _body(update: Update, number: int) -> bytes:
    value = update.pdf.load(number, update.pdf.last)
    return text(value) if _is_dictionary(value) else b""


_MUTATIONS = (_other_entry, _other_entry, _other_reference, _other_stream, _exchanged, _added, _freed, _copied)


def in_place(content: bytes, chance: random.Random) -> bytes:
    """One number, name or reference of the last revision is another one of the same length."""
    pdf = Pdf(content)
    begin = pdf.sections[-2].end if pdf.last else 0
    tokens = [
        m
        for m in re.finditer(rb"/[A-Za-z]+|\d+", content[begin:])
        if b"<" not in content[begin + m.start() - 1 : begin + m.start()]
    ]
    token = chance.choice(tokens[:3000])
    old = token.group()
    new = bytes(chance.choice(b"0123456789") if 48 <= c <= 57 else chance.choice(b"ABCDEFGPRSTVabcdefgprstv") for c in old)
    new = b"/" + new[1:] if old.startswith(b"/") else new
    start = begin + token.start()
    return content[:start] + new + content[start + len(old) :]


def other_row(content: bytes, chance: random.Random) -> bytes:
    """A later table alone: a number leads to where another object of the file stands."""
    update = Update(content)
    places = {n: e[1] for n in range(1, update.size) if (e := update.pdf.entry(n, update.pdf.last)) is not None and e[0] == 1}
    if len(places) < 2:
        return content
    first, second = chance.sample(sorted(places), 2)
    body = content if chance.random() < 0.5 else content + b"%d 0 obj\n" % first + text(update.value(second)) + b"\nendobj\n"
    offset = places[second] if body is content else len(content)
    trailer = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d >>\n" % (update.size, update.catalog, update.pdf.sections[-1].start)
    return body + b"xref\n%d 1\n%010d 00000 n \n" % (first, offset) + trailer + b"startxref\n%d\n%%%%EOF\n" % len(body)
