"""What a supervisor asks: is the process there, and can it work?"""

from collections.abc import Callable
from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import JSONResponse, PlainTextResponse

from api.web.assets import read_manifest
from api.web.house import House
from api.web.visits import Visiting
from workflow.events import Digest

router = APIRouter()


@router.get("/healthz")
def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
def readyz(visit: Visiting) -> JSONResponse:
    """Database, blobs and log answer, and the page assets are there. 503 and which one if not; never why, to strangers."""
    checks = {name: _works(check, visit.house) for name, check in CHECKS.items()}
    status = HTTPStatus.OK if all(checks.values()) else HTTPStatus.SERVICE_UNAVAILABLE
    return JSONResponse(checks, status_code=status)


def _blobs(house: House) -> bool:
    """A kept blob can be read; nothing is written for a stranger's question."""
    unit = next(iter(house.store.units()))
    pictures = [person.picture for person in house.book(unit).people if person.picture]
    return not pictures or bool(house.store.get(Digest(pictures[0])))


CHECKS: dict[str, Callable[[House], bool]] = {
    "database": lambda house: bool(house.store.units()),
    "blobs": _blobs,
    "log": lambda house: bool(house.log.checkpoint()),
    "assets": lambda _: bool(read_manifest()),
}


def _works(check: Callable[[House], bool], house: House) -> bool:
    try:
        return check(house)
    except Exception:  # noqa: BLE001 - whatever is wrong, the answer is that it does not work
        return False
