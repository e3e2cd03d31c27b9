"""Every kind of document there is: its files belong together, its steps have fields, its examples render."""

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pikepdf
import pytest

import bpmn
from directory.values import Capacity, Role
from documents import Attachment, Kind, kinds, render

ROOT = Path(__file__).resolve().parent.parent
PROCESSES = ROOT / "bpmn" / "processes"
BY_NAME = dict(kinds())

SIGNING = {"sign", "seal"}  # actions that put a signature into a field
OF_THE_SYSTEM = {"archive_timestamp"}  # filled by the step that archives, which signs for nobody

ROUTES = sorted({kind.process for kind in BY_NAME.values() if kind.process})


def examples(kind: Kind) -> list[Path]:
    return sorted((kind.folder / "examples").glob("*.json"))


def rendered(kind: Kind, example: Path) -> bytes:
    files = sorted((kind.folder / "examples" / "attached").glob("*"))
    return render(
        kind.name,
        example.read_bytes(),
        attachments=[Attachment(name=path.name, content=path.read_bytes()) for path in files],
    )


def fields(pdf: bytes) -> Iterator[str]:
    with pikepdf.open(BytesIO(pdf)) as book:
        yield from (str(field.T) for field in book.Root.AcroForm.Fields)


def process(name: str) -> bpmn.Process:
    return bpmn.load((PROCESSES / f"{name}.bpmn").read_bytes())


def each_example() -> list[tuple[str, str]]:
    return [(kind.name, example.name) for kind in BY_NAME.values() for example in examples(kind)]


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_files_of_a_kind_load_together(name: str) -> None:
    """Titles in both languages, a process that exists, a schema for this kind, examples; lookup fields are in them.

    A kind without a process is issued by the system alone: only the system seals it.
    """
    kind = BY_NAME[name]
    jsonschema.Draft202012Validator.check_schema(kind.schema)

    assert set(kind.titles) == {"vi", "en"}
    assert all(kind.titles.values())
    assert (PROCESSES / f"{kind.process}.bpmn").is_file() if kind.process else set(kind.capacities) == {"service_seals"}
    assert kind.schema["properties"]["kind"] == {"const": name}
    assert kind.schema["additionalProperties"] is False
    assert kind.form in {"sheet", "volume"}
    assert kind.retention_source
    assert kind.template.is_file()
    assert examples(kind)
    for example in examples(kind):
        found = kind.found_by(json.loads(example.read_bytes()))
        assert set(found) == set(kind.lookup)
        assert all(found.values())


BOUNDS = {
    "string": {"maxLength", "pattern", "enum", "const"},
    "array": {"maxItems"},
    "integer": {"maximum", "enum", "const"},
    "object": {"maxProperties", "properties"},
}


def parts(schema: object, where: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part of a schema that says something about a value."""
    if isinstance(schema, dict):
        yield where, schema
        for key, value in schema.items():
            yield from parts(value, f"{where}/{key}")


def open_ends(part: dict[str, Any]) -> Iterator[str]:
    """The types of a part that nothing bounds, and a pattern that matches texts without an end."""
    named = part.get("type", [])
    types = [named] if isinstance(named, str) else named if isinstance(named, list) else []
    yield from (kind for kind in types if kind in BOUNDS and not BOUNDS[kind] & set(part))
    pattern = part.get("pattern")
    if isinstance(pattern, str) and "maxLength" not in part:
        without_classes = re.sub(r"\[[^\]]*\]", "x", pattern).replace("\\.", "x")
        if re.search(r"[*+]|,\}", without_classes) or not pattern.startswith("^") or not pattern.endswith("$"):
            yield f"pattern {pattern}"


def test_every_schema_bounds_what_it_lets_in() -> None:
    """No list, text or number without an end: data from outside can make no layout long."""
    gaps = [
        f"{where}: {gap}"
        for kind in BY_NAME.values()
        for where, part in parts(dict(kind.schema), kind.name)
        if not where.endswith("/then")
        for gap in open_ends(part)
        if "/then/" not in where  # a condition only narrows what stands above it
    ]

    assert gaps == []


@pytest.mark.parametrize(("name", "example"), each_example())
def test_each_example_renders_to_pdf_a(name: str, example: str) -> None:
    """An example becomes a tagged PDF/A-3a that says so."""
    pdf = rendered(BY_NAME[name], BY_NAME[name].folder / "examples" / example)
    with pikepdf.open(BytesIO(pdf)) as book:
        metadata = book.Root.Metadata.read_bytes().decode()

        assert re.search(r"pdfaid:part[^0-9]+3\b", metadata)
        assert bool(book.Root.MarkInfo.Marked)


@pytest.mark.parametrize("route", ROUTES)
def test_each_signing_step_has_a_field_and_each_field_a_step(route: str) -> None:
    """The step is the field: over all kinds of a process, signing steps and fields are the same names."""
    steps = {step.id for step in process(route).steps.values() if step.kind == "person" and step.props.get("action") in SIGNING}
    laid = {
        field.partition("__")[0]
        for kind in BY_NAME.values()
        if kind.process == route
        for example in examples(kind)
        for field in fields(rendered(kind, example))
    }

    assert laid - OF_THE_SYSTEM == steps


@pytest.mark.parametrize("route", ROUTES)
def test_each_lane_is_a_role_or_the_system(route: str) -> None:
    """Nobody is asked to act in a role that the directory cannot give."""
    lanes = {step.lane for step in process(route).steps.values()}

    assert lanes <= {*Role, bpmn.SYSTEM}


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_capacities_are_those_of_the_signing_steps(name: str) -> None:
    """For each field a person fills, the kind says in which capacities; each of them is known."""
    kind = BY_NAME[name]
    laid = {field.partition("__")[0] for example in examples(kind) for field in fields(rendered(kind, example))}

    assert set(kind.capacities) == laid - OF_THE_SYSTEM
    assert {capacity for allowed in kind.capacities.values() for capacity in allowed} <= set(Capacity)
