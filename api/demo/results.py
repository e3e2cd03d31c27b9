"""`soky demo`: run the story in an office of its own and leave its results where anybody can look at them and check them."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import documents
from api.checking import CheckedFile, How, check_files
from api.demo.people import PRINCIPAL, settle_school
from api.demo.story import EXAMPLES, WORKBOOK, Story, signed_by, volume_of
from api.drawing import case_diagram
from api.settings import BadSettings, Settings, read_settings
from api.trail import trail_of
from api.wiring import Wired, open_office
from api.worker import Worker
from workflow.calendar import VIETNAM
from workflow.events import CaseId

Say = Callable[[str], None]
SUMMARY = "class-book-9A.pdf"


def run_demo(out: Path, say: Say, *, database: str = "sqlite") -> int:
    """Tell the story, write the results, verify them. Exit code 0 when everything passed."""
    begun = time.perf_counter()
    if (out / "soky.toml").exists():
        raise BadSettings(
            f"{out} là một văn phòng; chọn nơi khác cho kết quả / {out} is an office; choose another place for the results"
        )
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".office-", dir=out) as folder:
        settings = Settings(folder=Path(folder), demo=True, database=database)
        settings.write()
        say("Sổ lớp 9A, học kì I: từ bảng điểm đến tập sổ đóng dấu / class book 9A: from marks to a sealed volume\n")
        with open_office(settings) as wired:
            _same_book_in_every_form()
            story = Story(wired=wired, say=say)
            case = story.tell()
            _write(wired, case, out)
            signers = signed_by(wired, case)
        checked = _verify(out, say)
        say(f"{time.perf_counter() - begun:6.2f} s  cả thảy / in all\n")
        _summarise(out, checked, signers, say)
    return checked.exit_code


def _same_book_in_every_form() -> None:
    """The workbook, the JSON and the CSV files hold the same class book."""
    workbook = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
    for name in ("class-book-9A.json", "class-book-9A.zip"):
        other = documents.read_class_book((EXAMPLES / name).read_bytes(), name)
        if other != workbook:
            raise RuntimeError(f"{name} is not the same class book as {WORKBOOK.name}")


def _write(wired: Wired, case: CaseId, out: Path) -> None:
    checkpoint = wired.keep_log()
    volume = volume_of(wired, case)
    final = wired.store.get(volume.revision)
    (out / SUMMARY).write_bytes(final)
    _fresh(out / "sheets")
    for sheet in documents.attached(final):
        if sheet.mime_type == "application/pdf":
            (out / "sheets" / sheet.name).write_bytes(sheet.content)
    _fresh(out / "trust")
    for anchor in wired.settings.trust_folder.glob("*.pem"):
        shutil.copy(anchor, out / "trust" / anchor.name)
    if wired.store.log.key:
        (out / "trust" / "log.pub").write_text(wired.store.log.key.verifier.text() + "\n", encoding="utf-8")
    (out / "checkpoint.txt").write_text(checkpoint, encoding="utf-8")
    _write_json(out / "trail.json", trail_of(wired, case))
    (out / "diagram.svg").write_text(case_diagram(wired.office.case_view(PRINCIPAL, case)), encoding="utf-8")


def _fresh(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _verify(out: Path, say: Say) -> CheckedFile:
    begun = time.perf_counter()
    (checked,) = check_files([out / SUMMARY], [out / "trust"], How())
    _write_json(out / "report.json", checked.json)
    say(f"{time.perf_counter() - begun:6.2f} s  Kiểm tra tập sổ, 13 tờ, dựng lại từ dữ liệu / verified, rendered again")
    return checked


def _summarise(out: Path, checked: CheckedFile, signers: list[tuple[Any, str]], say: Say) -> None:
    say(checked.text)
    steps = [str(task).partition("#")[0] for task, _ in signers]
    again = sorted({step for step in steps if steps.count(step) > 1})
    say(f"\nChữ ký đã tạo / signatures made: {len(signers)}; ký lại / signed again: {', '.join(again)}")
    say(f"Kết quả ở / results in: {out}/")
    say(f"Tự kiểm tra / check it yourself: soky verify {out / SUMMARY} --trust {out / 'trust'}")


def closing_of(book: documents.ClassBook) -> datetime:
    """The day the semester's books are closed: semester I before 18/01, the year before 31/05 (QĐ 2308/QĐ-BGDĐT)."""
    first_year = int(book.school_year[:4])
    month, day = (1, 15) if book.semester == 1 else (5, 28)
    return datetime(first_year + 1, month, day, 17, tzinfo=VIETNAM)


def ensure_demo_office(folder: Path, say: Say) -> Settings:
    """The office that `soky serve --demo` opens: made once, with the class book of 9A waiting for its teachers."""
    if (folder / "soky.toml").exists():
        settings = read_settings(folder)
        if not settings.demo:
            raise BadSettings(
                f"{folder} là văn phòng thật, không mở bằng --demo / {folder} is a real office: open it without --demo"
            )
        return settings
    settings = Settings(folder=folder, demo=True)
    say(f"Tạo văn phòng thử ở {folder} / making the demo office in {folder} ...")
    half = folder.with_name(f".{folder.name}.half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    with open_office(Settings(folder=half, demo=True)) as wired:
        book = documents.read_class_book(WORKBOOK.read_bytes(), WORKBOOK.name)
        settle_school(wired, book)
        wired.office.open_class_book(PRINCIPAL, WORKBOOK.read_bytes(), WORKBOOK.name, closing_of(book))
        Worker(wired).drain()
    Settings(folder=half, demo=True).write()  # last: an office without its settings is not taken for one
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    half.rename(folder)
    return settings
