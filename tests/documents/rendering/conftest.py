"""A whole class of 45 made from the examples, and the programs that judge a PDF besides us."""

import hashlib
import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from documents import Attachment, kind_named, render

Json = dict[str, Any]

FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Huỳnh", "Võ", "Đặng", "Bùi")
MIDDLE = ("Thị Quỳnh", "Văn", "Gia Bảo", "Ngọc", "Đức")


@cache
def _example(kind: str, name: str) -> str:
    return (kind_named(kind).folder / "examples" / f"{name}.json").read_text(encoding="utf-8")


def example(kind: str, name: str) -> Json:
    """The data of an example, to be changed at will."""
    found: Json = json.loads(_example(kind, name))
    return found


def canonical(data: Json) -> bytes:
    """The bytes that are attached."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def whole_class(data: Json, size: int = 45) -> Json:
    """The same document for `size` pupils with names of their own."""
    pattern = data["pupils"][0]
    data["pupils"] = [
        {
            **pattern,
            "tt": n + 1,
            "id": str(3126090001 + n),
            "name": f"{FAMILY[n % 9]} {MIDDLE[n // 9 % 5]} Ẩn{chr(ord('a') + n % 26)}{chr(ord('a') + n // 26)}",
        }
        for n in range(size)
    ]
    data["class"]["size"] = data["statistics"]["size"] = size
    return data


def example_attachments() -> list[Attachment]:
    """The files that the examples of the volume list."""
    folder = kind_named("class_book").folder / "examples" / "attached"
    return [Attachment(name=path.name, content=path.read_bytes(), description=path.stem) for path in folder.iterdir()]


def listing(data: Json, files: list[Attachment]) -> Json:
    """The volume's data with `files` as its sheets."""
    pattern = data["sheets"][0]
    data["sheets"] = [
        {
            **pattern,
            "no": n,
            "file_name": file.name,
            "size": len(file.content),
            "sha256": hashlib.sha256(file.content).hexdigest(),
        }
        for n, file in enumerate(files, start=1)
    ]
    return data


@pytest.fixture(scope="session")
def sheet() -> bytes:
    """A sheet of 45 pupils, as it waits for its teacher."""
    return render("class_book_sheet", canonical(whole_class(example("class_book_sheet", "toan-hk1"))))


@pytest.fixture(scope="session")
def volume() -> bytes:
    """A volume of 45 pupils, as it waits for its three signatures."""
    data = canonical(whole_class(example("class_book", "9a-hk1")))
    return render("class_book", data, attachments=example_attachments())


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., str]:
    """What a program prints about a PDF; {} stands for the file, as in `ask(pdf, "pdftotext", "{}", "-")`."""

    def asked(pdf: bytes, *command: str) -> str:
        path = tmp_path / f"{hashlib.sha256(pdf).hexdigest()[:16]}.pdf"
        path.write_bytes(pdf)
        done = subprocess.run([part.replace("{}", str(path)) for part in command], capture_output=True, check=True, timeout=60)
        return done.stdout.decode("utf-8")

    return asked
