"""The second look in production: on the page, at the command line, over the office's own files. A disagreement stays.

The file on which both differ is a real one: a note with its element in the structure tree, added where the certification
allows notes (P=3). Our rules know both; pyHanko knows neither, and the named differences know only one kind at a time.
"""

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

import signing
from api.inspection import inspect
from api.looking_twice import LookingTwice
from api.office_looks import OfficeLooks
from api.second_looks import ROWS, SecondLooks
from api.serving import house_of
from api.settings import BadSettings, Settings, read_settings
from api.web.app import create_app
from api.wiring import Wired, second_looks
from signing.second_opinion import Difference, Sampling, SecondLook, State
from signing.verification.syntax import Name, Ref
from tests.api.conftest import Stage, TestClient, path_of, words_of
from tests.signing.conftest import build_pdf
from tests.signing.updates import Style, Update, identity, put_signature

pytestmark = pytest.mark.xdist_group("web")

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def watched(stage: Stage, tmp_path: Path) -> Wired:
    """The office, with every file that passes looked at twice."""
    return replace(stage.wired, looks=SecondLooks(tmp_path / "looks", Sampling(one_of=1)))


@pytest.fixture
def page(watched: Wired) -> Iterator[TestClient]:
    house = house_of(watched)
    with TestClient(create_app(house)) as client:
        yield client
    house.sessions.close()


@pytest.fixture
def agreed(watched: Wired) -> bytes:
    """A signed file on which all agree."""
    return _certified(watched.demo_authority)


@pytest.fixture
def disputed(agreed: bytes) -> bytes:
    """The same with a tagged note."""
    update = Update(agreed)
    root = update.value(update.catalog)["/StructTreeRoot"]
    assert isinstance(root, Ref)
    holder, held = update.value(root.number)["/K"], update.view.get(root, "/K")
    assert isinstance(holder, Ref)
    words = {"/Rect": [50, 600, 70, 620], "/Contents": b"Xin xem"}
    note = update.add({"/Type": Name("/Annot"), "/Subtype": Name("/Text"), **words})
    annots = update.view.items(update.value(update.page()).get("/Annots"))
    update.change(update.page(), Annots=[*annots, Ref(note, 0)])
    pointer = {"/Type": Name("/OBJR"), "/Obj": Ref(note, 0)}
    element = update.add({"/Type": Name("/StructElem"), "/S": Name("/Annot"), "/P": holder, "/K": pointer})
    update.change(holder.number, K=[*update.view.items(held["/K"]), Ref(element, 0)])
    return update.bytes()


def _certified(authority: signing.DemoAuthority) -> bytes:
    person = authority.issue("Nguyễn Văn An", "CCCD:031084000009", unit="Trường THCS Nguyễn Du")
    pdf = build_pdf({"principal_signs": (60, 120, 220, 180)})
    return put_signature(pdf, "principal_signs", identity(person), Style(timestamp=authority.timestamp, certify=3))


def look(digest: str, *against: Difference) -> SecondLook:
    return SecondLook(sha256=digest, policy="p", at=NOW, differences=against)


OBJECTION = Difference(field="f", by="pyhanko", about="changes", detail="x")


def test_the_page_answers_first_and_the_disagreement_becomes_an_alarm(
    page: TestClient, watched: Wired, disputed: bytes
) -> None:
    """The visitor has the answer before the judge has begun; then the operator is told, and the next visitor too."""
    first = page.post("/verify", files={"file": ("a.pdf", disputed)})
    watched.looks.wait()
    (alarm,) = watched.looks.alarms()
    second = page.post("/verify", files={"file": ("a.pdf", disputed)})

    assert "Chữ ký số hợp lệ" in words_of(first)
    assert "SECOND_OPINION_DISAGREES" not in words_of(first)
    assert {(each.by, each.about) for each in alarm.differences} == {("pyhanko", "changes")}
    assert any(line.startswith("SECOND_OPINION_DISAGREES") for line in inspect(watched))
    assert "Chương trình độc lập cho kết quả khác" in words_of(second)
    assert "Chưa đủ thông tin để kết luận" in words_of(second)


def test_where_all_agree_nothing_is_said(page: TestClient, watched: Wired, agreed: bytes) -> None:
    """The look is counted, there is no alarm, and the same file is not judged a second time."""
    for _ in range(2):
        page.post("/verify", files={"file": ("a.pdf", agreed)})
        watched.looks.wait()

    assert watched.looks.counts() == {"agrees": 1}
    assert watched.looks.alarms() == ()


def test_programs_are_told_the_same_as_people(page: TestClient, watched: Wired, disputed: bytes) -> None:
    """The JSON answer of the page goes the same way."""
    headers = {"accept": "application/json"}
    first = page.post("/verify", files={"file": ("a.pdf", disputed)}, headers=headers).json()
    watched.looks.wait()
    second = page.post("/verify", files={"file": ("a.pdf", disputed)}, headers=headers).json()

    assert (first["verdict"], second["verdict"]) == ("TOTAL_PASSED", "INDETERMINATE")


