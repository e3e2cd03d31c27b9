"""What the workflow refuses, and why. Each docstring is the sentence a person reads; `code` stays the same for ever."""

from typing import ClassVar


class WorkflowError(Exception):
    """Something could not be done in this case."""

    code: ClassVar[str] = "WORKFLOW"


class NotYours(WorkflowError):
    """This step is not yours to do."""

    code = "NOT_YOURS"


class NotWaitingHere(WorkflowError):
    """This step does not wait any more: somebody has done it, or the case has moved on."""

    code = "NOT_WAITING"


class ReasonMissing(WorkflowError):
    """Sending something back needs a reason that the others can act on."""

    code = "REASON_MISSING"


class BadChoice(WorkflowError):
    """The answer is not one that this step knows."""

    code = "BAD_CHOICE"


class SealRefused(WorkflowError):
    """The seal goes only onto a document whose every required personal signature verifies now (ND 30/2020, art. 32)."""

    code = "SEAL_REFUSED"


class CannotBind(WorkflowError):
    """The volume cannot be bound: a sheet is missing, unsigned, or does not say what the class data say."""

    code = "CANNOT_BIND"


class SignatureNotKept(WorkflowError):
    """The signature was made but did not pass our own check. It was thrown away; the document is as it was."""

    code = "SIGNATURE_NOT_KEPT"


class UnknownCertificate(WorkflowError):
    """This certificate is not registered for this person in the directory."""

    code = "UNKNOWN_CERTIFICATE"


def both(vi: str, en: str) -> str:
    """A message in both languages, Vietnamese first."""
    return f"{vi} / {en}"
