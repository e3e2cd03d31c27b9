"""The door: choose who you are (in a demo), leave, choose a language."""

from dataclasses import dataclass
from http import HTTPStatus
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Form, Query
from fastapi.responses import RedirectResponse, Response

from api.problems import ForeignForm, NothingHere
from api.texts import Language
from api.web.guard import comes_from_here
from api.web.visits import LANGUAGE_COOKIE, Acting, Visit, Visiting, session_cookie
from directory import Appointment, DirectoryBook, Person, PersonId, Role, Unit, UnitId

router = APIRouter()

# From those who sign last to those who only look, as they stand on a school's notice board.
ORDER = (
    Role.PRINCIPAL,
    Role.VICE_PRINCIPAL,
    Role.CLERK,
    Role.HOMEROOM_TEACHER,
    Role.SUBJECT_TEACHER,
    Role.ADMINISTRATOR,
    Role.AUDITOR,
)

LANGUAGE_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Somebody who may be chosen at the door."""

    person: Person
    role: Role
    posts: tuple[Appointment, ...]


@router.get("/")
def entrance(visit: Visiting, onward: Annotated[str, Query(alias="next", max_length=300)] = "") -> Response:
    """Who is signed in goes on to the inbox; everybody else meets the list of people, in a demo."""
    if visit.session is not None:
        return _to("/inbox")
    return visit.page("entrance.html", offices=_offices(visit) if visit.house.demo else (), onward=local(onward))


@router.post("/sign-in")
def sign_in(
    visit: Visiting,
    unit: Annotated[str, Form(max_length=100)],
    person: Annotated[str, Form(max_length=100)],
    onward: Annotated[str, Form(alias="next", max_length=300)] = "",
) -> Response:
    """In a demo: without a password, because nothing in it has value. NothingHere outside one."""
    if not visit.house.demo:
        raise NothingHere
    if not comes_from_here(visit.request.method, visit.request.headers):
        raise ForeignForm
    if unit not in visit.house.store.units():
        raise NothingHere
    known = visit.house.book(UnitId(unit)).person(PersonId(person))
    secret = visit.house.sessions.open(UnitId(unit), known.id)
    answer = _to(local(onward) or "/inbox")
    answer.set_cookie(session_cookie(visit.house), secret, httponly=True, samesite="lax", secure=visit.house.https, path="/")
    return answer


@router.post("/sign-out")
def sign_out(member: Acting) -> Response:
    """The session ends here, not only in the browser."""
    cookie = session_cookie(member.visit.house)
    member.visit.house.sessions.end(member.visit.request.cookies.get(cookie, ""))
    answer = _to("/")
    answer.delete_cookie(cookie, httponly=True, samesite="lax", secure=member.visit.house.https, path="/")
    return answer


@router.get("/language/{language}")
def choose_language(
    language: Language, visit: Visiting, onward: Annotated[str, Query(alias="next", max_length=300)] = ""
) -> Response:
    """Kept in a cookie; back to the page one came from."""
    answer = _to(local(onward) or "/")
    answer.set_cookie(
        LANGUAGE_COOKIE,
        language.value,
        max_age=LANGUAGE_SECONDS,
        httponly=True,
        samesite="lax",
        secure=visit.house.https,
        path="/",
    )
    return answer


def local(path: str) -> str:
    """The path if it leads to a page of this office, else nothing: nobody is sent elsewhere by a crafted link."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain else ""


def _offices(visit: Visit) -> tuple[tuple[Unit, tuple[tuple[Role, tuple[Seat, ...]], ...]], ...]:
    books = [visit.house.book(unit) for unit in visit.house.store.units()]
    return tuple((book.unit, _seats(visit, book)) for book in books)


def _seats(visit: Visit, book: DirectoryBook) -> tuple[tuple[Role, tuple[Seat, ...]], ...]:
    seats = []
    for person in book.people:
        posts = book.posts(person.id, visit.today())
        if posts:
            first = min((post.role for post in posts), key=ORDER.index)
            seats.append(Seat(person=person, role=first, posts=posts))
    seats.sort(key=lambda seat: (ORDER.index(seat.role), given_name_first(seat.person.name)))
    return tuple((role, tuple(group)) for role, group in groupby(seats, key=lambda seat: seat.role))


def given_name_first(name: str) -> tuple[str, str]:
    """Vietnamese lists are sorted by the given name, the last word."""
    family, _, given = name.rpartition(" ")
    return given, family


def _to(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=HTTPStatus.SEE_OTHER)
