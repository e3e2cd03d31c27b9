"""Open an archive in a limited process, and turn its refusal into a sentence."""

import base64
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from documents.errors import BadData, Misfit
from documents.reading.limits import LIMITS

WORKER = Path(__file__).with_name("worker.py")

# code -> (what is wrong, what is expected, both in Vietnamese and English)
REFUSALS: dict[str, tuple[str, str, str]] = {
    "OTHER_FILE": ("loại tệp khác / another kind of file", "tệp .xlsx, .json hoặc .zip", "a file .xlsx, .json or .zip"),
    "TOO_LARGE_FILE": ("tệp quá lớn / too large a file", "tối đa 10 MB (JSON: 1 MB)", "at most 10 MB (JSON: 1 MB)"),
    "EMPTY": ("tệp rỗng / an empty file", "một tệp có nội dung", "a file with content"),
    "NOT_AN_ARCHIVE": ("không phải tệp Excel / not an Excel file", "tệp Excel .xlsx", "an Excel workbook (.xlsx)"),
    "NOT_A_WORKBOOK": (
        "không phải sổ Excel đọc được / not a readable workbook",
        "sổ Excel .xlsx do Excel hoặc LibreOffice lưu",
        "a workbook (.xlsx) saved by Excel or LibreOffice",
    ),
    "OLD_EXCEL": ("tệp Excel cũ .xls / an old Excel file (.xls)", "lưu lại dạng .xlsx", "the file saved again as .xlsx"),
    "OTHER_OFFICE_FORMAT": (
        "tệp bảng tính dạng khác (.ods, .xlsb) / another kind of spreadsheet (.ods, .xlsb)",
        "lưu lại dạng .xlsx",
        "the file saved again as .xlsx",
    ),
    "MACROS": ("sổ có macro / a workbook with macros", "sổ .xlsx không macro", "a workbook (.xlsx) without macros"),
    "PASSWORD": ("tệp có mật khẩu / a password", "bỏ mật khẩu rồi gửi lại", "the file without a password"),
    "CORRUPT": (
        "tệp hỏng / a damaged file",
        "tệp nguyên vẹn, lưu lại rồi gửi lại",
        "the file whole: save it and send it again",
    ),
    "BAD_XML": (
        "nội dung hỏng / damaged content",
        "tệp nguyên vẹn, lưu lại rồi gửi lại",
        "the file whole: save it and send it again",
    ),
    "DOCTYPE": ("khai báo thực thể XML / an XML document type", "tệp không có khai báo ấy", "no such declaration"),
    "PART_TWICE": ("hai thành phần trùng tên / the same part twice", "mỗi thành phần một lần", "each part once"),
    "TOO_MANY_PARTS": ("quá nhiều thành phần / too many parts", "tối đa 400", "at most 400"),
    "TOO_LARGE_UNPACKED": ("bung ra quá lớn / too large when unpacked", "tối đa 64 MB", "at most 64 MB"),
    "RATIO": ("nén bất thường / unbelievably compressed", "tỉ lệ nén dưới 200 lần", "a ratio below 200"),
    "TOO_MANY_SHEETS": ("quá nhiều trang tính / too many sheets", "tối đa 64", "at most 64"),
    "TOO_MANY_ROWS": ("quá nhiều dòng / too many rows", "tối đa 5000 dòng mỗi trang", "at most 5000 rows a sheet"),
    "TOO_MANY_COLUMNS": ("quá nhiều cột / too many columns", "tối đa 256 cột mỗi trang", "at most 256 columns a sheet"),
    "TOO_MANY_CELLS": ("quá nhiều ô / too many cells", "tối đa 60 000 ô có dữ liệu", "at most 60,000 filled cells"),
    "TOO_MUCH_TEXT": ("quá nhiều chữ / too much text", "tối đa 4 triệu ký tự", "at most 4 million characters"),
    "TOO_MUCH_MEMORY": ("cần quá nhiều bộ nhớ / needs too much memory", "đọc được trong 512 MB", "readable within 512 MB"),
    "TOO_SLOW": ("đọc quá lâu / takes too long", "đọc được trong 10 giây", "readable within 10 seconds"),
    "GAVE_UP": (
        "không đọc được / not readable",
        "sổ Excel .xlsx do Excel hoặc LibreOffice lưu",
        "a workbook (.xlsx) saved by Excel or LibreOffice",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawCell:
    """One filled cell; row and column from 0."""

    row: int
    column: int
    kind: Literal["text", "number", "bool", "date", "time", "error", "formula", "percent"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSheet:
    """One sheet: its filled cells and its merged ranges (first and last row and column, from 0)."""

    name: str
    cells: tuple[RawCell, ...]
    merged: tuple[tuple[tuple[int, int], tuple[int, int]], ...]


def open_workbook(content: bytes, filename: str) -> tuple[RawSheet, ...]:
    """The sheets of an .xlsx file, in its order. Raises BadData for anything that is not one."""
    answer = _ask("xlsx", content, filename)
    return tuple(
        RawSheet(
            name=sheet["name"],
            cells=tuple(RawCell(row=r, column=c, kind=k, text=t) for r, c, k, t in sheet["cells"]),
            merged=tuple(((a, b), (c, d)) for (a, b), (c, d) in sheet["merged"]),
        )
        for sheet in answer["sheets"]
    )


def open_archive(content: bytes, filename: str) -> dict[str, bytes]:
    """The files in a .zip, by name. Raises BadData for anything that is not one."""
    answer = _ask("zip", content, filename)
    return {name: base64.b64decode(text) for name, text in answer["members"].items()}


def refuse(filename: str, code: str, detail: str = "") -> BadData:
    """The refusal of a whole file, as the one misfit it has."""
    found, vi, en = REFUSALS[code]
    return BadData((Misfit(where=filename, found=f"{found} ({detail})" if detail else found, expected_vi=vi, expected_en=en),))


def _ask(what: Literal["xlsx", "zip"], content: bytes, filename: str) -> dict[str, Any]:
    try:
        done = subprocess.run(
            [sys.executable, "-I", str(WORKER), what],
            input=content,
            capture_output=True,
            timeout=LIMITS.worker_seconds,
            check=False,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired as slow:
        raise refuse(filename, "TOO_SLOW") from slow
    try:
        answer = json.loads(done.stdout)
    except ValueError as silent:  # killed by its limits, or dead: it answers on every other path
        raise refuse(filename, "TOO_SLOW" if done.returncode < 0 else "GAVE_UP", f"{done.returncode}") from silent
    if "refused" in answer:
        raise refuse(filename, answer["refused"], answer["detail"])
    result: dict[str, Any] = answer
    return result
