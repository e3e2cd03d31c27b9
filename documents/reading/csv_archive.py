"""A ZIP of CSV files: info.json (the book without its marks) and <subject key>.csv for each subject."""

import dataclasses
from pathlib import PurePosixPath

from documents.reading.cells import Misfits, shown
from documents.reading.json_book import read_json
from documents.reading.limited import open_archive
from documents.reading.raw_book import RawBook
from documents.reading.text_files import read_csv

INFO = "info.json"
LITTER = {"__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini"}  # what systems add to archives by themselves


def read_archive(content: bytes, filename: str, misfits: Misfits) -> RawBook:
    """Find the book in a ZIP; files may lie in a folder, their names decide."""
    files: dict[str, bytes] = {}
    for path, member in open_archive(content, filename).items():
        parts = PurePosixPath(path.replace("\\", "/")).parts
        name = parts[-1] if parts else ""
        if LITTER & set(parts):
            continue
        if name in files or not (name == INFO or name.endswith(".csv")):
            misfits.at(filename, shown(path), "info.json và mỗi môn một tệp .csv", "info.json and one .csv file per subject")
        files.setdefault(name, member)
    if INFO not in files:
        misfits.at(filename, f"không có / no {INFO}", INFO, INFO)
        misfits.stop()
    raw = read_json(files.pop(INFO), INFO, misfits, marks=False)
    sheets = {shown(name): read_csv(member, shown(name), misfits) for name, member in files.items() if name.endswith(".csv")}
    return dataclasses.replace(raw, sheets=sheets)
