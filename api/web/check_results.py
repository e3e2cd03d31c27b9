"""What a check leads to, for whoever made it: sealed slip, XML report, each signed revision, the pages then and now.

The result is found by the random id that only the visitor's page knows. Pages of an upload are drawn only in the limited
process of `signing.shown`.
"""

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from fastapi.responses import Response

from api.problems import Busy, NothingHere, TooOften
from api.web.held_results import CheckResult
from api.web.visits import Visit, Visiting
from signing.etsi_report import etsi_report
from signing.second_opinion import State, second_look
from signing.shown import SignedRevision, compare, draw, page_counts

router = APIRouter(prefix="/verify/results")

OPINION_SECONDS = 60.0  # of pyHanko while somebody waits; a sample may take longer
MOST_PICTURES = 24  # pairs kept of one result; a hundred kilobytes each

Key = Annotated[str, InPath(pattern="^[A-Za-z0-9_-]{32}$")]
Number = Annotated[int, InPath(ge=1, le=10_000)]


@router.get("/{key}/report.xml")
def report_xml(visit: Visiting, key: Key) -> Response:
    """ETSI TS 119 102-2, for the whole file."""
    held = _held(visit, key)
    with held.making, visit.house.verify_seats.seat() as seated:
        if not seated:
            raise Busy
        xml = etsi_report(held.content, held.report)
    return _download(xml, "application/xml", f"{held.report.sha256[:16]}-report.xml")


@router.get("/{key}/slip.pdf")
def slip(visit: Visiting, key: Key) -> Response:
    """“Phiếu kiểm tra chữ ký số”, sealed. Only where the office has a seal for it."""
    held = _held(visit, key)
    sealer = visit.house.sealer
    if sealer is None:
        raise NothingHere
    with held.making, visit.house.verify_seats.seat() as seated:
        if not seated:
            raise Busy
        if held.slip is None:
            held.slip = sealer.sealed(held.report, file_name=held.name, size=len(held.content))
    return _download(held.slip, "application/pdf", f"{held.report.sha256[:16]}-slip.pdf")


@router.get("/{key}/second-opinion")
def second_opinion(visit: Visiting, key: Key) -> Response:
    """What programs that share no code with us say of each signature. A disagreement is written down as every second look's."""
    held = _held(visit, key)
    if not held.report.signatures:
        raise NothingHere
    with held.making, visit.house.opinion_seats.seat() as seated:
        if not seated:
            raise Busy
        if held.look is None:
            held.look = second_look(
                held.content, visit.house.trust, held.report, signature=held.signature, seconds=OPINION_SECONDS
            )
            if held.look.state is State.DIFFERS:
                visit.house.looks.add(held.look, source="web")
    return visit.page("check_opinions.html", held=held, look=held.look)


@router.get("/{key}/revisions/{number}.pdf")
def revision_file(visit: Visiting, key: Key, number: Number) -> Response:
    """The file as it was when this was signed, byte for byte."""
    held = _held(visit, key)
    revision = _revision(held, number)
    return _download(revision.content(held.content), "application/pdf", f"{revision.sha256[:16]}.pdf")


@router.get("/{key}/revisions/{number}")
def changes(visit: Visiting, key: Key, number: Number) -> Response:
    """Which pages look different now from when this was signed, with both pictures of each."""
    held = _held(visit, key)
    revision = _revision(held, number)
    with held.making, visit.house.verify_seats.seat() as seated:
        if not seated:
            raise Busy
        if number not in held.comparisons:
            held.comparisons[number] = compare(held.content, revision.length)
        if held.counts is None:
            held.counts = dict(page_counts(held.content, [each.length for each in held.revisions]))
    return visit.page(
        "check_changes.html",
        held=held,
        revision=revision,
        comparison=held.comparisons[number],
        counts=held.counts,
        changed=[page for page in held.comparisons[number].pages if page.changed],
    )


@router.get("/{key}/revisions/{number}/pages/{page}/{side}.png")
def picture(visit: Visiting, key: Key, number: Number, page: Number, side: Literal["before", "after"]) -> Response:
    """One page then or now, the differences outlined. Drawn as a pair: the other side is asked for next."""
    held = _held(visit, key)
    revision = _revision(held, number)
    with held.making:
        pair = held.pictures.get((number, page))
        if pair is None:
            with visit.house.verify_seats.seat() as seated:
                if not seated:
                    raise Busy
                pair = draw(held.content, revision.length, page)
            held.pictures[number, page] = pair
            if len(held.pictures) > MOST_PICTURES:
                held.pictures.popitem(last=False)
    drawn = pair.before if side == "before" else pair.after
    if drawn is None:
        raise NothingHere
    return Response(drawn, media_type="image/png")


def _held(visit: Visit, key: str) -> CheckResult:
    client = visit.request.client
    if seconds := visit.house.results.pace.wait_seconds(client.host if client else ""):
        raise TooOften(seconds=seconds)
    held = visit.house.results.find(key)
    if held is None:
        raise NothingHere
    return held


def _revision(held: CheckResult, number: int) -> SignedRevision:
    if number > len(held.revisions):
        raise NothingHere
    return held.revisions[number - 1]


def _download(content: bytes, media_type: str, name: str) -> Response:
    """Always as a file with a name of ours: a stranger's file name goes into no header."""
    return Response(content, media_type=media_type, headers={"content-disposition": f'attachment; filename="{name}"'})
