"""Turn data that fits a schema into a PDF/A-3 with the data attached, the same bytes each time; the assessment rules."""

from documents.kind import Kind, kind_named, kinds
from documents.rendering.attachments import Attachment, attached
from documents.rendering.errors import (
    BadTemplate,
    FontsMissing,
    LetterNotInFont,
    UnknownKind,
    UnreadableFile,
    WrongAttachments,
)
from documents.rendering.hand_signature import hand_signature
from documents.rendering.proof import Proof, RenderProof, proves
from documents.rendering.render import pins, render
from documents.rendering.seal_card import seal_card

__all__ = [
    "Attachment",
    "BadTemplate",
    "FontsMissing",
    "Kind",
    "LetterNotInFont",
    "Proof",
    "RenderProof",
    "UnknownKind",
    "UnreadableFile",
    "WrongAttachments",
    "attached",
    "hand_signature",
    "kind_named",
    "kinds",
    "pins",
    "proves",
    "render",
    "seal_card",
]
