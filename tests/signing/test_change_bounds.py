"""What a file can make the comparison of two states cost: no more than its own size, whatever it repeats or nests."""

import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signing.verification.changes import compare
from signing.verification.faults import BadStructure
from signing.verification.field_names import FieldNames
from signing.verification.fields import form_fields
from signing.verification.graph import Pair
from signing.verification.mentions import mentions
from signing.verification.pdf import Pdf
from signing.verification.permissions import Change, What
from signing.verification.strays import stray_references
from signing.verification.syntax import Name, Ref
from tests.signing.conftest import build_pdf
from tests.signing.papers import annotate
from tests.signing.updates import Update

Step = Callable[[Update], object]

SECONDS = 8  # each of these took minutes, or all the memory
KILOBYTES = 300 << 10


@contextmanager
def bounded() -> Iterator[None]:
    """The time and memory that a comparison may take on a busy machine."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    yield
    assert time.process_time() - begin < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < KILOBYTES


def updated(content: bytes, *steps: Step) -> bytes:
    """A file with one update for each step."""
    for step in steps:
        update = Update(content)
        step(update)
        content = update.bytes()
    return content


def compared(content: bytes) -> list[Change]:
    """What the last update of a file changed."""
    pdf = Pdf(content)
    return compare(Pair(pdf, pdf.last - 1, pdf.last), frozenset())


def with_field(name: bytes) -> Step:
    """An update that brings an empty signature field."""

    def step(update: Update) -> None:
        entries: dict[str, object] = {"/Subtype": Name("/Widget"), "/FT": Name("/Sig"), "/T": name, "/Rect": [0, 0, 0, 0]}
        number = annotate(update, entries)
        form = update.view.catalog["/AcroForm"]
        fields = [*update.view.items(update.view.get(form, "/Fields")), Ref(number, 0)]
        if isinstance(form, Ref):
            update.change(form.number, Fields=fields)
        else:
            update.change(update.catalog, AcroForm={**form, "/Fields": fields})

    return step


def test_a_name_of_dots_costs_its_length() -> None:
    """Sixty thousand dots are sixty thousand nodes above a field; a field that is new beside it is told all the same."""
    content = updated(build_pdf({"one": (0, 0, 0, 0)}), with_field(b"." * 60_000), with_field(b"two"))

    with bounded():
        changes = compared(content)

    assert [each.what for each in changes] == [What.FIELD_ADDED]


def test_a_new_name_too_long_to_tell_is_not_understood() -> None:
    """No form has such a field."""
    content = updated(build_pdf({"one": (0, 0, 0, 0)}), with_field(b"a." * 60_000))

    with bounded():
        changes = compared(content)

    assert What.UNKNOWN in {each.what for each in changes}


def test_a_long_name_above_thousands_of_fields_is_no_form() -> None:
    """Each of them would have it in its own name: gigabytes of names in a file of a few hundred kilobytes."""
    update = Update(build_pdf({"one": (0, 0, 0, 0)}))
    kids = [update.add({"/T": b"%d" % index, "/FT": Name("/Tx")}) for index in range(2000)]
    top = update.add({"/T": b"a" * 200_000, "/Kids": [Ref(each, 0) for each in kids]})
    update.change(update.catalog, AcroForm={"/Fields": [Ref(top, 0)]})
    pdf = Pdf(update.bytes())

    with bounded(), pytest.raises(BadStructure):
        form_fields(pdf.at(pdf.last))


@given(st.lists(st.text("ab.", max_size=6), max_size=6), st.text("ab.", min_size=1, max_size=6))
def test_names_clash_where_one_is_above_the_other(known: list[str], name: str) -> None:
    """The same name, or one that begins with the other and a dot."""
    names = FieldNames(known[:3])
    for each in known[3:]:
        names.add(each)

    assert names.clash_with(name) == any(
        name == each or each.startswith(name + ".") or name.startswith(each + ".") for each in known
    )


def stray_list(count: int, generations: int) -> bytes:
    """A list of references by generations that their object does not have, written again with one more."""
    base = Update(build_pdf({"one": (0, 0, 0, 0)}))
    target = base.add({"/X": 1})
    holder = base.add([Ref(target, 7 + index % generations) for index in range(count)])
    base.change(base.catalog, PieceInfo=Ref(holder, 0))
    update = Update(base.bytes())
    update.put(holder, [*update.pdf.load(holder, update.pdf.last), Ref(target, 5)])
    return update.bytes()


def test_stray_references_cost_the_length_of_their_list() -> None:
    """Twenty thousand of them, all one or each another; only the one that came is told."""
    for generations in (1, 20_000):
        pdf = Pdf(stray_list(20_000, generations))

        with bounded():
            found = stray_references(Pair(pdf, pdf.last - 1, pdf.last))

        assert len(found) == 1
        assert found[0].endswith(" 5 R")


def test_a_long_name_of_escapes_is_passed_over_once() -> None:
    """A name has at most 127 bytes; three hundred thousand are none that is looked for, and the one behind it is found."""
    content = updated(build_pdf({"one": (0, 0, 0, 0)}), lambda update: update.add(b"[ /" + b"#41" * 100_000 + b" ]"))
    behind = updated(content, lambda update: update.add(b"[ /#4aava#53cript ]"))

    with bounded():
        assert not mentions(Pdf(content), frozenset({"/JavaScript"}))
        assert mentions(Pdf(behind), frozenset({"/JavaScript"}))


def test_a_longer_name_is_not_the_one_that_it_begins_with() -> None:
    """Nor one that ends with it."""
    for name in (b"/#4aava#53cripts", b"/x#4aava#53cript", b"/#4aava#53crip", b"/#zzJavaScript"):
        update = Update(build_pdf({"one": (0, 0, 0, 0)}))
        update.add(b"[ " + name + b" ]")

        assert not mentions(Pdf(update.bytes()), frozenset({"/JavaScript"}))


def test_an_object_stream_that_is_written_again_is_searched() -> None:
    """Its table need not name what is packed in it a second time: readers take the newest stream of the number."""
    first = Update(build_pdf({"one": (0, 0, 0, 0)}), packed=True)
    inside = first.add({"/S": Name("/GoTo")})
    content = first.bytes()
    holder = Pdf(content).entry(inside, 1)
    assert holder is not None
    again = Update(content)
    data = b"%d 0\n<< /S /Launch >>" % inside
    again.put(holder[1], b"<< /Type /ObjStm /N 1 /First %d /Filter /ASCIIHexDecode /Length %d >>\nstream\n%s\nendstream" % (
        data.index(b"<<"), 2 * len(data), data.hex().encode(),
    ))  # fmt: skip
    rewritten = again.bytes()

    assert Pdf(rewritten).load(inside, 2) == {"/S": "/Launch"}
    assert not mentions(Pdf(content), frozenset({"/Launch"}))
    assert mentions(Pdf(rewritten), frozenset({"/Launch"}))


def marks(count: int, lines: int) -> Step:
    """Marks of many short lines beside each other, none on another."""

    def step(update: Update) -> None:
        for mark in range(count):
            points = [
                each
                for index in range(lines)
                for each in (4 * index, mark + 1, 4 * index + 2, mark + 1, 4 * index, mark, 4 * index + 2, mark)
            ]
            annotate(update, {"/Subtype": Name("/StrikeOut"), "/Rect": [0, 0, 500, 800], "/QuadPoints": points})

    return step


def test_thousands_of_marked_lines_may_cover() -> None:
    """More than can be compared are not looked through one by one."""
    content = updated(build_pdf({"one": (0, 0, 0, 0)}), marks(60, 490))

    with bounded():
        changes = compared(content)

    assert What.ANNOTATION_DRAWS in {each.what for each in changes}
