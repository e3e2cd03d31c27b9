"""From data to a document that waits for its signatures: PDF/A-3a and PDF/UA-1, the data inside, every field laid.

    render("class_book_sheet", sheet_data(book, "toan", at=at, demo=True))

The same kind, data and attachments give the same bytes, in every process and on every day; `pins` names what else
decides them, and a document can be rendered again by what its case pinned:

    render("class_book_sheet", data, pinned=pins_of_2026)
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pikepdf

from documents.kind import KINDS, Kind, kind_named, load_kind
from documents.rendering.attachments import Attachment, attach
from documents.rendering.checking import DataCheck
from documents.rendering.errors import BadTemplate, WrongAttachments
from documents.rendering.fields import lay
from documents.rendering.fonts import digests
from documents.rendering.objects import Objects
from documents.rendering.typesetting import Layout, Typesetter

FILES = ("template.typ", "page.typ", "schema.json", "kind.toml")  # of a kind: what `pins` keeps of them
LAYER = 2  # raised whenever the code that lays fields and attachments changes the bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A kind's files at one time, ready to be used: today's, or those that a case pinned."""

    kind: Kind
    data: DataCheck
    template: Typesetter
    home: TemporaryDirectory[str] | None = None  # where pinned files stand; goes with the edition


def render(
    kind: str, data: bytes, *, attachments: Sequence[Attachment] = (), pinned: Mapping[str, bytes] | None = None
) -> bytes:
    """The first revision of a document.

    `data` is attached byte for byte as `data.json`; `attachments` must be exactly the files that it lists; `pinned`
    holds what `pins` once gave, so that a case ends under the template and schema it began with.
    BadData names every misfit, LetterNotInFont what cannot be printed, WrongAttachments a file too many or too few.
    """
    edition = _edition(kind) if pinned is None else _pinned_edition(kind, _pinned_files(kind, pinned))
    document = edition.data.checked(data)
    _check_attachments(edition.kind, document, attachments)
    layout = edition.template.set({"data": data.decode("utf-8")})
    return _bound(layout, attachments, datetime.fromisoformat(document["at"]), edition.kind)


def pins(kind: str) -> Mapping[str, bytes]:
    """Everything beside the data that decides the bytes of this kind: what to keep to render it again in 2046."""
    kind_named(kind)
    return {
        **{name: (KINDS / _where(kind, name)).read_bytes() for name in FILES},
        "versions.json": json.dumps(versions(), sort_keys=True, separators=(",", ":")).encode(),
    }


@cache
def versions() -> Mapping[str, str]:
    """The programs and fonts that the bytes depend on."""
    return {
        "layer": str(LAYER),
        "typst": version("typst"),
        "pikepdf": pikepdf.__version__,
        "libqpdf": pikepdf.__libqpdf_version__,
        **{f"font {name}": f"sha256:{digest}" for name, digest in digests().items()},
    }


def _where(kind: str, name: str) -> str:
    """Where a pinned file stands under the folder of the kinds: each kind has its own, the page is everybody's."""
    return name if name == "page.typ" else f"{kind}/{name}"


@cache
def _edition(kind: str) -> Edition:
    chosen = kind_named(kind)
    return Edition(kind=chosen, data=DataCheck(chosen.schema), template=_typesetter(KINDS, chosen.name))


def _pinned_files(kind: str, pinned: Mapping[str, bytes]) -> tuple[bytes, ...]:
    missing = [name for name in FILES if name not in pinned]
    if missing:
        raise BadTemplate(f"{kind}/template.typ", f"the pins hold no {', '.join(missing)}")
    return tuple(pinned[name] for name in FILES)


@lru_cache(maxsize=16)  # a compiler each: as many editions as one office has cases of at a time
def _pinned_edition(kind: str, files: tuple[bytes, ...]) -> Edition:
    if files == tuple((KINDS / _where(kind_named(kind).name, name)).read_bytes() for name in FILES):
        return _edition(kind)
    home = TemporaryDirectory(prefix="soky-kind-")
    for name, content in zip(FILES, files, strict=True):
        path = Path(home.name) / _where(kind, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    chosen = load_kind(Path(home.name) / kind)
    return Edition(kind=chosen, data=DataCheck(chosen.schema), template=_typesetter(Path(home.name), kind), home=home)


def _typesetter(root: Path, kind: str) -> Typesetter:
    return Typesetter(root=root, template=f"{kind}/template.typ")


def _bound(layout: Layout, attachments: Sequence[Attachment], at: datetime, kind: Kind) -> bytes:
    """Fields are laid, files attached and objects packed in one go; from here on the file only grows."""
    book = Objects(layout.pdf, f"{kind.name}/template.typ")
    attach(book, sorted(attachments, key=lambda file: file.name), at)
    lay(book, layout.fields, f"{kind.name}/template.typ")
    return book.written()


def _check_attachments(kind: Kind, document: Mapping[str, Any], files: Sequence[Attachment]) -> None:
    """The files are those of the list in the data: all of them, no other, with the size and digest it gives."""
    listed = {row["file_name"]: (row["size"], row["sha256"]) for row in (document[kind.attached] if kind.attached else ())}
    given = {file.name: (len(file.content), hashlib.sha256(file.content).hexdigest()) for file in files}
    wrong = sorted(name for name in listed.keys() | given.keys() if listed.get(name) != given.get(name))
    if wrong or len(given) != len(files) or (kind.attached and len(listed) != len(document[kind.attached])):
        names = ", ".join(wrong) or "trùng tên / one name twice"
        raise WrongAttachments(
            f"Tệp đính kèm không khớp danh sách trong dữ liệu (tên, độ dài, SHA-256): {names}",
            f"the attached files are not those that the data lists (name, size, SHA-256): {names}",
        )
