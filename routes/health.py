"""Whether the service lives, is ready, and what it is made of."""

from importlib.metadata import PackageNotFoundError, version

from fastapi import APIRouter
from pydantic import BaseModel

from routes.services import Given
from triage.types import Versions

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """`ok`, or the request fails."""

    status: str = "ok"


class VersionAnswer(BaseModel):
    """The release, and the version of every part that has a say in an answer."""

    release: str
    parts: Versions


@router.get("/healthz")
def healthz() -> Health:
    """Say that the process answers."""
    return Health()


@router.get("/readyz")
def readyz(services: Given) -> Health:
    """Say that models and index are loaded and the store answers; 503 where it does not."""
    services.store.events.last()  # one row: anyone may ask, as often as they like
    return Health()


@router.get("/version")
def read_version(services: Given) -> VersionAnswer:
    """Return the release and the versions of its parts."""
    return VersionAnswer(release=release(), parts=services.pipeline.versions)


def release() -> str:
    """Return the installed version of the project."""
    try:
        return version("triage-311")
    except PackageNotFoundError:
        return "0+source"
