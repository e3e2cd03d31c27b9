"""Where a revision begins and ends: linearized files, comments before the end, and ends that name something else."""

import io
import re
from collections.abc import Mapping
from pathlib import Path

import pikepdf
import pytest

from signing import DemoAuthority, Trust, verify
from signing.demo import Issued
from signing.verification.faults import BadStructure
from signing.verification.pdf import Pdf
from signing.verification.syntax import Name
from tests.signing.attacks import Scene
from tests.signing.conftest import MakePdf
from tests.signing.scenes import build_scene
from tests.signing.updates import Style, Update, put_signature


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


def linearized(content: bytes, *, object_streams: bool = False) -> bytes:
    """The file made ready for slow lines: a first part with the first page, a main part, one revision."""
    saved = io.BytesIO()
    mode = pikepdf.ObjectStreamMode.generate if object_streams else pikepdf.ObjectStreamMode.disable
    with pikepdf.open(io.BytesIO(content)) as pdf:
        pdf.save(saved, linearize=True, deterministic_id=True, object_stream_mode=mode)
    return saved.getvalue()


@pytest.mark.parametrize("object_streams", [False, True])
def test_both_parts_of_a_linearized_file_are_one_revision(scene: Scene, trust: Trust, object_streams: bool) -> None:
    """A linearized file that was signed, and signed again, has the revisions that a person would count."""
    content = linearized(scene.empty, object_streams=object_streams)
    first = put_signature(content, "principal_signs", scene.signer, Style(timestamp=scene.timestamp))
    second = put_signature(first, "clerk_seals", scene.signer, Style(timestamp=scene.timestamp))
    report = verify(second, trust)

    assert Pdf(content).last == 0
    assert [each.signed_revision for each in report.signatures] == [1, 2]
    assert report.verdict == "TOTAL_PASSED", report.to_json()
    assert report.signature("clerk_seals").covers_whole_file


def test_only_a_linearized_file_has_a_part_in_front(scene: Scene) -> None:
    """A table that names one behind itself is not taken for one revision with it where the file does not say so."""
    content = linearized(scene.empty)
    strange = content.replace(b"/Linearized", b"/Linearised", 1)
    elsewhere = content[: content.rindex(b"startxref")] + b"startxref\n0000\n%%EOF\n"

    assert Pdf(strange).last == 1
    with pytest.raises(BadStructure):
        Pdf(elsewhere)


COMMENTS = {
    "before startxref": (b"\nstartxref\n", b"\n%iText-7.1.9\nstartxref\n"),
    "several lines": (b"\nstartxref\n", b"\n%BeginExifToolUpdate\r\n%EndExifToolUpdate 4711\nstartxref\n"),
    "behind the number": (b"\n%%EOF", b" % here it ends\n%%EOF"),
    "white space": (b"\nstartxref\n", b"\r\n\r\n \tstartxref \r\n"),
}


@pytest.mark.parametrize("name", COMMENTS)
def test_a_comment_before_the_end_is_white_space(scene: Scene, trust: Trust, name: str) -> None:
    """Many programs write a comment before startxref (ISO 32000-2 7.2.4): the file ends where it ends all the same."""
    old, new = COMMENTS[name]

    def finish(content: bytes) -> bytes:
        before, found, after = content.rpartition(old)
        assert found
        return before + new + after

    signed = put_signature(scene.empty, "principal_signs", scene.signer, Style(timestamp=scene.timestamp, finish=finish))
    again = put_signature(signed, "clerk_seals", scene.signer, Style(timestamp=scene.timestamp))

    assert verify(signed, trust).signatures[0].covers_whole_file
    assert verify(signed, trust).verdict == "TOTAL_PASSED"
    assert verify(again, trust).verdict == "TOTAL_PASSED"


def test_a_comment_behind_the_end_is_no_part_of_the_file(scene: Scene, trust: Trust) -> None:
    """What stands after %%EOF and is not white space belongs to no revision."""
    report = verify(scene.approved + b"% more\n", trust)

    assert report.verdict == "INDETERMINATE"
    assert "TRAILING_DATA" in {each.code for each in report.findings}


