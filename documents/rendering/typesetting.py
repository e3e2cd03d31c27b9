"""The door to Typst: a template and a text of data go in, a page layout comes out, the same bytes every time.

    Typesetter(root=KINDS, template="class_book/template.typ").set({"data": text})

Data goes in as a value of `sys.inputs`, never as source, so no pupil's name can be markup.
"""

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import typst

from documents.rendering.errors import BadTemplate
from documents.rendering.fonts import FONTS, faces

Standard = Literal["a-3a", "a-3b", "ua-1"]
# PDF/A-3a (ISO 19005-3) and PDF/UA-1 (ISO 14289-1): both are claimed in the metadata.
ARCHIVABLE: tuple[Standard, ...] = ("a-3a", "ua-1")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredField:
    """A place for a signature that the template declares. Points; y runs down from the page's top left corner."""

    name: str
    page: int  # from 1
    x: float
    y: float
    width: float
    height: float  # both 0: the field shows nothing
    alt: str  # what a reader who cannot see it is told
    lock: str | None  # the one field that may still be filled after this one is signed; None: no lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A laid-out document."""

    pdf: bytes
    fields: tuple[DeclaredField, ...]  # in the order of drawing


class Typesetter:
    """One template, compiled again and again. Keeps Typst's compiler: opening one costs more than a page.

    The compiler remembers the data of its last run (a query reads them), so one thread at a time may use it.
    """

    def __init__(self, *, root: Path, template: str, standards: tuple[Standard, ...] = ARCHIVABLE, tagged: bool = True) -> None:
        self.template = template
        self._standards = standards
        self._tagged = tagged
        self._turn = threading.Lock()
        faces()
        self._compiler = typst.Compiler(
            str(root / template), root=str(root), font_paths=_only_our_fonts(), ignore_system_fonts=True
        )

    def set(self, inputs: Mapping[str, str]) -> Layout:
        """Lay the template out with these values. Any warning is an error: Typst only warns of a font it lacks."""
        with self._turn:
            try:
                pdf, warnings = self._compiler.compile_with_warnings(
                    format="pdf", sys_inputs=dict(inputs), pdf_standards=[*self._standards], pdf_tags=self._tagged
                )
                declared = self._compiler.query("<field>", field="value")
            except typst.TypstError as error:
                raise BadTemplate(self.template, _told(error)) from error
        if warnings:
            raise BadTemplate(self.template, "; ".join(str(warning.message) for warning in warnings))
        if not isinstance(pdf, bytes):
            raise BadTemplate(self.template, f"Typst returned {type(pdf).__name__} instead of a PDF")
        return Layout(pdf=pdf, fields=tuple(_field(self.template, value) for value in json.loads(declared)))


@cache
def _only_our_fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])


def _field(template: str, value: Mapping[str, object]) -> DeclaredField:
    match value:
        case {
            "name": str(name),
            "page": int(page),
            "x": int() | float() as x,
            "y": int() | float() as y,
            "w": int() | float() as w,
            "h": int() | float() as h,
            "alt": str(alt),
            "lock": (str() | None) as lock,
        }:
            return DeclaredField(
                name=name, page=page, x=float(x), y=float(y), width=float(w), height=float(h), alt=alt, lock=lock
            )
    raise BadTemplate(template, f"a field is declared wrongly: {value!r}")


def _told(error: typst.TypstError) -> str:
    hints = "".join(f" ({hint})" for hint in error.hints)
    return f"{error.message}{hints}"
