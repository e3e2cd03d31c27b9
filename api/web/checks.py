"""Kiểm tra: anybody uploads a file and gets four separate answers; anybody with a code sees what was published.

An upload is verified in a limited process of `signing`, and held in memory for a while with its result (`check_results`),
so that the slip, the reports and the signed revisions can be taken along. Nothing of it is kept: what lies on a disk while
it arrives, or while another program judges it, has no name or a private folder, and is gone with the request.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi import Path as InPath
from fastapi.responses import JSONResponse, PlainTextResponse, Response

import documents
from api.checking import How, check_content, report_of
from api.problems import Busy, NothingHere, TooLarge, TooOften
from api.texts import moment
from api.web.guard import MEGABYTE
from api.web.house import House
from api.web.limits import Pace
from api.web.revisions import DigestInPath
from api.web.visits import Visit, Visiting
from signing.report import Changes, Report, SignatureKind, SignatureReport, Verdict
from signing.second_opinion import in_pdf
from storage.errors import NotInLog
from workflow import events
from workflow.events import Digest
from workflow.store import DocumentRecord, NotKept, Recorded

router = APIRouter()

LARGEST = 50 * MEGABYTE
LARGEST_SIGNATURE = 16 * MEGABYTE  # detached, with a large authority's revocation list in it

Code = Annotated[str, InPath(pattern="^[2-9A-HJ-NP-Z]{26}$")]


class Tone(StrEnum):
    """How an answer is shown, always beside its words."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One of the four questions, answered in sentences."""

    question: str
    tone: Tone
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What this office knows of a file by its digest."""

    document: DocumentRecord
    newest: bool
    recorded: Recorded | None  # the event that brought these bytes about


@router.get("/verify")
def verify_form(visit: Visiting) -> Response:
    """The form."""
    return visit.page("verify.html", report=None, locked=False, error="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """What came with the form."""

    name: str
    content: bytes
    signature: bytes | None  # detached
    password: str | None


@router.post("/verify")
def verify(
    visit: Visiting,
    file: Annotated[UploadFile | None, File()] = None,
    signature: Annotated[UploadFile | None, File()] = None,
    password: Annotated[str, Form(max_length=1024)] = "",
) -> Response:
    """Four answers, then every signature and every attached file. JSON, as `soky verify --json`, for programs that ask."""
    paced(visit, visit.house.verify_pace)
    with visit.house.verify_seats.seat() as seated:
        if not seated:
            raise Busy
        # Read only with a seat: fifty megabytes a waiting visitor would fill the memory.
        given = Uploaded(
            name=(file.filename if file else None) or "",
            content=_read(file, LARGEST),
            signature=_read(signature, LARGEST_SIGNATURE) or None,
            password=password or None,
        )
        if not given.content:
            return visit.page(
                "verify.html",
                status=HTTPStatus.UNPROCESSABLE_ENTITY,
                report=None,
                locked=False,
                error=visit.say("verify.no_file"),
            )
        house = visit.house
        how = How(doubted=house.looks.doubted, password=lambda _: given.password, fetch=house.fetch)
        if "json" in visit.request.headers.get("accept", ""):
            return _as_json(house, given, how)
        report = report_of(given.content, house.trust, how, signature=given.signature)
        # Only what somebody we trust has signed is rendered again: a stranger's data never reach our typesetter here.
        rendering = house.renderings.of(report.sha256, given.content) if report.passed else None
    house.looks.later(given.content, house.trust, report, source="web", signature=given.signature)
    return _page(visit, given, report, rendering)


def _as_json(house: House, given: Uploaded, how: How) -> Response:
    """What `soky verify --json` says, and the second look behind it as for everybody."""
    checked = check_content(given.content, house.trust, how, name="", signature=given.signature)
    if checked.report is not None:
        house.looks.later(given.content, house.trust, checked.report, source="web", signature=given.signature)
    return JSONResponse(checked.json)


def _read(upload: UploadFile | None, largest: int) -> bytes:
    """TooLarge beyond the bound."""
    content = upload.file.read(largest + 1) if upload else b""
    if len(content) > largest:
        raise TooLarge
    return content


def _page(visit: Visit, given: Uploaded, report: Report, rendering: documents.RenderProof | None) -> Response:
    known = known_by(visit.house, report.sha256)
    locked = any(finding.code in {"ENCRYPTED", "WRONG_PASSWORD"} for finding in report.findings)
    return visit.page(
        "verify.html",
        report=report,
        name=given.name,
        size=len(given.content),
        overall=overall(report),
        answers=answers(visit, report, rendering, known),
        known=known,
        held=visit.house.results.hold(given.content, report, given.name, signature=given.signature),
        locked=locked,
        integrity=integrity,
        error="",
    )


def integrity(signature: SignatureReport) -> str:
    """What happened to what this one signed, as a word of the catalogue. Where its digest does not fit, that comes first."""
    if not signature.intact:
        return "verify.integrity_broken"
    if signature.changes_after is Changes.PERMITTED and not in_pdf(signature):
        return "verify.integrity_part"
    return f"verify.changes_{signature.changes_after}"


@router.get("/verify/{digest}/proof")
def proof(visit: Visiting, digest: DigestInPath) -> Response:
    """The inclusion proof of a file in somebody's hands, by its digest: it holds digests and nothing else."""
    paced(visit, visit.house.lookup_pace)
    known = known_by(visit.house, digest)
    if known is None or known.recorded is None:
        raise NothingHere
    return PlainTextResponse(
        visit.house.proof(known.recorded.case, known.recorded.seq),
        headers={"content-disposition": f'attachment; filename="{digest[:16]}.tlog-proof"'},
    )


