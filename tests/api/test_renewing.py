"""Archive timestamps are renewed over many files: one result each, nothing half done, and a second run goes on."""

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import signing
from api.renewing import Outcome, Plan, Renewal, renew_files
from api.settings import Settings
from signing.demo import DemoAuthority
from tests.signing.conftest import build_pdf


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    """An authority whose timestamping key ends in eight years or so."""
    return DemoAuthority(tmp_path_factory.mktemp("old"))


@pytest.fixture(scope="module")
def trust(old: DemoAuthority) -> signing.Trust:
    return signing.Trust.load(old.trust_pem())


@pytest.fixture(scope="module")
def archived(old: DemoAuthority) -> bytes:
    person = old.issue("Nguyễn Văn An", "CCCD:1", unit="Trường THCS Nguyễn Du")
    pdf = build_pdf({"principal_signs": (60, 120, 220, 180), "archive_timestamp": (0, 0, 0, 0)})
    signed = signing.sign(pdf, signing.SignRequest(field="principal_signs"), person.signer(), timestamper=old)
    return signing.extend(signed, signing.Level.B_LTA, timestamper=old, evidence=old)


@pytest.fixture
def shelf(archived: bytes, tmp_path: Path) -> Path:
    """Three archived files, one in a folder below, and one that is no PDF."""
    (tmp_path / "shelf" / "2026").mkdir(parents=True)
    for name in ("a.pdf", "b.pdf", "2026/c.pdf"):
        (tmp_path / "shelf" / name).write_bytes(archived)
    (tmp_path / "shelf" / "broken.pdf").write_bytes(b"no pdf")
    return tmp_path / "shelf"


def plan(old: DemoAuthority, trust: signing.Trust, **more: object) -> Plan:
    return Plan(timestamper=old, evidence=old, trust=trust, **more)  # type: ignore[arg-type]


def outcomes(results: list[Renewal]) -> dict[str, str]:
    return {each.path.name: str(each.outcome) for each in results}


def test_every_file_has_one_result_and_a_bad_one_stops_no_other(
    shelf: Path, old: DemoAuthority, trust: signing.Trust, archived: bytes
) -> None:
    """Three renewed in place, each beginning with what it was; the broken one is named and left alone."""
    results = list(renew_files([shelf], plan(old, trust)))

    assert outcomes(results) == {"a.pdf": "RENEWED", "b.pdf": "RENEWED", "c.pdf": "RENEWED", "broken.pdf": "REFUSED"}
    for name in ("a.pdf", "b.pdf", "2026/c.pdf"):
        now = (shelf / name).read_bytes()
        report = signing.verify(now, trust)
        assert now.startswith(archived)
        assert len(now) > len(archived)
        assert report.verdict == "TOTAL_PASSED"
        assert [each.field for each in report.signatures] == ["principal_signs", "archive_timestamp", "archive_timestamp_2"]
    assert (shelf / "broken.pdf").read_bytes() == b"no pdf"
    assert sorted(path.name for path in shelf.iterdir()) == ["2026", "a.pdf", "b.pdf", "broken.pdf"]


def test_what_holds_long_enough_is_left_alone(shelf: Path, old: DemoAuthority, trust: signing.Trust, archived: bytes) -> None:
    """With a date only files that lose their force before it are touched."""
    soon = datetime.now(UTC) + timedelta(days=30)
    results = list(renew_files([shelf / "a.pdf"], plan(old, trust, before=soon)))

    assert [each.outcome for each in results] == [Outcome.NOT_DUE]
    assert (shelf / "a.pdf").read_bytes() == archived


def test_a_renewal_that_gains_nothing_is_refused(
    shelf: Path, old: DemoAuthority, trust: signing.Trust, archived: bytes
) -> None:
    """The same authority's key ends on the same day: the file would only grow, run after run."""
    results = list(renew_files([shelf / "a.pdf"], plan(old, trust, before=datetime(2099, 1, 1, tzinfo=UTC))))

    assert [(each.outcome, each.code) for each in results] == [(Outcome.REFUSED, "NOT_LONGER")]
    assert (shelf / "a.pdf").read_bytes() == archived


