"""What was found, as lines for people."""

from pathlib import Path

import pytest

import signing
from api.checking import How, check_content
from api.finding_lines import file_findings, signature_findings
from signing.demo import DemoAuthority
from signing.findings import finding
from signing.xml import sign_xml


def test_a_signatures_findings_are_sentences_under_it(tmp_path: Path) -> None:
    """No bare code: what it covers and why it does not pass is read in words; who has named no anchor is told how to."""
    authority = DemoAuthority(tmp_path)
    signer = authority.issue("Nguyễn Văn An", "CCCD:1", unit="THCS").signer()
    document = sign_xml(b'<r><DATA Id="d">1</DATA><place/></r>', reference_id="d", place="place", signer=signer)
    without = check_content(document, signing.Trust.load([]), How(), name="a.xml").text.splitlines()
    believed = check_content(document, signing.Trust.load([authority.trust_pem()[0]]), How(), name="a.xml").text.splitlines()

    (line,) = (each for each in without if "NO_TRUSTED_CHAIN" in each)
    assert line.startswith("    ! NO_TRUSTED_CHAIN: Chứng thư không dẫn tới")
    assert "dùng --trust" in line
    for lines in (without, believed):
        assert any(each.startswith("    ! COVERS: Chữ ký này ký: ") for each in lines)
        assert not any("[" in each for each in lines if "Nguyễn Văn An" in each)
    assert not any("--trust" in each for each in believed)


def test_a_code_is_told_once_with_how_many_more() -> None:
    """The same sentence twice is one; another sentence of the same code is counted."""
    findings = [finding("COVERS", word).to_json() for word in ("a", "a", "b", "c")]

    assert signature_findings(findings, nobody_trusted=True) == [
        "    ! COVERS: Chữ ký này ký: a / This signature covers: a (+2)"
    ]
    assert len(file_findings(findings)) == len(findings)


@pytest.mark.parametrize(("count", "shown"), [(5, "n0, n1, n2, n3, n4"), (13, "n0, n1, n2, n3, n4, …")])
def test_long_lists_of_names_are_cut_in_both_languages(count: int, shown: str) -> None:
    """Five names are read, thirteen are not."""
    names = ", ".join(f"n{number}" for number in range(count))
    (line,) = file_findings([finding("ATTACHMENTS", names).to_json()])

    assert line == f"  ! ATTACHMENTS: Tài liệu có tệp đính kèm: {shown} / The document has files attached: {shown}"


def test_a_strangers_name_moves_no_terminal() -> None:
    """What cannot be seen is made visible here too."""
    (line,) = signature_findings([finding("COVERS", "x\x1b[2J").to_json()], nobody_trusted=False)

    assert "\x1b" not in line
