"""Files inside a PDF: laid at rendering, read back from the first revision, where no later hand can have changed them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pikepdf

from documents.rendering.errors import UnreadableFile, WrongAttachments
from documents.rendering.objects import Objects, text
from documents.rendering.revision import first_revision, opened

DATA_NAME = "data.json"
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # needs no escape in a PDF, nor in any file system
OWN_FILES = rb"/Names<</EmbeddedFiles<</Names\[\(data\.json\)(\d+) 0 R\]>>>>/AF\[\1 0 R\]"  # as Typst attaches the data
MOST_FILES = 64  # a volume has one for each subject, and its data
MOST_BYTES = 128_000_000  # all of them together, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file inside a PDF."""

    name: str
    content: bytes
    mime_type: str = "application/pdf"
    description: str = ""


def attach(book: Objects, files: Sequence[Attachment], at: datetime) -> None:
    """Put the files in as supplements (ISO 19005-3, annex E), by name, all dated `at`, beside the data that Typst put in.

    The files are stored as they are: signed PDFs hold little that deflates.
    """
    dated = at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ").encode()
    added: dict[bytes, int] = {}
    for file in files:
        name = file.name.encode()
        if not PLAIN_NAME.fullmatch(file.name) or file.name == DATA_NAME or name in added:
            raise WrongAttachments(
                f"Tên tệp đính kèm {file.name!r} không dùng được hoặc bị trùng",
                f"the name {file.name!r} of an attached file cannot be used or stands twice",
            )
        stream = book.add_stream(
            b"/Type/EmbeddedFile/Subtype/%s/Params<</Size %d/CreationDate(%s)/ModDate(%s)>>"
            % (_name(file.mime_type), len(file.content), dated, dated),
            file.content,
            pack=False,
        )
        added[name] = book.add(
            b"<</Type/Filespec/F(%s)/UF(%s)/EF<</F %d 0 R/UF %d 0 R>>/AFRelationship/Supplement/Desc%s>>"
            % (name, name, stream, stream, text(file.description))
        )
    book.edit(book.root, OWN_FILES, lambda found: _listed({DATA_NAME.encode(): int(found[1]), **added}))


def _listed(files: dict[bytes, int]) -> bytes:
    """The name tree, in the order of the names, and the list of associated files."""
    ordered = sorted(files.items())
    names = b"".join(b"(%s)%d 0 R" % item for item in ordered)
    return b"/Names<</EmbeddedFiles<</Names[%s]>>>>/AF[%s]" % (names, b" ".join(b"%d 0 R" % at for _, at in ordered))


def _name(mime_type: str) -> bytes:
    """A media type as a PDF name: application#2Fpdf."""
    return re.sub(rb"[^A-Za-z0-9.+-]", lambda found: b"#%02X" % found[0][0], mime_type.encode())


def attached(pdf: bytes) -> tuple[Attachment, ...]:
    """The files that the first revision holds, its data among them, by name. UnreadableFile for anything else."""
    with opened(first_revision(pdf)) as book:
        return _read(book)


def _read(book: pikepdf.Pdf) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    unpacked = 0
    for name in book.attachments:
        if len(found) == MOST_FILES:
            raise UnreadableFile(f"Có hơn {MOST_FILES} tệp đính kèm", f"there are more than {MOST_FILES} attached files")
        specification = book.attachments[name]
        file = specification.get_file()
        content = file.read_bytes()
        unpacked += len(content)
        if unpacked > MOST_BYTES:
            raise UnreadableFile(
                f"Các tệp đính kèm lớn hơn {MOST_BYTES} byte", f"the attached files unpack to more than {MOST_BYTES} bytes"
            )
        found.append(
            Attachment(name=name, content=content, mime_type=file.mime_type or "", description=specification.description or "")
        )
    return tuple(sorted(found, key=lambda file: file.name))