def test_a_younger_authority_keeps_files_longer(tmp_path: Path) -> None:
    """Signed in 2022 and renewed today by an authority whose key ends later: the date moves on; then it is no longer due."""
    ancient = DemoAuthority(tmp_path / "ancient", clock=lambda: datetime(2022, 5, 1, tzinfo=UTC))
    person = ancient.issue("Nguyễn Văn An", "CCCD:1", unit="THCS", not_after=datetime(2028, 1, 1, tzinfo=UTC))
    pdf = build_pdf({"principal_signs": (60, 120, 220, 180), "archive_timestamp": (0, 0, 0, 0)})
    signed = signing.sign(pdf, signing.SignRequest(field="principal_signs"), person.signer(), timestamper=ancient)
    file = tmp_path / "a.pdf"
    file.write_bytes(signing.extend(signed, signing.Level.B_LTA, timestamper=ancient, evidence=ancient))
    ancient.clock = lambda: datetime.now(UTC)
    young = DemoAuthority(tmp_path / "young")
    both = signing.Trust.load([*ancient.trust_pem(), *young.trust_pem()])
    chosen = Plan(timestamper=young, evidence=_Both(ancient, young), trust=both, before=datetime(2031, 1, 1, tzinfo=UTC))

    (first,) = renew_files([file], chosen)
    (second,) = renew_files([file], chosen)

    assert (first.outcome, second.outcome) == (Outcome.RENEWED, Outcome.NOT_DUE), first
    assert first.held_until is not None
    assert first.holds_until is not None
    assert first.held_until.year == 2030
    assert first.holds_until > datetime(2031, 1, 1, tzinfo=UTC)


class _Both:
    """Two authorities' word, each about its own."""

    def __init__(self, *authorities: DemoAuthority) -> None:
        self.authorities = authorities

    def for_chain(self, chain: object) -> signing.Revocation:
        return sum((each.for_chain(chain) for each in self.authorities), signing.Revocation())  # type: ignore[arg-type]


def test_a_second_run_goes_on_where_the_first_was_stopped(shelf: Path, old: DemoAuthority, trust: signing.Trust) -> None:
    """The journal names what is done, by digest; a last line cut short by a power failure is no obstacle."""
    journal = shelf.parent / "journal.jsonl"
    done = next(renew_files([shelf], plan(old, trust, journal=journal)))
    with journal.open("ab") as lines:
        lines.write(b'{"file": "cut sho')
    sizes = {path.name: path.stat().st_size for path in shelf.rglob("*.pdf")}

    second = list(renew_files([shelf], plan(old, trust, journal=journal)))

    assert done.outcome is Outcome.RENEWED
    assert outcomes(second)[done.path.name] == "DONE_BEFORE"
    assert sorted(outcomes(second).values()) == ["DONE_BEFORE", "REFUSED", "RENEWED", "RENEWED"]
    assert done.path.stat().st_size == sizes[done.path.name]
    told = [json.loads(line) for line in journal.read_bytes().splitlines() if line.endswith(b"}")]
    assert [each["outcome"] for each in told].count("RENEWED") == 3


def test_a_file_that_does_not_pass_is_not_renewed(shelf: Path, old: DemoAuthority, archived: bytes) -> None:
    """A timestamp must not make a doubt look old and settled."""
    nobody = signing.Trust.load([])
    (result,) = renew_files([shelf / "a.pdf"], plan(old, nobody))

    assert (result.outcome, result.code) == (Outcome.REFUSED, "NOT_VALID_BEFORE")
    assert (shelf / "a.pdf").read_bytes() == archived


def test_a_file_that_is_not_there_is_a_result(tmp_path: Path, old: DemoAuthority, trust: signing.Trust) -> None:
    """One line, no traceback."""
    (result,) = renew_files([tmp_path / "nowhere.pdf"], plan(old, trust))

    assert (result.outcome, result.code) == (Outcome.REFUSED, "FILE_UNREADABLE")


def test_the_command_renews_a_demo_offices_files(shelf: Path, old: DemoAuthority, tmp_path: Path) -> None:
    """`soky renew` as it is typed: a line per file, a count, exit code 1 because one was refused."""
    office = tmp_path / "office"
    shutil.copytree(old.folder, office)
    Settings(folder=office, demo=True).write()
    command = [sys.executable, "-m", "api.cli", "renew", str(shelf), "--demo-office", str(office)]
    root = Path(__file__).resolve().parents[2]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=root, env={**os.environ}, check=False, timeout=120)

    assert ran.returncode == 1, ran.stderr
    assert ran.stdout.count("RENEWED ·") == 3, ran.stdout
    assert "4 tệp / files – RENEWED: 3, NOT_DUE: 0, DONE_BEFORE: 0, REFUSED: 1" in ran.stdout


def test_without_an_authority_nothing_is_begun(shelf: Path, archived: bytes) -> None:
    """Either --tsa or --demo-office."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "api.cli", "renew", str(shelf)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=root, check=False, timeout=120)

    assert ran.returncode == 2
    assert "--demo-office" in ran.stderr
    assert (shelf / "a.pdf").read_bytes() == archived