@router.get("/v/{code}")
def published(visit: Visiting, code: Code) -> Response:
    """The public facts of a published volume. Unknown and unpublished codes are answered alike."""
    paced(visit, visit.house.lookup_pace)
    try:
        document, digest = visit.house.store.published(code)
    except NotKept as unknown:
        raise NothingHere from unknown
    history = visit.house.store.history(document.case)
    return visit.page(
        "published.html",
        document=document,
        digest=digest,
        code=code,
        unit=visit.house.book(document.unit).unit,
        at=next(r.at for r in history if isinstance(r.event, events.Published) and r.event.code == code),
        signed=[r for r in history if isinstance(r.event, events.DocumentSigned) and r.event.document == document.id],
    )


def paced(visit: Visit, pace: Pace) -> None:
    """TooOften if this visitor asked too much. Behind a proxy the server is told to trust its forwarding headers."""
    client = visit.request.client
    if seconds := pace.wait_seconds(client.host if client else ""):
        raise TooOften(seconds=seconds)


def known_by(house: House, digest: str) -> Known | None:
    """None if no document of this office ever had these bytes."""
    held = house.store.holding(Digest(digest))
    if not held:
        return None
    document = held[0]
    return Known(
        document=document,
        newest=document.revision == digest,
        recorded=next((r for r in house.store.history(document.case) if _brought(r.event) == digest), None),
    )


def _brought(event: events.Event) -> str:
    if isinstance(event, events.DocumentSigned | events.DocumentExtended):
        return event.after
    return event.revision if isinstance(event, events.DocumentRendered) else ""


def answers(visit: Visit, report: Report, rendering: documents.RenderProof | None, known: Known | None) -> tuple[Answer, ...]:
    """The four questions, each on its own: a yes to one says nothing about the others."""
    return (
        _genuine(visit, report, rendering, known),
        _by_whom(visit, report),
        _still_valid(visit, report, known),
        _in_log(visit, known),
    )


def _genuine(visit: Visit, report: Report, rendering: documents.RenderProof | None, known: Known | None) -> Answer:
    say = visit.say
    if stopped(report):
        tone, sentences = Tone.OPEN, [say("verify.stopped")]
    elif any(finding.code in {"ENCRYPTED", "WRONG_PASSWORD"} for finding in report.findings):
        tone, sentences = Tone.OPEN, [say("verify.encrypted")]
    elif report.verdict is Verdict.UNREADABLE:
        tone, sentences = Tone.BAD, [say("verify.unreadable")]
    elif not report.signatures:
        tone, sentences = Tone.OPEN, [say("verify.not_signed")]
    elif any(_broken(signature) for signature in report.signatures):
        tone, sentences = Tone.BAD, [say("verify.changed")]
    elif all(signature.intact for signature in report.signatures):
        tone, sentences = _intact(visit, report)
    else:
        tone, sentences = Tone.OPEN, [say("verify.cannot_tell")]
    if rendering is not None and rendering.answer is documents.Proof.PROVED:
        sentences.append(say("verify.rendered"))
    elif rendering is not None and rendering.answer is documents.Proof.DIFFERS:
        if known is not None and not _made_by_present_programs(visit.house, known.document):
            sentences.append(say("verify.rendered_before"))
        else:
            tone = Tone.OPEN if tone is Tone.GOOD else tone
            sentences.append(say("verify.rendered_differs"))
    return Answer(question=say("verify.q1"), tone=tone, sentences=tuple(sentences))


def _intact(visit: Visit, report: Report) -> tuple[Tone, list[str]]:
    """What was signed is as it was. What came after is said: nobody reads "unchanged" over a sum that was filled in anew."""
    changed = dict.fromkeys(each.name for signature in report.signatures for each in signature.changed_fields)
    if changed:
        return Tone.OPEN, [visit.say("verify.intact_but_filled", fields=", ".join(changed))]
    if any(finding.code == "UNSIGNED_PARTS" for finding in report.findings):
        return Tone.OPEN, [visit.say("verify.intact_in_part")]
    if any(signature.changes_after is Changes.PERMITTED for signature in report.signatures):
        in_revisions = any(in_pdf(signature) for signature in report.signatures)
        return Tone.GOOD, [visit.say("verify.intact_and_more" if in_revisions else "verify.intact_each_its_part")]
    return Tone.GOOD, [visit.say("verify.intact")]


def _made_by_present_programs(house: House, document: DocumentRecord) -> bool:
    """Whether the case pinned the templates, fonts and programs that are at work now: only then must the bytes be equal."""
    kept = house.store.case(document.case).pins
    return all(
        kept.get(f"{document.kind}/{name}") == hashlib.sha256(part).hexdigest()
        for name, part in documents.pins(document.kind).items()
    )


def overall(report: Report) -> str:
    """The verdict's word in the catalogue."""
    return "INDETERMINATE" if stopped(report) else report.verdict.value


def stopped(report: Report) -> bool:
    """The check was ended by its limits: that says nothing about the file, and nobody is told that it is bad."""
    return any(finding.code == "RESOURCE_LIMIT" for finding in report.findings)


def _broken(signature: SignatureReport) -> bool:
    return not signature.intact or signature.changes_after in {Changes.FORBIDDEN, Changes.NOT_UNDERSTOOD}


def _by_whom(visit: Visit, report: Report) -> Answer:
    """A name counts as an answer only where the signature proves it."""
    people = [s for s in report.signatures if s.kind is not SignatureKind.DOC_TIMESTAMP]
    told = tuple(f"{visit.say(f'verify.{s.kind}')}: {s.signer or '?'} – {visit.say(f'verify.{s.verdict}')}" for s in people)
    if not people:
        nobody = visit.say("verify.cannot_tell" if stopped(report) else "verify.nobody")
        return Answer(question=visit.say("verify.q2"), tone=Tone.OPEN, sentences=(nobody,))
    verdicts = {s.verdict for s in people}
    tone = Tone.GOOD if verdicts == {Verdict.TOTAL_PASSED} else Tone.BAD if Verdict.TOTAL_FAILED in verdicts else Tone.OPEN
    return Answer(question=visit.say("verify.q2"), tone=tone, sentences=told)


def _still_valid(visit: Visit, report: Report, known: Known | None) -> Answer:
    say = visit.say
    tones = {Verdict.TOTAL_PASSED: Tone.GOOD, Verdict.TOTAL_FAILED: Tone.BAD}
    tone = tones.get(report.verdict, Tone.OPEN)
    sentences = [say("verify.all_valid") if report.passed else say(f"verify.{overall(report)}")]
    sentences += [visit.side(finding.message) for s in report.signatures for finding in s.findings if not _passed(s)]
    if known is not None and known.document.superseded:
        tone = Tone.BAD
        sentences.append(say("verify.replaced"))
    elif known is not None:
        sentences.append(say("verify.current" if known.newest else "verify.older_revision"))
    return Answer(question=say("verify.q3"), tone=tone, sentences=tuple(dict.fromkeys(sentences)))


def _passed(signature: SignatureReport) -> bool:
    return signature.verdict is Verdict.TOTAL_PASSED


def _in_log(visit: Visit, known: Known | None) -> Answer:
    question = visit.say("verify.q4")
    if known is None or known.recorded is None:
        return Answer(question=question, tone=Tone.OPEN, sentences=(visit.say("verify.not_in_log"),))
    recorded = known.recorded
    # Not a look into a table: the tree's own proof is built and checked before we say yes.
    try:
        visit.house.proof(recorded.case, recorded.seq)
    except NotInLog:
        return Answer(question=question, tone=Tone.OPEN, sentences=(visit.say("verify.in_log_pending"),))
    told = visit.say("verify.in_log", leaf=recorded.leaf, at=moment(recorded.at))
    return Answer(question=question, tone=Tone.GOOD, sentences=(told,))
