"""Kinds of documents: a folder each, no Python. What may be rendered is what stands in `documents/kinds/`.

kinds/<name>/kind.toml       titles, process, issuing level, retention, capacities, lookup fields
kinds/<name>/schema.json     JSON Schema (2020-12) of the data
kinds/<name>/template.typ    Typst; declares where each signature stands
kinds/<name>/examples/       data that must render, and attached/ with the files it lists
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from documents.rendering.errors import UnknownKind

KINDS = Path(__file__).resolve().parent / "kinds"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of document, as its folder says."""

    name: str  # the folder's name, and `kind` in the data
    titles: Mapping[str, str]  # by language: "vi", "en"
    process: str  # bpmn/processes/<process>.bpmn; "": issued by the system alone
    issuing_level: str  # who issues it: "school", ...
    form: str  # "sheet": signed alone; "volume": binds signed sheets
    retention_years: int | None  # None: kept for ever
    retention_source: str
    capacities: Mapping[str, tuple[str, ...]]  # by step: in which capacities it may be signed
    lookup: Mapping[str, str]  # our word -> dotted path in the data
    attached: str | None  # the list in the data that names the attached files; None: nothing is attached
    schema: Mapping[str, Any]
    folder: Path

    @property
    def template(self) -> Path:
        """The Typst template."""
        return self.folder / "template.typ"

    def found_by(self, data: Mapping[str, Any]) -> dict[str, str]:
        """What a document is found by, from its data: {"class": "9A", "subject": "toan", ...}."""
        return {word: str(_at(data, path)) for word, path in self.lookup.items()}


@cache
def kinds() -> Mapping[str, Kind]:
    """Every kind there is, by name."""
    return {folder.name: load_kind(folder) for folder in sorted(KINDS.iterdir()) if (folder / "kind.toml").is_file()}


def kind_named(name: str) -> Kind:
    """The kind of that name; UnknownKind otherwise."""
    try:
        return kinds()[name]
    except KeyError:
        raise UnknownKind(name, tuple(kinds())) from None


def load_kind(folder: Path) -> Kind:
    """The kind whose files stand in a folder; the folder's name is the kind's."""
    about = tomllib.loads((folder / "kind.toml").read_text(encoding="utf-8"))
    return Kind(
        name=folder.name,
        titles=about["titles"],
        process=about["process"],
        issuing_level=about["issuing_level"],
        form=about["form"],
        retention_years=about["retention"].get("years"),
        retention_source=about["retention"]["source"],
        capacities={step: tuple(allowed) for step, allowed in about["capacities"].items()},
        lookup=about["lookup"],
        attached=about.get("attached"),
        schema=json.loads((folder / "schema.json").read_text(encoding="utf-8")),
        folder=folder,
    )


def _at(data: Mapping[str, Any], path: str) -> Any:
    value: Any = data
    for part in path.split("."):
        value = value[part]
    return value
