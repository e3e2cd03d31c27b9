"""Ask the other programs, and say whether they agree with our report."""

import importlib.util
import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from signing.cades_verify import is_cms
from signing.formats import is_xml
from signing.report import Finding, Report, SignatureReport, SubIndication, Verdict
from signing.second_opinion.limited import plain_environment, run
from signing.second_opinion.openssl import BLIND_SPOTS as OF_OPENSSL
from signing.second_opinion.openssl import ask_openssl, of_container
from signing.second_opinion.opinion import MAX_BYTES, MAX_SIGNATURES, NOT_LOOKED_AT, Opinion, Says
from signing.second_opinion.package_parts import of_package
from signing.second_opinion.words import told
from signing.second_opinion.xml_judges import of_xml
from signing.trust import Trust

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
# The content type of a timestamp; it stands in the first bytes of its CMS.
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
_FIRST_BYTES = 120

BLIND_SPOTS = {
    "openssl": OF_OPENSSL,
    "endesive": (*NOT_LOOKED_AT, "elliptic curves", "timestamps", "the bound signing certificate", "weak algorithms"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A signature cut out of the file by its byte range alone, without reading the PDF's structure."""

    end: int
    signed: bytes
    contents: bytes
    is_timestamp: bool


def second_opinion(
    content: bytes, trust: Trust, report: Report | None = None, *, signature: bytes | None = None
) -> tuple[Opinion, ...]:
    """What other programs say of each signature; a program that is not there says nothing. Never raises.

    Of a PDF without asking for a report; of anything else they are asked about the signatures that the report names.
    `signature`: the detached signature over the content.
    """
    if len(content) > MAX_BYTES:
        return ()
    beside = [each for each in report.signatures if not in_pdf(each)] if report is not None else []
    with tempfile.TemporaryDirectory(prefix="soky-opinion-") as name:
        folder = Path(name)
        if signature is not None:
            fields = [each.field for each in beside]
            return (*_of_pdf(content, trust, folder), *of_container(content, signature, fields, trust, folder))
        if content.startswith(b"PK\x03\x04"):
            return tuple(of_package(content, beside, trust, folder))
        if is_xml(content):
            return of_xml(content, beside, folder) if beside else ()
        if is_cms(content):
            return of_container(None, content, [each.field for each in beside], trust, folder)
        return _of_pdf(content, trust, folder)


def _of_pdf(pdf: bytes, trust: Trust, folder: Path) -> tuple[Opinion, ...]:
    pieces = list(_cut_out(pdf))
    if not pieces:
        return ()
    return (*_openssl(pieces, trust, folder), *_endesive(pdf, {each.end for each in pieces}, folder))


def with_second_opinion(report: Report, content: bytes, trust: Trust, *, signature: bytes | None = None) -> Report:
    """The report with what the others say: a finding per signature, and no better than INDETERMINATE where they disagree.

    Disagreement never lifts a verdict: a signature that failed here stays failed, whoever says otherwise.
    """
    if not report.signatures:
        return report
    opinions = second_opinion(content, trust, report, signature=signature)
    signatures = tuple(compared(each, opinions) for each in report.signatures)
    differs = any(f.code == "SECOND_OPINION_DISAGREES" for each in signatures for f in each.findings)
    verdict = Verdict.INDETERMINATE if differs and report.verdict is Verdict.TOTAL_PASSED else report.verdict
    return replace(report, signatures=signatures, verdict=verdict)


def in_pdf(report: SignatureReport) -> bool:
    """Whether the signature stands in a PDF, and was found in one of its revisions."""
    return report.signed_revision is not None


def about(report: SignatureReport, opinions: Sequence[Opinion]) -> list[Opinion]:
    """The opinions on this signature: in a PDF by where its revision ends, elsewhere by its name."""
    if in_pdf(report):
        return [each for each in opinions if not each.field and each.signed_bytes == report.signed_bytes]
    return [each for each in opinions if each.field and each.field == report.field]


def compared(report: SignatureReport, opinions: Sequence[Opinion]) -> SignatureReport:
    """The signature's report with what they say of it."""
    mine = about(report, opinions)
    said = [each for each in mine if each.says is not Says.CANNOT_JUDGE]
    if not said:
        return _with(report, told("SECOND_OPINION_NONE", [each.word for each in mine]))
    ours = Says.VALID if report.intact else Says.INVALID
    others = [each for each in said if each.says is not ours]
    if not others:
        return _with(report, told("SECOND_OPINION_AGREES", [each.word for each in said]))
    differing = _with(report, told("SECOND_OPINION_DISAGREES", [each.word for each in others]))
    if report.verdict is not Verdict.TOTAL_PASSED:
        return differing
    return replace(differing, verdict=Verdict.INDETERMINATE, sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE)


def _with(report: SignatureReport, *more: Finding) -> SignatureReport:
    return replace(report, findings=(*report.findings, *more))


def _cut_out(pdf: bytes) -> Iterator[_Piece]:
    """Every byte range whose gap is a hexadecimal string: found by bytes, so that our reading of PDFs is not asked."""
    seen: set[int] = set()
    for match in _BYTE_RANGE.finditer(pdf):
        start, first, second, length = (int(each) for each in match.groups())
        end = second + length
        if start or not first < second <= end <= len(pdf) or end in seen or len(seen) >= MAX_SIGNATURES:
            continue
        if pdf[first : first + 1] != b"<" or pdf[second - 1 : second] != b">":
            continue
        try:
            contents = bytes.fromhex(pdf[first + 1 : second - 1].decode("ascii"))
        except ValueError:
            continue
        seen.add(end)
        yield _Piece(
            end=end, signed=pdf[:first] + pdf[second:end], contents=contents, is_timestamp=_TST_INFO in contents[:_FIRST_BYTES]
        )


def _openssl(pieces: Sequence[_Piece], trust: Trust, folder: Path) -> Iterator[Opinion]:
    for piece in pieces:
        answer = ask_openssl(piece.contents, piece.signed, trust, folder, is_timestamp=piece.is_timestamp)
        if answer is None:
            return
        says, detail = answer
        yield Opinion(by="openssl", says=says, signed_bytes=piece.end, detail=detail, blind_spots=OF_OPENSSL)


def _endesive(pdf: bytes, ends: set[int], folder: Path) -> Iterator[Opinion]:
    if importlib.util.find_spec("endesive") is None:
        return
    root = str(Path(__file__).resolve().parents[2])
    said = run(
        [sys.executable, "-m", "signing.second_opinion.endesive_worker"],
        folder=folder,
        content=pdf,
        environment=plain_environment(PYTHONPATH=root),
    )
    judged: dict[int, tuple[Says, str]] = {}
    for line in said.out.splitlines() if said is not None else ():
        try:
            told = json.loads(line)
            judged[int(told["end"])] = (Says(told["says"]), str(told["detail"])[:120])
        except (ValueError, KeyError, TypeError):
            continue
    for end in sorted(ends):
        says, detail = judged.get(end, (Says.CANNOT_JUDGE, "no answer"))
        yield Opinion(by="endesive", says=says, signed_bytes=end, detail=detail, blind_spots=BLIND_SPOTS["endesive"])
