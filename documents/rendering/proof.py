"""Is a document what its data says? Render the attached data again and compare with the first revision, byte for byte.

Nothing of a stranger's file has to be believed for a yes: if the file begins with the rendering of some data, then that
rendering, which holds those data, is its first revision, however the data were found. What later revisions changed is
the verification's question, not this one's.

A yes depends on the programs and fonts of `versions()`: a file made by others of them differs, though it may be honest.
Whoever must prove it in 2046 installs what the case pinned.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from documents.errors import BadData, DocumentsError
from documents.kind import kinds
from documents.rendering.attachments import DATA_NAME, Attachment, attached
from documents.rendering.checking import read_json
from documents.rendering.errors import BadTemplate, FontsMissing, LetterNotInFont, UnreadableFile, WrongAttachments
from documents.rendering.render import render, versions
from documents.rendering.revision import first_revision


class Proof(StrEnum):
    """What a rendering says about a file."""

    PROVED = "proved"  # the pages of the first revision show the attached data, nothing else
    DIFFERS = "differs"  # our kind of data is attached, but the pages were not made from it by these programs
    NOT_OURS = "not_ours"  # no data of a kind that we could render


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderProof:
    """The answer, with its reason in both languages."""

    answer: Proof
    code: str  # stable: RENDERED_AGAIN, BYTES_DIFFER, or the code of the refusal
    vi: str
    en: str
    kind: str | None = None  # as the attached data say; only worth something when proved
    differs_at: int | None = None  # first byte of the file that is not the rendering's
    depends_on: dict[str, str] = field(default_factory=dict)  # programs and fonts the comparison was made with

    def __str__(self) -> str:
        return f"{self.vi} / {self.en}"


def proves(pdf: bytes, *, pinned: Mapping[str, bytes] | None = None) -> RenderProof:
    """Render again what `pdf` holds, by today's template or by what its case pinned (`pins`).

    Always answers; raises only what is wrong on our side (FontsMissing).
    """
    try:
        revision = first_revision(pdf)
        files = attached(pdf)
        kind, data = _data_of(files)
    except UnreadableFile as error:
        return _refused(Proof.NOT_OURS, error)
    except BadData as error:
        return _refused(Proof.NOT_OURS, error)
    try:
        expected = render(kind, data, attachments=[file for file in files if file.name != DATA_NAME], pinned=pinned)
    except FontsMissing:
        raise
    except (BadData, LetterNotInFont) as error:
        return _refused(Proof.NOT_OURS, error, kind)
    except (WrongAttachments, BadTemplate, DocumentsError) as error:
        return _refused(Proof.DIFFERS, error, kind)
    return _compared(revision, expected, kind)


def _data_of(files: tuple[Attachment, ...]) -> tuple[str, bytes]:
    """The attached data and the kind that they name."""
    data = next((file.content for file in files if file.name == DATA_NAME), None)
    if data is None:
        raise UnreadableFile(f"Tệp PDF không chứa {DATA_NAME}", f"the PDF holds no {DATA_NAME}")
    name: Any = read_json(data).get("kind")
    if not isinstance(name, str) or name not in kinds():
        shown = repr(name)[:60]
        raise UnreadableFile(f"Không có loại tài liệu {shown}", f"there is no kind of document {shown}")
    return name, data


def _compared(revision: bytes, expected: bytes, kind: str) -> RenderProof:
    depends_on = dict(versions())
    if revision == expected:
        return RenderProof(
            answer=Proof.PROVED,
            code="RENDERED_AGAIN",
            vi="Dựng lại từ dữ liệu đính kèm cho đúng từng byte của bản đầu tiên",
            en="rendering the attached data again gave the first revision, byte for byte",
            kind=kind,
            depends_on=depends_on,
        )
    at = _first_difference(revision, expected)
    tools = ", ".join(f"{name} {depends_on[name]}" for name in ("typst", "pikepdf", "libqpdf"))
    return RenderProof(
        answer=Proof.DIFFERS,
        code="BYTES_DIFFER",
        vi=f"Dựng lại từ dữ liệu đính kèm bằng {tools} cho kết quả khác từ byte {at}",
        en=f"rendering the attached data again with {tools} gave something else from byte {at} on",
        kind=kind,
        differs_at=at,
        depends_on=depends_on,
    )


def _first_difference(left: bytes, right: bytes) -> int:
    """By halves: comparing slices is quicker than comparing bytes one by one."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _refused(answer: Proof, error: DocumentsError, kind: str | None = None) -> RenderProof:
    vi, _, en = str(error).partition(" / ")
    return RenderProof(answer=answer, code=error.code, vi=vi, en=en or vi, kind=kind)
