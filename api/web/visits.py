"""Somebody visits a page: in which language, signed in or not, and how the page is made for them."""

import re
import secrets
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Form, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api import texts
from api.problems import ForeignForm, SignInFirst
from api.texts import Language
from api.web.assets import read_manifest
from api.web.guard import comes_from_here
from api.web.house import House
from api.web.sessions import Session
from directory import DirectoryBook, Person, PersonId, UnitId
from signing.visible import visible
from workflow.calendar import VIETNAM

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
LANGUAGE_COOKIE = "soky_language"


def session_cookie(house: House) -> str:
    """The prefix binds the cookie to this host and to HTTPS; browsers refuse it on the plain HTTP of a demo."""
    return "__Host-soky" if house.https else "soky_session"


# Forms that are sent to the address of their own page; all others go one segment below it.
OWN_ADDRESS = frozenset({"/verify", "/cases/new"})


def page_of(path: str) -> str:
    """The page whose form is sent to `path`: what can be opened again, in another language too.

    >>> page_of("/tasks/class_book-9a/principal_signs%231/sign")
    '/tasks/class_book-9a/principal_signs%231'
    """
    return path if path in OWN_ADDRESS else path.rpartition("/")[0] or "/"


class Visit:
    """One request of one visitor."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.house: House = request.app.state.house
        chosen = request.cookies.get(LANGUAGE_COOKIE, "")
        self.language = Language(chosen) if chosen in set(Language) else Language.VI

    @cached_property
    def session(self) -> Session | None:
        """Looked up once per request."""
        secret = self.request.cookies.get(session_cookie(self.house))
        return self.house.sessions.find(secret) if secret else None

    @cached_property
    def book(self) -> DirectoryBook | None:
        """The directory of the unit that this visitor belongs to."""
        return self.house.book(self.session.unit) if self.session else None

    def say(self, key: str, **values: object) -> str:
        """Words of the catalogue in the visitor's language."""
        return texts.text(self.language, key, **values)

    def side(self, message: str) -> str:
        """The visitor's side of a message that holds both languages."""
        return texts.one_side(message, self.language)

    def today(self) -> date:
        """The day in Vietnam."""
        return self.house.clock().astimezone(VIETNAM).date()

    def name_of(self, person: PersonId | UnitId | None) -> str:
        """A person's or the unit's name; the id of somebody the directory no longer knows; the system for nobody."""
        if person is None:
            return self.say("word.system")
        if self.book is not None:
            if person == self.book.unit.id:
                return self.book.unit.name
            return next((known.name for known in self.book.people if known.id == person), str(person))
        return str(person)

    def page(self, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        """A whole page, in the visitor's language."""
        return HTMLResponse(self.rendered(template, **values), status_code=status)

    def rendered(self, template: str, **values: Any) -> str:
        """The text of a page or of a part of it."""
        return environment().get_template(template).render(self.surroundings() | values)

    def surroundings(self) -> dict[str, Any]:
        """What every template may use."""
        return {
            "visit": self,
            "t": self.say,
            "side": self.side,
            "name_of": self.name_of,
            "lang": self.language.value,
            "assets": read_manifest(),
            "token": self.session.token if self.session else "",
            "who": self.name_of(self.session.person) if self.session else "",
            "demo": self.house.demo,
            "path": self.request.url.path if self.request.method == "GET" else page_of(self.request.url.path),
            "now": self.house.clock(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A visitor who is signed in."""

    visit: Visit
    session: Session
    person: Person

    @property
    def id(self) -> PersonId:
        """Who acts."""
        return self.person.id


def visiting(request: Request) -> Visit:
    """Anybody."""
    return Visit(request)


def reading(visit: Annotated[Visit, Depends(visiting)]) -> Member:
    """Somebody who is signed in. SignInFirst otherwise."""
    if visit.session is None or visit.book is None:
        raise SignInFirst
    return Member(visit=visit, session=visit.session, person=visit.book.person(visit.session.person))


def acting(member: Annotated[Member, Depends(reading)], token: Annotated[str, Form(max_length=100)] = "") -> Member:
    """Somebody who is signed in and whose form is one of ours. ForeignForm otherwise."""
    request = member.visit.request
    if not comes_from_here(request.method, request.headers) or not secrets.compare_digest(
        token.encode(), member.session.token.encode()
    ):
        raise ForeignForm
    return member


Visiting = Annotated[Visit, Depends(visiting)]
Reading = Annotated[Member, Depends(reading)]
Acting = Annotated[Member, Depends(acting)]


def environment() -> Environment:
    """Made once. An undefined name in a template is a mistake of ours and raises."""
    return _ENVIRONMENT


def _made() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    made.filters["moment"] = texts.moment
    made.filters["moment_exact"] = texts.moment_exact
    made.filters["day"] = texts.day
    made.filters["size"] = texts.size
    return made


def _shown(value: Any) -> Any:
    """A stranger's words turn no page around; line breaks may stay, a browser makes spaces of them."""
    if type(value) is not str or value.isprintable():
        return value
    return _OF_ONE_LINE.sub(lambda found: visible(found.group()), value)


_OF_ONE_LINE = re.compile(r"[^\n\r\t]+")
_ENVIRONMENT = _made()
