"""Turn data that fits a schema into a PDF/A-3 with the data attached, the same bytes each time; the assessment rules."""

from documents.class_book import (
    Award,
    Check,
    ClassBook,
    Form,
    Level,
    Mark,
    Marks,
    Pupil,
    PupilId,
    School,
    Sex,
    Subject,
    SubjectKey,
    Teacher,
    TeacherId,
    Term,
)
from documents.data import SheetEntry, Signatory, class_book_json, sheet_data, volume_data
from documents.errors import BadData, DocumentsError, Misfit, NoRegulation
from documents.field_names import field_name
from documents.kind import Kind, kind_named, kinds
from documents.reading import class_book_from_json, read_class_book, read_subject_csv
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
from documents.slip import LOCAL, SLIP, Slip, SlipCertificate, SlipService, SlipSignature, SlipVerdict, slip_data
from documents.writing import subject_csv

__all__ = [
    "LOCAL",
    "SLIP",
    "Attachment",
    "Award",
    "BadData",
    "BadTemplate",
    "Check",
    "ClassBook",
    "DocumentsError",
    "FontsMissing",
    "Form",
    "Kind",
    "LetterNotInFont",
    "Level",
    "Mark",
    "Marks",
    "Misfit",
    "NoRegulation",
    "Proof",
    "Pupil",
    "PupilId",
    "RenderProof",
    "School",
    "Sex",
    "SheetEntry",
    "Signatory",
    "Slip",
    "SlipCertificate",
    "SlipService",
    "SlipSignature",
    "SlipVerdict",
    "Subject",
    "SubjectKey",
    "Teacher",
    "TeacherId",
    "Term",
    "UnknownKind",
    "UnreadableFile",
    "WrongAttachments",
    "attached",
    "class_book_from_json",
    "class_book_json",
    "field_name",
    "hand_signature",
    "kind_named",
    "kinds",
    "pins",
    "proves",
    "read_class_book",
    "read_subject_csv",
    "render",
    "seal_card",
    "sheet_data",
    "slip_data",
    "subject_csv",
    "volume_data",
]