def test_a_signed_end_that_names_another_table_is_no_signed_revision(scene: Scene, trust: Trust) -> None:
    """The author writes two tables, the signed file opens with one, a later revision is hung to the other: shadow content."""
    other = Update(scene.empty)
    other.change(other.page(), Rotate=90)
    two = other.bytes()  # the last table turns the page, the one before does not
    table = Pdf(two).sections[-1].start
    shown = Pdf(two).sections[-2].start

    def finish(content: bytes) -> bytes:
        new = Pdf(content).sections[-1].start
        return content.replace(
            b"startxref\n%d\n" % new, b"startxref\n%d\n" % (shown if len(str(shown)) == len(str(new)) else table)
        )

    signed = put_signature(two, "principal_signs", scene.signer, Style(timestamp=scene.timestamp, finish=finish))
    last = Pdf(put_signature(two, "principal_signs", scene.signer, Style())).sections[-1].start
    start = len(signed)
    late = signed + b"xref\n0 0\ntrailer\n<< /Root %d 0 R /Size %d /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        other.catalog, other.size + 9, last, start,
    )  # fmt: skip
    report = verify(late, trust)

    assert report.verdict == "TOTAL_FAILED", report.to_json()
    assert "BYTE_RANGE" in {each.code for each in report.signatures[0].findings}


def appended(content: bytes, rows: bytes, before: bytes = b"") -> bytes:
    """An update of nothing but some bytes and rows of a table."""
    last = Update(content)
    start = len(content) + len(before)
    trailer = b"trailer\n<< /Root %d 0 R /Size %d /Prev %d >>\n" % (last.catalog, last.size, last.pdf.sections[-1].start)
    return content + before + b"xref\n" + rows + trailer + b"startxref\n%d\n%%%%EOF\n" % start


def test_a_number_that_a_table_names_twice_is_not_understood(scene: Scene, trust: Trust) -> None:
    """Some readers take the first of two rows, others the last: the file shows two pages."""
    content = scene.approved
    update = Update(content)
    page, other = update.page(), update.catalog
    old, new = (update.pdf.entry(number, update.pdf.last) for number in (page, other))
    assert old is not None
    assert new is not None
    one, two = (b"%d 1\n%010d 00000 n \n" % (page, entry[1]) for entry in (old, new))
    for rows in (one + two, two + one, b"%d 2\n%s%s%s" % (page, one[-20:], one[-20:], two)):
        report = verify(appended(content, rows), trust)

        assert report.verdict != "TOTAL_PASSED"
    assert verify(appended(content, one + one), trust).verdict == "TOTAL_PASSED"


HEADS = {
    "many digits": b"00000000000%d 0 obj\n",
    "large generation": b"%d 000000000 obj\n",
    "a comment between": b"%d 0%%\nobj\n",
    "no space": b"%d 0obj\n",
    "comments of many lines": b"%d" + b"%% x\n" * 300 + b"0 obj\n",
}


