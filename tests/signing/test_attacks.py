"""Each row of the attack table gets its verdict, in a report, never by an exception."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from signing import DemoAuthority, Trust, verify
from signing.demo import Issued
from tests.signing.attacks import STRUCTURAL, Scene
from tests.signing.conftest import MakePdf
from tests.signing.covering_attacks import COVERING
from tests.signing.hanging_attacks import HANGING
from tests.signing.picture_attacks import PICTURES
from tests.signing.scenes import build_scene
from tests.signing.shadow_attacks import SHADOW

ROWS = {**STRUCTURAL, **SHADOW, **HANGING, **COVERING, **PICTURES}


@pytest.fixture(scope="module")
def trust(roots: Path) -> Trust:
    return Trust.load(roots)


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


def test_the_files_that_are_attacked_are_good(scene: Scene, trust: Trust) -> None:
    """Without the attack each of them passes, so that a refusal means the attack."""
    for content in (scene.approved, scene.certified, scene.annotatable, scene.form, scene.packed):
        report = verify(content, trust)

        assert report.verdict == "TOTAL_PASSED", report.to_json()
        assert report.signatures[0].covers_whole_file
        assert report.signatures[0].changes_after == "none"


@pytest.mark.parametrize("name", ROWS)
def test_an_attack_gets_its_verdict(name: str, scene: Scene, trust: Trust) -> None:
    """The right verdict, sub-indication, findings and answer about later changes."""
    row = ROWS[name]
    report = verify(row.make(scene), trust, at=datetime.now(UTC))
    told = report.to_json()
    codes = {each.code for each in report.findings} | {f.code for s in report.signatures for f in s.findings}

    assert report.verdict in row.verdicts, told
    assert row.codes <= codes, told
    assert row.without.isdisjoint(codes), told
    assert row.sub is None or {s.sub_indication for s in report.signatures} & row.sub, told
    assert row.changes is None or row.changes in {s.changes_after for s in report.signatures}, told
    assert row.whole is None or row.whole == report.signatures[0].covers_whole_file, told


def test_a_changed_value_is_shown_with_old_and_new(scene: Scene, trust: Trust) -> None:
    """Whoever reads the report sees which amount was signed and which stands there now."""
    changed = verify(STRUCTURAL["value changed"].make(scene), trust).signatures[0].changed_fields

    assert [(each.name, each.old, each.new) for each in changed] == [("Text1", "100", "9999")]