def test_the_offices_own_revisions_are_looked_at_behind_the_work(
    stage: Stage, watched: Wired, page: TestClient, pin: str
) -> None:
    """A teacher signs; the log places it; the worker's sweep has it judged, once."""
    teacher = stage.cast.teachers["toan"]
    (task,) = stage.tasks(teacher)
    page.post("/sign-in", data={"unit": stage.cast.unit, "person": teacher})
    form = page.get("/cases").text
    token = form.split('name="token" value="')[1].split('"')[0]
    page.post(f"{path_of(task)}/sign", data={"token": token, "pin": pin}, follow_redirects=False)
    before = OfficeLooks(watched).sweep()
    stage.drain()
    looks = OfficeLooks(watched)

    assert (before, looks.sweep(), looks.sweep()) == (0, 1, 0)
    assert watched.looks.counts() == {"agrees": 1}


def test_one_worker_sweeps_at_a_time(watched: Wired) -> None:
    """The second finds it taken and leaves."""
    first, second = OfficeLooks(watched), OfficeLooks(watched)
    with first._alone() as mine, second._alone() as also:  # the lock is what is asked about
        assert (mine, also) == (True, False)


def test_an_alarm_stays_until_it_is_settled(tmp_path: Path) -> None:
    """Looked at again, reopened, restarted: it stands. Settled by its digest it is over, and says by which words."""
    looks = SecondLooks(tmp_path, Sampling())
    looks.add(look("aa", OBJECTION), source="web")
    looks.add(look("aa"), source="web")  # a later look that agrees takes nothing back
    again = SecondLooks(tmp_path, Sampling())

    assert [each.sha256 for each in again.alarms()] == ["aa"]
    assert not again.settle("bb", note="x", at=NOW)
    assert again.settle("aa", note="pyHanko thiếu quy tắc", at=NOW)
    assert SecondLooks(tmp_path, Sampling()).alarms() == ()
    assert "pyHanko thiếu quy tắc" in (tmp_path / ROWS).read_text(encoding="utf-8")


def test_an_alarm_after_it_was_settled_is_a_new_one(tmp_path: Path) -> None:
    """The same file, another disagreement later."""
    looks = SecondLooks(tmp_path, Sampling())
    looks.add(look("aa", OBJECTION), source="web")
    looks.settle("aa", note="x", at=NOW)
    looks.add(look("aa", OBJECTION), source="web")

    assert len(looks.alarms()) == 1


def test_a_row_that_a_power_failure_cut_short_hides_no_other(tmp_path: Path) -> None:
    """The rows before it and after it are read."""
    looks = SecondLooks(tmp_path, Sampling())
    looks.add(look("aa", OBJECTION), source="web")
    with (tmp_path / ROWS).open("ab") as rows:
        rows.write(b'{"kind": "look", "sha256": "bb", "sta')
    looks.add(look("cc", OBJECTION), source="web")

    assert [each.sha256 for each in looks.alarms()] == ["aa", "cc"]


def test_a_file_cannot_lose_its_alarm_in_a_row_too_long(tmp_path: Path) -> None:
    """A thousand fields with names of a megabyte, all disputed: the alarm stands, and the file is named."""
    looks = SecondLooks(tmp_path, Sampling())
    against = [replace(OBJECTION, field="\u202e\x00" * 500_000, detail="\n" * 1000)] * 1000
    looks.add(look("aa", *against), source="web")

    assert [each.sha256 for each in looks.alarms()] == ["aa"]
    assert "\u202e" not in looks.alarms()[0].text
    assert (tmp_path / ROWS).stat().st_size < 1024 * 1024


def test_rows_that_were_added_elsewhere_are_seen(tmp_path: Path) -> None:
    """Two processes of one office: each knows what the other wrote, and rows are read once."""
    one, two = SecondLooks(tmp_path, Sampling()), SecondLooks(tmp_path, Sampling())
    one.add(look("aa", OBJECTION), source="web")
    seen = [each.sha256 for each in two.alarms()]
    two.settle("aa", note="x", at=NOW)
    one.add(look("bb", OBJECTION), source="office")

    assert seen == ["aa"]
    assert [each.sha256 for each in one.alarms()] == [each.sha256 for each in two.alarms()] == ["bb"]
    assert one.was_judged("aa")


def _add_many(folder: str, name: str) -> None:
    looks = SecondLooks(Path(folder), Sampling())
    for number in range(50):
        looks.add(look(f"{name}{number}", OBJECTION), source="web")


def test_processes_write_rows_at_the_same_time(tmp_path: Path) -> None:
    """Two of them, a hundred rows, none lost or mixed."""
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_add_many, args=(str(tmp_path), name)) for name in "ab"]
    for process in both:
        process.start()
    for process in both:
        process.join(60)

    assert len(SecondLooks(tmp_path, Sampling()).alarms()) == 100


