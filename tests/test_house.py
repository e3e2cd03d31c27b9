"""The rules of the house, as a program: imports only go down a floor, and each outside library has one door."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FLOORS = {"documents": 0, "bpmn": 0, "signing": 0, "directory": 1, "registers": 1, "workflow": 2, "storage": 3, "api": 4}

# Who may import a library. One that is not named here is the standard library's or has not been let in yet.
DOORS = {
    "typst": {"documents"},
    "jsonschema": {"documents"},
    "python_calamine": {"documents"},
    "openpyxl": {"documents"},
    "fontTools": {"documents", "signing"},  # signing: fonts of drawn text scaled to 1000 units per em
    "SpiffWorkflow": {"bpmn"},
    "pyhanko": {"signing"},
    "pyhanko_certvalidator": {"signing"},
    "endesive": {"signing"},
    "signxml": {"signing"},
    "cryptography": {"signing", "storage"},  # storage: the Ed25519 key that signs the log's checkpoints
    "asn1crypto": {"signing"},
    "pkcs11": {"signing"},
    "sqlalchemy": {"storage"},
    "alembic": {"storage"},
    "psycopg": {"storage"},
    "fastapi": {"api"},
    "starlette": {"api"},
    "uvicorn": {"api"},
    "pydantic": {"api"},
    "jinja2": {"api"},
    "typer": {"api"},
    "rich": {"api"},
    "pypdfium2": {"api", "signing"},  # signing: page pictures before and after a change, in the limited process
    "segno": {"api"},
    "httpx": set(),  # outward.py goes below it
    "httpcore": {"signing"},  # below httpx: one clock over a whole request
    "lxml": {"documents", "bpmn", "signing"},
    "pikepdf": {"documents", "signing"},
    "PIL": {"documents", "signing", "api"},
}


def sources() -> Iterator[Path]:
    for folder in FLOORS:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Each imported top-level name with its line."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.partition(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.partition(".")[0]


def test_imports_only_go_down() -> None:
    """A folder imports from the floors below its own, never from beside or above."""
    upward = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources()
        for line, name in imported(path)
        if name in FLOORS and name != (own := path.relative_to(ROOT).parts[0]) and FLOORS[name] >= FLOORS[own]
    ]

    assert upward == []


def test_each_library_has_one_door() -> None:
    """A library is imported only by the folder that is its door."""
    strangers = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sources()
        for line, name in imported(path)
        if name in DOORS and path.relative_to(ROOT).parts[0] not in DOORS[name]
    ]

    assert strangers == []


def test_no_relative_imports() -> None:
    """Every import says where it comes from, in full."""
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


@pytest.mark.parametrize(
    "drawer", ["utils", "util", "helpers", "helper", "common", "core", "misc", "service", "services", "manager"]
)
def test_there_is_no_drawer(drawer: str) -> None:
    """Nothing is called utils, helpers, service or manager: a function without a home means that a noun is missing."""
    assert [p for p in sources() if drawer in {p.stem, *p.relative_to(ROOT).parts}] == []


def test_nothing_evaluates_text_as_code() -> None:
    """No eval, exec or pickle anywhere: a condition in a diagram is our own small grammar."""
    guilty = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec", "compile"}
    ]
    pickles = [f"{p.relative_to(ROOT)}:{line}" for p in sources() for line, name in imported(p) if name in {"pickle", "shelve"}]

    # A pipe's recv() unpickles what the other side says; recv_bytes() does not.
    unpickling = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sources()
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "recv"
    ]

    assert guilty + pickles + unpickling == []


def test_no_lock_file_names_where_packages_come_from() -> None:
    """A lock file holds names, versions and hashes; the machine knows its own registries."""
    locks = [*ROOT.glob("requirements/*.lock"), ROOT / "package-lock.json"]
    telling = [
        p.name
        for p in locks
        if any(w in p.read_text() for w in ("--index-url", "--extra-index-url", "--find-links", '"resolved"'))
    ]

    assert locks
    assert telling == []
    assert not (ROOT / "uv.lock").exists() or "uv.lock" in (ROOT / ".gitignore").read_text()
