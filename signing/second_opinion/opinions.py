"""Ask the other programs, and say whether they agree with our report."""

import importlib.util
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from signing.findings import finding
from signing.report import Finding, Report, SignatureReport, SubIndication, Verdict
from signing.second_opinion.limited import Said, plain_environment, run
from signing.trust import Trust

MAX_SIGNATURES = 64
MAX_BYTES = 256 * 1024 * 1024  # of a file that others are shown

_BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]")
# The content type of a timestamp; it stands in the first bytes of its CMS.
_TST_INFO = bytes.fromhex("060b2a864886f70d0109100104")
_FIRST_BYTES = 120

_NOT_LOOKED_AT = ("trust", "revocation", "changes after signing", "permissions", "attachments")
BLIND_SPOTS = {
    "openssl": (*_NOT_LOOKED_AT, "the bound signing certificate", "weak algorithms"),
    "endesive": (*_NOT_LOOKED_AT, "elliptic curves", "timestamps", "the bound signing certificate", "weak algorithms"),
}


class Says(StrEnum):
    """What a program says of digest and signature value."""

    VALID = "valid"
    INVALID = "invalid"
    CANNOT_JUDGE = "cannot_judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """One program on one signature."""

    by: str  # "openssl", "endesive"
    says: Says
    signed_bytes: int  # where the signed revision ends: names the signature, as in its report
    detail: str = ""
    blind_spots: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "by": self.by,
            "says": str(self.says),
            "signed_bytes": self.signed_bytes,
            "detail": self.detail,
            "blind_spots": list(self.blind_spots),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """A signature cut out of the file by its byte range alone, without reading the PDF's structure."""

    end: int
    signed: bytes
    contents: bytes
    is_timestamp: bool


def second_opinion(pdf: bytes, trust: Trust) -> tuple[Opinion, ...]:
    """What openssl and endesive say of each signature; a program that is not there says nothing. Never raises."""
    if len(pdf) > MAX_BYTES:
        return ()
    pieces = list(_cut_out(pdf))
    if not pieces:
        return ()
    with tempfile.TemporaryDirectory(prefix="soky-opinion-") as name:
        folder = Path(name)
        return (*_openssl(pieces, trust, folder), *_endesive(pdf, {each.end for each in pieces}, folder))


def with_second_opinion(report: Report, pdf: bytes, trust: Trust) -> Report:
    """The report with what the others say: a finding per signature, and no better than INDETERMINATE where they disagree.

    Disagreement never lifts a verdict: a signature that failed here stays failed, whoever says otherwise.
    """
    if not report.signatures:
        return report
    opinions = second_opinion(pdf, trust)
    signatures = tuple(_compared(each, opinions) for each in report.signatures)
    differs = any(f.code == "SECOND_OPINION_DISAGREES" for each in signatures for f in each.findings)
    verdict = Verdict.INDETERMINATE if differs and report.verdict is Verdict.TOTAL_PASSED else report.verdict
    return replace(report, signatures=signatures, verdict=verdict)


def _compared(report: SignatureReport, opinions: Sequence[Opinion]) -> SignatureReport:
    mine = [each for each in opinions if each.signed_bytes == report.signed_bytes]
    said = [each for each in mine if each.says is not Says.CANNOT_JUDGE]
    if not said:
        reasons = "; ".join(f"{each.by}: {each.detail}" for each in mine) or "-"
        return _with(report, finding("SECOND_OPINION_NONE", reasons))
    ours = Says.VALID if report.intact else Says.INVALID
    others = [each for each in said if each.says is not ours]
    if not others:
        return _with(report, finding("SECOND_OPINION_AGREES", ", ".join(_told(each) for each in said)))
    told = _with(report, finding("SECOND_OPINION_DISAGREES", ", ".join(_told(each) for each in others)))
    if report.verdict is not Verdict.TOTAL_PASSED:
        return told
    return replace(told, verdict=Verdict.INDETERMINATE, sub_indication=SubIndication.SIG_CONSTRAINTS_FAILURE)


def _told(opinion: Opinion) -> str:
    return f"{opinion.by}: {opinion.says} ({opinion.detail or 'hash + value'}; not: {', '.join(opinion.blind_spots)})"


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


# openssl


def _openssl(pieces: Sequence[_Piece], trust: Trust, folder: Path) -> Iterator[Opinion]:
    program = shutil.which("openssl")
    if program is None:
        return
    roots = b"".join(root.certificate.parsed.public_bytes(Encoding.PEM) for root in trust.roots)
    (folder / "roots.pem").write_bytes(roots)
    for piece in pieces:
        (folder / "signed").write_bytes(piece.signed)
        (folder / "contents").write_bytes(piece.contents)
        asked = _timestamp_command(program) if piece.is_timestamp else _cms_command(program)
        said = run(asked, folder=folder, environment=plain_environment())
        says, detail = _openssl_says(said, is_timestamp=piece.is_timestamp)
        yield Opinion(by="openssl", says=says, signed_bytes=piece.end, detail=detail, blind_spots=BLIND_SPOTS["openssl"])


def _cms_command(program: str) -> list[str]:
    """-noverify: the signer's chain is not its question; what of it openssl would judge by today's clock says nothing."""
    given = ["-binary", "-inform", "DER", "-in", "contents", "-content", "signed"]
    return [program, "cms", "-verify", "-noverify", *given, "-out", "/dev/null"]


def _timestamp_command(program: str) -> list[str]:
    return [program, "ts", "-verify", "-data", "signed", "-in", "contents", "-token_in", "-CAfile", "roots.pem"]


def _openssl_says(said: Said | None, *, is_timestamp: bool) -> tuple[Says, str]:
    if said is None or not said.in_time:
        return Says.CANNOT_JUDGE, "no answer"
    if said.code == 0:
        return Says.VALID, ""
    # Its words since 1.1; anything else (an unknown algorithm, a chain that it refuses) is no judgement of these bytes.
    of_content = ("verification failure", "content verify error", "signature failure")
    wrong = ("message imprint mismatch",) if is_timestamp else of_content
    found = next((each for each in wrong if each in said.err), None)
    if found is not None:
        return Says.INVALID, found
    lines = [line for line in said.err.splitlines() if line.strip()]
    return Says.CANNOT_JUDGE, lines[-1].rsplit(":", maxsplit=5)[0][-120:] if lines else f"exit {said.code}"


# endesive


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
