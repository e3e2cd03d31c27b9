"""The pages and what they are made of fit together: texts, classes, and nothing that the content policy would block."""

import re
from pathlib import Path

import pytest

from api.texts import catalogue
from api.web.assets import DIST, read_manifest
from api.web.visits import TEMPLATES, environment

PYTHON = sorted((TEMPLATES.parent / "web").glob("*.py"))
PAGES = sorted(TEMPLATES.glob("*.html"))


def test_every_page_is_a_template() -> None:
    """A page with a mistake in it is found here and not by a clerk."""
    for page in PAGES:
        environment().get_template(page.name)

    assert len(PAGES) > 10


def test_every_text_that_is_asked_for_exists() -> None:
    """A key that a page or a route names is in the catalogue."""
    asked = {
        (source.name, key)
        for source in [*PAGES, *PYTHON]
        for key in re.findall(r"""(?:\bt|\bsay)\(\s*"([a-z_0-9]+\.[A-Za-z_0-9]*[A-Za-z0-9])\"""", source.read_text("utf-8"))
    }

    assert len(asked) > 150
    assert {(source, key) for source, key in asked if key not in catalogue()} == set()


def test_no_text_is_left_over() -> None:
    """A text that nobody shows any more goes: whoever translates next should not have to."""
    sources = "\n".join(source.read_text("utf-8") for source in [*PAGES, *PYTHON])
    built = (  # made from an event, a code, a state, an opinion
        *("role.", "trail.", "notice.", "problem.", "keys.", "verify.", "inbox."),
        *("results.second_", "results.says_", "results.blind_"),
    )

    unused = [key for key in catalogue() if f'"{key}"' not in sources and not key.startswith(built)]

    assert unused == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_nothing_in_a_page_needs_an_exception_from_the_content_policy(page: Path) -> None:
    """No inline style, script or handler; nothing from another host."""
    source = page.read_text("utf-8")

    assert re.findall(r"\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:", source) == []
    assert re.findall(r"<script(?![^>]*\ssrc=)", source) == []
    assert re.findall(r"""(?:src|href|action)\s*=\s*["']?https?:""", source) == []


@pytest.mark.skipif(not read_manifest(), reason="the assets are not built: make setup")
def test_every_class_of_a_page_is_in_the_sheet() -> None:
    """Tabler is trimmed at set-up: whatever a page uses must have survived, or be ours."""
    sheet = (DIST / Path(read_manifest()["app.css"]).name).read_text("utf-8")
    styled = set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", sheet))
    used = {
        name
        for page in PAGES
        for value in re.findall(r'class="([^"]*)"', re.sub(r"\{[{%].*?[%}]\}", " ", page.read_text("utf-8")))
        for name in value.split()
    }
    # Names for what a reader of the markup sees; they look like their surroundings.
    plain = {
        *("alert-mark", "answer", "brand-mark", "certificates", "entrance-people", "later", "long", "marks-card"),
        *("paper-number", "result-title", "sheets", "signature", "standing", "trail-what"),
    }

    assert used - styled - plain == set()


@pytest.mark.skipif(not read_manifest(), reason="the assets are not built: make setup")
def test_licences_travel_with_what_is_bundled() -> None:
    """Each bundled package's licence text is beside the bundle."""
    told = (DIST / "LICENSES.txt").read_text("utf-8")

    assert "htmx.org" in told
    assert "@tabler/core" in told
    assert "Permission is hereby granted" in told
