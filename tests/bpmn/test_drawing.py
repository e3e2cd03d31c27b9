"""The picture of a case: complete, readable without colour, inert."""

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

import bpmn
from tests.bpmn.conftest import Sketch

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def picture(route: bpmn.Process) -> str:
    """The teachers of two subjects are asked again; everything up to the homeroom teacher was done once."""
    waiting = ["subject_teacher_signs.toan#2", "subject_teacher_signs.ngu_van#2", "withdraw#1"]
    done = ["render_sheets#1", "subject_teacher_signs.tieng_anh#1", "bind_volume#1", "homeroom_teacher_signs#1"]
    return bpmn.diagram_svg(route, waiting, done)


def test_every_step_is_drawn_and_named(route: bpmn.Process, picture: str) -> None:
    """Each step's words stand in the picture, whole."""
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    drawn = {
        group.get("data-element"): " ".join(part.text or "" for part in group.iter(f"{SVG}tspan"))
        for group in root.iter(f"{SVG}g")
    }

    assert {step.id: step.name for step in route.steps.values()}.items() <= drawn.items()


def test_done_waiting_and_never(picture: str) -> None:
    """Three looks; a step that was done and waits again is shown as waiting, with the number of people meant."""
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    looks = {
        group.get("data-element"): (group.get("class") or "").split()[-1]
        for group in root.iter(f"{SVG}g")
        if group.get("class")
    }
    badges = {
        group.get("data-element"): text.text
        for group in root.iter(f"{SVG}g")
        for text in group.findall(f"{SVG}text")
        if text.get("font-weight") == "bold"
    }

    assert looks["subject_teacher_signs"] == "waiting"
    assert looks["withdraw"] == "waiting"
    assert looks["bind_volume"] == looks["homeroom_teacher_signs"] == "done"
    assert looks["clerk_seals"] == "never"
    assert badges["subject_teacher_signs"] == "2"


def test_it_is_said_in_words(route: bpmn.Process, picture: str) -> None:
    """Whoever hears the page learns the same: title, what waits, what is done. In English the frame speaks English."""
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    english = bpmn.diagram_svg(route, ["clerk_seals#1"], [], language="en")

    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == "diagram-title diagram-words"
    assert "Khoá sổ" in (root.findtext(f"{SVG}title") or "")
    assert "Đang chờ: Kiểm tra và ký phiếu điểm của môn, Hiệu trưởng rút hồ sơ." in (root.findtext(f"{SVG}desc") or "")
    assert "Waiting: Đóng dấu nhà trường." in english


def test_it_is_inert(picture: str) -> None:
    """No script, style, link or address: it may stand in a page under the strictest policy."""
    root = ET.fromstring(picture)  # noqa: S314 - our own text
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    attributes = {name for element in root.iter() for name in element.attrib}

    assert tags <= {"svg", "title", "desc", "defs", "marker", "path", "rect", "circle", "polyline", "g", "text", "tspan"}
    assert not {name for name in attributes if name.startswith("on") or name in {"style", "href", "src"}}
    assert re.findall(r"\w+://[^\s\"]+", picture) == ["http://www.w3.org/2000/svg"]


def test_words_of_a_diagram_stay_words() -> None:
    """A name that looks like markup is shown, not run."""
    sketch = Sketch().start().person("reads").end().flow("begin reads finish")
    xml = sketch.xml().replace(b'name="reads"', b'name="&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;x"')
    svg = bpmn.diagram_svg(xml, ["reads#1"])

    assert "<script" not in svg
    assert "&lt;script&gt;" in svg


def test_names_that_are_not_drawn_are_ignored(route: bpmn.Process) -> None:
    """A case may know steps of an older diagram; its picture is still drawn."""
    assert bpmn.diagram_svg(route, ["nobody#1"], ["nothing.x#2"]).startswith("<svg")


@pytest.mark.browser
def test_a_browser_draws_it(picture: str, tmp_path: Path) -> None:
    """Chromium shows it without a complaint: coloured boxes where they belong, and no word runs out of its box."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    assert browser, "the tests need chromium"
    page, shot = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(f"<!doctype html><meta charset=utf-8><body style='margin:0'>{picture}", encoding="utf-8")
    arguments = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=2400,1300"]
    subprocess.run(
        [browser, *arguments, f"--user-data-dir={tmp_path}/u", f"--screenshot={shot}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=120,
    )
    with Image.open(shot) as image:
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or []}

    assert (0xFF, 0xF1, 0xCC) in colours
    assert (0xE3, 0xF4, 0xE7) in colours


def test_words_fit_into_their_boxes(route: bpmn.Process) -> None:
    """Each line of a step's name is shorter than its box, and all lines are lower than it, by the widths of Arial."""
    from bpmn.drawing import FONT, LETTER, _wrapped

    for step in route.steps.values():
        box = route.diagram.boxes[step.id]
        if step.kind == bpmn.Kind.MESSAGE:
            continue
        lines = _wrapped(step.name, box.width - 14)

        assert all(len(line) * FONT * LETTER <= box.width - 6 for line in lines), step.name
        assert len(lines) * FONT * 1.2 <= box.height - 20, step.name
