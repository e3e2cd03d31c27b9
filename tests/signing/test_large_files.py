"""Files of many pages, many objects, many ranges: the answers are those of small files, and what is not asked is not read."""

import io

import pikepdf
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pikepdf import Array, Dictionary, Name, Pdf

from signing import Trust, verify
from signing.verification.contents import look_inside
from signing.verification.mentions import mentions
from signing.verification.pdf import PLAIN
from signing.verification.pdf import Pdf as Read
from signing.verification.sections import Section
from signing.verification.syntax import Ref
from tests.signing.pki import NOW, Plan, authority, make
from tests.signing.updates import Identity, Style, Update, put_signature

PAGES = 300  # more than are read without a look at the text


def long_document(*, action: bytes = b"", packed: bool = False, attached: bool = False) -> bytes:
    """Three hundred pages; page 251 has an action in PDF syntax, or an attached file."""
    pdf = Pdf.new()
    for _ in range(PAGES):
        pdf.add_blank_page(page_size=(100, 100))
    page = pdf.pages[250]
    if action:
        page.AA = Dictionary(O=pikepdf.Object.parse(action))
    if attached:
        stream = pdf.make_stream(b"what is attached")
        spec = Dictionary(Type=Name.Filespec, F="a.txt", UF="a.txt", EF=Dictionary(F=stream))
        note = Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=Array([0, 0, 9, 9]), FS=spec)
        page.Annots = Array([pdf.make_indirect(note)])
    saved = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if packed else pikepdf.ObjectStreamMode.disable
    pdf.save(saved, object_stream_mode=mode)
    return saved.getvalue()


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "packed"])
def test_an_action_on_a_late_page_is_listed(packed: bool) -> None:
    """However the objects are kept."""
    found = look_inside(Read(long_document(action=b"<< /S /JavaScript /JS (x) >>", packed=packed)))

    assert [each.code for each in found.findings] == ["ACTIVE_CONTENT"]
    assert "JavaScript (page 251)" in found.findings[0].message


def test_an_action_under_an_escaped_name_is_listed() -> None:
    """A name may be written with # (ISO 32000-2 7.3.5)."""
    content = long_document(action=b"<< /S /Launch /F (abcd) >>")
    escaped = content.replace(b"/S /Launch", b"/S /L#61unch").replace(b"(abcd)", b"(ab)")

    assert b"/L#61unch" in escaped
    assert len(escaped) == len(content)
    assert [each.code for each in look_inside(Read(escaped)).findings] == ["ACTIVE_CONTENT"]


def test_a_file_attached_to_a_late_page_is_found() -> None:
    """By its annotation, as in a short document."""
    assert [each.content for each in look_inside(Read(long_document(attached=True))).attached] == [b"what is attached"]


def test_pages_that_cannot_hold_any_are_not_read() -> None:
    """No action is named in the whole file: its pages stay unread."""
    pdf = Read(long_document(packed=True))

    assert look_inside(pdf).findings == ()
    assert "pages" not in pdf.at(pdf.last).kept


def test_what_cannot_be_said_is_a_reason_to_look() -> None:
    """An object stream that cannot be unpacked may hold anything."""
    content = long_document(packed=True)
    begin = content.index(b"/ObjStm")
    at = content.index(b"stream\n", begin) + len(b"stream\n") + 8
    broken = content[:at] + bytes(8) + content[at + 8 :]

    assert mentions(Read(broken), frozenset({"/Launch"}))
    assert not mentions(Read(content), frozenset({"/Launch"}))


def rows(*offsets: int) -> bytes:
    """Rows of a table."""
    return b"".join(b"%010d 00000 n \n" % each for each in offsets)


def test_a_number_is_found_in_thousands_of_ranges() -> None:
    """As updates write them that bring every object under a line of its own."""
    section = Section(0)
    for number in range(3, 9_000, 3):
        section.add(number, 2, rows(number, number + 1))

    assert [section.get(each) for each in (0, 2, 3, 4, 5, 8_997, 8_998, 8_999, 9_000)] == [
        None, None, (PLAIN, 3, 0), (PLAIN, 4, 0), None, (PLAIN, 8_997, 0), (PLAIN, 8_998, 0), None, None,
    ]  # fmt: skip


def test_of_ranges_that_overlap_the_first_counts() -> None:
    """And the section says that it names a number twice."""
    section = Section(0)
    for first, at in ((10, 100), (5, 200), (11, 300)):
        section.add(first, 8, rows(*range(at, at + 8)))

    assert section.get(11) == (PLAIN, 101, 0)
    assert section.get(6) == (PLAIN, 201, 0)
    assert section.get(18) == (PLAIN, 307, 0)
    assert section.ambiguous() is not None


def test_a_range_that_is_added_later_is_found_too() -> None:
    """Also after somebody asked."""
    section = Section(0)
    section.add(1, 1, rows(9))
    assert section.get(7) is None

    section.add(7, 1, rows(70))

    assert section.get(7) == (PLAIN, 70, 0)


def test_an_update_may_bring_thousands_of_objects(book_pdf: bytes) -> None:
    """A large security store goes on with the next numbers: nothing is unusual about that."""
    root = make(authority("Root"))
    person = make(Plan(common="Person"), root)
    assert isinstance(person.key, ec.EllipticCurvePrivateKey)
    who = Identity(key=person.key, certificate=person.der, chain=())
    signed = put_signature(book_pdf, "principal_signs", who, Style(at=NOW))
    update = Update(signed)
    values = [Ref(update.stream(b"\x30\x03\x02\x01\x05"), 0) for _ in range(10_500)]
    update.change(update.catalog, DSS={"/OCSPs": values})
    report = verify(update.bytes(), Trust.of_certificates([root.der]), at=NOW)

    assert (report.verdict, report.signatures[0].changes_after) == ("TOTAL_PASSED", "permitted")
