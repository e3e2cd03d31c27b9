"""Việc chờ ký: what waits for somebody, and signing all of it with one PIN."""

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Form, Query
from fastapi.responses import Response, StreamingResponse

import signing
from api.problems import fault
from api.texts import Language, text
from api.web.keys import keys_for, opened
from api.web.visits import Acting, Member, Reading, environment
from signing.errors import SigningError
from workflow.events import CaseId, TaskName
from workflow.office import ItemResult
from workflow.store import NotKept, TaskRecord

router = APIRouter()

# The inbox shows as many as the store gives (200); a batch is no longer than that.
MOST_AT_ONCE = 200
SOON = timedelta(days=2)

# What a page may be asked to say on arrival: words of the catalogue, chosen by us and not by whoever makes a link.
NOTICES = frozenset({"signed", "sent_back", "rebound", "approved", "settled", "corrected", "opened", "withdrawn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A task as a line of the inbox."""

    task: TaskRecord
    ref: str  # "<case>/<task>": in forms
    path: str  # where it is opened
    title: str  # the document's, or the case's where there is none yet
    step: str  # the step's name in the diagram
    due: str  # "late", "soon", "fine" or "": a word of the catalogue
    batchable: bool


@router.get("/inbox")
def inbox(member: Reading, notice: Annotated[str, Query(max_length=20)] = "") -> Response:
    """What waits for me, nearest due time first."""
    return inbox_page(member, notice=notice)


@router.post("/inbox/sign")
def sign_all(
    member: Acting,
    tasks: Annotated[list[str], Form(max_length=MOST_AT_ONCE)] = [],  # noqa: B006 - FastAPI copies it
    pin: Annotated[str, Form(max_length=200)] = "",
    certificate: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Sign the chosen ones. The page grows by a line as each is done. One refusal stops no other; a wrong PIN stops all."""
    chosen = [parsed(ref) for ref in dict.fromkeys(tasks)]
    if not chosen:
        return inbox_page(member, status=HTTPStatus.UNPROCESSABLE_ENTITY, error=member.visit.say("inbox.none_chosen"))
    lines = {(line.task.case, line.task.name): line for line in lines_of(member)}
    key = contextlib.ExitStack()
    try:
        signer = key.enter_context(opened(member, None, certificate, pin))
    except SigningError as refusal:
        return inbox_page(
            member,
            status=HTTPStatus.UNPROCESSABLE_ENTITY,
            error=member.visit.side(str(refusal)),
            chosen={f"{case}/{task}" for case, task in chosen},
        )
    return StreamingResponse(_growing(member, chosen, lines, signer, key), media_type="text/html")


def _growing(
    member: Member,
    chosen: Sequence[tuple[CaseId, TaskName]],
    lines: dict[tuple[CaseId, TaskName], Line],
    signer: signing.Signer,
    key: contextlib.ExitStack,
) -> Iterator[str]:
    """The page in pieces. What failed is collected while it grows, for the form at its end that tries only those again."""
    failed: list[ItemResult] = []

    def results() -> Iterator[dict[str, Any]]:
        for result in _each(member, chosen, signer):
            if not result.signed:
                failed.append(result)
            line = lines.get((result.case, result.task))
            yield {"result": result, "title": line.title if line else result.task, "path": task_path(result.case, result.task)}

    with key:
        yield from (
            environment()
            .get_template("signed_all.html")
            .generate(
                member.visit.surroundings()
                | {
                    "results": results(),
                    "failed": failed,
                    "count": len(chosen),
                    "keys": keys_for(member, "sign"),
                    "certificate": signing_certificate(signer),
                    "member": member,
                }
            )
        )


def _each(member: Member, chosen: Sequence[tuple[CaseId, TaskName]], signer: signing.Signer) -> Iterator[ItemResult]:
    """A result for every chosen task, whatever happens: half of the page has been sent when a mistake of ours comes up."""
    told = 0
    try:
        for result in member.visit.house.office.sign_all(member.id, chosen, signer):
            told += 1
            yield result
    except Exception as error:  # noqa: BLE001 - it is logged under a number, and every line that is left says so
        number = fault("POST /inbox/sign", error)
        message = " / ".join(text(language, "problem.FAULT", number=number) for language in Language)
        for case, task in chosen[told:]:
            yield ItemResult(case=case, task=task, signed=False, code="FAULT", message=message)


def signing_certificate(signer: signing.Signer) -> str:
    """The digest by which the directory knows the certificate of an opened key."""
    return hashlib.sha256(signer.certificate).hexdigest()


def inbox_page(
    member: Member, *, status: int = HTTPStatus.OK, error: str = "", notice: str = "", chosen: set[str] | None = None
) -> Response:
    """The list; `chosen` stay ticked after a refusal."""
    lines = lines_of(member)
    return member.visit.page(
        "inbox.html",
        status=status,
        member=member,
        lines=lines,
        batchable=sum(line.batchable for line in lines),
        keys=keys_for(member, "sign"),
        error=error,
        notice=notice if notice in NOTICES else "",
        chosen=chosen,
    )


def lines_of(member: Member) -> tuple[Line, ...]:
    """The inbox of this person."""
    now = member.visit.house.clock()
    waiting = member.visit.house.office.inbox(member.id)
    titles = _step_titles(member, waiting)
    return tuple(
        Line(
            task=task,
            ref=f"{task.case}/{task.name}",
            path=task_path(task.case, task.name),
            title=_title(member, task),
            step=titles[(task.case, task.step)],
            due=_due(task.due, now),
            batchable=task.action == "sign" and task.document is not None,
        )
        for task in waiting
    )


def next_path(member: Member) -> str | None:
    """Where "sign and go to the next" goes: the first task that is left."""
    left = lines_of(member)
    return left[0].path if left else None


def task_path(case: str, task: str) -> str:
    """A step's page. Its name holds a "#", which an address would cut off."""
    return f"/tasks/{quote(case, safe='')}/{quote(task, safe='')}"


def parsed(ref: str) -> tuple[CaseId, TaskName]:
    """The two halves of "<case>/<task>"."""
    case, _, task = ref.partition("/")
    return CaseId(case), TaskName(task)


def _title(member: Member, task: TaskRecord) -> str:
    """A sheet is told apart by its subject; the book it belongs to stands in the line below."""
    if task.document is None:
        return task.case_title
    try:
        title = member.visit.house.store.document(task.document).title
    except NotKept:
        return task.case_title
    return short_title(title, task.case_title)


def short_title(title: str, case_title: str) -> str:
    """A sheet is called by its subject where the title of its book stands beside: "Toán", not "Toán – Sổ theo dõi ..."."""
    return title.removesuffix(case_title).rstrip(" –") or title


def _step_titles(member: Member, waiting: Sequence[TaskRecord]) -> dict[tuple[CaseId, str], str]:
    """One look per case, not one per task: a teacher may have forty sheets in ten classes."""
    found: dict[tuple[CaseId, str], str] = {}
    for case in dict.fromkeys(task.case for task in waiting):
        titles = member.visit.house.office.case_view(member.id, case).titles
        found |= {(case, step): title for step, title in titles.items()}
    return found


def _due(due: datetime | None, now: datetime) -> str:
    if due is None:
        return ""
    if due < now:
        return "late"
    return "soon" if due - now < SOON else "fine"
