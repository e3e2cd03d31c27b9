"""A second opinion from programs that share no code with us, and what is done when they disagree."""

import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from signing import DemoAuthority, Issued, Level, SignRequest, Trust, Verdict, sign, verify
from signing.report import Report
from signing.second_opinion import Says, second_opinion, with_second_opinion
from signing.second_opinion.endesive_guard import endesive_importable
from signing.second_opinion.limited import plain_environment, run


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def signed(book_pdf: bytes, people: Mapping[str, Issued], authority: DemoAuthority) -> bytes:
    """A P-256 and an RSA signature, and an archive timestamp."""
    first = sign(
        book_pdf, SignRequest(field="homeroom_teacher_signs", level=Level.B_T), people["curve"].signer(), timestamper=authority
    )
    return sign(
        first,
        SignRequest(field="principal_signs", level=Level.B_LTA),
        people["principal"].signer(),
        timestamper=authority,
        evidence=authority,
    )


def said(pdf: bytes, trust: Trust) -> list[tuple[str, Says]]:
    return [(each.by, each.says) for each in second_opinion(pdf, trust)]


def codes(report: Report, field: str) -> set[str]:
    return {each.code for each in report.signature(field).findings}


def test_both_agree_on_what_they_can_judge(signed: bytes, trust: Trust) -> None:
    """Openssl judges all three, endesive RSA alone: elliptic curves and timestamps it does wrongly, so it is not asked."""
    assert said(signed, trust) == [
        ("openssl", Says.VALID),
        ("openssl", Says.VALID),
        ("openssl", Says.VALID),
        ("endesive", Says.CANNOT_JUDGE),
        ("endesive", Says.VALID),
        ("endesive", Says.CANNOT_JUDGE),
    ]


def test_each_opinion_names_what_it_did_not_look_at(signed: bytes, trust: Trust) -> None:
    """Nobody shall take it for a verdict on trust or on later changes."""
    for opinion in second_opinion(signed, trust):
        assert {"trust", "revocation", "changes after signing"} <= set(opinion.blind_spots)
        assert opinion.to_json()["signed_bytes"] == opinion.signed_bytes


def test_agreement_changes_no_verdict(signed: bytes, trust: Trust) -> None:
    """The report gets a finding per signature and stays what it was."""
    report = verify(signed, trust)
    told = with_second_opinion(report, signed, trust)

    assert (told.verdict, report.verdict) == (Verdict.TOTAL_PASSED, Verdict.TOTAL_PASSED)
    assert all("SECOND_OPINION_AGREES" in codes(told, each.field) for each in told.signatures)


def test_they_also_see_a_changed_byte(signed: bytes, trust: Trust) -> None:
    """All that can judge say invalid; we say the same."""
    changed = bytearray(signed)
    changed[100] ^= 1
    report = with_second_opinion(verify(bytes(changed), trust), bytes(changed), trust)

    assert {says for _, says in said(bytes(changed), trust)} == {Says.INVALID, Says.CANNOT_JUDGE}
    assert {each.verdict for each in report.signatures} == {Verdict.TOTAL_FAILED}
    assert all("SECOND_OPINION_AGREES" in codes(report, each.field) for each in report.signatures)


def test_disagreement_takes_a_passed_verdict_away(signed: bytes, trust: Trust) -> None:
    """Our report of the good file beside the others' word on a spoilt one: nobody may rely on it any more."""
    changed = bytearray(signed)
    changed[100] ^= 1
    report = with_second_opinion(verify(signed, trust), bytes(changed), trust)

    assert report.verdict is Verdict.INDETERMINATE
    assert {each.verdict for each in report.signatures} == {Verdict.INDETERMINATE}
    assert "SECOND_OPINION_DISAGREES" in codes(report, "principal_signs")


def test_disagreement_never_lifts_a_failed_verdict(signed: bytes, trust: Trust) -> None:
    """The other way round: whoever says valid, what failed here stays failed, with the finding."""
    failed = [replace(each, verdict=Verdict.TOTAL_FAILED, intact=False) for each in verify(signed, trust).signatures]
    report = replace(verify(signed, trust), verdict=Verdict.TOTAL_FAILED, signatures=tuple(failed))
    told = with_second_opinion(report, signed, trust)

    assert told.verdict is Verdict.TOTAL_FAILED
    assert {each.verdict for each in told.signatures} == {Verdict.TOTAL_FAILED}
    assert "SECOND_OPINION_DISAGREES" in codes(told, "principal_signs")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7 /ByteRange [0 1 2 99999999999]",
        b"%PDF-1.7 /ByteRange [0 5 7 8] <30>" + b"x" * 20,
        b"/ByteRange [0 0 0 0]" * 1000,
        b"%PDF-1.7\n/ByteRange [0 36 42 10] <>   <3080>0123456789",
    ],
)
def test_hostile_files_make_nobody_raise(content: bytes, trust: Trust) -> None:
    """No opinion, or none that judges."""
    assert {says for _, says in said(content, trust)} <= {Says.CANNOT_JUDGE}


def test_endesive_can_be_imported_here() -> None:
    """Through the guard, in a fresh process; without it, with an OpenSSL of two digits, the import fails."""
    guarded = (
        "from signing.second_opinion.endesive_guard import endesive_importable\n"
        "with endesive_importable():\n    from endesive import verifier\nprint(verifier.__name__)"
    )
    plain = "from endesive import verifier"
    with_guard, without = (
        subprocess.run([sys.executable, "-c", each], capture_output=True, text=True, check=False) for each in (guarded, plain)
    )
    two_digits = re.search(
        r"OpenSSL \d\.\d\.\d\d", subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    )

    assert (with_guard.returncode, with_guard.stdout.strip()) == (0, "endesive.verifier")
    assert two_digits is None or "Error detecting the version of libcrypto" in without.stderr


def test_the_guard_leaves_nothing_behind() -> None:
    """Inside, one expression is replaced; outside, and for every other expression, `re` is what it was."""
    real = re.search
    with endesive_importable():
        inside = re.search(r"\b(\d\.\d\.\d[a-z]*)\b", "OpenSSL 3.0.19 27 Jan 2026")
        other = re.search("b(.)", "abc")

    assert re.search is real
    assert inside is not None
    assert inside.group(1) == "3.0.19"
    assert other is not None
    assert other.group(1) == "c"


@pytest.mark.parametrize(
    "program",
    ["while True: pass", "x = bytearray(2_000_000_000)", "import sys\nwhile True: sys.stdout.write('x' * 100000)"],
)
def test_a_program_that_runs_away_is_ended(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time, memory and output have limits."""
    monkeypatch.setattr("signing.second_opinion.limited.SECONDS", 2.0)
    begin = time.perf_counter()
    ended = run([sys.executable, "-c", program], folder=tmp_path, environment=plain_environment())

    assert ended is None or ended.code != 0
    assert time.perf_counter() - begin < 8


def test_a_program_that_is_not_there_has_no_opinion(tmp_path: Path) -> None:
    """Nothing is raised."""
    assert run(["/no/such/program"], folder=tmp_path) is None
