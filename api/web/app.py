"""The web application, assembled.

    app = create_app(house)

Routes are plain functions: FastAPI runs each in a thread, and everything behind them is synchronous.
"""

from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api import texts
from api.problems import EXPECTED, Problem, SignInFirst, Unwelcome, fault, problem_of
from api.web import cases, check_results, checks, entrance, health, inbox, revisions, tasks
from api.web.assets import DIST
from api.web.guard import Guard
from api.web.house import House
from api.web.visits import Visit, page_of

# What Starlette itself raises, in words of the catalogue.
HTTP_CODES = {
    HTTPStatus.NOT_FOUND: "NOT_FOUND",
    HTTPStatus.METHOD_NOT_ALLOWED: "NOT_FOUND",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "TOO_LARGE",
    HTTPStatus.SERVICE_UNAVAILABLE: "BUSY",
    HTTPStatus.REQUEST_TIMEOUT: "TOO_SLOW",
}


def create_app(house: House) -> FastAPI:
    """The pages of one office."""
    app = FastAPI(title="Soky", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.house = house
    for place in (entrance, inbox, tasks, cases, revisions, checks, check_results, health):
        app.include_router(place.router)
    app.mount("/static", Kept(directory=DIST, check_dir=False))
    app.add_middleware(Guard, https=house.https)
    app.add_exception_handler(Unwelcome, _unwelcome)
    for kind in EXPECTED:
        app.add_exception_handler(kind, _expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _fault)
    return app


class Kept(StaticFiles):
    """Bundles whose names change with their content: a browser may keep them for ever."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be kept for a year."""
        answer = await super().get_response(path, scope)
        if answer.status_code == HTTPStatus.OK:
            answer.headers["cache-control"] = "public, max-age=31536000, immutable"
        return answer


def _unwelcome(request: Request, error: Exception) -> Response:
    assert isinstance(error, Unwelcome)  # noqa: S101 - registered for this class alone
    if isinstance(error, SignInFirst) and request.method == "GET" and not _wants_json(request):
        onward = request.url.path if request.url.path != "/" else ""
        return RedirectResponse(f"/?next={onward}", status_code=HTTPStatus.SEE_OTHER)
    return _answer(request, Problem(status=error.status, code=error.code, detail=""), error.values)


def _expected(request: Request, error: Exception) -> Response:
    return _answer(request, problem_of(error))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED and request.method == "GET":
        # Somebody reloads the answer to a form from the address bar: its page is where the form was.
        return RedirectResponse(page_of(request.url.path), status_code=HTTPStatus.SEE_OTHER)
    return _answer(request, Problem(status=error.status_code, code=_http_code(error.status_code), detail=""))


def _http_code(status: int) -> str:
    return next((code for known, code in HTTP_CODES.items() if known == status), "BAD_REQUEST")


def _invalid(request: Request, error: Exception) -> Response:
    # FastAPI's own answer repeats what was sent, a PIN included: it is never used.
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    if all(fault["loc"][0] == "path" for fault in error.errors()):
        return _answer(request, Problem(status=HTTPStatus.NOT_FOUND, code="NOT_FOUND", detail=""))
    return _answer(request, Problem(status=HTTPStatus.UNPROCESSABLE_ENTITY, code="BAD_REQUEST", detail=""))


def _fault(request: Request, error: Exception) -> Response:
    number = fault(f"{request.method} {request.url.path}", error)
    return _answer(request, Problem(status=HTTPStatus.INTERNAL_SERVER_ERROR, code="FAULT", detail=""), {"number": number})


def _answer(request: Request, problem: Problem, values: dict[str, object] | None = None) -> Response:
    visit = Visit(request)
    title = visit.say(_key(problem.code), **(values or {}))
    detail = visit.side(problem.detail)
    if _wants_json(request):
        body = {"type": f"urn:soky:{problem.code}", "status": problem.status, "code": problem.code, "title": title}
        if detail:
            body["detail"] = detail
        return JSONResponse(body, status_code=problem.status, media_type="application/problem+json")
    return visit.page("problem.html", status=problem.status, problem=problem, title=title, detail=detail)


def _key(code: str) -> str:
    return f"problem.{code}" if texts.has_text(f"problem.{code}") else "problem.REFUSED"


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept
