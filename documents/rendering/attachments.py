"""Files inside a PDF: laid at rendering, read back from the first revision, where no later hand can have changed them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pikepdf

from documents.rendering.errors import UnreadableFile, WrongAttachments
from documents.rendering.revision import first_revision, opened

DATA_NAME = "data.json"
MOST_FILES = 64  # a volume has one for each subject, and its data
MOST_BYTES = 128_000_000  # all of them together, unpacked


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file inside a PDF."""

    name: str
    content: bytes
    mime_type: str = "application/pdf"
    description: str = ""


def attach(book: pikepdf.Pdf, files: Sequence[Attachment], at: datetime) -> None:
    """Put the files in as supplements (ISO 19005-3, annex E), by name, all dated `at`: the same bytes every time."""
    names = [file.name for file in files]
    for name in names:
        if name == DATA_NAME or names.count(name) > 1:
            raise WrongAttachments(f"Hai tệp đính kèm cùng tên {name!r}", f"two attached files are called {name!r}")
    dated = at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
    for file in sorted(files, key=lambda file: file.name):
        specification = pikepdf.AttachedFileSpec(
            book,
            file.content,
            filename=file.name,
            description=file.description,
            mime_type=file.mime_type,
            creation_date=dated,
            mod_date=dated,
        )
        specification.relationship = pikepdf.Name.Supplement
        book.attachments[file.name] = specification


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
