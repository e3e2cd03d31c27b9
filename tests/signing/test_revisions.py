"""What other programs do to a signed paper gets the answer that it should: nothing forbidden is missed, little is doubted."""

from collections.abc import Mapping

import pytest

from signing import DemoAuthority, Trust, verify
from signing.demo import Issued
from tests.signing.attacks import Scene
from tests.signing.conftest import MakePdf
from tests.signing.revision_cases import CASES, PERMITTED, VALID
from tests.signing.scenes import build_scene


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


def answer(scene: Scene, name: str, trust: Trust) -> str:
    case = CASES[name]
    report = verify(case.make(scene).content, trust)
    found = [each for each in report.signatures if each.field == case.of]
    assert found, report.to_json()
    assert found[0].sub_indication != "HASH_FAILURE", report.to_json()
    return f"{found[0].changes_after} {[str(each) for each in found[0].findings]}"


@pytest.mark.parametrize("name", CASES)
def test_a_later_revision_gets_its_answer(name: str, scene: Scene, roots: object) -> None:
    """Each situation of the public revision tests, made by us."""
    told = answer(scene, name, Trust.load(str(roots)))

    assert told.split(" ", maxsplit=1)[0] == CASES[name].answer, told


def test_nothing_forbidden_is_missed_and_nothing_permitted_is_doubted() -> None:
    """The table itself: what iText forbids we never permit, what it permits we permit."""
    missed = [name for name, case in CASES.items() if case.itext != VALID and case.answer == PERMITTED]
    doubted = [name for name, case in CASES.items() if case.itext == VALID and case.answer != PERMITTED]

    assert missed == []
    assert doubted == []