def test_no_room_is_written_down_too(tmp_path: Path, agreed: bytes, watched: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """More files than fit wait: what is not judged is counted, and the visitor is not kept waiting."""
    monkeypatch.setattr("api.second_looks.MOST_WAITING", 1)
    looks = SecondLooks(tmp_path / "full", Sampling(one_of=1))
    trust = watched.office.desk.trust
    report = signing.verify(agreed, trust)
    others = [replace(report, sha256=f"{n:064x}") for n in range(5)]
    taken = [looks.later(agreed, trust, each, source="web") for each in others]
    looks.wait()

    assert False in taken
    assert looks.counts() == {"agrees": taken.count(True), "skipped": taken.count(False)}


def test_at_the_command_line_a_quick_judge_is_a_finding(agreed: bytes, disputed: bytes, watched: Wired) -> None:
    """In time: the report itself says that another program differs."""
    trust = watched.office.desk.trust
    rows: list[SecondLook] = []
    twice = LookingTwice(Sampling(one_of=1), write_down=rows.append)
    fine, told = (twice.looked(each, trust, signing.verify(each, trust)) for each in (agreed, disputed))
    late = dict(twice.late())

    # On a loaded machine one of them may come late: then the line at the end tells it.
    assert fine.verdict == "TOTAL_PASSED"
    assert told.verdict == "INDETERMINATE" or State.DIFFERS in {each.state for each in late.values()}
    assert [each.state for each in rows] == [State.AGREES, State.DIFFERS]


def test_a_slow_judge_is_told_after_the_answer(disputed: bytes, watched: Wired, monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer is given as it is; the disagreement follows when the judge is done."""
    monkeypatch.setattr("api.looking_twice.PATIENCE_SECONDS", 0.0)
    trust = watched.office.desk.trust
    twice = LookingTwice(Sampling(one_of=1))
    told = twice.looked(disputed, trust, signing.verify(disputed, trust, name="a.pdf"))

    assert told.verdict == "TOTAL_PASSED"
    assert [(name, each.state) for name, each in twice.late()] == [("a.pdf", State.DIFFERS)]


def test_the_command_says_so_and_the_office_keeps_it(disputed: bytes, watched: Wired, tmp_path: Path) -> None:
    """`soky verify --sample 1` ends with 1; `soky check` names the file until `soky settle` closes it."""
    office = watched.settings.folder
    file = tmp_path / "a.pdf"
    file.write_bytes(disputed)

    def soky(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "api.cli", *words, "--office", str(office)]
        return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=180)

    told = soky("verify", "--sample", "1", str(file))
    found = soky("check")
    digest = next(line for line in found.stdout.splitlines() if "SECOND_OPINION" in line).split()[1]
    settled = soky("settle", digest, "--note", "đã xem")
    after = soky("check")

    assert told.returncode == 1
    assert "SECOND_OPINION_DISAGREES" in told.stdout + told.stderr
    assert (found.returncode, settled.returncode) == (1, 0)
    assert "SECOND_OPINION" not in after.stdout
    assert soky("settle", digest, "--note", "x").returncode == 2


def test_which_files_are_drawn_is_the_offices_secret(tmp_path: Path) -> None:
    """Made once, readable by nobody else, the same for every process of the office; two offices draw differently."""
    one, again, other = (second_looks(Settings(folder=tmp_path / name)) for name in ("a", "a", "b"))

    assert one.sampling == again.sampling
    assert one.sampling.secret != other.sampling.secret
    assert (tmp_path / "a" / "keys" / "sample.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("value", ["-1", "true", '"64"', "1.5", "99999999"])
def test_a_wrong_sample_is_refused_with_its_name(tmp_path: Path, value: str) -> None:
    """Nobody shall think that files are judged twice when they are not."""
    (tmp_path / "soky.toml").write_text(f"[verification]\nsample = {value}\n")
    with pytest.raises(BadSettings, match="sample"):
        read_settings(tmp_path)


def test_the_sample_is_read_and_written(tmp_path: Path) -> None:
    """0 takes none; 64 is what is meant where nothing is said."""
    Settings(folder=tmp_path, sample=0).write()

    assert read_settings(tmp_path).sample == 0
    (tmp_path / "soky.toml").write_text("")
    assert read_settings(tmp_path).sample == 64


def test_rows_are_lines_of_json(tmp_path: Path) -> None:
    """An operator's own tools can read them."""
    looks = SecondLooks(tmp_path, Sampling())
    looks.add(look("aa", OBJECTION), source="web")
    (row,) = (json.loads(line) for line in (tmp_path / ROWS).read_text(encoding="utf-8").splitlines())

    assert (row["kind"], row["state"], row["sha256"], row["source"]) == ("look", "differs", "aa", "web")
