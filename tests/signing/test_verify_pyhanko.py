"""Every pass of ours held against pyHanko's: where they differ, the difference has a name and a reason."""

import io
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko_certvalidator import ValidationContext

from signing import DemoAuthority, Trust, Verdict, verify
from signing.demo import Issued
from signing.verification.waiting import run
from tests.signing.attacks import STRUCTURAL, Scene
from tests.signing.conftest import MakePdf
from tests.signing.scenes import build_scene

# Legitimate updates that pyHanko's default policy does not understand, each resolved by a rule of ours.
OURS_ALONE = {
    "note after P=3": "pyHanko has no rules for annotations under P=3",
    "unused objects freed": "pyHanko refuses every freed object; this one could not be reached before or after",
    "tagged field": "pyHanko has no rule for elements that only point at a new field",
    "widget split off": "pyHanko knows the merged form of a field only",
}


@pytest.fixture(scope="module")
def scene(authority: DemoAuthority, people: Mapping[str, Issued], make_pdf: MakePdf, book_pdf: bytes) -> Scene:
    return build_scene(authority, people, make_pdf, book_pdf)


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """PyHanko logs every refusal with its trace."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def pyhanko_passes(content: bytes, field: str, root: bytes) -> bool:
    """The bottom line of pyHanko's own validation, strict, revocation where it is known."""
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(root)], allow_fetching=False, revocation_mode="soft-fail"
    )
    try:
        reader = PdfFileReader(io.BytesIO(content))
        for name, _, reference in enumerate_sig_fields(reader, filled_status=True):
            if name == field:
                embedded = EmbeddedPdfSignature(reader, reference.get_object(), name)
                return bool(run(async_validate_pdf_signature(embedded, context, context)).bottom_line)
    except Exception:  # noqa: BLE001 -- pyHanko raises many kinds; none of them is a pass
        return False
    return False


@pytest.mark.parametrize("name", STRUCTURAL)
def test_what_we_pass_pyhanko_passes_or_we_say_why(name: str, scene: Scene, authority: DemoAuthority, roots: Path) -> None:
    """No signature is passed by us alone without a rule that is written down."""
    content = STRUCTURAL[name].make(scene)
    passed = [each for each in verify(content, Trust.load(roots)).signatures if each.verdict is Verdict.TOTAL_PASSED]
    alone = [each.field for each in passed if not pyhanko_passes(content, each.field, authority.root)]

    assert not alone or name in OURS_ALONE, alone


def test_the_rules_of_ours_are_still_needed(scene: Scene, authority: DemoAuthority, roots: Path) -> None:
    """When pyHanko learns one of them, this list gets shorter."""
    trust = Trust.load(roots)
    still = set()
    for name in OURS_ALONE:
        content = STRUCTURAL[name].make(scene)
        report = verify(content, trust)
        if any(not pyhanko_passes(content, each.field, authority.root) for each in report.signatures):
            still.add(name)

    assert still == set(OURS_ALONE)
