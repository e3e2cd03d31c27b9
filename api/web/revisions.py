"""A document's revisions: to read on the screen, page by page and as text, and to take home as the file that it is."""

from functools import partial
from http import HTTPStatus
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi import Path as InPath
from fastapi.responses import Response

from api.problems import NothingHere
from api.web.pictures import WIDTHS, NoSuchPage, PageText
from api.web.visits import Member, Reading
from workflow.events import Digest
from workflow.store import DocumentRecord

router = APIRouter()

DigestInPath = Annotated[str, InPath(pattern="^[0-9a-f]{64}$")]

# The bytes of a digest never change; but only who may see them keeps them.
KEPT = "private, max-age=31536000, immutable"


@router.get("/revisions/{digest}")
def revision(member: Reading, digest: DigestInPath) -> Response:
    """One revision to read: every page as a picture, with its text."""
    document = known(member, digest)
    return member.visit.page(
        "revision.html",
        member=member,
        document=document,
        digest=digest,
        number=document.revisions.index(Digest(digest)) + 1,
        pages=pages(member, digest),
    )


@router.get("/revisions/{digest}/file")
def file(member: Reading, digest: DigestInPath) -> Response:
    """The file itself, always as a download: a browser's own viewer says nothing true about signatures."""
    document = known(member, digest)
    content = member.visit.house.office.revision(member.id, Digest(digest))
    number = document.revisions.index(Digest(digest)) + 1
    name = f"{document.title} ({number}).pdf".replace("/", "-").replace('"', "")
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "content-disposition": f"attachment; filename=\"{digest[:12]}.pdf\"; filename*=UTF-8''{quote(name)}",
            "cache-control": KEPT,
        },
    )


@router.get("/revisions/{digest}/pages/{number}.png")
def picture(
    member: Reading, digest: DigestInPath, number: int, width: Annotated[int, Query(ge=1, le=4000)] = WIDTHS[0]
) -> Response:
    """One page as a picture, in one of two widths."""
    known(member, digest)
    try:
        drawn = member.visit.house.pictures.png(digest, number, width, _content(member, digest))
    except NoSuchPage as none:
        raise NothingHere from none
    return Response(drawn, status_code=HTTPStatus.OK, media_type="image/png", headers={"cache-control": KEPT})


def pages(member: Member, digest: str) -> tuple[PageText, ...]:
    """The pages of a revision with their text, for templates/pages.html."""
    return member.visit.house.pictures.pages(digest, _content(member, digest))


def known(member: Member, digest: str) -> DocumentRecord:
    """The document that these bytes are a revision of. NotKept if there is none that this person may see."""
    office = member.visit.house.office
    office.revision(member.id, Digest(digest))
    return member.visit.house.store.holding(Digest(digest))[0]


def _content(member: Member, digest: str) -> partial[bytes]:
    return partial(member.visit.house.office.revision, member.id, Digest(digest))
