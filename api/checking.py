"""`soky verify`: files to reports. Signatures by `signing`, in its limited process; what a volume says of itself by `proving`.

One result per file, in the order given; a file that cannot be read is a result too.
"""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import signing
from api.file_problems import file_problem
from api.finding_lines import file_findings, signature_findings
from api.looking_twice import LookingTwice
from api.proving import prove
from api.walking import may_be_signed, signature_beside, signed_by, walked
from signing.second_opinion import in_pdf, second_look, with_second_look, with_second_opinion
from signing.visible import visible

PASSED, NOT_PASSED, UNREADABLE = 0, 1, 2
LARGEST = 512 * 1024 * 1024  # what the verifier takes at most

WORDS = {
    signing.Verdict.TOTAL_PASSED: "HỢP LỆ / VALID",
    signing.Verdict.INDETERMINATE: "CHƯA ĐỦ THÔNG TIN ĐỂ KẾT LUẬN / NOT ENOUGH TO CONCLUDE",
    signing.Verdict.TOTAL_FAILED: "KHÔNG HỢP LỆ / NOT VALID",
    signing.Verdict.NO_SIGNATURE: "KHÔNG CÓ CHỮ KÝ / NO SIGNATURE",
    signing.Verdict.UNREADABLE: "KHÔNG ĐỌC ĐƯỢC / UNREADABLE",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedFile:
    """One file's answer."""

    json: dict[str, Any]
    text: str
    exit_code: int
    content: bytes = b""
    report: signing.Report | None = None  # None: the file could not even be read


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """How files are checked.

    With `second_opinion` independent programs judge each signature; disagreement is a finding. `twice`
    has drawn files judged so as well: a finding where that is quick, else told by `twice.late()` after the last file.
    """

    at: datetime | None = None  # judged as of this moment; None: now
    second_opinion: bool = False
    twice: LookingTwice | None = None
    fetch: bool = False  # ask the hosts that the bundle names about revocation
    password: Callable[[str], str | None] = lambda _: None  # asked with the file's name, for an encrypted PDF
    detached: Path | None = None  # the CAdES signature of the file; None: the file's own name and ".p7s", where it is there
    doubted: Callable[[signing.Report], signing.Report] = lambda report: report  # what is known against it


@dataclass(frozen=True, slots=True, kw_only=True)
class ToCheck:
    """One file, with the detached signature over it; or a folder that cannot be read."""

    path: Path
    signature: Path | None = None
    problem: OSError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """What is to be checked, in order."""

    files: tuple[ToCheck, ...]
    walked: bool = False  # a folder was named
    others: int = 0  # files in folders in which no signature is looked for


def found_in(paths: Sequence[Path], detached: Path | None = None) -> Checks:
    """What was named, as it was named; of folders every file that may be signed or has a signature beside it, once."""
    files: list[ToCheck] = []
    seen: set[Path] = set()
    paired: set[tuple[Path, Path | None]] = set()
    passed_over: set[Path] = set()
    for found in walked(paths):
        data, signature = _pair(found.path, detached)
        if found.problem is not None:
            files.append(ToCheck(path=found.path, problem=found.problem))
        elif found.named:
            if (data, signature) not in paired:  # a document and its .p7s are one answer, whichever was named first
                files.append(ToCheck(path=data, signature=signature))
            if signature is not None:
                paired.add((data, signature))
        elif data in seen:
            continue
        elif signature is not None or may_be_signed(data):
            seen.add(data)
            files.append(ToCheck(path=data, signature=signature))
        else:
            passed_over.add(data)
    return Checks(files=tuple(files), walked=any(os.path.isdir(path) for path in paths), others=len(passed_over))  # noqa: PTH112


def check_files(paths: Sequence[Path], trust: Sequence[Path], how: How) -> Iterator[CheckedFile]:
    """One result per file, in order. Nobody is asked over the network unless `how.fetch`.

    Raises SigningError for a bundle that cannot be used: then no file was looked at.
    """
    believed = signing.Trust.load(trust)
    for each in found_in(paths, how.detached).files:
        yield check_found(each, believed, how)


def check_found(each: ToCheck, trust: signing.Trust, how: How) -> CheckedFile:
    """One file's result; that it cannot be opened is one too."""
    try:
        if each.problem is not None:
            raise each.problem
        content = _bounded(each.path)
        beside = _bounded(each.signature) if each.signature is not None else None
    except OSError as problem:
        return _unreadable(each.path, "FILE_UNREADABLE", file_problem(problem))
    return check_content(content, trust, how, name=str(each.path), signature=beside)


def _pair(path: Path, detached: Path | None) -> tuple[Path, Path | None]:
    """The data and their detached signature: named, or found by the name, whichever of the two was given."""
    if detached is not None:
        return path, detached
    data = signed_by(path)
    return (data, path) if data is not None else (path, signature_beside(path))


def _bounded(path: Path) -> bytes:
    """An ordinary file, up to just past the bound: a device or a pipe may have no end. The verifier says what is too large."""
    if path.exists() and not path.is_file():
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise OSError("không phải tệp thường / not an ordinary file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def check_content(content: bytes, trust: signing.Trust, how: How, *, name: str, signature: bytes | None = None) -> CheckedFile:
    """Signatures, attachments, and for a volume of ours its listed digests and its render proof."""
    report = report_of(content, trust, how, name=name, signature=signature)
    if how.second_opinion:
        report = with_second_opinion(report, content, trust, signature=signature)
        if any(in_pdf(each) for each in report.signatures):  # pyHanko, which knows PDFs alone
            report = with_second_look(report, second_look(content, trust, report))
    elif how.twice is not None:
        report = how.twice.looked(content, trust, report, signature=signature)
    told = report.to_json()
    exit_code = _exit_code(report.verdict)
    if any(attachment.name == "data.json" for attachment in report.attachments):
        volume = prove(content)
        told["volume"] = volume
        if faults := _faults(volume):
            told["findings"] += faults
            exit_code = max(exit_code, NOT_PASSED)
            if told["verdict"] == signing.Verdict.TOTAL_PASSED:
                told["verdict"] = str(signing.Verdict.INDETERMINATE)
    report = replace(report, verdict=signing.Verdict(told["verdict"]), findings=_as_told(told))
    return CheckedFile(
        json=told, text=_text(told, nobody_trusted=not trust.roots), exit_code=exit_code, content=content, report=report
    )


def report_of(
    content: bytes, trust: signing.Trust, how: How, *, name: str = "", signature: bytes | None = None
) -> signing.Report:
    """What the limited process finds, with what is known against the file; the password only if it is asked for."""
    report = signing.verify_untrusted(content, trust, at=how.at, name=name, fetch=how.fetch)
    if any(each.code == "ENCRYPTED" for each in report.findings) and (password := how.password(name)) is not None:
        report = signing.verify_untrusted(content, trust, at=how.at, name=name, fetch=how.fetch, password=password)
    if signature is not None:
        report = both_reports(report, signing.verify_untrusted(content, trust, at=how.at, name=name, signature=signature))
    return how.doubted(report)


def both_reports(inside: signing.Report, beside: signing.Report) -> signing.Report:
    """Of a file with a detached signature: that report, and with it what the file itself carries; as good as the worse."""
    if not inside.signatures:
        return replace(beside, attachments=inside.attachments)
    order = (
        signing.Verdict.TOTAL_PASSED,
        signing.Verdict.INDETERMINATE,
        signing.Verdict.UNREADABLE,
        signing.Verdict.TOTAL_FAILED,
    )
    verdicts = (each for each in (inside.verdict, beside.verdict) if each in order)
    return replace(
        inside,
        verdict=max(verdicts, key=order.index, default=beside.verdict),
        signatures=(*inside.signatures, *beside.signatures),
        findings=(*inside.findings, *beside.findings),
    )


def _as_told(told: dict[str, Any]) -> tuple[signing.Finding, ...]:
    return tuple(signing.Finding(code=each["code"], message=each["message"]) for each in told["findings"])


def _exit_code(verdict: signing.Verdict) -> int:
    if verdict is signing.Verdict.TOTAL_PASSED:
        return PASSED
    return UNREADABLE if verdict is signing.Verdict.UNREADABLE else NOT_PASSED


def _faults(volume: dict[str, Any]) -> list[dict[str, str]]:
    """A volume whose list and attachments differ, or whose pages do not follow from its data, is not simply passed."""
    found = []
    sheets = volume["sheets"]
    if sheets and not sheets["listed"] == sheets["attached"] == sheets["matching"]:
        message = f"danh sách tờ và tệp đính kèm không khớp / the list of sheets and the attachments differ: {sheets}"
        found.append({"code": "SHEETS_DIFFER", "message": message})
    if volume["render"]["answer"] == "differs":
        found.append({"code": "RENDERING_DIFFERS", "message": volume["render"]["message"]})
    return found


def _unreadable(path: Path, code: str, message: str) -> CheckedFile:
    told = {
        "file": str(path),
        "sha256": None,
        "verdict": str(signing.Verdict.UNREADABLE),
        "findings": [{"code": code, "message": message}],
        "signatures": [],
        "attachments": [],
    }
    return CheckedFile(json=told, text=_text(told), exit_code=UNREADABLE)


def _text(told: dict[str, Any], *, nobody_trusted: bool = False) -> str:
    """For people: one line a signature and one for each thing found, the attachments in one line."""
    lines = [f"{visible(told['file'])}: {WORDS[signing.Verdict(told['verdict'])]}"]
    lines += [line for signature in told["signatures"] for line in _signature_lines(signature, nobody_trusted)]
    lines += file_findings(told["findings"])
    with_report = [a for a in told["attachments"] if a.get("report")]
    if with_report:
        passed = sum(a["report"]["verdict"] == "TOTAL_PASSED" for a in with_report)
        lines.append(f"  tệp đính kèm có chữ ký / signed attachments: {passed}/{len(with_report)} hợp lệ / valid")
    if volume := told.get("volume"):
        sheets = volume["sheets"]
        if sheets:
            lines.append(f"  danh sách tờ khớp / listed digests match: {sheets['matching']}/{sheets['listed']}")
        lines.append(
            f"  dựng lại từ dữ liệu / rendered again: {volume['render']['answer']} – {visible(volume['render']['message'])}"
        )
    return "\n".join(lines)


def _signature_lines(signature: dict[str, Any], nobody_trusted: bool) -> list[str]:
    """The signature; under it what was found, each with its sentence, and what other programs said."""
    second = [each for each in signature["findings"] if each["code"].startswith("SECOND_OPINION")]
    ours = [each for each in signature["findings"] if each not in second]
    asked = [f"    ? {each['code']}: {visible(each['message'])}" for each in second]
    return [_signature_line(signature), *signature_findings(ours, nobody_trusted=nobody_trusted), *asked]


def _signature_line(signature: dict[str, Any]) -> str:
    word = WORDS[signing.Verdict(signature["verdict"])]
    when = signature["best_time"] or signature["claimed_time"] or "?"
    parts = [
        f"  {visible(signature['field'])} ({signature['kind']}): {word}",
        visible(signature["signer"] or "?"),
        str(signature["level"] or "-"),
        when,
    ]
    if signature["sub_indication"]:
        parts.append(signature["sub_indication"])
    return " · ".join(parts)
