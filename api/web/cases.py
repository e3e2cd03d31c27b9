"""Cases: the list, where one stands and what happened in it, and opening one from a workbook."""

from dataclasses import dataclass
from datetime import date, datetime, time
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, File, Form, Query, UploadFile
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

import bpmn
from api.problems import EXPECTED, NothingHere, problem_of
from api.web.inbox import NOTICES, short_title, task_path
from api.web.trail import document_title, entries
from api.web.visits import Acting, Member, Reading
from documents.errors import BadData
from workflow import events
from workflow.calendar import VIETNAM
from workflow.events import CaseId
from workflow.office import OPENERS
from workflow.store import DocumentRecord, TaskRecord
from workflow.views import CaseView

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why the case does not move, and where one goes to move it."""

    about: str  # the sheet's title, or empty
    why: str
    path: str  # empty for a step of the system, and for somebody else's


@router.get("/cases")
def cases(member: Reading) -> Response:
    """The cases I may see, newest first."""
    found = member.visit.house.office.cases(member.id)
    return member.visit.page("cases.html", member=member, cases=found, may_open=may_open(member))


@router.get("/cases/new")
def new_case(member: Reading) -> Response:
    """The form for a workbook."""
    return member.visit.page("new_case.html", member=member, may_open=may_open(member), refusal="", misfits=(), closing="")


@router.post("/cases/new")
def open_case(
    member: Acting, file: Annotated[UploadFile, File()], closing: Annotated[str, Form(max_length=10)] = ""
) -> Response:
    """Open a case. Everything that does not fit is listed at once, and then nothing is stored."""
    content = file.file.read()
    try:
        case = member.visit.house.office.open_class_book(member.id, content, file.filename or "", closing_time(closing))
    except EXPECTED as refusal:
        return member.visit.page(
            "new_case.html",
            status=problem_of(refusal).status,
            member=member,
            may_open=may_open(member),
            refusal=member.visit.side(str(refusal)),
            misfits=refusal.misfits if isinstance(refusal, BadData) else (),
            closing=closing,
        )
    return RedirectResponse(f"/cases/{case}?notice=opened", status_code=HTTPStatus.SEE_OTHER)


@router.get("/cases/{case}")
def case(member: Reading, case: str, notice: Annotated[str, Query(max_length=20)] = "") -> Response:
    """Where it stands, why it waits, what happened, and every document with its revisions."""
    return member.visit.page(
        "case.html", member=member, notice=notice if notice in NOTICES else "", **case_values(member, CaseId(case))
    )


@router.get("/cases/{case}/standing")
def standing(member: Reading, case: str) -> Response:
    """The part of the page that changes while the system is at work: asked for again and again by the page itself."""
    return member.visit.page("case_standing.html", member=member, **case_values(member, CaseId(case)))


@router.get("/cases/{case}/diagram.svg")
def drawing(member: Reading, case: str) -> Response:
    """The coloured drawing alone, as large as the window."""
    view = member.visit.house.office.case_view(member.id, CaseId(case))
    return Response(_drawn(member, view), media_type="image/svg+xml")


@router.get("/cases/{case}/diagram.bpmn")
def diagram(member: Reading, case: str) -> Response:
    """The diagram this case runs under, for any BPMN editor."""
    view = member.visit.house.office.case_view(member.id, CaseId(case))
    return Response(
        view.process_xml,
        media_type="application/xml",
        headers={"content-disposition": f'attachment; filename="{view.case.process}.bpmn"'},
    )


@router.get("/cases/{case}/proofs/{seq}")
def proof(member: Reading, case: str, seq: int) -> Response:
    """That the log includes this step, for anybody's own check (C2SP tlog-proof)."""
    view = member.visit.house.office.case_view(member.id, CaseId(case))
    if not any(recorded.seq == seq for recorded in view.trail):
        raise NothingHere
    return PlainTextResponse(
        member.visit.house.proof(view.case.id, seq),
        headers={"content-disposition": f'attachment; filename="{case}-{seq}.tlog-proof"'},
    )


@router.post("/cases/{case}/withdraw")
def withdraw(member: Acting, case: str, reason: Annotated[str, Form(max_length=4000)] = "") -> Response:
    """End a case that should not have been opened."""
    try:
        member.visit.house.office.withdraw(member.id, CaseId(case), reason)
    except EXPECTED as refusal:
        problem = problem_of(refusal)
        if problem.status == HTTPStatus.NOT_FOUND:
            raise
        return member.visit.page(
            "case.html",
            status=problem.status,
            member=member,
            notice="",
            **(case_values(member, CaseId(case)) | {"refusal": member.visit.side(str(refusal))}),
        )
    return RedirectResponse(f"/cases/{case}?notice=withdrawn", status_code=HTTPStatus.SEE_OTHER)


def case_values(member: Member, case: CaseId) -> dict[str, Any]:
    """What the case pages show."""
    view = member.visit.house.office.case_view(member.id, case)
    return {
        "view": view,
        "trail": entries(member.visit, view),
        "waits": _waits(member, view),
        "diagram": _drawn(member, view),
        "at_work": any(not task.human for task in _shown_tasks(view)),
        "sheets": [d for d in view.documents if d.key is not None and not d.superseded],
        "volumes": [d for d in view.documents if d.key is None and not d.superseded],
        "superseded": [d for d in view.documents if d.superseded],
        "titles": {d.id: document_title(member.visit, view, d.id) for d in view.documents},
        "signers": {d.id: _signers(member, view, d) for d in view.documents},
        "published": next((r.event.code for r in view.trail if isinstance(r.event, events.Published)), ""),
        "may_withdraw": may_open(member) and any(task.step == "withdraw" for task in view.tasks),
        "refusal": "",
    }


def _drawn(member: Member, view: CaseView) -> str:
    # A step that was closed because the case moved on was not done: only what somebody completed is drawn as done.
    completed = {
        r.event.task.partition("#")[0].partition(".")[0] for r in view.trail if isinstance(r.event, events.StepCompleted)
    }
    done = [step for step in view.done_steps if step in completed]
    waiting = [task.name for task in _shown_tasks(view)]
    return bpmn.diagram_svg(view.process_xml, waiting, done, language=member.visit.language.value)


def closing_time(typed: str) -> datetime | None:
    """The end of the working day that was chosen in the form; None if none was, or if it is no day."""
    try:
        return datetime.combine(date.fromisoformat(typed), time(17, 0), tzinfo=VIETNAM)
    except ValueError:
        return None


def may_open(member: Member) -> bool:
    """Whether the form for a new case is offered; the office decides again."""
    book = member.visit.book
    return book is not None and any(post.role in OPENERS for post in book.posts(member.id, member.visit.today()))


def _shown_tasks(view: CaseView) -> list[TaskRecord]:
    # "withdraw" waits as long as the case runs: it is a door, not a task.
    return [task for task in view.tasks if task.step != "withdraw"]


def _waits(member: Member, view: CaseView) -> list[Waiting]:
    titles_by_key = {d.key: short_title(d.title, view.case.title) for d in view.documents if d.key}
    mine = {task.name for task in member.visit.house.office.inbox(member.id) if task.case == view.case.id}
    return [
        Waiting(
            about=titles_by_key.get(task.key or "", ""),
            why=member.visit.side(why),
            path=task_path(task.case, task.name) if task.name in mine else "",
        )
        for task, why in zip(_shown_tasks(view), view.waits, strict=True)
    ]


def _signers(member: Member, view: CaseView, document: DocumentRecord) -> list[events.DocumentSigned]:
    del member
    return [r.event for r in view.trail if isinstance(r.event, events.DocumentSigned) and r.event.document == document.id]
