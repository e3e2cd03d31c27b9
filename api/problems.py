"""What is answered when something is refused: one table from our errors to HTTP, and one shape for programs.

Pages get a real HTML page; programs that ask for JSON get `application/problem+json` (RFC 9457) with our stable `code`.
"""

import logging
import secrets
from dataclasses import dataclass

from directory.errors import DirectoryError, NobodyHere
from documents.errors import DocumentsError
from signing.errors import SigningError
from storage.errors import DatabaseUnavailable, NotInLog
from workflow import errors as refusals
from workflow.store import Conflict, NotKept

LOG = logging.getLogger("soky.web")


class Unwelcome(Exception):
    """The request itself cannot be served; each kind knows its HTTP status and its code in the catalogue."""

    status = 400
    code = "BAD_REQUEST"

    def __init__(self, **values: object) -> None:
        super().__init__(self.code)
        self.values = values  # for the {places} of the text


class SignInFirst(Unwelcome):
    """Nobody is signed in here, or the session has ended."""

    status = 401
    code = "SIGN_IN_FIRST"


class ForeignForm(Unwelcome):
    """The form did not come from a page of ours, or from a session that has ended."""

    status = 403
    code = "FOREIGN_FORM"


class NothingHere(Unwelcome):
    """There is no such page, or not for you: the two are told apart to nobody."""

    status = 404
    code = "NOT_FOUND"


class TooLarge(Unwelcome):
    """The upload is larger than what is read."""

    status = 413
    code = "TOO_LARGE"


class TooOften(Unwelcome):
    """Too many requests from one place."""

    status = 429
    code = "TOO_OFTEN"


class Busy(Unwelcome):
    """All seats for heavy work are taken."""

    status = 503
    code = "BUSY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One refusal, ready to be shown. `detail` may hold both languages ("vi / en") or be empty."""

    status: int
    code: str
    detail: str


# The first class that fits decides, so the narrow ones come first.
STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NotKept, 404),
    (NobodyHere, 404),
    (NotInLog, 409),
    (DatabaseUnavailable, 503),
    (refusals.NotYours, 403),
    (refusals.NotWaitingHere, 409),
    (Conflict, 409),
    (refusals.WorkflowError, 422),
    (DocumentsError, 422),
    (SigningError, 422),
    (DirectoryError, 422),
)

# What a person may be told. Anything else is a fault of ours: it is logged and shown as such, without its message.
EXPECTED = tuple(kind for kind, _ in STATUSES)


def fault(place: str, error: Exception) -> str:
    """A mistake of ours: logged under a number that the visitor can tell us. Its message stays here."""
    number = secrets.token_hex(4)
    LOG.error("fault %s at %s", number, place, exc_info=error)
    return number


def problem_of(error: Exception) -> Problem:
    """How a refusal is answered. For errors of the table only."""
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    code = str(getattr(error, "code", "") or "REFUSED")
    # Whether something exists that one may not see is told to nobody.
    detail = "" if status == NothingHere.status else str(error)
    return Problem(status=status, code="NOT_FOUND" if status == NothingHere.status else code, detail=detail)