@pytest.mark.parametrize("name", HEADS)
def test_an_object_that_only_a_repairing_reader_finds_is_found(scene: Scene, trust: Trust, name: str) -> None:
    """A later revision brings the page's text once more, in a place that no table names, however its head is written."""
    page = Update(scene.approved).page()
    hidden = HEADS[name] % page + b"<< /Type /Page >>\nendobj\n"
    for before in (hidden, b"995 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(hidden), hidden)):
        row = b"995 1\n%010d 00000 n \n" % len(scene.approved) if before is not hidden else b"0 0\n"
        report = verify(appended(scene.approved, row, before), trust)

        assert report.verdict != "TOTAL_PASSED"
        assert "HIDDEN_OBJECTS" in {each.code for each in report.findings}


@pytest.mark.parametrize(
    "row", [b"995 1\n9999999999 00000 n \n", b"0 1\n0000000019 00000 n \n", b"995 1\n0000000020 00000 n \n"]
)
def test_a_row_that_makes_readers_repair_is_not_passed(scene: Scene, trust: Trust, row: bytes) -> None:
    """A row of a later table that leads to no object changes nothing for one reader and everything for the next."""
    assert verify(appended(scene.approved, row), trust).verdict == "INDETERMINATE"


def test_a_promise_of_linearization_does_not_come_true_later(scene: Scene, trust: Trust) -> None:
    """The author names the length that the file will have after an empty update, and another first page with it."""
    update = Update(scene.empty)
    length = 60_000
    head, _, rest = scene.empty.partition(b"\n")
    first = b"995 0 obj\n<< /Linearized 1 /L %d /O %d /E 9 /N 1 /T 9 /H [9 9] >>\nendobj\n" % (length, update.catalog)
    moved = linearized_by_hand(head, first, rest)
    signed = put_signature(moved, "principal_signs", scene.signer, Style(timestamp=scene.timestamp))
    late = appended(signed, b"0 0\n")
    late = appended(signed, b"0 0\n", b"%" * (length - len(late) - 1) + b"\n")

    assert len(late) == length
    assert verify(signed, trust).verdict == "TOTAL_PASSED"
    assert verify(late, trust).verdict == "INDETERMINATE"


def linearized_by_hand(head: bytes, first: bytes, rest: bytes) -> bytes:
    """A file with one more object in front, its only table moved along."""
    shift = len(first)
    body, _, tail = rest.partition(b"xref\n")
    table, _, trailer = tail.partition(b"trailer")
    rows = [
        b"%010d%s" % (int(line[:10]) + shift, line[10:]) if line.rstrip().endswith(b" n") else line
        for line in table.splitlines(keepends=True)
    ]
    before = trailer[: trailer.rindex(b"startxref")]
    start = len(head) + 1 + len(first) + len(body)
    return head + b"\n" + first + body + b"xref\n" + b"".join(rows) + b"trailer" + before + b"startxref\n%d\n%%%%EOF\n" % start


def prepared(scene: Scene) -> bytes:
    """Before anybody signs, a second object of the page's number stands between two others, named by no table."""
    empty = Update(scene.empty)
    hidden = b"%d 0 obj\n<< /Type /Page /MediaBox [0 0 9 9] >>\nendobj\n" % empty.page()
    entry = empty.pdf.entry(empty.page(), empty.pdf.last)
    assert entry is not None
    tail = empty.pdf.sections[-1].start
    spot = scene.empty.rindex(b"endobj", 0, tail) + len(b"endobj\n")
    assert spot > entry[1]
    moved = scene.empty[:spot] + hidden + scene.empty[spot:]
    return moved.replace(b"startxref\n%d" % tail, b"startxref\n%d" % (tail + len(hidden)))


def test_two_objects_of_one_number_among_the_signed_bytes_do_not_pass(scene: Scene, trust: Trust) -> None:
    """The author prepared another page for readers that repair; whoever makes them repair later shows it."""
    signed = put_signature(prepared(scene), "principal_signs", scene.signer, Style(timestamp=scene.timestamp))
    report = verify(signed + b"\n" * 5000, trust)

    assert verify(signed, trust).verdict == "INDETERMINATE"
    assert report.verdict == "INDETERMINATE"
    assert report.signatures[0].verdict == "INDETERMINATE"
    assert not report.signatures[0].covers_whole_file
    assert {"HIDDEN_OBJECTS", "TRAILING_DATA"} <= {each.code for each in report.findings}


def test_white_space_that_hides_the_end_is_told(scene: Scene, trust: Trust) -> None:
    """Some readers look for the end in the last 1024 bytes: a little white space is nothing, a lot makes them repair."""
    assert verify(scene.approved + b"\r\n" * 20, trust).verdict == "TOTAL_PASSED"
    for much in (1_100, 5_000, 30_000):
        report = verify(scene.approved + b"\n" * much, trust)

        assert report.verdict == "INDETERMINATE"
        assert "TRAILING_DATA" in {each.code for each in report.findings}


UNUSUAL = {
    "table without a line": (b"xref\n0 0", b"xref 0 0"),
    "rows of 19 bytes": (b" 00000 n \n", b" 00000 n\n"),
    "rows of 22 bytes": (b" 00000 n \n", b" 00000 n   \n"),
    "a long comment at the end": (b"startxref\n", b"startxref\n%" + b"x" * 1500 + b"\n"),
    "a number far away": (b"0 0\n", b"8388606 1\n%010d 00000 n \n"),
}


@pytest.mark.parametrize("name", UNUSUAL)
def test_a_later_table_that_is_not_by_the_rules_does_not_pass(scene: Scene, trust: Trust, name: str) -> None:
    """What this reader reads and another repairs is not the same file for both."""
    old, new = UNUSUAL[name]
    body = b"8388606 0 obj\nnull\nendobj\n" if name == "a number far away" else b""
    rows = b"995 1\n%010d 00000 n \n" % len(scene.approved) if b"00000 n" in old else b"0 0\n"
    before = body or (b"995 0 obj\nnull\nendobj\n" if b"00000 n" in old else b"")
    content = appended(scene.approved, rows, before)
    head, tail = content[: len(scene.approved)], content[len(scene.approved) :]
    assert old in tail
    new = new % len(scene.approved) if b"%010d" in new else new
    report = verify(head + tail.replace(old, new, 1), trust)

    assert body or verify(content, trust).verdict == "TOTAL_PASSED"
    assert report.verdict == "INDETERMINATE", report.to_json()
    assert "NOT_STRICT" in {each.code for each in report.findings}


def test_a_line_end_before_the_table_is_no_doubt(scene: Scene, trust: Trust) -> None:
    """A common signing library names the byte before its table: every reader skips the white space there."""
    content = appended(scene.approved, b"0 0\n")
    start = len(scene.approved)
    moved = content[:start] + b"\n" + content[start:]
    far = content[:start] + b"\n" * 300 + content[start:]

    assert verify(moved, trust).verdict == "TOTAL_PASSED"
    assert verify(far, trust).verdict == "INDETERMINATE"


@pytest.mark.parametrize("name", [b"/ObjStm", b"/Obj#53tm"])
def test_an_object_stream_that_nobody_takes_from_is_told(scene: Scene, trust: Trust, name: bytes) -> None:
    """The author prepares another page inside an object stream that no table uses; a reader that repairs takes it."""
    before = Update(scene.empty)
    hidden = b"%d 0 << /Type /Page /MediaBox [0 0 9 9] >>" % before.page()
    before.add(b"<< /Type %s /N 1 /First 5 /Length %d >>\nstream\n%s\nendstream" % (name, len(hidden), hidden))
    signed = put_signature(before.bytes(), "principal_signs", scene.signer, Style(timestamp=scene.timestamp))
    report = verify(signed, trust)

    assert report.verdict == "INDETERMINATE"
    assert "HIDDEN_OBJECTS" in {each.code for each in report.findings}
    assert verify(scene.packed, trust).verdict == "TOTAL_PASSED"


def test_what_calls_itself_embedded_hides_no_object(scene: Scene, trust: Trust) -> None:
    """Only files that a reader comes to as attachments may hold objects of their own."""
    before = Update(scene.empty)
    hidden = b"%%PDF-1.4\n%d 0 obj\n<< /Type /Page >>\nendobj\n" % before.page()
    before.stream(hidden, Type=Name("/EmbeddedFile"))
    signed = put_signature(before.bytes(), "principal_signs", scene.signer, Style(timestamp=scene.timestamp))

    assert verify(signed, trust).verdict == "INDETERMINATE"


@pytest.mark.parametrize("change", [(b"/W [1 4 2]", b"/W [8 8 8]"), (b"/Type /XRef", b"/Type /XRef /XRefStm 12345")])
def test_a_table_stream_that_some_refuse_is_a_doubt(scene: Scene, trust: Trust, change: tuple[bytes, bytes]) -> None:
    """Columns of eight bytes, or a second table named in a stream: some readers give up there and repair."""
    update = Update(scene.approved, packed=True)
    update.put(update.size, b"null")
    content = update.bytes()
    sound = verify(content, trust)
    old, new = change
    assert old in content
    if new.startswith(b"/W"):
        start = Pdf(content).sections[-1].start
        rows = bytes.fromhex("".join(f"{a:016x}{b:016x}{c:016x}" for a, b, c in _rows(content)))
        head = content[start : content.index(b"stream\n", start)].replace(old, new)
        head = re.sub(rb"/Length \d+", b"/Length %d" % len(rows), head).replace(b"/Filter /FlateDecode", b"")
        broken = content[:start] + head + b"stream\n" + rows + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    else:
        at = content.rindex(old)
        broken = content[:at] + new + content[at + len(old) :]
    report = verify(broken, trust)

    assert sound.verdict == "TOTAL_PASSED", sound.to_json()
    assert report.verdict == "INDETERMINATE", report.to_json()
    assert "NOT_STRICT" in {each.code for each in report.findings}


def _rows(content: bytes) -> list[tuple[int, int, int]]:
    section = Pdf(content).sections[-1]
    return [entry for number in section.numbers() if (entry := section.get(number)) is not None]
