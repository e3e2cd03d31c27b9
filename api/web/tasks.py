"""One step of a case: read the document, then sign it, approve it, or send it back."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import RedirectResponse, Response

import documents
from api.problems import EXPECTED, NothingHere, problem_of
from api.web import revisions
from api.web.inbox import NOTICES, next_path, short_title, task_path
from api.web.keys import keys_for, opened
from api.web.marks import marks_table
from api.web.visits import Acting, Member, Reading
from documents.errors import BadData
from signing.errors import WrongSecret
from workflow.errors import NotWaitingHere
from workflow.events import CaseId, Digest, TaskName
from workflow.may import Permitted
from workflow.store import Conflict, NotKept
from workflow.views import TaskView

router = APIRouter()

Reason = Annotated[str, Form(max_length=4000)]

# After these there is nothing left to show on the page of the step: they get a page of their own.
MOVED_ON = (NotKept, NotWaitingHere, Conflict)


@router.get("/tasks/{case}/{name}")
def task(member: Reading, case: str, name: str, notice: Annotated[str, Query(max_length=20)] = "") -> Response:
    """The document beside what may be done with it."""
    view = member.visit.house.office.look(member.id, CaseId(case), TaskName(name))
    return task_page(member, view, notice=notice)


@router.post("/tasks/{case}/{name}/sign")
def sign(
    member: Acting,
    case: str,
    name: str,
    pin: Annotated[str, Form(max_length=200)] = "",
    certificate: Annotated[str, Form(max_length=64)] = "",
    then: Annotated[str, Form(max_length=10)] = "",
    revision: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Sign, or seal, exactly the revision that the page showed. The PIN is used once and kept nowhere."""
    office = member.visit.house.office

    def act() -> None:
        waiting = office.look(member.id, CaseId(case), TaskName(name)).task
        with opened(member, waiting, certificate, pin) as signer:
            office.sign(member.id, CaseId(case), TaskName(name), signer, seen=Digest(revision) if revision else None)

    return _acted(member, case, name, act, notice="signed", onward=then == "next")


@router.post("/tasks/{case}/{name}/approve")
def approve(member: Acting, case: str, name: str, remark: Reason = "") -> Response:
    """Finish a review without objection."""
    return _acted(
        member,
        case,
        name,
        lambda: member.visit.house.office.approve(member.id, CaseId(case), TaskName(name), remark),
        notice="approved",
    )


@router.post("/tasks/{case}/{name}/send-back")
def send_back(
    member: Acting,
    case: str,
    name: str,
    reason: Reason = "",
    sheets: Annotated[list[str], Form(max_length=200)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Named sheets go back to their teachers, with a reason."""
    return _acted(
        member,
        case,
        name,
        lambda: member.visit.house.office.send_back(member.id, CaseId(case), TaskName(name), sheets, reason),
        notice="sent_back",
    )


@router.post("/tasks/{case}/{name}/rebind")
def rebind(member: Acting, case: str, name: str, reason: Reason = "") -> Response:
    """The volume is bound again; the sheets stay."""
    return _acted(
        member,
        case,
        name,
        lambda: member.visit.house.office.rebind(member.id, CaseId(case), TaskName(name), reason),
        notice="rebound",
    )


@router.post("/tasks/{case}/{name}/settle")
def settle(
    member: Acting, case: str, name: str, outcome: Annotated[str, Form(max_length=20)] = "", reason: Reason = ""
) -> Response:
    """After too many rounds: go on or stop."""
    return _acted(
        member,
        case,
        name,
        lambda: member.visit.house.office.settle(member.id, CaseId(case), TaskName(name), outcome, reason),
        notice="settled",
    )


@router.get("/tasks/{case}/{name}/data.csv")
def data(member: Reading, case: str, name: str) -> Response:
    """The marks of this sheet as they are now: to be corrected and sent back in the same form."""
    view = member.visit.house.office.look(member.id, CaseId(case), TaskName(name))
    if view.task.key is None:
        raise NothingHere
    book = documents.class_book_from_json(member.visit.house.store.get(view.case.data))
    return Response(
        documents.subject_csv(book, view.task.key),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{view.case.scope}-{view.task.key}.csv"'},
    )


@router.post("/tasks/{case}/{name}/correct")
def correct(member: Acting, case: str, name: str, file: Annotated[UploadFile, File()], reason: Reason = "") -> Response:
    """A teacher's corrected CSV of their own sheet, before it is signed."""
    content = file.file.read()
    return _acted(
        member,
        case,
        name,
        lambda: member.visit.house.office.correct(member.id, CaseId(case), TaskName(name), content, reason),
        notice="corrected",
        stay=True,
    )


def _acted(
    member: Member, case: str, name: str, act: Callable[[], object], *, notice: str, onward: bool = False, stay: bool = False
) -> Response:
    """Do it and go on; a refusal is shown on the page of the step, with what was found and what was expected."""
    try:
        act()
    except MOVED_ON:
        raise
    except EXPECTED as refusal:
        view = member.visit.house.office.look(member.id, CaseId(case), TaskName(name))
        return task_page(member, view, refusal=refusal)
    path = (task_path(case, name) if stay else next_path(member) if onward else None) or "/inbox"
    return RedirectResponse(f"{path}?notice={notice}", status_code=HTTPStatus.SEE_OTHER)


def task_page(member: Member, view: TaskView, *, refusal: Exception | None = None, notice: str = "") -> Response:
    """The page; with a refusal, its summary stands on top and the status tells it."""
    document = view.document
    return member.visit.page(
        "task.html",
        status=problem_of(refusal).status if refusal else HTTPStatus.OK,
        member=member,
        view=view,
        title=short_title(document.title, view.case.title) if document else view.case.title,
        permitted=view.answer if isinstance(view.answer, Permitted) else None,
        refused="" if isinstance(view.answer, Permitted) else view.answer.reason,
        action=task_path(view.case.id, view.task.name),
        pages=revisions.pages(member, document.revision) if document else (),
        table=marks_table(member.visit.house.store, document) if document else None,
        sheets=[(line, _newest(member, line.document)) for line in view.sheets],
        keys=keys_for(member, view.task.action),
        refusal=member.visit.side(str(refusal)) if refusal else "",
        wrong_pin=isinstance(refusal, WrongSecret),
        misfits=refusal.misfits if isinstance(refusal, BadData) else (),
        notice=notice if notice in NOTICES else "",
    )


def _newest(member: Member, document: str | None) -> str:
    """The newest revision of a sheet, to look into it before it is sent back; empty while it is being rendered."""
    from workflow.events import DocumentId

    return member.visit.house.store.document(DocumentId(document)).revision if document else ""
