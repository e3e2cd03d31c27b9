"""Files from outside are judged in a process that may be killed."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust, verify_file, verify_untrusted
from signing.demo import Issued
from signing.sandbox import Sandbox
from tests.signing.updates import Style, identity, put_signature


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def signed(authority: DemoAuthority, people: Mapping[str, Issued], book_pdf: bytes) -> bytes:
    return put_signature(book_pdf, "principal_signs", identity(people["principal"]), Style(timestamp=authority.timestamp))


@pytest.fixture(scope="module")
def sandbox(trust: Trust) -> Iterator[Sandbox]:
    with Sandbox(trust) as opened:
        yield opened


def test_the_worker_says_what_the_verification_says(sandbox: Sandbox, signed: bytes) -> None:
    """The report comes back whole, with the name of the file."""
    report = sandbox.verify(signed, name="sheet.pdf")

    assert (report.verdict, report.file) == ("TOTAL_PASSED", "sheet.pdf")
    assert report.signatures[0].level == "B-T"


def test_a_worker_serves_many_files(sandbox: Sandbox, signed: bytes) -> None:
    """The start is paid once."""
    sandbox.verify(signed)
    worker = sandbox._worker
    sandbox.verify(signed + b"\n")

    assert sandbox._worker is worker


def test_the_same_file_on_the_same_day_is_judged_once(sandbox: Sandbox, signed: bytes) -> None:
    """The key is the content, the policy and the day."""
    now = datetime.now(UTC)
    first = sandbox.verify(signed, at=now)

    assert sandbox.verify(signed, at=now, name="other name").signatures is first.signatures
    assert sandbox.verify(signed, at=now + timedelta(days=1)).signatures is not first.signatures


def test_time_runs_out(trust: Trust, signed: bytes) -> None:
    """A file that takes too long is named so; the next one gets a new worker and passes."""
    with Sandbox(trust) as sandbox:
        sandbox.verify(signed)
        sandbox.seconds = 0.0
        report = sandbox.verify(signed + b"\n\n")
        sandbox.seconds = 10.0

        assert report.verdict == "UNREADABLE"
        assert [each.code for each in report.findings] == ["RESOURCE_LIMIT"]
        assert sandbox.verify(signed + b"\n\n").verdict == "TOTAL_PASSED"


def test_memory_runs_out(trust: Trust) -> None:
    """A file larger than the worker's memory ends the check, not the office."""
    with Sandbox(trust, memory_bytes=300 * 1024 * 1024) as sandbox:
        report = sandbox.verify(b"%PDF-1.7\n" + bytes(400 * 1024 * 1024))

    assert report.verdict == "UNREADABLE"
    assert report.findings


def test_two_files_are_judged_at_once(trust: Trust, signed: bytes) -> None:
    """A second person does not wait for the first one's file; a third does, and gets an answer too."""
    with ThreadPoolExecutor(4) as pool:
        reports = list(pool.map(lambda turn: verify_untrusted(signed + b"\n" * turn, trust), range(1, 7)))

    assert {each.verdict for each in reports} == {"TOTAL_PASSED"}


def test_a_path_or_bytes_and_never_an_exception(trust: Trust, signed: bytes, tmp_path: Path) -> None:
    """A missing file is a report as well."""
    path = tmp_path / "sheet.pdf"
    path.write_bytes(signed)

    assert verify_file(path, trust).verdict == "TOTAL_PASSED"
    assert verify_file(signed, trust).verdict == "TOTAL_PASSED"
    assert verify_file(tmp_path / "nothing.pdf", trust).verdict == "UNREADABLE"
    assert verify_file(tmp_path, trust).verdict == "UNREADABLE"
