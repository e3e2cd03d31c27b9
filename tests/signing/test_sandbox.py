"""Files from outside are judged in a process that may be killed."""

import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signing import DemoAuthority, Level, Trust, verify_file, verify_untrusted
from signing.cades import sign_cades
from signing.demo import Issued
from signing.sandbox import Sandbox
from signing.verification.syntax import Ref
from tests.signing.updates import Style, Update, identity, put_signature


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


def test_a_password_and_what_was_fetched_are_not_kept(sandbox: Sandbox, signed: bytes) -> None:
    """What one person opened with a password nobody else is shown; what was fetched is of that minute."""
    kept = len(sandbox._reports)
    content = signed + b"\n\n\n"
    sandbox.verify(content, password="bí mật")
    sandbox.verify(content, fetch=True)

    assert len(sandbox._reports) == kept


def test_bundles_that_differ_in_name_alone_share_no_report(trust: Trust, signed: bytes) -> None:
    """The report names the policy it was judged by: two offices with the same roots each see their own."""
    one, two = (replace(trust, version=name) for name in ("so-giao-duc", "truong-hoc"))

    assert [verify_untrusted(signed, each).policy for each in (one, two)] == ["so-giao-duc", "truong-hoc"]


def test_a_detached_signature_is_judged_in_the_worker(
    sandbox: Sandbox, people: Mapping[str, Issued], authority: DemoAuthority
) -> None:
    """Any file with its .p7s; the report is kept for the pair, not for the data alone."""
    data = "Bảng điểm\n".encode()
    good = sign_cades(data, people["principal"].signer(), timestamper=authority, level=Level.B_T)
    passed = sandbox.verify(data, signature=good, name="bang-diem.csv")
    other = sandbox.verify(data, signature=sign_cades(b"other", people["principal"].signer()))

    assert (passed.verdict, passed.file) == ("TOTAL_PASSED", "bang-diem.csv")
    assert other.verdict == "TOTAL_FAILED"
    assert sandbox.verify(data + b" ", signature=good).verdict == "TOTAL_FAILED"
    assert sandbox.verify(data).verdict == "UNREADABLE"


@pytest.mark.parametrize("signature", [b"", b"0", b"\x30\x80" * 5000, b"\x30\x84\xff\xff\xff\xff", b"-----BEGIN PKCS7-----\n"])
def test_hostile_detached_signatures_get_an_answer(sandbox: Sandbox, signature: bytes) -> None:
    """Nothing raises, nothing hangs, nothing passes."""
    assert sandbox.verify(b"data", signature=signature).verdict in {"TOTAL_FAILED", "INDETERMINATE", "UNREADABLE"}


def test_reports_that_are_kept_have_a_bound_in_bytes(trust: Trust, signed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile file may have a report of megabytes; 512 of them must not fill the memory."""
    monkeypatch.setattr("signing.sandbox.CACHED_BYTES", 12_000)
    with Sandbox(trust) as sandbox:
        for number in range(6):
            sandbox.verify(signed + b"\n" * number)

        assert 0 < sum(sandbox._sizes.values()) <= 12_000
        assert sandbox._sizes.keys() == sandbox._reports.keys()


def test_a_pipe_or_a_device_is_no_file(trust: Trust, tmp_path: Path) -> None:
    """Neither waits for ever for bytes nor reads without end."""
    os.mkfifo(tmp_path / "pipe")

    assert [verify_file(each, trust).verdict for each in (tmp_path / "pipe", "/dev/zero")] == ["UNREADABLE", "UNREADABLE"]


def test_the_limit_is_the_processors_time(trust: Trust, signed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that costs more than its seconds of the processor is ended by them, whatever the clock says; the next one passes.

    A busy machine makes the clock run on while the file waits: its answer must not depend on that.
    """
    monkeypatch.setattr("signing.sandbox._PATIENCE", 1000)
    update = Update(signed)
    for number in range(60_000):
        update.add({"/N": number, "/Before": [Ref(n, 0) for n in range(max(1, number - 20), number)]})
    with Sandbox(trust, seconds=0.2) as sandbox:
        report = sandbox.verify(update.bytes())
        (found,) = report.findings
        sandbox.seconds = 10.0

        assert (report.verdict, found.code) == ("UNREADABLE", "RESOURCE_LIMIT")
        assert "0.2 s" in found.message
        assert sandbox.verify(signed).verdict == "TOTAL_PASSED"
