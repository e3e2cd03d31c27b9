"""From data to a document that waits for its signatures: PDF/A-3a and PDF/UA-1, the data inside, every field laid.

    render("class_book_sheet", sheet_data(book, "toan", at=at, demo=True))

The same kind, data and attachments give the same bytes, in every process and on every day; `pins` names what else
decides them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

import pikepdf

from documents.kind import KINDS, Kind, kind_named
from documents.rendering.attachments import Attachment, attach
from documents.rendering.checking import checked
from documents.rendering.errors import WrongAttachments
from documents.rendering.fields import lay
from documents.rendering.fonts import digests
from documents.rendering.typesetting import Layout, Typesetter

LAYER = 1  # raised whenever the code that lays fields and attachments changes the bytes


def render(kind: str, data: bytes, *, attachments: Sequence[Attachment] = ()) -> bytes:
    """The first revision of a document.

    `data` is attached byte for byte as `data.json`; `attachments` must be exactly the files that it lists.
    BadData names every misfit, LetterNotInFont what cannot be printed, WrongAttachments a file too many or too few.
    """
    chosen = kind_named(kind)
    document = checked(chosen, data)
    _check_attachments(chosen, document, attachments)
    layout = _typesetter(chosen.name).set({"data": data.decode("utf-8")})
    return _bound(layout, attachments, datetime.fromisoformat(document["at"]), chosen)


def pins(kind: str) -> Mapping[str, bytes]:
    """Everything beside the data that decides the bytes of this kind: what to keep to render it again in 2046."""
    chosen = kind_named(kind)
    return {
        "template.typ": chosen.template.read_bytes(),
        "page.typ": (KINDS / "page.typ").read_bytes(),
        "schema.json": (chosen.folder / "schema.json").read_bytes(),
        "kind.toml": (chosen.folder / "kind.toml").read_bytes(),
        "versions.json": json.dumps(versions(), sort_keys=True, separators=(",", ":")).encode(),
    }


@cache
def versions() -> Mapping[str, str]:
    """The programs and fonts that the bytes depend on."""
    from importlib.metadata import version

    return {
        "layer": str(LAYER),
        "typst": version("typst"),
        "pikepdf": pikepdf.__version__,
        "libqpdf": pikepdf.__libqpdf_version__,
        **{f"font {name}": f"sha256:{digest}" for name, digest in digests().items()},
    }


@cache
def _typesetter(kind: str) -> Typesetter:
    return Typesetter(root=KINDS, template=f"{kind}/template.typ")


def _bound(layout: Layout, attachments: Sequence[Attachment], at: datetime, kind: Kind) -> bytes:
    """One save lays fields, attaches files and packs objects; from here on the file only grows."""
    with pikepdf.open(BytesIO(layout.pdf)) as book:
        attach(book, attachments, at)
        lay(book, layout.fields, f"{kind.name}/template.typ")
        out = BytesIO()
        book.save(
            out,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            deterministic_id=True,
            fix_metadata_version=False,
        )
        return out.getvalue()


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
